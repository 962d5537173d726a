package projections_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/projtest"
)

// A log that ends before a read model's checkpoint does not make the model look up to date, neither where it runs nor at another process, and
// neither to who asks for a position that the shorter log reaches. It stops once the log has had time to show the event, and says why. Nothing is
// applied meanwhile.
func TestALogThatEndsBeforeTheCheckpoint(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	log := projtest.NewLog(0)
	runs := projtest.StartOn(t, pool, log, counter{})
	at := some(log, 10)
	runs.Await(t, at, "counter")
	eventually(t, "it runs", func() bool { return health(t, runs, "counter").State == projections.Running })
	waits := projtest.StartOn(t, pool, log, counter{})
	waits.Await(t, at, "counter")

	log.Cut(4)
	began := time.Now()
	runs.Runner.Doubt()
	waits.Runner.Doubt()
	starts := projtest.StartOn(t, pool, log, counter{}) // does not wait for the answer
	at = some(log, 1)                                   // the shorter log grows, to a position that the rows seem to have reached
	for name, b := range map[string]*projtest.Bench{"the one that runs it": runs, "the one that waits": waits, "the one that starts": starts} {
		short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		if err := b.Models.WaitFor(short, at, "counter"); err == nil {
			t.Errorf("%s: the model counts as up to date", name)
		}
		cancel()
		if p, err := b.Models.Position(t.Context(), "counter"); err != nil || p != (eventschema.Position{}) {
			t.Errorf("%s: the model promises %v (%v)", name, p, err)
		}
		doubtful, h := b.Runner.Doubtful(), health(t, b, "counter")
		if time.Since(began) >= projections.Patience {
			continue // the machine stood still for as long as the log is given: it may have stopped
		}
		if len(doubtful) != 1 {
			t.Errorf("%s: in doubt are %v", name, doubtful)
		}
		if h.State != projections.Retrying || h.Why == "" {
			t.Errorf("%s: %+v", name, h)
		}
	}
	for _, b := range []*projtest.Bench{runs, waits, starts} {
		eventuallyWithin(t, projections.Patience+15*time.Second, "stopped", func() bool { return len(b.Runner.Unhealthy()) == 1 })
		if h := health(t, b, "counter"); h.State != projections.Stopped || h.Why != projections.ErrLogReplaced.Error() {
			t.Errorf("it says %+v", h)
		}
	}
	if spent := time.Since(began); spent < projections.Patience {
		t.Errorf("the log was given %v to show the event", spent)
	}
	if n := count(t, runs); n != 10 {
		t.Errorf("%d events are counted, not 10", n)
	}

	// A rebuild fills it from the log that is there, and all serve that.
	if err := waits.Runner.Rebuild(t.Context(), "counter", nil); err != nil {
		t.Fatal(err)
	}
	at = some(log, 1)
	for _, b := range []*projtest.Bench{runs, waits, starts} {
		b.Await(t, at, "counter")
		if n := count(t, b); n != 8 {
			t.Errorf("%d events are counted, not 8", n)
		}
	}
}

// A leader that stood still shows an old log for some seconds: whoever waits for that goes on, with nothing doubled.
func TestALogThatShowsItsEventsLate(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	b := projtest.Start(t, log, counter{})
	at := some(log, 10)
	b.Await(t, at, "counter")
	lost := log.Cut(4)
	b.Runner.Doubt()
	// Not for as long as a query waits: it stops after the log's patience, and the machine may be slow.
	short, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := b.Models.WaitFor(short, at, "counter"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a model whose checkpoint nobody finds: %v", err)
	}
	log.PutBack(lost)
	b.Await(t, at, "counter")
	b.Await(t, some(log, 5), "counter")
	if n := count(t, b); n != 15 {
		t.Errorf("counted %d events, not 15", n)
	}
	eventually(t, "it runs", func() bool { return health(t, b, "counter").State == projections.Running })
}

// Another event at the checkpoint is a fault at once.
func TestAnotherEventAtTheCheckpoint(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	b := projtest.Start(t, log, counter{})
	at := some(log, 10)
	b.Await(t, at, "counter")
	log.Cut(1)
	log.AppendRecorded("booking-7", eventschema.Recorded{Stored: eventschema.Stored{ID: uuid.New()}, Event: added{1}})
	began := time.Now()
	b.Runner.Doubt()
	eventually(t, "stopped", func() bool { return health(t, b, "counter").State == projections.Stopped })
	if spent := time.Since(began); spent >= projections.Patience {
		t.Errorf("it took %v", spent)
	}
}

// sleeper counts events, and stands still once in the middle of its transaction, after its first statement.
type sleeper struct{ asleep, wake chan struct{} }

func (sleeper) Name() string   { return "sleeper" }
func (sleeper) SQL() string    { return counter{}.SQL() }
func (sleeper) Sources() fs.FS { return fstest.MapFS{} }
func (p sleeper) Apply(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	var n int
	if err := tx.QueryRow(ctx, `select n from total`).Scan(&n); err != nil {
		return err
	}
	if p.asleep != nil && page.Last().Event.(added).N == 99 {
		select {
		case p.asleep <- struct{}{}:
			<-p.wake
		default:
		}
	}
	_, err := tx.Exec(ctx, `update total set n = $1`, n+len(page))
	return err
}

// A process that stands still in the middle of a page's transaction holds the read model's fence. The server ends its session, the next one gets on
// within 15 seconds, and what the first one does when it wakes counts for nothing. The server takes eight of them by itself, so a machine that
// stands still for the rest gets two other chances.
func TestAProcessStandsStillWithTheFence(t *testing.T) {
	t.Parallel()
	var spent time.Duration
	for range 3 {
		if spent = passesTheFence(t); spent <= 15*time.Second {
			return
		}
	}
	t.Errorf("the other one got on after %v", spent)
}

// passesTheFence tells how long the next one took.
func passesTheFence(t *testing.T) (spent time.Duration) {
	t.Helper()
	pool := postgres.TestDB(t)
	log := projtest.NewLog(0)
	still := sleeper{make(chan struct{}, 1), make(chan struct{})}
	wakeUp := sync.OnceFunc(func() { close(still.wake) })
	defer wakeUp()
	one := projtest.StartOn(t, pool, log, still)
	one.Await(t, some(log, 5), "sleeper")
	two := projtest.New(t, pool, log, sleeper{})
	projections.WithoutLease(two.Runner)
	eventually(t, "one runs", func() bool { return health(t, one, "sleeper").State == projections.Running })
	at := log.Append("booking-1", added{99})
	<-still.asleep
	began := time.Now()
	if err := two.Runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { two.Runner.Stop() })
	two.Await(t, at, "sleeper")
	spent = time.Since(began)
	wakeUp()
	at = some(log, 4)
	one.Await(t, at, "sleeper")
	two.Await(t, at, "sleeper")
	n, _, err := projections.One(t.Context(), two.Models, pgx.RowTo[int], `select n from {sleeper}.total`)
	if err != nil || n != 10 {
		t.Errorf("counted %d events, not 10 (%v)", n, err)
	}
	return spent
}

// A process that stands still while it builds read models loses its lock, so another one builds them; when it wakes it looks again and finds them
// built. The lock's session is ended here as the server ends it.
func TestALostLockOfABuild(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	log := projtest.NewLog(0)
	at := some(log, 10)
	building, wake := make(chan struct{}), make(chan struct{})
	wakeUp := sync.OnceFunc(func() { close(wake) })
	defer wakeUp()
	var once sync.Once
	one := projtest.New(t, pool, log, tally{before: func(eventschema.Page) error {
		once.Do(func() {
			close(building)
			<-wake
		})
		return nil
	}})
	started := make(chan error, 1)
	go func() { started <- one.Runner.Start(context.WithoutCancel(t.Context())) }()
	<-building
	if _, err := pool.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted
		and database = (select oid from pg_database where datname = current_database())`); err != nil {
		t.Fatal(err)
	}
	two := projtest.StartOn(t, pool, log, tally{})
	two.Await(t, at, "tally")
	want := two.Dump(t, "tally")
	wakeUp()
	if err := <-started; err != nil {
		t.Fatalf("the one that stood still does not start: %v", err)
	}
	defer one.Runner.Stop()
	one.Await(t, at, "tally")
	if got := one.Dump(t, "tally"); got != want {
		t.Errorf("rows are\n%s\nnot\n%s", got, want)
	}
}

// late lets something happen between the answer to how far the read models are and whoever asked, once.
type late struct{ meanwhile func() }

type lateKey struct{}

func (l *late) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, lateKey{}, strings.Contains(q.SQL, "as generation, commit_pos"))
}

func (l *late) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	if asked, _ := ctx.Value(lateKey{}).(bool); asked && l.meanwhile != nil {
		meanwhile := l.meanwhile
		l.meanwhile = nil
		meanwhile()
	}
}

// A checkpoint that was read just before another generation became live says nothing about that one: it may be of another log, which is shorter.
func TestACheckpointOfARetiredGeneration(t *testing.T) {
	t.Parallel()
	traced := &late{}
	config := postgres.TestDB(t).Config()
	config.ConnConfig.Tracer = traced
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	log := projtest.NewLog(0)
	some(log, 10)
	b := projtest.New(t, pool, log, counter{})
	if err := b.Runner.Ensure(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	traced.meanwhile = func() {
		log.Cut(4)
		if _, err := pool.Exec(t.Context(), `drop schema rm_counter_1 cascade`); err != nil {
			t.Error(err)
		}
		if err := b.Runner.Ensure(t.Context(), nil); err != nil {
			t.Error(err)
		}
	}
	at, err := b.Models.Position(t.Context(), "counter")
	if want := log.Events().Last().Position; err != nil || at != want {
		t.Errorf("the model promises %v, but has reached %v (%v)", at, want, err)
	}
	if n := projections.Live(b.Models, "counter"); n != 2 {
		t.Errorf("generation %d is live", n)
	}
}
