package web

import (
	"net/http"

	"github.com/go-chi/chi/v5"
)

// routes are all pages of the portal on one page.
func (p *Portal) routes(r chi.Router) {
	r.Handle("/assets/*", p.assets)
	r.Get("/look.css", p.open(p.look))
	r.Get("/sign-in", p.open(p.signIn))
	r.Post("/sign-in", p.open(p.doSignIn))
	r.Post("/sign-out", p.page(p.signOut))

	r.Get("/", p.page(p.home))
	r.Get("/job", p.page(p.findJob)) // the header's Job Reference box

	r.Get("/jobs/{ref}", p.page(p.job))
	r.Get("/jobs/{ref}/activity", p.page(p.activity))
	r.Get("/jobs/{ref}/messages", p.page(p.messages))
	r.Get("/jobs/{ref}/timesheet", p.page(p.timesheet))
	r.Get("/jobs/{ref}/history", p.page(p.history))
	p.actionRoutes(r) // POST /jobs/{ref}/{command}, and GET where a command asks for values
	r.Get("/jobs", p.page(p.jobs))
	r.Get("/jobs.csv", p.page(p.jobsCSV))
	r.Post("/jobs/columns", p.page(p.chooseColumns))
	r.Get("/jobs/{ref}/actions", p.page(p.jobActions))
	r.Get("/queue", p.page(p.queue))
	r.Get("/calendar", p.page(p.calendar))
	r.Get("/calendar.json", p.page(p.calendarJSON))
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
