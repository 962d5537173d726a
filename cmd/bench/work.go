package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// work is what a database has done so far, besides spending CPU time.
type work struct{ Hits, Reads, Bytes, Images int64 }

// databaseWork asks for it, once all connections have said what they did.
func databaseWork(ctx context.Context, pool *pgxpool.Pool) (w work, err error) {
	if _, err := pool.Exec(ctx, `select pg_sleep(2)`); err != nil {
		return w, err
	}
	found, err := pool.Query(ctx, `
		select d.blks_hit as hits, d.blks_read as reads, w.wal_bytes::bigint as bytes, w.wal_fpi as images
		from pg_stat_database d, pg_stat_wal w where d.datname = current_database()`)
	if err == nil {
		w, err = pgx.CollectOneRow(found, pgx.RowToStructByName[work])
	}
	if err != nil {
		return w, fmt.Errorf("ask what the database did: %w", err)
	}
	return w, nil
}

// since tells what was done for each of n events.
func (w work) since(ctx context.Context, pool *pgxpool.Pool, n int) (string, error) {
	now, err := databaseWork(ctx, pool)
	each := func(now, then int64) float64 { return float64(now-then) / float64(n) }
	return fmt.Sprintf("each: %.1f blocks of which %.2f were not in PostgreSQL's memory; %.0f bytes of WAL with %.3f images of whole pages",
		each(now.Hits+now.Reads, w.Hits+w.Reads), each(now.Reads, w.Reads), each(now.Bytes, w.Bytes), each(now.Images, w.Images)), err
}
