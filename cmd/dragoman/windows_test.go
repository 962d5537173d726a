package main

import (
	"fmt"
	"slices"
	"strings"
)

// policy sets a window of the customer moor.
func (r *rows) policy(command string, change map[string]any) {
	r.t.Helper()
	body := map[string]any{"customer": r.moor, "command": command}
	for k, v := range change {
		body[k] = v
	}
	r.as("admin").do("PUT", "/settings/policies", body)
}

// agreed takes the own windows of the customer moor, and what else was agreed here, away again.
func (r *rows) agreed(settings map[string]any) {
	r.t.Helper()
	for _, command := range []string{"create", "edit", "cancel"} {
		r.policy(command, map[string]any{"inherit": true})
	}
	r.as("admin").do("PATCH", "/customers/"+r.moor, map[string]any{"settings": settings})
}

// tooLate checks a refusal that says until when it was possible.
func (r *rows) tooLate(what string, no reply, until string) {
	r.t.Helper()
	problemIs(r.t, what, no, 422, "too-late")
	if no.body["until"] != until {
		r.t.Errorf("%s: until %v, want %s", what, no.body["until"], until)
	}
}

// asksAgency sends the admin message that a refusal holds ready (LL-115).
func (r *rows) asksAgency(ref string, no reply, text string) {
	r.t.Helper()
	action := no.body["actions"].([]any)[0].(map[string]any)
	if got := action["body"].(map[string]any)["text"]; action["command"] != "post-message" || got != text {
		r.t.Fatalf("the ready action is %v", action)
	}
	r.do("moor", ref, "post-message", action["body"])
	if got := r.read("assigner", "/jobs/"+ref+"/messages").items(); got[len(got)-1]["text"] != text {
		r.t.Errorf("the thread is %v", got)
	}
}

func (r *rows) can(user, ref, command string) bool {
	actions, _ := r.job(user, ref)["actions"].([]any)
	return slices.Contains(actions, any(command))
}

// II-70: edit span 24 h: at 24 h 01 min allowed, at exactly 24 h as the rule says, at 23 h 59 min refused with reason, for the customer alone.
func rowEditWindow(r *rows) {
	t := r.t
	defer r.agreed(map[string]any{})
	r.policy("edit", map[string]any{"span": 24, "unit": "hours", "inclusive": true})
	ref := r.bookStandard("2020-05-11T10:00", 60)[0]
	change := func(text string) map[string]any {
		return map[string]any{"fields": map[string]any{"appointmentNotes": text}, "scope": "this"}
	}
	if until := r.job("moor", ref)["editUntil"]; until != "2020-05-10T10:00:00+01:00" {
		t.Errorf("the job says until %v", until)
	}
	r.clock("2020-05-10T08:59:00Z")
	r.do("moor", ref, "edit", change("24 h 01 min before"))
	r.clock("2020-05-10T09:00:00Z")
	if !r.can("moor", ref, "edit") {
		t.Error("edit is not offered exactly 24 hours before")
	}
	r.do("moor", ref, "edit", change("exactly 24 h before"))
	r.clock("2020-05-10T09:01:00Z")
	if r.can("moor", ref, "edit") || !r.can("assigner", ref, "edit") {
		t.Error("23 h 59 min before, edit is offered to the customer, or not to staff")
	}
	no := r.try("moor", ref, "edit", change("23 h 59 min before"))
	r.tooLate("23 h 59 min before", no, "2020-05-10T09:00:00Z")
	if frozen := r.job("moor", ref)["frozen"].(map[string]any); frozen["why"] != "too-late" || frozen["fields"] != nil {
		t.Errorf("frozen: %v", frozen)
	}
	r.asksAgency(ref, no, "Please change Appointment notes of job "+ref+".")
	if got := r.fieldsOf("moor", ref)["appointmentNotes"]; got != "exactly 24 h before" {
		t.Errorf("the refused edit left %v", got)
	}
	r.do("assigner", ref, "edit", change("by staff"))
	// A strict rule closes at that very instant, and one that is off never.
	r.policy("edit", map[string]any{"span": 24, "unit": "hours"})
	r.clock("2020-05-10T09:00:00Z")
	r.tooLate("exactly 24 h before, strict", r.try("moor", ref, "edit", change("no")), "2020-05-10T09:00:00Z")
	r.policy("edit", map[string]any{"enabled": false})
	r.clock("2020-05-11T08:59:00Z")
	r.do("moor", ref, "edit", change("no limit"))
	if until := r.job("moor", ref)["editUntil"]; until != nil {
		t.Errorf("without a limit the job says until %v", until)
	}
}

// II-71: create span 24: a job starting in 23 h is refused, 25 h accepted; separate from the span to edit, with a switch per customer; a
// blocked user is told to contact the agency. A moved job must be in the window to edit at its old start and to book at its new one.
func rowCreateWindow(r *rows) {
	t := r.t
	defer r.agreed(map[string]any{})
	r.clock("2020-05-11T09:00:00Z") // 10:00 in London
	r.policy("create", map[string]any{"span": 24, "unit": "hours"})
	before := r.read("moor", "/jobs?limit=1").body["total"]
	no := r.send("moor", "POST", "/bookings", r.standard("2020-05-12T09:00", 60))
	r.tooLate("in 23 hours", no, "2020-05-11T08:00:00Z")
	if detail := no.body["detail"].(string); !strings.Contains(detail, "contact the agency") || len(no.body["errors"].([]any)) != 1 {
		t.Errorf("the refusal reads %s", no.raw)
	}
	r.tooLate("in exactly 24 hours", r.send("moor", "POST", "/bookings", r.standard("2020-05-12T10:00", 60)), "2020-05-11T09:00:00Z")
	if after := r.read("moor", "/jobs?limit=1").body["total"]; after != before {
		t.Errorf("refused bookings left %v jobs of %v", after, before)
	}
	r.bookStandard("2020-05-12T10:01", 60)
	ref := r.bookStandard("2020-05-12T11:00", 60)[0]
	r.policy("create", map[string]any{"span": 24, "unit": "hours", "inclusive": true})
	r.bookStandard("2020-05-12T10:00", 60)

	r.policy("edit", map[string]any{"span": 2, "unit": "hours"})
	move := func(to string) map[string]any { return map[string]any{"start": to} }
	no = r.try("moor", ref, "edit", move("2020-05-12T09:59"))
	r.tooLate("to a start that could not be booked", no, "2020-05-11T08:59:00Z")
	r.asksAgency(ref, no, "Please move job "+ref+" to 12/05/2020 09:59.")
	r.do("moor", ref, "edit", move("2020-05-12T10:30"))
	r.clock("2020-05-12T07:30:00Z") // two hours before
	r.tooLate("the old start is too near", r.try("moor", ref, "edit", move("2020-06-12T10:30")), "2020-05-12T07:30:00Z")

	// Staff book for the customer at any time; another customer is not bound; the switch lets everybody through.
	r.clock("2020-05-11T09:00:00Z")
	soon := r.standard("2020-05-11T12:00", 60)
	soon["customer"] = r.moor
	r.as("assigner").do("POST", "/bookings", soon)
	r.book("2020-05-11T12:30", 60)
	r.policy("create", map[string]any{"enabled": false})
	r.bookStandard("2020-05-11T13:00", 60)
}

// II-72: assign one of three team jobs; the start, duration, service type and place of a sibling are locked, language stays open; unassign: open
// again. Staff, and customers without the setting, are not bound.
func rowLock(r *rows) {
	t := r.t
	defer r.agreed(map[string]any{"lockOnAssignment": false})
	r.as("admin").do("PATCH", "/customers/"+r.moor, map[string]any{"settings": map[string]any{"lockOnAssignment": true}})
	team := r.bookStandard("2020-05-20T10:00", 60, func(b, _ map[string]any) { b["interpretersRequested"] = 3 })
	edits := map[string]map[string]any{
		"body.start": {"start": "2020-05-20T11:00"}, "body.duration": {"duration": map[string]any{"hours": 2, "minutes": 0}},
		"body.serviceType": {"serviceType": "remote"}, "body.location": {"location": r.clinic},
	}
	for _, e := range edits {
		e["scope"] = "this"
	}
	r.do("moor", team[1], "edit", edits["body.start"])
	r.do("assigner", team[0], "assign", map[string]any{"interpreter": anaLIN})
	frozen := r.job("moor", team[2])["frozen"].(map[string]any)
	if fmt.Sprint(frozen["fields"]) != "[start duration serviceType location]" || frozen["by"] != team[0] || frozen["why"] != "locked" {
		t.Errorf("frozen: %v", frozen)
	}
	for _, ref := range team {
		for at, e := range edits {
			problemIs(t, at, r.try("moor", ref, "edit", e), 403, "not-editable", at)
		}
	}
	if got := r.job("assigner", team[1])["frozen"]; got != nil {
		t.Errorf("staff are told of %v", got)
	}
	r.do("moor", team[2], "edit", map[string]any{"language": "uk"})
	if got := r.job("moor", team[0])["language"]; got != "uk" {
		t.Errorf("the language of the assigned job is %v", got)
	}
	r.do("assigner", team[1], "edit", map[string]any{"start": "2020-05-20T12:00", "scope": "this"})
	r.do("assigner", team[0], "unassign", map[string]any{"interpreter": anaLIN, "reason": "ill"})
	r.do("moor", team[2], "edit", edits["body.start"])
	r.do("moor", team[2], "edit", edits["body.location"])
}

// II-12, II-74: a job of the set at a client's that the user may not use is to that user none of the set: nothing that the user does to the others
// reaches it or tells of it.
func rowSiblingsOutOfSight(r *rows) {
	t := r.t
	set := r.bookStandard("2020-05-27T10:00", 60, func(b, _ map[string]any) { b["interpretersRequested"] = 3 })
	far := set[2]
	r.do("assigner", far, "edit", map[string]any{"client": r.west, "location": r.depot, "except": set[:2]}) // the place spreads
	problemIs(t, "the job far away", r.ask("moor", "/jobs/"+far), 404, "not-found")
	as := func() string { return fmt.Sprint(r.job("assigner", far)["revision"], r.job("assigner", far)["status"]) }
	before := as()
	silent := func(what string, answer reply) {
		t.Helper()
		if answer.status != 200 && answer.status != 422 {
			t.Fatalf("%s: %d %v", what, answer.status, answer.body)
		}
		if said := fmt.Sprint(answer.body); strings.Contains(said, far) {
			t.Errorf("%s tells of the job: %s", what, said)
		}
		if after := as(); after != before {
			t.Errorf("%s: the job is %s, it was %s", what, after, before)
		}
	}
	edit := map[string]any{"language": "uk", "start": "2020-05-28T10:00", "scope": "all"}
	silent("a preview", r.try("moor", set[0], "edit?preview=true", edit))
	silent("an edit of all", r.try("moor", set[0], "edit", edit))
	silent("an undo", r.try("moor", set[0], "undo", map[string]any{}))
	silent("an edit without it", r.try("moor", set[0], "edit", map[string]any{"language": "ro", "except": []string{far}}))
	cancel := map[string]any{"scope": "all", "reason": r.read("moor", "/reasons?kind=cancel").items()[0]["value"]}
	silent("the cancellation of all", r.try("moor", set[0], "cancel", cancel))
	if got := r.job("moor", set[1])["status"]; got != "cancelled" {
		t.Errorf("the job in sight is %v", got)
	}
}

// II-82: as II-70 with the span to cancel, in working days and by a time of the day before too (D-06, M-06): over a weekend, a bank holiday of
// the place's nation, and a day that the agency adds.
func rowCancelSpan(r *rows) {
	t := r.t
	defer func() {
		r.agreed(map[string]any{"nation": ""})
		r.as("admin").do("PATCH", "/locations/"+r.ward, map[string]any{"nation": ""})
		r.as("admin").do("PUT", "/settings/holidays", map[string]any{"holidays": []any{}})
	}()
	cancel := map[string]any{"reason": r.read("moor", "/reasons?kind=cancel").items()[0]["value"]}
	last := ""
	closes := func(what, ref, open, first, until string) {
		t.Helper()
		last = ref
		r.clock(open)
		if !r.can("moor", ref, "cancel") {
			t.Errorf("%s: cancel is not offered at %s", what, open)
		}
		r.clock(first)
		if r.can("moor", ref, "cancel") {
			t.Errorf("%s: cancel is offered at %s", what, first)
		}
		no := r.try("moor", ref, "cancel", cancel)
		r.tooLate(what, no, until)
		r.asksAgency(ref, no, "Please cancel job "+ref+".")
		r.clock(open)
		r.do("moor", ref, "cancel", cancel)
		r.clock("2020-03-02T09:00:00Z")
	}
	r.policy("cancel", map[string]any{"span": 24, "unit": "hours"})
	closes("hours", r.bookStandard("2020-04-07T10:00", 60)[0], "2020-04-06T08:59:00Z", "2020-04-06T09:00:00Z", "2020-04-06T09:00:00Z")
	r.policy("cancel", map[string]any{"span": 2, "unit": "working-days", "inclusive": true})
	// Tuesday after Easter: Good Friday and Easter Monday are no working days in England, Easter Monday is one in Scotland.
	closes("working days", r.bookStandard("2020-04-14T10:00", 60)[0], "2020-04-08T09:00:00Z", "2020-04-08T09:00:01Z", "2020-04-08T09:00:00Z")
	r.as("admin").do("PATCH", "/locations/"+r.ward, map[string]any{"nation": "scotland"})
	closes("in Scotland", r.bookStandard("2020-04-14T10:00", 60)[0], "2020-04-09T09:00:00Z", "2020-04-09T09:00:01Z", "2020-04-09T09:00:00Z")
	r.as("admin").do("PATCH", "/locations/"+r.ward, map[string]any{"nation": ""})
	r.as("admin").do("PATCH", "/customers/"+r.moor, map[string]any{"settings": map[string]any{"nation": "scotland"}})
	closes("a Scottish customer", r.bookStandard("2020-04-14T10:00", 60)[0], "2020-04-09T09:00:00Z", "2020-04-09T09:00:01Z", "2020-04-09T09:00:00Z")
	// Over the clock change of 29 March the local time is kept.
	closes("a clock change", r.bookStandard("2020-03-30T10:00", 60)[0], "2020-03-26T10:00:00Z", "2020-03-26T10:00:01Z", "2020-03-26T10:00:00Z")
	r.policy("cancel", map[string]any{"span": "10:00", "unit": "day-before"})
	closes("by 10:00 on the day before", r.bookStandard("2020-04-06T15:00", 60)[0], "2020-04-03T08:59:59Z", "2020-04-03T09:00:00Z", "2020-04-03T09:00:00Z")
	r.as("admin").do("PUT", "/settings/holidays", map[string]any{"holidays": []any{map[string]any{"date": "2020-04-03", "name": "The office moves"}}})
	closes("an added day", r.bookStandard("2020-04-06T15:00", 60)[0], "2020-04-02T08:59:59Z", "2020-04-02T09:00:00Z", "2020-04-02T09:00:00Z")
	// The event keeps what was applied, whatever the settings say later.
	history := r.read("auditor", "/jobs/"+last+"/history").items()
	var kept map[string]any
	for _, e := range history {
		if e["type"] == "booking.cancelled.v1" {
			kept = e["data"].(map[string]any)["policy"].(map[string]any)["window"].(map[string]any)
		}
	}
	if fmt.Sprint(kept["command"], kept["until"], kept["nation"], kept["holidays"]) != "cancel2020-04-02T09:00:00Zscotland"+fmt.Sprint(kept["holidays"]) ||
		!strings.HasPrefix(fmt.Sprint(kept["holidays"]), "date-holidays ") || kept["rule"].(map[string]any)["by"] != "10:00" {
		t.Errorf("the event keeps %v", kept)
	}
}

// D-06, M-06: policies and holidays are set and read by the admin, every fault at once beside its field.
func rowPolicies(r *rows) {
	t := r.t
	defer r.agreed(map[string]any{})
	read := func(query string) map[string]map[string]any {
		out := map[string]map[string]any{}
		for _, item := range r.read("admin", "/settings/policies"+query).items() {
			out[item["command"].(string)] = item
		}
		return out
	}
	if p := read(""); p["cancel"]["span"] != 72.0 || p["cancel"]["unit"] != "hours" || p["cancel"]["enabled"] != true || p["edit"]["enabled"] != false || p["create"]["enabled"] != false {
		t.Errorf("the agency starts with %v", p)
	}
	put := func(change map[string]any) reply {
		body := map[string]any{"command": "edit", "span": 3, "unit": "hours"}
		for k, v := range change {
			if body[k] = v; v == nil {
				delete(body, k)
			}
		}
		return r.send("admin", "PUT", "/settings/policies", body)
	}
	for at, change := range map[string]map[string]any{
		"body.command": {"command": "close"}, "body.unit": {"unit": "weeks"}, "body.span": {"span": -1}, "body.inherit": {"inherit": true},
		"body.customer": {"customer": "00000000-0000-4000-8000-000000000009"},
	} {
		problemIs(t, at, put(change), 422, "invalid", at)
	}
	for _, change := range []map[string]any{{"span": nil}, {"span": "soon"}, {"span": 8785}, {"unit": "working-days", "span": 261}, {"unit": "day-before", "span": "25:00"},
		{"unit": "day-before", "span": 24}, {"unit": "day-before", "span": "9:00"}} {
		problemIs(t, fmt.Sprint(change), put(change), 422, "invalid", "body.span")
	}
	r.policy("edit", map[string]any{"span": 9, "unit": "day-before"})
	p := read("?customer=" + r.moor)
	if p["edit"]["span"] != "09:00" || p["edit"]["own"] != true || p["cancel"]["own"] != false || p["cancel"]["span"] != 72.0 {
		t.Errorf("the customer has %v", p)
	}
	// The old way to say hours and the new one are one rule.
	r.as("admin").do("PUT", "/settings/policies", map[string]any{"command": "cancel", "span": 2, "unit": "working-days"})
	if p := read(""); p["cancel"]["unit"] != "working-days" {
		t.Errorf("the agency has %v", p["cancel"])
	}
	r.as("admin").do("PUT", "/settings/agency", map[string]any{"cancelHours": 72})
	if p := read(""); p["cancel"]["span"] != 72.0 || p["cancel"]["unit"] != "hours" {
		t.Errorf("the agency has %v", p["cancel"])
	}
	r.as("admin").do("PATCH", "/customers/"+r.moor, map[string]any{"settings": map[string]any{"cancelHours": 5}})
	if p := read("?customer=" + r.moor); p["cancel"]["span"] != 5.0 || p["cancel"]["own"] != true {
		t.Errorf("the customer has %v", p["cancel"])
	}

	problemIs(t, "holidays", r.send("admin", "PUT", "/settings/holidays", map[string]any{"holidays": []any{
		map[string]any{"date": "2026-02-30", "name": "X"}, map[string]any{"date": "2026-01-05", "name": " "},
		map[string]any{"date": "2026-01-06", "name": "X", "nations": []string{"wales"}},
		map[string]any{"date": "2026-01-07", "name": "X", "nations": []string{"scotland"}}, map[string]any{"date": "2026-01-07", "name": "Y"}}}), 422, "invalid",
		"body.holidays[0].date", "body.holidays[1].name", "body.holidays[2].nations[0]", "body.holidays[4].date")
	r.as("admin").do("PUT", "/settings/holidays", map[string]any{"holidays": []any{map[string]any{"date": "2026-06-16", "name": "Stocktaking"}}})
	got := r.read("admin", "/settings/holidays?from=2026-06-01&to=2026-06-30").items()
	if len(got) != 2 || got[0]["name"] != "World Cup" || got[0]["added"] != false || got[1]["name"] != "Stocktaking" || got[1]["added"] != true {
		t.Errorf("June 2026 has %v", got)
	}
	if total := r.read("admin", "/settings/holidays").body["total"]; total.(float64) < 10 {
		t.Errorf("this year has %v days", total)
	}
	problemIs(t, "no day", r.ask("admin", "/settings/holidays?from=June"), 422, "invalid", "query.from")
	problemIs(t, "a nation", r.send("admin", "PATCH", "/customers/"+r.moor, map[string]any{"settings": map[string]any{"nation": "narnia"}}), 422, "invalid", "body.settings.nation")
	problemIs(t, "a location's", r.send("admin", "PATCH", "/locations/"+r.ward, map[string]any{"nation": "narnia"}), 422, "invalid", "body.nation")
	r.as("admin").do("PUT", "/settings/holidays", map[string]any{"holidays": []any{}})
}
