package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// row is one measurement.
type row struct {
	name  string
	rate  float64 // operations a second
	unit  string  // of an operation: append, event, request
	times []time.Duration
	cpu   cpu // all of it
	n     int // operations
	note  string
}

// measured is what a run over n operations took.
func measured(name, unit string, n int, wall time.Duration, spent cpu, times []time.Duration) row {
	slices.Sort(times)
	return row{name: name, unit: unit, rate: float64(n) / wall.Seconds(), times: times, cpu: spent, n: n}
}

// quantile is the time within which a part of all operations was done, such as 0.99; zero if single ones were not timed.
func (r row) quantile(q float64) time.Duration {
	if len(r.times) == 0 {
		return 0
	}
	return r.times[min(len(r.times)-1, int(math.Ceil(q*float64(len(r.times))))-1)]
}

// aim is a ratio or time of one run beside what it should be.
type aim struct {
	what   string
	is     float64
	want   float64
	atMost bool
	unit   string
}

func (a aim) met() bool {
	if a.atMost {
		return a.is <= a.want
	}
	return a.is >= a.want
}

func (a aim) String() string {
	sign, verdict := "≥", "met"
	if a.atMost {
		sign = "≤"
	}
	if !a.met() {
		verdict = "MISSED"
	}
	return fmt.Sprintf("  %-78s %9s   %s %-9s %s", a.what, number(a.is, a.unit), sign, number(a.want, a.unit), verdict)
}

func number(v float64, unit string) string {
	switch unit {
	case "%":
		return fmt.Sprintf("%.0f %%", 100*v)
	case "ms":
		return fmt.Sprintf("%.2f ms", v)
	case "µs", "s":
		return fmt.Sprintf("%.1f %s", v, unit)
	case "×":
		return fmt.Sprintf("%.2f×", v)
	}
	return fmt.Sprintf("%.0f%s", v, unit)
}

func atLeast(what string, is, want float64, unit string) aim {
	return aim{what: what, is: is, want: want, unit: unit}
}

func atMost(what string, is, want float64, unit string) aim {
	return aim{what: what, is: is, want: want, unit: unit, atMost: true}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// report prints side by side what was measured at one size.
func (s *size) report(out io.Writer) {
	fmt.Fprintf(out, "\n== %s jobs: %s events in the log ==\n\n", thousands(s.jobs), thousands(s.events))
	fmt.Fprintf(out, "  %-52s %14s %9s %9s   %s\n", "", "a second", "p50", "p99", "CPU µs an operation: ours + database + client")
	for _, r := range s.rows {
		each := func(d time.Duration) string {
			return fmt.Sprintf("%6.0f", float64(d.Microseconds())/float64(max(r.n, 1)))
		}
		fmt.Fprintf(out, "  %s   %s = %s + %s + %s\n", r.head(),
			each(r.cpu.total()), each(r.cpu.server), each(r.cpu.postgres), each(r.cpu.client))
		if r.note != "" {
			fmt.Fprintf(out, "    %s\n", r.note)
		}
	}
	s.reportPages(out)
	if s.space != "" {
		fmt.Fprintf(out, "\n  %s\n", s.space)
	}
	reportAims(out, s.aims)
}

// head is the part of a line that all tables share.
func (r row) head() string {
	p50, p99 := "", ""
	if len(r.times) > 0 {
		p50, p99 = fmt.Sprintf("%.2f ms", ms(r.quantile(0.5))), fmt.Sprintf("%.2f ms", ms(r.quantile(0.99)))
	}
	return fmt.Sprintf("%-52s %14s %9s %9s", r.name, thousands(int(r.rate))+" "+r.unit, p50, p99)
}

func reportAims(out io.Writer, aims []aim) {
	if len(aims) == 0 {
		return
	}
	fmt.Fprintln(out, "\n  aims")
	for _, a := range aims {
		fmt.Fprintln(out, a)
	}
}

// growth compares every measurement of the largest size with the smallest's: CPU time an operation, which other programs on the machine
// disturb least.
func growth(out io.Writer, small, large *size) (aims []aim) {
	fmt.Fprintf(out, "\n== growth from %s to %s jobs: CPU an operation ==\n\n", thousands(small.jobs), thousands(large.jobs))
	seen := map[string]int{}
	for _, r := range small.rows {
		alike := slices.DeleteFunc(slices.Clone(large.rows), func(l row) bool { return l.name != r.name })
		at := seen[r.name] // some lines come after several others and are called alike
		seen[r.name]++
		if at >= len(alike) || r.n == 0 || alike[at].n == 0 || strings.HasPrefix(r.name, "writing") {
			continue
		}
		before := float64(r.cpu.total()) / float64(r.n)
		after := float64(alike[at].cpu.total()) / float64(alike[at].n)
		if before == 0 {
			continue
		}
		a := atMost(r.name, after/before, 1.2, "×")
		aims = append(aims, a)
		fmt.Fprintln(out, a)
	}
	return aims
}

func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
