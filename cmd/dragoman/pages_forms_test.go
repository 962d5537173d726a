package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// TestII41_AReferenceAddedByKeyboard: an admin adds a mandatory "PO number" for one customer with the keyboard alone, moves it and publishes; that
// customer books with it, the other is not asked.
func TestII41_AReferenceAddedByKeyboard(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "01/07/2030 09:00")
	admin := signIn(t, d.base, "admin")
	customer := admin.get("/customers/" + d.customer.get("/me").body["customer"].(string)).body["name"].(string)
	b := newTab(t, d.base, screen{})
	b.signIn("admin")
	b.open("/settings")
	follow := func(role, name string) {
		b.tabTo(role, name)
		b.leads(func() { b.key("Enter") })
	}
	follow("link", "Open Booking forms")
	follow("link", faceToFaceName)
	follow("link", "Add a field Contact details")
	b.tabTo("textbox", "Label")
	b.types("PO number")
	b.tabTo("checkbox", "Always required")
	b.key("Space")
	b.tabTo("checkbox", customer)
	b.key("Space")
	follow("button", "Save in the draft")
	b.sees("Saved in your draft.")
	b.sees("only for " + customer)
	b.tabTo("button", "↑ Move up PO number, 9 of 9")
	b.key("Enter")
	b.find("↑ Move up PO number, 8 of 9", "button")
	b.await("the button has the focus still", `document.activeElement.id === 'up-field-poNumber'`)
	b.reload()
	b.find("↑ Move up PO number, 8 of 9", "button") // the draft is kept
	if form := d.customer.get("/forms/face-to-face", admin).body; form["version"] != 1.0 {
		t.Errorf("before it is published the form has version %v", form["version"])
	}
	follow("button", "Publish")
	b.sees("Published.")

	c := newTab(t, d.base, screen{})
	c.signIn("requestor")
	toForm(c)
	fillBooking(c)
	c.expect(http.StatusUnprocessableEntity)
	c.leads(func() { c.click("button", "Book") })
	c.sees("PO number: This field is required.")
	c.fill("PO number", "PO-4711")
	c.leads(func() { c.click("button", "Book") })
	if job := d.customer.get("/jobs/" + c.booked()).body; job["fields"].(map[string]any)["poNumber"] != "PO-4711" || job["formVersion"] != 2.0 {
		t.Errorf("booked was %v of version %v", job["fields"], job["formVersion"])
	}
	other := d.as("requestor2")
	if form := other.see(other.get("/book/face-to-face").location()); len(form.named("fields.poNumber")) != 0 || len(form.named("fields.telephone")) != 1 {
		t.Error("another customer is asked for the number")
	}
}

// formEditor is an admin in the editor of a form, without script.
type formEditor struct {
	*browser
	path string
}

func (e formEditor) post(path string, values url.Values) *page {
	e.t.Helper()
	values.Set("key", uuid.NewString())
	return e.browser.post(e.path+path, values)
}

// rowsOf are the keys of an editor's parts of one kind, in order.
func (e formEditor) rowsOf(part string) (keys []string) {
	e.t.Helper()
	for _, n := range every(e.see(e.path).byID("form-parts"), func(n *html.Node) bool { return strings.HasPrefix(attr(n, "id"), part+"-") }) {
		if key := strings.TrimPrefix(attr(n, "id"), part+"-"); !strings.HasPrefix(key, "head-") {
			keys = append(keys, key)
		}
	}
	return keys
}

// TestLL14_FormsEditedWithoutScript: every part of a form is added, changed, moved and taken away in a draft; what is wrong is said beside its field and
// nothing typed is lost; nobody else meets the draft; published it is the next version, and the versions tell who changed what.
func TestLL14_FormsEditedWithoutScript(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "01/07/2030 09:00")
	e := formEditor{d.as("admin"), "/settings/forms/remote"}
	add := e.see(e.path + "/add/field?section=relevant")

	// Refused: a list without options, a rule on itself cannot even be chosen, a text too long.
	no := e.submit(add, "part", map[string][]string{"label": {"Recording"}, "kind": {"option"}, "help": {strings.Repeat("x", 4001)}, "when": {"platform=zoom", "", ""}})
	refused(t, no, http.StatusUnprocessableEntity)
	wants(t, no, "Name at least one option.", "At most 4000 characters.")
	for name, want := range map[string]string{"label": "Recording", "help": strings.Repeat("x", 4001)} {
		if got := valueOfControl(no, name); got != want {
			t.Errorf("after the refusal %s holds %.40q", name, got)
		}
	}
	saved := e.submit(no, "part", map[string][]string{"help": {"Is the call recorded?"}, "options": {"yes | It is recorded\nNo, it is not"}})
	if saved.status != http.StatusSeeOther {
		t.Fatalf("saving: %d %s", saved.status, saved.words())
	}
	if keys := e.rowsOf("field"); keys[len(keys)-1] != "recording" {
		t.Errorf("the field does not stand at the end of its section: %v", keys)
	}
	again := e.see(e.path + "/edit/field/recording")
	if got := valueOfControl(again, "options"); got != "yes | It is recorded\nno-it-is-not | No, it is not" {
		t.Errorf("the options read %q", got)
	}

	e.post("/move/field/recording", url.Values{"before": {"agencyNotes"}})
	e.post("/move/field/recording", url.Values{"before": {"agencyNotes"}}) // pressed twice
	keys := e.rowsOf("field")
	if i := slices.Index(keys, "recording"); keys[i+1] != "agencyNotes" {
		t.Errorf("moved, the fields are %v", keys)
	}
	e.post("/remove/field/precludedInterpreter", url.Values{})
	if section := e.submit(e.see(e.path+"/add/section"), "part", map[string][]string{"label": {"After the call"}}); section.status != http.StatusSeeOther {
		t.Fatalf("a section: %d %s", section.status, section.words())
	}
	e.submit(e.see(e.path+"/edit/notice/no-court-bookings"), "part", map[string][]string{"text": {"Courts book by themselves."}, "mandatory": {"yes"}})
	e.submit(e.see(e.path+"/details"), "part", map[string][]string{"name": {"Conference"}})

	// A draft with something missing is kept, says what, and is not published.
	e.post("/remove/field/language", url.Values{})
	faulty := e.see(e.path)
	wants(t, faulty, "Add the field “Language”: every form asks for it.")
	e.post("/publish", url.Values{})
	if v := d.customer.get("/forms/remote", signIn(t, d.base, "admin")).body["version"]; v != 1.0 {
		t.Errorf("a faulty draft was published as version %v", v)
	}
	back := e.submit(e.see(e.path+"/add/field?section=appointment"), "part", map[string][]string{"what": {"language"}, "label": {"Language required"}, "required": {"yes"}, "visibility": {"public"}})
	if back.status != http.StatusSeeOther {
		t.Fatalf("the language again: %d %s", back.status, back.words())
	}
	e.post("/move/field/language", url.Values{"before": {"alternativeLanguages"}})

	// Only its admin meets the draft; the preview shows it as a customer would fill it in.
	lacks(t, d.as("requestor").see("/book"), "Conference")
	preview := e.see(e.path + "/preview")
	wants(t, preview, "Recording", "Required if Platform for Remote Call is Zoom.", "Courts book by themselves.")
	jobs := d.jobs()
	tried := e.submit(preview, "preview", map[string][]string{"fields.platform": {"zoom"}})
	refused(t, tried, http.StatusUnprocessableEntity)
	wants(t, tried, "Recording: This field is required.", "Language required: This field is required.")
	if got := valueOfControl(tried, "fields.platform"); got != "zoom" {
		t.Errorf("the preview lost the platform: %q", got)
	}
	if d.jobs() != jobs {
		t.Error("the preview booked something")
	}

	wants(t, e.see(e.path), "Added: field Recording", "Removed: field Precluded interpreter ID", "Added: section After the call", "the form, name: “Remote Assignment”, now “Conference”")
	published := done(e.browser, e.post("/publish", url.Values{}), "form-published")
	wants(t, published, "Version 2", "Conference")
	versions := e.see(e.path + "/versions")
	wants(t, versions, "Version 2", "Version 1", "Added: field Recording", "Changed: notice Courts book by themselves.", "01/07/2030 09:00")
	wants(t, d.as("auditor").see(e.path), "Recording", "Version 2")
	if links := d.as("auditor").see(e.path).links(); slices.ContainsFunc(links, func(to string) bool { return strings.Contains(to, "/edit/") }) {
		t.Error("an auditor is led to change a form")
	}
	wants(t, d.as("requestor").see("/book"), "Conference")

	// A new form is a draft until it is published.
	begin := e.see("/settings/add-form")
	refused(t, e.submit(begin, "formnew", map[string][]string{"id": {"remote"}, "name": {""}, "prefix": {"1"}}), http.StatusUnprocessableEntity)
	begun := e.submit(begin, "formnew", map[string][]string{"id": {"on-site"}, "name": {"On site"}, "prefix": {"ons"}, "initial": {"new"}, "from": {"face-to-face"}})
	if begun.status != http.StatusSeeOther {
		t.Fatalf("a new form: %d %s", begun.status, begun.words())
	}
	wants(t, e.see("/settings/forms"), "On site", "not published yet")
	lacks(t, d.as("auditor").see("/settings/forms"), "On site")
	e.path = "/settings/forms/on-site"
	done(e.browser, e.post("/publish", url.Values{}), "form-published")
	if form := d.assigner.get("/forms/on-site", signIn(t, d.base, "admin")); form.body["prefix"] != "ONS" || form.body["version"] != 1.0 {
		t.Errorf("the new form is %v", form.body)
	}
	e.post("/remove/notice/no-court-bookings", url.Values{})
	done(e.browser, e.post("/discard", url.Values{}), "draft-discarded")
	if keys := e.rowsOf("notice"); !slices.Contains(keys, "no-court-bookings") {
		t.Errorf("the draft was thrown away, the notices are %v", keys)
	}
}

// TestLL14_TwoAdminsAtOneForm: what another admin published meanwhile is taken into the draft, and both changes stand.
func TestLL14_TwoAdminsAtOneForm(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "01/07/2030 09:00")
	admin := signIn(t, d.base, "admin")
	e := formEditor{d.as("admin"), "/settings/forms/standard"}
	e.submit(e.see(e.path+"/edit/field/consumer"), "part", map[string][]string{"help": {"Mine."}})
	e.submit(e.see(e.path+"/edit/field/jobDetails"), "part", map[string][]string{"label": {"My details"}})
	form := admin.get("/forms/standard").body
	fieldOf(t, form, "consumer")["help"] = "Theirs."
	fieldOf(t, form, "requestedBy")["label"] = "Booked by"
	stale := map[string]string{"If-Match": `"1"`}
	if r := admin.send("PUT", "/api/v1/forms/standard", form, stale); r.status != http.StatusNoContent || r.header.Get("ETag") != `"2"` {
		t.Fatalf("the other admin publishes: %d %s, %s", r.status, r.raw, r.header.Get("ETag"))
	}
	fieldOf(t, form, "requestedBy")["label"] = "Booked by whom"
	problemIs(t, "on version 1 once more", admin.send("PUT", "/api/v1/forms/standard", form, stale), http.StatusPreconditionFailed, "stale-revision")

	shown := e.post("/publish", url.Values{})
	wants(t, shown, "Somebody published version 2 meanwhile.", "yours stands", "“Theirs.”, now “Mine.”")
	if v := admin.get("/forms/standard").body["version"]; v != 2.0 {
		t.Errorf("it was published unseen as version %v", v)
	}
	done(e.browser, e.post("/publish", url.Values{}), "form-published")
	now := d.assigner.get("/forms/standard", admin).body
	if now["version"] != 3.0 || fieldOf(t, now, "consumer")["help"] != "Mine." || fieldOf(t, now, "jobDetails")["label"] != "My details" ||
		fieldOf(t, now, "requestedBy")["label"] != "Booked by" {
		t.Errorf("version %v: consumer %v, details %v, requested by %v", now["version"], fieldOf(t, now, "consumer")["help"], fieldOf(t, now, "jobDetails")["label"],
			fieldOf(t, now, "requestedBy")["label"])
	}
}

// valueOfControl is what an input, a list or a box of text on a page holds.
func valueOfControl(p *page, name string) string {
	p.t.Helper()
	n := p.named(name)[0]
	switch n.DataAtom {
	case atom.Textarea:
		return strings.TrimPrefix(rawText(n), "\n")
	case atom.Select:
		if o := first(n, func(n *html.Node) bool { return n.DataAtom == atom.Option && has(n, "selected") }); o != nil {
			return attr(o, "value")
		}
		return ""
	}
	return attr(n, "value")
}

// TestLL14_PressedTwice: a form that is begun, and a section, a field and a notice that are added, are there once however often the button was pressed;
// the same page sent with something else adds that too.
func TestLL14_PressedTwice(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "01/07/2030 09:00")
	admin := d.as("admin")
	twice := func(path, id string, values map[string][]string) {
		t.Helper()
		form := admin.see(path)
		for range 2 {
			if saved := admin.submit(form, id, values); saved.status != http.StatusSeeOther {
				t.Fatalf("%s: %d %s", path, saved.status, saved.words())
			}
		}
	}
	twice("/settings/add-form", "formnew", map[string][]string{"id": {"twice"}, "name": {"Twice"}, "prefix": {"TWI"}, "from": {"standard"}})
	e := formEditor{admin, "/settings/forms/twice"}
	before := map[string]int{}
	for _, part := range []string{"section", "field", "notice"} {
		before[part] = len(e.rowsOf(part))
	}
	twice(e.path+"/add/section", "part", map[string][]string{"label": {"After the visit"}})
	twice(e.path+"/add/field?section=requestor", "part", map[string][]string{"label": {"Ward"}, "fieldKey": {"ward"}})
	twice(e.path+"/add/notice", "part", map[string][]string{"text": {"Read me."}})
	for part, n := range before {
		if keys := e.rowsOf(part); len(keys) != n+1 {
			t.Errorf("added twice, the parts of the kind %s are %v", part, keys)
		}
	}
	form := e.see(e.path + "/add/section")
	for _, label := range []string{"One", "Two"} {
		e.submit(form, "part", map[string][]string{"label": {label}})
	}
	if keys := e.rowsOf("section"); !slices.Contains(keys, "one") || !slices.Contains(keys, "two") {
		t.Errorf("after another label was sent the sections are %v", keys)
	}
}

// TestLL14_TwoAdminsBeginOneForm: a draft of a new form meets what somebody else published under its id: nothing of either is lost unsaid.
func TestLL14_TwoAdminsBeginOneForm(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "01/07/2030 09:00")
	admin := signIn(t, d.base, "admin")
	e := formEditor{d.as("admin"), "/settings/forms/clinic"}
	e.submit(e.see("/settings/add-form"), "formnew", map[string][]string{"id": {"clinic"}, "name": {"My clinic"}, "prefix": {"CLI"}, "from": {"standard"}})
	form := admin.get("/forms/standard").body
	form["id"], form["name"], form["prefix"] = "clinic", "Their clinic", "CLI"
	asked(form, "bed", "Bed", nil)
	admin.do("PUT", "/forms/clinic", form)
	form["name"] = "Their clinic, changed"
	admin.do("PUT", "/forms/clinic", form)
	admin.get("/forms/clinic")
	shown := e.post("/publish", url.Values{})
	wants(t, shown, "Somebody published version 2 meanwhile.", "“Their clinic, changed”, now “My clinic”")
	if keys := e.rowsOf("field"); !slices.Contains(keys, "bed") {
		t.Errorf("their field is gone: %v", keys)
	}
	done(e.browser, e.post("/publish", url.Values{}), "form-published")
	now := d.assigner.get("/forms/clinic", admin).body
	if now["version"] != 3.0 || now["name"] != "My clinic" || fieldOf(t, now, "bed")["label"] != "Bed" {
		t.Errorf("version %v of %v: %v", now["version"], now["name"], fieldOf(t, now, "bed"))
	}
}

// TestLL14_TheEditorBeforeAndAfterADraft: the box of the draft is there to be filled before there is a draft, and the auditor tries a form too.
func TestLL14_TheEditorBeforeAndAfterADraft(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "01/07/2030 09:00")
	if box := d.as("admin").see("/settings/forms/standard").byID("draft-box"); box == nil || box.FirstChild != nil {
		t.Error("without a draft there is no empty box for one")
	}
	auditor := d.as("auditor")
	tried := auditor.submit(auditor.see("/settings/forms/standard/preview"), "preview", map[string][]string{"language": {""}})
	refused(t, tried, http.StatusUnprocessableEntity)

	b := newTab(t, d.base, screen{})
	b.signIn("admin")
	b.open("/settings/forms/standard")
	b.tabTo("button", "↓ Move down Client, 1 of 4")
	b.key("Enter")
	b.sees("Your draft")
}
