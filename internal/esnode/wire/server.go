package wire

import (
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

// Limits of the protocol.
const (
	maxMessage     = 17 << 20 // largest gRPC message either way
	maxAppendData  = 1 << 20  // bytes of data one append may carry, as the real server counts them
	maxAppendTotal = 16 << 20 // bytes of everything in one append
	eventOverhead  = 128      // bytes that an event takes at least, however small it is
	keepaliveEvery = 10 * time.Second

	minPingInterval = 100 * time.Millisecond // of a client; one that pings more often is cut off
)

// Options of a Server.
type Options struct {
	Host           string // the address that gossip tells, dialable by the clients
	Port           int
	MaxConnections int // clients' connections open at once
	MaxReaders     int // reads and subscriptions open at once; each may hold about 100 KiB for a client that does not read
	MaxAppends     int // appends under way at once
	Logger         *slog.Logger

	// For a node that is one of several. Members is what gossip tells; nil: this one alone, which leads.
	Members func() []*gossip.MemberInfo
	GRPC    []grpc.ServerOption // besides the server's own: credentials, chained interceptors
}

// Server answers clients from a log.
type Server struct {
	streams.UnimplementedStreamsServer

	log      *log.Log
	opts     Options
	instance uuid.UUID
	readers  atomic.Int64
	large    *largeEvents
	appends  appendGate
	grpc     *grpc.Server

	stopOnce sync.Once
	stopping chan struct{} // closed when subscriptions have to end
}

// streamWorkers are goroutines that serve call after call: one that is new for every call grows its stack for every call. Calls beyond them get
// new ones.
const streamWorkers = 32

// NewServer returns a gRPC server for the log.
func NewServer(l *log.Log, opts Options) *Server {
	s := &Server{log: l, opts: opts, instance: uuid.New(), large: newLargeEvents(), appends: appendGate{max: int64(opts.MaxAppends)}, stopping: make(chan struct{})}
	s.grpc = newGRPC(opts.GRPC...)
	streams.RegisterStreamsServer(s.grpc, s)
	serverfeatures.RegisterServerFeaturesServer(s.grpc, features{})
	gossip.RegisterGossipServer(s.grpc, gossiper{server: s})
	return s
}

func newGRPC(more ...grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(append([]grpc.ServerOption{
		grpc.WaitForHandlers(true), // the folder is closed only when nobody reads it any more
		grpc.NumStreamWorkers(streamWorkers),
		grpc.ForceServerCodecV2(newCodec()),
		grpc.UnaryInterceptor(admitUnary),
		grpc.StreamInterceptor(admitStream),
		grpc.UnknownServiceHandler(notSpoken),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxSendMsgSize(maxMessage),
		// Clients ping after 10 s without traffic, with no call open too. grpc-go's default would cut them off for it.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPingInterval, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: keepaliveEvery, Timeout: keepaliveEvery}),
	}, more...)...)
}

// Serve answers clients that come to the listener, until the server is stopped.
func (s *Server) Serve(listener net.Listener) error {
	return s.grpc.Serve(&limitedListener{Listener: listener, max: int64(s.opts.MaxConnections)})
}

// GRPC is the underlying server.
func (s *Server) GRPC() *grpc.Server { return s.grpc }

// Readers counts the reads and subscriptions that are open.
func (s *Server) Readers() int { return int(s.readers.Load()) }

// EndSubscriptions ends all subscriptions and long reads with Unavailable; appends go on. It may be called more than once.
func (s *Server) EndSubscriptions() { s.stopOnce.Do(func() { close(s.stopping) }) }
