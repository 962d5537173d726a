// Package analysts lets analysts query the read models with SQL: documented views in the schema analysis, read through a role that can do
// nothing else.
//
// A view has its owner's rights over the tables beneath, so the role needs none of its own there; what a view leaves out, it cannot reach.
// When a generation of a read model is swapped for another, all views are made anew in a schema beside, and the two schemas change names in the
// swap's own transaction. Renaming a schema waits for nobody: a query that runs goes on reading the old views, and an analyst who leaves a
// transaction open holds up no rebuild.
//
// Pseudonyms are those of package pseudonyms. The views read their key; whoever reads the views cannot.
package analysts

import (
	"context"
	"crypto/sha256"
	_ "embed" // the views lie beside this file
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections/pseudonyms"
)

// Schema is where the views lie.
const Schema = "analysis"

//go:embed views.sql
var viewsSQL string

// view is one of views.sql: the statements that make it, over the tables of one read model.
type view struct{ name, model, sql string }

var (
	viewHead  = regexp.MustCompile(`(?m)^-- view (\w+) of (\w+)$`)
	pseudonym = regexp.MustCompile(`\{(interpreter|user) ([\w.]+)\}`)
	views     = parse(viewsSQL)
)

func parse(text string) (all []view) {
	text = pseudonym.ReplaceAllStringFunc(text, func(found string) string {
		of := pseudonym.FindStringSubmatch(found)
		return pseudonyms.NameSQL(access.Class(of[1]), of[2])
	})
	heads := viewHead.FindAllStringSubmatchIndex(text, -1)
	for i, head := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		all = append(all, view{name: text[head[2]:head[3]], model: text[head[4]:head[5]], sql: text[head[1]:end]})
	}
	return all
}

// ours begins the comment on the schema: one without it is somebody else's and left alone.
const ours = "Dragoman's documented views for analysts"

// Follow makes the views read a model's new generation; it is projections.Options.OnSwap, so a fault of the views stops no swap: the engine does
// not wait for its analysts. Where they follow already, or the schema is somebody else's, it does nothing.
func Follow(ctx context.Context, tx pgx.Tx, model, _ string) error {
	if !slices.ContainsFunc(views, func(v view) bool { return v.model == model }) {
		return nil
	}
	err := inTurn(ctx, tx, ensure)
	if errors.Is(err, errTaken) {
		slog.Error("the analysts' views do not follow a new generation", "model", model, "error", err)
		return nil
	}
	return err
}

// Ensure makes the views unless they are there as this program defines them, over the generations that are live.
func Ensure(ctx context.Context, pool *pgxpool.Pool) error {
	if err := inTurn(ctx, pool, ensure); err != nil {
		return fmt.Errorf("make the analysts' views: %w", err)
	}
	return nil
}

// ensure is Ensure for who holds the lock.
func ensure(ctx context.Context, tx pgx.Tx) error {
	live, err := generations(ctx, tx)
	if err != nil {
		return err
	}
	said, err := comment(ctx, tx)
	if err != nil || said == signature(live, nil) {
		return err
	}
	return remake(ctx, tx)
}

// inTurn runs f in a transaction of its own, or a part of one, one at a time. PostgreSQL reads its catalogue of rights without locks: a schema or
// database that is dropped just then, say a retired generation, ends the transaction with "tuple concurrently deleted". It is then begun anew.
func inTurn(ctx context.Context, in interface {
	Begin(context.Context) (pgx.Tx, error)
}, f func(context.Context, pgx.Tx) error) (err error) {
	for range 5 {
		err = pgx.BeginFunc(ctx, in, func(tx pgx.Tx) error {
			if err := lock(ctx, tx); err != nil {
				return err
			}
			return f(ctx, tx)
		})
		if code(err) != "XX000" || !strings.Contains(err.Error(), "tuple concurrently") {
			return err
		}
	}
	return err
}

// lock lets one transaction at a time touch the schema.
func lock(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('dragoman analysis', 0))`)
	return err
}

// generations are the live schemas of the read models that views are made of.
func generations(ctx context.Context, tx pgx.Tx) (map[string]string, error) {
	live := map[string]string{}
	rows, err := tx.Query(ctx, `select model, format('rm_%s_%s', model, generation) from kept.models
		where to_regclass(format('rm_%s_%s.checkpoint', model, generation)) is not null`)
	if err != nil {
		return nil, err
	}
	var model, schema string
	_, err = pgx.ForEachRow(rows, []any{&model, &schema}, func() error {
		if slices.ContainsFunc(views, func(v view) bool { return v.model == model }) {
			live[model] = schema
		}
		return nil
	})
	return live, err
}

// comment is what the schema says of itself; empty if it is not there or says nothing.
func comment(ctx context.Context, tx pgx.Tx) (said string, err error) {
	err = tx.QueryRow(ctx, `select coalesce((select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = $1), '')`, Schema).Scan(&said)
	return said, err
}

// signature names what the views were made of, and what is missing among them.
func signature(live map[string]string, missing []string) string {
	sum := sha256.New()
	sum.Write([]byte(viewsSQL))
	var of []string
	for _, schema := range live {
		of = append(of, schema)
	}
	slices.Sort(of)
	said := fmt.Sprintf("%s: %s of %s", ours, hex.EncodeToString(sum.Sum(nil))[:12], strings.Join(of, ", "))
	if len(missing) > 0 {
		said += "; missing: " + strings.Join(missing, ", ")
	}
	return said
}

// errTaken: a schema of that name is there and not ours.
var errTaken = fmt.Errorf("the database has a schema %s of somebody else's: rename it, then restart", Schema)

// remake makes all views in a schema beside, and lets the two change names. The caller holds the lock.
func remake(ctx context.Context, tx pgx.Tx) error {
	var there bool
	if err := tx.QueryRow(ctx, `select to_regnamespace($1) is not null`, Schema).Scan(&there); err != nil {
		return err
	}
	if said, err := comment(ctx, tx); err != nil {
		return err
	} else if there && !strings.HasPrefix(said, ours) {
		return errTaken
	}
	if err := dropRetired(ctx, tx); err != nil {
		return err
	}
	live, err := generations(ctx, tx)
	if err != nil {
		return err
	}
	readers, err := readers(ctx, tx)
	if err != nil {
		return err
	}
	if _, err := pseudonyms.Key(ctx, tx); err != nil {
		return err
	}
	const beside = Schema + "_new"
	if _, err := tx.Exec(ctx, `create schema `+beside); err != nil {
		return err
	}
	var missing []string
	for _, v := range views {
		made, err := v.make(ctx, tx, beside, live)
		if err != nil {
			return fmt.Errorf("make view %s: %w", v.name, err)
		}
		if !made {
			missing = append(missing, v.name)
		}
	}
	change := `alter schema ` + beside + ` rename to ` + Schema + `; comment on schema ` + Schema + ` is '` +
		strings.ReplaceAll(signature(live, missing), "'", "''") + `';`
	if there {
		change = fmt.Sprintf(`do $$ begin execute 'alter schema %s rename to %[1]s_retired_' || pg_current_xact_id()::text; end $$;`, Schema) + change
	}
	for _, reader := range readers {
		change += grants(reader)
	}
	_, err = tx.Exec(ctx, change)
	return err
}

// make makes one view; not if its read model has no generation, or one of another version of the program whose tables differ: its own swap
// follows.
func (v view) make(ctx context.Context, tx pgx.Tx, in string, live map[string]string) (made bool, err error) {
	schema, there := live[v.model]
	if !there {
		return false, nil
	}
	sql := strings.NewReplacer("{here}", in, "{"+v.model+"}", schema).Replace(v.sql)
	err = pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sql)
		return err
	})
	switch code(err) {
	case "42P01", "42703": // no such table or column
		return false, nil
	}
	return err == nil, err
}

// readers are the roles that may use the schema now: whoever could read the views can read the new ones, also a role of the
// administrator's own making.
func readers(ctx context.Context, tx pgx.Tx) ([]string, error) {
	rows, err := tx.Query(ctx, `select distinct r.rolname::text from pg_namespace n cross join aclexplode(n.nspacl) a join pg_roles r on r.oid = a.grantee
		where n.nspname = $1 and a.privilege_type = 'USAGE' and a.grantee <> n.nspowner`, Schema)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func grants(role string) string {
	to := pgx.Identifier{role}.Sanitize()
	return fmt.Sprintf(`grant usage on schema %s to %s; grant select on all tables in schema %[1]s to %[2]s;`, Schema, to)
}

// dropRetired drops what earlier swaps left, unless someone reads it this moment: then a later swap does. Views hold no rows.
func dropRetired(ctx context.Context, tx pgx.Tx) error {
	schemas, err := retired(ctx, tx)
	if err != nil {
		return err
	}
	for _, schema := range schemas {
		err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `set local lock_timeout to '50ms'; drop schema `+schema+` cascade; set local lock_timeout to 0`)
			return err
		})
		if err != nil && code(err) != "55P03" {
			return fmt.Errorf("drop schema %s: %w", schema, err)
		}
	}
	return nil
}

func retired(ctx context.Context, tx pgx.Tx) ([]string, error) {
	rows, err := tx.Query(ctx, `select nspname::text from pg_namespace where nspname ~ $1`, "^"+Schema+"_retired_[0-9]+$")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// code is the SQLSTATE of an error of the database; empty otherwise.
func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}
