package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/internal/accounts"
	readpeople "github.com/dragoman-booking/dragoman/projections/people"
)

const passwordPath = "/account/password"

// accountPage is what one may know and choose of the own account (II-07).
type accountPage struct {
	readpeople.User
	Theme string // light, dark or system
}

// themeKey is where the choice of a theme stands among the preferences.
const themeKey = "theme"

// themes that can be chosen; the first is what one has without choosing.
var themes = []string{"system", "light", "dark"}

// theme is the one that a user chose for every page: light or dark. Empty: as the system has it, which is also what a choice that cannot be
// read means, for no page is worth less for its colours.
func (p *Portal) theme(ctx context.Context, v access.Viewer) string {
	kept, err := p.preferences(ctx, v)
	if err != nil {
		return ""
	}
	var name string
	if err := json.Unmarshal(kept[themeKey], &name); err != nil || name != "light" && name != "dark" {
		return ""
	}
	return name
}

func (p *Portal) account(w http.ResponseWriter, r *http.Request) error {
	v := viewer(r.Context())
	me, found, err := p.Queries.People.User(r.Context(), v, v.User)
	if err != nil {
		return err
	}
	if !found {
		return notFound()
	}
	page := accountPage{User: me, Theme: p.theme(r.Context(), v)}
	if page.Theme == "" {
		page.Theme = themes[0]
	}
	return p.render(w, r, http.StatusOK, "account", "account.title", page)
}

// chooseTheme keeps how the portal looks to this user, on every device.
func (p *Portal) chooseTheme(w http.ResponseWriter, r *http.Request) error {
	v := viewer(r.Context())
	name := r.PostFormValue("theme")
	if !contains(themes, name) {
		return domain.Invalid(domain.FieldError{Location: "body.theme", Message: "fault.of-the-three"})
	}
	kept, err := p.preferences(r.Context(), v)
	if err != nil {
		return err
	}
	kept[themeKey], _ = json.Marshal(name) // a text always can
	body, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("write preferences: %w", err)
	}
	if err := p.Accounts.SetPreferences(r.Context(), v.User, body); err != nil {
		return err
	}
	http.Redirect(w, r, "/account?done=theme", http.StatusSeeOther)
	return nil
}

// passwordPage is the form that changes a password.
type passwordPage struct {
	Must    bool // it was issued: another comes first (II-03)
	Refusal *domain.Refusal
}

func (p *Portal) password(w http.ResponseWriter, r *http.Request) error {
	return p.showPassword(w, r, nil)
}

func (p *Portal) showPassword(w http.ResponseWriter, r *http.Request, no *domain.Refusal) error {
	status := http.StatusOK
	if no != nil {
		status = no.Status
	}
	must, _ := r.Context().Value(mustChangeKey).(bool)
	return p.render(w, r, status, "password", "password.title", passwordPage{must, no})
}

// changePassword takes another password and ends the user's other sessions. What was typed is never sent back.
func (p *Portal) changePassword(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return &domain.Refusal{Code: "bad-request", Status: http.StatusBadRequest, Detail: p.in(r.Context()).say("error.form")}
	}
	fault := func(location, key string, args ...any) error {
		return p.showPassword(w, r, domain.Invalid(domain.FieldError{Location: location, Message: p.in(r.Context()).say(key, args...)}))
	}
	current, next := r.PostForm.Get("current"), r.PostForm.Get("new")
	switch {
	case next != r.PostForm.Get("again"):
		return fault("body.again", "password.differs")
	case next == current && next != "":
		return fault("body.new", "password.same")
	}
	token, _ := r.Context().Value(tokenKey).(string)
	var (
		limited *accounts.RateLimitError
		invalid *accounts.InvalidError
	)
	err := p.Accounts.ChangePassword(r.Context(), viewer(r.Context()).User, current, next, token)
	switch {
	case errors.Is(err, accounts.ErrWrongCredentials):
		return fault("body.current", "password.wrong")
	case errors.As(err, &limited):
		return p.showPassword(w, r, &domain.Refusal{Code: "too-many-requests", Status: http.StatusTooManyRequests, Detail: p.in(r.Context()).tooMany(limited)})
	case errors.As(err, &invalid):
		return fault("body.new", "password.refused", strings.TrimSuffix(invalid.Why, "."))
	case err != nil:
		return err
	}
	to := "/account"
	if must, _ := r.Context().Value(mustChangeKey).(bool); must {
		to = "/" // where signing in was to lead (II-05)
	}
	http.Redirect(w, r, to+"?done=password", http.StatusSeeOther)
	return nil
}
