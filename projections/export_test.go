package projections

import (
	"context"
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

// Sweep drops what is retired at once.
func Sweep(ctx context.Context, r *Runner, model string) error {
	keep := r.KeepRetired
	defer func() { r.KeepRetired = keep }()
	r.KeepRetired = time.Microsecond
	return r.dropRetired(ctx, model)
}

// Crash ends a runner as a killed process ends: its leases stay until they expire.
func Crash(r *Runner) {
	lease.Abandon(r.Leases)
	r.stop()
}
