package eventschema

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
)

var update = flag.Bool("update", false, "write missing examples and docs/events.md")

// example is an event as it was stored once, and what it reads today. The keys are those of testKeys.
type example struct {
	Stream   string             `json:"stream"`
	Type     string             `json:"type"`
	ID       uuid.UUID          `json:"id"`
	Data     stdjson.RawMessage `json:"data"`
	Metadata stdjson.RawMessage `json:"metadata"`
	Reads    stdjson.RawMessage `json:"reads"`
}

func exampleFile(name string) string { return filepath.Join("testdata", name+".json") }

// Every stored name has one frozen example, and it reads as it did when it was frozen. An example is never edited: whoever changes what
// stored bytes mean gives the event a new version instead. Missing examples are written with -update.
func TestFrozenExamplesReadAsTheyDid(t *testing.T) {
	t.Parallel()
	c := NewCodec(newTestKeys())
	for _, name := range names() {
		if _, err := os.Stat(exampleFile(name)); errors.Is(err, fs.ErrNotExist) && *update && types[name].shape != nil {
			freeze(t, c, name)
		}
		b, err := os.ReadFile(exampleFile(name))
		if err != nil {
			t.Errorf("%s has no frozen example; write it with: go test ./eventschema -update", name)
			continue
		}
		var e example
		if err := stdjson.Unmarshal(b, &e); err != nil {
			t.Fatal(err)
		}
		r, err := c.Decode(t.Context(), Stored{Stream: e.Stream, ID: e.ID, Type: e.Type, Data: compact(t, e.Data), Metadata: compact(t, e.Metadata)})
		if err != nil {
			t.Error(err)
			continue
		}
		if e.Type != name {
			t.Errorf("%s holds an example of %s", exampleFile(name), e.Type)
		}
		if got, want := compact(t, marshal(t, r.Event)), compact(t, e.Reads); !bytes.Equal(got, want) {
			t.Errorf("%s reads\n%s\nbut read\n%s\nwhen it was frozen", name, got, want)
		}
		if r.Meta.CommandID != testMeta.CommandID || !r.Meta.RecordedAt.Equal(testMeta.RecordedAt) || r.Meta.Actor != testMeta.Actor {
			t.Errorf("%s: metadata reads %+v", name, r.Meta)
		}
		unknownFields(t, c, r.Stored)
	}
}

// No example may belong to a name that is not in the catalogue: a name, once stored, stays.
func TestNoStoredNameIsForgotten(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".json"); types[name].says == "" {
			t.Errorf("%s was stored once, but the catalogue does not say what it is", name)
		}
	}
}

func freeze(t *testing.T, c *Codec, name string) {
	event, s := encoded(t, c, name)
	b, err := stdjson.MarshalIndent(example{s.Stream, s.Type, s.ID, s.Data, s.Metadata, marshal(t, event)}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(exampleFile(name), append(b, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// unknownFields fails if stored data of today's version has a field that the Go type does not know: a renamed field would be read as absent.
func unknownFields(t *testing.T, c *Codec, s Stored) {
	t.Helper()
	shape := types[s.Type].shape
	if shape == nil {
		return
	}
	opened, err := c.open(t.Context(), s.Stream, s.Type, s.Data)
	if err != nil {
		t.Fatal(err)
	}
	if err := strictly(opened, shape); err != nil {
		t.Errorf("%s: %v", s.Type, err)
	}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	b, err := stdjson.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func compact(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := stdjson.Compact(&out, b); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
