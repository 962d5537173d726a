package esnode_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/dragoman-booking/dragoman/internal/esnode"
)

// TestSlowSubscribers: readers that do not read lose nothing, and cost a bounded piece of memory however much they are behind. It does not
// run in parallel because it measures memory.
func TestSlowSubscribers(t *testing.T) {
	n := esnode.RunT(t)
	c := connect(t, n)
	data := `"` + strings.Repeat("x", 20_000) + `"`
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const readers, events = 40, 1500
	var subs []streams.Streams_ReadClient
	for range readers {
		sub, err := dial(t, n).Read(deadline(t), allFromStart(nil))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sub.Recv(); err != nil { // the confirmation; nothing more is read for now
			t.Fatal(err)
		}
		subs = append(subs, sub)
	}
	for i := range events / 30 {
		batch := make([]esdb.EventData, 30)
		for j := range batch {
			batch[j] = event(fmt.Sprint(30*i+j), data)
		}
		appendTo(t, c, "s", esdb.Any{}, batch...)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	// All events in memory for each reader would be 1.2 GB. What is allowed is the store's own memory and half a megabyte a reader, its
	// client's buffers included.
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 120<<20+readers*(512<<10) {
		t.Errorf("%d slow readers cost %d MiB", readers, grown>>20)
	}
	for _, sub := range []streams.Streams_ReadClient{subs[0], subs[readers-1]} {
		for next := 0; next < events; {
			m, err := sub.Recv()
			if err != nil {
				t.Fatal(err)
			}
			e := m.GetEvent().GetEvent()
			if e == nil {
				continue
			}
			if got := e.GetMetadata()["type"]; got != fmt.Sprint(next) {
				t.Fatalf("event %q, want %d", got, next)
			}
			next++
		}
	}
}

// TestSubscribersUnderLoad: while many write, every subscriber of whatever kind gets everything once and in order.
func TestSubscribersUnderLoad(t *testing.T) {
	t.Parallel()
	n := esnode.RunT(t)
	c := connect(t, n)
	const writers, each = 6, 150
	var writing, reading sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			var expected esdb.ExpectedRevision = esdb.NoStream{}
			for i := range each {
				r, err := c.AppendToStream(context.Background(), fmt.Sprint("s", w), esdb.AppendToStreamOptions{ExpectedRevision: expected}, event(fmt.Sprint("T", i%2), "{}"))
				if err != nil {
					t.Error(err)
					return
				}
				expected = esdb.Revision(r.NextExpectedVersion)
			}
		})
	}
	receive := func(sub *esdb.Subscription, want int, of func(*esdb.RecordedEvent) uint64, wantLast uint64) {
		reading.Go(func() {
			defer sub.Close()
			last, first := uint64(0), true
			for got := 0; got < want; {
				m := sub.Recv()
				if m.SubscriptionDropped != nil {
					t.Error(m.SubscriptionDropped.Error)
					return
				}
				if m.EventAppeared == nil {
					continue
				}
				if number := of(m.EventAppeared.Event); !first && number <= last {
					t.Errorf("%d after %d", number, last)
					return
				} else {
					last, first = number, false
				}
				got++
			}
			if wantLast > 0 && last != wantLast {
				t.Errorf("the last is %d, want %d", last, wantLast)
			}
		})
	}
	position := func(e *esdb.RecordedEvent) uint64 { return e.Position.Commit }
	revision := func(e *esdb.RecordedEvent) uint64 { return e.EventNumber }
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // each of the appends waits for the disk
	defer cancel()
	for range 3 {
		all, err := c.SubscribeToAll(ctx, esdb.SubscribeToAllOptions{From: esdb.Start{}})
		if err != nil {
			t.Fatal(err)
		}
		receive(all, writers*each, position, writers*each)
		filtered, err := c.SubscribeToAll(ctx, esdb.SubscribeToAllOptions{From: esdb.Start{}, Filter: &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Prefixes: []string{"T1"}}})
		if err != nil {
			t.Fatal(err)
		}
		receive(filtered, writers*each/2, position, 0)
		stream, err := c.SubscribeToStream(ctx, "s3", esdb.SubscribeToStreamOptions{From: esdb.Start{}})
		if err != nil {
			t.Fatal(err)
		}
		receive(stream, each, revision, each-1)
	}
	writing.Wait()
	reading.Wait()
}

// TestCheckpoints draws logs, filters and windows, and holds the subscription to what clients may rely on: checkpoints never go back, are
// never ahead of a match not yet delivered, come every interval of events considered, and going on from any of them gives exactly the rest.
func TestCheckpoints(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	n := esnode.RunT(t)
	c, client := connect(t, n), dial(t, n)
	var matches []uint64 // positions of the events of type "yes"
	write := func(count int) {
		for range count {
			batch := make([]esdb.EventData, 1+rng.IntN(4))
			for i := range batch {
				batch[i] = event([]string{"no", "no", "no", "yes"}[rng.IntN(4)], "{}")
			}
			r := appendTo(t, c, fmt.Sprint("s", rng.IntN(3)), esdb.Any{}, batch...)
			for i := range batch {
				if batch[i].EventType == "yes" {
					matches = append(matches, r.CommitPosition-uint64(len(batch)-1-i))
				}
			}
		}
	}
	write(100)
	for range 12 {
		window, every := 1+rng.IntN(20), 1+rng.IntN(4)
		filter := &streams.ReadReq_Options_FilterOptions{
			Filter:                       &streams.ReadReq_Options_FilterOptions_EventType{EventType: &streams.ReadReq_Options_FilterOptions_Expression{Prefix: []string{"yes"}}},
			Window:                       &streams.ReadReq_Options_FilterOptions_Max{Max: uint32(window)},
			CheckpointIntervalMultiplier: uint32(every),
		}
		ctx, cancel := context.WithCancel(deadline(t))
		sub, err := client.Read(ctx, allFromStart(filter))
		if err != nil {
			t.Fatal(err)
		}
		var delivered, checkpoints []uint64
		live := false
		for len(delivered) < len(matches) || !live {
			m, err := sub.Recv()
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case m.GetEvent() != nil:
				delivered = append(delivered, m.GetEvent().GetCommitPosition())
			case m.GetCheckpoint() != nil:
				at := m.GetCheckpoint().GetCommitPosition()
				if k := len(checkpoints); k > 0 && at != checkpoints[k-1]+uint64(window*every) || k == 0 && at != uint64(window*every) {
					t.Fatalf("seed %d: checkpoint at %d after %v, window %d, every %d", seed, at, checkpoints, window, every)
				}
				checkpoints = append(checkpoints, at)
				if i, _ := slices.BinarySearch(matches, at+1); i != len(delivered) {
					t.Fatalf("seed %d: checkpoint %d with %d of %d matches before it delivered", seed, at, len(delivered), i)
				}
			case m.GetCaughtUp() != nil:
				live = true
				write(10) // the rest comes live
			}
		}
		cancel()
		if !slices.Equal(delivered, matches) {
			t.Fatalf("seed %d: delivered %v, want %v", seed, delivered, matches)
		}
		if len(checkpoints) == 0 {
			continue
		}
		from := checkpoints[rng.IntN(len(checkpoints))]
		again := allFromStart(filter)
		again.Options.GetAll().AllOption = &streams.ReadReq_Options_AllOptions_Position{Position: &streams.ReadReq_Options_Position{CommitPosition: from, PreparePosition: from}}
		ctx, cancel = context.WithCancel(deadline(t))
		if sub, err = client.Read(ctx, again); err != nil {
			t.Fatal(err)
		}
		var rest []uint64
		for {
			m, err := sub.Recv()
			if err != nil {
				t.Fatal(err)
			}
			if m.GetCaughtUp() != nil {
				break
			}
			if m.GetEvent() != nil {
				rest = append(rest, m.GetEvent().GetCommitPosition())
			}
		}
		cancel()
		i, _ := slices.BinarySearch(matches, from+1)
		if !slices.Equal(rest, matches[i:]) {
			t.Fatalf("seed %d: from checkpoint %d came %v, want %v", seed, from, rest, matches[i:])
		}
	}
}

// TestSubscriptionAsTheClientSeesIt: what it says besides events.
func TestSubscriptionAsTheClientSeesIt(t *testing.T) {
	t.Parallel()
	n := esnode.RunT(t)
	c := connect(t, n)
	for i := range 40 {
		appendTo(t, c, "s", esdb.Any{}, event(fmt.Sprint("T", i), "{}"))
	}
	sub, err := c.SubscribeToAll(deadline(t), esdb.SubscribeToAllOptions{From: esdb.Start{}, Filter: esdb.ExcludeSystemEventsFilter()})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	events, checkpoints, caughtUp := 0, 0, 0
	for caughtUp == 0 {
		m := sub.Recv()
		switch {
		case m.EventAppeared != nil:
			events++
		case m.CheckPointReached != nil:
			if m.CheckPointReached.Commit != uint64(events) {
				t.Errorf("checkpoint %d after %d events", m.CheckPointReached.Commit, events)
			}
			checkpoints++
		case m.CaughtUp != nil:
			caughtUp++
		default:
			t.Fatalf("%+v", m)
		}
	}
	if events != 40 || checkpoints != 1 {
		t.Errorf("%d events and %d checkpoints, want 40 and 1", events, checkpoints)
	}
	go func() { _ = n.Stop(deadline(t)) }()
	if m := sub.Recv(); m.SubscriptionDropped == nil || !strings.Contains(m.SubscriptionDropped.Error.Error(), "Unavailable") {
		t.Errorf("when the node stops: %+v", m)
	}
}
