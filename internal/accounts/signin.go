package accounts

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/text/secure/precis"
)

// SignedIn is who gave the right password.
type SignedIn struct {
	UserID     uuid.UUID
	MustChange bool // only choosing a new password may follow (II-03)
}

// Authenticate checks a password for a user name, e-mail or PIN (LL-03, ES-02). Unknown names take as long as wrong
// passwords and get the same answer, ErrWrongCredentials (ES-26). Failures are counted by name and by address; past the
// limit the answer is RateLimitError.
func (a *Accounts) Authenticate(ctx context.Context, name, password string, from netip.Addr) (SignedIn, error) {
	address := ""
	if from.IsValid() {
		address = countKey("address", network(from))
	}
	var c *credentials
	err := a.counted(ctx, countKey("name", foldName(name)), address, func(ctx context.Context) (err error) {
		if c, err = a.credentialsOf(ctx, name); err != nil {
			return err
		}
		return a.compare(ctx, c, password)
	})
	if err != nil {
		return SignedIn{}, err
	}
	if err := a.rehash(ctx, c, password); err != nil {
		return SignedIn{}, err
	}
	return SignedIn{UserID: c.userID, MustChange: c.mustChange}, nil
}

// credentials is a login as it is stored.
type credentials struct {
	names
	userID     uuid.UUID
	hash       string // empty: no password chosen yet
	mustChange bool
	demo       bool
	active     bool
	demoData   bool // the demo made this deployment's data
}

// credentialsOf finds a login by any of its names; nil if there is none. The kinds of name differ in shape.
func (a *Accounts) credentialsOf(ctx context.Context, name string) (*credentials, error) {
	name = foldName(name)
	switch {
	case isPIN(name):
		return a.credentialsBy(ctx, `pin = $1`, name)
	case strings.Contains(name, "@"):
		return a.credentialsBy(ctx, `email = $1`, name)
	}
	return a.credentialsBy(ctx, `username = $1`, name)
}

// foldName is a typed name as it would be stored.
func foldName(name string) string {
	name = strings.TrimSpace(name)
	if len(name) > 254 {
		return "" // nobody's, and nothing to spend time on
	}
	if strings.Contains(name, "@") {
		if !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
			return "" // nobody's: no database can look for it
		}
		return foldEmail(name)
	}
	folded, err := precis.UsernameCaseMapped.String(name)
	if err != nil {
		return "" // nobody's: it could not have been stored
	}
	return folded
}

func (a *Accounts) credentialsBy(ctx context.Context, where string, value any) (*credentials, error) {
	c := new(credentials)
	err := a.db.QueryRow(ctx, `
		select user_id, username, coalesce(email, ''), coalesce(pin, ''), coalesce(password_hash, ''), must_change, demo, state = 'active',
			coalesce((select demo from kept.deployment), false)
		from kept.credentials where `+where, value).
		Scan(&c.userID, &c.username, &c.email, &c.pin, &c.hash, &c.mustChange, &c.demo, &c.active, &c.demoData)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a login: %w", err)
	}
	return c, nil
}

// compare checks a password against a login's: ErrWrongCredentials if it does not let in. It takes as long where there is
// no login or no password.
func (a *Accounts) compare(ctx context.Context, c *credentials, password string) error {
	hash := a.decoy
	if c != nil && c.hash != "" {
		hash = c.hash
	}
	prepared, unusable := preparePassword(password)
	if unusable != nil {
		prepared = "" // nobody's password, but it is compared all the same
	}
	if err := a.enter(ctx); err != nil {
		return err
	}
	same, err := argon2id.ComparePasswordAndHash(prepared, hash)
	a.leave()
	switch {
	case err != nil:
		return fmt.Errorf("compare a password: %w", err)
	case !same || unusable != nil || c == nil || c.hash == "" || !c.active:
		return ErrWrongCredentials
	case (c.demo || prepared == DemoPassword) && !c.demoData:
		return ErrWrongCredentials // a published password opens nothing real
	}
	return nil
}

// rehash strengthens a hash made with other figures than today's, now that the password is at hand.
func (a *Accounts) rehash(ctx context.Context, c *credentials, password string) error {
	if c.demo {
		return nil
	}
	params, _, _, err := argon2id.DecodeHash(c.hash)
	if err != nil {
		return fmt.Errorf("read a password's hash: %w", err)
	}
	if *params == *a.hashing {
		return nil
	}
	prepared, err := preparePassword(password)
	if err != nil {
		return err
	}
	hash, err := a.hashPrepared(ctx, prepared, false)
	if err != nil {
		return err
	}
	// Only over the hash that was checked: the password may have been changed meanwhile.
	if _, err := a.db.Exec(ctx, `update kept.credentials set password_hash = $3 where user_id = $1 and password_hash = $2`, c.userID, c.hash, hash); err != nil {
		return fmt.Errorf("store a stronger hash: %w", err)
	}
	return nil
}
