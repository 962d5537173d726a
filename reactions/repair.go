package reactions

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/internal/lease"
	"github.com/dragoman-booking/dragoman/projections/diary"
)

// Repairer looks after one reservation; commands implements it. It may be called at any time and any number of times: the booking decides.
type Repairer interface {
	// Repair makes the booking refuse a reservation that it does not count on, and then gives it back; false if the booking counts on it.
	Repair(ctx context.Context, interpreter, booking, job, reservation uuid.UUID) (released bool, err error)
}

// Repair releases reservations that a command left behind when its process died between the diary and the booking, or before releasing.
// Nothing is wrong meanwhile: the diary holds too much, never too little. It goes by the machine's clock.
type Repair struct {
	Diary    diary.Queries
	Commands Repairer
	Leases   *lease.Holder

	// Grace is how long a reservation may be unclaimed: longer than any command takes. Default: a minute.
	Grace time.Duration

	// Every is how often to look. Default: half a minute.
	Every time.Duration

	stop context.CancelFunc
	done sync.WaitGroup
}

// Start begins to look.
func (r *Repair) Start() {
	if r.Grace == 0 {
		r.Grace = time.Minute
	}
	if r.Every == 0 {
		r.Every = 30 * time.Second
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	r.done.Go(func() { r.run(ctx) })
}

// Stop ends it.
func (r *Repair) Stop() {
	r.stop()
	r.done.Wait()
}

func (r *Repair) run(ctx context.Context) {
	for ctx.Err() == nil {
		held, release, err := r.Leases.Acquire(ctx, "repair of diaries")
		if err != nil {
			return // ctx has ended
		}
		for held.Err() == nil {
			if n, err := r.Once(held); err != nil && held.Err() == nil {
				slog.Warn("unclaimed reservations could not be repaired", "error", err)
			} else if n > 0 {
				slog.Info("unclaimed reservations were released", "count", n)
			}
			select {
			case <-held.Done():
			case <-time.After(r.Every):
			}
		}
		release()
	}
}

// Once looks after everything that has been unclaimed for longer than the grace, and returns how many reservations were released. One that
// fails does not keep the others waiting.
func (r *Repair) Once(ctx context.Context) (released int, err error) {
	lost, err := r.Diary.Unclaimed(ctx, time.Now().Add(-r.Grace))
	if err != nil {
		return 0, err
	}
	for _, u := range lost {
		ok, repairErr := r.Commands.Repair(ctx, u.Interpreter, u.Booking, u.Job, u.Reservation)
		switch {
		case repairErr != nil:
			err = fmt.Errorf("repair reservation %s: %w", u.Reservation, repairErr)
		case ok:
			released++
		}
	}
	return released, err
}
