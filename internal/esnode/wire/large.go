package wire

import (
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

// An event that is too large for a run may have to be kept for a long time, once gRPC has begun to send it to a client that stops reading. So it is
// encoded once for all clients that are being sent it, and all such events are bounded together. Who finds no room waits, without holding
// the event, until others have gone on.

const (
	maxLarge      = 256 << 20        // bytes of all large events together
	largePatience = 30 * time.Second // how long a reader waits for room
)

var errLarge = fail(codes.ResourceExhausted, "clients that do not read hold all room for large events")

// largeEvents are those that are being sent.
type largeEvents struct {
	mu    sync.Mutex
	held  map[largeKey]*largeEvent
	bytes int
	freed chan struct{} // closed, and made anew, when room is given back
}

// largeKey names what is sent: an event, by which link, with which kind of ids.
type largeKey struct {
	event, link uint64
	strings     bool
}

type largeEvent struct {
	key    largeKey
	size   int
	users  int
	encode sync.Once
	bytes  []byte
}

func newLargeEvents() *largeEvents {
	return &largeEvents{held: map[largeKey]*largeEvent{}, freed: make(chan struct{})}
}

// hold gives room for an event, or a channel that is closed when there may be some.
func (l *largeEvents) hold(key largeKey, size int) (*largeEvent, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.held[key]
	if e == nil {
		if l.bytes+size > maxLarge {
			return nil, l.freed
		}
		e = &largeEvent{key: key, size: size}
		l.held[key] = e
		l.bytes += size
	}
	e.users++
	return e, nil
}

func (l *largeEvents) release(e *largeEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.users--; e.users > 0 {
		return
	}
	delete(l.held, e.key)
	l.bytes -= e.size
	close(l.freed)
	l.freed = make(chan struct{})
}

// sendLarge sends a large event, for which it was the reader's turn.
func (r *reader) sendLarge(m message) error {
	position := positionOf(m.e, m.link)
	patience := time.NewTimer(largePatience)
	defer patience.Stop()
	for {
		if m.size == 0 {
			again, err := r.server.log.At(position)
			if err == nil {
				m, err = r.message(&again)
			}
			if err != nil {
				r.endTurn()
				return err
			}
		}
		if m.size <= runBytes { // what made it large was the target of a link, which is gone meanwhile
			return r.sendRun([]message{m}, m.size)
		}
		e, freed := r.server.large.hold(m.key(r.strings), m.size)
		if e != nil {
			e.encode.Do(func() { e.bytes = appendFrame(make([]byte, 0, m.size), m.e, m.link, r.strings) })
			m.drop() // gRPC may wait for its client
			use := &largeUse{reader: r, event: e, ended: make(chan struct{})}
			r.uses[r.used%runsAhead] = use // the one before it there has ended, or this one would have had no turn
			r.used++
			return r.stream.SendMsg(frame{mem.NewBuffer(&e.bytes, use)})
		}
		m.drop()
		if err := r.waitForRoom(freed, patience.C); err != nil {
			r.endTurn()
			return err
		}
	}
}

func (r *reader) waitForRoom(freed <-chan struct{}, patience <-chan time.Time) error {
	select {
	case <-freed:
		return nil
	case <-patience:
		return errLarge
	case <-r.stream.Context().Done():
	case <-r.server.stopping:
	case <-r.server.log.Failed():
	}
	return r.over()
}

func (m *message) key(stringIDs bool) largeKey {
	key := largeKey{strings: stringIDs}
	if m.e != nil {
		key.event = m.e.Position
	}
	if m.link != nil {
		key.link = m.link.Position
	}
	return key
}

// drop forgets what makes an event large, so that a reader who waits holds nothing. A message without a size is to be read again.
func (m *message) drop() {
	for _, e := range [2]*log.Event{m.e, m.link} {
		if e != nil {
			forget(e)
		}
	}
	*m = message{}
}

// settle waits, at the end of a call, until large events are on their way: once the call is over nobody counts what gRPC still has of it, and a
// client could have it keep any number of them. Those that gRPC may never give back it gives back itself.
func (r *reader) settle() {
	for _, u := range r.uses {
		if u != nil {
			_ = r.await(u.ended) // the call has its outcome already
			u.end()
		}
	}
}

// largeUse is one reader's use of a large event, until it is on its way to the client or the call ends.
type largeUse struct {
	reader *reader
	event  *largeEvent
	once   sync.Once
	ended  chan struct{}
}

func (u *largeUse) end() {
	u.once.Do(func() {
		u.reader.server.large.release(u.event)
		u.event = nil // a reader remembers its last uses
		u.reader.endTurn()
		close(u.ended)
	})
}

// Get and Put make a use the pool of its buffer, which belongs to the event and goes back to none.
func (u *largeUse) Get(size int) *[]byte { return mem.DefaultBufferPool().Get(size) }

// Put is called when nobody needs the buffer any more.
func (u *largeUse) Put(*[]byte) { u.end() }
