// Package diary is the read model of workers' time: what diaries hold, which job counts on it, who holds which job. The repair of unclaimed
// reservations and the ending of holds look here; so does whoever asks when a worker is free.
package diary

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/diary"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
)

// Name is the read model's name.
const Name = "diary"

//go:embed diary.sql projector.go
var sources embed.FS

//go:embed diary.sql
var tables string

// Projector fills the read model.
type Projector struct{}

// Name implements projections.Projector.
func (Projector) Name() string { return Name }

// SQL implements projections.Projector.
func (Projector) SQL() string { return tables }

// Sources implements projections.Projector.
func (Projector) Sources() fs.FS { return sources }

// Apply implements projections.Projector. The jobs that a page names are read in one round trip, folded in memory, and written in another.
// A diary carried forward works on what is written, so it ends a stretch of the page.
func (Projector) Apply(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	start := 0
	for i, e := range page {
		carried, ok := e.Event.(diary.CarriedForward)
		if !ok && i < len(page)-1 {
			continue
		}
		if err := stretch(ctx, tx, page[start:i+1]); err != nil {
			return err
		}
		if ok {
			if err := carryForward(ctx, tx, carried, e.Meta.RecordedAt); err != nil {
				return err
			}
		}
		start = i + 1
	}
	return nil
}

func stretch(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	f, err := load(ctx, tx, page)
	if err != nil {
		return err
	}
	for _, e := range page {
		if err := f.apply(e); err != nil {
			return err
		}
	}
	return f.write(ctx, tx)
}

// job is a row of jobs.
type job struct {
	id          uuid.UUID
	booking     uuid.UUID
	ref         string
	start       time.Time
	zone        string
	minutes     int
	eta         *time.Time
	live        bool
	interpreter *uuid.UUID
	reservation *uuid.UUID
	service     string
	addressed   bool
	location    *uuid.UUID
	postcode    string
	outward     string
}

// details are the job's values that matter here, as events put them together.
func (j *job) details() booking.Details {
	d := booking.Details{ServiceType: j.service}
	if j.location != nil {
		d.Location = *j.location
	}
	if j.addressed {
		d.Address = &booking.Address{Postcode: domain.Personal(j.postcode), Outward: j.outward}
	}
	return d
}

// stands keeps those values of details.
func (j *job) stands(d booking.Details) {
	j.service, j.addressed, j.location, j.postcode, j.outward = d.ServiceType, d.Address != nil, nil, "", ""
	if d.Location != uuid.Nil {
		j.location = &d.Location
	}
	if d.Address != nil {
		j.postcode, j.outward = d.Address.Postcode.Reveal(), d.Address.Outward
	}
}

// reservation is a row of reservations.
type reservation struct {
	diary.Reservation
	interpreter uuid.UUID
	recordedAt  time.Time
}

// fold is the rows that a stretch of a page touches.
type fold struct {
	jobs     map[uuid.UUID]*job
	changed  map[uuid.UUID]bool
	holds    map[uuid.UUID]uuid.UUID // by job; the nil id: nobody holds it
	newHolds map[uuid.UUID]bool      // jobs whose hold has changed
	reserved map[uuid.UUID]reservation
	released []uuid.UUID
	erased   []uuid.UUID // bookings whose people are erased
}

// load reads the rows of the jobs that events name.
func load(ctx context.Context, tx pgx.Tx, page eventschema.Page) (*fold, error) {
	f := &fold{jobs: map[uuid.UUID]*job{}, changed: map[uuid.UUID]bool{}, holds: map[uuid.UUID]uuid.UUID{}, newHolds: map[uuid.UUID]bool{},
		reserved: map[uuid.UUID]reservation{}}
	var ids []uuid.UUID
	made := map[uuid.UUID]bool{}
	for _, e := range page {
		event, ok := e.Event.(booking.Event)
		if !ok {
			continue
		}
		created, isNew := event.(booking.Created)
		for _, j := range created.Jobs {
			made[j.ID] = true
		}
		if isNew {
			continue
		}
		touched := booking.Touches(event)
		if added, ok := event.(booking.JobAdded); ok {
			made[added.Job.ID] = true
			touched = []uuid.UUID{added.From}
		}
		for _, id := range touched {
			if !made[id] {
				made[id] = true // asked for once
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return f, nil
	}
	b := &pgx.Batch{}
	b.Queue(`select job, booking, ref, starts_at, zone, minutes, eta, live, interpreter, reservation, service_type, addressed, location, postcode, outward
		from jobs where job = any($1)`, ids).
		Query(func(rows pgx.Rows) error {
			var j job
			_, err := pgx.ForEachRow(rows, []any{&j.id, &j.booking, &j.ref, &j.start, &j.zone, &j.minutes, &j.eta, &j.live, &j.interpreter, &j.reservation,
				&j.service, &j.addressed, &j.location, &j.postcode, &j.outward},
				func() error {
					one := j
					f.jobs[j.id] = &one
					j = job{}
					return nil
				})
			return err
		})
	b.Queue(`select job, interpreter from holds where job = any($1)`, ids).Query(func(rows pgx.Rows) error {
		var id, interpreter uuid.UUID
		_, err := pgx.ForEachRow(rows, []any{&id, &interpreter}, func() error {
			f.holds[id] = interpreter
			return nil
		})
		return err
	})
	return f, tx.SendBatch(ctx, b).Close()
}

func (f *fold) apply(e eventschema.Recorded) error {
	switch event := e.Event.(type) {
	case diary.Reserved:
		for _, r := range event.Reservations {
			f.reserved[r.ID] = reservation{r, event.Interpreter, e.Meta.RecordedAt}
		}
	case diary.Released:
		for _, id := range event.Reservations {
			delete(f.reserved, id)
		}
		f.released = append(f.released, event.Reservations...)

	case booking.Created:
		for _, j := range event.Jobs {
			f.add(event.Booking, j, booking.Merge(event.Shared, j.Differs))
		}
	case booking.JobAdded:
		id, named := eventschema.IDOf(e.Stream)
		if !named {
			return fmt.Errorf("a booking's stream without its id: %w", projections.ErrEvent)
		}
		var values booking.Details
		if from := f.jobs[event.From]; from != nil {
			values = from.details()
		}
		f.add(id, event.Job, booking.Merge(values, event.Job.Differs))
	case booking.Edited:
		for _, c := range event.Jobs {
			f.change(c.Job, func(j *job) {
				j.reschedule(event.Shared)
				j.reschedule(c.Own)
				j.relocate(event.Shared)
				j.relocate(c.Own)
				j.claim(c.Reservation)
			})
			for _, o := range c.Revoked {
				f.unhold(c.Job, o.Interpreter)
			}
		}
	case booking.ChangeUndone:
		for _, u := range event.Undone() {
			f.change(u.Job, func(j *job) { j.undo(u) })
			for _, o := range u.Revoked {
				f.unhold(u.Job, o.Interpreter)
			}
		}
	case booking.EtaAgreed:
		f.eta(event.Job, event.ETA, event.Reservation)
	case booking.EtaChanged:
		f.eta(event.Job, event.ETA, event.Reservation)

	case booking.OfferAccepted:
		f.hold(event.Job, event.Interpreter)
	case booking.CounterOfferAnswered:
		if event.Accepted {
			f.hold(event.Job, event.Interpreter)
		}
	case booking.OfferRevoked:
		f.unhold(event.Job, event.Interpreter)
	case booking.OfferDeclined:
		f.unhold(event.Job, event.Interpreter)
	case booking.OfferLapsed:
		f.unhold(event.Job, event.Interpreter)
	case booking.HoldEnded:
		f.unhold(event.Job, event.Interpreter)
	case booking.Assigned:
		f.change(event.Job, func(j *job) { j.interpreter, j.reservation = &event.Interpreter, &event.Reservation })
		f.hold(event.Job, uuid.Nil)
	case booking.Unassigned:
		f.change(event.Job, func(j *job) { j.interpreter, j.reservation = nil, nil })
		f.hold(event.Job, uuid.Nil)

	case booking.TimesheetAccepted:
		f.over(event.Job, false)
	case booking.Closed:
		f.over(event.Job, false)
	case booking.Cancelled:
		for _, c := range event.Jobs {
			f.over(c.Job, true)
		}

	case booking.PersonErased:
		id, named := eventschema.IDOf(e.Stream)
		if !named {
			return fmt.Errorf("a booking's stream without its id: %w", projections.ErrEvent)
		}
		f.erased = append(f.erased, id)
		for _, j := range f.jobs {
			if j.booking == id && j.addressed {
				f.change(j.id, func(j *job) { j.postcode = domain.Erased })
			}
		}
	}
	return nil
}

func (f *fold) add(id uuid.UUID, n booking.NewJob, d booking.Details) {
	j := &job{id: n.ID, booking: id, ref: n.Ref, start: n.Schedule.Start.Instant, zone: n.Schedule.Start.Zone, minutes: n.Schedule.Minutes, live: true}
	j.stands(d)
	f.jobs[n.ID], f.changed[n.ID] = j, true
}

// relocate applies an edit's new place and type of service.
func (j *job) relocate(c *booking.Change) {
	if c == nil {
		return
	}
	d := j.details()
	if c.Location != nil {
		d.Location = *c.Location
	}
	if c.Address != nil {
		d.Address = c.Address
	}
	if c.ServiceType != nil {
		d.ServiceType = *c.ServiceType
	}
	j.stands(d)
}

func (f *fold) change(id uuid.UUID, change func(*job)) {
	if j := f.jobs[id]; j != nil {
		change(j)
		f.changed[id] = true
	}
}

// undo brings back what a change had made of a job: of a cancelled one, that it is live.
func (j *job) undo(u booking.UndoneJob) {
	j.reschedule(u.Back)
	j.relocate(u.Back)
	j.live, j.eta = true, nil
	if u.ETA != nil {
		j.eta = &u.ETA.Instant
	}
	if u.Assigned != nil {
		j.interpreter = &u.Assigned.Interpreter
	}
	j.claim(u.Reservation)
}

// reschedule applies an edit's new time. A new start ends an agreed ETA: the customer's wish is newer.
func (j *job) reschedule(c *booking.Change) {
	if c == nil || c.Schedule == nil {
		return
	}
	s := c.Schedule.Start
	if !s.Instant.Equal(j.start) || s.Zone != j.zone {
		j.eta = nil
	}
	j.start, j.zone, j.minutes = s.Instant, s.Zone, c.Schedule.Minutes
}

// claim notes that an assigned job counts on another reservation from now on.
func (j *job) claim(reservation uuid.UUID) {
	if reservation != uuid.Nil && j.interpreter != nil {
		j.reservation = &reservation
	}
}

func (f *fold) eta(id uuid.UUID, eta domain.Moment, reservation uuid.UUID) {
	f.change(id, func(j *job) {
		j.eta = &eta.Instant
		j.claim(reservation)
	})
}

func (f *fold) hold(job, interpreter uuid.UUID) {
	if f.holds[job] != interpreter {
		f.holds[job], f.newHolds[job] = interpreter, true
	}
}

func (f *fold) unhold(job, interpreter uuid.UUID) {
	if f.holds[job] == interpreter {
		f.hold(job, uuid.Nil)
	}
}

func (f *fold) over(id uuid.UUID, cancelled bool) {
	f.change(id, func(j *job) {
		j.live = false
		if cancelled {
			j.interpreter, j.reservation = nil, nil
		}
	})
	f.hold(id, uuid.Nil)
}

func (f *fold) write(ctx context.Context, tx pgx.Tx) error {
	b := &pgx.Batch{}
	f.writeJobs(b)
	if len(f.erased) > 0 {
		b.Queue(`update jobs set postcode = $2 where booking = any($1) and addressed`, f.erased, domain.Erased)
	}
	f.writeHolds(b)
	if len(f.released) > 0 {
		b.Queue(`delete from reservations where reservation = any($1)`, f.released)
	}
	writeReservations(b, slices.Collect(maps.Values(f.reserved)))
	if b.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, b).Close()
}

func (f *fold) writeJobs(b *pgx.Batch) {
	if len(f.changed) == 0 {
		return
	}
	var all []*job
	for _, id := range slices.SortedFunc(maps.Keys(f.changed), byID) { // in one order, so that rows are locked alike in every run
		all = append(all, f.jobs[id])
	}
	b.Queue(`
		insert into jobs (job, booking, ref, starts_at, zone, minutes, eta, live, interpreter, reservation, service_type, addressed, location, postcode, outward)
		select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::int[], $7::timestamptz[], $8::boolean[], $9::uuid[], $10::uuid[],
			$11::text[], $12::boolean[], $13::uuid[], $14::text[], $15::text[])
		on conflict (job) do update set starts_at = excluded.starts_at, zone = excluded.zone, minutes = excluded.minutes, eta = excluded.eta,
			live = excluded.live, interpreter = excluded.interpreter, reservation = excluded.reservation, service_type = excluded.service_type,
			addressed = excluded.addressed, location = excluded.location, postcode = excluded.postcode, outward = excluded.outward`,
		column(all, func(j *job) uuid.UUID { return j.id }), column(all, func(j *job) uuid.UUID { return j.booking }),
		column(all, func(j *job) string { return j.ref }), column(all, func(j *job) time.Time { return j.start }),
		column(all, func(j *job) string { return j.zone }), column(all, func(j *job) int { return j.minutes }),
		column(all, func(j *job) *time.Time { return j.eta }), column(all, func(j *job) bool { return j.live }),
		column(all, func(j *job) *uuid.UUID { return j.interpreter }), column(all, func(j *job) *uuid.UUID { return j.reservation }),
		column(all, func(j *job) string { return j.service }), column(all, func(j *job) bool { return j.addressed }),
		column(all, func(j *job) *uuid.UUID { return j.location }), column(all, func(j *job) string { return j.postcode }),
		column(all, func(j *job) string { return j.outward }))
}

func (f *fold) writeHolds(b *pgx.Batch) {
	var ended, held, holders []uuid.UUID
	for _, id := range slices.SortedFunc(maps.Keys(f.newHolds), byID) {
		if holder := f.holds[id]; holder == uuid.Nil {
			ended = append(ended, id)
		} else {
			held, holders = append(held, id), append(holders, holder)
		}
	}
	if len(ended) > 0 {
		b.Queue(`delete from holds where job = any($1)`, ended)
	}
	if len(held) > 0 {
		b.Queue(`insert into holds (job, interpreter) select * from unnest($1::uuid[], $2::uuid[])
			on conflict (job) do update set interpreter = excluded.interpreter`, held, holders)
	}
}

func writeReservations(b *pgx.Batch, all []reservation) {
	if len(all) == 0 {
		return
	}
	slices.SortFunc(all, func(a, b reservation) int { return byID(a.ID, b.ID) })
	b.Queue(`
		insert into reservations (reservation, interpreter, booking, job, starts_at, ends_at, unchecked, recorded_at)
		select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::boolean[], $8::timestamptz[])
		on conflict (reservation) do nothing`,
		column(all, func(r reservation) uuid.UUID { return r.ID }), column(all, func(r reservation) uuid.UUID { return r.interpreter }),
		column(all, func(r reservation) uuid.UUID { return r.Booking }), column(all, func(r reservation) uuid.UUID { return r.Job }),
		column(all, func(r reservation) time.Time { return r.Start }), column(all, func(r reservation) time.Time { return r.End }),
		column(all, func(r reservation) bool { return r.Unchecked }), column(all, func(r reservation) time.Time { return r.recordedAt }))
}

// carryForward leaves of a worker's reservations those that the event names. One that is there keeps its age.
func carryForward(ctx context.Context, tx pgx.Tx, e diary.CarriedForward, recordedAt time.Time) error {
	ids := make([]uuid.UUID, len(e.Reservations))
	all := make([]reservation, len(e.Reservations))
	for i, r := range e.Reservations {
		ids[i], all[i] = r.ID, reservation{r, e.Interpreter, recordedAt}
	}
	b := &pgx.Batch{}
	b.Queue(`delete from reservations where interpreter = $1 and reservation <> all($2)`, e.Interpreter, ids)
	writeReservations(b, all)
	return tx.SendBatch(ctx, b).Close()
}

func byID(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }

// column is one column of a multi-row statement.
func column[R, V any](all []R, of func(R) V) []V {
	values := make([]V, len(all))
	for i, r := range all {
		values[i] = of(r)
	}
	return values
}
