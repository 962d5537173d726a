package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// How long the work of a process may stand still: one that was killed, and one that stands still or is cut off.
const (
	killedLimit = 10 * time.Second
	frozenLimit = 20 * time.Second
)

// reactionsHere is how many reactions a process runs, and holdsFence is where one of them keeps its checkpoint.
const (
	reactionsHere = 2
	holdsFence    = "kept.reaction_checkpoints where reaction = 'holds'"
)

// TestTwoProcessesAndOneStandsStill freezes the process that runs everything in the middle of three things at once: in a page's transaction, where
// it holds the fence of a read model; in the transaction that keeps a reaction's effect; and between asking which timers are due and firing them. The
// other process takes over within 20 s. When the first one wakes it finds itself overtaken: the hold has ended once, each offer has lapsed once.
func TestTwoProcessesAndOneStandsStill(t *testing.T) {
	t.Parallel()
	const lin = "LIN/5455/5J71Y"
	d := newDeployment(t)
	defer d.tellSessions()
	one, two, first := d.pair()
	names := d.heldBy(first)
	customer, assigner := signIn(t, two.base, "requestor"), signIn(t, two.base, "assigner")
	location := customer.get("/locations").items()[0]["id"].(string)
	book := func(start string) string {
		t.Helper()
		ref := customer.do("POST", "/bookings", faceToFace(location, start, 60)).body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
		assigner.job(ref, "take", map[string]any{})
		return ref
	}
	wanted, clashing := book("2031-06-03T10:00"), book("2031-06-03T10:30")
	assigner.job(clashing, "send-offer", map[string]any{"interpreters": []string{lin}})
	assigner.job(clashing, "accept-offer", map[string]any{"interpreter": lin})
	const offers = 5
	due := time.Now().Add(30 * time.Second) // time enough to send them all
	for i := range offers {
		assigner.job(book(fmt.Sprintf("2031-07-0%dT10:00", i+1)), "send-offer", map[string]any{"interpreters": []string{lin}, "expiresAt": due.UTC().Format(time.RFC3339Nano)})
	}
	assigner.get("/jobs/"+wanted, customer)
	d.settled(two)

	// The timers: the question which offers are due is asked after their time, and not answered.
	letTimers := d.lock(d.table("timers", "timers"), "access exclusive")
	soon(t, "the timers ask what is due", func() bool {
		const asking = `from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%%offer-expiry%%due_at <= $1%%' and query_start %s $1`
		d.exec(`select pg_cancel_backend(pid) `+fmt.Sprintf(asking, "<="), due.Add(500*time.Millisecond))
		return value[int](d, `select count(*)::int `+fmt.Sprintf(asking, ">"), due.Add(500*time.Millisecond)) > 0
	})
	// The read model and the reaction: their transactions have moved the checkpoint and wait for what comes after.
	letJobs, letSent := d.lock(d.table("jobs", "jobs"), "access exclusive"), d.lock("kept.sent", "share")
	assigner.job(wanted, "assign", map[string]any{"interpreter": lin})
	for _, fence := range []struct{ waits, held string }{{d.table("jobs", "jobs"), d.table("jobs", "checkpoint")}, {"kept.sent", holdsFence}} {
		soon(t, "somebody waits for "+fence.waits+" with the fence held", func() bool {
			return d.waits(fence.waits) && d.fenced(fence.held)
		})
	}
	one.signal(t, syscall.SIGSTOP)
	began := time.Now()
	letTimers()
	letJobs()
	letSent()
	soon(t, "the transactions of the frozen process are open", func() bool {
		return value[int](d, `select count(*)::int from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`) >= 2
	})
	if !d.fenced(d.table("jobs", "checkpoint")) || !d.fenced(holdsFence) {
		t.Fatal("the frozen process does not hold the fences")
	}

	limit := frozenLimit + laden
	d.movedFrom(first, names, began, limit)
	d.shows(assigner, wanted, "assigned", began, limit)
	log := logOf(t, argument(two, "--data"))
	read := func() (all []eventschema.Stored) {
		t.Helper()
		if err := log.ReadAll(t.Context(), eventschema.Position{}, func(e eventschema.Stored) error { all = append(all, e); return nil }); err != nil {
			t.Fatal(err)
		}
		return all
	}
	for {
		all := read()
		lapsed := countTypes(all)["booking.offer-lapsed.v1"]
		ended := slices.IndexFunc(all, func(e eventschema.Stored) bool { return e.Type == "booking.hold-ended.v1" })
		if lapsed == offers && ended >= 0 && value[bool](d, `select commit_pos >= $1 from kept.reaction_checkpoints where reaction = 'holds'`, int64(all[ended].Position.Commit)) {
			break
		}
		if time.Since(began) > limit {
			t.Fatalf("after %v: %d of %d offers have lapsed, a hold has ended: %v, or the reaction has not gone on behind that", limit, lapsed, offers, ended >= 0)
		}
		<-time.After(50 * time.Millisecond) // whoever takes over needs the processor too
	}
	t.Logf("everything was taken over %.1f s after the first process stood still", time.Since(began).Seconds())

	one.signal(t, syscall.SIGCONT)
	book("2031-08-01T10:00")
	soon(t, "the process that woke serves, runs nothing and has seen the whole log", func() bool {
		m := metricsOf(t, one.base)
		return len(runBy(m)) == 0 && m["dragoman_feed_position"] == m["dragoman_log_position"] && m["dragoman_log_position"] != "" &&
			(&client{t: t, base: one.base}).send("GET", "/readyz", nil, nil).status == http.StatusOK
	})
	d.onceEach(read(), map[string]int{"booking.offer-lapsed.v1": offers, "booking.hold-ended.v1": 1})
	if out, err := command(t, d.args("verify")...).CombinedOutput(); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

// TestThreeProcessesTakeTurns: of three processes the one that runs the read models is cut off from Postgres in the middle of a page, frozen, and
// killed, while clients book. What it ran is run by the others, each by one of them, within 20 s, within 10 s of a death; when it is back, nothing was
// applied twice. The journal outside, the log and verify agree. DRAGOMAN_TURNS sets how often.
func TestThreeProcessesTakeTurns(t *testing.T) {
	t.Parallel()
	turns := 3
	grace := laden // among all other tests
	if n, err := strconv.Atoi(os.Getenv("DRAGOMAN_TURNS")); err == nil {
		turns, grace = n, 0
	}
	d := newDeployment(t)
	type member struct {
		*process
		*pgLink
	}
	begin := func(command ...string) member {
		l := newPgLink(t, d.database)
		there := *d
		there.database = l.url
		return member{there.start(command...), l}
	}
	members := []member{begin("demo", "--small")}
	members = append(members, begin("serve"), begin("serve"))
	// runs is the member that runs the read model jobs, and others are those that do not.
	runs := func() (m member, others []member) {
		soon(t, "one process runs each read model and reaction", func() bool {
			all := map[string]int{}
			m, others = member{}, nil
			for _, one := range members {
				mine := runBy(metricsOf(t, one.base))
				for _, name := range mine {
					all[name]++
				}
				if slices.Contains(mine, "model jobs") {
					m = one
				} else {
					others = append(others, one)
				}
			}
			for name, n := range all {
				if n > 1 {
					t.Logf("%s is run by %d processes", name, n)
				}
			}
			return m.process != nil && len(all) == len(projectors())+reactionsHere && !slices.ContainsFunc(slices.Collect(maps.Values(all)), func(n int) bool { return n > 1 })
		})
		return m, others
	}

	base := &atomic.Value{}
	_, others := runs()
	base.Store(others[0].base)
	location := signIn(t, others[0].base, "requestor").get("/locations").items()[0]["id"].(string)
	noted := newJournal()
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for n := range 3 {
		clients.Go(func() { newLife(t, base, noted, location, n).live(ctx) })
	}
	defer clients.Wait()
	defer stop()
	for turn := range turns {
		var victim member
		var holder string
		var names []string
		soon(t, "whoever runs the read model jobs holds what it runs", func() bool { // on a slow machine leases may move between two questions
			victim, others = runs()
			base.Store(others[0].base)
			noted.wait(t, 20)
			holder = d.holderOf("model jobs")
			names = d.heldBy(holder)
			mine := runBy(metricsOf(t, victim.base))
			return slices.Contains(mine, "model jobs") && !slices.ContainsFunc(mine, func(name string) bool { return !slices.Contains(names, name) })
		})
		customer := signIn(t, others[0].base, "requestor")
		fault, limit := []string{"cut off", "frozen", "killed"}[turn%3], frozenLimit+grace
		var began time.Time
		switch fault {
		case "cut off":
			let := d.lock(d.table("jobs", "jobs"), "access exclusive")
			soon(t, "a page waits with the fence held", func() bool { return d.waits(d.table("jobs", "jobs")) && d.fenced(d.table("jobs", "checkpoint")) })
			victim.cut()
			began = time.Now()
			let()
		case "frozen":
			victim.signal(t, syscall.SIGSTOP)
			began = time.Now()
		case "killed":
			limit = killedLimit + grace
			victim.kill()
			began = time.Now()
		}
		ref := noted.besides(customer.do("POST", "/bookings", faceToFace(location, "2033-01-01T10:00", 60))).body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
		d.movedFrom(holder, names, began, limit)
		d.shows(customer, ref, "new", began, limit)
		t.Logf("%s: what one process ran others have taken over after %.1f s", fault, time.Since(began).Seconds())
		noted.wait(t, 20)
		switch fault {
		case "cut off":
			victim.restore()
		case "frozen":
			victim.signal(t, syscall.SIGCONT)
		case "killed":
			members = slices.DeleteFunc(members, func(m member) bool { return m.process == victim.process })
			members = append(members, begin("serve"))
		}
		soon(t, "all serve", func() bool {
			return !slices.ContainsFunc(members, func(m member) bool {
				return (&client{t: t, base: m.base}).send("GET", "/readyz", nil, nil).status != http.StatusOK
			})
		})
	}
	_, others = runs()
	noted.wait(t, 20)
	stop()
	clients.Wait()
	noted.compareLog(t, allEvents(t, argument(others[0].process, "--data")))
	noted.compareJobs(t, signIn(t, others[0].base, "assigner"))
	if out, err := command(t, d.args("verify")...).CombinedOutput(); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

// TestABuilderStandsStill: a process that builds the read models of a deployment is frozen meanwhile. Another one that starts builds them and serves;
// the first one then finds them built and serves too.
func TestABuilderStandsStill(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	filled := d.start("demo", "--small")
	filled.stop(t)
	d.exec(`delete from kept.models where model = 'jobs'`)
	for _, schema := range d.schemas("jobs") {
		d.exec(`drop schema ` + schema + ` cascade`)
	}

	let := d.lock("kept.models", "share") // whoever builds has the lock of building, and waits to make what it built live
	one := spawn(t, d.args("serve")...)
	soon(t, "the first one has built", func() bool { return d.waits("kept.models") })
	one.signal(t, syscall.SIGSTOP)
	began := time.Now()
	let()
	two := d.start("serve")
	if spent := time.Since(began); spent > frozenLimit+laden {
		t.Errorf("the second process served after %v", spent)
	}
	signIn(t, two.base, "assigner").get("/jobs")
	one.signal(t, syscall.SIGCONT)
	if !one.await(time.Minute) {
		t.Fatalf("the first process does not serve: %s", one.errOut)
	}
	signIn(t, one.base, "assigner").get("/jobs")
	if out, err := command(t, d.args("verify")...).CombinedOutput(); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

// signal sends a signal to the process. After SIGSTOP it returns once every thread stands still: one that runs may go on for a moment.
func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	if s != syscall.SIGSTOP {
		return
	}
	soon(t, "every thread of the process stands still", func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.Process.Pid))
		return err == nil && !slices.ContainsFunc(threads, func(path string) bool {
			stat, err := os.ReadFile(path)
			return err == nil && !strings.HasPrefix(string(stat[bytes.LastIndexByte(stat, ')')+1:]), " T ")
		})
	})
}

// exec runs a statement in the deployment's database, as somebody else.
func (d *deployment) exec(sql string, args ...any) {
	d.t.Helper()
	d.withDB(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql, args...)
		return err
	})
}

func (d *deployment) withDB(f func(context.Context, *pgx.Conn) error) {
	d.t.Helper()
	ctx := context.WithoutCancel(d.t.Context())
	conn, err := pgx.Connect(ctx, d.database)
	if err == nil {
		defer conn.Close(ctx)
		err = f(ctx, conn)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// value asks the deployment's database for one value.
func value[T any](d *deployment, sql string, args ...any) (v T) {
	d.t.Helper()
	d.withDB(func(ctx context.Context, conn *pgx.Conn) error { return conn.QueryRow(ctx, sql, args...).Scan(&v) })
	return v
}

// table is a table of a read model's live generation.
func (d *deployment) table(model, table string) string {
	d.t.Helper()
	return value[string](d, `select format('rm_%s_%s', model, generation) from kept.models where model = $1`, model) + "." + table
}

// schemas are those of a read model.
func (d *deployment) schemas(model string) []string {
	d.t.Helper()
	return value[[]string](d, `select array_agg(nspname::text order by nspname) from pg_namespace where nspname like 'rm\_' || $1 || '\_%'`, model)
}

// lock locks a table until the returned function is called.
func (d *deployment) lock(table, mode string) (let func()) {
	d.t.Helper()
	ctx := context.WithoutCancel(d.t.Context())
	conn, err := pgx.Connect(ctx, d.database)
	if err != nil {
		d.t.Fatal(err)
	}
	let = sync.OnceFunc(func() { conn.Close(ctx) })
	d.t.Cleanup(let)
	if _, err := conn.Exec(ctx, `begin; lock table `+table+` in `+mode+` mode`); err != nil {
		d.t.Fatal(err)
	}
	return let
}

// waits tells whether somebody waits for a lock on a table.
func (d *deployment) waits(table string) bool {
	d.t.Helper()
	return value[bool](d, `select exists (select from pg_locks where not granted and relation = $1::regclass
		and database = (select oid from pg_database where datname = current_database()))`, table)
}

// fenced tells whether somebody holds the row of a checkpoint.
func (d *deployment) fenced(checkpoints string) bool {
	d.t.Helper()
	return value[int](d, `with free as (select from `+checkpoints+` for update skip locked) select count(*)::int from free`) == 0
}

// tellSessions tells, after a failure, what goes on in the database and who holds what.
func (d *deployment) tellSessions() {
	if !d.t.Failed() {
		return
	}
	d.t.Log(value[string](d, `
		select coalesce(string_agg(concat_ws(' | ', pid, state, wait_event, now() - xact_start, now() - state_change, left(query, 120)), e'\n' order by pid), '')
		from pg_stat_activity where datname = current_database()`))
	d.t.Log(value[string](d, `select coalesce(string_agg(concat_ws(' | ', name, holder, expires_at - now()), e'\n' order by name), '') from kept.leases`))
}

// holderOf is who holds a lease.
func (d *deployment) holderOf(name string) string {
	d.t.Helper()
	var holder string
	soon(d.t, name+" is run", func() bool {
		holder = value[string](d, `select coalesce(max(holder), '') from kept.leases where name = $1 and expires_at > now()`, name)
		return holder != ""
	})
	return holder
}

// everything is how many leases there are.
func (d *deployment) everything() int {
	return len(projectors()) + 3 + reactionsHere // the timers of offers and of waves, the repair
}

// heldBy are the names of the leases of a holder, once it has got all that nobody else has.
func (d *deployment) heldBy(holder string) []string {
	d.t.Helper()
	soon(d.t, "everything is run", func() bool {
		return value[int](d, `select count(*)::int from kept.leases where expires_at > now()`) == d.everything()
	})
	return value[[]string](d, `select array_agg(name order by name) from kept.leases where holder = $1 and expires_at > now()`, holder)
}

// movedFrom waits until others hold the leases, which may last as long as a limit.
func (d *deployment) movedFrom(holder string, names []string, began time.Time, limit time.Duration) {
	d.t.Helper()
	for {
		moved := value[[]string](d, `select coalesce(array_agg(name), '{}') from kept.leases where name = any($1) and holder <> $2 and expires_at > now()`, names, holder)
		if len(moved) == len(names) {
			return
		}
		if time.Since(began) > limit {
			d.t.Fatalf("after %v others run only %v of %v", limit, moved, names)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// shows waits until a query shows a job in a status; before that it may only say that it is behind.
func (d *deployment) shows(c *client, ref, status string, began time.Time, limit time.Duration) {
	d.t.Helper()
	for {
		r := c.send("GET", "/api/v1/jobs/"+ref, nil, nil)
		switch {
		case r.status == http.StatusOK && r.body["status"] == status:
			return
		case r.status != http.StatusServiceUnavailable || r.body["code"] != "read-model-behind":
			d.t.Fatalf("while the work moves: %d %s", r.status, r.raw)
		case time.Since(began) > limit:
			d.t.Fatalf("after %v the read model is still behind", limit)
		}
	}
}

// onceEach demands that each event is in the log once, that of each stream none is missing, and how often some types are there.
func (d *deployment) onceEach(all []eventschema.Stored, want map[string]int) {
	d.t.Helper()
	next, ids := map[string]uint64{}, map[uuid.UUID]bool{}
	for _, e := range all {
		if e.Revision != next[e.Stream] || ids[e.ID] {
			d.t.Errorf("event %d of %s is out of order, or twice in the log", e.Revision, e.Stream)
		}
		next[e.Stream]++
		ids[e.ID] = true
	}
	got := countTypes(all)
	for name, n := range want {
		if got[name] != n {
			d.t.Errorf("%d events %s, want %d", got[name], name, n)
		}
	}
	lapsed := map[string]bool{}
	for _, e := range all {
		if e.Type != "booking.offer-lapsed.v1" {
			continue
		}
		var offer struct{ Job, Interpreter string }
		if err := json.Unmarshal(e.Data, &offer); err != nil {
			d.t.Fatal(err)
		}
		if offer.Job == "" || lapsed[offer.Job] {
			d.t.Errorf("the offer of job %q has lapsed twice", offer.Job)
		}
		lapsed[offer.Job] = true
	}
}

func countTypes(all []eventschema.Stored) map[string]int {
	n := map[string]int{}
	for _, e := range all {
		n[e.Type]++
	}
	return n
}

// metricsOf are the metrics of a process, by name with labels.
func metricsOf(t *testing.T, base string) map[string]string {
	t.Helper()
	r := (&client{t: t, base: base}).send("GET", "/metrics", nil, nil)
	all := map[string]string{}
	for line := range strings.Lines(string(r.raw)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !strings.HasPrefix(line, "#") {
			all[name] = value
		}
	}
	return all
}

var stateMetric = regexp.MustCompile(`^dragoman_(?:read_)?(model|reaction)_state\{(?:model|reaction)="([a-z]+)",state="([a-z]+)"\}$`)

// inState are the read models and reactions that a process shows in a state.
func inState(metrics map[string]string, state string) (names []string) {
	for name, value := range metrics {
		if m := stateMetric.FindStringSubmatch(name); m != nil && m[3] == state && value == "1" {
			names = append(names, m[1]+" "+m[2])
		}
	}
	slices.Sort(names)
	return names
}

// runBy are those that it runs.
func runBy(metrics map[string]string) []string { return inState(metrics, "running") }

// pgLink carries a process's connections to the database until it is cut: then nothing gets through, and nobody is told.
type pgLink struct {
	url     string
	network string
	address string

	mu    sync.Mutex
	open  chan struct{} // closed while it carries
	conns []net.Conn
	done  sync.WaitGroup
}

func newPgLink(t *testing.T, database string) *pgLink {
	t.Helper()
	config, err := pgconn.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(listener.Addr().String())
	q := u.Query()
	q.Set("host", host)
	q.Set("port", port)
	u.RawQuery = q.Encode()
	l := &pgLink{url: u.String(), open: make(chan struct{})}
	l.network, l.address = pgconn.NetworkAddress(config.Host, config.Port)
	close(l.open)
	l.done.Go(func() { l.accept(listener) })
	t.Cleanup(func() {
		listener.Close()
		l.restore()
		l.mu.Lock()
		for _, c := range l.conns {
			c.Close()
		}
		l.mu.Unlock()
		l.done.Wait()
	})
	return l
}

func (l *pgLink) accept(listener net.Listener) {
	for {
		near, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		far, err := net.Dial(l.network, l.address)
		if err != nil {
			near.Close()
			continue
		}
		l.mu.Lock()
		l.conns = append(l.conns, near, far)
		l.mu.Unlock()
		l.done.Go(func() { l.carry(near, far) })
		l.done.Go(func() { l.carry(far, near) })
	}
}

func (l *pgLink) carry(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		l.mu.Lock()
		open := l.open
		l.mu.Unlock()
		<-open // an end does not get through either
		if _, writeErr := to.Write(buffer[:n]); err != nil || writeErr != nil {
			return
		}
	}
}

func (l *pgLink) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = make(chan struct{})
}

func (l *pgLink) restore() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.open:
	default:
		close(l.open)
	}
}
