package booking

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/domain/windows"
)

// rich is a booking with values above, in and below the calendar.
func rich(t *testing.T) *story {
	t.Helper()
	e := env("2020-03-24T15:46")
	e.NewID = newID("create")
	return tell(t).does(book(func(c *Create) {
		c.Alternatives = one("uk")
		for key, value := range map[string]string{"jobNotes": "Bring the file", "flexibility": "2-hours", "custodyReference": "C-1",
			"custodyClock": "2020-03-26T12:00", "yourReference": "Ref 1", "assignedNotes": "Door 3", "costCentre": "N/A"} {
			c.Fields[key] = one(value)
		}
	}), e)
}

// next is a follow-up's schedule.
func next(change func(*Edit)) Edit {
	o := Edit{Start: str("2020-04-02T10:00"), Hours: num(1), Minutes: num(30)}
	if change != nil {
		change(&o)
	}
	return o
}

func TestII51_FollowUpCopiesWhatStandsAboveTheCalendar(t *testing.T) {
	t.Parallel()
	r := rich(t).when(monday, FollowUp{Job: jobID, Ref: "DTP2", Overrides: next(nil)})
	id := newID("command/1")("follow-up")
	cleared := map[string]domain.Value{}
	for _, key := range []string{"jobNotes", "flexibility", "custodyReference", "custodyClock", "assignedNotes"} {
		cleared[key] = domain.Value{}
	}
	r.then(JobAdded{
		Key: key, From: jobID, Why: WhyFollowUp, Status: domain.New,
		Job:    NewJob{ID: id, Ref: "DTP2", Schedule: Schedule{Start: london("2020-04-02T10:00"), Minutes: 90}, Differs: &Details{Fields: cleared}},
		Policy: policy(env(monday), at("2020-04-02T10:00")),
	})
	s := r.story
	before := s.job()
	s.append(r.d.Events, r.e.Now)
	j, _ := s.state.Job(id)
	want := before.Details
	want.Fields = withFields(want.Fields, cleared)
	if diff := cmp.Diff(want, j.Details, plain); diff != "" {
		t.Errorf("values above the calendar (-want +got):\n%s", diff)
	}
	if j.From != jobID || j.Status != domain.New || j.ETA != nil || len(j.Offers) != 0 || s.state.Ref != "B1" {
		t.Errorf("the follow-up is %+v", j)
	}
	if diff := cmp.Diff(before, s.job(), plain); diff != "" {
		t.Errorf("the original changed:\n%s", diff)
	}
}

func TestII53_FollowUpNeedsItsSchedule(t *testing.T) {
	t.Parallel()
	s := rich(t)
	when := func(change func(*Edit)) tried {
		return s.when(monday, FollowUp{Job: jobID, Ref: "DTP2", Overrides: next(change)})
	}
	when(func(o *Edit) { o.Hours, o.Minutes = nil, nil }).refused("invalid", "body.duration.hours", "body.duration.minutes")
	when(func(o *Edit) { o.Start = nil }).refused("invalid", "body.start")
	when(func(o *Edit) { o.Start = str("2020-03-01T10:00") }).refused("invalid", "body.start")
	when(func(o *Edit) { o.Start, o.Language = str("2020-03-29T01:30"), str("tlh") }).refused("nonexistent-local-time", "body.start", "body.language")
	when(func(o *Edit) { o.Fields = fields("officerInCase", "") }).refused("invalid", "body.fields.officerInCase")

	got := event[JobAdded](when(func(o *Edit) {
		o.Language, o.Alternatives, o.Location = str("uk"), &[]string{}, &dublin
		o.Fields = fields("yourReference", "", "jobNotes", "New", "costCentre", "CC 9")
	}))
	if d := got.Job.Differs; d.Language != "uk" || d.Location != dublin || d.Address.Town != "Dublin" || !slices.Contains(d.Without, "alternativeLanguages") ||
		d.Fields["jobNotes"].First() != "New" || d.Fields["costCentre"].First() != "CC 9" || !empty(d.Fields["yourReference"]) {
		t.Errorf("differs by %+v", got.Job.Differs)
	}
	if got.Job.Schedule.Start.Zone != "Europe/Dublin" {
		t.Errorf("its start is %v: want it by the clocks of the new place", got.Job.Schedule.Start)
	}
}

// What is taken over passes the rules again: what the agency no longer has must be chosen anew.
func TestFollowUpIsDecidedOnWhatHoldsNow(t *testing.T) {
	t.Parallel()
	s := rich(t)
	moved := func(e *Env) {
		e.Locations = map[uuid.UUID]people.Place{station: {Name: "Station", Address: people.PostalAddress{Line1: "9 New Rd", Town: "York", Postcode: "YO1 1AA"}}}
	}
	got := event[JobAdded](s.when(monday, FollowUp{Job: jobID, Ref: "DTP2", Overrides: next(nil)}, moved))
	if a := got.Job.Differs.Address; a == nil || a.Town != "York" {
		t.Errorf("the address is %v, want where the station is now", a)
	}
	s.when(monday, FollowUp{Job: jobID, Ref: "DTP2", Overrides: next(nil)}, func(e *Env) { e.Locations = nil }).refused("invalid", "body.location")
	s.when(monday, FollowUp{Job: jobID, Ref: "DTP2", Overrides: next(nil)}, func(e *Env) { e.Agency.Languages = e.Agency.Languages[1:] }).
		refused("invalid", "body.language")
	rich(t).at(monday, ErasePerson{}).when(monday, FollowUp{Job: jobID, Ref: "DTP2", Overrides: next(nil)}).refused("erased")

	full := rich(t)
	for len(full.state.Jobs) < MaxJobs {
		full.state.Jobs = append(full.state.Jobs, Job{ID: uuid.New()})
	}
	full.when(monday, FollowUp{Job: jobID, Ref: "DTP2", Overrides: next(nil)}).refused("too-many-jobs")
	full.when(monday, FollowUp{Job: eve}).refused("not-found")
}

// duplicated sends a duplicate of the story's job.
func duplicated(s *story, now string, o Edit, change ...func(*Env)) tried {
	e := s.env(now)
	for _, f := range change {
		f(&e)
	}
	c := Duplicate{Booking: eve, Key: ben, Ref: "B2", JobRefs: one("DTP2"), Customer: customer1, Original: s.job(), Overrides: o}
	empty := tell(s.t)
	d, err := c.Decide(empty.state, e)
	return tried{empty, c, e, d, err}
}

func TestII63_DuplicateIsABookingOfItsOwn(t *testing.T) {
	t.Parallel()
	s := rich(t)
	got := event[Created](duplicated(s, monday, next(func(o *Edit) { o.Language = str("uk") })))
	shared := got.Shared
	if got.Booking != eve || got.Ref != "B2" || got.Key != ben || len(got.Jobs) != 1 || got.Jobs[0].Ref != "DTP2" || got.Jobs[0].Schedule.Minutes != 90 {
		t.Errorf("%+v", got)
	}
	if shared.Language != "uk" || shared.Location != station || shared.Fields["yourReference"].First() != "Ref 1" || !shared.Fields["costCentre"].NotApplicable {
		t.Errorf("shared: %+v", shared)
	}
	for _, key := range []string{"jobNotes", "flexibility", "custodyReference", "assignedNotes"} {
		if _, there := shared.Fields[key]; there {
			t.Errorf("%s was copied", key)
		}
	}
	if s.job().Details.Language != "pl" {
		t.Error("the original changed")
	}
	duplicated(s, monday, next(func(o *Edit) { o.Start, o.Hours = nil, nil })).refused("invalid", "body.start", "body.duration.hours")
}

// A duplicate takes the newest version of the form: what that does not ask for is dropped, what it does not copy is not taken over.
func TestDuplicateTakesTheNewestForm(t *testing.T) {
	t.Parallel()
	newer := func(e *Env) {
		f := forms.FaceToFace()
		f.Version = 2
		f.Fields = slices.DeleteFunc(slices.Clone(f.Fields), func(f forms.Field) bool { return f.Key == "offenceCategory" })
		for i := range f.Fields {
			switch f.Fields[i].Key {
			case "yourReference":
				f.Fields[i].Copied = false
			case "jobNotes":
				f.Fields[i].Copied = true
			}
		}
		f.Notices = append(f.Notices, forms.Notice{Key: "read", Text: "Read", Mandatory: true})
		e.Form = f
	}
	got := event[Created](duplicated(rich(t), monday, next(nil), newer))
	if got.FormVersion != 2 || !empty(got.Shared.Fields["offenceCategory"]) || !empty(got.Shared.Fields["yourReference"]) || got.Shared.Fields["jobNotes"].First() != "Bring the file" {
		t.Errorf("%+v", got)
	}
	other := func(e *Env) { e.Customer.Forms = one("remote") }
	duplicated(rich(t), monday, next(nil), other).refused("invalid", "body.form")
	if names := Actions(rich(t).state, jobID, Who{Staff: true}, func() Env { e := env(monday); other(&e); return e }()); slices.Contains(names, "duplicate") {
		t.Errorf("listed among %v", names)
	}
	erased := rich(t).at(monday, ErasePerson{})
	duplicated(erased, monday, next(nil)).refused("invalid", "body.fields.nonEnglishSpeaker", "body.fields.reportTo", "body.fields.requestingOfficer", "body.fields.telephone",
		"body.fields.officerInCase", "body.fields.primaryEmail", "body.fields.collarNumber", "body.fields.officerPhone", "body.fields.secondaryEmail")
}

func TestLL111_TheSameInterpreterIsPreferred(t *testing.T) {
	t.Parallel()
	prefers := func(s *story, o Edit) string {
		s.t.Helper()
		return event[Created](duplicated(s, later, o)).Shared.Fields["preferredInterpreter"].First()
	}
	if got := prefers(assignedTo(t, ana), next(nil)); got != linAna {
		t.Errorf("prefers %q", got)
	}
	if got := prefers(created(t), next(nil)); got != "" {
		t.Errorf("nobody had it, but it prefers %q", got)
	}
	if got := prefers(assignedTo(t, ana), next(func(o *Edit) { o.Fields = fields("preferredInterpreter", linBen) })); got != linBen {
		t.Errorf("prefers %q", got)
	}
	if got := prefers(assignedTo(t, ana), next(func(o *Edit) { o.Fields = fields("preferredInterpreter", "") })); got != "" {
		t.Errorf("prefers %q though nobody is wished for", got)
	}
	if got := prefers(assignedTo(t, ana), next(func(o *Edit) { o.Fields = fields("precludedInterpreter", linAna) })); got != "" {
		t.Errorf("prefers %q, who is precluded", got)
	}
}

func TestLL112_ADuplicateKeepsTheAddress(t *testing.T) {
	t.Parallel()
	s := created(t)
	other := &Address{Line1: "2 Elsewhere", Town: "Hull", Postcode: "HU1 1AA"}
	duplicated(s, monday, next(func(o *Edit) { o.Location = &dublin })).refused("invalid", "body.location")
	duplicated(s, monday, next(func(o *Edit) { o.Address, o.Language = other, str("tlh") })).refused("invalid", "body.address", "body.language")
	if got := event[Created](duplicated(s, monday, next(func(o *Edit) { o.Location = &station }))); got.Shared.Location != station {
		t.Errorf("%+v", got.Shared)
	}
	typed := tell(t).does(book(func(c *Create) { c.Location, c.Address = uuid.Nil, other }), func() Env { e := env(monday); e.NewID = newID("create"); return e }())
	duplicated(typed, monday, next(func(o *Edit) { o.Address = &Address{Line1: "3 Elsewhere", Town: "Hull", Postcode: "HU1 1AA"} })).refused("invalid", "body.address")
	if got := event[Created](duplicated(typed, monday, next(func(o *Edit) { o.Address = other }))); got.Shared.Address.Town != "Hull" || got.Shared.Address.Outward != "HU1" {
		t.Errorf("%+v", got.Shared)
	}
	unlocked := func(e *Env) { e.Form.AddressLocked = false }
	if got := event[Created](duplicated(s, monday, next(func(o *Edit) { o.Location = &dublin }), unlocked)); got.Shared.Location != dublin {
		t.Errorf("%+v", got.Shared)
	}

	far := env(monday)
	far.NewID, far.Form = newID("create"), forms.Remote()
	call := tell(t).does(remote(), far)
	on := func(e *Env) { e.Form = forms.Remote() }
	link := func(o *Edit) { o.Fields = fields("assignedNotes", "https://example.com/call/2") }
	duplicated(call, monday, next(func(o *Edit) { link(o); o.BillTo = str("Elsewhere") }), on).refused("invalid", "body.billTo")
	duplicated(call, monday, next(nil), on).refused("invalid", "body.fields.assignedNotes") // required, and not copied
	if got := event[Created](duplicated(call, monday, next(link), on)); got.Shared.BillTo != "HQ" || got.Shared.Address != nil {
		t.Errorf("%+v", got.Shared)
	}

	// What the form does not copy is kept all the same where it is locked; a follow-up asks for it.
	uncopied := func(key string, form forms.Form) func(e *Env) {
		form.Fields = slices.Clone(form.Fields)
		i := slices.IndexFunc(form.Fields, func(f forms.Field) bool { return f.Key == key })
		form.Fields[i].Copied = false
		return func(e *Env) { e.Form = form }
	}
	if got := event[Created](duplicated(call, monday, next(link), uncopied("billTo", forms.Remote()))); got.Shared.BillTo != "HQ" {
		t.Errorf("%+v", got.Shared)
	}
	face := uncopied("location", s.env(monday).Form)
	if got := event[Created](duplicated(s, monday, next(nil), face)); got.Shared.Location != station {
		t.Errorf("%+v", got.Shared)
	}
	s.when(monday, FollowUp{Job: jobID, Ref: "DTP2", Overrides: next(nil)}, face).refused("invalid", "body.location")
}

// A customer's window to book binds jobs made from jobs too (II-71); it is kept with the decision.
func TestII71_TooSoonToMakeAnother(t *testing.T) {
	t.Parallel()
	day := func(e *Env) {
		e.Agency.Policies = map[string]windows.Rule{windows.Create: {Span: 24, Unit: windows.Hours}}
	}
	soon := next(func(o *Edit) { o.Start, o.ByCustomer = str("2020-03-24T08:00"), true })
	rich(t).when(monday, FollowUp{Job: jobID, Ref: "DTP2", Overrides: soon}, day).refused("too-late", "body.start")
	duplicated(rich(t), monday, soon, day).refused("too-late", "body.start")
	soon.Start = str("2020-03-24T09:30")
	if got := event[JobAdded](rich(t).when(monday, FollowUp{Job: jobID, Ref: "DTP2", Overrides: soon}, day)); got.Policy.Window == nil || got.Policy.Window.Command != windows.Create {
		t.Errorf("it keeps %+v", got.Policy)
	}
	soon.Start, soon.ByCustomer = str("2020-03-24T08:00"), false
	if got := event[JobAdded](rich(t).when(monday, FollowUp{Job: jobID, Ref: "DTP2", Overrides: soon}, day)); got.Policy.Window != nil {
		t.Errorf("staff keep %+v", got.Policy)
	}
	repeat := weekly(func(c *MakeRecurring) { c.Refs, c.ByCustomer, c.Frequency, c.Occurrences = nil, true, "daily", num(3) })
	no := rich(t).when("2020-03-26T11:00", repeat, day).refused("too-late", "body.except")
	if no.Until == "" || !strings.HasPrefix(no.Errors[0].Message, "2020-03-27") {
		t.Errorf("%+v", no)
	}
}
