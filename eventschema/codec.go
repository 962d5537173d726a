package eventschema

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
)

// Codec turns domain events into stored bytes and back. It may be used by many goroutines.
type Codec struct {
	keys  Keys
	types catalogue
	names map[place]string
	ready *lru.Cache[uuid.UUID, keyed]
}

// readyKeys is how many keys are kept made ready: about 1 KiB each.
const readyKeys = 8192

// NewCodec makes a codec of the whole catalogue that seals and opens with these keys.
func NewCodec(keys Keys) *Codec { return newCodec(keys, types) }

func newCodec(keys Keys, types catalogue) *Codec {
	ready, err := lru.New[uuid.UUID, keyed](readyKeys)
	if err != nil {
		panic(fmt.Sprintf("eventschema: cache of keys: %v", err)) // our own constant
	}
	return &Codec{keys: keys, types: types, names: types.names(), ready: ready}
}

// Encode seals and encodes an event, one of the domain's structs by value, for a stream; index is its place in the append. Encoding twice
// gives different bytes and another id: encode once a decision, and send the same bytes again.
func (c *Codec) Encode(ctx context.Context, stream string, event any, meta Meta, index int) (Proposed, error) {
	kind := KindOf(stream)
	name, ok := c.names[place{kind, reflect.TypeOf(event)}]
	if !ok {
		return Proposed{}, fmt.Errorf("encode %T: no event type of %s streams has that shape", event, kind)
	}
	plain, err := stdjson.Marshal(event)
	if err != nil {
		return Proposed{}, fmt.Errorf("encode %s: %w", name, err)
	}
	if holdsNUL(plain) {
		return Proposed{}, fmt.Errorf("encode %s: %w", name, ErrUnstorable)
	}
	var key uuid.UUID
	if k, ok := event.(Keyed); ok {
		key = k.PersonKey()
	}
	data, err := c.seal(ctx, stream, name, plain, key)
	if err != nil {
		return Proposed{}, fmt.Errorf("seal %s: %w", name, err)
	}
	metadata, err := encodeMeta(meta)
	if err != nil {
		return Proposed{}, fmt.Errorf("encode %s: %w", name, err)
	}
	p := Proposed{Type: name, Data: data, Metadata: metadata}
	p.ID = eventID(meta.CommandID, stream, index, p)
	return p, nil
}

// ErrUnstorable: a text holds the character NUL, which no database column takes. An event with one would stop every read model that stores the
// text, for ever, so it is never written.
var ErrUnstorable = errors.New("a text holds the character NUL")

// holdsNUL tells whether a text or a key of a JSON document holds NUL, which JSON can only write as an escape.
func holdsNUL(document []byte) bool {
	for rest := document; ; {
		at := bytes.Index(rest, []byte(`\u0000`))
		if at < 0 {
			return false
		}
		slashes := 0
		for slashes < at && rest[at-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return true
		}
		rest = rest[at+6:]
	}
}

// eventID derives an event's id from its command, its place and its bytes: the same bytes sent again have the same id, any other decision of
// the same command has another, so that the store never takes one for the other.
func eventID(command uuid.UUID, stream string, index int, p Proposed) uuid.UUID {
	sum := sha256.New()
	for _, part := range [][]byte{[]byte(p.Type), p.Data, p.Metadata} {
		sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		sum.Write(part)
	}
	name := binary.BigEndian.AppendUint32(nil, uint32(len(stream)))
	name = append(name, stream...)
	name = binary.BigEndian.AppendUint32(name, uint32(index))
	return uuid.NewSHA1(command, sum.Sum(name))
}

// Decode reads a stored event: upcast to today's type, opened. The error is the event's fault and also in Recorded.Err if trying again cannot
// help: an unknown type, bytes that do not decode, a missing key; otherwise the keys could not be asked.
func (c *Codec) Decode(ctx context.Context, s Stored) (Recorded, error) {
	r := Recorded{Stored: s}
	err := c.decode(ctx, &r)
	if err != nil {
		err = fmt.Errorf("decode event %d of %s, %s: %w", s.Revision, s.Stream, s.Type, err)
		if !passing(ctx, err) {
			r.Err = err
		}
	}
	return r, err
}

// DecodePage reads consecutive events, with one question for all keys that they need. An event at fault stands in the page with its Err;
// the returned error means that the keys could not be asked.
func (c *Codec) DecodePage(ctx context.Context, stored []Stored) (Page, error) {
	var ids []uuid.UUID
	seen := map[uuid.UUID]bool{}
	for _, s := range stored {
		for _, id := range KeyIDs(s.Data) {
			if !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	if len(ids) > 0 {
		if err := c.keys.Prefetch(ctx, ids); err != nil {
			return nil, fmt.Errorf("fetch %d personal-data keys: %w", len(ids), err)
		}
	}
	page := make(Page, len(stored))
	for i, s := range stored {
		r, err := c.Decode(ctx, s)
		if err != nil && r.Err == nil {
			return nil, err
		}
		page[i] = r
	}
	return page, nil
}

// errKeys marks errors of Keys that are not the event's fault.
var errKeys = errors.New("keys could not be asked")

func passing(ctx context.Context, err error) bool { return errors.Is(err, errKeys) || ctx.Err() != nil }

func (c *Codec) decode(ctx context.Context, r *Recorded) (err error) {
	defer func() {
		// The fast decoder is not proven on bytes that are none of ours; one such event must not end the process.
		if p := recover(); p != nil {
			r.Event, err = nil, fmt.Errorf("the decoder failed: %v", p)
		}
	}()
	if r.Meta, err = decodeMeta(r.Metadata); err != nil {
		return err
	}
	if _, ok := c.types[r.Type]; !ok || kindOfType(r.Type) != KindOf(r.Stream) {
		return fmt.Errorf("%w %q in a %s stream", ErrUnknownType, r.Type, KindOf(r.Stream))
	}
	data := r.Data
	if hasSealed(data) {
		if data, err = c.open(ctx, r.Stream, r.Type, data); err != nil {
			return err
		}
	}
	event, err := c.types.decode(r.Type, data)
	if err != nil {
		return err
	}
	r.Event = event
	return nil
}

// Forget drops keys from memory: their person was erased.
func (c *Codec) Forget(ids []uuid.UUID) {
	for _, id := range ids {
		c.ready.Remove(id)
	}
	c.keys.Forget(ids)
}

// ErasedKeys are the keys that an event says are about to be destroyed; nil for any other event.
func ErasedKeys(event any) []uuid.UUID {
	switch e := event.(type) {
	case booking.PersonErased:
		return e.Keys
	case people.PersonErased:
		return e.Keys
	}
	return nil
}

// kindOfType is the stream kind that a stored type name begins with.
func kindOfType(name string) string {
	kind, _, _ := strings.Cut(name, ".")
	return kind
}
