package log

import (
	"fmt"
	"strconv"

	"github.com/google/uuid"
)

// Event is one recorded event.
type Event struct {
	Stream   string
	Revision uint64 // its number within the stream, from 0; TombstoneRevision for a tombstone
	Position uint64 // its number within $all, from 1
	ID       uuid.UUID
	Type     string
	JSON     bool  // whether the writer declared the data to be application/json; nobody checks it
	Created  int64 // when it was written, in ticks of 100 ns since 1970 UTC
	Custom   []byte
	Data     []byte
}

// weight is about how many bytes an event takes on its way to a client.
func (e *Event) weight() int { return len(e.Custom) + len(e.Data) + len(e.Stream) + len(e.Type) + 128 }

// Proposed is an event as a client proposes it.
type Proposed struct {
	ID     uuid.UUID
	Type   string
	JSON   bool
	Custom []byte
	Data   []byte
}

// TombstoneRevision is the revision of the event that ends a stream for ever.
const TombstoneRevision = 1<<63 - 1

// Types of events that the node writes itself, and the type that makes an event a link.
const (
	typeMetadata  = "$metadata"
	typeTombstone = "$streamDeleted"
	typeLink      = "$>"
)

// Expected is what the writer expects of a stream: the revision of its last event, or one of the constants.
type Expected int64

// The expectations that are no revision.
const (
	NoStream     Expected = -1 // no event was ever written
	Any          Expected = -2 // nothing is expected
	StreamExists Expected = -4 // there are events or metadata, and the stream is not deleted
)

func (e Expected) String() string {
	switch e {
	case NoStream:
		return "no_stream"
	case Any:
		return "any"
	case StreamExists:
		return "stream_exists"
	default:
		return strconv.FormatInt(int64(e), 10)
	}
}

// WrongRevisionError says that a stream does not stand where the writer expected it.
type WrongRevisionError struct {
	Stream   string
	Expected Expected
	Current  int64 // the revision of the last event ever written, -1 if there is none
}

func (e *WrongRevisionError) Error() string {
	return fmt.Sprintf("stream %q: expected revision %s, current is %d", e.Stream, e.Expected, e.Current)
}

// DeletedError says that a stream is tombstoned, or soft-deleted where a living one was asked for.
type DeletedError struct{ Stream string }

func (e *DeletedError) Error() string { return fmt.Sprintf("Event stream '%s' is deleted.", e.Stream) }
