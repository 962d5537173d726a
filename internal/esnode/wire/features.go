package wire

import (
	"context"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"
)

// version is what the node says it is. It has to be numbers and dots: clients parse it.
const version = "23.10.6"

// features tells what the node speaks. Clients fall back from what is not listed: from BatchAppend to Append, and from persistent
// subscriptions to an error of their own.
type features struct {
	serverfeatures.UnimplementedServerFeaturesServer
}

func (features) GetSupportedMethods(context.Context, *shared.Empty) (*serverfeatures.SupportedMethods, error) {
	method := func(service, name string, features ...string) *serverfeatures.SupportedMethod {
		return &serverfeatures.SupportedMethod{ServiceName: service, MethodName: name, Features: features}
	}
	const streams = "event_store.client.streams.streams"
	return &serverfeatures.SupportedMethods{
		EventStoreServerVersion: version,
		Methods: []*serverfeatures.SupportedMethod{
			method(streams, "read", "position", "events"),
			method(streams, "append"),
			method(streams, "delete"),
			method(streams, "tombstone"),
			method("event_store.client.gossip.gossip", "read"),
			method("event_store.client.server_features.serverfeatures", "getsupportedmethods"),
		},
	}, nil
}

// gossiper tells of a cluster of one live leader, or of what Options.Members says.
type gossiper struct {
	gossip.UnimplementedGossipServer
	server *Server
}

func (g gossiper) Read(context.Context, *shared.Empty) (*gossip.ClusterInfo, error) {
	if g.server.opts.Members != nil {
		return &gossip.ClusterInfo{Members: g.server.opts.Members()}, nil
	}
	return &gossip.ClusterInfo{Members: []*gossip.MemberInfo{{
		InstanceId:   structuredUUID(g.server.instance),
		TimeStamp:    g.server.log.Now().UnixNano() / 100,
		State:        gossip.MemberInfo_Leader,
		IsAlive:      true,
		HttpEndPoint: &gossip.EndPoint{Address: g.server.opts.Host, Port: uint32(g.server.opts.Port)},
	}}}, nil
}

// firstMessagePatience is how long a call that is refused anyway is given to say something.
const firstMessagePatience = 2 * time.Second

// notSpoken refuses a call of a method that the node does not have. The Go client reports a bare EOF when it is answered before it has sent its first
// message, so that is waited for.
func notSpoken(_ any, stream grpc.ServerStream) error {
	received := make(chan struct{})
	go func() {
		defer close(received)
		_ = stream.RecvMsg(new(emptypb.Empty)) // ends with the call at the latest
	}()
	select {
	case <-received:
	case <-time.After(firstMessagePatience):
	}
	method, _ := grpc.MethodFromServerStream(stream)
	return fail(codes.Unimplemented, "this node does not speak "+method)
}

// BatchAppend is not spoken.
func (s *Server) BatchAppend(stream streams.Streams_BatchAppendServer) error {
	return notSpoken(s, stream)
}
