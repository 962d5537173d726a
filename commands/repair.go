package commands

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// Repair looks after one reservation that a crash may have left behind: if the booking does not count on it, the booking first says that it
// never will, and then the diary gives it back. It may come at any time: a command that is about to claim the reservation loses against the
// voiding, and decides again with another.
func (h *Handler) Repair(ctx context.Context, interpreter, bookingID, job, reservation uuid.UUID) (released bool, err error) {
	voided, err := h.Void(ctx, bookingID, job, reservation)
	if err != nil || !voided {
		return false, err
	}
	return true, h.ReleaseReservation(ctx, interpreter, reservation)
}

// Void makes the booking refuse a reservation for ever, unless it counts on it: then it answers false.
func (h *Handler) Void(ctx context.Context, bookingID, job, reservation uuid.UUID) (voided bool, err error) {
	r := h.ready(Request{Name: "void-reservation", Viewer: systemViewer()})
	res, err := execute(ctx, h, h.bookings, r, wish[booking.State]{
		stream: eventschema.BookingStream(bookingID),
		decide: func(_ context.Context, s booking.State, a attempt) (plan, error) {
			if claims(s, reservation) || slices.Contains(s.Voided, reservation) || !s.Exists() {
				return plan{}, nil
			}
			if _, there := s.Job(job); !there {
				job = s.Jobs[0].ID // the command that would have made the job never came to write
			}
			return decide(booking.VoidReservation{Job: job, Reservation: reservation}, s, h.env(r, a, found{}))
		},
	})
	if err != nil {
		return false, fmt.Errorf("void reservation %s: %w", reservation, err)
	}
	return !claims(res.folded.State, reservation), nil
}

// ReleaseReservation gives a voided reservation back. Again is nothing.
func (h *Handler) ReleaseReservation(ctx context.Context, interpreter, reservation uuid.UUID) error {
	r := h.ready(Request{Name: "release-reservation", Viewer: systemViewer()})
	_, err := h.releaseFrom(ctx, r, []booking.Release{{Interpreter: interpreter, Reservation: reservation, Why: "voided"}})
	return err
}
