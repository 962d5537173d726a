package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestAsOfOverHTTP plays the life of fifteen notes (LL-95), the clock a second on with every command, and keeps what the job's page answered after
// each to every role that may ask for the past. At the end every as-of answer is the kept one, but for the actions, which the past has none of;
// and the history has the events in the order in which the commands were sent.
func TestAsOfOverHTTP(t *testing.T) {
	t.Parallel()
	base := startDemo(t)
	customer, assigner, ana, ben := signIn(t, base, "requestor"), signIn(t, base, "assigner"), signIn(t, base, "interpreter"), signIn(t, base, "interpreter2")
	admin, auditor := signIn(t, base, "admin"), signIn(t, base, "auditor")
	staff := map[string]*client{"assigner": assigner, "admin": admin, "auditor": auditor, "finance": signIn(t, base, "finance"),
		"safeguarding": signIn(t, base, "safeguarding")}
	const lin1, lin2 = "LIN/5455/5J71Y", "LIN/5466/5J71X"
	at := time.Date(2020, 3, 24, 15, 46, 0, 0, time.UTC)
	clock := func() {
		t.Helper()
		if r := customer.send("PUT", "/dev/clock", map[string]any{"now": at.Format(time.RFC3339)}, nil); r.status != http.StatusNoContent {
			t.Fatalf("set the clock: %d %s", r.status, r.raw)
		}
	}
	clock()
	location := customer.get("/locations").items()[0]["id"].(string)
	booked := customer.do("POST", "/bookings", faceToFace(location, "2020-03-26T14:00", 60))
	ref := booked.body["jobs"].([]any)[0].(map[string]any)["ref"].(string)

	type answer struct {
		at   time.Time
		body map[string]map[string]any // by role
	}
	var kept []answer
	keep := func(after ...*client) {
		t.Helper()
		a := answer{at, map[string]map[string]any{}}
		for role, c := range staff {
			a.body[role] = c.get("/jobs/"+ref, after...).body
			a.body[role]["actions"] = []any{}
		}
		kept = append(kept, a)
	}
	keep(customer)
	step := func(next time.Time, by *client, command string, body map[string]any) {
		t.Helper()
		at = next
		clock()
		by.job(ref, command, body)
		keep(by)
	}
	soon := func() time.Time { return at.Add(time.Second) }
	one := map[string]any{"interpreters": []string{lin1}}
	step(soon(), assigner, "send-offer", one)
	step(soon(), assigner, "revoke-offer", map[string]any{"interpreter": lin1})
	step(soon(), assigner, "send-offer", one)
	step(soon(), ana, "accept-offer", map[string]any{})
	step(soon(), assigner, "assign", map[string]any{"interpreter": lin1})
	step(soon(), assigner, "unassign", map[string]any{"interpreter": lin1, "reason": "no longer available"})
	step(soon(), assigner, "accept-offer", map[string]any{"interpreter": lin2})
	step(soon(), assigner, "assign", map[string]any{"interpreter": lin2})
	step(time.Date(2020, 4, 15, 7, 40, 0, 0, time.UTC), assigner, "change-eta", map[string]any{"eta": "2020-03-26T16:00", "agreedBy": "Sergeant Bell"})
	step(time.Date(2020, 5, 1, 12, 17, 0, 0, time.UTC), customer, "submit-timesheet",
		map[string]any{"blocks": []map[string]any{{"start": "2020-03-26T16:00", "end": "2020-03-26T17:00"}}})
	step(soon(), ben, "accept-timesheet", map[string]any{})

	at = time.Date(2021, 1, 1, 9, 0, 0, 0, time.UTC)
	clock()
	statuses := map[any]bool{}
	for _, a := range kept {
		asOf := "/jobs/" + ref + "?asOf=" + url.QueryEscape(a.at.Format(time.RFC3339))
		for role, c := range staff {
			got := c.get(asOf).body
			for _, body := range []map[string]any{a.body[role], got} { // until when something may be done is asked of now
				delete(body, "cancelUntil")
				delete(body, "editUntil")
			}
			if diff := cmp.Diff(a.body[role], got); diff != "" {
				t.Errorf("%s, as of %s (-answered then +as of):\n%s", role, a.at, diff)
			}
			statuses[got["status"]] = true
		}
	}
	if len(statuses) != 4 {
		t.Errorf("the answers are of jobs %v: too few to show anything", statuses)
	}
	last := kept[len(kept)-1]
	assigned, safe := jsonOf(t, last.body["assigner"]), jsonOf(t, last.body["finance"])
	if assigned == safe {
		t.Error("assigner and finance read the same: nothing is masked, so the comparison shows nothing about masks")
	}
	for name, c := range map[string]struct {
		by   *client
		asOf time.Time
		want int
	}{
		"the customer": {customer, last.at, http.StatusForbidden}, "the interpreter": {ben, last.at, http.StatusForbidden},
		"another customer": {signIn(t, base, "requestor2"), last.at, http.StatusNotFound}, "before it was booked": {auditor, kept[0].at.Add(-time.Second), http.StatusNotFound},
	} {
		if r := c.by.send("GET", "/api/v1/jobs/"+ref+"?asOf="+url.QueryEscape(c.asOf.Format(time.RFC3339)), nil, nil); r.status != c.want {
			t.Errorf("%s: %d %s, want %d", name, r.status, r.raw, c.want)
		}
	}

	var commands []string
	for _, e := range auditor.get("/jobs/" + ref + "/history").items() {
		if command := e["command"].(string); len(commands) == 0 || commands[len(commands)-1] != command {
			commands = append(commands, command)
		}
	}
	want := []string{"create", "send-offer", "revoke-offer", "send-offer", "accept-offer", "assign", "unassign", "accept-offer", "assign", "change-eta",
		"submit-timesheet", "accept-timesheet"}
	if diff := cmp.Diff(want, commands); diff != "" {
		t.Errorf("the history's commands (-want +got):\n%s", diff)
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
