package measure

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/dragoman-booking/dragoman/internal/esnode"
	"github.com/dragoman-booking/dragoman/internal/esnode/log"
	"github.com/dragoman-booking/dragoman/internal/esnode/rawclient"
)

// A filled folder is a whole log of the size asked for, and the writers know how its streams stand, also when each had several turns.
func TestFilledFolderTakesTheWritersAppends(t *testing.T) {
	t.Parallel()
	const events, appends = 200, 500
	dir := filepath.Join(t.TempDir(), "log")
	load := NewLoad(events)
	if err := load.Fill(t.Context(), dir, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if r, err := esnode.Check(t.Context(), dir); err != nil || len(r.Faults) > 0 || r.Events != events || r.Streams != events/StreamEvents {
		t.Fatalf("check: %+v, %v", r, err)
	}
	node := esnode.RunT(t, func(c *esnode.Config) { c.Dir = dir })
	raw, err := OpenRaw(node.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	w := load.Writer()
	for range appends {
		if err := raw.Append(t.Context(), w.Next()); err != nil {
			t.Fatal(err)
		}
	}
	if load.old.Load() < 2*load.streams {
		t.Errorf("only %d appends to the %d streams of the folder", load.old.Load(), load.streams)
	}
	seen, err := raw.ReadAll(t.Context(), events, 2*appends)
	if want := (Seen{Events: appends, Last: events + appends, Groups: appends}); err != nil || seen != want || raw.Last() != want.Last {
		t.Errorf("read %+v, want %+v; the last append at %d; %v", seen, want, raw.Last(), err)
	}
	if seen, err = raw.Subscribe(t.Context(), events+100, 50, []string{"booking-"}); err != nil || seen.Events != 50 || seen.Last != events+150 {
		t.Errorf("subscription: %+v, %v", seen, err)
	}
}

// The node that stores nothing satisfies both clients.
func TestCannedAnswersTheClients(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	listening, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- ServeCanned(ctx, func(url string) { listening <- url }) }()
	url := <-listening
	official, err := rawclient.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	for expected := int64(-1); expected < 3; expected++ {
		if at, err := official.Append(ctx, "booking-1", expected, []rawclient.Event{{Type: EventType, Data: newData()}}); err != nil || at != expected+1 {
			t.Errorf("append at %d: revision %d, %v", expected, at, err)
		}
	}
	if n, err := official.ReadAll(ctx, 0, 1000); n != 1000 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	raw, err := OpenRaw(url)
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Append(ctx, NewLoad(0).Writer().Next()); err != nil {
		t.Error(err)
	}
	if seen, err := raw.Subscribe(ctx, 0, 1000, []string{"booking-"}); err != nil || seen.Events != 1000 {
		t.Errorf("subscription: %+v, %v", seen, err)
	}
	_, _ = official.Close(), raw.Close()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A bare store is a fair comparison: it gets as many rows of every kind as the log writes, and as many bytes.
func TestBareStoreGetsTheSameBytes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	direct, err := OpenDirect(filepath.Join(dir, "log"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	bare, err := OpenBare(filepath.Join(dir, "bare"))
	if err != nil {
		t.Fatal(err)
	}
	w := NewLoad(0).Writer()
	for range 3 * StreamEvents {
		next := w.Next()
		if err := direct.Append(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		if err := bare.Append(t.Context(), next); err != nil {
			t.Fatal(err)
		}
	}
	if err := direct.Close(); err != nil {
		t.Fatal(err)
	}
	if err := bare.Close(); err != nil {
		t.Fatal(err)
	}
	want, got := rowsOf(t, filepath.Join(dir, "log", "db")), rowsOf(t, filepath.Join(dir, "bare"))
	if len(want) != 4 {
		t.Errorf("the log has %d kinds of rows", len(want))
	}
	for kind, w := range want {
		if got[kind] != w {
			t.Errorf("rows of kind %q: %+v, the log has %+v", kind, got[kind], w)
		}
	}
}

type rows struct{ count, keys, values int }

// rowsOf counts a store's rows by kind.
func rowsOf(t *testing.T, dir string) map[byte]rows {
	t.Helper()
	o := log.StoreOptions()
	o.Logger = bareLogger{pebble.DefaultLogger}
	db, err := pebble.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	all := map[byte]rows{}
	for ok := it.First(); ok; ok = it.Next() {
		r := all[it.Key()[0]]
		all[it.Key()[0]] = rows{r.count + 1, r.keys + len(it.Key()), r.values + len(it.Value())}
	}
	if err := it.Error(); err != nil {
		t.Fatal(err)
	}
	return all
}
