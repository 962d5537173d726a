// Package lease lets one process at a time run a thing: a read model, a reaction, a timer. A lease expires, so the thing moves over when
// its process dies. It only saves work: correctness comes from fences on the rows themselves, so two holders for a moment do no harm.
package lease

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Holder asks for leases in the name of one process and keeps those it got.
type Holder struct {
	pool *pgxpool.Pool
	id   string
	term time.Duration

	mu     sync.Mutex
	wanted map[string]*want
	wake   chan struct{} // something new is wanted

	stop context.CancelFunc
	done chan struct{}
}

// want is a name that this process wants to run, and how that stands.
type want struct {
	got    chan struct{} // closed once held
	held   context.Context
	lost   context.CancelFunc
	isHeld bool
	until  time.Time // by our own clock, counted from before the statement was sent: never later than the database's
}

// DefaultTerm is how long a lease holds without being renewed, and so the longest time that a dead process's work stands still.
const DefaultTerm = 10 * time.Second

// New makes a Holder; term 0 means DefaultTerm. Start it before use.
func New(pool *pgxpool.Pool, term time.Duration) *Holder {
	if term == 0 {
		term = DefaultTerm
	}
	return &Holder{pool: pool, id: uuid.NewString(), term: term, wanted: map[string]*want{}, wake: make(chan struct{}, 1)}
}

// Start begins to ask and to renew.
func (h *Holder) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	h.stop, h.done = cancel, make(chan struct{})
	go func() {
		defer close(h.done)
		h.run(ctx)
	}()
}

// Stop gives every lease back, so that others need not wait for their end.
func (h *Holder) Stop(ctx context.Context) {
	h.stop()
	<-h.done
	h.mu.Lock()
	names := slices.Collect(maps.Keys(h.wanted))
	for _, w := range h.wanted {
		w.lost()
	}
	h.wanted = map[string]*want{}
	h.mu.Unlock()
	h.giveBack(ctx, names)
}

// Acquire waits until this process holds the lease. The returned context ends when the lease may have been lost, or with ctx;
// release gives it back. Only one Acquire per name and Holder at a time.
func (h *Holder) Acquire(ctx context.Context, name string) (held context.Context, release func(), err error) {
	held, cancel := context.WithCancel(ctx)
	w := &want{got: make(chan struct{}), held: held, lost: cancel}
	h.mu.Lock()
	h.wanted[name] = w
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
	release = func() {
		cancel()
		h.mu.Lock()
		mine := h.wanted[name] == w
		if mine {
			delete(h.wanted, name)
		}
		h.mu.Unlock()
		if mine {
			back, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			h.giveBack(back, []string{name})
		}
	}
	select {
	case <-w.got:
		return held, release, nil
	case <-ctx.Done():
		release()
		return nil, nil, ctx.Err()
	}
}

func (h *Holder) run(ctx context.Context) {
	for {
		if err := h.round(ctx); err != nil && ctx.Err() == nil {
			slog.Warn("leases could not be renewed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
		case <-time.After(h.term / 4):
		}
	}
}

// round asks for everything wanted in one statement: held leases are renewed, free and expired ones taken.
func (h *Holder) round(ctx context.Context) error {
	h.mu.Lock()
	names := slices.Sorted(maps.Keys(h.wanted)) // one order in every process, so that rows are locked without a deadlock
	asked := maps.Clone(h.wanted)
	h.mu.Unlock()
	if len(names) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, h.term/2)
	defer cancel()
	sent := time.Now()
	rows, err := h.pool.Query(ctx, `
		insert into kept.leases as l (name, holder, expires_at)
		select name, $2, now() + $3::interval from unnest($1::text[]) with ordinality as t (name, n) order by n
		on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at
		where l.holder = excluded.holder or l.expires_at < now()
		returning name`, names, h.id, h.term)
	var got []string
	if err == nil {
		got, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, w := range asked {
		switch {
		case h.wanted[name] != w: // given up meanwhile
		case err == nil && slices.Contains(got, name):
			w.until = sent.Add(h.term)
			if !w.isHeld {
				w.isHeld = true
				close(w.got)
			}
		case w.isHeld && (err == nil || time.Now().After(w.until)):
			w.lost()
			delete(h.wanted, name)
		}
	}
	return err
}

// giveBack deletes rows of ours. A failure only means that others wait for their end.
func (h *Holder) giveBack(ctx context.Context, names []string) {
	_, err := h.pool.Exec(ctx, `delete from kept.leases where name = any($1) and holder = $2`, names, h.id)
	if err != nil && !errors.Is(err, context.Canceled) {
		slog.Debug("leases could not be given back", "error", err)
	}
}

// Abandon ends the renewing as the death of the process does: nothing is given back. For tests of taking over.
func Abandon(h *Holder) {
	h.stop()
	<-h.done
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wanted = map[string]*want{}
}
