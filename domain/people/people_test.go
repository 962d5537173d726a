package people_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/people"
)

var (
	police, north, station   = uuid.UUID{1}, uuid.UUID{2}, uuid.UUID{3}
	rita, ada, bert, key, ky = uuid.UUID{4}, uuid.UUID{5}, uuid.UUID{6}, uuid.UUID{7}, uuid.UUID{8}
	everything               = people.Known{}
)

// scenario runs a wish against a history, and then against the history with what the wish led to: that must be nothing more.
type scenario[S any] struct {
	t      *testing.T
	evolve func(S, people.Event) S
	given  []people.Event
}

func (sc scenario[S]) state(more ...people.Event) S {
	var s S
	for _, e := range slices.Concat(sc.given, more) {
		s = sc.evolve(s, e)
	}
	return s
}

func (sc scenario[S]) then(decide func(S) ([]people.Event, error), want ...people.Event) {
	sc.t.Helper()
	got, err := decide(sc.state())
	if err != nil {
		sc.t.Errorf("refused: %v %v", err, faultsOf(err))
		return
	}
	if written(got) != written(want) {
		sc.t.Errorf("got  %s\nwant %s", written(got), written(want))
	}
	again, err := decide(sc.state(got...))
	if err != nil || len(again) > 0 {
		sc.t.Errorf("again: %#v, %v", again, err)
	}
}

// written is how events would be stored, with their types: personal texts show.
func written(events []people.Event) string {
	var b strings.Builder
	for _, e := range events {
		data, err := json.Marshal(e)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&b, "%T %s; ", e, data)
	}
	return b.String()
}

func (sc scenario[S]) refused(decide func(S) ([]people.Event, error), code string, locations ...string) {
	sc.t.Helper()
	got, err := decide(sc.state())
	var r *domain.Refusal
	if !errors.As(err, &r) || r.Code != code || len(got) > 0 {
		sc.t.Errorf("got %v, %v; want refusal %s", got, err, code)
		return
	}
	if at := faultsOf(err); !slices.Equal(at, slices.Sorted(slices.Values(locations))) {
		sc.t.Errorf("faults at %v, want %v", at, locations)
	}
}

func faultsOf(err error) (at []string) {
	var r *domain.Refusal
	if errors.As(err, &r) {
		for _, f := range r.Errors {
			at = append(at, strings.TrimPrefix(f.Location, "body."))
		}
	}
	slices.Sort(at)
	return at
}

func customer(t *testing.T, given ...people.Event) scenario[people.Customer] {
	return scenario[people.Customer]{t, people.EvolveCustomer, given}
}

func interpreter(t *testing.T, given ...people.Event) scenario[people.Interpreter] {
	return scenario[people.Interpreter]{t, people.EvolveInterpreter, given}
}

func agency(t *testing.T, given ...people.Event) scenario[people.Agency] {
	return scenario[people.Agency]{t, people.EvolveAgency, given}
}

func numbering(t *testing.T, given ...people.Event) scenario[people.Numbering] {
	return scenario[people.Numbering]{t, people.EvolveNumbering, given}
}

func ptr[T any](v T) *T { return &v }

var (
	created  = people.CustomerCreated{Customer: police, Name: "Police", TimeZone: "Europe/London"}
	client   = people.ClientAdded{Customer: police, Client: north, Name: "North"}
	place    = people.Place{Name: "Station", Address: people.PostalAddress{Line1: "1 High Street", Town: "Leeds", Postcode: "LS1 4AP"}}
	location = people.LocationAdded{Customer: police, Location: station, Place: place}
	account  = people.Account{Key: key, Name: "Rita Moss", Email: "rita@police.example", Role: domain.Requestor, Customer: police}
)

func TestCreateCustomer(t *testing.T) {
	t.Parallel()
	wish := func(c people.CreateCustomer, k people.Known) func(people.Customer) ([]people.Event, error) {
		return func(s people.Customer) ([]people.Event, error) { return c.Decide(s, k) }
	}
	customer(t).then(wish(people.CreateCustomer{Customer: police, Name: " Police ", TimeZone: "Europe/London"}, everything), created)
	customer(t).refused(wish(people.CreateCustomer{Customer: police, Name: " ", TimeZone: "Mars/Olympus", Settings: people.CustomerSettings{
		ServiceTypes: []string{"remote", "telepathy"}, Forms: []string{"face-to-face", "none"}, Closing: "nobody", SpeakerName: "nickname",
		CancelHours: ptr(-1)}}, people.Known{Forms: []string{"face-to-face"}, ServiceTypes: []string{"remote"}}), "invalid",
		"name", "timeZone", "settings.serviceTypes[1]", "settings.forms[1]", "settings.closing", "settings.speakerName", "settings.cancelHours")
}

func TestChangeCustomerKeepsWhatIsNotSent(t *testing.T) {
	t.Parallel()
	before := created
	before.Settings = people.CustomerSettings{Forms: []string{"remote"}, CancelHours: ptr(24)}
	wish := func(c people.ChangeCustomer) func(people.Customer) ([]people.Event, error) {
		return func(s people.Customer) ([]people.Event, error) { return c.Decide(s, everything) }
	}
	customer(t, before).then(wish(people.ChangeCustomer{Settings: &people.SettingsChange{CancelEnabled: ptr(false)}}),
		people.CustomerChanged{Customer: police, Name: "Police", TimeZone: "Europe/London",
			Settings: people.CustomerSettings{Forms: []string{"remote"}, CancelHours: ptr(24), CancelEnabled: ptr(false)}})
	customer(t, before).then(wish(people.ChangeCustomer{Settings: &people.SettingsChange{CancelHours: ptr(-1)}}),
		people.CustomerChanged{Customer: police, Name: "Police", TimeZone: "Europe/London", Settings: people.CustomerSettings{Forms: []string{"remote"}}})
	customer(t, before).then(wish(people.ChangeCustomer{Name: ptr("Police"), Settings: &people.SettingsChange{}}))
	customer(t, before).refused(wish(people.ChangeCustomer{Name: ptr(""), TimeZone: ptr("Local")}), "invalid", "name", "timeZone")
	customer(t).refused(wish(people.ChangeCustomer{Name: ptr("Police")}), "not-found")
}

func TestClientsAndLocations(t *testing.T) {
	t.Parallel()
	customer(t, created).then(people.AddClient{Client: north, Name: " North "}.Decide, client)
	customer(t, created).refused(people.AddClient{Client: north}.Decide, "invalid", "name")
	customer(t).refused(people.AddClient{Client: north, Name: "North"}.Decide, "not-found")
	customer(t, created, client).then(people.ChangeClient{Client: north, Name: ptr("South")}.Decide, people.ClientChanged{Customer: police, Client: north, Name: "South"})
	customer(t, created, client).then(people.ChangeClient{Client: north}.Decide)
	customer(t, created, client).refused(people.ChangeClient{Client: north, Name: ptr(" ")}.Decide, "invalid", "name")
	customer(t, created).refused(people.ChangeClient{Client: north, Name: ptr("South")}.Decide, "not-found")

	customer(t, created, client).then(people.AddLocation{Location: station, Place: place}.Decide, location)
	customer(t, created).refused(people.AddLocation{Location: station, Place: people.Place{Client: north, TimeZone: "Nowhere"}}.Decide, "invalid",
		"client", "name", "address.line1", "address.town", "address.postcode", "timeZone")
	moved := place
	moved.Address.Line1, moved.TimeZone, moved.Client = "2 High Street", "Europe/Dublin", north
	customer(t, created, client, location).then(people.ChangeLocation{Location: station, Address: &moved.Address, TimeZone: ptr("Europe/Dublin"),
		Client: &north}.Decide, people.LocationChanged{Customer: police, Location: station, Place: moved})
	customer(t, created, location).then(people.ChangeLocation{Location: station, Name: ptr("Station")}.Decide)
	customer(t, created).refused(people.ChangeLocation{Location: station, Name: ptr("Station")}.Decide, "not-found")
}

func atCustomer(c interface {
	Decide(people.Organisation) ([]people.Event, error)
}) func(people.Customer) ([]people.Event, error) {
	return func(s people.Customer) ([]people.Event, error) { return c.Decide(s.Organisation()) }
}

func atAgency(c interface {
	Decide(people.Organisation) ([]people.Event, error)
}) func(people.Agency) ([]people.Event, error) {
	return func(s people.Agency) ([]people.Event, error) { return c.Decide(s.Organisation()) }
}

func TestUsersOfACustomer(t *testing.T) {
	t.Parallel()
	sent := account
	sent.Customer = uuid.Nil // the stream says whose user it is
	customer(t, created).then(atCustomer(people.AddUser{User: rita, Account: sent}), people.UserAdded{User: rita, Account: account})
	customer(t, created, client).refused(atCustomer(people.AddUser{User: rita, Account: people.Account{Role: domain.Assigner, Email: "rita",
		Telephone: "none", Clients: []uuid.UUID{north, station}, Locations: []uuid.UUID{station}, Permissions: []domain.Permission{"create", "fly"},
		Interpreter: ada}}), "invalid",
		"name", "email", "telephone", "role", "clients[1]", "locations[0]", "permissions[1]", "interpreter")
	customer(t).refused(atCustomer(people.AddUser{User: rita, Account: account}), "not-found")

	added := people.UserAdded{User: rita, Account: account}
	changed := account
	changed.Permissions, changed.Name = []domain.Permission{"create", "financials"}, "Rita Marsh"
	customer(t, created, added).then(atCustomer(people.ChangeUser{User: rita, Name: ptr(" Rita Marsh "),
		Permissions: &[]domain.Permission{"create", "financials"}}), people.UserChanged{User: rita, Account: changed})
	customer(t, created, added).then(atCustomer(people.ChangeUser{User: rita, Clients: &[]uuid.UUID{}, Disabled: ptr(false)}))
	customer(t, created, added).refused(atCustomer(people.ChangeUser{User: rita, Role: ptr(domain.Admin)}), "invalid", "role")
	customer(t, created, added).refused(atCustomer(people.ChangeUser{User: ada, Name: ptr("x")}), "not-found")
}

func TestStaffAndTheLastAdmin(t *testing.T) {
	t.Parallel()
	here := []people.Event{people.DeploymentCreated{ID: police}}
	boss := people.UserAdded{User: ada, Account: people.Account{Key: ky, Name: "Ada", Email: "ada@agency.example", Role: domain.Admin}}
	agency(t, here...).then(atAgency(people.AddUser{User: ada, Account: boss.Account}), boss)
	agency(t).refused(atAgency(people.AddUser{User: ada, Account: boss.Account}), "not-found")
	agency(t, here...).refused(atAgency(people.AddUser{User: rita, Account: people.Account{Name: "R", Email: "r@a.example", Role: domain.Requestor}}),
		"invalid", "customer")
	agency(t, here...).refused(atAgency(people.AddUser{User: rita, Account: people.Account{Name: "R", Email: "r@a.example", Role: domain.System}}),
		"invalid", "role")
	agency(t, here...).refused(atAgency(people.AddUser{User: rita, Account: people.Account{Name: "R", Email: "r@a.example", Role: domain.Finance,
		Permissions: []domain.Permission{"create"}}}), "invalid", "permissions[0]")
	speaker := people.Account{Name: "Ana", Email: "ana@b.example", Role: domain.Interpreter, Interpreter: bert}
	agency(t, here...).refused(atAgency(people.AddUser{User: rita, Account: speaker}), "invalid", "interpreter")
	agency(t, here...).then(atAgency(people.AddUser{User: rita, Account: speaker, InterpreterKnown: true}), people.UserAdded{User: rita, Account: speaker})

	withBoss := append(slices.Clone(here), boss)
	for _, c := range []people.ChangeUser{{User: ada, Disabled: ptr(true)}, {User: ada, Role: ptr(domain.Finance)}} {
		agency(t, withBoss...).refused(atAgency(c), "last-admin")
	}
	agency(t, withBoss...).refused(atAgency(people.EraseUser{User: ada, Reason: "asked"}), "last-admin")
	mute := boss
	mute.Email = ""
	renamed := mute.Account
	renamed.Name = "Ada L"
	agency(t, append(slices.Clone(here), mute)...).then(atAgency(people.ChangeUser{User: ada, Name: ptr("Ada L")}), people.UserChanged{User: ada, Account: renamed})
	agency(t, withBoss...).refused(atAgency(people.ChangeUser{User: ada, Email: ptr("")}), "invalid", "email")
	second := people.UserAdded{User: bert, Account: people.Account{Key: key, Name: "Bert", Email: "bert@agency.example", Role: domain.Admin}}
	disabled := boss.Account
	disabled.Disabled = true
	agency(t, append(withBoss, second)...).then(atAgency(people.ChangeUser{User: ada, Disabled: ptr(true)}), people.UserChanged{User: ada, Account: disabled})
	agency(t, append(withBoss, second, people.PersonErased{Subject: bert})...).refused(atAgency(people.ChangeUser{User: ada, Disabled: ptr(true)}), "last-admin")
}

func TestErasure(t *testing.T) {
	t.Parallel()
	added := people.UserAdded{User: rita, Account: account}
	gone := people.PersonErased{Subject: rita, Keys: []uuid.UUID{key}, Reason: "asked"}
	customer(t, created, added).then(atCustomer(people.EraseUser{User: rita, Reason: "Asked"}), gone)
	customer(t, created, added).refused(atCustomer(people.EraseUser{User: rita}), "invalid", "reason")
	customer(t, created, added, gone).refused(atCustomer(people.ChangeUser{User: rita, Name: ptr("x")}), "erased")
	customer(t, created).refused(atCustomer(people.EraseUser{User: rita, Reason: "asked"}), "not-found")

	interpreter(t, registered).then(people.EraseInterpreter{Reason: "Jan Kowalski of 1 High Street asked for it"}.Decide,
		people.PersonErased{Subject: registered.Interpreter, Keys: []uuid.UUID{key}, Reason: "other"})
	erased := interpreter(t, registered, people.PersonErased{Subject: registered.Interpreter})
	erased.refused(people.ChangeInterpreter{Name: ptr("x")}.Decide, "erased")
	erased.refused(people.SuspendInterpreter{}.Decide, "erased")
	erased.refused(people.ReinstateInterpreter{}.Decide, "erased")
	interpreter(t).refused(people.EraseInterpreter{Reason: "asked"}.Decide, "not-found")
}

var profile = people.Profile{Key: key, LIN: "LIN/5455/5J71Y", Name: "Ana Nowak", Gender: "female", Languages: []string{"pl", "uk"},
	Skills: []string{"spoken-only"}, ServiceTypes: []string{}, Credentials: []people.Credential{{Kind: "vetting", Reference: "NPPV3", ValidFrom: "2015-01-01", ValidTo: "2099-12-31"}},
	PaitID: "P1", Telephone: "0161 496 0000", Email: "ana@mail.example"}

var registered = people.InterpreterRegistered{Interpreter: domain.InterpreterID("LIN/5455/5J71Y"), Profile: profile}

func TestLL40RegisterInterpreter(t *testing.T) {
	t.Parallel()
	sent := profile
	sent.Languages = []string{"pl", "uk", "pl"}
	interpreter(t).then(people.RegisterInterpreter{Profile: sent}.Decide, registered)
	unstated := registered
	unstated.Gender = "unstated"
	sent = profile
	sent.Gender = ""
	interpreter(t).then(people.RegisterInterpreter{Profile: sent}.Decide, unstated)

	other := profile
	other.Name = "Ben"
	interpreter(t, registered).refused(people.RegisterInterpreter{Profile: other}.Decide, "invalid", "lin")
	interpreter(t).refused(people.RegisterInterpreter{Profile: people.Profile{LIN: "LIN/1/2", Gender: "f", Languages: []string{"pl", "polish language"},
		Skills: []string{""}, Credentials: []people.Credential{{ValidFrom: "yesterday", ValidTo: "2026-01-01"}, {Kind: "dbs", ValidFrom: "2026-01-02", ValidTo: "2026-01-01"}},
		Telephone: "x", Email: "x"}}.Decide, "invalid",
		"lin", "name", "gender", "languages[1]", "skills[0]", "credentials[0].kind", "credentials[0].validFrom", "credentials[1].validTo", "telephone", "email")
	interpreter(t).refused(people.RegisterInterpreter{Profile: people.Profile{LIN: "LIN/5455/5J71Y", Name: "A", Gender: "other"}}.Decide, "invalid", "languages")
}

func TestChangeSuspendReinstate(t *testing.T) {
	t.Parallel()
	next := profile
	next.Languages, next.Email = []string{"ro"}, ""
	interpreter(t, registered).then(people.ChangeInterpreter{Languages: &[]string{"ro"}, Email: ptr("")}.Decide,
		people.InterpreterChanged{Interpreter: registered.Interpreter, Profile: next})
	interpreter(t, registered).then(people.ChangeInterpreter{Name: ptr("Ana Nowak")}.Decide)
	interpreter(t, registered).refused(people.ChangeInterpreter{Languages: &[]string{}, Gender: ptr("")}.Decide, "invalid", "gender", "languages")
	interpreter(t).refused(people.ChangeInterpreter{}.Decide, "not-found")

	suspended := people.InterpreterSuspended{Key: key, Interpreter: registered.Interpreter, Reason: "LL-130"}
	interpreter(t, registered).then(people.SuspendInterpreter{Reason: "LL-130"}.Decide, suspended)
	interpreter(t, registered).refused(people.SuspendInterpreter{Reason: strings.Repeat("x", 4001)}.Decide, "invalid", "reason")
	interpreter(t, registered, suspended).then(people.ReinstateInterpreter{}.Decide, people.InterpreterReinstated{Interpreter: registered.Interpreter})
	interpreter(t, registered).then(people.ReinstateInterpreter{}.Decide)
	interpreter(t).refused(people.SuspendInterpreter{}.Decide, "not-found")
}

func TestCredentialIsValidOnBothEnds(t *testing.T) {
	t.Parallel()
	c := people.Credential{ValidFrom: "2026-01-02", ValidTo: "2026-02-03"}
	for day, want := range map[string]bool{"2026-01-01": false, "2026-01-02": true, "2026-02-03": true, "2026-02-04": false} {
		if c.Valid(day) != want {
			t.Errorf("%s: %v", day, !want)
		}
	}
}

func TestLanguageCodes(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{"pl": true, "bfi": true, "zh-Hant": true, "pt-BR": true, "es-419": true, "de-CH-1996": true, "sr-Latn-RS": true,
		"en-x-police": true, "": false, "p": false, "polish": false, "pl_PL": false, "pl-": false, "12": false, "zh-Hant-": false} {
		if people.IsLanguage(s) != want {
			t.Errorf("IsLanguage(%q) is %v", s, !want)
		}
	}
}

func TestDefaultAgencyPassesItsOwnRules(t *testing.T) {
	t.Parallel()
	settings := people.DefaultAgency()
	wish := people.CreateDeployment{ID: police, Settings: settings}
	agency(t).then(wish.Decide, people.DeploymentCreated{ID: police}, people.AgencyChanged{Version: 1, Settings: settings})
	agency(t, people.DeploymentCreated{ID: police}).refused(people.CreateDeployment{ID: rita, Settings: settings}.Decide, "deployment-exists")

	if settings.CancelHours != 72 || settings.CancelInclusive {
		t.Error("LL-113: the window is not a strict 72 hours")
	}
	if settings.AutoAssign {
		t.Error("D-23: acceptance assigns by default")
	}
	for key, start := range map[string]string{
		people.TextIssuingOffers: "We are currently issuing job offers to interpreters and are working to get this job assigned as quickly as possible. You will be notified as soon as the job is assigned",
		people.TextAssignerOnIt:  "An assigner is currently working on this booking. You will be notified as soon as the job is assigned",
		people.TextNoLinguist:    "This job does not have a linguist assigned to it.",
	} {
		if !strings.HasPrefix(settings.Texts[key], start) {
			t.Errorf("LL-67, LL-72: text %s is %q", key, settings.Texts[key])
		}
	}
	tiers := map[string]string{}
	for _, l := range settings.Languages {
		tiers[l.Code] = l.Tier
	}
	for _, code := range []string{"pl", "uk", "ro", "ar", "bfi", "ur", "fr"} {
		if tiers[code] == "" {
			t.Errorf("%s is not supplied", code)
		}
	}
	if tiers["ach"] != "Rare" {
		t.Errorf("LL-73: Acholi is %q", tiers["ach"])
	}
	if len(settings.Languages) < 40 {
		t.Errorf("%d languages", len(settings.Languages))
	}
	for _, kind := range people.ReasonKinds {
		if len(settings.Reasons[kind]) == 0 {
			t.Errorf("no reasons to %s", kind)
		}
	}
}

func TestChangeAgency(t *testing.T) {
	t.Parallel()
	here := []people.Event{people.DeploymentCreated{ID: police}, people.AgencyChanged{Version: 1, Settings: people.DefaultAgency()}}
	next := people.DefaultAgency()
	next.CancelHours, next.Name = 48, "Lingua"
	agency(t, here...).then(people.ChangeAgency{CancelHours: ptr(48), Name: ptr("Lingua")}.Decide, people.AgencyChanged{Version: 2, Settings: next})
	agency(t, here...).then(people.ChangeAgency{CancelHours: ptr(72)}.Decide)
	agency(t, here...).refused(people.ChangeAgency{Name: ptr(""), TimeZone: ptr("x"), Currency: ptr("pound"), Contact: &people.Contact{Email: "x", Telephone: "x"},
		StatusLabels: &map[string]string{"lost": "Lost", "new": ""}, Languages: &[]people.Language{{Code: "pl", Name: "Polish"}, {Code: "PL"}},
		Reasons: &map[string][]people.Option{"why": nil, "cancel": {{Value: "a", Label: "A"}, {Value: "a", Label: "B"}}}, CancelHours: ptr(-1), OfferHours: ptr(9000)}.Decide,
		"invalid", "name", "timeZone", "currency", "contact.email", "contact.telephone", "statusLabels", "statusLabels.new", "languages[1].code",
		"languages[1].name", "reasons", "reasons.cancel[1].value", "cancelHours", "offerHours")
	agency(t).refused(people.ChangeAgency{}.Decide, "not-found")
}

func TestNumbering(t *testing.T) {
	t.Parallel()
	decide := func(c interface {
		Decide(people.Numbering) ([]people.Event, error)
	}, given ...people.Event) people.Event {
		t.Helper()
		got, err := c.Decide(numbering(t, given...).state())
		if err != nil || len(got) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		return got[0]
	}
	first := people.BlockDrawn{Series: "job", First: 1, Count: 100}
	if got := decide(people.DrawBlock{Series: "job"}); got != first {
		t.Errorf("first block %v", got)
	}
	if got := decide(people.DrawBlock{Series: "job"}, first); got != (people.BlockDrawn{Series: "job", First: 101, Count: 100}) {
		t.Errorf("second block %v", got)
	}
	set := people.NextSet{Series: "job", Next: 1389466, Epoch: 1}
	if got := decide(people.SetNext{Series: "job", Next: 1389466}, first); got != set {
		t.Errorf("set %v", got)
	}
	if got := decide(people.DrawBlock{Series: "job"}, first, set); got != (people.BlockDrawn{Series: "job", First: 1389466, Count: 100}) {
		t.Errorf("block after the set %v", got)
	}
	numbering(t, first).refused(people.SetNext{Series: "job", Next: 100}.Decide, "number-given")
	numbering(t, first).refused(people.SetNext{Series: "job", Next: 7, Free: 8}.Decide, "number-given")
	numbering(t, first).refused(people.SetNext{Series: "tickets", Next: 0}.Decide, "invalid", "series", "next")
	if got := decide(people.SetNext{Series: "job", Next: 8, Free: 8}, first); got != (people.NextSet{Series: "job", Next: 8, Epoch: 1}) {
		t.Errorf("set within the newest block %v", got)
	}
	numbering(t, first, set).refused(people.SetNext{Series: "job", Next: 8, Free: 8}.Decide, "number-given")

	claimed := people.NumberClaimed{Series: "invoice", Number: 1, For: rita}
	numbering(t).then(people.ClaimNumber{Series: "invoice", For: rita}.Decide, claimed)
	numbering(t, claimed).then(people.ClaimNumber{Series: "invoice", For: ada}.Decide, people.NumberClaimed{Series: "invoice", Number: 2, For: ada})
	numbering(t, claimed).refused(people.SetNext{Series: "invoice", Next: 100}.Decide, "number-given")
	if got := decide(people.SetNext{Series: "invoice", Next: 100}); got != (people.NextSet{Series: "invoice", Next: 100, Epoch: 1}) {
		t.Errorf("first invoice number %v", got)
	}
}

// Whatever is drawn and set, in whatever order, no two blocks that are in force overlap and no claimed number has a gap or a twin.
func TestNumbersAreNeverGivenTwice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var s people.Numbering
		given := map[int64]bool{}
		var next, end int64 // of the block at hand
		epoch := 0
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0: // give a number, as a process does: never from a block of an earlier epoch
				if next == end || epoch < s.Epoch {
					events, err := (people.DrawBlock{Series: "job"}).Decide(s)
					if err != nil {
						t.Fatal(err)
					}
					s = people.EvolveNumbering(s, events[0])
					block := events[0].(people.BlockDrawn)
					next, end, epoch = block.First, block.First+block.Count, s.Epoch
				}
				if given[next] {
					t.Fatalf("%d is given twice", next)
				}
				given[next] = true
				next++
			case 1:
				set := people.SetNext{Series: "job", Next: rapid.Int64Range(1, 400).Draw(t, "next")}
				if end == s.Next && next < end {
					set.Free, set.FreeEpoch = next, epoch
				}
				events, err := set.Decide(s)
				for n := range given {
					if n >= set.Next && err == nil {
						t.Fatalf("set to %d though %d is given", set.Next, n)
					}
				}
				if err == nil {
					s = people.EvolveNumbering(s, events[0])
				}
			case 2: // another process draws a block and dies
				events, _ := (people.DrawBlock{Series: "job"}).Decide(s)
				s = people.EvolveNumbering(s, events[0])
			}
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		var s people.Numbering
		for _, n := range rapid.SliceOfN(rapid.IntRange(1, 20), 1, 60).Draw(t, "invoices") {
			events, err := (people.ClaimNumber{Series: "invoice", For: uuid.UUID{byte(n)}}).Decide(s)
			if err != nil {
				t.Fatal(err)
			}
			before, had := s.Claims[uuid.UUID{byte(n)}]
			for _, e := range events {
				s = people.EvolveNumbering(s, e)
			}
			if had && s.Claims[uuid.UUID{byte(n)}] != before {
				t.Fatalf("the number of invoice %d changed", n)
			}
		}
		numbers := make([]int64, 0, len(s.Claims))
		for _, n := range s.Claims {
			numbers = append(numbers, n)
		}
		slices.Sort(numbers)
		for i, n := range numbers {
			if n != int64(i+1) {
				t.Fatalf("numbers %v have a gap or a twin", numbers)
			}
		}
	})
}

func TestClonesAreIndependent(t *testing.T) {
	t.Parallel()
	kept := customer(t, created, client, location).state()
	next := people.EvolveCustomer(kept.Clone(), people.ClientChanged{Client: north, Name: "South"})
	next = people.EvolveCustomer(next, people.UserAdded{User: rita, Account: account})
	if kept.Clients[north] != "North" || len(kept.Users) > 0 || next.Clients[north] != "South" {
		t.Error("a clone of a customer changes with it")
	}
	numbers := numbering(t, people.NumberClaimed{Number: 1, For: rita}).state()
	people.EvolveNumbering(numbers.Clone(), people.NumberClaimed{Number: 2, For: ada})
	if len(numbers.Claims) != 1 {
		t.Error("a clone of a series changes with it")
	}
	staff := agency(t, people.DeploymentCreated{ID: police}).state()
	people.EvolveAgency(staff.Clone(), people.UserAdded{User: rita, Account: account})
	if len(staff.Users) > 0 {
		t.Error("a clone of the agency changes with it")
	}
}

func TestAnUnknownEventIsOurBug(t *testing.T) {
	t.Parallel()
	for name, fold := range map[string]func(){
		"customer":    func() { people.EvolveCustomer(people.Customer{}, people.BlockDrawn{}) },
		"interpreter": func() { people.EvolveInterpreter(people.Interpreter{}, people.BlockDrawn{}) },
		"agency":      func() { people.EvolveAgency(people.Agency{}, people.BlockDrawn{}) },
		"numbering":   func() { people.EvolveNumbering(people.Numbering{}, people.CustomerCreated{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s folds an event of another stream", name)
				}
			}()
			fold()
		}()
	}
}
