package commands

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// Made is the answer to a command that made something with an id of its own.
type Made struct {
	ID       uuid.UUID
	Revision uint64 // of the stream that holds it
	Position eventschema.Position
}

// Changed is the answer to a command that changed something in place.
type Changed struct {
	Revision uint64
	Position eventschema.Position
}

func changed[S any](res result[S]) Changed {
	return Changed{Revision: uint64(max(res.folded.Revision, 0)), Position: res.position}
}

func madeAs[S any](id uuid.UUID, res result[S]) Made {
	return Made{ID: id, Revision: uint64(max(res.folded.Revision, 0)), Position: res.position}
}

// one is a plan of one event.
func one(event any) plan { return plan{events: []any{event}} }

// CustomerIn is POST /customers.
type CustomerIn struct {
	Name     string
	TimeZone string // empty: the agency's
	Settings people.CustomerSettings
}

// CustomerChange is PATCH /customers/{id}: nil means untouched.
type CustomerChange struct {
	Name     *string
	TimeZone *string
	Settings *people.CustomerSettings
}

// CreateCustomer makes an organisation that books (admin).
func (h *Handler) CreateCustomer(ctx context.Context, r Request, in CustomerIn) (Made, error) {
	r = h.ready(r)
	id := derived("customer", r.CommandID.String())
	res, err := execute(ctx, h, h.customers, r, wish[customerState]{
		stream: eventschema.CustomerStream(id),
		create: true,
		allow:  func(customerState) error { return access.MayManage(r.Viewer, access.ManageCustomers) },
		decide: func(ctx context.Context, s customerState, _ attempt) (plan, error) {
			if s.ID != uuid.Nil {
				return plan{}, nil
			}
			if in.TimeZone == "" {
				agency, err := h.agency.now(ctx, eventschema.Agency)
				if err != nil {
					return plan{}, err
				}
				in.TimeZone = agency.State.Settings.TimeZone
			}
			if err := checkCustomer(in.Name, in.TimeZone, in.Settings); err != nil {
				return plan{}, err
			}
			return one(people.CustomerCreated{Customer: id, Name: in.Name, TimeZone: in.TimeZone, Settings: in.Settings}), nil
		},
	})
	if err != nil {
		return Made{}, err
	}
	h.made.streams.Add(id, eventschema.CustomerStream(id))
	return madeAs(id, res), nil
}

// ChangeCustomer changes a customer's name, zone or settings (admin).
func (h *Handler) ChangeCustomer(ctx context.Context, r Request, id uuid.UUID, in CustomerChange) (Changed, error) {
	return h.onCustomer(ctx, h.ready(r), id, access.ManageCustomers, func(s customerState) (plan, error) {
		e := people.CustomerChanged{Customer: id, Name: or(in.Name, s.Name), TimeZone: or(in.TimeZone, s.TimeZone), Settings: or(in.Settings, s.Settings)}
		if e.Name == s.Name && e.TimeZone == s.TimeZone && equalJSON(e.Settings, s.Settings) {
			return plan{}, nil
		}
		return one(e), checkCustomer(e.Name, e.TimeZone, e.Settings)
	})
}

// onCustomer carries out a change of an existing customer.
func (h *Handler) onCustomer(ctx context.Context, r Request, customer uuid.UUID, area access.Area, decide func(customerState) (plan, error)) (Changed, error) {
	res, err := execute(ctx, h, h.customers, r, wish[customerState]{
		stream: eventschema.CustomerStream(customer),
		allow:  mayAtCustomer(r.Viewer, customer, area),
		decide: func(_ context.Context, s customerState, _ attempt) (plan, error) { return decide(s) },
	})
	if err != nil {
		return Changed{}, err
	}
	return changed(res), nil
}

// mayAtCustomer: another organisation's is unknown (404), what one's role does not allow is not permitted (403), and only then it matters
// whether there is such a customer.
func mayAtCustomer(v access.Viewer, customer uuid.UUID, area access.Area) func(customerState) error {
	return func(s customerState) error {
		if err := ofOwn(v, customer); err != nil {
			return err
		}
		if err := access.MayManage(v, area); err != nil {
			return err
		}
		if s.ID == uuid.Nil {
			return unknown()
		}
		return nil
	}
}

// AddClient adds a sub-unit of a customer (admin).
func (h *Handler) AddClient(ctx context.Context, r Request, customer uuid.UUID, name string) (Made, error) {
	r = h.ready(r)
	id := derived("client", r.CommandID.String())
	done, err := h.onCustomer(ctx, r, customer, access.ManageClients, func(s customerState) (plan, error) {
		return one(people.ClientAdded{Customer: customer, Client: id, Name: name}), checkName("body.name", name)
	})
	if err != nil {
		return Made{}, err
	}
	h.made.streams.Add(id, eventschema.CustomerStream(customer))
	return Made{id, done.Revision, done.Position}, nil
}

// ChangeClient renames a client (admin).
func (h *Handler) ChangeClient(ctx context.Context, r Request, id uuid.UUID, name *string) (Changed, error) {
	customer, err := h.customerOf(ctx, id, h.refs.CustomerOfClient)
	if err != nil {
		return Changed{}, err
	}
	return h.onCustomer(ctx, h.ready(r), customer, access.ManageClients, func(s customerState) (plan, error) {
		before, ok := s.Clients[id]
		switch {
		case !ok:
			return plan{}, unknown()
		case name == nil || *name == before:
			return plan{}, nil
		}
		return one(people.ClientChanged{Customer: customer, Client: id, Name: *name}), checkName("body.name", *name)
	})
}

// LocationChange is PATCH /locations/{id}: nil means untouched.
type LocationChange struct {
	Client   *uuid.UUID
	Name     *string
	Address  *people.PostalAddress
	TimeZone *string
}

// AddLocation adds a place where a customer's jobs happen (admin; a customer's user who may edit locations, II-46).
func (h *Handler) AddLocation(ctx context.Context, r Request, customer uuid.UUID, p people.Place) (Made, error) {
	r = h.ready(r)
	if customer == uuid.Nil {
		customer = r.Viewer.Customer
	}
	id := derived("location", r.CommandID.String())
	done, err := h.onCustomer(ctx, r, customer, access.ManageLocations, func(s customerState) (plan, error) {
		return one(people.LocationAdded{Customer: customer, Location: id, Place: p}), checkPlace(narrowed(r.Viewer, s), p)
	})
	if err != nil {
		return Made{}, err
	}
	h.made.streams.Add(id, eventschema.CustomerStream(customer))
	return Made{id, done.Revision, done.Position}, nil
}

// ChangeLocation changes a place; jobs booked there keep the address that they were booked with.
func (h *Handler) ChangeLocation(ctx context.Context, r Request, id uuid.UUID, in LocationChange) (Changed, error) {
	customer, err := h.customerOf(ctx, id, h.refs.CustomerOfLocation)
	if err != nil {
		return Changed{}, err
	}
	r = h.ready(r)
	return h.onCustomer(ctx, r, customer, access.ManageLocations, func(s customerState) (plan, error) {
		s = narrowed(r.Viewer, s)
		before, ok := s.Locations[id]
		if !ok {
			return plan{}, unknown()
		}
		p := people.Place{Client: or(in.Client, before.Client), Name: or(in.Name, before.Name), Address: or(in.Address, before.Address),
			TimeZone: or(in.TimeZone, before.TimeZone)}
		if p == before {
			return plan{}, nil
		}
		return one(people.LocationChanged{Customer: customer, Location: id, Place: p}), checkPlace(s, p)
	})
}

// InterpreterChange is PATCH /interpreters/{id}: nil means untouched. A LIN never changes.
type InterpreterChange struct {
	Name         *string
	Gender       *string
	Languages    *[]string
	Skills       *[]string
	ServiceTypes *[]string
	Credentials  *[]people.Credential
	PaitID       *string
	Telephone    *string
	Email        *string
}

// RegisterInterpreter adds an interpreter (admin). The id derives from the LIN, so a LIN is registered once. The profile's key is drawn here.
func (h *Handler) RegisterInterpreter(ctx context.Context, r Request, p people.Profile) (Made, error) {
	r = h.ready(r)
	id := domain.InterpreterID(p.LIN)
	res, err := execute(ctx, h, h.interpreters, r, wish[interpreterState]{
		stream: eventschema.InterpreterStream(id),
		create: true, // a LIN already there conflicts, and is read then
		allow:  func(interpreterState) error { return access.MayManage(r.Viewer, access.ManageInterpreters) },
		decide: func(ctx context.Context, s interpreterState, a attempt) (plan, error) {
			if err := checkProfile(p); err != nil {
				return plan{}, err
			}
			if s.ID != uuid.Nil {
				return plan{}, domain.Invalid(domain.FieldError{Location: "body.lin", Message: "This LIN is registered already."})
			}
			var err error
			if p.Key == uuid.Nil && !a.dry {
				if p.Key, err = h.keys.Draw(ctx); err != nil {
					return plan{}, err
				}
			}
			return one(people.InterpreterRegistered{Interpreter: id, Profile: p}), nil
		},
	})
	if err != nil {
		return Made{}, err
	}
	return madeAs(id, res), nil
}

// ChangeInterpreter changes a profile (admin).
func (h *Handler) ChangeInterpreter(ctx context.Context, r Request, id uuid.UUID, in InterpreterChange) (Changed, error) {
	return h.onInterpreter(ctx, h.ready(r), id, access.ManageInterpreters, func(s interpreterState) (plan, error) {
		p := s.Profile
		p.Name, p.PaitID = orPersonal(in.Name, p.Name), orPersonal(in.PaitID, p.PaitID)
		p.Telephone, p.Email = orPersonal(in.Telephone, p.Telephone), orPersonal(in.Email, p.Email)
		p.Gender, p.Languages, p.Skills = or(in.Gender, p.Gender), or(in.Languages, p.Languages), or(in.Skills, p.Skills)
		p.ServiceTypes, p.Credentials = or(in.ServiceTypes, p.ServiceTypes), or(in.Credentials, p.Credentials)
		switch {
		case s.Erased:
			return plan{}, erasedRefusal()
		case equalJSON(p, s.Profile):
			return plan{}, nil
		}
		return one(people.InterpreterChanged{Interpreter: id, Profile: p}), checkProfile(p)
	})
}

// SuspendInterpreter keeps an interpreter from new offers and assignments (LL-130; assigner, admin). Again is nothing.
func (h *Handler) SuspendInterpreter(ctx context.Context, r Request, id uuid.UUID, reason string) (Changed, error) {
	return h.onInterpreter(ctx, h.ready(r), id, access.SuspendInterpreter, func(s interpreterState) (plan, error) {
		switch {
		case s.Erased:
			return plan{}, erasedRefusal()
		case s.Suspended:
			return plan{}, nil
		}
		return one(people.InterpreterSuspended{Key: s.Profile.Key, Interpreter: id, Reason: domain.Personal(reason)}),
			checkText("body.reason", reason, 1000)
	})
}

// ReinstateInterpreter ends a suspension.
func (h *Handler) ReinstateInterpreter(ctx context.Context, r Request, id uuid.UUID) (Changed, error) {
	return h.onInterpreter(ctx, h.ready(r), id, access.SuspendInterpreter, func(s interpreterState) (plan, error) {
		switch {
		case s.Erased:
			return plan{}, erasedRefusal()
		case !s.Suspended:
			return plan{}, nil
		}
		return one(people.InterpreterReinstated{Interpreter: id}), nil
	})
}

func (h *Handler) onInterpreter(ctx context.Context, r Request, id uuid.UUID, area access.Area, decide func(interpreterState) (plan, error)) (Changed, error) {
	res, err := execute(ctx, h, h.interpreters, r, wish[interpreterState]{
		stream: eventschema.InterpreterStream(id),
		allow: func(s interpreterState) error {
			if r.Viewer.OfCustomer() || r.Viewer.Role == domain.Interpreter && r.Viewer.Interpreter != id {
				return unknown() // they meet interpreters only on their jobs
			}
			if err := access.MayManage(r.Viewer, area); err != nil {
				return err
			}
			if s.ID == uuid.Nil {
				return unknown()
			}
			return nil
		},
		decide: func(_ context.Context, s interpreterState, _ attempt) (plan, error) { return decide(s) },
	})
	if err != nil {
		return Changed{}, err
	}
	return changed(res), nil
}

func erasedRefusal() error {
	return domain.Unprocessable("erased", "This person's data was erased. It cannot be changed any more.")
}

// UserIn is POST /users.
type UserIn struct {
	Username string
	PIN      string
	Password string // empty: the user chooses one by a one-time link
	Account  people.Account
}

// UserChange is PATCH /users/{id}: nil means untouched.
type UserChange struct {
	Username    *string
	Name        *string
	Email       *string
	Telephone   *string
	Role        *domain.Role
	Clients     *[]uuid.UUID
	Locations   *[]uuid.UUID
	Permissions *[]domain.Permission
	Disabled    *bool
}

// AddUser gives a person an account: in the customer's stream for a customer's user, in the agency's for staff and interpreters. The login
// is made before the event, so a name is never given twice; if the event is refused the login goes again. It answers once access knows the
// user.
func (h *Handler) AddUser(ctx context.Context, r Request, in UserIn) (Made, error) {
	r = h.ready(r)
	id := derived("user", r.CommandID.String())
	if r.Viewer.OfCustomer() && in.Account.Customer == uuid.Nil {
		in.Account.Customer = r.Viewer.Customer
	}
	login := Login{User: id, Username: in.Username, Email: in.Account.Email.Reveal(), PIN: in.PIN, Password: in.Password}
	added := false
	add := func(ctx context.Context, users map[uuid.UUID]user, s customerState, a attempt) (plan, error) {
		if _, ok := users[id]; ok {
			return plan{}, nil
		}
		if err := h.checkAccount(ctx, r.Viewer, s, in.Account); err != nil {
			return plan{}, err
		}
		if a.dry {
			return plan{}, nil
		}
		if in.Account.Key == uuid.Nil {
			key, err := h.keys.Draw(ctx)
			if err != nil {
				return plan{}, err
			}
			in.Account.Key = key
		}
		if err := h.accounts.AddLogin(ctx, login); err != nil {
			return plan{}, err
		}
		added = true
		return one(people.UserAdded{User: id, Account: in.Account}), nil
	}
	stream := usersOf(in.Account.Customer)
	done, err := h.onUsers(ctx, r, stream, add)
	if err != nil {
		if added {
			h.withdraw(ctx, r, id, stream, err)
		}
		return Made{}, err
	}
	h.made.streams.Add(id, stream)
	if err := h.models.WaitFor(ctx, done.Position, accessModel); err != nil {
		return Made{}, err
	}
	return Made{id, done.Revision, done.Position}, nil
}

// withdraw takes a login back whose user was refused, unless the user is there after all.
func (h *Handler) withdraw(ctx context.Context, r Request, id uuid.UUID, stream string, cause error) {
	var refusal *domain.Refusal
	if !errors.As(cause, &refusal) {
		return // whether the user was made is not known; the same command sent again finds its login
	}
	ctx = context.WithoutCancel(ctx)
	_, known, err := h.user(ctx, id, stream)
	if err == nil && !known {
		err = h.accounts.RemoveLogin(ctx, id)
	}
	if err != nil {
		h.complain(ctx, "a refused user's login was not taken back", r, err)
	}
}

// usersOf is the stream that holds a customer's users, or for a zero customer the agency's.
func usersOf(customer uuid.UUID) string {
	if customer == uuid.Nil {
		return eventschema.Agency
	}
	return eventschema.CustomerStream(customer)
}

func (h *Handler) user(ctx context.Context, id uuid.UUID, stream string) (user, bool, error) {
	if stream == eventschema.Agency {
		f, err := h.agency.now(ctx, stream)
		u, ok := f.State.Users[id]
		return u, ok, err
	}
	f, err := h.customers.now(ctx, stream)
	u, ok := f.State.Users[id]
	return u, ok, err
}

// ChangeUser changes an account; a disabled user is signed out at once. It answers once access has applied the change.
func (h *Handler) ChangeUser(ctx context.Context, r Request, id uuid.UUID, in UserChange) (Changed, error) {
	r = h.ready(r)
	stream, err := h.holds(ctx, id, h.refs.StreamOfUser)
	if err != nil {
		return Changed{}, err
	}
	disabled := false
	done, err := h.onUsers(ctx, r, stream, func(ctx context.Context, users map[uuid.UUID]user, s customerState, a attempt) (plan, error) {
		u, ok := users[id]
		if !ok {
			return plan{}, unknown()
		}
		if u.Erased {
			return plan{}, erasedRefusal()
		}
		n := u.Account
		n.Name, n.Email, n.Telephone = orPersonal(in.Name, n.Name), orPersonal(in.Email, n.Email), orPersonal(in.Telephone, n.Telephone)
		n.Role, n.Clients, n.Locations = or(in.Role, n.Role), or(in.Clients, n.Clients), or(in.Locations, n.Locations)
		n.Permissions, n.Disabled = or(in.Permissions, n.Permissions), or(in.Disabled, n.Disabled)
		disabled = n.Disabled
		if err := h.checkAccount(ctx, r.Viewer, s, n); err != nil {
			return plan{}, err
		}
		if (in.Username != nil || in.Email != nil) && !a.dry {
			if err := h.accounts.ChangeLogin(ctx, Login{User: id, Username: or(in.Username, ""), Email: or(in.Email, "")}); err != nil {
				return plan{}, err
			}
		}
		if equalJSON(n, u.Account) {
			return plan{}, nil
		}
		return one(people.UserChanged{User: id, Account: n}), nil
	})
	if err != nil {
		return Changed{}, err
	}
	if in.Disabled != nil {
		if err := h.accounts.SetDisabled(ctx, id, disabled); err != nil {
			return Changed{}, err
		}
	}
	return done, h.models.WaitFor(ctx, done.Position, accessModel)
}

// onUsers carries out a change of the users in a customer's stream or in the agency's.
func (h *Handler) onUsers(ctx context.Context, r Request, stream string,
	decide func(ctx context.Context, users map[uuid.UUID]user, s customerState, a attempt) (plan, error)) (Changed, error) {
	if customer, ok := eventschema.IDOf(stream); ok {
		res, err := execute(ctx, h, h.customers, r, wish[customerState]{
			stream: stream,
			allow:  mayAtCustomer(r.Viewer, customer, access.ManageUsers),
			decide: func(ctx context.Context, s customerState, a attempt) (plan, error) { return decide(ctx, s.Users, s, a) },
		})
		return changed(res), err
	}
	res, err := execute(ctx, h, h.agency, r, wish[agencyState]{
		stream: stream,
		allow: func(s agencyState) error {
			if r.Viewer.OfCustomer() {
				return unknown()
			}
			return access.MayManage(r.Viewer, access.ManageUsers)
		},
		decide: func(ctx context.Context, s agencyState, a attempt) (plan, error) {
			return decide(ctx, s.Users, customerState{}, a)
		},
	})
	return changed(res), err
}

// or is the sent value, or what stands if nothing was sent.
func or[T any](sent *T, stands T) T {
	if sent == nil {
		return stands
	}
	return *sent
}

func orPersonal(sent *string, stands domain.Personal) domain.Personal {
	if sent == nil {
		return stands
	}
	return domain.Personal(*sent)
}
