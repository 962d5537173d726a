package log

import (
	"context"
	"fmt"
	"math"

	"github.com/dragoman-booking/dragoman/internal/move"
)

// A log may be one of several that hold the same events: one writes them, the others take them over. The one that writes hands on what it has
// synced before it shows or acknowledges it (Options.HandOn), and Replicate takes it over, with its positions and dates. Which log writes, and what
// becomes of one whose events nobody took over, is not decided here.

// Replicate writes events as another log recorded them, all or none. They have to follow on what is here.
func (l *Log) Replicate(ctx context.Context, events []Event) error {
	size := 0
	for i := range events {
		size += len(events[i].Custom) + len(events[i].Data)
	}
	_, err := l.submit(ctx, &request{op: opReplicate, recorded: events, size: size})
	return err
}

func (g *group) replicate(r *request) error {
	if err := g.follows(r.recorded); err != nil {
		return err
	}
	created := g.created
	defer func() { g.created = created }()
	for i := range r.recorded {
		e := &r.recorded[i]
		s, err := g.stream(e.Stream)
		if err != nil {
			return err
		}
		g.created, g.log.nextPosition = e.Created, e.Position
		g.write(s, e.Revision, &Proposed{ID: e.ID, Type: e.Type, JSON: e.JSON, Custom: e.Custom, Data: e.Data})
		if e.Stream == move.Stream {
			if g.log.house, err = move.Parse(e.Type, e.Data, e.Revision); err != nil {
				return err
			}
		}
	}
	return nil
}

// follows tells whether the events are the next ones of this log and of their streams, before any of them is written.
func (g *group) follows(events []Event) error {
	next := g.log.End() + 1
	if g.last >= next {
		next = g.last + 1
	}
	revisions := map[string]uint64{}
	for i := range events {
		e := &events[i]
		if e.Position < next {
			return fmt.Errorf("replicate position %d: the log has come to %d", e.Position, next-1)
		}
		next = e.Position + 1
		s, err := g.stream(e.Stream)
		if err != nil {
			return err
		}
		revision, known := revisions[e.Stream]
		if !known {
			revision = uint64(s.last + 1)
		}
		if e.Revision == TombstoneRevision {
			continue
		}
		if e.Revision != revision {
			return fmt.Errorf("replicate %s: its stream goes on with revision %d", place(e.Stream, e.Revision, e.Position), revision)
		}
		revisions[e.Stream] = revision + 1
	}
	return nil
}

// handOn hands on what the group has written and synced; until it returns nobody sees it.
func (l *Log) handOn(g *group) error {
	var events []Event
	for from := l.End() + 1; ; {
		page, err := l.scanAll(from, g.last+1, false, math.MaxInt, math.MaxInt, nil)
		if err != nil {
			return err
		}
		events = append(events, page.Events...)
		if page.End {
			return l.opts.HandOn(events)
		}
		from = page.Last + 1
	}
}

// step is how far the next position lies behind that of an event.
func (l *Log) step(recordSize int) uint64 {
	if l.opts.Offsets {
		return uint64(recordSize)
	}
	return 1
}

// lastStep is step for an event that is in the store.
func (l *Log) lastStep(position uint64) (uint64, error) {
	if position == 0 || !l.opts.Offsets {
		return 1, nil
	}
	value, closer, err := l.db.Get(eventKey(nil, position))
	if err != nil {
		return 0, err
	}
	defer closer.Close()
	return l.step(len(value)), nil
}
