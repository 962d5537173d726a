package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// ids are all rows: II-01 to II-99 and LL-01 to LL-132.
func ids() (all []string) {
	for n := 1; n <= 99; n++ {
		all = append(all, fmt.Sprintf("II-%02d", n))
	}
	for n := 1; n <= 132; n++ {
		all = append(all, fmt.Sprintf("LL-%02d", n))
	}
	return all
}

// row is one line of the page: a capability, how far it is built, where it lives, and the tests that prove it.
type row struct {
	line             int
	id, state, where string
	proofs           []string
}

type page []row

var (
	idCell = regexp.MustCompile(`^(II|LL)-[0-9]+$`)
	quoted = regexp.MustCompile("`([^`]+)`")
)

// parse reads the page's tables.
func parse(text string) (p page) {
	for n, line := range strings.Split(text, "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if !idCell.MatchString(cells[0]) {
			continue
		}
		r := row{line: n + 1, id: cells[0]}
		if len(cells) == 4 {
			r.state, r.where = cells[1], cells[2]
			for _, name := range quoted.FindAllStringSubmatch(cells[3], -1) {
				r.proofs = append(r.proofs, name[1])
			}
		}
		p = append(p, r)
	}
	return p
}

// done tells whether the row is said to be whole.
func (r row) done() bool { return r.state == "done" }

// fault is a sentence about a row.
func (r row) fault(format string, args ...any) string {
	return fmt.Sprintf("%d: %s %s", r.line, r.id, fmt.Sprintf(format, args...))
}

// faults are what the page itself gets wrong: a row that is missing or there twice or that there is not, a state that is none, a proof that does not name its row.
func (p page) faults() (faults []string) {
	known, count := ids(), map[string]int{}
	for _, r := range p {
		if !slices.Contains(known, r.id) {
			faults = append(faults, r.fault("is no row"))
		}
		count[r.id]++
		if count[r.id] == 2 {
			faults = append(faults, r.fault("is there twice"))
		}
		state, open, more := strings.Cut(r.state, ": ")
		switch {
		case r.where == "":
			faults = append(faults, r.fault("does not have the four cells id, state, where and proof"))
		case r.done() && len(r.proofs) == 0:
			faults = append(faults, r.fault("is done and names no test"))
		case !r.done() && (state != "in part" && state != "not yet" || !more || open == ""):
			faults = append(faults, r.fault("is %q: say done, or in part or not yet with what is missing", r.state))
		}
		for _, name := range r.proofs {
			if !r.named(name) {
				faults = append(faults, r.fault("is not named by its test %s", name))
			}
		}
	}
	for _, id := range ids() {
		if count[id] == 0 {
			faults = append(faults, fmt.Sprintf(" %s is missing", id))
		}
	}
	return faults
}

// named tells whether a test's name carries the row's id, as LL113 or as LL-113.
func (r row) named(test string) bool {
	system, number, _ := strings.Cut(r.id, "-")
	return regexp.MustCompile(`(^|[^A-Z])` + system + `-?` + number + `($|[^0-9])`).MatchString(test)
}

// unproven are the rows whose tests are not among those that passed.
func (p page) unproven(passed map[string]bool) (faults []string) {
	for _, r := range p {
		for _, name := range r.proofs {
			if !passed[name] {
				faults = append(faults, r.fault("rests on %s, which did not run and pass", name))
			}
		}
	}
	return faults
}

// summary counts the rows.
func (p page) summary() string {
	count := map[string]int{}
	for _, r := range p {
		state, _, _ := strings.Cut(r.state, ":")
		count[state]++
	}
	return fmt.Sprintf("%d rows, %d done, %d in part, %d not yet", len(p), count["done"], count["in part"], count["not yet"])
}
