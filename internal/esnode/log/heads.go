package log

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// head is all that is to know of a stream besides its events. It is never altered once others can see it.
type head struct {
	number     uint64 // stands for the name in keys; 0 if nothing was ever written
	last       int64  // revision of the last event, -1 if there is none
	tombstoned bool
	meta       *metadata // of a stream $$s: what its last event says of s
}

var noHead = &head{last: -1}

// cachedHeads bounds the heads kept in memory. A head costs about 200 bytes.
const cachedHeads = 100_000

// heads returns the published heads of a stream and of its metadata stream, both as of one moment.
func (l *Log) heads(name string) (stream, meta *head, err error) {
	l.mu.Lock()
	published := l.published.Load()
	stream, ok := l.cache.Get(name)
	meta, metaOK := noHead, true
	if l.anyMetadata && !isMetastream(name) {
		meta, metaOK = l.cache.Get("$$" + name)
	}
	l.mu.Unlock()
	if !ok {
		if stream, err = l.loadAndCache(name, published); err != nil {
			return nil, nil, err
		}
	}
	if !metaOK {
		if meta, err = l.loadAndCache("$$"+name, published); err != nil {
			return nil, nil, err
		}
	}
	return stream, meta, nil
}

// head returns the published head of one stream.
func (l *Log) head(name string) (*head, error) {
	l.mu.Lock()
	published := l.published.Load()
	h, ok := l.cache.Get(name)
	if !ok && !l.anyMetadata && isMetastream(name) {
		h, ok = noHead, true
	}
	l.mu.Unlock()
	if ok {
		return h, nil
	}
	return l.loadAndCache(name, published)
}

func (l *Log) loadAndCache(name string, published uint64) (*head, error) {
	h, err := l.load(name, published)
	if err != nil {
		return nil, damaged(fmt.Sprintf("look up stream %q", name), err)
	}
	l.mu.Lock()
	if l.published.Load() == published { // else the committer may have moved the stream on meanwhile
		l.cache.Add(name, h)
	}
	l.mu.Unlock()
	return h, nil
}

// load reads a head from the store, as of the position published.
func (l *Log) load(name string, published uint64) (*head, error) {
	no, ok, err := l.getNumber(nameKey(nil, name))
	if err != nil || !ok {
		return noHead, err
	}
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: revisionKey(nil, no, 0), UpperBound: revisionKey(nil, no+1, 0)})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	h := &head{last: -1}
	var lastPosition uint64
	for ok := it.Last(); ok; ok = it.Prev() {
		revision, position, err := revisionRow(it)
		if err != nil {
			return nil, err
		}
		if position > published {
			continue
		}
		h.number = no
		if revision == TombstoneRevision {
			h.tombstoned = true
			continue
		}
		h.last, lastPosition = int64(revision), position
		break
	}
	if err := it.Error(); err != nil {
		return nil, err
	}
	if h.number == 0 {
		return noHead, nil
	}
	if isMetastream(name) && h.last >= 0 {
		e, err := l.At(lastPosition)
		if err != nil {
			return nil, err
		}
		h.meta = parseMetadata(e.JSON, e.Data)
	}
	return h, nil
}

// revisionRow reads the 's' row that an iterator stands on.
func revisionRow(it *pebble.Iterator) (revision, position uint64, err error) {
	key := it.Key()
	value, err := it.ValueAndErr()
	if err != nil {
		return 0, 0, err
	}
	revision, keyOK := number(key[len(key)-8:])
	position, ok := number(value)
	if !ok || !keyOK {
		return 0, 0, fmt.Errorf("a row of a stream's index: %w", ErrDamaged)
	}
	return revision, position, nil
}

// getNumber reads a row whose value is a number; false if there is no such row.
func (l *Log) getNumber(key []byte) (uint64, bool, error) {
	value, closer, err := l.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	defer closer.Close()
	n, ok := number(value)
	if !ok {
		return 0, false, fmt.Errorf("a row of kind %q: %w", key[0], ErrDamaged)
	}
	return n, true, nil
}

// At reads the event at a position that is known to hold one.
func (l *Log) At(position uint64) (Event, error) {
	value, closer, err := l.db.Get(eventKey(nil, position))
	if errors.Is(err, pebble.ErrNotFound) {
		return Event{}, fmt.Errorf("%w: there is no event at position %d", ErrDamaged, position)
	}
	if err != nil {
		return Event{}, damaged(fmt.Sprintf("read event at position %d", position), err)
	}
	defer closer.Close()
	v, err := viewRecord(position, value)
	if err != nil {
		return Event{}, err
	}
	return v.event(), nil
}

// positionOf looks up where a stream's event lies; false if the stream has no such revision as of published.
func (l *Log) positionOf(h *head, revision, published uint64) (uint64, bool, error) {
	if h.number == 0 {
		return 0, false, nil
	}
	position, ok, err := l.getNumber(revisionKey(nil, h.number, revision))
	return position, ok && position <= published, err
}

// firstReadable is the first revision of a stream that its metadata lets readers see, age aside.
func firstReadable(name string, h *head, meta *metadata) int64 {
	if isMetastream(name) {
		return max(h.last, 0) // as if $maxCount were 1
	}
	if meta == nil {
		return 0
	}
	first := meta.truncateBefore
	if meta.maxCount > 0 {
		first = max(first, h.last-meta.maxCount+1)
	}
	return max(first, 0)
}
