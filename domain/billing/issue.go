package billing

import (
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
)

// dueDays is how long a customer has to pay.
const dueDays = 30

// State is which of a customer's jobs stand on which invoice: the fold of the customer's billing stream. Evolve changes its maps: whoever
// keeps a state folds a Clone.
type State struct {
	Billed   map[uuid.UUID]uuid.UUID // job → invoice
	Invoices map[uuid.UUID]Issued
}

// Clone shares no map with s.
func (s State) Clone() State {
	s.Billed, s.Invoices = maps.Clone(s.Billed), maps.Clone(s.Invoices)
	return s
}

// Evolve returns the state after e. It never refuses.
func Evolve(s State, e Event) State {
	if s.Billed == nil {
		s.Billed, s.Invoices = map[uuid.UUID]uuid.UUID{}, map[uuid.UUID]Issued{}
	}
	switch e := e.(type) {
	case Issued:
		s.Invoices[e.Invoice] = e
		for _, l := range e.Lines {
			s.Billed[l.Job] = e.Invoice
		}
	default:
		panic(fmt.Sprintf("billing.Evolve: no case for %T", e)) // our bug, not bad data
	}
	return s
}

// Issue makes an invoice of a customer's finished jobs, priced again from their own facts. Number was claimed for this invoice before; a zero
// one lets the wish be tried before anything is claimed.
//
//	given  nothing
//	when   Issue{DTP1, DTP2; 150.00 expected}
//	then   Issued{lines, 150.00, due in 30 days}
//	again  nothing: the same invoice twice is one invoice
//	error  already-billed, total-differs, nothing-to-bill, or each job that cannot be billed
type Issue struct {
	Invoice  uuid.UUID
	Customer uuid.UUID
	Number   int64
	Jobs     []Job
	Terms    forms.Terms // for jobs that do not say which were in force for them
	Expected domain.Money
	At       time.Time // business time
	Zone     string    // the customer's: the day of issue is its day
}

// Decide names every faulty job at once.
func (c Issue) Decide(s State) ([]Event, error) {
	if _, there := s.Invoices[c.Invoice]; there {
		return nil, nil
	}
	if len(c.Jobs) == 0 {
		return nil, domain.Unprocessable("nothing-to-bill", "Name at least one job.")
	}
	var faulty, billed []domain.FieldError
	var lines []Line
	seen := map[uuid.UUID]bool{}
	for i, j := range c.Jobs {
		at := fmt.Sprintf("body.jobs[%d]", i)
		fault := func(message string) { faulty = append(faulty, domain.FieldError{Location: at, Message: message}) }
		_, was := s.Billed[j.ID]
		switch {
		case j.Customer != c.Customer:
			fault("This is not a job of the customer.")
			continue
		case seen[j.ID]:
			fault("This job is named twice.")
			continue
		case was:
			billed = append(billed, domain.FieldError{Location: at, Message: "This job is on an invoice already."})
			continue
		case j.Outcome == "":
			fault("This job is not complete.")
			continue
		case !c.termsOf(j).Billable(j.Outcome):
			fault("A job that ended so is not billed.")
			continue
		}
		seen[j.ID] = true
		own, err := Price(j, c.termsOf(j))
		if err != nil {
			fault("The terms have no price for this job's service type or for one of its incidentals.")
			continue
		}
		lines = append(lines, own...)
	}
	switch total := Total(lines, c.Terms.Currency); {
	case len(faulty) > 0:
		return nil, domain.Invalid(append(faulty, billed...)...)
	case len(billed) > 0:
		r := domain.Conflict("already-billed", "A job can stand on one invoice only.")
		r.Errors = billed
		return nil, r
	case total != c.Expected:
		return nil, domain.Conflict("total-differs", "These jobs come to %s. Please check them and send this total.", total)
	default:
		day, err := domain.MomentAt(c.At, c.Zone)
		if err != nil {
			return nil, fmt.Errorf("find the day of issue: %w", err)
		}
		on := day.In()
		return []Event{Issued{
			Customer: c.Customer, Invoice: c.Invoice, Number: c.Number, Ref: Ref(c.Number),
			IssuedOn: on.Format(time.DateOnly), DueOn: on.AddDate(0, 0, dueDays).Format(time.DateOnly), At: c.At.UTC(), Lines: lines, Total: total,
		}}, nil
	}
}

// termsOf are the terms that were in force when the job was completed.
func (c Issue) termsOf(j Job) forms.Terms {
	if j.Terms != nil {
		return *j.Terms
	}
	return c.Terms
}

// Ref is an invoice number as it is printed.
func Ref(number int64) string { return fmt.Sprintf("INV%06d", number) }

// Standings of an invoice (II-96).
const (
	Due     = "due"
	Overdue = "overdue"
)

// Standing tells how an invoice stands on a day such as 2026-01-31 of the customer's zone. The day it is due is not overdue.
func (e Issued) Standing(today string) string {
	if today > e.DueOn {
		return Overdue
	}
	return Due
}
