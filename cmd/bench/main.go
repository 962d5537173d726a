// Bench measures the whole house, side by side in one run, on a private database and event log in a temporary folder: commands over HTTP beside
// bare appends of the same bytes, read models beside the same rows written plainly, how soon a command is visible, calendars, the portal's pages;
// each at several sizes. docs/performance.md explains the numbers.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// clientCount is how many clients send at once.
const clientCount = 32

// The parts of a run, for -only.
const (
	commandsOnly = "commands"
	modelsOnly   = "models"
	portalOnly   = "portal"
	nodeOnly     = "node"

	candidatesOnly = "candidates"
)

type options struct {
	jobs     []int
	events   []int
	quick    bool
	profiles string
	only     string
	keep     string
	beside   string
	pages    *regexp.Regexp
}

// bench is what all sizes share.
type bench struct {
	out      io.Writer
	began    time.Time
	dir      string
	binary   string
	profiles string // folder for CPU profiles; empty: none
	only     string
	keep     bool           // dir stays, with filled logs for the next run
	beside   string         // another build of the server, whose pages are looked at in turns; empty: none
	visited  *regexp.Regexp // the pages of the portal that are measured; nil: all
	cluster  *postgres.Cluster

	postmaster  int
	livesOfOne  int
	livesOfMany int
	visibleFor  time.Duration

	sought *size // the agency in which candidates are looked for

	server      *process
	made        int // jobs of the load
	httpAppends row
	profiled    map[string]int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if len(os.Args) == 2 && os.Args[1] == cannedNode {
		err = runCanned(ctx, os.Stdout)
	} else if o, bad := parse(os.Args[1:]); bad != nil {
		err = bad
	} else {
		err = run(ctx, o, os.Stdout)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	sizes := flags.String("jobs", "1000,100000", "numbers of jobs at which to measure, smallest first")
	logs := flags.String("events", "100000,1000000,10000000", "numbers of events at which to measure the embedded node, smallest first")
	flags.BoolVar(&o.quick, "quick", false, "a short run, unless other sizes are given at 1,000 jobs and 100,000 events, to try things out: its numbers are rough")
	flags.StringVar(&o.only, "only", "", "commands, models, portal, candidates or node: leave the other parts out")
	flags.StringVar(&o.profiles, "profiles", "", "write CPU profiles of the server and of the read models into this folder")
	flags.StringVar(&o.keep, "keep", "", "work in this folder and leave the filled logs there: the next run begins with copies of them")
	flags.StringVar(&o.beside, "beside", "", "another build of the server: look at every page of the portal with both in turns")
	pages := flags.String("pages", "", "measure only pages of the portal whose route matches this regular expression, such as ^/$ for the first page")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if *pages != "" {
		if o.pages, err = regexp.Compile(*pages); err != nil {
			return o, fmt.Errorf("-pages: %w", err)
		}
	}
	if o.beside != "" && o.only != portalOnly {
		return o, errors.New("-beside needs -only portal")
	}
	if !slices.Contains([]string{"", commandsOnly, modelsOnly, portalOnly, candidatesOnly, nodeOnly}, o.only) {
		return o, fmt.Errorf("-only %q is none of %s, %s, %s, %s and %s", o.only, commandsOnly, modelsOnly, portalOnly, candidatesOnly, nodeOnly)
	}
	if o.quick {
		given := map[string]bool{}
		flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
		if !given["jobs"] {
			*sizes = "1000"
		}
		if !given["events"] {
			*logs = "100000"
		}
	}
	if o.jobs, err = numbers("jobs", *sizes, 1000); err != nil {
		return o, err
	}
	o.events, err = numbers("events", *logs, 10_000)
	return o, err
}

// numbers reads a list of numbers, smallest first.
func numbers(flag, list string, least int) (all []int, err error) {
	for _, text := range strings.Split(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < least {
			return nil, fmt.Errorf("-%s %q is not a list of numbers of at least %d", flag, list, least)
		}
		all = append(all, n)
	}
	if !slices.IsSorted(all) {
		return nil, fmt.Errorf("-%s %q does not begin with the smallest number", flag, list)
	}
	return all, nil
}

// run measures every size and prints what it found.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	b := &bench{out: out, only: o.only, visited: o.pages, began: time.Now(), livesOfOne: 40, livesOfMany: 20, visibleFor: 15 * time.Second, profiled: map[string]int{}}
	if o.quick {
		b.livesOfOne, b.livesOfMany, b.visibleFor = 20, 20, 5*time.Second
	}
	if b.keep = o.keep != ""; b.keep {
		if b.dir, err = filepath.Abs(o.keep); err == nil {
			err = os.MkdirAll(b.dir, 0o755)
		}
		if err == nil {
			var lock *os.File
			if lock, err = lockDir(b.dir); err == nil {
				defer lock.Close()
			}
		}
	} else if b.dir, err = os.MkdirTemp("", "dragoman-bench-"); err == nil {
		defer os.RemoveAll(b.dir)
	}
	if err != nil {
		return err
	}
	if o.beside != "" {
		if b.beside, err = filepath.Abs(o.beside); err != nil {
			return err
		}
	}
	if o.profiles != "" {
		if b.profiles, err = filepath.Abs(o.profiles); err == nil {
			err = os.MkdirAll(b.profiles, 0o755)
		}
		if err != nil {
			return fmt.Errorf("make the folder of profiles: %w", err)
		}
	}
	b.say("building the binary")
	if b.binary, err = build(ctx, b.dir, b.profiles != ""); err != nil {
		return err
	}
	var sizes []*size
	if o.only != nodeOnly {
		if sizes, err = b.house(ctx, o.jobs); err != nil {
			return err
		}
	}
	var nodes []*nodeSize
	if o.only == "" || o.only == nodeOnly {
		pace := fullPace
		if o.quick {
			pace = quickPace
		}
		if nodes, err = b.nodes(ctx, o.events, pace); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "\n%s, %d CPUs, %s, load average %s\n", machine(), runtime.NumCPU(), runtime.Version(), loadAverage())
	if b.sought != nil {
		b.sought.report(out)
	}
	for _, s := range sizes {
		s.report(out)
	}
	if len(sizes) > 1 {
		growth(out, sizes[0], sizes[len(sizes)-1])
	}
	for _, n := range nodes {
		n.report(out)
	}
	if len(nodes) > 1 {
		nodeGrowth(out, nodes[0], nodes[len(nodes)-1])
	}
	fmt.Fprintf(out, "\ndone in %s\n", time.Since(b.began).Round(time.Second))
	return nil
}

// house measures the whole of it at every size, on a database and an event log of its own.
func (b *bench) house(ctx context.Context, jobs []int) (sizes []*size, err error) {
	if b.cluster, err = postgres.StartPrivate(ctx, postgres.Options{DataDir: filepath.Join(b.dir, "database"), Logger: slog.Default()}); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.stopCluster()) }()
	if err := b.findPostmaster(ctx); err != nil {
		return nil, err
	}
	if b.only == "" || b.only == candidatesOnly {
		if b.sought, err = b.candidates(ctx); err != nil || b.only == candidatesOnly {
			return nil, err
		}
	}
	for _, n := range jobs {
		s := &size{bench: b, jobs: n}
		if err := s.measure(ctx); err != nil {
			return nil, fmt.Errorf("at %d jobs: %w", n, err)
		}
		sizes = append(sizes, s)
	}
	return sizes, nil
}

// lockDir keeps other runs out of a folder until the lock is closed.
func lockDir(dir string) (*os.File, error) {
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return lock, fmt.Errorf("another run works in %s", dir)
	}
	return lock, nil
}

// loadAverage is how busy the machine was, by itself and by others.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

func (b *bench) findPostmaster(ctx context.Context) error {
	pool, err := postgres.Open(ctx, b.cluster.URL(), postgres.PoolOptions{MaxConns: 1})
	if err != nil {
		return err
	}
	defer pool.Close()
	b.postmaster, err = postmaster(ctx, pool)
	return err
}

func (b *bench) stopCluster() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return b.cluster.Stop(ctx)
}

// say tells how far it is.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%5.0f s  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// begin and end bound a CPU profile of the server, if it was built for one.
func (b *bench) begin() {
	if b.profiles != "" {
		b.server.signal(syscall.SIGUSR1)
	}
}

func (b *bench) end() {
	if b.profiles != "" {
		b.server.signal(syscall.SIGUSR2)
	}
}

// profile writes a CPU profile of this process while work runs, if profiles are wanted.
func (s *size) profile(name string, work func() error) error {
	if s.profiles == "" {
		return work()
	}
	s.profiled[name]++
	f, err := os.Create(s.path(fmt.Sprintf("%s-%d", name, s.profiled[name])))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return work()
}

// machine names the processor.
func machine() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOOS + "/" + runtime.GOARCH
	}
	for _, line := range strings.Split(string(text), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// runningLog is the address of the event log of the server on a data folder.
func runningLog(data string) (string, error) {
	text, err := os.ReadFile(filepath.Join(data, "run.json"))
	if err != nil {
		return "", fmt.Errorf("find the server's event log: %w", err)
	}
	var r struct{ EventLog string }
	if err := json.Unmarshal(text, &r); err != nil {
		return "", fmt.Errorf("find the server's event log: %w", err)
	}
	return r.EventLog, nil
}
