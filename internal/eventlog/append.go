package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/telemetry"
)

// Append writes all events or none, only if the stream's last revision is expected (eventschema.NoStream: it has none). The same events
// again, with the same ids and the same expected revision, are acknowledged again and not written again; so an append whose outcome is unknown
// is sent again until there is an answer, or for 16 s, then eventschema.ErrUnavailable: it may have been written. eventschema.ErrConflict:
// another revision is there, nothing was written. eventschema.ErrTooLarge: nothing was sent.
func (l *Log) Append(ctx context.Context, stream string, expected int64, events []eventschema.Proposed) (eventschema.Appended, error) {
	ctx, span := telemetry.Start(ctx, "append", eventschema.KindOf(stream))
	defer span.End()
	began := time.Now()
	var appended eventschema.Appended
	err := l.atHome(ctx)
	if err == nil {
		appended, err = l.append(ctx, stream, expected, events)
	}
	result := resultOf(err, "written")
	l.appends.WithLabelValues(eventschema.KindOf(stream), result).Observe(time.Since(began).Seconds())
	span.Text("dragoman.stream", stream)
	span.Number("dragoman.events", len(events))
	if err != nil {
		span.Failed(result)
	}
	return appended, err
}

func (l *Log) append(ctx context.Context, stream string, expected int64, events []eventschema.Proposed) (eventschema.Appended, error) {
	fail := func(err error) (eventschema.Appended, error) {
		return eventschema.Appended{}, fmt.Errorf("append %d events to %s: %w", len(events), stream, err)
	}
	if len(events) == 0 {
		return fail(errors.New("no events"))
	}
	if size := eventschema.Size(events); size > eventschema.MaxAppend {
		return fail(fmt.Errorf("%w: %d bytes", eventschema.ErrTooLarge, size))
	}
	options := esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}, Deadline: &l.attemptFor}
	switch {
	case expected >= 0:
		options.ExpectedRevision = esdb.Revision(uint64(expected))
	case expected != eventschema.NoStream: // anything but an exact revision would give up the safety of sending again
		return fail(fmt.Errorf("%d is no revision", expected))
	}
	proposed := make([]esdb.EventData, len(events))
	for i, e := range events {
		proposed[i] = esdb.EventData{
			EventID: e.ID, EventType: e.Type, ContentType: esdb.ContentTypeJson, Data: e.Data, Metadata: e.Metadata,
		}
	}
	var written *esdb.WriteResult
	err := l.again(ctx, func(ctx context.Context) (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, l.attemptFor)
		defer cancel()
		var err error
		written, err = once(ctx, l, func(ctx context.Context, c *esdb.Client) (*esdb.WriteResult, error) {
			return c.AppendToStream(ctx, stream, options, proposed...)
		})
		return false, err
	})
	switch {
	case codeOf(err) == esdb.ErrorCodeWrongExpectedVersion:
		return fail(fmt.Errorf("%w: %w", eventschema.ErrConflict, err))
	case refusedByHouse(err):
		return fail(fmt.Errorf("%w: %w", ErrMoved, err))
	case err != nil:
		return fail(err)
	}
	return eventschema.Appended{
		Revision: written.NextExpectedVersion,
		Position: eventschema.Position{Commit: written.CommitPosition, Prepare: written.PreparePosition},
	}, nil
}
