package escluster

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/grpc"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
	"github.com/dragoman-booking/dragoman/internal/esnode/wire"
)

// member is an address and a disk, and while it lives a process.
type member struct {
	cluster  *Cluster
	index    int
	listener net.Listener

	life sync.Mutex // held while a process begins or ends; taken before Cluster.mu
	disk *vfs.MemFS

	// Under Cluster.mu.
	running *process // nil: dead
	lag     time.Duration
	held    bool // takes nothing over
	reads   int  // how many reads and subscriptions it let in
}

// process is a member's life from one start to its end.
type process struct {
	member *member
	log    *log.Log
	server *wire.Server
	gate   *gate
	inbox  chan net.Conn
	ctx    context.Context // ends with the process
	cancel context.CancelFunc

	taking sync.Mutex // held while it takes something over

	closing sync.RWMutex
	closed  bool // its log can be read no more

	connMu sync.Mutex
	conns  map[*conn]bool // nil once the process is gone

	// Under Cluster.mu.
	dead     bool
	frozen   bool
	stale    bool // was frozen and has not heard yet that another leads
	stopping bool
	joined   bool // takes over what the leader writes
	leads    bool // as far as it knows
	ready    bool // it leads and takes appends
	lost     chan struct{}
	pending  []log.Event  // synced here, perhaps not elsewhere yet
	acked    [Size]uint64 // up to where the others have taken over what it wrote
	believes int          // who leads, as far as it knows; -1: nobody
	states   [Size]belief
	calls    map[*subscription]bool // its subscriptions
}

// belief is what a member knows of another.
type belief struct {
	state gossip.MemberInfo_VNodeState
	alive bool
}

func newMember(c *Cluster, index int, listener net.Listener) *member {
	return &member{cluster: c, index: index, listener: listener, disk: vfs.NewCrashableMem()}
}

// start begins a process on the member's disk. Nothing happens if one runs.
func (m *member) start() error {
	m.life.Lock()
	defer m.life.Unlock()
	c := m.cluster
	c.mu.Lock()
	runs := m.running != nil || c.closed
	c.mu.Unlock()
	if runs {
		return nil
	}
	p := &process{member: m, gate: newGate(), inbox: make(chan net.Conn), conns: map[*conn]bool{}, believes: -1, calls: map[*subscription]bool{}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	quiet := slog.New(slog.DiscardHandler)
	var err error
	if p.log, err = log.Open("log", log.Options{FS: m.disk, Logger: quiet, MemTable: memTable, HandOn: p.handOn, Offsets: true}); err != nil {
		p.cancel()
		return fmt.Errorf("start member %d: %w", m.index, err)
	}
	address := m.listener.Addr().(*net.TCPAddr)
	options := []grpc.ServerOption{grpc.ChainUnaryInterceptor(p.unary), grpc.ChainStreamInterceptor(p.stream)}
	if c.tls != nil {
		options = append(options, grpc.Creds(c.tls.server))
	}
	p.server = wire.NewServer(p.log, wire.Options{Host: address.IP.String(), Port: address.Port, MaxConnections: limit, MaxReaders: limit, MaxAppends: limit,
		Logger: quiet, Members: p.gossip, GRPC: options})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin(func() { _ = p.server.Serve(arrivals{p}) }) // ends with the process
	m.running = p
	if leader := c.leader; leader != nil {
		term := c.term
		c.begin(func() { c.follow(term, leader, p) })
	}
	c.tell()
	c.tellWaiting()
	return nil
}

const (
	memTable = 1 << 20 // a member's log is small
	limit    = 10_000
)

// end ends the member's process as a kill does, if there is one: nothing leaves it any more, then its disk is what it was at that moment.
func (m *member) end() {
	m.life.Lock()
	defer m.life.Unlock()
	c := m.cluster
	c.mu.Lock()
	p := m.running
	if p == nil {
		c.mu.Unlock()
		return
	}
	p.dead, m.running = true, nil
	if c.leader == p {
		c.leaderless(c.timing.Dead)
	}
	c.tell()
	c.tellWaiting()
	c.mu.Unlock()

	p.cut()
	m.disk = m.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
	p.cancel()
	c.work.Go(p.close)
}

// use reads the log of a process that may end meanwhile.
func (p *process) use(f func() error) error {
	p.closing.RLock()
	defer p.closing.RUnlock()
	if p.closed {
		return errEnded
	}
	return f()
}

// close frees what an ended process held.
func (p *process) close() {
	p.server.EndSubscriptions()
	p.server.GRPC().Stop()
	p.closing.Lock()
	p.closed = true
	p.closing.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = p.log.Close(ctx) // its disk is a copy by now
}

// restart ends a process that has to end, and has it started again as its supervisor does.
func (m *member) restart(disk *vfs.MemFS) {
	m.end()
	if disk != nil {
		m.life.Lock()
		m.disk = disk
		m.life.Unlock()
	}
	if !m.cluster.pause(m.cluster.ctx, m.cluster.timing.Restart) {
		return
	}
	if err := m.start(); err != nil {
		m.cluster.fault(err)
	}
}

// cutOff makes a disk that holds the process's events up to a position, and no more.
func (p *process) cutOff(upTo uint64) (*vfs.MemFS, error) {
	disk := vfs.NewCrashableMem()
	l, err := log.Open("log", log.Options{FS: disk, Logger: slog.New(slog.DiscardHandler), MemTable: memTable, Offsets: true})
	if err != nil {
		return nil, err
	}
	var events []log.Event
	err = p.use(func() (err error) {
		events, err = eventsOf(p.log, 1, upTo)
		return err
	})
	if err == nil && len(events) > 0 {
		err = l.Replicate(p.ctx, events)
	}
	if err != nil {
		return nil, err
	}
	return disk, l.Close(context.Background())
}

// eventsOf reads a log from a position to another, both included. If the other is beyond its end it is read to its end: whole appends, as they
// were shown.
func eventsOf(l *log.Log, from, to uint64) (events []log.Event, err error) {
	for from <= to {
		page, err := l.ReadAllForward(from, math.MaxInt, math.MaxInt, nil)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			if e.Position <= to {
				events = append(events, e)
			}
		}
		if page.End {
			break
		}
		from = page.Last + 1
	}
	return events, nil
}

func (p *process) all() (events []log.Event, err error) {
	err = p.use(func() error {
		events, err = eventsOf(p.log, 1, 1<<62)
		return err
	})
	return events, err
}

// firstAt is the first event at or behind a position.
func firstAt(l *log.Log, position uint64) (record, bool, error) {
	page, err := l.ReadAllForward(position, 1, math.MaxInt, nil)
	if err != nil || len(page.Events) == 0 {
		return record{}, false, err
	}
	return recordOf(page.Events[0]), true, nil
}

// holds tells whether a log has an event.
func holds(l *log.Log, r record) bool {
	there, found, err := firstAt(l, r.position)
	return r.position == 0 || err == nil && found && there == r
}
