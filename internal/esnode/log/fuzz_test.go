package log

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
)

// FuzzRecord: whatever lies where an event should be is refused or taken apart, and what was written comes back.
func FuzzRecord(f *testing.F) {
	f.Add(uint64(1), []byte{}, "s", "T", []byte("{}"), []byte("{}"))
	f.Add(uint64(7), make([]byte, recordFixed), "$$s", "$metadata", []byte(nil), []byte(`{"$tb":1}`))
	f.Fuzz(func(t *testing.T, position uint64, raw []byte, stream, typ string, custom, data []byte) {
		if v, err := viewRecord(position, raw); err == nil {
			_ = v.event()
		}
		e := &Proposed{ID: uuid.UUID{1}, Type: typ, JSON: true, Custom: custom, Data: data}
		b := make([]byte, recordSize(stream, e))
		putRecord(b, position, stream, 3, 4, e)
		v, err := viewRecord(position, b)
		if err != nil {
			t.Fatal(err)
		}
		if got := v.event(); got.Stream != stream || got.Type != typ || !bytes.Equal(got.Custom, custom) || !bytes.Equal(got.Data, data) || got.Revision != 3 || got.Created != 4 {
			t.Fatalf("wrote %+v, read %+v", e, got)
		}
		if len(raw) > 0 { // altered anywhere it is refused
			at := int(position % uint64(len(b)))
			if b[at] ^= raw[0]; raw[0] != 0 {
				if _, err := viewRecord(position, b); err == nil {
					t.Fatalf("byte %d changed by %#x was not noticed", at, raw[0])
				}
			}
		}
	})
}

// FuzzMetadata: whatever a client writes as metadata hides something or nothing, and can be brought back from a soft delete.
func FuzzMetadata(f *testing.F) {
	for _, seed := range []string{`{}`, `{"$maxCount":2,"$tb":-1}`, `{"$maxAge":1e3}`, `{"$acl":{"$r":["a"]}}`, `{"$tb":9223372036854775807}`, `[1]`, `{"a":{"b":[1,{}]}`} {
		f.Add([]byte(seed), int64(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, revision int64) {
		m := parseMetadata(true, data)
		if m.maxCount < 0 || m.maxAge < 0 || m.truncateBefore < 0 {
			t.Fatalf("%q means %+v", data, m)
		}
		with, err := withTruncateBefore(data, max(revision, 0))
		if err != nil {
			return
		}
		again := parseMetadata(true, with)
		if again.truncateBefore != max(revision, 0) && again.truncateBefore != 0 {
			t.Fatalf("%q with $tb %d became %q, which means %+v", data, revision, with, again)
		}
	})
}

// FuzzFiles: the list of tables, a batch of a write-ahead log and the small files may hold anything.
func FuzzFiles(f *testing.F) {
	f.Add([]byte{}, 0)
	f.Add(bytes.Repeat([]byte{0, 1, 2, 3, 4, 5, 1}, 20), 3)
	f.Add([]byte("18 18b7ec58"), 1)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		if at, ok := brokenRecord(b); at < 0 || at > len(b) && ok {
			t.Fatalf("damage at byte %d of %d", at, len(b))
		}
		_, _, _ = eventsOf(b)
		_, _ = nextEvent(b, 0, 2)
		fs := vfs.NewMem()
		for _, name := range []string{acknowledgedFile, closedFile, "FORMAT"} {
			if err := writeDurably("", name, string(b), fs); err != nil {
				t.Fatal(err)
			}
		}
		if upTo, err := acknowledgedUpTo("", fs); err == nil && upTo > 0 && len(bytes.TrimSpace(b)) == 0 {
			t.Fatalf("an empty file says %d", upTo)
		}
		_ = checkFormat("", "", fs, true)
	})
}
