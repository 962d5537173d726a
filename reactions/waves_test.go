package reactions_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/clock"
	"github.com/dragoman-booking/dragoman/projections/projtest"
	"github.com/dragoman-booking/dragoman/projections/timers"
	"github.com/dragoman-booking/dragoman/reactions"
)

// waves are the timers of waves as a process of its own runs them, which remembers nothing of any booking.
func (w *house) waves(t *testing.T) *reactions.Timers[timers.Wave] {
	t.Helper()
	h, err := w.handler()
	if err != nil {
		t.Fatal(err)
	}
	return &reactions.Timers[timers.Wave]{Name: "waves", Due: timers.Queries{Models: w.models}.WavesDue, Clock: &clock.Clock{}, Models: w.models,
		Model: timers.Name, Newest: w.log.Newest, Leases: w.leases, Fire: func(ctx context.Context, row timers.Wave) error { return send(ctx, h, row) }}
}

// fireDue is FireDue on a machine that may be busy.
func fireDue(ctx context.Context, process interface {
	FireDue(context.Context) (int, error)
}) (fired int, err error) {
	err = projtest.Patiently(func() error {
		n, err := process.FireDue(ctx)
		fired += n
		return err
	})
	return fired, err
}

func send(ctx context.Context, h *commands.Handler, row timers.Wave) error {
	return h.SendWave(ctx, reactions.CommandID("waves", row.ID, row.Job.String()), row.Booking, row.Job, row.Number)
}

// Two processes that look at the same moment, one that sends what it read long before, and one that is started anew send one wave between them.
func TestN03NoWaveGoesOutTwiceInTheRealHouse(t *testing.T) {
	t.Parallel()
	ctx, w := t.Context(), newHouse(t)
	for _, lin := range []string{"LIN/5455/5J71Y", "LIN/5466/5J71X", "LIN/5477/5J71Z"} {
		w.interpreter(t, lin)
	}
	id, _, _ := w.book(t, "2036-12-01T10:00")
	first, second := w.waves(t), w.waves(t)
	if fired, err := fireDue(ctx, first); fired != 0 || err != nil {
		t.Fatalf("switched off, %d waves are due (%v)", fired, err)
	}
	if _, err := w.h.SetWaves(ctx, by(w.admin, "set-waves"), people.SetWaves{Rows: []people.Wave{{Size: 2, WaitMinutes: 60}}}); err != nil {
		t.Fatal(err)
	}
	on := true
	done, err := w.h.ChangeSettings(ctx, by(w.admin, "change-settings"), people.ChangeAgency{AutoOffer: &on})
	if err != nil {
		t.Fatal(err)
	}
	if err := projtest.Patiently(func() error { return w.models.WaitFor(ctx, done.Position, timers.Name) }); err != nil {
		t.Fatal(err)
	}
	rows, err := first.Due(ctx, first.Clock.Now(), 10)
	if err != nil || len(rows) != 1 || rows[0].Booking != id || rows[0].Number != 1 {
		t.Fatalf("due are %+v (%v)", rows, err)
	}
	g, _ := errgroup.WithContext(ctx)
	for _, process := range []*reactions.Timers[timers.Wave]{first, second} {
		g.Go(func() error {
			_, err := fireDue(ctx, process)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := send(ctx, w.h, rows[0]); err != nil {
		t.Errorf("sent again: %v", err)
	}
	if fired, err := fireDue(ctx, w.waves(t)); fired != 0 || err != nil {
		t.Errorf("started anew, a process sends %d waves (%v)", fired, err)
	}
	s, counts := w.state(t, id), map[string]int{}
	if err := w.log.ReadStream(ctx, eventschema.BookingStream(id), 0, func(e eventschema.Stored) error { counts[e.Type]++; return nil }); err != nil {
		t.Fatal(err)
	}
	if j := s.Jobs[0]; counts["booking.wave-sent.v1"] != 1 || counts["booking.offer-sent.v1"] != 1 || len(j.Offers) != 2 || j.Wave.Number != 1 || j.Offers[0].State != booking.Open || j.Offers[0].Interpreter == uuid.Nil {
		t.Errorf("the booking holds %v, and the offers %+v", counts, j.Offers)
	}
}
