package web

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/net/html"

	"github.com/dragoman-booking/dragoman/domain"
)

// prose is what only a person reads: words with a space beside them.
var prose = regexp.MustCompile(`\pL{2,} |[^%\w/.;:,-]\pL{2,} | \pL{2,}`)

// unread are the calls whose texts no visitor of a page reads: faults and the log.
var unread = []string{"Errorf", "New", "Error", "ErrorContext", "WarnContext", "InfoContext", "Set", "panic", "MustCompile"}

// TestEveryWordIsInTheMessageFiles: neither Go nor templates nor scripts hold a text of a page; all come from messages/, so that another
// language is a file.
func TestEveryWordIsInTheMessageFiles(t *testing.T) {
	t.Parallel()
	for _, file := range glob(t, "*.go") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ImportSpec:
				return false
			case *ast.Field:
				return n.Tag == nil // of a struct: it names JSON
			case *ast.CallExpr:
				return !slices.Contains(unread, calledName(n))
			case *ast.BasicLit:
				if text := literal(n); n.Kind == token.STRING && prose.MatchString(text) && !strings.HasPrefix(text, "default-src") && !isCSS(text) {
					t.Errorf("%s: the text %q belongs to messages/", fset.Position(n.Pos()), text)
				}
			}
			return true
		})
	}
	markup := regexp.MustCompile(`^\s*(<|[a-z-]+=")`) // of a part that is put into a tag, or for browsers without script
	actions := regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	for _, file := range append(glob(t, "templates/*.html"), glob(t, "templates/parts/*.html")...) {
		source := readFile(t, file)
		for _, action := range actions.FindAllString(source, -1) {
			for _, quoted := range regexp.MustCompile(`"[^"]*"`).FindAllString(action, -1) {
				if text := strings.Trim(quoted, `"`); prose.MatchString(text) && !strings.HasPrefix(action, "{{/*") {
					t.Errorf("%s: the text %q belongs to messages/", file, text)
				}
			}
		}
		words := html.NewTokenizer(strings.NewReader(actions.ReplaceAllString(source, "")))
		for words.Next() != html.ErrorToken {
			n := words.Token()
			if n.Type == html.TextToken && regexp.MustCompile(`\pL`).MatchString(n.Data) && !markup.MatchString(n.Data) {
				t.Errorf("%s: the text %q belongs to messages/", file, strings.TrimSpace(n.Data))
			}
			for _, a := range n.Attr {
				if slices.Contains([]string{"title", "alt", "placeholder", "aria-label", "aria-description"}, a.Key) && regexp.MustCompile(`\pL`).MatchString(a.Val) {
					t.Errorf("%s: the %s %q belongs to messages/", file, a.Key, a.Val)
				}
			}
		}
	}
	said := regexp.MustCompile(`(?m)'[^'\n]*'`)
	for _, file := range glob(t, "src/*.ts") {
		for i, line := range strings.Split(readFile(t, file), "\n") {
			line, _, _ = strings.Cut(line, " // ")
			if strings.HasPrefix(strings.TrimSpace(line), "//") || strings.Contains(line, "new Error(") || strings.Contains(line, "querySelector") || strings.Contains(line, "className") ||
				strings.Contains(line, "closest(") || strings.Contains(line, "matches(") || strings.Contains(line, "matchMedia(") || strings.Contains(line, "rootMargin") {
				continue
			}
			for _, text := range said.FindAllString(line, -1) {
				if prose.MatchString(text) {
					t.Errorf("%s:%d: the text %s belongs to messages/", file, i+1, text)
				}
			}
		}
	}
}

func calledName(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

func literal(l *ast.BasicLit) string {
	text, err := strconv.Unquote(l.Value)
	if err != nil {
		return ""
	}
	return text
}

// isCSS tells the one text of ours that is a stylesheet.
func isCSS(text string) bool { return strings.Contains(text, "{ ") }

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(files), err)
	}
	return files
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestMessages: no key stands twice in the file, each text that is asked for is there, and each that is there is asked for.
func TestMessages(t *testing.T) {
	t.Parallel()
	keys := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^ "([^"]+)":`).FindAllStringSubmatch(readFile(t, "messages/en.json"), -1) {
		if keys[m[1]] {
			t.Errorf("%s stands twice", m[1])
		}
		keys[m[1]] = true
	}
	var words map[string]string
	if err := json.Unmarshal([]byte(readFile(t, "messages/en.json")), &words); err != nil || len(words) != len(keys) {
		t.Fatalf("%d texts, %d keys: %v", len(words), len(keys), err)
	}
	asked, prefixes := map[string]bool{}, map[string]bool{}
	for _, m := range regexp.MustCompile(`\bt "([a-z]+)"`).FindAllStringSubmatch(readFile(t, "templates/layout.html"), -1) {
		asked[m[1]] = true
	}
	key := regexp.MustCompile(`"( ?[a-z][a-zA-Z-]*\.[a-zA-Z0-9.-]*)(%[a-z])?"`)
	for _, file := range slices.Concat(glob(t, "*.go"), glob(t, "templates/*.html"), glob(t, "templates/parts/*.html")) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range key.FindAllStringSubmatch(readFile(t, file), -1) {
			if strings.HasSuffix(m[1], ".") || strings.HasSuffix(m[1], "-") || m[2] != "" {
				prefixes[m[1]] = true
			} else {
				asked[m[1]] = true
			}
		}
	}
	begun := func(name string) bool {
		for prefix := range prefixes {
			if strings.HasPrefix(name, prefix) && name != prefix {
				return true
			}
		}
		return false
	}
	for name := range keys {
		if !asked[name] && !asked[strings.TrimSuffix(name, "s")] && !begun(name) && !strings.HasPrefix(name, "done.") && !strings.HasPrefix(name, "warning.") {
			t.Errorf("nobody asks for the text %s", name)
		}
	}
	call := regexp.MustCompile(`(?:\bt|\.say\(|\bs\.text\(|\bsaid) "([a-z][a-zA-Z-]*\.[a-zA-Z0-9.-]*[a-zA-Z0-9])"`)
	for _, file := range slices.Concat(glob(t, "*.go"), glob(t, "templates/*.html"), glob(t, "templates/parts/*.html")) {
		for _, m := range call.FindAllStringSubmatch(strings.ReplaceAll(readFile(t, file), `("`, `( "`), -1) {
			if !keys[m[1]] && !strings.HasSuffix(file, "_test.go") {
				t.Errorf("%s asks for the text %s, which there is not", file, m[1])
			}
		}
	}
}

// TestAnotherLanguage: a second file of messages is a second language: pages are said in what a browser asks for, with English where a text is
// lacking; days and months have their own names, and what a rule refused is said by its English text.
func TestAnotherLanguage(t *testing.T) {
	t.Parallel()
	here := fstest.MapFS{"messages/cy.json": {Data: []byte(`{"nav.home": "Hafan", "error.title": "Ni weithiodd hynny", "length.hr": "%d awr", "Monday": "Dydd Llun", "Mon": "Llun",
		"June": "Mehefin", "There is no such job.": "Nid oes swydd o'r fath."}`)}}
	for _, pattern := range []string{"messages/*", "templates/*.html", "templates/parts/*.html"} {
		files, err := fs.Glob(texts, pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			here[file] = &fstest.MapFile{Data: []byte(readFile(t, file))}
		}
	}
	a, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	v, err := loadViews(here, a)
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]string{"": "en", "cy": "cy", "cy-GB,en;q=0.5": "cy", "en-GB,cy;q=0.3": "en", "fr": "en", "no;;such": "en"} {
		r := &http.Request{Header: http.Header{"Accept-Language": {header}}}
		if got := v.spoken(r).lang; got != want {
			t.Errorf("asked for %q it speaks %s", header, got)
		}
	}
	cy, en := v.tongues["cy"], v.tongues["en"]
	at := time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)
	for _, c := range [][2]string{{cy.day("weekday", at), "Dydd Llun 1 Mehefin 2026"}, {cy.day("short-day", at), "Llun 1 Jun"}, {cy.length(60), "1 awr"}, {cy.length(61), "1 awr 1 min"},
		{cy.said("There is no such job."), "Nid oes swydd o'r fath."}, {en.said("There is no such job."), "There is no such job."}, {cy.say("nav.book"), "Make a booking"},
		{en.day("weekday", at), "Monday 1 June 2026"}, {en.length(0), "0 mins"}, {en.length(150), "2 hrs 30 mins"}, {en.span(26 * time.Hour), "1 day 2 hours"}, {en.span(0), "less than a minute"},
		{en.brief(47 * time.Hour), "47 hrs"}, {en.brief(49 * time.Hour), "2 days"}, {en.between(at, at.Add(time.Hour)), "09:00 to 10:00"},
		{en.between(at, at.Add(24*time.Hour)), "01/06/2026 09:00 to 02/06/2026 09:00"}, {en.outcome("complete", domain.ClientNoShow), "complete: client no show"}} {
		if c[0] != c[1] {
			t.Errorf("it says %q, want %q", c[0], c[1])
		}
	}
	var page strings.Builder
	if err := cy.pages["error"].ExecuteTemplate(&page, "layout", frame{Lang: "cy", Body: struct{ Title, Text, Detail string }{Title: "error.title", Detail: "There is no such job."}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<html lang="cy">`, "Ni weithiodd hynny", "Nid oes swydd", "Skip to the content"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q: %s", want, page.String())
		}
	}
}
