package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dragoman-booking/dragoman/internal/esnode/escluster"
	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// TestClusterFailsOver: two servers on a cluster of three whose members are killed, frozen, stopped and made to lag, whose leader changes, whose appends
// are aborted (some were carried out) and whose acknowledgements never come, while clients book at both. They are told success, or 503 with
// Retry-After; then everything acknowledged is there once, nothing that nobody asked for, every read model equals its replay, read from the followers too, and all members hold the same.
// DRAGOMAN_FAILOVERS says how often each fault comes, at the pace of a real cluster instead of a tenth of its times.
func TestClusterFailsOver(t *testing.T) {
	t.Parallel()
	timing, rounds := escluster.Quick, 1
	if n, err := strconv.Atoi(os.Getenv("DRAGOMAN_FAILOVERS")); err == nil {
		timing, rounds = escluster.Measured, n
	}
	cluster := escluster.RunT(t, escluster.Options{Timing: timing})
	d := &deployment{t: t, logURL: cluster.ConnectionString(), database: postgres.TestURL(t), key: filepath.Join(t.TempDir(), "master.key")}
	one := d.start("demo", "--small")
	two := d.start("serve")
	location := signIn(t, one.base, "requestor").get("/locations").items()[0]["id"].(string)

	noted := newJournal()
	var busy atomic.Int64
	seen := func(req *http.Request, res *http.Response, r reply) {
		if res.StatusCode != http.StatusServiceUnavailable {
			return
		}
		busy.Add(1)
		if res.Header.Get("Retry-After") == "" {
			t.Errorf("%s: 503 without Retry-After: %s", req.URL.Path, r.raw)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for n := range 8 {
		base := &atomic.Value{}
		base.Store([]string{one.base, two.base}[n%2])
		life := newLife(t, base, noted, location, n)
		life.customer.seen, life.assigner.seen = seen, seen
		clients.Go(func() { life.live(ctx) })
	}
	defer clients.Wait()
	defer stop()

	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	f := &failover{t: t, cluster: cluster, noted: noted, random: rand.New(rand.NewPCG(seed, 1)), busy: &busy}
	for range rounds {
		for _, i := range f.random.Perm(len(faults)) {
			began := time.Now()
			faults[i].happen(f)
			noted.wait(t, 20)
			t.Logf("%s: %.1f s", faults[i].what, time.Since(began).Seconds())
		}
	}
	f.whole()
	noted.wait(t, 20)
	stop()
	clients.Wait()

	if err := cluster.Same(f.within()); err != nil {
		t.Error(err)
	}
	noted.compareLog(t, eventsIn(t, openLog(t, d.logURL)))
	noted.compareJobs(t, signIn(t, two.base, "assigner"))
	for _, base := range []string{one.base, two.base} {
		soon(t, "the server is ready", func() bool {
			res, err := http.Get(base + "/readyz")
			if err != nil {
				return false
			}
			res.Body.Close()
			return res.StatusCode == http.StatusOK
		})
	}
	d.logURL = cluster.ConnectionString("nodePreference=follower")
	out, err := command(t, d.args("verify")...).CombinedOutput()
	if err != nil || strings.Count(string(out), " 0 differences") != len(projectors()) {
		t.Errorf("verify: %v\n%s", err, out)
	}
	t.Logf("503 was answered %d times", busy.Load())
	for _, p := range []*process{one, two} {
		p.stop(t)
	}
}

// TestWhomANodePreferenceGoverns: of a server whose connection string prefers followers these answer histories, and verify and rebuild; everything else
// asks the leader alone.
func TestWhomANodePreferenceGoverns(t *testing.T) {
	t.Parallel()
	cluster := escluster.RunT(t, escluster.Options{})
	if err := cluster.AwaitWhole(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := &deployment{t: t, logURL: cluster.ConnectionString("nodePreference=follower"), database: postgres.TestURL(t), key: filepath.Join(t.TempDir(), "master.key")}
	one := d.start("demo", "--small")
	customer, assigner := signIn(t, one.base, "requestor"), signIn(t, one.base, "assigner")
	followers := cluster.Followers()
	seen := 0
	asked := func() (n int) { // since the last time
		for _, i := range followers {
			n += cluster.Reads(i)
		}
		seen, n = n, n-seen
		return n
	}

	asked() // the start builds read models
	location := customer.get("/locations").items()[0]["id"].(string)
	ref := customer.do("POST", "/bookings", faceToFace(location, "2031-06-03T10:00", 60)).body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
	assigner.job(ref, "take", map[string]any{})
	assigner.job(ref, "cancel", map[string]any{"authorisedBy": "Sergeant Bell"})
	for _, path := range []string{"/jobs/" + ref, "/jobs", "/dashboard", "/status"} {
		assigner.get(path, customer)
	}
	metricsOf(t, one.base)
	d.ready(one)
	d.settled(one)
	if n := asked(); n > 0 {
		t.Errorf("commands, the feed and the queries have followers read %d times", n)
	}
	auditor := signIn(t, one.base, "auditor")
	asked()
	auditor.get("/jobs/"+ref+"/history", assigner)
	if n := asked(); n == 0 {
		t.Error("no follower is asked for a history")
	}
	for _, subcommand := range []string{"verify", "rebuild"} {
		if out, err := command(t, d.args(subcommand, "jobs")...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", subcommand, err, out)
		}
		if n := asked(); n == 0 {
			t.Errorf("no follower is asked by %s", subcommand)
		}
	}
	if now := cluster.Followers(); !slices.Equal(now, followers) {
		t.Fatalf("%v follow, no more %v", now, followers)
	}
}

// failover is a cluster under a deployment that works.
type failover struct {
	t       *testing.T
	cluster *escluster.Cluster
	noted   *journal
	random  *rand.Rand
	busy    *atomic.Int64 // answers 503
}

// within is how long the test waits for the cluster.
func (f *failover) within() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	f.t.Cleanup(cancel)
	return ctx
}

func (f *failover) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *failover) leader() int {
	f.t.Helper()
	i, err := f.cluster.AwaitLeader(f.within())
	f.must(err)
	return i
}

// follower is any of the followers.
func (f *failover) follower() int {
	f.t.Helper()
	f.whole()
	all := f.cluster.Followers()
	return all[f.random.IntN(len(all))]
}

func (f *failover) whole() {
	f.t.Helper()
	f.must(f.cluster.AwaitWhole(f.within()))
}

// goesOn waits until clients are served again.
func (f *failover) goesOn() {
	f.t.Helper()
	f.leader()
	f.noted.wait(f.t, 10)
}

// faults are what happens to the cluster.
var faults = []struct {
	what   string
	happen func(*failover)
}{
	{"the leader is killed", func(f *failover) {
		f.whole()
		old := f.leader()
		f.cluster.Kill(old)
		f.goesOn()
		f.must(f.cluster.Start(old))
	}},
	{"the leader is killed with appends that nobody else has", func(f *failover) {
		f.whole()
		old := f.leader()
		for i := range escluster.Size {
			f.cluster.Hold(i, true)
		}
		f.must(f.cluster.AwaitUnshared(f.within()))
		f.cluster.Kill(old)
		for i := range escluster.Size {
			f.cluster.Hold(i, false)
		}
		f.goesOn()
		f.must(f.cluster.Start(old))
	}},
	{"the leader freezes and wakes up", func(f *failover) {
		f.whole()
		old := f.leader()
		f.cluster.Freeze(old)
		f.goesOn()
		f.cluster.Thaw(old)
	}},
	{"the leader freezes until another leads", func(f *failover) {
		f.whole()
		old := f.leader()
		f.cluster.Freeze(old)
		f.leader()
		f.cluster.Thaw(old)
	}},
	{"the leader freezes for a moment", func(f *failover) {
		old := f.leader()
		f.cluster.Freeze(old)
		pause(f.random, 300)
		f.cluster.Thaw(old)
	}},
	{"the leader is stopped in order", func(f *failover) {
		f.whole()
		old := f.leader()
		f.cluster.Stop(old)
		f.goesOn()
		for f.cluster.Leader() == old {
			pause(f.random, 20)
		}
		f.goesOn()
		f.must(f.cluster.Start(old))
	}},
	{"the lead is handed over", func(f *failover) {
		f.must(f.cluster.Lead(f.within(), f.follower()))
	}},
	{"a follower is killed", func(f *failover) {
		i := f.follower()
		f.cluster.Kill(i)
		f.goesOn()
		f.must(f.cluster.Start(i))
	}},
	{"a follower freezes", func(f *failover) {
		i := f.follower()
		f.cluster.Freeze(i)
		f.goesOn()
		f.cluster.Thaw(i)
	}},
	{"a follower lags, then leads", func(f *failover) {
		i := f.follower()
		f.cluster.Lag(i, 50*time.Millisecond)
		f.goesOn()
		f.must(f.cluster.Lead(f.within(), i))
		f.cluster.Lag(i, 0)
	}},
	{"appends are aborted", func(f *failover) {
		for n, text := range []string{escluster.ForwardingTimeout, escluster.CommitTimeout, escluster.CanceledByServer} {
			f.cluster.AbortAppends(3, text, true)
			f.cluster.AbortAppends(1+n, text, false)
		}
	}},
	{"subscriptions end", func(f *failover) {
		for i := range escluster.Size {
			f.cluster.EndSubscriptions(i, escluster.TooSlow)
		}
	}},
	{"nobody takes over what the leader writes", func(f *failover) {
		f.whole()
		for i := range escluster.Size {
			f.cluster.Hold(i, true)
		}
		f.must(f.cluster.AwaitUnshared(f.within()))
		pause(f.random, 500)
		for i := range escluster.Size {
			f.cluster.Hold(i, false)
		}
	}},
	{"two of three are dead until clients are told 503", func(f *failover) {
		i := f.follower()
		old, before := f.leader(), f.busy.Load()
		f.cluster.Kill(i)
		f.cluster.Kill(old)
		soon(f.t, "a client is told 503", func() bool { return f.busy.Load() > before })
		f.must(f.cluster.Start(old))
		f.goesOn()
		f.must(f.cluster.Start(i))
	}},
}
