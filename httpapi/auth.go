package httpapi

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/internal/accounts"
	readaccess "github.com/dragoman-booking/dragoman/projections/access"
)

// SessionCookie is the portal's; programs send a bearer token.
const SessionCookie = "dragoman_session"

type caller struct {
	access.Viewer
	token string
}

func viewer(ctx context.Context) access.Viewer {
	c, _ := ctx.Value(callerKey).(caller)
	return c.Viewer
}

// sameOrigin refuses what another site's page sends with the portal's cookie.
var sameOrigin = http.NewCrossOriginProtection()

// signedIn finds out who asks: by token or session, and by what the access read model says of that user right now. It is asked at every
// request and never cached, so what was revoked is gone.
func (a *API) signedIn(ctx huma.Context, next func(huma.Context)) {
	r, _ := humachi.Unwrap(ctx)
	token, byCookie := tokenOf(r)
	if token == "" {
		a.refuse(ctx, notSignedIn())
		return
	}
	if byCookie {
		if err := sameOrigin.Check(r); err != nil {
			a.refuse(ctx, problem(http.StatusForbidden, "not-permitted", "The request came from another site."))
			return
		}
	}
	session, err := a.accounts.Lookup(r.Context(), token)
	if err != nil {
		a.refuse(ctx, a.answerTo(r.Context(), viewerError(err)))
		return
	}
	if session.MustChange && !choosesPassword(r) {
		a.refuse(ctx, problem(http.StatusForbidden, "password-change-required", "Choose a new password first: PUT /me/password."))
		return
	}
	v, err := a.viewers.Viewer(r.Context(), session.UserID, a.now())
	if err != nil {
		a.refuse(ctx, a.answerTo(r.Context(), viewerError(err)))
		return
	}
	next(huma.WithValue(ctx, callerKey, caller{v, token}))
}

// choosesPassword tells what a user with an issued password may still do (II-03).
func choosesPassword(r *http.Request) bool {
	return strings.HasSuffix(r.URL.Path, "/me/password") || strings.HasSuffix(r.URL.Path, "/sessions/current")
}

// viewers finds out who a user is; the access read model does.
type viewers interface {
	Viewer(ctx context.Context, user uuid.UUID, now time.Time) (access.Viewer, error)
}

// viewerError makes every kind of "this session is worth nothing" one answer.
func viewerError(err error) error {
	for _, worthless := range []error{accounts.ErrNoSession, accounts.ErrNoLogin, readaccess.ErrUnknownUser, readaccess.ErrDisabled} {
		if errors.Is(err, worthless) {
			return notSignedIn()
		}
	}
	return err
}

func (a *API) refuse(ctx huma.Context, err error) {
	var p *Problem
	if !errors.As(err, &p) {
		p = problem(http.StatusInternalServerError, "internal", "Something went wrong on our side. It has been logged; please try again.")
	}
	if p.retryAfter > 0 {
		ctx.SetHeader("Retry-After", "1")
	}
	if p.Status == http.StatusUnauthorized {
		ctx.SetHeader("WWW-Authenticate", "Bearer")
	}
	ctx.SetHeader("Content-Type", "application/problem+json")
	ctx.SetStatus(p.Status)
	_ = jsonEncode(ctx.BodyWriter(), p)
}

func tokenOf(r *http.Request) (token string, byCookie bool) {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, rest, _ := strings.Cut(h, " ")
		if strings.EqualFold(scheme, "Bearer") {
			return strings.TrimSpace(rest), false
		}
		return "", false
	}
	c, err := r.Cookie(SessionCookie)
	if err != nil {
		return "", false
	}
	return c.Value, true
}

func remoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
