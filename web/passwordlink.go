package web

import (
	"errors"
	"net/http"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/internal/accounts"
)

// passwordLinkPath is where a one-time link leads.
const passwordLinkPath = "/password-link"

// passwordLinkPage is the form on which whoever holds a one-time link chooses a password (D-14).
type passwordLinkPage struct {
	filled
	Token string
	Ended bool // the link does not work: unknown, used and expired ones look the same
}

func (p *Portal) passwordLink(w http.ResponseWriter, r *http.Request) error {
	page := passwordLinkPage{Token: r.URL.Query().Get("token")}
	works, err := p.Accounts.PasswordTokenWorks(r.Context(), page.Token)
	switch {
	case err != nil:
		return err
	case !works:
		return p.linkEnded(w, r)
	}
	return p.render(w, r, http.StatusOK, "passwordlink", "link.title", page)
}

// linkEnded says that a link does not work, before anybody thinks of a password.
func (p *Portal) linkEnded(w http.ResponseWriter, r *http.Request) error {
	return p.render(w, r, http.StatusUnprocessableEntity, "passwordlink", "link.ended-title", passwordLinkPage{Ended: true})
}

// choosePassword takes the password, ends the link and leads to sign in.
func (p *Portal) choosePassword(w http.ResponseWriter, r *http.Request) error {
	page := passwordLinkPage{Token: r.PostFormValue("token")}
	fault := func(location, message string) error {
		page.Refusal = domain.Invalid(domain.FieldError{Location: location, Message: message})
		return p.render(w, r, page.Refusal.Status, "passwordlink", "link.title", page)
	}
	if r.PostFormValue("password") != r.PostFormValue("again") {
		return fault("body.again", p.in(r.Context()).say("link.differs"))
	}
	_, err := p.Accounts.RedeemPasswordToken(r.Context(), page.Token, r.PostFormValue("password"))
	var invalid *accounts.InvalidError
	switch {
	case errors.Is(err, accounts.ErrBadToken):
		return p.linkEnded(w, r)
	case errors.As(err, &invalid):
		return fault("body.password", p.in(r.Context()).say("link.refused", p.in(r.Context()).said(invalid.Why)))
	case err != nil:
		return err
	}
	http.Redirect(w, r, "/sign-in?done=password-chosen", http.StatusSeeOther)
	return nil
}
