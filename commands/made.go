package commands

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// target is what a job's reference names.
type target struct{ booking, job uuid.UUID }

// made is what this process just made, so that a command right after its 201 need not wait for the read model; and what it has found, for
// a reference never names anything else.
type made struct {
	jobs   *lru.Cache[string, target]
	owners *lru.Cache[uuid.UUID, uuid.UUID] // client, location or user → customer, zero: the agency
}

func newMade() *made {
	jobs, err1 := lru.New[string, target](100_000)
	owners, err2 := lru.New[uuid.UUID, uuid.UUID](20_000)
	if err1 != nil || err2 != nil {
		panic("commands: cache sizes") // our own constants
	}
	return &made{jobs, owners}
}

// find resolves a job's reference.
func (h *Handler) find(ctx context.Context, ref string) (target, error) {
	return lookUp(ctx, h, h.made.jobs, ref, func() (target, bool, error) {
		b, j, known, err := h.refs.Resolve(ctx, ref)
		return target{b, j}, known, err
	})
}

// owner finds the customer whose client, location or user this is; zero: the agency's user.
func (h *Handler) owner(ctx context.Context, id uuid.UUID) (uuid.UUID, error) {
	return lookUp(ctx, h, h.made.owners, id, func() (uuid.UUID, bool, error) { return h.refs.Owner(ctx, id) })
}

// lookUp asks this process's memory, then the read model, then the read model once it has reached the log's end as of this call. Only then
// is a thing unknown.
func lookUp[K comparable, V any](ctx context.Context, h *Handler, memory *lru.Cache[K, V], key K, ask func() (V, bool, error)) (V, error) {
	if v, ok := memory.Get(key); ok {
		return v, nil
	}
	v, known, err := ask()
	if err == nil && !known {
		var end eventschema.Position
		if end, err = h.log.Newest(ctx); err != nil {
			return v, fmt.Errorf("look for the log's end: %w", err)
		}
		if err := h.refs.Reach(ctx, end); err != nil {
			return v, fmt.Errorf("wait for what was made just now: %w", err)
		}
		v, known, err = ask()
	}
	switch {
	case err != nil:
		return v, err
	case !known:
		return v, unknown()
	}
	memory.Add(key, v)
	return v, nil
}

// unknown is the one answer for what does not exist and for what is not the asker's to know.
func unknown() error { return domain.NotFound("There is no such thing, or it is not yours to see.") }
