package commands_test

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
)

func number(t *testing.T, ref string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.TrimPrefix(ref, "DTP"), 10, 64)
	if err != nil {
		t.Fatalf("job number %q: %v", ref, err)
	}
	return n
}

// TestNumbersGoOnFromWhereTheyAreSet: after an admin set the next number every process gives it and those above it, also out of no block
// that was drawn before.
func TestNumbersGoOnFromWhereTheyAreSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.process(w.log)
	bookAt := func(h *commands.Handler) int64 {
		made, err := h.CreateBooking(t.Context(), w.by(w.requestor, "create"), forms.FaceToFaceID, w.wanted("2026-07-01T10:00"))
		if err != nil {
			t.Fatal(err)
		}
		if made.BookingRef == "" || made.BookingRef == made.Jobs[0].Ref {
			t.Errorf("booking %q, job %q", made.BookingRef, made.Jobs[0].Ref)
		}
		return number(t, made.Jobs[0].Ref)
	}
	set := func(h *commands.Handler, next int64) error {
		_, err := h.SetNextNumber(t.Context(), w.by(w.admin, "set-numbering"), people.NumberingJob, next)
		return err
	}
	if a, b := bookAt(w.h), bookAt(w.h); a != 1 || b != 2 {
		t.Errorf("a new deployment numbers its first jobs %d and %d", a, b)
	}
	if n := bookAt(other); n != 101 {
		t.Errorf("another process draws a block of its own: %d", n)
	}
	if err := set(w.h, 1389466); err != nil {
		t.Fatal(err)
	}
	if n := bookAt(other); n != 1389466 {
		t.Errorf("the next number is %d, want 1389466 in every process", n)
	}
	if n := bookAt(w.h); n != 1389566 {
		t.Errorf("another block begins at %d", n)
	}
	refused(t, set(w.h, 5), "number-given")
	refused(t, set(w.h, 1389567-1), "number-given")
	// Numbers of its own newest block that it has not given a process may go back to, and only to those.
	if err := set(w.h, 1389567); err != nil {
		t.Errorf("the number after the last one given: %v", err)
	}
	if n := bookAt(w.h); n != 1389567 {
		t.Errorf("gave %d", n)
	}
	_, err := w.h.SetNextNumber(t.Context(), w.by(w.requestor, "set-numbering"), people.NumberingJob, 2000000)
	refused(t, err, "not-permitted")
}

// TestNumbersAreNeverTwins books in three processes while an admin keeps setting the next number.
func TestNumbersAreNeverTwins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mu sync.Mutex
	var given []int64
	var wait sync.WaitGroup
	for range 3 {
		h := w.process(w.log)
		for range 4 {
			wait.Go(func() {
				for range 12 {
					var made commands.BookingAnswer
					if err := insist(func() (err error) {
						made, err = h.CreateBooking(t.Context(), w.by(w.requestor, "create"), forms.FaceToFaceID, w.wanted("2026-07-01T10:00"))
						return err
					}); err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					given = append(given, number(t, made.Jobs[0].Ref))
					mu.Unlock()
				}
			})
		}
		wait.Go(func() {
			next := int64(1)
			for range 20 {
				mu.Lock()
				if len(given) > 0 {
					next = slices.Max(given) + 1 // often refused: another process may have given it
				}
				mu.Unlock()
				_, _ = h.SetNextNumber(t.Context(), w.by(w.admin, "set-numbering"), people.NumberingJob, next)
			}
		})
	}
	wait.Wait()
	slices.Sort(given)
	if n := len(slices.Compact(slices.Clone(given))); n != 3*4*12 {
		t.Errorf("%d different numbers for %d jobs", n, len(given))
	}
}

// TestRefusedBookingsTakeNoNumber: numbers are drawn once a booking is accepted, and only then.
func TestRefusedBookingsTakeNoNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad := w.wanted("2020-01-01T10:00")
	for range 3 {
		_, err := w.h.CreateBooking(t.Context(), w.by(w.requestor, "create"), forms.FaceToFaceID, bad)
		refused(t, err, "invalid")
	}
	if n := number(t, w.book("2026-07-01T10:00").Ref); n != 1 {
		t.Errorf("the first job is number %d", n)
	}
}

// TestContinuationHasItsOwnNumber (LL-124), in the same booking, and sent again is the same.
func TestContinuationHasItsOwnNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana := w.interpreter("LIN/5455/5J71Y")
	job := w.book("2026-07-01T10:00")
	if _, err := w.h.Job(t.Context(), w.by(w.staff, "assign"), job.Ref, assignTo(ana)); err != nil {
		t.Fatal(err)
	}
	w.clock.set(now.AddDate(0, 2, 0))
	w.requestor.Now = w.clock.Now()
	r := w.keyed(w.requestor, "continue", "/jobs/"+job.Ref+"/continue", "k", "{}")
	later := func(j booking.Job) (booking.Continue, error) {
		return booking.Continue{Job: j.ID, Side: booking.CustomerSide, Blocks: []booking.BlockIn{{Start: "2026-07-01T17:00", End: "2026-07-01T18:00"}}}, nil
	}
	made, err := w.h.Continue(t.Context(), r, job.Ref, later)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.process(w.log).Continue(t.Context(), r, job.Ref, later)
	if err != nil {
		t.Fatal(err)
	}
	if len(made.Jobs) != 1 || made.Jobs[0].Ref == job.Ref || made.Jobs[0].Status != "ongoing" || again.Jobs[0] != made.Jobs[0] {
		t.Errorf("made %v, again %v", made.Jobs, again.Jobs)
	}
	w.exact(ana, made.BookingID)
}
