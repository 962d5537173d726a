package measure

import (
	"context"
	"encoding/binary"
	"log/slog"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

// Direct appends to a folder without clients and gRPC.
type Direct struct{ log *log.Log }

// OpenDirect opens a folder.
func OpenDirect(dir string, logger *slog.Logger) (*Direct, error) {
	l, err := log.Open(dir, log.Options{Logger: logger})
	if err != nil {
		return nil, err
	}
	return &Direct{l}, nil
}

// Append writes one event, synced.
func (d *Direct) Append(ctx context.Context, w Write) error {
	_, err := d.log.Append(ctx, w.Stream, log.Expected(w.Expected), []log.Proposed{{ID: w.ID, Type: EventType, JSON: true, Data: w.Data}})
	return err
}

// Close closes the folder.
func (d *Direct) Close() error { return d.log.Close(context.Background()) }

// Bare is a Pebble store that decides nothing, looks nothing up and publishes nothing. It takes the same rows as a log would write, with the
// log's own options.
type Bare struct {
	db       *pebble.DB
	position atomic.Uint64
}

// OpenBare makes a store in an empty folder.
func OpenBare(dir string) (*Bare, error) {
	o := log.StoreOptions()
	o.FS = vfs.Default
	o.Logger = bareLogger{pebble.DefaultLogger}
	db, err := pebble.Open(dir, o)
	if err != nil {
		return nil, err
	}
	return &Bare{db: db}, nil
}

// bareLogger does not tell what a store does all the time.
type bareLogger struct{ pebble.Logger }

func (bareLogger) Infof(string, ...any) {}

// Append commits the rows of one event, synced. Those who come at once share syncs by Pebble's own means.
func (b *Bare) Append(_ context.Context, w Write) error { return b.Commit([]Write{w}, true) }

// Commit commits the rows of some events in one batch, synced or not.
func (b *Bare) Commit(writes []Write, sync bool) error {
	batch := b.db.NewBatch()
	for i := range writes {
		b.put(batch, &writes[i])
	}
	if err := batch.Commit(&pebble.WriteOptions{Sync: sync}); err != nil {
		return err
	}
	return batch.Close()
}

// put adds the rows of one event: the event, its place in its stream, its id, and the stream's name if it is the first.
func (b *Bare) put(batch *pebble.Batch, w *Write) {
	number := func(row *pebble.DeferredBatchOp, n uint64) {
		binary.BigEndian.PutUint64(row.Value, n)
		_ = row.Finish() // fails only on a batch with an index
	}
	position := b.position.Add(1)
	if w.Expected < 0 {
		row := batch.SetDeferred(1+len(w.Stream), 8)
		row.Key[0] = 'n'
		copy(row.Key[1:], w.Stream)
		number(row, w.Number)
	}
	const lengths, fixed = 3, 4 + 1 + 8 + 8 + 16
	row := batch.SetDeferred(9, fixed+lengths+len(w.Stream)+len(EventType)+len(w.Data))
	binary.BigEndian.AppendUint64(append(row.Key[:0], 'e'), position)
	value := append(row.Value[:fixed-len(w.ID)], w.ID[:]...)
	value = append(append(value, byte(len(w.Stream))), w.Stream...)
	value = append(append(value, byte(len(EventType))), EventType...)
	_ = append(append(value, 0), w.Data...)
	_ = row.Finish()

	row = batch.SetDeferred(17, 8)
	binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(append(row.Key[:0], 's'), w.Number), uint64(w.Expected+1))
	number(row, position)

	row = batch.MergeDeferred(25, 8)
	_ = append(binary.BigEndian.AppendUint64(append(row.Key[:0], 'i'), w.Number), w.ID[:]...)
	number(row, uint64(w.Expected+1))
}

// Close closes the store.
func (b *Bare) Close() error { return b.db.Close() }
