package esnode_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/internal/esnode"
)

// childFolder makes this test's binary run a node on the folder that it names, until it is killed.
const childFolder = "ESNODE_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childFolder); dir != "" {
		runChild(dir)
	}
	os.Exit(m.Run())
}

func runChild(dir string) {
	esnode.TuneCollector() // as the program does
	n, err := esnode.Start(context.Background(), esnode.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler), MaxReaders: 12_000})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(n.ConnectionString())
	for asked := bufio.NewScanner(os.Stdin); asked.Scan(); { // a parent that died takes the child along
		fmt.Println(n.OpenReads())
	}
	os.Exit(1)
}

// TestKill: a node killed while many append has, when it starts again, everything that it acknowledged, at the same positions.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	type written struct {
		stream   string
		revision uint64
		position uint64
	}
	var mu sync.Mutex
	var acknowledged []written
	for round := range 3 {
		child := startChild(t, dir)
		conn := child.dial(t) // not the official client: calls of its that wait when the node goes away may never return
		client := streams.NewStreamsClient(conn)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		var count atomic.Int64
		enough := make(chan struct{})
		var writers sync.WaitGroup
		for w := range 8 {
			writers.Go(func() {
				stream := fmt.Sprintf("round-%d-%d", round, w)
				for {
					r, err := appendOne(ctx, client, stream)
					if err != nil {
						return // the node is gone
					}
					mu.Lock()
					acknowledged = append(acknowledged, written{stream, r.GetCurrentRevision(), r.GetPosition().GetCommitPosition()})
					mu.Unlock()
					if count.Add(1) == 300 {
						close(enough)
					}
				}
			})
		}
		over := make(chan struct{})
		go func() {
			defer close(over)
			writers.Wait()
		}()
		select {
		case <-enough:
		case <-over:
			t.Errorf("round %d: all writers ended after %d appends", round, count.Load())
		}
		child.kill()
		<-over
		cancel()
		_ = conn.Close()
	}

	if r, err := esnode.Check(context.Background(), dir); err != nil || len(r.Faults) > 0 {
		t.Fatalf("check: %+v, %v", r, err)
	}
	c := connect(t, esnode.RunT(t, func(c *esnode.Config) { c.Dir = dir }))
	positions := map[string]map[uint64]uint64{}
	read, err := c.ReadAll(deadline(t), esdb.ReadAllOptions{From: esdb.Start{}}, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	for {
		e, err := read.Recv()
		if err != nil {
			break
		}
		if positions[e.Event.StreamID] == nil {
			positions[e.Event.StreamID] = map[uint64]uint64{}
		}
		positions[e.Event.StreamID][e.Event.EventNumber] = e.Event.Position.Commit
	}
	for _, a := range acknowledged {
		if at := positions[a.stream][a.revision]; at != a.position {
			t.Fatalf("%s revision %d was acknowledged at position %d, is at %d", a.stream, a.revision, a.position, at)
		}
	}
}

func appendOne(ctx context.Context, client streams.StreamsClient, stream string) (*streams.AppendResp_Success, error) {
	call, err := client.Append(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range []*streams.AppendReq{
		{Content: &streams.AppendReq_Options_{Options: &streams.AppendReq_Options{
			StreamIdentifier:       &shared.StreamIdentifier{StreamName: []byte(stream)},
			ExpectedStreamRevision: &streams.AppendReq_Options_Any{Any: &shared.Empty{}},
		}}},
		{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: &streams.AppendReq_ProposedMessage{
			Id:       &shared.UUID{Value: &shared.UUID_String_{String_: uuid.NewString()}},
			Metadata: map[string]string{"type": "a", "content-type": "application/json"},
		}}},
	} {
		if err := call.Send(m); err != nil {
			return nil, err
		}
	}
	resp, err := call.CloseAndRecv()
	return resp.GetSuccess(), err
}
