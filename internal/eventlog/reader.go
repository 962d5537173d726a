package eventlog

import (
	"context"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// Codec opens stored events; eventschema.Codec does.
type Codec interface {
	DecodePage(ctx context.Context, stored []eventschema.Stored) (eventschema.Page, error)
	// Forget drops keys from memory: a person was erased.
	Forget(ids []uuid.UUID)
}

// Reader reads the log decoded, page by page: for rebuild, verify and export.
type Reader struct {
	Log   *Log
	Codec Codec
}

// Newest is the position of the newest event of ours, as of the call; zero if there is none.
func (r Reader) Newest(ctx context.Context) (eventschema.Position, error) { return r.Log.Newest(ctx) }

// ReadAll hands the events of ours after a position to f, in order, in pages as large as they come (up to 1,000), up to the log's end as of
// the call or f's first error; eventschema.ErrStop ends it without one. An event at fault stands in its page with its Err.
func (r Reader) ReadAll(ctx context.Context, after eventschema.Position, f func(eventschema.Page) error) error {
	return r.Log.readBatches(ctx, after, func(batch []eventschema.Stored) error {
		page, err := r.Codec.DecodePage(ctx, batch)
		if err != nil {
			return err
		}
		return f(page)
	})
}

// EventAt is the id of the event at a position; uuid.Nil if none lies there.
func (r Reader) EventAt(ctx context.Context, at eventschema.Position) (uuid.UUID, error) {
	e, _, err := r.Log.EventAt(ctx, at)
	return e.ID, err
}
