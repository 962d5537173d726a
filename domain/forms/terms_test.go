package forms_test

import (
	"testing"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
)

func TestTermsV1(t *testing.T) {
	t.Parallel()
	terms := forms.TermsV1()
	for _, o := range forms.ServiceTypes() {
		if terms.Hourly[o.Value].Minor <= terms.Fee[o.Value].Minor || terms.Fee[o.Value].Minor <= 0 {
			t.Errorf("%s: price %v, fee %v", o.Value, terms.Hourly[o.Value], terms.Fee[o.Value])
		}
	}
	for o, want := range map[domain.Outcome]bool{"success": true, "curtailed": true, "client-no-show": true, "not-fulfilled": false, "aborted": false,
		"worker-no-show": false} {
		if terms.Billable(o) != want || o.Billable() != want {
			t.Errorf("%s is billed: %v", o, terms.Billable(o))
		}
	}
	for kind, want := range map[string]bool{"mileage": false, "parking": true, "travel": true, "other": true} {
		if got, known := terms.IncidentalKinds()[kind]; got != want || !known {
			t.Errorf("%s needs an amount: %v, known %v", kind, got, known)
		}
	}
}

func TestFeeForTheBookedDuration(t *testing.T) {
	t.Parallel()
	terms := forms.TermsV1()
	terms.Fee = map[string]domain.Money{"face-to-face": {Minor: 2801, Currency: "GBP"}}
	for minutes, want := range map[int]int64{1: 2801, 60: 2801, 61: 2848, 90: 4202, 120: 5602} {
		if got := terms.FeeFor("face-to-face", minutes); got.Minor != want || got.Currency != "GBP" {
			t.Errorf("%d minutes pay %v, want %d", minutes, got, want)
		}
	}
	if got := terms.FeeFor("unheard", 60); got != (domain.Money{Currency: "GBP"}) {
		t.Errorf("an unknown service pays %v", got)
	}
}
