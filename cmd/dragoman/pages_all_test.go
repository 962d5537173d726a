package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// sight is a page as somebody sees it: the page of one route, opened by one user, and brought into one of its states.
type sight struct {
	route string // as web/routes.go has it
	name  string // of its picture
	who   string // user of the demo; empty: nobody is signed in
	path  string
	do    func(*tab) // brings the page into its state, and back into it; nil: as it opens
	shows string     // selector of what is seen in that state alone; empty: it does not go away by itself
}

// notPages are the routes that answer with something else than a page.
var notPages = []string{"/assets/*", "/look.css", "/logo", "/jobs.csv", "/calendar.json", "/job"}

// world is the full demo with one of everything that pages are about.
type world struct {
	t    testing.TB
	base string
	api  map[string]*client
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return &world{t: t, base: startInProcess(t, "demo", "--data", t.TempDir(), "--database-url", postgres.TestURL(t)), api: map[string]*client{}}
}

func (w *world) as(who string) *client {
	w.t.Helper()
	if w.api[who] == nil {
		w.api[who] = signIn(w.t, w.base, who)
	}
	return w.api[who]
}

// first is the id of the first thing of a list.
func (w *world) first(who, list string) string {
	w.t.Helper()
	items := w.as(who).get(list).items()
	if len(items) == 0 {
		w.t.Fatalf("%s finds nothing in %s", who, list)
	}
	id, _ := items[0]["id"].(string)
	return id
}

// opens opens the first thing on the page that opens, by what it is called.
func opens(name string) func(*tab) { return func(b *tab) { b.click("summary", name) } }

// refuses sends the first form that matches as it stands, past the browser's own checks, and expects it back with what is wrong.
func refuses(form string) func(*tab) {
	return func(b *tab) {
		b.expect(http.StatusUnprocessableEntity)
		b.leads(func() {
			b.eval(`{ const form = document.querySelector(`+quoted(form)+`); form.noValidate = true; form.requestSubmit(form.querySelector('.btn-primary:not([formmethod]), .btn-danger') ?? form.querySelector('[type=submit]')) }`, nil)
		})
		b.await("the form is refused", `document.getElementById('refusal') || document.querySelector('[role=alert]')`)
	}
}

// sights are all pages of the portal, each as the roles that work with it see it, and the states that a page as it opens does not show.
func (w *world) sights() []sight {
	w.t.Helper()
	now := time.Now().UTC()
	day := func(days int) string { return now.AddDate(0, 0, days).Format("2006-01-02") }
	location := w.first("requestor", "/locations")
	book := func(start string, change ...func(map[string]any)) string {
		body := faceToFace(location, start, 90)
		for _, c := range change {
			c(body)
		}
		made := w.as("requestor").do("POST", "/bookings", body)
		return made.body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
	}
	// Two jobs ahead and three that were, for the requestor and the interpreter; the demo has the rest.
	offered, theirs := book(day(50)+"T10:00"), book(day(51)+"T10:00")
	pair := book(day(52)+"T10:00", func(b map[string]any) { b["interpretersRequested"] = 2 })
	closing, hours, submitted := book(day(1)+"T03:00"), book(day(1)+"T05:00"), book(day(1)+"T07:00") // hours that every day has once
	staff, customer := w.as("assigner"), w.as("requestor")
	staff.get("/jobs/"+submitted, customer)
	staff.job(offered, "send-offer", map[string]any{"interpreters": []string{lin1, lin2}})
	for _, ref := range []string{theirs, closing, hours, submitted} {
		staff.job(ref, "assign", map[string]any{"interpreter": lin1})
	}
	customer.get("/jobs/"+submitted, staff)
	customer.clock(now.AddDate(0, 0, 1).Format("02/01/2006") + " 18:00")
	customer.job(submitted, "submit-timesheet", map[string]any{"blocks": []map[string]any{{"start": day(1) + "T07:00", "end": day(1) + "T08:30"}}})
	for _, who := range []string{"assigner", "interpreter", "auditor", "finance"} {
		for _, path := range []string{"/jobs/" + submitted, "/jobs/" + theirs + "/activity"} {
			w.as(who).get(path, customer, staff)
		}
	}
	completed := w.as("requestor").get("/jobs?list=completed&limit=1").items()[0]["ref"].(string)
	ana, organisation := idOf(lin1), w.first("admin", "/customers")
	client := w.first("admin", "/clients?customer="+organisation)
	place := w.first("admin", "/locations?customer="+organisation)
	user := w.first("admin", "/users")
	issue, invoice := w.invoice()
	link := w.newcomer()
	language := "/settings/languages/pl"

	var all []sight
	add := func(who, route, path, name string, do func(*tab)) {
		all = append(all, sight{route: route, name: who + "-" + name, who: who, path: path, do: do})
	}
	// Nobody is signed in.
	add("", "/sign-in", "/sign-in", "sign-in", nil)
	add("", "/sign-in", "/sign-in", "sign-in-wrong", func(b *tab) {
		b.expect(http.StatusUnauthorized)
		b.fill("User name, e-mail or PIN", "nobody")
		b.fill("Password", "wrong")
		b.leads(func() { b.click("button", "Sign in") })
	})
	add("", "/password-link", link, "password-link", nil)
	add("", "/password-link", link, "password-link-refused", refuses("main form"))
	add("", "/password-link", "/password-link?token=none", "password-link-dead", nil)

	// A requestor books, follows, changes and closes.
	add("requestor", "/", "/", "home", nil)
	add("requestor", "/account", "/account", "account", nil)
	add("requestor", "/account/password", "/account/password", "password", nil)
	add("requestor", "/account/password", "/account/password", "password-refused", refuses("main form"))
	add("requestor", "/book", "/book", "choose", nil)
	add("requestor", "/book/{form}", "/book/face-to-face", "book", nil)
	add("requestor", "/book/{form}", "/book/face-to-face", "book-refused", refuses("main form[method=post]"))
	add("requestor", "/book/{form}", "/book/remote", "book-remote", nil)
	add("requestor", "/jobs", "/jobs", "grid", nil)
	add("requestor", "/jobs", "/jobs", "grid-columns", opens("Columns"))
	add("requestor", "/jobs", "/jobs?q=nothing-is-called-so", "grid-empty", nil)
	add("requestor", "/jobs", "/jobs?list=upcoming", "list", nil)
	shows := func(what string) { all[len(all)-1].shows = what }
	add("requestor", "/jobs", "/jobs", "grid-menu", func(b *tab) {
		b.eval(`document.querySelector('.row-menu > summary').click()`, nil)
		b.await("the menu is filled, and ends where its button does", `document.querySelector('.row-menu[data-filled]') &&
			Math.abs(document.querySelector('.row-menu .dropdown-menu').getBoundingClientRect().right - document.querySelector('.row-menu').getBoundingClientRect().right) < 2`)
	})
	shows(".row-menu .dropdown-menu")
	add("requestor", "/jobs", "/jobs?list=completed&page=2", "list-second", nil)
	for _, view := range []string{"month", "week", "day", "agenda"} {
		add("requestor", "/calendar", "/calendar?view="+view+"&date="+day(1), "calendar-"+view, drawn)
	}
	add("requestor", "/calendar", "/calendar?view=day&date=2001-01-01", "calendar-empty", nil)
	add("requestor", "/calendar", "/calendar?view=month&date="+day(1), "calendar-note", func(b *tab) {
		drawn(b)
		b.eval(`document.activeElement.blur(); document.querySelector('#cal-drawn .cal-event').focus()`, nil)
		b.await("the note shows", `document.getElementById('cal-note')`)
	})
	shows("#cal-note")
	add("requestor", "/calendar", "/calendar?view=month&date="+day(1), "calendar-menu", func(b *tab) {
		drawn(b)
		b.eval(`document.querySelector('#cal-drawn .cal-event').click()`, nil)
		b.await("the menu is filled", `document.querySelectorAll('.cal-menu .dropdown-item').length > 1`)
	})
	shows(".cal-menu")
	add("requestor", "/jobs/{ref}", "/jobs/"+theirs, "job", nil)
	add("requestor", "/jobs/{ref}", "/jobs/"+theirs+"?done=edit", "job-toast", nil)
	add("requestor", "/jobs/{ref}", "/jobs/"+completed, "job-complete", nil)
	add("requestor", "/jobs/{ref}", "/jobs/NOPE1", "job-unknown", nil)
	add("requestor", "/jobs/{ref}/actions", "/jobs/"+theirs+"/actions", "actions", nil)
	add("requestor", "/jobs/{ref}/activity", "/jobs/"+completed+"/activity", "activity", nil)
	add("requestor", "/jobs/{ref}/messages", "/jobs/"+theirs+"/messages", "messages", nil)
	add("requestor", "/jobs/{ref}/messages", "/jobs/"+theirs+"/messages", "messages-refused", refuses("main form[method=post]"))
	add("requestor", "/jobs/{ref}/edit", "/jobs/"+theirs+"/edit", "edit", nil)
	add("requestor", "/jobs/{ref}/follow-up", "/jobs/"+theirs+"/follow-up", "follow-up", nil)
	add("requestor", "/jobs/{ref}/follow-up", "/jobs/"+theirs+"/follow-up", "follow-up-refused", refuses("main form[method=post]"))
	add("requestor", "/jobs/{ref}/duplicate", "/jobs/"+theirs+"/duplicate", "duplicate", nil)
	add("requestor", "/jobs/{ref}/recurring", "/jobs/"+theirs+"/recurring", "recurring", nil)
	add("assigner", "/jobs/{ref}/make-recurring", "/jobs/"+offered+"/make-recurring", "make-recurring", nil)
	add("assigner", "/jobs/{ref}/make-recurring", "/jobs/"+offered+"/make-recurring", "make-recurring-refused", func(b *tab) {
		b.fill("Recurrence starts on", day(52))
		b.await("the move is warned of", `document.getElementById('repeat-acknowledged')`)
		refuses("#repeat")(b)
	})
	add("requestor", "/jobs/{ref}/cancel", "/jobs/"+theirs+"/cancel", "cancel", nil)
	add("requestor", "/jobs/{ref}/cancel", "/jobs/"+theirs+"/cancel", "cancel-refused", refuses("main form[method=post]"))
	looks := func(button string) func(*tab) {
		return func(b *tab) {
			b.click("radio", "All related jobs")
			if button != "" {
				b.fill(button, "Desk 7, second floor")
			}
			b.leads(func() { b.eval(`document.querySelector('main form [name=preview]').click()`, nil) })
			b.sees("What would change")
		}
	}
	add("requestor", "/jobs/{ref}/edit", "/jobs/"+pair+"/edit", "edit-preview", looks("Interpreter should report to"))
	add("assigner", "/jobs/{ref}/cancel", "/jobs/"+pair+"/cancel", "cancel-preview", looks("Authorised By"))
	twins := book(day(53)+"T10:00", func(b map[string]any) { b["interpretersRequested"] = 2 })
	customer.job(twins, "edit", map[string]any{"scope": "all", "fields": map[string]any{"reportTo": "Gate house"}})
	staff.get("/jobs/"+twins, customer)
	add("requestor", "/jobs/{ref}", "/jobs/"+twins, "job-undo", nil)
	add("requestor", "/jobs/{ref}/timesheet", "/jobs/"+hours+"/timesheet", "timesheet", nil)
	add("requestor", "/invoices", "/invoices", "invoices", nil)
	add("customer-admin", "/", "/", "home", nil)
	add("customer-admin", "/users", "/users", "users", nil)
	add("customer-admin", "/users/new", "/users/new", "user-new", nil)
	add("customer-admin", "/customers/{id}", "/customers/"+w.first("customer-admin", "/customers"), "organisation", nil)

	// An assigner works through the queue.
	add("assigner", "/", "/", "home", nil)
	add("assigner", "/", "/", "home-menu", func(b *tab) {
		if b.phone {
			b.click("summary", "Menu")
		} else {
			b.click("summary", "Jobs")
		}
	})
	add("assigner", "/queue", "/queue", "queue", nil)
	add("assigner", "/queue", "/queue?show=mine", "queue-mine", nil)
	add("assigner", "/jobs", "/jobs", "grid", nil)
	add("assigner", "/jobs", "/jobs?list=unassigned", "list", nil)
	add("assigner", "/calendar", "/calendar", "calendar", nil)
	add("assigner", "/jobs/{ref}", "/jobs/"+offered, "job-offered", nil)
	add("assigner", "/jobs/{ref}", "/jobs/"+theirs, "job-assigned", nil)
	add("assigner", "/jobs/{ref}/send-offer", "/jobs/"+offered+"/send-offer", "send-offer", nil)
	add("assigner", "/jobs/{ref}/send-offer", "/jobs/"+offered+"/send-offer", "send-offer-refused", refuses("main form[method=post]"))
	add("assigner", "/jobs/{ref}/assign", "/jobs/"+offered+"/assign", "assign", nil)
	add("assigner", "/jobs/{ref}/accept-offer", "/jobs/"+offered+"/accept-offer?interpreter="+ana, "accept-offer", nil)
	add("assigner", "/jobs/{ref}/decline-offer", "/jobs/"+offered+"/decline-offer?interpreter="+ana, "decline-offer", nil)
	add("assigner", "/jobs/{ref}/unassign", "/jobs/"+theirs+"/unassign", "unassign", nil)
	add("assigner", "/jobs/{ref}/unassign", "/jobs/"+theirs+"/unassign", "unassign-refused", refuses("main form[method=post]"))
	add("assigner", "/jobs/{ref}/propose-eta", "/jobs/"+theirs+"/propose-eta", "propose-eta", nil)
	add("assigner", "/jobs/{ref}/change-eta", "/jobs/"+theirs+"/change-eta", "change-eta", nil)
	add("assigner", "/jobs/{ref}/log-contact", "/jobs/"+offered+"/log-contact", "log-contact", nil)
	add("assigner", "/jobs/{ref}/log-contact", "/jobs/"+offered+"/log-contact", "log-contact-refused", refuses("main form[method=post]"))
	add("assigner", "/jobs/{ref}/close", "/jobs/"+closing+"/close", "close", nil)
	add("assigner", "/jobs/{ref}/close", "/jobs/"+closing+"/close", "close-refused", func(b *tab) {
		b.choose("Outcome", "Not fulfilled")
		refuses("main form[method=post]")(b)
	})
	add("assigner", "/jobs/{ref}/edit", "/jobs/"+offered+"/edit", "edit", nil)
	add("assigner", "/jobs/{ref}/edit", "/jobs/"+offered+"/edit", "edit-refused", func(b *tab) {
		b.fill("Officer in the case", "")
		refuses("main form[method=post]")(b)
	})
	add("assigner", "/jobs/{ref}/timesheet", "/jobs/"+hours+"/timesheet", "timesheet", nil)
	add("assigner", "/jobs/{ref}/messages", "/jobs/"+offered+"/messages", "messages", nil)
	add("assigner", "/interpreters", "/interpreters", "interpreters", nil)
	add("assigner", "/interpreters", "/interpreters?filter%5Bname%5D=nobody+at+all", "interpreters-empty", nil)
	add("assigner", "/interpreters/{id}", "/interpreters/"+ana, "interpreter", nil)

	unfolded := func(b *tab) {
		b.eval(`document.querySelectorAll('fieldset > details, #send-offer li:first-child details, #assign li:first-child details').forEach((d) => { d.open = true })`, nil)
	}
	// What the demo has of the rarer things: a request, an answer with another fee, a set whose change was taken back, a customer's own form.
	requested, countered, undone := w.waiting("assigner", "confirm"), w.waiting("assigner", "answer-counter"), w.related("requestor")
	add("assigner", "/jobs/{ref}", "/jobs/"+requested, "job-requested", nil)
	add("assigner", "/jobs/{ref}", "/jobs/"+countered, "job-countered", nil)
	add("assigner", "/jobs/{ref}/send-offer", "/jobs/"+undone+"/send-offer", "send-offer-others", unfolded)
	add("assigner", "/jobs/{ref}/assign", "/jobs/"+undone+"/assign", "assign-why", unfolded)
	add("requestor", "/jobs/{ref}/recurring", "/jobs/"+undone+"/recurring", "recurring-set", nil)
	add("requestor", "/jobs/{ref}/activity", "/jobs/"+undone+"/activity", "activity-undone", nil)
	add("requestor2", "/book/{form}", "/book/clinic", "book-own-form", nil)
	add("requestor2", "/jobs/{ref}/edit", "/jobs/"+w.waiting("requestor2", "send-offer")+"/edit", "edit-window", nil)

	// An interpreter answers, attends and agrees the hours.
	add("interpreter", "/", "/", "home", nil)
	add("interpreter", "/offers", "/offers", "offers", nil)
	add("interpreter", "/offers", "/offers", "offers-decline", func(b *tab) { b.eval(`document.querySelector('main article details > summary').click()`, nil) })
	add("interpreter", "/my-jobs", "/my-jobs", "my-jobs", nil)
	add("interpreter", "/timesheets", "/timesheets", "timesheets", nil)
	add("interpreter", "/diary", "/diary", "diary", nil)
	add("interpreter", "/availability", "/availability", "availability", nil)
	add("interpreter", "/feeds", "/feeds", "feeds", nil)
	add("interpreter", "/feeds", "/feeds", "feeds-made", func(b *tab) { b.leads(func() { b.click("button", "Make a feed") }) })
	add("interpreter", "/jobs/{ref}/counter-offer", "/jobs/"+offered+"/counter-offer", "counter-offer", nil)
	add("interpreter", "/jobs/{ref}/counter-offer", "/jobs/"+offered+"/counter-offer", "counter-offer-refused", refuses("#counter-offer"))
	add("interpreter", "/calendar", "/calendar", "calendar", nil)
	add("interpreter", "/jobs/{ref}", "/jobs/"+offered, "job-offered", nil)
	add("interpreter", "/jobs/{ref}", "/jobs/"+theirs, "job", nil)
	add("interpreter", "/jobs/{ref}/accept-offer", "/jobs/"+offered+"/accept-offer", "accept-offer", nil)
	add("interpreter", "/jobs/{ref}/decline-offer", "/jobs/"+offered+"/decline-offer", "decline-offer", nil)
	add("interpreter", "/jobs/{ref}/timesheet", "/jobs/"+submitted+"/timesheet", "timesheet", nil)
	add("interpreter", "/jobs/{ref}/unassign", "/jobs/"+theirs+"/unassign", "unassign", nil)

	// An auditor reads.
	add("auditor", "/", "/", "home", nil)
	add("auditor", "/jobs/{ref}", "/jobs/"+theirs, "job", nil)
	add("auditor", "/jobs/{ref}/history", "/jobs/"+completed+"/history", "history", nil)
	add("auditor", "/jobs/{ref}", "/jobs/"+completed+"?moment=1", "job-then", nil)

	// Finance bills.
	add("finance", "/", "/", "home", nil)
	add("finance", "/invoices", "/invoices", "invoices", nil)
	add("finance", "/invoices/issue", issue, "issue", nil)
	add("finance", "/invoices/issue/check", issue, "issue-check", func(b *tab) {
		b.leads(func() {
			b.eval(`document.querySelector('main form[action="/invoices/issue/check"]').requestSubmit()`, nil)
		})
	})
	add("finance", "/invoices/{id}", invoice, "invoice", nil)

	// An admin looks after everything.
	add("admin", "/", "/", "home", nil)
	add("admin", "/interpreters/new", "/interpreters/new", "interpreter-new", nil)
	add("admin", "/interpreters/new", "/interpreters/new", "interpreter-refused", refuses("main form[method=post]"))
	add("admin", "/interpreters/{id}/change", "/interpreters/"+ana+"/change", "interpreter-change", nil)
	add("admin", "/customers", "/customers", "customers", nil)
	add("admin", "/customers/new", "/customers/new", "customer-new", nil)
	add("admin", "/customers/new", "/customers/new", "customer-refused", refuses("main form[method=post]"))
	add("admin", "/customers/{id}", "/customers/"+organisation, "customer", nil)
	add("admin", "/customers/{id}/change", "/customers/"+organisation+"/change", "customer-change", nil)
	add("admin", "/customers/{id}/clients/new", "/customers/"+organisation+"/clients/new", "client-new", nil)
	add("admin", "/customers/{id}/clients/{client}/change", "/customers/"+organisation+"/clients/"+client+"/change", "client-change", nil)
	add("admin", "/customers/{id}/locations/new", "/customers/"+organisation+"/locations/new", "location-new", nil)
	add("admin", "/customers/{id}/locations/{location}/change", "/customers/"+organisation+"/locations/"+place+"/change", "location-change", nil)
	add("admin", "/users", "/users", "users", nil)
	add("admin", "/users/new", "/users/new", "user-new", nil)
	add("admin", "/users/new", "/users/new", "user-refused", refuses("main form[method=post]"))
	add("admin", "/users/{id}", "/users/"+user, "user", nil)
	add("admin", "/users/{id}/change", "/users/"+user+"/change", "user-change", nil)
	add("admin", "/users/{id}/link", "/users/"+user+"/link", "user-link", nil)
	add("admin", "/settings", "/settings", "settings", nil)
	add("admin", "/settings/languages", "/settings/languages", "languages", nil)
	add("admin", "/settings/languages/{code}", language, "language", nil)
	add("admin", "/settings/add-language", "/settings/add-language", "language-new", nil)
	add("admin", "/settings/add-language", "/settings/add-language", "language-refused", refuses("main form[method=post]"))
	add("admin", "/settings/forms", "/settings/forms", "forms", nil)
	add("admin", "/settings/add-form", "/settings/add-form", "form-new", nil)
	add("admin", "/settings/add-form", "/settings/add-form", "form-new-refused", refuses("main form[method=post]"))
	const form = "/settings/forms/face-to-face"
	chief := browse(w.t, w.base, "admin")
	for _, gone := range []string{"billTo", "officerPhone"} { // a draft with something to correct
		chief.post("/settings/forms/remote/remove/field/"+gone, url.Values{"key": {uuid.NewString()}})
	}
	add("admin", "/settings/forms/{form}", form, "form", nil)
	add("auditor", "/settings/forms/{form}", form, "form", nil)
	add("admin", "/settings/forms/{form}", "/settings/forms/remote", "form-draft", nil)
	add("admin", "/settings/forms/{form}/versions", form+"/versions", "form-versions", nil)
	add("admin", "/settings/forms/{form}/preview", form+"/preview", "form-preview", nil)
	add("admin", "/settings/forms/{form}/preview", form+"/preview", "form-tried", refuses("#preview"))
	add("admin", "/settings/forms/{form}/details", form+"/details", "form-details", nil)
	add("admin", "/settings/forms/{form}/add/{part}", form+"/add/field?section=contact", "form-field-new", nil)
	add("admin", "/settings/forms/{form}/add/{part}", form+"/add/field?section=contact", "form-field-refused", refuses("#part"))
	add("admin", "/settings/forms/{form}/edit/{part}/{key}", form+"/edit/field/offenceCategory", "form-field", nil)
	add("admin", "/settings/forms/{form}/edit/{part}/{key}", form+"/edit/section/custody", "form-section", nil)
	add("admin", "/settings/forms/{form}/edit/{part}/{key}", form+"/edit/notice/read-before-you-book", "form-notice", nil)
	add("admin", "/settings/numbering", "/settings/numbering", "numbering", nil)
	add("admin", "/settings/postcodes", "/settings/postcodes", "postcodes", nil)
	add("admin", "/settings/postcodes", "/settings/postcodes", "postcodes-refused", refuses("main form[method=post]"))
	add("admin", "/settings/windows", "/settings/windows", "windows", nil)
	add("admin", "/settings/waves", "/settings/waves", "waves", nil)
	add("admin", "/settings/holidays", "/settings/holidays?year=2022", "holidays", nil)
	add("admin", "/customers/{id}/windows", "/customers/"+organisation+"/windows", "customer-windows", nil)
	for _, path := range w.sections() {
		add("admin", "/settings/{section}", path, "settings-"+strings.TrimPrefix(path, "/settings/"), nil)
	}
	add("admin", "/notices", "/notices", "notices", nil)
	add("admin", "/status", "/status", "status", nil)
	add("safeguarding", "/", "/", "home", nil)
	add("analyst", "/", "/", "home", nil)
	add("analyst", "/jobs", "/jobs", "grid", nil)
	return all
}

// waiting is the last job in person that somebody sees of which this is to be done next.
func (w *world) waiting(who, step string) string {
	w.t.Helper()
	for _, job := range w.as(who).get("/jobs?sort=-start&limit=500").items() {
		if job["nextStep"] == step && job["serviceType"] == "face-to-face" {
			return job["ref"].(string)
		}
	}
	w.t.Fatalf("no job waits for %s", step)
	return ""
}

// related is the first job of the largest booking that somebody sees.
func (w *world) related(who string) (ref string) {
	w.t.Helper()
	jobs := map[string][]string{}
	for _, job := range w.as(who).get("/jobs?list=upcoming&sort=start&limit=500").items() {
		of := job["bookingRef"].(string)
		jobs[of] = append(jobs[of], job["ref"].(string))
	}
	most := 0
	for _, refs := range jobs {
		if len(refs) > most {
			ref, most = refs[0], len(refs)
		}
	}
	return ref
}

// drawn waits until the calendar has drawn its jobs.
func drawn(b *tab) {
	if strings.Contains(b.path(), "view=agenda") || b.phone && strings.Contains(b.path(), "view=week") {
		return // that is a list
	}
	b.await("the calendar is drawn", `document.querySelector('#cal-drawn .cal-event')`)
}

// linkTo is the first link of a page that begins so.
func linkTo(p *page, prefix string) string {
	p.t.Helper()
	for _, to := range p.links() {
		if strings.HasPrefix(to, prefix) {
			return to
		}
	}
	p.t.Fatalf("%s has no link to %s", p.path, prefix)
	return ""
}

// invoice bills a customer's first drafts and leaves others: the page to choose from, and the invoice's.
func (w *world) invoice() (choose, invoice string) {
	w.t.Helper()
	finance := browse(w.t, w.base, "finance")
	choose = linkTo(finance.see("/invoices"), "/invoices/issue?customer=")
	page := finance.see(choose)
	var jobs []string
	for _, box := range page.named("jobs") {
		jobs = append(jobs, attr(box, "value"))
	}
	if len(jobs) < 2 {
		w.t.Fatalf("there are %d drafts, too few to bill one", len(jobs))
	}
	check := finance.submit(page, "issue", map[string][]string{"jobs": jobs[:1]})
	return choose, strings.Split(done(finance, finance.submit(check, "issue", nil), "issue-invoice").path, "?")[0]
}

// newcomer adds a user and returns the path of the link that the newcomer gets.
func (w *world) newcomer() string {
	w.t.Helper()
	chief := browse(w.t, w.base, "customer-admin")
	made := done(chief, chief.submit(chief.see("/users/new"), "user", map[string][]string{"name": {"Nell Frost"}, "username": {"nell"}, "email": {"nell@police.example"}}), "create-user")
	return strings.TrimPrefix(attr(made.byID("one-time-link"), "value"), w.base)
}

// sections are the pages of the agency's settings.
func (w *world) sections() (paths []string) {
	w.t.Helper()
	known := []string{"/settings/languages", "/settings/numbering", "/settings/add-language", "/settings/forms", "/settings/postcodes", "/settings/windows", "/settings/holidays", "/settings/waves"}
	for _, to := range browse(w.t, w.base, "admin").see("/settings").links() {
		if strings.HasPrefix(to, "/settings/") && !slices.Contains(known, to) && !slices.Contains(paths, to) {
			paths = append(paths, to)
		}
	}
	return paths
}
