package escluster_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/dragoman-booking/dragoman/internal/esnode/escluster"
)

// Every test sees through the official client what the protocol page says that a real cluster of three showed.

// soon is how long a test waits for what must come.
const soon = 20 * time.Second

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func connect(t testing.TB, url string) *esdb.Client {
	t.Helper()
	config, err := esdb.ParseConnectionString(url)
	if err != nil {
		t.Fatal(err)
	}
	config.Logger = func(esdb.LogLevel, string, ...any) {}
	client, err := esdb.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// demanding asks the leader alone, with the header as a client would have to send it.
func demanding(ctx context.Context, value string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "requires-leader", value)
}

func eventOf(size int) esdb.EventData {
	return esdb.EventData{EventID: uuid.New(), EventType: "T", ContentType: esdb.ContentTypeJson, Data: []byte(`{"x":"` + strings.Repeat("x", size) + `"}`)}
}

// exactly is the expected revision behind which a stream with so many events goes on.
func exactly(n int) esdb.ExpectedRevision {
	if n == 0 {
		return esdb.NoStream{}
	}
	return esdb.Revision(uint64(n - 1))
}

// series appends to one stream, one event at a time.
type series struct {
	t      testing.TB
	stream string
	ids    []uuid.UUID
	last   esdb.Position
}

func newSeries(t testing.TB) *series { return &series{t: t, stream: "s-" + uuid.NewString()} }

func (s *series) append(client *esdb.Client) {
	s.t.Helper()
	e := eventOf(10)
	written, err := appendTo(within(s.t, soon), client, s.stream, exactly(len(s.ids)), e)
	if err != nil {
		s.t.Fatal(err)
	}
	s.ids = append(s.ids, e.EventID)
	s.last = esdb.Position{Commit: written.CommitPosition, Prepare: written.PreparePosition}
}

// appendTo sends an append again whose outcome the server does not know: on a busy machine a member may answer too late.
func appendTo(ctx context.Context, client *esdb.Client, stream string, expected esdb.ExpectedRevision, events ...esdb.EventData) (*esdb.WriteResult, error) {
	for {
		written, err := client.AppendToStream(ctx, stream, esdb.AppendToStreamOptions{ExpectedRevision: expected}, events...)
		if code, _ := cause(err); code != codes.Aborted || ctx.Err() != nil {
			return written, err
		}
	}
}

// event is what the tests compare.
type event struct {
	stream string
	id     uuid.UUID
	at     uint64
}

func eventFrom(e *esdb.ResolvedEvent) event {
	o := e.OriginalEvent()
	return event{o.StreamID, o.EventID, o.Position.Commit}
}

// readAll reads $all from a position.
func readAll(ctx context.Context, client *esdb.Client, from esdb.AllPosition) (events []event, err error) {
	read, err := client.ReadAll(ctx, esdb.ReadAllOptions{From: from}, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	defer read.Close()
	for {
		e, err := read.Recv()
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events = append(events, eventFrom(e))
	}
}

func mustReadAll(t testing.TB, client *esdb.Client) []event {
	t.Helper()
	events, err := readAll(within(t, soon), client, esdb.Start{})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// count is how many events of a stream a client finds.
func count(ctx context.Context, client *esdb.Client, stream string) (n int, err error) {
	read, err := client.ReadStream(ctx, stream, esdb.ReadStreamOptions{From: esdb.Start{}}, math.MaxInt64)
	if err != nil {
		return 0, err
	}
	defer read.Close()
	for {
		_, err := read.Recv()
		var known *esdb.Error
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case errors.As(err, &known) && known.Code() == esdb.ErrorCodeResourceNotFound && status.Code(known.Unwrap()) != codes.NotFound:
			return 0, nil
		case err != nil:
			return n, err
		}
		n++
	}
}

// cause is the server's own answer within an error of the client.
func cause(err error) (codes.Code, string) {
	var known *esdb.Error
	if errors.As(err, &known) && known.Unwrap() != nil {
		err = known.Unwrap()
	}
	s, _ := status.FromError(err)
	return s.Code(), s.Message()
}

// eventually asks until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	late := time.After(soon)
	for !holds() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-late:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func leader(t testing.TB, c *escluster.Cluster) int {
	t.Helper()
	i, err := c.AwaitLeader(within(t, soon))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func whole(t testing.TB, c *escluster.Cluster) {
	t.Helper()
	if err := c.AwaitWhole(within(t, soon)); err != nil {
		t.Fatal(err)
	}
}

func TestAllMembersHoldTheSame(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{})
	s := newSeries(t)
	for i := range 30 {
		s.append(connect(t, c.MemberString(i%escluster.Size))) // followers pass it on
	}
	client := connect(t, c.ConnectionString())
	if _, err := appendTo(within(t, soon), client, "pair", esdb.NoStream{}, eventOf(1), eventOf(400)); err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteStream(within(t, soon), s.stream, esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	s.append(client) // brings it back, with an event that the node writes itself
	whole(t, c)
	first := mustReadAll(t, connect(t, c.MemberString(0)))
	if len(first) != 30+2+1+1+1 {
		t.Errorf("%d events", len(first))
	}
	for i := 1; i < escluster.Size; i++ {
		if other := mustReadAll(t, connect(t, c.MemberString(i))); !slices.Equal(first, other) {
			t.Errorf("member %d holds\n%v, member 0\n%v", i, other, first)
		}
	}
}

// TestFollowersLag: a follower's read may miss the client's own acknowledged event, the leader's never does, and a lagging follower holds nobody up.
func TestFollowersLag(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{})
	slow := c.Followers()[1]
	c.Hold(slow, true)
	s := newSeries(t)
	first, behind := connect(t, c.MemberString(leader(t, c))), connect(t, c.MemberString(slow))
	missed := 0
	for range 20 {
		s.append(behind) // through the follower itself
		if n, err := count(within(t, soon), first, s.stream); err != nil || n != len(s.ids) {
			t.Fatalf("the leader shows %d of %d events: %v", n, len(s.ids), err)
		}
		if n, err := count(within(t, soon), behind, s.stream); err != nil {
			t.Fatal(err)
		} else if n < len(s.ids) {
			missed++
		}
	}
	if missed == 0 {
		t.Error("a follower that lags missed nothing")
	}
	c.Hold(slow, false)
	eventually(t, "the follower catches up", func() bool {
		n, err := count(within(t, soon), behind, s.stream)
		return err == nil && n == len(s.ids)
	})
}

// TestFollowersPassAppendsOn unless the client demands the leader, which takes the word true.
func TestFollowersPassAppendsOn(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{})
	follower := c.Followers()[0]
	for value, refused := range map[string]bool{"": false, "1": false, "false": false, "true": true, "TRUE": true, "True": true} {
		client := connect(t, c.MemberString(follower)) // a refused one goes to the leader by itself
		ctx := within(t, soon)
		if value != "" {
			ctx = demanding(ctx, value)
		}
		_, err := appendTo(ctx, client, "s-"+uuid.NewString(), esdb.NoStream{}, eventOf(1))
		var known *esdb.Error
		if got := errors.As(err, &known) && known.Code() == esdb.ErrorCodeNotLeader; got != refused || !refused && err != nil {
			t.Errorf("requires-leader %q: %v", value, err)
		}
		if refused {
			if _, err := appendTo(ctx, client, "s-"+uuid.NewString(), esdb.NoStream{}, eventOf(1)); err != nil {
				t.Errorf("at the leader that the refusal named: %v", err)
			}
		}
	}
}

// TestAbortedAppends: the same ids at the same exact revision are there once, whether the aborted append had been carried out or not.
func TestAbortedAppends(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{})
	client := connect(t, c.ConnectionString())
	for _, text := range []string{escluster.ForwardingTimeout, escluster.CommitTimeout, escluster.CanceledByServer} {
		for _, written := range []bool{true, false} {
			c.AbortAppends(1, text, written)
			stream, e := "s-"+uuid.NewString(), eventOf(1)
			_, err := client.AppendToStream(within(t, soon), stream, esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, e)
			if code, said := cause(err); code != codes.Aborted || said != text {
				t.Fatalf("the answer is %v", err)
			}
			if n, err := count(within(t, soon), client, stream); err != nil || (n == 1) != written {
				t.Errorf("%s: %d events are there, written: %t, %v", text, n, written, err)
			}
			if _, err := appendTo(within(t, soon), client, stream, esdb.NoStream{}, e); err != nil {
				t.Errorf("sent again: %v", err)
			}
			if n, err := count(within(t, soon), client, stream); err != nil || n != 1 {
				t.Errorf("%s: sent again it is there %d times, %v", text, n, err)
			}
		}
	}
}

// TestNothingIsShownBeforeAnotherMemberHasIt: an append that nobody else takes over is aborted, no reader sees it, and it is there once somebody does.
func TestNothingIsShownBeforeAnotherMemberHasIt(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{})
	client := connect(t, c.ConnectionString())
	s := newSeries(t)
	s.append(client)
	for _, f := range c.Followers() {
		c.Hold(f, true)
	}
	e := eventOf(1)
	_, err := client.AppendToStream(within(t, soon), s.stream, esdb.AppendToStreamOptions{ExpectedRevision: exactly(1)}, e)
	if code, said := cause(err); code != codes.Aborted || said != escluster.CommitTimeout {
		t.Fatalf("the answer is %v", err)
	}
	if n, err := count(within(t, soon), client, s.stream); err != nil || n != 1 {
		t.Errorf("the leader shows %d events, %v", n, err)
	}
	if all := mustReadAll(t, client); len(all) != 1 {
		t.Errorf("the leader shows %v in $all", all)
	}
	c.Hold(c.Followers()[0], false)
	eventually(t, "the event is shown", func() bool { return len(mustReadAll(t, client)) == 2 })
	if _, err = client.AppendToStream(within(t, soon), s.stream, esdb.AppendToStreamOptions{ExpectedRevision: exactly(1)}, e); err != nil {
		t.Errorf("sent again: %v", err)
	}
	if n, _ := count(within(t, soon), client, s.stream); n != 2 {
		t.Errorf("sent again it is there %d times", n-1)
	}
}

// TestKilledLeader: the others name the dead one for a while, and pass appends on to it in vain; then gossip calls another one leader that is not
// ready; then that one goes on, with everything that was acknowledged. Subscriptions to a survivor go on, also when that one comes to lead.
func TestKilledLeader(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{Timing: escluster.Timing{Dead: escluster.WhenTold, NotReady: escluster.WhenTold}})
	dead := leader(t, c)
	s := newSeries(t)
	client := connect(t, c.MemberString(dead))
	for range 5 {
		s.append(client)
	}
	whole(t, c)
	var live []*esdb.Subscription
	for i := range escluster.Size {
		live = append(live, subscribe(t, connect(t, c.MemberString(i)), esdb.Start{}))
		for range 5 {
			nextEvent(t, live[i])
		}
	}
	c.Kill(dead)

	if _, err := ended(live[dead]); status.Code(err) != codes.Unavailable {
		t.Errorf("a subscription to the dead ended with %v", err)
	}
	follower := c.Followers()[0]
	through := connect(t, c.MemberString(follower))
	host, port := refusedForLeader(t, c.Addr(follower))
	if host+":"+port != c.Addr(dead) {
		t.Errorf("not-leader names %s:%s, the dead one is %s", host, port, c.Addr(dead))
	}
	_, err := through.AppendToStream(within(t, soon), "s-"+uuid.NewString(), esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, eventOf(1))
	if code, said := cause(err); code != codes.Aborted || said != escluster.ForwardingTimeout {
		t.Errorf("passed on to the dead: %v", err)
	}
	step(t, c)
	next := -1
	eventually(t, "gossip names another leader", func() bool {
		next = slices.IndexFunc(states(t, c, follower), func(s string) bool { return s == "Leader" })
		return next >= 0 && next != dead
	})
	_, err = connect(t, c.MemberString(next)).AppendToStream(within(t, soon), "s-"+uuid.NewString(), esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, eventOf(1))
	if code, said := cause(err); code != codes.Unavailable || said != "Server Is Not Ready" {
		t.Errorf("the new leader says %v", err)
	}
	step(t, c)
	leader(t, c)
	client = connect(t, c.ConnectionString())
	for range 5 {
		s.append(client)
	}
	if all := mustReadAll(t, client); len(all) != 10 {
		t.Errorf("%d events of 10 are there", len(all))
	}
	for i, sub := range live {
		if i != dead {
			for n := range 5 {
				if e := nextEvent(t, sub); e.id != s.ids[5+n] {
					t.Errorf("the subscription to member %d goes on with %v", i, e)
				}
			}
		}
	}
	if err := c.Start(dead); err != nil {
		t.Fatal(err)
	}
	whole(t, c)
	if !slices.Equal(mustReadAll(t, client), mustReadAll(t, connect(t, c.MemberString(dead)))) {
		t.Error("the member that came back holds something else")
	}
}

// TestVanishingEvents: a killed leader that had events which nobody else had shows them for a moment when it comes back, cuts them off and ends; started
// again it follows. A position of those days is refused, or names another event.
func TestVanishingEvents(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{Timing: escluster.Timing{Return: escluster.WhenTold}})
	old := leader(t, c)
	client := connect(t, c.MemberString(old))
	s := newSeries(t)
	s.append(client)
	whole(t, c)
	for _, f := range c.Followers() {
		c.Hold(f, true)
	}
	gone := []esdb.EventData{eventOf(30), eventOf(31), eventOf(32)}
	_, err := client.AppendToStream(within(t, soon), "gone-"+uuid.NewString(), esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, gone...)
	if code, _ := cause(err); code != codes.Aborted {
		t.Fatalf("an append that nobody takes over: %v", err)
	}
	c.Kill(old)
	for i := range escluster.Size {
		c.Hold(i, false)
	}
	leader(t, c)
	for range 3 {
		s.append(connect(t, c.ConnectionString()))
	}
	if err := c.Start(old); err != nil {
		t.Fatal(err)
	}
	back := connect(t, c.MemberString(old))
	shown := mustReadAll(t, back)
	if len(shown) != 4 || shown[1].id != gone[0].EventID || shown[3].id != gone[2].EventID {
		t.Fatalf("the member that came back shows %v, not the events that only it has", shown)
	}
	sub := subscribe(t, back, esdb.Start{})
	for range 4 {
		nextEvent(t, sub)
	}
	step(t, c)
	if _, err := ended(sub); err == nil {
		t.Error("the member that cuts its log goes on serving")
	}
	whole(t, c)
	again := connect(t, c.MemberString(old))
	now := mustReadAll(t, again)
	if !slices.Equal(now, mustReadAll(t, connect(t, c.ConnectionString()))) {
		t.Error("the member that was cut holds something else than the others")
	}
	if there := now[1]; there.at != shown[1].at || there.id == shown[1].id {
		t.Errorf("at %d there is %v, want another event", shown[1].at, there)
	}
	former := esdb.Position{Commit: shown[2].at, Prepare: shown[2].at}
	_, err = readAll(within(t, soon), again, former)
	if code, said := cause(err); code != codes.Unknown || said != "Unexpected ReadAllResult: Error" {
		t.Errorf("a read from no record's beginning: %v", err)
	}
	refused, err := again.SubscribeToAll(within(t, soon), esdb.SubscribeToAllOptions{From: former})
	if err == nil {
		_, err = ended(refused)
	}
	if code, said := cause(err); code != codes.Unknown || said != "Exception was thrown by handler." {
		t.Errorf("a subscription from no record's beginning: %v", err)
	}
}

// TestAFollowerSendsOldEventsAgain: resumed from a position that it has not reached, it says that it has caught up, and then sends what lies up to
// there.
func TestAFollowerSendsOldEventsAgain(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{})
	behind := c.Followers()[0]
	client := connect(t, c.ConnectionString())
	s := newSeries(t)
	s.append(client)
	whole(t, c)
	c.Hold(behind, true)
	s.append(client)
	s.append(client)
	sub := subscribe(t, connect(t, c.MemberString(behind)), s.last)
	for caughtUp := false; !caughtUp; {
		e := sub.Recv()
		if e.EventAppeared != nil || e.SubscriptionDropped != nil {
			t.Fatalf("before it has caught up: %+v", e)
		}
		caughtUp = e.CaughtUp != nil
	}
	c.Hold(behind, false)
	for _, id := range s.ids[1:] {
		if e := nextEvent(t, sub); e.id != id {
			t.Errorf("%v comes, want event %s again", e, id)
		}
	}
}

// TestFrozenLeader: a leader that wakes up serves what it had, for a while, though the others went on.
func TestFrozenLeader(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{Timing: escluster.Timing{Stale: escluster.WhenTold}})
	old := leader(t, c)
	asleep := connect(t, c.MemberString(old))
	s := newSeries(t)
	s.append(asleep)
	sub := subscribe(t, asleep, esdb.Start{})
	nextEvent(t, sub)
	c.Freeze(old)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	if n, err := count(ctx, asleep, s.stream); err == nil {
		t.Errorf("the frozen member answers: %d", n)
	}
	cancel()
	if now := leader(t, c); now == old {
		t.Fatal("the frozen one leads")
	}
	s.append(connect(t, c.MemberString(c.Leader())))
	c.Thaw(old)
	if n, err := count(demanding(within(t, soon), "true"), asleep, s.stream); err != nil || n != 1 {
		t.Errorf("the woken leader shows %d events, %v; want what it had", n, err)
	}
	if now := states(t, c, old); now[old] != "Leader" {
		t.Errorf("the woken leader gossips %v", now)
	}
	// It refuses what goes on behind an event that it has never heard of, as if nobody had written it.
	_, err := asleep.AppendToStream(within(t, soon), s.stream, esdb.AppendToStreamOptions{ExpectedRevision: exactly(2)}, eventOf(1))
	var wrong *esdb.Error
	if !errors.As(err, &wrong) || wrong.Code() != esdb.ErrorCodeWrongExpectedVersion {
		t.Errorf("the woken leader answers an append behind a newer event with %v", err)
	}
	// What it writes meanwhile is acknowledged by nobody, and makes it end.
	_, err = asleep.AppendToStream(within(t, soon), "gone-"+uuid.NewString(), esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, eventOf(1))
	if code, _ := cause(err); code != codes.Aborted {
		t.Errorf("the woken leader answers an append with %v", err)
	}
	step(t, c)
	if _, err := ended(sub); err == nil {
		t.Error("the woken leader, which had written, goes on")
	}
	whole(t, c)
	if all := mustReadAll(t, connect(t, c.MemberString(old))); len(all) != 2 {
		t.Errorf("the member that slept holds %v", all)
	}
}

// TestABriefFreeze that nobody notices changes nothing.
func TestABriefFreeze(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{Timing: escluster.Timing{Silent: time.Minute}})
	old := leader(t, c)
	client := connect(t, c.MemberString(old))
	s := newSeries(t)
	s.append(client)
	c.Freeze(old)
	c.Thaw(old)
	s.append(client)
	if c.Leader() != old {
		t.Errorf("member %d leads", c.Leader())
	}
	follower := c.Followers()[1] // the same for a follower
	c.Freeze(follower)
	s.append(client)
	c.Thaw(follower)
	whole(t, c)
}

// TestSubscriptionEnds: each end of a member has its own word for its subscribers.
func TestSubscriptionEnds(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{Timing: escluster.Timing{Restart: escluster.WhenTold}}) // its word goes out before a stopped one ends
	one, other := c.Followers()[0], c.Followers()[1]
	sub := subscribe(t, connect(t, c.MemberString(one)), esdb.End{})
	c.EndSubscriptions(one, escluster.TooSlow)
	if _, err := ended(sub); status.Code(err) != codes.Aborted {
		t.Errorf("too slow: %v", err)
	}
	sub = subscribe(t, connect(t, c.MemberString(one)), esdb.End{})
	c.Stop(one)
	if _, err := ended(sub); status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "RST_STREAM") {
		t.Errorf("stopped in order: %v", err)
	}
	sub = subscribe(t, connect(t, c.MemberString(other)), esdb.End{})
	c.Kill(other)
	if _, err := ended(sub); status.Code(err) != codes.Unavailable {
		t.Errorf("killed: %v", err)
	}
}

// TestStoppedLeader: stopped in order a leader refuses appends, and another one follows once it is gone. Handed over, the lead moves and nobody ends.
func TestStoppedLeader(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{Timing: escluster.Timing{Drain: escluster.WhenTold}})
	old := leader(t, c)
	client := connect(t, c.MemberString(old))
	s := newSeries(t)
	s.append(client)
	c.Stop(old)
	_, err := client.AppendToStream(within(t, soon), s.stream, esdb.AppendToStreamOptions{ExpectedRevision: exactly(1)}, eventOf(1))
	if code, said := cause(err); code != codes.Unavailable || said != "Server Is Not Ready" {
		t.Errorf("the stopping leader says %v", err)
	}
	step(t, c)
	eventually(t, "another one leads", func() bool { return leader(t, c) != old })
	s.append(connect(t, c.ConnectionString()))
	if err := c.Start(old); err != nil {
		t.Fatal(err)
	}
	whole(t, c)
	if err := c.Lead(within(t, soon), old); err != nil {
		t.Fatal(err)
	}
	if now := leader(t, c); now != old {
		t.Errorf("member %d leads, the lead was handed to %d", now, old)
	}
	s.append(connect(t, c.ConnectionString()))
	whole(t, c)
	if n, err := count(within(t, soon), connect(t, c.MemberString(old)), s.stream); err != nil || n != 3 {
		t.Errorf("%d events of 3 are there, %v", n, err)
	}
}

// TestGossip tells of a failover what the members know of it.
func TestGossip(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{Timing: escluster.Timing{Dead: escluster.WhenTold, Election: escluster.WhenTold}})
	old := leader(t, c)
	whole(t, c)
	follower, other := c.Followers()[0], c.Followers()[1]
	want := func(what string, want map[int]string) {
		t.Helper()
		var got []string
		eventually(t, what, func() bool {
			got = states(t, c, follower)
			for i, state := range want {
				if got[i] != state {
					return false
				}
			}
			return true
		})
	}
	want("whole", map[int]string{old: "Leader", follower: "Follower", other: "Follower"})
	c.Kill(old)
	if now := states(t, c, follower); now[old] != "Leader" {
		t.Errorf("right after the kill: %v", now)
	}
	step(t, c)
	want("noticed", map[int]string{old: "Unknown, dead", follower: "Unknown", other: "Unknown"})
	step(t, c)
	eventually(t, "another one is named", func() bool { return slices.Contains(states(t, c, follower), "Leader") })
	if err := c.Start(old); err != nil {
		t.Fatal(err)
	}
	want("back", map[int]string{old: "Follower"})
}

func step(t testing.TB, c *escluster.Cluster) {
	t.Helper()
	if err := c.Step(within(t, soon)); err != nil {
		t.Fatal(err)
	}
}

// refusedForLeader asks a member for what only the leader may answer, and tells whom it names.
func refusedForLeader(t testing.TB, address string) (host, port string) {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	read, err := streams.NewStreamsClient(conn).Read(demanding(within(t, soon), "true"), &streams.ReadReq{Options: &streams.ReadReq_Options{
		StreamOption: &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_Start{Start: &shared.Empty{}}}},
		CountOption:  &streams.ReadReq_Options_Count{Count: 1},
		FilterOption: &streams.ReadReq_Options_NoFilter{NoFilter: &shared.Empty{}},
		UuidOption:   &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_Structured{Structured: &shared.Empty{}}},
	}})
	if err == nil {
		_, err = read.Recv()
	}
	trailers := read.Trailer()
	if status.Code(err) != codes.NotFound || !slices.Equal(trailers.Get("exception"), []string{"not-leader"}) {
		t.Fatalf("a follower that is asked for the leader says %v %v", err, trailers)
	}
	return trailers.Get("leader-endpoint-host")[0], trailers.Get("leader-endpoint-port")[0]
}

// states asks a member what it knows of all.
func states(t testing.TB, c *escluster.Cluster, i int) (found []string) {
	t.Helper()
	conn, err := grpc.NewClient(c.Addr(i), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	info, err := gossip.NewGossipClient(conn).Read(within(t, soon), &shared.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range info.GetMembers() {
		state := m.GetState().String()
		if !m.GetIsAlive() {
			state += ", dead"
		}
		if at := fmt.Sprintf("%s:%d", m.GetHttpEndPoint().GetAddress(), m.GetHttpEndPoint().GetPort()); at != c.Addr(i) {
			t.Errorf("member %d is said to be at %s", i, at)
		}
		found = append(found, state)
	}
	return found
}

// subscribe follows $all.
func subscribe(t testing.TB, client *esdb.Client, from esdb.AllPosition) *esdb.Subscription {
	t.Helper()
	sub, err := client.SubscribeToAll(context.Background(), esdb.SubscribeToAllOptions{From: from})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sub.Close() })
	return sub
}

func nextEvent(t testing.TB, sub *esdb.Subscription) event {
	t.Helper()
	late := time.AfterFunc(soon, func() { _ = sub.Close() })
	defer late.Stop()
	for {
		e := sub.Recv()
		switch {
		case e.EventAppeared != nil:
			return eventFrom(e.EventAppeared)
		case e.SubscriptionDropped != nil:
			t.Fatalf("the subscription ended: %v", e.SubscriptionDropped.Error)
		}
	}
}

// ended waits for the end of a subscription. Nil: it did not come.
func ended(sub *esdb.Subscription) (more []event, err error) {
	var silent atomic.Bool
	late := time.AfterFunc(soon, func() { silent.Store(true); _ = sub.Close() })
	defer late.Stop()
	for {
		e := sub.Recv()
		switch {
		case e.EventAppeared != nil:
			more = append(more, eventFrom(e.EventAppeared))
		case e.SubscriptionDropped != nil && silent.Load():
			return more, nil
		case e.SubscriptionDropped != nil:
			return more, e.SubscriptionDropped.Error
		}
	}
}
