package main

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestSettingsPages: an admin changes each part, what is wrong comes back as typed, and what two people change at once is not lost; an
// auditor reads, others do not.
func TestSettingsPages(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	admin, auditor := d.as("admin"), d.as("auditor")
	all := admin.see("/settings")
	wants(t, all, "Dragoman Language Services", "while more than 72 hours remain before the start", "holds the job; an assigner assigns it", "until the job begins", "No longer needed", "This job does not have a linguist assigned to it.")
	wants(t, auditor.see("/settings"), "Dragoman Language Services")
	lacks(t, auditor.see("/settings"), "/settings/agency", "/settings/numbering")

	section := func(name string, changes map[string][]string) *page {
		t.Helper()
		return admin.submit(admin.see("/settings/"+name), "set", changes)
	}
	no := section("agency", map[string][]string{"name": {""}, "currency": {"pounds"}, "contact.email": {"nobody"}, "contact.telephone": {"0161 496 0123"}})
	summary := textOf(refused(t, no, http.StatusUnprocessableEntity))
	if !strings.Contains(summary, "This field is required.") || !strings.Contains(summary, "Send a currency such as GBP.") || no.value("contact.telephone") != "0161 496 0123" {
		t.Errorf("a faulty agency: %s", summary)
	}
	wants(t, done(admin, admin.submit(no, "set", map[string][]string{"name": {"Aire Interpreting"}, "currency": {"GBP"}, "contact.email": {"desk@aire.example"}}), "change-settings"),
		"Aire Interpreting", "desk@aire.example", "0161 496 0123")
	refused(t, section("policies", map[string][]string{"offerHours": {"three"}}), http.StatusUnprocessableEntity)
	wants(t, done(admin, section("policies", map[string][]string{"autoAssign": {"yes"}, "offerHours": {"4"}}), "change-settings"), "assigns the job", "for 4 hours")
	wants(t, done(admin, section("texts", map[string][]string{"texts.no-linguist": {"Nobody yet.\r\nSoon."}}), "change-settings"), "Nobody yet.", "We are currently issuing job offers")
	wants(t, done(admin, section("labels", map[string][]string{"statusLabels.new": {"open"}}), "change-settings"), "new open")
	wants(t, d.as("requestor").see("/jobs"), "open")
	wants(t, done(admin, section("labels", map[string][]string{"statusLabels.new": {""}}), "change-settings"), "new the same word")

	// Reasons: renamed, taken away and added; a value stays with its reason.
	form := admin.see("/settings/reasons")
	labels := func(p *page) []string { v, _ := formValues(p.byID("set")); return v["reasons.decline.label"] }
	was := labels(form)
	next := slices.Clone(was)
	next[0], next[1], next[len(was)-3] = "Busy", "", "Too early in the day"
	stale := admin.see("/settings/reasons")
	renamed := map[string][]string{"reasons.decline.label": next}
	done(admin, admin.submit(form, "set", renamed), "change-settings")
	done(admin, admin.submit(form, "set", renamed), "change-settings") // pressed twice, it is done once
	reasons := signIn(t, d.base, "admin").get("/reasons?kind=decline", d.customer).items()
	if reasons[0]["label"] != "Busy" || reasons[0]["value"] != "not-available" || slices.ContainsFunc(reasons, func(r map[string]any) bool { return r["label"] == was[1] }) ||
		!slices.ContainsFunc(reasons, func(r map[string]any) bool { return r["value"] == "too-early-in-the-day" }) {
		t.Errorf("reasons are now %v", reasons)
	}
	typed := slices.Clone(was)
	typed[0] = "Somewhere else"
	lost := admin.submit(stale, "set", map[string][]string{"reasons.decline.label": typed})
	if text := textOf(refused(t, lost, http.StatusPreconditionFailed)); !strings.Contains(text, "Adele Munroe (admin), 20/03/2020 09:00") {
		t.Errorf("who changed the reasons meanwhile is not said: %s", text)
	}
	if labels(lost)[0] != "Somewhere else" {
		t.Error("what was typed is lost")
	}
	done(admin, admin.submit(lost, "set", nil), "change-settings") // now it is decided on what stands

	// Languages.
	found := admin.submit(admin.see("/settings/languages"), "filters", map[string][]string{"q": {"poli"}})
	wants(t, found, "Polish", "1 of 61 languages")
	lacks(t, found, "Portuguese")
	twice := admin.submit(admin.see("/settings/add-language"), "language", map[string][]string{"code": {"PL"}, "name": {"Polish again"}})
	refused(t, twice, http.StatusUnprocessableEntity)
	bad := admin.submit(twice, "language", map[string][]string{"code": {"not a code"}})
	refused(t, bad, http.StatusUnprocessableEntity)
	if bad.value("name") != "Polish again" {
		t.Error("what was typed is lost")
	}
	nepal := map[string][]string{"code": {"new"}, "name": {"Nepal Bhasa"}, "tier": {"Rare"}}
	wants(t, done(admin, admin.submit(bad, "language", nepal), "add-language"), "Nepal Bhasa", "62 of 62")
	done(admin, admin.submit(bad, "language", nepal), "add-language") // pressed twice, it is done once
	one := admin.see("/settings/languages/new")
	wants(t, done(admin, admin.submit(one, "language", map[string][]string{"tier": {"Standard"}}), "change-language"), "Nepal Bhasa new Standard")
	second, third := admin.see("/settings/languages/new"), admin.see("/settings/languages/new")
	done(admin, admin.submit(admin.see("/settings/languages/new"), "language", map[string][]string{"tier": {"Common"}}), "change-language")
	wants(t, done(admin, admin.submit(second, "language", map[string][]string{"name": {"Newari"}}), "change-language"), "Newari new Common")
	clash := admin.submit(third, "language", map[string][]string{"name": {"Newar"}})
	text := textOf(refused(t, clash, http.StatusPreconditionFailed))
	if !strings.Contains(text, "Adele Munroe (admin), 20/03/2020 09:00") || !strings.Contains(text, "Newari") || clash.value("name") != "Newar" || clash.value("tier") != "Common" {
		t.Errorf("two named a language: told %q, the form holds %q and %q", text, clash.value("name"), clash.value("tier"))
	}
	wants(t, done(admin, admin.submit(clash, "language", nil), "change-language"), "Newar new Common")
	none := done(admin, admin.submit(admin.see("/settings/languages/new"), "language", map[string][]string{"tier": {""}}), "change-language")
	lacks(t, none, "Newar new Common")
	if same := admin.see("/settings/languages/new"); same.value("tier") != "" {
		t.Errorf("a language without a tier is shown with %q", same.value("tier"))
	}
	lacks(t, done(admin, admin.submit(one, "remove", nil), "remove-language"), "Newar")
	if p := admin.submit(one, "language", nil); p.status != http.StatusNotFound || p.byID("language") != nil {
		t.Errorf("a language that is gone is changed: %d %s", p.status, p.words())
	}
	if p := admin.get("/settings/languages/new"); p.status != http.StatusNotFound {
		t.Errorf("a language that is gone: %d", p.status)
	}

	// Numbering: only up, and only by who is sure.
	number := admin.see("/settings/numbering")
	unsure := admin.submit(number, "numbering", map[string][]string{"next": {"500000"}})
	refused(t, unsure, http.StatusUnprocessableEntity)
	if unsure.value("next") != "500000" {
		t.Error("what was typed is lost")
	}
	wants(t, admin.submit(number, "numbering", map[string][]string{"next": {"7"}, "sure": {"yes"}}), "Numbers below")
	done(admin, admin.submit(unsure, "numbering", map[string][]string{"sure": {"yes"}}), "set-numbering")
	if ref := d.book("2020-03-26T14:00", 60, nil); ref != "DTP500000" {
		t.Errorf("the next job is %s", ref)
	}

	for _, path := range []string{"/settings/agency", "/settings/reasons", "/settings/add-language", "/settings/numbering"} {
		for _, who := range []string{"auditor", "assigner", "requestor"} {
			if p := d.as(who).get(path); p.status != http.StatusForbidden {
				t.Errorf("%s opens %s: %d", who, path, p.status)
			}
			if p := d.as(who).post(path, url.Values{"name": {"Mine"}, "next": {"900000"}, "sure": {"yes"}, "series": {"job"}, "key": {"k"}}); p.status != http.StatusForbidden {
				t.Errorf("%s posts %s: %d", who, path, p.status)
			}
		}
	}
	if p := d.as("assigner").get("/settings"); p.status != http.StatusForbidden {
		t.Errorf("an assigner opens /settings: %d", p.status)
	}
	if p := admin.get("/settings/nothing"); p.status != http.StatusNotFound {
		t.Errorf("a section that there is not: %d", p.status)
	}
}

// TestII19_II20_NoticesPage: an assigner posts notices and a splash; whom they concern sees them; who works on an older list does not take a newer one away (II-19, II-20).
func TestII19_II20_NoticesPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	staff, admin := d.as("assigner"), d.as("admin")
	empty := staff.see("/notices")
	police := d.customer.get("/me").body["customer"].(string)
	no := staff.submit(empty, "notices", map[string][]string{"splash": {"Fire drill at noon."}, "notices.text": {"Invoices come by mail.", "Closed on Monday."},
		"notices.customer": {police, ""}, "notices.from": {"", ""}, "notices.until": {"2020-03-31", "2020-13-01"}})
	refused(t, no, http.StatusUnprocessableEntity)
	values, _ := formValues(no.byID("notices"))
	if values.Get("splash") != "Fire drill at noon." || values["notices.text"][1] != "Closed on Monday." || values["notices.customer"][0] != police {
		t.Errorf("what was typed is lost: %v", values)
	}
	other := admin.see("/notices")
	posted := map[string][]string{"notices.until": {"2020-03-31", "2020-03-21", "", ""}}
	done(staff, staff.submit(no, "notices", posted), "post-notices")
	done(staff, staff.submit(no, "notices", posted), "post-notices") // pressed twice, it is done once
	for who, want := range map[string][2]bool{"requestor": {true, true}, "requestor2": {false, true}, "interpreter": {false, true}} {
		home := d.as(who).see("/")
		if strings.Contains(home.text, "Invoices come by mail.") != want[0] || strings.Contains(home.text, "Closed on Monday.") != want[1] || !strings.Contains(home.text, "Fire drill") {
			t.Errorf("%s sees %s", who, home.words())
		}
	}
	late := admin.submit(other, "notices", map[string][]string{"notices.text": {"Mine alone.", ""}})
	if text := textOf(refused(t, late, http.StatusPreconditionFailed)); !strings.Contains(text, "Asha Grant (assigner), 20/03/2020 09:00") || late.value("notices.text") != "Mine alone." {
		t.Errorf("told %q, what was typed became %q", text, late.value("notices.text"))
	}
	if got := staff.see("/notices"); got.value("notices.text") != "Invoices come by mail." {
		t.Errorf("the newer list is gone: %s", got.words())
	}
	d.customer.clock("22/03/2020 09:00")
	wants(t, staff.see("/notices"), "Its last day is over.")
	again := staff.see("/notices")
	done(staff, staff.submit(again, "notices", map[string][]string{"splash": {""}, "notices.text": {"", "", "", ""}}), "post-notices")
	lacks(t, d.as("requestor").see("/"), "Fire drill", "Invoices come by mail.")
	for _, who := range []string{"requestor", "interpreter", "finance", "auditor"} {
		if p := d.as(who).get("/notices"); p.status != http.StatusForbidden {
			t.Errorf("%s opens /notices: %d", who, p.status)
		}
		if p := d.as(who).post("/notices", url.Values{"splash": {"Mine"}, "key": {"k"}}); p.status != http.StatusForbidden {
			t.Errorf("%s posts notices: %d", who, p.status)
		}
	}
}

// TestStatusPage: every read model with its health and generation; an admin has one rebuilt while the page tells how it fares.
func TestStatusPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	admin := d.as("admin")
	shown := admin.see("/status")
	for _, model := range []string{"access", "activity", "calendar", "dashboard", "diary", "invoices", "jobs", "messages", "people", "refs", "settings", "timers"} {
		if shown.byID("rebuild-"+model) == nil {
			t.Errorf("%s cannot be rebuilt", model)
		}
	}
	wants(t, shown, "running", "up to date", "holds", "ends an interpreter's acceptances", "erasures", "destroys the keys")
	lacks(t, d.as("auditor").see("/status"), "/rebuild")
	if p := admin.submit(shown, "rebuild-invoices", nil); p.status != http.StatusSeeOther || p.location() != "/status" {
		t.Fatalf("rebuild: %d %s", p.status, p.location())
	}
	limit := time.Now().Add(time.Minute)
	for now := admin.see("/status"); !strings.Contains(now.words(), "rebuilt in"); now = admin.see("/status") {
		if time.Now().After(limit) {
			t.Fatalf("it is not rebuilt: %s", now.words())
		}
		time.Sleep(20 * time.Millisecond) // the page is asked again, as its reader would
	}
	for _, m := range signIn(t, d.base, "admin").get("/status").items() {
		if want := 1.0; m["model"] == "invoices" && m["generation"] != want+1 || m["model"] == "jobs" && m["generation"] != want {
			t.Errorf("generation of %v is %v", m["model"], m["generation"])
		}
	}
	auditor := signIn(t, d.base, "auditor")
	soon(t, "the reactions run and have nothing left to handle", func() bool {
		reactions := auditor.get("/status").body["reactions"].([]any)
		return len(reactions) > 0 && !slices.ContainsFunc(reactions, func(r any) bool {
			s := r.(map[string]any)
			return s["health"] != "running" || s["lagEvents"] != 0.0 || s["position"] == ""
		})
	})
	if p := admin.post("/status/nothing/rebuild", url.Values{}); p.status != http.StatusNotFound {
		t.Errorf("a model that there is not: %d", p.status)
	}
	for who, status := range map[string]int{"auditor": http.StatusForbidden, "assigner": http.StatusForbidden, "requestor": http.StatusForbidden} {
		if p := d.as(who).post("/status/invoices/rebuild", url.Values{}); p.status != status {
			t.Errorf("%s rebuilds: %d", who, p.status)
		}
	}
	if p := d.as("requestor").get("/status"); p.status != http.StatusForbidden {
		t.Errorf("a requestor opens /status: %d", p.status)
	}
}

// TestSettingsAheadOfTheReadModel: a form that another process filled from settings which are not read here yet undoes nothing of them. It is shown again
// with what was typed, and sent again it is done.
func TestSettingsAheadOfTheReadModel(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	admin := browse(t, d.start("demo", "--small").base, "admin")
	form := admin.see("/settings/agency")
	let := d.hold("settings", "agency")
	if p := admin.submit(form, "set", map[string][]string{"contact.telephone": {"0161 496 0123"}}); p.status != http.StatusSeeOther {
		t.Fatalf("a telephone: %d %s", p.status, p.words())
	}
	before, err := url.ParseQuery(form.value("before"))
	if err != nil {
		t.Fatal(err)
	}
	before.Set("contact.telephone", "0161 496 0123")
	seen, err := strconv.Atoi(form.value("revision"))
	if err != nil {
		t.Fatal(err)
	}
	early := admin.submit(form, "set", map[string][]string{"key": {"as another process fills it"}, "revision": {strconv.Itoa(seen + 1)}, "before": {before.Encode()},
		"contact.telephone": {"0161 496 0123"}, "contact.email": {"desk@aire.example"}})
	refused(t, early, http.StatusPreconditionFailed)
	let()
	wants(t, done(admin, admin.submit(early, "set", nil), "change-settings"), "desk@aire.example", "0161 496 0123")
}
