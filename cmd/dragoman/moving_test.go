package main

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/esnode"
	"github.com/dragoman-booking/dragoman/internal/eventlog"
	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// TestMovingHouse moves a deployment from its data folder to a store of its own and back into another folder, killing the move in each of its passes. A node
// that runs alone stands in for the cluster. Nobody can move while a server runs, or with another deployment's database; where the log was, every start is
// refused and says where it went; where it arrived, the same events lie, every read model equals the log, and life goes on.
func TestMovingHouse(t *testing.T) {
	t.Parallel()
	d := newSource(t)
	for i := range 60 {
		d.books.do("POST", "/bookings", faceToFace(d.location, "2032-06-03T10:00", 30+i))
	}
	key := filepath.Join(d.data, "master.key")
	store := startProcess(t, "eventstore", "--data", t.TempDir(), "--listen", esnode.FixedAddress(t), "--log-level", "error")
	args := func(words ...string) []string {
		return append(words, "--database-url", d.database, "--master-key-file", key, "--erasure-list-file", d.data+".erasures")
	}
	refused := func(why string, words ...string) {
		t.Helper()
		_, err := told(t, "", words...)
		if err == nil || !strings.Contains(err.Error(), why) || lineCount(err.(*refusedStart).said) != 1 {
			t.Errorf("%s: %v, want one line with %q", strings.Join(words[:2], " "), err, why)
		}
	}
	refused("serves from the data folder", args("eventstore", "export", store.base, "--data", d.data)...)
	refused("a process of this deployment runs", args("eventstore", "import", store.base, "--data", t.TempDir())...)
	before := allEvents(t, d.data)
	d.server.stop(t)
	refused("the database to", "eventstore", "export", store.base, "--data", d.data, "--database-url", postgres.TestURL(t))
	refused("holds no deployment", args("eventstore", "import", store.base, "--data", t.TempDir())...)

	// Through a slow line, so that a kill finds the copy half done: first into a store that is given up, then into the one to stay in.
	lost := startProcess(t, "eventstore", "--data", t.TempDir(), "--listen", esnode.FixedAddress(t), "--log-level", "error")
	var pause atomic.Int64
	pause.Store(int64(100 * time.Millisecond)) // time enough for the kill
	slowLost, slowStore := slowly(t, lost.base, &pause), slowly(t, store.base, &pause)
	export := args("eventstore", "export", slowStore, "--data", d.data)
	halfWay := func(url, store string) {
		t.Helper()
		half := spawn(t, args("eventstore", "export", url, "--data", d.data)...)
		soon(t, "some events have arrived", func() bool { return len(eventsAt(t, store)) > 20 })
		half.kill()
		if n := len(eventsAt(t, store)); n >= len(before) {
			t.Fatalf("the kill came too late: %d of %d events had arrived", n, len(before))
		}
	}
	halfWay(slowLost, lost.base)
	to := func(url string) string { return "to " + strings.TrimSuffix(url, "?tls=false") }
	refused("is being moved "+to(slowLost), args("serve", "--data", d.data, "--listen", "127.0.0.1:0")...)
	refused("is being moved "+to(slowLost)+" already", export...)
	refused("is not complete yet", args("serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--eventstore-url", lost.base)...)
	tell(t, "", args("eventstore", "export", "--call-off", "--data", d.data)...)
	tell(t, "", args("verify", "--data", d.data)...)
	hideBeginning(t, lost.base)
	refused("$metadata of stream agency", args("eventstore", "import", lost.base, "--data", t.TempDir())...)
	halfWay(slowStore, store.base)
	pause.Store(int64(15 * time.Millisecond))
	killedAndMoved := func(words ...string) {
		t.Helper()
		for _, pass := range []string{"copying ", "comparing "} {
			p := spawn(t, words...)
			said := p.saysOrEnds(t, pass)
			p.kill()
			if !said { // the kill before came too late, or this one
				break
			}
		}
		if out, err := told(t, "", words...); err == nil && !strings.Contains(out, "moved: ") || err != nil && !strings.Contains(err.Error(), "has moved to") {
			t.Errorf("%s: %s %v", strings.Join(words[:2], " "), out, err) // a kill may have come too late
		}
	}
	killedAndMoved(export...)
	refused("it has moved "+to(slowStore), args("serve", "--data", d.data, "--listen", "127.0.0.1:0")...)
	refused("it has moved to", args("verify", "--data", d.data)...)

	lives := func(words ...string) {
		t.Helper()
		if said := tell(t, "", append([]string{"verify"}, words...)...); strings.Count(said, " 0 differences") != len(projectors()) {
			t.Errorf("verify says %s", said)
		}
		server := startProcess(t, append(append([]string{"demo", "--small"}, words...), "--listen", "127.0.0.1:0", "--log-level", "error")...)
		defer server.stop(t)
		books := signIn(t, server.base, "requestor")
		books.do("POST", "/bookings", faceToFace(d.location, "2033-06-03T10:00", 60))
		soon(t, "the reaction has gone on", func() bool {
			seen := scrape(t, server.base)
			return seen[`dragoman_reaction_state{reaction="holds",state="running"}`] == 1 && seen[`dragoman_reaction_position{reaction="holds"}`] == seen["dragoman_log_position"]
		})
	}
	away := t.TempDir()
	lives(args("--data", away, "--eventstore-url", store.base)...)
	there := eventsAt(t, store.base)
	if len(there) <= len(before) {
		t.Fatalf("%d events arrived or came after, want more than %d", len(there), len(before))
	}
	for i, e := range before {
		if there[i].ID != e.ID || there[i].Stream != e.Stream || there[i].Revision != e.Revision || string(there[i].Data) != string(e.Data) || string(there[i].Metadata) != string(e.Metadata) {
			t.Fatalf("event %d arrived as another", i)
		}
	}

	back := t.TempDir()
	killedAndMoved(args("eventstore", "import", store.base, "--data", back)...)
	refused("it has moved to the embedded event log in", args("serve", "--data", away, "--listen", "127.0.0.1:0", "--eventstore-url", store.base)...)
	lives(args("--data", back)...)
}

// hideBeginning hides the first events of the agency's stream, as anybody's client can. Then nobody takes the log for an empty one.
func hideBeginning(t *testing.T, url string) {
	t.Helper()
	config, err := esdb.ParseConnectionString(url)
	if err != nil {
		t.Fatal(err)
	}
	c, err := esdb.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var one esdb.StreamMetadata
	one.SetMaxCount(1)
	if _, err := c.SetStreamMetadata(t.Context(), eventschema.Agency, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, one); err != nil {
		t.Fatal(err)
	}
	log, err := eventlog.Open(t.Context(), url, eventlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close(context.WithoutCancel(t.Context()))
	if id, _, err := deploymentOf(t.Context(), log, eventschema.NewCodec(nil)); !errors.Is(err, errHidden) {
		t.Errorf("a log whose beginning is hidden belongs to %s, %v, want %v", id, err, errHidden)
	}
}

// slowly is a store through a line that takes its time over every answer.
func slowly(t *testing.T, url string, pause *atomic.Int64) string {
	t.Helper()
	address := strings.TrimSuffix(strings.TrimPrefix(url, "esdb://"), "?tls=false")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", address)
			if err != nil {
				client.Close()
				continue
			}
			go func() {
				defer server.Close()
				_, _ = io.Copy(server, client)
			}()
			go func() {
				defer client.Close()
				for answer := make([]byte, 64<<10); ; {
					n, err := server.Read(answer)
					if err != nil {
						return
					}
					time.Sleep(time.Duration(pause.Load())) // the line is slow: that is the point
					if _, err := client.Write(answer[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return "esdb://" + l.Addr().String() + "?tls=false"
}

// eventsAt is everything of ours in a store.
func eventsAt(t *testing.T, url string) (all []eventschema.Stored) {
	t.Helper()
	log, err := eventlog.Open(t.Context(), url, eventlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close(context.WithoutCancel(t.Context()))
	if err := log.ReadAll(t.Context(), eventschema.Position{}, func(e eventschema.Stored) error {
		all = append(all, e)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}
