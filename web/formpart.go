package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/accounts"
)

// The pages of a form's parts: what is typed goes into the draft once it has no fault of its own. What it does to other parts, the form's page says.

// partPage is the page of a section, a field, a notice, or of the form's own properties (Part is empty).
type partPage struct {
	filled
	Form forms.Form
	Part string
	Key  string // empty: a new one
	Name string // what it is called now
	Core bool   // a value that every booking has
	// What a field can be made of.
	Whats, Sections, Kinds, Places, Readers, Abouts, OnEdits []forms.Option
	Rules                                                    []choiceGroup
	RuleRows                                                 []string // one a row; empty ones for more
	Customers                                                []forms.Option
	Services, Addresses, Initials, Needs                     []forms.Option
	Gender                                                   bool
}

// many are so many customers that boxes to tick are too long a list.
const manyCustomers = 30

// Many tells whether customers are chosen from a list that is searched.
func (p partPage) Many() bool { return len(p.Customers) > manyCustomers }

// spareRules is how many rows for further rules a field has.
const spareRules = 2

// newKeyField is the input of a new field's key; what is called key is every form's own.
const newKeyField = "fieldKey"

// ownField is the choice of a field that is not one of the values that every booking has.
const ownField = "own"

func (p *Portal) wordOptions(ctx context.Context, prefix string, words []string) []forms.Option {
	out := make([]forms.Option, len(words))
	for i, word := range words {
		out[i] = forms.Option{Value: word, Label: p.in(ctx).say(prefix + word)}
	}
	return out
}

// partForm is the page of a part; addPart the one of a new one; formDetails the one of the form's own properties.
func (p *Portal) partForm(w http.ResponseWriter, r *http.Request) error {
	d, err := p.formDraftOf(r.Context(), viewer(r.Context()), chi.URLParam(r, "form"))
	if err != nil {
		return err
	}
	part, key, err := partAsked(r, d.Form)
	if err != nil {
		return err
	}
	return p.showPart(w, r, http.StatusOK, d.Form, part, key, filled{Sent: partValues(d.Form, part, key)})
}

func (p *Portal) addPart(w http.ResponseWriter, r *http.Request) error {
	d, err := p.formDraftOf(r.Context(), viewer(r.Context()), chi.URLParam(r, "form"))
	if err != nil {
		return err
	}
	part := chi.URLParam(r, "part")
	if !slices.Contains(formParts, part) {
		return notFound()
	}
	sent := url.Values{}
	if part == forms.FieldP {
		sent = fieldValues(forms.Field{Kind: forms.KindText, Place: forms.Above, Visibility: forms.VisibleCustomer, Personal: forms.NotPersonal, Copied: true, Editable: true,
			Section: r.URL.Query().Get("section")})
		sent.Set("what", ownField)
	}
	return p.showPart(w, r, http.StatusOK, d.Form, part, "", filled{Sent: sent})
}

func (p *Portal) formDetails(w http.ResponseWriter, r *http.Request) error {
	d, err := p.formDraftOf(r.Context(), viewer(r.Context()), chi.URLParam(r, "form"))
	if err != nil {
		return err
	}
	return p.showPart(w, r, http.StatusOK, d.Form, "", "", filled{Sent: detailValues(d.Form)})
}

// newForm is the page that begins a form; it is changed like every other until it is published.
func (p *Portal) newForm(w http.ResponseWriter, r *http.Request) error {
	return p.showNewForm(w, r, http.StatusOK, filled{Sent: url.Values{"initial": {string(domain.New)}, "from": {forms.StandardID}}})
}

// newFormPage begins a form as a copy of another one.
type newFormPage struct {
	filled
	From     []forms.Option
	Initials []forms.Option
}

func (p *Portal) showNewForm(w http.ResponseWriter, r *http.Request, status int, f filled) error {
	v := viewer(r.Context())
	if err := access.MayManage(v, access.ManageForms); err != nil {
		return err
	}
	all, err := p.Queries.Settings.NewestForms(r.Context(), v)
	if err != nil {
		return err
	}
	page := newFormPage{filled: f, Initials: p.wordOptions(r.Context(), "forms.initial-", []string{string(domain.New), string(domain.Requested)})}
	for _, x := range all {
		page.From = append(page.From, forms.Option{Value: x.Form.ID, Label: x.Form.Name})
	}
	return p.render(w, r, status, "formnew", "forms.new", page)
}

func (p *Portal) beginForm(w http.ResponseWriter, r *http.Request) error {
	req, err := p.request(r, "draft-form")
	if err != nil {
		return err
	}
	if err := access.MayManage(req.Viewer, access.ManageForms); err != nil {
		return err
	}
	f := plainLines(r.PostForm)
	id := strings.TrimSpace(f.Get("id"))
	from, found, err := p.Queries.Settings.Form(r.Context(), req.Viewer, f.Get("from"), 0)
	if err != nil {
		return err
	}
	var faults []domain.FieldError
	if !found {
		faults = append(faults, domain.FieldError{Location: "body.from", Message: "fault.no-such-one"})
	}
	_, taken, err := p.Queries.Settings.Form(r.Context(), req.Viewer, id, 0)
	if err != nil {
		return err
	}
	if !taken {
		var begun accounts.FormDraft
		if begun, taken, err = p.Accounts.FormDraft(r.Context(), req.Viewer.User, id); err != nil {
			return err
		}
		if slices.Contains(begun.Added, markOf(req)) { // pressed twice
			return p.done(w, r, formPath(id), "draft-begun", eventschema.Position{})
		}
	}
	if taken {
		faults = append(faults, domain.FieldError{Location: "body.id", Message: "forms.taken"})
	}
	made := from
	made.ID, made.Version, made.Name, made.Prefix, made.Initial = id, 0, strings.TrimSpace(f.Get("name")), strings.ToUpper(strings.TrimSpace(f.Get("prefix"))), f.Get("initial")
	if found {
		all, err := p.faultsOf(r.Context(), made)
		if err != nil {
			return err
		}
		for _, e := range all {
			if slices.Contains([]string{"body.id", "body.name", "body.prefix", "body.initial"}, e.Location) {
				faults = append(faults, e)
			}
		}
	}
	if len(faults) > 0 {
		return p.showNewForm(w, r, http.StatusUnprocessableEntity, filled{r.PostForm, domain.Invalid(faults...)})
	}
	if err := p.changeDraft(r.Context(), req.Viewer, formDraft{Form: made}, markOf(req), func(f *forms.Form) { *f = made }); err != nil {
		return err
	}
	return p.done(w, r, formPath(id), "draft-begun", eventschema.Position{})
}

func (p *Portal) showPart(w http.ResponseWriter, r *http.Request, status int, f forms.Form, part, key string, in filled) error {
	ctx := r.Context()
	page := partPage{filled: in, Form: f, Part: part, Key: key, Name: partLabel(f, part, key)}
	title := "forms.details"
	switch part {
	case forms.SectionP:
		title = "forms.section"
	case forms.NoticeP:
		title = "forms.notice"
	case forms.FieldP:
		title = "forms.field"
		if err := p.fieldChoices(ctx, &page); err != nil {
			return err
		}
	default:
		page.Services = append([]forms.Option{{Label: p.in(ctx).say("forms.service-chosen")}}, withValues(forms.ServiceTypes(), []string{f.ServiceType})...)
		page.Services = slices.DeleteFunc(page.Services, func(o forms.Option) bool { return o.Value == "" && o.Label == "" })
		page.Addresses = p.wordOptions(ctx, "forms.address-", []string{forms.ServiceAddress, forms.BillingAddress})
		page.Initials = p.wordOptions(ctx, "forms.initial-", []string{string(domain.New), string(domain.Requested)})
		page.Needs = p.wordOptions(ctx, "forms.need-", []string{"authorisedBy", "reason"})
	}
	return p.render(w, r, status, "formpart", title, page)
}

// fieldChoices are what a field can be made of.
func (p *Portal) fieldChoices(ctx context.Context, page *partPage) error {
	s := p.in(ctx)
	f := page.Form
	page.Core, page.Gender = forms.CoreKind(page.Key) != "", page.Key == "gender"
	page.Whats = []forms.Option{{Value: ownField, Label: s.say("forms.what-own")}}
	for _, key := range forms.CoreKeys() {
		if _, there := f.Field(key); !there {
			page.Whats = append(page.Whats, forms.Option{Value: key, Label: s.say("forms.core-" + key)})
		}
	}
	for _, x := range f.Sections {
		page.Sections = append(page.Sections, forms.Option{Value: x.Key, Label: x.Label})
	}
	page.Kinds, page.Places = p.wordOptions(ctx, "forms.kind-", forms.Kinds()), p.wordOptions(ctx, "forms.place-", forms.Places())
	page.Readers, page.Abouts = p.wordOptions(ctx, "forms.reader-", forms.Visibilities()), p.wordOptions(ctx, "forms.about-", forms.Personals())
	page.OnEdits = p.wordOptions(ctx, "forms.on-edit-", []string{forms.EditRequired, forms.EditOptional})
	for _, x := range f.Fields {
		if x.Key == page.Key {
			continue
		}
		group := choiceGroup{Label: x.Label, Choices: []choice{{Value: x.Key, Label: s.say("fields.when-filled", x.Label)}}}
		for _, o := range x.Options {
			group.Choices = append(group.Choices, choice{Value: x.Key + "=" + o.Value, Label: s.say("fields.when-is", x.Label, o.Label)})
		}
		page.Rules = append(page.Rules, group)
	}
	page.RuleRows = append(some(page.Sent["when"]), make([]string, spareRules)...)
	for _, row := range page.RuleRows { // what is stored is shown, whatever became of the other field
		known := row == "" || slices.ContainsFunc(page.Rules, func(g choiceGroup) bool {
			return slices.ContainsFunc(g.Choices, func(c choice) bool { return c.Value == row })
		})
		if !known {
			page.Rules = append(page.Rules, choiceGroup{Label: row, Choices: []choice{{Value: row, Label: row}}})
		}
	}
	all, err := p.customersOf(ctx)
	for _, c := range all {
		page.Customers = append(page.Customers, forms.Option{Value: c.ID.String(), Label: c.Name})
	}
	return err
}

// savePart puts what was typed into the draft.
func (p *Portal) savePart(w http.ResponseWriter, r *http.Request) error {
	d, _, err := p.draftPosted(r)
	if err != nil {
		return err
	}
	part, key, err := partAsked(r, d.Form)
	if err != nil {
		return err
	}
	return p.intoDraft(w, r, d, "", part, key)
}

func (p *Portal) saveNewPart(w http.ResponseWriter, r *http.Request) error {
	d, mark, err := p.draftPosted(r)
	if err != nil {
		return err
	}
	part := chi.URLParam(r, "part")
	if !slices.Contains(formParts, part) {
		return notFound()
	}
	if slices.Contains(d.kept.Added, mark) { // pressed twice
		return p.done(w, r, formPath(d.Form.ID), "draft-saved", eventschema.Position{})
	}
	return p.intoDraft(w, r, d, mark, part, "")
}

func (p *Portal) saveDetails(w http.ResponseWriter, r *http.Request) error {
	d, _, err := p.draftPosted(r)
	if err != nil {
		return err
	}
	return p.intoDraft(w, r, d, "", "", "")
}

// intoDraft changes one part of the draft, or adds it, unless it has faults of its own.
func (p *Portal) intoDraft(w http.ResponseWriter, r *http.Request, d formDraft, mark, part, key string) error {
	sent := plainLines(r.PostForm)
	var faults []domain.FieldError
	put := func(f *forms.Form) (at string) { return putPart(f, part, key, sent, &faults) }
	next := d.Form
	at := put(&next)
	all, err := p.faultsOf(r.Context(), next)
	if err != nil {
		return err
	}
	for _, e := range all {
		kind, of, rest := partOf(next, e.Location)
		if kind == part && of == at && (part != "" || !slices.Contains([]string{"fields", "sections", "notices"}, rest)) {
			faults = append(faults, domain.FieldError{Location: "body." + inputOfPart(rest), Message: e.Message})
		}
	}
	if len(faults) > 0 {
		return p.showPart(w, r, http.StatusUnprocessableEntity, d.Form, part, key, filled{r.PostForm, domain.Invalid(faults...)})
	}
	if err := p.changeDraft(r.Context(), viewer(r.Context()), d, mark, func(f *forms.Form) { put(f) }); err != nil {
		return err
	}
	to := formPath(d.Form.ID)
	if part != "" {
		to += "#" + part + "-" + at
	}
	return p.done(w, r, to, "draft-saved", eventschema.Position{})
}

// inputOfPart is the input of a part's page that a place in the contract's body means.
func inputOfPart(rest string) string {
	name, _, _ := strings.Cut(rest, "[")
	name, _, _ = strings.Cut(name, ".")
	switch name {
	case "requiredWhen":
		return "when"
	case "key":
		return newKeyField
	}
	return name
}

// putPart changes a part of a form as was typed, or adds it, and answers its key.
func putPart(f *forms.Form, part, key string, sent url.Values, faults *[]domain.FieldError) string {
	text := func(name string) string { return strings.TrimSpace(sent.Get(name)) }
	switch part {
	case forms.SectionP:
		f.Sections = slices.Clone(f.Sections)
		i := slices.IndexFunc(f.Sections, func(s forms.Section) bool { return s.Key == key })
		if i < 0 {
			f.Sections = append(f.Sections, forms.Section{Key: newPartKey(text("label"), "section", partKeys(*f, part), false)})
			i = len(f.Sections) - 1
		}
		f.Sections[i].Label, f.Sections[i].Whole = text("label"), text("whole") != ""
		return f.Sections[i].Key
	case forms.NoticeP:
		f.Notices = slices.Clone(f.Notices)
		i := slices.IndexFunc(f.Notices, func(n forms.Notice) bool { return n.Key == key })
		if i < 0 {
			title, _, _ := strings.Cut(text("text"), ".")
			f.Notices = append(f.Notices, forms.Notice{Key: newPartKey(title, "notice", partKeys(*f, part), true)})
			i = len(f.Notices) - 1
		}
		f.Notices[i].Text, f.Notices[i].Mandatory = text("text"), text("mandatory") != ""
		return f.Notices[i].Key
	case forms.FieldP:
		f.Fields = slices.Clone(f.Fields)
		i := slices.IndexFunc(f.Fields, func(x forms.Field) bool { return x.Key == key })
		if i < 0 {
			x := forms.Field{Key: sent.Get("what")}
			if forms.CoreKind(x.Key) == "" {
				x.Key = text(newKeyField)
				if x.Key == "" {
					x.Key = newPartKey(text("label"), "field", slices.Concat(partKeys(*f, part), forms.CoreKeys()), false)
				}
			}
			i = afterSection(*f, sent.Get("section"))
			f.Fields = slices.Insert(f.Fields, i, x)
		}
		f.Fields[i] = fieldIn(f.Fields[i], sent, faults)
		return f.Fields[i].Key
	}
	f.Name, f.Prefix, f.Initial, f.ServiceType, f.Address = text("name"), strings.ToUpper(text("prefix")), text("initial"), text("serviceType"), text("address")
	f.AddressLocked, f.CancelNeeds = text("addressLocked") != "", slices.Clone(some(sent["cancelNeeds"]))
	return ""
}

// afterSection is the place in the form behind a section's last field.
func afterSection(f forms.Form, section string) int {
	for i, x := range slices.Backward(f.Fields) {
		if x.Section == section {
			return i + 1
		}
	}
	return len(f.Fields)
}

// newPartKey makes a key of words that no other part has: with hyphens, or with capitals within it.
func newPartKey(words, otherwise string, taken []string, hyphens bool) string {
	parts := strings.FieldsFunc(strings.ToLower(words), func(r rune) bool { return r >= unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	key := ""
	for _, part := range parts {
		switch {
		case len(key)+len(part) > maxValue-4:
		case key == "":
			key = part
		case hyphens:
			key += "-" + part
		default:
			key += strings.ToUpper(part[:1]) + part[1:]
		}
	}
	if key == "" || key[0] >= '0' && key[0] <= '9' {
		key = otherwise + key
	}
	for n, base := 2, key; slices.Contains(taken, key); n++ {
		key = base + itoa(n)
	}
	return key
}

// detailValues, partValues and fieldValues are what the pages are filled with.
func detailValues(f forms.Form) url.Values {
	v := url.Values{"name": {f.Name}, "prefix": {f.Prefix}, "initial": {f.Initial}, "serviceType": {f.ServiceType}, "address": {f.Address}, "cancelNeeds": f.CancelNeeds}
	tickIn(v, "addressLocked", f.AddressLocked)
	return v
}

func tickIn(v url.Values, name string, on bool) {
	if on {
		v.Set(name, "yes")
	}
}

func partValues(f forms.Form, part, key string) url.Values {
	v := url.Values{}
	switch part {
	case forms.SectionP:
		for _, s := range f.Sections {
			if s.Key == key {
				v.Set("label", s.Label)
				tickIn(v, "whole", s.Whole)
			}
		}
	case forms.NoticeP:
		for _, n := range f.Notices {
			if n.Key == key {
				v.Set("text", n.Text)
				tickIn(v, "mandatory", n.Mandatory)
			}
		}
	case forms.FieldP:
		x, _ := f.Field(key)
		return fieldValues(x)
	}
	return v
}

func fieldValues(x forms.Field) url.Values {
	v := url.Values{"label": {x.Label}, "section": {x.Section}, "kind": {x.Kind}, "place": {x.Place}, "onEdit": {x.OnEdit}, "default": {x.Default}, "help": {x.Help},
		"example": {x.Example}, "visibility": {x.Visibility}, "personal": {x.Personal}, "options": {optionLines(x.Options)}}
	for name, on := range map[string]bool{"required": x.Required, "editOnly": x.EditOnly, "fixed": x.Fixed, "copied": x.Copied, "editable": x.Editable} {
		tickIn(v, name, on)
	}
	for _, rule := range x.RequiredWhen {
		if len(rule.Is) == 0 {
			v.Add("when", rule.Field)
		}
		for _, value := range rule.Is {
			v.Add("when", rule.Field+"="+value)
		}
	}
	for _, id := range x.Customers {
		v.Add("customers", id.String())
	}
	return v
}

// fieldIn is a field as its page was filled in. Its key stays.
func fieldIn(x forms.Field, sent url.Values, faults *[]domain.FieldError) forms.Field {
	text := func(name string) string { return strings.TrimSpace(sent.Get(name)) }
	tick := func(name string) bool { return sent.Get(name) != "" }
	x.Label, x.Section, x.Place, x.OnEdit = text("label"), text("section"), text("place"), text("onEdit")
	x.Default, x.Help, x.Example, x.Visibility, x.Personal = text("default"), text("help"), text("example"), text("visibility"), text("personal")
	x.Required, x.EditOnly, x.Fixed, x.Copied, x.Editable = tick("required"), tick("editOnly"), tick("fixed"), tick("copied"), tick("editable")
	x.Core = forms.CoreKind(x.Key) != ""
	if x.Kind = text("kind"); x.Core {
		x.Kind = forms.CoreKind(x.Key)
	}
	x.Options = optionsIn(sent.Get("options"), x.Options)
	x.RequiredWhen, x.Customers = nil, nil
	for _, row := range some(sent["when"]) {
		field, value, one := strings.Cut(row, "=")
		i := slices.IndexFunc(x.RequiredWhen, func(r forms.Rule) bool { return r.Field == field && (len(r.Is) > 0) == one })
		if i < 0 {
			x.RequiredWhen = append(x.RequiredWhen, forms.Rule{Field: field})
			i = len(x.RequiredWhen) - 1
		}
		if one && !slices.Contains(x.RequiredWhen[i].Is, value) {
			x.RequiredWhen[i].Is = append(x.RequiredWhen[i].Is, value)
		}
	}
	for _, s := range some(sent["customers"]) {
		id, err := uuid.Parse(s)
		if err != nil {
			*faults = append(*faults, domain.FieldError{Location: "body.customers", Message: "fault.no-such-one"})
			continue
		}
		if !slices.Contains(x.Customers, id) {
			x.Customers = append(x.Customers, id)
		}
	}
	return x
}

// optionLines are the options of a list as they are typed: one a line, the value before the label.
func optionLines(all []forms.Option) string {
	lines := make([]string, len(all))
	for i, o := range all {
		lines[i] = o.Value + " | " + o.Label
	}
	return strings.Join(lines, "\n")
}

// optionsIn reads them. A line without a value keeps the one that its label had, or gets one made of it.
func optionsIn(lines string, before []forms.Option) (list []forms.Option) {
	for line := range strings.Lines(lines) {
		value, label, both := strings.Cut(line, "|")
		if value, label = strings.TrimSpace(value), strings.TrimSpace(label); !both {
			value, label = "", value
		}
		if value == "" && label == "" {
			continue
		}
		if value == "" {
			for _, o := range before {
				if o.Label == label {
					value = o.Value
				}
			}
		}
		if value == "" {
			value = optionValue(label, list)
		}
		list = append(list, forms.Option{Value: value, Label: label})
	}
	return list
}

// optionValue makes a value of a label that the list does not have yet.
func optionValue(label string, list []forms.Option) string {
	taken := make([]string, len(list))
	for i, o := range list {
		taken[i] = o.Value
	}
	return strings.ToLower(newPartKey(label, "option", taken, true))
}
