package log

import (
	"context"

	"github.com/google/uuid"
)

// Delete hides all events of a stream until something is written to it again. It returns *WrongRevisionError, also for a stream of
// which there are neither events nor metadata, or *DeletedError.
func (l *Log) Delete(ctx context.Context, stream string, expected Expected) (Result, error) {
	return l.submit(ctx, &request{op: opDelete, stream: stream, expected: expected})
}

// Tombstone ends a stream for ever, also one that never was.
func (l *Log) Tombstone(ctx context.Context, stream string, expected Expected) (Result, error) {
	return l.submit(ctx, &request{op: opTombstone, stream: stream, expected: expected})
}

func (g *group) delete(r *request) (Result, error) {
	s, err := g.stream(r.stream)
	if err != nil {
		return Result{}, err
	}
	meta, err := g.stream("$$" + r.stream)
	if err != nil {
		return Result{}, err
	}
	if err := g.checkDelete(s, r); err != nil {
		return Result{}, err
	}
	if s.last < 0 && meta.last < 0 {
		return Result{}, &WrongRevisionError{s.name, r.expected, s.last}
	}
	revision := meta.last + 1
	position := g.write(meta, uint64(revision), metadataEvent(deletedMetadata()))
	return Result{Revision: revision, Position: position, HasPosition: true}, nil
}

func (g *group) tombstone(r *request) (Result, error) {
	s, err := g.stream(r.stream)
	if err != nil {
		return Result{}, err
	}
	if err := g.checkDelete(s, r); err != nil {
		return Result{}, err
	}
	position := g.write(s, TombstoneRevision, &Proposed{ID: uuid.New(), Type: typeTombstone})
	return Result{Revision: TombstoneRevision, Position: position, HasPosition: true}, nil
}

// checkDelete compares what is expected as for an append of one event that nobody has seen.
func (g *group) checkDelete(s *staged, r *request) error {
	_, meta, err := g.streamAndMeta(s.name)
	if err != nil {
		return err
	}
	unseen := &request{expected: r.expected, events: []Proposed{{ID: uuid.New()}}}
	_, err = g.check(s, meta, unseen)
	return err
}
