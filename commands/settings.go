package commands

import (
	"context"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// ChangeSettings changes the agency's settings (admin). change works on a copy of what stands and is called again for every try; it must
// replace lists and maps, not write into them.
func (h *Handler) ChangeSettings(ctx context.Context, r Request, change func(people.AgencySettings) (people.AgencySettings, error)) (Changed, error) {
	r = h.ready(r)
	res, err := execute(ctx, h, h.agency, r, wish[agencyState]{
		stream: eventschema.Agency,
		allow:  func(agencyState) error { return access.MayManage(r.Viewer, access.ManageSettings) },
		decide: func(_ context.Context, s agencyState, _ attempt) (plan, error) {
			next, err := change(s.Settings)
			if err != nil {
				return plan{}, err
			}
			if equalJSON(next, s.Settings) {
				return plan{}, nil
			}
			return one(people.AgencyChanged{Version: s.Version + 1, Settings: next}), checkSettings(next)
		},
	})
	if err != nil {
		return Changed{}, err
	}
	return changed(res), nil
}

func checkSettings(s people.AgencySettings) error {
	var f faults
	f.name("body.name", s.Name)
	f.zone("body.timeZone", s.TimeZone)
	f.add(domain.ValidCurrency(s.Currency), "body.currency", "Send a currency such as GBP.")
	f.add(s.CancelHours >= 0 && s.CancelHours <= maxHours, "body.cancelHours", "Send hours from 0 to 8784.")
	f.add(s.OfferHours >= 0 && s.OfferHours <= maxHours, "body.offerHours", "Send hours from 0 to 8784.")
	seen := map[string]bool{}
	for _, l := range s.Languages {
		f.add(!badTag(l.Code) && !seen[l.Code], "body.languages", "Each language has a code of its own, such as pl.")
		f.name("body.languages", l.Name)
		seen[l.Code] = true
	}
	for _, list := range s.Reasons {
		for _, o := range list {
			f.add(!badWord(o.Value), "body.reasons", "Each reason has a value.")
			f.name("body.reasons", o.Label)
		}
	}
	return f.refusal()
}

// DefineForm stores a booking form's next version (admin). Bookings keep the version that they were made with.
func (h *Handler) DefineForm(ctx context.Context, r Request, form forms.Form) (Changed, error) {
	r = h.ready(r)
	res, err := execute(ctx, h, h.forms, r, wish[formState]{
		stream: eventschema.FormStream(form.ID),
		allow:  func(formState) error { return access.MayManage(r.Viewer, access.ManageForms) },
		decide: func(_ context.Context, s formState, _ attempt) (plan, error) {
			next := form
			if now, ok := s.newest(); ok {
				next.Version = now.Version
				if equalJSON(next, now) {
					return plan{}, nil
				}
			}
			next.Version = len(s.Versions) + 1
			return one(forms.Defined{Form: next}), nil
		},
	})
	if err != nil {
		return Changed{}, err
	}
	return changed(res), nil
}
