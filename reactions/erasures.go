package reactions

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// Eraser does what follows from an erasure that the log tells of; commands implements it. Done again it changes nothing.
type Eraser interface {
	// FinishErasing destroys the keys of a stream's person for ever, and ends the login of the user whom the stream's event names, if any.
	FinishErasing(ctx context.Context, stream string, user uuid.UUID, keys []uuid.UUID) error
}

// Erasures destroys the keys that an erasure names: whoever erases does so right after the event, unless its process ends in between. It
// begins at the log's start, and so finds what was cut short before this program had it.
type Erasures struct {
	Commands Eraser
	Forget   func(keys []uuid.UUID) // drops what this process remembers of keys
}

// Name implements Reaction.
func (Erasures) Name() string { return "erasures" }

// FromTheStart implements Beginner.
func (Erasures) FromTheStart() {}

// Handle implements Reaction.
func (r Erasures) Handle(ctx context.Context, page eventschema.Page) ([]Effect, error) {
	for _, e := range page {
		keys := eventschema.ErasedKeys(e.Event)
		if keys == nil {
			continue
		}
		user := uuid.Nil
		if event, ok := e.Event.(people.PersonErased); ok && eventschema.KindOf(e.Stream) != eventschema.Interpreter {
			user = event.Subject
		}
		if err := r.Commands.FinishErasing(ctx, e.Stream, user, keys); err != nil {
			return nil, fmt.Errorf("finish an erasure: %w", err)
		}
		r.Forget(keys)
	}
	return nil, nil
}
