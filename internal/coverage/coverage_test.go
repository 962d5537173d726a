package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestThePage: docs/coverage.md has every row once, and says of each what the checks ask for; docs/rules.md explains the same ids.
func TestThePage(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/coverage.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range parse(string(text)).faults() {
		t.Errorf("docs/coverage.md:%s", fault)
	}
	rules, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	var explained []string
	for _, found := range regexp.MustCompile(`(?m)^\| ((?:II|LL)-[0-9]+) \|`).FindAllStringSubmatch(string(rules), -1) {
		explained = append(explained, found[1])
	}
	for _, id := range ids() {
		if !slices.Contains(explained, id) {
			t.Errorf("docs/rules.md does not explain %s", id)
		}
	}
}

// whole is a page without a fault, on which a test may change one row.
func whole(change map[string]string) string {
	var b strings.Builder
	for _, id := range ids() {
		line, changed := change[id]
		if !changed {
			line = "| " + id + " | not yet: all of it | – | – |"
		}
		fmt.Fprintln(&b, line)
	}
	return b.String()
}

// TestFaultsOfThePage: what is wrong with a row is said of that row; what is right is not.
func TestFaultsOfThePage(t *testing.T) {
	t.Parallel()
	passed := map[string]bool{"TestRows/LL05_contact": true, "TestLL113_LL115_Window": true, "TestLL113_LL115_Window/LL-114_who": true}
	for line, want := range map[string]string{
		"| LL-05 | done | `web/` | `TestRows/LL05_contact` |":                           "",
		"| LL-114 | done | `web/` | `TestLL113_LL115_Window/LL-114_who` |":              "",
		"| LL-115 | in part: by mail | `web/` | `TestLL113_LL115_Window` |":             "",
		"| LL-05 | done | `web/` | `TestRows/LL05_other` |":                             "rests on TestRows/LL05_other, which did not run and pass",
		"| LL-05 | in part: the rest | `web/` | `TestRows/LL05_other` |":                "rests on TestRows/LL05_other, which did not run and pass",
		"| LL-11 | done | `web/` | `TestLL113_LL115_Window` |":                          "is not named by its test TestLL113_LL115_Window",
		"| LL-05 | done | `web/` | – |":                                                 "is done and names no test",
		"| LL-05 | not yet | – | – |":                                                   `is "not yet": say done, or in part or not yet with what is missing`,
		"| LL-05 | nearly: all | `web/` | – |":                                          `is "nearly: all": say done, or in part or not yet with what is missing`,
		"| LL-05 | done | `web/` |":                                                     "does not have the four cells id, state, where and proof",
		"| LL-05 | not yet: all | – | – |\n| LL-05 | not yet: all | – | – |":            "is there twice",
		"| LL-05 | not yet: all | – | – |\n| LL-5 | not yet: all | – | – |":             "is no row",
		"An LL-05 of which a sentence speaks is no row of the table.":                   "is missing",
		"| LL-05 | done | `web/` | `TestRows/LL05_contact`, `TestLL113_LL115_Window` |": "is not named by its test TestLL113_LL115_Window",
	} {
		id := regexp.MustCompile(`LL-[0-9]+`).FindString(line)
		p := parse(whole(map[string]string{id: line}))
		got := append(p.faults(), p.unproven(passed)...)
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.HasSuffix(got[0], want)) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// tests is a module whose tests pass, fail and are skipped, and one package that cannot be built.
var tests = map[string]string{
	"go.mod":                        "module example.org/m\n\ngo 1.26\n",
	"cmd/dragoman/fine_test.go":     "package a\nimport (\"fmt\"; \"testing\")\nfunc TestRows(t *testing.T) { fmt.Println(\"aloud\"); t.Log(\"quietly\"); t.Run(\"LL05 contact\", func(t *testing.T) {}); t.Run(\"LL06 header\", func(t *testing.T) { t.Skip(\"this machine shows no header\") }) }\n",
	"bad/bad_test.go":               "package b\nimport \"testing\"\nfunc TestFine(t *testing.T) { t.Log(\"of no interest\") }\nfunc TestBad(t *testing.T) { t.Run(\"one\", func(t *testing.T) {}); t.Run(\"two\", func(t *testing.T) { t.Error(\"two is wrong\") }); t.Error(\"all is wrong\") }\n",
	"empty/empty.go":                "package c\n",
	"broken/broken_test.go":         "package d\nfunc TestX(t *testing.T) {}\n",
	"panics/panics_test.go":         "package e\nimport \"testing\"\nfunc TestPanics(t *testing.T) { panic(\"at once\") }\n",
	"elsewhere/cmd/dragoman2/x.go":  "package f\n",
	"elsewhere/other/other_test.go": "package g\nimport \"testing\"\nfunc TestRows(t *testing.T) { t.Run(\"LL07 box\", func(t *testing.T) {}) }\n",
}

// TestFollowsRealTests: of real results everything is printed that go test prints without -json, the names of passed tests are those of the package of
// proofs alone, and the status says whether a package or a row failed.
func TestFollowsRealTests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range tests {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(args ...string) string {
		t.Helper()
		c := exec.Command("go", append([]string{"test", "-vet=off"}, args...)...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
		out, err := c.CombinedOutput()
		if err != nil && c.ProcessState == nil {
			t.Fatal(err)
		}
		return string(out)
	}
	var out bytes.Buffer
	seen, err := follow(strings.NewReader(ask("-json", "./...")), &out)
	if err != nil || !seen.failed {
		t.Errorf("%v, failed %v", err, seen.failed)
	}
	if got := fmt.Sprint(seen.passed); got != "map[TestRows:true TestRows/LL05_contact:true]" {
		t.Errorf("passed are %s", got)
	}
	for _, line := range strings.Split(plain(ask("./...")), "\n") {
		if !slices.Contains(strings.Split(plain(out.String()), "\n"), line) {
			t.Errorf("what go test says is not printed: %q", line)
		}
	}
	for _, noise := range []string{"aloud", "quietly", "of no interest", "=== RUN", "shows no header", "PASS", "{\""} {
		if strings.Contains(out.String(), noise) {
			t.Errorf("%q is printed:\n%s", noise, &out)
		}
	}

	// The status, with a page beside what passed.
	fine := ask("-json", "./cmd/...", "./empty")
	for _, c := range []struct {
		row  string
		all  string
		ok   bool
		says string
	}{
		{"| LL-05 | done | `web/` | `TestRows/LL05_contact` |", fine, true, "231 rows, 1 done, 0 in part, 230 not yet; every test that it names passed"},
		{"| LL-06 | done | `web/` | `TestRows/LL06_header` |", fine, false, "LL-06 rests on TestRows/LL06_header, which did not run and pass"}, // it was skipped
		{"| LL-05 | done | `web/` | `TestRows/LL05_contact` |", fine + ask("-json", "./bad"), false, "two is wrong"},
	} {
		path := filepath.Join(t.TempDir(), "coverage.md")
		if err := os.WriteFile(path, []byte(whole(map[string]string{c.row[2:7]: c.row})), 0o644); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		ok, err := run(path, strings.NewReader(c.all), &out)
		if err != nil || ok != c.ok || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: %v %v, says\n%s", c.row, ok, err, &out)
		}
		if slow := regexp.MustCompile(`the slowest tests, in seconds:\n(?: +[0-9.]+  (?:bad|dragoman) Test(?:Bad|Fine|Rows)\n)+`); !slow.MatchString(out.String()) {
			t.Errorf("where the time went is not said:\n%s", &out)
		}
	}
}

// plain leaves out what differs from one run to the next.
func plain(said string) string {
	said = regexp.MustCompile(`\(?[0-9.]+s\)?|\(cached\)|0x[0-9a-f]+|goroutine [0-9]+|\+0x[0-9a-f]+`).ReplaceAllString(said, "")
	return regexp.MustCompile(`[ \t]+`).ReplaceAllString(said, " ")
}
