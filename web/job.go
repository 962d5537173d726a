package web

import (
	"cmp"
	"context"
	"html/template"
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
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

// jobPage is a job with everything that the viewer may read of it and do with it (LL-66..74).
type jobPage struct {
	jobs.Detail
	Can       map[string]bool // commands that may be sent now (LL-69)
	Message   string          // how the search stands, in the agency's words (LL-67)
	Nobody    string          // that nobody has the job, in the agency's words (LL-72)
	TakenBy   string          // name of the assigner who works on it
	TakenByMe bool
	Panels    []panel                        // the form's sections
	Own       bool                           // the viewer is the interpreter who has the job
	Offer     *jobs.Offer                    // the viewer's own newest offer
	Why       map[uuid.UUID][]domain.Because // for what reasons each interpreter was offered the job, as far as the viewer may read them
	Alarms    []alarm                        // what assigners are told of it
	Progress  []string                       // how far offers in waves have got, in sentences
	Moments   *moments                       // of the job as it stood; nil: the job of now
	AsOf      bool                           // may be looked at as it stood
	History   bool                           // its events may be read
	Threads   bool                           // its admin messages may be read
	Hours     bool                           // its hours may be read
	Notes     bool                           // its activity notes may be read
	// MayCancel: the customer may end it alone, or could have until the window closed (LL-113, LL-115).
	MayCancel bool
	Closing   closing    // when the customer's windows close
	Urgent    bool       // the customer's, not over, and starts very soon (LL-132)
	Sent      url.Values // what was typed into a form that was refused
	Refusal   *domain.Refusal
	Seen      *seen     // what that form would do, if that was asked
	UndoUntil time.Time // until when the viewer may take back what was done to related jobs; zero: nothing to take back
	UndoLeft  string    // how long that is

	viewer access.Viewer
}

// panel is one section of the form with its values.
type panel struct {
	Key, Label string
	Rows       []row
}

// row is a labelled value. More than one line is a list or an address.
type row struct {
	Label, Hint string
	Wide        bool // a text of several lines
	Lines       []string
	Href        template.URL // to write a mail or to call; made of a mail address or a number that was checked
}

// asked is a form as it came: for which job, what was typed, why it was refused. A page that is only looked at has neither.
type asked struct {
	Ref     string
	Sent    url.Values
	Refusal *domain.Refusal
	Seen    *seen // what the form would do, if that was asked
}

// asOfLayout is how addresses write the moment at which a job is looked at.
const asOfLayout = time.RFC3339Nano

func refOf(r *http.Request) string { return strings.ToUpper(chi.URLParam(r, "ref")) }

// job is the page of one job: as it stands, or as it stood at a moment.
func (p *Portal) job(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if q.Has("moment") || q.Has("asOf") {
		return p.jobAsOf(w, r)
	}
	return p.showJob(w, r, http.StatusOK, asked{Ref: refOf(r)})
}

// showJob shows a job as it stands now, with why a command pressed there was refused.
func (p *Portal) showJob(w http.ResponseWriter, r *http.Request, status int, a asked) error {
	page, err := p.readJob(r.Context(), a)
	if err != nil {
		return err
	}
	return p.render(w, r, status, "job", " "+page.Ref, page)
}

// readJob reads a job with what its viewer may do.
func (p *Portal) readJob(ctx context.Context, a asked) (jobPage, error) {
	v := viewer(ctx)
	d, err := p.Queries.Jobs.Get(ctx, v, a.Ref)
	if err != nil {
		return jobPage{}, err
	}
	now, err := p.Commands.Standing(ctx, v, a.Ref)
	if err != nil {
		return jobPage{}, err
	}
	page, err := p.jobPage(ctx, d)
	if err != nil {
		return jobPage{}, err
	}
	page.Sent, page.Refusal, page.Seen = a.Sent, a.Refusal, a.Seen
	for _, name := range now.Actions {
		page.Can[name] = true
	}
	if page.Can["undo"] {
		if page.UndoUntil, err = p.Commands.UndoUntil(ctx, v, a.Ref); err != nil {
			return jobPage{}, err
		}
		page.UndoUntil = inZone(page.UndoUntil, d)
		page.UndoLeft = p.in(ctx).span(page.UndoUntil.Sub(v.Now))
	}
	if page.MayCancel, err = p.mayCancel(ctx, d); err != nil {
		return jobPage{}, err
	}
	page.Closing = p.closing(ctx, page, now)
	if !v.OfCustomer() && len(page.Offers) > 0 {
		reasons, err := p.Commands.Reasons(ctx, v, a.Ref)
		if no := refusal(err); err != nil && (no == nil || no.Status != http.StatusForbidden) {
			return jobPage{}, err
		}
		page.Why = map[uuid.UUID][]domain.Because{}
		for _, r := range reasons {
			if r.For == commands.ForOffer {
				page.Why[r.Interpreter] = r.Trace
			}
		}
	}
	return page, nil
}

// mayCancel tells whether the customer's user finds a way to cancel here: enabled for the customer, permitted to the user, and the job not
// over. Whether the window is still open says Can.
func (p *Portal) mayCancel(ctx context.Context, d jobs.Detail) (bool, error) {
	v := viewer(ctx)
	switch d.Status {
	case domain.Requested, domain.New, domain.Assigned:
	default:
		return false, nil
	}
	if !v.OfCustomer() || !v.May(domain.MayCancel) {
		return false, nil
	}
	c, _, err := p.Queries.People.Customer(ctx, v, v.Customer)
	if err != nil {
		return false, err
	}
	return c.Settings.CancelEnabled == nil || *c.Settings.CancelEnabled, nil
}

// jobPage puts a job into the page's words. What may be done with it the caller adds.
func (p *Portal) jobPage(ctx context.Context, d jobs.Detail) (jobPage, error) {
	v := viewer(ctx)
	agency, err := p.agency(ctx)
	if err != nil {
		return jobPage{}, err
	}
	form, err := p.Queries.Settings.Booked(ctx, d.Customer.ID, d.Form, d.FormVersion, d.Fields)
	if err != nil {
		return jobPage{}, err
	}
	rel := relation(v, d)
	see := func(c access.Class) bool { return access.CanSee(v, rel, d.Remote, c) }
	page := jobPage{
		Detail: d, viewer: v, TakenByMe: d.TakenBy == v.User && v.User != uuid.Nil, Can: map[string]bool{}, Nobody: agency.Settings.Texts[people.TextNoLinguist],
		Panels: panelsOf(d, form, words{p.in(ctx), agency.Settings.Languages}, func(c access.Class) bool { return access.See(v, rel, d.Remote, c) != access.Hidden }),
		Own:    rel == access.Assigned,
		AsOf:   access.MayManage(v, access.ReadAsOf) == nil, History: access.MayManage(v, access.ReadHistory) == nil,
		Threads: v.Role != domain.Interpreter && see(access.AdminMessages), Hours: see(access.Timesheets),
		Notes: see(access.ActivityNotes) || see(access.OwnActivityNotes),
	}
	if ahead := begin(d).Sub(v.Now); v.OfCustomer() && ahead > 0 && ahead < urgentWithin {
		page.Urgent = d.Status == domain.Requested || d.Status == domain.New || d.Status == domain.Assigned
	}
	if see(access.Progress) {
		switch {
		case d.BeingWorkedOn:
			page.Message = agency.Settings.Texts[people.TextAssignerOnIt]
		case d.Status == domain.Requested:
			page.Message = p.in(ctx).say("job.unconfirmed")
		case d.Status == domain.New:
			page.Message = agency.Settings.Texts[people.TextIssuingOffers]
		}
	}
	if see(access.Offers) {
		page.Alarms = p.in(ctx).alarms(d.Flags, agency.Settings.Languages)
		page.Progress = p.in(ctx).progress(d, agency.Settings.AutoOffer, v.Now)
	}
	for i := range d.Offers {
		if v.Role == domain.Interpreter {
			page.Offer = &d.Offers[i]
		}
	}
	if d.BeingWorkedOn && d.TakenBy != uuid.Nil {
		names, err := p.Queries.People.Names(ctx, v, []uuid.UUID{d.TakenBy})
		if err != nil {
			return jobPage{}, err
		}
		page.TakenBy = names[d.TakenBy]
	}
	return page, nil
}

// urgentWithin is how soon a job starts whose customer is told whom to call.
const urgentWithin = 3 * time.Hour

// relation is how the viewer stands to a job that the viewer was just shown.
func relation(v access.Viewer, d jobs.Detail) access.Relation {
	switch {
	case v.OfCustomer():
		return access.Own
	case v.Role != domain.Interpreter:
		return access.Agency
	case d.Interpreter != nil && d.Interpreter.ID == v.Interpreter:
		return access.Assigned
	}
	for _, o := range d.Offers {
		if o.State == "open" || o.State == "accepted" {
			return access.Offered // an interpreter is shown no offers but the own
		}
	}
	return access.Former
}

// words turns values into what a person reads.
type words struct {
	*tongue
	languages []people.Language
}

func (w words) language(code string) string {
	for _, l := range w.languages {
		if strings.EqualFold(l.Code, code) {
			return l.Name
		}
	}
	return code
}

// panelsOf are the form's sections with the values of a job. A field that the viewer may read and that is empty shows a dash; one that the
// viewer may not read does not show at all.
func panelsOf(d jobs.Detail, form forms.Form, w words, see func(access.Class) bool) []panel {
	var panels []panel
	for _, s := range form.Sections {
		at := panel{Key: s.Key, Label: s.Label}
		for _, f := range form.Fields {
			if f.Section != s.Key {
				continue
			}
			if f.Core {
				at.Rows = append(at.Rows, coreRows(d, f, w, see)...)
				continue
			}
			class := access.ClassOf(f)
			if !see(class) {
				continue
			}
			r := fieldRow(f, d.Fields[f.Key], d.TimeZone)
			if class == access.AssignedNotes {
				r.Hint = w.say("job.assigned-only")
			}
			at.Rows = append(at.Rows, r)
		}
		if len(at.Rows) > 0 {
			panels = append(panels, at)
		}
	}
	return panels
}

func line(label string, values ...string) row {
	return row{Label: label, Lines: slices.DeleteFunc(values, func(s string) bool { return strings.TrimSpace(s) == "" })}
}

const whenLayout = "02/01/2006 15:04"

// coreRows are the rows of a value that every booking has, with what belongs beside it (LL-73).
func coreRows(d jobs.Detail, f forms.Field, w words, see func(access.Class) bool) []row {
	switch f.Key {
	case "location":
		if d.Remote {
			return nil
		}
		post := d.Postcode
		if post == "" {
			post = d.Outward
		}
		return []row{line(f.Label, d.Location.Name, d.Line1, d.Line2, d.Town, post)}
	case "billTo":
		if !see(access.ClassOf(f)) {
			return nil
		}
		return []row{line(f.Label, strings.Split(d.BillTo, "\n")...)}
	case "client":
		if d.Client.Name == "" {
			return nil
		}
		return []row{line(f.Label, d.Client.Name)}
	case "language":
		rows := []row{line(w.say("job.to-language"), cmp.Or(d.LanguageName, d.Language))}
		if see(access.Progress) { // how hard somebody is to find concerns who waits for that
			rows = append(rows, line(w.say("job.tier"), d.LanguageTier))
		}
		return rows
	case "alternativeLanguages":
		names := make([]string, len(d.AlternativeLanguages))
		for i, code := range d.AlternativeLanguages {
			names[i] = w.language(code)
		}
		return []row{line(f.Label, names...)}
	case "serviceType":
		return []row{line(f.Label, w.serviceName(d.ServiceType))}
	case "start":
		rows := []row{line(f.Label, d.Start.Format(whenLayout))}
		if !d.ETA.IsZero() {
			rows = append(rows, line(w.say("col.eta"), d.ETA.Format(whenLayout)))
		}
		return rows
	case "duration":
		rows := []row{line(f.Label, w.length(d.DurationMinutes))}
		if !d.CreatedAt.IsZero() {
			rows = append(rows, line(w.say("job.created"), d.CreatedAt.Format(whenLayout)))
		}
		return rows
	}
	return nil
}

// fieldRow is a value that the form adds. Local times are of the job's zone.
func fieldRow(f forms.Field, v domain.Value, zone string) row {
	r := row{Label: f.Label}
	if v.NotApplicable {
		r.Lines = []string{"N/A"}
		return r
	}
	for _, item := range v.Items {
		switch f.Kind {
		case forms.KindOption, forms.KindOptions:
			item = label(f.Options, item)
		case forms.KindDatetime:
			if m, err := domain.ParseMoment(item, zone); err == nil {
				item = m.In().Format(whenLayout)
			}
		case forms.KindMultiline:
			r.Wide = true
			r.Lines = append(r.Lines, strings.Split(item, "\n")...)
			continue
		case forms.KindEmail:
			r.Href = template.URL("mailto:" + url.PathEscape(item))
		case forms.KindTelephone:
			r.Href = template.URL("tel:" + url.PathEscape(strings.ReplaceAll(item, " ", ""))) // html/template knows no telephones
		}
		r.Lines = append(r.Lines, item)
	}
	if v.First() == domain.Erased {
		r.Href = ""
	}
	return r
}

func label(options []forms.Option, value string) string {
	for _, o := range options {
		if o.Value == value {
			return o.Label
		}
	}
	return value
}

// begin is when the job starts, as far as agreed: the ETA if there is one.
func begin(d jobs.Detail) time.Time {
	if d.ETA.IsZero() {
		return d.Start
	}
	return d.ETA
}

// inputTime is a time as an input of date and time writes it.
func inputTime(t time.Time) string { return t.Format("2006-01-02T15:04") }

// jobNow reads a job as its viewer may, for fresh.
func (p *Portal) jobNow(ctx context.Context, ref string) func() (jobs.Detail, uint64, error) {
	return func() (jobs.Detail, uint64, error) {
		d, err := p.Queries.Jobs.Get(ctx, viewer(ctx), ref)
		return d, d.Revision, err
	}
}
