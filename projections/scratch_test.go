package projections_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/projtest"
)

// sums reads a tally through whatever tables a transaction finds.
func sums(t *testing.T, tx pgx.Tx) (all []string) {
	t.Helper()
	rows, err := tx.Query(t.Context(), `select stream || list from sums order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	if all, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		t.Fatal(err)
	}
	return all
}

// A question about another moment is answered by the model's own projector from nothing but the page, beside live rows that nobody sees change;
// nothing of it is left, whether the question was answered, failed, or could not be replayed.
func TestScratchLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	log := projtest.NewLog(0)
	at := some(log, 9)
	b := projtest.StartOn(t, pool, log, tally{})
	b.Await(t, at, "tally")
	live := b.Dump(t, "tally")
	page := log.Events()[:4]

	left := func(when string) {
		t.Helper()
		if now := b.Dump(t, "tally"); now != live {
			t.Errorf("%s the live rows are other ones:\n%s\nbefore:\n%s", when, now, live)
		}
		var tables int
		if err := pool.QueryRow(t.Context(), `select count(*) from pg_class where relname = 'sums' and relpersistence = 't'`).Scan(&tables); err != nil {
			t.Fatal(err)
		}
		if tables != 0 {
			t.Errorf("%s %d scratch tables are left", when, tables)
		}
	}

	for range 3 { // on the same connections: what one left would be in the next one's way
		err := b.Models.Scratch(t.Context(), "tally", []string{"sums"}, page, func(tx pgx.Tx) error {
			if got, want := fmt.Sprint(sums(t, tx)), "[booking-0 0 3 booking-1 1 booking-2 2]"; got != want {
				t.Errorf("from the page alone: %s, want %s", got, want)
			}
			if now := b.Dump(t, "tally"); now != live {
				t.Error("while a question is answered others see its rows")
			}
			var done bool
			if err := tx.QueryRow(t.Context(), `select event_id = $1 from checkpoint`, log.Events().Last().ID).Scan(&done); err != nil || !done {
				t.Errorf("a table that was not named is not the live one: %t, %v", done, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		left("after a question")
	}

	asked := errors.New("no such thing")
	if err := b.Models.Scratch(t.Context(), "tally", []string{"sums"}, page, func(pgx.Tx) error { return asked }); !errors.Is(err, asked) {
		t.Errorf("a question that fails: %v", err)
	}
	left("after a question that failed")

	tooMuch := eventschema.Page{page[0]}
	tooMuch[0].Event = added{1_000_000} // the table's own rule refuses it
	if err := b.Models.Scratch(t.Context(), "tally", []string{"sums"}, tooMuch, func(pgx.Tx) error {
		t.Error("a question is asked of a page that could not be replayed")
		return nil
	}); err == nil {
		t.Error("a page that cannot be replayed is no error")
	}
	left("after a page that could not be replayed")

	if err := b.Models.Scratch(t.Context(), "tally", []string{"sums"}, nil, func(tx pgx.Tx) error {
		if got := sums(t, tx); len(got) > 0 {
			t.Errorf("before the first event there are %v", got)
		}
		return nil
	}); err != nil {
		t.Errorf("a question about the time before the first event: %v", err)
	}
	if err := b.Models.Scratch(t.Context(), "other", []string{"sums"}, page, func(pgx.Tx) error { return nil }); !errors.Is(err, projections.ErrUnknownModel) {
		t.Errorf("of a model that there is not: %v", err)
	}
	left("in the end")

	// The generation is swapped: the next question finds the new one.
	if err := b.Runner.Rebuild(t.Context(), "tally", nil); err != nil {
		t.Fatal(err)
	}
	asks := 0
	if err := b.Models.Scratch(t.Context(), "tally", []string{"sums"}, page, func(tx pgx.Tx) error {
		asks++
		if got := len(sums(t, tx)); got != 3 {
			t.Errorf("after a rebuild the page makes %d rows", got)
		}
		return nil
	}); err != nil || asks != 1 {
		t.Errorf("after a rebuild: asked %d times, %v", asks, err)
	}
	left("after a rebuild")
}
