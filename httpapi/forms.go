package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/projections/jobs"
	readpeople "github.com/dragoman-booking/dragoman/projections/people"
	"github.com/dragoman-booking/dragoman/projections/settings"
)

type formAnswer struct {
	ID            string            `json:"id"`
	Version       int               `json:"version"`
	Name          string            `json:"name"`
	Prefix        string            `json:"prefix" doc:"Of its jobs' references (D-12)."`
	Initial       string            `json:"initial" doc:"Status of a new booking."`
	ServiceType   string            `json:"serviceType"`
	Address       string            `json:"address" doc:"service: where the interpreter goes; billing: who pays (LL-48)."`
	AddressLocked bool              `json:"addressLocked"`
	Sections      []forms.Section   `json:"sections"`
	Fields        []formField       `json:"fields"`
	Notices       []forms.Notice    `json:"notices"`
	CancelNeeds   []string          `json:"cancelNeeds" doc:"Which of authorisedBy and reason a cancellation must carry."`
	Defaults      map[string]string `json:"defaults" doc:"Values that come filled for this user (LL-37, II-32)."`
	Revision      uint64            `json:"revision" doc:"The version, for If-Match."`
}

func (f formAnswer) revision() uint64 { return f.Revision }

type formField struct {
	Key        string         `json:"key"`
	Label      string         `json:"label"`
	Section    string         `json:"section"`
	Place      string         `json:"place" doc:"above, in or below the calendar."`
	Kind       string         `json:"kind"`
	Core       bool           `json:"core" doc:"Sent at the top level, not in fields."`
	Required   bool           `json:"required"`
	OnEdit     string         `json:"onEdit,omitempty" doc:"required or optional when edited; absent: as on create (D-19)."`
	EditOnly   bool           `json:"editOnly"`
	Options    []forms.Option `json:"options"`
	Default    string         `json:"default,omitempty"`
	Fixed      bool           `json:"fixed" doc:"The agency's text; what is sent is ignored (II-36)."`
	Help       string         `json:"help"`
	Example    string         `json:"example,omitempty"`
	Visibility string         `json:"visibility"`
	Copied     bool           `json:"copied"`
	Editable   bool           `json:"editable" doc:"By the customer after booking (LL-108)."`
	Personal   string         `json:"personal"`

	RequiredWhen []forms.Rule `json:"requiredWhen" doc:"Required also while one of these rules holds."`
	Customers    []uuid.UUID  `json:"customers" doc:"For these customers alone; empty: for all (II-41). Told to the agency's own users only."`
}

func formOf(f forms.Form, defaults map[string]string) formAnswer {
	out := formAnswer{ID: f.ID, Version: f.Version, Name: f.Name, Prefix: f.Prefix, Initial: f.Initial, ServiceType: f.ServiceType, Address: f.Address,
		AddressLocked: f.AddressLocked, Sections: f.Sections, Fields: make([]formField, 0, len(f.Fields)), Notices: append([]forms.Notice{}, f.Notices...),
		CancelNeeds: append([]string{}, f.CancelNeeds...), Defaults: defaults, Revision: uint64(f.Version)}
	for _, field := range f.Fields {
		line := formField(field)
		line.Options = append([]forms.Option{}, field.Options...)
		line.RequiredWhen, line.Customers = append([]forms.Rule{}, field.RequiredWhen...), append([]uuid.UUID{}, field.Customers...)
		out.Fields = append(out.Fields, line)
	}
	return out
}

// formLine is a form in the list of those that a user may use.
type formLine struct {
	ID          string `json:"id"`
	Version     int    `json:"version"`
	Name        string `json:"name"`
	Prefix      string `json:"prefix"`
	ServiceType string `json:"serviceType"`
}

func (a *API) forms(q settings.Queries) {
	models := []string{settings.Name, readpeople.Name, jobs.Name} // what was agreed with the customer, and the last booking, are read too
	get(a, "/forms", "The booking forms that I may use (LL-14)", models, func(ctx context.Context, v access.Viewer, in *Listing) (List[formLine], error) {
		found, err := q.Forms(ctx, v)
		if err != nil {
			return List[formLine]{}, err
		}
		lines := make([]formLine, 0, len(found))
		for _, f := range found {
			lines = append(lines, formLine{f.ID, f.Version, f.Name, f.Prefix, f.ServiceType})
		}
		return partOf(in, lines)
	})
	type oneForm struct {
		Asking
		ID      string `path:"id" maxLength:"100"`
		Version int    `query:"version" minimum:"0" doc:"0: the newest."`
	}
	get(a, "/forms/{id}", "A booking form: sections, fields, options, notices (LL-17..57)", models,
		func(ctx context.Context, v access.Viewer, in *oneForm) (formAnswer, error) {
			f, found, err := q.Form(ctx, v, in.ID, in.Version)
			if err != nil {
				return formAnswer{}, err
			}
			if !found {
				return formAnswer{}, notFound()
			}
			defaults, err := a.defaults(ctx, v, f)
			return formOf(f, defaults), err
		})
	huma.Register(a.huma, a.mayManage(a.operation(http.MethodPut, "/forms/{id}", "Store a booking form's next version, or a new form, whole", http.StatusNoContent), access.ManageForms),
		func(ctx context.Context, in *formOrder) (*doneAnswer, error) {
			req, err := a.request(ctx, "define-form", in.Ordering, in.RawBody)
			if err != nil {
				return nil, a.wrong(ctx, err)
			}
			done, err := a.commands.DefineForm(ctx, req, in.ID, in.Body.form())
			if err != nil {
				return nil, a.answerTo(ctx, err)
			}
			return doneAt(done.Position, done.Revision), nil
		})
}

type formOrder struct {
	Ordering
	ID      string `path:"id" maxLength:"60"`
	Body    formBody
	RawBody []byte
}

// Resolve notes the method and path, which its own method hides from being called, and finds the texts that cannot be stored.
func (o *formOrder) Resolve(ctx huma.Context) []error {
	return append(o.Ordering.Resolve(ctx), unstorable(o.RawBody)...)
}

// formBody is a form as it is sent: what GET answers may be sent back. The version, the revision and what comes filled for the reader are not
// the sender's to say; they are ignored.
type formBody struct {
	ID            string            `json:"id,omitempty" doc:"That of the path."`
	Version       int               `json:"version,omitempty" doc:"Ignored: the next version is counted here."`
	Name          string            `json:"name"`
	Prefix        string            `json:"prefix"`
	Initial       string            `json:"initial"`
	ServiceType   string            `json:"serviceType,omitempty" doc:"Empty: chosen by who books, among the customer's (II-38)."`
	Address       string            `json:"address"`
	AddressLocked bool              `json:"addressLocked,omitempty"`
	Sections      []forms.Section   `json:"sections"`
	Fields        []forms.Field     `json:"fields"`
	Notices       []forms.Notice    `json:"notices,omitempty"`
	CancelNeeds   []string          `json:"cancelNeeds,omitempty"`
	Defaults      map[string]string `json:"defaults,omitempty" doc:"Ignored."`
	Revision      uint64            `json:"revision,omitempty" doc:"Ignored: send If-Match."`
}

func (b formBody) form() forms.Form {
	return forms.Form{ID: b.ID, Name: b.Name, Prefix: b.Prefix, Initial: b.Initial, ServiceType: b.ServiceType, Address: b.Address,
		AddressLocked: b.AddressLocked, Sections: b.Sections, Fields: b.Fields, Notices: b.Notices, CancelNeeds: b.CancelNeeds}
}

// defaults are the values that a form comes filled with for this user.
func (a *API) defaults(ctx context.Context, v access.Viewer, f forms.Form) (map[string]string, error) {
	out, err := a.Queries.Settings.Defaults(ctx, v, v.Customer, f)
	if err != nil {
		return nil, err
	}
	if _, asked := f.Field("reportTo"); asked {
		if last, err := a.Queries.Jobs.LastReportTo(ctx, v); err != nil {
			return nil, err
		} else if last != "" {
			out["reportTo"] = last
		}
	}
	return out, nil
}
