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
}

// findJob opens a job by its reference (LL-07).
func (p *Portal) findJob(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, jobPath(r.URL.Query().Get("ref")), http.StatusSeeOther)
	return nil
}
