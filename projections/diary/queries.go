package diary

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/projections"
)

// Queries answers about workers' time. It takes no viewer: reactions and deciders' helpers ask, never a person.
type Queries struct{ Models *projections.Models }

// Unclaimed is a reservation that no job counts on.
type Unclaimed struct {
	Reservation uuid.UUID
	Interpreter uuid.UUID
	Booking     uuid.UUID
	Job         uuid.UUID
}

// Unclaimed lists reservations made before an instant of the machine's clock that no live job counts on, oldest first, at most 100: a command
// may have died between the diary and the booking, or before releasing.
func (q Queries) Unclaimed(ctx context.Context, before time.Time) ([]Unclaimed, error) {
	all, err := projections.Collect(ctx, q.Models, pgx.RowToStructByName[Unclaimed], `
		select r.reservation, r.interpreter, r.booking, r.job
		from {diary}.reservations r
		where r.recorded_at < $1 and not exists (select from {diary}.jobs j where j.reservation = r.reservation and j.live)
		order by r.recorded_at, r.reservation limit 100`, before)
	if err != nil {
		return nil, fmt.Errorf("look for unclaimed reservations: %w", err)
	}
	return all, nil
}

// Hold is a job that an acceptance holds.
type Hold struct {
	Booking     uuid.UUID
	Job         uuid.UUID
	Ref         string
	Interpreter uuid.UUID
}

// ClashingHolds lists the other jobs that the interpreter of an assigned job holds in a time that overlaps with it, in the order of their
// references; none if the job is not assigned.
func (q Queries) ClashingHolds(ctx context.Context, assigned uuid.UUID) ([]Hold, error) {
	all, err := projections.Collect(ctx, q.Models, pgx.RowToStructByName[Hold], `
		select j.booking, j.job, j.ref, h.interpreter
		from {diary}.jobs a
		join {diary}.holds h on h.interpreter = a.interpreter and h.job <> a.job
		join {diary}.jobs j on j.job = h.job
		where a.job = $1 and a.live and j.live
		and coalesce(a.eta, a.starts_at) < coalesce(j.eta, j.starts_at) + j.minutes * interval '1 minute'
		and coalesce(j.eta, j.starts_at) < coalesce(a.eta, a.starts_at) + a.minutes * interval '1 minute'
		order by j.ref`, assigned)
	if err != nil {
		return nil, fmt.Errorf("look for holds that overlap with an assignment: %w", err)
	}
	return all, nil
}

// Busy is a time that a worker's diary holds.
type Busy struct {
	Interpreter uuid.UUID
	Job         uuid.UUID
	StartsAt    time.Time
	EndsAt      time.Time
}

// Busy lists what workers' diaries hold between two instants, half-open, in order.
func (q Queries) Busy(ctx context.Context, interpreters []uuid.UUID, from, to time.Time) ([]Busy, error) {
	all, err := projections.Collect(ctx, q.Models, pgx.RowToStructByName[Busy], `
		select interpreter, job, starts_at, ends_at from {diary}.reservations
		where interpreter = any($1) and starts_at < $3 and ends_at > $2 order by interpreter, starts_at, reservation`, interpreters, from, to)
	if err != nil {
		return nil, fmt.Errorf("look when workers are busy: %w", err)
	}
	return all, nil
}
