package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// generation is one filling of a read model: a schema with its rows and the checkpoint that says how far they go.
type generation struct {
	model  string
	number int
	hash   string
}

func (g generation) schema() string { return fmt.Sprintf("rm_%s_%d", g.model, g.number) }

// retired is what the schema is called once another generation has taken its place. The new name is what makes every reader and runner
// that still knows the old one look again, in the very statement that would have read old rows.
func (g generation) retired() string { return g.schema() + "_retired" }

// checkpoint is how far a generation is: the last event applied. Zero: none yet.
type checkpoint struct {
	deployment uuid.UUID
	at         eventschema.Position
	event      uuid.UUID
}

const checkpointSQL = `
create table checkpoint (
	singleton   boolean primary key default true check (singleton),
	deployment  uuid not null,
	commit_pos  bigint not null default 0,
	prepare_pos bigint not null default 0,
	event_id    uuid not null
);
comment on table checkpoint is 'How far the rows of this schema go. It lies beside them, so it cannot outlive them.';
comment on column checkpoint.deployment is 'The deployment whose log was read.';
comment on column checkpoint.commit_pos is 'Position of the last event applied, its commit part; 0 before the first.';
comment on column checkpoint.prepare_pos is 'Its prepare part.';
comment on column checkpoint.event_id is 'Id of the event there: another one means that the log was replaced or cut.';
`

// create makes the generation's empty schema.
func (g generation) create(ctx context.Context, pool *pgxpool.Pool, p Projector, deployment uuid.UUID) error {
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `create schema `+g.schema()+`; set local search_path to `+g.schema()+`;`+checkpointSQL+p.SQL())
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into checkpoint (deployment, event_id) values ($1, $2)`, deployment, uuid.Nil)
		return err
	})
	if err != nil {
		return fmt.Errorf("create schema %s: %w", g.schema(), err)
	}
	return nil
}

// load reads the stored checkpoint; lock makes the transaction its only mover.
func (g generation) load(ctx context.Context, q interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}, lock string) (checkpoint, error) {
	var c checkpoint
	err := q.QueryRow(ctx, `select deployment, commit_pos, prepare_pos, event_id from `+g.schema()+`.checkpoint `+lock).
		Scan(&c.deployment, &c.at.Commit, &c.at.Prepare, &c.event)
	if errors.Is(err, pgx.ErrNoRows) || isGone(err) {
		return c, errMoved // retired between looking it up and reading it
	}
	if err != nil {
		return c, fmt.Errorf("read the checkpoint of %s: %w", g.model, err)
	}
	return c, nil
}

// errMoved: the checkpoint is not where this page begins. Someone else ran on, or the generation was retired: reopen from what is stored.
var errMoved = errors.New("the checkpoint has moved")

// BeginApply begins the transaction of a page; search_path comes after it. Rows and checkpoint are lost together in a crash and read from the
// log again, so the commit need not wait for the disk. A page's statements find their rows by index: plans are made, and kept, when a fresh
// generation's tables are empty, where reading all of a table looks cheap, and that would make a rebuild slower with every row.
const BeginApply = `begin; set local synchronous_commit to off; set local enable_seqscan to off; set local enable_hashjoin to off;
	set local enable_mergejoin to off; `

// apply applies one page that begins after from, in a transaction of its own, and returns the new checkpoint.
func (g generation) apply(ctx context.Context, pool *pgxpool.Pool, p Projector, from checkpoint, page eventschema.Page) (checkpoint, error) {
	page = after(from.at, page)
	if len(page) == 0 {
		return from, nil
	}
	begin := pgx.TxOptions{BeginQuery: BeginApply + `set local search_path to ` + g.schema()}
	to := from
	err := pgx.BeginTxFunc(ctx, pool, begin, func(tx pgx.Tx) (err error) {
		to, err = g.applyIn(ctx, tx, p, from, page)
		return err
	})
	if err != nil {
		return from, err
	}
	return to, nil
}

// applyIn applies a page in a transaction whose search_path is the generation's schema.
func (g generation) applyIn(ctx context.Context, tx pgx.Tx, p Projector, from checkpoint, page eventschema.Page) (checkpoint, error) {
	to := checkpoint{from.deployment, page.Last().Position, page.Last().ID}
	if err := moved(g.model)(tx.Exec(ctx, moveSQL, from.move(to)...)); err != nil {
		return from, err
	}
	if err := decoded(g.model, page); err != nil {
		return from, err
	}
	if err := applySafely(ctx, tx, p, page); err != nil {
		return from, hushed{g.model, err}
	}
	return to, nil
}

// moveSQL is the fence: the checkpoint moves only from where the page begins, so no event is applied twice, whoever runs.
const moveSQL = `update checkpoint set commit_pos = $1, prepare_pos = $2, event_id = $3 where commit_pos = $4 and prepare_pos = $5 and singleton`

// move is the fence's arguments.
func (c checkpoint) move(to checkpoint) []any {
	return []any{to.at.Commit, to.at.Prepare, to.event, c.at.Commit, c.at.Prepare}
}

// moved judges the answer to the fence.
func moved(model string) func(pgconn.CommandTag, error) error {
	return func(tag pgconn.CommandTag, err error) error {
		switch {
		case isGone(err):
			return errMoved
		case err != nil:
			return fmt.Errorf("move the checkpoint of %s: %w", model, err)
		case tag.RowsAffected() == 0:
			return errMoved
		}
		return nil
	}
}

// decoded is the fault of the page's first event that could not be decoded.
func decoded(model string, page eventschema.Page) error {
	if i := slices.IndexFunc(page, func(e eventschema.Recorded) bool { return e.Err != nil }); i >= 0 {
		return hushed{model, fmt.Errorf("%w: %w", errDecode, page[i].Err)}
	}
	return nil
}

var (
	errDecode = errors.New("the event could not be decoded")
	errPanic  = errors.New("the projector panicked")
)

// applySafely turns a panic into an error. The panic's value may hold personal data, so only the stack is logged, once the event stands alone.
func applySafely(ctx context.Context, tx pgx.Tx, p Projector, page eventschema.Page) (err error) {
	defer func() {
		if recover() != nil {
			if len(page) == 1 {
				slog.Error("projector panicked", "model", p.Name(), "stack", string(debug.Stack()))
			}
			err = errPanic
		}
	}()
	return p.Apply(ctx, tx, page)
}

// applyHalving applies a page by apply. If an event of it is at fault, the page is halved in transactions of its own until that event stands
// alone: everything before it is applied, and a *Fault names it.
func (g generation) applyHalving(apply func(checkpoint, eventschema.Page) (checkpoint, error), from checkpoint, page eventschema.Page) (checkpoint, error) {
	page = after(from.at, page)
	if len(page) == 0 {
		return from, nil
	}
	to, err := apply(from, page)
	why, faulty := eventFault(err)
	switch {
	case !faulty:
		return to, err
	case len(page) == 1:
		e := page[0]
		return from, &Fault{Model: g.model, Stream: e.Stream, Revision: e.Revision, Position: e.Position, Type: e.Type, Event: e.ID, Why: why}
	}
	half := len(page) / 2
	if to, err = g.applyHalving(apply, from, page[:half]); err != nil {
		return to, err
	}
	return g.applyHalving(apply, to, page[half:])
}

// after drops the events at or below a position: a follower that lags sends them again.
func after(at eventschema.Position, page eventschema.Page) eventschema.Page {
	for len(page) > 0 && !page[0].Position.After(at) {
		page = page[1:]
	}
	return page
}

// Fault names the event that stopped a read model; it never holds the event's data.
type Fault struct {
	Model    string               `json:"model"`
	Stream   string               `json:"stream"`
	Revision uint64               `json:"revision"`
	Position eventschema.Position `json:"position"`
	Type     string               `json:"type"`
	Event    uuid.UUID            `json:"event"`
	Why      string               `json:"why"`
}

func (f *Fault) Error() string {
	return fmt.Sprintf("%s stopped at revision %d of %s, %s, position %d/%d: %s", f.Model, f.Revision, f.Stream, f.Type, f.Position.Commit, f.Position.Prepare, f.Why)
}

// LogValue names the event in logs.
func (f *Fault) LogValue() slog.Value {
	return slog.GroupValue(slog.String("model", f.Model), slog.String("stream", f.Stream), slog.Uint64("revision", f.Revision),
		slog.Uint64("commit", f.Position.Commit), slog.String("type", f.Type), slog.String("why", f.Why))
}

// eventFault tells whether an error is the event's own fault, and why in words without data: a server's message quotes values, so only
// its code and the names of things are taken from it.
func eventFault(err error) (why string, yes bool) {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return "", false
	case errors.Is(err, errDecode):
		return decodeWhy(err), true
	case errors.Is(err, errPanic):
		return "the projector panicked", true
	case errors.Is(err, ErrEvent):
		return "the projector refused it", true
	case errors.As(err, &pg) && (pg.Code[:2] == "22" || pg.Code[:2] == "23"):
		why = "SQLSTATE " + pg.Code
		for _, name := range []string{pg.TableName, pg.ColumnName, pg.ConstraintName} {
			if name != "" {
				why += " " + name
			}
		}
		return why, true
	case err != nil && pg == nil && strings.Contains(deepText(err), "unable to encode"):
		// What the server would call SQLSTATE 22, pgx refuses before sending; it has no type for that.
		return "a value does not fit its column", true
	}
	return "", false
}

// deepText is the text of what was wrong, below the hush.
func deepText(err error) string {
	var h hushed
	if errors.As(err, &h) {
		return h.err.Error()
	}
	return err.Error()
}

func decodeWhy(err error) string {
	if errors.Is(err, eventschema.ErrKeyMissing) {
		return "its personal-data key is missing"
	}
	return "it could not be decoded"
}

// isGone tells whether a statement failed because its schema is not there any more.
func isGone(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "3F000")
}

// hushed is an error whose text holds no data, while its cause can still be matched: pgx and the server quote values.
type hushed struct {
	model string
	err   error
}

func (h hushed) Error() string { return "apply a page to " + h.model + ": " + errClass(h.err) }
func (h hushed) Unwrap() error { return h.err }

// errClass is an error in words that hold no data.
func errClass(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return "the database refused: SQLSTATE " + pg.Code
	}
	return "the database is away or the projector failed"
}
