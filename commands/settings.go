package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// ChangeSettings changes the agency's settings (admin).
func (h *Handler) ChangeSettings(ctx context.Context, r Request, c people.ChangeAgency) (Changed, error) {
	return h.onSettings(ctx, r, access.ManageSettings, c.Notices, c.Decide)
}

// PostNotices sets the notices and the splash above them (assigner, admin; II-19, II-20).
func (h *Handler) PostNotices(ctx context.Context, r Request, c people.PostNotices) (Changed, error) {
	return h.onSettings(ctx, r, access.PostNotices, c.Notices, c.Decide)
}

// SetPolicies sets the windows that bind customers, or for a named customer that one's own (admin; M-06).
func (h *Handler) SetPolicies(ctx context.Context, r Request, customer uuid.UUID, c people.SetPolicies) (Changed, error) {
	if customer == uuid.Nil {
		return h.onSettings(ctx, r, access.ManageSettings, nil, c.DecideAgency)
	}
	r = h.ready(r)
	r.named = true
	done, err := h.onCustomer(ctx, r, at(customer, customer), access.ManageCustomers, func(_ context.Context, s people.Customer) ([]people.Event, error) {
		return c.DecideCustomer(s)
	})
	return done, atNamedCustomer(r.Viewer, err)
}

// SetHolidays sets the days that the agency adds to the table of bank holidays, whole (admin).
func (h *Handler) SetHolidays(ctx context.Context, r Request, c people.SetHolidays) (Changed, error) {
	return h.onSettings(ctx, r, access.ManageSettings, nil, c.Decide)
}

func (h *Handler) onSettings(ctx context.Context, r Request, area access.Area, notices *[]people.Notice,
	decide func(people.Agency) ([]people.Event, error)) (Changed, error) {
	r = h.ready(r)
	res, err := execute(ctx, h, h.agency, r, wish[people.Agency]{
		stream:   eventschema.Agency,
		revision: settingsVersion,
		allow:    func(people.Agency) error { return access.MayManage(r.Viewer, area) },
		decide: func(ctx context.Context, s people.Agency, _ attempt) (plan, error) {
			p, err := planned(decide(s))
			if err != nil || notices == nil || len(p.events) == 0 {
				return p, err
			}
			return p, h.addressed(ctx, *notices)
		},
	})
	if err != nil {
		return Changed{}, err
	}
	done := changed(res)
	done.Revision = settingsVersion(res.folded)
	return done, nil
}

// settingsVersion is the revision of the settings: their stream holds the agency's users too, who change none of them.
func settingsVersion(f Folded[people.Agency]) uint64 { return uint64(f.State.Version) }

// addressed refuses notices for customers that do not exist.
func (h *Handler) addressed(ctx context.Context, notices []people.Notice) error {
	var faults []domain.FieldError
	for i, n := range notices {
		if n.Customer == uuid.Nil {
			continue
		}
		f, err := h.look(ctx, needs{customer: n.Customer})
		if err != nil {
			return err
		}
		if !f.customer.Exists() {
			faults = append(faults, people.UnknownCustomer(i))
		}
	}
	if len(faults) > 0 {
		return domain.Invalid(faults...)
	}
	return nil
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
