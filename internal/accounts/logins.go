package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/text/secure/precis"
)

// Login is how one user signs in.
type Login struct {
	UserID   uuid.UUID
	Username string // case does not count; an e-mail address is fine (ES-02), six digits are not: they would look like a PIN
	Email    string // optional; a second name
	PIN      string // optional; six digits, a second name and never a secret (LL-03, D-14)

	// Password may be empty: the user chooses one by a one-time link (D-14).
	Password string

	// MustChange marks an issued password: the user has to choose another at first sign-in (II-03).
	MustChange bool

	// Demo marks a login of the demo. It works only on data that the demo made.
	Demo bool
}

// names are a login's names as they are stored and compared.
type names struct{ username, email, pin string }

func (l Login) names() (names, error) {
	n := names{email: foldEmail(l.Email), pin: strings.TrimSpace(l.PIN)}
	var err error
	if n.username, err = precis.UsernameCaseMapped.String(strings.TrimSpace(l.Username)); err != nil {
		return names{}, &InvalidError{"username", "use letters, digits and marks, without spaces"}
	}
	if strings.Contains(n.username, "@") && n.email == "" {
		n.email = foldEmail(n.username)
	}
	switch {
	case n.username == "":
		return names{}, &InvalidError{"username", "it is missing"}
	case len(n.username) > 254:
		return names{}, &InvalidError{"username", "it is too long"}
	case isPIN(n.username):
		return names{}, &InvalidError{"username", "six digits are a PIN"}
	case strings.Contains(n.username, "@") && n.username != n.email:
		return names{}, &InvalidError{"username", "an e-mail address as user name must be the login's own"}
	case n.email != "" && (!strings.Contains(n.email, "@") || len(n.email) > 254):
		return names{}, &InvalidError{"email", "this is not an e-mail address"}
	case n.pin != "" && !isPIN(n.pin):
		return names{}, &InvalidError{"pin", "a PIN is six digits"}
	}
	return n, nil
}

func foldEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

func isPIN(s string) bool {
	if len(s) != 6 {
		return false
	}
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// AddLogin gives a user a login. It comes before the event that makes the user, so a name is never given twice. The same
// login again changes nothing, so a command that crashed half-way can be sent again. Errors: InvalidError, TakenError.
func (a *Accounts) AddLogin(ctx context.Context, l Login) error {
	ready, err := a.prepareLogin(ctx, l)
	if err != nil {
		return err
	}
	return a.insertLogin(ctx, a.db, ready)
}

// readyLogin is a login checked and hashed, ready to be stored.
type readyLogin struct {
	Login
	names names
	hash  *string
}

func (a *Accounts) prepareLogin(ctx context.Context, l Login) (readyLogin, error) {
	n, err := l.names()
	if err != nil {
		return readyLogin{}, err
	}
	if l.Demo {
		demo, err := a.IsDemo(ctx)
		if err != nil {
			return readyLogin{}, err
		}
		if !demo {
			return readyLogin{}, &InvalidError{"demo", "this is not the demo's data"}
		}
	}
	ready := readyLogin{Login: l, names: n}
	if l.Password != "" {
		hash, err := a.hash(ctx, l.Password, n, l.Demo)
		if err != nil {
			return readyLogin{}, err
		}
		ready.hash = &hash
	}
	return ready, nil
}

// execer is a pool or a transaction.
type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func (a *Accounts) insertLogin(ctx context.Context, db execer, l readyLogin) error {
	added, err := db.Exec(ctx, `
		insert into kept.credentials (user_id, username, email, pin, password_hash, must_change, demo, created_at, password_changed_at)
		values ($1, $2, nullif($3, ''), nullif($4, ''), $5, $6, $7, $8, case when $5::text is not null then $8::timestamptz end)
		on conflict (user_id) do nothing`,
		l.UserID, l.names.username, l.names.email, l.names.pin, l.hash, l.MustChange, l.Demo, a.now())
	if err != nil {
		return taken(err, "add a login")
	}
	if added.RowsAffected() == 1 {
		return nil
	}
	var have names
	err = db.QueryRow(ctx, `select username, coalesce(email, ''), coalesce(pin, '') from kept.credentials where user_id = $1`, l.UserID).
		Scan(&have.username, &have.email, &have.pin)
	if err != nil {
		return fmt.Errorf("add a login: %w", err)
	}
	if have != l.names {
		return &TakenError{"user"}
	}
	return nil
}

// RenameLogin changes a user's names; empty ones are taken away, but a user name must remain. Errors: InvalidError,
// TakenError, ErrNoLogin.
func (a *Accounts) RenameLogin(ctx context.Context, userID uuid.UUID, username, email, pin string) error {
	n, err := Login{Username: username, Email: email, PIN: pin}.names()
	if err != nil {
		return err
	}
	done, err := a.db.Exec(ctx, `update kept.credentials set username = $2, email = nullif($3, ''), pin = nullif($4, '') where user_id = $1`,
		userID, n.username, n.email, n.pin)
	if err != nil {
		return taken(err, "rename a login")
	}
	return orNoLogin(done)
}

// ChangeNames changes some of a user's names; empty ones stay as they are. Errors as of RenameLogin.
func (a *Accounts) ChangeNames(ctx context.Context, userID uuid.UUID, username, email, pin string) error {
	c, err := a.credentialsBy(ctx, `user_id = $1`, userID)
	switch {
	case err != nil:
		return err
	case c == nil:
		return ErrNoLogin
	}
	return a.RenameLogin(ctx, userID, cmp.Or(username, c.username), cmp.Or(email, c.email), cmp.Or(pin, c.pin))
}

// LoginNames is how a user signs in, for those who manage users. It holds no secret.
type LoginNames struct {
	Username    string
	PIN         string
	HasPassword bool // false: none chosen yet
	MustChange  bool // the password was issued and not changed yet (II-03)
}

// Names tells how a user signs in. ErrNoLogin.
func (a *Accounts) Names(ctx context.Context, userID uuid.UUID) (LoginNames, error) {
	c, err := a.credentialsBy(ctx, `user_id = $1`, userID)
	switch {
	case err != nil:
		return LoginNames{}, err
	case c == nil:
		return LoginNames{}, ErrNoLogin
	}
	return LoginNames{Username: c.username, PIN: c.pin, HasPassword: c.hash != "", MustChange: c.mustChange}, nil
}

// RemoveLogin takes a user's login, sessions and tokens away: the user was erased, or was never made because the command
// that asked for it was refused. It is fine if there is none.
func (a *Accounts) RemoveLogin(ctx context.Context, userID uuid.UUID) error {
	if _, err := a.db.Exec(ctx, `delete from kept.credentials where user_id = $1`, userID); err != nil {
		return fmt.Errorf("remove a login: %w", err)
	}
	return nil
}

// SuspendLogin bars a user: no sign-in, and every session and token stops working at once. ReinstateLogin lets the user
// sign in again; API tokens work again, sessions are gone.
func (a *Accounts) SuspendLogin(ctx context.Context, userID uuid.UUID) error {
	return pgx.BeginFunc(ctx, a.db, func(tx pgx.Tx) error {
		if err := setState(ctx, tx, userID, "suspended"); err != nil {
			return err
		}
		return deleteSessions(ctx, tx, userID, nil)
	})
}

// ReinstateLogin ends a suspension.
func (a *Accounts) ReinstateLogin(ctx context.Context, userID uuid.UUID) error {
	return setState(ctx, a.db, userID, "active")
}

func setState(ctx context.Context, db execer, userID uuid.UUID, state string) error {
	done, err := db.Exec(ctx, `update kept.credentials set state = $2 where user_id = $1`, userID, state)
	if err != nil {
		return fmt.Errorf("change a login's state: %w", err)
	}
	return orNoLogin(done)
}

// HasLogins reports whether anybody can sign in yet. An empty deployment prints a one-time link instead.
func (a *Accounts) HasLogins(ctx context.Context) (bool, error) {
	var any bool
	if err := a.db.QueryRow(ctx, `select exists (select from kept.credentials)`).Scan(&any); err != nil {
		return false, fmt.Errorf("look for logins: %w", err)
	}
	return any, nil
}

// ChangePassword lets a signed-in user choose a new password (II-07, FS-35). Every other session of the user ends; the one
// of keepToken goes on. A wrong current password is ErrWrongCredentials, and counts like a failed sign-in.
func (a *Accounts) ChangePassword(ctx context.Context, userID uuid.UUID, current, next, keepToken string) error {
	c, err := a.credentialsBy(ctx, `user_id = $1`, userID)
	if err != nil {
		return err
	}
	err = a.counted(ctx, countKey("user", userID.String()), "", func(ctx context.Context) error { return a.compare(ctx, c, current) })
	if err != nil {
		return err
	}
	hash, err := a.hash(ctx, next, c.names, c.demo)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, a.db, func(tx pgx.Tx) error {
		if err := a.storePassword(ctx, tx, userID, hash, false); err != nil {
			return err
		}
		return deleteSessions(ctx, tx, userID, hashToken(keepToken))
	})
}

// SetPassword sets a user's password without asking for the old one, for the operator's command line. All the user's
// sessions end. Errors: InvalidError, ErrNoLogin.
func (a *Accounts) SetPassword(ctx context.Context, userID uuid.UUID, password string, mustChange bool) error {
	c, err := a.credentialsBy(ctx, `user_id = $1`, userID)
	if err != nil {
		return err
	}
	if c == nil {
		return ErrNoLogin
	}
	hash, err := a.hash(ctx, password, c.names, c.demo)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, a.db, func(tx pgx.Tx) error {
		if err := a.storePassword(ctx, tx, userID, hash, mustChange); err != nil {
			return err
		}
		return deleteSessions(ctx, tx, userID, nil)
	})
}

// UserByName finds the user whom a user name, e-mail or PIN belongs to, for the operator's command line. ErrNoLogin.
func (a *Accounts) UserByName(ctx context.Context, name string) (uuid.UUID, error) {
	c, err := a.credentialsOf(ctx, name)
	switch {
	case err != nil:
		return uuid.Nil, err
	case c == nil:
		return uuid.Nil, ErrNoLogin
	}
	return c.userID, nil
}

func (a *Accounts) storePassword(ctx context.Context, db execer, userID uuid.UUID, hash string, mustChange bool) error {
	done, err := db.Exec(ctx, `update kept.credentials set password_hash = $2, must_change = $3, password_changed_at = $4 where user_id = $1`,
		userID, hash, mustChange, a.now())
	if err != nil {
		return fmt.Errorf("store a password: %w", err)
	}
	return orNoLogin(done)
}

func orNoLogin(done pgconn.CommandTag) error {
	if done.RowsAffected() == 0 {
		return ErrNoLogin
	}
	return nil
}

// taken turns the database's word for a name in use into ours.
func taken(err error, doing string) error {
	var answer *pgconn.PgError
	if errors.As(err, &answer) && answer.Code == "23505" {
		field := strings.TrimSuffix(strings.TrimPrefix(answer.ConstraintName, "credentials_"), "_key")
		return &TakenError{field}
	}
	return fmt.Errorf("%s: %w", doing, err)
}
