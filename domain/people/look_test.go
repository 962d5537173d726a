package people

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// drawn is a picture of this size.
func drawn(t *testing.T, width, height int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

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
	for name, c := range map[string]struct {
		look Look
		at   string // where it is refused; empty: it is taken
	}{
		"dark header": {Look{Header: "#20304a"}, ""}, "pale header": {Look{Header: "#ffee00"}, "body.look.header"},
		"png": {Look{Logo: LogoOf(drawn(t, 120, 40))}, ""}, "no picture": {Look{Logo: LogoOf([]byte("<svg onload=alert(1)>"))}, "body.look.logo"},
		"an address": {Look{Logo: "https://elsewhere.example/logo.png"}, "body.look.logo"}, "too wide": {Look{Logo: LogoOf(drawn(t, 2001, 1))}, "body.look.logo"},
		"damaged": {Look{Logo: LogoOf(drawn(t, 120, 40)[:60])}, "body.look.logo"}, "another kind": {Look{Logo: strings.Replace(LogoOf(drawn(t, 9, 9)), "png", "jpeg", 1)}, "body.look.logo"},
		"drawn out": {Look{Logo: LogoOf(drawn(t, 9, 9)) + strings.Repeat("\n", 64<<10)}, "body.look.logo"},
		"too large": {Look{Logo: LogoOf(append(drawn(t, 9, 9), make([]byte, 33<<10)...))}, "body.look.logo"},
	} {
		_, err := ChangeAgency{Look: &c.look}.Decide(s)
		var no *domain.Refusal
		if refused := errors.As(err, &no); refused != (c.at != "") || refused && (len(no.Errors) != 1 || no.Errors[0].Location != c.at) {
			t.Errorf("%s: %v", name, err)
		}
	}
	picture := drawn(t, 120, 40)
	if kind, data := (Look{Logo: LogoOf(picture)}).Picture(); kind != "image/png" || !bytes.Equal(data, picture) {
		t.Errorf("the logo is %s of %d bytes", kind, len(data))
	}
	if got := Channels("#1f5fa8"); got != [3]uint8{31, 95, 168} {
		t.Errorf("channels %v", got)
	}
}
