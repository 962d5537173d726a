package booking

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/matching"
	"github.com/dragoman-booking/dragoman/domain/people"
)

func give(who uuid.UUID) Assign { return Assign{Job: jobID, Interpreter: who} }

func assignedTo(t *testing.T, who uuid.UUID) *story {
	return created(t).at("2020-03-24T15:59", give(who))
}

func TestLL83_LL84_AssignNeedsNoOffer(t *testing.T) {
	t.Parallel()
	r := created(t).when("2020-03-24T15:59", give(ana))
	want := Reserve{
		ID: r.e.NewID("reservation/" + jobID.String() + "/" + ana.String()), Interpreter: ana, Job: jobID,
		Start: at("2020-03-26T10:00"), End: at("2020-03-26T11:00"),
	}
	if len(r.d.Reserve) != 1 || r.d.Reserve[0] != want || len(r.d.Release) != 0 {
		t.Fatalf("%+v", r.d)
	}
	r.then(Assigned{Key: key, Job: jobID, Offered: Offered{ana, linAna}, Reservation: want.ID})
	s := assignedTo(t, ana)
	s.when("2020-03-24T16:00", give(ana)).nothing()
	if no := s.when("2020-03-24T16:00", give(ben)).refused("already-assigned"); no.Status != 409 {
		t.Errorf("status %d", no.Status)
	}
	cancelled(t).when("2020-03-24T16:00", give(ana)).refused("wrong-status")
}

func TestD23_AssignmentClosesOtherOffersAndTellsTheHolder(t *testing.T) {
	t.Parallel()
	e := event[Assigned](held(t).when("2020-03-24T15:59", give(ben)))
	if len(e.Closed) != 1 || e.Closed[0] != (Offered{ana, linAna}) {
		t.Fatalf("closed %+v", e.Closed)
	}
	s := held(t).at("2020-03-24T15:59", give(ana))
	if e := s.events[len(s.events)-1].(Assigned); len(e.Closed) != 1 || e.Closed[0].Interpreter != ben {
		t.Fatalf("closed %+v", e.Closed)
	}
	for _, o := range s.job().Offers {
		if o.State != Ended {
			t.Errorf("offer to %s is %s", o.LIN, o.State)
		}
	}
	// An offer whose time is up is not told again.
	if e := event[Assigned](offered(t).when("2020-03-26T10:30", give(ana))); len(e.Closed) != 0 {
		t.Errorf("closed %+v", e.Closed)
	}
}

func TestLL39_AssignAgainstARuleNeedsAReason(t *testing.T) {
	t.Parallel()
	precluded := tell(t).does(book(field("precludedInterpreter", linAna)), createEnv())
	precluded.when("2020-03-24T15:59", give(ana)).refused("precluded")
	created(t).when("2020-03-24T15:59", give(eve)).refused("not-qualified")
	created(t).when("2020-03-24T15:59", give(sam)).refused("suspended")
	created(t).when("2020-03-24T15:59", give(assigner)).refused("not-found")
	c := give(ana)
	c.Override = " agreed with the customer "
	e := event[Assigned](precluded.when("2020-03-24T15:59", c))
	if e.Override == nil || e.Override.Reason.Reveal() != "agreed with the customer" || len(e.Override.Rules) != 1 || e.Override.Rules[0] != RulePrecluded {
		t.Fatalf("%+v", e.Override)
	}
	c.Interpreter = sam
	precluded.when("2020-03-24T15:59", c).refused("suspended")
	c.Interpreter = ben
	if e := event[Assigned](precluded.when("2020-03-24T15:59", c)); e.Override != nil {
		t.Fatalf("%+v", e.Override)
	}
}

func TestAWindowAlreadyOverIsRecordedUnchecked(t *testing.T) {
	t.Parallel()
	for now, want := range map[string]bool{"2020-03-26T10:59": false, "2020-03-26T11:00": true} {
		r := created(t).when(now, give(ana))
		if e := event[Assigned](r); e.Unchecked != want || r.d.Reserve[0].Unchecked != want {
			t.Errorf("at %s: %+v", now, r.d)
		}
	}
}

func TestAVoidedReservationIsNeverClaimed(t *testing.T) {
	t.Parallel()
	s := created(t)
	e := s.env("2020-03-24T15:59")
	id := e.NewID("reservation/" + jobID.String() + "/" + ana.String())
	s.at("2020-03-24T15:59", VoidReservation{Job: jobID, Reservation: id})
	sameIDs := func(n *Env) { n.NewID = e.NewID }
	s.when("2020-03-24T16:00", give(ana), sameIDs).refused(ErrVoided.Code)
	event[Assigned](s.when("2020-03-24T16:00", give(ana))) // the next attempt has other ids
	s.when("2020-03-24T16:00", accept(ana), sameIDs, func(e *Env) { e.Agency.AutoAssign = true }).refused("wrong-status")
	offer := offered(t)
	void := offer.env("2020-03-24T15:59")
	offer.at("2020-03-24T15:59", VoidReservation{Job: jobID, Reservation: void.NewID("reservation/" + jobID.String() + "/" + ana.String())})
	// An acceptance that assigns too is decided again, rather than left without its assignment.
	offer.when("2020-03-24T16:00", accept(ana), func(e *Env) { e.Agency.AutoAssign, e.NewID = true, void.NewID }).refused(ErrVoided.Code)
}

func TestLL85_LL86_LL92_Unassign(t *testing.T) {
	t.Parallel()
	c := Unassign{Job: jobID, Interpreter: ana, Reason: "not available"}
	s := assignedTo(t, ana)
	reservation := s.job().Assignment.Reservation
	r := s.when("2020-03-24T18:04", c).
		then(Unassigned{Key: key, Job: jobID, Offered: Offered{ana, linAna}, Reservation: reservation, Reason: "not available"})
	if len(r.d.Release) != 1 || r.d.Release[0] != (Release{Interpreter: ana, Reservation: reservation, Why: "ended"}) {
		t.Fatalf("%+v", r.d.Release)
	}
	s.when("2020-03-24T18:04", Unassign{Job: jobID, Interpreter: ben, Reason: "x"}).refused("wrong-status")
	s.when("2020-03-24T18:04", Unassign{Job: jobID, Interpreter: ana, Reason: " "}).refused("invalid", "body.reason")
	s.at("2020-03-24T18:04", c)
	if j := s.job(); j.Status != domain.New || j.Assignment != nil || j.Holder != uuid.Nil {
		t.Fatalf("%+v", j)
	}
	s.when("2020-03-24T18:05", c).refused("wrong-status")
	s.at("2020-03-24T18:05", send(ana)) // assigning resumes
	// A hold is cleared: the acceptance before the assignment holds nothing after it.
	was := held(t).at("2020-03-24T15:59", give(ana)).at("2020-03-24T18:04", c)
	was.at("2020-03-24T18:05", AcceptOffer{Job: jobID, Interpreter: ben, ByStaff: true})
	ongoing(t).when("2020-03-26T12:10", c).refused("wrong-status")
}

// What an interpreter says about the own time keeps offers and assignments away, unless staff give a reason or the interpreter has accepted.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	away := func(e *Env) {
		c := e.Candidates[ana]
		c.Availability = people.Availability{TimeZone: "Europe/London", Unavailable: []people.Away{{From: london("2020-03-26T00:00"), To: london("2020-03-27T00:00")}}}
		e.Candidates[ana] = c
	}
	evening := func(e *Env) {
		c := e.Candidates[ana]
		c.Availability = people.Availability{TimeZone: "Europe/London", Week: []people.WorkingTime{{Day: "thu", From: "18:00", To: "22:00"}}}
		e.Candidates[ana] = c
	}
	for rule, says := range map[string]func(*Env){RuleUnavailable: away, RuleWorkingHours: evening} {
		created(t).when("2020-03-24T15:46", send(ana), says).refused("unavailable", "body.interpreters[0]")
		created(t).when("2020-03-24T15:46", give(ana), says).refused("unavailable")
		forced := event[Assigned](created(t).when("2020-03-24T15:46", Assign{Job: jobID, Interpreter: ana, Override: "Agreed on the telephone"}, says))
		if forced.Override == nil || !slices.Equal(forced.Override.Rules, []string{rule}) {
			t.Errorf("%s: assigned as %#v", rule, forced)
		}
		event[Assigned](held(t).when("2020-03-24T15:59", give(ana), says)) // the own acceptance goes past it
		held(t).when("2020-03-24T15:59", give(ben), func(e *Env) {
			says(e)
			c := e.Candidates[ben]
			c.Availability = e.Candidates[ana].Availability
			e.Candidates[ben] = c
		}).refused("unavailable") // another's does not
	}
	// What is over is recorded.
	event[Assigned](created(t).when("2020-03-27T10:00", give(ana), away))
}

// M-03: staff who move a job are told what then speaks against the interpreter who has it; the move is done all the same. Customers are told nothing
// of interpreters.
func TestM03_AMoveWarnsOfTheInterpretersDay(t *testing.T) {
	t.Parallel()
	says := func(change func(*Candidate)) func(*Env) {
		return func(e *Env) {
			c := e.Candidates[ana]
			change(&c)
			e.Candidates[ana] = c
		}
	}
	away := says(func(c *Candidate) {
		c.Availability = people.Availability{TimeZone: "Europe/London", Unavailable: []people.Away{{From: london("2020-03-27T00:00"), To: london("2020-03-28T00:00")}}}
	})
	expired := says(func(c *Candidate) {
		c.Credentials = []people.Credential{{Kind: "vetting", ValidFrom: "2015-01-01", ValidTo: "2020-03-26"}}
	})
	near := says(func(c *Candidate) {
		leeds := matching.Spot{At: domain.Coordinates{Lat: 53.7965, Lon: -1.5478}, Source: matching.Given}
		london := matching.Spot{At: domain.Coordinates{Lat: 51.5072, Lon: -0.1276}, Source: matching.Given}
		c.Home, c.Diary = leeds, []matching.Entry{{Job: station, Ref: "DTP77", Start: at("2020-03-27T08:00"), End: at("2020-03-27T09:30"), InPerson: true, Place: london}}
	})
	placed := func(e *Env) {
		p := e.Locations[station]
		p.Coordinates = domain.Coordinates{Lat: 53.7965, Lon: -1.5478}
		e.Geography.Locations = map[uuid.UUID]people.Place{station: p}
	}
	codes := func(r tried) (all []string) {
		t.Helper()
		if r.err != nil || len(r.d.Events) == 0 {
			t.Fatalf("%s: %v, %v", r.c.Name(), r.d.Events, r.err)
		}
		for _, w := range r.d.Warnings {
			all = append(all, w.Code)
		}
		return all
	}
	edit, eta := Edit{Job: jobID, Start: str("2020-03-27T10:00")}, ChangeEta{Job: jobID, ETA: "2020-03-27T10:00", AgreedBy: "Jo"}
	for rule, world := range map[string]func(*Env){RuleUnavailable: away, matching.RuleCredential: expired, matching.RuleTravel: near} {
		for _, c := range []Command{edit, eta} {
			if got := codes(assignedTo(t, ana).when("2020-03-24T16:00", c, placed, world)); !slices.Equal(got, []string{rule}) {
				t.Errorf("%s: %s warns of %v", rule, c.Name(), got)
			}
		}
	}
	customer := func(e *Env) { e.Actor = domain.Actor{Role: domain.Requestor, ID: customer1} }
	if got := codes(assignedTo(t, ana).when("2020-03-24T16:00", edit, away, customer)); len(got) > 0 {
		t.Errorf("a customer is told %v", got)
	}
	if got := codes(assignedTo(t, ana).when("2020-03-24T16:00", Edit{Job: jobID, Fields: fields("costCentre", "C 9")}, away)); len(got) > 0 {
		t.Errorf("an edit that moves nothing warns of %v", got)
	}
}
