package httpapi

import "github.com/danielgtaylor/huma/v2"

// routes is the whole API on one page; testdata/roles.txt says who may use each.
func (a *API) routes(api huma.API) {
	a.huma = api
	a.sessions()       // /sessions /setup /me /me/password
	a.bookings()       // POST /bookings
	a.jobCommands()    // POST /jobs/{ref}/{command}
	a.jobQueries()     // GET /jobs /jobs/{ref} and what belongs to one job, /calendar /dashboard /offers /waiting-for-me
	a.candidates()     // GET /jobs/{ref}/candidates /jobs/{ref}/reasons, /settings/postcodes
	a.directory()      // GET /customers /clients /locations /users /interpreters
	a.peopleCommands() // POST and PATCH on the same
	a.settings()       // /settings /languages /reasons /forms /me/preferences /erasures
	a.availability()   // /me/availability
	a.feeds()          // /me/feeds, /feeds/{secret}.ics
	a.invoices()       // /invoices
	a.status()         // GET /status
	a.complete()
}
