package commands_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// TestOneKeyManyTimes sends one key 50 times at once, over three processes, with two bodies: one body's command is carried out once and
// answered alike each time, the other body is refused each time.
func TestOneKeyManyTimes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	job := w.book("2026-07-01T10:00")
	target := w.refs.jobs[job.Ref][0]
	processes := []*commands.Handler{w.h, w.process(w.log), w.process(w.log)}
	before := len(w.events(eventschema.BookingStream(target)))
	bodies := []string{"one", "two"}
	var mu sync.Mutex
	answers := map[string][]commands.JobAnswer{}
	var reused atomic.Int64
	var wait sync.WaitGroup
	for i := range 50 {
		wait.Go(func() {
			body := bodies[i%2]
			a, err := processes[i%len(processes)].Job(t.Context(), w.keyed(w.requestor, "post-message", "/jobs/"+job.Ref+"/post-message", "k", body), job.Ref, say(body))
			switch {
			case err == nil:
				mu.Lock()
				answers[body] = append(answers[body], a)
				mu.Unlock()
			case errors.Is(err, &domain.Refusal{Code: "idempotency-key-reused"}):
				reused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if len(answers) != 1 || reused.Load() != 25 {
		t.Fatalf("%d bodies were accepted, %d requests were refused; want 1 and 25", len(answers), reused.Load())
	}
	for body, list := range answers {
		for _, a := range list {
			if diff := cmp.Diff(list[0], a); diff != "" {
				t.Errorf("a repeat of %s was answered differently: %s", body, diff)
			}
		}
	}
	if n := len(w.events(eventschema.BookingStream(target))) - before; n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

// TestBookedOnce: a booking sent many times under one key is one booking with one number, also over several processes.
func TestBookedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	processes := []*commands.Handler{w.h, w.process(w.log), w.process(w.log)}
	var mu sync.Mutex
	var answers []commands.BookingAnswer
	var wait sync.WaitGroup
	for i := range 30 {
		wait.Go(func() {
			a, err := processes[i%3].CreateBooking(t.Context(), w.keyed(w.requestor, "create", "/bookings", "k", "body"), forms.FaceToFaceID, w.wanted("2026-07-01T10:00"))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			answers = append(answers, a)
		})
	}
	wait.Wait()
	for _, a := range answers {
		if diff := cmp.Diff(answers[0], a); diff != "" {
			t.Errorf("answered differently: %s", diff)
		}
	}
	if n := len(w.events(eventschema.BookingStream(answers[0].BookingID))); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

// TestRepeatAnswersAsThen: a repeat gets the answer of its time, warnings too, whatever happened since and in whichever process.
func TestRepeatAnswersAsThen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wanted := w.wanted("2026-07-01T10:00")
	wanted.Fields["custodyReference"] = []string{"C/1"}
	wanted.Fields["custodyClock"] = []string{"2026-06-01T09:00"} // has passed: a warning (LL-35)
	r := w.keyed(w.requestor, "create", "/bookings", "k", "body")
	first, err := w.h.CreateBooking(t.Context(), r, forms.FaceToFaceID, wanted)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Warnings) == 0 {
		t.Fatal("no warning")
	}
	w.refs.add(first)
	ref := first.Jobs[0].Ref
	take := w.keyed(w.staff, "take", "/jobs/"+ref+"/take", "k", "{}")
	taking := func(j booking.Job) (booking.Command, error) { return booking.Take{Job: j.ID}, nil }
	taken, err := w.h.Job(t.Context(), take, ref, taking)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.h.Job(t.Context(), w.by(w.staff, "assign"), ref, assignTo(w.interpreter("LIN/5455/5J71Y"))); err != nil {
		t.Fatal(err)
	}
	w.clock.set(now.AddDate(0, 2, 0)) // a repeat is judged at the time when the command was first received
	for name, h := range map[string]*commands.Handler{"same process": w.h, "another": w.process(w.log)} {
		again, err := h.CreateBooking(t.Context(), r, forms.FaceToFaceID, wanted)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("%s: booked again: %s", name, diff)
		}
		answer, err := h.Job(t.Context(), take, ref, taking)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(taken, answer); diff != "" {
			t.Errorf("%s: taken again: %s", name, diff)
		}
	}
}

// TestRefusalsAreNotRemembered: what was refused under a key is decided anew.
func TestRefusalsAreNotRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	job := w.book("2026-07-01T10:00")
	r := w.keyed(w.staff, "release", "/jobs/"+job.Ref+"/release", "k", "{}")
	release := func(j booking.Job) (booking.Command, error) { return booking.LetGo{Job: j.ID}, nil }
	_, err := w.h.Job(t.Context(), r, job.Ref, release)
	refused(t, err, "wrong-status")
	if _, err := w.h.Job(t.Context(), w.by(w.staff, "take"), job.Ref, func(j booking.Job) (booking.Command, error) {
		return booking.Take{Job: j.ID}, nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.h.Job(t.Context(), r, job.Ref, release); err != nil {
		t.Errorf("decided anew: %v", err)
	}
}

// TestStaleRevision: a revision that has passed is refused, naming what changed this job since, and nothing that changed another.
func TestStaleRevision(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wanted := w.wanted("2026-07-01T10:00")
	wanted.Interpreters = 2
	made, err := w.h.CreateBooking(t.Context(), w.by(w.requestor, "create"), forms.FaceToFaceID, wanted)
	if err != nil {
		t.Fatal(err)
	}
	w.refs.add(made)
	mine, other := made.Jobs[0].Ref, made.Jobs[1].Ref
	say1 := func(h *commands.Handler, ref string, match *uint64) (commands.JobAnswer, error) {
		r := w.by(w.requestor, "post-message")
		r.IfMatch = match
		return h.Job(t.Context(), r, ref, say("hello"))
	}
	seen := made.Revision
	if _, err := say1(w.h, other, nil); err != nil {
		t.Fatal(err)
	}
	answer, err := say1(w.h, mine, &seen)
	if err != nil {
		t.Fatalf("another job's change made this one's revision stale: %v", err)
	}
	if _, err := w.h.Job(t.Context(), w.by(w.staff, "take"), mine, func(j booking.Job) (booking.Command, error) {
		return booking.Take{Job: j.ID}, nil
	}); err != nil {
		t.Fatal(err)
	}
	_, err = say1(w.process(w.log), mine, &seen)
	no := refused(t, err, "stale-revision")
	if no.Status != 412 || !slices.Equal(commandsOf(no), []string{"post-message", "take"}) {
		t.Errorf("status %d, changed %v", no.Status, no.Changed)
	}
	if c := no.Changed[1]; c.Actor != w.staff.User || c.Role != w.staff.Role || c.At.IsZero() {
		t.Errorf("the take is told as %+v", c)
	}
	_, err = say1(w.h, mine, &answer.Revision)
	if no := refused(t, err, "stale-revision"); !slices.Equal(commandsOf(no), []string{"take"}) {
		t.Errorf("changed %v", no.Changed)
	}
}

// commandsOf are the names of what happened since.
func commandsOf(no *domain.Refusal) (names []string) {
	for _, c := range no.Changed {
		names = append(names, c.Command)
	}
	return names
}

// TestRepeatBeforeIfMatch: the order of checks is known, permitted, repeat, If-Match, rules.
func TestOrderOfChecks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	job := w.book("2026-07-01T10:00")
	stale := uint64(77)
	try := func(r commands.Request, c func(booking.Job) (booking.Command, error)) error {
		r.IfMatch = &stale
		_, err := w.h.Job(t.Context(), r, job.Ref, c)
		return err
	}
	bad := func(j booking.Job) (booking.Command, error) { return booking.LetGo{Job: j.ID}, nil } // wrong status
	stranger := w.requestor
	stranger.Customer = uuid.New()
	refused(t, try(w.by(stranger, "release"), bad), "not-found")
	refused(t, try(w.by(w.requestor, "release"), bad), "not-permitted")
	r := w.keyed(w.staff, "take", "/take", "k", "{}")
	if _, err := w.h.Job(t.Context(), r, job.Ref, func(j booking.Job) (booking.Command, error) { return booking.Take{Job: j.ID}, nil }); err != nil {
		t.Fatal(err)
	}
	if err := try(r, bad); err != nil {
		t.Errorf("a repeat with a stale revision: %v", err)
	}
	refused(t, try(w.keyed(w.staff, "take", "/take", "k", "other"), bad), "idempotency-key-reused")
	refused(t, try(w.by(w.staff, "release"), bad), "stale-revision")

	_, err := w.h.Job(t.Context(), w.by(w.staff, "take"), "DTP999999999", bad)
	refused(t, err, "not-found")
	if len(w.refs.waits) == 0 {
		t.Error("an unknown reference was refused before the read model had reached the log's end")
	}
}

// TestConflictsAreDecidedAgain: many processes write one booking at once; each message is there once. Who lost too often sends the same again.
func TestConflictsAreDecidedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	job := w.book("2026-07-01T10:00")
	target := w.refs.jobs[job.Ref][0]
	const processes, messages = 4, 10
	var wait sync.WaitGroup
	for p := range processes {
		h := w.process(w.log)
		wait.Go(func() {
			for m := range messages {
				text := fmt.Sprintf("%d/%d", p, m)
				r := w.keyed(w.requestor, "post-message", "/post-message", text, text)
				if err := insist(func() error { _, err := h.Job(t.Context(), r, job.Ref, say(text)); return err }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	seen := map[domain.Personal]int{}
	for _, e := range w.events(eventschema.BookingStream(target)) {
		if m, ok := e.Event.(booking.MessagePosted); ok {
			seen[m.Text]++
		}
	}
	for text, n := range seen {
		if n != 1 {
			t.Errorf("%s is there %d times", text.Reveal(), n)
		}
	}
	if len(seen) != processes*messages {
		t.Errorf("%d messages, want %d", len(seen), processes*messages)
	}
}

// TestConflictLostTooOften: somebody else is always faster. The command gives up, and says so as a conflict.
func TestConflictLostTooOften(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	job := w.book("2026-07-01T10:00")
	rival := w.process(w.log)
	tries := 0
	h := w.process(&observed{Log: w.log, before: func(string) {
		tries++
		if _, err := rival.Job(context.Background(), w.by(w.requestor, "post-message"), job.Ref, say("first")); err != nil {
			t.Error(err)
		}
	}})
	_, err := h.Job(t.Context(), w.by(w.requestor, "post-message"), job.Ref, say("second"))
	if !errors.Is(err, eventschema.ErrConflict) || tries != 8 {
		t.Errorf("after %d tries: %v", tries, err)
	}
}

// lossy loses the reply of an append that was carried out, as a connection does that is cut for longer than the log tries again.
type lossy struct {
	commands.Log
	lose int
}

func (l *lossy) Append(ctx context.Context, stream string, expected int64, events []eventschema.Proposed) (eventschema.Appended, error) {
	a, err := l.Log.Append(ctx, stream, expected, events)
	if l.lose--; l.lose == 0 && err == nil {
		return eventschema.Appended{}, eventschema.ErrUnavailable
	}
	return a, err
}

// TestLostReply: the outcome of an append is unknown. The same command sent again finds what was written, also when that was a reservation.
func TestLostReply(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for lose := 1; lose <= 2; lose++ {
		ana := w.interpreter(fmt.Sprintf("LIN/5455/5J7%02d", lose))
		job := w.book("2026-07-01T10:00")
		target := w.refs.jobs[job.Ref][0]
		h := w.process(&lossy{Log: w.log, lose: lose})
		r := w.keyed(w.staff, "assign", "/jobs/"+job.Ref+"/assign", "k", "{}")
		if _, err := h.Job(t.Context(), r, job.Ref, assignTo(ana)); !errors.Is(err, eventschema.ErrUnavailable) {
			t.Fatalf("lost: %v", err)
		}
		w.covered(ana, target)
		answer, err := h.Job(t.Context(), r, job.Ref, assignTo(ana))
		if err != nil || answer.Status != domain.Assigned {
			t.Errorf("sent again: %v %v", answer.Status, err)
		}
		assigned := 0
		for _, e := range w.events(eventschema.BookingStream(target)) {
			if _, ok := e.Event.(booking.Assigned); ok {
				assigned++
			}
		}
		if assigned != 1 {
			t.Errorf("assigned %d times", assigned)
		}
		w.repairAll(w.h, ana)
		w.exact(ana, target)
	}
}

// TestStaleCachesAnswerNothing: what another process has changed meanwhile is seen before anything but an append is answered.
func TestStaleCachesAnswerNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana, ben := w.interpreter("LIN/5455/5J71Y"), w.interpreter("LIN/5466/5J71X")
	job := w.book("2026-07-01T10:00")
	other := w.process(w.log)
	must := func(_ commands.JobAnswer, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(other.Job(t.Context(), w.by(w.staff, "assign"), job.Ref, assignTo(ana))) // w.h still remembers a new job
	_, err := w.h.Job(t.Context(), w.by(w.staff, "assign"), job.Ref, assignTo(ben))
	refused(t, err, "already-assigned")
	if held := w.diary(ben).Held; len(held) != 0 {
		t.Errorf("the refused worker's diary holds %v", held)
	}
	must(other.Job(t.Context(), w.by(w.staff, "unassign"), job.Ref, unassign))
	must(w.h.Job(t.Context(), w.by(w.staff, "assign"), job.Ref, assignTo(ben))) // remembered as assigned to ana

	// The diary was full when w.h last saw it.
	second := w.book("2026-07-01T10:30")
	_, err = w.h.Job(t.Context(), w.by(w.staff, "assign"), second.Ref, assignTo(ben))
	refused(t, err, "double-booked")
	must(other.Job(t.Context(), w.by(w.staff, "unassign"), job.Ref, unassign))
	must(w.h.Job(t.Context(), w.by(w.staff, "assign"), second.Ref, assignTo(ben)))

	// A suspension made elsewhere is seen, and so is its end.
	if _, err := other.SuspendInterpreter(t.Context(), w.by(w.staff, "suspend"), ana, "check"); err != nil {
		t.Fatal(err)
	}
	_, err = w.h.Job(t.Context(), w.by(w.staff, "assign"), job.Ref, assignTo(ana))
	refused(t, err, "suspended")
	if _, err := other.ReinstateInterpreter(t.Context(), w.by(w.staff, "reinstate"), ana); err != nil {
		t.Fatal(err)
	}
	must(w.h.Job(t.Context(), w.by(w.staff, "assign"), job.Ref, assignTo(ana)))

	// Nothing to do is an answer too.
	must(other.Job(t.Context(), w.by(w.staff, "unassign"), job.Ref, unassign))
	must(w.h.Job(t.Context(), w.by(w.staff, "assign"), job.Ref, assignTo(ana)))
}
