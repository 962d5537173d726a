package commands_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/esnode"
)

// swapped is a log behind which another one can be put, as a restored backup or a member that lost events is.
type swapped struct {
	mu    sync.Mutex
	log   commands.Log
	epoch uint64
}

func (s *swapped) current() commands.Log {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log
}

// swap puts another log behind; noticed says whether the connection was seen to change.
func (s *swapped) swap(to commands.Log, noticed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = to
	if noticed {
		s.epoch++
	}
}

func (s *swapped) Append(ctx context.Context, stream string, expected int64, events []eventschema.Proposed) (eventschema.Appended, error) {
	return s.current().Append(ctx, stream, expected, events)
}

func (s *swapped) ReadStream(ctx context.Context, stream string, from uint64, f func(eventschema.Stored) error) error {
	return s.current().ReadStream(ctx, stream, from, f)
}

func (s *swapped) ReadStreamBackwards(ctx context.Context, stream string, f func(eventschema.Stored) error) error {
	return s.current().ReadStreamBackwards(ctx, stream, f)
}

func (s *swapped) Newest(ctx context.Context) (eventschema.Position, error) {
	return s.current().Newest(ctx)
}

func (s *swapped) Epoch() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch
}

// copied is another log with the same streams, these left out after so many events.
func (w *world) copied(streams []string, cut map[string]int) commands.Log {
	w.t.Helper()
	to := newLog(w.t)
	for _, stream := range streams {
		var events []eventschema.Proposed
		for _, e := range w.events(stream) {
			events = append(events, eventschema.Proposed{ID: e.ID, Type: e.Type, Data: e.Data, Metadata: e.Metadata})
		}
		if n, ok := cut[stream]; ok {
			events = events[:n]
		}
		if _, err := to.Append(w.t.Context(), stream, eventschema.NoStream, events); err != nil {
			w.t.Fatal(err)
		}
	}
	return to
}

// TestAnotherLogBehindTheCache: the log has lost its last event and gained another in its place. A change of the connection drops what is
// remembered; without one, the remembered event is compared before anything but an append is answered.
func TestAnotherLogBehindTheCache(t *testing.T) {
	t.Parallel()
	for _, noticed := range []bool{true, false} {
		w := newWorld(t)
		job := w.book("2026-07-01T10:00")
		stream := eventschema.BookingStream(w.refs.jobs[job.Ref][0])
		log := &swapped{log: w.log}
		h := w.process(log)
		take := func(j booking.Job) (booking.Command, error) { return booking.Take{Job: j.ID}, nil }
		release := func(j booking.Job) (booking.Command, error) { return booking.LetGo{Job: j.ID}, nil }
		if _, err := h.Job(t.Context(), w.by(w.staff, "take"), job.Ref, take); err != nil {
			t.Fatal(err)
		}
		other := w.copied([]string{eventschema.Agency, eventschema.CustomerStream(w.customer), stream}, map[string]int{stream: 1})
		if _, err := w.process(other).Job(t.Context(), w.by(w.requestor, "post-message"), job.Ref, say("hello")); err != nil {
			t.Fatal(err)
		}
		log.swap(other, noticed)
		if noticed {
			// At the same revision an append would be taken; it must not rest on what the other log said.
			_, err := h.Job(t.Context(), w.by(w.staff, "release"), job.Ref, release)
			refused(t, err, "wrong-status")
		}
		if _, err := h.Job(t.Context(), w.by(w.staff, "take"), job.Ref, take); err != nil {
			t.Fatal(err)
		}
		w.log = other
		events := w.events(stream)
		if _, ok := events[len(events)-1].Event.(booking.Taken); !ok || len(events) != 3 {
			t.Errorf("noticed=%v: the stream ends with %T, number %d", noticed, events[len(events)-1].Event, len(events)-1)
		}
	}
}

// TestCarriedForward: a long diary is summarised, and everything it holds is known to a process that reads no further back.
func TestCarriedForward(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana := w.interpreter("LIN/5455/5J71Y")
	kept := w.book("2026-07-01T10:00")
	if _, err := w.h.Job(t.Context(), w.by(w.staff, "assign"), kept.Ref, assignTo(ana)); err != nil {
		t.Fatal(err)
	}
	moved := w.book("2026-07-02T10:00")
	for range 101 { // reserved and released: two events each
		if _, err := w.h.Job(t.Context(), w.by(w.staff, "assign"), moved.Ref, assignTo(ana)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.h.Job(t.Context(), w.by(w.staff, "unassign"), moved.Ref, unassign); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := w.h.CarryForward(t.Context(), ana); err != nil {
			t.Fatal(err)
		}
	}
	log := &counted{Log: w.log}
	clash := w.book("2026-07-01T10:30")
	_, err := w.process(log).Job(t.Context(), w.by(w.staff, "assign"), clash.Ref, assignTo(ana))
	refused(t, err, "double-booked")
	if n := log.diary(); n > 3 {
		t.Errorf("%d events of the diary were read", n)
	}
	w.exact(ana, w.refs.jobs[kept.Ref][0])
}

// counted counts the diary events that a process reads.
type counted struct {
	commands.Log
	mu sync.Mutex
	n  int
}

func (c *counted) see(f func(eventschema.Stored) error) func(eventschema.Stored) error {
	return func(e eventschema.Stored) error {
		if eventschema.KindOf(e.Stream) == eventschema.Diary {
			c.mu.Lock()
			c.n++
			c.mu.Unlock()
		}
		return f(e)
	}
}

func (c *counted) diary() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func (c *counted) ReadStream(ctx context.Context, stream string, from uint64, f func(eventschema.Stored) error) error {
	return c.Log.ReadStream(ctx, stream, from, c.see(f))
}

func (c *counted) ReadStreamBackwards(ctx context.Context, stream string, f func(eventschema.Stored) error) error {
	return c.Log.ReadStreamBackwards(ctx, stream, c.see(f))
}

// TestHangUp: a caller who goes away between two steps leaves no half-done command.
func TestHangUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana := w.interpreter("LIN/5455/5J71Y")
	job := w.book("2026-07-01T10:00")
	ctx, hangUp := context.WithCancel(t.Context())
	h := w.process(&observed{Log: w.log, before: func(string) { hangUp() }})
	if _, err := h.Job(ctx, w.by(w.staff, "assign"), job.Ref, assignTo(ana)); err != nil {
		t.Errorf("assign: %v", err)
	}
	w.exact(ana, w.refs.jobs[job.Ref][0])
	if len(w.diary(ana).Held) != 1 {
		t.Error("nothing is reserved")
	}
}

// TestWaitingForItsTurn: a command that waits for another on the same stream gives up with its context, and holds nobody up.
func TestWaitingForItsTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	job := w.book("2026-07-01T10:00")
	appending, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	h := w.process(&observed{Log: w.log, before: func(string) {
		once.Do(func() { close(appending); <-goOn })
	}})
	first := make(chan error, 1)
	go func() {
		_, err := h.Job(t.Context(), w.by(w.requestor, "post-message"), job.Ref, say("first"))
		first <- err
	}()
	<-appending
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := h.Job(ctx, w.by(w.requestor, "post-message"), job.Ref, say("second")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the second command: %v", err)
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if _, err := h.Job(t.Context(), w.by(w.requestor, "post-message"), job.Ref, say("third")); err != nil {
		t.Error(err)
	}
}

// TestRecordedInOrder: recordedAt never goes back within a stream, whatever the machines' clocks say; the business time is as received.
func TestRecordedInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	job := w.book("2026-07-01T10:00")
	slow := w.processAt(w.log, func() time.Time { return time.Now().Add(-time.Hour) })
	if _, err := slow.Job(t.Context(), w.by(w.requestor, "post-message"), job.Ref, say("hello")); err != nil {
		t.Fatal(err)
	}
	events := w.events(eventschema.BookingStream(w.refs.jobs[job.Ref][0]))
	if !slices.IsSortedFunc(events, func(a, b eventschema.Recorded) int { return a.Meta.RecordedAt.Compare(b.Meta.RecordedAt) }) {
		t.Error("recordedAt goes back")
	}
	for _, e := range events {
		if !e.Meta.At.Equal(now) || e.Meta.Actor.ID != w.requestor.User || len(e.Meta.RequestHash) == 0 || e.Meta.CorrelationID == uuid.Nil {
			t.Errorf("metadata %+v", e.Meta)
		}
	}
}

// TestTooLarge: more than one append holds is refused before anything is sent.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wanted := w.wanted("2026-07-01T10:00")
	wanted.Interpreters = 401
	_, err := w.h.CreateBooking(t.Context(), w.by(w.requestor, "create"), "face-to-face", wanted)
	refused(t, err, "too-many-jobs")
	wanted.Interpreters = 400
	made, err := w.h.CreateBooking(t.Context(), w.by(w.requestor, "create"), "face-to-face", wanted)
	if err != nil || len(made.Jobs) != 400 {
		t.Errorf("400 jobs: %d, %v", len(made.Jobs), err)
	}
}

// TestAStreamThatCannotBeFolded is an error of the commands on it, and of no others.
func TestAStreamThatCannotBeFolded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad, good := w.book("2026-07-01T10:00"), w.book("2026-07-01T10:00")
	stream := eventschema.BookingStream(w.refs.jobs[bad.Ref][0])
	event, err := w.codec.Encode(t.Context(), stream, booking.Taken{Job: uuid.New()}, w.events(stream)[0].Meta, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.log.Append(t.Context(), stream, 0, []eventschema.Proposed{event}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.h.Job(t.Context(), w.by(w.requestor, "post-message"), bad.Ref, say("hello")); err == nil {
		t.Error("a command rests on a stream that cannot be folded")
	}
	if _, err := w.h.Job(t.Context(), w.by(w.requestor, "post-message"), good.Ref, say("hello")); err != nil {
		t.Error(err)
	}
}

// TestTheNodeComesBack: commands sent while the event store restarts are answered once it is there again, each carried out once.
func TestTheNodeComesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start := func(listen string) *esnode.Node {
		return esnode.RunT(t, func(c *esnode.Config) { c.Dir, c.Listen = dir, listen })
	}
	address := esnode.FixedAddress(t)
	node := start(address)
	w := newWorldOn(t, connect(t, node))
	job := w.book("2026-07-01T10:00")
	if err := node.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if _, err := w.h.Job(t.Context(), w.by(w.requestor, "post-message"), job.Ref, say("hello")); err != nil {
				t.Errorf("while the event store was away: %v", err)
			}
		})
	}
	start(address)
	wait.Wait()
	posted := 0
	for _, e := range w.events(eventschema.BookingStream(w.refs.jobs[job.Ref][0])) {
		if _, ok := e.Event.(booking.MessagePosted); ok {
			posted++
		}
	}
	if posted != 8 {
		t.Errorf("%d messages, want 8", posted)
	}
}

// watched counts the reads of one stream.
type watched struct {
	commands.Log
	stream string
	reads  atomic.Int64
}

func (w *watched) ReadStream(ctx context.Context, stream string, from uint64, f func(eventschema.Stored) error) error {
	if stream == w.stream {
		w.reads.Add(1)
	}
	return w.Log.ReadStream(ctx, stream, from, f)
}

// The postcode table is large: it is not read again before every assignment, and a table that this process imports counts at once.
func TestM03_ThePostcodeTableIsReadSeldom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	log := &watched{Log: w.log, stream: eventschema.PostcodeTable}
	h := w.process(log)
	ana := w.interpreter("LIN/5455/5J71Y")
	began := time.Now()
	for day := range 5 {
		job := w.book(fmt.Sprintf("2026-07-%02dT10:00", day+1))
		if _, err := h.Job(t.Context(), w.by(w.staff, "assign"), job.Ref, assignTo(ana)); err != nil {
			t.Fatal(err)
		}
	}
	most := int64(1)
	if time.Since(began) > 10*time.Second { // the machine stood still: the table grew old, or the connection was lost
		most = 2
	}
	if n := log.reads.Load(); n < 1 || n > most {
		t.Errorf("five assignments read the table %d times", n)
	}
	if _, err := h.ImportPostcodes(t.Context(), w.by(w.admin, "import-postcodes"), people.ImportPostcodes{CSV: "LS1,53.8,-1.5"}); err != nil {
		t.Fatal(err)
	}
	job := w.book("2026-07-10T10:00")
	search, err := h.Search(t.Context(), w.staff, job.Ref)
	if err != nil || search.Postcodes.Version != 1 {
		t.Errorf("version %d, %v", search.Postcodes.Version, err)
	}
}
