package booking

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

func counterOf(who uuid.UUID, start, fee string) CounterOffer {
	c := CounterOffer{Job: jobID, Interpreter: who, ProposedStart: start, Reason: "the train"}
	if fee != "" {
		c.Fee = &MoneyIn{fee, "GBP"}
	}
	return c
}

func pounds(minor int64) *domain.Money { return &domain.Money{Minor: minor, Currency: "GBP"} }

func TestN14_CounterOfferHoldsNothing(t *testing.T) {
	t.Parallel()
	eleven := london("2020-03-26T11:00")
	offered(t).when("2020-03-24T15:50", counterOf(ana, "2020-03-26T11:00", "95.50")).
		then(CounterOfferMade{Key: key, Job: jobID, Offered: Offered{ana, linAna}, ProposedStart: &eleven, Fee: pounds(9550), Reason: "the train"})
	s := offered(t).at("2020-03-24T15:50", counterOf(ana, "2020-03-26T11:00", "95.50"))
	o, _ := s.job().Offering(ana)
	if s.job().Holder != uuid.Nil || o.State != Open || o.Counter == nil {
		t.Fatalf("holder %s, offer %+v", s.job().Holder, o)
	}
	// Another takes its place; the offer as it stands, and others', can still be answered.
	s.when("2020-03-24T15:51", counterOf(ana, "", "90")).then(CounterOfferMade{Key: key, Job: jobID, Offered: Offered{ana, linAna}, Fee: pounds(9000), Reason: "the train"})
	event[OfferAccepted](s.when("2020-03-24T15:51", AcceptOffer{Job: jobID, Interpreter: ben}))
	if o, _ := s.at("2020-03-24T15:51", AcceptOffer{Job: jobID, Interpreter: ana}).job().Offering(ana); o.Counter != nil || o.ProposedStart != nil || o.Fee == *pounds(9550) {
		t.Errorf("accepted as it stood: %+v", o)
	}

	offered(t).when("2020-03-24T15:50", counterOf(ana, "", "")).refused("invalid", "body.proposedStart")
	offered(t).when("2020-03-24T15:50", counterOf(ana, "2020-03-26T10:00", "")).refused("invalid", "body.proposedStart")
	offered(t).when("2020-03-24T15:50", counterOf(ana, "2020-03-29T01:30", "-4")).refused("nonexistent-local-time", "body.proposedStart", "body.fee.amount")
	offered(t).when("2020-03-24T15:50", CounterOffer{Job: jobID, Interpreter: ana, Fee: &MoneyIn{"95", "EUR"}}).refused("invalid", "body.fee.currency")
	offered(t).when("2020-03-24T15:50", counterOf(ana, "", "9999999")).refused("invalid", "body.fee.amount")
	created(t).when("2020-03-24T15:50", counterOf(ana, "", "90")).refused("wrong-status")
	held(t).when("2020-03-24T15:56", counterOf(ben, "", "90")).refused("already-accepted")
	held(t).when("2020-03-24T15:56", counterOf(ana, "", "90")).refused("wrong-status")
	assignedTo(t, ben).when("2020-03-24T16:10", counterOf(ana, "", "90")).refused("already-assigned")
	offered(t).when("2020-03-26T10:30", counterOf(ana, "", "90")).refused("wrong-status") // its time is up
	offered(t).when("2020-03-24T15:50", counterOf(ana, "", "90"), func(e *Env) {
		c := e.Candidates[ana]
		c.Suspended = true
		e.Candidates[ana] = c
	}).refused("suspended")
}

func TestN14_CounterOfferAnswered(t *testing.T) {
	t.Parallel()
	eleven := london("2020-03-26T11:00")
	made := func() *story { return offered(t).at("2020-03-24T15:50", counterOf(ana, "2020-03-26T11:00", "95.50")) }
	yes, no := AnswerCounter{Job: jobID, Interpreter: ana, Accept: true}, AnswerCounter{Job: jobID, Interpreter: ana}

	r := made().when("2020-03-24T15:55", yes).
		then(CounterOfferAnswered{Job: jobID, Offered: Offered{ana, linAna}, Accepted: true, ProposedStart: &eleven, Fee: pounds(9550)})
	want := []Reserve{{Interpreter: ana, Job: jobID, Start: eleven.Instant, End: at("2020-03-26T12:00")}}
	if len(r.d.Reserve) > 0 || !slices.Equal(r.d.Free, want) {
		t.Errorf("asks the diary for %+v, reserves %+v", r.d.Free, r.d.Reserve)
	}
	s := made().at("2020-03-24T15:55", yes)
	o, _ := s.job().Offering(ana)
	if s.job().Holder != ana || o.State != Accepted || o.Fee != *pounds(9550) || o.ProposedStart == nil || o.Counter != nil {
		t.Errorf("holder %s, offer %+v", s.job().Holder, o)
	}
	s.when("2020-03-24T15:56", AcceptOffer{Job: jobID, Interpreter: ben}).refused("already-accepted")
	s.when("2020-03-24T15:56", no).refused("wrong-status")
	s.when("2020-03-24T15:57", give(ana)).refused("eta-not-agreed") // beyond the flexibility, which is none: the customer is asked

	made().when("2020-03-24T15:55", no).then(CounterOfferAnswered{Job: jobID, Offered: Offered{ana, linAna}})
	s = made().at("2020-03-24T15:55", no)
	event[OfferAccepted](s.when("2020-03-24T15:56", AcceptOffer{Job: jobID, Interpreter: ana})) // the offer stands as it was
	event[CounterOfferMade](s.when("2020-03-24T15:56", counterOf(ana, "2020-03-26T11:00", "95.50")))

	made().when("2020-03-24T15:55", AnswerCounter{Job: jobID, Interpreter: ben, Accept: true}).refused("wrong-status")
	offered(t).when("2020-03-24T15:55", yes).refused("wrong-status")
	made().at("2020-03-24T15:52", AcceptOffer{Job: jobID, Interpreter: ben}).when("2020-03-24T15:55", yes).refused("already-accepted")
	made().when("2020-03-26T10:30", yes).refused("wrong-status") // it ended with its offer
	made().at("2020-03-24T15:52", RevokeOffer{Job: jobID, Interpreter: ana}).when("2020-03-24T15:55", yes).refused("wrong-status")
	made().when("2020-03-24T15:55", yes, func(e *Env) {
		c := e.Candidates[ana]
		c.Suspended = true
		e.Candidates[ana] = c
	}).refused("suspended")
	auto := func(e *Env) { e.Agency.AutoAssign = true }
	fee := offered(t).at("2020-03-24T15:50", counterOf(ana, "", "95.50")).when("2020-03-24T15:55", yes, auto)
	if a := event[Assigned](fee); a.Interpreter != ana || len(fee.d.Reserve) != 1 {
		t.Errorf("auto-assign: %+v", fee.d)
	}
}

// What is proposed is held against the start that the offer names, which is staff's, not against the job's own.
func TestN14_TheStartThatTheOfferNames(t *testing.T) {
	t.Parallel()
	eleven, ten := london("2020-03-26T11:00"), london("2020-03-26T10:00")
	made := func() *story {
		return created(t).at("2020-03-24T15:47", SendOffer{Job: jobID, Interpreters: []uuid.UUID{ana}, ProposedStart: "2020-03-26T11:00"})
	}
	made().when("2020-03-24T15:50", counterOf(ana, "2020-03-26T11:00", "")).refused("invalid", "body.proposedStart")
	made().when("2020-03-24T15:50", counterOf(ana, "2020-03-26T10:00", "")).
		then(CounterOfferMade{Key: key, Job: jobID, Offered: Offered{ana, linAna}, ProposedStart: &ten, Reason: "the train"})
	for sent, want := range map[string]domain.Moment{"": eleven, "2020-03-26T11:00": eleven, "2020-03-26T10:00": ten} {
		e := event[OfferAccepted](made().when("2020-03-24T15:50", AcceptOffer{Job: jobID, Interpreter: ana, ProposedStart: sent}))
		if e.ProposedStart == nil || !e.ProposedStart.Equal(want) {
			t.Errorf("accepted with %q: %v, want %v", sent, e.ProposedStart, want)
		}
	}
	yes := AnswerCounter{Job: jobID, Interpreter: ana, Accept: true}
	early := made().at("2020-03-24T15:50", counterOf(ana, "2020-03-24T17:00", ""))
	event[CounterOfferAnswered](early.when("2020-03-24T16:59", yes))
	early.when("2020-03-24T17:00", yes).refused("wrong-status")

	auto := func(e *Env) { e.Agency.AutoAssign = true }
	fee := offered(t).at("2020-03-24T15:50", counterOf(ana, "", "95.50"))
	done := fee.when("2020-03-24T15:55", yes, auto)
	fee.append(done.d.Events, at("2020-03-24T15:55"))
	fee.when("2020-03-24T15:56", yes, auto).nothing()
	fee.when("2020-03-24T15:56", counterOf(ana, "", "96")).refused("wrong-status")
}

// An acceptance asks the diary for the time at which the interpreter would come, and reserves nothing.
func TestAcceptOfferAsksTheDiary(t *testing.T) {
	t.Parallel()
	r := offered(t).when("2020-03-24T15:50", AcceptOffer{Job: jobID, Interpreter: ana, ProposedStart: "2020-03-26T12:00"})
	if len(r.d.Reserve) > 0 || !slices.Equal(r.d.Free, []Reserve{{Interpreter: ana, Job: jobID, Start: at("2020-03-26T12:00"), End: at("2020-03-26T13:00")}}) {
		t.Errorf("%+v %v", r.d, r.err)
	}
	late := created(t).when("2020-03-26T11:30", AcceptOffer{Job: jobID, Interpreter: ana, ByStaff: true})
	if late.err != nil || len(late.d.Free) > 0 {
		t.Errorf("a time that is over: %+v %v", late.d, late.err)
	}
}
