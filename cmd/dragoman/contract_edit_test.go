package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestLL108_D19_Editable: a customer changes exactly what the form leaves to customers; everything else is 403 with the admin message that asks for it.
func TestLL108_D19_Editable(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.clock("2020-03-02T09:00:00Z")
	face, remote := o.book("2020-06-01T10:00", 60), o.bookRemote("2020-06-02T10:00", 60)
	field := func(key string, value any) map[string]any {
		return map[string]any{"fields": map[string]any{key: value}}
	}
	editable := map[string]any{
		"yourReference": "Y2", "costCentre": "CC2", "invoiceReference": "I2", "nonEnglishSpeaker": "Maria Nowak", "reasonForBooking": "interview",
		"venueInformation": "Park behind the building.", "reportTo": "Custody desk", "requestingOfficer": "Sergeant Dunn", "primaryEmail": "dunn@police.example",
		"telephone": "0113 496 0009", "secondaryEmail": "desk2@police.example", "assignedNotes": "Join at https://join.example/2 please.",
	}
	for _, ref := range []string{face, remote} {
		for key, value := range editable {
			if r := o.try("requestor", ref, "edit", field(key, value)); r.status != 200 {
				t.Errorf("%s: edit %s: %d %s", ref, key, r.status, r.raw)
				continue
			}
			if got := o.read("requestor", "/jobs/"+ref).body["fields"].(map[string]any)[key]; got != value {
				t.Errorf("%s: %s reads %v, not %v", ref, key, got, value)
			}
		}
	}
	closed := map[string]map[string]any{
		"language": {"language": "uk"}, "address": {"address": map[string]any{"line1": "1 High St", "town": "Leeds", "postcode": "LS1 4AP"}},
		"location": {"location": o.location}, "start": {"start": "2020-06-01T11:00"}, "duration": {"duration": map[string]any{"hours": 2, "minutes": 0}},
		"gender": field("gender", "female"), "skills": field("skills", "spoken-and-written"), "offence": field("offenceCategory", "fraud"),
		"assignment type": field("assignmentType", "custody"), "job notes": field("jobNotes", "X"), "officer in the case": field("officerInCase", "X"),
		"collar": field("collarNumber", "1"), "officer's phone": field("officerPhone", "0113 496 0000"), "preferred": field("preferredInterpreter", anaLIN),
		"agency notes": field("agencyNotes", "X"), "custody": field("custodyReference", "X"), "service type": {"serviceType": "face-to-face"},
		"both": {"language": "uk", "fields": map[string]any{"reportTo": "X"}},
	}
	before := o.read("requestor", "/jobs/"+face)
	for what, body := range closed {
		r := o.try("requestor", face, "edit", body)
		problemIs(t, what, r, 403, "not-editable")
		action := r.body["actions"].([]any)[0].(map[string]any)
		if action["command"] != "post-message" || !strings.Contains(action["body"].(map[string]any)["text"].(string), face) {
			t.Errorf("%s: the action is %v", what, action)
		}
	}
	if after := o.read("requestor", "/jobs/"+face); after.header.Get("ETag") != before.header.Get("ETag") {
		t.Errorf("refused edits moved the revision from %s to %s", before.header.Get("ETag"), after.header.Get("ETag"))
	}
	// Required stays required unless the form says otherwise (D-19); the secondary address may be cleared.
	for _, key := range []string{"yourReference", "costCentre", "nonEnglishSpeaker", "reasonForBooking", "reportTo", "requestingOfficer", "primaryEmail", "telephone"} {
		problemIs(t, "cleared "+key, o.try("requestor", face, "edit", field(key, "")), 422, "invalid", "body.fields."+key)
	}
	for _, key := range []string{"secondaryEmail", "venueInformation", "assignedNotes"} {
		if r := o.try("requestor", face, "edit", field(key, nil)); r.status != 200 {
			t.Errorf("clear %s: %d %s", key, r.status, r.raw)
		}
	}
	problemIs(t, "the remote form's notes are mandatory", o.try("requestor", remote, "edit", field("assignedNotes", "")), 422, "invalid", "body.fields.assignedNotes")
	if r := o.do("requestor", remote, "edit", field("assignedNotes", "No link yet.")); !slices.Equal(warningsOf(r), []string{"no-joining-details"}) {
		t.Errorf("LL-52: warnings are %v", warningsOf(r))
	}
	problemIs(t, "what the form does not know", o.try("requestor", face, "edit", field("bogus", "x")), 422, "invalid", "body.fields.bogus")
	_, o.people["bare-reader"] = newcomer(t, o.as("admin"), map[string]any{"username": "bare-reader", "name": "B", "email": "bare@x.example", "role": "requestor",
		"customer": o.read("requestor", "/me").body["customer"]})
	problemIs(t, "without the permission", o.try("bare-reader", face, "edit", field("reportTo", "X")), 403, "not-permitted")
}

// TestLL42_LL43_LL110_AssignedNotesStayEditable, LL-42, LL-110: what the customer adds after the assignment reaches the assigned interpreter, and only that one.
func TestLL42_LL43_LL110_AssignedNotesStayEditable(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.clock("2020-03-02T09:00:00Z")
	ref := o.book("2020-06-01T10:00", 60)
	o.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN, benLIN}})
	o.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
	o.do("requestor", ref, "edit", map[string]any{"fields": map[string]any{"assignedNotes": "Use the side door.", "venueInformation": "Park at the back."}})
	reads := func(user string) (any, any) {
		fields := o.read(user, "/jobs/"+ref).body["fields"].(map[string]any)
		return fields["assignedNotes"], fields["venueInformation"]
	}
	if notes, venue := reads("interpreter"); notes != "Use the side door." || venue != "Park at the back." {
		t.Errorf("the assigned interpreter reads %v and %v", notes, venue)
	}
	if notes, venue := reads("interpreter2"); notes != nil || venue != nil {
		t.Errorf("the other one reads %v and %v", notes, venue)
	}
	o.do("assigner", ref, "unassign", map[string]any{"interpreter": anaLIN, "reason": "Ill."})
	if notes, venue := reads("interpreter"); notes != nil || venue != nil {
		t.Errorf("after the unassignment the interpreter reads %v and %v", notes, venue)
	}
}

// TestLL91_LL109_EditsAndOffers: an edit of time, duration or place revokes the open and accepted offers and sends them again with the new fee; one of language
// only revokes; the notes stand in their order. An assigned job's diary moves along, or nothing changes.
func TestLL91_LL109_EditsAndOffers(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.clock("2020-03-02T09:00:00Z")
	offersOf := func(ref string) map[string]string {
		out := map[string]string{}
		for _, v := range o.read("assigner", "/jobs/"+ref).body["offers"].([]any) {
			offer := v.(map[string]any)
			out[offer["interpreter"].(map[string]any)["lin"].(string)] = offer["state"].(string) + " " + offer["fee"].(map[string]any)["amount"].(string)
		}
		return out
	}
	ref := o.book("2020-06-01T10:00", 60)
	o.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN, benLIN}})
	o.do("interpreter", ref, "accept-offer", map[string]any{})
	if got := offersOf(ref); got[anaLIN] != "accepted 28.00" || got[benLIN] != "open 28.00" {
		t.Fatalf("offers stand %v", got)
	}
	before := len(o.notes("assigner", ref))
	o.do("assigner", ref, "edit", map[string]any{"duration": map[string]any{"hours": 2, "minutes": 0}})
	if got := offersOf(ref); got[anaLIN] != "open 56.00" || got[benLIN] != "open 56.00" {
		t.Errorf("after a longer duration offers stand %v", got)
	}
	notes := o.notes("assigner", ref)
	want := []string{"Sent job offer to " + benLIN + " for job " + ref, "Revoked job offer to " + benLIN + " for job " + ref, "Sent job offer to " + anaLIN + " for job " + ref,
		"Revoked job offer to " + anaLIN + " for job " + ref, ref + " edited"}
	got := notes[:len(notes)-before]
	if !slices.Equal(got, want) {
		t.Errorf("notes of the edit, newest first:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// The hold has ended: the other one may accept now.
	o.do("interpreter2", ref, "accept-offer", map[string]any{})
	before = len(o.notes("assigner", ref))
	o.do("assigner", ref, "edit", map[string]any{"language": "uk"})
	if got := offersOf(ref); got[anaLIN] != "revoked 56.00" || got[benLIN] != "revoked 56.00" {
		t.Errorf("after another language offers stand %v", got)
	}
	notes = o.notes("assigner", ref)
	if got := notes[:len(notes)-before]; len(got) != 3 || got[2] != ref+" edited" || !strings.HasPrefix(got[0], "Revoked") || !strings.HasPrefix(got[1], "Revoked") {
		t.Errorf("notes of the edit of the language: %q", got)
	}
	problemIs(t, "an interpreter whose offer was revoked", o.try("interpreter", ref, "accept-offer", map[string]any{}), 422, "wrong-status")
	// What does not concern the offers leaves them.
	o.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN}})
	before = len(o.notes("assigner", ref))
	o.do("requestor", ref, "edit", map[string]any{"fields": map[string]any{"reportTo": "Desk 2"}})
	if got := o.notes("assigner", ref); len(got) != before+1 || got[0] != ref+" edited" || offersOf(ref)[anaLIN] != "open 56.00" {
		t.Errorf("an edit of report-to: notes %q, offers %v", got, offersOf(ref))
	}

	// An assigned job.
	o.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
	other := o.book("2020-06-01T15:00", 60)
	o.do("assigner", other, "assign", map[string]any{"interpreter": anaLIN})
	shown := o.read("assigner", "/jobs/"+ref)
	clash := o.try("assigner", ref, "edit", map[string]any{"start": "2020-06-01T14:30"})
	problemIs(t, "into another job of the interpreter", clash, 409, "double-booked")
	if now := o.read("assigner", "/jobs/"+ref); now.header.Get("ETag") != shown.header.Get("ETag") || now.body["start"] != shown.body["start"] {
		t.Error("a refused edit changed the job")
	}
	o.do("assigner", ref, "edit", map[string]any{"start": "2020-06-01T12:00"})
	third := o.book("2020-06-01T10:00", 60)
	o.do("assigner", third, "assign", map[string]any{"interpreter": anaLIN}) // the old time is free
	if got := o.read("interpreter", "/jobs/"+ref).body["start"]; got != "2020-06-01T12:00:00+01:00" {
		t.Errorf("the interpreter reads the start %v", got)
	}
}

// TestLL67_LL92_Messages: an unassigned job shows one of two messages, in the agency's words; an assigned one neither. Whoever has nothing to do with the
// customer's side reads none.
func TestLL67_LL92_Messages(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.clock("2020-03-02T09:00:00Z")
	ref := o.book("2020-06-01T10:00", 60)
	shows := func(progress, start string) {
		t.Helper()
		job := o.read("requestor", "/jobs/"+ref).body
		message, _ := job["message"].(string)
		if got, _ := job["progress"].(string); got != progress || !strings.HasPrefix(message, start) || start == "" && message != "" {
			t.Errorf("progress %q, message %q; want %q, %q…", got, message, progress, start)
		}
		if start != "" && !strings.Contains(message, "Admin Message") {
			t.Errorf("the message does not say what to use meanwhile: %q", message)
		}
	}
	const issuing, onIt = "We are currently issuing job offers", "An assigner is currently working on this booking"
	shows("offering", issuing)
	o.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN}})
	shows("offering", issuing)
	o.do("assigner", ref, "take", map[string]any{})
	shows("taken", onIt)
	if message := o.read("interpreter", "/jobs/"+ref).body["message"]; message != nil {
		t.Errorf("the interpreter reads %q", message)
	}
	o.do("assigner", ref, "release", map[string]any{})
	shows("offering", issuing)
	problemIs(t, "release again", o.try("assigner", ref, "release", map[string]any{}), 422, "wrong-status")
	o.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
	shows("", "")
	o.do("assigner", ref, "unassign", map[string]any{"interpreter": anaLIN, "reason": "Ill."})
	shows("offering", issuing)
	if got := refsOf(o.read("requestor", "/jobs?list=unassigned")); !slices.Contains(got, ref) {
		t.Errorf("LL-92: unassigned are %v", got)
	}
	want := []string{ref + " changed from assigned to new", "Unassigned " + anaLIN + " from job " + ref, ref + " changed from new to assigned", "Assigned " + anaLIN + " to job " + ref,
		ref + " released", ref + " taken", "Sent job offer to " + anaLIN + " for job " + ref, ref + " Created"}
	if got := o.notes("requestor", ref); !slices.Equal(got, want) {
		t.Errorf("notes: %q", got)
	}
	o.as("admin").do(http.MethodPut, "/settings/agency", map[string]any{"texts": map[string]any{"issuing-offers": "Offers are out. Use Admin Message.", "assigner-working": "A person is on it. Use Admin Message."}})
	shows("offering", "Offers are out.")
	o.do("assigner", ref, "take", map[string]any{})
	shows("taken", "A person is on it.")
}

// TestLL96_D21_ETA: another start becomes the ETA once the customer agrees, the requested time stays; without agreement there is none. The diary follows.
func TestLL96_D21_ETA(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.clock("2020-03-02T09:00:00Z")
	ref := o.book("2020-06-01T10:00", 60)
	o.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
	o.do("assigner", ref, "propose-eta", map[string]any{"eta": "2020-06-01T12:00"})
	job := o.read("requestor", "/jobs/"+ref).body
	if job["eta"] != nil || job["proposedEta"] != "2020-06-01T12:00:00+01:00" || job["waitingOn"] != "customer" || job["nextStep"] != "agree-eta" {
		t.Errorf("proposed: eta %v, proposed %v, waits for %v to %v", job["eta"], job["proposedEta"], job["waitingOn"], job["nextStep"])
	}
	o.do("requestor", ref, "decline-eta", map[string]any{})
	problemIs(t, "agree to nothing", o.try("requestor", ref, "agree-eta", map[string]any{}), 422, "wrong-status")
	if job := o.read("requestor", "/jobs/"+ref).body; job["eta"] != nil || job["proposedEta"] != nil {
		t.Errorf("declined: eta %v, proposed %v", job["eta"], job["proposedEta"])
	}
	o.do("assigner", ref, "propose-eta", map[string]any{"eta": "2020-06-01T13:30"})
	problemIs(t, "by an assigner", o.try("assigner", ref, "agree-eta", map[string]any{}), 403, "not-permitted")
	o.do("requestor", ref, "agree-eta", map[string]any{})
	job = o.read("requestor", "/jobs/"+ref).body
	if job["start"] != "2020-06-01T10:00:00+01:00" || job["eta"] != "2020-06-01T13:30:00+01:00" || job["end"] != "2020-06-01T14:30:00+01:00" {
		t.Errorf("agreed: start %v, eta %v, end %v", job["start"], job["eta"], job["end"])
	}
	early, late := o.book("2020-06-01T10:00", 60), o.book("2020-06-01T14:00", 60)
	o.do("assigner", early, "assign", map[string]any{"interpreter": anaLIN})
	problemIs(t, "within the ETA's time", o.try("assigner", late, "assign", map[string]any{"interpreter": anaLIN}), 409, "double-booked")
	problemIs(t, "an ETA within another job's time", o.try("assigner", ref, "change-eta", map[string]any{"eta": "2020-06-01T10:30", "agreedBy": "Bell"}), 409, "double-booked")
	problemIs(t, "agreed by nobody", o.try("assigner", ref, "change-eta", map[string]any{"eta": "2020-06-01T16:00"}), 422, "invalid", "body.agreedBy")
	o.do("assigner", ref, "change-eta", map[string]any{"eta": "2020-06-01T16:00", "agreedBy": "Sergeant Bell"})
	o.do("assigner", late, "assign", map[string]any{"interpreter": anaLIN})
	want := []string{ref + " ETA has changed to 01/06/2020 16:00:00", ref + " ETA has changed to 01/06/2020 13:30:00", "ETA 01/06/2020 13:30:00 proposed for " + ref,
		"Proposed ETA declined for " + ref, "ETA 01/06/2020 12:00:00 proposed for " + ref}
	if got := o.notes("requestor", ref); !slices.Equal(got[:5], want) {
		t.Errorf("notes: %q", got[:5])
	}
	// D-21: afterwards, for a moment already past.
	o.clock("2020-06-03T09:00:00Z")
	o.do("assigner", ref, "change-eta", map[string]any{"eta": "2020-06-01T16:10", "agreedBy": "Sergeant Bell"})
	if got := o.read("requestor", "/jobs/"+ref).body["eta"]; got != "2020-06-01T16:10:00+01:00" {
		t.Errorf("D-21: the ETA is %v", got)
	}
	if _, err := time.Parse(time.RFC3339, o.read("requestor", "/jobs/"+ref+"/activity").items()[0]["at"].(string)); err != nil {
		t.Error(err)
	}
}
