// Command takeout draws rows of docs/coverage.md whose rule somebody then takes out of the program, one at a time, to see that the row's test notices.
// The same seed draws the same rows as long as the page says the same.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// rows of the two portals that are about rules of booking, changing, matching and closing; the others are about looks and lists.
var ranges = []struct {
	system   string
	from, to int
}{{"II", 28, 47}, {"II", 51, 86}, {"LL", 14, 57}, {"LL", 90, 96}, {"LL", 103, 124}}

func main() {
	path := flag.String("page", "docs/coverage.md", "the page")
	seed := flag.Uint64("seed", rand.Uint64(), "what the rows are drawn by")
	n := flag.Int("n", 20, "how many")
	flag.Parse()
	text, err := os.ReadFile(*path)
	if err != nil {
		fmt.Fprintln(os.Stderr, "takeout:", err)
		os.Exit(1)
	}
	fmt.Printf("seed %d\n", *seed)
	for _, r := range draw(done(string(text)), *seed, *n) {
		fmt.Printf("%s\t%s\t%s\n", r.id, r.where, strings.Join(r.proofs, " "))
	}
}

// row is a row of the page that is done: where it lives, and the tests that prove it.
type row struct {
	id, where string
	proofs    []string
}

var line = regexp.MustCompile(`(?m)^\| ((II|LL)-(\d+)) \| done \| (.*) \| (.*) \|$`)

var name = regexp.MustCompile("`([^`]+)`")

// done are the page's rows within the ranges that say done, in its order.
func done(page string) (rows []row) {
	for _, cells := range line.FindAllStringSubmatch(page, -1) {
		number, _ := strconv.Atoi(cells[3]) // digits
		for _, r := range ranges {
			if cells[2] == r.system && number >= r.from && number <= r.to {
				one := row{id: cells[1], where: cells[4]}
				for _, test := range name.FindAllStringSubmatch(cells[5], -1) {
					one.proofs = append(one.proofs, test[1])
				}
				rows = append(rows, one)
			}
		}
	}
	return rows
}

// draw takes n of the rows, or all if there are fewer, in the order in which they are drawn.
func draw(rows []row, seed uint64, n int) []row {
	random := rand.New(rand.NewPCG(seed, 0))
	drawn := make([]row, 0, n)
	for _, i := range random.Perm(len(rows))[:min(n, len(rows))] {
		drawn = append(drawn, rows[i])
	}
	return drawn
}
