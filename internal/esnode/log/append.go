package log

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/internal/move"
)

// Append writes all events or none. It returns *WrongRevisionError if the stream does not stand where expected, *DeletedError if the
// stream is deleted in a way that forbids it, ErrDiskFull, ErrClosed, or what ended the log.
//
// Events that are already there are not written again: their first writing is answered. With an exact revision or NoStream that holds
// when the events at the asked place have the same ids; with Any and StreamExists when the stream has ever seen all ids.
func (l *Log) Append(ctx context.Context, stream string, expected Expected, events []Proposed) (Result, error) {
	size := 0
	for i := range events {
		size += recordSize(stream, &events[i])
	}
	return l.submit(ctx, &request{op: opAppend, stream: stream, expected: expected, events: events, size: size})
}

func (g *group) decide(r *request) (Result, error) {
	if g.log.disk.isFull() {
		return Result{}, ErrDiskFull
	}
	switch r.op {
	case opAppend:
		return g.append(r)
	case opReplicate:
		return Result{}, g.replicate(r)
	case opDelete, opTombstone:
		if err := g.stays(r.stream); err != nil {
			return Result{}, err
		}
		if r.stream == move.Stream {
			return Result{}, fmt.Errorf("%w: what it says of that stays", ErrMoved)
		}
		if r.op == opDelete {
			return g.delete(r)
		}
		return g.tombstone(r)
	}
	return Result{}, fmt.Errorf("unknown operation %d", r.op)
}

func (g *group) append(r *request) (Result, error) {
	s, meta, err := g.streamAndMeta(r.stream)
	if err != nil {
		return Result{}, err
	}
	repeat, err := g.check(s, meta, r)
	if err != nil {
		return Result{}, err
	}
	if repeat >= 0 {
		return g.repeated(s, meta, repeat)
	}
	if err := g.stays(r.stream); err != nil {
		return Result{}, err
	}
	if err := g.moves(r, uint64(s.last+1)); err != nil {
		return Result{}, err
	}

	// A write to a deleted stream brings it back, and so does a write to its metadata.
	var revived, revivedMeta *staged
	if meta != nil && meta.meta.softDeleted() {
		revived, revivedMeta = s, meta
	}
	if isMetastream(r.stream) && s.meta.softDeleted() {
		if revived, err = g.stream(r.stream[2:]); err != nil {
			return Result{}, err
		}
		revivedMeta = s
	}
	if revived != nil && revived.tombstoned {
		revived = nil // nothing brings it back
	}
	first := s.last + 1
	if revived != nil && revived != s {
		first = revived.last + 1
	}

	result := Result{Revision: s.last, HasPosition: true}
	for i := range r.events {
		result.Revision = s.last + 1
		result.Position = g.write(s, uint64(result.Revision), &r.events[i])
	}
	if len(r.events) == 0 {
		// The real server writes an empty record and answers with its position; here the number is left out.
		result.Position = g.log.nextPosition
		g.log.nextPosition++
	}
	if revived != nil {
		g.revive(revivedMeta, r, first)
	}
	return result, nil
}

// streamAndMeta returns a stream and its metadata stream; the latter is nil for a metadata stream.
func (g *group) streamAndMeta(name string) (s, meta *staged, err error) {
	if s, err = g.stream(name); err != nil {
		return nil, nil, err
	}
	if !isMetastream(name) {
		meta, err = g.stream("$$" + name)
	}
	return s, meta, err
}

// check compares a stream with what the writer expects of it (the order of the checks is the real server's). It returns -1 if the events
// are to be written, the revision of the last one if they are there already.
func (g *group) check(s, meta *staged, r *request) (repeat int64, err error) {
	gone, err := g.isTombstoned(s)
	if err != nil {
		return 0, err
	}
	if gone {
		return 0, &DeletedError{s.name}
	}
	softDeleted := meta != nil && meta.meta.softDeleted()
	wrong := &WrongRevisionError{s.name, r.expected, s.last}
	if r.expected == StreamExists {
		if softDeleted {
			return 0, &DeletedError{s.name}
		}
		if s.last < 0 && (meta == nil || meta.last < 0) {
			return 0, wrong
		}
	}
	if r.expected == Any || r.expected == StreamExists {
		return g.checkSeen(s, r.events, wrong)
	}
	if int64(r.expected) > s.last {
		return 0, wrong
	}
	if int64(r.expected) == s.last {
		return -1, nil
	}
	return g.checkSame(s, r.events, softDeleted, wrong)
}

// isTombstoned tells whether nothing may be written to the stream any more. A metadata stream that had events before its stream was
// tombstoned can still be written.
func (g *group) isTombstoned(s *staged) (bool, error) {
	if s.tombstoned || !isMetastream(s.name) || s.last >= 0 {
		return s.tombstoned, nil
	}
	of, err := g.stream(s.name[2:])
	if err != nil {
		return false, err
	}
	return of.tombstoned, nil
}

// checkSeen looks the ids up one after the other: the stream has seen all of them, or must not have seen the first.
func (g *group) checkSeen(s *staged, events []Proposed, wrong error) (repeat int64, err error) {
	repeat = -1
	for i := range events {
		revision, seen, err := g.firstSeen(s, events[i].ID)
		switch {
		case err != nil:
			return 0, err
		case seen:
			repeat = int64(revision)
		case i == 0:
			return -1, nil
		default:
			return 0, wrong
		}
	}
	return repeat, nil
}

// checkSame compares the events with those that stand where they would have been written.
func (g *group) checkSame(s *staged, events []Proposed, softDeleted bool, wrong *WrongRevisionError) (repeat int64, err error) {
	if len(events) == 0 {
		return 0, wrong
	}
	for i := range events {
		repeat = int64(wrong.Expected) + 1 + int64(i)
		var id uuid.UUID
		there := false
		if repeat <= s.last {
			if id, _, there, err = g.idAt(s, uint64(repeat)); err != nil {
				return 0, err
			}
		}
		if there && id == events[i].ID {
			continue
		}
		if i == 0 && softDeleted && wrong.Expected == NoStream {
			return -1, nil
		}
		return 0, wrong
	}
	return repeat, nil
}

// repeated is the answer to events that are there already.
func (g *group) repeated(s, meta *staged, revision int64) (Result, error) {
	var m *metadata
	if meta != nil {
		m = meta.meta
	}
	if revision < firstReadable(s.name, &s.head, m) {
		return Result{Revision: revision}, nil
	}
	_, position, ok, err := g.idAt(s, uint64(revision))
	return Result{Revision: revision, Position: position, HasPosition: ok}, err
}

// revive ends a soft delete: everything before first stays hidden, everything else in the metadata stays as it is.
func (g *group) revive(meta *staged, r *request, first int64) {
	raw := []byte(nil)
	if meta.meta.softDeleted() {
		raw = meta.meta.raw
	} else if n := len(r.events); n > 0 {
		raw = r.events[n-1].Data
	}
	data, err := withTruncateBefore(raw, first)
	if err != nil {
		return // metadata that is no JSON object hides nothing: the stream is back already
	}
	g.write(meta, uint64(meta.last+1), metadataEvent(data))
}
