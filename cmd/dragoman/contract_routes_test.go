package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

// TestContractRoutes: every route of the contract answers with the status, fields and headers that the contract promises, and as the server's
// own OpenAPI document says.
func TestContractRoutes(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	doc := o.openAPI()
	for _, user := range []string{"requestor", "requestor2", "customer-admin", "assigner", "finance", "admin", "auditor", "interpreter", "interpreter2"} {
		o.as(user).seen = doc.holds
	}
	t.Run("the document", func(t *testing.T) { o.in(t).document(doc) })
	t.Run("commands on a job", func(t *testing.T) { o.in(t).jobCommands() })
	t.Run("people, places and settings", func(t *testing.T) { o.in(t).peopleCommands() })
	t.Run("queries", func(t *testing.T) { o.in(t).queries() })
	t.Run("lists", func(t *testing.T) { o.in(t).lists() })
	t.Run("the calendar's filters", func(t *testing.T) { o.in(t).calendarFilters() })
	t.Run("forms", func(t *testing.T) { o.in(t).formKeys() })
	t.Run("files that do not exist", func(t *testing.T) { o.in(t).unknownDocuments() })
	if doc.answers < 150 {
		t.Errorf("only %d answers were held against the document", doc.answers)
	}
	for _, route := range doc.routes {
		if !doc.asked[route] && !slices.Contains([]string{"POST /v1/setup", "DELETE /v1/sessions/current", "POST /v1/sessions", "PUT /v1/me/password"}, route) {
			t.Errorf("%s was never asked", route)
		}
	}
}

// openAPI is the served document, and what was asked of it.
type openAPI struct {
	t       *testing.T
	raw     []byte
	routes  []string // method and path
	valid   validator.Validator
	answers int
	bad     int
	asked   map[string]bool
	paths   map[string]*regexp.Regexp
}

func (o *office) openAPI() *openAPI {
	o.t.Helper()
	got := (&client{t: o.t, base: o.base}).send("GET", "/api/openapi.json", nil, nil)
	doc := &openAPI{t: o.t, raw: got.raw, asked: map[string]bool{}, paths: map[string]*regexp.Regexp{}}
	parsed, err := libopenapi.NewDocument(got.raw)
	if err != nil {
		o.t.Fatalf("read the OpenAPI document: %v", err)
	}
	valid, errs := validator.NewValidator(parsed)
	if len(errs) > 0 {
		o.t.Fatalf("read the OpenAPI document: %v", errs)
	}
	doc.valid = valid
	for path, methods := range got.body["paths"].(map[string]any) {
		doc.paths[path] = regexp.MustCompile("^/api" + regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(path, "[^/]+") + "$")
		for method := range methods.(map[string]any) {
			doc.routes = append(doc.routes, strings.ToUpper(method)+" "+path)
		}
	}
	return doc
}

// holds checks an answer against the document.
func (d *openAPI) holds(req *http.Request, res *http.Response, got reply) {
	if !strings.HasPrefix(req.URL.Path, "/api/v1/") {
		return
	}
	d.answers++
	for path, pattern := range d.paths {
		if pattern.MatchString(req.URL.Path) {
			d.asked[req.Method+" "+path] = true
		}
	}
	if strings.HasPrefix(got.header.Get("Content-Type"), "text/csv") {
		return
	}
	read := *res
	read.Body = io.NopCloser(bytes.NewReader(got.raw))
	if ok, errs := d.valid.ValidateHttpResponse(req, &read); !ok {
		d.bad++
		for _, e := range errs {
			if d.bad > 5 {
				break // the rest is the same again
			}
			d.t.Errorf("%s %s, %d: not as the OpenAPI document says: %v", req.Method, req.URL.Path, got.status, e)
			for _, s := range e.SchemaValidationErrors {
				d.t.Errorf("\t%s: %s", s.FieldPath, s.Reason)
			}
		}
	}
}

func (o *office) document(doc *openAPI) {
	t := o.t
	if ok, errs := doc.valid.ValidateDocument(); !ok {
		for _, e := range errs {
			t.Errorf("the document is not OpenAPI: %v", e)
			for _, s := range e.SchemaValidationErrors {
				t.Errorf("\t%s: %s", s.FieldPath, s.Reason)
			}
		}
	}
	head := (&client{t: t, base: o.base}).send("GET", "/api/openapi.json", nil, nil)
	if v, _ := head.body["openapi"].(string); !strings.HasPrefix(v, "3.1.") {
		t.Errorf("it is of version %q", v)
	}
	for _, route := range []string{
		"POST /v1/sessions", "DELETE /v1/sessions/current", "POST /v1/setup", "POST /v1/bookings", "POST /v1/customers", "POST /v1/clients", "POST /v1/locations",
		"POST /v1/interpreters", "POST /v1/users", "PATCH /v1/customers/{id}", "PATCH /v1/clients/{id}", "PATCH /v1/locations/{id}", "PATCH /v1/interpreters/{id}",
		"PATCH /v1/users/{id}", "POST /v1/erasures", "POST /v1/interpreters/{id}/suspend", "POST /v1/interpreters/{id}/reinstate", "POST /v1/invoices",
		"PUT /v1/me/preferences", "PUT /v1/settings/numbering", "GET /v1/jobs", "GET /v1/jobs/{ref}", "GET /v1/jobs/{ref}/activity", "GET /v1/jobs/{ref}/messages",
		"GET /v1/jobs/{ref}/history", "GET /v1/calendar", "GET /v1/dashboard", "GET /v1/offers", "GET /v1/waiting-for-me", "GET /v1/invoices", "GET /v1/invoices/{id}",
		"GET /v1/me", "GET /v1/me/availability", "PUT /v1/me/availability", "GET /v1/forms", "GET /v1/forms/{id}", "PUT /v1/forms/{id}", "GET /v1/clients", "GET /v1/locations", "GET /v1/languages", "GET /v1/reasons", "GET /v1/interpreters",
		"GET /v1/users", "GET /v1/customers", "GET /v1/notices", "GET /v1/settings", "GET /v1/status",
		"GET /v1/customers/{id}", "GET /v1/clients/{id}", "GET /v1/locations/{id}", "GET /v1/interpreters/{id}", "GET /v1/users/{id}",
	} {
		if !slices.Contains(doc.routes, route) {
			t.Errorf("it lacks %s", route)
		}
	}
	for _, command := range []string{"confirm", "take", "release", "send-offer", "revoke-offer", "accept-offer", "decline-offer", "assign", "unassign", "propose-eta", "agree-eta",
		"decline-eta", "change-eta", "submit-timesheet", "accept-timesheet", "dispute-timesheet", "close", "cancel", "edit", "undo", "continue", "duplicate", "follow-up", "make-recurring", "post-message", "log-contact"} {
		if !slices.Contains(doc.routes, "POST /v1/jobs/{ref}/"+command) {
			t.Errorf("it lacks the command %s", command)
		}
	}
	paths := head.body["paths"].(map[string]any)
	for _, route := range doc.routes {
		method, path, _ := strings.Cut(route, " ")
		op := paths[path].(map[string]any)[strings.ToLower(method)].(map[string]any)
		params := map[string]bool{}
		for _, p := range objectsOf(op["parameters"]) {
			params[p["in"].(string)+" "+p["name"].(string)] = true
		}
		responses := op["responses"].(map[string]any)
		if path == "/v1/feeds/{secret}.ics" { // for calendars, which know nothing of us
			continue
		}
		signIn := path == "/v1/sessions" || path == "/v1/setup"
		if op["summary"] == "" || op["security"] == nil && !signIn {
			t.Errorf("%s has the summary %q, the security %v", route, op["summary"], op["security"])
		}
		own := strings.HasPrefix(path, "/v1/me") || strings.HasPrefix(path, "/v1/sessions")
		if method != "GET" && !own && !signIn && (!params["header Idempotency-Key"] || !params["header If-Match"]) {
			t.Errorf("%s does not name Idempotency-Key and If-Match: %v", route, params)
		}
		if method == "GET" && path != "/v1/status" && path != "/v1/me/preferences" && !params["header Dragoman-Min-Position"] {
			t.Errorf("%s does not name Dragoman-Min-Position", route)
		}
		if slices.Contains([]string{"/v1/jobs", "/v1/offers", "/v1/invoices", "/v1/customers", "/v1/clients", "/v1/locations", "/v1/users", "/v1/interpreters",
			"/v1/waiting-for-me", "/v1/languages", "/v1/reasons", "/v1/forms", "/v1/notices"}, path) && method == "GET" {
			for _, name := range []string{"offset", "limit", "sort", "filter"} {
				if !params["query "+name] {
					t.Errorf("%s does not name %s", route, name)
				}
			}
			if _, there := responses["200"].(map[string]any)["content"].(map[string]any)["text/csv"]; !there {
				t.Errorf("%s does not say that it is a table too", route)
			}
		}
		for _, status := range []string{"400", "401", "403", "404", "409", "412", "422", "429", "500", "503"} {
			if _, there := responses[status]; !there {
				t.Errorf("%s does not say what a %s is", route, status)
			}
		}
		for status, header := range map[string]string{"429": "Retry-After", "503": "Retry-After", "401": "WWW-Authenticate"} {
			if headers, _ := responses[status].(map[string]any)["headers"].(map[string]any); headers[header] == nil {
				t.Errorf("%s does not say that a %s carries %s", route, status, header)
			}
		}
	}
	// The page over it, with its scripts from here alone.
	page := (&client{t: t, base: o.base}).send("GET", "/api/docs", nil, nil)
	if page.status != 200 || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
		t.Fatalf("the page: %d %s", page.status, page.header.Get("Content-Type"))
	}
	for _, match := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(string(page.raw), -1) {
		if strings.Contains(match[1], "//") {
			t.Errorf("the page loads %s", match[1])
		}
		if got := (&client{t: t, base: o.base}).send("GET", "/api/"+match[1], nil, nil); got.status != 200 || len(got.raw) == 0 {
			t.Errorf("the page's %s: %d", match[1], got.status)
		}
	}
}

// jobCommands sends every command on a job once, with everything that its body may hold.
func (o *office) jobCommands() {
	t := o.t
	o.clock("2020-03-02T09:00:00Z")
	accepted := func(what string, r reply, status string, code int) {
		t.Helper()
		position, tag := r.header.Get("Dragoman-Position"), r.header.Get("ETag")
		if r.status != code || position == "" || tag != fmt.Sprintf(`"%v"`, r.body["revision"]) {
			t.Errorf("%s: %d, position %q, ETag %s, %s", what, r.status, position, tag, r.raw)
		}
		if code == 200 && (r.body["status"] != status || r.body["job"] == nil) {
			t.Errorf("%s: %s, want status %s", what, r.raw, status)
		}
	}
	booked := o.send("requestor", "POST", "/bookings", o.booking("2020-04-01T10:00", 60))
	accepted("book", booked, "", 201)
	if id, err := uuid.Parse(booked.body["bookingId"].(string)); err != nil || id == uuid.Nil || booked.body["bookingRef"] == "" {
		t.Errorf("booked: %s", booked.raw)
	}
	pair := refOf(o.send("requestor", "POST", "/bookings", o.booking("2020-04-02T10:00", 60, func(b, _ map[string]any) { b["interpretersRequested"] = 2 })))
	accepted("an edit of two", o.try("assigner", pair, "edit", map[string]any{"scope": "all", "duration": map[string]any{"hours": 2, "minutes": 0}}), "new", 200)
	accepted("undo", o.try("assigner", pair, "undo", map[string]any{}), "new", 200)
	if r := o.send("assigner", "POST", "/jobs/"+pair+"/cancel?preview=true", map[string]any{"scope": "all", "authorisedBy": "PC Smith"}); r.status != 200 {
		t.Errorf("a preview: %d %s", r.status, r.raw)
	}
	job := booked.body["jobs"].([]any)[0].(map[string]any)
	if job["id"] == nil || job["status"] != "new" {
		t.Errorf("booked: %v", job)
	}
	ref := refOf(booked)
	step := func(user, command, status string, body map[string]any) reply {
		t.Helper()
		r := o.try(user, ref, command, body)
		accepted(command, r, status, 200)
		if r.body["job"] != ref {
			t.Errorf("%s: %v", command, r.body["job"])
		}
		return r
	}
	ana, ben := map[string]any{"interpreter": anaLIN}, map[string]any{"interpreter": benLIN}
	step("assigner", "take", "new", map[string]any{})
	step("assigner", "release", "new", map[string]any{})
	step("assigner", "send-offer", "new", map[string]any{"interpreters": []string{anaLIN, benLIN}, "expiresAt": "2020-03-20T09:00:00Z", "proposedStart": "2020-04-01T10:30",
		"override": "Asked for."})
	step("assigner", "revoke-offer", "new", ben)
	step("assigner", "send-offer", "new", map[string]any{"interpreters": []string{benLIN}})
	step("interpreter2", "decline-offer", "new", map[string]any{"reason": "Away."})
	step("interpreter", "counter-offer", "new", map[string]any{"proposedStart": "2020-04-01T11:30", "fee": map[string]any{"amount": "95.00", "currency": "GBP"}, "reason": "Train."})
	step("assigner", "answer-counter", "new", map[string]any{"interpreter": anaLIN, "accept": false})
	step("interpreter", "accept-offer", "new", map[string]any{"proposedStart": "2020-04-01T10:30", "reason": "Train."})
	step("assigner", "decline-offer", "new", map[string]any{"interpreter": anaLIN, "reason": "Rang: ill."})
	step("assigner", "accept-offer", "new", ben)
	step("assigner", "assign", "assigned", ben)
	step("interpreter2", "unassign", "new", map[string]any{"reason": "Ill."})
	step("assigner", "assign", "assigned", map[string]any{"interpreter": o.ana(), "override": "Asked for."})
	step("assigner", "unassign", "new", map[string]any{"interpreter": anaLIN, "reason": "Tried."})
	step("assigner", "assign", "assigned", ana)
	step("assigner", "propose-eta", "assigned", map[string]any{"eta": "2020-04-01T11:00"})
	step("requestor", "decline-eta", "assigned", map[string]any{})
	step("assigner", "propose-eta", "assigned", map[string]any{"eta": "2020-04-01T11:00"})
	step("requestor", "agree-eta", "assigned", map[string]any{})
	step("assigner", "change-eta", "assigned", map[string]any{"eta": "2020-04-01T10:15", "agreedBy": "Sergeant Bell"})
	step("requestor", "edit", "assigned", map[string]any{"fields": map[string]any{"reportTo": "Custody desk", "yourReference": "Y-1"}})
	step("assigner", "edit", "assigned", map[string]any{"start": "2020-04-01T10:00", "duration": map[string]any{"hours": 1, "minutes": 30}, "language": "uk",
		"alternativeLanguages": []string{"pl"}, "billTo": "Accounts", "fields": map[string]any{"jobNotes": "Long form."}})
	step("requestor", "post-message", "assigned", map[string]any{"text": "Hello"})
	step("assigner", "log-contact", "assigned", map[string]any{"kind": "call", "text": "Rang.", "nextUpdateMinutes": 30})
	o.clock("2020-04-02T09:00:00Z")
	hours := blocksOf("2020-04-01T10:00", "2020-04-01T11:00")
	hours["incidentals"] = []any{map[string]any{"kind": "mileage", "quantity": "12", "note": "Both ways"}}
	step("requestor", "submit-timesheet", "ongoing", hours)
	step("interpreter", "dispute-timesheet", "ongoing", map[string]any{"reason": "Longer.", "blocks": blocksOf("2020-04-01T10:00", "2020-04-01T11:30")["blocks"]})
	again := blocksOf("2020-04-01T10:00", "2020-04-01T11:30")
	again["onBehalfOf"] = "customer"
	step("assigner", "submit-timesheet", "ongoing", again)
	done := step("assigner", "accept-timesheet", "complete", map[string]any{"onBehalfOf": "interpreter"})
	if done.body["outcome"] != "success" {
		t.Errorf("%s", done.raw)
	}
	made := o.try("requestor", ref, "continue", blocksOf("2020-04-01T16:00", "2020-04-01T17:00"))
	accepted("continue", made, "", 201)
	if made.body["bookingRef"] != booked.body["bookingRef"] || refOf(made) == ref {
		t.Errorf("continue: %s", made.raw)
	}
	for command, body := range map[string]map[string]any{
		"duplicate": another("2020-05-01T10:00"), "follow-up": another("2020-05-01T10:00"),
		"make-recurring": {"frequency": "weekly", "interval": 2, "weekdays": []string{"mon", "tue"}, "startsOn": "2020-04-01", "until": "2020-04-30", "except": []string{"2020-04-13"},
			"acknowledged": []string{"moves-original"}, "fields": map[string]any{"jobNotes": "Every other week."}},
	} {
		made := o.try("requestor", ref, command, body)
		accepted(command, made, "", 201)
		if made.body["bookingId"] == nil || objectsOf(made.body["jobs"])[0]["revision"] == nil {
			t.Errorf("%s: %s", command, made.raw)
		}
	}
	// What is related asks for a scope, with what may be sent.
	ref = refOf(made)
	r := o.try("assigner", ref, "edit", map[string]any{"fields": map[string]any{"jobNotes": "x"}})
	problemIs(t, "an edit of a related job", r, 422, "scope-required")
	if choices := fmt.Sprint(r.body["choices"]); choices != "[this following all]" {
		t.Errorf("the choices are %s", choices)
	}
	o.clock("2020-03-02T09:00:00Z")
	ref = o.requested("2020-04-06T10:00")
	step("assigner", "confirm", "new", map[string]any{})
	ref = o.assigned("2020-04-03T10:00", 60)
	step("requestor", "cancel", "cancelled", map[string]any{"authorisedBy": "Hale", "reason": "other", "details": "Released."})
	ref = o.assigned("2020-04-03T12:00", 60)
	o.clock("2020-04-04T09:00:00Z")
	step("assigner", "close", "complete", map[string]any{"start": "2020-04-03T12:00", "end": "2020-04-03T13:10", "outcome": "curtailed", "reason": "Adjourned.",
		"incidentals": []any{map[string]any{"kind": "parking", "amount": map[string]any{"amount": "4.50", "currency": "GBP"}}}})
}

// requested is a job of a customer whose form asks for confirmation.
func (o *office) requested(start string) string {
	o.t.Helper()
	form := o.read("admin", "/forms/standard").body
	form["id"], form["initial"] = "confirmed", "requested"
	o.as("admin").do("PUT", "/forms/confirmed", form)
	customer := o.as("admin").do("POST", "/customers", map[string]any{"name": "Tees Library", "timeZone": "Europe/London", "settings": map[string]any{"forms": []string{"confirmed"}}}).body["id"]
	place := o.as("admin").do("POST", "/locations", map[string]any{"customer": customer, "name": "Reading room",
		"address": map[string]any{"line1": "1 Quay", "town": "Leeds", "postcode": "LS1 1AA"}}).body["id"]
	return refOf(o.as("assigner").do("POST", "/bookings", map[string]any{"form": "confirmed", "customer": customer, "location": place, "language": "pl", "serviceType": "face-to-face",
		"start": start, "duration": map[string]any{"hours": 1, "minutes": 0}, "fields": map[string]any{"requestedBy": "Una", "notificationEmail": "una@tees.example", "consumer": "Zofia"}}))
}

// ana is the id of the user interpreter.
func (o *office) ana() string {
	o.t.Helper()
	return o.read("assigner", "/interpreters?filter[lin]="+anaLIN).items()[0]["id"].(string)
}

func (o *office) peopleCommands() {
	t := o.t
	made := func(user, path string, body map[string]any) string {
		t.Helper()
		r := o.send(user, "POST", path, body)
		id, err := uuid.Parse(fmt.Sprint(r.body["id"]))
		if r.status != 201 || err != nil || r.header.Get("Dragoman-Position") == "" || r.header.Get("ETag") == "" {
			t.Fatalf("POST %s: %d %v %s", path, r.status, r.header, r.raw)
		}
		return id.String()
	}
	changed := func(user, method, path string, body map[string]any) {
		t.Helper()
		if r := o.send(user, method, path, body); r.status != 204 || len(r.raw) != 0 || r.header.Get("Dragoman-Position") == "" || r.header.Get("ETag") == "" {
			t.Errorf("%s %s: %d %v %s", method, path, r.status, r.header, r.raw)
		}
	}
	customer := made("admin", "/customers", map[string]any{"name": "Routes", "timeZone": "Europe/Dublin", "settings": map[string]any{"forms": []string{"remote"}, "serviceTypes": []string{"remote"},
		"closing": "customer", "cancelEnabled": false}})
	changed("admin", "PATCH", "/customers/"+customer, map[string]any{"name": "Routes and Co", "settings": map[string]any{"cancelEnabled": true}})
	client := made("admin", "/clients", map[string]any{"customer": customer, "name": "North"})
	changed("admin", "PATCH", "/clients/"+client, map[string]any{"name": "North East"})
	place := made("admin", "/locations", map[string]any{"customer": customer, "client": client, "name": "Pier", "timeZone": "Europe/Lisbon",
		"address": map[string]any{"line1": "1 Pier", "line2": "Dock", "town": "Hull", "postcode": "HU1 1AA"}})
	changed("admin", "PATCH", "/locations/"+place, map[string]any{"name": "Old Pier"})
	made("requestor", "/locations", map[string]any{"name": "Annexe", "address": map[string]any{"line1": "2 Pier", "town": "Leeds", "postcode": "LS1 4AP"}})
	person := made("admin", "/interpreters", map[string]any{"lin": "LIN/ROUT/E0001", "name": "Rita Route", "gender": "female", "languages": []string{"pl"}, "skills": []string{"spoken-only"},
		"credentials": []any{map[string]any{"kind": "dbs", "reference": "D1", "validFrom": "2015-01-01", "validTo": "2099-12-31"}}, "paitId": "PAIT-1", "telephone": "07700 900999", "email": "rita@x.example"})
	changed("admin", "PATCH", "/interpreters/"+person, map[string]any{"skills": []string{"spoken-only", "spoken-and-written"}})
	changed("assigner", "POST", "/interpreters/"+person+"/suspend", map[string]any{"reason": "Under review."})
	changed("assigner", "POST", "/interpreters/"+person+"/reinstate", map[string]any{})
	user := made("admin", "/users", map[string]any{"username": "route", "name": "Rob Route", "email": "rob@x.example", "role": "requestor", "customer": customer, "clients": []string{client},
		"locations": []string{place}, "permissions": []string{"create", "edit", "close", "cancel", "reports", "financials", "edit-locations"}})
	changed("admin", "PATCH", "/users/"+user, map[string]any{"permissions": []string{"create"}})
	changed("admin", "PUT", "/settings/agency", map[string]any{"name": "Dragoman Language Services"})
	changed("assigner", "PUT", "/settings/notices", map[string]any{"splash": ""})
	changed("admin", "PUT", "/settings/policies", map[string]any{"customer": customer, "command": "edit", "span": 24, "unit": "hours", "inclusive": true})
	changed("admin", "PUT", "/settings/holidays", map[string]any{"holidays": []any{map[string]any{"date": "2026-12-24", "name": "Closed"}}})
	changed("admin", "PUT", "/settings/waves", map[string]any{"waves": []any{map[string]any{"size": 3, "waitMinutes": 60}, map[string]any{"tier": "Rare",
		"underHours": 24, "size": 9, "waitMinutes": 10, "expireMinutes": 30}}})
	if r := o.read("admin", "/settings/waves"); len(objectsOf(r.body["waves"])) != 2 || r.body["builtIn"] != false || r.header.Get("ETag") == "" {
		t.Errorf("waves: %s", r.raw)
	}
	if r := o.read("admin", "/settings/policies?customer="+customer); len(r.items()) != 3 || r.header.Get("ETag") == "" {
		t.Errorf("policies: %s", r.raw)
	}
	if r := o.read("admin", "/settings/holidays?from=2026-12-01&limit=2"); len(r.items()) != 2 || r.body["total"] != 4.0 || r.items()[0]["name"] != "Closed" {
		t.Errorf("holidays: %s", r.raw)
	}
	changed("admin", "PUT", "/settings/numbering", map[string]any{"series": "job", "next": 600000})
	changed("admin", "PUT", "/settings/postcodes", map[string]any{"csv": "code,lat,lon\nLS1,53.7965,-1.5478"})
	form := o.read("admin", "/forms/standard").body
	form["id"] = "standard-too"
	changed("admin", "PUT", "/forms/standard-too", form)
	if r := o.send("requestor", "PUT", "/me/preferences", map[string]any{"columns": []string{"ref"}}); r.status != 204 {
		t.Errorf("preferences: %d %s", r.status, r.raw)
	}
	if r := o.ask("requestor", "/me/preferences"); r.status != 200 || fmt.Sprint(r.body["columns"]) != "[ref]" {
		t.Errorf("preferences: %d %s", r.status, r.raw)
	}
	if r := o.ask("interpreter", "/me/availability"); r.status != 200 || r.body["timeZone"] != "Europe/London" {
		t.Errorf("availability: %d %s", r.status, r.raw)
	}
	changed("interpreter", "PUT", "/me/availability", map[string]any{"timeZone": "Europe/London", "week": week("mon", "00:00", "24:00"),
		"unavailable": []map[string]any{{"from": "2020-08-01", "to": "2020-08-15", "note": "Lviv"}}})
	changed("interpreter", "PUT", "/me/availability", map[string]any{})
	feed := o.send("interpreter", "POST", "/me/feeds", map[string]any{"level": "place"})
	if feed.status != 201 || len(o.read("interpreter", "/me/feeds").items()) != 1 {
		t.Fatalf("a feed: %d %s", feed.status, feed.raw)
	}
	if r := o.as("interpreter").send("GET", feed.body["address"].(string), nil, nil); r.status != 200 {
		t.Errorf("the feed: %d %s", r.status, r.raw)
	}
	if r := o.send("interpreter", "DELETE", "/me/feeds/"+feed.body["id"].(string), nil); r.status != 204 {
		t.Errorf("revoking it: %d %s", r.status, r.raw)
	}
	changed("admin", "POST", "/erasures", map[string]any{"user": user, "reason": "request"})
	changed("admin", "POST", "/erasures", map[string]any{"interpreter": person, "reason": "request"})
	problemIs(t, "an erasure of nobody", o.send("admin", "POST", "/erasures", map[string]any{"reason": "request"}), 422, "invalid")

	// An invoice of what the commands on a job left finished.
	var draft map[string]any
	for _, i := range o.read("finance", "/invoices?limit=500").items() {
		if i["standing"] == "draft" && i["fault"] == nil {
			draft = i
		}
	}
	if draft == nil {
		t.Fatal("there is no draft")
	}
	order := map[string]any{"customer": draft["customer"], "jobs": draft["jobs"], "expectedTotal": map[string]any{"amount": "0.01", "currency": "GBP"}}
	problemIs(t, "another total", o.send("finance", "POST", "/invoices", order), 409, "total-differs")
	order["expectedTotal"] = draft["total"]
	issued := o.send("finance", "POST", "/invoices", order)
	if issued.status != 201 || issued.body["number"] != float64(1) || issued.body["ref"] == "" || fmt.Sprint(issued.body["total"]) != fmt.Sprint(draft["total"]) {
		t.Errorf("issued: %d %s", issued.status, issued.raw)
	}
	problemIs(t, "billed again", o.send("finance", "POST", "/invoices", order), 409, "already-billed")
	whole := o.read("finance", "/invoices/"+issued.body["id"].(string)).body
	for _, line := range objectsOf(whole["lines"]) {
		hasKeys(t, "an invoice's line", line, "job", "kind", "quantity", "unitPrice", "amount", "revision", "events", "termsVersion")
	}
	hasKeys(t, "an invoice", whole, "id", "standing", "ref", "number", "customer", "jobs", "issuedOn", "dueOn", "total", "lines")
}

func hasKeys(t *testing.T, what string, got map[string]any, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if _, there := got[key]; !there {
			t.Errorf("%s has no %s: %v", what, key, slices.Sorted(maps.Keys(got)))
		}
	}
}

// jobKeys are the fields of a job in a list, for whoever may read them all.
var jobKeys = []string{"ref", "bookingRef", "status", "outcome", "start", "end", "timeZone", "eta", "durationMinutes", "language", "serviceType", "address1", "reportTo", "nonEnglishSpeaker",
	"customer", "client", "interpreter", "createdBy", "createdAt", "waitingOn", "nextStep"}

// queries asks every query once; each answers with its fields, how far it was, and what belongs to every answer.
func (o *office) queries() {
	t := o.t
	o.clock("2020-03-02T09:00:00Z")
	ref := o.book("2020-03-10T10:00", 60)
	o.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN}})
	o.do("requestor", ref, "post-message", map[string]any{"text": "Hello"})
	past := o.assigned("2020-03-02T10:00", 60)
	o.clock("2020-03-02T12:00:00Z")
	o.do("requestor", past, "submit-timesheet", blocksOf("2020-03-02T10:00", "2020-03-02T11:00"))
	o.as("assigner").do("PUT", "/settings/notices", map[string]any{"splash": "Snow.", "notices": []any{map[string]any{"key": "n", "text": "Closed on Monday.", "from": "2020-03-01", "until": "2020-03-31"}}})
	for path, q := range map[string]struct {
		user string
		list bool // items with total, offset, limit
		keys []string
		item []string
	}{
		"/me":          {"requestor", false, []string{"id", "name", "role", "customer"}, nil},
		"/jobs":        {"assigner", true, nil, jobKeys},
		"/jobs/" + ref: {"assigner", false, append([]string{"actions", "assignments", "offers", "timesheets", "related", "revision"}, jobKeys...), nil},
		"/jobs/" + ref + "?asOf=2020-03-02T09:00:00Z": {"auditor", false, append([]string{"assignments", "offers", "timesheets", "related", "revision"}, jobKeys...), nil},
		"/jobs/" + ref + "/activity":                  {"requestor", false, nil, []string{"at", "note", "kind", "params", "position", "eventId"}},
		"/jobs/" + ref + "/messages":                  {"requestor", false, nil, []string{"id", "at", "author", "text"}},
		"/jobs/" + ref + "/history": {"auditor", false, nil, []string{"number", "position", "id", "type", "at", "recordedAt", "actor", "command", "correlationId", "causationId", "data",
			"stored"}},
		"/calendar?from=2020-03-01&to=2020-04-01": {"requestor", false, nil, []string{"ref", "title", "start", "end", "status", "language", "serviceType", "createdBy"}},
		"/dashboard":                   {"requestor", false, []string{"tiles", "upcoming", "notices", "splash"}, nil},
		"/offers":                      {"interpreter", true, nil, []string{"job", "state", "start", "fee", "sentAt"}},
		"/waiting-for-me":              {"interpreter", true, nil, []string{"ref", "step"}},
		"/invoices":                    {"finance", true, nil, []string{"id", "standing", "number", "jobs", "customer", "total"}},
		"/customers":                   {"admin", true, nil, []string{"id", "name", "timeZone", "settings"}},
		"/clients":                     {"requestor", true, nil, []string{"id", "customer", "name"}},
		"/locations":                   {"requestor", true, nil, []string{"id", "customer", "client", "name", "address", "timeZone"}},
		"/interpreters":                {"assigner", true, nil, []string{"id", "lin", "name", "gender", "languages", "skills", "credentials", "paitId", "telephone", "email", "photo"}},
		"/users":                       {"admin", true, nil, []string{"id", "name", "email", "role", "customer", "clients", "locations", "permissions"}},
		"/forms":                       {"requestor", true, nil, []string{"id", "version", "name"}},
		"/forms/face-to-face":          {"requestor", false, []string{"id", "version", "sections", "fields", "notices", "defaults"}, nil},
		"/languages":                   {"requestor", true, nil, []string{"code", "name", "tier"}},
		"/reasons?kind=cancel":         {"requestor", true, nil, []string{"value", "label"}},
		"/notices":                     {"requestor", true, []string{"splash", "revision"}, []string{"key", "text"}},
		"/settings":                    {"admin", false, []string{"version", "revision", "name", "timeZone", "currency"}, nil},
		"/settings/postcodes":          {"admin", false, []string{"version", "codes", "source", "revision"}, nil},
		"/jobs/" + ref + "/candidates": {"assigner", true, nil, []string{"interpreter", "rank", "eligible", "reasons"}},
		"/jobs/" + ref + "/candidates/" + o.ana(): {"assigner", false, []string{"interpreter", "rank", "eligible", "reasons"}, nil},
		"/jobs/" + ref + "/reasons":               {"assigner", true, nil, []string{"interpreter", "lin", "for", "at", "reasons"}},
		"/status":                                 {"auditor", false, []string{"reactions"}, []string{"model", "position", "lagEvents", "lagSeconds", "health", "generation"}},
	} {
		got := o.read(q.user, path)
		if got.header.Get("Content-Type") != "application/json" || got.header.Get("Dragoman-Position") == "" && path != "/status" {
			t.Errorf("%s: %v", path, got.header)
		}
		hasKeys(t, path, got.body, q.keys...)
		if q.list {
			hasKeys(t, path, got.body, "items", "total", "offset", "limit")
		}
		if q.item != nil {
			if len(got.items()) == 0 {
				t.Errorf("%s has no items", path)
			}
			for _, i := range got.items() {
				hasKeys(t, "an item of "+path, i, q.item...)
			}
		}
	}
	for _, list := range []string{"/customers", "/clients", "/locations", "/interpreters", "/users"} {
		item := o.read("admin", list).items()[0]
		one := o.read("admin", list+"/"+item["id"].(string))
		if fmt.Sprint(one.body) != fmt.Sprint(item) || one.header.Get("ETag") != fmt.Sprintf(`"%v"`, item["revision"]) || one.header.Get("Dragoman-Position") == "" {
			t.Errorf("an item of %s read alone: %v %s, want %v", list, one.header, one.raw, item)
		}
	}
	detail := o.read("assigner", "/jobs/"+ref)
	if detail.header.Get("ETag") != fmt.Sprintf(`"%v"`, detail.body["revision"]) {
		t.Errorf("a job's ETag is %s, its revision %v", detail.header.Get("ETag"), detail.body["revision"])
	}
	hasKeys(t, "tiles", o.read("requestor", "/dashboard").body["tiles"].(map[string]any), "newThisMonth", "dueThisMonth", "completedThisMonth", "requiringClosure")
	for _, i := range objectsOf(o.read("requestor", "/dashboard").body["upcoming"]) {
		hasKeys(t, "upcoming", i, jobKeys...)
	}
	money := objectsOf(o.read("assigner", "/jobs/"+ref).body["offers"])[0]["fee"].(map[string]any)
	if money["amount"] != "28.00" || money["currency"] != "GBP" {
		t.Errorf("money reads %v", money)
	}
	o.as("assigner").do("PUT", "/settings/notices", map[string]any{"splash": "", "notices": []any{}})
}

// lists: offset, limit, sort both ways and filter, of every list and every column; a table too.
func (o *office) lists() {
	t := o.t
	o.clock("2020-03-02T09:00:00Z")
	for i := range 4 {
		ref := o.book(fmt.Sprintf("2020-07-0%dT10:00", 1+i), 60+15*i)
		o.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN}})
		if i == 2 {
			o.do("interpreter", ref, "decline-offer", map[string]any{"reason": "Holiday."})
		}
	}
	for path, l := range map[string]struct {
		user    string
		columns []string
	}{
		"/jobs": {"assigner", []string{"ref", "bookingRef", "status", "outcome", "start", "end", "timeZone", "eta", "durationMinutes", "language", "serviceType", "address1", "reportTo",
			"nonEnglishSpeaker", "customer", "client", "interpreter", "createdBy", "createdAt", "waitingOn", "nextStep"}},
		"/offers":       {"interpreter", []string{"job", "state", "sentAt", "since", "language", "start", "durationMinutes", "fee", "reason"}},
		"/invoices":     {"finance", []string{"standing", "ref", "number", "customer", "issuedOn", "dueOn", "total"}},
		"/customers":    {"admin", []string{"name", "timeZone"}},
		"/clients":      {"admin", []string{"name", "customer"}},
		"/locations":    {"admin", []string{"name", "customer", "client", "timeZone"}},
		"/interpreters": {"admin", []string{"lin", "name", "gender", "languages", "skills", "email"}},
		"/users":        {"admin", []string{"name", "email", "role", "customer"}},
	} {
		all := o.read(l.user, path+"?limit=500")
		total := int(all.body["total"].(float64))
		if total != len(all.items()) || total == 0 {
			t.Errorf("%s: total %d, %d items", path, total, len(all.items()))
		}
		if got := o.read(l.user, path); got.body["limit"] != float64(30) || got.body["offset"] != float64(0) || len(got.items()) != min(30, total) {
			t.Errorf("%s: by default %v from %v, %d items", path, got.body["limit"], got.body["offset"], len(got.items()))
		}
		if got := o.read(l.user, fmt.Sprintf("%s?limit=1&offset=%d", path, total-1)); len(got.items()) != 1 || got.body["total"] != float64(total) ||
			fmt.Sprint(got.items()[0]) != fmt.Sprint(all.items()[total-1]) {
			t.Errorf("%s: the last page is %s", path, got.raw)
		}
		if got := o.read(l.user, fmt.Sprintf("%s?offset=%d", path, total+5)); len(got.items()) != 0 || got.body["total"] != float64(total) {
			t.Errorf("%s: past the end there are %s", path, got.raw)
		}
		for _, bad := range []string{"sort=bogus", "sort=-bogus", "filter[bogus]=x", "limit=0", "limit=501", "offset=-1"} {
			problemIs(t, path+"?"+bad, o.ask(l.user, path+"?"+bad), 422, "invalid")
		}
		for _, column := range l.columns {
			up, down := o.ask(l.user, path+"?limit=500&sort="+column), o.ask(l.user, path+"?limit=500&sort=-"+column)
			if up.status != 200 || down.status != 200 || len(up.items()) != total || len(down.items()) != total {
				t.Errorf("%s by %s: %d %s", path, column, up.status, up.raw)
				continue
			}
			first, last := fmt.Sprint(up.items()[0][column]), fmt.Sprint(down.items()[0][column])
			if values := valuesOf(all, column); len(values) > 2 && first == last { // what is null stands last either way
				t.Errorf("%s by %s begins with %v either way", path, column, first)
			}
			if got := o.ask(l.user, path+"?filter["+column+"]=zzzzz"); got.status != 200 || got.body["total"] != float64(0) {
				t.Errorf("%s where %s contains zzzzz: %d %s", path, column, got.status, got.raw)
			}
		}
		table := o.as(l.user).send("GET", "/api/v1"+path+"?limit=500", nil, map[string]string{"Accept": "text/csv"})
		rows, err := csv.NewReader(bytes.NewReader(table.raw)).ReadAll()
		if err != nil || table.status != 200 || !strings.HasPrefix(table.header.Get("Content-Type"), "text/csv") || len(rows) != total+1 {
			t.Errorf("%s as a table: %d %s, %d rows, %v", path, table.status, table.header.Get("Content-Type"), len(rows), err)
		}
	}
	// Filters contain, whatever the case, and combine with AND.
	for filter, want := range map[string]int{"filter[job]=dtp": 4, "filter[state]=DECL": 1, "filter[state]=open": 3, "filter[state]=open&filter[durationMinutes]=75": 1,
		"filter[fee]=28.00": 1, "filter[reason]=holi": 1} {
		if got := o.read("interpreter", "/offers?filter[start]=2020-07&"+filter); got.body["total"] != float64(want) {
			t.Errorf("offers where %s: %v, want %d", filter, got.body["total"], want)
		}
	}
	if got := o.read("interpreter", "/offers?filter[start]=2020-07-02"); got.body["total"] != float64(1) {
		t.Errorf("offers on 2 July: %v", got.body["total"])
	}
	for filter, want := range map[string]int{"filter[status]=NEW&filter[language]=olis": 4, "filter[language]=pl&filter[durationMinutes]=75": 1, "filter[status]=cancelled": 0,
		"from=2020-07-02&to=2020-07-04": 2, "from=2020-07-02T09:30:00Z&to=2020-07-02T09:31:00Z": 1, "from=2020-07-02T10:15:00Z": 2, "to=2020-07-02T09:00:00Z&from=2020-07-01": 1,
		"status=new": 4, "language=pl": 4, "language=uk": 0, "serviceType=remote": 0, "interpreter=" + anaLIN: 0, "q=reception": 4, "q=nobody": 0} {
		path := "/jobs?limit=500&" + filter
		if !strings.Contains(filter, "from=") {
			path += "&from=2020-07-01&to=2020-07-08"
		}
		if got := o.read("assigner", path); got.body["total"] != float64(want) {
			t.Errorf("jobs where %s: %v, want %d", filter, got.body["total"], want)
		}
	}
}

// valuesOf are the different values of a column.
func valuesOf(r reply, column string) []string {
	var out []string
	for _, i := range r.items() {
		out = append(out, fmt.Sprint(i[column]))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// calendarFilters: the calendar takes the filters of the job list.
func (o *office) calendarFilters() {
	t := o.t
	o.clock("2020-03-02T09:00:00Z")
	face, remote := o.book("2020-08-03T10:00", 60, func(_, f map[string]any) { f["reportTo"] = "Quarterdeck" }), o.bookRemote("2020-08-04T10:00", 60)
	o.do("assigner", remote, "assign", map[string]any{"interpreter": anaLIN})
	job := o.job("assigner", face)
	for filter, want := range map[string][]string{
		"":                          {face, remote},
		"status=new":                {face},
		"language=pl":               {face, remote},
		"language=uk":               {},
		"serviceType=remote":        {remote},
		"interpreter=" + anaLIN:     {remote},
		"q=quarter":                 {face},
		"q=" + face:                 {face},
		"q=nothing":                 {},
		"q=quarter&status=assigned": {},
		"location=" + job["location"].(map[string]any)["id"].(string): {face},
		"client=" + job["client"].(map[string]any)["id"].(string):     {face},
	} {
		if got := refsOf(o.read("requestor", "/calendar?from=2020-08-01&to=2020-08-08&"+filter)); !slices.Equal(got, want) {
			t.Errorf("the calendar where %q: %v, want %v", filter, got, want)
		}
	}
	for span, want := range map[string][]string{"from=2020-08-03&to=2020-08-04": {face}, "from=2020-08-03T10:00:00Z&to=2020-08-05": {remote}, "from=2020-08-02&to=2020-08-03T09:00:00Z": {}} {
		if got := refsOf(o.read("requestor", "/calendar?"+span)); !slices.Equal(got, want) {
			t.Errorf("the calendar of %s: %v, want %v", span, got, want)
		}
	}
	// Nobody finds by a search what they do not read.
	if got := o.read("analyst", "/calendar?from=2020-08-01&to=2020-08-08&q=quarter").items(); len(got) != 0 {
		t.Errorf("the analyst finds %v", got)
	}
}

// formKeys: the fields of the LiveLINK forms by the contract's keys, each with everything that is said of a field.
func (o *office) formKeys() {
	t := o.t
	seen := map[string]bool{}
	for _, id := range []string{"face-to-face", "remote"} {
		form := o.read("requestor", "/forms/"+id).body
		for _, f := range objectsOf(form["fields"]) {
			seen[f["key"].(string)] = true
			hasKeys(t, "the field "+f["key"].(string), f, "key", "label", "section", "place", "required", "kind", "options", "help", "visibility", "copied", "editable", "personal")
			for _, option := range objectsOf(f["options"]) {
				hasKeys(t, "an option of "+f["key"].(string), option, "value", "label")
			}
		}
	}
	for _, key := range strings.Fields("yourReference costCentre invoiceReference offenceCategory assignmentType skills flexibility remoteOption nonEnglishSpeaker gender jobNotes " +
		"custodyReference custodyClock reportTo requestingOfficer telephone officerInCase primaryEmail collarNumber officerPhone secondaryEmail preferredInterpreter " +
		"precludedInterpreter agencyNotes assignedNotes reasonForBooking platform instructions venueInformation location billTo language alternativeLanguages start duration") {
		if !seen[key] {
			t.Errorf("no form has the field %s", key)
		}
	}
	// consumer and nonEnglishSpeaker are one value.
	ref := o.book("2020-09-01T10:00", 60, func(_, f map[string]any) {
		f["consumer"] = f["nonEnglishSpeaker"]
		delete(f, "nonEnglishSpeaker")
	})
	if got := o.job("requestor", ref)["nonEnglishSpeaker"]; got != "Jan Kowalski" {
		t.Errorf("the consumer reads as the speaker %v", got)
	}
}

// unknownDocuments: a file is kept before an event names it.
func (o *office) unknownDocuments() {
	t := o.t
	o.clock("2020-03-02T09:00:00Z")
	ref := o.assigned("2020-09-02T10:00", 60)
	o.clock("2020-09-03T09:00:00Z")
	hours := blocksOf("2020-09-02T10:00", "2020-09-02T11:00")
	hours["documents"] = []string{"00000000-0000-4000-8000-000000000001"}
	problemIs(t, "hours with an unknown document", o.try("requestor", ref, "submit-timesheet", hours), 422, "invalid", "body.documents[0]")
	problemIs(t, "a close with an unknown document", o.try("assigner", ref, "close", map[string]any{"start": "2020-09-02T10:00", "end": "2020-09-02T11:00",
		"documents": []string{"00000000-0000-4000-8000-000000000001"}}), 422, "invalid", "body.documents[0]")
}
