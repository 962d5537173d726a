package log

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
)

// Report is what Check found.
type Report struct {
	Events  uint64
	Streams uint64
	Last    uint64   // the highest position
	Faults  []string // what is wrong, at most maxFaults of it; none: all is well
}

const maxFaults = 100

func (r *Report) fault(format string, args ...any) {
	if len(r.Faults) < maxFaults {
		r.Faults = append(r.Faults, fmt.Sprintf(format, args...))
	}
}

// Check reads a whole folder that nobody has open: every record's checksum, that every event stands in its stream's index and its id
// in the index of ids, and that revisions have no gaps. It writes nothing but what recovery after a crash writes. An error means that
// the folder could not be read to its end.
func Check(ctx context.Context, dir string, fs vfs.FS) (Report, error) {
	if fs == nil {
		fs = vfs.Default
	}
	if _, err := fs.Stat(fs.PathJoin(dir, "FORMAT")); err != nil {
		return Report{}, fmt.Errorf("check event log in %s: %w", dir, err)
	}
	l := &Log{log: slog.New(slog.DiscardHandler), failed: make(chan struct{})}
	var err error
	if l.db, l.lock, err = openStore(dir, fs, &fatalLogger{log: l.log, fail: l.fail}, l.failed); err != nil {
		return Report{}, fmt.Errorf("check event log in %s: %w", dir, err)
	}
	type checked struct {
		report Report
		err    error
	}
	done := make(chan checked, 1)
	go func() {
		report, err := l.check(ctx)
		if missing := checkAcknowledged(dir, fs, report.Last); err == nil && missing != nil {
			report.fault("%v", missing)
		}
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

func (l *Log) check(ctx context.Context) (r Report, err error) {
	if err := l.checkEvents(ctx, &r); err != nil {
		return r, fmt.Errorf("after position %d: %w", r.Last, err)
	}
	if err := l.checkStreams(ctx, &r); err != nil {
		return r, fmt.Errorf("in the streams' index: %w", err)
	}
	return r, nil
}

func (l *Log) checkEvents(ctx context.Context, r *Report) error {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kindEvent}, UpperBound: []byte{kindEvent + 1}})
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		if r.Events++; r.Events%1000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		position, ok := number(it.Key()[1:])
		if !ok {
			r.fault("an event's key is damaged behind position %d", r.Last)
			continue
		}
		r.Last = position
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		v, err := viewRecord(position, value)
		if err != nil {
			r.fault("%v", err)
			continue
		}
		if err := l.checkIndexes(r, v); err != nil {
			return err
		}
	}
	return it.Error()
}

// checkIndexes sees that the indexes lead to an event.
func (l *Log) checkIndexes(r *Report, v recordView) error {
	stream, ok, err := l.getNumber(nameKey(nil, string(v.stream)))
	if err != nil {
		return err
	}
	if !ok {
		r.fault("position %d: its stream has no number", v.position)
		return nil
	}
	position, ok, err := l.getNumber(revisionKey(nil, stream, v.revision))
	if err != nil {
		return err
	}
	if !ok || position != v.position {
		r.fault("position %d: its stream's index does not lead to it", v.position)
	}
	revision, ok, err := l.getNumber(idKey(nil, stream, uuid.UUID(v.id)))
	if err != nil {
		return err
	}
	if !ok || revision > v.revision {
		r.fault("position %d: the index of ids does not know it", v.position)
	}
	return nil
}

// checkStreams sees that a stream's revisions and positions rise without a gap, and that no index row leads nowhere.
func (l *Log) checkStreams(ctx context.Context, r *Report) error {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kindRevision}, UpperBound: []byte{kindRevision + 1}})
	if err != nil {
		return err
	}
	defer it.Close()
	var stream, next, before, rows uint64
	for ok := it.First(); ok; ok = it.Next() {
		if rows++; rows%1000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		of, keyOK := number(it.Key()[1:9])
		revision, position, err := revisionRow(it)
		if err != nil || !keyOK {
			r.fault("a row of stream %d is damaged: %v", stream, err)
			continue
		}
		if of != stream {
			r.Streams++
			stream, next, before = of, 0, 0
		}
		if revision != next && revision != TombstoneRevision {
			r.fault("stream %d: revision %d follows where %d should", stream, revision, next)
		}
		if position <= before {
			r.fault("stream %d: revision %d lies at position %d, not behind %d", stream, revision, position, before)
		}
		next, before = revision+1, position
	}
	if rows != r.Events {
		r.fault("%d events, but %d rows in the streams' index", r.Events, rows)
	}
	return it.Error()
}
