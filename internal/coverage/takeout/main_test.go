package main

import (
	"os"
	"slices"
	"testing"
)

// TestDraw: only rows of rules that say done are drawn, each once, and a seed draws the same ones again.
func TestDraw(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/coverage.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := done(string(text))
	if len(rows) < 80 {
		t.Fatalf("the page has %d rows to draw from", len(rows))
	}
	ids := func(rows []row) (all []string) {
		for _, r := range rows {
			if len(r.proofs) == 0 {
				t.Errorf("%s names no test", r.id)
			}
			all = append(all, r.id)
		}
		return all
	}
	all, one := ids(rows), ids(draw(rows, 7, 20))
	for _, never := range []string{"II-27", "II-48", "II-87", "LL-13", "LL-58", "LL-97", "LL-125"} {
		if slices.Contains(all, never) {
			t.Errorf("%s can be drawn", never)
		}
	}
	if len(one) != 20 || len(slices.Compact(slices.Sorted(slices.Values(one)))) != 20 || !slices.Equal(one, ids(draw(rows, 7, 20))) || slices.Equal(one, ids(draw(rows, 8, 20))) {
		t.Errorf("drawn are %v", one)
	}
	if n := len(draw(rows, 1, 1000)); n != len(rows) {
		t.Errorf("of %d rows %d are drawn", len(rows), n)
	}
}
