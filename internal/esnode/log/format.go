package log

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// format is the number of what doc.go describes. A folder with another number is not opened.
const format = "1"

// openStore opens the Pebble store in the folder and checks the folder's format. Opening can meet a broken disk as well; then Pebble's
// goroutine never comes back, and failed says so. The lock has to be closed after the store.
func openStore(dir string, fs vfs.FS, logger *fatalLogger, failed <-chan struct{}) (*pebble.DB, *pebble.Lock, error) {
	store := fs.PathJoin(dir, "db")
	if err := makeFolder(store, fs); err != nil {
		return nil, nil, fmt.Errorf("make folder: %w", err)
	}
	lock, err := pebble.LockDirectory(store, fs)
	if err != nil {
		return nil, nil, lockError(err)
	}
	if err := checkFormat(dir, store, fs); err != nil {
		return nil, nil, errors.Join(err, lock.Close())
	}
	type opened struct {
		db  *pebble.DB
		err error
	}
	result := make(chan opened, 1)
	go func() {
		options := pebbleOptions(fs, logger)
		options.Lock = lock
		db, err := pebble.Open(store, options)
		result <- opened{db, err}
	}()
	select {
	case o := <-result:
		if o.err != nil {
			return nil, nil, errors.Join(o.err, lock.Close())
		}
		return o.db, lock, nil
	case <-failed:
		return nil, nil, errors.New("the storage is damaged or the disk failed")
	}
}

// errInUse says in one sentence what is the matter when somebody starts twice.
var errInUse = errors.New("another process has this folder open, stop it first")

func lockError(err error) error {
	if errors.Is(err, syscall.EAGAIN) || strings.Contains(err.Error(), "held by current process") {
		return errInUse
	}
	return fmt.Errorf("lock folder: %w", err)
}

// checkFormat reads the folder's format number, or writes it into a new folder before anything else.
func checkFormat(dir, store string, fs vfs.FS) error {
	name := fs.PathJoin(dir, "FORMAT")
	f, err := fs.Open(name)
	if err == nil {
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, 100))
		if err != nil {
			return fmt.Errorf("read format number: %w", err)
		}
		if found := strings.TrimSpace(string(b)); found != format {
			return fmt.Errorf("the folder has format %q, this program reads format %s", found, format)
		}
		return nil
	}
	if !oserror.IsNotExist(err) {
		return fmt.Errorf("read format number: %w", err)
	}
	files, err := fs.List(store)
	if err != nil {
		return fmt.Errorf("look into folder: %w", err)
	}
	for _, file := range files {
		if strings.HasPrefix(file, "MANIFEST") {
			return errors.New("the folder holds a store but its file FORMAT is missing")
		}
	}
	return writeFormat(dir, name, fs)
}

func writeFormat(dir, name string, fs vfs.FS) error {
	f, err := fs.Create(name+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("write format number: %w", err)
	}
	_, err = f.Write([]byte(format + "\n"))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write format number: %w", err)
	}
	if err := fs.Rename(name+".new", name); err != nil {
		return fmt.Errorf("write format number: %w", err)
	}
	if err := syncFolder(dir, fs); err != nil {
		return fmt.Errorf("write format number: %w", err)
	}
	return nil
}

// makeFolder makes a folder and those above it. It syncs each folder that got a new entry: a crash must not take away a folder in which
// something was acknowledged.
func makeFolder(name string, fs vfs.FS) error {
	var grown []string
	for at := name; ; {
		_, err := fs.Stat(at)
		if err == nil {
			break
		}
		if !oserror.IsNotExist(err) {
			return err
		}
		above := fs.PathDir(at)
		grown = append(grown, above)
		if above == at {
			break
		}
		at = above
	}
	if err := fs.MkdirAll(name, 0o700); err != nil {
		return err
	}
	for _, folder := range grown {
		if err := syncFolder(folder, fs); err != nil {
			return err
		}
	}
	return nil
}

func syncFolder(name string, fs vfs.FS) error {
	if name == "" {
		name = "."
	}
	d, err := fs.OpenDir(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
