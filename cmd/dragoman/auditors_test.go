package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var auditBlock = regexp.MustCompile("(?s)```sh audit\n(.*?)```")

// TestAuditorsPage runs the commands of docs/auditors.md as they stand there, after the README's tour, as one shell session; and what replay
// prints is what the API answers, to the last field.
func TestAuditorsPage(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	script := "set -euo pipefail\n" + commandsIn(t, "../../README.md", tourBlock) + "echo BEGIN\n" + commandsIn(t, "../../docs/auditors.md", auditBlock)
	base, data := startDemoIn(t)
	cmd := exec.Command("bash", "-c", script)
	cmd.Env = append(os.Environ(), "BASE="+base, "DATA="+data, "DRAGOMAN="+path, "LOG_LEVEL=error")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the page's commands ended with %v:\n%s", err, out)
	}
	_, said, _ := strings.Cut(string(out), "BEGIN\n")
	for _, want := range []string{"API and log agree", `"nonEnglishSpeaker":"Jan Kowalski"`, `"nonEnglishSpeaker":{"$sealed":`, `"status":"assigned"`,
		`"status":"complete"`, "\n404\n", "in order", "the revision is the last number", "jobs: generation 1", "0 gaps", `"nonEnglishSpeaker":"[erased]"`,
		"not a byte has changed", "booking.person-erased.v1", "and the read models agree"} {
		if !strings.Contains(said, want) {
			t.Errorf("the page's commands never show %s:\n%s", want, said)
		}
	}

	var answered struct{ Items []any }
	auditor := signIn(t, base, "auditor")
	if err := json.Unmarshal(auditor.get("/jobs/DTP100001/history").raw, &answered); err != nil {
		t.Fatal(err)
	}
	var printed []any
	for line := range strings.Lines(tell(t, "", "replay", "DTP100001", "--data", data)) {
		var event any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatal(err)
		}
		printed = append(printed, event)
	}
	if len(printed) < 6 || !reflect.DeepEqual(printed, answered.Items) {
		t.Errorf("replay prints\n%v\nthe API answers\n%v", printed, answered.Items)
	}
}

// commandsIn are a page's commands, in order.
func commandsIn(t *testing.T, file string, blocks *regexp.Regexp) (script string) {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := blocks.FindAllStringSubmatch(string(page), -1)
	if len(found) < 5 {
		t.Fatalf("%s has only %d blocks of commands", file, len(found))
	}
	for _, block := range found {
		script += block[1]
	}
	return script
}
