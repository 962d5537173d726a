package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestQuantilesAreOfTheSortedTimes(t *testing.T) {
	t.Parallel()
	var times []time.Duration
	for i := 100; i > 0; i-- {
		times = append(times, time.Duration(i)*time.Millisecond)
	}
	r := measured("x", "ops", len(times), 2*time.Second, cpu{}, times)
	if r.rate != 50 {
		t.Errorf("100 operations in 2 s are %v a second", r.rate)
	}
	for q, want := range map[float64]time.Duration{0.5: 50, 0.99: 99, 1: 100} {
		if got := r.quantile(q); got != want*time.Millisecond {
			t.Errorf("quantile %v is %v, want %v ms", q, got, want)
		}
	}
}

func TestAimsSayWhetherTheyAreMet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		aim aim
		met bool
	}{
		{atLeast("a", 0.4, 0.4, "%"), true}, {atLeast("a", 0.39, 0.4, "%"), false},
		{atMost("a", 30, 30, "ms"), true}, {atMost("a", 31, 30, "ms"), false},
	} {
		if c.aim.met() != c.met || strings.Contains(c.aim.String(), "MISSED") == c.met {
			t.Errorf("%v", c.aim)
		}
	}
}

// Each raw client needs whole streams, in their order: it says which revision it expects.
func TestSplitKeepsStreamsWhole(t *testing.T) {
	t.Parallel()
	var all []batch
	for i := range 60 {
		all = append(all, batch{stream: fmt.Sprintf("booking-%d", i%12)})
	}
	seen := map[string]int{}
	total := 0
	for c, batches := range split(all, 5) {
		total += len(batches)
		for _, b := range batches {
			if before, known := seen[b.stream]; known && before != c {
				t.Errorf("stream %s is with clients %d and %d", b.stream, before, c)
			}
			seen[b.stream] = c
		}
	}
	if total != len(all) {
		t.Errorf("%d of %d appends were given out", total, len(all))
	}
}

func TestCPUOfThisProcessGrows(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc: CPU time of other processes can be read on Linux only")
	}
	p := processes{server: os.Getpid()}
	before := p.spent()
	for sum, began := 0, time.Now(); ; sum++ {
		now := p.spent().since(before)
		if now.client > 0 && now.server > 0 {
			break
		}
		if time.Since(began) > 30*time.Second {
			t.Fatalf("no CPU time was seen: %+v", now)
		}
	}
}

func TestUpsertNamesEveryColumnOnce(t *testing.T) {
	t.Parallel()
	got := table{schema: "rm_jobs_1", name: "parties", key: []string{"interpreter", "job"},
		columns: []column{{"interpreter", "uuid"}, {"job", "uuid"}, {"since", "timestamp with time zone"}}}.upsertStatement()
	want := `insert into "plain"."rm_jobs_1_parties" ("interpreter", "job", "since") select c1::uuid, c2::uuid, c3::timestamp with time zone ` +
		`from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as t (c1, c2, c3) on conflict (interpreter, job) do update set "since" = excluded."since"`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-jobs", "1000, 5000", "-profiles", "p"})
	if err != nil || !slices.Equal(o.jobs, []int{1000, 5000}) || o.profiles != "p" {
		t.Errorf("%+v %v", o, err)
	}
	if !slices.Equal(o.events, []int{100_000, 1_000_000, 10_000_000}) {
		t.Errorf("events %v", o.events)
	}
	if o, err = parse([]string{"-quick", "-events", "20000"}); err != nil || !slices.Equal(o.events, []int{20_000}) || !slices.Equal(o.jobs, []int{1000}) {
		t.Errorf("%+v %v", o, err)
	}
	for _, args := range [][]string{{"-jobs", "12"}, {"-events", "12"}, {"-jobs", "5000,1000"}, {"-only", "nodes"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}

// A disk that is too small is noticed before anything is written.
func TestNodeNeedsItsDisk(t *testing.T) {
	t.Parallel()
	b := &bench{dir: t.TempDir(), began: time.Now()}
	if _, err := b.nodes(t.Context(), []int{1 << 45}, quickPace); err == nil || !strings.Contains(err.Error(), "set TMPDIR") {
		t.Errorf("no refusal: %v", err)
	}
	if files, err := os.ReadDir(b.dir); err != nil || len(files) > 0 {
		t.Errorf("files %v, %v", files, err)
	}
}

func TestPagesAreNamedByRouteAndList(t *testing.T) {
	t.Parallel()
	routes := portalRoutes()
	for path, want := range map[string]string{
		"/": "/", "/jobs?list=new&sort=ref": "/jobs?list=new", "/jobs/PL1042/history?from=40": "/jobs/{ref}/history",
		"/calendar?view=week&date=2035-01-15": "/calendar?view=week&date=2035-01-15", "/jobs.csv?list=new": "", "/assets/app.js": "", "/no/such/page": "",
		"https://elsewhere.example/": "",
	} {
		if got := pageOf(routes, path); got != want {
			t.Errorf("%s is page %q, want %q", path, got, want)
		}
	}
}

// Lines that are called alike come after different ones; each is compared with its like.
func TestGrowthComparesLikeWithLike(t *testing.T) {
	t.Parallel()
	of := func(name string, ms int) row {
		return row{name: name, n: 1, cpu: cpu{server: time.Duration(ms) * time.Millisecond}}
	}
	small := &size{jobs: 1000, rows: []row{of("a", 10), of("  counted", 5), of("b", 100), of("  counted", 50)}}
	large := &size{jobs: 2000, rows: []row{of("a", 20), of("  counted", 10), of("b", 200), of("  counted", 100)}}
	aims := growth(io.Discard, small, large)
	if len(aims) != 4 {
		t.Fatalf("%d lines were compared", len(aims))
	}
	for _, a := range aims {
		if a.is != 2 {
			t.Errorf("%v", a)
		}
	}
}

// Two runs in one folder would take each other's copies away.
func TestOneRunAtATimeKeepsAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := lockDir(dir)
	if err == nil {
		t.Error("a second run works in the folder of the first")
	}
	second.Close()
	first.Close()
	third, err := lockDir(dir)
	if err != nil {
		t.Errorf("after the first: %v", err)
	}
	third.Close()
}
