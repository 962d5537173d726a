package commands

import (
	"context"
	"reflect"

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
	res, err := execute(ctx, h, h.forms, r, wish[formState]{
		stream: eventschema.FormStream(form.ID),
		allow:  func(formState) error { return access.MayManage(r.Viewer, access.ManageForms) },
		decide: func(_ context.Context, s formState, _ attempt) (plan, error) {
			next := form
			if now, ok := s.newest(); ok {
				next.Version = now.Version
				if reflect.DeepEqual(next, now) {
					return plan{}, nil
				}
			}
			next.Version = len(s.Versions) + 1
			return plan{events: []any{forms.Defined{Form: next}}}, nil
		},
	})
	if err != nil {
		return Changed{}, err
	}
	return changed(res), nil
}
