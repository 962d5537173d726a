package telemetry_test

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/telemetry"
)

// recorded makes traces whose ended spans a test looks at.
func recorded(t *testing.T) (*telemetry.Traces, *tracetest.InMemoryExporter) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	return telemetry.New(provider), spans
}

// The request's span belongs to the caller's trace, its children to it; a later page is linked with the command that it works on.
func TestSpansHangTogether(t *testing.T) {
	t.Parallel()
	traces, ended := recorded(t)
	r := httptest.NewRequest("POST", "/api/v1/bookings?secret=1", nil)
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	r, request := traces.Request(r)
	id := uuid.New()
	ctx, command := traces.Command(r.Context(), "create-booking", id)
	_, appending := telemetry.Start(ctx, "append", "booking")
	appending.Number("events", 2)
	appending.Failed("conflict")
	appending.End()
	command.End()
	request.Answered("POST", "/api/v1/bookings", "req-1", 503)
	_, page := traces.Page(context.Background(), "project", "jobs", pageOf(id, id, uuid.New())) // the last is another process's
	page.End()

	spans := ended.GetSpans()
	if len(spans) != 4 {
		t.Fatalf("%d spans, want 4", len(spans))
	}
	a, c, q, p := spans[0], spans[1], spans[2], spans[3]
	if a.Name != "append booking" || c.Name != "command create-booking" || q.Name != "POST /api/v1/bookings" || p.Name != "project jobs" {
		t.Errorf("names %q, %q, %q, %q", a.Name, c.Name, q.Name, p.Name)
	}
	if q.SpanContext.TraceID().String() != "0af7651916cd43dd8448eb211c80319c" || q.Parent.SpanID().String() != "b7ad6b7169203331" {
		t.Errorf("the request's span is not the caller's child: %+v", q.Parent)
	}
	if c.Parent.SpanID() != q.SpanContext.SpanID() || a.Parent.SpanID() != c.SpanContext.SpanID() || a.SpanContext.TraceID() != q.SpanContext.TraceID() {
		t.Error("request, command and append are no line")
	}
	if len(p.Links) != 1 || p.Links[0].SpanContext.SpanID() != c.SpanContext.SpanID() || p.SpanContext.TraceID() == c.SpanContext.TraceID() {
		t.Errorf("the page's links: %+v", p.Links)
	}
	if a.Status.Code != codes.Error || a.Status.Description != "conflict" || q.Status.Code != codes.Error || c.Status.Code == codes.Error {
		t.Errorf("statuses %v, %v, %v", a.Status, c.Status, q.Status)
	}
}

func pageOf(commands ...uuid.UUID) (page eventschema.Page) {
	for _, id := range commands {
		page = append(page, eventschema.Recorded{Meta: eventschema.Meta{CommandID: id}})
	}
	return page
}

// Without a parent, and with tracing off, nothing is made and nothing is allocated: a command costs what it did.
func TestOffCostsNothing(t *testing.T) {
	traces, ended := recorded(t)
	_, orphan := telemetry.Start(t.Context(), "append", "booking")
	orphan.End()
	if n := len(ended.GetSpans()); n != 0 {
		t.Errorf("%d spans without a parent", n)
	}
	var off *telemetry.Traces
	r := httptest.NewRequest("GET", "/", nil)
	id := uuid.New()
	if n := testing.AllocsPerRun(100, func() {
		r, request := off.Request(r)
		ctx, command := off.Command(r.Context(), "create-booking", id)
		_, appending := telemetry.Start(ctx, "append", "booking")
		appending.Text("stream", "booking")
		appending.Number("events", 2)
		appending.End()
		_, page := off.Page(ctx, "project", "jobs", nil)
		page.End()
		command.ID("correlation", id)
		command.Failed("conflict")
		command.End()
		request.Answered("GET", "/", "req-1", 500)
	}); n != 0 {
		t.Errorf("%v allocations when tracing is off", n)
	}
	if off.Provider() != nil || traces.Provider() == nil || orphan.TraceID() != "" {
		t.Error("off has a provider or a trace, or on has none")
	}
}

// BenchmarkOff is what the calls of one command cost while tracing is off.
func BenchmarkOff(b *testing.B) {
	var off *telemetry.Traces
	r := httptest.NewRequest("GET", "/", nil)
	id := uuid.New()
	for b.Loop() {
		r, request := off.Request(r)
		ctx, command := off.Command(r.Context(), "create-booking", id)
		_, appending := telemetry.Start(ctx, "append", "booking")
		appending.Number("events", 2)
		appending.End()
		command.End()
		request.Answered("GET", "/", "req-1", 200)
	}
}
