package booking

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
)

// The names of the commands about offers.
func (SendOffer) Name() string    { return "send-offer" }
func (RevokeOffer) Name() string  { return "revoke-offer" }
func (AcceptOffer) Name() string  { return "accept-offer" }
func (DeclineOffer) Name() string { return "decline-offer" }
func (LapseOffer) Name() string   { return "lapse-offer" }
func (EndHold) Name() string      { return "end-hold" }

// Decide offers the job to one or several interpreters at once (LL-90). The offer keeps what it showed: language, time, fee, terms.
//
//	given  new, its time ahead
//	when   SendOffer{Ana, Ben}
//	then   OfferSent{Ana, Ben}
//	again  nothing: who holds an open or accepted offer is left out
//	error  wrong-status; suspended, precluded, not-qualified, unavailable without an override reason (LL-39)
func (c SendOffer) Decide(s State, env Env) (Decision, error) {
	j, err := begin(s, c.Job, c, env)
	if err != nil {
		return Decision{}, err
	}
	var f faults
	if len(c.Interpreters) == 0 {
		f.add("body.interpreters", "Name at least one interpreter.")
	}
	override := f.text("body.override", c.Override, false)
	expires := c.ExpiresAt
	if expires != nil {
		_, err := domain.MomentAt(*expires, j.Schedule.Start.Zone)
		switch {
		case !expires.After(env.Now):
			f.add("body.expiresAt", "This time has passed.")
		case err != nil:
			f.add("body.expiresAt", "Enter a time such as 2026-12-01T10:00:00Z.")
		}
	}
	proposed := f.proposed(c.ProposedStart, j.Begin(), j, env)
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	if err := s.keyless(override); err != nil {
		return Decision{}, err
	}
	e := OfferSent{Key: s.Key, Job: j.ID, Search: c.Search}
	offered := j // as it would be done
	if proposed != nil {
		offered.ETA = proposed
	}
	var no refusals
	for i, id := range c.Interpreters {
		if o, ok := j.Offering(id); ok && o.alive(env.Now) || slices.ContainsFunc(e.Offers, func(o Offer) bool { return o.Interpreter == id }) {
			continue
		}
		went, trace, err := qualify(offered, id, override, env)
		if err != nil {
			no.add(fmt.Sprintf("body.interpreters[%d]", i), err)
			continue
		}
		o := newOffer(j, Offered{Interpreter: id, LIN: env.Candidates[id].LIN}, expires, env)
		o.ProposedStart, o.Override, o.Trace = proposed, went, trace
		e.Offers = append(e.Offers, o)
	}
	if err := no.refusal(); err != nil || len(e.Offers) == 0 {
		return Decision{}, err
	}
	return decide(e), nil
}

func (c SendOffer) allowed(_ State, j Job, env Env) error {
	if err := standing(j, "offers are sent while it is new.", domain.New); err != nil {
		return err
	}
	if over(j, env.Now) {
		return wrongStatus(j, "its time has passed.")
	}
	return nil
}

// refusals gathers why each of several interpreters is refused into one answer, whose code is that of the gravest reason.
type refusals struct {
	list  []domain.FieldError
	first *domain.Refusal
}

var gravity = []string{"not-found", "suspended", "precluded", "not-qualified", "unavailable"}

func (r *refusals) add(location string, err error) {
	no := err.(*domain.Refusal) //nolint:errorlint // qualify refuses and does nothing else
	r.list = append(r.list, domain.FieldError{Location: location, Message: no.Detail})
	if r.first == nil || slices.Index(gravity, no.Code) < slices.Index(gravity, r.first.Code) {
		r.first = no
	}
}

func (r *refusals) refusal() error {
	if r.first == nil {
		return nil
	}
	no := *r.first
	no.Errors = r.list
	return &no
}

// newOffer shows the job as it stands: from the ETA if there is one, at the fee for the booked duration.
func newOffer(j Job, to Offered, expires *time.Time, env Env) Offer {
	if expires == nil {
		t := expiry(j, env)
		expires = &t
	} else {
		t := expires.UTC()
		expires = &t
	}
	return Offer{
		Interpreter: to.Interpreter, LIN: to.LIN, Language: j.Details.Language,
		Schedule: Schedule{Start: j.Begin(), Minutes: j.Schedule.Minutes},
		Fee:      env.Terms.FeeFor(j.Details.ServiceType, j.Schedule.Minutes), TermsVersion: env.Terms.Version,
		ExpiresAt: expires,
	}
}

// expiry is how long an offer stands unless somebody says otherwise: as the agency's own row of waves for the time left says, else the agency's
// hours, but not beyond the start; of a job that has begun, until its end.
func expiry(j Job, env Env) time.Time {
	start, end := j.Window()
	if !start.After(env.Now) {
		return end
	}
	if m := env.Agency.OfferMinutes(j.Details.LanguageTier, start.Sub(env.Now)); m > 0 {
		return soonest(j, m, env.Now)
	}
	if h := env.Agency.OfferHours; h > 0 {
		if t := env.Now.Add(time.Duration(h) * time.Hour); t.Before(start) {
			return t
		}
	}
	return start
}

// proposed reads another start than the one that stands; none, or the same, is nil.
func (f *faults) proposed(local string, stands domain.Moment, j Job, env Env) *domain.Moment {
	if strings.TrimSpace(local) == "" {
		return nil
	}
	m, ok := f.moment("body.proposedStart", local, j.Schedule.Start.Zone)
	switch {
	case !ok || m.Equal(stands):
		return nil
	case !m.Instant.After(env.Now):
		f.add("body.proposedStart", "This time has passed.")
		return nil
	}
	return &m
}

// Decide takes an offer back, open or accepted.
//
//	given  new, offered to Ana
//	when   RevokeOffer{Ana}
//	then   OfferRevoked{Ana}; if Ana's acceptance held the job, it holds no more
//	again  nothing
//	error  wrong-status: the job is not new, or Ana has no offer
func (c RevokeOffer) Decide(s State, env Env) (Decision, error) {
	j, err := s.find(c.Job)
	if err != nil {
		return Decision{}, err
	}
	o, ok := j.Offering(c.Interpreter)
	if ok && o.State == Revoked {
		return Decision{}, nil
	}
	if err := c.allowed(s, j, env); err != nil {
		return Decision{}, err
	}
	if !ok || o.State != Open && o.State != Accepted {
		return Decision{}, wrongStatus(j, "this interpreter has no offer that could be revoked.")
	}
	return decide(OfferRevoked{Job: j.ID, Offered: o.named()}), nil
}

func (c RevokeOffer) allowed(_ State, j Job, _ Env) error {
	if err := standing(j, "its offers have ended.", domain.New); err != nil {
		return err
	}
	if !slices.ContainsFunc(j.Offers, func(o Offering) bool { return o.State == Open || o.State == Accepted }) {
		return wrongStatus(j, "it has no offers.")
	}
	return nil
}

// Decide records that an interpreter is available. That holds the job; it does not assign it, unless the agency has switched that on (D-23).
// Staff may record it though no offer is open (D-18).
//
//	given  new, offered to Ana
//	when   AcceptOffer{Ana}
//	then   OfferAccepted{Ana}; with auto-assign, and nothing against it, Assigned{Ana} too
//	again  nothing
//	error  already-accepted: another acceptance holds the job (LL-90); already-assigned; wrong-status: no offer, or it has expired; suspended;
//	       double-booked: the diary holds another job at that time
func (c AcceptOffer) Decide(s State, env Env) (Decision, error) {
	j, err := s.find(c.Job)
	if err != nil {
		return Decision{}, err
	}
	if s.has(j, c.Interpreter) {
		return Decision{}, nil
	}
	if err := c.allowed(s, j, env); err != nil {
		return Decision{}, err
	}
	if from, to := c.places(s, j, env); to.ID != j.ID || from.ID != j.ID {
		return c.elsewhere(s, from, to, env)
	}
	to, err := j.who(c.Interpreter, env)
	if err != nil {
		return Decision{}, err
	}
	if env.Candidates[c.Interpreter].Suspended {
		return Decision{}, errSuspended()
	}
	var f faults
	o, _ := j.Offering(c.Interpreter)
	reason := f.text("body.reason", c.Reason, false)
	proposed := f.proposed(c.ProposedStart, o.starts(j), j, env)
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	if err := s.keyless(reason); err != nil {
		return Decision{}, err
	}
	open := o.OpenAt(env.Now)
	if open && proposed == nil {
		proposed = o.Offer.ProposedStart // what staff proposed in the offer is what is accepted
	}
	e := OfferAccepted{
		Key: s.Key, Job: j.ID, Offered: to, WithoutOffer: !open,
		ProposedStart: proposed, Reason: domain.Personal(reason),
	}
	d := decide(e)
	if env.Agency.AutoAssign {
		return assignToo(d, s, e, c.Job, c.Interpreter, !e.WithoutOffer, env)
	}
	d.mustBeFree(j, c.Interpreter, proposed, env)
	return d, nil
}

// elsewhere accepts a team's offer at another place than the one that was named: the offer moves there first.
func (c AcceptOffer) elsewhere(s State, from, to Job, env Env) (Decision, error) {
	var moved []Event
	if from.ID != to.ID {
		o, _ := from.Offering(c.Interpreter)
		e := OfferMoved{Key: s.Key, Job: from.ID, To: to.ID, Offers: []Offer{o.Offer}}
		moved = append(moved, e)
		s = Evolve(s, e, Fact{Revision: s.Revision + 1, At: env.Now, Actor: env.Actor})
	}
	c.Job = to.ID
	d, err := c.Decide(s, env)
	d.Events = append(moved, d.Events...)
	return d, err
}

// assignToo adds the assignment to an acceptance e, if nothing but the diary can speak against it. What the offer was sent in spite of does not.
// If something does, the acceptance holds the job, and staff see to the rest.
func assignToo(d Decision, s State, e Event, job, interpreter uuid.UUID, offered bool, env Env) (Decision, error) {
	after := Evolve(s, e, Fact{Revision: s.Revision + 1, At: env.Now, Actor: env.Actor})
	j, _ := after.Job(job)
	before, _ := s.Job(job)
	o, _ := j.Offering(interpreter)
	d.mustBeFree(before, interpreter, o.ProposedStart, env)
	var reason string
	if o, ok := before.Offering(interpreter); ok && offered && o.Override != nil {
		reason = o.Override.Reason.Reveal()
		if went, _, err := qualify(j, interpreter, reason, env); err != nil || went != nil && !subset(went.Rules, o.Override.Rules) {
			return d, nil
		}
	}
	if s.keyless(reason) != nil {
		return d, nil
	}
	too, err := assign(after, j, interpreter, reason, env)
	too.byItself(env)
	if isRefusal(err) && !errors.Is(err, ErrVoided) {
		return d, nil
	}
	if err != nil {
		return Decision{}, err
	}
	too.Events = append(d.Events, too.Events...)
	return too, nil
}

func subset(rules, of []string) bool {
	return !slices.ContainsFunc(rules, func(r string) bool { return !slices.Contains(of, r) })
}

func (c AcceptOffer) allowed(s State, j Job, env Env) error {
	if c.leadsOn(s, j, env) {
		return nil // a free place of the team
	}
	switch j.Status {
	case domain.New:
	case domain.Assigned:
		return domain.Conflict("already-assigned", "Job %s is assigned to another interpreter.", j.Ref)
	default:
		return wrongStatus(j, "offers are answered while it is new.")
	}
	if o, ok := j.Offering(c.Interpreter); !c.ByStaff && (!ok || !o.alive(env.Now)) {
		return wrongStatus(j, "there is no open offer.")
	}
	if j.Holder != uuid.Nil && j.Holder != c.Interpreter {
		return domain.Conflict("already-accepted", "Another interpreter has accepted job %s.", j.Ref)
	}
	return nil
}

// Decide records that an interpreter will not come. An acceptance may be declined too, which ends its hold. Staff may record it though no
// offer is open.
//
//	given  new, offered to Ana
//	when   DeclineOffer{Ana}
//	then   OfferDeclined{Ana}
//	again  nothing
//	error  wrong-status: the job is not new, or Ana has no open offer
func (c DeclineOffer) Decide(s State, env Env) (Decision, error) {
	j, err := s.find(c.Job)
	if err != nil {
		return Decision{}, err
	}
	o, ok := j.Offering(c.Interpreter)
	if ok && o.State == Declined {
		return Decision{}, nil
	}
	if err := c.allowed(s, j, env); err != nil {
		return Decision{}, err
	}
	to, err := j.who(c.Interpreter, env)
	if err != nil {
		return Decision{}, err
	}
	var f faults
	reason := f.text("body.reason", c.Reason, false)
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	if err := s.keyless(reason); err != nil {
		return Decision{}, err
	}
	return decide(OfferDeclined{
		Key: s.Key, Job: j.ID, Offered: to, WithoutOffer: !o.alive(env.Now), Reason: domain.Personal(reason),
	}), nil
}

func (c DeclineOffer) allowed(_ State, j Job, env Env) error {
	if err := standing(j, "offers are answered while it is new.", domain.New); err != nil {
		return err
	}
	if o, ok := j.Offering(c.Interpreter); !c.ByStaff && (!ok || !o.alive(env.Now)) {
		return wrongStatus(j, "there is no open offer.")
	}
	return nil
}

// Decide writes down that an offer's time is up. A timer sends it.
//
//	given  new, an offer to Ana that stood until noon
//	when   LapseOffer{Ana} at noon or later
//	then   OfferLapsed{Ana}
//	again  nothing, as for every offer that is not open any more
//	error  wrong-status: it is not noon yet
func (c LapseOffer) Decide(s State, env Env) (Decision, error) {
	j, err := s.find(c.Job)
	if err != nil {
		return Decision{}, err
	}
	o, ok := j.Offering(c.Interpreter)
	switch {
	case !ok || o.State != Open:
		return Decision{}, nil
	case o.OpenAt(env.Now):
		return Decision{}, wrongStatus(j, "this offer still stands.")
	}
	return decide(OfferLapsed{Job: j.ID, Offered: o.named()}), nil
}

// Decide ends a hold because its interpreter was assigned elsewhere in an overlapping time. A reaction sends it.
//
//	given  new, held by Ana
//	when   EndHold{Ana}
//	then   HoldEnded{Ana}
//	again  nothing, as for everyone who does not hold the job
//	error  wrong-status: the other job is this one
func (c EndHold) Decide(s State, _ Env) (Decision, error) {
	j, err := s.find(c.Job)
	if err != nil {
		return Decision{}, err
	}
	if c.Elsewhere == c.Job {
		return Decision{}, wrongStatus(j, "a hold ends because of another job.")
	}
	if j.Holder != c.Interpreter || c.Interpreter == uuid.Nil {
		return Decision{}, nil
	}
	o, _ := j.Offering(c.Interpreter)
	return decide(HoldEnded{Job: j.ID, Offered: o.named(), Elsewhere: c.Elsewhere}), nil
}

// flexibility is the value of the form's flexibility field (LL-28).
func (j Job) flexibility() string { return j.Details.Fields["flexibility"].First() }

// within tells whether the customer's flexibility covers another start, so that nobody need be asked.
func (j Job) within(start domain.Moment) bool {
	return forms.Within(j.flexibility(), j.Schedule.Start, start)
}
