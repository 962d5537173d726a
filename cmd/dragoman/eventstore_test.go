package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/dragoman-booking/dragoman/internal/esnode"
	"github.com/dragoman-booking/dragoman/internal/esnode/rawclient"
	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// TestEventstoreCheck: the check says size, growth and that space is never freed; of a flipped byte it says stream, revision and position, and
// ends with an error.
func TestEventstoreCheck(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	folder := filepath.Join(data, "log")
	node := esnode.RunT(t, func(c *esnode.Config) { c.Dir = folder })
	client, err := rawclient.Open(node.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	var events []rawclient.Event
	for range 100 {
		text := make([]byte, 1000)
		_, _ = rand.Read(text) // does not compress, so the table has several blocks
		events = append(events, rawclient.Event{Type: "a", Data: text})
	}
	if _, err := client.Append(t.Context(), "booking-1", -1, events); err != nil {
		t.Fatal(err)
	}
	_ = client.Close()
	if _, err := told(t, "", "eventstore", "check", folder); err == nil || !strings.Contains(err.Error(), "another process has this folder open") {
		t.Errorf("check of a folder in use: %v", err)
	}
	if err := node.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{folder}, {data}, {"--data", data}} {
		out := tell(t, "", append([]string{"eventstore", "check"}, args...)...)
		for _, want := range []string{"100 events in 1 streams", "on the disk", "a day", "space is never freed", "nothing is wrong"} {
			if !strings.Contains(out, want) {
				t.Errorf("%v does not say %q:\n%s", args, want, out)
			}
		}
	}
	tables, err := filepath.Glob(filepath.Join(folder, "db", "*.sst"))
	if err != nil || len(tables) != 1 {
		t.Fatalf("tables %v, %v", tables, err)
	}
	b, err := os.ReadFile(tables[0])
	if err != nil {
		t.Fatal(err)
	}
	b[20] ^= 0x10 // within the first block, which holds the first events
	if err := os.WriteFile(tables[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := told(t, "", "eventstore", "check", folder)
	if err == nil || !strings.Contains(err.Error(), "wrong with the event log") {
		t.Errorf("a flipped byte: %v", err)
	}
	for _, want := range []string{filepath.Base(tables[0]), "is damaged", `stream "booking-1", revision 3, position 4: the event cannot be read`} {
		if !strings.Contains(out, want) {
			t.Errorf("of a flipped byte nobody says %q:\n%s", want, out)
		}
	}
	if err := os.Remove(filepath.Join(folder, "FORMAT")); err != nil {
		t.Fatal(err)
	}
	if _, err := told(t, "", "eventstore", "check", data); err == nil || !strings.Contains(err.Error(), filepath.Join(folder, "FORMAT")) {
		t.Errorf("a missing format number: %v", err)
	}
}

// TestEventstoreDiskFails: when the log cannot be written the process says so in one sentence and ends with a status that is not zero; what it
// acknowledged is there afterwards.
func TestEventstoreDiskFails(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	cmd := command(t, "eventstore", "--data", data, "--listen", "127.0.0.1:0", "--log-level", "error")
	out := &lines{seen: make(chan string, 100)}
	var errOut strings.Builder
	cmd.Stdout, cmd.Stderr = out, &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	url := strings.TrimPrefix(<-out.seen, "listening on ")
	client, err := rawclient.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	// No file of the process may grow beyond this: a write of the log fails as on a broken disk.
	limit := unix.Rlimit{Cur: 100 << 10, Max: 100 << 10}
	if err := unix.Prlimit(cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		t.Fatal(err)
	}
	last := int64(-1)
	for ; ; last++ {
		one := []rawclient.Event{{ID: uuid.New(), Type: "a", Data: make([]byte, 2000)}}
		var slow *esdb.Error
		for late := time.Now().Add(time.Minute); ; {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			_, err = client.Append(ctx, "s", last, one)
			cancel()
			if !errors.As(err, &slow) || slow.Code() != esdb.ErrorCodeDeadlineExceeded || time.Now().After(late) {
				break // else it is the machine that is slow, and not the disk that fails
			}
		}
		if err != nil {
			break
		}
	}
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "exit status 1") {
			t.Errorf("the process ended with %v", err)
		}
	case <-time.After(2 * time.Minute):
		_ = cmd.Process.Kill()
		t.Fatal("the process goes on")
	}
	said := strings.Split(strings.TrimSpace(errOut.String()), "\n")
	if sentence := said[len(said)-1]; !strings.HasPrefix(sentence, "dragoman: the event log failed and took no more appends: ") || !strings.HasSuffix(sentence, ".") {
		t.Errorf("the last that it says is %q", sentence)
	}
	report, err := esnode.Check(t.Context(), filepath.Join(data, "log"))
	if err != nil || int64(report.Events) < last+1 || last < 10 || len(report.Faults) > 0 {
		t.Errorf("%d events were acknowledged; %+v, %v", last+1, report, err)
	}
}

// TestDiskNearlyFull: below MIN_FREE_DISK commands answer 503 and say when to come back, queries go on.
func TestDiskNearlyFull(t *testing.T) {
	t.Parallel()
	data := postgres.TestDataDir(t)
	server := startProcess(t, "demo", "--small", "--data", data, "--listen", "127.0.0.1:0", "--log-level", "error")
	server.stop(t)
	server = startProcess(t, "serve", "--data", data, "--listen", "127.0.0.1:0", "--log-level", "error", "--min-free-disk", "900TB")
	customer := signIn(t, server.base, "requestor")
	location := customer.get("/locations").items()[0]["id"].(string)
	r := customer.send("POST", "/api/v1/bookings", faceToFace(location, "2032-01-01T10:00", 60), nil)
	if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" || r.body["code"] != "unavailable" {
		t.Errorf("a command on a disk that is nearly full: %d %s", r.status, r.raw)
	}
	if r := customer.send("GET", "/api/v1/jobs", nil, nil); r.status != http.StatusOK {
		t.Errorf("a query on a disk that is nearly full: %d %s", r.status, r.raw)
	}
	server.stop(t)
}
