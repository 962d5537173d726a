package esnode_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// crowd is how many subscribe to how much.
type crowd struct {
	streams, bytesEach int // the log: so many streams of so many bytes
	stopped, takers    int // subscribers that stop reading, and those that take an event a second
	settle, steady     time.Duration
	writing            time.Duration // how long appends are measured; 0: they are not
	resident           int           // KiB that the node may hold in memory at most
}

// TestSubscribers: thousands subscribe over a log many times their memory, most stop reading, some take an event a second. The node's memory is
// bounded and stays where it is, storage iterators are few, others append as quickly as before; whoever goes away leaves nothing, and in the end
// everybody reads on to the end without a gap.
func TestSubscribers(t *testing.T) {
	c := crowd{streams: 40, bytesEach: 256 << 10, stopped: 360, takers: 40, settle: time.Second, steady: 2 * time.Second, resident: 200 << 10}
	if torture() > 1 {
		c = crowd{streams: 1000, bytesEach: 1 << 20, stopped: 9000, takers: 1000, settle: 30 * time.Second, steady: 5 * time.Minute,
			writing: 15 * time.Second, resident: 1200 << 10}
	}
	node := startChild(t, t.TempDir())
	ends := fill(t, node, c)
	t.Logf("filled: %d KiB resident", node.resident(t))

	alone := node.appendRate(t, c.writing)
	tail := lastEvents(t, node)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	subscribers := subscribe(t, ctx, node, c, ends, tail)

	// Some of those that stopped go away while they are stuck.
	gone, leaveEarly := context.WithCancel(ctx)
	early := subscribe(t, gone, node, crowd{streams: c.streams, stopped: c.stopped / 20}, ends, tail)
	before := node.state(t).readers
	leaveEarly()
	node.await(t, "who went away is forgotten", func(s childState) bool { return s.readers <= before-len(early) })

	taking, stopTaking := context.WithCancel(ctx)
	var takers sync.WaitGroup
	for _, s := range subscribers[c.stopped:] {
		takers.Go(func() {
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					if !s.read.Load() {
						s.take(t)
					}
				case <-taking.Done():
					return
				}
			}
		})
	}
	wait(t, c.settle)
	const looks = 50
	first, most, open := 0, 0, 0
	var during float64 // at three times, as the speed of a machine that others use changes by the minute
	for look := range looks {
		if look%20 == 0 {
			during += node.appendRate(t, c.writing) / 3
		}
		wait(t, c.steady/looks)
		s, now := node.state(t), node.resident(t)
		if most, open = max(most, now), max(open, s.iterators); look < looks/5 {
			first = max(first, now)
		}
	}
	stopTaking()
	takers.Wait()
	t.Logf("%d subscribers: at most %d KiB resident, %d in the first fifth of the time, %d iterators open", len(subscribers), most, first, open)
	if most > c.resident {
		t.Errorf("%d KiB resident, more than %d", most, c.resident)
	}
	if torture() > 1 && most > first*12/10 { // two seconds are too few to tell growth from a start
		t.Errorf("memory grows: %d KiB in the first fifth of the time, %d later", first, most)
	}
	if open > 64 {
		t.Errorf("%d iterators open at once", open)
	}

	var reading sync.WaitGroup
	var events atomic.Int64
	for _, s := range subscribers {
		reading.Go(func() {
			for !s.read.Load() && s.take(t) {
				events.Add(1)
			}
		})
	}
	reading.Wait()
	t.Logf("everybody read to the end, %d events more", events.Load())
	leave()
	node.await(t, "nothing is open after everybody left", func(s childState) bool { return s.readers == 0 && s.iterators == 0 })
	if c.writing > 0 {
		alone = (alone + node.appendRate(t, c.writing) + node.appendRate(t, c.writing)) / 3
		t.Logf("%.0f appends a second with them, %.0f without", during, alone)
		if during < 0.9*alone {
			t.Errorf("appends fell to %.0f %%", 100*during/alone)
		}
	}
}

// wait lets time pass: what is measured here is what happens in it.
func wait(t *testing.T, d time.Duration) {
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
}

// child is a node in a process of its own.
type child struct {
	cmd     *exec.Cmd
	url     string
	address string
	ask     sync.Mutex
	input   *bufio.Writer
	output  *bufio.Reader
}

type childState struct{ readers, iterators int }

func startChild(t *testing.T, dir string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childFolder+"="+dir)
	cmd.Stderr = os.Stderr // what a child says that dies
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: cmd, input: bufio.NewWriter(input), output: bufio.NewReader(output)}
	t.Cleanup(c.kill)
	url, err := c.output.ReadString('\n')
	if err != nil || !strings.HasPrefix(url, "esdb://") {
		t.Fatalf("the child says %q, %v", url, err)
	}
	c.url = strings.TrimSpace(url)
	c.address, _, _ = strings.Cut(strings.TrimPrefix(c.url, "esdb://"), "?")
	return c
}

// kill ends the child at once; it may be dead already.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

func (c *child) state(t *testing.T) (s childState) {
	t.Helper()
	c.ask.Lock()
	defer c.ask.Unlock()
	_, _ = c.input.WriteString("state\n")
	_ = c.input.Flush()
	line, err := c.output.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(line, &s.readers, &s.iterators); err != nil {
		t.Fatalf("the child says %q", line)
	}
	return s
}

// await waits for a state that has to come.
func (c *child) await(t *testing.T, what string, reached func(childState) bool) {
	t.Helper()
	for began := time.Now(); ; wait(t, 20*time.Millisecond) {
		s := c.state(t)
		if reached(s) {
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("%s: not within a minute: %+v", what, s)
		}
	}
}

// resident is the child's memory in KiB.
func (c *child) resident(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// appendRate is how many small events 32 writers append in a second, each waiting for its answer.
func (c *child) appendRate(t *testing.T, d time.Duration) float64 {
	t.Helper()
	if d == 0 {
		return 0
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	conn := c.dial(t)
	defer conn.Close()
	client := streams.NewStreamsClient(conn)
	var written atomic.Int64
	var writers sync.WaitGroup
	began := time.Now()
	for w := range 32 {
		writers.Go(func() {
			stream := fmt.Sprintf("load-%d-%d", w, began.UnixNano())
			for ctx.Err() == nil {
				if _, err := appendOne(ctx, client, stream); err == nil {
					written.Add(1)
				}
			}
		})
	}
	writers.Wait()
	return float64(written.Load()) / time.Since(began).Seconds()
}

// dial connects with windows that do not grow: what a client that stopped has taken is then known. That of the connection has room for a hundred
// streams that stopped, and for little more: the node's pings wait behind all that was sent.
func (c *child) dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(c.address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithInitialWindowSize(64<<10),
		grpc.WithInitialConnWindowSize(8<<20), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(17<<20)))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// fill writes the streams doc-0, doc-1, …: events of 400 bytes to 900 KiB, small ones mostly. It answers with the last revision of each.
func fill(t *testing.T, node *child, c crowd) []uint64 {
	t.Helper()
	ends := make([]uint64, c.streams)
	next := make(chan int)
	var writers sync.WaitGroup
	for range 16 {
		config, err := esdb.ParseConnectionString(node.url)
		if err != nil {
			t.Fatal(err)
		}
		client, err := esdb.NewClient(config)
		if err != nil {
			t.Fatal(err)
		}
		writers.Go(func() {
			defer client.Close()
			for i := range next {
				var batch []esdb.EventData
				var pending, total int
				count := uint64(0)
				flush := func() {
					if _, err := client.AppendToStream(deadline(t), "doc-"+strconv.Itoa(i), esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, batch...); err != nil {
						t.Error(err)
					}
					batch, pending = nil, 0
				}
				for total < c.bytesEach {
					size := drawSize()
					if pending+size > 900<<10 {
						flush()
					}
					batch = append(batch, esdb.EventData{EventID: uuid.New(), EventType: "doc", ContentType: esdb.ContentTypeBinary, Data: document(i, count, size)})
					pending, total, count = pending+size, total+size, count+1
				}
				flush()
				ends[i] = count - 1
			}
		})
	}
	for i := range c.streams {
		next <- i
	}
	close(next)
	writers.Wait()
	return ends
}

// drawSize is between 400 bytes and 900 KiB: of 200 events 194 are a page of text at most, one is a scanned document.
func drawSize() int {
	between := func(least, most float64) int {
		return int(math.Exp(math.Log(least) + rand.Float64()*(math.Log(most)-math.Log(least))))
	}
	switch n := rand.IntN(200); {
	case n == 0:
		return between(64<<10, 900<<10)
	case n < 6:
		return between(4<<10, 64<<10)
	default:
		return between(400, 4<<10)
	}
}

// document is what stands in an event: it tells whose it is, and does not shrink when it is compressed.
func document(stream int, revision uint64, size int) []byte {
	b := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(stream), byte(stream >> 8), byte(revision), byte(revision >> 8)})
	_, _ = r.Read(b)
	binary.BigEndian.PutUint64(b, uint64(stream))
	binary.BigEndian.PutUint64(b[8:], revision)
	return b
}

// tail is the log's end: positions of two events some hundreds apart.
type tail struct{ from, to uint64 }

func lastEvents(t *testing.T, node *child) tail {
	t.Helper()
	config, err := esdb.ParseConnectionString(node.url)
	if err != nil {
		t.Fatal(err)
	}
	client, err := esdb.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	read, err := client.ReadAll(deadline(t), esdb.ReadAllOptions{Direction: esdb.Backwards, From: esdb.End{}}, 300)
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	var at tail
	for {
		e, err := read.Recv()
		if errors.Is(err, io.EOF) {
			return at
		}
		if err != nil {
			t.Fatal(err)
		}
		at.from, at.to = e.Event.Position.Commit, max(at.to, e.Event.Position.Commit)
	}
}

// subscriber follows a stream from its beginning, or all streams from near the log's end.
type subscriber struct {
	call   streams.Streams_ReadClient
	stream int    // -1: all
	next   uint64 // revision or position
	last   uint64
	read   atomic.Bool
}

// subscribe makes a subscriber of each stream in turn, one of 50 of all streams. Each has taken its first event when it returns.
func subscribe(t *testing.T, ctx context.Context, node *child, c crowd, ends []uint64, at tail) []*subscriber {
	t.Helper()
	all := make([]*subscriber, c.stopped+c.takers)
	var starting sync.WaitGroup
	for from := 0; from < len(all); from += 100 {
		conn := node.dial(t)
		t.Cleanup(func() { _ = conn.Close() })
		starting.Go(func() {
			for i := from; i < min(from+100, len(all)); i++ {
				s := &subscriber{stream: i % c.streams, last: ends[i%c.streams]}
				options := &streams.ReadReq_Options{
					CountOption:  &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}},
					FilterOption: &streams.ReadReq_Options_NoFilter{NoFilter: &shared.Empty{}},
					UuidOption:   &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_Structured{Structured: &shared.Empty{}}},
				}
				if i%50 == 0 {
					s.stream, s.next, s.last = -1, at.from+1, at.to
					options.StreamOption = &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_Position{
						Position: &streams.ReadReq_Options_Position{CommitPosition: at.from, PreparePosition: at.from}}}}
				} else {
					options.StreamOption = &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
						StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("doc-" + strconv.Itoa(s.stream))},
						RevisionOption:   &streams.ReadReq_Options_StreamOptions_Start{Start: &shared.Empty{}},
					}}
				}
				var err error
				if s.call, err = streams.NewStreamsClient(conn).Read(ctx, &streams.ReadReq{Options: options}); err != nil {
					t.Error(err)
					return
				}
				if !s.take(t) {
					return
				}
				all[i] = s
			}
		})
	}
	starting.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return all
}

// take receives one event and looks whether it is the one that follows.
func (s *subscriber) take(t *testing.T) bool {
	for {
		m, err := s.call.Recv()
		if err != nil {
			t.Errorf("a subscriber of %d: %v", s.stream, err)
			return false
		}
		e := m.GetEvent().GetEvent()
		if e == nil {
			continue // the confirmation, say
		}
		at, name := e.StreamRevision, string(e.StreamIdentifier.StreamName)
		if s.stream < 0 {
			at = e.CommitPosition
		}
		number, isDocument := strings.CutPrefix(name, "doc-")
		if at != s.next || s.stream >= 0 && number != strconv.Itoa(s.stream) {
			t.Errorf("a subscriber of %d got %d, an event of %s, where %d comes next", s.stream, at, name, s.next)
			return false
		}
		if stream, err := strconv.Atoi(number); isDocument && (err != nil || !bytes.Equal(e.Data[:16], document(stream, e.StreamRevision, 16))) {
			t.Errorf("%s revision %d holds something else", name, e.StreamRevision)
			return false
		}
		s.next++
		s.read.Store(at == s.last)
		return true
	}
}
