package postgres

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// migrationFiles are the steps of schema kept, in order. A step already released is never edited: it has run somewhere.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrateLock names the advisory lock that lets one process at a time migrate a database.
const migrateLock = 0x647261676f6d616e // "dragoman"

// Migrate brings schema kept to this binary's version. Several processes may call it at once: one works, the others wait
// and find it done. A database already migrated by a newer binary is refused, because this one does not know its rules.
//
// It uses connections of its own, so it cannot wait for a pool whose connections wait for it.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	return migrateTo(ctx, pool, newestVersion, false)
}

// newestVersion stands for all migrations that this program knows.
const newestVersion = 0

// migrateTo brings the schema to a version. Only a restore migrates a database that is marked as half restored.
func migrateTo(ctx context.Context, pool *pgxpool.Pool, version int64, restoring bool) error {
	db := stdlib.OpenDB(*pool.Config().ConnConfig.Copy())
	defer db.Close()

	lock, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect to migrate: %w", err)
	}
	defer lock.Close()
	if _, err := lock.ExecContext(ctx, `select pg_advisory_lock($1)`, int64(migrateLock)); err != nil {
		return fmt.Errorf("wait for the migration lock: %w", err)
	}
	// Closing the database ends the session, and the lock with it, whatever happens below.

	var half bool
	if err := lock.QueryRowContext(ctx, `select to_regclass('kept.restoring') is not null`).Scan(&half); err != nil {
		return fmt.Errorf("look whether a restore was finished: %w", err)
	}
	if half && !restoring {
		return ErrHalfRestored
	}
	if _, err := lock.ExecContext(ctx, `create schema if not exists kept`); err != nil {
		return fmt.Errorf("create schema kept: %w", err)
	}
	if err := up(ctx, db, version); err != nil {
		return fmt.Errorf("migrate schema kept: %w", err)
	}
	return nil
}

func up(ctx context.Context, db *sql.DB, version int64) error {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	steps, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithTableName("kept.migrations"), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	have, want, err := steps.GetVersions(ctx)
	if err != nil {
		return err
	}
	if version > want {
		return fmt.Errorf("version %d is asked for and this binary knows only %d: run the newer dragoman", version, want)
	}
	if have > want {
		return fmt.Errorf("the database is at version %d and this binary knows only %d: run the newer dragoman", have, want)
	}
	if version == newestVersion {
		_, err = steps.Up(ctx)
	} else {
		_, err = steps.UpTo(ctx, version)
	}
	return err
}

// migrationsHash names the set of migrations; test databases are copied from a template of the same hash.
func migrationsHash() string {
	sum := sha256.New()
	names, _ := fs.Glob(migrationFiles, "migrations/*.sql") // the pattern is constant and well formed
	for _, name := range names {
		text, _ := migrationFiles.ReadFile(name) // embedded: it is there
		fmt.Fprintf(sum, "%s %d\n%s", name, len(text), text)
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}
