package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/internal/telemetry"
)

// TestATracedBooking: a booking sent with a traceparent is one trace, the caller's, from the request over the command down to its append and the
// statements that it asked; every read model's page that holds its events is linked with it. No span holds what was sent.
func TestATracedBooking(t *testing.T) {
	t.Parallel()
	ended := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(ended))
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	base := startTraced(t, telemetry.New(provider))
	customer := signIn(t, base, "requestor")
	location := customer.get("/locations").items()[0]["id"].(string)
	const trace, caller = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	booked := customer.send("POST", "/api/v1/bookings", faceToFace(location, "2031-05-06T10:00", 60),
		map[string]string{"Traceparent": "00-" + trace + "-" + caller + "-01", "X-Request-Id": "request-17"})
	if booked.status != http.StatusCreated {
		t.Fatalf("book: %d %s", booked.status, booked.raw)
	}

	var all, ours tracetest.SpanStubs
	named := func(name string) tracetest.SpanStub {
		t.Helper()
		i := slices.IndexFunc(ours, func(s tracetest.SpanStub) bool { return s.Name == name })
		if i < 0 {
			t.Fatalf("the trace has no span %q", name)
		}
		return ours[i]
	}
	pages := func() (models []string) {
		all, ours = ended.GetSpans(), nil
		for _, s := range all {
			if s.SpanContext.TraceID().String() == trace {
				ours = append(ours, s)
			}
		}
		command := named("command create")
		for _, s := range all {
			if model, yes := strings.CutPrefix(s.Name, "project "); yes && slices.ContainsFunc(s.Links, func(l sdktrace.Link) bool {
				return l.SpanContext.SpanID() == command.SpanContext.SpanID()
			}) {
				models = append(models, model)
			}
		}
		slices.Sort(models)
		return slices.Compact(models) // on a slow machine a page may be applied twice
	}
	var want []string
	for _, p := range projectors() {
		want = append(want, p.Name())
	}
	slices.Sort(want)
	for late := time.After(30 * time.Second); !slices.Equal(pages(), want); {
		select {
		case <-late:
			t.Fatalf("linked with the booking are pages of %v, want %v", pages(), want)
		case <-time.After(10 * time.Millisecond): // a page's span ends just after its rows can be seen
		}
	}

	request, command, appended := named("POST /api/v1/bookings"), named("command create"), named("append booking")
	if request.Parent.SpanID().String() != caller || command.Parent.SpanID() != request.SpanContext.SpanID() || appended.Parent.SpanID() != command.SpanContext.SpanID() {
		t.Error("caller, request, command and append are no line")
	}
	holds := func(s tracetest.SpanStub, key, value string) {
		t.Helper()
		for _, a := range s.Attributes {
			if string(a.Key) == key && a.Value.String() == value {
				return
			}
		}
		t.Errorf("the span %q does not say %s=%s: %v", s.Name, key, value, s.Attributes)
	}
	holds(request, "http.route", "/api/v1/bookings")
	holds(request, "http.response.status_code", "201")
	holds(request, "dragoman.request_id", "request-17")
	holds(command, "dragoman.stream_kind", "booking")
	holds(command, "dragoman.attempts", "1")
	holds(command, "dragoman.result", "accepted")
	holds(appended, "dragoman.stream", "booking-"+booked.body["bookingId"].(string))
	if !slices.ContainsFunc(ours, func(s tracetest.SpanStub) bool { return strings.HasPrefix(s.Name, "query ") }) {
		t.Error("the trace has no statement of the database")
	}
	printed := fmt.Sprintf("%+v", all)
	for _, sent := range []string{"Kowalski", "0113 496", "bell@police.example", "Sergeant Bell", customer.token} {
		if strings.Contains(printed, sent) {
			t.Errorf("a span holds %q", sent)
		}
	}
}

// startTraced serves the small demo inside this process with traces of the test's own.
func startTraced(t *testing.T, traces *telemetry.Traces) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	out := &lines{seen: make(chan string, 1000)}
	s := &stage{ctx: ctx, out: out, errOut: io.Discard, log: slog.New(slog.DiscardHandler), traces: traces}
	c := &Config{Listen: "127.0.0.1:0", Data: t.TempDir(), DatabaseURL: postgres.TestURL(t), MinFreeDisk: "512MB"}
	return awaitServer(t, out, stop, func() error {
		err := demoCmd{Small: true}.Run(s, c)
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			return nil // stopped while it drained
		}
		return err
	})
}
