package eventlog

import (
	"context"
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/esnode/escluster"
)

// The log on a cluster of three that plays what a real one was seen to do.

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func leaderOf(t testing.TB, c *escluster.Cluster) int {
	t.Helper()
	i, err := c.AwaitLeader(within(t, soon))
	must(t, err)
	return i
}

func whole(t testing.TB, c *escluster.Cluster) {
	t.Helper()
	must(t, c.AwaitWhole(within(t, soon)))
}

// hold keeps all followers from taking anything over, or lets them again.
func hold(c *escluster.Cluster, held bool) {
	for i := range escluster.Size {
		c.Hold(i, held)
	}
}

// TestFailovers: under writers with exact revisions the leader is killed, also with appends that nobody else has, frozen and woken, stopped, and hands
// over; appends are aborted, done or not. Every append is acknowledged, each event is there once, and the feed brings all of them, in order, once.
//
// It runs alone: what it looks at is over within seconds of patience, which a busy machine eats up.
func TestFailovers(t *testing.T) {
	c := escluster.RunT(t, escluster.Options{})
	l := openLog(t, c.ConnectionString(), Options{})
	f := startFeed(t, FeedConfig{Log: l})
	reader := follow(t, f.After(eventschema.Position{}), "reader")
	var mu sync.Mutex
	var delivered []uuid.UUID
	go func() {
		for m := range reader.pages {
			mu.Lock()
			for _, e := range PageOf(m) {
				delivered = append(delivered, e.ID)
			}
			mu.Unlock()
			m.Ack()
		}
	}()
	seen := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(delivered)
	}
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	var all []*series
	for n := range 6 {
		s := newSeries(t, l)
		all = append(all, s)
		writers.Go(func() {
			for ctx.Err() == nil && !t.Failed() {
				events := s.proposed(1 + n%3)
				_, err := l.Append(context.Background(), s.stream, s.next-1, events)
				for errors.Is(err, eventschema.ErrConflict) { // nobody else writes there: a leader that had slept and knows of nothing since
					_, err = l.Append(context.Background(), s.stream, s.next-1, events)
				}
				if err != nil {
					t.Error(err)
				}
				s.next += int64(len(events))
			}
		})
	}
	goesOn := func() {
		t.Helper()
		leaderOf(t, c)
		before := seen()
		eventually(t, "the feed goes on", func() bool { return seen() > before+20 })
	}
	for range 2 {
		goesOn()
		old := leaderOf(t, c)
		c.Kill(old)
		goesOn()
		must(t, c.Start(old))
		whole(t, c)

		old = leaderOf(t, c)
		hold(c, true)
		must(t, c.AwaitUnshared(within(t, soon)))
		c.Kill(old)
		hold(c, false)
		must(t, c.Start(old))
		goesOn()
		whole(t, c)

		old = leaderOf(t, c)
		c.Freeze(old)
		goesOn()
		c.Thaw(old)
		goesOn()
		whole(t, c)

		must(t, c.Lead(within(t, soon), c.Followers()[0]))
		for _, text := range []string{escluster.ForwardingTimeout, escluster.CommitTimeout, escluster.CanceledByServer} {
			c.AbortAppends(4, text, true)
			c.AbortAppends(4, text, false)
		}
		goesOn()
		old = leaderOf(t, c)
		c.EndSubscriptions(old, escluster.TooSlow)
		goesOn()
		c.Stop(old)
		eventually(t, "another one leads", func() bool { return leaderOf(t, c) != old })
		must(t, c.Start(old))
	}
	goesOn()
	stop()
	writers.Wait()
	must(t, c.Same(within(t, soon)))

	var there []uuid.UUID
	numbers := map[string][]int64{}
	must(t, Reader{Log: l, Codec: codec}.ReadAll(t.Context(), eventschema.Position{}, func(page eventschema.Page) error {
		for _, e := range page {
			there = append(there, e.ID)
			for _, s := range all {
				if number, ok := s.numberOf(e); ok {
					numbers[s.stream] = append(numbers[s.stream], number)
				}
			}
		}
		return nil
	}))
	for _, s := range all {
		if !slices.Equal(numbers[s.stream], upTo(int(s.next))) {
			t.Errorf("%d events of %s were acknowledged, %d are there, or not in order", s.next, s.stream, len(numbers[s.stream]))
		}
	}
	eventually(t, "the feed has brought all", func() bool { return seen() >= len(there) })
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(delivered, there) {
		t.Errorf("the feed brought %d events, %d are there, or not in their order", len(delivered), len(there))
	}
	t.Logf("%d events", len(there))
}

// TestANewLeaderThatIsNotReady for as long as a real one was: the append waits. DRAGOMAN_LONG_TESTS makes it seven seconds, else two.
func TestANewLeaderThatIsNotReady(t *testing.T) {
	t.Parallel()
	notReady := 2 * time.Second
	if os.Getenv("DRAGOMAN_LONG_TESTS") != "" {
		notReady = escluster.Measured.NotReady
	}
	c := escluster.RunT(t, escluster.Options{Timing: escluster.Timing{NotReady: notReady}})
	l := openLog(t, c.ConnectionString(), Options{})
	s := newSeries(t, l)
	s.append(1)
	whole(t, c)
	began := time.Now()
	c.Kill(leaderOf(t, c))
	s.append(1)
	if took := time.Since(began); took < notReady {
		t.Errorf("acknowledged after %s, by a leader that is not ready for %s", took, notReady)
	}
}

// TestReadsAskTheLeader: a follower that lags answers neither commands nor the feed, whichever node preference the string has.
func TestReadsAskTheLeader(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{})
	whole(t, c)
	followers := c.Followers()
	for _, i := range followers {
		c.Lag(i, 30*time.Millisecond)
	}
	for _, preference := range []string{"leader", "follower", "random", "readOnlyReplica"} {
		l := openLog(t, c.ConnectionString("nodePreference="+preference), Options{})
		s := newSeries(t, l)
		f := startFeed(t, FeedConfig{Log: l})
		reader := follow(t, f.After(f.Head()), "reader")
		for range 10 {
			a := s.append(1)
			n := int64(0)
			must(t, l.ReadStream(t.Context(), s.stream, 0, func(eventschema.Stored) error { n++; return nil }))
			if n != s.next {
				t.Errorf("%s: %d of %d events are read", preference, n, s.next)
			}
			if newest, err := l.Newest(t.Context()); err != nil || newest != a.Position {
				t.Errorf("%s: the newest event is at %v, not at %v: %v", preference, newest, a.Position, err)
			}
		}
		if got := reader.numbers(s, 10); !slices.Equal(got, upTo(10)) {
			t.Errorf("%s: the feed brought %v", preference, got)
		}
	}
	for _, i := range followers {
		if n := c.Reads(i); n > 0 {
			t.Errorf("follower %d has answered %d reads", i, n)
		}
	}
}

// TestAWokenLeaderIsNotBelieved: a leader that was frozen goes on answering from what it had when it fell asleep, to whoever was connected with it. What
// others were told was appended meanwhile is there for every kind of read.
func TestAWokenLeaderIsNotBelieved(t *testing.T) {
	t.Parallel()
	for name, reads := range map[string]func(l *Log, stream string, a eventschema.Appended, events *int) error{
		"newest": func(l *Log, _ string, a eventschema.Appended, events *int) error {
			at, err := l.Newest(t.Context())
			if at == a.Position {
				*events = 2
			}
			return err
		},
		"event": func(l *Log, _ string, a eventschema.Appended, events *int) error {
			_, found, err := l.EventAt(t.Context(), a.Position)
			if found {
				*events = 2
			}
			return err
		},
		"stream": func(l *Log, stream string, _ eventschema.Appended, events *int) error {
			return l.ReadStream(t.Context(), stream, 0, func(eventschema.Stored) error { *events++; return nil })
		},
		"stream backwards": func(l *Log, stream string, _ eventschema.Appended, events *int) error {
			return l.ReadStreamBackwards(t.Context(), stream, func(eventschema.Stored) error { *events++; return nil })
		},
		"the whole log": func(l *Log, _ string, _ eventschema.Appended, events *int) error {
			return l.ReadAll(t.Context(), eventschema.Position{}, func(eventschema.Stored) error { *events++; return nil })
		},
		"the whole log, of anybody": func(l *Log, stream string, _ eventschema.Appended, events *int) error {
			for e, err := range l.everything(t.Context()) {
				if err != nil {
					return err
				}
				if e.Stream == stream {
					*events++
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := escluster.RunT(t, escluster.Options{Timing: escluster.Timing{Stale: escluster.WhenTold}})
			l := openLog(t, c.ConnectionString(), Options{})
			s := newSeries(t, l)
			s.append(1)
			whole(t, c)
			old := leaderOf(t, c)
			c.Freeze(old)
			leaderOf(t, c)
			other := series{t: t, log: openLog(t, c.ConnectionString(), Options{}), stream: s.stream, next: s.next}
			a := other.append(1)
			c.Thaw(old)
			events := 0
			if err := reads(l, s.stream, a, &events); err != nil || events != 2 {
				t.Errorf("%d events of two, %v", events, err)
			}
			must(t, c.Step(within(t, soon)))
		})
	}
}

// TestANameWhoseMemberFellSilent: a cluster that is found by a name is found again when the connection over which it was found says nothing any more, as
// one with a machine that lost its power, and the leader dies.
func TestANameWhoseMemberFellSilent(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{})
	whole(t, c)
	old := leaderOf(t, c)
	name := startProxy(t, c.Addr(c.Followers()[0]))
	l := openLog(t, "esdb+discover://"+name.listener.Addr().String()+"?tls=false&gossipTimeout=1", Options{})
	s := newSeries(t, l)
	s.append(1)
	name.lose()
	c.Kill(old)
	s.append(1)
}

// TestPreferredMembers answer whoever reads much: however far they lag, nothing is missing that was acknowledged before the call, in streams and in the
// whole log. The leader is asked for the end alone. A string that prefers the leader, or names one node, has no second log.
func TestPreferredMembers(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{})
	whole(t, c)
	for i := range escluster.Size {
		for _, connection := range []string{c.ConnectionString(), c.ConnectionString("nodePreference=leader"), c.MemberString(i, "nodePreference=follower")} {
			if i != leaderOf(t, c) {
				continue
			}
			l := openLog(t, connection, Options{})
			if p, err := l.Preferred(t.Context()); err != nil || p != l {
				t.Errorf("%s: another log, %v", connection, err)
			}
		}
	}
	l := openLog(t, c.ConnectionString("nodePreference=follower"), Options{})
	archive, err := l.Preferred(t.Context())
	must(t, err)
	t.Cleanup(func() { closeLog(t, archive) })
	s := newSeries(t, l)
	s.append(100)
	for _, i := range c.Followers() {
		c.Lag(i, 200*time.Millisecond)
	}
	before := c.Reads(c.Followers()[0]) + c.Reads(c.Followers()[1])
	for range 3 {
		s.append(2)
		count := func(read func(func(eventschema.Stored) error) error) (n int64) {
			must(t, read(func(e eventschema.Stored) error {
				if e.Stream == s.stream && e.Revision != uint64(n) {
					t.Errorf("revision %d comes as the %d. event", e.Revision, n)
				}
				n++
				return nil
			}))
			return n
		}
		if n := count(func(f func(eventschema.Stored) error) error { return archive.ReadStream(t.Context(), s.stream, 0, f) }); n != s.next {
			t.Errorf("%d of %d events of the stream are read", n, s.next)
		}
		if n := count(func(f func(eventschema.Stored) error) error {
			return archive.ReadAll(t.Context(), eventschema.Position{}, f)
		}); n != s.next {
			t.Errorf("%d of %d events of the log are read", n, s.next)
		}
	}
	if n := c.Reads(c.Followers()[0]) + c.Reads(c.Followers()[1]) - before; n < 6 {
		t.Errorf("the followers have answered %d reads, want 6", n)
	}
	unknown := newSeries(t, l) // a stream that no follower has
	unknown.append(1)
	n := 0
	must(t, archive.ReadStream(t.Context(), unknown.stream, 0, func(eventschema.Stored) error { n++; return nil }))
	if n != 1 {
		t.Errorf("%d events of a new stream are read", n)
	}
	must(t, archive.ReadStream(t.Context(), s.stream, 0, func(eventschema.Stored) error { n++; return eventschema.ErrStop }))
	if n != 2 {
		t.Errorf("a read that is stopped goes on: %d", n)
	}
}

// TestAnAbandonedPosition: a checkpoint that was taken from a leader whose events vanished is noticed, whether the cluster has another event there or
// refuses the position.
func TestAnAbandonedPosition(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{Timing: escluster.Timing{Return: escluster.WhenTold}})
	l := openLog(t, c.ConnectionString(), Options{})
	s := newSeries(t, l)
	s.append(2)
	whole(t, c)
	old := leaderOf(t, c)
	gone := newSeries(t, openLog(t, c.ConnectionString(), Options{RetryFor: time.Nanosecond}))
	events := gone.proposed(3)
	hold(c, true)
	if _, err := gone.log.Append(t.Context(), gone.stream, eventschema.NoStream, events); !errors.Is(err, eventschema.ErrUnavailable) {
		t.Fatalf("an append that nobody takes over: %v", err)
	}
	c.Kill(old)
	hold(c, false)
	leaderOf(t, c)
	s.append(1)
	must(t, c.Start(old))
	vanished, err := c.Positions(old)
	must(t, err)
	must(t, c.Step(within(t, soon)))
	whole(t, c)
	if len(vanished) != 5 {
		t.Fatalf("the old leader showed %d events, want 5", len(vanished))
	}
	for i, what := range []string{"another event is there", "no event is there"} {
		at := Checkpoint{eventschema.Position{Commit: vanished[2+i], Prepare: vanished[2+i]}, events[i].ID}
		f := startFeed(t, FeedConfig{Log: l, Resume: func(context.Context, string) (Checkpoint, error) { return at, nil }})
		if _, err := f.Subscribe(t.Context(), "topic"); !errors.Is(err, ErrLogReplaced) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestTLS: the log speaks to a cluster that knows it by a password or by a certificate, over a failover; whoever is not known is told so at once, and no
// error holds the password.
func TestTLS(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{TLS: t.TempDir()})
	cert, key := c.UserFiles()
	withUser := func(password string) string {
		u := "esdb://" + url.UserPassword(escluster.User, password).String() + "@"
		return u + c.ConnectionString()[len("esdb://"):]
	}
	files := c.ConnectionString("userCertFile="+url.QueryEscape(cert), "userKeyFile="+url.QueryEscape(key))
	for what, connection := range map[string]string{"password": withUser(escluster.Password), "certificate": files} {
		s := newSeries(t, openLog(t, connection, Options{}))
		s.append(1)
		whole(t, c)
		old := leaderOf(t, c)
		c.Kill(old)
		s.append(1)
		must(t, c.Start(old))
		whole(t, c)
		n := 0
		must(t, s.log.ReadAll(t.Context(), eventschema.Position{}, func(e eventschema.Stored) error {
			if e.Stream == s.stream {
				n++
			}
			return nil
		}))
		if n != 2 {
			t.Errorf("%s: %d of 2 events are there", what, n)
		}
	}
	for what, connection := range map[string]string{"a wrong password": withUser("wrong" + escluster.Password), "nothing": c.ConnectionString()} {
		_, err := openLog(t, connection, Options{}).House(t.Context())
		if !errors.Is(err, ErrNotAdmitted) || strings.Contains(err.Error(), escluster.Password) {
			t.Errorf("with %s: %v", what, err)
		}
	}
	for _, settings := range [][]string{{"userCertFile=/none.crt", "userKeyFile=/none.key"}, {"userCertFile=" + url.QueryEscape(cert), "userKeyFile=" + url.QueryEscape(cert)}} {
		if _, err := Open(t.Context(), c.ConnectionString(settings...), Options{}); err == nil || !strings.Contains(err.Error(), "user certificate") {
			t.Errorf("with %v: %v", settings, err)
		}
	}
}
