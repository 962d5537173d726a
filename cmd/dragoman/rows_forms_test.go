package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// formCustomer is a customer with a user who books, for rows about forms.
type formCustomer struct {
	id, user, location string
}

// customerOf makes a customer and one of its users.
func (r *rows) customerOf(name string) formCustomer {
	r.t.Helper()
	admin := r.as("admin")
	c := formCustomer{user: name}
	c.id = admin.do("POST", "/customers", map[string]any{"name": "Customer " + name, "timeZone": "Europe/London"}).body["id"].(string)
	c.location = admin.do("POST", "/locations", map[string]any{"customer": c.id, "name": "House of " + name,
		"address": map[string]any{"line1": "1 High Street", "town": "Leeds", "postcode": "LS1 1AA"}}).body["id"].(string)
	_, r.people[name] = newcomer(r.t, admin, map[string]any{"username": name, "name": "Una " + name, "email": name + "@forms.example", "role": "requestor", "customer": c.id,
		"permissions": []string{"create", "edit", "cancel"}})
	return c
}

// uses has a customer book on these forms.
func (r *rows) uses(c formCustomer, forms ...string) {
	r.t.Helper()
	r.as("admin").do("PATCH", "/customers/"+c.id, map[string]any{"settings": map[string]any{"forms": forms}})
	r.read(c.user, "/forms") // the portal knows it from here on
}

// defines stores a form that is made of another, changed so.
func (r *rows) defines(id, from string, change func(form map[string]any)) {
	r.t.Helper()
	form := r.read("admin", "/forms/"+from).body
	form["id"] = id
	change(form)
	r.as("admin").do("PUT", "/forms/"+id, form)
	r.read("admin", "/forms") // the portal knows it from here on
}

// fieldOf is a field of a form as it was read.
func fieldOf(t *testing.T, form map[string]any, key string) map[string]any {
	t.Helper()
	for _, f := range objectsOf(form["fields"]) {
		if f["key"] == key {
			return f
		}
	}
	t.Fatalf("the form has no field %s", key)
	return nil
}

// asked puts one more text into a form, after its other fields.
func asked(form map[string]any, key, label string, more map[string]any) {
	f := map[string]any{"key": key, "label": label, "section": "appointment", "place": "above", "kind": "text", "visibility": "customer", "personal": "none", "copied": true,
		"editable": true}
	for k, v := range more {
		f[k] = v
	}
	form["fields"] = append(form["fields"].([]any), f)
}

// order is a booking on a form made of the standard one.
func (c formCustomer) order(form, start string, fields map[string]any) map[string]any {
	all := map[string]any{"requestedBy": "Una", "notificationEmail": "una@forms.example"}
	for k, v := range fields {
		all[k] = v
	}
	return map[string]any{"form": form, "location": c.location, "language": "pl", "serviceType": "face-to-face", "start": start,
		"duration": map[string]any{"hours": 1, "minutes": 0}, "fields": all}
}

func rowHelp(r *rows) {
	t := r.t
	c := r.customerOf("helped")
	r.defines("helping", "standard", func(form map[string]any) {
		fieldOf(t, form, "consumer")["help"] = "Whoever sits opposite."
		fieldOf(t, form, "jobDetails")["help"] = ""
	})
	r.uses(c, "helping")
	r.read(c.user, "/forms/helping")
	p := r.form(c.user, "helping")
	mark := func(name string) *html.Node {
		return first(within(p.named(name)[0], atom.Form), func(n *html.Node) bool {
			return n.DataAtom == atom.Button && attr(n, "aria-describedby") == controlID(p, name)+"-help"
		})
	}
	if mark("fields.consumer") == nil || textOf(p.byID(controlID(p, "fields.consumer")+"-help")) != "Whoever sits opposite." {
		t.Error("the agency's help does not stand beside its field")
	}
	if mark("fields.jobDetails") != nil {
		t.Error("a field without help has a question mark")
	}
}

func rowFixedByTheAgency(r *rows) {
	t := r.t
	c := r.customerOf("fixed")
	write := func(text string) func(form map[string]any) {
		return func(form map[string]any) { fieldOf(t, form, "specialInstructions")["default"] = text }
	}
	r.defines("fixing", "standard", write("Ask for the duty manager."))
	r.uses(c, "fixing")
	book := func(start string) string {
		return refOf(r.as(c.user).do("POST", "/bookings", c.order("fixing", start, map[string]any{"specialInstructions": "Come in by the window."})))
	}
	first := book("2020-04-04T10:00")
	if got := r.fieldsOf(c.user, first)["specialInstructions"]; got != "Ask for the duty manager." {
		t.Errorf("stored is %v", got)
	}
	wants(t, r.form(c.user, "fixing"), "Ask for the duty manager.")
	r.defines("fixing", "fixing", write("Ring twice."))
	if got := r.fieldsOf(c.user, book("2020-04-05T10:00"))["specialInstructions"]; got != "Ring twice." {
		t.Errorf("the new text stored is %v", got)
	}
	r.try(c.user, first, "edit", map[string]any{"fields": map[string]any{"specialInstructions": "Mine."}})
	if got := r.fieldsOf(c.user, first)["specialInstructions"]; got != "Ask for the duty manager." {
		t.Errorf("an earlier job's text became %v", got)
	}
}

func rowReferenceOfOneCustomer(r *rows) {
	t := r.t
	x, y := r.customerOf("orderx"), r.customerOf("ordery")
	r.defines("orders", "standard", func(form map[string]any) {
		asked(form, "poNumber", "PO number", map[string]any{"required": true, "customers": []string{x.id}})
	})
	r.uses(x, "orders")
	r.uses(y, "orders")
	problemIs(t, "X without", r.send(x.user, "POST", "/bookings", x.order("orders", "2020-04-06T10:00", nil)), 422, "invalid", "body.fields.poNumber")
	ref := refOf(r.as(x.user).do("POST", "/bookings", x.order("orders", "2020-04-06T10:00", map[string]any{"poNumber": "PO-17"})))
	other := refOf(r.as(y.user).do("POST", "/bookings", y.order("orders", "2020-04-06T10:00", nil)))
	problemIs(t, "Y with", r.send(y.user, "POST", "/bookings", y.order("orders", "2020-04-06T12:00", map[string]any{"poNumber": "PO-18"})), 422, "invalid", "body.fields.poNumber")
	if got := r.fieldsOf(x.user, ref)["poNumber"]; got != "PO-17" {
		t.Errorf("X's job has the number %v", got)
	}
	problemIs(t, "X takes it away", r.try(x.user, ref, "edit", map[string]any{"fields": map[string]any{"poNumber": ""}}), 422, "invalid", "body.fields.poNumber")
	r.do(x.user, ref, "edit", map[string]any{"fields": map[string]any{"poNumber": "PO-19"}})
	if r := r.try(y.user, other, "edit", map[string]any{"fields": map[string]any{"poNumber": "PO-20"}}); r.status != 422 {
		t.Errorf("Y's edit of what is not asked of Y: %d %s", r.status, r.raw)
	}

	// Whom it is for is the agency's matter; to others the field does not exist.
	for _, who := range []struct {
		user string
		sees bool
	}{{x.user, true}, {y.user, false}, {"admin", true}, {"auditor", true}, {"interpreter", false}} {
		form := r.read(who.user, "/forms/orders").body
		i := slices.IndexFunc(objectsOf(form["fields"]), func(f map[string]any) bool { return f["key"] == "poNumber" })
		if i >= 0 != who.sees {
			t.Errorf("%s is shown the field: %v", who.user, i >= 0)
		}
		told := strings.Contains(string(r.read(who.user, "/forms/orders").raw), x.id)
		if told != (who.user == "admin" || who.user == "auditor") {
			t.Errorf("%s learns whom it is for: %v", who.user, told)
		}
	}
	hasLabel := func(user, ref string) bool {
		return strings.Contains(r.visit(user).see("/jobs/"+ref).words(), "PO number")
	}
	for _, user := range []string{"assigner", x.user} {
		if !hasLabel(user, ref) {
			t.Errorf("%s does not see the number on X's job", user)
		}
	}
	for _, user := range []string{"assigner", y.user} {
		if hasLabel(user, other) {
			t.Errorf("%s sees the number on Y's job", user)
		}
	}
	for user, want := range map[string]int{x.user: 1, y.user: 0} {
		if got := len(r.form(user, "orders").named("fields.poNumber")); got != want {
			t.Errorf("%s's form asks for the number %d times", user, got)
		}
	}
}

// rowOldVersions: what was booked on version 1 is shown, edited and checked with version 1, after version 2 took one of its fields away and requires
// another.
func rowOldVersions(r *rows) {
	t := r.t
	c := r.customerOf("older")
	r.defines("versions", "standard", func(form map[string]any) { asked(form, "room", "Room", nil) })
	r.uses(c, "versions")
	old := refOf(r.as(c.user).do("POST", "/bookings", c.order("versions", "2020-04-07T04:00", map[string]any{"room": "4b"})))
	r.defines("versions", "versions", func(form map[string]any) {
		form["fields"] = slices.DeleteFunc(form["fields"].([]any), func(f any) bool { return f.(map[string]any)["key"] == "room" })
		asked(form, "floor", "Floor", map[string]any{"required": true})
		fieldOf(t, form, "consumer")["label"] = "Person"
	})
	problemIs(t, "a new booking without its floor", r.send(c.user, "POST", "/bookings", c.order("versions", "2020-04-08T04:00", map[string]any{"room": "4b"})), 422, "invalid",
		"body.fields.floor", "body.fields.room")
	newer := refOf(r.as(c.user).do("POST", "/bookings", c.order("versions", "2020-04-08T04:00", map[string]any{"floor": "4"})))

	if job := r.job("assigner", old); job["formVersion"] != 1.0 || r.job("assigner", newer)["formVersion"] != 2.0 {
		t.Errorf("the jobs have versions %v and %v", job["formVersion"], r.job("assigner", newer)["formVersion"])
	}
	for _, user := range []string{"assigner", "auditor", c.user} {
		p := r.visit(user).see("/jobs/" + old)
		wants(t, p, "Room 4b", "Consumer")
		lacks(t, p, "Floor", "Person")
		p = r.visit(user).see("/jobs/" + newer)
		wants(t, p, "Floor 4", "Person")
		lacks(t, p, "Room")
	}
	edit := r.visit(c.user).see("/jobs/" + old + "/edit")
	if len(edit.named("fields.room")) != 1 || len(edit.named("fields.floor")) != 0 {
		t.Error("the old job is not edited with its own form")
	}
	r.do(c.user, old, "edit", map[string]any{"fields": map[string]any{"room": "5"}})
	problemIs(t, "the old job has no floor", r.try(c.user, old, "edit", map[string]any{"fields": map[string]any{"floor": "4"}}), 422, "invalid", "body.fields.floor")
	problemIs(t, "the new job has no room", r.try(c.user, newer, "edit", map[string]any{"fields": map[string]any{"room": "5"}}), 422, "invalid", "body.fields.room")
	problemIs(t, "the new job needs its floor", r.try(c.user, newer, "edit", map[string]any{"fields": map[string]any{"floor": ""}}), 422, "invalid", "body.fields.floor")
	if got := r.fieldsOf(c.user, old); got["room"] != "5" || got["floor"] != nil {
		t.Errorf("the old job holds %v", got)
	}
	if first := r.read(c.user, "/forms/versions?version=1").body; fieldOf(t, first, "room")["label"] != "Room" {
		t.Error("version 1 cannot be read any more")
	}
	for _, ref := range []string{old, newer} {
		r.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN}})
		r.do("interpreter", ref, "accept-offer", map[string]any{})
		r.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
		if got := r.job("interpreter", ref)["status"]; got != "assigned" {
			t.Errorf("%s is %v", ref, got)
		}
	}
	if items := r.read("auditor", "/jobs/"+old+"/history").items(); len(items) < 4 {
		t.Errorf("its history has %d events", len(items))
	}
	if notes := r.notes("assigner", old); !slices.Contains(notes, old+" edited") {
		t.Errorf("its activity reads %q", notes)
	}
	wants(t, r.visit("auditor").see("/jobs/"+old+"/history"), "shared.fields.room 4b", "shared.fields.room 5")
	if got := r.read("analyst", "/jobs/"+old).body["fields"].(map[string]any)["room"]; got != "5" {
		t.Errorf("an analyst reads the room %v", got)
	}
}

func rowFormsAreData(r *rows) {
	t := r.t
	c := r.customerOf("events")
	r.defines("event-staff", "standard", func(form map[string]any) {
		form["name"], form["prefix"] = "Staff for an event", "EVT"
		form["notices"] = []any{map[string]any{"key": "uniform", "text": "Bring the uniform of the house."}}
	})
	r.uses(c, "event-staff", "remote")
	r.read(c.user, "/forms")
	same(t, "LL-14: forms", headings(r.visit(c.user).see("/book")), []string{"Staff for an event", "Remote Assignment"})
	ref := refOf(r.as(c.user).do("POST", "/bookings", c.order("event-staff", "2020-04-09T10:00", nil)))
	if !strings.HasPrefix(ref, "EVT") {
		t.Errorf("its job is called %s", ref)
	}
	// The notice is the agency's to change; its reading may be made a duty (LL-15).
	r.defines("event-staff", "event-staff", func(form map[string]any) {
		form["notices"] = []any{map[string]any{"key": "uniform", "text": "No uniform any more.", "mandatory": true}}
	})
	p := r.form(c.user, "event-staff")
	wants(t, p, "No uniform any more.")
	lacks(t, p, "Bring the uniform")
	refusal := r.send(c.user, "POST", "/bookings", c.order("event-staff", "2020-04-09T12:00", nil))
	problemIs(t, "unread", refusal, 422, "acknowledgement-required", "body.acknowledged")
	if choices, _ := refusal.body["choices"].([]any); len(choices) != 1 || choices[0] != "uniform" {
		t.Errorf("to be acknowledged: %v", choices)
	}
	read := c.order("event-staff", "2020-04-09T12:00", nil)
	read["acknowledged"] = []string{"uniform"}
	if got := r.send(c.user, "POST", "/bookings", read); got.status != http.StatusCreated {
		t.Errorf("read: %d %s", got.status, got.raw)
	}
	b := r.visit(c.user)
	sent := map[string][]string{"location": {c.location}, "language": {"pl"}, "serviceType": {"face-to-face"}, "start": {"2020-04-10T10:00"}, "duration.hours": {"1"}, "duration.minutes": {"0"}}
	no := b.submit(p, "book", sent)
	refused(t, no, http.StatusUnprocessableEntity)
	wants(t, no, "acknowledge")
	sent["acknowledged"] = []string{"uniform"}
	r.booked(c.user, b.submit(no, "book", sent))
}

func rowRequiredWhen(r *rows) {
	t := r.t
	c := r.customerOf("rules")
	r.defines("ruled", "standard", func(form map[string]any) {
		asked(form, "link", "Link to join", map[string]any{"requiredWhen": []any{map[string]any{"field": "serviceType", "is": []string{"remote"}}}})
		asked(form, "consent", "Consent", map[string]any{"requiredWhen": []any{map[string]any{"field": "consumer"}}})
	})
	r.uses(c, "ruled")
	book := func(service string, fields map[string]any) reply {
		b := c.order("ruled", "2020-04-11T10:00", fields)
		b["serviceType"] = service
		return r.send(c.user, "POST", "/bookings", b)
	}
	problemIs(t, "remote without a link, a consumer without consent", book("remote", map[string]any{"consumer": "Jan"}), 422, "invalid", "body.fields.consent", "body.fields.link")
	made := book("face-to-face", nil)
	if made.status != http.StatusCreated {
		t.Fatalf("where no rule holds: %d %s", made.status, made.raw)
	}
	ref := refOf(made)
	problemIs(t, "made remote", r.try(c.user, ref, "edit", map[string]any{"serviceType": "remote"}), 422, "invalid", "body.fields.link")
	r.do(c.user, ref, "edit", map[string]any{"serviceType": "remote", "fields": map[string]any{"link": "https://call.example/1"}})
	problemIs(t, "without its link", r.try(c.user, ref, "edit", map[string]any{"fields": map[string]any{"link": ""}}), 422, "invalid", "body.fields.link")
	wants(t, r.form(c.user, "ruled"), "Required if Service Type is Remote", "Required if Consumer is filled in")
}

// rowRequests: a job of a form that asks for confirmation is requested. Nobody is offered it until an assigner confirms it, on the page or over HTTP.
func rowRequests(r *rows) {
	t := r.t
	c := r.customerOf("asking")
	r.defines("asking", "standard", func(form map[string]any) { form["initial"] = "requested" })
	r.uses(c, "asking")
	ask := func(start string) string {
		return refOf(r.as(c.user).do("POST", "/bookings", c.order("asking", start, nil)))
	}
	r.clock("2020-03-02T09:00:00Z")
	one, two := ask("2020-05-18T10:00"), ask("2020-05-19T10:00")
	job := r.job("assigner", one)
	if job["status"] != "requested" || job["waitingOn"] != "agency" || job["nextStep"] != "confirm" || !slices.Contains(r.job("assigner", one)["actions"].([]any), any("confirm")) ||
		slices.Contains(r.job(c.user, one)["actions"].([]any), any("confirm")) {
		t.Errorf("it begins as %v, waits for %v: %v", job["status"], job["nextStep"], job["actions"])
	}
	if read := r.job(c.user, one); read["progress"] != "requested" || read["message"] == r.job("assigner", r.book("2020-05-20T10:00", 60))["message"] {
		t.Errorf("its customer reads %v: %v", read["progress"], read["message"])
	}
	wants(t, r.visit(c.user).see("/jobs/"+one), "This request waits for the agency to confirm it.")
	problemIs(t, "an offer of a request", r.try("assigner", one, "send-offer", map[string]any{"interpreters": []string{anaLIN}}), 422, "wrong-status")
	problemIs(t, "the customer confirms", r.try(c.user, one, "confirm", map[string]any{}), 403, "not-permitted")
	if preview := r.previewOf("assigner", one, "confirm", map[string]any{}); preview.status != 200 || r.job("assigner", one)["status"] != "requested" {
		t.Errorf("the preview: %d %s", preview.status, preview.raw)
	}
	if done := r.do("assigner", one, "confirm", map[string]any{}); done.body["status"] != "new" {
		t.Errorf("confirmed: %s", done.raw)
	}
	problemIs(t, "once more", r.try("assigner", one, "confirm", map[string]any{}), 422, "wrong-status")
	if notes := r.notes(c.user, one); notes[0] != one+" changed from requested to new" {
		t.Errorf("noted as %q", notes)
	}
	r.do("assigner", one, "send-offer", map[string]any{"interpreters": []string{anaLIN}})

	b := r.visit("assigner")
	shown := b.see("/jobs/" + two)
	b.see("/jobs/" + two + "/actions").formTo("/jobs/" + two + "/confirm") // the menu offers it
	after := done(b, b.submit(shown, shown.formTo("/jobs/"+two+"/confirm"), nil), "confirm")
	if after.heading() != two+" new" || slices.Contains(r.job("assigner", two)["actions"].([]any), any("confirm")) {
		t.Errorf("confirmed on its page: %s", after.words())
	}
}
