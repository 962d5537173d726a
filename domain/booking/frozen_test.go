package booking

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/domain/windows"
)

// ruled gives the booking's customer a rule for a command.
func ruled(command string, r windows.Rule) func(*Env) {
	return func(e *Env) {
		if e.Customer.Policies == nil {
			e.Customer.Policies = map[string]windows.Rule{}
		}
		e.Customer.Policies[command] = r
	}
}

func locking(e *Env) { e.Customer.LockOnAssignment = true }

// open lets customers change everything, as the standard form does; the lock and the windows are tried on it.
func open(e *Env) {
	e.Form.Fields = slices.Clone(e.Form.Fields)
	for i := range e.Form.Fields {
		e.Form.Fields[i].Editable = true
	}
	e.Form.Fields = append(e.Form.Fields, forms.Field{Key: "serviceType", Place: forms.Above, Core: true, Editable: true})
}

// The edit window closes the whole job for the customer, exactly when the rule says, and for nobody else (II-70, D-06).
func TestII70_TheWindowToEdit(t *testing.T) {
	t.Parallel()
	day := windows.Rule{Unit: windows.Hours, Span: 24, Inclusive: true}
	c := Edit{Job: jobID, ByCustomer: true, Fields: fields("reportTo", "Desk 2")}
	e := event[Edited](early(t).when("2020-03-25T09:59", c, ruled(windows.Edit, day)))
	if w := e.Policy.Window; w == nil || w.Command != windows.Edit || w.Rule != day || !w.Until.Equal(at("2020-03-25T10:00")) {
		t.Errorf("the event keeps %+v", w)
	}
	event[Edited](early(t).when("2020-03-25T10:00", c, ruled(windows.Edit, day)))
	no := early(t).when("2020-03-25T10:00:01", c, ruled(windows.Edit, day)).refused("too-late")
	if no.Status != 422 || no.Until != "2020-03-25T10:00:00Z" || no.Actions[0].Body["text"] != "Please change Interpreter should report to of job DTP1389466." {
		t.Errorf("%+v %v", no, no.Actions)
	}
	day.Inclusive = false
	early(t).when("2020-03-25T10:00", c, ruled(windows.Edit, day)).refused("too-late")
	c.ByCustomer = false
	if e := event[Edited](early(t).when("2020-03-25T10:01", c, ruled(windows.Edit, day))); e.Policy.Window != nil {
		t.Errorf("staff were bound by %+v", e.Policy.Window)
	}
	c.ByCustomer = true
	if e := event[Edited](early(t).when("2020-03-26T09:59", c)); e.Policy.Window != nil {
		t.Errorf("nobody set a window, and there was %+v", e.Policy.Window)
	}
	// Counted from the agreed start, if there is one.
	moved := early(t).at("2020-03-20T09:00", ChangeEta{Job: jobID, ETA: "2020-03-27T10:00", AgreedBy: "Jo"})
	event[Edited](moved.when("2020-03-25T10:01", c, ruled(windows.Edit, day)))
	moved.when("2020-03-26T10:00", c, ruled(windows.Edit, day)).refused("too-late")

	env := early(t).env("2020-03-25T10:00")
	ruled(windows.Edit, day)(&env)
	if got := Actions(early(t).state, jobID, Who{Customer: true}, env); slices.Contains(got, "edit") {
		t.Errorf("a closed window lists %v", got)
	}
	if got := Actions(early(t).state, jobID, Who{Staff: true}, env); !slices.Contains(got, "edit") {
		t.Errorf("staff may %v", got)
	}
}

// The window to book binds customers and not staff (II-71); the event keeps what was applied.
func TestII71_TheWindowToBook(t *testing.T) {
	t.Parallel()
	day := ruled(windows.Create, windows.Rule{Unit: windows.Hours, Span: 24})
	c := booked()
	c.ByCustomer = true
	e := event[Created](tell(t).when("2020-03-25T09:59", c, day))
	if w := e.Policy.Window; w == nil || w.Command != windows.Create || !w.Until.Equal(at("2020-03-25T10:00")) {
		t.Errorf("the event keeps %+v", w)
	}
	no := tell(t).when("2020-03-25T10:00", c, day).refused("too-late", "body.start")
	if no.Until != "2020-03-25T10:00:00Z" || len(no.Actions) != 0 {
		t.Errorf("%+v", no)
	}
	c.ByCustomer = false
	if e := event[Created](tell(t).when("2020-03-25T10:00", c, day)); e.Policy.Window != nil {
		t.Errorf("staff were bound by %+v", e.Policy.Window)
	}
	c.ByCustomer = true
	event[Created](tell(t).when("2020-03-26T09:59", c))
}

// A new start must be one that could be booked, and the old one one that can still be changed.
func TestII71_AMovedJobIsInBothWindows(t *testing.T) {
	t.Parallel()
	rules := func(e *Env) {
		open(e)
		ruled(windows.Edit, windows.Rule{Unit: windows.Hours, Span: 24})(e)
		ruled(windows.Create, windows.Rule{Unit: windows.WorkingDays, Span: 2})(e)
	}
	move := func(to string) Edit { return Edit{Job: jobID, ByCustomer: true, Start: &to} }
	const now = "2020-03-23T10:00" // a Monday; the job is on Thursday at 10:00
	event[Edited](early(t).when(now, move("2020-03-25T10:01"), rules))
	no := early(t).when(now, move("2020-03-25T10:00"), rules).refused("too-late", "body.start")
	if no.Until != "2020-03-23T10:00:00Z" || no.Actions[0].Body["text"] != "Please move job DTP1389466 to 25/03/2020 10:00." {
		t.Errorf("%+v", no)
	}
	early(t).when("2020-03-25T10:00", move("2020-04-26T10:00"), rules).refused("too-late") // the old start is too near
	longer := Edit{Job: jobID, ByCustomer: true, Hours: num(2), Minutes: num(0)}
	event[Edited](early(t).when("2020-03-25T09:00", longer, rules)) // no new start: the window to book is not asked
	staff := move("2020-03-25T10:00")
	staff.ByCustomer = false
	event[Edited](early(t).when(now, staff, rules))
}

// threeAtOnce is a booking of three jobs at one time.
func threeAtOnce(t *testing.T) *story {
	c := booked()
	c.Interpreters, c.JobRefs = 3, []string{"DTP1", "DTP2", "DTP3"}
	e := env("2020-03-20T09:00")
	e.NewID = newID("create")
	return tell(t).does(c, e)
}

// One assigned job of a team locks time, duration, service type and place of all, for the customer; language stays open, and unassigning unlocks
// (II-72).
func TestII72_LockOnAssignment(t *testing.T) {
	t.Parallel()
	const now = "2020-03-20T12:00"
	s := threeAtOnce(t)
	first, second := s.state.Jobs[0].ID, s.state.Jobs[1].ID
	wishes := map[string]Edit{
		"body.start": {Start: str("2020-03-27T10:00")}, "body.duration": {Hours: num(2), Minutes: num(0)},
		"body.location": {Location: &dublin}, "body.serviceType": {ServiceType: str("face-to-face")},
	}
	try := func(c Edit, job int, change ...func(*Env)) tried {
		c.Job, c.ByCustomer, c.Scope = s.state.Jobs[job].ID, true, ScopeThis
		return s.when(now, c, append(change, open)...)
	}
	for _, c := range wishes {
		if r := try(c, 1, locking); r.err != nil {
			t.Fatalf("nobody has a job: %v", r.err)
		}
	}
	s.at(now, Assign{Job: first, Interpreter: ana})
	for location, c := range wishes {
		for job := range 3 {
			no := try(c, job, locking).refused("not-editable", location)
			if no.Status != 403 || no.Errors[0].Message != "Job DTP1 is assigned, so the agency changes this: use Admin Message." || len(no.Actions) != 1 {
				t.Errorf("%+v", no)
			}
		}
		if r := try(c, 1); r.err != nil {
			t.Errorf("a customer without the lock: %v", r.err)
		}
		c.Job, c.Scope = second, ScopeThis
		if r := s.when(now, c, locking, open); r.err != nil {
			t.Errorf("staff: %v", r.err)
		}
	}
	event[Edited](try(Edit{Language: str("uk")}, 1, locking))
	event[Edited](try(Edit{Fields: fields("reportTo", "Desk 2")}, 1, locking))
	s.at("2020-03-20T12:30", Unassign{Job: first, Interpreter: ana, Reason: "ill"})
	for _, c := range wishes {
		if r := try(c, 1, locking); r.err != nil {
			t.Errorf("unassigned: %v", r.err)
		}
	}
}

// What spreads over a set leaves out what is frozen there: a job whose window has closed is untouched; of a locked one only what the lock
// leaves open changes, and its place stays its own.
func TestFrozenSiblingsKeepWhatTheyHave(t *testing.T) {
	t.Parallel()
	s := threeAtOnce(t)
	const now = "2020-03-20T12:00"
	for i, start := range []string{"2020-03-26T10:00", "2020-03-27T10:00", "2020-03-21T10:00"} {
		if i > 0 {
			s.at("2020-03-20T10:00", Edit{Job: s.state.Jobs[i].ID, Scope: ScopeThis, Start: str(start)})
		}
	}
	window := ruled(windows.Edit, windows.Rule{Unit: windows.Hours, Span: 24})
	e := event[Edited](s.when(now, Edit{Job: s.state.Jobs[0].ID, ByCustomer: true, Location: &dublin}, open, window))
	if len(e.Jobs) != 2 || e.Jobs[1].Job != s.state.Jobs[1].ID {
		t.Fatalf("the edit touches %+v", e.Jobs)
	}

	// A job made from another one is a set of its own: only it is locked when it is assigned.
	follow := s.state.Jobs[0]
	s.append([]Event{JobAdded{Key: key, Job: NewJob{ID: newID("follow")("job"), Ref: "DTP4", Schedule: Schedule{Start: london("2020-03-30T10:00"), Minutes: 60}},
		From: follow.ID, Why: "follow-up", Status: domain.New}}, at(now))
	added := newID("follow")("job")
	s.at(now, Assign{Job: added, Interpreter: ana})
	if ref, locked := s.state.lockedBy(s.state.Jobs[0]); locked {
		t.Errorf("%s locks a job that it was made from", ref)
	}
	e = event[Edited](s.when(now, Edit{Job: follow.ID, ByCustomer: true, Location: &dublin, Language: str("uk")}, open, locking))
	after := s.state
	after = Evolve(after, e, Fact{Revision: 99, At: at(now)})
	j, _ := after.Job(added)
	if j.Details.Language != "uk" || j.Details.Location != station || j.Details.Address.Town != "Leeds" {
		t.Errorf("the locked job has %s at %s, %+v", j.Details.Language, j.Details.Location, j.Details.Address)
	}
	if j, _ := after.Job(follow.ID); j.Details.Location != dublin || j.Details.Address.Town != "Dublin" {
		t.Errorf("the open job is at %+v", j.Details.Address)
	}
}

// Bank holidays are those of the place, else of the customer, else of England and Wales.
func TestTheNationOfTheJob(t *testing.T) {
	t.Parallel()
	// Easter Monday, 13 April 2020, is a working day in Scotland.
	book := func(change ...func(*Env)) tried {
		c := booked()
		c.Start, c.ByCustomer = "2020-04-14T10:00", true
		return tell(t).when("2020-04-13T09:59", c, append(change, ruled(windows.Create, windows.Rule{Unit: windows.WorkingDays, Span: 1}))...)
	}
	customer := func(e *Env) { e.Customer.Nation = windows.Scotland }
	place := func(nation string) func(*Env) {
		return func(e *Env) { e.Nations = map[uuid.UUID]string{station: nation} }
	}
	book().refused("too-late")
	book(customer, place(windows.EnglandAndWales)).refused("too-late")
	event[Created](book(place(windows.Scotland)))
	if e := event[Created](book(customer)); e.Policy.Window.Nation != windows.Scotland || e.Policy.Window.Holidays != windows.BankHolidays {
		t.Errorf("%+v", e.Policy.Window)
	}
}

// The rule in force is the customer's own, else the agency's; cancelling in hours may stand in the fields that are as old as the settings.
func TestTheRuleInForce(t *testing.T) {
	t.Parallel()
	days := windows.Rule{Unit: windows.WorkingDays, Span: 2}
	agency := people.AgencySettings{CancelHours: 72, CancelInclusive: true, Policies: map[string]windows.Rule{windows.Edit: days}}
	for name, c := range map[string]struct {
		customer people.CustomerSettings
		command  string
		want     windows.Rule
	}{
		"the agency's, cancelling": {people.CustomerSettings{}, windows.Cancel, windows.Rule{Unit: windows.Hours, Span: 72, Inclusive: true}},
		"the agency's, editing":    {people.CustomerSettings{}, windows.Edit, days},
		"none, booking":            {people.CustomerSettings{}, windows.Create, windows.Rule{Off: true}},
		"own hours":                {people.CustomerSettings{CancelHours: num(5)}, windows.Cancel, windows.Rule{Unit: windows.Hours, Span: 5, Inclusive: true}},
		"own rule":                 {people.CustomerSettings{CancelHours: num(5), Policies: map[string]windows.Rule{windows.Cancel: days}}, windows.Cancel, days},
		"own off":                  {people.CustomerSettings{Policies: map[string]windows.Rule{windows.Edit: {Off: true}}}, windows.Edit, windows.Rule{Off: true}},
	} {
		if got := people.Window(agency, c.customer, c.command); got != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
