package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

// set is the list of all jobs of a job's booking that the viewer may know, by start: the same on each of them (II-55).
type set struct {
	jobs.Detail
	All []jobs.Related
}

func (p *Portal) recurring(w http.ResponseWriter, r *http.Request) error {
	d, err := p.Queries.Jobs.Get(r.Context(), viewer(r.Context()), refOf(r))
	if err != nil {
		return err
	}
	self := jobs.Related{ID: d.ID, Ref: d.Ref, Status: d.Status, Outcome: d.Outcome, Start: begin(d), TimeZone: d.TimeZone}
	all := append(slices.Clone(d.Related), self)
	slices.SortFunc(all, func(a, b jobs.Related) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		return strings.Compare(a.Ref, b.Ref)
	})
	return p.render(w, r, http.StatusOK, "recurring", "set.title", set{d, all})
}

// repeatPage is the Repeat Job dialog (II-58..62): a schedule, and the days that it makes, as the server finds them.
type repeatPage struct {
	jobPage
	Key   string
	Days  []repeatDay
	Count int    // of the jobs that will be made
	Token string // of the preview that the days come from
	Fault string // why there are none
	Moves *repeatMove
}

// repeatDay is a day of the schedule. One that cannot be has no time.
type repeatDay struct {
	Date  string
	Start time.Time
	Out   bool // left out
}

// repeatMove is what becomes of the original if the schedule starts on another day than its own.
type repeatMove struct {
	From, To     time.Time
	Offers       int // sent again
	Clash        bool
	Acknowledged bool
	Asked        string // that it is to be acknowledged
}

// repeat is the dialog as it opens.
func (p *Portal) repeat(w http.ResponseWriter, r *http.Request) error {
	job, now, err := p.repeatable(w, r, asked{Ref: refOf(r)})
	if err != nil || !now {
		return err
	}
	job.Sent = url.Values{"frequency": {domain.Weekly}, "interval": {"1"}, "startsOn": {job.Start.Format(time.DateOnly)}, "ends": {"occurrences"}, "occurrences": {"4"}}
	return p.showRepeat(w, r, http.StatusOK, job, newKey(viewer(r.Context()).User))
}

// repeatable reads a job for the dialog.
func (p *Portal) repeatable(w http.ResponseWriter, r *http.Request, a asked) (job jobPage, now bool, err error) {
	if job, err = p.readJob(r.Context(), a); err != nil {
		return job, false, err
	}
	v := viewer(r.Context())
	if err := access.May(v, relation(v, job.Detail), "make-recurring"); err != nil {
		return job, false, err
	}
	if !job.Can["make-recurring"] {
		return job, false, p.notNow(w, r, actionPage{jobPage: job})
	}
	return job, true, nil
}

// showRepeat shows the dialog with the days of what was typed.
func (p *Portal) showRepeat(w http.ResponseWriter, r *http.Request, status int, job jobPage, key string) error {
	page := repeatPage{jobPage: job, Key: key}
	page.Moves = p.moveOf(r.Context(), job)
	if _, err := p.foresee(r.Context(), &page); err != nil {
		return err
	}
	return p.render(w, r, status, "repeat", "act.make-recurring", page)
}

// moveOf tells whether what was typed moves the original, and where to.
func (p *Portal) moveOf(ctx context.Context, job jobPage) *repeatMove {
	first, err := time.Parse(time.DateOnly, job.Sent.Get("startsOn"))
	if err != nil || job.Sent.Get("startsOn") == job.Start.Format(time.DateOnly) {
		return nil
	}
	at := job.Start
	m := &repeatMove{From: at, To: time.Date(first.Year(), first.Month(), first.Day(), at.Hour(), at.Minute(), 0, 0, at.Location()),
		Acknowledged: slices.Contains(job.Sent["acknowledged"], booking.MovesOriginal)}
	if no := job.Refusal; no != nil && no.Code == "acknowledgement-required" {
		m.Asked = p.in(ctx).say("repeat.acknowledge-first")
	}
	return m
}

// repeatIn reads the schedule that was typed.
func repeatIn(f url.Values, v access.Viewer) booking.MakeRecurring {
	c := booking.MakeRecurring{Frequency: f.Get("frequency"), Interval: wholeNumber(f, "interval"), StartsOn: f.Get("startsOn"), Acknowledged: []string{booking.MovesOriginal},
		ByCustomer: !v.Staff()}
	if c.Interval == nil && strings.TrimSpace(f.Get("interval")) != "" {
		c.Interval = new(int) // no number is no interval
	}
	if c.Frequency == domain.Weekly {
		c.Weekdays = f["weekdays"]
	}
	switch f.Get("ends") {
	case "until":
		c.Until = f.Get("until")
	default:
		c.Occurrences = wholeNumber(f, "occurrences")
	}
	return c
}

// foresee previews what was typed: all of its days, of which those that were ticked are left out. It answers with the wish.
func (p *Portal) foresee(ctx context.Context, page *repeatPage) (booking.MakeRecurring, error) {
	v := viewer(ctx)
	wish := repeatIn(page.Sent, v)
	ask := func(c booking.MakeRecurring) (*commands.Preview, *domain.Refusal, error) {
		req, err := repeatRequest(v, c)
		if err != nil {
			return nil, nil, err
		}
		req.Preview = true
		_, err = p.Commands.AddJobs(ctx, req, page.Ref, func(j booking.Job) (booking.Adding, error) {
			c.Job = j.ID
			return c, nil
		})
		var preview *commands.Preview
		if errors.As(err, &preview) {
			return preview, nil, nil
		}
		no := refusal(err)
		if no == nil {
			return nil, nil, fmt.Errorf("preview a set: %w", err)
		}
		return nil, no, nil
	}
	preview, no, err := ask(wish)
	if err != nil {
		return wish, err
	}
	var unfit []string
	if no != nil && onlyAt(no, "body.except") && len(no.Choices) > 0 {
		unfit = no.Choices
		without := wish
		without.Except = unfit
		if preview, _, err = ask(without); err != nil {
			return wish, err
		}
	}
	for _, date := range unfit {
		page.Days = append(page.Days, repeatDay{Date: date})
	}
	if preview != nil {
		for _, c := range preview.Changes {
			if c.Result == commands.WouldCreate {
				page.Days = append(page.Days, repeatDay{Date: c.Start.Local[:len(time.DateOnly)], Start: c.Start.In()})
			}
		}
	}
	slices.SortFunc(page.Days, func(a, b repeatDay) int { return strings.Compare(a.Date, b.Date) })
	for i, d := range page.Days {
		if slices.Contains(page.Sent["except"], d.Date) {
			page.Days[i].Out = true
			wish.Except = append(wish.Except, d.Date)
		}
	}
	if len(wish.Except) > 0 {
		if preview, no, err = ask(wish); err != nil {
			return wish, err
		}
	}
	page.say(no, preview)
	return wish, nil
}

// say tells what the last preview said.
func (page *repeatPage) say(no *domain.Refusal, preview *commands.Preview) {
	if no != nil {
		page.Fault = no.Detail
		if len(no.Errors) > 0 {
			page.Fault = no.Errors[0].Message
		}
		return
	}
	page.Token, page.Count = preview.Token, len(preview.Changes)
	for _, c := range preview.Changes {
		if c.Ref != page.Ref || page.Moves == nil {
			continue
		}
		page.Count--
		page.Moves.Offers, page.Moves.Clash = len(c.Offers), c.Clash != nil
	}
}

// onlyAt tells whether all faults of a refusal are at one location.
func onlyAt(no *domain.Refusal, location string) bool {
	return len(no.Errors) > 0 && !slices.ContainsFunc(no.Errors, func(e domain.FieldError) bool { return e.Location != location })
}

// repeatRequest is the request for a set: what is asked for is its schedule, however it was typed.
func repeatRequest(v access.Viewer, c booking.MakeRecurring) (commands.Request, error) {
	c.Job, c.Acknowledged = uuid.Nil, nil
	canonical, err := json.Marshal(c)
	if err != nil {
		return commands.Request{}, fmt.Errorf("write down a set: %w", err)
	}
	return commands.Request{Viewer: v, Name: "make-recurring", At: v.Now, Canonical: canonical}, nil
}

// doRepeat makes the set, or with "show" says what it would be. A set that was previewed is made as it was shown, or not at all.
func (p *Portal) doRepeat(w http.ResponseWriter, r *http.Request) error {
	sent, err := p.request(r, "make-recurring")
	if err != nil {
		return err
	}
	job, now, err := p.repeatable(w, r, asked{Ref: refOf(r), Sent: r.PostForm})
	if err != nil || !now {
		return err
	}
	key := r.PostForm.Get(fieldKey)
	if r.PostForm.Has("show") {
		return p.showRepeat(w, r, http.StatusOK, job, key)
	}
	page := repeatPage{jobPage: job}
	wish, err := p.foresee(r.Context(), &page)
	if err != nil {
		return err
	}
	req, err := repeatRequest(sent.Viewer, wish)
	if err != nil {
		return err
	}
	req.CommandID, req.IfMatch, req.Previewed = sent.CommandID, sent.IfMatch, r.PostForm.Get("previewed")
	wish.Acknowledged = r.PostForm["acknowledged"]
	made, err := p.Commands.AddJobs(r.Context(), req, job.Ref, func(j booking.Job) (booking.Adding, error) {
		c := wish
		c.Job = j.ID
		return c, nil
	})
	no := refusal(err)
	switch {
	case no == nil && err != nil:
		return err
	case no == nil:
		return p.made(w, r, job.Ref, made.Position)
	case no.Code == "idempotency-key-reused": // that set was made: this is another one
		key = newKey(sent.Viewer.User)
		no = &domain.Refusal{Code: no.Code, Status: no.Status, Detail: p.in(r.Context()).say("repeat.again")}
	case no.Code == "stale-revision":
		if err := p.told(r.Context(), job.Ref, *req.IfMatch, no); err != nil {
			return err
		}
		if job, now, err = p.repeatable(w, r, asked{Ref: refOf(r), Sent: r.PostForm}); err != nil || !now {
			return err
		}
	}
	job.Refusal = no
	return p.showRepeat(w, r, no.Status, job, key)
}

// made leads to the set.
func (p *Portal) made(w http.ResponseWriter, r *http.Request, ref string, at eventschema.Position) error {
	return p.done(w, r, jobPath(ref)+"/recurring", "make-recurring", at)
}
