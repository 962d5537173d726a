package story_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/projections/story"
)

// A property is worth what the stories tell: every kind of booking event must occur, the rarest within a few hundred stories.
func TestRandomStoriesTellEverything(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	missing := func() (kinds []string) {
		for _, kind := range []string{
			"Created", "JobAdded", "Edited", "Confirmed", "Taken", "Released", "OfferSent", "WaveSent", "JobFlagged", "OfferMoved", "OfferRevoked", "OfferAccepted", "OfferDeclined", "OfferLapsed", "HoldEnded",
			"Assigned", "Unassigned", "EtaProposed", "EtaAgreed", "EtaDeclined", "EtaChanged", "TimesheetSubmitted", "TimesheetAccepted",
			"TimesheetDisputed", "Closed", "Cancelled", "Continued", "MessagePosted", "ContactLogged", "ReservationVoided", "PersonErased",
		} {
			if seen["booking."+kind] == 0 {
				kinds = append(kinds, kind)
			}
		}
		return kinds
	}
	for range 10 {
		rapid.Check(t, func(t *rapid.T) {
			for _, r := range story.Random(t, 60).Page {
				seen[r.Type]++
			}
		})
		if len(missing()) == 0 {
			t.Log(seen)
			return
		}
	}
	t.Errorf("never told: %v; told: %v", missing(), seen)
}
