package projections_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/projtest"
)

// added is this test's event: it adds N to its stream's sum.
type added struct{ N int }

// tally keeps a sum and a list per stream. Its rows depend on the order of events, and on each being applied exactly once.
type tally struct {
	name    string
	version string
	before  func(eventschema.Page) error // runs first, if set
}

func (p tally) Name() string { return or(p.name, "tally") }
func (p tally) SQL() string {
	return `create table sums (stream text primary key, total int not null check (total < 1000000), list text not null)`
}
func (p tally) Sources() fs.FS { return fstest.MapFS{"projector.go": {Data: []byte(p.version)}} }

func (p tally) Apply(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	if p.before != nil {
		if err := p.before(page); err != nil {
			return err
		}
	}
	var streams, lists []string
	var totals []int
	at := map[string]int{}
	for _, e := range page {
		i, known := at[e.Stream]
		if !known {
			i = len(streams)
			at[e.Stream] = i
			streams, totals, lists = append(streams, e.Stream), append(totals, 0), append(lists, "")
		}
		n := e.Event.(added).N
		totals[i] += n
		lists[i] += fmt.Sprintf(" %d", n)
	}
	_, err := tx.Exec(ctx, `
		insert into sums as s (stream, total, list) select * from unnest($1::text[], $2::int[], $3::text[])
		on conflict (stream) do update set total = s.total + excluded.total, list = s.list || excluded.list`, streams, totals, lists)
	return err
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// some appends n events over three streams.
func some(log *projtest.Log, n int) (last eventschema.Position) {
	for i := range n {
		last = log.Append(fmt.Sprintf("booking-%d", i%3), added{i})
	}
	return last
}

func health(t *testing.T, b *projtest.Bench, model string) projections.Health {
	t.Helper()
	all, err := b.Runner.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Name == model {
			return s.Health
		}
	}
	t.Fatalf("no status of %s", model)
	return projections.Health{}
}

// soon is when a test gives up on what happens at once: generous, since a machine that other work stands on may halt for many seconds.
const soon = 2 * time.Minute

// eventually waits for a condition that no signal tells.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	eventuallyWithin(t, soon, what, is)
}

// eventuallyWithin is eventually with a limit of its own, where that is part of what is promised.
func eventuallyWithin(t *testing.T, limit time.Duration, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestSameRowsHoweverTheLogIsCut(t *testing.T) {
	t.Parallel()
	var first string
	for _, size := range []int{1, 2, 7, 1000} {
		log := projtest.NewLog(size)
		some(log, 20) // built
		b := projtest.Start(t, log, tally{})
		b.Await(t, some(log, 20), "tally") // and live
		if d := b.Dump(t, "tally"); first == "" {
			first = d
		} else if d != first {
			t.Errorf("pages of %d give other rows:\n%s\nthan\n%s", size, d, first)
		}
	}
	if !strings.Contains(first, `"list": " 0 3 6 9 12 15 18 0 3 6 9 12 15 18"`) {
		t.Errorf("rows are not the log's: %s", first)
	}
}

// Two runners that both believe to be the only one: the fence on the checkpoint lets each event count once.
func TestTwoRunnersWithoutTheLease(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	log := projtest.NewLog(2)
	some(log, 1)
	// The lease is told apart by a name of its own, so neither runner waits for the other.
	one := projtest.StartOn(t, pool, log, tally{})
	two := projtest.New(t, pool, log, tally{})
	projections.WithoutLease(two.Runner)
	if err := two.Runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { two.Runner.Stop() })
	at := some(log, 300)
	one.Await(t, at, "tally")
	two.Await(t, at, "tally")

	alone := projtest.NewLog(0)
	some(alone, 1)
	want := projtest.Start(t, alone, tally{})
	want.Await(t, some(alone, 300), "tally")
	if got, want := one.Dump(t, "tally"), want.Dump(t, "tally"); got != want {
		t.Errorf("two runners left\n%s\none leaves\n%s", got, want)
	}
}

// An event that cannot be applied stops its read model at exactly that event; everything before it counts, and other models run on.
func TestAnEventAtFaultStandsAlone(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]eventschema.Recorded{
		"constraint":   {Event: added{2_000_000}, Stored: eventschema.Stored{Type: "booking.bad.v1"}},         // SQLSTATE 23514
		"out of range": {Event: added{3_000_000_000}, Stored: eventschema.Stored{Type: "booking.bad.v1"}},     // does not fit an int
		"panic":        {Event: "not of this projector", Stored: eventschema.Stored{Type: "booking.bad.v1"}},  // the type assertion panics
		"undecodable":  {Err: errors.New("secret value"), Stored: eventschema.Stored{Type: "booking.bad.v1"}}, // the codec's
		"no key":       {Err: eventschema.ErrKeyMissing, Stored: eventschema.Stored{Type: "booking.bad.v1"}},  // the codec's
	} {
		for _, when := range []string{"live", "built"} {
			t.Run(name+" "+when, func(t *testing.T) {
				t.Parallel()
				log := projtest.NewLog(0)
				fill := func() (before eventschema.Position) {
					before = some(log, 13)
					log.AppendRecorded("booking-9", bad)
					some(log, 6)
					return before
				}
				if when == "built" {
					fill()
				}
				b := projtest.Start(t, log, tally{}, counter{})
				var before eventschema.Position
				if when == "live" {
					before = fill()
				}
				eventually(t, "stopped", func() bool { return health(t, b, "tally").State == projections.Stopped })
				f := health(t, b, "tally").Fault
				if f == nil || f.Stream != "booking-9" || f.Revision != 0 || f.Type != "booking.bad.v1" || f.Position.Commit != 1400 || strings.Contains(f.Error(), "secret") {
					t.Fatalf("fault is %v", f)
				}
				if name == "undecodable" || name == "no key" {
					return // no model can go past it
				}
				b.Await(t, log.Events().Last().Position, "counter")
				if when == "live" {
					if at, err := b.Models.Position(t.Context(), "tally"); err != nil || at != before {
						t.Errorf("stopped at %v, not right before the event, %v (%v)", at, before, err)
					}
				}
			})
		}
	}
}

// counter counts events whatever they are.
type counter struct{ fail *atomic.Int32 }

func (counter) Name() string { return "counter" }
func (counter) SQL() string {
	return `create table total (one boolean primary key default true, n int not null default 0); insert into total default values`
}
func (counter) Sources() fs.FS { return fstest.MapFS{} }
func (c counter) Apply(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	if _, err := tx.Exec(ctx, `update total set n = n + $1`, len(page)); err != nil {
		return err
	}
	if c.fail != nil && c.fail.Add(-1) >= 0 {
		return errors.New("the disk is full")
	}
	return nil
}

func count(t *testing.T, b *projtest.Bench) int {
	t.Helper()
	n, _, err := projections.One(t.Context(), b.Models, pgx.RowTo[int], `select n from {counter}.total`)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOtherErrorsAreTriedAgain(t *testing.T) {
	t.Parallel()
	var fail atomic.Int32
	log := projtest.NewLog(0)
	b := projtest.Start(t, log, counter{&fail})
	fail.Store(3)
	b.Await(t, some(log, 5), "counter")
	if n := count(t, b); n != 5 {
		t.Errorf("counted %d events, not 5", n)
	}
	eventually(t, "running", func() bool { return health(t, b, "counter").State == projections.Running })
	if fail.Load() >= 0 {
		t.Error("the projector was not made to fail")
	}
}

func TestRebuildBesideTheLiveOne(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(10)
	some(log, 100)
	b := projtest.Start(t, log, counter{}, tally{})
	ctx, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() { // events keep coming, but never more than the live ones can follow
		for sent := []eventschema.Position{}; ctx.Err() == nil; time.Sleep(time.Millisecond) {
			if sent = append(sent, some(log, 3)); len(sent) > 100 {
				b.Models.WaitFor(ctx, sent[len(sent)-100], "counter", "tally")
			}
		}
	})
	work.Go(func() { // readers never see a gap, nor a total that goes back
		last := 0
		for ctx.Err() == nil {
			n, _, err := projections.One(t.Context(), b.Models, pgx.RowTo[int], `select n from {counter}.total`)
			if err == nil {
				err = b.Models.Read(t.Context(), func(tx pgx.Tx) error {
					var again int
					if err := tx.QueryRow(t.Context(), `select n from total, sums limit 1`).Scan(&again); err != nil {
						return err
					}
					if again < n {
						return fmt.Errorf("%d after %d", again, n)
					}
					return nil
				}, "counter", "tally")
			}
			if err != nil || n < last {
				t.Errorf("a reader during the rebuild got %d after %d: %v", n, last, err)
				return
			}
			last = n
		}
	})
	for range 3 {
		var done projections.Progress
		if err := b.Runner.Rebuild(t.Context(), "counter", func(p projections.Progress) { done = p }); err != nil {
			t.Error(err)
		}
		if !done.Done || done.Events < 100 || done.At.Commit < done.End.Commit {
			t.Errorf("last progress: %+v", done)
		}
	}
	stop()
	work.Wait()
	at := log.Events().Last().Position
	b.Await(t, at, "counter", "tally")
	if n := count(t, b); n != len(log.Events()) {
		t.Errorf("counted %d of %d events", n, len(log.Events()))
	}
	all, err := b.Runner.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if want := map[string]int{"counter": 4, "tally": 1}[s.Name]; s.Generation != want || s.Position != at || s.Lag.Events != 0 {
			t.Errorf("status %+v", s)
		}
	}
	if err := projections.Sweep(t.Context(), b.Runner, "counter"); err != nil {
		t.Fatal(err)
	}
	var schemas []string
	rows, _ := b.Pool.Query(t.Context(), `select nspname::text from pg_namespace where nspname like 'rm\_counter%'`)
	if schemas, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil || len(schemas) != 1 || schemas[0] != "rm_counter_4" {
		t.Errorf("schemas left: %v %v", schemas, err)
	}
}

// A rebuild that an event stops leaves the live generation alone.
// TestWhoRebuiltSeesTheNewGeneration, also while others read the pointers: an answer that comes late does not take it back.
func TestWhoRebuiltSeesTheNewGeneration(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(10)
	some(log, 1)
	b := projtest.Start(t, log, counter{})
	ctx, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	defer work.Wait()
	defer stop()
	for range 8 {
		work.Go(func() {
			for ctx.Err() == nil {
				if err := projections.Refresh(ctx, b.Models); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 10 {
		if err := b.Runner.Rebuild(t.Context(), "counter", nil); err != nil {
			t.Fatal(err)
		}
		for range 50 {
			if n := projections.Live(b.Models, "counter"); n != i+2 {
				t.Fatalf("generation %d is live here, after the rebuild of %d", n, i+2)
			}
			runtime.Gosched()
		}
	}
}

func TestFailedRebuildChangesNothing(t *testing.T) {
	t.Parallel()
	var bad atomic.Bool
	log := projtest.NewLog(0)
	at := some(log, 10)
	b := projtest.Start(t, log, tally{before: func(eventschema.Page) error {
		if bad.Load() {
			return fmt.Errorf("no: %w", projections.ErrEvent)
		}
		return nil
	}})
	b.Await(t, at, "tally")
	before := b.Dump(t, "tally")
	bad.Store(true)
	var fault *projections.Fault
	if err := b.Runner.Rebuild(t.Context(), "tally", nil); !errors.As(err, &fault) || fault.Position.Commit != 100 {
		t.Errorf("rebuild: %v", err)
	}
	if after := b.Dump(t, "tally"); after != before {
		t.Errorf("the live rows changed to %s", after)
	}
}

func TestAPointerToAMissingSchemaIsAMissingGeneration(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	at := some(log, 10)
	b := projtest.Start(t, log, counter{})
	b.Await(t, at, "counter")
	if _, err := b.Pool.Exec(t.Context(), `drop schema rm_counter_1 cascade`); err != nil {
		t.Fatal(err)
	}
	if err := b.Models.Read(t.Context(), func(pgx.Tx) error { return nil }, "counter"); err != nil && !errors.Is(err, projections.ErrNotReady) {
		t.Fatal(err)
	}
	at = some(log, 1) // the runner notices with the next page
	eventually(t, "built again", func() bool { return b.Models.WaitFor(t.Context(), at, "counter") == nil })
	if n := count(t, b); n != 11 {
		t.Errorf("counted %d events, not 11", n)
	}
}

// A program serves only what its own projector filled; the older one then says so and stops.
func TestAnotherVersionBuildsItsOwn(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	log := projtest.NewLog(0)
	at := some(log, 10)
	old := projtest.StartOn(t, pool, log, tally{version: "1"})
	old.Await(t, at, "tally")
	young := projtest.StartOn(t, pool, log, tally{version: "2"})
	young.Await(t, at, "tally")
	at = some(log, 1)
	eventually(t, "the old version stops", func() bool { return health(t, old, "tally").State == projections.Stopped })
	young.Await(t, at, "tally")
	if err := old.Models.Read(t.Context(), func(pgx.Tx) error { return nil }, "tally"); !errors.Is(err, projections.ErrNotReady) {
		t.Errorf("the old version reads rows of the new one: %v", err)
	}
}

func TestAReplacedLogIsNoticed(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	log := projtest.NewLog(0)
	at := some(log, 10)
	first := projtest.New(t, pool, log, counter{})
	if err := first.Runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	first.Await(t, at, "counter")
	first.Runner.Stop()
	first.Leases.Stop(t.Context())

	other := projtest.NewLog(0) // as long, but with other events
	for i := range 12 {
		other.AppendRecorded("booking-1", eventschema.Recorded{Stored: eventschema.Stored{ID: uuid.New()}, Event: added{i}})
	}
	second := projtest.StartOn(t, pool, other, counter{})
	eventually(t, "stopped", func() bool { return health(t, second, "counter").State == projections.Stopped })
	if n := count(t, second); n != 10 {
		t.Errorf("events of another log were applied: %d", n)
	}
	if err := second.Runner.Rebuild(t.Context(), "counter", nil); err != nil {
		t.Fatal(err)
	}
	second.Await(t, other.Append("booking-1", added{1}), "counter")
	if n := count(t, second); n != 13 {
		t.Errorf("counted %d events of the new log, not 13", n)
	}
}

func TestAnotherProcessTakesOver(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	log := projtest.NewLog(0)
	one := projtest.New(t, pool, log, counter{})
	if err := one.Runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	one.Await(t, some(log, 3), "counter")
	eventually(t, "one runs", func() bool { return health(t, one, "counter").State == projections.Running })
	two := projtest.StartOn(t, pool, log, counter{})
	at := some(log, 3)
	two.Await(t, at, "counter") // read-your-writes on a process that does not run the model
	// A lease moves when its holder stands still for longer than its term, so it may be the other one, and for a moment both or none.
	eventually(t, "one of them alone runs it", func() bool {
		return (health(t, one, "counter").State == projections.Running) != (health(t, two, "counter").State == projections.Running)
	})
	projections.Crash(one.Runner) // without giving the lease back
	at = some(log, 3)
	eventually(t, "two runs", func() bool { return health(t, two, "counter").State == projections.Running })
	two.Await(t, at, "counter")
	if n := count(t, two); n != 9 {
		t.Errorf("counted %d events, not 9", n)
	}
}

func TestWaitForAModelThatIsBehind(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	at := some(log, 1)
	b := projtest.Start(t, log, counter{})
	b.Await(t, at, "counter")
	started := time.Now()
	err := b.Models.WaitFor(t.Context(), eventschema.Position{Commit: at.Commit + 1}, "counter")
	if !errors.Is(err, eventschema.ErrBehind) || time.Since(started) < projections.WaitLimit {
		t.Errorf("%v after %v", err, time.Since(started))
	}
	if _, err := b.Models.Position(t.Context(), "nothing"); !errors.Is(err, projections.ErrUnknownModel) {
		t.Errorf("an unknown model: %v", err)
	}
}

// Connections are cut again and again, so that answers to commits are lost; each event still counts once.
func TestCutConnections(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(2)
	some(log, 1)
	b := projtest.Start(t, log, tally{}, counter{})
	at := some(log, 400)
	url := b.Pool.Config().ConnConfig.Copy()
	killer, err := pgx.ConnectConfig(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer killer.Close(context.Background())
	for cuts := 0; cuts < 10; {
		n, err := killer.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
			where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`)
		if err != nil {
			t.Fatal(err)
		}
		if n.RowsAffected() > 0 {
			cuts++
		}
		if b.Models.WaitFor(t.Context(), at, "tally", "counter") == nil {
			at = some(log, 50)
		}
	}
	eventually(t, "all is applied", func() bool { return b.Models.WaitFor(t.Context(), at, "tally", "counter") == nil })
	var n int
	eventually(t, "counted", func() bool {
		var err error
		n, _, err = projections.One(t.Context(), b.Models, pgx.RowTo[int], `select n from {counter}.total`)
		return err == nil
	})
	if n != len(log.Events()) {
		t.Errorf("counted %d of %d events", n, len(log.Events()))
	}
	if v, err := b.Runner.Verify(t.Context(), "tally"); err != nil || len(v.Differences) > 0 {
		t.Errorf("the rows are not the log's: %+v (%v)", v, err)
	}
}

// Processes that start together build each read model once.
func TestStartingTogether(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	log := projtest.NewLog(10)
	some(log, 200)
	var all sync.WaitGroup
	for range 3 {
		b := projtest.New(t, pool, log, tally{}, counter{})
		all.Go(func() {
			if err := b.Runner.Start(t.Context()); err != nil {
				t.Error(err)
			}
		})
		t.Cleanup(func() { b.Runner.Stop() })
	}
	all.Wait()
	rows, _ := pool.Query(t.Context(), `select nspname::text from pg_namespace where nspname like 'rm\_%' order by 1`)
	schemas, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || strings.Join(schemas, " ") != "rm_counter_1 rm_tally_1" {
		t.Errorf("built: %v %v", schemas, err)
	}
}

// A sweep takes the lock of a read model for a moment: who rebuilds or verifies it then waits, and is not told that another one rebuilds it.
func TestARebuildWaitsForASweep(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	at := some(log, 5)
	b := projtest.Start(t, log, counter{})
	b.Await(t, at, "counter")
	for what, run := range map[string]func() error{
		"rebuild": func() error { return b.Runner.Rebuild(t.Context(), "counter", nil) },
		"verify":  func() error { _, err := b.Runner.Verify(t.Context(), "counter"); return err },
	} {
		release, err := projections.Lock(t.Context(), b.Runner, "counter")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- run() }()
		eventually(t, what+" waits", func() bool {
			var waiting bool
			err := b.Pool.QueryRow(t.Context(), `select exists (select from pg_locks where locktype = 'advisory' and not granted
				and database = (select oid from pg_database where datname = current_database()))`).Scan(&waiting)
			return err == nil && waiting || len(done) > 0
		})
		release()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// What a crash left half-built is swept away; the live generation is not.
func TestSweepDropsWhatNobodyBuilds(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	at := some(log, 5)
	b := projtest.Start(t, log, counter{})
	b.Await(t, at, "counter")
	if _, err := b.Pool.Exec(t.Context(), `create schema rm_counter_8; create table rm_counter_8.total (n int); create schema rm_counters_1`); err != nil {
		t.Fatal(err)
	}
	if err := projections.Sweep(t.Context(), b.Runner, "counter"); err != nil {
		t.Fatal(err)
	}
	rows, _ := b.Pool.Query(t.Context(), `select nspname::text from pg_namespace where nspname like 'rm\_%' order by 1`)
	schemas, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || strings.Join(schemas, " ") != "rm_counter_1 rm_counters_1" {
		t.Errorf("left: %v %v", schemas, err)
	}
	if err := b.Runner.Rebuild(t.Context(), "nothing", nil); !errors.Is(err, projections.ErrUnknownModel) {
		t.Errorf("rebuild of an unknown model: %v", err)
	}
}

// The views of analysts follow a new generation in the transaction that makes it live.
func TestOnSwap(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	at := some(log, 5)
	b := projtest.New(t, postgres.TestDB(t), log, counter{})
	b.Runner.OnSwap = func(ctx context.Context, tx pgx.Tx, model, schema string) error {
		_, err := tx.Exec(ctx, fmt.Sprintf(`create or replace view public.counted as select n from %s.total`, schema))
		return err
	}
	if err := b.Runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Runner.Stop() })
	if err := b.Runner.Rebuild(t.Context(), "counter", nil); err != nil {
		t.Fatal(err)
	}
	if err := projections.Sweep(t.Context(), b.Runner, "counter"); err != nil {
		t.Fatal(err)
	}
	b.Await(t, at, "counter")
	var n int
	if err := b.Pool.QueryRow(t.Context(), `select n from counted`).Scan(&n); err != nil || n != 5 {
		t.Errorf("the view shows %d (%v)", n, err)
	}
}
