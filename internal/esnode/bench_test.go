package esnode_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/internal/esnode"
)

// benchData has the size of a usual event.
var benchData = []byte(`{"job":"0d9c3bd6-6a4b-4c8e-9b0a-3f3a1c9f2a10","window":{"from":"2026-03-01T09:00:00","to":"2026-03-01T11:00:00","zone":"Europe/London"},` +
	`"language":"fa","by":"5d2f4a0e-7b8f-4f4d-8a53-2b7f2c7f5b11","notes":{"$sealed":{"v":1,"key":"k","ct":"c2VhbGVkIHRleHQgb2Ygc29tZSBsZW5ndGg="}}}`)

// BenchmarkAppend appends single events with exact revisions through the official client, each acknowledged after a sync.
func BenchmarkAppend(b *testing.B) {
	for _, clients := range []int{1, 32} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			client := connect(b, esnode.RunT(b))
			if _, err := client.GetServerVersion(); err != nil {
				b.Fatal(err)
			}
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for range clients {
				wg.Go(func() {
					stream := "booking-" + uuid.NewString()
					var expected esdb.ExpectedRevision = esdb.NoStream{}
					for left.Add(-1) >= 0 {
						result, err := client.AppendToStream(context.Background(), stream, esdb.AppendToStreamOptions{ExpectedRevision: expected}, esdb.EventData{
							EventID: uuid.New(), EventType: "booking.job-assigned.v1", ContentType: esdb.ContentTypeJson, Data: benchData, Metadata: benchData[:200],
						})
						if err != nil {
							b.Error(err)
							return
						}
						expected = esdb.Revision(result.NextExpectedVersion)
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkReadAll reads $all from the start through the official client; one operation is one event.
func BenchmarkReadAll(b *testing.B) {
	client := connect(b, esnode.RunT(b))
	ctx := context.Background()
	for left := b.N; left > 0; {
		n := min(left, 500)
		events := make([]esdb.EventData, n)
		for i := range events {
			events[i] = esdb.EventData{EventID: uuid.New(), EventType: "booking.job-assigned.v1", ContentType: esdb.ContentTypeJson, Data: benchData, Metadata: benchData[:200]}
		}
		if _, err := client.AppendToStream(ctx, "booking-"+uuid.NewString(), esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, events...); err != nil {
			b.Fatal(err)
		}
		left -= n
	}
	b.ReportAllocs()
	b.ResetTimer()
	read, err := client.ReadAll(ctx, esdb.ReadAllOptions{From: esdb.Start{}}, uint64(b.N))
	if err != nil {
		b.Fatal(err)
	}
	defer read.Close()
	n := 0
	for {
		if _, err := read.Recv(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.StopTimer()
	if n != b.N {
		b.Fatalf("read %d of %d", n, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
