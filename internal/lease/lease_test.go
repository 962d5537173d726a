package lease_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/dragoman-booking/dragoman/internal/lease"
	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// patient is a term that a holder can keep on a machine that stands still for seconds.
const patient = 6 * time.Second

func TestOneHolderAtATime(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	var mu sync.Mutex
	working, most, turns := 0, 0, map[int]int{}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var all sync.WaitGroup
	for i := range 3 {
		h := lease.New(pool, patient)
		h.Start()
		defer h.Stop(context.Background())
		all.Go(func() {
			for range 2 {
				held, release, err := h.Acquire(ctx, "work")
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				working++
				most = max(most, working)
				turns[i]++
				mu.Unlock()
				if held.Err() != nil {
					t.Error("lost at once")
				}
				mu.Lock()
				working--
				mu.Unlock()
				release()
			}
		})
	}
	all.Wait()
	if most != 1 || len(turns) != 3 {
		t.Errorf("%d at once, turns %v", most, turns)
	}
}

// A lease is renewed while it is held, moves over when its holder dies, and the dead one notices should it come back.
func TestALeaseMovesOver(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	const term = patient
	first, second := lease.New(pool, term), lease.New(pool, term)
	first.Start()
	second.Start()
	defer second.Stop(context.Background())
	held, _, err := first.Acquire(t.Context(), "work")
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 2*term) // longer than the lease holds by itself
	defer cancel()
	if _, _, err := second.Acquire(short, "work"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a lease that is renewed was lost: %v", err)
	}
	if held.Err() != nil {
		t.Fatal("the holder believes that it lost the lease")
	}
	lease.Abandon(first)
	if _, _, err := second.Acquire(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	first.Start() // as after a long pause of the process
	defer first.Stop(context.Background())
	again, cancel := context.WithTimeout(t.Context(), term/2)
	defer cancel()
	if _, _, err := first.Acquire(again, "work"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("both hold it: %v", err)
	}
}

func TestALeaseThatWasTakenIsLost(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	h := lease.New(pool, time.Second)
	h.Start()
	defer h.Stop(context.Background())
	held, release, err := h.Acquire(t.Context(), "work")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if _, err := pool.Exec(t.Context(), `update kept.leases set holder = 'another', expires_at = now() + interval '1 minute'`); err != nil {
		t.Fatal(err)
	}
	select {
	case <-held.Done():
	case <-time.After(20 * time.Second):
		t.Error("the holder does not notice")
	}
}

func TestStopGivesLeasesBack(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	for range 30 { // a round may be under way
		h := lease.New(pool, time.Minute)
		h.Start()
		held, _, err := h.Acquire(t.Context(), "work")
		if err != nil {
			t.Fatal(err)
		}
		h.Stop(t.Context())
		if held.Err() == nil {
			t.Error("work goes on after Stop")
		}
		var left int
		if err := pool.QueryRow(t.Context(), `select count(*) from kept.leases`).Scan(&left); err != nil || left != 0 {
			t.Fatalf("%d leases are left (%v)", left, err)
		}
	}
}

// A holder that hears nothing of the database gives up by its own clock, before the database gives the lease to another.
func TestACutOffHolderGivesUpFirst(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	const term = patient
	h := lease.New(pool, term)
	h.Start()
	defer h.Stop(context.Background())
	held, release, err := h.Acquire(t.Context(), "work")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	gaveUp := make(chan time.Time, 1)
	context.AfterFunc(held, func() { gaveUp <- time.Now() })
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	var left time.Duration
	if _, err := tx.Exec(t.Context(), `lock table kept.leases in access exclusive mode`); err != nil { // no answer to any renewal
		t.Fatal(err)
	}
	if err := tx.QueryRow(t.Context(), `select expires_at - clock_timestamp() from kept.leases`).Scan(&left); err != nil {
		t.Fatal(err)
	}
	ends := time.Now().Add(left)
	select {
	case at := <-gaveUp:
		if late := at.Sub(ends); late > term/2 { // all of which is this machine's being busy
			t.Errorf("the holder gave up %v after the lease had ended", late)
		}
	case <-time.After(time.Minute):
		t.Fatal("the holder goes on without an answer")
	}
}

// TestRowsAreLockedInOneOrder, by whoever asks and whoever gives back: two processes would else wait for each other.
func TestRowsAreLockedInOneOrder(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	h := lease.New(pool, time.Minute)
	h.Start()
	for _, name := range []string{"a", "b"} {
		if _, _, err := h.Acquire(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	for _, statement := range []string{
		`update kept.leases set expires_at = expires_at where name = 'a'`, // now it lies behind the other
		`analyze kept.leases`, // a table that is known to be small is read as it lies
	} {
		if _, err := pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	asking, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer asking.Rollback(context.Background())
	if _, err := asking.Exec(t.Context(), `select from kept.leases where name = 'a' for update`); err != nil {
		t.Fatal(err)
	}
	var stopping sync.WaitGroup
	stopping.Go(func() { h.Stop(context.Background()) })
	for waits := false; !waits; {
		if err := pool.QueryRow(t.Context(), `
			select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')`).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := asking.Exec(t.Context(), `select from kept.leases where name = 'b' for update nowait`); err != nil {
		t.Errorf("who gives back waits for the first and has locked the second: %v", err)
	}
	if err := asking.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	stopping.Wait()
	var left int
	if err := pool.QueryRow(t.Context(), `select count(*) from kept.leases`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d leases are left (%v)", left, err)
	}
}

// A pool whose connections are all busy costs nobody the lease.
func TestLeasesNeedNoConnectionOfThePool(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	const term = patient
	h := lease.New(pool, term)
	h.Start()
	defer h.Stop(context.Background())
	held, release, err := h.Acquire(t.Context(), "work")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for range pool.Config().MaxConns {
		busy, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer busy.Release()
	}
	select {
	case <-held.Done():
		t.Error("the lease was lost")
	case <-time.After(2 * term): // longer than it holds by itself
	}
}
