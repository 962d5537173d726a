package projections

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/lease"
)

// line is a connection that a live generation keeps for its pages. What [BeginApply] says for one transaction holds here for the session, so the
// statements of a page that brings a single event, the usual page of a live model, are nearly all there is: a page that concerns the model takes
// two round trips, begin with the fence and the projector's question, and its rows with the commit; a page that does not takes one.
type line struct {
	pool *pgxpool.Pool
	generation
	conn *pgxpool.Conn
}

// A page holds its model's fence. Whoever stands still in the middle of one is ended by the server, so that the next process gets on.
const lineSettings = `set idle_in_transaction_session_timeout to '` + lease.Session + `'; set synchronous_commit to off; set enable_seqscan to off; set enable_hashjoin to off; set enable_mergejoin to off;
	set search_path to `

// open returns the connection, a new one if there is none or it was cut.
func (l *line) open(ctx context.Context) (*pgx.Conn, error) {
	if l.conn != nil {
		if c := l.conn.Conn(); !c.IsClosed() {
			return c, nil
		}
		l.close()
	}
	conn, err := l.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to apply pages to %s: %w", l.model, err)
	}
	l.conn = conn
	if _, err := conn.Exec(ctx, lineSettings+l.schema()); err != nil {
		l.close()
		return nil, fmt.Errorf("connect to apply pages to %s: %w", l.model, err)
	}
	return conn.Conn(), nil
}

// close ends the connection: with its settings it is of no use to others.
func (l *line) close() {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = l.conn.Conn().Close(ctx) // nothing is open on it
	l.conn.Release()
	l.conn = nil
}

// apply does what generation.apply does, on this connection.
func (l *line) apply(ctx context.Context, p Projector, from checkpoint, page eventschema.Page) (checkpoint, error) {
	page = after(from.at, page)
	if len(page) == 0 {
		return from, nil
	}
	conn, err := l.open(ctx)
	if err != nil {
		return from, err
	}
	to := checkpoint{from.deployment, page.Last().Position, page.Last().ID}
	tx := &pageTx{conn: conn, generation: l.generation, from: from, to: to}
	if err := decoded(l.model, page); err != nil {
		err = cmp.Or(tx.flush(ctx), err) // an event that others have applied is nobody's fault any more
		tx.rollback()
		return from, err
	}
	err = applySafely(ctx, tx, p, page)
	if err == nil && !tx.begun && len(tx.later) == 0 {
		if err := moved(l.model)(conn.Exec(ctx, moveSQL, from.move(to)...)); err != nil {
			return from, err
		}
		return to, nil
	}
	if err == nil {
		err = tx.commit(ctx)
	}
	switch {
	case err == nil:
		return to, nil
	case tx.err != nil: // the fence's, which says more than the statement that met it
		err = tx.err
	default:
		err = hushed{l.model, err}
	}
	tx.rollback()
	return from, err
}

// pageTx is a page's transaction as a projector sees it. It begins with the first question, and with it goes the fence: whoever asks nothing needs
// no transaction. Statements whose answers nobody reads wait for the next that is read, or for the commit, and travel with it.
type pageTx struct {
	pgx.Tx // nil: what is not defined here, projectors do not use
	conn   *pgx.Conn
	generation
	from, to checkpoint
	begun    bool
	later    []*pgx.QueuedQuery
	err      error // of beginning: the checkpoint has moved, the connection was cut
}

// send sends what has waited and then a batch, in one round trip. The results are those of the batch.
func (t *pageTx) send(ctx context.Context, b *pgx.Batch) (pgx.BatchResults, error) {
	if t.err != nil {
		return nil, t.err
	}
	all := &pgx.Batch{}
	begins := !t.begun
	if begins {
		all.Queue(`begin`)
		all.Queue(fenceSQL, t.from.move(t.to)...)
	}
	waited := len(t.later)
	all.QueuedQueries = append(append(all.QueuedQueries, t.later...), b.QueuedQueries...)
	t.begun, t.later = true, nil
	results := t.conn.SendBatch(ctx, all)
	var err error
	if begins {
		if _, err = results.Exec(); err == nil {
			_, err = results.Exec()
		}
		if err != nil {
			t.err = fenced(t.model, err)
			err = t.err
		}
	}
	for ; waited > 0 && err == nil; waited-- {
		_, err = results.Exec()
	}
	if err != nil {
		_ = results.Close() // says the same again, or what the others met
		return nil, err
	}
	return results, nil
}

// fenceSQL is moveSQL that fails unless it moves the checkpoint, so that nothing which travels with it is done.
const fenceSQL = `with moved as (` + moveSQL + ` returning true) select 1 / count(*) from moved`

// fenced judges the error of beginning.
func fenced(model string, err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "22012" { // nothing was moved
		return errMoved
	}
	return moved(model)(pgconn.CommandTag{}, err)
}

// flush sends what has waited before a statement that cannot travel in a batch.
func (t *pageTx) flush(ctx context.Context) error {
	if t.begun && len(t.later) == 0 {
		return t.err
	}
	results, err := t.send(ctx, &pgx.Batch{})
	if err != nil {
		return err
	}
	return results.Close()
}

// SendBatch implements pgx.Tx.
func (t *pageTx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if !slices.ContainsFunc(b.QueuedQueries, func(q *pgx.QueuedQuery) bool { return q.Fn != nil }) {
		return &unread{tx: t, ctx: ctx, batch: b}
	}
	results, err := t.send(ctx, b)
	if err != nil {
		return failed{err: err}
	}
	return results
}

// Query implements pgx.Tx.
func (t *pageTx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if t.begun && t.err == nil && len(t.later) == 0 {
		return t.conn.Query(ctx, sql, args...)
	}
	b := &pgx.Batch{}
	b.Queue(sql, args...)
	results, err := t.send(ctx, b)
	if err != nil {
		return failedRows{err: err}, err
	}
	rows, err := results.Query()
	return &lastRows{Rows: rows, results: results}, err
}

// QueryRow implements pgx.Tx.
func (t *pageTx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if err := t.flush(ctx); err != nil {
		return failedRows{err: err}
	}
	return t.conn.QueryRow(ctx, sql, args...)
}

// Exec implements pgx.Tx.
func (t *pageTx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if err := t.flush(ctx); err != nil {
		return pgconn.CommandTag{}, err
	}
	return t.conn.Exec(ctx, sql, args...)
}

// CopyFrom implements pgx.Tx.
func (t *pageTx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, source pgx.CopyFromSource) (int64, error) {
	if err := t.flush(ctx); err != nil {
		return 0, err
	}
	return t.conn.CopyFrom(ctx, table, columns, source)
}

// commit sends what has waited with the commit. A statement that fails takes the commit with it.
func (t *pageTx) commit(ctx context.Context) error {
	b := &pgx.Batch{}
	b.Queue(`commit`)
	results, err := t.send(ctx, b)
	if err != nil {
		return err
	}
	tag, err := results.Exec()
	if err = errors.Join(err, results.Close()); err == nil && tag.String() != "COMMIT" {
		err = pgx.ErrTxCommitRollback
	}
	return err
}

// rollback undoes what was begun. If that cannot be said, the connection goes, and the transaction with it.
func (t *pageTx) rollback() {
	if !t.begun || t.conn.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // also when the page's own time is over
	defer cancel()
	if _, err := t.conn.Exec(ctx, `rollback`); err != nil {
		_ = t.conn.Close(ctx)
	}
}

// unread are the results of a batch that asks nothing. If they are only closed, the batch waits.
type unread struct {
	pgx.BatchResults // once they are read after all
	tx               *pageTx
	ctx              context.Context
	batch            *pgx.Batch
	closed           bool
}

func (u *unread) read() pgx.BatchResults {
	if u.BatchResults == nil {
		results, err := u.tx.send(u.ctx, u.batch)
		if err != nil {
			results = failed{err: err}
		}
		u.BatchResults = results
	}
	return u.BatchResults
}

// Exec implements pgx.BatchResults.
func (u *unread) Exec() (pgconn.CommandTag, error) { return u.read().Exec() }

// Query implements pgx.BatchResults.
func (u *unread) Query() (pgx.Rows, error) { return u.read().Query() }

// QueryRow implements pgx.BatchResults.
func (u *unread) QueryRow() pgx.Row { return u.read().QueryRow() }

// Close implements pgx.BatchResults.
func (u *unread) Close() error {
	switch {
	case u.BatchResults != nil:
		return u.BatchResults.Close()
	case u.tx.err != nil:
		return u.tx.err
	case !u.closed:
		u.closed = true
		u.tx.later = append(u.tx.later, u.batch.QueuedQueries...)
	}
	return nil
}

// lastRows are the rows of the only query of a batch.
type lastRows struct {
	pgx.Rows
	results pgx.BatchResults
	closed  bool
	err     error
}

// Next implements pgx.Rows.
func (r *lastRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

// Close implements pgx.Rows; it frees the connection for the next statement.
func (r *lastRows) Close() {
	if !r.closed {
		r.closed = true
		r.Rows.Close()
		r.err = r.results.Close()
	}
}

// Err implements pgx.Rows.
func (r *lastRows) Err() error { return errors.Join(r.Rows.Err(), r.err) }

// failed is what a statement answers in a transaction that could not begin.
type failed struct {
	pgx.BatchResults
	err error
}

func (f failed) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, f.err }
func (f failed) Query() (pgx.Rows, error)         { return failedRows{err: f.err}, f.err }
func (f failed) QueryRow() pgx.Row                { return failedRows{err: f.err} }
func (f failed) Close() error                     { return f.err }

type failedRows struct {
	pgx.Rows
	err error
}

func (f failedRows) Next() bool        { return false }
func (f failedRows) Close()            {}
func (f failedRows) Err() error        { return f.err }
func (f failedRows) Scan(...any) error { return f.err }
