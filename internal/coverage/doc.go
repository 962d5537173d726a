// Command coverage stands behind `go test -json`: it prints what go test would print without -json and which tests took longest, and then holds
// docs/coverage.md against the tests that ran. A row that says done names a test that carries the row's id, and that test must have passed among those it
// was given; so must every other test that the page names. Its status is 1 where a package failed or a row does not hold.
package main
