package eventschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// A rewriter copies JSON and replaces every object whose first name is its marker, such as {"$sealed":…}. It looks only at what it must to
// know the path of each such object; everything else is copied as it is. Decoding an event is the budget of every projection, so nothing is
// built that is not needed.
type rewriter struct {
	marker   string
	reserved bool // a name with a dollar sign that is not the marker is an error: nobody but the codec may use one
	// replace appends what stands for the object to dst. value is what the marker names, path leads to the object, such as /jobs/0/note.
	replace func(dst, path, value []byte) ([]byte, error)

	data   []byte
	at     int // next byte of data to look at
	copied int // data before it is in out, or replaced
	out    []byte
	path   []byte
}

// maxDepth is far more than any event has; it bounds the recursion on bytes that are none of ours.
const maxDepth = 64

var errNotJSON = errors.New("not JSON")

func (r *rewriter) run(data []byte) ([]byte, error) {
	r.data = data
	r.out = make([]byte, 0, len(data)+len(data)/2)
	r.path = make([]byte, 0, 64)
	if err := r.value(0); err != nil {
		return nil, err
	}
	if r.space(); r.at != len(data) {
		return nil, fmt.Errorf("%w: more after the end", errNotJSON)
	}
	return append(r.out, data[r.copied:]...), nil
}

// space skips white space and returns the byte after it, zero at the end.
func (r *rewriter) space() byte {
	for ; r.at < len(r.data); r.at++ {
		switch c := r.data[r.at]; c {
		case ' ', '\n', '\t', '\r':
		default:
			return c
		}
	}
	return 0
}

func (r *rewriter) value(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: nested too deep", errNotJSON)
	}
	switch c := r.space(); c {
	case '{':
		return r.object(depth)
	case '[':
		return r.array(depth)
	case '"':
		_, err := r.text()
		return err
	default:
		start := r.at
		for r.at < len(r.data) && bytes.IndexByte([]byte(",]} \n\t\r"), r.data[r.at]) < 0 {
			r.at++
		}
		if r.at == start {
			return fmt.Errorf("%w: a value is missing at byte %d", errNotJSON, start)
		}
		return nil // a number, true, false or null: the decoder looks at it
	}
}

func (r *rewriter) object(depth int) error {
	start := r.at
	r.at++
	if r.space() == '}' {
		r.at++
		return nil
	}
	for first := true; ; first = false {
		if r.space() != '"' {
			return fmt.Errorf("%w: a name is missing at byte %d", errNotJSON, r.at)
		}
		name, err := r.text()
		if err != nil {
			return err
		}
		if r.space() != ':' {
			return fmt.Errorf("%w: a colon is missing at byte %d", errNotJSON, r.at)
		}
		r.at++
		r.space()
		if first && string(name) == r.marker {
			return r.marked(start, depth)
		}
		if r.reserved && len(name) > 0 && name[0] == '$' {
			return fmt.Errorf("the name %q at %s is reserved", name, r.path)
		}
		before := len(r.path)
		if r.path, err = appendName(r.path, name); err != nil {
			return err
		}
		if err := r.value(depth + 1); err != nil {
			return err
		}
		r.path = r.path[:before]
		switch c := r.space(); c {
		case ',':
			r.at++
		case '}':
			r.at++
			return nil
		default:
			return fmt.Errorf("%w: an object does not end at byte %d", errNotJSON, r.at)
		}
	}
}

// marked replaces the object that began at start; the marker's value comes next and must be its only one.
func (r *rewriter) marked(start, depth int) error {
	from := r.at
	if err := r.value(depth + 1); err != nil {
		return err
	}
	value := r.data[from:r.at]
	if r.space() != '}' || r.copied > start {
		return fmt.Errorf("%s at %s does not stand alone", r.marker, r.path)
	}
	r.at++
	out, err := r.replace(append(r.out, r.data[r.copied:start]...), r.path, value)
	if err != nil {
		return fmt.Errorf("%s: %w", r.path, err)
	}
	r.out, r.copied = out, r.at
	return nil
}

func (r *rewriter) array(depth int) error {
	r.at++
	if r.space() == ']' {
		r.at++
		return nil
	}
	for i := 0; ; i++ {
		before := len(r.path)
		r.path = strconv.AppendInt(append(r.path, '/'), int64(i), 10)
		if err := r.value(depth + 1); err != nil {
			return err
		}
		r.path = r.path[:before]
		switch c := r.space(); c {
		case ',':
			r.at++
		case ']':
			r.at++
			return nil
		default:
			return fmt.Errorf("%w: an array does not end at byte %d", errNotJSON, r.at)
		}
	}
}

// text reads a string and returns what stands between the quotes, still escaped.
func (r *rewriter) text() ([]byte, error) {
	start := r.at + 1
	for i := start; i < len(r.data); i++ {
		switch r.data[i] {
		case '"':
			r.at = i + 1
			return r.data[start:i], nil
		case '\\':
			i++
		}
	}
	return nil, fmt.Errorf("%w: a string does not end", errNotJSON)
}

// appendName adds a step to a path as JSON Pointer (RFC 6901) writes it, so that no two places have the same path.
func appendName(path, name []byte) ([]byte, error) {
	path = append(path, '/')
	if bytes.IndexByte(name, '\\') >= 0 {
		var plain string
		if err := json.Unmarshal(fmt.Appendf(nil, `"%s"`, name), &plain); err != nil {
			return nil, fmt.Errorf("%w: name %q", errNotJSON, name)
		}
		name = []byte(plain)
	}
	for _, c := range name {
		switch c {
		case '~':
			path = append(path, "~0"...)
		case '/':
			path = append(path, "~1"...)
		default:
			path = append(path, c)
		}
	}
	return path, nil
}
