package eventlog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/esnode"
	"github.com/dragoman-booking/dragoman/internal/move"
)

// two are logs of their own, the first with some events of ours and of others, and what lies in it.
func two(t *testing.T) (m *Moving, all []eventschema.Stored) {
	t.Helper()
	m = &Moving{From: "here", To: "there", Source: ownLog(t), Target: ownLog(t)}
	one, other := newSeries(t, m.Source), newSeries(t, m.Source)
	one.append(3)
	raw(t, m.Source, foreignStream(), esdb.EventData{EventType: "other", ContentType: esdb.ContentTypeBinary, Data: []byte{0xff}})
	for range 10 {
		other.append(1)
		one.append(2)
	}
	one.append(600) // more than share an append
	return m, everyEvent(t, m.Source)
}

func ownLog(t *testing.T) *Log {
	t.Helper()
	return openLog(t, esnode.RunT(t).ConnectionString(), Options{})
}

// raw appends as a client of anybody's.
func raw(t *testing.T, l *Log, stream string, events ...esdb.EventData) {
	t.Helper()
	for i := range events {
		if events[i].EventID == uuid.Nil {
			events[i].EventID = uuid.New()
		}
	}
	withClient(t, l, func(c *esdb.Client) error {
		_, err := c.AppendToStream(t.Context(), stream, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, events...)
		return err
	})
}

func withClient(t *testing.T, l *Log, f func(*esdb.Client) error) {
	t.Helper()
	if _, err := once(t.Context(), l, func(_ context.Context, c *esdb.Client) (struct{}, error) { return struct{}{}, f(c) }); err != nil {
		t.Fatal(err)
	}
}

// everyEvent is what of ours lies in a log, without the positions.
func everyEvent(t *testing.T, l *Log) (all []eventschema.Stored) {
	t.Helper()
	for e, err := range newJudge("the log").events(t.Context(), l, false) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func stateOf(t *testing.T, l *Log) move.State {
	t.Helper()
	house, err := l.House(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return house.State
}

func withoutPositions(all []eventschema.Stored) []string {
	var lines []string
	for _, e := range all {
		lines = append(lines, fmt.Sprintf("%s %d %s %s %s %s", e.Stream, e.Revision, e.ID, e.Type, e.Data, e.Metadata))
	}
	return lines
}

// TestMoving: everything of ours arrives, in order, the same; the positions asked for are the target's; the source takes no append from the first mark on,
// of whichever process and client, and the target none before the end; afterwards the target is at home and the source never is again.
func TestMoving(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m, all := two(t)
	raw(t, m.Target, "$system", esdb.EventData{EventType: "$x", ContentType: esdb.ContentTypeJson, Data: []byte("{}")}) // as in every real store
	m.Wanted = []uuid.UUID{all[0].ID, all[len(all)-1].ID, uuid.New()}
	series := newSeries(t, m.Source)
	series.append(1) // this client has looked whether the log is at home
	all = everyEvent(t, m.Source)
	doing, appended := map[string]int64{}, false
	m.Report = func(p MoveProgress) {
		doing[p.Doing] = p.Events
		if p.Doing != "copying" || appended {
			return
		}
		appended = true
		for what, l := range map[string]*Log{"source": m.Source, "target": m.Target, "source at another process": openLog(t, "esdb://"+m.Source.config.Address+"?tls=false", Options{})} {
			s := newSeries(t, l)
			if _, err := l.Append(ctx, s.stream, eventschema.NoStream, s.proposed(1)); !errors.Is(err, ErrMoved) || !errors.Is(err, eventschema.ErrUnavailable) {
				t.Errorf("an append to the %s while it is copied: %v, want %v", what, err, ErrMoved)
			}
		}
	}
	kept := 0
	m.Kept = func(_ context.Context, positions map[uuid.UUID]eventschema.Position) error {
		kept++
		there := everyEvent(t, m.Target)
		want := map[uuid.UUID]eventschema.Position{m.Wanted[0]: there[0].Position, m.Wanted[1]: there[len(all)-2].Position, m.Wanted[2]: {}}
		if !maps.Equal(positions, want) {
			t.Errorf("positions are %v, want %v", positions, want)
		}
		return nil
	}
	if err := m.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if got := withoutPositions(everyEvent(t, m.Target)); !slices.Equal(got, withoutPositions(all)) {
		t.Errorf("%d events arrived, want the same %d", len(got), len(all))
	}
	n := int64(len(all))
	if want := map[string]int64{"checking": n, "copying": n, "comparing": n}; !maps.Equal(doing, want) || kept != 1 {
		t.Errorf("it reported %v and had %d times rewritten what is kept, want %v and once", doing, kept, want)
	}
	if source, target := stateOf(t, m.Source), stateOf(t, m.Target); source != move.Left || target != move.Arrived {
		t.Errorf("the source is %q, the target %q", source, target)
	}
	if _, err := m.Source.Append(ctx, series.stream, 0, series.proposed(1)); !errors.Is(err, ErrMoved) || !strings.Contains(err.Error(), "there") {
		t.Errorf("an append to a log that has moved: %v, want %v and where to", err, ErrMoved)
	}
	home := openLog(t, "esdb://"+m.Target.config.Address+"?tls=false", Options{})
	if _, err := home.Append(ctx, series.stream, 0, series.proposed(1)); err != nil {
		t.Errorf("an append to a log that has arrived: %v", err)
	}
	if err := m.Run(ctx); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "has moved to there already") {
		t.Errorf("the same move again: %v", err)
	}

	// On to a third house: the target's own marks do not move along.
	on := &Moving{From: "there", To: "further", Source: home, Target: ownLog(t)}
	if err := on.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if got := len(everyEvent(t, on.Target)); got != len(all)+1 {
		t.Errorf("%d events arrived further on, want %d", got, len(all)+1)
	}
}

// TestMovingGoesOn: cut off after any event of any pass, and between the last two marks, the same call goes on where it was, with nothing twice.
func TestMovingGoesOn(t *testing.T) {
	t.Parallel()
	m, all := two(t)
	cuts := 0
	for at := 0; ; at++ {
		if at > 200 {
			t.Fatal("it never comes to an end")
		}
		ctx, cut := context.WithCancel(t.Context())
		events := 0
		m.Report = func(p MoveProgress) {
			if events++; events == 1+at*41 {
				cut()
			}
		}
		m.Kept = func(context.Context, map[uuid.UUID]eventschema.Position) error {
			if cuts++; cuts < 3 {
				return errors.New("the database is away")
			}
			return nil
		}
		err := m.Run(ctx)
		cut()
		if err == nil {
			break
		}
		if errors.Is(err, ErrRefused) {
			t.Fatalf("after cut %d: %v", at, err)
		}
	}
	if got := withoutPositions(everyEvent(t, m.Target)); !slices.Equal(got, withoutPositions(all)) {
		t.Errorf("%d events arrived, want the same %d", len(got), len(all))
	}
	if cuts != 3 {
		t.Errorf("what is kept was rewritten %d times, want 3", cuts)
	}

	// A crash between the last two marks leaves a source that has left and a target that nobody serves: the same call ends it.
	house, err := m.Target.House(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Target.setHouse(t.Context(), house, move.Mark{State: move.Arriving, Move: house.Move, Other: "here"}); err != nil {
		t.Fatal(err)
	}
	if err := m.Run(t.Context()); err != nil || stateOf(t, m.Target) != move.Arrived {
		t.Errorf("between the last two marks: %v, the target is %q", err, stateOf(t, m.Target))
	}
}

// TestWhatAppendsDuringTheMarkMoves: an append that was under way when the mark was written, on a store that does not know marks, was acknowledged; so it
// moves too.
func TestWhatAppendsDuringTheMarkMoves(t *testing.T) {
	t.Parallel()
	m, all := two(t)
	late := newSeries(t, m.Source)
	m.Report = func(p MoveProgress) {
		if p.Doing == "comparing" && p.Events == 1 && late.next == 0 {
			// The node would refuse it, so the mark is lifted for a moment.
			house, err := m.Source.House(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			stayed, err := m.Source.setHouse(t.Context(), house, move.Mark{State: move.Stayed, Move: house.Move, Other: house.Other})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := m.Source.append(t.Context(), late.stream, eventschema.NoStream, late.proposed(1)); err != nil {
				t.Error(err)
			}
			late.next = 1
			house.Revision = stayed.Revision
			if _, err := m.Source.setHouse(t.Context(), stayed, house); err != nil {
				t.Error(err)
			}
		}
	}
	err := m.Run(t.Context())
	if errors.Is(err, eventschema.ErrConflict) { // of the marks, which somebody else wrote
		m.Report = nil
		err = m.Run(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := everyEvent(t, m.Target); len(got) != len(all)+1 || got[len(all)].Stream != late.stream {
		t.Errorf("%d events arrived, want %d and the late one", len(got), len(all))
	}
}

func TestMovingIsRefusedByName(t *testing.T) {
	t.Parallel()
	json := func(data string) esdb.EventData {
		return esdb.EventData{EventType: "x", ContentType: esdb.ContentTypeJson, Data: []byte(data)}
	}
	cases := map[string]struct {
		why     string
		prepare func(t *testing.T, m *Moving, all []eventschema.Stored)
	}{
		"a delete": {"a delete of stream numbering-", func(t *testing.T, m *Moving, all []eventschema.Stored) {
			withClient(t, m.Source, func(c *esdb.Client) error {
				_, err := c.DeleteStream(t.Context(), all[0].Stream, esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}})
				return err
			})
		}},
		"a tombstone": {"a tombstone of stream numbering-", func(t *testing.T, m *Moving, all []eventschema.Stored) {
			withClient(t, m.Source, func(c *esdb.Client) error {
				_, err := c.TombstoneStream(t.Context(), all[0].Stream, esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}})
				return err
			})
		}},
		"metadata": {"$metadata of stream numbering-", func(t *testing.T, m *Moving, all []eventschema.Stored) {
			raw(t, m.Source, "$$"+all[0].Stream, esdb.EventData{EventType: "$metadata", ContentType: esdb.ContentTypeJson, Data: []byte(`{"$maxCount":5}`)})
		}},
		"bytes": {"is not JSON", func(t *testing.T, m *Moving, all []eventschema.Stored) {
			raw(t, m.Source, "booking-x", esdb.EventData{EventType: "x", ContentType: esdb.ContentTypeBinary, Data: []byte{1}})
		}},
		"an empty source": {"holds no event of ours", func(t *testing.T, m *Moving, _ []eventschema.Stored) { m.Source = ownLog(t) }},
		"others' events in the target": {"there holds something else", func(t *testing.T, m *Moving, _ []eventschema.Stored) {
			raw(t, m.Target, foreignStream(), json("{}"))
		}},
		"our events in the target": {"there holds something else", func(t *testing.T, m *Moving, _ []eventschema.Stored) { newSeries(t, m.Target).append(1) }},
		"a target that is filled from elsewhere": {"there holds something else than the beginning of this move: it is arriving from elsewhere", func(t *testing.T, m *Moving, _ []eventschema.Stored) {
			if _, err := m.mark(t.Context(), m.Target, move.Home(), move.Arriving, uuid.New(), "elsewhere"); err != nil {
				t.Fatal(err)
			}
		}},
		"a target that has moved on": {"there cannot be moved into", func(t *testing.T, m *Moving, _ []eventschema.Stored) {
			if _, err := m.mark(t.Context(), m.Target, move.Home(), move.Left, uuid.New(), "elsewhere"); err != nil {
				t.Fatal(err)
			}
		}},
		"a source that goes elsewhere": {"being moved to elsewhere already", func(t *testing.T, m *Moving, _ []eventschema.Stored) {
			if _, err := m.mark(t.Context(), m.Source, move.Home(), move.Leaving, uuid.New(), "elsewhere"); err != nil {
				t.Fatal(err)
			}
		}},
		"a source that is not complete": {"here is not complete", func(t *testing.T, m *Moving, _ []eventschema.Stored) {
			if _, err := m.mark(t.Context(), m.Source, move.Home(), move.Arriving, uuid.New(), "elsewhere"); err != nil {
				t.Fatal(err)
			}
		}},
		"another event in what was copied": {"has another data than in here", func(t *testing.T, m *Moving, all []eventschema.Stored) {
			halfWay(t, m)
			first := all[0]
			other := ownLog(t)
			id := stateMove(t, m.Source)
			if _, err := m.mark(t.Context(), other, move.Home(), move.Arriving, id, "here"); err != nil {
				t.Fatal(err)
			}
			f := other.Fill()
			first.Data = append([]byte(" "), first.Data...)
			if err := errors.Join(f.Add(t.Context(), first), f.Flush(t.Context())); err != nil {
				t.Fatal(err)
			}
			m.Target = other
		}},
		"more than was copied": {"goes on where here ends", func(t *testing.T, m *Moving, all []eventschema.Stored) {
			halfWay(t, m)
			f := m.Target.Fill()
			for _, e := range all[len(everyEvent(t, m.Target)):] {
				if err := f.Add(t.Context(), e); err != nil {
					t.Fatal(err)
				}
			}
			last := all[len(all)-1]
			last.Revision, last.ID = last.Revision+1, uuid.New()
			if err := errors.Join(f.Add(t.Context(), last), f.Flush(t.Context())); err != nil {
				t.Fatal(err)
			}
		}},
		"an event that comes behind the copy": {"goes on where here ends", func(t *testing.T, m *Moving, _ []eventschema.Stored) {
			halfWay(t, m)
			m.Report = func(p MoveProgress) {
				if p.Doing == "comparing" && p.Events == 1 {
					raw(t, m.Target, "booking-late", json("{}"))
				}
			}
		}},
		"another target than the begun one": {"does not hold the beginning of this move", func(t *testing.T, m *Moving, _ []eventschema.Stored) {
			halfWay(t, m)
			m.Target = ownLog(t)
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, all := two(t)
			c.prepare(t, m, all)
			before := stateOf(t, m.Source)
			err := m.Run(t.Context())
			if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), c.why) {
				t.Fatalf("it says %v, want a refusal with %q", err, c.why)
			}
			if after := stateOf(t, m.Source); after != before {
				t.Errorf("the source was %q and is %q after a refusal", before, after)
			}
			ofItself := strings.HasPrefix(c.why, "a ") || strings.HasPrefix(c.why, "$") || strings.HasPrefix(c.why, "is not")
			if err := Movable(t.Context(), m.Source, "here"); errors.Is(err, ErrRefused) != ofItself || ofItself && !strings.Contains(err.Error(), c.why) {
				t.Errorf("of the source alone it says %v", err)
			}
		})
	}

	// A gap is what a scavenge leaves; the node has none, so the event alone is judged.
	j := newJudge("here")
	event := anyEvent{Stored: eventschema.Stored{Stream: "booking-x", Revision: 1}, isJSON: true}
	if _, err := j.ours(event); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "gap in stream booking-x: event 1 comes where 0 should") {
		t.Errorf("a gap: %v", err)
	}
}

// halfWay begins the move and cuts it off in the middle.
func halfWay(t *testing.T, m *Moving) {
	t.Helper()
	ctx, cut := context.WithCancel(t.Context())
	m.Report = func(p MoveProgress) {
		if p.Doing == "copying" && p.Events == 20 {
			cut()
		}
	}
	if err := m.Run(ctx); err == nil {
		t.Fatal("the move was not cut off")
	}
	m.Report = nil
}

func stateMove(t *testing.T, l *Log) uuid.UUID {
	t.Helper()
	house, err := l.House(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return house.Move
}

// TestCallOff: a move that was begun can be called off until the source has left.
func TestCallOff(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m, all := two(t)
	wanted := []uuid.UUID{all[3].ID}
	var got eventschema.Position
	kept := func(_ context.Context, positions map[uuid.UUID]eventschema.Position) error {
		got = positions[all[3].ID]
		return nil
	}
	if err := CallOff(ctx, m.Source, wanted, kept); !errors.Is(err, ErrNoMove) || errors.Is(err, ErrRefused) {
		t.Errorf("nothing to call off: %v", err)
	}
	halfWay(t, m)
	if err := CallOff(ctx, m.Source, wanted, kept); err != nil || got != all[3].Position {
		t.Fatalf("call off: %v, position %v, want %v", err, got, all[3].Position)
	}
	again := openLog(t, "esdb://"+m.Source.config.Address+"?tls=false", Options{})
	newSeries(t, again).append(1)
	if err := m.Run(ctx); !errors.Is(err, ErrRefused) {
		t.Errorf("a move into what was left over: %v", err)
	}
	m.Target = ownLog(t)
	if err := m.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if err := CallOff(ctx, m.Source, wanted, kept); !errors.Is(err, ErrNoMove) || !strings.Contains(err.Error(), "cannot stay") {
		t.Errorf("after it has left: %v", err)
	}
}

// TestMovingDiesBehindAMark: a crash behind one of the first two marks, before an event was copied, is a move that the same call goes on with; one that can be
// called off, with the source alive; and what arrived of it, nothing, may be filled by a later move.
func TestMovingDiesBehindAMark(t *testing.T) {
	t.Parallel()
	for name, behind := range map[string]func(t *testing.T, m *Moving){
		"the target's": func(t *testing.T, m *Moving) {
			if _, err := m.mark(t.Context(), m.Target, move.Home(), move.Arriving, uuid.New(), m.From); err != nil {
				t.Fatal(err)
			}
			newSeries(t, m.Source).append(1) // the source is still at home
		},
		"the source's": markBoth,
		"the source's, called off": func(t *testing.T, m *Moving) {
			markBoth(t, m)
			kept := func(context.Context, map[uuid.UUID]eventschema.Position) error { return nil }
			if err := CallOff(t.Context(), m.Source, nil, kept); err != nil {
				t.Fatal(err)
			}
			newSeries(t, openLog(t, "esdb://"+m.Source.config.Address+"?tls=false", Options{})).append(1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, _ := two(t)
			behind(t, m)
			all := everyEvent(t, m.Source)
			if err := m.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := withoutPositions(everyEvent(t, m.Target)); !slices.Equal(got, withoutPositions(all)) {
				t.Errorf("%d events arrived, want the same %d", len(got), len(all))
			}
			if source, target := stateOf(t, m.Source), stateOf(t, m.Target); source != move.Left || target != move.Arrived {
				t.Errorf("the source is %q, the target %q", source, target)
			}
		})
	}
}

func markBoth(t *testing.T, m *Moving) {
	t.Helper()
	id := uuid.New()
	_, err := m.mark(t.Context(), m.Target, move.Home(), move.Arriving, id, m.From)
	if err == nil {
		_, err = m.mark(t.Context(), m.Source, move.Home(), move.Leaving, id, m.To)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestMarkDuringLookUp: the feed tells of a mark while this process looks up whether the log is at home, in what was read before the mark was written. The
// mark holds.
func TestMarkDuringLookUp(t *testing.T) {
	t.Parallel()
	l := ownLog(t)
	l.seeHouse(eventschema.Stored{Stream: move.Stream, Type: move.Leaving.Type(), Data: []byte(`{"other":"there"}`)})
	s := newSeries(t, l)
	if _, err := l.Append(t.Context(), s.stream, eventschema.NoStream, s.proposed(1)); !errors.Is(err, ErrMoved) {
		t.Errorf("an append after the mark: %v, want %v", err, ErrMoved)
	}
}
