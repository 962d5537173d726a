package settings

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/projections"
)

// Forms are the newest versions of the forms that the viewer may book with: a customer's as FormsFor tells, everybody else's all. Whom a field is
// for is the agency's matter alone: interpreters read the forms without what is for chosen customers.
func (q Queries) Forms(ctx context.Context, v access.Viewer) ([]forms.Form, error) {
	if v.OfCustomer() {
		return q.FormsFor(ctx, v.Customer)
	}
	all, err := projections.Collect(ctx, q.Models, pgx.RowTo[forms.Form], newestForms)
	for i := range all {
		all[i] = shownTo(v, all[i])
	}
	return all, wrap("list forms", err)
}

func shownTo(v access.Viewer, f forms.Form) forms.Form {
	if v.Role == domain.Interpreter || v.Role == domain.Guest {
		return f.General()
	}
	return f
}

// Form is one of them; version 0 is the newest. Old versions are for reading jobs that were booked with them.
func (q Queries) Form(ctx context.Context, v access.Viewer, id string, version int) (f forms.Form, found bool, err error) {
	if v.OfCustomer() {
		return q.FormFor(ctx, v.Customer, id, version)
	}
	f, found, err = q.stored(ctx, id, version)
	return shownTo(v, f), found, err
}

// stored is a version of a form as it was defined; 0 is the newest.
func (q Queries) stored(ctx context.Context, id string, version int) (f forms.Form, found bool, err error) {
	f, found, err = projections.One(ctx, q.Models, pgx.RowTo[forms.Form],
		`select body from {settings}.forms where form = $1 and ($2 = 0 or version = $2) order by version desc limit 1`, id, version)
	return f, found, wrap("read a form", err)
}

// Booked is the version of a form that a job was booked with, as its customer fills it in. A reader who does not learn whose job it is, with a zero
// customer, gets of what is for chosen customers the fields that hold a value.
func (q Queries) Booked(ctx context.Context, customer uuid.UUID, id string, version int, values map[string]domain.Value) (forms.Form, error) {
	if customer != uuid.Nil {
		f, _, err := q.FormFor(ctx, customer, id, version)
		return f, err
	}
	f, _, err := q.stored(ctx, id, version)
	return f.Holding(values), err
}

// FormVersion is a version of a form with who defined it and when.
type FormVersion struct {
	Form forms.Form
	At   time.Time
	By   uuid.UUID
}

// FormVersions are all versions of a form, the newest first, for those who may read settings; none: there is no such form.
func (q Queries) FormVersions(ctx context.Context, v access.Viewer, id string) ([]FormVersion, error) {
	if err := access.MayManage(v, access.ReadSettings); err != nil {
		return nil, err
	}
	all, err := projections.Collect(ctx, q.Models, pgx.RowToStructByPos[FormVersion],
		`select body, defined_at, defined_by from {settings}.forms where form = $1 order by version desc`, id)
	return all, wrap("list a form's versions", err)
}

// NewestForms are the forms as they are in force, by id, with who defined them and when, for those who may read settings.
func (q Queries) NewestForms(ctx context.Context, v access.Viewer) ([]FormVersion, error) {
	if err := access.MayManage(v, access.ReadSettings); err != nil {
		return nil, err
	}
	all, err := projections.Collect(ctx, q.Models, pgx.RowToStructByPos[FormVersion],
		`select distinct on (form) body, defined_at, defined_by from {settings}.forms order by form, version desc`)
	return all, wrap("list forms", err)
}
