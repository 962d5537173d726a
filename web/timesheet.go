package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/projections/jobs"
	"github.com/dragoman-booking/dragoman/projections/settings"
)

// gridRows is how many pairs of start and end the grid has at least (LL-121), and how many more each press adds.
const gridRows = 7

// timesheetPage is the hours of a job: entering them, answering them, reading them (LL-121..124).
type timesheetPage struct {
	jobPage
	Grid     []gridRow
	Lines    []gridLine
	Kinds    []settings.Incidental
	Currency string
	Staff    bool            // who speaks for one side, and says for which
	Waiting  *jobs.Timesheet // hours that wait for the viewer's answer
	Answers  string          // the side that is asked
	Others   []jobs.Timesheet
	// Continue is the form that puts the hours after a long break into a job of their own; empty: not needed (LL-124).
	Continue []hidden
}

// gridRow is a pair of start and end as typed. An offset was chosen for a time that occurs twice. Spare rows come after the first empty one: a
// phone shows them one at a time.
type gridRow struct {
	Start, StartOffset, End, EndOffset string
	Spare                              bool
}

// gridLine is a further cost as typed.
type gridLine struct{ Kind, Quantity, Amount, Note string }

// timesheet is the page of a job's hours.
func (p *Portal) timesheet(w http.ResponseWriter, r *http.Request) error {
	return p.showTimesheet(w, r, http.StatusOK, asked{Ref: refOf(r)})
}

func (p *Portal) showTimesheet(w http.ResponseWriter, r *http.Request, status int, a asked) error {
	job, err := p.readJob(r.Context(), a)
	if err != nil {
		return err
	}
	if !job.Hours {
		return domain.Forbidden("not-permitted", "%s", p.in(r.Context()).say("sheet.not-yours"))
	}
	page := timesheetPage{jobPage: job, Staff: viewer(r.Context()).Staff()}
	if page.Sent == nil {
		page.Sent = url.Values{}
	}
	if page.Kinds, page.Currency, err = p.Queries.Settings.Incidentals(r.Context()); err != nil {
		return err
	}
	page.Grid, page.Lines = gridOf(page.Detail, page.Sent), linesOf(page.Sent)
	for i, t := range page.Timesheets {
		if page.Can["accept-timesheet"] && (t.State == "submitted" || t.State == "disputed") {
			page.Waiting, page.Answers = &page.Timesheets[i], other(t.Side)
			continue
		}
		page.Others = append(page.Others, t)
	}
	if a.Refusal != nil && a.Refusal.Code == "break-too-long" && page.Can["continue"] {
		if page.Continue, page.Refusal, err = continuation(a); err != nil {
			return err
		}
	}
	return p.render(w, r, status, "timesheet", "sheet.title", page)
}

// other is the side that answers hours of a side.
func other(side string) string {
	if side == string(booking.CustomerSide) {
		return string(booking.InterpreterSide)
	}
	return string(booking.CustomerSide)
}

// gridOf are the rows of the grid: what was typed, else the booked times in the first (LL-122), and empty ones after that. Rows that hold
// something come first, so that a refusal's number of a block is that of its row.
func gridOf(d jobs.Detail, sent url.Values) []gridRow {
	var rows []gridRow
	for i := range max(len(sent["blocks.start"]), len(sent["blocks.end"])) {
		row := gridRow{Start: nth(sent["blocks.start"], i), StartOffset: nth(sent["blocks.start.offset"], i), End: nth(sent["blocks.end"], i), EndOffset: nth(sent["blocks.end.offset"], i)}
		if row.Start != "" || row.End != "" {
			rows = append(rows, row)
		}
	}
	if !sent.Has("blocks.start") {
		rows = []gridRow{{Start: inputTime(begin(d)), End: inputTime(d.End)}}
	}
	want := max(gridRows, len(sent["blocks.start"]))
	if sent.Has("more") {
		want += gridRows
	}
	for filled := len(rows); len(rows) < want; {
		rows = append(rows, gridRow{Spare: len(rows) > filled})
	}
	return rows
}

// linesOf are the lines of further costs: what was typed, and three in all at least.
func linesOf(sent url.Values) []gridLine {
	var lines []gridLine
	for i := range sent["incidentals.kind"] {
		line := gridLine{nth(sent["incidentals.kind"], i), nth(sent["incidentals.quantity"], i), nth(sent["incidentals.amount"], i), nth(sent["incidentals.note"], i)}
		if line != (gridLine{}) {
			lines = append(lines, line)
		}
	}
	return append(lines, make([]gridLine, max(1, 3-len(lines)))...)
}

// continuation makes of a refusal for a long break the form that submits the hours before the break and puts the later ones into a job of
// their own. The refusal's own ready command holds the later ones alone.
func continuation(a asked) ([]hidden, *domain.Refusal, error) {
	no := *a.Refusal
	var form []hidden
	for _, ready := range no.Actions {
		if ready.Command != "continue" {
			continue
		}
		var err error
		if form, err = readyForm(ready); err != nil {
			return nil, nil, err
		}
	}
	no.Actions = nil
	all := blocksIn(a.Sent, "blocks")
	for _, b := range all[:max(0, len(all)-len(form)/2)] {
		form = append(form, hidden{"earlier.start", b.Start}, hidden{"earlier.end", b.End})
	}
	for _, name := range []string{"incidentals.kind", "incidentals.quantity", "incidentals.amount", "incidentals.note", "currency", "onBehalfOf", fieldRevision} {
		for _, value := range a.Sent[name] {
			form = append(form, hidden{name, value})
		}
	}
	return form, &no, nil
}

// continueJob submits the hours before a long break, if the form holds any, and makes a job of the same booking for those after it, or one
// for each part between two long breaks (LL-124). Each step has a command id of its own under the form's key, so pressing twice does each once.
func (p *Portal) continueJob(w http.ResponseWriter, r *http.Request) error {
	ref := refOf(r)
	req, err := p.request(r, "continue")
	if err != nil {
		return err
	}
	v, key := req.Viewer, r.PostForm.Get(fieldKey)
	show := action{show: (*Portal).showTimesheet}
	if earlier := blocksIn(r.PostForm, "earlier"); len(earlier) > 0 {
		hours := req
		hours.Name, hours.CommandID = "submit-timesheet", commands.CommandID(v.User, r.Method, r.URL.Path+"/hours", key)
		_, err := p.Commands.Job(r.Context(), hours, ref, func(job booking.Job) (booking.Command, error) {
			side, err := sideIn(v, r.PostForm)
			return booking.SubmitTimesheet{Job: job.ID, Side: side, Blocks: earlier, Incidentals: incidentalsIn(r.PostForm)}, err
		})
		if no := refusal(err); no != nil {
			return p.refused(w, r, show, asked{Ref: ref, Sent: together(r.PostForm), Refusal: no})
		}
		if err != nil {
			return err
		}
		req.IfMatch = nil // that was this form's own change
	}
	d, err := p.Queries.Jobs.Get(r.Context(), v, ref)
	if err != nil {
		return err
	}
	from, answer := ref, commands.BookingAnswer{}
	for i, part := range parts(blocksIn(r.PostForm, "blocks"), d.TimeZone) {
		if i > 0 {
			req.IfMatch, req.CommandID = nil, commands.CommandID(v.User, r.Method, r.URL.Path+"/"+strconv.Itoa(i), key)
		}
		answer, err = p.Commands.Continue(r.Context(), req, from, func(job booking.Job) (booking.Continue, error) {
			side, err := sideIn(v, r.PostForm)
			return booking.Continue{Job: job.ID, Blocks: part, Side: side, Overrides: booking.Edit{Job: job.ID, ByCustomer: !v.Staff()}}, err
		})
		if no := refusal(err); no != nil {
			no.Actions = nil
			return p.refused(w, r, show, asked{Ref: ref, Sent: r.PostForm, Refusal: no})
		}
		if err != nil {
			return err
		}
		if len(answer.Jobs) > 0 {
			from = answer.Jobs[0].Ref
		}
	}
	return p.done(w, r, jobPath(from), "continue", answer.Position)
}

// together puts the hours before and after a break back into one grid.
func together(f url.Values) url.Values {
	out := url.Values{}
	for name, values := range f {
		out[name] = values
	}
	out["blocks.start"] = slices.Concat(f["earlier.start"], f["blocks.start"])
	out["blocks.end"] = slices.Concat(f["earlier.end"], f["blocks.end"])
	return out
}

// parts cuts blocks at every break that is longer than one job may have. Times that cannot be read stay where they are: the command says so.
func parts(blocks []booking.BlockIn, zone string) [][]booking.BlockIn {
	cut := [][]booking.BlockIn{{}}
	for i, b := range blocks {
		if i > 0 {
			end, err1 := domain.ParseMoment(blocks[i-1].End, zone)
			start, err2 := domain.ParseMoment(b.Start, zone)
			if err1 == nil && err2 == nil && start.Instant.Sub(end.Instant) > booking.LongestBreak {
				cut = append(cut, nil)
			}
		}
		cut[len(cut)-1] = append(cut[len(cut)-1], b)
	}
	return cut
}
