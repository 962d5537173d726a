package backup

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Writer makes a backup. Nothing of it counts before Finish.
type Writer struct {
	dir     string
	content []Part
}

// Create begins a backup in a folder that is new or empty.
func Create(dir string) (*Writer, error) {
	if err := Empty(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the backup's folder: %w", err)
	}
	return &Writer{dir: dir}, nil
}

// Empty tells, by an error, that a folder holds something. One that does not exist is empty.
func Empty(dir string) error {
	held, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look into %s: %w", dir, err)
	case len(held) > 0:
		return fmt.Errorf("the folder %s is not empty: it holds %s", dir, held[0].Name())
	}
	return nil
}

// part is a file of the backup while it is written: compressed or not, counted and hashed on its way to the disk.
type part struct {
	w    *Writer
	name string
	file *os.File
	hash hash.Hash
	size int64
	buf  *bufio.Writer
	zip  *gzip.Writer // nil: not compressed
}

func (w *Writer) create(name string, compress bool) (*part, error) {
	path := filepath.Join(w.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	p := &part{w: w, name: name, file: file, hash: sha256.New()}
	p.buf = bufio.NewWriterSize(writerFunc(p.put), 256<<10)
	if compress {
		p.zip, _ = gzip.NewWriterLevel(p.buf, gzip.BestSpeed) // the level is a valid one
	}
	return p, nil
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func (p *part) put(b []byte) (int, error) {
	n, err := p.file.Write(b)
	p.hash.Write(b[:n])
	p.size += int64(n)
	return n, err
}

// Write implements io.Writer.
func (p *part) Write(b []byte) (int, error) {
	if p.zip != nil {
		return p.zip.Write(b)
	}
	return p.buf.Write(b)
}

// close makes the file durable and a part of the backup.
func (p *part) close() error {
	var err error
	if p.zip != nil {
		err = p.zip.Close()
	}
	if err := errors.Join(err, p.buf.Flush(), p.file.Sync(), p.file.Close()); err != nil {
		return err
	}
	p.w.content = append(p.w.content, Part{p.name, p.size, hex.EncodeToString(p.hash.Sum(nil))})
	return nil
}

// Log writes the events that read hands on.
func (w *Writer) Log(read func(put func(Event) error) error) error {
	p, err := w.create(logName, true)
	if err != nil {
		return fmt.Errorf("write the log's backup: %w", err)
	}
	lines := json.NewEncoder(p)
	if err := read(func(e Event) error { return lines.Encode(e) }); err != nil {
		return errors.Join(err, p.file.Close())
	}
	if err := p.close(); err != nil {
		return fmt.Errorf("write the log's backup: %w", err)
	}
	return nil
}

// Table writes what dump writes of a table.
func (w *Writer) Table(name string, dump func(io.Writer) error) error {
	p, err := w.create(keptName(name), true)
	if err != nil {
		return fmt.Errorf("write the backup of table %s: %w", name, err)
	}
	if err := dump(p); err != nil {
		return errors.Join(err, p.file.Close())
	}
	if err := p.close(); err != nil {
		return fmt.Errorf("write the backup of table %s: %w", name, err)
	}
	return nil
}

// Files copies all files below a folder, which need not exist, and tells how many there were.
func (w *Writer) Files(from string) (n int, err error) {
	err = filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == from {
			return fs.SkipAll
		}
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		n++
		return w.file(filesFolder+"/"+filepath.ToSlash(name), path)
	})
	if err != nil {
		return n, fmt.Errorf("back up the files: %w", err)
	}
	return n, nil
}

func (w *Writer) file(name, from string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	p, err := w.create(name, false)
	if err != nil {
		return err
	}
	if _, err := io.Copy(p, source); err != nil {
		return errors.Join(err, p.file.Close())
	}
	return p.close()
}

// Finish writes the manifest. Once it returns without an error the backup is whole and durable.
func (w *Writer) Finish(m Manifest) error {
	m.Format, m.Content = Format, w.content
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	text = append(text, '\n')
	sum := sha256.Sum256(text)
	for _, one := range []struct {
		name string
		text []byte
	}{{checksumName, []byte(hex.EncodeToString(sum[:]) + "  " + manifestName + "\n")}, {manifestName + ".new", text}} {
		if err := writeSynced(filepath.Join(w.dir, one.name), one.text); err != nil {
			return fmt.Errorf("write the manifest: %w", err)
		}
	}
	// The parts and their folders first, so that a manifest never stands for what a power cut took away.
	err = filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = syncFolder(path)
		}
		return err
	})
	if err == nil {
		err = os.Rename(filepath.Join(w.dir, manifestName+".new"), filepath.Join(w.dir, manifestName))
	}
	if err == nil {
		err = errors.Join(syncFolder(w.dir), syncFolder(filepath.Dir(w.dir)))
	}
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	return nil
}

func writeSynced(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Sync(), file.Close())
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
