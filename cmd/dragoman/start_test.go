package main

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStartsFromAPrivateHome: with nothing configured and the data folder under a home that only its owner may enter, the demo reaches
// /readyz on a private cluster and the embedded log; a second start fills nothing; a busy folder and a busy port are one sentence each.
func TestStartsFromAPrivateHome(t *testing.T) {
	t.Parallel()
	home := filepath.Join(t.TempDir(), "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(home, "clone", "data")
	args := []string{"demo", "--small", "--data", data, "--listen", "127.0.0.1:0", "--log-level", "error"}
	server := startProcess(t, args...)
	if r := (&client{t: t, base: server.base}).send("GET", "/readyz", nil, nil); r.status != http.StatusOK {
		t.Fatalf("/readyz: %d %s", r.status, r.raw)
	}
	jobs := signIn(t, server.base, "assigner").get("/jobs").body["total"]

	busyFolder := spawn(t, args...)
	if err := busyFolder.end(t); err == nil || lineCount(busyFolder.errOut.String()) != 1 {
		t.Errorf("a second server on the folder ended with %v and said: %s", err, busyFolder.errOut)
	}
	_, port, err := net.SplitHostPort(strings.TrimPrefix(server.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	busyPort := spawn(t, "demo", "--small", "--data", filepath.Join(home, "other"), "--listen", "127.0.0.1:"+port, "--log-level", "error")
	if err := busyPort.end(t); err == nil || lineCount(busyPort.errOut.String()) != 1 || !strings.Contains(busyPort.errOut.String(), port) {
		t.Errorf("a server on the busy port ended with %v and said: %s", err, busyPort.errOut)
	}
	server.stop(t)

	again := startProcess(t, args...)
	if now := signIn(t, again.base, "assigner").get("/jobs").body["total"]; now != jobs {
		t.Errorf("after a second start there are %v jobs, before it %v", now, jobs)
	}
	again.stop(t)
	if _, err := os.Stat(filepath.Join(data, "run.json")); !os.IsNotExist(err) {
		t.Errorf("run.json is left after an orderly stop: %v", err)
	}
}

// TestConfigurationNamesEveryFault: all that is wrong is said at once.
func TestConfigurationNamesEveryFault(t *testing.T) {
	t.Parallel()
	c := Config{Listen: "nowhere", Data: "", EventStoreURL: "http://x", DatabaseURL: "mysql://x", MinFreeDisk: "much", Dev: true}
	err := c.Validate()
	if err == nil {
		t.Fatal("a configuration full of faults is accepted")
	}
	for _, word := range []string{"--listen", "--dev", "EVENTSTORE_URL", "DATABASE_URL", "MIN_FREE_DISK", "--data"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the fault of %s is not named in: %v", word, err)
		}
	}
	if err := (Config{Listen: "127.0.0.1:0", Data: t.TempDir(), MinFreeDisk: "512MB"}).Validate(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
	for said, want := range map[string]string{"": nodeAddress, portalAddress: portalAddress} { // what is said is meant, also where others have it by default
		if got := (&Config{Listen: said}).address(nodeAddress); got != want {
			t.Errorf("the event log told %q listens on %s, want %s", said, got, want)
		}
	}
}

func lineCount(s string) int { return len(strings.Split(strings.TrimSpace(s), "\n")) }
