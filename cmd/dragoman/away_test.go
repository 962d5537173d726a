package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/httpapi"
	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// TestDatabaseGoneAndBack ends the private database under a server that works, once in order and once by SIGKILL, and keeps it away for a while.
// Every request that needs it is told 503, as a problem, and to come back; the server starts the database again by itself; whoever sends the same
// again succeeds, and nothing is lost or done twice.
func TestDatabaseGoneAndBack(t *testing.T) {
	t.Parallel()
	data := postgres.TestDataDir(t)
	server := startProcess(t, "demo", "--small", "--data", data, "--listen", "127.0.0.1:0", "--log-level", "error")
	customer := signIn(t, server.base, "requestor")
	location := customer.get("/locations").items()[0]["id"].(string)
	noted, stop := bookMeanwhile(t, server.base, location, 4)
	defer stop()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		noted.wait(t, 100)
		release := holdStart(t, data)
		pid := postmaster(t, data)
		if err := syscall.Kill(pid, signal); err != nil {
			t.Fatal(err)
		}
		soon(t, "the database is gone", func() bool { return syscall.Kill(pid, 0) != nil })
		for _, request := range []struct {
			method, path string
			body         any
		}{
			{"GET", "/api/v1/jobs", nil},
			{"GET", "/api/v1/me", nil},
			{"POST", "/api/v1/bookings", faceToFace(location, "2032-01-01T10:00", 60)},
			{"POST", "/api/v1/sessions", map[string]any{"username": "requestor", "password": "dragoman-demo"}},
			{"GET", "/readyz", nil},
		} {
			r := customer.send(request.method, request.path, request.body, nil)
			if r.status != http.StatusServiceUnavailable || r.header.Get("Content-Type") != "application/problem+json" || r.body["detail"] == "" {
				t.Errorf("%v: %s %s: %d %s", signal, request.method, request.path, r.status, r.raw)
			}
			if r.header.Get("Retry-After") == "" && strings.HasPrefix(request.path, "/api/") {
				t.Errorf("%v: %s %s does not say when to come back", signal, request.method, request.path)
			}
		}
		if r := customer.send("GET", "/sign-in", nil, nil); r.status != http.StatusServiceUnavailable {
			t.Errorf("%v: the sign-in page: %d", signal, r.status)
		}
		if r := customer.send("GET", "/healthz", nil, nil); r.status != http.StatusOK {
			t.Errorf("%v: /healthz: %d", signal, r.status)
		}
		release()
		soon(t, "the server is ready again", func() bool { return customer.send("GET", "/readyz", nil, nil).status == http.StatusOK })
		if postmaster(t, data) == pid {
			t.Error("the pid file is the dead server's")
		}
		noted.besides(customer.do("POST", "/bookings", faceToFace(location, "2032-01-01T10:00", 60)))
	}
	noted.wait(t, 100)
	stop()
	noted.compareLog(t, allEvents(t, data))
	noted.compareJobs(t, signIn(t, server.base, "assigner"))
	if out, err := command(t, "verify", "--data", data, "--log-level", "error").CombinedOutput(); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	server.stop(t)
}

// postmaster is the process of the private database.
func postmaster(t *testing.T, data string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(data, "postgres", "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// holdStart keeps everyone from starting the private database, as a slow machine would.
func holdStart(t *testing.T, data string) (release func()) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(data, "postgres.lock"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	return func() { f.Close() }
}

// bookMeanwhile runs clients that note what was acknowledged until stop is called.
func bookMeanwhile(t *testing.T, address, location string, clients int) (noted *journal, stop func()) {
	noted = newJournal()
	base := &atomic.Value{}
	base.Store(address)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for n := range clients {
		all.Go(func() { newLife(t, base, noted, location, n).live(ctx) })
	}
	return noted, func() {
		cancel()
		all.Wait()
	}
}

// TestEventStoreGoneAndBack kills the event store under a server that works. Queries go on; a command waits, and succeeds if the store is back
// soon, or is told 503 and succeeds when it is sent again. Nothing is lost or done twice.
func TestEventStoreGoneAndBack(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	server := d.start("demo", "--small")
	customer := signIn(t, server.base, "requestor")
	location := customer.get("/locations").items()[0]["id"].(string)
	noted, stop := bookMeanwhile(t, server.base, location, 4)
	defer stop()
	book := func(key, start string) reply {
		return customer.send("POST", "/api/v1/bookings", faceToFace(location, start, 60), map[string]string{"Idempotency-Key": key})
	}
	for range 3 {
		noted.wait(t, 100)
		d.log.kill()
		if r := customer.send("GET", "/api/v1/jobs", nil, nil); r.status != http.StatusOK {
			t.Errorf("a query without the event store: %d %s", r.status, r.raw)
		}
		waiting := make(chan reply, 1)
		var took time.Duration
		go func() {
			began := time.Now()
			r := book("waits", "2032-01-01T10:00")
			took = time.Since(began)
			waiting <- r
		}()
		d.restartLog()
		r := <-waiting
		if r.status == http.StatusServiceUnavailable && took > 10*time.Second { // the store took longer to start than a command waits
			r, _ = sentAgain(func() (reply, error) { return book("waits", "2032-01-01T10:00"), nil })
		}
		if r := noted.besides(r); r.status != http.StatusCreated {
			t.Errorf("a command that came while the event store started: %d %s", r.status, r.raw)
		}
	}
	noted.wait(t, 100)
	d.log.kill()
	r := book("given up", "2032-01-02T10:00")
	if r.status != http.StatusServiceUnavailable || r.body["code"] != "unavailable" || r.header.Get("Retry-After") == "" {
		t.Errorf("a command without an event store: %d %s", r.status, r.raw)
	}
	if r := customer.send("GET", "/readyz", nil, nil); r.status != http.StatusServiceUnavailable {
		t.Errorf("/readyz without an event store: %d", r.status)
	}
	d.restartLog()
	noted.wait(t, 100)
	if r := noted.besides(book("given up", "2032-01-02T10:00")); r.status != http.StatusCreated {
		t.Errorf("the command sent again: %d %s", r.status, r.raw)
	}
	stop()
	noted.compareLog(t, allEvents(t, argument(server, "--data")))
	noted.compareJobs(t, signIn(t, server.base, "assigner"))
	server.stop(t)
	if out, err := command(t, d.args("verify")...).CombinedOutput(); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

// TestRequestsAreGivenUp: when the database takes a question and never answers it, the request ends all the same, with the word to come back.
func TestRequestsAreGivenUp(t *testing.T) {
	t.Parallel()
	database := postgres.TestURL(t)
	base := startInProcess(t, "demo", "--small", "--data", t.TempDir(), "--database-url", database)
	customer := signIn(t, base, "requestor")
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	var schema string
	if err := conn.QueryRow(t.Context(), `select format('rm_%s_%s', model, generation) from kept.models where model = 'jobs'`).Scan(&schema); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `begin; lock table `+schema+`.jobs in access exclusive mode`); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for path, check := range map[string]func(reply) bool{
		"/api/v1/jobs": func(r reply) bool { return r.body["code"] == "unavailable" },
		"/jobs":        func(reply) bool { return true },
	} {
		all.Go(func() {
			began := time.Now()
			r, err := customer.try("GET", path, nil, map[string]string{"Cookie": httpapi.SessionCookie + "=" + customer.token})
			took := time.Since(began)
			if err != nil || r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" || !check(r) {
				t.Errorf("GET %s: %v %d %v %s", path, err, r.status, r.header, r.raw)
			}
			if took < requestLimit || took > requestLimit+ladenRequest {
				t.Errorf("GET %s was given up after %.1f s", path, took.Seconds())
			}
		})
	}
	all.Wait()
	if _, err := conn.Exec(t.Context(), `rollback`); err != nil {
		t.Fatal(err)
	}
	customer.get("/jobs")
}

// restartLog starts the event store again where it was.
func (d *deployment) restartLog() {
	d.t.Helper()
	d.log = startProcess(d.t, d.log.Args[1:]...)
}

// argument is the value of a flag that a process was started with.
func argument(p *process, name string) string {
	for i, arg := range p.Args {
		if arg == name {
			return p.Args[i+1]
		}
	}
	return ""
}
