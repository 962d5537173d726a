package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestAvailability: what an interpreter says about the own time keeps offers and assignments away, the own acceptance goes past it, and a time that
// holds an assignment may be marked, which is told.
func TestAvailability(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.clock("2020-03-02T09:00:00Z")
	o.as("interpreter").seen = o.openAPI().holds

	// At first nothing is said; what is read can be sent back.
	r := o.ask("interpreter", "/me/availability")
	if r.status != 200 || r.header.Get("ETag") != `"0"` || r.body["timeZone"] != "Europe/London" || len(r.body["week"].([]any)) != 0 {
		t.Fatalf("at first: %d %s %s", r.status, r.header.Get("ETag"), r.raw)
	}
	mine := map[string]any{"week": week("mon", "09:00", "17:00"), "unavailable": []map[string]any{
		{"from": "2020-04-06T00:00", "to": "2020-04-08", "note": "Lviv"}, {"from": "2020-10-25T01:30+01:00", "to": "2020-10-25T01:30Z"}}}
	set := o.as("interpreter").send("PUT", "/api/v1/me/availability", mine, map[string]string{"If-Match": `"0"`, "Idempotency-Key": "holiday"})
	if set.status != http.StatusNoContent || set.header.Get("Dragoman-Position") == "" {
		t.Fatalf("set: %d %s", set.status, set.raw)
	}
	again := o.as("interpreter").send("PUT", "/api/v1/me/availability", mine, map[string]string{"If-Match": `"0"`, "Idempotency-Key": "holiday"})
	if again.status != http.StatusNoContent || again.header.Get("ETag") != set.header.Get("ETag") {
		t.Errorf("the same once more: %d %s, ETag %s", again.status, again.raw, again.header.Get("ETag"))
	}
	problemIs(t, "a stale revision", o.as("interpreter").send("PUT", "/api/v1/me/availability", map[string]any{}, map[string]string{"If-Match": `"0"`}), 412, "stale-revision")
	r = o.ask("interpreter", "/me/availability")
	spans := r.body["unavailable"].([]any)
	if r.header.Get("ETag") != set.header.Get("ETag") || len(spans) != 2 || spans[0].(map[string]any)["from"] != "2020-04-06T00:00:00+01:00" ||
		spans[0].(map[string]any)["to"] != "2020-04-08T00:00:00+01:00" || spans[1].(map[string]any)["to"] != "2020-10-25T01:30:00Z" {
		t.Errorf("read back: %s %s", r.header.Get("ETag"), r.raw)
	}
	if back := o.send("interpreter", "PUT", "/me/availability", r.body); back.status != http.StatusNoContent || back.header.Get("ETag") != set.header.Get("ETag") {
		t.Errorf("sent back as it was read: %d %s", back.status, back.raw)
	}
	bad := o.send("interpreter", "PUT", "/me/availability", map[string]any{"week": week("payday", "9", "8"), "unavailable": []map[string]any{{"from": "2020-03-29T01:30", "to": "2020-04-01"}}})
	problemIs(t, "faults", bad, 422, "invalid")
	for _, at := range []string{"body.week[0].day", "body.week[0].from", "body.week[0].to", "body.unavailable[0].from"} {
		if !strings.Contains(string(bad.raw), at) {
			t.Errorf("%s is not at fault: %s", at, bad.raw)
		}
	}

	// Monday 6 April is marked; Tuesday 24 March is no working day.
	for _, start := range []string{"2020-04-06T10:00", "2020-03-24T10:00"} {
		ref := o.book(start, 60)
		problemIs(t, "an offer at "+start, o.try("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN}}), 422, "unavailable")
		problemIs(t, "an assignment at "+start, o.try("assigner", ref, "assign", map[string]any{"interpreter": anaLIN}), 422, "unavailable")
		o.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN}, "override": "Asked on the telephone"})
		o.do("interpreter", ref, "accept-offer", map[string]any{})
		o.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
	}
	ref := o.book("2020-03-30T10:00", 60)
	o.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})

	// The time of an assigned job may be marked: the job stays, and is named.
	marked := o.send("interpreter", "PUT", "/me/availability", map[string]any{"unavailable": []map[string]any{{"from": "2020-03-30", "to": "2020-03-31"}}})
	if marked.status != http.StatusOK || !strings.Contains(string(marked.raw), ref) || strings.Count(string(marked.raw), "assigned-then") != 1 {
		t.Errorf("marking an assigned time: %d %s", marked.status, marked.raw)
	}
	if status := o.read("assigner", "/jobs/"+ref).body["status"]; status != "assigned" {
		t.Errorf("the job is %v", status)
	}
	o.clock("2020-03-31T09:00:00Z")
	if past := o.send("interpreter", "PUT", "/me/availability", map[string]any{"timeZone": "Europe/Paris", "unavailable": []map[string]any{{"from": "2020-03-30", "to": "2020-03-31"}}}); past.status != http.StatusNoContent {
		t.Errorf("a job that is over warns: %d %s", past.status, past.raw)
	}
	// The stream is the interpreter's: the auditor's history of a job and other people's eyes know nothing of it.
	for _, user := range []string{"assigner", "requestor", "auditor", "admin"} {
		problemIs(t, user, o.ask(user, "/me/availability"), 403, "not-permitted")
	}
	if notes := o.notes("assigner", ref); slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, "vailab") }) {
		t.Errorf("notes: %q", notes)
	}
}

func week(day, from, to string) []map[string]any {
	return []map[string]any{{"day": day, "from": from, "to": to}}
}
