// Package messages is the read model of each job's admin thread (LL-97, LL-98) and of the contacts that staff logged with the customer.
package messages

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections/jobrow"
	"github.com/dragoman-booking/dragoman/projections/rows"
)

// Name is the read model's name.
const Name = "messages"

//go:embed messages.sql projector.go
var sources embed.FS

//go:embed messages.sql
var tables string

// Projector fills the read model.
type Projector struct{}

// Name implements projections.Projector.
func (Projector) Name() string { return Name }

// SQL implements projections.Projector.
func (Projector) SQL() string { return tables }

// Sources implements projections.Projector.
func (Projector) Sources() fs.FS { return jobrow.With(sources) }

// entry is one message or one logged contact.
type entry struct {
	job, id, key uuid.UUID
	revision     int64
	at           time.Time
	author       domain.Actor
	text         string
	kind         string // of a contact
	minutes      int    // of a contact
}

// Apply implements projections.Projector. Of a job it keeps only who may know it, so only the events that decide that are folded. Nothing is
// written about a booking after its people were erased, so an erasure comes last in its page.
func (Projector) Apply(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	var about eventschema.Page
	var messages, contacts []entry
	var users jobrow.Users
	var erased []uuid.UUID
	for _, r := range page {
		users.Apply(r.Event)
		switch e := r.Event.(type) {
		case booking.Created, booking.JobAdded, booking.Edited, booking.ChangeUndone:
			about = append(about, r)
		case booking.MessagePosted:
			messages = append(messages, entry{job: e.Job, id: e.ID, key: e.Key, revision: int64(r.Revision), at: r.Meta.At, author: r.Meta.Actor,
				text: e.Text.Reveal()})
		case booking.ContactLogged:
			contacts = append(contacts, entry{job: e.Job, id: e.ID, key: e.Key, revision: int64(r.Revision), at: r.Meta.At, author: r.Meta.Actor,
				text: e.Text.Reveal(), kind: e.Kind, minutes: e.NextUpdateMinutes})
		case booking.PersonErased:
			erased = append(erased, e.Keys...)
		}
	}
	stored, err := load(ctx, tx, jobrow.Wanted(about))
	if err != nil {
		return err
	}
	jobs := jobrow.NewFold(stored)
	for _, r := range about {
		if err := jobs.Apply(r); err != nil {
			return err
		}
	}
	batch := &pgx.Batch{}
	queueJobs(batch, jobs.Changed())
	queueMessages(batch, messages)
	queueContacts(batch, contacts)
	users.Queue(batch)
	if len(erased) > 0 {
		batch.Queue(`update messages set text = $1 where key_id = any($2)`, domain.Erased, erased)
		batch.Queue(`update contacts set text = $1 where key_id = any($2)`, domain.Erased, erased)
	}
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
	found, err := tx.Query(ctx, `select job, ref, customer, client, location, booked_by from jobs where job = any($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("read the jobs of a page: %w", err)
	}
	jobs, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (j jobrow.Job, err error) {
		var client, location pgtype.UUID
		err = row.Scan(&j.ID, &j.Ref, &j.Customer, &client, &location, &j.BookedBy)
		j.Client, j.Location = client.Bytes, location.Bytes
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
	b.Queue(`
		insert into jobs (job, ref, customer, client, location, booked_by)
		select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[])
		on conflict (job) do update set client = excluded.client, location = excluded.location`,
		rows.Column(all, func(j *jobrow.Job) uuid.UUID { return j.ID }),
		rows.Column(all, func(j *jobrow.Job) string { return j.Ref }),
		rows.Column(all, func(j *jobrow.Job) uuid.UUID { return j.Customer }),
		rows.Column(all, func(j *jobrow.Job) pgtype.UUID { return rows.ID(j.Client) }),
		rows.Column(all, func(j *jobrow.Job) pgtype.UUID { return rows.ID(j.Location) }),
		rows.Column(all, func(j *jobrow.Job) uuid.UUID { return j.BookedBy }))
}

// columns are those that messages and contacts have alike.
func columns(all []entry) []any {
	return []any{
		rows.Column(all, func(e entry) uuid.UUID { return e.job }),
		rows.Column(all, func(e entry) int64 { return e.revision }),
		rows.Column(all, func(e entry) uuid.UUID { return e.id }),
		rows.Column(all, func(e entry) time.Time { return e.at }),
		rows.Column(all, func(e entry) uuid.UUID { return e.author.ID }),
		rows.Column(all, func(e entry) string { return string(e.author.Role) }),
		rows.Column(all, func(e entry) uuid.UUID { return e.key }),
		rows.Column(all, func(e entry) string { return e.text }),
	}
}

func queueMessages(b *pgx.Batch, all []entry) {
	if len(all) == 0 {
		return
	}
	b.Queue(`
		insert into messages (job, revision, id, at, author, author_role, key_id, text)
		select * from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::timestamptz[], $5::uuid[], $6::text[], $7::uuid[], $8::text[])`, columns(all)...)
}

func queueContacts(b *pgx.Batch, all []entry) {
	if len(all) == 0 {
		return
	}
	b.Queue(`
		insert into contacts (job, revision, id, at, author, author_role, key_id, text, kind, next_update_minutes)
		select * from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::timestamptz[], $5::uuid[], $6::text[], $7::uuid[], $8::text[], $9::text[], $10::integer[])`,
		append(columns(all),
			rows.Column(all, func(e entry) string { return e.kind }),
			rows.Column(all, func(e entry) int { return e.minutes }))...)
}
