package eventschema

import (
	"bytes"
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
)

func names() []string { return slices.Sorted(maps.Keys(types)) }

func TestEveryTypeSealsAndComesBack(t *testing.T) {
	t.Parallel()
	c := NewCodec(newTestKeys())
	for _, name := range names() {
		if types[name].shape == nil {
			continue
		}
		event, s := encoded(t, c, name)
		if s.Type != name {
			t.Errorf("%s in a %s stream is encoded as %s", types[name].shape, kindOfType(name), s.Type)
		}
		if bytes.Contains(s.Data, []byte("Wanda")) || bytes.Contains(s.Data, []byte("$personal")) {
			t.Errorf("%s holds a person's text in the clear", name)
		}
		r, err := c.Decode(t.Context(), s)
		if err != nil {
			t.Errorf("decode: %v", err)
			continue
		}
		if !reflect.DeepEqual(r.Event, event) {
			t.Errorf("%s comes back as\n%#v\ninstead of\n%#v", name, r.Event, event)
		}
		if !reflect.DeepEqual(r.Meta, testMeta) {
			t.Errorf("%s: metadata comes back as %+v", name, r.Meta)
		}
	}
}

// The fast decoder and the standard one must read every event alike.
func TestFastDecoderReadsAsTheStandardOne(t *testing.T) {
	t.Parallel()
	for _, name := range names() {
		if types[name].shape == nil {
			continue
		}
		plain, err := stdjson.Marshal(filled(types[name].shape))
		if err != nil {
			t.Fatal(err)
		}
		fast, err := types[name].read(plain)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		slow := reflect.New(types[name].shape)
		if err := stdjson.Unmarshal(plain, slow.Interface()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(fast, slow.Elem().Interface()) {
			t.Errorf("%s: the decoders differ:\n%#v\n%#v", name, fast, slow.Elem().Interface())
		}
	}
}

func TestTypesWithPersonalValuesNameTheirKey(t *testing.T) {
	t.Parallel()
	found := 0
	for _, name := range names() {
		shape := types[name].shape
		if shape == nil || !holdsPersonal(shape) {
			continue
		}
		found++
		event := filled(shape)
		k, ok := event.(Keyed)
		if !ok {
			t.Errorf("%s has personal values but no PersonKey", shape)
			continue
		}
		if f := reflect.ValueOf(event).FieldByName("Key"); !f.IsValid() || f.Interface() != k.PersonKey() {
			t.Errorf("%s: PersonKey is not its field Key", shape)
		}
	}
	if found < 15 {
		t.Fatalf("only %d types with personal values were found", found)
	}
}

func holdsPersonal(shape reflect.Type) bool {
	switch shape {
	case reflect.TypeFor[domain.Personal](), reflect.TypeFor[domain.Value]():
		return true
	}
	switch shape.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return holdsPersonal(shape.Elem())
	case reflect.Struct:
		for i := range shape.NumField() {
			if holdsPersonal(shape.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

// Every struct of the domain that is an event has a stored name.
func TestNoEventOfTheDomainIsForgotten(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, e := range types {
		if e.shape != nil {
			known[e.shape.String()] = true
		}
	}
	seen := 0
	files, err := filepath.Glob("../domain/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Name.Name != "isEvent" {
				continue
			}
			seen++
			if shape := fmt.Sprintf("%s.%s", parsed.Name, f.Recv.List[0].Type); !known[shape] {
				t.Errorf("%s is an event without a stored name", shape)
			}
		}
	}
	if seen < 50 {
		t.Fatalf("only %d events were found in the domain", seen)
	}
}

func TestPersonalValueWithoutKeyIsRefused(t *testing.T) {
	t.Parallel()
	c := NewCodec(newTestKeys())
	_, err := c.Encode(t.Context(), BookingStream(testID(1)), booking.MessagePosted{Text: "hello"}, testMeta, 0)
	if !errors.Is(err, errNoKey) {
		t.Fatalf("got %v", err)
	}
	plain := booking.OfferSent{Job: testID(2), Offers: []booking.Offer{}} // could hold personal values, but does not
	if _, err := c.Encode(t.Context(), BookingStream(testID(1)), plain, testMeta, 0); err != nil {
		t.Fatal(err)
	}
}

func TestEncodeRefusesWhatIsNotInTheCatalogue(t *testing.T) {
	t.Parallel()
	c := NewCodec(newTestKeys())
	for what, try := range map[string]struct {
		stream string
		event  any
		meta   Meta
	}{
		"another stream's event": {DiaryStream(testID(1)), booking.Taken{}, testMeta},
		"a pointer":              {BookingStream(testID(1)), &booking.Taken{}, testMeta},
		"no event":               {BookingStream(testID(1)), nil, testMeta},
		"no command":             {BookingStream(testID(1)), booking.Taken{}, Meta{RecordedAt: testMeta.RecordedAt}},
		"no time of recording":   {BookingStream(testID(1)), booking.Taken{}, Meta{CommandID: testID(1)}},
	} {
		if _, err := c.Encode(t.Context(), try.stream, try.event, try.meta, 0); err == nil {
			t.Errorf("%s was encoded", what)
		}
	}
}

// A form field may have any name; none of them may look like the codec's own words.
func TestReservedFieldNames(t *testing.T) {
	t.Parallel()
	c := NewCodec(newTestKeys())
	for _, name := range []string{"$sealed", "$other"} {
		e := booking.Edited{Key: testID(1), Shared: &booking.Change{Fields: map[string]domain.Value{name: domain.Text("x")}}}
		if _, err := c.Encode(t.Context(), BookingStream(testID(1)), e, testMeta, 0); err == nil {
			t.Errorf("a field named %s was encoded", name)
		}
	}
}

func TestErasedReadsErased(t *testing.T) {
	t.Parallel()
	keys := newTestKeys()
	c := NewCodec(keys)
	event, s := encoded(t, c, "booking.job-unassigned.v1")
	if _, err := c.Decode(t.Context(), s); err != nil { // its key is now kept ready
		t.Fatal(err)
	}
	keys.erased[event.(Keyed).PersonKey()] = true
	r, err := c.Decode(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	want := event.(booking.Unassigned)
	want.Reason = domain.Erased
	if !reflect.DeepEqual(r.Event, want) {
		t.Errorf("got %#v", r.Event)
	}
	c.Forget([]uuid.UUID{testID(1)})
	if !slices.Equal(keys.forgotten, []uuid.UUID{testID(1)}) {
		t.Errorf("forgot %v", keys.forgotten)
	}
}

func TestFaultsAndPassingErrors(t *testing.T) {
	t.Parallel()
	keys := newTestKeys()
	c := NewCodec(keys)
	_, good := encoded(t, c, "booking.message-posted.v1")
	change := func(f func(*Stored)) Stored { s := good; f(&s); return s }
	for what, s := range map[string]Stored{
		"another stream":   change(func(s *Stored) { s.Stream = BookingStream(testID(99)) }),
		"another type":     change(func(s *Stored) { s.Type = "booking.contact-logged.v1" }),
		"another field":    change(func(s *Stored) { s.Data = bytes.ReplaceAll(s.Data, []byte(`"text"`), []byte(`"note"`)) }),
		"unknown type":     change(func(s *Stored) { s.Type = "booking.painted.v1" }),
		"a stream's other": change(func(s *Stored) { s.Type = "diary.reserved.v1" }),
		"no metadata":      change(func(s *Stored) { s.Metadata = nil }),
		"cut":              change(func(s *Stored) { s.Data = s.Data[:len(s.Data)-3] }),
		"no data":          change(func(s *Stored) { s.Data = nil }),
		"not sealed":       change(func(s *Stored) { s.Data = []byte(`{"text":{"$sealed":"x"}}`) }),
		"unknown seal":     change(func(s *Stored) { s.Data = bytes.ReplaceAll(s.Data, []byte(`"v":1`), []byte(`"v":2`)) }),
		"in the clear":     change(func(s *Stored) { s.Data = []byte(`{"text":"x"}`) }),
		"marker not alone": change(func(s *Stored) { s.Data = bytes.ReplaceAll(s.Data, []byte(`"}}`), []byte(`"},"a":1}`)) }),
	} {
		r, err := c.Decode(t.Context(), s)
		if err == nil || r.Err == nil || r.Event != nil {
			t.Errorf("%s: event %v, error %v, fault %v", what, r.Event, err, r.Err)
		}
	}

	bad := change(func(s *Stored) { s.Type = "booking.painted.v1" })
	page, err := c.DecodePage(t.Context(), []Stored{good, bad, good})
	if err != nil || page[0].Err != nil || !errors.Is(page[1].Err, ErrUnknownType) || page[2].Event == nil {
		t.Errorf("page with one event at fault: %v, %v", page, err)
	}

	id := KeyIDs(good.Data)[0]
	keys.missing[id] = true
	if r, err := c.Decode(t.Context(), good); !errors.Is(err, ErrKeyMissing) || !errors.Is(r.Err, ErrKeyMissing) {
		t.Errorf("missing key: %v, %v", err, r.Err)
	}
	keys.away = errAway
	if r, err := c.Decode(t.Context(), good); !errors.Is(err, errAway) || r.Err != nil {
		t.Errorf("keys away: %v, %v", err, r.Err)
	}
	if page, err := c.DecodePage(t.Context(), []Stored{good}); !errors.Is(err, errAway) || page != nil {
		t.Errorf("keys away: %v, %v", page, err)
	}
}

func TestPageFetchesItsKeysAtOnce(t *testing.T) {
	t.Parallel()
	keys := newTestKeys()
	c := NewCodec(keys)
	var stored []Stored
	want := map[uuid.UUID]bool{}
	for _, name := range names() {
		_, s := encoded(t, c, name)
		stored = append(stored, s)
		for _, id := range KeyIDs(s.Data) {
			want[id] = true
		}
	}
	page, err := c.DecodePage(t.Context(), stored)
	if err != nil || len(page) != len(stored) {
		t.Fatalf("%d events, %v", len(page), err)
	}
	if len(keys.prefetched) != 1 || len(keys.prefetched[0]) != len(want) || len(want) == 0 {
		t.Errorf("asked for %v, want %d keys at once", keys.prefetched, len(want))
	}
}

func TestEventIDs(t *testing.T) {
	t.Parallel()
	p := Proposed{Type: "booking.job-taken.v1", Data: []byte("{}"), Metadata: []byte("{}")}
	base := eventID(testID(1), "booking-1", 0, p)
	if base != eventID(testID(1), "booking-1", 0, p) || base.Version() != 5 {
		t.Fatal("the same event has another id, or it is no UUIDv5")
	}
	other := map[string]uuid.UUID{
		"command": eventID(testID(2), "booking-1", 0, p),
		"stream":  eventID(testID(1), "booking-2", 0, p),
		"index":   eventID(testID(1), "booking-1", 1, p),
		"type":    eventID(testID(1), "booking-1", 0, Proposed{Type: "booking.job-released.v1", Data: p.Data, Metadata: p.Metadata}),
		"data":    eventID(testID(1), "booking-1", 0, Proposed{Type: p.Type, Data: []byte("{ }"), Metadata: p.Metadata}),
		"meta":    eventID(testID(1), "booking-1", 0, Proposed{Type: p.Type, Data: p.Data, Metadata: []byte("{ }")}),
	}
	for what, id := range other {
		if id == base {
			t.Errorf("another %s has the same id", what)
		}
	}
	c := NewCodec(newTestKeys())
	_, one := encoded(t, c, "booking.message-posted.v1")
	_, two := encoded(t, c, "booking.message-posted.v1")
	if one.ID == two.ID {
		t.Error("two encodings, with other nonces, have the same id")
	}
}

func TestUpcastsLeadToToday(t *testing.T) {
	t.Parallel()
	now := current[people.BlockDrawn]("A block was drawn.")
	c := newCodec(newTestKeys(), catalogue{
		"numbering.block-drawn.v3": now,
		"numbering.block-drawn.v2": older("numbering.block-drawn.v3", func(old []byte) ([]byte, error) {
			return bytes.Replace(old, []byte("size"), []byte("count"), 1), nil
		}, "v2 called the count size"),
		"numbering.block-drawn.v1": older("numbering.block-drawn.v2", func(old []byte) ([]byte, error) {
			return bytes.Replace(old, []byte("from"), []byte("first"), 1), nil
		}, "v1 called the first from"),
		"numbering.broken.v1": older("numbering.block-drawn.v2", func([]byte) ([]byte, error) { return nil, errAway }, ""),
		"numbering.round.v1":  older("numbering.round.v1", func(old []byte) ([]byte, error) { return old, nil }, ""),
	})
	meta, err := encodeMeta(testMeta)
	if err != nil {
		t.Fatal(err)
	}
	s := Stored{Stream: "numbering-job", Type: "numbering.block-drawn.v1", Data: []byte(`{"series":"job","from":5,"size":7}`), Metadata: meta}
	r, err := c.Decode(t.Context(), s)
	if want := (people.BlockDrawn{Series: "job", First: 5, Count: 7}); err != nil || r.Event != want {
		t.Errorf("got %#v, %v", r.Event, err)
	}
	if p, err := c.Encode(t.Context(), "numbering-job", people.BlockDrawn{}, testMeta, 0); err != nil || p.Type != "numbering.block-drawn.v3" {
		t.Errorf("new events are written as %s, %v", p.Type, err)
	}
	for _, name := range []string{"numbering.broken.v1", "numbering.round.v1"} {
		s.Type = name
		if r, err := c.Decode(t.Context(), s); err == nil || r.Err == nil {
			t.Errorf("%s was decoded to %#v", name, r.Event)
		}
	}
}

// Whatever texts stand wherever in a booking's fields: they come back, and none can be read in the stored bytes.
func TestSealedTextsComeBack(t *testing.T) {
	t.Parallel()
	c := NewCodec(newTestKeys())
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`(\\|"|\$sealed|\{|\}|<|[a-z ]){0,30}`)).
			Filter(func(s string) bool { return !strings.ContainsRune(s, 0) }) // never written, see TestNULIsNeverWritten
		value := rapid.Custom(func(t *rapid.T) domain.Value {
			v := domain.Value{Items: rapid.SliceOfN(text, 1, 3).Draw(t, "items"), Personal: rapid.Bool().Draw(t, "personal")}
			if rapid.IntRange(0, 9).Draw(t, "na") == 0 {
				v = domain.Value{NotApplicable: true}
			}
			return v
		})
		name := rapid.StringMatching(`[a-z/~"\\é]{1,8}`)
		event := booking.Created{
			Key:    testID(1),
			Shared: booking.Details{Fields: rapid.MapOfN(name, value, 0, 5).Draw(t, "shared")},
			Jobs: []booking.NewJob{
				{Ref: text.Draw(t, "ref"), Differs: &booking.Details{
					Address: &booking.Address{Line1: domain.Personal(text.Draw(t, "line1"))},
					Fields:  rapid.MapOfN(name, value, 1, 5).Draw(t, "own"),
				}},
			},
		}
		if len(event.Shared.Fields) == 0 {
			event.Shared.Fields = nil
		}
		p, err := c.Encode(context.Background(), BookingStream(testID(1)), event, testMeta, 0)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(p.Data, []byte("$personal\":")) {
			t.Fatalf("not all is sealed: %s", p.Data)
		}
		if !stdjson.Valid(p.Data) {
			t.Fatalf("not JSON: %s", p.Data)
		}
		r, err := c.Decode(context.Background(), storedOf(p, BookingStream(testID(1))))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(r.Event, event) {
			t.Fatalf("got %#v\nwant %#v", r.Event, event)
		}
		// The same with white space and in another order of the seal's names, as another tool may have written it.
		var loose any
		if err := stdjson.Unmarshal(p.Data, &loose); err != nil {
			t.Fatal(err)
		}
		s := storedOf(p, BookingStream(testID(1)))
		if s.Data, err = stdjson.MarshalIndent(loose, "", "  "); err != nil {
			t.Fatal(err)
		}
		if ids, again := KeyIDs(p.Data), KeyIDs(s.Data); !slices.Equal(ids, again) {
			t.Fatalf("keys %v and %v", ids, again)
		}
		if r, err = c.Decode(context.Background(), s); err != nil || !reflect.DeepEqual(r.Event, event) {
			t.Fatalf("written differently: %v\n%#v\nwant %#v", err, r.Event, event)
		}
	})
}

// Bytes that are none of ours are refused or read, never worse.
func FuzzDecode(f *testing.F) {
	c := NewCodec(newTestKeys())
	for _, name := range names() {
		_, s := encoded(f, c, name)
		f.Add(s.Type, s.Data, s.Metadata)
	}
	f.Fuzz(func(t *testing.T, name string, data, metadata []byte) {
		r, err := c.Decode(t.Context(), Stored{Stream: streamOf(name), Type: name, Data: data, Metadata: metadata})
		if (err == nil) != (r.Event != nil) || !errors.Is(err, r.Err) {
			t.Errorf("event %v, error %v, fault %v", r.Event, err, r.Err)
		}
		KeyIDs(data)
	})
}

func BenchmarkDecode(b *testing.B) {
	c := NewCodec(newTestKeys())
	for _, name := range []string{"booking.created.v1", "booking.job-assigned.v1", "booking.offer-sent.v1", "booking.message-posted.v1", "diary.reserved.v1"} {
		event, _ := encoded(b, c, name)
		if created, ok := event.(booking.Created); ok {
			created.Jobs = created.Jobs[:1]
			created.Jobs[0].Differs = nil
			event = created
		}
		p, err := c.Encode(b.Context(), streamOf(name), event, testMeta, 0)
		if err != nil {
			b.Fatal(err)
		}
		s := storedOf(p, streamOf(name))
		b.Run(strings.TrimSuffix(name, ".v1"), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(s.Data)))
			for b.Loop() {
				if _, err := c.Decode(b.Context(), s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestNULIsNeverWritten: no database column takes the character NUL, so an event with one would stop the read models for ever. What only looks
// like its escape is a text like any other.
func TestNULIsNeverWritten(t *testing.T) {
	t.Parallel()
	codec := NewCodec(newTestKeys())
	stream := BookingStream(uuid.New())
	for text, fine := range map[string]bool{
		"plain": true, `a \u0000 typed`: true, `\\u0000`: true, "x\x01y": true,
		"a\x00b": false, "\x00": false, `\u0000` + "\x00": false, `\\` + "\x00": false,
	} {
		for name, event := range map[string]any{
			"plain":    booking.Created{Key: uuid.New(), Shared: booking.Details{BillTo: text}},
			"personal": booking.MessagePosted{Key: uuid.New(), Text: domain.Personal(text)},
			"key":      booking.Created{Key: uuid.New(), Shared: booking.Details{Fields: map[string]domain.Value{text: domain.Text("x")}}},
		} {
			_, err := codec.Encode(t.Context(), stream, event, testMeta, 0)
			if fine != (err == nil) || !fine && !errors.Is(err, ErrUnstorable) {
				t.Errorf("%s %q: %v", name, text, err)
			}
		}
	}
}
