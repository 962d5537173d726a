package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"

	"github.com/dragoman-booking/dragoman/httpapi"
	"github.com/dragoman-booking/dragoman/internal/esnode"
)

// TestNetworkFaults serves through Toxiproxy, to the event store by the string of one host and by a gossip that names the proxies, and to
// PostgreSQL: connections are cut, slow, closed late, half open, or everything is away for a minute, in random order, while clients book and read.
// Every request is answered within its limit as it should be or by 503 with Retry-After; what was acknowledged is in the log once, and so is what
// was sent again under its key for want of an answer; /readyz says within five seconds (of half-open connections, 25) that something is lost, and
// within five that it is back; the read models catch up by themselves and are as if rebuilt. DRAGOMAN_FAULTS sets how often each fault comes on
// each of the two ways, at its full length; without it each comes once on one of them, short.
func TestNetworkFaults(t *testing.T) {
	t.Parallel()
	rounds, _ := strconv.Atoi(os.Getenv("DRAGOMAN_FAULTS"))
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	var orders [2][]fault
	for i := range max(1, rounds*len(orders)) {
		order := everyFault(random, rounds > 0)
		if rounds > 0 {
			orders[i%2] = append(orders[i%2], order...)
			continue
		}
		orders[0], orders[1] = order[:len(order)/2], order[len(order)/2:]
	}
	for i, way := range []string{"one host", "gossip"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			f := newFront(t, i == 1)
			if rounds == 0 { // among all other tests
				f.grace = laden
			}
			for _, fault := range orders[i] {
				f.suffer(fault)
			}
			f.compare()
		})
	}
}

// fault is one thing that happens to the network between Dragoman and one of its stores.
type fault struct {
	name   string
	ofLog  bool          // else of PostgreSQL
	notice time.Duration // within which /readyz has to say that the store is lost; 0: it need not be
	lasts  time.Duration
	begin  func(f *front, b *between)
}

// everyFault is each kind of fault once for each store, in random order.
func everyFault(random *rand.Rand, full bool) []fault {
	seconds := func(short float64, from, to int) time.Duration {
		if full {
			return time.Duration(from+random.IntN(to-from+1)) * time.Second
		}
		return time.Duration(short * float64(time.Second))
	}
	cut := func(_ *front, b *between) { b.cut() }
	var all []fault
	for _, ofLog := range []bool{true, false} {
		late := seconds(1.5, 2, 5)
		all = append(all,
			fault{name: "cut", ofLog: ofLog, notice: 5 * time.Second, lasts: seconds(0, 1, 8), begin: cut},
			fault{name: "latency", ofLog: ofLog, lasts: seconds(2, 5, 15), begin: func(f *front, b *between) {
				b.poison(f.t, "latency", map[string]any{"latency": 100, "jitter": 80})
			}},
			fault{name: "slow close", ofLog: ofLog, lasts: seconds(2.5, 5, 10), begin: func(f *front, b *between) {
				b.poison(f.t, "slow_close", map[string]any{"delay": late.Milliseconds()})
				f.endConnections(ofLog)
			}},
			fault{name: "half-open", ofLog: ofLog, notice: 25 * time.Second, lasts: seconds(0, 5, 40), begin: func(f *front, b *between) {
				b.poison(f.t, "timeout", map[string]any{"timeout": 0})
			}},
			fault{name: "outage", ofLog: ofLog, notice: 5 * time.Second, lasts: seconds(6, 60, 60), begin: cut},
		)
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func (f fault) String() string {
	store := "PostgreSQL"
	if f.ofLog {
		store = "the log"
	}
	return f.name + " of " + store
}

// front is a server that reaches its stores through proxies only, and the clients at work on it.
type front struct {
	t             *testing.T
	d             *deployment // as those see it who do not come through the proxies
	through       *deployment // as the server does
	log, database *between
	server        *process
	noted         *journal
	ready         *readiness
	stop          func()
	isReady       time.Time     // since when /readyz has said so
	grace         time.Duration // how much later than it should /readyz may say something
}

func newFront(t *testing.T, gossip bool) *front {
	t.Helper()
	seeds := []string{esnode.FixedAddress(t)}
	if gossip { // names the first
		seeds = append(seeds, esnode.FixedAddress(t))
	}
	f := &front{t: t, d: newDeployment(t, "--advertise", seeds[0])}
	filled := f.d.start("demo", "--small")
	location := signIn(t, filled.base, "requestor").get("/locations").items()[0]["id"].(string)
	filled.stop(t)

	f.log = newBetween(t, argument(f.d.log, "--listen"), seeds...)
	socket, address := overTCP(t, f.d.database), esnode.FixedAddress(t)
	f.database = newBetween(t, socket, address)
	through := *f.d
	through.logURL = "esdb://" + strings.Join(seeds, ",") + "?tls=false"
	database, err := url.Parse(f.d.database)
	if err != nil {
		t.Fatal(err)
	}
	database.Host, database.RawQuery = address, "sslmode=disable"
	through.database = database.String()
	f.through = &through
	f.server = f.through.start("serve")

	f.ready = watchReadiness(t, f.server.base)
	f.isReady = f.ready.turns(http.StatusOK, time.Now(), 30*time.Second)
	f.noted = newJournal()
	base := &atomic.Value{}
	base.Store(f.server.base)
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	for n := range 4 {
		l := newLife(t, base, f.noted, location, n)
		l.judge = f.judgeCommand
		if n == 3 { // hangs up now and then, and asks again
			l.patience = func() time.Duration { return 500*time.Millisecond + rand.N(5*time.Second) }
		}
		work.Go(func() { l.live(ctx) })
	}
	work.Go(func() { f.read(ctx) })
	f.stop = func() {
		cancel()
		work.Wait()
	}
	t.Cleanup(f.stop)
	f.noted.wait(t, 20)
	return f
}

// between is what stands between Dragoman and one of its stores.
type between struct {
	store     string
	addresses []string
	proxies   []*toxiproxy.Proxy
}

// newBetween makes a proxy to a store at each of the addresses.
func newBetween(t *testing.T, store string, addresses ...string) *between {
	t.Helper()
	b := &between{store: store, addresses: addresses}
	t.Cleanup(b.cut)
	b.heal(t)
	return b
}

// cut ends all connections and lets no new one in.
func (b *between) cut() {
	for _, p := range b.proxies {
		p.Stop()
	}
	b.proxies = nil
}

// heal ends whatever is wrong, with new proxies: what passes through the old ones breaks off.
func (b *between) heal(t *testing.T) {
	t.Helper()
	b.cut()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	for _, address := range b.addresses {
		p := toxiproxy.NewProxy(server, address, address, b.store)
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		b.proxies = append(b.proxies, p)
	}
}

// poison has something happen to all that passes, both ways.
func (b *between) poison(t *testing.T, kind string, attributes map[string]any) {
	t.Helper()
	for _, p := range b.proxies {
		for _, direction := range []string{"upstream", "downstream"} {
			toxic, err := json.Marshal(map[string]any{"type": kind, "stream": direction, "attributes": attributes})
			if err == nil {
				_, err = p.Toxics.AddToxicJson(bytes.NewReader(toxic))
			}
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
		}
	}
}

// endConnections has the store itself end all of its connections: the event store is killed and comes back.
func (f *front) endConnections(ofLog bool) {
	f.t.Helper()
	if ofLog {
		f.d.log.kill()
		f.d.restartLog()
		return
	}
	conn, err := pgx.Connect(f.t.Context(), f.d.database)
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(f.t.Context()))
	if _, err := conn.Exec(f.t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid()`); err != nil {
		f.t.Fatal(err)
	}
}

// overTCP leads connections to a TCP address on to the socket of a database, because Toxiproxy knows only TCP.
func overTCP(t *testing.T, database string) (address string) {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(u.Query().Get("host"), ".s.PGSQL."+u.Query().Get("port"))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", socket)
			if err != nil {
				client.Close()
				continue
			}
			for from, to := range map[net.Conn]net.Conn{client: server, server: client} {
				go func() {
					_, _ = io.Copy(to, from)
					from.Close()
					to.Close()
				}()
			}
		}
	}()
	return listener.Addr().String()
}

// suffer has one fault come and go.
func (f *front) suffer(x fault) {
	t := f.t
	t.Helper()
	b := f.database
	if x.ofLog {
		b = f.log
	}
	f.ready.turns(http.StatusOK, time.Now(), 5*time.Second+f.grace)
	began := time.Now()
	f.ready.stays(http.StatusOK, f.isReady, began, "before "+x.String())
	x.begin(f, b)
	said := ""
	var lost time.Time
	if x.notice > 0 {
		lost = f.ready.turns(http.StatusServiceUnavailable, began, x.notice+f.grace)
		said = fmt.Sprintf("noticed after %.1f s, ", lost.Sub(began).Seconds())
	}
	<-time.After(time.Until(began.Add(x.lasts))) // how long it lasts is the point
	if x.notice > 0 {
		f.ready.stays(http.StatusServiceUnavailable, lost, time.Now(), "during "+x.String())
	}
	b.heal(t)
	ended := time.Now()
	f.isReady = f.ready.turns(http.StatusOK, ended, 5*time.Second+f.grace)
	f.noted.wait(t, 0)
	f.noted.wait(t, 20)
	t.Logf("%s for %.1f s: %sready again after %.1f s, 20 commands done after %.1f s", x, ended.Sub(began).Seconds(), said,
		f.isReady.Sub(ended).Seconds(), time.Since(ended).Seconds())
}

// compare ends the work and holds what is there against what was acknowledged.
func (f *front) compare() {
	t := f.t
	t.Helper()
	f.stop()
	f.ready.stays(http.StatusOK, f.isReady, time.Now(), "after all")
	f.noted.compareLog(t, allEvents(t, argument(f.server, "--data")))
	assigner := signIn(t, f.server.base, "assigner")
	f.noted.compareJobs(t, assigner)
	soon(t, "all read models have caught up", func() bool {
		for _, m := range assigner.get("/status").items() {
			if m["lagEvents"] != float64(0) || m["health"] != "running" {
				return false
			}
		}
		return true
	})
	f.ready.stop()
	f.server.stop(t)
	if said := f.server.errOut.String(); said != "" { // it logs errors only
		t.Errorf("the server took the faults of the network for its own: %s", said)
	}
	if out, err := command(t, f.d.args("verify")...).CombinedOutput(); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

const (
	// commandLimit is how long a command may take: the request's own time, and then that of the steps that it has begun.
	commandLimit = requestLimit + 40*time.Second
	// laden is how much longer things may take on a machine that does much else.
	laden = 5 * time.Second
	// ladenRequest is how much longer the answer to a request may take there: it is not the time in which something is noticed.
	ladenRequest = 20 * time.Second
)

// judgeCommand demands an answer in time, and if it is 503 the word when to come back. What else is right, the client knows.
func (f *front) judgeCommand(path string, r reply, err error, took time.Duration) {
	switch {
	case errors.Is(err, context.DeadlineExceeded): // hung up
	case err != nil:
		f.t.Errorf("POST %s got no answer: %v", path, err)
	case took > commandLimit+ladenRequest:
		f.t.Errorf("POST %s was answered after %.1f s", path, took.Seconds())
	case r.status == http.StatusServiceUnavailable:
		f.judgeUnavailable(path, r)
	case r.status >= 400 && r.status != http.StatusConflict:
		f.t.Errorf("POST %s: %d %s", path, r.status, r.raw)
	}
}

func (f *front) judgeUnavailable(path string, r reply) {
	if r.header.Get("Retry-After") == "" || strings.HasPrefix(path, "/api/") && (r.body["code"] != "unavailable" && r.body["code"] != "read-model-behind") {
		f.t.Errorf("%s: 503 with %v, %s", path, r.header, r.raw)
	}
}

// read asks queries and pages until ctx ends. Each is answered, or 503 in time; nobody is shown the door because the database is away.
func (f *front) read(ctx context.Context) {
	api, page := &client{t: f.t, base: f.server.base}, &client{t: f.t, base: f.server.base}
	for ctx.Err() == nil && api.token == "" {
		r, err := api.try("POST", "/api/v1/sessions", map[string]any{"username": "assigner", "password": "dragoman-demo"}, nil)
		if err == nil && r.status == http.StatusCreated {
			api.token = r.body["token"].(string)
		}
	}
	cookie := map[string]string{"Cookie": httpapi.SessionCookie + "=" + api.token}
	page.seen = func(asked *http.Request, answer *http.Response, _ reply) {
		if answer.Request.URL.Path != asked.URL.Path {
			f.t.Errorf("%s led to %s", asked.URL.Path, answer.Request.URL.Path)
		}
	}
	for i := 0; ctx.Err() == nil; i++ {
		path := []string{"/api/v1/jobs?limit=5", "/jobs", "/api/v1/calendar?from=2031-01-01&to=2031-02-01", "/api/v1/dashboard", "/status", "/api/v1/me"}[i%6]
		c := page
		if strings.HasPrefix(path, "/api/") {
			c = api
		}
		began := time.Now()
		r, err := c.try("GET", path, nil, cookie)
		switch took := time.Since(began); {
		case err != nil:
			f.t.Errorf("GET %s got no answer: %v", path, err)
		case took > requestLimit+ladenRequest:
			f.t.Errorf("GET %s was answered after %.1f s", path, took.Seconds())
		case r.status == http.StatusServiceUnavailable:
			f.judgeUnavailable(path, r)
		case r.status != http.StatusOK:
			f.t.Errorf("GET %s: %d %s", path, r.status, r.raw)
		}
		breathe(ctx)
	}
}

// readiness asks a server ten times a second whether it is ready, whatever has become of the questions before.
type readiness struct {
	t    *testing.T
	stop func()

	mu     sync.Mutex
	probes []probe
	more   chan struct{} // closed when there is another one
}

// probe is one question that was answered.
type probe struct {
	asked, answered time.Time
	status          int // 0: no answer
}

func watchReadiness(t *testing.T, base string) *readiness {
	ctx, cancel := context.WithCancel(t.Context())
	r := &readiness{t: t, more: make(chan struct{})}
	var work sync.WaitGroup
	r.stop = func() {
		cancel()
		work.Wait()
	}
	t.Cleanup(r.stop)
	work.Go(func() {
		every := time.NewTicker(100 * time.Millisecond)
		defer every.Stop()
		for {
			select {
			case <-every.C:
				work.Go(func() { r.ask(ctx, base) })
			case <-ctx.Done():
				return
			}
		}
	})
	return r
}

func (r *readiness) ask(ctx context.Context, base string) {
	c := &client{t: r.t, base: base, patience: 10 * time.Second}
	p := probe{asked: time.Now()}
	answer, err := c.try("GET", "/readyz", nil, nil)
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		p.status = answer.status
	}
	p.answered = time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.probes = append(r.probes, p)
	close(r.more)
	r.more = make(chan struct{})
}

// turns waits for the first answer with a status to a question asked after a moment, and fails if there is none within the given time.
func (r *readiness) turns(status int, after time.Time, within time.Duration) (at time.Time) {
	r.t.Helper()
	late := time.NewTimer(time.Until(after.Add(within)))
	defer late.Stop()
	for {
		r.mu.Lock()
		for _, p := range r.probes {
			if p.status == status && p.asked.After(after) {
				r.mu.Unlock()
				return p.answered
			}
		}
		more := r.more
		r.mu.Unlock()
		select {
		case <-more:
		case <-late.C:
			r.t.Fatalf("/readyz has not said %d within %v", status, within)
		}
	}
}

// stays demands that every question that was asked and answered between two moments got a status. A 503 for want of time is not held against a
// server whose stores are there: the machine may be busy.
func (r *readiness) stays(status int, from, to time.Time, when string) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.probes {
		if busy := p.status == http.StatusServiceUnavailable && p.answered.Sub(p.asked) > 2*time.Second; busy && status == http.StatusOK {
			continue
		}
		if p.status != status && p.asked.After(from) && p.answered.Before(to) {
			r.t.Errorf("/readyz said %d %s, not %d", p.status, when, status)
		}
	}
}
