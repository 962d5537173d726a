package log

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// pebbleFormat is pinned: without it a new store has a format in which a flipped byte in the middle of the newest write-ahead log reads
// as its end, and every acknowledged event behind it is gone without a word.
const pebbleFormat = pebble.FormatValueSeparation

// Two memory tables, the one that is written and the one that is flushed or kept for the next, are taken out of the cache. Were they as large as
// the cache together, no block would ever be found in memory.
const (
	defaultMemTable = 16 << 20
	cacheSize       = 64 << 20
)

// StoreOptions are the options that decide what storing costs; the measurements open a store of their own with them.
func StoreOptions() *pebble.Options {
	o := &pebble.Options{
		FormatMajorVersion:          pebbleFormat,
		Merger:                      &smallestRevision,
		CacheSize:                   cacheSize,
		MemTableSize:                defaultMemTable,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       4,
	}
	for i := range o.Levels {
		o.Levels[i].BlockSize = 32 << 10
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return o
}

func (l *Log) pebbleOptions() *pebble.Options {
	logger := &fatalLogger{log: l.log, fail: l.fail, survive: l.opts.planted.survive}
	o := StoreOptions()
	o.FS = storeFS{l.opts.FS, l.walFailed}
	o.Logger = logger
	if l.opts.MemTable != 0 {
		o.MemTableSize = uint64(l.opts.MemTable)
	}
	// Pebble's own answer to a damaged block is to end the process. Whoever reads the block gets an error, and everybody else goes on.
	o.EventListener = &pebble.EventListener{DataCorruption: func(info pebble.DataCorruptionInfo) {
		logger.log.Error("event storage is damaged; stop the node and run: dragoman eventstore check", "path", info.Path)
	}}
	return o
}

// smallestRevision keeps the first revision under which a stream saw an id, without the writer having to look first.
var smallestRevision = pebble.Merger{
	Name: "dragoman.smallest-revision",
	Merge: func(_, value []byte) (pebble.ValueMerger, error) {
		m := &revisionMerge{}
		return m, m.add(value)
	},
}

type revisionMerge struct{ smallest []byte }

func (m *revisionMerge) add(value []byte) error {
	if _, ok := number(value); !ok {
		return errors.New("merge revisions: a value is no number")
	}
	if m.smallest == nil || string(value) < string(m.smallest) {
		m.smallest = append(m.smallest[:0], value...)
	}
	return nil
}

func (m *revisionMerge) MergeNewer(value []byte) error { return m.add(value) }
func (m *revisionMerge) MergeOlder(value []byte) error { return m.add(value) }

func (m *revisionMerge) Finish(bool) ([]byte, io.Closer, error) { return m.smallest, nil, nil }

// fatalLogger is Pebble's way to tell us that the disk failed.
type fatalLogger struct {
	log     *slog.Logger
	fail    func(error)
	survive *atomic.Bool // a planted fault
}

func (l *fatalLogger) Infof(string, ...any) {}

func (l *fatalLogger) Errorf(format string, args ...any) {
	l.log.Warn("event storage reports a problem", "detail", fmt.Sprintf(format, args...))
}

// Fatalf never returns: Pebble would take a return for success and acknowledge what is not on disk. The goroutine is parked with
// whatever locks it holds; the process has to end.
func (l *fatalLogger) Fatalf(format string, args ...any) {
	if l.survive != nil {
		l.survive.Store(true)
		return
	}
	detail, _, _ := strings.Cut(fmt.Sprintf(format, args...), "\n")
	l.fail(fmt.Errorf("event storage failed: %s", detail))
	select {}
}
