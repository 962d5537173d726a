package refs

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
)

// Queries resolves references. What it does not find is unknown only once the read model has reached the log's end as of the question.
type Queries struct {
	Models *projections.Models
	Newest func(context.Context) (eventschema.Position, error) // of the log
}

// Job is where a job's stream lies.
type Job struct {
	Booking uuid.UUID
	Job     uuid.UUID
}

// Resolve finds a job by its number. ok is false if no such job was ever made; an error wrapping eventschema.ErrBehind means that this
// cannot be told yet.
func (q Queries) Resolve(ctx context.Context, ref string) (booking, job uuid.UUID, ok bool, err error) {
	found, ok, err := find[Job](ctx, q, `select booking, job from {refs}.jobs where ref = $1`, ref)
	return found.Booking, found.Job, ok, err
}

// Booking finds a booking by its number.
func (q Queries) Booking(ctx context.Context, ref string) (booking uuid.UUID, ok bool, err error) {
	return findID(ctx, q, `select booking from {refs}.bookings where ref = $1`, ref)
}

// CustomerOfBooking tells whose a booking is.
func (q Queries) CustomerOfBooking(ctx context.Context, booking uuid.UUID) (customer uuid.UUID, ok bool, err error) {
	return findID(ctx, q, `select customer from {refs}.bookings where booking = $1`, booking)
}

// CustomerOfClient tells whose client it is.
func (q Queries) CustomerOfClient(ctx context.Context, client uuid.UUID) (customer uuid.UUID, ok bool, err error) {
	return findID(ctx, q, `select customer from {refs}.parts where part = $1 and kind = 'client'`, client)
}

// CustomerOfLocation tells whose location it is.
func (q Queries) CustomerOfLocation(ctx context.Context, location uuid.UUID) (customer uuid.UUID, ok bool, err error) {
	return findID(ctx, q, `select customer from {refs}.parts where part = $1 and kind = 'location'`, location)
}

// IsCustomer tells whether a customer with this id exists.
func (q Queries) IsCustomer(ctx context.Context, id uuid.UUID) (bool, error) {
	_, ok, err := findID(ctx, q, `select owner from {refs}.owners where owner = $1 and kind = 'customer'`, id)
	return ok, err
}

// IsInterpreter tells whether an interpreter with this id exists; domain.InterpreterID derives the id from a LIN.
func (q Queries) IsInterpreter(ctx context.Context, id uuid.UUID) (bool, error) {
	_, ok, err := findID(ctx, q, `select owner from {refs}.owners where owner = $1 and kind = 'interpreter'`, id)
	return ok, err
}

// StreamOfUser names the stream that a user stands in: the agency's, or a customer's.
func (q Queries) StreamOfUser(ctx context.Context, user uuid.UUID) (stream string, ok bool, err error) {
	type row struct{ Stream string }
	found, ok, err := find[row](ctx, q, `select stream from {refs}.users where user_id = $1`, user)
	return found.Stream, ok, err
}

func findID(ctx context.Context, q Queries, sql string, arg any) (uuid.UUID, bool, error) {
	return findBy(ctx, q, pgx.RowTo[uuid.UUID], sql, arg)
}

func find[T any](ctx context.Context, q Queries, sql string, arg any) (T, bool, error) {
	return findBy(ctx, q, pgx.RowToStructByName[T], sql, arg)
}

func findBy[T any](ctx context.Context, q Queries, row pgx.RowToFunc[T], sql string, arg any) (T, bool, error) {
	found, ok, err := projections.One(ctx, q.Models, row, sql, arg)
	if err != nil || ok {
		return found, ok, wrap(err)
	}
	newest, err := q.Newest(ctx)
	if err != nil {
		return found, false, fmt.Errorf("find the log's end for a reference: %w", err)
	}
	if err := q.Models.WaitFor(ctx, newest, Name); err != nil {
		return found, false, wrap(err)
	}
	found, ok, err = projections.One(ctx, q.Models, row, sql, arg)
	return found, ok, wrap(err)
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("resolve a reference: %w", err)
	}
	return nil
}
