package escluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// What the leader, or a follower for it, says of an append whose outcome it does not know, with the status Aborted.
const (
	ForwardingTimeout = "Forwarding timeout"
	CommitTimeout     = "Commit phase timeout"
	CanceledByServer  = "Request canceled by server"
)

// Step has the next thing happen that waits to be told.
func (c *Cluster) Step(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.await(ctx, func() bool { return len(c.steps) > 0 }); err != nil {
		return fmt.Errorf("nothing waits to be told: %w", err)
	}
	close(c.steps[0])
	c.steps = c.steps[1:]
	return nil
}

// Kill ends a member as kill -9 does.
func (c *Cluster) Kill(i int) { c.members[i].end() }

// Start starts a member that was killed or stopped. It holds what it had synced.
func (c *Cluster) Start(i int) error { return c.members[i].start() }

// Freeze stops a member where it is, as SIGSTOP does: its connections stand and say nothing.
func (c *Cluster) Freeze(i int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.members[i].running
	if p == nil || p.frozen {
		return
	}
	p.frozen = true
	p.gate.set(false)
	if c.leader == p {
		c.leaderless(c.timing.Silent)
	}
	c.tell()
	c.tellWaiting()
}

// Thaw lets a frozen member go on. One that led goes on believing so for a while, unless nobody has noticed.
func (c *Cluster) Thaw(i int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.members[i].running
	if p == nil || !p.frozen {
		return
	}
	p.frozen = false
	switch {
	case p.leads && c.leader == nil && c.named == i:
		c.term++
		c.leader = p
		c.haveFollow()
	case p.leads:
		p.stale = true
		c.later(c.timing.Stale, func() {
			p.stale = false
			c.tell()
		})
	}
	c.tell()
	c.tellWaiting()
	p.gate.set(true)
}

// Stop stops a member in order: it takes no more calls, its subscriptions end after a while, and then it ends.
func (c *Cluster) Stop(i int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.members[i].running
	if p == nil || p.stopping {
		return
	}
	p.stopping = true
	c.tell()
	c.tellWaiting()
	c.later(c.timing.Drain, func() {
		for s := range p.calls {
			s.end(status.Error(codes.Internal, "stream terminated by RST_STREAM with error code: INTERNAL_ERROR"))
		}
		c.begin(func() {
			c.pause(c.ctx, c.timing.Restart) // the answers go out
			if p.ctx.Err() == nil {
				p.member.end()
			}
		})
	})
}

// Lead has the leader hand its place to another member, as a leader does that resigns: it takes no more appends, and once the other has all that it
// has, that one is elected.
func (c *Cluster) Lead(ctx context.Context, i int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	from, to := c.leader, c.members[i].running
	switch {
	case from == nil:
		return errors.New("hand the lead over: nobody leads")
	case to == nil:
		return fmt.Errorf("hand the lead over: member %d is dead", i)
	case from == to:
		return nil
	}
	from.ready = false
	term := c.term
	err := c.await(ctx, func() bool {
		return c.term != term || to.dead || to.joined && !to.frozen && to.log.End() == from.log.End() && from.idle()
	})
	switch {
	case err == nil && c.term != term:
		return fmt.Errorf("hand the lead over to member %d: there is another leader", i)
	case err == nil && to.dead:
		err = errEnded
	}
	if err != nil {
		from.ready = true
		return fmt.Errorf("hand the lead over to member %d: %w", i, err)
	}
	c.depose(from)
	c.elect(to, false)
	return nil
}

// idle tells whether everything that was written is shown.
func (p *process) idle() bool {
	n := len(p.pending)
	return n == 0 || p.log.End() >= p.pending[n-1].Position
}

// Lag has a member take over what the leader writes only after a while.
func (c *Cluster) Lag(i int, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members[i].lag = d
}

// Hold keeps a member from taking over what the leader writes, until it is let again. With both followers held nothing is acknowledged, and what is
// appended lies with the leader alone.
func (c *Cluster) Hold(i int, held bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members[i].held = held
	c.tellWaiting()
}

// abort is a script's answer to one append.
type abort struct {
	text    string
	written bool
}

// AbortAppends has the next n appends answered Aborted with a text, after they were written or without that they are.
func (c *Cluster) AbortAppends(n int, text string, written bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range n {
		c.aborts = append(c.aborts, abort{text, written})
	}
}

// EndSubscriptions ends all subscriptions at a member with an error, such as the one of a consumer that is too slow.
func (c *Cluster) EndSubscriptions(i int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.members[i].running; p != nil {
		for s := range p.calls {
			s.end(err)
		}
	}
}

// TooSlow is how a real server ends a subscription whose consumer cannot keep up.
var TooSlow = status.Error(codes.Aborted, "Operation timed out: Consumer too slow to handle event while live. Client resubscription required.")
