package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// build makes the binary that is measured. profiled adds one file to it that writes CPU profiles when told to by signal; the file is no part
// of the shipped binary.
func build(ctx context.Context, dir string, profiled bool) (string, error) {
	binary := filepath.Join(dir, "dragoman")
	args := []string{"build", "-o", binary}
	if profiled {
		overlay, err := overlay(ctx, dir)
		if err != nil {
			return "", err
		}
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, serverPackage)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is shipped: with C the storage's caches lie elsewhere, and memory and collections are others
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the binary: %w: %s", err, bytes.TrimSpace(out))
	}
	return binary, nil
}

const serverPackage = "github.com/dragoman-booking/dragoman/cmd/dragoman"

// profiler begins a CPU profile at SIGUSR1 and ends it at SIGUSR2.
const profiler = `package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
)

func init() {
	begin, end := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(begin, syscall.SIGUSR1)
	signal.Notify(end, syscall.SIGUSR2)
	go func() {
		for n := 1; ; n++ {
			<-begin
			f, err := os.Create(fmt.Sprintf("%s/server-%d-%d.pprof", os.Getenv("BENCH_PROFILES"), os.Getpid(), n))
			if err != nil || pprof.StartCPUProfile(f) != nil {
				continue
			}
			<-end
			pprof.StopCPUProfile()
			f.Close()
		}
	}()
}
`

// overlay writes what "go build -overlay" needs to add the profiler to the server's package.
func overlay(ctx context.Context, dir string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", serverPackage).Output()
	if err != nil {
		return "", fmt.Errorf("find the server's package: %w", err)
	}
	source, description := filepath.Join(dir, "profiler.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(source, []byte(profiler), 0o600); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(strings.TrimSpace(string(out)), "profiler.go"): source}})
	if err != nil {
		return "", err
	}
	return description, os.WriteFile(description, text, 0o600)
}

// process is the real binary, run as an operator runs it.
type process struct {
	cmd     *exec.Cmd
	address string // where it listens
	errOut  *tail
	ended   chan error
}

// start runs a subcommand and returns once it listens.
func start(ctx context.Context, binary string, env []string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(binary, args...), errOut: &tail{}, ended: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = p.errOut
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s %s: %w", filepath.Base(binary), args[0], err)
	}
	listens := make(chan string, 1)
	go func() {
		s := bufio.NewScanner(out)
		for s.Scan() {
			if _, a, ok := strings.Cut(s.Text(), "listening on "); ok {
				listens <- strings.TrimSpace(a)
			}
		}
		p.ended <- p.cmd.Wait()
	}()
	limit := time.NewTimer(5 * time.Minute)
	defer limit.Stop()
	select {
	case p.address = <-listens:
		return p, nil
	case err := <-p.ended:
		return nil, fmt.Errorf("%s ended before it listened: %w: %s", args[0], err, p.errOut)
	case <-ctx.Done():
		err = ctx.Err()
	case <-limit.C:
		err = errors.New("it did not listen within five minutes")
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
	return nil, fmt.Errorf("start %s: %w: %s", args[0], err, p.errOut)
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// signal is for the profiler.
func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// kill ends it at once.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// stop ends it in order.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		return fmt.Errorf("%s ended before it was stopped: %w: %s", p.cmd.Args[1], <-p.ended, p.errOut)
	}
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	select {
	case err := <-p.ended:
		if err != nil {
			return fmt.Errorf("the server did not stop cleanly: %w: %s", err, p.errOut)
		}
		return nil
	case <-limit.C:
		_ = p.cmd.Process.Kill()
		<-p.ended
		return errors.New("the server did not stop within a minute and was killed")
	}
}

// tail keeps the end of what is written.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - 4096; over > 0 {
		t.text = t.text[over:]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
