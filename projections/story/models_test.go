package story_test

import (
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/access"
	"github.com/dragoman-booking/dragoman/projections/activity"
	"github.com/dragoman-booking/dragoman/projections/calendar"
	"github.com/dragoman-booking/dragoman/projections/dashboard"
	"github.com/dragoman-booking/dragoman/projections/diary"
	"github.com/dragoman-booking/dragoman/projections/invoices"
	"github.com/dragoman-booking/dragoman/projections/jobs"
	"github.com/dragoman-booking/dragoman/projections/messages"
	"github.com/dragoman-booking/dragoman/projections/people"
	"github.com/dragoman-booking/dragoman/projections/refs"
	"github.com/dragoman-booking/dragoman/projections/story"
	"github.com/dragoman-booking/dragoman/projections/timers"
)

// The read models that have no random stories of their own.
func TestSameRowsHoweverTheyCome(t *testing.T) {
	t.Parallel()
	for _, p := range []projections.Projector{calendar.Projector{}, dashboard.Projector{}, messages.Projector{}, timers.Projector{}, invoices.Projector{},
		people.Projector{}, refs.Projector{}} {
		t.Run(p.Name(), func(t *testing.T) {
			t.Parallel()
			story.CheckProjector(t, p)
		})
	}
}

// Whoever looks into the database finds what each column means.
func TestEveryColumnIsExplained(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	for _, p := range every {
		m := story.NewSchema(t, pool, p.Name(), p)
		m.In(func(tx pgx.Tx) error {
			found, err := tx.Query(t.Context(), `
				select c.relname || coalesce('.' || a.attname, '') from pg_class c
				left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
				where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and col_description(c.oid, a.attnum) is null
				union all
				select c.relname from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and obj_description(c.oid, 'pg_class') is null`)
			if err != nil {
				return err
			}
			missing, err := pgx.CollectRows(found, pgx.RowTo[string])
			if len(missing) > 0 {
				t.Errorf("%s: no comment on %v", p.Name(), missing)
			}
			return err
		})
	}
}

var every = []projections.Projector{jobs.Projector{}, activity.Projector{}, calendar.Projector{}, dashboard.Projector{}, messages.Projector{},
	timers.Projector{}, invoices.Projector{}, people.Projector{}, refs.Projector{}, access.Projector{}, diary.Projector{}}

// BenchmarkModel applies pages of 1,000 events to one read model alone.
func BenchmarkModel(b *testing.B) {
	for _, p := range every {
		b.Run(p.Name(), func(b *testing.B) {
			pages := story.Pages(b, 1000, b.N)
			m := story.NewSchema(b, postgres.TestDB(b), p.Name(), p)
			b.ResetTimer()
			m.Apply(pages...)
			b.ReportMetric(float64(len(pages)*1000)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkAllModels applies them to every read model at once, each on a connection of its own, as a process that runs them all does in
// catch-up. Reading and decoding come on top.
func BenchmarkAllModels(b *testing.B) {
	pages := story.Pages(b, 1000, b.N)
	pool := postgres.TestDB(b)
	var models []*story.Schema
	for _, p := range every {
		models = append(models, story.NewSchema(b, pool, p.Name(), p))
	}
	b.ResetTimer()
	var all sync.WaitGroup
	for _, m := range models {
		all.Go(func() { m.Apply(pages...) })
	}
	all.Wait()
	b.ReportMetric(float64(len(pages)*1000)/b.Elapsed().Seconds(), "events/s")
}
