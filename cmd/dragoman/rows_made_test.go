package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// another is the schedule of a job made from another one, for an hour.
func another(start string) map[string]any {
	return map[string]any{"start": start, "duration": map[string]any{"hours": 1, "minutes": 0}}
}

// madeIn are the references of all jobs that a command made.
func madeIn(r reply) (refs []string) {
	for _, job := range objectsOf(r.body["jobs"]) {
		refs = append(refs, job["ref"].(string))
	}
	return refs
}

// startsOf are when jobs begin.
func (r *rows) startsOf(user string, refs []string) (starts []string) {
	r.t.Helper()
	for _, ref := range refs {
		starts = append(starts, r.job(user, ref)["start"].(string))
	}
	return starts
}

// relatedTo are the other jobs of a job's booking.
func (r *rows) relatedTo(user, ref string) (refs []string) {
	r.t.Helper()
	for _, job := range objectsOf(r.job(user, ref)["related"]) {
		refs = append(refs, job["ref"].(string))
	}
	slices.Sort(refs)
	return refs
}

func sorted(list ...string) []string { return slices.Sorted(slices.Values(list)) }

// sameAbove tells what differs above the calendar between two jobs.
func (r *rows) sameAbove(user, original, made string, but ...string) {
	r.t.Helper()
	was, is := r.job(user, original), r.job(user, made)
	for _, key := range []string{"language", "serviceType", "customer", "client", "location", "address1", "billTo", "alternativeLanguages"} {
		if a, b := fmt.Sprint(was[key]), fmt.Sprint(is[key]); a != b && !slices.Contains(but, key) {
			r.t.Errorf("%s is %s in %s, %s in %s", key, a, original, b, made)
		}
	}
	below := []string{"jobNotes", "assignedNotes", "venueInformation", "agencyNotes", "flexibility", "custodyReference", "custodyClock", "jobDetails"}
	a, b := r.fieldsOf(user, original), r.fieldsOf(user, made)
	for key, value := range a {
		if slices.Contains(below, key) || slices.Contains(but, key) {
			continue
		}
		if fmt.Sprint(b[key]) != fmt.Sprint(value) {
			r.t.Errorf("%s is %v in %s, %v in %s", key, value, original, b[key], made)
		}
	}
	for _, key := range below {
		if b[key] != nil {
			r.t.Errorf("%s has %s %v", made, key, b[key])
		}
	}
}

func rowFollowUp(r *rows) {
	t := r.t
	ref := r.bookStandard("2020-04-14T10:00", 60, func(b, f map[string]any) {
		b["alternativeLanguages"], f["jobDetails"], f["additionalReferences"] = []string{"uk"}, "Bring the file.", "PO 17"
	})[0]
	problemIs(t, "II-53: without a duration", r.try("moor", ref, "follow-up", map[string]any{"start": "2020-04-21T10:00"}), 422, "invalid", "body.duration.hours", "body.duration.minutes")
	problemIs(t, "II-53: without a start", r.try("moor", ref, "follow-up", map[string]any{"duration": another("")["duration"]}), 422, "invalid", "body.start")
	problemIs(t, "with a scope", r.try("moor", ref, "follow-up", map[string]any{"scope": "all"}), 422, "invalid", "body.scope")
	if got := r.relatedTo("moor", ref); len(got) != 0 {
		t.Errorf("refused follow-ups made %v", got)
	}
	made := r.do("moor", ref, "follow-up", another("2020-04-21T14:00"))
	next := refOf(made)
	r.sameAbove("moor", ref, next)
	if job := r.job("moor", next); made.body["bookingRef"] != r.job("moor", ref)["bookingRef"] || next == ref || job["madeFrom"] != ref || job["start"] != "2020-04-21T14:00:00+01:00" ||
		job["status"] != "new" || made.header.Get("ETag") != fmt.Sprintf(`"%v"`, job["revision"]) {
		t.Errorf("%s made %v", made.raw, job)
	}
	if got := r.relatedTo("moor", next); !slices.Equal(got, []string{ref}) {
		t.Errorf("the follow-up is related to %v", got)
	}
	if got := r.notes("moor", next); !slices.Equal(got, []string{next + " Created"}) {
		t.Errorf("its notes are %q", got)
	}
	// A follow-up of the follow-up, for somebody else, by staff: still of the one booking, each with a number of its own.
	body := another("2020-04-28T14:00")
	body["language"], body["fields"] = "uk", map[string]any{"consumer": "Ola Lis", "jobDetails": "Ring twice."}
	third := refOf(r.do("assigner", next, "follow-up", body))
	if job := r.job("moor", third); job["language"] != "uk" || r.fieldsOf("moor", third)["consumer"] != "Ola Lis" || r.fieldsOf("moor", third)["jobDetails"] != "Ring twice." ||
		job["bookingRef"] != made.body["bookingRef"] || job["madeFrom"] != next {
		t.Errorf("the second follow-up is %v", job)
	}
	if got := r.relatedTo("moor", ref); !slices.Equal(got, sorted(next, third)) {
		t.Errorf("II-54: the original is related to %v", got)
	}
	// Sent again under its key it is the same job; with another body it is refused. A stale revision is, too.
	c, header := r.as("moor"), map[string]string{"Idempotency-Key": "follow " + ref}
	one := c.send("POST", "/api/v1/jobs/"+ref+"/follow-up", another("2020-05-05T10:00"), header)
	two := c.send("POST", "/api/v1/jobs/"+ref+"/follow-up", another("2020-05-05T10:00"), header)
	if one.status != 201 || two.status != 201 || refOf(one) != refOf(two) || len(madeIn(two)) != 1 {
		t.Errorf("pressed twice: %s, %s", one.raw, two.raw)
	}
	problemIs(t, "the key for another one", c.send("POST", "/api/v1/jobs/"+ref+"/follow-up", another("2020-05-06T10:00"), header), 422, "idempotency-key-reused")
	problemIs(t, "a stale revision", c.send("POST", "/api/v1/jobs/"+ref+"/follow-up", another("2020-05-06T10:00"), map[string]string{"If-Match": `"999"`}), 412, "stale-revision")
}

func rowRecurring(r *rows) {
	t := r.t
	ref := r.book("2020-04-15T09:30", 90, func(_, f map[string]any) {
		f["jobNotes"], f["yourReference"], f["flexibility"] = "Bring the file.", "Y-1", "2-hours"
	})
	revision := r.job("requestor", ref)["revision"]
	bad := func(what string, code string, body map[string]any, at ...string) {
		t.Helper()
		problemIs(t, what, r.try("requestor", ref, "make-recurring", body), 422, code, at...)
	}
	bad("both", "invalid", map[string]any{"frequency": "weekly", "occurrences": 4, "until": "2020-06-01"}, "body.occurrences", "body.until")
	bad("neither", "invalid", map[string]any{"frequency": "weekly"}, "body.occurrences", "body.until")
	bad("nothing", "invalid", map[string]any{}, "body.frequency", "body.occurrences", "body.until")
	bad("400 more", "too-many-jobs", map[string]any{"frequency": "daily", "occurrences": 400})
	bad("in the past", "invalid", map[string]any{"frequency": "weekly", "until": "2020-04-14"}, "body.until")
	if got := r.relatedTo("requestor", ref); len(got) != 0 {
		t.Errorf("refused sets made %v", got)
	}
	made := r.do("requestor", ref, "make-recurring", map[string]any{"frequency": "weekly", "occurrences": 4})
	set := madeIn(made)
	if len(set) != 4 || len(slices.Compact(sorted(set...))) != 4 || made.body["bookingRef"] != r.job("requestor", ref)["bookingRef"] {
		t.Fatalf("II-61: four occurrences are %s", made.raw)
	}
	if got, want := r.startsOf("requestor", set), []string{"2020-04-22T09:30:00+01:00", "2020-04-29T09:30:00+01:00", "2020-05-06T09:30:00+01:00", "2020-05-13T09:30:00+01:00"}; !slices.Equal(got, want) {
		t.Errorf("they begin %v", got)
	}
	for i, other := range set {
		r.sameAbove("requestor", ref, other)
		job := r.job("requestor", other)
		if job["durationMinutes"] != 90.0 || job["madeFrom"] != ref || job["revision"] != objectsOf(made.body["jobs"])[i]["revision"] {
			t.Errorf("%v", job)
		}
	}
	if got := r.relatedTo("requestor", set[2]); !slices.Equal(got, sorted(ref, set[0], set[1], set[3])) {
		t.Errorf("II-55: the third is related to %v", got)
	}
	if got := r.job("requestor", ref)["revision"]; got != revision {
		t.Errorf("II-60: the original has the revision %v", got)
	}
	until := r.do("assigner", ref, "make-recurring", map[string]any{"frequency": "weekly", "interval": 2, "until": "2020-05-13"}) // inclusive
	if got := r.startsOf("requestor", madeIn(until)); !slices.Equal(got, []string{"2020-04-29T09:30:00+01:00", "2020-05-13T09:30:00+01:00"}) {
		t.Errorf("until the 13th: %v", got)
	}
	// Twice at once under one key it is one set (II-62).
	c, header := r.as("requestor"), map[string]string{"Idempotency-Key": "repeat " + ref}
	answers := make(chan reply, 2)
	for range 2 {
		go func() {
			got, err := c.try("POST", "/api/v1/jobs/"+ref+"/make-recurring", map[string]any{"frequency": "daily", "occurrences": 3}, header)
			if err != nil {
				got.raw = []byte(err.Error())
			}
			answers <- got
		}()
	}
	one, two := <-answers, <-answers
	if one.status != 201 || two.status != 201 || !slices.Equal(madeIn(one), madeIn(two)) || len(madeIn(one)) != 3 {
		t.Errorf("twice at once: %s, %s", one.raw, two.raw)
	}
	if got := r.relatedTo("requestor", ref); len(got) != 9 {
		t.Errorf("there are %d related jobs, want 9", len(got))
	}
	// The largest set is one append: with this one job, 399 more.
	large := r.do("requestor", r.book("2021-01-01T09:30", 90), "make-recurring", map[string]any{"frequency": "daily", "occurrences": 399})
	if got := madeIn(large); len(slices.Compact(sorted(got...))) != 399 {
		t.Errorf("%d jobs", len(got))
	}
	// What a remote booking requires is taken over though it is not copied: nobody is asked for it.
	if got := r.do("requestor", r.bookRemote("2020-04-15T09:30", 60), "make-recurring", map[string]any{"frequency": "monthly", "occurrences": 1}); r.fieldsOf("requestor", refOf(got))["assignedNotes"] != "https://join.example/17" {
		t.Errorf("%v", r.fieldsOf("requestor", refOf(got)))
	}
}

func rowRecurringDays(r *rows) {
	t := r.t
	days := func(start string, body map[string]any) string {
		t.Helper()
		starts := r.startsOf("requestor", madeIn(r.do("requestor", r.book(start, 60), "make-recurring", body)))
		return strings.Join(starts, " ")
	}
	for what, c := range map[string]struct {
		start string
		body  map[string]any
		want  string
	}{
		"daily over the clock change": {"2020-03-28T10:00", map[string]any{"frequency": "daily", "occurrences": 2}, "2020-03-29T10:00:00+01:00 2020-03-30T10:00:00+01:00"},
		"weekly over it":              {"2020-10-21T10:00", map[string]any{"frequency": "weekly", "occurrences": 1}, "2020-10-28T10:00:00Z"},
		"the 31st":                    {"2020-08-31T10:00", map[string]any{"frequency": "monthly", "occurrences": 3}, "2020-09-30T10:00:00+01:00 2020-10-31T10:00:00Z 2020-11-30T10:00:00Z"},
		"Tue and Thu":                 {"2020-04-06T10:00", map[string]any{"frequency": "weekly", "weekdays": []string{"tue", "thu"}, "occurrences": 3}, "2020-04-07T10:00:00+01:00 2020-04-09T10:00:00+01:00 2020-04-14T10:00:00+01:00"},
		"a doubled time":              {"2020-10-24T01:30", map[string]any{"frequency": "daily", "occurrences": 1}, "2020-10-25T01:30:00+01:00"},
		"without some":                {"2020-04-06T10:00", map[string]any{"frequency": "daily", "occurrences": 3, "except": []string{"2020-04-08"}}, "2020-04-07T10:00:00+01:00 2020-04-09T10:00:00+01:00"},
	} {
		if got := days(c.start, c.body); got != c.want {
			t.Errorf("%s: %s", what, got)
		}
	}
	ref := r.book("2020-03-27T01:30", 60)
	no := r.try("requestor", ref, "make-recurring", map[string]any{"frequency": "daily", "occurrences": 3})
	problemIs(t, "a missing time", no, 422, "nonexistent-local-time", "body.except")
	if got := fmt.Sprint(no.body["choices"]); got != "[2020-03-29]" || !strings.Contains(string(no.raw), "2020-03-29 has no 01:30") {
		t.Errorf("it names %s", no.raw)
	}
	left := r.do("requestor", ref, "make-recurring", map[string]any{"frequency": "daily", "occurrences": 3, "except": no.body["choices"]})
	if got := r.startsOf("requestor", madeIn(left)); !slices.Equal(got, []string{"2020-03-28T01:30:00Z", "2020-03-30T01:30:00+01:00"}) {
		t.Errorf("without it: %v", got)
	}
}

// TestD10_PreviewsOfJobsMadeFromJobs: they say what would be made, draw no number, and a commit on what was previewed makes just that.
func TestD10_PreviewsOfJobsMadeFromJobs(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.clock("2020-03-02T09:00:00Z")
	ref := o.book("2020-06-01T10:00", 60)
	o.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
	moves := map[string]any{"frequency": "weekly", "occurrences": 2, "startsOn": "2020-06-02", "acknowledged": []string{"moves-original"}}
	seen := o.previewOf("assigner", ref, "make-recurring", moves)
	var starts []string
	for _, c := range objectsOf(seen.body["changes"]) {
		starts = append(starts, fmt.Sprint(c["ref"], " ", c["result"], " ", c["start"], " ", c["notes"]))
	}
	if want := []string{ref + " changed 2020-06-02T10:00:00+01:00 [" + ref + " edited]", "<nil> created 2020-06-09T10:00:00+01:00 [(new) Created]",
		"<nil> created 2020-06-16T10:00:00+01:00 [(new) Created]"}; !slices.Equal(starts, want) {
		t.Errorf("preview of a set: %q", starts)
	}
	made := o.try("assigner", ref, "make-recurring", committed(moves, seen))
	if made.status != 201 || len(madeIn(made)) != 2 || jobNumber(refOf(made)) != jobNumber(ref)+1 {
		t.Errorf("its commit: %d %s", made.status, made.raw)
	}
	problemIs(t, "once more", o.try("assigner", ref, "make-recurring", committed(moves, seen)), 412, "stale-preview")
	problemIs(t, "a preview of what is refused", o.send("assigner", "POST", "/jobs/"+ref+"/make-recurring?preview=true", map[string]any{"frequency": "weekly"}), 422, "invalid", "body.occurrences", "body.until")
	for i, command := range []string{"follow-up", "duplicate"} {
		body := another("2020-06-20T10:00")
		seen := o.previewOf("requestor", ref, command, body)
		if got := results(seen.body); len(got) != 1 || got[""] != "created" {
			t.Errorf("preview of %s: %s", command, seen.raw)
		}
		made := o.try("requestor", ref, command, committed(body, seen))
		if made.status != 201 || jobNumber(refOf(made)) != jobNumber(ref)+3+i {
			t.Errorf("commit of %s: %d %s", command, made.status, made.raw)
		}
		seen = o.previewOf("requestor", ref, command, body)
		o.do("requestor", ref, "post-message", map[string]any{"text": "Hello " + command})
		problemIs(t, command+" of what has moved", o.try("requestor", ref, command, committed(body, seen)), 412, "stale-preview")
	}
}

func rowRecurringMoves(r *rows) {
	t := r.t
	ref := r.bookStandard("2020-04-16T10:00", 60)[0]
	r.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN}})
	before := r.notes("assigner", ref)
	stays := r.do("moor", ref, "make-recurring", map[string]any{"frequency": "weekly", "occurrences": 1, "startsOn": "2020-04-16"})
	if got := r.notes("assigner", ref); r.job("moor", ref)["start"] != "2020-04-16T10:00:00+01:00" || !slices.Equal(got, before) {
		t.Errorf("on its own day the original moved: %q, %s", got, stays.raw)
	}
	moves := map[string]any{"frequency": "weekly", "occurrences": 2, "startsOn": "2020-04-17"}
	no := r.try("moor", ref, "make-recurring", moves)
	problemIs(t, "not acknowledged", no, 422, "acknowledgement-required", "body.acknowledged")
	moves["acknowledged"] = no.body["choices"]
	problemIs(t, "without the permission to edit", r.try("moor-bare", ref, "make-recurring", moves), 403, "not-permitted")
	made := r.do("moor", ref, "make-recurring", moves)
	if got := r.startsOf("moor", append([]string{ref}, madeIn(made)...)); !slices.Equal(got, []string{"2020-04-17T10:00:00+01:00", "2020-04-24T10:00:00+01:00", "2020-05-01T10:00:00+01:00"}) {
		t.Errorf("they begin %v", got)
	}
	want := []string{"Sent job offer to " + anaLIN + " for job " + ref, "Revoked job offer to " + anaLIN + " for job " + ref, ref + " edited"}
	if got := r.notes("assigner", ref); !slices.Equal(got[:3], want) {
		t.Errorf("its notes are %q", got)
	}
	// Where the form leaves the time to the agency, so does this.
	police := r.book("2020-04-16T10:00", 60)
	problemIs(t, "of the face-to-face form", r.try("requestor", police, "make-recurring", moves), 403, "not-editable", "body.startsOn")
	if got := r.relatedTo("requestor", police); len(got) != 0 {
		t.Errorf("refused, it made %v", got)
	}
	// An assigned original's new window is asked of the diary first: a clash refuses the whole.
	busy := r.book("2020-04-20T10:00", 60)
	r.do("assigner", busy, "assign", map[string]any{"interpreter": anaLIN})
	r.do("assigner", police, "assign", map[string]any{"interpreter": anaLIN})
	moves["startsOn"] = "2020-04-20"
	if got := r.try("assigner", police, "make-recurring", moves); got.status != 409 || got.body["code"] != "double-booked" || len(r.relatedTo("requestor", police)) != 0 {
		t.Errorf("a clash: %d %s, %v", got.status, got.raw, r.relatedTo("requestor", police))
	}
}

func rowDuplicate(r *rows) {
	t := r.t
	ref := r.bookStandard("2020-04-22T10:00", 60, func(b, f map[string]any) { f["jobDetails"], f["additionalReferences"] = "Bring the file.", "PO 18" })[0]
	body := another("2020-04-29T10:00")
	body["language"], body["location"], body["client"] = "uk", r.clinic, r.south
	made := r.do("moor", ref, "duplicate", body)
	copied := refOf(made)
	r.sameAbove("moor", ref, copied, "language", "location", "address1", "client")
	if job := r.job("moor", copied); job["language"] != "uk" || made.body["bookingRef"] == r.job("moor", ref)["bookingRef"] || len(r.relatedTo("moor", copied)) != 0 || copied == ref {
		t.Errorf("II-64: %s, %v", made.raw, job)
	}
	if job := r.job("moor", ref); job["language"] != "pl" || job["start"] != "2020-04-22T10:00:00+01:00" || len(r.relatedTo("moor", ref)) != 0 {
		t.Errorf("II-63: the original is %v", job)
	}
	problemIs(t, "of a team, one job", r.try("moor", ref, "duplicate", map[string]any{"interpretersRequested": 2}), 422, "invalid", "body.interpretersRequested")
	problemIs(t, "without a schedule", r.try("moor", ref, "duplicate", map[string]any{}), 422, "invalid", "body.start", "body.duration.hours", "body.duration.minutes")
	problemIs(t, "of another customer", r.try("requestor", ref, "duplicate", body), 404, "not-found")

	c, header := r.as("moor"), map[string]string{"Idempotency-Key": "copy " + ref, "If-Match": fmt.Sprintf(`"%v"`, r.job("moor", ref)["revision"])}
	one := c.send("POST", "/api/v1/jobs/"+ref+"/duplicate", body, header)
	r.do("assigner", ref, "take", map[string]any{})
	two := c.send("POST", "/api/v1/jobs/"+ref+"/duplicate", body, header)
	if one.status != 201 || two.status != 201 || refOf(one) != refOf(two) {
		t.Errorf("sent twice: %s, %s", one.raw, two.raw)
	}
	header["Idempotency-Key"] += "again"
	stale := c.send("POST", "/api/v1/jobs/"+ref+"/duplicate", body, header)
	problemIs(t, "of a job that has changed", stale, 412, "stale-revision")
	if changed := fmt.Sprint(stale.body["changed"]); !strings.Contains(changed, "take") {
		t.Errorf("it says %s", stale.raw)
	}
}

func rowDuplicateLiveLINK(r *rows) {
	t := r.t
	ref := r.book("2020-04-23T10:00", 60, func(_, f map[string]any) { f["jobNotes"], f["yourReference"] = "Bring the file.", "Y-2" })
	r.do("assigner", ref, "assign", map[string]any{"interpreter": benLIN})
	copied := refOf(r.do("requestor", ref, "duplicate", another("2020-04-24T10:00")))
	r.sameAbove("requestor", ref, copied)
	if got := r.fieldsOf("requestor", copied)["preferredInterpreter"]; got != benLIN {
		t.Errorf("LL-111: it prefers %v", got)
	}
	if got := r.job("requestor", copied)["status"]; got != "new" {
		t.Errorf("it is %v", got)
	}
	elsewhere := another("2020-04-24T10:00")
	elsewhere["address"] = map[string]any{"line1": "1 Elsewhere", "town": "Hull", "postcode": "HU1 1AA"}
	for _, who := range []string{"requestor", "assigner"} {
		problemIs(t, "LL-112: elsewhere, by "+who, r.try(who, ref, "duplicate", elsewhere), 422, "invalid", "body.address")
	}
	delete(elsewhere, "address")
	elsewhere["location"] = r.clinic
	problemIs(t, "LL-112: at another location", r.try("requestor", ref, "duplicate", elsewhere), 422, "invalid", "body.location")
	elsewhere["location"] = r.location // the same is no other
	if got := r.do("requestor", ref, "duplicate", elsewhere); r.job("requestor", refOf(got))["address1"] != r.job("requestor", ref)["address1"] {
		t.Errorf("%s", got.raw)
	}
}
