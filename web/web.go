package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	chimw "github.com/go-chi/chi/v5/middleware"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/accounts"
	"github.com/dragoman-booking/dragoman/internal/clock"
	"github.com/dragoman-booking/dragoman/internal/telemetry"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/settings"
)

// Config is what the portal stands on. All fields are needed but those that say otherwise.
type Config struct {
	Commands  *commands.Handler
	Accounts  *accounts.Accounts
	Models    *projections.Models
	Queries   Queries
	Status    func(context.Context) ([]projections.Status, error)                              // of the read models
	Reactions func(context.Context) ([]projections.Status, error)                              // of the reactions
	Rebuild   func(ctx context.Context, model string, report func(projections.Progress)) error // nil: not offered
	Clock     *clock.Clock
	Requests  *telemetry.Requests // nil: requests are not observed
	Log       *slog.Logger
	Demo      *Demo // the demo's one-click roles; nil: a real deployment
	Secure    bool  // served over TLS: cookies say so
}

// Demo is what the sign-in page offers in a demo.
type Demo struct {
	Logins   []string
	Password string
}

// Portal is the pages of one process.
type Portal struct {
	Config
	views    *views
	assets   *assets
	rebuilds rebuilds
	bookings underway
}

// New makes the handler of all pages and of their scripts and styles. Paths that are no page answer the page "not found".
func New(c Config) (http.Handler, error) {
	if c.Commands == nil || c.Accounts == nil || c.Models == nil || c.Clock == nil || c.Log == nil {
		return nil, fmt.Errorf("web: Commands, Accounts, Models, Clock and Log are needed")
	}
	p := &Portal{Config: c}
	var err error
	if p.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	if p.views, err = loadViews(texts, p.assets); err != nil {
		return nil, err
	}
	r := chi.NewRouter()
	r.Use(p.observed, p.recovered, headers, limited, chimw.GetHead, p.readable)
	r.NotFound(p.page(func(http.ResponseWriter, *http.Request) error { return notFound() }))
	p.routes(r)
	return r, nil
}

// handler is one page or one posted form. What it returns is turned into a page by the wrapper.
type handler func(w http.ResponseWriter, r *http.Request) error

// page serves a handler to whoever is signed in; everybody else is sent to sign in, and back afterwards.
func (p *Portal) page(h handler) http.HandlerFunc {
	return p.open(func(w http.ResponseWriter, r *http.Request) error {
		who, err := p.whoIs(r)
		switch {
		case errors.Is(err, errSignedOut):
			return p.toSignIn(w, r)
		case err != nil:
			return err
		case who.mustChange && r.URL.Path != passwordPath && r.URL.Path != "/sign-out":
			http.Redirect(w, r, passwordPath, http.StatusSeeOther)
			return nil
		}
		ctx := context.WithValue(r.Context(), viewerKey, who.Viewer)
		ctx = context.WithValue(ctx, tokenKey, who.token)
		ctx = context.WithValue(ctx, mustChangeKey, who.mustChange)
		ctx = context.WithValue(ctx, behindKey, p.settle(r))
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			ctx = context.WithValue(ctx, agencyKey, &settings.Agency{})
		}
		r = r.WithContext(ctx)
		if err := h(w, r); err != nil {
			p.failed(w, r, err) // here, where it is known whose page it is: what went wrong is said within their frame
		}
		return nil
	})
}

// open serves a handler to everybody. Forms are taken from our own pages only.
func (p *Portal) open(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(context.WithValue(r.Context(), tongueKey, p.views.spoken(r)))
		if err := sameOrigin.Check(r); err != nil {
			p.failed(w, r, domain.Forbidden("not-permitted", "error.foreign-form"))
			return
		}
		if err := h(w, r); err != nil {
			p.failed(w, r, err)
		}
	}
}

// failed shows what went wrong: a refusal in its own words, everything else in a plain sentence while the cause goes to the log.
func (p *Portal) failed(w http.ResponseWriter, r *http.Request, err error) {
	var refusal *domain.Refusal
	status, title, text := http.StatusInternalServerError, "error.title", "error.internal"
	behind, _ := r.Context().Value(behindKey).(bool)
	_ = errors.As(err, &refusal)
	switch {
	case behind && refusal != nil && refusal.Status == http.StatusNotFound: // what somebody just made is not to be seen yet
		status, title, text, refusal = http.StatusServiceUnavailable, "error.not-yet", "error.not-yet-text", nil
		w.Header().Set("Retry-After", "1")
		w.Header().Set("Refresh", "1")
	case refusal != nil:
		if status, text = refusal.Status, ""; status == http.StatusNotFound {
			title = "error.not-found"
		}
	case errors.Is(err, eventschema.ErrBehind), errors.Is(err, projections.ErrNotReady):
		status, text = http.StatusServiceUnavailable, "error.behind"
		w.Header().Set("Retry-After", "1")
	case errors.Is(err, eventschema.ErrUnavailable), errors.Is(err, eventschema.ErrConflict), errors.Is(err, context.DeadlineExceeded), projections.Away(err),
		errors.Is(err, context.Canceled): // whoever asked has left
		status, text = http.StatusServiceUnavailable, "error.unavailable"
		w.Header().Set("Retry-After", "1")
	default:
		p.Log.ErrorContext(r.Context(), "page failed", slog.String("path", chi.RouteContext(r.Context()).RoutePattern()), slog.Any("cause", err))
	}
	body := struct{ Title, Text, Detail string }{Title: title, Text: text}
	if refusal != nil {
		body.Detail = refusal.Detail
	}
	if err := p.render(w, r, status, "error", body.Title, body); err != nil {
		if status != http.StatusServiceUnavailable { // else what the page is made of is away too
			p.Log.ErrorContext(r.Context(), "the page of an error failed", slog.Any("cause", err))
		}
		http.Error(w, p.in(r.Context()).say("error.plain"), max(status, http.StatusInternalServerError))
	}
}

func notFound() error { return domain.NotFound("error.no-page") }

func (p *Portal) now() time.Time { return p.Clock.Now() }

type ctxKey int

const (
	viewerKey ctxKey = iota
	tokenKey
	mustChangeKey // whether only choosing a password is open
	tongueKey     // the language that is answered in
	behindKey     // whether the read models have not reached the position in the address
	agencyKey     // the agency's settings once they were read
)

// agency is the agency's settings in force, read once a page. What answers a form reads them anew: it may have changed them.
func (p *Portal) agency(ctx context.Context) (settings.Agency, error) {
	page, _ := ctx.Value(agencyKey).(*settings.Agency)
	if page == nil {
		return p.Queries.Settings.Agency(ctx)
	}
	if page.Version == 0 {
		var err error
		if *page, err = p.Queries.Settings.Agency(ctx); err != nil {
			return settings.Agency{}, err
		}
	}
	return *page, nil
}

func viewer(ctx context.Context) access.Viewer {
	v, _ := ctx.Value(viewerKey).(access.Viewer)
	return v
}
