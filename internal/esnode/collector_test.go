package esnode

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"
)

// tunedProcess runs the test in a process of its own, whose collector is tuned; there it says true.
func tunedProcess(t *testing.T) bool {
	if os.Getenv("ESNODE_TEST_COLLECTOR") != "" {
		TuneCollector()
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "ESNODE_TEST_COLLECTOR=yes", "GOGC=off")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, said)
	}
	return false
}

// TestTuneCollector: after every collection the heap may grow by a fixed room, whatever is alive. It is a process of its own that is tuned.
func TestTuneCollector(t *testing.T) {
	t.Parallel()
	if !tunedProcess(t) {
		return
	}
	for _, megabytes := range []int{0, 200, 20} {
		alive := make([]byte, megabytes<<20)
		goal, live := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}, {Name: "/gc/gogc:percent"}}, []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		want := 0
		for began := time.Now(); ; runtime.Gosched() {
			runtime.GC()
			metrics.Read(live)
			metrics.Read(goal)
			if want = growth(live[0].Value.Uint64()); goal[1].Value.Uint64() == uint64(want) {
				break
			}
			if time.Since(began) > time.Minute {
				t.Fatalf("%d MB alive: the heap may grow by %d %%, not %d", megabytes, goal[1].Value.Uint64(), want)
			}
		}
		at, of := goal[0].Value.Uint64(), live[0].Value.Uint64()
		if room := of * uint64(want) / 100; of > 7<<20 && (at < of+room*9/10 || at > of+room+room/2) {
			t.Errorf("%d bytes are alive and %d start a collection", of, at)
		}
		runtime.KeepAlive(alive)
	}
}

// TestGrowth: per cent of what is alive.
func TestGrowth(t *testing.T) {
	t.Parallel()
	var got []string
	for _, megabytes := range []uint64{0, 1, 10, 64, 128, 300, 1000} {
		got = append(got, strconv.Itoa(growth(megabytes<<20)))
	}
	if want := "1000 1000 400 62 50 64 71"; strings.Join(got, " ") != want {
		t.Errorf("%s, not %s", got, want)
	}
}

// TestLimit: what the process may hold, in MB, with so much alive, so much beside the heap and so much in all.
func TestLimit(t *testing.T) {
	t.Parallel()
	var got []string
	for _, m := range []memory{{0, 5, 10}, {80, 15, 130}, {80, 15, 260}, {80, 215, 330}, {300, 200, 560}, {800, 200, 1100}} {
		got = append(got, strconv.FormatInt(memory{m.alive << 20, m.beside << 20, m.all << 20}.limit()>>20, 10))
	}
	if want := "37 167 260 367 724 1024"; strings.Join(got, " ") != want {
		t.Errorf("%s, not %s", got, want)
	}
}

// TestWhatTheProcessMayHold: after a crowd has gone it falls, collection by collection, to what is needed. It is a process of its own that is tuned.
func TestWhatTheProcessMayHold(t *testing.T) {
	t.Parallel()
	if !tunedProcess(t) {
		return
	}
	mayHold := func() int64 { return debug.SetMemoryLimit(-1) }
	crowd := make([][]byte, 300<<20/(8<<10))
	for i := range crowd {
		crowd[i] = make([]byte, 8<<10)
	}
	for began := time.Now(); mayHold() < 300<<20 || mayHold() == collectorTarget; runtime.Gosched() {
		runtime.GC()
		if time.Since(began) > time.Minute {
			t.Fatalf("300 MB are alive and the process may hold %d bytes", mayHold())
		}
	}
	clear(crowd)
	for began := time.Now(); mayHold() > 150<<20; {
		if time.Since(began) > time.Minute {
			t.Fatalf("%+v are held, and %d bytes may be", readMemory(), mayHold())
		}
		runtime.KeepAlive(make([]byte, 1<<20)) // garbage, as of a node at work
	}
}
