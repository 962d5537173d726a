package eventschema

import "errors"

// NoStream is the expected revision of a stream's first append. Any other expected revision is the number of its last event.
const NoStream int64 = -1

// Errors of the log, as every room matches them with errors.Is.
var (
	// ErrConflict: the stream has moved on since it was read; decide again.
	ErrConflict = errors.New("the stream has moved on")
	// ErrUnavailable: the log cannot be reached, or its answer stayed unknown. Nothing acknowledged is lost.
	ErrUnavailable = errors.New("the event log is not available")
	// ErrTooLarge: the events are more than one append may hold.
	ErrTooLarge = errors.New("too large for one append")
	// ErrStop ends a read early, without an error.
	ErrStop = errors.New("stop reading")
)

// MaxAppend is how many bytes one append may hold: types, data and metadata together.
const MaxAppend = 900 << 10

// Size is how many bytes events take of an append.
func Size(events []Proposed) int {
	size := 0
	for _, e := range events {
		size += len(e.Type) + len(e.Data) + len(e.Metadata)
	}
	return size
}

// Appended is what the log acknowledged.
type Appended struct {
	Revision uint64 // of the last event written
	Position Position
}

// Page is consecutive events of ours in the log's order, at least one: what the feed hands to a projector or reaction at once.
type Page []Recorded

// Last is the page's newest event: its position and id become the checkpoint.
func (p Page) Last() Recorded { return p[len(p)-1] }

// ErrBehind: a read model did not reach the asked position in time. HTTP answers 503 read-model-behind.
var ErrBehind = errors.New("the read model is behind")
