package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// previewOf is one preview that must be one.
func (o *office) previewOf(user, ref, command string, body map[string]any) reply {
	o.t.Helper()
	r := o.send(user, "POST", "/jobs/"+ref+"/"+command+"?preview=true", body)
	if r.status != 200 || r.body["previewed"] == "" {
		o.t.Fatalf("preview of %s by %s: %d %s", command, user, r.status, r.raw)
	}
	return r
}

// jobNumber is the number in a job's reference.
func jobNumber(ref string) int {
	n, _ := strconv.Atoi(strings.TrimLeft(ref, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
	return n
}

// results are a preview's results by reference; jobs to be made stand under "".
func results(body map[string]any) map[string]string {
	out := map[string]string{}
	for _, c := range objectsOf(body["changes"]) {
		ref, _ := c["ref"].(string)
		out[ref] = c["result"].(string)
	}
	return out
}

// committed is a body with the token of its preview.
func committed(body map[string]any, preview reply) map[string]any {
	out := map[string]any{"previewed": preview.body["previewed"]}
	for k, v := range body {
		out[k] = v
	}
	return out
}

// TestD10_N06_Previews: a preview of any command writes nothing, draws no number and reserves nothing, and says what a commit that carries its
// token then does exactly, or is refused with a new one.
func TestD10_N06_Previews(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.clock("2020-03-02T09:00:00Z")

	wish := o.booking("2020-06-01T10:00", 60)
	seen := o.send("requestor", "POST", "/bookings?preview=true", wish)
	change := objectsOf(seen.body["changes"])
	if seen.status != 200 || len(change) != 1 || change[0]["result"] != "created" || change[0]["ref"] != nil || change[0]["start"] != "2020-06-01T10:00:00+01:00" ||
		fmt.Sprint(change[0]["notes"]) != "[(new) Created]" {
		t.Fatalf("preview of a booking: %d %s", seen.status, seen.raw)
	}
	problemIs(t, "a faulty one", o.send("requestor", "POST", "/bookings?preview=true", o.booking("2019-06-01T10:00", 60)), 422, "invalid", "body.start")
	first := refOf(o.as("requestor").do("POST", "/bookings", committed(wish, seen)))
	second := o.book("2020-06-01T12:00", 60)
	if jobNumber(second) != jobNumber(first)+1 {
		t.Errorf("previews drew numbers: %s, then %s", first, second)
	}
	other := o.booking("2020-06-01T11:00", 60)
	stale := o.send("requestor", "POST", "/bookings", committed(other, seen))
	problemIs(t, "another body under the token", stale, 412, "stale-preview")
	if again, _ := stale.body["preview"].(map[string]any); again == nil || results(again)[""] != "created" {
		t.Errorf("it brings no new preview: %s", stale.raw)
	}

	// An assignment: the diary is read, and nothing is taken.
	assign := map[string]any{"interpreter": anaLIN}
	seen = o.previewOf("assigner", first, "assign", assign)
	if c := objectsOf(seen.body["changes"]); len(c) != 1 || c[0]["ref"] != first || c[0]["status"] != "assigned" ||
		fmt.Sprint(c[0]["notes"]) != fmt.Sprintf("[Assigned %s to job %s %s changed from new to assigned]", anaLIN, first, first) {
		t.Errorf("preview of an assignment: %s", seen.raw)
	}
	if got := o.read("assigner", "/jobs/"+first).body["status"]; got != "new" {
		t.Errorf("the job is %v", got)
	}
	rival := o.book("2020-06-01T10:30", 60)
	o.do("assigner", rival, "assign", assign)
	stale = o.try("assigner", first, "assign", committed(assign, seen))
	problemIs(t, "the diary moved", stale, 412, "stale-preview")
	clash := objectsOf(stale.body["preview"].(map[string]any)["changes"])[0]
	if c, _ := clash["clash"].(map[string]any); clash["result"] != "refused" || c == nil || c["job"] != rival || c["start"] != "2020-06-01T10:30:00+01:00" {
		t.Errorf("the clash: %v", clash)
	}
	fresh := o.previewOf("assigner", first, "assign", assign)
	if p, _ := fresh.body["problem"].(map[string]any); p == nil || p["code"] != "double-booked" {
		t.Errorf("the preview does not say what the commit would be: %s", fresh.raw)
	}
	problemIs(t, "what the preview said", o.try("assigner", first, "assign", committed(assign, fresh)), 409, "double-booked")
	problemIs(t, "a made-up token", o.try("assigner", second, "assign", map[string]any{"interpreter": anaLIN, "previewed": "bm90IGEgdG9rZW4"}), 412, "stale-preview")
	seen = o.previewOf("assigner", second, "assign", assign)
	if r := o.try("assigner", second, "assign", committed(assign, seen)); r.status != 200 {
		t.Errorf("a commit on its preview: %d %s", r.status, r.raw)
	}

	// Whoever else asks with the token asks for something else; what the booking became makes it stale; nobody reads more than before.
	edit := map[string]any{"fields": map[string]any{"reportTo": "Desk 4"}}
	seen = o.previewOf("requestor", second, "edit", edit)
	problemIs(t, "somebody else's", o.try("assigner", second, "edit", committed(edit, seen)), 412, "stale-preview")
	o.do("requestor", second, "post-message", map[string]any{"text": "Hello"})
	stale = o.try("requestor", second, "edit", committed(edit, seen))
	problemIs(t, "the booking moved", stale, 412, "stale-preview")
	now := stale.body["preview"].(map[string]any)
	if r := o.try("requestor", second, "edit", map[string]any{"fields": edit["fields"], "previewed": now["previewed"]}); r.status != 200 {
		t.Errorf("a commit on the new preview: %d %s", r.status, r.raw)
	}
	if got := results(o.previewOf("requestor", second, "edit", edit).body); got[second] != "skipped" {
		t.Errorf("what is so already: %v", got)
	}
	cancel := map[string]any{"authorisedBy": "Sergeant Bell"}
	seen = o.previewOf("assigner", second, "cancel", cancel)
	o.do("assigner", second, "cancel", cancel)
	stale = o.try("assigner", second, "close", committed(map[string]any{"outcome": "aborted", "reason": "ill"}, seen))
	if p := stale.body["preview"].(map[string]any); stale.status != 412 || results(p)[second] != "refused" || p["problem"].(map[string]any)["code"] != "wrong-status" {
		t.Errorf("what would be refused now: %d %s", stale.status, stale.raw)
	}

	// An interpreter's preview shows the own notes alone; a repeat under one key is the first answer, whatever has moved since.
	third := o.book("2020-06-03T10:00", 60)
	o.do("assigner", third, "send-offer", map[string]any{"interpreters": []string{anaLIN, benLIN}})
	seen = o.previewOf("interpreter", third, "decline-offer", map[string]any{})
	if c := objectsOf(seen.body["changes"]); fmt.Sprint(c[0]["notes"]) != fmt.Sprintf("[%s declined job offer for %s]", anaLIN, third) {
		t.Errorf("the interpreter's preview: %s", seen.raw)
	}
	key := map[string]string{"Idempotency-Key": "one"}
	body := committed(map[string]any{}, seen)
	a := o.as("interpreter").send("POST", "/api/v1/jobs/"+third+"/decline-offer", body, key)
	b := o.as("interpreter").send("POST", "/api/v1/jobs/"+third+"/decline-offer", body, key)
	if a.status != 200 || b.status != 200 || string(a.raw) != string(b.raw) {
		t.Errorf("a repeat: %d %s, then %d %s", a.status, a.raw, b.status, b.raw)
	}

	// People and settings too.
	before := o.read("admin", "/clients").body["total"]
	made := o.send("admin", "POST", "/clients?preview=true", map[string]any{"customer": o.read("requestor", "/me").body["customer"], "name": "Night shift"})
	if made.status != 200 || results(made.body)[""] != "created" || o.read("admin", "/clients").body["total"] != before {
		t.Errorf("preview of a client: %d %s", made.status, made.raw)
	}
	set := map[string]any{"name": "Another Agency"}
	seen = o.send("admin", "PUT", "/settings/agency?preview=true", set)
	if seen.status != 200 || results(seen.body)[""] != "changed" || o.read("admin", "/settings").body["name"] == "Another Agency" {
		t.Errorf("preview of a setting: %d %s", seen.status, seen.raw)
	}
	if r := o.send("admin", "PUT", "/settings/agency", committed(set, seen)); r.status != 204 {
		t.Errorf("its commit: %d %s", r.status, r.raw)
	}
	if notes := o.notes("assigner", third); len(notes) != 4 { // created, two offers, one declined: previews leave none
		t.Errorf("notes of the third job: %q", notes)
	}
}
