package eventschema

import (
	stdjson "encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/goccy/go-json"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// metaJSON is Meta as it is stored; the names are for ever. The two with a dollar sign are the store's own words.
type metaJSON struct {
	CorrelationID uuid.UUID    `json:"$correlationId"`
	CausationID   uuid.UUID    `json:"$causationId"`
	CommandID     uuid.UUID    `json:"commandId"`
	CommandName   string       `json:"command"`
	RequestHash   []byte       `json:"requestHash,omitempty"` // base64
	Actor         domain.Actor `json:"actor"`
	At            time.Time    `json:"at"`         // RFC 3339, UTC
	RecordedAt    time.Time    `json:"recordedAt"` // RFC 3339, UTC
}

func encodeMeta(m Meta) ([]byte, error) {
	switch {
	case m.CommandID == uuid.Nil:
		return nil, errors.New("metadata has no command id")
	case m.RecordedAt.IsZero():
		return nil, errors.New("metadata does not say when the event was recorded")
	}
	// The standard library's encoder, unlike the fast one, knows omitzero.
	return stdjson.Marshal(metaJSON{
		CorrelationID: m.CorrelationID, CausationID: m.CausationID,
		CommandID: m.CommandID, CommandName: m.CommandName, RequestHash: m.RequestHash,
		Actor: m.Actor, At: m.At.UTC(), RecordedAt: m.RecordedAt.UTC(),
	})
}

func decodeMeta(b []byte) (Meta, error) {
	var m metaJSON
	if err := json.Unmarshal(b, &m); err != nil {
		return Meta{}, fmt.Errorf("decode metadata: %w", err)
	}
	return Meta{
		CorrelationID: m.CorrelationID, CausationID: m.CausationID,
		CommandID: m.CommandID, CommandName: m.CommandName, RequestHash: m.RequestHash,
		Actor: m.Actor, At: m.At.UTC(), RecordedAt: m.RecordedAt.UTC(),
	}, nil
}

// RecordedAt is when a stored event's bytes were made, without opening the event; zero if its metadata does not say so.
func RecordedAt(s Stored) time.Time {
	m, _ := decodeMeta(s.Metadata) // what cannot be read says nothing
	return m.RecordedAt
}
