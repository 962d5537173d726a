package clock

import (
	"runtime"
	"testing"
	"time"

	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// TestTwoProcessesShareTheTestClock: what one sets the other shows, it stands still, may go back, and survives a new start.
func TestTwoProcessesShareTheTestClock(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	one, err := StartDev(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(one.Stop)
	two, err := StartDev(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(two.Stop)
	for _, at := range []time.Time{time.Date(2020, 3, 24, 15, 46, 0, 0, time.UTC), time.Date(2017, 10, 10, 10, 44, 0, 0, time.UTC)} {
		if err := one.Set(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if got := one.Now(); !got.Equal(at) {
			t.Errorf("the setter shows %v, want %v", got, at)
		}
		await(t, func() bool { return two.Now().Equal(at) })
		three, err := StartDev(t.Context(), pool)
		if err != nil {
			t.Fatal(err)
		}
		if got := three.Now(); !got.Equal(at) {
			t.Errorf("a later start shows %v, want %v", got, at)
		}
		three.Stop()
	}
	if err := two.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { return time.Since(one.Now()).Abs() < time.Minute })
}

// TestWhatWasSetIsShown: once set, the setter shows the new time and no older one again, though each setting makes it read the clock anew.
func TestWhatWasSetIsShown(t *testing.T) {
	t.Parallel()
	c, err := StartDev(t.Context(), postgres.TestDB(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	start := time.Date(2020, 3, 24, 15, 46, 0, 0, time.UTC)
	for i := range 300 {
		at := start.Add(time.Duration(i) * time.Minute)
		if err := c.Set(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		for range 2000 {
			if got := c.Now(); !got.Equal(at) {
				t.Fatalf("set to %v it shows %v", at, got)
			}
			runtime.Gosched()
		}
	}
}

func TestTheZeroClockIsTheMachines(t *testing.T) {
	t.Parallel()
	var c Clock
	if d := time.Since(c.Now()).Abs(); d > time.Minute {
		t.Errorf("the zero clock is %v away", d)
	}
}

// await returns once the condition holds; a notification is on its way, or whoever waits for it still connects.
func await(t *testing.T, holds func() bool) {
	t.Helper()
	limit := time.After(2 * time.Minute)
	for tick := time.NewTicker(time.Millisecond); !holds(); {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("did not come to hold within two minutes")
		}
	}
}
