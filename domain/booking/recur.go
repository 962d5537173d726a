package booking

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/windows"
)

// MakeRecurring makes further jobs of the same booking on a fixed schedule, in one append (II-56..62). Refs, one for each, were drawn before.
type MakeRecurring struct {
	Job          uuid.UUID
	Refs         []string
	Frequency    string   // daily, weekly, monthly
	Interval     *int     // nil: 1
	Weekdays     []string // of a weekly one: mon, tue, …
	StartsOn     string   // a date; empty: the original's
	Occurrences  *int     // new jobs, before Except leaves some out
	Until        string   // a date, inclusive; either it or Occurrences
	Except       []string // dates that are left out
	Acknowledged []string
	Fields       map[string][]string // for what the form does not copy
	ByCustomer   bool
}

// MovesOriginal is the key under which one acknowledges that the schedule's first day moves the original job (II-60).
const MovesOriginal = "moves-original"

// maxInterval bounds how rarely a schedule comes back.
const maxInterval = 99

// Name is the command's name.
func (MakeRecurring) Name() string { return "make-recurring" }

// Numbered is the command with the references of its jobs.
func (c MakeRecurring) Numbered(refs []string) Command {
	c.Refs = refs
	return c
}

// Decide adds a job on every day of the schedule after its first one, at the original's local time, whatever the clocks do meanwhile; a local time
// that comes twice is the earlier one. Each has of the original what the form copies, and what the form requires of every booking. Only the named
// job repeats, not its team. Another first day than the original's moves the original there, with all that an edit of its time brings.
//
//	given  new, Monday 30 March 10:00
//	when   MakeRecurring{weekly on Tuesday and Thursday, 4 occurrences}
//	then   JobAdded for 31 March, 2, 7 and 9 April, each 10:00
//	when   MakeRecurring{daily from Wednesday 1 April, 2 occurrences, moves-original}
//	then   Edited: the original is on 1 April; JobAdded for 2 and 3 April
//	again  nothing: the new jobs' ids come from the command
//	error  invalid; too-late: some are too soon for a customer; acknowledgement-required: it moves the original; nonexistent-local-time names the dates that Except may leave out;
//	       too-many-jobs; wrong-status: cancelled; what an edit of the original's time is refused for; erased
func (c MakeRecurring) Decide(s State, env Env) (Decision, error) {
	j, err := s.find(c.Job)
	if err != nil {
		return Decision{}, err
	}
	id := func(i int) uuid.UUID { return env.NewID(fmt.Sprintf("recurrence/%d", i)) }
	if _, made := s.Job(id(0)); made {
		return Decision{}, nil
	}
	if err := c.allowed(s, j, env); err != nil {
		return Decision{}, err
	}
	var f faults
	moves, rule := c.rule(&f, j)
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	starts := c.starts(&f, j, rule, env)
	if err := s.room(len(starts)); err != nil {
		return Decision{}, err
	}
	if c.Refs != nil && len(c.Refs) != len(starts) && len(f.list) == 0 {
		return Decision{}, fmt.Errorf("repeat job %s: %d refs drawn for %d jobs", j.ID, len(c.Refs), len(starts))
	}
	wish := copyOf(j, env.Form, func(field forms.Field) bool {
		return field.Required && !field.EditOnly || field.Key == env.Form.AddressKey()
	})
	wish.Fields = maps.Clone(wish.Fields)
	maps.Copy(wish.Fields, speaker(c.Fields, env.Form))
	want, _, warnings := wish.details(&f, env)
	if moves && !slices.Contains(c.Acknowledged, MovesOriginal) {
		f.special("acknowledgement-required", "body.acknowledged",
			fmt.Sprintf("Recurrence starts on another day than that of job %s, which moves there: acknowledge it.", j.Ref), MovesOriginal)
	}
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}

	wish.ByCustomer = c.ByCustomer
	kept, err := wish.allInTime(starts, want, env)
	if err != nil {
		return Decision{}, err
	}

	d := Decision{Warnings: warnings}
	if moves {
		if d, err = c.move(s, j, rule.First, env); err != nil {
			return Decision{}, err
		}
		d.Warnings = append(d.Warnings, warnings...)
	}
	own := ownValues(j.Details, want)
	for i, start := range starts {
		job := NewJob{ID: id(i), Schedule: Schedule{Start: start, Minutes: j.Schedule.Minutes}, Differs: own}
		if c.Refs != nil {
			job.Ref = c.Refs[i]
		}
		d.Events = append(d.Events, s.added(j, WhyRecurrence, job, kept[i], env))
	}
	return d, nil
}

func (c MakeRecurring) allowed(s State, j Job, _ Env) error {
	if j.Status == domain.Cancelled {
		return wrongStatus(j, "it cannot be repeated. Duplicate it, or make a follow-up.")
	}
	return s.mayGrow()
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// rule reads the schedule, and tells whether it moves the original.
func (c MakeRecurring) rule(f *faults, j Job) (moves bool, r domain.Recurrence) {
	r = domain.Recurrence{Frequency: c.Frequency, Interval: 1, First: day(wall(j.Schedule.Start))}
	if !slices.Contains([]string{domain.Daily, domain.Weekly, domain.Monthly}, c.Frequency) {
		f.add("body.frequency", "Choose daily, weekly or monthly.")
	}
	if c.Interval != nil {
		if r.Interval = *c.Interval; r.Interval < 1 || r.Interval > maxInterval {
			f.add("body.interval", fmt.Sprintf("From 1 to %d.", maxInterval))
		}
	}
	if len(c.Weekdays) > 0 && c.Frequency != domain.Weekly {
		f.add("body.weekdays", "Only a weekly recurrence has days of the week.")
	}
	for i, name := range c.Weekdays {
		n := slices.Index(weekdays, strings.ToLower(name))
		switch {
		case n < 0:
			f.add(fmt.Sprintf("body.weekdays[%d]", i), "Send mon, tue, wed, thu, fri, sat or sun.")
		case !slices.Contains(r.Weekdays, time.Weekday(n)):
			r.Weekdays = append(r.Weekdays, time.Weekday(n))
		}
	}
	if c.StartsOn != "" {
		if first, ok := f.date("body.startsOn", c.StartsOn); ok {
			moves, r.First = !first.Equal(r.First), first
		}
	}
	switch {
	case c.Occurrences == nil && c.Until == "":
		f.add("body.occurrences", "Say how many jobs to add, or the last date.")
		f.add("body.until", "Say how many jobs to add, or the last date.")
	case c.Occurrences != nil && c.Until != "":
		f.add("body.occurrences", "Say either how many jobs to add or the last date, not both.")
		f.add("body.until", "Say either how many jobs to add or the last date, not both.")
	case c.Occurrences != nil:
		if r.Count = *c.Occurrences; r.Count < 1 {
			f.add("body.occurrences", "At least 1.")
		}
	default:
		if until, ok := f.date("body.until", c.Until); ok {
			if r.Until = until; until.Before(r.First) {
				f.add("body.until", "The last date lies before the first.")
			}
		}
	}
	return moves, r
}

const dateLayout = time.DateOnly

// date reads a date.
func (f *faults) date(location, s string) (time.Time, bool) {
	t, err := time.Parse(dateLayout, strings.TrimSpace(s))
	if err != nil || t.Year() < 1970 || t.Year() > 2199 {
		f.add(location, "Enter a date such as 2026-12-01.")
		return time.Time{}, false
	}
	return t, true
}

// starts are when the new jobs begin: the original's local time on every day of the schedule but those that are left out. Days on which there is no
// such time, or which have passed, are noted, each by its date.
func (c MakeRecurring) starts(f *faults, j Job, r domain.Recurrence, env Env) []domain.Moment {
	days := env.Days(r, MaxJobs+1+len(c.Except))
	if len(days) == 0 {
		f.add("body.until", "No day of this recurrence lies between the first and the last date.")
		return nil
	}
	var left []string
	for i, s := range c.Except {
		t, ok := f.date(fmt.Sprintf("body.except[%d]", i), s)
		if ok && !slices.ContainsFunc(days, t.Equal) {
			f.add(fmt.Sprintf("body.except[%d]", i), "The recurrence has no such day.")
		}
		left = append(left, t.Format(dateLayout))
	}
	at := wall(j.Schedule.Start)
	at0 := at.Sub(day(at))
	var starts []domain.Moment
	var missing, passed []string
	for _, d := range days {
		date := d.Format(dateLayout)
		if slices.Contains(left, date) {
			continue
		}
		start, err := domain.EarlierMoment(d.Add(at0), j.Schedule.Start.Zone)
		switch {
		case errors.Is(err, domain.ErrNonexistentLocal):
			missing = append(missing, date)
		case err != nil:
			f.add("body.until", "At most until the year 2199.")
			return starts
		case !start.Instant.After(env.Now):
			passed = append(passed, date)
		}
		starts = append(starts, start)
	}
	unfit := slices.Concat(passed, missing) // in order: what has passed comes first
	for _, date := range missing {
		f.special("nonexistent-local-time", "body.except", fmt.Sprintf("%s has no %s: the clocks go forward then. Leave it out.", date, at.Format("15:04")), unfit...)
	}
	for _, date := range passed {
		f.special("invalid", "body.except", date+" has passed: leave it out.", unfit...)
	}
	if len(starts) == 0 {
		f.add("body.except", "No day is left.")
	}
	return starts
}

// allInTime is inTime for every start of a set; it names each that is too soon.
func (c Create) allInTime(starts []domain.Moment, d Details, env Env) (kept []*windows.Applied, err error) {
	var first *domain.Refusal
	for _, start := range starts {
		w, err := c.inTime(start, d, env)
		var no *domain.Refusal
		switch {
		case errors.As(err, &no) && first == nil:
			first = no
			first.Errors = nil
			fallthrough
		case no != nil:
			date := start.Local[:len(dateLayout)]
			first.Errors = append(first.Errors, domain.FieldError{Location: "body.except", Message: date + " is too soon to book here: please contact the agency, or leave it out."})
			first.Choices = append(first.Choices, date)
		case err != nil:
			return nil, err
		}
		kept = append(kept, w)
	}
	if first != nil {
		return nil, first
	}
	return kept, nil
}

// move brings the original to the schedule's first day, as an edit of its time does.
func (c MakeRecurring) move(s State, j Job, first time.Time, env Env) (Decision, error) {
	at := wall(j.Schedule.Start)
	start, err := domain.EarlierMoment(first.Add(at.Sub(day(at))), j.Schedule.Start.Zone)
	if err != nil {
		var f faults
		f.special("nonexistent-local-time", "body.startsOn", "This local time does not exist on that day: the clocks go forward then.")
		return Decision{}, f.refusal()
	}
	local, zone := start.In().Format("2006-01-02T15:04:05Z07:00"), start.Zone
	d, err := Edit{Job: j.ID, Scope: ScopeThis, Start: &local, TimeZone: &zone, ByCustomer: c.ByCustomer}.Decide(s, env)
	var no *domain.Refusal
	if !errors.As(err, &no) {
		return d, err
	}
	here := *no
	here.Errors = slices.Clone(no.Errors)
	for i, e := range here.Errors {
		if e.Location == "body.start" {
			here.Errors[i].Location = "body.startsOn"
		}
	}
	return Decision{}, &here
}
