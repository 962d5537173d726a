package jobs_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/activity"
	"github.com/dragoman-booking/dragoman/projections/jobs"
	"github.com/dragoman-booking/dragoman/projections/story"
)

// pageSize is a page in catch-up.
const pageSize = 1000

// BenchmarkProjection applies pages of 1,000 events to the two tables' models, jobs and activity, as a rebuild does.
func BenchmarkProjection(b *testing.B) {
	pages := story.Pages(b, pageSize, b.N)
	pool := postgres.TestDB(b)
	j, a := story.NewSchema(b, pool, "jobs", jobs.Projector{}), story.NewSchema(b, pool, "activity", activity.Projector{})
	b.ResetTimer()
	for _, page := range pages {
		j.Apply(page)
		a.Apply(page)
	}
	report(b, pages)
}

func BenchmarkJobs(b *testing.B) {
	pages := story.Pages(b, pageSize, b.N)
	j := story.NewSchema(b, postgres.TestDB(b), "jobs", jobs.Projector{})
	b.ResetTimer()
	j.Apply(pages...)
	report(b, pages)
}

func BenchmarkActivity(b *testing.B) {
	pages := story.Pages(b, pageSize, b.N)
	a := story.NewSchema(b, postgres.TestDB(b), "activity", activity.Projector{})
	b.ResetTimer()
	a.Apply(pages...)
	report(b, pages)
}

// BenchmarkPlainUpserts writes the same rows with the same statements, prepared before the clock runs: what is left when nothing is read,
// decided or folded. The difference to BenchmarkProjection is what projecting costs.
func BenchmarkPlainUpserts(b *testing.B) {
	pages := story.Pages(b, pageSize, b.N)
	pool := postgres.TestDB(b)
	batches := map[string][]*pgx.Batch{}
	for name, p := range map[string]projections.Projector{"jobs": jobs.Projector{}, "activity": activity.Projector{}} {
		first := story.NewSchema(b, pool, "first_"+name, p)
		for _, page := range pages {
			first.Begin(func(tx pgx.Tx) error {
				r := &recorder{Tx: tx}
				err := p.Apply(b.Context(), r, page)
				batches[name] = append(batches[name], r.written)
				return err
			})
		}
	}
	j, a := story.NewSchema(b, pool, "jobs", jobs.Projector{}), story.NewSchema(b, pool, "activity", activity.Projector{})
	b.ResetTimer()
	for i := range pages {
		for _, s := range []*story.Schema{j, a} {
			s.Begin(func(tx pgx.Tx) error { return tx.SendBatch(b.Context(), batches[s.Name][i]).Close() })
		}
	}
	report(b, pages)
}

// recorder keeps the writing statements of a transaction.
type recorder struct {
	pgx.Tx
	written *pgx.Batch
}

func (r *recorder) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	kept := &pgx.Batch{}
	for _, q := range b.QueuedQueries {
		if !strings.HasPrefix(strings.TrimSpace(q.SQL), "select") {
			kept.Queue(q.SQL, q.Arguments...)
		}
	}
	if kept.Len() > 0 {
		r.written = kept
	}
	return r.Tx.SendBatch(ctx, b)
}

func report(b *testing.B, pages []eventschema.Page) {
	events := 0
	for _, p := range pages {
		events += len(p)
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(events), "µs/event")
}
