package commands

import (
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
func (h *Handler) EnsureDeployment(ctx context.Context, demo bool, first people.AgencySettings) (uuid.UUID, error) {
	r := h.ready(Request{Name: "begin-deployment", Viewer: systemViewer()})
	res, err := execute(ctx, h, h.agency, r, wish[agencyState]{
		stream: eventschema.Agency,
		decide: func(_ context.Context, s agencyState, a attempt) (plan, error) {
			if s.Deployment != uuid.Nil {
				return plan{}, nil
			}
			return plan{events: []any{
				people.DeploymentCreated{ID: a.newID("deployment"), Demo: demo},
				people.AgencyChanged{Version: 1, Settings: first},
			}}, checkSettings(first)
		},
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("begin the deployment: %w", err)
	}
	for _, form := range forms.BuiltIn() {
		_, err := execute(ctx, h, h.forms, r, wish[formState]{
			stream: eventschema.FormStream(form.ID),
			decide: func(_ context.Context, s formState, _ attempt) (plan, error) {
				if len(s.Versions) > 0 {
					return plan{}, nil
				}
				return one(forms.Defined{Form: form}), nil
			},
		})
		if err != nil {
			return uuid.Nil, fmt.Errorf("write the built-in form %s: %w", form.ID, err)
		}
	}
	terms := forms.TermsV1()
	_, err = execute(ctx, h, h.terms, r, wish[termsState]{
		stream: eventschema.TermsStream(terms.ID),
		decide: func(_ context.Context, s termsState, _ attempt) (plan, error) {
			if len(s.Versions) > 0 {
				return plan{}, nil
			}
			return one(forms.TermsDefined{Terms: terms}), nil
		},
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("write the built-in terms: %w", err)
	}
	return res.folded.State.Deployment, nil
}

// Setup makes the first admin of an empty deployment, against the one-time token that serve printed.
func (h *Handler) Setup(ctx context.Context, r Request, token string, l Login) (Made, error) {
	var f faults
	f.name("body.username", l.Username)
	f.add(l.Password != "", "body.password", "This field is required.")
	if err := f.refusal(); err != nil {
		return Made{}, err
	}
	id, err := h.accounts.BeginSetup(ctx, token, l)
	if err != nil {
		return Made{}, err
	}
	r.Viewer = systemViewer() // nobody is signed in yet
	r.Viewer.User = id
	r = h.ready(r)
	var key uuid.UUID
	done, err := h.onUsers(ctx, r, eventschema.Agency, func(ctx context.Context, users map[uuid.UUID]user, _ customerState, a attempt) (plan, error) {
		if _, ok := users[id]; ok {
			return plan{}, nil
		}
		if key == uuid.Nil && !a.dry {
			if key, err = h.keys.Draw(ctx); err != nil {
				return plan{}, err
			}
		}
		return one(people.UserAdded{User: id, Account: people.Account{
			Key: key, Name: domain.Personal(l.Username), Email: domain.Personal(l.Email), Role: domain.Admin,
		}}), nil
	})
	if err != nil {
		return Made{}, err
	}
	if err := h.accounts.FinishSetup(ctx); err != nil {
		return Made{}, err
	}
	h.made.streams.Add(id, eventschema.Agency)
	return Made{id, done.Revision, done.Position}, h.models.WaitFor(ctx, done.Position, accessModel)
}
