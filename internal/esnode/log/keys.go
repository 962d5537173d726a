package log

import (
	"encoding/binary"

	"github.com/google/uuid"
)

// The first byte of a key says what kind of row it is.
const (
	kindEvent    = 'e'
	kindRevision = 's'
	kindID       = 'i'
	kindName     = 'n'
)

func eventKey(b []byte, position uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, kindEvent), position)
}

func revisionKey(b []byte, stream, revision uint64) []byte {
	b = binary.BigEndian.AppendUint64(append(b, kindRevision), stream)
	return binary.BigEndian.AppendUint64(b, revision)
}

func idKey(b []byte, stream uint64, id uuid.UUID) []byte {
	b = binary.BigEndian.AppendUint64(append(b, kindID), stream)
	return append(b, id[:]...)
}

func nameKey(b []byte, name string) []byte {
	return append(append(b, kindName), name...)
}

// number reads a value that is one number.
func number(b []byte) (uint64, bool) {
	if len(b) != 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(b), true
}
