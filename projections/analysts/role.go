package analysts

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// What the role's sessions begin with. The number of connections cannot be changed by who signs in; the rest are defaults that a session
// may set otherwise for itself.
const (
	maxConnections = 5
	queryTime      = "60s"
)

// ErrMayNotMakeRoles: the database user that Dragoman works as may not make roles. The error's text says what an administrator does.
var ErrMayNotMakeRoles = errors.New("the database user of DATABASE_URL may not make roles")

// Login is a role that reads the views.
type Login struct {
	Role     string
	Password string // empty: the role is of an administrator's making and keeps its own
}

// Role is the analysts' role of a database: roles belong to the whole server, so it carries the database's name.
func Role(database string) string {
	const suffix, longest = "_analyst", 63
	return database[:min(len(database), longest-len(suffix))] + suffix
}

// MakeLogin makes the analysts' role with a new password, or gives the one there a new one, and lets it read the views and nothing else.
// Where Dragoman's own user may not make roles it answers [ErrMayNotMakeRoles]; once an administrator has made the role, the views are
// opened to it.
func MakeLogin(ctx context.Context, pool *pgxpool.Pool) (l Login, err error) {
	err = inTurn(ctx, pool, func(ctx context.Context, tx pgx.Tx) error {
		l, err = makeLogin(ctx, tx)
		return err
	})
	if err != nil && !errors.Is(err, ErrMayNotMakeRoles) {
		return l, fmt.Errorf("make the analysts' role: %w", err)
	}
	return l, err
}

func makeLogin(ctx context.Context, tx pgx.Tx) (l Login, err error) {
	var database string
	var owner bool
	err = tx.QueryRow(ctx, `select datname::text, pg_get_userbyid(datdba) = current_user from pg_database where datname = current_database()`).
		Scan(&database, &owner)
	if err != nil {
		return l, err
	}
	l = Login{Role: Role(database), Password: rand.Text()}
	role, in := pgx.Identifier{l.Role}.Sanitize(), pgx.Identifier{database}.Sanitize()

	var exists, powerful bool
	err = tx.QueryRow(ctx, `select count(*) > 0, coalesce(bool_or(rolsuper or rolcreaterole or rolreplication or rolbypassrls), false)
		from pg_roles where rolname = $1`, l.Role).Scan(&exists, &powerful)
	if err != nil {
		return l, err
	}
	if powerful {
		return l, fmt.Errorf("role %s may do more than read: remove it, or take its attributes from it", l.Role)
	}
	verb := map[bool]string{false: "create", true: "alter"}[exists]
	err = pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, fmt.Sprintf(`%s role %s login connection limit %d password '%s';`, verb, role, maxConnections, verifier(l.Password))+settings(role, in))
		return err
	})
	switch {
	case code(err) == "42501" && exists:
		l.Password = ""
	case code(err) == "42501":
		return l, fmt.Errorf("%w: let an administrator run\n  create role %s login connection limit %d password '…';\n  %s\nand then run this again",
			ErrMayNotMakeRoles, role, maxConnections, strings.ReplaceAll(strings.TrimSpace(settings(role, in)), "; ", ";\n  "))
	case err != nil:
		return l, err
	}
	if owner {
		// The database is ours alone: nobody but us makes anything in it, not even a temporary table.
		may := fmt.Sprintf(`grant connect on database %s to %s; revoke temporary on database %[1]s from public`, in, role)
		if _, err := tx.Exec(ctx, may); err != nil {
			return l, err
		}
		err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `do $$ begin if to_regnamespace('public') is not null then revoke create on schema public from public; end if; end $$`)
			return err
		})
		if err != nil && code(err) != "42501" { // before PostgreSQL 15 the schema is a superuser's
			return l, err
		}
	}
	return l, open(ctx, tx, l.Role)
}

// settings are the role's limits in this database; they hold from the next sign-in.
func settings(role, database string) string {
	var all strings.Builder
	for _, s := range [][2]string{{"statement_timeout", queryTime}, {"idle_in_transaction_session_timeout", queryTime},
		{"default_transaction_read_only", "on"}, {"max_parallel_workers_per_gather", "0"}, {"search_path", Schema}, {"timezone", "UTC"}} {
		fmt.Fprintf(&all, `alter role %s in database %s set %s to '%s'; `, role, database, s[0], s[1])
	}
	return all.String()
}

// open lets a role read the views, those there and those that a swap makes.
func open(ctx context.Context, tx pgx.Tx, role string) error {
	said, err := comment(ctx, tx)
	if err != nil {
		return err
	}
	var there bool
	if err := tx.QueryRow(ctx, `select to_regnamespace($1) is not null`, Schema).Scan(&there); err != nil {
		return err
	}
	switch {
	case !there: // before the first start of a server: its views come into a schema that the role may use
		if _, err := tx.Exec(ctx, `create schema `+Schema+`; comment on schema `+Schema+` is '`+strings.ReplaceAll(ours, "'", "''")+`'`); err != nil {
			return err
		}
	case !strings.HasPrefix(said, ours):
		return errTaken
	}
	_, err = tx.Exec(ctx, grants(role))
	return err
}

// RemoveLogin takes the analysts' role away and ends what it is doing. It reports whether there was one.
func RemoveLogin(ctx context.Context, pool *pgxpool.Pool) (role string, was bool, err error) {
	err = inTurn(ctx, pool, func(ctx context.Context, tx pgx.Tx) error {
		var database string
		if err := tx.QueryRow(ctx, `select current_database()::text`).Scan(&database); err != nil {
			return err
		}
		role = Role(database)
		if err := tx.QueryRow(ctx, `select count(*) > 0 from pg_roles where rolname = $1`, role).Scan(&was); err != nil || !was {
			return err
		}
		name := pgx.Identifier{role}.Sanitize()
		schemas, err := retired(ctx, tx)
		if err != nil {
			return err
		}
		if said, err := comment(ctx, tx); err != nil {
			return err
		} else if strings.HasPrefix(said, ours) {
			schemas = append(schemas, Schema)
		}
		take := ""
		for _, schema := range schemas {
			take += fmt.Sprintf(`revoke all on all tables in schema %s from %s; revoke all on schema %[1]s from %[2]s; `, schema, name)
		}
		take += fmt.Sprintf(`revoke all on database %s from %s; `, pgx.Identifier{database}.Sanitize(), name)
		_, err = tx.Exec(ctx, take+`drop role `+name)
		return err
	})
	if err != nil {
		return role, was, fmt.Errorf("remove the analysts' role: %w", err)
	}
	if was { // a role that is gone reads nothing more; a query of its that runs need not end at once
		_, _ = pool.Exec(ctx, `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usesysid not in (select oid from pg_roles)`)
	}
	return role, was, nil
}

// URL is the address of the database for a login; it holds the password. local reports that only this machine reaches it.
func (l Login) URL(database string) (address string, local bool, err error) {
	u, err := url.Parse(database)
	if err != nil {
		return "", false, errors.New("the database's address is not a URL")
	}
	password := l.Password
	if password == "" {
		password = "…"
	}
	u.User = url.UserPassword(l.Role, password)
	q := u.Query()
	for name := range q {
		if strings.HasPrefix(name, "pool_") {
			q.Del(name) // of our own pool
		}
	}
	for _, own := range []string{"user", "password", "passfile", "sslcert", "sslkey", "sslpassword", "application_name"} {
		q.Del(own)
	}
	u.RawQuery = q.Encode()
	return u.String(), u.Hostname() == "" && strings.HasPrefix(q.Get("host"), "/"), nil
}

// verifier is what PostgreSQL keeps of a password (RFC 5803): so the password itself stands in no statement, and so in no trace or log.
func verifier(password string) string {
	const rounds = 4096
	salt := make([]byte, 16)
	rand.Read(salt) // never fails
	salted, err := pbkdf2.Key(sha256.New, password, salt, rounds, sha256.Size)
	if err != nil {
		panic(err) // only for key lengths that are not this one
	}
	mac := func(text string) []byte {
		m := hmac.New(sha256.New, salted)
		m.Write([]byte(text))
		return m.Sum(nil)
	}
	stored := sha256.Sum256(mac("Client Key"))
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", rounds, b64(salt), b64(stored[:]), b64(mac("Server Key")))
}
