package forms

import (
	"slices"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
)

// Core are values that every booking has, by key, as rules read them: a language, a service type; of others whether they are filled in.
type Core map[string][]string

// Holds tells whether a rule holds for what a booking holds, or would hold. "N/A" fills nothing in (D-04).
func (r Rule) Holds(values map[string]domain.Value, core Core) bool {
	items := values[r.Field].Items
	if CoreKind(r.Field) != "" {
		items = core[r.Field]
	}
	items = trimmed(items)
	if len(r.Is) == 0 {
		return len(items) > 0
	}
	return slices.ContainsFunc(items, func(item string) bool { return slices.Contains(r.Is, item) })
}

// RequiredBy tells whether one of the field's rules requires it.
func (f Field) RequiredBy(values map[string]domain.Value, core Core) bool {
	return slices.ContainsFunc(f.RequiredWhen, func(r Rule) bool { return r.Holds(values, core) })
}

// Wanting names the fields that are empty and that a rule requires, or, of the values that every booking has, the form itself: with what the
// booking would hold. Added fields that the form always requires are Validate's matter. An edit may ask about some of the keys only: it is
// refused for what it touches.
func (f Form) Wanting(values map[string]domain.Value, core Core, on string, touched func(key string) bool) []domain.FieldError {
	var faults []domain.FieldError
	for _, field := range f.Fields {
		switch {
		case field.EditOnly && on == OnCreate, field.Fixed, on == OnChange && field.OnEdit == EditOptional:
			continue
		case field.Core && field.RequiredOn(on) && !slices.Contains(f.needed(), field.Key): // those are the deciders' own matter
		case !field.RequiredBy(values, core):
			continue
		}
		if touched != nil && !touched(field.Key) && !slices.ContainsFunc(field.RequiredWhen, func(r Rule) bool { return touched(r.Field) }) {
			continue
		}
		switch v := values[field.Key]; {
		case field.Core && len(trimmed(core[field.Key])) == 0:
			faults = append(faults, domain.FieldError{Location: "body." + field.Key, Message: required})
		case !field.Core && !v.NotApplicable && v.First() == "":
			faults = append(faults, field.fault(required))
		}
	}
	return faults
}

// Sent is what was sent in the added fields of a new booking, with what comes filled, as rules read it: whatever else is wrong with it.
func (f Form) Sent(in map[string][]string) map[string]domain.Value {
	values := map[string]domain.Value{}
	for _, field := range f.Fields {
		sent := trimmed(in[field.Key])
		if len(sent) == 0 || field.Fixed {
			sent = trimmed([]string{field.Default})
		}
		if field.Core || len(sent) == 0 {
			continue
		}
		if value, problem := field.read(sent, time.Time{}); problem == "" {
			values[field.Key] = value
		} else {
			values[field.Key] = domain.Value{Items: sent}
		}
	}
	return values
}

const required = "This field is required."
