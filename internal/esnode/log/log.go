package log

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/dragoman-booking/dragoman/internal/move"
)

// Options say where and how a log is kept.
type Options struct {
	FS          vfs.FS           // nil: the machine's own file system
	Clock       func() time.Time // nil: time.Now; it dates events and ages $maxAge
	Logger      *slog.Logger     // nil: slog.Default()
	MinFreeDisk uint64           // appends are refused while the disk has fewer bytes free; 0: never
	MemTable    int              // bytes of one memory table; 0: 16 MiB

	// For a log that is one of several, see replicate.go. HandOn is called with what was written and synced here, not with what Replicate took over,
	// before anybody sees it; it returns once that may be shown and acknowledged, or with an error that ends the log.
	HandOn func(events []Event) error
	// Offsets has positions lie as far apart as the records are long, as the real server's do, instead of counting events.
	Offsets bool

	planted planted
}

// planted are faults that a test puts in, to see that it would find them. Nothing else sets them.
type planted struct {
	write        *pebble.WriteOptions           // instead of a synced write
	beforeCommit func(*Log, *group, []*request) // what is done too early
	survive      *atomic.Bool                   // go on after a failure of the disk, as Pebble's own code would; set when it did
}

// Errors that concern the log as a whole.
var (
	ErrClosed   = errors.New("the event log is stopped")
	ErrDiskFull = errors.New("the disk of the event log is nearly full")
)

// Log is an open folder of streams. Its methods may be called by any number of goroutines.
type Log struct {
	opts Options
	dir  string
	db   *pebble.DB
	lock *pebble.Lock
	log  *slog.Logger

	queue   chan *request
	closing chan struct{} // closed first: no new requests
	stopped chan struct{} // closed by the committer when it has answered its last request

	acknowledged chan struct{} // closed when the file ACKNOWLEDGED is written for the last time

	failed   chan struct{} // closed when the disk failed
	failOnce sync.Once
	failure  error // set before failed is closed

	published atomic.Uint64 // the highest position that readers may see
	mu        sync.Mutex    // guards cache and anyMetadata, and orders a change of them with published
	cache     *simplelru.LRU[string, *head]

	anyMetadata bool // whether any stream has metadata; where none has, no append looks for that of its stream

	watches watches
	disk    diskCheck

	// Only the committer touches these.
	nextPosition uint64
	nextStream   uint64
	house        move.Mark // what the log says of its move
}

// Open opens the folder, making it if there is none. A folder that another process has open is an error that says so.
func Open(dir string, opts Options) (*Log, error) {
	if opts.FS == nil {
		opts.FS = vfs.Default
	}
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	l := &Log{
		opts:    opts,
		dir:     dir,
		log:     opts.Logger,
		queue:   make(chan *request, maxGroup),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),

		acknowledged: make(chan struct{}),
		failed:       make(chan struct{}),
	}
	var err error
	if l.cache, err = simplelru.NewLRU[string, *head](cachedHeads, nil); err != nil {
		return nil, fmt.Errorf("open event log: %w", err)
	}
	if l.db, l.lock, err = openStore(dir, l.pebbleOptions(), l.failed); err != nil {
		if failure := l.Failure(); failure != nil {
			err = failure
		}
		return nil, fmt.Errorf("open event log in %s: %w", dir, err)
	}
	if err := l.findEnd(); err != nil {
		return nil, errors.Join(fmt.Errorf("open event log in %s: %w", dir, err), l.db.Close(), l.lock.Close())
	}
	if l.opts.planted.write == nil {
		l.opts.planted.write = pebble.Sync
	}
	l.disk = diskCheck{fs: opts.FS, dir: dir, min: opts.MinFreeDisk}
	l.watches.init()
	go l.commitLoop()
	go l.acknowledgeLoop()
	return l, nil
}

// findEnd sets where numbering goes on.
func (l *Log) findEnd() error {
	position, err := l.lastNumber(kindEvent)
	if err != nil {
		return fmt.Errorf("find the last event: %w", err)
	}
	stream, err := l.lastNumber(kindRevision)
	if err != nil {
		return fmt.Errorf("find the last stream: %w", err)
	}
	if err := checkAcknowledged(l.dir, l.opts.FS, position); err != nil {
		return err
	}
	step, err := l.lastStep(position)
	if err != nil {
		return fmt.Errorf("measure the last event: %w", err)
	}
	l.nextPosition, l.nextStream = position+step, stream+1
	l.anyMetadata = l.findMetadata()
	l.published.Store(position)
	if err := l.findHouse(); err != nil {
		return fmt.Errorf("find out whether the log has moved: %w", err)
	}
	return nil
}

// findMetadata tells whether there is a name of a metadata stream. Where that cannot be read, there may be one.
func (l *Log) findMetadata() bool {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: nameKey(nil, "$$"), UpperBound: nameKey(nil, "$%")})
	if err != nil {
		return true
	}
	defer it.Close()
	return it.First() || it.Error() != nil
}

// lastNumber is the first number in the last key of a kind, 0 if there is none.
func (l *Log) lastNumber(kind byte) (uint64, error) {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kind}, UpperBound: []byte{kind + 1}})
	if err != nil {
		return 0, err
	}
	defer it.Close()
	if !it.Last() {
		return 0, it.Error()
	}
	n, ok := number(it.Key()[1:9])
	if !ok {
		return 0, errors.New("a key is damaged")
	}
	return n, nil
}

// Close takes no more requests, finishes those already taken and closes the folder. After a failure of the disk there is nothing to
// finish, and the folder stays locked until the process ends.
func (l *Log) Close(ctx context.Context) error {
	select {
	case <-l.closing:
		return nil
	default:
		close(l.closing)
	}
	done := make(chan error, 1)
	go func() {
		<-l.stopped
		<-l.acknowledged
		// After an orderly stop nothing hangs on the write-ahead log, whose last block is not proof against damage.
		if err := l.db.Flush(); err != nil {
			l.log.Warn("event log could not be flushed on closing", "error", err)
		}
		err := l.db.Close()
		if err == nil {
			err = sealManifest(l.dir, l.opts.FS.PathJoin(l.dir, "db"), l.opts.FS)
		}
		done <- errors.Join(err, l.lock.Close())
	}()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("close event log: %w", err)
		}
		return nil
	case <-l.failed:
		return l.failure
	case <-ctx.Done():
		return fmt.Errorf("close event log: %w", ctx.Err())
	}
}

// Failed is closed when the disk failed; Failure says how. From then on nothing is written, published or acknowledged.
func (l *Log) Failed() <-chan struct{} { return l.failed }

// Failure is what ended the log, nil while it has not failed.
func (l *Log) Failure() error {
	select {
	case <-l.failed:
		return l.failure
	default:
		return nil
	}
}

func (l *Log) fail(err error) {
	l.failOnce.Do(func() {
		l.failure = err
		l.log.Error("event log failed, nothing is acknowledged any more", "error", err)
		close(l.failed)
	})
}

// End is the highest position that readers may see, 0 in an empty log.
func (l *Log) End() uint64 { return l.published.Load() }

// Now is the log's clock.
func (l *Log) Now() time.Time { return l.opts.Clock() }
