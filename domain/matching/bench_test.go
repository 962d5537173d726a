package matching

import (
	"fmt"
	"testing"
)

// BenchmarkRank puts a thousand workers in order and says why the first fifty stand there.
func BenchmarkRank(b *testing.B) {
	workers := make([]Worker, 1000)
	for i := range workers {
		workers[i] = worker(fmt.Sprintf("LIN/%04d", i))
		if i%10 == 0 {
			workers[i].Diary = []Entry{busy("DTP1", "2020-03-26T10:00", 60, leeds)}
		}
	}
	j := wanted()
	j.Flexibility = "2-hours"
	for b.Loop() {
		for _, v := range Rank(j, workers, world)[:50] {
			v.Trace()
		}
	}
}
