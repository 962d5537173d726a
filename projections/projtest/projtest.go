// Package projtest runs projectors in tests against a real Postgres: from hand-made pages, cut in any way, through the real runner.
package projtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/lease"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
)

// Deployment is that of every hand-made log.
var Deployment = uuid.MustParse("d0000000-0000-4000-8000-000000000001")

// Log is a hand-made log: what Append is given, in that order. It serves as projections.Log and as the feed. PageSize bounds its pages
// (0: 1,000), so that one test can cut the same log in several ways.
type Log struct {
	mu       sync.Mutex
	events   eventschema.Page
	last     map[string]uint64
	grown    chan struct{}
	pageSize int
}

// NewLog makes an empty log.
func NewLog(pageSize int) *Log {
	if pageSize == 0 {
		pageSize = 1000
	}
	return &Log{last: map[string]uint64{}, grown: make(chan struct{}), pageSize: pageSize}
}

// Append adds events to a stream and returns the position of the last. Each event is one of the domain's structs; Meta.At is Clock plus
// the number of events before it in seconds.
func (l *Log) Append(stream string, events ...any) eventschema.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	var at eventschema.Position
	for _, event := range events {
		at = l.add(stream, eventschema.Recorded{Event: event})
	}
	return at
}

// AppendRecorded adds one event whose other parts (Meta, Err, Type) are given; stream, revision, position and id are filled in.
func (l *Log) AppendRecorded(stream string, r eventschema.Recorded) eventschema.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.add(stream, r)
}

// Clock is the business time of a hand-made log's first event.
var Clock = time.Date(2020, 3, 24, 9, 0, 0, 0, time.UTC)

func (l *Log) add(stream string, r eventschema.Recorded) eventschema.Position {
	n := len(l.events)
	next, exists := l.last[stream]
	if exists {
		next++
	}
	l.last[stream] = next
	r.Stream, r.Revision = stream, next
	r.Position = eventschema.Position{Commit: uint64(100 * (n + 1)), Prepare: uint64(100 * (n + 1))}
	if r.ID == uuid.Nil {
		r.ID = uuid.NewSHA1(Deployment, fmt.Appendf(nil, "%s/%d", stream, next))
	}
	if r.Type == "" {
		r.Type = fmt.Sprintf("%T", r.Event)
	}
	if r.Meta.At.IsZero() {
		r.Meta.At = Clock.Add(time.Duration(n) * time.Second)
	}
	if r.Meta.RecordedAt.IsZero() {
		r.Meta.RecordedAt = r.Meta.At
	}
	l.events = append(l.events, r)
	close(l.grown)
	l.grown = make(chan struct{})
	return r.Position
}

// from is the next page after a position, and what closes when the log has grown.
func (l *Log) from(after eventschema.Position) (eventschema.Page, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := sort.Search(len(l.events), func(i int) bool { return l.events[i].Position.After(after) })
	return append(eventschema.Page(nil), l.events[i:min(len(l.events), i+l.pageSize)]...), l.grown
}

// Events are all of them.
func (l *Log) Events() eventschema.Page {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(eventschema.Page{}, l.events...)
}

// Cut takes the last n events away, as an older copy of the log would, and returns them. Whoever follows goes on as if it had not noticed.
func (l *Log) Cut(n int) (lost eventschema.Page) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := len(l.events) - n
	lost = l.events[rest:]
	l.events = l.events[:rest:rest]
	for _, e := range lost {
		if e.Revision == 0 {
			delete(l.last, e.Stream)
		} else {
			l.last[e.Stream] = min(l.last[e.Stream], e.Revision-1)
		}
	}
	return lost
}

// PutBack undoes Cut.
func (l *Log) PutBack(lost eventschema.Page) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, lost...)
	for _, e := range lost {
		l.last[e.Stream] = e.Revision
	}
	close(l.grown)
	l.grown = make(chan struct{})
}

// Newest implements projections.Log.
func (l *Log) Newest(context.Context) (eventschema.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.events) == 0 {
		return eventschema.Position{}, nil
	}
	return l.events.Last().Position, nil
}

// ReadAll implements projections.Log.
func (l *Log) ReadAll(ctx context.Context, after eventschema.Position, f func(eventschema.Page) error) error {
	for ctx.Err() == nil {
		page, _ := l.from(after)
		if len(page) == 0 {
			return nil
		}
		after = page.Last().Position
		if err := f(page); errors.Is(err, eventschema.ErrStop) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// EventAt implements projections.Log.
func (l *Log) EventAt(_ context.Context, at eventschema.Position) (uuid.UUID, error) {
	page, _ := l.from(eventschema.Position{Commit: at.Commit - 1, Prepare: at.Prepare})
	if len(page) == 0 || page[0].Position != at {
		return uuid.Nil, nil
	}
	return page[0].ID, nil
}

// Feed opens the log as projections.Options.Feed does.
func (l *Log) Feed(_ string, after eventschema.Position) message.Subscriber {
	return &follower{l, after}
}

type follower struct {
	log   *Log
	after eventschema.Position
}

type pageKey struct{}

// PageOf is what a message of this feed holds.
func PageOf(msg *message.Message) eventschema.Page {
	return msg.Context().Value(pageKey{}).(eventschema.Page)
}

func (f *follower) Close() error { return nil }

func (f *follower) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		for ctx.Err() == nil {
			page, grown := f.log.from(f.after)
			if len(page) == 0 {
				select {
				case <-grown:
				case <-ctx.Done():
				}
				continue
			}
			msg := message.NewMessage(uuid.NewString(), nil)
			msg.SetContext(context.WithValue(ctx, pageKey{}, page))
			select {
			case out <- msg:
			case <-ctx.Done():
				return
			}
			select {
			case <-msg.Acked():
				f.after = page.Last().Position
			case <-msg.Nacked():
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// Bench is read models under test.
type Bench struct {
	Pool   *pgxpool.Pool
	Models *projections.Models
	Runner *projections.Runner
	Leases *lease.Holder
}

// Start runs projectors over a log on a database of the test's own until the test ends.
func Start(t testing.TB, log *Log, projectors ...projections.Projector) *Bench {
	t.Helper()
	return StartOn(t, postgres.TestDB(t), log, projectors...)
}

// StartOn is Start on a given database, for tests with several processes.
func StartOn(t testing.TB, pool *pgxpool.Pool, log *Log, projectors ...projections.Projector) *Bench {
	t.Helper()
	b := New(t, pool, log, projectors...)
	if err := b.Runner.Start(t.Context()); err != nil {
		t.Fatalf("start the runner: %v", err)
	}
	t.Cleanup(func() {
		if err := b.Runner.Stop(); err != nil {
			t.Errorf("stop the runner: %v", err)
		}
	})
	return b
}

// New is StartOn without starting the runner.
func New(t testing.TB, pool *pgxpool.Pool, log *Log, projectors ...projections.Projector) *Bench {
	t.Helper()
	models, err := projections.NewModels(pool, projectors...)
	if err != nil {
		t.Fatal(err)
	}
	if err := models.Start(t.Context()); err != nil {
		t.Fatalf("start the read models: %v", err)
	}
	t.Cleanup(models.Stop)
	leases := lease.New(pool, time.Second)
	leases.Start()
	t.Cleanup(func() { leases.Stop(context.Background()) })
	runner, err := projections.NewRunner(projections.Options{Pool: pool, Models: models, Log: log, Feed: log.Feed, PageOf: PageOf,
		Leases: leases, Deployment: Deployment, KeepRetired: time.Hour}) // a sweep in the middle of a slow test would hold a model's lock
	if err != nil {
		t.Fatal(err)
	}
	return &Bench{pool, models, runner, leases}
}

// Await waits until the models have applied everything up to a position, for longer than a query does: the machine may be busy.
func (b *Bench) Await(t testing.TB, at eventschema.Position, models ...string) {
	t.Helper()
	if err := Patiently(func() error { return b.Models.WaitFor(t.Context(), at, models...) }); err != nil {
		t.Fatalf("wait for %v: %v", models, err)
	}
}

// Patiently does something again as long as a read model is behind: who asks once gives up after a query's WaitLimit, which a busy machine exceeds.
func Patiently(do func() error) (err error) {
	for deadline := time.Now().Add(2 * time.Minute); ; {
		if err = do(); !errors.Is(err, eventschema.ErrBehind) || time.Now().After(deadline) {
			return err
		}
	}
}

// Dump is every row of every table of a model, as text in one order, without its checkpoint: equal dumps are equal read models.
func (b *Bench) Dump(t testing.TB, model string) string {
	t.Helper()
	var out strings.Builder
	err := b.Models.Read(t.Context(), func(tx pgx.Tx) error {
		out.Reset()
		rows, err := tx.Query(t.Context(), `select relname::text from pg_class where relnamespace = current_schema()::regnamespace
			and relkind in ('r', 'p') and not relispartition and relname <> 'checkpoint' order by 1`)
		if err != nil {
			return err
		}
		tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, table := range tables {
			rows, err := tx.Query(t.Context(), `select to_jsonb(t)::text from `+table+` t order by 1`)
			if err != nil {
				return err
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, "%s\n", table)
			for _, line := range lines {
				fmt.Fprintf(&out, "  %s\n", line)
			}
		}
		return nil
	}, model)
	if err != nil {
		t.Fatalf("dump %s: %v", model, err)
	}
	return out.String()
}

// JSON prints a value for a failure message.
func JSON(v any) string {
	b, _ := json.MarshalIndent(v, "", "  ") // of plain structs
	return string(b)
}
