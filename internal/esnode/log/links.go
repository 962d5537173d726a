package log

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Resolve returns what a link points to. An event that is no link is not one (isLink is false); the target is nil if it is gone, hidden
// by its stream's metadata or in a deleted stream.
func (l *Log) Resolve(e *Event) (target *Event, isLink bool, err error) {
	if e.Type != typeLink {
		return nil, false, nil
	}
	number, stream, found := bytes.Cut(e.Data, []byte{'@'})
	if !found {
		return nil, false, nil
	}
	revision, err := strconv.ParseInt(strings.TrimSpace(string(number)), 10, 64)
	if err != nil {
		return nil, false, nil
	}
	target, err = l.visible(string(stream), revision)
	return target, true, err
}

// visible returns one event of a stream as readers see it (revision -1: the last one), nil if they do not.
func (l *Log) visible(name string, revision int64) (*Event, error) {
	s, err := l.readable(name)
	var deleted *DeletedError
	if errors.Is(err, ErrNotFound) || errors.As(err, &deleted) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if revision == -1 {
		revision = s.last
	}
	if revision < s.first || revision > s.last {
		return nil, nil
	}
	e, err := l.eventOf(s, revision)
	if err != nil {
		return nil, fmt.Errorf("follow a link: %w", err)
	}
	if e.Created < s.oldest {
		return nil, nil
	}
	return &e, nil
}
