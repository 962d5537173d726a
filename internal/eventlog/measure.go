package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/telemetry"
)

// newAppends measures appends, and shows it if there is somewhere to.
func newAppends(r prometheus.Registerer) (*prometheus.HistogramVec, error) {
	appends := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "dragoman_append_seconds",
		Help:    "How long appends took until the log acknowledged or refused them, tries included, by kind of stream and result (written, conflict, unavailable, failed).",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5, 15},
	}, []string{"kind", "result"})
	if r == nil {
		return appends, nil
	}
	if err := r.Register(appends); err != nil {
		return nil, fmt.Errorf("register metrics of the event log: %w", err)
	}
	return appends, nil
}

// resultOf sums an append or a read up; done is what it is called when it worked.
func resultOf(err error, done string) string {
	switch {
	case err == nil:
		return done
	case errors.Is(err, eventschema.ErrConflict):
		return "conflict"
	case errors.Is(err, eventschema.ErrUnavailable), errors.Is(err, ErrClosed):
		return "unavailable"
	}
	return "failed"
}

// endRead ends the span of a read of the log.
func endRead(span telemetry.Span, events int, err error) {
	span.Number("dragoman.events", events)
	if err != nil {
		span.Failed(resultOf(err, ""))
	}
	span.End()
}

// Behind is how old the oldest event of ours is that the log holds and the feed has not handed on, by the machine's clock; zero if it has seen
// everything. It grows when the feed is stuck: the log is away, or an event's keys cannot be asked for.
func (f *Feed) Behind(ctx context.Context) (time.Duration, error) {
	var oldest time.Time
	err := f.Log.ReadAll(ctx, f.Head(), func(e eventschema.Stored) error {
		oldest = eventschema.RecordedAt(e)
		return eventschema.ErrStop
	})
	if err != nil {
		return 0, fmt.Errorf("find how far the feed is behind: %w", err)
	}
	if oldest.IsZero() {
		return 0, nil
	}
	return max(0, time.Since(oldest)), nil
}
