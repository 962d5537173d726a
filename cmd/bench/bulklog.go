package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/eventlog"
)

// bulkLog stands between the command handler and the event log while a large log is made: an append is acknowledged at once and written
// behind by several writers, each stream by one of them, in order. It is no way to run a server: what was acknowledged may still fail.
type bulkLog struct {
	log     *eventlog.Log
	writers []chan behind
	running sync.WaitGroup

	mu      sync.Mutex
	last    map[string]eventschema.Stored // newest event of each stream that was read or written
	count   uint64
	waiting int
	idle    *sync.Cond
	err     error
}

type behind struct {
	stream   string
	expected int64
	events   []eventschema.Proposed
}

func newBulkLog(log *eventlog.Log, writers int) *bulkLog {
	b := &bulkLog{log: log, last: map[string]eventschema.Stored{}}
	b.idle = sync.NewCond(&b.mu)
	for range writers {
		c := make(chan behind, 64)
		b.writers = append(b.writers, c)
		b.running.Go(func() {
			for one := range c {
				b.mu.Lock()
				err := b.err
				b.mu.Unlock()
				if err == nil { // after a failure nothing that follows can be right
					_, err = log.Append(context.Background(), one.stream, one.expected, one.events)
				}
				b.mu.Lock()
				if b.waiting--; b.waiting == 0 {
					b.idle.Broadcast()
				}
				if b.err == nil && err != nil {
					b.err = fmt.Errorf("write behind: %w", err)
				}
				b.mu.Unlock()
			}
		})
	}
	return b
}

// close writes what is waiting and tells how many events were written.
func (b *bulkLog) close() (uint64, error) {
	for _, c := range b.writers {
		close(c)
	}
	b.running.Wait()
	return b.count, b.err
}

// flush waits until everything acknowledged is written.
func (b *bulkLog) flush() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.waiting > 0 {
		b.idle.Wait()
	}
	return b.err
}

// Append implements commands.Log.
func (b *bulkLog) Append(_ context.Context, stream string, expected int64, events []eventschema.Proposed) (eventschema.Appended, error) {
	b.mu.Lock()
	if b.err != nil {
		defer b.mu.Unlock()
		return eventschema.Appended{}, b.err
	}
	if last, known := b.last[stream]; known && int64(last.Revision) != expected {
		defer b.mu.Unlock()
		return eventschema.Appended{}, eventschema.ErrConflict
	}
	e := events[len(events)-1]
	b.count += uint64(len(events))
	b.waiting++
	revision := uint64(expected + int64(len(events)))
	at := eventschema.Position{Commit: b.count, Prepare: b.count} // read by nobody: the log's own stand in the log
	b.last[stream] = eventschema.Stored{Stream: stream, Revision: revision, Position: at, ID: e.ID, Type: e.Type, Data: e.Data, Metadata: e.Metadata}
	b.mu.Unlock()

	hash := fnv.New32a()
	hash.Write([]byte(stream))
	b.writers[hash.Sum32()%uint32(len(b.writers))] <- behind{stream, expected, events}
	return eventschema.Appended{Revision: revision, Position: at}, nil
}

// ReadStream implements commands.Log. Whoever only looks whether something came after the last event is answered from memory.
func (b *bulkLog) ReadStream(ctx context.Context, stream string, from uint64, f func(eventschema.Stored) error) error {
	b.mu.Lock()
	last, known := b.last[stream]
	b.mu.Unlock()
	if known && from == last.Revision {
		return f(last)
	}
	if err := b.flush(); err != nil {
		return err
	}
	return b.log.ReadStream(ctx, stream, from, func(e eventschema.Stored) error {
		b.seen(e)
		return f(e)
	})
}

func (b *bulkLog) seen(e eventschema.Stored) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if last, known := b.last[e.Stream]; !known || e.Revision > last.Revision {
		b.last[e.Stream] = e
	}
}

// ReadStreamBackwards implements commands.Log.
func (b *bulkLog) ReadStreamBackwards(ctx context.Context, stream string, f func(eventschema.Stored) error) error {
	if err := b.flush(); err != nil {
		return err
	}
	return b.log.ReadStreamBackwards(ctx, stream, f)
}

// Newest implements commands.Log.
func (b *bulkLog) Newest(ctx context.Context) (eventschema.Position, error) {
	if err := b.flush(); err != nil {
		return eventschema.Position{}, err
	}
	return b.log.Newest(ctx)
}

// Epoch implements commands.Log.
func (b *bulkLog) Epoch() uint64 { return 1 }

// forget drops a stream that no command will touch again.
func (b *bulkLog) forget(stream string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.last, stream)
}
