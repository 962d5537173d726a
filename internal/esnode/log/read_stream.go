package log

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Bounds of one page. An event larger than pageBytes is a page of its own.
const (
	PageEvents = 256
	pageBytes  = 28 << 10 // so that a page is sent as one run of 32 KiB, mostly
)

// ErrNotFound says that a stream was never written, or is soft-deleted.
var ErrNotFound = errors.New("stream not found")

// StreamPage is a run of a stream's events.
type StreamPage struct {
	Events []Event
	Next   int64 // the revision to ask for next; backwards, -1 when there is none
	Last   int64 // the revision of the stream's last event, readable or not
	End    bool  // nothing more in this direction, as of the call
}

// FromEnd as the start of a backward read means the last event.
const FromEnd = math.MaxInt64

// ReadForward reads up to count events of a stream, starting at a revision, as far as the stream's metadata lets them be seen. It returns
// ErrNotFound or *DeletedError. A page may be empty and not the end: then Next is the first revision that can be seen.
func (l *Log) ReadForward(name string, from int64, count int) (StreamPage, error) {
	s, err := l.readable(name)
	if err != nil {
		return StreamPage{}, err
	}
	page := StreamPage{Last: s.last, Next: s.last + 1, End: true}
	if from > s.last {
		return page, nil
	}
	to := from + int64(min(count, PageEvents)) - 1
	if to < from { // beyond 2^63-1
		to = s.last
	}
	if to < s.first {
		page.Next, page.End = s.first, false
		return page, nil
	}
	page.Next = min(to, s.last) + 1
	page.End = to >= s.last
	bytes := 0
	err = l.scanStream(s, max(from, s.first), min(to, s.last), false, func(e Event) bool {
		page.Events = append(page.Events, e)
		bytes += e.weight()
		if bytes >= pageBytes {
			page.Next = int64(e.Revision) + 1
			page.End = page.Next > s.last
			return false
		}
		return true
	})
	return page, err
}

// ReadBackward is ReadForward towards the first event.
func (l *Log) ReadBackward(name string, from int64, count int) (StreamPage, error) {
	s, err := l.readable(name)
	if err != nil {
		return StreamPage{}, err
	}
	page := StreamPage{Last: s.last, Next: -1, End: true}
	from = min(from, s.last)
	to := max(from-int64(min(count, PageEvents))+1, s.first)
	if from < to {
		return page, nil
	}
	if to > s.first {
		page.Next, page.End = to-1, false
	}
	bytes := 0
	err = l.scanStream(s, to, from, true, func(e Event) bool {
		page.Events = append(page.Events, e)
		bytes += e.weight()
		if bytes >= pageBytes && int64(e.Revision) > s.first {
			page.Next, page.End = int64(e.Revision)-1, false
			return false
		}
		return true
	})
	return page, err
}

// ReadRaw reads events from a revision on as they were written, whatever metadata says and whether or not the stream is deleted; a
// tombstone is the last of them. Next is where to go on.
func (l *Log) ReadRaw(name string, from int64) (StreamPage, error) {
	h, err := l.head(name)
	if err != nil {
		return StreamPage{}, err
	}
	published := l.published.Load() // after the head: everything that it tells of is published by now
	page := StreamPage{Last: h.last, Next: from, End: true}
	if h.number == 0 {
		return page, nil
	}
	bytes := 0
	s := &readableStream{name: name, head: h, published: published}
	err = l.scanStream(s, from, TombstoneRevision, false, func(e Event) bool {
		page.Events = append(page.Events, e)
		bytes += e.weight()
		if e.Revision != TombstoneRevision {
			page.Next = int64(e.Revision) + 1
		}
		page.End = bytes < pageBytes && len(page.Events) < PageEvents
		return page.End
	})
	return page, err
}

// StreamState is what a subscription has to know before it starts.
type StreamState struct {
	Last       int64 // revision of the last event, -1 if there is none
	Tombstoned bool  // the stream, or the stream that it holds the metadata of
	Readable   bool  // it has events and is not deleted
}

// State tells how a stream stands.
func (l *Log) State(name string) (StreamState, error) {
	s, err := l.readable(name)
	var deleted *DeletedError
	switch {
	case errors.As(err, &deleted):
		h, err := l.head(name)
		if err != nil {
			return StreamState{}, err
		}
		return StreamState{Last: h.last, Tombstoned: true}, nil
	case errors.Is(err, ErrNotFound):
		h, err := l.head(name)
		if err != nil {
			return StreamState{}, err
		}
		return StreamState{Last: h.last}, nil
	case err != nil:
		return StreamState{}, err
	}
	return StreamState{Last: s.last, Readable: true}, nil
}

// readableStream is a stream as readers may see it.
type readableStream struct {
	*head
	name      string
	published uint64
	first     int64 // the first revision to be seen, age aside
	oldest    int64 // the creation time (in ticks) from which on events are seen
}

func (l *Log) readable(name string) (*readableStream, error) {
	h, meta, err := l.heads(name)
	if err != nil {
		return nil, err
	}
	gone := h.tombstoned
	if isMetastream(name) && !gone {
		of, err := l.head(name[2:])
		if err != nil {
			return nil, err
		}
		gone = of.tombstoned
	}
	switch {
	case gone:
		return nil, &DeletedError{name}
	case h.last < 0 || meta.meta.softDeleted():
		return nil, ErrNotFound
	}
	s := &readableStream{
		head:      h,
		name:      name,
		published: l.published.Load(), // after the heads: everything that they tell of is published by now
		first:     firstReadable(name, h, meta.meta),
		oldest:    math.MinInt64,
	}
	if meta.meta != nil && meta.meta.maxAge > 0 {
		s.oldest = oldestVisible(l.opts.Clock(), meta.meta.maxAge)
	}
	return s, nil
}

func oldestVisible(now time.Time, maxAge time.Duration) int64 { return ticks(now.Add(-maxAge)) }

// scanStream hands the events between two revisions (both included) to f until it returns false. Revisions have no gaps, so a row that is
// not there is an error, not a shorter answer. The iterators it uses live no longer than the call.
func (l *Log) scanStream(s *readableStream, from, to int64, backward bool, f func(Event) bool) error {
	if from == to && to <= s.last { // who reads on from what is known asks for one event, which needs no iterator
		e, err := l.eventOf(s, from)
		if err == nil && e.Created >= s.oldest {
			f(e)
		}
		return err
	}
	it, err := l.db.NewIter(&pebble.IterOptions{
		LowerBound: revisionKey(nil, s.number, uint64(from)),
		UpperBound: revisionKey(nil, s.number, uint64(to)+1),
	})
	if err != nil {
		return err
	}
	defer it.Close()
	want, last, towards, step, ok := from, min(to, s.last), int64(1), it.Next, it.First()
	if backward {
		want, last, towards, step, ok = to, from, -1, it.Prev, it.Last()
	}
	for ; ok; ok = step() {
		revision, position, err := revisionRow(it)
		if err != nil {
			return damaged(fmt.Sprintf("read stream %q at revision %d", s.name, want), err)
		}
		if position > s.published {
			continue
		}
		if revision != uint64(want) && revision != TombstoneRevision {
			return missingRevision(s.name, want)
		}
		e, err := l.At(position)
		if err != nil {
			return damaged("read "+place(s.name, revision, position), err)
		}
		want += towards
		if e.Created >= s.oldest && !f(e) {
			return it.Error()
		}
	}
	if err := it.Error(); err != nil {
		return damaged(fmt.Sprintf("read stream %q at revision %d", s.name, want), err)
	}
	if (last-want)*towards >= 0 {
		return missingRevision(s.name, want)
	}
	return nil
}

// eventOf reads the event with a revision that the stream goes up to or beyond, whatever its age.
func (l *Log) eventOf(s *readableStream, revision int64) (Event, error) {
	position, found, err := l.positionOf(s.head, uint64(revision), s.published)
	if err != nil {
		return Event{}, damaged(fmt.Sprintf("read stream %q at revision %d", s.name, revision), err)
	}
	if !found {
		return Event{}, missingRevision(s.name, revision)
	}
	e, err := l.At(position)
	if err != nil {
		return Event{}, damaged("read "+place(s.name, uint64(revision), position), err)
	}
	return e, nil
}

func missingRevision(stream string, revision int64) error {
	return fmt.Errorf("%w: stream %q has no revision %d, though it goes beyond", ErrDamaged, stream, revision)
}
