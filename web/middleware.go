package web

import (
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
	chimw "github.com/go-chi/chi/v5/middleware"

	"github.com/dragoman-booking/dragoman/internal/telemetry"
)

// policy: everything comes from us, no inline script or style.
const policy = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// maxForm is the largest form that is taken: a booking with every field full is far smaller.
const maxForm = 1 << 20

func limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// readable answers "not found" where an address holds what no database can look for: bytes that are no UTF-8, and the character NUL.
func (p *Portal) readable(next http.Handler) http.Handler {
	none := p.open(func(http.ResponseWriter, *http.Request) error { return notFound() })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		texts := []string{r.URL.Path}
		for name, values := range r.URL.Query() {
			texts = append(append(texts, name), values...)
		}
		if slices.ContainsFunc(texts, func(s string) bool { return !utf8.ValidString(s) || strings.ContainsRune(s, 0) }) {
			none(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// observed has the request's time, span and line in the log: by the route's pattern, never its values.
func (p *Portal) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, seen := p.Requests.Begin(r)
		ww := chimw.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(ww, r)
		seen.End(chi.RouteContext(r.Context()).RoutePattern(), "", ww.Status())
	})
}

func (p *Portal) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler {
				panic(cause)
			}
			p.Log.ErrorContext(r.Context(), "page panicked", slog.String("cause", telemetry.Panicked(cause)), slog.String("stack", string(debug.Stack())))
			http.Error(w, p.in(r.Context()).say("error.plain"), http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r)
	})
}
