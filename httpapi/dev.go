package httpapi

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
)

// Dev is the test clock's door: without sign-in, so only for callers on this machine, and only in development.
type Dev struct {
	// Settle returns once every timer due by now has run and the read models have caught up.
	Settle func(context.Context) error
}

func (a *API) dev(root chi.Router) {
	root.With(localOnly).Put("/dev/clock", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Now *time.Time `json:"now"`
		}
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1000))
		d.DisallowUnknownFields()
		if err := d.Decode(&body); err != nil || body.Now == nil {
			plainProblem(w, problem(http.StatusUnprocessableEntity, "invalid", `Send {"now":"2020-03-24T15:46:00Z"}.`))
			return
		}
		a.moveClock(w, r, func(ctx context.Context) error { return a.Clock.Set(ctx, *body.Now) })
	})
	root.With(localOnly).Delete("/dev/clock", func(w http.ResponseWriter, r *http.Request) {
		a.moveClock(w, r, a.Clock.Reset)
	})
}

func (a *API) moveClock(w http.ResponseWriter, r *http.Request, move func(context.Context) error) {
	err := move(r.Context())
	if err == nil {
		err = a.Config.Dev.Settle(r.Context())
	}
	if err != nil {
		a.log.ErrorContext(r.Context(), "the test clock could not be moved", "cause", err)
		plainProblem(w, unavailable("unavailable", "The clock was not moved, or what was due has not run yet. Send it again."))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// localOnly hides the path from other machines.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ip := net.ParseIP(remoteIP(r)); ip == nil || !ip.IsLoopback() {
			plainProblem(w, notFound())
			return
		}
		next.ServeHTTP(w, r)
	})
}
