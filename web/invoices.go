package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/billing"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/invoices"
)

// invoicesPage is the list of drafts, a job each, and of issued invoices (II-95..97).
type invoicesPage struct {
	List      listAsk
	Standing  string
	Customer  string // id
	Standings []forms.Option
	Customers []forms.Option // none for a customer's users
	Rows      []invoices.Invoice
	Pager     pager
	Totals    []standingSum
	Ready     []invoices.Sum // drafts by customer: what may be issued
	MayIssue  bool
	OfAgency  bool
}

// standingSum is what all listed invoices of one standing come to.
type standingSum struct {
	Standing string
	Count    int
	Totals   []domain.Money // one of each currency
}

// invoiceColumns are what the list may be narrowed and sorted by.
var invoiceColumns = []string{"ref", "jobs", "issuedOn", "dueOn", "at", "total", "standing"}

// invoices is the list of invoices.
func (p *Portal) invoices(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), viewer(r.Context())
	if err := access.MayManage(v, access.ReadInvoices); err != nil {
		return err
	}
	columns := invoiceColumns
	if !v.OfCustomer() {
		columns = slices.Concat(columns, []string{"customer"})
	}
	ask := listAskOf(r, columns, "standing", "customer")
	filter := invoices.Filter{Standing: r.URL.Query().Get("standing")}
	if !slices.Contains(standings, filter.Standing) {
		filter.Standing = ""
	}
	if id, err := uuid.Parse(r.URL.Query().Get("customer")); err == nil && !v.OfCustomer() {
		filter.Customer = id
	}
	query := ask.query()
	query.Filter = daysAsStored(query.Filter)
	found, err := p.Queries.Invoices.List(ctx, v, filter, query)
	if errors.Is(err, projections.ErrUnknownField) {
		return notFound()
	}
	if err != nil {
		return err
	}
	sums, err := p.Queries.Invoices.Sums(ctx, v, filter, query)
	if err != nil {
		return err
	}
	page := invoicesPage{List: ask, Standing: filter.Standing, Rows: found.Items, Pager: ask.pager(len(found.Items), found.Total), Totals: byStanding(sums),
		MayIssue: access.MayManage(v, access.IssueInvoices) == nil, OfAgency: !v.OfCustomer()}
	for _, s := range standings {
		page.Standings = append(page.Standings, forms.Option{Value: s, Label: p.in(r.Context()).say("invoice." + s)})
	}
	if page.OfAgency {
		if filter.Customer != uuid.Nil {
			page.Customer = filter.Customer.String()
		}
		all, err := p.Queries.People.Customers(ctx, v, projections.ListQuery{Limit: mostOfCustomer})
		if err != nil {
			return err
		}
		for _, c := range all.Items {
			page.Customers = append(page.Customers, forms.Option{Value: c.ID.String(), Label: c.Name})
		}
	}
	if page.MayIssue {
		drafts := slices.DeleteFunc(slices.Clone(sums), func(s invoices.Sum) bool { return s.Standing != invoices.StandingDraft })
		if filter != (invoices.Filter{}) || len(query.Filter) > 0 { // the sums are not of all drafts
			if drafts, err = p.Queries.Invoices.Sums(ctx, v, invoices.Filter{Standing: invoices.StandingDraft}, projections.ListQuery{}); err != nil {
				return err
			}
		}
		page.Ready = drafts
	}
	return p.render(w, r, http.StatusOK, "invoices", "invoice.title", page)
}

var standings = []string{invoices.StandingDraft, billing.Due, billing.Overdue}

// daysAsStored turns days as people type them into the texts that the columns hold.
func daysAsStored(filters map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range filters {
		if name == "issuedOn" || name == "dueOn" {
			text = dayText(text)
		}
		out[name] = text
	}
	return out
}

// byStanding adds customers up.
func byStanding(sums []invoices.Sum) []standingSum {
	var out []standingSum
	for _, s := range sums {
		i := slices.IndexFunc(out, func(o standingSum) bool { return o.Standing == s.Standing })
		if i < 0 {
			i = len(out)
			out = append(out, standingSum{Standing: s.Standing})
		}
		out[i].Count += s.Count
		n := slices.IndexFunc(out[i].Totals, func(m domain.Money) bool { return m.Currency == s.Total.Currency })
		if n < 0 {
			out[i].Totals = append(out[i].Totals, s.Total)
		} else {
			out[i].Totals[n] = out[i].Totals[n].Add(s.Total)
		}
	}
	slices.SortFunc(out, func(a, b standingSum) int {
		return cmp.Compare(slices.Index(standings, a.Standing), slices.Index(standings, b.Standing))
	})
	return out
}

// issuePage is where finance chooses a customer's drafts, sees what they come to, and issues them as one invoice.
type issuePage struct {
	Customer     uuid.UUID
	CustomerName string
	Drafts       []draftRow
	Total        domain.Money
	Faulty       int // drafts without a price: they wait for terms
	More         int // drafts besides: an invoice holds so many jobs at most
	Refusal      *domain.Refusal
}

// draftRow is a finished job that is not billed yet.
type draftRow struct {
	invoices.Invoice
	Chosen bool
}

// Job is its reference.
func (d draftRow) Job() string { return strings.Join(d.Jobs, " ") }

// mostDrafts is how many jobs one invoice holds at most.
const mostDrafts = 500

// chooseDrafts lists a customer's drafts, all of them chosen.
func (p *Portal) chooseDrafts(w http.ResponseWriter, r *http.Request) error {
	page, err := p.draftsOf(r, r.URL.Query().Get("customer"), true, nil)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "issue", "issue.title", page)
}

// checkDrafts shows what the chosen drafts come to, to be confirmed.
func (p *Portal) checkDrafts(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	page, err := p.draftsOf(r, q.Get("customer"), false, q["jobs"])
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(page.Drafts, func(d draftRow) bool { return d.Chosen }) {
		page.Refusal = domain.Invalid(domain.FieldError{Location: "body.jobs", Message: p.in(r.Context()).say("issue.none-chosen")})
		return p.render(w, r, page.Refusal.Status, "issue", "issue.title", page)
	}
	return p.render(w, r, http.StatusOK, "issuecheck", "issue.check", page)
}

// draftsOf are a customer's drafts and what the chosen ones come to, of those that have a price.
func (p *Portal) draftsOf(r *http.Request, customer string, all bool, chosen []string) (issuePage, error) {
	ctx, v := r.Context(), viewer(r.Context())
	if err := access.MayManage(v, access.IssueInvoices); err != nil {
		return issuePage{}, err
	}
	id, err := uuid.Parse(customer)
	if err != nil {
		return issuePage{}, notFound()
	}
	c, known, err := p.Queries.People.Customer(ctx, v, id)
	switch {
	case err != nil:
		return issuePage{}, err
	case !known:
		return issuePage{}, notFound()
	}
	found, err := p.Queries.Invoices.List(ctx, v, invoices.Filter{Customer: id, Standing: invoices.StandingDraft}, projections.ListQuery{Limit: mostDrafts, Sort: "at"})
	if err != nil {
		return issuePage{}, err
	}
	agency, err := p.agency(ctx)
	if err != nil {
		return issuePage{}, err
	}
	page := issuePage{Customer: id, CustomerName: c.Name, More: found.Total - len(found.Items), Total: domain.Money{Currency: agency.Settings.Currency}}
	for _, d := range found.Items {
		row := draftRow{Invoice: d}
		switch {
		case d.Fault != "":
			page.Faulty++
		case all || slices.Contains(chosen, row.Job()):
			row.Chosen = true
			page.Total = domain.Money{Minor: page.Total.Minor + d.Total.Minor, Currency: d.Total.Currency}
		}
		page.Drafts = append(page.Drafts, row)
	}
	return page, nil
}

// issueInvoice issues what was chosen, at the total that was shown: if the jobs come to another one, it is shown and confirmed anew.
func (p *Portal) issueInvoice(w http.ResponseWriter, r *http.Request) error {
	if err := access.MayManage(viewer(r.Context()), access.IssueInvoices); err != nil {
		return err
	}
	req, err := p.request(r, "issue-invoice")
	if err != nil {
		return err
	}
	f := r.PostForm
	answer, err := p.sendInvoice(r, req, f)
	if no := correctable(err); no != nil {
		page, err := p.draftsOf(r, f.Get("customer"), false, f["jobs"])
		if err != nil {
			return err
		}
		page.Refusal = namingJobs(no, f["jobs"])
		if no.Code == "total-differs" {
			return p.render(w, r, no.Status, "issuecheck", "issue.check", page)
		}
		return p.render(w, r, no.Status, "issue", "issue.title", page)
	}
	if err != nil {
		return err
	}
	return p.done(w, r, "/invoices/"+answer.ID.String(), "issue-invoice", answer.Position)
}

// namingJobs says of which job a fault is: by its reference, for the list that is shown may be another one than was sent.
func namingJobs(no *domain.Refusal, jobs []string) *domain.Refusal {
	out := *no
	out.Errors = slices.Clone(no.Errors)
	for i, e := range out.Errors {
		for n, job := range jobs {
			if e.Location == fmt.Sprintf("body.jobs[%d]", n) {
				out.Errors[i] = domain.FieldError{Location: "body.jobs", Message: job + ": " + e.Message}
			}
		}
	}
	return &out
}

func (p *Portal) sendInvoice(r *http.Request, req commands.Request, f url.Values) (commands.InvoiceAnswer, error) {
	customer, err := uuid.Parse(f.Get("customer"))
	if err != nil {
		return commands.InvoiceAnswer{}, notFound()
	}
	expected, err := domain.ParseMoney(f.Get("expectedTotal.amount"), f.Get("expectedTotal.currency"))
	if err != nil {
		return commands.InvoiceAnswer{}, domain.Invalid(domain.FieldError{Location: "body.expectedTotal", Message: p.in(r.Context()).say("issue.bad-total")})
	}
	return p.Commands.IssueInvoice(r.Context(), req, commands.InvoiceIn{Customer: customer, Jobs: f["jobs"], Expected: expected})
}

// invoicePage is one draft or one invoice, as it is printed.
type invoicePage struct {
	invoices.Whole
	Work     []billedJob
	BillTo   []string
	History  bool // the events that lines came from may be read
	MayIssue bool
	OfAgency bool
}

// billedJob is a job on an invoice with its lines.
type billedJob struct {
	invoices.Work
	Lines []billedLine
}

// billedLine is a line as it is printed.
type billedLine struct{ billing.Line }

// Minutes is how much time, of a line for hours.
func (l billedLine) Minutes() int { return int(l.Line.Quantity) }

// Units is how many, of every other.
func (l billedLine) Units() string {
	return strings.TrimSuffix(strings.TrimSuffix(domain.FormatHundredths(l.Line.Quantity), "0"), ".0")
}

// Time tells whether the line is for hours.
func (l billedLine) Time() bool { return l.Kind == billing.TimeKind }

// invoice is the page of one invoice (II-98).
func (p *Portal) invoice(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), viewer(r.Context())
	if err := access.MayManage(v, access.ReadInvoices); err != nil {
		return err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return err
	}
	found, err := p.Queries.Invoices.Get(ctx, v, id)
	if err != nil {
		return err
	}
	page := invoicePage{Whole: found, History: access.MayManage(v, access.ReadHistory) == nil, MayIssue: access.MayManage(v, access.IssueInvoices) == nil, OfAgency: !v.OfCustomer()}
	for _, work := range found.Work {
		job := billedJob{Work: work}
		for _, l := range found.Lines {
			if l.Job == work.Job {
				job.Lines = append(job.Lines, billedLine{l})
			}
		}
		page.Work = append(page.Work, job)
		if text := strings.TrimSpace(work.BillTo); text != "" && !slices.Contains(page.BillTo, text) {
			page.BillTo = append(page.BillTo, text)
		}
	}
	title := found.Ref
	if title == "" {
		title = p.in(r.Context()).say("invoice.draft-of", strings.Join(found.Jobs, " "))
	}
	return p.render(w, r, http.StatusOK, "invoice", " "+title, page)
}
