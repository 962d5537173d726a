package accounts

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// APIToken is a token of a program that acts as a user. The token itself is shown once, when it is made.
type APIToken struct {
	ID         uuid.UUID
	UserID     uuid.UUID
	Name       string // what it is for, in its maker's words
	CreatedAt  time.Time
	ExpiresAt  *time.Time // nil: until revoked
	RevokedAt  *time.Time
	LastUsedAt *time.Time // to the minute
}

// CreateAPIToken makes a token for a program. A zero expires means until revoked. Errors: InvalidError, ErrNoLogin.
func (a *Accounts) CreateAPIToken(ctx context.Context, userID uuid.UUID, name string, expires time.Time) (token string, id uuid.UUID, err error) {
	if name = strings.TrimSpace(name); name == "" || len(name) > 200 {
		return "", uuid.Nil, &InvalidError{"name", "say in a few words what the token is for"}
	}
	var until *time.Time
	if !expires.IsZero() {
		until = &expires
	}
	token, id = apiToken+newSecret(), uuid.New()
	made, err := a.db.Exec(ctx, `
		insert into kept.api_tokens (id, token_hash, user_id, name, created_at, expires_at)
		select $1, $2, user_id, $4, $5, $6 from kept.credentials where user_id = $3`,
		id, hashToken(token), userID, name, a.now(), until)
	if err != nil {
		return "", uuid.Nil, fmt.Errorf("create an API token: %w", err)
	}
	if err := orNoLogin(made); err != nil {
		return "", uuid.Nil, err
	}
	return token, id, nil
}

// APITokens lists a user's tokens, oldest first.
func (a *Accounts) APITokens(ctx context.Context, userID uuid.UUID) ([]APIToken, error) {
	rows, _ := a.db.Query(ctx, `
		select id, user_id, name, created_at, expires_at, revoked_at, last_used_at
		from kept.api_tokens where user_id = $1 order by created_at, id`, userID)
	tokens, err := pgx.CollectRows(rows, pgx.RowToStructByPos[APIToken]) // reports the query's error too
	if err != nil {
		return nil, fmt.Errorf("list API tokens: %w", err)
	}
	return tokens, nil
}

// RevokeAPIToken ends a user's token at once. ErrBadToken if that user has no such token; again is fine.
func (a *Accounts) RevokeAPIToken(ctx context.Context, userID, id uuid.UUID) error {
	done, err := a.db.Exec(ctx, `update kept.api_tokens set revoked_at = coalesce(revoked_at, $3) where id = $2 and user_id = $1`, userID, id, a.now())
	if err != nil {
		return fmt.Errorf("revoke an API token: %w", err)
	}
	if done.RowsAffected() == 0 {
		return ErrBadToken
	}
	return nil
}

func (a *Accounts) lookupAPIToken(ctx context.Context, token string) (Session, error) {
	now := a.now()
	s := Session{Kind: API}
	var expires, used *time.Time
	err := a.db.QueryRow(ctx, `
		select t.id, t.user_id, t.created_at, t.expires_at, t.last_used_at, c.must_change
		from kept.api_tokens t join kept.credentials c using (user_id)
		where t.token_hash = $1 and t.revoked_at is null and (t.expires_at is null or t.expires_at > $2) and c.state = 'active'`,
		hashToken(token), now).
		Scan(&s.TokenID, &s.UserID, &s.CreatedAt, &expires, &used, &s.MustChange)
	if err != nil {
		return Session{}, noSession(err)
	}
	if used == nil || now.Sub(*used) >= lastSeenEvery {
		if _, err := a.db.Exec(ctx, `update kept.api_tokens set last_used_at = $2 where id = $1`, s.TokenID, now); err != nil {
			return Session{}, fmt.Errorf("note an API token's use: %w", err)
		}
	}
	s.CreatedAt = s.CreatedAt.UTC()
	if expires != nil {
		s.ExpiresAt = expires.UTC()
	}
	return s, nil
}

// How long one-time links work.
const (
	setupLife    = 24 * time.Hour
	passwordLife = 72 * time.Hour
)

// CreateSetupToken makes the one-time token of an empty deployment, with which its first admin is made. Several may be
// open, one from each process that started; using one ends them all. ErrNotEmpty once there is a login.
func (a *Accounts) CreateSetupToken(ctx context.Context) (string, error) {
	token, now := oneTimeToken+newSecret(), a.now()
	made, err := a.db.Exec(ctx, `
		insert into kept.one_time_tokens (token_hash, purpose, created_at, expires_at)
		select $1, 'setup', $2, $3 where not exists (select from kept.credentials)`,
		hashToken(token), now, now.Add(setupLife))
	if err != nil {
		return "", fmt.Errorf("create a setup token: %w", err)
	}
	if made.RowsAffected() == 0 {
		return "", ErrNotEmpty
	}
	return token, nil
}

// firstUser is the namespace of the first admin's id.
var firstUser = uuid.MustParse("5b0b0f4c-6df5-4c1c-9d8f-0f6a1f8e7f55")

// BeginSetup gives the first admin a login and returns the admin's id, which follows from the token: sent again after a
// crash, the same token leads to the same user, with the names and password given last. Append the user's event next,
// then call FinishSetup. Errors: ErrBadToken, ErrNotEmpty, InvalidError.
func (a *Accounts) BeginSetup(ctx context.Context, token string, l Login) (uuid.UUID, error) {
	l.UserID = uuid.NewSHA1(firstUser, hashToken(token))
	ready, err := a.prepareLogin(ctx, l)
	if err != nil {
		return uuid.Nil, err
	}
	err = pgx.BeginFunc(ctx, a.db, func(tx pgx.Tx) error {
		// The lock keeps two tokens from making an admin each.
		if _, err := tx.Exec(ctx, `lock table kept.one_time_tokens in share row exclusive mode`); err != nil {
			return fmt.Errorf("begin the setup: %w", err)
		}
		var valid, others bool
		err := tx.QueryRow(ctx, `
			select exists (select from kept.one_time_tokens where token_hash = $1 and purpose = 'setup' and expires_at > $2),
				exists (select from kept.credentials where user_id <> $3)`,
			hashToken(token), a.now(), l.UserID).Scan(&valid, &others)
		switch {
		case err != nil:
			return fmt.Errorf("begin the setup: %w", err)
		case !valid:
			return ErrBadToken
		case others:
			return ErrNotEmpty
		}
		if _, err := tx.Exec(ctx, `delete from kept.credentials where user_id = $1`, l.UserID); err != nil {
			return fmt.Errorf("begin the setup: %w", err)
		}
		return a.insertLogin(ctx, tx, ready)
	})
	if err != nil {
		return uuid.Nil, err
	}
	return l.UserID, nil
}

// FinishSetup ends all setup tokens: the first admin is made.
func (a *Accounts) FinishSetup(ctx context.Context) error {
	if _, err := a.db.Exec(ctx, `delete from kept.one_time_tokens where purpose = 'setup'`); err != nil {
		return fmt.Errorf("finish the setup: %w", err)
	}
	return nil
}

// CreatePasswordToken makes the one-time token with which a user chooses a password (D-14, ES-06). A later one replaces it.
func (a *Accounts) CreatePasswordToken(ctx context.Context, userID uuid.UUID) (string, error) {
	token, now := oneTimeToken+newSecret(), a.now()
	err := pgx.BeginFunc(ctx, a.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `delete from kept.one_time_tokens where user_id = $1`, userID); err != nil {
			return fmt.Errorf("create a password link: %w", err)
		}
		made, err := tx.Exec(ctx, `
			insert into kept.one_time_tokens (token_hash, purpose, user_id, created_at, expires_at)
			select $1, 'password', user_id, $3, $4 from kept.credentials where user_id = $2`,
			hashToken(token), userID, now, now.Add(passwordLife))
		if err != nil {
			return fmt.Errorf("create a password link: %w", err)
		}
		return orNoLogin(made)
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// PasswordTokenWorks tells whether a one-time token can still be redeemed. It says nothing of whose it is, and does not use it up.
func (a *Accounts) PasswordTokenWorks(ctx context.Context, token string) (works bool, err error) {
	err = a.db.QueryRow(ctx, `
		select exists (select from kept.one_time_tokens join kept.credentials using (user_id)
			where token_hash = $1 and purpose = 'password' and expires_at > $2)`, hashToken(token), a.now()).Scan(&works)
	if err != nil {
		return false, fmt.Errorf("look at a password link: %w", err)
	}
	return works, nil
}

// RedeemPasswordToken sets the password that the holder of the token chose and ends the user's sessions. A refused password
// leaves the token usable. Errors: ErrBadToken, InvalidError.
func (a *Accounts) RedeemPasswordToken(ctx context.Context, token, password string) (uuid.UUID, error) {
	var userID uuid.UUID
	err := a.db.QueryRow(ctx, `
		select user_id from kept.one_time_tokens where token_hash = $1 and purpose = 'password' and expires_at > $2`,
		hashToken(token), a.now()).Scan(&userID)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, ErrBadToken
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("redeem a password link: %w", err)
	}
	c, err := a.credentialsBy(ctx, `user_id = $1`, userID)
	if err != nil {
		return uuid.Nil, err
	}
	if c == nil {
		return uuid.Nil, ErrBadToken // the login was removed this moment
	}
	hash, err := a.hash(ctx, password, c.names, c.demo)
	if err != nil {
		return uuid.Nil, err
	}
	err = pgx.BeginFunc(ctx, a.db, func(tx pgx.Tx) error {
		used, err := tx.Exec(ctx, `delete from kept.one_time_tokens where token_hash = $1`, hashToken(token))
		if err != nil {
			return fmt.Errorf("redeem a password link: %w", err)
		}
		if used.RowsAffected() == 0 {
			return ErrBadToken // someone else used it while we hashed
		}
		if err := a.storePassword(ctx, tx, userID, hash, false); err != nil {
			return err
		}
		return deleteSessions(ctx, tx, userID, nil)
	})
	if err != nil {
		return uuid.Nil, err
	}
	return userID, nil
}
