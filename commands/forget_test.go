package commands_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/eventlog"
)

// TestErasedElsewhereIsForgotten: a process that keeps a booking folded drops it when its feed sees that another process has erased the person,
// and keeps the others.
func TestErasedElsewhereIsForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	log := w.log.(*eventlog.Log)
	erased, kept := w.book("2026-07-01T10:00"), w.book("2026-07-02T10:00")
	stream := func(j commands.JobMade) string { return eventschema.BookingStream(w.refs.jobs[j.Ref][0]) }

	other := w.process(w.log)
	seen := make(chan string, 10)
	feed := eventlog.NewFeed(eventlog.FeedConfig{Log: log, Codec: w.codec, Erased: func(s string, _ []uuid.UUID) { other.Forget(s); seen <- s }})
	if err := feed.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = feed.Close() })
	for _, j := range []commands.JobMade{erased, kept} {
		if _, err := other.Job(t.Context(), w.by(w.requestor, "post-message"), j.Ref, say("She hides at her aunt's")); err != nil {
			t.Fatal(err)
		}
		if !other.Remembers(stream(j)) {
			t.Fatal("a booking is not remembered after a command on it")
		}
	}
	if _, err := w.h.EraseBooking(t.Context(), w.by(w.admin, "erase"), w.refs.jobs[erased.Ref][0], "request"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	select {
	case s := <-seen:
		if s != stream(erased) {
			t.Errorf("told of %s, want %s", s, stream(erased))
		}
	case <-ctx.Done():
		t.Fatal("the feed told nobody of the erasure")
	}
	if other.Remembers(stream(erased)) {
		t.Error("the other process still keeps the erased booking folded")
	}
	if !other.Remembers(stream(kept)) {
		t.Error("the other process dropped a booking that was not erased")
	}
	for _, e := range w.events(stream(erased)) {
		if m, ok := e.Event.(booking.MessagePosted); ok && m.Text.Reveal() != domain.Erased {
			t.Error("the erased booking's message still reads in clear")
		}
	}
}
