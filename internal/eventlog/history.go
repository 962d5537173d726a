package eventlog

import (
	"context"
	"sort"
	"sync"
	"time"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// history keeps for a while what subscribers further back than the feed's memory read from the log. After a start all of them stand at about the
// same place: one reads and decodes a page, the others find it here.
type history struct {
	wait time.Duration // for a page that another reads

	mu      sync.Mutex
	readers int                                       // subscribers that catch up
	pages   map[eventschema.Position]eventschema.Page // by the position that they come after
	order   []eventschema.Position                    // of pages, oldest first
	coming  map[eventschema.Position]chan struct{}    // positions after which somebody is reading; closed once the page is there
}

const (
	historyPages = 16                     // of up to 1,000 events
	historyWait  = 300 * time.Millisecond // who reads a page may be held up by its own subscriber
)

func newHistory() *history {
	return &history{wait: historyWait, pages: map[eventschema.Position]eventschema.Page{}, coming: map[eventschema.Position]chan struct{}{}}
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
	limit := time.NewTimer(h.wait)
	defer limit.Stop()
	for {
		h.mu.Lock()
		page, found := h.find(p)
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

// find looks for what comes after a position, also within a page: readers cut the log as it comes to them. The caller holds the lock.
func (h *history) find(p eventschema.Position) (eventschema.Page, bool) {
	if page, found := h.pages[p]; found {
		return page, true
	}
	for _, start := range h.order {
		if page := h.pages[start]; p.After(start) && page.Last().Position.After(p) {
			i := sort.Search(len(page), func(i int) bool { return page[i].Position.After(p) })
			return page[i:], true
		}
	}
	return nil, false
}

// has tells whether what comes after a position is there.
func (h *history) has(p eventschema.Position) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, found := h.find(p)
	return found
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
