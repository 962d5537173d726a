// Package invoices is the read model of bills: a draft for each finished job that is billed and not yet on an invoice, and the invoices issued.
// A draft is priced when its job is completed, by the standard terms in force at that place of the log, whatever versions its offers named
// (those settle the interpreter's fee) and whatever terms come later.
package invoices

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/dragoman-booking/dragoman/domain/billing"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections/jobrow"
	"github.com/dragoman-booking/dragoman/projections/rows"
)

// Name is the read model's name.
const Name = "invoices"

//go:embed invoices.sql projector.go
var sources embed.FS

//go:embed invoices.sql
var tables string

// Projector fills the read model.
type Projector struct{}

// Name implements projections.Projector.
func (Projector) Name() string { return Name }

// SQL implements projections.Projector.
func (Projector) SQL() string { return tables }

// Sources implements projections.Projector.
func (Projector) Sources() fs.FS { return jobrow.With(sources) }

// Apply implements projections.Projector: the page's jobs and the terms in force are read, folded in memory and written.
func (Projector) Apply(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	f, err := load(ctx, tx, page)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for _, r := range page {
		if err := f.jobs.Apply(r); err != nil {
			return err
		}
		if err := f.event(r); err != nil {
			return err
		}
	}
	if err := f.queue(batch); err != nil {
		return err
	}
	if batch.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, batch).Close()
}

// sheet is the hours submitted last for a job.
type sheet struct {
	Event  uuid.UUID            `json:"event"` // that submitted them
	Worked int                  `json:"worked"`
	Blocks []booking.Block      `json:"blocks,omitempty"`
	Costs  []billing.Incidental `json:"costs"`
}

// bill is what is known of a job's price.
type bill struct {
	sheet *sheet
	draft bool
	lines []billing.Line
	total billingTotal
	fault string
}

type billingTotal struct {
	minor    int64
	currency string
}

// fold is what a page leaves behind.
type fold struct {
	jobs      *jobrow.Fold
	bills     map[uuid.UUID]*bill
	terms     forms.Terms
	defined   []forms.Terms
	issued    []billing.Issued
	customers map[uuid.UUID]customer
}

type customer struct{ name, zone string }

func load(ctx context.Context, tx pgx.Tx, page eventschema.Page) (*fold, error) {
	f := &fold{bills: map[uuid.UUID]*bill{}, customers: map[uuid.UUID]customer{}}
	ids := jobrow.Changing(page)
	if len(ids) == 0 && !completes(page) {
		f.jobs = jobrow.NewFold(nil)
		return f, nil
	}
	found, err := tx.Query(ctx, `select job, ref, booking, customer, client, location, booked_by, bill_to, language, service_type, outcome,
		requested_at, starts_at, zone, sheet, completed_at, draft, lines, total, currency, fault from jobs where job = any($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("read the jobs of a page: %w", err)
	}
	stored, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (j jobrow.Job, err error) {
		b := &bill{}
		var client, location pgtype.UUID
		var completed pgtype.Timestamptz
		err = row.Scan(&j.ID, &j.Ref, &j.Booking, &j.Customer, &client, &location, &j.BookedBy, &j.BillTo, &j.Language, &j.ServiceType, &j.Outcome,
			&j.Requested, &j.Begin, &j.Zone, &b.sheet, &completed, &b.draft, &b.lines, &b.total.minor, &b.total.currency, &b.fault)
		j.Client, j.Location, j.CompletedAt = client.Bytes, location.Bytes, completed.Time
		f.bills[j.ID] = b
		return j, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the jobs of a page: %w", err)
	}
	f.jobs = jobrow.NewFold(stored)
	if !completes(page) {
		return f, nil
	}

	// Version 1 is built in, so a job can be priced before terms were ever defined.
	f.terms = forms.TermsV1()
	found, err = tx.Query(ctx, `select body from terms where terms = $1 order by version desc limit 1`, forms.DefaultTermsID)
	if err != nil {
		return nil, fmt.Errorf("read the terms in force: %w", err)
	}
	terms, err := pgx.CollectRows(found, pgx.RowTo[forms.Terms])
	if err != nil {
		return nil, fmt.Errorf("read the terms in force: %w", err)
	}
	if len(terms) > 0 {
		f.terms = terms[0]
	}
	return f, nil
}

// completes tells whether a page prices anything.
func completes(page eventschema.Page) bool {
	for _, r := range page {
		switch r.Event.(type) {
		case booking.TimesheetAccepted, booking.Closed:
			return true
		}
	}
	return false
}

func (f *fold) event(r eventschema.Recorded) error {
	switch e := r.Event.(type) {
	case booking.TimesheetSubmitted:
		f.bill(e.Job).sheet = &sheet{Event: r.ID, Worked: e.Worked, Blocks: e.Blocks, Costs: costs(e.Incidentals)}
	case booking.TimesheetAccepted:
		b := f.bill(e.Job)
		work := billing.Job{Worked: e.Worked, Events: []uuid.UUID{r.ID}}
		if s := b.sheet; s != nil {
			work.Events, work.Incidentals = []uuid.UUID{s.Event, r.ID}, s.Costs
		}
		f.price(r, e.Job, work)
	case booking.Closed:
		f.bill(e.Job).closed(r, e)
		f.price(r, e.Job, billing.Job{Worked: e.Worked, Events: []uuid.UUID{r.ID}, Incidentals: costs(e.Incidentals)})
	case billing.Issued:
		f.issued = append(f.issued, e)
	case forms.TermsDefined:
		f.defined = append(f.defined, e.Terms)
		if e.Terms.ID == forms.DefaultTermsID {
			f.terms = e.Terms
		}
	case people.CustomerCreated:
		f.customers[e.Customer] = customer{e.Name, e.TimeZone}
	case people.CustomerChanged:
		f.customers[e.Customer] = customer{e.Name, e.TimeZone}
	}
	return nil
}

// closed keeps the hours that a job was closed with: those entered before, where the closing says nothing else.
func (b *bill) closed(r eventschema.Recorded, e booking.Closed) {
	s := &sheet{Event: r.ID, Worked: e.Worked, Costs: costs(e.Incidentals)}
	if e.Start != nil && e.End != nil {
		s.Blocks = []booking.Block{{Start: *e.Start, End: *e.End}}
	}
	if before := b.sheet; before != nil && len(before.Blocks) > 0 && len(s.Blocks) > 0 && before.Worked == e.Worked &&
		before.Blocks[0].Start.Equal(*e.Start) && before.Blocks[len(before.Blocks)-1].End.Equal(*e.End) {
		s.Blocks = before.Blocks
	}
	b.sheet = s
}

func (f *fold) bill(job uuid.UUID) *bill {
	b := f.bills[job]
	if b == nil {
		b = &bill{}
		f.bills[job] = b
	}
	return b
}

// price makes the job's draft. A job that ended so that it is not billed has none; one that the terms have no price for says why.
func (f *fold) price(r eventschema.Recorded, id uuid.UUID, work billing.Job) {
	j, b := f.jobs.Jobs[id], f.bill(id)
	work.ID, work.Ref, work.Booking, work.Customer, work.Revision = j.ID, j.Ref, j.Booking, j.Customer, r.Revision
	work.ServiceType, work.Outcome = j.ServiceType, j.Outcome
	lines, err := billing.Price(work, f.terms)
	b.draft, b.lines, b.fault = f.terms.Billable(j.Outcome), lines, ""
	if err != nil {
		b.fault = err.Error()
	}
	b.total = billingTotal{billing.Total(lines, f.terms.Currency).Minor, f.terms.Currency}
}

func costs(in []booking.Incidental) []billing.Incidental {
	out := make([]billing.Incidental, len(in))
	for i, c := range in {
		out[i] = billing.Incidental{Kind: c.Kind, Quantity: c.Quantity, Amount: c.Amount}
	}
	return out
}

func (f *fold) queue(b *pgx.Batch) error {
	if err := f.queueJobs(b, f.jobs.Changed()); err != nil {
		return err
	}
	if err := f.queueIssued(b); err != nil {
		return err
	}
	for _, t := range f.defined {
		body, err := json.Marshal(t)
		if err != nil {
			return fmt.Errorf("write terms as JSON: %w", err)
		}
		b.Queue(`insert into terms (terms, version, body) values ($1, $2, $3)`, t.ID, t.Version, body)
	}
	if ids := rows.Sorted(f.customers); len(ids) > 0 {
		b.Queue(`insert into customers (customer, name, zone) select * from unnest($1::uuid[], $2::text[], $3::text[])
			on conflict (customer) do update set name = excluded.name, zone = excluded.zone`, ids,
			rows.Column(ids, func(id uuid.UUID) string { return f.customers[id].name }),
			rows.Column(ids, func(id uuid.UUID) string { return f.customers[id].zone }))
	}
	return nil
}

func (f *fold) queueJobs(b *pgx.Batch, all []*jobrow.Job) error {
	if len(all) == 0 {
		return nil
	}
	sheets, lines := make([]*string, len(all)), make([]string, len(all))
	for i, j := range all {
		if s := f.bill(j.ID).sheet; s != nil {
			body, err := json.Marshal(s)
			if err != nil {
				return fmt.Errorf("write hours as JSON: %w", err)
			}
			text := string(body)
			sheets[i] = &text
		}
		body, err := json.Marshal(append([]billing.Line{}, f.bill(j.ID).lines...))
		if err != nil {
			return fmt.Errorf("write lines as JSON: %w", err)
		}
		lines[i] = string(body)
	}
	ids := func(of func(*jobrow.Job) uuid.UUID) []uuid.UUID { return rows.Column(all, of) }
	maybe := func(of func(*jobrow.Job) uuid.UUID) []pgtype.UUID {
		return rows.Column(all, func(j *jobrow.Job) pgtype.UUID { return rows.ID(of(j)) })
	}
	texts := func(of func(*jobrow.Job) string) []string { return rows.Column(all, of) }
	b.Queue(`
		insert into jobs (job, ref, booking, customer, client, location, booked_by, bill_to, language, service_type, outcome, requested_at, starts_at,
			zone, sheet, completed_at, draft, lines, total, currency, fault)
		select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[], $10::text[],
			$11::text[], $12::timestamptz[], $13::timestamptz[], $14::text[], $15::jsonb[], $16::timestamptz[], $17::boolean[], $18::jsonb[], $19::bigint[],
			$20::text[], $21::text[])
		on conflict (job) do update set client = excluded.client, location = excluded.location, bill_to = excluded.bill_to, language = excluded.language,
			service_type = excluded.service_type, outcome = excluded.outcome, requested_at = excluded.requested_at, starts_at = excluded.starts_at,
			zone = excluded.zone, sheet = excluded.sheet, completed_at = excluded.completed_at, draft = excluded.draft, lines = excluded.lines,
			total = excluded.total, currency = excluded.currency, fault = excluded.fault`,
		ids(func(j *jobrow.Job) uuid.UUID { return j.ID }),
		texts(func(j *jobrow.Job) string { return j.Ref }),
		ids(func(j *jobrow.Job) uuid.UUID { return j.Booking }),
		ids(func(j *jobrow.Job) uuid.UUID { return j.Customer }),
		maybe(func(j *jobrow.Job) uuid.UUID { return j.Client }),
		maybe(func(j *jobrow.Job) uuid.UUID { return j.Location }),
		ids(func(j *jobrow.Job) uuid.UUID { return j.BookedBy }),
		texts(func(j *jobrow.Job) string { return j.BillTo }),
		texts(func(j *jobrow.Job) string { return j.Language }),
		texts(func(j *jobrow.Job) string { return j.ServiceType }),
		texts(func(j *jobrow.Job) string { return string(j.Outcome) }),
		rows.Column(all, func(j *jobrow.Job) time.Time { return j.Requested }),
		rows.Column(all, func(j *jobrow.Job) time.Time { return j.Begin }),
		texts(func(j *jobrow.Job) string { return j.Zone }),
		sheets,
		rows.Column(all, func(j *jobrow.Job) pgtype.Timestamptz { return rows.Time(j.CompletedAt) }),
		rows.Column(all, func(j *jobrow.Job) bool { return f.bill(j.ID).draft }),
		lines,
		rows.Column(all, func(j *jobrow.Job) int64 { return f.bill(j.ID).total.minor }),
		texts(func(j *jobrow.Job) string { return f.bill(j.ID).total.currency }),
		texts(func(j *jobrow.Job) string { return f.bill(j.ID).fault }))
	return nil
}

// queueIssued writes invoices with their lines and takes their jobs from the drafts. It comes after the jobs of the page.
func (f *fold) queueIssued(b *pgx.Batch) error {
	if len(f.issued) == 0 {
		return nil
	}
	type line struct {
		invoice uuid.UUID
		number  int
		job     uuid.UUID
		body    string
	}
	var lines []line
	for _, i := range f.issued {
		for n, l := range i.Lines {
			body, err := json.Marshal(l)
			if err != nil {
				return fmt.Errorf("write a line as JSON: %w", err)
			}
			lines = append(lines, line{i.Invoice, n + 1, l.Job, string(body)})
		}
	}
	b.Queue(`
		insert into issued (invoice, customer, number, ref, issued_on, due_on, issued_at, total, currency)
		select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::bigint[], $9::text[])`,
		rows.Column(f.issued, func(i billing.Issued) uuid.UUID { return i.Invoice }),
		rows.Column(f.issued, func(i billing.Issued) uuid.UUID { return i.Customer }),
		rows.Column(f.issued, func(i billing.Issued) int64 { return i.Number }),
		rows.Column(f.issued, func(i billing.Issued) string { return i.Ref }),
		rows.Column(f.issued, func(i billing.Issued) string { return i.IssuedOn }),
		rows.Column(f.issued, func(i billing.Issued) string { return i.DueOn }),
		rows.Column(f.issued, func(i billing.Issued) time.Time { return i.At }),
		rows.Column(f.issued, func(i billing.Issued) int64 { return i.Total.Minor }),
		rows.Column(f.issued, func(i billing.Issued) string { return i.Total.Currency }))
	invoices := rows.Column(lines, func(l line) uuid.UUID { return l.invoice })
	jobs := rows.Column(lines, func(l line) uuid.UUID { return l.job })
	b.Queue(`insert into lines (invoice, line_no, job, body) select * from unnest($1::uuid[], $2::integer[], $3::uuid[], $4::jsonb[])`,
		invoices, rows.Column(lines, func(l line) int { return l.number }), jobs, rows.Column(lines, func(l line) string { return l.body }))
	b.Queue(`update jobs set invoice = on_it.invoice from unnest($1::uuid[], $2::uuid[]) as on_it (invoice, job) where jobs.job = on_it.job`, invoices, jobs)
	return nil
}
