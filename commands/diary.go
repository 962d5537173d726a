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

// reserve asks each worker's diary, in id order, for all new windows of one attempt in one append. If one refuses, those that others have
// given are released again; the refusal names every job of the booking that clashes, in whichever diary.
func (h *Handler) reserve(ctx context.Context, r Request, bookingID uuid.UUID, wanted []booking.Reserve, ref func(job uuid.UUID) string) error {
	var given []booking.Reserve
	var clashing []uuid.UUID
	for _, mine := range byWorker(wanted, func(w booking.Reserve) uuid.UUID { return w.Interpreter }) {
		var booked *diary.DoubleBooked
		var err error
		if len(clashing) == 0 {
			err = h.reserveFor(ctx, r, bookingID, mine)
		} else {
			err = h.wouldReserve(ctx, bookingID, mine)
		}
		switch {
		case errors.As(err, &booked):
			for _, c := range booked.Clashes {
				clashing = append(clashing, c.Job)
			}
		case err != nil:
			// Whether this diary has taken the windows may not be known. Nobody claims them, so the repair releases them.
			h.release(ctx, r, abandoned[booking.State](given, booking.State{}, nil))
			return fmt.Errorf("reserve in the diary of %s: %w", mine[0].Interpreter, err)
		case len(clashing) == 0:
			given = append(given, mine...)
		}
	}
	if len(clashing) == 0 {
		return nil
	}
	h.release(ctx, r, abandoned[booking.State](given, booking.State{}, nil))
	return doubleBooked(clashing, ref)
}

func doubleBooked(jobs []uuid.UUID, ref func(uuid.UUID) string) error {
	no := domain.Conflict("double-booked", "The interpreter has another job at that time.")
	seen := map[uuid.UUID]bool{}
	for _, job := range jobs {
		if name := ref(job); name != "" && !seen[job] {
			no.Errors = append(no.Errors, domain.FieldError{Location: name, Message: "The interpreter has another job at that time."})
		}
		seen[job] = true
	}
	return no
}

func (h *Handler) reserveFor(ctx context.Context, r Request, bookingID uuid.UUID, mine []booking.Reserve) error {
	_, err := execute(ctx, h, h.diaries, diaryRequest(r), wish[diary.State]{
		stream: eventschema.DiaryStream(mine[0].Interpreter),
		decide: func(_ context.Context, s diary.State, _ attempt) (plan, error) {
			wanted, replaced := windows(bookingID, mine)
			return planned(diary.Reserve(s, mine[0].Interpreter, wanted, replaced...))
		},
	})
	return err
}

// wouldReserve only asks: something else has refused the whole already.
func (h *Handler) wouldReserve(ctx context.Context, bookingID uuid.UUID, mine []booking.Reserve) error {
	f, err := h.diaries.now(ctx, eventschema.DiaryStream(mine[0].Interpreter))
	if err != nil {
		return err
	}
	wanted, replaced := windows(bookingID, mine)
	_, err = diary.Reserve(f.State, mine[0].Interpreter, wanted, replaced...)
	return err
}

// free refuses windows that a diary holds for another job.
func (h *Handler) free(ctx context.Context, s booking.State, wanted []booking.Reserve) error {
	for _, mine := range byWorker(wanted, func(w booking.Reserve) uuid.UUID { return w.Interpreter }) {
		var booked *diary.DoubleBooked
		switch err := h.wouldReserve(ctx, s.ID, mine); {
		case errors.As(err, &booked):
			return doubleBooked([]uuid.UUID{mine[0].Job}, func(job uuid.UUID) string { return refOf(s, job) })
		case err != nil:
			return fmt.Errorf("look into the diary of %s: %w", mine[0].Interpreter, err)
		}
	}
	return nil
}

func windows(bookingID uuid.UUID, mine []booking.Reserve) (wanted []diary.Reservation, replaced []uuid.UUID) {
	for _, w := range mine {
		wanted = append(wanted, diary.Reservation{ID: w.ID, Booking: bookingID, Job: w.Job, Start: w.Start, End: w.End, Unchecked: w.Unchecked})
		if w.Replaces != uuid.Nil {
			replaced = append(replaced, w.Replaces)
		}
	}
	return wanted, replaced
}

// release gives reservations back, and answers where the last of the diaries says so; zero: none does. What cannot be released now the repair releases
// later: the diary may hold too much, never too little.
func (h *Handler) release(ctx context.Context, r Request, given []booking.Release) (last eventschema.Position) {
	for _, mine := range byWorker(given, func(g booking.Release) uuid.UUID { return g.Interpreter }) {
		at, err := h.releaseFrom(ctx, r, mine)
		if err != nil {
			h.complain(ctx, "reservations were not released", r, err)
		}
		if at.After(last) {
			last = at
		}
	}
	return last
}

func (h *Handler) releaseFrom(ctx context.Context, r Request, given []booking.Release) (eventschema.Position, error) {
	worker := given[0].Interpreter
	ids := make([]uuid.UUID, len(given))
	for i, g := range given {
		ids[i] = g.Reservation
	}
	released, err := execute(ctx, h, h.diaries, diaryRequest(r), wish[diary.State]{
		stream: eventschema.DiaryStream(worker),
		decide: func(_ context.Context, s diary.State, _ attempt) (plan, error) {
			return planned(diary.Release(s, worker, ids, given[0].Why), nil)
		},
	})
	if err != nil {
		return eventschema.Position{}, fmt.Errorf("release in the diary of %s: %w", worker, err)
	}
	return released.position, nil
}

// diaryRequest is the request for a command's steps in diaries. A command may write to one diary several times (reserve, release, reserve
// anew), so the steps are not recognised as repeats: reservations have ids of their own for that.
func diaryRequest(r Request) Request {
	r.IfMatch, r.Previewed = nil, ""
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

// CarryForward summarises a long diary once in a calendar year, so that nothing before need be read. Again is nothing.
func (h *Handler) CarryForward(ctx context.Context, interpreter uuid.UUID) error {
	r := h.ready(Request{Name: "carry-diary-forward", Viewer: systemViewer()})
	_, err := execute(ctx, h, h.diaries, r, wish[diary.State]{
		stream: eventschema.DiaryStream(interpreter),
		decide: func(_ context.Context, s diary.State, _ attempt) (plan, error) {
			return planned(diary.CarryForward(s, r.At), nil)
		},
	})
	if err != nil {
		return fmt.Errorf("carry the diary of %s forward: %w", interpreter, err)
	}
	return nil
}
