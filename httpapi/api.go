// Package httpapi is the JSON API: it parses, finds out who asks, hands wishes to commands and questions to queries, and turns
// errors into answers. It decides nothing and masks nothing. All routes stand in routes.go.
package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	chimw "github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/httpapi/docsui"
	"github.com/dragoman-booking/dragoman/internal/accounts"
	"github.com/dragoman-booking/dragoman/internal/clock"
	"github.com/dragoman-booking/dragoman/internal/telemetry"
	"github.com/dragoman-booking/dragoman/projections"
)

// Config is what the API stands on. All fields are needed but those that say otherwise.
type Config struct {
	Commands  *commands.Handler
	Accounts  *accounts.Accounts
	Models    *projections.Models
	Queries   Queries
	Status    func(context.Context) ([]projections.Status, error) // of the read models
	Reactions func(context.Context) ([]projections.Status, error) // of the reactions
	Ready     func(context.Context) error                         // nil once everything that serving needs is there
	Clock     *clock.Clock
	Dev       *Dev // answers /dev/clock; nil: the path does not exist
	Metrics   *prometheus.Registry
	Requests  *telemetry.Requests // nil: requests are not observed
	Log       *slog.Logger
	Secure    bool // served over TLS: cookies say so
}

// API is the HTTP face of one process.
type API struct {
	Config
	commands *commands.Handler
	accounts *accounts.Accounts
	models   *projections.Models
	viewers  viewers
	log      *slog.Logger
	huma     huma.API
	// What the OpenAPI document says of operations by their id: their answer is a table too, filters by its columns; it is a command, which can
	// be previewed.
	tables, filtered, orders map[string]bool
}

// New makes the handler of everything under /api, /healthz, /readyz, /metrics and, in development, /dev.
func New(c Config) (http.Handler, error) {
	if c.Commands == nil || c.Accounts == nil || c.Models == nil || c.Clock == nil || c.Ready == nil || c.Metrics == nil || c.Log == nil {
		return nil, fmt.Errorf("httpapi: Commands, Accounts, Models, Clock, Ready, Metrics and Log are needed")
	}
	a := &API{Config: c, commands: c.Commands, accounts: c.Accounts, models: c.Models, viewers: c.Queries.Access, log: c.Log,
		tables: map[string]bool{}, filtered: map[string]bool{}, orders: map[string]bool{}}
	root := chi.NewRouter()
	root.Use(withRequestID, withHeaders, a.observed, a.withRecover, chimw.GetHead, withText)
	root.NotFound(func(w http.ResponseWriter, _ *http.Request) { plainProblem(w, notFound()) })
	root.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", strings.Join(methodsOf(r), ", "))
		plainProblem(w, problem(http.StatusMethodNotAllowed, "method-not-allowed", "This address does not take this method."))
	})
	a.health(root)
	if c.Dev != nil {
		a.dev(root)
	}
	root.Get("/api/docs", docsui.Page)
	root.Handle("/api/docs/*", docsui.Files("/api/docs/"))
	root.Route("/api", func(r chi.Router) {
		r.Use(withLimit)
		a.routes(huma.NewGroup(humachi.New(r, a.humaConfig()), "/v1"))
	})
	return root, nil
}

func (a *API) humaConfig() huma.Config {
	c := huma.DefaultConfig("Dragoman", "1")
	c.Info.Description = "Booking interpreters: the contract that clients rely on. Errors are application/problem+json with a stable `code`."
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.DocsPath = "" // our own page, with its scripts served by us
	c.CreateHooks = nil
	c.SchemasPath = ""
	c.Servers = []*huma.Server{{URL: "/api"}}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer":  {Type: "http", Scheme: "bearer", Description: "The token of POST /sessions, or an API token."},
		"session": {Type: "apiKey", In: "cookie", Name: SessionCookie, Description: "The portal's session; the same origin is enforced."},
	}
	c.Formats = map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat, "text/csv": csvFormat, "csv": csvFormat}
	return c
}

// schemaName names a schema after its Go type, and one of another room also after its package: forms and people both have an Option.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if pkg := path.Base(t.PkgPath()); t.Name() != "" && pkg != "." && pkg != "httpapi" && pkg != "domain" {
		return strings.ToUpper(pkg[:1]) + pkg[1:] + name
	}
	return name
}

// methodsOf are the methods that an address takes.
func methodsOf(r *http.Request) (all []string) {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if chi.RouteContext(r.Context()).Routes.Match(chi.NewRouteContext(), method, r.URL.Path) {
			all = append(all, method)
			if method == http.MethodGet {
				all = append(all, http.MethodHead)
			}
		}
	}
	return all
}

func (a *API) now() time.Time { return a.Clock.Now() }
