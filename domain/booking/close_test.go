package booking

import (
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/people"
)

func closing(by string) func(*Env) { return func(e *Env) { e.Customer.Closing = by } }

func TestII75_OnePartyClosing(t *testing.T) {
	t.Parallel()
	for _, side := range []Side{CustomerSide, InterpreterSide} {
		c := Close{Job: jobID, Side: side, Start: "2020-03-26T10:05", End: "2020-03-26T11:20"}
		assignedTo(t, ana).when(later, c).refused("not-permitted")
		assignedTo(t, ana).when(later, c, closing(string(other(side)))).refused("not-permitted")
		s := assignedTo(t, ana)
		start, end := london("2020-03-26T10:05"), london("2020-03-26T11:20")
		r := s.when(later, c, closing(string(side))).then(Closed{
			Key: key, Job: jobID, From: domain.Assigned, Outcome: domain.Success, Start: &start, End: &end, Worked: 75, // II-77
			Reservation: s.job().Assignment.Reservation,
		})
		if len(r.d.Release) != 1 {
			t.Errorf("%+v", r.d.Release)
		}
		c.Outcome = domain.ClientNoShow
		assignedTo(t, ana).when(later, c, closing(string(side))).refused("invalid", "body.outcome")
		created(t).when(later, c, closing(string(side))).refused("wrong-status")
	}
}

func TestII77_ActualTimes(t *testing.T) {
	t.Parallel()
	times := func(start, end string) Close { return Close{Job: jobID, Start: start, End: end} }
	assignedTo(t, ana).when(later, times("", "")).refused("invalid", "body.start", "body.end")
	assignedTo(t, ana).when(later, times("2020-03-26T10:00", "")).refused("invalid", "body.end")
	assignedTo(t, ana).when(later, times("2020-03-26T11:00", "2020-03-26T10:00")).refused("invalid", "body.end")
	assignedTo(t, ana).when(later, times("2020-03-26T10:00", "2020-03-26T20:01")).refused("invalid", "body.end")
	assignedTo(t, ana).when(later, times("2020-03-20T10:00", "2020-03-26T11:00")).refused("invalid", "body.end")
	assignedTo(t, ana).when("2020-03-26T09:59", times("2020-03-26T09:00", "2020-03-26T09:30")).refused("wrong-status")
}

func TestD08_AnUnfulfilledJob(t *testing.T) {
	t.Parallel()
	c := Close{Job: jobID, Reason: "nobody found"}
	created(t).when("2020-03-26T10:59", c).refused("wrong-status") // its time has not passed
	created(t).when("2020-03-26T11:00", c).then(Closed{
		Key: key, Job: jobID, From: domain.New, Outcome: domain.NotFulfilled, Reason: "nobody found",
	})
	created(t).when(later, Close{Job: jobID}).refused("invalid", "body.reason")
	created(t).when(later, Close{Job: jobID, Outcome: domain.Success, Reason: "x", Start: "2020-03-26T10:00", End: "2020-03-26T11:00"}).
		refused("invalid", "body.outcome", "body.start")
	held(t).at(later, c)
	// II-90: a reason of the agency's list is stored as such, so that reports can count it.
	listed := func(e *Env) {
		e.Agency.Reasons = map[string][]people.Option{ReasonsUnfulfilled: {{Value: "none-found", Label: "Nobody found"}}}
	}
	if e := event[Closed](created(t).when(later, c, listed)); e.ReasonCode != "none-found" || e.Reason != "" {
		t.Errorf("%+v", e)
	}
}

func TestClose_StaffRecordEveryOutcome(t *testing.T) {
	t.Parallel()
	for _, o := range []domain.Outcome{domain.Aborted, domain.ClientNoShow, domain.WorkerNoShow} {
		e := event[Closed](assignedTo(t, ana).when(later, Close{Job: jobID, Outcome: o}))
		if e.Outcome != o || e.Worked != 0 || e.Start != nil {
			t.Errorf("%+v", e)
		}
	}
	e := event[Closed](assignedTo(t, ana).when(later, Close{Job: jobID, Outcome: domain.ClientNoShow, Start: "2020-03-26T10:00", End: "2020-03-26T10:30"}))
	if e.Worked != 30 {
		t.Errorf("waited for %d minutes", e.Worked)
	}
	assignedTo(t, ana).when(later, Close{Job: jobID, Outcome: domain.Curtailed}).refused("invalid", "body.start", "body.end")
	assignedTo(t, ana).when(later, Close{Job: jobID, Outcome: domain.Aborted, Documents: ids(document, eve)}).refused("invalid", "body.documents[1]")
	assignedTo(t, ana).when(later, Close{Job: jobID, Outcome: "splendid"}).refused("invalid", "body.outcome")
	assignedTo(t, ana).when(later, Close{Job: jobID, Outcome: domain.NotFulfilled}).refused("invalid", "body.reason")
	complete(t).when(later, Close{Job: jobID}).refused("wrong-status")
	cancelled(t).when(later, Close{Job: jobID}).refused("wrong-status")
}

func TestClose_StaffSettleEnteredHours(t *testing.T) {
	t.Parallel()
	c := submit(InterpreterSide, "10:00-10:30", "11:00-12:00")
	c.Incidentals = []IncidentalIn{{Kind: "mileage", Quantity: "10", Note: "from York"}}
	c.Documents = ids(document)
	s := assignedTo(t, ana).at(later, c)
	e := event[Closed](s.when(later, Close{Job: jobID}))
	if e.From != domain.Ongoing || e.Worked != 90 || e.Start.Local != "2020-03-26T10:00:00" || e.End.Local != "2020-03-26T12:00:00" ||
		len(e.Incidentals) != 1 || e.Documents[0] != document {
		t.Fatalf("%+v", e)
	}
	own := Close{Job: jobID, Start: "2020-03-26T10:00", End: "2020-03-26T11:00", Incidentals: []IncidentalIn{{Kind: "mileage", Quantity: "5"}}}
	if e := event[Closed](s.when(later, own)); e.Worked != 60 || e.Incidentals[0].Quantity != 500 {
		t.Fatalf("%+v", e)
	}
	if e := event[Closed](s.when(later, Close{Job: jobID, Outcome: domain.WorkerNoShow})); e.Worked != 0 || len(e.Incidentals) != 0 {
		t.Fatalf("%+v", e)
	}
}

const threeDays = "2020-03-23T10:00" // exactly 72 hours before

func cancelled(t *testing.T) *story {
	return created(t).at("2020-03-24T16:00", Cancel{Job: jobID, AuthorisedBy: "Sgt Smith"})
}

// early is a job booked a week ahead, so that its customer may still cancel it.
func early(t *testing.T) *story {
	e := createEnv()
	e.Now = at("2020-03-19T09:00")
	return tell(t).does(booked(), e)
}

func TestLL113_OnlyWhileMoreThanTheHoursRemain(t *testing.T) {
	t.Parallel()
	c := Cancel{Job: jobID, AuthorisedBy: "Sgt Smith", ByCustomer: true}
	event[Cancelled](early(t).when("2020-03-23T09:59:59", c))
	no := early(t).when(threeDays, c).refused("too-late")
	if no.Until != "2020-03-23T10:00:00Z" || no.Status != 422 { // LL-115
		t.Errorf("%+v", no)
	}
	if len(no.Actions) != 1 || no.Actions[0].Command != "post-message" || no.Actions[0].Body["text"] != "Please cancel job DTP1389466." {
		t.Errorf("%+v", no.Actions)
	}
	event[Cancelled](early(t).when(threeDays, c, func(e *Env) { e.Agency.CancelInclusive = true })) // D-06
	early(t).when("2020-03-23T10:00:01", c, func(e *Env) { e.Agency.CancelInclusive = true }).refused("too-late")
	event[Cancelled](early(t).when("2020-03-26T07:59", c, func(e *Env) { e.Customer.CancelHours = num(2) }))
	early(t).when("2020-03-26T08:00", c, func(e *Env) { e.Customer.CancelHours = num(2) }).refused("too-late")
	c.ByCustomer = false
	event[Cancelled](early(t).when("2020-03-26T09:59", c)) // staff are not bound
	off := false
	c.ByCustomer = true
	if no := early(t).when("2020-03-20T10:00", c, func(e *Env) { e.Customer.CancelEnabled = &off }).refused("not-permitted"); no.Status != 403 {
		t.Errorf("%+v", no)
	}
	// The window counts from the agreed start, if there is one.
	moved := early(t).at("2020-03-20T09:00", ChangeEta{Job: jobID, ETA: "2020-03-27T10:00", AgreedBy: "Jo"})
	event[Cancelled](moved.when("2020-03-24T09:59", c))
	moved.when("2020-03-24T10:00", c).refused("too-late")
}

func TestLL114_AuthorisedBy(t *testing.T) {
	t.Parallel()
	early(t).when("2020-03-20T10:00", Cancel{Job: jobID, ByCustomer: true, AuthorisedBy: " "}).refused("invalid", "body.authorisedBy")
	e := event[Cancelled](early(t).when("2020-03-20T10:00", Cancel{Job: jobID, ByCustomer: true, AuthorisedBy: " Sgt Smith "}))
	if e.AuthorisedBy != "Sgt Smith" || e.Scope != ScopeThis || e.Policy.CancelHours != 72 || !e.Policy.CancelStrict {
		t.Fatalf("%+v", e)
	}
}

func TestII84_TheReasonComesFromAList(t *testing.T) {
	t.Parallel()
	reasons := func(needs ...string) func(*Env) {
		return func(e *Env) {
			e.Form.CancelNeeds = needs
			e.Agency.Reasons = map[string][]people.Option{ReasonsCancel: {{Value: "not-needed", Label: "No longer needed"}}}
		}
	}
	cancel := func(reason string) Cancel { return Cancel{Job: jobID, Reason: reason, Details: "the case is closed"} }
	created(t).when("2020-03-24T16:00", cancel(""), reasons("reason")).refused("invalid", "body.reason")
	event[Cancelled](created(t).when("2020-03-24T16:00", cancel(""), reasons())) // optional unless the form asks for it
	created(t).when("2020-03-24T16:00", cancel("bored"), reasons("reason")).refused("invalid", "body.reason")
	for _, sent := range []string{"not-needed", "no longer needed"} {
		if e := event[Cancelled](created(t).when("2020-03-24T16:00", cancel(sent), reasons("reason"))); e.Reason != "not-needed" || e.Details != "the case is closed" { // II-85
			t.Errorf("%+v", e)
		}
	}
	noList := func(e *Env) { e.Form.CancelNeeds = []string{"reason"} }
	if e := event[Cancelled](created(t).when("2020-03-24T16:00", cancel("he is ill"), noList)); e.Reason != "" || e.Details != "he is ill\nthe case is closed" {
		t.Errorf("a free text stands unsealed: %+v", e)
	}
}

func TestCancel_EndsOffersAndAssignment(t *testing.T) {
	t.Parallel()
	c := Cancel{Job: jobID, AuthorisedBy: "Sgt Smith"}
	r := held(t).when("2020-03-24T16:00", c)
	if e := event[Cancelled](r); len(e.Jobs) != 1 || len(e.Jobs[0].Closed) != 2 || e.Jobs[0].From != domain.New || len(r.d.Release) != 0 {
		t.Fatalf("%+v", e)
	}
	r.then(event[Cancelled](r))
	s := assignedTo(t, ana)
	reservation := s.job().Assignment.Reservation
	r = s.when("2020-03-24T16:00", c)
	if e := event[Cancelled](r); e.Jobs[0].Reservation != reservation || e.Jobs[0].Closed[0].Interpreter != ana || len(r.d.Release) != 1 {
		t.Fatalf("%+v", r.d)
	}
	s.at("2020-03-24T16:00", c)
	if j := s.job(); j.Status != domain.Cancelled || j.Assignment != nil {
		t.Fatalf("%+v", j)
	}
	s.when("2020-03-24T16:01", c).nothing()
	ongoing(t).when(later, c).refused("wrong-status")
	complete(t).when(later, c).refused("wrong-status")
	for _, c := range []Command{send(ana), accept(ana), give(ana), submit(CustomerSide, "10:00-11:00"), Take{Job: jobID}, LetGo{Job: jobID},
		ProposeEta{Job: jobID, ETA: "2020-03-26T12:00"}, ChangeEta{Job: jobID, ETA: "2020-03-26T12:00", AgreedBy: "Jo"}, Edit{Job: jobID}} {
		cancelled(t).when("2020-03-24T16:01", c).refused("wrong-status")
	}
}

func TestScopeOfACancellation(t *testing.T) {
	t.Parallel()
	team := func(t *testing.T) *story {
		return tell(t).does(book(func(c *Create) { c.Interpreters, c.JobRefs = 3, []string{jobRef, "DTP2", "DTP3"} }), createEnv())
	}
	c := Cancel{Job: jobID, AuthorisedBy: "Sgt Smith"}
	no := team(t).when("2020-03-24T16:00", c).refused("scope-required", "body.scope")
	if len(no.Choices) != 3 {
		t.Fatal(no.Choices)
	}
	for scope, want := range map[string]int{ScopeThis: 1, ScopeAll: 3, ScopeFollowing: 1} { // the team begins together: nobody follows
		c.Scope = scope
		e := event[Cancelled](team(t).when("2020-03-24T16:00", c))
		if len(e.Jobs) != want || e.Jobs[0].Job != jobID || e.Scope != scope {
			t.Errorf("%s: %+v", scope, e)
		}
	}
	c.Scope = "some"
	team(t).when("2020-03-24T16:00", c).refused("invalid", "body.scope")
	// A sibling that has ended, or that the customer's window forbids, stays.
	c.Scope = ScopeAll
	s := team(t)
	second := s.state.Jobs[1].ID
	s.at("2020-03-24T15:50", Cancel{Job: second, Scope: ScopeThis, AuthorisedBy: "x"})
	if e := event[Cancelled](s.when("2020-03-24T16:00", c)); len(e.Jobs) != 2 || e.Jobs[1].Job != s.state.Jobs[2].ID {
		t.Errorf("%+v", e.Jobs)
	}
	s = team(t).at("2020-03-24T15:50", ChangeEta{Job: jobID, ETA: "2020-04-26T10:00", AgreedBy: "Jo"})
	c.ByCustomer = true
	if e := event[Cancelled](s.when("2020-03-24T16:00", c)); len(e.Jobs) != 1 {
		t.Errorf("%+v", e.Jobs)
	}
}

func TestLL97_Messages(t *testing.T) {
	t.Parallel()
	c := PostMessage{Job: jobID, Text: " please call me "}
	for _, s := range []*story{created(t), complete(t), cancelled(t)} {
		r := s.when(later, c)
		r.then(MessagePosted{Key: key, Job: jobID, ID: r.e.NewID("message"), Text: "please call me"})
	}
	created(t).when(later, PostMessage{Job: jobID, Text: " "}).refused("invalid", "body.text")
	created(t).when(later, PostMessage{Job: jobID, Text: string(make([]byte, 3))}).refused("invalid", "body.text")
	created(t).when(later, PostMessage{Job: jobID, Text: string(make([]rune, 4001))}).refused("invalid", "body.text")
}

func TestLL63_LogContact(t *testing.T) {
	t.Parallel()
	c := LogContact{Job: jobID, Kind: "call", Text: "told them", NextUpdateMinutes: 30}
	r := created(t).when(monday, c)
	r.then(ContactLogged{Key: key, Job: jobID, ID: r.e.NewID("contact"), Kind: "call", Text: "told them", NextUpdateMinutes: 30})
	created(t).when(monday, LogContact{Job: jobID, Kind: "pigeon", NextUpdateMinutes: -1}).refused("invalid", "body.kind", "body.text", "body.nextUpdateMinutes")
	complete(t).when(later, c).refused("wrong-status")
}

func TestLL67_TakeAndRelease(t *testing.T) {
	t.Parallel()
	s := created(t)
	s.when(monday, LetGo{Job: jobID}).refused("wrong-status")
	s.when(monday, Take{Job: jobID}).then(Taken{Job: jobID, By: assigner})
	s.at(monday, Take{Job: jobID}).when(monday, Take{Job: jobID}).nothing()
	s.when(monday, Take{Job: jobID}, func(e *Env) { e.Actor.ID = eve }).then(Taken{Job: jobID, By: eve})
	s.when(monday, LetGo{Job: jobID}).then(Released{Job: jobID, By: assigner})
	s.at(monday, LetGo{Job: jobID}).when(monday, LetGo{Job: jobID}).refused("wrong-status")
	assignedTo(t, ana).when(later, Take{Job: jobID}).refused("wrong-status")
}

func TestVoidReservation(t *testing.T) {
	t.Parallel()
	c := VoidReservation{Job: jobID, Reservation: eve}
	created(t).when(monday, c).then(ReservationVoided{Job: jobID, Reservation: eve})
	s := assignedTo(t, ana)
	c.Reservation = s.job().Assignment.Reservation
	s.when(monday, c).refused("reservation-claimed")
	s.at("2020-03-24T18:04", Unassign{Job: jobID, Interpreter: ana, Reason: "x"})
	s.when(monday, c).then(ReservationVoided{Job: jobID, Reservation: c.Reservation})
	done := complete(t)
	c.Reservation = done.job().Assignment.Reservation
	done.when(monday, c).then(ReservationVoided{Job: jobID, Reservation: c.Reservation})
}

func TestErase(t *testing.T) {
	t.Parallel()
	s := ongoing(t)
	s.when(later, ErasePerson{Reason: "subject-request"}).then(PersonErased{Keys: []uuid.UUID{key}, Reason: "subject-request"})
	if e := event[PersonErased](s.when(later, ErasePerson{Reason: "Jan Kowalski asked for it"})); e.Reason != "other" {
		t.Error("free text about the person stands in clear")
	}
	tell(t).when(later, ErasePerson{}).refused("not-found")
	s.at(later, ErasePerson{Reason: "subject-request"})
	s.when(later, ErasePerson{Reason: "subject-request"}).nothing()
	d := s.job().Details
	if d.Address.Line1 != domain.Erased || d.Address.Postcode != domain.Erased || d.Address.Line2 != "" || d.Address.Town != "Leeds" {
		t.Errorf("%+v", d.Address)
	}
	for k, v := range d.Fields {
		if v.Personal && v.First() != domain.Erased {
			t.Errorf("%s is not erased", k)
		}
	}
	if d.Fields["offenceCategory"].First() != "theft" {
		t.Error("what is about nobody is gone too")
	}
	if len(s.events[0].(Created).Shared.Fields) == 0 || s.events[0].(Created).Shared.Fields["reportTo"].First() != "Reception" {
		t.Error("the event itself was written into")
	}
}

// TestErasedBookingsLiveOn: what needs no free text goes on, what has any is refused.
func TestErasedBookingsLiveOn(t *testing.T) {
	t.Parallel()
	gone := func(s *story) *story { return s.at("2020-03-24T17:00", ErasePerson{Reason: "subject-request"}) }
	override, reasoned, dispute := give(eve), accept(ana), DisputeTimesheet{Job: jobID, Side: InterpreterSide, Reason: "x"}
	override.Override, reasoned.Reason = "nobody else", "gladly"
	noted := submit(CustomerSide, "10:00-11:00")
	noted.Incidentals = []IncidentalIn{{Kind: "mileage", Quantity: "1", Note: "from York"}}
	for _, r := range []tried{
		gone(created(t)).when(later, PostMessage{Job: jobID, Text: "x"}),
		gone(created(t)).when(later, LogContact{Job: jobID, Kind: "call", Text: "x"}),
		gone(created(t)).when(later, override),
		gone(offered(t)).when("2020-03-25T10:00", reasoned),
		gone(assignedTo(t, ana)).when(later, Unassign{Job: jobID, Interpreter: ana, Reason: "ill"}),
		gone(assignedTo(t, ana)).when(later, ChangeEta{Job: jobID, ETA: "2020-03-27T10:00", AgreedBy: "Jo"}),
		gone(assignedTo(t, ana)).when(later, noted),
		gone(created(t)).when("2020-03-25T10:00", Edit{Job: jobID, Fields: map[string][]string{"reportTo": one("Desk 2")}}),
		gone(created(t)).when("2020-03-25T10:00", Edit{Job: jobID, Location: &dublin}),
		gone(created(t)).when("2020-03-25T10:00", Cancel{Job: jobID, AuthorisedBy: "Jo"}),
	} {
		r.refused("erased")
	}
	s := gone(assignedTo(t, ana))
	s.at(later, Unassign{Job: jobID, Interpreter: ana}).at(later, give(ben)).at(later, submit(CustomerSide, "10:00-11:00"))
	s.when(later, dispute).refused("erased")
	s.at(later, AcceptTimesheet{Job: jobID, Side: InterpreterSide})
	gone(created(t)).at("2020-03-25T10:00", Cancel{Job: jobID})
	gone(created(t)).at("2020-03-25T10:00", Edit{Job: jobID, Fields: map[string][]string{"costCentre": one("77")}})
	gone(created(t)).at(later, Close{Job: jobID})
	gone(assignedTo(t, ana)).at("2020-03-25T10:00", ChangeEta{Job: jobID, ETA: "2020-03-27T10:00"})
	next := gone(ongoing(t)).at(later, Continue{Job: jobID, Ref: "DTP2", Side: CustomerSide, Blocks: hours("15:01-16:00")})
	if v := next.state.Jobs[1].Details.Fields["nonEnglishSpeaker"]; v.First() != domain.Erased {
		t.Error("a continuation brings personal values back")
	}
	// Hours that were entered before the erasure can still be settled; what was noted beside their costs is gone.
	noted.Side = InterpreterSide
	settled := gone(assignedTo(t, ana).at(later, noted)).when(later, Close{Job: jobID})
	if e := event[Closed](settled); len(e.Incidentals) != 1 || e.Incidentals[0].Note != "" || e.Worked != 60 {
		t.Errorf("%+v", e)
	}
	// An offer that was sent in spite of a rule goes out again without the reason, which is gone.
	over := send(eve)
	over.Override = "nobody else"
	again := gone(created(t).at("2020-03-24T15:47", over))
	if o := again.job().Offers[0].Override; o == nil || o.Reason != domain.Erased {
		t.Errorf("%+v", o)
	}
	e := event[Edited](again.when("2020-03-25T10:00", Edit{Job: jobID, Hours: num(2), Minutes: num(0)}))
	if len(e.Jobs[0].Resent) != 1 || e.Jobs[0].Resent[0].Override != nil {
		t.Errorf("%+v", e.Jobs[0])
	}
}
