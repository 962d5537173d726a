package log

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// storeFS sees to it that a failed write, sync or change of a write-ahead log never comes back to Pebble, which at some places panics over it, with
// locks held that make the panic a crash of the process without a word of what is the matter. As in fatalLogger, the log is marked as failed and
// the goroutine is parked for good. It also syncs the folder before a marker is made in it.
type storeFS struct {
	vfs.FS
	failed func(error) error // does not return an error other than nil; a planted fault may let it
}

func isWAL(name string) bool { return filepath.Ext(name) == ".log" }

func (f storeFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	// A marker's name says which list of tables is the current one. That list has to be in the folder before it, also after a crash.
	if strings.HasPrefix(filepath.Base(name), "marker.") {
		if err := syncFolder(f.FS.PathDir(name), f.FS); err != nil {
			return nil, err
		}
	}
	file, err := f.FS.Create(name, c)
	return f.wrap(name, file, err)
}

func (f storeFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(old, name, c)
	return f.wrap(name, file, err)
}

func (f storeFS) wrap(name string, file vfs.File, err error) (vfs.File, error) {
	if !isWAL(name) {
		return file, err
	}
	if err = f.failed(err); err != nil {
		return nil, err
	}
	return walFile{file, f}, nil
}

type walFile struct {
	vfs.File
	fs storeFS
}

func (f walFile) Write(b []byte) (int, error) {
	n, err := f.File.Write(b)
	return n, f.fs.failed(err)
}

func (f walFile) Sync() error     { return f.fs.failed(f.File.Sync()) }
func (f walFile) SyncData() error { return f.fs.failed(f.File.SyncData()) }
func (f walFile) Close() error    { return f.fs.failed(f.File.Close()) }

func (f walFile) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	return full, f.fs.failed(err)
}

// walFailed ends the log if a call on a write-ahead log failed.
func (l *Log) walFailed(err error) error {
	if err == nil || l.opts.planted.survive != nil {
		return err
	}
	l.fail(fmt.Errorf("event storage failed: write-ahead log: %w", err))
	select {}
}
