package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestReadmeNamesEveryFlagAndSubcommand holds the README against the command line as it is.
func TestReadmeNamesEveryFlagAndSubcommand(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(page)
	var c cli
	parser, err := kong.New(&c, kong.Name("dragoman"))
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range parser.Model.Flags {
		if flag.Name == "help" {
			continue
		}
		row := "| `--" + flag.Name + "` |"
		for _, env := range flag.Envs {
			row += " `" + env + "` |"
		}
		if !strings.Contains(readme, row) {
			t.Errorf("the README has no row %s", row)
		}
	}
	for _, leaf := range parser.Model.Leaves(true) {
		name := strings.TrimSuffix(leaf.Path(), " serve") // the default of eventstore
		if fields := strings.Fields(name); len(fields) > 1 && fields[0] == "dragoman" {
			name = strings.Join(fields[1:], " ")
		}
		if !strings.Contains(readme, "`"+name+"`") {
			t.Errorf("the README does not name the subcommand %s", name)
		}
	}
}

var (
	saidRow     = regexp.MustCompile("(?m)^\\| ((?:`[^`]+`(?:, )?)+) \\| ")
	quotedWords = regexp.MustCompile("`([^`]+)`")
	proof       = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9_]+`)
	link        = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
)

// TestLinksOfTheDocsLead: every relative link of the README and of docs/ leads to a file.
func TestLinksOfTheDocsLead(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, page := range docPages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range link.FindAllStringSubmatch(string(text), -1) {
			checked++
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), found[1])); err != nil {
				t.Errorf("%s leads to %s, which is not there", page, found[1])
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d links were found", checked)
	}
}

// TestEveryNamedProofIsThere: every test that the README and docs/ name exists.
func TestEveryNamedProofIsThere(t *testing.T) {
	t.Parallel()
	var tests strings.Builder
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "node_modules" {
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		tests.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, page := range docPages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range proof.FindAllString(string(text), -1) {
			if name == "TestName" || strings.HasSuffix(name, "_") { // patterns of names
				continue
			}
			checked++
			if !strings.Contains(tests.String(), "\nfunc "+name+"(") {
				t.Errorf("%s names %s, which is not there", page, name)
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d names of tests were found", checked)
	}
}

// docPages are the README and the pages of docs/.
func docPages(t *testing.T) []string {
	t.Helper()
	pages := []string{"../../README.md"}
	for _, pattern := range []string{"../../docs/*.md", "../../docs/adr/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	return pages
}

// TestEveryNamedFailureIsSaid: what docs/operations.md tells an operator to look for is what the program says, to the letter.
func TestEveryNamedFailureIsSaid(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(page), "| it says | do |")
	table, _, _ = strings.Cut(table, "While it runs")
	if !found {
		t.Fatal("the table of failures is gone")
	}
	_, stopped, found := strings.Cut(string(page), "### When a read model or a reaction stops")
	stopped, _, _ = strings.Cut(stopped, "\n#")
	if !found {
		t.Fatal("what to do when a read model stops is gone")
	}
	var said strings.Builder
	for _, room := range []string{"*.go", "../../internal/*/*.go", "../../internal/*/*/*.go", "../../projections/*.go", "../../reactions/*.go", "../../httpapi/*.go"} {
		files, err := filepath.Glob(room)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(file, "_test.go") {
				said.Write(text)
			}
		}
	}
	rows := saidRow.FindAllStringSubmatch(table, -1)
	if len(rows) < 15 {
		t.Fatalf("only %d rows in the table of failures", len(rows))
	}
	for _, row := range rows {
		for _, words := range quotedWords.FindAllStringSubmatch(row[1], -1) {
			for part := range strings.SplitSeq(words[1], "…") {
				if part = strings.TrimSpace(part); !strings.Contains(said.String(), part) {
					t.Errorf("nothing says %q, of %q", part, words[1])
				}
			}
		}
	}

	alarms, err := os.ReadFile("../../deploy/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	sentences := 0
	for _, words := range quotedWords.FindAllStringSubmatch(stopped, -1) {
		switch part := strings.TrimSpace(strings.TrimSuffix(words[1], "…")); {
		case strings.HasPrefix(part, "Dragoman"):
			if !strings.Contains(string(alarms), "alert: "+part+"\n") {
				t.Errorf("there is no alarm %s", part)
			}
		case strings.Contains(part, " "):
			if sentences++; !strings.Contains(said.String(), part) {
				t.Errorf("nothing says %q", part)
			}
		}
	}
	if sentences < 5 {
		t.Errorf("only %d sentences are named for a read model that stops", sentences)
	}
}
