package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dragoman-booking/dragoman/internal/accounts"
	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// tell runs a subcommand to its end, which must be a good one, and returns what it printed.
func tell(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, err := told(t, stdin, args...)
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return out
}

// told runs a subcommand to its end, which must come within some minutes.
func told(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	cmd := command(t, append(args, "--log-level", "error")...)
	late := time.AfterFunc(3*time.Minute, func() {
		t.Errorf("%s did not end", strings.Join(args, " "))
		_ = cmd.Process.Signal(os.Interrupt)
	})
	defer late.Stop()
	cmd.Stdin = strings.NewReader(stdin)
	var out, errOut strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if err != nil {
		return out.String(), &refusedStart{err, errOut.String()}
	}
	return out.String(), nil
}

// refusedStart is how a process ended and what it said about it.
type refusedStart struct {
	err  error
	said string
}

func (r *refusedStart) Error() string { return r.err.Error() + ": " + r.said }

// setUp makes the first admin with the command that an empty deployment prints.
func setUp(t *testing.T, server *process, name, password string) map[string]any {
	t.Helper()
	printed := curlLine.FindStringSubmatch(server.out.String())
	if printed == nil {
		t.Fatalf("an empty deployment prints no setup command: %s", server.out)
	}
	line := strings.Replace(strings.Replace(printed[1], "…", name, 1), "…", password, 1)
	out, err := exec.Command("bash", "-c", line+" -s").Output()
	if err != nil {
		t.Fatalf("the setup command: %v", err)
	}
	var answer map[string]any
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("the setup command answers %s (%v)", out, err)
	}
	return answer
}

var (
	curlLine  = regexp.MustCompile(`(?m)^ *(curl .*)$`)
	linkToken = regexp.MustCompile(`/password-link\?token=(\S+)`)
	apiToken  = regexp.MustCompile(`token (\S+): (\S+)`)
)

// TestSubcommands walks an operator's life with a real deployment, from the printed setup command on: every subcommand that works on a data
// folder is used while a server runs on it, told nothing but the folder, and while none does.
func TestSubcommands(t *testing.T) {
	t.Parallel()
	data, database, key := t.TempDir(), postgres.TestURL(t), filepath.Join(t.TempDir(), "elsewhere.key")
	stores := []string{"--data", data, "--database-url", database, "--master-key-file", key}
	start := func() *process {
		return startProcess(t, append(append([]string{"serve"}, stores...), "--listen", "127.0.0.1:0", "--log-level", "error")...)
	}
	server := start()

	// An empty deployment prints the command that makes the first admin. It works as it stands, with a name and a password put in, once.
	setup := func(name, password string) map[string]any { return setUp(t, server, name, password) }
	if refused := setup("boss", "short"); refused["status"] != 422.0 {
		t.Errorf("a short password: %v", refused)
	}
	if made := setup("boss", "correct horse battery"); made["id"] == nil {
		t.Fatalf("the setup command answers %v", made)
	}
	if again := setup("thief", "correct horse battery"); again["status"] != 422.0 || again["code"] != "bad-token" {
		t.Errorf("the setup command a second time: %v", again)
	}
	signInAs := func(name, password string) *client {
		t.Helper()
		c := &client{t: t, base: server.base}
		r := c.send("POST", "/api/v1/sessions", map[string]any{"username": name, "password": password}, nil)
		if r.status != http.StatusCreated {
			t.Fatalf("sign in as %s: %d %s", name, r.status, r.raw)
		}
		c.token = r.body["token"].(string)
		return c
	}
	admin := signInAs("boss", "correct horse battery")

	// redeem chooses a password with the link that `user add` printed.
	pool, err := postgres.Open(t.Context(), database, postgres.PoolOptions{MaxConns: 2, Name: "dragoman test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	logins := accounts.New(pool, accounts.Options{})
	redeem := func(printed, password string) {
		t.Helper()
		token := linkToken.FindStringSubmatch(printed)
		if token == nil {
			t.Fatalf("user add printed no link: %s", printed)
		}
		if _, err := logins.RedeemPasswordToken(context.Background(), token[1], password); err != nil {
			t.Fatal(err)
		}
	}

	// While the server runs.
	added := tell(t, "", "user", "add", "asha", "--name", "Asha Grant", "--email", "asha@agency.example", "--role", "assigner", "--data", data)
	if !strings.Contains(added, server.base+"/password-link?token=") {
		t.Errorf("user add does not name the server's portal: %s", added)
	}
	redeem(added, "a phrase of asha's own")
	assigner := signInAs("asha", "a phrase of asha's own")
	tell(t, "an issued password\n", "user", "password", "asha", "--data", data)
	if r := assigner.send("GET", "/api/v1/jobs", nil, nil); r.status != http.StatusUnauthorized {
		t.Errorf("a session from before the password was set: %d", r.status)
	}
	assigner = signInAs("asha", "an issued password")
	if r := assigner.send("GET", "/api/v1/jobs", nil, nil); r.status != http.StatusForbidden || r.body["code"] != "password-change-required" {
		t.Errorf("before the issued password is changed: %d %s", r.status, r.raw)
	}
	assigner.do("PUT", "/me/password", map[string]any{"current": "an issued password", "new": "another phrase of asha's"})

	customer := admin.do("POST", "/customers", map[string]any{"name": "Airedale Constabulary", "timeZone": "Europe/London"}).body["id"].(string)
	location := admin.do("POST", "/locations", map[string]any{"customer": customer, "name": "Elland Road",
		"address": map[string]any{"line1": "12 Elland Road", "town": "Leeds", "postcode": "LS11 8TU"}}).body["id"].(string)
	wish := faceToFace(location, "2031-06-03T10:00", 60)
	wish["customer"] = customer
	book := func() (booking, ref string) {
		t.Helper()
		booked := assigner.do("POST", "/bookings", wish)
		return booked.body["bookingId"].(string), booked.body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
	}
	booking, ref := book()
	otherBooking, otherRef := book()
	assigner.job(ref, "take", map[string]any{})

	token := apiToken.FindStringSubmatch(tell(t, "", "token", "create", "asha", "reports", "--data", data))
	if token == nil {
		t.Fatal("token create printed no token")
	}
	program := &client{t: t, base: server.base, token: token[2]}
	program.get("/jobs/"+ref, assigner)
	tell(t, "", "token", "revoke", "asha", token[1], "--data", data)
	if r := program.send("GET", "/api/v1/jobs", nil, nil); r.status != http.StatusUnauthorized {
		t.Errorf("a revoked token: %d", r.status)
	}

	replayed := func(args ...string) (types []string) {
		t.Helper()
		for _, line := range strings.Split(strings.TrimSpace(tell(t, "", append([]string{"replay", ref}, args...)...)), "\n") {
			var e struct{ Type string }
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatalf("replay prints %q", line)
			}
			types = append(types, e.Type)
		}
		return types
	}
	if got, want := replayed("--data", data), []string{"booking.created.v1", "booking.job-taken.v1"}; !slices.Equal(got, want) {
		t.Errorf("replay shows %v, want %v", got, want)
	}
	upkeep := func(args ...string) {
		t.Helper()
		if said := tell(t, "", append([]string{"migrate"}, args...)...); !strings.Contains(said, "up to date") {
			t.Errorf("migrate says %q", said)
		}
		for _, what := range [][]string{{"rebuild"}, {"verify"}, {"rebuild", "jobs"}} {
			said := tell(t, "", append(what, args...)...)
			if !strings.Contains(said, "jobs: ") || what[0] == "verify" && !strings.Contains(said, " 0 differences") {
				t.Errorf("%v says %q", what, said)
			}
		}
		if _, err := told(t, "", append([]string{"rebuild", "no-such-model"}, args...)...); err == nil {
			t.Error("an unknown read model is rebuilt")
		}
		if _, err := told(t, "", append([]string{"replay", "DTP999999"}, args...)...); err == nil {
			t.Error("an unknown job is replayed")
		}
	}
	upkeep("--data", data)
	if said := tell(t, "", "doctor", "--data", data); !strings.Contains(said, server.base) || strings.Count(said, "the running server's") != 2 || !strings.Contains(said, key) {
		t.Errorf("doctor says %q", said)
	}
	tell(t, "", "healthcheck", server.base+"/readyz")
	if _, err := told(t, "", "healthcheck", server.base+"/api/v1/jobs"); err == nil {
		t.Error("an address that answers 401 is healthy")
	}
	tell(t, "", "erase", "booking", booking, "--data", data)
	erased := func(ref string) {
		t.Helper()
		r := assigner.get("/jobs/"+ref, admin)
		for strings.Contains(string(r.raw), "Kowalski") { // the read models follow the erasure
			r = assigner.get("/jobs/"+ref, admin)
		}
		if !strings.Contains(string(r.raw), "[erased]") {
			t.Errorf("%s after its erasure: %s", ref, r.raw)
		}
	}
	erased(ref)
	if _, err := told(t, "", "eventstore", "--data", data, "--listen", "127.0.0.1:0"); err == nil || lineCount(err.(*refusedStart).said) != 1 {
		t.Errorf("the event log is served twice: %v", err)
	}
	server.stop(t)

	// While no server runs.
	upkeep(stores...)
	if got := replayed(stores...); !slices.Contains(got, "booking.person-erased.v1") {
		t.Errorf("replay shows %v", got)
	}
	if said := tell(t, "", append([]string{"doctor"}, stores...)...); !strings.Contains(said, "does not run") || !strings.Contains(said, "DATABASE_URL") {
		t.Errorf("doctor says %q", said)
	}
	redeem(tell(t, "", append([]string{"user", "add", "finn", "--name", "Finn", "--email", "finn@agency.example", "--role", "finance"}, stores...)...), "a phrase of finn's own")
	tell(t, "offline and issued\n", append([]string{"user", "password", "asha"}, stores...)...)
	token = apiToken.FindStringSubmatch(tell(t, "", append([]string{"token", "create", "boss", "offline"}, stores...)...))
	gone := apiToken.FindStringSubmatch(tell(t, "", append([]string{"token", "create", "boss", "gone"}, stores...)...))
	tell(t, "", append([]string{"token", "revoke", "boss", gone[1]}, stores...)...)
	tell(t, "", append([]string{"erase", "booking", otherBooking}, stores...)...)

	server = start()
	if said := server.out.String(); strings.Contains(said, "curl") {
		t.Errorf("a deployment with users prints a setup command: %s", said)
	}
	signInAs("finn", "a phrase of finn's own").get("/invoices")
	assigner = signInAs("asha", "offline and issued")
	assigner.do("PUT", "/me/password", map[string]any{"current": "offline and issued", "new": "the last phrase of asha's"})
	erased(otherRef)
	(&client{t: t, base: server.base, token: token[2]}).get("/customers")
	if r := (&client{t: t, base: server.base, token: gone[2]}).send("GET", "/api/v1/customers", nil, nil); r.status != http.StatusUnauthorized {
		t.Errorf("a token revoked offline: %d", r.status)
	}
	server.stop(t)
}
