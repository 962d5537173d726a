package activity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
)

// Queries answers what happened to a job.
type Queries struct{ Models *projections.Models }

// DB is a transaction in which the read model's tables are found by their bare names.
type DB interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Note is one activity note. At is business time, UTC.
type Note struct {
	At       time.Time
	Text     string
	Kind     string
	Params   map[string]string
	Position eventschema.Position
	EventID  uuid.UUID
}

// Notes are a job's notes that the viewer may read, newest first by log position (LL-77, LL-78): all of them, or for an interpreter those that
// name the own LIN. A job that the viewer may not know is not-found; who may know it and read no notes gets not-permitted.
func (q Queries) Notes(ctx context.Context, v access.Viewer, ref string) (notes []Note, err error) {
	err = q.Models.Read(ctx, func(tx pgx.Tx) error {
		notes, err = Notes(ctx, tx, v, ref)
		return err
	}, Name)
	return notes, err
}

// Notes is the same question in a transaction.
func Notes(ctx context.Context, q DB, v access.Viewer, ref string) ([]Note, error) {
	var facts access.JobFacts
	var id uuid.UUID
	var client, location pgtype.UUID
	var met bool
	err := q.QueryRow(ctx, `
		select job, customer, client, location, booked_by, exists (select from notes n
			where n.job = jobs.job and n.lin = $2 and n.lin <> '' and n.kind in ('offer-sent', 'offer-accepted', 'assigned'))
		from jobs where ref = $1`, ref, v.LIN).Scan(&id, &facts.Customer, &client, &location, &facts.CreatedBy, &met)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, notFound()
	case err != nil:
		return nil, fmt.Errorf("read a job's notes: %w", err)
	}
	facts.Client, facts.Location = client.Bytes, location.Bytes
	if met && v.Role == domain.Interpreter {
		facts.Ever = []uuid.UUID{v.Interpreter}
	}
	rel := access.Relate(v, facts)
	only := ""
	switch {
	case rel == access.None:
		return nil, notFound()
	case access.CanSee(v, rel, false, access.ActivityNotes):
	case access.CanSee(v, rel, false, access.OwnActivityNotes) && v.LIN != "":
		only = v.LIN
	default:
		return nil, domain.Forbidden("not-permitted", "Your account does not show activity notes. Please contact the agency.")
	}
	found, err := q.Query(ctx, `
		select at, note, kind, params, commit_pos, prepare_pos, event_id from notes where job = $1 and ($2 = '' or lin = $2)
		order by commit_pos desc, prepare_pos desc, ordinal desc`, id, only)
	if err != nil {
		return nil, fmt.Errorf("read a job's notes: %w", err)
	}
	return pgx.CollectRows(found, func(row pgx.CollectableRow) (n Note, err error) {
		var params []byte
		if err := row.Scan(&n.At, &n.Text, &n.Kind, &params, &n.Position.Commit, &n.Position.Prepare, &n.EventID); err != nil {
			return n, err
		}
		n.At = n.At.UTC()
		return n, json.Unmarshal(params, &n.Params)
	})
}

func notFound() error { return domain.NotFound("There is no such job.") }
