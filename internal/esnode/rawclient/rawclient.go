// Package rawclient appends and reads through the official client with nothing of ours around it: no supervision, no retries, no decisions.
// The measurements compare everything else with what this costs.
package rawclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
)

// Client is one connection.
type Client struct{ client *esdb.Client }

// Event is what is appended, as it stands in another log.
type Event struct {
	ID             uuid.UUID // of an append that may be sent again; none: a fresh one
	Type           string
	Data, Metadata []byte
}

// Open connects to a node and returns once it has answered.
func Open(url string) (*Client, error) {
	config, err := esdb.ParseConnectionString(url)
	if err != nil {
		return nil, fmt.Errorf("read the connection string: %w", err)
	}
	config.Logger = func(esdb.LogLevel, string, ...any) {}
	client, err := esdb.NewClient(config)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	if _, err := client.GetServerVersion(); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &Client{client}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.client.Close() }

// Append writes events at an exact revision, -1 for a stream that does not exist yet, and answers with the revision of the
// last one.
func (c *Client) Append(ctx context.Context, stream string, expected int64, events []Event) (int64, error) {
	limit := 10 * time.Second
	options := esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}, Deadline: &limit}
	if expected >= 0 {
		options.ExpectedRevision = esdb.Revision(uint64(expected))
	}
	proposed := make([]esdb.EventData, len(events))
	for i, e := range events {
		if e.ID == uuid.Nil {
			e.ID = uuid.New()
		}
		proposed[i] = esdb.EventData{EventID: e.ID, EventType: e.Type, ContentType: esdb.ContentTypeJson, Data: e.Data, Metadata: e.Metadata}
	}
	written, err := c.client.AppendToStream(ctx, stream, options, proposed...)
	if err != nil {
		return 0, fmt.Errorf("append %d events to %s: %w", len(events), stream, err)
	}
	return int64(written.NextExpectedVersion), nil
}

// ReadAll reads events of $all that stand behind a position, as many as there are up to count, and answers with how many there were.
func (c *Client) ReadAll(ctx context.Context, after uint64, count int) (n int, err error) {
	limit := 10 * time.Minute
	from := esdb.Position{Commit: after + 1, Prepare: after + 1}
	read, err := c.client.ReadAll(ctx, esdb.ReadAllOptions{From: from, Deadline: &limit}, uint64(count))
	if err != nil {
		return 0, fmt.Errorf("read $all: %w", err)
	}
	defer read.Close()
	for ; n < count; n++ {
		if _, err := read.Recv(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return n, fmt.Errorf("read $all: %w", err)
		}
	}
	return n, nil
}
