package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// rowThreeRoutes: the menu of the calendar and that of the tabular view are the part that is fetched from a job's actions; the third is the job's page.
func rowThreeRoutes(r *rows) {
	t := r.t
	ref := r.bookStandard("2021-11-08T10:00", 60)[0]
	commands := []string{"follow-up", "make-recurring", "duplicate"}
	for _, path := range []string{"/calendar?view=day&date=2021-11-08", "/jobs?filter[ref]=" + ref} {
		p := r.sees("moor", path, "2021-10-01T09:00:00Z")
		if first(p.byID("content"), func(n *html.Node) bool { return attr(n, "data-actions") == "/jobs/"+ref+"/actions" }) == nil {
			t.Errorf("%s has no menu of the actions of %s", path, ref)
		}
	}
	menu, page := r.visit("moor").see("/jobs/"+ref+"/actions?part=menu"), r.visit("moor").see("/jobs/"+ref)
	for _, command := range commands {
		to := "/jobs/" + ref + "/" + command
		if !slices.Contains(menu.links(), to) || !slices.Contains(page.links(), to) {
			t.Errorf("%s is not in the menu %q or not on the page", command, menu.links())
		}
		if form := r.visit("moor").see(to); form.byID(map[string]string{"make-recurring": "repeat"}[command]) == nil && form.byID(command) == nil {
			t.Errorf("%s has no form", to)
		}
	}
	wants(t, page, "Duplicate job", "Create Follow-up", "Make Recurring", "Duplicate", "Recurring")
}

// rowFilledForms: the forms of a follow-up and of a duplicate come filled with what stands above the calendar; what was typed is never lost.
func rowFilledForms(r *rows) {
	t := r.t
	ref := r.bookStandard("2020-05-04T10:00", 60, func(_, f map[string]any) { f["jobDetails"], f["additionalReferences"] = "Bring the file.", "PO 19" })[0]
	r.clock("2020-03-02T09:00:00Z")
	b := r.visit("moor")
	form := b.see("/jobs/" + ref + "/follow-up")
	for name, want := range map[string]string{"language": "pl", "location": r.ward, "fields.consumer": "Jan Kowalski", "fields.additionalReferences": "PO 19",
		"start": "", "duration.hours": "", "duration.minutes": "", "fields.jobDetails": ""} {
		if got := form.value(name); got != want {
			t.Errorf("%s is filled with %q, want %q", name, got, want)
		}
	}
	no := b.submit(form, "follow-up", map[string][]string{"start": {"2020-05-11T10:00"}, "fields.additionalReferences": {"PO 20"}})
	if no.status != 422 || no.value("start") != "2020-05-11T10:00" || no.value("fields.additionalReferences") != "PO 20" || !strings.Contains(no.words(), "Duration, hours") {
		t.Errorf("without a duration: %d %s", no.status, no.words())
	}
	answer := b.submit(no, "follow-up", map[string][]string{"duration.hours": {"1"}, "duration.minutes": {"30"}})
	done(b, answer, "follow-up")
	next := strings.TrimPrefix(strings.Split(answer.location(), "?")[0], "/jobs/")
	r.sameAbove("moor", ref, next, "additionalReferences")
	if job := r.job("moor", next); job["madeFrom"] != ref || job["durationMinutes"] != 90.0 || r.fieldsOf("moor", next)["additionalReferences"] != "PO 20" {
		t.Errorf("the follow-up is %v", job)
	}
	if again := b.submit(no, "follow-up", map[string][]string{"duration.hours": {"1"}, "duration.minutes": {"30"}}); again.status != 303 || len(r.relatedTo("moor", ref)) != 1 {
		t.Errorf("pressed twice: %d, %v", again.status, r.relatedTo("moor", ref))
	}

	form = b.see("/jobs/" + ref + "/duplicate")
	answer = b.submit(form, "duplicate", map[string][]string{"start": {"2020-05-12T10:00"}, "duration.hours": {"2"}, "duration.minutes": {"0"}, "language": {"uk"}})
	done(b, answer, "duplicate")
	copied := strings.TrimPrefix(strings.Split(answer.location(), "?")[0], "/jobs/")
	if job := r.job("moor", copied); job["language"] != "uk" || job["bookingRef"] == r.job("moor", ref)["bookingRef"] || r.job("moor", ref)["language"] != "pl" {
		t.Errorf("II-63: the duplicate is %v", job)
	}

	// A form that copies neither language nor address: what comes filled by the form is sent, what is typed is too.
	c := r.customerOf("copying")
	r.defines("copying", "standard", func(form map[string]any) {
		for _, key := range []string{"language", "location"} {
			fieldOf(t, form, key)["copied"] = false
		}
		fieldOf(t, form, "language")["default"] = "uk"
		form["addressLocked"] = true
	})
	r.uses(c, "copying")
	own := refOf(r.as(c.user).do("POST", "/bookings", c.order("copying", "2020-05-06T10:00", nil)))
	r.clock("2020-03-02T09:00:00Z")
	b = r.visit(c.user)
	form = b.see("/jobs/" + own + "/follow-up")
	if form.value("language") != "uk" || form.value("location") == c.location {
		t.Errorf("the follow-up is filled with %q at %q", form.value("language"), form.value("location"))
	}
	schedule := map[string][]string{"start": {"2020-05-14T10:00"}, "duration.hours": {"1"}, "duration.minutes": {"0"}}
	no = b.submit(form, "follow-up", schedule)
	refused(t, no, http.StatusUnprocessableEntity)
	done(b, b.submit(no, "follow-up", map[string][]string{"location": {c.location}}), "follow-up")
	form = b.see("/jobs/" + own + "/duplicate")
	if answer = b.submit(form, "duplicate", schedule); answer.status != http.StatusSeeOther {
		t.Fatalf("LL-112: of a form that locks the address and does not copy it: %d %s", answer.status, answer.words())
	}
	done(b, answer, "duplicate")
	if job := r.job(c.user, strings.TrimPrefix(strings.Split(answer.location(), "?")[0], "/jobs/")); job["language"] != "uk" || job["address1"] != "1 High Street" {
		t.Errorf("LL-112: the duplicate is %v", job)
	}

	// Of LiveLINK: the address is shown, not asked for, the interpreter who had it preferred.
	police := r.book("2020-05-05T10:00", 60)
	r.do("assigner", police, "assign", map[string]any{"interpreter": benLIN})
	r.clock("2020-03-02T09:00:00Z")
	b = r.visit("requestor")
	form = b.see("/jobs/" + police + "/duplicate")
	if len(form.named("location")) != 0 || form.value("fields.preferredInterpreter") != benLIN || form.value("duration.hours") != "1" {
		t.Errorf("LL-111, LL-112: %s", form.words())
	}
	answer = b.submit(form, "duplicate", map[string][]string{"start": {"2020-05-13T10:00"}})
	done(b, answer, "duplicate")
	if got := strings.TrimPrefix(strings.Split(answer.location(), "?")[0], "/jobs/"); r.fieldsOf("requestor", got)["preferredInterpreter"] != benLIN {
		t.Errorf("LL-111: it is booked as %v", r.fieldsOf("requestor", got))
	}
}

// setOf are the jobs that the Recurring page of a job lists.
func (r *rows) setOf(user, ref string) (refs []string) {
	r.t.Helper()
	table := r.sees(user, "/jobs/"+ref+"/recurring", "2020-03-02T09:00:00Z").byID("set-jobs")
	if table == nil {
		r.t.Fatalf("%s has no list", ref)
	}
	for _, row := range every(table, func(n *html.Node) bool { return attr(n, "data-href") != "" }) {
		refs = append(refs, strings.TrimPrefix(attr(row, "data-href"), "/jobs/"))
	}
	return refs
}

func rowRecurringTab(r *rows) {
	t := r.t
	ref := r.bookStandard("2020-05-06T10:00", 60)[0]
	set := madeIn(r.do("moor", ref, "make-recurring", map[string]any{"frequency": "weekly", "occurrences": 2}))
	next := refOf(r.do("moor", set[1], "follow-up", another("2020-05-08T10:00")))
	want := []string{ref, next, set[0], set[1]} // by start
	for _, of := range want {
		if got := r.setOf("moor", of); !slices.Equal(got, want) {
			t.Errorf("II-55: the list of %s is %v, want %v", of, got, want)
		}
	}
	alone := refOf(r.do("moor", ref, "duplicate", another("2020-05-09T10:00")))
	if got := r.setOf("moor", alone); !slices.Equal(got, []string{alone}) {
		t.Errorf("II-64: the list of the duplicate is %v", got)
	}
	if !slices.Contains(r.visit("moor").see("/jobs/"+ref).links(), "/jobs/"+ref+"/recurring") {
		t.Error("the job's page does not lead to it")
	}
}

// rowRepeatDialog: without script. The dates are shown on demand, the original's move is warned of, and the set is made once.
func rowRepeatDialog(r *rows) {
	t := r.t
	ref := r.bookStandard("2020-05-18T10:00", 60)[0]
	r.clock("2020-03-02T09:00:00Z")
	b := r.visit("moor")
	form := b.see("/jobs/" + ref + "/make-recurring")
	if form.heading() != "Repeat Job" || form.value("startsOn") != "2020-05-18" {
		t.Errorf("II-60: %s, from %s", form.heading(), form.value("startsOn"))
	}
	wants(t, form, "25/05/2020 10:00", "15/06/2020 10:00", "4 jobs will be made.")
	show := func(p *page, changes map[string][]string) *page {
		t.Helper()
		values, _ := formValues(p.byID("repeat"))
		for name, v := range changes {
			values[name] = v
		}
		values.Set("show", "1")
		shown := b.post("/jobs/"+ref+"/make-recurring", values)
		if shown.status != 200 {
			t.Fatalf("show: %d %s", shown.status, shown.words())
		}
		return shown
	}
	shown := show(form, map[string][]string{"weekdays": {"tue", "thu"}, "occurrences": {"3"}, "startsOn": {"2020-05-19"}})
	wants(t, shown, "moves from 18/05/2020 10:00 to 19/05/2020 10:00", "21/05/2020 10:00", "26/05/2020 10:00", "28/05/2020 10:00", "3 jobs will be made.")
	if r.job("moor", ref)["start"] != "2020-05-18T10:00:00+01:00" || len(r.relatedTo("moor", ref)) != 0 {
		t.Error("showing the dates did something")
	}
	no := b.submit(shown, "repeat", nil)
	if no.status != 422 || no.value("startsOn") != "2020-05-19" || no.byID("repeat-acknowledged-fault") == nil {
		t.Errorf("not acknowledged: %d %s", no.status, no.words())
	}
	left := show(no, map[string][]string{"except": {"2020-05-26"}})
	wants(t, left, "2 jobs will be made.")
	yes := map[string][]string{"acknowledged": {"moves-original"}}
	done(b, b.submit(left, "repeat", yes), "make-recurring")
	if again := b.submit(left, "repeat", yes); again.status != 303 && again.status != 412 {
		t.Errorf("II-62: pressed twice: %d %s", again.status, again.words())
	}
	if got := r.startsOf("moor", append([]string{ref}, r.relatedTo("moor", ref)...)); !slices.Equal(got,
		[]string{"2020-05-19T10:00:00+01:00", "2020-05-21T10:00:00+01:00", "2020-05-28T10:00:00+01:00"}) {
		t.Errorf("the set begins %v", got)
	}
	// What cannot be is named, and can be left out; what is wrong stands beside its input.
	night := r.bookStandard("2020-03-28T01:30", 60)[0]
	r.clock("2020-03-02T09:00:00Z")
	form = b.see("/jobs/" + night + "/make-recurring")
	ref = night
	shown = show(form, map[string][]string{"frequency": {"daily"}, "occurrences": {"2"}})
	wants(t, shown, "29/03/2020 not possible on this day", "30/03/2020 01:30")
	wants(t, show(shown, map[string][]string{"except": {"2020-03-29"}}), "One job will be made.")
	wrong := b.submit(form, "repeat", map[string][]string{"occurrences": {"0"}, "interval": {"x"}})
	if wrong.status != 422 || wrong.value("interval") != "x" {
		t.Errorf("%d %s", wrong.status, wrong.words())
	}
	wants(t, wrong, "At least 1.", "From 1 to 99.")
}

// rowRepeatByKeyboard: in a browser, by the keyboard alone; the dates follow what is typed.
func rowRepeatByKeyboard(r *rows) {
	t := r.t
	ref := r.bookStandard("2020-05-20T10:00", 60)[0]
	r.clock("2020-03-02T09:00:00Z")
	b := newTab(t, r.base, screen{})
	b.signIn("moor")
	b.open("/jobs/" + ref)
	b.tabTo("summary", "More actions ▾")
	b.key("Enter")
	b.tabTo("link", "Make Recurring")
	b.leads(func() { b.key("Enter") })
	b.await("the dates are there", `document.querySelectorAll('.repeat-days li').length === 4`)
	b.tabTo("spinbutton", "Number of jobs added to this one")
	b.key("Backspace")
	b.types("2")
	b.await("the dates follow", `document.querySelectorAll('.repeat-days li').length === 2 && document.getElementById('repeat-now').innerText.includes('2 jobs will be made.')`)
	var at string
	b.eval(`document.activeElement.id`, &at)
	if at != "repeat-occurrences" {
		t.Errorf("the focus went to %q while the dates were fetched", at)
	}
	b.tabTo("checkbox", "Leave out 27/05/2020")
	b.key("Space")
	b.await("one is left out", `document.getElementById('repeat-now').innerText.includes('One job will be made.')`)
	b.tabTo("button", "Make Recurring")
	b.leads(func() { b.key("Enter") })
	b.await("the set is shown", `document.getElementById('set-jobs')`)
	if got, want := b.path(), "/jobs/"+ref+"/recurring"; !strings.HasPrefix(got, want) {
		t.Errorf("it leads to %s, want %s", got, want)
	}
	related := r.relatedTo("moor", ref)
	if got := r.startsOf("moor", related); fmt.Sprint(got) != "[2020-06-03T10:00:00+01:00]" {
		t.Errorf("it made %v", got)
	}
	// A double click makes the set once (II-62).
	b.open("/jobs/" + ref + "/make-recurring")
	b.await("the dates are there", `document.querySelectorAll('.repeat-days li').length === 4`)
	b.leads(func() {
		b.eval(`{ const button = document.querySelector('#repeat .btn-primary'); button.click(); button.click() }`, nil)
	})
	b.await("the set is shown", `document.getElementById('set-jobs')`)
	r.clock("2020-03-02T09:00:00Z")
	if got := len(r.relatedTo("moor", ref)); got != 5 {
		t.Errorf("II-62: after a double click there are %d related jobs, want 5", got)
	}
}
