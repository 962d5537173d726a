package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// Patience is how long a log may have no event at a checkpoint before it counts as another log: a leader that stood still and wakes up serves
// what is old for some seconds. Askings are how far apart the log is asked meanwhile.
const (
	Patience = 15 * time.Second
	askings  = 500 * time.Millisecond
)

// errNotFound: no event is at the checkpoint, for now.
var errNotFound = errors.New("no event is found at the checkpoint")

// Doubting says in a state what is going on until [SameLog] has an answer.
const Doubting = "the log is asked for the event at its checkpoint"

// SameLog compares the event at a checkpoint with the log: a log that was replaced, truncated or restored to an earlier position is noticed before
// anything of it is applied. Another event there is [ErrLogReplaced] at once. None there is, too, once the log has said so for as long as
// Patience; doubt, if given, is called meanwhile. That nothing is there never means that there is nothing to do.
func SameLog(ctx context.Context, log Log, at eventschema.Position, event uuid.UUID, doubt func()) error {
	if event == uuid.Nil {
		return nil // nothing was applied yet
	}
	var since time.Time // when nothing was found first
	for {
		err := compareOnce(ctx, log, at, event)
		switch {
		case !errors.Is(err, errNotFound):
			return err
		case since.IsZero():
			since = time.Now()
			if doubt != nil {
				doubt()
			}
		case time.Since(since) >= Patience:
			return fmt.Errorf("%w: no event is at the checkpoint, and none came", ErrLogReplaced)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(askings):
		}
	}
}

func compareOnce(ctx context.Context, log Log, at eventschema.Position, event uuid.UUID) error {
	if event == uuid.Nil {
		return nil
	}
	switch id, err := log.EventAt(ctx, at); {
	case err != nil:
		return fmt.Errorf("read the event at the checkpoint: %w", err)
	case id == uuid.Nil:
		return errNotFound
	case id != event:
		return fmt.Errorf("%w: another event is at the checkpoint", ErrLogReplaced)
	}
	return nil
}
