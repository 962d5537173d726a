package diary

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// State is what one worker's diary holds: the fold of its stream, from its newest CarriedForward on if it has one.
type State struct {
	Interpreter uuid.UUID
	Held        []Reservation // by start, then id
	Year        int           // of the newest CarriedForward, 0 if there is none
	Events      int           // since then
}

// Find looks for a reservation that still holds.
func (s State) Find(id uuid.UUID) (Reservation, bool) {
	if i := slices.IndexFunc(s.Held, func(r Reservation) bool { return r.ID == id }); i >= 0 {
		return s.Held[i], true
	}
	return Reservation{}, false
}

// Evolve returns the state after e. It never refuses: e has already happened. It shares nothing that it writes with s.
func Evolve(s State, e Event) State {
	switch e := e.(type) {
	case Reserved:
		s.Interpreter = e.Interpreter
		s.Held = sorted(append(without(s.Held, func(r Reservation) bool {
			return slices.ContainsFunc(e.Reservations, func(n Reservation) bool { return n.ID == r.ID })
		}), e.Reservations...))
		s.Events++
	case Released:
		s.Interpreter = e.Interpreter
		s.Held = without(s.Held, func(r Reservation) bool { return slices.Contains(e.Reservations, r.ID) })
		s.Events++
	case CarriedForward:
		s = State{Interpreter: e.Interpreter, Year: e.Year, Held: sorted(slices.Clone(e.Reservations))}
	default:
		panic(fmt.Sprintf("diary.Evolve: no case for %T", e)) // our bug, not bad data
	}
	return s
}

// Fold is the state after all of these events.
func Fold(events []Event) State {
	var s State
	for _, e := range events {
		s = Evolve(s, e)
	}
	return s
}

// without is a fresh list without what is gone, with room for a few more.
func without(held []Reservation, gone func(Reservation) bool) []Reservation {
	out := make([]Reservation, 0, len(held)+2)
	for _, r := range held {
		if !gone(r) {
			out = append(out, r)
		}
	}
	return out
}

func sorted(held []Reservation) []Reservation {
	slices.SortFunc(held, func(a, b Reservation) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		return bytes.Compare(a.ID[:], b.ID[:])
	})
	return held
}

// Overlap tells whether two windows share an instant. They are half-open: one may begin where the other ends.
func Overlap(a, b Reservation) bool { return a.Start.Before(b.End) && b.Start.Before(a.End) }

// Clash is one wanted window that meets another job's time.
type Clash struct {
	Job  uuid.UUID // that wants the window
	With uuid.UUID // that has the time
}

// DoubleBooked is the refusal of windows that meet time which is taken. It unwraps to the contract's 409 double-booked; the clashes are for
// whoever may name the jobs.
type DoubleBooked struct {
	Clashes []Clash
	refusal *domain.Refusal
}

func (e *DoubleBooked) Error() string { return e.refusal.Error() }

// Unwrap is the refusal as the contract writes it.
func (e *DoubleBooked) Unwrap() error { return e.refusal }

// Reserve keeps time for jobs (LL-90, D-23): all of the windows or none. Nothing overrides a clash but a window that is over already and
// only recorded.
//
//	given  what is held
//	when   Reserve these windows, in place of the replaced ones
//	then   Reserved
//	again  nothing: an id that is held already holds
//	error  DoubleBooked, naming every clash. A job's own windows do not clash with each other: the new one is held beside the old one until
//	       the booking has claimed it
func Reserve(s State, interpreter uuid.UUID, wanted []Reservation, replaces ...uuid.UUID) ([]Event, error) {
	e := Reserved{Interpreter: interpreter}
	var clashes []Clash
	for i, w := range wanted {
		if _, held := s.Find(w.ID); held {
			continue
		}
		clashes = append(clashes, against(w, s.Held, replaces)...)
		clashes = append(clashes, against(w, wanted[:i], replaces)...)
		e.Reservations = append(e.Reservations, w)
	}
	if len(clashes) > 0 {
		return nil, &DoubleBooked{Clashes: clashes, refusal: domain.Conflict("double-booked", "The interpreter has another job at that time.")}
	}
	if len(e.Reservations) == 0 {
		return nil, nil
	}
	return []Event{e}, nil
}

// against lists the jobs whose time a wanted window meets.
func against(w Reservation, held []Reservation, replaces []uuid.UUID) []Clash {
	if w.Unchecked {
		return nil
	}
	var clashes []Clash
	for _, h := range held {
		if h.Job != w.Job && Overlap(w, h) && !slices.Contains(replaces, h.ID) {
			clashes = append(clashes, Clash{Job: w.Job, With: h.Job})
		}
	}
	return clashes
}

// Release gives reservations back.
//
//	given  R held
//	when   Release R
//	then   Released R
//	again  nothing, as for everything that is not held
func Release(s State, interpreter uuid.UUID, ids []uuid.UUID, why string) []Event {
	e := Released{Interpreter: interpreter, Why: why}
	for _, id := range ids {
		if _, held := s.Find(id); held && !slices.Contains(e.Reservations, id) {
			e.Reservations = append(e.Reservations, id)
		}
	}
	if len(e.Reservations) == 0 {
		return nil
	}
	return []Event{e}
}

// LongStream is how many events a diary may have before it is summarised at the turn of the year.
const LongStream = 200

// CarryForward writes down everything that a long diary still holds, once in a calendar year (UTC), so that nothing before need be read.
//
//	given  more than LongStream events since the last summary, which is of another year
//	when   CarryForward
//	then   CarriedForward with all that is held
//	again  nothing
func CarryForward(s State, now time.Time) []Event {
	year := now.UTC().Year()
	if s.Events <= LongStream || year <= s.Year {
		return nil
	}
	return []Event{CarriedForward{Interpreter: s.Interpreter, Year: year, Reservations: slices.Clone(s.Held)}}
}
