package main

import (
	"testing"
)

// TestOrderOfChecks: signed in, may know it, may do it, only then what was sent. With a body that no rule accepts, the answers are those of the
// role table still.
func TestOrderOfChecks(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.clock("2020-03-03T09:00:00Z")
	ref := o.book("2020-06-01T10:00", 60)
	customer := o.read("requestor", "/me").body["customer"].(string)
	interpreter := o.read("admin", "/interpreters?limit=1").items()[0]["id"].(string)
	nobody := &client{t: t, base: o.base}
	commands := []string{"confirm", "take", "release", "send-offer", "revoke-offer", "accept-offer", "decline-offer", "assign", "unassign", "propose-eta", "agree-eta",
		"decline-eta", "change-eta", "submit-timesheet", "accept-timesheet", "dispute-timesheet", "close", "cancel", "edit", "undo", "continue", "duplicate", "follow-up", "make-recurring", "post-message",
		"log-contact"}
	for _, command := range commands {
		for what, body := range map[string]any{"empty": map[string]any{}, "unknown fields": map[string]any{"bogus": 1}, "wrong": []any{}} {
			path := "/jobs/" + ref + "/" + command
			problemIs(t, command+" by nobody, "+what, nobody.send("POST", "/api/v1"+path, body, nil), 401, "not-signed-in")
			problemIs(t, command+" by another customer, "+what, o.send("requestor2", "POST", path, body), 404, "not-found")
			problemIs(t, command+" by an interpreter never asked, "+what, o.send("interpreter", "POST", path, body), 404, "not-found")
			problemIs(t, command+" by finance, "+what, o.send("finance", "POST", path, body), 403, "not-permitted")
			problemIs(t, command+" by an auditor, "+what, o.send("auditor", "POST", path, body), 403, "not-permitted")
			problemIs(t, command+" of an unknown job, "+what, o.send("assigner", "POST", "/jobs/DTP999999999/"+command, body), 404, "not-found")
		}
	}
	for _, c := range []struct {
		user, method, path string
		status             int
	}{
		{"analyst", "POST", "/bookings", 403}, {"interpreter", "POST", "/bookings", 403},
		{"requestor", "POST", "/customers", 403}, {"assigner", "POST", "/customers", 403},
		{"requestor", "PATCH", "/customers/" + customer, 403}, {"requestor2", "PATCH", "/customers/" + customer, 404},
		{"requestor", "POST", "/clients", 403}, {"finance", "POST", "/locations", 403}, {"requestor2", "PATCH", "/locations/" + o.location, 404},
		{"auditor", "PATCH", "/locations/" + o.location, 403}, {"customer-admin", "POST", "/interpreters", 403},
		{"requestor", "PATCH", "/interpreters/" + interpreter, 404}, {"finance", "PATCH", "/interpreters/" + interpreter, 403},
		{"requestor", "POST", "/users", 403}, {"assigner", "POST", "/users", 403}, {"assigner", "PUT", "/settings/agency", 403},
		{"requestor", "PUT", "/settings/numbering", 403}, {"finance", "PUT", "/settings/notices", 403}, {"assigner", "POST", "/erasures", 403},
		{"requestor", "POST", "/invoices", 403}, {"admin", "POST", "/invoices", 403},
	} {
		for _, body := range []any{map[string]any{}, map[string]any{"bogus": 1}, []any{}} {
			code := map[int]string{403: "not-permitted", 404: "not-found"}[c.status]
			problemIs(t, c.method+" "+c.path+" by "+c.user, o.send(c.user, c.method, c.path, body), c.status, code)
		}
	}
	// Whoever may is told what is wrong, as far as the shape and the rules go.
	problemIs(t, "assign by an assigner", o.try("assigner", ref, "assign", map[string]any{"bogus": 1}), 422, "invalid")
	problemIs(t, "a client of nobody", o.send("admin", "POST", "/clients", map[string]any{"name": "Custody"}), 422, "invalid", "body.customer")
	problemIs(t, "a location of nobody", o.send("admin", "POST", "/locations", map[string]any{"name": "Custody"}), 422, "invalid", "body.customer")
	unknown := "00000000-0000-4000-8000-000000000000"
	problemIs(t, "a client of an unknown customer", o.send("admin", "POST", "/clients", map[string]any{"customer": unknown, "name": "Custody"}), 422, "invalid", "body.customer")
	problemIs(t, "a user of an unknown customer", o.send("admin", "POST", "/users", map[string]any{"customer": unknown, "username": "u1", "name": "U", "email": "u@x.example",
		"role": "requestor"}), 422, "invalid", "body.customer")
}
