package main

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// TestEveryRoleOnEveryRoute walks the table of httpapi/testdata/roles.txt over HTTP: who may what, on whose things. A route without a row
// fails, a row without a route fails, a refused write appends nothing to the log, and neither does a preview, which is permitted to the same.
func TestEveryRoleOnEveryRoute(t *testing.T) {
	t.Parallel()
	columns, rows := roleTable(t, "../../httpapi/testdata/roles.txt")
	base, data := startDemoIn(t)
	w := newRoleWorld(t, base)
	served := w.routes()
	rows = heldAgainst(t, rows, served)
	newest := newestOf(t, data)
	for _, row := range rows {
		path := w.fill(row)
		for i, persona := range columns {
			if row.want[i] == "-" {
				continue
			}
			c := w.people[persona]
			body := w.body(row, persona)
			before := newest()
			if row.method != "GET" {
				seen := c.send(row.method, path+"?preview=true", body, nil)
				if got := map[int]string{401: "1", 403: "3", 404: "4"}[seen.status]; got != strings.Trim(row.want[i], "o") || seen.status >= 500 {
					t.Errorf("preview of %s %s by %s: %d %s, want %s", row.method, path, persona, seen.status, strings.TrimSpace(string(seen.raw)), row.want[i])
				}
				if newest() != before {
					t.Errorf("the preview of %s %s by %s appended something", row.method, path, persona)
				}
			}
			r := c.send(row.method, path, body, nil)
			if row.path == "/sessions/current" && persona != "guest" {
				w.again(persona) // that was the session
			}
			got := map[int]string{401: "1", 403: "3", 404: "4"}[r.status]
			if got == "" && r.status < 500 {
				got = "o"
			}
			if got != row.want[i] {
				t.Errorf("%s %s by %s: %d %s, want %s", row.method, path, persona, r.status, strings.TrimSpace(string(r.raw)), row.want[i])
			}
			if row.method != "GET" && got != "o" && newest() != before {
				t.Errorf("%s %s by %s was refused and yet appended something", row.method, path, persona)
			}
		}
	}
}

type roleRow struct {
	method, path string
	want         []string
}

// heldAgainst are the rows whose route is served; every other row, and every route without one, is a fault.
func heldAgainst(t *testing.T, rows []roleRow, served [][2]string) (known []roleRow) {
	t.Helper()
	same := func(row roleRow, route [2]string) bool {
		return row.method == route[0] && generic(row.path) == generic(route[1])
	}
	for _, route := range served {
		if !slices.ContainsFunc(rows, func(r roleRow) bool { return same(r, route) }) {
			t.Errorf("%s %s has no row in the table", route[0], route[1])
		}
	}
	for _, row := range rows {
		if slices.ContainsFunc(served, func(route [2]string) bool { return same(row, route) }) {
			known = append(known, row)
		} else {
			t.Errorf("%s %s has a row but is not served", row.method, row.path)
		}
	}
	return known
}

// newestOf asks a running server's log for the position of its newest event.
func newestOf(t *testing.T, data string) func() eventschema.Position {
	t.Helper()
	log := logOf(t, data)
	return func() eventschema.Position {
		p, err := log.Newest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
}

func roleTable(t *testing.T, file string) (columns []string, rows []roleRow) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(content), "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case words[0] == "route":
			columns = words[1:]
		default:
			if len(words) != 2+len(columns) {
				t.Fatalf("row %q has %d cells for %d columns", line, len(words)-2, len(columns))
			}
			rows = append(rows, roleRow{words[0], words[1], words[2:]})
		}
	}
	return columns, rows
}

// generic makes all names of path parameters one, so that the table may say whose id is meant.
func generic(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") {
			parts[i] = "{}"
		}
	}
	return strings.Join(parts, "/")
}

// roleWorld is one of everything that the routes are about.
type roleWorld struct {
	t                                                      *testing.T
	base                                                   string
	people                                                 map[string]*client
	users                                                  map[string]string // persona → user name
	location, elsewhere, customer, clientID, invoice, user string
	feed, secret                                           string // of the interpreter "has"
	job                                                    string // as the row at hand sees it
	made                                                   int
}

const (
	hasLIN  = "LIN/5455/5J71Y"
	hadLIN  = "LIN/5466/5J71X"
	noneLIN = "LIN/1021/7K22A"
)

func newRoleWorld(t *testing.T, base string) *roleWorld {
	w := &roleWorld{t: t, base: base, people: map[string]*client{"guest": {t: t, base: base}}, users: map[string]string{
		"own": "requestor", "other": "requestor2", "asgn": "assigner", "fin": "finance", "adm": "admin", "safe": "safeguarding", "aud": "auditor",
		"anl": "analyst", "has": "interpreter", "had": "interpreter2"}}
	for persona := range w.users {
		w.again(persona)
	}
	own, admin := w.people["own"], w.people["adm"]
	places := own.get("/locations").items()
	w.location, w.elsewhere = places[0]["id"].(string), places[1]["id"].(string)
	w.customer = places[0]["customer"].(string)
	w.clientID = own.get("/clients").items()[0]["id"].(string)
	add := func(persona, role string, more map[string]any) {
		body := map[string]any{"username": "role-" + persona, "name": "Role " + persona, "email": persona + "@roles.example", "role": role}
		for k, v := range more {
			body[k] = v
		}
		id, _ := newcomer(t, admin, body)
		if persona == "victim" {
			w.user = id
		}
		w.users[persona] = "role-" + persona
		w.again(persona)
	}
	add("bare", "requestor", map[string]any{"customer": w.customer})
	all := []string{"create", "edit", "close", "cancel", "reports", "financials", "edit-locations"}
	add("far", "requestor", map[string]any{"customer": w.customer, "permissions": all, "locations": []string{w.elsewhere}})
	add("cadm", "customer-admin", map[string]any{"customer": w.customer})
	add("victim", "requestor", map[string]any{"customer": w.customer})
	add("none", "interpreter", map[string]any{"interpreter": noneLIN})
	w.invoice = w.issue()
	feed := w.people["has"].do("POST", "/me/feeds", map[string]any{"level": "busy"})
	w.feed, w.secret = feed.body["id"].(string), strings.TrimSuffix(strings.TrimPrefix(feed.body["address"].(string), "/api/v1/feeds/"), ".ics")
	return w
}

// again signs a persona in afresh.
func (w *roleWorld) again(persona string) *client {
	w.people[persona] = signIn(w.t, w.base, w.users[persona])
	return w.people[persona]
}

// assigned makes a job of the own customer that "has" was assigned and "had" was offered.
func (w *roleWorld) assigned() string {
	own, asgn := w.people["own"], w.people["asgn"]
	w.made++
	start := fmt.Sprintf("2032-%02d-%02dT%02d:00", 1+w.made/280%12, 1+w.made/10%28, 8+w.made%10)
	booked := own.do("POST", "/bookings", faceToFace(w.location, start, 30))
	ref := booked.body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
	asgn.job(ref, "send-offer", map[string]any{"interpreters": []string{hasLIN, hadLIN}})
	asgn.job(ref, "assign", map[string]any{"interpreter": hasLIN})
	return ref
}

// shown waits until the pages show the job that was just made: each read model goes at its own pace.
func (w *roleWorld) shown() {
	for _, part := range []string{"", "/messages", "/activity"} {
		w.people["asgn"].get("/jobs/" + w.job + part)
	}
}

// issue makes an invoice of a finished job.
func (w *roleWorld) issue() string {
	admin, own := w.people["adm"], w.people["own"]
	admin.clock("03/06/2020 09:00")
	booked := own.do("POST", "/bookings", faceToFace(w.location, "2020-06-03T10:00", 60))
	ref := booked.body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
	w.people["asgn"].job(ref, "assign", map[string]any{"interpreter": hasLIN})
	admin.clock("03/06/2020 12:00")
	own.job(ref, "submit-timesheet", map[string]any{"blocks": []map[string]any{{"start": "2020-06-03T10:00", "end": "2020-06-03T11:00"}}})
	w.people["has"].job(ref, "accept-timesheet", map[string]any{})
	if r := admin.send("DELETE", "/dev/clock", nil, nil); r.status != http.StatusNoContent {
		w.t.Fatalf("reset the clock: %d", r.status)
	}
	fin := w.people["fin"]
	drafts := fin.get("/invoices?filter[jobs]="+ref, w.people["has"]).items()
	if len(drafts) != 1 {
		w.t.Fatalf("there are %d drafts for %s", len(drafts), ref)
	}
	return fin.do("POST", "/invoices", map[string]any{"customer": w.customer, "jobs": []string{ref}, "expectedTotal": drafts[0]["total"]}).body["id"].(string)
}

// fill puts real ids into a row's path. Commands on a job get a job of their own, so that no row spoils another's.
func (w *roleWorld) fill(row roleRow) string {
	path := w.put(row.path)
	switch row.path {
	case "/calendar":
		path += "?from=2032-01-01&to=2032-02-01"
	case "/reasons":
		path += "?kind=cancel"
	}
	return "/api/v1" + path
}

// put replaces the names in a path by ids.
func (w *roleWorld) put(path string) string {
	if strings.Contains(path, "{ref}") {
		w.job = w.assigned()
	}
	return strings.NewReplacer("{ref}", w.job, "{customer}", w.customer, "{client}", w.clientID, "{location}", w.location, "{user}", w.user, "{invoice}", w.invoice,
		"{id}", "face-to-face", "{form}", "face-to-face", "{interpreter}", w.interpreter(), "{code}", "pl", "{section}", "agency", "{part}", "field", "{key}", "reasonForBooking", "{feed}", w.feed, "{secret}", w.secret, "{wrong}", "x"+w.secret, "{model}", "jobs").Replace(path)
}

func (w *roleWorld) interpreter() string {
	for _, i := range w.people["adm"].get("/interpreters?limit=500").items() {
		if i["lin"] == noneLIN {
			return i["id"].(string)
		}
	}
	w.t.Fatal("the demo has no " + noneLIN)
	return ""
}

// body is a request that is right as far as its sender's rights go.
func (w *roleWorld) body(row roleRow, persona string) any {
	if row.method == "GET" || row.method == "DELETE" {
		return nil
	}
	_, command, _ := strings.Cut(row.path, "{ref}/")
	w.made++
	block := []map[string]any{{"start": "2020-06-03T10:00", "end": "2020-06-03T11:00"}}
	bodies := map[string]any{
		"send-offer": map[string]any{"interpreters": []string{noneLIN}}, "revoke-offer": map[string]any{"interpreter": hadLIN},
		"accept-offer": w.named(persona, hadLIN), "decline-offer": w.named(persona, hadLIN), "assign": map[string]any{"interpreter": hasLIN},
		"unassign": w.named(persona, hasLIN), "propose-eta": map[string]any{"eta": "2032-06-01T10:00"},
		"change-eta":       map[string]any{"eta": "2032-06-01T10:00", "agreedBy": "Sergeant Bell"},
		"submit-timesheet": map[string]any{"blocks": block, "onBehalfOf": "customer"}, "accept-timesheet": map[string]any{"onBehalfOf": "interpreter"},
		"dispute-timesheet": map[string]any{"reason": "no", "onBehalfOf": "interpreter"}, "close": map[string]any{"outcome": "aborted", "reason": "ill"},
		"cancel": map[string]any{"authorisedBy": "Sergeant Bell"}, "edit": map[string]any{"fields": map[string]any{"reportTo": fmt.Sprint("Desk ", w.made)}},
		"duplicate": another("2032-11-01T10:00"), "follow-up": another("2032-11-01T10:00"), "make-recurring": map[string]any{"frequency": "daily", "occurrences": 1},
		"continue": map[string]any{"blocks": block}, "post-message": map[string]any{"text": "Hello"}, "log-contact": map[string]any{"kind": "call", "text": "Told"},
		"/sessions": map[string]any{"username": "requestor", "password": "dragoman-demo"}, "/setup": map[string]any{"token": "x", "username": "x", "password": "x"},
		"/me/password": map[string]any{"current": "wrong one", "new": "a longer pass phrase"}, "/me/preferences": map[string]any{"columns": []string{"ref"}},
		"/customers": map[string]any{"name": fmt.Sprint("Customer ", w.made)}, "/customers/{customer}": map[string]any{"name": fmt.Sprint("Police ", w.made)},
		"/clients":          map[string]any{"customer": w.customer, "name": fmt.Sprint("Unit ", w.made)},
		"/clients/{client}": map[string]any{"name": fmt.Sprint("Unit ", w.made)}, "/locations/{location}": map[string]any{"name": fmt.Sprint("Place ", w.made)},
		"/interpreters/{interpreter}/suspend": map[string]any{"reason": "test"}, "/settings/agency": map[string]any{"name": fmt.Sprint("Agency ", w.made)},
		"/interpreters/{interpreter}": map[string]any{"paitId": fmt.Sprint("PAIT-", w.made)}, "/users/{user}": map[string]any{"name": fmt.Sprint("Name ", w.made)},
		"/settings/numbering": map[string]any{"series": "job", "next": 500000 + w.made},
		"/settings/postcodes": map[string]any{"csv": fmt.Sprintf("LS%d,53.8,-1.5", w.made)}, "/erasures": map[string]any{"user": w.user, "reason": "request"},
		"/invoices": map[string]any{"customer": w.customer, "jobs": []string{w.job}, "expectedTotal": map[string]any{"amount": "0.00", "currency": "GBP"}},
	}
	switch row.path {
	case "/me/feeds":
		return map[string]any{"level": "busy"}
	case "/bookings":
		b := faceToFace(w.location, "2032-11-01T10:00", 30)
		delete(b, "location")
		b["address"] = map[string]any{"line1": "1 High Street", "town": "Leeds", "postcode": "LS1 1AA"}
		if persona == "asgn" || persona == "adm" {
			b["customer"] = w.customer
		}
		return b
	case "/forms/{id}":
		f := forms.FaceToFace()
		f.Name = fmt.Sprint("Face to face ", w.made)
		f.Version = 0
		return f
	case "/locations":
		b := map[string]any{"name": fmt.Sprint("Place ", w.made), "address": map[string]any{"line1": "1 High Street", "town": "Leeds", "postcode": "LS1 1AA"}}
		if persona == "adm" {
			b["customer"] = w.customer
		}
		return b
	case "/users":
		b := map[string]any{"username": fmt.Sprint("user-", w.made), "name": "Some One", "email": fmt.Sprint("user-", w.made, "@roles.example"), "role": "requestor"}
		if persona == "adm" {
			b["customer"] = w.customer
		}
		return b
	case "/interpreters":
		return map[string]any{"lin": fmt.Sprintf("LIN/ROLE/%05d", w.made), "name": "Some One", "gender": "female", "languages": []string{"pl"}}
	}
	if b, ok := bodies[command]; ok && command != "" {
		return b
	}
	if b, ok := bodies[row.path]; ok {
		return b
	}
	return map[string]any{}
}

// named is the body of a command that staff send for an interpreter and the interpreter for themselves.
func (w *roleWorld) named(persona, lin string) map[string]any {
	if persona == "has" || persona == "had" || persona == "none" {
		return map[string]any{"reason": "ill"}
	}
	return map[string]any{"interpreter": lin, "reason": "ill"}
}

// routes are all routes of the served OpenAPI document.
func (w *roleWorld) routes() (all [][2]string) {
	doc := w.people["guest"].send("GET", "/api/openapi.json", nil, nil)
	paths, _ := doc.body["paths"].(map[string]any)
	if len(paths) < 30 {
		w.t.Fatalf("the OpenAPI document has %d paths", len(paths))
	}
	for path, methods := range paths {
		for method := range methods.(map[string]any) {
			all = append(all, [2]string{strings.ToUpper(method), strings.TrimPrefix(path, "/v1")})
		}
	}
	return all
}
