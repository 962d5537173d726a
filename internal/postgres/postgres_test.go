package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

func TestTestDBsAreMigratedAndApart(t *testing.T) {
	t.Parallel()
	one, two := TestDB(t), TestDB(t)
	do(t, one, `insert into kept.leases (name, holder, expires_at) values ('only here', 'test', now())`)
	if got := value[int](t, two, `select count(*) from kept.leases`); got != 0 {
		t.Errorf("the second database holds %d rows of the first", got)
	}
	if got := value[int](t, one, `select count(*) from kept.leases`); got != 1 {
		t.Errorf("the first database holds %d rows, want 1", got)
	}
}

func TestTestDBSortsByCodePointAndFoldsUnicode(t *testing.T) {
	t.Parallel()
	db := TestDB(t)
	if got := value[string](t, db, `select string_agg(x, '' order by x) from unnest(array['b','a','B','é']) x`); got != "Babé" {
		t.Errorf("sorted %q, want Babé", got)
	}
	if got := value[string](t, db, `select lower('ÉŁ')`); got != "éł" {
		t.Errorf("lower case is %q, want éł", got)
	}
}

func TestMigrateRacedByEight(t *testing.T) {
	t.Parallel()
	pool := testPool(t, TestEmptyURL(t))
	errs := make([]error, 8)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = Migrate(t.Context(), pool) })
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("racer %d: %v", i, err)
		}
	}
	names, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	// One row a step, and goose's own version 0.
	if got := value[int](t, pool, `select count(*) from kept.migrations`); got != len(names)+1 {
		t.Errorf("%d steps recorded, want %d", got, len(names)+1)
	}
}

func TestMigrateNeedsNoConnectionOfThePool(t *testing.T) {
	t.Parallel()
	pool, err := Open(t.Context(), TestEmptyURL(t), PoolOptions{MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	held, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	if err := Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
}

func TestMigrateRefusesANewerDatabase(t *testing.T) {
	t.Parallel()
	db := TestDB(t)
	do(t, db, `insert into kept.migrations (version_id, is_applied) values (99999, true)`)
	err := Migrate(t.Context(), db)
	if err == nil || !strings.Contains(err.Error(), "run the newer dragoman") {
		t.Errorf("a database from the future: %v", err)
	}
}

func startForTest(t *testing.T, dataDir string) *Cluster {
	t.Helper()
	c, err := StartPrivate(t.Context(), Options{DataDir: dataDir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// privateData is a data folder whose cluster leaves nothing behind, wherever it lies.
func privateData(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() {
		if n, err := (&Cluster{dataDir: dir}).readNote(); err == nil && n != nil && strings.HasPrefix(n.Folder, "/") {
			os.RemoveAll(n.Folder)
		}
	})
	return dir
}

func TestPrivateClusterKeepsItsRows(t *testing.T) {
	t.Parallel()
	dir := privateData(t)
	first := startForTest(t, dir)
	pool := testPool(t, first.URL())
	do(t, pool, `create table kept_rows (x int)`)
	do(t, pool, `insert into kept_rows values (7)`)
	pool.Close()
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := first.server.running(); ok {
		t.Fatal("the server still runs after its last user stopped")
	}
	second := startForTest(t, dir)
	if second.Adopted() {
		t.Error("a stopped server cannot be adopted")
	}
	if got := value[int](t, testPool(t, second.URL()), `select x from kept_rows`); got != 7 {
		t.Errorf("the row is %d after a restart, want 7", got)
	}
}

func TestPrivateClusterIsSharedUntilTheLastStops(t *testing.T) {
	t.Parallel()
	dir := privateData(t)
	first, second := startForTest(t, dir), startForTest(t, dir)
	if first.Adopted() || !second.Adopted() {
		t.Errorf("adopted: %v, %v; want the second to join the first's server", first.Adopted(), second.Adopted())
	}
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	value[int](t, testPool(t, second.URL()), `select 1`)
	if err := second.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := second.server.running(); ok {
		t.Error("the server still runs after its last user stopped")
	}
}

func TestPrivateClusterIsStartedAgainWhenItDies(t *testing.T) {
	t.Parallel()
	c := startForTest(t, privateData(t))
	pool := testPool(t, c.URL())
	do(t, pool, `create table survivors (x int)`)
	pid, _, ok := c.server.running()
	if !ok {
		t.Fatal("no server runs")
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the table to be there again", func() bool {
		now, _, ok := c.server.running()
		if !ok || now == pid {
			return false
		}
		_, err := pool.Exec(t.Context(), `insert into survivors values (1)`)
		return err == nil
	})
}

func do(t *testing.T, db *pgxpool.Pool, statement string, args ...any) {
	t.Helper()
	if _, err := db.Exec(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func value[T any](t *testing.T, db *pgxpool.Pool, query string, args ...any) (v T) {
	t.Helper()
	if err := db.QueryRow(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

// eventually asks until it is so, or fails after a generous time.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if so() {
			return
		}
	}
	t.Fatal(fmt.Sprint("waited in vain for ", what))
}
