package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	readpeople "github.com/dragoman-booking/dragoman/projections/people"
)

func itoa(n int) string { return strconv.Itoa(n) }

// differences are what a later version of a form has otherwise, each in a sentence.
func (p *Portal) differences(ctx context.Context, before, after forms.Form, names map[uuid.UUID]string) []string {
	return p.tell(ctx, forms.Differences(before, after), names)
}

func (p *Portal) tell(ctx context.Context, all []forms.Difference, names map[uuid.UUID]string) (out []string) {
	s := p.in(ctx)
	for _, d := range all {
		var what string
		switch d.Part {
		case forms.OfForm:
			what = s.say("forms.the-form")
		case forms.NoticeP:
			what = s.say("forms.the-notice", noticeOf(forms.Notice{Text: d.Label}).Title)
		default:
			what = s.say("forms.the-"+d.Part, d.Label)
		}
		switch d.What {
		case forms.Changed:
			out = append(out, s.say("forms.diff-changed", what, s.say("forms.property-"+d.Property), named(d.Before, s, names), named(d.After, s, names)))
		default:
			out = append(out, s.say("forms.diff-"+d.What, what))
		}
	}
	return out
}

// named writes a property's value for people: customers by their names, long texts cut short.
func named(value string, s *tongue, names map[uuid.UUID]string) string {
	if value == "" {
		return s.say("forms.nothing")
	}
	parts := strings.Split(value, ", ")
	for i, part := range parts {
		if id, err := uuid.Parse(part); err == nil {
			parts[i] = orDefault(names[id], part)
		}
	}
	value = strings.Join(parts, ", ")
	const most = 160
	if letters := []rune(value); len(letters) > most {
		value = string(letters[:most]) + "…"
	}
	return "“" + value + "”"
}

// versionsPage is every version of a form, the newest first: who changed what when.
type versionsPage struct {
	ID, Name string
	Rows     []versionRow
}

type versionRow struct {
	Version int
	At, By  string
	Changes []string // to the version before; none of the first
}

func (p *Portal) formVersions(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v := viewer(ctx)
	id := chi.URLParam(r, "form")
	all, err := p.Queries.Settings.FormVersions(ctx, v, id)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return notFound()
	}
	users := make([]uuid.UUID, len(all))
	versions := make([]forms.Form, len(all))
	for i, f := range all {
		users[i], versions[i] = f.By, f.Form
	}
	by, err := p.Queries.People.Names(ctx, v, users)
	if err != nil {
		return err
	}
	names, err := p.customerNames(ctx, versions...)
	if err != nil {
		return err
	}
	page := versionsPage{ID: id, Name: all[0].Form.Name}
	for i, f := range all {
		row := versionRow{Version: f.Form.Version, At: f.At.In(zoneOf(v)).Format(whenLayout), By: by[f.By]}
		if i+1 < len(all) {
			row.Changes = p.differences(ctx, all[i+1].Form, f.Form, names)
		}
		page.Rows = append(page.Rows, row)
	}
	return p.render(w, r, http.StatusOK, "formversions", "forms.versions", page)
}

// previewPage is a form as a customer would fill it in, to try it: nothing is booked.
type previewPage struct {
	Form      forms.Form
	Draft     bool
	Version   int // 0: the draft, or what is in force
	Customer  string
	Customers []forms.Option
	Notices   []formNotice
	Entry     entryForm
	Taken     bool // what was filled in would be booked as far as this form goes
}

// previewForm shows it; tryForm says of what was filled in what the form would refuse.
func (p *Portal) previewForm(w http.ResponseWriter, r *http.Request) error {
	return p.showPreview(w, r, r.URL.Query(), nil)
}

func (p *Portal) tryForm(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.request(r, "draft-form"); err != nil { // for what it refuses: trying a form is no command
		return err
	}
	return p.showPreview(w, r, r.PostForm, plainLines(r.PostForm))
}

func (p *Portal) showPreview(w http.ResponseWriter, r *http.Request, asked, tried url.Values) error {
	ctx := r.Context()
	v := viewer(ctx)
	if err := access.MayManage(v, access.ReadSettings); err != nil {
		return err
	}
	id := chi.URLParam(r, "form")
	version, _ := strconv.Atoi(asked.Get("version"))
	page := previewPage{Version: max(version, 0)}
	var form forms.Form
	if page.Version == 0 && access.MayManage(v, access.ManageForms) == nil {
		d, err := p.formDraftOf(ctx, v, id)
		if err != nil {
			return err
		}
		form, page.Draft = d.Form, d.Draft
	} else {
		var found bool
		var err error
		if form, found, err = p.Queries.Settings.Form(ctx, v, id, page.Version); err != nil {
			return err
		} else if !found {
			return notFound()
		}
	}
	all, err := p.customersOf(ctx)
	if err != nil {
		return err
	}
	var customer readpeople.Customer
	for _, c := range all {
		page.Customers = append(page.Customers, forms.Option{Value: c.ID.String(), Label: c.Name})
		if c.ID.String() == asked.Get("customer") || customer.ID == uuid.Nil && len(page.Customers) == 1 {
			customer = c
		}
	}
	page.Customer = customer.ID.String()
	if form, err = p.Queries.Settings.As(ctx, customer.ID, form); err != nil {
		return err
	}
	page.Form = form
	lists, defaults, err := p.filledFor(ctx, customer, form)
	if err != nil {
		return err
	}
	d := drawing{name: "preview", on: forms.OnCreate, values: preset(form, defaults, lists), lists: lists, speak: p.in(ctx)}
	status := http.StatusOK
	if tried != nil {
		d.values = tried
		if faults := tryOut(form, lists, tried, v); len(faults) > 0 {
			d.refusal, status = domain.Invalid(faults...), http.StatusUnprocessableEntity
		} else {
			page.Taken = true
		}
	}
	page.Entry = d.entryForm(form, "forms.try")
	boxes := 0
	for _, n := range form.Notices {
		notice := noticeOf(n)
		if notice.Acknowledged = slices.Contains(d.values["acknowledged"], n.Key); n.Mandatory {
			if notice.ID = inputID("preview", "body.acknowledged"); boxes > 0 { // the summary leads to the first
				notice.ID += "-" + itoa(boxes)
			}
			boxes++
		}
		page.Notices = append(page.Notices, notice)
	}
	return p.render(w, r, status, "formpreview", "forms.preview", page)
}

// tryOut is what the form itself would refuse of what was filled in. Places, languages and times are looked at when one books.
func tryOut(form forms.Form, lists entryLists, tried url.Values, v access.Viewer) []domain.FieldError {
	sent := lists.addedIn(tried, form)
	_, faults, _ := form.Validate(sent, forms.OnCreate, v.Now)
	core := forms.Core{}
	for _, key := range forms.CoreKeys() {
		core[key] = tried[key]
	}
	core["duration"] = some(slices.Concat(tried["duration.hours"], tried["duration.minutes"]))
	for _, f := range form.Fields {
		if f.Core && f.Required && len(some(core[f.Key])) == 0 {
			faults = append(faults, domain.FieldError{Location: "body." + f.Key, Message: "fault.required"})
		}
	}
	for _, e := range form.Wanting(form.Sent(sent), core, forms.OnCreate, nil) {
		if !slices.ContainsFunc(faults, func(o domain.FieldError) bool { return o.Location == e.Location }) {
			faults = append(faults, e)
		}
	}
	for _, n := range form.Notices {
		if n.Mandatory && !slices.Contains(tried["acknowledged"], n.Key) {
			faults = append(faults, domain.FieldError{Location: "body.acknowledged", Message: "fault.acknowledge"})
			break
		}
	}
	return faults
}
