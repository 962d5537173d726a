package booking

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// Fact is what stands beside an event in its stream: its number, the business time and who did it.
type Fact struct {
	Revision uint64
	At       time.Time
	Actor    domain.Actor
}

// Fold is the state after all of these events, the first of which has the number 0. It is for tests and tools that hold a whole stream;
// a reader of the log calls Evolve event by event.
func Fold(events []Event, at func(i int) Fact) State {
	var s State
	for i, e := range events {
		s = Evolve(s, e, at(i))
	}
	return s
}

// Evolve returns the state after e. It never refuses: e has already happened. It writes into nothing that s can see: what changes is
// copied first, what does not change may be shared, because nobody ever writes into a State.
func Evolve(s State, e Event, at Fact) State {
	before := s
	s = evolve(s, e, at)
	s.waves(e, at)
	s.Undoable = undoable(before, e, at)
	return s
}

func evolve(s State, e Event, at Fact) State {
	s.Revision = at.Revision
	switch e := e.(type) {
	case Created:
		s.ID, s.Ref, s.Key, s.Customer = e.Booking, e.Ref, e.Key, e.Customer
		s.Form, s.FormVersion = e.Form, e.FormVersion
		s.CreatedBy, s.CreatedAt = at.Actor.ID, at.At
		s.Jobs = make([]Job, len(e.Jobs))
		for i, n := range e.Jobs {
			s.Jobs[i] = newJob(n, e.Shared, e.Status, e.Policy, at)
		}
	case JobAdded:
		from, _ := s.Job(e.From)
		j := newJob(e.Job, from.Details, e.Status, e.Policy, at)
		j.From = e.From
		s.Jobs = slices.Concat(s.Jobs, []Job{j})
	case Edited:
		s.Jobs = slices.Clone(s.Jobs)
		for _, c := range e.Jobs {
			s.with(c.Job, at, func(j *Job) {
				j.apply(e.Shared)
				j.apply(c.Own)
				if c.Reservation != uuid.Nil && j.Assignment != nil {
					j.reserved(c.Reservation, at)
				}
				for _, o := range c.Revoked {
					j.offer(o.Interpreter, Revoked)
				}
				for _, o := range c.Resent {
					j.sent(o, at)
				}
			})
		}
	case Confirmed:
		s.touch(e.Job, at, func(j *Job) { j.Status = domain.New })
	case Taken:
		s.touch(e.Job, at, func(j *Job) { j.TakenBy = e.By })
	case Released:
		s.touch(e.Job, at, func(j *Job) { j.TakenBy = uuid.Nil })
	case OfferSent:
		s.touch(e.Job, at, func(j *Job) {
			for _, o := range e.Offers {
				j.sent(o, at)
			}
		})
	case WaveSent:
		s.Jobs = slices.Clone(s.Jobs)
		for _, id := range e.Jobs {
			s.with(id, at, func(*Job) {}) // see waves
		}
	case JobFlagged:
		s.Jobs = slices.Clone(s.Jobs)
		for _, id := range e.Jobs {
			s.with(id, at, func(j *Job) { j.flag(e, at.At) })
		}
	case OfferMoved:
		s.Jobs = slices.Clone(s.Jobs)
		s.with(e.Job, at, func(j *Job) {
			for _, o := range e.Offers {
				j.offer(o.Interpreter, Ended)
			}
		})
		s.with(e.To, at, func(j *Job) {
			for _, o := range e.Offers {
				j.sent(o, at)
			}
		})
	case OfferRevoked:
		s.touch(e.Job, at, func(j *Job) {
			j.offer(e.Interpreter, Revoked)
			j.notAgain(e.Interpreter)
		})
	case OfferAccepted:
		s.touch(e.Job, at, func(j *Job) { j.accepted(e, at) })
	case OfferDeclined:
		s.touch(e.Job, at, func(j *Job) {
			if e.WithoutOffer {
				j.record(e.Offered, Declined, at)
			}
			j.offer(e.Interpreter, Declined)
			j.notAgain(e.Interpreter)
		})
	case OfferLapsed:
		s.touch(e.Job, at, func(j *Job) {
			j.offer(e.Interpreter, Lapsed)
			j.notAgain(e.Interpreter)
		})
	case CounterOfferMade:
		s.touch(e.Job, at, func(j *Job) {
			j.changeOffer(e.Interpreter, func(o *Offering) {
				o.Counter = &Counter{ProposedStart: e.ProposedStart, Fee: e.Fee, Reason: e.Reason, At: at.At}
				o.CounterAnswer = ""
			})
		})
	case CounterOfferAnswered:
		s.touch(e.Job, at, func(j *Job) { j.answered(e) })
	case HoldEnded:
		s.touch(e.Job, at, func(j *Job) { j.offer(e.Interpreter, Ended) })
	case Assigned:
		s.touch(e.Job, at, func(j *Job) {
			j.Status = domain.Assigned
			j.Assignment = &Assignment{Offered: e.Offered, Reservation: e.Reservation, Unchecked: e.Unchecked, At: at.At, Trace: e.Trace}
			j.endOffers()
			j.met(e.Interpreter)
			j.Flags = nil
		})
	case Unassigned:
		s.touch(e.Job, at, func(j *Job) {
			j.Status, j.Assignment = domain.New, nil
			j.endOffers()
			j.notAgain(e.Interpreter)
		})
	case EtaProposed:
		s.touch(e.Job, at, func(j *Job) { j.Proposed = &e.ETA })
	case EtaAgreed:
		s.touch(e.Job, at, func(j *Job) { j.expect(e.ETA, e.Reservation, at) })
	case EtaDeclined:
		s.touch(e.Job, at, func(j *Job) { j.Proposed = nil })
	case EtaChanged:
		s.touch(e.Job, at, func(j *Job) { j.expect(e.ETA, e.Reservation, at) })
	case TimesheetSubmitted:
		s.touch(e.Job, at, func(j *Job) {
			j.Status = domain.Ongoing
			j.Timesheet = &Timesheet{Side: e.Side, Blocks: e.Blocks, Incidentals: e.Incidentals, Documents: e.Documents, Worked: e.Worked}
		})
	case TimesheetAccepted:
		s.touch(e.Job, at, func(j *Job) { j.complete(e.Outcome) })
	case TimesheetDisputed:
		s.touch(e.Job, at, func(j *Job) {
			if j.Timesheet != nil {
				t := *j.Timesheet
				t.Disputed = true
				j.Timesheet = &t
			}
		})
	case Closed:
		s.touch(e.Job, at, func(j *Job) { j.complete(e.Outcome) })
	case Cancelled:
		s.Jobs = slices.Clone(s.Jobs)
		for _, c := range e.Jobs {
			s.with(c.Job, at, func(j *Job) {
				j.Status, j.Assignment, j.Proposed, j.Flags = domain.Cancelled, nil, nil, nil
				j.endOffers()
			})
		}
	case ChangeUndone:
		s.Jobs = slices.Clone(s.Jobs)
		for _, u := range e.Undone() {
			s.with(u.Job, at, func(j *Job) { j.undone(u, at) })
		}
	case Continued:
		s.touch(e.Job, at, func(j *Job) { j.Continued = e.In })
	case MessagePosted:
		s.touch(e.Job, at, func(j *Job) { j.LastMessage = e.ID })
	case ContactLogged:
		s.touch(e.Job, at, func(j *Job) { j.LastContact = e.ID })
	case ReservationVoided:
		s.Voided = slices.Concat(s.Voided, []uuid.UUID{e.Reservation})
		s.touch(e.Job, at, func(*Job) {})
	case PersonErased:
		s.Erased = true
		s.Jobs = slices.Clone(s.Jobs)
		for i := range s.Jobs {
			s.Jobs[i].erase()
			s.Jobs[i].Revision = at.Revision
		}
	default:
		panic(fmt.Sprintf("booking.Evolve: no case for %T", e)) // our bug, not bad data
	}
	return s
}

// touch changes one job in a fresh list of jobs.
func (s *State) touch(id uuid.UUID, at Fact, change func(*Job)) {
	s.Jobs = slices.Clone(s.Jobs)
	s.with(id, at, change)
}

// with changes one job in a list that is already fresh.
func (s *State) with(id uuid.UUID, at Fact, change func(*Job)) {
	for i := range s.Jobs {
		if s.Jobs[i].ID == id {
			change(&s.Jobs[i])
			s.Jobs[i].Revision = at.Revision
			return
		}
	}
	panic(fmt.Sprintf("booking.Evolve: event %d names job %s, which the booking does not have", at.Revision, id))
}

func newJob(n NewJob, base Details, status domain.Status, p Policy, at Fact) Job {
	return Job{
		ID: n.ID, Ref: n.Ref, Status: status, Revision: at.Revision, CreatedAt: at.At,
		Details: Merge(base, n.Differs), Schedule: n.Schedule, Policy: p,
	}
}

// Merge puts a job's own values over a base: what is set in own wins, a field whose own value is empty is cleared, and so is what own goes
// without.
func Merge(base Details, own *Details) Details {
	if own == nil {
		return base
	}
	d := base
	for _, key := range own.Without {
		switch key {
		case withoutClient:
			d.Client = uuid.Nil
		case withoutLocation:
			d.Location, d.Address = uuid.Nil, nil
		case withoutBillTo:
			d.BillTo = ""
		case withoutAlternatives:
			d.AlternativeLanguages = nil
		}
	}
	if own.Client != uuid.Nil {
		d.Client = own.Client
	}
	if own.Location != uuid.Nil {
		d.Location = own.Location
	}
	if own.Address != nil {
		d.Address = own.Address
		d.Location = own.Location
	}
	if own.BillTo != "" {
		d.BillTo = own.BillTo
	}
	if own.Language != "" {
		d.Language, d.LanguageTier = own.Language, own.LanguageTier
	}
	if own.AlternativeLanguages != nil {
		d.AlternativeLanguages = own.AlternativeLanguages
	}
	if own.ServiceType != "" {
		d.ServiceType = own.ServiceType
	}
	d.Fields = withFields(d.Fields, own.Fields)
	return d
}

// withFields is a copy of base with changes put over it; an empty value clears its field.
func withFields(base, changes map[string]domain.Value) map[string]domain.Value {
	if len(changes) == 0 {
		return base
	}
	fields := make(map[string]domain.Value, len(base)+len(changes))
	maps.Copy(fields, base)
	for k, v := range changes {
		if empty(v) {
			delete(fields, k)
		} else {
			fields[k] = v
		}
	}
	return fields
}

func empty(v domain.Value) bool { return len(v.Items) == 0 && !v.NotApplicable }

// apply puts an edit's change over a job's values. A new start ends an agreed or proposed ETA: the customer's wish is newer.
func (j *Job) apply(c *Change) {
	if c == nil {
		return
	}
	if c.Schedule != nil {
		if !c.Schedule.Start.Equal(j.Schedule.Start) {
			j.ETA, j.Proposed = nil, nil
		}
		j.Schedule = *c.Schedule
	}
	if c.Client != nil {
		j.Details.Client = *c.Client
	}
	if c.Location != nil {
		j.Details.Location = *c.Location
	}
	if c.Address != nil {
		j.Details.Address = c.Address
	}
	if c.BillTo != nil {
		j.Details.BillTo = *c.BillTo
	}
	if c.Language != nil {
		j.Details.Language = *c.Language
	}
	if c.LanguageTier != nil {
		j.Details.LanguageTier = *c.LanguageTier
	}
	if c.AlternativeLanguages != nil {
		j.Details.AlternativeLanguages = *c.AlternativeLanguages
	}
	if c.ServiceType != nil {
		j.Details.ServiceType = *c.ServiceType
	}
	j.Details.Fields = withFields(j.Details.Fields, c.Fields)
}

// sent records a fresh offer; an older one to the same interpreter gives way.
func (j *Job) sent(o Offer, at Fact) {
	j.replaceOffer(Offering{Offer: o, State: Open, SentAt: at.At})
	j.met(o.Interpreter)
}

// record notes an answer that no offer asked for (D-18).
func (j *Job) record(o Offered, state OfferState, at Fact) {
	j.replaceOffer(Offering{
		Offer: Offer{Interpreter: o.Interpreter, LIN: o.LIN, Language: j.Details.Language, Schedule: j.Schedule},
		State: state, SentAt: at.At,
	})
}

func (j *Job) replaceOffer(o Offering) {
	offers := make([]Offering, 0, len(j.Offers)+1)
	for _, old := range j.Offers {
		if old.Interpreter != o.Interpreter {
			offers = append(offers, old)
		}
	}
	j.Offers = append(offers, o)
}

func (j *Job) accepted(e OfferAccepted, at Fact) {
	if e.WithoutOffer {
		j.record(e.Offered, Accepted, at)
		j.met(e.Interpreter)
	}
	j.changeOffer(e.Interpreter, func(o *Offering) {
		o.State, o.ProposedStart, o.Counter = Accepted, e.ProposedStart, nil
	})
	j.Holder = e.Interpreter
}

// answered is staff's answer to a counter-offer; yes is an acceptance at what it names.
func (j *Job) answered(e CounterOfferAnswered) {
	j.changeOffer(e.Interpreter, func(o *Offering) {
		o.Counter, o.CounterAnswer = nil, Declined
		if e.Accepted {
			o.State, o.CounterAnswer, o.ProposedStart = Accepted, Accepted, e.ProposedStart
			if e.Fee != nil {
				o.Fee = *e.Fee
			}
		}
	})
	if e.Accepted {
		j.Holder = e.Interpreter
	}
}

// changeOffer changes an interpreter's offer in a fresh list of them.
func (j *Job) changeOffer(interpreter uuid.UUID, change func(*Offering)) {
	j.Offers = slices.Clone(j.Offers)
	for i := range j.Offers {
		if j.Offers[i].Interpreter == interpreter {
			change(&j.Offers[i])
		}
	}
}

// offer sets how an interpreter's offer stands; whatever it is now, it does not hold the job.
func (j *Job) offer(interpreter uuid.UUID, state OfferState) {
	j.changeOffer(interpreter, func(o *Offering) { o.State, o.Counter = state, nil })
	if j.Holder == interpreter {
		j.Holder = uuid.Nil
	}
}

// endOffers closes whatever is open or accepted, and with it the hold.
func (j *Job) endOffers() {
	j.Offers = slices.Clone(j.Offers)
	for i := range j.Offers {
		if j.Offers[i].State == Open || j.Offers[i].State == Accepted {
			j.Offers[i].State, j.Offers[i].Counter = Ended, nil
		}
	}
	j.Holder = uuid.Nil
}

// met remembers an interpreter who held an offer or the assignment.
func (j *Job) met(interpreter uuid.UUID) {
	if !slices.Contains(j.Ever, interpreter) {
		j.Ever = slices.Concat(j.Ever, []uuid.UUID{interpreter})
	}
}

// reserved notes the diary reservation that holds the job's new window. One that was over already was recorded unchecked.
func (j *Job) reserved(reservation uuid.UUID, at Fact) {
	a := *j.Assignment
	a.Reservation, a.Unchecked = reservation, over(*j, at.At)
	j.Assignment = &a
}

func (j *Job) expect(eta domain.Moment, reservation uuid.UUID, at Fact) {
	j.ETA, j.Proposed = &eta, nil
	if reservation != uuid.Nil && j.Assignment != nil {
		j.reserved(reservation, at)
	}
}

func (j *Job) complete(o domain.Outcome) {
	j.Status, j.Outcome = domain.Complete, o
	j.Proposed, j.Flags = nil, nil
	j.endOffers()
}

// erase leaves of every personal value what a reader without the key reads, so that a fold from before the erasure and one from after it
// are the same state. No later event brings new ones: the deciders refuse free text on an erased booking.
func (j *Job) erase() {
	if a := j.Details.Address; a != nil {
		j.Details.Address = &Address{Line1: domain.Erased, Line2: gone(a.Line2), Town: a.Town, Postcode: domain.Erased, Outward: a.Outward}
	}
	fields := make(map[string]domain.Value, len(j.Details.Fields))
	for k, v := range j.Details.Fields {
		if v.Personal {
			items := make([]string, len(v.Items))
			for i := range items {
				items[i] = domain.Erased
			}
			v.Items = items
		}
		fields[k] = v
	}
	if j.Details.Fields != nil {
		j.Details.Fields = fields
	}
	j.Offers = slices.Clone(j.Offers)
	for i := range j.Offers {
		if o := j.Offers[i].Override; o != nil {
			j.Offers[i].Override = &Override{Reason: domain.Erased, Rules: o.Rules}
		}
		if c := j.Offers[i].Counter; c != nil {
			counter := *c
			counter.Reason = gone(counter.Reason)
			j.Offers[i].Counter = &counter
		}
	}
	if j.Timesheet != nil {
		t := *j.Timesheet
		t.Incidentals = slices.Clone(t.Incidentals)
		for i := range t.Incidentals {
			t.Incidentals[i].Note = gone(t.Incidentals[i].Note)
		}
		j.Timesheet = &t
	}
}

// gone is what is left of an optional personal text.
func gone(p domain.Personal) domain.Personal {
	if p == "" {
		return ""
	}
	return domain.Erased
}
