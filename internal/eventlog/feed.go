package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// Checkpoint is how far a subscriber has got: the last event that it has dealt with. The zero value is the log's beginning.
type Checkpoint struct {
	Position eventschema.Position
	EventID  uuid.UUID // compared with the event there; uuid.Nil: not compared
}

// FeedConfig says what a Feed works with. Log and Codec are needed; Resume too, unless only After is used.
type FeedConfig struct {
	Log   *Log
	Codec Codec
	// Resume says where the subscriber of a topic goes on. It is asked at every subscription and after every nack.
	Resume func(ctx context.Context, topic string) (Checkpoint, error)
	// Window is how many events are kept in memory for all subscribers; one further back reads by itself. Default 4,096.
	Window int
	// PageSize is how many events a message holds at most. Default 1,000.
	PageSize int
	// Erased, if set, is told of every stream whose person was erased, by whichever process, as soon as this process sees the event and once
	// more after ForgetAgain: whoever remembers what was in the stream drops it. keys are those that are destroyed.
	Erased func(stream string, keys []uuid.UUID)
	// Replaced, if set, is called when this process sees that the log was replaced or cut behind its feed: what anybody knows of it is void.
	Replaced func()
	// ForgetAgain is when what is erased is dropped for the second time. Default a minute.
	ForgetAgain time.Duration
}

// Feed hands the events of ours to subscribers, in order, as Watermill messages that each hold a page: as many consecutive events as are
// waiting, one when live (some, when they come quickly), up to PageSize in catch-up. The next page of a subscriber goes out only after the ack; a
// nack has it resume from its checkpoint. Every event is read and decoded once per process: one subscription to the log is fanned out. A
// subscriber further back than what is kept in memory reads by itself until it has caught up; several that stand at the same place there share
// what one of them reads.
//
// It follows the log for ever: every drop of the subscription is followed by another one. An event that cannot be decoded stands in its page
// with its Err; the subscriber judges.
type Feed struct {
	FeedConfig
	recent  *recent
	history *history
	ctx     context.Context
	cancel  context.CancelFunc
	work    sync.WaitGroup

	mu     sync.Mutex // keeps Close apart from what begins work
	closed bool
}

// NewFeed makes a Feed. Start it before use.
func NewFeed(c FeedConfig) *Feed {
	if c.Window == 0 {
		c.Window = 4096
	}
	if c.PageSize == 0 {
		c.PageSize = 1000
	}
	if c.ForgetAgain == 0 {
		c.ForgetAgain = forgetAgain
	}
	f := &Feed{FeedConfig: c, history: newHistory()}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f
}

// Start begins to follow the log, from its end as of the call.
func (f *Feed) Start(ctx context.Context) error {
	epoch := f.Log.Epoch()
	newest, _, err := f.Log.newest(ctx)
	if err != nil {
		return fmt.Errorf("start the feed: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	f.recent = newRecent(f.Window, newest.Position)
	f.work.Go(func() { f.tail(Checkpoint{newest.Position, newest.ID}, epoch) })
	return nil
}

// Close ends all subscriptions and closes their channels. Messages that are not acknowledged yet come again after the next resume.
func (f *Feed) Close() error {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.cancel()
	f.work.Wait()
	return nil
}

// Head is the position up to which this process has seen the log: an event of ours there, or the server's word that there is nothing of ours
// before it. It is kept in memory only; only positions of delivered events may be stored.
func (f *Feed) Head() eventschema.Position {
	head, _ := f.recent.reached()
	return head
}

// WaitHead waits until Head has reached a position.
func (f *Feed) WaitHead(ctx context.Context, p eventschema.Position) error {
	for {
		head, changed := f.recent.reached()
		if !p.After(head) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-f.ctx.Done():
			return ErrClosed
		}
	}
}

// Reader reads the log decoded, with the feed's own codec.
func (f *Feed) Reader() Reader { return Reader{Log: f.Log, Codec: f.Codec} }

// tail follows the log's end and keeps what comes, for ever. epoch is of the connection on which the last event was found.
func (f *Feed) tail(last Checkpoint, epoch uint64) {
	var pause backoff
	var pace pace
	for f.ctx.Err() == nil {
		err := f.Log.follow(f.ctx, last.Position, 0, func(b batch) error {
			if f.Log.Epoch() != epoch {
				return errGivenUp // another connection than the one on which the log was found to be the same
			}
			pause = backoff{}
			page, err := f.decode(b.events)
			if err != nil {
				return err // the feed is closing
			}
			if len(page) > 0 {
				last = Checkpoint{page.Last().Position, page.Last().ID}
			}
			f.recent.add(page, b.seen)
			if wait := pace.gather(len(page), time.Now()); wait > 0 {
				select { // meanwhile more events come and make the next page larger
				case <-time.After(wait):
				case <-f.ctx.Done():
				}
			}
			return nil
		})
		if f.ctx.Err() != nil {
			return
		}
		slog.Info("feed subscribes again", "reason", err)
		pause.wait(f.ctx)
		for again := true; again && f.ctx.Err() == nil; again = f.Log.Epoch() != epoch {
			epoch = f.Log.Epoch()
			last = f.sameLog(last)
		}
	}
}

// keysWithin is how long one look for a page's keys may take: the database may have gone without a word.
const keysWithin = 10 * time.Second

// decode opens events, however long it takes to reach the keys. It hands erased persons' keys to be forgotten.
func (f *Feed) decode(stored []eventschema.Stored) (eventschema.Page, error) {
	var pause backoff
	for {
		ctx, cancel := context.WithTimeout(f.ctx, keysWithin)
		page, err := f.Codec.DecodePage(ctx, stored)
		cancel()
		if err == nil {
			f.forget(page)
			return page, nil
		}
		if f.ctx.Err() != nil {
			return nil, f.ctx.Err()
		}
		slog.Warn("feed cannot open events yet", "error", err)
		pause.wait(f.ctx)
	}
}

// sameLog compares the last event seen with the log after the connection was lost. If another one, or none, lies there, the log was replaced
// or cut: what is kept in memory is void, and every subscriber finds out for itself when it resumes. That costs nothing but reading some pages
// again, so nobody waits here for an event that a leader does not show yet.
func (f *Feed) sameLog(last Checkpoint) Checkpoint {
	var pause backoff
	for f.ctx.Err() == nil {
		err := f.verify(f.ctx, last)
		if errors.Is(err, ErrLogReplaced) {
			var newest eventschema.Stored
			if newest, _, err = f.Log.newest(f.ctx); err == nil {
				slog.Error("the log was replaced or cut behind the feed, or does not show all of it yet")
				last = Checkpoint{newest.Position, newest.ID}
				if f.Replaced != nil {
					f.Replaced()
				}
				f.recent.reset(last.Position)
				f.history.reset()
			}
		}
		if err == nil {
			return last
		}
		pause.wait(f.ctx)
	}
	return last
}

// verify compares the event at a checkpoint with the log.
func (f *Feed) verify(ctx context.Context, c Checkpoint) error {
	if c.EventID == uuid.Nil {
		return nil
	}
	e, found, err := f.Log.EventAt(ctx, c.Position)
	switch {
	case err != nil:
		return err
	case !found:
		return fmt.Errorf("%w: no event is at the checkpoint", ErrLogReplaced)
	case e.ID != c.EventID:
		return fmt.Errorf("%w: another event is at the checkpoint", ErrLogReplaced)
	}
	return nil
}
