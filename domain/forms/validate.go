package forms

import (
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dragoman-booking/dragoman/domain"
)

// What a validation is for.
const (
	OnCreate = "create"
	OnChange = "edit"
)

// Limits of free text, in characters.
const (
	MaxText      = 200
	MaxMultiline = 4000
	maxEmail     = 254
	maxOptions   = 50
)

// Codes of the warnings that an accepted form may carry.
const (
	WarnCustodyClock = "custody-clock-passed" // LL-35
	WarnNoJoining    = "no-joining-details"   // LL-52
	WarnPersonalData = "personal-data"        // LL-33
)

// Validate reads what was sent in the fields that this form adds (not its core values) and finds all faults at once; each is located
// "body.fields.<key>". Without faults the values are what the booking stores, personal ones marked.
//
// On create, required fields must be there (LL-22..25, LL-31, LL-36, LL-49, LL-56), a whole section is whole or empty (LL-35), defaults are
// filled in, and what was left empty is left out. On edit only the sent keys are looked at: an empty one clears an optional field and comes
// back without items; a required field stays required unless the form says otherwise (D-19). Whether a whole section is still whole after an
// edit only the merged values show: see Incomplete.
//
// What is sent in a fixed field is ignored: the form's own text is stored (II-36). "N/A" in a text field means not applicable (D-04). An option may be sent by its value or its label. The wall clock of now, in now's own
// location, is what a custody clock is compared with: pass it in the job's zone. Warnings never refuse.
func (f Form) Validate(in map[string][]string, on string, now time.Time) (map[string]domain.Value, []domain.FieldError, []domain.Warning) {
	values := map[string]domain.Value{}
	var faults []domain.FieldError
	var warnings []domain.Warning
	for _, field := range f.Fields {
		if field.Core {
			continue
		}
		sent, given := in[field.Key]
		sent = trimmed(sent)
		if !given && on == OnChange {
			continue
		}
		switch {
		case field.Fixed && on == OnChange:
			continue
		case field.Fixed:
			sent = nil
		}
		if len(sent) == 0 && on == OnCreate && field.Default != "" {
			sent = []string{field.Default}
		}
		if len(sent) == 0 {
			switch {
			case field.RequiredOn(on):
				faults = append(faults, field.fault(required))
			case on == OnChange:
				values[field.Key] = domain.Value{}
			}
			continue
		}
		value, problem := field.read(sent, now)
		if problem != "" {
			faults = append(faults, field.fault(problem))
			continue
		}
		values[field.Key] = value
		warnings = append(warnings, f.warn(field, value, now)...)
	}
	for _, key := range f.unknown(in) {
		faults = append(faults, domain.FieldError{Location: location(key), Message: "This form has no such field."})
	}
	if on == OnCreate {
		// A field with a fault of its own counts as filled: its section is not incomplete because of it.
		seen := map[string]domain.Value{}
		for key, sent := range in {
			if sent = trimmed(sent); len(sent) > 0 {
				seen[key] = domain.Value{Items: sent}
			}
		}
		faults = append(faults, f.Incomplete(seen)...)
	}
	if len(faults) > 0 {
		return nil, faults, warnings
	}
	return values, nil, warnings
}

// Incomplete names the empty fields of every section that must be whole or empty and is neither (LL-35, D-03). Values are those that the
// booking would hold.
func (f Form) Incomplete(values map[string]domain.Value) []domain.FieldError {
	var faults []domain.FieldError
	for _, s := range f.Sections {
		if !s.Whole {
			continue
		}
		var empty []domain.FieldError
		filled := false
		for _, field := range f.Fields {
			switch v := values[field.Key]; {
			case field.Section != s.Key || field.EditOnly:
			case v.NotApplicable || v.First() != "":
				filled = true
			default:
				empty = append(empty, field.fault("Complete this section wholly or leave it empty."))
			}
		}
		if filled {
			faults = append(faults, empty...)
		}
	}
	return faults
}

// Field finds a field by its key.
func (f Form) Field(key string) (Field, bool) {
	for _, field := range f.Fields {
		if field.Key == key {
			return field, true
		}
	}
	return Field{}, false
}

// Place tells where a value stands against the calendar, core values included; what the form does not list, such as the client, stands
// above.
func (f Form) Place(key string) string {
	if field, ok := f.Field(key); ok {
		return field.Place
	}
	switch key {
	case "start", "duration":
		return In
	}
	return Above
}

// InitialStatus is the status of a new job: new, unless the form says requested.
func (f Form) InitialStatus() domain.Status {
	if f.Initial == "" {
		return domain.New
	}
	return domain.Status(f.Initial)
}

// AddressKey is the value that says where a job takes place, or who pays if nobody travels.
func (f Form) AddressKey() string {
	if f.Address == BillingAddress {
		return "billTo"
	}
	return "location"
}

// Editable are the keys that a customer may change after booking (LL-108), in the form's order.
func (f Form) Editable() []string {
	var keys []string
	for _, field := range f.Fields {
		if field.Editable {
			keys = append(keys, field.Key)
		}
	}
	return keys
}

// What D-15 lets a customer's agreement say about naming the non-English speaker.
const (
	SpeakerByName      = "name"
	SpeakerByInitials  = "initials"
	SpeakerByReference = "reference"
)

// WithSpeaker is the form as a customer with this rule fills it in: the non-English speaker by name (also if empty), by initials or by
// reference only (D-15). Validate and the form's answer to the customer both follow it.
func (f Form) WithSpeaker(rule string) Form {
	f.Fields = slices.Clone(f.Fields)
	for i, field := range f.Fields {
		if field.Personal != AboutSpeaker || !namesSpeaker(field.Key) {
			continue
		}
		switch rule {
		case SpeakerByInitials:
			field.Kind, field.Example, field.Help = KindInitials, "J.S.", "Initials only: do not enter the name."
		case SpeakerByReference:
			field.Kind, field.Example, field.Help = KindReference, "REF-1234", "A reference of yours only: do not enter the name."
		}
		f.Fields[i] = field
	}
	return f
}

// RequiredOn tells whether the field must be filled on create or on edit (D-19).
func (f Field) RequiredOn(on string) bool {
	if on == OnCreate || f.OnEdit == "" {
		return f.Required
	}
	return f.OnEdit == EditRequired
}

func (f Field) fault(message string) domain.FieldError {
	return domain.FieldError{Location: location(f.Key), Message: message}
}

func location(key string) string { return "body.fields." + key }

// unknown are the sent keys that the form does not add, in order.
func (f Form) unknown(in map[string][]string) []string {
	var keys []string
	for key := range in {
		if field, ok := f.Field(key); !ok || field.Core {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// trimmed drops outer space and empty texts.
func trimmed(sent []string) []string {
	var out []string
	for _, s := range sent {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// Patterns of values. A LIN is upper case (LL-40).
var (
	linPattern       = regexp.MustCompile(`^LIN/[0-9A-Z]{4}/[0-9A-Z]{5}$`)
	telephonePattern = regexp.MustCompile(`^\+?[0-9 ()./-]+( ?(x|ext\.?) ?[0-9]{1,6})?$`)
	initialsPattern  = regexp.MustCompile(`^\p{Lu}([. -]{0,2}\p{Lu}){0,4}\.?$`)
	referencePattern = regexp.MustCompile(`^[\p{L}0-9/._ -]*[0-9][\p{L}0-9/._ -]*$`)
)

// IsLIN tells whether s is a Linguist Identification Number such as LIN/5455/5J71Y (LL-40).
func IsLIN(s string) bool { return linPattern.MatchString(s) }

// IsEmail tells whether s is one plain mail address.
func IsEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > maxEmail {
		return false
	}
	_, host, _ := strings.Cut(s, "@")
	return strings.Contains(host, ".") && !strings.HasSuffix(host, ".") && !strings.ContainsAny(s, " \"[]")
}

// IsTelephone tells whether s reads as a telephone number: 5 to 20 digits, an extension allowed.
func IsTelephone(s string) bool {
	if !telephonePattern.MatchString(s) {
		return false
	}
	n := countDigits(s)
	return n >= 5 && n <= 20
}

func countDigits(s string) (n int) {
	for _, r := range s {
		if r >= '0' && r <= '9' {
			n++
		}
	}
	return n
}

// read turns what was sent, at least one text, into the field's value, or says what is wrong with it.
func (f Field) read(sent []string, now time.Time) (value domain.Value, problem string) {
	value = domain.Value{Items: sent, Personal: f.Personal != NotPersonal}
	if f.Kind == KindOptions {
		if len(sent) > maxOptions {
			return value, "Too many values."
		}
		value.Items = nil
		for _, s := range sent {
			v, ok := f.option(s)
			if !ok {
				return value, "Choose from the list."
			}
			if !slices.Contains(value.Items, v) {
				value.Items = append(value.Items, v)
			}
		}
		return value, ""
	}
	if len(sent) > 1 {
		return value, "Send one value."
	}
	s := sent[0]
	switch f.Kind {
	case KindText, KindMultiline, KindInitials, KindReference:
		if strings.EqualFold(s, "N/A") {
			return domain.Value{NotApplicable: true}, ""
		}
	}
	switch f.Kind {
	case KindText:
		return value, plainText(s, MaxText, false)
	case KindMultiline:
		return value, plainText(s, MaxMultiline, true)
	case KindInitials:
		if !initialsPattern.MatchString(s) {
			return value, "Enter initials only, such as J.S."
		}
	case KindReference:
		if !referencePattern.MatchString(s) || len(s) > MaxText {
			return value, "Enter a reference with a number in it, not a name."
		}
	case KindOption:
		v, ok := f.option(s)
		if !ok {
			return value, "Choose from the list."
		}
		value.Items = []string{v}
	case KindEmail:
		if !IsEmail(s) {
			return value, "Enter a mail address such as someone@example.com."
		}
	case KindTelephone:
		if !IsTelephone(s) {
			return value, "Enter a telephone number."
		}
	case KindLIN:
		if !IsLIN(s) {
			return value, "Enter an interpreter ID such as LIN/ABCD/12345."
		}
	case KindDatetime:
		if _, err := clock(s, now); err != nil {
			return value, localProblem(err)
		}
	default:
		return value, "This form asks for a kind of value that is unknown."
	}
	return value, ""
}

// option finds the value that was sent, by value or by label, whatever the case.
func (f Field) option(s string) (string, bool) {
	for _, o := range f.Options {
		if s == o.Value {
			return o.Value, true
		}
	}
	for _, o := range f.Options {
		if strings.EqualFold(s, o.Label) {
			return o.Value, true
		}
	}
	return "", false
}

// plainText says what is wrong with a free text: its length, or characters that no keyboard types.
func plainText(s string, limit int, lines bool) string {
	if utf8.RuneCountInString(s) > limit {
		return fmt.Sprintf("At most %d characters.", limit)
	}
	for _, r := range s {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			if !lines {
				return "Enter one line."
			}
		case unicode.IsControl(r) || r == utf8.RuneError:
			return "This text contains characters that cannot be stored."
		}
	}
	return ""
}

// clock resolves a local time on now's own wall clock. A location that has no name, such as a fixed offset, knows no clock changes.
func clock(s string, now time.Time) (time.Time, error) {
	m, err := domain.ParseMoment(s, now.Location().String())
	if err == domain.ErrUnknownZone {
		m, err = domain.ParseMoment(s, "UTC")
		if err != nil {
			return time.Time{}, err
		}
		return time.ParseInLocation(domain.LocalLayout, m.Local, now.Location())
	}
	return m.Instant, err
}

func localProblem(err error) string {
	switch err {
	case domain.ErrNonexistentLocal:
		return "This local time does not exist: the clocks go forward then."
	case domain.ErrDoubledLocal:
		return "This local time occurs twice: send its offset."
	}
	return "Enter a date and time such as 2026-12-01T10:00."
}

var (
	joining = regexp.MustCompile(`(?i)https?://\S|www\.\S|\b[a-z0-9-]+(\.[a-z0-9-]+)+/\S`)
	dialIn  = regexp.MustCompile(`\+?[0-9][0-9 ()-]{7,}[0-9]`)
	phone   = regexp.MustCompile(`(?:\+|\b0|\b44)[0-9 ()-]{8,}[0-9]`)
	address = regexp.MustCompile(`[^\s@]+@[^\s@]+\.[^\s@]+`)
)

// warn says what the customer may want to know about an accepted value.
func (f Form) warn(field Field, value domain.Value, now time.Time) []domain.Warning {
	text := value.First()
	one := func(code, message string) []domain.Warning {
		return []domain.Warning{{Location: location(field.Key), Code: code, Message: message}}
	}
	switch {
	case field.Key == "custodyClock":
		if at, err := clock(text, now); err == nil && at.Before(now) {
			return one(WarnCustodyClock, "The custody clock expires before now. Please check it.")
		}
	case field.Key == "assignedNotes" && f.Address == BillingAddress:
		if value.NotApplicable || !joining.MatchString(text) && !dialIn.MatchString(text) {
			return one(WarnNoJoining, "These notes hold no link and no dial-in. The interpreter does not receive your contact details and could not join.")
		}
	case field.Visibility == VisibleOffered && field.Kind == KindMultiline:
		if address.MatchString(text) || phone.MatchString(text) {
			return one(WarnPersonalData, "All interpreters who are sent an offer will read this, and it seems to hold a mail address or telephone number.")
		}
	}
	return nil
}
