package escluster

import (
	"context"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

// Size is how many members a cluster has; a majority is two.
const Size = 3

// Options say how a cluster behaves. The zero value of every field is its default.
type Options struct {
	Timing Timing // default Quick
	// TLS, a folder for certificates, has the members speak TLS only, and serve only whoever shows a certificate of theirs (UserFiles) or their
	// credentials (User and Password).
	TLS string
}

// Cluster is three members and the script that they play. Its methods may be called by any goroutine.
type Cluster struct {
	timing  Timing
	tls     *tlsFiles // nil: none
	members [Size]*member

	ctx    context.Context // ends when the cluster does
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	changed chan struct{} // closed, and made anew, whenever anything below changed
	closed  bool
	term    int      // counts who led; whatever was planned in another term is void
	leader  *process // nil: none
	named   int      // the member that the others take for the leader; -1: none
	settled record   // the newest event that a majority holds
	aborts  []abort
	steps   []chan struct{} // what waits to be told
	faults  []error         // of the cluster itself
}

// record is an event as the members compare them. An append that was sent again to another leader has the same id, and may lie at the same place.
type record struct {
	position uint64
	id       uuid.UUID
	created  int64
}

// Start starts three empty members, the first of which leads.
func Start(o Options) (*Cluster, error) {
	c := &Cluster{timing: o.Timing.orQuick(), changed: make(chan struct{}), named: -1}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	if o.TLS != "" {
		var err error
		if c.tls, err = makeTLS(o.TLS); err != nil {
			return nil, fmt.Errorf("make the cluster's certificates: %w", err)
		}
	}
	for i := range c.members {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("listen for member %d: %w", i, err)
		}
		c.members[i] = newMember(c, i, listener)
	}
	for _, m := range c.members {
		c.work.Go(m.accept)
		if err := m.start(); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.elect(c.members[0].running, true)
	return c, nil
}

// Close ends the cluster. The error is what went wrong in it that no script asked for.
func (c *Cluster) Close() error {
	c.mu.Lock()
	c.closed = true
	c.term++
	faults := slices.Clone(c.faults)
	c.tellWaiting()
	c.mu.Unlock()
	for _, m := range c.members {
		_ = m.listener.Close()
		m.end()
	}
	c.cancel()
	c.work.Wait()
	if len(faults) > 0 {
		return fmt.Errorf("the scripted cluster: %w", faults[0])
	}
	return nil
}

// ConnectionString names all members. settings are further ones, such as nodePreference=follower.
func (c *Cluster) ConnectionString(settings ...string) string {
	return c.connectionString(c.Addr(0)+","+c.Addr(1)+","+c.Addr(2), settings)
}

// MemberString names one member alone: a client that is given one asks for no gossip.
func (c *Cluster) MemberString(i int, settings ...string) string {
	return c.connectionString(c.Addr(i), settings)
}

func (c *Cluster) connectionString(hosts string, settings []string) string {
	tls := "tls=false"
	if c.tls != nil {
		tls = "tls=true&tlsCAFile=" + c.tls.ca
	}
	return "esdb://" + hosts + "?" + strings.Join(append([]string{tls}, settings...), "&")
}

// Addr is where a member is dialled, host and port.
func (c *Cluster) Addr(i int) string { return c.members[i].listener.Addr().String() }

// Leader is who leads, -1 while nobody does.
func (c *Cluster) Leader() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leader == nil {
		return -1
	}
	return c.leader.member.index
}

// Followers are the members that live and do not lead.
func (c *Cluster) Followers() (found []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, m := range c.members {
		if m.running != nil && m.running != c.leader {
			found = append(found, i)
		}
	}
	return found
}

// AwaitLeader waits until a member leads and takes appends.
func (c *Cluster) AwaitLeader(ctx context.Context) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.await(ctx, func() bool { return c.leader != nil && c.leader.ready }); err != nil {
		return -1, fmt.Errorf("wait for a leader: %w", err)
	}
	return c.leader.member.index, nil
}

// AwaitWhole waits until all members live and hold the same events.
func (c *Cluster) AwaitWhole(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.awaitWhole(ctx)
}

// AwaitUnshared waits until the leader has written something that nobody else has: with its followers held, what a kill makes vanish.
func (c *Cluster) AwaitUnshared(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.await(ctx, func() bool { return c.leader != nil && !c.leader.idle() }); err != nil {
		return fmt.Errorf("wait for an append that only the leader has: %w", err)
	}
	return nil
}

// Same waits until all members are whole, and compares event by event what they then hold; what is appended meanwhile is not looked at.
func (c *Cluster) Same(ctx context.Context) error {
	c.mu.Lock()
	if err := c.awaitWhole(ctx); err != nil {
		c.mu.Unlock()
		return err
	}
	end := c.leader.log.End()
	var all [Size]*process
	for i, m := range c.members {
		all[i] = m.running
	}
	c.mu.Unlock()
	var first []log.Event
	for i, p := range all {
		events, err := p.all()
		if err != nil {
			return fmt.Errorf("read what a member holds: %w", err)
		}
		events = slices.DeleteFunc(events, func(e log.Event) bool { return e.Position > end })
		if i == 0 {
			first = events
		}
		for n := range max(len(first), len(events)) {
			if n >= len(first) || n >= len(events) || !reflect.DeepEqual(first[n], events[n]) {
				return fmt.Errorf("members hold %d and %d events, and differ at number %d", len(first), len(events), n+1)
			}
		}
	}
	return nil
}

// Reads is how many reads and subscriptions a member has begun to answer.
func (c *Cluster) Reads(i int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.members[i].reads
}

// Positions are where the events lie that a member shows.
func (c *Cluster) Positions(i int) (at []uint64, err error) {
	c.mu.Lock()
	p := c.members[i].running
	c.mu.Unlock()
	if p == nil {
		return nil, fmt.Errorf("member %d is dead", i)
	}
	events, err := p.all()
	for _, e := range events {
		at = append(at, e.Position)
	}
	return at, err
}

// tellWaiting wakes whoever waits for a change. The caller holds mu, as for all that follow.
func (c *Cluster) tellWaiting() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// await waits for a condition.
func (c *Cluster) await(ctx context.Context, holds func() bool) error {
	for !holds() {
		changed := c.changed
		c.mu.Unlock()
		var err error
		select {
		case <-changed:
		case <-ctx.Done():
			err = ctx.Err()
		case <-c.ctx.Done():
			err = c.ctx.Err()
		}
		c.mu.Lock()
		if err != nil {
			return err
		}
	}
	return nil
}

// awaitWhole waits until all members live and hold the same events.
func (c *Cluster) awaitWhole(ctx context.Context) error {
	err := c.await(ctx, func() bool {
		if c.leader == nil || !c.leader.ready {
			return false
		}
		for _, m := range c.members {
			if m.running == nil || m.running.frozen || m.running != c.leader && !m.running.joined || m.running.log.End() != c.leader.log.End() {
				return false
			}
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("wait until all members are the same: %w", err)
	}
	return nil
}

// begin runs something beside the script; nothing once the cluster is closed.
func (c *Cluster) begin(f func()) {
	if !c.closed {
		c.work.Go(f)
	}
}

// after does something later, holding mu, unless the term is over by then.
func (c *Cluster) after(d time.Duration, f func()) {
	term := c.term
	c.later(d, func() {
		if c.term == term {
			f()
		}
	})
}

// later does something later, holding mu, in whatever term.
func (c *Cluster) later(d time.Duration, f func()) {
	c.begin(func() {
		if !c.pause(c.ctx, d) {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.closed {
			f()
			c.tellWaiting()
		}
	})
}

// pause waits for a while, or to be told; false if ctx ended first. The caller does not hold mu.
func (c *Cluster) pause(ctx context.Context, d time.Duration) bool {
	if d == WhenTold {
		told := make(chan struct{})
		c.mu.Lock()
		c.steps = append(c.steps, told)
		c.tellWaiting()
		c.mu.Unlock()
		select {
		case <-told:
			return true
		case <-ctx.Done():
		case <-c.ctx.Done():
		}
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-c.ctx.Done():
	}
	return false
}

// fault notes what must not happen.
func (c *Cluster) fault(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.faults = append(c.faults, err)
	}
}

func recordOf(e log.Event) record { return record{e.Position, e.ID, e.Created} }
