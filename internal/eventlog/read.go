package eventlog

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/move"
	"github.com/dragoman-booking/dragoman/internal/telemetry"
)

const (
	stallAfter  = 5 * time.Second // a read that gets no message for so long is begun again
	streamBatch = 8               // messages of one stream that wait at most
	allBatch    = 1000            // the same for the whole log: the largest page
	searched    = 256             // events the server looks at between two checkpoint messages
)

// ReadStream hands each event from a revision on (inclusive) to f, in order, until the end or f's first error; eventschema.ErrStop ends it
// without one. A stream that does not exist has no events: no error.
func (l *Log) ReadStream(ctx context.Context, stream string, from uint64, f func(eventschema.Stored) error) error {
	if l.leader != nil {
		return l.readPreferred(ctx, stream, from, f)
	}
	return l.readForwards(ctx, stream, from, f)
}

func (l *Log) readForwards(ctx context.Context, stream string, from uint64, f func(eventschema.Stored) error) error {
	ctx, span := telemetry.Start(ctx, "read", eventschema.KindOf(stream))
	first := from
	err := l.again(ctx, func(ctx context.Context) (bool, error) {
		before := from
		err := l.readStream(ctx, stream, esdb.Forwards, esdb.Revision(from), func(e eventschema.Stored) error {
			if e.Revision < from {
				return nil
			}
			if err := f(e); err != nil {
				return err
			}
			from = e.Revision + 1
			return nil
		})
		return from > before, err
	})
	endRead(span, int(from-first), err)
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	return nil
}

// ReadStreamBackwards does the same from the end towards the beginning.
func (l *Log) ReadStreamBackwards(ctx context.Context, stream string, f func(eventschema.Stored) error) error {
	if l.leader != nil {
		return l.leader.ReadStreamBackwards(ctx, stream, f)
	}
	ctx, span := telemetry.Start(ctx, "read backwards", eventschema.KindOf(stream))
	var from esdb.StreamPosition = esdb.End{}
	done, read := false, 0
	err := l.again(ctx, func(ctx context.Context) (bool, error) {
		gotOn := false
		err := l.readStream(ctx, stream, esdb.Backwards, from, func(e eventschema.Stored) error {
			if err := f(e); err != nil {
				return err
			}
			gotOn = true
			read++
			if e.Revision == 0 {
				done = true
				return eventschema.ErrStop
			}
			from = esdb.Revision(e.Revision - 1)
			return nil
		})
		if done {
			return true, nil
		}
		return gotOn, err
	})
	endRead(span, read, err)
	if err != nil {
		return fmt.Errorf("read stream %s backwards: %w", stream, err)
	}
	return nil
}

func (l *Log) readStream(
	ctx context.Context, stream string, direction esdb.Direction, from esdb.StreamPosition, f func(eventschema.Stored) error,
) error {
	err := l.read(ctx, reading{
		now: true, first: l.attemptFor, stall: stallAfter, buffer: streamBatch,
		open: func(ctx context.Context, c *esdb.Client) (source, error) {
			return sourceOf(c.ReadStream(ctx, stream, esdb.ReadStreamOptions{Direction: direction, From: from}, math.MaxInt64))
		},
	}, eachEvent(f))
	if noSuchStream(err) {
		return nil
	}
	return err
}

// eachEvent unpacks a batch.
func eachEvent(f func(eventschema.Stored) error) func([]item) error {
	return func(batch []item) error {
		for _, it := range batch {
			if err := f(it.event); err != nil {
				return err
			}
		}
		return nil
	}
}

// jsonContent is how the client shows that an event is marked as JSON.
const jsonContent = "application/json"

// sourceOf makes a source of a read. It is never closed from here: the end of its context does that.
func sourceOf(r *esdb.ReadStream, err error) (source, error) {
	if err != nil {
		return nil, err
	}
	return func() (item, error) {
		e, err := r.Recv()
		if err != nil {
			return item{}, err
		}
		return item{event: storedOf(e), isEvent: true, isJSON: e.OriginalEvent().ContentType == jsonContent}, nil
	}, nil
}

func storedOf(e *esdb.ResolvedEvent) eventschema.Stored {
	o := e.OriginalEvent()
	return eventschema.Stored{
		Stream:   o.StreamID,
		Revision: o.EventNumber,
		Position: eventschema.Position{Commit: o.Position.Commit, Prepare: o.Position.Prepare},
		ID:       o.EventID,
		Type:     o.EventType,
		Data:     o.Data,
		Metadata: o.UserMetadata,
	}
}

func positionOf(p eventschema.Position) esdb.AllPosition {
	if p == (eventschema.Position{}) {
		return esdb.Start{}
	}
	return esdb.Position{Commit: p.Commit, Prepare: p.Prepare}
}

// Newest is the position of the newest event of ours, as of the call; zero if there is none.
func (l *Log) Newest(ctx context.Context) (eventschema.Position, error) {
	e, _, err := l.newest(ctx)
	return e.Position, err
}

// newest reads the log backwards past events that are not ours; false if there is none of ours.
func (l *Log) newest(ctx context.Context) (found eventschema.Stored, ok bool, err error) {
	if l.leader != nil {
		return l.leader.newest(ctx)
	}
	ctx, span := telemetry.Start(ctx, "read", "newest")
	var from esdb.AllPosition = esdb.End{}
	count, read := uint64(8), 0
	err = l.again(ctx, func(ctx context.Context) (bool, error) {
		for {
			seen := uint64(0)
			err := l.read(ctx, l.allReading(esdb.Backwards, from, count), eachEvent(func(e eventschema.Stored) error {
				seen++
				read++
				if eventschema.Ours(e.Stream) {
					found, ok = e, true
					return eventschema.ErrStop
				}
				from = esdb.Position{Commit: e.Position.Commit, Prepare: e.Position.Prepare}
				return nil
			}))
			if err != nil || seen < count {
				return seen > 0, err
			}
			count = min(2*count, allBatch)
		}
	})
	endRead(span, read, err)
	if err != nil {
		return eventschema.Stored{}, false, fmt.Errorf("find the newest event: %w", err)
	}
	return found, ok, nil
}

// EventAt reads the event at a position; false if none lies there. The leader is asked, also by a log that reads followers: a follower that lags
// has nothing there yet, and one that was ahead of a leader which died may have something else.
func (l *Log) EventAt(ctx context.Context, at eventschema.Position) (found eventschema.Stored, ok bool, err error) {
	if l.leader != nil {
		return l.leader.EventAt(ctx, at)
	}
	ctx, span := telemetry.Start(ctx, "read", "event")
	defer func() { endRead(span, 1, err) }()
	err = l.again(ctx, func(ctx context.Context) (bool, error) {
		err := l.read(ctx, l.allReading(esdb.Forwards, positionOf(at), 1), eachEvent(func(e eventschema.Stored) error {
			if e.Position == at {
				found, ok = e, true
			}
			return nil
		}))
		if noRecordThere(err) {
			return false, nil
		}
		return false, err
	})
	if err != nil {
		return eventschema.Stored{}, false, fmt.Errorf("read the event at %d/%d: %w", at.Commit, at.Prepare, err)
	}
	return found, ok, nil
}

func (l *Log) allReading(direction esdb.Direction, from esdb.AllPosition, count uint64) reading {
	return reading{
		now: true, first: l.attemptFor, stall: stallAfter, buffer: int(min(count, allBatch)),
		open: func(ctx context.Context, c *esdb.Client) (source, error) {
			return sourceOf(c.ReadAll(ctx, esdb.ReadAllOptions{Direction: direction, From: from}, count))
		},
	}
}

// ReadAll hands the events of ours after a position (exclusive) to f, in order, up to the log's end as of the call or f's first error;
// eventschema.ErrStop ends it without one.
func (l *Log) ReadAll(ctx context.Context, after eventschema.Position, f func(eventschema.Stored) error) error {
	return l.readBatches(ctx, after, func(batch []eventschema.Stored) error {
		for _, e := range batch {
			if err := f(e); err != nil {
				return err
			}
		}
		return nil
	})
}

// readBatches is ReadAll with as many events at once as are waiting, up to 1,000. The client's own read of the log knows no filter and would
// bring every event of everybody; a subscription is filtered on the server.
func (l *Log) readBatches(ctx context.Context, after eventschema.Position, f func([]eventschema.Stored) error) error {
	end, err := l.Newest(ctx)
	if err != nil {
		return err
	}
	first := true
	var last uuid.UUID // of what was handed over; Nil: nothing was
	err = l.again(ctx, func(ctx context.Context) (bool, error) {
		if !first { // the log may have been cut meanwhile, by the end of a leader that was ahead of the others
			newest, err := l.Newest(ctx)
			if err != nil {
				return false, err
			}
			if end.After(newest) {
				end = newest
			}
			if err := l.sameUpTo(ctx, after, last); err != nil {
				return false, err
			}
		}
		first = false
		if !end.After(after) {
			return true, nil
		}
		before := after
		err := l.follow(ctx, after, stallAfter, func(b batch) error {
			for i, e := range b.events {
				if e.Position.After(end) {
					b.events = b.events[:i]
					break
				}
			}
			if n := len(b.events); n > 0 {
				if err := f(b.events); err != nil {
					return err
				}
				after, last = b.events[n-1].Position, b.events[n-1].ID
			}
			if !end.After(b.seen) {
				return eventschema.ErrStop
			}
			return nil
		})
		return after != before, err
	})
	if err == nil && l.leader != nil { // another member than the leader showed this
		err = l.sameUpTo(ctx, after, last)
	}
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	return nil
}

// sameUpTo compares the event that a reader was given last with the log, before it reads on over another connection. If none is there the reader
// waits, as for a log that is away: what it has may not be all, nor all of it true.
func (l *Log) sameUpTo(ctx context.Context, at eventschema.Position, last uuid.UUID) error {
	if last == uuid.Nil {
		return nil
	}
	e, found, err := l.EventAt(ctx, at)
	switch {
	case err != nil:
		return err
	case !found:
		return errCut
	case e.ID != last:
		return fmt.Errorf("%w: another event is where the reader has come to", ErrLogReplaced)
	}
	return nil
}

// batch is what a subscription to all streams of ours brought at once.
type batch struct {
	events []eventschema.Stored // of ours, after the position asked for
	seen   eventschema.Position // everything up to here has been seen
}

// follow subscribes, once, to everything of ours after a position. It ends with an error: f's own, or why the subscription ended.
func (l *Log) follow(ctx context.Context, after eventschema.Position, stall time.Duration, f func(batch) error) error {
	err := l.read(ctx, reading{
		first: l.attemptFor, stall: stall, buffer: allBatch,
		open: func(ctx context.Context, c *esdb.Client) (source, error) {
			s, err := c.SubscribeToAll(ctx, esdb.SubscribeToAllOptions{
				From:               positionOf(after),
				MaxSearchWindow:    searched,
				CheckpointInterval: 1,
				Filter:             &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: append(eventschema.Prefixes(), move.Stream)},
			})
			if err != nil {
				return nil, err
			}
			return func() (item, error) { return received(s) }, nil
		},
	}, func(items []item) error {
		var b batch
		for _, it := range items {
			switch {
			case !it.isEvent:
				if it.checkpoint.After(b.seen) {
					b.seen = it.checkpoint
				}
				continue
			case !it.event.Position.After(after): // a member that lags behind the position sends what lies before it again
				continue
			case it.event.Stream == move.Stream:
				l.seeHouse(it.event)
			case eventschema.Ours(it.event.Stream):
				b.events = append(b.events, it.event)
			}
			after = it.event.Position
			b.seen = after
		}
		return f(b)
	})
	if err == nil {
		err = errGivenUp // a subscription has no end of its own
	}
	return err
}

// received waits for the next message of a subscription.
func received(s *esdb.Subscription) (item, error) {
	for {
		m := s.Recv()
		switch {
		case m.EventAppeared != nil:
			return item{event: storedOf(m.EventAppeared), isEvent: true}, nil
		case m.CheckPointReached != nil:
			return item{checkpoint: eventschema.Position{Commit: m.CheckPointReached.Commit, Prepare: m.CheckPointReached.Prepare}}, nil
		case m.SubscriptionDropped != nil:
			return item{}, fmt.Errorf("the subscription ended: %w", m.SubscriptionDropped.Error)
		}
	}
}
