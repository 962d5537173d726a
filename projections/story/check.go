package story

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
)

// Schema is a read model's tables without the runner: pages are applied as it would apply them.
type Schema struct {
	Name string

	t    testing.TB
	pool *pgxpool.Pool
	p    projections.Projector
}

// NewSchema makes a projector's empty tables.
func NewSchema(t testing.TB, pool *pgxpool.Pool, name string, p projections.Projector) *Schema {
	t.Helper()
	s := &Schema{name, t, pool, p}
	s.in(func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `create schema `+name+`; set local search_path to `+name+`;`+p.SQL())
		return err
	})
	return s
}

// Filled is a read model with a story's events, for tests of its queries.
func Filled(t testing.TB, p projections.Projector, page eventschema.Page) *Schema {
	t.Helper()
	s := NewSchema(t, postgres.TestDB(t), p.Name(), p)
	s.Apply(page)
	return s
}

// In runs f in a transaction that finds the tables by their bare names.
func (s *Schema) In(f func(tx pgx.Tx) error) {
	s.t.Helper()
	s.in(func(tx pgx.Tx) error {
		if _, err := tx.Exec(s.t.Context(), `set local search_path to `+s.Name); err != nil {
			return err
		}
		return f(tx)
	})
}

// Ask runs a query and answers with its error.
func (s *Schema) Ask(f func(tx pgx.Tx) error) error {
	s.t.Helper()
	tx, err := s.pool.Begin(s.t.Context())
	if err != nil {
		s.t.Fatalf("%s: %v", s.Name, err)
	}
	defer tx.Rollback(s.t.Context())
	if _, err := tx.Exec(s.t.Context(), `set local search_path to `+s.Name); err != nil {
		s.t.Fatalf("%s: %v", s.Name, err)
	}
	return f(tx)
}

func (s *Schema) in(f func(tx pgx.Tx) error) {
	s.t.Helper()
	if err := pgx.BeginFunc(s.t.Context(), s.pool, f); err != nil {
		s.t.Fatalf("%s: %v", s.Name, err)
	}
}

// Apply applies pages, each in a transaction of its own.
func (s *Schema) Apply(pages ...eventschema.Page) {
	s.t.Helper()
	for _, page := range pages {
		if len(page) > 0 {
			s.Begin(func(tx pgx.Tx) error { return s.p.Apply(s.t.Context(), tx, page) })
		}
	}
}

// Begin runs f in a transaction as a page gets it.
func (s *Schema) Begin(f func(tx pgx.Tx) error) {
	s.t.Helper()
	begin := pgx.TxOptions{BeginQuery: projections.BeginApply + `set local search_path to ` + s.Name}
	if err := pgx.BeginTxFunc(s.t.Context(), s.pool, begin, f); err != nil {
		s.t.Fatalf("%s: %v", s.Name, err)
	}
}

// Clear empties the tables.
func (s *Schema) Clear() {
	s.t.Helper()
	s.In(func(tx pgx.Tx) error {
		tables, err := s.tables(tx)
		if err != nil {
			return err
		}
		_, err = tx.Exec(s.t.Context(), `delete from `+strings.Join(tables, `; delete from `))
		return err
	})
}

func (s *Schema) tables(tx pgx.Tx) ([]string, error) {
	rows, err := tx.Query(s.t.Context(), `select relname::text from pg_class where relnamespace = current_schema()::regnamespace and relkind = 'r' order by 1`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Dump is every row of every table in one order: equal dumps are equal read models.
func (s *Schema) Dump() string {
	s.t.Helper()
	var out strings.Builder
	s.In(func(tx pgx.Tx) error {
		tables, err := s.tables(tx)
		if err != nil {
			return err
		}
		for _, table := range tables {
			rows, err := tx.Query(s.t.Context(), `select to_jsonb(t)::text from `+table+` t order by 1`)
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
	})
	return out.String()
}

// CheckProjector holds the properties of every read model on random stories: the same rows however the log is cut into pages, and what an
// erasure leaves is what a rebuild finds when the keys are gone.
func CheckProjector(t *testing.T, p projections.Projector) {
	t.Helper()
	pool := postgres.TestDB(t)
	once, cut := NewSchema(t, pool, "once", p), NewSchema(t, pool, "cut", p)
	var told, erasures int
	rapid.Check(t, func(rt *rapid.T) {
		page := Random(rt, 60).Page
		after := page
		if rapid.Bool().Draw(rt, "rebuilt after the keys were destroyed") {
			after = WithoutKeys(page)
		}
		once.Clear()
		once.Apply(page)
		cut.Clear()
		cut.Apply(cutAt(rt, after)...)
		if a, b := once.Dump(), cut.Dump(); a != b {
			rt.Fatalf("at once and in pieces differ:\n%s", cmp.Diff(a, b))
		}
		told += len(page)
		erasures += len(Erased(page))
	})
	if told < 100*50 || erasures < 10 {
		t.Errorf("only %d events and %d erasures were told: the property says too little", told, erasures)
	}
}

// cutAt cuts a page anywhere.
func cutAt(t *rapid.T, page eventschema.Page) (pages []eventschema.Page) {
	for len(page) > 0 {
		n := min(len(page), rapid.IntRange(1, 15).Draw(t, "cut"))
		pages, page = append(pages, page[:n]), page[n:]
	}
	return pages
}

// Erased are the keys that a log destroys.
func Erased(page eventschema.Page) map[uuid.UUID]bool {
	keys := map[uuid.UUID]bool{}
	for _, r := range page {
		for _, k := range eventschema.ErasedKeys(r.Event) {
			keys[k] = true
		}
	}
	return keys
}

var personal = regexp.MustCompile(`\{"\$personal":"(?:[^"\\]|\\.)*"\}`)

// WithoutKeys is the log as it reads once the keys that it destroys are destroyed.
func WithoutKeys(page eventschema.Page) eventschema.Page {
	keys := Erased(page)
	out := make(eventschema.Page, len(page))
	for i, r := range page {
		if k, ok := r.Event.(eventschema.Keyed); ok && keys[k.PersonKey()] {
			plain, err := json.Marshal(r.Event)
			if err != nil {
				panic(fmt.Sprintf("story: write %T: %v", r.Event, err))
			}
			blank := reflect.New(reflect.TypeOf(r.Event))
			text := personal.ReplaceAllLiteral(plain, fmt.Appendf(nil, `{"$personal":%q}`, domain.Erased))
			if err := json.Unmarshal(text, blank.Interface()); err != nil {
				panic(fmt.Sprintf("story: read %T: %v", r.Event, err))
			}
			r.Event = blank.Elem().Interface()
		}
		out[i] = r
	}
	return out
}

// Bookings counts the booking events of a page.
func Bookings(page eventschema.Page) (n int) {
	for _, r := range page {
		if _, ok := r.Event.(booking.Event); ok {
			n++
		}
	}
	return n
}
