package eventlog

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// Those who begin at the same place far back share what is read, and get all of it in order; nothing is kept once they have caught up.
func TestCatchingUpIsShared(t *testing.T) {
	t.Parallel()
	l := openLog(t, storeURL(t), Options{})
	s := newSeries(t, l)
	first := s.append(1)
	for range 30 {
		s.append(100)
	}
	counting := &countingCodec{Codec: codec}
	f := startFeed(t, FeedConfig{Log: l, Codec: counting, Window: 16, PageSize: 50})
	f.history.wait = time.Minute // who waited in vain would read by itself
	const readers = 8
	got := make([][]int64, readers)
	var all sync.WaitGroup
	for i := range readers {
		r := follow(t, f.After(first.Position), "reader")
		all.Go(func() { got[i] = collect(r.pages, s, 3000) })
	}
	all.Wait()
	for i := range got {
		if !slices.Equal(got[i], upTo(3001)[1:]) {
			t.Errorf("reader %d got %d events", i, len(got[i]))
		}
	}
	if n := counting.events.Load(); storeIsOurs() && n > readers*3000/2 {
		t.Errorf("%d events were decoded for %d readers of 3000", n, readers)
	}
	eventually(t, "what was read for those behind is forgotten", func() bool {
		f.history.mu.Lock()
		defer f.history.mu.Unlock()
		return len(f.history.pages) == 0 && len(f.history.order) == 0 && len(f.history.coming) == 0
	})
}

// collect acknowledges pages until n numbers of a series have come, or none comes any more.
func collect(pages <-chan *message.Message, s *series, n int) (got []int64) {
	for len(got) < n {
		select {
		case m, open := <-pages:
			if !open {
				return got
			}
			for _, e := range PageOf(m) {
				if number, ok := s.numberOf(e); ok {
					got = append(got, number)
				}
			}
			m.Ack()
		case <-time.After(soon):
			return got
		}
	}
	return got
}

// Whoever reads may be held up by its own subscriber; the others do not wait for it for long.
func TestCatchingUpWaitsForNobody(t *testing.T) {
	t.Parallel()
	h := newHistory()
	at := eventschema.Position{Commit: 1, Prepare: 1}
	came := h.announce(at)
	began := time.Now()
	if _, found := h.after(t.Context(), at); found || time.Since(began) < historyWait {
		t.Errorf("nothing had come after %v", time.Since(began))
	}
	other := h.announce(at)
	page := eventschema.Page{{Stored: eventschema.Stored{Position: eventschema.Position{Commit: 2, Prepare: 2}}}}
	other(page)
	if got, found := h.after(t.Context(), at); !found || len(got) != 1 {
		t.Error("the page that came is not there")
	}
	came(nil) // the first one gave up
	if _, found := h.after(t.Context(), page.Last().Position); found {
		t.Error("a page that nobody read is there")
	}
	long := eventschema.Page{eventAt(21), eventAt(22), eventAt(23)}
	h.announce(eventAt(20).Position)(long)
	if got, found := h.after(t.Context(), eventAt(22).Position); !found || len(got) != 1 || got[0].Position != eventAt(23).Position {
		t.Errorf("from within a page: %v", got)
	}
	for _, p := range []uint64{19, 23} {
		if got, found := h.after(t.Context(), eventAt(p).Position); found {
			t.Errorf("after %d nobody has read, and yet %v is there", p, got)
		}
	}
	for i := range uint64(2 * historyPages) {
		p := eventschema.Position{Commit: 100 + i, Prepare: 100 + i}
		h.announce(p)(page)
	}
	if len(h.pages) != historyPages || len(h.order) != historyPages {
		t.Errorf("%d pages are kept, %d in order", len(h.pages), len(h.order))
	}
}

func eventAt(p uint64) eventschema.Recorded {
	return eventschema.Recorded{Stored: eventschema.Stored{Position: eventschema.Position{Commit: p, Prepare: p}}}
}
