// Package jobs is the read model of the tabular view and the job's page: every job with its values, offers, assignments and hours, and every
// question about them. What a viewer may not read never leaves it.
package jobs

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
)

// Name is the read model's name.
const Name = "jobs"

//go:embed jobs.sql projector.go rows.go tally.go names.go waves.go
var sources embed.FS

//go:embed jobs.sql
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
// An erasure works on what is written, so it ends a stretch of the page.
func (Projector) Apply(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	for start, i := 0, 0; i < len(page); i++ {
		_, ok := page[i].Event.(booking.PersonErased)
		if !ok && i < len(page)-1 {
			continue
		}
		if err := stretch(ctx, tx, page[start:i+1]); err != nil {
			return err
		}
		if ok {
			if err := erase(ctx, tx, page[i]); err != nil {
				return err
			}
		}
		start = i + 1
	}
	return nil
}

func stretch(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	f := newFold()
	if err := f.load(ctx, tx, page); err != nil {
		return err
	}
	for _, e := range page {
		if err := f.event(e); err != nil {
			return err
		}
	}
	return f.write(ctx, tx)
}

// event is the one type switch of booking events; what concerns people and places is in names.go.
func (f *fold) event(r eventschema.Recorded) error {
	at := r.Meta.At
	f.at, f.revision, f.actor = at, int64(r.Revision), r.Meta.Actor.ID
	if e, ok := r.Event.(booking.Event); ok {
		f.wavesOf(r, e)
	}
	switch e := r.Event.(type) {
	case booking.Created:
		f.created(e)
	case booking.JobAdded:
		return f.jobAdded(r, e)
	case booking.Edited:
		return f.edited(r, e)
	case booking.Confirmed:
		return f.touch(r, e.Job, func(j *job) { j.status = string(domain.New) })
	case booking.Taken:
		return f.touch(r, e.Job, func(j *job) { j.takenBy = e.By })
	case booking.Released:
		return f.touch(r, e.Job, func(j *job) { j.takenBy = uuid.Nil })
	case booking.OfferSent:
		return f.touch(r, e.Job, func(j *job) {
			for _, o := range e.Offers {
				f.send(j, o)
			}
		})
	case booking.WaveSent:
		return f.touchAll(r, e.Jobs)
	case booking.JobFlagged:
		return f.touchAll(r, e.Jobs)
	case booking.OfferMoved:
		return f.moved(r, e)
	case booking.OfferRevoked:
		return f.touch(r, e.Job, func(j *job) { f.endOffer(j, e.Interpreter, "revoked") })
	case booking.OfferAccepted:
		return f.touch(r, e.Job, func(j *job) { f.accept(j, e) })
	case booking.OfferDeclined:
		return f.touch(r, e.Job, func(j *job) { f.decline(j, e) })
	case booking.OfferLapsed:
		return f.touch(r, e.Job, func(j *job) { f.endOffer(j, e.Interpreter, "lapsed") })
	case booking.HoldEnded:
		return f.touch(r, e.Job, func(j *job) { f.endOffer(j, e.Interpreter, "assigned-elsewhere") })
	case booking.CounterOfferMade:
		return f.touch(r, e.Job, func(j *job) {
			f.changeOffer(j, e.Interpreter, offerChange{counter: made(e, f.at)})
			j.countered = append(without(j.countered, e.Interpreter), e.Interpreter)
		})
	case booking.CounterOfferAnswered:
		return f.touch(r, e.Job, func(j *job) { f.answered(j, e) })
	case booking.Assigned:
		return f.touch(r, e.Job, func(j *job) { f.assign(j, e) })
	case booking.Unassigned:
		return f.touch(r, e.Job, func(j *job) {
			j.status = string(domain.New)
			f.endOffers(j, "")
			f.endAssignment(j, "unassigned", e.Reason.Reveal())
		})
	case booking.EtaProposed:
		return f.touch(r, e.Job, func(j *job) { j.proposed = e.ETA.Instant })
	case booking.EtaAgreed:
		return f.touch(r, e.Job, func(j *job) { j.expect(e.ETA) })
	case booking.EtaDeclined:
		return f.touch(r, e.Job, func(j *job) { j.proposed = time.Time{} })
	case booking.EtaChanged:
		return f.touch(r, e.Job, func(j *job) { j.expect(e.ETA) })
	case booking.TimesheetSubmitted:
		return f.touch(r, e.Job, func(j *job) { f.submit(j, e) })
	case booking.TimesheetAccepted:
		return f.touch(r, e.Job, func(j *job) {
			f.changeSheet(j, sheetChange{state: "accepted"})
			f.complete(j, e.Outcome)
		})
	case booking.TimesheetDisputed:
		return f.touch(r, e.Job, func(j *job) {
			j.sheetDisputed = true
			f.changeSheet(j, sheetChange{state: "disputed", reason: e.Reason.Reveal(), blocks: blocksJSON(e.Blocks)})
		})
	case booking.Closed:
		return f.touch(r, e.Job, func(j *job) { f.close(j, e) })
	case booking.Cancelled:
		return f.cancelled(r, e)
	case booking.ChangeUndone:
		return f.undone(r, e)
	case booking.Continued:
		return f.touch(r, e.Job, func(j *job) { j.continued = e.In })
	case booking.MessagePosted:
		return f.touch(r, e.Job, func(*job) {})
	case booking.ContactLogged:
		return f.touch(r, e.Job, func(*job) {})
	case booking.ReservationVoided:
		return f.touch(r, e.Job, func(*job) {})
	case booking.PersonErased:
		// it ends the stretch, see Apply
	case booking.Event:
		return fmt.Errorf("no rows for %T: %w", e, projections.ErrEvent)
	default:
		f.names(r.Event, r.Meta.At)
	}
	return nil
}

// touch changes one job, whose revision becomes the event's number.
func (f *fold) touch(r eventschema.Recorded, id uuid.UUID, change func(*job)) error {
	j, ok := f.jobs[id]
	if !ok {
		return fmt.Errorf("revision %d of %s names a job that no event made: %w", r.Revision, r.Stream, projections.ErrEvent)
	}
	change(j)
	j.revision, j.changedAt = f.revision, f.at
	if !j.fresh {
		f.changed[id] = true
	}
	return nil
}

// touchAll moves the revision of jobs of which nothing else changes.
func (f *fold) touchAll(r eventschema.Recorded, ids []uuid.UUID) error {
	for _, id := range ids {
		if err := f.touch(r, id, func(*job) {}); err != nil {
			return err
		}
	}
	return nil
}

// moved lets a team's offers stand for another place.
func (f *fold) moved(r eventschema.Recorded, e booking.OfferMoved) error {
	err := f.touch(r, e.Job, func(j *job) {
		for _, o := range e.Offers {
			f.endOffer(j, o.Interpreter, "moved")
		}
	})
	if err != nil {
		return err
	}
	return f.touch(r, e.To, func(j *job) {
		for _, o := range e.Offers {
			f.send(j, o)
		}
	})
}

func (f *fold) created(e booking.Created) {
	for _, n := range e.Jobs {
		j := &job{booking: e.Booking, bookingRef: e.Ref, customer: e.Customer, form: e.Form, formVersion: e.FormVersion, bookedBy: f.actor}
		f.add(j, n, e.Status, booking.Merge(e.Shared, n.Differs), e.Policy)
	}
}

func (f *fold) jobAdded(r eventschema.Recorded, e booking.JobAdded) error {
	from, ok := f.jobs[e.From]
	d := f.details[e.From]
	if !ok || d == nil {
		return fmt.Errorf("revision %d of %s makes a job from one that no event made: %w", r.Revision, r.Stream, projections.ErrEvent)
	}
	j := &job{booking: from.booking, bookingRef: from.bookingRef, customer: from.customer, form: from.form, formVersion: from.formVersion,
		madeFrom: e.From, madeWhy: e.Why, bookedBy: from.bookedBy}
	f.add(j, e.Job, e.Status, booking.Merge(d.of(from), e.Job.Differs), e.Policy)
	return nil
}

// add puts a new job beside the others.
func (f *fold) add(j *job, n booking.NewJob, status domain.Status, values booking.Details, p booking.Policy) {
	j.id, j.ref, j.status, j.revision, j.fresh = n.ID, n.Ref, string(status), f.revision, true
	j.createdBy, j.createdAt, j.changedAt = f.actor, f.at, f.at
	j.schedule(n.Schedule)
	d := &details{job: n.ID, policy: p, fresh: true}
	d.set(j, values)
	f.jobs[n.ID], f.details[n.ID] = j, d
}

func (f *fold) edited(r eventschema.Recorded, e booking.Edited) error {
	for _, c := range e.Jobs {
		d := f.details[c.Job]
		err := f.touch(r, c.Job, func(j *job) {
			if d != nil {
				d.apply(j, e.Shared)
				d.apply(j, c.Own)
			}
			for _, o := range c.Revoked {
				f.endOffer(j, o.Interpreter, "revoked")
			}
			for _, o := range c.Resent {
				f.send(j, o)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *fold) cancelled(r eventschema.Recorded, e booking.Cancelled) error {
	for _, c := range e.Jobs {
		err := f.touch(r, c.Job, func(j *job) {
			j.status, j.endedAt, j.proposed = string(domain.Cancelled), f.at, time.Time{}
			f.endOffers(j, "cancelled")
			f.endAssignment(j, "cancelled", "")
			f.endings = append(f.endings, ending{job: j.id, kind: "cancelled", at: f.at, by: f.actor, reason: e.Reason,
				authorisedBy: e.AuthorisedBy.Reveal(), details: e.Details.Reveal()})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// undone brings back what an edit or a cancellation had changed. How a job had ended is gone: it has not. Its notes and its history keep it.
func (f *fold) undone(r eventschema.Recorded, e booking.ChangeUndone) error {
	for _, u := range e.Undone() {
		d := f.details[u.Job]
		err := f.touch(r, u.Job, func(j *job) {
			if d != nil {
				d.apply(j, u.Back)
			}
			j.eta, j.proposed = instantOf(u.ETA), instantOf(u.Proposed)
			j.window()
			if u.From == domain.Cancelled {
				j.endedAt = time.Time{}
				f.endings = slices.DeleteFunc(f.endings, func(made ending) bool { return made.job == j.id })
				f.unended[j.id] = true
			}
			j.status = string(u.Status)
			if u.Assigned != nil {
				f.give(j, *u.Assigned, u.Unchecked)
			}
			for _, o := range u.Revoked {
				f.endOffer(j, o.Interpreter, "revoked")
			}
			for _, o := range u.Resent {
				f.send(j, o)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// send records a fresh offer; one that still stands for the same interpreter has expired and gives way.
func (f *fold) send(j *job, o booking.Offer) {
	if slices.Contains(j.offered, o.Interpreter) {
		f.endOffer(j, o.Interpreter, "lapsed")
	}
	row := &offer{
		job: j.id, revision: f.revision, interpreter: o.Interpreter, lin: o.LIN, state: "open", sentAt: f.at, since: f.at, language: o.Language,
		startsAt: o.Schedule.Start.Instant, zone: o.Schedule.Start.Zone, minutes: o.Schedule.Minutes,
		fee: o.Fee.Minor, currency: o.Fee.Currency, termsVersion: o.TermsVersion,
		expiresAt: timeOf(o.ExpiresAt), suggestedAt: instantOf(o.ProposedStart),
	}
	row.overrideReason, row.overrideRules = override(o.Override)
	f.stand(j, row)
	f.met(j, o.Interpreter)
}

// unasked records an answer that no offer asked for (D-18).
func (f *fold) unasked(j *job, o booking.Offered) {
	if slices.Contains(j.offered, o.Interpreter) {
		f.endOffer(j, o.Interpreter, "lapsed")
	}
	f.stand(j, &offer{
		job: j.id, revision: f.revision, interpreter: o.Interpreter, lin: o.LIN, state: "open", sentAt: f.at, since: f.at, language: j.language,
		startsAt: j.startsAt, zone: j.zone, minutes: j.minutes, unasked: true,
	})
}

func (f *fold) stand(j *job, o *offer) {
	f.offers = append(f.offers, o)
	f.standing[pair{j.id, o.interpreter}] = o
	j.offered = append(slices.Clip(j.offered), o.interpreter)
}

func (f *fold) accept(j *job, e booking.OfferAccepted) {
	if e.WithoutOffer {
		f.unasked(j, e.Offered)
		f.met(j, e.Interpreter)
	}
	f.changeOffer(j, e.Interpreter, offerChange{state: "accepted", since: f.at, proposedAt: instantOf(e.ProposedStart), reason: e.Reason.Reveal()})
	j.holder, j.countered = e.Interpreter, without(j.countered, e.Interpreter)
}

func (f *fold) decline(j *job, e booking.OfferDeclined) {
	if e.WithoutOffer {
		f.unasked(j, e.Offered)
	}
	f.changeOffer(j, e.Interpreter, offerChange{state: "declined", since: f.at, reason: e.Reason.Reveal()})
	f.gone(j, e.Interpreter)
}

// answered is staff's answer to a counter-offer; yes is an acceptance at what it names.
func (f *fold) answered(j *job, e booking.CounterOfferAnswered) {
	c := offerChange{counter: counter{"state": "declined"}}
	if e.Accepted {
		c = offerChange{state: "accepted", since: f.at, proposedAt: instantOf(e.ProposedStart), counter: counter{"state": "accepted"}}
		if e.Fee != nil {
			c.fee = e.Fee.Minor
		}
		j.holder = e.Interpreter
	}
	f.changeOffer(j, e.Interpreter, c)
	j.countered = without(j.countered, e.Interpreter)
}

// endOffer ends an interpreter's open or accepted offer, for a reason if it is none that says all.
func (f *fold) endOffer(j *job, interpreter uuid.UUID, state string) {
	c := offerChange{state: state, since: f.at}
	switch state {
	case "assigned-to-another", "assigned-elsewhere", "moved", "cancelled", "closed", "":
		c.state, c.endedWhy = "ended", state
	}
	f.changeOffer(j, interpreter, c)
	f.gone(j, interpreter)
}

// endOffers ends whatever is open or accepted.
func (f *fold) endOffers(j *job, why string) {
	for len(j.offered) > 0 {
		f.endOffer(j, j.offered[0], why)
	}
}

// without is a fresh list without one of its ids.
func without(ids []uuid.UUID, id uuid.UUID) []uuid.UUID {
	return slices.DeleteFunc(slices.Clone(ids), func(other uuid.UUID) bool { return other == id })
}

// gone takes an interpreter from those whose offer stands; whoever held the job holds it no more.
func (f *fold) gone(j *job, interpreter uuid.UUID) {
	delete(f.standing, pair{j.id, interpreter})
	j.offered, j.countered = without(j.offered, interpreter), without(j.countered, interpreter)
	if j.holder == interpreter {
		j.holder = uuid.Nil
	}
}

// changeOffer changes the offer that stands for an interpreter: one of this page, or the stored one.
func (f *fold) changeOffer(j *job, interpreter uuid.UUID, c offerChange) {
	if !slices.Contains(j.offered, interpreter) {
		return // nothing stands: how an ended offer ended is not rewritten
	}
	key := pair{j.id, interpreter}
	if o, ok := f.standing[key]; ok {
		if c.state != "" {
			o.state, o.since, o.endedWhy = c.state, c.since, c.endedWhy
		}
		if c.fee != 0 {
			o.fee = c.fee
		}
		o.counter = o.counter.with(c.counter)
		if c.reason != "" {
			o.reason = c.reason
		}
		if !c.proposedAt.IsZero() {
			o.proposedAt = c.proposedAt
		}
		return
	}
	if before, ok := f.offerChanges[key]; ok {
		if c.state == "" {
			c.state, c.since, c.endedWhy = before.state, before.since, before.endedWhy
		}
		if c.fee == 0 {
			c.fee = before.fee
		}
		c.counter = before.counter.with(c.counter)
		if c.reason == "" {
			c.reason = before.reason
		}
		if c.proposedAt.IsZero() {
			c.proposedAt = before.proposedAt
		}
	}
	f.offerChanges[key] = c
}

// met remembers who held an offer or the assignment.
func (f *fold) met(j *job, interpreter uuid.UUID) { f.parties[pair{j.id, interpreter}] = true }

func (f *fold) assign(j *job, e booking.Assigned) {
	j.status = string(domain.Assigned)
	if slices.Contains(j.offered, e.Interpreter) {
		f.endOffer(j, e.Interpreter, "assigned")
	}
	f.endOffers(j, "assigned-to-another")
	row := f.give(j, e.Offered, e.Unchecked)
	row.overrideReason, row.overrideRules = override(e.Override)
}

// give records that the job is an interpreter's from now on.
func (f *fold) give(j *job, to booking.Offered, unchecked bool) *assignment {
	j.interpreter, j.lin = to.Interpreter, to.LIN
	f.met(j, to.Interpreter)
	row := &assignment{job: j.id, revision: f.revision, interpreter: to.Interpreter, lin: to.LIN, at: f.at, unchecked: unchecked}
	f.assignments = append(f.assignments, row)
	f.holding[j.id] = row
	return row
}

// endAssignment ends the assignment of a job that has one: one of this page, or the stored one.
func (f *fold) endAssignment(j *job, why, reason string) {
	if j.interpreter == uuid.Nil {
		return
	}
	j.interpreter, j.lin = uuid.Nil, ""
	last := lastWindow{f.revision, j.startsAt, j.endsAt}
	if row, ok := f.holding[j.id]; ok {
		row.endedAt, row.endedWhy, row.reason, row.last = f.at, why, reason, last
		delete(f.holding, j.id)
		return
	}
	f.assignmentEnds = append(f.assignmentEnds, assignmentEnd{job: j.id, at: f.at, why: why, reason: reason, last: last})
}

func (f *fold) submit(j *job, e booking.TimesheetSubmitted) {
	j.status = string(domain.Ongoing)
	j.sheetSide, j.sheetDisputed, j.sheetRevision = string(e.Side), false, f.revision
	f.addSheet(&sheet{job: j.id, revision: f.revision, side: string(e.Side), state: "submitted", at: f.at, since: f.at, worked: e.Worked,
		blocks: blocksJSON(e.Blocks), incidentals: incidentalsJSON(e.Incidentals), documents: e.Documents, disputeBlocks: "[]"})
}

func (f *fold) close(j *job, e booking.Closed) {
	f.changeSheet(j, sheetChange{state: "settled"})
	row := ending{job: j.id, kind: "closed", at: f.at, by: f.actor, reason: e.ReasonCode, details: e.Reason.Reveal(), worked: e.Worked,
		startAt: instantOf(e.Start), endAt: instantOf(e.End)}
	f.endings = append(f.endings, row)
	if e.Start != nil && e.End != nil || len(e.Incidentals) > 0 || len(e.Documents) > 0 {
		blocks := "[]"
		if e.Start != nil && e.End != nil {
			blocks = blocksJSON([]booking.Block{{Start: *e.Start, End: *e.End}})
		}
		f.addSheet(&sheet{job: j.id, revision: f.revision, state: "accepted", at: f.at, since: f.at, worked: e.Worked,
			blocks: blocks, incidentals: incidentalsJSON(e.Incidentals), documents: e.Documents, disputeBlocks: "[]"})
	}
	f.complete(j, e.Outcome)
}

func (f *fold) complete(j *job, o domain.Outcome) {
	j.status, j.outcome, j.endedAt, j.proposed = string(domain.Complete), string(o), f.at, time.Time{}
	f.endOffers(j, "closed")
}

func (f *fold) addSheet(s *sheet) {
	f.sheets = append(f.sheets, s)
	f.sheetOf[sheetKey{s.job, s.revision}] = s
}

// changeSheet changes how the hours entered last stand.
func (f *fold) changeSheet(j *job, c sheetChange) {
	if j.sheetRevision == 0 {
		return
	}
	c.job, c.revision, c.since = j.id, j.sheetRevision, f.at
	key := sheetKey{j.id, j.sheetRevision}
	if s, ok := f.sheetOf[key]; ok {
		s.state, s.since = c.state, c.since
		if c.state == "disputed" {
			s.disputeReason, s.disputeBlocks = c.reason, c.blocks
		}
		return
	}
	if before, ok := f.sheetChanges[key]; ok && c.state != "disputed" {
		c.reason, c.blocks = before.reason, before.blocks
	}
	f.sheetChanges[key] = c
}

func override(o *booking.Override) (reason string, rules []string) {
	if o == nil {
		return "", nil
	}
	return o.Reason.Reveal(), o.Rules
}

func instantOf(m *domain.Moment) time.Time {
	if m == nil {
		return time.Time{}
	}
	return m.Instant
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
