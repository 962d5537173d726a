package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// rows is one demo for the rows of docs/coverage.md that no test of another subject checks: its API, visitors of its pages, and a customer that books
// by the standard form.
type rows struct {
	*office
	visitors map[string]*browser

	moor         string // the customer
	north, south string // two of its three clients, those of the user moor
	ward, clinic string // their locations
	west, depot  string // the third client and its location
	day          int    // the last day that was given away
}

// TestRows checks one or a few rows of docs/coverage.md in each subtest, which is named after them. All share one server and its clock.
func TestRows(t *testing.T) {
	t.Parallel()
	r := newRows(t)
	for _, row := range []struct {
		name  string
		check func(*rows)
	}{
		{"II01_II94_OnlyWhatWasPermitted", rowPermissions},
		{"II02_SignsInAsTheAgencyMadeIt", rowMadeByTheAgency},
		{"II03_II07_Passwords", rowPasswords},
		{"II05_II06_II21_II26_LL06_TheHeader", rowHeader},
		{"II08_II10_II11_MonthWeekAndDay", rowCalendarViews},
		{"II12_II13_II14_II33_ClientsAndLocations", rowPlaces},
		{"II16_II25_II76_II83_MenusOfActions", rowMenus},
		{"II18_LL07_FoundByReference", rowReference},
		{"II22_TabularViewOfTheCalendar", rowTabular},
		{"II27_TodayAndServices", rowToday},
		{"II28_II30_II31_II32_TheStandardForm", rowStandardForm},
		{"II29_StandardFormsMandatoryFields", rowStandardMandatory},
		{"II34_FilledFromTheProfile", rowProfile},
		{"II35_TheOnlyLocationIsPreset", rowOnlyLocation},
		{"II36_FixedTextStays", rowFixedText},
		{"II37_LanguagesOfTheAgency", rowLanguage},
		{"II39_II54_InterpretersRequested", rowTeam},
		{"II40_TheConsumerIsSealed", rowConsumer},
		{"ES20_RequestsAreConfirmed", rowRequests},
		{"II42_TwoFieldsOfNotes", rowTwoNotes},
		{"II43_LocalTimes", rowLocalTime},
		{"II44_LL29_HoursAndMinutes", rowDuration},
		{"II45_SavedAndShown", rowSaved},
		{"II46_LocationsByPermission", rowNewLocation},
		{"II47_AtTheAgencyAtOnce", rowAtTheAgency},
		{"II51_II53_II54_FollowUp", rowFollowUp},
		{"II56_II61_OneActionMakesTheSet", rowRecurring},
		{"II58_II59_DaysOfTheSet", rowRecurringDays},
		{"II60_TheFirstDayMovesTheOriginal", rowRecurringMoves},
		{"II52_II57_II65_LL68_ThreeRoutes", rowThreeRoutes},
		{"II51_II53_II63_LL111_LL112_FormsFilled", rowFilledForms},
		{"II55_II64_TheRecurringTab", rowRecurringTab},
		{"II58_II59_II60_II61_II62_TheDialog", rowRepeatDialog},
		{"II57_II58_II62_ByKeyboard", rowRepeatByKeyboard},
		{"II63_II64_Duplicate", rowDuplicate},
		{"LL111_LL112_DuplicatesOfLiveLINK", rowDuplicateLiveLINK},
		{"II66_II67_FollowedUntilAssigned", rowFollowed},
		{"II69_LL107_Edited", rowEdited},
		{"II70_TheWindowToEdit", rowEditWindow},
		{"II71_TheWindowToBook", rowCreateWindow},
		{"II72_LockOnAssignment", rowLock},
		{"II12_II74_SiblingsOutOfSight", rowSiblingsOutOfSight},
		{"II82_D06_TheWindowToCancel", rowCancelSpan},
		{"M06_D06_PoliciesAndHolidays", rowPolicies},
		{"II73_AboveTheCalendarSpreads", rowSpreads},
		{"II74_InOrBelowAsksForItsScope", rowScope},
		{"N06_D10_SetsPreviewedAndUndone", rowSets},
		{"N06_D10_SetsInThePortal", rowSetsPages},
		{"N06_D10_SetsByKeyboard", rowSetsBrowser},
		{"II84_TheStandardFormNeedsAReason", rowReasonNeeded},
		{"LL05_WhomToAsk", rowContact},
		{"LL14_LL15_BeforeTheChoice", rowChooser},
		{"LL16_NoCourt", rowNoCourt},
		{"LL17_LL18_SectionsAndTheirMarks", rowSections},
		{"LL19_LL20_Addresses", rowAddresses},
		{"LL21_LL22_LL23_LL24_LL31_LL36_FaceToFaceMandatoryFields", rowFaceToFaceMandatory},
		{"LL25_LL26_LL28_LL30_LL32_LL50_Optional", rowOptional},
		{"LL28_BeyondTheFlexibility", rowFlexibility},
		{"LL27_TheRequestedTime", rowRequestedTime},
		{"LL37_FilledForWhoBooks", rowFilled},
		{"LL40_LINsOfEarlierJobs", rowEarlierLIN},
		{"LL48_LL49_LL52_LL56_RemoteMandatoryFields", rowRemoteMandatory},
		{"LL51_Platforms", rowPlatforms},
		{"LL55_CustodyOfRemoteJobs", rowRemoteCustody},
		{"LL57_IfRelevantOfRemoteJobs", rowRemoteRelevant},
		{"LL60_LL61_DueWithinThreeHours", rowWithinThreeHours},
		{"LL62_LL63_DueWithinADay", rowWithinADay},
		{"LL64_DueLater", rowDueLater},
		{"LL69_LL75_ActionsAndNotes", rowActions},
		{"LL73_TheTierOfWhenItWasBooked", rowTier},
		{"LL122_TheFirstRow", rowFirstRow},
		{"LL130_Suspended", rowSuspended},
		{"II30_HelpOfTheAgency", rowHelp},
		{"II36_TextOfTheAgency", rowFixedByTheAgency},
		{"II41_AReferenceOfOneCustomer", rowReferenceOfOneCustomer},
		{"II29_RequiredWhen", rowRequiredWhen},
		{"LL14_LL15_FormsAreData", rowFormsAreData},
		{"LL14_D19_OldJobsKeepTheirVersion", rowOldVersions},
		{"II09_II15_II16_II33_LL118_InABrowser", rowBrowser},
	} {
		t.Run(row.name, func(t *testing.T) {
			r.in(t)
			r.clock("2020-03-02T09:00:00Z")
			row.check(r)
		})
	}
}

func newRows(t *testing.T) *rows {
	t.Helper()
	r := &rows{office: newOffice(t), visitors: map[string]*browser{}}
	admin := r.as("admin")
	made := func(path string, body map[string]any) string {
		return admin.do("POST", path, body).body["id"].(string)
	}
	r.moor = made("/customers", map[string]any{"name": "Moor Trust", "timeZone": "Europe/London",
		"settings": map[string]any{"forms": []string{"standard"}, "billTo": "Moor Trust, Ledger"}})
	client := func(name string) string { return made("/clients", map[string]any{"customer": r.moor, "name": name}) }
	r.north, r.south = client("North"), client("South")
	place := func(client, name string) string {
		return made("/locations", map[string]any{"customer": r.moor, "client": client, "name": name,
			"address": map[string]any{"line1": "1 " + name + " Road", "town": "Leeds", "postcode": "LS1 1AA"}})
	}
	r.ward, r.clinic = place(r.north, "Ward"), place(r.south, "Clinic")
	r.west = client("West")
	r.depot = place(r.west, "Depot")
	for name, more := range map[string]map[string]any{
		"moor":      {"permissions": []string{"create", "edit", "cancel", "close", "edit-locations"}, "clients": []string{r.north, r.south}},
		"moor-bare": {"permissions": []string{"create"}},
		"moor-ward": {"permissions": []string{"create"}, "locations": []string{r.ward}},
	} {
		body := map[string]any{"username": name, "name": "Mo Lee", "email": name + "@moor.example", "role": "requestor", "customer": r.moor}
		for k, v := range more {
			body[k] = v
		}
		_, r.people[name] = newcomer(t, admin, body)
	}
	return r
}

// in makes t the test that people and visitors report to.
func (r *rows) in(t *testing.T) {
	r.office.in(t)
	for _, b := range r.visitors {
		b.t = t
	}
}

// visit is a user's browser without script.
func (r *rows) visit(user string) *browser {
	r.t.Helper()
	if r.visitors[user] == nil {
		r.visitors[user] = browse(r.t, r.base, user)
	}
	return r.visitors[user]
}

// sees is a page as a user sees it, at a moment at which the read models know everything.
func (r *rows) sees(user, path, at string) *page {
	r.t.Helper()
	r.clock(at)
	return r.visit(user).see(path)
}

// standard is a complete booking of the standard form.
func (r *rows) standard(start string, minutes int, change ...func(body, fields map[string]any)) map[string]any {
	body := map[string]any{"form": "standard", "client": r.north, "location": r.ward, "language": "pl", "serviceType": "face-to-face",
		"start": start, "duration": map[string]any{"hours": minutes / 60, "minutes": minutes % 60},
		"fields": map[string]any{"requestedBy": "Mo Lee", "notificationEmail": "mo@moor.example", "consumer": "Jan Kowalski"}}
	for _, c := range change {
		c(body, body["fields"].(map[string]any))
	}
	return body
}

// bookStandard books by the standard form as its user moor and answers the references.
func (r *rows) bookStandard(start string, minutes int, change ...func(body, fields map[string]any)) (refs []string) {
	r.t.Helper()
	for _, job := range r.as("moor").do("POST", "/bookings", r.standard(start, minutes, change...)).body["jobs"].([]any) {
		refs = append(refs, job.(map[string]any)["ref"].(string))
	}
	return refs
}

// without checks that a booking which lacks one of these is refused for it alone, and that nothing is written.
func (r *rows) without(user string, booking func() map[string]any, keys ...string) {
	r.t.Helper()
	before := r.read(user, "/jobs?limit=1").body["total"]
	for _, key := range keys {
		body, at := booking(), "body."+key
		delete(body, key)
		if fields := body["fields"].(map[string]any); fields[key] != nil {
			delete(fields, key)
			at = "body.fields." + key
		}
		faults := []string{at}
		if key == "duration" {
			faults = []string{at + ".hours", at + ".minutes"}
		}
		problemIs(r.t, "without "+key, r.send(user, "POST", "/bookings", body), 422, "invalid", faults...)
	}
	if after := r.read(user, "/jobs?limit=1").body["total"]; after != before {
		r.t.Errorf("refused bookings made %v jobs of %v", after, before)
	}
	if got := r.send(user, "POST", "/bookings", booking()); got.status != http.StatusCreated {
		r.t.Errorf("with all of them: %d %s", got.status, got.raw)
	}
}

func rowPermissions(r *rows) {
	t := r.t
	if !slices.Contains(r.visit("requestor").see("/").links(), "/invoices") || slices.Contains(r.visit("moor-bare").see("/").links(), "/invoices") {
		t.Error("the menu of invoices is not with those alone who may read them")
	}
	r.read("requestor", "/invoices")
	problemIs(t, "invoices", r.ask("moor-bare", "/invoices"), 403, "not-permitted")
	ref := refOf(r.as("moor-bare").do("POST", "/bookings", r.standard("2020-04-01T10:00", 60)))
	problemIs(t, "an edit", r.try("moor-bare", ref, "edit", map[string]any{"fields": map[string]any{"jobDetails": "X"}, "scope": "this"}), 403, "not-permitted")
	problemIs(t, "a cancellation", r.try("moor-bare", ref, "cancel", map[string]any{"reason": "other"}), 403, "not-permitted")
	problemIs(t, "hours", r.try("moor-bare", ref, "submit-timesheet", blocksOf("2020-04-01T10:00", "2020-04-01T11:00")), 403, "not-permitted")
	page := r.sees("moor-bare", "/jobs/"+ref, "2020-03-02T09:00:00Z")
	lacks(t, page, "/edit\"", "/cancel\"", "Edit job details")
	wants(t, r.visit("moor").see("/jobs/"+ref), "Edit job details", "Cancel job")
}

func rowMadeByTheAgency(r *rows) {
	t := r.t
	id := r.as("admin").do("POST", "/users", map[string]any{"username": "made", "name": "Mia Made", "email": "made@moor.example", "role": "requestor", "customer": r.moor,
		"password": "issued by the admin"}).body["id"]
	in := r.signIn("made", "issued by the admin")
	if user, _ := in.body["user"].(map[string]any); in.status != http.StatusCreated || user["id"] != id || user["customer"] != r.moor {
		t.Errorf("signed in: %d %s", in.status, in.raw)
	}
}

// rowTeam: each interpreter is a job of its own number; the booking's number is shared.
func rowTeam(r *rows) {
	t := r.t
	if one := r.bookStandard("2020-04-02T10:00", 60); len(one) != 1 {
		t.Errorf("without a number there are %v", one)
	}
	team := r.bookStandard("2020-04-02T10:00", 60, func(b, _ map[string]any) { b["interpretersRequested"] = 3 })
	bookings := map[any]bool{}
	for _, ref := range team {
		job := r.job("moor", ref)
		bookings[job["bookingRef"]] = true
		if related := objectsOf(job["related"]); len(related) != 2 {
			t.Errorf("%s is related to %v", ref, related)
		}
	}
	if len(slices.Compact(slices.Sorted(slices.Values(team)))) != 3 || len(bookings) != 1 {
		t.Errorf("three interpreters are the jobs %v of the bookings %v", team, bookings)
	}
	problemIs(t, "none", r.send("moor", "POST", "/bookings", r.standard("2020-04-02T10:00", 60, func(b, _ map[string]any) { b["interpretersRequested"] = 0 })), 422, "invalid", "body.interpretersRequested")
}

func rowStandardMandatory(r *rows) {
	r.without("moor", func() map[string]any { return r.standard("2020-04-03T10:00", 60) },
		"requestedBy", "notificationEmail", "location", "language", "serviceType", "start", "duration")
}

func rowFaceToFaceMandatory(r *rows) {
	// The booking has no reference of the customer's own, which is optional here (LL-21).
	r.without("requestor", func() map[string]any { return r.booking("2020-04-03T10:00", 60) }, "offenceCategory", "assignmentType", "language", "nonEnglishSpeaker",
		"reportTo", "requestingOfficer", "telephone", "officerInCase", "primaryEmail", "collarNumber", "officerPhone", "secondaryEmail")
}

func rowRemoteMandatory(r *rows) {
	t := r.t
	r.without("requestor", func() map[string]any { return remoteBooking("2020-04-03T10:00", 60) }, "billTo",
		"invoiceReference", "language", "start", "duration", "nonEnglishSpeaker", "reasonForBooking", "platform", "assignedNotes",
		"requestingOfficer", "telephone", "officerInCase", "primaryEmail", "collarNumber", "officerPhone", "secondaryEmail")
	body := remoteBooking("2020-04-03T12:00", 60)
	body["fields"].(map[string]any)["assignedNotes"] = "I shall ring you."
	if got := r.send("requestor", "POST", "/bookings", body); got.status != 201 || !slices.Equal(warningsOf(got), []string{"no-joining-details"}) {
		t.Errorf("LL-52: without a link: %d %s", got.status, got.raw)
	}
	// Nobody travels: no service address is asked for, and none is taken (LL-48).
	for _, f := range objectsOf(r.read("requestor", "/forms/remote").body["fields"]) {
		if f["key"] == "location" {
			t.Errorf("the form asks for %v", f)
		}
	}
	body = remoteBooking("2020-04-03T14:00", 60)
	body["address"] = map[string]any{"line1": "1 High St", "town": "Leeds", "postcode": "LS1 4AP"}
	problemIs(t, "with an address", r.send("requestor", "POST", "/bookings", body), 422, "invalid", "body.address")
}

func rowFixedText(r *rows) {
	t := r.t
	made := r.send("moor", "POST", "/bookings", r.standard("2020-04-04T10:00", 60, func(_, f map[string]any) { f["specialInstructions"] = "Mine." }))
	if made.status != http.StatusCreated {
		t.Fatalf("booked: %d %s", made.status, made.raw)
	}
	if got := r.fieldsOf("moor", refOf(made))["specialInstructions"]; got == "Mine." {
		t.Errorf("the agency's text became %v", got)
	}
	form := r.visit("moor").see(r.visit("moor").get("/book/standard").location())
	if len(form.named("fields.specialInstructions")) != 0 {
		t.Error("the form asks for the agency's text")
	}
}

func rowLanguage(r *rows) {
	t := r.t
	for _, code := range []string{"xx", "klingon", "PL PL", "en-nonsense"} {
		problemIs(t, code, r.send("requestor", "POST", "/bookings", r.booking("2020-04-04T10:00", 60, func(b, _ map[string]any) { b["language"] = code })), 422, "invalid", "body.language")
	}
}

func rowConsumer(r *rows) {
	t := r.t
	ref := r.bookStandard("2020-04-05T10:00", 60, func(_, f map[string]any) { f["consumer"] = "Zbigniew Brzoza" })[0]
	if got := r.fieldsOf("moor", ref)["consumer"]; got != "Zbigniew Brzoza" {
		t.Errorf("the consumer reads %v", got)
	}
	created := r.read("auditor", "/jobs/"+ref+"/history").items()[0]
	if stored := fmt.Sprint(created["stored"]); strings.Contains(stored, "Brzoza") || !strings.Contains(stored, "$sealed") {
		t.Error("the stored bytes hold the consumer's name")
	}
}

func rowTwoNotes(r *rows) {
	ref := r.bookStandard("2020-04-05T12:00", 60, func(_, f map[string]any) { f["appointmentNotes"], f["jobDetails"] = "Second floor.", "Bring a form." })[0]
	if got := r.fieldsOf("moor", ref); got["appointmentNotes"] != "Second floor." || got["jobDetails"] != "Bring a form." {
		r.t.Errorf("the notes read %v", got)
	}
}

// rowLocalTime: the time is the location's; the hour that the clocks leave out is refused, the one that they repeat needs its offset.
func rowLocalTime(r *rows) {
	t := r.t
	at := func(start string) reply { return r.send("requestor", "POST", "/bookings", r.booking(start, 60)) }
	problemIs(t, "an hour that there is not", at("2020-03-29T01:30"), 422, "nonexistent-local-time", "body.start")
	problemIs(t, "an hour that there is twice", at("2020-10-25T01:30"), 422, "doubled-local-time", "body.start")
	for start, want := range map[string]string{"2020-03-29T00:30": "2020-03-29T00:30:00Z", "2020-03-29T02:30": "2020-03-29T02:30:00+01:00"} {
		made := at(start)
		if made.status != http.StatusCreated {
			t.Fatalf("%s: %d %s", start, made.status, made.raw)
		}
		if job := r.job("requestor", refOf(made)); job["start"] != want || job["timeZone"] != "Europe/London" {
			t.Errorf("%s is booked as %v in %v, want %s", start, job["start"], job["timeZone"], want)
		}
	}
}

func rowDuration(r *rows) {
	t := r.t
	with := func(duration map[string]any) reply {
		return r.send("moor", "POST", "/bookings", r.standard("2020-04-06T10:00", 60, func(b, _ map[string]any) { b["duration"] = duration }))
	}
	for what, duration := range map[string]map[string]any{"no minutes": {"hours": 1}, "no hours": {"minutes": 30}, "nothing at all": {"hours": 0, "minutes": 0}} {
		got := with(duration)
		problemIs(t, what, got, 422, "invalid")
		if faults := faultsOf(got); len(faults) == 0 || !strings.HasPrefix(faults[0], "body.duration") {
			t.Errorf("%s: at fault are %q", what, faults)
		}
	}
	for _, duration := range []map[string]any{{"hours": 1, "minutes": 0}, {"hours": 0, "minutes": 20}} {
		if got := with(duration); got.status != http.StatusCreated {
			t.Errorf("%v: %d %s", duration, got.status, got.raw)
		}
	}
	problemIs(t, "nothing at all, face to face", r.send("requestor", "POST", "/bookings", r.booking("2020-04-06T10:00", 0)), 422, "invalid")
	b := r.visit("requestor")
	if form := b.see(b.get("/book/face-to-face").location()); form.value("duration.hours") != "1" || form.value("duration.minutes") != "0" {
		t.Errorf("LL-29: preset are %s:%s", form.value("duration.hours"), form.value("duration.minutes"))
	}
	b = r.visit("moor")
	if form := b.see(b.get("/book/standard").location()); form.value("duration.hours") != "" || form.value("duration.minutes") != "" {
		t.Errorf("II-44: preset are %s:%s", form.value("duration.hours"), form.value("duration.minutes"))
	}
}

func rowAtTheAgency(r *rows) {
	t := r.t
	ref := r.bookStandard("2020-04-07T10:00", 60)[0]
	for _, item := range r.read("assigner", "/jobs?list=unassigned&limit=500").items() {
		if item["ref"] == ref {
			if item["status"] != "new" {
				t.Errorf("it is %v", item["status"])
			}
			return
		}
	}
	t.Error("the agency's unassigned jobs do not have it")
}

// rowSpreads: what stands above the calendar changes every related job that lies ahead, whether a scope is sent or not.
func rowSpreads(r *rows) {
	t := r.t
	team := r.bookStandard("2020-04-08T10:00", 60, func(b, _ map[string]any) { b["interpretersRequested"] = 5 })
	r.do("assigner", team[1], "assign", map[string]any{"interpreter": anaLIN})
	r.do("assigner", team[4], "cancel", map[string]any{"reason": "other", "scope": "this"})
	r.do("moor", team[0], "edit", map[string]any{"fields": map[string]any{"consumer": "Ola Lis"}})
	for i, ref := range team {
		want := "Ola Lis"
		if i == 4 { // it was cancelled before
			want = "Jan Kowalski"
		}
		if got := r.fieldsOf("moor", ref)["consumer"]; got != want {
			t.Errorf("job %d has the consumer %v, want %s", i, got, want)
		}
	}
}

func rowScope(r *rows) {
	t := r.t
	team := r.bookStandard("2020-04-09T10:00", 60, func(b, _ map[string]any) { b["interpretersRequested"] = 3 })
	longer := map[string]any{"duration": map[string]any{"hours": 2, "minutes": 0}}
	no := r.try("moor", team[0], "edit", longer)
	problemIs(t, "without a scope", no, 422, "scope-required")
	if got := fmt.Sprint(no.body["choices"]); got != "[this following all]" {
		t.Errorf("the choices are %s", got)
	}
	problemIs(t, "what stands below it", r.try("moor", team[0], "edit", map[string]any{"fields": map[string]any{"jobDetails": "X"}}), 422, "scope-required")
	minutes := func(want ...float64) {
		t.Helper()
		for i, ref := range team {
			if got := r.job("moor", ref)["durationMinutes"]; got != want[i] {
				t.Errorf("job %d lasts %v minutes, want %v", i, got, want[i])
			}
		}
	}
	r.do("moor", team[2], "edit", map[string]any{"start": "2020-04-10T10:00", "scope": "this"})
	if start := r.job("moor", team[0])["start"]; start != "2020-04-09T10:00:00+01:00" {
		t.Errorf("the first job moved to %v", start)
	}
	longer["scope"] = "following"
	r.do("moor", team[0], "edit", longer)
	minutes(120, 60, 120) // the second one does not begin later
	longer["scope"], longer["duration"] = "all", map[string]any{"hours": 0, "minutes": 45}
	r.do("moor", team[2], "edit", longer)
	minutes(45, 45, 45)
}

func rowReasonNeeded(r *rows) {
	t := r.t
	ref := r.bookStandard("2020-04-11T10:00", 60)[0]
	problemIs(t, "without a reason", r.try("moor", ref, "cancel", map[string]any{}), 422, "invalid", "body.reason")
	r.do("moor", ref, "cancel", map[string]any{"reason": "other"})
}

func rowNoCourt(r *rows) {
	t := r.t
	problemIs(t, "a court", r.send("requestor", "POST", "/bookings", r.booking("2020-04-12T10:00", 60, func(_, f map[string]any) { f["assignmentType"] = "court" })), 422, "invalid", "body.fields.assignmentType")
	form := r.read("requestor", "/forms/face-to-face").body
	for _, f := range objectsOf(form["fields"]) {
		for _, option := range objectsOf(f["options"]) {
			if f["key"] == "assignmentType" && strings.Contains(strings.ToLower(fmt.Sprint(option["value"], option["label"])), "court") {
				t.Errorf("the form offers %v", option)
			}
		}
	}
	wants(t, r.visit("requestor").see("/book"), "Court bookings are not taken here.", "please contact the court")
}

func rowAddresses(r *rows) {
	t := r.t
	with := func(change func(body map[string]any)) reply {
		return r.send("requestor", "POST", "/bookings", r.booking("2020-04-13T10:00", 60, func(b, _ map[string]any) { change(b) }))
	}
	problemIs(t, "another customer's", with(func(b map[string]any) { b["location"] = r.ward }), 422, "invalid", "body.location")
	problemIs(t, "neither chosen nor typed", with(func(b map[string]any) { delete(b, "location") }), 422, "invalid", "body.location")
	problemIs(t, "typed in part", with(func(b map[string]any) {
		delete(b, "location")
		b["address"] = map[string]any{"line1": "1 Pier Road"}
	}), 422, "invalid", "body.address.postcode", "body.address.town")
	made := with(func(b map[string]any) {
		delete(b, "location")
		b["address"] = map[string]any{"line1": "1 Pier Road", "town": "Whitby", "postcode": "YO21 3PU"}
	})
	ref := refOf(made)
	r.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
	if address, _ := r.job("interpreter", ref)["address"].(map[string]any); address["line1"] != "1 Pier Road" || address["town"] != "Whitby" || address["postcode"] != "YO21 3PU" {
		t.Errorf("the interpreter is sent to %v", address)
	}
	b := r.visit("requestor") // and on the page it is Other that one chooses
	form := b.see(b.get("/book/face-to-face").location())
	if !strings.Contains(textOf(form.named("location")[0]), "Other") {
		t.Error("the list of addresses has no Other")
	}
}

// rowOptional: what may be left out is stored as given; a preferred gender excludes nobody.
func rowOptional(r *rows) {
	t := r.t
	plain := r.bookRemote("2020-04-14T10:00", 60)
	got := r.fieldsOf("requestor", plain)
	for _, key := range []string{"flexibility", "remoteOption", "instructions"} {
		if got[key] != nil {
			t.Errorf("%s, which was left out, is %v", key, got[key])
		}
	}
	if got := r.fieldsOf("requestor", r.book("2020-04-14T10:00", 60)); got["skills"] != "spoken-only" || got["gender"] != "no-preference" {
		t.Errorf("untouched are the skills %v and the gender %v", got["skills"], got["gender"])
	}
	flexible := ""
	for _, f := range objectsOf(r.read("requestor", "/forms/face-to-face").body["fields"]) {
		if f["key"] == "flexibility" {
			flexible = objectsOf(f["options"])[0]["value"].(string)
		}
	}
	values := map[string]any{"flexibility": flexible, "remoteOption": "remote-acceptable", "gender": "male", "skills": "spoken-and-written"}
	ref := r.book("2020-04-15T10:00", 60, func(b, f map[string]any) {
		b["alternativeLanguages"] = []string{"uk"}
		for k, v := range values {
			f[k] = v
		}
	})
	job := r.job("requestor", ref)
	for k, want := range values {
		if got := job["fields"].(map[string]any)[k]; got != want {
			t.Errorf("%s is %v, want %v", k, got, want)
		}
	}
	if fmt.Sprint(job["alternativeLanguages"]) != "[uk]" {
		t.Errorf("alternative languages are %v", job["alternativeLanguages"])
	}
	r.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN, benLIN}}) // whatever their gender
}

func rowRequestedTime(r *rows) {
	t := r.t
	for _, start := range []string{"2020-03-02T09:00", "2020-03-02T08:59", "2019-12-01T10:00"} {
		problemIs(t, start, r.send("requestor", "POST", "/bookings", r.booking(start, 60)), 422, "invalid", "body.start")
	}
	ref := r.book("2020-11-05T14:30", 60)
	wants(t, r.sees("requestor", "/jobs/"+ref, "2020-03-02T09:00:00Z"), "Date and time required 05/11/2020 14:30")
}

func rowEarlierLIN(r *rows) {
	t := r.t
	ref := r.assigned("2020-04-16T05:00", 60)
	r.clock("2020-04-16T12:00:00Z")
	r.do("requestor", ref, "submit-timesheet", blocksOf("2020-04-16T05:00", "2020-04-16T06:00"))
	r.do("interpreter", ref, "accept-timesheet", map[string]any{})
	lin := r.job("requestor", ref)["linguist"].(map[string]any)["lin"].(string)
	if lin != anaLIN {
		t.Fatalf("the completed job shows the LIN %s", lin)
	}
	next := r.book("2020-04-18T10:00", 60, func(_, f map[string]any) { f["preferredInterpreter"] = lin })
	if got := r.fieldsOf("assigner", next)["preferredInterpreter"]; got != anaLIN {
		t.Errorf("preferred is %v", got)
	}
	for _, no := range []string{"Ana Nowak", "5455/5J71Y", "LIN/5455", "LIN/5455/5J71", "LIN/545/5J71Y", "LIN/5455/5J71YZ"} {
		body := r.booking("2020-04-18T12:00", 60, func(_, f map[string]any) { f["preferredInterpreter"] = no })
		problemIs(t, no, r.send("requestor", "POST", "/bookings", body), 422, "invalid", "body.fields.preferredInterpreter")
	}
}

func rowPlatforms(r *rows) {
	t := r.t
	with := func(platform string) reply {
		body := remoteBooking("2020-04-19T10:00", 60)
		body["fields"].(map[string]any)["platform"] = platform
		return r.send("requestor", "POST", "/bookings", body)
	}
	problemIs(t, "a platform of one's own", with("Carrier pigeon"), 422, "invalid", "body.fields.platform")
	for _, f := range objectsOf(r.read("requestor", "/forms/remote").body["fields"]) {
		if f["key"] != "platform" {
			continue
		}
		var labels []string
		for _, option := range objectsOf(f["options"]) {
			labels = append(labels, option["label"].(string))
			if got := with(option["value"].(string)); got.status != http.StatusCreated {
				t.Errorf("%v: %d %s", option, got.status, got.raw)
			}
		}
		for _, want := range []string{"MS Teams", "Skype", "Google Meet", "Attend Anywhere"} {
			if !slices.Contains(labels, want) {
				t.Errorf("the platforms %q lack %s", labels, want)
			}
		}
		return
	}
	t.Error("the form has no platform")
}

func rowRemoteCustody(r *rows) {
	t := r.t
	with := func(reference, clock string) reply {
		body := remoteBooking("2020-04-20T10:00", 60)
		body["fields"].(map[string]any)["custodyReference"], body["fields"].(map[string]any)["custodyClock"] = reference, clock
		return r.send("requestor", "POST", "/bookings", body)
	}
	problemIs(t, "a reference without a clock", with("CUST-1", ""), 422, "invalid", "body.fields.custodyClock")
	problemIs(t, "a clock without a reference", with("", "2020-04-20T22:00"), 422, "invalid", "body.fields.custodyReference")
	if got := with("", ""); got.status != 201 {
		t.Errorf("both empty: %d %s", got.status, got.raw)
	}
	if got := with("CUST-1", "2020-03-02T08:59"); got.status != 201 || !slices.Equal(warningsOf(got), []string{"custody-clock-passed"}) {
		t.Errorf("a clock run out: %d %s", got.status, got.raw)
	}
}

func rowRemoteRelevant(r *rows) {
	var keys []string
	for _, f := range objectsOf(r.read("requestor", "/forms/remote").body["fields"]) {
		if f["section"] == "relevant" {
			keys = append(keys, f["key"].(string))
		}
	}
	if !slices.Equal(keys, []string{"preferredInterpreter", "agencyNotes", "precludedInterpreter"}) {
		r.t.Errorf("the section has %q", keys)
	}
}

func rowTier(r *rows) {
	t := r.t
	before := r.book("2020-04-21T10:00", 60)
	was := r.read("admin", "/settings").body["languages"].([]any)
	changed := make([]any, len(was))
	for i, l := range was {
		language := map[string]any{}
		for k, v := range l.(map[string]any) {
			language[k] = v
		}
		if language["code"] == "pl" {
			language["tier"] = "Rare"
		}
		changed[i] = language
	}
	r.as("admin").do("PUT", "/settings/agency", map[string]any{"languages": changed})
	after := r.book("2020-04-21T12:00", 60)
	for ref, want := range map[string]string{before: "Common", after: "Rare"} {
		if got := r.job("requestor", ref)["languageTier"]; got != want {
			t.Errorf("%s has the tier %v, want %s", ref, got, want)
		}
	}
	wants(t, r.sees("requestor", "/jobs/"+after, "2020-03-02T09:00:00Z"), "Tier Rare")
	r.as("admin").do("PUT", "/settings/agency", map[string]any{"languages": was})
}

func rowSuspended(r *rows) {
	t := r.t
	ref, has, over := r.book("2020-04-22T10:00", 60), r.book("2020-04-21T10:00", 60), r.book("2020-03-02T09:30", 60)
	flags := func(user, ref string) string { return fmt.Sprint(objectsOf(r.job(user, ref)["flags"])) }
	for _, mine := range []string{has, over} {
		r.do("assigner", mine, "assign", map[string]any{"interpreter": benLIN})
	}
	r.clock("2020-03-02T11:00:00Z")
	r.as("assigner").do("POST", "/interpreters/"+idOf(benLIN)+"/suspend", map[string]any{"reason": "A complaint is looked into."})
	if got := objectsOf(r.job("assigner", has)["flags"]); len(got) != 1 || got[0]["kind"] != "interpreter-suspended" || got[0]["since"] != "2020-03-02T11:00:00Z" {
		t.Errorf("a job that the interpreter has is flagged as %v", got)
	}
	for _, item := range r.read("assigner", "/jobs?interpreter="+url.QueryEscape(benLIN)).items() {
		if flagged := len(objectsOf(item["flags"])) == 1; flagged != (item["ref"] == has) && (item["ref"] == has || item["ref"] == over) {
			t.Errorf("in the list job %v is flagged as %v", item["ref"], item["flags"])
		}
	}
	if got := flags("requestor", has); got != "[]" {
		t.Errorf("the customer reads %s", got)
	}
	if page := r.visit("assigner").see("/jobs/" + has).words(); !strings.Contains(page, "The interpreter who has this job is suspended") {
		t.Errorf("the job's page: %s", page)
	}
	problemIs(t, "an offer", r.try("assigner", ref, "send-offer", map[string]any{"interpreters": []string{benLIN}}), 422, "suspended")
	problemIs(t, "an assignment", r.try("assigner", ref, "assign", map[string]any{"interpreter": benLIN}), 422, "suspended")
	r.as("assigner").do("POST", "/interpreters/"+idOf(benLIN)+"/reinstate", map[string]any{})
	if got := flags("assigner", has); got != "[]" {
		t.Errorf("reinstated, and the job is flagged as %s", got)
	}
	r.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{benLIN}})
}

// rowActions: in each status each action that somebody is offered succeeds and leaves a note, each other one is refused, or is done already, and leaves
// none.
func rowActions(r *rows) {
	t := r.t
	people := []string{"requestor", "assigner", "interpreter"}
	start := func() string {
		r.day++
		return fmt.Sprintf("2022-%02d-%02d", 1+r.day/28, 1+r.day%28)
	}
	for _, state := range []string{"offered", "assigned", "over", "ongoing", "complete", "cancelled"} {
		make := func() (ref, day string) { // a job in this state, on a day of its own
			r.clock("2020-03-02T09:00:00Z")
			day = start()
			ref = r.book(day+"T10:00", 60)
			r.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN}})
			if state == "cancelled" {
				r.do("assigner", ref, "cancel", map[string]any{"authorisedBy": "Hale"})
			}
			if state == "offered" || state == "cancelled" {
				return ref, day
			}
			r.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
			if state == "assigned" {
				return ref, day
			}
			r.clock(day + "T18:00:00Z")
			if state == "over" {
				return ref, day
			}
			r.do("requestor", ref, "submit-timesheet", blocksOf(day+"T10:00", day+"T11:00"))
			if state == "complete" {
				r.do("interpreter", ref, "accept-timesheet", map[string]any{})
			}
			return ref, day
		}
		shared, day := make()
		var late string // how far the clock goes for this state
		if state == "over" || state == "ongoing" || state == "complete" {
			late = day + "T18:00:00Z"
		}
		for _, who := range people {
			if late != "" {
				r.clock(late)
			}
			offered := r.job(who, shared)["actions"].([]any)
			for _, command := range commandsOfAJob {
				if slices.Contains(offered, any(command)) {
					ref, day := make()
					before := len(r.notes("assigner", ref))
					got := r.try(who, ref, command, bodyOf(command, who, state, day))
					if got.status != http.StatusOK && got.status != http.StatusCreated {
						t.Errorf("%s: %s is offered to %s and refused: %d %s", state, command, who, got.status, got.raw)
					} else if madeFrom[command] {
						if made := refOf(got); r.notes("assigner", made)[0] != made+" Created" { // LL-79, on the job that it made
							t.Errorf("%s: %s by %s made %s, whose notes are %q", state, command, who, made, r.notes("assigner", made))
						}
					} else if after := len(r.notes("assigner", ref)); after <= before {
						t.Errorf("%s: %s by %s left no note", state, command, who)
					}
					if late != "" {
						r.clock(late)
					}
					continue
				}
				// What is so already is answered as done and changes nothing; everything else is refused.
				before, revision := len(r.notes("assigner", shared)), r.job("assigner", shared)["revision"]
				if got := r.try(who, shared, command, bodyOf(command, who, state, day)); got.status >= 500 || got.status < 400 && got.body["revision"] != revision {
					t.Errorf("%s: %s is not offered to %s and answers %d %s", state, command, who, got.status, got.raw)
				}
				if after := len(r.notes("assigner", shared)); after != before {
					t.Errorf("%s: %s, refused to %s, left a note", state, command, who)
				}
			}
		}
	}
}

// commandsOfAJob are the commands of the contract that are built.
var commandsOfAJob = []string{"confirm", "take", "release", "send-offer", "revoke-offer", "accept-offer", "decline-offer", "assign", "unassign", "propose-eta", "agree-eta", "decline-eta",
	"change-eta", "submit-timesheet", "accept-timesheet", "dispute-timesheet", "close", "cancel", "edit", "duplicate", "follow-up",
	"make-recurring", "post-message", "log-contact"}

// madeFrom are those that make jobs and leave the job itself as it is.
var madeFrom = map[string]bool{"duplicate": true, "follow-up": true, "make-recurring": true}

// bodyOf is a complete body of a command by somebody on a job in one of the states above.
func bodyOf(command, who, state, day string) map[string]any {
	body := map[string]any{}
	switch command {
	case "send-offer":
		body["interpreters"] = []string{benLIN}
	case "revoke-offer", "assign":
		body["interpreter"] = anaLIN
	case "accept-offer", "decline-offer":
		if who == "assigner" {
			body["interpreter"] = anaLIN
		}
	case "unassign":
		body["interpreter"], body["reason"] = anaLIN, "Ill."
	case "propose-eta":
		body["eta"] = day + "T10:30"
		if state == "over" {
			body["eta"] = day + "T20:00"
		}
	case "change-eta":
		body["eta"], body["agreedBy"] = day+"T10:30", "Sergeant Bell"
	case "submit-timesheet":
		body = blocksOf(day+"T10:00", day+"T11:00")
		if who == "assigner" {
			body["onBehalfOf"] = "customer"
		}
	case "accept-timesheet", "dispute-timesheet":
		if who == "assigner" {
			body["onBehalfOf"] = "interpreter"
		}
		if command == "dispute-timesheet" {
			body["reason"] = "I stayed."
		}
	case "close":
		body["start"], body["end"] = day+"T10:00", day+"T11:00"
		if state == "offered" {
			body = map[string]any{"reason": "no-interpreter"}
		}
	case "cancel":
		body["authorisedBy"] = "Inspector Hale"
	case "edit":
		body["fields"] = map[string]any{"reportTo": "The side door " + who}
	case "duplicate", "follow-up":
		body = another("2023-05-02T10:00")
	case "make-recurring":
		body = map[string]any{"frequency": "monthly", "occurrences": 1}
	case "post-message":
		body["text"] = "Any parking?"
	case "log-contact":
		body["kind"], body["text"] = "call", "Rang the desk."
	}
	return body
}
