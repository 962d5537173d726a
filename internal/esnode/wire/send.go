package wire

import (
	"time"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

// Events go out in runs: a run is encoded into one buffer, of which each message is a part. gRPC gives the buffer back when the last part is on its
// way to the client, and so tells how far that client has read. A client that does not read is waited for before its next page is read from
// storage, and its page is given up after a moment, so all that it costs is runsAhead buffers. Of a crowd everybody gets smaller ones.

const (
	runBytes      = 32 << 10 // of a run; an event that takes more is sent by itself, see large.go
	crowd         = 1000     // more readers than this are a crowd
	crowdRunBytes = 4 << 10  // of a run then, a size that gRPC's pool has; an event that takes more is a run by itself
	runsAhead     = 2        // that a reader has handed to gRPC and that are not on their way: one would keep quick clients waiting

	pagePatience = time.Second // how long a reader that waits for its client keeps the rest of its page
)

// message is an event to be sent, with the link that led to it if there is one, and its size on the wire.
type message struct {
	e, link *log.Event
	size    int
}

// sendPage sends a page of $all and gives its memory back.
func (r *reader) sendPage(page *log.AllPage) error {
	r.lent = page
	defer func() {
		page.Release()
		r.lent = nil
	}()
	return r.sendAll(page.Events)
}

// sendTaken sends events and leaves none of them with the caller, who would keep them while their client is waited for.
func (r *reader) sendTaken(from *[]log.Event) error {
	events := *from
	*from = nil
	return r.sendAll(events)
}

// sendAll sends events, with their targets where they are links and links are to be followed. A turn is waited for before a run is put together, so
// that who waits holds nothing but the page, and that for a moment.
func (r *reader) sendAll(events []log.Event) error {
	most := runBytes
	if r.server.Readers() > crowd {
		most = crowdRunBytes
	}
	r.page, r.at = events, 0
	defer func() { r.page, r.later, r.at, r.pending = nil, nil, 0, message{} }()
	for r.at < r.toSend() {
		if err := r.takeTurn(); err != nil {
			return err
		}
		run, size, err := r.gather(most)
		switch {
		case err != nil:
			r.endTurn()
			return err
		case size > runBytes:
			err = r.sendLarge(run[0])
		default:
			err = r.sendRun(run, size)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// toSend is how many events the page has, or has left since it was given up.
func (r *reader) toSend() int { return len(r.page) + len(r.later) }

// gather takes the next events of the page together, as far as they make a run; one that is too large for any comes alone.
func (r *reader) gather(most int) (run []message, size int, err error) {
	run = r.run[:0]
	for ; r.at < r.toSend() && size < most; r.at++ {
		m := r.pending
		if m.size == 0 {
			if m, err = r.next(); err != nil {
				return nil, 0, err
			}
		}
		if r.pending = m; len(run) > 0 && size+m.size > most {
			break
		}
		r.pending = message{}
		run, size = append(run, m), size+m.size
	}
	r.run = run
	return run, size, nil
}

// next is the event of the page that is to be sent now, read again if the page was given up.
func (r *reader) next() (message, error) {
	if r.later == nil {
		return r.message(&r.page[r.at])
	}
	again, err := r.server.log.At(r.later[r.at])
	if err != nil {
		return message{}, err
	}
	return r.message(&again)
}

func (r *reader) message(e *log.Event) (message, error) {
	var link *log.Event
	if r.links {
		target, isLink, err := r.server.log.Resolve(e)
		if err != nil {
			return message{}, err
		}
		if isLink {
			e, link = target, e
		}
	}
	return message{e, link, frameSize(e, link, r.strings)}, nil
}

// sendRun sends a run, for which it was the reader's turn.
func (r *reader) sendRun(run []message, size int) error {
	buffer := mem.DefaultBufferPool().Get(size)
	b := (*buffer)[:0]
	for i, m := range run {
		b = appendFrame(b, m.e, m.link, r.strings)
		run[i].drop() // nothing of them is held while the client is waited for
		run[i].size = m.size
	}
	*buffer = b
	rest := mem.NewBuffer(buffer, runPool{r})
	if mem.IsBelowBufferPoolingThreshold(cap(b)) {
		r.endTurn() // buffers this small are not given back
	}
	for _, m := range run[:len(run)-1] {
		var part mem.Buffer
		part, rest = mem.SplitUnsafe(rest, m.size)
		if err := r.stream.SendMsg(frame{part}); err != nil {
			rest.Free()
			return err
		}
	}
	return r.stream.SendMsg(frame{rest})
}

// runPool takes a run's buffer back.
type runPool struct{ reader *reader }

func (p runPool) Get(size int) *[]byte { return mem.DefaultBufferPool().Get(size) }

func (p runPool) Put(b *[]byte) {
	mem.DefaultBufferPool().Put(b)
	p.reader.endTurn()
}

// takeTurn waits until the client has taken enough of what it was sent. It says why when there is nothing more to send.
func (r *reader) takeTurn() error {
	select {
	case r.ahead <- struct{}{}:
		return nil
	default:
	}
	if r.patience == nil {
		r.patience = time.NewTimer(pagePatience)
	} else {
		r.patience.Reset(pagePatience)
	}
	defer r.patience.Stop()
	for {
		select {
		case r.ahead <- struct{}{}:
			return nil
		case <-r.patience.C:
			r.giveUpPage()
			continue
		case <-r.stream.Context().Done():
		case <-r.server.stopping:
		case <-r.server.log.Failed():
		}
		return r.over()
	}
}

// forget leaves of an event where it stands.
func forget(e *log.Event) { *e = log.Event{Position: e.Position, Revision: e.Revision} }

// giveUpPage keeps of the page only where the events stand that were not sent yet. They are read again one by one.
func (r *reader) giveUpPage() {
	r.pending.drop()
	if r.later != nil {
		return
	}
	for _, e := range r.page[r.at:] {
		r.later = append(r.later, e.Position)
	}
	r.page, r.at = nil, 0
	if r.lent != nil {
		r.lent.Release()
	}
}

func (r *reader) endTurn() { <-r.ahead }

// mayGoOn waits until another page may be read, and ends what nobody waits for any more, and everything when the node stops.
func (r *reader) mayGoOn() error {
	if err := r.over(); err != nil {
		return err
	}
	if err := r.takeTurn(); err != nil {
		return err
	}
	r.endTurn()
	return nil
}

// over says why the call is over; nil: it is not.
func (r *reader) over() error {
	select {
	case <-r.stream.Context().Done():
		return r.stream.Context().Err()
	case <-r.server.stopping:
		return errStopping
	case <-r.server.log.Failed():
		return errStopping
	default:
		return nil
	}
}

// await waits for something, or for the end of the call, which is an error.
func (r *reader) await(something <-chan struct{}) error {
	select {
	case <-something:
		return nil
	case <-r.stream.Context().Done():
	case <-r.server.stopping:
	case <-r.server.log.Failed():
	}
	return r.over()
}
