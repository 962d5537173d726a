package booking

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

const tuesday = "2020-03-24T16:30" // after the offers of the stories

func str(s string) *string { return &s }

func fields(kv ...string) map[string][]string {
	m := map[string][]string{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = one(kv[i+1])
	}
	return m
}

func TestLL108_WhatCustomersMayEdit(t *testing.T) {
	t.Parallel()
	for k, v := range map[string]string{
		"yourReference": "R 2", "costCentre": "C 2", "invoiceReference": "I 2", "nonEnglishSpeaker": "Maria Nowak", "reasonForBooking": "statement",
		"venueInformation": "park behind", "reportTo": "Desk 2", "requestingOfficer": "Flo", "primaryEmail": "flo@example.com", "telephone": "01130000001",
		"secondaryEmail": "", "assignedNotes": "bring a torch",
	} {
		t.Run(k, func(t *testing.T) {
			t.Parallel()
			e := event[Edited](assignedTo(t, ana).when(tuesday, Edit{Job: jobID, ByCustomer: true, Fields: fields(k, v)}))
			c := e.Jobs[0].Own
			if c == nil {
				c = e.Shared
			}
			if got := c.Fields[k]; got.First() != v || len(c.Fields) != 1 {
				t.Fatalf("%+v", c.Fields)
			}
		})
	}
	for location, c := range map[string]Edit{
		"body.language": {Language: str("uk")}, "body.start": {Start: str("2020-03-27T10:00")}, "body.duration": {Hours: num(2), Minutes: num(0)},
		"body.location": {Location: &dublin}, "body.client": {Client: &ana}, "body.billTo": {BillTo: str("x")}, "body.serviceType": {ServiceType: str("remote")},
		"body.alternativeLanguages": {Alternatives: &[]string{"uk"}}, "body.fields.gender": {Fields: fields("gender", "female")},
		"body.fields.skills": {Fields: fields("skills", "spoken-only")}, "body.fields.agencyNotes": {Fields: fields("agencyNotes", "x")},
		"body.fields.officerInCase": {Fields: fields("officerInCase", "x")},
	} {
		t.Run(location, func(t *testing.T) {
			t.Parallel()
			c.Job, c.ByCustomer = jobID, true
			no := created(t).when(tuesday, c).refused("not-editable", location)
			if no.Status != 403 || len(no.Actions) != 1 || no.Actions[0].Command != "post-message" { // LL-109
				t.Fatalf("%+v", no)
			}
			c.ByCustomer = false
			c.Location = nil
			if _, err := c.Decide(created(t).state, env(tuesday)); err != nil && location != "body.client" && location != "body.serviceType" {
				t.Errorf("staff: %v", explain(err))
			}
		})
	}
	created(t).when(tuesday, Edit{Job: jobID, ByCustomer: true, Fields: fields("shoeSize", "44")}).refused("invalid", "body.fields.shoeSize")
}

func TestD19_RequiredStaysRequired(t *testing.T) {
	t.Parallel()
	for _, k := range []string{"reportTo", "nonEnglishSpeaker", "primaryEmail", "yourReference"} {
		created(t).when(tuesday, Edit{Job: jobID, Fields: fields(k, " ")}).refused("invalid", "body.fields."+k)
	}
}

func TestEdit_NothingChangedIsNothing(t *testing.T) {
	t.Parallel()
	s := offered(t)
	s.when(tuesday, Edit{Job: jobID}).nothing()
	s.when(tuesday, Edit{
		Job: jobID, Start: str("2020-03-26T10:00"), Hours: num(1), Minutes: num(0), Language: str("PL"), Location: &station, ServiceType: str("face-to-face"),
		BillTo: str(""), Alternatives: &[]string{}, Fields: fields("reportTo", "Reception", "secondaryEmail", "flo@example.com", "jobNotes", ""),
	}).nothing()
}

func TestLL91_AnEditRevokesAndSendsAgain(t *testing.T) {
	t.Parallel()
	names := []Offered{{ana, linAna}, {ben, linBen}}
	for name, c := range map[string]Edit{
		"time": {Start: str("2020-03-27T14:00")}, "duration": {Hours: num(2), Minutes: num(30)}, "place": {Location: &dublin},
		"typed place": {Address: &Address{Line1: "5 High St", Town: "York", Postcode: "YO1 7HU"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.Job = jobID
			s := held(t) // Ana has accepted, Ben's offer is open: both are sent again
			r := s.when(tuesday, c)
			e := event[Edited](r)
			if diff := cmp.Diff(names, e.Jobs[0].Revoked); diff != "" || len(e.Jobs[0].Resent) != 2 {
				t.Fatalf("%+v", e.Jobs[0])
			}
			r.then(e)
			s.at(tuesday, c)
			j := s.job()
			if j.Holder != uuid.Nil || len(j.Offers) != 2 || j.Offers[0].State != Open || j.Offers[1].State != Open {
				t.Fatalf("held by %v: %+v", j.Holder, j.Offers)
			}
			o := e.Jobs[0].Resent[0]
			if !o.Schedule.Start.Equal(j.Schedule.Start) || o.Schedule.Minutes != j.Schedule.Minutes {
				t.Errorf("the offer shows the old time: %+v", o)
			}
			if name == "duration" && o.Fee.Minor != 7000 { // 2.5 × 28.00
				t.Errorf("the offer shows the old fee: %v", o.Fee)
			}
		})
	}
	t.Run("language: revoked only", func(t *testing.T) {
		t.Parallel()
		c := Edit{Job: jobID, Language: str("uk")}
		s := held(t)
		e := event[Edited](s.when(tuesday, c))
		if diff := cmp.Diff(names, e.Jobs[0].Revoked); diff != "" || len(e.Jobs[0].Resent) != 0 {
			t.Fatalf("%+v", e.Jobs[0])
		}
		s.at(tuesday, c)
		if j := s.job(); j.Holder != uuid.Nil || j.Offers[0].State != Revoked || j.Details.Language != "uk" || j.Details.LanguageTier != "" {
			t.Fatalf("%+v", j)
		}
	})
	t.Run("language and time: revoked only", func(t *testing.T) {
		t.Parallel()
		e := event[Edited](offered(t).when(tuesday, Edit{Job: jobID, Language: str("uk"), Hours: num(2), Minutes: num(0)}))
		if len(e.Jobs[0].Revoked) != 2 || len(e.Jobs[0].Resent) != 0 {
			t.Fatalf("%+v", e.Jobs[0])
		}
	})
	t.Run("anything else leaves offers alone", func(t *testing.T) {
		t.Parallel()
		s := held(t)
		e := event[Edited](s.when(tuesday, Edit{Job: jobID, Fields: fields("reportTo", "Desk 2", "jobNotes", "bring ID")}))
		if len(e.Jobs[0].Revoked)+len(e.Jobs[0].Resent) != 0 {
			t.Fatalf("%+v", e.Jobs[0])
		}
	})
	t.Run("LL-39: whom the edit precludes is not sent one again", func(t *testing.T) {
		t.Parallel()
		e := event[Edited](held(t).when(tuesday, Edit{Job: jobID, Fields: fields("precludedInterpreter", linAna)}))
		if len(e.Jobs[0].Revoked) != 1 || e.Jobs[0].Revoked[0].Interpreter != ana || len(e.Jobs[0].Resent) != 0 {
			t.Fatalf("%+v", e.Jobs[0])
		}
	})
	t.Run("nor a suspended one", func(t *testing.T) {
		t.Parallel()
		e := event[Edited](offered(t).when(tuesday, Edit{Job: jobID, Hours: num(2), Minutes: num(0)}, func(e *Env) {
			c := e.Candidates[ana]
			c.Suspended = true
			e.Candidates[ana] = c
		}))
		if len(e.Jobs[0].Revoked) != 2 || len(e.Jobs[0].Resent) != 1 || e.Jobs[0].Resent[0].Interpreter != ben {
			t.Fatalf("%+v", e.Jobs[0])
		}
	})
	t.Run("an expired offer stays expired", func(t *testing.T) {
		t.Parallel()
		e := event[Edited](offered(t).when("2020-03-26T10:10", Edit{Job: jobID, Hours: num(2), Minutes: num(0)}))
		if len(e.Jobs[0].Revoked)+len(e.Jobs[0].Resent) != 0 {
			t.Fatalf("%+v", e.Jobs[0])
		}
	})
	t.Run("a job moved into the past is offered to nobody", func(t *testing.T) {
		t.Parallel()
		e := event[Edited](offered(t).when(tuesday, Edit{Job: jobID, Start: str("2020-03-24T10:00")}))
		if len(e.Jobs[0].Revoked) != 2 || len(e.Jobs[0].Resent) != 0 {
			t.Fatalf("%+v", e.Jobs[0])
		}
	})
	t.Run("an own expiry holds if it is still before the start", func(t *testing.T) {
		t.Parallel()
		until := at("2020-03-25T12:00")
		c := send(ana)
		c.ExpiresAt = &until
		s := created(t).at("2020-03-24T15:47", c)
		resent := func(c Edit) Offer { c.Job = jobID; return event[Edited](s.when(tuesday, c)).Jobs[0].Resent[0] }
		if o := resent(Edit{Start: str("2020-03-27T14:00")}); !o.ExpiresAt.Equal(until) {
			t.Errorf("%v", o.ExpiresAt)
		}
		if o := resent(Edit{Start: str("2020-03-25T11:00")}); !o.ExpiresAt.Equal(at("2020-03-25T11:00")) {
			t.Errorf("%v", o.ExpiresAt)
		}
	})
}

func TestEdit_AnAssignedJobsNewTimeIsReserved(t *testing.T) {
	t.Parallel()
	s := assignedTo(t, ana)
	old := s.job().Assignment.Reservation
	r := s.when(tuesday, Edit{Job: jobID, Start: str("2020-03-27T14:00"), Hours: num(2), Minutes: num(0)})
	e := event[Edited](r)
	want := Reserve{
		ID: e.Jobs[0].Reservation, Interpreter: ana, Job: jobID, Start: at("2020-03-27T14:00"), End: at("2020-03-27T16:00"), Replaces: old,
	}
	if want.ID == uuid.Nil || len(r.d.Reserve) != 1 || r.d.Reserve[0] != want || len(r.d.Release) != 1 || r.d.Release[0].Reservation != old {
		t.Fatalf("%+v", r.d)
	}
	r.then(e)
	s.at(tuesday, Edit{Job: jobID, Start: str("2020-03-27T14:00"), Hours: num(2), Minutes: num(0)})
	if a := s.job().Assignment; a.Reservation != want.ID || a.Interpreter != ana {
		t.Fatalf("%+v", a)
	}
	if r := assignedTo(t, ana).when(tuesday, Edit{Job: jobID, Fields: fields("reportTo", "Desk 2")}); len(r.d.Reserve)+len(r.d.Release) != 0 {
		t.Fatalf("%+v", r.d)
	}
	if r := assignedTo(t, ana).when(later, Edit{Job: jobID, Start: str("2020-03-26T14:00")}); !r.d.Reserve[0].Unchecked { // recorded afterwards
		t.Fatalf("%+v", r.d)
	}
	r = assignedTo(t, ana).when(tuesday, Edit{Job: jobID, Language: str("kri")})
	if r.err != nil || len(r.d.Warnings) != 1 || r.d.Warnings[0].Code != "not-qualified" {
		t.Fatalf("%v %+v", r.err, r.d.Warnings)
	}
}

func TestEdit_ANewStartEndsTheETA(t *testing.T) {
	t.Parallel()
	s := created(t).at(tuesday, ChangeEta{Job: jobID, ETA: "2020-03-26T16:00", AgreedBy: "Jo"}).
		at(tuesday, ProposeEta{Job: jobID, ETA: "2020-03-26T17:00"})
	s.at(tuesday, Edit{Job: jobID, Hours: num(3), Minutes: num(0)})
	if j := s.job(); j.ETA == nil || j.Proposed == nil {
		t.Error("a new duration ended the ETA")
	}
	s.at(tuesday, Edit{Job: jobID, Start: str("2020-03-27T10:00")})
	if j := s.job(); j.ETA != nil || j.Proposed != nil {
		t.Error("a new start left the old ETA")
	}
}

func TestEdit_Refused(t *testing.T) {
	t.Parallel()
	created(t).when(tuesday, Edit{
		Job: jobID, Language: str("tlh"), Start: str("2020-03-29T01:30"), Hours: num(1), Fields: fields("primaryEmail", "nobody"),
	}).refused("nonexistent-local-time", "body.language", "body.start", "body.duration.minutes", "body.fields.primaryEmail")
	created(t).when(tuesday, Edit{Job: jobID, TimeZone: str("Europe/Paris")}).refused("invalid", "body.timeZone")
	created(t).when(tuesday, Edit{Job: jobID, Location: &ana}).refused("invalid", "body.location")
	created(t).when(tuesday, Edit{Job: jobID, Location: &dublin, Address: &Address{Line1: "x", Town: "x", Postcode: "x"}}).refused("invalid", "body.address")
	created(t).when(tuesday, Edit{Job: jobID, Fields: fields("custodyReference", "C 1")}).refused("invalid", "body.fields.custodyClock") // LL-35
	created(t).when(tuesday, Edit{Job: jobID, Fields: fields("preferredInterpreter", linAna, "precludedInterpreter", linAna)}).
		refused("invalid", "body.fields.precludedInterpreter")
	liked := tell(t).does(book(field("preferredInterpreter", linAna)), createEnv())
	liked.when(tuesday, Edit{Job: jobID, Fields: fields("precludedInterpreter", linAna)}).refused("invalid", "body.fields.precludedInterpreter")
	ongoing(t).when(later, Edit{Job: jobID, Hours: num(2), Minutes: num(0)}).refused("wrong-status")
	ongoing(t).when(later, Edit{Job: jobID, Language: str("uk")}).refused("wrong-status")
	complete(t).when(later, Edit{Job: jobID, ByCustomer: true, Fields: fields("yourReference", "7")}).refused("wrong-status")
	event[Edited](complete(t).when(later, Edit{Job: jobID, Fields: fields("yourReference", "7")}))
	event[Edited](ongoing(t).when(later, Edit{Job: jobID, ByCustomer: true, Fields: fields("yourReference", "7")}))
	s := tell(t).does(remote(), func() Env { e := createEnv(); onRemote(&e); return e }())
	s.when(tuesday, Edit{Job: jobID, BillTo: str(" ")}, onRemote).refused("invalid", "body.billTo")
	s.when(tuesday, Edit{Job: jobID, Address: &Address{Line1: "x", Town: "x", Postcode: "x"}}, onRemote).refused("invalid", "body.address")
}

func TestLL27_CustomersDoNotMoveAJobIntoThePast(t *testing.T) {
	t.Parallel()
	open := func(e *Env) {
		for i := range e.Form.Fields {
			e.Form.Fields[i].Editable = true
		}
	}
	c := Edit{Job: jobID, ByCustomer: true, Start: str("2020-03-24T16:30")}
	created(t).when(tuesday, c, open).refused("invalid", "body.start")
	c.ByCustomer = false
	event[Edited](created(t).when(tuesday, c, open))
}

func TestClearingAValue(t *testing.T) {
	t.Parallel()
	s := tell(t).does(book(func(c *Create) {
		c.Fields["jobNotes"], c.Alternatives = one("bring ID"), []string{"uk"}
		c.Location, c.Address = uuid.Nil, &Address{Line1: "5 High St", Town: "York", Postcode: "YO1 7HU"}
	}), createEnv())
	s.at(tuesday, Edit{Job: jobID, Alternatives: &[]string{}, Fields: fields("jobNotes", ""), Location: &station})
	d := s.job().Details
	if _, there := d.Fields["jobNotes"]; there || len(d.AlternativeLanguages) != 0 || d.Location != station || d.Address.Town != "Leeds" {
		t.Fatalf("%+v", d)
	}
	s.at(tuesday, Edit{Job: jobID, Address: &Address{Line1: "5 High St", Town: "York", Postcode: "YO1 7HU"}})
	if d := s.job().Details; d.Location != uuid.Nil || d.Address.Outward != "YO1" {
		t.Fatalf("%+v", d)
	}
}

// team is a booking of three jobs, of which the second begins a day later and the third a week later.
func team(t *testing.T) *story {
	s := tell(t).does(book(func(c *Create) { c.Interpreters, c.JobRefs = 3, []string{jobRef, "DTP2", "DTP3"} }), createEnv())
	for i, start := range []string{"2020-03-27T10:00", "2020-04-02T10:00"} {
		s.at("2020-03-24T15:50", Edit{Job: s.state.Jobs[i+1].ID, Scope: ScopeThis, Start: str(start)})
	}
	return s
}

func touched(e Edited) (ids []uuid.UUID) {
	for _, j := range e.Jobs {
		ids = append(ids, j.Job)
	}
	return ids
}

func TestII73_WhatStandsAboveTheCalendarSpreads(t *testing.T) {
	t.Parallel()
	s := team(t)
	c := Edit{Job: jobID, Fields: fields("reportTo", "Desk 2")} // no scope is asked for
	e := event[Edited](s.when(tuesday, c))
	if diff := cmp.Diff([]uuid.UUID{jobID, s.state.Jobs[1].ID, s.state.Jobs[2].ID}, touched(e)); diff != "" || e.Shared == nil || e.Jobs[0].Own != nil {
		t.Fatalf("%+v", e)
	}
	// A sibling that is over, or not live, keeps its value and its revision (D-10).
	second := s.state.Jobs[1]
	s.at("2020-03-24T16:00", Cancel{Job: second.ID, Scope: ScopeThis, AuthorisedBy: "x"})
	s.at("2020-03-30T10:00", Edit{Job: s.state.Jobs[2].ID, Fields: fields("reportTo", "Desk 3")})
	for i, want := range []string{"Reception", "Reception", "Desk 3"} {
		if got := s.state.Jobs[i].Details.Fields["reportTo"].First(); got != want {
			t.Errorf("job %d reports to %s", i, got)
		}
	}
	if s.state.Jobs[0].Revision == s.state.Revision || s.state.Jobs[2].Revision != s.state.Revision {
		t.Error("revisions do not tell who was touched")
	}
	// The named job is changed though it is over; a sibling that has the value already is not touched.
	s = team(t).at(tuesday, Edit{Job: jobID, Fields: fields("reportTo", "Desk 2")})
	s.when("2020-03-28T10:00", Edit{Job: jobID, Fields: fields("reportTo", "Desk 2")}).nothing()
	e = event[Edited](s.when("2020-03-28T10:00", Edit{Job: jobID, Fields: fields("reportTo", "Desk 4")}))
	if diff := cmp.Diff([]uuid.UUID{jobID, s.state.Jobs[2].ID}, touched(e)); diff != "" {
		t.Fatal(diff)
	}
}

func TestII74_InAndBelowTheCalendarAsksForAScope(t *testing.T) {
	t.Parallel()
	s := team(t)
	second := s.state.Jobs[1].ID
	c := Edit{Job: second, Fields: fields("jobNotes", "bring ID")}
	s.when(tuesday, c).refused("scope-required", "body.scope")
	for scope, want := range map[string][]uuid.UUID{
		ScopeThis: {second}, ScopeFollowing: {second, s.state.Jobs[2].ID}, ScopeAll: {second, jobID, s.state.Jobs[2].ID},
	} {
		c.Scope = scope
		e := event[Edited](s.when(tuesday, c))
		if diff := cmp.Diff(want, touched(e)); diff != "" || e.Shared != nil || e.Scope != scope {
			t.Errorf("%s: %+v", scope, e)
		}
	}
	c.Scope = "future"
	s.when(tuesday, c).refused("invalid", "body.scope")
	// Both kinds at once: the one spreads, the other goes as far as the scope.
	c.Scope = ScopeThis
	c.Fields["reportTo"] = one("Desk 2")
	s.at(tuesday, c)
	for i, want := range []string{"", "bring ID", ""} {
		d := s.state.Jobs[i].Details.Fields
		if d["jobNotes"].First() != want || d["reportTo"].First() != "Desk 2" {
			t.Errorf("job %d: %q, %q", i, d["jobNotes"].First(), d["reportTo"].First())
		}
	}
}

func TestAStartEditedOverSeveralJobsMovesEachByLocalDays(t *testing.T) {
	t.Parallel()
	s := team(t)
	// From Thursday 10:00 to Friday 11:30: each a day later, at 11:30. The third crosses the clock change on the way.
	s.at(tuesday, Edit{Job: jobID, Scope: ScopeAll, Start: str("2020-03-27T11:30"), Hours: num(2), Minutes: num(0)})
	for i, want := range []string{"2020-03-27T11:30:00", "2020-03-28T11:30:00", "2020-04-03T11:30:00"} {
		if got := s.state.Jobs[i].Schedule; got.Start.Local != want || got.Minutes != 120 {
			t.Errorf("job %d: %+v", i, got)
		}
	}
	// One of them would fall into the missing hour of 29 March: the whole set is refused.
	s.when(tuesday, Edit{Job: jobID, Scope: ScopeAll, Start: str("2020-03-28T01:30")}).refused("nonexistent-local-time", "body.start")
	// A doubled time takes the earlier offset for the siblings.
	autumn := team(t).at(tuesday, Edit{Job: jobID, Scope: ScopeAll, Start: str("2020-10-24T01:30")})
	if got := autumn.state.Jobs[1].Schedule.Start; got.Local != "2020-10-25T01:30:00" || !got.Instant.Equal(time.Date(2020, 10, 25, 0, 30, 0, 0, time.UTC)) {
		t.Errorf("%+v", got)
	}
}

func TestAnEditOfASetReservesForEachAssignedJob(t *testing.T) {
	t.Parallel()
	s := team(t)
	s.at(tuesday, give(ana)).at(tuesday, Assign{Job: s.state.Jobs[1].ID, Interpreter: ana}).at(tuesday, SendOffer{Job: s.state.Jobs[2].ID, Interpreters: ids(ben)})
	r := s.when(tuesday, Edit{Job: jobID, Scope: ScopeAll, Start: str("2020-03-26T12:00")})
	e := event[Edited](r)
	if len(r.d.Reserve) != 2 || len(r.d.Release) != 2 || r.d.Reserve[0].ID == r.d.Reserve[1].ID || len(e.Jobs[2].Resent) != 1 {
		t.Fatalf("%+v", r.d)
	}
	s.at(tuesday, Edit{Job: jobID, Scope: ScopeAll, Start: str("2020-03-26T12:00")})
	for i := range 2 {
		if a := s.state.Jobs[i].Assignment; a.Reservation == uuid.Nil || s.state.Jobs[i].Status != domain.Assigned {
			t.Errorf("job %d: %+v", i, a)
		}
	}
}

func TestAnEditsLocationBringsItsClient(t *testing.T) {
	t.Parallel()
	world := func(e *Env) {
		e.Clients = map[uuid.UUID]string{ana: "North", ben: "South"}
		p := e.Locations[dublin]
		p.Client = ana
		e.Locations[dublin] = p
	}
	e := event[Edited](created(t).when(tuesday, Edit{Job: jobID, Location: &dublin}, world))
	if c := e.Shared.Client; c == nil || *c != ana {
		t.Fatalf("%+v", e.Shared)
	}
	event[Edited](created(t).when(tuesday, Edit{Job: jobID, Location: &dublin, Client: &ana}, world))
	created(t).when(tuesday, Edit{Job: jobID, Location: &dublin, Client: &ben}, world).refused("invalid", "body.location")
	created(t).when(tuesday, Edit{Job: jobID, Client: &eve}, world).refused("invalid", "body.client")
}

func TestLL27_NorASiblingIntoThePast(t *testing.T) {
	t.Parallel()
	open := func(e *Env) {
		for i := range e.Form.Fields {
			e.Form.Fields[i].Editable = true
		}
	}
	// The last job moves five days back, to the day after tomorrow; its siblings would move to the week before.
	s := team(t)
	c := Edit{Job: s.state.Jobs[2].ID, Scope: ScopeAll, Start: str("2020-03-28T10:00"), ByCustomer: true}
	s.when(tuesday, c, open).refused("invalid", "body.start", "body.start")
	c.ByCustomer = false
	event[Edited](s.when(tuesday, c, open))
}
