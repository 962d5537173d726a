package access

import (
	"slices"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain/people"
)

// MayGrant tells whether the viewer, who may manage users, may turn one account into another: nil, or 403. An admin of the agency may. A
// customer's admin gives nobody more than the admin holds: no permission, client or location beyond the own ones; what the agency gave that
// user before may stay. A new account has a zero before.
func MayGrant(v Viewer, before, after people.Account) error {
	if !v.OfCustomer() {
		return nil
	}
	for _, p := range after.Permissions {
		if !v.May(p) && !slices.Contains(before.Permissions, p) {
			return notPermitted()
		}
	}
	if widens(v.Clients, before.Clients, after.Clients, before.Key == uuid.Nil) || widens(v.Locations, before.Locations, after.Locations, before.Key == uuid.Nil) {
		return notPermitted()
	}
	return nil
}

// widens tells whether a user would get more than whoever gives it has. An empty list means everything.
func widens(own, before, after []uuid.UUID, isNew bool) bool {
	if len(own) == 0 {
		return false
	}
	if len(after) == 0 {
		return isNew || len(before) > 0
	}
	return slices.ContainsFunc(after, func(id uuid.UUID) bool {
		hadAll := !isNew && len(before) == 0
		return !slices.Contains(own, id) && !slices.Contains(before, id) && !hadAll
	})
}
