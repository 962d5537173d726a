package accounts

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Kind is how a caller shows its token.
type Kind string

// The kinds of session. A cookie is sent by browsers unasked, so the API then also wants the same origin.
const (
	Cookie Kind = "cookie" // the portal's
	Bearer Kind = "bearer" // of POST /sessions
	API    Kind = "api"    // a token made for a program; no session stands behind it
)

// Session is a signed-in caller.
type Session struct {
	UserID     uuid.UUID
	Kind       Kind
	CreatedAt  time.Time // machine clock, UTC
	ExpiresAt  time.Time // zero: until revoked
	MustChange bool      // only choosing a new password is allowed (II-03)
	TokenID    uuid.UUID // of an API token; uuid.Nil otherwise
}

// A token's beginning says which table knows it, and lets scanners for leaked secrets recognise it.
const (
	sessionToken = "dgs_"
	apiToken     = "dga_"
	oneTimeToken = "dgo_"
)

// newSecret is 256 random bits as text.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// CreateSession signs a user in and returns the token, which is shown this once. Kind is Cookie or Bearer. A user who is
// suspended or has no login gets ErrNoLogin.
func (a *Accounts) CreateSession(ctx context.Context, userID uuid.UUID, kind Kind) (token string, expires time.Time, err error) {
	now := a.now()
	life := a.o.BearerLife
	if kind == Cookie {
		life = a.o.CookieLife
	}
	token, expires = sessionToken+newSecret(), now.Add(life).UTC()
	made, err := a.db.Exec(ctx, `
		insert into kept.sessions (token_hash, user_id, kind, created_at, expires_at, last_seen_at)
		select $1, user_id, $3, $4, $5, $4 from kept.credentials where user_id = $2 and state = 'active'`,
		hashToken(token), userID, kind, now, expires)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("create a session: %w", err)
	}
	if err := orNoLogin(made); err != nil {
		return "", time.Time{}, err
	}
	return token, expires, nil
}

// lastSeenEvery is how exactly a session's last request is known. It spares most requests a write.
const lastSeenEvery = time.Minute

// Lookup finds who a token belongs to; ErrNoSession if nobody. It is asked in the database on every request and never remembered, so a revoked
// token stops working at once; requests that come while others ask share a statement.
func (a *Accounts) Lookup(ctx context.Context, token string) (Session, error) {
	switch {
	case strings.HasPrefix(token, sessionToken):
		return a.lookupSession(ctx, token)
	case strings.HasPrefix(token, apiToken):
		return a.lookupAPIToken(ctx, token)
	}
	return Session{}, ErrNoSession
}

// known is a session as it is stored.
type known struct {
	Session
	seen time.Time
}

func (a *Accounts) lookupSession(ctx context.Context, token string) (Session, error) {
	hash := hashToken(token)
	s, found, err := a.sessions.Ask(ctx, string(hash))
	switch {
	case err != nil:
		return Session{}, fmt.Errorf("look up a session: %w", err)
	case !found:
		return Session{}, ErrNoSession
	}
	if now := a.now(); now.Sub(s.seen) >= lastSeenEvery {
		if _, err := a.db.Exec(ctx, `update kept.sessions set last_seen_at = $2 where token_hash = $1 and last_seen_at < $2`, hash, now); err != nil {
			return Session{}, fmt.Errorf("note a session's use: %w", err)
		}
	}
	return s.Session, nil
}

// findSessions finds the sessions that are worth something among those of the tokens with these hashes.
func (a *Accounts) findSessions(ctx context.Context, hashes []string) (map[string]known, error) {
	now, wanted := a.now(), make([][]byte, len(hashes))
	for i, h := range hashes {
		wanted[i] = []byte(h)
	}
	rows, _ := a.db.Query(ctx, `
		select s.token_hash, s.user_id, s.kind, s.created_at, s.expires_at, s.last_seen_at, c.must_change
		from kept.sessions s join kept.credentials c using (user_id)
		where s.token_hash = any($1) and s.expires_at > $2 and c.state = 'active' and (s.kind <> 'cookie' or s.last_seen_at > $3)`,
		wanted, now, now.Add(-a.o.CookieIdle))
	all := make(map[string]known, len(hashes))
	var hash []byte
	var s known
	_, err := pgx.ForEachRow(rows, []any{&hash, &s.UserID, &s.Kind, &s.CreatedAt, &s.ExpiresAt, &s.seen, &s.MustChange}, func() error {
		s.CreatedAt, s.ExpiresAt = s.CreatedAt.UTC(), s.ExpiresAt.UTC()
		all[string(hash)] = s
		return nil
	})
	return all, err
}

func noSession(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNoSession
	}
	return fmt.Errorf("look up a session: %w", err)
}

// DeleteSession signs out. An unknown token is fine: it is signed out already.
func (a *Accounts) DeleteSession(ctx context.Context, token string) error {
	if _, err := a.db.Exec(ctx, `delete from kept.sessions where token_hash = $1`, hashToken(token)); err != nil {
		return fmt.Errorf("delete a session: %w", err)
	}
	return nil
}

// DeleteSessions signs a user out everywhere.
func (a *Accounts) DeleteSessions(ctx context.Context, userID uuid.UUID) error {
	return deleteSessions(ctx, a.db, userID, nil)
}

func deleteSessions(ctx context.Context, db execer, userID uuid.UUID, except []byte) error {
	if _, err := db.Exec(ctx, `delete from kept.sessions where user_id = $1 and token_hash is distinct from $2`, userID, except); err != nil {
		return fmt.Errorf("delete a user's sessions: %w", err)
	}
	return nil
}
