package log

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
)

func quiet(o Options) Options {
	o.Logger = slog.New(slog.DiscardHandler)
	return o
}

func open(t testing.TB, fs vfs.FS) *Log {
	t.Helper()
	l, err := Open("data", quiet(Options{FS: fs}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil && l.Failure() == nil {
			t.Error(err)
		}
	})
	return l
}

func proposed(n int) []Proposed {
	events := make([]Proposed, n)
	for i := range events {
		events[i] = Proposed{ID: uuid.New(), Type: "T", JSON: true, Data: fmt.Appendf(nil, `{"n":%d}`, i)}
	}
	return events
}

func mustAppend(t testing.TB, l *Log, stream string, expected Expected, events []Proposed) Result {
	t.Helper()
	r, err := l.Append(context.Background(), stream, expected, events)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestConcurrentAppends: of many writers that expect the same revision exactly one wins, and all events of a winner lie together.
func TestConcurrentAppends(t *testing.T) {
	t.Parallel()
	l := open(t, vfs.NewMem())
	const writers, rounds = 16, 40
	var wg sync.WaitGroup
	won := make([]int, writers)
	for w := range writers {
		wg.Go(func() {
			for round := range rounds {
				for {
					_, err := l.Append(context.Background(), "contested", Expected(round*2-1), proposed(2))
					var wrong *WrongRevisionError
					if errors.As(err, &wrong) {
						if wrong.Current < int64(round*2-1) {
							continue // the round has not begun
						}
						break
					}
					if err != nil {
						t.Error(err)
						return
					}
					won[w]++
					break
				}
				if _, err := l.Append(context.Background(), fmt.Sprintf("own-%d", w), Expected(round-1), proposed(1)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range won {
		total += n
	}
	if total != rounds {
		t.Errorf("%d appends won %d rounds", total, rounds)
	}
	page, err := l.ReadForward("contested", 0, PageEvents)
	if err != nil || len(page.Events) != rounds*2 {
		t.Fatalf("contested stream has %d events, want %d (%v)", len(page.Events), rounds*2, err)
	}
	for i := 0; i < len(page.Events); i += 2 {
		if page.Events[i+1].Position != page.Events[i].Position+1 {
			t.Errorf("events %d and %d of one append lie at %d and %d", i, i+1, page.Events[i].Position, page.Events[i+1].Position)
		}
	}
}

// TestNothingIsSeenBeforeItsSync: readers of whatever kind see nothing of an append whose sync has not come back, an expected revision does.
func TestNothingIsSeenBeforeItsSync(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{"old", "new"} {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			fs := &slowSync{FS: vfs.NewMem(), gate: make(chan struct{})}
			l := open(t, fs)
			mustAppend(t, l, "old", NoStream, proposed(1))
			fs.hold()
			results := make(chan error, 4)
			write := func(expected Expected) {
				_, err := l.Append(context.Background(), stream, expected, proposed(1))
				results <- err
			}
			go write(Any)
			for { // the store shows it before its sync is done
				if _, err := l.At(2); err == nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
			for range 3 {
				go write(Any) // these wait in the queue
			}

			l.mu.Lock()
			l.cache.Purge() // what is cached would hide that heads are read from the store
			l.mu.Unlock()
			if end := l.End(); end != 1 {
				t.Errorf("position %d is published", end)
			}
			if page, err := l.ReadAllForward(0, 10, 10, nil); err != nil || len(page.Events) != 1 {
				t.Errorf("$all has %d events (%v)", len(page.Events), err)
			}
			if page, err := l.ReadForward("old", 0, 10); err != nil || page.Last != 0 || len(page.Events) != 1 {
				t.Errorf("the stream reads %+v (%v)", page, err)
			}
			if page, err := l.ReadRaw("old", 0); err != nil || len(page.Events) != 1 {
				t.Errorf("a live subscriber gets %d events (%v)", len(page.Events), err)
			}
			if _, err := l.ReadForward("new", 0, 10); !errors.Is(err, ErrNotFound) {
				t.Errorf("a stream not yet there reads as %v", err)
			}
			select {
			case err := <-results:
				t.Errorf("answered: %v", err)
			default:
			}

			fs.release()
			for range 4 {
				if err := <-results; err != nil {
					t.Error(err)
				}
			}
			if end := l.End(); end != 5 {
				t.Errorf("after the sync published up to %d, want 5", end)
			}
			last := map[string]Expected{"old": 4, "new": 3}[stream]
			if r := mustAppend(t, l, stream, last, proposed(1)); r.Revision != int64(last)+1 {
				t.Errorf("after the sync the next revision is %d, want %d", r.Revision, last+1)
			}
		})
	}
}

// TestStaleHeadIsNotCached: a reader that looks a stream up while it is written must not put back what has been overtaken.
func TestStaleHeadIsNotCached(t *testing.T) {
	t.Parallel()
	l := open(t, vfs.NewMem())
	mustAppend(t, l, "s", NoStream, proposed(1))
	before := l.End()
	mustAppend(t, l, "s", 0, proposed(1))
	h, err := l.loadAndCache("s", before) // a reader that began before the second append
	if err != nil || h.last != 0 {
		t.Fatalf("as of position %d the stream ends at %d (%v)", before, h.last, err)
	}
	mustAppend(t, l, "s", 1, proposed(1))
}

// TestCancelledBeforeTaken: a request whose client gave up while it was queued is not written.
func TestCancelledBeforeTaken(t *testing.T) {
	t.Parallel()
	fs := &slowSync{FS: vfs.NewMem(), gate: make(chan struct{})}
	l := open(t, fs)
	fs.hold()
	first := make(chan error, 1)
	go func() {
		_, err := l.Append(context.Background(), "s", Any, proposed(1))
		first <- err
	}()
	fs.waitForSync(t)
	ctx, cancel := context.WithCancel(context.Background())
	second := make(chan error, 1)
	go func() {
		_, err := l.Append(ctx, "s", Any, proposed(1))
		second <- err
	}()
	for len(l.queue) == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled append: %v", err)
	}
	fs.release()
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	if r := mustAppend(t, l, "s", 0, proposed(1)); r.Revision != 1 {
		t.Errorf("revision %d, want 1: the cancelled append was written", r.Revision)
	}
}

func TestFolderInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := Open(dir, quiet(Options{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = Open(dir, quiet(Options{})); !errors.Is(err, errInUse) {
		t.Errorf("second open: %v", err)
	}
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	l, err = Open(dir, quiet(Options{}))
	if err != nil {
		t.Fatalf("open after close: %v", err)
	}
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestDiskNearlyFull(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1000})
	l, err := Open("data", quiet(Options{FS: fs, MinFreeDisk: 1001}))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(context.Background())
	if _, err := l.Append(context.Background(), "s", Any, proposed(1)); !errors.Is(err, ErrDiskFull) {
		t.Errorf("append on a full disk: %v", err)
	}
	if _, err := l.ReadAllForward(0, 1, 1, nil); err != nil {
		t.Errorf("read on a full disk: %v", err)
	}
	fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1001})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, err := l.Append(context.Background(), "s", Any, proposed(1))
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("append after room was made: %v", err)
		}
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	l, err := Open("data", quiet(Options{FS: vfs.NewMem()}))
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, "s", Any, proposed(1))
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(context.Background(), "s", Any, proposed(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
}

// TestReopen: everything that is not an event is found again from the events.
func TestReopen(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	l, err := Open("data", quiet(Options{FS: fs}))
	if err != nil {
		t.Fatal(err)
	}
	events := proposed(5)
	mustAppend(t, l, "s", NoStream, events)
	mustAppend(t, l, "$$s", Any, []Proposed{{ID: uuid.New(), Type: typeMetadata, JSON: true, Data: []byte(`{"$maxCount":2}`)}})
	mustAppend(t, l, "gone", Any, proposed(1))
	if _, err := l.Delete(context.Background(), "gone", Any); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Tombstone(context.Background(), "dead", Any); err != nil {
		t.Fatal(err)
	}
	end := l.End()
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}

	l = open(t, fs)
	if l.End() != end {
		t.Errorf("ends at %d, ended at %d", l.End(), end)
	}
	page, err := l.ReadForward("s", 0, 10)
	if err != nil || len(page.Events) != 2 || page.Events[0].Revision != 3 || page.Last != 4 {
		t.Errorf("read %+v, %v", page, err)
	}
	if _, err := l.ReadForward("gone", 0, 10); !errors.Is(err, ErrNotFound) {
		t.Errorf("soft-deleted stream: %v", err)
	}
	var deleted *DeletedError
	if _, err := l.ReadForward("dead", 0, 10); !errors.As(err, &deleted) {
		t.Errorf("tombstoned stream: %v", err)
	}
	for _, expected := range []Expected{NoStream, Any, StreamExists} {
		if r := mustAppend(t, l, "s", expected, events); r.Revision != 4 || l.End() != end {
			t.Errorf("repeat with %s: %+v", expected, r)
		}
	}
	if r := mustAppend(t, l, "gone", NoStream, proposed(1)); r.Revision != 1 {
		t.Errorf("written again at %d, want 1", r.Revision)
	}
	if page, err := l.ReadForward("gone", 0, 10); err != nil || len(page.Events) != 1 {
		t.Errorf("after being written again: %+v, %v", page, err)
	}
}

// TestHiddenStreams: $all never shows the server's own bookkeeping, filter or not.
func TestHiddenStreams(t *testing.T) {
	t.Parallel()
	l := open(t, vfs.NewMem())
	for _, stream := range []string{
		"$epoch-information", "a", "$persistentsubscription-$all::g-checkpoint", "$persistentsubscription-$all::g-parked",
		"$persistentsubscription-s::g-parked", "$other",
	} {
		mustAppend(t, l, stream, Any, proposed(1))
	}
	page, err := l.ReadAllForward(0, 10, 10, nil)
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, e := range page.Events {
		shown = append(shown, e.Stream)
	}
	if got := strings.Join(shown, " "); got != "a $persistentsubscription-s::g-parked $other" || page.Last != 6 {
		t.Errorf("$all shows %s, up to %d", got, page.Last)
	}
}

// TestFatalfDoesNotReturn: Pebble takes a return for success.
func TestFatalfDoesNotReturn(t *testing.T) {
	t.Parallel()
	failed, returned := make(chan error, 1), make(chan struct{})
	l := &fatalLogger{log: slog.New(slog.DiscardHandler), fail: func(err error) { failed <- err }}
	go func() {
		l.Fatalf("sync: %s\nand more", "no disk")
		close(returned)
	}()
	if err := <-failed; err.Error() != "event storage failed: sync: no disk" {
		t.Errorf("failed with %q", err)
	}
	select {
	case <-returned:
		t.Error("Fatalf returned")
	case <-time.After(20 * time.Millisecond):
	}
}

// slowSync holds back syncs of the write-ahead log.
type slowSync struct {
	vfs.FS
	mu      sync.Mutex
	gate    chan struct{} // closed: syncs pass
	held    bool
	waiting int
}

func (f *slowSync) hold() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = true
}

func (f *slowSync) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = false
	close(f.gate)
}

func (f *slowSync) waitForSync(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		f.mu.Lock()
		waiting := f.waiting
		f.mu.Unlock()
		if waiting > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing is synced")
		}
	}
}

func (f *slowSync) pass() {
	f.mu.Lock()
	if !f.held {
		f.mu.Unlock()
		return
	}
	f.waiting++
	f.mu.Unlock()
	<-f.gate
}

func (f *slowSync) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	return f.wrap(name, file), err
}

func (f *slowSync) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(oldname, newname, c)
	return f.wrap(newname, file), err
}

func (f *slowSync) wrap(name string, file vfs.File) vfs.File {
	if file == nil || !strings.HasSuffix(name, ".log") {
		return file
	}
	return &slowFile{file, f}
}

type slowFile struct {
	vfs.File
	fs *slowSync
}

func (f *slowFile) Sync() error     { f.fs.pass(); return f.File.Sync() }
func (f *slowFile) SyncData() error { f.fs.pass(); return f.File.SyncData() }

// TestMissingRow: a stream's index without a row that has to be there is an error for whoever asks for that one event too, also by a link.
func TestMissingRow(t *testing.T) {
	t.Parallel()
	l := open(t, vfs.NewMem())
	mustAppend(t, l, "s", NoStream, proposed(3))
	h, err := l.head("s")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.db.Delete(revisionKey(nil, h.number, 1), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	for what, read := range map[string]func() (any, error){
		"one event":           func() (any, error) { return l.ReadForward("s", 1, 1) },
		"one event backwards": func() (any, error) { return l.ReadBackward("s", 1, 1) },
		"all":                 func() (any, error) { return l.ReadForward("s", 0, PageEvents) },
		"a link":              func() (any, error) { return l.visible("s", 1) },
	} {
		if got, err := read(); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), `stream "s" has no revision 1`) {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	if page, err := l.ReadForward("s", 2, 1); err != nil || len(page.Events) != 1 {
		t.Errorf("the event behind it: %+v, %v", page, err)
	}
	if page, err := l.ReadRaw("s", TombstoneRevision); err != nil || len(page.Events) != 0 {
		t.Errorf("a tombstone that nobody set: %+v, %v", page, err)
	}
}

// TestWithdrawnAppend: a caller that does not wait any longer leaves nothing in the queue, so whoever counts the bytes under way counts all there are; and
// nothing of it is written.
func TestWithdrawnAppend(t *testing.T) {
	t.Parallel()
	o := quiet(Options{FS: vfs.NewMem()})
	syncing, goOn := make(chan struct{}), make(chan struct{})
	o.planted.beforeCommit = func(*Log, *group, []*request) {
		syncing <- struct{}{}
		<-goOn
	}
	l, err := Open("data", o)
	if err != nil {
		t.Fatal(err)
	}
	first := make(chan error, 1)
	go func() {
		_, err := l.Append(t.Context(), "s", NoStream, proposed(1))
		first <- err
	}()
	<-syncing // the disk is slow
	ctx, cancel := context.WithCancel(t.Context())
	withdrawn := &request{op: opAppend, stream: "s", expected: 0, events: proposed(1)}
	answer := make(chan error, 1)
	go func() {
		_, err := l.submit(ctx, withdrawn)
		answer <- err
	}()
	for len(l.queue) == 0 {
		runtime.Gosched()
	}
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Errorf("the withdrawn append: %v", err)
	}
	if withdrawn.events != nil {
		t.Error("the queue still holds the events of an append that nobody waits for")
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if l.End() != 1 {
		t.Errorf("the log ends at %d, want 1", l.End())
	}
}
