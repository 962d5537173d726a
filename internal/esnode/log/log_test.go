package log

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

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

// TestQueuedAppendsAreSeenByTheNext: an expected revision sees what is queued, readers do not.
func TestQueuedAppendsAreSeenByTheNext(t *testing.T) {
	t.Parallel()
	fs := &slowSync{FS: vfs.NewMem(), gate: make(chan struct{})}
	l := open(t, fs)
	fs.hold()
	results := make(chan error, 3)
	for i := range 3 {
		go func() {
			_, err := l.Append(context.Background(), "s", Any, []Proposed{{ID: uuid.New(), Type: fmt.Sprint(i)}})
			results <- err
		}()
	}
	fs.waitForSync(t)
	if end := l.End(); end != 0 {
		t.Errorf("position %d is published before it is synced", end)
	}
	page, err := l.ReadAllForward(0, 10, 10, nil)
	if err != nil || len(page.Events) != 0 {
		t.Errorf("read %d events before they were synced (%v)", len(page.Events), err)
	}
	if _, err := l.ReadForward("s", 0, 10); !errors.Is(err, ErrNotFound) {
		t.Errorf("a stream not yet synced reads as %v", err)
	}
	select {
	case err := <-results:
		t.Errorf("answered before the sync: %v", err)
	default:
	}
	fs.release()
	for range 3 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if end := l.End(); end != 3 {
		t.Errorf("published up to %d, want 3", end)
	}
	if r := mustAppend(t, l, "s", 2, proposed(1)); r.Revision != 3 {
		t.Errorf("revision %d, want 3", r.Revision)
	}
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

func TestFormat(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	l, err := Open("data", quiet(Options{FS: fs}))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		f, err := fs.Create("data/FORMAT", vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	write("2\n")
	if _, err := Open("data", quiet(Options{FS: fs})); err == nil || !strings.Contains(err.Error(), `format "2"`) {
		t.Errorf("a folder of another format: %v", err)
	}
	if err := fs.Remove("data/FORMAT"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open("data", quiet(Options{FS: fs})); err == nil || !strings.Contains(err.Error(), "FORMAT is missing") {
		t.Errorf("a folder without its format: %v", err)
	}
	write("1\n")
	open(t, fs)
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
