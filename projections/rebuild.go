package projections

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/lease"
)

// Progress is how far a rebuild is.
type Progress struct {
	Models []string             // that are being filled
	Events int64                // read so far
	Rate   float64              // events a second
	At     eventschema.Position // of the last event read
	End    eventschema.Position // the log's end as of the start
	Left   time.Duration        // at this rate, as far as the log's bytes tell; 0 when unknown
	Done   bool
}

// ErrRebuilding: another process is building this read model.
var ErrRebuilding = errors.New("the read model is being rebuilt already")

// Rebuild fills a new generation of a read model beside the live one and swaps them; the live one goes on meanwhile. report, which may be
// nil, is called now and then.
func (r *Runner) Rebuild(ctx context.Context, model string, report func(Progress)) error {
	p, known := r.Models.projectors[model]
	if !known {
		return fmt.Errorf("%w: %s", ErrUnknownModel, model)
	}
	held, release, err := r.lock(ctx, lockPatience, model)
	if err != nil {
		return err
	}
	defer release()
	return cause(held, r.build(held, []Projector{p}, report)[model])
}

// Ensure builds the named models (none named: all) whose generation of this program is missing, together in one reading of the log. A model
// that an event stops is left out and shown as stopped; any other failure is returned.
func (r *Runner) Ensure(ctx context.Context, report func(Progress), models ...string) error {
	if len(models) == 0 {
		models = r.Models.Names()
	}
	for {
		err := r.ensure(ctx, report, models)
		if !errors.Is(err, errLockLost) && !errors.Is(err, errFillingLost) || ctx.Err() != nil {
			return err
		}
		slog.Warn("what was built of read models is lost; it is looked again what is missing", "error", err)
	}
}

func (r *Runner) ensure(ctx context.Context, report func(Progress), models []string) error {
	if err := r.Models.refresh(ctx); err != nil {
		return err
	}
	if len(r.missing(models)) == 0 {
		return nil
	}
	held, release, err := r.lock(ctx, 0, models...)
	if err != nil {
		return err
	}
	defer release()
	// Another process may have built them while this one waited.
	if err := r.Models.refresh(ctx); err != nil {
		return err
	}
	missing := r.missing(models)
	if len(missing) == 0 {
		return nil
	}
	var failed error
	for model, err := range r.build(held, missing, report) {
		var fault *Fault
		if errors.As(err, &fault) {
			slog.Error("read model could not be built", "fault", fault)
			r.models[model].set(Stopped, fault.Why, fault)
			continue
		}
		failed = errors.Join(failed, err)
	}
	return cause(held, failed)
}

func (r *Runner) missing(models []string) (missing []Projector) {
	live := r.Models.live.Load()
	for _, model := range models {
		if _, err := live.generation(r.Models, model); errors.Is(err, ErrNotReady) {
			missing = append(missing, r.Models.projectors[model])
		}
	}
	return missing
}

// errLockLost: this process stood still or was cut off for so long that another one may build the read models now.
var errLockLost = errors.New("the lock on the read models was lost")

// errFillingLost: a database that crashes may lose its last commits, for those of pages do not wait for the disk. Who runs a live generation reads
// on from the stored checkpoint; who fills one has read past that already, so it has to begin again.
var errFillingLost = errors.New("the database has lost pages that were filled in, in a crash")

// cause is the error of what was done under a lock, with the lock's loss if that was why.
func cause(held context.Context, err error) error {
	if why := context.Cause(held); err != nil && errors.Is(why, errLockLost) {
		return errors.Join(err, why)
	}
	return err
}

// lockPatience is how long a read model's lock is waited for before it counts as being rebuilt: longer than a sweep, which takes it too, has it.
const lockPatience = 10 * time.Second

// lock makes this process the only one that builds these read models, until release or until held ends; ErrRebuilding if another one has one of
// them for longer than patience, which is without end if 0. The lock is a session's, so it ends with the process; and the server ends the session
// when it hears nothing of it for a while, so it ends, too, when the process stands still or is cut off. Two that build at once do no harm: see swap.
func (r *Runner) lock(ctx context.Context, patience time.Duration, models ...string) (held context.Context, release func(), err error) {
	conn, err := pgx.ConnectConfig(ctx, r.Pool.Config().ConnConfig) // its own, held for as long as the building takes
	if err != nil {
		return nil, nil, fmt.Errorf("connect to lock read models: %w", err)
	}
	held, lose := context.WithCancelCause(ctx)
	var beating sync.WaitGroup
	release = func() {
		lose(nil)
		beating.Wait()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		// Closing would do, but the server may take a moment to notice, and the next rebuild would find the lock taken.
		_, _ = conn.Exec(ctx, `select pg_advisory_unlock_all()`)
		conn.Close(ctx)
	}
	_, err = conn.Exec(ctx, fmt.Sprintf(`set idle_session_timeout to '%s'; set lock_timeout to %d`, lease.Session, patience.Milliseconds()))
	for _, model := range slices.Sorted(slices.Values(models)) { // in one order in every process, so that none waits for the other
		if err != nil {
			break
		}
		name := fnv.New64a()
		name.Write([]byte("dragoman read model " + model))
		_, err = conn.Exec(ctx, `select pg_advisory_lock($1)`, int64(name.Sum64()))
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "55P03" { // lock_not_available
			err = ErrRebuilding
		}
		if err != nil {
			err = fmt.Errorf("lock %s: %w", model, err)
		}
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	beating.Go(func() {
		beat := time.NewTicker(time.Second)
		defer beat.Stop()
		for {
			select {
			case <-held.Done():
				return
			case <-beat.C:
			}
			one, cancel := context.WithTimeout(context.WithoutCancel(held), 5*time.Second) // a ping that is cut off would take the session with it
			err := conn.Ping(one)
			cancel()
			if err != nil && held.Err() == nil {
				lose(fmt.Errorf("%w: %w", errLockLost, err))
			}
		}
	})
	return held, release, nil
}

// filling is a generation that is being filled.
type filling struct {
	generation
	projector Projector
	at        checkpoint
	err       error
}

// takePatience is how long a page is tried again: a long rebuild outlives a restart of the database, and a fault of ours is still told.
const takePatience = 20 * time.Second

// take applies a page. What is not an event's fault is tried again for takePatience.
func (f *filling) take(ctx context.Context, pool *pgxpool.Pool, page eventschema.Page) (err error) {
	var pause backoff
	until := time.Now().Add(takePatience)
	apply := func(from checkpoint, page eventschema.Page) (checkpoint, error) {
		return f.apply(ctx, pool, f.projector, from, page)
	}
	for {
		if f.at, err = f.applyHalving(apply, f.at, page); err == nil {
			return nil
		}
		var fault *Fault
		if errors.As(err, &fault) || time.Now().After(until) || ctx.Err() != nil {
			return err
		}
		pause.wait(ctx)
		if at, err := f.load(ctx, pool, ""); err == nil {
			if f.at.at.After(at.at) {
				return errFillingLost
			}
			f.at = at // the answer to a commit may have been lost
		}
	}
}

// build fills new generations from the log's beginning, reading it once for all of them, and makes each live. The caller holds the
// models' locks. The answer names those that failed.
func (r *Runner) build(ctx context.Context, projectors []Projector, report func(Progress)) map[string]error {
	failed := map[string]error{}
	var fills []*filling
	for _, p := range projectors {
		f, err := r.begin(ctx, p)
		if err != nil {
			failed[p.Name()] = err
			continue
		}
		fills = append(fills, f)
	}
	err := r.fill(ctx, fills, report)
	for _, f := range fills {
		f.err = errors.Join(f.err, err)
		if f.err == nil {
			f.err = r.swap(ctx, f)
		}
		if f.err != nil {
			failed[f.model] = f.err
			if err := r.drop(context.WithoutCancel(ctx), f.schema()); err != nil {
				slog.Warn("half-built generation is left for the next sweep", "error", err)
			}
		}
	}
	if err := r.Models.refresh(ctx); err != nil {
		slog.Warn("new generations are live, but not seen here yet", "error", err)
	}
	return failed
}

// begin makes the empty schema of the next generation, after every number that was ever used.
func (r *Runner) begin(ctx context.Context, p Projector) (*filling, error) {
	g := generation{model: p.Name(), hash: r.Models.hashes[p.Name()]}
	err := r.Pool.QueryRow(ctx, `
		select 1 + coalesce(max(n), 0) from (
			select generation from kept.models where model = $1
			union all
			select split_part(nspname, '_', 3)::int from pg_namespace where nspname ~ ('^rm_' || $1 || '_[0-9]+(_retired)?$')
		) as used (n)`, g.model).Scan(&g.number)
	if err != nil {
		return nil, fmt.Errorf("number the next generation of %s: %w", g.model, err)
	}
	if err := g.create(ctx, r.Pool, p, r.Deployment); err != nil {
		return nil, err
	}
	return &filling{generation: g, projector: p, at: checkpoint{deployment: r.Deployment}}, nil
}

// fill applies the whole log to the generations, at least up to its end as of the start: the next page is read and decoded while they
// apply one.
func (r *Runner) fill(ctx context.Context, fills []*filling, report func(Progress)) error {
	if len(fills) == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	end, err := r.Log.Newest(ctx)
	if err != nil {
		return fmt.Errorf("find the log's end: %w", err)
	}
	pages := make(chan eventschema.Page, 1)
	var readErr error
	go func() {
		defer close(pages)
		readErr = r.readLarge(ctx, func(page eventschema.Page) error {
			select {
			case pages <- page:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()

	progress := Progress{End: end}
	for _, f := range fills {
		progress.Models = append(progress.Models, f.model)
	}
	started, told := time.Now(), time.Now()
	tell := func() {
		if report == nil {
			return
		}
		told = time.Now()
		spent := told.Sub(started)
		progress.Rate = float64(progress.Events) / spent.Seconds()
		progress.Left = 0
		if at := progress.At.Commit; at > 0 && at < end.Commit {
			progress.Left = time.Duration(float64(spent) * float64(end.Commit-at) / float64(at)).Round(time.Second)
		}
		report(progress)
	}
	// Each generation applies pages at its own pace, so that a quick one does not stand still while a slow one works; none gets further ahead than
	// the pages that wait for the slowest.
	var all sync.WaitGroup
	var failed atomic.Int64
	lines := make([]chan eventschema.Page, len(fills))
	for i, f := range fills {
		lines[i] = make(chan eventschema.Page, 1)
		all.Go(func() {
			for page := range lines[i] {
				if f.err != nil {
					continue
				}
				if f.err = f.take(ctx, r.Pool, page); f.err != nil {
					failed.Add(1)
				}
			}
		})
	}
	for page := range pages {
		for _, line := range lines {
			line <- page
		}
		if int(failed.Load()) == len(fills) {
			break // every one has failed and says why
		}
		progress.Events += int64(len(page))
		progress.At = page.Last().Position
		if time.Since(told) > time.Second {
			tell()
		}
	}
	for _, line := range lines {
		close(line)
	}
	all.Wait()
	if int(failed.Load()) == len(fills) {
		return nil
	}
	if readErr != nil {
		return fmt.Errorf("read the log: %w", readErr)
	}
	progress.Done = true
	tell()
	return nil
}

// largePage is how many events a filling applies at once. A job's events lie some thousands apart, so in a page of that size they meet and its
// rows are written once.
const largePage = 16_000

// readLarge reads the whole log in pages that large.
func (r *Runner) readLarge(ctx context.Context, f func(eventschema.Page) error) error {
	var large eventschema.Page
	err := r.Archive.ReadAll(ctx, eventschema.Position{}, func(page eventschema.Page) error {
		if large = append(large, page...); len(large) < largePage {
			return nil
		}
		full := large
		large = make(eventschema.Page, 0, len(full))
		return f(full)
	})
	if err != nil || len(large) == 0 {
		return err
	}
	return f(large)
}

// swap makes a filled generation live. In one transaction it locks the live checkpoint, so that the live generation stands still, applies
// at least up to it, moves the pointer and retires the old schema.
func (r *Runner) swap(ctx context.Context, f *filling) error {
	// Nearly all of what came meanwhile is applied before the lock, so the live generation stands still only for a moment.
	if err := r.catchUp(ctx, f); err != nil {
		return err
	}
	lost, err := r.lostCheckpoint(ctx, f.model)
	if err != nil {
		return err
	}
	// It holds the live model's fence, so nobody may wait long for a process that stands still in the middle of it.
	begin := `begin; set local idle_in_transaction_session_timeout to '` + lease.Session + `'; set local search_path to ` + f.schema()
	err = pgx.BeginTxFunc(ctx, r.Pool, pgx.TxOptions{BeginQuery: begin}, func(tx pgx.Tx) error {
		// Whoever lost the lock on the way may find what it filled swept away by the next one.
		if stored, err := f.load(ctx, tx, "for update"); err != nil {
			return fmt.Errorf("look for what was filled: %w", err)
		} else if stored != f.at {
			return errFillingLost
		}
		old, found, err := r.lockLive(ctx, tx, f.model)
		if err != nil {
			return err
		}
		if found {
			if err := r.reach(ctx, tx, f, old, lost); err != nil {
				return err
			}
			// Without its row, a page that waits for this lock finds nothing to move; with another name, the schema is found by nobody.
			_, err = tx.Exec(ctx, fmt.Sprintf(`delete from %[1]s.checkpoint; alter schema %[1]s rename to %[2]s`, old.schema(), old.retired()))
			if err != nil {
				return fmt.Errorf("retire %s: %w", old.schema(), err)
			}
		}
		_, err = tx.Exec(ctx, `
			insert into kept.models as m (model, generation, hash) values ($1, $2, $3)
			on conflict (model) do update set generation = excluded.generation, hash = excluded.hash, flipped_at = now(),
				retired = case when $4 then m.retired || m.generation else m.retired end`, f.model, f.number, f.hash, found)
		if err != nil {
			return fmt.Errorf("move the pointer of %s: %w", f.model, err)
		}
		if err := r.follow(ctx, tx, f.generation); err != nil { // what follows reads the retired schema for now: see dropRetired
			slog.Error("the views do not follow a new generation", "model", f.model, "error", err)
		}
		_, err = tx.Exec(ctx, `notify `+channel)
		return err
	})
	if err != nil {
		return fmt.Errorf("make the new generation of %s live: %w", f.model, err)
	}
	return nil
}

// follow runs OnSwap for a generation. If that fails, nothing of it stays and tx goes on.
func (r *Runner) follow(ctx context.Context, tx pgx.Tx, g generation) error {
	if r.OnSwap == nil {
		return nil
	}
	return pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return r.OnSwap(ctx, tx, g.model, g.schema()) })
}

// followLive runs OnSwap for the live generation, if there is one.
func (r *Runner) followLive(ctx context.Context, model string) error {
	return pgx.BeginFunc(ctx, r.Pool, func(tx pgx.Tx) error {
		live := generation{model: model}
		err := tx.QueryRow(ctx, `select generation from kept.models where model = $1 and to_regclass(format('rm_%s_%s.checkpoint', model, generation)) is not null
			for update`, model).Scan(&live.number)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return r.follow(ctx, tx, live)
	})
}

// lostCheckpoint is the id of the event at the live generation's checkpoint, if the log does not hold it: the log was moved, replaced or cut.
func (r *Runner) lostCheckpoint(ctx context.Context, model string) (lost uuid.UUID, err error) {
	if err := r.Models.refresh(ctx); err != nil {
		return uuid.Nil, err
	}
	live, there := r.Models.live.Load().of[model]
	if !there {
		return uuid.Nil, nil
	}
	c, err := live.load(ctx, r.Pool, "")
	if errors.Is(err, errMoved) {
		return uuid.Nil, nil // nobody but us swaps; it was dropped by hand
	}
	if err != nil {
		return uuid.Nil, err
	}
	if r.Models.reached.doubtOf(model).why == ErrLogReplaced { // it has been waited for already
		err = r.askOnce(ctx, c)
	} else {
		err = r.sameLog(ctx, c, nil)
	}
	if errors.Is(err, ErrLogReplaced) || errors.Is(err, errNotFound) {
		return c.event, nil
	}
	return uuid.Nil, err
}

// lockLive locks the pointer and the live generation's checkpoint. A pointer to a missing schema is a missing generation.
func (r *Runner) lockLive(ctx context.Context, tx pgx.Tx, model string) (live generation, found bool, err error) {
	live.model = model
	// A row to lock, so that two which build the first generation come one after the other.
	if _, err := tx.Exec(ctx, `insert into kept.models (model, generation, hash) values ($1, 0, '') on conflict do nothing`, model); err != nil {
		return live, false, fmt.Errorf("lock the pointer of %s: %w", model, err)
	}
	var there bool
	err = tx.QueryRow(ctx, `
		select generation, hash, to_regclass(format('rm_%s_%s.checkpoint', model, generation)) is not null
		from kept.models where model = $1 for update`, model).Scan(&live.number, &live.hash, &there)
	if err != nil {
		return live, false, fmt.Errorf("lock the pointer of %s: %w", model, err)
	}
	return live, there, nil
}

// reach locks the live checkpoint and applies, in tx, what lies between the new generation and it. If the event lost is at that checkpoint, the
// live position says nothing about this log; its end as of the start is reached.
func (r *Runner) reach(ctx context.Context, tx pgx.Tx, f *filling, old generation, lost uuid.UUID) error {
	live, err := old.load(ctx, tx, "for update")
	if err != nil {
		return err
	}
	if lost != uuid.Nil && live.event == lost {
		return nil
	}
	if err := r.askOnce(ctx, live); err != nil { // others wait for this transaction: there is no time to be patient
		return err
	}
	if !live.at.After(f.at.at) {
		return nil
	}
	return r.Log.ReadAll(ctx, f.at.at, func(page eventschema.Page) error {
		for len(page) > 0 && page.Last().Position.After(live.at) {
			page = page[:len(page)-1]
		}
		if page = after(f.at.at, page); len(page) == 0 {
			return eventschema.ErrStop
		}
		at, err := f.applyIn(ctx, tx, f.projector, f.at, page)
		if err != nil {
			return err
		}
		f.at = at
		return nil
	})
}

// catchUp applies what has come since the filling began.
func (r *Runner) catchUp(ctx context.Context, f *filling) error {
	return r.Log.ReadAll(ctx, f.at.at, func(page eventschema.Page) error {
		return f.take(ctx, r.Pool, page)
	})
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// dropRetired drops a model's schemas that are neither live nor being filled, once the live one has been so for as long as keep: a query that
// began before the swap still reads the old tables. What could not follow the swap, and reads them too, follows now or keeps them.
func (r *Runner) dropRetired(ctx context.Context, model string, keep time.Duration) error {
	idle := func(q querier) ([]string, error) {
		rows, err := q.Query(ctx, `
			select s.nspname from pg_namespace s left join kept.models m on m.model = $1
			where s.nspname ~ ('^rm_' || $1 || '_[0-9]+(_retired)?$')
			and s.nspname is distinct from format('rm_%s_%s', m.model, m.generation)
			and (m.flipped_at is null or m.flipped_at < now() - $2::interval)`, model, keep)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if schemas, err := idle(r.Pool); err != nil || len(schemas) == 0 {
		return err
	}
	held, release, err := r.lock(ctx, time.Millisecond, model)
	if err != nil {
		return err
	}
	defer release()
	ctx = held
	schemas, err := idle(r.Pool) // again, now that nobody is building
	if err != nil || len(schemas) == 0 {
		return err
	}
	if err := r.followLive(ctx, model); err != nil {
		return fmt.Errorf("follow the live generation: %w", err)
	}
	for _, schema := range schemas {
		if err := r.dropIf(ctx, schema, func(tx pgx.Tx) (bool, error) {
			// With the pointer locked, nobody who lost the lock on the way can make it live meanwhile.
			if _, err := tx.Exec(ctx, `select from kept.models where model = $1 for update`, model); err != nil {
				return false, err
			}
			still, err := idle(tx)
			return slices.Contains(still, schema), err
		}); err != nil {
			return err
		}
	}
	_, err = r.Pool.Exec(ctx, `update kept.models set retired = '{}' where model = $1`, model)
	return err
}

// drop removes a schema, unless someone reads it for longer than a moment: then the next sweep does.
func (r *Runner) drop(ctx context.Context, schema string) error {
	return r.dropIf(ctx, schema, func(pgx.Tx) (bool, error) { return true, nil })
}

func (r *Runner) dropIf(ctx context.Context, schema string, idle func(pgx.Tx) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err := pgx.BeginFunc(ctx, r.Pool, func(tx pgx.Tx) error {
		if yes, err := idle(tx); err != nil || !yes {
			return err
		}
		_, err := tx.Exec(ctx, `set local lock_timeout to '2s'; drop schema if exists `+schema+` cascade`)
		return err
	})
	if err != nil {
		return fmt.Errorf("drop schema %s: %w", schema, err)
	}
	return nil
}
