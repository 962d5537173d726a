// Package timers is the read model of what is due by the clock: the promises of contact (LL-60..64), the ends of offers, and the next waves of offers
// (N-03). Nothing fires a promise: staff keep it and log that they did. The others are fired by a reaction, whose command's id derives from the row's.
package timers

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections/jobrow"
	"github.com/dragoman-booking/dragoman/projections/rows"
)

// Name is the read model's name.
const Name = "timers"

//go:embed timers.sql projector.go promises.go waves.go
var sources embed.FS

//go:embed timers.sql
var tables string

// Projector fills the read model.
type Projector struct{}

// Name implements projections.Projector.
func (Projector) Name() string { return Name }

// SQL implements projections.Projector.
func (Projector) SQL() string { return tables }

// Sources implements projections.Projector.
func (Projector) Sources() fs.FS { return jobrow.With(sources) }

// Apply implements projections.Projector: the page's jobs and their open timers are read, folded in memory and written. Promises are settled
// after every event, so that one which stood only for a while leaves its row however the log is cut into pages.
func (Projector) Apply(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	f, err := load(ctx, tx, jobrow.Wanted(page))
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for _, r := range page {
		if e, ok := r.Event.(people.AgencyChanged); ok {
			queueAgency(batch, e)
		}
		event, ok := r.Event.(booking.Event)
		if !ok {
			continue
		}
		if err := f.jobs.Apply(r); err != nil {
			return err
		}
		for _, id := range booking.Touches(event) {
			if err := f.event(r, id); err != nil {
				return err
			}
		}
	}
	f.queueJobs(batch)
	f.queueTimers(batch)
	if batch.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, batch).Close()
}

// fold is the jobs of a page with their timers.
type fold struct {
	jobs   *jobrow.Fold
	more   map[uuid.UUID]*job               // what jobrow does not keep
	open   map[uuid.UUID]map[uuid.UUID]bool // ids of a job's open timers
	timers map[uuid.UUID]*Timer             // by id: those open before, and those that the page made or ended
	dirty  map[uuid.UUID]bool               // timers to write
	told   map[uuid.UUID]bool               // jobs to write besides those that jobrow changed
}

func load(ctx context.Context, tx pgx.Tx, ids []uuid.UUID) (*fold, error) {
	f := &fold{more: map[uuid.UUID]*job{}, open: map[uuid.UUID]map[uuid.UUID]bool{}, timers: map[uuid.UUID]*Timer{},
		dirty: map[uuid.UUID]bool{}, told: map[uuid.UUID]bool{}}
	if len(ids) == 0 {
		f.jobs = jobrow.NewFold(nil)
		return f, nil
	}
	var stored []jobrow.Job
	var open []Timer
	b := &pgx.Batch{} // one round trip for both
	b.Queue(`select job, ref, booking, customer, status, tier, created_at, requested_at, starts_at,
		(extract(epoch from ends_at - starts_at) / 60)::integer, zone, contacted, told_at, every, wave, wave_number, wave_due, taken, holder
		from jobs where job = any($1)`, ids).
		Query(func(found pgx.Rows) (err error) {
			stored, err = pgx.CollectRows(found, func(row pgx.CollectableRow) (j jobrow.Job, err error) {
				m := &job{}
				var next, holder pgtype.UUID
				var due pgtype.Timestamptz
				err = row.Scan(&j.ID, &j.Ref, &j.Booking, &j.Customer, &j.Status, &j.Tier, &j.CreatedAt, &j.Requested, &j.Begin, &j.Minutes, &j.Zone,
					&m.contacted, &m.toldAt, &m.every, &next, &m.wave.number, &due, &m.wave.taken, &holder)
				m.wave.id, m.wave.due, m.wave.holder = next.Bytes, due.Time.UTC(), holder.Bytes
				f.more[j.ID] = m
				return j, err
			})
			return err
		})
	b.Queue(`select `+timerColumns+` from timers where job = any($1) and not done`, ids).Query(func(found pgx.Rows) (err error) {
		open, err = pgx.CollectRows(found, scanTimer)
		return err
	})
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return nil, fmt.Errorf("read the jobs of a page and their open timers: %w", err)
	}
	f.jobs = jobrow.NewFold(stored)
	for _, t := range open {
		f.timers[t.ID] = &t
		f.opened(t)
	}
	return f, nil
}

func (f *fold) opened(t Timer) {
	if f.open[t.Job] == nil {
		f.open[t.Job] = map[uuid.UUID]bool{}
	}
	f.open[t.Job][t.ID] = true
}

// start opens a timer, again if it was done.
func (f *fold) start(t Timer) {
	f.timers[t.ID] = &t
	f.opened(t)
	f.dirty[t.ID] = true
}

// end ends an open timer.
func (f *fold) end(id uuid.UUID) {
	t := f.timers[id]
	t.Done = true
	delete(f.open[t.Job], id)
	f.dirty[id] = true
}

// endOffers ends the timer of an interpreter's offer; of all offers for the nil id.
func (f *fold) endOffers(job, interpreter uuid.UUID) {
	for id := range f.open[job] {
		if t := f.timers[id]; t.Kind == OfferExpiry && (interpreter == uuid.Nil || t.Interpreter == interpreter) {
			f.end(id)
		}
	}
}

// send starts the timer of a fresh offer; an older one to the same interpreter gives way. An offer without an instant has none.
func (f *fold) send(r eventschema.Recorded, j *jobrow.Job, o booking.Offer) {
	f.endOffers(j.ID, o.Interpreter)
	if o.ExpiresAt == nil {
		return
	}
	f.start(Timer{ID: uuid.NewSHA1(r.ID, append([]byte(OfferExpiry+" "+j.ID.String()+" "), o.Interpreter.String()...)), Job: j.ID, Booking: j.Booking, Ref: j.Ref,
		Kind: OfferExpiry, DueAt: o.ExpiresAt.UTC().Truncate(time.Microsecond), Interpreter: o.Interpreter})
}

// event turns what an event means for one job's offers and contacts into timers, and settles the job's promises.
func (f *fold) event(r eventschema.Recorded, id uuid.UUID) error {
	row := f.jobs.Jobs[id]
	if row == nil {
		return jobrow.Missing(r, id)
	}
	j := f.more[id]
	if j == nil {
		j = &job{toldAt: row.CreatedAt}
		f.more[id] = j
	}
	j.Job = row
	if j.waves(r) {
		f.told[id] = true
	}
	switch e := r.Event.(type) {
	case booking.OfferSent:
		for _, o := range e.Offers {
			f.send(r, row, o)
		}
	case booking.Edited:
		for _, c := range e.Jobs {
			if c.Job != id {
				continue
			}
			for _, o := range c.Revoked {
				f.endOffers(id, o.Interpreter)
			}
			for _, o := range c.Resent {
				f.send(r, row, o)
			}
		}
	case booking.ChangeUndone:
		for _, u := range e.Jobs {
			if u.Job != id {
				continue
			}
			for _, o := range u.Revoked {
				f.endOffers(id, o.Interpreter)
			}
			for _, o := range u.Resent {
				f.send(r, row, o)
			}
		}
	case booking.OfferMoved:
		for _, o := range e.Offers {
			if id == e.To {
				f.send(r, row, o)
			} else {
				f.endOffers(id, o.Interpreter)
			}
		}
	case booking.OfferAccepted:
		f.endOffers(id, e.Interpreter)
	case booking.CounterOfferAnswered:
		if e.Accepted {
			f.endOffers(id, e.Interpreter)
		}
	case booking.OfferDeclined:
		f.endOffers(id, e.Interpreter)
	case booking.OfferRevoked:
		f.endOffers(id, e.Interpreter)
	case booking.OfferLapsed:
		f.endOffers(id, e.Interpreter)
	case booking.HoldEnded:
		f.endOffers(id, e.Interpreter)
	case booking.Assigned, booking.TimesheetAccepted, booking.Closed, booking.Cancelled:
		f.endOffers(id, uuid.Nil)
	case booking.Unassigned:
		f.endOffers(id, uuid.Nil)
		j.toldAt = jobrow.At(r)
	case booking.ContactLogged:
		j.contacted, j.toldAt = true, jobrow.At(r)
		if e.NextUpdateMinutes > 0 {
			j.every = e.NextUpdateMinutes
		}
		f.told[id] = true
	}
	f.settle(j)
	return nil
}

// settle ends promises that stand no more and starts those that do.
func (f *fold) settle(j *job) {
	standing := map[uuid.UUID]bool{}
	for _, p := range j.promises() {
		standing[p.ID] = true
		if before := f.timers[p.ID]; before == nil || before.Done || !before.DueAt.Equal(p.DueAt) {
			f.start(p)
		}
	}
	for id := range f.open[j.ID] {
		if f.timers[id].Kind != OfferExpiry && !standing[id] {
			f.end(id)
		}
	}
}

func (f *fold) queueJobs(b *pgx.Batch) {
	all := f.jobs.Changed()
	for _, j := range all {
		delete(f.told, j.ID)
	}
	for _, id := range rows.Sorted(f.told) {
		all = append(all, f.jobs.Jobs[id])
	}
	if len(all) == 0 {
		return
	}
	texts := func(of func(*jobrow.Job) string) []string { return rows.Column(all, of) }
	times := func(of func(*jobrow.Job) time.Time) []time.Time { return rows.Column(all, of) }
	b.Queue(`
		insert into jobs (job, ref, booking, customer, status, tier, created_at, requested_at, starts_at, ends_at, zone, contacted, told_at, every,
			wave, wave_number, wave_due, taken, holder)
		select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[],
			$9::timestamptz[], $10::timestamptz[], $11::text[], $12::boolean[], $13::timestamptz[], $14::integer[],
			$15::uuid[], $16::integer[], $17::timestamptz[], $18::boolean[], $19::uuid[])
		on conflict (job) do update set status = excluded.status, requested_at = excluded.requested_at, starts_at = excluded.starts_at,
			ends_at = excluded.ends_at, zone = excluded.zone, contacted = excluded.contacted, told_at = excluded.told_at, every = excluded.every,
			wave = excluded.wave, wave_number = excluded.wave_number, wave_due = excluded.wave_due, taken = excluded.taken, holder = excluded.holder`,
		rows.Column(all, func(j *jobrow.Job) uuid.UUID { return j.ID }),
		texts(func(j *jobrow.Job) string { return j.Ref }),
		rows.Column(all, func(j *jobrow.Job) uuid.UUID { return j.Booking }),
		rows.Column(all, func(j *jobrow.Job) uuid.UUID { return j.Customer }),
		texts(func(j *jobrow.Job) string { return string(j.Status) }),
		texts(func(j *jobrow.Job) string { return j.Tier }),
		times(func(j *jobrow.Job) time.Time { return j.CreatedAt }),
		times(func(j *jobrow.Job) time.Time { return j.Requested }),
		times(func(j *jobrow.Job) time.Time { return j.Begin }),
		times(func(j *jobrow.Job) time.Time { return j.End() }),
		texts(func(j *jobrow.Job) string { return j.Zone }),
		rows.Column(all, func(j *jobrow.Job) bool { return f.more[j.ID].contacted }),
		times(func(j *jobrow.Job) time.Time { return f.more[j.ID].toldAt }),
		rows.Column(all, func(j *jobrow.Job) int { return f.more[j.ID].every }),
		rows.Column(all, func(j *jobrow.Job) pgtype.UUID { return rows.ID(f.more[j.ID].wave.id) }),
		rows.Column(all, func(j *jobrow.Job) int { return f.more[j.ID].wave.number }),
		rows.Column(all, func(j *jobrow.Job) pgtype.Timestamptz { return rows.Time(f.more[j.ID].wave.due) }),
		rows.Column(all, func(j *jobrow.Job) bool { return f.more[j.ID].wave.taken }),
		rows.Column(all, func(j *jobrow.Job) pgtype.UUID { return rows.ID(f.more[j.ID].wave.holder) }))
}

func (f *fold) queueTimers(b *pgx.Batch) {
	all := make([]*Timer, 0, len(f.dirty))
	for _, id := range rows.Sorted(f.dirty) {
		all = append(all, f.timers[id])
	}
	if len(all) == 0 {
		return
	}
	b.Queue(`
		insert into timers (`+timerColumns+`)
		select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::uuid[], $8::boolean[])
		on conflict (id) do update set due_at = excluded.due_at, done = excluded.done`,
		rows.Column(all, func(t *Timer) uuid.UUID { return t.ID }),
		rows.Column(all, func(t *Timer) uuid.UUID { return t.Job }),
		rows.Column(all, func(t *Timer) uuid.UUID { return t.Booking }),
		rows.Column(all, func(t *Timer) string { return t.Ref }),
		rows.Column(all, func(t *Timer) string { return t.Kind }),
		rows.Column(all, func(t *Timer) time.Time { return t.DueAt }),
		rows.Column(all, func(t *Timer) pgtype.UUID { return rows.ID(t.Interpreter) }),
		rows.Column(all, func(t *Timer) bool { return t.Done }))
}

// timerColumns are the columns of a timer in the order of scanTimer.
const timerColumns = `id, job, booking, ref, kind, due_at, interpreter, done`

func scanTimer(row pgx.CollectableRow) (t Timer, err error) {
	var interpreter pgtype.UUID
	err = row.Scan(&t.ID, &t.Job, &t.Booking, &t.Ref, &t.Kind, &t.DueAt, &interpreter, &t.Done)
	t.Interpreter, t.DueAt = interpreter.Bytes, t.DueAt.UTC()
	return t, err
}

// Timer is something due for a job at an instant, UTC. Interpreter is whose offer ends, zero for a promise. Equal timers are equal values.
type Timer struct {
	ID          uuid.UUID
	Job         uuid.UUID
	Booking     uuid.UUID
	Ref         string
	Kind        string
	DueAt       time.Time
	Interpreter uuid.UUID
	Done        bool
}
