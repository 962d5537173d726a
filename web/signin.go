package web

import (
	"errors"
	"net/http"

	"github.com/dragoman-booking/dragoman/internal/accounts"
)

type signInPage struct {
	Next     string
	Username string
	Fault    string // key of a text
	Demo     *Demo
	Contact  string
}

// signIn is the page for whoever is not signed in (LL-03, LL-05).
func (p *Portal) signIn(w http.ResponseWriter, r *http.Request) error {
	return p.showSignIn(w, r, http.StatusOK, signInPage{Next: safeNext(r.URL.Query().Get("next"))})
}

func (p *Portal) showSignIn(w http.ResponseWriter, r *http.Request, status int, body signInPage) error {
	agency, err := p.Queries.Settings.Agency(r.Context())
	if err != nil {
		return err
	}
	body.Contact, body.Demo = agency.Settings.Contact.Email, p.Demo
	return p.render(w, r, status, "signin", "signin.title", body)
}

func (p *Portal) doSignIn(w http.ResponseWriter, r *http.Request) error {
	body := signInPage{Next: safeNext(r.PostFormValue("next")), Username: r.PostFormValue("username")}
	who, err := p.Accounts.Authenticate(r.Context(), body.Username, r.PostFormValue("password"), remote(r))
	var limited *accounts.RateLimitError
	switch {
	case errors.As(err, &limited):
		body.Fault = "signin.limited"
		return p.showSignIn(w, r, http.StatusTooManyRequests, body)
	case errors.Is(err, accounts.ErrWrongCredentials):
		body.Fault = "signin.wrong"
		return p.showSignIn(w, r, http.StatusUnauthorized, body)
	case err != nil:
		return err
	}
	token, expires, err := p.Accounts.CreateSession(r.Context(), who.UserID, accounts.Cookie)
	if err != nil {
		return err
	}
	p.setSession(w, token, expires)
	if who.MustChange {
		body.Next = passwordPath
	}
	http.Redirect(w, r, body.Next, http.StatusSeeOther)
	return nil
}

func (p *Portal) signOut(w http.ResponseWriter, r *http.Request) error {
	token, _ := r.Context().Value(tokenKey).(string)
	if err := p.Accounts.DeleteSession(r.Context(), token); err != nil && !errors.Is(err, accounts.ErrNoSession) {
		return err
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: p.Secure, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
	return nil
}
