package eventlog

import (
	"math"
	"time"
)

// pace tells the feed how long to gather events before it hands them on. A page costs every reader a transaction, however few events it
// holds; when events come quickly, a few milliseconds more make one page of many. When they come slowly nobody waits.
type pace struct {
	rate float64 // events a second, of about the last paceOver
	last time.Time
}

const (
	paceOver  = 200 * time.Millisecond
	paceCalm  = 200.0                  // events a second up to which nothing is gathered
	paceSteep = 100 * time.Microsecond // more for each event a second above that
	paceMost  = 25 * time.Millisecond  // reached at 450 events a second
)

// gather notes that n events have come and answers how long to wait for more.
func (p *pace) gather(n int, now time.Time) time.Duration {
	if !p.last.IsZero() {
		p.rate *= math.Exp(-now.Sub(p.last).Seconds() / paceOver.Seconds())
	}
	p.last = now
	p.rate += float64(n) / paceOver.Seconds()
	if p.rate <= paceCalm {
		return 0
	}
	return min(paceMost, time.Duration((p.rate-paceCalm)*float64(paceSteep)))
}
