package reactions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/lease"
	"github.com/dragoman-booking/dragoman/projections"
)

// Timers fire what is due by the business clock: a timer is a row of a read model, firing it is a command whose id derives from the row, so
// neither a rebuild nor two processes fire it twice. T is such a row.
type Timers[T comparable] struct {
	// Name tells these timers from others, in leases and logs.
	Name string

	// Due lists rows that are due at an instant, earliest first, at most limit of them.
	Due func(ctx context.Context, now time.Time, limit int) ([]T, error)

	// Fire sends a row's command. A refusal is an answer: what the row stood for is over, or not yet due to the decider.
	Fire func(ctx context.Context, row T) error

	// Clock is the business clock.
	Clock interface{ Now() time.Time }

	// Models and Model are where the rows lie; Newest is the log's end.
	Models *projections.Models
	Model  string
	Newest func(ctx context.Context) (eventschema.Position, error)

	Leases *lease.Holder

	// Every is how often to look. Default: a second.
	Every time.Duration

	mu      sync.Mutex
	refused map[T]time.Time // by machine time: not fired again for a while, so that a row that stays does no harm

	stop context.CancelFunc
	done sync.WaitGroup
}

const (
	atOnce       = 100
	refusedQuiet = time.Minute
)

// Start begins to fire.
func (t *Timers[T]) Start() {
	if t.Every == 0 {
		t.Every = time.Second
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.stop = cancel
	t.done.Go(func() { t.run(ctx) })
}

// Stop ends it.
func (t *Timers[T]) Stop() {
	t.stop()
	t.done.Wait()
}

func (t *Timers[T]) run(ctx context.Context) {
	for ctx.Err() == nil {
		held, release, err := t.Leases.Acquire(ctx, "timers "+t.Name)
		if err != nil {
			return // ctx has ended
		}
		for held.Err() == nil {
			if _, err := t.fire(held, false); err != nil && held.Err() == nil {
				slog.Warn("timers could not be fired", "timers", t.Name, "error", err)
			}
			select {
			case <-held.Done():
			case <-time.After(t.Every):
			}
		}
		release()
	}
}

// FireDue fires everything that is due now, and what becomes due by that, and returns when it is done: for the test clock. Any process may
// call it, whoever holds the lease. One row that fails does not keep the others waiting.
func (t *Timers[T]) FireDue(ctx context.Context) (fired int, err error) { return t.fire(ctx, true) }

// fire goes on until nothing is due that it has not tried. again tries rows, once, that were refused a moment ago: the clock may have moved.
func (t *Timers[T]) fire(ctx context.Context, again bool) (fired int, err error) {
	tried := map[T]bool{}
	for {
		// The rows of what was fired are gone only once the read model has seen it.
		if err := t.caughtUp(ctx); err != nil {
			return fired, err
		}
		due, err := t.Due(ctx, t.Clock.Now(), atOnce+len(tried)+t.quiet(again))
		if err != nil {
			return fired, fmt.Errorf("look what is due: %w", err)
		}
		var failed error
		n := 0
		for _, row := range due {
			if tried[row] || !again && t.isQuiet(row) {
				continue
			}
			tried[row] = true
			n++
			err := t.Fire(ctx, row)
			var refusal *domain.Refusal
			switch {
			case errors.As(err, &refusal):
				t.hush(row)
			case err != nil:
				failed = fmt.Errorf("fire a timer: %w", err)
			default:
				fired++
			}
		}
		if n == 0 || failed != nil {
			return fired, failed
		}
	}
}

func (t *Timers[T]) caughtUp(ctx context.Context) error {
	end, err := t.Newest(ctx)
	if err != nil {
		return fmt.Errorf("find the log's end: %w", err)
	}
	if err := t.Models.WaitFor(ctx, end, t.Model); err != nil {
		return fmt.Errorf("wait for the timers: %w", err)
	}
	return nil
}

func (t *Timers[T]) hush(row T) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refused == nil {
		t.refused = map[T]time.Time{}
	}
	t.refused[row] = time.Now()
}

func (t *Timers[T]) isQuiet(row T) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok := t.refused[row]
	return ok && time.Since(at) < refusedQuiet
}

// quiet counts the rows that are left out, so that they do not fill the list, and forgets old ones.
func (t *Timers[T]) quiet(again bool) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	for row, at := range t.refused {
		if time.Since(at) >= refusedQuiet {
			delete(t.refused, row)
		}
	}
	if again {
		return 0
	}
	return len(t.refused)
}
