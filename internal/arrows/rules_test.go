package arrows

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	ruleID  = regexp.MustCompile(`\b(II|LL|FS|ES|WB|D|G)-[0-9]{2,3}\b`)
	ruleRow = regexp.MustCompile(`(?m)^\| ((?:II|LL|FS|ES|WB|D|G)-[0-9]{2,3}) \|`)
)

// TestRulesAreExplained: whoever meets a rule's id in the code finds its sentence in docs/rules.md.
func TestRulesAreExplained(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	var explained []string
	for _, row := range ruleRow.FindAllStringSubmatch(string(page), -1) {
		explained = append(explained, row[1])
	}
	files, err := exec.Command("git", "-C", "../..", "ls-files", "*.go", "*.sql").Output()
	if err != nil {
		t.Fatalf("list files: %v", err)
	}
	missing := map[string]string{}
	for _, name := range strings.Fields(string(files)) {
		content, err := os.ReadFile("../../" + name)
		if err != nil {
			continue // deleted but not yet committed
		}
		for _, id := range ruleID.FindAllString(string(content), -1) {
			if !slices.Contains(explained, id) {
				missing[id] = name
			}
		}
	}
	for id, name := range missing {
		t.Errorf("%s is cited in %s and not explained in docs/rules.md", id, name)
	}
}
