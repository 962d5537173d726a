package eventlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/move"
)

// Moving is a move of everything of ours from one log to another, through the official client alone. It keeps nothing but what both logs say, so after a
// kill the same call goes on where it was.
type Moving struct {
	Source, Target *Log
	From, To       string // where the logs are, as people are told later; without passwords

	// Wanted are events whose positions in the target are asked for, and Kept is called with them once both logs are the same: to rewrite what is kept
	// elsewhere, all at once. It may be called again, after a kill.
	Wanted []uuid.UUID
	Kept   func(ctx context.Context, positions map[uuid.UUID]eventschema.Position) error

	// Report, if set, is told how far it is, for every event.
	Report func(MoveProgress)
}

// MoveProgress is how far a move is in one of its passes over the source: checking, copying, comparing.
type MoveProgress struct {
	Doing  string
	Events int64
	At     eventschema.Position // in the source
	End    eventschema.Position // of the source
}

// ErrRefused: the logs cannot be moved; nothing was changed that another call would not go on with.
var ErrRefused = errors.New("the log cannot be moved")

// ErrNoMove: there is no move of the log that could be called off.
var ErrNoMove = errors.New("no move can be called off")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrRefused}, args...)...)
}

// Run moves the log: it checks both, marks the source as leaving and the target as arriving, copies what the target does not hold yet, compares both logs
// event by event, has Kept rewritten, and marks the source as left and the target as arrived. From the first mark on nobody of ours appends to the source, and
// from the last but one on never again.
func (m *Moving) Run(ctx context.Context) error {
	source, err := m.Source.House(ctx)
	if err != nil {
		return err
	}
	target, err := m.Target.House(ctx)
	if err != nil {
		return err
	}
	switch {
	case source.State == move.Left && target.State == move.Arriving && target.Move == source.Move:
		_, err := m.mark(ctx, m.Target, target, move.Arrived, source.Move, m.From) // all that was left to do
		return err
	case source.State == move.Left:
		return refuse("%s has moved to %s already", m.From, source.Other)
	case source.State == move.Arriving:
		return refuse("%s is not complete: it is being filled from %s", m.From, source.Other)
	case source.State == move.Leaving && source.Other != m.To:
		return refuse("%s is being moved to %s already: go on with that, or call it off", m.From, source.Other)
	case target.Closed():
		return refuse("%s cannot be moved into: %s", m.To, target.Sentence())
	case target.State == move.Arriving && source.State == move.Leaving && target.Move != source.Move,
		target.State == move.Arriving && target.Other != m.From, target.State == move.Arrived, target.State == move.Stayed:
		return refuse("%s holds something else than the beginning of this move: it is %s from %s", m.To, target.State, target.Other)
	}
	if source.State != move.Leaving {
		if err := m.check(ctx); err != nil {
			return err
		}
		id := target.Move
		if target.State != move.Arriving {
			if id, err = uuid.NewV7(); err != nil {
				return err
			}
			if target, err = m.mark(ctx, m.Target, target, move.Arriving, id, m.From); err != nil {
				return err
			}
		}
		if source, err = m.mark(ctx, m.Source, source, move.Leaving, id, m.To); err != nil {
			return err
		}
	} else if target.State != move.Arriving {
		return refuse("%s does not hold the beginning of this move: call it off, or move into where it began", m.To)
	}

	for {
		end, err := m.copy(ctx)
		if err != nil {
			return err
		}
		positions, err := m.compare(ctx, end)
		if err != nil {
			return err
		}
		newest, err := m.Source.Newest(ctx)
		if err != nil {
			return err
		}
		if newest != end { // an append was under way when the mark was written: it was acknowledged, so it moves too
			continue
		}
		if m.Kept != nil {
			if err := m.Kept(ctx, positions); err != nil {
				return err
			}
		}
		break
	}
	if _, err := m.mark(ctx, m.Source, source, move.Left, source.Move, m.To); err != nil {
		return err
	}
	_, err = m.mark(ctx, m.Target, target, move.Arrived, source.Move, m.From)
	return err
}

func (m *Moving) mark(ctx context.Context, l *Log, before move.Mark, state move.State, id uuid.UUID, other string) (move.Mark, error) {
	return l.setHouse(ctx, before, move.Mark{State: state, Move: id, Other: other, At: time.Now().UTC()})
}

// CallOff ends a move that was begun and not finished: the source is at home again. The target is good for nothing any more. kept is called first, with
// the positions of the wanted events in the source.
func CallOff(ctx context.Context, source *Log, wanted []uuid.UUID, kept func(context.Context, map[uuid.UUID]eventschema.Position) error) error {
	house, err := source.House(ctx)
	if err != nil {
		return err
	}
	switch house.State {
	case move.Leaving:
	case move.Left:
		return fmt.Errorf("%w: the log has moved to %s already, and cannot stay any more", ErrNoMove, house.Other)
	default:
		return fmt.Errorf("%w: the log is not being moved", ErrNoMove)
	}
	positions := map[uuid.UUID]eventschema.Position{}
	for _, id := range wanted {
		positions[id] = eventschema.Position{}
	}
	for e, err := range source.everything(ctx) {
		if err != nil {
			return err
		}
		if _, asked := positions[e.ID]; asked && eventschema.Ours(e.Stream) {
			positions[e.ID] = e.Position
		}
	}
	if err := kept(ctx, positions); err != nil {
		return err
	}
	_, err = source.setHouse(ctx, house, move.Mark{State: move.Stayed, Move: house.Move, Other: house.Other, At: time.Now().UTC()})
	return err
}

// anyEvent is an event of anybody's.
type anyEvent struct {
	eventschema.Stored
	isJSON bool
}

// everything is the whole log, unfiltered, up to its end: what must be refused does not lie in streams of ours.
func (l *Log) everything(ctx context.Context) iter.Seq2[anyEvent, error] {
	return func(yield func(anyEvent, error) bool) {
		var from eventschema.Position
		err := l.again(ctx, func(ctx context.Context) (bool, error) {
			before := from
			err := l.read(ctx, reading{
				now: true, first: l.attemptFor, stall: stallAfter, buffer: allBatch,
				open: func(ctx context.Context, c *esdb.Client) (source, error) {
					return sourceOf(c.ReadAll(ctx, esdb.ReadAllOptions{Direction: esdb.Forwards, From: positionOf(from)}, math.MaxInt64))
				},
			}, func(items []item) error {
				for _, it := range items {
					if !it.event.Position.After(from) {
						continue
					}
					from = it.event.Position
					if !yield(anyEvent{it.event, it.isJSON}, nil) {
						return eventschema.ErrStop
					}
				}
				return nil
			})
			return from != before, err
		})
		if err != nil {
			yield(anyEvent{}, fmt.Errorf("read the log: %w", err))
		}
	}
}

// judge looks at one event of a log that is to be moved: whether it is one of ours, or why it cannot be moved.
type judge struct {
	where string
	next  map[string]uint64 // revision of the next event of each stream
}

func newJudge(where string) *judge { return &judge{where, map[string]uint64{}} }

func (j *judge) ours(e anyEvent) (bool, error) {
	if of, isMeta := strings.CutPrefix(e.Stream, "$$"); isMeta && eventschema.Ours(of) {
		what := "$metadata"
		if bytes.Contains(e.Data, []byte("9223372036854775807")) {
			what = "a delete"
		}
		return false, refuse("%s holds %s of stream %s, at position %d", j.where, what, of, e.Position.Commit)
	}
	if !eventschema.Ours(e.Stream) {
		return false, nil
	}
	switch want := j.next[e.Stream]; {
	case e.Type == "$streamDeleted":
		return false, refuse("%s holds a tombstone of stream %s, at position %d", j.where, e.Stream, e.Position.Commit)
	case e.Revision != want:
		return false, refuse("%s has a gap in stream %s: event %d comes where %d should, at position %d", j.where, e.Stream, e.Revision, want, e.Position.Commit)
	case !e.isJSON:
		return false, refuse("event %d of stream %s in %s is not JSON, so it is none of ours", e.Revision, e.Stream, j.where)
	}
	j.next[e.Stream] = e.Revision + 1
	return true, nil
}

// events are those of ours, or an error by name.
func (j *judge) events(ctx context.Context, l *Log, alone bool) iter.Seq2[eventschema.Stored, error] {
	return func(yield func(eventschema.Stored, error) bool) {
		for e, err := range l.everything(ctx) {
			isOurs := false
			if err == nil {
				isOurs, err = j.ours(e)
			}
			if err == nil && alone && !isOurs && e.Stream != move.Stream && !strings.HasPrefix(e.Stream, "$") {
				err = refuse("%s holds something else than the beginning of this move: event %d of stream %s", j.where, e.Revision, e.Stream)
			}
			if (err != nil || isOurs) && !yield(e.Stored, err) || err != nil {
				return
			}
		}
	}
}

// check reads both logs before anything is written to either: a source that cannot be moved is not closed in vain.
func (m *Moving) check(ctx context.Context) error {
	for e, err := range newJudge(m.To).events(ctx, m.Target, true) {
		if err != nil {
			return err
		}
		return refuse("%s holds something else than the beginning of this move: event %d of stream %s", m.To, e.Revision, e.Stream)
	}
	tell, err := m.teller(ctx, "checking")
	if err != nil {
		return err
	}
	for e, err := range newJudge(m.From).events(ctx, m.Source, false) {
		if err != nil {
			return err
		}
		tell(e)
	}
	return nil
}

// Movable refuses, by name, a log that no move can take along; where says which that is.
func Movable(ctx context.Context, l *Log, where string) error {
	for _, err := range newJudge(where).events(ctx, l, false) {
		if err != nil {
			return err
		}
	}
	return nil
}

// teller reports events of the source, which must hold some.
func (m *Moving) teller(ctx context.Context, doing string) (func(eventschema.Stored), error) {
	end, err := m.Source.Newest(ctx)
	if err != nil {
		return nil, err
	}
	if end == (eventschema.Position{}) {
		return nil, refuse("%s holds no event of ours", m.From)
	}
	n := int64(0)
	return func(e eventschema.Stored) {
		n++
		if m.Report != nil {
			m.Report(MoveProgress{doing, n, e.Position, end})
		}
	}, nil
}

// copy goes through both logs together as far as the target reaches, where they must be the same, and writes the rest of the source into the target.
// It tells how far the source reached.
func (m *Moving) copy(ctx context.Context) (end eventschema.Position, err error) {
	tell, err := m.teller(ctx, "copying")
	if err != nil {
		return end, err
	}
	held, stop := iter.Pull2(newJudge(m.To).events(ctx, m.Target, true))
	defer stop()
	filler := m.Target.Fill()
	reached := false // the target's end
	for e, err := range newJudge(m.From).events(ctx, m.Source, false) {
		if err != nil {
			return end, err
		}
		tell(e)
		end = e.Position
		if !reached {
			there, err, more := held()
			if err != nil {
				return end, err
			}
			if more {
				if err := m.same(e, there); err != nil {
					return end, err
				}
				continue
			}
			reached = true
		}
		if err := filler.Add(ctx, e); err != nil {
			return end, err
		}
	}
	if there, err, more := held(); !reached && (more || err != nil) {
		if err != nil {
			return end, err
		}
		return end, refuse("%s goes on where %s ends: with event %d of stream %s", m.To, m.From, there.Revision, there.Stream)
	}
	return end, filler.Flush(ctx)
}

// compare goes through both logs, the source as far as it was copied and the target to its end: every event must be the same. It tells where the wanted
// ones lie in the target.
func (m *Moving) compare(ctx context.Context, end eventschema.Position) (map[uuid.UUID]eventschema.Position, error) {
	tell, err := m.teller(ctx, "comparing")
	if err != nil {
		return nil, err
	}
	positions := map[uuid.UUID]eventschema.Position{}
	for _, id := range m.Wanted {
		positions[id] = eventschema.Position{}
	}
	held, stop := iter.Pull2(newJudge(m.To).events(ctx, m.Target, true))
	defer stop()
	for e, err := range newJudge(m.From).events(ctx, m.Source, false) {
		if err != nil {
			return nil, err
		}
		if e.Position.After(end) {
			break
		}
		tell(e)
		there, err, more := held()
		switch {
		case err != nil:
			return nil, err
		case !more:
			return nil, refuse("%s ends before event %d of stream %s", m.To, e.Revision, e.Stream)
		}
		if err := m.same(e, there); err != nil {
			return nil, err
		}
		if _, asked := positions[e.ID]; asked {
			positions[e.ID] = there.Position
		}
	}
	there, err, more := held()
	if err != nil {
		return nil, err
	}
	if more {
		return nil, refuse("%s goes on where %s ends: with event %d of stream %s", m.To, m.From, there.Revision, there.Stream)
	}
	return positions, nil
}

func (m *Moving) same(here, there eventschema.Stored) error {
	differs := ""
	switch {
	case here.Stream != there.Stream || here.Revision != there.Revision:
		return refuse("%s holds something else than the beginning of this move: event %d of stream %s where %s has event %d of stream %s", m.To,
			there.Revision, there.Stream, m.From, here.Revision, here.Stream)
	case here.ID != there.ID:
		differs = "id"
	case here.Type != there.Type:
		differs = "type"
	case !bytes.Equal(here.Data, there.Data):
		differs = "data"
	case !bytes.Equal(here.Metadata, there.Metadata):
		differs = "metadata"
	default:
		return nil
	}
	return refuse("%s holds something else than the beginning of this move: event %d of stream %s has another %s than in %s", m.To, there.Revision, there.Stream, differs, m.From)
}
