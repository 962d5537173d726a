package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// KeptTable is a table of schema kept with the columns that are dumped and how many rows there were.
type KeptTable struct {
	Name    string
	Columns []string
	Rows    int64
}

// notDumped are the tables of schema kept that a backup leaves out, and why.
var notDumped = map[string]string{
	"migrations":       "the version is noted instead",
	"models":           "read models are built anew",
	"leases":           "of the processes that run now",
	"sessions":         "those revoked later would live again: everybody signs in anew",
	"one_time_tokens":  "a link that was used later would work again",
	"sign_in_attempts": "over within minutes",
	"backups":          "of the deployment that was backed up",
}

// DumpKept writes every table of schema kept that is worth keeping, as of one moment, to whatever table returns. Tables come in an order in which
// they can be filled. version is that of the schema's migrations.
func DumpKept(ctx context.Context, conn *pgx.Conn, table func(name string, dump func(io.Writer) error) error) (version int64, tables []KeptTable, err error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return 0, nil, fmt.Errorf("dump schema kept: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	// Whoever reads at the pace of a slow disk is not idle.
	if _, err := tx.Exec(ctx, `set local idle_in_transaction_session_timeout to 0; set local statement_timeout to 0`); err != nil {
		return 0, nil, fmt.Errorf("dump schema kept: %w", err)
	}
	if err := tx.QueryRow(ctx, `select max(version_id) from kept.migrations where is_applied`).Scan(&version); err != nil {
		return 0, nil, fmt.Errorf("read the version of schema kept: %w", err)
	}
	if tables, err = keptTables(ctx, tx); err != nil {
		return 0, nil, fmt.Errorf("list the tables of schema kept: %w", err)
	}
	for i := range tables {
		t := &tables[i]
		err := table(t.Name, func(to io.Writer) error {
			done, err := conn.PgConn().CopyTo(ctx, to, t.copy("to stdout"))
			t.Rows = done.RowsAffected()
			return err
		})
		if err != nil {
			return 0, nil, fmt.Errorf("dump table kept.%s: %w", t.Name, err)
		}
	}
	return version, tables, nil
}

func (t KeptTable) copy(direction string) string {
	var columns []string
	for _, c := range t.Columns {
		columns = append(columns, pgx.Identifier{c}.Sanitize())
	}
	return fmt.Sprintf(`copy %s (%s) %s`, pgx.Identifier{"kept", t.Name}.Sanitize(), strings.Join(columns, ", "), direction)
}

// keptTables lists the tables to dump, those that others refer to first.
func keptTables(ctx context.Context, tx pgx.Tx) ([]KeptTable, error) {
	rows, err := tx.Query(ctx, `
		select c.relname, array_agg(a.attname order by a.attnum)::text[],
			coalesce((select array_agg(r.confrelid::regclass::text) from pg_constraint r where r.conrelid = c.oid and r.contype = 'f'), '{}')::text[]
		from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
		where n.nspname = 'kept' and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
		group by c.oid, c.relname order by c.relname`)
	if err != nil {
		return nil, err
	}
	type found struct {
		KeptTable
		needs []string
	}
	var all []found
	var f found
	if _, err := pgx.ForEachRow(rows, []any{&f.Name, &f.Columns, &f.needs}, func() error {
		if notDumped[f.Name] == "" {
			all = append(all, found{KeptTable{Name: f.Name, Columns: slices.Clone(f.Columns)}, slices.Clone(f.needs)})
		}
		return nil
	}); err != nil {
		return nil, err
	}
	var ordered []KeptTable
	placed := map[string]bool{}
	for len(ordered) < len(all) {
		before := len(ordered)
		for _, f := range all {
			if placed["kept."+f.Name] || slices.ContainsFunc(f.needs, func(need string) bool { return !placed[need] && need != "kept."+f.Name }) {
				continue
			}
			ordered, placed["kept."+f.Name] = append(ordered, f.KeptTable), true
		}
		if len(ordered) == before {
			return nil, errors.New("their references go in a circle, or to a table that is not dumped")
		}
	}
	return ordered, nil
}

// ErrNotEmpty: the database holds a deployment, or something else where ours would go.
var ErrNotEmpty = errors.New("the database is not empty")

// CheckEmpty tells, by ErrNotEmpty, that a database holds a deployment's kept, or read models. A schema kept as Migrate makes it is empty.
func CheckEmpty(ctx context.Context, pool *pgxpool.Pool) error {
	rows, _ := pool.Query(ctx, `select nspname from pg_namespace where nspname like 'rm\_%' order by 1 limit 1`)
	models, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look into the database: %w", err)
	}
	if len(models) > 0 {
		return fmt.Errorf("%w: it holds schema %s", ErrNotEmpty, models[0])
	}
	if restoring, err := isRestoring(ctx, pool); err != nil {
		return err
	} else if restoring {
		return fmt.Errorf("%w: %w", ErrNotEmpty, ErrHalfRestored)
	}
	// A table that a migration fills says nothing; without a row in these there is no deployment.
	rows, _ = pool.Query(ctx, `select tablename from pg_tables where schemaname = 'kept'
		and tablename in ('deployment', 'credentials', 'personal_keys', 'master_key_check', 'reaction_checkpoints') order by 1`)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look into the database: %w", err)
	}
	for _, table := range tables {
		name := pgx.Identifier{"kept", table}.Sanitize()
		var holds bool
		if err := pool.QueryRow(ctx, `select exists (select from `+name+`)`).Scan(&holds); err != nil {
			return fmt.Errorf("look into the database: %w", err)
		}
		if holds {
			return fmt.Errorf("%w: it holds rows in %s", ErrNotEmpty, name)
		}
	}
	return nil
}

// ErrHalfRestored: a restore into the database was begun and not finished.
var ErrHalfRestored = errors.New("a restore into this database was not finished: empty it (drop its schema kept) and restore again")

func isRestoring(ctx context.Context, pool *pgxpool.Pool) (restoring bool, err error) {
	if err := pool.QueryRow(ctx, `select to_regclass('kept.restoring') is not null`).Scan(&restoring); err != nil {
		return false, fmt.Errorf("look whether a restore was finished: %w", err)
	}
	return restoring, nil
}

// LoadKept makes schema kept anew as it was at a version of its migrations, fills it with what table hands on, and brings it up to date. An empty
// schema of that name gives way. The database is marked as half restored until EndRestore: Migrate, and so every start, refuses it.
func LoadKept(ctx context.Context, pool *pgxpool.Pool, version int64, tables []KeptTable, table func(name string, load func(io.Reader) error) error) error {
	if err := CheckEmpty(ctx, pool); err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, `drop schema if exists kept cascade; create schema kept; create table kept.restoring (begun_at timestamptz not null default now())`,
		pgx.QueryExecModeSimpleProtocol); err != nil {
		return fmt.Errorf("begin the restore of schema kept: %w", err)
	}
	if err := migrateTo(ctx, pool, version, true); err != nil {
		return fmt.Errorf("make schema kept as it was: %w", err)
	}
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `set local statement_timeout to 0; set local idle_in_transaction_session_timeout to 0`,
			pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		for _, t := range slices.Backward(tables) { // what a migration filled gives way
			if _, err := tx.Exec(ctx, `delete from `+pgx.Identifier{"kept", t.Name}.Sanitize()); err != nil {
				return fmt.Errorf("empty table kept.%s: %w", t.Name, err)
			}
		}
		for _, t := range tables {
			err := table(t.Name, func(from io.Reader) error {
				done, err := tx.Conn().PgConn().CopyFrom(ctx, from, t.copy("from stdin"))
				if err == nil && done.RowsAffected() != t.Rows {
					err = fmt.Errorf("%d rows came, not %d", done.RowsAffected(), t.Rows)
				}
				return err
			})
			if err != nil {
				return fmt.Errorf("table kept.%s: %w", t.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("fill schema kept: %w", err)
	}
	if err := migrateTo(ctx, pool, newestVersion, true); err != nil {
		return fmt.Errorf("bring schema kept up to date: %w", err)
	}
	return nil
}

// EndRestore takes the mark of LoadKept off, in the caller's transaction.
func EndRestore(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `drop table kept.restoring`); err != nil {
		return fmt.Errorf("end the restore: %w", err)
	}
	return nil
}
