package reactions_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	events "github.com/dragoman-booking/dragoman/domain/diary"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/lease"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/diary"
	"github.com/dragoman-booking/dragoman/projections/projtest"
	"github.com/dragoman-booking/dragoman/reactions"
)

// soon is when a test gives up on what happens at once: generous, since a machine that other work stands on may halt for many seconds.
const soon = 2 * time.Minute

// told is this test's event.
type told struct{ N int }

// letters sends one letter for each event, and says through handled that it saw it.
type letters struct {
	name    string
	handled chan int
	before  func(n int) error // runs first, if set
}

func (l letters) Name() string { return l.name }

func (l letters) Handle(_ context.Context, page eventschema.Page) (all []reactions.Effect, err error) {
	for _, e := range page {
		n := e.Event.(told).N
		if l.before != nil {
			if err := l.before(n); err != nil {
				return nil, err
			}
		}
		all = append(all, reactions.Effect{Event: e.ID, Recipient: "rita", Do: func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `insert into letters (n) values ($1)`, n)
			return err
		}})
		select {
		case l.handled <- n:
		default:
		}
	}
	return all, nil
}

func database(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := postgres.TestDB(t)
	if _, err := pool.Exec(t.Context(), `create table letters (n int)`); err != nil {
		t.Fatal(err)
	}
	return pool
}

func start(t *testing.T, pool *pgxpool.Pool, log *projtest.Log, all ...reactions.Reaction) *reactions.Runner {
	t.Helper()
	leases := lease.New(pool, time.Second)
	leases.Start()
	t.Cleanup(func() { leases.Stop(context.Background()) })
	r, err := reactions.NewRunner(reactions.Options{Pool: pool, Log: log, Feed: log.Feed, PageOf: projtest.PageOf, Leases: leases}, all...)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Stop() })
	return r
}

// reach waits until a reaction's checkpoint is at a position.
func reach(t *testing.T, r *reactions.Runner, at eventschema.Position) {
	t.Helper()
	eventually(t, "the reaction has handled everything", func(s projections.Status) bool { return s.Position == at }, r)
}

func eventually(t *testing.T, what string, is func(projections.Status) bool, r *reactions.Runner) projections.Status {
	t.Helper()
	for deadline := time.Now().Add(soon); ; time.Sleep(5 * time.Millisecond) {
		all, err := r.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if is(all[0]) {
			return all[0]
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s; it stands at %+v", soon, what, all[0])
		}
	}
}

func sent(t *testing.T, pool *pgxpool.Pool) []int {
	t.Helper()
	rows, _ := pool.Query(t.Context(), `select n from letters order by n`)
	all, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func upTo(from, to int) (all []int) {
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}

func tell(log *projtest.Log, from, to int) (at eventschema.Position) {
	for _, n := range upTo(from, to) {
		at = log.Append("booking-1", told{n})
	}
	return at
}

func TestANewReactionBeginsAtTheLogsEnd(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := projtest.NewLog(3)
	tell(log, 0, 10)
	r := start(t, pool, log, letters{name: "letters"})
	at := tell(log, 10, 20)
	reach(t, r, at)
	if got := sent(t, pool); !slices.Equal(got, upTo(10, 20)) {
		t.Errorf("letters for %v", got)
	}
	// It goes on where it was, not at the end, when it starts again.
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	at = tell(log, 20, 25)
	again := start(t, pool, log, letters{name: "letters"})
	reach(t, again, at)
	if got := sent(t, pool); !slices.Equal(got, upTo(10, 25)) {
		t.Errorf("after a restart, letters for %v", got)
	}
}

// early begins at the log's start.
type early struct{ letters }

func (early) FromTheStart() {}

func TestABeginnerBeginsAtTheLogsStart(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := projtest.NewLog(3)
	tell(log, 0, 10)
	r := start(t, pool, log, early{letters{name: "letters"}})
	at := tell(log, 10, 20)
	reach(t, r, at)
	if got := sent(t, pool); !slices.Equal(got, upTo(0, 20)) {
		t.Errorf("letters for %v", got)
	}
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	at = tell(log, 20, 25)
	reach(t, start(t, pool, log, early{letters{name: "letters"}}), at)
	if got := sent(t, pool); !slices.Equal(got, upTo(0, 25)) {
		t.Errorf("after a restart, letters for %v", got)
	}
}

// Handled again, in any number of processes and after failures, an event has its effect once.
func TestAnEffectHappensOnce(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := projtest.NewLog(4)
	tell(log, 0, 1)
	var mu sync.Mutex
	failures := map[int]int{}
	flaky := func(n int) error {
		mu.Lock()
		defer mu.Unlock()
		if failures[n]++; n%5 == 0 && failures[n] < 3 {
			return errors.New("the mail server is away")
		}
		return nil
	}
	one := start(t, pool, log, letters{name: "letters", before: flaky})
	two := start(t, pool, log, letters{name: "letters", before: flaky})
	at := tell(log, 1, 60)
	reach(t, one, at)
	reach(t, two, at)
	if got := sent(t, pool); !slices.Equal(got, upTo(1, 60)) {
		t.Errorf("letters for %v", got)
	}
	// A checkpoint set back, as after a restore, sends nothing a second time.
	one.Stop()
	two.Stop()
	first := log.Events()[0]
	if _, err := pool.Exec(t.Context(), `update kept.reaction_checkpoints set commit_pos = $1, prepare_pos = $2, event_id = $3`,
		first.Position.Commit, first.Position.Prepare, first.ID); err != nil {
		t.Fatal(err)
	}
	three := start(t, pool, log, letters{name: "letters"})
	reach(t, three, at)
	if got := sent(t, pool); !slices.Equal(got, upTo(1, 60)) {
		t.Errorf("handled again, letters for %v", got)
	}
}

// evict takes every lease from whoever holds one now, and again whenever they ask, until the test ends.
func evict(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	rows, _ := pool.Query(t.Context(), `select distinct holder from kept.leases`)
	holders, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(holders) == 0 {
		t.Fatalf("held by %v: %v", holders, err)
	}
	take := func(ctx context.Context) error {
		_, err := pool.Exec(ctx, `delete from kept.leases where holder = any($1)`, holders)
		return err
	}
	if err := take(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var taking sync.WaitGroup
	taking.Go(func() {
		for ; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
			_ = take(ctx) // the next time then
		}
	})
	t.Cleanup(func() {
		stop()
		taking.Wait()
	})
}

// A process that runs on after it lost the lease moves nothing twice.
func TestTwoProcessesWithoutALease(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := projtest.NewLog(2)
	tell(log, 0, 1)
	held := make(chan int)
	release := make(chan struct{})
	goOn := sync.OnceFunc(func() { close(release) })
	defer goOn()
	var once sync.Once
	slow := start(t, pool, log, letters{name: "letters", before: func(n int) error {
		once.Do(func() {
			held <- n
			<-release
		})
		return nil
	}})
	at := tell(log, 1, 20)
	<-held // it is in the middle of a page
	evict(t, pool)
	fast := start(t, pool, log, letters{name: "letters"})
	reach(t, fast, at)
	goOn()
	at = tell(log, 20, 21)
	reach(t, slow, at)
	if got := sent(t, pool); !slices.Equal(got, upTo(1, 21)) {
		t.Errorf("letters for %v", got)
	}
}

func TestAnEventAtFaultStopsItsReactionThere(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]eventschema.Recorded{
		"panic":       {Event: "nothing that it knows"},
		"undecodable": {Err: errors.New("secret")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := database(t)
			log := projtest.NewLog(0)
			tell(log, 0, 1)
			gate := make(chan struct{})
			open := sync.OnceFunc(func() { close(gate) })
			defer open()
			r := start(t, pool, log, letters{name: "letters", before: func(int) error { <-gate; return nil }})
			before := tell(log, 1, 8)
			log.AppendRecorded("booking-2", bad)
			tell(log, 8, 12)
			open()
			s := eventually(t, "stopped", func(s projections.Status) bool { return s.Health.State == projections.Stopped }, r)
			if f := s.Health.Fault; f == nil || f.Stream != "booking-2" || s.Position != before {
				t.Errorf("stopped at %v by %v", s.Position, f)
			}
			if s.Lag.Events != 5 || s.Lag.More {
				t.Errorf("the event at fault and four others are left, and it lags %+v", s.Lag)
			}
			if got := sent(t, pool); !slices.Equal(got, upTo(1, 8)) {
				t.Errorf("letters for %v", got)
			}
		})
	}
}

func TestAReplacedLogIsNoticed(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := projtest.NewLog(0)
	tell(log, 0, 3)
	r := start(t, pool, log, letters{name: "letters"})
	r.Stop()
	other := projtest.NewLog(0)
	for range 3 {
		other.AppendRecorded("booking-1", eventschema.Recorded{Stored: eventschema.Stored{ID: uuid.New()}, Event: told{}})
	}
	again := start(t, pool, other, letters{name: "letters"})
	s := eventually(t, "stopped", func(s projections.Status) bool { return s.Health.State == projections.Stopped }, again)
	again.Log = nil
	if all, err := again.States(t.Context()); err != nil || all[0].Health != s.Health || all[0].Position != s.Position {
		t.Errorf("without the log it stands at %+v, %v", all, err)
	}
	again.Log = other
	other.Append("booking-1", told{})
	if s = eventually(t, "stopped", func(projections.Status) bool { return true }, again); s.Lag.Events != 0 {
		t.Errorf("a log that it has not read says how far it lags: %+v", s)
	}
}

// A log that does not reach the checkpoint is asked again for a while. If the event comes to light the reaction goes on; if not it stops, and has
// done nothing meanwhile.
func TestALogThatEndsBeforeTheCheckpoint(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]bool{"shown late": true, "never shown": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := database(t)
			log := projtest.NewLog(0)
			tell(log, 0, 1)
			r := start(t, pool, log, letters{name: "letters"})
			at := tell(log, 1, 8)
			reach(t, r, at)
			r.Stop()
			lost := log.Cut(3)
			r = start(t, pool, log, letters{name: "letters"})
			eventually(t, "in doubt", func(s projections.Status) bool {
				return s.Health.State == projections.Retrying && s.Health.Why == projections.Doubting
			}, r)
			if late {
				log.PutBack(lost)
				reach(t, r, tell(log, 8, 12))
				if got := sent(t, pool); !slices.Equal(got, upTo(1, 12)) {
					t.Errorf("letters for %v", got)
				}
				return
			}
			log.Append("booking-5", told{20}) // the shorter log grows
			s := eventually(t, "stopped", func(s projections.Status) bool { return s.Health.State == projections.Stopped }, r)
			if s.Health.Why == "" || s.Position != at || s.Lag.Events != 0 {
				t.Errorf("it stands at %+v", s)
			}
			if got := sent(t, pool); !slices.Equal(got, upTo(1, 8)) {
				t.Errorf("letters for %v", got)
			}
		})
	}
}

// A process that stands still in the middle of the transaction that keeps an effect holds the reaction's fence. The server ends its session, the next
// process gets on within 15 seconds, and what the first one does when it wakes counts for nothing. The server takes eight of them by itself, so a
// machine that stands still for the rest gets two other chances.
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

// passesTheFence tells how long the next process took.
func passesTheFence(t *testing.T) (spent time.Duration) {
	t.Helper()
	pool := database(t)
	log := projtest.NewLog(0)
	tell(log, 0, 1)
	asleep, wake := make(chan struct{}), make(chan struct{})
	wakeUp := sync.OnceFunc(func() { close(wake) })
	defer wakeUp()
	var once sync.Once
	still := start(t, pool, log, slowLetters{func() {
		once.Do(func() {
			close(asleep)
			<-wake
		})
	}})
	at := tell(log, 1, 4)
	<-asleep
	evict(t, pool)
	began := time.Now()
	next := start(t, pool, log, letters{name: "letters"})
	reach(t, next, at)
	spent = time.Since(began)
	wakeUp()
	at = tell(log, 4, 9)
	reach(t, still, at)
	if got := sent(t, pool); !slices.Equal(got, upTo(1, 9)) {
		t.Errorf("letters for %v", got)
	}
	return spent
}

// slowLetters are letters whose writing, in the transaction, takes as long as a function does.
type slowLetters struct{ write func() }

func (slowLetters) Name() string { return "letters" }

func (l slowLetters) Handle(ctx context.Context, page eventschema.Page) ([]reactions.Effect, error) {
	all, err := letters{name: "letters"}.Handle(ctx, page)
	for i, e := range all {
		all[i].Do = func(ctx context.Context, tx pgx.Tx) error {
			l.write()
			return e.Do(ctx, tx)
		}
	}
	return all, err
}

func TestCommandIDs(t *testing.T) {
	t.Parallel()
	cause := uuid.New()
	a := reactions.CommandID("holds", cause, "x")
	if a != reactions.CommandID("holds", cause, "x") {
		t.Error("the same command has two ids")
	}
	for _, b := range []uuid.UUID{reactions.CommandID("other", cause, "x"), reactions.CommandID("holds", uuid.New(), "x"), reactions.CommandID("holds", cause, "y")} {
		if a == b {
			t.Error("two commands have one id")
		}
	}
}

// The log below: ana is to have job one while she holds jobs two (overlapping) and three (not).
func id(kind, n byte) uuid.UUID { return uuid.UUID{kind, 6: 0x40, 8: 0x80, 15: n} }

var (
	ana = booking.Offered{Interpreter: id(0xa0, 1), LIN: "LIN/1"}
	day = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
)

func schedule(hour int) booking.Schedule {
	m, err := domain.MomentAt(day.Add(time.Duration(hour)*time.Hour), "Europe/London")
	if err != nil {
		panic(err)
	}
	return booking.Schedule{Start: m, Minutes: 90}
}

func job(n byte) (stream string, b, j uuid.UUID) {
	return eventschema.BookingStream(id(0xb0, n)), id(0xb0, n), id(0xb1, n)
}

func book(log *projtest.Log, n byte, hour int) {
	stream, b, j := job(n)
	log.Append(stream, booking.Created{Booking: b, Ref: fmt.Sprint("BK", n), Jobs: []booking.NewJob{{ID: j, Ref: fmt.Sprint("DTP", n), Schedule: schedule(hour)}}})
}

// desk stands where commands will: it writes what they would.
type desk struct {
	log    *projtest.Log
	refuse bool
	mu     sync.Mutex
	ended  []uuid.UUID
	ids    []uuid.UUID
	claims map[uuid.UUID]bool
}

func (d *desk) EndHold(_ context.Context, command, _, b, j, interpreter, elsewhere uuid.UUID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended, d.ids = append(d.ended, j), append(d.ids, command)
	if d.refuse {
		return domain.Unprocessable("wrong-status", "It is over.")
	}
	d.log.Append(eventschema.BookingStream(b), booking.HoldEnded{Job: j, Offered: booking.Offered{Interpreter: interpreter}, Elsewhere: elsewhere})
	return nil
}

func (d *desk) Repair(_ context.Context, interpreter, _, _, reservation uuid.UUID) (bool, error) {
	if d.claims[reservation] {
		return false, nil
	}
	d.log.Append(eventschema.DiaryStream(interpreter), events.Released{Interpreter: interpreter, Reservations: []uuid.UUID{reservation}, Why: "voided"})
	return true, nil
}

func TestHoldsEndWhenTheirInterpreterIsAssignedElsewhere(t *testing.T) {
	t.Parallel()
	for _, refuse := range []bool{false, true} {
		t.Run(fmt.Sprint("refuse ", refuse), func(t *testing.T) {
			t.Parallel()
			log := projtest.NewLog(0)
			b := projtest.Start(t, log, diary.Projector{})
			d := &desk{log: log, refuse: refuse}
			r := start(t, b.Pool, log, reactions.Holds{Models: b.Models, Diary: diary.Queries{Models: b.Models}, Commands: d})
			book(log, 1, 10)
			book(log, 2, 11)
			book(log, 3, 12)
			for _, n := range []byte{2, 3} {
				stream, _, j := job(n)
				log.Append(stream, booking.OfferAccepted{Job: j, Offered: ana})
			}
			stream, _, one := job(1)
			assigned := log.Append(stream, booking.Assigned{Job: one, Offered: ana, Reservation: id(0xd0, 1)})
			eventually(t, "the assignment is handled", func(s projections.Status) bool { return !assigned.After(s.Position) }, r)
			_, _, two := job(2)
			d.mu.Lock()
			defer d.mu.Unlock()
			// Whoever loses the lease before the checkpoint is written handles the page again, with the same commands.
			if ended := slices.Compact(d.ended); !slices.Equal(ended, []uuid.UUID{two}) {
				t.Fatalf("ended holds of %v", ended)
			}
			cause, err := log.EventAt(t.Context(), assigned)
			if err != nil {
				t.Fatal(err)
			}
			if ids := slices.Compact(d.ids); !slices.Equal(ids, []uuid.UUID{reactions.CommandID("holds", cause, two.String())}) {
				t.Errorf("the commands' ids are %v", ids)
			}
		})
	}
}

func TestRepairReleasesWhatNobodyClaims(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	book(log, 1, 10)
	_, b1, one := job(1)
	window := schedule(10).Start.Instant
	reserve := func(n byte, recorded time.Time) {
		log.AppendRecorded(eventschema.DiaryStream(ana.Interpreter), eventschema.Recorded{
			Event: events.Reserved{Interpreter: ana.Interpreter, Reservations: []events.Reservation{{ID: id(0xd0, n), Booking: b1, Job: one, Start: window, End: window.Add(time.Hour)}}},
			Meta:  eventschema.Meta{RecordedAt: recorded}})
	}
	reserve(1, time.Now().Add(-2*time.Hour)) // claimed below
	reserve(2, time.Now().Add(-2*time.Hour)) // lost
	reserve(3, time.Now().Add(-2*time.Hour)) // claimed by an event that the read model has not seen
	reserve(4, time.Now())                   // a command may still be at work on it
	stream, _, _ := job(1)
	at := log.Append(stream, booking.Assigned{Job: one, Offered: ana, Reservation: id(0xd0, 1)})
	bench := projtest.Start(t, log, diary.Projector{})
	bench.Await(t, at, diary.Name)
	repair := reactions.Repair{Diary: diary.Queries{Models: bench.Models}, Leases: bench.Leases, Grace: time.Hour,
		Commands: &desk{log: log, claims: map[uuid.UUID]bool{id(0xd0, 3): true}}}
	if n, err := repair.Once(t.Context()); n != 1 || err != nil {
		t.Errorf("released %d (%v)", n, err)
	}
	last := log.Events().Last()
	if e, ok := last.Event.(events.Released); !ok || !slices.Equal(e.Reservations, []uuid.UUID{id(0xd0, 2)}) {
		t.Errorf("released: %+v", last.Event)
	}
	bench.Await(t, last.Position, diary.Name)
	if n, err := repair.Once(t.Context()); n != 0 || err != nil {
		t.Errorf("released %d again (%v)", n, err)
	}
	// The same by itself, in the background.
	reserve(5, time.Now().Add(-2*time.Hour))
	repair.Every = 10 * time.Millisecond
	repair.Start()
	defer repair.Stop()
	for deadline := time.Now().Add(soon); ; time.Sleep(5 * time.Millisecond) {
		if e, ok := log.Events().Last().Event.(events.Released); ok && e.Reservations[0] == id(0xd0, 5) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: released in the background", soon)
		}
	}
}
