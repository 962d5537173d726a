package forms

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// AsksFor begins the fault that a form lacks a field which every booking has; the field's key follows.
const AsksFor = "A form asks for "

// What a form may be made of.
var (
	idPattern     = regexp.MustCompile(`^[a-z][a-z0-9-]{0,59}$`)
	keyPattern    = regexp.MustCompile(`^[a-z][A-Za-z0-9]{0,59}$`)
	prefixPattern = regexp.MustCompile(`^[A-Z]{2,5}$`)
	valuePattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,59}$`)

	kinds = []string{KindText, KindMultiline, KindOption, KindOptions, KindDatetime, KindEmail, KindTelephone, KindLIN, KindInitials, KindReference}
	// coreKinds are the values that every booking has: a form says where they stand, not what they are.
	coreKinds = map[string]string{"location": KindAddress, "billTo": KindAddress, "client": KindClient, "language": KindLanguage,
		"alternativeLanguages": KindLanguages, "serviceType": KindOption, "interpretersRequested": KindNumber, "start": KindDatetime,
		"duration": KindDuration}
	places       = []string{Above, In, Below}
	visibilities = []string{VisiblePublic, VisibleOffered, VisibleAssigned, VisibleCustomer, VisibleAgency}
	personals    = []string{NotPersonal, AboutSpeaker, AboutContact, PersonalNote, AboutCustody}

	// meanings are the keys of added fields that rules of ours read, with the kinds of value that they can read.
	meanings = map[string][]string{
		"skills": {KindOption, KindOptions}, "flexibility": {KindOption}, "gender": {KindOption}, "remoteOption": {KindOption},
		"preferredInterpreter": {KindLIN}, "precludedInterpreter": {KindLIN}, "custodyClock": {KindDatetime},
		"primaryEmail": {KindEmail}, "secondaryEmail": {KindEmail}, "notificationEmail": {KindEmail},
		"nonEnglishSpeaker": {KindText, KindInitials, KindReference}, "consumer": {KindText, KindInitials, KindReference},
	}
	// genders are what a form may ask for (LL-32).
	genders = []string{NoPreference, "female", "male", "other"}
	// families are kinds of value that may take each other's place in a later version: what is stored still reads.
	families = [][]string{{KindText, KindMultiline, KindInitials, KindReference}, {KindOption, KindOptions}}
)

// NoPreference is the gender that asks for none (LL-32).
const NoPreference = "no-preference"

// Kinds are the kinds that an added field may have, the plainest first.
func Kinds() []string { return slices.Clone(kinds) }

// CoreKind is the kind of a value that every booking has; empty: the key is that of an added field.
func CoreKind(key string) string { return coreKinds[key] }

// CoreKeys are the keys of the values that every booking has, in the order in which forms ask for them.
func CoreKeys() []string {
	return []string{"client", "location", "billTo", "language", "alternativeLanguages", "serviceType", "interpretersRequested", "start", "duration"}
}

// Places, Visibilities and Personals are the words that a field may say in these properties.
func Places() []string       { return slices.Clone(places) }
func Visibilities() []string { return slices.Clone(visibilities) }
func Personals() []string    { return slices.Clone(personals) }

// Limits of a form.
const (
	maxLabel       = 200
	maxFields      = 200
	maxSections    = 40
	maxNotices     = 20
	maxListed      = 500 // options of a field
	maxRules       = 20
	maxNamed       = 500 // customers of a field
	maxBytes       = 256 << 10
	maxInterpreter = 400
)

// check notes what is wrong with a form, each fault at its place in the body.
type check struct{ out []domain.FieldError }

func (c *check) that(okay bool, location, message string) {
	if !okay {
		c.out = append(c.out, domain.FieldError{Location: "body." + location, Message: message})
	}
}

func (c *check) text(location, s string, limit int) {
	c.that(strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= limit && plainText(s, limit, true) == "", location,
		fmt.Sprintf("Enter a text of up to %d characters.", limit))
}

// faults names what is wrong with a form. Before are its stored versions, oldest first.
func (f Form) faults(before []Form, known Known) []domain.FieldError {
	var c check
	c.that(idPattern.MatchString(f.ID), "id", "Use small letters, digits and hyphens.")
	c.text("name", f.Name, maxLabel)
	c.that(prefixPattern.MatchString(f.Prefix), "prefix", "Use two to five capital letters.")
	c.that(f.Initial == string(domain.New) || f.Initial == string(domain.Requested), "initial", "A booking starts as new or requested.")
	switch {
	case f.ServiceType != "" && !idPattern.MatchString(f.ServiceType):
		c.that(false, "serviceType", "Use small letters, digits and hyphens.")
	case f.ServiceType != "" && known.ServiceTypes != nil:
		c.that(slices.Contains(known.ServiceTypes, f.ServiceType), "serviceType", noPrice)
	}
	c.that(f.Address == ServiceAddress || f.Address == BillingAddress, "address", "Choose service or billing.")
	for i, need := range f.CancelNeeds {
		c.that(need == "authorisedBy" || need == "reason", fmt.Sprintf("cancelNeeds[%d]", i), "Choose authorisedBy or reason.")
	}

	c.that(len(f.Sections) > 0, "sections", "Name at least one section.")
	c.that(len(f.Sections) <= maxSections, "sections", fmt.Sprintf("A form has at most %d sections.", maxSections))
	sections := map[string]bool{}
	for i, s := range f.Sections {
		at := fmt.Sprintf("sections[%d]", i)
		c.that(keyPattern.MatchString(s.Key) && !sections[s.Key], at+".key", "Each section has a key of its own.")
		c.text(at+".label", s.Label, maxLabel)
		sections[s.Key] = true
	}
	c.that(len(f.Notices) <= maxNotices, "notices", fmt.Sprintf("A form has at most %d notices.", maxNotices))
	notices := map[string]bool{}
	for i, n := range f.Notices {
		at := fmt.Sprintf("notices[%d]", i)
		c.that(idPattern.MatchString(n.Key) && !notices[n.Key], at+".key", "Each notice has a key of its own.")
		c.text(at+".text", n.Text, MaxMultiline)
		notices[n.Key] = true
	}

	c.that(len(f.Fields) <= maxFields, "fields", "A form has at most 200 fields.")
	seen := map[string]bool{}
	for i, field := range f.Fields {
		at := fmt.Sprintf("fields[%d]", i)
		c.that(keyPattern.MatchString(field.Key) && !seen[field.Key], at+".key", "Each field has a key of its own.")
		seen[field.Key] = true
		c.field(at, field, sections, known)
		c.stored(at, field, before)
		c.rules(at, field, f)
	}
	for _, key := range f.needed() {
		field, there := f.Field(key)
		c.that(there, "fields", AsksFor+key+".")
		if i := slices.IndexFunc(f.Fields, func(x Field) bool { return x.Key == key }); there && field.Core {
			c.that(field.Required && !field.EditOnly, fmt.Sprintf("fields[%d].required", i), "Every booking on this form has this value: it is required.")
			c.that(len(field.Customers) == 0, fmt.Sprintf("fields[%d].customers", i), "Every booking on this form has this value: it is for all customers.")
		}
	}
	c.that(!seen["consumer"] || !seen["nonEnglishSpeaker"], "fields", "consumer and nonEnglishSpeaker are one value: a form asks for one of them.")
	if b, err := json.Marshal(f); err != nil || len(b) > maxBytes {
		c.that(false, "fields", "This form is too long: shorten its texts and lists to 256 KB in all.")
	}
	return c.out
}

const noPrice = "The terms have no price for this service."

// needed are the keys without which the rules of booking cannot do.
func (f Form) needed() []string {
	keys := []string{"language", "start", "duration"}
	switch f.Address {
	case ServiceAddress:
		keys = append(keys, "location")
	case BillingAddress:
		keys = append(keys, "billTo")
	}
	if f.ServiceType == "" {
		keys = append(keys, "serviceType")
	}
	return keys
}

// field looks at one field by itself.
func (c *check) field(at string, f Field, sections map[string]bool, known Known) {
	c.text(at+".label", f.Label, maxLabel)
	c.that(sections[f.Section], at+".section", "Name one of the form's sections.")
	c.that(slices.Contains(places, f.Place), at+".place", "Choose above, in or below.")
	c.that(slices.Contains(visibilities, f.Visibility), at+".visibility", "Choose public, offered, assigned, customer or agency.")
	c.that(slices.Contains(personals, f.Personal), at+".personal", "Choose none, speaker, contact, note or custody.")
	c.that(f.OnEdit == "" || f.OnEdit == EditRequired || f.OnEdit == EditOptional, at+".onEdit", "Choose required or optional.")
	c.that(plainText(f.Help, MaxMultiline, true) == "", at+".help", "At most 4000 characters.")
	c.that(plainText(f.Example, maxLabel, false) == "", at+".example", "At most 200 characters.")
	c.that(!f.Required || !f.EditOnly, at+".required", "This field is not asked for when booking: nobody could fill it in.")

	c.that(len(f.Customers) <= maxNamed, at+".customers", fmt.Sprintf("A field names at most %d customers.", maxNamed))
	named := map[uuid.UUID]bool{}
	for i, id := range f.Customers {
		there := known.Customers == nil || known.Customers[id]
		c.that(there && !named[id], fmt.Sprintf("%s.customers[%d]", at, i), "Name each of the agency's customers once.")
		named[id] = true
	}

	core, isCore := coreKinds[f.Key]
	c.that(f.Core == isCore, at+".core", "This key is that of a value which every booking has, or it is not.")
	if f.Core {
		c.that(f.Kind == core, at+".kind", "This value has a kind of its own.")
		c.that(!f.Fixed, at+".fixed", "Only a text that the form adds can be fixed.")
		c.that(f.coreDefault(), at+".default", "Such a value cannot come filled with this.")
		if f.Key == "serviceType" {
			c.options(at, f)
			for i, o := range f.Options {
				c.that(known.ServiceTypes == nil || slices.Contains(known.ServiceTypes, o.Value), fmt.Sprintf("%s.options[%d]", at, i), noPrice)
			}
			return
		}
		c.that(len(f.Options) == 0, at+".options", "Only a list has options.")
		return
	}
	c.that(slices.Contains(kinds, f.Kind), at+".kind", "There is no such kind.")
	if can, means := meanings[f.Key]; means {
		c.that(slices.Contains(can, f.Kind), at+".kind", "Rules read the value under this key: it is one of "+strings.Join(can, ", ")+".")
	}
	c.that(!namesSpeaker(f.Key) || f.Personal == AboutSpeaker, at+".personal", "This value names the person who receives the service.")
	switch f.Kind {
	case KindOption, KindOptions:
		c.options(at, f)
	case KindEmail, KindTelephone, KindInitials, KindReference, KindMultiline:
		c.that(f.Personal != NotPersonal, at+".personal", "Such a value may tell about a person: it is stored sealed.")
	}
	if f.Kind != KindOption && f.Kind != KindOptions {
		c.that(len(f.Options) == 0, at+".options", "Only a list has options.")
		c.that(f.Default == "" || f.Kind != KindDatetime && f.readable(), at+".default", "This text would be refused in such a field.")
	}
	if f.Fixed {
		c.that(f.Kind == KindText || f.Kind == KindMultiline, at+".fixed", "Only a text that the form adds can be fixed.")
		c.that(!f.Required || f.Default != "", at+".default", "Write the text that nobody can change, or do not require it.")
		c.that(!f.Editable, at+".editable", "A fixed text is changed by nobody who books.")
	}
	for i, o := range f.Options {
		at := fmt.Sprintf("%s.options[%d]", at, i)
		switch f.Key {
		case "flexibility":
			_, known := spans[o.Value]
			c.that(known || o.Value == sameDay, at, "There is no such flexibility: the value is one of "+strings.Join(flexibilityValues(), ", ")+".")
		case "gender":
			c.that(slices.Contains(genders, o.Value), at, "The value is one of "+strings.Join(genders, ", ")+".")
		}
	}
}

// namesSpeaker tells whether a field names the non-English speaker: one value under two keys.
func namesSpeaker(key string) bool { return key == "nonEnglishSpeaker" || key == "consumer" }

// readable tells whether the default would be taken if somebody typed it.
func (f Field) readable() bool {
	_, problem := f.read([]string{strings.TrimSpace(f.Default)}, time.Time{})
	return strings.TrimSpace(f.Default) != "" && problem == ""
}

// coreDefault tells whether a value that every booking has can come filled so.
func (f Field) coreDefault() bool {
	if f.Default == "" || f.Key == "serviceType" {
		return true
	}
	switch f.Key {
	case "duration":
		hours, minutes, two := strings.Cut(f.Default, ":")
		h, err1 := strconv.Atoi(hours)
		m, err2 := strconv.Atoi(minutes)
		return two && err1 == nil && err2 == nil && len(minutes) == 2 && h >= 0 && m >= 0 && m < 60 && h*60+m > 0 && h*60+m <= 24*60
	case "interpretersRequested":
		n, err := strconv.Atoi(f.Default)
		return err == nil && n >= 1 && n <= maxInterpreter
	case "language":
		return plainText(f.Default, 35, false) == ""
	}
	return false
}

func (c *check) options(at string, f Field) {
	c.that(len(f.Options) > 0, at+".options", "Name at least one option.")
	c.that(len(f.Options) <= maxListed, at+".options", fmt.Sprintf("A list has at most %d options.", maxListed))
	values, labels := map[string]bool{}, map[string]bool{}
	for i, o := range f.Options {
		label := strings.ToLower(strings.TrimSpace(o.Label))
		okay := valuePattern.MatchString(o.Value) && !values[o.Value] && label != "" && !labels[label] && plainText(o.Label, maxLabel, false) == ""
		c.that(okay, fmt.Sprintf("%s.options[%d]", at, i), "Each option has a value of its own and a label of its own.")
		values[o.Value], labels[label] = true, true
	}
	c.that(f.Default == "" || values[f.Default], at+".default", "The default is one of the options.")
}

// stored refuses what stored bookings do not allow: a value that was sealed in any version stays sealed, and a key keeps its kind of value. The
// newest version that has the key is what counts for the kind.
func (c *check) stored(at string, f Field, before []Form) {
	kind := f.Kind
	for _, version := range slices.Backward(before) {
		old, there := version.Field(f.Key)
		if !there {
			continue
		}
		if kind == f.Kind && old.Kind != f.Kind && !related(old.Kind, f.Kind) {
			c.that(false, at+".kind", "Bookings hold another kind of value under this key. Ask for this one under a new key.")
		}
		kind = "" // an older version does not count
		if old.Personal != NotPersonal && f.Personal == NotPersonal {
			c.that(false, at+".personal", "Bookings hold this value sealed: it cannot become one that tells about nobody. Ask for it under a new key.")
			return
		}
	}
}

func related(a, b string) bool {
	return slices.ContainsFunc(families, func(family []string) bool { return slices.Contains(family, a) && slices.Contains(family, b) })
}

// rules looks at what requires a field.
func (c *check) rules(at string, f Field, form Form) {
	if len(f.RequiredWhen) == 0 {
		return
	}
	c.that(!f.Required, at+".requiredWhen", "The field is required always.")
	c.that(!f.Fixed, at+".requiredWhen", "A fixed text is not filled in by anybody.")
	c.that(len(f.RequiredWhen) <= maxRules, at+".requiredWhen", fmt.Sprintf("A field has at most %d rules.", maxRules))
	for i, r := range f.RequiredWhen {
		at := fmt.Sprintf("%s.requiredWhen[%d]", at, i)
		asked, there := form.Field(r.Field)
		if !there || r.Field == f.Key {
			c.that(false, at+".field", "Name another field of this form.")
			continue
		}
		c.that(!f.narrowedBy(asked), at+".field", "That field is not asked of all the customers that this one is for.")
		switch asked.Kind {
		case KindOption, KindOptions:
			for _, value := range r.Is {
				_, listed := asked.option(value)
				c.that(listed && slices.ContainsFunc(asked.Options, func(o Option) bool { return o.Value == value }), at+".is", "Choose among the options of that field.")
			}
		case KindLanguage, KindLanguages:
		default:
			c.that(len(r.Is) == 0, at+".is", "Only a list has values to choose: leave them out to ask whether that field is filled in.")
		}
	}
}

// narrowedBy tells whether another field is not asked of everyone of whom this one is.
func (f Field) narrowedBy(other Field) bool {
	if len(other.Customers) == 0 {
		return false
	}
	return len(f.Customers) == 0 || slices.ContainsFunc(f.Customers, func(id uuid.UUID) bool { return !slices.Contains(other.Customers, id) })
}
