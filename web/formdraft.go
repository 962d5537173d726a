package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/accounts"
	"github.com/dragoman-booking/dragoman/projections"
	readpeople "github.com/dragoman-booking/dragoman/projections/people"
)

// An admin changes a booking form in a draft, part by part, and publishes it when it is whole (LL-14). The draft is the admin's own and is kept until
// it is published or thrown away: nothing that was typed is lost with a page or a session, and customers never meet a form that is half made.

// formDraft is a form as its admin sees it: the draft if there is one, else what is in force.
type formDraft struct {
	Form    forms.Form
	InForce forms.Form // the newest version; its ID is empty if the form is new
	Draft   bool       // there is one
	BasedOn int        // the version that it was made from; 0: the form is new
	kept    accounts.FormDraft
}

// New tells whether the form was never published.
func (d formDraft) New() bool { return d.InForce.ID == "" }

// Overtaken tells whether somebody published a version that the draft does not know.
func (d formDraft) Overtaken() bool { return d.Draft && d.InForce.Version > d.BasedOn }

func formPath(id string) string { return "/settings/forms/" + url.PathEscape(id) }

// formDraftOf reads a form for whoever may change forms.
func (p *Portal) formDraftOf(ctx context.Context, v access.Viewer, id string) (formDraft, error) {
	if err := access.MayManage(v, access.ManageForms); err != nil {
		return formDraft{}, err
	}
	inForce, found, err := p.Queries.Settings.Form(ctx, v, id, 0)
	if err != nil {
		return formDraft{}, err
	}
	kept, drafted, err := p.Accounts.FormDraft(ctx, v.User, id)
	if err != nil {
		return formDraft{}, err
	}
	d := formDraft{Form: inForce, InForce: inForce, Draft: drafted, BasedOn: inForce.Version}
	switch {
	case drafted:
		d.BasedOn, d.kept = kept.BasedOn, kept
		if d.Form, err = formIn(kept); err != nil {
			return formDraft{}, err
		}
	case !found:
		return formDraft{}, notFound()
	}
	return d, nil
}

func formIn(kept accounts.FormDraft) (f forms.Form, err error) {
	if err := json.Unmarshal(kept.Body, &f); err != nil {
		return forms.Form{}, fmt.Errorf("read the draft of a form: %w", err)
	}
	return f, nil
}

// changeDraft lets change make the draft's next state; the first change makes the draft. What is added is marked: added again under the same mark it
// stands there once.
func (p *Portal) changeDraft(ctx context.Context, v access.Viewer, d formDraft, mark string, change func(*forms.Form)) error {
	from := d.InForce
	if d.New() {
		from = d.Form
	}
	start, err := json.Marshal(from)
	if err != nil {
		return fmt.Errorf("write form %s: %w", d.Form.ID, err)
	}
	return p.Accounts.ChangeFormDraft(ctx, v.User, d.Form.ID, accounts.FormDraft{BasedOn: d.InForce.Version, Body: start}, func(now accounts.FormDraft) (accounts.FormDraft, error) {
		if mark != "" && slices.Contains(now.Added, mark) {
			return now, nil
		}
		f, err := formIn(now)
		if err != nil {
			return now, err
		}
		change(&f)
		if mark != "" {
			now.Added = append(slices.Clone(now.Added), mark)
		}
		now.Body, err = json.Marshal(f)
		return now, err
	})
}

// markOf is the mark of what a form's page adds: the same form with the same values adds the same thing.
func markOf(r commands.Request) string {
	sum := sha256.Sum256(slices.Concat(r.CommandID[:], r.Canonical))
	return hex.EncodeToString(sum[:16])
}

// faultsOf are what publishing a form would be refused for; none if it would not be.
func (p *Portal) faultsOf(ctx context.Context, f forms.Form) ([]domain.FieldError, error) {
	err := p.Commands.CheckForm(ctx, viewer(ctx), f)
	if no := correctable(err); no != nil {
		return no.Errors, nil
	}
	return nil, err
}

// Parts of a form that have a page of their own.
var formParts = []string{forms.SectionP, forms.FieldP, forms.NoticeP}

// listOf is how the contract calls the list of such parts.
var listOf = map[string]string{forms.SectionP: "sections", forms.FieldP: "fields", forms.NoticeP: "notices"}

// partKeys are the keys of one kind of parts, in order.
func partKeys(f forms.Form, part string) (keys []string) {
	switch part {
	case forms.SectionP:
		for _, s := range f.Sections {
			keys = append(keys, s.Key)
		}
	case forms.FieldP:
		for _, x := range f.Fields {
			keys = append(keys, x.Key)
		}
	case forms.NoticeP:
		for _, n := range f.Notices {
			keys = append(keys, n.Key)
		}
	}
	return keys
}

// place is where in the contract's body a location stands: which part, and the rest of the way.
var partPlace = regexp.MustCompile(`^body\.(sections|fields|notices)\[(\d+)\]\.?(.*)$`)

// partOf tells which part of a form a fault is about; an empty part: the form itself, or all of its fields.
func partOf(f forms.Form, location string) (part, key, rest string) {
	at := partPlace.FindStringSubmatch(location)
	if at == nil {
		return "", "", strings.TrimPrefix(location, "body.")
	}
	for kind, list := range listOf {
		if list != at[1] {
			continue
		}
		i, err := strconv.Atoi(at[2])
		if keys := partKeys(f, kind); err == nil && i < len(keys) {
			return kind, keys[i], at[3]
		}
	}
	return "", "", ""
}

// formFault is something to correct before a form can be published, with a link to where.
type formFault struct{ Href, Where, Text string }

func (p *Portal) formFaults(ctx context.Context, f forms.Form, all []domain.FieldError) (out []formFault) {
	s := p.in(ctx)
	for _, e := range all {
		part, key, _ := partOf(f, e.Location)
		fault := formFault{Href: formPath(f.ID) + "/details", Where: s.say("forms.details"), Text: s.said(e.Message)}
		if key, lacks := strings.CutPrefix(strings.TrimSuffix(e.Message, "."), forms.AsksFor); lacks && forms.CoreKind(key) != "" {
			fault.Text = s.say("forms.asks-for", s.say("forms.core-"+key))
		}
		switch {
		case part != "":
			fault.Href, fault.Where = partPath(f.ID, part, key), partLabel(f, part, key)
		case e.Location == "body.fields" || e.Location == "body.sections":
			fault.Href, fault.Where = "#form-parts", f.Name
		}
		if !slices.Contains(out, fault) {
			out = append(out, fault)
		}
	}
	return out
}

func partPath(id, part, key string) string {
	return formPath(id) + "/edit/" + part + "/" + url.PathEscape(key)
}

// partLabel is what people call a part.
func partLabel(f forms.Form, part, key string) string {
	switch part {
	case forms.SectionP:
		for _, s := range f.Sections {
			if s.Key == key && s.Label != "" {
				return s.Label
			}
		}
	case forms.FieldP:
		if x, ok := f.Field(key); ok && x.Label != "" {
			return x.Label
		}
	case forms.NoticeP:
		for _, n := range f.Notices {
			if n.Key == key && n.Text != "" {
				return noticeOf(n).Title
			}
		}
	}
	return key
}

// removePart takes a part out of a form; one that is gone already is no matter.
func removePart(f *forms.Form, part, key string) {
	switch part {
	case forms.SectionP:
		f.Sections = slices.DeleteFunc(f.Sections, func(s forms.Section) bool { return s.Key == key })
	case forms.FieldP:
		f.Fields = slices.DeleteFunc(f.Fields, func(x forms.Field) bool { return x.Key == key })
	case forms.NoticeP:
		f.Notices = slices.DeleteFunc(f.Notices, func(n forms.Notice) bool { return n.Key == key })
	}
}

// movePart puts a part before another one of its kind; with none, behind all of them, a field behind those of its section. Pressed twice it stands
// where it was put.
func movePart(f *forms.Form, part, key, before string) {
	switch part {
	case forms.SectionP:
		f.Sections = moved(f.Sections, func(s forms.Section) string { return s.Key }, key, before)
	case forms.NoticeP:
		f.Notices = moved(f.Notices, func(n forms.Notice) string { return n.Key }, key, before)
	case forms.FieldP:
		f.Fields = moved(f.Fields, func(x forms.Field) string { return x.Key }, key, before)
	}
}

func moved[T any](all []T, keyOf func(T) string, key, before string) []T {
	at := func(k string) int { return slices.IndexFunc(all, func(x T) bool { return keyOf(x) == k }) }
	i := at(key)
	if i < 0 || key == before || before != "" && at(before) < 0 {
		return all
	}
	x := all[i]
	all = slices.Delete(slices.Clone(all), i, i+1)
	if before == "" {
		return append(all, x)
	}
	return slices.Insert(all, at(before), x)
}

// formsPage is the list of all booking forms.
type formsPage struct {
	Rows  []formsRow
	Admin bool
}

type formsRow struct {
	forms.Form
	By    string
	At    string
	Draft bool // the viewer has one
	New   bool // and nothing else
}

// formsList is the list of all booking forms, with the viewer's own drafts.
func (p *Portal) formsList(w http.ResponseWriter, r *http.Request) error {
	v := viewer(r.Context())
	all, err := p.Queries.Settings.NewestForms(r.Context(), v)
	if err != nil {
		return err
	}
	page := formsPage{Admin: access.MayManage(v, access.ManageForms) == nil}
	drafts := map[string]accounts.FormDraft{}
	if page.Admin {
		if drafts, err = p.Accounts.FormDrafts(r.Context(), v.User); err != nil {
			return err
		}
	}
	var users []uuid.UUID
	for _, f := range all {
		users = append(users, f.By)
	}
	names, err := p.Queries.People.Names(r.Context(), v, users)
	if err != nil {
		return err
	}
	for _, f := range all {
		_, draft := drafts[f.Form.ID]
		delete(drafts, f.Form.ID)
		page.Rows = append(page.Rows, formsRow{Form: f.Form, By: names[f.By], At: f.At.In(zoneOf(v)).Format(whenLayout), Draft: draft})
	}
	for id, d := range drafts {
		var f forms.Form
		if err := json.Unmarshal(d.Body, &f); err != nil {
			return fmt.Errorf("read the draft of form %s: %w", id, err)
		}
		page.Rows = append(page.Rows, formsRow{Form: f, Draft: true, New: true})
	}
	slices.SortFunc(page.Rows, func(a, b formsRow) int { return strings.Compare(a.ID, b.ID) })
	return p.render(w, r, http.StatusOK, "forms", "settings.forms", page)
}

// formPage is one booking form with its parts in order.
type formPage struct {
	formDraft
	Admin    bool
	Sections []formSection
	Notices  []formRow
	Changes  []string // what the draft has otherwise than what is in force
	Faults   []formFault
	Merged   []string // what both sides changed, when a version of somebody else's was taken over
}

type formSection struct {
	Row    formRow
	Fields []formRow
}

// formRow is a part of a form in its list.
type formRow struct {
	Part, Key, Label string
	Marks            []string // what is said of it
	Text             string
	Up, Down         string // before which part a move puts it; its own key: it stands there
	Place, Count     int    // from one
}

func (p *Portal) form(w http.ResponseWriter, r *http.Request) error {
	return p.showDraft(w, r, nil)
}

func (p *Portal) showDraft(w http.ResponseWriter, r *http.Request, merged []string) error {
	ctx := r.Context()
	v := viewer(ctx)
	if err := access.MayManage(v, access.ReadSettings); err != nil {
		return err
	}
	id := chi.URLParam(r, "form")
	page := formPage{Admin: access.MayManage(v, access.ManageForms) == nil, Merged: merged}
	var err error
	if page.Admin {
		page.formDraft, err = p.formDraftOf(ctx, v, id)
	} else {
		var found bool
		if page.Form, found, err = p.Queries.Settings.Form(ctx, v, id, 0); err == nil && !found {
			err = notFound()
		}
		page.InForce = page.Form
	}
	if err != nil {
		return err
	}
	names, err := p.customerNames(ctx, page.Form)
	if err != nil {
		return err
	}
	if page.Draft {
		all, err := p.faultsOf(ctx, page.Form)
		if err != nil {
			return err
		}
		page.Faults = p.formFaults(ctx, page.Form, all)
		if !page.New() {
			page.Changes = p.differences(ctx, page.InForce, page.Form, names)
		}
	}
	page.Sections, page.Notices = p.formRows(ctx, page.Form, names)
	return p.render(w, r, http.StatusOK, "form", " "+page.Form.Name, page)
}

// formRows are the parts of a form as lists. Fields whose section is gone stand at the end.
func (p *Portal) formRows(ctx context.Context, f forms.Form, names map[uuid.UUID]string) (sections []formSection, notices []formRow) {
	s := p.in(ctx)
	walk := func(rows []formRow) {
		for i := range rows {
			row := &rows[i]
			row.Up, row.Down, row.Place, row.Count = row.Key, row.Key, i+1, len(rows)
			if i > 0 {
				row.Up = rows[i-1].Key
			}
			if i+2 < len(rows) {
				row.Down = rows[i+2].Key
			} else if i+1 < len(rows) {
				row.Down = "" // behind all
			}
		}
	}
	heads := make([]formRow, 0, len(f.Sections))
	for _, x := range f.Sections {
		row := formRow{Part: forms.SectionP, Key: x.Key, Label: partLabel(f, forms.SectionP, x.Key)}
		if x.Whole {
			row.Marks = append(row.Marks, s.say("forms.whole"))
		}
		heads = append(heads, row)
	}
	walk(heads)
	for _, head := range append(heads, formRow{}) {
		at := formSection{Row: head}
		for _, x := range f.Fields {
			lost := !slices.ContainsFunc(f.Sections, func(s forms.Section) bool { return s.Key == x.Section })
			if head.Key != "" && x.Section == head.Key || head.Key == "" && lost {
				at.Fields = append(at.Fields, formRow{Part: forms.FieldP, Key: x.Key, Label: partLabel(f, forms.FieldP, x.Key), Marks: fieldMarks(s, x, names)})
			}
		}
		walk(at.Fields)
		if n := len(at.Fields); n > 1 { // behind the last of the section, wherever the next one's fields stand
			at.Fields[n-2].Down = behind(f, at.Fields[n-1].Key)
		}
		if head.Key != "" || len(at.Fields) > 0 {
			sections = append(sections, at)
		}
	}
	for _, x := range f.Notices {
		n := noticeOf(x)
		row := formRow{Part: forms.NoticeP, Key: x.Key, Label: n.Title, Text: n.Rest}
		if x.Mandatory {
			row.Marks = append(row.Marks, s.say("forms.notice-mandatory"))
		}
		notices = append(notices, row)
	}
	walk(notices)
	return sections, notices
}

// behind is the key of the field that follows another in the form; empty: none.
func behind(f forms.Form, key string) string {
	keys := partKeys(f, forms.FieldP)
	if i := slices.Index(keys, key); i >= 0 && i+1 < len(keys) {
		return keys[i+1]
	}
	return ""
}

// fieldMarks say about a field what matters when one looks through a form.
func fieldMarks(s *tongue, x forms.Field, names map[uuid.UUID]string) (marks []string) {
	mark := func(on bool, key string) {
		if on {
			marks = append(marks, s.say(key))
		}
	}
	marks = append(marks, s.say("forms.kind-"+x.Kind), s.say("forms.place-"+x.Place), s.say("forms.reader-"+x.Visibility))
	mark(x.Required, "forms.required")
	mark(len(x.RequiredWhen) > 0, "forms.required-when")
	mark(x.EditOnly, "forms.edit-only")
	mark(x.Fixed, "forms.fixed")
	mark(x.Editable, "forms.editable")
	mark(x.Personal != forms.NotPersonal, "forms.sealed")
	if len(x.Customers) > 0 {
		of := make([]string, len(x.Customers))
		for i, id := range x.Customers {
			of[i] = orDefault(names[id], id.String())
		}
		slices.Sort(of)
		marks = append(marks, s.say("forms.only-for", strings.Join(of, ", ")))
	}
	return marks
}

// customerNames are the names of the customers whom forms name.
func (p *Portal) customerNames(ctx context.Context, all ...forms.Form) (map[uuid.UUID]string, error) {
	var named []uuid.UUID
	for _, f := range all {
		for _, x := range f.Fields {
			named = append(named, x.Customers...)
		}
	}
	if len(named) == 0 {
		return nil, nil
	}
	return p.Queries.People.CustomerNames(ctx, viewer(ctx), named)
}

// customersOf are all customers, by name.
func (p *Portal) customersOf(ctx context.Context) ([]readpeople.Customer, error) {
	return whole(func(q projections.ListQuery) (projections.ListPage[readpeople.Customer], error) {
		return p.Queries.People.Customers(ctx, viewer(ctx), q)
	})
}

// draftPosted reads the form that a posted page of the editor is about, and the mark of what the page adds.
func (p *Portal) draftPosted(r *http.Request) (d formDraft, mark string, err error) {
	req, err := p.request(r, "draft-form") // for what it refuses: a draft is no command
	if err != nil {
		return formDraft{}, "", err
	}
	d, err = p.formDraftOf(r.Context(), viewer(r.Context()), chi.URLParam(r, "form"))
	return d, markOf(req), err
}

// partAsked is the part that an address names.
func partAsked(r *http.Request, f forms.Form) (part, key string, err error) {
	part, key = chi.URLParam(r, "part"), chi.URLParam(r, "key")
	if !slices.Contains(formParts, part) || !slices.Contains(partKeys(f, part), key) {
		return "", "", notFound()
	}
	return part, key, nil
}

// movePartOf and removePartOf change the order of the draft's parts, and take one out.
func (p *Portal) movePartOf(w http.ResponseWriter, r *http.Request) error {
	d, _, err := p.draftPosted(r)
	if err != nil {
		return err
	}
	part, key, err := partAsked(r, d.Form)
	if err != nil {
		return err
	}
	if err := p.changeDraft(r.Context(), viewer(r.Context()), d, "", func(f *forms.Form) {
		movePart(f, part, key, r.PostForm.Get("before"))
	}); err != nil {
		return err
	}
	http.Redirect(w, r, formPath(d.Form.ID)+"#"+part+"-"+key, http.StatusSeeOther)
	return nil
}

func (p *Portal) removePartOf(w http.ResponseWriter, r *http.Request) error {
	d, _, err := p.draftPosted(r)
	if err != nil {
		return err
	}
	part, key := chi.URLParam(r, "part"), chi.URLParam(r, "key")
	if !slices.Contains(formParts, part) {
		return notFound()
	}
	if err := p.changeDraft(r.Context(), viewer(r.Context()), d, "", func(f *forms.Form) { removePart(f, part, key) }); err != nil {
		return err
	}
	return p.done(w, r, formPath(d.Form.ID), "draft-removed", eventschema.Position{})
}

// publishForm makes the draft the form's next version. A version that somebody published meanwhile is taken into the draft instead, and shown.
func (p *Portal) publishForm(w http.ResponseWriter, r *http.Request) error {
	req, err := p.request(r, "define-form")
	if err != nil {
		return err
	}
	v := viewer(r.Context())
	d, err := p.formDraftOf(r.Context(), v, chi.URLParam(r, "form"))
	if err != nil {
		return err
	}
	if !d.Draft {
		return p.done(w, r, formPath(d.Form.ID), "unchanged", eventschema.Position{})
	}
	if d.Overtaken() {
		return p.takeOver(w, r, d)
	}
	based := uint64(d.BasedOn)
	req.IfMatch = &based
	if req.Canonical, err = json.Marshal(d.Form); err != nil {
		return fmt.Errorf("write form %s: %w", d.Form.ID, err)
	}
	done, err := p.Commands.DefineForm(r.Context(), req, d.Form.ID, d.Form)
	switch no := correctable(err); {
	case no != nil && no.Status == http.StatusPreconditionFailed: // the read model will know in a moment
		if _, _, err := fresh(r.Context(), based, func() (forms.Form, uint64, error) {
			f, _, err := p.Queries.Settings.Form(r.Context(), v, d.Form.ID, 0)
			return f, uint64(f.Version), err
		}); err != nil {
			return err
		}
		if d, err = p.formDraftOf(r.Context(), v, d.Form.ID); err != nil {
			return err
		}
		return p.takeOver(w, r, d)
	case no != nil:
		return p.done(w, r, formPath(d.Form.ID), "draft-faulty", eventschema.Position{}) // the page lists the faults
	case err != nil:
		return err
	}
	if err := p.Accounts.FormPublished(r.Context(), v.User, d.Form.ID, d.kept.Body); err != nil {
		return err
	}
	return p.done(w, r, formPath(d.Form.ID), "form-published", done.Position)
}

// takeOver puts what somebody else published into the draft, and shows what both changed. A draft of a form that was new has nothing in common with
// what somebody else began under the same id.
func (p *Portal) takeOver(w http.ResponseWriter, r *http.Request, d formDraft) error {
	ctx, v := r.Context(), viewer(r.Context())
	base := forms.Form{ID: d.Form.ID}
	if d.BasedOn > 0 {
		var err error
		if base, _, err = p.Queries.Settings.Form(ctx, v, d.Form.ID, d.BasedOn); err != nil {
			return err
		}
	}
	inForce, err := json.Marshal(d.InForce)
	if err != nil {
		return fmt.Errorf("write form %s: %w", d.Form.ID, err)
	}
	var merged forms.Form
	var clashes []forms.Difference
	if err := p.Accounts.ChangeFormDraft(ctx, v.User, d.Form.ID, accounts.FormDraft{BasedOn: d.InForce.Version, Body: inForce}, func(now accounts.FormDraft) (accounts.FormDraft, error) {
		if now.BasedOn != d.BasedOn { // another window has just taken it over
			return now, nil
		}
		mine, err := formIn(now)
		if err != nil {
			return now, err
		}
		merged, clashes = forms.Merge(base, mine, d.InForce)
		now.BasedOn = d.InForce.Version
		now.Body, err = json.Marshal(merged)
		return now, err
	}); err != nil {
		return err
	}
	names, err := p.customerNames(ctx, merged, d.InForce)
	if err != nil {
		return err
	}
	told := []string{p.in(ctx).say("forms.taken-over", d.InForce.Version)}
	return p.showDraft(w, r, append(told, p.tell(ctx, clashes, names)...))
}

// discardForm throws the draft away.
func (p *Portal) discardForm(w http.ResponseWriter, r *http.Request) error {
	d, _, err := p.draftPosted(r)
	if err != nil {
		return err
	}
	if err := p.Accounts.RemoveFormDraft(r.Context(), viewer(r.Context()).User, d.Form.ID); err != nil {
		return err
	}
	if d.New() {
		return p.done(w, r, "/settings/forms", "draft-discarded", eventschema.Position{})
	}
	return p.done(w, r, formPath(d.Form.ID), "draft-discarded", eventschema.Position{})
}
