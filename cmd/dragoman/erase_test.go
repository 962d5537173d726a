package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// TestErasedInOneProcessForgottenInAll: two servers on one log and database. What one of them keeps folded in memory of a booking it drops when
// the other erases the booking's person: the next command there folds the stream anew, and its histories read [erased].
func TestErasedInOneProcessForgottenInAll(t *testing.T) {
	t.Parallel()
	data, database := t.TempDir(), postgres.TestURL(t)
	first := startInProcess(t, "demo", "--small", "--data", data, "--database-url", database)
	run, ok := running(data)
	if !ok {
		t.Fatal("the first server wrote no run.json")
	}
	second := startInProcess(t, "serve", "--data", t.TempDir(), "--database-url", database, "--eventstore-url", run.EventLog,
		"--master-key-file", filepath.Join(data, "master.key"))

	// The test clock's door is the demo's; a server that serves for real has no such path.
	problemIs(t, "the test clock of the second server", (&client{t: t, base: second}).send("PUT", "/dev/clock", map[string]any{"now": "2020-03-24T15:46:00Z"}, nil), 404, "not-found")

	admin := signIn(t, first, "admin")
	customer, assigner, auditor := signIn(t, second, "requestor"), signIn(t, second, "assigner"), signIn(t, second, "auditor")
	location := customer.get("/locations").items()[0]["id"].(string)
	booked := customer.do("POST", "/bookings", faceToFace(location, "2031-05-06T10:00", 60))
	ref := booked.body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
	assigner.job(ref, "take", map[string]any{})
	if seen := auditor.get("/jobs/"+ref+"/history", assigner); !strings.Contains(string(seen.raw), "Jan Kowalski") {
		t.Fatalf("before the erasure the history does not hold the name: %s", seen.raw)
	}

	admin.do("POST", "/erasures", map[string]any{"booking": booked.body["bookingId"], "reason": "request"})
	erasedAt := scrape(t, first)["dragoman_log_position"]
	for late := time.After(30 * time.Second); scrape(t, second)["dragoman_feed_position"] < erasedAt; {
		select {
		case <-late:
			t.Fatal("the second server's feed did not see the erasure")
		case <-time.After(10 * time.Millisecond):
		}
	}

	const memory, log = `dragoman_folds_total{from="memory",kind="booking"}`, `dragoman_folds_total{from="log",kind="booking"}`
	before := scrape(t, second)
	assigner.job(ref, "release", map[string]any{})
	after := scrape(t, second)
	if after[memory] != before[memory] || after[log] != before[log]+1 {
		t.Errorf("the next command took %v folds from memory and %v from the log, want none and one", after[memory]-before[memory], after[log]-before[log])
	}
	for _, path := range []string{"/jobs/" + ref + "/history", "/jobs/" + ref, "/jobs/" + ref + "?asOf=2099-01-01T00:00:00Z"} {
		seen := auditor.get(path, assigner)
		if strings.Contains(string(seen.raw), "Kowalski") || !strings.Contains(string(seen.raw), "[erased]") {
			t.Errorf("%s on the second server: %s", path, seen.raw)
		}
	}
}
