// Package pseudonyms makes what analysts read in place of people: the same in the API's answers, in exports and in the views of package analysts.
//
// A person's id tells who it is (an interpreter's follows from the LIN, so whoever knows the LIN knows the id). So analysts get another id: the
// first half of the SHA-256 of a deployment's key and the person's own id. Only who reads kept.pseudonym_key gets from one to the other.
package pseudonyms

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dragoman-booking/dragoman/domain/access"
)

// DB is a pool, a connection or a transaction.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Key is the deployment's key. It is drawn once.
func Key(ctx context.Context, db DB) (key []byte, err error) {
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // never fails: it ends the program instead
	if _, err := db.Exec(ctx, `insert into kept.pseudonym_key (key) values ($1) on conflict do nothing`, fresh); err != nil {
		return nil, fmt.Errorf("draw the key of pseudonyms: %w", err)
	}
	if err := db.QueryRow(ctx, `select key from kept.pseudonym_key`).Scan(&key); err != nil {
		return nil, fmt.Errorf("read the key of pseudonyms: %w", err)
	}
	return key, nil
}

// Of is the pseudonym of somebody of a kind, access.AnInterpreter or access.AUser.
func Of(key []byte, kind access.Class, id string) string {
	sum := sha256.Sum256(fmt.Appendf(key[:len(key):len(key)], "%s %s", kind, id))
	return Name(kind, uuid.UUID(sum[:16]))
}

// Name is the pseudonym that belongs to an id which IDSQL made.
func Name(kind access.Class, id uuid.UUID) string {
	return string(kind) + " " + hex.EncodeToString(id[:8])
}

// IDSQL is the SQL expression of the id that analysts get for the one in a column.
func IDSQL(kind access.Class, column string) string {
	return `encode(substr(` + sumSQL(kind, column) + `, 1, 16), 'hex')::uuid`
}

// NameSQL is the SQL expression of the pseudonym of the id in a column.
func NameSQL(kind access.Class, column string) string {
	return `'` + string(kind) + ` ' || left(encode(` + sumSQL(kind, column) + `, 'hex'), 16)`
}

func sumSQL(kind access.Class, column string) string {
	return `sha256((select key from kept.pseudonym_key) || convert_to('` + string(kind) + ` ' || ` + column + `::text, 'UTF8'))`
}
