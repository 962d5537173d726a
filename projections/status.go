package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// Status is one read model, or one reaction, as GET /status shows it.
type Status struct {
	Name       string
	Generation int // of a read model, live; 0: none that this program serves
	Position   eventschema.Position
	Lag        Lag    // none while its checkpoint is not found in the log: the log says nothing of such a position, and may refuse it
	Health     Health // in this process
}

// Lag is what a read model has not applied yet, or a reaction not handled.
type Lag struct {
	Events int           // counted up to CountLimit
	More   bool          // there are more than Events
	Age    time.Duration // since the oldest of them was recorded, by the machine's clock
}

// CountLimit is how far a lag is counted: the number only says whether to worry.
const CountLimit = 1000

// Status tells how every read model stands. A model up to date costs nothing but its checkpoint; one that lags, a look into the log.
func (r *Runner) Status(ctx context.Context) ([]Status, error) {
	newest, err := r.Log.Newest(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the log's end: %w", err)
	}
	counted := map[eventschema.Position]Lag{}
	var all []Status
	for _, name := range r.Models.names {
		s := Status{Name: name, Health: r.models[name].get()}
		if g, err := r.Models.live.Load().generation(r.Models, name); err == nil {
			s.Generation = g.number
			switch s.Position, err = r.Models.checkpoint(ctx, name); {
			case errors.Is(err, ErrNotReady):
				s.Generation = 0 // replaced at this moment
			case err != nil:
				return nil, err
			}
		}
		if newest.After(s.Position) && r.Models.reached.doubtOf(name).why == nil {
			lag, known := counted[s.Position]
			if !known {
				if lag, err = LagAt(ctx, r.Log, s.Position); err != nil {
					return nil, err
				}
				counted[s.Position] = lag
			}
			s.Lag = lag
		}
		all = append(all, s)
	}
	return all, nil
}

// LagAt counts what the log holds after a position.
func LagAt(ctx context.Context, log Log, after eventschema.Position) (lag Lag, err error) {
	err = log.ReadAll(ctx, after, func(page eventschema.Page) error {
		if lag.Events == 0 && !page[0].Meta.RecordedAt.IsZero() {
			lag.Age = max(0, time.Since(page[0].Meta.RecordedAt))
		}
		if lag.Events += len(page); lag.Events >= CountLimit {
			lag.Events, lag.More = CountLimit, true
			return eventschema.ErrStop
		}
		return nil
	})
	if err != nil {
		return lag, fmt.Errorf("count what lies behind position %d: %w", after.Commit, err)
	}
	return lag, nil
}

// Doubtful names the read models of which it is not known yet whether the log holds the event at their checkpoint.
func (r *Runner) Doubtful() (doubtful []string) {
	for _, name := range r.Models.names {
		if r.Models.reached.doubtOf(name).why == errNotFound {
			doubtful = append(doubtful, name)
		}
	}
	return doubtful
}

// Unhealthy names the read models that are stopped in this process.
func (r *Runner) Unhealthy() (stopped []string) {
	for _, name := range r.Models.names {
		if r.models[name].get().State == Stopped {
			stopped = append(stopped, name)
		}
	}
	return stopped
}
