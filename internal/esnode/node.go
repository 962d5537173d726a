package esnode

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
	"github.com/dragoman-booking/dragoman/internal/esnode/wire"
)

// Config says how a node runs. The zero value of every field but Dir is its default.
type Config struct {
	Dir            string           // the folder of the data; made if it does not exist; one process at a time
	Listen         string           // loopback address to listen on; default 127.0.0.1:0, a free port
	Advertise      string           // host:port that gossip tells clients, where they come through a proxy or a tunnel; default the address listened on
	Clock          func() time.Time // dates events and ages $maxAge; default time.Now
	Logger         *slog.Logger     // default slog.Default()
	MinFreeDisk    int64            // bytes; with less free, appends fail with ResourceExhausted; default 256 MiB, negative: never
	MaxReaders     int              // reads and subscriptions open at once, more fail with ResourceExhausted; default 2,000
	MaxConnections int              // connections open at once, the calls of more fail with ResourceExhausted; default 1,000
	MaxAppends     int              // appends under way at once, more fail with ResourceExhausted; default 4,000
	MemTable       int              // bytes gathered in memory before a table is written; default 16 MiB
	FS             vfs.FS           // the file system; default the machine's own
}

const (
	defaultListen      = "127.0.0.1:0"
	defaultMinFreeDisk = 256 << 20
	defaultMaxReaders  = 2000

	defaultMaxConnections = 1000
	defaultMaxAppends     = 4000
)

// Node is a running node.
type Node struct {
	log      *log.Log
	server   *wire.Server
	address  *net.TCPAddr
	failed   chan error
	served   chan struct{} // closed when the server has ended
	stopOnce sync.Once
	stopErr  error
}

// Start opens the folder and listens. It returns once clients can connect. Stop the node when done.
func Start(ctx context.Context, c Config) (*Node, error) {
	if c.Dir == "" {
		return nil, errors.New("start event store: no folder is given")
	}
	if c.Listen == "" {
		c.Listen = defaultListen
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	c.MaxReaders = cmp.Or(c.MaxReaders, defaultMaxReaders)
	c.MaxConnections = cmp.Or(c.MaxConnections, defaultMaxConnections)
	c.MaxAppends = cmp.Or(c.MaxAppends, defaultMaxAppends)
	switch {
	case c.MinFreeDisk == 0:
		c.MinFreeDisk = defaultMinFreeDisk
	case c.MinFreeDisk < 0:
		c.MinFreeDisk = 0
	}
	listener, err := listen(ctx, c.Listen)
	if err != nil {
		return nil, fmt.Errorf("start event store: %w", err)
	}
	address := listener.Addr().(*net.TCPAddr)
	host, port, err := advertised(cmp.Or(c.Advertise, address.String()))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start event store: %w", err), listener.Close())
	}
	l, err := log.Open(c.Dir, log.Options{FS: c.FS, Clock: c.Clock, Logger: c.Logger, MinFreeDisk: uint64(c.MinFreeDisk), MemTable: c.MemTable})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start event store: %w", err), listener.Close())
	}
	n := &Node{
		log:     l,
		address: address,
		server: wire.NewServer(l, wire.Options{
			Host: host, Port: port, MaxReaders: c.MaxReaders, MaxConnections: c.MaxConnections,
			MaxAppends: c.MaxAppends, Logger: c.Logger,
		}),
		failed: make(chan error, 1),
		served: make(chan struct{}),
	}
	go n.serve(listener)
	go n.watch()
	return n, nil
}

// listen opens the port. The node has no accounts and no TLS, so it is not offered to other machines.
func listen(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("listen on %q: only a loopback address is allowed, such as 127.0.0.1", address)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}
	return listener, nil
}

// advertised takes an address that clients dial apart.
func advertised(address string) (host string, port int, err error) {
	host, number, err := net.SplitHostPort(address)
	if err == nil {
		port, err = strconv.Atoi(number)
	}
	if err != nil || host == "" || port < 1 || port > 65535 {
		return "", 0, fmt.Errorf("advertise %q: it must be host:port", address)
	}
	return host, port, nil
}

func (n *Node) serve(listener net.Listener) {
	defer close(n.served)
	if err := n.server.Serve(listener); err != nil {
		n.report(fmt.Errorf("event store stopped serving: %w", err))
	}
}

// watch cuts all clients off when the storage has failed: nothing can be acknowledged any more.
func (n *Node) watch() {
	select {
	case <-n.log.Failed():
		n.report(n.log.Failure())
		n.server.EndSubscriptions()
		n.server.GRPC().Stop()
	case <-n.served:
	}
}

func (n *Node) report(err error) {
	select {
	case n.failed <- err:
	default:
	}
}

// Addr is the address that clients dial, host and port.
func (n *Node) Addr() string { return n.address.String() }

// ConnectionString is what the official clients take.
func (n *Node) ConnectionString() string {
	return "esdb://" + net.JoinHostPort(n.address.IP.String(), strconv.Itoa(n.address.Port)) + "?tls=false"
}

// Disk is how much room the data takes and how much the disk has left, in bytes.
func (n *Node) Disk() (log.Disk, error) { return n.log.Disk() }

// Syncs tells how fast the disk of its log is.
func (n *Node) Syncs() (log.Syncs, error) { return n.log.Syncs() }

// Failed yields one error when the storage failed for good. Nothing is acknowledged from then on: the process has to end, with a
// non-zero status, and start again on the same folder.
func (n *Node) Failed() <-chan error { return n.failed }

// Stop takes no more calls, ends subscriptions with Unavailable, lets running appends finish and closes the folder. When ctx ends first,
// what still runs is cut off.
func (n *Node) Stop(ctx context.Context) error {
	n.stopOnce.Do(func() { n.stopErr = n.stop(ctx) })
	return n.stopErr
}

// closeTimeout is how long closing the folder may take when the caller's own time is over.
const closeTimeout = 10 * time.Second

func (n *Node) stop(ctx context.Context) error {
	n.server.EndSubscriptions()
	ended := make(chan struct{})
	go func() {
		n.server.GRPC().GracefulStop()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		go n.server.GRPC().Stop() // makes GracefulStop return when all handlers have
	case <-n.log.Failed():
		go n.server.GRPC().Stop()
	}
	select {
	case <-ended: // no handler reads the folder any more
	case <-n.log.Failed(): // a handler may be parked for good; the folder stays as it is
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if err := n.log.Close(closing); err != nil {
		return fmt.Errorf("stop event store: %w", err)
	}
	return nil
}
