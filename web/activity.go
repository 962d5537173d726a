package web

import (
	"net/http"

	"github.com/dragoman-booking/dragoman/projections/activity"
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

type activityPage struct {
	Job   jobs.Detail
	Notes []activity.Note
}

// activity is the page of a job's activity notes, newest first (LL-76..78).
func (p *Portal) activity(w http.ResponseWriter, r *http.Request) error {
	v := viewer(r.Context())
	d, err := p.Queries.Jobs.Get(r.Context(), v, refOf(r))
	if err != nil {
		return err
	}
	notes, err := p.Queries.Activity.Notes(r.Context(), v, d.Ref)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "activity", "activity.title", activityPage{d, notes})
}
