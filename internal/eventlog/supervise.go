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
	maxIdle        = 32                     // clients that are kept while nobody uses them
)

// session is a connection that works, as far as is known: the clients that found a node since the last loss.
type session struct {
	ctx    context.Context // ends when the session is given up
	cancel context.CancelFunc
	config esdb.Configuration
	leader string         // of a cluster, host and port: all clients are connected with it
	others []string       // its other members; none if there is one node alone, or followers are read
	heard  atomic.Int64   // machine time of the node's last answer, Unix nanoseconds
	idle   []*esdb.Client // under Log.mu; the one used last comes last

	asking sync.Mutex
	next   *question // for whoever comes now; nil: nobody waits
	busy   bool      // a question is put
}

func (s *session) hear() { s.heard.Store(time.Now().UnixNano()) }

// call is one call's use of one client, which it has for itself.
type call struct {
	log     *Log
	session *session
	client  *esdb.Client
	began   time.Time
}

// acquire begins a call. It waits for a session as long as one attempt may take. The call must be released.
func (l *Log) acquire(ctx context.Context) (*call, error) {
	patience := time.NewTimer(l.attemptFor)
	defer patience.Stop()
	for {
		c, ready, last, err := l.tryAcquire()
		if c != nil || err != nil {
			return c, err
		}
		select {
		case <-ready:
		case <-l.ctx.Done():
			return nil, ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-patience.C:
			if last != nil {
				return nil, fmt.Errorf("%w: %w", errNoNode, last)
			}
			return nil, errNoNode
		}
	}
}

// tryAcquire begins a call if there is a session; otherwise ready tells when there may be one, and last why there is none.
func (l *Log) tryAcquire() (c *call, ready <-chan struct{}, last error, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil, nil, nil, ErrClosed
	case l.current == nil:
		return nil, l.ready, l.lastErr, nil
	}
	c = &call{log: l, session: l.current, began: time.Now()}
	if n := len(c.session.idle); n > 0 {
		c.client, c.session.idle = c.session.idle[n-1], c.session.idle[:n-1]
	} else if c.client, err = esdb.NewClient(new(c.session.config)); err != nil { // it connects when it is used
		return nil, nil, nil, fmt.Errorf("make a client of the event store: %w", err)
	}
	l.background.Add(1)
	return c, nil, nil, nil
}

// release ends a call, after the client has returned. A client whose connection is lost, or was silent, is not used again.
func (c *call) release(err error) {
	defer c.log.background.Done()
	c.log.mu.Lock()
	keep := c.log.current == c.session && len(c.session.idle) < maxIdle && !lost(err) && !silent(err)
	if keep {
		c.session.idle = append(c.session.idle, c.client)
	}
	c.log.mu.Unlock()
	if !keep {
		_ = c.client.Close() // it has no error
	}
}

// judge gives the session up if the error of a call says that the connection is lost. A call that got no answer in its time condemns it only
// if no other call got one meanwhile.
func (c *call) judge(err error) {
	if lost(err) || silent(err) && c.session.heard.Load() < c.began.UnixNano() {
		c.log.giveUp(c.session, err)
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
	s.end()
	l.background.Go(l.connect)
}

// end cancels the session's calls and closes its idle clients; those in use are closed by their calls.
func (s *session) end() {
	s.cancel()
	for _, c := range s.idle {
		_ = c.Close()
	}
	s.idle = nil
}

// connect looks for a node until there is one or the log is closed.
func (l *Log) connect() {
	for {
		began := time.Now()
		l.searches.Add(1)
		s, err := l.search()
		if err == nil {
			l.begin(s)
			return
		}
		l.mu.Lock()
		l.lastErr = err
		l.mu.Unlock()
		select {
		case <-time.After(reconnectPause - time.Since(began)):
		case <-l.ctx.Done():
			return
		}
	}
}

// begin lets calls in to a session.
func (l *Log) begin(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		s.end()
		return
	}
	s.hear()
	l.current, l.lastErr = s, nil
	l.epoch.Add(1)
	close(l.ready)
	slog.Info("connected to the event store")
}

// search finds a node, a cluster's leader unless followers are wanted, and has one client connect to it before any call is let in.
func (l *Log) search() (*session, error) {
	s := &session{config: l.config}
	if l.cluster != nil {
		var err error
		if s.leader, s.others, err = l.cluster.leader(l.ctx); err != nil {
			return nil, fmt.Errorf("find a node of the event store: %w", err)
		}
		s.config.Address, s.config.GossipSeeds, s.config.DnsDiscover = s.leader, nil, false
	}
	client, err := esdb.NewClient(new(s.config))
	if err != nil {
		return nil, fmt.Errorf("make a client of the event store: %w", err)
	}
	found := make(chan error)
	go func() {
		_, err := client.GetServerVersion()
		select {
		case found <- err:
		case <-l.ctx.Done():
			_ = client.Close()
		}
	}()
	select {
	case err = <-found:
	case <-l.ctx.Done():
		return nil, ErrClosed
	}
	if err != nil {
		_ = client.Close()
		return nil, fmt.Errorf("find a node of the event store: %w", err)
	}
	s.idle = []*esdb.Client{client}
	s.ctx, s.cancel = context.WithCancel(l.ctx)
	return s, nil
}

// outgoing is the context of a call: it ends with the caller's or with the session. The header asks a cluster that only its leader answers;
// the client itself never sends it.
func (c *call) outgoing(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.session.ctx, func() { cancel(errGivenUp) })
	if !c.log.followers {
		ctx = metadata.AppendToOutgoingContext(ctx, "requires-leader", "true")
	}
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// once runs one call that has one answer. When ctx ends first, the client is left to come back by itself.
func once[T any](ctx context.Context, l *Log, f func(context.Context, *esdb.Client) (T, error)) (T, error) {
	var none T
	c, err := l.acquire(ctx)
	if err != nil {
		return none, err
	}
	ctx, cancel := c.outgoing(ctx)
	defer cancel()
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		value, err := f(ctx, c.client)
		c.release(err)
		answers <- answer{value, err}
	}()
	var a answer
	select {
	case a = <-answers:
	case <-ctx.Done():
		a.err = context.Cause(ctx)
	}
	if a.err != nil {
		c.judge(a.err)
		return none, a.err
	}
	c.session.hear()
	return a.value, nil
}

// item is one message of a read or a subscription.
type item struct {
	event      eventschema.Stored // of a stream of anybody's
	checkpoint eventschema.Position
	isEvent    bool
	isJSON     bool // in reads
}

// source hands over the messages of an open read or subscription one by one; io.EOF ends it.
type source func() (item, error)

// reading is how a read is carried out.
type reading struct {
	now    bool // nothing is missing that was acknowledged before the call; else it may be a leader of old that answers
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
	c, err := l.acquire(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := c.outgoing(ctx)
	defer cancel()
	if r.now {
		if err := c.stillLeads(ctx); err != nil {
			c.release(err)
			return err
		}
	}
	items := make(chan item, r.buffer)
	ended := make(chan error, 1)
	go func() {
		defer close(items)
		err := c.receive(ctx, r, items)
		c.release(err)
		ended <- err
	}()
	var batch []item // most reads bring one event
	for {
		batch = batch[:0]
		select {
		case it, more := <-items:
			if !more {
				err := <-ended
				if err != nil {
					c.judge(err)
				}
				return err
			}
			batch = append(batch, it)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		for waiting := true; waiting && len(batch) < r.buffer; {
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
func (c *call) receive(ctx context.Context, r reading, items chan<- item) error {
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
	next, err := r.open(ctx, c.client)
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
		c.session.hear()
		select {
		case items <- it:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
