package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
)

// action is a command about a job as the portal offers it. Its form posts to /jobs/{ref}/{command}; a refused one is shown again by show,
// with what was typed, and an accepted one leads to the page that shows what became of it.
type action struct {
	build func(v access.Viewer, job uuid.UUID, f url.Values) (booking.Command, error)
	// show is the page that holds the form; nil: a button on the job's page.
	show func(p *Portal, w http.ResponseWriter, r *http.Request, status int, a asked) error
	// asks: the page is served under the command's name too.
	asks bool
	// to is the page under the job's that shows the result; empty: the job's.
	to string
}

// actions are the commands of the portal's job pages; who may send which says Commands.Actions. Editing has a page of its own.
var actions = map[string]action{
	"confirm": {build: func(_ access.Viewer, job uuid.UUID, _ url.Values) (booking.Command, error) {
		return booking.Confirm{Job: job}, nil
	}},
	"take": {build: func(_ access.Viewer, job uuid.UUID, _ url.Values) (booking.Command, error) {
		return booking.Take{Job: job}, nil
	}},
	"release": {build: func(_ access.Viewer, job uuid.UUID, _ url.Values) (booking.Command, error) {
		return booking.LetGo{Job: job}, nil
	}},
	"send-offer": {asks: true, show: (*Portal).showChoice, build: func(_ access.Viewer, job uuid.UUID, f url.Values) (booking.Command, error) {
		who, err := interpretersIn(f)
		return booking.SendOffer{Job: job, Interpreters: who, ProposedStart: localTime(f, "proposedStart", 0), Override: f.Get("override")}, err
	}},
	"revoke-offer": {build: func(_ access.Viewer, job uuid.UUID, f url.Values) (booking.Command, error) {
		who, err := interpreterIn(f)
		return booking.RevokeOffer{Job: job, Interpreter: who}, err
	}},
	"accept-offer": {asks: true, show: (*Portal).showAnswer, build: func(v access.Viewer, job uuid.UUID, f url.Values) (booking.Command, error) {
		who, err := selfOr(v, f)
		return booking.AcceptOffer{Job: job, Interpreter: who, ByStaff: v.Staff(), ProposedStart: localTime(f, "proposedStart", 0), Reason: f.Get("reason")}, err
	}},
	"decline-offer": {asks: true, show: (*Portal).showAnswer, build: func(v access.Viewer, job uuid.UUID, f url.Values) (booking.Command, error) {
		who, err := selfOr(v, f)
		return booking.DeclineOffer{Job: job, Interpreter: who, ByStaff: v.Staff(), Reason: f.Get("reason")}, err
	}},
	"counter-offer": {asks: true, show: (*Portal).showAnswer, build: func(v access.Viewer, job uuid.UUID, f url.Values) (booking.Command, error) {
		c := booking.CounterOffer{Job: job, Interpreter: v.Interpreter, ProposedStart: localTime(f, "proposedStart", 0), Reason: f.Get("reason")}
		if amount := strings.TrimSpace(f.Get("fee.amount")); amount != "" {
			c.Fee = &booking.MoneyIn{Amount: amount}
		}
		return c, nil
	}},
	"answer-counter": {build: func(_ access.Viewer, job uuid.UUID, f url.Values) (booking.Command, error) {
		who, err := interpreterIn(f)
		return booking.AnswerCounter{Job: job, Interpreter: who, Accept: f.Get("accept") == "yes"}, err
	}},
	"assign": {asks: true, show: (*Portal).showChoice, build: func(_ access.Viewer, job uuid.UUID, f url.Values) (booking.Command, error) {
		who, err := interpreterIn(f)
		return booking.Assign{Job: job, Interpreter: who, Override: f.Get("override")}, err
	}},
	"unassign": {asks: true, show: (*Portal).showForm, build: func(v access.Viewer, job uuid.UUID, f url.Values) (booking.Command, error) {
		who, err := selfOr(v, f)
		return booking.Unassign{Job: job, Interpreter: who, Reason: f.Get("reason")}, err
	}},
	"propose-eta": {asks: true, show: (*Portal).showForm, build: func(_ access.Viewer, job uuid.UUID, f url.Values) (booking.Command, error) {
		return booking.ProposeEta{Job: job, ETA: localTime(f, "eta", 0)}, nil
	}},
	"agree-eta": {build: func(_ access.Viewer, job uuid.UUID, _ url.Values) (booking.Command, error) {
		return booking.AgreeEta{Job: job}, nil
	}},
	"decline-eta": {build: func(_ access.Viewer, job uuid.UUID, _ url.Values) (booking.Command, error) {
		return booking.DeclineEta{Job: job}, nil
	}},
	"change-eta": {asks: true, show: (*Portal).showForm, build: func(_ access.Viewer, job uuid.UUID, f url.Values) (booking.Command, error) {
		return booking.ChangeEta{Job: job, ETA: localTime(f, "eta", 0), AgreedBy: f.Get("agreedBy")}, nil
	}},
	"submit-timesheet": {show: (*Portal).showTimesheet, to: "/timesheet", build: func(v access.Viewer, job uuid.UUID, f url.Values) (booking.Command, error) {
		side, err := sideIn(v, f)
		return booking.SubmitTimesheet{Job: job, Side: side, Blocks: blocksIn(f, "blocks"), Incidentals: incidentalsIn(f)}, err
	}},
	"accept-timesheet": {show: (*Portal).showTimesheet, to: "/timesheet", build: func(v access.Viewer, job uuid.UUID, f url.Values) (booking.Command, error) {
		side, err := sideIn(v, f)
		return booking.AcceptTimesheet{Job: job, Side: side}, err
	}},
	"dispute-timesheet": {show: (*Portal).showTimesheet, to: "/timesheet", build: func(v access.Viewer, job uuid.UUID, f url.Values) (booking.Command, error) {
		side, err := sideIn(v, f)
		return booking.DisputeTimesheet{Job: job, Side: side, Reason: f.Get("reason"), Blocks: blocksIn(f, "blocks")}, err
	}},
	"close": {asks: true, show: (*Portal).showClose, build: func(v access.Viewer, job uuid.UUID, f url.Values) (booking.Command, error) {
		side := booking.Side("")
		if !v.Staff() {
			side, _ = sideIn(v, f) // never fails for a side
		}
		return booking.Close{Job: job, Side: side, Start: localTime(f, "start", 0), End: localTime(f, "end", 0), Incidentals: incidentalsIn(f),
			Outcome: domain.Outcome(f.Get("outcome")), Reason: f.Get("reason")}, nil
	}},
	"cancel": {asks: true, show: (*Portal).showCancel, build: func(v access.Viewer, job uuid.UUID, f url.Values) (booking.Command, error) {
		return booking.Cancel{Job: job, Scope: f.Get("scope"), Except: f["except"], Reason: f.Get("reason"), AuthorisedBy: f.Get("authorisedBy"), Details: f.Get("details"),
			ByCustomer: !v.Staff()}, nil
	}},
	"undo": {build: func(_ access.Viewer, job uuid.UUID, _ url.Values) (booking.Command, error) {
		return booking.Undo{Job: job}, nil
	}},
	"post-message": {show: (*Portal).showMessages, to: "/messages", build: func(_ access.Viewer, job uuid.UUID, f url.Values) (booking.Command, error) {
		return booking.PostMessage{Job: job, Text: f.Get("text")}, nil
	}},
	"log-contact": {asks: true, show: (*Portal).showForm, build: func(_ access.Viewer, job uuid.UUID, f url.Values) (booking.Command, error) {
		next, err := minutesIn(f)
		return booking.LogContact{Job: job, Kind: f.Get("kind"), Text: f.Get("text"), NextUpdateMinutes: next}, err
	}},
}

// actionRoutes are the forms of all commands about a job.
func (p *Portal) actionRoutes(r chi.Router) {
	for name, a := range actions {
		if a.show == nil {
			a.show = (*Portal).showJob
		}
		r.Post("/jobs/{ref}/"+name, p.page(p.send(name, a)))
		if a.asks {
			r.Get("/jobs/{ref}/"+name, p.page(func(w http.ResponseWriter, r *http.Request) error {
				return a.show(p, w, r, http.StatusOK, asked{Ref: refOf(r), Sent: r.URL.Query()})
			}))
		}
	}
	r.Post("/jobs/{ref}/continue", p.page(p.continueJob))
}

// send carries out a posted command.
func (p *Portal) send(name string, a action) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		ref := refOf(r)
		req, err := p.request(r, name)
		if err != nil {
			return err
		}
		if r.PostForm.Has("more") { // not a command: the grid wants more rows
			return a.show(p, w, r, http.StatusOK, asked{Ref: ref, Sent: r.PostForm})
		}
		answer, err := p.Commands.Job(r.Context(), req, ref, func(job booking.Job) (booking.Command, error) {
			return a.build(req.Viewer, job.ID, r.PostForm)
		})
		if shown := seenIn(err, name, "do."+name+"-all", r.PostForm); shown != nil {
			status := http.StatusOK
			if shown.Stale {
				status = http.StatusPreconditionFailed
			}
			return a.show(p, w, r, status, asked{Ref: ref, Sent: r.PostForm, Seen: shown})
		}
		if no := refusal(err); no != nil {
			return p.refused(w, r, a, asked{Ref: ref, Sent: r.PostForm, Refusal: no})
		}
		if err != nil {
			return err
		}
		to := jobPath(ref) + a.to
		if len(answer.Warnings) > 0 {
			to += "?warn=" + url.QueryEscape(answer.Warnings[0].Code)
		}
		return p.done(w, r, to, name, answer.Position)
	}
}

// refused shows a form again. Of a job that has moved on it shows what the job is now, so that sending again is decided on that.
func (p *Portal) refused(w http.ResponseWriter, r *http.Request, a action, form asked) error {
	if form.Refusal.Status == http.StatusPreconditionFailed {
		seen, _ := strconv.ParseUint(form.Sent.Get(fieldRevision), 10, 64) // it was read before
		if err := p.told(r.Context(), form.Ref, seen, form.Refusal); err != nil {
			return err
		}
	}
	return a.show(p, w, r, form.Refusal.Status, form)
}

// told waits until a job is shown as it became after what was seen, and says who changed it meanwhile, as far as the viewer may know the names,
// and when by the job's own clocks.
func (p *Portal) told(ctx context.Context, ref string, seen uint64, no *domain.Refusal) error {
	d, _, err := fresh(ctx, seen, p.jobNow(ctx, ref))
	if err != nil {
		return err
	}
	return p.nameChanges(ctx, no, func(at time.Time) time.Time { return inZone(at, d) })
}

// actionPage is the page of one command's form.
type actionPage struct {
	jobPage
	Command string
	Reasons []string // the agency's for this command: offered, not demanded
}

// Title is the key of the page's heading: an interpreter gives the own job back and answers for oneself, staff do it for somebody.
func (page actionPage) Title() string {
	switch {
	case page.Command == "unassign" && page.Own:
		return "act.unassign-self"
	case page.viewer.Staff() && (page.Command == "accept-offer" || page.Command == "decline-offer"):
		return "act." + page.Command + "-for"
	}
	return "act." + page.Command
}

// Do is the key of what its button says.
func (page actionPage) Do() string {
	if page.Command == "unassign" && page.Own {
		return "do.unassign-self"
	}
	return "do." + page.Command
}

// reasonsOf are the lists in the agency's settings that reasons come from.
var reasonsOf = map[string]string{"decline-offer": people.ReasonDecline, "unassign": people.ReasonUnassign, "close": people.ReasonUnfulfilled}

// showForm is the page of a command that asks for a few values.
func (p *Portal) showForm(w http.ResponseWriter, r *http.Request, status int, a asked) error {
	page, err := p.actionPage(r, a)
	if err != nil {
		return err
	}
	if !page.Can[page.Command] && a.Refusal == nil {
		return p.notNow(w, r, page)
	}
	if _, sent := page.Sent["eta"]; !sent {
		page.Sent.Set("eta", inputTime(begin(page.Detail)))
	}
	return p.render(w, r, status, "action", page.Title(), page)
}

// actionPage reads what the page of a command shows.
func (p *Portal) actionPage(r *http.Request, a asked) (actionPage, error) {
	job, err := p.readJob(r.Context(), a)
	if err != nil {
		return actionPage{}, err
	}
	name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if err := access.May(viewer(r.Context()), relation(viewer(r.Context()), job.Detail), name); err != nil {
		return actionPage{}, err
	}
	agency, err := p.agency(r.Context())
	if err != nil {
		return actionPage{}, err
	}
	page := actionPage{jobPage: job, Command: name}
	if page.Sent == nil {
		page.Sent = url.Values{}
	}
	for _, reason := range agency.Settings.Reasons[reasonsOf[name]] {
		page.Reasons = append(page.Reasons, reason.Label)
	}
	return page, nil
}

// notNow is the answer to whoever opens a form that the job is not open for: the job, and that it has moved on.
func (p *Portal) notNow(w http.ResponseWriter, r *http.Request, page actionPage) error {
	page.Refusal = domain.Conflict("wrong-status", "%s", p.in(r.Context()).say("act.not-now"))
	return p.render(w, r, http.StatusConflict, "job", " "+page.Ref, page.jobPage)
}

// Values of forms. Names are those of the HTTP contract's bodies; what is nested or listed has its path as its name, once for every item.

// localTime is the i-th local time of a name, with the offset that was chosen for one that occurs twice.
func localTime(f url.Values, name string, i int) string {
	at := nth(f[name], i)
	if at == "" {
		return ""
	}
	return at + nth(f[name+".offset"], i)
}

func nth(list []string, i int) string {
	if i >= len(list) {
		return ""
	}
	return strings.TrimSpace(list[i])
}

func interpreterIn(f url.Values) (uuid.UUID, error) {
	return parseInterpreter(f.Get("interpreter"), "body.interpreter")
}

func interpretersIn(f url.Values) ([]uuid.UUID, error) {
	var list []uuid.UUID
	for i, s := range f["interpreters"] {
		id, err := parseInterpreter(s, fmt.Sprintf("body.interpreters[%d]", i))
		if err != nil {
			return nil, err
		}
		list = append(list, id)
	}
	return list, nil
}

// parseInterpreter reads an id or a LIN.
func parseInterpreter(s, location string) (uuid.UUID, error) {
	if strings.TrimSpace(s) == "" {
		return uuid.Nil, domain.Invalid(domain.FieldError{Location: location, Message: "fault.interpreter"})
	}
	if id, err := uuid.Parse(s); err == nil {
		return id, nil
	}
	return domain.InterpreterID(s), nil
}

// selfOr is the interpreter who asks, or for staff the one chosen.
func selfOr(v access.Viewer, f url.Values) (uuid.UUID, error) {
	if v.Role == domain.Interpreter {
		return v.Interpreter, nil
	}
	return interpreterIn(f)
}

// sideIn is the side that the viewer speaks for; staff choose.
func sideIn(v access.Viewer, f url.Values) (booking.Side, error) {
	switch side := booking.Side(f.Get("onBehalfOf")); {
	case v.Role == domain.Interpreter:
		return booking.InterpreterSide, nil
	case v.OfCustomer():
		return booking.CustomerSide, nil
	case side == booking.CustomerSide, side == booking.InterpreterSide:
		return side, nil
	}
	return "", domain.Invalid(domain.FieldError{Location: "body.onBehalfOf", Message: "fault.for-whom"})
}

// blocksIn are the rows of a grid of hours that hold something.
func blocksIn(f url.Values, name string) []booking.BlockIn {
	var blocks []booking.BlockIn
	for i := range max(len(f[name+".start"]), len(f[name+".end"])) {
		b := booking.BlockIn{Start: localTime(f, name+".start", i), End: localTime(f, name+".end", i)}
		if b != (booking.BlockIn{}) {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// incidentalsIn are the lines of further costs that hold something.
func incidentalsIn(f url.Values) []booking.IncidentalIn {
	var list []booking.IncidentalIn
	for i := range f["incidentals.kind"] {
		line := booking.IncidentalIn{Kind: nth(f["incidentals.kind"], i), Quantity: nth(f["incidentals.quantity"], i), Note: nth(f["incidentals.note"], i)}
		amount := nth(f["incidentals.amount"], i)
		if line == (booking.IncidentalIn{}) && amount == "" {
			continue
		}
		if amount != "" {
			line.Amount = &booking.MoneyIn{Amount: amount, Currency: f.Get("currency")}
		}
		list = append(list, line)
	}
	return list
}

func minutesIn(f url.Values) (int, error) {
	s := strings.TrimSpace(f.Get("nextUpdateMinutes"))
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, domain.Invalid(domain.FieldError{Location: "body.nextUpdateMinutes", Message: "fault.minutes"})
	}
	return n, nil
}
