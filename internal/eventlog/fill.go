package eventlog

import (
	"context"
	"fmt"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// maxTogether is how many neighbours of one stream share an append at most.
const maxTogether = 500

// Filler writes events that lie in another log, or in a backup of one, into this log: in the order in which they are added, with the same ids,
// bytes and revisions, each acknowledged before the next is sent. Neighbours of one stream share an append. An append has the exact revision, so one
// whose answer was lost is sent again without harm.
type Filler struct {
	log     *Log
	waiting []eventschema.Stored
	size    int
}

// Fill begins to write into a log that nobody else writes to.
func (l *Log) Fill() *Filler { return &Filler{log: l} }

// Add takes the next event; it may be written by a later Add or Flush.
func (f *Filler) Add(ctx context.Context, e eventschema.Stored) error {
	size := len(e.Type) + len(e.Data) + len(e.Metadata)
	if n := len(f.waiting); n > 0 {
		last := f.waiting[n-1]
		if last.Stream != e.Stream || last.Revision+1 != e.Revision || n == maxTogether || f.size+size > eventschema.MaxAppend {
			if err := f.Flush(ctx); err != nil {
				return err
			}
		}
	}
	f.waiting, f.size = append(f.waiting, e), f.size+size
	return nil
}

// Flush writes what waits and returns once it is acknowledged.
func (f *Filler) Flush(ctx context.Context) error {
	if len(f.waiting) == 0 {
		return nil
	}
	first := f.waiting[0]
	events := make([]eventschema.Proposed, len(f.waiting))
	for i, e := range f.waiting {
		events[i] = eventschema.Proposed{ID: e.ID, Type: e.Type, Data: e.Data, Metadata: e.Metadata}
	}
	done, err := f.log.append(ctx, first.Stream, int64(first.Revision)-1, events)
	if err != nil {
		return fmt.Errorf("write event %d of %s: %w", first.Revision, first.Stream, err)
	}
	if want := first.Revision + uint64(len(events)) - 1; done.Revision != want {
		return fmt.Errorf("write event %d of %s: it was acknowledged as %d", want, first.Stream, done.Revision)
	}
	f.waiting, f.size = f.waiting[:0], 0
	return nil
}
