// Package refs is the read model that leads from what a caller names (a job's number, a client, a user) to the stream that holds it.
package refs

import (
	"context"
	"embed"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
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
	var jobs, bookings, parts, owners, users [][]any
	for _, e := range page {
		stream, _ := eventschema.IDOf(e.Stream)
		switch event := e.Event.(type) {
		case booking.Created:
			bookings = append(bookings, []any{stream, event.Ref, event.Customer})
			for _, j := range event.Jobs {
				jobs = append(jobs, []any{j.Ref, j.ID, stream})
			}
		case booking.JobAdded:
			jobs = append(jobs, []any{event.Job.Ref, event.Job.ID, stream})
		case people.CustomerCreated:
			owners = append(owners, []any{event.Customer, eventschema.Customer})
		case people.InterpreterRegistered:
			owners = append(owners, []any{event.Interpreter, eventschema.Interpreter})
		case people.ClientAdded:
			parts = append(parts, []any{event.Client, "client", event.Customer})
		case people.LocationAdded:
			parts = append(parts, []any{event.Location, "location", event.Customer})
		case people.UserAdded:
			users = append(users, []any{event.User, e.Stream})
		}
	}
	for _, t := range []struct {
		name    string
		columns []string
		rows    [][]any
	}{
		{"jobs", []string{"ref", "job", "booking"}, jobs},
		{"bookings", []string{"booking", "ref", "customer"}, bookings},
		{"parts", []string{"part", "kind", "customer"}, parts},
		{"owners", []string{"owner", "kind"}, owners},
		{"users", []string{"user_id", "stream"}, users},
	} {
		if len(t.rows) == 0 {
			continue
		}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromRows(t.rows)); err != nil {
			return err
		}
	}
	return nil
}
