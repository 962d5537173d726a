package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// Log is the event log as commands need it; internal/eventlog implements it through the official client.
type Log interface {
	// Append writes all events or none, only if the stream's last revision is expected (eventschema.NoStream: it has none). The same
	// events again, with the same ids and the same expected revision, are acknowledged again and not written again. It retries what may
	// be retried (Unavailable, not-leader, Aborted, deadline, cut connection) for at least 15 s, then eventschema.ErrUnavailable;
	// eventschema.ErrConflict if another revision is there.
	Append(ctx context.Context, stream string, expected int64, events []eventschema.Proposed) (eventschema.Appended, error)
	// ReadStream hands each event from a revision on (inclusive) to f, in order, until the end or f's first error; eventschema.ErrStop
	// ends it without one. A stream that does not exist has no events: no error.
	ReadStream(ctx context.Context, stream string, from uint64, f func(eventschema.Stored) error) error
	// ReadStreamBackwards does the same from the end towards the beginning.
	ReadStreamBackwards(ctx context.Context, stream string, f func(eventschema.Stored) error) error
	// Newest returns the position of the newest event of ours in the log, as of the call ($all backwards past others'); zero if there is none.
	Newest(ctx context.Context) (eventschema.Position, error)
	// Epoch changes whenever the connection was lost or its member changed: cached folds are dropped then.
	Epoch() uint64
}

// PersonKeys gives out personal-data keys; internal/accounts implements it.
type PersonKeys interface {
	// Draw returns the id of a key that is already durable and given to nobody else.
	Draw(ctx context.Context) (uuid.UUID, error)
	// BeginErasing keeps backups from starting until end is called, so that event and destroyed keys are both in one, or neither. It waits for a
	// backup that is being made, but not for ever: eventschema.ErrUnavailable.
	BeginErasing(ctx context.Context) (end func(), err error)
	// Erase destroys keys for ever.
	Erase(ctx context.Context, ids []uuid.UUID) error
}
