package billing

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
)

// TimeKind is the kind of the line for hours worked; every other kind is an incidental's.
const TimeKind = "time"

// Job is a job as it is billed: plain facts, taken from its own stream.
type Job struct {
	ID          uuid.UUID
	Ref         string
	Booking     uuid.UUID
	Customer    uuid.UUID
	Revision    uint64      // of the job when priced
	Events      []uuid.UUID // the events that hours and outcome came from
	ServiceType string
	Outcome     domain.Outcome // empty: not complete
	Worked      int            // minutes
	Incidentals []Incidental
	Terms       *forms.Terms // in force when the job was completed; nil: those of the invoice
}

// Incidental is a further cost of a job (II-79): a quantity in hundredths of its kind's unit, or an amount.
type Incidental struct {
	Kind     string
	Quantity int64
	Amount   *domain.Money
}

// Price makes the lines of one complete job: its hours, at least the terms' minimum, and each incidental, every line rounded half up to a
// penny. A job that ended so that it is not billed has none (D-08). An incidental counts by quantity where its kind has a unit price, by its
// amount otherwise. The error says which fact of the job the terms have no price for.
func Price(j Job, t forms.Terms) ([]Line, error) {
	if !t.Billable(j.Outcome) {
		return nil, nil
	}
	line := func(kind string, quantity int64, unit, amount domain.Money) Line {
		return Line{Job: j.ID, Ref: j.Ref, Booking: j.Booking, Revision: j.Revision, Events: j.Events, TermsVersion: t.Version,
			Kind: kind, Quantity: quantity, UnitPrice: unit, Amount: amount}
	}
	hourly, ok := t.Hourly[j.ServiceType]
	if !ok {
		return nil, fmt.Errorf("price %s: the terms have no price for this service type", j.Ref)
	}
	billed := int64(t.BilledMinutes(j.Worked))
	lines := []Line{line(TimeKind, billed, hourly, hourly.Times(billed, 60))}
	for _, i := range j.Incidentals {
		unit, known := t.Incidentals[i.Kind]
		switch {
		case !known:
			return nil, fmt.Errorf("price %s: the terms have no such kind of incidental", j.Ref)
		case i.Quantity > 0 && unit.Minor > 0:
			lines = append(lines, line(i.Kind, i.Quantity, unit, unit.Times(i.Quantity, 100)))
		case i.Amount != nil && i.Amount.Currency != t.Currency:
			return nil, fmt.Errorf("price %s: an incidental is in another currency", j.Ref)
		case i.Amount != nil:
			lines = append(lines, line(i.Kind, 100, *i.Amount, *i.Amount))
		default:
			return nil, fmt.Errorf("price %s: an incidental has neither a unit price nor an amount", j.Ref)
		}
	}
	return lines, nil
}

// Total sums lines of one currency.
func Total(lines []Line, currency string) domain.Money {
	total := domain.Money{Currency: currency}
	for _, l := range lines {
		total = total.Add(l.Amount)
	}
	return total
}
