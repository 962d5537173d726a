package people_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	events "github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/people"
	"github.com/dragoman-booking/dragoman/projections/projtest"
	"github.com/dragoman-booking/dragoman/projections/pseudonyms"
)

func id(kind, n byte) uuid.UUID { return uuid.UUID{kind, 6: 0x40, 8: 0x80, 15: n} }

var (
	police, courts     = id(0xc0, 1), id(0xc0, 2)
	custody, cid       = id(0xc1, 1), id(0xc1, 2)
	station, yard, bar = id(0xc2, 1), id(0xc2, 2), id(0xc2, 3)
	rita, cora, adam   = id(0xa0, 1), id(0xa0, 2), id(0xa0, 3)
	ana                = domain.InterpreterID("LIN/5455/5J71Y")
	ben                = domain.InterpreterID("LIN/5466/5J71X")
)

func fill(log *projtest.Log) eventschema.Position {
	log.Append(eventschema.Agency, events.UserAdded{User: adam, Account: events.Account{Key: id(0xee, 3), Name: "Adam", Email: "adam@agency.example", Role: domain.Admin}})
	log.Append(eventschema.CustomerStream(police),
		events.CustomerCreated{Customer: police, Name: "Police", TimeZone: "Europe/London", Settings: events.CustomerSettings{BillTo: "HQ", Closing: "two-party"}},
		events.ClientAdded{Customer: police, Client: custody, Name: "Custody"},
		events.ClientAdded{Customer: police, Client: cid, Name: "CID"},
		events.ClientChanged{Customer: police, Client: cid, Name: "Detectives"},
		events.LocationAdded{Customer: police, Location: station, Place: events.Place{Client: custody, Name: "Station", Address: events.PostalAddress{Line1: "1 High St", Town: "Leeds", Postcode: "LS1 1AA"}}},
		events.LocationAdded{Customer: police, Location: yard, Place: events.Place{Name: "Yard", Address: events.PostalAddress{Town: "York"}, TimeZone: "Europe/Dublin"}},
		events.UserAdded{User: rita, Account: events.Account{Key: id(0xee, 1), Name: "Rita", Email: "rita@police.example", Telephone: "0113", Role: domain.Requestor, Customer: police}},
		events.UserAdded{User: cora, Account: events.Account{Key: id(0xee, 2), Name: "Cora", Email: "cora@police.example", Role: domain.CustomerAdmin, Customer: police}})
	log.Append(eventschema.CustomerStream(courts),
		events.CustomerCreated{Customer: courts, Name: "Courts", TimeZone: "Europe/London"},
		events.LocationAdded{Customer: courts, Location: bar, Place: events.Place{Name: "Bar"}},
		events.CustomerChanged{Customer: courts, Name: "The Courts", TimeZone: "Europe/Paris"})
	log.Append(eventschema.InterpreterStream(ana),
		events.InterpreterRegistered{Interpreter: ana, Profile: events.Profile{Key: id(0xee, 4), LIN: "LIN/5455/5J71Y", Name: "Ana", Gender: "female", Languages: []string{"pl"}}},
		events.InterpreterChanged{Interpreter: ana, Profile: events.Profile{Key: id(0xee, 4), LIN: "LIN/5455/5J71Y", Name: "Ana", Gender: "female", Languages: []string{"pl", "uk"},
			Skills: []string{"legal"}, Credentials: []events.Credential{{Kind: "dbs", Reference: "7", ValidFrom: "2015-01-01", ValidTo: "2099-12-31"}}, Telephone: "07700", Email: "ana@example.org"}})
	london := func(local string) domain.Moment {
		m, err := domain.ParseMoment(local, "Europe/London")
		if err != nil {
			panic(err)
		}
		return m
	}
	log.Append(eventschema.InterpreterStream(ana), events.AvailabilitySet{Key: id(0xee, 4), Interpreter: ana, Availability: events.Availability{TimeZone: "Europe/Paris"}},
		events.AvailabilitySet{Key: id(0xee, 4), Interpreter: ana, Availability: events.Availability{TimeZone: "Europe/London",
			Week:        []events.WorkingTime{{Day: "mon", From: "09:00", To: "17:00"}},
			Unavailable: []events.Away{{From: london("2026-08-01T00:00"), To: london("2026-08-15T00:00"), Note: "Lviv"}, {From: london("2026-12-24T00:00"), To: london("2026-12-27T00:00")}}}})
	return log.Append(eventschema.InterpreterStream(ben),
		events.InterpreterRegistered{Interpreter: ben, Profile: events.Profile{Key: id(0xee, 5), LIN: "LIN/5466/5J71X", Name: "Ben", Languages: []string{"uk"}}},
		events.InterpreterSuspended{Interpreter: ben})
}

// The viewers of the table below.
var (
	admin     = access.Viewer{User: adam, Role: domain.Admin}
	assigner  = access.Viewer{User: id(0xa0, 9), Role: domain.Assigner}
	auditor   = access.Viewer{User: id(0xa0, 8), Role: domain.Auditor}
	analyst   = access.Viewer{User: id(0xa0, 7), Role: domain.Analyst}
	requestor = access.Viewer{User: rita, Role: domain.Requestor, Customer: police}
	narrow    = access.Viewer{User: rita, Role: domain.Requestor, Customer: police, Clients: []uuid.UUID{cid}, Locations: []uuid.UUID{yard, station}}
	chief     = access.Viewer{User: cora, Role: domain.CustomerAdmin, Customer: police}
	other     = access.Viewer{User: id(0xa0, 6), Role: domain.CustomerAdmin, Customer: courts}
	worker    = access.Viewer{User: id(0xa0, 5), Role: domain.Interpreter, Interpreter: ana}
	guest     = access.Viewer{Role: domain.Guest}
)

func TestWhoSeesWhom(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	at := fill(log)
	b := projtest.Start(t, log, people.Projector{})
	b.Await(t, at, people.Name)
	q := people.Queries{Models: b.Models}
	ctx := t.Context()
	key, err := pseudonyms.Key(ctx, b.Pool)
	if err != nil {
		t.Fatal(err)
	}
	of := func(id uuid.UUID) string { return pseudonyms.Of(key, access.AnInterpreter, id.String()) }
	for name, c := range map[string]struct {
		v                                                  access.Viewer
		customers, clients, locations, users, interpreters []string
	}{
		"admin":     {admin, []string{"Police", "The Courts"}, []string{"Custody", "Detectives"}, []string{"Station", "Yard", "Bar"}, []string{"Adam", "Cora", "Rita"}, []string{"Ana", "Ben"}},
		"assigner":  {assigner, []string{"Police", "The Courts"}, []string{"Custody", "Detectives"}, []string{"Station", "Yard", "Bar"}, nil, []string{"Ana", "Ben"}},
		"auditor":   {auditor, []string{"Police", "The Courts"}, []string{"Custody", "Detectives"}, []string{"Station", "Yard", "Bar"}, []string{"Adam", "Cora", "Rita"}, []string{"Ana", "Ben"}},
		"analyst":   {analyst, []string{"Police", "The Courts"}, []string{"Custody", "Detectives"}, []string{"Station", "Yard", "Bar"}, nil, []string{of(ana), of(ben)}},
		"requestor": {requestor, []string{"Police"}, []string{"Custody", "Detectives"}, []string{"Station", "Yard"}, nil, nil},
		"narrowed":  {narrow, []string{"Police"}, []string{"Detectives"}, []string{"Yard"}, nil, nil}, // the station is Custody's
		"chief":     {chief, []string{"Police"}, []string{"Custody", "Detectives"}, []string{"Station", "Yard"}, []string{"Cora", "Rita"}, nil},
		"other":     {other, []string{"The Courts"}, nil, []string{"Bar"}, nil, nil},
		"worker":    {worker, nil, nil, nil, nil, nil},
		"guest":     {guest, nil, nil, nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all projections.ListQuery
			customers, err1 := q.Customers(ctx, c.v, all)
			clients, err2 := q.Clients(ctx, c.v, uuid.Nil, all)
			locations, err3 := q.Locations(ctx, c.v, uuid.Nil, all)
			users, err4 := q.Users(ctx, c.v, all)
			interpreters, err5 := q.Interpreters(ctx, c.v, all)
			if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
				t.Fatal(err)
			}
			same(t, "customers", c.customers, names(customers, func(x people.Customer) string { return x.Name }))
			same(t, "clients", c.clients, names(clients, func(x people.Client) string { return x.Name }))
			same(t, "locations", c.locations, names(locations, func(x people.Location) string { return x.Name }))
			same(t, "users", c.users, names(users, func(x people.User) string { return x.Name }))
			got := names(interpreters, func(x people.Interpreter) string { return x.Name })
			slices.Sort(got)
			slices.Sort(c.interpreters)
			same(t, "interpreters", c.interpreters, got)

			// A single one is found exactly if it is listed.
			_, found, err := q.Customer(ctx, c.v, courts)
			check(t, "customer", found, err, slices.Contains(c.customers, "The Courts"))
			_, found, err = q.Client(ctx, c.v, custody)
			check(t, "client", found, err, slices.Contains(c.clients, "Custody"))
			_, found, err = q.Location(ctx, c.v, station)
			check(t, "location", found, err, slices.Contains(c.locations, "Station"))
			_, found, err = q.User(ctx, c.v, rita)
			check(t, "user", found, err, slices.Contains(c.users, "Rita") || c.v.User == rita)
			_, found, err = q.Interpreter(ctx, c.v, ben)
			check(t, "interpreter", found, err, len(c.interpreters) > 0 && c.v.Role != domain.Analyst) // who finds somebody by the id knows the LIN
		})
	}
}

func TestDirectoryEntries(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	at := fill(log)
	b := projtest.Start(t, log, people.Projector{})
	b.Await(t, at, people.Name)
	q := people.Queries{Models: b.Models}
	ctx := t.Context()

	got, _, err := q.Interpreter(ctx, worker, ana) // the own entry
	if err != nil || got.Telephone != "07700" || got.Email != "ana@example.org" || !slices.Equal(got.Languages, []string{"pl", "uk"}) ||
		len(got.Credentials) != 1 || got.Credentials[0].ValidTo != "2099-12-31" || got.Suspended || !got.RegisteredAt.Equal(projtest.Clock.Add(12e9)) {
		t.Errorf("ana is %+v (%v)", got, err)
	}
	if _, err := pseudonyms.Key(ctx, b.Pool); err != nil {
		t.Fatal(err)
	}
	said, revision, found, err := q.Availability(ctx, worker)
	if err != nil || !found || revision != 3 || said.TimeZone != "Europe/London" || len(said.Week) != 1 || len(said.Unavailable) != 2 ||
		said.Unavailable[0].Note != "Lviv" || said.Unavailable[1].To.Local != "2026-12-27T00:00:00" || got.Revision != 1 {
		t.Errorf("ana's time is %+v at %d, the profile at %d (%v)", said, revision, got.Revision, err)
	}
	for _, v := range []access.Viewer{admin, assigner, requestor, {Role: domain.Interpreter, Interpreter: ben}} {
		if _, _, found, err := q.Availability(ctx, v); err != nil || found {
			t.Errorf("%s reads ana's time (%v)", v.Role, err)
		}
	}
	polish, err := q.Interpreters(ctx, analyst, projections.ListQuery{Filter: map[string]string{"languages": ",pl,"}})
	if err != nil || len(polish.Items) != 1 || polish.Items[0].ID == ana {
		t.Fatalf("an analyst finds %+v (%v)", polish, err)
	}
	hidden, found, err := q.Interpreter(ctx, analyst, polish.Items[0].ID)
	if err != nil || !found || !cmp.Equal(hidden, polish.Items[0]) || hidden.LIN != "" || hidden.Telephone != "" || hidden.Email != "" || hidden.Credentials[0].Reference != "" {
		t.Errorf("an analyst reads %+v (%v)", hidden, err)
	}
	if suspended, _, _ := q.Interpreter(ctx, assigner, ben); !suspended.Suspended {
		t.Error("ben is not suspended")
	}
	if place, _, _ := q.Location(ctx, admin, station); place.TimeZone != "Europe/London" || place.CustomerName != "Police" || place.Postcode != "LS1 1AA" {
		t.Errorf("station is %+v", place)
	}
	if place, _, _ := q.Location(ctx, admin, yard); place.TimeZone != "Europe/Dublin" {
		t.Errorf("yard is %+v", place)
	}
	if mine, _, _ := q.Customer(ctx, requestor, police); mine.Settings.BillTo != "" || mine.Settings.Closing != "two-party" {
		t.Errorf("a requestor reads the settings %+v", mine.Settings)
	}

	speak, err := q.Interpreters(ctx, assigner, projections.ListQuery{Filter: map[string]string{"languages": "PL"}})
	if err != nil || speak.Total != 1 || speak.Items[0].Name != "Ana" {
		t.Errorf("who speaks Polish: %+v %v", speak, err)
	}
	for code, want := range map[string]int{",pl,": 1, ",p,": 0, ",l,": 0} { // the very code
		if found, err := q.Interpreters(ctx, assigner, projections.ListQuery{Filter: map[string]string{"languages": code}}); err != nil || found.Total != want {
			t.Errorf("who speaks %s: %d %v, want %d", code, found.Total, err, want)
		}
	}
	page, err := q.Locations(ctx, admin, uuid.Nil, projections.ListQuery{Sort: "-name", Limit: 1, Offset: 1})
	if err != nil || page.Total != 3 || len(page.Items) != 1 || page.Items[0].Name != "Station" {
		t.Errorf("second location from the end: %+v %v", page, err)
	}
	if of, err := q.Locations(ctx, admin, courts, projections.ListQuery{}); err != nil || of.Total != 1 {
		t.Errorf("the courts' locations: %+v %v", of, err)
	}
	for _, l := range []projections.ListQuery{{Sort: "email"}, {Filter: map[string]string{"name": "a"}}} {
		if _, err := q.Interpreters(ctx, analyst, l); !errors.Is(err, projections.ErrUnknownField) {
			t.Errorf("an analyst may search by a person's name or e-mail: %v", err)
		}
	}

	who, err := q.Names(ctx, chief, []uuid.UUID{rita, adam})
	if err != nil || !cmp.Equal(who, map[uuid.UUID]string{rita: "Rita"}) {
		t.Errorf("a customer sees the names %v %v", who, err)
	}
	if who, _ := q.Names(ctx, assigner, []uuid.UUID{rita, adam}); len(who) != 2 {
		t.Errorf("staff see the names %v", who)
	}
	if who, _ := q.Names(ctx, assigner, []uuid.UUID{ana}); who[ana] != "Ana" {
		t.Errorf("staff read of an interpreter who acted %v", who)
	}
	if who, _ := q.Names(ctx, chief, []uuid.UUID{ana}); len(who) != 0 {
		t.Errorf("a customer reads of an interpreter who acted %v", who)
	}
}

// Any cutting of the log gives the same rows, and an erasure leaves what a rebuild of the erased log leaves.
func TestSameRowsHoweverTheyCome(t *testing.T) {
	t.Parallel()
	erase := func(log *projtest.Log) eventschema.Position {
		log.Append(eventschema.CustomerStream(police), events.PersonErased{Subject: rita, Keys: []uuid.UUID{id(0xee, 1)}})
		return log.Append(eventschema.InterpreterStream(ana), events.PersonErased{Subject: ana, Keys: []uuid.UUID{id(0xee, 4)}})
	}
	var dumps []string
	for _, size := range []int{1, 3, 1000} {
		log := projtest.NewLog(size)
		fill(log)
		at := erase(log)
		b := projtest.Start(t, log, people.Projector{})
		b.Await(t, at, people.Name)
		dumps = append(dumps, b.Dump(t, people.Name))
	}
	log := projtest.NewLog(0)
	fill(log)
	gone := func(p *domain.Personal) {
		if *p != "" {
			*p = domain.Erased
		}
	}
	erased := projtest.NewLog(0) // as the log reads once the keys are gone
	for _, e := range log.Events() {
		switch event := e.Event.(type) {
		case events.UserAdded:
			if event.User == rita {
				gone(&event.Name)
				gone(&event.Email)
				gone(&event.Telephone)
			}
			e.Event = event
		case events.InterpreterRegistered:
			if event.Interpreter == ana {
				gone(&event.Name)
			}
			e.Event = event
		case events.InterpreterChanged:
			gone(&event.Name)
			gone(&event.Telephone)
			gone(&event.Email)
			e.Event = event
		case events.AvailabilitySet:
			event.Unavailable = slices.Clone(event.Unavailable)
			for i := range event.Unavailable {
				gone(&event.Unavailable[i].Note)
			}
			e.Event = event
		}
		erased.AppendRecorded(e.Stream, e)
	}
	at := erase(erased)
	b := projtest.Start(t, erased, people.Projector{})
	b.Await(t, at, people.Name)
	for i, d := range append(dumps, b.Dump(t, people.Name)) {
		if d != dumps[0] {
			t.Errorf("run %d differs:\n%s", i, cmp.Diff(dumps[0], d))
		}
	}
}

func names[T any](page projections.ListPage[T], name func(T) string) (all []string) {
	for _, x := range page.Items {
		all = append(all, name(x))
	}
	return all
}

func same(t *testing.T, what string, want, got []string) {
	t.Helper()
	if !slices.Equal(want, got) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func check(t *testing.T, what string, found bool, err error, want bool) {
	t.Helper()
	if err != nil || found != want {
		t.Errorf("%s: found %v, want %v (%v)", what, found, want, err)
	}
}
