package log

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/uuid"
)

// Bounds of what one sync covers. A request is never split.
const (
	maxGroup      = 1024
	maxGroupBytes = 4 << 20
)

// Result is what a write came to.
type Result struct {
	Revision    int64  // of the last event of the request, -1 if there is none
	Position    uint64 // of the last event of the request
	HasPosition bool   // false where the real server gives none: a repeat whose event is truncated by now
}

type operation byte

const (
	opAppend operation = iota
	opDelete
	opTombstone
	opReplicate
)

// request is one write on its way through the committer.
type request struct {
	ctx      context.Context
	op       operation
	stream   string
	expected Expected
	events   []Proposed
	recorded []Event // of opReplicate
	size     int

	taken  atomic.Bool // by the committer, or back by who does not wait any longer
	result Result
	err    error
	done   chan struct{}
}

// submit hands a request to the committer and waits for its answer. A request whose context ends while it waits in the queue is not
// written, and its events are let go at once: nobody counts any more what it holds. One that was already taken up may be written all the same.
func (l *Log) submit(ctx context.Context, r *request) (Result, error) {
	r.ctx, r.done = ctx, make(chan struct{})
	select {
	case <-l.failed:
		return Result{}, l.failure
	case <-l.closing:
		return Result{}, ErrClosed
	default:
	}
	select {
	case l.queue <- r:
	case <-l.closing:
		return Result{}, ErrClosed
	case <-l.failed:
		return Result{}, l.failure
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	select {
	case <-r.done:
		return r.result, r.err
	case <-l.failed:
		return Result{}, l.failure
	case <-l.stopped:
		select {
		case <-r.done:
			return r.result, r.err
		default:
			return Result{}, ErrClosed // it came into the queue too late
		}
	case <-ctx.Done():
		if !r.taken.Swap(true) {
			r.events, r.recorded = nil, nil
		}
		return Result{}, ctx.Err()
	}
}

// commitLoop is the only writer.
func (l *Log) commitLoop() {
	defer close(l.stopped)
	requests := make([]*request, 0, maxGroup)
	for {
		select {
		case r := <-l.queue:
			requests = append(requests[:0], r)
		case <-l.closing:
			return
		}
		requests = l.gather(requests)
		l.commit(requests)
		clear(requests)
	}
}

// gather adds what else is waiting. While one group is synced the next one gathers by itself: the slower the disk, the larger the groups.
func (l *Log) gather(requests []*request) []*request {
	bytes := requests[0].size
	for len(requests) < maxGroup && bytes < maxGroupBytes {
		select {
		case r := <-l.queue:
			requests = append(requests, r)
			bytes += r.size
		default:
			return requests
		}
	}
	return requests
}

// commit decides a group of requests, writes what they write with one sync, publishes it and answers all.
func (l *Log) commit(requests []*request) {
	g := &group{log: l, batch: l.db.NewBatch(), streams: make(map[string]*staged, len(requests)), created: ticks(l.opts.Clock())}
	for _, r := range requests {
		if r.taken.Swap(true) {
			continue
		}
		if err := r.ctx.Err(); err != nil {
			r.err = err
			continue
		}
		before := g.last
		r.result, r.err = g.decide(r)
		g.own = g.own || g.last != before && r.op != opReplicate
	}
	if l.Failure() != nil {
		return // whoever waits is told by l.failed
	}
	if g.batch.Count() > 0 {
		if early := l.opts.planted.beforeCommit; early != nil {
			early(l, g, requests)
		}
		// A failed sync does not come back from Commit, see fatalLogger.
		if err := g.batch.Commit(l.opts.planted.write); err != nil {
			l.fail(fmt.Errorf("event storage failed: %w", err))
		}
		if l.Failure() != nil {
			return // nothing is published
		}
		if l.opts.HandOn != nil && g.own {
			if err := l.handOn(g); err != nil {
				l.fail(fmt.Errorf("hand on what was written: %w", err))
				return
			}
		}
		l.publish(g)
	}
	_ = g.batch.Close()
	for _, r := range requests {
		close(r.done)
	}
}

func (l *Log) publish(g *group) {
	l.mu.Lock()
	for name, s := range g.streams {
		if s.changed {
			l.cache.Add(name, &head{number: s.number, last: s.last, tombstoned: s.tombstoned, meta: s.meta})
			l.anyMetadata = l.anyMetadata || isMetastream(name)
		}
	}
	l.published.Store(g.last)
	l.mu.Unlock()
	l.watches.notify(g.streams)
}

// group is the requests of one sync while they are decided: the streams as they will stand, and the rows to write.
type group struct {
	log     *Log
	batch   *pebble.Batch
	streams map[string]*staged
	created int64
	last    uint64 // position of the last event written
	own     bool   // not all of it was taken over from another log
}

// staged is a stream as it will stand once the group is committed.
type staged struct {
	head
	name    string
	changed bool
	written []stagedEvent // what this group writes to it
}

type stagedEvent struct {
	id       uuid.UUID
	revision uint64
	position uint64
}

// stream returns the stream as the requests before left it.
func (g *group) stream(name string) (*staged, error) {
	if s, ok := g.streams[name]; ok {
		return s, nil
	}
	h, err := g.log.head(name)
	if err != nil {
		return nil, err
	}
	s := &staged{head: *h, name: name}
	g.streams[name] = s
	return s, nil
}

// write appends one event to a stream. The first event of a stream gives it its number.
func (g *group) write(s *staged, revision uint64, e *Proposed) (position uint64) {
	l := g.log
	if s.number == 0 {
		s.number = l.nextStream
		l.nextStream++
		row := g.batch.SetDeferred(1+len(s.name), 8)
		nameKey(row.Key[:0], s.name)
		finish(row, s.number)
	}
	size := recordSize(s.name, e)
	position = l.nextPosition
	l.nextPosition += l.step(size)
	g.last = position

	record := g.batch.SetDeferred(9, size)
	eventKey(record.Key[:0], position)
	putRecord(record.Value, position, s.name, revision, g.created, e)
	_ = record.Finish() // fails only on a batch with an index, which this is not
	row := g.batch.SetDeferred(17, 8)
	revisionKey(row.Key[:0], s.number, revision)
	finish(row, position)
	row = g.batch.MergeDeferred(25, 8)
	idKey(row.Key[:0], s.number, e.ID)
	finish(row, revision)

	s.changed = true
	s.written = append(s.written, stagedEvent{e.ID, revision, position})
	if revision == TombstoneRevision {
		s.tombstoned = true
		return position
	}
	s.last = int64(revision)
	if isMetastream(s.name) {
		s.meta = parseMetadata(e.JSON, e.Data)
	}
	return position
}

// finish completes a row whose value is a number.
func finish(row *pebble.DeferredBatchOp, value uint64) {
	binary.BigEndian.PutUint64(row.Value, value)
	_ = row.Finish()
}

// idAt is the id of the event with a revision, false if there is none.
func (g *group) idAt(s *staged, revision uint64) (uuid.UUID, uint64, bool, error) {
	if n := len(s.written); n > 0 && revision >= s.written[0].revision {
		for _, e := range s.written {
			if e.revision == revision {
				return e.id, e.position, true, nil
			}
		}
		return uuid.UUID{}, 0, false, nil
	}
	position, ok, err := g.log.positionOf(&s.head, revision, g.log.published.Load())
	if err != nil || !ok {
		return uuid.UUID{}, 0, false, err
	}
	e, err := g.log.At(position)
	return e.ID, position, err == nil, err
}

// firstSeen is the revision under which the stream first saw an id, false if it never did.
func (g *group) firstSeen(s *staged, id uuid.UUID) (uint64, bool, error) {
	if s.number == 0 {
		return 0, false, nil
	}
	if len(s.written) == 0 || s.written[0].revision > 0 {
		var key [25]byte
		revision, ok, err := g.log.getNumber(idKey(key[:0], s.number, id))
		if err != nil || ok {
			return revision, ok, err
		}
	}
	for _, e := range s.written {
		if e.id == id {
			return e.revision, true, nil
		}
	}
	return 0, false, nil
}

func ticks(t interface{ UnixNano() int64 }) int64 { return t.UnixNano() / 100 }

// metadataEvent is a metadata event as the node itself writes it.
func metadataEvent(data []byte) *Proposed {
	return &Proposed{ID: uuid.New(), Type: typeMetadata, JSON: true, Data: data}
}

func deletedMetadata() []byte {
	return append(strconv.AppendInt([]byte(`{"$tb":`), softDelete, 10), '}')
}
