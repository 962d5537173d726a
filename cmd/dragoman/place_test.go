package main

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	ics "github.com/arran4/golang-ical"
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

// TestN14_CounterOffers: an interpreter answers an offer with another fee and start; it holds nothing until staff say yes.
func TestN14_CounterOffers(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.clock("2020-03-02T09:00:00Z")
	holds := o.openAPI().holds
	for _, user := range []string{"assigner", "interpreter", "interpreter2"} {
		o.as(user).seen = holds
	}
	both := map[string]any{"interpreters": []string{anaLIN, benLIN}}
	fee := func(amount string) map[string]any {
		return map[string]any{"fee": map[string]any{"amount": amount, "currency": "GBP"}, "reason": "The last train."}
	}
	own := func(user, ref string) map[string]any {
		for _, i := range o.read(user, "/offers").items() {
			if i["job"] == ref {
				return i
			}
		}
		t.Fatalf("%s has no offer for %s", user, ref)
		return nil
	}
	ref := o.book("2020-04-01T10:00", 60)
	o.do("assigner", ref, "send-offer", both)
	more := fee("95.50")
	more["proposedStart"] = "2020-04-01T11:00"
	o.do("interpreter", ref, "counter-offer", more)
	counter, _ := own("interpreter", ref)["counter"].(map[string]any)
	if counter["state"] != "open" || counter["proposedStart"] != "2020-04-01T11:00:00+01:00" || counter["fee"].(map[string]any)["amount"] != "95.50" {
		t.Errorf("the own counter-offer reads %v", counter)
	}
	job := o.read("assigner", "/jobs/"+ref)
	if job.body["nextStep"] != "answer-counter" || job.body["waitingOn"] != "agency" {
		t.Errorf("the job waits on %v for %v", job.body["waitingOn"], job.body["nextStep"])
	}
	if list := refsOf(o.read("assigner", "/waiting-for-me?filter[step]=answer-counter")); !slices.Contains(list, ref) {
		t.Errorf("waiting for staff: %q", list)
	}
	if list := refsOf(o.read("interpreter", "/waiting-for-me")); slices.Contains(list, ref) {
		t.Error("it waits for who has answered")
	}
	if seen := o.ask("requestor", "/jobs/"+ref); strings.Contains(string(seen.raw), "95.50") || strings.Contains(string(seen.raw), "last train") {
		t.Errorf("the customer reads of the counter-offer: %s", seen.raw)
	}
	if seen := o.ask("interpreter2", "/jobs/"+ref); strings.Contains(string(seen.raw), "95.50") {
		t.Errorf("another interpreter reads of the counter-offer: %s", seen.raw)
	}
	o.do("assigner", ref, "answer-counter", map[string]any{"interpreter": anaLIN, "accept": true})
	if i := own("interpreter", ref); i["state"] != "accepted" || i["fee"].(map[string]any)["amount"] != "95.50" || i["proposedStart"] != "2020-04-01T11:00:00+01:00" {
		t.Errorf("accepted: %v", i)
	}
	problemIs(t, "a second acceptance", o.try("interpreter2", ref, "accept-offer", map[string]any{}), 409, "already-accepted")
	o.do("assigner", ref, "propose-eta", map[string]any{"eta": "2020-04-01T11:00"})
	o.do("requestor", ref, "agree-eta", map[string]any{})
	o.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
	want := []string{"Assigned " + anaLIN + " to job " + ref, "Counter-offer of " + anaLIN + " accepted for " + ref, anaLIN + " made a counter-offer for " + ref}
	notes := o.notes("requestor", ref)
	for _, note := range want {
		if !slices.Contains(notes, note) {
			t.Errorf("no note %q in %q", note, notes)
		}
	}
	if i := own("interpreter2", ref); i["state"] != "ended" || i["endedWhy"] != "assigned-to-another" {
		t.Errorf("how it ended for the other: %v", i)
	}

	// A time that the diary holds cannot be accepted, nor a counter-offer for it; a hold in it ends, and that job's other offers open again.
	clash := o.book("2020-04-01T11:30", 60)
	o.do("assigner", clash, "send-offer", both)
	problemIs(t, "a taken time", o.try("interpreter", clash, "accept-offer", map[string]any{}), 409, "double-booked")
	problemIs(t, "a taken time, for staff", o.try("assigner", clash, "accept-offer", map[string]any{"interpreter": anaLIN}), 409, "double-booked")
	o.do("interpreter", clash, "counter-offer", fee("99"))
	problemIs(t, "yes to a taken time", o.try("assigner", clash, "answer-counter", map[string]any{"interpreter": anaLIN, "accept": true}), 409, "double-booked")
	o.do("assigner", clash, "answer-counter", map[string]any{"interpreter": anaLIN, "accept": false})
	if !slices.Contains(o.notes("assigner", clash), "Counter-offer of "+anaLIN+" declined for "+clash) {
		t.Error("the no left no note")
	}
	later := map[string]any{"proposedStart": "2020-04-01T12:30"}
	o.do("interpreter", clash, "accept-offer", later)
	o.do("interpreter", clash, "decline-offer", map[string]any{})

	held, other := o.book("2020-04-02T10:00", 60), o.book("2020-04-02T10:30", 60)
	o.do("assigner", held, "send-offer", both)
	o.do("interpreter", held, "accept-offer", map[string]any{})
	problemIs(t, "held by another", o.try("interpreter2", held, "accept-offer", map[string]any{}), 409, "already-accepted")
	o.do("assigner", other, "assign", map[string]any{"interpreter": anaLIN})
	for deadline := time.Now().Add(30 * time.Second); own("interpreter", held)["endedWhy"] != "assigned-elsewhere"; {
		if time.Now().After(deadline) {
			t.Fatalf("the hold has not ended: %v", own("interpreter", held))
		}
	}
	o.do("interpreter2", held, "accept-offer", map[string]any{})

	last := o.book("2020-04-03T10:00", 60)
	o.do("assigner", last, "send-offer", both)
	problemIs(t, "nothing else than the offer", o.try("interpreter", last, "counter-offer", map[string]any{}), 422, "invalid", "body.proposedStart")
	o.as("assigner").do("POST", "/interpreters/"+idOf(anaLIN)+"/suspend", map[string]any{"reason": "A complaint is looked into."})
	problemIs(t, "of a suspended one", o.try("interpreter", last, "counter-offer", fee("99")), 422, "suspended")
}

// TestM25_Feeds: a calendar feed tells what its level says and nothing else, keeps what has ended as cancelled for 90 days, and is gone once revoked.
func TestM25_Feeds(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.clock("2020-03-02T09:00:00Z")
	holds := o.openAPI().holds
	o.as("interpreter").seen = holds
	private := func(body, fields map[string]any) {
		fields["nonEnglishSpeaker"], fields["custodyReference"], fields["jobNotes"] = "Zofia Secret", "CUST-4711", "Bring the file"
		fields["custodyClock"] = body["start"].(string)[:10] + "T22:00"
		fields["requestingOfficer"], fields["reportTo"], fields["venueInformation"] = "Sergeant Secret", "Secret desk", "Secret door"
	}
	kept, lost, moved := o.book("2020-04-01T10:00", 60, private), o.book("2020-04-02T10:00", 60, private), o.book("2020-10-24T23:30", 180, private)
	remote := o.bookRemote("2020-04-03T10:00", 30)
	for _, ref := range []string{kept, lost, moved, remote} {
		o.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
	}
	offered := o.book("2020-04-05T10:00", 60, private)
	o.do("assigner", offered, "send-offer", map[string]any{"interpreters": []string{anaLIN}})
	o.do("interpreter", offered, "accept-offer", map[string]any{})
	address := map[string]string{}
	for _, level := range []string{"busy", "place", "full"} {
		made := o.send("interpreter", "POST", "/me/feeds", map[string]any{"level": level})
		if made.status != http.StatusCreated || made.body["id"] == nil {
			t.Fatalf("make a feed: %d %s", made.status, made.raw)
		}
		address[level] = made.body["address"].(string)
	}
	again := func(level string) reply {
		return o.as("interpreter").send("POST", "/api/v1/me/feeds", map[string]any{"level": level}, map[string]string{"Idempotency-Key": "my phone"})
	}
	one, two := again("busy"), again("busy")
	if one.status != http.StatusCreated || two.status != http.StatusCreated || one.body["id"] != two.body["id"] || one.body["address"] != two.body["address"] {
		t.Errorf("sent twice: %s, %s", one.raw, two.raw)
	}
	problemIs(t, "another feed under that key", again("full"), 422, "idempotency-key-reused")
	if r := (&client{t: t, base: o.base}).send("GET", two.body["address"].(string), nil, nil); r.status != http.StatusOK {
		t.Errorf("the repeated address: %d", r.status)
	}
	if gone := o.send("interpreter", "DELETE", "/me/feeds/"+one.body["id"].(string), nil); gone.status != http.StatusNoContent {
		t.Errorf("revoke it: %d %s", gone.status, gone.raw)
	}
	if r := again("busy"); r.status != http.StatusCreated || r.body["address"] != one.body["address"] {
		t.Errorf("sent once more, after it was revoked: %d %s", r.status, r.raw)
	}
	if r := (&client{t: t, base: o.base}).send("GET", one.body["address"].(string), nil, nil); r.status != http.StatusNotFound {
		t.Errorf("a repeat brought a revoked feed back: %d", r.status)
	}
	problemIs(t, "an unknown level", o.send("interpreter", "POST", "/me/feeds", map[string]any{"level": "everything"}), 422, "invalid", "body.level")
	nobody := &client{t: t, base: o.base}
	fetch := func(level string) (events map[string]map[string]string, raw string, r reply) {
		t.Helper()
		o.read("interpreter", "/offers") // the read model has seen all
		r = nobody.send("GET", address[level], nil, nil)
		if r.status != http.StatusOK || r.header.Get("Content-Type") != "text/calendar; charset=utf-8" || !strings.HasPrefix(r.header.Get("Cache-Control"), "private") {
			t.Fatalf("%s: %d %v %s", level, r.status, r.header, r.raw)
		}
		calendar, err := ics.ParseCalendar(bytes.NewReader(r.raw))
		if err != nil {
			t.Fatalf("%s does not parse: %v", level, err)
		}
		events = map[string]map[string]string{}
		for _, e := range calendar.Events() {
			values := map[string]string{}
			for _, p := range e.Properties {
				values[p.IANAToken] = p.Value
			}
			if start := values["DTSTART"]; events[start] != nil {
				t.Errorf("%s: two events at %s", level, start)
			}
			events[values["DTSTART"]] = values
		}
		return events, string(r.raw), r
	}
	place := o.read("requestor", "/locations").items()[0]["address"].(map[string]any)
	outward, _, _ := strings.Cut(place["postcode"].(string), " ")
	const keptAt, lostAt, movedAt, remoteAt = "20200401T090000Z", "20200402T090000Z", "20201024T223000Z", "20200403T090000Z"
	uids := map[string]string{}
	for _, level := range []string{"busy", "place", "full"} {
		events, raw, _ := fetch(level)
		if len(events) != 4 {
			t.Errorf("%s: %d events, want the 4 assigned jobs: %s", level, len(events), raw)
		}
		if end := events[movedAt]["DTEND"]; end != "20201025T013000Z" { // three hours, over the end of summer time
			t.Errorf("%s: the night ends at %q", level, end)
		}
		for _, secret := range []string{"Zofia", "CUST-4711", "Secret", "Bring", "0113", "police.example", anaLIN, "join.example"} {
			if strings.Contains(raw, secret) {
				t.Errorf("%s tells %q", level, secret)
			}
		}
		for what, from := range map[string]string{outward: "place", place["town"].(string): "place", "Polish": "full", kept: "full"} {
			shown := level == "full" || level == from
			if strings.Contains(raw, what) != shown {
				t.Errorf("%s tells %q: %v", level, what, !shown)
			}
		}
		for at, e := range events {
			if before := uids[at]; before != "" && before != e["UID"] {
				t.Errorf("the event at %s has the UIDs %s and %s", at, before, e["UID"])
			}
			uids[at] = e["UID"]
			if e["STATUS"] != "CONFIRMED" || e["SEQUENCE"] == "" || e["DTSTAMP"] != "20200302T090000Z" {
				t.Errorf("%s: %v", level, e)
			}
		}
	}
	job := o.read("interpreter", "/jobs/"+kept)
	if events, _, _ := fetch("busy"); events[keptAt]["SEQUENCE"] != fmt.Sprint(job.body["revision"]) {
		t.Errorf("sequence %s, revision %v", events[keptAt]["SEQUENCE"], job.body["revision"])
	}

	// The same calendar again is not sent again; a change is, with a later sequence and stamp.
	_, _, first := fetch("full")
	if again := nobody.send("GET", address["full"], nil, map[string]string{"If-None-Match": first.header.Get("ETag")}); again.status != http.StatusNotModified || len(again.raw) > 0 {
		t.Errorf("unchanged: %d %s", again.status, again.raw)
	}
	o.clock("2020-03-03T09:00:00Z")
	o.do("assigner", kept, "change-eta", map[string]any{"eta": "2020-04-01T14:00", "agreedBy": "Bell"})
	o.do("assigner", lost, "unassign", map[string]any{"interpreter": anaLIN, "reason": "Secret reason"})
	o.do("assigner", remote, "cancel", map[string]any{"authorisedBy": "Secret"})
	events, raw, _ := fetch("full")
	if e := events["20200401T130000Z"]; e["UID"] != uids[keptAt] || e["DTSTAMP"] != "20200303T090000Z" || e["STATUS"] != "CONFIRMED" {
		t.Errorf("after the new ETA: %v", e)
	}
	for _, at := range []string{lostAt, remoteAt} {
		if e := events[at]; e["STATUS"] != "CANCELLED" || e["UID"] != uids[at] || e["SUMMARY"] != "Cancelled" || e["LOCATION"] != "" || e["DTSTAMP"] != "20200303T090000Z" {
			t.Errorf("what was taken away reads %v", e)
		}
	}
	if strings.Contains(raw, lost) || strings.Contains(raw, "Secret") {
		t.Errorf("an ended one tells more than its time: %s", raw)
	}
	// Moved and given to another afterwards: whoever lost it learns nothing of that.
	o.do("assigner", lost, "edit", map[string]any{"start": "2020-04-20T10:00"})
	o.do("assigner", lost, "assign", map[string]any{"interpreter": benLIN})
	if after, _, _ := fetch("full"); after[lostAt]["SEQUENCE"] != events[lostAt]["SEQUENCE"] || after[lostAt]["STATUS"] != "CANCELLED" {
		t.Errorf("a lost job goes on being told: %v", after[lostAt])
	}
	o.clock("2020-06-02T09:00:00Z") // 91 days after
	if late, _, _ := fetch("busy"); late[lostAt] != nil || late["20200401T130000Z"] == nil {
		t.Errorf("after 91 days: %v", late)
	}

	// Another's address opens nothing, nor does a revoked one, nor one of a user who may not sign in any more.
	for _, wrong := range []string{address["busy"][:len(address["busy"])-5] + "x.ics", "/api/v1/feeds/x.ics"} {
		problemIs(t, wrong, nobody.send("GET", wrong, nil, nil), 404, "not-found")
	}
	mine := o.read("interpreter", "/me/feeds").items()
	if len(mine) != 3 || mine[0]["level"] != "busy" || mine[0]["fetches"].(float64) < 2 || strings.Contains(fmt.Sprint(mine), address["busy"][15:30]) {
		t.Errorf("my feeds: %v", mine)
	}
	id := mine[0]["id"].(string)
	problemIs(t, "another's feed", o.send("interpreter2", "DELETE", "/me/feeds/"+id, nil), 404, "not-found")
	if r := o.send("interpreter", "DELETE", "/me/feeds/"+id, nil); r.status != http.StatusNoContent {
		t.Errorf("revoke: %d %s", r.status, r.raw)
	}
	problemIs(t, "a revoked feed", nobody.send("GET", address["busy"], nil, nil), 404, "not-found")
	if left := o.read("interpreter", "/me/feeds").items(); len(left) != 2 {
		t.Errorf("after revoking: %v", left)
	}
	for range 8 {
		o.send("interpreter", "POST", "/me/feeds", map[string]any{"level": "busy"})
	}
	problemIs(t, "one feed too many", o.send("interpreter", "POST", "/me/feeds", map[string]any{"level": "busy"}), 422, "too-many-feeds")
	for _, u := range o.read("admin", "/users?limit=500").items() {
		if u["lin"] == anaLIN {
			o.as("admin").do("PATCH", "/users/"+u["id"].(string), map[string]any{"disabled": true})
		}
	}
	problemIs(t, "of a user who is disabled", nobody.send("GET", address["full"], nil, nil), 404, "not-found")
}
