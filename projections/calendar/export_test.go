package calendar

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Statement is the calendar's statement, for looking at its plan.
var Statement = statement

// Load puts made-up jobs into the live generation, 2,700 a month, a third of them the police's, one in 500 known to the interpreter, and returns its schema.
func Load(t *testing.T, pool *pgxpool.Pool, jobs int, interpreter uuid.UUID) (schema string) {
	t.Helper()
	ctx := t.Context()
	if err := pool.QueryRow(ctx, `select format('rm_%s_%s', model, generation) from kept.models where model = $1`, Name).Scan(&schema); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(ctx, `
		insert into `+schema+`.jobs
		select gen_random_uuid(), 'DTP' || n, gen_random_uuid(), case n % 3 when 0 then 'c0000000-0000-4000-8000-000000000001' else 'c0000000-0000-4000-8000-000000000009' end::uuid,
			case n % 2 when 0 then 'c1000000-0000-4000-8000-000000000001'::uuid end, 'c2000000-0000-4000-8000-000000000001', gen_random_uuid(), gen_random_uuid(),
			'pl', 'face-to-face', case n % 10 when 0 then 'new' else 'complete' end, '', s, s, s + interval '1 hour', 60, 'Europe/London', null
		from (select n, '2021-01-01'::timestamptz - n * interval '16 minutes' as s from generate_series(1, $1::int) n) x`, jobs); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(ctx, `insert into `+schema+`.known
		select case n % 500 when 0 then $1 else uuid_in(md5((n % 500)::text)::cstring) end, job from (select job, row_number() over () as n from `+schema+`.jobs) x`,
		interpreter); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"jobs", "known"} {
		if _, err := pool.Exec(ctx, `analyze `+schema+`.`+table); err != nil {
			t.Fatal(err)
		}
	}
	return schema
}
