package eventlog

import (
	"slices"
	"sort"
	"sync"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// recent is what the feed has read last: a run of consecutive events of ours, up to the head. Whoever stands within it reads from memory.
type recent struct {
	mu      sync.Mutex
	size    int                  // how many events are kept at most
	floor   eventschema.Position // everything of ours after it, up to head, is in events
	head    eventschema.Position // everything up to here has been seen
	events  eventschema.Page
	era     int           // how often the log was replaced
	changed chan struct{} // closed, and made anew, when head moves
}

func newRecent(size int, at eventschema.Position) *recent {
	return &recent{size: size, floor: at, head: at, changed: make(chan struct{})}
}

// add takes the next events, and how far has been seen.
func (r *recent) add(page eventschema.Page, seen eventschema.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, page...)
	if over := len(r.events) - r.size; over > r.size/4 { // now and then, not with every event
		r.floor = r.events[over-1].Position
		r.events = slices.Clone(r.events[over:]) // lets go of the others
	}
	if seen.After(r.head) {
		r.head = seen
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// reset forgets everything: the log was replaced.
func (r *recent) reset(at eventschema.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events, r.floor, r.head = nil, at, at
	r.era++
	close(r.changed)
	r.changed = make(chan struct{})
}

// window is what recent has for one reader.
type window struct {
	events  eventschema.Page
	covered bool            // false: the reader stands before what is kept
	era     int             // another one than the reader's: its position means nothing any more
	changed <-chan struct{} // closed when there may be more
}

// after returns up to limit events after a position.
func (r *recent) after(p eventschema.Position, limit int) window {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := window{era: r.era, changed: r.changed, covered: !r.floor.After(p)}
	if w.covered {
		from := sort.Search(len(r.events), func(i int) bool { return r.events[i].Position.After(p) })
		w.events = slices.Clone(r.events[from:min(len(r.events), from+limit)])
	}
	return w
}

// covers tells whether a reader at a position can go on from memory.
func (r *recent) covers(p eventschema.Position) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.floor.After(p)
}

// reached is how far has been seen, and what is closed when that changes.
func (r *recent) reached() (eventschema.Position, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.head, r.changed
}
