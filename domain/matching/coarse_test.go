package matching

import (
	"regexp"
	"testing"

	"github.com/dragoman-booking/dragoman/domain"
)

// Coarse findings tell of the way from a home nothing finer than a quarter of an hour.
func TestN04_AnEventTellsNoHome(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		is            domain.Because
		minutes       int
		text, because string
	}{
		{domain.Because{Rule: RuleDistance, Facts: domain.Facts{Known: true, Minutes: 0, Metres: 12}}, 15, "Less than 15 minutes away.", "next door"},
		{domain.Because{Rule: RuleDistance, Facts: domain.Facts{Known: true, Minutes: 14, Metres: 8412}}, 15, "Less than 15 minutes away.", "below the step"},
		{domain.Because{Rule: RuleDistance, Facts: domain.Facts{Known: true, Minutes: 15, Metres: 9012}}, 30, "Less than 30 minutes away.", "on the step"},
		{domain.Because{Rule: RuleDistance, Text: "How far away is not known: the interpreter has no coordinates."}, 0,
			"How far away is not known: the interpreter has no coordinates.", "not known"},
		{domain.Because{Rule: RuleRadius, Finding: domain.Against, Facts: domain.Facts{RadiusKm: 20, Metres: 20123}, Text: "20.1 km away; this interpreter travels at most 20 km."}, 0,
			"Further away than the 20 km that this interpreter travels.", "beyond the radius"},
		{domain.Because{Rule: RuleTravel, Facts: domain.Facts{Metres: 7}, Text: "The way from job J000000002 takes 17 minutes; there are 1 h."}, 0,
			"The way from job J000000002 takes 17 minutes; there are 1 h.", "between jobs, not homes"},
	} {
		got := Coarse(c.is)
		if got.Text != c.text || got.Facts.Minutes != c.minutes {
			t.Errorf("%s: %q and %d minutes, want %q and %d", c.because, got.Text, got.Facts.Minutes, c.text, c.minutes)
		}
		if c.is.Rule != RuleTravel && (got.Facts.Metres != 0 || regexp.MustCompile(`[0-9]\.[0-9] km`).MatchString(got.Text)) {
			t.Errorf("%s: %d metres, %q", c.because, got.Facts.Metres, got.Text)
		}
	}
}
