package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
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
	return awaitServer(t, out, stop, func() error {
		return run(ctx, append(args, "--listen", "127.0.0.1:0", "--log-level", "warn"), out, testWriter{t}, func(*slog.Logger) {})
	})
}

// awaitServer runs what serves, waits until it says where it listens, and stops it when the test ends.
func awaitServer(t testing.TB, out *lines, stop func(), serve func() error) string {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- serve() }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("server ended with: %v", err)
		}
	})
	limit := time.After(5 * time.Minute)
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
			t.Fatal("server did not listen within five minutes")
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

// binary builds the program once, as it is deployed.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "dragoman-bin-")
	if err != nil {
		return "", err
	}
	builtIn = dir
	path := filepath.Join(dir, "dragoman")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

var builtIn string // the folder of the built program; empty while nobody needed it

func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	if !asked { // these tests spend most of their time waiting for other processes
		_ = flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0)))
	}
	code := m.Run()
	endChromium()
	if builtIn != "" {
		os.RemoveAll(builtIn)
	}
	os.Exit(code)
}

// process is the real binary, run as an operator runs it, so that it can be killed.
type process struct {
	*exec.Cmd
	base   string
	out    *text
	errOut *text
	ended  chan error
	await  func(limit time.Duration) bool
}

// text is what a process has said so far.
type text struct {
	mu   sync.Mutex
	b    strings.Builder
	more chan struct{} // closed when there is more
}

func newText() *text { return &text{more: make(chan struct{})} }

func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.more)
	t.more = make(chan struct{})
	return t.b.Write(p)
}

// says waits until the process has said something.
func (p *process) says(t testing.TB, what string) {
	t.Helper()
	if !p.saysOrEnds(t, what) {
		t.Fatalf("the process ended and never said %q: %s", what, p.errOut)
	}
}

// saysOrEnds waits until the process has said something or has ended without a word of it.
func (p *process) saysOrEnds(t testing.TB, what string) bool {
	t.Helper()
	late := time.After(time.Minute)
	for ended := false; ; {
		p.out.mu.Lock()
		said, more := strings.Contains(p.out.b.String(), what), p.out.more
		p.out.mu.Unlock()
		if said || ended {
			return said
		}
		select {
		case <-more:
		case err := <-p.ended:
			p.ended <- err
			ended = true
		case <-late:
			t.Fatalf("the process did not say %q within a minute: %s", what, p.out)
		}
	}
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
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

// command is the binary, ready to be started.
func command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	return exec.Command(path, args...)
}

// spawn starts the binary, in a process group of its own, without waiting for anything.
func spawn(t testing.TB, args ...string) *process {
	t.Helper()
	p := &process{Cmd: command(t, args...), out: newText(), errOut: newText(), ended: make(chan error, 1)}
	p.Stderr = p.errOut
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
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
			fmt.Fprintln(p.out, s.Text())
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

// stop ends the process in order and demands a clean exit.
func (p *process) stop(t testing.TB) {
	t.Helper()
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := p.end(t); err != nil {
		t.Errorf("server did not stop cleanly: %v: %s", err, p.errOut)
	}
}

// end waits until the process ends by itself.
func (p *process) end(t testing.TB) error {
	t.Helper()
	select {
	case err := <-p.ended:
		p.ended <- nil
		return err
	case <-time.After(3 * time.Minute): // as long as it takes under load: to stop takes up to 50 s, and a backup what it takes
		t.Fatal("the process did not end within three minutes")
		return nil
	}
}
