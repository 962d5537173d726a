package web

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections"
	readpeople "github.com/dragoman-booking/dragoman/projections/people"
)

// A booking form is data (LL-14). This file makes inputs of it and reads back what was typed; parts/fields.html draws them. An input is called
// as the HTTP contract calls its value: language, duration.hours, fields.reportTo.

// entryForm is a booking form on a page.
type entryForm struct {
	Name     string // starts the ids of its inputs
	Do       string // key of its button's text
	Sections []entrySection
	Scopes   []choice // which jobs of the booking are meant; empty: it has one
	// ScopeText says what Scopes are asked for.
	ScopeText string
	// Summary is what the form was refused for, each fault with the label of its input.
	Summary *domain.Refusal
	// Ask says who changes what is only shown, AskHref where to ask for it. Ask is the key of a text.
	Ask, AskHref string
	// ScopeFault is what is wrong with the choice among Scopes.
	ScopeFault string
	Preview    bool // its buttons ask what it would do
}

// entrySection is a part of the form in the side list (LL-17).
type entrySection struct {
	Key, Label string
	Whole      bool   // to be left empty or filled wholly
	ID         string // the anchor of its heading
	Next       *entrySection
	Entries    []entry
	Faults     int  // inputs to correct: it is marked (LL-18)
	Asks       bool // some of its values are only shown, to be changed by somebody else
}

// entry is one input of the form, or a value that is only shown.
type entry struct {
	forms.Field
	Draw     string // part of the template that draws it
	ID, Is   string // of the input: its id and its name
	Type     string // of an input of one line
	Mode     string // inputmode
	Complete string // autocomplete
	Needed   bool   // must be filled
	When     string // while what it is required; empty: always or never
	WhenData string // the same for the script
	Empty    bool   // a list may stay without a choice
	Readers  string // key of the text that says who will read it
	Value    string
	Choices  []choiceGroup
	Twice    []choice // the two times that a doubled local time means
	Echo     string   // a time as it is printed here, day before month
	Fault    string
	Parts    map[string]entryPart // inputs of one that has several, by the last word of their names
	Lines    []string             // of a value that is only shown
	Asked    bool                 // shown only, and the agency changes it on request
}

// entryPart is one of several inputs that make a value.
type entryPart struct {
	ID, Is, Value, Fault string
}

// choice is one of a list.
type choice struct {
	Value, Label string
	Chosen       bool
}

// choiceGroup are choices under a heading; without one they stand by themselves.
type choiceGroup struct {
	Label   string
	Choices []choice
}

// What is sent of an address that is not in the list (LL-20), and of the billing address that was agreed.
const (
	otherPlace   = "other"
	agreedBillTo = "agreed"
)

// entryLists are what the lists of a form hold for one customer.
type entryLists struct {
	languages []people.Language // by name; none: any language is taken
	places    []readpeople.Location
	clients   []readpeople.Client
	billTo    string // agreed
	zone      string // the customer's; of a job, where it takes place
	here      string // id of the place where a job takes place already: its zone is known
}

// entryLists reads what a customer's forms are filled from, as far as the viewer may use it.
func (p *Portal) entryLists(ctx context.Context, v access.Viewer, customer readpeople.Customer, billTo string) (entryLists, error) {
	agency, err := p.agency(ctx)
	if err != nil {
		return entryLists{}, err
	}
	out := entryLists{languages: slices.Clone(agency.Settings.Languages), billTo: billTo, zone: cmp.Or(customer.TimeZone, agency.Settings.TimeZone)}
	slices.SortStableFunc(out.languages, func(a, b people.Language) int {
		return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	if out.places, err = whole(func(q projections.ListQuery) (projections.ListPage[readpeople.Location], error) {
		return p.Queries.People.Locations(ctx, v, customer.ID, q)
	}); err != nil {
		return entryLists{}, err
	}
	out.clients, err = whole(func(q projections.ListQuery) (projections.ListPage[readpeople.Client], error) {
		return p.Queries.People.Clients(ctx, v, customer.ID, q)
	})
	return out, err
}

// whole reads all pages of a list.
func whole[T any](ask func(projections.ListQuery) (projections.ListPage[T], error)) ([]T, error) {
	var all []T
	for {
		page, err := ask(projections.ListQuery{Offset: len(all), Limit: 500})
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if len(page.Items) == 0 || len(all) >= page.Total {
			return all, nil
		}
	}
}

// zoneAt is the time zone of the place that a form's values name: where a local time of theirs is meant.
func (l entryLists) zoneAt(f url.Values) string {
	for _, p := range l.places {
		if id := p.ID.String(); id != l.here && (id == f.Get("location") || id == f.Get("billTo")) {
			return p.TimeZone
		}
	}
	return l.zone
}

// drawing is what inputs are made from.
type drawing struct {
	name    string // of the form on its page
	on      string // forms.OnCreate or forms.OnChange
	values  url.Values
	lists   entryLists
	refusal *domain.Refusal
	// may tells whether a field is asked for; nil: every one. What is not asked for is shown as shown says.
	may   func(forms.Field) bool
	shown func(forms.Field) (lines []string, show bool)
	speak *tongue
}

// entryForm makes a form's inputs.
func (d drawing) entryForm(form forms.Form, do string) entryForm {
	out := entryForm{Name: d.name, Do: do, Sections: make([]entrySection, 0, len(form.Sections))}
	faults := d.faults(form)
	for _, s := range form.Sections {
		section := entrySection{Key: s.Key, Label: s.Label, ID: d.name + "-section-" + s.Key}
		for _, field := range form.Fields {
			if field.Section != s.Key || field.EditOnly && d.on == forms.OnCreate {
				continue
			}
			if e, ok := d.entry(field, form, faults); ok {
				section.Entries = append(section.Entries, e)
				section.Faults += e.count()
				section.Asks = section.Asks || e.Asked
				section.Whole = section.Whole || s.Whole && e.Draw != "shown"
			}
		}
		if len(section.Entries) > 0 {
			out.Sections = append(out.Sections, section)
		}
	}
	for i := range out.Sections[:max(len(out.Sections)-1, 0)] {
		out.Sections[i].Next = &out.Sections[i+1]
	}
	out.Summary = d.summary(form)
	out.ScopeFault = faults["scope"]
	return out
}

// count is how many inputs of an entry are to be corrected.
func (e entry) count() (n int) {
	if e.Fault != "" {
		n++
	}
	for _, part := range e.Parts {
		if part.Fault != "" {
			n++
		}
	}
	return n
}

// Describes are the ids of the texts that describe the input, in the order in which they stand.
func (e entry) Describes() string {
	var ids []string
	if e.Help != "" {
		ids = append(ids, e.ID+"-help")
	}
	if e.Readers != "" {
		ids = append(ids, e.ID+"-readers")
	}
	if e.When != "" {
		ids = append(ids, e.ID+"-when")
	}
	if e.Draw == "moment" {
		ids = append(ids, e.ID+"-hint")
	}
	if e.Fault != "" {
		ids = append(ids, e.ID+"-fault")
	}
	return strings.Join(ids, " ")
}

// faults are a refusal's words by the name of the input that they are about.
func (d drawing) faults(form forms.Form) map[string]string {
	out := map[string]string{}
	if d.refusal == nil {
		return out
	}
	for _, e := range d.refusal.Errors {
		if name := inputOf(form, e.Location); out[name] == "" {
			out[name] = d.words(name, e.Message)
		}
	}
	return out
}

// inputOf is the name of the input that a location means: items of a list have one input, and who pays is chosen among the places.
func inputOf(form forms.Form, location string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(location, "body."), "[")
	switch name {
	case "timeZone":
		return "start"
	case "location", "address":
		if form.Address == forms.BillingAddress {
			return "billTo"
		}
		return "location"
	}
	return name
}

// words are what a page says about an input: a doubled time is chosen here, not typed with its offset.
func (d drawing) words(name, message string) string {
	if twice := d.twice(name); len(twice) > 0 && !slices.ContainsFunc(twice, func(c choice) bool { return c.Chosen }) {
		return d.speak.say("fields.twice")
	}
	return d.speak.said(message)
}

// summary is the refusal with every fault under its input's label.
func (d drawing) summary(form forms.Form) *domain.Refusal {
	if d.refusal == nil {
		return nil
	}
	out := *d.refusal
	out.Errors = nil
	for _, e := range d.refusal.Errors {
		name := inputOf(form, e.Location)
		words := d.words(name, e.Message)
		if label := d.label(form, name); label != "" {
			words = label + ": " + words
		}
		if fault := (domain.FieldError{Location: "body." + name, Message: words}); !slices.Contains(out.Errors, fault) {
			out.Errors = append(out.Errors, fault)
		}
	}
	place := func(e domain.FieldError) int { // as the inputs stand on the page
		key, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(e.Location, "body."), "fields."), ".")
		if key == "address" {
			key = "location"
		}
		return slices.IndexFunc(form.Fields, func(f forms.Field) bool { return f.Key == key })
	}
	slices.SortStableFunc(out.Errors, func(a, b domain.FieldError) int { return cmp.Compare(place(a), place(b)) })
	return &out
}

// label is what the page calls an input.
func (d drawing) label(form forms.Form, name string) string {
	key := strings.TrimPrefix(name, "fields.")
	switch name {
	case "scope":
		return d.speak.say("edit.scope")
	case "acknowledged":
		return d.speak.say("book.notices")
	case "duration.hours", "duration.minutes":
		return d.label(form, "duration") + ", " + d.speak.say("fields."+strings.TrimPrefix(name, "duration."))
	case "address.line1", "address.line2", "address.town", "address.postcode":
		return d.label(form, "location") + ", " + d.speak.say("fields."+strings.TrimPrefix(name, "address."))
	}
	field, _ := form.Field(key)
	return field.Label
}

// Autocomplete tokens of what the form asks the user about the user.
var completes = map[string]string{"telephone": "tel", "primaryEmail": "email", "notificationEmail": "email", "requestingOfficer": "name", "requestedBy": "name"}

// entry makes the input of one field; false: nothing of it is on the page.
func (d drawing) entry(field forms.Field, form forms.Form, faults map[string]string) (entry, bool) {
	e := entry{Field: field, Is: nameOf(field)}
	e.ID = inputID(d.name, "body."+e.Is)
	if field.Fixed {
		e.Draw, e.Lines = "shown", []string{field.Default}
		return e, field.Default != ""
	}
	if d.may != nil && !d.may(field) {
		lines, show := d.shown(field)
		e.Draw, e.Lines, e.Asked = "shown", lines, true
		return e, show
	}
	e.When, e.WhenData = d.whens(field, form)
	e.Needed = field.RequiredOn(d.on) || d.holdsNow(field)
	e.Value, e.Fault = d.values.Get(e.Is), faults[e.Is]
	e.Readers = readersOf(field)
	if e.Complete = completes[field.Key]; e.Complete == "" && field.Personal != forms.NotPersonal {
		e.Complete = "off" // of somebody else, and not for the next person at this screen
	}
	d.kind(&e, form, faults)
	return e, true
}

func nameOf(field forms.Field) string {
	if field.Core {
		return field.Key
	}
	return "fields." + field.Key
}

// readersOf says who will read a free text or a person's name, where that needs saying (LL-33, LL-41, LL-42).
func readersOf(field forms.Field) string {
	if field.Kind != forms.KindMultiline && field.Personal != forms.AboutSpeaker {
		return ""
	}
	switch field.Visibility {
	case forms.VisibleOffered, forms.VisibleAssigned, forms.VisibleAgency:
		return "fields.readers-" + field.Visibility
	}
	return ""
}

// kind chooses how an entry is drawn.
func (d drawing) kind(e *entry, form forms.Form, faults map[string]string) {
	e.Draw, e.Type = "line", "text"
	part := func(name, is string) {
		if e.Parts == nil {
			e.Parts = map[string]entryPart{}
		}
		e.Parts[name] = entryPart{ID: inputID(d.name, "body."+is), Is: is, Value: d.values.Get(is), Fault: faults[is]}
	}
	switch e.Kind {
	case forms.KindMultiline:
		e.Draw = "lines"
	case forms.KindEmail:
		e.Type = "email"
	case forms.KindTelephone:
		e.Type = "tel"
	case forms.KindNumber:
		e.Type, e.Mode = "number", "numeric"
	case forms.KindOption, forms.KindOptions:
		e.Draw, e.Empty = "choice", e.Default == "" || e.Value == ""
		var list []choice
		for _, o := range e.Options {
			list = append(list, choice{Value: o.Value, Label: o.Label})
		}
		e.Choices = []choiceGroup{{Choices: list}}
		if e.Kind == forms.KindOptions {
			e.Draw, e.Empty = "choices", false
		}
	case forms.KindLanguage, forms.KindLanguages:
		if len(d.lists.languages) == 0 {
			return
		}
		e.Draw, e.Empty = "choice", true
		if e.Kind == forms.KindLanguages {
			e.Draw, e.Empty = "choices", false
		}
		var list []choice
		for _, l := range d.lists.languages {
			list = append(list, choice{Value: l.Code, Label: l.Name})
		}
		e.Choices = []choiceGroup{{Choices: list}}
	case forms.KindClient:
		e.Draw, e.Empty = "choice", true
		var list []choice
		for _, c := range d.lists.clients {
			list = append(list, choice{Value: c.ID.String(), Label: c.Name})
		}
		e.Choices = []choiceGroup{{Choices: list}}
	case forms.KindDatetime:
		e.Draw, e.Type, e.Value = "moment", "datetime-local", isoLocal(e.Value)
		e.Twice = d.twice(e.Is)
		if t, err := time.Parse("2006-01-02T15:04", e.Value); err == nil {
			e.Echo = d.speak.day("echo", t)
		}
	case forms.KindDuration:
		e.Draw = "span"
		part("hours", "duration.hours")
		part("minutes", "duration.minutes")
	case forms.KindAddress:
		switch e.Key {
		case "location":
			e.Draw, e.Empty = "place", true
			e.Choices = d.lists.placeChoices(d.speak.say("fields.other"))
			for _, line := range []string{"line1", "line2", "town", "postcode"} {
				part(line, "address."+line)
			}
		case "billTo":
			e.Draw, e.Empty = "bill", e.Needed || e.Value == ""
			e.Choices = d.lists.placeChoices(d.speak.say("fields.other"))
			if d.lists.billTo != "" {
				e.Choices = append([]choiceGroup{{Choices: []choice{{Value: agreedBillTo, Label: d.lists.billTo}}}}, e.Choices...)
			}
			part("other", "billToOther")
		}
	}
	if e.Choices != nil {
		e.choose(d.values[e.Is])
	}
}

// choose marks what is chosen of a list. A value that the list lacks, such as a language that is no longer supplied, is added to it: the page
// shows what is stored.
func (e *entry) choose(values []string) {
	for _, v := range values {
		found := v == ""
		for _, g := range e.Choices {
			for i := range g.Choices {
				if g.Choices[i].Value == v {
					g.Choices[i].Chosen, found = true, true
				}
			}
		}
		if !found {
			e.Choices = append(e.Choices, choiceGroup{Choices: []choice{{Value: v, Label: v, Chosen: true}}})
		}
	}
	if e.Needed && len(values) > 0 && values[0] != "" {
		e.Empty = false
	}
}

// placeChoices are the customer's places under their clients, those of none first, and last the one that is typed.
func (l entryLists) placeChoices(other string) []choiceGroup {
	groups := []choiceGroup{{}}
	of := map[uuid.UUID]int{}
	for _, c := range l.clients {
		of[c.ID] = len(groups)
		groups = append(groups, choiceGroup{Label: c.Name})
	}
	for _, p := range l.places {
		n := 0
		if p.Client != nil {
			n = of[*p.Client] // 0: of a client that is not the viewer's to know
		}
		groups[n].Choices = append(groups[n].Choices, choice{Value: p.ID.String(), Label: placeLine(p)})
	}
	groups = append(groups, choiceGroup{Choices: []choice{{Value: otherPlace, Label: other}}})
	return slices.DeleteFunc(groups, func(g choiceGroup) bool { return len(g.Choices) == 0 })
}

// placeLine is a place with its address in one line.
func placeLine(p readpeople.Location) string {
	parts := []string{p.Name, p.Line1, p.Line2, strings.TrimSpace(p.Town + " " + p.Postcode)}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

// twice are the two times that a typed local time means, if the clocks of the place show it twice.
func (d drawing) twice(name string) []choice {
	if d.refusal == nil {
		return nil
	}
	offsets := doubled(isoLocal(d.values.Get(name)), d.lists.zoneAt(d.values))
	if offsets == nil {
		return nil
	}
	out := make([]choice, len(offsets))
	for i, offset := range offsets {
		out[i] = choice{Value: offset, Label: d.speak.say("fields.twice-"+strconv.Itoa(i+1), offset), Chosen: d.values.Get(name+".offset") == offset}
	}
	return out
}

// doubled are the two offsets of a local time that a zone's clocks show twice, the earlier time first; nil for every other.
func doubled(local, zone string) []string {
	wall, err := time.Parse("2006-01-02T15:04", local)
	if err != nil {
		return nil
	}
	earlier, err := domain.EarlierMoment(wall, zone)
	if err != nil {
		return nil
	}
	for _, set := range []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour, 24 * time.Hour} { // how far clocks are set back
		if later := earlier.Add(set); later.Local == earlier.Local {
			return []string{earlier.In().Format("-07:00"), later.In().Format("-07:00")}
		}
	}
	return nil
}

// isoLocal is a local time as the HTTP contract writes it. Where a browser has no input for times one types it as it is printed.
func isoLocal(typed string) string {
	typed = strings.TrimSpace(typed)
	if t, err := time.Parse("2/1/2006 15:04", typed); err == nil {
		return t.Format("2006-01-02T15:04")
	}
	return typed
}

// momentIn is a local time as it was typed, with the offset that was chosen for one that comes twice.
func (l entryLists) momentIn(f url.Values, name string) string {
	local := isoLocal(f.Get(name))
	if offset := f.Get(name + ".offset"); offset != "" && slices.Contains(doubled(local, l.zoneAt(f)), offset) {
		return local + offset
	}
	return local
}

// wholeNumber reads a number of hours or minutes; nil: none was typed.
func wholeNumber(f url.Values, name string) *int {
	n, err := strconv.Atoi(strings.TrimSpace(f.Get(name)))
	if err != nil {
		return nil
	}
	return &n
}

// someID reads the id of something chosen from a list. What is none becomes an id that nothing has, so that the command refuses it beside its input.
func someID(s string) uuid.UUID {
	if s == "" {
		return uuid.Nil
	}
	id, err := uuid.Parse(s)
	if err != nil {
		return uuid.Max
	}
	return id
}

// placeIn reads where a job takes place: one of the list, or a typed address (LL-19, LL-20).
func placeIn(f url.Values) (location uuid.UUID, address *booking.Address) {
	if f.Get("location") != otherPlace {
		return someID(f.Get("location")), nil
	}
	return uuid.Nil, &booking.Address{Line1: domain.Personal(f.Get("address.line1")), Line2: domain.Personal(f.Get("address.line2")),
		Town: f.Get("address.town"), Postcode: domain.Personal(f.Get("address.postcode"))}
}

// billIn reads who pays: as agreed, one of the customer's places, or as typed (LL-48).
func (l entryLists) billIn(f url.Values) (billTo string, place uuid.UUID) {
	switch chosen := f.Get("billTo"); chosen {
	case "":
		return "", uuid.Nil
	case agreedBillTo:
		return l.billTo, uuid.Nil
	case otherPlace:
		return strings.TrimSpace(f.Get("billToOther")), uuid.Nil
	default:
		for _, p := range l.places {
			if p.ID.String() == chosen {
				return placeLine(p), p.ID
			}
		}
		return "", uuid.Max
	}
}

// addedIn reads what a form adds to the core values, as far as these inputs were on the page.
func (l entryLists) addedIn(f url.Values, form forms.Form) map[string][]string {
	out := map[string][]string{}
	for _, field := range form.Fields {
		name := nameOf(field)
		sent, there := f[name]
		if field.Core || !there {
			continue
		}
		switch field.Kind {
		case forms.KindDatetime:
			sent = []string{l.momentIn(f, name)}
		case forms.KindLIN:
			sent = []string{strings.ToUpper(strings.TrimSpace(f.Get(name)))}
		}
		out[field.Key] = sent
	}
	return out
}

// createIn reads a booking that was typed.
func (l entryLists) createIn(f url.Values, form forms.Form, customer uuid.UUID) booking.Create {
	c := booking.Create{
		Customer: customer, Client: someID(f.Get("client")), Language: f.Get("language"), Alternatives: f["alternativeLanguages"],
		ServiceType: f.Get("serviceType"), Start: l.momentIn(f, "start"), Hours: wholeNumber(f, "duration.hours"),
		Minutes: wholeNumber(f, "duration.minutes"), Fields: l.addedIn(f, form), Acknowledged: f["acknowledged"],
	}
	if n := wholeNumber(f, "interpretersRequested"); n != nil {
		c.Interpreters = *n
	}
	if form.Address == forms.BillingAddress {
		c.BillTo, c.Location = l.billIn(f)
		return c
	}
	c.BillTo, _ = l.billIn(f)
	c.Location, c.Address = placeIn(f)
	return c
}
