package log

import (
	"errors"
	"strings"
	"testing"
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
