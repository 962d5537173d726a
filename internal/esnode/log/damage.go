package log

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrDamaged says that bytes in the folder are not what was written. Whoever meets them gets this error, never altered data and never less
// than there is.
var ErrDamaged = errors.New("the event log is damaged")

// damaged says where damage was met, and makes sure that it is recognised as such.
func damaged(where string, err error) error {
	if errors.Is(err, ErrDamaged) {
		return fmt.Errorf("%s: %w", where, err)
	}
	if errors.Is(err, errDamaged) || pebble.IsCorruptionError(err) {
		return fmt.Errorf("%s: %w: %w", where, ErrDamaged, oneLine{err})
	}
	return fmt.Errorf("%s: %w", where, err)
}

// oneLine is an error without what the store says below its first line.
type oneLine struct{ error }

func (e oneLine) Error() string {
	first, _, _ := strings.Cut(e.error.Error(), "\n")
	return first
}

func (e oneLine) Unwrap() error { return e.error }

// place says in the words of every message where an event stands.
func place(stream string, revision, position uint64) string {
	return fmt.Sprintf("stream %q, revision %d, position %d", stream, revision, position)
}

// checkManifest looks for damage in the store's list of its tables. Pebble takes a record that it cannot read for the list's end: it would
// open the store as it stood before, without the tables named behind, and remove them. Damage is told from the torn end of a crash by
// whole records that follow it, and after an orderly stop by the file CLOSED.
func checkManifest(dir, store string, fs vfs.FS) error {
	found, err := pebble.Peek(store, fs)
	if err != nil || !found.Exists {
		return err
	}
	b, err := readAll(found.ManifestFilename, fs)
	if err != nil {
		return fmt.Errorf("read the list of tables: %w", err)
	}
	name := fs.PathBase(found.ManifestFilename)
	if at, ok := brokenRecord(b); !ok {
		return fmt.Errorf("%w: file %s at byte %d, the store's list of its tables; which events are in the tables named behind it cannot be told", ErrDamaged, name, at)
	}
	closed, err := readSmall(dir, closedFile, fs)
	if err != nil {
		return fmt.Errorf("read file %s: %w", closedFile, err)
	}
	of, seal, _ := strings.Cut(closed, " ")
	if closed != "" && !strings.HasSuffix(seal, sumOf(closed[:max(len(closed)-9, 0)])) {
		return fmt.Errorf("%w: file %s", ErrDamaged, closedFile)
	}
	if of == name && closed != sealOf(name, b) {
		return fmt.Errorf("%w: file %s, the store's list of its tables, is not as the last orderly stop left it", ErrDamaged, name)
	}
	return nil
}

// closedFile holds name, size and checksum of the store's list of tables as an orderly stop left it, and a checksum of these. Every start begins a new list, so
// the file says nothing about what comes later.
const closedFile = "CLOSED"

func sealOf(name string, b []byte) string {
	text := fmt.Sprintf("%s %d %08x", name, len(b), crc32.Checksum(b, castagnoli))
	return text + " " + sumOf(text)
}

func sumOf(text string) string { return fmt.Sprintf("%08x", crc32.Checksum([]byte(text), castagnoli)) }

// sealManifest writes the file CLOSED, after the store was closed.
func sealManifest(dir, store string, fs vfs.FS) error {
	found, err := pebble.Peek(store, fs)
	if err != nil || !found.Exists {
		return err
	}
	b, err := readAll(found.ManifestFilename, fs)
	if err != nil {
		return err
	}
	return writeDurably(dir, closedFile, sealOf(fs.PathBase(found.ManifestFilename), b)+"\n", fs)
}

func readAll(name string, fs vfs.FS) ([]byte, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	return b, errors.Join(err, f.Close())
}

// The list of tables is a file of records, cut into chunks that lie in blocks: checksum (4), length (2), kind (1), content.
const (
	chunkHead   = 7
	chunkBlock  = 32 << 10
	chunkWhole  = 1 // a whole record
	chunkFirst  = 2 // the first piece of one
	chunkMiddle = 3
	chunkLast   = 4 // the last piece, and the highest kind
)

// brokenRecord is where the first chunk lies that is no good though a record begins behind it; true if there is none. Every record is synced
// before the next is begun, so what follows proves that the one before was once whole.
func brokenRecord(b []byte) (at int, ok bool) {
	for at = 0; at < len(b); {
		if left := chunkBlock - at%chunkBlock; left < chunkHead {
			at += left
			continue
		}
		size, kind := chunkAt(b, at)
		if kind == 0 {
			break
		}
		at += size
	}
	for next := at + 1; next < len(b); next++ {
		if _, kind := chunkAt(b, next); kind == chunkWhole || kind == chunkFirst {
			return at, false
		}
	}
	return at, true
}

// chunkAt is the size and the kind of the chunk that lies there, 0 and 0 if there is none.
func chunkAt(b []byte, at int) (size int, kind byte) {
	if at+chunkHead > len(b) || at%chunkBlock+chunkHead > chunkBlock {
		return 0, 0
	}
	kind = b[at+6]
	size = chunkHead + int(binary.LittleEndian.Uint16(b[at+4:]))
	if kind == 0 || kind > chunkLast || at+size > len(b) || at%chunkBlock+size > chunkBlock {
		return 0, 0
	}
	if binary.LittleEndian.Uint32(b[at:]) != pebbleSum(b[at+6:at+size]) {
		return 0, 0
	}
	return size, kind
}

// walError is damage in a write-ahead log, which cannot be read from there on.
type walError struct {
	name  string // of the file
	at    int64
	near  string // what was read before it and can be read behind it
	cause error  // what the store says
}

func (e *walError) Error() string {
	return fmt.Sprintf("%v: write-ahead log %s is damaged from byte %d on; %s: %v", ErrDamaged, e.name, e.at, e.near, e.cause)
}

func (e *walError) Unwrap() []error { return []error{ErrDamaged, e.cause} }

// walDamage says which write-ahead log cannot be read to its end, the last event before the damage and the first behind it, so that it is known which
// positions are in it; nil if all can be read. The torn end of the newest one is no damage.
func walDamage(store string, fs vfs.FS) *walError {
	names, err := fs.List(store)
	if err != nil {
		return nil
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasSuffix(name, ".log") })
	slices.Sort(names)
	before := "no event is in the write-ahead logs before it"
	for i, name := range names {
		number, err := strconv.ParseUint(strings.TrimSuffix(name, ".log"), 10, 64)
		if err != nil {
			continue
		}
		b, err := readAll(fs.PathJoin(store, name), fs)
		if err != nil {
			continue // Pebble has said so already
		}
		records := newRecords(record.NewReader, bytes.NewReader(b), number)
		for {
			at := records.Offset()
			r, err := records.Next()
			var batch []byte
			if err == nil {
				batch, err = io.ReadAll(r)
			}
			if err == nil {
				if _, last, ok := eventsOf(batch); ok {
					before = "the last event before it is " + place(string(last.stream), last.revision, last.position)
				}
				continue
			}
			if err == io.EOF || i == len(names)-1 && errors.Is(err, record.ErrUnexpectedEOF) {
				break
			}
			behind := "no event behind it can be read"
			first, ok := nextEvent(b, int(at), uint32(number))
			for _, later := range names[i+1:] {
				if ok {
					break
				}
				first, ok = firstEventOf(store, later, fs)
			}
			if ok {
				behind = "the first behind it that can be read is " + place(string(first.stream), first.revision, first.position)
			}
			return &walError{name: name, at: at, near: before + ", " + behind}
		}
	}
	return nil
}

// The write-ahead log's chunks have a longer head: behind kind and before content stand the log's number (4) and, in the newer of the two kinds, how
// far the log was synced (8).
const (
	walChunkHead  = chunkHead + 4
	syncChunkHead = walChunkHead + 8
)

// firstEventOf is the first event of a write-ahead log that can be read.
func firstEventOf(store, name string, fs vfs.FS) (first recordView, ok bool) {
	number, err := strconv.ParseUint(strings.TrimSuffix(name, ".log"), 10, 64)
	if err != nil {
		return first, false
	}
	b, err := readAll(fs.PathJoin(store, name), fs)
	if err != nil {
		return first, false
	}
	return nextEvent(b, -1, uint32(number))
}

// nextEvent is the first event of the first record that begins behind a place in the write-ahead log and is whole.
func nextEvent(b []byte, at int, number uint32) (first recordView, ok bool) {
	for at++; at+walChunkHead <= len(b); at++ {
		content, size, kind := walChunk(b, at, number)
		batch := slices.Clone(content)
		for next := at + size; kind == chunkFirst || kind == chunkMiddle; next += size {
			if left := chunkBlock - next%chunkBlock; left < chunkHead {
				next += left
			}
			if content, size, kind = walChunk(b, next, number); kind == chunkFirst || kind == chunkWhole {
				kind = 0 // another record: this one is not whole
			}
			batch = append(batch, content...)
		}
		if kind != chunkWhole && kind != chunkLast {
			continue
		}
		if first, _, ok := eventsOf(batch); ok {
			return first, true
		}
	}
	return first, false
}

// walChunk is the chunk of a write-ahead log that lies there; kind 0: there is none.
func walChunk(b []byte, at int, number uint32) (content []byte, size int, kind byte) {
	if at+walChunkHead > len(b) || binary.LittleEndian.Uint32(b[at+chunkHead:]) != number {
		return nil, 0, 0
	}
	head := walChunkHead
	switch kind = b[at+6]; {
	case kind > 2*chunkLast && kind <= 3*chunkLast:
		head = syncChunkHead
	case kind <= chunkLast || kind > 2*chunkLast:
		return nil, 0, 0
	}
	size = head + int(binary.LittleEndian.Uint16(b[at+4:]))
	if at+size > len(b) || at%chunkBlock+size > chunkBlock || binary.LittleEndian.Uint32(b[at:]) != pebbleSum(b[at+6:at+size]) {
		return nil, 0, 0
	}
	return b[at+head : at+size], size, (kind-1)%chunkLast + 1
}

// newRecords calls Pebble's NewReader, whose number has a type that has no name here.
func newRecords[N ~uint64](open func(io.Reader, N) *record.Reader, r io.Reader, number uint64) *record.Reader {
	return open(r, N(number))
}

// eventsOf are the first and the last event among the rows of a batch; false: there is none. Pebble's own reader of batches looks beyond the end of one
// that breaks off, and may panic there.
func eventsOf(batch []byte) (first, last recordView, ok bool) {
	if len(batch) < batchrepr.HeaderLen {
		return first, last, false
	}
	for rows := batch[batchrepr.HeaderLen:]; len(rows) > 0; {
		kind := pebble.InternalKeyKind(rows[0])
		if kind != pebble.InternalKeyKindSet && kind != pebble.InternalKeyKindMerge {
			break // the log writes no others
		}
		key, rest, whole := cutBytes(rows[1:])
		value, rest, valueWhole := cutBytes(rest)
		if !whole || !valueWhole {
			break
		}
		if rows = rest; len(key) != 9 || key[0] != kindEvent {
			continue
		}
		position, _ := number(key[1:])
		if v, err := viewRecord(position, value); err == nil {
			if last = v; !ok {
				first, ok = v, true
			}
		}
	}
	return first, last, ok
}

// cutBytes takes bytes with their length before them apart from what follows; false: they break off.
func cutBytes(b []byte) (bytes, rest []byte, whole bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || uint64(len(b)-n) < size {
		return nil, nil, false
	}
	return b[n : n+int(size)], b[n+int(size):], true
}
