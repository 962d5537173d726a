package commands

import (
	"context"

	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// Actions are the commands that the viewer may send about a job now (LL-69): what role and permission allow, and what the deciders would not
// refuse. They come from the same deciders that answer the command itself. A job that the viewer may not know has none.
func (h *Handler) Actions(ctx context.Context, v access.Viewer, ref string) ([]string, error) {
	at, err := h.find(ctx, ref)
	if err != nil {
		return nil, err
	}
	folded, err := h.bookings.now(ctx, eventschema.BookingStream(at.booking))
	if err != nil {
		return nil, err
	}
	s := folded.State
	j, there := s.Job(at.job)
	if !there {
		return nil, nil
	}
	rel := access.Relate(v, s.Facts(j))
	if rel == access.None {
		return nil, nil
	}
	who := booking.Who{Staff: rel == access.Agency && v.Staff(), Customer: v.OfCustomer(), Interpreter: v.Interpreter}
	f, err := h.look(ctx, needs{agency: true, customer: s.Customer, form: s.Form, formVersion: s.FormVersion})
	if err != nil {
		return nil, err
	}
	env := h.env(Request{Viewer: v}, attempt{at: v.Now}, f)
	names := []string{}
	for _, name := range booking.Actions(s, j.ID, who, env) {
		if access.May(v, rel, name) == nil {
			names = append(names, name)
		}
	}
	return names, nil
}
