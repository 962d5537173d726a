package booking

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/internal/recurrence"
)

// The people and places of the tests.
var (
	bookingID = domain.InterpreterID("booking")
	customer1 = domain.InterpreterID("customer")
	station   = domain.InterpreterID("station")
	dublin    = domain.InterpreterID("dublin")
	ana       = domain.InterpreterID("LIN/5455/5J71Y")
	ben       = domain.InterpreterID("LIN/5466/5J71X")
	eve       = domain.InterpreterID("LIN/0000/00000") // lacks everything
	document  = uuid.MustParse("00000000-0000-4000-8000-00000000d0c5")
	sam       = domain.InterpreterID("LIN/1111/11111") // suspended
	assigner  = domain.InterpreterID("assigner")
	key       = domain.InterpreterID("key")
	jobID     = newID("create")("job/0")
)

const jobRef = "DTP1389466"

func newID(command string) func(string) uuid.UUID {
	return func(name string) uuid.UUID { return uuid.NewSHA1(domain.Namespace, []byte(command+"/"+name)) }
}

// at is an instant, written as London's clock shows it.
func at(local string) time.Time {
	m, err := domain.ParseMoment(local, "Europe/London")
	if err != nil {
		panic(err)
	}
	return m.Instant
}

func london(local string) domain.Moment {
	m, err := domain.ParseMoment(local, "Europe/London")
	if err != nil {
		panic(err)
	}
	return m
}

func candidate(id uuid.UUID, lin string) Candidate {
	return Candidate{ID: id, Profile: people.Profile{
		LIN: lin, Languages: []string{"pl", "uk"}, Skills: []string{"spoken-only", "spoken-and-written", "sight-translation"},
		Credentials: []people.Credential{{Kind: "dpsi", ValidFrom: "2015-01-01", ValidTo: "2099-12-31"}},
	}}
}

// env is a world in which everything is in order.
func env(now string) Env {
	e := Env{
		Now: at(now), Actor: domain.Actor{Role: domain.Assigner, ID: assigner}, NewID: newID("command"),
		Form: forms.FaceToFace(), Terms: forms.TermsV1(),
		Agency:        people.AgencySettings{TimeZone: "Europe/London", CancelHours: 72, Languages: []people.Language{{Code: "pl", Tier: "standard"}, {Code: "uk"}, {Code: "kri", Tier: "rare"}}},
		AgencyVersion: 7, CustomerZone: "Europe/London",
		Candidates: map[uuid.UUID]Candidate{ana: candidate(ana, "LIN/5455/5J71Y"), ben: candidate(ben, "LIN/5466/5J71X")},
		Locations: map[uuid.UUID]people.Place{
			station: {Name: "Station", Address: people.PostalAddress{Line1: "1 Park St", Town: "Leeds", Postcode: "LS1 4AP"}},
			dublin:  {Name: "Dublin", TimeZone: "Europe/Dublin", Address: people.PostalAddress{Line1: "2 Quay", Town: "Dublin", Postcode: "D01"}},
		},
	}
	e.Candidates[eve] = Candidate{ID: eve, Profile: people.Profile{LIN: "LIN/0000/00000", ServiceTypes: []string{"remote"}}}
	s := candidate(sam, "LIN/1111/11111")
	s.Suspended = true
	e.Candidates[sam] = s
	e.Documents = map[uuid.UUID]bool{document: true}
	e.Days = recurrence.Days
	return e
}

func num(n int) *int { return &n }

func one(s string) []string { return []string{s} }

// contactFields are what every LiveLINK form requires.
func contactFields() map[string][]string {
	return map[string][]string{
		"requestingOfficer": one("Jo Bloggs"), "telephone": one("01130000000"), "officerInCase": one("Jo Bloggs"),
		"primaryEmail": one("jo@example.com"), "collarNumber": one("4711"), "officerPhone": one("01130000000"), "secondaryEmail": one("flo@example.com"),
	}
}

// booked is a complete and correct wish for 26 March 2020, 10:00, for an hour.
func booked() Create {
	fields := contactFields()
	for k, v := range map[string][]string{
		"offenceCategory": one("theft"), "assignmentType": one("interview"), "nonEnglishSpeaker": one("Jan Kowalski"), "reportTo": one("Reception"),
	} {
		fields[k] = v
	}
	return Create{
		Booking: bookingID, Key: key, Ref: "B1", JobRefs: one(jobRef), Customer: customer1, Location: station, Language: "pl",
		Start: "2020-03-26T10:00", Hours: num(1), Minutes: num(0), Fields: fields,
	}
}

// remote is the same on the remote form.
func remote() Create {
	c := booked()
	c.Location, c.BillTo = uuid.Nil, "HQ"
	c.Fields = contactFields()
	for k, v := range map[string][]string{
		"invoiceReference": one("INV 7"), "nonEnglishSpeaker": one("N/A"), "reasonForBooking": one("interview"), "platform": one("ms-teams"),
		"assignedNotes": one("Join at https://example.com/call/1"),
	} {
		c.Fields[k] = v
	}
	return c
}

// story is a stream as it grows by commands.
type story struct {
	t      *testing.T
	state  State
	events []Event
	facts  []Fact
}

func tell(t *testing.T) *story { return &story{t: t} }

// created is the story of a booked job, as of 24 March 2020, 15:46.
func created(t *testing.T) *story {
	t.Helper()
	e := env("2020-03-24T15:46")
	e.NewID = newID("create")
	return tell(t).does(booked(), e)
}

func (s *story) append(events []Event, now time.Time) {
	for _, ev := range events {
		f := Fact{Revision: uint64(len(s.events)), At: now, Actor: domain.Actor{Role: domain.Assigner, ID: assigner}}
		s.state = Evolve(s.state, ev, f)
		s.events, s.facts = append(s.events, ev), append(s.facts, f)
	}
}

// steps count the commands of a process, so that two of them never draw the same ids.
func (s *story) env(now string) Env {
	e := env(now)
	e.NewID = newID(fmt.Sprint("command/", len(s.events)))
	return e
}

// does sends a command that must be accepted and change something.
func (s *story) does(c Command, e Env) *story {
	s.t.Helper()
	d, err := c.Decide(s.state, e)
	if err != nil {
		s.t.Fatalf("%s: %v", c.Name(), explain(err))
	}
	if len(d.Events) == 0 {
		s.t.Fatalf("%s changed nothing", c.Name())
	}
	s.append(d.Events, e.Now)
	return s
}

// at sends a command in the usual world at that time.
func (s *story) at(now string, c Command) *story {
	s.t.Helper()
	return s.does(c, s.env(now))
}

func (s *story) job() Job { j, _ := s.state.Job(jobID); return j }

type tried struct {
	story *story
	c     Command
	e     Env
	d     Decision
	err   error
}

// when sends a command and keeps the answer.
func (s *story) when(now string, c Command, change ...func(*Env)) tried {
	e := s.env(now)
	for _, f := range change {
		f(&e)
	}
	d, err := c.Decide(s.state, e)
	return tried{s, c, e, d, err}
}

// then expects these events, and that the same command once more is no second fact.
func (r tried) then(want ...Event) tried {
	r.story.t.Helper()
	if r.err != nil {
		r.story.t.Fatalf("%s: %v", r.c.Name(), explain(r.err))
	}
	if diff := cmp.Diff(want, r.d.Events, plain); diff != "" {
		r.story.t.Fatalf("%s (-want +got):\n%s", r.c.Name(), diff)
	}
	after := r.story.state
	for i, e := range r.d.Events {
		after = Evolve(after, e, Fact{Revision: uint64(len(r.story.events) + i), At: r.e.Now})
	}
	if again, err := r.c.Decide(after, r.e); err == nil && len(again.Events) > 0 {
		r.story.t.Fatalf("%s again is a second fact: %v", r.c.Name(), again.Events)
	}
	return r
}

// nothing expects acceptance without a change.
func (r tried) nothing() {
	r.story.t.Helper()
	if r.err != nil || len(r.d.Events)+len(r.d.Reserve)+len(r.d.Release) > 0 {
		r.story.t.Fatalf("%s: want nothing, got %v, %v", r.c.Name(), r.d, explain(r.err))
	}
}

// refused expects a refusal with this code, at these places.
func (r tried) refused(code string, locations ...string) *domain.Refusal {
	r.story.t.Helper()
	var no *domain.Refusal
	if !errors.As(r.err, &no) {
		r.story.t.Fatalf("%s: want %s, got %v, %v", r.c.Name(), code, r.d.Events, r.err)
	}
	if no.Code != code {
		r.story.t.Fatalf("%s: want %s, got %s", r.c.Name(), code, explain(no))
	}
	var got []string
	for _, e := range no.Errors {
		got = append(got, e.Location)
	}
	slices.Sort(got)
	slices.Sort(locations)
	if len(locations) > 0 && !slices.Equal(got, locations) {
		r.story.t.Fatalf("%s: faults at %v, want %v", r.c.Name(), got, locations)
	}
	return no
}

// event is the only event of this kind in the decision.
func event[E Event](r tried) E {
	r.story.t.Helper()
	if r.err != nil {
		r.story.t.Fatalf("%s: %v", r.c.Name(), explain(r.err))
	}
	for _, e := range r.d.Events {
		if e, ok := e.(E); ok {
			return e
		}
	}
	var none E
	r.story.t.Fatalf("%s: no %T in %v", r.c.Name(), none, r.d.Events)
	return none
}

func explain(err error) string {
	if err == nil {
		return ""
	}
	b, _ := json.Marshal(err)
	return err.Error() + " " + string(b)
}

// plain compares what the tests compare: personal texts by their text, empty and missing alike.
var plain = cmp.Options{
	cmpopts.EquateEmpty(),
	cmpopts.IgnoreTypes([]domain.Because(nil)), // traces have tests of their own
	cmp.Comparer(func(a, b domain.Personal) bool { return a.Reveal() == b.Reveal() }),
	cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }),
}

func ids(list ...uuid.UUID) []uuid.UUID { return list }
