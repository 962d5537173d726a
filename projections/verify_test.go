package projections_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/projtest"
)

func TestVerifyNamesWhatDiffersByKey(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(7)
	some(log, 100)
	b := projtest.Start(t, log, tally{}, counter{})
	at := some(log, 50)
	b.Await(t, at, "tally")

	v, err := b.Runner.Verify(t.Context(), "tally")
	if err != nil || len(v.Differences) != 0 || v.Events != 150 || v.Rows != 3 || v.Position != at || v.Generation != 1 {
		t.Fatalf("a good read model: %+v %v", v, err)
	}
	for _, damage := range []string{
		`update rm_tally_1.sums set list = 'SECRET' where stream = 'booking-1'`,
		`delete from rm_tally_1.sums where stream = 'booking-2'`,
		`insert into rm_tally_1.sums values ('booking-7', 1, '')`,
	} {
		if _, err := b.Pool.Exec(t.Context(), damage); err != nil {
			t.Fatal(err)
		}
	}
	want := []projections.Difference{{"sums", `["booking-1"]`, "changed"}, {"sums", `["booking-2"]`, "missing"}, {"sums", `["booking-7"]`, "extra"}}
	if v, err = b.Runner.Verify(t.Context(), "tally"); err != nil || !slices.Equal(v.Differences, want) {
		t.Errorf("differences %+v (%v)", v.Differences, err)
	}
	if strings.Contains(projtest.JSON(v), "SECRET") {
		t.Error("a value is told")
	}
	if err := b.Runner.Rebuild(t.Context(), "tally", nil); err != nil {
		t.Fatal(err)
	}
	if v, err = b.Runner.Verify(t.Context(), "tally"); err != nil || len(v.Differences) != 0 {
		t.Errorf("after a rebuild: %+v %v", v.Differences, err)
	}
	var left int
	if err := b.Pool.QueryRow(t.Context(), `select count(*) from pg_namespace where nspname ~ '^rm_tally_[0-9]+$'`).Scan(&left); err != nil || left != 1 {
		t.Errorf("%d generations are left (%v)", left, err)
	}
}

// The snapshot is of one instant, so events that come during a verification make no difference.
func TestVerifyWhileEventsCome(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(7)
	some(log, 30)
	b := projtest.Start(t, log, tally{}, counter{})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ctx.Err() == nil && n < 2000; n++ { // a slow machine must not drown in them
			b.Models.WaitFor(ctx, some(log, 2), "tally", "counter")
		}
	}()
	for range 5 {
		for _, model := range []string{"tally", "counter"} {
			if v, err := b.Runner.Verify(t.Context(), model); err != nil || len(v.Differences) != 0 || v.Rows == 0 {
				t.Errorf("%s: %+v %v", model, v, err)
			}
		}
	}
	stop()
	<-done
}
