package access_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	viewer "github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections/access"
	"github.com/dragoman-booking/dragoman/projections/projtest"
)

var (
	customer = uuid.MustParse("c0000000-0000-4000-8000-000000000001")
	client   = uuid.MustParse("c1000000-0000-4000-8000-000000000001")
	place    = uuid.MustParse("c2000000-0000-4000-8000-000000000001")
	rita     = uuid.MustParse("a0000000-0000-4000-8000-000000000001")
	ana      = uuid.MustParse("a0000000-0000-4000-8000-000000000002")
	sam      = uuid.MustParse("a0000000-0000-4000-8000-000000000003")
	key      = func(n byte) uuid.UUID { return uuid.UUID{0xee, 15: n} }
	lin      = "LIN/5455/5J71Y"
	now      = time.Date(2020, 3, 24, 15, 46, 0, 0, time.UTC)
)

func peopleLog(pageSize int) *projtest.Log {
	log := projtest.NewLog(pageSize)
	log.Append("agency",
		people.DeploymentCreated{ID: projtest.Deployment},
		people.AgencyChanged{Version: 1, Settings: people.AgencySettings{TimeZone: "Europe/Dublin"}},
		people.UserAdded{User: sam, Account: people.Account{Key: key(3), Name: "Sam Staff", Role: domain.Assigner}},
		people.UserAdded{User: ana, Account: people.Account{Key: key(2), Name: "Ana", Role: domain.Interpreter, Interpreter: domain.InterpreterID(lin)}})
	log.Append(eventschema.CustomerStream(customer),
		people.CustomerCreated{Customer: customer, Name: "Police", TimeZone: "Europe/London"},
		people.UserAdded{User: rita, Account: people.Account{Key: key(1), Name: "Rita", Role: domain.Requestor, Customer: customer}},
		people.UserChanged{User: rita, Account: people.Account{Key: key(1), Name: "Rita R", Role: domain.Requestor, Customer: customer,
			Clients: []uuid.UUID{client}, Locations: []uuid.UUID{place}, Permissions: []domain.Permission{domain.MayCreate, domain.MayEdit}}})
	log.Append(eventschema.InterpreterStream(domain.InterpreterID(lin)),
		people.InterpreterRegistered{Interpreter: domain.InterpreterID(lin), Profile: people.Profile{Key: key(2), LIN: lin, Name: "Ana"}})
	return log
}

func TestViewer(t *testing.T) {
	t.Parallel()
	log := peopleLog(0)
	b := projtest.Start(t, log, access.Projector{})
	b.Await(t, log.Events().Last().Position, access.Name)
	q := access.Queries{Models: b.Models}
	for _, want := range []viewer.Viewer{
		{User: sam, Name: "Sam Staff", Role: domain.Assigner, Zone: "Europe/Dublin", Now: now},
		{User: ana, Name: "Ana", Role: domain.Interpreter, Interpreter: domain.InterpreterID(lin), LIN: lin, Zone: "Europe/Dublin", Now: now},
		{User: rita, Name: "Rita R", Role: domain.Requestor, Customer: customer, Clients: []uuid.UUID{client}, Locations: []uuid.UUID{place},
			Permissions: []domain.Permission{domain.MayCreate, domain.MayEdit}, Zone: "Europe/London", Now: now},
	} {
		got, err := q.Viewer(t.Context(), want.User, now)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.Transformer("empty", func(s []uuid.UUID) int { return len(s) }), cmp.Transformer("none", func(s []domain.Permission) int { return len(s) })); diff != "" {
			t.Errorf("viewer (-want +got):\n%s", diff)
		}
	}
	got, _ := q.Viewer(t.Context(), rita, now)
	if !cmp.Equal(got.Clients, []uuid.UUID{client}) || !cmp.Equal(got.Locations, []uuid.UUID{place}) || !got.May(domain.MayEdit) || got.May(domain.MayCancel) {
		t.Errorf("rita is not narrowed as her account says: %+v", got)
	}

	if _, err := q.Viewer(t.Context(), uuid.New(), now); !errors.Is(err, access.ErrUnknownUser) {
		t.Errorf("a stranger: %v", err)
	}
	at := log.Append(eventschema.CustomerStream(customer),
		people.UserChanged{User: rita, Account: people.Account{Key: key(1), Name: "Rita R", Role: domain.Requestor, Customer: customer, Disabled: true}})
	b.Await(t, at, access.Name)
	if _, err := q.Viewer(t.Context(), rita, now); !errors.Is(err, access.ErrDisabled) {
		t.Errorf("a disabled user: %v", err)
	}
}

// Any cutting of the log into pages gives the same rows, and an erasure leaves what a rebuild of the erased log leaves.
func TestSameRowsHoweverTheyCome(t *testing.T) {
	t.Parallel()
	erasure := people.PersonErased{Subject: rita, Keys: []uuid.UUID{key(1)}, Reason: "asked"}
	var dumps []string
	for _, size := range []int{1, 3, 1000} {
		log := peopleLog(size)
		at := log.Append(eventschema.CustomerStream(customer), erasure)
		b := projtest.Start(t, log, access.Projector{})
		b.Await(t, at, access.Name)
		dumps = append(dumps, b.Dump(t, access.Name))
	}
	erased := projtest.NewLog(0) // as the log reads once the key is gone
	for _, e := range peopleLog(0).Events() {
		switch event := e.Event.(type) {
		case people.UserAdded:
			if event.Key == key(1) {
				event.Name = domain.Erased
			}
			e.Event = event
		case people.UserChanged:
			event.Name = domain.Erased
			e.Event = event
		}
		erased.AppendRecorded(e.Stream, e)
	}
	at := erased.Append(eventschema.CustomerStream(customer), erasure)
	b := projtest.Start(t, erased, access.Projector{})
	b.Await(t, at, access.Name)
	for i, d := range append(dumps, b.Dump(t, access.Name)) {
		if d != dumps[0] {
			t.Errorf("run %d differs:\n%s", i, cmp.Diff(dumps[0], d))
		}
	}
}
