package forms

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// FormState is every version of one form, oldest first: the fold of a form's stream.
type FormState struct{ Versions []Form }

// EvolveForm returns the state after e; it shares no slice with s.
func EvolveForm(s FormState, e Event) FormState {
	switch e := e.(type) {
	case Defined:
		return FormState{slices.Concat(s.Versions, []Form{e.Form})}
	default:
		panic(fmt.Sprintf("forms.EvolveForm: no case for %T", e)) // our bug, not bad data
	}
}

// Newest is the version that new bookings are made with; false if the form does not exist.
func (s FormState) Newest() (Form, bool) {
	if len(s.Versions) == 0 {
		return Form{}, false
	}
	return s.Versions[len(s.Versions)-1], true
}

// Version finds the version that a booking was made with.
func (s FormState) Version(n int) (Form, bool) {
	for _, f := range s.Versions {
		if f.Version == n {
			return f, true
		}
	}
	return Form{}, false
}

// TermsState is every version of one contract's terms, oldest first.
type TermsState struct{ Versions []Terms }

// EvolveTerms returns the state after e; it shares no slice with s.
func EvolveTerms(s TermsState, e Event) TermsState {
	switch e := e.(type) {
	case TermsDefined:
		return TermsState{slices.Concat(s.Versions, []Terms{e.Terms})}
	default:
		panic(fmt.Sprintf("forms.EvolveTerms: no case for %T", e))
	}
}

// Newest are the terms in force; false if there are none.
func (s TermsState) Newest() (Terms, bool) {
	if len(s.Versions) == 0 {
		return Terms{}, false
	}
	return s.Versions[len(s.Versions)-1], true
}

// Define stores a form's next version (PUT /forms/{id}). Bookings keep the version that they were made with (D-19).
//
//	given  version 1
//	when   Define{a form that differs}
//	then   Defined{version 2}
//	again  nothing: the newest version is that form already
//
// Every fault is named at once; see faults for what a form may not be. What is refused for the sake of stored bookings: a value that was sealed
// once stays sealed, and a key keeps its kind of value.
type Define struct {
	Form  Form
	Known Known
}

// Known are the lists that live outside the form's stream. A nil list is not checked against.
type Known struct {
	Customers    map[uuid.UUID]bool // those, of the ones that the form names, that there are
	ServiceTypes []string           // priced by the terms
}

// Decide counts the version itself and names every fault of the form at once.
func (c Define) Decide(s FormState) ([]Event, error) {
	next := c.Form
	next.Version = 1
	if now, there := s.Newest(); there {
		next.Version = now.Version
		if alike(next, now) {
			return nil, nil
		}
		next.Version++
		if next.ID != now.ID {
			return nil, domain.Invalid(domain.FieldError{Location: "body.id", Message: "A form keeps its id."})
		}
	}
	if faults := next.faults(s.Versions, c.Known); len(faults) > 0 {
		return nil, domain.Invalid(faults...)
	}
	return []Event{Defined{next}}, nil
}

// DefineTerms stores the next version of a contract's terms. What was offered or billed before keeps the version that it was made with.
type DefineTerms struct{ Terms Terms }

// Decide counts the version itself and names every fault at once.
func (c DefineTerms) Decide(s TermsState) ([]Event, error) {
	next := c.Terms
	next.Version = 1
	if now, there := s.Newest(); there {
		next.Version = now.Version
		if alike(next, now) {
			return nil, nil
		}
		next.Version++
	}
	if faults := next.faults(); len(faults) > 0 {
		return nil, domain.Invalid(faults...)
	}
	return []Event{TermsDefined{next}}, nil
}

// alike tells whether two values would be stored alike.
func alike(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

func (t Terms) faults() []domain.FieldError {
	var out []domain.FieldError
	check := func(okay bool, location, message string) {
		if !okay {
			out = append(out, domain.FieldError{Location: "body." + location, Message: message})
		}
	}
	check(idPattern.MatchString(t.ID), "id", "Use small letters, digits and hyphens.")
	check(domain.ValidCurrency(t.Currency), "currency", "Send a currency such as GBP.")
	check(len(t.Hourly) > 0, "hourly", "Name at least one service type.")
	for _, list := range []struct {
		name   string
		prices map[string]domain.Money
	}{{"hourly", t.Hourly}, {"fee", t.Fee}, {"incidentals", t.Incidentals}} {
		for key, m := range list.prices {
			if !idPattern.MatchString(key) || m.Minor < 0 || m.Currency != t.Currency {
				check(false, list.name, "Prices have a key, the terms' currency and are not below zero.")
				break
			}
		}
	}
	check(t.MinimumMinutes >= 0 && t.MinimumMinutes <= 24*60, "minimumMinutes", "Send minutes from 0 to 1440.")
	for _, o := range t.BillableOutcome {
		check(o.Known(), "billableOutcome", "There is no such outcome.")
	}
	return out
}
