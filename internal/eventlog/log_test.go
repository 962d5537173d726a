package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/eventschema"
)

func revisions(t testing.TB, l *Log, stream string, from uint64) []uint64 {
	t.Helper()
	all := []uint64{}
	err := l.ReadStream(context.Background(), stream, from, func(e eventschema.Stored) error {
		all = append(all, e.Revision)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAppendAndRead(t *testing.T) {
	t.Parallel()
	l := openLog(t, storeURL(t), Options{})
	s := newSeries(t, l)

	if got := revisions(t, l, s.stream, 0); len(got) != 0 {
		t.Errorf("a stream that does not exist has the events %v", got)
	}
	first := s.append(3)
	if first.Revision != 2 || first.Position == (eventschema.Position{}) {
		t.Errorf("three events in an empty stream are acknowledged as %+v", first)
	}
	second := s.append(2)
	if second.Revision != 4 || !second.Position.After(first.Position) {
		t.Errorf("two more are acknowledged as %+v after %+v", second, first)
	}
	if got := revisions(t, l, s.stream, 0); !slices.Equal(got, []uint64{0, 1, 2, 3, 4}) {
		t.Errorf("read from the beginning: %v", got)
	}
	if got := revisions(t, l, s.stream, 3); !slices.Equal(got, []uint64{3, 4}) {
		t.Errorf("read from 3: %v", got)
	}
	if got := revisions(t, l, s.stream, 5); len(got) != 0 {
		t.Errorf("read from past the end: %v", got)
	}

	var back []uint64
	err := l.ReadStreamBackwards(t.Context(), s.stream, func(e eventschema.Stored) error {
		back = append(back, e.Revision)
		return nil
	})
	if err != nil || !slices.Equal(back, []uint64{4, 3, 2, 1, 0}) {
		t.Errorf("backwards: %v, %v", back, err)
	}
	if err := l.ReadStreamBackwards(t.Context(), newSeries(t, l).stream, func(eventschema.Stored) error { return errors.New("called") }); err != nil {
		t.Errorf("backwards through nothing: %v", err)
	}
}

func TestStoredIsWhatWasProposed(t *testing.T) {
	t.Parallel()
	l := openLog(t, storeURL(t), Options{})
	s := newSeries(t, l)
	proposed := s.proposed(1)[0]
	a, err := l.Append(t.Context(), s.stream, eventschema.NoStream, []eventschema.Proposed{proposed})
	if err != nil {
		t.Fatal(err)
	}
	want := eventschema.Stored{
		Stream: s.stream, Position: a.Position, ID: proposed.ID, Type: proposed.Type, Data: proposed.Data, Metadata: proposed.Metadata,
	}
	err = l.ReadStream(t.Context(), s.stream, 0, func(e eventschema.Stored) error {
		if fmt.Sprint(e) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", e, want)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	at, found, err := l.EventAt(t.Context(), a.Position)
	if err != nil || !found || fmt.Sprint(at) != fmt.Sprint(want) {
		t.Errorf("at its position lies %v, %v, %v", at, found, err)
	}
}

func TestACallbackEndsARead(t *testing.T) {
	t.Parallel()
	l := openLog(t, storeURL(t), Options{})
	s := newSeries(t, l)
	s.append(200)
	enough := errors.New("enough")
	for _, stop := range []error{eventschema.ErrStop, enough, context.DeadlineExceeded} {
		calls := 0
		f := func(e eventschema.Stored) error {
			if calls++; calls == 3 {
				return stop
			}
			return nil
		}
		want := stop
		if stop == eventschema.ErrStop {
			want = nil
		}
		if err := l.ReadStream(t.Context(), s.stream, 0, f); !errors.Is(err, want) || calls != 3 {
			t.Errorf("forwards, %v: %v after %d calls", stop, err, calls)
		}
		calls = 0
		if err := l.ReadStreamBackwards(t.Context(), s.stream, f); !errors.Is(err, want) || calls != 3 {
			t.Errorf("backwards, %v: %v after %d calls", stop, err, calls)
		}
		calls = 0
		if err := l.ReadAll(t.Context(), eventschema.Position{}, f); !errors.Is(err, want) || calls != 3 {
			t.Errorf("all, %v: %v after %d calls", stop, err, calls)
		}
	}
}

func TestConflictsAndRepeats(t *testing.T) {
	t.Parallel()
	l := openLog(t, storeURL(t), Options{})
	s := newSeries(t, l)
	events := s.proposed(2)
	appendAt := func(expected int64, events []eventschema.Proposed) (eventschema.Appended, error) {
		return l.Append(t.Context(), s.stream, expected, events)
	}
	first, err := appendAt(eventschema.NoStream, events)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := appendAt(eventschema.NoStream, events); err != nil || again != first {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	other := s.proposed(1)
	if _, err := appendAt(eventschema.NoStream, other); !errors.Is(err, eventschema.ErrConflict) {
		t.Errorf("others at the same place: %v", err)
	}
	if _, err := appendAt(7, other); !errors.Is(err, eventschema.ErrConflict) {
		t.Errorf("ahead of the stream: %v", err)
	}
	if _, err := appendAt(1, other); err != nil {
		t.Errorf("at the end: %v", err)
	}
	if again, err := appendAt(eventschema.NoStream, events); err != nil || again != first {
		t.Errorf("the same again, after others: %+v, %v", again, err)
	}
	if got := revisions(t, l, s.stream, 0); len(got) != 3 {
		t.Errorf("the stream holds %v", got)
	}
	for _, bad := range []int64{-2, -4} { // what the store takes for "any" and "exists"
		if _, err := appendAt(bad, s.proposed(1)); err == nil {
			t.Errorf("expected revision %d was accepted", bad)
		}
	}
	if _, err := appendAt(2, nil); err == nil {
		t.Error("an append of nothing was accepted")
	}
	large := s.proposed(1)
	large[0].Data = fmt.Appendf(nil, "%q", make([]byte, eventschema.MaxAppend))
	if _, err := appendAt(2, large); !errors.Is(err, eventschema.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	large[0].Data = append(append([]byte(`"`), make([]byte, eventschema.MaxAppend-eventschema.Size(large[:0])-2000)...), '"')
	if _, err := appendAt(2, large); err != nil {
		t.Errorf("as large as may be: %v", err)
	}
}

// All events of ours come, in order, and nothing of anybody else's.
func TestReadAllSeesOursOnly(t *testing.T) {
	t.Parallel()
	l := openLog(t, storeURL(t), Options{})
	s := newSeries(t, l)
	start := s.append(1)
	for range 3 {
		s.append(2)
		foreign := s.proposed(1)
		if _, err := l.Append(t.Context(), foreignStream(), eventschema.NoStream, foreign); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(t.Context(), "agency-"+uuid.NewString(), eventschema.NoStream, foreign); err != nil { // begins like ours
			t.Fatal(err)
		}
	}
	var got []uint64
	last := start.Position
	err := l.ReadAll(t.Context(), start.Position, func(e eventschema.Stored) error {
		if !e.Position.After(last) {
			t.Errorf("%v comes after %v", e.Position, last)
		}
		last = e.Position
		if !eventschema.Ours(e.Stream) {
			t.Errorf("an event of %s", e.Stream)
		}
		if e.Stream == s.stream {
			got = append(got, e.Revision)
		}
		return nil
	})
	if err != nil || !slices.Equal(got, []uint64{1, 2, 3, 4, 5, 6}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestNewestPassesOthersBy(t *testing.T) {
	t.Parallel()
	l := openLog(t, storeURL(t), Options{})
	s := newSeries(t, l)
	mine := s.append(1)
	foreign := foreignStream()
	for i := range 40 {
		if _, err := l.Append(t.Context(), foreign, int64(i)-1, s.proposed(1)); err != nil {
			t.Fatal(err)
		}
	}
	at, err := l.Newest(t.Context())
	if err != nil || mine.Position.After(at) {
		t.Fatalf("the newest is at %v, %v; mine is at %v", at, err, mine.Position)
	}
	e, found, err := l.EventAt(t.Context(), at)
	if err != nil || !found || !eventschema.Ours(e.Stream) {
		t.Errorf("there lies %v of %s, %v", found, e.Stream, err)
	}
	calls := 0
	if err := l.ReadAll(t.Context(), at, func(eventschema.Stored) error { calls++; return eventschema.ErrStop }); err != nil {
		t.Error(err)
	}
	far := eventschema.Position{Commit: at.Commit + 1<<40, Prepare: at.Prepare + 1<<40}
	if _, found, err := l.EventAt(t.Context(), far); err != nil || found {
		t.Errorf("beyond the end lies something: %v, %v", found, err)
	}
}

func TestNewestOfAnEmptyLog(t *testing.T) {
	t.Parallel()
	l := openLog(t, startServer(t).url(), Options{})
	if at, err := l.Newest(t.Context()); err != nil || at != (eventschema.Position{}) {
		t.Errorf("got %v, %v", at, err)
	}
	if err := l.ReadAll(t.Context(), eventschema.Position{}, func(eventschema.Stored) error { return errors.New("called") }); err != nil {
		t.Error(err)
	}
}

// The server has written the events, but its answer is lost with the connection: they are sent again and stand there once.
func TestALostAnswerWritesOnce(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	direct := openLog(t, server.url(), Options{})
	lossy := startProxy(t, server.addr)
	l := openLog(t, lossy.url(), Options{})
	s := newSeries(t, l)
	s.append(1)
	epoch := l.Epoch()

	lossy.swallow(true)
	events := s.proposed(3)
	type answer struct {
		eventschema.Appended
		error
	}
	answers := make(chan answer, 1)
	go func() {
		a, err := l.Append(context.Background(), s.stream, 0, events)
		answers <- answer{a, err}
	}()
	eventually(t, "the events are written", func() bool { return len(revisions(t, direct, s.stream, 1)) == 3 })
	select {
	case a := <-answers:
		t.Fatalf("answered through a proxy that lets no answer pass: %+v", a)
	default:
	}
	lossy.swallow(false)
	lossy.cut()

	a := <-answers
	if a.error != nil || a.Revision != 3 {
		t.Errorf("got %+v", a)
	}
	if got := revisions(t, direct, s.stream, 0); !slices.Equal(got, []uint64{0, 1, 2, 3}) {
		t.Errorf("the stream holds %v", got)
	}
	if l.Epoch() == epoch {
		t.Error("the connection was lost, but the epoch stayed")
	}
}

// A server that has fallen silent is left for another connection; nobody waits for it longer than an attempt takes.
func TestASilentServerIsLeft(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	lossy := startProxy(t, server.addr)
	l := openLog(t, lossy.url(), Options{RetryFor: time.Minute, AttemptFor: 200 * time.Millisecond})
	s := newSeries(t, l)
	s.append(1)
	epoch := l.Epoch()
	lossy.swallow(true)

	ctx, cancel := context.WithCancel(t.Context())
	appended := make(chan error, 1)
	go func() {
		_, err := l.Append(ctx, s.stream, 0, s.proposed(1))
		appended <- err
	}()
	read := make(chan error, 1)
	go func() {
		read <- l.ReadStream(t.Context(), s.stream, 0, func(eventschema.Stored) error { return nil })
	}()
	eventually(t, "the connection is given up", func() bool { return l.Epoch() != epoch })
	began := time.Now()
	cancel()
	if err := <-appended; !errors.Is(err, context.Canceled) || !errors.Is(err, eventschema.ErrUnavailable) || time.Since(began) > promptly {
		t.Errorf("cancelled append: %v after %v", err, time.Since(began))
	}
	lossy.swallow(false)
	lossy.cut()
	if err := <-read; err != nil {
		t.Errorf("the read that waited: %v", err)
	}
}

// A node is stopped under calls, stays away for more attempts than the client itself would make, and comes back. No call hangs, none is
// written twice, and all that were under way succeed.
func TestANodeGoesAndComesBack(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	l := openLog(t, server.url(), Options{RetryFor: soon})
	const writers, each = 8, 40
	var wrote sync.WaitGroup
	half := make(chan struct{}, writers)
	all := make([]*series, writers)
	for i := range writers {
		all[i] = newSeries(t, l)
		wrote.Go(func() {
			for n := range each {
				if n == each/4 {
					half <- struct{}{}
				}
				s := all[i]
				if _, err := l.Append(context.Background(), s.stream, s.next-1, s.proposed(1)); err != nil {
					t.Errorf("append %d: %v", n, err)
					return
				}
				s.next++
				var last uint64
				if err := l.ReadStreamBackwards(context.Background(), s.stream, func(e eventschema.Stored) error {
					last = e.Revision
					return eventschema.ErrStop
				}); err != nil || last != uint64(n) {
					t.Errorf("read after append %d: revision %d, %v", n, last, err)
				}
			}
		})
	}
	for range writers {
		<-half
	}
	before := l.searches.Load()
	server.stop()
	eventually(t, "a node is looked for again and again", func() bool { return l.searches.Load() > before+15 })
	server.start()
	wrote.Wait()
	for _, s := range all {
		if got := revisions(t, l, s.stream, 0); len(got) != each {
			t.Errorf("%d events, want %d", len(got), each)
		}
	}
}

// While no node is there, calls obey their contexts and give up in time.
func TestCallsWithoutANode(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	l := openLog(t, server.url(), Options{RetryFor: 300 * time.Millisecond, AttemptFor: 100 * time.Millisecond})
	s := newSeries(t, l)
	s.append(1)
	server.stop()

	nothing := func(eventschema.Stored) error { return nil }
	calls := map[string]func(context.Context) error{
		"append": func(ctx context.Context) error {
			_, err := l.Append(ctx, s.stream, 0, s.proposed(1))
			return err
		},
		"read":      func(ctx context.Context) error { return l.ReadStream(ctx, s.stream, 0, nothing) },
		"backwards": func(ctx context.Context) error { return l.ReadStreamBackwards(ctx, s.stream, nothing) },
		"all":       func(ctx context.Context) error { return l.ReadAll(ctx, eventschema.Position{}, nothing) },
		"newest":    func(ctx context.Context) error { _, err := l.Newest(ctx); return err },
		"at": func(ctx context.Context) error {
			_, _, err := l.EventAt(ctx, eventschema.Position{Commit: 1, Prepare: 1})
			return err
		},
	}
	var done sync.WaitGroup
	for name, call := range calls {
		done.Go(func() {
			began := time.Now()
			if err := call(t.Context()); !errors.Is(err, eventschema.ErrUnavailable) || time.Since(began) > promptly {
				t.Errorf("%s: %v after %v", name, err, time.Since(began))
			}
		})
		done.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			began := time.Now()
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > promptly {
				t.Errorf("%s with a deadline: %v after %v", name, err, time.Since(began))
			}
		})
	}
	done.Wait()
	server.start()
	eventually(t, "a call succeeds again", func() bool { return calls["newest"](t.Context()) == nil })
}

func TestOpenObeysItsContext(t *testing.T) {
	t.Parallel()
	for what, url := range map[string]string{"deaf": deafServer(t), "nobody": "esdb://127.0.0.1:1?tls=false"} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		began := time.Now()
		_, err := Open(ctx, url, Options{RetryFor: time.Minute})
		cancel()
		if !errors.Is(err, eventschema.ErrUnavailable) || time.Since(began) > promptly {
			t.Errorf("%s: %v after %v", what, err, time.Since(began))
		}
	}
	if _, err := Open(t.Context(), "esdb://user:secret@host:port:x", Options{}); err == nil || errors.Is(err, eventschema.ErrUnavailable) {
		t.Errorf("no connection string: %v", err)
	}
}

// Closing ends everything that runs, wherever it is, and what is called afterwards.
func TestCloseEndsWhatRuns(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	for _, down := range []bool{false, true} {
		l := openLog(t, server.url(), Options{})
		s := newSeries(t, l)
		s.append(100)
		if down {
			server.stop()
		}
		var began, ended sync.WaitGroup
		ended.Go(func() {
			err := l.follow(context.Background(), eventschema.Position{}, 0, func(batch) error { return nil })
			if err == nil {
				t.Error("a subscription ended without an error")
			}
		})
		for range 4 {
			began.Add(1)
			once := sync.OnceFunc(began.Done)
			ended.Go(func() {
				for {
					err := l.ReadStream(context.Background(), s.stream, 0, func(eventschema.Stored) error { once(); return nil })
					if down {
						once()
					}
					if errors.Is(err, ErrClosed) {
						return
					}
					if err != nil {
						t.Errorf("read while closing: %v", err)
						return
					}
				}
			})
		}
		if !down {
			began.Wait()
		}
		closeLog(t, l)
		ended.Wait()
		if _, err := l.Append(t.Context(), s.stream, 0, s.proposed(1)); !errors.Is(err, ErrClosed) {
			t.Errorf("append after closing: %v", err)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Errorf("closed again: %v", err)
		}
	}
}
