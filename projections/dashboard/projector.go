// Package dashboard is the read model behind the four tiles of the first page (LL-08, D-07), counted from indexes however many jobs there are.
package dashboard

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections/jobrow"
	"github.com/dragoman-booking/dragoman/projections/rows"
)

// Name is the read model's name.
const Name = "dashboard"

//go:embed dashboard.sql projector.go
var sources embed.FS

//go:embed dashboard.sql
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
	for _, e := range page {
		if err := jobs.Apply(e); err != nil {
			return err
		}
	}
	batch := &pgx.Batch{}
	queueJobs(batch, jobs.Changed())
	jobs.QueueKnown(batch)
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
	found, err := tx.Query(ctx, `select job, customer, client, location, booked_by, status, created_at, requested_at, starts_at,
		(extract(epoch from ends_at - starts_at) / 60)::integer, zone, completed_at from jobs where job = any($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("read the jobs of a page: %w", err)
	}
	jobs, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (j jobrow.Job, err error) {
		var client, location pgtype.UUID
		var completed pgtype.Timestamptz
		err = row.Scan(&j.ID, &j.Customer, &client, &location, &j.BookedBy, &j.Status, &j.CreatedAt, &j.Requested, &j.Begin, &j.Minutes, &j.Zone, &completed)
		j.Client, j.Location, j.CompletedAt = client.Bytes, location.Bytes, completed.Time
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
	ids := func(of func(*jobrow.Job) uuid.UUID) []uuid.UUID { return rows.Column(all, of) }
	maybe := func(of func(*jobrow.Job) uuid.UUID) []pgtype.UUID {
		return rows.Column(all, func(j *jobrow.Job) pgtype.UUID { return rows.ID(of(j)) })
	}
	times := func(of func(*jobrow.Job) time.Time) []time.Time { return rows.Column(all, of) }
	b.Queue(`
		insert into jobs (job, customer, client, location, booked_by, status, created_at, requested_at, starts_at, ends_at, zone, completed_at)
		select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::timestamptz[], $8::timestamptz[],
			$9::timestamptz[], $10::timestamptz[], $11::text[], $12::timestamptz[])
		on conflict (job) do update set client = excluded.client, location = excluded.location, status = excluded.status,
			requested_at = excluded.requested_at, starts_at = excluded.starts_at, ends_at = excluded.ends_at, zone = excluded.zone,
			completed_at = excluded.completed_at`,
		ids(func(j *jobrow.Job) uuid.UUID { return j.ID }),
		ids(func(j *jobrow.Job) uuid.UUID { return j.Customer }),
		maybe(func(j *jobrow.Job) uuid.UUID { return j.Client }),
		maybe(func(j *jobrow.Job) uuid.UUID { return j.Location }),
		ids(func(j *jobrow.Job) uuid.UUID { return j.BookedBy }),
		rows.Column(all, func(j *jobrow.Job) string { return string(j.Status) }),
		times(func(j *jobrow.Job) time.Time { return j.CreatedAt }),
		times(func(j *jobrow.Job) time.Time { return j.Requested }),
		times(func(j *jobrow.Job) time.Time { return j.Begin }),
		times(func(j *jobrow.Job) time.Time { return j.End() }),
		rows.Column(all, func(j *jobrow.Job) string { return j.Zone }),
		rows.Column(all, func(j *jobrow.Job) pgtype.Timestamptz { return rows.Time(j.CompletedAt) }))
}
