package telemetry

import (
	"context"
	"net/http"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// scope names who makes the spans.
const scope = "github.com/dragoman-booking/dragoman"

// rememberedCommands is how many commands of this process a later span can still be linked with.
const rememberedCommands = 10_000

// Traces begins spans. Nil is off.
type Traces struct {
	provider trace.TracerProvider
	tracer   trace.Tracer
	commands *lru.Cache[uuid.UUID, trace.SpanContext] // by command id
}

// New makes spans with a provider.
func New(p trace.TracerProvider) *Traces {
	commands, err := lru.New[uuid.UUID, trace.SpanContext](rememberedCommands)
	if err != nil {
		panic("telemetry: cache size") // our own constant
	}
	return &Traces{provider: p, tracer: p.Tracer(scope), commands: commands}
}

// Provider is what other libraries make their spans with; nil when tracing is off.
func (t *Traces) Provider() trace.TracerProvider {
	if t == nil {
		return nil
	}
	return t.provider
}

// Request begins the span of an HTTP request, in the trace that the caller names by a W3C traceparent header, if any. Answered ends it.
func (t *Traces) Request(r *http.Request) (*http.Request, Span) {
	if t == nil {
		return r, Span{}
	}
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := t.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
	return r.WithContext(ctx), Span{span}
}

// Start begins a span called "<what> <name>": a child of the one that ctx holds, else the first of a trace.
func (t *Traces) Start(ctx context.Context, what, name string) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	ctx, span := t.tracer.Start(ctx, what+" "+name)
	return ctx, Span{span}
}

// Command is Start for a command, with which the spans of what its events lead to in this process can be linked.
func (t *Traces) Command(ctx context.Context, name string, id uuid.UUID) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	ctx, span := t.Start(ctx, "command", name)
	t.commands.Add(id, span.span.SpanContext())
	return ctx, span
}

// linked is how many commands a page's span is linked with at most: a page of a rebuild holds those of many.
const linked = 20

// Page is Start for work on a page of events. The span is linked with the commands of this process, not long ago, that led to the events.
func (t *Traces) Page(ctx context.Context, what, name string, page eventschema.Page) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	ctx, s := t.Start(ctx, what, name)
	s.Number("dragoman.events", len(page))
	if len(page) > 0 {
		s.span.SetAttributes(attribute.Int64("dragoman.position", int64(page.Last().Position.Commit)))
	}
	last, links := uuid.Nil, 0
	for _, e := range page {
		id := e.Meta.CommandID
		if id == last || links == linked {
			continue
		}
		last = id
		if cause, known := t.commands.Get(id); known {
			s.span.AddLink(trace.Link{SpanContext: cause})
			links++
		}
	}
	return ctx, s
}

// Start begins a child of the span that ctx holds, called "<what> <name>"; without one it is off.
func Start(ctx context.Context, what, name string) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Span{}
	}
	ctx, span := parent.TracerProvider().Tracer(scope).Start(ctx, what+" "+name)
	return ctx, Span{span}
}

// Span is a piece of work in a trace. The zero Span is off. What is set on it must not be personal.
type Span struct{ span trace.Span }

// Text sets an attribute.
func (s Span) Text(key, value string) {
	if s.span != nil {
		s.span.SetAttributes(attribute.String(key, value))
	}
}

// Number sets an attribute.
func (s Span) Number(key string, n int) {
	if s.span != nil {
		s.span.SetAttributes(attribute.Int(key, n))
	}
}

// ID sets an attribute.
func (s Span) ID(key string, id uuid.UUID) {
	if s.span != nil {
		s.span.SetAttributes(attribute.String(key, id.String()))
	}
}

// Failed marks the work as failed, for a reason of a few fixed words: an error's text may quote values, so it is no reason.
func (s Span) Failed(why string) {
	if s.span != nil {
		s.span.SetStatus(codes.Error, why)
	}
}

// End ends the work.
func (s Span) End() {
	if s.span != nil {
		s.span.End()
	}
}

// Answered ends the span of a request. route is the pattern, never the path.
func (s Span) Answered(method, route, requestID string, status int) {
	if s.span == nil {
		return
	}
	s.span.SetName(method + " " + route)
	s.span.SetAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route),
		attribute.Int("http.response.status_code", status))
	if requestID != "" {
		s.Text("dragoman.request_id", requestID)
	}
	if status >= http.StatusInternalServerError {
		s.Failed(http.StatusText(status))
	}
	s.span.End()
}

// TraceID names the trace in logs; empty when tracing is off.
func (s Span) TraceID() string {
	if s.span == nil {
		return ""
	}
	return s.span.SpanContext().TraceID().String()
}
