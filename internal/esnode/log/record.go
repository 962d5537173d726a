package log

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A record is an event as it lies in the store:
//
//	crc32c (4)  flags (1)  revision (8)  created (8)  id (16)  len stream  len type  len custom  data
//
// Lengths are uvarints. The checksum covers the position (which is the row's key) and everything behind the checksum, so a record that
// was altered, cut or moved to another position is noticed even where Pebble's own checksums do not look.
const (
	recordFixed = 4 + 1 + 8 + 8 + 16
	flagJSON    = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errDamaged = errors.New("record is damaged")

func recordSize(stream string, e *Proposed) int {
	return recordFixed + uvarintLen(len(stream)) + len(stream) + uvarintLen(len(e.Type)) + len(e.Type) +
		uvarintLen(len(e.Custom)) + len(e.Custom) + len(e.Data)
}

// putRecord writes the record into b, which is recordSize long.
func putRecord(b []byte, position uint64, stream string, revision uint64, created int64, e *Proposed) {
	b[4] = 0
	if e.JSON {
		b[4] |= flagJSON
	}
	binary.BigEndian.PutUint64(b[5:], revision)
	binary.BigEndian.PutUint64(b[13:], uint64(created))
	copy(b[21:], e.ID[:])
	n := recordFixed
	n += binary.PutUvarint(b[n:], uint64(len(stream)))
	n += copy(b[n:], stream)
	n += binary.PutUvarint(b[n:], uint64(len(e.Type)))
	n += copy(b[n:], e.Type)
	n += binary.PutUvarint(b[n:], uint64(len(e.Custom)))
	n += copy(b[n:], e.Custom)
	copy(b[n:], e.Data)
	binary.BigEndian.PutUint32(b, checksum(position, b))
}

func checksum(position uint64, record []byte) uint32 {
	var p [8]byte
	binary.BigEndian.PutUint64(p[:], position)
	return crc32.Update(crc32.Checksum(p[:], castagnoli), castagnoli, record[4:])
}

// recordView is a record taken apart without copying: it is valid as long as the bytes it was made from.
type recordView struct {
	position     uint64
	revision     uint64
	created      int64
	json         bool
	id           []byte
	stream, typ  []byte
	custom, data []byte
}

func viewRecord(position uint64, b []byte) (recordView, error) {
	if len(b) < recordFixed || binary.BigEndian.Uint32(b) != checksum(position, b) {
		return recordView{}, fmt.Errorf("event at position %d: %w", position, errDamaged)
	}
	v := recordView{
		position: position,
		json:     b[4]&flagJSON != 0,
		revision: binary.BigEndian.Uint64(b[5:]),
		created:  int64(binary.BigEndian.Uint64(b[13:])),
		id:       b[21:37],
	}
	rest := b[recordFixed:]
	for _, part := range []*[]byte{&v.stream, &v.typ, &v.custom} {
		size, n := binary.Uvarint(rest)
		if n <= 0 || uint64(len(rest)-n) < size {
			return recordView{}, fmt.Errorf("event at position %d: %w", position, errDamaged)
		}
		*part, rest = rest[n:n+int(size)], rest[n+int(size):]
	}
	v.data = rest
	return v, nil
}

// event copies what the view shows.
func (v recordView) event() Event {
	return v.eventIn(make([]byte, len(v.custom)+len(v.data)))
}

// eventIn copies what the view shows, the custom metadata and the data into a body of their size.
func (v recordView) eventIn(body []byte) Event {
	copy(body, v.custom)
	copy(body[len(v.custom):], v.data)
	return Event{
		Stream:   string(v.stream),
		Revision: v.revision,
		Position: v.position,
		ID:       [16]byte(v.id),
		Type:     string(v.typ),
		JSON:     v.json,
		Created:  v.created,
		Custom:   body[:len(v.custom):len(v.custom)],
		Data:     body[len(v.custom):],
	}
}

func uvarintLen(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}
