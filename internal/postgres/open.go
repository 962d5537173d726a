package postgres

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// PoolOptions bounds a pool. The zero value is right for a serving process.
type PoolOptions struct {
	// MaxConns is how many connections the pool may hold. Default: four per CPU, at least 10.
	MaxConns int32

	// Name is shown in pg_stat_activity. Default: dragoman.
	Name string

	// Wait is how long Open keeps trying while the server cannot be reached or is still starting. Default: 30 s.
	Wait time.Duration

	// Tracer sees every query, for traces and metrics. Default: none.
	Tracer pgx.QueryTracer
}

// oldestServer is the oldest PostgreSQL that Dragoman runs on.
const oldestServer = 14

// Open connects to the database at url and returns once it answers. It refuses servers older than PostgreSQL 14 and
// databases that are not UTF-8. Limits that url itself names (pool_max_conns, connect_timeout …) win over the defaults
// here; MaxConns, when given, wins over both. The caller closes the pool.
func Open(ctx context.Context, url string, o PoolOptions) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database's address: %w", err) // pgx leaves the password out
	}
	given := config.ConnConfig.RuntimeParams
	defaultTo := func(name, value string) {
		if _, ok := given[name]; !ok {
			given[name] = value
		}
	}
	defaultTo("application_name", orDefault(o.Name, "dragoman"))
	defaultTo("timezone", "UTC")
	// A transaction left open by a fault of ours must not hold locks, and vacuum, for ever.
	defaultTo("idle_in_transaction_session_timeout", "60s")
	// A network that loses packets tells neither side: the server is to end the session of a client that it cannot reach, and with it the session's
	// locks, as soon as we give up a server, see dialer.
	defaultTo("tcp_keepalives_idle", strconv.Itoa(int(askAfter.Seconds())))
	defaultTo("tcp_keepalives_interval", strconv.Itoa(int(askEvery.Seconds())))
	defaultTo("tcp_keepalives_count", strconv.Itoa(askTimes))
	defaultTo("tcp_user_timeout", "15000") // ms: what stands still must not hold its locks for longer
	if config.ConnConfig.ConnectTimeout == 0 || config.ConnConfig.ConnectTimeout > time.Minute {
		config.ConnConfig.ConnectTimeout = 5 * time.Second
	}
	config.ConnConfig.DialFunc = dialer(config.ConnConfig.ConnectTimeout).DialContext
	if config.PingTimeout == 0 {
		config.PingTimeout = 2 * time.Second // an idle connection that does not answer is dead, and the next one is tried
	}
	config.ConnConfig.Tracer = o.Tracer
	config.AfterConnect = plainUUIDs
	switch {
	case o.MaxConns > 0:
		config.MaxConns = o.MaxConns
	case !strings.Contains(url, "pool_max_conns"):
		config.MaxConns = int32(max(10, 4*runtime.NumCPU()))
	}
	if config.MaxConnLifetimeJitter == 0 {
		config.MaxConnLifetimeJitter = 10 * time.Minute // so a pool does not renew all its connections at once
	}

	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := awaitServer(ctx, pool, orDefault(o.Wait, 30*time.Second)); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open the database: %w", oneLine{err})
	}
	return pool, nil
}

// oneLine is an error in one line. pgx lists each address that it tried on a line of its own, some more than once.
type oneLine struct{ error }

func (e oneLine) Error() string {
	var said []string
	for _, line := range strings.Split(e.error.Error(), "\n") {
		if line = strings.TrimSpace(line); !slices.Contains(said, line) {
			said = append(said, line)
		}
	}
	return strings.Join(said, " ")
}

func (e oneLine) Unwrap() error { return e.error }

// awaitServer asks until the server answers, and then whether it is one that we can use.
func awaitServer(ctx context.Context, pool *pgxpool.Pool, wait time.Duration) error {
	deadline := time.Now().Add(wait)
	for {
		var version int
		var encoding string
		err := pool.QueryRow(ctx, `select current_setting('server_version_num')::int, current_setting('server_encoding')`).Scan(&version, &encoding)
		switch {
		case err == nil && version/10000 < oldestServer:
			return fmt.Errorf("the server is PostgreSQL %d; version %d or newer is needed", version/10000, oldestServer)
		case err == nil && encoding != "UTF8":
			return fmt.Errorf("the database's encoding is %s; it must be UTF8", encoding)
		case err == nil:
			return nil
		case !mayComeUp(err) || time.Now().After(deadline):
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// mayComeUp reports whether err speaks of a server that is away or starting, not of one that refuses us.
func mayComeUp(err error) bool {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) {
		return true // no answer at all
	}
	switch answer.Code {
	case "57P03", "57P01", "57P02", "53300": // starting or stopping, being shut down, crashed, too many clients
		return true
	}
	return false
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
