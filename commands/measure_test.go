package commands

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/telemetry"
)

// Every answer has a result that metrics and traces may name; a refusal also its code, nothing its text.
func TestResults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err          error
		result, code string
	}{
		{nil, "accepted", ""},
		{domain.Conflict("double-booked", "The interpreter has another job at that time."), "refused", "double-booked"},
		{fmt.Errorf("assign: %w", domain.NotFound("There is no such thing.")), "refused", "not-found"},
		{fmt.Errorf("lost 8 times: %w", eventschema.ErrConflict), "conflict", ""},
		{fmt.Errorf("append: %w", eventschema.ErrUnavailable), "unavailable", ""},
		{context.DeadlineExceeded, "unavailable", ""},
		{errors.New("Jan Kowalski"), "failed", ""},
	} {
		if result, code := resultOf(c.err); result != c.result || code != c.code {
			t.Errorf("%v: %s %s, want %s %s", c.err, result, code, c.result, c.code)
		}
	}
	metrics := prometheus.NewRegistry()
	if _, err := newMeasures(nil, metrics); err != nil {
		t.Fatal(err)
	}
	if _, err := newMeasures(nil, metrics); err == nil {
		t.Error("two handlers count under the same names")
	}
}

// BenchmarkMeasuring is what counting costs a command while tracing is off: its span, its result, the fold that it began with.
func BenchmarkMeasuring(b *testing.B) {
	m, err := newMeasures(nil, prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	fromMemory := m.folds.WithLabelValues("booking", "memory")
	r := Request{Name: "assign", CommandID: uuid.New()}
	b.ReportAllocs()
	for b.Loop() {
		ctx, span := m.traces.Command(context.Background(), r.Name, r.CommandID)
		_, appending := telemetry.Start(ctx, "append", "booking")
		appending.End()
		fromMemory.Inc()
		result, code := resultOf(nil)
		m.commands.WithLabelValues(r.Name, "booking", result, code).Inc()
		span.Text("dragoman.result", result)
		span.End()
	}
}
