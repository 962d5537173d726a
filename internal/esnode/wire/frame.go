package wire

import (
	"encoding/binary"
	"strconv"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

// Events are by far the most frequent messages, and a generated message with a map of three headers is slow to build and to write. So
// they are written straight into the buffer that goes out; every other message takes the usual way. frame_test.go compares the two.

// codec is the usual codec, except that it sends a frame as it stands.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2("proto")} }

func (c codec) Marshal(m any) (mem.BufferSlice, error) {
	if f, ok := m.(frame); ok {
		return mem.BufferSlice{f.buffer}, nil
	}
	return c.CodecV2.Marshal(m)
}

// frame is a ReadResp with an event, already encoded.
type frame struct{ buffer mem.Buffer }

// Numbers of the fields, from streams.proto and shared.proto.
const (
	fieldEvent = 1 // ReadResp

	fieldRecorded       = 1 // ReadEvent
	fieldLink           = 2
	fieldCommitPosition = 3

	fieldID         = 1 // RecordedEvent
	fieldStream     = 2
	fieldRevision   = 3
	fieldPrepare    = 4
	fieldCommit     = 5
	fieldMetadata   = 6
	fieldCustom     = 7
	fieldData       = 8
	fieldStreamName = 3 // StreamIdentifier

	fieldStructured = 1 // UUID
	fieldString     = 2
	fieldMost       = 1 // Structured
	fieldLeast      = 2
	fieldKey        = 1 // an entry of a map
	fieldValue      = 2
)

// frameSize is how many bytes appendFrame writes.
func frameSize(e, link *log.Event, stringIDs bool) int {
	return sizeBytes(sizeEvent(e, link, stringIDs))
}

// sizeEvent is the size of a ReadEvent.
func sizeEvent(e, link *log.Event, stringIDs bool) int {
	size := sizeVarint(positionOf(e, link))
	for _, part := range [2]*log.Event{e, link} {
		if part != nil {
			size += sizeBytes(sizeRecorded(part, stringIDs))
		}
	}
	return size
}

// positionOf is where a reader met an event: where the link stands, if one led to it.
func positionOf(e, link *log.Event) uint64 {
	if link != nil {
		return link.Position
	}
	return e.Position
}

// appendFrame encodes an event, and the link that led to it if there is one; the event is nil if the link leads nowhere.
func appendFrame(b []byte, e, link *log.Event, stringIDs bool) []byte {
	b = appendHead(b, fieldEvent, sizeEvent(e, link, stringIDs))
	for i, part := range [2]*log.Event{e, link} {
		if part != nil {
			b = appendHead(b, []protowire.Number{fieldRecorded, fieldLink}[i], sizeRecorded(part, stringIDs))
			b = appendRecorded(b, part, stringIDs)
		}
	}
	return appendVarint(b, fieldCommitPosition, positionOf(e, link))
}

// contentType is what the writer's content type is read back as.
func contentType(e *log.Event) string {
	if e.JSON {
		return contentJSON
	}
	return contentBinary
}

func sizeRecorded(e *log.Event, stringIDs bool) int {
	return sizeBytes(sizeID(e, stringIDs)) + sizeBytes(sizeBytes(len(e.Stream))) +
		sizeVarint(e.Revision) + 2*sizeVarint(e.Position) +
		sizeHeader(keyType, len(e.Type)) + sizeHeader(keyContentType, len(contentType(e))) + sizeHeader(keyCreated, decimalLen(e.Created)) +
		sizeBytes(len(e.Custom)) + sizeBytes(len(e.Data))
}

func appendRecorded(b []byte, e *log.Event, stringIDs bool) []byte {
	b = appendHead(b, fieldID, sizeID(e, stringIDs))
	if stringIDs {
		b = appendHead(b, fieldString, 36)
		b = append(b, e.ID.String()...)
	} else {
		most, least := binary.BigEndian.Uint64(e.ID[:8]), binary.BigEndian.Uint64(e.ID[8:])
		b = appendHead(b, fieldStructured, sizeVarint(most)+sizeVarint(least))
		b = appendVarint(b, fieldMost, most)
		b = appendVarint(b, fieldLeast, least)
	}
	b = appendHead(b, fieldStream, sizeBytes(len(e.Stream)))
	b = appendText(b, fieldStreamName, e.Stream)
	b = appendVarint(b, fieldRevision, e.Revision)
	b = appendVarint(b, fieldPrepare, e.Position)
	b = appendVarint(b, fieldCommit, e.Position)
	b = appendHeader(b, keyType, e.Type)
	b = appendHeader(b, keyContentType, contentType(e))
	b = appendHead(b, fieldMetadata, sizeEntry(keyCreated, decimalLen(e.Created)))
	b = appendText(b, fieldKey, keyCreated)
	b = appendHead(b, fieldValue, decimalLen(e.Created))
	b = strconv.AppendInt(b, e.Created, 10)
	b = appendHead(b, fieldCustom, len(e.Custom))
	b = append(b, e.Custom...)
	b = appendHead(b, fieldData, len(e.Data))
	return append(b, e.Data...)
}

func sizeID(e *log.Event, stringIDs bool) int {
	if stringIDs {
		return sizeBytes(36)
	}
	return sizeBytes(sizeVarint(binary.BigEndian.Uint64(e.ID[:8])) + sizeVarint(binary.BigEndian.Uint64(e.ID[8:])))
}

func sizeHeader(key string, value int) int { return sizeBytes(sizeEntry(key, value)) }
func sizeEntry(key string, value int) int  { return sizeBytes(len(key)) + sizeBytes(value) }

func appendHeader(b []byte, key, value string) []byte {
	b = appendHead(b, fieldMetadata, sizeEntry(key, len(value)))
	return appendText(appendText(b, fieldKey, key), fieldValue, value)
}

// Every field number used here fits one byte of tag.
const sizeTag = 1

func sizeVarint(n uint64) int { return sizeTag + protowire.SizeVarint(n) }
func sizeBytes(n int) int     { return sizeTag + protowire.SizeBytes(n) }

func appendVarint(b []byte, field protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
}

// appendHead begins a field of so many bytes.
func appendHead(b []byte, field protowire.Number, size int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.BytesType), uint64(size))
}

func appendText(b []byte, field protowire.Number, s string) []byte {
	return append(appendHead(b, field, len(s)), s...)
}

func decimalLen(n int64) int {
	var b [20]byte
	return len(strconv.AppendInt(b[:0], n, 10))
}
