package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

type idAnswer struct {
	ID uuid.UUID `json:"id"`
}

type postalBody struct {
	Line1    string `json:"line1,omitempty" maxLength:"200"`
	Line2    string `json:"line2,omitempty" maxLength:"200"`
	Town     string `json:"town,omitempty" maxLength:"100"`
	Postcode string `json:"postcode,omitempty" maxLength:"20"`
}

func (b postalBody) address() people.PostalAddress {
	return people.PostalAddress{Line1: b.Line1, Line2: b.Line2, Town: b.Town, Postcode: b.Postcode}
}

type customerBody struct {
	Name     string                  `json:"name,omitempty" maxLength:"200"`
	TimeZone string                  `json:"timeZone,omitempty" doc:"IANA name; default: the agency's."`
	Settings people.CustomerSettings `json:"settings,omitempty"`
}

type customerPatch struct {
	Name     *string                `json:"name,omitempty" maxLength:"200"`
	TimeZone *string                `json:"timeZone,omitempty"`
	Settings *people.SettingsChange `json:"settings,omitempty"`
}

type clientBody struct {
	Customer uuid.UUID `json:"customer,omitempty"`
	Name     string    `json:"name,omitempty" maxLength:"200"`
}

type clientPatch struct {
	Name *string `json:"name,omitempty" maxLength:"200"`
}

type locationBody struct {
	Customer uuid.UUID  `json:"customer,omitempty" doc:"A customer's user leaves it out: the own one."`
	Client   uuid.UUID  `json:"client,omitempty"`
	Name     string     `json:"name,omitempty" maxLength:"200"`
	Address  postalBody `json:"address,omitempty"`
	TimeZone string     `json:"timeZone,omitempty" doc:"Default: the customer's."`
	Nation   string     `json:"nation,omitempty" doc:"Whose bank holidays are kept there: england-and-wales, scotland, northern-ireland or none. Default: the customer's."`

	// Coordinates say where it lies (M-03).
	Coordinates *coordinatesBody `json:"coordinates,omitempty" doc:"Where it lies; without them its postcode is looked up."`
}

type locationPatch struct {
	Client   *uuid.UUID  `json:"client,omitempty"`
	Name     *string     `json:"name,omitempty" maxLength:"200"`
	Address  *postalBody `json:"address,omitempty"`
	TimeZone *string     `json:"timeZone,omitempty"`
	Nation   *string     `json:"nation,omitempty" doc:"Empty: the customer's."`

	Coordinates *coordinatesBody `json:"coordinates,omitempty"`
}

type credentialBody struct {
	Kind      string `json:"kind"`
	Reference string `json:"reference,omitempty" maxLength:"100"`
	ValidFrom string `json:"validFrom" doc:"Day such as 2026-01-31."`
	ValidTo   string `json:"validTo"`
}

func credentials(in []credentialBody) []people.Credential {
	out := make([]people.Credential, 0, len(in))
	for _, c := range in {
		out = append(out, people.Credential(c))
	}
	return out
}

type interpreterInBody struct {
	LIN          string           `json:"lin,omitempty"`
	Name         string           `json:"name,omitempty" maxLength:"200"`
	Gender       string           `json:"gender,omitempty"`
	Languages    []string         `json:"languages,omitempty" maxItems:"50"`
	Skills       []string         `json:"skills,omitempty" maxItems:"50"`
	ServiceTypes []string         `json:"serviceTypes,omitempty" maxItems:"20"`
	Credentials  []credentialBody `json:"credentials,omitempty" maxItems:"50"`
	PaitID       string           `json:"paitId,omitempty" maxLength:"100"`
	Telephone    string           `json:"telephone,omitempty" maxLength:"50"`
	Email        string           `json:"email,omitempty" maxLength:"200"`

	Coordinates    *coordinatesBody `json:"coordinates,omitempty" doc:"Where the interpreter sets out from; without them the postcode is looked up."`
	Postcode       string           `json:"postcode,omitempty" maxLength:"20"`
	TravelRadiusKm int              `json:"travelRadiusKm,omitempty" doc:"As the crow flies; 0: any distance."`
}

type interpreterPatch struct {
	Name         *string           `json:"name,omitempty" maxLength:"200"`
	Gender       *string           `json:"gender,omitempty"`
	Languages    *[]string         `json:"languages,omitempty" maxItems:"50"`
	Skills       *[]string         `json:"skills,omitempty" maxItems:"50"`
	ServiceTypes *[]string         `json:"serviceTypes,omitempty" maxItems:"20"`
	Credentials  *[]credentialBody `json:"credentials,omitempty" maxItems:"50"`
	PaitID       *string           `json:"paitId,omitempty" maxLength:"100"`
	Telephone    *string           `json:"telephone,omitempty" maxLength:"50"`
	Email        *string           `json:"email,omitempty" maxLength:"200"`

	Coordinates    *coordinatesBody `json:"coordinates,omitempty"`
	Postcode       *string          `json:"postcode,omitempty" maxLength:"20"`
	TravelRadiusKm *int             `json:"travelRadiusKm,omitempty"`
}

type userBody struct {
	Username    string              `json:"username,omitempty" maxLength:"100"`
	Name        string              `json:"name,omitempty" maxLength:"200"`
	Email       string              `json:"email,omitempty" maxLength:"200"`
	Telephone   string              `json:"telephone,omitempty" maxLength:"50"`
	PIN         string              `json:"pin,omitempty" doc:"Six digits, a second user name (D-14)."`
	Password    string              `json:"password,omitempty" maxLength:"200"`
	Role        domain.Role         `json:"role,omitempty"`
	Customer    uuid.UUID           `json:"customer,omitempty"`
	Interpreter string              `json:"interpreter,omitempty" doc:"LIN or id, for the role interpreter."`
	Clients     []uuid.UUID         `json:"clients,omitempty"`
	Locations   []uuid.UUID         `json:"locations,omitempty"`
	Permissions []domain.Permission `json:"permissions,omitempty"`
}

type userPatch struct {
	Username    *string              `json:"username,omitempty" maxLength:"100"`
	Name        *string              `json:"name,omitempty" maxLength:"200"`
	Email       *string              `json:"email,omitempty" maxLength:"200"`
	Telephone   *string              `json:"telephone,omitempty" maxLength:"50"`
	Role        *domain.Role         `json:"role,omitempty"`
	Clients     *[]uuid.UUID         `json:"clients,omitempty"`
	Locations   *[]uuid.UUID         `json:"locations,omitempty"`
	Permissions *[]domain.Permission `json:"permissions,omitempty"`
	Disabled    *bool                `json:"disabled,omitempty"`
}

// making registers a POST that makes something with an id.
func making[B any](a *API, path, name, summary string, area access.Area, run func(ctx context.Context, r commands.Request, body B) (commands.Made, error)) {
	huma.Register(a.huma, a.mayManage(a.operation(http.MethodPost, path, summary, http.StatusCreated), area),
		func(ctx context.Context, in *order[B]) (*commandAnswer[idAnswer], error) {
			req, err := a.request(ctx, name, in.Ordering, in.RawBody)
			if err != nil {
				return nil, a.wrong(ctx, err)
			}
			made, err := run(ctx, req, in.Body)
			if err != nil {
				return nil, a.answerTo(ctx, err)
			}
			return positioned(made.Position, &made.Revision, idAnswer{made.ID}), nil
		})
}

// changing registers a PATCH or POST on something with an id; it answers 204.
func changing[B any](a *API, method, path, name, summary string, may func(ctx context.Context, v access.Viewer, id uuid.UUID) error,
	run func(ctx context.Context, r commands.Request, id uuid.UUID, body B) (commands.Changed, error)) {
	huma.Register(a.huma, a.mayAt(a.operation(method, path, summary, http.StatusNoContent), may),
		func(ctx context.Context, in *idOrder[B]) (*doneAnswer, error) {
			req, err := a.request(ctx, name, in.Ordering, in.RawBody)
			if err != nil {
				return nil, a.wrong(ctx, err)
			}
			done, err := run(ctx, req, in.ID, in.Body)
			if err != nil {
				return nil, a.answerTo(ctx, err)
			}
			return doneAt(done.Position, done.Revision), nil
		})
}

// doneAnswer is a command's answer without a body.
type doneAnswer struct {
	Position string `header:"Dragoman-Position"`
	ETag     string `header:"ETag"`
}

func doneAt(p eventschema.Position, revision uint64) *doneAnswer {
	return &doneAnswer{Position: position(p), ETag: etag(revision)}
}

func (a *API) peopleCommands() {
	c := a.commands
	atCustomer := func(_ context.Context, v access.Viewer, id uuid.UUID) error {
		return c.MayAtCustomer(v, access.ManageCustomers, id)
	}
	owned := func(area access.Area) func(context.Context, access.Viewer, uuid.UUID) error {
		return func(ctx context.Context, v access.Viewer, id uuid.UUID) error { return c.MayAtOwned(ctx, v, area, id) }
	}
	atInterpreter := func(area access.Area) func(context.Context, access.Viewer, uuid.UUID) error {
		return func(_ context.Context, v access.Viewer, id uuid.UUID) error { return c.MayAtInterpreter(v, area, id) }
	}
	making(a, "/customers", "create-customer", "A new customer", access.ManageCustomers, func(ctx context.Context, r commands.Request, b customerBody) (commands.Made, error) {
		return c.CreateCustomer(ctx, r, people.CreateCustomer{Name: b.Name, TimeZone: b.TimeZone, Settings: b.Settings})
	})
	changing(a, http.MethodPatch, "/customers/{id}", "change-customer", "Change a customer", atCustomer,
		func(ctx context.Context, r commands.Request, id uuid.UUID, b customerPatch) (commands.Changed, error) {
			return c.ChangeCustomer(ctx, r, id, people.ChangeCustomer{Name: b.Name, TimeZone: b.TimeZone, Settings: b.Settings})
		})
	making(a, "/clients", "create-client", "A customer's sub-unit", access.ManageClients, func(ctx context.Context, r commands.Request, b clientBody) (commands.Made, error) {
		return c.AddClient(ctx, r, b.Customer, b.Name)
	})
	changing(a, http.MethodPatch, "/clients/{id}", "change-client", "Change a client", owned(access.ManageClients),
		func(ctx context.Context, r commands.Request, id uuid.UUID, b clientPatch) (commands.Changed, error) {
			return c.ChangeClient(ctx, r, people.ChangeClient{Client: id, Name: b.Name})
		})
	making(a, "/locations", "create-location", "A customer's address (II-46)", access.ManageLocations, func(ctx context.Context, r commands.Request, b locationBody) (commands.Made, error) {
		return c.AddLocation(ctx, r, b.Customer, people.Place{Client: b.Client, Name: b.Name, Address: b.Address.address(), TimeZone: b.TimeZone, Nation: b.Nation,
			Coordinates: b.Coordinates.orUnknown()})
	})
	changing(a, http.MethodPatch, "/locations/{id}", "change-location", "Change a location", owned(access.ManageLocations),
		func(ctx context.Context, r commands.Request, id uuid.UUID, b locationPatch) (commands.Changed, error) {
			change := people.ChangeLocation{Location: id, Client: b.Client, Name: b.Name, TimeZone: b.TimeZone, Nation: b.Nation, Coordinates: b.Coordinates.point()}
			if b.Address != nil {
				address := b.Address.address()
				change.Address = &address
			}
			return c.ChangeLocation(ctx, r, change)
		})
	making(a, "/interpreters", "register-interpreter", "A new interpreter (LL-40)", access.ManageInterpreters,
		func(ctx context.Context, r commands.Request, b interpreterInBody) (commands.Made, error) {
			return c.RegisterInterpreter(ctx, r, people.Profile{LIN: b.LIN, Name: domain.Personal(b.Name),
				Gender: b.Gender, Languages: b.Languages, Skills: b.Skills, ServiceTypes: b.ServiceTypes, Credentials: credentials(b.Credentials),
				PaitID: domain.Personal(b.PaitID), Telephone: domain.Personal(b.Telephone), Email: domain.Personal(b.Email),
				Coordinates: people.HomeAt(b.Coordinates.orUnknown()), Postcode: domain.Personal(b.Postcode), TravelRadiusKm: b.TravelRadiusKm})
		})
	changing(a, http.MethodPatch, "/interpreters/{id}", "change-interpreter", "Change an interpreter", atInterpreter(access.ManageInterpreters),
		func(ctx context.Context, r commands.Request, id uuid.UUID, b interpreterPatch) (commands.Changed, error) {
			change := people.ChangeInterpreter{Name: b.Name, Gender: b.Gender, Languages: b.Languages, Skills: b.Skills,
				ServiceTypes: b.ServiceTypes, PaitID: b.PaitID, Telephone: b.Telephone, Email: b.Email,
				Coordinates: b.Coordinates.point(), Postcode: b.Postcode, TravelRadiusKm: b.TravelRadiusKm}
			if b.Credentials != nil {
				held := credentials(*b.Credentials)
				change.Credentials = &held
			}
			return c.ChangeInterpreter(ctx, r, id, change)
		})
	type reasonBody struct {
		Reason string `json:"reason,omitempty" maxLength:"1000"`
	}
	changing(a, http.MethodPost, "/interpreters/{id}/suspend", "suspend-interpreter", "No new offers or assignments (LL-130)", atInterpreter(access.SuspendInterpreter),
		func(ctx context.Context, r commands.Request, id uuid.UUID, b reasonBody) (commands.Changed, error) {
			return c.SuspendInterpreter(ctx, r, id, b.Reason)
		})
	changing(a, http.MethodPost, "/interpreters/{id}/reinstate", "reinstate-interpreter", "End a suspension", atInterpreter(access.SuspendInterpreter),
		func(ctx context.Context, r commands.Request, id uuid.UUID, _ noBody) (commands.Changed, error) {
			return c.ReinstateInterpreter(ctx, r, id)
		})
	making(a, "/users", "create-user", "A new user", access.ManageUsers, func(ctx context.Context, r commands.Request, b userBody) (commands.Made, error) {
		account := people.Account{Name: domain.Personal(b.Name), Email: domain.Personal(b.Email), Telephone: domain.Personal(b.Telephone),
			Role: b.Role, Customer: b.Customer, Clients: b.Clients, Locations: b.Locations, Permissions: b.Permissions}
		if b.Interpreter != "" {
			id, err := interpreter(b.Interpreter, "body.interpreter")
			if err != nil {
				return commands.Made{}, err
			}
			account.Interpreter = id
		}
		return c.AddUser(ctx, r, commands.UserIn{Username: b.Username, PIN: b.PIN, Password: b.Password, Account: account})
	})
	changing(a, http.MethodPatch, "/users/{id}", "change-user", "Change a user", owned(access.ManageUsers),
		func(ctx context.Context, r commands.Request, id uuid.UUID, b userPatch) (commands.Changed, error) {
			return c.ChangeUser(ctx, r, b.Username, people.ChangeUser{User: id, Name: b.Name, Email: b.Email, Telephone: b.Telephone, Role: b.Role,
				Clients: b.Clients, Locations: b.Locations, Permissions: b.Permissions, Disabled: b.Disabled})
		})
}
