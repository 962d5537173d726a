// Package lease lets one process at a time run a thing: a read model, a reaction, a timer. A lease expires, so the thing moves over when
// its process dies, stands still or is cut off. It only saves work: correctness comes from fences on the rows themselves, so two holders for a
// moment do no harm.
//
// A holder that is cut off gives up by its own clock, before the database would give the lease to another. One that stands still cannot: when
// it wakes it works on for a moment, and the fences refuse what it does. What it holds in the database meanwhile is a matter of [Session].
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
	conn *pgx.Conn // the rounds' own: a pool whose connections are all busy must not cost the leases

	mu     sync.Mutex
	wanted map[string]*want
	wake   chan struct{} // something new is wanted

	stop context.CancelFunc
	done chan struct{}
}

// want is a name that this process wants to run, and how that stands.
type want struct {
	got  chan struct{} // closed once held
	lost context.CancelFunc
	end  *time.Timer // set while held: when the lease ends by our own clock, counted from before the statement was sent, so never later than the database's
}

// DefaultTerm is how long a lease holds without being renewed. Others ask every quarter of it, so a dead process's work stands still for 6.25 s at
// most.
const DefaultTerm = 5 * time.Second

// Session is what a session sets whose open transaction, or whose lock, would keep the next holder from working: the server ends it when its
// process does not say a word for so long. It is a little longer than a lease, so that whoever is only slow keeps it.
const Session = "8s"

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
		w.lose()
	}
	h.wanted = map[string]*want{}
	h.mu.Unlock()
	h.giveBack(ctx, names)
}

// lose ends what is done under the lease. The caller holds the Holder's lock.
func (w *want) lose() {
	w.lost()
	if w.end != nil {
		w.end.Stop()
	}
}

// Acquire waits until this process holds the lease. The returned context ends when the lease may have been lost, or with ctx;
// release gives it back. Only one Acquire per name and Holder at a time.
func (h *Holder) Acquire(ctx context.Context, name string) (held context.Context, release func(), err error) {
	held, cancel := context.WithCancel(ctx)
	w := &want{got: make(chan struct{}), lost: cancel}
	h.mu.Lock()
	h.wanted[name] = w
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
	release = func() {
		h.mu.Lock()
		w.lose()
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
	defer h.disconnect()
	for ctx.Err() == nil {
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

// lastRound is how long Stop waits for a round that is under way.
const lastRound = time.Second

// round asks for everything wanted in one statement: held leases are renewed, free and expired ones taken. When ctx ends it is let finish: the server
// might carry out a statement that was cancelled, after what it takes was given back.
func (h *Holder) round(ctx context.Context) error {
	h.mu.Lock()
	names := slices.Sorted(maps.Keys(h.wanted)) // one order in every process, so that rows are locked without a deadlock
	asked := maps.Clone(h.wanted)
	h.mu.Unlock()
	if len(names) == 0 {
		return nil
	}
	stopped := ctx
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.term/2)
	defer cancel()
	defer context.AfterFunc(stopped, func() { time.AfterFunc(lastRound, cancel) })()
	sent := time.Now()
	got, err := h.ask(ctx, names)
	if unwanted := h.judge(asked, got, sent, err); len(unwanted) > 0 {
		h.giveBack(ctx, unwanted)
	}
	return err
}

// judge notes what a round has brought, and answers what was given up while it was asked for.
func (h *Holder) judge(asked map[string]*want, got []string, sent time.Time, err error) (unwanted []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, w := range asked {
		switch {
		case h.wanted[name] == nil:
			if slices.Contains(got, name) {
				unwanted = append(unwanted, name)
			}
		case h.wanted[name] != w: // given up, or ended, and wanted again: the next round asks
		case err != nil: // a held one may still be ours: it ends when its time is over
		case !slices.Contains(got, name):
			if w.end != nil {
				w.lose()
				delete(h.wanted, name)
			}
		case w.end != nil:
			w.end.Reset(h.term - time.Since(sent))
		default:
			w.end = time.AfterFunc(h.term-time.Since(sent), func() { h.expire(name, w) })
			close(w.got)
		}
	}
	return unwanted
}

// ask sends the round's statement, on a connection that is kept for the next one.
func (h *Holder) ask(ctx context.Context, names []string) (got []string, err error) {
	if h.conn == nil || h.conn.IsClosed() {
		if h.conn, err = pgx.ConnectConfig(ctx, h.pool.Config().ConnConfig); err != nil {
			return nil, err
		}
	}
	rows, err := h.conn.Query(ctx, `
		insert into kept.leases as l (name, holder, expires_at)
		select name, $2, now() + $3::interval from unnest($1::text[]) with ordinality as t (name, n) order by n
		on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at
		where l.holder = excluded.holder or l.expires_at < now()
		returning name`, names, h.id, h.term)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (h *Holder) disconnect() {
	if h.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = h.conn.Close(ctx) // nothing is open on it
	h.conn = nil
}

// expire ends a lease that was not renewed in time.
func (h *Holder) expire(name string, w *want) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.wanted[name] == w {
		w.lost()
		delete(h.wanted, name)
	}
}

// giveBack deletes rows of ours. A failure only means that others wait for their end.
func (h *Holder) giveBack(ctx context.Context, names []string) {
	_, err := h.pool.Exec(ctx, `
		delete from kept.leases where name in
		(select name from kept.leases where name = any($1) and holder = $2 order by name collate "C" for update)`, names, h.id) // in the order of the rounds
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
	for _, w := range h.wanted {
		if w.end != nil {
			w.end.Stop() // a dead process notices nothing
		}
	}
	h.wanted = map[string]*want{}
}
