package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/gather"
)

// Models answers queries from the live generations. Readers never see a gap when a generation is swapped for another.
type Models struct {
	pool       *pgxpool.Pool
	projectors map[string]Projector
	hashes     map[string]string
	names      []string

	live    atomic.Pointer[pointers]
	reached reached

	refreshing sync.Mutex
	asked      uint64 // refreshes so far
	shown      uint64 // the one whose answer is live

	shared sync.Map // statement → its gather.Questions

	stop context.CancelFunc
	done chan struct{}
}

// pointers is kept.models as last read: a snapshot that is replaced, never changed.
type pointers struct {
	of        map[string]generation
	qualified sync.Map      // a statement with {model} in it → the same with the live schemas' names
	replaced  chan struct{} // closed when a newer snapshot is there
}

// NewModels knows the read models of these projectors. Start it before use.
func NewModels(pool *pgxpool.Pool, projectors ...Projector) (*Models, error) {
	m := &Models{pool: pool, projectors: map[string]Projector{}, hashes: map[string]string{}}
	m.live.Store(&pointers{replaced: make(chan struct{})})
	m.reached.init()
	for _, p := range projectors {
		name := p.Name()
		if !nameShape.MatchString(name) || m.projectors[name] != nil {
			return nil, fmt.Errorf("read model name %q is taken or not lower-case letters", name)
		}
		hash, err := hashOf(p)
		if err != nil {
			return nil, err
		}
		m.projectors[name], m.hashes[name] = p, hash
		m.names = append(m.names, name)
	}
	slices.Sort(m.names)
	return m, nil
}

// Names are the read models' names in order.
func (m *Models) Names() []string { return slices.Clone(m.names) }

// Start reads which generations are live and listens for changes of that.
func (m *Models) Start(ctx context.Context) error {
	if err := m.refresh(ctx); err != nil {
		return err
	}
	run, cancel := context.WithCancel(context.Background())
	m.stop, m.done = cancel, make(chan struct{})
	go func() {
		defer close(m.done)
		m.listen(run)
	}()
	return nil
}

// Stop ends the listening.
func (m *Models) Stop() {
	m.stop()
	<-m.done
}

// channel is where a swap of generations is announced.
const channel = "dragoman_models"

// listen refreshes the pointers whenever a swap is announced, and after each loss of the connection, when one may have been missed.
// Nothing depends on it being quick: a retired schema has another name, so a reader with an old pointer notices by itself.
func (m *Models) listen(ctx context.Context) {
	for ctx.Err() == nil {
		err := m.listenOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		slog.Warn("listening for new generations of read models was cut", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (m *Models) listenOnce(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, m.pool.Config().ConnConfig) // its own: it would block one of the pool's for good
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `listen `+channel); err != nil {
		return err
	}
	for {
		if err := m.refresh(ctx); err != nil {
			return err
		}
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}

// refresh reads the pointers. A pointer to a schema that is not there is no generation.
func (m *Models) refresh(ctx context.Context) error {
	m.refreshing.Lock()
	m.asked++
	number := m.asked
	m.refreshing.Unlock()
	rows, err := m.pool.Query(ctx, `
		select model, generation, hash from kept.models
		where to_regclass(format('rm_%s_%s.checkpoint', model, generation)) is not null`)
	if err != nil {
		return fmt.Errorf("read which read models are live: %w", err)
	}
	next := &pointers{of: map[string]generation{}, replaced: make(chan struct{})}
	var g generation
	if _, err = pgx.ForEachRow(rows, []any{&g.model, &g.number, &g.hash}, func() error {
		next.of[g.model] = g
		return nil
	}); err != nil {
		return fmt.Errorf("read which read models are live: %w", err)
	}
	m.refreshing.Lock()
	defer m.refreshing.Unlock()
	if number < m.shown {
		return nil // one that was asked later was answered first: it knows whatever was there when this one was asked
	}
	m.shown = number
	old := m.live.Load()
	for model, g := range next.of {
		if old.of[model] != g {
			m.reached.begin(g) // before anybody reads it; after a move of the log its positions are others
		}
	}
	m.live.Store(next)
	close(old.replaced)
	return nil
}

// generation is the live one that this program may serve.
func (p *pointers) generation(m *Models, model string) (generation, error) {
	hash, known := m.hashes[model]
	if !known {
		return generation{}, fmt.Errorf("%w: %s", ErrUnknownModel, model)
	}
	g, there := p.of[model]
	if !there || g.hash != hash {
		return g, fmt.Errorf("%w: %s", ErrNotReady, model)
	}
	return g, nil
}

// Read runs f in a read-only transaction on one snapshot, in which the tables of the named models are found by their bare names; a name that
// two models have means the table of the one named first. It costs two short round trips besides f's. If a generation was swapped meanwhile, f runs again from its start, so it must begin with empty results.
func (m *Models) Read(ctx context.Context, f func(tx pgx.Tx) error, models ...string) error {
	return m.fresh(ctx, func(p *pointers) error {
		var path []string
		for _, model := range models {
			g, err := p.generation(m, model)
			if err != nil {
				return err
			}
			path = append(path, g.schema())
		}
		begin := `begin isolation level repeatable read read only; set local search_path to ` + strings.Join(path, ", ")
		return pgx.BeginTxFunc(ctx, m.pool, pgx.TxOptions{BeginQuery: begin}, f)
	})
}

// Collect answers a question with one statement in one round trip. Tables are named with their model in braces: {access}.users.
func Collect[T any](ctx context.Context, m *Models, row pgx.RowToFunc[T], sql string, args ...any) (all []T, err error) {
	err = m.fresh(ctx, func(p *pointers) error {
		full, err := p.qualify(m, sql)
		if err != nil {
			return err
		}
		rows, err := m.pool.Query(ctx, full, args...)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, row)
		return err
	})
	return all, err
}

// One is Collect for a question with at most one answer.
func One[T any](ctx context.Context, m *Models, row pgx.RowToFunc[T], sql string, args ...any) (one T, found bool, err error) {
	all, err := Collect(ctx, m, row, sql, args...)
	if err != nil || len(all) == 0 {
		return one, false, err
	}
	return all[0], true, nil
}

// OneOf is One for a question that many ask at once, each with a key of its own: whoever asks while the statement is under way for others is
// asked for together with all who came meanwhile. sql takes the keys as an array, $1; keyOf tells whose answer a row is. No answer is
// remembered.
func OneOf[K comparable, T any](ctx context.Context, m *Models, row pgx.RowToFunc[T], keyOf func(T) K, sql string, key K) (one T, found bool, err error) {
	shared, there := m.shared.Load(sql)
	if !there {
		shared, _ = m.shared.LoadOrStore(sql, gather.New(func(ctx context.Context, keys []K) (map[K]T, error) {
			rows, err := Collect(ctx, m, row, sql, keys)
			all := make(map[K]T, len(rows))
			for _, r := range rows {
				all[keyOf(r)] = r
			}
			return all, err
		}))
	}
	return shared.(*gather.Questions[K, T]).Ask(ctx, key)
}

var braced = regexp.MustCompile(`\{([a-z]+)\}`)

func (p *pointers) qualify(m *Models, sql string) (string, error) {
	if full, ok := p.qualified.Load(sql); ok {
		return full.(string), nil
	}
	var missing error
	full := braced.ReplaceAllStringFunc(sql, func(name string) string {
		g, err := p.generation(m, name[1:len(name)-1])
		missing = errors.Join(missing, err)
		return g.schema()
	})
	if missing != nil {
		return "", missing
	}
	p.qualified.Store(sql, full)
	return full, nil
}

// fresh runs f with the pointers known, and again with new ones if a schema is gone: its generation was retired.
func (m *Models) fresh(ctx context.Context, f func(*pointers) error) error {
	for attempt := 1; ; attempt++ {
		err := f(m.live.Load())
		if !isGone(err) && !errors.Is(err, ErrNotReady) || attempt == 3 {
			return err
		}
		if refreshErr := m.refresh(ctx); refreshErr != nil {
			return refreshErr
		}
	}
}

// Position is how far all of the named models are: the least of their checkpoints, zero where the log was not seen to hold one. Read before a
// query, it is a promise about its answer.
func (m *Models) Position(ctx context.Context, models ...string) (eventschema.Position, error) {
	if err := m.look(ctx, models); err != nil {
		return eventschema.Position{}, err
	}
	return m.reached.least(models), nil
}

// checkpoint is how far a model's rows go, whether the log still has what they are made of or not.
func (m *Models) checkpoint(ctx context.Context, model string) (eventschema.Position, error) {
	if err := m.look(ctx, []string{model}); err != nil {
		return eventschema.Position{}, err
	}
	m.reached.mu.Lock()
	defer m.reached.mu.Unlock()
	return m.reached.at[model], nil
}

// WaitLimit is how long a query waits for a position before it answers that the read model is behind.
const WaitLimit = 5 * time.Second

// WaitFor returns once every named model has reached a position, so that who wrote reads the own writes; eventschema.ErrBehind if that
// takes longer than WaitLimit. A shorter wait is a matter of ctx, whose end is its own error.
func (m *Models) WaitFor(ctx context.Context, at eventschema.Position, models ...string) error {
	limit := time.NewTimer(WaitLimit)
	defer limit.Stop()
	pause := 5 * time.Millisecond
	look := time.After(0) // a model that another process runs moves without a signal here, so its checkpoint is looked at
	for {
		changed := m.reached.changes()
		behind := m.reached.behind(at, models)
		if len(behind) == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-look:
			if err := m.look(ctx, behind); err != nil {
				return err
			}
			look = time.After(pause)
			pause = min(2*pause, 50*time.Millisecond)
		case <-limit.C: // after a pause of the whole process it is over, whatever has been reached meanwhile
			if err := m.look(ctx, behind); err != nil {
				return err
			}
			if behind = m.reached.behind(at, models); len(behind) == 0 {
				return nil
			}
			return fmt.Errorf("wait for %s: %w", strings.Join(behind, ", "), eventschema.ErrBehind)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// look reads the checkpoints of models in one statement, and again if a generation was swapped meanwhile.
func (m *Models) look(ctx context.Context, models []string) error {
	type seen struct {
		Model           string
		Generation      int
		Commit, Prepare uint64
	}
	var parts []string
	for _, model := range models {
		parts = append(parts, fmt.Sprintf(`select '%[1]s' as model, split_part('{%[1]s}', '_', 3)::int as generation, commit_pos as commit,
			prepare_pos as prepare from {%[1]s}.checkpoint`, model))
	}
	for retired := true; retired; {
		all, err := Collect(ctx, m, pgx.RowToStructByName[seen], strings.Join(parts, " union all "))
		if err != nil {
			return fmt.Errorf("read how far the read models are: %w", err)
		}
		retired = false
		for _, s := range all {
			if !m.reached.advance(s.Model, s.Generation, eventschema.Position{Commit: s.Commit, Prepare: s.Prepare}) {
				retired = true
			}
		}
	}
	return nil
}

// reached is how far each model is known to be in this process. Within a generation it never goes back. A model whose checkpoint the log was not
// seen to hold has reached nothing, wherever its checkpoint stands: a log that was cut is shorter than that, and would make it look up to date.
type reached struct {
	mu      sync.Mutex
	at      map[string]eventschema.Position
	live    map[string]int // generations
	doubts  map[string]doubt
	doubted int // doubts so far
	changed chan struct{}
}

// doubt is about a live generation.
type doubt struct {
	number int   // counts doubts: whoever compared before a later one has not settled it
	why    error // errNotFound: the log is being asked; ErrLogReplaced: it has another event there, or none
	since  time.Time
}

func (r *reached) init() {
	r.at, r.live, r.doubts, r.changed = map[string]eventschema.Position{}, map[string]int{}, map[string]doubt{}, make(chan struct{})
}

// advance notes how far a generation is; false if another one is live, whose positions may be others.
func (r *reached) advance(model string, generation int, to eventschema.Position) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.live[model] != generation {
		return false
	}
	if to.After(r.at[model]) {
		r.at[model] = to
		close(r.changed)
		r.changed = make(chan struct{})
	}
	return true
}

// begin forgets what was known of the generation before.
func (r *reached) begin(g generation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.at, g.model)
	delete(r.doubts, g.model)
	r.live[g.model] = g.number
}

// doubt begins a doubt, or says more about it, and answers its number.
func (r *reached) doubt(model string, generation int, why error) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.live[model] != generation {
		return 0
	}
	r.doubted++
	d := doubt{r.doubted, why, time.Now()}
	if before := r.doubts[model]; before.why == why {
		d.since = before.since
	}
	r.doubts[model] = d
	return d.number
}

// trust ends a doubt, unless there was another one since.
func (r *reached) trust(model string, number int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d, there := r.doubts[model]; there && d.number == number {
		delete(r.doubts, model)
		close(r.changed)
		r.changed = make(chan struct{})
	}
}

func (r *reached) doubtOf(model string) doubt {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.doubts[model]
}

func (r *reached) changes() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

func (r *reached) behind(at eventschema.Position, models []string) (behind []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, model := range models {
		if at.After(r.at[model]) || r.doubts[model].why != nil {
			behind = append(behind, model)
		}
	}
	return behind
}

func (r *reached) least(models []string) (least eventschema.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, model := range models {
		at := r.at[model]
		if r.doubts[model].why != nil {
			at = eventschema.Position{}
		}
		if i == 0 || least.After(at) {
			least = at
		}
	}
	return least
}
