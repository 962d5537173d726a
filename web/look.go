package web

import (
	"cmp"
	"fmt"
	"net/http"

	"github.com/dragoman-booking/dragoman/domain/people"
)

// ownColour is the colour of buttons and links until the agency chooses its own.
const ownColour = "#1f5fa8"

// look is the agency's colours as a stylesheet of its own, so that they are data and the policy needs no inline style. Pages ask for it by the
// version of the settings, so it may be kept.
func (p *Portal) look(w http.ResponseWriter, r *http.Request) error {
	agency, err := p.Queries.Settings.Agency(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write([]byte(lookCSS(agency.Settings.Look))) // the visitor may have gone
	return nil
}

// lookCSS writes the colours. On dark ground links are a paler shade of the same, since the colour itself is dark enough for white text.
func lookCSS(l people.Look) string {
	colour := cmp.Or(l.Primary, ownColour)
	full := people.Channels(colour)
	var pale [3]uint8
	for i, c := range full {
		pale[i] = c + uint8((255-int(c))*55/100)
	}
	rgb := func(c [3]uint8) string { return fmt.Sprintf("%d, %d, %d", c[0], c[1], c[2]) }
	return fmt.Sprintf(`:root, [data-bs-theme="light"] { --tblr-primary: %[1]s; --tblr-primary-rgb: %[2]s; --tblr-link-color: %[1]s; --tblr-link-color-rgb: %[2]s; --tblr-link-hover-color-rgb: %[2]s; }
[data-bs-theme="dark"] { --tblr-primary: %[1]s; --tblr-primary-rgb: %[2]s; --tblr-link-color: rgb(%[3]s); --tblr-link-color-rgb: %[3]s; --tblr-link-hover-color-rgb: %[3]s; --dragoman-focus: rgb(%[3]s); }
`, colour, rgb(full), rgb(pale))
}
