package projections

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// line is a connection that a live generation keeps for its pages. What [BeginApply] says for one transaction holds here for the session, so the
// statements of a page that brings a single event, the usual page of a live model, are nearly all there is: a page that concerns the model takes
// three round trips, begin with the fence and the projector's first question, its rows, commit; a page that does not takes one.
type line struct {
	pool *pgxpool.Pool
	generation
	conn *pgxpool.Conn
}

const lineSettings = `set synchronous_commit to off; set enable_seqscan to off; set enable_hashjoin to off; set enable_mergejoin to off;
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
		err = cmp.Or(tx.begin(ctx), err) // an event that others have applied is nobody's fault any more
		tx.rollback()
		return from, err
	}
	if err := applySafely(ctx, tx, p, page); err != nil {
		tx.rollback()
		if tx.err != nil { // the fence's, which says more than the statement that met it
			return from, tx.err
		}
		return from, hushed{l.model, err}
	}
	if !tx.begun {
		return to, moved(l.model)(conn.Exec(ctx, moveSQL, from.move(to)...))
	}
	if err := tx.commit(ctx); err != nil {
		tx.rollback()
		return from, err
	}
	return to, nil
}

// pageTx is a page's transaction as a projector sees it. It begins with the first statement, and with it goes the fence: whoever asks nothing
// needs no transaction.
type pageTx struct {
	pgx.Tx // nil: what is not defined here, projectors do not use
	conn   *pgx.Conn
	generation
	from, to checkpoint
	begun    bool
	err      error // of beginning: the checkpoint has moved, the connection was cut
}

// first sends the begin, the fence and what follows them in one round trip.
func (t *pageTx) first(ctx context.Context, b *pgx.Batch) (pgx.BatchResults, error) {
	t.begun = true
	all := &pgx.Batch{}
	all.Queue(`begin`)
	all.Queue(moveSQL, t.from.move(t.to)...)
	all.QueuedQueries = append(all.QueuedQueries, b.QueuedQueries...)
	results := t.conn.SendBatch(ctx, all)
	_, err := results.Exec()
	if err == nil {
		t.err = moved(t.model)(results.Exec())
	} else {
		t.err = moved(t.model)(pgconn.CommandTag{}, err)
	}
	if t.err != nil {
		_ = results.Close() // says the same again, or what the others met
		return nil, t.err
	}
	return results, nil
}

// begin begins before a statement that cannot travel in a batch.
func (t *pageTx) begin(ctx context.Context) error {
	if t.begun {
		return t.err
	}
	results, err := t.first(ctx, &pgx.Batch{})
	if err != nil {
		return err
	}
	if err := results.Close(); err != nil {
		t.err = err
	}
	return t.err
}

// SendBatch implements pgx.Tx.
func (t *pageTx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if t.begun {
		if t.err != nil {
			return failed{err: t.err}
		}
		return t.conn.SendBatch(ctx, b)
	}
	results, err := t.first(ctx, b)
	if err != nil {
		return failed{err: err}
	}
	return results
}

// Query implements pgx.Tx.
func (t *pageTx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if t.begun {
		if t.err != nil {
			return failedRows{err: t.err}, t.err
		}
		return t.conn.Query(ctx, sql, args...)
	}
	b := &pgx.Batch{}
	b.Queue(sql, args...)
	results, err := t.first(ctx, b)
	if err != nil {
		return failedRows{err: err}, err
	}
	rows, err := results.Query()
	return &lastRows{Rows: rows, results: results}, err
}

// QueryRow implements pgx.Tx.
func (t *pageTx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if err := t.begin(ctx); err != nil {
		return failedRows{err: err}
	}
	return t.conn.QueryRow(ctx, sql, args...)
}

// Exec implements pgx.Tx.
func (t *pageTx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if err := t.begin(ctx); err != nil {
		return pgconn.CommandTag{}, err
	}
	return t.conn.Exec(ctx, sql, args...)
}

// CopyFrom implements pgx.Tx.
func (t *pageTx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, source pgx.CopyFromSource) (int64, error) {
	if err := t.begin(ctx); err != nil {
		return 0, err
	}
	return t.conn.CopyFrom(ctx, table, columns, source)
}

func (t *pageTx) commit(ctx context.Context) error {
	tag, err := t.conn.Exec(ctx, `commit`)
	if err == nil && tag.String() != "COMMIT" {
		err = pgx.ErrTxCommitRollback
	}
	if err != nil {
		return fmt.Errorf("commit a page of %s: %w", t.model, err)
	}
	return nil
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
