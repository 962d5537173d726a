package escluster

import (
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

var (
	errEnded   = errors.New("the member's process has ended")
	errDeposed = errors.New("the member does not lead any more")
)

// elect has a process lead. The caller holds mu, as for all that follow.
func (c *Cluster) elect(p *process, ready bool) {
	c.term++
	c.leader, c.named = p, p.member.index
	p.leads, p.ready, p.joined, p.pending = true, ready, false, nil
	p.lost, p.acked = make(chan struct{}), [Size]uint64{}
	if !ready {
		c.after(c.timing.NotReady, func() { p.ready = true })
	}
	c.haveFollow()
	c.tell()
	c.tellWaiting()
}

// haveFollow has all others take over what the leader writes.
func (c *Cluster) haveFollow() {
	term, leader := c.term, c.leader
	for _, m := range c.members {
		if q := m.running; q != nil && q != leader {
			q.joined = false
			c.begin(func() { c.follow(term, leader, q) })
		}
	}
}

// leaderless begins the search for another leader, once the others have noticed.
func (c *Cluster) leaderless(notice time.Duration) {
	c.term++
	c.leader = nil
	c.after(notice, func() {
		c.named = -1
		c.tell()
		c.after(c.timing.Election, c.tryElect)
	})
}

// tryElect elects whoever is awake, has all that was acknowledged, and has come furthest, if a majority is awake; else it tries again.
func (c *Cluster) tryElect() {
	awake := 0
	var best *process
	for _, m := range c.members {
		p := m.running
		if p == nil || p.frozen || p.stale || p.stopping {
			continue
		}
		awake++
		if holds(p.log, c.settled) && (best == nil || p.log.End() > best.log.End()) {
			best = p
		}
	}
	if awake <= Size/2 || best == nil {
		c.after(c.timing.Election, c.tryElect)
		return
	}
	c.elect(best, false)
}

// depose has a process know that it does not lead any more. What it had begun to write and nobody took over makes it end; see handOn.
func (c *Cluster) depose(p *process) {
	if p.leads {
		p.leads, p.ready = false, false
		close(p.lost)
	}
}

// tell has every process that is awake know how things stand, as far as anybody has noticed.
func (c *Cluster) tell() {
	var states [Size]belief
	for i, m := range c.members {
		p := m.running
		switch {
		case i == c.named:
			states[i] = belief{gossip.MemberInfo_Leader, true}
		case p == nil || p.frozen:
			states[i] = belief{gossip.MemberInfo_Unknown, false}
		case p.stopping:
			states[i] = belief{gossip.MemberInfo_ShuttingDown, true}
		case c.named >= 0 && p.joined:
			states[i] = belief{gossip.MemberInfo_Follower, true}
		case c.named >= 0:
			states[i] = belief{gossip.MemberInfo_CatchingUp, true}
		default:
			states[i] = belief{gossip.MemberInfo_Unknown, true}
		}
	}
	for _, m := range c.members {
		if p := m.running; p != nil && !p.frozen && !p.stale {
			p.states, p.believes = states, c.named
			if p != c.leader && c.named != m.index {
				c.depose(p)
			}
		}
	}
}

// follow takes over what a leader writes until the term is over. A process that has what the leader has not shows it for a while, cuts it off and
// starts anew.
func (c *Cluster) follow(term int, leader, p *process) {
	over := func() bool { return c.term != term || p.dead }
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.await(p.ctx, func() bool { return over() || !p.frozen && !p.stale }); err != nil || over() {
		return
	}
	c.mu.Unlock()
	var upTo uint64
	var apart bool
	err := leader.use(func() (err error) {
		return p.use(func() (err error) {
			upTo, apart, err = parting(leader.log, p.log)
			return err
		})
	})
	if apart && err == nil {
		c.pause(p.ctx, c.timing.Return)
	}
	c.mu.Lock()
	switch {
	case over(): // it may even lead by now
		return
	case err != nil:
		c.faults = append(c.faults, fmt.Errorf("member %d follows member %d: %w", p.member.index, leader.member.index, err))
		return
	case apart:
		p.stopping = true // nobody elects it from here on
		c.mu.Unlock()
		err := p.cutAndRestart(upTo)
		c.mu.Lock()
		if err != nil && p.ctx.Err() == nil {
			c.faults = append(c.faults, fmt.Errorf("member %d cuts its log: %w", p.member.index, err))
		}
		return
	}
	p.joined = true
	c.tell()
	for {
		leader.acked[p.member.index] = p.log.End()
		c.tellWaiting()
		behind := func() bool {
			has := leader.log.End()
			if n := len(leader.pending); n > 0 {
				has = max(has, leader.pending[n-1].Position)
			}
			return !p.frozen && !p.member.held && p.log.End() < has
		}
		if err := c.await(p.ctx, func() bool { return over() || behind() }); err != nil || over() {
			return
		}
		lag, pending := p.member.lag, leader.pending
		c.mu.Unlock()
		err := p.takeOver(leader, lag, pending)
		c.mu.Lock()
		if over() || err != nil && (p.log.Failure() != nil || p.ctx.Err() != nil || leader.ctx.Err() != nil) {
			return
		}
		if err != nil {
			c.faults = append(c.faults, fmt.Errorf("member %d takes over from member %d: %w", p.member.index, leader.member.index, err))
			return
		}
	}
}

// takeOver writes what the leader has and this one has not: whole appends.
func (p *process) takeOver(leader *process, lag time.Duration, pending []log.Event) error {
	if lag > 0 && !p.member.cluster.pause(p.ctx, lag) {
		return p.ctx.Err()
	}
	p.taking.Lock() // a leader that was frozen for a moment may still be at it
	defer p.taking.Unlock()
	end := p.log.End()
	var events []log.Event
	err := leader.use(func() (err error) {
		events, err = eventsOf(leader.log, end+1, 1<<62)
		return err
	})
	if err != nil {
		return err
	}
	if n := len(events); n > 0 {
		end = events[n-1].Position
	}
	for _, e := range pending {
		if e.Position > end {
			events = append(events, e)
		}
	}
	if len(events) == 0 {
		return nil
	}
	return p.log.Replicate(p.ctx, events)
}

// parting is the last position up to which a log has what the leader's has; apart, if it goes on with something else.
func parting(leader, other *log.Log) (upTo uint64, apart bool, err error) {
	end := other.End()
	// Up to some position both are the same, behind it nothing is: a new record begins where the last one ends.
	differs := sort.Search(int(end), func(i int) bool {
		at := uint64(i) + 1
		here, found, e1 := firstAt(other, at)
		there, known, e2 := firstAt(leader, at)
		if e1 != nil || e2 != nil {
			err = fmt.Errorf("compare logs: %w %w", e1, e2)
		}
		return !found || !known || here != there
	})
	return uint64(differs), uint64(differs) < end, err
}

// cutAndRestart has a member cut off what the others have not, and end.
func (p *process) cutAndRestart(upTo uint64) error {
	disk, err := p.cutOff(upTo)
	if err != nil {
		return err
	}
	p.member.restart(disk)
	return nil
}

// handOn is called by the process's log with what it has written and synced. It returns once another member has it too; or never, if this one does
// not lead any more: then it ends, as the real server does, and what it wrote is cut off at its next start.
func (p *process) handOn(events []log.Event) error {
	c := p.member.cluster
	last := recordOf(events[len(events)-1])
	c.mu.Lock()
	defer c.mu.Unlock()
	p.pending = events
	c.tellWaiting()
	taken := func() bool {
		for i, upTo := range p.acked {
			if i != p.member.index && upTo >= last.position {
				return c.leader == p
			}
		}
		return false
	}
	err := c.await(p.ctx, func() bool { return p.dead || !p.leads || taken() })
	switch {
	case err != nil || p.dead:
		return errEnded
	case !p.leads:
		c.begin(func() { p.member.restart(nil) })
		return errDeposed
	}
	c.settled = last
	return nil
}
