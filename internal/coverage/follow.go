package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// proofs is the package whose tests prove rows: it runs the whole program over HTTP and in browsers.
const proofs = "/cmd/dragoman"

// results are what the tests came to.
type results struct {
	failed bool            // a package did not pass
	passed map[string]bool // names of tests of the package of proofs
	took   []timed
}

// timed is how long a test took, all within it, without the wait for its turn.
type timed struct {
	test    string // with its package's last folder
	seconds float64
}

// event is a line of `go test -json`; go doc test2json says what they mean.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64 // seconds
}

// said is what a package's tests have said and what nobody needs to read unless the package fails.
type said struct {
	order []string // tests in the order in which they first spoke
	text  map[string][]string
	own   []string // of the package itself
}

// follow reads events to their end and prints the packages' lines as they end, with all that the tests said which did not pass.
func follow(in io.Reader, out io.Writer) (results, error) {
	seen := results{passed: map[string]bool{}}
	running := map[string]*said{}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return seen, nil
		}
		if err != nil {
			return seen, fmt.Errorf("read the results: %w", err)
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			fmt.Fprint(out, string(line)) // what go itself says among the events
			continue
		}
		if e.Action == "build-output" {
			fmt.Fprint(out, e.Output)
			continue
		}
		p := running[e.Package]
		if p == nil {
			p = &said{text: map[string][]string{}}
			running[e.Package] = p
		}
		if seen.take(p, e, out) {
			delete(running, e.Package)
		}
	}
}

// take notes one event; over: it was its package's last.
func (r *results) take(p *said, e event, out io.Writer) (over bool) {
	switch {
	case e.Action == "output" && e.Test == "":
		p.own = append(p.own, e.Output)
	case e.Action == "output":
		if strings.HasPrefix(e.Output, "=== ") { // that it runs, waits or goes on
			return false
		}
		if _, known := p.text[e.Test]; !known {
			p.order = append(p.order, e.Test)
		}
		p.text[e.Test] = append(p.text[e.Test], e.Output)
	case e.Action != "pass" && e.Action != "fail" && e.Action != "skip":
	case e.Test != "":
		if !strings.Contains(e.Test, "/") {
			r.took = append(r.took, timed{path.Base(e.Package) + " " + e.Test, e.Elapsed})
		}
		if e.Action == "fail" {
			return false
		}
		delete(p.text, e.Test)
		if e.Action == "pass" && strings.HasSuffix(e.Package, proofs) {
			r.passed[e.Test] = true
		}
	default:
		p.end(e.Action, out)
		r.failed = r.failed || e.Action == "fail"
		return true
	}
	return false
}

// slowest are the tests that took longest.
func (r *results) slowest(n int) []timed {
	slices.SortFunc(r.took, func(a, b timed) int { return cmp.Or(cmp.Compare(b.seconds, a.seconds), cmp.Compare(a.test, b.test)) })
	return r.took[:min(n, len(r.took))]
}

// end prints how a package ended.
func (p *said) end(action string, out io.Writer) {
	if action != "fail" {
		if last := len(p.own) - 1; last >= 0 {
			fmt.Fprint(out, p.own[last])
		}
		return
	}
	for _, test := range p.order {
		if root, _, sub := strings.Cut(test, "/"); sub && slices.Contains(p.order, root) {
			continue // with the test that it belongs to
		}
		p.tell(test, out)
	}
	fmt.Fprint(out, strings.Join(p.own, ""))
}

// tell prints what a test and those within it said, each under the line that says how it ended.
func (p *said) tell(test string, out io.Writer) {
	for _, name := range p.order {
		if name != test && !strings.HasPrefix(name, test+"/") {
			continue
		}
		lines := slices.Clone(p.text[name])
		slices.SortStableFunc(lines, func(a, b string) int { return cmp.Compare(rest(a), rest(b)) })
		for _, line := range lines {
			fmt.Fprint(out, strings.Repeat("    ", strings.Count(name, "/")), line)
		}
	}
}

// rest is 0 for the line that says how a test ended.
func rest(line string) int {
	if strings.HasPrefix(line, "--- ") {
		return 0
	}
	return 1
}
