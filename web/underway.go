package web

import (
	"context"
	"sync"

	"github.com/google/uuid"
)

// underway knows which commands this process is carrying out, so that a page asked for meanwhile can show what became of one.
type underway struct {
	mu  sync.Mutex
	all map[uuid.UUID]*course
}

// course is one command being carried out, by several requests if it was sent several times.
type course struct {
	requests int
	ended    chan struct{}
}

// begin notes a command; call what it returns when the command has ended.
func (u *underway) begin(command uuid.UUID) (end func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.all == nil {
		u.all = map[uuid.UUID]*course{}
	}
	c := u.all[command]
	if c == nil {
		c = &course{ended: make(chan struct{})}
		u.all[command] = c
	}
	c.requests++
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		if c.requests--; c.requests == 0 {
			delete(u.all, command)
			close(c.ended)
		}
	}
}

// wait waits for the end of a command, if it is under way.
func (u *underway) wait(ctx context.Context, command uuid.UUID) {
	u.mu.Lock()
	c := u.all[command]
	u.mu.Unlock()
	if c == nil {
		return
	}
	select {
	case <-c.ended:
	case <-ctx.Done():
	}
}
