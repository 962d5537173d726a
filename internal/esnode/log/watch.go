package log

import "sync"

// Watch tells a reader that there may be something new. C holds at most one signal, so a slow reader is not waited for and misses
// nothing: it reads on from where it was.
type Watch struct {
	C      chan struct{}
	stream string // "" for $all
	owner  *watches
}

// watches is everybody who waits for new events.
type watches struct {
	mu      sync.Mutex
	all     map[*Watch]struct{}
	streams map[string]map[*Watch]struct{}
}

func (w *watches) init() {
	w.all = make(map[*Watch]struct{})
	w.streams = make(map[string]map[*Watch]struct{})
}

// WatchAll signals after every commit. Close it when done.
func (l *Log) WatchAll() *Watch { return l.watches.add("") }

// WatchStream signals after every commit that wrote to the stream. Close it when done.
func (l *Log) WatchStream(name string) *Watch { return l.watches.add(name) }

func (w *watches) add(stream string) *Watch {
	watch := &Watch{C: make(chan struct{}, 1), stream: stream, owner: w}
	w.mu.Lock()
	defer w.mu.Unlock()
	if stream == "" {
		w.all[watch] = struct{}{}
		return watch
	}
	if w.streams[stream] == nil {
		w.streams[stream] = make(map[*Watch]struct{})
	}
	w.streams[stream][watch] = struct{}{}
	return watch
}

// Close ends the watch.
func (w *Watch) Close() {
	w.owner.mu.Lock()
	defer w.owner.mu.Unlock()
	if w.stream == "" {
		delete(w.owner.all, w)
		return
	}
	delete(w.owner.streams[w.stream], w)
	if len(w.owner.streams[w.stream]) == 0 {
		delete(w.owner.streams, w.stream)
	}
}

// notify signals everybody whom a commit concerns.
func (w *watches) notify(streams map[string]*staged) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for watch := range w.all {
		watch.signal()
	}
	if len(w.streams) == 0 {
		return
	}
	for name := range streams {
		for watch := range w.streams[name] {
			watch.signal()
		}
	}
}

func (w *Watch) signal() {
	select {
	case w.C <- struct{}{}:
	default:
	}
}
