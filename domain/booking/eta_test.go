package booking

import (
	"testing"

	"github.com/google/uuid"
)

func TestLL96_ProposedAndAgreed(t *testing.T) {
	t.Parallel()
	propose, eta := ProposeEta{Job: jobID, ETA: "2020-03-26T16:00"}, london("2020-03-26T16:00")
	s := assignedTo(t, ana)
	old := s.job().Assignment.Reservation
	s.when("2020-03-24T16:00", propose).then(EtaProposed{Job: jobID, ETA: eta})
	s.at("2020-03-24T16:00", propose)
	if s.job().ETA != nil {
		t.Fatal("an ETA without agreement")
	}
	s.when("2020-03-24T16:01", propose).nothing()
	s.when("2020-03-24T16:01", DeclineEta{Job: jobID}).then(EtaDeclined{Job: jobID, ETA: eta})
	r := s.when("2020-03-24T16:01", AgreeEta{Job: jobID})
	e := event[EtaAgreed](r)
	want := Reserve{ID: e.Reservation, Interpreter: ana, Job: jobID, Start: eta.Instant, End: eta.Instant.Add(60 * 60 * 1e9), Replaces: old}
	if len(r.d.Reserve) != 1 || r.d.Reserve[0] != want || r.d.Release[0] != (Release{ana, old, "replaced"}) {
		t.Fatalf("%+v", r.d)
	}
	r.then(EtaAgreed{Job: jobID, ETA: eta, Reservation: want.ID})
	s.at("2020-03-24T16:01", AgreeEta{Job: jobID})
	j := s.job()
	if !j.ETA.Equal(eta) || j.Proposed != nil || j.Schedule.Start.Local != "2020-03-26T10:00:00" || j.Assignment.Reservation != want.ID {
		t.Fatalf("%+v", j)
	}
	s.when("2020-03-24T16:02", AgreeEta{Job: jobID}).refused("wrong-status")
	s.when("2020-03-24T16:02", DeclineEta{Job: jobID}).refused("wrong-status")
	s.when("2020-03-24T16:02", propose).nothing() // agreed already
}

func TestLL96_BeforeAnyoneIsAssignedNothingIsReserved(t *testing.T) {
	t.Parallel()
	s := created(t).at("2020-03-24T16:00", ProposeEta{Job: jobID, ETA: "2020-03-26T16:00"})
	r := s.when("2020-03-24T16:01", AgreeEta{Job: jobID}).then(EtaAgreed{Job: jobID, ETA: london("2020-03-26T16:00")})
	if len(r.d.Reserve) != 0 {
		t.Fatalf("%+v", r.d)
	}
	s.at("2020-03-24T16:01", AgreeEta{Job: jobID})
	if w := s.when("2020-03-24T16:02", give(ana)).d.Reserve; len(w) != 1 || !w[0].Start.Equal(at("2020-03-26T16:00")) {
		t.Fatalf("%+v", w)
	}
}

func TestProposeEta_Refused(t *testing.T) {
	t.Parallel()
	s := created(t)
	s.when("2020-03-26T16:00", ProposeEta{Job: jobID, ETA: "2020-03-26T16:00"}).refused("invalid", "body.eta")
	s.when("2020-03-24T16:00", ProposeEta{Job: jobID}).refused("invalid", "body.eta")
	s.when("2020-03-24T16:00", ProposeEta{Job: jobID, ETA: "2020-03-29T01:30"}).refused("nonexistent-local-time", "body.eta")
	s.when("2020-03-24T16:00", ProposeEta{Job: jobID, ETA: "2020-03-26T10:00"}).nothing() // that is when it begins
	ongoing(t).when("2020-03-26T12:10", ProposeEta{Job: jobID, ETA: "2020-03-27T16:00"}).refused("wrong-status")
	ongoing(t).when("2020-03-26T12:10", ChangeEta{Job: jobID, ETA: "2020-03-27T16:00", AgreedBy: "Jo"}).refused("wrong-status")
}

func TestLL87_D21_ChangeEta(t *testing.T) {
	t.Parallel()
	change := ChangeEta{Job: jobID, ETA: "2020-03-26T16:00", AgreedBy: "Jo Bloggs"}
	want := EtaChanged{Key: key, Job: jobID, ETA: london("2020-03-26T16:00"), AgreedBy: "Jo Bloggs"}
	created(t).when("2020-03-24T16:00", change).then(want)
	s := assignedTo(t, ana)
	old := s.job().Assignment.Reservation
	for now, past := range map[string]struct{ in, unchecked bool }{
		"2020-03-24T16:00": {}, "2020-03-26T15:59": {}, "2020-03-26T16:00": {in: true}, "2020-04-15T08:40": {in: true, unchecked: true},
	} {
		r := s.when(now, change)
		if len(r.d.Reserve) != 1 || r.d.Reserve[0].Replaces != old || r.d.Reserve[0].Unchecked != past.unchecked {
			t.Fatalf("at %s: %+v", now, r.d)
		}
		want.InPast, want.Reservation = past.in, r.d.Reserve[0].ID
		r.then(want)
	}
	s.when("2020-03-24T16:00", ChangeEta{Job: jobID, ETA: "2020-03-26T16:00"}).refused("invalid", "body.agreedBy")
	s.when("2020-03-24T16:00", ChangeEta{Job: jobID}).refused("invalid", "body.agreedBy", "body.eta")
	s.at("2020-03-24T16:00", change).when("2020-03-24T16:01", change).nothing()
	// It also settles what waits for an answer.
	p := created(t).at("2020-03-24T16:00", ProposeEta{Job: jobID, ETA: "2020-03-26T16:00"})
	p.at("2020-03-24T16:01", ChangeEta{Job: jobID, ETA: "2020-03-26T10:00", AgreedBy: "Jo"})
	if p.job().Proposed != nil {
		t.Error("the proposal still waits")
	}
	if s.state.Jobs[0].Assignment.Reservation == uuid.Nil {
		t.Error("no reservation")
	}
}
