package jobrow

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections/rows"
)

// Users are who a page of events names as users, for a read model's own table users (user_id, key_id, name, customer).
type Users struct {
	accounts map[uuid.UUID]people.Account
	erased   []uuid.UUID // keys
}

// Apply folds one event; every event about a user carries the user's whole state, so the last one decides.
func (u *Users) Apply(event any) {
	switch e := event.(type) {
	case people.UserAdded:
		u.set(e.User, e.Account)
	case people.UserChanged:
		u.set(e.User, e.Account)
	case people.PersonErased:
		u.erased = append(u.erased, e.Keys...)
	}
}

func (u *Users) set(id uuid.UUID, a people.Account) {
	if u.accounts == nil {
		u.accounts = map[uuid.UUID]people.Account{}
	}
	u.accounts[id] = a
}

// Queue adds the statements that write them. An erasure leaves what a rebuild leaves: the name reads [erased] once its key is destroyed, so
// it comes after the rows of its own page.
func (u *Users) Queue(b *pgx.Batch) {
	if ids := rows.Sorted(u.accounts); len(ids) > 0 {
		b.Queue(`insert into users (user_id, key_id, name, customer)
			select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[])
			on conflict (user_id) do update set key_id = excluded.key_id, name = excluded.name, customer = excluded.customer`,
			ids,
			rows.Column(ids, func(id uuid.UUID) uuid.UUID { return u.accounts[id].Key }),
			rows.Column(ids, func(id uuid.UUID) string { return u.accounts[id].Name.Reveal() }),
			rows.Column(ids, func(id uuid.UUID) pgtype.UUID { return rows.ID(u.accounts[id].Customer) }))
	}
	if len(u.erased) > 0 {
		b.Queue(`update users set name = $1 where key_id = any($2)`, domain.Erased, u.erased)
	}
}
