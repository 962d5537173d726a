package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/esnode/rawclient"
	"github.com/dragoman-booking/dragoman/internal/eventlog"
)

// batch is one append as the log took it.
type batch struct {
	stream string
	events []rawclient.Event
}

// appendsAfter reads back the appends that were made after a position: what one command wrote to one stream.
func appendsAfter(ctx context.Context, log *eventlog.Log, codec *eventschema.Codec, after eventschema.Position) (all []batch, err error) {
	var last struct {
		stream  string
		command uuid.UUID
	}
	err = eventlog.Reader{Log: log, Codec: codec}.ReadAll(ctx, after, func(page eventschema.Page) error {
		for _, e := range page {
			if e.Err != nil {
				return e.Err
			}
			if e.Stream != last.stream || e.Meta.CommandID != last.command || len(all) == 0 {
				all = append(all, batch{stream: e.Stream})
				last.stream, last.command = e.Stream, e.Meta.CommandID
			}
			b := &all[len(all)-1]
			b.events = append(b.events, rawclient.Event{Type: e.Type, Data: e.Data, Metadata: e.Metadata})
		}
		return nil
	})
	return all, err
}

// split gives every client whole streams, so that each knows the revision it expects, and about the same number of appends.
func split(all []batch, clients int) [][]batch {
	byStream := map[string][]batch{}
	var order []string
	for _, b := range all {
		if byStream[b.stream] == nil {
			order = append(order, b.stream)
		}
		byStream[b.stream] = append(byStream[b.stream], b)
	}
	out := make([][]batch, clients)
	for _, stream := range order {
		least := 0
		for c := range out {
			if len(out[c]) < len(out[least]) {
				least = c
			}
		}
		out[least] = append(out[least], byStream[stream]...)
	}
	return out
}

// replay appends the same bytes in the same portions to streams of its own, through the official client alone.
func replay(ctx context.Context, url string, clients [][]batch) (times []time.Duration, wall time.Duration, err error) {
	client, err := rawclient.Open(url)
	if err != nil {
		return nil, 0, err
	}
	defer client.Close()
	run := uuid.NewString()
	var (
		all    = make([][]time.Duration, len(clients))
		group  sync.WaitGroup
		failed atomic.Pointer[error]
	)
	began := time.Now()
	for c, batches := range clients {
		group.Go(func() {
			revisions := map[string]int64{}
			for _, b := range batches {
				revision, known := revisions[b.stream]
				if !known {
					revision = eventschema.NoStream
				}
				start := time.Now()
				next, err := client.Append(ctx, fmt.Sprintf("raw-%s-%s", run, b.stream), revision, b.events)
				if err != nil {
					failed.Store(&err)
					return
				}
				all[c] = append(all[c], time.Since(start))
				revisions[b.stream] = next
			}
		})
	}
	group.Wait()
	wall = time.Since(began)
	if e := failed.Load(); e != nil {
		return nil, 0, *e
	}
	for _, t := range all {
		times = append(times, t...)
	}
	return times, wall, nil
}
