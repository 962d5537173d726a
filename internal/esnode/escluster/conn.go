package escluster

import (
	"net"
	"sync"
)

// gate is what passes through a member's connections: nothing, while it is frozen, though the connections stand and new ones are let in, as the
// operating system does for a process that was stopped.
type gate struct {
	mu   sync.Mutex
	open chan struct{} // closed while everything passes
}

func newGate() *gate {
	g := &gate{open: make(chan struct{})}
	close(g.open)
	return g
}

func (g *gate) set(open bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
		if !open {
			g.open = make(chan struct{})
		}
	default:
		if open {
			close(g.open)
		}
	}
}

// opened is closed once everything passes.
func (g *gate) opened() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

// conn is one connection to a member's process.
type conn struct {
	net.Conn
	process *process
	closed  chan struct{}
	once    sync.Once
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.pass()
	return n, err
}

func (c *conn) Write(b []byte) (int, error) {
	c.pass()
	return c.Conn.Write(b)
}

// pass waits while the member is frozen.
func (c *conn) pass() {
	select {
	case <-c.process.gate.opened():
	case <-c.closed:
	}
}

func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.process.forget(c)
	})
	return c.Conn.Close()
}

// reset ends a connection as the death of its process does: at once, and what was not sent yet is lost.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// accept lets connections in, for the process that lives at the time. Without one they are reset; the address itself is never given back, so that
// nobody else can take it.
func (m *member) accept() {
	for {
		raw, err := m.listener.Accept()
		if err != nil {
			return
		}
		m.cluster.mu.Lock()
		p := m.running
		m.cluster.mu.Unlock()
		if p == nil {
			reset(raw)
			continue
		}
		c := &conn{Conn: raw, process: p, closed: make(chan struct{})}
		if !p.remember(c) {
			reset(raw)
			continue
		}
		select {
		case p.inbox <- c:
		case <-p.ctx.Done():
			reset(raw)
		}
	}
}

// arrivals is the listener of one process.
type arrivals struct{ *process }

func (a arrivals) Accept() (net.Conn, error) {
	select {
	case c := <-a.inbox:
		return c, nil
	case <-a.ctx.Done():
		return nil, net.ErrClosed
	}
}

func (a arrivals) Close() error   { return nil }
func (a arrivals) Addr() net.Addr { return a.member.listener.Addr() }

// remember keeps a connection, so that it ends with the process; false if the process is gone.
func (p *process) remember(c *conn) bool {
	p.connMu.Lock()
	defer p.connMu.Unlock()
	if p.conns == nil {
		return false
	}
	p.conns[c] = true
	return true
}

func (p *process) forget(c *conn) {
	p.connMu.Lock()
	defer p.connMu.Unlock()
	delete(p.conns, c)
}

// cut resets all connections, and lets none in any more.
func (p *process) cut() {
	p.connMu.Lock()
	conns := p.conns
	p.conns = nil
	p.connMu.Unlock()
	for c := range conns {
		c.once.Do(func() { close(c.closed) })
		reset(c.Conn)
	}
}
