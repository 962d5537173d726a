package eventschema

import (
	"bytes"
	stdjson "encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

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

// exampleFile is where the n-th example of a name lies: the first one, and further ones for fields that came later.
func exampleFile(name string, n int) string {
	if n > 0 {
		name += "+" + strconv.Itoa(n)
	}
	return filepath.Join("testdata", name+".json")
}

// Every stored name has frozen examples, which together hold every field of today's version and read as they did when they were frozen. An example
// is never edited: whoever changes what stored bytes mean gives the event a new version instead. Missing examples are written with -update.
func TestFrozenExamplesReadAsTheyDid(t *testing.T) {
	t.Parallel()
	c := NewCodec(newTestKeys())
	for _, name := range names() {
		held, n := map[string]bool{}, 0
		for ; ; n++ {
			b, err := os.ReadFile(exampleFile(name, n))
			if err != nil {
				break
			}
			reads(t, c, name, b, held)
		}
		shape := types[name].shape
		if shape == nil && n > 0 {
			continue
		}
		var lacking []string
		if shape != nil {
			today := map[string]bool{}
			fieldsOf(reflect.ValueOf(filled(shape)), "", today)
			for path := range today {
				if !held[path] {
					lacking = append(lacking, path)
				}
			}
		}
		switch {
		case n > 0 && len(lacking) == 0:
		case *update && shape != nil:
			freeze(t, c, name, n)
		case n == 0:
			t.Errorf("%s has no frozen example; write it with: go test ./eventschema -update", name)
		default:
			slices.Sort(lacking)
			t.Errorf("%s: no frozen example holds %s; write one with: go test ./eventschema -update", name, strings.Join(lacking, ", "))
		}
	}
}

// reads fails unless an example reads as it did, and notes which fields it holds.
func reads(t *testing.T, c *Codec, name string, b []byte, held map[string]bool) {
	t.Helper()
	var e example
	if err := stdjson.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	r, err := c.Decode(t.Context(), Stored{Stream: e.Stream, ID: e.ID, Type: e.Type, Data: compact(t, e.Data), Metadata: compact(t, e.Metadata)})
	if err != nil {
		t.Error(err)
		return
	}
	if e.Type != name {
		t.Errorf("an example of %s is of %s", name, e.Type)
	}
	if got, want := compact(t, marshal(t, r.Event)), compact(t, e.Reads); !bytes.Equal(got, want) {
		t.Errorf("%s reads\n%s\nbut read\n%s\nwhen it was frozen", name, got, want)
	}
	if r.Meta.CommandID != testMeta.CommandID || !r.Meta.RecordedAt.Equal(testMeta.RecordedAt) || r.Meta.Actor != testMeta.Actor {
		t.Errorf("%s: metadata reads %+v", name, r.Meta)
	}
	unknownFields(t, c, r.Stored)
	fieldsOf(reflect.ValueOf(r.Event), "", held)
}

// fieldsOf notes the paths of an event's fields that are not empty; whatever list or map they stand in.
func fieldsOf(v reflect.Value, path string, held map[string]bool) {
	if !v.IsValid() || v.IsZero() {
		return
	}
	switch v.Interface().(type) {
	case uuid.UUID, time.Time:
		held[path] = true
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		fieldsOf(v.Elem(), path, held)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				fieldsOf(v.Field(i), path+"."+f.Name, held)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			fieldsOf(v.Index(i), path, held)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			fieldsOf(v.MapIndex(key), path, held)
		}
	default:
		held[path] = true
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
		name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(f), ".json"), "+")
		if types[name].says == "" {
			t.Errorf("%s was stored once, but the catalogue does not say what it is", name)
		}
	}
}

func freeze(t *testing.T, c *Codec, name string, n int) {
	event, s := encoded(t, c, name)
	b, err := stdjson.MarshalIndent(example{s.Stream, s.Type, s.ID, s.Data, s.Metadata, marshal(t, event)}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(exampleFile(name, n), append(b, '\n'), 0o644); err != nil {
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
