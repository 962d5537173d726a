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

// UserIn is a new user. A customer's users stand in the customer's stream, staff and interpreters in the agency's.
type UserIn struct {
	Username string
	PIN      string
	Password string         // empty: the user chooses one by a one-time link
	Account  people.Account // Key is drawn; Customer zero: the agency's, or the own one of the customer's user who asks
}

// AddUser gives a person an account (admin; customer-admin for the own organisation). The login is made before the event, so a name is never
// given twice; if the event is refused the login goes again. It answers once access knows the user.
func (h *Handler) AddUser(ctx context.Context, r Request, in UserIn) (Made, error) {
	r = h.ready(r)
	r.named = true
	id := derived("user", r.CommandID.String())
	in.Account.Customer = orOwn(r.Viewer, in.Account.Customer)
	in.Account.Key = uuid.Nil
	stream := usersOf(in.Account.Customer)
	login := Login{User: id, Username: in.Username, Email: in.Account.Email.Reveal(), PIN: in.PIN, Password: in.Password,
		Issued: in.Password != "" && r.Viewer.Role != domain.System}
	added := false
	done, err := h.onUsers(ctx, r, newAt(in.Account.Customer, id), func(ctx context.Context, o people.Organisation, a attempt) ([]people.Event, error) {
		if err := access.MayGrant(r.Viewer, people.Account{}, in.Account); err != nil {
			return nil, err
		}
		wish := people.AddUser{User: id, Account: in.Account}
		if in.Account.Role == domain.Interpreter {
			known, err := h.interpreters.now(ctx, eventschema.InterpreterStream(in.Account.Interpreter))
			if err != nil {
				return nil, err
			}
			wish.InterpreterKnown = known.State.Exists() && !known.State.Erased
		}
		events, err := wish.Decide(o)
		if err != nil || a.dry || len(events) == 0 {
			return events, err
		}
		if in.Account.Key == uuid.Nil {
			if in.Account.Key, err = h.keys.Draw(ctx); err != nil {
				return nil, err
			}
		}
		if err := h.accounts.AddLogin(ctx, login); err != nil {
			return nil, err
		}
		added = true
		wish.Account = in.Account
		return wish.Decide(o)
	})
	if err != nil {
		if added {
			h.withdraw(ctx, r, id, stream, err)
		}
		return Made{}, atNamedCustomer(r.Viewer, err)
	}
	h.made.owners.Add(id, in.Account.Customer)
	return Made{id, done.Revision, done.Position}, h.models.WaitFor(ctx, done.Position, accessModel)
}

// withdraw takes a login back whose user was refused, unless the user is there after all.
func (h *Handler) withdraw(ctx context.Context, r Request, id uuid.UUID, stream string, cause error) {
	var refusal *domain.Refusal
	if !errors.As(cause, &refusal) {
		return // whether the user was made is not known; the same command sent again finds its login
	}
	ctx = context.WithoutCancel(ctx)
	o, err := h.organisation(ctx, stream)
	if err == nil {
		if _, there := o.Users[id]; !there {
			err = h.accounts.RemoveLogin(ctx, id)
		}
	}
	if err != nil {
		h.complain(ctx, "a refused user's login was not taken back", r, err)
	}
}

// ChangeUser changes an account; a disabled user is signed out at once. username nil means untouched. It answers once access has applied
// the change.
func (h *Handler) ChangeUser(ctx context.Context, r Request, username *string, c people.ChangeUser) (Changed, error) {
	r = h.ready(r)
	customer, err := h.owner(ctx, c.User)
	if err != nil {
		return Changed{}, err
	}
	stream := usersOf(customer)
	done, err := h.onUsers(ctx, r, at(customer, c.User), func(ctx context.Context, o people.Organisation, a attempt) ([]people.Event, error) {
		events, err := c.Decide(o)
		for _, e := range events {
			if err := access.MayGrant(r.Viewer, o.Users[c.User].Account, e.(people.UserChanged).Account); err != nil {
				return nil, err
			}
		}
		if err != nil || a.dry || username == nil && c.Email == nil {
			return events, err
		}
		// The login's names change first: a name that somebody else has refuses the whole command.
		l := Login{User: c.User}
		if username != nil {
			l.Username = *username
		}
		if c.Email != nil {
			l.Email = *c.Email
		}
		return events, h.accounts.ChangeLogin(ctx, l)
	})
	if err != nil {
		return Changed{}, err
	}
	if c.Disabled != nil {
		o, err := h.organisation(ctx, stream) // a repeat must not undo what came after it
		if err != nil {
			return Changed{}, err
		}
		if err := h.accounts.SetDisabled(ctx, c.User, o.Users[c.User].Disabled); err != nil {
			return Changed{}, err
		}
	}
	return done, h.models.WaitFor(ctx, done.Position, accessModel)
}

// usersOf is the stream that holds a customer's users, or for a zero customer the agency's.
func usersOf(customer uuid.UUID) string {
	if customer == uuid.Nil {
		return eventschema.Agency
	}
	return eventschema.CustomerStream(customer)
}

func (h *Handler) organisation(ctx context.Context, stream string) (people.Organisation, error) {
	if stream == eventschema.Agency {
		f, err := h.agency.now(ctx, stream)
		return f.State.Organisation(), err
	}
	f, err := h.customers.now(ctx, stream)
	return f.State.Organisation(), err
}

// onUsers carries out a change of the users in a customer's stream or in the agency's.
func (h *Handler) onUsers(ctx context.Context, r Request, p place,
	decide func(context.Context, people.Organisation, attempt) ([]people.Event, error)) (Changed, error) {
	if p.customer != uuid.Nil {
		res, err := execute(ctx, h, h.customers, r, wish[people.Customer]{
			stream:   usersOf(p.customer),
			makes:    p.makes(),
			revision: func(f Folded[people.Customer]) uint64 { return f.State.Revisions[p.seen] },
			allow:    mayAtCustomer(r.Viewer, p.customer, access.ManageUsers),
			decide: func(ctx context.Context, s people.Customer, a attempt) (plan, error) {
				return planned(decide(ctx, s.Organisation(), a))
			},
		})
		if err != nil {
			return Changed{}, err
		}
		return Changed{Revision: res.folded.State.Revisions[p.changed], Position: res.position}, nil
	}
	res, err := execute(ctx, h, h.agency, r, wish[people.Agency]{
		stream:   usersOf(p.customer),
		makes:    p.makes(),
		revision: func(f Folded[people.Agency]) uint64 { return f.State.Revisions[p.seen] },
		allow: func(people.Agency) error {
			if r.Viewer.OfCustomer() {
				return unknown()
			}
			return access.MayManage(r.Viewer, access.ManageUsers)
		},
		decide: func(ctx context.Context, s people.Agency, a attempt) (plan, error) {
			return planned(decide(ctx, s.Organisation(), a))
		},
	})
	if err != nil {
		return Changed{}, err
	}
	return Changed{Revision: res.folded.State.Revisions[p.changed], Position: res.position}, nil
}
