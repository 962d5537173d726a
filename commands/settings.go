package commands

import (
	"context"

	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// ChangeSettings changes the agency's settings (admin).
func (h *Handler) ChangeSettings(ctx context.Context, r Request, c people.ChangeAgency) (Changed, error) {
	r = h.ready(r)
	res, err := execute(ctx, h, h.agency, r, wish[people.Agency]{
		stream: eventschema.Agency,
		allow:  func(people.Agency) error { return access.MayManage(r.Viewer, access.ManageSettings) },
		decide: func(_ context.Context, s people.Agency, _ attempt) (plan, error) { return planned(c.Decide(s)) },
	})
	if err != nil {
		return Changed{}, err
	}
	return changed(res), nil
}

// DefineForm stores a booking form's next version (admin). Bookings keep the version that they were made with.
func (h *Handler) DefineForm(ctx context.Context, r Request, form forms.Form) (Changed, error) {
	r = h.ready(r)
	res, err := execute(ctx, h, h.forms, r, wish[forms.FormState]{
		stream: eventschema.FormStream(form.ID),
		allow:  func(forms.FormState) error { return access.MayManage(r.Viewer, access.ManageForms) },
		decide: func(_ context.Context, s forms.FormState, _ attempt) (plan, error) {
			return planned(forms.Define{Form: form}.Decide(s))
		},
	})
	if err != nil {
		return Changed{}, err
	}
	return changed(res), nil
}

// DefineTerms stores the next version of a contract's terms (admin). What was offered or billed before keeps the version that it was made with.
func (h *Handler) DefineTerms(ctx context.Context, r Request, terms forms.Terms) (Changed, error) {
	r = h.ready(r)
	res, err := execute(ctx, h, h.terms, r, wish[forms.TermsState]{
		stream: eventschema.TermsStream(terms.ID),
		allow:  func(forms.TermsState) error { return access.MayManage(r.Viewer, access.ManageForms) },
		decide: func(_ context.Context, s forms.TermsState, _ attempt) (plan, error) {
			return planned(forms.DefineTerms{Terms: terms}.Decide(s))
		},
	})
	if err != nil {
		return Changed{}, err
	}
	return changed(res), nil
}
