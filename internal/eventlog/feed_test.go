package eventlog

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/esnode/escluster"
)

// countingCodec counts what is decoded.
type countingCodec struct {
	*eventschema.Codec
	events atomic.Int64
}

func (c *countingCodec) DecodePage(ctx context.Context, stored []eventschema.Stored) (eventschema.Page, error) {
	page, err := c.Codec.DecodePage(ctx, stored)
	c.events.Add(int64(len(page)))
	return page, err
}

func startFeed(t testing.TB, c FeedConfig) *Feed {
	t.Helper()
	if c.Codec == nil {
		c.Codec = codec
	}
	f := NewFeed(c)
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// follower is a subscriber of a test.
type follower struct {
	t     testing.TB
	pages <-chan *message.Message
}

func follow(t testing.TB, s message.Subscriber, topic string) *follower {
	t.Helper()
	pages, err := s.Subscribe(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return &follower{t, pages}
}

func (f *follower) next() *message.Message {
	f.t.Helper()
	select {
	case m, open := <-f.pages:
		if !open {
			f.t.Fatal("the subscription ended")
		}
		return m
	case <-time.After(soon):
		f.t.Fatal("no page came")
		return nil
	}
}

// numbers reads and acknowledges pages until it has n numbers of a series. Positions must grow all the way.
func (f *follower) numbers(s *series, n int) []int64 {
	f.t.Helper()
	var got []int64
	var last eventschema.Position
	for len(got) < n {
		m := f.next()
		for _, e := range PageOf(m) {
			if !e.Position.After(last) {
				f.t.Errorf("%v comes after %v", e.Position, last)
			}
			last = e.Position
			if number, ok := s.numberOf(e); ok {
				got = append(got, number)
			}
		}
		m.Ack()
	}
	return got
}

func upTo(n int) []int64 {
	var all []int64
	for i := range n {
		all = append(all, int64(i))
	}
	return all
}

func TestFeedGoesFromHistoryToLive(t *testing.T) {
	t.Parallel()
	l := openLog(t, storeURL(t), Options{})
	s := newSeries(t, l)
	begin, err := l.Newest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const old, live = 2500, 50
	for range old / 100 {
		s.append(100)
	}
	f := startFeed(t, FeedConfig{Log: l, Window: 64})
	reader := follow(t, f.After(begin), "reader")
	m := reader.next()
	if n := len(PageOf(m)); n == 0 || n > 1000 {
		t.Errorf("the first page has %d events", n)
	}
	select {
	case <-reader.pages:
		t.Error("a page came before the ack of the one before")
	case <-time.After(50 * time.Millisecond):
	}
	var got []int64
	for _, e := range PageOf(m) {
		if number, ok := s.numberOf(e); ok {
			got = append(got, number)
		}
	}
	m.Ack()
	got = append(got, reader.numbers(s, old-len(got))...)
	for range live {
		s.append(1)
	}
	got = append(got, reader.numbers(s, live)...)
	if !slices.Equal(got, upTo(old+live)) {
		t.Errorf("%d events came, or not in order", len(got))
	}
}

// However many follow, a live event is read and decoded once.
func TestFeedDecodesOncePerProcess(t *testing.T) {
	t.Parallel()
	l := openLog(t, storeURL(t), Options{})
	s := newSeries(t, l)
	s.append(1)
	counting := &countingCodec{Codec: codec}
	f := startFeed(t, FeedConfig{Log: l, Codec: counting})
	var readers []*follower
	for range 20 {
		readers = append(readers, follow(t, f.After(f.Head()), "reader"))
	}
	for range 30 {
		s.append(2)
	}
	for _, r := range readers {
		if got := r.numbers(s, 60); len(got) != 60 || got[0] != 1 {
			t.Errorf("%d events came, from number %d on", len(got), got[0])
		}
	}
	if n := counting.events.Load(); storeIsOurs() && n != 60 {
		t.Errorf("%d events were decoded, 60 written", n)
	}
}

// One who does not acknowledge holds nobody up, and reads by itself what the feed has let go of meanwhile.
func TestFeedWaitsForNobody(t *testing.T) {
	t.Parallel()
	l := openLog(t, storeURL(t), Options{})
	s := newSeries(t, l)
	f := startFeed(t, FeedConfig{Log: l, Window: 16})
	slow, fast := follow(t, f.After(f.Head()), "slow"), follow(t, f.After(f.Head()), "fast")
	s.append(1)
	held := slow.next()
	for range 50 {
		s.append(4)
	}
	if got := fast.numbers(s, 201); !slices.Equal(got, upTo(201)) {
		t.Errorf("the fast one got %v", got)
	}
	held.Ack()
	if got := slow.numbers(s, 200); !slices.Equal(got, upTo(201)[1:]) {
		t.Errorf("the slow one got %v", got)
	}
}

func TestNackResumesFromTheCheckpoint(t *testing.T) {
	t.Parallel()
	l := openLog(t, storeURL(t), Options{})
	s := newSeries(t, l)
	var mu sync.Mutex
	var stored Checkpoint
	asked := 0
	f := startFeed(t, FeedConfig{Log: l, Resume: func(_ context.Context, topic string) (Checkpoint, error) {
		mu.Lock()
		defer mu.Unlock()
		if asked++; topic != "model" {
			t.Errorf("asked for %s", topic)
		}
		if asked == 2 {
			return Checkpoint{}, errors.New("the database is away")
		}
		return stored, nil
	}})
	head := f.Head()
	stored.Position = head
	reader := follow(t, f, "model")
	s.append(3)
	if got := reader.numbers(s, 3); !slices.Equal(got, upTo(3)) {
		t.Errorf("first got %v", got)
	}
	s.append(1)
	m := reader.next() // applied, but its checkpoint is not stored: everything since the stored one comes again
	m.Nack()
	if got := reader.numbers(s, 4); !slices.Equal(got, upTo(4)) {
		t.Errorf("after the nack got %v", got)
	}
	mu.Lock()
	defer mu.Unlock()
	if asked != 3 {
		t.Errorf("asked %d times where to resume", asked)
	}
}

func TestNackWithoutCheckpointGoesBackOnePage(t *testing.T) {
	t.Parallel()
	l := openLog(t, storeURL(t), Options{})
	s := newSeries(t, l)
	f := startFeed(t, FeedConfig{Log: l})
	reader := follow(t, f.After(f.Head()), "reader")
	s.append(2)
	if got := reader.numbers(s, 2); !slices.Equal(got, upTo(2)) {
		t.Errorf("first got %v", got)
	}
	s.append(1)
	for range 3 {
		m := reader.next()
		if PageOf(m).Last().Stream == s.stream {
			m.Nack()
		} else {
			m.Ack()
		}
	}
	if got := reader.numbers(s, 1); !slices.Equal(got, []int64{2}) {
		t.Errorf("after three nacks got %v", got)
	}
}

// A reader that compares its checkpoint by itself is told to look again, also when nothing has come to it yet: the log behind a feed becomes
// another one, or shorter, while all stand at its end.
func TestReadersAreToldOfAnotherLog(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]bool{"another log": false, "an older copy": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t)
			l := openLog(t, server.url(), Options{})
			s := newSeries(t, l)
			s.append(3)
			copied := t.TempDir()
			server.stop()
			if keep {
				if err := os.CopyFS(copied, os.DirFS(server.dir)); err != nil {
					t.Fatal(err)
				}
			}
			server.start()
			s.append(2)
			replaced := make(chan struct{}, 1)
			f := startFeed(t, FeedConfig{Log: l, Replaced: func() { replaced <- struct{}{} }})
			reader := follow(t, f.After(f.Head()), "reader") // gets nothing
			server.stop()
			server.dir = copied
			server.start()
			select {
			case m, open := <-reader.pages:
				if open {
					t.Errorf("an event of the other log came: %v", PageOf(m))
				}
			case <-time.After(soon):
				t.Error("the subscription did not end")
			}
			select {
			case <-replaced:
			case <-time.After(soon):
				t.Error("nobody was told")
			}
		})
	}
}

// A reading that goes on over another connection notices that the log has become another one.
func TestAReadingDoesNotGoOnInAnotherLog(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	l := openLog(t, server.url(), Options{})
	s := newSeries(t, l)
	const all = 10_000 // more than what is under way between server and reader at once
	for range all / 100 {
		s.append(100)
	}
	seen := 0
	err := l.readBatches(t.Context(), eventschema.Position{}, func(batch []eventschema.Stored) error {
		if seen == 0 {
			server.stop()
			server.dir = t.TempDir()
			server.start()
			again := newSeries(t, openLog(t, server.url(), Options{}))
			for range all / 100 {
				again.append(100)
			}
		}
		seen += len(batch)
		return nil
	})
	if !errors.Is(err, ErrLogReplaced) || seen >= all {
		t.Errorf("read %d events: %v", seen, err)
	}
}

// What stands at a position is asked of the leader, also by a log that reads a follower: that one lags, or has what another leader never had.
func TestTheLeaderIsAskedWhatStandsAtAPosition(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{})
	leader := openLog(t, c.ConnectionString(), Options{})
	s := newSeries(t, leader)
	s.append(1)
	if err := c.AwaitWhole(t.Context()); err != nil {
		t.Fatal(err)
	}
	lags := c.Followers()[0]
	c.Hold(lags, true)
	after := s.append(1)
	follower := openLog(t, c.MemberString(lags), Options{Followers: true, Leader: leader})
	shown := 0
	if err := follower.readForwards(t.Context(), s.stream, 0, func(eventschema.Stored) error { shown++; return nil }); err != nil || shown != 1 {
		t.Fatalf("the follower does not lag: %d events, %v", shown, err)
	}
	if newest, err := follower.Newest(t.Context()); err != nil || newest != after.Position {
		t.Errorf("the log ends at %v, not at %v: %v", newest, after.Position, err)
	}
	e, found, err := follower.EventAt(t.Context(), after.Position)
	if err != nil || !found || e.Stream != s.stream || e.Revision != after.Revision {
		t.Errorf("at the leader's newest position is %+v %v %v", e, found, err)
	}
}

func TestAReplacedLogIsNoticed(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	l := openLog(t, server.url(), Options{})
	s := newSeries(t, l)
	a := s.append(1)
	at := Checkpoint{}
	f := startFeed(t, FeedConfig{Log: l, Resume: func(context.Context, string) (Checkpoint, error) { return at, nil }})
	for what, c := range map[string]Checkpoint{
		"another event":  {a.Position, uuid.New()},
		"no event there": {eventschema.Position{Commit: a.Position.Commit + 1000, Prepare: a.Position.Prepare + 1000}, uuid.New()},
	} {
		at = c
		if _, err := f.Subscribe(t.Context(), "model"); !errors.Is(err, ErrLogReplaced) {
			t.Errorf("%s: %v", what, err)
		}
	}
	at = Checkpoint{}
	live := follow(t, f, "model")
	if got := live.numbers(s, 1); !slices.Equal(got, upTo(1)) {
		t.Errorf("got %v", got)
	}
	e, _, err := l.EventAt(t.Context(), a.Position)
	if err != nil {
		t.Fatal(err)
	}
	at = Checkpoint{a.Position, e.ID}

	// Another, longer log comes up at the same address while all are connected.
	server.stop()
	server.dir = t.TempDir()
	server.start()
	other := newSeries(t, l)
	other.append(5)
	select {
	case m, open := <-live.pages:
		if open {
			t.Errorf("an event of the other log came: %v", PageOf(m))
		}
	case <-time.After(soon):
		t.Error("the subscription did not end")
	}
	at = Checkpoint{}
	if got := follow(t, f, "model").numbers(other, 5); !slices.Equal(got, upTo(5)) {
		t.Errorf("from the other log came %v", got)
	}
}

// The node goes away and comes back, several times; nothing is missing and nothing comes twice.
func TestFeedSubscribesAgain(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	l := openLog(t, server.url(), Options{RetryFor: soon})
	s := newSeries(t, l)
	f := startFeed(t, FeedConfig{Log: l, Window: 8})
	begin := f.Head()
	live := follow(t, f.After(begin), "live")
	const all = 300
	var wrote sync.WaitGroup
	wrote.Go(func() {
		for range all {
			s.append(1)
		}
	})
	var got []int64
	for round := range 3 {
		got = append(got, live.numbers(s, min(50, all-len(got)))...) // or more: as many as the last page holds
		before := l.Epoch()
		server.stop()
		if round == 1 {
			eventually(t, "the loss is noticed", func() bool { return l.Epoch() != before })
		}
		server.start()
	}
	got = append(got, live.numbers(s, all-len(got))...)
	wrote.Wait()
	if !slices.Equal(got, upTo(all)) {
		t.Errorf("got %v", got)
	}
	if got := follow(t, f.After(begin), "late").numbers(s, all); !slices.Equal(got, upTo(all)) {
		t.Errorf("read again: %v", got)
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	l := openLog(t, storeURL(t), Options{})
	s := newSeries(t, l)
	before := s.append(1)
	f := startFeed(t, FeedConfig{Log: l})
	if before.Position.After(f.Head()) {
		t.Errorf("a feed started at the end has its head at %v, before %v", f.Head(), before.Position)
	}
	after := s.append(1)
	if err := f.WaitHead(t.Context(), after.Position); err != nil || after.Position.After(f.Head()) {
		t.Errorf("%v, head at %v", err, f.Head())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	far := eventschema.Position{Commit: after.Position.Commit + 1<<40}
	if err := f.WaitHead(ctx, far); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waited for what does not come: %v", err)
	}
}

// An event that cannot be decoded comes with its reason, between its neighbours.
func TestAnEventAtFaultIsDelivered(t *testing.T) {
	t.Parallel()
	l := openLog(t, storeURL(t), Options{})
	s := newSeries(t, l)
	f := startFeed(t, FeedConfig{Log: l})
	reader := follow(t, f.After(f.Head()), "reader")
	bad := s.proposed(3)
	bad[1].Type = "numbering.painted.v1"
	if _, err := l.Append(t.Context(), s.stream, eventschema.NoStream, bad); err != nil {
		t.Fatal(err)
	}
	var faults []bool
	for len(faults) < 3 {
		m := reader.next()
		for _, e := range PageOf(m) {
			if e.Stream == s.stream {
				faults = append(faults, errors.Is(e.Err, eventschema.ErrUnknownType) && e.Event == nil)
			}
		}
		m.Ack()
	}
	if !slices.Equal(faults, []bool{false, true, false}) {
		t.Errorf("faults: %v", faults)
	}
}

// A feed that cannot ask for keys waits until it can; it forgets the keys of whoever was erased.
func TestFeedAndKeys(t *testing.T) {
	t.Parallel()
	l := openLog(t, storeURL(t), Options{})
	keys := &memoryKeys{away: true}
	sealing := eventschema.NewCodec(keys)
	f := startFeed(t, FeedConfig{Log: l, Codec: sealing})
	reader := follow(t, f.After(f.Head()), "reader")
	id, key := uuid.New(), uuid.New()
	stream := eventschema.BookingStream(id)
	meta := eventschema.Meta{CommandID: uuid.New(), Actor: domain.Actor{Role: domain.System}, RecordedAt: time.Now()}
	var events []eventschema.Proposed
	for i, e := range []any{
		booking.MessagePosted{Key: key, Job: uuid.New(), ID: uuid.New(), Text: "hello"},
		booking.PersonErased{Keys: []uuid.UUID{key}, Reason: "request"},
	} {
		p, err := sealing.Encode(t.Context(), stream, e, meta, i)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, p)
	}
	if _, err := l.Append(t.Context(), stream, eventschema.NoStream, events); err != nil {
		t.Fatal(err)
	}
	select {
	case <-reader.pages:
		t.Fatal("a page came though its keys could not be asked")
	case <-time.After(100 * time.Millisecond):
	}
	keys.setAway(false)
	var texts []string
	for erased := false; !erased; {
		m := reader.next()
		for _, e := range PageOf(m) {
			if e.Stream != stream {
				continue
			}
			if posted, ok := e.Event.(booking.MessagePosted); ok {
				texts = append(texts, posted.Text.Reveal())
			}
			erased = erased || eventschema.ErasedKeys(e.Event) != nil
		}
		m.Ack()
	}
	if !slices.Equal(texts, []string{"hello"}) || !slices.Equal(keys.forgot(), []uuid.UUID{key}) {
		t.Errorf("texts %v, forgotten %v", texts, keys.forgot())
	}
}

func TestSubscriptionsEnd(t *testing.T) {
	t.Parallel()
	l := openLog(t, storeURL(t), Options{})
	s := newSeries(t, l)
	s.append(10)
	f := NewFeed(FeedConfig{Log: l, Codec: codec})
	if _, err := f.After(eventschema.Position{}).Subscribe(t.Context(), "early"); err == nil {
		t.Error("a feed that is not started took a subscription")
	}
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Subscribe(t.Context(), "model"); err == nil {
		t.Error("a feed without checkpoints took a subscription by topic")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := func(what string, pages <-chan *message.Message) {
		late := time.After(soon)
		for {
			select {
			case _, open := <-pages:
				if !open {
					return
				}
			case <-late:
				t.Fatalf("%s did not end", what)
			}
		}
	}
	var mine, others []<-chan *message.Message
	for _, from := range []eventschema.Position{{}, f.Head()} { // reading by itself, and live
		for range 2 { // one waits to hand over its page, one for the ack
			pages, err := f.After(from).Subscribe(ctx, "mine")
			if err != nil {
				t.Fatal(err)
			}
			mine = append(mine, pages)
			if pages, err = f.After(from).Subscribe(t.Context(), "other"); err != nil {
				t.Fatal(err)
			}
			others = append(others, pages)
		}
	}
	held := (&follower{t, mine[0]}).next()
	heldOther := (&follower{t, others[0]}).next()
	cancel()
	for _, pages := range mine {
		ended("a subscription whose context ended", pages)
	}
	select {
	case <-held.Context().Done():
	case <-time.After(soon):
		t.Error("the context of a page outlives its subscription")
	}
	if heldOther.Context().Err() != nil {
		t.Error("the end of one subscription ended another")
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	for _, pages := range others {
		ended("a subscription of a closed feed", pages)
	}
	if _, err := f.After(eventschema.Position{}).Subscribe(t.Context(), "late"); !errors.Is(err, ErrClosed) {
		t.Errorf("subscribed to a closed feed: %v", err)
	}
	if PageOf(message.NewMessage("x", nil)) != nil {
		t.Error("a message from elsewhere has a page")
	}
}

func TestReaderReadsToTheEnd(t *testing.T) {
	t.Parallel()
	l := openLog(t, storeURL(t), Options{})
	s := newSeries(t, l)
	begin, err := l.Newest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 15 {
		s.append(100)
	}
	r := Reader{Log: l, Codec: codec}
	var got []int64
	var last eventschema.Recorded
	err = r.ReadAll(t.Context(), begin, func(page eventschema.Page) error {
		if len(page) == 0 || len(page) > 1000 {
			t.Errorf("a page of %d", len(page))
		}
		for _, e := range page {
			if number, ok := s.numberOf(e); ok {
				got = append(got, number)
			}
		}
		last = page.Last()
		return nil
	})
	if err != nil || !slices.Equal(got, upTo(1500)) {
		t.Errorf("%d events, %v", len(got), err)
	}
	if id, err := r.EventAt(t.Context(), last.Position); err != nil || id != last.ID {
		t.Errorf("at the last position lies %v, %v", id, err)
	}
	if id, err := r.EventAt(t.Context(), eventschema.Position{Commit: last.Position.Commit + 1<<40, Prepare: last.Position.Prepare + 1<<40}); err != nil || id != uuid.Nil {
		t.Errorf("beyond the end lies %v, %v", id, err)
	}
	if at, err := r.Newest(t.Context()); err != nil || last.Position.After(at) {
		t.Errorf("the newest is at %v, %v", at, err)
	}
}
