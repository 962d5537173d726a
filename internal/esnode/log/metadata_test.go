package log

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestParseMetadata(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]metadata{
		`{"$maxCount":2,"$tb":3,"$maxAge":4,"mine":{"a":[1]}}`: {maxCount: 2, truncateBefore: 3, maxAge: 4 * time.Second},
		`{"$maxCount":-2,"$tb":-3,"$maxAge":0}`:                {},
		`{"$maxCount":2,"$tmp":true,"$cacheControl":9}`:        {maxCount: 2},
		`{"$maxCount":2,"$tmp":"yes"}`:                         {},
		`{"$maxCount":2,"$cacheControl":"9"}`:                  {},
		`{"$maxCount":2,"$acl":{"$r":["a"],"$w":"b"}}`:         {maxCount: 2},
		`{"$maxCount":2,"$acl":{"$r":[1]}}`:                    {},
		`{"$maxCount":2,"$acl":"a"}`:                           {},
		`{"$maxCount":2,"$maxAge":9223372036854775807}`:        {},
		`{"$maxAge":900000000000}`:                             {maxAge: 1<<63 - 1},
		`{"$maxCount":2} and more`:                             {maxCount: 2},
		`{"$maxCount":2`:                                       {},
		`[{"$maxCount":2}]`:                                    {},
	} {
		if got := parseMetadata(true, []byte(data)); got.maxCount != want.maxCount || got.maxAge != want.maxAge || got.truncateBefore != want.truncateBefore {
			t.Errorf("%s: %+v", data, got)
		}
	}
	if got := parseMetadata(false, []byte(`{"$maxCount":2}`)); got.maxCount != 0 {
		t.Error("data that is not said to be JSON counts as metadata")
	}
}

func TestWithTruncateBefore(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`{}`:                                    `{"$tb":7}`,
		`{"$tb":1}`:                             `{"$tb":7}`,
		`{"a" : [1, 2] , "$tb":1, "b":"ü<&\\"}`: `{"a":[1,2],"$tb":7,"b":"ü<&\\"}`,
		`{"a":1,"a":2}`:                         `{"a":2,"$tb":7}`,
		`{"a":1.50,"n":null}`:                   `{"a":1.50,"n":null,"$tb":7}`,
	} {
		got, err := withTruncateBefore([]byte(data), 7)
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", data, got, err)
		}
	}
	if _, err := withTruncateBefore([]byte("[]"), 7); err == nil {
		t.Error("a list passes for metadata")
	}
}

// TestFirstMetadata: a log in which no stream has metadata looks for none, and must notice the first, whether its stream was there before or comes
// after, and again after a start.
func TestFirstMetadata(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{"there before", "comes after"} {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			fs := vfs.NewMem()
			l := open(t, fs)
			if stream == "there before" {
				mustAppend(t, l, stream, NoStream, proposed(3))
				if page, err := l.ReadForward(stream, 0, 10); err != nil || len(page.Events) != 3 {
					t.Fatalf("before there is metadata: %d events, %v", len(page.Events), err)
				}
			}
			mustAppend(t, l, "$$"+stream, NoStream, []Proposed{*metadataEvent([]byte(`{"$maxCount":2}`))})
			if stream == "comes after" {
				mustAppend(t, l, stream, NoStream, proposed(3))
			}
			check := func(l *Log, when string) {
				t.Helper()
				if page, err := l.ReadForward(stream, 1, 10); err != nil || len(page.Events) != 2 || page.Events[0].Revision != 1 {
					t.Errorf("%s: %+v, %v", when, page, err)
				}
			}
			check(l, "with metadata")
			if err := l.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			l = open(t, fs)
			check(l, "after a start")
			if r := mustAppend(t, l, stream, 2, proposed(1)); r.Revision != 3 {
				t.Errorf("revision %d", r.Revision)
			}
		})
	}
}
