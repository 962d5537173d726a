package commands_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// step is a command that writes to a booking and a diary.
type step struct {
	name    string
	before  func(w *world, ref string, ana uuid.UUID) // brings the job where the command applies
	viewer  func(w *world) access.Viewer
	command string
	build   func(ana uuid.UUID) func(booking.Job) (booking.Command, error)
}

func steps() []step {
	assigned := func(w *world, ref string, ana uuid.UUID) {
		if _, err := w.h.Job(w.t.Context(), w.by(w.staff, "assign"), ref, assignTo(ana)); err != nil {
			w.t.Fatal(err)
		}
	}
	staff := func(w *world) access.Viewer { return w.staff }
	start := "2026-07-01T15:00"
	return []step{
		{"assign", func(*world, string, uuid.UUID) {}, staff, "assign", assignTo},
		{"change-eta", assigned, staff, "change-eta", func(uuid.UUID) func(booking.Job) (booking.Command, error) {
			return func(j booking.Job) (booking.Command, error) {
				return booking.ChangeEta{Job: j.ID, ETA: "2026-07-01T10:30", AgreedBy: "PC Smith"}, nil
			}
		}},
		{"edit", assigned, staff, "edit", func(uuid.UUID) func(booking.Job) (booking.Command, error) {
			return func(j booking.Job) (booking.Command, error) { return booking.Edit{Job: j.ID, Start: &start}, nil }
		}},
		{"unassign", assigned, staff, "unassign", func(uuid.UUID) func(booking.Job) (booking.Command, error) { return unassign }},
		{"cancel", assigned, staff, "cancel", func(uuid.UUID) func(booking.Job) (booking.Command, error) {
			return func(j booking.Job) (booking.Command, error) {
				return booking.Cancel{Job: j.ID, Reason: "duplicate", AuthorisedBy: "PC Smith"}, nil
			}
		}},
	}
}

// repairAll is what the repairing reaction does with everything that a diary holds.
func (w *world) repairAll(h *commands.Handler, interpreter uuid.UUID) {
	for _, r := range w.diary(interpreter).Held {
		if _, err := h.Repair(context.Background(), interpreter, r.Booking, r.Job, r.ID); err != nil {
			w.t.Errorf("repair: %v", err)
		}
	}
}

// exact fails unless the diary holds the windows of the assigned jobs and nothing else.
func (w *world) exact(interpreter uuid.UUID, bookings ...uuid.UUID) {
	w.t.Helper()
	w.covered(interpreter, bookings...)
	want := 0
	for _, id := range bookings {
		for _, j := range w.state(id).Jobs {
			if j.Assignment != nil && j.Assignment.Interpreter == interpreter && j.Status.Live() {
				want++
			}
		}
	}
	if held := w.diary(interpreter).Held; len(held) != want {
		w.t.Errorf("the diary holds %d windows, the bookings count on %d", len(held), want)
	}
}

// TestKilledBetweenAppends kills the process at every append of every command that touches a diary, before the append and after it. At
// every stage the diary holds what is assigned; the same command sent again to another process succeeds; the repair leaves nothing over.
func TestKilledBetweenAppends(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	serial := 0
	for _, s := range steps() {
		for n := 1; n <= 3; n++ {
			for _, after := range []bool{false, true} {
				for _, repairFirst := range []bool{false, true} {
					serial++
					ana := w.interpreter(fmt.Sprintf("LIN/5455/5K%03d", serial))
					job := w.book("2026-07-01T10:00")
					t.Run(fmt.Sprintf("%s/%d/after=%v/repair=%v", s.name, n, after, repairFirst), func(t *testing.T) {
						w := w.in(t)
						s.before(w, job.Ref, ana)
						target := w.refs.jobs[job.Ref][0]
						r := w.keyed(s.viewer(w), s.command, "/jobs/"+job.Ref, fmt.Sprint("kill", serial), "body")

						log := &mortal{Log: w.log, left: n, after: after}
						_, err := w.process(log).Job(t.Context(), r, job.Ref, s.build(ana))
						if log.dead && !errors.Is(err, errKilled) && !log.wrote(eventschema.Booking) {
							t.Fatalf("killed at append %d, the command answered %v", n, err)
						}
						w.covered(ana, target)
						if repairFirst {
							w.repairAll(w.process(w.log), ana)
							w.covered(ana, target)
						}
						if _, err := w.process(w.log).Job(t.Context(), r, job.Ref, s.build(ana)); err != nil {
							t.Fatalf("sent again: %v", err)
						}
						w.covered(ana, target)
						w.repairAll(w.process(w.log), ana)
						w.exact(ana, target)
					})
				}
			}
		}
	}
}

// TestAnAnswerComesAfterItsDiaries: the position of an answer lies behind all that the command wrote, so a query that waits for it sees whose time is
// taken, and whose is free again.
func TestAnAnswerComesAfterItsDiaries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, s := range steps() {
		ana := w.interpreter(fmt.Sprintf("LIN/5455/5A%03d", i))
		job := w.book("2026-07-01T10:00")
		s.before(w, job.Ref, ana)
		before := len(w.events(eventschema.DiaryStream(ana)))
		answer, err := w.h.Job(t.Context(), w.by(s.viewer(w), s.command), job.Ref, s.build(ana))
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		written := w.events(eventschema.DiaryStream(ana))
		if len(written) == before {
			t.Errorf("%s wrote nothing to the diary", s.name)
		}
		if last := written[len(written)-1]; last.Position.After(answer.Position) {
			t.Errorf("%s answers with %v, and %s lies at %v", s.name, answer.Position, last.Type, last.Position)
		}
	}
}

// TestRepairRacesCommands lets the repair run between every two appends of every command that touches a diary.
func TestRepairRacesCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for serial, s := range steps() {
		ana := w.interpreter(fmt.Sprintf("LIN/5455/5L%03d", serial))
		job := w.book("2026-07-01T10:00")
		s.before(w, job.Ref, ana)
		target := w.refs.jobs[job.Ref][0]
		repairs := 0
		log := &observed{Log: w.log, before: func(string) {
			if repairs++; repairs <= 3 { // else the command and the repair could go on for ever
				w.repairAll(w.process(w.log), ana)
			}
			w.covered(ana, target)
		}}
		if _, err := w.process(log).Job(t.Context(), w.by(s.viewer(w), s.command), job.Ref, s.build(ana)); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
		w.covered(ana, target)
		w.repairAll(w.process(w.log), ana)
		w.exact(ana, target)
	}
}

// observed calls a test before every append.
type observed struct {
	commands.Log
	before func(stream string)
}

func (o *observed) Append(ctx context.Context, stream string, expected int64, events []eventschema.Proposed) (eventschema.Appended, error) {
	o.before(stream)
	return o.Log.Append(ctx, stream, expected, events)
}

// TestVoidedReservationIsNeverClaimed: a command whose reservation is voided while it waits to write claims another one.
func TestVoidedReservationIsNeverClaimed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana := w.interpreter("LIN/5455/5J71Y")
	job := w.book("2026-07-01T10:00")
	target := w.refs.jobs[job.Ref]
	var voided uuid.UUID
	log := &observed{Log: w.log, before: func(stream string) {
		if held := w.diary(ana).Held; eventschema.KindOf(stream) == eventschema.Booking && voided == uuid.Nil {
			voided = held[0].ID
			if ok, err := w.h.Void(t.Context(), target[0], target[1], voided); err != nil || !ok {
				t.Errorf("void: %v %v", ok, err)
			}
		}
	}}
	if _, err := w.process(log).Job(t.Context(), w.by(w.staff, "assign"), job.Ref, assignTo(ana)); err != nil {
		t.Fatal(err)
	}
	j, _ := w.state(target[0]).Job(target[1])
	if j.Status != domain.Assigned || j.Assignment.Reservation == voided || voided == uuid.Nil {
		t.Errorf("assigned %v with reservation %v, voided was %v", j.Status, j.Assignment, voided)
	}
	w.exact(ana, target[0])

	if claimed, err := w.h.Void(t.Context(), target[0], target[1], j.Assignment.Reservation); claimed || err != nil {
		t.Errorf("a claimed reservation was voided: %v %v", claimed, err)
	}
	w.exact(ana, target[0])
}

// TestMovedOntoAnotherJob: a clash is refused and changes nothing; a job's own old window is no clash.
func TestMovedOntoAnotherJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana := w.interpreter("LIN/5455/5J71Y")
	first, second := w.book("2026-07-01T10:00"), w.book("2026-07-01T12:00")
	for _, job := range []commands.JobMade{first, second} {
		if _, err := w.h.Job(t.Context(), w.by(w.staff, "assign"), job.Ref, assignTo(ana)); err != nil {
			t.Fatal(err)
		}
	}
	before := w.diary(ana)
	_, err := w.h.Job(t.Context(), w.by(w.staff, "change-eta"), second.Ref, func(j booking.Job) (booking.Command, error) {
		return booking.ChangeEta{Job: j.ID, ETA: "2026-07-01T10:59", AgreedBy: "PC Smith"}, nil
	})
	refused(t, err, "double-booked")
	if after := w.diary(ana); len(after.Held) != 2 || after.Held[1] != before.Held[1] {
		t.Errorf("a refused move changed the diary: %v", after.Held)
	}
	// A job's own old window does not clash: it moves by half its length.
	if _, err := w.h.Job(t.Context(), w.by(w.staff, "change-eta"), second.Ref, func(j booking.Job) (booking.Command, error) {
		return booking.ChangeEta{Job: j.ID, ETA: "2026-07-01T12:30", AgreedBy: "PC Smith"}, nil
	}); err != nil {
		t.Fatal(err)
	}
	held := w.diary(ana).Held
	if len(held) != 2 || !held[1].Start.Equal(time.Date(2026, 7, 1, 11, 30, 0, 0, time.UTC)) {
		t.Errorf("the diary holds %v", held)
	}
}

// TestKilledContinuation: the diary holds time for a job that never came to be. The repair gives it back, and the command sent again makes
// the job.
func TestKilledContinuation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for serial, repairFirst := range []bool{false, true} {
		ana := w.interpreter(fmt.Sprintf("LIN/5455/5M%03d", serial))
		job := w.book("2026-07-01T10:00")
		target := w.refs.jobs[job.Ref][0]
		if _, err := w.h.Job(t.Context(), w.by(w.staff, "assign"), job.Ref, assignTo(ana)); err != nil {
			t.Fatal(err)
		}
		r := w.keyed(w.requestor, "continue", "/jobs/"+job.Ref+"/continue", "k", "{}")
		r.At = now.AddDate(0, 2, 0)
		later := func(j booking.Job) (booking.Continue, error) {
			return booking.Continue{Job: j.ID, Side: booking.CustomerSide, Blocks: []booking.BlockIn{{Start: "2026-07-01T17:00", End: "2026-07-01T18:00"}}}, nil
		}
		dying := &observed{Log: w.log}
		dying.before = func(stream string) {
			if stream == eventschema.BookingStream(target) {
				panic(errKilled)
			}
		}
		func() {
			defer func() { _ = recover() }()
			_, _ = w.process(dying).Continue(t.Context(), r, job.Ref, later)
		}()
		if held := w.diary(ana).Held; len(held) != 2 {
			t.Fatalf("the diary holds %d windows before the repair", len(held))
		}
		if repairFirst {
			w.repairAll(w.h, ana)
			w.exact(ana, target)
		}
		if _, err := w.process(w.log).Continue(t.Context(), r, job.Ref, later); err != nil {
			t.Fatal(err)
		}
		w.repairAll(w.h, ana)
		w.exact(ana, target)
	}
}
