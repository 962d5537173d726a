package backup

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Reader reads a backup that was found whole.
type Reader struct {
	Manifest
	dir string
}

// Errors of Open, matched with errors.Is.
var (
	// ErrUnfinished: the backup has no manifest, which is written last.
	ErrUnfinished = errors.New("this backup was not finished: it has no " + manifestName)
	// ErrDamaged: the backup is not what its manifest says.
	ErrDamaged = errors.New("this backup is damaged")
	// ErrNewer: a later program made it.
	ErrNewer = errors.New("this backup was made by a newer dragoman")
)

// Open reads the manifest and then every byte of the backup: what is missing, cut or changed is named, with ErrDamaged. report, which may be nil,
// is told how many of all bytes are read.
func Open(dir string, report func(read, all int64)) (*Reader, error) {
	r := &Reader{dir: dir}
	if err := r.readManifest(); err != nil {
		return nil, fmt.Errorf("backup %s: %w", dir, err)
	}
	var all, read int64
	for _, p := range r.Content {
		all += p.Size
	}
	for _, p := range r.Content {
		if err := r.check(p); err != nil {
			return nil, fmt.Errorf("backup %s: %w", dir, err)
		}
		if read += p.Size; report != nil {
			report(read, all)
		}
	}
	return r, nil
}

func (r *Reader) readManifest() error {
	text, err := os.ReadFile(filepath.Join(r.dir, manifestName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, there := os.Stat(r.dir); there != nil {
			return there
		}
		return ErrUnfinished
	case err != nil:
		return err
	}
	var form struct {
		Format int `json:"format"`
	}
	formErr := json.Unmarshal(text, &form)
	if formErr == nil && form.Format > Format {
		return fmt.Errorf("%w: its format is %d, this program reads up to %d", ErrNewer, form.Format, Format)
	}
	sum, err := os.ReadFile(filepath.Join(r.dir, checksumName))
	if err != nil {
		return fmt.Errorf("%w: %s cannot be read: %w", ErrDamaged, checksumName, err)
	}
	want, _, _ := strings.Cut(string(sum), " ")
	if got := sha256.Sum256(text); hex.EncodeToString(got[:]) != want {
		return fmt.Errorf("%w: %s does not have the checksum in %s", ErrDamaged, manifestName, checksumName)
	}
	if err := json.Unmarshal(text, &r.Manifest); err != nil || r.Format < 1 {
		return fmt.Errorf("%w: %s is none", ErrDamaged, manifestName)
	}
	for _, p := range r.Content {
		if !filepath.IsLocal(filepath.FromSlash(p.Name)) {
			return fmt.Errorf("%w: %s names %q, which is not in the backup", ErrDamaged, manifestName, p.Name)
		}
	}
	return nil
}

func (r *Reader) check(p Part) error {
	file, err := os.Open(r.path(p.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is missing", ErrDamaged, p.Name)
	}
	if err != nil {
		return err
	}
	defer file.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, file)
	switch {
	case err != nil:
		return fmt.Errorf("read %s: %w", p.Name, err)
	case size != p.Size:
		return fmt.Errorf("%w: %s holds %d bytes, not %d", ErrDamaged, p.Name, size, p.Size)
	case hex.EncodeToString(hash.Sum(nil)) != p.SHA256:
		return fmt.Errorf("%w: %s does not have its checksum", ErrDamaged, p.Name)
	}
	return nil
}

func (r *Reader) path(name string) string { return filepath.Join(r.dir, filepath.FromSlash(name)) }

func (r *Reader) unzip(name string, f func(io.Reader) error) error {
	file, err := os.Open(r.path(name))
	if err != nil {
		return err
	}
	defer file.Close()
	zip, err := gzip.NewReader(bufio.NewReaderSize(file, 256<<10))
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, name, err)
	}
	return f(zip)
}

// Events hands each event of the log to f, in order. Fewer or more than the manifest says is ErrDamaged.
func (r *Reader) Events(f func(Event) error) error {
	return r.unzip(logName, func(zip io.Reader) error {
		lines := bufio.NewReaderSize(zip, 1<<20)
		for n := int64(0); ; n++ {
			line, err := lines.ReadBytes('\n')
			if errors.Is(err, io.EOF) && len(bytes.TrimSpace(line)) == 0 {
				if n != r.Log.Events {
					return fmt.Errorf("%w: %s holds %d events, not %d", ErrDamaged, logName, n, r.Log.Events)
				}
				return nil
			}
			var e Event
			if err == nil {
				err = json.Unmarshal(line, &e)
			}
			if err != nil {
				return fmt.Errorf("%w: line %d of %s: %w", ErrDamaged, n+1, logName, err)
			}
			if err := f(e); err != nil {
				return err
			}
		}
	})
}

// Table hands the text of a table to f.
func (r *Reader) Table(name string, f func(io.Reader) error) error { return r.unzip(keptName(name), f) }

// RestoreFiles copies the files of the backup below a folder.
func (r *Reader) RestoreFiles(to string) error {
	for _, p := range r.Content {
		name, isFile := strings.CutPrefix(p.Name, filesFolder+"/")
		if !isFile {
			continue
		}
		if err := copyFile(r.path(p.Name), filepath.Join(to, filepath.FromSlash(name))); err != nil {
			return fmt.Errorf("restore the files: %w", err)
		}
	}
	return nil
}

func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Sync(), target.Close(), syncFolder(filepath.Dir(to)))
}
