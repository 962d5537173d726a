package log

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// format is the number of what doc.go describes. A folder of an older format is brought up to it by a start, a newer one is refused.
//
//	1  the first
//	2  ACKNOWLEDGED carries a checksum, and an orderly stop writes CLOSED
const format = 2

// openStore opens the Pebble store in the folder and checks the folder's format. Opening can meet a broken disk as well; then Pebble's
// goroutine never comes back, and failed says so. The lock has to be closed after the store. With readOnly nothing in the folder is changed.
func openStore(dir string, opts *pebble.Options, failed <-chan struct{}) (*pebble.DB, *pebble.Lock, error) {
	fs := opts.FS
	store := fs.PathJoin(dir, "db")
	if !opts.ReadOnly {
		if err := makeFolder(store, fs); err != nil {
			return nil, nil, fmt.Errorf("make folder: %w", err)
		}
	}
	lock, err := pebble.LockDirectory(store, fs)
	if err != nil {
		return nil, nil, lockError(err)
	}
	opts.Lock = lock
	if err := checkFormat(dir, store, fs, opts.ReadOnly); err != nil {
		return nil, nil, errors.Join(err, lock.Close())
	}
	if err := checkManifest(dir, store, fs); err != nil {
		return nil, nil, errors.Join(err, lock.Close())
	}
	type opened struct {
		db  *pebble.DB
		err error
	}
	result := make(chan opened, 1)
	go func() {
		db, err := openPebble(store, opts)
		result <- opened{db, err}
	}()
	select {
	case o := <-result:
		if o.err != nil {
			if broken := walDamage(store, fs); broken != nil {
				broken.cause = o.err
				o.err = broken
			}
			return nil, nil, errors.Join(o.err, lock.Close())
		}
		return o.db, lock, nil
	case <-failed:
		return nil, nil, errors.New("the storage is damaged or the disk failed")
	}
}

func openPebble(store string, opts *pebble.Options) (*pebble.DB, error) {
	before, err := pebble.Peek(store, opts.FS)
	if err != nil {
		return nil, err
	}
	db, err := pebble.Open(store, opts)
	if err != nil || before.FormatMajorVersion >= pebbleFormat || opts.ReadOnly {
		return db, err
	}
	// A new store begins its first write-ahead log before it takes on the pinned format, so in that log a flipped byte would still read
	// as the end. A flush begins the next one.
	if err := db.Flush(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// errInUse says in one sentence what is the matter when somebody starts twice.
var errInUse = errors.New("another process has this folder open, stop it first")

func lockError(err error) error {
	if errors.Is(err, syscall.EAGAIN) || strings.Contains(err.Error(), "held by current process") {
		return errInUse
	}
	return fmt.Errorf("lock folder: %w", err)
}

// checkFormat reads the folder's format number and brings an older folder up to date, or writes the number into a new folder before anything
// else.
func checkFormat(dir, store string, fs vfs.FS, readOnly bool) error {
	text, err := readSmall(dir, "FORMAT", fs)
	if err != nil {
		return fmt.Errorf("read format number: %w", err)
	}
	switch {
	case text == "" && readOnly:
		return fmt.Errorf("%w: file FORMAT is empty", ErrDamaged)
	case text == "":
		return newFormat(dir, store, fs)
	}
	found, err := strconv.Atoi(text)
	switch {
	case err != nil || found < 1:
		return fmt.Errorf("%w: file FORMAT says %q, which is no format number", ErrDamaged, text)
	case found > format:
		return fmt.Errorf("the folder has format %d, this program reads up to format %d: start the newer program again", found, format)
	case found == format || readOnly:
		return nil
	}
	return upgradeFormat(dir, fs)
}

func newFormat(dir, store string, fs vfs.FS) error {
	files, err := fs.List(store)
	if err != nil {
		return fmt.Errorf("look into folder: %w", err)
	}
	for _, file := range files {
		if strings.HasPrefix(file, "MANIFEST") {
			return errors.New("the folder holds a store but its file FORMAT is missing")
		}
	}
	return writeFormat(dir, fs)
}

// upgradeFormat brings a folder of format 1 to format 2. A crash in between leaves a folder of format 1 that only this program opens.
func upgradeFormat(dir string, fs vfs.FS) error {
	upTo, err := acknowledgedUpTo(dir, fs)
	if err != nil {
		return err
	}
	if err := writeDurably(dir, acknowledgedFile, acknowledgedText(upTo)+"\n", fs); err != nil {
		return fmt.Errorf("upgrade the folder: %w", err)
	}
	return writeFormat(dir, fs)
}

func writeFormat(dir string, fs vfs.FS) error {
	if err := writeDurably(dir, "FORMAT", strconv.Itoa(format)+"\n", fs); err != nil {
		return fmt.Errorf("write format number: %w", err)
	}
	return nil
}

// writeDurably replaces a small file, so that after a crash either the old or the new one is there, whole.
func writeDurably(dir, name, text string, fs vfs.FS) error {
	path := fs.PathJoin(dir, name)
	f, err := fs.Create(path+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(text))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := fs.Rename(path+".new", path); err != nil {
		return err
	}
	return syncFolder(dir, fs)
}

// readSmall returns a small file's text; "" and no error if it is not there.
func readSmall(dir, name string, fs vfs.FS) (string, error) {
	f, err := fs.Open(fs.PathJoin(dir, name))
	if oserror.IsNotExist(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(f, 100))
	return strings.TrimSuffix(string(b), "\n"), errors.Join(err, f.Close())
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
