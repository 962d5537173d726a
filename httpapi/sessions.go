package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/internal/accounts"
	readaccess "github.com/dragoman-booking/dragoman/projections/access"
)

type signInInput struct {
	Body struct {
		Username string `json:"username" minLength:"1" maxLength:"200" doc:"User name, e-mail or PIN (LL-03)."`
		Password string `json:"password" minLength:"1" maxLength:"200"`
		Cookie   bool   `json:"cookie,omitempty" doc:"Set the portal's session cookie instead of answering a token."`
	}
	RawBody []byte
	from    netip.Addr
}

// Resolve notes where the request came from: failed sign-ins are counted by that too.
func (i *signInInput) Resolve(ctx huma.Context) []error {
	r, _ := humachi.Unwrap(ctx)
	if addr, err := netip.ParseAddr(remoteIP(r)); err == nil {
		i.from = addr
	}
	return unstorable(i.RawBody)
}

type userAnswer struct {
	ID          uuid.UUID           `json:"id"`
	Name        string              `json:"name"`
	Role        domain.Role         `json:"role"`
	Customer    *uuid.UUID          `json:"customer"`
	Interpreter *uuid.UUID          `json:"interpreter,omitempty"`
	LIN         string              `json:"lin,omitempty"`
	Permissions []domain.Permission `json:"permissions,omitempty"`
	TimeZone    string              `json:"timeZone"`
}

func userOf(v access.Viewer) userAnswer {
	u := userAnswer{ID: v.User, Name: v.Name, Role: v.Role, LIN: v.LIN, Permissions: v.Permissions, TimeZone: v.Zone}
	if v.Customer != uuid.Nil {
		u.Customer = &v.Customer
	}
	if v.Interpreter != uuid.Nil {
		u.Interpreter = &v.Interpreter
	}
	return u
}

type sessionAnswer struct {
	Token      string     `json:"token,omitempty"`
	ExpiresAt  time.Time  `json:"expiresAt"`
	MustChange bool       `json:"mustChangePassword,omitempty" doc:"The password was issued: choose another before anything else (II-03)."`
	User       userAnswer `json:"user"`
}

type sessionOutput struct {
	SetCookie string `header:"Set-Cookie"`
	Body      sessionAnswer
}

func (a *API) sessions() {
	in := a.operation(http.MethodPost, "/sessions", "Sign in with user name, e-mail or PIN (LL-03)", http.StatusCreated)
	in.Middlewares, in.Security = nil, nil
	in = a.unforeseen(in)
	huma.Register(a.huma, in, func(ctx context.Context, i *signInInput) (*sessionOutput, error) {
		who, err := a.accounts.Authenticate(ctx, i.Body.Username, i.Body.Password, i.from)
		if err != nil {
			return nil, a.answerTo(ctx, signInError(err))
		}
		v, err := a.viewers.Viewer(ctx, who.UserID, a.now())
		if err != nil {
			return nil, a.answerTo(ctx, signInError(viewerError(err)))
		}
		kind := accounts.Bearer
		if i.Body.Cookie {
			kind = accounts.Cookie
		}
		token, expires, err := a.accounts.CreateSession(ctx, who.UserID, kind)
		if err != nil {
			return nil, a.answerTo(ctx, signInError(err))
		}
		out := &sessionOutput{Body: sessionAnswer{Token: token, ExpiresAt: expires, MustChange: who.MustChange, User: userOf(v)}}
		if i.Body.Cookie {
			out.Body.Token = ""
			out.SetCookie = a.cookie(token, expires).String()
		}
		return out, nil
	})
	gone := a.unforeseen(a.operation(http.MethodDelete, "/sessions/current", "Sign out", http.StatusNoContent))
	huma.Register(a.huma, gone, func(ctx context.Context, _ *struct{}) (*struct {
		SetCookie string `header:"Set-Cookie"`
	}, error) {
		c, _ := ctx.Value(callerKey).(caller)
		if err := a.accounts.DeleteSession(ctx, c.token); err != nil && !errors.Is(err, accounts.ErrNoSession) {
			return nil, a.answerTo(ctx, err)
		}
		return &struct {
			SetCookie string `header:"Set-Cookie"`
		}{a.cookie("", time.Unix(0, 0)).String()}, nil
	})
	get(a, "/me", "Who I am", []string{readaccess.Name}, func(_ context.Context, v access.Viewer, _ *Asking) (userAnswer, error) {
		return userOf(v), nil
	})
	type passwordOrder struct {
		Body struct {
			Current string `json:"current" maxLength:"200"`
			New     string `json:"new" maxLength:"200"`
		}
	}
	password := a.unforeseen(a.operation(http.MethodPut, "/me/password", "Choose another password (II-03, II-07)", http.StatusNoContent))
	huma.Register(a.huma, password, func(ctx context.Context, i *passwordOrder) (*struct{}, error) {
		c, _ := ctx.Value(callerKey).(caller)
		err := a.accounts.ChangePassword(ctx, c.User, i.Body.Current, i.Body.New, c.token)
		if errors.Is(err, accounts.ErrWrongCredentials) {
			err = domain.Invalid(domain.FieldError{Location: "body.current", Message: "This is not your password."})
		}
		return nil, a.answerTo(ctx, signInError(err))
	})
	type setupOrder struct {
		RawBody []byte
		Body    struct {
			Token    string `json:"token" minLength:"1" maxLength:"200"`
			Username string `json:"username" minLength:"1" maxLength:"100"`
			Password string `json:"password" minLength:"1" maxLength:"200"`
			Name     string `json:"name,omitempty" maxLength:"200"`
			Email    string `json:"email,omitempty" maxLength:"200"`
		}
	}
	setup := a.operation(http.MethodPost, "/setup", "Create the first admin of an empty deployment by its one-time link", http.StatusCreated)
	setup.Middlewares, setup.Security = nil, nil
	setup = a.unforeseen(setup)
	huma.Register(a.huma, setup, func(ctx context.Context, i *setupOrder) (*struct{ Body idAnswer }, error) {
		if faults := unstorable(i.RawBody); len(faults) > 0 {
			return nil, newError(http.StatusUnprocessableEntity, someWrong, faults...)
		}
		made, err := a.commands.Setup(ctx, commands.Request{Name: "setup", At: a.now()}, commands.SetupIn(i.Body))
		if err != nil {
			return nil, a.answerTo(ctx, err)
		}
		return &struct{ Body idAnswer }{idAnswer{ID: made.ID}}, nil
	})
}

func (a *API) cookie(token string, expires time.Time) *http.Cookie {
	return &http.Cookie{Name: SessionCookie, Value: token, Path: "/", Expires: expires, HttpOnly: true, Secure: a.Secure, SameSite: http.SameSiteLaxMode}
}

// signInError turns what the accounts room says into what the contract says.
func signInError(err error) error {
	var (
		limited *accounts.RateLimitError
		taken   *accounts.TakenError
		invalid *accounts.InvalidError
	)
	switch {
	case errors.As(err, &limited):
		return &retryLater{seconds: int(limited.RetryAfter/time.Second) + 1}
	case errors.As(err, &taken):
		return domain.Invalid(domain.FieldError{Location: "body." + taken.Field, Message: "This is taken."})
	case errors.As(err, &invalid):
		return domain.Invalid(domain.FieldError{Location: "body." + invalid.Field, Message: sentence(invalid.Why)})
	case errors.Is(err, accounts.ErrWrongCredentials), errors.Is(err, accounts.ErrNoLogin):
		return problem(http.StatusUnauthorized, "not-signed-in", "The name or the password is wrong. If you cannot sign in, contact the agency.")
	}
	return err
}
