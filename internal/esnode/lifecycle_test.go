package esnode_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-booking/dragoman/internal/esnode"
)

type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// dial speaks gRPC to the node without the official client.
func dial(t testing.TB, n *esnode.Node) streams.StreamsClient {
	t.Helper()
	conn, err := grpc.NewClient(n.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return streams.NewStreamsClient(conn)
}

func allFromStart(filter *streams.ReadReq_Options_FilterOptions) *streams.ReadReq {
	o := &streams.ReadReq_Options{
		StreamOption: &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_Start{Start: &shared.Empty{}}}},
		CountOption:  &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}},
		FilterOption: &streams.ReadReq_Options_NoFilter{NoFilter: &shared.Empty{}},
	}
	if filter != nil {
		o.FilterOption = &streams.ReadReq_Options_Filter{Filter: filter}
	}
	return &streams.ReadReq{Options: o}
}

func TestOnlyLoopback(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:2113", "[::]:0", "example.com:2113", "nonsense"} {
		n, err := esnode.Start(context.Background(), esnode.Config{Dir: t.TempDir(), Listen: address})
		if err == nil {
			_ = n.Stop(context.Background())
			t.Errorf("listens on %s", address)
		}
	}
	n := esnode.RunT(t, func(c *esnode.Config) { c.Listen = "localhost:0" })
	connect(t, n)
}

// TestAdvertise: gossip tells where the node listens, or the address that it was told to tell; one that is none is refused.
func TestAdvertise(t *testing.T) {
	t.Parallel()
	for _, advertise := range []string{"", "proxy.example:4711"} {
		n := esnode.RunT(t, func(c *esnode.Config) { c.Advertise = advertise })
		conn, err := grpc.NewClient(n.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		told, err := gossip.NewGossipClient(conn).Read(deadline(t), &shared.Empty{})
		if err != nil {
			t.Fatal(err)
		}
		at := told.Members[0].HttpEndPoint
		if got, want := fmt.Sprintf("%s:%d", at.Address, at.Port), cmp.Or(advertise, n.Addr()); got != want || len(told.Members) != 1 {
			t.Errorf("gossip tells %s, want %s", got, want)
		}
	}
	for _, advertise := range []string{"nonsense", ":1", "host:", "host:0", "host:65536", "host:http"} {
		n, err := esnode.Start(context.Background(), esnode.Config{Dir: t.TempDir(), Advertise: advertise})
		if err == nil {
			_ = n.Stop(context.Background())
			t.Errorf("advertises %q", advertise)
		}
	}
}

func TestFolderOfARunningNode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	esnode.RunT(t, func(c *esnode.Config) { c.Dir = dir })
	_, err := esnode.Start(context.Background(), esnode.Config{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "another process has this folder open") {
		t.Errorf("second start on the same folder: %v", err)
	}
}

// TestStop: subscriptions end with Unavailable, an append under way is finished, later calls fail, and all of it is there afterwards.
func TestStop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := esnode.RunT(t, func(c *esnode.Config) { c.Dir = dir })
	client := dial(t, n)
	sub, err := client.Read(deadline(t), allFromStart(nil))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // confirmation, caught up
		if _, err := sub.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	appending, err := client.Append(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, n)
	appendTo(t, c, "s", esdb.Any{}, event("a", "{}"))
	if _, err := sub.Recv(); err != nil {
		t.Fatal(err)
	}
	send := func(m *streams.AppendReq) {
		if err := appending.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	send(&streams.AppendReq{Content: &streams.AppendReq_Options_{Options: &streams.AppendReq_Options{
		StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("s")}, ExpectedStreamRevision: &streams.AppendReq_Options_Any{Any: &shared.Empty{}},
	}}})

	stopped := make(chan error, 1)
	go func() { stopped <- n.Stop(deadline(t)) }()
	if _, err := sub.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("subscription ended with %v", err)
	}
	send(&streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: &streams.AppendReq_ProposedMessage{
		Id: &shared.UUID{Value: &shared.UUID_String_{String_: "6f2c1d5e-2a74-4b1e-9d2f-0a8f4a6f7c11"}}, Metadata: map[string]string{"type": "b", "content-type": "application/json"},
	}}})
	if _, err := appending.CloseAndRecv(); err != nil {
		t.Errorf("append under way: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if late, err := client.Read(deadline(t), allFromStart(nil)); err == nil {
		if _, err = late.Recv(); status.Code(err) != codes.Unavailable {
			t.Errorf("call after the stop: %v", err)
		}
	}
	got, err := readStream(t, connect(t, esnode.RunT(t, func(c *esnode.Config) { c.Dir = dir })), "s", esdb.ReadStreamOptions{From: esdb.Start{}}, 10)
	wantTypes(t, got, err, "a b")
}

// TestStopWithStuckClients: a client that takes nothing cannot hold up the stop for longer than its context.
func TestStopWithStuckClients(t *testing.T) {
	t.Parallel()
	n := esnode.RunT(t)
	c := connect(t, n)
	for range 20 {
		appendTo(t, c, "s", esdb.Any{}, event("a", `"`+strings.Repeat("x", 50_000)+`"`))
	}
	if _, err := dial(t, n).Read(deadline(t), allFromStart(nil)); err != nil { // never received from
		t.Fatal(err)
	}
	if _, err := dial(t, n).Append(deadline(t)); err != nil { // never finished
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// TestStorageFails: clients get no acknowledgement, the node says that it is over.
func TestStorageFails(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && strings.HasSuffix(op.Path, ".log") && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) {
			return errors.New("input/output error")
		}
		return nil
	}))
	n := esnode.RunT(t, func(c *esnode.Config) { c.FS, c.Dir = fs, "data" })
	c := connect(t, n)
	appendTo(t, c, "s", esdb.Any{}, event("a", "{}"))
	sub, err := dial(t, n).Read(deadline(t), allFromStart(nil))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // confirmation, a, caught up
		if _, err := sub.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	broken.Store(true)
	if _, err := c.AppendToStream(deadline(t), "s", esdb.AppendToStreamOptions{}, event("b", "{}")); err == nil {
		t.Error("an append was acknowledged although its sync failed")
	}
	select {
	case err := <-n.Failed():
		if err == nil || !strings.Contains(err.Error(), "input/output error") {
			t.Errorf("failed with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the node does not say that it failed")
	}
	if m, err := sub.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("subscription got %v, %v", m, err)
	}
}

// TestDiskNearlyFull: appends are told ResourceExhausted, reads go on.
func TestDiskNearlyFull(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 40})
	start := func() *esnode.Node {
		return esnode.RunT(t, func(c *esnode.Config) { c.FS, c.Dir, c.MinFreeDisk = fs, "data", 1<<30 })
	}
	n := start()
	appendTo(t, connect(t, n), "s", esdb.NoStream{}, event("a", "{}"))
	if err := n.Stop(deadline(t)); err != nil {
		t.Fatal(err)
	}
	fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 20})
	n = start()
	if _, err := appendOne(deadline(t), dial(t, n), "s"); status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "nearly full") {
		t.Errorf("append on a full disk: %v", err)
	}
	got, err := readStream(t, connect(t, n), "s", esdb.ReadStreamOptions{From: esdb.Start{}}, 10)
	wantTypes(t, got, err, "a")
}

func TestTooManyReaders(t *testing.T) {
	t.Parallel()
	n := esnode.RunT(t, func(c *esnode.Config) { c.MaxReaders = 3 })
	client := dial(t, n)
	ctx, cancel := context.WithCancel(deadline(t))
	for range 3 {
		sub, err := client.Read(ctx, allFromStart(nil))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sub.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	read := func() error {
		sub, err := client.Read(deadline(t), allFromStart(nil))
		if err == nil {
			_, err = sub.Recv()
		}
		return err
	}
	if err := read(); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("one reader too many: %v", err)
	}
	cancel()
	for late := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) { // the server hears of it a moment later
		if err := read(); err == nil {
			break
		} else if time.Now().After(late) {
			t.Fatalf("after the others have gone: %v", err)
		}
	}
}

// TestTooManyConnections: a connection above the limit gets a reason for every call until another has gone, and others are not disturbed.
func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	n := esnode.RunT(t, func(c *esnode.Config) { c.MaxConnections = 2 })
	var conns []*grpc.ClientConn
	call := func(i int) error {
		sub, err := streams.NewStreamsClient(conns[i]).Read(deadline(t), allFromStart(nil))
		if err == nil {
			_, err = sub.Recv()
		}
		return err
	}
	for i := range 3 {
		conn, err := grpc.NewClient(n.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns = append(conns, conn)
		err = call(i)
		if i < 2 && err != nil {
			t.Errorf("connection %d: %v", i, err)
		}
		if i == 2 && (status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "too many connections")) {
			t.Errorf("one connection too many: %v", err)
		}
	}
	if _, err := serverfeatures.NewServerFeaturesClient(conns[2]).GetSupportedMethods(deadline(t), &shared.Empty{}); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("another call of one connection too many: %v", err)
	}
	heard := func(what string, call func() error) { // the server hears of a closed connection a moment later
		t.Helper()
		for late := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			if err := call(); err == nil {
				return
			} else if time.Now().After(late) {
				t.Fatalf("%s: %v", what, err)
			}
		}
	}
	_ = conns[1].Close()
	heard("the one too many, after another has gone", func() error { return call(2) })
	_ = conns[2].Close()
	heard("a new one, after the others have gone", func() error {
		conn, err := grpc.NewClient(n.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns[1] = conn
		return call(1)
	})
}

// TestFarTooManyConnections: above twice the limit a connection is closed at once.
func TestFarTooManyConnections(t *testing.T) {
	t.Parallel()
	n := esnode.RunT(t, func(c *esnode.Config) { c.MaxConnections = 2 })
	for i := range 5 {
		conn, err := net.Dial("tcp", n.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, http2.ClientPreface) // may meet a closed connection
		_, err = http2.NewFramer(conn, conn).ReadFrame()
		if closed := err != nil && !errors.Is(err, os.ErrDeadlineExceeded); closed != (i == 4) {
			t.Errorf("connection %d: %v", i, err)
		}
	}
}

// TestTooManyAppends: one above the limit is refused with a reason once it was received, those under way are finished.
func TestTooManyAppends(t *testing.T) {
	t.Parallel()
	client := dial(t, esnode.RunT(t, func(c *esnode.Config) { c.MaxAppends = 1 }))
	finished := errors.New("none")
	for late := time.Now().Add(10 * time.Second); finished != nil && time.Now().Before(late); {
		under, err := client.Append(deadline(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := under.Send(&streams.AppendReq{Content: &streams.AppendReq_Options_{Options: &streams.AppendReq_Options{
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("s")}, ExpectedStreamRevision: &streams.AppendReq_Options_Any{Any: &shared.Empty{}},
		}}}); err != nil {
			t.Fatal(err)
		}
		for err = nil; err == nil && time.Now().Before(late); { // until the server has taken the first one up
			_, err = appendOne(deadline(t), client, "t")
		}
		if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "too many appends") {
			t.Fatalf("an append too many: %v", err)
		}
		id := &shared.StreamIdentifier{StreamName: []byte("t")}
		if _, err := client.Delete(deadline(t), &streams.DeleteReq{Options: &streams.DeleteReq_Options{
			StreamIdentifier: id, ExpectedStreamRevision: &streams.DeleteReq_Options_Any{Any: &shared.Empty{}},
		}}); status.Code(err) != codes.ResourceExhausted {
			t.Errorf("a delete too many: %v", err)
		}
		if _, err := client.Tombstone(deadline(t), &streams.TombstoneReq{Options: &streams.TombstoneReq_Options{
			StreamIdentifier: id, ExpectedStreamRevision: &streams.TombstoneReq_Options_Any{Any: &shared.Empty{}},
		}}); status.Code(err) != codes.ResourceExhausted {
			t.Errorf("a tombstone too many: %v", err)
		}
		_, finished = under.CloseAndRecv() // or it was itself the one too many
	}
	if finished != nil {
		t.Errorf("the append under way: %v", finished)
	}
	if _, err := appendOne(deadline(t), client, "t"); err != nil {
		t.Errorf("an append after it: %v", err)
	}
}

// TestNotSpoken: whoever calls what the node does not have is told so once the first message is there, before which the Go client would not hear it, and
// soon also if there is none.
func TestNotSpoken(t *testing.T) {
	t.Parallel()
	n := esnode.RunT(t)
	conn, err := grpc.NewClient(n.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	for method, message := range map[string]proto.Message{
		"/event_store.client.streams.Streams/BatchAppend":                           &streams.BatchAppendReq{},
		"/event_store.client.persistent_subscriptions.PersistentSubscriptions/Read": &shared.Empty{},
	} {
		for _, sends := range []bool{true, false} {
			t.Run(fmt.Sprint(method, sends), func(t *testing.T) {
				t.Parallel()
				call, err := conn.NewStream(deadline(t), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method)
				if err != nil {
					t.Fatal(err)
				}
				answered := make(chan error, 1)
				go func() { answered <- call.RecvMsg(&shared.Empty{}) }()
				if sends {
					select {
					case err := <-answered:
						t.Fatalf("answered before anything was sent: %v", err)
					case <-time.After(100 * time.Millisecond):
					}
					if err := call.SendMsg(message); err != nil {
						t.Fatal(err)
					}
				}
				if err := <-answered; status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "does not speak "+method) {
					t.Error(err)
				}
			})
		}
	}
}

// TestRefusals are the requests that the node refuses with a reason.
func TestRefusals(t *testing.T) {
	t.Parallel()
	client := dial(t, esnode.RunT(t))
	options := func(stream string) *streams.AppendReq {
		return &streams.AppendReq{Content: &streams.AppendReq_Options_{Options: &streams.AppendReq_Options{
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)}, ExpectedStreamRevision: &streams.AppendReq_Options_Any{Any: &shared.Empty{}},
		}}}
	}
	id := &shared.UUID{Value: &shared.UUID_String_{String_: "6f2c1d5e-2a74-4b1e-9d2f-0a8f4a6f7c11"}}
	message := func(m *streams.AppendReq_ProposedMessage) *streams.AppendReq {
		return &streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: m}}
	}
	good := map[string]string{"type": "T", "content-type": "application/json"}
	revision := options("s")
	revision.GetOptions().ExpectedStreamRevision = &streams.AppendReq_Options_Revision{Revision: 1 << 63}
	for name, request := range map[string][]*streams.AppendReq{
		"nothing at all":            {},
		"no options":                {message(&streams.AppendReq_ProposedMessage{Id: id, Metadata: good})},
		"options twice":             {options("s"), options("s")},
		"an empty stream name":      {options("")},
		"a stream named $$":         {options("$$"), message(&streams.AppendReq_ProposedMessage{Id: id, Metadata: good})},
		"a revision beyond 2^63":    {revision},
		"no id":                     {options("s"), message(&streams.AppendReq_ProposedMessage{Metadata: good})},
		"an id that is none":        {options("s"), message(&streams.AppendReq_ProposedMessage{Id: &shared.UUID{Value: &shared.UUID_String_{String_: "x"}}, Metadata: good})},
		"no type":                   {options("s"), message(&streams.AppendReq_ProposedMessage{Id: id, Metadata: map[string]string{"content-type": "application/json"}})},
		"an empty type":             {options("s"), message(&streams.AppendReq_ProposedMessage{Id: id, Metadata: map[string]string{"type": "", "content-type": "x"}})},
		"more than 16 MiB in total": {options("s"), message(&streams.AppendReq_ProposedMessage{Id: id, Metadata: good, CustomMetadata: make([]byte, 9<<20)}), message(&streams.AppendReq_ProposedMessage{Id: id, Metadata: good, CustomMetadata: make([]byte, 9<<20)})},
		"a crowd of small events":   append([]*streams.AppendReq{options("s")}, slices.Repeat([]*streams.AppendReq{message(&streams.AppendReq_ProposedMessage{Id: id, Metadata: good})}, 16<<20/128)...),
	} {
		call, err := client.Append(deadline(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range request {
			if err := call.Send(m); err != nil {
				t.Fatalf("%s: answered before everything was sent: %v", name, err)
			}
		}
		if _, err := call.CloseAndRecv(); status.Code(err) != codes.InvalidArgument || status.Convert(err).Message() == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	sub, err := client.Read(deadline(t), allFromStart(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"*streams.ReadResp_Confirmation", "*streams.ReadResp_CaughtUp_"} {
		if m, err := sub.Recv(); err != nil || fmt.Sprintf("%T", m.GetContent()) != want {
			t.Errorf("after the refusals the log is not empty: %v, %v", m, err)
		}
	}
}

// TestPings: clients ping every ten seconds, with no call open. The library's default would cut them off at the third ping.
func TestPings(t *testing.T) {
	t.Parallel()
	conn, err := net.Dial("tcp", esnode.RunT(t).Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	for i := range byte(8) {
		if err := framer.WritePing(false, [8]byte{i + 1}); err != nil {
			t.Fatal(err)
		}
		for answered := false; !answered; {
			frame, err := framer.ReadFrame()
			if err != nil {
				t.Fatalf("ping %d: %v", i, err)
			}
			switch f := frame.(type) {
			case *http2.GoAwayFrame:
				t.Fatalf("ping %d: cut off, %s", i, f.DebugData())
			case *http2.PingFrame:
				answered = f.IsAck() && f.Data[0] == i+1
			}
		}
		wait(t, 150*time.Millisecond) // from the answer on: pings that come close together are cut off by right
	}
}
