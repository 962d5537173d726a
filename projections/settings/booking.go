package settings

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections"
)

const newestForms = `select distinct on (form) body from {settings}.forms order by form, version desc`

// FormsFor are the newest versions of the forms that a customer may book with, by id, as that customer fills them in: with the fields that are for
// it (II-41), only agreed services are offered (II-38), and the non-English speaker is told by the customer's rule (D-15).
func (q Queries) FormsFor(ctx context.Context, customer uuid.UUID) ([]forms.Form, error) {
	all, err := projections.Collect(ctx, q.Models, pgx.RowTo[forms.Form], newestForms)
	if err != nil {
		return nil, wrap("list forms", err)
	}
	agreed, err := q.agreed(ctx, customer)
	if err != nil {
		return nil, err
	}
	var out []forms.Form
	for _, f := range all {
		if slices.Contains(agreed.BookableForms(), f.ID) && (f.ServiceType == "" || serves(agreed, f.ServiceType)) {
			out = append(out, filledBy(agreed, f.For(customer)))
		}
	}
	return out, nil
}

// FormFor is one of them. A version above 0 is that one, whether the customer may still book on it or not: for what was booked with it.
func (q Queries) FormFor(ctx context.Context, customer uuid.UUID, id string, version int) (f forms.Form, found bool, err error) {
	if version > 0 {
		f, found, err = q.stored(ctx, id, version)
		if err != nil || !found {
			return f, found, err
		}
		agreed, err := q.agreed(ctx, customer)
		return filledBy(agreed, f.For(customer)), found, err
	}
	all, err := q.FormsFor(ctx, customer)
	if err != nil {
		return f, false, err
	}
	i := slices.IndexFunc(all, func(f forms.Form) bool { return f.ID == id })
	if i < 0 {
		return f, false, nil
	}
	return all[i], true, nil
}

func (q Queries) agreed(ctx context.Context, customer uuid.UUID) (people.CustomerSettings, error) {
	s, _, err := projections.One(ctx, q.Models, pgx.RowTo[people.CustomerSettings],
		`select settings from {people}.customers where customer = $1`, customer)
	return s, wrap("read what was agreed with a customer", err)
}

func serves(agreed people.CustomerSettings, service string) bool {
	return len(agreed.ServiceTypes) == 0 || slices.Contains(agreed.ServiceTypes, service)
}

func filledBy(agreed people.CustomerSettings, f forms.Form) forms.Form {
	f = f.WithSpeaker(agreed.SpeakerName)
	for i, field := range f.Fields {
		if field.Key == "serviceType" {
			f.Fields[i].Options = slices.DeleteFunc(slices.Clone(field.Options), func(o forms.Option) bool { return !serves(agreed, o.Value) })
		}
	}
	return f
}

// Defaults are the values with which a form comes filled: the fields' own, whom the customer is billed as (II-32), and for one of the
// customer's users what the profile tells (LL-37, II-34). A zero customer is billed as nobody.
func (q Queries) Defaults(ctx context.Context, v access.Viewer, customer uuid.UUID, f forms.Form) (map[string]string, error) {
	out := map[string]string{}
	for _, field := range f.Fields {
		if field.Default != "" {
			out[field.Key] = field.Default
		}
	}
	agreed, err := q.agreed(ctx, customer)
	if err != nil {
		return nil, err
	}
	if agreed.BillTo != "" {
		out["billTo"] = agreed.BillTo
	}
	if !v.OfCustomer() {
		return out, nil
	}
	type profile struct{ Name, Email, Telephone string }
	me, _, err := projections.One(ctx, q.Models, pgx.RowToStructByName[profile], `select name, email, telephone from {people}.users where user_id = $1`, v.User)
	if err != nil {
		return nil, wrap("read a user's profile", err)
	}
	for key, value := range map[string]string{"requestingOfficer": me.Name, "requestedBy": me.Name, "telephone": me.Telephone,
		"primaryEmail": me.Email, "notificationEmail": me.Email} {
		if _, asked := f.Field(key); asked && value != "" {
			out[key] = value
		}
	}
	return out, nil
}

// As is a form as a customer would fill it in: a draft, or what is in force.
func (q Queries) As(ctx context.Context, customer uuid.UUID, f forms.Form) (forms.Form, error) {
	agreed, err := q.agreed(ctx, customer)
	return filledBy(agreed, f.For(customer)), err
}
