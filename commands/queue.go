package commands

import (
	"context"
	"sync"
)

// queues lets commands on one stream wait for each other inside this process, in the order they came: deciding side by side would only make
// them conflict at the log.
type queues struct {
	mu      sync.Mutex
	streams map[string]*queue
}

type queue struct {
	turn  chan struct{} // holds one token while somebody works on the stream
	users int           // who works or waits; at zero the queue is dropped
}

// enter waits for the stream's turn, or for the end of the context. The returned function ends the turn.
func (q *queues) enter(ctx context.Context, stream string) (leave func(), err error) {
	q.mu.Lock()
	if q.streams == nil {
		q.streams = map[string]*queue{}
	}
	s := q.streams[stream]
	if s == nil {
		s = &queue{turn: make(chan struct{}, 1)}
		q.streams[stream] = s
	}
	s.users++
	q.mu.Unlock()

	drop := func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if s.users--; s.users == 0 {
			delete(q.streams, stream)
		}
	}
	select {
	case s.turn <- struct{}{}:
		return func() { <-s.turn; drop() }, nil
	case <-ctx.Done():
		drop()
		return nil, ctx.Err()
	}
}
