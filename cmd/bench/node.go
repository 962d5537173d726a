package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/esnode/measure"
	"github.com/dragoman-booking/dragoman/internal/esnode/rawclient"
)

// nodeSize is one number of events at which the embedded node is measured.
type nodeSize struct {
	*bench
	pace   pace
	events int

	data   string        // the node's data folder
	load   *measure.Load // what the folder holds and gets
	other  *measure.Load // what everything else gets
	node   *process
	canned *process
	bare   *measure.Bare

	rows  []row
	aims  []aim
	notes []string
	peaks int // MB resident, the most that any of the node's processes had

	perAppend float64 // µs of the node's CPU time
}

// pace is how long everything is measured.
type pace struct {
	rounds int           // everything is measured by turns, so that what else runs on the machine disturbs all alike
	lone   time.Duration // of a round, one writer
	many   time.Duration // 32 writers
	long   time.Duration // 32 writers whose CPU time is judged, with compactions
	reads  int           // events of a round
	syncs  int           // of a round
}

var (
	fullPace  = pace{rounds: 3, lone: time.Second, many: 2500 * time.Millisecond, long: 7 * time.Second, reads: 300_000, syncs: 1500}
	quickPace = pace{rounds: 2, lone: 500 * time.Millisecond, many: time.Second, long: 2 * time.Second, reads: 50_000, syncs: 300}
)

// Disk space that the largest folder takes: its events, as much again for what is put together, and what the measurements append.
const (
	bytesAnEvent  = 2 * 320
	bytesAppended = 4 << 30
)

// nodes measures the embedded node at every size.
func (b *bench) nodes(ctx context.Context, sizes []int, p pace) (all []*nodeSize, err error) {
	need := uint64(sizes[len(sizes)-1])*bytesAnEvent + bytesAppended
	var disk syscall.Statfs_t
	if err := syscall.Statfs(b.dir, &disk); err != nil {
		return nil, fmt.Errorf("ask how full the disk is: %w", err)
	}
	free := disk.Bavail * uint64(disk.Bsize)
	b.say("event logs of up to %s events need up to %d GB in %s, which has %d GB free", thousands(sizes[len(sizes)-1]), need>>30+1, b.dir, free>>30)
	if free < need {
		return nil, fmt.Errorf("event logs of %s events need %d GB, and %s has %d GB free: set TMPDIR to a folder on a larger disk, or measure less with -events",
			thousands(sizes[len(sizes)-1]), need>>30+1, b.dir, free>>30)
	}
	for _, events := range sizes {
		n := &nodeSize{bench: b, pace: p, events: events}
		if err := n.measure(ctx); err != nil {
			return nil, fmt.Errorf("at %d events: %w", events, err)
		}
		all = append(all, n)
	}
	return all, nil
}

func (n *nodeSize) add(r row) row {
	n.rows = append(n.rows, r)
	n.say("%-52s %s a second", r.name, thousands(int(r.rate))+" "+r.unit)
	return r
}

func (n *nodeSize) aim(a aim) { n.aims = append(n.aims, a) }

// measure makes a folder of this size and measures everything on it.
func (n *nodeSize) measure(ctx context.Context) (err error) {
	if n.data, err = os.MkdirTemp(n.dir, fmt.Sprintf("node-%d-", n.events)); err != nil {
		return err
	}
	defer os.RemoveAll(n.data)
	if err := n.fill(ctx); err != nil {
		return err
	}
	if n.bare, err = measure.OpenBare(filepath.Join(n.data, "bare")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.bare.Close()) }()
	if err := n.withoutClient(ctx); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if n.canned, err = start(ctx, self, nil, cannedNode); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.canned.stop()) }()
	if err := n.startNode(ctx); err != nil {
		return err
	}
	defer func() {
		if n.node != nil {
			err = errors.Join(err, n.node.stop())
		}
	}()
	for _, part := range []func(context.Context) error{n.appends, n.reads, n.kills} {
		if err := part(ctx); err != nil {
			return err
		}
		n.weighProcess()
	}
	n.aim(atMost("resident, the most at any time", float64(n.peaks), 200, " MB"))
	return nil
}

func (n *nodeSize) startNode(ctx context.Context) (err error) {
	n.node, err = start(ctx, n.binary, []string{"BENCH_PROFILES=" + n.profiles}, "eventstore", "--data", n.data, "--listen", "127.0.0.1:0", "--log-level", "warn")
	n.server = n.node
	return err
}

// weighProcess notes how much memory the node had at most.
func (n *nodeSize) weighProcess() { n.peaks = max(n.peaks, int(statusOf(n.node.pid(), "VmHWM")>>20)) }

// fill makes the folder straight through the node's storage.
func (n *nodeSize) fill(ctx context.Context) error {
	n.load, n.other = measure.NewLoad(n.events), measure.NewLoad(n.events)
	folder := filepath.Join(n.data, "log")
	wall, spent, err := stopwatch(processes{}, func() error { return n.load.Fill(ctx, folder, slog.Default()) })
	if err != nil {
		return err
	}
	bytes, err := weighed(folder)
	if err != nil {
		return err
	}
	n.notes = append(n.notes, fmt.Sprintf("on disk after filling: %d MB, %d bytes an event with %d bytes of data", bytes>>20, bytes/int64(n.events), measure.DataSize))
	n.add(inside(measured("filling the folder, appends of 10 events", "events", n.events, wall, spent, nil)))
	return nil
}

// inside is a measurement of what runs in this process.
func inside(r row) row {
	r.cpu = cpu{server: r.cpu.client}
	return r
}

// target is something that takes appends.
type target struct {
	name   string
	append func(context.Context, measure.Write) error
	load   *measure.Load
	p      processes // that do the work; none: this process
	each   time.Duration
	after  func() error // after each round, not measured

	wall  time.Duration
	spent cpu
	times []time.Duration
	row   row
}

// byTurns lets some writers append to each target in turn, several times, and adds a line for each.
func (n *nodeSize) byTurns(ctx context.Context, writers int, targets ...*target) error {
	for range n.pace.rounds {
		for _, t := range targets {
			before := t.p.spent()
			times, wall, err := write(ctx, t, writers)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			t.p.settle() // what was begun by these appends belongs to them, and shall not disturb the next
			t.spent = t.spent.plus(t.p.spent().since(before))
			t.wall += wall
			t.times = append(t.times, times...)
			if t.after != nil {
				if err := t.after(); err != nil {
					return fmt.Errorf("%s: %w", t.name, err)
				}
			}
		}
	}
	for _, t := range targets {
		t.row = measured(t.name, "appends", len(t.times), t.wall, t.spent, t.times)
		if t.p.server == 0 {
			t.row = inside(t.row)
		}
		n.add(t.row)
	}
	return nil
}

// write appends for a while.
func write(ctx context.Context, t *target, writers int) (times []time.Duration, wall time.Duration, err error) {
	var (
		all    = make([][]time.Duration, writers)
		group  sync.WaitGroup
		failed atomic.Pointer[error]
	)
	began := time.Now()
	for i := range all {
		group.Go(func() {
			w := t.load.Writer()
			for failed.Load() == nil && time.Since(began) < t.each {
				next := w.Next()
				start := time.Now()
				if err := t.append(ctx, next); err != nil {
					failed.Store(&err)
					return
				}
				all[i] = append(all[i], time.Since(start))
			}
		})
	}
	group.Wait()
	wall = time.Since(began)
	if e := failed.Load(); e != nil {
		return nil, 0, *e
	}
	for _, t := range all {
		times = append(times, t...)
	}
	return times, wall, nil
}

// settle waits until the processes have hardly anything to do any more.
func (p processes) settle() {
	const step, most, little = 200 * time.Millisecond, 3 * time.Minute, 10 * time.Millisecond
	before := p.spent()
	for quiet, waited := 0, time.Duration(0); quiet < 2 && waited < most; waited += step {
		time.Sleep(step)
		now := p.spent()
		if quiet++; now.since(before).total() > little {
			quiet = 0
		}
		before = now
	}
}

// withoutClient measures the storage itself beside a bare store.
func (n *nodeSize) withoutClient(ctx context.Context) (err error) {
	direct, err := measure.OpenDirect(filepath.Join(n.data, "log"), slog.Default())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, direct.Close()) }()
	processes{}.settle()
	bare := &target{name: "bare Pebble, 32 writers", append: n.bare.Append, load: n.other, each: n.pace.many}
	own := &target{name: "the node's storage without gRPC, 32 writers", append: direct.Append, load: n.load, each: n.pace.many}
	if err := n.byTurns(ctx, clientCount, bare, own); err != nil {
		return err
	}
	n.aim(atLeast("storage without a client, of bare Pebble, 32 writers", own.row.rate/bare.row.rate, 0.7, "%"))
	return nil
}

// official appends through the official client.
func official(c *rawclient.Client) func(context.Context, measure.Write) error {
	return func(ctx context.Context, w measure.Write) error {
		_, err := c.Append(ctx, w.Stream, w.Expected, []rawclient.Event{{Type: measure.EventType, Data: w.Data}})
		return err
	}
}

// clients are the connections to the node and to the one that stores nothing.
type clients struct {
	official, officialCanned *rawclient.Client
	raw, rawCanned           *measure.Raw
}

func (n *nodeSize) connect() (c *clients, err error) {
	c = &clients{}
	if c.official, err = rawclient.Open(n.node.address); err == nil {
		c.officialCanned, err = rawclient.Open(n.canned.address)
	}
	if err == nil {
		c.raw, err = measure.OpenRaw(n.node.address)
	}
	if err == nil {
		c.rawCanned, err = measure.OpenRaw(n.canned.address)
	}
	return c, err
}

func (c *clients) close() error {
	return errors.Join(c.official.Close(), c.officialCanned.Close(), c.raw.Close(), c.rawCanned.Close())
}

func (n *nodeSize) appends(ctx context.Context) (err error) {
	c, err := n.connect()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	node, canned := processes{server: n.node.pid()}, processes{server: n.canned.pid()}
	node.settle()

	bare := &target{name: "bare Pebble, 1 writer", append: n.bare.Append, load: n.other, each: n.pace.lone}
	lone := &target{name: "node, official client, 1 writer", append: official(c.official), load: n.load, p: node, each: n.pace.lone}
	err = n.byTurns(ctx, 1, bare, lone,
		&target{name: "node, raw gRPC, 1 writer", append: c.raw.Append, load: n.load, p: node, each: n.pace.lone},
		&target{name: "stores nothing, official client, 1 writer", append: official(c.officialCanned), load: n.other, p: canned, each: n.pace.lone})
	if err != nil {
		return err
	}
	n.aim(atMost("one writer's p50 beyond bare Pebble's, official client", ms(lone.row.quantile(0.5)-bare.row.quantile(0.5)), 0.45, "ms"))

	many := &target{name: "node, official client, 32 writers", append: official(c.official), load: n.load, p: node, each: n.pace.many}
	nothing := &target{name: "stores nothing, official client, 32 writers", append: official(c.officialCanned), load: n.other, p: canned, each: n.pace.many}
	if err := n.byTurns(ctx, clientCount, many, nothing); err != nil {
		return err
	}
	n.aim(atLeast("official client, of the same on a node that stores nothing, 32 writers", many.row.rate/nothing.row.rate, 0.55, "%"))

	raw := &target{name: "node, raw gRPC, 32 writers", append: c.raw.Append, load: n.load, p: node, each: n.pace.long}
	from := c.raw.Last()
	n.begin()
	err = n.byTurns(ctx, clientCount, raw,
		&target{name: "stores nothing, raw gRPC, 32 writers", append: c.rawCanned.Append, load: n.other, p: canned, each: n.pace.many})
	n.end()
	if err != nil {
		return err
	}
	written, err := c.raw.ReadAll(ctx, from, math.MaxInt32)
	if err != nil {
		return err
	}
	each := float64(raw.row.n) / float64(written.Groups) // appends that share a sync
	perSync, err := n.syncs(max(1, int(math.Round(each))))
	if err != nil {
		return err
	}
	n.perAppend = micros(raw.row.cpu.server, raw.row.n)
	n.notes = append(n.notes, fmt.Sprintf("%.1f of these appends shared a sync, which costs %.0f µs of CPU time by itself: %.0f µs an append", each, perSync, perSync/each))
	n.aim(atMost("CPU an append with compactions, raw gRPC, 32 writers", n.perAppend, 110, "µs"))
	n.aim(atMost("  beyond the syncs' own", n.perAppend-perSync/each, 60, "µs"))
	return nil
}

// syncs is the CPU time in µs of one sync: a bare store commits groups of so many events with and without it.
func (n *nodeSize) syncs(group int) (float64, error) {
	w := n.other.Writer()
	var spent [2]cpu
	for range n.pace.rounds {
		for i, sync := range []bool{true, false} {
			before := processes{}.spent()
			for range n.pace.syncs {
				writes := make([]measure.Write, group)
				for i := range writes {
					writes[i] = w.Next()
				}
				if err := n.bare.Commit(writes, sync); err != nil {
					return 0, err
				}
			}
			spent[i] = spent[i].plus(processes{}.spent().since(before))
			processes{}.settle()
		}
	}
	return micros(spent[0].client-spent[1].client, n.pace.rounds*n.pace.syncs), nil
}

func micros(d time.Duration, n int) float64 {
	return float64(d) / float64(time.Microsecond) / float64(max(n, 1))
}

// reading is one way of reading $all.
type reading struct {
	name string
	p    processes
	read func(ctx context.Context, after uint64, count int) (int, error)

	n     int
	wall  time.Duration
	spent cpu
	row   row
}

// reads measures how events are read, each time another part of the log.
func (n *nodeSize) reads(ctx context.Context) (err error) {
	c, err := n.connect()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	node, canned := processes{server: n.node.pid()}, processes{server: n.canned.pid()}
	all := func(r *measure.Raw) func(context.Context, uint64, int) (int, error) {
		return func(ctx context.Context, after uint64, count int) (int, error) {
			seen, err := r.ReadAll(ctx, after, count)
			return seen.Events, err
		}
	}
	subscribed := func(r *measure.Raw) func(context.Context, uint64, int) (int, error) {
		return func(ctx context.Context, after uint64, count int) (int, error) {
			seen, err := r.Subscribe(ctx, after, count, eventschema.Prefixes())
			return seen.Events, err
		}
	}
	ours := &reading{name: "$all, node, raw gRPC", p: node, read: all(c.raw)}
	filtered := &reading{name: "filtered subscription, node, raw gRPC", p: node, read: subscribed(c.raw)}
	client := &reading{name: "$all, node, official client", p: node, read: c.official.ReadAll}
	nothing := &reading{name: "$all, stores nothing, official client", p: canned, read: c.officialCanned.ReadAll}
	every := []*reading{ours, {name: "$all, stores nothing, raw gRPC", p: canned, read: all(c.rawCanned)},
		filtered, {name: "subscription, stores nothing, raw gRPC", p: canned, read: subscribed(c.rawCanned)}, client, nothing}
	count := min(n.pace.reads, n.events)
	n.begin()
	for round := range n.pace.rounds {
		after := uint64((n.events - count) / n.pace.rounds * round)
		for _, r := range every {
			wall, spent, err := stopwatch(r.p, func() error {
				got, err := r.read(ctx, after, count)
				if err == nil && got != count {
					err = fmt.Errorf("%d events came instead of %d", got, count)
				}
				return err
			})
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			r.n, r.wall, r.spent = r.n+count, r.wall+wall, r.spent.plus(spent)
			r.p.settle()
		}
	}
	n.end()
	for _, r := range every {
		r.row = n.add(measured(r.name, "events", r.n, r.wall, r.spent, nil))
	}
	n.aim(atMost("CPU an event of $all, raw gRPC", micros(ours.row.cpu.server, ours.row.n), 5, "µs"))
	n.aim(atMost("CPU an event of a filtered catch-up subscription, raw gRPC", micros(filtered.row.cpu.server, filtered.row.n), 6, "µs"))
	n.aim(atLeast("$all by the official client, of the same from a node that stores nothing", client.row.rate/nothing.row.rate, 0.8, "%"))
	return nil
}

// kills ends the node while 32 writers append, and waits for the next acknowledged append.
func (n *nodeSize) kills(ctx context.Context) error {
	var times []time.Duration
	for range n.pace.rounds {
		took, err := n.kill(ctx)
		if err != nil {
			return err
		}
		times = append(times, took)
	}
	var all time.Duration
	for _, t := range times {
		all += t
	}
	r := n.add(measured("from kill -9 to the first acknowledged append", "starts", len(times), all, cpu{}, times))
	n.aim(atMost("from kill -9 to the first acknowledged append, the longest", r.quantile(1).Seconds(), 2, "s"))
	return nil
}

func (n *nodeSize) kill(ctx context.Context) (time.Duration, error) {
	raw, err := measure.OpenRaw(n.node.address)
	if err != nil {
		return 0, err
	}
	var writers sync.WaitGroup
	var acknowledged atomic.Int64
	for range clientCount {
		writers.Go(func() {
			for w := measure.NewLoad(0).Writer(); raw.Append(ctx, w.Next()) == nil; { // until the node is gone
				acknowledged.Add(1)
			}
		})
	}
	time.Sleep(n.pace.many)
	n.weighProcess()
	began := time.Now()
	n.node.kill()
	if err := n.startNode(ctx); err != nil {
		return 0, err
	}
	again, err := measure.OpenRaw(n.node.address)
	if err != nil {
		return 0, err
	}
	err = again.Append(ctx, measure.NewLoad(0).Writer().Next())
	took := time.Since(began)
	writers.Wait()
	if acknowledged.Load() == 0 {
		err = errors.Join(err, errors.New("nothing was appended before the node was killed"))
	}
	return took, errors.Join(err, again.Close(), raw.Close())
}

// report prints side by side what was measured at one size.
func (n *nodeSize) report(out io.Writer) {
	fmt.Fprintf(out, "\n== the embedded node with %s events ==\n\n", thousands(n.events))
	fmt.Fprintf(out, "  %-52s %14s %9s %9s   %s\n", "", "a second", "p50", "p99", "CPU µs an operation: measured, client")
	for _, r := range n.rows {
		client := ""
		if r.cpu.client > 0 {
			client = fmt.Sprintf("%6.1f", micros(r.cpu.client, r.n))
		}
		fmt.Fprintf(out, "  %s   %6.1f %s\n", r.head(), micros(r.cpu.server, r.n), client)
	}
	for _, note := range n.notes {
		fmt.Fprintf(out, "\n  %s", note)
	}
	fmt.Fprintln(out)
	reportAims(out, n.aims)
}

// nodeGrowth compares the CPU time of an append at the largest size with the smallest's.
func nodeGrowth(out io.Writer, small, large *nodeSize) aim {
	fmt.Fprintf(out, "\n== growth from %s to %s events ==\n\n", thousands(small.events), thousands(large.events))
	a := atMost("CPU an append with compactions, raw gRPC, 32 writers", large.perAppend/small.perAppend, 1.3, "×")
	fmt.Fprintln(out, a)
	return a
}

// statusOf is a number of bytes that /proc/<pid>/status tells of a process, 0 if it does not.
func statusOf(pid int, field string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kB, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			return kB << 10
		}
	}
	return 0
}

// cannedNode as the only argument makes this program a node that stores nothing, for another process of it.
const cannedNode = "canned-node"

func runCanned(ctx context.Context, out io.Writer) error {
	return measure.ServeCanned(ctx, func(url string) { fmt.Fprintf(out, "listening on %s\n", url) })
}
