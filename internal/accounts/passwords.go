package accounts

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/argon2"
	"golang.org/x/text/secure/precis"
)

// strongHashing takes about a tenth of a second and 64 MiB: more than the least that OWASP asks for.
var strongHashing = &argon2id.Params{Memory: 64 << 10, Iterations: 2, Parallelism: 2, SaltLength: 16, KeyLength: 32}

// cheapHashing protects nothing. It is for the demo's logins, whose password is published, and for tests.
var cheapHashing = &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// decoy is a hash of no password, in which nothing was hashed: comparing with it costs as much as with one that was made with these figures.
func decoy(p *argon2id.Params) string {
	drawn := make([]byte, p.SaltLength+p.KeyLength)
	_, _ = rand.Read(drawn) // never fails: it ends the program instead
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.Memory, p.Iterations, p.Parallelism, b64(drawn[:p.SaltLength]), b64(drawn[p.SaltLength:]))
}

// NewForTest is [New] with passwords that cost nothing to hash. It asks for the test, so nothing else can choose it.
func NewForTest(t testing.TB, db *pgxpool.Pool, o Options) *Accounts {
	t.Helper()
	return newAccounts(db, o, cheapHashing)
}

// DemoPassword is the password of all demo logins. It is refused unless the demo made the data.
const DemoPassword = "dragoman-demo"

const (
	shortestPassword = 10  // characters
	longestPassword  = 256 // characters; longer than any passphrase, short enough to hash
)

// preparePassword makes the same characters the same bytes, whatever keyboard they came from (RFC 8265).
func preparePassword(password string) (string, error) {
	if len(password) > 4*longestPassword {
		return "", &InvalidError{"password", "it is too long"}
	}
	if password == "" {
		return "", &InvalidError{"password", fmt.Sprintf("it needs at least %d characters", shortestPassword)}
	}
	prepared, err := precis.OpaqueString.String(password)
	if err != nil {
		return "", &InvalidError{"password", "it holds characters that cannot be used"}
	}
	return prepared, nil
}

// checkPassword says whether a new password may be chosen. Length is what counts; no rule about kinds of characters.
func checkPassword(prepared string, names names, demo bool) error {
	switch n := utf8.RuneCountInString(prepared); {
	case n < shortestPassword:
		return &InvalidError{"password", fmt.Sprintf("it needs at least %d characters", shortestPassword)}
	case n > longestPassword:
		return &InvalidError{"password", "it is too long"}
	case prepared == DemoPassword && !demo:
		return &InvalidError{"password", "it is published"}
	}
	lower := strings.ToLower(prepared)
	for _, name := range []string{names.username, names.email} {
		if name != "" && lower == name {
			return &InvalidError{"password", "it is the name itself"}
		}
	}
	return nil
}

// hash prepares and checks a new password and hashes it.
func (a *Accounts) hash(ctx context.Context, password string, names names, demo bool) (string, error) {
	prepared, err := preparePassword(password)
	if err != nil {
		return "", err
	}
	if err := checkPassword(prepared, names, demo); err != nil {
		return "", err
	}
	return a.hashPrepared(ctx, prepared, demo)
}

func (a *Accounts) hashPrepared(ctx context.Context, prepared string, demo bool) (string, error) {
	params := a.hashing
	if demo {
		params = cheapHashing
	}
	if err := a.enter(ctx); err != nil {
		return "", err
	}
	defer a.leave()
	hash, err := argon2id.CreateHash(prepared, params)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return hash, nil
}

// enter waits for a free slot to hash in.
func (a *Accounts) enter(ctx context.Context) error {
	select {
	case a.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait to check a password: %w", ctx.Err())
	}
}

func (a *Accounts) leave() { <-a.slots }
