package main

import (
	"fmt"
	"slices"
	"strings"
)

// rowSets: an edit or a cancellation of related jobs is shown before it is done, done in one step, and taken back in one step, in time and by who
// did it alone.
func rowSets(r *rows) {
	t := r.t
	team := r.bookStandard("2020-05-18T10:00", 60, func(b, _ map[string]any) { b["interpretersRequested"] = 3 })
	for i, day := range []string{"2020-05-19T10:00", "2020-05-20T10:00"} {
		r.do("assigner", team[i+1], "edit", map[string]any{"start": day, "scope": "this"})
	}
	r.do("assigner", team[0], "send-offer", map[string]any{"interpreters": []string{anaLIN, benLIN}})
	r.do("assigner", team[1], "assign", map[string]any{"interpreter": anaLIN})
	minutes := func(want ...float64) {
		t.Helper()
		for i, ref := range team {
			if got := r.job("assigner", ref)["durationMinutes"]; got != want[i] {
				t.Errorf("job %d lasts %v minutes, want %v", i, got, want[i])
			}
		}
	}
	longer := map[string]any{"duration": map[string]any{"hours": 2, "minutes": 0}, "scope": "following"}
	seen := r.previewOf("assigner", team[1], "edit", longer)
	if got := fmt.Sprint(results(seen.body)); got != fmt.Sprint(map[string]string{team[0]: "skipped", team[1]: "changed", team[2]: "changed"}) {
		t.Errorf("the preview: %s", got)
	}
	if why := objectsOf(seen.body["changes"])[0]["why"]; why != "It does not begin later than job "+team[1]+"." {
		t.Errorf("the first job is skipped because: %v", why)
	}
	done := r.do("assigner", team[1], "edit", committed(longer, seen))
	if done.body["undoUntil"] != "2020-03-02T09:10:00Z" {
		t.Errorf("an edit of a set: %s", done.raw)
	}
	minutes(60, 120, 120)
	if can := fmt.Sprint(r.job("assigner", team[2])["actions"]); !strings.Contains(can, "undo") {
		t.Errorf("who did it may: %s", can)
	}
	if can := fmt.Sprint(r.job("moor", team[2])["actions"]); strings.Contains(can, "undo") {
		t.Errorf("who did not do it may: %s", can)
	}
	problemIs(t, "somebody else", r.try("moor", team[2], "undo", map[string]any{}), 403, "not-permitted")
	r.do("assigner", team[2], "post-message", map[string]any{"text": "Sorry, a mistake."})
	r.do("assigner", team[2], "undo", map[string]any{})
	minutes(60, 60, 60)
	if notes := r.notes("assigner", team[1]); notes[0] != team[1]+" change undone" {
		t.Errorf("the notes: %q", notes)
	}
	problemIs(t, "once more", r.try("assigner", team[2], "undo", map[string]any{}), 422, "changed-since")

	// What is left out stays; who the clash is about is named, and nothing changes until it is left out.
	rival := r.book("2020-05-19T14:00", 60)
	r.do("assigner", rival, "assign", map[string]any{"interpreter": anaLIN})
	later := map[string]any{"start": "2020-05-18T14:30", "scope": "all"}
	no := r.try("assigner", team[0], "edit", later)
	if no.status != 409 || no.body["code"] != "double-booked" || objectsOf(no.body["errors"])[0]["location"] != team[1] {
		t.Errorf("a clash: %d %s", no.status, no.raw)
	}
	seen = r.previewOf("assigner", team[0], "edit", later)
	if got := results(seen.body); got[team[1]] != "refused" || got[team[2]] != "changed" || seen.body["problem"] == nil {
		t.Errorf("its preview: %s", seen.raw)
	}
	later["except"] = []string{team[1]}
	r.do("assigner", team[0], "edit", later)
	for i, want := range []string{"2020-05-18T14:30:00+01:00", "2020-05-19T10:00:00+01:00", "2020-05-20T14:30:00+01:00"} {
		if got := r.job("assigner", team[i])["start"]; got != want {
			t.Errorf("job %d begins at %v, want %s", i, got, want)
		}
	}

	// A cancellation: the diary is asked first, then everything comes back.
	r.do("assigner", team[0], "undo", map[string]any{})
	r.do("assigner", rival, "unassign", map[string]any{"interpreter": anaLIN, "reason": "ill"})
	cancelled := r.do("assigner", team[2], "cancel", map[string]any{"reason": "other", "scope": "all"})
	if cancelled.body["undoUntil"] == nil {
		t.Errorf("a cancellation of a set: %s", cancelled.raw)
	}
	taken := r.book("2020-05-19T10:30", 60)
	r.do("assigner", taken, "assign", map[string]any{"interpreter": anaLIN})
	no = r.try("assigner", team[0], "undo", map[string]any{})
	if no.status != 409 || objectsOf(no.body["errors"])[0]["location"] != team[1] || r.job("assigner", team[0])["status"] != "cancelled" {
		t.Errorf("a taken window: %d %s", no.status, no.raw)
	}
	r.do("assigner", taken, "unassign", map[string]any{"interpreter": anaLIN, "reason": "ill"})
	r.do("assigner", team[0], "undo", map[string]any{})
	for i, want := range []string{"new", "assigned", "new"} {
		if got := r.job("assigner", team[i])["status"]; got != want {
			t.Errorf("job %d is %v again, want %s", i, got, want)
		}
	}
	states := map[string]int{}
	for _, o := range objectsOf(r.job("assigner", team[0])["offers"]) {
		states[o["state"].(string)]++
	}
	if states["open"] != 2 {
		t.Errorf("the offers stand %v", states)
	}
	r.do("interpreter", team[0], "accept-offer", map[string]any{})

	// Once something has happened, and once the time is up, it is too late.
	r.do("assigner", team[0], "edit", map[string]any{"fields": map[string]any{"jobDetails": "Bring a torch."}, "scope": "all"})
	r.do("assigner", team[2], "take", map[string]any{})
	no = r.try("assigner", team[0], "undo", map[string]any{})
	problemIs(t, "changed since", no, 422, "changed-since", team[2])
	r.do("assigner", team[0], "edit", map[string]any{"fields": map[string]any{"jobDetails": "Bring two."}, "scope": "this"})
	r.clock("2020-03-02T09:10:00Z")
	no = r.try("assigner", team[0], "undo", map[string]any{})
	problemIs(t, "too late", no, 422, "too-late")
	if no.body["until"] != "2020-03-02T09:10:00Z" {
		t.Errorf("until %v", no.body["until"])
	}
	r.as("admin").do("PUT", "/settings/agency", map[string]any{"undoMinutes": 0})
	if r := r.do("assigner", team[0], "edit", map[string]any{"fields": map[string]any{"jobDetails": "Bring none."}, "scope": "this"}); r.body["undoUntil"] != nil {
		t.Errorf("an agency that leaves no time: %s", r.raw)
	}
	r.as("admin").do("PUT", "/settings/agency", map[string]any{"undoMinutes": 10})
	if notes := r.notes("assigner", team[0]); !slices.Contains(notes, team[0]+" changed from new to cancelled") {
		t.Errorf("the history of it stays: %q", notes)
	}
}

// rowFlexibility: a start that the customer's flexibility covers is the ETA once the job is assigned; beyond it the customer is asked first.
func rowFlexibility(r *rows) {
	t := r.t
	flexible := func(_, f map[string]any) { f["flexibility"] = "2-hours" }
	for _, c := range []struct {
		start, proposed string
		within          bool
	}{{"2020-06-15T10:00", "2020-06-15T12:00", true}, {"2020-06-16T10:00", "2020-06-16T12:15", false}} {
		ref := r.book(c.start, 60, flexible)
		r.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN}})
		r.do("interpreter", ref, "accept-offer", map[string]any{"proposedStart": c.proposed})
		assign := map[string]any{"interpreter": anaLIN}
		if !c.within {
			problemIs(t, "beyond it", r.try("assigner", ref, "assign", assign), 422, "eta-not-agreed")
			r.do("assigner", ref, "propose-eta", map[string]any{"eta": c.proposed})
			r.do("requestor", ref, "agree-eta", map[string]any{})
		}
		r.do("assigner", ref, "assign", assign)
		if got := r.job("assigner", ref)["eta"]; got != c.proposed+":00+01:00" {
			t.Errorf("the ETA is %v", got)
		}
		rival := r.book(c.proposed, 60) // the reservation is for the agreed time
		problemIs(t, "a rival at the agreed time", r.try("assigner", rival, "assign", assign), 409, "double-booked")
	}
}
