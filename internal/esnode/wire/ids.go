package wire

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/google/uuid"
)

// structuredUUID is an id as two signed halves, the form that the Go client asks for.
func structuredUUID(id uuid.UUID) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits:  int64(binary.BigEndian.Uint64(id[:8])),
		LeastSignificantBits: int64(binary.BigEndian.Uint64(id[8:])),
	}}}
}

// parseUUID takes either form.
func parseUUID(u *shared.UUID) (id uuid.UUID, err error) {
	switch v := u.GetValue().(type) {
	case *shared.UUID_Structured_:
		binary.BigEndian.PutUint64(id[:8], uint64(v.Structured.GetMostSignificantBits()))
		binary.BigEndian.PutUint64(id[8:], uint64(v.Structured.GetLeastSignificantBits()))
	case *shared.UUID_String_:
		if id, err = uuid.Parse(v.String_); err != nil {
			return id, errors.New("the event id is no UUID")
		}
	}
	if id == uuid.Nil {
		return id, errors.New("the event id is missing or zero")
	}
	return id, nil
}

// streamName checks the name of a stream.
func streamName(id *shared.StreamIdentifier) (string, error) {
	name := id.GetStreamName()
	if len(name) == 0 {
		return "", invalid("the stream name is empty")
	}
	if len(name) > maxStreamName {
		return "", invalid("the stream name is too long")
	}
	return strings.ToValidUTF8(string(name), "\uFFFD"), nil
}

// maxStreamName bounds the name of a stream, in bytes: it is a key of the storage and stands in every event.
const maxStreamName = 16 << 10
