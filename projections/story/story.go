// Package story makes logs for the tests of read models: lives of bookings told by the domain's own deciders, by hand or at random, and the
// properties that every read model of bookings must have.
package story

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/recurrence"
)

// Zone is where everything happens unless said otherwise.
const Zone = "Europe/London"

// Who and what there is in every story.
var (
	Police    = id("police")
	Hospital  = id("hospital")
	North     = id("north") // clients of the police
	South     = id("south")
	Station   = id("station") // location of North
	Court     = id("court")   // location of South
	Ward      = id("ward")    // location of the hospital
	Rita      = id("rita")    // requestor of the police
	Nora      = id("nora")    // requestor of the police, narrowed to North
	Omar      = id("omar")    // requestor of the hospital
	Sam       = id("sam")     // assigner
	Fay       = id("fay")     // finance
	Ana       = domain.InterpreterID(LINAna)
	Ben       = domain.InterpreterID(LINBen)
	Cleo      = domain.InterpreterID(LINCleo)
	languages = []people.Language{{Code: "pl", Name: "Polish", Tier: "Standard"}, {Code: "uk", Name: "Ukrainian"}, {Code: "kri", Name: "Krio", Tier: "Rare"}}
)

// LINs of the interpreters.
const (
	LINAna  = "LIN/5455/5J71Y"
	LINBen  = "LIN/5466/5J71X"
	LINCleo = "LIN/5477/5J71Z"
)

func id(name string) uuid.UUID { return uuid.NewSHA1(domain.Namespace, []byte("story/"+name)) }

// KeyOf is the personal-data key of one of the people above.
func KeyOf(person uuid.UUID) uuid.UUID { return uuid.NewSHA1(person, []byte("key")) }

// At is an instant as London's clock shows it, such as 2020-03-24T15:46.
func At(local string) time.Time { return Moment(local).Instant }

// Moment is the same as a moment.
func Moment(local string) domain.Moment {
	m, err := domain.ParseMoment(local, Zone)
	if err != nil {
		panic(err) // a test's own constant
	}
	return m
}

// Told is a log as it is told.
type Told struct {
	Page eventschema.Page

	revisions map[string]uint64
	states    map[uuid.UUID]booking.State
	commands  int
	jobs      int
	Closing   string // who closes alone, as people.CustomerSettings.Closing says
	Begins    string // the status in which jobs begin, as forms.Form.Initial says; empty: as the built-in forms have it
}

// Tell begins a story with everyone and everything in place.
func Tell() *Told {
	t := &Told{revisions: map[string]uint64{}, states: map[uuid.UUID]booking.State{}}
	t.people()
	return t
}

// Add appends events to a stream.
func (t *Told) Add(stream string, at time.Time, actor domain.Actor, events ...any) {
	for _, e := range events {
		n := uint64(len(t.Page) + 1)
		revision := t.revisions[stream]
		t.revisions[stream]++
		r := eventschema.Recorded{Event: e}
		r.Stream, r.Revision = stream, revision
		r.Position = eventschema.Position{Commit: 100 * n, Prepare: 100*n - 1}
		r.ID = uuid.NewSHA1(domain.Namespace, fmt.Appendf(nil, "%s/%d", stream, revision))
		r.Type = fmt.Sprintf("%T", e)
		r.Meta = eventschema.Meta{Actor: actor, At: at.UTC(), RecordedAt: at.UTC()}
		t.Page = append(t.Page, r)
	}
}

func (t *Told) people() {
	admin := domain.Actor{Role: domain.Admin, ID: id("admin")}
	at := At("2020-01-01T09:00")
	account := func(who uuid.UUID, name string, role domain.Role) people.Account {
		return people.Account{Key: KeyOf(who), Name: domain.Personal(name), Email: domain.Personal(name + "@example.com"), Role: role}
	}
	t.Add(eventschema.Agency, at, admin,
		people.DeploymentCreated{ID: id("deployment")},
		people.AgencyChanged{Version: 1, Settings: people.AgencySettings{Name: "Lingua", TimeZone: Zone, Currency: "GBP", CancelHours: 72, Languages: languages}},
		people.UserAdded{User: Sam, Account: account(Sam, "Sam", domain.Assigner)},
		people.UserAdded{User: Fay, Account: account(Fay, "Fay", domain.Finance)})
	for _, form := range forms.BuiltIn() {
		t.Add(eventschema.FormStream(form.ID), at, admin, forms.Defined{Form: form})
	}
	t.Add(eventschema.TermsStream(forms.DefaultTermsID), at, admin, forms.TermsDefined{Terms: forms.TermsV1()})
	rita, nora, omar := account(Rita, "Rita", domain.Requestor), account(Nora, "Nora", domain.Requestor), account(Omar, "Omar", domain.Requestor)
	rita.Customer, nora.Customer, omar.Customer = Police, Police, Hospital
	nora.Clients = []uuid.UUID{North}
	t.Add(eventschema.CustomerStream(Police), at, admin,
		people.CustomerCreated{Customer: Police, Name: "Police", TimeZone: Zone},
		people.ClientAdded{Customer: Police, Client: North, Name: "North"},
		people.ClientAdded{Customer: Police, Client: South, Name: "South"},
		people.LocationAdded{Customer: Police, Location: Station, Place: Places[Station]},
		people.LocationAdded{Customer: Police, Location: Court, Place: Places[Court]},
		people.UserAdded{User: Rita, Account: rita},
		people.UserAdded{User: Nora, Account: nora})
	t.Add(eventschema.CustomerStream(Hospital), at, admin,
		people.CustomerCreated{Customer: Hospital, Name: "Hospital", TimeZone: Zone},
		people.LocationAdded{Customer: Hospital, Location: Ward, Place: Places[Ward]},
		people.UserAdded{User: Omar, Account: omar})
	for _, c := range candidates {
		t.Add(eventschema.InterpreterStream(c.ID), at, admin, people.InterpreterRegistered{Interpreter: c.ID, Profile: c.Profile})
	}
}

// Places are the customers' locations.
var Places = map[uuid.UUID]people.Place{
	Station: {Client: North, Name: "Station", Address: people.PostalAddress{Line1: "1 Park St", Town: "Leeds", Postcode: "LS1 4AP"}},
	Court:   {Client: South, Name: "Court", Address: people.PostalAddress{Line1: "9 Hill Rd", Line2: "Back door", Town: "York", Postcode: "YO1 7HH"}},
	Ward:    {Name: "Ward", Address: people.PostalAddress{Line1: "2 Well Ln", Town: "Leeds", Postcode: "LS2 9JT"}},
}

var candidates = map[uuid.UUID]booking.Candidate{
	Ana: candidate(Ana, LINAna, "Ana Nowak"), Ben: candidate(Ben, LINBen, "Ben Melnyk"), Cleo: candidate(Cleo, LINCleo, "Cleo Koroma"),
}

func candidate(who uuid.UUID, lin, name string) booking.Candidate {
	return booking.Candidate{ID: who, Profile: people.Profile{
		Key: KeyOf(who), LIN: lin, Name: domain.Personal(name), Gender: "female", Languages: []string{"pl", "uk", "kri"},
		Skills: []string{"spoken-only", "spoken-and-written", "sight-translation"}, PaitID: "PAIT-1", Telephone: "07700900000",
		Credentials: []people.Credential{{Kind: "nppv3", Reference: "V1", ValidFrom: "2015-01-01", ValidTo: "2099-12-31"}},
	}}
}

// Actors.
var (
	Requestor = domain.Actor{Role: domain.Requestor, ID: Rita}
	Assigner  = domain.Actor{Role: domain.Assigner, ID: Sam}
)

// Env is a world in which everything is in order.
func (t *Told) Env(now time.Time, actor domain.Actor, form forms.Form) booking.Env {
	t.commands++
	n := t.commands
	return booking.Env{
		Now: now, Actor: actor, Form: form, Terms: forms.TermsV1(),
		NewID: func(name string) uuid.UUID {
			return uuid.NewSHA1(domain.Namespace, fmt.Appendf(nil, "story/%d/%s", n, name))
		},
		Agency: people.AgencySettings{TimeZone: Zone, Currency: "GBP", CancelHours: 72, Languages: languages, OfferHours: 24,
			AutoOffer: true, Waves: []people.Wave{{Size: 2, WaitMinutes: 1, ExpireMinutes: 90}}},
		AgencyVersion: 1, Customer: people.CustomerSettings{Closing: t.Closing}, CustomerZone: Zone,
		Candidates: candidates, Locations: Places, Clients: map[uuid.UUID]string{North: "North", South: "South"},
		Days: recurrence.Days,
	}
}

// Wish is a complete and correct booking: for an hour, on the face-to-face form, at the station.
func (t *Told) Wish(start string) booking.Create {
	one := func(s string) []string { return []string{s} }
	zero, hour := 0, 1
	t.jobs++
	return booking.Create{
		Booking: id(fmt.Sprint("booking/", t.jobs)), Key: id(fmt.Sprint("key/", t.jobs)), Ref: fmt.Sprint("B", t.jobs),
		JobRefs: one(fmt.Sprint("DTP", 1000+t.jobs)), Customer: Police, Location: Station, Language: "pl", Start: start, Hours: &hour, Minutes: &zero,
		Fields: map[string][]string{
			"requestingOfficer": one("Jo Bloggs"), "telephone": one("01130000000"), "officerInCase": one("Jo Bloggs"),
			"primaryEmail": one("jo@example.com"), "collarNumber": one("4711"), "officerPhone": one("01130000000"), "secondaryEmail": one("flo@example.com"),
			"offenceCategory": one("theft"), "assignmentType": one("interview"), "nonEnglishSpeaker": one("Jan Kowalski"), "reportTo": one("Reception"),
			"agencyNotes": one("Ask for Jo"), "assignedNotes": one("Bring the file"), "jobNotes": one("A short interview"), "yourReference": one("REF 77"),
		},
	}
}

// RemoteWish is the same on the remote form.
func (t *Told) RemoteWish(start string) booking.Create {
	c := t.Wish(start)
	c.JobRefs[0] = "DTM" + c.JobRefs[0][3:]
	c.Location, c.BillTo = uuid.Nil, "HQ"
	for _, key := range []string{"offenceCategory", "assignmentType", "reportTo", "jobNotes"} {
		delete(c.Fields, key)
	}
	c.Fields["invoiceReference"], c.Fields["reasonForBooking"], c.Fields["platform"] = []string{"INV 7"}, []string{"interview"}, []string{"ms-teams"}
	c.Fields["assignedNotes"] = []string{"Join at https://example.com/call/1"}
	return c
}

// Book creates a booking and answers with its first job.
func (t *Told) Book(at time.Time, actor domain.Actor, c booking.Create) booking.Job {
	form := forms.FaceToFace()
	if c.Location == uuid.Nil && c.Address == nil {
		form = forms.Remote()
	}
	if t.Begins != "" {
		form.Initial = t.Begins
	}
	if err := t.do(c.Booking, at, actor, form, c); err != nil {
		panic(fmt.Sprintf("story: book: %v", explain(err)))
	}
	return t.states[c.Booking].Jobs[0]
}

// Do sends a command that must be accepted. The job's booking is found by itself.
func (t *Told) Do(at time.Time, actor domain.Actor, job uuid.UUID, c booking.Command) {
	if err := t.Try(at, actor, job, c); err != nil {
		panic(fmt.Sprintf("story: %s: %v", c.Name(), explain(err)))
	}
}

// Try sends a command that may be refused.
func (t *Told) Try(at time.Time, actor domain.Actor, job uuid.UUID, c booking.Command) error {
	for of, s := range t.states {
		if _, ok := s.Job(job); ok {
			form := forms.FaceToFace()
			if s.Form == forms.RemoteID {
				form = forms.Remote()
			}
			return t.do(of, at, actor, form, c)
		}
	}
	return fmt.Errorf("no such job %s", job)
}

func (t *Told) do(of uuid.UUID, at time.Time, actor domain.Actor, form forms.Form, c booking.Command) error {
	d, err := c.Decide(t.states[of], t.Env(at, actor, form))
	if err != nil {
		return err
	}
	for _, e := range d.Events {
		s := t.states[of]
		stream := eventschema.BookingStream(of)
		t.states[of] = booking.Evolve(s, e, booking.Fact{Revision: t.revisions[stream], At: at, Actor: actor})
		t.Add(stream, at, actor, e)
	}
	return nil
}

// Job is a job as it stands.
func (t *Told) Job(job uuid.UUID) booking.Job {
	for _, s := range t.states {
		if j, ok := s.Job(job); ok {
			return j
		}
	}
	panic("story: no such job")
}

// State is a booking as it stands.
func (t *Told) State(of uuid.UUID) booking.State { return t.states[of] }

func explain(err error) string {
	var no *domain.Refusal
	if errors.As(err, &no) {
		return fmt.Sprintf("%s %+v", no.Error(), no.Errors)
	}
	return err.Error()
}

// As is a viewer in these stories.
func As(who uuid.UUID, now time.Time, permissions ...domain.Permission) access.Viewer {
	v := access.Viewer{User: who, Zone: Zone, Now: now, Permissions: permissions}
	switch who {
	case Rita, Nora:
		v.Role, v.Customer = domain.Requestor, Police
		if who == Nora {
			v.Clients = []uuid.UUID{North}
		}
	case Omar:
		v.Role, v.Customer = domain.Requestor, Hospital
	case Sam:
		v.Role = domain.Assigner
	case Fay:
		v.Role = domain.Finance
	case Ana:
		v.Role, v.Interpreter, v.LIN = domain.Interpreter, Ana, LINAna
	case Ben:
		v.Role, v.Interpreter, v.LIN = domain.Interpreter, Ben, LINBen
	case Cleo:
		v.Role, v.Interpreter, v.LIN = domain.Interpreter, Cleo, LINCleo
	}
	return v
}

// InRole is a viewer of the agency in any of its roles.
func InRole(role domain.Role, now time.Time) access.Viewer {
	return access.Viewer{User: id(string(role)), Role: role, Zone: Zone, Now: now}
}

// Bookings are all bookings as they stand.
func (t *Told) Bookings() (all []booking.State) {
	for _, s := range t.states {
		all = append(all, s)
	}
	return all
}
