package httpapi

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections"
	readpeople "github.com/dragoman-booking/dragoman/projections/people"
)

// Listing is the query of a list: which part, in which order, and filter[column]=text.
type Listing struct {
	Asking
	Paging
	Sort   string `query:"sort" maxLength:"50" doc:"A field's name, -name for descending."`
	filter map[string]string
}

// Resolve reads filter[column]=text, which the schema cannot name.
func (l *Listing) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	l.filter = filtersOf(u.Query())
	return nil
}

func (l *Listing) filters() map[string]string { return l.filter }

func filtersOf(q url.Values) map[string]string {
	out := map[string]string{}
	for key, values := range q {
		if name, ok := strings.CutPrefix(key, "filter["); ok && strings.HasSuffix(name, "]") && len(values) > 0 && values[0] != "" {
			out[strings.TrimSuffix(name, "]")] = values[0]
		}
	}
	return out
}

func (l *Listing) query() projections.ListQuery {
	return projections.ListQuery{Offset: l.Offset, Limit: l.Limit, Sort: l.Sort, Filter: l.filter}
}

// listOf turns a page of a read model into the contract's list.
func listOf[From, To any](l *Listing, page projections.ListPage[From], err error, to func(From) To) (List[To], error) {
	if errors.Is(err, projections.ErrUnknownField) {
		return List[To]{}, noSuchColumn()
	}
	out := List[To]{Items: make([]To, 0, len(page.Items)), Total: page.Total, Offset: l.Offset, Limit: l.Limit}
	for _, item := range page.Items {
		out.Items = append(out.Items, to(item))
	}
	return out, err
}

// allowed answers the refusal of an area before anything is read.
func allowed(v access.Viewer, area access.Area) error { return access.MayManage(v, area) }

type customerItem struct {
	ID       uuid.UUID               `json:"id"`
	Name     string                  `json:"name"`
	TimeZone string                  `json:"timeZone"`
	Settings people.CustomerSettings `json:"settings"`
	Revision uint64                  `json:"revision" doc:"Of the customer itself, for If-Match."`
}

func (i customerItem) revision() uint64 { return i.Revision }

type clientItem struct {
	ID           uuid.UUID `json:"id"`
	Customer     uuid.UUID `json:"customer"`
	CustomerName string    `json:"customerName"`
	Name         string    `json:"name"`
	Revision     uint64    `json:"revision" doc:"For If-Match."`
}

func (i clientItem) revision() uint64 { return i.Revision }

type locationItem struct {
	ID           uuid.UUID  `json:"id"`
	Customer     uuid.UUID  `json:"customer"`
	CustomerName string     `json:"customerName"`
	Client       *uuid.UUID `json:"client"`
	ClientName   *string    `json:"clientName"`
	Name         string     `json:"name"`
	Address      postalBody `json:"address"`
	TimeZone     string     `json:"timeZone"`
	Nation       string     `json:"nation,omitempty" doc:"Whose bank holidays are kept there; absent: the customer's."`
	Revision     uint64     `json:"revision" doc:"For If-Match."`

	Coordinates *coordinatesBody `json:"coordinates" doc:"Null: not known."`
}

func (i locationItem) revision() uint64 { return i.Revision }

func locationOf(l readpeople.Location) locationItem {
	return locationItem{ID: l.ID, Customer: l.Customer, CustomerName: l.CustomerName, Client: l.Client, ClientName: l.ClientName, Name: l.Name,
		Address: postalBody{l.Line1, l.Line2, l.Town, l.Postcode}, TimeZone: l.TimeZone, Nation: l.Nation, Revision: l.Revision,
		Coordinates: coordinatesOf(domain.Coordinates{Lat: l.Latitude, Lon: l.Longitude})}
}

type userItem struct {
	ID           uuid.UUID           `json:"id"`
	Name         string              `json:"name"`
	Email        string              `json:"email"`
	Telephone    string              `json:"telephone"`
	Role         domain.Role         `json:"role"`
	Customer     *uuid.UUID          `json:"customer"`
	CustomerName *string             `json:"customerName"`
	Interpreter  *uuid.UUID          `json:"interpreter"`
	LIN          *string             `json:"lin"`
	Clients      []uuid.UUID         `json:"clients"`
	Locations    []uuid.UUID         `json:"locations"`
	Permissions  []domain.Permission `json:"permissions"`
	Disabled     bool                `json:"disabled"`
	AddedAt      time.Time           `json:"addedAt"`
	Revision     uint64              `json:"revision" doc:"For If-Match."`
}

func (i userItem) revision() uint64 { return i.Revision }

type interpreterItem struct {
	ID           uuid.UUID           `json:"id"`
	LIN          string              `json:"lin"`
	Name         string              `json:"name"`
	Gender       string              `json:"gender"`
	Languages    []string            `json:"languages"`
	Skills       []string            `json:"skills"`
	ServiceTypes []string            `json:"serviceTypes"`
	Credentials  []people.Credential `json:"credentials"`
	PaitID       string              `json:"paitId"`
	Telephone    string              `json:"telephone"`
	Email        string              `json:"email"`
	Suspended    bool                `json:"suspended"`
	RegisteredAt time.Time           `json:"registeredAt"`
	Coordinates  *coordinatesBody    `json:"coordinates" doc:"Where the interpreter sets out from; null: not known, or not yours to see."`
	Postcode     string              `json:"postcode"`
	RadiusKm     int                 `json:"travelRadiusKm" doc:"0: any distance."`
	Photo        *string             `json:"photo" doc:"Null until photos are built."`
	Revision     uint64              `json:"revision" doc:"For If-Match."`
}

func (i interpreterItem) revision() uint64 { return i.Revision }

func interpreterOf(i readpeople.Interpreter) interpreterItem {
	home, _ := domain.ParseCoordinates(i.Coordinates) // [erased] is nowhere
	return interpreterItem{Coordinates: coordinatesOf(home), Postcode: i.Postcode, RadiusKm: i.TravelRadiusKm, ID: i.ID, LIN: i.LIN, Name: i.Name, Gender: i.Gender, Languages: i.Languages, Skills: i.Skills,
		ServiceTypes: i.ServiceTypes, Credentials: i.Credentials, PaitID: i.PaitID, Telephone: i.Telephone, Email: i.Email,
		Suspended: i.Suspended, RegisteredAt: i.RegisteredAt, Revision: i.Revision}
}

// getOne registers a query for one thing with an id. Nobody learns that there is one which is not theirs to see; may tells whoever finds none
// whether that is a matter of the role.
func getOne[From, To any](a *API, path, summary string, models []string, ask func(context.Context, access.Viewer, uuid.UUID) (From, bool, error),
	may func(context.Context, access.Viewer, uuid.UUID) error, to func(From) To) {
	type one struct {
		Asking
		ID uuid.UUID `path:"id"`
	}
	get(a, path, summary, models, func(ctx context.Context, v access.Viewer, in *one) (To, error) {
		var none To
		found, known, err := ask(ctx, v, in.ID)
		if err == nil && !known {
			if err = may(ctx, v, in.ID); err == nil {
				err = notFound()
			}
		}
		if err != nil {
			return none, err
		}
		return to(found), nil
	})
}

func (a *API) directory() {
	q := a.Queries.People
	models := []string{readpeople.Name}
	type ofCustomer struct {
		Listing
		Customer uuid.UUID `query:"customer"`
	}
	get(a, "/customers", "Organisations that book", models, func(ctx context.Context, v access.Viewer, in *Listing) (List[customerItem], error) {
		if err := allowed(v, access.ReadCustomers); err != nil {
			return List[customerItem]{}, err
		}
		page, err := q.Customers(ctx, v, in.query())
		return listOf(in, page, err, func(c readpeople.Customer) customerItem { return customerItem(c) })
	})
	get(a, "/clients", "Customers' sub-units", models, func(ctx context.Context, v access.Viewer, in *ofCustomer) (List[clientItem], error) {
		if err := allowed(v, access.ReadCustomers); err != nil {
			return List[clientItem]{}, err
		}
		page, err := q.Clients(ctx, v, in.Customer, in.query())
		return listOf(&in.Listing, page, err, func(c readpeople.Client) clientItem { return clientItem(c) })
	})
	get(a, "/locations", "Where jobs take place (LL-19)", models, func(ctx context.Context, v access.Viewer, in *ofCustomer) (List[locationItem], error) {
		if err := allowed(v, access.ReadCustomers); err != nil {
			return List[locationItem]{}, err
		}
		page, err := q.Locations(ctx, v, in.Customer, in.query())
		return listOf(&in.Listing, page, err, locationOf)
	})
	get(a, "/users", "Who can sign in", models, func(ctx context.Context, v access.Viewer, in *Listing) (List[userItem], error) {
		if err := allowed(v, access.ReadUsers); err != nil {
			return List[userItem]{}, err
		}
		page, err := q.Users(ctx, v, in.query())
		return listOf(in, page, err, func(u readpeople.User) userItem { return userItem(u) })
	})
	get(a, "/interpreters", "Who can be offered work", models, func(ctx context.Context, v access.Viewer, in *Listing) (List[interpreterItem], error) {
		if err := allowed(v, access.ReadInterpreters); err != nil {
			return List[interpreterItem]{}, err
		}
		page, err := q.Interpreters(ctx, v, in.query())
		return listOf(in, page, err, interpreterOf)
	})
	c := a.commands
	owned := func(area access.Area) func(context.Context, access.Viewer, uuid.UUID) error {
		return func(ctx context.Context, v access.Viewer, id uuid.UUID) error { return c.MayAtOwned(ctx, v, area, id) }
	}
	getOne(a, "/customers/{id}", "One organisation, with its revision", models, q.Customer, func(_ context.Context, v access.Viewer, id uuid.UUID) error {
		return c.MayAtCustomer(v, access.ReadCustomers, id)
	}, func(c readpeople.Customer) customerItem { return customerItem(c) })
	getOne(a, "/clients/{id}", "One client, with its revision", models, q.Client, owned(access.ReadCustomers),
		func(c readpeople.Client) clientItem { return clientItem(c) })
	getOne(a, "/locations/{id}", "One location, with its revision", models, q.Location, owned(access.ReadCustomers), locationOf)
	getOne(a, "/users/{id}", "One user, with the revision; everybody reads the own entry", models, q.User, owned(access.ReadUsers),
		func(u readpeople.User) userItem { return userItem(u) })
	getOne(a, "/interpreters/{id}", "One interpreter, with the revision", models, q.Interpreter, func(_ context.Context, v access.Viewer, id uuid.UUID) error {
		return c.MayAtInterpreter(v, access.ReadInterpreters, id)
	}, interpreterOf)
}
