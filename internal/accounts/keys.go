package accounts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// KeyOptions bounds what Keys holds in memory.
type KeyOptions struct {
	// Cache is how many unwrapped keys are kept, about 200 bytes each. A page of 1,000 events must fit. Default: 50,000.
	Cache int

	// Logger hears of batches that could not be claimed. Default: slog.Default().
	Logger *slog.Logger

	// Erasures, if set, notes every key before it is destroyed.
	Erasures *ErasureList

	// EraseWait is how long an erasure waits for a backup that is being made. Default: 10 s.
	EraseWait time.Duration
}

const (
	batch    = 64        // keys claimed at once
	lowWater = batch / 2 // at which the next batch is claimed, so a command need not wait
)

// Keys gives out and opens the keys that seal personal values. It is what commands need to draw and erase keys, and it is
// eventschema.Keys. Close it when done, and it hands back what it claimed.
type Keys struct {
	db      *pgxpool.Pool
	wrapper Wrapper
	holder  string
	log     *slog.Logger
	list    *ErasureList // nil: erasures are noted nowhere

	eraseWait time.Duration

	mu      sync.Mutex
	stock   []drawn
	filling *filling // under way, or nil
	closed  bool
	hashKey []byte

	cache   *lru.Cache[uuid.UUID, []byte] // nil bytes: erased, which is for ever
	forgets uint64                        // how often Forget was called
}

var _ eventschema.Keys = (*Keys)(nil)

// drawn is a key that the database has noted as drawn by this process, and that nobody got yet.
type drawn struct {
	id  uuid.UUID
	key []byte
}

// filling is one claim of a batch; err is set before done closes.
type filling struct {
	done chan struct{}
	err  error
}

// ErrClosed: keys were asked for after Close.
var ErrClosed = errors.New("the keys are closed")

// NewKeys works on a database with schema kept, with the master key that OpenMasterKey checked.
func NewKeys(db *pgxpool.Pool, w Wrapper, o KeyOptions) (*Keys, error) {
	setDefault(&o.Cache, 50_000)
	setDefault(&o.EraseWait, 10*time.Second)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	cache, err := lru.New[uuid.UUID, []byte](o.Cache)
	if err != nil {
		return nil, fmt.Errorf("make the cache of keys: %w", err)
	}
	host, _ := os.Hostname() // only a help when looking for waste
	return &Keys{db: db, wrapper: w, holder: fmt.Sprintf("%s:%d", host, os.Getpid()), log: o.Logger, cache: cache,
		list: o.Erasures, eraseWait: o.EraseWait}, nil
}

// Draw returns the id of a key that is already durable and given to nobody else. It is handed out of memory; only when
// that has run dry does it wait for the database.
func (k *Keys) Draw(ctx context.Context) (uuid.UUID, error) {
	for {
		k.mu.Lock()
		if k.closed {
			k.mu.Unlock()
			return uuid.Nil, ErrClosed
		}
		if len(k.stock) <= lowWater && k.filling == nil {
			k.filling = &filling{done: make(chan struct{})}
			go k.fill(k.filling)
		}
		if n := len(k.stock); n > 0 {
			next := k.stock[n-1]
			k.stock = k.stock[:n-1]
			k.cache.Add(next.id, next.key) // sealing asks for it at once
			k.mu.Unlock()
			return next.id, nil
		}
		waiting := k.filling
		k.mu.Unlock()
		select {
		case <-waiting.done:
			if waiting.err != nil {
				return uuid.Nil, waiting.err
			}
		case <-ctx.Done():
			return uuid.Nil, fmt.Errorf("wait for a personal-data key: %w", ctx.Err())
		}
	}
}

// Stock is how many keys this process has drawn ahead. It is refilled in batches; one that stays empty means that commands wait for the database.
func (k *Keys) Stock() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.stock)
}

// fill claims a batch for this process. No command's deadline ends it: others wait for it too.
func (k *Keys) fill(f *filling) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	claimed, err := k.claim(ctx)
	if err != nil {
		f.err = fmt.Errorf("claim personal-data keys: %w", err)
		k.log.Warn("personal-data keys could not be claimed", "error", err)
	}
	k.mu.Lock()
	k.stock = append(k.stock, claimed...)
	k.filling = nil
	k.mu.Unlock()
	close(f.done)
}

// claim takes keys that others handed back, makes the rest, and returns once that is durable.
func (k *Keys) claim(ctx context.Context) ([]drawn, error) {
	var claimed []drawn
	err := pgx.BeginFunc(ctx, k.db, func(tx pgx.Tx) error {
		// Whatever the server's default is: an event may soon rest on these keys.
		if _, err := tx.Exec(ctx, `set local synchronous_commit = on`); err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, `
			update kept.personal_keys set state = 'drawn', claimed_by = $1
			where key_id in (select key_id from kept.personal_keys where state = 'pool' limit $2 for update skip locked)
			returning key_id, wrapped`, k.holder, batch)
		var id uuid.UUID
		var wrapped []byte
		_, err := pgx.ForEachRow(rows, []any{&id, &wrapped}, func() error {
			key, err := k.wrapper.Unwrap(ctx, wrapped, keyPurpose(id))
			if err != nil {
				return fmt.Errorf("open personal-data key %s: %w", id, ErrWrongMasterKey)
			}
			claimed = append(claimed, drawn{id, key})
			return nil
		})
		if err != nil {
			return err
		}
		var ids []uuid.UUID
		var wraps [][]byte
		for len(claimed) < batch {
			id, err := uuid.NewV7() // in order of time, so the index grows at its end
			if err != nil {
				return err
			}
			key := newKey()
			wrapped, err := k.wrapper.Wrap(ctx, key, keyPurpose(id))
			if err != nil {
				return err
			}
			claimed, ids, wraps = append(claimed, drawn{id, key}), append(ids, id), append(wraps, wrapped)
		}
		_, err = tx.Exec(ctx, `
			insert into kept.personal_keys (key_id, wrapped, state, claimed_by)
			select key_id, wrapped, 'drawn', $3 from unnest($1::uuid[], $2::bytea[]) as made (key_id, wrapped)`, ids, wraps, k.holder)
		return err
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

func keyPurpose(id uuid.UUID) []byte { return append([]byte("dragoman personal-data key "), id[:]...) }

// Close hands back the keys that were claimed and not drawn. Draw fails from then on; keys can still be opened.
func (k *Keys) Close(ctx context.Context) error {
	k.mu.Lock()
	k.closed = true
	waiting := k.filling
	k.mu.Unlock()
	if waiting != nil {
		select {
		case <-waiting.done:
		case <-ctx.Done():
			return fmt.Errorf("hand back personal-data keys: %w", ctx.Err())
		}
	}
	k.mu.Lock()
	left := k.stock
	k.stock = nil
	k.mu.Unlock()
	if len(left) == 0 {
		return nil
	}
	ids := make([]uuid.UUID, len(left))
	for i, d := range left {
		ids[i] = d.id
	}
	if _, err := k.db.Exec(ctx, `update kept.personal_keys set state = 'pool', claimed_by = null where key_id = any($1) and state = 'drawn'`, ids); err != nil {
		return fmt.Errorf("hand back personal-data keys: %w", err)
	}
	return nil
}

// Key returns a key's 32 bytes, not to be changed. eventschema.ErrErased if its subject was erased,
// eventschema.ErrKeyMissing, which is a fault, if it is unknown.
func (k *Keys) Key(ctx context.Context, id uuid.UUID) ([]byte, error) {
	key, ok := k.cache.Get(id)
	if !ok {
		found, err := k.load(ctx, []uuid.UUID{id})
		if err != nil {
			return nil, err
		}
		if key, ok = found[id]; !ok {
			return nil, fmt.Errorf("%w: %s", eventschema.ErrKeyMissing, id)
		}
	}
	if key == nil {
		return nil, fmt.Errorf("%w: %s", eventschema.ErrErased, id)
	}
	return key, nil
}

// Prefetch loads the keys of a page of events in one query. Missing and erased ones are found later, by Key.
func (k *Keys) Prefetch(ctx context.Context, ids []uuid.UUID) error {
	seen := make(map[uuid.UUID]bool, len(ids))
	var absent []uuid.UUID
	for _, id := range ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		if _, ok := k.cache.Get(id); !ok { // getting it also keeps it from being crowded out by the others
			absent = append(absent, id)
		}
	}
	if len(absent) == 0 {
		return nil
	}
	_, err := k.load(ctx, absent)
	return err
}

// load reads keys and remembers them; nil stands for an erased one, an unknown one is left out.
func (k *Keys) load(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID][]byte, error) {
	k.mu.Lock()
	before := k.forgets
	k.mu.Unlock()
	found := make(map[uuid.UUID][]byte, len(ids))
	rows, _ := k.db.Query(ctx, `select key_id, wrapped from kept.personal_keys where key_id = any($1)`, ids)
	var id uuid.UUID
	var wrapped []byte
	_, err := pgx.ForEachRow(rows, []any{&id, &wrapped}, func() error {
		if wrapped == nil {
			found[id] = nil
			return nil
		}
		key, err := k.wrapper.Unwrap(ctx, wrapped, keyPurpose(id))
		if err != nil {
			return fmt.Errorf("open personal-data key %s: %w", id, ErrWrongMasterKey)
		}
		found[id] = key
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read personal-data keys: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.forgets != before {
		return found, nil // one of these may have been erased since the query: do not remember it
	}
	for id, key := range found {
		k.cache.Add(id, key)
	}
	return found, nil
}

// Forget drops keys from memory: a person-erased event was seen, so another process has destroyed them.
func (k *Keys) Forget(ids []uuid.UUID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgets++
	for _, id := range ids {
		k.cache.Remove(id)
	}
}

const destroyKeys = `
	insert into kept.personal_keys as had (key_id, wrapped, state, erased_at)
	select distinct id, null::bytea, 'erased', now() from unnest($1::uuid[]) id order by id
	on conflict (key_id) do update set wrapped = null, state = 'erased', erased_at = now() where had.state <> 'erased'`

// Erase destroys keys for ever, and with them every value that they seal. It comes after the person-erased event and may be
// repeated. A key that the database does not know, as after a restore of an older backup, is noted as erased all the same. The
// erasure list knows them before.
//
// Postgres overwrites the old row at its next vacuum; copies in base backups and archived WAL live as long as those.
func (k *Keys) Erase(ctx context.Context, ids []uuid.UUID) error {
	if err := k.NoteErased(ids); err != nil {
		return err // a later restore would bring back what is destroyed now
	}
	if _, err := k.db.Exec(ctx, destroyKeys, ids); err != nil {
		return fmt.Errorf("erase personal-data keys: %w", err)
	}
	k.Forget(ids)
	return nil
}

// HashKey is the key of the HMAC that recognises a repeated request. It is drawn once for a deployment.
func (k *Keys) HashKey(ctx context.Context) ([]byte, error) {
	k.mu.Lock()
	key := k.hashKey
	k.mu.Unlock()
	if key != nil {
		return key, nil
	}
	var wrapped []byte
	err := k.db.QueryRow(ctx, `select wrapped from kept.request_hash_key`).Scan(&wrapped)
	if errors.Is(err, pgx.ErrNoRows) {
		fresh, wrapErr := k.wrapper.Wrap(ctx, newKey(), hashPurpose)
		if wrapErr != nil {
			return nil, fmt.Errorf("draw the key of request hashes: %w", wrapErr)
		}
		if _, err := k.db.Exec(ctx, `insert into kept.request_hash_key (wrapped) values ($1) on conflict do nothing`, fresh); err != nil {
			return nil, fmt.Errorf("draw the key of request hashes: %w", err)
		}
		err = k.db.QueryRow(ctx, `select wrapped from kept.request_hash_key`).Scan(&wrapped) // another process's, if it was faster
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of request hashes: %w", err)
	}
	if key, err = k.wrapper.Unwrap(ctx, wrapped, hashPurpose); err != nil {
		return nil, fmt.Errorf("open the key of request hashes: %w", ErrWrongMasterKey)
	}
	k.mu.Lock()
	k.hashKey = key
	k.mu.Unlock()
	return key, nil
}
