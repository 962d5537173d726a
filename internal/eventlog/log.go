package eventlog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/move"
)

// Options say how a Log behaves. The zero value of every field is its default.
type Options struct {
	// Followers has those members of a cluster answer that the connection string's nodePreference names. It is for who reads much, see Preferred;
	// commands and the feed need the leader, which is the default whatever the connection string says.
	Followers bool
	// Leader is needed with Followers: the same cluster's log, opened without. It is asked what stands at a position. Closing it is its owner's work.
	Leader *Log
	// RetryFor is how long a call is tried again while the log is away. Default 16 s: a cluster's election takes up to 8.
	RetryFor time.Duration
	// AttemptFor is how long one attempt may take. Default 3 s.
	AttemptFor time.Duration
	// Metrics, if set, shows how long appends take.
	Metrics prometheus.Registerer
}

// Log is the event log. It may be used by many goroutines.
type Log struct {
	connection string
	config     esdb.Configuration
	preference esdb.NodePreference // what the connection string says
	followers  bool
	leader     *Log     // nil: this one asks the leader itself
	cluster    *cluster // nil: there is one node alone, or followers are read
	retryFor   time.Duration
	attemptFor time.Duration

	ctx        context.Context // ends when the log is closed
	cancel     context.CancelFunc
	epoch      atomic.Uint64
	searches   atomic.Int64 // how often a node was looked for
	background sync.WaitGroup
	appends    *prometheus.HistogramVec // seconds, by kind and result
	house      house

	mu      sync.Mutex
	current *session      // nil while a node is looked for
	ready   chan struct{} // closed when there is a session
	lastErr error         // why there is none
	closed  bool
}

// Open connects to the event store that a connection string names, such as esdb://127.0.0.1:2113?tls=false, and returns once a node has
// answered; when ctx ends first, eventschema.ErrUnavailable. Close the log when done.
func Open(ctx context.Context, connection string, o Options) (*Log, error) {
	config, err := esdb.ParseConnectionString(connection)
	if err != nil {
		return nil, fmt.Errorf("read the event store's connection string: %w", withoutURL(err))
	}
	if config.UserCertFile != "" && config.UserKeyFile != "" { // the client would look for a node again and again
		if _, err := tls.LoadX509KeyPair(config.UserCertFile, config.UserKeyFile); err != nil {
			return nil, fmt.Errorf("read the event store's user certificate: %w", err)
		}
	}
	appends, err := newAppends(o.Metrics)
	if err != nil {
		return nil, err
	}
	l := &Log{connection: connection, config: *config, preference: config.NodePreference, followers: o.Followers, leader: o.Leader, retryFor: o.RetryFor, attemptFor: o.AttemptFor, ready: make(chan struct{}), appends: appends, house: house{mark: move.Home()}}
	if l.retryFor == 0 {
		l.retryFor = 16 * time.Second
	}
	if l.attemptFor == 0 {
		l.attemptFor = 3 * time.Second
	}
	if !o.Followers {
		l.config.NodePreference = esdb.NodePreferenceLeader
	}
	// One attempt: connect tries again, with a new client, for ever. A client that ends its search early leaves nobody waiting.
	l.config.MaxDiscoverAttempts, l.config.DiscoveryInterval = 1, 1
	// Asked into a network that loses everything, a node must not keep the search longer than the next one takes.
	if !strings.Contains(strings.ToLower(connection), "gossiptimeout") {
		l.config.GossipTimeout = 3
	}
	l.config.Logger = clientLog
	if !o.Followers {
		l.cluster = clusterOf(l.config)
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.background.Go(l.connect)
	c, err := l.acquire(ctx)
	for errors.Is(err, errNoNode) && ctx.Err() == nil {
		slog.Info("waiting for the event store", "error", err)
		c, err = l.acquire(ctx)
	}
	if err != nil {
		l.mu.Lock()
		err = errors.Join(err, l.lastErr)
		l.mu.Unlock()
		return nil, errors.Join(fmt.Errorf("connect to the event store: %w", unavailable(err)), l.Close(context.WithoutCancel(ctx)))
	}
	c.release(nil)
	return l, nil
}

// withoutURL drops the connection string, which may hold a password, from the error of parsing it.
func withoutURL(err error) error {
	var parsing *url.Error
	if errors.As(err, &parsing) {
		return parsing.Err
	}
	return err
}

// Close ends all calls and subscriptions with ErrClosed, then the connection. Whatever is not done when ctx ends is left to end by itself.
func (l *Log) Close(ctx context.Context) error {
	l.mu.Lock()
	s := l.current
	l.current, l.closed = nil, true
	if s != nil {
		s.end()
	}
	l.mu.Unlock()
	l.cancel()
	done := make(chan struct{})
	go func() {
		l.background.Wait()
		l.cluster.close()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close the event log: %w", ctx.Err())
	}
}

// Epoch changes whenever the connection was lost or found.
func (l *Log) Epoch() uint64 { return l.epoch.Load() }

// clientLog passes on what the client says, for whoever looks for a fault in the connection.
func clientLog(_ esdb.LogLevel, format string, args ...any) {
	if slog.Default().Enabled(context.Background(), slog.LevelDebug) {
		slog.Debug("event store client", "says", fmt.Sprintf(format, args...))
	}
}

// unavailable marks an error that trying again did not help.
func unavailable(err error) error {
	if errors.Is(err, eventschema.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", eventschema.ErrUnavailable, err)
}

// again runs f until it succeeds or fails for good. f says whether it got on; without that it is tried for retryFor.
func (l *Log) again(ctx context.Context, f func(context.Context) (gotOn bool, err error)) error {
	var pause backoff
	until := time.Now().Add(l.retryFor)
	for {
		gotOn, err := f(ctx)
		var own errCallback
		switch {
		case err == nil:
			return nil
		case errors.As(err, &own):
			if errors.Is(own.error, eventschema.ErrStop) {
				return nil
			}
			return own.error
		case !passing(err):
			return err
		case l.ctx.Err() != nil:
			return ErrClosed
		case ctx.Err() != nil:
			return unavailable(errors.Join(ctx.Err(), err))
		case gotOn:
			pause = backoff{}
			until = time.Now().Add(l.retryFor)
		case time.Now().After(until):
			return unavailable(err)
		}
		pause.wait(ctx)
	}
}
