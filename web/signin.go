package web

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/internal/accounts"
)

type signInPage struct {
	Next     string
	Unsent   string // where a form was sent that came too late, and what was typed into it
	Typed    string
	Username string
	Fault    string // in words
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
	body := signInPage{Next: safeNext(r.PostFormValue("next")), Username: r.PostFormValue("username"), Unsent: r.PostFormValue("unsent"), Typed: r.PostFormValue("typed")}
	who, err := p.Accounts.Authenticate(r.Context(), body.Username, r.PostFormValue("password"), remote(r))
	var limited *accounts.RateLimitError
	switch {
	case errors.As(err, &limited):
		body.Fault = p.in(r.Context()).tooMany(limited)
		w.Header().Set("Retry-After", strconv.Itoa(int(limited.RetryAfter/time.Second)+1))
		return p.showSignIn(w, r, http.StatusTooManyRequests, body)
	case errors.Is(err, accounts.ErrWrongCredentials):
		body.Fault = p.in(r.Context()).say("signin.wrong")
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
	if body.Unsent != "" && !who.MustChange {
		return p.showUnsent(w, r, body, who.UserID)
	}
	http.Redirect(w, r, body.Next, http.StatusSeeOther)
	return nil
}

// unsentPage offers to send a form after all that came when its session had ended.
type unsentPage struct {
	To     string
	Inputs []hidden
}

// showUnsent shows it to whom it was made for. Whoever else signs in there neither reads it nor sends it in their own name.
func (p *Portal) showUnsent(w http.ResponseWriter, r *http.Request, body signInPage, user uuid.UUID) error {
	typed, err := url.ParseQuery(body.Typed)
	if err != nil {
		return &domain.Refusal{Code: "bad-request", Status: http.StatusBadRequest, Detail: "error.form"}
	}
	if !madeFor(typed.Get(fieldKey), user) {
		http.Redirect(w, r, "/?done=unsent-gone", http.StatusSeeOther)
		return nil
	}
	page := unsentPage{To: safeNext(body.Unsent)}
	for _, name := range slices.Sorted(maps.Keys(typed)) {
		for _, value := range typed[name] {
			page.Inputs = append(page.Inputs, hidden{name, value})
		}
	}
	return p.render(w, r, http.StatusOK, "unsent", "unsent.title", page)
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

// tooMany says when to try a password again; parts of a minute count as one.
func (s *tongue) tooMany(limited *accounts.RateLimitError) string {
	wait := limited.RetryAfter
	if wait > time.Minute {
		wait += time.Minute - 1
	}
	return s.say("signin.limited", s.span(wait))
}
