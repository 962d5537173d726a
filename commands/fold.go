package commands

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/telemetry"
)

// Codec turns a domain event into bytes and back; eventschema implements it.
type Codec interface {
	// Encode seals and encodes the event for this stream; index is its place in the append. Its id derives from the command and the bytes.
	Encode(ctx context.Context, stream string, event any, meta eventschema.Meta, index int) (eventschema.Proposed, error)
	// Decode upcasts and opens a stored event.
	Decode(ctx context.Context, e eventschema.Stored) (eventschema.Recorded, error)
}

// Folded is a stream as its events left it, up to one revision. It is never changed; reading on makes another.
type Folded[S any] struct {
	State          S
	Revision       int64     // of the last event; eventschema.NoStream if there is none
	LastEventID    uuid.UUID // told apart from the event that another log has at this revision
	LastRecordedAt time.Time // the next event may not be recorded earlier
	Position       eventschema.Position
	Repeats        *repeats // which commands the stream has seen
	epoch          uint64   // of the log's connection when the first event was read
}

// repeat is where a command's events stand in a stream.
type repeat struct {
	First, Last int64
	Hash        []byte // of the request
	Position    eventschema.Position
}

// repeats are a stream's commands by id. Successive folds of one stream share it: it only grows, and who asks says up to which revision.
type repeats struct {
	mu   sync.Mutex
	byID map[uuid.UUID]repeat
}

func (r *repeats) add(e eventschema.Recorded) {
	r.mu.Lock()
	defer r.mu.Unlock()
	number := int64(e.Revision)
	seen, ok := r.byID[e.Meta.CommandID]
	if !ok {
		seen = repeat{First: number, Hash: e.Meta.RequestHash}
	}
	seen.Last, seen.Position = number, e.Position
	r.byID[e.Meta.CommandID] = seen
}

// seen finds a command in a fold.
func (f Folded[S]) seen(command uuid.UUID) (repeat, bool) {
	f.Repeats.mu.Lock()
	defer f.Repeats.mu.Unlock()
	r, ok := f.Repeats.byID[command]
	return r, ok && r.First <= f.Revision
}

// after is the fold with one more event.
func (f Folded[S]) after(e eventschema.Recorded, evolve func(S, eventschema.Recorded) S) Folded[S] {
	f.State = evolve(f.State, e)
	f.Revision = int64(e.Revision)
	f.LastEventID = e.ID
	f.LastRecordedAt = e.Meta.RecordedAt
	f.Position = e.Position
	return f
}

// streams folds and remembers the streams of one kind.
type streams[S any] struct {
	log    Log
	codec  Codec
	evolve func(S, eventschema.Recorded) S
	// carried tells whether everything before this event need not be read; nil: the stream is read from its beginning.
	carried func(eventschema.Stored) bool
	// wipes tells whether earlier events read differently from this event on (their keys are gone), so that a remembered fold is void.
	wipes func(any) bool
	// clone copies what evolve changes in place; nil: evolve changes nothing in place. It is called once before events are put on a fold
	// that others may hold.
	clone func(S) S
	slots *lru.Cache[string, *slot[S]]
	turns queues

	fromMemory, continued, fromLog prometheus.Counter // where folds came from
}

// own is a state that may be evolved: nobody else holds it.
func (s *streams[S]) own(state S) S {
	if s.clone == nil {
		return state
	}
	return s.clone(state)
}

func newStreams[S any](folds *prometheus.CounterVec, kind string, log Log, codec Codec, size int, evolve func(S, eventschema.Recorded) S) *streams[S] {
	slots, err := lru.New[string, *slot[S]](size)
	if err != nil {
		panic(fmt.Sprintf("commands: cache of %d streams: %v", size, err)) // our own constant
	}
	return &streams[S]{log: log, codec: codec, evolve: evolve, slots: slots, fromMemory: folds.WithLabelValues(kind, "memory"),
		continued: folds.WithLabelValues(kind, "continued"), fromLog: folds.WithLabelValues(kind, "log")}
}

// slot is one stream's place in the cache, with the reads under way. A caller who needs to know what the stream holds now joins the read
// that has not begun yet: however many ask at once, one read runs and one waits.
type slot[S any] struct {
	mu      sync.Mutex
	folded  *Folded[S]
	read    time.Time // when folded was known to be all that the stream holds
	running *reading[S]
	waiting *reading[S]
}

type reading[S any] struct {
	done   chan struct{}
	folded Folded[S]
	err    error
}

func (s *streams[S]) slot(stream string) *slot[S] {
	if found, ok := s.slots.Get(stream); ok {
		return found
	}
	fresh := &slot[S]{}
	if before, ok, _ := s.slots.PeekOrAdd(stream, fresh); ok {
		return before
	}
	return fresh
}

// none is the fold of a stream without events.
func (s *streams[S]) none() Folded[S] {
	return Folded[S]{Revision: eventschema.NoStream, Repeats: &repeats{byID: map[uuid.UUID]repeat{}}, epoch: s.log.Epoch()}
}

// remembered is the cached fold, if there is one from this connection. It may be stale.
func (s *streams[S]) remembered(stream string) (Folded[S], bool) {
	sl := s.slot(stream)
	sl.mu.Lock()
	defer sl.mu.Unlock()
	if sl.folded == nil || sl.folded.epoch != s.log.Epoch() {
		return Folded[S]{}, false
	}
	s.fromMemory.Inc()
	return *sl.folded, true
}

// remember keeps a fold unless a later one is kept already, or the connection has changed since its first event was read.
func (s *streams[S]) remember(stream string, f Folded[S]) {
	if f.epoch != s.log.Epoch() {
		return
	}
	sl := s.slot(stream)
	sl.mu.Lock()
	defer sl.mu.Unlock()
	if sl.folded == nil || sl.folded.epoch != f.epoch || sl.folded.Revision < f.Revision {
		sl.folded = &f
	}
}

// forget drops what is remembered of a stream: somebody's data was erased, or an append's outcome is unknown.
func (s *streams[S]) forget(stream string) { s.slots.Remove(stream) }

// recent is the stream as it stood at some moment within the last so long, by this process's clock: for what is large and seldom changes, and of
// which a version that has just been replaced does no harm. Whoever needs it as it stands asks now.
func (s *streams[S]) recent(ctx context.Context, stream string, age time.Duration) (Folded[S], error) {
	sl := s.slot(stream)
	sl.mu.Lock()
	if sl.folded != nil && sl.folded.epoch == s.log.Epoch() && time.Since(sl.read) < age {
		defer sl.mu.Unlock()
		s.fromMemory.Inc()
		return *sl.folded, nil
	}
	sl.mu.Unlock()
	return s.now(ctx, stream)
}

// readTimeout bounds a read that several callers may wait for.
const readTimeout = 20 * time.Second

// now is the stream as it stands after this call began: the remembered fold is read on.
func (s *streams[S]) now(ctx context.Context, stream string) (Folded[S], error) {
	sl := s.slot(stream)
	sl.mu.Lock()
	r := sl.waiting
	if r == nil {
		r = &reading[S]{done: make(chan struct{})}
		sl.waiting = r
		before := sl.running
		go func() {
			if before != nil {
				<-before.done
			}
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
			defer cancel()
			s.run(ctx, stream, sl, r)
		}()
	}
	sl.mu.Unlock()
	select {
	case <-r.done:
		return r.folded, r.err
	case <-ctx.Done():
		return Folded[S]{}, ctx.Err()
	}
}

func (s *streams[S]) run(ctx context.Context, stream string, sl *slot[S], r *reading[S]) {
	defer close(r.done)
	defer func() {
		// Nobody above this goroutine could recover, and one stream that cannot be folded must not end the process.
		if cause := recover(); cause != nil {
			r.err = fmt.Errorf("fold %s: %s\n%s", stream, telemetry.Panicked(cause), debug.Stack())
			sl.mu.Lock()
			defer sl.mu.Unlock()
			if sl.running == r {
				sl.running = nil
			}
		}
	}()
	epoch := s.log.Epoch()
	sl.mu.Lock()
	sl.waiting, sl.running = nil, r
	base := sl.folded
	sl.mu.Unlock()

	if base != nil && base.epoch != epoch {
		base = nil
	}
	began := time.Now()
	r.folded, r.err = s.readOn(ctx, stream, base, epoch)

	sl.mu.Lock()
	defer sl.mu.Unlock()
	if sl.running == r {
		sl.running = nil
	}
	if r.err == nil && began.After(sl.read) {
		sl.read = began
	}
	if r.err == nil && (sl.folded == base || sl.folded == nil || sl.folded.epoch != epoch || sl.folded.Revision < r.folded.Revision) {
		kept := r.folded
		sl.folded = &kept
	}
}

// errOtherLog: the remembered event is not the one that the log holds there, or what it said has been erased.
var errOtherLog = errors.New("the remembered fold does not lead to this stream")

// readOn continues from base, whose own last event is read again and compared; a difference drops base and reads the whole stream.
func (s *streams[S]) readOn(ctx context.Context, stream string, base *Folded[S], epoch uint64) (Folded[S], error) {
	if base != nil {
		f, err := s.continueFrom(ctx, stream, *base)
		if !errors.Is(err, errOtherLog) {
			s.continued.Inc()
			return f, err
		}
	}
	s.fromLog.Inc()
	f := s.none()
	f.epoch = epoch
	var err error
	if s.carried != nil {
		f, err = s.readCarried(ctx, stream, f)
	} else {
		err = s.log.ReadStream(ctx, stream, 0, func(e eventschema.Stored) error {
			f, _, err = s.fold(ctx, f, e)
			return err
		})
	}
	if err != nil {
		return Folded[S]{}, fmt.Errorf("read %s: %w", stream, err)
	}
	return f, nil
}

func (s *streams[S]) continueFrom(ctx context.Context, stream string, f Folded[S]) (Folded[S], error) {
	compared, owned := f.Revision == eventschema.NoStream, false
	err := s.log.ReadStream(ctx, stream, uint64(max(f.Revision, 0)), func(e eventschema.Stored) error {
		if !compared {
			compared = true
			if int64(e.Revision) != f.Revision || e.ID != f.LastEventID {
				return errOtherLog
			}
			return nil
		}
		if !owned {
			f.State, owned = s.own(f.State), true
		}
		next, event, err := s.fold(ctx, f, e)
		if err != nil {
			return err
		}
		if s.wipes != nil && s.wipes(event) {
			return errOtherLog
		}
		f = next
		return nil
	})
	switch {
	case err != nil:
		return Folded[S]{}, fmt.Errorf("read %s on: %w", stream, err)
	case !compared:
		return Folded[S]{}, errOtherLog
	}
	return f, nil
}

// readCarried reads backwards to the event that carries everything before it, then folds forwards.
func (s *streams[S]) readCarried(ctx context.Context, stream string, f Folded[S]) (Folded[S], error) {
	var back []eventschema.Stored
	err := s.log.ReadStreamBackwards(ctx, stream, func(e eventschema.Stored) error {
		back = append(back, e)
		if s.carried(e) {
			return eventschema.ErrStop
		}
		return nil
	})
	if err != nil {
		return f, err
	}
	for i := len(back) - 1; i >= 0; i-- {
		if f, _, err = s.fold(ctx, f, back[i]); err != nil {
			return f, err
		}
	}
	return f, nil
}

// fold adds one stored event. A gap in the numbers would be a half-read history, so it is an error.
func (s *streams[S]) fold(ctx context.Context, f Folded[S], e eventschema.Stored) (Folded[S], any, error) {
	if f.Revision != eventschema.NoStream && int64(e.Revision) != f.Revision+1 {
		return f, nil, fmt.Errorf("event %d follows event %d", e.Revision, f.Revision)
	}
	r, err := s.decode(ctx, e)
	if err != nil {
		return f, nil, err
	}
	f.Repeats.add(r)
	return f.after(r, s.evolve), r.Event, nil
}

func (s *streams[S]) decode(ctx context.Context, e eventschema.Stored) (eventschema.Recorded, error) {
	r, err := s.codec.Decode(ctx, e)
	if err == nil {
		err = r.Err
	}
	if err != nil {
		return r, fmt.Errorf("decode event %d, %s: %w", e.Revision, e.Type, err)
	}
	return r, nil
}

// upTo folds a stream from its beginning up to and including a revision, handing each step to see, which may keep the fold only by
// cloning its state. It is for the rare questions about the past: what a repeat was answered, what changed since a revision.
func (s *streams[S]) upTo(ctx context.Context, stream string, revision int64, see func(Folded[S], eventschema.Recorded)) (Folded[S], error) {
	f := s.none()
	err := s.log.ReadStream(ctx, stream, 0, func(e eventschema.Stored) error {
		if int64(e.Revision) > revision {
			return eventschema.ErrStop
		}
		r, err := s.decode(ctx, e)
		if err != nil {
			return err
		}
		f = f.after(r, s.evolve)
		see(f, r)
		return nil
	})
	if err != nil {
		return Folded[S]{}, fmt.Errorf("read %s up to %d: %w", stream, revision, err)
	}
	return f, nil
}
