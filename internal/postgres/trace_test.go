package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// Statements that belong to traced work are spans with their text; neither their arguments nor the values that the server quotes in its errors
// are in them. Statements of other work are no spans.
func TestStatementsAreTracedWithoutValues(t *testing.T) {
	t.Parallel()
	const planted = "Xaverius Quillfeather"
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	pool, err := Open(t.Context(), TestURL(t), PoolOptions{MaxConns: 2, Name: "test", Tracer: NewTracer(provider)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if _, err := pool.Exec(t.Context(), `select 1`); err != nil {
		t.Fatal(err)
	}
	if n := len(spans.GetSpans()); n != 0 {
		t.Fatalf("%d spans outside any traced work", n)
	}

	ctx, work := provider.Tracer("test").Start(t.Context(), "work")
	if _, err := pool.Exec(ctx, `select length($1::text)`, planted); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(ctx, `select $1::text::int`, planted); err == nil || !strings.Contains(err.Error(), planted) {
		t.Fatalf("the server's error does not quote the value, so this test shows nothing: %v", err)
	}
	batch := &pgx.Batch{}
	batch.Queue(`select $1::text::date`, planted)
	if err := pool.SendBatch(ctx, batch).Close(); err == nil || !strings.Contains(err.Error(), planted) {
		t.Fatalf("the server's error does not quote the value of a batch: %v", err)
	}
	work.End()

	ended := spans.GetSpans()
	all := fmt.Sprintf("%+v", ended)
	for _, want := range []string{"select length($1::text)", "select $1::text::int", "select $1::text::date", "22P02", "22007"} {
		if !strings.Contains(all, want) {
			t.Errorf("no span says %s", want)
		}
	}
	if strings.Contains(all, planted) || strings.Contains(all, "Quillfeather") {
		t.Errorf("a span holds an argument: %s", all)
	}
	for _, s := range ended {
		if s.Name != "work" && s.SpanContext.TraceID() != work.SpanContext().TraceID() {
			t.Errorf("the span %q is not part of the work", s.Name)
		}
	}
	if NewTracer(nil) != nil {
		t.Error("without a provider there is a tracer")
	}
}
