// Package reactions does what follows from events by itself: whenever this event, then that command or message. A reaction is no read
// model: it has effects outside, so it is never rebuilt, a new one starts at the log's end unless it is a [Beginner], and every effect has a key
// that is kept for ever.
//
// Two kinds of effect are told apart. A command is sent while the page is handled: its id derives from the event, so sent twice it is still
// one. Anything else (a mail, a job of the queue) is an [Effect]: it is recorded in the transaction that moves the checkpoint, so it happens
// exactly as often as the page is done, once.
//
// Besides reactions to events, [Repair] looks at regular times after what crashes leave behind.
package reactions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/lease"
	"github.com/dragoman-booking/dragoman/internal/telemetry"
	"github.com/dragoman-booking/dragoman/projections"
)

// Reaction is one "whenever this event, then that".
type Reaction interface {
	// Name is for ever: the checkpoint and the keys of effects are kept under it.
	Name() string
	// Handle does what a page of consecutive events asks for. It may be called again with the same events, whole or in part, so whatever it
	// does itself must not matter twice: commands carry ids from CommandID. What else is to be done it returns.
	Handle(ctx context.Context, page eventschema.Page) ([]Effect, error)
}

// Beginner is a reaction that begins at the log's start when it never ran: what it does may come late, and however often.
type Beginner interface {
	Reaction
	FromTheStart()
}

// Effect is something that must happen once. Its key is the reaction, the event that caused it and whom it is for.
type Effect struct {
	Event     uuid.UUID
	Recipient string // a user's id or the effect's own key; never an address
	// Do records it in the transaction that moves the checkpoint, such as by inserting a job of the queue. It is not called if the key is
	// known; nil if the effect has happened already and only its key is to be kept.
	Do func(ctx context.Context, tx pgx.Tx) error
}

// CommandID is the id of a command that a reaction or timer sends because of an event, or a row, for a recipient: the same every time.
func CommandID(reaction string, cause uuid.UUID, recipient string) uuid.UUID {
	return uuid.NewSHA1(domain.Namespace, fmt.Appendf(nil, "reaction:%s:%s:%s", reaction, cause, recipient))
}

// Options say what a Runner works with. All but Traces are needed.
type Options struct {
	Pool   *pgxpool.Pool
	Log    projections.Log
	Feed   func(reader string, after eventschema.Position) message.Subscriber // as in projections.Options
	PageOf func(*message.Message) eventschema.Page
	Leases *lease.Holder
	Traces *telemetry.Traces // makes a span of every page
}

// Runner runs reactions, each in one process at a time.
type Runner struct {
	Options
	runs    []*run
	router  *message.Router
	stop    context.CancelFunc
	stopped sync.WaitGroup
}

// NewRunner makes a Runner.
func NewRunner(o Options, all ...Reaction) (*Runner, error) {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: 10 * time.Second}, watermill.NopLogger{})
	if err != nil {
		return nil, fmt.Errorf("make the router: %w", err)
	}
	r := &Runner{Options: o, router: router}
	seen := map[string]bool{}
	for _, reaction := range all {
		if seen[reaction.Name()] {
			return nil, fmt.Errorf("two reactions are called %q", reaction.Name())
		}
		seen[reaction.Name()] = true
		one := &run{Options: o, reaction: reaction, verdicts: make(chan error), health: projections.Health{State: projections.Waiting}}
		r.runs = append(r.runs, one)
		router.AddConsumerHandler("reaction "+reaction.Name(), reaction.Name(), one, one.handle)
	}
	return r, nil
}

// Start begins. A reaction that never ran begins at the log's end as of this call, a Beginner at its start.
func (r *Runner) Start(ctx context.Context) error {
	for _, one := range r.runs {
		if err := one.begin(ctx); err != nil {
			return err
		}
	}
	running, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	if len(r.runs) == 0 {
		return nil
	}
	r.stopped.Go(func() {
		if err := r.router.Run(running); err != nil {
			slog.Error("the router of the reactions ended", "error", err)
		}
	})
	select {
	case <-r.router.Running():
		return nil
	case <-ctx.Done():
		cancel()
		return ctx.Err()
	}
}

// Stop ends the work; what is not committed is done by the next one.
func (r *Runner) Stop() error {
	r.stop()
	err := r.router.Close()
	r.stopped.Wait()
	return err
}

// States tells how every reaction stands, without its lag: the log is not asked, which may be away.
func (r *Runner) States(ctx context.Context) ([]projections.Status, error) {
	return r.states(ctx, func(checkpoint) (lag projections.Lag, err error) { return lag, nil })
}

// Status tells how every reaction stands. It has no lag where the log does not hold the event at its checkpoint.
func (r *Runner) Status(ctx context.Context) ([]projections.Status, error) {
	newest, err := r.Log.Newest(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the log's end: %w", err)
	}
	return r.states(ctx, func(c checkpoint) (lag projections.Lag, err error) {
		if !newest.After(c.at) {
			return lag, nil
		}
		return r.lag(ctx, c)
	})
}

func (r *Runner) states(ctx context.Context, lag func(checkpoint) (projections.Lag, error)) ([]projections.Status, error) {
	var all []projections.Status
	for _, one := range r.runs {
		s := projections.Status{Name: one.reaction.Name(), Health: one.get()} // first: one that has stopped moves no more
		c, err := one.load(ctx)
		if err != nil {
			return nil, err
		}
		s.Position = c.at
		if s.Lag, err = lag(c); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func (r *Runner) lag(ctx context.Context, c checkpoint) (projections.Lag, error) {
	if c.at != (eventschema.Position{}) {
		if event, err := r.Log.EventAt(ctx, c.at); err != nil || event != c.event {
			return projections.Lag{}, err
		}
	}
	return projections.LagAt(ctx, r.Log, c.at)
}

// run is one reaction at work.
type run struct {
	Options
	reaction Reaction
	from     checkpoint // written before a page goes to the router
	verdicts chan error

	mu     sync.Mutex
	health projections.Health
}

type checkpoint struct {
	at    eventschema.Position
	event uuid.UUID
}

// begin makes the checkpoint of a reaction that never ran.
func (r *run) begin(ctx context.Context) error {
	if _, err := r.load(ctx); !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	var end eventschema.Position
	var event uuid.UUID
	if _, early := r.reaction.(Beginner); !early {
		var err error
		if end, event, err = End(ctx, r.Log); err != nil {
			return err
		}
	}
	_, err := r.Pool.Exec(ctx, `insert into kept.reaction_checkpoints (reaction, commit_pos, prepare_pos, event_id) values ($1, $2, $3, $4)
		on conflict (reaction) do nothing`, r.reaction.Name(), end.Commit, end.Prepare, event)
	if err != nil {
		return fmt.Errorf("make the checkpoint of %s: %w", r.reaction.Name(), err)
	}
	return nil
}

// End is where the log ends, and the event there; zero and uuid.Nil if it is empty.
func End(ctx context.Context, log projections.Log) (at eventschema.Position, event uuid.UUID, err error) {
	if at, err = log.Newest(ctx); err != nil {
		return at, uuid.Nil, fmt.Errorf("find the log's end: %w", err)
	}
	if at == (eventschema.Position{}) {
		return at, uuid.Nil, nil
	}
	if event, err = log.EventAt(ctx, at); err != nil {
		return at, uuid.Nil, fmt.Errorf("read the log's newest event: %w", err)
	}
	if event == uuid.Nil {
		return at, uuid.Nil, errors.New("read the log's newest event: it is gone again")
	}
	return at, event, nil
}

func (r *run) load(ctx context.Context) (c checkpoint, err error) {
	err = r.Pool.QueryRow(ctx, `select commit_pos, prepare_pos, event_id from kept.reaction_checkpoints where reaction = $1`, r.reaction.Name()).
		Scan(&c.at.Commit, &c.at.Prepare, &c.event)
	if err != nil {
		return c, fmt.Errorf("read the checkpoint of %s: %w", r.reaction.Name(), err)
	}
	return c, nil
}

func (r *run) set(state, why string, fault *projections.Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.health.State != state || r.health.Why != why {
		r.health = projections.Health{State: state, Since: time.Now(), Fault: fault, Why: why}
	}
}

func (r *run) get() projections.Health {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.health
}

// Subscribe opens the feed for this reaction, again and again, until ctx ends or an event stops it.
func (r *run) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		r.follow(ctx, out)
		<-ctx.Done() // a stopped reaction must not end the router
	}()
	return out, nil
}

// Close has nothing to close.
func (r *run) Close() error { return nil }

func (r *run) follow(ctx context.Context, out chan<- *message.Message) {
	name := r.reaction.Name()
	for tries := 0; ctx.Err() == nil; tries++ {
		r.set(projections.Waiting, "", nil)
		held, release, err := r.Leases.Acquire(ctx, "reaction "+name)
		if err != nil {
			return // ctx has ended
		}
		err = r.session(held, out)
		release()
		var fault *projections.Fault
		switch {
		case ctx.Err() != nil:
			return
		case errors.As(err, &fault):
			slog.Error("reaction stopped", "fault", fault)
			r.set(projections.Stopped, fault.Why, fault)
			return
		case errors.Is(err, projections.ErrLogReplaced):
			slog.Error("reaction stopped", "reaction", name, "position", r.from.at.Commit, "error", err)
			r.set(projections.Stopped, "the log is not the one that the reaction has read", nil)
			r.awaitMove(ctx)
		case errors.Is(err, errMoved) || held.Err() != nil:
		default:
			slog.Warn("reaction is opened again", "reaction", name, "error", err)
			r.set(projections.Retrying, "the log or the database is away", nil)
			pause(ctx, tries)
		}
	}
}

// awaitMove waits until somebody has moved the checkpoint: nothing else can start a reaction again that has lost its log.
func (r *run) awaitMove(ctx context.Context) {
	for lost := r.from; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Second):
		}
		if c, err := r.load(ctx); err == nil && c != lost {
			return
		}
	}
}

func (r *run) session(ctx context.Context, out chan<- *message.Message) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if r.from, err = r.load(ctx); err != nil {
		return err
	}
	// The log is compared after the feed is open: from then on the feed ends when the log is another one.
	pages, err := r.Feed("reaction "+r.reaction.Name(), r.from.at).Subscribe(ctx, r.reaction.Name())
	if err != nil {
		return fmt.Errorf("open the feed for %s: %w", r.reaction.Name(), err)
	}
	doubt := func() { r.set(projections.Retrying, projections.Doubting, nil) }
	if err := projections.SameLog(ctx, r.Log, r.from.at, r.from.event, doubt); err != nil {
		return err
	}
	r.set(projections.Running, "", nil)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case msg, open := <-pages:
			if !open {
				return errors.Join(errors.New("the feed ended"), ctx.Err())
			}
			select {
			case out <- msg:
			case <-ctx.Done():
				msg.Nack()
				return ctx.Err()
			}
			if err := <-r.verdicts; err != nil {
				return err
			}
		}
	}
}

// handle does one page, for as long as it takes.
func (r *run) handle(msg *message.Message) error {
	page := r.PageOf(msg)
	ctx, span := r.Traces.Page(msg.Context(), "react", r.reaction.Name(), page)
	defer span.End()
	err := r.page(ctx, page)
	r.verdicts <- err
	return err
}

func (r *run) page(ctx context.Context, page eventschema.Page) error {
	page = slices.DeleteFunc(slices.Clone(page), func(e eventschema.Recorded) bool { return !e.Position.After(r.from.at) })
	if len(page) == 0 {
		return nil
	}
	for tries := 0; ; tries++ {
		err := r.once(ctx, page)
		switch {
		case err == nil:
			r.set(projections.Running, "", nil)
			return nil
		case errors.Is(err, errFault) && len(page) > 1:
			for i := range page { // one by one, so that the event at fault stands alone
				if err := r.page(ctx, page[i:i+1]); err != nil {
					return err
				}
			}
			return nil
		case errors.Is(err, errFault):
			e := page[0]
			return &projections.Fault{Model: r.reaction.Name(), Stream: e.Stream, Revision: e.Revision, Position: e.Position, Type: e.Type, Event: e.ID, Why: err.Error()}
		case errors.Is(err, errMoved), ctx.Err() != nil:
			return err
		}
		slog.Warn("reaction tries a page again", "reaction", r.reaction.Name(), "attempt", tries+1, "position", page.Last().Position.Commit)
		r.set(projections.Retrying, "something that it needs is away", nil)
		pause(ctx, tries)
	}
}

var (
	errMoved = errors.New("the checkpoint has moved")
	errFault = errors.New("the event cannot be handled")
)

// once handles a page, then keeps its effects and moves the checkpoint in one transaction.
func (r *run) once(ctx context.Context, page eventschema.Page) error {
	if slices.ContainsFunc(page, func(e eventschema.Recorded) bool { return e.Err != nil }) {
		return fmt.Errorf("%w: it could not be decoded", errFault)
	}
	effects, err := r.safely(ctx, page)
	if err != nil {
		return err
	}
	last := page.Last()
	// It holds the reaction's fence: whoever stands still in the middle of it is ended by the server, so that the next process gets on.
	begin := `begin; set local idle_in_transaction_session_timeout to '` + lease.Session + `'`
	if len(effects) == 0 { // if a crash takes the checkpoint back, the page is looked at again, with the same outcome
		begin += `; set local synchronous_commit to off`
	}
	err = pgx.BeginTxFunc(ctx, r.Pool, pgx.TxOptions{BeginQuery: begin}, func(tx pgx.Tx) error {
		moved, err := tx.Exec(ctx, `
			update kept.reaction_checkpoints set commit_pos = $2, prepare_pos = $3, event_id = $4, moved_at = now()
			where reaction = $1 and (commit_pos, prepare_pos) = ($5, $6)`,
			r.reaction.Name(), last.Position.Commit, last.Position.Prepare, last.ID, r.from.at.Commit, r.from.at.Prepare)
		switch {
		case err != nil:
			return fmt.Errorf("move the checkpoint of %s: %w", r.reaction.Name(), err)
		case moved.RowsAffected() == 0:
			return errMoved
		}
		return keep(ctx, tx, r.reaction.Name(), effects)
	})
	if err != nil {
		return err
	}
	r.from = checkpoint{last.Position, last.ID}
	return nil
}

// keep records the effects whose keys are new.
func keep(ctx context.Context, tx pgx.Tx, reaction string, effects []Effect) error {
	for _, e := range effects {
		known, err := tx.Exec(ctx, `insert into kept.sent (reaction, event_id, recipient) values ($1, $2, $3) on conflict do nothing`,
			reaction, e.Event, e.Recipient)
		if err != nil {
			return fmt.Errorf("keep an effect's key: %w", err)
		}
		if known.RowsAffected() == 0 || e.Do == nil {
			continue
		}
		if err := e.Do(ctx, tx); err != nil {
			return fmt.Errorf("record an effect of %s: %w", reaction, err)
		}
	}
	return nil
}

// safely turns a panic into the event's fault; its value may hold personal data, so only the stack is logged.
func (r *run) safely(ctx context.Context, page eventschema.Page) (effects []Effect, err error) {
	defer func() {
		if recover() != nil {
			slog.Error("reaction panicked", "reaction", r.reaction.Name(), "stack", string(debug.Stack()))
			err = fmt.Errorf("%w: the reaction panicked", errFault)
		}
	}()
	return r.reaction.Handle(ctx, page)
}

// pause doubles from 50 ms to 2 s, with some chance in it.
func pause(ctx context.Context, tries int) {
	d := min(2*time.Second, 50*time.Millisecond<<min(tries, 8))
	select {
	case <-ctx.Done():
	case <-time.After(d/2 + rand.N(d/2)):
	}
}
