package reactions

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/diary"
)

// HoldEnder sends the command that ends a hold; commands implements it. Sent again with the same command id it changes nothing.
type HoldEnder interface {
	// EndHold ends the interpreter's hold on a job of a booking because elsewhere, another job, is the interpreter's now. cause is the event
	// that led to it.
	EndHold(ctx context.Context, command, cause, booking, job, interpreter, elsewhere uuid.UUID) error
}

// Holds ends acceptances: whenever a job is someone's, at a time, that person's acceptances of other jobs in an overlapping time hold
// nothing any more (design, section 7).
type Holds struct {
	Models   *projections.Models
	Diary    diary.Queries
	Commands HoldEnder
}

// Name implements Reaction.
func (Holds) Name() string { return "holds" }

// Handle implements Reaction.
func (h Holds) Handle(ctx context.Context, page eventschema.Page) (effects []Effect, err error) {
	for _, e := range page {
		for _, job := range taken(e.Event) {
			// The read model tells who holds what; it must have seen this event.
			if err := h.Models.WaitFor(ctx, e.Position, diary.Name); err != nil {
				return nil, fmt.Errorf("wait for the diary read model: %w", err)
			}
			clashing, err := h.Diary.ClashingHolds(ctx, job)
			if err != nil {
				return nil, err
			}
			for _, c := range clashing {
				recipient := c.Job.String()
				err := h.Commands.EndHold(ctx, CommandID(h.Name(), e.ID, recipient), e.ID, c.Booking, c.Job, c.Interpreter, job)
				var refusal *domain.Refusal
				if err != nil && !errors.As(err, &refusal) { // refused: the hold has ended otherwise
					return nil, fmt.Errorf("end a hold: %w", err)
				}
				effects = append(effects, Effect{Event: e.ID, Recipient: recipient})
			}
		}
	}
	return effects, nil
}

// taken names the jobs whose assigned time an event sets or moves.
func taken(event any) (jobs []uuid.UUID) {
	switch e := event.(type) {
	case booking.Assigned:
		return []uuid.UUID{e.Job}
	case booking.EtaAgreed:
		if e.Reservation != uuid.Nil {
			return []uuid.UUID{e.Job}
		}
	case booking.EtaChanged:
		if e.Reservation != uuid.Nil {
			return []uuid.UUID{e.Job}
		}
	case booking.Edited:
		for _, c := range e.Jobs {
			if c.Reservation != uuid.Nil {
				jobs = append(jobs, c.Job)
			}
		}
	case booking.ChangeUndone:
		for _, u := range e.Jobs {
			if u.Reservation != uuid.Nil {
				jobs = append(jobs, u.Job)
			}
		}
	}
	return jobs
}
