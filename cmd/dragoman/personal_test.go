package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// TestPersonalDataIsNowhereInClear plants a name, a telephone and a note and looks for them in the raw log files, in the raw events of $all,
// in the kept schema and in the server's log at its most talkative; the same search finds an unsealed control value. Then the booking is
// erased: history, rows and a rebuild show [erased], and verify is clean.
func TestPersonalDataIsNowhereInClear(t *testing.T) {
	t.Parallel()
	const name, telephone, note, control = "Xaverius Quillfeather", "0191 498 0777", "She hides at her aunt's in Whinfell", "CTRL-77-UNSEALED"
	data, database := t.TempDir(), postgres.TestURL(t)
	server := startProcess(t, "demo", "--small", "--data", data, "--database-url", database, "--listen", "127.0.0.1:0", "--log-level", "debug")
	customer, admin, auditor := signIn(t, server.base, "requestor"), signIn(t, server.base, "admin"), signIn(t, server.base, "auditor")
	assigner := signIn(t, server.base, "assigner")
	location := customer.get("/locations").items()[0]["id"].(string)
	wish := faceToFace(location, "2031-05-06T10:00", 60)
	fields := wish["fields"].(map[string]any)
	fields["nonEnglishSpeaker"], fields["telephone"], fields["jobNotes"] = name, telephone, note
	booked := customer.do("POST", "/bookings", wish)
	ref := booked.body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
	assigner.job(ref, "post-message", map[string]any{"text": note})
	admin.do("POST", "/clients", map[string]any{"customer": customer.get("/me").body["customer"], "name": control})

	seen := customer.get("/jobs/"+ref, assigner)
	if !strings.Contains(string(seen.raw), name) {
		t.Fatalf("the customer does not see the name that was sent: %s", seen.raw)
	}
	places := map[string][]byte{"the server's log": []byte(server.errOut.String()), "the raw events": rawEvents(t, data), "the kept schema": kept(t, database)}
	places["the log's files"] = files(t, filepath.Join(data, "log"))
	for place, content := range places {
		for _, planted := range []string{name, telephone, note} {
			if bytes.Contains(content, []byte(planted)) {
				t.Errorf("%s holds a planted value in clear", place)
			}
		}
	}
	for _, place := range []string{"the raw events", "the log's files"} {
		if !bytes.Contains(places[place], []byte(control)) {
			t.Errorf("the search does not find the unsealed control value in %s", place)
		}
	}
	if !bytes.Contains(places["the kept schema"], []byte("requestor")) {
		t.Error("the search does not find a login name in the kept schema")
	}
	if !strings.Contains(string(places["the server's log"]), "/api/v1/bookings") {
		t.Error("the server's log at debug level does not name the route that was called")
	}

	admin.do("POST", "/erasures", map[string]any{"booking": booked.body["bookingId"], "reason": "request"})
	check := func(when string) {
		t.Helper()
		for what, r := range map[string]reply{"the job": customer.get("/jobs/"+ref, admin), "the history": auditor.get("/jobs/"+ref+"/history", admin),
			"the messages": customer.get("/jobs/"+ref+"/messages", admin), "the list": customer.get("/jobs?q="+ref, admin)} {
			if strings.Contains(string(r.raw), "Quillfeather") || strings.Contains(string(r.raw), "Whinfell") || strings.Contains(string(r.raw), telephone) {
				t.Errorf("%s: %s shows what was erased: %s", when, what, r.raw)
			}
			if !strings.Contains(string(r.raw), "[erased]") {
				t.Errorf("%s: %s does not say [erased]: %s", when, what, r.raw)
			}
		}
	}
	check("after the erasure")
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"verify", "rebuild", "verify"} {
		if out, err := exec.Command(path, command, "--data", data, "--database-url", database).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
	check("after a rebuild")
}

// rawEvents is everything that the log holds, as any client of it reads it.
func rawEvents(t *testing.T, data string) []byte {
	t.Helper()
	var all []byte
	for _, e := range allEvents(t, data) {
		all = append(append(append(all, e.Stream...), e.Data...), e.Metadata...)
	}
	return all
}

// kept is every row of the kept schema as text.
func kept(t *testing.T, database string) []byte {
	t.Helper()
	pool, err := postgres.Open(t.Context(), database, postgres.PoolOptions{MaxConns: 1, Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	tables, err := pool.Query(t.Context(), `select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = 'kept'`)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for tables.Next() {
		var n string
		if err := tables.Scan(&n); err != nil {
			t.Fatal(err)
		}
		names = append(names, n)
	}
	var all []byte
	for _, n := range names {
		var text string
		if err := pool.QueryRow(t.Context(), `select coalesce(string_agg(r::text, ' '), '') from `+n+` r`).Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return all
}

// files is the content of every file under a folder.
func files(t *testing.T, folder string) []byte {
	t.Helper()
	var all []byte
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all = append(all, content...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
