// Package billing decides what a customer's finished jobs cost and which of them stand on which invoice.
package billing

import (
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// Event is a fact about one customer's bills.
type Event interface{ isEvent() }

// Line is one frozen line of an invoice, with what it was priced from.
type Line struct {
	Job          uuid.UUID    `json:"job"`
	Ref          string       `json:"ref"`
	Booking      uuid.UUID    `json:"booking"`
	Revision     uint64       `json:"revision"` // of the job when priced
	Events       []uuid.UUID  `json:"events"`   // the events that the amount came from
	TermsVersion int          `json:"termsVersion"`
	Kind         string       `json:"kind"`     // time, or an incidental's kind
	Quantity     int64        `json:"quantity"` // minutes for time; hundredths of a unit for an incidental
	UnitPrice    domain.Money `json:"unitPrice"`
	Amount       domain.Money `json:"amount"`
}

// Issued: an invoice with its number, lines and total.
type Issued struct {
	Customer uuid.UUID    `json:"customer"`
	Invoice  uuid.UUID    `json:"invoice"`
	Number   int64        `json:"number"`
	Ref      string       `json:"ref"`
	IssuedOn string       `json:"issuedOn"` // 2006-01-02, in the customer's zone
	DueOn    string       `json:"dueOn"`
	At       time.Time    `json:"at"`
	Lines    []Line       `json:"lines"`
	Total    domain.Money `json:"total"`
}

func (Issued) isEvent() {}
