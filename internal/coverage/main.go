package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go test -json ./... | coverage docs/coverage.md")
		os.Exit(2)
	}
	ok, err := run(os.Args[1], os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "coverage:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// run prints the tests' results, where the time went, and what the page says that they do not bear out; ok: all packages passed and every row holds.
func run(path string, in io.Reader, out io.Writer) (ok bool, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	seen, err := follow(in, out)
	if err != nil {
		return false, err
	}
	fmt.Fprintln(out, "the slowest tests, in seconds:")
	for _, t := range seen.slowest(20) {
		fmt.Fprintf(out, "  %6.1f  %s\n", t.seconds, t.test)
	}
	page := parse(string(text))
	faults := append(page.faults(), page.unproven(seen.passed)...)
	for _, fault := range faults {
		fmt.Fprintf(out, "%s:%s\n", path, fault)
	}
	if len(faults) == 0 {
		fmt.Fprintf(out, "%s: %s; every test that it names passed\n", path, page.summary())
	}
	return !seen.failed && len(faults) == 0, nil
}
