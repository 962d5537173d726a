package booking

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/internal/recurrence"
)

// weekly is four new jobs of the story's job, of Thursday 26 March 2020 10:00.
func weekly(change func(*MakeRecurring)) MakeRecurring {
	c := MakeRecurring{Job: jobID, Frequency: "weekly", Occurrences: num(4), Refs: []string{"DTP2", "DTP3", "DTP4", "DTP5"}}
	if change != nil {
		change(&c)
	}
	return c
}

// days are when the jobs that a decision adds begin, by their local times.
func days(r tried) (locals []string) {
	r.story.t.Helper()
	if r.err != nil {
		r.story.t.Fatalf("%s: %v", r.c.Name(), explain(r.err))
	}
	for _, e := range r.d.Events {
		if e, ok := e.(JobAdded); ok {
			locals = append(locals, e.Job.Schedule.Start.Local)
		}
	}
	return locals
}

func TestII56_OneActionMakesTheSet(t *testing.T) {
	t.Parallel()
	r := rich(t).when(monday, weekly(nil))
	cleared := map[string]domain.Value{}
	for _, key := range []string{"jobNotes", "flexibility", "custodyReference", "custodyClock", "assignedNotes"} {
		cleared[key] = domain.Value{}
	}
	var want []Event
	for i, start := range []string{"2020-04-02T10:00", "2020-04-09T10:00", "2020-04-16T10:00", "2020-04-23T10:00"} {
		want = append(want, JobAdded{
			Key: key, From: jobID, Why: WhyRecurrence, Status: domain.New, Policy: policy(env(monday), at(start)),
			Job: NewJob{ID: newID("command/1")(fmt.Sprintf("recurrence/%d", i)), Ref: fmt.Sprint("DTP", i+2), Differs: &Details{Fields: cleared},
				Schedule: Schedule{Start: london(start), Minutes: 60}},
		})
	}
	r.then(want...)
	if len(r.d.Reserve)+len(r.d.Release) > 0 {
		t.Errorf("the diary is asked for %v", r.d.Reserve)
	}
}

// Only the named job of a team repeats.
func TestOnlyTheNamedJobRepeats(t *testing.T) {
	t.Parallel()
	e := env("2020-03-24T15:46")
	e.NewID = newID("create")
	s := tell(t).does(book(func(c *Create) { c.Interpreters, c.JobRefs = 3, []string{"DTP1", "DTP2", "DTP3"} }), e)
	c := weekly(func(c *MakeRecurring) { c.Refs, c.Occurrences = []string{"DTP4"}, num(1) })
	s.at(monday, c)
	if len(s.state.Jobs) != 4 || s.state.Jobs[3].From != jobID || s.state.Jobs[3].Ref != "DTP4" {
		t.Errorf("%d jobs", len(s.state.Jobs))
	}
}

// Without references it is decided all the same, for whoever counts the jobs first; with another number of them it is our bug.
func TestReferencesAreDrawnAfterwards(t *testing.T) {
	t.Parallel()
	if got := days(rich(t).when(monday, weekly(func(c *MakeRecurring) { c.Refs = nil }))); len(got) != 4 {
		t.Errorf("%v", got)
	}
	if _, err := weekly(func(c *MakeRecurring) { c.Occurrences = num(3) }).Decide(rich(t).state, env(monday)); err == nil || strings.Contains(explain(err), "Status") {
		t.Errorf("four refs for three jobs: %v", err)
	}
}

func TestII58_LocalTimeIsKept(t *testing.T) {
	t.Parallel()
	on := func(start string, change func(*MakeRecurring)) tried {
		e := env(monday)
		e.NewID = newID("create")
		s := tell(t).does(book(func(c *Create) { c.Start = start }), e)
		return s.when(monday, weekly(func(c *MakeRecurring) { c.Refs = nil; change(c) }))
	}
	spring := on("2020-03-28T01:30", func(c *MakeRecurring) { c.Frequency, c.Occurrences = "daily", num(3) })
	no := spring.refused("nonexistent-local-time", "body.except")
	if !slices.Equal(no.Choices, []string{"2020-03-29"}) || !strings.Contains(no.Errors[0].Message, "2020-03-29") {
		t.Errorf("%+v", no)
	}
	left := on("2020-03-28T01:30", func(c *MakeRecurring) { c.Frequency, c.Occurrences, c.Except = "daily", num(3), one("2020-03-29") })
	if got := days(left); !slices.Equal(got, []string{"2020-03-30T01:30:00", "2020-03-31T01:30:00"}) {
		t.Errorf("without the missing day: %v", got)
	}
	autumn := on("2020-10-24T01:30", func(c *MakeRecurring) { c.Frequency, c.Occurrences = "daily", num(2) })
	first := event[JobAdded](autumn).Job.Schedule.Start
	if first.Local != "2020-10-25T01:30:00" || !first.Instant.Equal(time.Date(2020, 10, 25, 0, 30, 0, 0, time.UTC)) {
		t.Errorf("a doubled time is %v, want the earlier one", first)
	}
	if got := days(on("2020-10-31T10:00", func(c *MakeRecurring) { c.Frequency, c.Occurrences = "monthly", num(4) })); !slices.Equal(got,
		[]string{"2020-11-30T10:00:00", "2020-12-31T10:00:00", "2021-01-31T10:00:00", "2021-02-28T10:00:00"}) {
		t.Errorf("the 31st: %v", got)
	}
}

func TestII59_DaysOfTheWeek(t *testing.T) {
	t.Parallel()
	s := rich(t)
	got := days(s.when(monday, weekly(func(c *MakeRecurring) { c.Weekdays = []string{"thu", "tue", "Tue"} })))
	if !slices.Equal(got, []string{"2020-03-31T10:00:00", "2020-04-02T10:00:00", "2020-04-07T10:00:00", "2020-04-09T10:00:00"}) {
		t.Errorf("%v", got)
	}
	s.when(monday, weekly(func(c *MakeRecurring) { c.Weekdays = []string{"tue", "someday"} })).refused("invalid", "body.weekdays[1]")
	s.when(monday, weekly(func(c *MakeRecurring) { c.Frequency, c.Weekdays = "daily", one("tue") })).refused("invalid", "body.weekdays")
}

func TestII60_AnotherFirstDayMovesTheOriginal(t *testing.T) {
	t.Parallel()
	two := func(startsOn string, acknowledged ...string) MakeRecurring {
		return weekly(func(c *MakeRecurring) {
			c.Occurrences, c.Refs, c.StartsOn, c.Acknowledged = num(2), []string{"DTP2", "DTP3"}, startsOn, acknowledged
		})
	}
	s := offered(t)
	if r := s.when(tuesday, two("2020-03-26")); len(r.d.Events) != 2 {
		t.Errorf("its own day: %v, %v", r.d.Events, explain(r.err))
	}
	no := s.when(tuesday, two("2020-03-28")).refused("acknowledgement-required", "body.acknowledged")
	if !slices.Equal(no.Choices, one(MovesOriginal)) {
		t.Errorf("choices %v", no.Choices)
	}
	r := s.when(tuesday, two("2020-03-28", MovesOriginal))
	if got := days(r); !slices.Equal(got, []string{"2020-04-04T10:00:00", "2020-04-11T10:00:00"}) {
		t.Errorf("%v", got)
	}
	edited := r.d.Events[0].(Edited)
	if len(edited.Jobs) != 1 || edited.Jobs[0].Job != jobID || edited.Scope != ScopeThis || edited.Jobs[0].Own.Schedule.Start.Local != "2020-03-28T10:00:00" ||
		len(edited.Jobs[0].Revoked) != 2 || len(edited.Jobs[0].Resent) != 2 {
		t.Errorf("the original: %+v", edited)
	}
	s.at(tuesday, two("2020-03-28", MovesOriginal))
	if got := s.job().Schedule.Start.Local; got != "2020-03-28T10:00:00" || len(s.state.Jobs) != 3 {
		t.Errorf("it is on %s, with %d jobs", got, len(s.state.Jobs))
	}

	assigned := assignedTo(t, ana).when(tuesday, two("2020-03-28", MovesOriginal))
	if len(assigned.d.Reserve) != 1 || len(assigned.d.Release) != 1 {
		t.Errorf("the diary: %+v, %+v, %v", assigned.d.Reserve, assigned.d.Release, explain(assigned.err))
	}
	complete(t).when(later, two("2020-05-28", MovesOriginal)).refused("wrong-status")
	created(t).when(monday, two("soon", MovesOriginal)).refused("invalid", "body.startsOn")
}

func TestII61_HowManyOrUntilWhen(t *testing.T) {
	t.Parallel()
	s := rich(t)
	when := func(change func(*MakeRecurring)) tried {
		return s.when(monday, weekly(func(c *MakeRecurring) { c.Refs = nil; change(c) }))
	}
	if got := days(when(func(c *MakeRecurring) { c.Occurrences, c.Until = nil, "2020-04-09" })); len(got) != 2 || got[1] != "2020-04-09T10:00:00" {
		t.Errorf("until, inclusive: %v", got)
	}
	when(func(c *MakeRecurring) { c.Until = "2020-04-09" }).refused("invalid", "body.occurrences", "body.until")
	when(func(c *MakeRecurring) { c.Occurrences = nil }).refused("invalid", "body.occurrences", "body.until")
	when(func(c *MakeRecurring) { c.Occurrences = num(0) }).refused("invalid", "body.occurrences")
	when(func(c *MakeRecurring) { c.Interval = num(0) }).refused("invalid", "body.interval")
	when(func(c *MakeRecurring) {
		c.Frequency, c.StartsOn, c.Until, c.Occurrences = "yearly", "soon", "later", nil
	}).
		refused("invalid", "body.frequency", "body.startsOn", "body.until")
	when(func(c *MakeRecurring) { c.Occurrences, c.Until = nil, "2020-03-25" }).refused("invalid", "body.until")
	when(func(c *MakeRecurring) { c.Occurrences, c.Until = nil, "2020-03-27" }).refused("invalid", "body.until")
	when(func(c *MakeRecurring) { c.Frequency, c.Occurrences = "daily", num(400) }).refused("too-many-jobs")
	if got := days(when(func(c *MakeRecurring) { c.Frequency, c.Occurrences = "daily", num(399) })); len(got) != 399 {
		t.Errorf("%d jobs", len(got))
	}
	when(func(c *MakeRecurring) { c.Except = []string{"2020-04-03", "x"} }).refused("invalid", "body.except[0]", "body.except[1]")
	when(func(c *MakeRecurring) { c.Occurrences, c.Except = num(1), one("2020-04-02") }).refused("invalid", "body.except")
	when(func(c *MakeRecurring) { c.Frequency, c.Interval, c.Occurrences = "monthly", num(99), num(100) }).refused("invalid", "body.until")

	cancelled(t).when(tuesday, weekly(nil)).refused("wrong-status")
	over := complete(t).when("2020-04-05T12:00", weekly(nil)) // of 26 March
	over.refused("invalid", "body.except")
	if got := days(complete(t).when("2020-04-05T12:00", weekly(func(c *MakeRecurring) { c.Refs, c.Except = nil, one("2020-04-02") }))); len(got) != 3 {
		t.Errorf("without what has passed: %v", got)
	}
}

// What the form requires of every booking, but does not copy, is taken over all the same: nobody is asked for it here. It may be sent.
func TestRecurrenceTakesOverWhatIsRequired(t *testing.T) {
	t.Parallel()
	e := env("2020-03-24T15:46")
	e.NewID, e.Form = newID("create"), forms.Remote()
	s := tell(t).does(remote(), e)
	on := func(e *Env) { e.Form = forms.Remote() }
	if d := event[JobAdded](s.when(monday, weekly(nil), on)).Job.Differs; d != nil {
		t.Errorf("differs by %+v", d)
	}
	sent := event[JobAdded](s.when(monday, weekly(func(c *MakeRecurring) { c.Fields = fields("assignedNotes", "https://example.com/call/2") }), on))
	if got := sent.Job.Differs.Fields["assignedNotes"].First(); got != "https://example.com/call/2" {
		t.Errorf("%q", got)
	}
}

// TestPropertyRecurrence: in four zones, whatever the rule, the jobs are on the rule's days, at the original's local time.
func TestPropertyRecurrence(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"Europe/London", "Australia/Lord_Howe", "America/Santiago", "America/New_York"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) { recurs(t, zone) })
		})
	}
}

func recurs(t *rapid.T, zone string) {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	// Where clocks change, and about there, more often than elsewhere.
	quarter := rapid.IntRange(0, 95).Draw(t, "quarter")
	if rapid.Bool().Draw(t, "at night") {
		quarter %= 16
	}
	first := time.Date(2026, 1, 1, quarter/4, quarter%4*15, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 1500).Draw(t, "day"))
	start, err := domain.EarlierMoment(first, zone)
	if err != nil {
		return // there is no such original
	}
	e := env("2020-03-24T15:46")
	s := State{ID: bookingID, Key: key, Customer: customer1, Jobs: []Job{{ID: jobID, Ref: jobRef, Status: domain.New, Schedule: Schedule{Start: start, Minutes: 60}}}}
	d, err := booked().Decide(State{}, e)
	if err != nil {
		t.Fatal(err)
	}
	s.Jobs[0].Details = d.Events[0].(Created).Shared
	c := MakeRecurring{Job: jobID, Frequency: rapid.SampledFrom([]string{"daily", "weekly", "monthly"}).Draw(t, "frequency"), Interval: num(rapid.IntRange(1, 4).Draw(t, "interval"))}
	rule := domain.Recurrence{Frequency: c.Frequency, Interval: *c.Interval, First: time.Date(first.Year(), first.Month(), first.Day(), 0, 0, 0, 0, time.UTC)}
	if c.Frequency == "weekly" && rapid.Bool().Draw(t, "days") {
		n := rapid.IntRange(0, 6).Draw(t, "weekday")
		c.Weekdays, rule.Weekdays = []string{weekdays[n]}, []time.Weekday{time.Weekday(n)}
	}
	rule.Count = rapid.IntRange(1, 250).Draw(t, "occurrences")
	c.Occurrences = &rule.Count
	want := recurrence.Days(rule, 400)

	got, err := c.Decide(s, e)
	if err != nil {
		no, ok := err.(*domain.Refusal)
		if !ok || no.Code != "nonexistent-local-time" {
			t.Fatalf("%v", explain(err))
		}
		c.Except = no.Choices
		for _, date := range no.Choices { // it names those days, all and only, on which the clocks jump over the time
			day, _ := time.Parse(time.DateOnly, date)
			if there := time.Date(day.Year(), day.Month(), day.Day(), first.Hour(), first.Minute(), 0, 0, loc); there.Format("15:04") == first.Format("15:04") {
				t.Fatalf("%s has a %s in %s", date, first.Format("15:04"), zone)
			}
			want = slices.DeleteFunc(want, day.Equal)
		}
		if len(want) == 0 {
			return
		}
		if got, err = c.Decide(s, e); err != nil {
			t.Fatalf("without %v: %v", c.Except, explain(err))
		}
	}
	if len(got.Events) != len(want) {
		t.Fatalf("%d jobs, want %d", len(got.Events), len(want))
	}
	ids := map[uuid.UUID]bool{}
	for i, ev := range got.Events {
		at := ev.(JobAdded).Job.Schedule.Start
		local := want[i].Format(time.DateOnly) + first.Format("T15:04:05")
		if at.Local != local || at.Zone != zone || at.Instant.In(loc).Format(domain.LocalLayout) != local {
			t.Fatalf("job %d begins %+v, want %s", i, at, local)
		}
		for _, set := range []time.Duration{30 * time.Minute, time.Hour} { // how far these clocks go back
			if at.Instant.Add(-set).In(loc).Format(domain.LocalLayout) == local {
				t.Fatalf("job %d begins at the later %s", i, local)
			}
		}
		ids[ev.(JobAdded).Job.ID] = true
	}
	if len(ids) != len(want) {
		t.Fatal("two jobs have one id")
	}
}
