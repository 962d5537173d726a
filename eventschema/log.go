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
	// ErrStop ends a read early, without an error.
	ErrStop = errors.New("stop reading")
)

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
