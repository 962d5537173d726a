package booking

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/people"
)

func send(to ...uuid.UUID) SendOffer { return SendOffer{Job: jobID, Interpreters: to} }

func accept(who uuid.UUID) AcceptOffer { return AcceptOffer{Job: jobID, Interpreter: who} }

// offered is a job with an open offer to Ana and Ben; held is one that Ana has accepted.
func offered(t *testing.T) *story { return created(t).at("2020-03-24T15:47", send(ana, ben)) }
func held(t *testing.T) *story    { return offered(t).at("2020-03-24T15:58", accept(ana)) }

const (
	linAna = "LIN/5455/5J71Y"
	linBen = "LIN/5466/5J71X"
	linEve = "LIN/0000/00000"
	linSam = "LIN/1111/11111"
)

func TestLL80_LL90_SeveralHoldAnOfferAtTheSameTime(t *testing.T) {
	t.Parallel()
	s := created(t)
	start := at("2020-03-26T10:00")
	offer := func(id uuid.UUID, lin string) Offer {
		return Offer{
			Interpreter: id, LIN: lin, Language: "pl", Schedule: Schedule{Start: london("2020-03-26T10:00"), Minutes: 60},
			Fee: domain.Money{Minor: 2800, Currency: "GBP"}, TermsVersion: 1, ExpiresAt: &start,
		}
	}
	s.when("2020-03-24T15:47", send(ana, ben)).then(OfferSent{Key: key, Job: jobID, Offers: []Offer{offer(ana, linAna), offer(ben, linBen)}})
	s.at("2020-03-24T15:47", send(ana))
	s.when("2020-03-24T15:48", send(ana)).nothing()
	s.when("2020-03-24T15:48", send(ben, ana, ben)).then(OfferSent{Key: key, Job: jobID, Offers: []Offer{offer(ben, linBen)}})
}

func TestSendOffer_ItsTime(t *testing.T) {
	t.Parallel()
	until := func(now string, c SendOffer, change ...func(*Env)) time.Time {
		return *event[OfferSent](created(t).when(now, c, change...)).Offers[0].ExpiresAt
	}
	for name, c := range map[string]struct {
		now   string
		hours int
		want  string
	}{
		"until the start":        {"2020-03-24T15:47", 0, "2020-03-26T10:00"},
		"the agency's hours":     {"2020-03-24T15:47", 4, "2020-03-24T19:47"},
		"not beyond the start":   {"2020-03-26T09:00", 4, "2020-03-26T10:00"},
		"once begun, to the end": {"2020-03-26T10:00", 4, "2020-03-26T11:00"},
	} {
		if got := until(c.now, send(ana), func(e *Env) { e.Agency.OfferHours = c.hours }); !got.Equal(at(c.want)) {
			t.Errorf("%s: %v", name, got)
		}
	}
	own := at("2020-03-25T12:00")
	c := send(ana)
	c.ExpiresAt = &own
	if got := until("2020-03-24T15:47", c); !got.Equal(own) {
		t.Errorf("own expiry: %v", got)
	}
	created(t).when("2020-03-25T12:00", c).refused("invalid", "body.expiresAt")
	created(t).when("2020-03-26T11:00", send(ana)).refused("wrong-status")
	created(t).when("2020-03-24T15:47", send()).refused("invalid", "body.interpreters")
}

func TestLL39_LL130_WhoIsNotOffered(t *testing.T) {
	t.Parallel()
	s := created(t)
	precluded := tell(t).does(book(field("precludedInterpreter", linAna)), createEnv())
	s.when("2020-03-24T15:47", send(ana, sam)).refused("suspended", "body.interpreters[1]")
	s.when("2020-03-24T15:47", send(eve)).refused("not-qualified", "body.interpreters[0]")
	s.when("2020-03-24T15:47", send(assigner)).refused("not-found", "body.interpreters[0]")
	precluded.when("2020-03-24T15:47", send(eve, ana)).refused("precluded", "body.interpreters[0]", "body.interpreters[1]")
	with := send(ana)
	with.Override = "the only one who speaks it"
	o := event[OfferSent](precluded.when("2020-03-24T15:47", with)).Offers[0]
	if o.Override == nil || o.Override.Reason.Reveal() != with.Override || !slices.Equal(o.Override.Rules, []string{RulePrecluded}) {
		t.Fatalf("%+v", o.Override)
	}
	with.Interpreters = ids(sam)
	precluded.when("2020-03-24T15:47", with).refused("suspended")
	with.Interpreters = ids(ben)
	if o := event[OfferSent](precluded.when("2020-03-24T15:47", with)).Offers[0]; o.Override != nil {
		t.Error("an override is noted that nothing asked for")
	}
}

func createEnv() Env {
	e := env("2020-03-24T15:46")
	e.NewID = newID("create")
	return e
}

func TestUnmetRules(t *testing.T) {
	t.Parallel()
	job := tell(t).does(book(func(c *Create) {
		c.Alternatives = []string{"uk"}
		c.Fields["skills"] = one("spoken-and-written")
		c.Fields["precludedInterpreter"] = one(linEve)
	}), createEnv()).job()
	good := candidate(ana, linAna)
	valid := func(kind, from, to string) people.Credential {
		return people.Credential{Kind: kind, ValidFrom: from, ValidTo: to}
	}
	for name, c := range map[string]struct {
		change func(*Candidate)
		want   []string
	}{
		"none":                      {func(*Candidate) {}, nil},
		"precluded":                 {func(c *Candidate) { c.LIN = linEve }, []string{RulePrecluded}},
		"language":                  {func(c *Candidate) { c.Languages = []string{"kri"} }, []string{RuleLanguage}},
		"LL-26 alternative will do": {func(c *Candidate) { c.Languages = []string{"uk"} }, nil},
		"LL-25 skill":               {func(c *Candidate) { c.Skills = []string{"spoken-only"} }, []string{RuleSkill}},
		"service":                   {func(c *Candidate) { c.ServiceTypes = []string{"remote"} }, []string{RuleServiceType}},
		"this service":              {func(c *Candidate) { c.ServiceTypes = []string{"remote", "face-to-face"} }, nil},
		"no credential":             {func(c *Candidate) { c.Credentials = nil }, []string{RuleCredential}},
		"ends on the day":           {func(c *Candidate) { c.Credentials[0].ValidTo = "2020-03-26" }, nil},
		"ended the day before":      {func(c *Candidate) { c.Credentials[0].ValidTo = "2020-03-25" }, []string{RuleCredential}},
		"begins on the day":         {func(c *Candidate) { c.Credentials[0].ValidFrom = "2020-03-26" }, nil},
		"begins the day after":      {func(c *Candidate) { c.Credentials[0].ValidFrom = "2020-03-27" }, []string{RuleCredential}},
		"renewed":                   {func(c *Candidate) { c.Credentials = append(c.Credentials, valid("dpsi", "2010-01-01", "2014-12-31")) }, nil},
		"another kind is over":      {func(c *Candidate) { c.Credentials = append(c.Credentials, valid("npv3", "2010-01-01", "2014-12-31")) }, []string{RuleCredential}},
		"without an end":            {func(c *Candidate) { c.Credentials[0].ValidTo = "" }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := good
			k.Credentials = slices.Clone(good.Credentials)
			c.change(&k)
			if got := unmet(check(job, k, env(monday))); !slices.Equal(got, c.want) {
				t.Fatalf("unmet %v, want %v", got, c.want)
			}
		})
	}
	if got := unmet(check(job, Candidate{Profile: people.Profile{LIN: linEve, ServiceTypes: []string{"x"}}}, env(monday))); len(got) != 5 || got[0] != RulePrecluded {
		t.Fatalf("everything: %v", got)
	}
}

func TestLL25_SpokenOnlyAsksForNoSkill(t *testing.T) {
	t.Parallel()
	c := candidate(ana, linAna)
	c.Skills = nil
	if got := unmet(check(created(t).job(), c, env(monday))); len(got) > 0 {
		t.Fatal(got)
	}
}

func TestLL81_Revoke(t *testing.T) {
	t.Parallel()
	revoke := func(who uuid.UUID) RevokeOffer { return RevokeOffer{Job: jobID, Interpreter: who} }
	offered(t).when("2020-03-24T15:48", revoke(ana)).then(OfferRevoked{Job: jobID, Offered: Offered{ana, linAna}})
	s := held(t).at("2020-03-24T16:00", revoke(ana)) // an acceptance too: the hold ends
	if s.job().Holder != uuid.Nil {
		t.Error("the revoked acceptance holds the job")
	}
	s.when("2020-03-24T16:01", revoke(ana)).nothing()
	s.when("2020-03-24T16:01", revoke(eve)).refused("wrong-status")
	created(t).when("2020-03-24T16:01", revoke(ana)).refused("wrong-status")
	assignedTo(t, ana).when("2020-03-24T16:01", revoke(ana)).refused("wrong-status")
}

func TestLL82_LL90_D23_TheFirstAcceptanceHoldsTheJob(t *testing.T) {
	t.Parallel()
	s := offered(t)
	s.when("2020-03-24T15:58", accept(ana)).then(OfferAccepted{Key: key, Job: jobID, Offered: Offered{ana, linAna}})
	s = held(t)
	if j := s.job(); j.Holder != ana || j.Status != domain.New {
		t.Fatalf("held by %v, %s", j.Holder, j.Status)
	}
	s.when("2020-03-24T15:59", accept(ben)).refused("already-accepted")
	s.when("2020-03-24T15:59", accept(ana)).nothing()
	if no := s.when("2020-03-24T15:59", accept(ben)).refused("already-accepted"); no.Status != 409 {
		t.Errorf("status %d", no.Status)
	}
}

func TestAccept_NeedsAnOpenOffer(t *testing.T) {
	t.Parallel()
	created(t).when("2020-03-24T15:58", accept(ana)).refused("wrong-status")
	offered(t).when("2020-03-24T15:58", accept(uuid.Nil)).refused("wrong-status")
	offered(t).at("2020-03-24T15:58", RevokeOffer{Job: jobID, Interpreter: ana}).when("2020-03-24T15:59", accept(ana)).refused("wrong-status")
	offered(t).when("2020-03-26T10:00", accept(ana)).refused("wrong-status") // expired at that instant, though no timer has said so
	offered(t).when("2020-03-26T09:59", accept(ana)).then(OfferAccepted{Key: key, Job: jobID, Offered: Offered{ana, linAna}})
	offered(t).when("2020-03-24T15:58", accept(ana), func(e *Env) {
		c := e.Candidates[ana]
		c.Suspended = true
		e.Candidates[ana] = c
	}).refused("suspended")
	assignedTo(t, ana).when("2020-03-24T16:10", accept(ben)).refused("already-assigned")
	assignedTo(t, ana).when("2020-03-24T16:10", accept(ana)).nothing()
}

func TestD18_StaffRecordAnAcceptanceWithoutAnOffer(t *testing.T) {
	t.Parallel()
	c := accept(ben)
	c.ByStaff = true
	created(t).when("2020-03-25T10:34", c).then(OfferAccepted{Key: key, Job: jobID, Offered: Offered{ben, linBen}, WithoutOffer: true})
	offered(t).when("2020-03-25T10:34", c).then(OfferAccepted{Key: key, Job: jobID, Offered: Offered{ben, linBen}})
	c.Interpreter = sam
	created(t).when("2020-03-25T10:34", c).refused("suspended")
	c.Interpreter = uuid.Nil
	created(t).when("2020-03-25T10:34", c).refused("not-found")
	c.Interpreter = ana
	held(t).when("2020-03-25T10:34", AcceptOffer{Job: jobID, Interpreter: ben, ByStaff: true}).refused("already-accepted")
}

func TestLL28_AnotherStartComesWithTheAcceptance(t *testing.T) {
	t.Parallel()
	flexible := func(t *testing.T) *story {
		return tell(t).does(book(field("flexibility", "2-hours")), createEnv()).at("2020-03-24T15:47", send(ana))
	}
	at12 := accept(ana)
	at12.ProposedStart = "2020-03-26T12:00"
	s := flexible(t).at("2020-03-24T15:58", at12)
	eta := london("2020-03-26T12:00")
	// Within the customer's flexibility it is the ETA once the job is assigned, and the diary holds that time.
	r := s.when("2020-03-24T15:59", Assign{Job: jobID, Interpreter: ana})
	if e := event[EtaAgreed](r); !e.ETA.Equal(eta) || e.Reservation != uuid.Nil {
		t.Fatalf("%+v", e)
	}
	if w := r.d.Reserve[0]; !w.Start.Equal(eta.Instant) || !w.End.Equal(eta.Instant.Add(time.Hour)) {
		t.Fatalf("reserved %v to %v", w.Start, w.End)
	}
	// Beyond it the customer is asked first.
	late := at12
	late.ProposedStart = "2020-03-26T12:01"
	s = flexible(t).at("2020-03-24T15:58", late)
	no := s.when("2020-03-24T15:59", Assign{Job: jobID, Interpreter: ana}).refused("eta-not-agreed")
	if len(no.Actions) != 1 || no.Actions[0].Command != "propose-eta" || no.Actions[0].Body["eta"] != "2020-03-26T12:01:00" {
		t.Fatalf("%+v", no.Actions)
	}
	s.at("2020-03-24T16:00", ProposeEta{Job: jobID, ETA: "2020-03-26T12:01"}).at("2020-03-24T16:01", AgreeEta{Job: jobID})
	r = s.when("2020-03-24T16:02", Assign{Job: jobID, Interpreter: ana})
	if e := event[Assigned](r); len(r.d.Events) != 1 || e.Interpreter != ana || !r.d.Reserve[0].Start.Equal(at("2020-03-26T12:01")) {
		t.Fatalf("%+v", r.d)
	}
	// What staff proposed in the offer is accepted with it; the job's own start is no other one.
	with := send(ana)
	with.ProposedStart = "2020-03-26T11:00"
	offer := created(t).at("2020-03-24T15:47", with)
	if e := event[OfferAccepted](offer.when("2020-03-24T15:58", accept(ana))); e.ProposedStart == nil || e.ProposedStart.Local != "2020-03-26T11:00:00" {
		t.Fatalf("%+v", e.ProposedStart)
	}
	same := accept(ana)
	same.ProposedStart = "2020-03-26T10:00"
	if e := event[OfferAccepted](flexible(t).when("2020-03-24T15:58", same)); e.ProposedStart != nil {
		t.Fatalf("%+v", e.ProposedStart)
	}
	same.ProposedStart = "2020-03-24T15:00"
	flexible(t).when("2020-03-24T15:58", same).refused("invalid", "body.proposedStart")
	same.ProposedStart = "2020-03-29T01:30"
	flexible(t).when("2020-03-24T15:58", same).refused("nonexistent-local-time", "body.proposedStart")
}

func TestD23_AutoAssign(t *testing.T) {
	t.Parallel()
	auto := func(e *Env) { e.Agency.AutoAssign = true }
	r := offered(t).when("2020-03-24T15:58", accept(ana), auto)
	if len(r.d.Reserve) != 1 || r.d.Reserve[0].Interpreter != ana {
		t.Fatalf("%+v", r.d.Reserve)
	}
	r.then(
		OfferAccepted{Key: key, Job: jobID, Offered: Offered{ana, linAna}},
		Assigned{Key: key, Job: jobID, Offered: Offered{ana, linAna}, Reservation: r.d.Reserve[0].ID, Closed: []Offered{{ben, linBen}}, Policy: 7},
	)
	// What the offer was sent in spite of does not stand in the way; anything else leaves the job held.
	over := send(eve)
	over.Override = "nobody else"
	toEve := created(t).at("2020-03-24T15:47", over)
	e := event[Assigned](toEve.when("2020-03-24T15:58", accept(eve), auto))
	if e.Override == nil || !slices.Equal(e.Override.Rules, []string{RuleLanguage, RuleServiceType, RuleCredential}) {
		t.Fatalf("%+v", e.Override)
	}
	precluded := tell(t).does(book(field("precludedInterpreter", linAna)), createEnv())
	over.Interpreters = ids(ana)
	precluded.at("2020-03-24T15:47", over)
	event[Assigned](precluded.when("2020-03-24T15:58", accept(ana), auto))
	lost := func(e *Env) {
		auto(e)
		c := e.Candidates[ana]
		c.Languages = nil
		e.Candidates[ana] = c
	}
	if d := offered(t).when("2020-03-24T15:58", accept(ana), lost); len(d.d.Events) != 1 || len(d.d.Reserve) != 0 {
		t.Fatalf("assigned in spite of a rule: %+v", d.d)
	}
	if d := precluded.when("2020-03-24T15:58", accept(ana), lost); len(d.d.Events) != 1 {
		t.Fatalf("the offer's reason went past another rule too: %+v", d.d)
	}
	beyond := accept(ana)
	beyond.ProposedStart = "2020-03-26T18:00"
	if d := offered(t).when("2020-03-24T15:58", beyond, auto); d.err != nil || len(d.d.Events) != 1 || len(d.d.Reserve) != 0 {
		t.Fatalf("assigned for a start that nobody agreed to: %+v", d.d)
	}
}

func TestDecline(t *testing.T) {
	t.Parallel()
	no := DeclineOffer{Job: jobID, Interpreter: ana, Reason: "ill"}
	want := OfferDeclined{Key: key, Job: jobID, Offered: Offered{ana, linAna}, Reason: "ill"}
	offered(t).when("2020-03-24T15:58", no).then(want)
	s := held(t)
	s.when("2020-03-24T15:59", no).then(want)
	if s.at("2020-03-24T15:59", no); s.job().Holder != uuid.Nil {
		t.Error("a declined acceptance holds the job")
	}
	s.at("2020-03-24T16:00", accept(ben)) // and the next may accept
	created(t).when("2020-03-24T15:58", no).refused("wrong-status")
	offered(t).when("2020-03-26T10:00", no).refused("wrong-status")
	no.ByStaff = true
	want.WithoutOffer = true
	created(t).when("2020-03-24T15:58", no).then(want)
	offered(t).when("2020-03-26T10:00", no).then(want) // the offer has expired: it is no answer to it
	assignedTo(t, ana).when("2020-03-24T15:59", no).refused("wrong-status")
}

func TestLapse(t *testing.T) {
	t.Parallel()
	c := LapseOffer{Job: jobID, Interpreter: ana}
	offered(t).when("2020-03-26T09:59", c).refused("wrong-status")
	offered(t).when("2020-03-26T10:00", c).then(OfferLapsed{Job: jobID, Offered: Offered{ana, linAna}})
	held(t).when("2020-03-26T10:00", c).nothing()
	created(t).when("2020-03-26T10:00", c).nothing()
	offered(t).at("2020-03-26T10:00", c).at("2020-03-26T10:01", send(ana)) // it may be sent again
	offered(t).at("2020-03-26T10:01", send(ana))                           // also where no timer has come by
}

func TestEndHold(t *testing.T) {
	t.Parallel()
	c := EndHold{Job: jobID, Interpreter: ana, Elsewhere: ben}
	s := held(t)
	s.when("2020-03-24T16:00", c).then(HoldEnded{Job: jobID, Offered: Offered{ana, linAna}, Elsewhere: ben})
	if s.at("2020-03-24T16:00", c); s.job().Holder != uuid.Nil {
		t.Error("still held")
	}
	s.at("2020-03-24T16:01", accept(ben))
	offered(t).when("2020-03-24T16:00", c).nothing()
	created(t).when("2020-03-24T16:00", EndHold{Job: jobID, Elsewhere: ben}).nothing()
	held(t).when("2020-03-24T16:00", EndHold{Job: jobID, Interpreter: ana, Elsewhere: jobID}).refused("wrong-status")
}

func TestAnOfferShowsTheAgreedTimeAndTheFeeForIt(t *testing.T) {
	t.Parallel()
	s := tell(t).does(book(func(c *Create) { c.Hours, c.Minutes = num(1), num(31) }), createEnv()).
		at("2020-03-24T15:47", ChangeEta{Job: jobID, ETA: "2020-03-27T08:00", AgreedBy: "Jo"})
	o := event[OfferSent](s.when("2020-03-24T15:48", send(ana))).Offers[0]
	want := Offer{
		Interpreter: ana, LIN: linAna, Language: "pl", Schedule: Schedule{Start: london("2020-03-27T08:00"), Minutes: 91},
		Fee: domain.Money{Minor: 4247, Currency: "GBP"}, TermsVersion: 1, ExpiresAt: o.ExpiresAt, // 28.00 × 91/60 = 42.4667
	}
	if diff := cmp.Diff(want, o, plain); diff != "" {
		t.Fatal(diff)
	}
}
