package wire

import (
	"math"
	"net"
	"sync/atomic"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

// Canned is a node that stores nothing: it acknowledges appends and forgets them, and its reads and subscriptions of $all send one event over
// and over, encoded beforehand. The measurements compare the node with it; nothing else uses it.
type Canned struct {
	streams.UnimplementedStreamsServer

	event    frame
	count    uint64 // events of a subscription
	appends  appendGate
	position atomic.Uint64
	grpc     *grpc.Server
}

// NewCanned returns a server whose subscriptions end after so many events.
func NewCanned(event log.Event, count uint64) *Canned {
	c := &Canned{event: frame{mem.SliceBuffer(appendFrame(nil, &event, nil, false))}, count: count, appends: appendGate{max: math.MaxInt64}, grpc: newGRPC()}
	streams.RegisterStreamsServer(c.grpc, c)
	serverfeatures.RegisterServerFeaturesServer(c.grpc, features{})
	return c
}

// Serve answers clients that come to the listener, until the server is stopped.
func (c *Canned) Serve(listener net.Listener) error { return c.grpc.Serve(listener) }

// Stop ends the server and all calls.
func (c *Canned) Stop() { c.grpc.Stop() }

// Append takes the request as the node does, and answers as if the expectation were met.
func (c *Canned) Append(stream streams.Streams_AppendServer) error {
	r := &appendRequest{gate: &c.appends}
	defer func() { c.appends.leave(r.total) }()
	if err := r.receive(stream, c.appends.enter()); err != nil {
		return err
	}
	n := len(r.events)
	return stream.SendAndClose(appended(log.Result{
		Revision: max(int64(r.expected), -1) + int64(n), Position: c.position.Add(uint64(n)), HasPosition: true,
	}))
}

// Read sends as many events as are asked for.
func (c *Canned) Read(req *streams.ReadReq, stream streams.Streams_ReadServer) error {
	count := req.GetOptions().GetCount()
	if req.GetOptions().GetSubscription() != nil {
		r := &reader{stream: stream}
		if err := r.confirm(); err != nil {
			return err
		}
		count = c.count
	}
	for range count {
		if err := stream.SendMsg(c.event); err != nil {
			return err
		}
	}
	return nil
}
