package backup

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// made is a small backup and what is in it.
func made(t *testing.T) (dir string, m Manifest, events []Event) {
	t.Helper()
	files := t.TempDir()
	for name, text := range map[string]string{"a/one": "first", "two": "second"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(files, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(files, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 50 {
		events = append(events, Event{Stream: "booking-1", Revision: uint64(i), ID: uuid.New(), Type: "booking.created.v1", Commit: uint64(3 * i),
			Prepare: uint64(3 * i), Data: []byte("{\"a\":\xff\n}"), Metadata: bytes.Repeat([]byte{byte(i)}, 1000)})
	}
	dir = filepath.Join(t.TempDir(), "backup")
	w, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	err = w.Log(func(put func(Event) error) error {
		for _, e := range events {
			if err := put(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = w.Table("credentials", func(to io.Writer) error { _, err := io.WriteString(to, "1\tasha\n"); return err })
	}
	n := 0
	if err == nil {
		n, err = w.Files(files)
	}
	m = Manifest{Program: "test", MadeAt: time.Now().UTC().Round(0), Deployment: uuid.New(), Log: Log{Included: true, Events: 50, Commit: 7, Prepare: 7, Event: uuid.New()},
		Kept: Kept{Version: 4, MasterKeyCheck: []byte("check"), Tables: []Table{{"credentials", []string{"user_id", "username"}, 1}}}, Files: n}
	if err == nil {
		err = w.Finish(m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, m, events
}

func TestBackupIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	dir, m, events := made(t)
	read := int64(0)
	r, err := Open(dir, func(n, all int64) {
		if n > all || n < read {
			t.Errorf("%d of %d bytes are read", n, all)
		}
		read = n
	})
	if err != nil {
		t.Fatal(err)
	}
	if m.Format, m.Content = Format, r.Content; !reflect.DeepEqual(r.Manifest, m) || m.Files != 2 || len(m.Content) != 4 {
		t.Errorf("the manifest reads %+v, want %+v", r.Manifest, m)
	}
	var got []Event
	if err := r.Events(func(e Event) error { got = append(got, e); return nil }); err != nil || !reflect.DeepEqual(got, events) {
		t.Errorf("the log reads %d events, %v, or others", len(got), err)
	}
	var text []byte
	if err := r.Table("credentials", func(from io.Reader) (err error) { text, err = io.ReadAll(from); return err }); err != nil || string(text) != "1\tasha\n" {
		t.Errorf("the table reads %q, %v", text, err)
	}
	to := filepath.Join(t.TempDir(), "files")
	if err := r.RestoreFiles(to); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(to, "a", "one")); err != nil || string(text) != "first" {
		t.Errorf("a file reads %q, %v", text, err)
	}
	if _, err := Create(dir); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a second backup in the same folder: %v", err)
	}
}

// Every file of a backup, damaged in every way, is noticed and named before anything is read from it.
func TestDamagedBackupIsRefusedByName(t *testing.T) {
	t.Parallel()
	dir, _, _ := made(t)
	r, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{manifestName, checksumName}
	for _, p := range r.Content {
		names = append(names, p.Name)
	}
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		flipped := bytes.Clone(whole)
		flipped[len(flipped)/2] ^= 0x01
		for how, text := range map[string][]byte{"flipped": flipped, "cut": whole[:len(whole)-1], "empty": {}, "missing": nil} {
			if text == nil {
				err = os.Remove(path)
			} else {
				err = os.WriteFile(path, text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			want := ErrDamaged
			if name == manifestName && how == "missing" {
				want = ErrUnfinished
			}
			_, err := Open(dir, nil)
			if name == checksumName && how == "cut" { // the digits are all there
				if err != nil {
					t.Errorf("%s without its line's end: %v", name, err)
				}
			} else if !errors.Is(err, want) || !strings.Contains(err.Error(), filepath.Base(name)) {
				t.Errorf("%s, %s: %v, want %v by name", name, how, err, want)
			}
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	newer := bytes.Replace(mustRead(t, filepath.Join(dir, manifestName)), []byte(`"format": 1`), []byte(`"format": 2`), 1)
	if err := os.WriteFile(filepath.Join(dir, manifestName), newer, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, nil); !errors.Is(err, ErrNewer) {
		t.Errorf("a newer format: %v, want %v", err, ErrNewer)
	}
	if _, err := Open(t.TempDir(), nil); !errors.Is(err, ErrUnfinished) {
		t.Errorf("an empty folder: %v, want %v", err, ErrUnfinished)
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
