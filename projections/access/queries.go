package access

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
)

// Errors of Viewer. Both mean that the session is worth nothing; they differ for the log only.
var (
	ErrUnknownUser = errors.New("no such user")
	ErrDisabled    = errors.New("the user is disabled")
)

// Queries answers who is who.
type Queries struct{ Models *projections.Models }

// viewersSQL looks users up by primary key.
const viewersSQL = `
select u.user_id as "user", u.name, u.role, u.customer, u.interpreter, l.lin, u.clients, u.locations, u.permissions, u.disabled, z.zone
from {access}.users u
left join {access}.lins l on l.interpreter = u.interpreter
left join {access}.zones z on z.owner = coalesce(u.customer, '00000000-0000-0000-0000-000000000000')
where u.user_id = any($1)`

// row is a user as stored.
type row struct {
	User        uuid.UUID
	Name        string
	Role        domain.Role
	Customer    *uuid.UUID
	Interpreter *uuid.UUID
	LIN         *string
	Clients     []uuid.UUID
	Locations   []uuid.UUID
	Permissions []domain.Permission
	Disabled    bool
	Zone        *string
}

func (r row) user() uuid.UUID { return r.User }

// Viewer is who a user is right now; now is the business time of the request. ErrUnknownUser and ErrDisabled.
func (q Queries) Viewer(ctx context.Context, user uuid.UUID, now time.Time) (access.Viewer, error) {
	r, found, err := projections.OneOf(ctx, q.Models, pgx.RowToStructByName[row], row.user, viewersSQL, user)
	switch {
	case err != nil:
		return access.Viewer{}, fmt.Errorf("read who the user is: %w", err)
	case !found:
		return access.Viewer{}, ErrUnknownUser
	case r.Disabled:
		return access.Viewer{}, ErrDisabled
	}
	return access.Viewer{User: user, Name: r.Name, Role: r.Role, Customer: or(r.Customer, uuid.Nil), Interpreter: or(r.Interpreter, uuid.Nil),
		LIN: or(r.LIN, ""), Clients: r.Clients, Locations: r.Locations, Permissions: r.Permissions, Zone: or(r.Zone, "UTC"), Now: now}, nil
}

func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// Applied waits until the read model has applied everything up to a position; eventschema.ErrBehind after five seconds.
func (q Queries) Applied(ctx context.Context, p eventschema.Position) error {
	return q.Models.WaitFor(ctx, p, Name)
}
