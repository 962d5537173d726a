// Package activity is the read model of the activity notes: every action on a job is stamped with one, newest first (LL-75..89).
package activity

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/notes"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/rows"
)

// Name is the read model's name.
const Name = "activity"

//go:embed activity.sql projector.go
var sources embed.FS

//go:embed activity.sql
var tables string

// Projector fills the read model.
type Projector struct{}

// Name implements projections.Projector.
func (Projector) Name() string { return Name }

// SQL implements projections.Projector.
func (Projector) SQL() string { return tables }

// Sources implements projections.Projector.
func (Projector) Sources() fs.FS { return rows.Join(sources, notes.Source) }

// Apply implements projections.Projector. Erasures leave no trace: nothing here is personal.
func (Projector) Apply(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	f := &fold{jobs: map[uuid.UUID]*job{}}
	if err := f.load(ctx, tx, page); err != nil {
		return err
	}
	for _, r := range page {
		if e, ok := r.Event.(booking.Event); ok {
			f.r, f.ordinal = r, 0
			if err := f.event(e); err != nil {
				return err
			}
		}
	}
	return f.write(ctx, tx)
}

// job is a row of table jobs.
type job struct {
	id, booking, customer, client, location, bookedBy uuid.UUID
	ref                                               string
	hours                                             bool
	dirty                                             bool
}

// note is a row of table notes.
type note struct {
	job      uuid.UUID
	position eventschema.Position
	ordinal  int32
	at       time.Time
	kind     string
	text     string
	params   string
	event    uuid.UUID
	lin      string
}

type fold struct {
	jobs    map[uuid.UUID]*job
	notes   []note
	r       eventschema.Recorded // the event being folded
	ordinal int32                // of its next note
}

// event follows what the notes need to know of their jobs, and adds the notes.
func (f *fold) event(event booking.Event) error {
	switch e := event.(type) {
	case booking.Created:
		for _, n := range e.Jobs {
			f.create(&job{booking: e.Booking, customer: e.Customer, bookedBy: f.r.Meta.Actor.ID}, n, booking.Merge(e.Shared, n.Differs))
		}
	case booking.JobAdded:
		from, err := f.job(e.From)
		if err != nil {
			return err
		}
		values := booking.Merge(booking.Details{Client: from.client, Location: from.location}, e.Job.Differs)
		f.create(&job{booking: from.booking, customer: from.customer, bookedBy: from.bookedBy}, e.Job, values)
	case booking.Edited:
		for _, c := range e.Jobs {
			j, err := f.job(c.Job)
			if err != nil {
				return err
			}
			for _, change := range []*booking.Change{e.Shared, c.Own} {
				j.move(change)
			}
		}
	case booking.ChangeUndone:
		for _, u := range e.Undone() {
			j, err := f.job(u.Job)
			if err != nil {
				return err
			}
			j.move(u.Back)
		}
	}
	if err := notes.Of(event, f.subject, f.say); err != nil {
		return fmt.Errorf("%w: %w", err, projections.ErrEvent)
	}
	if e, ok := event.(booking.TimesheetSubmitted); ok {
		if j := f.jobs[e.Job]; !j.hours {
			j.hours, j.dirty = true, true
		}
	}
	return nil
}

func (f *fold) subject(id uuid.UUID) (notes.Subject, error) {
	j, err := f.job(id)
	if err != nil {
		return notes.Subject{}, err
	}
	return notes.Subject{Ref: j.ref, Hours: j.hours}, nil
}

func (f *fold) job(id uuid.UUID) (*job, error) {
	j, ok := f.jobs[id]
	if !ok {
		return nil, fmt.Errorf("revision %d of %s names a job that no event made: %w", f.r.Revision, f.r.Stream, projections.ErrEvent)
	}
	return j, nil
}

func (f *fold) create(j *job, n booking.NewJob, values booking.Details) {
	j.id, j.ref, j.client, j.location = n.ID, n.Ref, values.Client, values.Location
	j.dirty = true
	f.jobs[n.ID] = j
}

// move follows who may know the job.
func (j *job) move(c *booking.Change) {
	if c == nil || c.Client == nil && c.Location == nil {
		return
	}
	if c.Client != nil {
		j.client = *c.Client
	}
	if c.Location != nil {
		j.location = *c.Location
	}
	j.dirty = true
}

// say adds a note of the event being folded.
func (f *fold) say(n notes.Note) {
	j := f.jobs[n.Job]
	params := appendParam([]byte{'{'}, notes.Param{Name: "job", Value: j.ref})
	if n.LIN != "" {
		params = appendParam(append(params, ','), notes.Param{Name: "lin", Value: n.LIN})
	}
	for _, p := range n.Params {
		params = appendParam(append(params, ','), p)
	}
	f.notes = append(f.notes, note{job: j.id, position: f.r.Position, ordinal: f.ordinal, at: f.r.Meta.At, kind: n.Kind, text: n.Text,
		params: string(append(params, '}')), event: f.r.ID, lin: n.LIN})
	f.ordinal++
}

// appendParam writes a name and a value as JSON.
func appendParam(b []byte, p notes.Param) []byte {
	return appendText(append(appendText(b, p.Name), ':'), p.Value)
}

// appendText quotes a text; ours are plain ASCII, for which there is nothing to escape.
func appendText(b []byte, s string) []byte {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string: it cannot fail
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

const loadSQL = `select job, booking, customer, client, location, booked_by, ref, hours from jobs where job = any($1)`

// load reads the jobs that a page names and did not make itself.
func (f *fold) load(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	made, needed := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	for _, r := range page {
		e, ok := r.Event.(booking.Event)
		if !ok {
			continue
		}
		switch e := e.(type) {
		case booking.Created:
			for _, j := range e.Jobs {
				made[j.ID] = true
			}
		case booking.JobAdded:
			made[e.Job.ID] = true
			if !made[e.From] {
				needed[e.From] = true
			}
		case booking.OfferLapsed, booking.HoldEnded, booking.ReservationVoided, booking.PersonErased:
		default:
			for _, id := range booking.Touches(e) {
				if !made[id] {
					needed[id] = true
				}
			}
		}
	}
	if len(needed) == 0 {
		return nil
	}
	found, err := tx.Query(ctx, loadSQL, rows.Keys(needed))
	if err != nil {
		return fmt.Errorf("read the jobs of a page: %w", err)
	}
	defer found.Close()
	for found.Next() {
		j := &job{}
		var client, location pgtype.UUID
		if err := found.Scan(&j.id, &j.booking, &j.customer, &client, &location, &j.bookedBy, &j.ref, &j.hours); err != nil {
			return fmt.Errorf("read the jobs of a page: %w", err)
		}
		j.client, j.location = client.Bytes, location.Bytes
		f.jobs[j.id] = j
	}
	if err := found.Err(); err != nil {
		return fmt.Errorf("read the jobs of a page: %w", err)
	}
	return nil
}

const writeJobsSQL = `
insert into jobs (job, booking, customer, client, location, booked_by, ref, hours)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::bool[])
on conflict (job) do update set client = excluded.client, location = excluded.location, hours = excluded.hours`

const writeNotesSQL = `
insert into notes (job, commit_pos, prepare_pos, ordinal, at, kind, note, params, event_id, lin)
select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::int[], $5::timestamptz[], $6::text[], $7::text[], $8::jsonb[], $9::uuid[], $10::text[])`

func (f *fold) write(ctx context.Context, tx pgx.Tx) error {
	b := &pgx.Batch{}
	var dirty []*job
	for _, id := range rows.Sorted(f.jobs) {
		if f.jobs[id].dirty {
			dirty = append(dirty, f.jobs[id])
		}
	}
	if len(dirty) > 0 {
		id := func(of func(*job) uuid.UUID) any {
			return rows.Column(dirty, func(j *job) pgtype.UUID { return rows.ID(of(j)) })
		}
		b.Queue(writeJobsSQL,
			id(func(j *job) uuid.UUID { return j.id }),
			id(func(j *job) uuid.UUID { return j.booking }),
			id(func(j *job) uuid.UUID { return j.customer }),
			id(func(j *job) uuid.UUID { return j.client }),
			id(func(j *job) uuid.UUID { return j.location }),
			rows.Column(dirty, func(j *job) pgtype.UUID { return rows.Valid(j.bookedBy) }),
			rows.Column(dirty, func(j *job) string { return j.ref }),
			rows.Column(dirty, func(j *job) bool { return j.hours }))
	}
	if len(f.notes) > 0 {
		b.Queue(writeNotesSQL,
			rows.Column(f.notes, func(n note) pgtype.UUID { return rows.ID(n.job) }),
			rows.Column(f.notes, func(n note) int64 { return int64(n.position.Commit) }),
			rows.Column(f.notes, func(n note) int64 { return int64(n.position.Prepare) }),
			rows.Column(f.notes, func(n note) int32 { return n.ordinal }),
			rows.Column(f.notes, func(n note) pgtype.Timestamptz { return rows.Time(n.at) }),
			rows.Column(f.notes, func(n note) string { return n.kind }),
			rows.Column(f.notes, func(n note) string { return n.text }),
			rows.Column(f.notes, func(n note) string { return n.params }),
			rows.Column(f.notes, func(n note) pgtype.UUID { return rows.ID(n.event) }),
			rows.Column(f.notes, func(n note) string { return n.lin }))
	}
	if b.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("write the notes of a page: %w", err)
	}
	return nil
}
