package web

import (
	"net/http"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/projections/settings"
)

type closePage struct {
	actionPage
	Outcomes []domain.Outcome // that fit the job; one alone is not asked for
	Lines    []gridLine
	Kinds    []settings.Incidental
	Currency string
}

// showClose is the page that ends a job with an outcome: by staff, or by the one party that the customer's agreement names (II-75..79, D-08).
func (p *Portal) showClose(w http.ResponseWriter, r *http.Request, status int, a asked) error {
	base, err := p.actionPage(r, a)
	if err != nil {
		return err
	}
	if !base.Can["close"] && a.Refusal == nil {
		return p.notNow(w, r, base)
	}
	page := closePage{actionPage: base, Lines: linesOf(base.Sent)}
	if page.Kinds, page.Currency, err = p.Queries.Settings.Incidentals(r.Context()); err != nil {
		return err
	}
	switch {
	case !viewer(r.Context()).Staff():
		page.Outcomes = []domain.Outcome{domain.Success}
	case base.Status == domain.New:
		page.Outcomes = []domain.Outcome{domain.NotFulfilled, domain.Aborted}
	default:
		page.Outcomes = []domain.Outcome{domain.Success, domain.Curtailed, domain.ClientNoShow, domain.WorkerNoShow, domain.Aborted, domain.NotFulfilled}
	}
	if !page.Sent.Has("start") && base.Status != domain.New && len(base.Timesheets) == 0 {
		page.Sent.Set("start", inputTime(begin(base.Detail)))
		page.Sent.Set("end", inputTime(base.End))
	}
	return p.render(w, r, status, "close", "act.close", page)
}
