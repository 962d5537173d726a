package accounts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ErasureList is a file that remembers which keys were destroyed, and nothing else of anybody. It lies outside the data folder, the database and
// their backups: an older backup still holds those keys, and a restore destroys them again. A line is a key's id, so all lines are equally long;
// several processes may write the same file.
type ErasureList struct {
	path  string
	mu    sync.Mutex
	known map[uuid.UUID]bool // nil: not read yet
}

// erasureLine is an id in text and its line's end.
const erasureLine = 37

// NewErasureList is the list in a file, which is made by the first Add.
func NewErasureList(path string) *ErasureList { return &ErasureList{path: path} }

// Read tells all ids. A missing file is fs.ErrNotExist. A last line that a crash cut short is none: its erasure was not acknowledged.
func (l *ErasureList) Read() ([]uuid.UUID, error) {
	text, err := os.ReadFile(l.path)
	if err != nil {
		return nil, fmt.Errorf("read the erasure list: %w", err)
	}
	var ids []uuid.UUID
	for n := 1; len(text) >= erasureLine; n++ {
		id, err := uuid.ParseBytes(text[:erasureLine-1])
		if err != nil || text[erasureLine-1] != '\n' {
			return nil, fmt.Errorf("read the erasure list: line %d of %s is no key id", n, l.path)
		}
		ids, text = append(ids, id), text[erasureLine:]
	}
	return ids, nil
}

// Add notes ids that are not noted yet, and returns once they are durable. Without ids it makes the file, so that its absence means a loss.
func (l *ErasureList) Add(ids ...uuid.UUID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		noted, err := l.Read()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if err := l.create(); err != nil {
				return fmt.Errorf("make the erasure list: %w", err)
			}
		case err != nil:
			return err
		}
		l.known = map[uuid.UUID]bool{}
		for _, id := range noted {
			l.known[id] = true
		}
	}
	var lines []byte
	fresh := map[uuid.UUID]bool{}
	for _, id := range ids {
		if !l.known[id] && !fresh[id] {
			fresh[id] = true
			lines = append(append(lines, id.String()...), '\n')
		}
	}
	if len(lines) == 0 {
		return nil
	}
	if err := l.append(lines); err != nil {
		return fmt.Errorf("write the erasure list: %w", err)
	}
	maps.Copy(l.known, fresh)
	return nil
}

func (l *ErasureList) create() error {
	dir := filepath.Dir(l.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	return errors.Join(file.Sync(), file.Close(), folder.Sync(), folder.Close())
}

// append writes whole lines behind what is whole.
func (l *ErasureList) append(lines []byte) error {
	file, err := os.OpenFile(l.path, os.O_RDWR, 0o600)
	if err != nil {
		return err // somebody took it away: that is to be seen, not hidden by a new file
	}
	defer file.Close()
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil { // other processes write it too
		return err
	}
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	end -= end % erasureLine // a line that a crash cut short gives way
	if _, err := file.WriteAt(lines, end); err != nil {
		return err
	}
	return file.Sync()
}

// NoteErasures adds every destroyed key that the database knows to the list: those of other processes while this one was away.
func (k *Keys) NoteErasures(ctx context.Context) error {
	rows, _ := k.db.Query(ctx, `select key_id from kept.personal_keys where state = 'erased'`)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("read which keys were destroyed: %w", err)
	}
	return k.list.Add(ids...)
}

// NoteErased adds keys to the list that another process is destroying.
func (k *Keys) NoteErased(ids []uuid.UUID) error {
	if k.list == nil {
		return nil
	}
	return k.list.Add(ids...)
}
