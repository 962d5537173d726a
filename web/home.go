package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/dragoman-booking/dragoman/projections/dashboard"
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

type homePage struct {
	Tiles    dashboard.Tiles
	Upcoming []jobs.Item
	Total    int
}

// home is where sign-in leads (II-05): four tiles and the upcoming jobs (LL-08, LL-10).
func (p *Portal) home(w http.ResponseWriter, r *http.Request) error {
	v := viewer(r.Context())
	tiles, err := p.Queries.Dashboard.Tiles(r.Context(), v)
	if err != nil {
		return err
	}
	page, err := p.Queries.Jobs.List(r.Context(), v, jobs.Filter{List: jobs.Upcoming})
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "home", "home.title", homePage{tiles, page.Items, page.Total})
}

// jobPath is where a job's page is.
func jobPath(ref string) string {
	return "/jobs/" + url.PathEscape(strings.ToUpper(strings.TrimSpace(ref)))
}
