package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/dragoman-booking/dragoman/eventschema"
)

type pageKey struct{}

// PageOf is what a message of the feed holds; nil for a message from elsewhere.
func PageOf(m *message.Message) eventschema.Page {
	page, _ := m.Context().Value(pageKey{}).(eventschema.Page)
	return page
}

// Subscribe sends pages to whoever keeps the checkpoint of this topic, from that checkpoint on, until ctx ends or the feed is closed. It
// fails with ErrLogReplaced if the event at the checkpoint is not the one that was there; found out later, that closes the channel.
func (f *Feed) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	if f.Resume == nil {
		return nil, errors.New("the feed does not know where its topics resume")
	}
	return f.subscribe(ctx, &subscriber{feed: f, topic: topic, resume: f.Resume})
}

// After is the feed for one reader that compares its checkpoint with the log by itself, once it has subscribed: a subscription begins after a
// position, and after a nack goes on behind the last page that was acknowledged. It ends when the log may have become another one before
// the reader's first page was acknowledged, and when it has become one later.
func (f *Feed) After(p eventschema.Position) message.Subscriber { return afterFeed{f, p} }

type afterFeed struct {
	feed  *Feed
	after eventschema.Position
}

func (a afterFeed) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	s := &subscriber{feed: a.feed, topic: topic, at: Checkpoint{Position: a.after}, unknown: a.after != eventschema.Position{}}
	s.resume = func(context.Context, string) (Checkpoint, error) { return s.at, nil }
	return a.feed.subscribe(ctx, s)
}

// Close has nothing to close: the context of Subscribe ends the subscription.
func (a afterFeed) Close() error { return nil }

// subscriber is one subscription.
type subscriber struct {
	feed   *Feed
	topic  string
	resume func(ctx context.Context, topic string) (Checkpoint, error)
	out    chan *message.Message

	at      Checkpoint // the last page acknowledged, or where it resumed
	unknown bool       // the event there is known to the reader alone
	era     int        // of the feed when it resumed
	epoch   uint64     // of the log then; 0: it never resumed
	own     *ownReading
	pause   backoff
}

func (f *Feed) subscribe(ctx context.Context, s *subscriber) (<-chan *message.Message, error) {
	f.mu.Lock()
	switch {
	case f.closed:
		f.mu.Unlock()
		return nil, ErrClosed
	case f.recent == nil:
		f.mu.Unlock()
		return nil, errors.New("the feed is not started")
	}
	f.work.Add(1)
	f.mu.Unlock()

	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(f.ctx, cancel)
	end := func() {
		stop()
		cancel()
		f.work.Done()
	}
	if err := s.takeUp(ctx); err != nil {
		end()
		return nil, fmt.Errorf("subscribe to the feed: %w", err)
	}
	s.out = make(chan *message.Message)
	go func() {
		defer end()
		defer close(s.out)
		defer s.stopOwn()
		s.run(ctx)
	}()
	return s.out, nil
}

// takeUp asks for the checkpoint and compares it with the log.
func (s *subscriber) takeUp(ctx context.Context) error {
	s.stopOwn()
	// Before the log is asked, so that a later replacement is noticed.
	era, epoch := s.feed.recent.after(s.at.Position, 0).era, s.feed.Log.Epoch()
	if s.unknown && s.epoch != 0 && (era != s.era || epoch != s.epoch) {
		return fmt.Errorf("%w, perhaps: the reader has to look", ErrLogReplaced)
	}
	at, err := s.resume(ctx, s.topic)
	if err != nil {
		return fmt.Errorf("read the checkpoint: %w", err)
	}
	if err := s.feed.verify(ctx, at); err != nil {
		return err
	}
	s.at, s.era, s.epoch = at, era, epoch
	return nil
}

// errAgain has a subscriber resume from its checkpoint: a nack, or a log that was replaced.
var errAgain = errors.New("resume from the checkpoint")

// run delivers page after page until ctx ends or the log turns out to be another one.
func (s *subscriber) run(ctx context.Context) {
	for ctx.Err() == nil {
		page, err := s.next(ctx)
		if err == nil {
			err = s.deliver(ctx, page)
		}
		if err == nil {
			s.at, s.unknown = Checkpoint{page.Last().Position, page.Last().ID}, false
			s.pause = backoff{}
			continue
		}
		for ctx.Err() == nil {
			s.pause.wait(ctx)
			err := s.takeUp(ctx)
			if err == nil {
				break
			}
			if errors.Is(err, ErrLogReplaced) {
				slog.Warn("a subscription to the feed ended", "topic", s.topic, "error", err)
				return
			}
			if ctx.Err() == nil {
				slog.Warn("a subscription to the feed cannot resume yet", "topic", s.topic, "error", err)
			}
		}
	}
}

// next waits for the page after the checkpoint: from memory, or, further back, from a reading of its own.
func (s *subscriber) next(ctx context.Context) (eventschema.Page, error) {
	for {
		if s.own == nil {
			w := s.feed.recent.after(s.at.Position, s.feed.PageSize)
			switch {
			case w.era != s.era:
				return nil, errAgain
			case len(w.events) > 0:
				return w.events, nil
			case !w.covered:
				s.own = s.feed.readOwn(ctx, s.at.Position)
				continue
			}
			select {
			case <-w.changed:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			continue
		}
		select {
		case page, more := <-s.own.pages:
			if s.feed.recent.after(s.at.Position, 0).era != s.era || s.feed.Log.Epoch() != s.epoch {
				return nil, errAgain // a page from another connection may be from another log, which the feed may not have noticed yet
			}
			if more {
				return page, nil
			}
			err := s.own.err
			s.stopOwn()
			if err != nil && ctx.Err() == nil {
				slog.Warn("a subscription to the feed cannot catch up yet", "topic", s.topic, "error", err)
				s.pause.wait(ctx)
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// deliver sends a page and waits for its ack.
func (s *subscriber) deliver(ctx context.Context, page eventschema.Page) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := message.NewMessage(page.Last().ID.String(), nil)
	m.SetContext(context.WithValue(ctx, pageKey{}, page))
	select {
	case s.out <- m:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-m.Acked():
		return nil
	case <-m.Nacked():
		return errAgain
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ownReading reads the log for one subscriber that stands before what the feed keeps in memory.
type ownReading struct {
	pages  chan eventschema.Page // closed at the end
	err    error                 // why it ended; to be read once pages is closed
	cancel context.CancelFunc
}

// readOwn brings pages after a position until the feed's memory begins, or to the log's end as of now: those that another subscriber has read, and
// the rest from the log.
func (f *Feed) readOwn(ctx context.Context, after eventschema.Position) *ownReading {
	ctx, cancel := context.WithCancel(ctx)
	o := &ownReading{pages: make(chan eventschema.Page, 1), cancel: cancel}
	f.history.join()
	go func() {
		defer close(o.pages)
		defer f.history.leave()
		for ctx.Err() == nil && !f.recent.covers(after) {
			page, found := f.history.after(ctx, after)
			if !found {
				last, err := f.readOn(ctx, o, after)
				if err != nil || last == after {
					o.err = err
					return // what there is has been read
				}
				after = last
				continue
			}
			if o.err = o.hand(ctx, page); o.err != nil {
				return
			}
			after = page.Last().Position
		}
	}()
	return o
}

// readOn reads the log itself, and leaves what it reads for others, until it meets what another has read. It answers how far it came.
func (f *Feed) readOn(ctx context.Context, o *ownReading, after eventschema.Position) (eventschema.Position, error) {
	came := f.history.announce(after)
	defer func() { came(nil) }()
	err := f.Reader().ReadAll(ctx, after, func(page eventschema.Page) error {
		for len(page) > 0 {
			n := min(len(page), f.PageSize)
			came(page[:n:n])
			after = page[n-1].Position
			came = f.history.announce(after)
			if err := o.hand(ctx, page[:n:n]); err != nil {
				return err
			}
			page = page[n:]
		}
		if f.recent.covers(after) || f.history.has(after) {
			return eventschema.ErrStop
		}
		return nil
	})
	return after, err
}

// hand gives the subscriber a page.
func (o *ownReading) hand(ctx context.Context, page eventschema.Page) error {
	select {
	case o.pages <- page:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stopOwn ends the subscriber's own reading, if there is one.
func (s *subscriber) stopOwn() {
	if s.own == nil {
		return
	}
	s.own.cancel()
	for range s.own.pages { // until it has ended
	}
	s.own = nil
}
