package story_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/projections/story"
)

// A property is worth what the stories tell: every kind of booking event must occur.
func TestRandomStoriesTellEverything(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		for _, r := range story.Random(t, 60).Page {
			seen[r.Type]++
		}
	})
	for _, kind := range []string{
		"Created", "JobAdded", "Edited", "Confirmed", "Taken", "Released", "OfferSent", "WaveSent", "JobFlagged", "OfferMoved", "OfferRevoked", "OfferAccepted", "OfferDeclined", "OfferLapsed", "HoldEnded",
		"Assigned", "Unassigned", "EtaProposed", "EtaAgreed", "EtaDeclined", "EtaChanged", "TimesheetSubmitted", "TimesheetAccepted",
		"TimesheetDisputed", "Closed", "Cancelled", "Continued", "MessagePosted", "ContactLogged", "ReservationVoided", "PersonErased",
	} {
		if n := seen["booking."+kind]; n < 1 {
			t.Errorf("booking.%s was told %d times", kind, n)
		} else {
			t.Logf("%-20s %d", kind, n)
		}
	}
}
