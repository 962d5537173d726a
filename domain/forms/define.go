package forms

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

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
type Define struct{ Form Form }

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
	if faults := next.faults(); len(faults) > 0 {
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

// What a form may be made of.
var (
	idPattern     = regexp.MustCompile(`^[a-z][a-z0-9-]{0,59}$`)
	keyPattern    = regexp.MustCompile(`^[a-z][A-Za-z0-9]{0,59}$`)
	prefixPattern = regexp.MustCompile(`^[A-Z]{2,5}$`)

	kinds = []string{KindText, KindMultiline, KindOption, KindOptions, KindDatetime, KindEmail, KindTelephone, KindLIN, KindInitials, KindReference}
	// coreKinds are the values that every booking has: a form says where they stand, not what they are.
	coreKinds = map[string]string{"location": KindAddress, "billTo": KindAddress, "client": KindClient, "language": KindLanguage,
		"alternativeLanguages": KindLanguages, "serviceType": KindOption, "interpretersRequested": KindNumber, "start": KindDatetime,
		"duration": KindDuration}
	places       = []string{Above, In, Below}
	visibilities = []string{VisiblePublic, VisibleOffered, VisibleAssigned, VisibleCustomer, VisibleAgency}
	personals    = []string{NotPersonal, AboutSpeaker, AboutContact, PersonalNote, AboutCustody}
)

const (
	maxLabel  = 200
	maxFields = 200
)

func (f Form) faults() []domain.FieldError {
	var out []domain.FieldError
	check := func(okay bool, location, message string) {
		if !okay {
			out = append(out, domain.FieldError{Location: "body." + location, Message: message})
		}
	}
	label := func(location, s string, limit int) {
		check(strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= limit, location, fmt.Sprintf("Enter a text of up to %d characters.", limit))
	}
	check(idPattern.MatchString(f.ID), "id", "Use small letters, digits and hyphens.")
	label("name", f.Name, maxLabel)
	check(prefixPattern.MatchString(f.Prefix), "prefix", "Use two to five capital letters.")
	check(f.Initial == string(domain.New) || f.Initial == string(domain.Requested), "initial", "A booking starts as new or requested.")
	check(f.ServiceType == "" || idPattern.MatchString(f.ServiceType), "serviceType", "Use small letters, digits and hyphens.")
	check(f.Address == ServiceAddress || f.Address == BillingAddress, "address", "Choose service or billing.")
	for i, need := range f.CancelNeeds {
		check(need == "authorisedBy" || need == "reason", fmt.Sprintf("cancelNeeds[%d]", i), "Choose authorisedBy or reason.")
	}

	section := map[string]bool{}
	for i, s := range f.Sections {
		at := fmt.Sprintf("sections[%d]", i)
		check(keyPattern.MatchString(s.Key) && !section[s.Key], at+".key", "Each section has a key of its own.")
		label(at+".label", s.Label, maxLabel)
		section[s.Key] = true
	}
	notice := map[string]bool{}
	for i, n := range f.Notices {
		at := fmt.Sprintf("notices[%d]", i)
		check(idPattern.MatchString(n.Key) && !notice[n.Key], at+".key", "Each notice has a key of its own.")
		label(at+".text", n.Text, MaxMultiline)
		notice[n.Key] = true
	}

	check(len(f.Fields) <= maxFields, "fields", "A form has at most 200 fields.")
	seen := map[string]bool{}
	for i, field := range f.Fields {
		at := fmt.Sprintf("fields[%d]", i)
		check(keyPattern.MatchString(field.Key) && !seen[field.Key], at+".key", "Each field has a key of its own.")
		seen[field.Key] = true
		label(at+".label", field.Label, maxLabel)
		check(section[field.Section], at+".section", "Name one of the form's sections.")
		check(slices.Contains(places, field.Place), at+".place", "Choose above, in or below.")
		check(slices.Contains(visibilities, field.Visibility), at+".visibility", "Choose public, offered, assigned, customer or agency.")
		check(slices.Contains(personals, field.Personal), at+".personal", "Choose none, speaker, contact, note or custody.")
		check(field.OnEdit == "" || field.OnEdit == EditRequired || field.OnEdit == EditOptional, at+".onEdit", "Choose required or optional.")
		check(utf8.RuneCountInString(field.Help) <= MaxMultiline, at+".help", "At most 4000 characters.")
		check(utf8.RuneCountInString(field.Example) <= maxLabel, at+".example", "At most 200 characters.")

		core, isCore := coreKinds[field.Key]
		check(field.Core == isCore, at+".core", "This key is that of a value which every booking has, or it is not.")
		if field.Core {
			check(field.Kind == core, at+".kind", "This value has a kind of its own.")
			continue
		}
		check(slices.Contains(kinds, field.Kind), at+".kind", "There is no such kind.")
		switch field.Kind {
		case KindOption, KindOptions:
			out = append(out, field.optionFaults("body."+at)...)
		case KindEmail, KindTelephone, KindInitials, KindReference, KindMultiline:
			check(field.Personal != NotPersonal, at+".personal", "Such a value may tell about a person: it is stored sealed.")
		}
		if field.Kind != KindOption && field.Kind != KindOptions {
			check(len(field.Options) == 0, at+".options", "Only a list has options.")
		}
	}
	for _, key := range []string{"language", "start", "duration"} {
		check(seen[key], "fields", "A form asks for "+key+".")
	}
	return out
}

func (f Field) optionFaults(at string) []domain.FieldError {
	var out []domain.FieldError
	if len(f.Options) == 0 {
		out = append(out, domain.FieldError{Location: at + ".options", Message: "Name at least one option."})
	}
	seen := map[string]bool{}
	for i, o := range f.Options {
		if !idOrDigits.MatchString(o.Value) || seen[o.Value] || strings.TrimSpace(o.Label) == "" {
			out = append(out, domain.FieldError{Location: fmt.Sprintf("%s.options[%d]", at, i), Message: "Each option has a value of its own and a label."})
		}
		seen[o.Value] = true
	}
	if f.Default != "" && !seen[f.Default] {
		out = append(out, domain.FieldError{Location: at + ".default", Message: "The default is one of the options."})
	}
	return out
}

var idOrDigits = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,59}$`)

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
