package dashboard_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/projections/dashboard"
	"github.com/dragoman-booking/dragoman/projections/jobrow/jobtest"
	"github.com/dragoman-booking/dragoman/projections/projtest"
)

func TestSameRowsHoweverTheyCome(t *testing.T) {
	t.Parallel()
	jobtest.SameRows(t, dashboard.Projector{})
}

func tiles(t *testing.T, b *projtest.Bench, v access.Viewer) dashboard.Tiles {
	t.Helper()
	got, err := dashboard.Queries{Models: b.Models}.Tiles(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Two jobs are booked, one due this month and one the next; one is completed, one passes unclosed (LL-08, D-07, D-08).
func TestLL08TheFourTiles(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	w := jobtest.NewWriter(log)
	b := projtest.Start(t, log, dashboard.Projector{})
	check := func(when string, now time.Time, want dashboard.Tiles) {
		t.Helper()
		b.Await(t, log.Events().Last().Position, dashboard.Name)
		for name, v := range map[string]access.Viewer{"requestor": jobtest.Requestor, "assigner": jobtest.Assigner} {
			if got := tiles(t, b, jobtest.When(v, now)); got != want {
				t.Errorf("%s, %s: %+v, want %+v", when, name, got, want)
			}
		}
		if got := tiles(t, b, jobtest.When(jobtest.Foreign, now)); got != (dashboard.Tiles{}) {
			t.Errorf("%s, another customer: %+v", when, got)
		}
	}
	march := func(day, hour int) time.Time { return time.Date(2020, 3, day, hour, 0, 0, 0, time.UTC) }

	w.On(1, jobtest.Book(1, booking.Over24Hours, jobtest.Wanted(1, "2020-03-26T10:00", 60)))
	w.On(2, jobtest.Book(2, booking.Over24Hours, jobtest.Wanted(2, "2020-04-02T10:00", 60)))
	check("booked", march(24, 10), dashboard.Tiles{NewThisMonth: 2, DueThisMonth: 1})
	w.On(1, jobtest.Assign(1, jobtest.Ana))
	check("assigned", march(24, 10), dashboard.Tiles{NewThisMonth: 2, DueThisMonth: 1})
	check("a minute before its end", march(26, 10).Add(59*time.Minute), dashboard.Tiles{NewThisMonth: 2, DueThisMonth: 1})
	check("at its end", march(26, 11), dashboard.Tiles{NewThisMonth: 2, DueThisMonth: 1, RequiringClosure: 1})
	w.After(50*time.Hour).On(1, jobtest.Submit(1, 60))
	check("hours entered", march(26, 12), dashboard.Tiles{NewThisMonth: 2, DueThisMonth: 1})
	w.On(1, jobtest.Settle(1, 60))
	check("completed", march(26, 12), dashboard.Tiles{NewThisMonth: 2, CompletedThisMonth: 1})
	check("in the next month", time.Date(2020, 4, 2, 12, 0, 0, 0, time.UTC), dashboard.Tiles{DueThisMonth: 1, RequiringClosure: 1}) // a new job whose time has passed (D-08)
	w.On(2, booking.EtaChanged{Job: jobtest.Job(2), ETA: jobtest.Local("2020-05-01T10:00")})
	check("moved into May", time.Date(2020, 4, 2, 12, 0, 0, 0, time.UTC), dashboard.Tiles{})
	w.On(2, booking.Cancelled{Jobs: []booking.CancelledJob{{Job: jobtest.Job(2), From: domain.New}}})
	check("cancelled", time.Date(2020, 5, 2, 12, 0, 0, 0, time.UTC), dashboard.Tiles{})
	check("created all the same", march(31, 12), dashboard.Tiles{NewThisMonth: 2, CompletedThisMonth: 1})
}

// The month turns at midnight where the viewer is.
func TestMonthsAreTheViewers(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	w := jobtest.NewWriter(log)
	w.At = time.Date(2020, 3, 31, 23, 30, 0, 0, time.UTC) // 00:30 on the 1st of April in London
	at := w.On(1, jobtest.Book(1, booking.Over24Hours, jobtest.Wanted(1, "2020-05-01T00:30", 60)))
	b := projtest.Start(t, log, dashboard.Projector{})
	b.Await(t, at, dashboard.Name)
	in := func(zone string, now time.Time) dashboard.Tiles {
		v := jobtest.When(jobtest.Assigner, now)
		v.Zone = zone
		return tiles(t, b, v)
	}
	if got := in("Europe/London", w.At); got.NewThisMonth != 1 {
		t.Errorf("in London: %+v", got)
	}
	if got := in("UTC", w.At); got.NewThisMonth != 1 {
		t.Errorf("by UTC it is March and the job is March's: %+v", got)
	}
	if got := in("Europe/London", w.At.Add(-time.Hour)); got.NewThisMonth != 0 {
		t.Errorf("in London an hour earlier it is March: %+v", got)
	}
	may := time.Date(2020, 5, 15, 12, 0, 0, 0, time.UTC)
	if london, utc := in("Europe/London", may), in("UTC", may); london.DueThisMonth != 1 || utc.DueThisMonth != 0 {
		t.Errorf("due in May: London %+v, UTC %+v", london, utc) // 30 April, 23:30, by UTC
	}
}

func TestWhoseJobsAreCounted(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	at := jobtest.Tell(jobtest.NewWriter(log))
	b := projtest.Start(t, log, dashboard.Projector{})
	b.Await(t, at, dashboard.Name)
	for name, c := range map[string]struct {
		v    access.Viewer
		want int // jobs created this month, of five
	}{
		"assigner": {jobtest.Assigner, 5}, "auditor": {jobtest.Auditor, 5}, "analyst": {jobtest.Analyst, 5}, "requestor": {jobtest.Requestor, 4},
		"narrow": {jobtest.Narrow, 0}, "detective": {jobtest.Detective, 1}, "warden": {jobtest.Warden, 1}, "foreign": {jobtest.Foreign, 1},
		"worker": {jobtest.Worker, 5}, "other": {jobtest.Other, 2}, "nobody": {jobtest.Nobody, 0},
	} {
		if got := tiles(t, b, c.v); got.NewThisMonth != c.want {
			t.Errorf("%s: %+v, want %d new", name, got, c.want)
		}
	}
	if _, err := (dashboard.Queries{Models: b.Models}).Tiles(t.Context(), jobtest.Guest); !errors.Is(err, &domain.Refusal{Code: "not-permitted"}) {
		t.Errorf("a guest: %v", err)
	}
}

// Every tile is counted from an index, for staff and for a customer.
func TestPlansUseAnIndex(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	at := jobtest.People(jobtest.NewWriter(log))
	b := projtest.Start(t, log, dashboard.Projector{})
	b.Await(t, at, dashboard.Name)
	var schema string
	if err := b.Pool.QueryRow(t.Context(), `select format('rm_%s_%s', model, generation) from kept.models where model = $1`, dashboard.Name).Scan(&schema); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Pool.Exec(t.Context(), `
		insert into `+schema+`.jobs
		select gen_random_uuid(), case n % 3 when 0 then 'c0000000-0000-4000-8000-000000000001' else 'c0000000-0000-4000-8000-000000000009' end::uuid,
			'c1000000-0000-4000-8000-000000000001', 'c2000000-0000-4000-8000-000000000001', gen_random_uuid(), case when n < 1000 then 'new' else 'complete' end,
			s - interval '10 days', s, s, s + interval '1 hour', 'Europe/London', case when n < 1000 then null else s + interval '2 hours' end
		from (select n, '2020-04-02'::timestamptz - n * interval '16 minutes' as s from generate_series(1, $1::int) n) x`, 30_000); err != nil {
		t.Fatal(err)
	}
	// Until every row is known to be visible: while something still looks at the past, a count must look at the rows.
	for settled := false; !settled; {
		if _, err := b.Pool.Exec(t.Context(), `vacuum analyze `+schema+`.jobs`); err != nil {
			t.Fatal(err)
		}
		if err := b.Pool.QueryRow(t.Context(), `select relallvisible >= relpages from pg_class where oid = $1::regclass`, schema+`.jobs`).Scan(&settled); err != nil {
			t.Fatal(err)
		}
	}
	for name, v := range map[string]access.Viewer{"staff": jobtest.Assigner, "customer": jobtest.Requestor} {
		sql, args := dashboard.Statement(v)
		found, err := b.Pool.Query(t.Context(), "explain (analyze, timing off) "+strings.ReplaceAll(sql, "{dashboard}", schema), args...)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(found, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		plan := strings.Join(lines, "\n")
		if strings.Contains(plan, "Seq Scan") || strings.Count(plan, "Index")+strings.Count(plan, "Bitmap Heap") < 4 {
			t.Errorf("%s reads every row:\n%s", name, plan)
		}
		t.Logf("%s: %s", name, plan)
	}
}
