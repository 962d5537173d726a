package log

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/internal/move"
)

func mark(s move.State) []Proposed {
	return []Proposed{{ID: uuid.New(), Type: s.Type(), JSON: true, Data: fmt.Appendf(nil, `{"move":%q,"other":"esdb://there","at":"2026-11-25T10:00:00Z"}`, uuid.New())}}
}

// TestMovedLogTakesNothing: from the mark on a log that leaves takes no append, delete or tombstone, not even of those that wait for the same sync
// or after a restart; what was written before is still acknowledged again; once it has stayed it takes them again, once it has left it never does.
func TestMovedLogTakesNothing(t *testing.T) {
	t.Parallel()
	ctx, fs := t.Context(), vfs.NewMem()
	l := open(t, fs)
	first := proposed(2)
	mustAppend(t, l, "s", NoStream, first)
	if _, err := l.Append(ctx, move.Stream, NoStream, proposed(1)); !errors.Is(err, ErrMoved) {
		t.Errorf("an event of another kind in %s: %v", move.Stream, err)
	}
	mustAppend(t, l, move.Stream, NoStream, mark(move.Leaving))
	refused := func(when string, last Expected) {
		t.Helper()
		_, err := l.Append(ctx, "s", last, proposed(1))
		if !errors.Is(err, ErrMoved) || !strings.Contains(err.Error(), "esdb://there") {
			t.Errorf("%s: an append: %v", when, err)
		}
		if _, err := l.Append(ctx, "new", Any, proposed(1)); !errors.Is(err, ErrMoved) {
			t.Errorf("%s: a new stream: %v", when, err)
		}
		if _, err := l.Delete(ctx, "s", Any); !errors.Is(err, ErrMoved) {
			t.Errorf("%s: a delete: %v", when, err)
		}
		if _, err := l.Tombstone(ctx, move.Stream, Any); !errors.Is(err, ErrMoved) {
			t.Errorf("%s: a tombstone: %v", when, err)
		}
		if r, err := l.Append(ctx, "s", NoStream, first); err != nil || r.Revision != 1 {
			t.Errorf("%s: what was written before, again: %+v, %v", when, r, err)
		}
	}
	reopen := func() {
		t.Helper()
		if err := l.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		l = open(t, fs)
	}
	refused("leaving", 1)
	reopen()
	refused("leaving, after a restart", 1)

	mustAppend(t, l, move.Stream, 0, mark(move.Stayed))
	mustAppend(t, l, "s", 1, proposed(1))
	mustAppend(t, l, move.Stream, 1, append(mark(move.Leaving), mark(move.Left)...))
	refused("left", 2)
	reopen()
	refused("left, after a restart", 2)
	if end := l.End(); end != 7 {
		t.Errorf("the log ends at %d, want 7: what was refused was written", end)
	}
}

// What waits behind the mark for the same sync is refused.
func TestMarkClosesItsOwnGroup(t *testing.T) {
	t.Parallel()
	l := open(t, vfs.NewMem())
	ctx := t.Context()
	const writers = 200
	written := make(chan bool, writers)
	for i := range writers {
		go func() {
			if i == writers/2 {
				_, err := l.Append(ctx, move.Stream, NoStream, mark(move.Left))
				written <- err == nil
				return
			}
			_, err := l.Append(ctx, fmt.Sprint("s", i), NoStream, proposed(1))
			if err != nil && !errors.Is(err, ErrMoved) {
				t.Error(err)
			}
			written <- err == nil
		}()
	}
	n := uint64(0)
	for range writers {
		if <-written {
			n++
		}
	}
	h, err := l.head(move.Stream)
	if err != nil || h.last != 0 {
		t.Fatal(h, err)
	}
	position, _, err := l.positionOf(h, 0, l.End())
	if err != nil || position != l.End() || l.End() != n {
		t.Errorf("the mark lies at %d, the log ends at %d with %d appends acknowledged: %v", position, l.End(), n, err)
	}
}
