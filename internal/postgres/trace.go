package postgres

import (
	"context"
	"errors"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
)

// NewTracer makes a span of every statement that is part of a traced piece of work: its text and how many rows it touched, never its arguments.
// The server quotes values in its errors, so of an error only the SQLSTATE is kept. nil without a provider.
func NewTracer(p trace.TracerProvider) pgx.QueryTracer {
	if p == nil {
		return nil
	}
	return tracer{otelpgx.NewTracer(otelpgx.WithTracerProvider(p), otelpgx.WithMeterProvider(noop.NewMeterProvider()), otelpgx.WithTrimSQLInSpanName(),
		otelpgx.WithDisableConnectionDetailsInAttributes())}
}

// tracer is otelpgx's, told no error that may hold data.
type tracer struct{ *otelpgx.Tracer }

func (t tracer) TraceQueryEnd(ctx context.Context, c *pgx.Conn, data pgx.TraceQueryEndData) {
	data.Err = hushed(data.Err)
	t.Tracer.TraceQueryEnd(ctx, c, data)
}

func (t tracer) TraceBatchQuery(ctx context.Context, c *pgx.Conn, data pgx.TraceBatchQueryData) {
	data.Err = hushed(data.Err)
	t.Tracer.TraceBatchQuery(ctx, c, data)
}

func (t tracer) TraceBatchEnd(ctx context.Context, c *pgx.Conn, data pgx.TraceBatchEndData) {
	data.Err = hushed(data.Err)
	t.Tracer.TraceBatchEnd(ctx, c, data)
}

func (t tracer) TraceCopyFromEnd(ctx context.Context, c *pgx.Conn, data pgx.TraceCopyFromEndData) {
	data.Err = hushed(data.Err)
	t.Tracer.TraceCopyFromEnd(ctx, c, data)
}

func (t tracer) TracePrepareEnd(ctx context.Context, c *pgx.Conn, data pgx.TracePrepareEndData) {
	data.Err = hushed(data.Err)
	t.Tracer.TracePrepareEnd(ctx, c, data)
}

func (t tracer) TraceConnectEnd(ctx context.Context, data pgx.TraceConnectEndData) {
	data.Err = hushed(data.Err)
	t.Tracer.TraceConnectEnd(ctx, data)
}

func (t tracer) TraceAcquireEnd(ctx context.Context, pool *pgxpool.Pool, data pgxpool.TraceAcquireEndData) {
	data.Err = hushed(data.Err)
	t.Tracer.TraceAcquireEnd(ctx, pool, data)
}

var errHushed = errors.New("the database is away or the statement was given up")

// hushed is an error without data.
func hushed(err error) error {
	var answer *pgconn.PgError
	switch {
	case err == nil, errors.Is(err, pgx.ErrNoRows):
		return err
	case errors.As(err, &answer):
		return &pgconn.PgError{Severity: answer.Severity, Code: answer.Code, Message: "the database refused"}
	}
	return errHushed
}
