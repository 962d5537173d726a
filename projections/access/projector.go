// Package access is the read model that says, at every request, who a signed-in person is and what that person may do. It is never cached.
package access

import (
	"context"
	"embed"
	"io/fs"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// Name is the read model's name.
const Name = "access"

//go:embed access.sql projector.go
var sources embed.FS

//go:embed access.sql
var tables string

// Projector fills the read model.
type Projector struct{}

// Name implements projections.Projector.
func (Projector) Name() string { return Name }

// SQL implements projections.Projector.
func (Projector) SQL() string { return tables }

// Sources implements projections.Projector.
func (Projector) Sources() fs.FS { return sources }

// Apply implements projections.Projector. Every event carries its subject's whole state, so the last one of a page decides; an erasure is
// applied to what stands, and what stood before it in the page is written first.
func (Projector) Apply(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	rows := newRows()
	for _, e := range page {
		switch event := e.Event.(type) {
		case people.UserAdded:
			rows.users[event.User] = event.Account
		case people.UserChanged:
			rows.users[event.User] = event.Account
		case people.CustomerCreated:
			rows.zones[event.Customer] = event.TimeZone
		case people.CustomerChanged:
			rows.zones[event.Customer] = event.TimeZone
		case people.AgencyChanged:
			rows.zones[uuid.Nil] = event.Settings.TimeZone
		case people.InterpreterRegistered:
			rows.lins[event.Interpreter] = event.LIN
		case people.InterpreterChanged:
			rows.lins[event.Interpreter] = event.LIN
		case people.PersonErased:
			if err := rows.write(ctx, tx); err != nil {
				return err
			}
			rows = newRows()
			if err := erase(ctx, tx, event.Keys); err != nil {
				return err
			}
		}
	}
	return rows.write(ctx, tx)
}

// rows is what a page leaves behind.
type rows struct {
	users map[uuid.UUID]people.Account
	zones map[uuid.UUID]string
	lins  map[uuid.UUID]string
}

func newRows() rows {
	return rows{map[uuid.UUID]people.Account{}, map[uuid.UUID]string{}, map[uuid.UUID]string{}}
}

func (r rows) write(ctx context.Context, tx pgx.Tx) error {
	batch := &pgx.Batch{}
	for _, id := range sorted(r.users) {
		a := r.users[id]
		batch.Queue(`
			insert into users (user_id, key_id, name, role, customer, interpreter, clients, locations, permissions, disabled)
			values ($1, $2, $3, $4, nullif($5::uuid, $11), nullif($6::uuid, $11), $7, $8, $9, $10)
			on conflict (user_id) do update set key_id = excluded.key_id, name = excluded.name, role = excluded.role,
				customer = excluded.customer, interpreter = excluded.interpreter, clients = excluded.clients,
				locations = excluded.locations, permissions = excluded.permissions, disabled = excluded.disabled`,
			id, a.Key, a.Name.Reveal(), a.Role, a.Customer, a.Interpreter, list(a.Clients), list(a.Locations), list(a.Permissions), a.Disabled, uuid.Nil)
	}
	for _, id := range sorted(r.zones) {
		batch.Queue(`insert into zones (owner, zone) values ($1, $2) on conflict (owner) do update set zone = excluded.zone`, id, r.zones[id])
	}
	for _, id := range sorted(r.lins) {
		batch.Queue(`insert into lins (interpreter, lin) values ($1, $2) on conflict (interpreter) do update set lin = excluded.lin`, id, r.lins[id])
	}
	if batch.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, batch).Close() // one round trip for all of them
}

// erase leaves what a rebuild leaves: the name decodes to [erased] once its key is destroyed.
func erase(ctx context.Context, tx pgx.Tx, keys []uuid.UUID) error {
	_, err := tx.Exec(ctx, `update users set name = $1 where key_id = any($2)`, domain.Erased, keys)
	return err
}

// sorted are a map's keys in one order, so that rows are written, and locked, alike in every run.
func sorted[V any](m map[uuid.UUID]V) []uuid.UUID {
	return slices.SortedFunc(maps.Keys(m), func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
}

// list is never null in a row.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
