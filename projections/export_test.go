package projections

import (
	"context"
	"errors"
	"time"

	"github.com/dragoman-booking/dragoman/internal/lease"
)

// WithoutLease lets a runner run whatever others do: it asks for leases of other names than they.
func WithoutLease(r *Runner) {
	for _, m := range r.models {
		m.leaseName = "another " + m.leaseName
	}
}

// Refresh reads the pointers.
func Refresh(ctx context.Context, m *Models) error { return m.refresh(ctx) }

// Live is the number of the live generation as this process knows it.
func Live(m *Models, model string) int { return m.live.Load().of[model].number }

// Sweep drops what is retired at once, or as soon as nobody else builds or sweeps.
func Sweep(ctx context.Context, r *Runner, model string) error {
	for {
		if err := r.dropRetired(ctx, model, time.Microsecond); !errors.Is(err, ErrRebuilding) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Lock makes its caller the only one that builds a model, until release.
func Lock(ctx context.Context, r *Runner, model string) (release func(), err error) {
	_, release, err = r.lock(ctx, lockPatience, model)
	return release, err
}

// Crash ends a runner as a killed process ends: its leases stay until they expire.
func Crash(r *Runner) {
	lease.Abandon(r.Leases)
	r.stop()
}
