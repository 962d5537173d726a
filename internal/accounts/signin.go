package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
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
// passwords and get the same answer, ErrWrongCredentials (ES-26). Failures are counted by name and by address before the
// password is looked at, so guesses sent at once count each; past the limit the answer is RateLimitError.
func (a *Accounts) Authenticate(ctx context.Context, name, password string, from netip.Addr) (SignedIn, error) {
	byName := countKey("name", foldName(name))
	counts := []string{byName}
	byAddress := ""
	if from.IsValid() {
		byAddress = countKey("address", network(from))
		counts = append(counts, byAddress)
	}
	if err := a.countAttempt(ctx, counts); err != nil {
		return SignedIn{}, err
	}
	c, err := a.credentialsOf(ctx, name)
	if err != nil {
		return SignedIn{}, err
	}
	if err := a.compare(ctx, c, password); err != nil {
		return SignedIn{}, err
	}
	if err := a.clearAttempt(ctx, byName, byAddress); err != nil {
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

// countKey names a counter without telling whose it is.
func countKey(kind, value string) string {
	sum := sha256.Sum256([]byte(kind + " " + value))
	return kind + ":" + hex.EncodeToString(sum[:])
}

// network is the address that one subscriber is likely to have: all of an IPv4 address, the first half of an IPv6 one.
func network(from netip.Addr) string {
	from = from.Unmap().WithZone("")
	if from.Is6() {
		if half, err := from.Prefix(64); err == nil {
			return half.String()
		}
	}
	return from.String()
}

// countAttempt counts a failure ahead for each key, and refuses once one has had too many within the window.
func (a *Accounts) countAttempt(ctx context.Context, keys []string) error {
	now := a.now()
	slices.Sort(keys) // all take their rows in one order, so no two wait for each other
	rows, err := a.db.Query(ctx, `
		insert into kept.sign_in_attempts as had (key, window_start, failures)
		select key, $2, 1 from unnest($1::text[]) key
		on conflict (key) do update set
			window_start = case when had.window_start <= $3 then $2 else had.window_start end,
			failures     = case when had.window_start <= $3 then 1 else least(had.failures + 1, 1000000) end
		returning key, window_start, failures`,
		keys, now, now.Add(-a.o.Window))
	if err != nil {
		return fmt.Errorf("count a sign-in: %w", err)
	}
	var wait time.Duration
	var key string
	var start time.Time
	var failures int
	_, err = pgx.ForEachRow(rows, []any{&key, &start, &failures}, func() error {
		limit := a.o.PerName
		if strings.HasPrefix(key, "address:") {
			limit = a.o.PerAddress
		}
		if failures > limit {
			wait = max(wait, start.Add(a.o.Window).Sub(now), time.Second)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("count a sign-in: %w", err)
	}
	if wait > 0 {
		return &RateLimitError{RetryAfter: wait}
	}
	return nil
}

// clearAttempt takes back what countAttempt counted ahead: the password was right. The name starts anew; the address keeps
// its other failures.
func (a *Accounts) clearAttempt(ctx context.Context, byName, byAddress string) error {
	batch := new(pgx.Batch)
	batch.Queue(`delete from kept.sign_in_attempts where key = $1`, byName)
	batch.Queue(`update kept.sign_in_attempts set failures = failures - 1 where key = $1 and failures > 0`, byAddress)
	if err := a.db.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("clear failed sign-ins: %w", err)
	}
	return nil
}
