package eventschema

import (
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// Position is a place in the log's one order. It is opaque to clients; only positions of delivered events are ever stored.
type Position struct {
	Commit  uint64
	Prepare uint64
}

// After tells whether p comes later than o.
func (p Position) After(o Position) bool {
	return p.Commit > o.Commit || p.Commit == o.Commit && p.Prepare > o.Prepare
}

// Meta is the who, when and why beside every event's data. It holds no personal data: actors are ids.
type Meta struct {
	CorrelationID uuid.UUID
	CausationID   uuid.UUID
	CommandID     uuid.UUID
	CommandName   string
	RequestHash   []byte // keyed hash of the canonical request: another request under the same key is noticed
	Actor         domain.Actor
	At            time.Time // business time, UTC
	RecordedAt    time.Time // machine time when the bytes were made, UTC, never earlier than the event before it in the stream
}

// Proposed is an event ready to be appended: sealed, encoded, with its id (design, section 3, Commands).
type Proposed struct {
	ID       uuid.UUID
	Type     string
	Data     []byte
	Metadata []byte
}

// Stored is an event as the log keeps it.
type Stored struct {
	Stream   string
	Revision uint64
	Position Position
	ID       uuid.UUID
	Type     string
	Data     []byte
	Metadata []byte
}

// Recorded is a stored event with its meaning: Event is one of the domain's event structs, of today's version, opened.
type Recorded struct {
	Stored
	Event any
	Meta  Meta
	Err   error // why there is no Event: an unknown type, bytes that do not decode, a missing key; nil for a good event
}
