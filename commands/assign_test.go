package commands_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
)

// TestDoubleBooking sends 200 assignments of one worker to overlapping jobs at once, over three processes: one wins, all others are told
// why, whatever the interleaving.
func TestDoubleBooking(t *testing.T) {
	t.Parallel()
	const jobs, rounds = 200, 3
	w := newWorld(t)
	processes := []*commands.Handler{w.h, w.process(w.log), w.process(w.log)}
	for round := range rounds {
		ana := w.interpreter(fmt.Sprintf("LIN/5455/5J7%02d", round))
		made := make([]commands.JobMade, jobs)
		for i := range made {
			made[i] = w.book(fmt.Sprintf("2026-07-0%dT10:%02d", round+1, i%60))
		}
		var won, told atomic.Int64
		var wait sync.WaitGroup
		for i, job := range made {
			wait.Go(func() {
				answer, err := processes[i%len(processes)].Job(t.Context(), w.by(w.staff, "assign"), job.Ref, assignTo(ana))
				switch {
				case err == nil && answer.Status == domain.Assigned:
					won.Add(1)
				case errors.Is(err, &domain.Refusal{Code: "double-booked"}):
					told.Add(1)
				default:
					t.Errorf("%s: %v %v", job.Ref, answer.Status, err)
				}
			})
		}
		wait.Wait()
		if won.Load() != 1 || told.Load() != jobs-1 {
			t.Errorf("round %d: %d won, %d were told double-booked; want 1 and %d", round, won.Load(), told.Load(), jobs-1)
		}
		if held := w.diary(ana).Held; len(held) != 1 {
			t.Errorf("round %d: the diary holds %d windows, want 1", round, len(held))
		}
	}
}

// TestOneJobManyWorkers: of many who are given one job at once one gets it, and the others' diaries are free again.
func TestOneJobManyWorkers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	job := w.book("2026-07-01T10:00")
	processes := []*commands.Handler{w.h, w.process(w.log), w.process(w.log)}
	var workers []uuid.UUID
	for i := range 30 {
		workers = append(workers, w.interpreter(fmt.Sprintf("LIN/5455/5J7%02d", i)))
	}
	var won atomic.Int64
	var wait sync.WaitGroup
	for i, worker := range workers {
		wait.Go(func() {
			_, err := processes[i%len(processes)].Job(t.Context(), w.by(w.staff, "assign"), job.Ref, assignTo(worker))
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, &domain.Refusal{Code: "already-assigned"}):
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 {
		t.Errorf("%d won", won.Load())
	}
	held := 0
	for _, worker := range workers {
		held += len(w.diary(worker).Held)
	}
	if held != 1 {
		t.Errorf("the diaries hold %d windows, want 1", held)
	}
}
