package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/metadata"

	"github.com/dragoman-booking/dragoman/eventschema"
)

const (
	reconnectPause = 100 * time.Millisecond // least time between two attempts to find a node
	drainGrace     = time.Second            // how long cancelled calls may take before their client is closed under them
)

// session is one client with the calls that use it.
type session struct {
	client *esdb.Client
	ctx    context.Context // ends when the session is given up
	cancel context.CancelFunc
	calls  sync.WaitGroup
	heard  atomic.Int64 // machine time of the node's last answer, Unix nanoseconds
}

func (s *session) hear() { s.heard.Store(time.Now().UnixNano()) }

// acquire waits for a session and enters a call into it; the call ends with session.calls.Done.
func (l *Log) acquire(ctx context.Context) (*session, error) {
	for {
		l.mu.Lock()
		s, ready, last := l.current, l.ready, l.lastErr
		if s != nil {
			s.calls.Add(1)
		}
		l.mu.Unlock()
		if s != nil {
			return s, nil
		}
		select {
		case <-ready:
		case <-l.ctx.Done():
			return nil, ErrClosed
		case <-ctx.Done():
			if last != nil {
				return nil, fmt.Errorf("no connection yet (%v): %w", last, ctx.Err())
			}
			return nil, fmt.Errorf("no connection yet: %w", ctx.Err())
		}
	}
}

// judge gives a session up if an error of one of its calls says that its connection is lost. began is when the call was sent: a call that got
// no answer in its time condemns the session only if no other call got one meanwhile.
func (l *Log) judge(s *session, began time.Time, err error) {
	silent := errors.Is(err, errStalled) || errors.Is(err, context.DeadlineExceeded) || codeOf(err) == esdb.ErrorCodeDeadlineExceeded
	if lost(err) || silent && s.heard.Load() < began.UnixNano() {
		l.giveUp(s, err)
	}
}

// giveUp ends a session and looks for another one. Only the first call of a session that says so does it.
func (l *Log) giveUp(s *session, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current != s || l.closed {
		return
	}
	slog.Warn("connection to the event store lost", "error", why)
	l.current, l.ready, l.lastErr = nil, make(chan struct{}), why
	l.epoch.Add(1)
	l.background.Add(2)
	go func() {
		defer l.background.Done()
		s.end()
	}()
	go func() {
		defer l.background.Done()
		l.connect()
	}()
}

// end cancels the session's calls and closes its client. A call that waits for a client that is dead obeys nothing but the closing: it panics
// then, in a goroutine that recovers.
func (s *session) end() {
	s.cancel()
	drained := make(chan struct{})
	go func() {
		s.calls.Wait()
		close(drained)
	}()
	select {
	case <-drained:
	case <-time.After(drainGrace):
	}
	_ = s.client.Close() // it has no error
	<-drained
}

// connect looks for a node until there is one or the log is closed.
func (l *Log) connect() {
	for {
		began := time.Now()
		l.searches.Add(1)
		s, err := l.open()
		l.mu.Lock()
		if err == nil && !l.closed {
			l.current, l.lastErr = s, nil
			l.epoch.Add(1)
			close(l.ready)
			l.mu.Unlock()
			slog.Info("connected to the event store")
			return
		}
		l.lastErr = err
		l.mu.Unlock()
		if err == nil { // closed meanwhile
			s.end()
			return
		}
		select {
		case <-time.After(reconnectPause - time.Since(began)):
		case <-l.ctx.Done():
			return
		}
	}
}

// open makes a client and has it find a node, alone: calls that wait for a client whose search fails would never return.
func (l *Log) open() (*session, error) {
	config := l.config // a copy
	client, err := esdb.NewClient(&config)
	if err != nil {
		return nil, fmt.Errorf("make a client of the event store: %w", err)
	}
	found := make(chan error, 1)
	go func() {
		defer recovered(func(err error) { found <- err })
		_, err := client.GetServerVersion()
		found <- err
	}()
	select {
	case err = <-found:
	case <-l.ctx.Done():
		err = ErrClosed
	}
	if err != nil {
		_ = client.Close()
		return nil, fmt.Errorf("find a node of the event store: %w", err)
	}
	s := &session{client: client}
	s.ctx, s.cancel = context.WithCancel(l.ctx)
	s.hear()
	return s, nil
}

// recovered turns the panic of a call that met the closing of its client into an error.
func recovered(report func(error)) {
	if p := recover(); p != nil {
		report(fmt.Errorf("%w: %v", errPanicked, p))
	}
}

// outgoing is the context of one call: it ends with the caller's or with the session. The header asks a cluster that only its leader answers;
// the client itself never sends it.
func (l *Log) outgoing(ctx context.Context, s *session) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.ctx, func() { cancel(errGivenUp) })
	if !l.followers {
		ctx = metadata.AppendToOutgoingContext(ctx, "requires-leader", "true")
	}
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// once runs one call that has one answer. When ctx ends first, the call is left to end by itself.
func once[T any](ctx context.Context, l *Log, f func(context.Context, *esdb.Client) (T, error)) (T, error) {
	var none T
	s, err := l.acquire(ctx)
	if err != nil {
		return none, err
	}
	began := time.Now()
	ctx, cancel := l.outgoing(ctx, s)
	defer cancel()
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		defer s.calls.Done()
		defer recovered(func(err error) { answers <- answer{err: err} })
		value, err := f(ctx, s.client)
		answers <- answer{value, err}
	}()
	var a answer
	select {
	case a = <-answers:
	case <-ctx.Done():
		a.err = context.Cause(ctx)
	}
	if a.err != nil {
		l.judge(s, began, a.err)
		return none, a.err
	}
	s.hear()
	return a.value, nil
}

// item is one message of a read or a subscription.
type item struct {
	event      eventschema.Stored // of a stream of anybody's
	checkpoint eventschema.Position
	isEvent    bool
}

// source hands over the messages of an open read or subscription one by one; io.EOF ends it.
type source func() (item, error)

// reading is how a read is carried out.
type reading struct {
	open   func(context.Context, *esdb.Client) (source, error)
	first  time.Duration // how long it may take to open
	stall  time.Duration // how long a message may take to come; zero: for ever, as in a subscription
	buffer int           // messages that wait at most, and are handed over at once at most
}

// errCallback carries an error of the reader's own callback, so that it is not taken for one of the log.
type errCallback struct{ error }

func (e errCallback) Unwrap() error { return e.error }

// read carries out one attempt. Messages go to f as many at a time as are waiting, in the goroutine of the caller.
func (l *Log) read(ctx context.Context, r reading, f func([]item) error) error {
	s, err := l.acquire(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	ctx, cancel := l.outgoing(ctx, s)
	defer cancel()
	items := make(chan item, r.buffer)
	ended := make(chan error, 1)
	go func() {
		defer s.calls.Done()
		defer close(items)
		defer recovered(func(err error) { ended <- err })
		ended <- s.receive(ctx, r, items)
	}()
	batch := make([]item, 0, r.buffer)
	for {
		batch = batch[:0]
		select {
		case it, more := <-items:
			if !more {
				err := <-ended
				if err != nil {
					l.judge(s, began, err)
				}
				return err
			}
			batch = append(batch, it)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		for waiting := true; waiting && len(batch) < cap(batch); {
			select {
			case it, more := <-items:
				if waiting = more; more {
					batch = append(batch, it)
				}
			default:
				waiting = false
			}
		}
		if err := f(batch); err != nil {
			return errCallback{err}
		}
	}
}

// receive opens the read and passes its messages on.
func (s *session) receive(ctx context.Context, r reading, items chan<- item) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	patience := time.AfterFunc(r.first, func() { cancel(errStalled) })
	defer patience.Stop()
	why := func(err error) error {
		if errors.Is(context.Cause(ctx), errStalled) {
			return errStalled
		}
		return err
	}
	next, err := r.open(ctx, s.client)
	if err != nil {
		return why(err)
	}
	for first := true; ; first = false {
		if first && r.stall == 0 {
			patience.Stop()
		} else if !first && r.stall > 0 {
			patience.Reset(r.stall)
		}
		it, err := next()
		if errors.Is(err, io.EOF) && ctx.Err() == nil {
			return nil
		}
		if err != nil {
			return why(err)
		}
		if r.stall > 0 {
			patience.Stop()
		}
		s.hear()
		select {
		case items <- it:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
