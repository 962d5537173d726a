package esnode_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/internal/esnode"
)

func connect(t testing.TB, n *esnode.Node) *esdb.Client {
	t.Helper()
	c, err := esdb.ParseConnectionString(n.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	c.Logger = esdb.NoopLogging()
	client, err := esdb.NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func event(typ, data string) esdb.EventData {
	return esdb.EventData{EventID: uuid.New(), EventType: typ, ContentType: esdb.ContentTypeJson, Data: []byte(data)}
}

func TestAppendReadSubscribe(t *testing.T) {
	t.Parallel()
	client := connect(t, esnode.RunT(t))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()

	first := event("a", `{"n":1}`)
	result, err := client.AppendToStream(ctx, "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, first, event("b", `{"n":2}`))
	if err != nil {
		t.Fatal(err)
	}
	if result.NextExpectedVersion != 1 || result.CommitPosition != 2 {
		t.Fatalf("appended at revision %d, position %d; want 1 and 2", result.NextExpectedVersion, result.CommitPosition)
	}
	read, err := client.ReadStream(ctx, "s", esdb.ReadStreamOptions{From: esdb.Start{}}, 10)
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	e, err := read.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if e.Event.EventID != first.EventID || string(e.Event.Data) != `{"n":1}` {
		t.Fatalf("read %v %s", e.Event.EventID, e.Event.Data)
	}
	if _, err := read.Recv(); err != nil {
		t.Fatal(err)
	}
	if _, err := read.Recv(); !errors.Is(err, io.EOF) {
		t.Fatalf("end of stream is %v", err)
	}

	sub, err := client.SubscribeToAll(ctx, esdb.SubscribeToAllOptions{From: esdb.Start{}, Filter: &esdb.SubscriptionFilter{
		Type: esdb.StreamFilterType, Prefixes: []string{"s"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	if _, err := client.AppendToStream(ctx, "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Revision(1)}, event("c", `{}`)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a", "b", "c"} {
		for {
			got := sub.Recv()
			if got.SubscriptionDropped != nil {
				t.Fatal(got.SubscriptionDropped.Error)
			}
			if got.EventAppeared == nil {
				continue
			}
			if got.EventAppeared.Event.EventType != want {
				t.Fatalf("subscription gave %q, want %q", got.EventAppeared.Event.EventType, want)
			}
			break
		}
	}
}
