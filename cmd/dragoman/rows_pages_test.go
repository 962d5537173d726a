package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/chromedp/chromedp"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// menuCalled are where the links of the header's menu with this name lead, by their texts.
func menuCalled(p *page, name string) map[string]string {
	found := map[string]string{}
	for _, menu := range every(p.doc, func(n *html.Node) bool { return n.DataAtom == atom.Details && attr(n, "class") == "menu" }) {
		summary := first(menu, func(n *html.Node) bool { return n.DataAtom == atom.Summary })
		if within(menu, atom.Header) == nil || !strings.HasPrefix(textOf(summary), name) {
			continue
		}
		for _, a := range every(menu, func(n *html.Node) bool { return n.DataAtom == atom.A }) {
			found[textOf(a)] = attr(a, "href")
		}
	}
	return found
}

// agenda are the references of the jobs that a calendar's page shows, in order.
func agenda(p *page) (refs []string) {
	for _, a := range every(p.byID("cal-agenda"), func(n *html.Node) bool { return n.DataAtom == atom.A && attr(n, "class") == "fw-bold" }) {
		refs = append(refs, textOf(a))
	}
	return refs
}

// options are the values of a control's choices but the empty one, by their texts.
func options(p *page, id string) map[string]string {
	found := map[string]string{}
	for _, o := range every(p.byID(id), func(n *html.Node) bool { return n.DataAtom == atom.Option && attr(n, "value") != "" }) {
		found[textOf(o)] = attr(o, "value")
	}
	return found
}

// form is a booking form as it comes.
func (r *rows) form(user, form string) *page {
	r.t.Helper()
	b := r.visit(user)
	return b.see(b.get("/book/" + form).location())
}

func rowPasswords(r *rows) {
	t := r.t
	r.as("admin").do("POST", "/users", map[string]any{"username": "fresh", "name": "Fee Fresh", "email": "fresh@moor.example", "role": "requestor", "customer": r.moor,
		"permissions": []string{"create"}, "password": "issued by the admin"})
	signIn := func(password string) (*browser, *page) {
		b := stranger(t, r.base)
		return b, b.post("/sign-in", url.Values{"username": {"fresh"}, "password": {password}})
	}
	b, in := signIn("issued by the admin")
	if in.status != http.StatusSeeOther || in.location() != "/account/password" {
		t.Fatalf("II-03: the first sign-in: %d %s", in.status, in.location())
	}
	for _, path := range []string{"/", "/jobs", "/book", "/calendar", "/account"} {
		if p := b.get(path); p.status != http.StatusSeeOther || p.location() != "/account/password" {
			t.Errorf("II-03: %s opens before the password is changed: %d %s", path, p.status, p.location())
		}
	}
	change := func(b *browser, was, is string) {
		t.Helper()
		if p := b.submit(b.see("/account/password"), "password", map[string][]string{"current": {was}, "new": {is}, "again": {is}}); p.status != http.StatusSeeOther {
			t.Fatalf("change the password: %d %s", p.status, p.words())
		}
	}
	change(b, "issued by the admin", "horses by the river")
	b.see("/")
	b, in = signIn("horses by the river")
	if in.status != http.StatusSeeOther || in.location() != "/" {
		t.Errorf("II-03: the second sign-in: %d %s", in.status, in.location())
	}
	// Later from the profile, which the menu under one's name opens.
	if home := b.see("/"); !slices.Contains(home.links(), "/account") || !slices.Contains(b.see("/account").links(), "/account/password") {
		t.Error("II-07: the profile does not lead to the password")
	}
	change(b, "horses by the river", "sheep on the moor")
	if _, in := signIn("horses by the river"); in.status != http.StatusUnauthorized {
		t.Errorf("II-07: the old password: %d", in.status)
	}
	if _, in := signIn("sheep on the moor"); in.status != http.StatusSeeOther {
		t.Errorf("II-07: the new password: %d", in.status)
	}
}

func rowHeader(r *rows) {
	t := r.t
	b := stranger(t, r.base)
	if p := b.post("/sign-in", url.Values{"username": {"requestor"}, "password": {"dragoman-demo"}}); p.location() != "/" {
		t.Errorf("II-05: signing in leads to %s", p.location())
	}
	if p := b.see("/"); p.heading() != "Your interpreter jobs" || !strings.Contains(p.words(), "New bookings this month") {
		t.Errorf("II-05: that is %q", p.heading())
	}
	ref := r.book("2020-04-01T10:00", 60)
	r.clock("2020-03-02T09:00:00Z")
	for _, path := range []string{"/", "/jobs", "/jobs?list=today", "/calendar", "/book", "/account", "/invoices", "/jobs/" + ref, "/jobs/" + ref + "/activity", "/jobs/" + ref + "/cancel"} {
		p := b.see(path)
		home := menuCalled(p, "Home")
		if len(home) != 3 || home["Dashboard"] != "/" || home["Create New"] != "/book" || home["Manage Bookings"] != "/jobs" {
			t.Errorf("II-06: on %s the Home menu holds %v", path, home)
		}
		if lists := menuCalled(p, "Jobs"); len(lists) != 8 || lists["Unassigned jobs"] != "/jobs?list=unassigned" || lists["Jobs requiring closure"] != "/jobs?list=requiring-closure" {
			t.Errorf("LL-06: on %s the Jobs menu holds %v", path, lists)
		}
		header := first(p.doc, func(n *html.Node) bool { return n.DataAtom == atom.Header })
		for _, text := range []string{"Make a booking", "Job Reference", "Rosa Whitfield"} {
			if !strings.Contains(textOf(header), text) {
				t.Errorf("LL-06: on %s the header lacks %q", path, text)
			}
		}
	}
	if p := b.see("/jobs"); p.heading() != "All jobs" || p.byID("grid") == nil {
		t.Errorf("II-26: Manage Bookings opens %q", p.heading())
	}
	create := ""
	for _, a := range every(b.see("/").byID("content"), func(n *html.Node) bool { return n.DataAtom == atom.A && textOf(n) == "Create New Booking" }) {
		create = attr(a, "href")
	}
	if p := b.see("/book"); create != "/book" || p.heading() != "Make a booking" {
		t.Errorf("II-21: Create New Booking opens %q", create)
	}
}

func rowCalendarViews(r *rows) {
	t := r.t
	r.clock("2021-09-01T09:00:00Z")
	var refs []string
	for _, day := range []string{"2021-09-06", "2021-09-08", "2021-09-20", "2021-10-04"} {
		refs = append(refs, r.bookStandard(day+"T10:00", 60)[0])
	}
	see := func(path string) *page { return r.sees("moor", path, "2021-09-01T09:00:00Z") }
	same(t, "the month's jobs", agenda(see("/calendar?view=month&date=2021-09-06")), refs[:3])
	same(t, "the week's jobs", agenda(see("/calendar?view=week&date=2021-09-06")), refs[:2])
	same(t, "the day's jobs", agenda(see("/calendar?view=day&date=2021-09-06")), refs[:1])
	same(t, "the next month's jobs", agenda(see("/calendar?view=month&date=2021-10-06")), refs[3:])
	title := func(p *page) string { return textOf(p.byID("cal-title")) }
	for view, want := range map[string][3]string{
		"month": {"August 2021", "September 2021", "October 2021"},
		"week":  {"30 August – 5 September 2021", "6 – 12 September 2021", "13 – 19 September 2021"},
		"day":   {"Sunday 5 September 2021", "Monday 6 September 2021", "Tuesday 7 September 2021"},
	} {
		p := see("/calendar?view=" + view + "&date=2021-09-06")
		back, on := see(attr(p.byID("cal-prev"), "href")), see(attr(p.byID("cal-next"), "href"))
		if got := [3]string{title(back), title(p), title(on)}; got != want {
			t.Errorf("II-10: by the %s the steps are %q, want %q", view, got, want)
		}
		again := see(attr(back.byID("cal-next"), "href"))
		if title(again) != want[1] {
			t.Errorf("II-10: a %s back and forth is %q", view, title(again))
		}
		picked := r.visit("moor").submit(p, "cal-form", map[string][]string{"date": {"2021-10-05"}})
		if got, want := title(picked), map[string]string{"month": "October 2021", "week": "4 – 10 October 2021", "day": "Tuesday 5 October 2021"}[view]; got != want {
			t.Errorf("II-11: with a date picked the %s is %q, want %q", view, got, want)
		}
	}
}

func rowPlaces(r *rows) {
	t := r.t
	north := r.bookStandard("2021-11-08T10:00", 60)[0]
	south := r.bookStandard("2021-11-09T10:00", 60, func(b, _ map[string]any) { b["client"], b["location"] = r.south, r.clinic })[0]
	p := r.sees("moor", "/calendar?view=month&date=2021-11-01", "2020-03-02T09:00:00Z")
	if got := options(p, "client"); len(got) != 2 || got["North"] != r.north || got["South"] != r.south {
		t.Errorf("II-12: the clients are %v", got)
	}
	if !has(p.byID("location"), "disabled") {
		t.Error("II-13: a location may be chosen before a client")
	}
	same(t, "all jobs", agenda(p), []string{north, south})
	b := r.visit("moor")
	chosen := b.submit(p, "cal-form", map[string][]string{"client": {r.south}})
	if got := options(chosen, "location"); len(got) != 1 || got["Clinic"] != r.clinic {
		t.Errorf("II-12: South has the locations %v", got)
	}
	same(t, "South's jobs", agenda(chosen), []string{south})
	narrow := b.submit(chosen, "cal-form", map[string][]string{"location": {r.clinic}})
	same(t, "the clinic's jobs", agenda(narrow), []string{south})
	same(t, "the clinic's jobs, loaded again", agenda(b.see(narrow.path)), []string{south})
	refresh := first(narrow.byID("cal-form"), func(n *html.Node) bool { return n.DataAtom == atom.Button })
	if textOf(refresh) != "Refresh" || !strings.Contains(attr(refresh, "class"), "btn-primary") {
		t.Errorf("II-14: the button says %q", textOf(refresh))
	}
	cleared := b.submit(narrow, "cal-form", map[string][]string{"client": {""}})
	if !has(cleared.byID("location"), "disabled") || len(agenda(cleared)) != 2 {
		t.Errorf("II-13: without a client there are the jobs %q", agenda(cleared))
	}
	if got := options(r.form("moor", "standard"), controlID(r.form("moor", "standard"), "client")); len(got) != 2 || got["North"] == "" || got["South"] == "" {
		t.Errorf("II-33: the form offers the clients %v", got)
	}
	var west string
	for _, c := range r.read("admin", "/clients?customer="+r.moor).items() {
		if c["name"] == "West" {
			west = c["id"].(string)
		}
	}
	problemIs(t, "II-33: a client beyond the own ones", r.send("moor", "POST", "/bookings", r.standard("2021-11-10T10:00", 60, func(b, _ map[string]any) { b["client"] = west })), 422, "invalid")
}

// controlID is the id of a form's control.
func controlID(p *page, name string) string {
	p.t.Helper()
	found := p.named(name)
	if len(found) == 0 {
		p.t.Fatalf("%s has no control %q", p.path, name)
	}
	return attr(found[0], "id")
}

// rowMenus: the calendar, the tabular view and the job's page lead to the same actions, those of this user and this status.
func rowMenus(r *rows) {
	t := r.t
	r.as("admin").do("PATCH", "/customers/"+r.moor, map[string]any{"settings": map[string]any{"closing": "customer"}})
	ref := r.bookStandard("2021-12-06T10:00", 60)[0]
	r.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
	leads := func(user, at string, want, not []string) {
		t.Helper()
		for _, path := range []string{"/calendar?view=day&date=2021-12-06", "/jobs?filter[ref]=" + ref} {
			p := r.sees(user, path, at)
			menu := first(p.byID("content"), func(n *html.Node) bool { return attr(n, "data-actions") == "/jobs/"+ref+"/actions" })
			if menu == nil || !slices.Contains(p.links(), "/jobs/"+ref+"/actions") {
				t.Errorf("%s has no menu of the actions of %s", path, ref)
			}
		}
		menu, page := r.visit(user).see("/jobs/"+ref+"/actions?part=menu"), r.visit(user).see("/jobs/"+ref)
		for _, to := range want {
			if !slices.Contains(menu.links(), "/jobs/"+ref+to) || !slices.Contains(page.links(), "/jobs/"+ref+to) {
				t.Errorf("%s at %s: %s is not in the menu %q or not on the page", user, at, to, menu.links())
			}
		}
		for _, to := range not { // of what came too late the page says so, the menu is silent
			if slices.Contains(menu.links(), "/jobs/"+ref+to) {
				t.Errorf("%s at %s: %s is offered", user, at, to)
			}
		}
	}
	leads("moor", "2021-11-01T09:00:00Z", []string{"/edit", "/cancel"}, []string{"/close", "/assign"})
	leads("moor-bare", "2021-11-01T09:00:00Z", nil, []string{"/edit", "/cancel", "/close", "/assign"})
	leads("moor", "2021-12-06T12:00:00Z", []string{"/edit", "/close"}, []string{"/cancel", "/assign"})
	b := r.visit("moor")
	shown := done(b, b.submit(b.see("/jobs/"+ref+"/close"), "close", map[string][]string{"start": {"2021-12-06T10:00"}, "end": {"2021-12-06T11:00"}}), "close")
	wants(t, shown, "complete: success")
	r.as("admin").do("PATCH", "/customers/"+r.moor, map[string]any{"settings": map[string]any{"closing": "two-party"}})
}

func rowReference(r *rows) {
	t := r.t
	ref := r.book("2020-04-01T12:00", 60)
	r.clock("2020-03-02T09:00:00Z")
	find := func(user, ref string) *page {
		b := r.visit(user)
		p := b.get("/job?" + url.Values{"ref": {ref}}.Encode())
		if p.status != http.StatusSeeOther {
			t.Fatalf("%s looks for %q: %d", user, ref, p.status)
		}
		return b.get(p.location())
	}
	for _, typed := range []string{ref, strings.ToLower(ref), " " + ref + " "} {
		if p := find("requestor", typed); p.status != http.StatusOK || p.heading() != ref+" new" {
			t.Errorf("%q leads to %d %s", typed, p.status, p.heading())
		}
	}
	foreign, unknown := find("moor", ref), find("moor", "DTP99999999")
	if foreign.status != http.StatusNotFound || unknown.status != http.StatusNotFound || foreign.heading() != "Not found" || foreign.words() != unknown.words() {
		t.Errorf("another's job: %d %s, none: %d %s", foreign.status, foreign.words(), unknown.status, unknown.words())
	}
}

func rowTabular(r *rows) {
	t := r.t
	for _, day := range []string{"2022-10-03", "2022-10-05"} {
		r.as("moor").do("POST", "/bookings", r.standard(day+"T10:00", 60, func(b, _ map[string]any) { b["client"], b["location"] = r.south, r.clinic }))
		r.bookStandard(day+"T12:00", 60)
	}
	p := r.sees("moor", "/calendar?view=month&date=2022-10-01&client="+r.south+"&location="+r.clinic, "2020-03-02T09:00:00Z")
	to, err := url.Parse(attr(p.byID("cal-tabular"), "href"))
	if err != nil || textOf(p.byID("cal-tabular")) != "Tabular View" {
		t.Fatalf("%q: %v", textOf(p.byID("cal-tabular")), err)
	}
	asked := to.Query()
	asked.Set("from", "2022-10-01")
	asked.Set("to", "2022-10-31")
	asked.Set("sort", "start")
	if drawn := agenda(p); len(drawn) != 2 {
		t.Errorf("the calendar has %q", drawn)
	}
	same(t, "the tabular view's jobs", rowRefs(r.visit("moor").see("/jobs?"+asked.Encode())), agenda(p))
}

func rowToday(r *rows) {
	t := r.t
	face, remote := r.book("2020-08-05T10:00", 60), r.bookRemote("2020-08-05T12:00", 60)
	p := r.sees("requestor", "/calendar?view=week&date=2020-08-05", "2020-08-05T08:00:00Z")
	same(t, "the week's jobs", agenda(p), []string{face, remote})
	days := every(p.byID("cal-agenda"), func(n *html.Node) bool { return n.DataAtom == atom.H3 })
	if len(days) != 1 || !strings.Contains(attr(days[0], "class"), "cal-is-today") || !strings.Contains(textOf(days[0]), "Today") {
		t.Error("today does not differ")
	}
	signs := map[string]bool{}
	for _, ref := range []string{face, remote} {
		item := within(first(p.byID("cal-agenda"), func(n *html.Node) bool { return attr(n, "href") == "/jobs/"+ref && attr(n, "class") == "fw-bold" }), atom.Li)
		sign := first(item, func(n *html.Node) bool { return n.DataAtom == atom.Svg })
		if sign == nil {
			t.Fatalf("%s has no sign of its service", ref)
		}
		signs[attr(first(sign, func(n *html.Node) bool { return n.Data == "path" }), "d")] = true
		if want := map[string]string{face: "face to face", remote: "remote"}[ref]; !strings.Contains(strings.ToLower(textOf(item)), want) {
			t.Errorf("%s does not say %q: %s", ref, want, textOf(item))
		}
	}
	if len(signs) != 2 {
		t.Errorf("two services have %d signs", len(signs))
	}
}

func rowStandardForm(r *rows) {
	t := r.t
	form := r.read("moor", "/forms/standard").body
	var labels, wanted []string
	for _, s := range objectsOf(form["sections"]) {
		labels = append(labels, s["label"].(string))
	}
	same(t, "II-28: sections", labels, []string{"Requestor Information", "Service Location", "Appointment Details", "Calendar", "Notes"})
	places := map[string]string{"requestor": "above", "place": "above", "appointment": "above", "calendar": "in", "notes": "below"}
	p := r.form("moor", "standard")
	same(t, "II-28: headings", headings(p), labels)
	for _, f := range objectsOf(form["fields"]) {
		if f["place"] != places[f["section"].(string)] {
			t.Errorf("II-28: %s of %s stands %v the calendar", f["key"], f["section"], f["place"])
		}
		if f["fixed"] == true {
			continue
		}
		wanted = append(wanted, f["key"].(string))
		if help, _ := f["help"].(string); help != "" && f["kind"] != "address" {
			name := "fields." + f["key"].(string)
			mark := first(within(p.named(name)[0], atom.Form), func(n *html.Node) bool {
				return n.DataAtom == atom.Button && attr(n, "aria-describedby") == controlID(p, name)+"-help"
			})
			if mark == nil || textOf(mark) != "?" || textOf(p.byID(controlID(p, name)+"-help")) != help || attr(p.byID(controlID(p, name)+"-help"), "role") != "tooltip" {
				t.Errorf("II-30: %s has no question mark with %q", name, help)
			}
		}
	}
	// Tab moves through what has no order of its own as it stands in the document: that is the order of the form, the client first (II-31).
	var order []string
	for _, n := range every(p.byID("book"), control) {
		key, _, _ := strings.Cut(strings.TrimPrefix(attr(n, "name"), "fields."), ".")
		if has(n, "tabindex") {
			t.Errorf("II-31: %s has an order of its own", attr(n, "name"))
		}
		if attr(n, "type") != "hidden" && !slices.Contains(order, key) && key != "address" && key != "billToOther" { // the two belong to the lists before them
			order = append(order, key)
		}
	}
	same(t, "II-31: the controls", order, wanted)
	wants(t, p, "Booking for Moor Trust")
	if got := textOf(first(p.named("billTo")[0], func(n *html.Node) bool { return n.DataAtom == atom.Option && has(n, "selected") })); got != "Moor Trust, Ledger" {
		t.Errorf("II-32: bill to comes filled with %q", got)
	}
	b := r.visit("moor")
	booked := b.submit(p, "book", r.typed("2020-04-17T10:00"))
	ref := r.booked("moor", booked)
	if job := r.job("moor", ref); job["billTo"] != "Moor Trust, Ledger" || job["customer"].(map[string]any)["id"] != r.moor {
		t.Errorf("II-32: booked for %v, to bill %v", job["customer"], job["billTo"])
	}
}

// typed is what a person fills into the standard form.
func (r *rows) typed(start string) map[string][]string {
	return map[string][]string{"client": {r.north}, "location": {r.ward}, "language": {"pl"}, "serviceType": {"face-to-face"}, "start": {start},
		"duration.hours": {"1"}, "duration.minutes": {"0"}}
}

// booked is the reference of the job to whose page a form leads that a user sent. What the user reads over HTTP from here on comes after it.
func (r *rows) booked(user string, p *page) string {
	p.t.Helper()
	to, err := url.Parse(p.location())
	if err != nil || p.status != http.StatusSeeOther || !strings.HasPrefix(to.Path, "/jobs/") {
		p.t.Fatalf("booking: %d %s %s", p.status, p.location(), p.words())
	}
	if c, at := r.as(user), to.Query().Get("at"); later(at, c.position) {
		c.position = at
	}
	return strings.TrimPrefix(to.Path, "/jobs/")
}

func rowSaved(r *rows) {
	t := r.t
	b := r.visit("moor")
	booked := b.submit(r.form("moor", "standard"), "book", r.typed("2020-04-18T10:00"))
	ref := r.booked("moor", booked)
	shown := b.see(booked.location())
	if shown.heading() != ref+" new" || !strings.Contains(textOf(shown.byID("toasts")), "Booked.") {
		t.Errorf("after Book there is %q, which says %q", shown.heading(), textOf(shown.byID("toasts")))
	}
}

func rowProfile(r *rows) {
	t := r.t
	id, c := newcomer(t, r.as("admin"), map[string]any{"username": "moor-new", "name": "Nia Ross", "email": "nia@moor.example", "role": "requestor", "customer": r.moor,
		"permissions": []string{"create"}})
	r.people["moor-new"] = c
	filled := func(name, email string) {
		t.Helper()
		p := r.form("moor-new", "standard")
		if p.value("fields.requestedBy") != name || p.value("fields.notificationEmail") != email {
			t.Errorf("filled are %q and %q, want %q and %q", p.value("fields.requestedBy"), p.value("fields.notificationEmail"), name, email)
		}
	}
	r.clock("2020-03-02T09:00:00Z")
	filled("Nia Ross", "nia@moor.example")
	old := r.booked("moor-new", r.visit("moor-new").submit(r.form("moor-new", "standard"), "book", r.typed("2020-04-19T10:00")))
	r.as("admin").do("PATCH", "/users/"+id, map[string]any{"name": "Nia Ross-Bell", "email": "nrb@moor.example"})
	r.clock("2020-03-02T09:00:00Z")
	filled("Nia Ross-Bell", "nrb@moor.example")
	if got := r.fieldsOf("moor-new", old); got["requestedBy"] != "Nia Ross" || got["notificationEmail"] != "nia@moor.example" {
		t.Errorf("the old job became %v", got)
	}
}

func rowOnlyLocation(r *rows) {
	t := r.t
	if got := r.form("moor-ward", "standard").value("location"); got != r.ward {
		t.Errorf("with one location %q is chosen", got)
	}
	if got := r.form("moor", "standard").value("location"); got != "" {
		t.Errorf("with two locations %q is chosen", got)
	}
	no := r.visit("moor").submit(r.form("moor", "standard"), "book", func() map[string][]string { v := r.typed("2020-04-20T10:00"); delete(v, "location"); return v }())
	refused(t, no, http.StatusUnprocessableEntity)
}

func rowNewLocation(r *rows) {
	t := r.t
	place := map[string]any{"name": "Annexe", "client": r.north, "address": map[string]any{"line1": "1 Back Lane", "town": "Leeds", "postcode": "LS1 2AA"}}
	problemIs(t, "without the permission", r.send("moor-bare", "POST", "/locations", place), 403, "not-permitted")
	if p := r.visit("moor-bare").get("/customers/" + r.moor + "/locations/new"); p.status != http.StatusForbidden {
		t.Errorf("without the permission the page answers %d", p.status)
	}
	b := r.visit("moor")
	form := r.form("moor", "standard")
	add := linkTo(form, "/customers/"+r.moor+"/locations/new")
	added := b.submit(b.see(add), "location", map[string][]string{"name": {"Annexe"}, "client": {r.north}, "address.line1": {"1 Back Lane"}, "address.town": {"Leeds"},
		"address.postcode": {"LS1 2AA"}})
	to, err := url.Parse(added.location())
	if err != nil || added.status != http.StatusSeeOther {
		t.Fatalf("added: %d %v %s", added.status, err, added.words())
	}
	p := b.get(added.location())
	for hops := 0; p.status == http.StatusSeeOther && hops < 3; hops++ {
		p = b.get(p.location())
	}
	if p.status != http.StatusOK || p.value("location") != to.Query().Get("location") || p.value("location") == "" {
		t.Errorf("back at the form, at %s, %q is chosen", to, p.value("location"))
	}
}

func rowFollowed(r *rows) {
	t := r.t
	ref := r.book("2020-04-23T10:00", 60)
	p := r.sees("requestor", "/jobs/"+ref, "2020-03-02T09:00:00Z")
	if p.heading() != ref+" new" || strings.Contains(p.section("interpreters"), "Ana Nowak") || p.section("interpreters") == "" {
		t.Errorf("before: %q, interpreters: %q", p.heading(), p.section("interpreters"))
	}
	r.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
	p = r.sees("requestor", "/jobs/"+ref, "2020-03-02T09:00:00Z")
	if p.heading() != ref+" assigned" || !strings.Contains(p.section("interpreters"), "Ana Nowak "+anaLIN) {
		t.Errorf("after: %q, interpreters: %q", p.heading(), p.section("interpreters"))
	}
}

func rowEdited(r *rows) {
	t := r.t
	ref := r.book("2020-04-24T10:00", 60)
	p := r.sees("requestor", "/jobs/"+ref, "2020-03-02T09:00:00Z")
	b := r.visit("requestor")
	button := first(p.doc, func(n *html.Node) bool { return n.DataAtom == atom.A && textOf(n) == "Edit job details" })
	form := b.see(attr(button, "href"))
	if update := first(form.byID("edit"), func(n *html.Node) bool { return n.DataAtom == atom.Button && textOf(n) == "Update" }); update == nil {
		t.Error("the form has no Update")
	}
	shown := done(b, b.submit(form, "edit", map[string][]string{"fields.assignedNotes": {"Use the side door."}}), "edit")
	wants(t, shown, "Use the side door.")
	if got := r.notes("requestor", ref)[0]; got != ref+" edited" {
		t.Errorf("the note is %q", got)
	}
}

func rowContact(r *rows) {
	t := r.t
	wants(t, stranger(t, r.base).see("/sign-in"), "bookings@dragoman.example")
	was := r.read("admin", "/settings").body["contact"].(map[string]any)
	r.as("admin").do("PUT", "/settings/agency", map[string]any{"contact": map[string]any{"email": "accounts@agency.example", "telephone": was["telephone"], "urgentPhone": was["urgentPhone"]}})
	r.clock("2020-03-02T09:00:00Z")
	p := stranger(t, r.base).see("/sign-in")
	wants(t, p, "accounts@agency.example")
	if !slices.Contains(p.links(), "mailto:accounts@agency.example") {
		t.Errorf("the page leads to %q", p.links())
	}
	r.as("admin").do("PUT", "/settings/agency", map[string]any{"contact": was})
}

func rowChooser(r *rows) {
	t := r.t
	p := r.visit("requestor").see("/book")
	same(t, "LL-14: forms", headings(p), []string{"Face to Face Assignment Only - NOT Court Bookings", "Remote Assignment"})
	for _, to := range []string{"/book/face-to-face", "/book/remote"} {
		if !slices.Contains(p.links(), to) {
			t.Errorf("LL-14: nothing leads to %s", to)
		}
	}
	words := p.words()
	if notice, choice := strings.Index(words, "READ BEFORE YOU BOOK!"), strings.Index(words, "Face to Face Assignment Only"); notice < 0 || notice > choice {
		t.Errorf("LL-15: the notice does not stand above the choice: %s", words)
	}
	wants(t, p, "your own video call platform", "appropriate for the type of case", "technology available", "your own organisation's guidelines", "National Account Manager")
}

func rowSections(r *rows) {
	t := r.t
	p := r.form("requestor", "face-to-face")
	side := func(p *page) (labels []string) {
		nav := first(p.byID("book"), func(n *html.Node) bool { return n.DataAtom == atom.Nav })
		for _, a := range every(nav, func(n *html.Node) bool { return n.DataAtom == atom.A }) {
			labels = append(labels, textOf(a))
			if id := strings.TrimPrefix(attr(a, "href"), "#"); p.byID(id) == nil {
				t.Errorf("LL-17: %s leads nowhere", textOf(a))
			}
		}
		return labels
	}
	same(t, "LL-17: the side list", side(p), []string{"Address", "Appointment details", "Custody cases only", "Contact details", "If relevant"})
	sections := every(p.byID("book"), func(n *html.Node) bool { return n.DataAtom == atom.Section })
	for i, s := range sections {
		if book := first(s, func(n *html.Node) bool { return n.DataAtom == atom.Button && attr(n, "type") == "submit" }); book == nil || textOf(book) != "Book" {
			t.Errorf("LL-17: section %d has no Book", i)
		}
		next := first(s, func(n *html.Node) bool { return n.DataAtom == atom.A && strings.HasPrefix(textOf(n), "Next >>") })
		if last := i == len(sections)-1; (next == nil) != last || !last && attr(next, "href") != "#"+attr(sections[i+1], "aria-labelledby") {
			t.Errorf("LL-17: section %d does not walk on", i)
		}
	}
	// All is filled but the language: its section is marked, by colour and in words (LL-18).
	no := r.visit("requestor").submit(p, "book", map[string][]string{"location": {r.location}, "fields.offenceCategory": {"theft"}, "fields.assignmentType": {"interview"},
		"start": {"2020-04-25T10:00"}, "fields.nonEnglishSpeaker": {"Jan Kowalski"}, "fields.reportTo": {"Reception"}, "fields.telephone": {"0113 496 0000"},
		"fields.officerInCase": {"DC Marsh"}, "fields.collarNumber": {"4411"}, "fields.officerPhone": {"0113 496 0001"}, "fields.secondaryEmail": {"desk@police.example"}})
	refused(t, no, http.StatusUnprocessableEntity)
	same(t, "LL-18: the side list", side(no), []string{"Address", "Appointment details 1 to correct", "Custody cases only", "Contact details", "If relevant"})
	mark := first(no.byID("book"), func(n *html.Node) bool { return n.DataAtom == atom.Span && textOf(n) == "1 to correct" })
	if mark == nil || !strings.Contains(attr(mark, "class"), "bg-red") {
		t.Error("LL-18: the mark is not red")
	}
}

// rowFilled: what comes filled may be changed.
func rowFilled(r *rows) {
	t := r.t
	_, r.people["officer"] = newcomer(t, r.as("admin"), map[string]any{"username": "officer", "name": "Ola Frith", "email": "frith@police.example", "telephone": "0113 496 0042",
		"role": "requestor", "customer": r.read("requestor", "/me").body["customer"], "permissions": []string{"create"}})
	r.as("officer").do("POST", "/bookings", r.booking("2020-04-26T10:00", 60, func(_, f map[string]any) { f["reportTo"] = "Custody desk" }))
	r.clock("2020-03-02T09:00:00Z")
	p := r.form("officer", "face-to-face")
	for name, want := range map[string]string{"fields.requestingOfficer": "Ola Frith", "fields.primaryEmail": "frith@police.example", "fields.telephone": "0113 496 0042",
		"fields.reportTo": "Custody desk"} {
		if got := p.value(name); got != want {
			t.Errorf("%s comes filled with %q, want %q", name, got, want)
		}
		if n := p.named(name)[0]; has(n, "readonly") || has(n, "disabled") {
			t.Errorf("%s cannot be changed", name)
		}
	}
}

// due is what a job of the work queue says of the contact that its customer was promised; "" if it is not there.
func (r *rows) due(ref, at string) string {
	r.t.Helper()
	p := r.sees("assigner", "/queue", at)
	for i, found := range rowRefs(p) {
		if found == ref {
			return cells(p)[i][1]
		}
	}
	for n := 2; slices.Contains(p.links(), fmt.Sprintf("/queue?page=%d", n)); n++ {
		p = r.visit("assigner").see(fmt.Sprintf("/queue?page=%d", n))
		for i, found := range rowRefs(p) {
			if found == ref {
				return cells(p)[i][1]
			}
		}
	}
	return ""
}

// says checks what the queue says of a job.
func (r *rows) says(ref, at, want string) {
	r.t.Helper()
	if got := r.due(ref, at); !strings.HasPrefix(got, want) || want == "" && got != "" {
		r.t.Errorf("at %s the queue says %q, want %q", at, got, want)
	}
}

func rowWithinThreeHours(r *rows) {
	ref := r.book("2020-03-02T11:59", 60) // booked at 09:00
	r.says(ref, "2020-03-02T09:29:00Z", "Update 02/03/2020 09:30")
	r.says(ref, "2020-03-02T09:31:00Z", "overdue Update 02/03/2020 09:30")
	// A logged update counts the next half hour from itself; the call is due within the hour.
	r.clock("2020-03-02T09:40:00Z")
	r.do("assigner", ref, "log-contact", map[string]any{"kind": "update", "text": "Still looking."})
	r.says(ref, "2020-03-02T10:09:00Z", "Update 02/03/2020 10:10")
	call := r.book("2020-03-02T12:30", 60)
	r.says(call, "2020-03-02T10:10:00Z", "Update 02/03/2020 10:39")
	r.do("assigner", ref, "assign", map[string]any{"interpreter": benLIN})
	r.says(ref, "2020-03-02T10:30:00Z", "")
	r.do("assigner", ref, "unassign", map[string]any{"interpreter": benLIN, "reason": "Ill."})
}

func rowWithinADay(r *rows) {
	ref := r.book("2020-03-02T12:01", 60) // three hours and a minute ahead
	r.says(ref, "2020-03-02T09:01:00Z", "First contact 02/03/2020 11:00")
	r.says(ref, "2020-03-02T11:01:00Z", "overdue First contact 02/03/2020 11:00")
	r.do("assigner", ref, "log-contact", map[string]any{"kind": "call", "text": "Every 45 minutes, she says.", "nextUpdateMinutes": 45})
	r.says(ref, "2020-03-02T11:02:00Z", "Update 02/03/2020 11:46")
	r.says(ref, "2020-03-02T11:47:00Z", "overdue Update 02/03/2020 11:46")
}

func rowDueLater(r *rows) {
	ref, soon := r.book("2020-03-12T10:00", 60), r.book("2020-03-03T10:00", 60)
	r.says(ref, "2020-03-10T09:59:00Z", "Contact 10/03/2020 10:00")
	r.says(ref, "2020-03-10T10:01:00Z", "overdue Contact 10/03/2020 10:00")
	r.says(soon, "2020-03-02T09:01:00Z", "Contact 02/03/2020 11:00") // under 48 hours ahead: two hours after the booking (D-05)
	r.do("assigner", ref, "assign", map[string]any{"interpreter": benLIN})
	r.says(ref, "2020-03-10T10:01:00Z", "")
}

func rowFirstRow(r *rows) {
	t := r.t
	r.clock("2017-08-16T09:00:00Z")
	ref := r.assigned("2017-08-17T14:00", 60)
	p := r.sees("requestor", "/jobs/"+ref+"/timesheet", "2017-08-17T16:00:00Z")
	if p.value("blocks.start") != "2017-08-17T14:00" || p.value("blocks.end") != "2017-08-17T15:00" {
		t.Errorf("the first row is %s to %s", p.value("blocks.start"), p.value("blocks.end"))
	}
	values, _ := formValues(p.byID("submit-timesheet"))
	if rest := strings.Join(append(values["blocks.start"][1:], values["blocks.end"][1:]...), ""); rest != "" {
		t.Errorf("the other rows hold %q", rest)
	}
}

// rowBrowser: one job in each status that a job can have here, drawn in the colours of the legend; the note that pointing at one and having the focus on
// it shows; the menu of its actions; and rows of a list that open by a click and by Enter.
func rowBrowser(r *rows) {
	t := r.t
	at := "2020-09-16T08:00:00Z"
	fresh := r.book("2020-09-16T10:00", 60)
	taken := r.assigned("2020-09-17T10:00", 60)
	over := r.book("2020-09-15T14:00", 60)
	r.do("assigner", over, "cancel", map[string]any{"authorisedBy": "Hale"})
	ongoing, complete := r.assigned("2020-09-14T10:00", 60), r.assigned("2020-09-15T10:00", 60)
	r.clock(at)
	r.do("requestor", ongoing, "submit-timesheet", blocksOf("2020-09-14T10:00", "2020-09-14T11:00"))
	r.do("assigner", complete, "close", map[string]any{"start": "2020-09-15T10:00", "end": "2020-09-15T11:00"})
	r.clock(at)

	b := newTab(t, r.base, screen{})
	b.signIn("requestor")
	b.open("/calendar?view=week&date=2020-09-16")
	for status, ref := range map[string]string{"new": fresh, "assigned": taken, "cancelled": over, "ongoing": ongoing, "complete": complete} {
		b.await(ref+" is drawn", fmt.Sprintf(`document.querySelector('#cal-drawn [href="/jobs/%s"]')`, ref))
		var drawn, legend, word string
		b.eval(fmt.Sprintf(`getComputedStyle(document.querySelector('#cal-drawn [href="/jobs/%s"]')).borderInlineStartColor`, ref), &drawn)
		b.eval(fmt.Sprintf(`getComputedStyle(document.querySelector('.cal-legend .cal-%s')).borderInlineStartColor`, status), &legend)
		b.eval(fmt.Sprintf(`document.querySelector('.cal-legend .cal-%s').innerText.trim().replace(/\s+/g, ' ')`, status), &word)
		if drawn != legend || drawn == "rgba(0, 0, 0, 0)" || !strings.HasSuffix(word, " "+status) || len(word) <= len(status)+1 {
			t.Errorf("II-09: %s is drawn %s; the legend is %s and says %q", status, drawn, legend, word)
		}
	}
	var today int
	b.eval(`[...document.querySelectorAll('#cal-drawn .fc-day-today, #cal-drawn [data-date="2020-09-16"]')].length`, &today)
	if today == 0 {
		t.Error("II-27: today is not drawn")
	}
	note := func(how string) {
		t.Helper()
		b.await("the note shows by "+how, `document.getElementById('cal-note')`)
		var said string
		b.eval(`document.getElementById('cal-note').innerText.replace(/\s+/g, ' ')`, &said)
		for _, want := range []string{"Created By Rosa Whitfield", "Language Polish", "16/09/2020 10:00 to 16/09/2020 11:00"} {
			if !strings.Contains(said, want) {
				t.Errorf("II-15: by %s the note lacks %q: %s", how, want, said)
			}
		}
	}
	b.eval(fmt.Sprintf(`document.querySelector('#cal-drawn [href="/jobs/%s"]').focus()`, fresh), nil)
	note("the keyboard")
	b.eval(`document.activeElement.blur()`, nil)
	b.await("it is gone", `!document.getElementById('cal-note')`)
	var x, y float64
	b.eval(fmt.Sprintf(`document.querySelector('#cal-drawn [href="/jobs/%s"]').scrollIntoView({ block: 'center' })`, fresh), nil)
	b.eval(`new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(() => painted(1))))`, nil) // scrolling takes a note away
	b.eval(fmt.Sprintf(`document.querySelector('#cal-drawn [href="/jobs/%s"]').getBoundingClientRect().left + 8`, fresh), &x)
	b.eval(fmt.Sprintf(`document.querySelector('#cal-drawn [href="/jobs/%s"]').getBoundingClientRect().top + 8`, fresh), &y)
	b.run("point at the job", chromedp.ActionFunc(func(ctx context.Context) error { return chromedp.MouseEvent("mouseMoved", x, y).Do(ctx) }))
	note("the mouse")
	b.run("press the job", chromedp.MouseClickXY(x, y))
	b.await("the menu is filled", `document.querySelectorAll('.cal-menu .dropdown-item').length > 1`)
	var menu string
	b.eval(`document.querySelector('.cal-menu').innerText`, &menu)
	if !strings.Contains(menu, "Edit job details") || strings.Contains(menu, "Assign") {
		t.Errorf("II-16: the menu is %q", menu)
	}

	for _, press := range []string{"click", "Enter"} {
		b.open("/jobs?list=assigned")
		var columns []string
		b.eval(`[...document.querySelectorAll('thead th')].map((th) => th.textContent.trim().replace(/\s*[▲▼]$/, ''))`, &columns)
		same(t, "LL-118: columns", columns, nine)
		row := fmt.Sprintf(`document.querySelector('tr[data-href="/jobs/%s"]')`, taken)
		b.await("the row is there", row)
		b.leads(func() {
			if press == "Enter" {
				b.eval(row+`.focus()`, nil)
				b.key("Enter")
				return
			}
			b.eval(row+`.cells[4].click()`, nil)
		})
		if got := b.path(); got != "/jobs/"+taken {
			t.Errorf("LL-118: %s on a row leads to %s", press, got)
		}
	}
	// A client is found by the first letters of its name, if it is one of one's own. On a slow machine
	// the browser may take each letter for the first one, so no letter of the third word begins a name of one's own.
	own := newTab(t, r.base, screen{})
	own.signIn("moor")
	own.open("/book/standard")
	own.eval(`document.querySelector('#book [name=client]').focus()`, nil)
	for typed, want := range map[string]string{"Sou": r.south, "Nor": r.north, "Wet": ""} {
		own.eval(`{ const list = document.activeElement; list.value = ''; list.blur(); list.focus() }`, nil)
		own.types(typed)
		var chosen string
		own.eval(`document.querySelector('#book [name=client]').value`, &chosen)
		if chosen != want {
			t.Errorf("II-33: %q finds the client %q, want %q", typed, chosen, want)
		}
	}
}
