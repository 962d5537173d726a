package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/jobs"
	readpeople "github.com/dragoman-booking/dragoman/projections/people"
)

// interpretersPage is the list of interpreters.
type interpretersPage struct {
	List      listAsk
	Rows      []interpreterRow
	Pager     pager
	Languages []forms.Option
	Skills    []forms.Option
	States    []forms.Option
	Names     bool // the viewer reads who they are
	Admin     bool
}

// Skill is a skill as people say it.
func (interpretersPage) Skill(value string) string { return label(forms.SkillOptions(), value) }

// interpreterRow is an interpreter as the list shows one.
type interpreterRow struct {
	readpeople.Interpreter
	Held credentialSum
}

// credentialSum is how credentials stand today.
type credentialSum struct{ Valid, Expiring, Expired int }

// interpreterColumns are what the list may be narrowed and sorted by.
var interpreterColumns = []string{"name", "lin", "languages", "skills", "suspended"}

// interpreters is the list of interpreters.
func (p *Portal) interpreters(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), viewer(r.Context())
	if err := access.MayManage(v, access.ReadInterpreters); err != nil {
		return err
	}
	columns := interpreterColumns
	if v.Role == domain.Analyst { // who somebody is, an analyst does not ask either
		columns = columns[2:]
	}
	ask := listAskOf(r, columns)
	query := ask.query()
	query.Filter = map[string]string{}
	for name, text := range ask.Filters {
		if name == "languages" || name == "skills" {
			text = "," + text + "," // the very one, not one whose code begins so
		}
		query.Filter[name] = text
	}
	found, err := p.Queries.People.Interpreters(ctx, v, query)
	if errors.Is(err, projections.ErrUnknownField) {
		return notFound()
	}
	if err != nil {
		return err
	}
	agency, err := p.agency(ctx)
	if err != nil {
		return err
	}
	page := interpretersPage{List: ask, Pager: ask.pager(len(found.Items), found.Total), Languages: languageOptions(agency.Settings.Languages),
		Skills: forms.SkillOptions(), States: []forms.Option{{Value: "false", Label: p.in(r.Context()).say("interp.active")}, {Value: "true", Label: p.in(r.Context()).say("interp.suspended")}},
		Names: v.Role != domain.Analyst, Admin: access.MayManage(v, access.ManageInterpreters) == nil}
	for _, i := range found.Items {
		page.Rows = append(page.Rows, interpreterRow{i, sumOf(i.Credentials, v)})
	}
	return p.render(w, r, http.StatusOK, "interpreters", "interp.title", page)
}

// expiresSoon is how many days before its end a credential is shown as ending.
const expiresSoon = 30

// States of a credential on a day.
const (
	credentialValid    = "valid"
	credentialExpiring = "expiring"
	credentialExpired  = "expired"
	credentialAhead    = "ahead"
)

// stateOf tells how a credential stands on the viewer's day.
func stateOf(c people.Credential, v access.Viewer) string {
	today := v.Now.In(zoneOf(v))
	switch day := today.Format(time.DateOnly); {
	case c.ValidTo < day:
		return credentialExpired
	case c.ValidFrom > day:
		return credentialAhead
	case c.ValidTo < today.AddDate(0, 0, expiresSoon).Format(time.DateOnly):
		return credentialExpiring
	}
	return credentialValid
}

func sumOf(held []people.Credential, v access.Viewer) (s credentialSum) {
	for _, c := range held {
		switch stateOf(c, v) {
		case credentialExpired:
			s.Expired++
		case credentialExpiring:
			s.Expiring++
		case credentialValid:
			s.Valid++
		}
	}
	return s
}

// interpreterPage is one interpreter.
type interpreterPage struct {
	filled
	readpeople.Interpreter
	Held       []heldCredential
	SkillNames []string
	Services   []string
	Jobs       []jobs.Item // ahead
	MoreJobs   int
	Names      bool
	MayChange  bool
	MaySuspend bool
}

// heldCredential is a credential and how it stands today.
type heldCredential struct {
	people.Credential
	State string
}

// mostJobsOf is how many jobs ahead an interpreter's page shows.
const mostJobsOf = 10

// interpreter is the page of one interpreter.
func (p *Portal) interpreter(w http.ResponseWriter, r *http.Request) error {
	return p.showInterpreter(w, r, http.StatusOK, filled{})
}

func (p *Portal) showInterpreter(w http.ResponseWriter, r *http.Request, status int, f filled) error {
	ctx, v := r.Context(), viewer(r.Context())
	found, err := p.interpreterAt(r)
	if err != nil {
		return err
	}
	page := interpreterPage{filled: f, Interpreter: found, Names: v.Role != domain.Analyst,
		MayChange: access.MayManage(v, access.ManageInterpreters) == nil, MaySuspend: access.MayManage(v, access.SuspendInterpreter) == nil}
	for _, c := range found.Credentials {
		page.Held = append(page.Held, heldCredential{c, stateOf(c, v)})
	}
	for _, s := range found.Skills {
		page.SkillNames = append(page.SkillNames, label(forms.SkillOptions(), s))
	}
	for _, s := range found.ServiceTypes {
		page.Services = append(page.Services, label(forms.ServiceTypes(), s))
	}
	ahead, err := p.Queries.Jobs.List(ctx, v, jobs.Filter{List: jobs.AssignedList, Interpreter: found.ID, Limit: mostJobsOf})
	if err != nil {
		return err
	}
	page.Jobs, page.MoreJobs = ahead.Items, ahead.Total-len(ahead.Items)
	return p.render(w, r, status, "interpreter", " "+found.Name, page)
}

// interpreterAt reads the interpreter of an address, for those who may know interpreters.
func (p *Portal) interpreterAt(r *http.Request) (readpeople.Interpreter, error) {
	v := viewer(r.Context())
	if v.OfCustomer() || v.Role == domain.Interpreter {
		return readpeople.Interpreter{}, notFound() // they meet interpreters on their jobs only
	}
	if err := access.MayManage(v, access.ReadInterpreters); err != nil {
		return readpeople.Interpreter{}, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return readpeople.Interpreter{}, err
	}
	i, found, err := p.Queries.People.Interpreter(r.Context(), v, id)
	switch {
	case err != nil:
		return i, err
	case !found:
		return i, notFound()
	}
	return i, nil
}

// idIn is an id in the address; one that is none leads nowhere.
func idIn(r *http.Request, name string) (uuid.UUID, error) {
	id, err := uuid.Parse(chi.URLParam(r, name))
	if err != nil {
		return uuid.Nil, notFound()
	}
	return id, nil
}

// suspend keeps an interpreter from new offers and assignments (LL-130).
func (p *Portal) suspend(w http.ResponseWriter, r *http.Request) error {
	const command = "suspend-interpreter"
	return p.onInterpreter(w, r, command, func(req commands.Request, id uuid.UUID, f url.Values) (commands.Changed, error) {
		if err := access.MayManage(req.Viewer, access.SuspendInterpreter); err != nil {
			return commands.Changed{}, err
		}
		if strings.TrimSpace(f.Get("reason")) == "" {
			return commands.Changed{}, domain.Invalid(domain.FieldError{Location: "body.reason", Message: p.in(r.Context()).say("interp.suspend-why")})
		}
		return p.Commands.SuspendInterpreter(r.Context(), req, id, f.Get("reason"))
	})
}

// reinstate ends a suspension.
func (p *Portal) reinstate(w http.ResponseWriter, r *http.Request) error {
	return p.onInterpreter(w, r, "reinstate-interpreter", func(req commands.Request, id uuid.UUID, _ url.Values) (commands.Changed, error) {
		return p.Commands.ReinstateInterpreter(r.Context(), req, id)
	})
}

func (p *Portal) onInterpreter(w http.ResponseWriter, r *http.Request, command string,
	send func(req commands.Request, id uuid.UUID, f url.Values) (commands.Changed, error)) error {
	id, err := idIn(r, "id")
	if err != nil {
		return err
	}
	req, err := p.request(r, command)
	if err != nil {
		return err
	}
	done, err := send(req, id, r.PostForm)
	if no := correctable(err); no != nil {
		if no.Status == http.StatusPreconditionFailed && req.IfMatch != nil {
			if _, _, err := fresh(r.Context(), *req.IfMatch, func() (readpeople.Interpreter, uint64, error) {
				i, err := p.interpreterAt(r)
				return i, i.Revision, err
			}); err != nil {
				return err
			}
			if no, err = p.overtakenBy(r.Context(), no, nil, nil); err != nil {
				return err
			}
		}
		return p.showInterpreter(w, r, no.Status, filled{r.PostForm, no})
	}
	if err != nil {
		return err
	}
	return p.done(w, r, interpreterPath(id), command, done.Position)
}

func interpreterPath(id uuid.UUID) string { return "/interpreters/" + id.String() }

// interpreterForm is the form of a new interpreter, or of the changes of one.
type interpreterForm struct {
	filled
	ID          uuid.UUID // zero: a new one
	New         bool
	Name        string
	Languages   []forms.Option
	Skills      []forms.Option
	Services    []forms.Option
	Genders     []forms.Option
	Credentials []people.Credential // as typed, then empty rows
}

// emptyCredentials is how many rows for further credentials the form has.
const emptyCredentials = 2

// newInterpreter is the form of a new interpreter.
func (p *Portal) newInterpreter(w http.ResponseWriter, r *http.Request) error {
	return p.showInterpreterForm(w, r, http.StatusOK, readpeople.Interpreter{}, filled{Sent: url.Values{"gender": {"unstated"},
		"serviceTypes": {forms.ServiceFaceToFace, forms.ServiceRemote}, "skills": {"spoken-only"}}})
}

// editInterpreter is the form that changes one.
func (p *Portal) editInterpreter(w http.ResponseWriter, r *http.Request) error {
	i, err := p.interpreterAt(r)
	if err != nil {
		return err
	}
	return p.showInterpreterForm(w, r, http.StatusOK, i, filledAt(interpreterValues(i), i.Revision))
}

// interpreterValues are what the form of an interpreter is filled with.
func interpreterValues(i readpeople.Interpreter) url.Values {
	sent := url.Values{"name": {i.Name}, "gender": {i.Gender}, "languages": i.Languages, "skills": i.Skills, "serviceTypes": i.ServiceTypes,
		"paitId": {i.PaitID}, "telephone": {i.Telephone}, "email": {i.Email},
		"coordinates": {i.Coordinates}, "postcode": {i.Postcode}, "travelRadiusKm": {unlessNone(i.TravelRadiusKm)}}
	for _, c := range i.Credentials {
		addCredential(sent, c)
	}
	return sent
}

func addCredential(f url.Values, c people.Credential) {
	f.Add("credentials.kind", c.Kind)
	f.Add("credentials.reference", c.Reference)
	f.Add("credentials.validFrom", c.ValidFrom)
	f.Add("credentials.validTo", c.ValidTo)
}

// credentialsIn are the rows that hold something.
func credentialsIn(f url.Values) []people.Credential {
	list := []people.Credential{}
	for n := range f["credentials.kind"] {
		c := people.Credential{Kind: nth(f["credentials.kind"], n), Reference: nth(f["credentials.reference"], n),
			ValidFrom: nth(f["credentials.validFrom"], n), ValidTo: nth(f["credentials.validTo"], n)}
		if c != (people.Credential{}) {
			list = append(list, c)
		}
	}
	return list
}

func (p *Portal) showInterpreterForm(w http.ResponseWriter, r *http.Request, status int, i readpeople.Interpreter, f filled) error {
	ctx, v := r.Context(), viewer(r.Context())
	if err := access.MayManage(v, access.ManageInterpreters); err != nil {
		return err
	}
	agency, err := p.agency(ctx)
	if err != nil {
		return err
	}
	page := interpreterForm{filled: f, ID: i.ID, New: i.ID == uuid.Nil, Name: i.Name, Languages: withValues(languageOptions(agency.Settings.Languages), i.Languages),
		Skills: withValues(forms.SkillOptions(), i.Skills), Services: withValues(forms.ServiceTypes(), i.ServiceTypes), Credentials: credentialsIn(f.Sent)}
	for _, g := range people.Genders {
		page.Genders = append(page.Genders, forms.Option{Value: g, Label: p.in(r.Context()).say("gender." + g)})
	}
	page.Credentials = append(page.Credentials, make([]people.Credential, emptyCredentials)...)
	title := "interp.new"
	if i.ID != uuid.Nil {
		title = "interp.change"
	}
	return p.render(w, r, status, "interpreterform", title, page)
}

// withValues is a list with what somebody has besides: nobody loses a value because it left the list.
func withValues(all []forms.Option, values []string) []forms.Option {
	out := slices.Clone(all)
	for _, value := range values {
		if !slices.ContainsFunc(all, func(o forms.Option) bool { return strings.EqualFold(o.Value, value) }) {
			out = append(out, forms.Option{Value: value, Label: value})
		}
	}
	return out
}

// languageOptions are the agency's languages to choose from, by name.
func languageOptions(all []people.Language) []forms.Option {
	out := make([]forms.Option, 0, len(all))
	for _, l := range all {
		out = append(out, forms.Option{Value: l.Code, Label: l.Name})
	}
	slices.SortFunc(out, func(a, b forms.Option) int { return strings.Compare(a.Label, b.Label) })
	return out
}

// registerInterpreter adds an interpreter.
func (p *Portal) registerInterpreter(w http.ResponseWriter, r *http.Request) error {
	req, err := p.request(r, "register-interpreter")
	if err != nil {
		return err
	}
	f := plainLines(r.PostForm)
	made, err := p.Commands.RegisterInterpreter(r.Context(), req, people.Profile{LIN: strings.ToUpper(strings.TrimSpace(f.Get("lin"))),
		Name: domain.Personal(f.Get("name")), Gender: f.Get("gender"), Languages: f["languages"], Skills: f["skills"], ServiceTypes: f["serviceTypes"],
		Credentials: credentialsIn(f), PaitID: domain.Personal(f.Get("paitId")), Telephone: domain.Personal(f.Get("telephone")), Email: domain.Personal(f.Get("email")),
		Coordinates: people.HomeAt(pointIn(f.Get("coordinates"))), Postcode: domain.Personal(f.Get("postcode")), TravelRadiusKm: wholeIn(f.Get("travelRadiusKm"))})
	if no := correctable(err); no != nil {
		return p.showInterpreterForm(w, r, no.Status, readpeople.Interpreter{}, filled{r.PostForm, no})
	}
	if err != nil {
		return err
	}
	return p.done(w, r, interpreterPath(made.ID), "register-interpreter", made.Position)
}

// changeInterpreter changes what a form changed.
func (p *Portal) changeInterpreter(w http.ResponseWriter, r *http.Request) error {
	id, err := idIn(r, "id")
	if err != nil {
		return err
	}
	req, err := p.request(r, "change-interpreter")
	if err != nil {
		return err
	}
	e := editsIn(r.PostForm)
	change := people.ChangeInterpreter{Name: e.text("name"), Gender: e.text("gender"), Languages: e.list("languages"), Skills: e.list("skills"),
		ServiceTypes: e.list("serviceTypes"), PaitID: e.text("paitId"), Telephone: e.text("telephone"), Email: e.text("email"),
		Coordinates: e.point("coordinates"), Postcode: e.text("postcode"), TravelRadiusKm: e.whole("travelRadiusKm")}
	if now := credentialsIn(e.sent); !slices.Equal(now, credentialsIn(e.before)) {
		change.Credentials = &now
	}
	done, again, err := p.sendEdits(r, req, func() (url.Values, uint64, error) {
		i, err := p.interpreterAt(r)
		return interpreterValues(i), i.Revision, err
	}, func(req commands.Request) (commands.Changed, error) {
		return p.Commands.ChangeInterpreter(r.Context(), req, id, change)
	})
	if err != nil {
		return err
	}
	if no := again.Refusal; no != nil {
		i, err := p.interpreterAt(r)
		if err != nil {
			return err
		}
		return p.showInterpreterForm(w, r, no.Status, i, again)
	}
	return p.done(w, r, interpreterPath(id), "change-interpreter", done.Position)
}
