package web

import (
	"net/http"

	"github.com/go-chi/chi/v5"
)

// routes are all pages of the portal on one page.
func (p *Portal) routes(r chi.Router) {
	r.Handle("/assets/*", p.assets)
	r.Get("/look.css", p.open(p.look))
	r.Get("/logo", p.open(p.logo))
	r.Get("/sign-in", p.open(p.signIn))
	r.Post("/sign-in", p.open(p.doSignIn))
	r.Post("/sign-out", p.page(p.signOut))
	r.Get("/account", p.page(p.account))
	r.Post("/account/theme", p.page(p.chooseTheme))
	r.Get(passwordPath, p.page(p.password))
	r.Post(passwordPath, p.page(p.changePassword))

	r.Get("/book", p.page(p.book))
	r.Get("/book/{form}", p.page(p.bookForm))
	r.Post("/book/{form}", p.page(p.doBook))
	r.Get("/jobs/{ref}/edit", p.page(p.edit))
	r.Post("/jobs/{ref}/edit", p.page(p.doEdit))
	for _, command := range []string{"follow-up", "duplicate"} {
		r.Get("/jobs/{ref}/"+command, p.page(p.again(command)))
		r.Post("/jobs/{ref}/"+command, p.page(p.doAgain(command)))
	}
	r.Get("/jobs/{ref}/make-recurring", p.page(p.repeat))
	r.Post("/jobs/{ref}/make-recurring", p.page(p.doRepeat))
	r.Get("/jobs/{ref}/recurring", p.page(p.recurring))

	r.Get("/", p.page(p.home))
	r.Get("/job", p.page(p.findJob)) // the header's Job Reference box

	r.Get("/jobs/{ref}", p.page(p.job))
	r.Get("/jobs/{ref}/activity", p.page(p.activity))
	r.Get("/jobs/{ref}/messages", p.page(p.messages))
	r.Get("/jobs/{ref}/timesheet", p.page(p.timesheet))
	r.Get("/jobs/{ref}/history", p.page(p.history))
	p.officeRoutes(r)
	p.actionRoutes(r) // POST /jobs/{ref}/{command}, and GET where a command asks for values
	r.Get("/jobs", p.page(p.jobs))
	r.Get("/jobs.csv", p.page(p.jobsCSV))
	r.Post("/jobs/columns", p.page(p.chooseColumns))
	r.Get("/jobs/{ref}/actions", p.page(p.jobActions))
	r.Get("/queue", p.page(p.queue))
	r.Get("/calendar", p.page(p.calendar))
	r.Get("/calendar.json", p.page(p.calendarJSON))
}

// Routes are method and pattern of every route of the portal, each list and table of which is held against them.
func Routes() (all [][2]string) {
	r := chi.NewRouter()
	(&Portal{}).routes(r)
	_ = chi.Walk(r, func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error { // this never fails
		all = append(all, [2]string{method, pattern})
		return nil
	})
	return all
}

// officeRoutes are the interpreter's own place, the directory, bills, settings and the read models.
func (p *Portal) officeRoutes(r chi.Router) {
	r.Get(passwordLinkPath, p.open(p.passwordLink))
	r.Post(passwordLinkPath, p.open(p.choosePassword))

	r.Get("/offers", p.page(p.offers))
	r.Post("/offers/{ref}/accept", p.page(p.answerOffer("accept-offer")))
	r.Post("/offers/{ref}/decline", p.page(p.answerOffer("decline-offer")))
	r.Get("/my-jobs", p.page(p.myJobs))
	r.Get("/timesheets", p.page(p.hours))
	r.Get("/diary", p.page(p.diary))
	r.Get("/availability", p.page(p.availability))
	r.Post("/availability", p.page(p.setAvailability))
	r.Get("/feeds", p.page(p.feeds))
	r.Post("/feeds", p.page(p.makeFeed))
	r.Post("/feeds/{id}/revoke", p.page(p.revokeFeed))

	r.Get("/interpreters", p.page(p.interpreters))
	r.Get("/interpreters/new", p.page(p.newInterpreter))
	r.Post("/interpreters/new", p.page(p.registerInterpreter))
	r.Get("/interpreters/{id}", p.page(p.interpreter))
	r.Get("/interpreters/{id}/change", p.page(p.editInterpreter))
	r.Post("/interpreters/{id}/change", p.page(p.changeInterpreter))
	r.Post("/interpreters/{id}/suspend", p.page(p.suspend))
	r.Post("/interpreters/{id}/reinstate", p.page(p.reinstate))

	r.Get("/customers", p.page(p.customers))
	r.Get("/customers/new", p.page(p.newCustomer))
	r.Post("/customers/new", p.page(p.createCustomer))
	r.Get("/customers/{id}", p.page(p.customer))
	r.Get("/customers/{id}/change", p.page(p.editCustomer))
	r.Post("/customers/{id}/change", p.page(p.changeCustomer))
	r.Get("/customers/{id}/windows", p.page(p.customerWindows))
	r.Post("/customers/{id}/windows", p.page(p.setCustomerWindows))
	r.Get("/customers/{id}/clients/new", p.page(p.newClient))
	r.Post("/customers/{id}/clients/new", p.page(p.addClient))
	r.Get("/customers/{id}/clients/{client}/change", p.page(p.editClient))
	r.Post("/customers/{id}/clients/{client}/change", p.page(p.changeClient))
	r.Get("/customers/{id}/locations/new", p.page(p.newLocation))
	r.Post("/customers/{id}/locations/new", p.page(p.addLocation))
	r.Get("/customers/{id}/locations/{location}/change", p.page(p.editLocation))
	r.Post("/customers/{id}/locations/{location}/change", p.page(p.changeLocation))

	r.Get("/users", p.page(p.users))
	r.Get("/users/new", p.page(p.newUser))
	r.Post("/users/new", p.page(p.createUser))
	r.Get("/users/{id}", p.page(p.user))
	r.Get("/users/{id}/change", p.page(p.editUser))
	r.Post("/users/{id}/change", p.page(p.changeUser))
	r.Post("/users/{id}/disable", p.page(p.disableUser))
	r.Post("/users/{id}/enable", p.page(p.enableUser))
	r.Get("/users/{id}/link", p.page(p.userLink))
	r.Post("/users/{id}/link", p.page(p.makeLink))

	r.Get("/invoices", p.page(p.invoices))
	r.Get("/invoices/issue", p.page(p.chooseDrafts))
	r.Get("/invoices/issue/check", p.page(p.checkDrafts))
	r.Post("/invoices/issue", p.page(p.issueInvoice))
	r.Get("/invoices/{id}", p.page(p.invoice))

	r.Get("/settings", p.page(p.settings))
	r.Get("/settings/languages", p.page(p.languages))
	r.Get("/settings/add-language", p.page(p.newLanguage))
	r.Post("/settings/add-language", p.page(p.addLanguage))
	r.Get("/settings/languages/{code}", p.page(p.language))
	r.Post("/settings/languages/{code}", p.page(p.changeLanguage))
	r.Post("/settings/languages/{code}/remove", p.page(p.removeLanguage))
	p.formRoutes(r)
	r.Get("/settings/numbering", p.page(p.numbering))
	r.Post("/settings/numbering", p.page(p.setNumbering))
	r.Get("/settings/postcodes", p.page(p.postcodes))
	r.Post("/settings/postcodes", p.page(p.importPostcodes))
	r.Post("/settings/look/logo", p.page(p.changeLogo))
	r.Get("/settings/windows", p.page(p.windows))
	r.Post("/settings/windows", p.page(p.setWindows))
	r.Get("/settings/waves", p.page(p.waves))
	r.Post("/settings/waves", p.page(p.setWaves))
	r.Get("/settings/holidays", p.page(p.holidays))
	r.Post("/settings/holidays", p.page(p.setHolidays))
	r.Get("/settings/{section}", p.page(p.settingsSection))
	r.Post("/settings/{section}", p.page(p.changeSettings))
	r.Get("/notices", p.page(p.notices))
	r.Post("/notices", p.page(p.postNotices))

	r.Get("/status", p.page(p.status))
	r.Post("/status/{model}/rebuild", p.page(p.rebuild))
}

// formRoutes are the pages on which admins change booking forms.
func (p *Portal) formRoutes(r chi.Router) {
	r.Get("/settings/forms", p.page(p.formsList))
	r.Get("/settings/add-form", p.page(p.newForm))
	r.Post("/settings/add-form", p.page(p.beginForm))
	r.Get("/settings/forms/{form}", p.page(p.form))
	r.Get("/settings/forms/{form}/versions", p.page(p.formVersions))
	r.Get("/settings/forms/{form}/preview", p.page(p.previewForm))
	r.Post("/settings/forms/{form}/preview", p.page(p.tryForm))
	r.Get("/settings/forms/{form}/details", p.page(p.formDetails))
	r.Post("/settings/forms/{form}/details", p.page(p.saveDetails))
	r.Get("/settings/forms/{form}/add/{part}", p.page(p.addPart))
	r.Post("/settings/forms/{form}/add/{part}", p.page(p.saveNewPart))
	r.Get("/settings/forms/{form}/edit/{part}/{key}", p.page(p.partForm))
	r.Post("/settings/forms/{form}/edit/{part}/{key}", p.page(p.savePart))
	r.Post("/settings/forms/{form}/move/{part}/{key}", p.page(p.movePartOf))
	r.Post("/settings/forms/{form}/remove/{part}/{key}", p.page(p.removePartOf))
	r.Post("/settings/forms/{form}/publish", p.page(p.publishForm))
	r.Post("/settings/forms/{form}/discard", p.page(p.discardForm))
}

// findJob opens a job by its reference (LL-07).
func (p *Portal) findJob(w http.ResponseWriter, r *http.Request) error {
	to := jobPath(r.URL.Query().Get("ref"))
	if page := r.URL.Query().Get("to"); page == "edit" || page == "cancel" { // the quick actions of the first page (LL-12)
		to += "/" + page
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
