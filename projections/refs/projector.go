// Package refs is the read model that leads from what a caller names (a job's number, a client, a user) to the stream that holds it.
package refs

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
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
	var jobs, owners [][]any
	for _, e := range page {
		switch event := e.Event.(type) {
		case booking.Created:
			for _, j := range event.Jobs {
				jobs = append(jobs, []any{j.Ref, j.ID, event.Booking})
			}
		case booking.JobAdded:
			id, named := eventschema.IDOf(e.Stream)
			if !named {
				return fmt.Errorf("a booking's stream without its id: %w", projections.ErrEvent)
			}
			jobs = append(jobs, []any{event.Job.Ref, event.Job.ID, id})
		case people.ClientAdded:
			owners = append(owners, []any{event.Client, event.Customer})
		case people.LocationAdded:
			owners = append(owners, []any{event.Location, event.Customer})
		case people.UserAdded:
			if eventschema.KindOf(e.Stream) == eventschema.Customer {
				owners = append(owners, []any{event.User, event.Customer})
			} else {
				owners = append(owners, []any{event.User, nil})
			}
		}
	}
	if len(jobs) > 0 {
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"jobs"}, []string{"ref", "job", "booking"}, pgx.CopyFromRows(jobs)); err != nil {
			return err
		}
	}
	if len(owners) > 0 {
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"owners"}, []string{"id", "customer"}, pgx.CopyFromRows(owners)); err != nil {
			return err
		}
	}
	return nil
}
