package eventlog

import (
	"testing"
	"time"
)

// At a rate that a quiet deployment has nobody waits; at a high one pages are gathered, and never for long.
func TestPaceGathersOnlyWhenEventsComeQuickly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		perSecond   int
		least, most time.Duration
	}{
		{50, 0, 0},
		{150, 0, 0},
		{300, 5 * time.Millisecond, 15 * time.Millisecond},
		{3000, paceMost, paceMost},
		{50000, paceMost, paceMost},
	} {
		var p pace
		now := time.Unix(1_600_000_000, 0)
		var last time.Duration
		for range 2 * c.perSecond {
			now = now.Add(time.Second / time.Duration(c.perSecond))
			last = p.gather(1, now)
		}
		if last < c.least || last > c.most {
			t.Errorf("at %d events a second the feed waits %v, want %v to %v", c.perSecond, last, c.least, c.most)
		}
		// A pause, and the next event goes out at once.
		if wait := p.gather(1, now.Add(2*time.Second)); wait != 0 {
			t.Errorf("after a pause behind %d events a second the feed waits %v", c.perSecond, wait)
		}
	}
}
