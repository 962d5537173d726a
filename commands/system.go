package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// systemViewer is who acts when the house itself does: reactions, timers, repairs, drawing numbers.
func systemViewer() access.Viewer { return access.Viewer{Role: domain.System} }

// EndHold ends an interpreter's hold on a job because elsewhere, another job, is the interpreter's now. A reaction sends it: command derives
// from cause, the event that led to it, so sent again it changes nothing.
func (h *Handler) EndHold(ctx context.Context, command, cause, bookingID, job, interpreter, elsewhere uuid.UUID) error {
	return h.system(ctx, command, cause, bookingID, booking.EndHold{Job: job, Interpreter: interpreter, Elsewhere: elsewhere})
}

// LapseOffer writes down that an offer's time is up. A timer sends it: command derives from its row.
func (h *Handler) LapseOffer(ctx context.Context, command, cause, bookingID, job, interpreter uuid.UUID) error {
	return h.system(ctx, command, cause, bookingID, booking.LapseOffer{Job: job, Interpreter: interpreter})
}

func (h *Handler) system(ctx context.Context, command, cause, bookingID uuid.UUID, c booking.Command) error {
	r := h.ready(Request{Viewer: systemViewer(), Name: c.Name(), CommandID: command, Causation: cause, Canonical: []byte(c.Name())})
	_, err := execute(ctx, h, h.bookings, r, wish[booking.State]{
		stream:  eventschema.BookingStream(bookingID),
		booking: bookingID,
		claims:  claims,
		ref:     refOf,
		decide: func(ctx context.Context, s booking.State, a attempt) (plan, error) {
			f, err := h.look(ctx, needsOf(s, c))
			if err != nil {
				return plan{}, err
			}
			return decide(c, s, h.env(r, a, f))
		},
	})
	return err
}
