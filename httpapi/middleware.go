package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	chimw "github.com/go-chi/chi/v5/middleware"

	"github.com/dragoman-booking/dragoman/internal/telemetry"
)

type ctxKey int

const (
	requestIDKey ctxKey = iota
	callerKey
	mayKey // func() error: may the caller know the thing, and do this to it
)

var givenID = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// withRequestID gives every request an id: the caller's if it is harmless, else a fresh one. It is in every log line and answer.
func withRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !givenID.MatchString(id) {
			var b [12]byte
			_, _ = rand.Read(b[:])
			id = hex.EncodeToString(b[:])
		}
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey, id)))
	})
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey).(string)
	return id
}

// withHeaders sets what every answer of the API carries. JSON is never cached, framed or sniffed.
func withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// withRecover answers a panic with a plain 500 and logs it with its stack, never with the request's body.
func (a *API) withRecover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler {
				panic(cause)
			}
			a.log.ErrorContext(r.Context(), "request panicked", slog.String("request", requestID(r.Context())),
				slog.String("cause", telemetry.Panicked(cause)), slog.String("stack", string(debug.Stack())))
			plainProblem(w, problem(http.StatusInternalServerError, "internal",
				"Something went wrong on our side. It has been logged; please try again."))
		}()
		next.ServeHTTP(w, r)
	})
}

// withLog writes one line a request, measures it and ends its span: the route's pattern, never its values, and no personal data.
func (a *API) withLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		r, span := a.Traces.Request(r)
		ww := chimw.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(ww, r)
		route := chi.RouteContext(r.Context()).RoutePattern()
		if route == "" {
			route = "unmatched"
		}
		took := time.Since(start)
		status := ww.Status()
		if status == 0 {
			status = http.StatusOK
		}
		method := methodOf(r)
		span.Answered(method, route, requestID(r.Context()), status)
		a.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
		level := slog.LevelDebug
		if status >= 500 {
			level = slog.LevelWarn
		}
		if !a.log.Enabled(r.Context(), level) {
			return
		}
		line := []slog.Attr{slog.String("request", requestID(r.Context())), slog.String("method", method), slog.String("route", route),
			slog.Int("status", status), slog.Duration("took", took)}
		if id := span.TraceID(); id != "" {
			line = append(line, slog.String("trace", id))
		}
		a.log.LogAttrs(r.Context(), level, "request", line...)
	})
}

// methodOf is a request's method, if it is one that anybody uses: a caller may send any word, and each would be a metric of its own for ever.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

func jsonEncode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
