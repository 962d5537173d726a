package refs

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
)

// Queries resolves references for commands and queries. It takes no viewer: it tells only where a thing lies, and whoever reads it there
// decides what the caller may know. What is not found is unknown only once the read model has reached the log's end as of the question.
type Queries struct {
	Models *projections.Models
	Newest func(context.Context) (eventschema.Position, error) // position of the log's newest event; only Find needs it
}

// Resolve tells which booking and job a reference names; false if the read model does not know it (yet).
func (q Queries) Resolve(ctx context.Context, ref string) (booking, job uuid.UUID, known bool, err error) {
	type target struct{ Booking, Job uuid.UUID }
	t, known, err := projections.One(ctx, q.Models, pgx.RowToStructByName[target], `select booking, job from {refs}.jobs where ref = $1`, ref)
	if err != nil {
		return t.Booking, t.Job, false, fmt.Errorf("resolve a job's reference: %w", err)
	}
	return t.Booking, t.Job, known, nil
}

// Find is Resolve for whoever must tell the caller that there is no such job: what it does not know was not in the log as of this call.
// An error wrapping eventschema.ErrBehind means that this cannot be told yet.
func (q Queries) Find(ctx context.Context, ref string) (booking, job uuid.UUID, known bool, err error) {
	booking, job, known, err = q.Resolve(ctx, ref)
	if err != nil || known {
		return booking, job, known, err
	}
	end, err := q.Newest(ctx)
	if err != nil {
		return booking, job, false, fmt.Errorf("look for the log's end: %w", err)
	}
	if err := q.Reach(ctx, end); err != nil {
		return booking, job, false, fmt.Errorf("wait for what was made just now: %w", err)
	}
	return q.Resolve(ctx, ref)
}

// Owner tells to which customer a client, location or user belongs, zero for the agency's own users; false if unknown (yet).
func (q Queries) Owner(ctx context.Context, id uuid.UUID) (customer uuid.UUID, known bool, err error) {
	c, known, err := projections.One(ctx, q.Models, pgx.RowTo[*uuid.UUID], `select customer from {refs}.owners where id = $1`, id)
	if err != nil {
		return uuid.Nil, false, fmt.Errorf("look for whose it is: %w", err)
	}
	if c != nil {
		customer = *c
	}
	return customer, known, nil
}

// CommandStream tells in which stream the events of a command stand; false if it is not known (yet), or is none that names its stream.
func (q Queries) CommandStream(ctx context.Context, command uuid.UUID) (stream string, known bool, err error) {
	stream, known, err = projections.One(ctx, q.Models, pgx.RowTo[string], `select stream from {refs}.commands where command = $1`, command)
	if err != nil {
		return "", false, fmt.Errorf("look for a command's stream: %w", err)
	}
	return stream, known, nil
}

// Reach waits until the read model has applied everything up to a position; eventschema.ErrBehind after five seconds.
func (q Queries) Reach(ctx context.Context, p eventschema.Position) error {
	return q.Models.WaitFor(ctx, p, Name)
}
