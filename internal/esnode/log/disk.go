package log

import (
	"fmt"
	"math"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	dto "github.com/prometheus/client_model/go"
)

// diskCheck tells whether the disk has room. It asks the system at most once a second: the limit is meant to leave room for far more than
// one second of appends. Only the committer uses it.
type diskCheck struct {
	fs      vfs.FS
	dir     string
	min     uint64
	checked time.Time
	full    bool
}

func (d *diskCheck) isFull() bool {
	if d.min == 0 {
		return false
	}
	// The machine's clock, not the log's: a test that moves the log's clock does not move the disk.
	if now := time.Now(); now.Sub(d.checked) >= time.Second {
		d.checked = now
		usage, err := d.fs.GetDiskUsage(d.dir)
		d.full = err == nil && usage.AvailBytes < d.min
	}
	return d.full
}

// Disk is how much room the log takes and how much its disk still has, in bytes.
type Disk struct {
	Used, Free uint64
}

// Disk looks at the log's folder and its disk.
func (l *Log) Disk() (Disk, error) {
	select {
	case <-l.closing:
		return Disk{}, ErrClosed
	default:
	}
	usage, err := l.opts.FS.GetDiskUsage(l.dir)
	if err != nil {
		return Disk{}, fmt.Errorf("ask how full the disk of the event log is: %w", err)
	}
	return Disk{Used: l.db.Metrics().DiskSpaceUsage(), Free: usage.AvailBytes}, nil
}

// Syncs is how long the disk took, since the log was opened, to make what was appended safe.
type Syncs struct {
	Count   uint64
	Seconds float64            // of all together
	Within  map[float64]uint64 // how many took at most so many seconds
}

// Syncs tells how fast the log's disk is.
func (l *Log) Syncs() (Syncs, error) {
	select {
	case <-l.closing:
		return Syncs{}, ErrClosed
	default:
	}
	var seen dto.Metric
	if err := l.db.Metrics().LogWriter.FsyncLatency.Write(&seen); err != nil {
		return Syncs{}, fmt.Errorf("ask how long syncs of the event log took: %w", err)
	}
	h := seen.GetHistogram()
	s := Syncs{Count: h.GetSampleCount(), Seconds: time.Duration(h.GetSampleSum()).Seconds(), Within: map[float64]uint64{}}
	for i, b := range h.GetBucket() {
		if i%5 == 1 && !math.IsInf(b.GetUpperBound(), 1) { // the store keeps a hundred, more than anybody draws
			s.Within[time.Duration(b.GetUpperBound()).Seconds()] = b.GetCumulativeCount()
		}
	}
	return s, nil
}

// TableIterators counts the iterators over tables that are open: each keeps blocks in memory and files on the disk.
func (l *Log) TableIterators() int64 { return l.db.Metrics().TableIters }
