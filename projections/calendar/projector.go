// Package calendar is the read model of jobs by the time they take: the calendar's entries, found by day, week or month.
package calendar

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections/jobrow"
	"github.com/dragoman-booking/dragoman/projections/rows"
)

// Name is the read model's name.
const Name = "calendar"

//go:embed calendar.sql projector.go
var sources embed.FS

//go:embed calendar.sql
var tables string

// Projector fills the read model.
type Projector struct{}

// Name implements projections.Projector.
func (Projector) Name() string { return Name }

// SQL implements projections.Projector.
func (Projector) SQL() string { return tables }

// Sources implements projections.Projector.
func (Projector) Sources() fs.FS { return jobrow.With(sources) }

// Apply implements projections.Projector: the page's jobs are read in one round trip, folded in memory and written in another.
func (Projector) Apply(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	stored, err := load(ctx, tx, jobrow.Changing(page))
	if err != nil {
		return err
	}
	jobs := jobrow.NewFold(stored)
	var users jobrow.Users
	languages := map[string]string{}
	for _, e := range page {
		if err := jobs.Apply(e); err != nil {
			return err
		}
		users.Apply(e.Event)
		if agency, ok := e.Event.(people.AgencyChanged); ok {
			for _, l := range agency.Settings.Languages {
				languages[l.Code] = l.Name
			}
		}
	}
	batch := &pgx.Batch{}
	queueJobs(batch, jobs.Changed())
	jobs.QueueKnown(batch)
	users.Queue(batch)
	queueLanguages(batch, languages)
	if batch.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, batch).Close()
}

// load reads the stored rows of jobs.
func load(ctx context.Context, tx pgx.Tx, ids []uuid.UUID) ([]jobrow.Job, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := tx.Query(ctx, `select job, ref, booking, customer, client, location, booked_by, created_by, language, service_type, status, outcome,
		requested_at, starts_at, minutes, zone, interpreter from jobs where job = any($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("read the jobs of a page: %w", err)
	}
	jobs, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (j jobrow.Job, err error) {
		var client, location, interpreter pgtype.UUID
		err = row.Scan(&j.ID, &j.Ref, &j.Booking, &j.Customer, &client, &location, &j.BookedBy, &j.CreatedBy, &j.Language, &j.ServiceType, &j.Status,
			&j.Outcome, &j.Requested, &j.Begin, &j.Minutes, &j.Zone, &interpreter)
		j.Client, j.Location, j.Interpreter = client.Bytes, location.Bytes, interpreter.Bytes
		return j, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the jobs of a page: %w", err)
	}
	return jobs, nil
}

func queueJobs(b *pgx.Batch, all []*jobrow.Job) {
	if len(all) == 0 {
		return
	}
	ids := func(of func(*jobrow.Job) uuid.UUID) []pgtype.UUID {
		return rows.Column(all, func(j *jobrow.Job) pgtype.UUID { return rows.ID(of(j)) })
	}
	texts := func(of func(*jobrow.Job) string) []string { return rows.Column(all, of) }
	times := func(of func(*jobrow.Job) time.Time) []time.Time { return rows.Column(all, of) }
	b.Queue(`
		insert into jobs (job, ref, booking, customer, client, location, booked_by, created_by, language, service_type, status, outcome,
			requested_at, starts_at, ends_at, minutes, zone, interpreter)
		select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $9::text[], $10::text[],
			$11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[], $16::integer[], $17::text[], $18::uuid[])
		on conflict (job) do update set client = excluded.client, location = excluded.location, language = excluded.language,
			service_type = excluded.service_type, status = excluded.status, outcome = excluded.outcome, requested_at = excluded.requested_at,
			starts_at = excluded.starts_at, ends_at = excluded.ends_at, minutes = excluded.minutes, zone = excluded.zone,
			interpreter = excluded.interpreter`,
		ids(func(j *jobrow.Job) uuid.UUID { return j.ID }),
		texts(func(j *jobrow.Job) string { return j.Ref }),
		ids(func(j *jobrow.Job) uuid.UUID { return j.Booking }),
		ids(func(j *jobrow.Job) uuid.UUID { return j.Customer }),
		ids(func(j *jobrow.Job) uuid.UUID { return j.Client }),
		ids(func(j *jobrow.Job) uuid.UUID { return j.Location }),
		rows.Column(all, func(j *jobrow.Job) uuid.UUID { return j.BookedBy }),
		rows.Column(all, func(j *jobrow.Job) uuid.UUID { return j.CreatedBy }),
		texts(func(j *jobrow.Job) string { return j.Language }),
		texts(func(j *jobrow.Job) string { return j.ServiceType }),
		texts(func(j *jobrow.Job) string { return string(j.Status) }),
		texts(func(j *jobrow.Job) string { return string(j.Outcome) }),
		times(func(j *jobrow.Job) time.Time { return j.Requested }),
		times(func(j *jobrow.Job) time.Time { return j.Begin }),
		times(jobEnd),
		rows.Column(all, func(j *jobrow.Job) int { return j.Minutes }),
		texts(func(j *jobrow.Job) string { return j.Zone }),
		ids(func(j *jobrow.Job) uuid.UUID { return j.Interpreter }))
}

func jobEnd(j *jobrow.Job) time.Time { return j.End() }

func queueLanguages(b *pgx.Batch, names map[string]string) {
	if len(names) == 0 {
		return
	}
	codes := slices.Sorted(maps.Keys(names))
	b.Queue(`insert into languages (code, name) select * from unnest($1::text[], $2::text[]) on conflict (code) do update set name = excluded.name`,
		codes, rows.Column(codes, func(code string) string { return names[code] }))
}
