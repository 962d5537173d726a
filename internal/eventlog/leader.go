package eventlog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"google.golang.org/grpc"
	redial "google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// A leader that was frozen and wakes up, or that the network cut off, goes on answering for seconds from what it had before. What it does not have, a
// majority may have acknowledged long ago under another leader. So the members themselves are asked who leads: a session holds with the one that a
// majority names, and a read that promises how things stand as of its call begins once a majority still names it. For an append is acknowledged only
// once a majority has it, so somebody in each majority knows whoever wrote it.

var (
	// errNoLeader: no member is named as the only leader by a majority.
	errNoLeader = errors.New("no majority of the event store's members agrees on a leader")
	// errOtherLeader: a majority does not name the session's member any more.
	errOtherLeader = errors.New("the member of the event store may lead no more")
)

// cluster asks a cluster's members.
type cluster struct {
	config  esdb.Configuration
	seeds   []string // host and port, as the connection string has them
	timeout time.Duration

	mu    sync.Mutex
	conns map[string]*grpc.ClientConn
}

// clusterOf is nil if a connection string names one node alone.
func clusterOf(config esdb.Configuration) *cluster {
	c := &cluster{config: config, timeout: time.Duration(config.GossipTimeout) * time.Second, conns: map[string]*grpc.ClientConn{}}
	for _, seed := range config.GossipSeeds {
		c.seeds = append(c.seeds, seed.String())
	}
	switch {
	case config.DnsDiscover:
		c.seeds = []string{config.Address}
	case len(c.seeds) == 0:
		return nil
	}
	return c
}

// close ends the connections, and no question makes another one.
func (c *cluster) close() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// view is what one member says.
type view struct {
	leader string   // the only one that lives, as far as it knows; empty: none, or several
	voters []string // who takes part in elections
}

// ask has one member say what it knows.
func (c *cluster) ask(ctx context.Context, addr string) (view, error) {
	conn, err := c.dial(addr)
	if err != nil {
		return view{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	info, err := gossip.NewGossipClient(conn).Read(ctx, &shared.Empty{})
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) && conn.GetState() == connectivity.Ready {
			c.hangUp(addr, conn)
		}
		return view{}, fmt.Errorf("ask %s who leads: %w", addr, err)
	}
	var v view
	leaders := 0
	for _, m := range info.GetMembers() {
		at := net.JoinHostPort(m.GetHttpEndPoint().GetAddress(), strconv.Itoa(int(m.GetHttpEndPoint().GetPort())))
		switch m.GetState() {
		case gossip.MemberInfo_Manager, gossip.MemberInfo_PreReadOnlyReplica, gossip.MemberInfo_ReadOnlyReplica, gossip.MemberInfo_ReadOnlyLeaderless:
			continue
		case gossip.MemberInfo_Leader:
			if m.GetIsAlive() {
				leaders++
				v.leader = at
			}
		}
		v.voters = append(v.voters, at)
	}
	if leaders > 1 {
		v.leader = ""
	}
	return v, nil
}

// dial is the connection with a member, kept for the next question. It is tried again soon: who asks has no time.
func (c *cluster) dial(addr string) (*grpc.ClientConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conns == nil {
		return nil, ErrClosed
	}
	if conn := c.conns[addr]; conn != nil {
		return conn, nil
	}
	transport := insecure.NewCredentials()
	if !c.config.DisableTLS {
		t := &tls.Config{InsecureSkipVerify: c.config.SkipCertificateVerification, RootCAs: c.config.RootCAs}
		if c.config.UserCertFile != "" {
			pair, err := tls.LoadX509KeyPair(c.config.UserCertFile, c.config.UserKeyFile)
			if err != nil {
				return nil, fmt.Errorf("read the event store's user certificate: %w", err)
			}
			t.Certificates = []tls.Certificate{pair}
		}
		transport = credentials.NewTLS(t)
	}
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(transport), grpc.WithConnectParams(grpc.ConnectParams{
		Backoff: redial.Config{BaseDelay: reconnectPause, Multiplier: 1, MaxDelay: reconnectPause}, MinConnectTimeout: c.timeout,
	}))
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", addr, err)
	}
	c.conns[addr] = conn
	return conn, nil
}

// hangUp has the next question take another connection: one that stands and says nothing may never do so again, and a name may lead elsewhere. One that
// is still being made goes on: it may come to the next address of a name.
func (c *cluster) hangUp(addr string, conn *grpc.ClientConn) {
	c.mu.Lock()
	if c.conns[addr] == conn {
		delete(c.conns, addr)
	}
	c.mu.Unlock()
	_ = conn.Close()
}

// askAll asks several members at once and hands over their answers as they come, until enough has been heard; the error is the last one.
func (c *cluster) askAll(ctx context.Context, addrs []string, enough func(view) bool) (heard bool, last error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		view view
		err  error
	}
	answers := make(chan answer, len(addrs))
	for _, addr := range addrs {
		go func() {
			v, err := c.ask(ctx, addr)
			answers <- answer{v, err}
		}()
	}
	for range addrs {
		a := <-answers
		if a.err != nil {
			last = a.err
		} else if enough(a.view) {
			return true, nil
		}
	}
	return false, last
}

// leader finds the member that a majority names, and who else there is.
func (c *cluster) leader(ctx context.Context) (leader string, others []string, err error) {
	var members []string
	if heard, err := c.askAll(ctx, c.seeds, func(v view) bool { members = v.voters; return len(members) > 0 }); !heard {
		return "", nil, errors.Join(errNoLeader, err)
	}
	named := map[string]int{}
	agreed, err := c.askAll(ctx, members, func(v view) bool {
		leader = v.leader
		if leader != "" {
			named[leader]++
		}
		return named[leader] > len(members)/2
	})
	if !agreed {
		return "", nil, errors.Join(errNoLeader, err)
	}
	return leader, slices.DeleteFunc(members, func(m string) bool { return m == leader }), nil
}

// leads tells that a majority, with the leader itself, names it now.
func (c *cluster) leads(ctx context.Context, leader string, others []string) error {
	missing := (len(others) + 1) / 2
	if missing == 0 {
		return nil
	}
	agreed, err := c.askAll(ctx, others, func(v view) bool {
		if v.leader == leader {
			missing--
		}
		return missing == 0
	})
	if !agreed {
		return errors.Join(errOtherLeader, err)
	}
	return nil
}

// question is whether a session's member leads. Whoever comes while it is put waits for the next one: the answer may be older than what he wants to
// know.
type question struct {
	answered chan struct{}
	err      error
}

// stillLeads returns once a majority has named the call's member since; a session for which nobody speaks is given up.
func (c *call) stillLeads(ctx context.Context) error {
	s := c.session
	if len(s.others) == 0 {
		return nil
	}
	s.asking.Lock()
	q := s.next
	if q == nil {
		q = &question{answered: make(chan struct{})}
		s.next = q
		if !s.busy {
			s.busy = true
			c.log.background.Go(func() { c.log.askOthers(s) })
		}
	}
	s.asking.Unlock()
	select {
	case <-q.answered:
		return q.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// askOthers puts a session's question for as long as somebody waits for an answer.
func (l *Log) askOthers(s *session) {
	for {
		s.asking.Lock()
		q := s.next
		s.next = nil
		s.busy = q != nil
		s.asking.Unlock()
		if q == nil {
			return
		}
		q.err = l.cluster.leads(s.ctx, s.leader, s.others)
		close(q.answered)
		if q.err != nil {
			l.giveUp(s, q.err)
		}
	}
}
