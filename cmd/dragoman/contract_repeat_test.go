package main

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"testing"
)

// TestIdempotencyKeys: a key belongs to its caller, method and path for ever; it repeats the answer of an accepted command, and only that.
func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.clock("2020-03-03T09:00:00Z")
	key := func(k string) map[string]string { return map[string]string{"Idempotency-Key": k} }
	send := func(user, method, path string, body any, header map[string]string) reply {
		t.Helper()
		return o.as(user).send(method, "/api/v1"+path, body, header)
	}
	same := func(what string, a, b reply) {
		t.Helper()
		if a.status >= 300 || a.status != b.status || !bytes.Equal(a.raw, b.raw) || a.header.Get("ETag") != b.header.Get("ETag") ||
			a.header.Get("Dragoman-Position") != b.header.Get("Dragoman-Position") {
			t.Errorf("%s: %d %s %s, repeated %d %s %s", what, a.status, a.header.Get("ETag"), a.raw, b.status, b.header.Get("ETag"), b.raw)
		}
	}
	body := o.booking("2020-06-01T10:00", 60, func(_, f map[string]any) { f["jobNotes"] = "Call 07700 900123." })
	first := send("requestor", "POST", "/bookings", body, key("b"))
	same("a booking, its warnings too", first, send("requestor", "POST", "/bookings", body, key("b")))
	if !slices.Equal(warningsOf(first), []string{"personal-data"}) {
		t.Errorf("warnings: %s", first.raw)
	}
	if n := len(o.read("requestor", "/jobs?q="+refOf(first)).items()); n != 1 {
		t.Errorf("there are %d jobs", n)
	}
	problemIs(t, "another body", send("requestor", "POST", "/bookings", o.booking("2020-06-01T11:00", 60), key("b")), 422, "idempotency-key-reused")
	if other := send("customer-admin", "POST", "/bookings", body, key("b")); other.status != 201 || refOf(other) == refOf(first) {
		t.Errorf("the key of another caller: %d %s", other.status, other.raw)
	}
	past := o.booking("2020-01-01T10:00", 60)
	problemIs(t, "a refused command", send("requestor", "POST", "/bookings", past, key("refused")), 422, "invalid")
	if again := send("requestor", "POST", "/bookings", body, key("refused")); again.status != 201 {
		t.Errorf("a refused command's key is decided anew: %d %s", again.status, again.raw)
	}

	ref := refOf(first)
	posted := send("requestor", "POST", "/jobs/"+ref+"/post-message", map[string]any{"text": "Hello"}, key("m"))
	o.do("requestor", ref, "post-message", map[string]any{"text": "Later"})
	same("a message, after a later one", posted, send("requestor", "POST", "/jobs/"+ref+"/post-message", map[string]any{"text": "Hello"}, key("m")))
	stale := map[string]string{"Idempotency-Key": "m", "If-Match": `"0"`}
	same("a repeat comes before If-Match", posted, send("requestor", "POST", "/jobs/"+ref+"/post-message", map[string]any{"text": "Hello"}, stale))
	if n := len(o.read("requestor", "/jobs/"+ref+"/messages").items()); n != 2 {
		t.Errorf("there are %d messages", n)
	}
	second := o.book("2020-06-02T10:00", 60)
	if r := send("requestor", "POST", "/jobs/"+second+"/post-message", map[string]any{"text": "Hello"}, key("m")); r.status != 200 {
		t.Errorf("the key at another address: %d %s", r.status, r.raw)
	}

	// Where the body says in whose stream the command ends, the key is found there also when another body names another.
	customers := [2]string{}
	for i := range customers {
		customers[i] = send("admin", "POST", "/customers", map[string]any{"name": "Customer"}, nil).body["id"].(string)
	}
	address := map[string]any{"line1": "1 High St", "town": "Leeds", "postcode": "LS1 4AP"}
	credentials := []any{map[string]any{"kind": "dbs", "reference": "1", "validFrom": "2015-01-01", "validTo": "2099-12-31"}}
	for path, bodies := range map[string][2]map[string]any{
		"/clients":      {{"customer": customers[0], "name": "A"}, {"customer": customers[1], "name": "A"}},
		"/locations":    {{"customer": customers[0], "name": "A", "address": address}, {"customer": customers[1], "name": "A", "address": address}},
		"/users":        {{"customer": customers[0], "username": "twice", "name": "A", "email": "a@b.example", "role": "requestor"}, {"username": "twice", "name": "A", "email": "a@b.example", "role": "finance"}},
		"/interpreters": {{"lin": "LIN/AAAA/11111", "name": "A", "languages": []string{"pl"}, "credentials": credentials}, {"lin": "LIN/AAAA/22222", "name": "A", "languages": []string{"pl"}, "credentials": credentials}},
	} {
		made := send("admin", "POST", path, bodies[0], key("named"))
		if made.status != 201 {
			t.Fatalf("POST %s: %d %s", path, made.status, made.raw)
		}
		problemIs(t, path+" for another", send("admin", "POST", path, bodies[1], key("named")), 422, "idempotency-key-reused")
		same(path, made, send("admin", "POST", path, bodies[0], key("named")))
	}
	numbering := send("admin", "PUT", "/settings/numbering", map[string]any{"series": "job", "next": 500000}, key("n"))
	problemIs(t, "numbering of another series", send("admin", "PUT", "/settings/numbering", map[string]any{"series": "invoice", "next": 500000}, key("n")), 422, "idempotency-key-reused")
	same("numbering", numbering, send("admin", "PUT", "/settings/numbering", map[string]any{"series": "job", "next": 500000}, key("n")))
	erase := func(ref string) map[string]any {
		return map[string]any{"booking": o.read("admin", "/jobs/"+ref).body["bookingId"], "reason": "asked"}
	}
	erased := send("admin", "POST", "/erasures", erase(ref), key("e"))
	problemIs(t, "the erasure of another", send("admin", "POST", "/erasures", erase(second), key("e")), 422, "idempotency-key-reused")
	same("an erasure", erased, send("admin", "POST", "/erasures", erase(ref), key("e")))
	if name := o.read("requestor", "/jobs/"+second).body["nonEnglishSpeaker"]; name != "Jan Kowalski" {
		t.Errorf("the other booking's speaker reads %v", name)
	}
}

// TestIfMatch: the revision is the job's; a stale one is refused before the rules, and told what changed since.
func TestIfMatch(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.clock("2020-03-03T09:00:00Z")
	ref := o.book("2020-06-01T10:00", 60)
	edit := func(value, match string) reply {
		t.Helper()
		return o.as("requestor").send(http.MethodPost, "/api/v1/jobs/"+ref+"/edit", map[string]any{"fields": map[string]any{"reportTo": value}}, map[string]string{"If-Match": match})
	}
	shown := o.read("requestor", "/jobs/"+ref)
	if tag := shown.header.Get("ETag"); tag != `"0"` || shown.body["revision"] != float64(0) {
		t.Fatalf("a new job's ETag is %s, its revision %v", tag, shown.body["revision"])
	}
	r := edit("Desk", `"0"`)
	if r.status != 200 || r.header.Get("ETag") != `"1"` || r.body["revision"] != float64(1) || r.header.Get("Dragoman-Position") == "" {
		t.Fatalf("edit: %d %v %s", r.status, r.header, r.raw)
	}
	o.do("assigner", ref, "take", map[string]any{})
	for what, r := range map[string]reply{
		"an edit":      edit("Front desk", `"0"`),
		"a bad value":  edit("", `"0"`), // the rules come after
		"the same":     edit("Desk", `"0"`),
		"weak":         edit("Front desk", `W/"0"`),
		"a wrong time": o.as("requestor").send(http.MethodPost, "/api/v1/jobs/"+ref+"/submit-timesheet", blocksOf(), map[string]string{"If-Match": `"0"`}),
	} {
		problemIs(t, what, r, 412, "stale-revision")
		changed, _ := r.body["changed"].([]any)
		if len(changed) != 2 || changed[0] != "edit" || changed[1] != "take" {
			t.Errorf("%s: changed since are %v", what, changed)
		}
	}
	problemIs(t, "a revision that is not there yet", edit("Front desk", `"99"`), 412, "stale-revision")
	problemIs(t, "none of ours", edit("Front desk", `"x"`), 422, "invalid", "header.If-Match")
	problemIs(t, "by finance", o.as("finance").send(http.MethodPost, "/api/v1/jobs/"+ref+"/edit", map[string]any{}, map[string]string{"If-Match": `"0"`}), 403, "not-permitted")
	if r := edit("Front desk", "*"); r.status != 200 {
		t.Errorf("any revision: %d %s", r.status, r.raw)
	}
	if r := edit("Front desk", `"3"`); r.status != 200 || r.header.Get("ETag") != `"3"` {
		t.Errorf("nothing to do: %d %s %s", r.status, r.header.Get("ETag"), r.raw)
	}
	customer := o.as("admin").do("POST", "/customers", map[string]any{"name": "A"})
	path := "/api/v1/customers/" + customer.body["id"].(string)
	if r := o.as("admin").send("PATCH", path, map[string]any{"name": "B"}, map[string]string{"If-Match": customer.header.Get("ETag")}); r.status != 204 || r.header.Get("ETag") != `"1"` {
		t.Errorf("a customer: %d %s %s", r.status, r.header.Get("ETag"), r.raw)
	}
	problemIs(t, "a customer", o.as("admin").send("PATCH", path, map[string]any{"name": "C"}, map[string]string{"If-Match": customer.header.Get("ETag")}), 412, "stale-revision")

	// The settings' ETag is what their If-Match takes; a new user of the agency, whose event stands in the same stream, changes none of them.
	seen := o.read("admin", "/settings").header.Get("ETag")
	newcomer(t, o.as("admin"), map[string]any{"username": "meanwhile", "name": "M", "email": "m@x.example", "role": "finance"})
	settings := func(hours int) reply {
		return o.as("admin").send("PUT", "/api/v1/settings/agency", map[string]any{"cancelHours": hours}, map[string]string{"If-Match": seen})
	}
	if r := settings(71); r.status != 204 || r.header.Get("ETag") != o.read("admin", "/settings").header.Get("ETag") {
		t.Errorf("the settings: %d %s %s", r.status, r.header.Get("ETag"), r.raw)
	}
	if r := settings(70); r.status != 412 || fmt.Sprint(r.body["changed"]) != "[change-settings]" {
		t.Errorf("the settings, changed meanwhile: %d %s", r.status, r.raw)
	}
}

// TestReadYourOwnWrites: a query may wait for a command's position; what it answers with is how far it was.
func TestReadYourOwnWrites(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.clock("2020-03-03T09:00:00Z")
	for range 20 {
		booked := o.as("requestor").do("POST", "/bookings", o.booking("2020-06-01T10:00", 60))
		ref, at := refOf(booked), booked.header.Get("Dragoman-Position")
		for _, path := range []string{"/jobs/" + ref, "/jobs/" + ref + "/activity", "/jobs?q=" + ref, "/calendar?from=2020-06-01&to=2020-06-02", "/dashboard"} {
			r := (&client{t: t, base: o.base, token: o.as("assigner").token}).send("GET", "/api/v1"+path, nil, map[string]string{"Dragoman-Min-Position": at})
			if r.status != 200 || later(at, r.header.Get("Dragoman-Position")) {
				t.Fatalf("%s: %d, at %s, asked for %s", path, r.status, r.header.Get("Dragoman-Position"), at)
			}
			if path != "/dashboard" && !bytes.Contains(r.raw, []byte(ref)) {
				t.Errorf("%s does not show %s", path, ref)
			}
		}
	}
}
