package escluster

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// What a member of a cluster does with a call before, or instead of, answering it from its log.

var errNotReady = status.Error(codes.Unavailable, "Server Is Not Ready")

func aborted(text string) error { return status.Error(codes.Aborted, text) }

// gossip is what this member knows of all.
func (p *process) gossip() (members []*gossip.MemberInfo) {
	c := p.member.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, m := range c.members {
		address := m.listener.Addr().(*net.TCPAddr)
		members = append(members, &gossip.MemberInfo{
			InstanceId:   &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{MostSignificantBits: 1, LeastSignificantBits: int64(i) + 1}}},
			TimeStamp:    time.Now().UnixNano() / 100,
			State:        p.states[i].state,
			IsAlive:      p.states[i].alive,
			HttpEndPoint: &gossip.EndPoint{Address: address.IP.String(), Port: uint32(address.Port)},
		})
	}
	return members
}

// requiresLeader tells whether a client wants nobody but the leader to answer; only the word counts.
func requiresLeader(ctx context.Context) bool {
	md, _ := metadata.FromIncomingContext(ctx)
	for _, value := range md.Get("requires-leader") {
		if strings.EqualFold(value, "true") {
			return true
		}
	}
	return false
}

// turnAway refuses what this member cannot do now. Without a refusal, leads tells whether it leads, as far as it knows.
func (p *process) turnAway(ctx context.Context, writes bool) (trailers metadata.MD, leads bool, err error) {
	c := p.member.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	demands := requiresLeader(ctx)
	switch {
	case p.stopping:
		return nil, false, errNotReady
	case p.leads:
		if !p.ready && (writes || demands) {
			return nil, false, errNotReady
		}
		return nil, true, nil
	case !writes && !demands:
		return nil, false, nil
	case p.believes < 0 || p.believes == p.member.index:
		return nil, false, errNotReady
	case demands:
		host, port, _ := net.SplitHostPort(c.Addr(p.believes))
		return metadata.Pairs("exception", "not-leader", "leader-endpoint-host", host, "leader-endpoint-port", port),
			false, status.Error(codes.NotFound, "Leader info available")
	}
	return nil, false, nil
}

// leader is the member that this one takes for the leader, if it lives, is awake and leads.
func (p *process) leader() (leader *process) {
	c := p.member.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.believes < 0 {
		return nil
	}
	if leader = c.members[p.believes].running; leader == nil || !leader.leads || leader.frozen {
		return nil
	}
	return leader
}

func (p *process) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	if trailers, err := p.admit(stream.Context(), false); err != nil {
		if info.FullMethod == streams.Streams_Append_FullMethodName {
			drain(stream)
		}
		stream.SetTrailer(trailers)
		return err
	}
	switch info.FullMethod {
	case streams.Streams_Append_FullMethodName:
		return p.append(stream, handle)
	case streams.Streams_Read_FullMethodName:
		return p.read(srv, stream, handle)
	}
	return handle(srv, stream)
}

// drain reads what the client still sends: one that is answered before reports a bare EOF.
func drain(stream grpc.ServerStream) {
	for stream.RecvMsg(new(streams.AppendReq)) == nil {
	}
}

// append answers an append, or has the leader do so.
func (p *process) append(stream grpc.ServerStream, handle grpc.StreamHandler) error {
	trailers, leads, err := p.turnAway(stream.Context(), true)
	if err != nil {
		drain(stream)
		stream.SetTrailer(trailers)
		return err
	}
	if leads {
		return p.write(stream, func(s grpc.ServerStream) error { return handle(p.server, s) })
	}
	c := p.member.cluster
	late := time.NewTimer(c.timing.Forward)
	defer late.Stop()
	if leader := p.leader(); leader != nil {
		answered := make(chan error, 1)
		ctx, cancel := context.WithCancel(stream.Context())
		defer cancel()
		go func() {
			answered <- leader.write(&kept{ServerStream: stream, ctx: ctx}, func(s grpc.ServerStream) error { return handle(leader.server, s) })
		}()
		select {
		case err := <-answered:
			if err == nil || leader.ctx.Err() == nil {
				return err
			}
		case <-late.C:
			cancel()
			<-answered
			return aborted(ForwardingTimeout)
		}
	} else {
		drain(stream)
	}
	select { // for an answer that nobody gives
	case <-late.C:
		return aborted(ForwardingTimeout)
	case <-stream.Context().Done():
		return status.FromContextError(stream.Context().Err()).Err()
	case <-p.ctx.Done():
		return errNotReady
	}
}

var (
	errLate   = errors.New("no other member took it over in time")
	errNoMore = errors.New("another member leads")
)

// write has the leader write, within the time that it gives an append.
func (p *process) write(stream grpc.ServerStream, handle func(grpc.ServerStream) error) error {
	c := p.member.cluster
	c.mu.Lock()
	lost := p.lost
	var script *abort
	if len(c.aborts) > 0 {
		script, c.aborts = &c.aborts[0], c.aborts[1:]
	}
	c.mu.Unlock()
	if script != nil {
		if !script.written {
			drain(stream)
		} else if err := handle(&silent{stream}); err != nil {
			return err
		}
		return aborted(script.text)
	}
	ctx, cancel := context.WithCancelCause(stream.Context())
	defer cancel(nil)
	timer := time.AfterFunc(c.timing.Commit, func() { cancel(errLate) })
	defer timer.Stop()
	go func() {
		select {
		case <-lost:
			cancel(errNoMore)
		case <-ctx.Done():
		}
	}()
	err := handle(&kept{ServerStream: stream, ctx: ctx})
	if err != nil {
		switch context.Cause(ctx) {
		case errLate:
			return aborted(CommitTimeout)
		case errNoMore:
			return aborted(CanceledByServer)
		}
	}
	return err
}

// kept is a stream with a context of ours.
type kept struct {
	grpc.ServerStream
	ctx context.Context
}

func (k *kept) Context() context.Context { return k.ctx }

// silent is a stream whose answer is not sent.
type silent struct{ grpc.ServerStream }

func (s *silent) SendMsg(any) error { return nil }

// subscription is a running one.
type subscription struct{ end context.CancelCauseFunc }

// read answers from this member's own log, however far that is.
func (p *process) read(srv any, stream grpc.ServerStream, handle grpc.StreamHandler) error {
	trailers, _, err := p.turnAway(stream.Context(), false)
	if err != nil {
		stream.SetTrailer(trailers)
		return err
	}
	c := p.member.cluster
	ctx, cancel := context.WithCancelCause(stream.Context())
	defer cancel(nil)
	s := &subscription{cancel}
	c.mu.Lock()
	p.member.reads++
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(p.calls, s)
	}()
	err = handle(srv, &placed{kept: kept{stream, ctx}, place: func(o *streams.ReadReq_Options) error {
		if o.GetSubscription() != nil {
			c.mu.Lock()
			p.calls[s] = true
			c.mu.Unlock()
		}
		return p.place(o)
	}})
	if why := context.Cause(ctx); err != nil && why != nil && stream.Context().Err() == nil {
		return why
	}
	return err
}

// placed is a stream whose request is looked at first.
type placed struct {
	kept
	place func(*streams.ReadReq_Options) error
}

func (s *placed) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	if req, ok := m.(*streams.ReadReq); ok {
		return s.place(req.GetOptions())
	}
	return nil
}

// place looks where in $all a client wants to begin. A position at which no record of this member begins is refused. A subscription from beyond the
// end goes live at once, so what comes until that position is sent again.
func (p *process) place(o *streams.ReadReq_Options) error {
	at := o.GetAll().GetPosition().GetCommitPosition()
	switch end := p.log.End(); {
	case at == 0 || at >= 1<<63:
		return nil
	case at > end:
		if o.GetSubscription() != nil {
			o.GetAll().AllOption = &streams.ReadReq_Options_AllOptions_End{End: &shared.Empty{}}
		}
		return nil
	}
	there, found, err := firstAt(p.log, at)
	switch {
	case err != nil || found && there.position == at:
		return err
	case o.GetSubscription() != nil:
		return status.Error(codes.Unknown, "Exception was thrown by handler.")
	}
	return status.Error(codes.Unknown, "Unexpected ReadAllResult: Error")
}

// unary answers deletes, and whatever needs no leader.
func (p *process) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	var do func(*process) (any, error)
	switch req := req.(type) {
	case *streams.DeleteReq:
		do = func(p *process) (any, error) { return p.server.Delete(ctx, req) }
	case *streams.TombstoneReq:
		do = func(p *process) (any, error) { return p.server.Tombstone(ctx, req) }
	}
	trailers, err := p.admit(ctx, do == nil)
	if err != nil {
		_ = grpc.SetTrailer(ctx, trailers)
		return nil, err
	}
	if do == nil {
		return handle(ctx, req)
	}
	trailers, leads, err := p.turnAway(ctx, true)
	if err != nil {
		_ = grpc.SetTrailer(ctx, trailers)
		return nil, err
	}
	if leads {
		return do(p)
	}
	if leader := p.leader(); leader != nil {
		return do(leader)
	}
	return nil, aborted(ForwardingTimeout)
}
