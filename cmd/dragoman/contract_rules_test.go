package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestRulesOverHTTP holds the API to the rules that the contract names, one subtest a rule, named after it. Rules with a test of their own
// are not repeated: LL-67 and LL-92, LL-91, LL-95, LL-96 and D-21, LL-108 and D-19, LL-113..115 and D-06.
//
// All share one server and its clock. Each has days of its own, so that no interpreter is wanted twice.
func TestRulesOverHTTP(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, rule := range []struct {
		name string
		hold func(*office)
	}{
		{"LL33_JobNotesAreForWhoeverIsOffered", ruleJobNotes},
		{"LL35_LL47_D03_CustodyIsWholeOrEmpty", ruleCustody},
		{"LL38_PreferredInterpreterIsStored", rulePreferred},
		{"LL39_PrecludedNeedsAnOverride", rulePrecluded},
		{"LL41_LL42_D16_NotesByRelation", ruleNotes},
		{"LL54_LL106_D16_ContactsOfRemoteJobs", ruleContacts},
		{"LL90_D23_TheFirstAcceptanceHolds", ruleFirstAcceptance},
		{"LL93_LL94_HoursAreEnteredThenAccepted", ruleHours},
		{"LL94_D02_ADisputeKeepsTheJobOngoing", ruleDispute},
		{"LL97_LL98_TheAdminThread", ruleThread},
		{"LL104_LL105_WhoComes", ruleLinguist},
		{"LL116_LL117_LL118_LL120_D20_RequiringClosure", ruleRequiringClosure},
		{"LL119_ThirtyRowsAPage", rulePages},
		{"LL121_LL122_LL123_Blocks", ruleBlocks},
		{"LL124_D11_ABreakOfMoreThanFourHours", ruleLongBreak},
		{"II75_D09_WhoCloses", ruleWhoCloses},
		{"II77_ActualTimes", ruleActualTimes},
		{"II79_IncidentalsReachTheInvoice", ruleIncidentals},
		{"II84_ReasonsAreTheAgencysList", ruleReasons},
		{"D01_D02_StatusesAndOutcomes", ruleStatuses},
		{"LL53_D04_NotApplicable", ruleNotApplicable},
		{"D05_ResponseTiers", ruleResponseTiers},
		{"D06_TheEdgeIsPolicy", ruleCancelPolicy},
		{"LL08_D07_Tiles", ruleTiles},
		{"D08_UnfulfilledIsNeverBilled", ruleUnfulfilled},
		{"D12_Numbers", ruleNumbers},
		{"LL31_D15_TheSpeakersName", ruleSpeaker},
		{"D18_AcceptedWithoutAnOffer", ruleAcceptedUnasked},
		{"D21_AnETAInThePastIsFlagged", rulePastETA},
	} {
		t.Run(rule.name, func(t *testing.T) {
			o.in(t).clock("2020-03-02T09:00:00Z")
			rule.hold(o)
		})
	}
}

// job is what a user reads of a job.
func (o *office) job(user, ref string) map[string]any {
	o.t.Helper()
	return o.read(user, "/jobs/"+ref).body
}

// fieldsOf are the form's values that a user reads of a job.
func (o *office) fieldsOf(user, ref string) map[string]any {
	o.t.Helper()
	return o.job(user, ref)["fields"].(map[string]any)
}

// assigned books a job and assigns it to Ana.
func (o *office) assigned(start string, minutes int) string {
	o.t.Helper()
	ref := o.book(start, minutes)
	o.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
	return ref
}

// waits tells for which command a job waits for a user; "" if it does not.
func (o *office) waits(user, ref string) string {
	o.t.Helper()
	for _, i := range o.read(user, "/waiting-for-me").items() {
		if i["ref"] == ref {
			return i["step"].(string)
		}
	}
	return ""
}

func ruleJobNotes(o *office) {
	t := o.t
	ref := o.book("2020-04-01T10:00", 60, func(_, f map[string]any) { f["jobNotes"] = "Bring the long form." })
	o.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN}})
	if got := o.fieldsOf("interpreter", ref)["jobNotes"]; got != "Bring the long form." {
		t.Errorf("who is offered the job reads the notes as %v", got)
	}
	problemIs(t, "who is not", o.ask("interpreter2", "/jobs/"+ref), 404, "not-found")
	for _, f := range objectsOf(o.read("requestor", "/forms/face-to-face").body["fields"]) {
		if f["key"] == "jobNotes" && (!strings.Contains(f["help"].(string), "Do not include any sensitive data") || !strings.Contains(f["help"].(string), "If Relevant")) {
			t.Errorf("the field's warning is %q", f["help"])
		}
	}
	for text, want := range map[string][]string{"Call 07700 900123.": {"personal-data"}, "write to jo@police.example": {"personal-data"}, "Bring the long form.": {}} {
		r := o.send("requestor", "POST", "/bookings", o.booking("2020-04-01T12:00", 60, func(_, f map[string]any) { f["jobNotes"] = text }))
		if got := warningsOf(r); r.status != 201 || !slices.Equal(got, want) {
			t.Errorf("notes %q: %d with the warnings %v, want %v", text, r.status, got, want)
		}
	}
}

func ruleCustody(o *office) {
	t := o.t
	with := func(reference, clock string) reply {
		return o.send("requestor", "POST", "/bookings", o.booking("2020-04-02T10:00", 60, func(_, f map[string]any) {
			f["custodyReference"], f["custodyClock"] = reference, clock
		}))
	}
	problemIs(t, "a reference without a clock", with("CUST-1", ""), 422, "invalid", "body.fields.custodyClock")
	problemIs(t, "a clock without a reference", with("", "2020-04-02T22:00"), 422, "invalid", "body.fields.custodyReference")
	for what, c := range map[string]struct {
		reference, clock string
		warnings         []string
	}{
		"both empty":        {"", "", []string{}},
		"both":              {"CUST-1", "2020-04-02T22:00", []string{}},
		"a clock run out":   {"CUST-1", "2020-03-02T08:59", []string{"custody-clock-passed"}},
		"not yet run out":   {"CUST-1", "2020-03-02T09:01", []string{}},
		"run out yesterday": {"CUST-1", "2020-03-01T09:01", []string{"custody-clock-passed"}},
	} {
		if r := with(c.reference, c.clock); r.status != 201 || !slices.Equal(warningsOf(r), c.warnings) {
			t.Errorf("%s: %d %s", what, r.status, r.raw)
		}
	}
	// Of the five sections only custody and "if relevant" may stay empty (LL-47).
	body := o.booking("2020-04-02T10:00", 60)
	body["fields"] = map[string]any{}
	delete(body, "location")
	problemIs(t, "nothing but the time", o.send("requestor", "POST", "/bookings", body), 422, "invalid", "body.location",
		"body.fields.assignmentType", "body.fields.offenceCategory", "body.fields.nonEnglishSpeaker", "body.fields.reportTo", "body.fields.requestingOfficer",
		"body.fields.telephone", "body.fields.officerInCase", "body.fields.primaryEmail", "body.fields.collarNumber", "body.fields.officerPhone", "body.fields.secondaryEmail")
}

func rulePreferred(o *office) {
	t := o.t
	with := func(key, lin string) reply {
		return o.send("requestor", "POST", "/bookings", o.booking("2020-04-03T10:00", 60, func(_, f map[string]any) { f[key] = lin }))
	}
	for _, key := range []string{"preferredInterpreter", "precludedInterpreter"} {
		for _, bad := range []string{"5455/5J71Y", "LIN/545/5J71Y", "LIN/5455/5J71", "LIN/5455/5J71Y/2", "LIN/54-5/5J71Y", "Ana Nowak"} {
			problemIs(t, key+" "+bad, with(key, bad), 422, "invalid", "body.fields."+key)
		}
	}
	ref := refOf(with("preferredInterpreter", anaLIN))
	if got := o.fieldsOf("assigner", ref)["preferredInterpreter"]; got != anaLIN {
		t.Errorf("stored is %v", got)
	}
	if offers := o.job("assigner", ref)["offers"].([]any); len(offers) != 0 {
		t.Errorf("an offer went out by itself: %v", offers)
	}
}

func rulePrecluded(o *office) {
	t := o.t
	ref := o.book("2020-04-04T10:00", 60, func(_, f map[string]any) { f["precludedInterpreter"] = anaLIN })
	problemIs(t, "an offer", o.try("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN}}), 422, "precluded")
	problemIs(t, "an offer to both", o.try("assigner", ref, "send-offer", map[string]any{"interpreters": []string{benLIN, anaLIN}}), 422, "precluded")
	problemIs(t, "by hand", o.try("assigner", ref, "assign", map[string]any{"interpreter": anaLIN}), 422, "precluded")
	problemIs(t, "with a blank reason", o.try("assigner", ref, "assign", map[string]any{"interpreter": anaLIN, "override": "  "}), 422, "precluded")
	if notes := o.notes("assigner", ref); len(notes) != 1 {
		t.Errorf("refused commands left the notes %q", notes)
	}
	o.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN, "override": "Nobody else speaks it."})
	assignment := o.job("assigner", ref)["assignments"].([]any)[0].(map[string]any)
	if assignment["overrideReason"] != "Nobody else speaks it." || fmt.Sprint(assignment["overrideRules"]) != "[precluded]" {
		t.Errorf("the assignment says %v", assignment)
	}
}

func ruleNotes(o *office) {
	t := o.t
	ref := o.book("2020-04-05T10:00", 60, func(_, f map[string]any) {
		f["agencyNotes"], f["assignedNotes"] = "Agencyword", "Assignedword"
	})
	reads := func(when, user string, keys ...string) {
		t.Helper()
		fields := o.fieldsOf(user, ref)
		for _, key := range []string{"agencyNotes", "assignedNotes"} {
			if _, there := fields[key]; there != slices.Contains(keys, key) {
				t.Errorf("%s: %s reads %s: %v", when, user, key, there)
			}
		}
	}
	o.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN, benLIN}})
	reads("offered", "interpreter")
	o.do("interpreter", ref, "accept-offer", map[string]any{})
	reads("accepted", "interpreter")
	o.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
	reads("assigned", "interpreter", "assignedNotes")
	reads("assigned to another", "interpreter2")
	if raw := string(o.read("interpreter", "/jobs/"+ref).raw); strings.Contains(raw, "Agencyword") || strings.Contains(raw, "agencyNotes") {
		t.Error("the notes to the agency are in the interpreter's payload")
	}
	o.do("assigner", ref, "unassign", map[string]any{"interpreter": anaLIN, "reason": "Ill."})
	reads("unassigned", "interpreter")
	reads("staff", "assigner", "agencyNotes", "assignedNotes")
}

func ruleContacts(o *office) {
	t := o.t
	banner := false
	for _, n := range objectsOf(o.read("requestor", "/forms/remote").body["notices"]) {
		banner = banner || n["text"] == "WE DO NOT SHARE CONTACT EMAIL OR TELEPHONE DETAILS WITH THE INTERPRETERS"
	}
	if !banner {
		t.Error("LL-54: the remote form does not carry its banner")
	}
	remote, face := o.bookRemote("2020-04-06T10:00", 60), o.book("2020-04-06T13:00", 60)
	for _, ref := range []string{remote, face} {
		o.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
		raw := string(o.read("interpreter", "/jobs/"+ref).raw)
		for _, secret := range []string{"0113 496 0000", "0113 496 0001", "bell@police.example", "desk@police.example", "Sergeant Bell", "DC Marsh", "4411", "telephone\":\"0113"} {
			if strings.Contains(raw, secret) {
				t.Errorf("LL-54: the interpreter of %s reads %q", ref, secret)
			}
		}
	}
	contact := func(user, ref string) string {
		linguist := o.job(user, ref)["linguist"].(map[string]any)
		return fmt.Sprint(linguist["telephone"], " ", linguist["email"])
	}
	for _, user := range []string{"requestor", "customer-admin"} {
		if got := contact(user, remote); got != "07700 900100 interpreter01@dragoman.example" {
			t.Errorf("LL-106: %s reads of the remote job's interpreter %q", user, got)
		}
		if got := contact(user, face); got != "<nil> <nil>" {
			t.Errorf("LL-106: %s reads of the face-to-face job's interpreter %q", user, got)
		}
	}
}

func ruleFirstAcceptance(o *office) {
	t := o.t
	ref := o.book("2020-04-07T10:00", 60)
	o.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN, benLIN}})
	notes := o.read("requestor", "/jobs/"+ref+"/activity").items()
	if notes[0]["note"] != "Sent job offer to "+benLIN+" for job "+ref || notes[1]["note"] != "Sent job offer to "+anaLIN+" for job "+ref || notes[0]["at"] != notes[1]["at"] {
		t.Errorf("two offers are noted as %v and %v", notes[0], notes[1])
	}
	o.do("interpreter", ref, "accept-offer", map[string]any{})
	if job := o.job("assigner", ref); job["status"] != "new" || o.waits("assigner", ref) != "assign" {
		t.Errorf("D-23: accepted, the job is %v and waits for %q", job["status"], o.waits("assigner", ref))
	}
	problemIs(t, "the second acceptance", o.try("interpreter2", ref, "accept-offer", map[string]any{}), 409, "already-accepted")
	before := len(notes) + 1
	o.do("assigner", ref, "assign", map[string]any{"interpreter": benLIN}) // staff may assign someone else
	if got := o.notes("requestor", ref); len(got) != before+2 || got[1] != "Assigned "+benLIN+" to job "+ref || got[0] != ref+" changed from new to assigned" {
		t.Errorf("D-23: the assignment's notes are %q", got[:len(got)-before])
	}
	states := map[string]string{}
	for _, user := range []string{"interpreter", "interpreter2"} {
		for _, offer := range o.read(user, "/offers?limit=500").items() {
			if offer["job"] == ref {
				states[user] = offer["state"].(string)
			}
		}
	}
	if want := map[string]string{"interpreter": "ended", "interpreter2": "assigned"}; !maps.Equal(states, want) {
		t.Errorf("D-23: the offers stand %v, want %v", states, want)
	}
	problemIs(t, "one more assignment", o.try("assigner", ref, "assign", map[string]any{"interpreter": anaLIN}), 409, "already-assigned")
}

func ruleHours(o *office) {
	t := o.t
	ref := o.assigned("2020-04-08T10:00", 60)
	problemIs(t, "before it began", o.try("requestor", ref, "submit-timesheet", blocksOf("2020-04-08T10:00", "2020-04-08T11:00")), 422, "wrong-status")
	o.clock("2020-04-08T12:00:00Z")
	o.do("requestor", ref, "submit-timesheet", blocksOf("2020-04-08T10:00", "2020-04-08T11:15"))
	job := o.job("requestor", ref)
	sheet := job["timesheets"].([]any)[0].(map[string]any)
	if job["status"] != "ongoing" || sheet["side"] != "customer" || sheet["state"] != "submitted" || sheet["workedMinutes"] != float64(75) {
		t.Errorf("LL-93: %v, %v", job["status"], sheet)
	}
	if got := o.waits("interpreter", ref); got != "accept-timesheet" {
		t.Errorf("LL-93: for the interpreter it waits for %q", got)
	}
	problemIs(t, "by the side that entered them", o.try("requestor", ref, "accept-timesheet", map[string]any{}), 422, "wrong-status")
	r := o.do("interpreter", ref, "accept-timesheet", map[string]any{})
	if r.body["status"] != "complete" || r.body["outcome"] != "success" {
		t.Errorf("LL-94: %s", r.raw)
	}
	if got := o.waits("interpreter", ref); got != "" {
		t.Errorf("LL-94: it still waits for %q", got)
	}
}

func ruleDispute(o *office) {
	t := o.t
	ref := o.assigned("2020-04-09T10:00", 60)
	o.clock("2020-04-09T12:00:00Z")
	o.do("requestor", ref, "submit-timesheet", blocksOf("2020-04-09T10:00", "2020-04-09T10:30"))
	problemIs(t, "without a reason", o.try("interpreter", ref, "dispute-timesheet", map[string]any{}), 422, "invalid", "body.reason")
	dispute := map[string]any{"reason": "I stayed until 11.", "blocks": blocksOf("2020-04-09T10:00", "2020-04-09T11:00")["blocks"]}
	r := o.do("interpreter", ref, "dispute-timesheet", dispute)
	if r.body["status"] != "ongoing" || o.notes("requestor", ref)[0] != "Timesheet disputed for "+ref {
		t.Errorf("%s, noted as %q", r.raw, o.notes("requestor", ref)[0])
	}
	sheet := o.job("requestor", ref)["timesheets"].([]any)[0].(map[string]any)
	if sheet["state"] != "disputed" || sheet["disputeReason"] != "I stayed until 11." || len(sheet["disputeBlocks"].([]any)) != 1 {
		t.Errorf("the timesheet reads %v", sheet)
	}
	if got := o.waits("requestor", ref); got != "submit-timesheet" {
		t.Errorf("for the customer it waits for %q", got)
	}
	o.do("requestor", ref, "submit-timesheet", blocksOf("2020-04-09T10:00", "2020-04-09T11:00"))
	if r := o.do("interpreter", ref, "accept-timesheet", map[string]any{}); r.body["status"] != "complete" {
		t.Errorf("%s", r.raw)
	}
}

func ruleThread(o *office) {
	t := o.t
	ref := o.assigned("2020-04-10T10:00", 60)
	o.do("requestor", ref, "post-message", map[string]any{"text": "Please send a woman."})
	o.clock("2020-03-02T09:05:00Z")
	o.do("assigner", ref, "post-message", map[string]any{"text": "Ana is one."})
	want := []string{"Please send a woman.", "Ana is one."}
	for _, user := range []string{"requestor", "assigner", "admin", "auditor"} {
		var texts []string
		for _, m := range o.read(user, "/jobs/"+ref+"/messages").items() {
			texts = append(texts, m["text"].(string))
		}
		if !slices.Equal(texts, want) {
			t.Errorf("LL-97: %s reads %q", user, texts)
		}
	}
	for _, user := range []string{"interpreter", "interpreter2", "requestor2"} {
		problemIs(t, "LL-98: "+user, o.ask(user, "/jobs/"+ref+"/messages"), 404, "not-found")
	}
	problemIs(t, "LL-98: a message of the interpreter", o.try("interpreter", ref, "post-message", map[string]any{"text": "x"}), 403, "not-permitted")
	if got := o.notes("requestor", ref)[:2]; got[0] != "Admin message posted for "+ref || got[1] != got[0] {
		t.Errorf("noted as %q", got)
	}
}

func ruleLinguist(o *office) {
	t := o.t
	ref := o.book("2020-04-11T10:00", 60)
	if got := o.job("requestor", ref)["linguist"]; got != nil {
		t.Errorf("before the assignment the linguist is %v", got)
	}
	o.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
	linguist := o.job("requestor", ref)["linguist"].(map[string]any)
	if linguist["name"] != "Ana Nowak" || linguist["lin"] != anaLIN || linguist["paitId"] != "PAIT-20417" {
		t.Errorf("LL-104: the customer reads %v", linguist)
	}
	if photo, there := linguist["photo"]; !there || photo != nil {
		t.Errorf("LL-103: without a photo it reads %v", photo)
	}
	clearances := objectsOf(linguist["clearances"])
	if len(clearances) == 0 || clearances[0]["kind"] == "" || clearances[0]["validTo"] != "2099-12-31" {
		t.Errorf("LL-105: the clearances are %v", clearances)
	}
	problemIs(t, "LL-105: another customer", o.ask("requestor2", "/jobs/"+ref), 404, "not-found")
	o.do("assigner", ref, "unassign", map[string]any{"interpreter": anaLIN, "reason": "Ill."})
	if got := o.job("requestor", ref)["linguist"]; got != nil {
		t.Errorf("after it the linguist is %v", got)
	}
}

// ruleRequiringClosure: new and assigned jobs whose time has passed, oldest first; the dashboard's tile counts the same list.
func ruleRequiringClosure(o *office) {
	t := o.t
	late, never, early, entered := o.assigned("2020-04-12T14:00", 60), o.book("2020-04-12T12:00", 60), o.assigned("2020-04-12T10:00", 60), o.assigned("2020-04-12T08:00", 60)
	ahead := o.assigned("2020-04-13T10:00", 60)
	o.clock("2020-04-12T15:30:00Z") // an hour and a half after the last of them: London is an hour ahead
	o.do("requestor", entered, "submit-timesheet", blocksOf("2020-04-12T08:00", "2020-04-12T09:00"))
	list := o.read("requestor", "/jobs?list=requiring-closure&limit=500")
	var mine []string
	for _, ref := range refsOf(list) {
		if slices.Contains([]string{late, never, early, entered, ahead}, ref) {
			mine = append(mine, ref)
		}
	}
	if want := []string{early, never, late}; !slices.Equal(mine, want) {
		t.Errorf("LL-120: in order of need they are %v, want %v", mine, want)
	}
	starts := []string{}
	for _, i := range list.items() {
		starts = append(starts, i["start"].(string))
		for _, column := range []string{"ref", "address1", "start", "eta", "durationMinutes", "reportTo", "nonEnglishSpeaker", "languageName", "status"} {
			if _, there := i[column]; !there {
				t.Errorf("LL-118: %v has no %s", i["ref"], column)
			}
		}
		if i["overdue"] != true {
			t.Errorf("%v is not overdue", i["ref"])
		}
	}
	if !slices.IsSorted(starts) {
		t.Errorf("D-20: the starts run %v", starts)
	}
	if tile := o.read("requestor", "/dashboard").body["tiles"].(map[string]any)["requiringClosure"]; tile != list.body["total"] {
		t.Errorf("LL-117: the tile says %v, the list holds %v", tile, list.body["total"])
	}
	r := o.do("assigner", never, "close", map[string]any{"reason": "no-interpreter"})
	if r.body["status"] != "complete" || r.body["outcome"] != "not-fulfilled" || o.notes("requestor", never)[0] != never+" changed from new to complete: not fulfilled" {
		t.Errorf("LL-120, D-08: %s, noted as %q", r.raw, o.notes("requestor", never)[0])
	}
	if slices.Contains(refsOf(o.read("requestor", "/jobs?list=requiring-closure&limit=500")), never) {
		t.Error("a closed job still requires closure")
	}
	// D-20: the notes run the other way.
	items := o.read("requestor", "/jobs/"+late+"/activity").items()
	for i := 1; i < len(items); i++ {
		if !later(items[i-1]["position"].(string), items[i]["position"].(string)) && items[i-1]["position"] != items[i]["position"] {
			t.Errorf("D-20: note %d stands above an older one", i)
		}
	}
}

// rulePages: the seed's 98 rows, on pages of thirty.
func rulePages(o *office) {
	t := o.t
	place := o.read("requestor2", "/locations").items()[0]["id"].(string)
	for i := range 98 {
		body := faceToFace(place, fmt.Sprintf("2020-03-%02dT%02d:00", 3+i/20, 1+i%20), 30)
		o.as("requestor2").do("POST", "/bookings", body)
	}
	o.clock("2020-03-20T09:00:00Z")
	var seen []string
	for _, offset := range []int{0, 30, 60, 90} {
		page := o.read("requestor2", fmt.Sprintf("/jobs?list=requiring-closure&offset=%d", offset))
		if page.body["total"] != float64(98) || page.body["offset"] != float64(offset) || page.body["limit"] != float64(30) {
			t.Errorf("the page from %d says %v %v %v", offset, page.body["total"], page.body["offset"], page.body["limit"])
		}
		if want := min(30, 98-offset); len(page.items()) != want {
			t.Errorf("the page from %d has %d rows, want %d", offset, len(page.items()), want)
		}
		seen = append(seen, refsOf(page)...)
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(seen))); len(unique) != 98 {
		t.Errorf("the pages hold %d different jobs", len(unique))
	}
	if all := refsOf(o.read("requestor2", "/jobs?list=requiring-closure&limit=500")); !slices.Equal(all, seen) {
		t.Error("the pages are not the list cut up")
	}
}

func ruleBlocks(o *office) {
	t := o.t
	ref := o.assigned("2020-04-14T09:00", 120)
	o.clock("2020-04-14T20:00:00Z")
	job := o.job("requestor", ref)
	if job["start"] != "2020-04-14T09:00:00+01:00" || job["end"] != "2020-04-14T11:00:00+01:00" || job["durationMinutes"] != float64(120) {
		t.Errorf("LL-122: a first row would be filled with %v to %v", job["start"], job["end"])
	}
	for what, c := range map[string]struct {
		blocks map[string]any
		at     string
	}{
		"none":             {blocksOf(), "body.blocks"},
		"reversed":         {blocksOf("2020-04-14T10:00", "2020-04-14T09:00"), "body.blocks[0].end"},
		"empty":            {blocksOf("2020-04-14T10:00", "2020-04-14T10:00"), "body.blocks[0].end"},
		"overlapping":      {blocksOf("2020-04-14T09:00", "2020-04-14T10:00", "2020-04-14T09:59", "2020-04-14T11:00"), "body.blocks[1].start"},
		"not in order":     {blocksOf("2020-04-14T10:00", "2020-04-14T11:00", "2020-04-14T09:00", "2020-04-14T10:00"), "body.blocks[1].start"},
		"not over yet":     {blocksOf("2020-04-14T20:00", "2020-04-14T21:01"), "body.blocks[0].end"},
		"no time":          {blocksOf("2020-04-14", "2020-04-14T11:00"), "body.blocks[0].start"},
		"longer than life": {blocksOf("2020-04-12T09:00", "2020-04-14T10:00"), "body.blocks[0].end"},
	} {
		problemIs(t, what, o.try("requestor", ref, "submit-timesheet", c.blocks), 422, "invalid", c.at)
	}
	o.do("requestor", ref, "submit-timesheet", blocksOf("2020-04-14T09:00", "2020-04-14T10:00", "2020-04-14T10:30", "2020-04-14T11:00"))
	if got := o.job("requestor", ref)["timesheets"].([]any)[0].(map[string]any)["workedMinutes"]; got != float64(90) {
		t.Errorf("LL-123: worked were %v minutes, want 90", got)
	}
	// LL-121: seven rows, and more can be added.
	o.do("interpreter", ref, "dispute-timesheet", map[string]any{"reason": "More breaks."})
	var pairs []string
	for i := range 8 {
		pairs = append(pairs, fmt.Sprintf("2020-04-14T%02d:00", 9+i), fmt.Sprintf("2020-04-14T%02d:30", 9+i))
	}
	o.do("requestor", ref, "submit-timesheet", blocksOf(pairs...))
	sheets := o.job("requestor", ref)["timesheets"].([]any)
	if got := sheets[len(sheets)-1].(map[string]any); got["workedMinutes"] != float64(240) {
		t.Errorf("LL-121: with eight rows the timesheets read %v", sheets)
	}
}

// ruleLongBreak: the refusal's own action makes the continuation: same booking, own number, same address and interpreter, the later blocks.
func ruleLongBreak(o *office) {
	t := o.t
	fits := o.assigned("2020-04-15T08:00", 60)
	ref := o.assigned("2020-04-16T08:00", 60)
	o.clock("2020-04-16T20:00:00Z")
	if r := o.do("requestor", fits, "submit-timesheet", blocksOf("2020-04-15T08:00", "2020-04-15T09:00", "2020-04-15T13:00", "2020-04-15T14:00")); r.body["status"] != "ongoing" {
		t.Errorf("a break of exactly four hours: %s", r.raw)
	}
	refused := o.try("requestor", ref, "submit-timesheet", blocksOf("2020-04-16T08:00", "2020-04-16T09:00", "2020-04-16T13:01", "2020-04-16T14:00"))
	problemIs(t, "a break of four hours and a minute", refused, 422, "break-too-long")
	action := refused.body["actions"].([]any)[0].(map[string]any)
	if action["command"] != "continue" {
		t.Fatalf("the action is %v", action)
	}
	o.do("requestor", ref, "submit-timesheet", blocksOf("2020-04-16T08:00", "2020-04-16T09:00"))
	elsewhere := maps.Clone(action["body"].(map[string]any))
	elsewhere["address"] = map[string]any{"line1": "1 High St", "town": "Leeds", "postcode": "LS1 4AP"}
	problemIs(t, "D-11: at another address", o.try("requestor", ref, "continue", elsewhere), 403, "not-editable", "body.location")
	problemIs(t, "D-11: nor by staff", o.try("assigner", ref, "continue", elsewhere), 422, "invalid", "body.location")
	made := o.do("requestor", ref, "continue", action["body"])
	next := refOf(made)
	if made.status != http.StatusCreated || made.header.Get("ETag") == "" || made.header.Get("Dragoman-Position") == "" {
		t.Errorf("continued: %d %v", made.status, made.header)
	}
	was, is := o.job("requestor", ref), o.job("requestor", next)
	if is["status"] != "ongoing" || is["bookingRef"] != was["bookingRef"] || is["bookingId"] != was["bookingId"] || next == ref ||
		fmt.Sprint(is["interpreter"]) != fmt.Sprint(was["interpreter"]) || fmt.Sprint(is["address"]) != fmt.Sprint(was["address"]) ||
		is["madeFrom"] != ref || was["continuedIn"] != next || is["start"] != "2020-04-16T13:01:00+01:00" {
		t.Errorf("the continuation reads %v", is)
	}
	if related := objectsOf(was["related"]); len(related) != 1 || related[0]["ref"] != next {
		t.Errorf("related are %v", related)
	}
	want := []string{next + " changed from assigned to ongoing", next + " changed from new to assigned", "Assigned " + anaLIN + " to job " + next, next + " Created"}
	if got := o.notes("requestor", next); !slices.Equal(got, want) {
		t.Errorf("its notes are %q, want %q", got, want)
	}
	if got := o.notes("requestor", ref)[0]; got != ref+" continued in "+next {
		t.Errorf("the job's note is %q", got)
	}
	problemIs(t, "continued again", o.try("requestor", ref, "continue", action["body"]), 422, "wrong-status")
	if r := o.do("interpreter", next, "accept-timesheet", map[string]any{}); r.body["status"] != "complete" {
		t.Errorf("%s", r.raw)
	}
}

func ruleWhoCloses(o *office) {
	t := o.t
	customer := o.read("requestor", "/me").body["customer"].(string)
	closing := func(who string) {
		t.Helper()
		o.as("admin").do("PATCH", "/customers/"+customer, map[string]any{"settings": map[string]any{"closing": who}})
	}
	may := func(user, ref string) bool {
		return slices.Contains(o.job(user, ref)["actions"].([]any), any("close"))
	}
	byInterpreter, byCustomer, both := o.assigned("2020-04-17T08:00", 60), o.assigned("2020-04-17T11:00", 60), o.assigned("2020-04-17T14:00", 60)
	o.clock("2020-04-17T20:00:00Z")
	hours := func(start, end string) map[string]any {
		return map[string]any{"start": "2020-04-17T" + start, "end": "2020-04-17T" + end}
	}
	closing("interpreter")
	if may("requestor", byInterpreter) || !may("interpreter", byInterpreter) {
		t.Errorf("interpreters close: customer %v, interpreter %v", may("requestor", byInterpreter), may("interpreter", byInterpreter))
	}
	problemIs(t, "by the customer", o.try("requestor", byInterpreter, "close", hours("08:00", "09:00")), 403, "not-permitted")
	if r := o.do("interpreter", byInterpreter, "close", hours("08:00", "09:00")); r.body["status"] != "complete" || r.body["outcome"] != "success" {
		t.Errorf("%s", r.raw)
	}
	closing("customer")
	if !may("requestor", byCustomer) || may("interpreter", byCustomer) {
		t.Errorf("customers close: customer %v, interpreter %v", may("requestor", byCustomer), may("interpreter", byCustomer))
	}
	problemIs(t, "by the interpreter", o.try("interpreter", byCustomer, "close", hours("11:00", "12:00")), 403, "not-permitted")
	problemIs(t, "with another outcome", o.try("requestor", byCustomer, "close", map[string]any{"outcome": "client-no-show"}), 422, "invalid", "body.outcome")
	if r := o.do("requestor", byCustomer, "close", hours("11:00", "12:00")); r.body["status"] != "complete" {
		t.Errorf("%s", r.raw)
	}
	closing("two-party")
	if may("requestor", both) || may("interpreter", both) {
		t.Error("with two parties one alone closes")
	}
	problemIs(t, "two parties", o.try("requestor", both, "close", hours("14:00", "15:00")), 403, "not-permitted")
	// D-09: either side may begin.
	o.do("interpreter", both, "submit-timesheet", blocksOf("2020-04-17T14:00", "2020-04-17T15:00"))
	if got := o.waits("requestor", both); got != "accept-timesheet" {
		t.Errorf("D-09: for the customer it waits for %q", got)
	}
	if r := o.do("requestor", both, "accept-timesheet", map[string]any{}); r.body["status"] != "complete" || r.body["outcome"] != "success" {
		t.Errorf("D-09: %s", r.raw)
	}
}

func ruleActualTimes(o *office) {
	t := o.t
	ref := o.assigned("2020-04-18T10:00", 60)
	o.clock("2020-04-18T20:00:00Z")
	at := func(start, end string) map[string]any { return map[string]any{"start": start, "end": end} }
	problemIs(t, "no times", o.try("assigner", ref, "close", map[string]any{}), 422, "invalid", "body.end", "body.start")
	problemIs(t, "end before start", o.try("assigner", ref, "close", at("2020-04-18T11:00", "2020-04-18T10:00")), 422, "invalid", "body.end")
	problemIs(t, "end at start", o.try("assigner", ref, "close", at("2020-04-18T11:00", "2020-04-18T11:00")), 422, "invalid", "body.end")
	problemIs(t, "not over", o.try("assigner", ref, "close", at("2020-04-18T11:00", "2020-04-18T23:00")), 422, "invalid", "body.end")
	o.do("assigner", ref, "close", at("2020-04-18T10:20", "2020-04-18T11:50"))
	job := o.job("requestor", ref)
	ending := job["ending"].(map[string]any)
	if ending["start"] != "2020-04-18T10:20:00+01:00" || ending["end"] != "2020-04-18T11:50:00+01:00" || ending["workedMinutes"] != float64(90) || ending["kind"] != "closed" {
		t.Errorf("the actual times are %v", ending)
	}
	if job["start"] != "2020-04-18T10:00:00+01:00" || job["durationMinutes"] != float64(60) {
		t.Errorf("the booked ones became %v, %v minutes", job["start"], job["durationMinutes"])
	}
}

func ruleIncidentals(o *office) {
	t := o.t
	ref := o.assigned("2020-04-19T10:00", 60)
	o.clock("2020-04-19T20:00:00Z")
	with := func(list ...map[string]any) map[string]any {
		return map[string]any{"start": "2020-04-19T10:00", "end": "2020-04-19T11:30", "incidentals": list}
	}
	mileage := map[string]any{"kind": "mileage", "quantity": "12.5", "note": "Both ways"}
	parking := map[string]any{"kind": "parking", "amount": map[string]any{"amount": "4.50", "currency": "GBP"}, "note": "Car park"}
	problemIs(t, "an unknown kind", o.try("assigner", ref, "close", with(map[string]any{"kind": "lunch", "quantity": "1"})), 422, "invalid", "body.incidentals[0].kind")
	problemIs(t, "no amount", o.try("assigner", ref, "close", with(map[string]any{"kind": "parking", "quantity": "1"})), 422, "invalid", "body.incidentals[0].amount")
	problemIs(t, "no quantity", o.try("assigner", ref, "close", with(map[string]any{"kind": "mileage"})), 422, "invalid", "body.incidentals[0].quantity")
	o.do("assigner", ref, "close", with(mileage, parking))
	lines := map[string]string{}
	id := o.job("admin", ref)["id"].(string)
	invoice := o.read("finance", "/invoices/"+id).body
	for _, l := range objectsOf(invoice["lines"]) {
		lines[l["kind"].(string)] = fmt.Sprint(l["quantity"], " ", l["amount"].(map[string]any)["amount"])
		if len(l["events"].([]any)) == 0 || l["termsVersion"] == float64(0) || l["job"] != ref {
			t.Errorf("a line does not say where it came from: %v", l)
		}
	}
	if len(lines) != 3 || !strings.HasPrefix(lines["mileage"], "1250 ") || !strings.HasSuffix(lines["parking"], " 4.50") || !strings.HasPrefix(lines["time"], "90 ") {
		t.Errorf("the invoice's lines are %v", lines)
	}
}

func ruleReasons(o *office) {
	t := o.t
	far := o.book("2020-06-19T10:00", 60)
	values := func() (out []string) {
		for _, r := range o.read("requestor", "/reasons?kind=cancel").items() {
			out = append(out, r["value"].(string))
		}
		return out
	}
	was := o.read("admin", "/settings").body["reasons"].(map[string]any)
	changed := maps.Clone(was)
	changed["cancel"] = []any{map[string]any{"value": "bail", "label": "Released on bail"}}
	o.as("admin").do("PUT", "/settings/agency", map[string]any{"reasons": changed})
	if got := values(); !slices.Equal(got, []string{"bail"}) {
		t.Errorf("the agency's list is %v", got)
	}
	problemIs(t, "a reason of the old list", o.try("requestor", far, "cancel", map[string]any{"authorisedBy": "Hale", "reason": "no-longer-needed"}), 422, "invalid", "body.reason")
	o.do("requestor", far, "cancel", map[string]any{"authorisedBy": "Hale", "reason": "bail"})
	if got := o.job("assigner", far)["ending"].(map[string]any)["reason"]; got != "bail" {
		t.Errorf("stored is %v", got)
	}
	o.as("admin").do("PUT", "/settings/agency", map[string]any{"reasons": was})
	o.do("requestor", o.book("2020-06-20T10:00", 60), "cancel", map[string]any{"authorisedBy": "Hale"}) // LiveLINK asks for none
	for _, kind := range []string{"unfulfilled", "unassign", "decline"} {
		if len(o.read("assigner", "/reasons?kind="+kind).items()) == 0 {
			t.Errorf("there are no reasons of kind %s", kind)
		}
	}
}

// ruleStatuses walks every status and outcome; happening now is told by the clock, not by a status.
func ruleStatuses(o *office) {
	t := o.t
	for i, outcome := range []string{"success", "not-fulfilled", "aborted", "client-no-show", "worker-no-show", "curtailed"} {
		day := fmt.Sprintf("2020-05-%02d", 1+i)
		o.clock("2020-03-02T09:00:00Z")
		ref := o.book(day+"T10:00", 60)
		if job := o.job("requestor", ref); job["status"] != "new" || job["outcome"] != nil || job["happeningNow"] != false {
			t.Errorf("booked: %v %v", job["status"], job["outcome"])
		}
		o.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
		o.clock(day + "T09:30:00Z") // 10:30 in London
		if job := o.job("requestor", ref); job["status"] != "assigned" || job["happeningNow"] != true || job["overdue"] != false {
			t.Errorf("D-02: while it runs it is %v, happening now %v", job["status"], job["happeningNow"])
		}
		o.clock(day + "T12:00:00Z")
		if job := o.job("requestor", ref); job["status"] != "assigned" || job["happeningNow"] != false || job["overdue"] != true {
			t.Errorf("D-02: afterwards it is %v, happening now %v, overdue %v", job["status"], job["happeningNow"], job["overdue"])
		}
		body := map[string]any{"outcome": outcome, "reason": "Noted."}
		if outcome == "success" || outcome == "curtailed" {
			body["start"], body["end"] = day+"T10:00", day+"T11:00"
		}
		r := o.do("assigner", ref, "close", body)
		if r.body["status"] != "complete" || r.body["outcome"] != outcome {
			t.Errorf("closed as %s: %s", outcome, r.raw)
		}
		if got, want := o.notes("requestor", ref)[0], ref+" changed from assigned to complete: "+strings.ReplaceAll(outcome, "-", " "); got != want {
			t.Errorf("noted as %q, want %q", got, want)
		}
		if completed := refsOf(o.read("requestor", "/jobs?list=completed&limit=500")); !slices.Contains(completed, ref) {
			t.Errorf("%s is not among the completed", outcome)
		}
		problemIs(t, "after the end", o.try("assigner", ref, "assign", map[string]any{"interpreter": benLIN}), 422, "wrong-status")
	}
	// D-01: labels are the agency's.
	o.as("admin").do("PUT", "/settings/agency", map[string]any{"statusLabels": map[string]any{"new": "Open"}})
	if got := o.read("admin", "/settings").body["statusLabels"].(map[string]any)["new"]; got != "Open" {
		t.Errorf("D-01: the label of new is %v", got)
	}
}

func ruleNotApplicable(o *office) {
	t := o.t
	body := remoteBooking("2020-05-10T10:00", 60)
	body["fields"].(map[string]any)["nonEnglishSpeaker"], body["fields"].(map[string]any)["invoiceReference"] = "n/a", "N/A"
	ref := refOf(o.as("requestor").do("POST", "/bookings", body))
	if got := o.fieldsOf("requestor", ref); got["nonEnglishSpeaker"] != "N/A" || got["invoiceReference"] != "N/A" {
		t.Errorf("it reads %v and %v", got["nonEnglishSpeaker"], got["invoiceReference"])
	}
	// Stored is that the question does not apply, not the text.
	created := o.read("auditor", "/jobs/"+ref+"/history").items()[0]["data"]
	if text := fmt.Sprint(created); !strings.Contains(text, "nonEnglishSpeaker:map[na:true]") || strings.Contains(text, "n/a") {
		t.Errorf("stored is %s", text)
	}
	if slices.Contains(refsOf(o.read("assigner", "/jobs?limit=500&filter[nonEnglishSpeaker]=n")), ref) {
		t.Error("the job is found by what does not apply")
	}
}

func ruleResponseTiers(o *office) {
	t := o.t
	for start, want := range map[string]string{ // the clock stands at 09:00
		"2020-03-02T11:59": "within-3h", "2020-03-02T12:00": "within-3h", "2020-03-02T12:01": "within-24h",
		"2020-03-03T09:00": "within-24h", "2020-03-03T09:01": "over-24h",
	} {
		ref := o.book(start, 60)
		if got := o.job("assigner", ref)["responseTier"]; got != want {
			t.Errorf("booked for %s it is %v, want %s", start, got, want)
		}
	}
}

// ruleCancelPolicy: how long before the start, and whether exactly that long still counts, is the agency's data.
func ruleCancelPolicy(o *office) {
	t := o.t
	ref := o.book("2020-06-22T10:00", 60) // 09:00 UTC
	may := func(at string) bool {
		t.Helper()
		o.clock(at)
		return slices.Contains(o.job("requestor", ref)["actions"].([]any), any("cancel"))
	}
	set := func(hours int, inclusive bool) {
		t.Helper()
		o.as("admin").do("PUT", "/settings/agency", map[string]any{"cancelHours": hours, "cancelInclusive": inclusive})
	}
	for _, c := range []struct {
		hours           int
		inclusive, edge bool
		day             string
	}{{72, false, false, "2020-06-19"}, {72, true, true, "2020-06-19"}, {24, false, false, "2020-06-21"}} {
		set(c.hours, c.inclusive)
		if got := may(c.day + "T09:00:00Z"); got != c.edge {
			t.Errorf("%d hours, inclusive %v: at the edge %v", c.hours, c.inclusive, got)
		}
		if got := may(c.day + "T08:59:59Z"); !got {
			t.Errorf("%d hours, inclusive %v: not a second before the edge", c.hours, c.inclusive)
		}
		if got := may(c.day + "T09:00:01Z"); got {
			t.Errorf("%d hours, inclusive %v: a second after the edge", c.hours, c.inclusive)
		}
	}
	set(72, false)
}

// ruleTiles: due is the service date in the month of the customer's zone, completed is when the outcome was recorded.
func ruleTiles(o *office) {
	t := o.t
	tiles := func() map[string]any { return o.read("requestor", "/dashboard").body["tiles"].(map[string]any) }
	o.clock("2020-08-10T09:00:00Z")
	was := tiles()
	thisMonth, edge := o.assigned("2020-08-31T10:00", 60), o.book("2020-08-31T23:30", 60)
	o.book("2020-09-01T00:30", 60) // due next month
	moved := o.book("2020-08-20T10:00", 60)
	o.do("assigner", moved, "change-eta", map[string]any{"eta": "2020-09-02T10:00", "agreedBy": "Bell"}) // due when it was agreed to be
	cancelled := o.book("2020-08-21T10:00", 60)
	o.do("assigner", cancelled, "cancel", map[string]any{"authorisedBy": "Hale"})
	grew := func(when string, fresh, due, completed float64) {
		t.Helper()
		now := tiles()
		for tile, want := range map[string]float64{"newThisMonth": fresh, "dueThisMonth": due, "completedThisMonth": completed} {
			if got := now[tile].(float64) - was[tile].(float64); got != want {
				t.Errorf("%s: %s grew by %v, want %v", when, tile, got, want)
			}
		}
	}
	grew("in August", 5, 2, 0)
	// The month ends at midnight in London, an hour before it ends in UTC.
	o.clock("2020-08-31T22:59:59Z")
	grew("a second before September", 5, 2, 0)
	o.clock("2020-08-31T23:00:00Z")
	if now := tiles(); now["newThisMonth"] != float64(0) || now["dueThisMonth"].(float64) < 2 {
		t.Errorf("in September the tiles are %v", now)
	}
	o.clock("2020-09-03T09:00:00Z")
	before := tiles()
	o.do("assigner", thisMonth, "close", map[string]any{"start": "2020-08-31T10:00", "end": "2020-08-31T11:00"})
	o.do("assigner", edge, "close", map[string]any{"reason": "no-interpreter"})
	after := tiles()
	if after["completedThisMonth"].(float64) != before["completedThisMonth"].(float64)+2 {
		t.Errorf("an August job completed in September: %v then %v", before, after)
	}
	if total := o.read("requestor", "/jobs?list=requiring-closure").body["total"]; after["requiringClosure"] != total {
		t.Errorf("requiring closure: tile %v, list %v", after["requiringClosure"], total)
	}
}

func ruleUnfulfilled(o *office) {
	t := o.t
	ref := o.book("2020-05-11T10:00", 60)
	problemIs(t, "while it lies ahead", o.try("assigner", ref, "close", map[string]any{"reason": "no-interpreter"}), 422, "wrong-status")
	o.clock("2020-05-11T12:00:00Z")
	if job := o.job("assigner", ref); job["status"] != "new" || job["overdue"] != true {
		t.Errorf("its time passed: %v, overdue %v", job["status"], job["overdue"])
	}
	problemIs(t, "as a success", o.try("assigner", ref, "close", map[string]any{"outcome": "success", "reason": "x"}), 422, "invalid")
	problemIs(t, "without a reason", o.try("assigner", ref, "close", map[string]any{}), 422, "invalid", "body.reason")
	problemIs(t, "by the customer", o.try("requestor", ref, "close", map[string]any{"reason": "x"}), 403, "not-permitted")
	o.do("assigner", ref, "close", map[string]any{"reason": "no-interpreter"})
	job := o.job("requestor", ref)
	if job["outcome"] != "not-fulfilled" || job["ending"].(map[string]any)["reason"] != "no-interpreter" {
		t.Errorf("it reads %v, %v", job["outcome"], job["ending"])
	}
	problemIs(t, "its draft", o.ask("finance", "/invoices/"+o.job("admin", ref)["id"].(string)), 404, "not-found")
	problemIs(t, "an invoice", o.send("finance", "POST", "/invoices", map[string]any{"customer": o.job("admin", ref)["customer"].(map[string]any)["id"], "jobs": []string{ref},
		"expectedTotal": map[string]any{"amount": "0.00", "currency": "GBP"}}), 422, "invalid", "body.jobs[0]")
}

// ruleNumbers: one sequence for all forms, the prefix is the form's, refused bookings take none, a number once given never comes again.
func ruleNumbers(o *office) {
	t := o.t
	set := func(next int) reply {
		return o.send("admin", "PUT", "/settings/numbering", map[string]any{"series": "job", "next": next})
	}
	if r := set(700000); r.status != http.StatusNoContent {
		t.Fatalf("set the next number: %d %s", r.status, r.raw)
	}
	if first := o.book("2020-05-12T10:00", 60); first != "DTP700000" {
		t.Errorf("the first is %s", first)
	}
	problemIs(t, "in the past", o.send("requestor", "POST", "/bookings", o.booking("2020-01-01T10:00", 60)), 422, "invalid")
	if second := o.bookRemote("2020-05-12T12:00", 60); second != "DTM700001" {
		t.Errorf("the second is %s", second)
	}
	r := o.as("requestor").do("POST", "/bookings", o.booking("2020-05-12T14:00", 60))
	if refOf(r) != "DTP700002" || r.body["bookingRef"] == refOf(r) || r.body["bookingRef"] == "" {
		t.Errorf("job %s of booking %v", refOf(r), r.body["bookingRef"])
	}
	problemIs(t, "a number once given", set(700001), 422, "number-given")
	problemIs(t, "another series", o.send("admin", "PUT", "/settings/numbering", map[string]any{"series": "bogus", "next": 1}), 422, "invalid", "body.series")
	set(800000)
	if next := o.book("2020-05-12T16:00", 60); next != "DTP800000" {
		t.Errorf("after the jump comes %s", next)
	}
}

func ruleSpeaker(o *office) {
	t := o.t
	customer := o.read("requestor", "/me").body["customer"].(string)
	policy := func(name string) {
		t.Helper()
		o.as("admin").do("PATCH", "/customers/"+customer, map[string]any{"settings": map[string]any{"speakerName": name}})
	}
	named := func(speaker string) reply {
		return o.send("requestor", "POST", "/bookings", o.booking("2020-05-13T10:00", 60, func(_, f map[string]any) { f["nonEnglishSpeaker"] = speaker }))
	}
	policy("initials")
	problemIs(t, "a name where initials are agreed", named("Jan Kowalski"), 422, "invalid", "body.fields.nonEnglishSpeaker")
	if r := named("J.K."); r.status != 201 {
		t.Errorf("initials: %d %s", r.status, r.raw)
	}
	policy("name")
	ref := refOf(named("Zbigniew Brzoza"))
	lists := func(user string) any {
		for _, i := range o.read(user, "/jobs?limit=500&filter[ref]="+ref).items() {
			return i["nonEnglishSpeaker"]
		}
		return "not listed"
	}
	for user, want := range map[string]any{"requestor": "Zbigniew Brzoza", "assigner": "Zbigniew Brzoza", "finance": nil} {
		if got := lists(user); got != want {
			t.Errorf("the list shows %s the name as %v, want %v", user, got, want)
		}
	}
	if got := lists("analyst"); got == "Zbigniew Brzoza" {
		t.Error("the list shows the analyst the name")
	}
	// Encrypted: the stored bytes do not hold it, its meaning does.
	created := o.read("auditor", "/jobs/"+ref+"/history").items()[0]
	if stored := fmt.Sprint(created["stored"]); strings.Contains(stored, "Brzoza") || !strings.Contains(stored, "$sealed") || !strings.Contains(fmt.Sprint(created["data"]), "Zbigniew Brzoza") {
		t.Error("the stored bytes are not sealed")
	}
}

func ruleAcceptedUnasked(o *office) {
	t := o.t
	ref := o.book("2020-05-14T10:00", 60)
	o.do("assigner", ref, "accept-offer", map[string]any{"interpreter": benLIN})
	want := []string{benLIN + " accepted job offer for " + ref, ref + " Created"}
	if got := o.notes("requestor", ref); !slices.Equal(got, want) {
		t.Errorf("notes are %q, want %q", got, want)
	}
	offer := o.job("assigner", ref)["offers"].([]any)[0].(map[string]any)
	if offer["state"] != "accepted" || offer["unasked"] != true {
		t.Errorf("the offer reads %v", offer)
	}
	problemIs(t, "by another interpreter", o.try("interpreter", ref, "accept-offer", map[string]any{}), 404, "not-found")
	o.do("assigner", ref, "assign", map[string]any{"interpreter": benLIN})
}

func rulePastETA(o *office) {
	t := o.t
	ref := o.assigned("2020-05-15T10:00", 60)
	o.do("assigner", ref, "change-eta", map[string]any{"eta": "2020-05-15T11:30", "agreedBy": "Sergeant Bell"})
	o.clock("2020-05-16T09:00:00Z")
	o.do("assigner", ref, "change-eta", map[string]any{"eta": "2020-05-15T12:00", "agreedBy": "Sergeant Bell"})
	items := o.read("requestor", "/jobs/"+ref+"/activity").items()
	for i, want := range []struct {
		note   string
		inPast any
	}{{ref + " ETA has changed to 15/05/2020 12:00:00", "true"}, {ref + " ETA has changed to 15/05/2020 11:30:00", nil}} {
		if params := items[i]["params"].(map[string]any); items[i]["note"] != want.note || params["inPast"] != want.inPast {
			t.Errorf("note %d is %q, in the past: %v", i, items[i]["note"], params["inPast"])
		}
	}
}
