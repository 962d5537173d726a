package eventlog

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/esnode"
)

// Nothing that these tests start may be left running at their end; but Watermill's suite leaves messages unread, and one goroutine waiting for more.
func TestMain(m *testing.M) {
	const left = "github.com/ThreeDotsLabs/watermill/internal/subscriber.(*multiplier).Subscribe."
	code := m.Run()
	if code == 0 {
		if err := leftRunning(goleak.IgnoreAnyFunction(left+"func2"), goleak.IgnoreAnyFunction(left+"func3"),
			goleak.IgnoreAnyFunction("github.com/ThreeDotsLabs/watermill/pubsub/tests.TestReconnect.func2")); err != nil {
			fmt.Fprintln(os.Stderr, "left running:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// leftRunning gives what ends by itself the time for it that a busy machine takes: one look lasts less than half a second.
func leftRunning(ignored ...goleak.Option) (err error) {
	for began := time.Now(); time.Since(began) < 10*time.Second; {
		if err = goleak.Find(ignored...); err == nil {
			break
		}
	}
	return err
}

// soon is how long a test waits for what must come, and promptly how long what may not hang may take.
const (
	soon     = 30 * time.Second
	promptly = 15 * time.Second
)

// storeURL is the server of EVENTSTORE_URL, else an embedded node of the test's own.
func storeURL(t testing.TB) string {
	t.Helper()
	if url := os.Getenv("EVENTSTORE_URL"); url != "" {
		return url
	}
	return esnode.RunT(t).ConnectionString()
}

func openLog(t testing.TB, url string, o Options) *Log {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	l, err := Open(ctx, url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeLog(t, l) })
	return l
}

func closeLog(t testing.TB, l *Log) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	if err := l.Close(ctx); err != nil {
		t.Error(err)
	}
}

// server is an embedded node that can be stopped and started again at the same address.
type server struct {
	t    *testing.T
	dir  string
	addr string
	node *esnode.Node
}

func startServer(t *testing.T) *server {
	t.Helper()
	if os.Getenv("EVENTSTORE_URL") != "" {
		t.Skip("SKIPPED: the server of EVENTSTORE_URL is not stopped by tests")
	}
	s := &server{t: t, dir: t.TempDir(), addr: esnode.FixedAddress(t)}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *server) start() {
	s.t.Helper()
	node, err := esnode.Start(context.Background(), esnode.Config{Dir: s.dir, Listen: s.addr, MinFreeDisk: -1})
	if err != nil {
		s.t.Fatal(err)
	}
	s.node, s.addr = node, node.Addr()
}

func (s *server) stop() {
	if s.node == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.node.Stop(ctx); err != nil {
		s.t.Error(err)
	}
	s.node = nil
}

func (s *server) url() string { return "esdb://" + s.addr + "?tls=false" }

// proxy stands between a client and a server and can lose what passes through it.
type proxy struct {
	listener net.Listener
	target   string

	mu      sync.Mutex
	mute    bool // answers of the server are swallowed
	lost    int  // how many connections, the oldest, bring no answer any more
	taken   int  // how many there were
	open    map[net.Conn]bool
	closing bool
	done    sync.WaitGroup
}

func startProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, target: target, open: map[net.Conn]bool{}}
	p.done.Go(p.accept)
	t.Cleanup(func() {
		p.mu.Lock()
		p.closing = true
		p.mu.Unlock()
		_ = listener.Close()
		p.cut()
		p.done.Wait()
	})
	return p
}

func (p *proxy) url() string { return "esdb://" + p.listener.Addr().String() + "?tls=false" }

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.open[client], p.open[server] = true, true
		p.taken++
		n, closing := p.taken, p.closing
		p.mu.Unlock()
		if closing {
			p.cut()
		}
		p.done.Go(func() { p.copy(server, client, n, false) })
		p.done.Go(func() { p.copy(client, server, n, true) })
	}
}

func (p *proxy) copy(to, from net.Conn, n int, answers bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		size, err := from.Read(buffer)
		if err != nil {
			return
		}
		p.mu.Lock()
		lose := answers && (p.mute || n <= p.lost)
		p.mu.Unlock()
		if lose {
			continue
		}
		if _, err := to.Write(buffer[:size]); err != nil {
			return
		}
	}
}

// swallow has the answers of the server lost, or not any more.
func (p *proxy) swallow(mute bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mute = mute
}

// lose has the answers on all connections that there are lost for ever; new ones bring theirs.
func (p *proxy) lose() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = p.taken
}

// cut breaks all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.Close()
		delete(p.open, c)
	}
}

// deafServer takes connections and never says a word, as one behind a network that loses packets.
func deafServer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			done.Go(func() { _, _ = io.Copy(io.Discard, c); _ = c.Close() })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); done.Wait() })
	return "esdb://" + listener.Addr().String() + "?tls=false&gossipTimeout=1"
}

// memoryKeys has a key for every id and counts what it is asked to forget.
type memoryKeys struct {
	mu        sync.Mutex
	forgotten []uuid.UUID
	away      bool
}

func (k *memoryKeys) Key(_ context.Context, id uuid.UUID) ([]byte, error) {
	sum := sha256.Sum256(id[:])
	return sum[:], nil
}

func (k *memoryKeys) Prefetch(context.Context, []uuid.UUID) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.away {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func (k *memoryKeys) Forget(ids []uuid.UUID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgotten = append(k.forgotten, ids...)
}

func (k *memoryKeys) setAway(away bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.away = away
}

func (k *memoryKeys) forgot() []uuid.UUID {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.forgotten
}

var codec = eventschema.NewCodec(&memoryKeys{})

// series is a stream of a test's own whose events are numbered.
type series struct {
	t      testing.TB
	log    *Log
	stream string
	next   int64
}

func newSeries(t testing.TB, l *Log) *series {
	return &series{t: t, log: l, stream: eventschema.NumberingStream(uuid.NewString())}
}

// proposed encodes the next n events.
func (s *series) proposed(n int) []eventschema.Proposed {
	s.t.Helper()
	meta := eventschema.Meta{CommandID: uuid.New(), CommandName: "test", Actor: domain.Actor{Role: domain.System}, RecordedAt: time.Now()}
	var events []eventschema.Proposed
	for i := range n {
		e, err := codec.Encode(context.Background(), s.stream, people.BlockDrawn{Series: "test", First: s.next + int64(i), Count: 1}, meta, i)
		if err != nil {
			s.t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// append writes the next n events in one append.
func (s *series) append(n int) eventschema.Appended {
	s.t.Helper()
	a, err := s.log.Append(context.Background(), s.stream, s.next-1, s.proposed(n))
	if err != nil {
		s.t.Error(err) // not Fatal: some tests append in goroutines of their own
	}
	s.next += int64(n)
	return a
}

// numberOf is the number of an event of this series; false for another one's.
func (s *series) numberOf(e eventschema.Recorded) (int64, bool) {
	block, ok := e.Event.(people.BlockDrawn)
	return block.First, ok && e.Stream == s.stream
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(soon)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func foreignStream() string { return "someone-else-" + strings.ReplaceAll(uuid.NewString(), "-", "") }

// storeIsOurs tells whether nobody else writes to the store during a test.
func storeIsOurs() bool { return os.Getenv("EVENTSTORE_URL") == "" }
