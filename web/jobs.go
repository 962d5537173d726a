package web

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

// pageSize is how many rows a list shows at once (LL-119).
const pageSize = 30

// jobTable is a table of jobs. A row opens its job (LL-118).
type jobTable struct {
	Caption string // key of a text
	Columns []jobColumn
	Rows    []jobs.Item
	Zone    string // the viewer's
	Sort    string
	Actions bool // every row has its menu of actions (II-25)

	viewer access.Viewer
	path   string
	query  url.Values // what the table was asked for with
}

// Sortable tells whether the table's headers sort it, and this one does.
func (t jobTable) Sortable(column string) bool {
	return t.path != "" && sortable(t.viewer, column)
}

// SortHref is where a header leads: the same table, sorted by it, or the other way round if it is.
func (t jobTable) SortHref(column string) string {
	q := url.Values{"sort": {column}}
	if t.Sort == column {
		q.Set("sort", "-"+column)
	}
	for name, values := range t.query {
		if name != "sort" && name != "page" {
			q[name] = values
		}
	}
	return t.path + "?" + q.Encode()
}

// Sorted says how the table is sorted by a column, in the words of aria-sort; empty: not.
func (t jobTable) Sorted(column string) string {
	switch t.Sort {
	case column:
		return "ascending"
	case "-" + column:
		return "descending"
	}
	return ""
}

// Span is how many cells a row has.
func (t jobTable) Span() int {
	if t.Actions {
		return len(t.Columns) + 1
	}
	return len(t.Columns)
}

// Query is what the table was asked for with, as an address has it.
func (t jobTable) Query() string { return t.query.Encode() }

// pager is which part of a list a page shows: Displaying 1 to 30 of 98. (LL-119).
type pager struct {
	First, Last, Total int
	Prev, Next         string // empty: there is none
}

// pageOf makes the pager of a list at an address: page is counted from 1.
func pageOf(path string, query url.Values, page, shown, total int) pager {
	first := (page - 1) * pageSize
	at := func(n int) string {
		q := url.Values{}
		for name, values := range query {
			if name != "page" && name != "done" && name != "at" {
				q[name] = values
			}
		}
		if n > 1 {
			q.Set("page", strconv.Itoa(n))
		}
		if len(q) == 0 {
			return path
		}
		return path + "?" + q.Encode()
	}
	p := pager{First: min(first+1, total), Last: first + shown, Total: total}
	if page > 1 {
		p.Prev = at(page - 1)
	}
	if p.Last < total {
		p.Next = at(page + 1)
	}
	return p
}

// pageNumber is the page that an address asks for, from 1.
func pageNumber(q url.Values) int {
	n, err := strconv.Atoi(q.Get("page"))
	if err != nil || n < 1 || n > 1_000_000 {
		return 1
	}
	return n
}

// jobs is one of the seven lists (LL-13), or without a list the tabular view (II-22).
func (p *Portal) jobs(w http.ResponseWriter, r *http.Request) error {
	if list := r.URL.Query().Get("list"); list != "" {
		return p.jobList(w, r, list)
	}
	return p.jobGrid(w, r)
}

type listPage struct {
	List  string
	Table jobTable
	Pager pager
	CSV   string
}

func (p *Portal) jobList(w http.ResponseWriter, r *http.Request, list string) error {
	v, q := viewer(r.Context()), r.URL.Query()
	page := pageNumber(q)
	found, err := p.listJobs(r.Context(), v, jobs.Filter{List: list, Sort: q.Get("sort"), Offset: (page - 1) * pageSize, Limit: pageSize})
	if err != nil {
		return err
	}
	own := url.Values{"list": {list}}
	if q.Get("sort") != "" {
		own.Set("sort", q.Get("sort"))
	}
	return p.render(w, r, http.StatusOK, "joblist", "list."+list, listPage{
		List: list,
		Table: jobTable{Caption: "list." + list, Columns: p.in(r.Context()).columnsNamed(v, nineColumns), Rows: found.Items, Zone: v.Zone, Sort: q.Get("sort"),
			viewer: v, path: "/jobs", query: own},
		Pager: pageOf("/jobs", own, page, len(found.Items), found.Total),
		CSV:   "/jobs.csv?" + own.Encode(),
	})
}

// listJobs lists jobs; an address that asks for a list or a column that the viewer does not have is no page.
func (p *Portal) listJobs(ctx context.Context, v access.Viewer, f jobs.Filter) (jobs.Page, error) {
	page, err := p.Queries.Jobs.List(ctx, v, f)
	if errors.Is(err, jobs.ErrUnknownList) || errors.Is(err, projections.ErrUnknownField) {
		return page, notFound()
	}
	return page, err
}

// gridPage is the tabular view (II-22..26).
type gridPage struct {
	Table    jobTable
	Pager    pager
	Words    string // searched for in all that the viewer reads
	From, To string // days, both included
	Places   places
	Filters  map[string]string // by column
	Statuses []string
	Services []forms.Option
	Parties  []string // who can be waited for
	Steps    []string // what for
	Choices  []columnChoice
	CSV      string
}

type columnChoice struct {
	Name   string
	Chosen bool
}

// gridQuery is what the tabular view was asked for.
type gridQuery struct {
	filter   jobs.Filter
	page     int
	filters  map[string]string
	from, to string
	own      url.Values // the address without what is empty
}

var localDay = regexp.MustCompile(`^(\d{1,2})/(\d{1,2})(?:/(\d{4}))?$`)

// readGrid reads the address of the tabular view: filter[column], q, from, to, client, location, sort, page.
func readGrid(v access.Viewer, q url.Values) (gridQuery, error) {
	g := gridQuery{page: pageNumber(q), filters: map[string]string{}, own: url.Values{}, from: q.Get("from"), to: q.Get("to")}
	g.filter = jobs.Filter{List: q.Get("list"), Q: strings.TrimSpace(q.Get("q")), Columns: map[string]string{}, Offset: (g.page - 1) * pageSize, Limit: pageSize}
	keep := func(name, value string) {
		if value != "" {
			g.own.Set(name, value)
		}
	}
	keep("list", g.filter.List)
	keep("q", g.filter.Q)
	if sorts := q["sort"]; len(sorts) > 0 { // a header's button comes after the order that was
		g.filter.Sort = sorts[len(sorts)-1]
		keep("sort", g.filter.Sort)
	}
	for _, c := range columnsOf(v) {
		text := strings.TrimSpace(q.Get("filter[" + c.Name + "]"))
		if text == "" || c.Filter == "" {
			continue
		}
		keep("filter["+c.Name+"]", text)
		g.filters[c.Name] = text
		switch c.Filter {
		case "status":
			g.filter.Status = domain.Status(text)
		case "service":
			g.filter.ServiceType = text
		case "day":
			g.filter.Columns[c.Name] = dayText(text)
		default:
			g.filter.Columns[c.Name] = text
		}
	}
	var err error
	if g.filter.From, err = dayIn(v, g.from, 0, "from"); err != nil {
		return g, err
	}
	if g.filter.To, err = dayIn(v, g.to, 1, "to"); err != nil {
		return g, err
	}
	keep("from", g.from)
	keep("to", g.to)
	for name, id := range map[string]*uuid.UUID{"client": &g.filter.Client, "location": &g.filter.Location} {
		if *id, err = uuid.Parse(q.Get(name)); err == nil {
			keep(name, q.Get(name))
		}
	}
	return g, nil
}

// dayText is how a day typed as people write it stands in the column's text: 14/08/2026, 14/08, or a time of day.
func dayText(typed string) string {
	m := localDay.FindStringSubmatch(typed)
	if m == nil {
		return typed
	}
	pad := func(s string) string {
		if len(s) == 1 {
			return "0" + s
		}
		return s
	}
	return m[3] + "-" + pad(m[2]) + "-" + pad(m[1])
}

// dayIn is the beginning of a day of the viewer's, or of the one some days later; zero for none.
func dayIn(v access.Viewer, day string, later int, name string) (time.Time, error) {
	if day == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, day, zoneOf(v))
	if err != nil {
		return t, domain.Invalid(domain.FieldError{Location: "query." + name, Message: "fault.day"})
	}
	return t.AddDate(0, 0, later), nil
}

// zoneOf is the viewer's zone.
func zoneOf(v access.Viewer) *time.Location {
	zone, err := time.LoadLocation(v.Zone)
	if err != nil {
		return time.UTC
	}
	return zone
}

func (p *Portal) jobGrid(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), viewer(r.Context())
	g, err := readGrid(v, r.URL.Query())
	if err != nil {
		return err
	}
	where, err := p.places(ctx, v, g.filter.Client, g.filter.Location)
	if err != nil {
		return err
	}
	if g.filter.Location != where.Location {
		g.filter.Location = uuid.Nil
		g.own.Del("location")
	}
	found, err := p.listJobs(ctx, v, g.filter)
	if err != nil {
		return err
	}
	names, err := p.chosenColumns(ctx, v)
	if err != nil {
		return err
	}
	page := gridPage{
		Places: where,
		Table: jobTable{Caption: "grid.title", Columns: p.in(ctx).columnsNamed(v, names), Rows: found.Items, Zone: v.Zone, Sort: g.filter.Sort, Actions: true,
			viewer: v, path: "/jobs", query: g.own},
		Pager: pageOf("/jobs", g.own, g.page, len(found.Items), found.Total),
		Words: g.filter.Q, From: g.from, To: g.to, Filters: g.filters, Statuses: statuses, Services: forms.ServiceTypes(),
		Parties: jobs.Parties(), Steps: jobs.Steps(),
		CSV: "/jobs.csv?" + g.own.Encode(),
	}
	for _, c := range columnsOf(v) {
		page.Choices = append(page.Choices, columnChoice{c.Name, slices.Contains(names, c.Name)})
	}
	return p.render(w, r, http.StatusOK, "jobgrid", "grid.title", page)
}

var statuses = []string{string(domain.Requested), string(domain.New), string(domain.Assigned), string(domain.Ongoing), string(domain.Complete),
	string(domain.Cancelled)}

// columnsKey is where a user's columns stand among the preferences.
const columnsKey = "jobColumns"

// chosenColumns are the columns that the user chose for the tabular view, in their order (II-24).
func (p *Portal) chosenColumns(ctx context.Context, v access.Viewer) ([]string, error) {
	kept, err := p.preferences(ctx, v)
	if err != nil {
		return nil, err
	}
	var names []string
	if err := json.Unmarshal(kept[columnsKey], &names); err != nil || len(names) == 0 {
		return defaultColumns(v), nil // nothing chosen, or by another program something that is no list
	}
	return names, nil
}

// chooseColumns keeps the columns that a user wants to see; reset gives the defaults back (II-24).
func (p *Portal) chooseColumns(w http.ResponseWriter, r *http.Request) error {
	v := viewer(r.Context())
	if err := r.ParseForm(); err != nil {
		return &domain.Refusal{Code: "bad-request", Status: http.StatusBadRequest, Detail: "error.form"}
	}
	kept, err := p.preferences(r.Context(), v)
	if err != nil {
		return err
	}
	delete(kept, columnsKey)
	if !r.PostForm.Has("reset") {
		var names []string
		for _, c := range columnsOf(v) {
			if slices.Contains(r.PostForm["column"], c.Name) {
				names = append(names, c.Name)
			}
		}
		if len(names) == 0 {
			return domain.Invalid(domain.FieldError{Location: "body.column", Message: "fault.columns"})
		}
		if kept[columnsKey], err = json.Marshal(names); err != nil {
			return err
		}
	}
	body, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	if err := p.Accounts.SetPreferences(r.Context(), v.User, body); err != nil {
		return err
	}
	back := safeNext(r.PostForm.Get("back"))
	if !strings.HasPrefix(back, "/jobs") {
		back = "/jobs"
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
	return nil
}

// preferences are how the user likes the portal, by key.
func (p *Portal) preferences(ctx context.Context, v access.Viewer) (map[string]json.RawMessage, error) {
	body, err := p.Accounts.Preferences(ctx, v.User)
	if err != nil {
		return nil, err
	}
	kept := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &kept); err != nil {
		return map[string]json.RawMessage{}, nil // the API takes any object, and a null is none
	}
	return kept, nil
}

// jobsCSV is the same view as a file: all its pages, the same filters, the columns that are shown.
func (p *Portal) jobsCSV(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), viewer(r.Context())
	g, err := readGrid(v, r.URL.Query())
	if err != nil {
		return err
	}
	names := nineColumns
	if g.filter.List == "" {
		if names, err = p.chosenColumns(ctx, v); err != nil {
			return err
		}
	}
	columns := p.in(ctx).columnsNamed(v, names)
	g.filter.Offset, g.filter.Limit = 0, 500
	page, err := p.listJobs(ctx, v, g.filter)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", `attachment; filename="jobs-`+v.Now.In(zoneOf(v)).Format(time.DateOnly)+`.csv"`)
	_, _ = io.WriteString(w, "\ufeff") // otherwise spreadsheets take the names for Latin-1
	out := csv.NewWriter(w)
	if err := csvHead(out, p.in(ctx), columns); err != nil {
		return err
	}
	for {
		for _, item := range page.Items {
			record := make([]string, 0, len(columns)+1)
			for _, c := range columns {
				record = append(record, plainCell(c.record(item)))
			}
			if err := out.Write(append(record, item.TimeZone)); err != nil {
				return nil // the visitor has gone
			}
		}
		g.filter.Offset += len(page.Items)
		if len(page.Items) < g.filter.Limit {
			out.Flush()
			return nil
		}
		if page, err = p.listJobs(ctx, v, g.filter); err != nil {
			p.Log.ErrorContext(ctx, "a file of jobs was cut short", "cause", err)
			panic(http.ErrAbortHandler) // so that half a file is not taken for a whole one
		}
	}
}

func csvHead(out *csv.Writer, s *tongue, columns []jobColumn) error {
	var head []string
	for _, c := range columns {
		text, err := s.text("col." + c.Name)
		if err != nil {
			return err
		}
		head = append(head, text)
	}
	zone, err := s.text("col.timeZone")
	if err != nil {
		return err
	}
	return out.Write(append(head, zone))
}

// plainCell is a text that no spreadsheet takes for a formula.
func plainCell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// serviceLabel is a type of service in English.
func serviceLabel(service string) string {
	for _, o := range forms.ServiceTypes() {
		if o.Value == service {
			return o.Label
		}
	}
	return strings.ReplaceAll(service, "-", " ")
}
