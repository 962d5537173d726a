package log

import (
	"errors"
	"fmt"

	"github.com/dragoman-booking/dragoman/internal/move"
)

// ErrMoved: the log moves or has moved to another house, and takes no append but what says so.
var ErrMoved = errors.New("the event log moves")

// findHouse reads where the log stands; it is called before the committer begins.
func (l *Log) findHouse() error {
	l.house = move.Home()
	h, err := l.load(move.Stream, l.published.Load())
	if err != nil || h.last < 0 {
		return err
	}
	position, ok, err := l.positionOf(h, uint64(h.last), l.published.Load())
	if err != nil || !ok {
		return err
	}
	e, err := l.At(position)
	if err != nil {
		return err
	}
	l.house, err = move.Parse(e.Type, e.Data, uint64(h.last))
	return err
}

// stays refuses to write to a log that moves. From the event on that says so nothing else is written, not even what waits for the same sync.
func (g *group) stays(stream string) error {
	if house := g.log.house; house.Closed() && stream != move.Stream {
		return fmt.Errorf("%w: %s", ErrMoved, house.Sentence())
	}
	return nil
}

// moves takes note of what an append says of the log's house. Anything else in that stream is refused: the log could not be opened again.
func (g *group) moves(r *request, next uint64) (err error) {
	if r.stream != move.Stream {
		return nil
	}
	house := g.log.house
	for i := range r.events {
		if house, err = move.Parse(r.events[i].Type, r.events[i].Data, next+uint64(i)); err != nil {
			return fmt.Errorf("%w: %w", ErrMoved, err)
		}
	}
	g.log.house = house
	return nil
}
