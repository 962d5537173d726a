package eventlog

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/move"
)

// ErrMoved: the log moves or has moved to another house, so nothing is appended to it.
var ErrMoved = fmt.Errorf("%w: the event log moves", eventschema.ErrUnavailable)

// house is what this process knows of the log's move. The feed tells it of every new mark; besides, it is looked up after every loss of the
// connection, because a mark may have been missed.
type house struct {
	mu    sync.Mutex
	epoch uint64 // in which it was looked up
	known bool
	mark  move.Mark // the newest that anybody told of
}

// House is the newest mark of the log's move.
func (l *Log) House(ctx context.Context) (move.Mark, error) {
	mark := move.Home()
	err := l.again(ctx, func(ctx context.Context) (bool, error) {
		err := l.readStream(ctx, move.Stream, esdb.Backwards, esdb.End{}, func(e eventschema.Stored) error {
			var err error
			if mark, err = move.Parse(e.Type, e.Data, e.Revision); err != nil {
				return err
			}
			return eventschema.ErrStop
		})
		return false, err
	})
	if err = admitted(err); err != nil {
		return mark, fmt.Errorf("find out whether the event log has moved: %w", err)
	}
	return mark, nil
}

// atHome refuses what would be appended to a log that moves.
func (l *Log) atHome(ctx context.Context) error {
	h := &l.house
	epoch := l.Epoch()
	h.mu.Lock()
	known, mark := h.known && h.epoch == epoch, h.mark
	h.mu.Unlock()
	if !known {
		var err error
		if mark, err = l.House(ctx); err != nil {
			return err
		}
		h.mu.Lock()
		if mark.Revision > h.mark.Revision { // else the feed was faster
			h.mark = mark
		}
		h.known, h.epoch, mark = true, epoch, h.mark
		h.mu.Unlock()
	}
	if mark.Away() {
		return fmt.Errorf("%w: %s", ErrMoved, mark.Sentence())
	}
	return nil
}

// seeHouse takes note of a mark that the feed brought. The feed also brings old ones, when it reads history.
func (l *Log) seeHouse(e eventschema.Stored) {
	mark, err := move.Parse(e.Type, e.Data, e.Revision)
	if err != nil {
		slog.Error("what the log says of its move is not understood", "error", err)
		return
	}
	h := &l.house
	h.mu.Lock()
	defer h.mu.Unlock()
	if mark.Revision > h.mark.Revision {
		h.mark = mark
	}
}

// refusedByHouse tells whether an append was refused by a node that knows that it moved.
func refusedByHouse(err error) bool { return err != nil && strings.Contains(err.Error(), move.Refusal) }

// setHouse writes the next mark behind the one that was read.
func (l *Log) setHouse(ctx context.Context, before, next move.Mark) (move.Mark, error) {
	data, err := json.Marshal(next)
	if err != nil {
		return next, err
	}
	id := uuid.NewSHA1(next.Move, []byte(next.State))
	done, err := l.append(ctx, move.Stream, before.Revision, []eventschema.Proposed{{ID: id, Type: next.State.Type(), Data: data, Metadata: []byte("{}")}})
	if err != nil {
		return next, fmt.Errorf("write into the log that it is %s: %w", next.State, err)
	}
	next.Revision = int64(done.Revision)
	return next, nil
}
