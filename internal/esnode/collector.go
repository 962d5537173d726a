package esnode

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The most that a node keeps in memory are the store's caches, which cost a collection of garbage hardly anything to look at and are not to be counted
// several times over, as a percentage would. So the heap grows by a fixed room between two collections, by more only where thousands of
// subscribers wait.
const (
	collectorRoom   = 64 << 20 // bytes of garbage that start a collection
	collectorLeast  = 30       // per cent of what is alive, where that is more
	collectorMost   = 1000     // per cent of what is alive, while that is little
	collectorTarget = 1 << 30  // bytes of the process, as it comes near which it collects more often
)

// TuneCollector sets the garbage collector of a process that runs a node and nothing else, from now on.
func TuneCollector() {
	debug.SetMemoryLimit(collectorTarget)
	debug.SetGCPercent(collectorMost)
	tuneAfterNext()
}

// tuneAfterNext sets how far the heap may grow, after each collection anew.
func tuneAfterNext() {
	type sentinel struct{ _ *byte } // nothing holds it, so the next collection finds it
	runtime.AddCleanup(&sentinel{}, func(struct{}) {
		alive := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(alive)
		debug.SetGCPercent(growth(alive[0].Value.Uint64()))
		tuneAfterNext()
	}, struct{}{})
}

// growth is by how many per cent the heap may grow while so many bytes are alive.
func growth(alive uint64) int {
	return int(min(collectorMost, max(collectorLeast, collectorRoom*100/max(alive, 1))))
}
