package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/telemetry"
)

// measures are what is counted of commands and folds.
type measures struct {
	traces   *telemetry.Traces
	commands *prometheus.CounterVec
	folds    *prometheus.CounterVec
}

func newMeasures(t *telemetry.Traces, r prometheus.Registerer) (measures, error) {
	m := measures{
		traces: t,
		commands: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dragoman_commands_total",
			Help: "Commands by name, kind of stream and result (accepted, previewed, refused, conflict, unavailable, failed); code is the refusal's. A command's steps in diaries count by themselves.",
		}, []string{"command", "kind", "result", "code"}),
		folds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dragoman_folds_total",
			Help: "Streams folded for commands, by where the fold came from: memory (nothing was read), continued (memory, read on) or log (read whole).",
		}, []string{"kind", "from"}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.commands, m.folds} {
		if err := r.Register(c); err != nil {
			return m, fmt.Errorf("commands: register metrics: %w", err)
		}
	}
	return m, nil
}

// Results of commands, as metrics and traces name them.
const (
	accepted    = "accepted"
	foretold    = "previewed"
	refused     = "refused"
	conflict    = "conflict"
	unavailable = "unavailable"
	failed      = "failed"
)

// resultOf sums an answer up; code is a refusal's.
func resultOf(err error) (result, code string) {
	if err == nil {
		return accepted, ""
	}
	var no *domain.Refusal
	var preview *Preview
	switch {
	case errors.As(err, &preview):
		return foretold, ""
	case errors.As(err, &no):
		return refused, no.Code
	case errors.Is(err, eventschema.ErrConflict):
		return conflict, ""
	case away(err):
		return unavailable, ""
	}
	return failed, ""
}

// execute carries one command through and notes what became of it.
func execute[S any](ctx context.Context, h *Handler, st *streams[S], r Request, w wish[S]) (result[S], error) {
	ctx, span := h.measures.traces.Command(ctx, r.Name, r.CommandID)
	defer span.End()
	kind := eventschema.KindOf(w.stream)
	attempts := 0
	res, err := carryOut(ctx, h, st, r, w, &attempts)
	outcome, code := resultOf(err)
	h.measures.commands.WithLabelValues(r.Name, kind, outcome, code).Inc()
	span.Text("dragoman.stream_kind", kind)
	span.Text("dragoman.result", outcome)
	span.Number("dragoman.attempts", attempts)
	span.ID("dragoman.correlation_id", r.Correlation)
	switch outcome {
	case accepted, foretold:
	case refused:
		span.Text("dragoman.refusal", code)
	default:
		span.Failed(outcome)
	}
	return res, err
}
