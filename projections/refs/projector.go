// Package refs is the read model that leads from what a caller names (a job's number, a client, a user) to the stream that holds it.
package refs

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/rows"
)

// Name is the read model's name.
const Name = "refs"

//go:embed refs.sql projector.go
var sources embed.FS

//go:embed refs.sql
var tables string

// Projector fills the read model. Nothing in it ever changes, so a page only adds rows.
type Projector struct{}

// Name implements projections.Projector.
func (Projector) Name() string { return Name }

// SQL implements projections.Projector.
func (Projector) SQL() string { return tables }

// Sources implements projections.Projector.
func (Projector) Sources() fs.FS { return sources }

// Apply implements projections.Projector.
func (Projector) Apply(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	var jobs []job
	var owners []owner
	var commands []command
	for _, e := range page {
		if namesStream(e) {
			commands = append(commands, command{e.Meta.CommandID, e.Stream})
		}
		switch event := e.Event.(type) {
		case booking.Created:
			for _, j := range event.Jobs {
				jobs = append(jobs, job{j.Ref, j.ID, event.Booking})
			}
		case booking.JobAdded:
			id, named := eventschema.IDOf(e.Stream)
			if !named {
				return fmt.Errorf("a booking's stream without its id: %w", projections.ErrEvent)
			}
			jobs = append(jobs, job{event.Job.Ref, event.Job.ID, id})
		case people.ClientAdded:
			owners = append(owners, owner{event.Client, event.Customer})
		case people.LocationAdded:
			owners = append(owners, owner{event.Location, event.Customer})
		case people.UserAdded:
			if eventschema.KindOf(e.Stream) == eventschema.Customer {
				owners = append(owners, owner{event.User, event.Customer})
			} else {
				owners = append(owners, owner{event.User, uuid.Nil})
			}
		}
	}
	batch := &pgx.Batch{}
	if len(jobs) > 0 {
		batch.Queue(`insert into jobs (ref, job, booking) select * from unnest($1::text[], $2::uuid[], $3::uuid[])`,
			rows.Column(jobs, func(j job) string { return j.ref }), rows.Column(jobs, func(j job) uuid.UUID { return j.id }),
			rows.Column(jobs, func(j job) uuid.UUID { return j.booking }))
	}
	if len(owners) > 0 {
		batch.Queue(`insert into owners (id, customer) select * from unnest($1::uuid[], $2::uuid[])`,
			rows.Column(owners, func(o owner) uuid.UUID { return o.id }), rows.Column(owners, func(o owner) pgtype.UUID { return rows.ID(o.customer) }))
	}
	if len(commands) > 0 {
		// One command may write several events.
		batch.Queue(`insert into commands (command, stream) select * from unnest($1::uuid[], $2::text[]) on conflict do nothing`,
			rows.Column(commands, func(c command) uuid.UUID { return c.id }), rows.Column(commands, func(c command) string { return c.stream }))
	}
	if batch.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, batch).Close()
}

// namesStream tells whether the event's command may have been one whose stream follows from what was sent: everything but bookings and diaries,
// and in bookings an erasure.
func namesStream(e eventschema.Recorded) bool {
	switch eventschema.KindOf(e.Stream) {
	case eventschema.Customer, eventschema.Agency, eventschema.Interpreter, eventschema.Billing, eventschema.Numbering:
		return true
	case eventschema.Booking:
		_, erasure := e.Event.(booking.PersonErased)
		return erasure
	}
	return false
}

// job, owner and command are rows of the tables.
type (
	job struct {
		ref         string
		id, booking uuid.UUID
	}
	owner   struct{ id, customer uuid.UUID } // customer nil: the agency's
	command struct {
		id     uuid.UUID
		stream string
	}
)
