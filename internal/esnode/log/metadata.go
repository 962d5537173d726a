package log

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// metadata is what the newest event of stream $$s means for stream s.
type metadata struct {
	maxCount       int64         // how many of the newest events can be read; 0 means all
	maxAge         time.Duration // how old an event may be to be read; 0 means any age
	truncateBefore int64         // the first revision that can be read
	raw            []byte        // the JSON as it was written; kept only for a deleted stream, which needs it when it comes back
}

// softDelete as $tb marks a stream as deleted: no revision is ever above it.
const softDelete = math.MaxInt64

func (m *metadata) softDeleted() bool { return m != nil && m.truncateBefore == softDelete }

// maxAgeLimit is the longest $maxAge (in seconds) that the real server's time span can hold.
const maxAgeLimit = math.MaxInt64 / 10_000_000

// parseMetadata reads the data of a metadata event. Anything the real server would not accept counts as no metadata at all.
func parseMetadata(isJSON bool, data []byte) *metadata {
	none := &metadata{}
	if !isJSON {
		return none
	}
	m := &metadata{}
	err := eachField(data, func(key string, value json.RawMessage) error {
		switch key {
		case "$maxCount":
			n, err := integer(value)
			m.maxCount = max(n, 0)
			return err
		case "$maxAge":
			n, err := integer(value)
			if err == nil && (n > maxAgeLimit || n < -maxAgeLimit) {
				err = errors.New("too long")
			}
			m.maxAge = seconds(max(n, 0))
			return err
		case "$tb":
			n, err := integer(value)
			m.truncateBefore = max(n, 0)
			return err
		case "$cacheControl":
			n, err := integer(value)
			if err == nil && (n > maxAgeLimit || n < -maxAgeLimit) {
				err = errors.New("too long")
			}
			return err
		case "$tmp":
			if s := string(value); s != "true" && s != "false" {
				return errors.New("no truth value")
			}
		case "$acl":
			return checkACL(value)
		}
		return nil
	})
	if err != nil {
		return none
	}
	if m.softDeleted() {
		m.raw = bytes.Clone(data)
	}
	return m
}

// withTruncateBefore returns the metadata with $tb set, every other field as it stood and where it stood.
func withTruncateBefore(data []byte, revision int64) ([]byte, error) {
	type field struct {
		key   string
		value json.RawMessage
	}
	var fields []field
	set := func(key string, value json.RawMessage) {
		for i := range fields {
			if fields[i].key == key {
				fields[i].value = value
				return
			}
		}
		fields = append(fields, field{key, value})
	}
	err := eachField(data, func(key string, value json.RawMessage) error {
		set(key, value)
		return nil
	})
	if err != nil {
		return nil, err
	}
	set("$tb", strconv.AppendInt(nil, revision, 10))

	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(f.key)
		if err != nil {
			return nil, fmt.Errorf("write metadata key: %w", err)
		}
		b.Write(key)
		b.WriteByte(':')
		if err := json.Compact(&b, f.value); err != nil {
			return nil, fmt.Errorf("write metadata value: %w", err)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// eachField calls f with every field of the JSON object at the start of data; like the real server it does not look behind it.
func eachField(data []byte, f func(key string, value json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(data))
	open, err := d.Token()
	if err != nil {
		return err
	}
	if open != json.Delim('{') {
		return errors.New("no object")
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		name, ok := key.(string)
		if !ok {
			return errors.New("no key")
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		if err := f(name, value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	_, err = d.Token()
	return err
}

func integer(value json.RawMessage) (int64, error) { return strconv.ParseInt(string(value), 10, 64) }

func checkACL(value json.RawMessage) error {
	return eachField(value, func(key string, roles json.RawMessage) error {
		switch key {
		case "$r", "$w", "$d", "$mr", "$mw":
			var one string
			var many []string
			if json.Unmarshal(roles, &one) != nil && json.Unmarshal(roles, &many) != nil {
				return errors.New("neither a role nor a list of them")
			}
			return nil
		default:
			return errors.New("unknown permission")
		}
	})
}

// seconds is a number of seconds as a duration, the longest one if it does not fit.
func seconds(n int64) time.Duration {
	if n > int64(math.MaxInt64/time.Second) {
		return math.MaxInt64
	}
	return time.Duration(n) * time.Second
}

// isMetastream tells whether a stream holds the metadata of another one.
func isMetastream(name string) bool { return strings.HasPrefix(name, "$$") }
