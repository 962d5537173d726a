package main

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/internal/accounts"
)

// logins is the accounts room as the command handler sees it: its errors become refusals beside the field.
type logins struct {
	accounts *accounts.Accounts
	demo     bool // logins made now are the demo's
}

func (l logins) AddLogin(ctx context.Context, in commands.Login) error {
	return refusalOf(l.accounts.AddLogin(ctx, l.login(in)))
}

func (l logins) login(in commands.Login) accounts.Login {
	return accounts.Login{UserID: in.User, Username: in.Username, Email: in.Email, PIN: in.PIN, Password: in.Password, MustChange: in.Issued,
		Demo: l.demo}
}

func (l logins) ChangeLogin(ctx context.Context, in commands.Login) error {
	return refusalOf(l.accounts.ChangeNames(ctx, in.User, in.Username, in.Email, in.PIN))
}

func (l logins) RemoveLogin(ctx context.Context, user uuid.UUID) error {
	return l.accounts.RemoveLogin(ctx, user)
}

func (l logins) SetDisabled(ctx context.Context, user uuid.UUID, disabled bool) error {
	if disabled {
		return l.accounts.SuspendLogin(ctx, user)
	}
	return l.accounts.ReinstateLogin(ctx, user)
}

func (l logins) BeginSetup(ctx context.Context, token string, in commands.Login) (uuid.UUID, error) {
	user, err := l.accounts.BeginSetup(ctx, token, l.login(in))
	return user, refusalOf(err)
}

func (l logins) FinishSetup(ctx context.Context) error { return l.accounts.FinishSetup(ctx) }

func refusalOf(err error) error {
	var (
		taken   *accounts.TakenError
		invalid *accounts.InvalidError
	)
	switch {
	case errors.As(err, &taken):
		return domain.Invalid(domain.FieldError{Location: "body." + taken.Field, Message: "Somebody else has this already."})
	case errors.As(err, &invalid):
		return domain.Invalid(domain.FieldError{Location: "body." + invalid.Field, Message: "Not accepted: " + invalid.Why + "."})
	case errors.Is(err, accounts.ErrBadToken), errors.Is(err, accounts.ErrNotEmpty):
		return domain.Unprocessable("bad-token", "This link is not valid any more.")
	}
	return err
}
