package booking

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain/matching"
	"github.com/dragoman-booking/dragoman/domain/people"
)

// inWaves is a world in which offers go out by themselves: one at a time, the next after an hour, each for half an hour.
func inWaves(e *Env) {
	e.Agency.AutoOffer = true
	e.Agency.Waves = []people.Wave{{Size: 1, WaitMinutes: 60, ExpireMinutes: 30}}
}

// found is what a search found: these, in this order, all at the job's own start and in time.
func found(s State, ids ...uuid.UUID) Found {
	f := Found{Search: Search{Position: "7.6", Eligible: len(ids), Rules: matching.Versions()}}
	for _, id := range ids {
		f.Ranked = append(f.Ranked, Ranked{Interpreter: id, Start: s.Jobs[0].Begin(), InTime: true})
	}
	return f
}

func wave(s *story, number int, ids ...uuid.UUID) SendWave {
	return SendWave{Job: jobID, Number: number, Found: found(s.state, ids...), Look: 10}
}

// sends sends a wave that must ask these.
func (s *story) sends(now string, c SendWave, want ...uuid.UUID) OfferSent {
	s.t.Helper()
	r := s.when(now, c, inWaves)
	e := event[OfferSent](r)
	var got []uuid.UUID
	for _, o := range e.Offers {
		got = append(got, o.Interpreter)
	}
	if !slices.Equal(got, want) {
		s.t.Fatalf("wave %d at %s asks %v, want %v", c.Number, now, got, want)
	}
	s.append(r.d.Events, r.e.Now)
	return e
}

func TestN03WavesAskInOrderAndWait(t *testing.T) {
	s := created(t)
	first := s.when("2020-03-24T15:46", wave(s, 1, ana, ben), inWaves)
	sent := event[WaveSent](first)
	if sent.Number != 1 || sent.Left != 1 || sent.Row.Size != 1 || !sent.Next.Equal(at("2020-03-24T16:46")) || sent.Search.Policy != 7 || sent.Search.Position != "7.6" ||
		!slices.Equal(sent.Jobs, ids(jobID)) {
		t.Errorf("the wave is %+v", sent)
	}
	offer := event[OfferSent](first)
	if offer.Wave != 1 || offer.Policy != 7 || len(offer.Offers) != 1 || !offer.Offers[0].ExpiresAt.Equal(at("2020-03-24T16:16")) || offer.Offers[0].Team ||
		len(offer.Offers[0].Trace) == 0 {
		t.Errorf("the offer is %+v", offer)
	}
	first.then(first.d.Events...) // again it is no second wave
	s.append(first.d.Events, first.e.Now)
	s.when("2020-03-24T16:00", wave(s, 2, ana, ben), inWaves).refused("wrong-status") // not yet
	s.when("2020-03-24T17:00", wave(s, 1, ana, ben), inWaves).nothing()
	s.sends("2020-03-24T16:46", wave(s, 2, ana, ben), ben)
	none := s.when("2020-03-24T17:46", wave(s, 3, ana, ben), inWaves)
	if len(none.d.Events) != 1 || event[JobFlagged](none).Flag != FlagNoCandidates {
		t.Errorf("nobody is left: %+v", none.d.Events)
	}
	s.append(none.d.Events, none.e.Now)
	if j := s.job(); len(j.Flags) != 1 || j.Wave.Number != 2 {
		t.Errorf("the job is flagged %+v, after %+v", j.Flags, j.Wave)
	}
	s.at("2020-03-24T18:00", Assign{Job: jobID, Interpreter: ana})
	if j := s.job(); len(j.Flags) != 0 {
		t.Errorf("assigned, it is flagged %+v", j.Flags)
	}
}

func TestN03WavesAreOffByDefaultAndWait(t *testing.T) {
	s := created(t)
	if no := s.when("2020-03-24T15:50", wave(s, 1, ana)).refused("wrong-status"); no.Detail == "" {
		t.Error("refused without a reason")
	}
	s.when("2020-03-26T10:00", wave(s, 1, ana), inWaves).refused("wrong-status") // its time has come
	s.at("2020-03-24T15:51", Take{Job: jobID})
	s.when("2020-03-24T15:52", wave(s, 1, ana), inWaves).refused("wrong-status")
	s.at("2020-03-24T15:53", LetGo{Job: jobID})
	s.sends("2020-03-24T15:54", wave(s, 1, ana, ben), ana)
	s.at("2020-03-24T15:55", AcceptOffer{Job: jobID, Interpreter: ana})
	s.when("2020-03-24T17:00", wave(s, 2, ana, ben), inWaves).refused("wrong-status") // held
	s.at("2020-03-24T17:01", DeclineOffer{Job: jobID, Interpreter: ana})
	s.sends("2020-03-24T17:02", wave(s, 2, ana, ben), ben)
}

func TestN03NobodyIsAskedAgainUntilTheJobChanges(t *testing.T) {
	start := "2020-03-26T12:00"
	for name, refusal := range map[string]func(*story){
		"declined": func(s *story) { s.at("2020-03-24T15:50", DeclineOffer{Job: jobID, Interpreter: ana}) },
		"revoked":  func(s *story) { s.at("2020-03-24T15:50", RevokeOffer{Job: jobID, Interpreter: ana}) },
		"lapsed":   func(s *story) { s.at("2020-03-24T16:16", LapseOffer{Job: jobID, Interpreter: ana}) },
		"gave it back": func(s *story) {
			s.at("2020-03-24T15:50", Assign{Job: jobID, Interpreter: ana})
			s.at("2020-03-24T15:51", Unassign{Job: jobID, Interpreter: ana, Reason: "ill"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := created(t)
			s.sends("2020-03-24T15:46", wave(s, 1, ana, ben), ana)
			refusal(s)
			c := wave(s, 2, ana, ben)
			s.sends("2020-03-24T16:46", c, ben)
			s.at("2020-03-24T17:00", Edit{Job: jobID, Fields: fields("jobNotes", "Ring twice.")}) // that concerns nobody's being able to
			if j := s.job(); j.Wave.Number != 2 || !slices.Contains(j.NotAgain, ana) {
				t.Errorf("a note begins the waves anew: %+v", j.Wave)
			}
			s.at("2020-03-24T17:01", Edit{Job: jobID, Start: &start})
			if j := s.job(); j.Wave.Number != 0 || len(j.NotAgain) != 0 || !j.Wave.Due.Equal(at("2020-03-24T17:01")) {
				t.Errorf("another time leaves %+v, %v", j.Wave, j.NotAgain)
			}
			s.sends("2020-03-24T17:01", wave(s, 1, ana, ben), ana) // Ben's offer was sent again by the edit
		})
	}
}

func TestN03LL130SuspendedAndBusyGetNothing(t *testing.T) {
	s := created(t)
	s.sends("2020-03-24T15:46", wave(s, 1, sam, eve, ben), ben) // Eve lacks everything
	c := wave(s, 2, sam)
	s.when("2020-03-24T17:00", c, inWaves, func(e *Env) { delete(e.Candidates, sam) }).then(JobFlagged{Jobs: ids(jobID), Flag: FlagNoCandidates, Wave: 2,
		Search: Search{Position: "7.6", Policy: 7, Eligible: 1, Rules: matching.Versions()}})
	c.Look = 0
	s.when("2020-03-24T17:00", c, inWaves).refused("wrong-status") // somebody is left whom nobody looked at
}

func TestN03CustodyFirstThenFlagged(t *testing.T) {
	e := env("2020-03-24T15:46")
	e.NewID = newID("create")
	wish := booked()
	wish.Fields["custodyClock"], wish.Fields["custodyReference"] = one("2020-03-26T12:00"), one("C1")
	s := tell(t).does(wish, e)
	c := wave(s, 1, ana, ben)
	c.Found.Ranked[0].InTime = false // Ana is ranked first, but would be late
	c.Found.Search.InTime = 1
	s.sends("2020-03-24T15:46", c, ben)
	c = wave(s, 2, ana, ben)
	c.Found.Ranked[0].InTime = false
	c.Found.Helps = []Help{{Wish: matching.HelpRemote, More: 4}}
	second := s.when("2020-03-24T16:46", c, inWaves)
	if len(second.d.Events) != 3 || event[JobFlagged](second).Flag != FlagCustody || event[JobFlagged](second).Helps[0].More != 4 || event[OfferSent](second).Offers[0].Interpreter != ana {
		t.Fatalf("nobody is left in time: %+v", second.d.Events)
	}
	for _, o := range event[OfferSent](second).Offers {
		for _, b := range o.Trace {
			if b.Rule == matching.RuleCustody {
				t.Errorf("the custody clock stands in clear: %+v", b)
			}
		}
	}
	s.append(second.d.Events, second.e.Now)
	if j := s.job(); !j.flagged(FlagCustody) || j.Wave.Number != 2 {
		t.Errorf("the job is %+v, flagged %+v", j.Wave, j.Flags)
	}
	s.append(s.when("2020-03-24T17:46", wave(s, 3, ana, ben), inWaves).d.Events, at("2020-03-24T17:46"))
	if j := s.job(); len(j.Flags) != 2 || !j.Flags[0].Since.Equal(at("2020-03-24T16:46")) {
		t.Errorf("flagged %+v", j.Flags)
	}
}

// places are those of a booking, asked for together.
func places(t *testing.T, n int) (*story, []uuid.UUID) {
	t.Helper()
	e := env("2020-03-24T15:46")
	e.NewID = newID("create")
	wish := booked()
	wish.Interpreters, wish.JobRefs = n, []string{"DTP1", "DTP2", "DTP3"}[:n]
	s := tell(t).does(wish, e)
	return s, idsOf(s.state.Jobs)
}

func TestN03ATeamIsAskedOnceForWhicheverPlaceIsFree(t *testing.T) {
	s, slots := places(t, 2)
	both := func(e *Env) {
		inWaves(e)
		e.Agency.Waves[0].Size = 2
	}
	c := SendWave{Job: slots[1], Number: 1, Found: found(s.state, ana, ben), Look: 10} // whichever place's timer it is
	first := s.when("2020-03-24T15:46", c, both)
	sent, offers := event[WaveSent](first), event[OfferSent](first)
	if !slices.Equal(sent.Jobs, slots) || offers.Job != slots[0] || len(offers.Offers) != 2 || !offers.Offers[0].Team {
		t.Fatalf("a team's wave is %+v, %+v", sent, offers)
	}
	s.append(first.d.Events, first.e.Now)
	s.when("2020-03-24T15:46", SendWave{Job: slots[0], Number: 1, Found: found(s.state, ana, ben), Look: 10}, both).nothing()

	s.at("2020-03-24T15:50", AcceptOffer{Job: slots[0], Interpreter: ana})
	second := s.when("2020-03-24T15:51", AcceptOffer{Job: slots[0], Interpreter: ben})
	if moved := event[OfferMoved](second); moved.Job != slots[0] || moved.To != slots[1] || moved.Offers[0].Interpreter != ben {
		t.Errorf("the offer moves as %+v", moved)
	}
	if accepted := event[OfferAccepted](second); accepted.Job != slots[1] || accepted.WithoutOffer {
		t.Errorf("accepted is %+v", accepted)
	}
	s.append(second.d.Events, second.e.Now)
	s.when("2020-03-24T15:52", AcceptOffer{Job: slots[0], Interpreter: ben}).nothing()
	s.when("2020-03-24T15:52", AcceptOffer{Job: slots[1], Interpreter: ben}).nothing()
	if a, b := s.state.Jobs[0], s.state.Jobs[1]; a.Holder != ana || b.Holder != ben {
		t.Errorf("the places are held by %v and %v", a.Holder, b.Holder)
	}
	// A third one comes too late, as for a job by itself.
	s.append([]Event{OfferSent{Key: key, Job: slots[0], Offers: []Offer{{Interpreter: eve, LIN: "LIN/0000/00000", Team: true}}}}, at("2020-03-24T15:53"))
	s.when("2020-03-24T15:54", AcceptOffer{Job: slots[0], Interpreter: eve}).refused("already-accepted")
}

func TestN03AnAssignedPlaceLeavesItsOffersToTheNext(t *testing.T) {
	s, slots := places(t, 3)
	many := func(e *Env) {
		inWaves(e)
		e.Agency.Waves[0].Size = 3
	}
	r := s.when("2020-03-24T15:46", SendWave{Job: slots[0], Number: 1, Found: found(s.state, ana, ben), Look: 10}, many)
	s.append(r.d.Events, r.e.Now)
	assigned := s.when("2020-03-24T15:50", Assign{Job: slots[0], Interpreter: ana})
	if moved := event[OfferMoved](assigned); moved.To != slots[1] || len(moved.Offers) != 1 || moved.Offers[0].Interpreter != ben || len(event[Assigned](assigned).Closed) != 0 {
		t.Errorf("assigned: %+v", assigned.d.Events)
	}
	s.append(assigned.d.Events, assigned.e.Now)
	// Ben still looks at the first place's page.
	accepted := s.when("2020-03-24T15:51", AcceptOffer{Job: slots[0], Interpreter: ben})
	if e := event[OfferAccepted](accepted); e.Job != slots[1] || len(accepted.d.Events) != 1 {
		t.Errorf("accepted: %+v", accepted.d.Events)
	}
	if names := Actions(s.state, slots[0], Who{Interpreter: ben}, s.env("2020-03-24T15:51")); !slices.Contains(names, "accept-offer") {
		t.Errorf("the place that is taken offers %v", names)
	}
	// A place that asks for something else is none of the team's.
	s.at("2020-03-24T15:52", Edit{Job: slots[2], Scope: ScopeThis, Start: str("2020-03-27T10:00")})
	if n := len(s.state.team(s.state.Jobs[0])); n != 2 {
		t.Errorf("the team has %d places", n)
	}
}

// A team that is moved as a whole stays one: the offers that are sent again are for whichever place is free.
func TestN03AMovedTeamStaysOne(t *testing.T) {
	s, slots := places(t, 2)
	many := func(e *Env) {
		inWaves(e)
		e.Agency.Waves[0].Size = 2
	}
	r := s.when("2020-03-24T15:46", SendWave{Job: slots[0], Number: 1, Found: found(s.state, ana, ben), Look: 10}, many)
	s.append(r.d.Events, r.e.Now)
	s.at("2020-03-24T15:50", Edit{Job: slots[0], Scope: ScopeAll, Start: str("2020-03-27T10:00")})
	s.at("2020-03-24T15:51", AcceptOffer{Job: slots[0], Interpreter: ana})
	if e := event[OfferAccepted](s.when("2020-03-24T15:52", AcceptOffer{Job: slots[0], Interpreter: ben})); e.Job != slots[1] {
		t.Errorf("accepted is %+v", e)
	}
}

func TestN03AutoAssignIsNobodysDoing(t *testing.T) {
	s := created(t)
	s.sends("2020-03-24T15:46", wave(s, 1, ana), ana)
	r := s.when("2020-03-24T15:50", AcceptOffer{Job: jobID, Interpreter: ana}, func(e *Env) { e.Agency.AutoAssign = true })
	if e := event[Assigned](r); !e.BySystem() || e.Policy != 7 {
		t.Errorf("assigned by itself: %+v", e)
	}
	byHand := s.when("2020-03-24T15:50", Assign{Job: jobID, Interpreter: ben})
	if e := event[Assigned](byHand); e.BySystem() {
		t.Errorf("assigned by staff: %+v", e)
	}
}

func TestN03AnOfferStandsAsLongAsTheTimeLeftSays(t *testing.T) {
	s := created(t)
	rows := func(e *Env) {
		e.Agency.OfferHours = 4
		e.Agency.Waves = []people.Wave{{Size: 1, WaitMinutes: 1}, {UnderHours: 24, Size: 1, WaitMinutes: 1, ExpireMinutes: 20}}
	}
	for now, want := range map[string]string{
		"2020-03-24T15:50": "2020-03-24T19:50", // no row of the agency's own says so: the agency's hours
		"2020-03-25T12:00": "2020-03-25T12:20",
		"2020-03-26T09:50": "2020-03-26T10:00", // never beyond the start
	} {
		e := event[OfferSent](s.when(now, SendOffer{Job: jobID, Interpreters: ids(ana)}, rows))
		if !e.Offers[0].ExpiresAt.Equal(at(want)) {
			t.Errorf("sent at %s, it stands until %s, want %s", now, e.Offers[0].ExpiresAt.Format(time.RFC3339), want)
		}
	}
}

func TestN03AWaveThatMayBeTakenBackWaitsForThat(t *testing.T) {
	s, slots := places(t, 2)
	s.at("2020-03-24T16:00", Edit{Job: slots[0], Scope: ScopeAll, Start: str("2020-03-27T10:00")})
	if j := s.state.Jobs[1]; !j.Wave.Due.Equal(at("2020-03-24T16:10")) {
		t.Errorf("the next wave is due at %v", j.Wave.Due)
	}
	s.append([]Event{JobFlagged{Jobs: slots, Flag: FlagNoCandidates, Wave: 1}}, at("2020-03-24T16:01"))
	s.at("2020-03-24T16:02", Undo{Job: slots[0]}) // a flag is nobody's change
}
