package log

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
)

// Report is what Check found.
type Report struct {
	Events  uint64
	Streams uint64
	Last    uint64   // the highest position that can be read
	Faults  []string // all that is wrong, a sentence each; none: all is well

	Bytes       uint64    // what the folder takes on the disk
	Newest      time.Time // when the newest event was written; zero in an empty log
	RecentBytes uint64    // what the events of the recentDays before it take, before compression
}

// RecentDays is how many days before the newest event count for a log's growth.
const RecentDays = 30

func (r *Report) fault(format string, args ...any) {
	r.Faults = append(r.Faults, fmt.Sprintf(format, args...))
}

// Check reads a whole folder that nobody has open, and changes nothing in it: every checksum of every table, every record, that every event
// stands in its stream's index and its id in the index of ids, that the indexes lead to nothing else, that revisions have no gaps, and that nothing
// acknowledged is missing. It goes on behind what it cannot read, and without what a damaged write-ahead log holds behind the damage. An error means that it could not begin, or was asked to stop.
func Check(ctx context.Context, dir string, fs vfs.FS) (Report, error) {
	if fs == nil {
		fs = vfs.Default
	}
	if _, err := fs.Stat(fs.PathJoin(dir, "FORMAT")); err != nil {
		return Report{}, fmt.Errorf("check event log in %s: %w", dir, err)
	}
	l := &Log{dir: dir, log: slog.New(slog.DiscardHandler), opts: Options{FS: fs}, failed: make(chan struct{})}
	fence := &fencedFS{FS: fs}
	open := func() (err error) {
		opts := l.pebbleOptions()
		opts.ReadOnly, opts.FS = true, fence
		l.db, l.lock, err = openStore(dir, opts, l.failed)
		return err
	}
	err := open()
	var broken *walError
	if errors.As(err, &broken) { // the rest of the folder is looked at as well
		fence.cut = broken
		err = open()
	}
	if err != nil {
		return Report{}, fmt.Errorf("check event log in %s: %w", dir, err)
	}
	type checked struct {
		report Report
		err    error
	}
	done := make(chan checked, 1)
	go func() {
		report, err := l.check(ctx, fence)
		done <- checked{report, errors.Join(err, l.db.Close(), l.lock.Close())}
	}()
	var c checked
	select {
	case c = <-done:
	case <-l.failed: // the goroutine above is parked
		c.err = l.failure
	}
	if c.err != nil {
		return c.report, fmt.Errorf("check event log in %s: %w", dir, c.err)
	}
	return c.report, nil
}

// checker walks one store.
type checker struct {
	*Log
	fence   *fencedFS
	ctx     context.Context
	r       Report
	days    map[int64]uint64 // bytes of events, by day since 1970
	highest uint64           // a position up to which events were written
	streams uint64           // the highest number of a stream
	lost    []lostEvent      // in order of position
	seen    positions        // of events that were read, or at least named
	led     positions        // to which a row of the streams' index leads
	firsts  uint64           // events that are the first of their stream with their id
	names   map[uint64]string
	row     struct{ stream, next, position uint64 } // of the streams' index: where the walk stands
}

// lostEvent is one that cannot be read.
type lostEvent struct {
	position uint64
	cause    error
}

func (l *Log) check(ctx context.Context, fence *fencedFS) (Report, error) {
	c := &checker{Log: l, fence: fence, ctx: ctx, days: map[int64]uint64{}}
	c.r.Bytes = l.db.Metrics().DiskSpaceUsage()
	if fence.cut != nil {
		c.r.fault("%v", fence.cut)
	}
	for _, pass := range []func() error{c.tables, c.ends, c.events, c.revisions, c.unnamed, c.leftOver} {
		if err := pass(); err != nil {
			return c.r, err
		}
	}
	newest := c.r.Newest.Unix() / daySeconds
	for day, bytes := range c.days {
		if day > newest-RecentDays {
			c.r.RecentBytes += bytes
		}
	}
	return c.r, nil
}

const daySeconds = 24 * 60 * 60

// tables verifies every block of every table.
func (c *checker) tables() error {
	levels, err := c.db.SSTables()
	if err != nil {
		return fmt.Errorf("list the tables: %w", err)
	}
	for _, level := range levels {
		for _, table := range level {
			if err := c.ctx.Err(); err != nil {
				return err
			}
			if key := table.Largest.UserKey; len(key) == 9 && key[0] == kindEvent {
				position, _ := number(key[1:])
				c.highest = max(c.highest, position)
			}
			name := fmt.Sprintf("%s.sst", table.BackingSSTNum)
			for _, err := range c.table(name) {
				c.r.fault("file %s: %v", name, err)
			}
		}
	}
	return nil
}

// ends finds how far positions and stream numbers go, as far as anything tells, and compares with the file ACKNOWLEDGED.
func (c *checker) ends() error {
	upTo, err := acknowledgedUpTo(c.dir, c.opts.FS)
	if err != nil {
		c.r.fault("%v", err)
	}
	c.highest = max(c.highest, upTo)
	end, err := c.lastNumber(kindEvent)
	c.highest = max(c.highest, end)
	if err != nil {
		c.r.fault("the last event cannot be read: %v", err)
	} else if end < upTo {
		c.r.fault("%v: the log ends at position %d, but events up to %d were acknowledged", ErrMissing, end, upTo)
	}
	if c.streams, err = c.lastNumber(kindRevision); err != nil {
		c.r.fault("the last row of the streams' index cannot be read: %v", err)
		c.names = c.readNames()
		for n := range c.names {
			c.streams = max(c.streams, n)
		}
	}
	return nil
}

// Bounds of a walk over what may be damaged. A run over several rows needs all blocks of all levels in between, so where one fails, smaller
// ones are tried, down to single rows. A damaged block costs much time each time it is met: after so many failures in a row larger and larger
// leaps are made.
const (
	longestRun   = 4096
	failuresHeld = 512
)

// walk goes from one number to another, the last included. run handles those from a number to another, the last not included, and says up to
// where it came; one handles a single number that run could not, and says whether that can be read.
func (c *checker) walk(next, highest uint64, run func(from, to uint64) (uint64, error), one func(n uint64) error) error {
	length, failures := uint64(longestRun), 0
	for next <= highest {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if length > 1 {
			came, err := run(next, min(next+length, highest+1))
			if err != nil {
				next, length = came, length/2
				continue
			}
			next, length, failures = next+length, min(2*length, longestRun), 0
			continue
		}
		if one(next) == nil {
			length, failures = 2, 0
		} else if failures++; failures > failuresHeld {
			next += uint64(failures - failuresHeld)
		}
		next++
	}
	return nil
}

// events walks all events, and on behind those that cannot be read.
func (c *checker) events() error {
	err := c.walk(1, c.highest, c.eventsIn, func(position uint64) error {
		value, closer, err := c.db.Get(eventKey(nil, position))
		if errors.Is(err, pebble.ErrNotFound) {
			return nil // positions have gaps
		}
		if err != nil {
			c.lost = append(c.lost, lostEvent{position, err})
			return err
		}
		c.event(position, value)
		return closer.Close()
	})
	return err
}

// eventsIn walks the events from a position to another, the last not included. With an error it says the position to go on from.
func (c *checker) eventsIn(next, to uint64) (uint64, error) {
	it, err := c.db.NewIter(&pebble.IterOptions{LowerBound: eventKey(nil, next), UpperBound: eventKey(nil, to)})
	if err != nil {
		return next, err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		position, ok := number(it.Key()[1:])
		if !ok {
			c.r.fault("an event's key is damaged behind position %d", c.r.Last)
			continue
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return next, err
		}
		next = position + 1
		c.event(position, value)
	}
	return next, it.Error()
}

func (c *checker) event(position uint64, value []byte) {
	c.r.Events++
	c.r.Last = position
	v, err := viewRecord(position, value)
	if err != nil {
		c.lost = append(c.lost, lostEvent{position, err})
		return
	}
	if at := time.Unix(0, v.created*100).UTC(); at.After(c.r.Newest) {
		c.r.Newest = at
	}
	c.seen.mark(position)
	c.days[v.created/(daySeconds*10_000_000)] += uint64(len(value))
	c.indexes(v)
}

// indexes sees that the indexes lead to an event.
func (c *checker) indexes(v recordView) {
	where := place(string(v.stream), v.revision, v.position)
	stream, ok, err := c.getNumber(nameKey(nil, string(v.stream)))
	switch {
	case err != nil:
		c.r.fault("%s: its stream's number cannot be read: %v", where, err)
		return
	case !ok:
		c.r.fault("%s: its stream has no number", where)
		return
	}
	position, ok, err := c.getNumber(revisionKey(nil, stream, v.revision))
	switch {
	case err != nil:
		c.r.fault("%s: its stream's index cannot be read: %v", where, err)
	case !ok || position != v.position:
		c.r.fault("%s: its stream's index does not lead to it", where)
	}
	revision, ok, err := c.getNumber(idKey(nil, stream, uuid.UUID(v.id)))
	switch {
	case err != nil:
		c.r.fault("%s: the index of ids cannot be read: %v", where, err)
	case !ok || revision > v.revision:
		c.r.fault("%s: the index of ids does not know it", where)
	case revision == v.revision:
		c.firsts++
	case !c.hasID(stream, revision, v.id):
		c.r.fault("%s: the index of ids leads to revision %d instead, which has another id", where, revision)
	}
}

// hasID tells whether the event with a revision has an id, also where that cannot be told.
func (c *checker) hasID(stream, revision uint64, id []byte) bool {
	position, ok, err := c.getNumber(revisionKey(nil, stream, revision))
	if err != nil || !ok {
		return err != nil
	}
	e, err := c.At(position)
	return err != nil || e.ID == uuid.UUID(id)
}

// revisions sees that each stream's revisions and positions rise without a gap, and that each row leads to an event.
func (c *checker) revisions() error {
	return c.walk(1, c.streams, c.revisionsIn, c.revisionsOf)
}

// revisionsIn walks the index of the streams from a number to another, the last not included.
func (c *checker) revisionsIn(stream, to uint64) (uint64, error) {
	it, err := c.db.NewIter(&pebble.IterOptions{LowerBound: revisionKey(nil, stream, 0), UpperBound: revisionKey(nil, to, 0)})
	if err != nil {
		return stream, err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		of, keyOK := number(it.Key()[1:9])
		revision, position, err := revisionRow(it)
		if err != nil || !keyOK {
			return stream, errors.Join(err, ErrDamaged)
		}
		stream = of
		c.revision(of, revision, position)
	}
	return stream, it.Error()
}

// revisionsOf walks the index of a stream of which not every row can be read.
func (c *checker) revisionsOf(stream uint64) error {
	for revision, failures := uint64(0), 0; ; revision++ {
		position, ok, err := c.getNumber(revisionKey(nil, stream, revision))
		switch {
		case err != nil:
			if failures++; failures == 1 {
				c.r.fault("the index of stream number %d cannot be read at revision %d: %v", stream, revision, err)
			}
			if failures > failuresHeld {
				return err
			}
			c.row.stream, c.row.next = stream, revision+1
		case ok:
			failures = 0
			c.revision(stream, revision, position)
		default:
			if position, ok, err := c.getNumber(revisionKey(nil, stream, TombstoneRevision)); err == nil && ok {
				c.revision(stream, TombstoneRevision, position)
			}
			return nil
		}
	}
}

// revision looks at one row of the streams' index. A row may come twice.
func (c *checker) revision(stream, revision, position uint64) {
	row := &c.row
	if stream != row.stream {
		c.r.Streams++
		row.stream, row.next, row.position = stream, 0, 0
	}
	if revision < row.next {
		return
	}
	switch {
	case !c.seen.has(position):
		c.noEvent(stream, revision, position)
	case c.led.has(position):
		c.r.fault("stream number %d: revision %d leads to position %d, and so does another row", stream, revision, position)
	}
	c.led.mark(position)
	if revision != row.next && revision != TombstoneRevision {
		c.r.fault("stream number %d: revision %d follows where %d should", stream, revision, row.next)
	}
	if position <= row.position {
		c.r.fault("stream number %d: revision %d lies at position %d, not behind %d", stream, revision, position, row.position)
	}
	row.next, row.position = revision+1, position
}

// unnamed tells of the events that cannot be read and that no index leads to.
func (c *checker) unnamed() error {
	for _, e := range c.lost {
		if !c.seen.has(e.position) {
			c.r.fault("position %d, of a stream that no index tells: the event cannot be read: %v", e.position, e.cause)
		}
	}
	return nil
}

// leftOver sees that the indexes have no rows besides those of the events. Where something was found to be wrong there may well be some.
func (c *checker) leftOver() error {
	if len(c.r.Faults) > 0 {
		return nil
	}
	ids, err := c.count(kindID)
	if err != nil {
		return err
	}
	names, err := c.count(kindName)
	if err != nil {
		return err
	}
	if ids > c.firsts {
		c.r.fault("%d rows of the index of ids lead to no event", ids-c.firsts)
	}
	if names > c.r.Streams {
		c.r.fault("%d names stand for no stream", names-c.r.Streams)
	}
	return nil
}

// count is how many rows of a kind there are.
func (c *checker) count(kind byte) (rows uint64, err error) {
	it, err := c.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kind}, UpperBound: []byte{kind + 1}})
	if err != nil {
		return 0, err
	}
	defer it.Close()
	for ok := it.First(); ok && c.ctx.Err() == nil; ok = it.Next() {
		rows++
	}
	return rows, errors.Join(it.Error(), c.ctx.Err())
}

// positions are a set, as bits.
type positions []uint64

func (p *positions) mark(position uint64) {
	for uint64(len(*p)) <= position/64 {
		*p = append(*p, make([]uint64, 1+len(*p))...)
	}
	(*p)[position/64] |= 1 << (position % 64)
}

func (p positions) has(position uint64) bool {
	return position/64 < uint64(len(p)) && p[position/64]&(1<<(position%64)) != 0
}

// noEvent tells of a row of the streams' index whose event was not read.
func (c *checker) noEvent(stream, revision, position uint64) {
	c.seen.mark(position)
	if c.names == nil {
		c.names = c.readNames()
	}
	name, ok := c.names[stream]
	if !ok {
		name = fmt.Sprintf("number %d", stream)
	}
	if i, found := slices.BinarySearchFunc(c.lost, position, func(e lostEvent, at uint64) int { return cmp.Compare(e.position, at) }); found {
		c.r.fault("%s: the event cannot be read: %v", place(name, revision, position), c.lost[i].cause)
		return
	}
	c.r.fault("%s: the event is not there", place(name, revision, position))
}

// readNames are the streams' names by number, as far as they can be read.
func (c *checker) readNames() map[uint64]string {
	names := map[uint64]string{}
	it, err := c.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kindName}, UpperBound: []byte{kindName + 1}})
	if err != nil {
		return names
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		if value, err := it.ValueAndErr(); err == nil {
			if n, ok := number(value); ok {
				names[n] = string(it.Key()[1:])
			}
		}
	}
	return names
}
