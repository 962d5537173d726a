package log

import (
	"errors"
	"path"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// HookFS tells of every write and every sync of the files and folders below it, reused ones too.
type HookFS struct {
	vfs.FS
	// Before may refuse what is about to be done; After hears of what was done.
	Before func(FileOp) error
	After  func(FileOp)
}

// FileOp is what is done to a file: it is a write or a sync, of a WAL, table, manifest or folder, or of something else.
type FileOp struct {
	Sync bool
	Kind string
	Path string
}

func fileKind(name string) string {
	base := path.Base(name)
	switch {
	case strings.HasSuffix(base, ".log"):
		return "WAL"
	case strings.HasSuffix(base, ".sst"):
		return "table"
	case strings.HasPrefix(base, "MANIFEST"):
		return "manifest"
	}
	return "other"
}

func (f *HookFS) wrap(file vfs.File, err error, kind, name string) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return hookFile{file, f, kind, name}, nil
}

func (f *HookFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	return f.wrap(file, err, fileKind(name), name)
}

func (f *HookFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(old, name, c)
	if f.After != nil {
		f.After(FileOp{Kind: "reuse", Path: name})
	}
	return f.wrap(file, err, fileKind(name), name)
}

func (f *HookFS) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	return f.wrap(file, err, "folder", name)
}

type hookFile struct {
	vfs.File
	fs   *HookFS
	kind string
	name string
}

func (f hookFile) do(sync bool, what func() error) error {
	op := FileOp{sync, f.kind, f.name}
	if f.fs.Before != nil {
		if err := f.fs.Before(op); err != nil {
			return err
		}
	}
	err := what()
	if f.fs.After != nil && err == nil {
		f.fs.After(op)
	}
	return err
}

func (f hookFile) Write(b []byte) (n int, err error) {
	err = f.do(false, func() error { n, err = f.File.Write(b); return err })
	return n, err
}

func (f hookFile) Sync() error     { return f.do(true, f.File.Sync) }
func (f hookFile) SyncData() error { return f.do(true, f.File.SyncData) }
func (f hookFile) SyncTo(length int64) (full bool, err error) {
	err = f.do(true, func() error { full, err = f.File.SyncTo(length); return err })
	return full, err
}

// Plant puts a fault into a log that is about to be opened, for tests that have to find it.
func Plant(o *Options, fault string) {
	switch fault {
	case "":
	case "no sync":
		o.planted.write = pebble.NoSync
	case "acknowledged before the sync":
		o.planted.beforeCommit = func(l *Log, g *group, requests []*request) {
			for i, r := range requests {
				close(r.done)
				requests[i] = &request{done: make(chan struct{})}
			}
		}
	case "published before the sync":
		o.planted.beforeCommit = func(l *Log, g *group, _ []*request) { l.publish(g) }
	case "head cached before the commit":
		o.planted.beforeCommit = func(l *Log, g *group, _ []*request) {
			l.mu.Lock()
			defer l.mu.Unlock()
			for name, s := range g.streams {
				if s.changed {
					l.cache.Add(name, &head{number: s.number, last: s.last, tombstoned: s.tombstoned, meta: s.meta})
				}
			}
		}
	case "a failed sync acknowledged":
		o.planted.survive = &atomic.Bool{}
		o.planted.beforeCommit = func(l *Log, _ *group, _ []*request) {
			if l.opts.planted.survive.Load() { // one wrong answer is enough, and Pebble would panic over the next write
				l.fail(errors.New("the disk is gone"))
				select {}
			}
		}
	default:
		panic("no such fault: " + fault)
	}
}

// Faults are those that Plant knows.
var Faults = []string{"no sync", "acknowledged before the sync", "published before the sync", "head cached before the commit", "a failed sync acknowledged"}

// Compactions is how often tables were merged since the log was opened.
func (l *Log) Compactions() int64 { return l.db.Metrics().Compact.Count }

// Torture is how many times the usual rounds a test that draws at random goes.
var Torture = torture
