package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections/history"
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

// historyPage is every event of a job for the auditor: what it means beside the bytes that lie in the log.
type historyPage struct {
	Job     jobs.Detail
	Events  []eventView
	Moments *moments
}

// eventView is one event in words.
type eventView struct {
	history.Entry
	Words    string
	Who      string    // name of who did it, or the role alone
	For      string    // on whose behalf
	When     time.Time // business time in the job's zone
	Recorded time.Time // machine time in the job's zone
	Place    string    // position in the log
	Meaning  []fact
	Bytes    string // the stored JSON, indented
	AsOf     string // address of the job as it stood then
}

// fact is one value of an event: where it stands in its data, and what it is.
type fact struct{ Path, Value string }

// moments are the times at which something happened to a job, oldest first, and which of them is looked at.
type moments struct {
	Path  string // of the job's page
	List  []moment
	Index int       // of the moment looked at; -1: before the first, or the job of now
	At    time.Time // zero: the job of now
}

type moment struct {
	At    time.Time
	Words []string // what happened then
	Href  string
}

// Prev and Next are the neighbours of the moment looked at; none: nil.
func (m *moments) Prev() *moment { return m.at(m.Index - 1) }
func (m *moments) Next() *moment { return m.at(m.Index + 1) }

// Last is the index of the newest moment.
func (m *moments) Last() int { return len(m.List) - 1 }

func (m *moments) at(i int) *moment {
	if i < 0 || i >= len(m.List) {
		return nil
	}
	return &m.List[i]
}

// history is the page of a job's events.
func (p *Portal) history(w http.ResponseWriter, r *http.Request) error {
	v := viewer(r.Context())
	if err := access.MayManage(v, access.ReadHistory); err != nil {
		return err
	}
	d, err := p.Queries.Jobs.Get(r.Context(), v, refOf(r))
	if err != nil {
		return err
	}
	entries, err := p.Queries.History.Job(r.Context(), v, d.Ref)
	if err != nil {
		return err
	}
	page := historyPage{Job: d, Moments: momentsOf(p.in(r.Context()), entries, d)}
	page.Moments.Index = page.Moments.Last()
	users := make([]uuid.UUID, 0, len(entries))
	for _, e := range entries {
		users = append(users, e.Actor.ID)
	}
	names, err := p.Queries.People.Names(r.Context(), v, users)
	if err != nil {
		return err
	}
	for _, e := range entries {
		view, err := p.eventView(r.Context(), e, d, names)
		if err != nil {
			return err
		}
		page.Events = append(page.Events, view)
	}
	return p.render(w, r, http.StatusOK, "history", "history.title", page)
}

func (p *Portal) eventView(ctx context.Context, e history.Entry, d jobs.Detail, names map[uuid.UUID]string) (eventView, error) {
	view := eventView{Entry: e, Words: p.in(ctx).eventWords(e.Type), Who: names[e.Actor.ID], When: inZone(e.At, d), Recorded: inZone(e.RecordedAt, d),
		Place: formatPosition(e.Position), AsOf: asOfPath(d.Ref, e.At)}
	if e.Actor.ActingFor != uuid.Nil {
		i, found, err := p.Queries.People.Interpreter(ctx, viewer(ctx), e.Actor.ActingFor)
		if err != nil {
			return view, err
		}
		if view.For = e.Actor.ActingFor.String(); found {
			view.For = i.Name + " " + i.LIN
		}
	}
	var data any
	decode := json.NewDecoder(bytes.NewReader(e.Data))
	decode.UseNumber()
	if err := decode.Decode(&data); err != nil {
		return view, fmt.Errorf("read event %d of job %s: %w", e.Number, d.Ref, err)
	}
	view.Meaning = factsOf("", data)
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, e.Stored, "", "  "); err != nil {
		return view, fmt.Errorf("print event %d of job %s: %w", e.Number, d.Ref, err)
	}
	view.Bytes = pretty.String()
	return view, nil
}

// factsOf lists every value of an event's data with its path.
func factsOf(path string, value any) []fact {
	switch v := value.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		var out []fact
		for _, k := range keys {
			out = append(out, factsOf(strings.TrimPrefix(path+"."+k, "."), v[k])...)
		}
		return out
	case []any:
		var out []fact
		for i, item := range v {
			out = append(out, factsOf(fmt.Sprintf("%s[%d]", path, i), item)...)
		}
		return out
	case nil:
		return nil
	default:
		return []fact{{path, fmt.Sprint(v)}}
	}
}

// eventWords says what a stored type is about; a type without words of its own is read out.
func (s *tongue) eventWords(stored string) string {
	name := stored
	if parts := strings.Split(stored, "."); len(parts) == 3 {
		name = parts[1]
	}
	if text, err := s.text("event." + name); err == nil {
		return text
	}
	return strings.ReplaceAll(name, "-", " ")
}

func inZone(t time.Time, d jobs.Detail) time.Time {
	return domain.Moment{Instant: t, Zone: d.TimeZone}.In()
}

func asOfPath(ref string, t time.Time) string {
	return jobPath(ref) + "?asOf=" + url.QueryEscape(t.UTC().Format(asOfLayout))
}

// momentsOf are the times of a job's events.
func momentsOf(s *tongue, entries []history.Entry, d jobs.Detail) *moments {
	m := &moments{Path: jobPath(d.Ref), Index: -1}
	for _, e := range entries {
		m.add(e.At, s.eventWords(e.Type), d)
	}
	m.sort()
	return m
}

func (m *moments) add(at time.Time, words string, d jobs.Detail) {
	if i := slices.IndexFunc(m.List, func(o moment) bool { return o.At.Equal(at) }); i >= 0 {
		m.List[i].Words = append(m.List[i].Words, words)
		return
	}
	m.List = append(m.List, moment{inZone(at, d), []string{words}, asOfPath(d.Ref, at)})
}

func (m *moments) sort() {
	slices.SortStableFunc(m.List, func(a, b moment) int { return a.At.Compare(b.At) })
}

// moments are the times at which something happened to a job: for the auditor those of its events, for staff those of its notes.
func (p *Portal) moments(ctx context.Context, d jobs.Detail) (*moments, error) {
	v := viewer(ctx)
	if access.MayManage(v, access.ReadHistory) == nil {
		entries, err := p.Queries.History.Job(ctx, v, d.Ref)
		return momentsOf(p.in(ctx), entries, d), err
	}
	notes, err := p.Queries.Activity.Notes(ctx, v, d.Ref)
	if err != nil {
		return nil, err
	}
	m := &moments{Path: jobPath(d.Ref), Index: -1}
	for i := range notes { // newest first, as notes are read
		n := notes[len(notes)-1-i]
		m.add(n.At, n.Text, d)
	}
	m.sort()
	return m, nil
}

// jobAsOf shows a job as it stood at a moment, to staff and auditors. The slider sends the number of a moment, which leads to its time.
func (p *Portal) jobAsOf(w http.ResponseWriter, r *http.Request) error {
	v := viewer(r.Context())
	if err := access.MayManage(v, access.ReadAsOf); err != nil {
		return err
	}
	now, err := p.Queries.Jobs.Get(r.Context(), v, refOf(r))
	if err != nil {
		return err
	}
	m, err := p.moments(r.Context(), now)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	if q.Has("moment") {
		i, err := strconv.Atoi(q.Get("moment"))
		to := m.at(i)
		if err != nil || to == nil {
			return notFound()
		}
		http.Redirect(w, r, to.Href, http.StatusSeeOther)
		return nil
	}
	if m.At, err = time.Parse(asOfLayout, q.Get("asOf")); err != nil {
		return domain.Invalid(domain.FieldError{Location: "query.asOf", Message: "fault.moment"})
	}
	m.At = inZone(m.At, now)
	for i, o := range m.List {
		if !o.At.After(m.At) {
			m.Index = i
		}
	}
	d, err := p.Queries.History.JobAsOf(r.Context(), v, now.Ref, m.At)
	if err != nil {
		return err
	}
	page, err := p.jobPage(r.Context(), d)
	if err != nil {
		return err
	}
	page.Moments = m
	return p.render(w, r, http.StatusOK, "job", " "+page.Ref, page)
}
