package reactions_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/projtest"
	"github.com/dragoman-booking/dragoman/reactions"
)

// set and rung are this test's events: an alarm is set for an hour, and it rang.
type (
	set  struct{ Name, Hour int }
	rung struct{ Name int }
)

// alarms is the read model of alarms that did not ring yet.
type alarms struct{}

func (alarms) Name() string   { return "alarms" }
func (alarms) Sources() fs.FS { return fstest.MapFS{} }
func (alarms) SQL() string    { return `create table alarms (name int primary key, due timestamptz)` }
func (alarms) Apply(ctx context.Context, tx pgx.Tx, page eventschema.Page) (err error) {
	for _, e := range page {
		switch e := e.Event.(type) {
		case set:
			_, err = tx.Exec(ctx, `insert into alarms values ($1, $2)`, e.Name, day.Add(time.Duration(e.Hour)*time.Hour))
		case rung:
			_, err = tx.Exec(ctx, `delete from alarms where name = $1`, e.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hands is a business clock that a test moves.
type hands struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hands) Now() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.now }
func (h *hands) at(hour int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = day.Add(time.Duration(hour) * time.Hour)
}

func ringer(b *projtest.Bench, log *projtest.Log, clock *hands, rang *[]int, mu *sync.Mutex) *reactions.Timers[int] {
	return &reactions.Timers[int]{
		Name: "alarms", Clock: clock, Models: b.Models, Model: "alarms", Newest: log.Newest, Leases: b.Leases, Every: 5 * time.Millisecond,
		Due: func(ctx context.Context, now time.Time, limit int) ([]int, error) {
			return projections.Collect(ctx, b.Models, pgx.RowTo[int], `select name from {alarms}.alarms where due <= $1 order by due, name limit $2`, now, limit)
		},
		Fire: func(_ context.Context, name int) error {
			mu.Lock()
			defer mu.Unlock()
			*rang = append(*rang, name)
			switch name {
			case 13:
				return domain.Unprocessable("wrong-status", "It is broken.")
			case 14:
				return errors.New("the log is away")
			case 3:
				log.Append("booking-1", set{30, 3}) // is due at once
			}
			log.Append("booking-1", rung{name})
			return nil
		},
	}
}

func TestTimersFireWhatIsDue(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	b := projtest.Start(t, log, alarms{})
	clock, rang, mu := &hands{}, []int{}, sync.Mutex{}
	timers := ringer(b, log, clock, &rang, &mu)
	for n := range 5 {
		log.Append("booking-1", set{n, n})
	}
	for _, c := range []struct {
		hour int
		want []int
	}{{-1, nil}, {2, []int{0, 1, 2}}, {2, nil}, {1, nil}, {3, []int{3, 30}}} {
		rang = nil
		clock.at(c.hour)
		fired, err := fireDue(t.Context(), timers)
		if err != nil || fired != len(c.want) || !slices.Equal(rang, c.want) {
			t.Errorf("at %d o'clock %v rang, %d fired, not %v (%v)", c.hour, rang, fired, c.want, err)
		}
	}

	// Neither a refusal nor a failure keeps the others waiting.
	rang = nil
	log.Append("booking-1", set{13, 3}, set{14, 3})
	clock.at(4)
	if fired, err := fireDue(t.Context(), timers); err == nil || fired != 1 || !slices.Equal(rang, []int{13, 14, 4}) {
		t.Errorf("%v rang, %d fired (%v)", rang, fired, err)
	}
}

func TestTimersFireByThemselves(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	b := projtest.Start(t, log, alarms{})
	clock, rang, mu := &hands{}, []int{}, sync.Mutex{}
	timers := ringer(b, log, clock, &rang, &mu)
	timers.Start()
	defer timers.Stop()
	log.Append("booking-1", set{13, 1}) // is refused, and then left alone
	var want []int
	for n := range 150 {
		log.Append("booking-1", set{100 + n, 2})
		want = append(want, 100+n)
	}
	clock.at(2)
	for deadline := time.Now().Add(soon); ; time.Sleep(5 * time.Millisecond) {
		mu.Lock()
		got := slices.Clone(rang)
		mu.Unlock()
		if len(got) >= 151 {
			if fmt.Sprint(got[1:]) != fmt.Sprint(want) || got[0] != 13 {
				t.Errorf("%v rang", got)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("only %d rang in %v", len(got), soon)
		}
	}
}
