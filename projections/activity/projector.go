// Package activity is the read model of the activity notes: every action on a job is stamped with one, newest first (LL-75..89).
package activity

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
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
func (Projector) Sources() fs.FS { return sources }

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

// Kinds of notes.
const (
	Created            = "created"
	Edited             = "edited"
	TakenKind          = "taken"
	ReleasedKind       = "released"
	OfferSent          = "offer-sent"
	OfferRevoked       = "offer-revoked"
	OfferAccepted      = "offer-accepted"
	OfferDeclined      = "offer-declined"
	Assigned           = "assigned"
	Unassigned         = "unassigned"
	StatusChanged      = "status-changed"
	EtaProposed        = "eta-proposed"
	EtaDeclined        = "eta-declined"
	EtaChanged         = "eta-changed"
	TimesheetSubmitted = "timesheet-submitted"
	TimesheetDisputed  = "timesheet-disputed"
	Continued          = "continued"
	MessagePosted      = "message-posted"
	ContactLogged      = "contact-logged"
)

// etaLayout is the only stamp with seconds (LL-87).
const etaLayout = "02/01/2006 15:04:05"

// event is the one type switch. A status change stands after what caused it, so that it is listed above it (LL-84, LL-86).
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
		return f.edited(e)
	case booking.Taken:
		return f.on(e.Job, func(j *job) { f.say(j, TakenKind, "", j.ref+" taken") })
	case booking.Released:
		return f.on(e.Job, func(j *job) { f.say(j, ReleasedKind, "", j.ref+" released") })
	case booking.OfferSent:
		return f.on(e.Job, func(j *job) {
			for _, o := range e.Offers {
				f.sent(j, o.LIN)
			}
		})
	case booking.OfferRevoked:
		return f.on(e.Job, func(j *job) { f.revoked(j, e.LIN) })
	case booking.OfferAccepted:
		return f.on(e.Job, func(j *job) { f.say(j, OfferAccepted, e.LIN, e.LIN+" accepted job offer for "+j.ref) })
	case booking.OfferDeclined:
		return f.on(e.Job, func(j *job) { f.say(j, OfferDeclined, e.LIN, e.LIN+" declined job offer for "+j.ref) })
	case booking.Assigned:
		return f.on(e.Job, func(j *job) {
			f.say(j, Assigned, e.LIN, "Assigned "+e.LIN+" to job "+j.ref)
			f.changed(j, domain.New, string(domain.Assigned))
		})
	case booking.Unassigned:
		return f.on(e.Job, func(j *job) {
			f.say(j, Unassigned, e.LIN, "Unassigned "+e.LIN+" from job "+j.ref)
			f.changed(j, domain.Assigned, string(domain.New))
		})
	case booking.EtaProposed:
		return f.on(e.Job, func(j *job) {
			eta := e.ETA.In().Format(etaLayout)
			f.say(j, EtaProposed, "", "ETA "+eta+" proposed for "+j.ref, param{"eta", eta})
		})
	case booking.EtaAgreed:
		return f.on(e.Job, func(j *job) { f.eta(j, e.ETA) })
	case booking.EtaChanged:
		if e.InPast {
			return f.on(e.Job, func(j *job) { f.eta(j, e.ETA, param{"inPast", "true"}) })
		}
		return f.on(e.Job, func(j *job) { f.eta(j, e.ETA) })
	case booking.EtaDeclined:
		return f.on(e.Job, func(j *job) { f.say(j, EtaDeclined, "", "Proposed ETA declined for "+j.ref) })
	case booking.TimesheetSubmitted:
		return f.on(e.Job, f.submitted)
	case booking.TimesheetAccepted:
		return f.on(e.Job, func(j *job) { f.completed(j, domain.Ongoing, e.Outcome) })
	case booking.TimesheetDisputed:
		return f.on(e.Job, func(j *job) { f.say(j, TimesheetDisputed, "", "Timesheet disputed for "+j.ref) })
	case booking.Closed:
		return f.on(e.Job, func(j *job) { f.completed(j, e.From, e.Outcome) })
	case booking.Cancelled:
		for _, c := range e.Jobs {
			if err := f.on(c.Job, func(j *job) { f.changed(j, c.From, string(domain.Cancelled)) }); err != nil {
				return err
			}
		}
	case booking.Continued:
		return f.on(e.Job, func(j *job) { f.say(j, Continued, "", j.ref+" continued in "+e.Ref, param{"in", e.Ref}) })
	case booking.MessagePosted:
		return f.on(e.Job, func(j *job) { f.say(j, MessagePosted, "", "Admin message posted for "+j.ref) })
	case booking.ContactLogged:
		return f.on(e.Job, func(j *job) { f.say(j, ContactLogged, "", "Contact logged for "+j.ref) })
	case booking.OfferLapsed, booking.HoldEnded, booking.ReservationVoided, booking.PersonErased:
		// nobody did anything to the job: no note
	default:
		return fmt.Errorf("no note for %T: %w", event, projections.ErrEvent)
	}
	return nil
}

func (f *fold) job(id uuid.UUID) (*job, error) {
	j, ok := f.jobs[id]
	if !ok {
		return nil, fmt.Errorf("revision %d of %s names a job that no event made: %w", f.r.Revision, f.r.Stream, projections.ErrEvent)
	}
	return j, nil
}

func (f *fold) on(id uuid.UUID, say func(*job)) error {
	j, err := f.job(id)
	if err == nil {
		say(j)
	}
	return err
}

func (f *fold) create(j *job, n booking.NewJob, values booking.Details) {
	j.id, j.ref, j.client, j.location = n.ID, n.Ref, values.Client, values.Location
	j.dirty = true
	f.jobs[n.ID] = j
	f.say(j, Created, "", j.ref+" Created")
}

func (f *fold) edited(e booking.Edited) error {
	for _, c := range e.Jobs {
		err := f.on(c.Job, func(j *job) {
			for _, change := range []*booking.Change{e.Shared, c.Own} {
				j.move(change)
			}
			f.say(j, Edited, "", j.ref+" edited")
			for _, o := range c.Revoked {
				f.revoked(j, o.LIN)
				if again := slices.IndexFunc(c.Resent, func(r booking.Offer) bool { return r.Interpreter == o.Interpreter }); again >= 0 {
					f.sent(j, c.Resent[again].LIN)
				}
			}
			for _, o := range c.Resent {
				if !slices.ContainsFunc(c.Revoked, func(r booking.Offered) bool { return r.Interpreter == o.Interpreter }) {
					f.sent(j, o.LIN)
				}
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
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

func (f *fold) sent(j *job, lin string) {
	f.say(j, OfferSent, lin, "Sent job offer to "+lin+" for job "+j.ref)
}

func (f *fold) revoked(j *job, lin string) {
	f.say(j, OfferRevoked, lin, "Revoked job offer to "+lin+" for job "+j.ref)
}

func (f *fold) eta(j *job, eta domain.Moment, more ...param) {
	stamp := eta.In().Format(etaLayout)
	f.say(j, EtaChanged, "", j.ref+" ETA has changed to "+stamp, append([]param{{"eta", stamp}}, more...)...)
}

// submitted: the first hours make the job ongoing (LL-88); hours entered again after a dispute change no status.
func (f *fold) submitted(j *job) {
	if j.hours {
		f.say(j, TimesheetSubmitted, "", "Timesheet submitted for "+j.ref)
		return
	}
	j.hours, j.dirty = true, true
	f.changed(j, domain.Assigned, string(domain.Ongoing))
}

func (f *fold) completed(j *job, from domain.Status, o domain.Outcome) {
	f.say(j, StatusChanged, "", j.ref+" changed from "+string(from)+" to complete: "+o.Words(),
		param{"from", string(from)}, param{"to", string(domain.Complete)}, param{"outcome", string(o)})
}

func (f *fold) changed(j *job, from domain.Status, to string) {
	f.say(j, StatusChanged, "", j.ref+" changed from "+string(from)+" to "+to, param{"from", string(from)}, param{"to", to})
}

type param struct{ name, value string }

// say adds a note of the event being folded.
func (f *fold) say(j *job, kind, lin, text string, more ...param) {
	params := appendParam([]byte{'{'}, param{"job", j.ref})
	if lin != "" {
		params = appendParam(append(params, ','), param{"lin", lin})
	}
	for _, p := range more {
		params = appendParam(append(params, ','), p)
	}
	f.notes = append(f.notes, note{job: j.id, position: f.r.Position, ordinal: f.ordinal, at: f.r.Meta.At, kind: kind, text: text,
		params: string(append(params, '}')), event: f.r.ID, lin: lin})
	f.ordinal++
}

// appendParam writes a name and a value as JSON.
func appendParam(b []byte, p param) []byte {
	return appendText(append(appendText(b, p.name), ':'), p.value)
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
