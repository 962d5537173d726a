package commands_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/billing"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// done makes a job that is complete: success, an hour worked.
func (w *world) done(ana uuid.UUID, hour int) string {
	w.t.Helper()
	job := w.book(fmt.Sprintf("2026-07-01T%02d:00", hour))
	do := func(r commands.Request, c func(booking.Job) (booking.Command, error)) {
		w.t.Helper()
		if _, err := w.h.Job(w.t.Context(), r, job.Ref, c); err != nil {
			w.t.Fatal(err)
		}
	}
	do(w.by(w.staff, "assign"), assignTo(ana))
	late := w.by(w.requestor, "submit-timesheet")
	late.At = now.AddDate(0, 2, 0)
	do(late, func(j booking.Job) (booking.Command, error) {
		return booking.SubmitTimesheet{Job: j.ID, Side: booking.CustomerSide, Blocks: []booking.BlockIn{
			{Start: fmt.Sprintf("2026-07-01T%02d:00", hour), End: fmt.Sprintf("2026-07-01T%02d:30", hour)}}}, nil
	})
	accept := w.by(w.staff, "accept-timesheet")
	accept.At = late.At
	do(accept, func(j booking.Job) (booking.Command, error) {
		return booking.AcceptTimesheet{Job: j.ID, Side: booking.InterpreterSide}, nil
	})
	return job.Ref
}

func pounds(n int64) domain.Money { return domain.Money{Minor: n * 100, Currency: "GBP"} }

// TestInvoices: prices come from the jobs' streams, a job is billed once, another total than expected changes nothing, and a repeat gets
// the same invoice.
func TestInvoices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	finance := viewer(domain.Finance)
	ana := w.interpreter("LIN/5455/5J71Y")
	first, second, third := w.done(ana, 8), w.done(ana, 10), w.done(ana, 12)
	open := w.book("2026-07-01T14:00").Ref
	issue := func(r commands.Request, total int64, jobs ...string) (commands.InvoiceAnswer, error) {
		return w.h.IssueInvoice(t.Context(), r, commands.InvoiceIn{Customer: w.customer, Jobs: jobs, Expected: pounds(total)})
	}
	_, err := issue(w.by(w.staff, "issue-invoice"), 48, first)
	refused(t, err, "not-permitted")
	_, err = issue(w.by(finance, "issue-invoice"), 50, first)
	if no := refused(t, err, "total-differs"); no.Status != 409 {
		t.Errorf("status %d", no.Status)
	}
	_, err = issue(w.by(finance, "issue-invoice"), 48, first, open, "DTP99999")
	refused(t, err, "invalid")

	r := w.keyed(finance, "issue-invoice", "/invoices", "k", "body")
	made, err := issue(r, 96, first, second)
	if err != nil {
		t.Fatal(err)
	}
	if made.Number != 1 || made.Total != pounds(96) {
		t.Errorf("made %v", made)
	}
	if again, err := issue(r, 96, first, second); err != nil || again != made {
		t.Errorf("again %v %v, want %v", again, err, made)
	}
	_, err = issue(w.by(finance, "issue-invoice"), 48, second)
	refused(t, err, "already-billed")
	next, err := issue(w.by(finance, "issue-invoice"), 48, third)
	if err != nil || next.Number != 2 {
		t.Errorf("the next invoice: %v %v", next, err)
	}
	if again, err := issue(r, 96, first, second); err != nil || again != made {
		t.Errorf("again, later: %v %v, want %v", again, err, made)
	}
	issued := w.events(eventschema.BillingStream(w.customer))[0].Event.(billing.Issued)
	target := w.refs.jobs[first]
	submitted := slices.IndexFunc(w.events(eventschema.BookingStream(target[0])), func(e eventschema.Recorded) bool {
		_, ok := e.Event.(booking.TimesheetSubmitted)
		return ok
	})
	if line := issued.Lines[0]; len(line.Events) != 2 || line.Events[0] != w.events(eventschema.BookingStream(target[0]))[submitted].ID || line.Quantity != 60 {
		t.Errorf("the line comes from %v", line)
	}
}

// TestInvoiceNumbersHaveNoGaps: three processes issue the same jobs and others at once, and some die between the claim and the invoice. In
// the end the numbers are 1, 2, 3 …
func TestInvoiceNumbersHaveNoGaps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	finance := viewer(domain.Finance)
	ana := w.interpreter("LIN/5455/5J71Y")
	var jobs []string
	for hour := range 6 {
		jobs = append(jobs, w.done(ana, 6+2*hour))
	}
	issue := func(h *commands.Handler, job string) error {
		_, err := h.IssueInvoice(t.Context(), w.by(finance, "issue-invoice"), commands.InvoiceIn{Customer: w.customer, Jobs: []string{job}, Expected: pounds(48)})
		return err
	}
	if err := issue(w.process(&mortal{Log: w.log, left: 2}), jobs[0]); !errors.Is(err, errKilled) {
		t.Fatalf("killed between the claim and the invoice: %v", err)
	}
	var wait sync.WaitGroup
	for range 3 {
		h := w.process(w.log)
		for _, job := range jobs {
			wait.Go(func() {
				err := insist(func() error { return issue(h, job) })
				if err != nil && !errors.Is(err, &domain.Refusal{Code: "already-billed"}) {
					t.Error(err)
				}
			})
		}
	}
	wait.Wait()
	for i, e := range w.events(eventschema.BillingStream(w.customer)) {
		if issued := e.Event.(billing.Issued); issued.Number != int64(i+1) {
			t.Errorf("invoice %d has number %d", i+1, issued.Number)
		}
	}
	if n := len(w.events(eventschema.BillingStream(w.customer))); n != len(jobs) {
		t.Errorf("%d invoices, want %d", n, len(jobs))
	}
}

// TestInvoicesUseTheTermsInForceAtCompletion: dearer terms that come after a job was completed do not touch its price, and hold for later ones.
func TestInvoicesUseTheTermsInForceAtCompletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana := w.interpreter("LIN/5455/5J71Y")
	before := w.done(ana, 8)
	dearer := forms.TermsV1()
	dearer.Hourly = maps.Clone(dearer.Hourly)
	for kind, price := range dearer.Hourly {
		dearer.Hourly[kind] = domain.Money{Minor: price.Minor + 10000, Currency: price.Currency}
	}
	if _, err := w.h.DefineTerms(t.Context(), w.by(viewer(domain.Admin), "define-terms"), dearer); err != nil {
		t.Fatal(err)
	}
	after := w.done(ana, 10)
	issue := func(total int64, job string) error {
		_, err := w.h.IssueInvoice(t.Context(), w.by(viewer(domain.Finance), "issue-invoice"),
			commands.InvoiceIn{Customer: w.customer, Jobs: []string{job}, Expected: pounds(total)})
		return err
	}
	if err := issue(48, before); err != nil {
		t.Errorf("a job completed before the change: %v", err)
	}
	if err := issue(148, after); err != nil {
		t.Errorf("a job completed after the change: %v", err)
	}
}
