package commands

import (
	"context"
	"fmt"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// LastChange tells who did last what concerns a thing, and when: the newest event of the thing's stream for which concerns says yes. Found is
// false if there is none. Whoever asks has been let to the thing before.
func (h *Handler) LastChange(ctx context.Context, stream string, concerns func(event any) bool) (c domain.Change, found bool, err error) {
	err = h.log.ReadStreamBackwards(ctx, stream, func(e eventschema.Stored) error {
		r, err := h.agency.decode(ctx, e) // all streams have one codec
		if err != nil || !concerns(r.Event) {
			return err
		}
		c, found = domain.Change{Command: r.Meta.CommandName, Actor: r.Meta.Actor.ID, Role: r.Meta.Actor.Role, At: r.Meta.At}, true
		return eventschema.ErrStop
	})
	if err != nil {
		return c, false, fmt.Errorf("look who changed %s last: %w", stream, err)
	}
	return c, found, nil
}
