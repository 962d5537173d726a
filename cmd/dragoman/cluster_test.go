package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/internal/esnode"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
)

// deployment is one agency's stores, which any number of processes may serve. The log is a process of its own, so that each of the others may
// die.
type deployment struct {
	t             *testing.T
	log           *process
	logURL        string // as those who serve it reach it
	database, key string
}

// newDeployment makes the stores; the log's process gets these arguments besides.
func newDeployment(t *testing.T, log ...string) *deployment {
	t.Helper()
	data := t.TempDir()
	d := &deployment{t: t, database: postgres.TestURL(t), key: filepath.Join(data, "master.key")}
	d.log = startProcess(t, append([]string{"eventstore", "--data", data, "--listen", esnode.FixedAddress(t), "--log-level", "error"}, log...)...)
	d.logURL = d.log.base
	return d
}

// pair starts two processes of which the first one runs everything, as its holder. If that one stands still for as long as a lease lasts, the other
// rightly takes some; then both start again.
func (d *deployment) pair() (one, two *process, holder string) {
	d.t.Helper()
	for range 3 {
		one = d.start("demo", "--small")
		holder = d.holderOf("model jobs")
		d.heldBy(holder)
		two = d.start("serve")
		held := d.heldBy(holder)
		taken := runBy(metricsOf(d.t, two.base))
		if len(held) == d.everything() && len(taken) == 0 {
			return one, two, holder
		}
		d.t.Logf("the first process holds %v, the second one runs %v", held, taken)
		two.stop(d.t)
		one.stop(d.t)
	}
	d.t.Fatal("whatever starts second takes from the first process")
	return nil, nil, ""
}

// start runs a process that serves the deployment, from a data folder of its own.
func (d *deployment) start(command ...string) *process {
	d.t.Helper()
	return startProcess(d.t, d.args(command...)...)
}

func (d *deployment) args(command ...string) []string {
	return append(command, "--data", d.t.TempDir(), "--eventstore-url", d.logURL, "--database-url", d.database, "--master-key-file", d.key,
		"--listen", "127.0.0.1:0", "--log-level", "error")
}

// on is the same user at another process.
func (c *client) on(base string) *client {
	return &client{t: c.t, base: base, token: c.token, user: c.user, position: c.position}
}

// TestDoubleBookingOverHTTP assigns one interpreter to 200 overlapping jobs at once, half of them at another process: one is told 200 and all
// others 409 double-booked, 50 times (LL-27).
func TestDoubleBookingOverHTTP(t *testing.T) {
	t.Parallel()
	const jobs, rounds, lin = 200, 50, "LIN/5455/5J71Y"
	d := newDeployment(t)
	one, two := d.start("demo", "--small"), d.start("serve")
	customer, assigner := signIn(t, one.base, "requestor"), signIn(t, one.base, "assigner")
	location := customer.get("/locations").items()[0]["id"].(string)
	refs := make([]string, jobs)
	for i := range refs { // an hour each, from within one hour: every two of them overlap
		r := customer.do("POST", "/bookings", faceToFace(location, fmt.Sprintf("2031-06-03T10:%02d", i%60), 60))
		refs[i] = r.body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
	}
	for round := range rounds {
		var all sync.WaitGroup
		var told atomic.Int64
		var won atomic.Pointer[string]
		begin := make(chan struct{})
		for i, ref := range refs {
			c := assigner.on([]string{one.base, two.base}[i%2])
			all.Go(func() {
				<-begin
				key := map[string]string{"Idempotency-Key": fmt.Sprint("round ", round, " ", ref)}
				r, err := sentAgain(func() (reply, error) {
					return c.try("POST", "/api/v1/jobs/"+ref+"/assign", map[string]any{"interpreter": lin}, key)
				})
				switch {
				case err == nil && r.status == http.StatusOK && r.body["status"] == "assigned":
					if other := won.Swap(&ref); other != nil {
						t.Errorf("round %d: %s and %s were both assigned", round, *other, ref)
					}
				case err == nil && r.status == http.StatusConflict && r.body["code"] == "double-booked":
					told.Add(1)
				default:
					t.Errorf("round %d: %s: %v %d %s", round, ref, err, r.status, r.raw)
				}
			})
		}
		close(begin)
		all.Wait()
		if won.Load() == nil || told.Load() != jobs-1 {
			t.Fatalf("round %d: won: %v, told double-booked: %d, want %d", round, won.Load(), told.Load(), jobs-1)
		}
		assigner.job(*won.Load(), "unassign", map[string]any{"interpreter": lin, "reason": "no longer available"})
	}
}

// TestCommandsAtAnotherProcess: what one process made the other one knows, however far the read models are. A command right after its 201 waits
// for refs and succeeds, or says 503 that it is behind; it never says that there is no such job. A query waits for the position it names.
func TestCommandsAtAnotherProcess(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	one, two := d.start("demo", "--small"), d.start("serve")
	customer, assigner := signIn(t, one.base, "requestor"), signIn(t, one.base, "assigner")
	there := assigner.on(two.base)
	location := customer.get("/locations").items()[0]["id"].(string)
	day := 0
	book := func(c *client) string {
		t.Helper()
		day++
		r := c.do("POST", "/bookings", faceToFace(location, time.Date(2031, 6, day, 10, 0, 0, 0, time.UTC).Format("2006-01-02T15:04"), 60))
		return r.body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
	}

	// Back and forth, nothing delayed: each command names no position and is answered by the process that has just heard of the job.
	for range 25 {
		there.job(book(customer), "take", map[string]any{})
		assigner.job(book(customer.on(two.base)), "take", map[string]any{})
	}

	// Each query is asked at the process that did not write.
	for range 25 {
		ref := book(customer)
		if r := there.get("/jobs/"+ref, customer); r.body["status"] != "new" {
			t.Errorf("%s reads %v at the other process right after it was booked", ref, r.body["status"])
		}
		there.job(ref, "cancel", map[string]any{"authorisedBy": "Sergeant Bell"})
		if r := customer.get("/jobs/"+ref, there); r.body["status"] != "cancelled" {
			t.Errorf("%s reads %v at the first process right after it was cancelled at the other", ref, r.body["status"])
		}
	}

	// Nobody can write the refs read model for a while.
	let := d.hold("refs", "jobs")
	made := customer.on(two.base)
	refs := map[string]*client{book(customer): there, book(made): assigner}
	answers := make(chan reply, len(refs))
	for ref, c := range refs {
		go func() {
			for {
				began := time.Now()
				r, err := c.try("POST", "/api/v1/jobs/"+ref+"/take", map[string]any{}, nil)
				if err != nil {
					t.Error(err)
				}
				// Behind for as long as a command waits: the machine is slow.
				if r.body["code"] != "read-model-behind" || time.Since(began) < projections.WaitLimit || t.Context().Err() != nil {
					answers <- r
					return
				}
			}
		}()
	}
	select {
	case r := <-answers:
		t.Errorf("answered before the read model could know the job: %d %s", r.status, r.raw)
	case <-time.After(1500 * time.Millisecond): // the delay is the point
	}
	let()
	for range refs {
		if r := <-answers; r.status != http.StatusOK {
			t.Errorf("a command after its 201: %d %s", r.status, r.raw)
		}
	}

	// For longer than a request waits: 503 with Retry-After, and then it succeeds.
	let = d.hold("refs", "jobs")
	ref := book(customer)
	r := there.send("POST", "/api/v1/jobs/"+ref+"/take", map[string]any{}, nil)
	if r.status != http.StatusServiceUnavailable || r.body["code"] != "read-model-behind" || r.header.Get("Retry-After") == "" {
		t.Errorf("while the read model stands still: %d %s", r.status, r.raw)
	}
	let()
	there.job(ref, "take", map[string]any{})
	if r := there.send("POST", "/api/v1/jobs/DTP999999/take", map[string]any{}, nil); r.status != http.StatusNotFound {
		t.Errorf("a job that never was: %d %s", r.status, r.raw)
	}
}

// hold keeps projectors from writing a table of a read model until the returned function is called; it is read as ever.
func (d *deployment) hold(model, table string) (let func()) {
	d.t.Helper()
	ctx := context.WithoutCancel(d.t.Context())
	conn, err := pgx.Connect(ctx, d.database)
	if err != nil {
		d.t.Fatal(err)
	}
	let = sync.OnceFunc(func() { conn.Close(ctx) })
	d.t.Cleanup(let)
	var schema string
	if err := conn.QueryRow(ctx, `select format('rm_%s_%s', model, generation) from kept.models where model = $1`, model).Scan(&schema); err != nil {
		d.t.Fatal(err)
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, `lock table `+pgx.Identifier{schema, table}.Sanitize()+` in share mode`); err != nil {
		d.t.Fatal(err)
	}
	return let
}

// TestTheOtherProcessTakesOver kills the process that runs the read models; the other one, which ran none, runs them once the leases have
// expired. Meanwhile a query for what it cannot know yet says 503, never something older.
func TestTheOtherProcessTakesOver(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	one, two, _ := d.pair()
	customer, assigner := signIn(t, two.base, "requestor"), signIn(t, two.base, "assigner")
	if running := d.modelsOf(assigner); running > 0 {
		t.Fatalf("the second process runs %d read models while the first one lives", running)
	}
	location := customer.get("/locations").items()[0]["id"].(string)
	// seen reads a job, which may take until somebody runs the read models.
	seen := func(c *client, ref string, began time.Time) reply {
		t.Helper()
		for {
			r := c.send("GET", "/api/v1/jobs/"+ref, nil, nil)
			if r.status == http.StatusOK {
				return r
			}
			if r.status != http.StatusServiceUnavailable || r.body["code"] != "read-model-behind" {
				t.Fatalf("while nobody runs the read models: %d %s", r.status, r.raw)
			}
			if time.Since(began) > time.Minute {
				t.Fatal("a minute after its end nobody has taken over")
			}
		}
	}
	one.kill()
	began := time.Now()
	booked := customer.do("POST", "/bookings", faceToFace(location, "2031-06-03T10:00", 60))
	ref := booked.body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
	assigner.job(ref, "take", map[string]any{})
	assigner.position = customer.position
	seen(assigner, ref, began)
	t.Logf("taken over and caught up %.1f s after the death", time.Since(began).Seconds())
	assigner.job(ref, "assign", map[string]any{"interpreter": "LIN/5455/5J71Y"})
	for _, path := range []string{"/jobs/" + ref, "/jobs/" + ref + "/activity", "/calendar?from=2031-06-01&to=2031-07-01", "/dashboard", "/interpreters", "/status"} {
		assigner.get(path, customer)
	}
	// Grants are answered once access has applied them, which the dead process did until now.
	admin := signIn(t, two.base, "admin")
	admin.do("POST", "/users", map[string]any{"username": "late", "name": "Late Comer", "email": "late@example.org", "password": "a long enough phrase", "role": "finance"})

	// The other way round: a process that comes back finds everything running and serves.
	three := d.start("serve")
	if r := assigner.on(three.base).get("/jobs/"+ref, assigner); r.body["status"] != "assigned" {
		t.Errorf("a third process reads %v", r.body["status"])
	}
	two.stop(t) // in order: it gives its leases back, so nobody waits for their end
	began = time.Now()
	there := customer.on(three.base)
	booked = there.do("POST", "/bookings", faceToFace(location, "2031-06-04T10:00", 60))
	seen(there, booked.body["jobs"].([]any)[0].(map[string]any)["ref"].(string), began)
	t.Logf("taken over from a process that stopped in order within %.1f s", time.Since(began).Seconds())
}

// modelsOf counts the read models that the process at hand runs itself.
func (d *deployment) modelsOf(c *client) (n int) {
	d.t.Helper()
	models := c.get("/status").items()
	if len(models) < 10 {
		d.t.Fatalf("/status names %d read models", len(models))
	}
	for _, m := range models {
		if m["health"] == "running" {
			n++
		}
	}
	return n
}
