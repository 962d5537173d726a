package people

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

func TestAgencyLook(t *testing.T) {
	t.Parallel()
	s := Agency{Deployment: uuid.UUID{1}, Version: 4, Settings: AgencySettings{Name: "A", TimeZone: "Europe/London", Currency: "GBP"}}
	for _, c := range []struct {
		primary string
		fine    bool
	}{
		{"", true}, {"#1f5fa8", true}, {"#000000", true}, {"#767676", true}, // the palest grey that white text can be read on
		{"#777777", false}, {"#ffffff", false}, {"#ffcc00", false}, {"1f5fa8", false}, {"#1f5fa", false}, {"#1f5fa8;x", false}, {"red", false},
	} {
		look := Look{Primary: c.primary, LogoText: "Us"}
		events, err := ChangeAgency{Look: &look}.Decide(s)
		var no *domain.Refusal
		switch {
		case c.fine && err != nil:
			t.Errorf("%q is refused: %v", c.primary, err)
		case c.fine && events[0].(AgencyChanged).Settings.Look != look:
			t.Errorf("%q became %+v", c.primary, events[0])
		case !c.fine && (!errors.As(err, &no) || len(no.Errors) != 1 || no.Errors[0].Location != "body.look.primary"):
			t.Errorf("%q gives %v", c.primary, err)
		}
	}
	if got := Channels("#1f5fa8"); got != [3]uint8{31, 95, 168} {
		t.Errorf("channels %v", got)
	}
}
