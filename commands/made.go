package commands

import (
	"context"

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
	jobs    *lru.Cache[string, target]
	streams *lru.Cache[uuid.UUID, string] // of a client, location or user
}

func newMade() *made {
	jobs, err1 := lru.New[string, target](100_000)
	streams, err2 := lru.New[uuid.UUID, string](20_000)
	if err1 != nil || err2 != nil {
		panic("commands: cache sizes") // our own constants
	}
	return &made{jobs, streams}
}

// find resolves a job's reference.
func (h *Handler) find(ctx context.Context, ref string) (target, error) {
	if t, ok := h.made.jobs.Get(ref); ok {
		return t, nil
	}
	b, j, known, err := h.refs.Resolve(ctx, ref)
	switch {
	case err != nil:
		return target{}, err
	case !known:
		return target{}, unknown()
	}
	h.made.jobs.Add(ref, target{b, j})
	return target{b, j}, nil
}

// holds finds the stream that holds a client, location or user.
func (h *Handler) holds(ctx context.Context, id uuid.UUID, ask func(context.Context, uuid.UUID) (string, bool, error)) (string, error) {
	if s, ok := h.made.streams.Get(id); ok {
		return s, nil
	}
	s, known, err := ask(ctx, id)
	switch {
	case err != nil:
		return "", err
	case !known:
		return "", unknown()
	}
	h.made.streams.Add(id, s)
	return s, nil
}

// customerOf finds the customer whose client or location this is.
func (h *Handler) customerOf(ctx context.Context, id uuid.UUID, ask func(context.Context, uuid.UUID) (uuid.UUID, bool, error)) (uuid.UUID, error) {
	stream, err := h.holds(ctx, id, func(ctx context.Context, id uuid.UUID) (string, bool, error) {
		customer, known, err := ask(ctx, id)
		return eventschema.CustomerStream(customer), known, err
	})
	if err != nil {
		return uuid.Nil, err
	}
	customer, _ := eventschema.IDOf(stream)
	return customer, nil
}

// unknown is the one answer for what does not exist and for what is not the asker's to know.
func unknown() error { return domain.NotFound("There is no such thing, or it is not yours to see.") }
