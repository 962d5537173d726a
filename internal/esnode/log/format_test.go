package log

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestKeptFolders opens a folder of every format that was ever released, and finds in it what was written.
func TestKeptFolders(t *testing.T) {
	t.Parallel()
	for number := 1; number <= format; number++ {
		t.Run(fmt.Sprint("format ", number), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", fmt.Sprint("format", number)))); err != nil {
				t.Fatal(err)
			}
			text := func() string {
				b, err := os.ReadFile(filepath.Join(dir, "FORMAT"))
				if err != nil {
					t.Fatal(err)
				}
				return strings.TrimSpace(string(b))
			}
			if r, err := Check(t.Context(), dir, nil); err != nil || r.Events != 18 || r.Streams != 8 || len(r.Faults) > 0 {
				t.Errorf("check: %+v, %v", r, err)
			}
			if text() != fmt.Sprint(number) {
				t.Errorf("after a check the folder has format %s", text())
			}
			for _, start := range []string{"first", "second"} {
				l, err := Open(dir, quiet(Options{}))
				if err != nil {
					t.Fatalf("%s start: %v", start, err)
				}
				for stream, want := range map[string]string{
					"plain": "1 2 3 11 12", "binary": "4", "capped": "7 8", "zwölf 日本": "15", "gone": "deleted", "deleted": "not found", "absent": "not found",
				} {
					if got := numbersOf(t, l, stream); got != want {
						t.Errorf("%s start: %q holds %s, want %s", start, stream, got, want)
					}
				}
				page, err := l.ReadAllForward(0, 100, 100, nil)
				if err != nil || len(page.Events) != 18 || page.Last != 18 || page.Events[3].JSON || page.Events[0].Created != ticks(time.Date(2026, 3, 1, 12, 0, 1, 0, time.UTC)) {
					t.Errorf("%s start: $all holds %d events up to %d, %v", start, len(page.Events), page.Last, err)
				}
				if text() != fmt.Sprint(format) {
					t.Errorf("%s start: the folder has format %s", start, text())
				}
				if err := l.Close(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// numbersOf are the numbers in a stream's events; the kept folders' events are numbered as they were written.
func numbersOf(t *testing.T, l *Log, stream string) string {
	page, err := l.ReadForward(stream, 0, PageEvents)
	var deleted *DeletedError
	switch {
	case errors.Is(err, ErrNotFound):
		return "not found"
	case errors.As(err, &deleted):
		return "deleted"
	case err != nil:
		t.Error(err)
	}
	if len(page.Events) == 0 && !page.End { // the beginning is hidden
		if page, err = l.ReadForward(stream, page.Next, PageEvents); err != nil {
			t.Error(err)
		}
	}
	var numbers []string
	for _, e := range page.Events {
		numbers = append(numbers, strings.TrimSuffix(strings.TrimPrefix(string(e.Data), `{"n":`), "}"))
	}
	return strings.Join(numbers, " ")
}

// TestFormatNumber: a folder of a newer program, or one whose number cannot be read, is refused and not touched.
func TestFormatNumber(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	l, err := Open("data", quiet(Options{FS: fs}))
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, "s", Any, proposed(1))
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	refused := func(says string) {
		t.Helper()
		if l, err := Open("data", quiet(Options{FS: fs})); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want a refusal that says %q, got %v", says, err)
			if err == nil {
				_ = l.Close(context.Background())
			}
		}
	}
	for text, says := range map[string]string{
		fmt.Sprint(format + 1): fmt.Sprintf("format %d, this program reads up to format %d", format+1, format),
		"0":                    "no format number",
		"one":                  "no format number",
	} {
		if err := writeDurably("data", "FORMAT", text, fs); err != nil {
			t.Fatal(err)
		}
		refused(says)
		if found, err := readSmall("data", "FORMAT", fs); err != nil || found != text {
			t.Errorf("FORMAT %s became %s, %v", text, found, err)
		}
	}
	if err := fs.Remove("data/FORMAT"); err != nil {
		t.Fatal(err)
	}
	refused("FORMAT is missing")
	if err := writeFormat("data", fs); err != nil {
		t.Fatal(err)
	}
	open(t, fs)
}
