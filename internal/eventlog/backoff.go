package eventlog

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff is a pause that doubles from 20 ms to half a second, with some chance in it: an election ends within seconds, and whoever is first
// then has the least to catch up.
type backoff struct{ tries int }

func (b *backoff) wait(ctx context.Context) {
	d := min(500*time.Millisecond, 20*time.Millisecond<<min(b.tries, 5))
	b.tries++
	timer := time.NewTimer(d/2 + rand.N(d/2))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
