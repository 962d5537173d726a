package booking

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// Counter is what an interpreter would take the job for instead of what the offer says (N-14). It holds nothing, and ends with its offer.
type Counter struct {
	ProposedStart *domain.Moment
	Fee           *domain.Money
	Reason        domain.Personal
	At            time.Time
}

type (
	// CounterOffer is the interpreter's answer to an open offer: yes, but. Start and Fee as sent.
	CounterOffer struct {
		Job           uuid.UUID
		Interpreter   uuid.UUID
		ProposedStart string // local
		Fee           *MoneyIn
		Reason        string
	}
	// AnswerCounter is staff's answer to that.
	AnswerCounter struct {
		Job         uuid.UUID
		Interpreter uuid.UUID
		Accept      bool
	}
)

// The names of the commands about counter-offers.
func (CounterOffer) Name() string  { return "counter-offer" }
func (AnswerCounter) Name() string { return "answer-counter" }

// Decide records for what the interpreter would come. Nothing is held by it, and the offer can still be answered as it stands.
//
//	given  new, offered to Ana
//	when   CounterOffer{Ana, 16:00, 90.00}
//	then   CounterOfferMade{Ana, 16:00, 90.00}; another one takes its place
//	again  nothing
//	error  wrong-status: no open offer; already-accepted; already-assigned; suspended; invalid: neither start nor fee, another currency than the offer's
func (c CounterOffer) Decide(s State, env Env) (Decision, error) {
	j, err := begin(s, c.Job, c, env)
	if err != nil {
		return Decision{}, err
	}
	o, _ := j.Offering(c.Interpreter)
	if env.Candidates[c.Interpreter].Suspended {
		return Decision{}, errSuspended()
	}
	var f faults
	e := CounterOfferMade{Key: s.Key, Job: j.ID, Offered: o.named(), ProposedStart: f.proposed(c.ProposedStart, o.starts(j), j, env)}
	if c.Fee != nil {
		fee, ok := f.fee("body.fee", *c.Fee, o.Offer.Fee.Currency)
		if ok && fee != o.Offer.Fee {
			e.Fee = &fee
		}
	}
	reason := f.text("body.reason", c.Reason, false)
	e.Reason = domain.Personal(reason)
	if len(f.list) == 0 && e.ProposedStart == nil && e.Fee == nil {
		f.add("body.proposedStart", "Propose another start or another fee than the offer's. To take the offer as it is, accept it.")
	}
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	if err := s.keyless(reason); err != nil {
		return Decision{}, err
	}
	if o.Counter != nil && o.Counter.same(e) {
		return Decision{}, nil
	}
	return decide(e), nil
}

func (c CounterOffer) allowed(_ State, j Job, env Env) error {
	if j.has(c.Interpreter) {
		return wrongStatus(j, "you have accepted it already.")
	}
	if j.Status == domain.Assigned {
		return domain.Conflict("already-assigned", "Job %s is assigned to another interpreter.", j.Ref)
	}
	if err := standing(j, "offers are answered while it is new.", domain.New); err != nil {
		return err
	}
	if o, ok := j.Offering(c.Interpreter); !ok || !o.OpenAt(env.Now) {
		return wrongStatus(j, "there is no open offer.")
	}
	if j.Holder != uuid.Nil {
		return domain.Conflict("already-accepted", "Another interpreter has accepted job %s.", j.Ref)
	}
	return nil
}

func (c Counter) same(e CounterOfferMade) bool {
	start := c.ProposedStart == nil && e.ProposedStart == nil || c.ProposedStart != nil && e.ProposedStart != nil && c.ProposedStart.Equal(*e.ProposedStart)
	fee := c.Fee == nil && e.Fee == nil || c.Fee != nil && e.Fee != nil && *c.Fee == *e.Fee
	return start && fee && c.Reason == e.Reason
}

// mostFee bounds a fee, in minor units: what is more is a slip of the pen.
const mostFee = 100_000_00

// fee reads an amount in the offer's currency.
func (f *faults) fee(location string, in MoneyIn, currency string) (domain.Money, bool) {
	m, err := domain.ParseMoney(strings.TrimSpace(in.Amount), currency)
	switch {
	case in.Currency != "" && in.Currency != currency:
		f.add(location+".currency", "The fee is in another currency than the offer's.")
	case err != nil || m.Minor <= 0:
		f.add(location+".amount", "Enter an amount such as 85.00.")
	case m.Minor > mostFee:
		f.add(location+".amount", "This is more than a fee can be.")
	default:
		return m, true
	}
	return domain.Money{}, false
}

// Decide answers a counter-offer. Yes is the interpreter's acceptance at the new start and fee: it holds the job, and the diary must not hold another
// job at that time. No leaves the offer as it was.
//
//	given  new, Ana would come at 16:00 for 90.00
//	when   AnswerCounter{Ana, yes}
//	then   CounterOfferAnswered{Ana, yes, 16:00, 90.00}; with auto-assign, and nothing against it, Assigned{Ana} too
//	again  nothing, if it was answered so
//	error  wrong-status: no counter-offer stands; already-accepted; already-assigned; suspended; double-booked
func (c AnswerCounter) Decide(s State, env Env) (Decision, error) {
	j, err := s.find(c.Job)
	if err != nil {
		return Decision{}, err
	}
	o, ok := j.Offering(c.Interpreter)
	if ok && o.Counter == nil && (o.CounterAnswer == Accepted && c.Accept && j.has(c.Interpreter) || o.CounterAnswer == Declined && !c.Accept) {
		return Decision{}, nil
	}
	if err := c.allowed(s, j, env); err != nil {
		return Decision{}, err
	}
	if !ok || !o.OpenAt(env.Now) || o.Counter == nil {
		return Decision{}, wrongStatus(j, "this interpreter's counter-offer does not stand.")
	}
	e := CounterOfferAnswered{Job: j.ID, Offered: o.named(), Accepted: c.Accept}
	if !c.Accept {
		return decide(e), nil
	}
	if j.Holder != uuid.Nil {
		return Decision{}, domain.Conflict("already-accepted", "Another interpreter has accepted job %s.", j.Ref)
	}
	if env.Candidates[c.Interpreter].Suspended {
		return Decision{}, errSuspended()
	}
	e.ProposedStart, e.Fee = o.Counter.ProposedStart, o.Counter.Fee
	if e.ProposedStart == nil {
		e.ProposedStart = o.Offer.ProposedStart
	}
	if e.ProposedStart != nil && !e.ProposedStart.Instant.After(env.Now) {
		return Decision{}, wrongStatus(j, "the start that this interpreter proposed has passed.")
	}
	d := decide(e)
	if env.Agency.AutoAssign {
		return assignToo(d, s, e, c.Job, c.Interpreter, true, env)
	}
	d.mustBeFree(j, c.Interpreter, e.ProposedStart, env)
	return d, nil
}

func (c AnswerCounter) allowed(_ State, j Job, env Env) error {
	if j.Status == domain.Assigned {
		return domain.Conflict("already-assigned", "Job %s is assigned to another interpreter.", j.Ref)
	}
	if err := standing(j, "counter-offers are answered while it is new.", domain.New); err != nil {
		return err
	}
	for _, o := range j.Offers {
		if o.Counter != nil && o.OpenAt(env.Now) {
			return nil
		}
	}
	return wrongStatus(j, "no counter-offer stands.")
}

// mustBeFree asks the diary whether an acceptance could become an assignment: who has another job then cannot accept (409 double-booked).
func (d *Decision) mustBeFree(j Job, interpreter uuid.UUID, proposed *domain.Moment, env Env) {
	if proposed != nil {
		j.ETA = proposed
	}
	if start, end := j.Window(); end.After(env.Now) {
		d.Free = append(d.Free, Reserve{Interpreter: interpreter, Job: j.ID, Start: start, End: end})
	}
}
