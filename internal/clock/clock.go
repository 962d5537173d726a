// Package clock is the business clock: the machine's time, or in development the time that a test set. The test clock stands still until it is
// set again, may go back, and is shared by all processes of a deployment through the database. Sessions, retries and recordedAt never use it.
package clock

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Clock tells the business time in UTC. The zero Clock is the machine's time.
type Clock struct {
	set  atomic.Pointer[time.Time]
	pool *pgxpool.Pool
	// turn is held from asking the database until set is what it said: what was read before a setting must not be shown after it.
	turn sync.Mutex

	stop context.CancelFunc
	done chan struct{}
}

// Now is the business time, UTC.
func (c *Clock) Now() time.Time {
	if t := c.set.Load(); t != nil {
		return *t
	}
	return time.Now().UTC()
}

const channel = "dragoman_clock"

// StartDev follows the test clock of this deployment. Stop it before the pool is closed.
func StartDev(ctx context.Context, pool *pgxpool.Pool) (*Clock, error) {
	c := &Clock{pool: pool, done: make(chan struct{})}
	if err := c.load(ctx, pool); err != nil {
		return nil, err
	}
	follow, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	go c.follow(follow)
	return c, nil
}

// Stop ends the following.
func (c *Clock) Stop() {
	if c.stop != nil {
		c.stop()
		<-c.done
	}
}

// Set stops the business clock at t, here at once and in other processes as soon as they hear of it.
func (c *Clock) Set(ctx context.Context, t time.Time) error {
	t = t.UTC()
	return c.store(ctx, &t)
}

// Reset makes the business clock the machine's again.
func (c *Clock) Reset(ctx context.Context) error { return c.store(ctx, nil) }

func (c *Clock) store(ctx context.Context, t *time.Time) error {
	c.turn.Lock()
	defer c.turn.Unlock()
	_, err := c.pool.Exec(ctx, `
		with set as (insert into kept.dev_clock (now) values ($1) on conflict (singleton) do update set now = excluded.now returning 1)
		select pg_notify('`+channel+`', '') from set`, t)
	if err != nil {
		return fmt.Errorf("set the test clock: %w", err)
	}
	c.set.Store(t)
	return nil
}

type queryer interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func (c *Clock) load(ctx context.Context, db queryer) error {
	c.turn.Lock()
	defer c.turn.Unlock()
	var t *time.Time
	err := db.QueryRow(ctx, `select now from kept.dev_clock`).Scan(&t)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read the test clock: %w", err)
	}
	if t != nil {
		*t = t.UTC()
	}
	c.set.Store(t)
	return nil
}

// follow reads the clock whenever another process says that it set it, and after each loss of its connection.
func (c *Clock) follow(ctx context.Context) {
	defer close(c.done)
	for ctx.Err() == nil {
		if err := c.followOnce(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "following the test clock was cut", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
}

func (c *Clock) followOnce(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, c.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `listen `+channel); err != nil {
		return err
	}
	for {
		if err := c.load(ctx, conn); err != nil {
			return err
		}
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}
