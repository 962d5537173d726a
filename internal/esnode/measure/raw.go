package measure

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Raw is a connection to a node that speaks its protocol and does nothing else.
type Raw struct {
	conn   *grpc.ClientConn
	client streams.StreamsClient
	last   atomic.Uint64
}

// OpenRaw connects to the node with the connection string.
func OpenRaw(url string) (*Raw, error) {
	address, _, _ := strings.Cut(strings.TrimPrefix(url, "esdb://"), "?")
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return &Raw{conn: conn, client: streams.NewStreamsClient(conn)}, nil
}

// Close ends the connection.
func (r *Raw) Close() error { return r.conn.Close() }

// Last is the highest position at which an append was acknowledged.
func (r *Raw) Last() uint64 { return r.last.Load() }

// Append writes one event.
func (r *Raw) Append(ctx context.Context, w Write) error {
	call, err := r.client.Append(ctx)
	if err != nil {
		return err
	}
	options := &streams.AppendReq_Options{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(w.Stream)}}
	if w.Expected < 0 {
		options.ExpectedStreamRevision = &streams.AppendReq_Options_NoStream{NoStream: &shared.Empty{}}
	} else {
		options.ExpectedStreamRevision = &streams.AppendReq_Options_Revision{Revision: uint64(w.Expected)}
	}
	for _, m := range [...]*streams.AppendReq{
		{Content: &streams.AppendReq_Options_{Options: options}},
		{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: &streams.AppendReq_ProposedMessage{
			Id: &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
				MostSignificantBits:  int64(binary.BigEndian.Uint64(w.ID[:8])),
				LeastSignificantBits: int64(binary.BigEndian.Uint64(w.ID[8:])),
			}}},
			Metadata: map[string]string{"type": EventType, "content-type": "application/json"},
			Data:     w.Data,
		}}},
	} {
		if err := call.Send(m); err != nil && !errors.Is(err, io.EOF) { // the reason comes with the answer
			return err
		}
	}
	answer, err := call.CloseAndRecv()
	if err != nil {
		return err
	}
	success := answer.GetSuccess()
	if success == nil {
		return fmt.Errorf("append to %s at revision %d: %v", w.Stream, w.Expected, answer.GetWrongExpectedVersion())
	}
	for position, last := success.GetPosition().GetCommitPosition(), r.last.Load(); position > last; last = r.last.Load() {
		if r.last.CompareAndSwap(last, position) {
			break
		}
	}
	return nil
}

// Seen is what a read brought.
type Seen struct {
	Events int
	Last   uint64 // position of the last event
	Groups int    // how many groups the events were written in: those of one group were created at the same moment
}

// ReadAll reads events of $all that stand behind a position, as many as there are up to count.
func (r *Raw) ReadAll(ctx context.Context, after uint64, count int) (Seen, error) {
	return r.read(ctx, &streams.ReadReq_Options{
		StreamOption: &streams.ReadReq_Options_All{All: allAt(after + 1)},
		FilterOption: &streams.ReadReq_Options_NoFilter{NoFilter: &shared.Empty{}},
		CountOption:  &streams.ReadReq_Options_Count{Count: uint64(count)},
	}, count)
}

// Subscribe takes count events behind a position from a subscription to $all that is filtered by names of streams.
func (r *Raw) Subscribe(ctx context.Context, after uint64, count int, prefixes []string) (Seen, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return r.read(ctx, &streams.ReadReq_Options{
		StreamOption: &streams.ReadReq_Options_All{All: allAt(after)},
		CountOption:  &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}},
		FilterOption: &streams.ReadReq_Options_Filter{Filter: &streams.ReadReq_Options_FilterOptions{
			Filter: &streams.ReadReq_Options_FilterOptions_StreamIdentifier{
				StreamIdentifier: &streams.ReadReq_Options_FilterOptions_Expression{Prefix: prefixes},
			},
			Window:                       &streams.ReadReq_Options_FilterOptions_Max{Max: 32},
			CheckpointIntervalMultiplier: 10,
		}},
	}, count)
}

func allAt(position uint64) *streams.ReadReq_Options_AllOptions {
	if position == 0 {
		return &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_Start{Start: &shared.Empty{}}}
	}
	return &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_Position{
		Position: &streams.ReadReq_Options_Position{CommitPosition: position, PreparePosition: position},
	}}
}

func (r *Raw) read(ctx context.Context, options *streams.ReadReq_Options, count int) (seen Seen, err error) {
	options.ReadDirection = streams.ReadReq_Options_Forwards
	options.UuidOption = &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_Structured{Structured: &shared.Empty{}}}
	call, err := r.client.Read(ctx, &streams.ReadReq{Options: options})
	if err != nil {
		return seen, err
	}
	created := ""
	for seen.Events < count {
		m, err := call.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return seen, err
		}
		e := m.GetEvent().GetEvent()
		if e == nil {
			continue
		}
		seen.Events++
		seen.Last = e.GetCommitPosition()
		if at := e.GetMetadata()["created"]; at != created {
			created = at
			seen.Groups++
		}
	}
	return seen, nil
}
