package web

import (
	"net/http"
	"slices"

	"github.com/dragoman-booking/dragoman/domain/people"
)

type cancelPage struct {
	actionPage
	NeedsName, NeedsReason bool            // as the job's form says (LL-114, II-84)
	Options                []people.Option // the agency's reasons; none: any text
}

// showCancel is the page that cancels a job; after the customer's window it is the admin message that asks the agency to (LL-113..115).
func (p *Portal) showCancel(w http.ResponseWriter, r *http.Request, status int, a asked) error {
	base, err := p.actionPage(r, a)
	if err != nil {
		return err
	}
	if !base.Can["cancel"] && !base.MayCancel && a.Refusal == nil {
		return p.notNow(w, r, base)
	}
	form, err := p.Queries.Settings.Booked(r.Context(), base.Customer.ID, base.Form, base.FormVersion, base.Fields)
	if err != nil {
		return err
	}
	page := cancelPage{actionPage: base, NeedsName: slices.Contains(form.CancelNeeds, "authorisedBy"), NeedsReason: slices.Contains(form.CancelNeeds, "reason")}
	agency, err := p.agency(r.Context())
	if err != nil {
		return err
	}
	page.Options = agency.Settings.Reasons[people.ReasonCancel]
	return p.render(w, r, status, "cancel", "act.cancel", page)
}
