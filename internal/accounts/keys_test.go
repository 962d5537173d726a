package accounts

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// queries counts what a pool is asked.
type queries struct {
	mu  sync.Mutex
	sql []string
}

func (q *queries) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sql = append(q.sql, data.SQL)
	return ctx
}

func (q *queries) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (q *queries) since(f func()) int {
	q.mu.Lock()
	before := len(q.sql)
	q.mu.Unlock()
	f()
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.sql) - before
}

func countingPool(t *testing.T) (*pgxpool.Pool, *queries) {
	t.Helper()
	q := new(queries)
	db, err := postgres.Open(t.Context(), postgres.TestURL(t), postgres.PoolOptions{MaxConns: 4, Tracer: q})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db, q
}

func testWrapper(t *testing.T) Wrapper {
	t.Helper()
	w, err := newFileWrapper(newKey())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func openKeys(t *testing.T, db *pgxpool.Pool, w Wrapper, o KeyOptions) *Keys {
	t.Helper()
	k, err := NewKeys(db, w, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return k
}

func draw(t *testing.T, k *Keys) uuid.UUID {
	t.Helper()
	id, err := k.Draw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestKeysAreDrawnOnce(t *testing.T) {
	t.Parallel()
	db := postgres.TestDB(t)
	w := testWrapper(t)
	const processes, workers, each = 3, 4, 50
	var mu sync.Mutex
	owners := map[uuid.UUID]int{}
	var all sync.WaitGroup
	for range processes {
		k := openKeys(t, db, w, KeyOptions{})
		for range workers {
			all.Go(func() {
				for range each {
					id, err := k.Draw(context.Background())
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					owners[id]++
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	if len(owners) != processes*workers*each {
		t.Errorf("%d different keys for %d draws", len(owners), processes*workers*each)
	}
	if drawn := value[int](t, db, `select count(*) from kept.personal_keys where state = 'drawn' and wrapped is not null`); drawn < len(owners) {
		t.Errorf("%d keys are noted as drawn, %d were given out", drawn, len(owners))
	}
}

func TestADrawnKeyIsDurableAndAsksNothingOfTheDatabase(t *testing.T) {
	t.Parallel()
	db, asked := countingPool(t)
	w := testWrapper(t)
	k := openKeys(t, db, w, KeyOptions{})
	draw(t, k)
	var id uuid.UUID
	var key []byte
	n := asked.since(func() {
		id = draw(t, k)
		var err error
		if key, err = k.Key(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("drawing and using a key took %d queries", n)
	}
	if len(key) != 32 {
		t.Errorf("the key has %d bytes", len(key))
	}
	elsewhere, err := openKeys(t, db, w, KeyOptions{}).Key(t.Context(), id)
	if err != nil || !bytes.Equal(elsewhere, key) {
		t.Errorf("another process opens it differently: %v", err)
	}
	stored := value[[]byte](t, db, `select wrapped from kept.personal_keys where key_id = $1`, id)
	if bytes.Contains(stored, key) {
		t.Error("the key lies in the database unwrapped")
	}
}

func TestACrashBetweenDrawAndUseLeavesNoHole(t *testing.T) {
	t.Parallel()
	db := postgres.TestDB(t)
	w := testWrapper(t)
	crashed, err := NewKeys(db, w, KeyOptions{}) // never closed: killed
	if err != nil {
		t.Fatal(err)
	}
	used, unused := draw(t, crashed), draw(t, crashed)
	next := openKeys(t, db, w, KeyOptions{})
	for range 3 * batch {
		if id := draw(t, next); id == used || id == unused {
			t.Fatal("a key that the crashed process had drawn was given out again")
		}
	}
	for _, id := range []uuid.UUID{used, unused} {
		if _, err := next.Key(t.Context(), id); err != nil {
			t.Errorf("a key that the crashed process had drawn does not open: %v", err)
		}
	}
}

func TestKeysHandedBackAreDrawnByTheNext(t *testing.T) {
	t.Parallel()
	db := postgres.TestDB(t)
	w := testWrapper(t)
	first := openKeys(t, db, w, KeyOptions{})
	mine := draw(t, first)
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Draw(t.Context()); err != ErrClosed {
		t.Errorf("drawing after Close: %v", err)
	}
	before := value[int](t, db, `select count(*) from kept.personal_keys`)
	pool := value[int](t, db, `select count(*) from kept.personal_keys where state = 'pool'`)
	if pool != before-1 {
		t.Errorf("%d of %d keys were handed back, want all but the one drawn", pool, before)
	}
	second := openKeys(t, db, w, KeyOptions{})
	for range pool {
		if id := draw(t, second); id == mine {
			t.Fatal("the first's key was given out again")
		} else if _, err := second.Key(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if left := value[int](t, db, `select count(*) from kept.personal_keys where state = 'pool'`); left != 0 {
		t.Errorf("%d keys handed back were passed over", left)
	}
}

func TestErasedMissingAndWrong(t *testing.T) {
	t.Parallel()
	db := postgres.TestDB(t)
	w := testWrapper(t)
	k, other := openKeys(t, db, w, KeyOptions{}), openKeys(t, db, w, KeyOptions{})
	gone, kept, unknown := draw(t, k), draw(t, k), uuid.New()
	if _, err := other.Key(t.Context(), gone); err != nil { // the other process now knows it
		t.Fatal(err)
	}
	for range 2 {
		if err := k.Erase(t.Context(), []uuid.UUID{gone, gone}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := k.Key(t.Context(), gone); !errors.Is(err, eventschema.ErrErased) {
		t.Errorf("an erased key: %v", err)
	}
	if _, err := k.Key(t.Context(), gone); !errors.Is(err, eventschema.ErrErased) {
		t.Errorf("an erased key, from memory: %v", err)
	}
	if left := value[int](t, db, `select count(*) from kept.personal_keys where key_id = $1 and wrapped is not null`, gone); left != 0 {
		t.Error("the erased key's bytes are still there")
	}
	other.Forget([]uuid.UUID{gone}) // it saw the person-erased event
	if _, err := other.Key(t.Context(), gone); !errors.Is(err, eventschema.ErrErased) {
		t.Errorf("an erased key in another process: %v", err)
	}
	if _, err := other.Key(t.Context(), kept); err != nil {
		t.Errorf("another key: %v", err)
	}
	if _, err := k.Key(t.Context(), unknown); !errors.Is(err, eventschema.ErrKeyMissing) {
		t.Errorf("an unknown key: %v", err)
	}
	// After a restore of an older backup the erasures are applied again, also to keys that it did not have.
	if err := k.Erase(t.Context(), []uuid.UUID{unknown}); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Key(t.Context(), unknown); !errors.Is(err, eventschema.ErrErased) {
		t.Errorf("an unknown key, erased: %v", err)
	}
	if _, err := openKeys(t, db, testWrapper(t), KeyOptions{}).Key(t.Context(), kept); !errors.Is(err, ErrWrongMasterKey) {
		t.Errorf("with another master key: %v", err)
	}
	if _, err := db.Exec(t.Context(), `
		update kept.personal_keys a set wrapped = b.wrapped from kept.personal_keys b where a.key_id = $1 and b.key_id <> a.key_id and b.wrapped is not null`, kept); err != nil {
		t.Fatal(err)
	}
	other.Forget([]uuid.UUID{kept})
	if _, err := other.Key(t.Context(), kept); !errors.Is(err, ErrWrongMasterKey) {
		t.Errorf("with another row's bytes: %v", err)
	}
}

func TestAPageOfKeysIsOneQuery(t *testing.T) {
	t.Parallel()
	db, asked := countingPool(t)
	w := testWrapper(t)
	writer := openKeys(t, db, w, KeyOptions{})
	ids := make([]uuid.UUID, 1000)
	for i := range ids {
		ids[i] = draw(t, writer)
	}
	if err := writer.Erase(t.Context(), ids[:10]); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(t.Context()); err != nil { // it claims no further batch while we count
		t.Fatal(err)
	}
	reader := openKeys(t, db, w, KeyOptions{})
	n := asked.since(func() {
		if err := reader.Prefetch(t.Context(), append(ids, ids...)); err != nil {
			t.Fatal(err)
		}
		for i, id := range ids {
			_, err := reader.Key(t.Context(), id)
			if erased := errors.Is(err, eventschema.ErrErased); erased != (i < 10) || (err != nil && !erased) {
				t.Fatalf("key %d: %v", i, err)
			}
		}
		if err := reader.Prefetch(t.Context(), ids); err != nil {
			t.Fatal(err)
		}
	})
	if n != 1 {
		t.Errorf("a page of 1,000 keys took %d queries", n)
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	t.Parallel()
	db := postgres.TestDB(t)
	k := openKeys(t, db, testWrapper(t), KeyOptions{Cache: 10})
	ids := make([]uuid.UUID, 50)
	for i := range ids {
		ids[i] = draw(t, k)
	}
	if n := k.cache.Len(); n > 10 {
		t.Errorf("%d keys in memory, want 10", n)
	}
	for _, id := range ids {
		if _, err := k.Key(t.Context(), id); err != nil {
			t.Errorf("a key crowded out: %v", err)
		}
	}
}

// stallingWrapper lets a test act between a key's row being read and the key being remembered.
type stallingWrapper struct {
	Wrapper
	meanwhile func()
}

func (w stallingWrapper) Unwrap(ctx context.Context, wrapped, purpose []byte) ([]byte, error) {
	w.meanwhile()
	return w.Wrapper.Unwrap(ctx, wrapped, purpose)
}

func TestAKeyErasedWhileItIsReadIsNotRemembered(t *testing.T) {
	t.Parallel()
	db := postgres.TestDB(t)
	w := testWrapper(t)
	writer := openKeys(t, db, w, KeyOptions{})
	id := draw(t, writer)
	var reader *Keys
	reader = openKeys(t, db, stallingWrapper{w, func() {
		if err := writer.Erase(t.Context(), []uuid.UUID{id}); err != nil {
			t.Error(err)
		}
		reader.Forget([]uuid.UUID{id})
	}}, KeyOptions{})
	if _, err := reader.Key(t.Context(), id); err != nil {
		t.Fatalf("read before it was erased: %v", err)
	}
	if _, err := reader.Key(t.Context(), id); !errors.Is(err, eventschema.ErrErased) {
		t.Errorf("read again: %v", err)
	}
}

func TestDrawWaitsForTheDatabaseAndComesBack(t *testing.T) {
	t.Parallel()
	db := postgres.TestDB(t)
	w := testWrapper(t)
	k := openKeys(t, db, w, KeyOptions{Logger: slog.New(slog.DiscardHandler)})
	if _, err := db.Exec(t.Context(), `alter table kept.personal_keys rename to away`); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Draw(t.Context()); err == nil {
		t.Fatal("a key was drawn that is nowhere")
	}
	if _, err := db.Exec(t.Context(), `alter table kept.away rename to personal_keys`); err != nil {
		t.Fatal(err)
	}
	draw(t, k)
}

func TestHashKeyIsDrawnOnce(t *testing.T) {
	t.Parallel()
	db := postgres.TestDB(t)
	w := testWrapper(t)
	drawnKeys := make([][]byte, 8)
	var all sync.WaitGroup
	for i := range drawnKeys {
		k := openKeys(t, db, w, KeyOptions{})
		all.Go(func() {
			var err error
			if drawnKeys[i], err = k.HashKey(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, key := range drawnKeys {
		if len(key) != 32 || !bytes.Equal(key, drawnKeys[0]) {
			t.Fatal("two processes hash requests with different keys")
		}
	}
	if _, err := openKeys(t, db, testWrapper(t), KeyOptions{}).HashKey(t.Context()); !errors.Is(err, ErrWrongMasterKey) {
		t.Errorf("with another master key: %v", err)
	}
}

func TestMasterKeyFile(t *testing.T) {
	t.Parallel()
	db := postgres.TestDB(t)
	path := filepath.Join(t.TempDir(), "data", "master.key")
	racers := make([]Wrapper, 4) // several processes of a deployment start at once
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() {
			var err error
			if racers[i], err = OpenMasterKey(context.Background(), db, path); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != 32 {
		t.Fatalf("the file is %v of %d bytes, %v", info.Mode(), info.Size(), err)
	}
	id := draw(t, openKeys(t, db, racers[0], KeyOptions{}))
	if _, err := openKeys(t, db, racers[3], KeyOptions{}).Key(t.Context(), id); err != nil {
		t.Errorf("two processes hold different master keys: %v", err)
	}

	master, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what, want string) {
		t.Helper()
		_, err := OpenMasterKey(t.Context(), db, path)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", what, err, want)
		}
		if err != nil && strings.Contains(err.Error(), string(master)) {
			t.Errorf("%s: the error shows the key", what)
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	refused("a file open to others", "chmod 600")
	if err := os.WriteFile(path, newKey(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("another key", ErrWrongMasterKey.Error())
	if err := os.WriteFile(path, master[:31], 0o600); err != nil {
		t.Fatal(err)
	}
	refused("a short key", "holds 31 bytes")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	refused("no file, with keys in the database", "is missing")
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a lost master key was replaced by a new one: %v", err)
	}
	if err := os.WriteFile(path, master, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenMasterKey(t.Context(), db, path); err != nil {
		t.Errorf("put back: %v", err)
	}
}
