package log

import (
	"testing"
	"time"
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
