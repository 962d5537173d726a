// Package gather lets callers who ask the same question about different keys share a statement. Whoever asks while another statement is under
// way waits for it to end and is asked for together with all who came meanwhile; so under load one statement serves many, and alone nobody waits.
// Nothing is remembered: an answer always comes from a question that began after its caller did.
package gather

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/dragoman-booking/dragoman/internal/telemetry"
)

// timeout bounds a question, since it does not end with the patience of one of those who share it.
const timeout = 10 * time.Second

// Questions is one kind of question. Its zero value is not usable: New.
type Questions[K comparable, V any] struct {
	ask func(context.Context, []K) (map[K]V, error)

	mu   sync.Mutex
	busy bool
	next *round[K, V] // who waits for the question under way to end; nil: nobody
}

// round are the callers that share one question.
type round[K comparable, V any] struct {
	ctx     context.Context // of who came first, for its span
	keys    []K             // each once
	asked   map[K]bool
	done    chan struct{}
	answers map[K]V
	err     error
}

// New makes a kind of question. ask answers it for several keys; a key without an answer is left out of the map.
func New[K comparable, V any](ask func(context.Context, []K) (map[K]V, error)) *Questions[K, V] {
	return &Questions[K, V]{ask: ask}
}

// Ask answers for one key; false if there is no answer.
func (q *Questions[K, V]) Ask(ctx context.Context, key K) (v V, found bool, err error) {
	q.mu.Lock()
	if !q.busy {
		q.busy = true
		q.mu.Unlock()
		r := newRound[K, V](ctx)
		r.add(key)
		q.run(r)
		return r.answer(key)
	}
	if q.next == nil {
		q.next = newRound[K, V](ctx)
	}
	r := q.next
	r.add(key)
	q.mu.Unlock()
	select {
	case <-r.done:
		return r.answer(key)
	case <-ctx.Done():
		return v, false, ctx.Err()
	}
}

// run asks for one round, then lets the next one go.
func (q *Questions[K, V]) run(r *round[K, V]) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), timeout)
	defer cancel()
	defer func() {
		if cause := recover(); cause != nil { // who waits must hear of it
			r.err = fmt.Errorf("ask: %s\n%s", telemetry.Panicked(cause), debug.Stack())
		}
		close(r.done)
		q.mu.Lock()
		next := q.next
		q.next, q.busy = nil, next != nil
		q.mu.Unlock()
		if next != nil {
			go q.run(next)
		}
	}()
	r.answers, r.err = q.ask(ctx, r.keys)
}

func newRound[K comparable, V any](ctx context.Context) *round[K, V] {
	return &round[K, V]{ctx: ctx, asked: map[K]bool{}, done: make(chan struct{})}
}

func (r *round[K, V]) add(key K) {
	if !r.asked[key] {
		r.asked[key] = true
		r.keys = append(r.keys, key)
	}
}

func (r *round[K, V]) answer(key K) (V, bool, error) {
	v, found := r.answers[key]
	return v, found, r.err
}
