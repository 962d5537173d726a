package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// Verification is what comparing a live read model with a replay of the log has shown.
type Verification struct {
	Model       string
	Generation  int
	Position    eventschema.Position // up to which both go
	Events      int64                // replayed
	Rows        int64                // live ones, compared
	Differences []Difference         // at most DifferenceLimit of them; none: the live rows are what the log says
	More        bool                 // there are more
}

// Difference names one row by its key, never by its values.
type Difference struct {
	Table string
	Key   string // the primary key's values as a JSON array
	What  string // missing, extra or changed: of the live row
}

// DifferenceLimit is how many differences are named.
const DifferenceLimit = 100

// Verify shows whether a model's live rows are what the log says. The live rows and their checkpoint are taken in one snapshot, as a hash a
// row, so nothing stands still meanwhile; then the log is replayed exactly up to that checkpoint into a scratch generation, and both are
// compared chunk by chunk. ErrRebuilding if the model is being rebuilt.
func (r *Runner) Verify(ctx context.Context, model string) (v Verification, err error) {
	p, known := r.Models.projectors[model]
	if !known {
		return v, fmt.Errorf("%w: %s", ErrUnknownModel, model)
	}
	ctx, release, err := r.lock(ctx, lockPatience, model)
	if err != nil {
		return v, err
	}
	defer release()
	defer func() { err = cause(ctx, err) }()
	f, err := r.begin(ctx, p)
	if err != nil {
		return v, err
	}
	defer func() {
		if err := r.drop(context.WithoutCancel(ctx), f.schema()); err != nil {
			slog.Warn("scratch generation is left for the next sweep", "error", err)
		}
	}()

	live, upTo, err := r.snapshot(ctx, model, f.generation)
	if err != nil {
		return v, fmt.Errorf("take a snapshot of %s: %w", model, err)
	}
	v = Verification{Model: model, Generation: live.number, Position: upTo.at}
	err = r.Archive.ReadAll(ctx, eventschema.Position{}, func(page eventschema.Page) error {
		for len(page) > 0 && page.Last().Position.After(upTo.at) {
			page = page[:len(page)-1]
		}
		if len(page) == 0 {
			return eventschema.ErrStop
		}
		v.Events += int64(len(page))
		return f.take(ctx, r.Pool, page)
	})
	if err != nil {
		return v, fmt.Errorf("replay %s: %w", model, err)
	}
	err = pgx.BeginFunc(ctx, r.Pool, func(tx pgx.Tx) error {
		if err := hashRows(ctx, tx, f.schema(), f.schema()+".verify_replayed"); err != nil {
			return err
		}
		return compare(ctx, tx, f.schema(), &v)
	})
	if err != nil {
		return v, fmt.Errorf("compare %s with the log: %w", model, err)
	}
	return v, nil
}

// snapshot writes a hash of every live row into the scratch schema, all as of one instant, and returns how far the rows go.
func (r *Runner) snapshot(ctx context.Context, model string, scratch generation) (live generation, upTo checkpoint, err error) {
	err = r.Models.fresh(ctx, func(p *pointers) error {
		if live, err = p.generation(r.Models, model); err != nil {
			return err
		}
		err := pgx.BeginTxFunc(ctx, r.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
			if upTo, err = live.load(ctx, tx, ""); err != nil {
				return err
			}
			return hashRows(ctx, tx, live.schema(), scratch.schema()+".verify_live")
		})
		if errors.Is(err, errMoved) {
			return fmt.Errorf("%w: %s was retired", ErrNotReady, live.schema()) // look again
		}
		return err
	})
	if err != nil {
		return live, upTo, err
	}
	return live, upTo, r.sameLog(ctx, upTo, nil)
}

// hashRows writes key and hash of every row of every table of a schema into a new table.
func hashRows(ctx context.Context, tx pgx.Tx, schema, into string) error {
	_, err := tx.Exec(ctx, `create unlogged table `+into+` (relation text, key text, hash text, primary key (relation, key))`)
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `
		select c.relname::text, coalesce((
			select array_agg(quote_ident(a.attname) order by k.n)
			from pg_index i, unnest(i.indkey) with ordinality k (attnum, n) join pg_attribute a on a.attnum = k.attnum
			where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid), '{}') as key
		from pg_class c
		where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
		and c.relname not in ('checkpoint', 'verify_live', 'verify_replayed')
		order by 1`, schema)
	if err != nil {
		return err
	}
	type table struct {
		Name string
		Key  []string
	}
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	if err != nil {
		return err
	}
	for _, t := range tables {
		if len(t.Key) == 0 {
			return fmt.Errorf("table %s has no primary key, so its rows cannot be named", t.Name)
		}
		_, err := tx.Exec(ctx, fmt.Sprintf(`insert into %s select %s, jsonb_build_array(%s)::text, md5(t::text) from %s.%s t`,
			into, quote(t.Name), strings.Join(t.Key, ", "), schema, pgx.Identifier{t.Name}.Sanitize()))
		if err != nil {
			return fmt.Errorf("hash the rows of %s: %w", t.Name, err)
		}
	}
	return nil
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// compare hashes both sides in chunks, each in the order of its keys, and looks into the chunks that differ.
func compare(ctx context.Context, tx pgx.Tx, scratch string, v *Verification) error {
	if _, err := tx.Exec(ctx, `set local search_path to `+scratch); err != nil {
		return err
	}
	const chunks = `select relation, left(md5(key), 2) as chunk, count(*) as n, md5(string_agg(key || hash, ',' order by key)) as hash from %s group by 1, 2`
	rows, err := tx.Query(ctx, fmt.Sprintf(`
		with live as (`+chunks+`), replayed as (`+chunks+`)
		select relation, chunk, coalesce(live.n, 0), live.hash is distinct from replayed.hash
		from live full join replayed using (relation, chunk) order by 1, 2`, "verify_live", "verify_replayed"))
	if err != nil {
		return err
	}
	var relation, chunk string
	var n int64
	var differs bool
	var relations, differing []string
	_, err = pgx.ForEachRow(rows, []any{&relation, &chunk, &n, &differs}, func() error {
		v.Rows += n
		if differs {
			relations, differing = append(relations, relation), append(differing, chunk)
		}
		return nil
	})
	if err != nil || len(differing) == 0 {
		return err
	}
	rows, err = tx.Query(ctx, `
		with chunks as (select * from unnest($1::text[], $2::text[]) as c (relation, chunk)),
		live as (select l.* from verify_live l join chunks c on c.relation = l.relation and c.chunk = left(md5(l.key), 2)),
		replayed as (select r.* from verify_replayed r join chunks c on c.relation = r.relation and c.chunk = left(md5(r.key), 2))
		select relation, key, case when live.hash is null then 'missing' when replayed.hash is null then 'extra' else 'changed' end
		from live full join replayed using (relation, key) where live.hash is distinct from replayed.hash
		order by 1, 2 limit $3`, relations, differing, DifferenceLimit+1)
	if err != nil {
		return err
	}
	v.Differences, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Difference])
	if len(v.Differences) > DifferenceLimit {
		v.Differences, v.More = v.Differences[:DifferenceLimit], true
	}
	return err
}
