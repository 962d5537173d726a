package log

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The file ACKNOWLEDGED holds a position up to which events were acknowledged. It is written about once a second while there is something
// new, beside the store and not by it, and never waited for. A start that finds the log ending before it knows that events are missing,
// whatever the store itself makes of its files: damage near the end of a write-ahead log looks like an append that was never finished.
const (
	acknowledgedFile = "ACKNOWLEDGED"
	acknowledgeEvery = time.Second
)

// ErrMissing says that events which were once acknowledged are not in the folder.
var ErrMissing = errors.New("acknowledged events are missing")

// acknowledgedUpTo reads the file; 0 if there is none yet.
func acknowledgedUpTo(dir string, fs vfs.FS) (uint64, error) {
	text, err := readSmall(dir, acknowledgedFile, fs)
	if err != nil || text == "" {
		return 0, err
	}
	number, _, withSum := strings.Cut(text, " ") // format 1 had no checksum
	position, err := strconv.ParseUint(number, 10, 64)
	if err != nil || withSum && text != acknowledgedText(position) {
		return 0, fmt.Errorf("%w: file %s", ErrDamaged, acknowledgedFile)
	}
	return position, nil
}

// acknowledgedText is what the file holds: the position and a checksum of it.
func acknowledgedText(position uint64) string {
	text := strconv.FormatUint(position, 10)
	return text + " " + sumOf(text)
}

// checkAcknowledged compares the file with the log's end.
func checkAcknowledged(dir string, fs vfs.FS, end uint64) error {
	upTo, err := acknowledgedUpTo(dir, fs)
	if err != nil {
		return err
	}
	if end < upTo {
		return fmt.Errorf("%w: the log ends at position %d, but events up to %d were acknowledged", ErrMissing, end, upTo)
	}
	return nil
}

// acknowledgeLoop keeps the file up to date until the log is closed.
func (l *Log) acknowledgeLoop() {
	defer close(l.acknowledged)
	ticker := time.NewTicker(acknowledgeEvery)
	defer ticker.Stop()
	written := l.End()
	for {
		select {
		case <-ticker.C:
		case <-l.failed:
			return
		case <-l.stopped:
		}
		if end := l.End(); end > written {
			if err := writeDurably(l.dir, acknowledgedFile, acknowledgedText(end)+"\n", l.opts.FS); err != nil {
				l.log.Warn("position of the last acknowledged event could not be kept", "error", err)
			} else {
				written = end
			}
		}
		select {
		case <-l.stopped:
			return
		default:
		}
	}
}
