package log

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
)

// What was read a moment ago is found in memory, also when memory tables have been written and are as large as they get: they are taken out of the
// cache of blocks.
func TestBlocksAreFoundInMemory(t *testing.T) {
	t.Parallel()
	l := open(t, vfs.NewMem())
	const events, size = 4 * defaultMemTable / (256 << 10), 256 << 10
	for range events {
		if _, err := l.Append(t.Context(), "s", Any, []Proposed{{ID: uuid.New(), Type: "t", Data: make([]byte, size)}}); err != nil {
			t.Fatal(err)
		}
	}
	if m := l.db.Metrics(); m.MemTable.Size+m.MemTable.ZombieSize < 2*defaultMemTable || m.Flush.Count == 0 {
		t.Fatalf("memory tables of %d and %d bytes after %d flushes", m.MemTable.Size, m.MemTable.ZombieSize, m.Flush.Count)
	}
	read := func() (missed int64) {
		before := l.db.Metrics().BlockCache.Misses
		for position := uint64(1); position <= 20; position++ {
			if _, err := l.At(position); err != nil {
				t.Fatal(err)
			}
		}
		return l.db.Metrics().BlockCache.Misses - before
	}
	first := read()
	if again := read(); first < 20 || again > 10 {
		t.Errorf("%d blocks were read at first and %d again", first, again)
	}
}
