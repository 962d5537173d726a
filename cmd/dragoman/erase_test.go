package main

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/eventschema"
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

// TestKilledBetweenErasureAndKey: a server is killed after the log has taken the erasures of a booking's person and of a user, and before a key
// is destroyed or a login ended. The next start finishes both.
func TestKilledBetweenErasureAndKey(t *testing.T) {
	t.Parallel()
	data, database := t.TempDir(), postgres.TestURL(t)
	args := []string{"demo", "--small", "--data", data, "--database-url", database, "--listen", "127.0.0.1:0", "--log-level", "error"}
	server := startProcess(t, args...)
	admin, customer, auditor := signIn(t, server.base, "admin"), signIn(t, server.base, "requestor"), signIn(t, server.base, "auditor")
	location := customer.get("/locations").items()[0]["id"].(string)
	booked := customer.do("POST", "/bookings", faceToFace(location, "2031-05-06T10:00", 60))
	ref := refOf(booked)
	user, _ := newcomer(t, admin, map[string]any{"username": "leaver", "name": "Lena Leaver", "email": "lena@x.example", "role": "assigner"})
	auditor.get("/jobs/"+ref, customer)

	db, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(context.Background()) })
	count := func(sql string, args ...any) (n int) {
		t.Helper()
		if err := db.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const erased, logins = `select count(*) from kept.personal_keys where state = 'erased'`, `select count(*) from kept.credentials where user_id = $1`
	// Who would destroy a key or end a login waits for this transaction.
	block, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := block.Exec(t.Context(), `lock table kept.personal_keys, kept.credentials in share row exclusive mode`); err != nil {
		t.Fatal(err)
	}
	var asked sync.WaitGroup
	for _, body := range []map[string]any{{"booking": booked.body["bookingId"], "reason": "request"}, {"user": user, "reason": "request"}} {
		asked.Go(func() { _, _ = admin.try("POST", "/api/v1/erasures", body, nil) }) // nobody will answer
	}
	log := logOf(t, data)
	soon(t, "both erasures are in the log", func() bool {
		n := 0
		err := log.ReadAll(t.Context(), eventschema.Position{}, func(e eventschema.Stored) error {
			if strings.Contains(e.Type, ".person-erased.") {
				n++
			}
			return nil
		})
		return err == nil && n == 2
	})
	server.kill()
	asked.Wait()
	// The database would still do what the dead server asked of it, once the locks are gone.
	if _, err := block.Exec(t.Context(), `select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`); err != nil {
		t.Fatal(err)
	}
	if err := block.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if keys, left := count(erased), count(logins, user); keys != 0 || left != 1 {
		t.Fatalf("%d keys are destroyed and %d logins left before the next start; the kill came too late", keys, left)
	}

	server = startProcess(t, args...)
	soon(t, "both keys are destroyed and the login has ended", func() bool { return count(erased) == 2 && count(logins, user) == 0 })
	soon(t, "the reaction and the jobs stand at the log's end", func() bool { // the kill may have come before the jobs knew of the erasures
		seen := scrape(t, server.base)
		return seen[`dragoman_reaction_position{reaction="erasures"}`] == seen["dragoman_log_position"] &&
			seen[`dragoman_read_model_position{model="jobs"}`] == seen["dragoman_log_position"]
	})
	auditor = signIn(t, server.base, "auditor")
	for _, path := range []string{"/jobs/" + ref + "/history", "/jobs/" + ref} {
		if seen := auditor.get(path); strings.Contains(string(seen.raw), "Kowalski") || !strings.Contains(string(seen.raw), "[erased]") {
			t.Errorf("%s still tells of the person: %s", path, seen.raw)
		}
	}
	problemIs(t, "the erased user's sign-in", (&client{t: t, base: server.base}).send("POST", "/api/v1/sessions", map[string]any{"username": "leaver", "password": "dragoman-demo"}, nil),
		401, "not-signed-in")
	server.stop(t)
}
