package log_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"reflect"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

// TestReplicate: what one log hands on another takes over, the same in every way, also a deletion and what brings the stream back; nobody sees an event
// before it was handed on; what does not follow on what is there is refused; and a log that could not hand on what it wrote acknowledges nothing more.
func TestReplicate(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	open := func(fs *vfs.MemFS, handOn func([]log.Event) error) *log.Log {
		t.Helper()
		l, err := log.Open("log", log.Options{FS: fs, Logger: slog.New(slog.DiscardHandler), HandOn: handOn, Offsets: true})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	all := func(l *log.Log) []log.Event {
		t.Helper()
		page, err := l.ReadAllForward(0, math.MaxInt, math.MaxInt, nil)
		if err != nil || !page.End {
			t.Fatal(err, page.End)
		}
		return page.Events
	}
	event := func() log.Proposed { return log.Proposed{ID: uuid.New(), Type: "T", JSON: true, Data: []byte(`{}`)} }
	other := open(vfs.NewMem(), nil)
	defer other.Close(context.Background())
	refuse := errors.New("nobody takes it over")
	refused := false
	var one *log.Log
	disk := vfs.NewMem()
	one = open(disk, func(events []log.Event) error {
		if one.End() >= events[0].Position {
			t.Errorf("position %d is shown before it was handed on", events[0].Position)
		}
		if refused {
			return refuse
		}
		return other.Replicate(ctx, events)
	})
	for range 3 {
		if _, err := one.Append(ctx, "s", log.Any, []log.Proposed{event(), event()}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := one.Delete(ctx, "s", log.Any); err != nil {
		t.Fatal(err)
	}
	if _, err := one.Append(ctx, "s", log.NoStream, []log.Proposed{event()}); err != nil {
		t.Fatal(err)
	}
	if _, err := one.Tombstone(ctx, "t", log.Any); err != nil {
		t.Fatal(err)
	}
	there := all(one)
	if len(there) != 10 || there[1].Position < there[0].Position+30 {
		t.Errorf("%d events; positions are no offsets: %d, %d", len(there), there[0].Position, there[1].Position)
	}
	if here := all(other); !reflect.DeepEqual(here, there) {
		t.Errorf("handed on\n%+v, taken over\n%+v", there, here)
	}
	if _, err := other.ReadForward("t", 0, 1); err == nil {
		t.Error("the tombstone was not taken over")
	}
	if err := other.Replicate(ctx, there[9:]); err == nil {
		t.Error("an event was taken over twice")
	}
	gap := there[0]
	gap.Position, gap.Revision = 1<<40, 9
	if err := other.Replicate(ctx, []log.Event{gap}); err == nil {
		t.Error("a gap in a stream was taken over")
	}

	refused = true
	if _, err := one.Append(ctx, "s", log.Any, []log.Proposed{event()}); err == nil {
		t.Error("what could not be handed on was acknowledged")
	}
	if !errors.Is(one.Failure(), refuse) || one.End() != there[9].Position {
		t.Errorf("the log that could not hand on: %v", one.Failure())
	}
	_ = one.Close(ctx) // it has failed
}
