package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dragoman-booking/dragoman/internal/esnode"
	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// TestBackupBesideACluster: with a store of its own the backup holds kept and files alone. The store's backup, made before, is restored first; kept then
// fits it: reactions that were further go back to its end, and whoever was erased since stays erased. A log that goes on beyond the backup's keys is
// refused, as is no log at all. A node that runs alone stands in for the cluster, a copy of its folder for its backup.
func TestBackupBesideACluster(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	address := esnode.FixedAddress(t)
	startStore := func(folder, address string) *process {
		t.Helper()
		return startProcess(t, "eventstore", "--data", folder, "--listen", address, "--log-level", "error")
	}
	store := startStore(folder, address)
	d := &source{t: t, data: t.TempDir(), database: postgres.TestURL(t), base: &atomic.Value{}}
	args := []string{"--data", d.data, "--database-url", d.database, "--eventstore-url", store.base}
	start := func(what ...string) {
		d.server = startProcess(t, append(append(what, args...), "--listen", "127.0.0.1:0", "--log-level", "error")...)
		d.admin, d.books = signIn(t, d.server.base, "admin"), signIn(t, d.server.base, "requestor")
	}
	start("demo", "--small")
	d.location = d.books.get("/locations").items()[0]["id"].(string)
	gone := d.person(0, "since")
	d.server.stop(t)
	store.stop(t)
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}

	store = startStore(folder, address)
	start("demo", "--small")
	d.erase(gone)
	late := d.person(0, "late")
	soon(t, "the reactions have seen it", func() bool {
		seen := scrape(t, d.server.base)
		return seen[`dragoman_reaction_position{reaction="holds"}`] == seen["dragoman_log_position"] &&
			seen[`dragoman_reaction_position{reaction="erasures"}`] == seen["dragoman_log_position"]
	})
	into := filepath.Join(t.TempDir(), "backup")
	if said := tell(t, "", append([]string{"backup", into}, args...)...); !strings.Contains(said, "not the event log") {
		t.Errorf("backup says %q", said)
	}
	if _, err := os.Stat(filepath.Join(into, "log.jsonl.gz")); err == nil {
		t.Error("the backup holds a log")
	}
	d.person(1, "beyond")
	d.server.stop(t)

	place := func() *restored {
		return &restored{t, into, filepath.Join(t.TempDir(), "data"), postgres.TestEmptyURL(t), filepath.Join(d.data, "master.key"), d.data + ".erasures"}
	}
	refused := func(why string, args ...string) {
		t.Helper()
		r := place()
		if _, err := told(t, "", append(append([]string{"restore", into}, r.args()...), args...)...); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("restore: %v, want %q", err, why)
		}
		if _, err := os.Stat(filepath.Join(r.data, restoringName)); err == nil {
			t.Errorf("refused because of %q, and yet begun", why)
		}
		if there, err := query[bool](t, r.database, `select to_regnamespace('kept') is not null`); err != nil || there {
			t.Errorf("refused because of %q, and yet there is a schema kept: %v, %v", why, there, err)
		}
	}
	refused("holds no event log")
	refused("the keys in this backup reach only to", "--eventstore-url", store.base)
	empty := startStore(t.TempDir(), esnode.FixedAddress(t))
	refused("the event log holds no deployment", "--eventstore-url", empty.base)
	empty.stop(t)

	other := startStore(copied, esnode.FixedAddress(t))
	r := place()
	there := append(r.args(), "--eventstore-url", other.base)
	if said := tell(t, "", append([]string{"restore", into}, there...)...); !strings.Contains(said, "2 reactions set back") {
		t.Errorf("restore says %q", said)
	}
	if said := tell(t, "", append([]string{"verify"}, there...)...); strings.Count(said, " 0 differences") != len(projectors()) {
		t.Errorf("verify says %s", said)
	}
	if _, err := told(t, "", append([]string{"token", "create", gone.username, "x"}, there...)...); err == nil {
		t.Error("a user who was erased since the log's backup has a login")
	}
	if _, err := told(t, "", append([]string{"token", "create", late.username, "x"}, there...)...); err == nil {
		t.Error("a user whom the log does not know yet has a login, so the name is taken for ever")
	}
	d.data, args = r.data, there
	d.server = startProcess(t, append(append([]string{"demo", "--small"}, there...), "--listen", "127.0.0.1:0", "--log-level", "error")...)
	d.admin, d.books = signIn(t, d.server.base, "admin"), signIn(t, d.server.base, "requestor")
	d.person(0, "late") // the name is free
	soon(t, "the reaction has gone on", func() bool {
		seen := scrape(t, d.server.base)
		return seen[`dragoman_reaction_state{reaction="holds",state="running"}`] == 1 && seen[`dragoman_reaction_position{reaction="holds"}`] == seen["dragoman_log_position"]
	})
	d.server.stop(t)
}
