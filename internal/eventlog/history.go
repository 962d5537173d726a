package eventlog

import (
	"context"
	"sync"
	"time"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// history keeps for a while what subscribers further back than the feed's memory read from the log. After a start all of them stand at about the
// same place: one reads and decodes a page, the others find it here.
type history struct {
	mu      sync.Mutex
	readers int                                       // subscribers that catch up
	pages   map[eventschema.Position]eventschema.Page // by the position that they come after
	order   []eventschema.Position                    // of pages, oldest first
	coming  map[eventschema.Position]chan struct{}    // positions after which somebody is reading; closed once the page is there
}

const (
	historyPages = 16                     // of up to 1,000 events
	historyWait  = 100 * time.Millisecond // for a page that another reads: it may be held up by its own subscriber
)

func newHistory() *history {
	return &history{pages: map[eventschema.Position]eventschema.Page{}, coming: map[eventschema.Position]chan struct{}{}}
}

// join and leave bound what is kept: nothing, while nobody catches up.
func (h *history) join() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.readers++
}

func (h *history) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.readers--; h.readers == 0 {
		h.forget()
	}
}

// reset forgets all: the log was replaced.
func (h *history) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.forget()
}

func (h *history) forget() {
	h.pages, h.order = map[eventschema.Position]eventschema.Page{}, nil
}

// after is the page after a position. Without one the caller is to read it, and to announce it before.
func (h *history) after(ctx context.Context, p eventschema.Position) (eventschema.Page, bool) {
	limit := time.NewTimer(historyWait)
	defer limit.Stop()
	for {
		h.mu.Lock()
		page, found := h.pages[p]
		coming := h.coming[p]
		h.mu.Unlock()
		if found || coming == nil {
			return page, found
		}
		select {
		case <-coming:
		case <-limit.C:
			return nil, false
		case <-ctx.Done():
			return nil, false
		}
	}
}

// announce says that the caller is about to read the page after a position, and answers what it has to call with it; with nil if it does not
// come to that.
func (h *history) announce(p eventschema.Position) (came func(eventschema.Page)) {
	mine := make(chan struct{})
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.coming[p] == nil {
		h.coming[p] = mine
	}
	return func(page eventschema.Page) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.coming[p] == mine {
			delete(h.coming, p)
		}
		close(mine)
		if _, known := h.pages[p]; len(page) == 0 || known {
			return
		}
		h.pages[p] = page
		if h.order = append(h.order, p); len(h.order) > historyPages {
			delete(h.pages, h.order[0])
			h.order = h.order[1:]
		}
	}
}
