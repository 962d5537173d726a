package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dragoman-booking/dragoman/internal/accounts"
	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// TestTerminatedServerFinishesItsRequests sends SIGTERM while a booking is half sent: the server takes no new connections, answers the booking,
// ends with exit code 0 and leaves no run.json; the booking is there at the next start.
func TestTerminatedServerFinishesItsRequests(t *testing.T) {
	t.Parallel()
	data, database := t.TempDir(), postgres.TestURL(t)
	args := []string{"demo", "--small", "--data", data, "--database-url", database, "--listen", "127.0.0.1:0", "--log-level", "warn"}
	server := startProcess(t, args...)
	customer := signIn(t, server.base, "requestor")
	location := customer.get("/locations").items()[0]["id"].(string)
	body, err := json.Marshal(faceToFace(location, "2031-06-03T10:00", 60))
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(server.base, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /api/v1/bookings HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nIdempotency-Key: half\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n", address, customer.token, len(body))
	answer := bufio.NewReader(conn)
	if line, err := answer.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("the server does not ask for the body: %q %v", line, err)
	}
	if _, err := answer.ReadString('\n'); err != nil { // the empty line after it
		t.Fatal(err)
	}
	if _, err := conn.Write(body[:len(body)/2]); err != nil {
		t.Fatal(err)
	}
	before := server.errOut.String() // a slow machine is a reason to warn
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	soon(t, "the server takes no more connections", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	if _, err := conn.Write(body[len(body)/2:]); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(answer, nil)
	if err != nil {
		t.Fatalf("the request in flight was not answered: %v", err)
	}
	var made struct{ Jobs []struct{ Ref string } }
	if err := json.NewDecoder(res.Body).Decode(&made); err != nil || res.StatusCode != http.StatusCreated || len(made.Jobs) != 1 {
		t.Fatalf("the request in flight was answered %d, %d jobs, %v", res.StatusCode, len(made.Jobs), err)
	}
	if err := server.end(t); err != nil {
		t.Errorf("the server ended with %v: %s", err, server.errOut)
	}
	if said := strings.TrimPrefix(server.errOut.String(), before); said != "" {
		t.Errorf("an orderly stop is no reason to warn: %s", said)
	}
	if _, err := os.Stat(filepath.Join(data, "run.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("run.json is left: %v", err)
	}
	again := startProcess(t, args...)
	customer.base = again.base
	customer.position = res.Header.Get("Dragoman-Position")
	if r := customer.get("/jobs/" + made.Jobs[0].Ref); r.body["status"] != "new" {
		t.Errorf("the job is %v after the next start", r.body["status"])
	}
	again.stop(t)
}

// TestInterruptedGroupLeavesNothing sends SIGINT to the whole process group, as Ctrl-C does, at a server on its private database, while it
// serves and while it starts: it ends with exit code 0, and no process of the data folder is left, the database's neither.
func TestInterruptedGroupLeavesNothing(t *testing.T) {
	t.Parallel()
	data := postgres.TestDataDir(t)
	args := []string{"demo", "--small", "--data", data, "--listen", "127.0.0.1:0", "--log-level", "error"}
	interrupt := func(p *process) {
		t.Helper()
		if err := syscall.Kill(-p.Process.Pid, syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if err := p.end(t); err != nil {
			t.Errorf("the server ended with %v: %s", err, p.errOut)
		}
		// The database's first process removes its pid file a moment before it ends.
		soon(t, "no process is left", func() bool { return len(processesOn(t, data)) == 0 })
		if _, err := os.Stat(filepath.Join(data, "run.json")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("run.json is left: %v", err)
		}
	}
	for _, moment := range []string{"postgres.json", "postmaster.pid", "log", "run.json"} { // what shows how far the start is
		p := spawn(t, args...)
		soon(t, "there is "+moment, func() bool {
			found := false
			_ = filepath.WalkDir(data, func(_ string, d fs.DirEntry, err error) error {
				found = found || err == nil && d.Name() == moment
				return nil
			})
			return found
		})
		interrupt(p)
	}
	p := startProcess(t, args...)
	if n := len(processesOn(t, data)); n < 2 {
		t.Errorf("the search finds %d processes of a server that runs", n)
	}
	signIn(t, p.base, "requestor").get("/jobs")
	interrupt(p)
}

// TestInterruptedWorkIsNotDone interrupts a backup while it waits for an erasure: unlike what serves it ends with an error, so that nothing
// that comes after it, in a script, takes the work for done.
func TestInterruptedWorkIsNotDone(t *testing.T) {
	t.Parallel()
	data, database := t.TempDir(), postgres.TestURL(t)
	startInProcess(t, "demo", "--small", "--data", data, "--database-url", database)
	pool, err := postgres.Open(t.Context(), database, postgres.PoolOptions{MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	keys, err := accounts.NewKeys(pool, nil, accounts.KeyOptions{}) // only to hold the lock
	if err != nil {
		t.Fatal(err)
	}
	erased, err := keys.BeginErasing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer erased()
	p := spawn(t, "backup", filepath.Join(t.TempDir(), "backup"), "--data", data, "--log-level", "error")
	soon(t, "the backup waits", func() (waits bool) {
		if err := pool.QueryRow(t.Context(), `select exists (select from pg_locks l join pg_database d on d.oid = l.database
			where l.locktype = 'advisory' and not l.granted and d.datname = current_database())`).Scan(&waits); err != nil {
			t.Fatal(err)
		}
		return waits
	})
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := p.end(t); err == nil || !strings.Contains(p.errOut.String(), "interrupted") || lineCount(p.errOut.String()) != 1 {
		t.Errorf("an interrupted backup ends with %v and says %q", err, p.errOut)
	}
}

// processesOn are the running processes whose command line names a folder.
func processesOn(t *testing.T, folder string) (found []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(all) == 0 {
		t.Skip("this system has no /proc to look for processes in")
	}
	for _, path := range all {
		line, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(line, []byte(folder)) { // it may have ended meanwhile
			continue
		}
		if pid, err := strconv.Atoi(strings.Split(path, "/")[2]); err == nil && pid != os.Getpid() {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// sentAgain sends a request until the answer is none of 503, for at most a minute: a server on a busy machine may say that it cannot now.
func sentAgain(send func() (reply, error)) (r reply, err error) {
	for late := time.Now().Add(time.Minute); ; <-time.After(20 * time.Millisecond) {
		r, err = send()
		if err != nil || r.status != http.StatusServiceUnavailable || time.Now().After(late) {
			return r, err
		}
	}
}

// soon waits until something holds, for at most a minute.
func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}
