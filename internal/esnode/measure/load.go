package measure

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

const (
	// StreamEvents is how many events a stream of a filled folder has, and a stream that a writer begins.
	StreamEvents = 10
	// oldEvery says how often a writer appends to a stream of the filled folder instead: what happens to a booking of long ago.
	oldEvery = 10
	// EventType is the type of all events.
	EventType = "booking.measured.v1"
	// DataSize is the size of an event's data.
	DataSize = 200
)

// Load is a folder's content and the appends that are made to it.
type Load struct {
	streams uint64        // of the filled folder
	old     atomic.Uint64 // appends made to these
	fresh   atomic.Uint64 // streams begun since
}

// NewLoad describes a folder of so many events.
func NewLoad(events int) *Load { return &Load{streams: uint64(events / StreamEvents)} }

// Write is one append of one event.
type Write struct {
	Stream   string
	Number   uint64 // of the stream, for a store that has no names
	Expected int64  // revision of the stream's last event, -1 if there is none
	ID       uuid.UUID
	Data     []byte
}

// Writer makes one writer's appends: streams of its own, one after the other, and in between streams of the filled folder.
type Writer struct {
	load *Load
	n    int
	own  Write
}

// Writer returns a writer.
func (l *Load) Writer() *Writer { return &Writer{load: l} }

// Next is the next append. The one before must have been acknowledged.
func (w *Writer) Next() Write {
	w.n++
	if w.n%oldEvery == 0 && w.load.streams > 0 {
		i := w.load.old.Add(1) - 1
		k := i % w.load.streams * scatter % w.load.streams
		// Every stream gets its turn before the first gets its second.
		return Write{Stream: streamName(k), Number: k + 1, Expected: StreamEvents - 1 + int64(i/w.load.streams), ID: newID(), Data: newData()}
	}
	w.own.Expected++
	if w.own.Stream == "" || w.own.Expected == StreamEvents-1 {
		w.own = Write{Stream: "booking-" + newID().String(), Number: w.load.streams + w.load.fresh.Add(1), Expected: -1}
	}
	w.own.ID, w.own.Data = newID(), newData()
	return w.own
}

// scatter is a prime that no number of streams is a multiple of: multiplied by it, consecutive numbers lie far apart.
const scatter = 1_000_000_007

// streamName is the name of a filled folder's stream.
func streamName(k uint64) string {
	return "booking-" + uuid.NewSHA1(uuid.NameSpaceOID, binary.BigEndian.AppendUint64(nil, k)).String()
}

func newID() (id uuid.UUID) {
	binary.LittleEndian.PutUint64(id[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(id[8:], rand.Uint64())
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

// newData is an event's data: readable for one half, sealed, so that it does not compress, for the other.
func newData() []byte {
	const before, after = `{"window":{"from":"2026-03-01T09:00:00","to":"2026-03-01T11:00:00","zone":"Europe/London"},"notes":"`, `"}`
	var sealed [(DataSize - len(before) - len(after)) / 4 * 3]byte
	for i := 0; i < len(sealed); i += 8 {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], rand.Uint64())
		copy(sealed[i:], b[:])
	}
	data := append(make([]byte, 0, DataSize), before...)
	data = base64.StdEncoding.AppendEncode(data, sealed[:])
	for len(data) < DataSize-len(after) {
		data = append(data, '.')
	}
	return append(data, after...)
}

// fillers is how many streams are written at once while a folder is filled: many, so that filling waits for few syncs.
const fillers = 1000

// Fill makes a folder with so many events and closes it.
func (l *Load) Fill(ctx context.Context, dir string, logger *slog.Logger) error {
	store, err := log.Open(dir, log.Options{Logger: logger})
	if err != nil {
		return err
	}
	var (
		next   atomic.Uint64
		group  sync.WaitGroup
		failed atomic.Pointer[error]
	)
	for range fillers {
		group.Go(func() {
			events := make([]log.Proposed, StreamEvents)
			for failed.Load() == nil {
				k := next.Add(1) - 1
				if k >= l.streams {
					return
				}
				for i := range events {
					events[i] = log.Proposed{ID: newID(), Type: EventType, JSON: true, Data: newData()}
				}
				if _, err := store.Append(ctx, streamName(k), log.NoStream, events); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	group.Wait()
	err = store.Close(context.WithoutCancel(ctx))
	if e := failed.Load(); e != nil {
		err = *e
	}
	if err != nil {
		return fmt.Errorf("fill a folder: %w", err)
	}
	return nil
}
