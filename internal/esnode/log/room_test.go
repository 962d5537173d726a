package log

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
)

// A page that is given back makes room for the next one, and leaves those alone that were not.
func TestPagesGivenBack(t *testing.T) {
	t.Parallel()
	l := open(t, vfs.NewMem())
	body := func(position uint64) []byte {
		return bytes.Repeat([]byte{byte(position)}, 200+int(position)%3*pageBytes)
	}
	for position := uint64(1); position <= 90; position++ {
		if _, err := l.Append(t.Context(), "s", Any, []Proposed{{ID: uuid.New(), Type: "t", Data: body(position), Custom: body(position)[:100]}}); err != nil {
			t.Fatal(err)
		}
	}
	right := func(p AllPage, from, to uint64) {
		t.Helper()
		if len(p.Events) != int(to-from+1) {
			t.Fatalf("a page of %d events, not of %d", len(p.Events), to-from+1)
		}
		for _, e := range p.Events {
			if want := body(e.Position); e.Position != from || !bytes.Equal(e.Data, want) || !bytes.Equal(e.Custom, want[:100]) || e.Stream != "s" || e.Type != "t" {
				t.Fatalf("another event at %d: %+v", from, e)
			}
			from++
		}
	}
	page := func(from uint64, count int) AllPage {
		t.Helper()
		p, err := l.ReadAllForward(from, count, 1000, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	kept := page(3, 1) // of them, the position divides by 3: an event as small as most are
	for from := uint64(3); from <= 90; from += 3 {
		given := page(from, 1)
		right(given, from, from)
		given.Release()
		given.Release()
		if given.Events != nil {
			t.Fatal("a page that was given back still has events")
		}
		large := page(from-2, 1)
		right(large, from-2, from-2)
		right(kept, 3, 3)
		large.Release()
	}
	right(kept, 3, 3)
}
