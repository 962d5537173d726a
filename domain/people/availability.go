package people

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
)

// Rules that keep an interpreter's time free, as overrides and reasons name them.
const (
	RuleUnavailable  = "unavailable"   // a time that the interpreter marked
	RuleWorkingHours = "working-hours" // outside the hours of the interpreter's week
)

// Weekdays are the words for days, Monday first.
var Weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// WorkingTime is a time of every week at which work may come, on the clocks of Availability.TimeZone. A night is two of them: until 24:00, and
// from 00:00 on the next day.
type WorkingTime struct {
	Day  string `json:"day"`  // one of Weekdays
	From string `json:"from"` // 09:00
	To   string `json:"to"`   // 17:00, later than From; 24:00 is the day's end
}

// Away is one time at which the interpreter is not available, half-open.
type Away struct {
	From domain.Moment   `json:"from"`
	To   domain.Moment   `json:"to"`
	Note domain.Personal `json:"note,omitempty"` // for the interpreter alone
}

// Availability is what an interpreter says about the own time (M-25's neighbour in the phone: holidays, working hours). It is not the diary, which
// holds what is assigned: it keeps offers away, and the interpreter's own acceptance of a job goes past it.
type Availability struct {
	TimeZone    string        `json:"timeZone,omitempty"`
	Week        []WorkingTime `json:"week,omitempty"` // by day and hour; empty: any time
	Unavailable []Away        `json:"unavailable,omitempty"`
}

// Obstacle is what speaks against a window: one of the two rules, and the marked time if it is that.
type Obstacle struct {
	Rule string
	Away Away
}

// Against tells what speaks against working from start to end, nil if nothing does: first a time marked unavailable, the earliest that the
// window meets, then the week's hours, within which the window must lie as a whole, over midnights and clock changes.
func (a Availability) Against(start, end time.Time) *Obstacle {
	for _, away := range a.Unavailable {
		if away.From.Instant.Before(end) && start.Before(away.To.Instant) {
			return &Obstacle{Rule: RuleUnavailable, Away: away}
		}
	}
	if len(a.Week) > 0 && !a.works(start, end) {
		return &Obstacle{Rule: RuleWorkingHours}
	}
	return nil
}

// works tells whether the week's hours cover the window without a gap.
func (a Availability) works(start, end time.Time) bool {
	first, err := domain.MomentAt(start, a.TimeZone)
	if err != nil {
		return true // no zone was stored with these hours: what they mean cannot be said
	}
	reached := start
	for day := wallDay(first).AddDate(0, 0, -1); reached.Before(end); day = day.AddDate(0, 0, 1) {
		if from, err := domain.FirstInstant(day, a.TimeZone); err != nil || from.After(reached) {
			return false // a whole day has gone by without bringing the window's end nearer
		}
		for _, t := range a.Week {
			if t.Day != Weekdays[(int(day.Weekday())+6)%7] {
				continue
			}
			from, err1 := domain.FirstInstant(day.Add(minutesOf(t.From)), a.TimeZone)
			to, err2 := domain.LastInstant(day.Add(minutesOf(t.To)), a.TimeZone)
			if err1 == nil && err2 == nil && !from.After(reached) && to.After(reached) {
				reached = to
			}
		}
	}
	return true
}

// wallDay is the day that a moment's clock shows, as a wall time at midnight.
func wallDay(m domain.Moment) time.Time {
	day, err := time.Parse(time.DateOnly, m.Local[:len(time.DateOnly)])
	if err != nil {
		panic(fmt.Sprintf("people: local time of a moment: %v", err)) // it was made by us
	}
	return day
}

// minutesOf is how far into a day 09:30 is; what is no such time is the day's begin.
func minutesOf(clock string) time.Duration {
	d, _ := clockOf(clock)
	return d
}

func clockOf(clock string) (time.Duration, bool) {
	if clock == "24:00" {
		return 24 * time.Hour, true
	}
	t, err := time.Parse("15:04", clock)
	if err != nil || len(clock) != len("15:04") {
		return 0, false
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, true
}

// erased is what a reader without the key reads.
func (a Availability) erased() Availability {
	a.Unavailable = slices.Clone(a.Unavailable)
	for i := range a.Unavailable {
		if a.Unavailable[i].Note != "" {
			a.Unavailable[i].Note = domain.Erased
		}
	}
	return a
}

// AwayIn is a time as sent: each end a local time such as 2026-12-24T09:00 or a day, which stands for its begin. Half-open.
type AwayIn struct{ From, To, Note string }

// SetAvailability says when work may come (PUT /me/availability), in place of all that was said before.
//
//	given  registered
//	when   SetAvailability{Mondays to Fridays, away in August}
//	then   AvailabilitySet
//	again  nothing
//	error  every faulty day, hour, span and zone at once; erased
type SetAvailability struct {
	TimeZone    string
	Week        []WorkingTime
	Unavailable []AwayIn
}

// Limits of what an interpreter may say: events are for ever.
const (
	maxWeek = 70
	maxAway = 300
)

// Decide answers with the whole availability, in order of time.
func (c SetAvailability) Decide(s Interpreter) ([]Event, error) {
	switch {
	case !s.Exists():
		return nil, unknown("interpreter")
	case s.Erased:
		return nil, erased()
	}
	a, err := c.read()
	if err != nil {
		return nil, err
	}
	if same(a, s.Availability) {
		return nil, nil
	}
	return []Event{AvailabilitySet{Key: s.Profile.Key, Interpreter: s.ID, Availability: a}}, nil
}

// read resolves what was sent. Working hours that meet or overlap become one.
func (c SetAvailability) read() (Availability, error) {
	var f faults
	a := Availability{TimeZone: c.TimeZone}
	f.zone("body.timeZone", c.TimeZone)
	f.check(len(c.Week) <= maxWeek, "body.week", fmt.Sprintf("At most %d times a week.", maxWeek))
	f.check(len(c.Unavailable) <= maxAway, "body.unavailable", fmt.Sprintf("At most %d times. Leave out those that have passed.", maxAway))
	for i, t := range c.Week {
		f.workingTime(at("body.week", i), t)
	}
	a.Week = merged(c.Week)
	if err := f.refusal(); err != nil && len(f) > 0 && f[0].Location == "body.timeZone" {
		return Availability{}, err // no local time can be read without it
	}
	for i, in := range c.Unavailable {
		location := at("body.unavailable", i)
		from, ok1 := f.end(location+".from", in.From, c.TimeZone)
		to, ok2 := f.end(location+".to", in.To, c.TimeZone)
		f.check(!ok1 || !ok2 || to.Instant.After(from.Instant), location+".to", "It must end after it begins. A day as the end is not part of it: send the day after.")
		f.text(location+".note", in.Note, maxName)
		a.Unavailable = append(a.Unavailable, Away{From: from, To: to, Note: domain.Personal(strings.TrimSpace(in.Note))})
	}
	slices.SortStableFunc(a.Unavailable, func(x, y Away) int { return x.From.Instant.Compare(y.From.Instant) })
	return a, f.refusal()
}

func (f *faults) workingTime(location string, t WorkingTime) {
	f.check(slices.Contains(Weekdays, t.Day), location+".day", "Choose one of: "+strings.Join(Weekdays, ", ")+".")
	from, ok1 := clockOf(t.From)
	to, ok2 := clockOf(t.To)
	f.check(ok1 && from < 24*time.Hour, location+".from", "Enter a time such as 09:00.")
	f.check(ok2, location+".to", "Enter a time such as 17:00, or 24:00 for the day's end.")
	f.check(!ok1 || !ok2 || from >= 24*time.Hour || to > from, location+".to", "It must end after it begins. A night is two times: until 24:00, and from 00:00 on the next day.")
}

// end resolves one end of a span: a local time, or a day, which stands for the first instant that its date is on the clocks.
func (f *faults) end(location, s, zone string) (domain.Moment, bool) {
	if strings.TrimSpace(s) == "" {
		f.add(location, "This field is required.")
		return domain.Moment{}, false
	}
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		t, err := domain.FirstInstant(day, zone)
		if err == nil {
			var m domain.Moment
			if m, err = domain.MomentAt(t, zone); err == nil {
				return m, true
			}
		}
	}
	m, err := domain.ParseMoment(s, zone)
	switch {
	case err == nil:
		return m, true
	case errors.Is(err, domain.ErrNonexistentLocal):
		f.add(location, "This local time does not exist: the clocks go forward then.")
	case errors.Is(err, domain.ErrDoubledLocal):
		f.add(location, "This local time occurs twice: send its offset.")
	default:
		f.add(location, "Enter a day such as 2026-12-24, or a date and time such as 2026-12-24T09:00.")
	}
	return domain.Moment{}, false
}

// merged puts the week's times in order and joins those that meet.
func merged(week []WorkingTime) []WorkingTime {
	out := make([]WorkingTime, 0, len(week))
	sorted := slices.Clone(week)
	slices.SortStableFunc(sorted, func(x, y WorkingTime) int {
		if c := slices.Index(Weekdays, x.Day) - slices.Index(Weekdays, y.Day); c != 0 {
			return c
		}
		return strings.Compare(x.From, y.From)
	})
	for _, t := range sorted {
		if last := len(out) - 1; last >= 0 && out[last].Day == t.Day && t.From <= out[last].To {
			out[last].To = max(out[last].To, t.To)
			continue
		}
		out = append(out, t)
	}
	return out
}
