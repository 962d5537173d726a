package commands_test

import (
	"context"
	"errors"
	"sync"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// memLog keeps streams in memory with the store's rules.
type memLog struct {
	mu      sync.Mutex
	streams map[string][]eventschema.Stored
	all     []eventschema.Stored
	epoch   uint64
}

func newMemLog() *memLog { return &memLog{streams: map[string][]eventschema.Stored{}} }

func (l *memLog) Append(_ context.Context, stream string, expected int64, events []eventschema.Proposed) (eventschema.Appended, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	have := l.streams[stream]
	current := int64(len(have)) - 1
	if expected < current {
		for i, e := range events {
			at := int(expected) + 1 + i
			if at >= len(have) || have[at].ID != e.ID {
				return eventschema.Appended{}, eventschema.ErrConflict
			}
		}
		last := have[int(expected)+len(events)]
		return eventschema.Appended{Revision: last.Revision, Position: last.Position}, nil
	}
	if expected != current {
		return eventschema.Appended{}, eventschema.ErrConflict
	}
	for _, e := range events {
		n := uint64(len(l.all) + 1)
		s := eventschema.Stored{Stream: stream, Revision: uint64(len(have)), Position: eventschema.Position{Commit: n, Prepare: n},
			ID: e.ID, Type: e.Type, Data: e.Data, Metadata: e.Metadata}
		have = append(have, s)
		l.all = append(l.all, s)
	}
	l.streams[stream] = have
	last := have[len(have)-1]
	return eventschema.Appended{Revision: last.Revision, Position: last.Position}, nil
}

func (l *memLog) snapshot(stream string) []eventschema.Stored {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.streams[stream]
}

func (l *memLog) ReadStream(_ context.Context, stream string, from uint64, f func(eventschema.Stored) error) error {
	for _, e := range l.snapshot(stream) {
		if e.Revision < from {
			continue
		}
		if err := f(e); err != nil {
			if errors.Is(err, eventschema.ErrStop) {
				return nil
			}
			return err
		}
	}
	return nil
}

func (l *memLog) ReadStreamBackwards(_ context.Context, stream string, f func(eventschema.Stored) error) error {
	have := l.snapshot(stream)
	for i := len(have) - 1; i >= 0; i-- {
		if err := f(have[i]); err != nil {
			if errors.Is(err, eventschema.ErrStop) {
				return nil
			}
			return err
		}
	}
	return nil
}

func (l *memLog) Newest(context.Context) (eventschema.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == 0 {
		return eventschema.Position{}, nil
	}
	return l.all[len(l.all)-1].Position, nil
}

func (l *memLog) Epoch() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.epoch
}
