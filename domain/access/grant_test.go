package access_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
)

func TestNobodyGivesMoreThanTheyHold(t *testing.T) {
	t.Parallel()
	account := func(permissions []domain.Permission, clients ...uuid.UUID) people.Account {
		return people.Account{Key: uuid.UUID{1}, Role: domain.Requestor, Permissions: permissions, Clients: clients}
	}
	create := []domain.Permission{domain.MayCreate}
	both := []domain.Permission{domain.MayCreate, domain.MayFinancials}
	none := people.Account{}
	boss := as(domain.CustomerAdmin, domain.MayCreate)
	narrow := boss
	narrow.Clients = []uuid.UUID{north}
	for _, c := range []struct {
		name          string
		v             access.Viewer
		before, after people.Account
		okay          bool
	}{
		{"what one holds", boss, none, account(create), true},
		{"what one does not hold", boss, none, account(both), false},
		{"what the agency gave stays", boss, account(both), account(both), true},
		{"what was taken is not given back", boss, account(create), account(both), false},
		{"the agency gives anything", as(domain.Admin), none, account(both), true},
		{"all clients, by one who has all", boss, none, account(create), true},
		{"all clients, by one who is narrowed", narrow, none, account(create), false},
		{"the own client", narrow, none, account(create, north), true},
		{"another client", narrow, none, account(create, north, south), false},
		{"another client that stays", narrow, account(create, south), account(create, south), true},
		{"a user of all clients stays one", narrow, account(create), account(create), true},
		{"a narrowed user becomes one of all clients", narrow, account(create, north), account(create), false},
		{"a user of all clients is narrowed", narrow, account(create), account(create, south), true},
	} {
		err := access.MayGrant(c.v, c.before, c.after)
		if (err == nil) != c.okay || err != nil && !errors.Is(err, refused) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	places := narrow
	places.Clients, places.Locations = nil, []uuid.UUID{station}
	if err := access.MayGrant(places, none, account(create)); err == nil {
		t.Error("one who is narrowed to a location gives all locations")
	}
}
