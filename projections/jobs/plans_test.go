package jobs_test

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/jobs"
	"github.com/dragoman-booking/dragoman/projections/story"
)

// scale is how many jobs the plans are looked at with: three years of them, the next month's live, a backlog of unclosed ones.
const scale = 100_000

// fill makes so many rows in the shape that the projector leaves: a third of the jobs the police's, each known to two interpreters of 500.
func fill(t testing.TB, s *story.Schema) {
	t.Helper()
	s.In(func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `
			create function pg_temp.uid(text) returns uuid language sql immutable as $$ select uuid_in(md5($1)::cstring) $$;
			insert into jobs
			select pg_temp.uid('job' || n), 'DTP' || 100000 + n, pg_temp.uid('booking' || n / 2), 'B' || n / 2,
				case n % 3 when 0 then '`+story.Police.String()+`'::uuid else pg_temp.uid('customer' || n % 3) end,
				case n % 6 when 0 then '`+story.North.String()+`'::uuid when 3 then '`+story.South.String()+`'::uuid end, null, 'face-to-face', 1, st,
				case st when 'complete' then 'success' else '' end, 5, 'pl', 'face-to-face', s, 'Europe/London', 60, null, s, s + interval '1 hour', null,
				pg_temp.uid('user'), pg_temp.uid('user'), s - interval '10 days', null, '', null, null, '{}', null, null, '', '', false, 0, null, '{}', s - interval '10 days'
			from (select n, s, case when s > '2020-03-24' then (array['new', 'assigned', 'assigned', 'assigned'])[1 + n % 4]
					when n % 200 = 0 then 'new' when n % 200 = 1 then 'assigned' when n % 200 = 2 then 'ongoing' when n % 20 = 3 then 'cancelled' else 'complete' end as st
				from (select n, '2020-04-24'::timestamptz - n * interval '16 minutes' as s from generate_series(1, `+strconv.Itoa(scale)+`) n) a) b;
			insert into details (job, ref, booking, booking_ref, line1, line2, town, postcode, outward, addressed, bill_to, language_tier, alternative_languages, fields, policy)
			select job, ref, booking, booking_ref, 'Park St', '', 'Leeds', 'LS1 4AP', 'LS1', true, '', '', '{}',
				jsonb_build_object('reportTo', jsonb_build_object('t', array['Desk' || n])), '{}' from (select *, row_number() over () as n from jobs) j;
			insert into parties select case n % 500 when 7 then '`+story.Ana.String()+`'::uuid else pg_temp.uid('lin' || n % 500) end, job
			from (select job, row_number() over () as n from jobs) j;
			insert into tallies select customer, status, (starts_at at time zone 'UTC')::date, count(*) from jobs group by 1, 2, 3;
			insert into tallies select '00000000-0000-0000-0000-000000000000', status, day, sum(n) from tallies group by 2, 3;`)
		return err
	})
}

// settle vacuums until every row is known to be visible: while something still looks at the past, a count must look at the rows.
func settle(t testing.TB, pool *pgxpool.Pool, tables ...string) {
	t.Helper()
	for _, table := range tables {
		for settled := false; !settled; {
			if _, err := pool.Exec(t.Context(), "vacuum analyze "+table); err != nil {
				t.Fatal(err)
			}
			if err := pool.QueryRow(t.Context(), "select relallvisible >= relpages from pg_class where oid = $1::regclass", table).Scan(&settled); err != nil {
				t.Fatal(err)
			}
		}
	}
}

var hits = regexp.MustCompile(`Buffers: shared hit=(\d+)(?: read=(\d+))?`)

// No list, no count, no search reads every row, for anyone; a page of a list reads a few hundred blocks however many jobs there are.
func TestPlansUseIndexes(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	s := story.NewSchema(t, pool, "scale", jobs.Projector{})
	fill(t, s)
	settle(t, pool, "scale.details", "scale.parties", "scale.jobs", "scale.tallies")
	now := story.At("2020-03-24T12:00")
	filters := map[string]jobs.Filter{"all": {}, "a day": {From: story.At("2020-02-03T00:00"), To: story.At("2020-02-04T00:00")}, "words": {Q: "desk777"}, "ref": {Q: "DTP100777"}}
	for _, name := range jobs.Lists() {
		filters[name] = jobs.Filter{List: name}
	}
	for _, column := range []string{"waitingOn", "nextStep"} {
		for _, name := range []string{"", jobs.Upcoming, jobs.RequiringClosure, jobs.Completed} {
			for _, order := range []string{column, "-" + column} {
				filters[name+" by "+order] = jobs.Filter{List: name, Sort: order}
			}
		}
		filters["assigned by "+column] = jobs.Filter{Status: domain.Assigned, Sort: column}
		filters["complete by "+column] = jobs.Filter{Status: domain.Complete, Sort: column}
		for _, text := range []string{"agen", "cust", "submit", "nobody"} {
			filters[column+" has "+text] = jobs.Filter{Columns: map[string]string{column: text}}
		}
	}
	for _, name := range []string{jobs.AssignedList, jobs.Completed, ""} {
		filters["an interpreter's "+name] = jobs.Filter{List: name, Interpreter: story.Ana}
	}
	for who, v := range map[string]access.Viewer{"staff": story.As(story.Sam, now), "customer": story.As(story.Rita, now), "narrowed": story.As(story.Nora, now),
		"interpreter": story.As(story.Ana, now)} {
		for name, f := range filters {
			s.In(func(tx pgx.Tx) error {
				page, count, err := jobs.Statements(t.Context(), tx, v, f)
				if errors.Is(err, projections.ErrUnknownField) && who == "interpreter" {
					return nil // who does not read what is waited for
				}
				if err != nil {
					return err
				}
				for what, asked := range map[string]jobs.Statement{"page": page, "count": count} {
					rows, err := tx.Query(t.Context(), "explain (analyze, buffers, timing off) "+asked.SQL, asked.Args...)
					if err != nil {
						return fmt.Errorf("%s %s: %w", who, name, err)
					}
					lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
					if err != nil {
						return err
					}
					plan := strings.Join(lines, "\n")
					for _, table := range []string{"jobs", "details", "parties"} {
						if strings.Contains(plan, "Seq Scan on "+table) {
							t.Errorf("%s, %s, %s reads every row:\n%s", who, name, what, plan)
						}
					}
					blocks := blocksOf(plan)
					if what == "page" && blocks > 1500 {
						t.Errorf("%s, %s: a page reads %d blocks:\n%s", who, name, blocks, plan)
					}
					t.Logf("%-12s %-18s %-6s %6d blocks, %s", who, name, what, blocks, lines[len(lines)-1])
				}
				return nil
			})
		}
	}
}

// What waits for a customer is found without looking at the jobs that lie ahead, were they most of all.
func TestWaitingReadsFewBlocks(t *testing.T) {
	t.Parallel()
	pool := postgres.TestDB(t)
	s := story.NewSchema(t, pool, "scale", jobs.Projector{})
	fill(t, s)
	if _, err := pool.Exec(t.Context(), `update scale.jobs set status = 'assigned' where status = 'complete'`); err != nil {
		t.Fatal(err)
	}
	settle(t, pool, "scale.details", "scale.jobs")
	s.In(func(tx pgx.Tx) error {
		asked, err := jobs.WaitingCount(story.As(story.Rita, story.At("2017-04-20T12:00")))
		if err != nil {
			return err
		}
		rows, err := tx.Query(t.Context(), "explain (analyze, buffers, timing off) "+asked.SQL, asked.Args...)
		if err != nil {
			return err
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if plan := strings.Join(lines, "\n"); strings.Contains(plan, "Seq Scan on jobs") || blocksOf(plan) > 1500 {
			t.Errorf("%d blocks:\n%s", blocksOf(plan), plan)
		}
		t.Logf("%d blocks", blocksOf(strings.Join(lines, "\n")))
		return err
	})
}

// blocksOf is how many blocks a plan says that it read.
func blocksOf(plan string) (blocks int) {
	if m := hits.FindStringSubmatch(plan); m != nil {
		for _, n := range m[1:] {
			i, _ := strconv.Atoi(n)
			blocks += i
		}
	}
	return blocks
}
