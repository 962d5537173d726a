package wire

import (
	"context"
	"net"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
)

// What one machine can serve is bounded, and whoever comes beyond is told so with ResourceExhausted. A connection above its limit is let in so that
// its calls can be refused in words, until others have gone; beyond twice the limit connections are closed at once.

var (
	errTooMany            = fail(codes.ResourceExhausted, "too many reads and subscriptions are open")
	errTooManyConnections = fail(codes.ResourceExhausted, "too many connections are open")
	errTooManyAppends     = fail(codes.ResourceExhausted, "too many appends are under way")
)

// limitedListener counts the connections that it let in.
type limitedListener struct {
	net.Listener
	max  int64
	open atomic.Int64
}

func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		n := l.open.Add(1)
		if n > 2*l.max {
			l.open.Add(-1)
			_ = conn.Close()
			continue
		}
		return &countedConn{Conn: conn, listener: l, above: n > l.max}, nil
	}
}

type countedConn struct {
	net.Conn
	listener *limitedListener
	above    bool // the limit, when it came
	once     sync.Once
}

func (c *countedConn) Close() error {
	c.once.Do(func() { c.listener.open.Add(-1) })
	return c.Conn.Close()
}

// RemoteAddr carries to the calls of a connection that it came above the limit.
func (c *countedConn) RemoteAddr() net.Addr {
	if c.above {
		return addrAbove{c.Conn.RemoteAddr(), c.listener}
	}
	return c.Conn.RemoteAddr()
}

type addrAbove struct {
	net.Addr
	listener *limitedListener
}

func admitted(ctx context.Context) error {
	if p, ok := peer.FromContext(ctx); ok {
		if above, ok := p.Addr.(addrAbove); ok && above.listener.open.Load() > above.listener.max {
			return errTooManyConnections
		}
	}
	return nil
}

func admitUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if err := admitted(ctx); err != nil {
		return nil, err
	}
	return handle(ctx, req)
}

func admitStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	if err := admitted(stream.Context()); err != nil {
		return err
	}
	return handle(srv, stream)
}

// maxAppendBytes bounds what the appends under way hold together.
const maxAppendBytes = 256 << 20

// appendGate counts the appends under way and what they hold.
type appendGate struct {
	max   int64
	calls atomic.Int64
	bytes atomic.Int64
}

// enter lets an append in. leave has to be called in any case.
func (g *appendGate) enter() error {
	if g.calls.Add(1) > g.max {
		return errTooManyAppends
	}
	return nil
}

// hold counts bytes of an append that was let in.
func (g *appendGate) hold(bytes int) error {
	if g.bytes.Add(int64(bytes)) > maxAppendBytes {
		return errTooManyAppends
	}
	return nil
}

func (g *appendGate) leave(held int) {
	g.bytes.Add(-int64(held))
	g.calls.Add(-1)
}
