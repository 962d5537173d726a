package commands_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/forms"
)

// set is a booking of three related jobs, the first two of which two interpreters have, and a rival's job on the day after.
type set struct {
	*world
	id, ana, ben uuid.UUID
	refs         []string
	rival        commands.JobMade
	rivalBooking uuid.UUID
}

func (w *world) set(n int) *set {
	w.t.Helper()
	s := &set{world: w, ana: w.interpreter(fmt.Sprintf("LIN/%04d/ANA00", n)), ben: w.interpreter(fmt.Sprintf("LIN/%04d/BEN00", n))}
	wish := w.wanted("2026-07-01T10:00")
	wish.Interpreters = 3
	made, err := w.h.CreateBooking(w.t.Context(), w.by(w.requestor, "create"), forms.FaceToFaceID, wish)
	if err != nil {
		w.t.Fatal(err)
	}
	w.refs.add(made)
	s.id = made.BookingID
	for _, j := range made.Jobs {
		s.refs = append(s.refs, j.Ref)
	}
	s.rival = w.book("2026-07-02T10:00")
	at, _, _, _ := w.refs.Resolve(w.t.Context(), s.rival.Ref)
	s.rivalBooking = at
	for i, who := range []uuid.UUID{s.ana, s.ben} {
		if _, err := w.h.Job(w.t.Context(), w.by(w.staff, "assign"), s.refs[i], assignTo(who)); err != nil {
			w.t.Fatal(err)
		}
	}
	return s
}

// preview asks what a command would do.
func (s *set) preview(r commands.Request, ref string, build func(booking.Job) (booking.Command, error)) (*commands.Preview, error) {
	r.Preview = true
	_, err := s.h.Job(context.Background(), r, ref, build)
	var p *commands.Preview
	if errors.As(err, &p) {
		return p, nil
	}
	return nil, err
}

// TestPropertyN06_ACommitDoesWhatItsPreviewSaid: edits, cancellations and undos of a set, with others writing in between: a commit does exactly
// what its preview said or is refused as stale; bookings, numbers and diaries stay consistent.
func TestPropertyN06_ACommitDoesWhatItsPreviewSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n, committed, stale, undone := 0, 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		w.clock.set(now)
		s := w.in(t).set(n)
		pick := func(what string, k int) int { return rapid.IntRange(0, k-1).Draw(rt, what) }
		for range rapid.IntRange(1, 4).Draw(rt, "rounds") {
			ref := s.refs[pick("job", 3)]
			scope := []string{"this", "following", "all"}[pick("scope", 3)]
			name, build := "edit", func(j booking.Job) (booking.Command, error) {
				start, hours, minutes := j.Schedule.Start.Add(24 * time.Hour).Local[:16], 1+pick("hours", 2), 0
				return booking.Edit{Job: j.ID, Scope: scope, Start: &start, Hours: &hours, Minutes: &minutes}, nil
			}
			if pick("what", 3) == 0 {
				name, build = "cancel", func(j booking.Job) (booking.Command, error) {
					return booking.Cancel{Job: j.ID, Scope: scope, AuthorisedBy: "PC Smith"}, nil
				}
			}
			build = once(build)
			before := w.state(s.id)
			seen, err := s.preview(w.by(w.staff, name), ref, build)
			if no := (*domain.Refusal)(nil); errors.As(err, &no) {
				continue // the job has been cancelled
			} else if err != nil {
				rt.Fatal(err)
			}
			if after := w.state(s.id); after.Revision != before.Revision {
				rt.Fatalf("a preview wrote to the booking")
			}
			moved := s.meanwhile(rt, pick("meanwhile", 4))
			r := w.by(w.staff, name)
			r.Previewed = seen.Token
			_, err = w.h.Job(t.Context(), r, ref, build)
			var late *commands.StalePreview
			switch {
			case errors.As(err, &late):
				stale++
				if !moved {
					rt.Fatalf("nothing had moved, and yet the preview was stale: %+v, then %+v", seen.Changes, late.Now.Changes)
				}
			case seen.Problem != nil && err != nil && err.Error() == seen.Problem.Error():
			case err != nil:
				rt.Fatalf("%s: %v", name, err)
			default:
				committed++
				s.as(rt, seen)
			}
			w.exact(s.ana, s.id, s.rivalBooking)
			w.exact(s.ben, s.id, s.rivalBooking)
			if pick("undo", 2) == 0 {
				was := w.state(s.id)
				if _, err := w.h.Job(t.Context(), w.by(w.staff, "undo"), ref, undo); err == nil {
					undone++
					s.back(rt, ref, was)
				} else if no := (*domain.Refusal)(nil); !errors.As(err, &no) {
					rt.Fatal(err)
				} else if after := w.state(s.id); after.Revision != was.Revision {
					rt.Fatalf("a refused undo wrote to the booking: %v", err)
				}
				w.exact(s.ana, s.id, s.rivalBooking)
				w.exact(s.ben, s.id, s.rivalBooking)
			}
			for i, j := range w.state(s.id).Jobs {
				if j.Ref != s.refs[i] {
					rt.Fatalf("job %d is called %s, not %s", i, j.Ref, s.refs[i])
				}
			}
		}
	})
	if committed == 0 || stale == 0 || undone == 0 {
		t.Errorf("the property says too little: %d committed, %d stale, %d undone", committed, stale, undone)
	}
}

// once makes the command once, so that the preview and the commit are of the same wish.
func once(build func(booking.Job) (booking.Command, error)) func(booking.Job) (booking.Command, error) {
	var c booking.Command
	return func(j booking.Job) (_ booking.Command, err error) {
		if c == nil {
			c, err = build(j)
		}
		return c, err
	}
}

func undo(j booking.Job) (booking.Command, error) { return booking.Undo{Job: j.ID}, nil }

// meanwhile is what somebody else does between a preview and its commit; it tells whether anything did that the preview may rest on.
func (s *set) meanwhile(rt *rapid.T, what int) (moved bool) {
	send := func(name, ref string, build func(booking.Job) (booking.Command, error)) bool {
		_, err := s.h.Job(context.Background(), s.by(s.staff, name), ref, build)
		var no *domain.Refusal
		if err != nil && !errors.As(err, &no) {
			rt.Fatal(err)
		}
		return err == nil
	}
	switch what {
	case 1:
		return send("post-message", s.refs[2], say("Hello"))
	case 2:
		return send("assign", s.rival.Ref, assignTo(s.ana))
	case 3:
		return send("unassign", s.refs[1], unassign)
	}
	return false
}

// as fails unless the booking became what the preview said.
func (s *set) as(rt *rapid.T, seen *commands.Preview) {
	state := s.state(s.id)
	for _, c := range seen.Changes {
		if j, _ := state.ByRef(c.Ref); j.Status != c.Status || !j.Begin().Equal(c.Start) {
			rt.Fatalf("job %s is %s at %s, the preview said %s at %s", c.Ref, j.Status, j.Begin().Local, c.Status, c.Start.Local)
		}
	}
}

// back fails unless the undone jobs are what they were before the change.
func (s *set) back(rt *rapid.T, ref string, was booking.State) {
	state := s.state(s.id)
	var newest booking.Undoable // of those that concern the named job
	for _, u := range was.Undoable {
		if slices.ContainsFunc(u.Before, func(j booking.Job) bool { return j.Ref == ref }) {
			newest = u
		}
	}
	if len(newest.Before) == 0 {
		rt.Fatalf("job %s: something was undone, and nothing could be", ref)
	}
	for _, then := range newest.Before {
		j, _ := state.Job(then.ID)
		if j.Status != then.Status || !j.Begin().Equal(then.Begin()) || j.Schedule.Minutes != then.Schedule.Minutes || (j.Assignment == nil) != (then.Assignment == nil) {
			rt.Fatalf("job %s is %s at %s, it was %s at %s", j.Ref, j.Status, j.Begin().Local, then.Status, then.Begin().Local)
		}
	}
}

// Two commits on previews of the same state, sent to two processes at once: one is done, the other learns what it would do now.
func TestN06_TwoCommitsOnOnePreview(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.set(1)
	other := w.process(w.log)
	for range 10 {
		edit := func(hours int) func(booking.Job) (booking.Command, error) {
			return func(j booking.Job) (booking.Command, error) {
				minutes := j.Schedule.Minutes%60 + 5
				return booking.Edit{Job: j.ID, Scope: "all", Hours: &hours, Minutes: &minutes}, nil
			}
		}
		first, second := once(edit(1)), once(edit(2))
		one, err1 := s.preview(w.by(w.staff, "edit"), s.refs[0], first)
		two, err2 := s.preview(w.by(w.staff, "edit"), s.refs[0], second)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, c := range []struct {
			h     *commands.Handler
			token string
			build func(booking.Job) (booking.Command, error)
		}{{w.h, one.Token, first}, {other, two.Token, second}} {
			wg.Go(func() {
				r := w.by(w.staff, "edit")
				r.Previewed = c.token
				_, errs[i] = c.h.Job(t.Context(), r, s.refs[0], c.build)
			})
		}
		wg.Wait()
		var late *commands.StalePreview
		done := 0
		for _, err := range errs {
			switch {
			case err == nil:
				done++
			case !errors.As(err, &late):
				t.Fatal(err)
			}
		}
		if done != 1 {
			t.Fatalf("%d of two commits were done: %v", done, errs)
		}
		w.exact(s.ana, s.id)
		w.exact(s.ben, s.id)
	}
}

// Undoing a cancellation asks the diaries first: a window that somebody else has taken is 409, and nothing changes.
func TestN06_ATakenWindowRefusesTheUndo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.set(1)
	cancel := func(j booking.Job) (booking.Command, error) {
		return booking.Cancel{Job: j.ID, Scope: "all", AuthorisedBy: "PC Smith"}, nil
	}
	if _, err := w.h.Job(t.Context(), w.by(w.staff, "cancel"), s.refs[0], cancel); err != nil {
		t.Fatal(err)
	}
	rival := w.book("2026-07-01T10:30")
	if _, err := w.h.Job(t.Context(), w.by(w.staff, "assign"), rival.Ref, assignTo(s.ben)); err != nil {
		t.Fatal(err)
	}
	before := w.state(s.id).Revision
	_, err := w.h.Job(t.Context(), w.by(w.staff, "undo"), s.refs[2], undo)
	no := refused(t, err, "double-booked")
	if no.Status != 409 || len(no.Errors) != 1 || no.Errors[0].Location != s.refs[1] {
		t.Errorf("the refusal is %+v", no)
	}
	if after := w.state(s.id); after.Revision != before {
		t.Errorf("a refused undo wrote to the booking")
	}
	at, _, _, _ := w.refs.Resolve(t.Context(), rival.Ref)
	w.exact(s.ana, s.id, at)
	w.exact(s.ben, s.id, at)
	if _, err := w.h.Job(t.Context(), w.by(w.staff, "unassign"), rival.Ref, unassign); err != nil {
		t.Fatal(err)
	}
	if _, err := w.h.Job(t.Context(), w.by(w.staff, "undo"), s.refs[2], undo); err != nil {
		t.Fatal(err)
	}
	w.exact(s.ana, s.id, at)
	w.exact(s.ben, s.id, at)
}
