// Package jobrow is what several read models keep of a job alike: the values that a booking's events lead to, the names of users, and which
// jobs a viewer may know. A read model that stands on it puts [With] around its own sources, so that a change here makes it a new one.
package jobrow

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/rows"
)

// Job is one job as the fold sees it. A read model stores what it needs of it; what it does not store stays zero and harms nothing.
type Job struct {
	ID          uuid.UUID
	Ref         string
	Booking     uuid.UUID
	Customer    uuid.UUID
	Client      uuid.UUID // zero: none
	Location    uuid.UUID // zero: a typed address, or a remote job
	BookedBy    uuid.UUID // who made the booking: what a narrowed user's scope goes by
	CreatedBy   uuid.UUID // who made this job of it
	CreatedAt   time.Time
	Language    string
	ServiceType string
	BillTo      string
	Status      domain.Status
	Outcome     domain.Outcome // empty before it is complete
	CompletedAt time.Time      // when the outcome was recorded, zero before
	Requested   time.Time      // the start as asked for
	Begin       time.Time      // the ETA if there is one, else Requested
	Zone        string
	Minutes     int
	Interpreter uuid.UUID // who has it, or had it when it was completed; zero if nobody
	Tier        string    // response tier when booked (D-05)
}

// End is when the job is over.
func (j Job) End() time.Time { return j.Begin.Add(time.Duration(j.Minutes) * time.Minute) }

// Knows is an interpreter who ever held an offer or the assignment of a job, and so may know it.
type Knows struct{ Job, Interpreter uuid.UUID }

// Fold is the jobs that a page of events names, as they come to stand.
type Fold struct {
	Jobs    map[uuid.UUID]*Job
	changed map[uuid.UUID]bool
	known   map[Knows]bool
}

// NewFold begins with the rows stored for [Wanted].
func NewFold(stored []Job) *Fold {
	f := &Fold{Jobs: make(map[uuid.UUID]*Job, len(stored)), changed: map[uuid.UUID]bool{}, known: map[Knows]bool{}}
	for i := range stored {
		f.Jobs[stored[i].ID] = &stored[i]
	}
	return f
}

// Wanted are the jobs that a page names and did not itself bring into being: those to read before folding it.
func Wanted(page eventschema.Page) []uuid.UUID {
	return wanted(page, func(booking.Event) bool { return true })
}

// Changing is Wanted without the jobs that the page names but whose Job it leaves alone, for a read model that keeps nothing else of them:
// most events of a busy day are offers and their answers.
func Changing(page eventschema.Page) []uuid.UUID { return wanted(page, changes) }

// changes tells whether Apply changes a Job because of an event.
func changes(e booking.Event) bool {
	switch e.(type) {
	case booking.Taken, booking.Released, booking.OfferSent, booking.WaveSent, booking.JobFlagged, booking.OfferMoved, booking.OfferRevoked, booking.OfferAccepted, booking.OfferDeclined, booking.OfferLapsed,
		booking.CounterOfferMade, booking.CounterOfferAnswered, booking.HoldEnded, booking.EtaProposed, booking.EtaDeclined, booking.TimesheetDisputed, booking.Continued, booking.MessagePosted,
		booking.ContactLogged, booking.ReservationVoided, booking.PersonErased:
		return false
	}
	return true
}

func wanted(page eventschema.Page, concerns func(booking.Event) bool) []uuid.UUID {
	made, wanted := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	for _, r := range page {
		switch e := r.Event.(type) {
		case booking.Created:
			for _, j := range e.Jobs {
				made[j.ID] = true
			}
		case booking.JobAdded:
			made[e.Job.ID] = true
			if !made[e.From] {
				wanted[e.From] = true
			}
		case booking.Event:
			if !concerns(e) {
				continue
			}
			for _, id := range booking.Touches(e) {
				if !made[id] {
					wanted[id] = true
				}
			}
		}
	}
	return rows.Sorted(wanted)
}

// Changed are the jobs whose rows the page changed or made, in order.
func (f *Fold) Changed() []*Job {
	all := make([]*Job, 0, len(f.changed))
	for _, id := range rows.Sorted(f.changed) {
		all = append(all, f.Jobs[id])
	}
	return all
}

// Known are the interpreters who came to know a job in this page, in order.
func (f *Fold) Known() []Knows {
	all := make([]Knows, 0, len(f.known))
	for k := range f.known {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b Knows) int {
		return cmp.Or(rows.Compare(a.Interpreter, b.Interpreter), rows.Compare(a.Job, b.Job))
	})
	return all
}

// QueueKnown adds the statement that writes who came to know a job, for a read model's own table known (interpreter, job).
func (f *Fold) QueueKnown(b *pgx.Batch) {
	if known := f.Known(); len(known) > 0 {
		b.Queue(`insert into known (interpreter, job) select * from unnest($1::uuid[], $2::uuid[]) on conflict do nothing`,
			rows.Column(known, func(k Knows) uuid.UUID { return k.Interpreter }), rows.Column(known, func(k Knows) uuid.UUID { return k.Job }))
	}
}

// Apply folds one event; those that change no value of a Job leave it alone. An event about a job that is not there is the event's fault.
func (f *Fold) Apply(r eventschema.Recorded) error {
	at := At(r)
	switch e := r.Event.(type) {
	case booking.Created:
		for _, n := range e.Jobs {
			base := Job{Booking: e.Booking, Customer: e.Customer, BookedBy: r.Meta.Actor.ID}
			f.add(base, n, booking.Merge(e.Shared, n.Differs), e.Status, e.Policy, r)
		}
	case booking.JobAdded:
		from, ok := f.Jobs[e.From]
		if !ok {
			return Missing(r, e.From)
		}
		base := Job{Booking: from.Booking, Customer: from.Customer, BookedBy: from.BookedBy}
		values := booking.Details{Client: from.Client, Location: from.Location, Language: from.Language, ServiceType: from.ServiceType,
			BillTo: from.BillTo}
		f.add(base, e.Job, booking.Merge(values, e.Job.Differs), e.Status, e.Policy, r)
	case booking.Edited:
		for _, c := range e.Jobs {
			if err := f.change(r, c.Job, func(j *Job) {
				j.edit(e.Shared)
				j.edit(c.Own)
			}); err != nil {
				return err
			}
			for _, o := range c.Resent {
				f.meet(c.Job, o.Interpreter)
			}
		}
	case booking.ChangeUndone:
		for _, u := range e.Undone() {
			if err := f.change(r, u.Job, func(j *Job) { j.undo(u) }); err != nil {
				return err
			}
			for _, o := range u.Resent {
				f.meet(u.Job, o.Interpreter)
			}
		}
	case booking.OfferSent:
		for _, o := range e.Offers {
			f.meet(e.Job, o.Interpreter)
		}
	case booking.OfferMoved:
		for _, o := range e.Offers {
			f.meet(e.To, o.Interpreter)
		}
	case booking.OfferAccepted:
		f.meet(e.Job, e.Interpreter)
	case booking.Assigned:
		f.meet(e.Job, e.Interpreter)
		return f.change(r, e.Job, func(j *Job) { j.Status, j.Interpreter = domain.Assigned, e.Interpreter })
	case booking.Confirmed:
		return f.change(r, e.Job, func(j *Job) { j.Status = domain.New })
	case booking.Unassigned:
		return f.change(r, e.Job, func(j *Job) { j.Status, j.Interpreter = domain.New, uuid.Nil })
	case booking.EtaAgreed:
		return f.change(r, e.Job, func(j *Job) { j.Begin = e.ETA.Instant })
	case booking.EtaChanged:
		return f.change(r, e.Job, func(j *Job) { j.Begin = e.ETA.Instant })
	case booking.TimesheetSubmitted:
		return f.change(r, e.Job, func(j *Job) { j.Status = domain.Ongoing })
	case booking.TimesheetAccepted:
		return f.change(r, e.Job, func(j *Job) { j.complete(e.Outcome, at) })
	case booking.Closed:
		return f.change(r, e.Job, func(j *Job) { j.complete(e.Outcome, at) })
	case booking.Cancelled:
		for _, c := range e.Jobs {
			if err := f.change(r, c.Job, func(j *Job) { j.Status, j.Interpreter = domain.Cancelled, uuid.Nil }); err != nil {
				return err
			}
		}
	}
	return nil
}

// At is an event's business time as the database keeps it, so that a value made from it in memory equals one made from the stored row.
func At(r eventschema.Recorded) time.Time { return r.Meta.At.UTC().Truncate(time.Microsecond) }

func (f *Fold) add(j Job, n booking.NewJob, d booking.Details, status domain.Status, p booking.Policy, r eventschema.Recorded) {
	j.ID, j.Ref, j.Status, j.Tier = n.ID, n.Ref, status, p.ResponseTier
	j.CreatedBy, j.CreatedAt = r.Meta.Actor.ID, At(r)
	j.Client, j.Location, j.Language, j.ServiceType, j.BillTo = d.Client, d.Location, d.Language, d.ServiceType, d.BillTo
	j.Requested, j.Begin, j.Zone, j.Minutes = n.Schedule.Start.Instant, n.Schedule.Start.Instant, n.Schedule.Start.Zone, n.Schedule.Minutes
	f.Jobs[j.ID] = &j
	f.changed[j.ID] = true
}

func (f *Fold) change(r eventschema.Recorded, id uuid.UUID, change func(*Job)) error {
	j, ok := f.Jobs[id]
	if !ok {
		return Missing(r, id)
	}
	change(j)
	f.changed[id] = true
	return nil
}

func (f *Fold) meet(job, interpreter uuid.UUID) { f.known[Knows{job, interpreter}] = true }

func (j *Job) complete(o domain.Outcome, at time.Time) {
	j.Status, j.Outcome, j.CompletedAt = domain.Complete, o, at
}

// undo brings back what a change had made of a job.
func (j *Job) undo(u booking.UndoneJob) {
	j.edit(u.Back)
	j.Status, j.Begin = u.Status, j.Requested
	if u.ETA != nil {
		j.Begin = u.ETA.Instant
	}
	if u.Assigned != nil {
		j.Interpreter = u.Assigned.Interpreter
	}
}

// edit puts an edit's change over a job's values. A new start ends an agreed ETA.
func (j *Job) edit(c *booking.Change) {
	if c == nil {
		return
	}
	if s := c.Schedule; s != nil {
		if !s.Start.Instant.Equal(j.Requested) || s.Start.Zone != j.Zone {
			j.Begin = s.Start.Instant
		}
		j.Requested, j.Zone, j.Minutes = s.Start.Instant, s.Start.Zone, s.Minutes
	}
	if c.Client != nil {
		j.Client = *c.Client
	}
	if c.Location != nil {
		j.Location = *c.Location
	}
	if c.Language != nil {
		j.Language = *c.Language
	}
	if c.ServiceType != nil {
		j.ServiceType = *c.ServiceType
	}
	if c.BillTo != nil {
		j.BillTo = *c.BillTo
	}
}

// Missing is the error of an event about a job that no event made.
func Missing(r eventschema.Recorded, job uuid.UUID) error {
	return fmt.Errorf("event %d of %s names job %s, which no event made: %w", r.Revision, r.Stream, job, projections.ErrEvent)
}
