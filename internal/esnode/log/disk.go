package log

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
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
