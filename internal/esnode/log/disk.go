package log

import (
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
