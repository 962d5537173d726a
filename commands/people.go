package commands

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// Made is the answer to a command that made something with an id of its own.
type Made struct {
	ID       uuid.UUID
	Revision uint64 // of what was made
	Position eventschema.Position
}

// Changed is the answer to a command that changed something in place.
type Changed struct {
	Revision uint64 // of what was changed
	Position eventschema.Position
	Warnings []domain.Warning
}

func changed[S any](res result[S]) Changed {
	return Changed{Revision: uint64(max(res.folded.Revision, 0)), Position: res.position}
}

func madeAs[S any](id uuid.UUID, res result[S]) Made {
	return Made{ID: id, Revision: uint64(max(res.folded.Revision, 0)), Position: res.position}
}

// planned puts a decision of the domain into the loop's words.
func planned[E any](events []E, err error) (plan, error) {
	if err != nil {
		return plan{}, err
	}
	p := plan{events: make([]any, len(events))}
	for i, e := range events {
		p.events[i] = e
	}
	return p, nil
}

// CreateCustomer makes an organisation that books (admin). Its id derives from the command's; without a time zone it has the agency's.
func (h *Handler) CreateCustomer(ctx context.Context, r Request, c people.CreateCustomer) (Made, error) {
	r = h.ready(r)
	c.Customer = derived("customer", r.CommandID.String())
	res, err := execute(ctx, h, h.customers, r, wish[people.Customer]{
		stream: eventschema.CustomerStream(c.Customer),
		create: true,
		allow:  func(people.Customer) error { return access.MayManage(r.Viewer, access.ManageCustomers) },
		decide: func(ctx context.Context, s people.Customer, _ attempt) (plan, error) {
			known, agency, err := h.known(ctx, c.Settings.Forms)
			if err != nil {
				return plan{}, err
			}
			c := c
			if c.TimeZone == "" {
				c.TimeZone = agency.Settings.TimeZone
			}
			return planned(c.Decide(s, known))
		},
	})
	if err != nil {
		return Made{}, err
	}
	return madeAs(c.Customer, res), nil
}

// known reads the lists that a customer's settings choose from. Of the forms it names those of these that there are.
func (h *Handler) known(ctx context.Context, named []string) (people.Known, people.Agency, error) {
	f, err := h.look(ctx, needs{agency: true, terms: true})
	if err != nil {
		return people.Known{}, people.Agency{}, err
	}
	known := people.Known{Forms: []string{}, ServiceTypes: slices.Collect(maps.Keys(f.terms.Hourly))}
	for _, id := range named {
		_, there, err := h.formVersion(ctx, id, 0)
		if err != nil {
			return people.Known{}, people.Agency{}, err
		}
		if there {
			known.Forms = append(known.Forms, id)
		}
	}
	return known, f.agency, nil
}

// ChangeCustomer changes a customer's name, zone or settings (admin).
func (h *Handler) ChangeCustomer(ctx context.Context, r Request, id uuid.UUID, c people.ChangeCustomer) (Changed, error) {
	return h.onCustomer(ctx, h.ready(r), at(id, id), access.ManageCustomers, func(ctx context.Context, s people.Customer) ([]people.Event, error) {
		named := s.Settings.Forms
		if c.Settings != nil {
			named = c.Settings.Apply(s.Settings).Forms
		}
		known, _, err := h.known(ctx, named)
		if err != nil {
			return nil, err
		}
		return c.Decide(s, known)
	})
}

// place is what a command is about, where a stream holds several things.
type place struct {
	customer uuid.UUID // whose stream; zero: the agency's
	seen     uuid.UUID // whose revision If-Match names
	changed  uuid.UUID // whose revision the answer tells
}

// makes tells whether the thing is new.
func (p place) makes() bool { return p.seen != p.changed }

// at is the place of something that is changed.
func at(customer, thing uuid.UUID) place { return place{customer, thing, thing} }

// newAt is the place of something that is made: what its maker has seen is the customer.
func newAt(customer, thing uuid.UUID) place { return place{customer, customer, thing} }

// onCustomer carries out a change in an existing customer's stream.
func (h *Handler) onCustomer(ctx context.Context, r Request, p place, area access.Area,
	decide func(context.Context, people.Customer) ([]people.Event, error)) (Changed, error) {
	res, err := execute(ctx, h, h.customers, r, wish[people.Customer]{
		stream:   eventschema.CustomerStream(p.customer),
		makes:    p.makes(),
		revision: func(f Folded[people.Customer]) uint64 { return f.State.Revisions[p.seen] },
		allow:    mayAtCustomer(r.Viewer, p.customer, area),
		decide:   func(ctx context.Context, s people.Customer, _ attempt) (plan, error) { return planned(decide(ctx, s)) },
	})
	if err != nil {
		return Changed{}, err
	}
	return Changed{Revision: res.folded.State.Revisions[p.changed], Position: res.position}, nil
}

// mayAtCustomer: another organisation's is unknown (404), what one's role does not allow is not permitted (403), and only then it matters
// whether there is such a customer.
func mayAtCustomer(v access.Viewer, customer uuid.UUID, area access.Area) func(people.Customer) error {
	return func(s people.Customer) error {
		if err := ofOwn(v, customer); err != nil {
			return err
		}
		if err := access.MayManage(v, area); err != nil {
			return err
		}
		if !s.Exists() {
			return unknown()
		}
		return nil
	}
}

// orOwn is the customer that was named, else the own one of the customer's user who asks.
func orOwn(v access.Viewer, customer uuid.UUID) uuid.UUID {
	if customer == uuid.Nil {
		return v.Customer
	}
	return customer
}

// atNamedCustomer is an error of a command whose customer stands in its body: to staff, who know them all, one that is not there is a faulty
// value; a customer's user only learns that it is not the own one.
func atNamedCustomer(v access.Viewer, err error) error {
	if errors.Is(err, unknown()) && !v.OfCustomer() {
		return domain.Invalid(domain.FieldError{Location: "body.customer", Message: "Name one of the agency's customers."})
	}
	return err
}

// AddClient adds a sub-unit of a customer (admin).
func (h *Handler) AddClient(ctx context.Context, r Request, customer uuid.UUID, name string) (Made, error) {
	r = h.ready(r)
	r.named = true
	customer = orOwn(r.Viewer, customer)
	id := derived("client", r.CommandID.String())
	done, err := h.onCustomer(ctx, r, newAt(customer, id), access.ManageClients, func(_ context.Context, s people.Customer) ([]people.Event, error) {
		return people.AddClient{Client: id, Name: name}.Decide(s)
	})
	if err != nil {
		return Made{}, atNamedCustomer(r.Viewer, err)
	}
	h.made.owners.Add(id, customer)
	return Made{id, done.Revision, done.Position}, nil
}

// ChangeClient renames a client (admin).
func (h *Handler) ChangeClient(ctx context.Context, r Request, c people.ChangeClient) (Changed, error) {
	customer, err := h.owner(ctx, c.Client)
	if err != nil {
		return Changed{}, err
	}
	return h.onCustomer(ctx, h.ready(r), at(customer, c.Client), access.ManageClients, func(_ context.Context, s people.Customer) ([]people.Event, error) {
		return c.Decide(s)
	})
}

// AddLocation adds a place where a customer's jobs happen (admin; a customer's user who may edit locations, for the own organisation, which
// a zero customer means, II-46).
func (h *Handler) AddLocation(ctx context.Context, r Request, customer uuid.UUID, p people.Place) (Made, error) {
	r = h.ready(r)
	r.named = true
	customer = orOwn(r.Viewer, customer)
	id := derived("location", r.CommandID.String())
	done, err := h.onCustomer(ctx, r, newAt(customer, id), access.ManageLocations, func(_ context.Context, s people.Customer) ([]people.Event, error) {
		return people.AddLocation{Location: id, Place: p}.Decide(narrowed(r.Viewer, s))
	})
	if err != nil {
		return Made{}, atNamedCustomer(r.Viewer, err)
	}
	h.made.owners.Add(id, customer)
	return Made{id, done.Revision, done.Position}, nil
}

// ChangeLocation changes a place; jobs booked there keep the address that they were booked with.
func (h *Handler) ChangeLocation(ctx context.Context, r Request, c people.ChangeLocation) (Changed, error) {
	customer, err := h.owner(ctx, c.Location)
	if err != nil {
		return Changed{}, err
	}
	r = h.ready(r)
	return h.onCustomer(ctx, r, at(customer, c.Location), access.ManageLocations, func(_ context.Context, s people.Customer) ([]people.Event, error) {
		return c.Decide(narrowed(r.Viewer, s))
	})
}

// RegisterInterpreter adds an interpreter (admin). The id derives from the LIN, so a LIN is registered once. The profile's key is drawn here.
func (h *Handler) RegisterInterpreter(ctx context.Context, r Request, p people.Profile) (Made, error) {
	r = h.ready(r)
	r.named = true
	p.LIN = strings.TrimSpace(p.LIN)
	id := domain.InterpreterID(p.LIN)
	p.Key = uuid.Nil
	res, err := execute(ctx, h, h.interpreters, r, wish[people.Interpreter]{
		stream: eventschema.InterpreterStream(id),
		create: true, // a LIN that is there already makes the append conflict, and is read then
		allow:  func(people.Interpreter) error { return access.MayManage(r.Viewer, access.ManageInterpreters) },
		decide: func(ctx context.Context, s people.Interpreter, a attempt) (plan, error) {
			made, err := planned(people.RegisterInterpreter{Profile: p}.Decide(s))
			if err != nil || a.dry || len(made.events) == 0 {
				return made, err
			}
			if p.Key == uuid.Nil {
				if p.Key, err = h.keys.Draw(ctx); err != nil {
					return plan{}, err
				}
			}
			return planned(people.RegisterInterpreter{Profile: p}.Decide(s))
		},
	})
	if err != nil {
		return Made{}, err
	}
	return madeAs(id, res), nil
}

// ChangeInterpreter changes a profile (admin).
func (h *Handler) ChangeInterpreter(ctx context.Context, r Request, id uuid.UUID, c people.ChangeInterpreter) (Changed, error) {
	return h.onInterpreter(ctx, h.ready(r), id, access.ManageInterpreters, c.Decide)
}

// SuspendInterpreter keeps an interpreter from new offers and assignments (LL-130; assigner, admin). Again is nothing.
func (h *Handler) SuspendInterpreter(ctx context.Context, r Request, id uuid.UUID, reason string) (Changed, error) {
	return h.onInterpreter(ctx, h.ready(r), id, access.SuspendInterpreter, people.SuspendInterpreter{Reason: reason}.Decide)
}

// ReinstateInterpreter ends a suspension.
func (h *Handler) ReinstateInterpreter(ctx context.Context, r Request, id uuid.UUID) (Changed, error) {
	return h.onInterpreter(ctx, h.ready(r), id, access.SuspendInterpreter, people.ReinstateInterpreter{}.Decide)
}

func (h *Handler) onInterpreter(ctx context.Context, r Request, id uuid.UUID, area access.Area,
	decide func(people.Interpreter) ([]people.Event, error)) (Changed, error) {
	res, err := execute(ctx, h, h.interpreters, r, wish[people.Interpreter]{
		stream:   eventschema.InterpreterStream(id),
		revision: func(f Folded[people.Interpreter]) uint64 { return f.State.Revision },
		allow: func(s people.Interpreter) error {
			if err := h.MayAtInterpreter(r.Viewer, area, id); err != nil {
				return err
			}
			if !s.Exists() {
				return unknown()
			}
			return nil
		},
		decide: func(_ context.Context, s people.Interpreter, _ attempt) (plan, error) { return planned(decide(s)) },
	})
	if err != nil {
		return Changed{}, err
	}
	return Changed{Revision: res.folded.State.Revision, Position: res.position}, nil
}
