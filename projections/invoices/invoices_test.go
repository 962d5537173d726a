package invoices_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/billing"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/invoices"
	"github.com/dragoman-booking/dragoman/projections/jobrow/jobtest"
	"github.com/dragoman-booking/dragoman/projections/projtest"
)

func TestSameRowsHoweverTheyCome(t *testing.T) {
	t.Parallel()
	jobtest.SameRows(t, invoices.Projector{})
}

func gbp(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: "GBP"} }

// office is a finance desk on a log that grows.
type office struct {
	t *testing.T
	w *jobtest.Writer
	b *projtest.Bench
	q invoices.Queries
}

func newOffice(t *testing.T) *office {
	t.Helper()
	log := projtest.NewLog(0)
	w := jobtest.NewWriter(log)
	jobtest.People(w)
	b := projtest.Start(t, log, invoices.Projector{})
	return &office{t, w, b, invoices.Queries{Models: b.Models}}
}

func (o *office) settled() {
	o.t.Helper()
	o.b.Await(o.t, o.w.Log.Events().Last().Position, invoices.Name)
}

func (o *office) list(v access.Viewer, f invoices.Filter) []invoices.Invoice {
	o.t.Helper()
	o.settled()
	page, err := o.q.List(o.t.Context(), v, f, projections.ListQuery{})
	if err != nil {
		o.t.Fatal(err)
	}
	return page.Items
}

func (o *office) get(v access.Viewer, id uuid.UUID) invoices.Whole {
	o.t.Helper()
	o.settled()
	w, err := o.q.Get(o.t.Context(), v, id)
	if err != nil {
		o.t.Fatal(err)
	}
	return w
}

// lastID is the id of the newest event of a kind.
func lastID[E any](w *jobtest.Writer) (id uuid.UUID) {
	for _, e := range w.Log.Events() {
		if _, ok := e.Event.(E); ok {
			id = e.ID
		}
	}
	return id
}

// Terms version 1: at least an hour, incidentals by quantity or by amount, every line from the events that it came from.
func TestADraftIsPricedByTheTerms(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.w.On(1, jobtest.Book(1, "", jobtest.Wanted(1, "2020-03-26T10:00", 60)), jobtest.Assign(1, jobtest.Ana), jobtest.Submit(1, 61),
		booking.TimesheetDisputed{Job: jobtest.Job(1), Side: booking.InterpreterSide, Reason: "longer"},
		jobtest.Submit(1, 75, booking.Incidental{Kind: forms.Mileage, Quantity: 1250, Note: "by car"}, booking.Incidental{Kind: forms.Parking, Amount: &domain.Money{Minor: 350, Currency: "GBP"}}))
	submitted := lastID[booking.TimesheetSubmitted](o.w)
	if got := o.list(jobtest.Finance, invoices.Filter{}); len(got) != 0 {
		t.Errorf("hours that nobody accepted are billed: %+v", got)
	}
	o.w.After(time.Hour).On(1, jobtest.Settle(1, 75))
	accepted := lastID[booking.TimesheetAccepted](o.w)

	line := func(kind string, quantity, unit, amount int64) billing.Line {
		return billing.Line{Job: jobtest.Job(1), Ref: jobtest.Ref(1), Booking: jobtest.Booking(1), Revision: 5, Events: []uuid.UUID{submitted, accepted}, TermsVersion: 1,
			Kind: kind, Quantity: quantity, UnitPrice: gbp(unit), Amount: gbp(amount)}
	}
	want := invoices.Whole{
		Invoice: invoices.Invoice{ID: jobtest.Job(1), Standing: invoices.StandingDraft, Customer: jobtest.Police, CustomerName: "Police", Jobs: []string{jobtest.Ref(1)},
			At: jobtest.Clock.Add(time.Hour), Total: gbp(6000 + 563 + 350)},
		Lines: []billing.Line{line("time", 75, 4800, 6000), line(forms.Mileage, 1250, 45, 563), line(forms.Parking, 100, 350, 350)}, // 5.625 is rounded half up
		Work: []invoices.Work{{Job: jobtest.Job(1), Ref: jobtest.Ref(1), Start: jobtest.Local("2020-03-26T10:00").In(), Language: "pl",
			ServiceType: forms.ServiceFaceToFace, Outcome: domain.Success, BillTo: "Police HQ", Worked: 75,
			Blocks: []invoices.Block{{Start: jobtest.Local("2020-03-26T10:00").In(), End: jobtest.Local("2020-03-26T11:15").In()}}}},
	}
	if diff := cmp.Diff(want, o.get(jobtest.Finance, jobtest.Job(1))); diff != "" {
		t.Errorf("the draft (-want +got):\n%s", diff)
	}
	if got := o.list(jobtest.Finance, invoices.Filter{}); !cmp.Equal(got, []invoices.Invoice{want.Invoice}) {
		t.Errorf("listed: %+v", got)
	}
}

func TestWhichOutcomesAreBilled(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	all := []domain.Outcome{domain.Success, domain.NotFulfilled, domain.Aborted, domain.ClientNoShow, domain.WorkerNoShow, domain.Curtailed}
	var jobs []booking.NewJob
	for n := range all {
		jobs = append(jobs, jobtest.Wanted(byte(n+1), "2020-03-24T08:00", 60))
	}
	o.w.On(1, jobtest.Book(1, "", jobs...))
	for n, outcome := range all {
		o.w.After(time.Second).On(1, booking.Closed{Job: jobtest.Job(byte(n + 1)), Outcome: outcome, Worked: 10 * n})
	}
	var got []string
	for _, i := range o.list(jobtest.Finance, invoices.Filter{Standing: invoices.StandingDraft}) {
		got = append(got, i.Jobs[0]+" "+i.Total.String())
	}
	// Each is less than an hour, so it is an hour's price (the newest first).
	if want := []string{jobtest.Ref(6) + " 48.00 GBP", jobtest.Ref(4) + " 48.00 GBP", jobtest.Ref(1) + " 48.00 GBP"}; !slices.Equal(got, want) {
		t.Errorf("billed are %v, want %v", got, want)
	}
}

// New terms price what is completed after them; a draft keeps its own, and so does one made before any terms were defined.
func TestTermsInForceAtCompletion(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	w := jobtest.NewWriter(log)
	dearer := forms.TermsV1()
	dearer.Version, dearer.Hourly = 2, map[string]domain.Money{forms.ServiceFaceToFace: gbp(6000)}
	other := forms.TermsV1()
	other.ID, other.Version, other.Hourly = "someone-elses", 7, map[string]domain.Money{forms.ServiceFaceToFace: gbp(1)}
	w.On(1, jobtest.Book(1, "", jobtest.Wanted(1, "2020-03-24T08:00", 60), jobtest.Wanted(2, "2020-03-24T08:00", 60)), booking.Closed{Job: jobtest.Job(1), Outcome: domain.Success, Worked: 60})
	w.Append(eventschema.TermsStream(forms.DefaultTermsID), forms.TermsDefined{Terms: dearer})
	w.Append(eventschema.TermsStream(other.ID), forms.TermsDefined{Terms: other})
	w.On(1, booking.Closed{Job: jobtest.Job(2), Outcome: domain.Success, Worked: 60})
	b := projtest.Start(t, log, invoices.Projector{})
	o := &office{t, w, b, invoices.Queries{Models: b.Models}}
	for job, want := range map[byte]struct {
		amount  int64
		version int
	}{1: {4800, 1}, 2: {6000, 2}} {
		if got := o.get(jobtest.Finance, jobtest.Job(job)); got.Total != gbp(want.amount) || got.Lines[0].TermsVersion != want.version {
			t.Errorf("job %d: %+v", job, got)
		}
	}
}

// What the terms have no price for is listed with the reason, not lost.
func TestADraftWithoutAPrice(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	odd := jobtest.Book(1, "", jobtest.Wanted(1, "2020-03-24T08:00", 60))
	odd.Shared.ServiceType = "escort"
	o.w.On(1, odd, booking.Closed{Job: jobtest.Job(1), Outcome: domain.Success, Worked: 60})
	got := o.list(jobtest.Finance, invoices.Filter{})
	if len(got) != 1 || got[0].Fault == "" || got[0].Total != gbp(0) {
		t.Errorf("listed: %+v", got)
	}
	if w := o.get(jobtest.Finance, jobtest.Job(1)); len(w.Lines) != 0 {
		t.Errorf("lines: %+v", w.Lines)
	}
}

// issue puts two of the police's jobs on an invoice: job 1 of the custody suite at the station, job 2 of CID at the yard; job 3 stays a draft.
func issue(t *testing.T) (*office, billing.Issued) {
	t.Helper()
	o := newOffice(t)
	second := jobtest.Wanted(2, "2020-03-24T07:00", 60)
	second.Differs = &booking.Details{Client: jobtest.CID, Location: jobtest.Yard}
	o.w.On(1, jobtest.Book(1, "", jobtest.Wanted(1, "2020-03-24T08:00", 60), second, jobtest.Wanted(3, "2020-03-24T08:00", 60)))
	foreign := jobtest.Book(2, "", jobtest.Wanted(4, "2020-03-24T08:00", 60))
	foreign.Customer, foreign.Shared.Client, foreign.Shared.Location = jobtest.Courts, uuid.Nil, uuid.Nil
	o.w.On(2, foreign)
	for n := byte(1); n <= 4; n++ {
		o.w.After(time.Minute).On(1+n/4, booking.Closed{Job: jobtest.Job(n), Outcome: domain.Success, Worked: 60 * int(n)})
	}
	i := billing.Issued{Customer: jobtest.Police, Invoice: jobtest.ID(0xf5, 1), Number: 41, Ref: billing.Ref(41), IssuedOn: "2020-03-24", DueOn: "2020-04-23", At: o.w.At.Add(time.Hour), Total: gbp(14400)}
	for n := byte(1); n <= 2; n++ {
		i.Lines = append(i.Lines, billing.Line{Job: jobtest.Job(n), Ref: jobtest.Ref(n), Booking: jobtest.Booking(1), Revision: uint64(n), Events: []uuid.UUID{jobtest.ID(0xf6, n)},
			TermsVersion: 1, Kind: "time", Quantity: 60 * int64(n), UnitPrice: gbp(4800), Amount: gbp(4800 * int64(n))})
	}
	o.w.Append(eventschema.BillingStream(jobtest.Police), i)
	return o, i
}

func TestAnIssuedInvoice(t *testing.T) {
	t.Parallel()
	o, i := issue(t)
	want := invoices.Invoice{ID: i.Invoice, Standing: billing.Due, Ref: "INV000041", Number: 41, Customer: jobtest.Police, CustomerName: "Police", Jobs: []string{jobtest.Ref(1), jobtest.Ref(2)},
		IssuedOn: "2020-03-24", DueOn: "2020-04-23", At: i.At, Total: gbp(14400)}
	w := o.get(jobtest.Finance, i.Invoice)
	if !cmp.Equal(w.Invoice, want) || !cmp.Equal(w.Lines, i.Lines) || len(w.Work) != 2 || w.Work[1].Ref != jobtest.Ref(2) {
		t.Errorf("the invoice is %s", projtest.JSON(w))
	}
	// Its jobs are no drafts any more; the newest comes first.
	var refs []string
	for _, l := range o.list(jobtest.Finance, invoices.Filter{}) {
		refs = append(refs, l.Standing+" "+l.Jobs[0])
	}
	if want := []string{"due " + jobtest.Ref(1), "draft " + jobtest.Ref(4), "draft " + jobtest.Ref(3)}; !slices.Equal(refs, want) {
		t.Errorf("listed: %q, want %q", refs, want)
	}
	if _, err := o.q.Get(t.Context(), jobtest.Finance, jobtest.Job(1)); status(err) != 404 {
		t.Errorf("a billed job is still a draft: %v", err)
	}

	// By the customer's day: at 23:30 UTC on the 23rd it is the 24th in London.
	for now, standing := range map[time.Time]string{
		time.Date(2020, 4, 23, 22, 59, 0, 0, time.UTC): billing.Due,
		time.Date(2020, 4, 23, 23, 30, 0, 0, time.UTC): billing.Overdue,
	} {
		v := jobtest.When(jobtest.Finance, now)
		if got := o.get(v, i.Invoice); got.Standing != standing {
			t.Errorf("at %v it is %s", now, got.Standing)
		}
		if got := o.list(v, invoices.Filter{Standing: standing, Customer: jobtest.Police}); len(got) != 1 || got[0].ID != i.Invoice {
			t.Errorf("at %v, %s: %+v", now, standing, got)
		}
	}
	if got := o.list(jobtest.Finance, invoices.Filter{Customer: jobtest.Courts}); len(got) != 1 || got[0].Jobs[0] != jobtest.Ref(4) {
		t.Errorf("the courts': %+v", got)
	}
	page, err := o.q.List(t.Context(), jobtest.Finance, invoices.Filter{}, projections.ListQuery{Limit: 1, Offset: 1, Sort: "total", Filter: map[string]string{"customer": "polic"}})
	if err != nil || page.Total != 2 || len(page.Items) != 1 {
		t.Errorf("a page: %+v %v", page, err)
	}
	for _, l := range []projections.ListQuery{{Limit: 1}, {Limit: 2, Offset: 1}, {Limit: 3}, {Limit: 3, Offset: 3}, {}, {Limit: 1000}} {
		page, err := o.q.List(t.Context(), jobtest.Finance, invoices.Filter{}, l)
		if err != nil || page.Total != 3 {
			t.Errorf("of %+v: %d in all, %v", l, page.Total, err)
		}
	}
}

// What is listed is added up whole, whatever part of it is shown, as the filters leave it and as far as the viewer may know it.
func TestSums(t *testing.T) {
	t.Parallel()
	o, _ := issue(t)
	odd := jobtest.Book(3, "", jobtest.Wanted(5, "2020-03-24T08:00", 60))
	odd.Shared.ServiceType = "escort"
	o.w.On(3, odd, booking.Closed{Job: jobtest.Job(5), Outcome: domain.Success, Worked: 60})
	o.settled()
	courts := invoices.Sum{Standing: invoices.StandingDraft, Customer: jobtest.Courts, CustomerName: "Courts", Count: 1, Total: gbp(4800 * 4)}
	drafts := invoices.Sum{Standing: invoices.StandingDraft, Customer: jobtest.Police, CustomerName: "Police", Count: 2, Faulty: 1, Total: gbp(4800 * 3)}
	issued := invoices.Sum{Standing: billing.Due, Customer: jobtest.Police, CustomerName: "Police", Count: 1, Total: gbp(14400)}
	for name, c := range map[string]struct {
		v    access.Viewer
		f    invoices.Filter
		l    projections.ListQuery
		want []invoices.Sum
	}{
		"all, though one is shown": {v: jobtest.Finance, l: projections.ListQuery{Limit: 1}, want: []invoices.Sum{courts, drafts, issued}},
		"drafts":                   {v: jobtest.Finance, f: invoices.Filter{Standing: invoices.StandingDraft}, want: []invoices.Sum{courts, drafts}},
		"a customer's":             {v: jobtest.Finance, f: invoices.Filter{Customer: jobtest.Courts}, want: []invoices.Sum{courts}},
		"by a column":              {v: jobtest.Finance, l: projections.ListQuery{Filter: map[string]string{"ref": "INV"}}, want: []invoices.Sum{issued}},
		"the own ones":             {v: jobtest.With(jobtest.Requestor, domain.MayFinancials), want: []invoices.Sum{drafts, issued}},
		"the own lines":            {v: jobtest.With(jobtest.Detective, domain.MayFinancials), want: []invoices.Sum{{Standing: billing.Due, Customer: jobtest.Police, CustomerName: "Police", Count: 1, Total: gbp(9600)}}},
	} {
		got, err := o.q.Sums(t.Context(), c.v, c.f, c.l)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	if _, err := o.q.Sums(t.Context(), jobtest.Requestor, invoices.Filter{}, projections.ListQuery{}); status(err) != 403 {
		t.Errorf("without the permission: %v", err)
	}
	if _, err := o.q.Sums(t.Context(), jobtest.Finance, invoices.Filter{}, projections.ListQuery{Filter: map[string]string{"x": "y"}}); !errors.Is(err, projections.ErrUnknownField) {
		t.Errorf("by a column that there is not: %v", err)
	}
}

func TestWhoReadsInvoices(t *testing.T) {
	t.Parallel()
	o, i := issue(t)
	o.settled()
	money := domain.MayFinancials
	for name, c := range map[string]struct {
		v     access.Viewer
		list  []string // standing and jobs, newest first; nil: refused
		issue int      // what asking for the invoice answers
		draft int      // and for the police's draft
	}{
		"finance":                {jobtest.Finance, []string{"due 1 2", "draft 4", "draft 3"}, 200, 200},
		"admin":                  {jobtest.Admin, []string{"due 1 2", "draft 4", "draft 3"}, 200, 200},
		"auditor":                {jobtest.Auditor, []string{"due 1 2", "draft 4", "draft 3"}, 200, 200},
		"requestor":              {jobtest.With(jobtest.Requestor, money), []string{"due 1 2", "draft 3"}, 200, 200},
		"customer-admin":         {jobtest.With(jobtest.Chief, money), []string{"due 1 2", "draft 3"}, 200, 200},
		"custody's":              {jobtest.With(jobtest.Warden, money), []string{"due 1", "draft 3"}, 200, 200},
		"the yard's":             {jobtest.With(jobtest.Narrow, money), []string{"due 2"}, 200, 404},
		"CID's":                  {jobtest.With(jobtest.Detective, money), []string{"due 2"}, 200, 404},
		"another customer's":     {jobtest.With(jobtest.Foreign, money), []string{"draft 4"}, 404, 404},
		"requestor without":      {jobtest.Requestor, nil, 403, 403},
		"customer-admin without": {jobtest.Chief, nil, 403, 403},
		"assigner":               {jobtest.Assigner, nil, 403, 403},
		"safeguarding":           {jobtest.Guard, nil, 403, 403},
		"analyst":                {jobtest.Analyst, nil, 403, 403},
		"interpreter":            {jobtest.Worker, nil, 403, 403},
		"guest":                  {jobtest.Guest, nil, 403, 403},
	} {
		page, err := o.q.List(t.Context(), c.v, invoices.Filter{}, projections.ListQuery{})
		if (c.list == nil) != (status(err) == 403) {
			t.Errorf("%s lists: %v", name, err)
		}
		var got []string
		for _, one := range page.Items {
			line := one.Standing
			for _, ref := range one.Jobs {
				line += " " + ref[len(ref)-1:]
			}
			got = append(got, line)
		}
		if !slices.Equal(got, c.list) {
			t.Errorf("%s lists %q, want %q", name, got, c.list)
		}
		if _, err := o.q.Get(t.Context(), c.v, i.Invoice); status(err) != c.issue {
			t.Errorf("%s asks for the invoice: %v, want %d", name, err, c.issue)
		}
		if _, err := o.q.Get(t.Context(), c.v, jobtest.Job(3)); status(err) != c.draft {
			t.Errorf("%s asks for the draft: %v, want %d", name, err, c.draft)
		}
	}

	// A narrowed user sees the own lines and their sum, and that there are others.
	w := o.get(jobtest.With(jobtest.Detective, money), i.Invoice)
	if len(w.Lines) != 1 || w.Lines[0].Job != jobtest.Job(2) || w.Total != gbp(9600) || !w.Partial || len(w.Work) != 1 {
		t.Errorf("CID reads %s", projtest.JSON(w))
	}
	if w := o.get(jobtest.With(jobtest.Requestor, money), i.Invoice); w.Partial || len(w.Lines) != 2 {
		t.Errorf("the police read %s", projtest.JSON(w))
	}
}

func status(err error) int {
	var refusal *domain.Refusal
	switch {
	case err == nil:
		return 200
	case errors.As(err, &refusal):
		return refusal.Status
	}
	return 500
}
