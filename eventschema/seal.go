package eventschema

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

const (
	personalMarker = "$personal"
	sealedMarker   = "$sealed"
	sealVersion    = 1 // AES-256-GCM, the nonce before the text in ct
)

// sealedJSON is what stands under the sealed marker.
type sealedJSON struct {
	Version int       `json:"v"`
	Key     uuid.UUID `json:"key"`
	Text    []byte    `json:"ct"` // base64
}

var errNoKey = errors.New("the event has personal values but names no key")

// seal replaces every {"$personal":…} of an event's data by its sealed form. The key is asked for only if there is one.
func (c *Codec) seal(ctx context.Context, stream, name string, data []byte, key uuid.UUID) ([]byte, error) {
	var aead cipher.AEAD
	r := rewriter{marker: personalMarker, reserved: true, replace: func(dst, path, value []byte) ([]byte, error) {
		var text string
		if err := json.Unmarshal(value, &text); err != nil || value[0] != '"' {
			return nil, errors.New("a personal value is not a text")
		}
		if key == uuid.Nil {
			return nil, errNoKey
		}
		if aead == nil {
			var err error
			if aead, err = c.cipher(ctx, key); err != nil {
				return nil, err
			}
		}
		ct := aead.Seal(nil, nil, []byte(text), associated(stream, name, path))
		dst = append(dst, `{"$sealed":{"v":1,"key":"`...)
		dst = append(dst, key.String()...)
		dst = append(dst, `","ct":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, ct)
		return append(dst, `"}}`...), nil
	}}
	return r.run(data)
}

// open does the reverse. What was sealed under an erased key reads domain.Erased.
func (c *Codec) open(ctx context.Context, stream, name string, data []byte) ([]byte, error) {
	var bound, raw []byte
	r := rewriter{marker: sealedMarker, replace: func(dst, path, value []byte) ([]byte, error) {
		s, err := parseSealed(value, raw[:0])
		if err != nil {
			return nil, err
		}
		raw = s.Text
		aead, err := c.cipher(ctx, s.Key)
		if errors.Is(err, ErrErased) {
			return append(dst, `{"$personal":"`+domain.Erased+`"}`...), nil
		}
		if err != nil {
			return nil, err
		}
		bound = appendAssociated(bound[:0], stream, name, path)
		text, err := aead.Open(nil, nil, s.Text, bound)
		if err != nil {
			return nil, fmt.Errorf("open a value sealed under key %s: %w", s.Key, err)
		}
		return append(appendText(append(dst, `{"$personal":`...), text), '}'), nil
	}}
	return r.run(data)
}

// parseSealed reads what stands under the sealed marker; in the form that seal writes it without a JSON decoder. buf is for its text.
func parseSealed(value, buf []byte) (sealedJSON, error) {
	s := sealedJSON{Version: sealVersion}
	if rest, ok := bytes.CutPrefix(value, []byte(`{"v":1,"key":"`)); ok && len(rest) > 36 {
		key, err := uuid.ParseBytes(rest[:36])
		ct, starts := bytes.CutPrefix(rest[36:], []byte(`","ct":"`))
		ct, ends := bytes.CutSuffix(ct, []byte(`"}`))
		if err == nil && starts && ends {
			if text, err := base64.StdEncoding.AppendDecode(buf, ct); err == nil {
				s.Key, s.Text = key, text
				return s, nil
			}
		}
	}
	if err := json.Unmarshal(value, &s); err != nil {
		return s, fmt.Errorf("sealed value: %w", err)
	}
	if s.Version != sealVersion {
		return s, fmt.Errorf("sealed value of unknown version %d", s.Version)
	}
	return s, nil
}

// associated is what is bound to a sealed text: where it stands. Each part comes with its length, so that no two places read alike.
func associated(stream, name string, path []byte) []byte {
	return appendAssociated(nil, stream, name, path)
}

func appendAssociated(b []byte, stream, name string, path []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(stream)))
	b = append(b, stream...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(name)))
	b = append(b, name...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(path)))
	return append(b, path...)
}

// appendText writes a JSON string.
func appendText(dst, text []byte) []byte {
	for _, c := range text {
		if c < ' ' || c == '"' || c == '\\' {
			quoted, err := json.Marshal(string(text))
			if err != nil {
				panic(fmt.Sprintf("eventschema: quote a text: %v", err)) // a string always marshals
			}
			return append(dst, quoted...)
		}
	}
	return append(append(append(dst, '"'), text...), '"')
}

// hasSealed tells whether there may be a sealed value in an event's data.
func hasSealed(data []byte) bool { return bytes.Contains(data, []byte(`"`+sealedMarker+`"`)) }

// KeyIDs are the ids of the keys that an event's data is sealed under, each once.
func KeyIDs(data []byte) []uuid.UUID { return appendKeyIDs(nil, data) }

func appendKeyIDs(ids []uuid.UUID, data []byte) []uuid.UUID {
	for {
		at := bytes.Index(data, []byte(`"`+sealedMarker+`"`))
		if at < 0 {
			return ids
		}
		data = data[at+len(sealedMarker)+2:]
		end := bytes.IndexByte(data, '}')
		if end < 0 {
			return ids
		}
		_, after, found := bytes.Cut(data[:end], []byte(`"key"`))
		parts := bytes.SplitN(after, []byte{'"'}, 3)
		if !found || len(parts) != 3 {
			continue
		}
		if id, err := uuid.ParseBytes(parts[1]); err == nil && !contains(ids, id) {
			ids = append(ids, id)
		}
	}
}

// contains looks from the end: the values of one event have the same key.
func contains(ids []uuid.UUID, id uuid.UUID) bool {
	for i := len(ids) - 1; i >= 0; i-- {
		if ids[i] == id {
			return true
		}
	}
	return false
}

// keyed is a key made ready to seal and open with.
type keyed struct {
	key  []byte
	aead cipher.AEAD
}

// cipher returns what seals and opens under a key. Keys is asked every time, so that an erased key opens nothing; only the work of making it
// ready is remembered.
func (c *Codec) cipher(ctx context.Context, id uuid.UUID) (cipher.AEAD, error) {
	key, err := c.keys.Key(ctx, id)
	if err != nil {
		c.ready.Remove(id)
		if !errors.Is(err, ErrErased) && !errors.Is(err, ErrKeyMissing) {
			err = errors.Join(errKeys, err)
		}
		return nil, fmt.Errorf("personal-data key %s: %w", id, err)
	}
	if k, ok := c.ready.Get(id); ok && bytes.Equal(k.key, key) {
		return k.aead, nil
	}
	block, err := aes.NewCipher(key)
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("personal-data key %s has %d bytes instead of 32", id, len(key))
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("personal-data key %s: %w", id, err)
	}
	c.ready.Add(id, keyed{bytes.Clone(key), aead})
	return aead, nil
}
