package commands

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/billing"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// InvoiceIn is what finance asks for: jobs by reference, and the total that was seen before.
type InvoiceIn struct {
	Customer uuid.UUID
	Jobs     []string
	Expected domain.Money
}

// InvoiceAnswer is the invoice that was issued.
type InvoiceAnswer struct {
	ID       uuid.UUID
	Number   int64
	Ref      string
	Total    domain.Money
	Revision uint64
	Position eventschema.Position
}

// IssueInvoice prices finished jobs again from their own streams and freezes lines, amounts and source revisions (finance). Another total
// than expected is refused (409).
//
// Numbers have no gaps: an invoice is named after its place among the customer's, and the number is claimed for that name. A claim that a
// crash or a faster rival leaves unused is taken up by the invoice that comes to stand at that place.
func (h *Handler) IssueInvoice(ctx context.Context, r Request, in InvoiceIn) (InvoiceAnswer, error) {
	r = h.ready(r)
	r.named = true
	res, err := execute(ctx, h, h.billing, r, wish[billing.State]{
		stream: eventschema.BillingStream(in.Customer),
		makes:  true,
		allow:  func(billing.State) error { return access.MayManage(r.Viewer, access.IssueInvoices) },
		decide: func(ctx context.Context, s billing.State, a attempt) (plan, error) {
			wish := billing.Issue{
				Invoice:  derived("invoice", in.Customer.String(), strconv.Itoa(len(s.Invoices))),
				Customer: in.Customer, Expected: in.Expected, At: a.at,
			}
			f, err := h.look(ctx, needs{customer: in.Customer, terms: true})
			if err != nil {
				return plan{}, err
			}
			if !f.customer.Exists() {
				return plan{}, domain.Invalid(domain.FieldError{Location: "body.customer", Message: "Name one of the agency's customers."})
			}
			wish.Terms, wish.Zone = f.terms, f.customer.TimeZone
			if wish.Jobs, err = h.billedJobs(ctx, in.Jobs); err != nil {
				return plan{}, err
			}
			p, err := planned(wish.Decide(s))
			if err != nil || a.dry || len(p.events) == 0 {
				return p, err
			}
			if wish.Number, err = h.claim(ctx, r, wish.Invoice); err != nil {
				return plan{}, err
			}
			return planned(wish.Decide(s))
		},
	})
	if err != nil {
		return InvoiceAnswer{}, err
	}
	// The answer is the invoice that this command made: the newest one after its last event.
	last := derived("invoice", in.Customer.String(), strconv.Itoa(len(res.folded.State.Invoices)-1))
	issued := res.folded.State.Invoices[last]
	return InvoiceAnswer{ID: issued.Invoice, Number: issued.Number, Ref: issued.Ref, Total: issued.Total,
		Revision: uint64(res.folded.Revision), Position: res.position}, nil
}

// claim gives an invoice its number, the same one each time.
func (h *Handler) claim(ctx context.Context, r Request, invoice uuid.UUID) (int64, error) {
	r.Causation, r.CommandID, r.IfMatch, r.Previewed = r.CommandID, uuid.New(), nil, ""
	res, err := execute(ctx, h, h.numbering, r, wish[people.Numbering]{
		stream: eventschema.NumberingStream(people.NumberingInvoice),
		decide: func(_ context.Context, s people.Numbering, _ attempt) (plan, error) {
			return planned(people.ClaimNumber{Series: people.NumberingInvoice, For: invoice}.Decide(s))
		},
	})
	if err != nil {
		return 0, fmt.Errorf("claim an invoice number: %w", err)
	}
	return res.folded.State.Claims[invoice], nil
}

// billedJobs reads jobs as they are billed. A reference that leads nowhere is a fault beside the field.
func (h *Handler) billedJobs(ctx context.Context, refs []string) ([]billing.Job, error) {
	versions, err := h.termsByTime(ctx)
	if err != nil {
		return nil, err
	}
	jobs := make([]billing.Job, len(refs))
	faults := make([]domain.FieldError, len(refs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readsAtOnce)
	for i, ref := range refs {
		g.Go(func() error {
			t, err := h.find(ctx, ref)
			if errors.Is(err, unknown()) {
				faults[i] = domain.FieldError{Location: fmt.Sprintf("body.jobs[%d]", i), Message: "There is no such job."}
				return nil
			}
			if err == nil {
				jobs[i], err = h.billedJob(ctx, t, versions)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var named []domain.FieldError
	for _, f := range faults {
		if f.Location != "" {
			named = append(named, f)
		}
	}
	if len(named) > 0 {
		return nil, domain.Invalid(named...)
	}
	return jobs, nil
}

// billedJob folds a job's stream into what is billed, with the events that hours, incidentals and outcome came from.
func (h *Handler) billedJob(ctx context.Context, t target, versions []termsFrom) (billing.Job, error) {
	stream := eventschema.BookingStream(t.booking)
	now, err := h.bookings.now(ctx, stream)
	if err != nil {
		return billing.Job{}, err
	}
	b := billing.Job{ID: t.job, Booking: t.booking}
	f, err := h.bookings.upTo(ctx, stream, now.Revision, func(_ Folded[booking.State], e eventschema.Recorded) {
		switch event := e.Event.(type) {
		case booking.TimesheetSubmitted:
			if event.Job == t.job {
				b.Events, b.Worked, b.Incidentals = []uuid.UUID{e.ID}, event.Worked, costs(event.Incidentals)
			}
		case booking.TimesheetAccepted:
			if event.Job == t.job {
				b.Events, b.Worked, b.Terms = append(b.Events, e.ID), event.Worked, inForce(versions, e.Position)
			}
		case booking.Closed:
			if event.Job == t.job {
				b.Events, b.Worked, b.Incidentals = []uuid.UUID{e.ID}, event.Worked, costs(event.Incidentals)
				b.Terms = inForce(versions, e.Position)
			}
		}
	})
	if err != nil {
		return billing.Job{}, err
	}
	j, _ := f.State.Job(t.job)
	b.Ref, b.Customer, b.Revision, b.Outcome, b.ServiceType = j.Ref, f.State.Customer, j.Revision, j.Outcome, j.Details.ServiceType
	return b, nil
}

// termsFrom is a version of the terms with its place in the log.
type termsFrom struct {
	at    eventschema.Position
	terms forms.Terms
}

// termsByTime are all versions of the standard terms, oldest first.
func (h *Handler) termsByTime(ctx context.Context) (all []termsFrom, err error) {
	stream := eventschema.TermsStream(forms.DefaultTermsID)
	now, err := h.terms.now(ctx, stream)
	if err != nil {
		return nil, err
	}
	_, err = h.terms.upTo(ctx, stream, now.Revision, func(_ Folded[forms.TermsState], e eventschema.Recorded) {
		if defined, ok := e.Event.(forms.TermsDefined); ok {
			all = append(all, termsFrom{e.Position, defined.Terms})
		}
	})
	return all, err
}

// inForce is the newest version that lay in the log before a position: the one that the draft was priced by too.
func inForce(versions []termsFrom, at eventschema.Position) (terms *forms.Terms) {
	for i := range versions {
		if at.After(versions[i].at) {
			terms = &versions[i].terms
		}
	}
	return terms
}

func costs(in []booking.Incidental) []billing.Incidental {
	out := make([]billing.Incidental, len(in))
	for i, c := range in {
		out[i] = billing.Incidental{Kind: c.Kind, Quantity: c.Quantity, Amount: c.Amount}
	}
	return out
}
