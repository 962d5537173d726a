package log

import "sync"

// room is where a page of $all lies: its events, and their bytes one behind another. Whoever catches up reads page after page, and each would leave
// a kilobyte an event to be collected.
type room struct {
	events []Event
	bytes  []byte
}

var rooms = sync.Pool{New: func() any { return &room{bytes: make([]byte, 0, pageBytes)} }}

// event copies what a view shows into the room, or beside it if it is full.
func (r *room) event(v recordView) Event {
	size, used := len(v.custom)+len(v.data), len(r.bytes)
	if size > cap(r.bytes)-used {
		return v.event()
	}
	r.bytes = r.bytes[:used+size]
	return v.eventIn(r.bytes[used : used+size : used+size])
}

// Release gives the memory of a page back, to be used for another one: nobody may look at its events any more, nor at what they hold. A page
// that nobody releases is collected as usual.
func (p *AllPage) Release() {
	if p.room == nil {
		return
	}
	clear(p.Events)
	p.room.events, p.room.bytes = p.Events[:0], p.room.bytes[:0]
	rooms.Put(p.room)
	p.Events, p.room = nil, nil
}
