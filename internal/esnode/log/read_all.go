package log

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// AllPage is a run of $all.
type AllPage struct {
	Events     []Event
	Considered int    // events looked at, matching or not
	Last       uint64 // position of the last event considered, 0 if there was none
	End        bool   // nothing more in this direction, as of the call

	room *room // of the events
}

// Bounds of how many events one page of a filtered read looks at, and of how long it looks: who asked may be gone.
const (
	maxConsidered  = 2048
	maxConsidering = time.Second
)

// AllEnd as the start of a backward read of $all means its end.
const AllEnd = math.MaxUint64

// ReadAllForward reads up to count events at or after a position that match the filter (nil: all), and considers at most consider
// events. Deletes and truncation hide nothing here.
func (l *Log) ReadAllForward(from uint64, count, consider int, filter *Filter) (AllPage, error) {
	published := l.published.Load()
	if from > published {
		return AllPage{End: true}, nil
	}
	return l.scanAll(from, published+1, false, count, consider, filter)
}

// ReadAllBackward reads up to count events before a position, newest first.
func (l *Log) ReadAllBackward(before uint64, count, consider int, filter *Filter) (AllPage, error) {
	return l.scanAll(0, min(before, l.published.Load()+1), true, count, consider, filter)
}

// scanAll reads the positions from (included) to end (excluded).
func (l *Log) scanAll(from, end uint64, backward bool, count, consider int, filter *Filter) (AllPage, error) {
	page := AllPage{End: true}
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: eventKey(nil, from), UpperBound: eventKey(nil, end)})
	if err != nil {
		return page, err
	}
	defer it.Close()
	step, ok := it.Next, it.First()
	if backward {
		step, ok = it.Prev, it.Last()
	}
	count, consider = min(count, PageEvents), min(consider, maxConsidered)
	size, began := 0, time.Now()
	for ; ok; ok = step() {
		if len(page.Events) >= count || page.Considered >= consider || size >= pageBytes {
			page.End = false
			break
		}
		position, _ := number(it.Key()[1:])
		value, err := it.ValueAndErr()
		if err != nil {
			return page, damaged(fmt.Sprintf("read $all at position %d", position), err)
		}
		v, err := viewRecord(position, value)
		if err != nil {
			return page, damaged("read $all", err)
		}
		page.Considered++
		page.Last = position
		if hidden(v.stream) {
			continue
		}
		match, err := filter.match(v.stream, v.typ)
		if err != nil {
			return page, err
		}
		if filter.isSlow() && time.Since(began) > maxConsidering {
			consider = page.Considered
		}
		if match {
			if page.room == nil {
				page.room = rooms.Get().(*room)
				page.Events = page.room.events
			}
			page.Events = append(page.Events, page.room.event(v))
			size += page.Events[len(page.Events)-1].weight()
		}
	}
	if err := it.Error(); err != nil {
		return page, damaged(brokenAt(page.Last, from, end, backward), err)
	}
	return page, nil
}

// brokenAt says where a run over $all met an error of the storage: behind the last event it saw.
func brokenAt(last, from, end uint64, backward bool) string {
	switch {
	case last > 0 && backward:
		return fmt.Sprintf("read $all before position %d", last)
	case last > 0:
		return fmt.Sprintf("read $all behind position %d", last)
	}
	return fmt.Sprintf("read $all from position %d to %d", from, end-1)
}

var (
	epochStream      = []byte("$epoch-information")
	allGroupPrefix   = []byte("$persistentsubscription-$all::")
	checkpointSuffix = []byte("-checkpoint")
	parkedSuffix     = []byte("-parked")
)

// hidden tells whether a stream is never shown in $all.
func hidden(stream []byte) bool {
	if len(stream) == 0 || stream[0] != '$' {
		return false
	}
	return bytes.Equal(stream, epochStream) ||
		bytes.HasPrefix(stream, allGroupPrefix) && (bytes.HasSuffix(stream, checkpointSuffix) || bytes.HasSuffix(stream, parkedSuffix))
}
