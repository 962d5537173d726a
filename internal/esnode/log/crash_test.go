package log

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/uuid"
)

// acknowledged is what a client was told.
type acknowledged struct {
	stream   string
	revision int64 // of the first event
	position uint64
	ids      []uuid.UUID
}

// load appends from many goroutines until it is told to stop or the log is gone, and remembers what was acknowledged.
type load struct {
	mu    sync.Mutex
	acks  []acknowledged
	count atomic.Int64
	stop  atomic.Bool
	wg    sync.WaitGroup
	pause sync.RWMutex // writers hold it for reading
}

func startLoad(l *Log, writers int) *load {
	w := &load{}
	for n := range writers {
		w.wg.Go(func() {
			stream, revision := fmt.Sprintf("s-%d", n), int64(-1)
			for i := 0; !w.stop.Load(); i++ {
				events := proposed(1 + i%3)
				if i%7 == 0 {
					events[0].Data = make([]byte, 20_000)
				}
				w.pause.RLock()
				r, err := l.Append(context.Background(), stream, Expected(revision), events)
				w.pause.RUnlock()
				if err != nil {
					return
				}
				ack := acknowledged{stream: stream, revision: revision + 1, position: r.Position - uint64(len(events)) + 1}
				for _, e := range events {
					ack.ids = append(ack.ids, e.ID)
				}
				revision = r.Revision
				w.mu.Lock()
				w.acks = append(w.acks, ack)
				w.mu.Unlock()
				w.count.Add(1)
			}
		})
	}
	return w
}

func (w *load) waitFor(t *testing.T, appends int64) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); w.count.Load() < appends; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("only %d appends", w.count.Load())
		}
	}
}

func (w *load) sofar() []acknowledged {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acks[:len(w.acks):len(w.acks)]
}

// missing tells what of the acknowledged is not in the folder, or not where it was said to be.
func missing(fs vfs.FS, acks []acknowledged) error {
	report, err := Check(context.Background(), "data", fs)
	if err != nil {
		return err
	}
	if len(report.Faults) > 0 {
		return errors.New(report.Faults[0])
	}
	l, err := Open("data", quiet(Options{FS: fs}))
	if err != nil {
		return err
	}
	defer l.Close(context.Background())
	for _, ack := range acks {
		page, err := l.ReadForward(ack.stream, ack.revision, len(ack.ids))
		if err != nil {
			return fmt.Errorf("%s at %d: %w", ack.stream, ack.revision, err)
		}
		if len(page.Events) < len(ack.ids) && page.End {
			return fmt.Errorf("%s at %d: %d of %d events", ack.stream, ack.revision, len(page.Events), len(ack.ids))
		}
		for i, e := range page.Events {
			if e.ID != ack.ids[i] || e.Position != ack.position+uint64(i) {
				return fmt.Errorf("%s at %d: another event, or at another position", ack.stream, e.Revision)
			}
		}
	}
	return nil
}

// TestCrash: whatever part of the unsynced data survives a crash, everything acknowledged before it is there, where it was said to be.
func TestCrash(t *testing.T) {
	t.Parallel()
	for _, survives := range []int{0, 50, 100} {
		t.Run(fmt.Sprintf("%d percent of unsynced data survive", survives), func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			rng := rand.New(rand.NewPCG(seed, 1))
			fs := vfs.NewCrashableMem()
			l := open(t, fs)
			w := startLoad(l, 8)
			for round := range 8 {
				w.waitFor(t, int64(40+round*150))
				acks := w.sofar() // before the crash, so a late acknowledgement is not asked for
				crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: survives, RNG: rng})
				w.pause.Lock() // else the log grows while it is checked
				err := missing(crashed, acks)
				w.pause.Unlock()
				if err != nil {
					t.Fatalf("seed %d, round %d, %d appends acknowledged: %v", seed, round, len(acks), err)
				}
			}
			w.stop.Store(true)
			w.wg.Wait()
		})
	}
}

// TestCrashTestNotices: on a disk that lies about syncs the same test must find something missing, else it proves nothing.
func TestCrashTestNotices(t *testing.T) {
	t.Parallel()
	fs := vfs.NewCrashableMem()
	l := open(t, lyingFS{fs})
	w := startLoad(l, 8)
	w.waitFor(t, 100)
	acks := w.sofar()
	if err := missing(fs.CrashClone(vfs.CrashCloneCfg{}), acks); err == nil {
		t.Error("nothing is missed after a crash of a disk that never synced")
	}
	w.stop.Store(true)
	w.wg.Wait()
}

// lyingFS says that it synced the write-ahead log, and did not.
type lyingFS struct{ vfs.FS }

func (f lyingFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	if err == nil && strings.HasSuffix(name, ".log") {
		file = lyingFile{file}
	}
	return file, err
}

type lyingFile struct{ vfs.File }

func (lyingFile) Sync() error     { return nil }
func (lyingFile) SyncData() error { return nil }

// TestFailedWrites: after a write or sync of the log or of its list of tables has failed nothing is acknowledged or shown, everyone waiting is
// told, and a new start on what is on disk has everything acknowledged before.
func TestFailedWrites(t *testing.T) {
	t.Parallel()
	for _, failing := range []FileOp{
		{Kind: "WAL", Sync: true}, {Kind: "WAL"}, {Kind: "manifest", Sync: true}, {Kind: "manifest"},
	} {
		t.Run(fmt.Sprintf("%s, sync: %v", failing.Kind, failing.Sync), func(t *testing.T) {
			t.Parallel()
			mem := vfs.NewCrashableMem()
			var broken atomic.Bool
			var atFailure atomic.Uint64
			var l *Log
			fs := &HookFS{FS: mem, Before: func(op FileOp) error {
				if broken.Load() && op.Kind == failing.Kind && op.Sync == failing.Sync {
					atFailure.CompareAndSwap(0, l.End())
					return errors.New("the disk is gone")
				}
				return nil
			}}
			var err error
			if l, err = Open("data", quiet(Options{FS: fs, MemTable: 64 << 10})); err != nil {
				t.Fatal(err)
			}
			w := startLoad(l, 8)
			w.waitFor(t, 100)
			broken.Store(true)
			w.wg.Wait() // every writer has its error
			select {
			case <-l.Failed():
			case <-time.After(10 * time.Second):
				t.Fatal("the log does not say that it failed")
			}
			if err := l.Failure(); err == nil || !strings.Contains(err.Error(), "the disk is gone") || strings.Contains(err.Error(), "\n") {
				t.Errorf("the log failed with %v", err)
			}
			end := l.End()
			if _, err := l.Append(context.Background(), "s", Any, proposed(1)); err == nil {
				t.Error("an append after the failure was acknowledged")
			}
			if failing.Kind == "WAL" && end != atFailure.Load() || l.End() != end {
				t.Errorf("published up to %d, then %d, but the disk failed at %d", end, l.End(), atFailure.Load())
			}
			if err := l.Close(context.Background()); err == nil {
				t.Error("closing a failed log says nothing")
			}
			if err := missing(mem.CrashClone(vfs.CrashCloneCfg{}), w.sofar()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFailedBlockReads: a block that cannot be read fails whoever needs it: reads say where, appends are not acknowledged. Everybody else goes
// on, and when the disk reads again all is there.
func TestFailedBlockReads(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && op.Kind == errorfs.OpFileReadAt && strings.HasSuffix(op.Path, ".sst") {
			return errors.New("the disk cannot read")
		}
		return nil
	}))
	l, err := Open("data", quiet(Options{FS: fs}))
	if err != nil {
		t.Fatal(err)
	}
	first := proposed(3)
	mustAppend(t, l, "old", NoStream, first)
	for range 400 { // so that what a start reads, the last of everything and the first names, is in other blocks
		mustAppend(t, l, "filling", Any, proposed(100))
	}
	for i := range 32 {
		mustAppend(t, l, fmt.Sprintf("filling %d%s", i, strings.Repeat(".", 4096)), NoStream, proposed(1))
	}
	if err := l.Close(context.Background()); err != nil { // what it wrote is in a table now
		t.Fatal(err)
	}
	l = open(t, fs)
	mustAppend(t, l, "new", NoStream, proposed(2))
	broken.Store(true)
	for what, call := range map[string]func() error{ // none of them changes what the others meet
		"a read":             func() error { _, err := l.ReadForward("old", 0, 10); return err },
		"a read backwards":   func() error { _, err := l.ReadBackward("old", FromEnd, 10); return err },
		"a read of $all":     func() error { _, err := l.ReadAllForward(0, 10, 10, nil); return err },
		"an append":          func() error { _, err := l.Append(context.Background(), "old", 2, proposed(1)); return err },
		"an append repeated": func() error { _, err := l.Append(context.Background(), "old", NoStream, first); return err },
		"a delete":           func() error { _, err := l.Delete(context.Background(), "old", Any); return err },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), "the disk cannot read") || !strings.Contains(err.Error(), "stream") && !strings.Contains(err.Error(), "position") {
			t.Errorf("%s that needs a block which cannot be read: %v", what, err)
		}
	}
	if page, err := l.ReadForward("new", 0, 10); err != nil || len(page.Events) != 2 {
		t.Errorf("another stream: %d events, %v", len(page.Events), err)
	}
	mustAppend(t, l, "new", 1, proposed(1))
	if l.Failure() != nil {
		t.Errorf("the log gave up: %v", l.Failure())
	}
	broken.Store(false)
	if page, err := l.ReadForward("old", 0, 10); err != nil || len(page.Events) != 3 {
		t.Errorf("when the disk reads again: %d events, %v", len(page.Events), err)
	}
}

// TestCheckNotices plants faults that Pebble's checksums cannot see.
func TestCheckNotices(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]struct {
		do   func(*Log)
		says string
	}{
		"nothing": {func(*Log) {}, ""},
		"a flipped bit": {func(l *Log) {
			value, closer, _ := l.db.Get(eventKey(nil, 2))
			altered := append([]byte(nil), value...)
			closer.Close()
			altered[len(altered)-1] ^= 1
			_ = l.db.Set(eventKey(nil, 2), altered, nil)
		}, `stream "s", revision 1, position 2: the event cannot be read: event at position 2: record is damaged`},
		"a moved record": {func(l *Log) {
			value, closer, _ := l.db.Get(eventKey(nil, 2))
			altered := append([]byte(nil), value...)
			closer.Close()
			_ = l.db.Set(eventKey(nil, 3), altered, nil)
		}, `stream "s", revision 2, position 3: the event cannot be read: event at position 3: record is damaged`},
		"a lost event":    {func(l *Log) { _ = l.db.Delete(eventKey(nil, 2), nil) }, `stream "s", revision 1, position 2: the event is not there`},
		"a lost revision": {func(l *Log) { _ = l.db.Delete(revisionKey(nil, 1, 1), nil) }, `stream "s", revision 1, position 2: its stream's index does not lead to it`},
		"a lost id": {func(l *Log) {
			e, _ := l.At(2)
			_ = l.db.Delete(idKey(nil, 1, e.ID), nil)
		}, `stream "s", revision 1, position 2: the index of ids does not know it`},
		"another's id": {func(l *Log) {
			e, _ := l.At(3)
			_ = l.db.Set(idKey(nil, 1, e.ID), []byte{7: 0}, nil)
		}, `stream "s", revision 2, position 3: the index of ids leads to revision 0 instead, which has another id`},
		"an id of nothing":    {func(l *Log) { _ = l.db.Set(idKey(nil, 1, uuid.New()), []byte{7: 1}, nil) }, "1 rows of the index of ids lead to no event"},
		"a name of nothing":   {func(l *Log) { _ = l.db.Set(nameKey(nil, "t"), []byte{7: 2}, nil) }, "1 names stand for no stream"},
		"two rows, one event": {func(l *Log) { _ = l.db.Set(revisionKey(nil, 1, 3), []byte{7: 3}, nil) }, "stream number 1: revision 3 leads to position 3, and so does another row"},
		"a lost name":         {func(l *Log) { _ = l.db.Delete(nameKey(nil, "s"), nil) }, `stream "s", revision 0, position 1: its stream has no number`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs := vfs.NewMem()
			l, err := Open("data", quiet(Options{FS: fs}))
			if err != nil {
				t.Fatal(err)
			}
			mustAppend(t, l, "s", Any, proposed(3))
			plant.do(l)
			if err := l.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			report, err := Check(context.Background(), "data", fs)
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(report.Faults, "\n"); plant.says == "" && all != "" || !strings.Contains(all, plant.says) {
				t.Errorf("found %q, want %q", all, plant.says)
			}
		})
	}
}

// TestDamagedRecordIsNotServed: a reader gets an error, never altered data and never a gap.
func TestDamagedRecordIsNotServed(t *testing.T) {
	t.Parallel()
	l := open(t, vfs.NewMem())
	mustAppend(t, l, "s", Any, proposed(3))
	value, closer, err := l.db.Get(eventKey(nil, 2))
	if err != nil {
		t.Fatal(err)
	}
	altered := append([]byte(nil), value...)
	closer.Close()
	altered[len(altered)-1] ^= 1
	if err := l.db.Set(eventKey(nil, 2), altered, nil); err != nil {
		t.Fatal(err)
	}
	if page, err := l.ReadAllForward(0, 10, 10, nil); !errors.Is(err, errDamaged) {
		t.Errorf("$all: %d events, %v", len(page.Events), err)
	}
	if page, err := l.ReadForward("s", 0, 10); !errors.Is(err, errDamaged) {
		t.Errorf("stream: %d events, %v", len(page.Events), err)
	}
}

// TestDamagedWAL: a flipped byte in the middle of the write-ahead log is noticed at the next start, not taken for its end. (Within the
// log's last block of 32 KiB it cannot be noticed, see README.)
func TestDamagedWAL(t *testing.T) {
	t.Parallel()
	fs := vfs.NewCrashableMem()
	l := open(t, fs)
	for written := 0; ; written++ {
		mustAppend(t, l, "s", Any, []Proposed{{ID: uuid.New(), Type: "T", Data: make([]byte, 2000)}})
		if written > 50 && len(newestWAL(t, fs)) > 100_000 {
			break
		}
	}
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	wal := newestWAL(t, crashed)
	wal[len(wal)/4] ^= 0x40
	again, err := Open("data", quiet(Options{FS: crashed}))
	if err == nil {
		end := again.End()
		_ = again.Close(context.Background())
		t.Fatalf("opened as if nothing were wrong, with %d of %d events", end, l.End())
	}
	// Every event is an append of its own, so the byte lies in one event, and those beside it are named.
	var before, after struct{ revision, position uint64 }
	said := regexp.MustCompile(`the last event before it is (stream "s", revision \d+, position \d+), the first behind it that can be read is (stream "s", revision \d+, position \d+)`).FindStringSubmatch(err.Error())
	if said == nil {
		t.Fatal(err)
	}
	for i, to := range []*struct{ revision, position uint64 }{&before, &after} {
		if _, err := fmt.Sscanf(said[1+i], `stream "s", revision %d, position %d`, &to.revision, &to.position); err != nil {
			t.Fatal(err)
		}
	}
	if after.position != before.position+2 || after.revision != before.revision+2 {
		t.Errorf("more than one event is in the damage: %v", err)
	}
}

// TestMissingEventsAreNoticed: what the store takes for a torn end is compared with what was acknowledged.
func TestMissingEventsAreNoticed(t *testing.T) {
	t.Parallel()
	fs := vfs.NewCrashableMem()
	l := open(t, fs)
	for range 20 {
		mustAppend(t, l, "s", Any, proposed(1))
	}
	for late := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) { // the file is written once a second
		if upTo, err := acknowledgedUpTo("data", fs); err == nil && upTo == l.End() {
			break
		} else if time.Now().After(late) {
			t.Fatalf("acknowledged up to %d, %v", upTo, err)
		}
	}
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	wal := newestWAL(t, crashed)
	wal[len(wal)/2] ^= 0x40 // within the last block: the store cannot tell
	if _, err := Open("data", quiet(Options{FS: crashed})); !errors.Is(err, ErrMissing) {
		t.Errorf("start with events missing: %v", err)
	}
	report, err := Check(context.Background(), "data", crashed)
	if err != nil || len(report.Faults) != 1 || !strings.Contains(report.Faults[0], "acknowledged events are missing") {
		t.Errorf("check with events missing: %+v, %v", report, err)
	}
}

// newestWAL is the write-ahead log that would be read last.
func newestWAL(t *testing.T, fs *vfs.MemFS) []byte {
	t.Helper()
	b, err := fs.UnsafeGetFileDataBuffer(newestLog(t, fs))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newestLog(t *testing.T, fs *vfs.MemFS) string {
	t.Helper()
	names, err := fs.List("data/db")
	if err != nil {
		t.Fatal(err)
	}
	newest := ""
	for _, name := range names {
		if strings.HasSuffix(name, ".log") {
			newest = max(newest, name)
		}
	}
	return "data/db/" + newest
}
