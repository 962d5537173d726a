package commands

import (
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

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

// SetWaves sets how offers go out in waves, whole (admin; N-03).
func (h *Handler) SetWaves(ctx context.Context, r Request, c people.SetWaves) (Changed, error) {
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

// DefineForm stores a booking form's next version, or the first one of a new form (admin). Bookings keep the version that they were made with.
// If-Match means the version.
func (h *Handler) DefineForm(ctx context.Context, r Request, id string, form forms.Form) (Changed, error) {
	r = h.ready(r)
	if form.ID == "" {
		form.ID = id
	}
	res, err := execute(ctx, h, h.forms, r, wish[forms.FormState]{
		stream:   eventschema.FormStream(id),
		revision: formRevision,
		allow:    func(forms.FormState) error { return access.MayManage(r.Viewer, access.ManageForms) },
		decide: func(ctx context.Context, s forms.FormState, _ attempt) (plan, error) {
			if form.ID != id {
				return plan{}, domain.Invalid(domain.FieldError{Location: "body.id", Message: "A form keeps its id."})
			}
			known, err := h.knownToForms(ctx, form)
			if err != nil {
				return plan{}, err
			}
			return planned(forms.Define{Form: form, Known: known}.Decide(s))
		},
	})
	if err != nil {
		return Changed{}, err
	}
	done := changed(res)
	done.Revision = formRevision(res.folded)
	return done, nil
}

func formRevision(f Folded[forms.FormState]) uint64 { return uint64(len(f.State.Versions)) }

// knownToForms reads what a form's definition is held against: the customers that it names, and the services that have a price.
func (h *Handler) knownToForms(ctx context.Context, form forms.Form) (forms.Known, error) {
	f, err := h.look(ctx, needs{terms: true})
	if err != nil {
		return forms.Known{}, err
	}
	known := forms.Known{Customers: map[uuid.UUID]bool{}, ServiceTypes: slices.Collect(maps.Keys(f.terms.Hourly))}
	for _, field := range form.Fields {
		for _, id := range field.Customers {
			if len(known.Customers) <= maxNamedCustomers {
				known.Customers[id] = false
			}
		}
	}
	named := slices.Collect(maps.Keys(known.Customers))
	there := make([]bool, len(named))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readsAtOnce)
	for i, id := range named {
		g.Go(func() error {
			f, err := h.look(ctx, needs{customer: id})
			there[i] = f.customer.Exists()
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return forms.Known{}, err
	}
	for i, id := range named {
		known.Customers[id] = there[i]
	}
	return known, nil
}

// readsAtOnce is how many streams one command reads side by side.
const readsAtOnce = 8

// maxNamedCustomers bounds how many customers of a form are looked up; what is not looked up is not known.
const maxNamedCustomers = 2000

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

// CheckForm names what DefineForm would refuse of a form as things stand now; nil: nothing. Nothing is written.
func (h *Handler) CheckForm(ctx context.Context, v access.Viewer, form forms.Form) error {
	if err := access.MayManage(v, access.ManageForms); err != nil {
		return err
	}
	f, err := h.forms.now(ctx, eventschema.FormStream(form.ID))
	if err != nil {
		return err
	}
	known, err := h.knownToForms(ctx, form)
	if err != nil {
		return err
	}
	_, err = forms.Define{Form: form, Known: known}.Decide(f.State)
	return err
}
