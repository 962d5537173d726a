package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var tourBlock = regexp.MustCompile("(?s)```sh tour\n(.*?)```")

// TestReadmeTour runs the README's ten-minute tour as it stands there, as one shell session.
func TestReadmeTour(t *testing.T) {
	t.Parallel()
	script := "set -euo pipefail\n" + commandsIn(t, "../../README.md", tourBlock)
	cmd := exec.Command("bash", "-c", script)
	cmd.Env = append(os.Environ(), "BASE="+startDemo(t))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the tour ended with %v:\n%s", err, out)
	}
	for _, want := range []string{`"status":"complete"`, "changed from ongoing to complete: success", "Assigned LIN/5455/5J71Y to job", `"tiles":`, `"total":1`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the tour never shows %s:\n%s", want, out)
		}
	}
}
