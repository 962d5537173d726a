package log

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
)

func TestFilter(t *testing.T) {
	t.Parallel()
	for _, f := range []struct {
		byStream bool
		regex    string
		prefixes []string
		stream   string
		typ      string
		want     bool
	}{
		{false, "", nil, "s", "T", false},
		{false, "", []string{""}, "s", "T", true},
		{false, "", []string{"x", "T"}, "s", "Type", true},
		{false, "", []string{"t"}, "s", "Type", false},
		{true, "", []string{"s"}, "s-1", "T", true},
		{true, "", []string{"T"}, "s-1", "T", false},
		{false, `^[^\$].*`, nil, "s", "$metadata", false},
		{false, `^[^\$].*`, nil, "s", "T", true},
		{false, `^(?!\$)`, nil, "s", "$metadata", false},
		{false, `^(?!\$)`, nil, "s", "T", true},
		{false, `yp`, nil, "s", "Type", true},
		{false, `(?i)TYPE`, nil, "s", "type", true},
		{true, `^a`, []string{"b"}, "b", "T", false}, // the expression wins
	} {
		filter, err := NewFilter(f.byStream, f.regex, f.prefixes)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := filter.match([]byte(f.stream), []byte(f.typ)); got != f.want || err != nil {
			t.Errorf("%+v: %v, %v", f, got, err)
		}
	}
	if _, err := NewFilter(false, "(", nil); !errors.Is(err, ErrFilter) {
		t.Errorf("an expression that does not parse: %v", err)
	}
}

// TestEndlessExpression: an expression that would take for ever fails instead.
func TestEndlessExpression(t *testing.T) {
	t.Parallel()
	filter, err := NewFilter(false, `^(a+)+$`, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := filter.match(nil, []byte(strings.Repeat("a", 60)+"b")); !errors.Is(err, ErrFilter) {
		t.Errorf("match: %v", err)
	}
}

// TestSlowExpression: a read whose every match takes a while comes back between pages, so that it can be seen whether anybody still waits for it.
func TestSlowExpression(t *testing.T) {
	t.Parallel()
	filter, err := NewFilter(false, `^(a+)+$`, nil)
	if err != nil {
		t.Fatal(err)
	}
	for letters := 10; letters < 40; letters++ { // each doubles what a match takes
		l := open(t, vfs.NewMem())
		events := make([]Proposed, 200)
		for i := range events {
			events[i] = Proposed{ID: uuid.New(), Type: strings.Repeat("a", letters) + "b"}
		}
		mustAppend(t, l, "s", Any, events)
		began := time.Now()
		page, err := l.ReadAllForward(0, PageEvents, len(events), filter)
		switch {
		case errors.Is(err, ErrFilter): // the machine stood still in a match
			continue
		case err == nil && page.End && time.Since(began) < 10*maxConsidering: // all of it took too little
			continue
		case err != nil || page.End || page.Considered == 0 || page.Last != uint64(page.Considered):
			t.Errorf("of %d events %d were considered, up to position %d, the end %v, %v", len(events), page.Considered, page.Last, page.End, err)
		}
		return
	}
	t.Error("no read came back before its end")
}
