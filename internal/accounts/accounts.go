package accounts

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/internal/gather"
)

// Options sets the limits of sign-in and sessions. The zero value is right for production.
type Options struct {
	// CookieLife is how long a portal session lasts at most. Default: 12 h.
	CookieLife time.Duration

	// CookieIdle ends a portal session that made no request for so long. Default: 4 h.
	CookieIdle time.Duration

	// BearerLife is how long a session of POST /sessions lasts. Default: 24 h.
	BearerLife time.Duration

	// Window is the time over which failed sign-ins are counted. Default: 15 min.
	Window time.Duration

	// PerName is how many sign-ins may fail in a window for one user name, e-mail or PIN. Default: 10.
	PerName int

	// PerAddress is how many may fail from one address (for IPv6: one /64). Offices share an address. Default: 100.
	PerAddress int

	// Now is the machine's clock. Default: time.Now; tests of expiry set it.
	Now func() time.Time
}

// Accounts is everybody's way in.
type Accounts struct {
	db  *pgxpool.Pool
	o   Options
	now func() time.Time

	hashing *argon2id.Params
	decoy   string        // the hash that the passwords of unknown users are compared with
	slots   chan struct{} // hashing takes 64 MiB each: as many at once as there are CPUs

	sessions *gather.Questions[string, known] // by the token's hash
}

// New works on a database with schema kept.
func New(db *pgxpool.Pool, o Options) *Accounts {
	return newAccounts(db, o, strongHashing)
}

func newAccounts(db *pgxpool.Pool, o Options, hashing *argon2id.Params) *Accounts {
	setDefault(&o.CookieLife, 12*time.Hour)
	setDefault(&o.CookieIdle, 4*time.Hour)
	setDefault(&o.BearerLife, 24*time.Hour)
	setDefault(&o.Window, 15*time.Minute)
	setDefault(&o.PerName, 10)
	setDefault(&o.PerAddress, 100)
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &Accounts{db: db, o: o, now: o.Now, hashing: hashing, decoy: decoy(hashing), slots: make(chan struct{}, runtime.NumCPU())}
	a.sessions = gather.New(a.findSessions)
	return a
}

func setDefault[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

// Errors of accounts, matched with errors.Is. None says whether a login exists.
var (
	// ErrWrongCredentials: no such login, a wrong password, a suspended user, or a demo login outside the demo.
	ErrWrongCredentials = errors.New("the name or the password is wrong")
	// ErrNoSession: the token is unknown, expired or revoked, or its user is suspended.
	ErrNoSession = errors.New("not signed in")
	// ErrBadToken: a one-time link is unknown, used or expired.
	ErrBadToken = errors.New("the link is not valid any more")
	// ErrNoLogin: the user has no login.
	ErrNoLogin = errors.New("the user has no login")
	// ErrNotEmpty: the deployment has logins already.
	ErrNotEmpty = errors.New("the deployment has users already")
	// ErrOtherDeployment: the database belongs to another event log.
	ErrOtherDeployment = errors.New("the database belongs to another deployment than the event log")
)

// TakenError says which name of a login somebody else has: username, email or pin.
type TakenError struct{ Field string }

func (e *TakenError) Error() string { return "this " + e.Field + " is taken" }

// InvalidError says which field of a login cannot be used, and why. It never holds the value.
type InvalidError struct{ Field, Why string }

func (e *InvalidError) Error() string { return e.Field + ": " + e.Why }

// RateLimitError says that too many sign-ins failed. Even the right password is refused until RetryAfter has passed.
type RateLimitError struct{ RetryAfter time.Duration }

func (e *RateLimitError) Error() string { return "too many failed sign-ins" }

// EnsureDeployment ties an empty database to the log's deployment, and refuses the log of another: ErrOtherDeployment.
func (a *Accounts) EnsureDeployment(ctx context.Context, id uuid.UUID) error {
	if _, err := a.db.Exec(ctx, `insert into kept.deployment (id) values ($1) on conflict do nothing`, id); err != nil {
		return fmt.Errorf("note the deployment: %w", err)
	}
	have, err := a.Deployment(ctx)
	if err != nil {
		return err
	}
	if have != id {
		return fmt.Errorf("%w: database %s, log %s", ErrOtherDeployment, have, id)
	}
	return nil
}

// Deployment is the deployment that the database belongs to; uuid.Nil before the first EnsureDeployment.
func (a *Accounts) Deployment(ctx context.Context) (uuid.UUID, error) {
	var id uuid.UUID
	err := a.db.QueryRow(ctx, `select id from kept.deployment`).Scan(&id)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, fmt.Errorf("read the deployment: %w", err)
	}
	return id, nil
}

// MarkDemo notes that the demo makes this deployment's data, so that its published logins work. It must come after
// EnsureDeployment and before the first login, ErrNotEmpty otherwise: real data never becomes a demo's. Again is fine.
func (a *Accounts) MarkDemo(ctx context.Context) error {
	marked, err := a.db.Exec(ctx, `update kept.deployment set demo = true where demo or not exists (select from kept.credentials)`)
	if err != nil {
		return fmt.Errorf("mark the deployment as a demo: %w", err)
	}
	if marked.RowsAffected() == 0 {
		return ErrNotEmpty
	}
	return nil
}

// IsDemo reports whether the demo made this deployment's data.
func (a *Accounts) IsDemo(ctx context.Context) (bool, error) {
	var demo bool
	if err := a.db.QueryRow(ctx, `select coalesce((select demo from kept.deployment), false)`).Scan(&demo); err != nil {
		return false, fmt.Errorf("read the deployment: %w", err)
	}
	return demo, nil
}

// Sweep deletes sessions, links and counts that are over. They have no effect any more; it only keeps the tables small.
// Run it now and then; several processes may.
func (a *Accounts) Sweep(ctx context.Context) error {
	now := a.now()
	batch := new(pgx.Batch)
	batch.Queue(`delete from kept.sessions where expires_at <= $1`, now)
	batch.Queue(`delete from kept.one_time_tokens where expires_at <= $1`, now)
	batch.Queue(`delete from kept.sign_in_attempts where window_start <= $1`, now.Add(-a.o.Window))
	if err := a.db.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("sweep sessions and links: %w", err)
	}
	return nil
}

// MarkDemoFilled notes that the demo's data is complete; DemoFilled tells it. Until then a start goes on filling.
func (a *Accounts) MarkDemoFilled(ctx context.Context) error {
	if _, err := a.db.Exec(ctx, `update kept.deployment set demo_filled = true`); err != nil {
		return fmt.Errorf("note that the demo's data is complete: %w", err)
	}
	return nil
}

// DemoFilled tells whether the demo's data is complete.
func (a *Accounts) DemoFilled(ctx context.Context) (bool, error) {
	var filled bool
	err := a.db.QueryRow(ctx, `select coalesce(bool_or(demo_filled), false) from kept.deployment`).Scan(&filled)
	if err != nil {
		return false, fmt.Errorf("read whether the demo's data is complete: %w", err)
	}
	return filled, nil
}
