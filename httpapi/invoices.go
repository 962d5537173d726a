package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections/invoices"
)

// InvoiceItem is an invoice, or a draft, in a list.
type InvoiceItem struct {
	ID           uuid.UUID  `json:"id" doc:"Of a draft: the job's id."`
	Standing     string     `json:"standing" doc:"draft, due or overdue."`
	Ref          string     `json:"ref"`
	Number       *int64     `json:"number" doc:"Null: a draft has none."`
	Customer     uuid.UUID  `json:"customer"`
	CustomerName string     `json:"customerName"`
	Jobs         []string   `json:"jobs"`
	IssuedOn     string     `json:"issuedOn,omitempty"`
	DueOn        string     `json:"dueOn,omitempty"`
	At           time.Time  `json:"at"`
	Total        *moneyBody `json:"total"`
	Fault        string     `json:"fault,omitempty" doc:"Why a draft could not be priced."`
	Partial      bool       `json:"partial,omitempty" doc:"It holds lines of jobs that you may not know."`
}

func invoiceOf(i invoices.Invoice) InvoiceItem {
	item := InvoiceItem{ID: i.ID, Standing: i.Standing, Ref: i.Ref, Customer: i.Customer, CustomerName: i.CustomerName, Jobs: i.Jobs,
		IssuedOn: i.IssuedOn, DueOn: i.DueOn, At: i.At, Total: moneyOf(i.Total), Fault: i.Fault, Partial: i.Partial}
	if i.Number != 0 {
		item.Number = &i.Number
	}
	return item
}

type workItem struct {
	Ref         string         `json:"ref"`
	Start       time.Time      `json:"start"`
	Language    string         `json:"language"`
	ServiceType string         `json:"serviceType"`
	Outcome     domain.Outcome `json:"outcome"`
	BillTo      string         `json:"billTo"`
	Worked      int            `json:"workedMinutes" doc:"Elapsed time, whatever the clocks on the wall showed."`
	Blocks      []blockItem    `json:"blocks" doc:"The hours worked, each with its offset."`
}

type wholeInvoice struct {
	InvoiceItem
	Lines []lineItem `json:"lines"`
	Work  []workItem `json:"work" doc:"What the lines were for, a job each."`
}

type issueBody struct {
	Customer      uuid.UUID `json:"customer"`
	Jobs          []string  `json:"jobs" minItems:"1" maxItems:"500" doc:"References of finished jobs."`
	ExpectedTotal moneyBody `json:"expectedTotal" doc:"What you saw; another total is 409."`
}

type issueAnswer struct {
	ID     uuid.UUID  `json:"id"`
	Number int64      `json:"number"`
	Ref    string     `json:"ref"`
	Total  *moneyBody `json:"total"`
}

func (a *API) invoices() {
	models := []string{invoices.Name}
	type query struct {
		Listing
		Customer uuid.UUID `query:"customer"`
		Standing string    `query:"standing" enum:"draft,due,overdue"`
	}
	get(a, "/invoices", "Drafts, a job each, and issued invoices (II-95..97)", models, func(ctx context.Context, v access.Viewer, in *query) (List[InvoiceItem], error) {
		page, err := a.Queries.Invoices.List(ctx, v, invoices.Filter{Customer: in.Customer, Standing: in.Standing}, in.query())
		return listOf(&in.Listing, page, err, invoiceOf)
	})
	type one struct {
		Asking
		ID uuid.UUID `path:"id"`
	}
	get(a, "/invoices/{id}", "One of them, with lines, their events and terms version", models, func(ctx context.Context, v access.Viewer, in *one) (wholeInvoice, error) {
		found, err := a.Queries.Invoices.Get(ctx, v, in.ID)
		out := wholeInvoice{InvoiceItem: invoiceOf(found.Invoice), Lines: []lineItem{}, Work: []workItem{}}
		for _, l := range found.Lines {
			out.Lines = append(out.Lines, lineOf(l))
		}
		for _, w := range found.Work {
			item := workItem{w.Ref, w.Start, w.Language, w.ServiceType, w.Outcome, w.BillTo, w.Worked, make([]blockItem, 0, len(w.Blocks))}
			for _, b := range w.Blocks {
				item.Blocks = append(item.Blocks, blockItem(b))
			}
			out.Work = append(out.Work, item)
		}
		return out, err
	})
	op := a.operation(http.MethodPost, "/invoices", "Issue: price again from the jobs' own events, freeze, number", http.StatusCreated)
	huma.Register(a.huma, a.mayManage(op, access.IssueInvoices),
		func(ctx context.Context, in *order[issueBody]) (*commandAnswer[issueAnswer], error) {
			req, err := a.request(ctx, "issue-invoice", in.Ordering, in.RawBody)
			if err != nil {
				return nil, a.wrong(ctx, err)
			}
			expected, err := domain.ParseMoney(in.Body.ExpectedTotal.Amount, in.Body.ExpectedTotal.Currency)
			if err != nil {
				return nil, a.wrong(ctx, domain.Invalid(domain.FieldError{Location: "body.expectedTotal", Message: "Send an amount such as 85.00 and its currency."}))
			}
			done, err := a.commands.IssueInvoice(ctx, req, commands.InvoiceIn{Customer: in.Body.Customer, Jobs: in.Body.Jobs, Expected: expected})
			if err != nil {
				return nil, a.answerTo(ctx, err)
			}
			return positioned(done.Position, &done.Revision, issueAnswer{done.ID, done.Number, done.Ref, moneyOf(done.Total)}), nil
		})
}
