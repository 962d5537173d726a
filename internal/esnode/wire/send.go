package wire

import "github.com/dragoman-booking/dragoman/internal/esnode/log"

// sendAll sends events, with their targets where they are links and links are to be followed.
func (r *reader) sendAll(events []log.Event) error {
	for i := range events {
		if err := r.send(&events[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) send(e *log.Event) error {
	var link *log.Event
	if r.links {
		target, isLink, err := r.server.log.Resolve(e)
		if err != nil {
			return err
		}
		if isLink {
			e, link = target, e
		}
	}
	return r.stream.SendMsg(newFrame(e, link, r.strings))
}
