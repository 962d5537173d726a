package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// acked is one command that the server acknowledged, noted outside the server.
type acked struct{ key, job, event string }

// TestKilledServerLosesNothing kills the server with SIGKILL at random moments under 16 clients, also while it starts and while it rebuilds,
// then looks for every acknowledged fact: it is there once, and every read model equals its rebuild. DRAGOMAN_KILLS sets how often.
func TestKilledServerLosesNothing(t *testing.T) {
	t.Parallel()
	kills := 20
	if n, err := strconv.Atoi(os.Getenv("DRAGOMAN_KILLS")); err == nil {
		kills = n
	}
	data, database := t.TempDir(), postgres.TestURL(t)
	args := []string{"demo", "--small", "--data", data, "--database-url", database, "--listen", "127.0.0.1:0", "--log-level", "error"}
	server := startProcess(t, args...)
	base := &atomic.Value{}
	base.Store(server.base)

	setUp := signIn(t, server.base, "requestor")
	location := setUp.get("/locations").items()[0]["id"].(string)

	journal := &journal{more: make(chan struct{}, 1)}
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for n := range 16 {
		clients.Go(func() { book(ctx, t, base, location, n, journal) })
	}

	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for i := range kills {
		journal.wait(t, 200)
		switch i % 5 {
		case 3: // while a rebuild runs
			rebuild := spawn(t, "rebuild", "--data", data, "--database-url", database, "jobs")
			pause(random, 150)
			rebuild.kill()
		case 4: // while it starts, before it listens
			server.kill()
			server = spawn(t, args...)
			pause(random, 400)
		}
		pause(random, 60)
		server.kill()
		server = startProcess(t, args...)
		base.Store(server.base)
	}
	journal.wait(t, 200)
	stop()
	clients.Wait()

	facts := journal.all()
	auditor := signIn(t, server.base, "auditor")
	events := map[string]map[string]int{} // job → "type command" → times
	for _, f := range facts {
		if events[f.job] == nil {
			history := auditor.get("/jobs/" + f.job + "/history")
			events[f.job] = map[string]int{}
			for _, e := range history.items() {
				events[f.job][fmt.Sprint(e["type"])]++
			}
		}
		if n := events[f.job][f.event]; n != 1 {
			t.Errorf("acknowledged %s of %s (key %s) is in the log %d times", f.event, f.job, f.key, n)
		}
	}
	t.Logf("%d acknowledged facts on %d jobs, %d kills", len(facts), len(events), kills)
	server.stop(t)
	path, _ := binary()
	out, err := exec.Command(path, "verify", "--data", data, "--database-url", database).CombinedOutput()
	if err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

func pause(random *rand.Rand, upToMS int) {
	timer := time.NewTimer(time.Duration(random.IntN(upToMS)) * time.Millisecond)
	<-timer.C // the random moment is the point of this test
}

// book makes jobs and moves them on, each command under a key of its own, sent again until it is answered.
func book(ctx context.Context, t *testing.T, base *atomic.Value, location string, n int, j *journal) {
	customer, assigner := &client{t: t}, &client{t: t}
	for i := 0; ctx.Err() == nil; i++ {
		start := time.Date(2031, 1, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Hour)
		key := fmt.Sprintf("crash-%d-%d", n, i)
		r, ok := until(ctx, t, base, customer, "requestor", "/api/v1/bookings", faceToFace(location, start.Format("2006-01-02T15:04"), 30), key)
		if !ok {
			return
		}
		job := r.body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
		j.add(acked{key, job, "booking.created.v1"})
		if _, ok = until(ctx, t, base, assigner, "assigner", "/api/v1/jobs/"+job+"/take", map[string]any{}, key); !ok {
			return
		}
		j.add(acked{key, job, "booking.job-taken.v1"})
		offer := map[string]any{"interpreters": []string{"LIN/5455/5J71Y"}}
		if _, ok = until(ctx, t, base, assigner, "assigner", "/api/v1/jobs/"+job+"/send-offer", offer, key); !ok {
			return
		}
		j.add(acked{key, job, "booking.offer-sent.v1"})
	}
}

// until sends one command until the server answers it; a server that is away or busy is asked again.
func until(ctx context.Context, t *testing.T, base *atomic.Value, c *client, user, path string, body any, key string) (reply, bool) {
	for ctx.Err() == nil {
		if now := base.Load().(string); c.base != now || c.token == "" {
			c.base, c.token = now, ""
			r, err := c.try("POST", "/api/v1/sessions", map[string]any{"username": user, "password": "dragoman-demo"}, nil)
			if err != nil || r.status != http.StatusCreated {
				breathe(ctx)
				continue
			}
			c.token = r.body["token"].(string)
		}
		r, err := c.try("POST", path, body, map[string]string{"Idempotency-Key": key})
		switch {
		case err != nil || r.status == http.StatusServiceUnavailable || r.status == http.StatusTooManyRequests:
			breathe(ctx)
		case r.status == http.StatusOK || r.status == http.StatusCreated:
			return r, true
		default:
			t.Errorf("%s: %d %s", path, r.status, r.raw)
			return r, false
		}
	}
	return reply{}, false
}

func breathe(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(20 * time.Millisecond):
	}
}

// journal notes acknowledgements outside the server.
type journal struct {
	mu    sync.Mutex
	facts []acked
	seen  int
	more  chan struct{}
}

func (j *journal) add(f acked) {
	j.mu.Lock()
	j.facts = append(j.facts, f)
	j.mu.Unlock()
	select {
	case j.more <- struct{}{}:
	default:
	}
}

// wait returns once n more facts were acknowledged than at the last wait.
func (j *journal) wait(t *testing.T, n int) {
	t.Helper()
	limit := time.After(3 * time.Minute)
	for {
		j.mu.Lock()
		enough := len(j.facts) >= j.seen+n
		if enough {
			j.seen = len(j.facts)
		}
		j.mu.Unlock()
		if enough {
			return
		}
		select {
		case <-j.more:
		case <-limit:
			t.Fatalf("fewer than %d acknowledgements in three minutes", n)
		}
	}
}

func (j *journal) all() []acked {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]acked(nil), j.facts...)
}

// stop ends the process in order and demands a clean exit.
func (p *process) stop(t testing.TB) {
	t.Helper()
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err := <-p.ended
	p.ended <- nil
	if err != nil {
		t.Errorf("server did not stop cleanly: %v: %s", err, strings.TrimSpace(p.errOut.String()))
	}
}
