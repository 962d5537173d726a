// Package move says, in a log itself, that the log moves to another house. Its newest event in Stream is the log's state; our client and the embedded
// node both go by it. The stream is none of ours: it is not copied, projected or counted.
package move

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Stream holds a log's moves.
const Stream = "dragoman-move"

// State is what a log may be used for.
type State string

// The states of a log. One without any event in Stream is at home.
const (
	Leaving  State = "leaving"  // it is being copied and takes no append
	Left     State = "left"     // its deployment lives elsewhere: it never takes an append again
	Stayed   State = "stayed"   // the move was called off: at home again
	Arriving State = "arriving" // it is being filled, and served by nobody yet
	Arrived  State = "arrived"  // at home
)

// Mark is an event of Stream.
type Mark struct {
	State    State     `json:"-"`
	Move     uuid.UUID `json:"move"`  // the same in both logs
	Other    string    `json:"other"` // where to, or where from, without passwords
	At       time.Time `json:"at"`    // machine time, UTC
	Revision int64     `json:"-"`     // in Stream; -1: no event there
}

// Home is the mark of a log that never moved.
func Home() Mark { return Mark{Revision: -1} }

const prefix, suffix = "move.", ".v1"

// Type is the stored type of a state's event.
func (s State) Type() string { return prefix + string(s) + suffix }

// Parse reads an event of Stream.
func Parse(eventType string, data []byte, revision uint64) (Mark, error) {
	name, isMove := strings.CutPrefix(strings.TrimSuffix(eventType, suffix), prefix)
	m := Mark{State: State(name), Revision: int64(revision)}
	switch m.State {
	case Leaving, Left, Stayed, Arriving, Arrived:
	default:
		isMove = false
	}
	if !isMove {
		return m, fmt.Errorf("event %d of %s is of unknown type %q", revision, Stream, eventType)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("event %d of %s does not decode: %w", revision, Stream, err)
	}
	return m, nil
}

// Closed tells whether the log takes no append of anybody's.
func (m Mark) Closed() bool { return m.State == Leaving || m.State == Left }

// Away tells whether a deployment must not be served from the log.
func (m Mark) Away() bool { return m.Closed() || m.State == Arriving }

// Refusal begins what is said to whoever appends to a closed log.
const Refusal = "this event log takes no appends: "

// Sentence says where the log stands.
func (m Mark) Sentence() string {
	switch m.State {
	case Leaving:
		return Refusal + "it is being moved to " + m.Other
	case Left:
		return Refusal + "it has moved to " + m.Other
	case Arriving:
		return "this event log is not complete yet: it is being filled from " + m.Other
	}
	return "this event log is at home"
}
