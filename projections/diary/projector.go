// Package diary is the read model of workers' time: what diaries hold, which job counts on it, who holds which job. The repair of unclaimed
// reservations and the ending of holds look here; so does whoever asks when a worker is free.
package diary

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/diary"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
)

// Name is the read model's name.
const Name = "diary"

//go:embed diary.sql projector.go
var sources embed.FS

//go:embed diary.sql
var tables string

// Projector fills the read model.
type Projector struct{}

// Name implements projections.Projector.
func (Projector) Name() string { return Name }

// SQL implements projections.Projector.
func (Projector) SQL() string { return tables }

// Sources implements projections.Projector.
func (Projector) Sources() fs.FS { return sources }

// Apply implements projections.Projector. All statements of a page go out in one round trip, in the events' order.
func (Projector) Apply(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	b := statements{&pgx.Batch{}}
	for _, e := range page {
		if err := b.add(e); err != nil {
			return err
		}
	}
	if b.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, b.Batch).Close()
}

type statements struct{ *pgx.Batch }

func (b statements) add(e eventschema.Recorded) error {
	switch event := e.Event.(type) {
	case diary.Reserved:
		for _, r := range event.Reservations {
			b.reserved(event.Interpreter, r, e.Meta.RecordedAt)
		}
	case diary.Released:
		b.Queue(`delete from reservations where reservation = any($1)`, event.Reservations)
	case diary.CarriedForward:
		ids := make([]uuid.UUID, len(event.Reservations))
		for i, r := range event.Reservations {
			ids[i] = r.ID
		}
		b.Queue(`delete from reservations where interpreter = $1 and reservation <> all($2)`, event.Interpreter, ids)
		for _, r := range event.Reservations {
			b.reserved(event.Interpreter, r, e.Meta.RecordedAt)
		}

	case booking.Created:
		for _, j := range event.Jobs {
			b.job(event.Booking, j)
		}
	case booking.JobAdded:
		id, named := eventschema.IDOf(e.Stream)
		if !named {
			return fmt.Errorf("a booking's stream without its id: %w", projections.ErrEvent)
		}
		b.job(id, event.Job)
	case booking.Edited:
		for _, c := range event.Jobs {
			b.schedule(c.Job, event.Shared)
			b.schedule(c.Job, c.Own)
			b.claims(c.Job, c.Reservation)
			for _, o := range c.Revoked {
				b.unhold(c.Job, o.Interpreter)
			}
		}
	case booking.EtaAgreed:
		b.eta(event.Job, event.ETA, event.Reservation)
	case booking.EtaChanged:
		b.eta(event.Job, event.ETA, event.Reservation)

	case booking.OfferAccepted:
		b.Queue(`insert into holds (job, interpreter) values ($1, $2) on conflict (job) do update set interpreter = excluded.interpreter`,
			event.Job, event.Interpreter)
	case booking.OfferRevoked:
		b.unhold(event.Job, event.Interpreter)
	case booking.OfferDeclined:
		b.unhold(event.Job, event.Interpreter)
	case booking.OfferLapsed:
		b.unhold(event.Job, event.Interpreter)
	case booking.HoldEnded:
		b.unhold(event.Job, event.Interpreter)
	case booking.Assigned:
		b.Queue(`update jobs set interpreter = $2, reservation = $3 where job = $1`, event.Job, event.Interpreter, event.Reservation)
		b.endHold(event.Job)
	case booking.Unassigned:
		b.Queue(`update jobs set interpreter = null, reservation = null where job = $1`, event.Job)
		b.endHold(event.Job)

	case booking.TimesheetAccepted:
		b.over(event.Job)
	case booking.Closed:
		b.over(event.Job)
	case booking.Cancelled:
		for _, c := range event.Jobs {
			b.Queue(`update jobs set interpreter = null, reservation = null where job = $1`, c.Job)
			b.over(c.Job)
		}
	}
	return nil
}

func (b statements) reserved(interpreter uuid.UUID, r diary.Reservation, at time.Time) {
	b.Queue(`
		insert into reservations (reservation, interpreter, booking, job, starts_at, ends_at, unchecked, recorded_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (reservation) do nothing`,
		r.ID, interpreter, r.Booking, r.Job, r.Start, r.End, r.Unchecked, at)
}

func (b statements) job(id uuid.UUID, j booking.NewJob) {
	b.Queue(`insert into jobs (job, booking, ref, starts_at, zone, minutes, live) values ($1, $2, $3, $4, $5, $6, true)`,
		j.ID, id, j.Ref, j.Schedule.Start.Instant, j.Schedule.Start.Zone, j.Schedule.Minutes)
}

// schedule applies an edit's new time. A new start ends an agreed ETA: the customer's wish is newer.
func (b statements) schedule(job uuid.UUID, c *booking.Change) {
	if c == nil || c.Schedule == nil {
		return
	}
	b.Queue(`
		update jobs set eta = case when (starts_at, zone) = ($2, $3) then eta end, starts_at = $2, zone = $3, minutes = $4 where job = $1`,
		job, c.Schedule.Start.Instant, c.Schedule.Start.Zone, c.Schedule.Minutes)
}

func (b statements) eta(job uuid.UUID, eta domain.Moment, reservation uuid.UUID) {
	b.Queue(`update jobs set eta = $2 where job = $1`, job, eta.Instant)
	b.claims(job, reservation)
}

// claims notes that a job counts on another reservation from now on.
func (b statements) claims(job, reservation uuid.UUID) {
	if reservation != uuid.Nil {
		b.Queue(`update jobs set reservation = $2 where job = $1 and interpreter is not null`, job, reservation)
	}
}

func (b statements) unhold(job, interpreter uuid.UUID) {
	b.Queue(`delete from holds where job = $1 and interpreter = $2`, job, interpreter)
}

func (b statements) endHold(job uuid.UUID) { b.Queue(`delete from holds where job = $1`, job) }

func (b statements) over(job uuid.UUID) {
	b.Queue(`update jobs set live = false where job = $1`, job)
	b.endHold(job)
}
