package commands

import (
	"cmp"
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// EnsureDeployment makes an empty log a deployment: the agency's stream begins with the deployment's id and its first settings, and the
// built-in forms and terms are written where there are none. It answers with the id, also of a log that was begun long ago.
func (h *Handler) EnsureDeployment(ctx context.Context, demo bool) (uuid.UUID, error) {
	r := h.ready(Request{Name: "begin-deployment", Viewer: systemViewer()})
	res, err := execute(ctx, h, h.agency, r, wish[people.Agency]{
		stream: eventschema.Agency,
		decide: func(_ context.Context, s people.Agency, a attempt) (plan, error) {
			if s.Deployment != uuid.Nil {
				return plan{}, nil
			}
			return planned(people.CreateDeployment{ID: a.newID("deployment"), Demo: demo, Settings: people.DefaultAgency()}.Decide(s))
		},
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("begin the deployment: %w", err)
	}
	for _, form := range forms.BuiltIn() {
		_, err := execute(ctx, h, h.forms, r, wish[forms.FormState]{
			stream: eventschema.FormStream(form.ID),
			decide: func(_ context.Context, s forms.FormState, _ attempt) (plan, error) {
				if len(s.Versions) > 0 {
					return plan{}, nil
				}
				return planned(forms.Define{Form: form}.Decide(s))
			},
		})
		if err != nil {
			return uuid.Nil, fmt.Errorf("write the built-in form %s: %w", form.ID, err)
		}
	}
	terms := forms.TermsV1()
	_, err = execute(ctx, h, h.terms, r, wish[forms.TermsState]{
		stream: eventschema.TermsStream(terms.ID),
		decide: func(_ context.Context, s forms.TermsState, _ attempt) (plan, error) {
			if len(s.Versions) > 0 {
				return plan{}, nil
			}
			return planned(forms.DefineTerms{Terms: terms}.Decide(s))
		},
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("write the built-in terms: %w", err)
	}
	return res.folded.State.Deployment, nil
}

// SetupIn is what the first admin gives.
type SetupIn struct {
	Token    string
	Username string
	Password string
	Name     string // empty: the user name
	Email    string // empty: the user name, if it is one
}

// Setup makes the first admin of an empty deployment, against the one-time token that serve printed. Nobody is signed in yet: the token is
// the right to do it.
func (h *Handler) Setup(ctx context.Context, r Request, in SetupIn) (Made, error) {
	if in.Email == "" && forms.IsEmail(in.Username) {
		in.Email = in.Username
	}
	id, err := h.accounts.BeginSetup(ctx, in.Token, Login{Username: in.Username, Email: in.Email, Password: in.Password})
	if err != nil {
		return Made{}, err
	}
	r.Viewer = systemViewer()
	r.Viewer.User = id
	r = h.ready(r)
	account := people.Account{Name: domain.Personal(cmp.Or(in.Name, in.Username)), Email: domain.Personal(in.Email), Role: domain.Admin}
	done, err := h.onUsers(ctx, r, newAt(uuid.Nil, id), func(ctx context.Context, o people.Organisation, a attempt) ([]people.Event, error) {
		if _, there := o.Users[id]; there {
			return nil, nil
		}
		if account.Key == uuid.Nil && !a.dry {
			if account.Key, err = h.keys.Draw(ctx); err != nil {
				return nil, err
			}
		}
		// Not people.AddUser: the first admin may have no mail address yet.
		return []people.Event{people.UserAdded{User: id, Account: account}}, nil
	})
	if err != nil {
		return Made{}, err
	}
	if err := h.accounts.FinishSetup(ctx); err != nil {
		return Made{}, err
	}
	h.made.owners.Add(id, uuid.Nil)
	return Made{id, done.Revision, done.Position}, h.models.WaitFor(ctx, done.Position, accessModel)
}
