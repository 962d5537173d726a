package eventschema

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

const docsFile = "../docs/events.md"

//go:generate go test . -run TestEventsPageIsCurrent -update

// docs/events.md is made from the catalogue and the Go types.
func TestEventsPageIsCurrent(t *testing.T) {
	t.Parallel()
	want := eventsPage()
	if *update {
		if err := os.WriteFile(docsFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docsFile)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/events.md is not what the catalogue says; write it with: go generate ./eventschema (%v)", err)
	}
}

// page collects the shapes that events share.
type page struct {
	bytes.Buffer
	shapes []reflect.Type
}

func eventsPage() []byte {
	var p page
	p.WriteString(`# Events

Every type of event that is ever stored. This page is generated from the catalogue (` + "`eventschema/catalogue.go`" + `) by ` + "`go generate ./eventschema`" + `.

A stored type is ` + "`<stream kind>.<past tense>.v<n>`" + `. Fields marked *sealed* tell about a person: they lie in the log as
` + "`{\"$sealed\":{\"v\":1,\"key\":\"<key id>\",\"ct\":\"…\"}}`" + ` and read ` + "`" + domain.Erased + "`" + ` once that person is erased. Fields in *italics* may be absent. Every event has the same
metadata:

`)
	p.fields(reflect.TypeFor[metaJSON]())
	for _, kind := range Kinds {
		fmt.Fprintf(&p, "\n## %s\n", kind)
		for _, name := range names() {
			if kindOfType(name) != kind {
				continue
			}
			e := types[name]
			fmt.Fprintf(&p, "\n### `%s`\n\n%s\n", name, e.says)
			if e.shape == nil {
				fmt.Fprintf(&p, "\nNot written any more; it is read as `%s`.\n", e.next)
				continue
			}
			p.WriteString("\n")
			p.fields(e.shape)
		}
	}
	p.WriteString("\n## Shapes\n\nWhat several events hold alike.\n")
	for i := 0; i < len(p.shapes); i++ { // fields adds to it
		fmt.Fprintf(&p, "\n### %s\n\n", shapeName(p.shapes[i]))
		p.fields(p.shapes[i])
	}
	return p.Bytes()
}

func (p *page) fields(shape reflect.Type) {
	p.WriteString("| field | holds |\n|---|---|\n")
	for _, f := range reflect.VisibleFields(shape) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "" {
			continue
		}
		name = "`" + name + "`"
		if options != "" || f.Type.Kind() == reflect.Pointer {
			name = "*" + name + "*"
		}
		fmt.Fprintf(p, "| %s | %s |\n", name, p.holds(f.Type))
	}
}

func (p *page) holds(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[uuid.UUID]():
		return "UUID"
	case reflect.TypeFor[time.Time]():
		return "instant, RFC 3339, UTC"
	case reflect.TypeFor[domain.Personal]():
		return "text, *sealed*"
	case reflect.TypeFor[domain.Value]():
		return "text, several texts or `{\"na\":true}`; *sealed* unless the form says `personal: none`"
	case reflect.TypeFor[[]byte]():
		return "bytes, base64"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return p.holds(t.Elem())
	case reflect.Slice:
		return "list of: " + p.holds(t.Elem())
	case reflect.Map:
		return "by name: " + p.holds(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "whole number"
	case reflect.Float64:
		return "number"
	case reflect.String:
		if t.PkgPath() != "" {
			return "text: " + strings.ToLower(t.Name())
		}
		return "text"
	case reflect.Struct:
		if !slices.Contains(p.shapes, t) {
			p.shapes = append(p.shapes, t)
		}
		anchor := strings.ToLower(strings.ReplaceAll(shapeName(t), ".", ""))
		return fmt.Sprintf("[%s](#%s)", shapeName(t), anchor)
	}
	panic("no words for a field of type " + t.String())
}

func shapeName(t reflect.Type) string { return t.String() }

// strictly decodes opened data and refuses fields that the shape does not have.
func strictly(data []byte, shape reflect.Type) error {
	d := stdjson.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(reflect.New(shape).Interface())
}
