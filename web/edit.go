package web

import (
	"maps"
	"net/http"
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
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

// editPage is a job's booking form, to be changed (LL-107). Customers change what the form leaves to them and read the rest (LL-108); staff
// change everything.
type editPage struct {
	jobs.Detail
	Closing  closing
	Entry    entryForm
	Key      string // stays while the form is refused
	Revision uint64 // of the job that the form was filled from
	Before   string // what it was filled with: what comes back as it was is untouched
	Seen     *seen  // what it would do, if that was asked
}

// editing is everything that the form of a job is made of and read with.
type editing struct {
	p     *Portal
	v     access.Viewer
	d     jobs.Detail
	form  forms.Form
	lists entryLists
	words words

	closing closing
	command string // what the form sends: edit, or follow-up or duplicate, whose form is that of a new booking
}

// edit is a job's form as the job stands.
func (p *Portal) edit(w http.ResponseWriter, r *http.Request) error {
	e, now, err := p.editing(w, r)
	if err != nil || !now {
		return err
	}
	values := e.lists.valuesOf(e.d, e.form)
	return e.show(w, r, http.StatusOK, editPage{Key: newKey(viewer(r.Context()).User), Revision: e.d.Revision, Before: values.Encode()}, values, nil)
}

// editing reads a job for its form. A job that is not to be edited now is shown instead: now is false, and the answer is written.
func (p *Portal) editing(w http.ResponseWriter, r *http.Request) (e editing, now bool, err error) {
	return p.filling(w, r, "edit")
}

// filling reads a job for a form that is filled from it.
func (p *Portal) filling(w http.ResponseWriter, r *http.Request, command string) (e editing, now bool, err error) {
	ctx := r.Context()
	e = editing{p: p, v: viewer(ctx), command: command}
	job, err := p.readJob(ctx, asked{Ref: refOf(r)})
	if err != nil {
		return e, false, err
	}
	if err := access.May(e.v, relation(e.v, job.Detail), command); err != nil {
		return e, false, err
	}
	late := command == "edit" && job.Closing.Edit.Over()
	if late && r.Method == http.MethodGet {
		return e, false, p.render(w, r, http.StatusOK, "editclosed", "act.edit", actionPage{jobPage: job})
	}
	if !job.Can[command] && !late { // what was typed before the window closed is refused by the command, and kept
		return e, false, p.notNow(w, r, actionPage{jobPage: job})
	}
	e.d, e.closing = job.Detail, job.Closing
	customer, found, err := p.Queries.People.Customer(ctx, e.v, e.d.Customer.ID)
	if err != nil {
		return e, false, err
	}
	if found {
		version := e.d.FormVersion
		if command == "duplicate" {
			version = 0 // the newest
		}
		e.form, found, err = p.Queries.Settings.FormFor(ctx, customer.ID, e.d.Form, version)
	}
	if err != nil {
		return e, false, err
	}
	if !found {
		return e, false, notFound()
	}
	defaults, err := p.Queries.Settings.Defaults(ctx, e.v, customer.ID, e.form)
	if err != nil {
		return e, false, err
	}
	if e.lists, err = p.entryLists(ctx, e.v, customer, defaults["billTo"]); err != nil {
		return e, false, err
	}
	e.lists.zone, e.lists.here = e.d.TimeZone, e.d.Location.ID.String()
	e.words = words{p.in(r.Context()), e.lists.languages}
	return e, true, nil
}

// may tells whether the viewer changes a field here. Once hours were entered, time, place, language and service stand.
func (e editing) may(f forms.Field) bool {
	if f.Fixed || f.Key == "interpretersRequested" {
		return false
	}
	if e.command != "edit" {
		return e.command != "duplicate" || !e.form.AddressLocked || f.Key != e.form.AddressKey() // LL-112
	}
	if e.closing.Frozen.Why(f.Key) == booking.FrozenByLock {
		return false
	}
	if e.stands() && slices.Contains([]string{"location", "start", "duration", "language", "serviceType"}, f.Key) {
		return false
	}
	return f.Editable || e.v.Staff()
}

func (e editing) stands() bool { return e.d.Status == domain.Ongoing || e.d.Status == domain.Complete }

// several are the inputs of which any number may be chosen.
func (e editing) several() (names []string) {
	for _, f := range e.form.Fields {
		if e.may(f) && (f.Kind == forms.KindLanguages || f.Kind == forms.KindOptions) {
			names = append(names, nameOf(f))
		}
	}
	return names
}

// shown is a value that the viewer does not change here, if the viewer may read it.
func (e editing) shown(f forms.Field) (lines []string, show bool) {
	see := func(c access.Class) bool { return access.CanSee(e.v, relation(e.v, e.d), e.d.Remote, c) }
	if !f.Core {
		return fieldRow(f, e.d.Fields[f.Key], e.d.TimeZone).Lines, see(access.ClassOf(f))
	}
	rows := coreRows(e.d, f, e.words, see)
	if len(rows) == 0 {
		return nil, false
	}
	return rows[0].Lines, true
}

func (e editing) show(w http.ResponseWriter, r *http.Request, status int, page editPage, values url.Values, no *domain.Refusal) error {
	d := drawing{name: "edit", on: forms.OnChange, values: values, lists: e.lists, refusal: no, may: e.may, shown: e.shown, speak: e.words.tongue}
	page.Detail, page.Closing = e.d, e.closing
	page.Entry = d.entryForm(e.form, "edit.do")
	page.Entry.Ask, page.Entry.AskHref = "fields.ask-agency", jobPath(e.d.Ref)+"/messages"
	if e.v.Staff() {
		page.Entry.Ask, page.Entry.AskHref = "edit.stands", ""
	}
	if len(e.d.Related) > 0 {
		var labels []string
		for _, f := range e.form.Fields {
			if f.Place != forms.Above && e.may(f) {
				labels = append(labels, f.Label)
			}
		}
		page.Entry.ScopeText = e.words.say("edit.scope-text", strings.Join(labels, ", "))
		for _, scope := range []string{booking.ScopeThis, booking.ScopeFollowing, booking.ScopeAll} {
			page.Entry.Scopes = append(page.Entry.Scopes, choice{Value: scope, Label: e.words.say("scope." + scope), Chosen: values.Get("scope") == scope})
		}
		page.Entry.Preview, page.Entry.Do = true, "preview.do"
	}
	return e.p.render(w, r, status, "edit", "act.edit", page)
}

// doEdit changes what was changed in the form. A form of a job that has moved on comes back with what others changed taken over, and with what
// was typed (LL-46); sent again it is decided on that.
func (p *Portal) doEdit(w http.ResponseWriter, r *http.Request) error {
	req, err := p.request(r, "edit")
	if err != nil {
		return err
	}
	e, now, err := p.editing(w, r)
	if err != nil || !now {
		return err
	}
	sent := plainLines(r.PostForm)
	before, err := url.ParseQuery(sent.Get(fieldBefore))
	if err != nil {
		return &domain.Refusal{Code: "bad-request", Status: http.StatusBadRequest, Detail: p.in(r.Context()).say("error.form")}
	}
	changes := changed{sent: sent, before: plainLines(before)}
	wish := e.wish(changes)
	if isEmpty(wish) {
		return p.done(w, r, jobPath(e.d.Ref), "unchanged", eventschema.Position{})
	}
	answer, err := p.Commands.Job(r.Context(), req, e.d.Ref, func(job booking.Job) (booking.Command, error) {
		c := wish
		c.Job = job.ID
		return c, nil
	})
	if shown := seenIn(err, "edit", "edit.do-all", sent); shown != nil {
		status := http.StatusOK
		if shown.Stale {
			status = http.StatusPreconditionFailed
		}
		page := editPage{Key: sent.Get(fieldKey), Before: sent.Get(fieldBefore), Seen: shown}
		page.Revision, _ = strconv.ParseUint(sent.Get(fieldRevision), 10, 64) // it was read before
		return e.show(w, r, status, page, sent, nil)
	}
	if no := refusal(err); no != nil {
		return e.refused(w, r, changes, no)
	}
	if err != nil {
		return err
	}
	return p.done(w, r, warned(jobPath(e.d.Ref), answer.Warnings), "edit", answer.Position)
}

// refused shows the form again.
func (e editing) refused(w http.ResponseWriter, r *http.Request, c changed, no *domain.Refusal) error {
	page := editPage{Key: c.sent.Get(fieldKey), Before: c.sent.Get(fieldBefore)}
	page.Revision, _ = strconv.ParseUint(c.sent.Get(fieldRevision), 10, 64) // it was read before
	if no.Code == "idempotency-key-reused" {
		page.Key = newKey(viewer(r.Context()).User)
		no = &domain.Refusal{Code: no.Code, Status: no.Status, Detail: e.words.say("edit.again")}
	}
	if no.Status != http.StatusPreconditionFailed {
		return e.show(w, r, no.Status, page, c.sent, no)
	}
	if err := e.p.told(r.Context(), e.d.Ref, page.Revision, no); err != nil {
		return err
	}
	fresh, now, err := e.p.editing(w, r)
	if err != nil || !now {
		return err
	}
	current := fresh.lists.valuesOf(fresh.d, fresh.form)
	values, both := c.onto(current, fresh.several())
	said := *no
	for _, name := range both {
		said.Errors = append(said.Errors, domain.FieldError{Location: "body." + name, Message: e.words.meanwhile(current[name])})
	}
	page.Revision, page.Before = fresh.d.Revision, current.Encode()
	return fresh.show(w, r, no.Status, page, values, &said)
}

// valuesOf are a job's values as its form holds them.
func (l entryLists) valuesOf(d jobs.Detail, form forms.Form) url.Values {
	out := url.Values{}
	moment := func(name, local, offset string) {
		out.Set(name, local)
		if offset != "" && doubled(local, l.zone) != nil {
			out.Set(name+".offset", offset)
		}
	}
	for _, f := range form.Fields {
		name := nameOf(f)
		if !f.Core {
			value := d.Fields[f.Key]
			switch {
			case f.Kind == forms.KindDatetime && value.First() != "":
				local, offset := splitLocal(value.First())
				moment(name, local, offset)
			case value.NotApplicable:
				out.Set(name, value.First())
			case len(value.Items) > 0:
				out[name] = value.Items
			default:
				out.Set(name, "")
			}
			continue
		}
		switch f.Key {
		case "location":
			l.setPlace(out, d)
		case "billTo":
			l.setBill(out, d, form)
		case "client":
			out.Set(name, idText(d.Client.ID))
		case "language":
			out.Set(name, d.Language)
		case "alternativeLanguages":
			out[name] = d.AlternativeLanguages
		case "serviceType":
			out.Set(name, d.ServiceType)
		case "start":
			moment(name, d.Start.Format("2006-01-02T15:04"), d.Start.Format("-07:00"))
		case "duration":
			out.Set("duration.hours", strconv.Itoa(d.DurationMinutes/60))
			out.Set("duration.minutes", strconv.Itoa(d.DurationMinutes%60))
		}
	}
	return out
}

// setPlace: one of the list, else the address as it was typed.
func (l entryLists) setPlace(out url.Values, d jobs.Detail) {
	if d.Location.ID != uuid.Nil {
		out.Set("location", d.Location.ID.String())
		return
	}
	out.Set("location", otherPlace)
	out.Set("address.line1", d.Line1)
	out.Set("address.line2", d.Line2)
	out.Set("address.town", d.Town)
	out.Set("address.postcode", d.Postcode)
}

func (l entryLists) setBill(out url.Values, d jobs.Detail, form forms.Form) {
	for _, p := range l.places {
		if form.Address == forms.BillingAddress && p.ID == d.Location.ID || d.BillTo != "" && placeLine(p) == d.BillTo {
			out.Set("billTo", p.ID.String())
			return
		}
	}
	switch d.BillTo {
	case "":
		out.Set("billTo", "")
	case l.billTo:
		out.Set("billTo", agreedBillTo)
	default:
		out.Set("billTo", otherPlace)
		out.Set("billToOther", d.BillTo)
	}
}

func idText(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}

// splitLocal takes the offset off a local time that carries one.
func splitLocal(s string) (local, offset string) {
	for _, layout := range []string{"2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Format("2006-01-02T15:04"), t.Format("-07:00")
		}
	}
	return s, ""
}

// changed is a form as it was sent, beside what it was filled with.
type changed struct{ sent, before url.Values }

// in tells whether any of these inputs was changed. A choice of none sends nothing.
func (c changed) in(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return !slices.Equal(some(c.sent[name]), some(c.before[name])) })
}

// some leaves out what is empty.
func some(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
}

// onto puts the changes on top of what the values became meanwhile, and names the inputs that both changed. Several are the inputs that send
// nothing for a choice of none.
func (c changed) onto(current url.Values, several []string) (values url.Values, both []string) {
	values = url.Values{}
	for name, now := range current {
		values[name] = now
	}
	for _, name := range slices.AppendSeq(several, maps.Keys(c.sent)) {
		if !c.in(name) {
			continue
		}
		if there, known := current[name]; known && !slices.Equal(some(there), some(c.before[name])) && !slices.Contains(both, name) {
			both = append(both, name)
		}
		values[name] = c.sent[name]
	}
	slices.Sort(both)
	return values, both
}

// wish reads the changes as the command has them: only what was changed is sent, so that nothing spreads or asks for a scope that was left alone.
func (e editing) wish(c changed) booking.Edit {
	l, f := e.lists, c.sent
	out := booking.Edit{Scope: f.Get("scope"), Except: f["except"], ByCustomer: !e.v.Staff(), Fields: map[string][]string{}}
	text := func(name string) *string {
		if !c.in(name) {
			return nil
		}
		s := f.Get(name)
		return &s
	}
	for _, field := range e.form.Fields {
		name := nameOf(field)
		if !e.may(field) {
			continue
		}
		switch {
		case !field.Core:
			if c.in(name, name+".offset") {
				out.Fields[field.Key] = l.addedIn(url.Values{name: f[name], name + ".offset": f[name+".offset"], "location": f["location"]},
					forms.Form{Fields: []forms.Field{field}})[field.Key]
			}
		case field.Key == "location":
			typed := f.Get("location") == otherPlace && c.in("address.line1", "address.line2", "address.town", "address.postcode")
			if !c.in("location") && !typed {
				break
			}
			if location, address := placeIn(f); address != nil {
				out.Address = address
			} else {
				out.Location = &location
			}
		case field.Key == "billTo":
			if !c.in("billTo") && (f.Get("billTo") != otherPlace || !c.in("billToOther")) {
				break
			}
			billTo, place := l.billIn(f)
			if out.BillTo = &billTo; e.form.Address == forms.BillingAddress && place != uuid.Nil {
				out.Location = &place
			}
		case field.Key == "client":
			if c.in(name) {
				client := someID(f.Get(name))
				out.Client = &client
			}
		case field.Key == "language":
			out.Language = text(name)
		case field.Key == "alternativeLanguages":
			if c.in(name) {
				list := some(f[name])
				out.Alternatives = &list
			}
		case field.Key == "serviceType":
			out.ServiceType = text(name)
		case field.Key == "start":
			if c.in("start", "start.offset") {
				start := l.momentIn(f, "start")
				out.Start = &start
			}
		case field.Key == "duration":
			if c.in("duration.hours", "duration.minutes") {
				out.Hours, out.Minutes = wholeNumber(f, "duration.hours"), wholeNumber(f, "duration.minutes")
				if out.Hours == nil && out.Minutes == nil { // both were emptied: that is refused, not left alone
					none := -1
					out.Hours = &none
				}
			}
		}
	}
	return out
}

// isEmpty tells whether nothing is wished for.
func isEmpty(e booking.Edit) bool {
	return e.Client == nil && e.Location == nil && e.Address == nil && e.BillTo == nil && e.Language == nil && e.Alternatives == nil &&
		e.ServiceType == nil && e.Start == nil && e.Hours == nil && e.Minutes == nil && len(e.Fields) == 0
}
