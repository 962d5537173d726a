package jobs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/jobrow"
)

// The seven lists (LL-13). Start and end follow the ETA where there is one.
const (
	Unassigned       = "unassigned"        // new, its end ahead
	AssignedList     = "assigned"          // assigned, its end ahead
	Today            = "today"             // unfinished, begins on the viewer's today
	Upcoming         = "upcoming"          // new or assigned, begins later than now
	InProgress       = "in-progress"       // hours entered and not agreed
	RequiringClosure = "requiring-closure" // new or assigned, its end has come: oldest first (LL-120)
	Completed        = "completed"         // with any outcome, newest first
)

// Lists are the names of the seven lists.
func Lists() []string {
	return []string{Unassigned, AssignedList, Today, Upcoming, InProgress, RequiringClosure, Completed}
}

// ErrUnknownList: there is no list of that name.
var ErrUnknownList = errors.New("there is no such list of jobs")

// Filter says which jobs are asked for; what is empty or zero does not narrow.
type Filter struct {
	List        string
	Status      domain.Status
	Language    string // BCP 47
	Client      uuid.UUID
	Location    uuid.UUID
	Customer    uuid.UUID
	ServiceType string
	Interpreter uuid.UUID         // who has the job; an interpreter finds the own jobs only
	Q           string            // words: each must begin a word of the reference, the address, the speaker, …, as far as the viewer reads those
	From, To    time.Time         // half-open, jobs that overlap; either may be zero
	Columns     map[string]string // by the name of a column: contains this text, whatever the case; all must hold
	Sort        string            // a column, -column for descending; "": the list's own order
	Offset      int
	Limit       int // 0: 30; at most 500
}

// Page is one part of a list, and how many jobs it has in all.
type Page struct {
	Items []Item
	Total int
}

// List are the jobs that the viewer may know and the filter asks for, each as the viewer may read it.
func (q Queries) List(ctx context.Context, v access.Viewer, f Filter) (page Page, err error) {
	err = q.Models.Read(ctx, func(tx pgx.Tx) error {
		page, err = List(ctx, tx, v, f, q.Substitute)
		return err
	}, Name)
	return page, err
}

// Refs are the references of all jobs that the viewer may know and the filter asks for, whatever part of the list it names.
func (q Queries) Refs(ctx context.Context, v access.Viewer, f Filter) (refs []string, err error) {
	if err := access.MayManage(v, access.ReadJobs); err != nil {
		return nil, err
	}
	err = q.Models.Read(ctx, func(tx pgx.Tx) error {
		l := &listing{v: v, joins: map[string]bool{}}
		if err := l.narrow(f); err != nil {
			return err
		}
		if err := l.columns(ctx, tx, f); err != nil {
			return err
		}
		found, err := tx.Query(ctx, "select j.ref"+l.from(), l.args...)
		if err != nil {
			return fmt.Errorf("find jobs: %w", err)
		}
		refs, err = pgx.AppendRows([]string{}, found, pgx.RowTo[string])
		return err
	}, Name)
	return refs, err
}

// List is the same question in a transaction. Errors: a refusal for who has no place in the jobs, ErrUnknownList, and
// projections.ErrUnknownField for a column that does not exist or that the viewer does not read: whoever could sort or filter by it would read it.
func List(ctx context.Context, q DB, v access.Viewer, f Filter, sub access.Substitute) (Page, error) {
	if err := access.MayManage(v, access.ReadJobs); err != nil {
		return Page{}, err
	}
	l := &listing{v: v, joins: map[string]bool{}}
	if err := l.narrow(f); err != nil {
		return Page{}, err
	}
	if err := l.columns(ctx, q, f); err != nil {
		return Page{}, err
	}
	limit, offset := f.part()
	items, err := readItems(ctx, q, v, sub, l.sql(limit, offset), l.args...)
	if err != nil {
		return Page{}, fmt.Errorf("list jobs: %w", err)
	}
	page := Page{Items: items}
	page.Total, err = l.total(ctx, q, len(items), limit, offset)
	return page, err
}

// part is which part of a list is asked for.
func (f Filter) part() (limit, offset int) {
	limit = f.Limit
	if limit == 0 {
		limit = 30
	}
	return max(1, min(limit, 500)), min(max(0, f.Offset), math.MaxInt32) // more jobs than there ever are, and a limit can still be added to it
}

// total is how many jobs the list has in all, of which a part holds so many.
func (l *listing) total(ctx context.Context, q DB, shown, limit, offset int) (total int, err error) {
	if offset == 0 && shown < limit { // this is all of it
		return shown, nil
	}
	sql, args := l.countSQL()
	if err := q.QueryRow(ctx, sql, args...).Scan(&total); err != nil {
		return 0, fmt.Errorf("count jobs: %w", err)
	}
	return total, nil
}

// Newest is the reference of the job that was made last, for those who look after the numbers; empty: there is none.
func (q Queries) Newest(ctx context.Context, v access.Viewer) (string, error) {
	if err := access.MayManage(v, access.ManageNumbering); err != nil {
		return "", err
	}
	// The dashboard's read model counts by when jobs were made, so it has the index for that.
	ref, _, err := projections.One(ctx, q.Models, pgx.RowTo[string], `
		select d.ref from (select job, created_at from {dashboard}.jobs order by created_at desc limit 500) n join {jobs}.details d on d.job = n.job
		order by n.created_at desc, length(d.ref) desc, d.ref desc limit 1`)
	if err != nil {
		return "", fmt.Errorf("look for the newest job: %w", err)
	}
	return ref, nil
}

// listing is a list's statement as it grows.
type listing struct {
	v       access.Viewer
	args    jobrow.Args
	where   []string // conditions on the columns of jobs, by their bare names
	more    []string // conditions on joined tables too, by alias
	joins   map[string]bool
	own     map[string]column // columns of this list alone
	order   string
	parts   []string // conditions that share the jobs out among them, each a range of an index; none: one range holds them
	tally   *tallied // how it is counted without looking at each job, if the list has no more conditions than whole; nil: it is not
	whole   int
	counted int // how many of the arguments the count takes: those of the order come after them
	// halves: ordered by what is waited for, which only unfinished jobs have.
	halves bool
	// dayBefore is an argument: jobs of up to a day that end after some time began after the day before it.
	dayBefore string
}

// live is the condition of the partial indexes, to the letter.
const live = `status in ('requested', 'new', 'assigned', 'ongoing')`

// longest is the longest time that a new or assigned job takes: such a job whose end lies ahead began no earlier before.
const longest = booking.MaxMinutes * time.Minute

func (l *listing) narrow(f Filter) error {
	l.where = append(l.where, within(l.v, &l.args))
	now := func() string { return l.args.Add(l.v.Now) }
	and := func(condition string, a ...any) { l.where = append(l.where, fmt.Sprintf(condition, a...)) }
	l.order = earliest
	switch f.List {
	case "":
		l.order = "j.starts_at desc, j.ref desc"
	case Unassigned:
		and("status = 'new' and "+live+" and ends_at > %s and starts_at > %s", now(), l.args.Add(l.v.Now.Add(-longest)))
	case AssignedList:
		and("status = 'assigned' and "+live+" and ends_at > %s and starts_at > %s", now(), l.args.Add(l.v.Now.Add(-longest)))
	case Today:
		first, next := today(l.v)
		and(live+" and starts_at >= %s and starts_at < %s", l.args.Add(first), l.args.Add(next))
	case Upcoming:
		and("status in ('new', 'assigned') and "+live+" and starts_at > %s", now())
	case InProgress:
		and("status = 'ongoing' and " + live)
	case RequiringClosure:
		and("status in ('new', 'assigned') and "+live+" and ends_at <= %s and starts_at <= %[1]s", now())
	case Completed:
		and("status = 'complete'")
		l.order = "j.starts_at desc, j.ref desc"
	default:
		return ErrUnknownList
	}
	l.whole = len(l.where)
	equal := func(column string, value any, asked bool) {
		if asked {
			and("%s = %s", column, l.args.Add(value))
		}
	}
	equal("status", string(f.Status), f.Status != "")
	equal("language", f.Language, f.Language != "")
	equal("client", f.Client, f.Client != uuid.Nil)
	equal("location", f.Location, f.Location != uuid.Nil)
	equal("customer", f.Customer, f.Customer != uuid.Nil)
	equal("service_type", f.ServiceType, f.ServiceType != "")
	if f.Interpreter != uuid.Nil { // found by the jobs that the interpreter ever met: few of all, and there is no other index by who has a job
		and("interpreter = %s and job = any(array(select job from parties where interpreter = %[1]s))", l.args.Add(f.Interpreter))
	}
	switch {
	case f.Interpreter == uuid.Nil:
	case l.v.Role == domain.Interpreter && f.Interpreter != l.v.Interpreter:
		and("false") // who else has a job is not an interpreter's to find out
	case l.v.Role != domain.Interpreter && !access.CanSee(l.v, l.relation(), false, access.InterpreterIdentity):
		and("false") // nor an analyst's
	}
	if l.v.Role == domain.Interpreter && (f.Client != uuid.Nil || f.Customer != uuid.Nil) {
		and("false") // nor is who booked it
	}
	if l.v.Role == domain.Interpreter && f.Location != uuid.Nil {
		and("interpreter = %s", l.args.Add(l.v.Interpreter)) // nor, before the assignment, where it is
	}
	l.overlap(f.From, f.To)
	if t, there := ofList[f.List]; there {
		l.tallyFor(t)
	}
	return l.words(f.Q)
}

// within leaves the jobs that the viewer may know. An interpreter's are read as an array, so that the few own jobs are found first whatever the
// planner thinks of the list.
func within(v access.Viewer, args *jobrow.Args) string {
	if v.Role == domain.Interpreter && v.Interpreter != uuid.Nil {
		return "job = any(array(select job from parties where interpreter = " + args.Add(v.Interpreter) + "))"
	}
	return jobrow.Within(v, args, "parties")
}

// overlap leaves the jobs that overlap from … to.
func (l *listing) overlap(from, to time.Time) {
	if !to.IsZero() {
		l.where = append(l.where, "starts_at < "+l.args.Add(to))
	}
	if !from.IsZero() {
		l.where = append(l.where, "ends_at > "+l.args.Add(from))
		l.dayBefore = l.args.Add(from.Add(-24 * time.Hour))
	}
}

// today is the viewer's day.
func today(v access.Viewer) (first, next time.Time) {
	zone, err := time.LoadLocation(v.Zone)
	if err != nil {
		zone = time.UTC
	}
	y, m, d := v.Now.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone), time.Date(y, m, d+1, 0, 0, 0, 0, zone)
}

// words leaves the jobs in which each word of q begins a word that the viewer reads; the weights say which those are (see details.words).
func (l *listing) words(q string) error {
	parts := strings.FieldsFunc(strings.ToLower(q), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(parts) == 0 {
		if strings.TrimSpace(q) != "" {
			l.where = append(l.where, "false") // asked for something that no word holds
		}
		return nil
	}
	weights := "A"
	for _, w := range []struct {
		weight string
		needs  []access.Class
	}{
		{"B", []access.Class{access.FullAddress, access.ReportTo, access.Speaker}},
		{"C", []access.Class{access.InvoicingReferences}},
		{"D", []access.Class{access.ContactNames}},
	} {
		if !slices.ContainsFunc(w.needs, func(c access.Class) bool { return access.See(l.v, l.relation(), false, c) != access.Clear }) {
			weights += w.weight
		}
	}
	for i, p := range parts {
		parts[i] = p + ":*" + weights
	}
	// As an array, so that the index of words is read first: most words are rare.
	l.where = append(l.where, "job = any(array(select job from details where words @@ to_tsquery('simple', "+l.args.Add(strings.Join(parts, " & "))+")))")
	return nil
}

// relation is how the viewer stands to every job of a list; an interpreter stands to each in another way, and this is the least.
func (l *listing) relation() access.Relation {
	switch {
	case l.v.OfCustomer():
		return access.Own
	case l.v.Role == domain.Interpreter:
		return access.Former
	}
	return access.Agency
}

// column is what a list may be sorted and filtered by.
type column struct {
	class access.Class
	sort  string
	text  string // for the filter, if it is not sort
	joins string // tables besides jobs
	field string // the form's field whose visibility decides instead of class
	waits bool   // of what is waited for: only unfinished jobs have it, and it depends on the time
}

// columns are named as in the HTTP contract.
var columns = map[string]column{
	"ref":               {class: access.Basics, sort: "j.ref"},
	"bookingRef":        {class: access.Basics, sort: "j.booking_ref"},
	"status":            {class: access.Basics, sort: "j.status"},
	"outcome":           {class: access.Basics, sort: "j.outcome"},
	"start":             {class: access.Basics, sort: "j.requested_at", text: localText("j.requested_at")},
	"end":               {class: access.Basics, sort: "j.ends_at", text: localText("j.ends_at")},
	"eta":               {class: access.Basics, sort: "j.eta", text: localText("j.eta")},
	"timeZone":          {class: access.Basics, sort: "j.zone"},
	"durationMinutes":   {class: access.Basics, sort: "j.minutes", text: "j.minutes::text"},
	"language":          {class: access.Basics, sort: "coalesce(l.name, j.language)", text: "j.language || ' ' || coalesce(l.name, '')", joins: "l"},
	"languageName":      {class: access.Basics, sort: "coalesce(l.name, '')", joins: "l"},
	"serviceType":       {class: access.Basics, sort: "j.service_type"},
	"town":              {class: access.Basics, sort: "d.town", joins: "d"},
	"outward":           {class: access.Basics, sort: "d.outward", joins: "d"},
	"location":          {class: access.LocationName, sort: "lo.name", joins: "lo"},
	"address1":          {class: access.FullAddress, sort: "d.line1", joins: "d"},
	"reportTo":          {sort: fieldText("reportTo"), joins: "d", field: "reportTo"},
	"nonEnglishSpeaker": {sort: fieldText("nonEnglishSpeaker"), joins: "d", field: "nonEnglishSpeaker"},
	"yourReference":     {sort: fieldText("yourReference"), joins: "d", field: "yourReference"},
	"costCentre":        {sort: fieldText("costCentre"), joins: "d", field: "costCentre"},
	"invoiceReference":  {sort: fieldText("invoiceReference"), joins: "d", field: "invoiceReference"},
	"customer":          {class: access.Progress, sort: "c.name", joins: "c"},
	"client":            {class: access.Progress, sort: "cl.name", joins: "cl"},
	"interpreter":       {class: access.InterpreterIdentity, sort: "j.lin", text: "j.lin || ' ' || coalesce(i.name, '')", joins: "i"},
	"createdBy":         {class: access.People, sort: "u.name", joins: "u"},
	"createdAt":         {class: access.Progress, sort: "j.created_at", text: localText("j.created_at")},
	"waitingOn":         {class: access.Progress, sort: waits(func(w waitingCase) string { return w.who }), waits: true},
	"nextStep":          {class: access.Progress, sort: waits(func(w waitingCase) string { return w.step }), waits: true},
}

// waitingCase is one line of itemRow.waiting as the database reads it.
type waitingCase struct{ when, who, step string }

// waitingCases stand in the order in which they are judged; {now} is the moment of the question.
var waitingCases = []waitingCase{
	{"j.status = 'requested'", "'agency'", "'confirm'"},
	{"j.status = 'new' and j.ends_at <= {now}", "'agency'", "'close'"},
	{"j.status = 'new' and j.proposed_eta is not null", "'customer'", "'agree-eta'"},
	{"j.status = 'new' and j.holder is not null", "'agency'", "'assign'"},
	{"j.status = 'new' and j.countered <> '{}'", "'agency'", "'answer-counter'"},
	{"j.status = 'new' and j.offered <> '{}'", "'interpreter'", "'accept-offer'"},
	{"j.status = 'new'", "'agency'", "'send-offer'"},
	{"j.status = 'assigned' and j.ends_at <= {now}", "'customer'", "'submit-timesheet'"},
	{"j.status = 'assigned' and j.proposed_eta is not null", "'customer'", "'agree-eta'"},
	{"j.status = 'assigned'", "'interpreter'", "'attend'"},
	{"j.status = 'ongoing' and j.sheet_disputed", "j.sheet_side", "'submit-timesheet'"},
	{"j.status = 'ongoing' and j.sheet_side = 'customer'", "'interpreter'", "'accept-timesheet'"},
	{"j.status = 'ongoing'", "'customer'", "'accept-timesheet'"},
}

// waits is what is waited for as an expression; null: nothing is.
func waits(of func(waitingCase) string) string {
	var b strings.Builder
	b.WriteString("case")
	for _, w := range waitingCases {
		b.WriteString(" when " + w.when + " then " + of(w))
	}
	b.WriteString(" end")
	return b.String()
}

func localText(instant string) string {
	return "to_char(" + instant + ` at time zone j.zone, 'YYYY-MM-DD"T"HH24:MI')`
}

func fieldText(key string) string { return "d.fields #>> '{" + key + ",t,0}'" }

var joinSQL = map[string]string{
	"d":  " join details d on d.job = j.job",
	"l":  " left join languages l on l.code = j.language",
	"c":  " left join customers c on c.customer = j.customer",
	"cl": " left join clients cl on cl.client = j.client",
	"lo": " left join locations lo on lo.location = j.location",
	"i":  " left join interpreters i on i.interpreter = j.interpreter",
	"u":  " left join users u on u.user_id = j.created_by",
}

// columns adds what is filtered and sorted by.
func (l *listing) columns(ctx context.Context, q DB, f Filter) error {
	names := make([]string, 0, len(f.Columns))
	for name := range f.Columns {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		c, text, err := l.column(ctx, q, name, true)
		if err != nil {
			return err
		}
		l.join(c)
		if c.waits {
			l.where = append(l.where, live) // so that an index leads to them
		}
		l.more = append(l.more, fmt.Sprintf("strpos(lower(%s), lower(%s)) > 0", text, l.args.Add(f.Columns[name])))
	}
	l.counted = len(l.args)
	if f.Sort == "" {
		return nil
	}
	name, descending := strings.CutPrefix(f.Sort, "-")
	c, expr, err := l.column(ctx, q, name, false)
	if err != nil {
		return err
	}
	l.join(c)
	if descending {
		expr += " desc nulls last"
	}
	l.order = expr + ", " + earliest
	switch finished := f.Status == domain.Complete || f.Status == domain.Cancelled; {
	case !c.waits:
	case finished || f.List == Completed: // nothing is waited for
		l.order, l.args = earliest, l.args[:l.counted]
	case f.Status != "":
		l.where = append(l.where, live)
	case f.List == "":
		l.halves = true
	}
	return nil
}

// earliest is the order of jobs that are equal otherwise.
const earliest = "j.starts_at, j.ref"

func (l *listing) join(c column) {
	if c.joins != "" {
		l.joins[c.joins] = true
	}
}

// column is an expression of what the viewer reads in a column; null where the viewer reads nothing.
func (l *listing) column(ctx context.Context, q DB, name string, asText bool) (column, string, error) {
	c, known := columns[name]
	if own, there := l.own[name]; there {
		c, known = own, true
	}
	if !known {
		return c, "", fmt.Errorf("%w: %s", projections.ErrUnknownField, name)
	}
	expr := c.sort
	if asText && c.text != "" {
		expr = c.text
	}
	if c.waits {
		expr = strings.ReplaceAll(expr, "{now}", l.args.Add(l.v.Now))
	}
	if c.class == access.People && l.v.OfCustomer() {
		expr = "case when u.customer = j.customer then " + expr + " end" // whom of the agency a customer does not read
	}
	standings := map[access.Relation]string{l.relation(): "true"}
	if l.v.Role == domain.Interpreter {
		me := "'" + l.v.Interpreter.String() + "'"
		standings = map[access.Relation]string{
			access.Assigned: "j.interpreter = " + me,
			access.Offered:  "j.interpreter is distinct from " + me + " and j.offered @> array[" + me + "]::uuid[]",
			access.Former:   "j.interpreter is distinct from " + me + " and not j.offered @> array[" + me + "]::uuid[]",
		}
	}
	var seen []string
	for _, rel := range []access.Relation{access.Own, access.Agency, access.Assigned, access.Offered, access.Former} {
		standing, possible := standings[rel]
		if !possible {
			continue
		}
		when, err := l.clear(ctx, q, rel, c)
		if err != nil {
			return c, "", err
		}
		switch when {
		case "false":
		case "true":
			seen = append(seen, standing)
		default:
			seen = append(seen, standing+" and "+when)
		}
	}
	switch {
	case len(seen) == 0:
		return c, "", fmt.Errorf("%w: %s", projections.ErrUnknownField, name)
	case len(seen) == 1 && seen[0] == "true":
		return c, expr, nil
	}
	return c, "case when " + strings.Join(seen, " or ") + " then " + expr + " end", nil
}

// clear is the condition under which a viewer who stands so reads a column as it is.
func (l *listing) clear(ctx context.Context, q DB, rel access.Relation, c column) (string, error) {
	if c.field == "" {
		return fmt.Sprint(access.CanSee(l.v, rel, false, c.class)), nil
	}
	all, err := allForms(ctx, q)
	if err != nil {
		return "", err
	}
	var showing []string
	for key, form := range all {
		if field, ok := form.Field(c.field); ok && access.CanSee(l.v, rel, false, access.ClassOf(field)) {
			showing = append(showing, key.String())
		}
	}
	if len(showing) == 0 {
		return "false", nil
	}
	slices.Sort(showing)
	return "j.form || '/' || j.form_version = any(" + l.args.Add(showing) + ")", nil
}

func (l *listing) from(further ...string) string {
	var b strings.Builder
	all := "select * from jobs where " + strings.Join(append(slices.Clone(l.where), further...), " and ")
	if l.dayBefore != "" {
		// Both halves are ranges of an index; the second one is small.
		all = all + " and minutes <= 1440 and starts_at > " + l.dayBefore + " union all " + all + " and minutes > 1440"
	} else if len(l.parts) > 0 {
		all += " and " + strings.Join(l.parts, " union all "+all+" and ")
	}
	b.WriteString(" from (" + all + ") j")
	for _, alias := range []string{"d", "l", "c", "cl", "lo", "i", "u"} {
		if l.joins[alias] {
			b.WriteString(joinSQL[alias])
		}
	}
	if len(l.more) > 0 {
		b.WriteString(" where " + strings.Join(l.more, " and "))
	}
	return b.String()
}

func (l *listing) sql(limit, offset int) string {
	from := l.from()
	if l.halves {
		// The few unfinished jobs are sorted; the others follow in the order of an index, and no more of them are read than are shown.
		from = fmt.Sprintf(" from ((select j.*%s order by %s limit %[3]d) union all (select j.*%[4]s order by %[5]s limit %[3]d)) j",
			l.from(live), l.order, limit+offset, l.from("not "+live), earliest)
	}
	page := fmt.Sprintf("select j.*%s order by %s limit %d offset %d", from, l.order, limit, offset)
	return itemsSQL("("+page+")") + " order by " + l.order
}

func (l *listing) countSQL() (sql string, args []any) {
	if l.tally != nil && len(l.where) == l.whole && len(l.more) == 0 {
		return l.countTallied()
	}
	return "select count(*)" + l.from(), l.args[:l.counted]
}

// formKey names one version of a form.
type formKey struct {
	id      string
	version int
}

func (k formKey) String() string { return fmt.Sprintf("%s/%d", k.id, k.version) }

// allForms are all versions of all forms, the built-in ones also where no event defines them.
func allForms(ctx context.Context, q DB) (map[formKey]forms.Form, error) {
	all := map[formKey]forms.Form{}
	for _, f := range forms.BuiltIn() {
		all[formKey{f.ID, f.Version}] = f
	}
	found, err := q.Query(ctx, `select definition from forms`)
	if err != nil {
		return nil, fmt.Errorf("read the forms: %w", err)
	}
	defined, err := pgx.CollectRows(found, scanForm)
	if err != nil {
		return nil, fmt.Errorf("read the forms: %w", err)
	}
	for _, f := range defined {
		all[formKey{f.ID, f.Version}] = f
	}
	return all, nil
}
