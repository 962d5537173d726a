package people

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain/windows"
)

// SetPolicies sets the windows of some commands at once (II-70, II-71, II-82, M-06).
type SetPolicies []SetPolicy

// SetPolicy is the window of one command. For a customer, Inherit takes away the own rule: the agency's holds again.
type SetPolicy struct {
	At      string // where it stands in what was sent, such as body
	Command string
	Rule    windows.Rule
	Inherit bool
}

// check finds what is wrong with policies as they were sent, beside their fields.
func (c SetPolicies) check(customer bool) error {
	var f faults
	for _, p := range c {
		f.oneOf(p.At+".command", p.Command, windows.Commands)
		if p.Inherit {
			f.check(customer, p.At+".inherit", "Only a customer can have the agency's rule: name one.")
			continue
		}
		if field, message := p.Rule.Fault(); field != "" {
			f.add(p.At+"."+field, message)
		}
	}
	return f.refusal()
}

// DecideAgency sets them for every customer without a rule of the own.
//
//	given  cancel until 72 hours before
//	when   SetPolicies{cancel, 2 working days}
//	then   AgencyChanged with the rule
//	again  nothing
//	error  invalid
func (c SetPolicies) DecideAgency(s Agency) ([]Event, error) {
	if s.Deployment == uuid.Nil {
		return nil, unknown("deployment")
	}
	if err := c.check(false); err != nil {
		return nil, err
	}
	n := s.Settings
	for _, p := range c {
		rule := p.Rule.Plain()
		switch {
		case rule == AgencyWindow(n, p.Command):
		case p.Command == windows.Cancel && !rule.Off && rule.Unit == windows.Hours:
			n.CancelHours, n.CancelInclusive, n.Policies = rule.Span, rule.Inclusive, without(n.Policies, p.Command)
		default:
			n.Policies = with(n.Policies, p.Command, rule)
		}
	}
	return s.changedTo(n)
}

// DecideCustomer sets them for one customer.
//
//	given  the agency's rule
//	when   SetPolicies{edit, 24 hours}
//	then   CustomerChanged with the rule
//	again  nothing
//	error  invalid
func (c SetPolicies) DecideCustomer(s Customer) ([]Event, error) {
	if !s.Exists() {
		return nil, unknown("customer")
	}
	if err := c.check(true); err != nil {
		return nil, err
	}
	next := CustomerChanged{Customer: s.ID, Name: s.Name, TimeZone: s.TimeZone, Settings: s.Settings}
	n := &next.Settings
	for _, p := range c {
		if p.Command == windows.Cancel {
			n.CancelHours = nil
		}
		if n.Policies = without(n.Policies, p.Command); !p.Inherit {
			n.Policies = with(n.Policies, p.Command, p.Rule.Plain())
		}
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
	if len(days) > maxHolidays { // each is compared with those before it
		f.add("body.holidays", "At most 500 days.")
		return
	}
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

// OwnWindow tells whether a customer has a rule of the own for a command.
func OwnWindow(c CustomerSettings, command string) bool {
	_, own := c.Policies[command]
	return own || command == windows.Cancel && c.CancelHours != nil
}
