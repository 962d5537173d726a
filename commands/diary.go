package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/diary"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// diaryState is what a worker's diary holds.
type diaryState struct {
	Held map[uuid.UUID]diary.Reservation
}

func (s diaryState) after(e eventschema.Recorded) diaryState {
	if s.Held == nil {
		s.Held = map[uuid.UUID]diary.Reservation{}
	}
	switch e := e.Event.(type) {
	case diary.Reserved:
		for _, r := range e.Reservations {
			s.Held[r.ID] = r
		}
	case diary.Released:
		for _, id := range e.Reservations {
			delete(s.Held, id)
		}
	case diary.CarriedForward:
		clear(s.Held)
		for _, r := range e.Reservations {
			s.Held[r.ID] = r
		}
	default:
		panic(unexpected("diary", e))
	}
	return s
}

func (s diaryState) clone() diaryState {
	s.Held = maps.Clone(s.Held)
	return s
}

// reserve decides whether the diary takes all of these windows: none may overlap another job's. A job's own windows do not clash with each
// other, and a window that is over already is recorded unchecked.
func (s diaryState) reserve(bookingID uuid.UUID, wanted []booking.Reserve) (diary.Reserved, error) {
	e := diary.Reserved{}
	taken := slices.Collect(maps.Values(s.Held))
	for _, w := range wanted {
		r := diary.Reservation{ID: w.ID, Booking: bookingID, Job: w.Job, Start: w.Start, End: w.End, Unchecked: w.Unchecked}
		for _, t := range taken {
			if !w.Unchecked && t.Job != w.Job && t.Start.Before(r.End) && r.Start.Before(t.End) {
				return e, domain.Conflict("double-booked", "The interpreter has another job at that time.")
			}
		}
		e.Interpreter = w.Interpreter
		e.Reservations = append(e.Reservations, r)
		taken = append(taken, r)
	}
	return e, nil
}

// reserve asks each worker's diary, in id order, for all new windows of one attempt in one append. If one refuses, those that others have
// given are released again, and the refusal is returned.
func (h *Handler) reserve(ctx context.Context, r Request, bookingID uuid.UUID, wanted []booking.Reserve) error {
	given := make([]booking.Reserve, 0, len(wanted))
	for _, mine := range byWorker(wanted, func(w booking.Reserve) uuid.UUID { return w.Interpreter }) {
		worker := mine[0].Interpreter
		_, err := execute(ctx, h, h.diaries, diaryRequest(r), wish[diaryState]{
			stream: eventschema.DiaryStream(worker),
			decide: func(_ context.Context, s diaryState, _ attempt) (plan, error) {
				e, err := s.reserve(bookingID, mine)
				return plan{events: []any{e}}, err
			},
		})
		if err == nil {
			given = append(given, mine...)
			continue
		}
		var refusal *domain.Refusal
		if errors.As(err, &refusal) {
			h.release(ctx, r, abandoned[booking.State](given, booking.State{}, nil))
			return err
		}
		// Whether this diary has taken the windows is not known. Nobody claims them, so the repair releases them.
		return fmt.Errorf("reserve in the diary of %s: %w", worker, err)
	}
	return nil
}

// release gives reservations back. What cannot be released now the repair releases later: the diary may hold too much, never too little.
func (h *Handler) release(ctx context.Context, r Request, given []booking.Release) {
	for _, mine := range byWorker(given, func(g booking.Release) uuid.UUID { return g.Interpreter }) {
		if err := h.releaseFrom(ctx, r, mine); err != nil {
			h.complain(ctx, "reservations were not released", r, err)
		}
	}
}

func (h *Handler) releaseFrom(ctx context.Context, r Request, given []booking.Release) error {
	worker := given[0].Interpreter
	_, err := execute(ctx, h, h.diaries, diaryRequest(r), wish[diaryState]{
		stream: eventschema.DiaryStream(worker),
		decide: func(_ context.Context, s diaryState, _ attempt) (plan, error) {
			e := diary.Released{Interpreter: worker, Why: given[0].Why}
			for _, g := range given {
				if _, held := s.Held[g.Reservation]; held {
					e.Reservations = append(e.Reservations, g.Reservation)
				}
			}
			if len(e.Reservations) == 0 {
				return plan{}, nil
			}
			return plan{events: []any{e}}, nil
		},
	})
	if err != nil {
		return fmt.Errorf("release in the diary of %s: %w", worker, err)
	}
	return nil
}

// diaryRequest is the request for a command's steps in diaries. A command may write to one diary several times (reserve, release, reserve
// anew), so the steps are not recognised as repeats: reservations have ids of their own for that.
func diaryRequest(r Request) Request {
	r.IfMatch = nil
	r.Causation = r.CommandID
	r.CommandID = uuid.New()
	return r
}

// byWorker groups by worker, in id order, so that two commands never reserve the same workers in opposite order.
func byWorker[T any](all []T, worker func(T) uuid.UUID) [][]T {
	groups := map[uuid.UUID][]T{}
	for _, t := range all {
		groups[worker(t)] = append(groups[worker(t)], t)
	}
	out := make([][]T, 0, len(groups))
	for _, id := range slices.SortedFunc(maps.Keys(groups), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }) {
		out = append(out, groups[id])
	}
	return out
}

// carriesForward tells whether nothing before this event need be read.
func carriesForward(e eventschema.Stored) bool { return e.Type == "diary.carried-forward.v1" }

// CarryForward writes down everything that a worker's diary still holds, so that nothing before need be read: once a year.
func (h *Handler) CarryForward(ctx context.Context, r Request, interpreter uuid.UUID, year int) error {
	r = h.ready(r)
	_, err := execute(ctx, h, h.diaries, r, wish[diaryState]{
		stream: eventschema.DiaryStream(interpreter),
		decide: func(_ context.Context, s diaryState, _ attempt) (plan, error) {
			if s.Held == nil {
				return plan{}, nil
			}
			e := diary.CarriedForward{Interpreter: interpreter, Year: year, Reservations: slices.SortedFunc(maps.Values(s.Held), earlier)}
			return plan{events: []any{e}}, nil
		},
	})
	if err != nil {
		return fmt.Errorf("carry the diary of %s forward: %w", interpreter, err)
	}
	return nil
}

func earlier(a, b diary.Reservation) int {
	if c := a.Start.Compare(b.Start); c != 0 {
		return c
	}
	return bytes.Compare(a.ID[:], b.ID[:])
}
