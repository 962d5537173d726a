package esnode

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The most that a node keeps in memory are the store's caches, which cost a collection of garbage hardly anything to look at and are not to be counted
// several times over, as a percentage would. So the heap grows by a fixed room between two collections, by more only where thousands of
// subscribers wait; and what the heap has had and does not need any more goes back to the system within a few collections.
const (
	collectorRoom   = 40 << 20 // bytes of garbage that start a collection
	collectorCaches = 96 << 20 // bytes alive that need no more room than that: the store's caches and the heads of streams
	collectorCrowd  = 75       // bytes of garbage more, for each hundred that are alive beyond
	collectorMost   = 1000     // per cent of what is alive, while that is little
	collectorSpare  = 32 << 20 // bytes of the heap that may hold nothing
	collectorTarget = 1 << 30  // bytes of the process, as it comes near which it collects more often
)

// TuneCollector sets the garbage collector of a process that runs a node and nothing else, from now on.
func TuneCollector() {
	debug.SetMemoryLimit(collectorTarget)
	debug.SetGCPercent(collectorMost)
	tuneAfterNext()
}

// tuneAfterNext sets how far the heap may grow and how much the process may hold, after each collection anew.
func tuneAfterNext() {
	type sentinel struct{ _ *byte } // nothing holds it, so the next collection finds it
	runtime.AddCleanup(&sentinel{}, func(struct{}) {
		m := readMemory()
		debug.SetGCPercent(growth(m.alive))
		debug.SetMemoryLimit(m.limit())
		tuneAfterNext()
	}, struct{}{})
}

// memory is what the process holds after a collection, in bytes.
type memory struct {
	alive  uint64 // found in the heap
	beside uint64 // the heap: stacks, most of all
	all    uint64 // with what of the heap holds nothing
}

func readMemory() memory {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"}}
	metrics.Read(samples)
	of := func(i int) uint64 { return samples[i].Value.Uint64() }
	all := of(1) - of(2)
	return memory{alive: of(0), beside: all - of(3) - of(4) - of(5), all: all}
}

// limit is how many bytes the process may hold: what it needs, or what it holds already. Were it less, it would collect without end until the
// rest is given back; as it is, a twentieth of that goes back before the next collection.
func (m memory) limit() int64 {
	needs := m.alive + m.alive*uint64(growth(m.alive))/100 + m.beside + collectorSpare
	return int64(min(collectorTarget, max(needs, m.all)))
}

// growth is by how many per cent the heap may grow while so many bytes are alive.
func growth(alive uint64) int {
	room := uint64(collectorRoom)
	if alive > collectorCaches {
		room += (alive - collectorCaches) * collectorCrowd / 100
	}
	return int(min(collectorMost, room*100/max(alive, 1)))
}
