package windows

import (
	"fmt"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
)

// Commands that a window may bind.
const (
	Create = "create" // II-71
	Edit   = "edit"   // II-70
	Cancel = "cancel" // II-82, LL-113
)

// Commands are all of them, in the order in which pages show them.
var Commands = []string{Create, Edit, Cancel}

// Units of a rule's span.
const (
	Hours       = "hours"        // Span hours, by the clock
	WorkingDays = "working-days" // the same local time, Span working days before
	DayBefore   = "day-before"   // at the local time By of the previous working day
)

// Units are all of them.
var Units = []string{Hours, WorkingDays, DayBefore}

// Limits of a rule's span.
const (
	MaxHours = 366 * 24
	MaxDays  = 260 // a year of working days
)

// Rule says how long before a job's start a command is open to the customer. Of two rules of one span the inclusive one is open at the very
// instant at which it ends; the other is closed then (D-06).
type Rule struct {
	Off       bool   `json:"off,omitempty"` // no window: the command is open whenever it makes sense
	Unit      string `json:"unit,omitempty"`
	Span      int    `json:"span,omitempty"` // hours or working days
	By        string `json:"by,omitempty"`   // local time such as 10:00, for day-before
	Inclusive bool   `json:"inclusive,omitempty"`
}

// ByLayout is how Rule.By is written.
const ByLayout = "15:04"

// Until is the instant at which the window of a job that starts then closes. Local times are the wall clock's in the start's zone: one that
// the clocks skip counts as the instant at which they skip it, a doubled one as the first of the two. Of a rule that is off it is the start.
func (r Rule) Until(start domain.Moment, days Calendar, nation string) time.Time {
	if r.Off {
		return start.Instant
	}
	wall, err := time.Parse(domain.LocalLayout, start.Local)
	if err != nil {
		panic(fmt.Sprintf("windows: stored local time: %v", err)) // it was made by us
	}
	switch r.Unit {
	case Hours:
		return start.Instant.Add(-time.Duration(r.Span) * time.Hour)
	case WorkingDays:
		day := midnight(wall)
		wall = days.Before(day, r.Span, nation).Add(wall.Sub(day))
	case DayBefore:
		by, err := time.Parse(ByLayout, r.By)
		if err != nil {
			panic(fmt.Sprintf("windows: stored time of day: %v", err)) // it was checked when the rule was made
		}
		wall = days.Before(midnight(wall), 1, nation).Add(by.Sub(midnight(by)))
	default:
		panic("windows: no such unit: " + r.Unit) // it was checked when the rule was made
	}
	until, err := domain.Reached(wall, start.Zone)
	if err != nil { // before the years in which a time may lie: over for ever
		return time.Time{}
	}
	if until.After(start.Instant) { // no working day lies between, or a doubled hour does
		return start.Instant
	}
	return until
}

// Applied is a rule as a decision applied it: stored in the decision's event, so that it can be said later why it was allowed or refused.
type Applied struct {
	Command  string    `json:"command"`
	Rule     Rule      `json:"rule"`
	Nation   string    `json:"nation,omitempty"`   // whose bank holidays were left out, if the rule counts working days
	Holidays string    `json:"holidays,omitempty"` // the table that they come from; the agency's own days are part of its settings' version
	Until    time.Time `json:"until"`
}

// Apply applies a rule to a job that starts then.
func (r Rule) Apply(command string, start domain.Moment, days Calendar, nation string) Applied {
	a := Applied{Command: command, Rule: r, Until: r.Until(start, days, nation)}
	if !r.Off && r.Unit != Hours {
		a.Nation, a.Holidays = Nation(nation), BankHolidays
	}
	return a
}

// Open tells whether the command is still open then. A rule that is off never closes.
func (a Applied) Open(now time.Time) bool {
	return a.Rule.Off || now.Before(a.Until) || a.Rule.Inclusive && now.Equal(a.Until)
}

// Fault says what is wrong with a rule, and in which of its fields; nothing: it can be applied.
func (r Rule) Fault() (field, message string) {
	switch {
	case r.Off:
		return "", ""
	case r.Unit == Hours && (r.Span < 0 || r.Span > MaxHours):
		return "span", fmt.Sprintf("Send hours from 0 to %d.", MaxHours)
	case r.Unit == WorkingDays && (r.Span < 0 || r.Span > MaxDays):
		return "span", fmt.Sprintf("Send working days from 0 to %d.", MaxDays)
	case r.Unit == DayBefore:
		if _, err := time.Parse(ByLayout, r.By); err != nil || len(r.By) != len(ByLayout) {
			return "span", "Send the time of the working day before, such as 10:00."
		}
	case r.Unit != Hours && r.Unit != WorkingDays:
		return "unit", "Choose hours, working-days or day-before."
	}
	return "", ""
}

// Plain is the rule without what its unit does not use, so that equal rules are stored alike.
func (r Rule) Plain() Rule {
	switch {
	case r.Off:
		return Rule{Off: true}
	case r.Unit == DayBefore:
		r.Span = 0
	default:
		r.By = ""
	}
	return r
}

func midnight(wall time.Time) time.Time {
	return time.Date(wall.Year(), wall.Month(), wall.Day(), 0, 0, 0, 0, time.UTC)
}
