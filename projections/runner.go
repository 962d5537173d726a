package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/lease"
	"github.com/dragoman-booking/dragoman/internal/telemetry"
)

// Options say what a Runner works with. All are needed but those that say otherwise.
type Options struct {
	Pool   *pgxpool.Pool
	Models *Models
	Log    Log

	// Archive is the log as verify and rebuild read it from its beginning; nil: Log.
	Archive Log

	// Feed opens the feed for one reader, after a position: the reader's checkpoint. A message is a page; the next one comes after its ack.
	// A message's context is a child of the one given to Subscribe.
	Feed func(reader string, after eventschema.Position) message.Subscriber

	// PageOf is what a message of the feed holds.
	PageOf func(*message.Message) eventschema.Page

	// Leases says which process runs what. Whoever follows the log calls Runner.Doubt when it was replaced or cut.
	Leases *lease.Holder

	// Deployment is the log's deployment; a checkpoint of another one is not resumed.
	Deployment uuid.UUID

	// OnSwap, if set, runs in the transaction that makes a generation live: views over its tables follow it there. Its failure stops no swap; it
	// runs again before the retired schema is dropped, which stays as long as OnSwap fails.
	OnSwap func(ctx context.Context, tx pgx.Tx, model, schema string) error

	// Traces, if set, makes a span of every page applied to a live generation.
	Traces *telemetry.Traces

	// KeepRetired is how long a retired generation's schema stays before it is dropped. Default: a minute.
	KeepRetired time.Duration
}

// Runner fills the live generations from the feed: Watermill's router runs each projector as one handler.
type Runner struct {
	Options
	models  map[string]*modelRunner
	router  *message.Router
	stop    context.CancelFunc
	stopped sync.WaitGroup
}

// NewRunner makes a Runner of all of the Models' projectors.
func NewRunner(o Options) (*Runner, error) {
	if o.KeepRetired == 0 {
		o.KeepRetired = time.Minute
	}
	if o.Archive == nil {
		o.Archive = o.Log
	}
	r := &Runner{Options: o, models: map[string]*modelRunner{}}
	// The router's own log names a failed page at error level, but what is wrong is logged here, once, with its model.
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: 10 * time.Second}, watermill.NopLogger{})
	if err != nil {
		return nil, fmt.Errorf("make the router: %w", err)
	}
	r.router = router
	for name, p := range o.Models.projectors {
		m := &modelRunner{runner: r, name: name, leaseName: "model " + name, projector: p, verdicts: make(chan error), doubted: make(chan struct{}, 1),
			health: Health{State: Waiting}}
		r.models[name] = m
		router.AddConsumerHandler("projector "+name, name, m, m.handle)
	}
	return r, nil
}

// Start builds every generation that is missing, then runs the live ones. It returns once all can be queried; a read model that an event
// of the log stops is red in Status and keeps nobody else from running.
func (r *Runner) Start(ctx context.Context) error {
	if err := r.Ensure(ctx, nil); err != nil {
		return err
	}
	r.confirm(ctx, false) // watch goes on with what is not known yet
	run, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	for _, m := range r.models {
		r.stopped.Go(func() { m.watch(run) })
	}
	r.stopped.Go(func() {
		if err := r.router.Run(run); err != nil {
			slog.Error("the router of the projectors ended", "error", err)
		}
	})
	r.stopped.Go(func() { r.sweep(run) })
	select {
	case <-r.router.Running():
		return nil
	case <-ctx.Done():
		cancel()
		return ctx.Err()
	}
}

// Stop ends the work, rolls back the pages at hand and gives the leases back.
func (r *Runner) Stop() error {
	r.stop()
	err := r.router.Close()
	r.stopped.Wait()
	return err
}

// modelRunner runs one read model. To the router it is a subscriber that never ends: losing the lease, a retired generation or a cut
// connection only make it open the feed again, from the stored checkpoint.
type modelRunner struct {
	runner    *Runner
	name      string
	leaseName string
	projector Projector

	// Written before a page goes to the router, read by its handler.
	live generation
	from checkpoint
	line *line // for the live generation's pages

	verdicts chan error    // what became of the page: nil, or why the session ends
	doubted  chan struct{} // there is a doubt to settle

	mu     sync.Mutex
	health Health
	end    context.CancelCauseFunc // of the session, if there was one
}

// States of a read model in one process.
const (
	Waiting  = "waiting"  // another process runs it, or it is about to be opened
	Running  = "running"  // applied all that came
	Retrying = "retrying" // a page is tried again: a dependency is away
	Stopped  = "stopped"  // red: an event cannot be applied, or the log was replaced
)

// Health is how a read model stands in this process.
type Health struct {
	State string    `json:"state"`
	Since time.Time `json:"since"` // machine time
	Fault *Fault    `json:"fault,omitempty"`
	Why   string    `json:"why,omitempty"` // of retrying and stopped, without data
}

func (m *modelRunner) set(state, why string, fault *Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.health.State != state || m.health.Why != why {
		m.health = Health{State: state, Since: time.Now(), Fault: fault, Why: why}
	}
}

func (m *modelRunner) get() Health {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.replaced() { // by whichever process, and whatever this one does meanwhile
		return Health{State: Stopped, Since: m.health.Since, Why: "another version of the program has replaced this read model"}
	}
	switch d := m.runner.Models.reached.doubtOf(m.name); {
	case d.why == ErrLogReplaced: // also where another process runs it
		return Health{State: Stopped, Since: d.since, Why: ErrLogReplaced.Error()}
	case d.why != nil && m.health.State != Stopped:
		return Health{State: Retrying, Since: d.since, Why: Doubting}
	}
	return m.health
}

// Subscribe opens the feed for this read model, again and again, until ctx ends.
func (m *modelRunner) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		m.run(ctx, out)
	}()
	return out, nil
}

// Close has nothing to close: the context of Subscribe ends it.
func (m *modelRunner) Close() error { return nil }

func (m *modelRunner) run(ctx context.Context, out chan<- *message.Message) {
	var pause backoff
	if m.get().State == Stopped { // already while it was built
		m.awaitSwap(ctx)
	}
	for ctx.Err() == nil {
		m.set(Waiting, "", nil)
		held, release, err := m.runner.Leases.Acquire(ctx, m.leaseName)
		if err != nil {
			return // ctx has ended
		}
		err = m.session(held, out, &pause)
		release()
		var fault *Fault
		switch {
		case ctx.Err() != nil:
			return
		case errors.As(err, &fault):
			slog.Error("read model stopped", "fault", fault)
			m.set(Stopped, fault.Why, fault)
			m.awaitSwap(ctx)
		case errors.Is(err, ErrLogReplaced):
			m.set(Stopped, ErrLogReplaced.Error(), nil)
			m.awaitSwap(ctx)
		case errors.Is(err, ErrNotReady) && m.replaced():
			m.awaitSwap(ctx)
		case errors.Is(err, ErrNotReady): // its schema is gone: build it again
			if err := m.runner.Ensure(ctx, nil, m.name); err != nil {
				slog.Warn("missing read model could not be built", "model", m.name, "error", err)
				pause.wait(ctx)
			} else if m.get().State == Stopped {
				m.awaitSwap(ctx)
			}
		case errors.Is(err, errMoved) || held.Err() != nil:
			if err := m.runner.Models.refresh(ctx); err != nil {
				pause.wait(ctx)
			}
		default:
			slog.Warn("read model is opened again", "model", m.name, "error", err)
			m.set(Retrying, "the log or the database is away", nil)
			pause.wait(ctx)
		}
	}
}

// replaced tells whether the pointer names a generation of another hash.
func (m *modelRunner) replaced() bool {
	g, there := m.runner.Models.live.Load().of[m.name]
	return there && g.hash != m.runner.Models.hashes[m.name]
}

// awaitSwap waits until another generation is live: nothing else can start a stopped read model again.
func (m *modelRunner) awaitSwap(ctx context.Context) {
	for {
		now := m.runner.Models.live.Load()
		if g := now.of[m.name]; g.number != m.live.number && g.hash == m.runner.Models.hashes[m.name] {
			return
		}
		select {
		case <-now.replaced:
		case <-ctx.Done():
			return
		}
	}
}

// session runs the live generation from its stored checkpoint until something is in the way; it always returns an error.
func (m *modelRunner) session(ctx context.Context, out chan<- *message.Message, pause *backoff) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	m.mu.Lock()
	m.end = cancel
	m.mu.Unlock()
	if m.live, err = m.runner.Models.live.Load().generation(m.runner.Models, m.name); err != nil {
		return err
	}
	if m.from, err = m.live.load(ctx, m.runner.Pool, ""); err != nil {
		return err
	}
	// The log is compared after the feed is open: from then on the feed ends when the log is another one.
	pages, err := m.runner.Feed(m.name, m.from.at).Subscribe(ctx, m.name)
	if err != nil {
		return fmt.Errorf("open the feed for %s: %w", m.name, err)
	}
	if err := m.compare(ctx, m.live, m.from, true); err != nil {
		return err
	}
	m.line = &line{pool: m.runner.Pool, generation: m.live}
	defer m.line.close()
	m.runner.Models.reached.advance(m.name, m.live.number, m.from.at)
	m.set(Running, "", nil)
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case msg, open := <-pages:
			if !open {
				return errors.Join(errors.New("the feed ended"), context.Cause(ctx))
			}
			select {
			case out <- msg:
			case <-ctx.Done():
				msg.Nack()
				return context.Cause(ctx)
			}
			if err := <-m.verdicts; err != nil {
				return err
			}
			pause.reset()
		}
	}
}

// sameLog is [SameLog] for a generation's checkpoint; askOnce asks once, and may have no answer.
func (r *Runner) sameLog(ctx context.Context, c checkpoint, doubt func()) error {
	if err := r.ours(c); err != nil {
		return err
	}
	return SameLog(ctx, r.Log, c.at, c.event, doubt)
}

func (r *Runner) askOnce(ctx context.Context, c checkpoint) error {
	if err := r.ours(c); err != nil {
		return err
	}
	return compareOnce(ctx, r.Log, c.at, c.event)
}

func (r *Runner) ours(c checkpoint) error {
	if c.deployment != r.Deployment {
		return fmt.Errorf("%w: the checkpoint is of another deployment", ErrLogReplaced)
	}
	return nil
}

// Doubt has the checkpoints of all read models compared with the log, whoever runs them: it was replaced or cut, or may have been. Until a
// model's is found there, the model has reached nothing.
func (r *Runner) Doubt() {
	for _, m := range r.models {
		if g, err := r.Models.live.Load().generation(r.Models, m.name); err == nil {
			m.doubt(g)
			m.endSession()
		}
	}
}

// endSession has the session opened again, from the stored checkpoint.
func (m *modelRunner) endSession() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.end != nil {
		m.end(errMoved)
	}
}

// doubt has watch look at a generation's checkpoint, and answers the doubt's number.
func (m *modelRunner) doubt(g generation) (number int) {
	number = m.runner.Models.reached.doubt(m.name, g.number, errNotFound)
	select {
	case m.doubted <- struct{}{}:
	default:
	}
	return number
}

// Confirm compares all checkpoints with the log, whoever runs the read models, and returns once it has an answer for each, or none for now.
func (r *Runner) Confirm(ctx context.Context) { r.confirm(ctx, true) }

func (r *Runner) confirm(ctx context.Context, patiently bool) {
	r.Doubt()
	var all sync.WaitGroup
	for _, m := range r.models {
		all.Go(func() {
			if err := m.confirm(ctx, patiently); err != nil && !errors.Is(err, ErrLogReplaced) {
				slog.Warn("a checkpoint could not be compared with the log", "model", m.name, "error", err)
			}
		})
	}
	all.Wait()
}

// watch settles doubts, also about models that another process runs. What was found missing is looked for again: the log may have been put back.
func (m *modelRunner) watch(ctx context.Context) {
	var pause backoff
	for ctx.Err() == nil {
		again := time.Duration(math.MaxInt64)
		if m.runner.Models.reached.doubtOf(m.name).why != nil {
			switch err := m.confirm(ctx, true); {
			case err == nil: // unless there is another doubt already
				pause.reset()
				again = time.Second
			case errors.Is(err, ErrLogReplaced):
				again = Patience
			default: // log or database are away
				pause.wait(ctx)
				again = 0
			}
		}
		select {
		case <-ctx.Done():
		case <-m.doubted:
		case <-time.After(again):
		}
	}
}

// confirm compares the checkpoint of the live generation with the log, patiently or once.
func (m *modelRunner) confirm(ctx context.Context, patiently bool) error {
	g, err := m.runner.Models.live.Load().generation(m.runner.Models, m.name)
	if errors.Is(err, ErrNotReady) {
		return nil // nothing to be confirmed
	}
	if err != nil {
		return err
	}
	c, err := g.load(ctx, m.runner.Pool, "")
	switch {
	case errors.Is(err, errMoved):
		return nil // retired; the next one begins without a doubt
	case err != nil:
		return err
	}
	return m.compare(ctx, g, c, patiently)
}

// compare compares a checkpoint with the log, and notes what it finds. Where the log was given its time already, it is asked once.
func (m *modelRunner) compare(ctx context.Context, g generation, c checkpoint, patiently bool) (err error) {
	reached := &m.runner.Models.reached
	before := reached.doubtOf(m.name)
	number, waited := before.number, before.why == ErrLogReplaced
	doubt := func() { number = m.doubt(g) }
	if patiently && !waited {
		err = m.runner.sameLog(ctx, c, doubt)
	} else if err = m.runner.askOnce(ctx, c); errors.Is(err, errNotFound) {
		if waited {
			err = fmt.Errorf("%w: still no event is at the checkpoint", ErrLogReplaced)
		} else {
			doubt()
		}
	}
	switch {
	case err == nil:
		reached.trust(m.name, number)
	case errors.Is(err, ErrLogReplaced):
		if reached.doubtOf(m.name).why != ErrLogReplaced {
			slog.Error("read model stopped", "model", m.name, "position", c.at.Commit, "error", err)
		}
		reached.doubt(m.name, g.number, ErrLogReplaced)
		m.endSession()
	}
	return err
}

// handle applies one page, for as long as it takes: an error that is not the event's fault is tried again with the whole page.
func (m *modelRunner) handle(msg *message.Message) error {
	err := m.applyPage(msg.Context(), m.runner.PageOf(msg))
	m.verdicts <- err
	return err
}

func (m *modelRunner) applyPage(ctx context.Context, page eventschema.Page) error {
	ctx, span := m.runner.Traces.Page(ctx, "project", m.name, page)
	defer span.End()
	var pause backoff
	apply := func(from checkpoint, page eventschema.Page) (checkpoint, error) {
		return m.line.apply(ctx, m.projector, from, page)
	}
	for {
		if m.runner.Models.reached.doubtOf(m.name).why != nil {
			return errMoved // nothing is applied before the log was asked whether it is the same
		}
		to, err := m.live.applyHalving(apply, m.from, page)
		m.from = to // what came before an event at fault is applied
		m.runner.Models.reached.advance(m.name, m.live.number, to.at)
		var fault *Fault
		switch {
		case err == nil:
			m.set(Running, "", nil)
			return nil
		case errors.As(err, &fault), errors.Is(err, errMoved), ctx.Err() != nil:
			span.Failed("not applied")
			return err
		}
		slog.Warn("page is applied again", "model", m.name, "attempt", pause.tries+1, "error", errClass(err))
		m.set(Retrying, errClass(err), nil)
		pause.wait(ctx)
	}
}

// sweep drops retired schemas, and half-built ones that nobody builds any more.
func (r *Runner) sweep(ctx context.Context) {
	every := time.NewTicker(r.KeepRetired)
	defer every.Stop()
	for {
		for name := range maps.Keys(r.models) {
			err := r.dropRetired(ctx, name, r.KeepRetired)
			if err != nil && !errors.Is(err, ErrRebuilding) && ctx.Err() == nil {
				slog.Warn("retired read models could not be dropped", "model", name, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// backoff is a pause that doubles from 50 ms to 2 s, with some chance in it: once log and database are back, nobody waits long for the read models.
type backoff struct{ tries int }

func (b *backoff) wait(ctx context.Context) {
	d := min(2*time.Second, 50*time.Millisecond<<min(b.tries, 8))
	b.tries++
	select {
	case <-ctx.Done():
	case <-time.After(d/2 + rand.N(d/2)):
	}
}

func (b *backoff) reset() { b.tries = 0 }
