package web

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
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
	header := ""
	if l.Header != "" {
		header = fmt.Sprintf(`.site-header { background: %s; --dragoman-focus: #fff; }
.site-header :is(.navbar-brand, .nav-link, .nav-link:hover, .nav-link.active) { color: #fff; }
.site-header .nav-link.active { border-block-end-color: #fff; }
.site-header .site-menu > .btn { color: #fff; border-color: #fff; }
.site-header :is(.dropdown-menu, .site-panel) { --dragoman-focus: var(--tblr-link-color); }
`, l.Header)
	}
	rgb := func(c [3]uint8) string { return fmt.Sprintf("%d, %d, %d", c[0], c[1], c[2]) }
	return fmt.Sprintf(`:root, [data-bs-theme="light"] { --tblr-primary: %[1]s; --tblr-primary-rgb: %[2]s; --tblr-link-color: %[1]s; --tblr-link-color-rgb: %[2]s; --tblr-link-hover-color-rgb: %[2]s; }
[data-bs-theme="dark"] { --tblr-primary: %[1]s; --tblr-primary-rgb: %[2]s; --tblr-link-color: rgb(%[3]s); --tblr-link-color-rgb: %[3]s; --tblr-link-hover-color-rgb: %[3]s; --dragoman-focus: rgb(%[3]s); }
`, colour, rgb(full), rgb(pale)) + header
}

// logo is the agency's picture. Pages ask for it by the version of the settings, so it may be kept.
func (p *Portal) logo(w http.ResponseWriter, r *http.Request) error {
	agency, err := p.Queries.Settings.Agency(r.Context())
	if err != nil {
		return err
	}
	mediaType, picture := agency.Settings.Look.Picture()
	if mediaType == "" {
		return notFound()
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(picture) // the visitor may have gone
	return nil
}

// changeLogo takes a picture for the header, or takes it away. A picture is no text, so it has a form of its own.
func (p *Portal) changeLogo(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseMultipartForm(maxForm); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return &domain.Refusal{Code: "too-large", Status: http.StatusRequestEntityTooLarge, Detail: "error.too-large"}
	}
	logo := ""
	if file, _, err := r.FormFile("picture"); err == nil {
		picture, err := io.ReadAll(file) // no form is larger than maxForm
		if err != nil {
			return fmt.Errorf("read a picture: %w", err)
		}
		if len(picture) > 0 {
			logo = people.LogoOf(picture)
		}
	}
	r.PostForm.Set("logo", logo) // part of what is asked for
	req, err := p.request(r, "change-settings")
	if err != nil {
		return err
	}
	agency, err := p.mayChangeSettings(r)
	if err != nil {
		return err
	}
	show := filledAt(sections["look"].fill(agency.Settings), uint64(agency.Version))
	if logo == "" && !r.PostForm.Has("remove") {
		show.Refusal = domain.Invalid(domain.FieldError{Location: "body.look.logo", Message: "fault.picture"})
		return p.showSection(w, r, show.Refusal.Status, "look", show)
	}
	done, agency, err := p.onSettings(r.Context(), req, agency, func(req commands.Request, now people.AgencySettings) (commands.Changed, error) {
		look := now.Look // the colours as they stand, also those of a moment ago
		look.Logo = logo
		return p.Commands.ChangeSettings(r.Context(), req, people.ChangeAgency{Look: &look})
	})
	if no := correctable(err); no != nil {
		show = filledAt(sections["look"].fill(agency.Settings), uint64(agency.Version))
		show.Refusal = no
		return p.showSection(w, r, no.Status, "look", show)
	}
	if err != nil {
		return err
	}
	return p.done(w, r, "/settings", "change-settings", done.Position)
}
