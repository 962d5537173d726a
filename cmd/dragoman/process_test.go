package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// startDemo serves the small demo inside this process, on a database and data folder of its own, and returns its address.
func startDemo(t testing.TB) string {
	t.Helper()
	base, _ := startDemoIn(t)
	return base
}

// startDemoIn is startDemo that also tells the data folder.
func startDemoIn(t testing.TB) (base, data string) {
	t.Helper()
	data = t.TempDir()
	return startInProcess(t, "demo", "--small", "--data", data, "--database-url", postgres.TestURL(t)), data
}

// startInProcess runs a subcommand that serves, waits until it says where it listens, and stops it when the test ends.
func startInProcess(t testing.TB, args ...string) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	out := &lines{seen: make(chan string, 1000)}
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, append(args, "--listen", "127.0.0.1:0", "--log-level", "warn"), out, testWriter{t})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("server ended with: %v", err)
		}
	})
	limit := time.After(2 * time.Minute)
	for {
		select {
		case line := <-out.seen:
			if _, address, ok := strings.Cut(line, "listening on "); ok {
				return strings.TrimSpace(address)
			}
		case err := <-ended:
			ended <- nil
			t.Fatalf("server ended before it listened: %v", err)
		case <-limit:
			t.Fatal("server did not listen within two minutes")
		}
	}
}

// lines is a writer that hands on whole lines.
type lines struct {
	mu   sync.Mutex
	rest string
	seen chan string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest += string(p)
	for {
		line, rest, ok := strings.Cut(l.rest, "\n")
		if !ok {
			return len(p), nil
		}
		l.rest = rest
		select {
		case l.seen <- line:
		default: // nobody waits for lines any more
		}
	}
}

// testWriter logs through the test until it is over.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Logf("%s", strings.TrimSpace(string(p)))
	}
	return len(p), nil
}

var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "dragoman-bin-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "dragoman")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", &exec.ExitError{Stderr: out}
	}
	return path, nil
})

// process is the real binary, run as an operator runs it, so that it can be killed.
type process struct {
	*exec.Cmd
	base   string
	errOut *strings.Builder
	ended  chan error
	await  func(limit time.Duration) bool
}

// startProcess starts the binary and waits until it listens.
func startProcess(t testing.TB, args ...string) *process {
	t.Helper()
	p := spawn(t, args...)
	if !p.await(2 * time.Minute) {
		t.Fatalf("server ended before it listened: %s", p.errOut)
	}
	return p
}

// spawn starts the binary without waiting for anything.
func spawn(t testing.TB, args ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	p := &process{Cmd: exec.Command(path, args...), errOut: &strings.Builder{}, ended: make(chan error, 1)}
	p.Stderr = p.errOut
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	go func() {
		s := bufio.NewScanner(out)
		for s.Scan() {
			if _, a, ok := strings.Cut(s.Text(), "listening on "); ok {
				address <- strings.TrimSpace(a)
			}
		}
		close(address)
		p.ended <- p.Wait()
	}()
	t.Cleanup(p.kill)
	p.await = func(limit time.Duration) bool {
		select {
		case a, ok := <-address:
			p.base = a
			return ok
		case <-time.After(limit):
			return false
		}
	}
	return p
}

// kill ends the process at once, as a power cut would, and waits until it is gone.
func (p *process) kill() {
	_ = p.Process.Kill()
	<-p.ended
	p.ended <- nil
}
