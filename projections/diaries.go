package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/diary"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// Gap is a place in the log where a diary did not hold what a booking counted on, or held two jobs at once. None should ever be.
type Gap struct {
	What        string // without-reservation, other-worker, other-job, not-covered, released-while-assigned, double-booked
	Booking     uuid.UUID
	Job         uuid.UUID
	Interpreter uuid.UUID
	Reservation uuid.UUID
	Position    eventschema.Position // of the event after which it was so
}

// DiaryReport is what VerifyDiaries has seen.
type DiaryReport struct {
	Events       int64
	Jobs         int
	Reservations int // ever made
	Unclaimed    int // held at the end though no job counts on them: the repair releases them
	Gaps         []Gap
}

// VerifyDiaries folds every diary and booking of the log and reports each moment at which an assigned window lay outside its reservation: the
// diary holds a superset of all assigned windows at every instant, not only at the end.
func VerifyDiaries(ctx context.Context, log Log) (DiaryReport, error) {
	f := diaryFold{jobs: map[uuid.UUID]*windowed{}, held: map[uuid.UUID]*held{}, claimedBy: map[uuid.UUID]uuid.UUID{}, workers: map[uuid.UUID]map[uuid.UUID]*held{}}
	err := log.ReadAll(ctx, eventschema.Position{}, func(page eventschema.Page) error {
		for _, e := range page {
			if e.Err != nil {
				return fmt.Errorf("event %d of %s: %w", e.Revision, e.Stream, errDecode)
			}
			f.report.Events++
			f.apply(e)
		}
		return nil
	})
	if err != nil {
		return f.report, fmt.Errorf("fold diaries and bookings: %w", err)
	}
	f.report.Jobs = len(f.jobs)
	for id := range f.held {
		if _, claimed := f.claimedBy[id]; !claimed {
			f.report.Unclaimed++
		}
	}
	return f.report, nil
}

// windowed is a job's time and who has it: all that is kept of a booking, so that a long log fits into memory.
type windowed struct {
	booking     uuid.UUID
	start       domain.Moment
	minutes     int
	eta         *time.Time
	interpreter uuid.UUID
	reservation uuid.UUID
}

func (w *windowed) window() (start, end time.Time) {
	start = w.start.Instant
	if w.eta != nil {
		start = *w.eta
	}
	return start, start.Add(time.Duration(w.minutes) * time.Minute)
}

type held struct {
	diary.Reservation
	interpreter uuid.UUID
}

type diaryFold struct {
	report    DiaryReport
	jobs      map[uuid.UUID]*windowed
	held      map[uuid.UUID]*held               // by reservation
	workers   map[uuid.UUID]map[uuid.UUID]*held // the same by worker
	claimedBy map[uuid.UUID]uuid.UUID           // reservation → live job that counts on it
	at        eventschema.Position
}

func (f *diaryFold) apply(e eventschema.Recorded) {
	f.at = e.Position
	switch event := e.Event.(type) {
	case diary.Reserved:
		for _, r := range event.Reservations {
			f.reserve(event.Interpreter, r)
		}
	case diary.Released:
		for _, id := range event.Reservations {
			f.release(id)
		}
	case diary.CarriedForward:
		still := map[uuid.UUID]bool{}
		for _, r := range event.Reservations {
			still[r.ID] = true
		}
		for id := range f.workers[event.Interpreter] {
			if !still[id] {
				f.release(id)
			}
		}

	case booking.Created:
		for _, j := range event.Jobs {
			f.jobs[j.ID] = &windowed{booking: event.Booking, start: j.Schedule.Start, minutes: j.Schedule.Minutes}
		}
	case booking.JobAdded:
		id, _ := eventschema.IDOf(e.Stream)
		f.jobs[event.Job.ID] = &windowed{booking: id, start: event.Job.Schedule.Start, minutes: event.Job.Schedule.Minutes}
	case booking.Edited:
		for _, c := range event.Jobs {
			f.change(c.Job, func(j *windowed) {
				j.reschedule(event.Shared)
				j.reschedule(c.Own)
				f.claim(j, c.Job, c.Reservation)
			})
		}
	case booking.ChangeUndone:
		for _, u := range event.Undone() {
			f.change(u.Job, func(j *windowed) {
				j.reschedule(u.Back)
				j.eta = nil
				if u.ETA != nil {
					j.eta = &u.ETA.Instant
				}
				if u.Assigned != nil {
					j.interpreter = u.Assigned.Interpreter
				}
				f.claim(j, u.Job, u.Reservation)
			})
		}
	case booking.EtaAgreed:
		f.eta(event.Job, event.ETA, event.Reservation)
	case booking.EtaChanged:
		f.eta(event.Job, event.ETA, event.Reservation)
	case booking.Assigned:
		f.change(event.Job, func(j *windowed) {
			j.interpreter = event.Interpreter
			f.claim(j, event.Job, event.Reservation)
		})
	case booking.Unassigned:
		f.change(event.Job, func(j *windowed) { f.leave(j) })
	case booking.TimesheetAccepted:
		f.change(event.Job, func(j *windowed) { f.leave(j) })
	case booking.Closed:
		f.change(event.Job, func(j *windowed) { f.leave(j) })
	case booking.Cancelled:
		for _, c := range event.Jobs {
			f.change(c.Job, func(j *windowed) { f.leave(j) })
		}
	}
}

func (w *windowed) reschedule(c *booking.Change) {
	if c == nil || c.Schedule == nil {
		return
	}
	if !c.Schedule.Start.Equal(w.start) {
		w.eta = nil
	}
	w.start, w.minutes = c.Schedule.Start, c.Schedule.Minutes
}

func (f *diaryFold) eta(job uuid.UUID, eta domain.Moment, reservation uuid.UUID) {
	f.change(job, func(j *windowed) {
		j.eta = &eta.Instant
		f.claim(j, job, reservation)
	})
}

// change changes a job and looks whether its diary holds its time.
func (f *diaryFold) change(id uuid.UUID, change func(*windowed)) {
	j := f.jobs[id]
	if j == nil {
		return
	}
	change(j)
	if j.reservation == uuid.Nil {
		return
	}
	start, end := j.window()
	h := f.held[j.reservation]
	switch {
	case h == nil:
		f.gap("without-reservation", id, j)
	case h.interpreter != j.interpreter:
		f.gap("other-worker", id, j)
	case h.Job != id:
		f.gap("other-job", id, j)
	case h.Start.After(start) || h.End.Before(end):
		f.gap("not-covered", id, j)
	}
}

func (f *diaryFold) claim(j *windowed, id, reservation uuid.UUID) {
	if reservation == uuid.Nil || j.interpreter == uuid.Nil {
		return
	}
	delete(f.claimedBy, j.reservation)
	j.reservation = reservation
	f.claimedBy[reservation] = id
}

// leave: the job counts on no reservation any more.
func (f *diaryFold) leave(j *windowed) {
	delete(f.claimedBy, j.reservation)
	j.interpreter, j.reservation = uuid.Nil, uuid.Nil
}

func (f *diaryFold) reserve(interpreter uuid.UUID, r diary.Reservation) {
	f.report.Reservations++
	mine := f.workers[interpreter]
	if mine == nil {
		mine = map[uuid.UUID]*held{}
		f.workers[interpreter] = mine
	}
	for id, other := range mine {
		// Time that was over already is recorded, not checked; a job's own old window gives way.
		if !r.Unchecked && other.Job != r.Job && other.Start.Before(r.End) && r.Start.Before(other.End) {
			f.report.Gaps = append(f.report.Gaps, Gap{"double-booked", r.Booking, r.Job, interpreter, id, f.at})
		}
	}
	h := &held{r, interpreter}
	f.held[r.ID], mine[r.ID] = h, h
}

func (f *diaryFold) release(id uuid.UUID) {
	h := f.held[id]
	if h == nil {
		return
	}
	delete(f.held, id)
	delete(f.workers[h.interpreter], id)
	if job, claimed := f.claimedBy[id]; claimed {
		f.gap("released-while-assigned", job, f.jobs[job])
	}
}

func (f *diaryFold) gap(what string, id uuid.UUID, j *windowed) {
	f.report.Gaps = append(f.report.Gaps, Gap{what, j.booking, id, j.interpreter, j.reservation, f.at})
}
