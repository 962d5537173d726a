package people

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain/windows"
)

// SetPolicy sets the window of one command (II-70, II-71, II-82, M-06). For a customer, Inherit takes away the own rule: the agency's holds
// again.
type SetPolicy struct {
	Command string
	Rule    windows.Rule
	Inherit bool
}

// faults of a policy as it was sent, beside its fields.
func (c SetPolicy) faults(customer bool) faults {
	var f faults
	f.oneOf("body.command", c.Command, windows.Commands)
	if c.Inherit {
		f.check(customer, "body.inherit", "Only a customer can have the agency's rule: name one.")
		return f
	}
	if field, message := c.Rule.Fault(); field != "" {
		f.add("body."+field, message)
	}
	return f
}

// DecideAgency sets it for every customer without a rule of the own.
//
//	given  cancel until 72 hours before
//	when   SetPolicy{cancel, 2 working days}
//	then   AgencyChanged with the rule
//	again  nothing
//	error  invalid
func (c SetPolicy) DecideAgency(s Agency) ([]Event, error) {
	if s.Deployment == uuid.Nil {
		return nil, unknown("deployment")
	}
	if err := c.faults(false).refusal(); err != nil {
		return nil, err
	}
	n, rule := s.Settings, c.Rule.Plain()
	if c.Command == windows.Cancel && !rule.Off && rule.Unit == windows.Hours {
		n.CancelHours, n.CancelInclusive, n.Policies = rule.Span, rule.Inclusive, without(n.Policies, c.Command)
	} else {
		n.Policies = with(n.Policies, c.Command, rule)
	}
	return s.changedTo(n)
}

// DecideCustomer sets it for one customer.
//
//	given  the agency's rule
//	when   SetPolicy{edit, 24 hours}
//	then   CustomerChanged with the rule
//	again  nothing
//	error  invalid
func (c SetPolicy) DecideCustomer(s Customer) ([]Event, error) {
	if !s.Exists() {
		return nil, unknown("customer")
	}
	if err := c.faults(true).refusal(); err != nil {
		return nil, err
	}
	next := CustomerChanged{Customer: s.ID, Name: s.Name, TimeZone: s.TimeZone, Settings: s.Settings}
	if c.Command == windows.Cancel {
		next.Settings.CancelHours = nil
	}
	if next.Settings.Policies = without(s.Settings.Policies, c.Command); !c.Inherit {
		next.Settings.Policies = with(s.Settings.Policies, c.Command, c.Rule.Plain())
	}
	if same(next.Settings, s.Settings) {
		return nil, nil
	}
	return []Event{next}, nil
}

// with is the map with one rule more; it shares nothing with the old one.
func with(m map[string]windows.Rule, command string, r windows.Rule) map[string]windows.Rule {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]windows.Rule{}
	}
	m[command] = r
	return m
}

// without is the map without one rule; it shares nothing with the old one.
func without(m map[string]windows.Rule, command string) map[string]windows.Rule {
	m = maps.Clone(m)
	delete(m, command)
	if len(m) == 0 {
		return nil
	}
	return m
}

// SetHolidays sets the days that the agency adds to the table of bank holidays, whole.
type SetHolidays struct {
	Days []windows.Day
}

// Decide answers with the settings' next version; nothing if these are the days already.
func (c SetHolidays) Decide(s Agency) ([]Event, error) {
	days := make([]windows.Day, len(c.Days))
	for i, d := range c.Days {
		d.Name = strings.TrimSpace(d.Name)
		d.Nations = slices.Sorted(slices.Values(d.Nations))
		days[i] = d
	}
	slices.SortStableFunc(days, func(a, b windows.Day) int { return strings.Compare(a.Date, b.Date) })
	if s.Deployment == uuid.Nil {
		return nil, unknown("deployment")
	}
	var f faults
	f.holidays(c.Days) // by the places in which they were sent
	if err := f.refusal(); err != nil {
		return nil, err
	}
	n := s.Settings
	n.Holidays = days
	return s.changedTo(n)
}

func (f *faults) policies(location string, m map[string]windows.Rule) {
	for _, command := range slices.Sorted(maps.Keys(m)) {
		f.oneOf(location, command, windows.Commands)
		if field, message := m[command].Fault(); field != "" {
			f.add(location+"."+command+"."+field, message)
		}
	}
}

func (f *faults) nation(location, nation string) {
	if nation != "" {
		f.oneOf(location, nation, windows.Nations)
	}
}

// maxHolidays are more than the table has in 20 years.
const maxHolidays = 500

func (f *faults) holidays(days []windows.Day) {
	f.check(len(days) <= maxHolidays, "body.holidays", "At most 500 days.")
	for i, d := range days {
		location := at("body.holidays", i)
		_, err := time.Parse(time.DateOnly, d.Date)
		f.check(err == nil, location+".date", "Enter a day such as 2026-12-28.")
		f.required(location+".name", d.Name, maxName)
		for n, nation := range d.Nations {
			f.oneOf(at(location+".nations", n), nation, windows.Nations[:3])
		}
		for _, before := range days[:i] {
			if before.Date == d.Date && overlap(before.Nations, d.Nations) {
				f.add(location+".date", "This day is in the list twice.")
				break
			}
		}
	}
}

// overlap tells whether two lists of nations, of which an empty one means all, have one in common.
func overlap(a, b []string) bool {
	return len(a) == 0 || len(b) == 0 || slices.ContainsFunc(a, func(n string) bool { return slices.Contains(b, n) })
}
