package commands

import (
	"context"
	"time"

	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// Actions are the commands of a Standing.
func (h *Handler) Actions(ctx context.Context, v access.Viewer, ref string) ([]string, error) {
	s, err := h.Standing(ctx, v, ref)
	return s.Actions, err
}

// Standing is what a viewer may do about a job now, and until when.
type Standing struct {
	Actions []string // commands that may be sent (LL-69)
	// EditUntil and CancelUntil are when the customer's windows close or closed, in the job's zone (II-70, II-82, LL-113); zero: there is none to
	// tell, or it is not the viewer's to know.
	EditUntil, CancelUntil time.Time
	Frozen                 booking.Frozen // what the viewer cannot change in an edit
}

// Standing tells what the viewer may do about a job now: what role and permission allow, and what the deciders would not refuse. It comes from the
// same deciders that answer the commands themselves. In a job that the viewer may not know it is nothing.
func (h *Handler) Standing(ctx context.Context, v access.Viewer, ref string) (Standing, error) {
	at, err := h.find(ctx, ref)
	if err != nil {
		return Standing{}, err
	}
	folded, err := h.bookings.now(ctx, eventschema.BookingStream(at.booking))
	if err != nil {
		return Standing{}, err
	}
	s := folded.State
	j, there := s.Job(at.job)
	if !there {
		return Standing{}, nil
	}
	rel := access.Relate(v, s.Facts(j))
	if rel == access.None {
		return Standing{}, nil
	}
	who := booking.Who{Staff: rel == access.Agency && v.Staff(), Customer: v.OfCustomer(), Interpreter: v.Interpreter}
	f, err := h.look(ctx, needs{agency: true, customer: s.Customer, form: s.Form, formVersion: s.FormVersion})
	if err != nil {
		return Standing{}, err
	}
	env := h.env(Request{Viewer: v}, attempt{at: v.Now}, f)
	out := Standing{Actions: []string{}, Frozen: s.Frozen(j, v.OfCustomer(), env)}
	for _, name := range booking.Actions(s, j.ID, who, env) {
		if access.May(v, rel, name) == nil {
			out.Actions = append(out.Actions, name)
		}
	}
	if rel == access.Own || rel == access.Agency {
		out.EditUntil, out.CancelUntil = s.Closing(j, env)
	}
	return out, nil
}

// UndoUntil is until when the viewer may take back what was done to a job and its related ones; zero where undo is not among Actions.
func (h *Handler) UndoUntil(ctx context.Context, v access.Viewer, ref string) (time.Time, error) {
	at, err := h.find(ctx, ref)
	if err != nil {
		return time.Time{}, err
	}
	folded, err := h.bookings.now(ctx, eventschema.BookingStream(at.booking))
	if err != nil {
		return time.Time{}, err
	}
	return folded.State.UndoableUntil(at.job, v.User), nil
}
