package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// table is a read model's table and its copy without a projector.
type table struct {
	schema, name string
	columns      []column
	key          []string
}

type column struct{ name, kind string }

// plainSchema is where the plain copies lie.
const plainSchema = "plain"

// tablesOf are the tables of the live generations of some models, in one order.
func tablesOf(ctx context.Context, pool *pgxpool.Pool, models ...string) (all []table, err error) {
	rows, err := pool.Query(ctx, `
		select n.nspname, c.relname, array_agg(a.attname order by a.attnum), array_agg(format_type(a.atttypid, a.atttypmod) order by a.attnum),
			array(select k.attname from pg_index i join pg_attribute k on k.attrelid = i.indrelid and k.attnum = any(i.indkey)
				where i.indrelid = c.oid and i.indisprimary)
		from kept.models m join pg_namespace n on n.nspname = format('rm_%s_%s', m.model, m.generation)
		join pg_class c on c.relnamespace = n.oid and c.relkind = 'r' and c.relname <> 'checkpoint'
		join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
		where m.model = any($1) group by n.nspname, c.relname, c.oid order by n.nspname, c.relname`, models)
	if err != nil {
		return nil, fmt.Errorf("list the read models' tables: %w", err)
	}
	var t table
	var names, kinds []string
	_, err = pgx.ForEachRow(rows, []any{&t.schema, &t.name, &names, &kinds, &t.key}, func() error {
		t.columns = nil
		for i := range names {
			t.columns = append(t.columns, column{names[i], kinds[i]})
		}
		t.key = append([]string(nil), t.key...)
		all = append(all, t)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the read models' tables: %w", err)
	}
	return all, nil
}

func (t table) source() string { return pgx.Identifier{t.schema, t.name}.Sanitize() }
func (t table) copied() string {
	return pgx.Identifier{plainSchema, t.schema + "_" + t.name}.Sanitize()
}

// names are the columns, but for those that the database computes.
func (t table) names() string {
	var names []string
	for _, c := range t.columns {
		names = append(names, pgx.Identifier{c.name}.Sanitize())
	}
	return strings.Join(names, ", ")
}

// preparePlain makes empty copies of tables, with the same indexes, or, filled, with the same rows.
func preparePlain(ctx context.Context, pool *pgxpool.Pool, tables []table, filled bool) error {
	script := `drop schema if exists ` + plainSchema + ` cascade; create schema ` + plainSchema + `;`
	for _, t := range tables {
		script += fmt.Sprintf(`create table %s (like %s including all);`, t.copied(), t.source())
		if filled {
			script += fmt.Sprintf(`insert into %s (%s) select %[2]s from %[3]s;`, t.copied(), t.names(), t.source())
		}
	}
	if _, err := pool.Exec(ctx, script); err != nil {
		return fmt.Errorf("make plain copies: %w", err)
	}
	_, err := pool.Exec(ctx, `vacuum analyze`)
	return err
}

// copyPortion is how many rows go out in one COPY and one transaction.
const copyPortion = 10_000

// copyPlainly writes all rows of the tables into their empty copies by COPY, as a program would that has them in memory. Only the writing is
// timed.
func copyPlainly(ctx context.Context, pool *pgxpool.Pool, tables []table, timed func(func() error) error) error {
	for _, t := range tables {
		if err := copyTable(ctx, pool, t, timed); err != nil {
			return fmt.Errorf("copy %s: %w", t.name, err)
		}
	}
	return nil
}

func copyTable(ctx context.Context, pool *pgxpool.Pool, t table, timed func(func() error) error) error {
	var names []string
	for _, c := range t.columns {
		names = append(names, c.name)
	}
	found, err := pool.Query(ctx, `select `+t.names()+` from `+t.source())
	if err != nil {
		return err
	}
	defer found.Close()
	for more := true; more; {
		var portion [][]any
		for len(portion) < copyPortion {
			if more = found.Next(); !more {
				break
			}
			row := make([]any, len(t.columns))
			targets := make([]any, len(t.columns))
			for i, c := range t.columns {
				row[i] = cell(c.kind)
				targets[i] = row[i]
			}
			if err := found.Scan(targets...); err != nil {
				return err
			}
			portion = append(portion, row)
		}
		if len(portion) == 0 {
			break
		}
		err := timed(func() error {
			_, err := pool.CopyFrom(ctx, pgx.Identifier{plainSchema, t.schema + "_" + t.name}, names, pgx.CopyFromRows(portion))
			return err
		})
		if err != nil {
			return err
		}
	}
	return found.Err()
}

// cell is where a column's value is read to, and what it is written from.
func cell(kind string) any {
	switch kind {
	case "uuid":
		return &pgtype.UUID{}
	case "timestamp with time zone":
		return &pgtype.Timestamptz{}
	case "date":
		return &pgtype.Date{}
	case "bigint":
		return &pgtype.Int8{}
	case "integer":
		return &pgtype.Int4{}
	case "boolean":
		return &pgtype.Bool{}
	case "uuid[]":
		return &pgtype.FlatArray[pgtype.UUID]{}
	case "text[]":
		return &pgtype.FlatArray[string]{}
	case "jsonb":
		return &json.RawMessage{}
	}
	return &pgtype.Text{}
}

// portion is the rows of one table that one page of events changed, column by column.
type portion struct {
	table  table
	values []any
	n      int
}

// upsertStatement writes a portion: insert, or overwrite the row that has the key.
func (t table) upsertStatement() string {
	var sources, sets []string
	for i, c := range t.columns {
		_, cast := carrier(c.kind)
		sources = append(sources, fmt.Sprintf("$%d::%s[]", i+1, cast))
	}
	selected := make([]string, len(t.columns))
	for i, c := range t.columns {
		selected[i] = fmt.Sprintf("c%d::%s", i+1, c.kind)
		if !contains(t.key, c.name) {
			name := pgx.Identifier{c.name}.Sanitize()
			sets = append(sets, name+" = excluded."+name)
		}
	}
	var aliases []string
	for i := range t.columns {
		aliases = append(aliases, fmt.Sprintf("c%d", i+1))
	}
	action := "do nothing"
	if len(sets) > 0 {
		action = "do update set " + strings.Join(sets, ", ")
	}
	return fmt.Sprintf("insert into %s (%s) select %s from unnest(%s) as t (%s) on conflict (%s) %s", t.copied(), t.names(),
		strings.Join(selected, ", "), strings.Join(sources, ", "), strings.Join(aliases, ", "), strings.Join(t.key, ", "), action)
}

// carrier is how a column's values travel in an array, and the type of the array's elements: lists and documents go as text.
func carrier(kind string) (make func() any, cast string) {
	switch kind {
	case "uuid":
		return func() any { return &[]pgtype.UUID{} }, "uuid"
	case "timestamp with time zone":
		return func() any { return &[]pgtype.Timestamptz{} }, "timestamptz"
	case "bigint":
		return func() any { return &[]pgtype.Int8{} }, "bigint"
	case "integer":
		return func() any { return &[]pgtype.Int4{} }, "integer"
	case "boolean":
		return func() any { return &[]pgtype.Bool{} }, "boolean"
	}
	return func() any { return &[]pgtype.Text{} }, "text"
}

// portionOf reads rows of a table by a condition, column by column: each column as one array.
func portionOf(ctx context.Context, pool *pgxpool.Pool, t table, condition string, args ...any) (portion, error) {
	p := portion{table: t}
	var columns []string
	var targets []any
	for _, c := range t.columns {
		make, cast := carrier(c.kind)
		columns = append(columns, fmt.Sprintf("coalesce(array_agg(%s::%s), '{}')", pgx.Identifier{c.name}.Sanitize(), cast))
		target := make()
		p.values, targets = append(p.values, target), append(targets, target)
	}
	query := fmt.Sprintf("select count(*), %s from %s where %s", strings.Join(columns, ", "), t.source(), condition)
	if err := pool.QueryRow(ctx, query, args...).Scan(append([]any{&p.n}, targets...)...); err != nil {
		return p, fmt.Errorf("read rows of %s: %w", t.name, err)
	}
	return p, nil
}

// upsertPlainly writes portions, those of a page in one transaction and one round trip.
func upsertPlainly(ctx context.Context, pool *pgxpool.Pool, pages [][]portion) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	for _, page := range pages {
		b := &pgx.Batch{}
		b.Queue(`begin`)
		for _, p := range page {
			if p.n > 0 {
				b.Queue(p.table.upsertStatement(), p.values...)
			}
		}
		b.Queue(`commit`)
		if err := conn.SendBatch(ctx, b).Close(); err != nil {
			return fmt.Errorf("write a page of rows: %w", err)
		}
	}
	return nil
}

// portions are, page by page of the tail, the rows that the two models wrote: each job that the page touched, each note, and each row that
// began with one of its events.
func portions(ctx context.Context, pool *pgxpool.Pool, tables []table, pages []pageOfTail) (all [][]portion, rows int, err error) {
	for _, page := range pages {
		var out []portion
		for _, t := range tables {
			condition, args := page.condition(t)
			if condition == "" {
				continue
			}
			p, err := portionOf(ctx, pool, t, condition, args...)
			if err != nil {
				return nil, 0, err
			}
			rows += p.n
			out = append(out, p)
		}
		all = append(all, out)
	}
	return all, rows, nil
}

// pageOfTail is what a page of events touched.
type pageOfTail struct {
	first, last uint64      // commit positions
	touched     []uuid.UUID // jobs
	born        []uuid.UUID // jobs that the page made
	revisions   []int64     // beside touched: the numbers of the events that touched them, for rows that began with one
	of          []uuid.UUID
}

// condition finds a table's rows of a page; empty: none.
func (p pageOfTail) condition(t table) (string, []any) {
	has := func(name string) bool {
		for _, c := range t.columns {
			if c.name == name {
				return true
			}
		}
		return false
	}
	switch {
	case has("commit_pos"):
		return "commit_pos between $1 and $2", []any{int64(p.first), int64(p.last)}
	case has("revision") && t.name != "jobs":
		return "(job, revision) in (select * from unnest($1::uuid[], $2::bigint[]))", []any{p.of, p.revisions}
	case t.name == "jobs" && !strings.Contains(t.schema, "activity"):
		return "job = any($1)", []any{p.touched}
	case has("job"):
		return "job = any($1)", []any{p.born}
	}
	return "", nil // names of people and places: nothing of them is in the tail
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// stopwatch measures a stretch of work by the wall and by CPU.
func stopwatch(p processes, work func() error) (time.Duration, cpu, error) {
	before, began := p.spent(), time.Now()
	err := work()
	return time.Since(began), p.spent().since(before), err
}
