package forms

import (
	"github.com/dragoman-booking/dragoman/domain"
)

// DefaultTermsID is the id of the contract terms that every customer has unless agreed otherwise.
const DefaultTermsID = "standard"

// Kinds of incidentals of terms version 1 (II-79). Those without a unit price are paid by the amount on the receipt.
const (
	Mileage = "mileage" // by the mile
	Parking = "parking"
	Travel  = "travel" // fares
	Other   = "other"
)

// TermsV1 are the built-in terms: GBP net, at least an hour a job, success, curtailed and client no-show billed.
func TermsV1() Terms {
	gbp := func(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: "GBP"} }
	return Terms{
		ID:              DefaultTermsID,
		Version:         1,
		Currency:        "GBP",
		Hourly:          map[string]domain.Money{ServiceFaceToFace: gbp(4800), ServiceRemote: gbp(3600)},
		Fee:             map[string]domain.Money{ServiceFaceToFace: gbp(2800), ServiceRemote: gbp(2200)},
		Incidentals:     map[string]domain.Money{Mileage: gbp(45), Parking: gbp(0), Travel: gbp(0), Other: gbp(0)},
		MinimumMinutes:  60,
		BillableOutcome: []domain.Outcome{domain.Success, domain.Curtailed, domain.ClientNoShow},
	}
}

// BilledMinutes is what a job of so many worked minutes is billed, and paid, for: at least the minimum.
func (t Terms) BilledMinutes(worked int) int { return max(t.MinimumMinutes, worked) }

// FeeFor is what the interpreter gets for so many minutes of a service, rounded half up to a penny: at least the minimum's. A service type
// without a fee pays nothing.
func (t Terms) FeeFor(serviceType string, minutes int) domain.Money {
	fee, ok := t.Fee[serviceType]
	if !ok {
		return domain.Money{Currency: t.Currency}
	}
	return fee.Times(int64(t.BilledMinutes(minutes)), 60)
}

// Billable tells whether a job that ended so is billed.
func (t Terms) Billable(o domain.Outcome) bool {
	for _, b := range t.BillableOutcome {
		if b == o {
			return true
		}
	}
	return false
}

// IncidentalKinds are the kinds that may be claimed, and whether each needs an amount because it has no unit price.
func (t Terms) IncidentalKinds() (needsAmount map[string]bool) {
	needsAmount = make(map[string]bool, len(t.Incidentals))
	for kind, price := range t.Incidentals {
		needsAmount[kind] = price.Minor == 0
	}
	return needsAmount
}
