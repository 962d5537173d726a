package invoices

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/billing"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/jobrow"
)

// Queries answers what is billed: finance, admins and auditors all of it; a customer's users with the permission to see financials their own
// organisation's and, if they are narrowed, what concerns jobs that they may know.
type Queries struct{ Models *projections.Models }

// StandingDraft is how a job stands that waits to be billed; issued invoices are billing.Due or billing.Overdue.
const StandingDraft = "draft"

// Filter narrows the list; what is empty or zero does not narrow.
type Filter struct {
	Customer uuid.UUID
	Standing string // draft, due, overdue
}

// Invoice is a draft, which is one finished job and has no number, or an issued invoice. To a narrowed user an invoice shows the lines of jobs
// that the user may know, and their sum; Partial says that there are others.
type Invoice struct {
	ID           uuid.UUID // of a draft: the job's
	Standing     string    // draft, due, overdue: by the customer's day
	Ref          string    // INV000001, empty for a draft
	Number       int64     // 0 for a draft
	Customer     uuid.UUID
	CustomerName string
	Jobs         []string  // references of the jobs on it
	IssuedOn     string    // 2006-01-02 in the customer's zone, empty for a draft, like DueOn
	DueOn        string    //
	At           time.Time // of issue; of a draft: when the job was completed
	Total        domain.Money
	Fault        string // why a draft could not be priced, else empty
	Partial      bool
}

// Whole is an invoice with everything on it.
type Whole struct {
	Invoice
	Lines []billing.Line
	Work  []Work
}

// Work is one job on an invoice: what its lines were for.
type Work struct {
	Job         uuid.UUID
	Ref         string
	Start       time.Time // in the job's zone; the ETA if there is one
	Language    string
	ServiceType string
	Outcome     domain.Outcome
	BillTo      string
	Worked      int     // minutes of elapsed time
	Blocks      []Block // in which they were worked; none where nobody attended
}

// Block is a time worked, in the zone of its place.
type Block struct{ Start, End time.Time }

// row is an invoice as the list's statement gives it.
type row struct {
	ID           uuid.UUID
	Standing     string
	Ref          string
	Number       int64
	Customer     uuid.UUID
	CustomerName string
	Jobs         []string
	IssuedOn     string
	DueOn        string
	At           time.Time
	Total        int64
	Currency     string
	Fault        string
	Partial      bool
}

// fields are what the list is sorted and filtered by.
var fields = projections.Fields{"customer": "customer_name", "customerName": "customer_name", "ref": "ref", "number": "nullif(number, 0)", "standing": "standing", "jobs": "array_to_string(jobs, ' ')",
	"issuedOn": "issued_on", "dueOn": "due_on", "at": `to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`, "total": "(total::numeric / 100)::numeric(20, 2)", "fault": "fault"}

// List answers drafts and issued invoices, newest first. A viewer who may read none gets the refusal.
func (q Queries) List(ctx context.Context, v access.Viewer, filter Filter, l projections.ListQuery) (projections.ListPage[Invoice], error) {
	if err := access.MayManage(v, access.ReadInvoices); err != nil {
		return projections.ListPage[Invoice]{}, err
	}
	found, err := q.list(ctx, v, filter, l)
	if err != nil {
		return projections.ListPage[Invoice]{}, fmt.Errorf("list invoices: %w", err)
	}
	page := projections.ListPage[Invoice]{Items: make([]Invoice, len(found.Items)), Total: found.Total}
	for i, r := range found.Items {
		page.Items[i] = r.invoice()
	}
	return page, nil
}

// order is the list's own: newest first.
const order = "at desc, id"

func (q Queries) list(ctx context.Context, v access.Viewer, filter Filter, l projections.ListQuery) (page projections.ListPage[row], err error) {
	sql, args := statement(v, filter, uuid.Nil, "")
	if l.Sort != "" || len(l.Filter) > 0 {
		return projections.List[row](ctx, q.Models, l, fields, order, sql, args...)
	}
	// In the list's own order both halves come from an index, so that a page reads no more rows than it shows; counting needs no order.
	inOrder, args := statement(v, filter, uuid.Nil, order)
	s, err := l.Statements(fields, order, inOrder, args...)
	if err != nil {
		return page, err
	}
	if page.Items, err = projections.Collect(ctx, q.Models, pgx.RowToStructByName[row], s.Page, s.Args...); err != nil {
		return page, err
	}
	if page.Total = len(page.Items); s.Whole(page.Total) {
		return page, nil
	}
	page.Total, _, err = projections.One(ctx, q.Models, pgx.RowTo[int], "select count(*) from ("+sql+") as list", args...)
	return page, err
}

// Sum is what a customer's invoices of one standing come to. Faulty counts drafts that could not be priced; they are worth nothing yet.
type Sum struct {
	Standing     string
	Customer     uuid.UUID
	CustomerName string
	Count        int
	Faulty       int
	Total        domain.Money
}

// Sums adds up all that List would answer, by standing, customer and currency, in this order.
func (q Queries) Sums(ctx context.Context, v access.Viewer, filter Filter, l projections.ListQuery) ([]Sum, error) {
	if err := access.MayManage(v, access.ReadInvoices); err != nil {
		return nil, err
	}
	type summed struct {
		Standing     string
		Customer     uuid.UUID
		CustomerName string
		Currency     string
		Count        int
		Faulty       int
		Total        int64
	}
	sql, args := statement(v, filter, uuid.Nil, "")
	found, err := projections.Sums[summed](ctx, q.Models, l, fields, `standing, customer, customer_name, currency, count(*)::int as count,
		(count(*) filter (where fault <> ''))::int as faulty, sum(total)::bigint as total`, "standing, customer_name, customer, currency", sql, args...)
	if err != nil {
		return nil, fmt.Errorf("add up invoices: %w", err)
	}
	sums := make([]Sum, len(found))
	for i, s := range found {
		sums[i] = Sum{s.Standing, s.Customer, s.CustomerName, s.Count, s.Faulty, domain.Money{Minor: s.Total, Currency: s.Currency}}
	}
	return sums, nil
}

// Get is one draft, by the job's id, or one issued invoice, by its own. What the viewer may not know is 404.
func (q Queries) Get(ctx context.Context, v access.Viewer, id uuid.UUID) (Whole, error) {
	if err := access.MayManage(v, access.ReadInvoices); err != nil {
		return Whole{}, err
	}
	sql, args := statement(v, Filter{}, id, "")
	r, found, err := projections.One(ctx, q.Models, pgx.RowToStructByName[row], sql, args...)
	switch {
	case err != nil:
		return Whole{}, fmt.Errorf("read an invoice: %w", err)
	case !found:
		return Whole{}, domain.NotFound("There is no such invoice, or it is not yours to see.")
	}
	w := Whole{Invoice: r.invoice()}
	if w.Lines, err = q.lines(ctx, v, r); err != nil {
		return Whole{}, fmt.Errorf("read the lines of an invoice: %w", err)
	}
	if w.Work, err = q.work(ctx, v, r); err != nil {
		return Whole{}, fmt.Errorf("read the jobs of an invoice: %w", err)
	}
	return w, nil
}

func (q Queries) lines(ctx context.Context, v access.Viewer, r row) ([]billing.Line, error) {
	if r.Standing == StandingDraft {
		all, _, err := projections.One(ctx, q.Models, pgx.RowTo[[]billing.Line], `select lines from {invoices}.jobs where job = $1`, r.ID)
		return all, err
	}
	var args jobrow.Args
	return projections.Collect(ctx, q.Models, pgx.RowTo[billing.Line],
		`select body from {invoices}.lines where invoice = `+args.Add(r.ID)+` and `+mine(v, &args)+` order by line_no`, args...)
}

func (q Queries) work(ctx context.Context, v access.Viewer, r row) ([]Work, error) {
	type stored struct {
		Work
		StartsAt time.Time
		Zone     string
		Sheet    *sheet
	}
	var args jobrow.Args
	found, err := projections.Collect(ctx, q.Models, func(c pgx.CollectableRow) (s stored, err error) {
		err = c.Scan(&s.Job, &s.Ref, &s.StartsAt, &s.Zone, &s.Language, &s.ServiceType, &s.Outcome, &s.BillTo, &s.Sheet)
		return s, err
	}, `select job, ref, starts_at, zone, language, service_type, outcome, bill_to, sheet from {invoices}.jobs
		where job = any(array(select job from {invoices}.lines where invoice = `+args.Add(r.ID)+`) || $1::uuid) and `+mine(v, &args)+` order by ref`, args...)
	work := make([]Work, len(found))
	for i, s := range found {
		s.Start = domain.Moment{Zone: s.Zone, Instant: s.StartsAt}.In()
		if s.Sheet != nil {
			s.Worked = s.Sheet.Worked
			for _, b := range s.Sheet.Blocks {
				s.Blocks = append(s.Blocks, Block{b.Start.In(), b.End.In()})
			}
		}
		work[i] = s.Work
	}
	return work, err
}

// narrowed tells whether the viewer may know only some of the own organisation's jobs.
func narrowed(v access.Viewer) bool { return v.OfCustomer() && len(v.Clients)+len(v.Locations) > 0 }

// mine is the condition on a column job that a narrowed viewer's jobs fulfil; who is not narrowed has been let to the invoice as a whole.
func mine(v access.Viewer, args *jobrow.Args) string {
	if !narrowed(v) {
		return "true"
	}
	return "job in (select job from {invoices}.jobs where " + jobrow.Within(v, args, "") + ")"
}

// statement selects drafts and issued invoices that the viewer may know; only the one with an id unless that is nil. order, if not empty, is
// that of both halves.
func statement(v access.Viewer, filter Filter, id uuid.UUID, order string) (string, jobrow.Args) {
	var args jobrow.Args
	if order != "" {
		order = "order by " + order
	}
	switch filter.Standing {
	case "":
		return drafts(v, filter, id, order, &args) + " union all " + issued(v, filter, id, order, &args), args
	case StandingDraft:
		return drafts(v, filter, id, order, &args), args
	}
	return "select * from " + issued(v, filter, id, order, &args) + " as listed where standing = " + args.Add(filter.Standing), args
}

// drafts selects those of the statement that are not issued.
func drafts(v access.Viewer, filter Filter, id uuid.UUID, order string, args *jobrow.Args) string {
	where := "draft and invoice is null and " + jobrow.Within(v, args, "")
	if filter.Customer != uuid.Nil {
		where += " and customer = " + args.Add(filter.Customer)
	}
	if id != uuid.Nil {
		where += " and job = " + args.Add(id)
	}
	return fmt.Sprintf(`
		(select j.job as id, '%s' as standing, '' as ref, 0::bigint as number, j.customer, coalesce(c.name, '') as customer_name, array[j.ref] as jobs,
			'' as issued_on, '' as due_on, j.completed_at as at, j.total, j.currency, j.fault, false as partial
		from (select * from {invoices}.jobs where %s) j left join {invoices}.customers c on c.customer = j.customer %s)`, StandingDraft, where, order)
}

// issued selects those of the statement that are.
func issued(v access.Viewer, filter Filter, id uuid.UUID, order string, args *jobrow.Args) string {
	where := "true"
	jobs, total, partial := "select l.body->>'ref' as ref from {invoices}.lines l where l.invoice = i.invoice", "i.total", "false"
	switch {
	case narrowed(v):
		seen := mine(v, args)
		jobs += " and " + seen
		total = "(select sum((body->'amount'->>'minor')::bigint)::bigint from {invoices}.lines l where l.invoice = i.invoice and " + seen + ")"
		partial = "exists (select 1 from {invoices}.lines l where l.invoice = i.invoice and not " + seen + ")"
		where = "i.customer = " + args.Add(v.Customer) + " and exists (select 1 from {invoices}.lines l where l.invoice = i.invoice and " + seen + ")"
	case v.OfCustomer():
		where = "i.customer = " + args.Add(v.Customer)
	}
	if filter.Customer != uuid.Nil {
		where += " and i.customer = " + args.Add(filter.Customer)
	}
	if id != uuid.Nil {
		where += " and i.invoice = " + args.Add(id)
	}
	today := "to_char(" + args.Add(v.Now) + "::timestamptz at time zone c.zone, 'YYYY-MM-DD')"
	return fmt.Sprintf(`
		(select i.invoice as id, case when %[1]s > i.due_on then '%[2]s' else '%[3]s' end as standing, i.ref, i.number, i.customer,
			coalesce(c.name, '') as customer_name, array(select distinct ref from (%[4]s) on_it order by ref) as jobs, i.issued_on, i.due_on,
			i.issued_at as at, %[5]s as total, i.currency, '' as fault, %[6]s as partial
		from {invoices}.issued i left join {invoices}.customers c on c.customer = i.customer where %[7]s %[8]s)`,
		today, billing.Overdue, billing.Due, jobs, total, partial, where, order)
}

func (r row) invoice() Invoice {
	return Invoice{ID: r.ID, Standing: r.Standing, Ref: r.Ref, Number: r.Number, Customer: r.Customer, CustomerName: r.CustomerName, Jobs: r.Jobs,
		IssuedOn: r.IssuedOn, DueOn: r.DueOn, At: r.At.UTC(), Total: domain.Money{Minor: r.Total, Currency: r.Currency}, Fault: r.Fault, Partial: r.Partial}
}
