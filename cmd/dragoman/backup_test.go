package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/backup"
	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// TestBackupsUnderLoad backs a server up while clients book, offer and assign, and erases people before, during and after each backup. Each is
// restored on empty places: the log is the source's up to the position in the manifest, everything that was acknowledged before the backup began is
// there, every event opens (no key is missing), no file is missing, `verify` is clean, and whoever was erased at any time stays erased, with no
// login left. DRAGOMAN_BACKUPS sets how many.
func TestBackupsUnderLoad(t *testing.T) {
	t.Parallel()
	rounds := 2
	if n, err := strconv.Atoi(os.Getenv("DRAGOMAN_BACKUPS")); err == nil {
		rounds = n
	}
	d := newSource(t)
	for round := range rounds {
		idle := d.load(round)
		d.noted.wait(t, 40)
		d.file(round)
		before := d.person(round, "before")
		d.erase(before)
		during, after := d.person(round, "during"), d.person(round, "after")
		acknowledged := d.noted.acknowledged()

		into := filepath.Join(t.TempDir(), "backup")
		making := spawn(t, "backup", into, "--data", d.data, "--database-url", d.database, "--log-level", "error")
		d.erase(during) // tried again for as long as the backup takes
		if err := making.end(t); err != nil {
			t.Fatalf("backup: %v: %s", err, making.errOut)
		}
		if said := making.out.String(); !strings.Contains(said, "is whole") || !strings.Contains(said, "master key is NOT in it") {
			t.Errorf("backup says %q", said)
		}
		d.erase(after)
		idle()

		r := d.restore(into)
		r.compareLog(d, acknowledged)
		r.compareErased(before, during, after)
		if text, err := os.ReadFile(filepath.Join(r.data, "files", "uploads", strconv.Itoa(round))); err != nil || len(text) == 0 {
			t.Errorf("a file is missing: %v", err)
		}
		if said := tell(t, "", append([]string{"verify"}, r.args()...)...); strings.Count(said, " 0 differences") != len(projectors()) {
			t.Errorf("verify says %s", said)
		}
		if round == rounds-1 {
			r.serve(before, during, after)
		}
	}
	if at := scrape(t, d.base.Load().(string))["dragoman_last_backup_timestamp_seconds"]; time.Since(time.Unix(int64(at), 0)) > time.Hour {
		t.Errorf("the last backup was made at %v", at)
	}
}

// source is a server to back up.
type source struct {
	t              *testing.T
	server         *process
	data, database string
	base           *atomic.Value
	location       string
	noted          *journal
	admin, books   *client
}

func newSource(t *testing.T) *source {
	t.Helper()
	d := &source{t: t, data: t.TempDir(), database: postgres.TestURL(t), base: &atomic.Value{}, noted: newJournal()}
	d.server = startProcess(t, "demo", "--small", "--data", d.data, "--database-url", d.database, "--listen", "127.0.0.1:0", "--log-level", "error")
	d.base.Store(d.server.base)
	d.admin, d.books = signIn(t, d.server.base, "admin"), signIn(t, d.server.base, "requestor")
	d.location = d.books.get("/locations").items()[0]["id"].(string)
	return d
}

// load has clients work until idle is called.
func (d *source) load(round int) (idle func()) {
	const clients = 6
	ctx, stop := context.WithCancel(d.t.Context())
	var working sync.WaitGroup
	for n := range clients {
		working.Go(func() { newLife(d.t, d.base, d.noted, d.location, round*clients+n).live(ctx) })
	}
	idle = func() {
		stop()
		working.Wait()
	}
	d.t.Cleanup(idle) // also when the test ends early
	return idle
}

// file puts a file where uploads lie.
func (d *source) file(round int) {
	d.t.Helper()
	dir := filepath.Join(d.data, "files", "uploads")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(round)), bytes.Repeat([]byte("scan"), 1+round), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// person is somebody to erase: the speaker of a booking, and a user.
type person struct{ booking, name, user, username string }

func (d *source) person(round int, when string) person {
	d.t.Helper()
	p := person{name: fmt.Sprintf("Speaker %s %d", when, round), username: fmt.Sprintf("%s.%d", when, round)}
	wish := faceToFace(d.location, "2032-06-03T10:00", 60)
	wish["fields"].(map[string]any)["nonEnglishSpeaker"] = p.name
	p.booking = d.books.do("POST", "/bookings", wish).body["bookingId"].(string)
	p.user = d.admin.do("POST", "/users", map[string]any{"username": p.username, "name": "User " + p.name, "email": p.username + "@example.org",
		"password": "a long enough phrase", "role": "finance"}).body["id"].(string)
	return p
}

// erase erases both, however long a backup keeps it waiting.
func (d *source) erase(p person) {
	d.t.Helper()
	for _, what := range []map[string]any{{"booking": p.booking, "reason": "request"}, {"user": p.user, "reason": "request"}} {
		for {
			r := d.admin.send("POST", "/api/v1/erasures", what, nil)
			if r.status == http.StatusNoContent {
				break
			}
			if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
				d.t.Fatalf("erase %v: %d %s", what, r.status, r.raw)
			}
		}
	}
}

// acknowledged is what has been acknowledged so far.
func (j *journal) acknowledged() []acked {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.facts[:len(j.facts):len(j.facts)]
}

// restored is a backup restored on empty places.
type restored struct {
	t                                   *testing.T
	from, data, database, key, erasures string
}

func (d *source) restore(from string) *restored {
	d.t.Helper()
	r := &restored{d.t, from, filepath.Join(d.t.TempDir(), "data"), postgres.TestEmptyURL(d.t), filepath.Join(d.data, "master.key"), d.data + ".erasures"}
	if said := tell(d.t, "", append([]string{"restore", from}, r.args()...)...); !strings.Contains(said, "restored: ") {
		d.t.Errorf("restore says %q", said)
	}
	return r
}

func (r *restored) args() []string {
	return []string{"--data", r.data, "--database-url", r.database, "--master-key-file", r.key, "--erasure-list-file", r.erasures}
}

// open opens the restored stores in this process.
func (r *restored) open() *house {
	r.t.Helper()
	c := &Config{Data: r.data, DatabaseURL: r.database, MasterKeyFile: r.key, ErasureList: r.erasures, MinFreeDisk: "0"}
	h, err := openStores(r.t.Context(), &stage{ctx: r.t.Context(), out: io.Discard, errOut: io.Discard, log: slog.New(slog.DiscardHandler)}, c)
	if err != nil {
		r.t.Fatal(err)
	}
	return h
}

// compareLog holds the restored log against the source's and what was acknowledged, and opens every event.
func (r *restored) compareLog(d *source, acknowledged []acked) {
	r.t.Helper()
	b, err := backup.Open(r.from, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	all := allEvents(r.t, d.data)
	if int64(len(all)) < b.Log.Events || all[b.Log.Events-1].ID != b.Log.Event || all[b.Log.Events-1].Position.Commit != b.Log.Commit {
		r.t.Fatalf("the manifest names event %s at %d as number %d, the log does not", b.Log.Event, b.Log.Commit, b.Log.Events)
	}
	h := r.open()
	defer h.close()
	commands, n := map[uuid.UUID]bool{}, 0
	err = h.events.ReadAll(r.t.Context(), eventschema.Position{}, func(e eventschema.Stored) error {
		if n == int(b.Log.Events) {
			return fmt.Errorf("the restored log goes on behind the backup's end")
		}
		want := all[n]
		n++
		if e.Stream != want.Stream || e.Revision != want.Revision || e.ID != want.ID || e.Type != want.Type || !bytes.Equal(e.Data, want.Data) || !bytes.Equal(e.Metadata, want.Metadata) {
			return fmt.Errorf("event %d is not the source's", n)
		}
		opened, err := h.codec.Decode(r.t.Context(), e)
		if err != nil {
			return fmt.Errorf("event %d of %s does not open: %w", e.Revision, e.Stream, err)
		}
		commands[opened.Meta.CommandID] = true
		return nil
	})
	if err != nil || n != int(b.Log.Events) {
		r.t.Errorf("the restored log: %d events of %d, %v", n, b.Log.Events, err)
	}
	for _, fact := range acknowledged {
		if !commands[fact.command] {
			r.t.Errorf("an acknowledged %s of %s is not in the backup", fact.event, fact.job)
		}
	}
}

// compareErased looks for what was erased: in the opened log, and among the logins.
func (r *restored) compareErased(gone ...person) {
	r.t.Helper()
	h := r.open()
	defer h.close()
	var text strings.Builder
	err := h.events.ReadAll(r.t.Context(), eventschema.Position{}, func(e eventschema.Stored) error {
		opened, err := h.codec.Decode(r.t.Context(), e)
		if err != nil {
			return err
		}
		return json.NewEncoder(&text).Encode(opened.Event)
	})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range gone {
		if !strings.Contains(text.String(), p.booking) && !strings.Contains(text.String(), p.user) {
			r.t.Errorf("%s is not in the backup at all", p.name)
		}
		if strings.Contains(text.String(), p.name) {
			r.t.Errorf("%s was erased and can be read again", p.name)
		}
		if user, err := h.accounts.UserByName(r.t.Context(), p.username); err == nil {
			r.t.Errorf("%s was erased and has a login again: %s", p.username, user)
		}
	}
}

// serve starts the restored deployment: it works, and goes on working.
func (r *restored) serve(gone ...person) {
	r.t.Helper()
	server := startProcess(r.t, append(append([]string{"demo", "--small"}, r.args()...), "--listen", "127.0.0.1:0", "--log-level", "error")...)
	defer server.stop(r.t)
	books, assigner := signIn(r.t, server.base, "requestor"), signIn(r.t, server.base, "assigner")
	for _, p := range gone {
		c := &client{t: r.t, base: server.base}
		if in := c.send("POST", "/api/v1/sessions", map[string]any{"username": p.username, "password": "a long enough phrase"}, nil); in.status != http.StatusUnauthorized {
			r.t.Errorf("the erased %s signs in: %d", p.username, in.status)
		}
	}
	location := books.get("/locations").items()[0]["id"].(string)
	ref := books.do("POST", "/bookings", faceToFace(location, "2033-06-03T10:00", 60)).body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
	assigner.job(ref, "take", map[string]any{})
	if got := assigner.get("/jobs/"+ref, books); got.body["status"] != "new" {
		r.t.Errorf("a job booked after the restore: %s", got.raw)
	}
	soon(r.t, "the reaction has gone on", func() bool {
		seen := scrape(r.t, server.base)
		return seen[`dragoman_reaction_state{reaction="holds",state="running"}`] == 1 && seen[`dragoman_reaction_position{reaction="holds"}`] == seen["dragoman_log_position"]
	})
}
