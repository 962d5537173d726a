package esnode

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestTuneCollector: after every collection the heap may grow by a fixed room, whatever is alive. It is a process of its own that is tuned.
func TestTuneCollector(t *testing.T) {
	t.Parallel()
	if os.Getenv("ESNODE_TEST_COLLECTOR") == "" {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestTuneCollector$", "-test.v")
		cmd.Env = append(os.Environ(), "ESNODE_TEST_COLLECTOR=yes", "GOGC=off")
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, said)
		}
		return
	}
	TuneCollector()
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
			if time.Since(began) > 5*time.Second {
				t.Fatalf("%d MB alive: the heap may grow by %d %%, not %d", megabytes, goal[1].Value.Uint64(), want)
			}
		}
		if at, of := goal[0].Value.Uint64(), live[0].Value.Uint64(); of > 7<<20 && (at < of+collectorRoom*9/10 || at > of+collectorRoom+collectorRoom/2) {
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
	if want := "1000 1000 640 100 50 30 30"; strings.Join(got, " ") != want {
		t.Errorf("%s, not %s", got, want)
	}
}
