package projections_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/projtest"
)

// scene is a counter that lets something happen before it applies a page.
type scene struct {
	counter
	before func(ctx context.Context, tx pgx.Tx) error
}

func (s scene) Apply(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	if err := s.before(ctx, tx); err != nil {
		return err
	}
	return s.counter.Apply(ctx, tx, page)
}

// recovered leaves a generation as the recovery of a crashed database does whose last commits had not come to the disk: empty, as it began.
const recovered = `update rm_counter_%[1]d.checkpoint set commit_pos = 0, prepare_pos = 0, event_id = '00000000-0000-0000-0000-000000000000';
	update rm_counter_%[1]d.total set n = 0`

// A database that crashes while a read model is filled may lose pages that were applied already. None of them is missing afterwards.
func TestTheDatabaseLosesWhatWasFilled(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	log := projtest.NewLog(0)
	at := some(log, 10)
	var pages atomic.Int32
	b := projtest.StartOn(t, pool, log, scene{before: func(ctx context.Context, tx pgx.Tx) error {
		switch pages.Add(1) {
		case 1:
			at = some(log, 5) // a second page
		case 2:
			_, err := tx.Exec(ctx, `select pg_terminate_backend(pg_backend_pid())`)
			if err == nil {
				t.Error("the connection lives")
			}
			if _, err := pool.Exec(ctx, fmt.Sprintf(recovered, 1)); err != nil {
				t.Error(err)
			}
			return err
		}
		return nil
	}})
	b.Await(t, at, "counter")
	if n := count(t, b); n != 15 {
		t.Errorf("%d events are counted, not 15", n)
	}
	if pages.Load() < 3 {
		t.Errorf("%d pages were applied: nothing was lost", pages.Load())
	}
}

// Neither does what lost pages become live, so nobody sees a read model go back.
func TestTheDatabaseLosesWhatIsAboutToBecomeLive(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	log := projtest.NewLog(0)
	at := some(log, 10)
	b := projtest.StartOn(t, pool, log, counter{})
	b.Await(t, at, "counter")
	err := b.Runner.Rebuild(t.Context(), "counter", func(p projections.Progress) {
		if !p.Done {
			return
		}
		if _, err := pool.Exec(t.Context(), fmt.Sprintf(recovered, 2)); err != nil {
			t.Error(err)
		}
	})
	if err == nil {
		t.Error("what was lost has become live")
	}
	if n := count(t, b); n != 10 {
		t.Errorf("%d events are counted, not 10", n)
	}
	if err := b.Runner.Rebuild(t.Context(), "counter", nil); err != nil {
		t.Error(err)
	}
	if n := count(t, b); n != 10 {
		t.Errorf("after another rebuild %d events are counted, not 10", n)
	}
}
