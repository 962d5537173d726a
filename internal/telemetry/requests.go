package telemetry

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Requests observes HTTP requests: a span, how long they took by route, a line in the log. Nil observes nothing.
type Requests struct {
	traces  *Traces
	log     *slog.Logger
	seconds *prometheus.HistogramVec
}

// NewRequests shows what it measures at r.
func NewRequests(t *Traces, log *slog.Logger, r prometheus.Registerer) (*Requests, error) {
	q := &Requests{traces: t, log: log, seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "dragoman_http_request_seconds", Help: "How long requests took, by route.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, 1, 5},
	}, []string{"method", "route", "status"})}
	if err := r.Register(q.seconds); err != nil {
		return nil, fmt.Errorf("register metrics of requests: %w", err)
	}
	return q, nil
}

// Observed is a request that is being answered.
type Observed struct {
	requests *Requests
	request  *http.Request
	span     Span
	began    time.Time
}

// Begin is called before a request is answered; what answers it gets the request returned.
func (q *Requests) Begin(r *http.Request) (*http.Request, Observed) {
	if q == nil {
		return r, Observed{}
	}
	began := time.Now()
	r, span := q.traces.Request(r)
	return r, Observed{q, r, span, began}
}

// End is called when it is answered. route is the route's pattern, never the path with its values; status 0 is 200.
func (o Observed) End(route, requestID string, status int) {
	if o.requests == nil {
		return
	}
	if route == "" {
		route = "unmatched"
	}
	if status == 0 {
		status = http.StatusOK
	}
	method, took, ctx := methodOf(o.request), time.Since(o.began), o.request.Context()
	o.span.Answered(method, route, requestID, status)
	o.requests.seconds.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
	level := slog.LevelDebug
	if status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	if !o.requests.log.Enabled(ctx, level) {
		return
	}
	line := []slog.Attr{slog.String("request", requestID), slog.String("method", method), slog.String("route", route), slog.Int("status", status),
		slog.Duration("took", took)}
	if id := o.span.TraceID(); id != "" {
		line = append(line, slog.String("trace", id))
	}
	o.requests.log.LogAttrs(ctx, level, "request", line...)
}

// methodOf is a request's method, if it is one that anybody uses: a caller may send any word, and each would be a metric of its own for ever.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}
