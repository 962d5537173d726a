package booking

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// hours are blocks of 26 March 2020: "10:00-11:00".
func hours(spans ...string) []BlockIn {
	var list []BlockIn
	for _, s := range spans {
		list = append(list, BlockIn{"2020-03-26T" + s[:5], "2020-03-26T" + s[6:]})
	}
	return list
}

func submit(side Side, spans ...string) SubmitTimesheet {
	return SubmitTimesheet{Job: jobID, Side: side, Blocks: hours(spans...)}
}

const later = "2020-03-26T20:00" // on the day of service, when all is over

// ongoing is a job whose customer has entered the hours.
func ongoing(t *testing.T) *story {
	return assignedTo(t, ana).at("2020-03-26T12:00", submit(CustomerSide, "10:00-11:00"))
}

func complete(t *testing.T) *story {
	return ongoing(t).at("2020-03-26T12:05", AcceptTimesheet{Job: jobID, Side: InterpreterSide})
}

func TestLL88_LL93_LL123_Submit(t *testing.T) {
	t.Parallel()
	r := assignedTo(t, ana).when(later, submit(CustomerSide, "09:00-10:00", "10:30-11:00"))
	e := event[TimesheetSubmitted](r)
	if e.Worked != 90 || len(e.Blocks) != 2 || e.Blocks[1].Start.Local != "2020-03-26T10:30:00" || e.Side != CustomerSide {
		t.Fatalf("%+v", e)
	}
	r.then(e)
	s := ongoing(t)
	if s.job().Status != domain.Ongoing {
		t.Fatal(s.job().Status)
	}
	s.when(later, submit(CustomerSide, "10:00-11:00")).nothing()
	s.when(later, submit(CustomerSide, "10:00-12:00")).refused("wrong-status")
	s.when(later, submit(InterpreterSide, "10:00-11:00")).refused("wrong-status")
	created(t).when(later, submit(CustomerSide, "10:00-11:00")).refused("wrong-status")
	event[TimesheetSubmitted](assignedTo(t, ana).when(later, submit(InterpreterSide, "10:00-11:00"))) // D-09: either side begins
}

func TestLL123_Blocks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		blocks    []BlockIn
		locations []string
	}{
		"none":         {nil, []string{"body.blocks"}},
		"overlapping":  {hours("09:00-10:00", "09:59-11:00"), []string{"body.blocks[1].start"}},
		"reversed":     {hours("10:00-09:00"), []string{"body.blocks[0].end"}},
		"empty":        {hours("10:00-10:00"), []string{"body.blocks[0].end"}},
		"out of order": {hours("11:00-12:00", "09:00-10:00"), []string{"body.blocks[1].start"}},
		"ahead":        {hours("19:00-20:01"), []string{"body.blocks[0].end"}},
		"no times":     {[]BlockIn{{}}, []string{"body.blocks[0].start", "body.blocks[0].end"}},
		"two faults":   {[]BlockIn{{"x", "2020-03-26T10:00"}, {"2020-03-26T11:00", "2020-03-26T10:00"}}, []string{"body.blocks[0].start", "body.blocks[1].end"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assignedTo(t, ana).when(later, SubmitTimesheet{Job: jobID, Side: CustomerSide, Blocks: c.blocks}).refused("invalid", c.locations...)
		})
	}
	t.Run("seven rows and more, touching", func(t *testing.T) {
		t.Parallel()
		var many []string
		for i := range 8 {
			many = append(many, fmt.Sprintf("%02d:00-%02d:00", 9+i, 10+i))
		}
		if e := event[TimesheetSubmitted](assignedTo(t, ana).when(later, submit(CustomerSide, many...))); e.Worked != 480 {
			t.Fatal(e.Worked)
		}
	})
	t.Run("not before it begins", func(t *testing.T) {
		t.Parallel()
		assignedTo(t, ana).when("2020-03-26T09:59", submit(CustomerSide, "09:00-09:30")).refused("wrong-status")
	})
	t.Run("neither side", func(t *testing.T) {
		t.Parallel()
		assignedTo(t, ana).when(later, submit("", "10:00-11:00")).refused("invalid", "body.onBehalfOf")
	})
	t.Run("far from the booked time is warned of", func(t *testing.T) {
		t.Parallel()
		r := assignedTo(t, ana).when("2020-05-01T13:17", SubmitTimesheet{Job: jobID, Side: CustomerSide, Blocks: []BlockIn{{"2020-04-26T10:00", "2020-04-26T11:00"}}})
		if r.err != nil || len(r.d.Warnings) != 1 || r.d.Warnings[0].Code != "far-from-booked" {
			t.Fatalf("%v %v", r.err, r.d.Warnings)
		}
	})
	t.Run("elapsed time counts across a clock change", func(t *testing.T) {
		t.Parallel()
		night := tell(t).does(book(func(c *Create) { c.Start, c.Hours = "2020-10-24T23:00", num(5) }), createEnv()).at("2020-03-24T15:59", give(ana))
		e := event[TimesheetSubmitted](night.when("2020-10-25T12:00", SubmitTimesheet{Job: jobID, Side: CustomerSide, Blocks: []BlockIn{{"2020-10-25T00:30", "2020-10-25T02:30"}}}))
		if e.Worked != 180 {
			t.Fatalf("00:30 to 02:30 in the night of the change: %d minutes", e.Worked)
		}
	})
}

func TestLL124_ABreakOfMoreThanFourHours(t *testing.T) {
	t.Parallel()
	event[TimesheetSubmitted](assignedTo(t, ana).when(later, submit(CustomerSide, "09:00-10:00", "14:00-15:00")))
	no := assignedTo(t, ana).when(later, submit(CustomerSide, "09:00-10:00", "14:01-15:00", "15:30-16:00")).refused("break-too-long", "body.blocks")
	blocks, _ := no.Actions[0].Body["blocks"].([]map[string]any)
	if len(no.Actions) != 1 || no.Actions[0].Command != "continue" || len(blocks) != 2 || blocks[0]["start"] != "2020-03-26T14:01" {
		t.Fatalf("%+v", no.Actions)
	}
}

func TestII79_Incidentals(t *testing.T) {
	t.Parallel()
	with := func(list ...IncidentalIn) tried {
		c := submit(InterpreterSide, "10:00-11:00")
		c.Incidentals = list
		return assignedTo(t, ana).when(later, c)
	}
	e := event[TimesheetSubmitted](with(
		IncidentalIn{Kind: "mileage", Quantity: "12.5", Note: "from York"}, IncidentalIn{Kind: "parking", Amount: &MoneyIn{"4.50", "GBP"}},
	))
	if m, p := e.Incidentals[0], e.Incidentals[1]; m.Quantity != 1250 || m.Note != "from York" || *p.Amount != (domain.Money{Minor: 450, Currency: "GBP"}) {
		t.Fatalf("%+v", e.Incidentals)
	}
	for location, bad := range map[string]IncidentalIn{
		"body.incidentals[0].kind":     {Kind: "champagne", Amount: &MoneyIn{"4.50", "GBP"}},
		"body.incidentals[0].quantity": {Kind: "mileage"},
		"body.incidentals[0].amount":   {Kind: "parking", Quantity: "1"},
	} {
		with(bad).refused("invalid", location)
	}
	with(IncidentalIn{Kind: "mileage", Quantity: "-1"}).refused("invalid", "body.incidentals[0].quantity")
	with(IncidentalIn{Kind: "mileage", Quantity: "0"}).refused("invalid", "body.incidentals[0].quantity")
	with(IncidentalIn{Kind: "parking", Amount: &MoneyIn{"4.505", "GBP"}}).refused("invalid", "body.incidentals[0].amount")
	with(IncidentalIn{Kind: "parking", Amount: &MoneyIn{"4.50", "EUR"}}).refused("invalid", "body.incidentals[0].amount")
}

func TestLL89_LL94_TheOtherSideAccepts(t *testing.T) {
	t.Parallel()
	for _, side := range []Side{CustomerSide, InterpreterSide} {
		s := assignedTo(t, ana)
		reservation := s.job().Assignment.Reservation
		s.at("2020-03-26T12:00", submit(side, "10:00-11:00"))
		s.when(later, AcceptTimesheet{Job: jobID, Side: side}).refused("wrong-status")
		r := s.when(later, AcceptTimesheet{Job: jobID, Side: other(side)}).
			then(TimesheetAccepted{Job: jobID, Side: other(side), Worked: 60, Outcome: domain.Success, Reservation: reservation})
		if len(r.d.Release) != 1 || r.d.Release[0].Reservation != reservation {
			t.Fatalf("%+v", r.d.Release)
		}
	}
	s := complete(t)
	if j := s.job(); j.Status != domain.Complete || j.Outcome != domain.Success {
		t.Fatalf("%s %s", j.Status, j.Outcome)
	}
	s.when(later, AcceptTimesheet{Job: jobID, Side: InterpreterSide}).nothing()
	s.when(later, AcceptTimesheet{Job: jobID, Side: CustomerSide}).refused("wrong-status")
	assignedTo(t, ana).when(later, AcceptTimesheet{Job: jobID, Side: InterpreterSide}).refused("wrong-status")
	if e := event[TimesheetAccepted](ongoing(t).when(later, AcceptTimesheet{Job: jobID})); e.Side != InterpreterSide { // staff, for the side that is asked
		t.Fatal(e.Side)
	}
}

func TestLL94_ADisputeKeepsTheJobOngoing(t *testing.T) {
	t.Parallel()
	dispute := DisputeTimesheet{Job: jobID, Side: InterpreterSide, Reason: "it was longer", Blocks: hours("10:00-12:00")}
	s := ongoing(t)
	e := event[TimesheetDisputed](s.when(later, dispute))
	if e.Reason != "it was longer" || len(e.Blocks) != 1 || e.Side != InterpreterSide {
		t.Fatalf("%+v", e)
	}
	s.when(later, dispute).then(e)
	s.when(later, DisputeTimesheet{Job: jobID, Side: InterpreterSide}).refused("invalid", "body.reason")
	s.when(later, DisputeTimesheet{Job: jobID, Side: CustomerSide, Reason: "x"}).refused("wrong-status")
	s.when(later, DisputeTimesheet{Job: jobID, Side: InterpreterSide, Reason: "x", Blocks: hours("10:00-09:00")}).refused("invalid", "body.blocks[0].end")
	s.at(later, dispute)
	if s.job().Status != domain.Ongoing {
		t.Fatal(s.job().Status)
	}
	s.when(later, dispute).nothing()
	event[TimesheetAccepted](s.when(later, AcceptTimesheet{Job: jobID, Side: InterpreterSide})) // agreed after all
	// Either side may enter hours again, the same ones too; then the other side is asked.
	event[TimesheetSubmitted](s.when(later, submit(CustomerSide, "10:00-11:00")))
	s.at(later, submit(InterpreterSide, "10:00-12:00")).at(later, AcceptTimesheet{Job: jobID, Side: CustomerSide})
	if got := s.events[len(s.events)-1].(TimesheetAccepted); got.Worked != 120 {
		t.Fatal(got.Worked)
	}
}

func TestLL124_Continue(t *testing.T) {
	t.Parallel()
	c := Continue{Job: jobID, Ref: "DTP1389467", Side: CustomerSide, Blocks: hours("15:01-16:00")}
	for name, s := range map[string]*story{"assigned": assignedTo(t, ana), "ongoing": ongoing(t), "complete": complete(t)} {
		r := s.when(later, c)
		added := event[JobAdded](r)
		id := added.Job.ID
		if added.From != jobID || added.Why != WhyContinuation || added.Status != domain.New || added.Job.Schedule.Minutes != 59 || added.Policy.ResponseTier != "" {
			t.Fatalf("%s: %+v", name, added)
		}
		if w := r.d.Reserve; len(w) != 1 || !w[0].Unchecked || w[0].Job != id || w[0].Interpreter != ana {
			t.Fatalf("%s: %+v", name, w)
		}
		r.then(added, Continued{Job: jobID, In: id, Ref: "DTP1389467"},
			Assigned{Key: key, Job: id, Offered: Offered{ana, linAna}, Reservation: r.d.Reserve[0].ID, Unchecked: true},
			TimesheetSubmitted{Key: key, Job: id, Side: CustomerSide, Worked: 59, Blocks: []Block{{london("2020-03-26T15:01"), london("2020-03-26T16:00")}}})
		s.at(later, c)
		j, _ := s.state.Job(id)
		if j.Status != domain.Ongoing || j.From != jobID || s.job().Continued != id || !sameAddress(j.Details.Address, s.job().Details.Address) {
			t.Fatalf("%s: %+v", name, j)
		}
		s.when(later, c).refused("wrong-status")
		s.at(later, AcceptTimesheet{Job: id, Side: InterpreterSide})
	}
	created(t).when(later, c).refused("wrong-status")
	assignedTo(t, ana).when("2020-03-26T09:00", c).refused("wrong-status")
	// Its window is rounded up to a minute; it is recorded unchecked even so.
	c.Blocks = []BlockIn{{"2020-03-26T15:01", "2020-03-26T15:59:30"}}
	if w := ongoing(t).when("2020-03-26T15:59:40", c).d.Reserve; len(w) != 1 || !w[0].Unchecked || !w[0].End.Equal(at("2020-03-26T16:00")) {
		t.Fatalf("%+v", w)
	}
	c.Blocks = hours("10:30-12:00") // within the hours of the job itself
	ongoing(t).when(later, c).refused("invalid", "body.blocks[0].start")
	c.Blocks = hours("12:00-13:00", "17:01-18:00")
	ongoing(t).when(later, c).refused("break-too-long")
	c.Blocks = nil
	ongoing(t).when(later, c).refused("invalid", "body.blocks")
}

func TestD11_AContinuationKeepsTheAddressAndTakesOtherValues(t *testing.T) {
	t.Parallel()
	c := Continue{Job: jobID, Ref: "DTP1389467", Side: CustomerSide, Blocks: hours("15:01-16:00")}
	c.Overrides.Location = &dublin
	c.Overrides.Start = new(string)
	ongoing(t).when(later, c).refused("invalid", "body.location", "body.start")
	c.Overrides = Edit{Fields: map[string][]string{"reportTo": one("Custody desk"), "shoeSize": one("44")}}
	ongoing(t).when(later, c).refused("invalid", "body.fields.shoeSize")
	delete(c.Overrides.Fields, "shoeSize")
	s := ongoing(t).at(later, c)
	j, _ := s.state.Job(s.job().Continued)
	if got := j.Details.Fields["reportTo"]; !got.Equal(domain.Private("Custody desk")) || !s.job().Details.Fields["reportTo"].Equal(domain.Private("Reception")) {
		t.Fatal(got.First())
	}
	c.Overrides = Edit{ByCustomer: true, Language: new(string)}
	ongoing(t).when(later, c).refused("not-editable", "body.language")
}

func TestJobsOfABookingAreKnownByRefAndID(t *testing.T) {
	t.Parallel()
	s := created(t)
	if j, ok := s.state.ByRef(jobRef); !ok || j.ID != jobID {
		t.Error("not found by ref")
	}
	if _, ok := s.state.ByRef("DTP1"); ok {
		t.Error("an unknown ref is found")
	}
	for _, c := range []Command{send(ana), accept(ana), Take{Job: ana}, Cancel{Job: ana}, Edit{Job: ana}, Close{Job: ana}, Continue{Job: ana}} {
		r := s.when(later, onJob(c, ana))
		if no := r.refused("not-found"); no.Status != 404 {
			t.Errorf("%s: %d", c.Name(), no.Status)
		}
	}
	if !slices.Equal(s.job().Ever, []uuid.UUID(nil)) {
		t.Error("somebody knows it already")
	}
}

// onJob sends a command to another job.
func onJob(c Command, job uuid.UUID) Command {
	switch c := c.(type) {
	case SendOffer:
		c.Job = job
		return c
	case AcceptOffer:
		c.Job = job
		return c
	}
	return c
}
