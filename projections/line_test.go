package projections

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// scribe is a projector that does what a test tells it.
type scribe struct {
	apply func(ctx context.Context, tx pgx.Tx) error
}

func (scribe) Name() string   { return "scribe" }
func (scribe) SQL() string    { return `create table words (word text primary key);` }
func (scribe) Sources() fs.FS { return fstest.MapFS{} }
func (s scribe) Apply(ctx context.Context, tx pgx.Tx, _ eventschema.Page) error {
	return s.apply(ctx, tx)
}

func write(tx pgx.Tx, words ...string) error {
	b := &pgx.Batch{}
	for _, w := range words {
		b.Queue(`insert into words (word) values ($1)`, w)
	}
	return tx.SendBatch(context.Background(), b).Close()
}

func count(t *testing.T, tx pgx.Tx) (n int) {
	t.Helper()
	found, err := tx.Query(context.Background(), `select word from words`)
	if err != nil {
		t.Fatal(err)
	}
	words, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return len(words)
}

// A page's statements wait for one another, and yet everything is as if each had been sent by itself.
func TestPagesOnALine(t *testing.T) {
	t.Parallel()
	db := postgres.TestDB(t)
	ctx := t.Context()
	g := generation{model: "scribe", number: 1}
	deployment := uuid.New()
	if err := g.create(ctx, db, scribe{}, deployment); err != nil {
		t.Fatal(err)
	}
	l := &line{pool: db, generation: g}
	defer l.close()
	at := checkpoint{deployment: deployment}
	page := func() eventschema.Page {
		next := at.at.Commit + 1
		return eventschema.Page{{Stored: eventschema.Stored{ID: uuid.New(), Position: eventschema.Position{Commit: next, Prepare: next}}}}
	}
	stored := func() (checkpoint, int) {
		t.Helper()
		c, err := g.load(ctx, db, "")
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := db.QueryRow(ctx, `select count(*) from rm_scribe_1.words`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return c, n
	}
	apply := func(what string, words int, f func(tx pgx.Tx) error) {
		t.Helper()
		to, err := l.apply(ctx, scribe{func(_ context.Context, tx pgx.Tx) error { return f(tx) }}, at, page())
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		at = to
		if c, n := stored(); c != at || n != words {
			t.Errorf("%s: the checkpoint is %v, want %v; %d words, want %d", what, c, at, n, words)
		}
	}
	refused := func(what string, words int, want error, f func(tx pgx.Tx) error) error {
		t.Helper()
		to, err := l.apply(ctx, scribe{func(_ context.Context, tx pgx.Tx) error { return f(tx) }}, at, page())
		if err == nil || want != nil && !errors.Is(err, want) || to != at {
			t.Errorf("%s: %v, to %v", what, err, to)
		}
		if c, n := stored(); c != at && want != errMoved || n != words {
			t.Errorf("%s: the checkpoint is %v, want %v; %d words, want %d", what, c, at, n, words)
		}
		return err
	}

	apply("nothing to do", 0, func(pgx.Tx) error { return nil })
	apply("only rows", 2, func(tx pgx.Tx) error { return write(tx, "a", "b") })
	apply("a question only", 2, func(tx pgx.Tx) error {
		if n := count(t, tx); n != 2 {
			t.Errorf("%d words are seen", n)
		}
		return nil
	})
	apply("rows, then a question about them", 4, func(tx pgx.Tx) error {
		if err := write(tx, "c", "d"); err != nil {
			return err
		}
		if n := count(t, tx); n != 4 {
			t.Errorf("%d words are seen, 4 are written", n)
		}
		return nil
	})
	apply("a question, rows, a statement by itself, rows", 6, func(tx pgx.Tx) error {
		count(t, tx)
		if err := write(tx, "e"); err != nil {
			return err
		}
		tag, err := tx.Exec(context.Background(), `update words set word = 'f' where word = 'e'`)
		if err != nil || tag.RowsAffected() != 1 {
			t.Errorf("the row just written was not found: %v %v", tag, err)
		}
		return write(tx, "g")
	})
	apply("a batch that is read", 7, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		b.Queue(`insert into words (word) values ('h')`)
		results := tx.SendBatch(context.Background(), b)
		if tag, err := results.Exec(); err != nil || tag.RowsAffected() != 1 {
			t.Errorf("%v %v", tag, err)
		}
		return results.Close()
	})
	apply("a copy", 8, func(tx pgx.Tx) error {
		_, err := tx.CopyFrom(context.Background(), pgx.Identifier{"words"}, []string{"word"}, pgx.CopyFromRows([][]any{{"i"}}))
		return err
	})

	err := refused("a row that is there already, with the commit", 8, nil, func(tx pgx.Tx) error { return write(tx, "x", "a") })
	if why, fault := eventFault(err); !fault || why != "SQLSTATE 23505 words words_pkey" {
		t.Errorf("a row that is there already is the event's fault: %v %q", fault, why)
	}
	refused("the projector's own error", 8, ErrEvent, func(tx pgx.Tx) error {
		if err := write(tx, "y"); err != nil {
			return err
		}
		return ErrEvent
	})
	refused("a panic", 8, errPanic, func(tx pgx.Tx) error {
		count(t, tx)
		panic("no")
	})

	// Somebody else runs on: nothing is written, however the page begins.
	before := at
	if _, err := db.Exec(ctx, `update rm_scribe_1.checkpoint set commit_pos = commit_pos + 100`); err != nil {
		t.Fatal(err)
	}
	refused("moved, rows", 8, errMoved, func(tx pgx.Tx) error { return write(tx, "z") })
	refused("moved, a question", 8, errMoved, func(tx pgx.Tx) error { _, err := tx.Query(ctx, `select 1`); return err })
	refused("moved, nothing to do", 8, errMoved, func(pgx.Tx) error { return nil })
	at = before

	// The connection is cut between two pages: the next one opens another.
	if _, err := db.Exec(ctx, `update rm_scribe_1.checkpoint set commit_pos = $1`, at.at.Commit); err != nil {
		t.Fatal(err)
	}
	if err := l.conn.Conn().Close(ctx); err != nil {
		t.Fatal(err)
	}
	apply("after a cut", 9, func(tx pgx.Tx) error { return write(tx, "j") })
}
