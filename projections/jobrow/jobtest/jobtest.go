// Package jobtest is a story of bookings, told event by event, for tests of the read models about jobs; and the test that every such read
// model comes out the same however the story reaches it.
package jobtest

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/billing"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/projtest"
)

// ID is a made-up id of one kind.
func ID(kind, n byte) uuid.UUID { return uuid.UUID{kind, 6: 0x40, 8: 0x80, 15: n} }

// Who and what the story is about.
var (
	Police, Courts          = ID(0xc0, 1), ID(0xc0, 2)
	Custody, CID            = ID(0xc1, 1), ID(0xc1, 2)
	Station, Yard           = ID(0xc2, 1), ID(0xc2, 2)
	Rita, Rob, Cora, Olga   = ID(0xa0, 1), ID(0xa0, 2), ID(0xa0, 3), ID(0xa0, 4) // Olga is the courts'
	Sam                     = ID(0xa0, 5)
	Ana, Ben                = booking.Offered{Interpreter: domain.InterpreterID(anaLIN), LIN: anaLIN}, booking.Offered{Interpreter: domain.InterpreterID(benLIN), LIN: benLIN}
	RitaKey, SamKey, CaseOf = ID(0xee, 1), ID(0xee, 5), ID(0xee, 9) // CaseOf is the key of the first booking
)

const anaLIN, benLIN = "LIN/5455/5J71Y", "LIN/5466/5J71X"

// Viewers of every kind, at Clock, in Europe/London.
var (
	Clock     = time.Date(2020, 3, 24, 9, 0, 0, 0, time.UTC)
	Assigner  = staff(domain.Assigner)
	Finance   = staff(domain.Finance)
	Admin     = staff(domain.Admin)
	Guard     = staff(domain.Safeguarding)
	Auditor   = staff(domain.Auditor)
	Analyst   = staff(domain.Analyst)
	Guest     = access.Viewer{Role: domain.Guest, Now: Clock, Zone: "Europe/London"}
	Requestor = customer(Rita, domain.Requestor, Police)
	Narrow    = narrowed(Rob, nil, []uuid.UUID{Yard}) // another place than the story's
	Detective = narrowed(Rob, []uuid.UUID{CID}, nil)  // another client
	Warden    = narrowed(Rob, []uuid.UUID{Custody}, []uuid.UUID{Station})
	Chief     = customer(Cora, domain.CustomerAdmin, Police)
	Foreign   = customer(Olga, domain.Requestor, Courts)
	Worker    = interpreter(Ana.Interpreter)
	Other     = interpreter(Ben.Interpreter)
	Nobody    = interpreter(ID(0xa9, 1))
)

func staff(role domain.Role) access.Viewer {
	return access.Viewer{User: Sam, Name: "Sam", Role: role, Now: Clock, Zone: "Europe/London"}
}

func customer(user uuid.UUID, role domain.Role, of uuid.UUID, permissions ...domain.Permission) access.Viewer {
	return access.Viewer{User: user, Role: role, Customer: of, Permissions: permissions, Now: Clock, Zone: "Europe/London"}
}

func narrowed(user uuid.UUID, clients, locations []uuid.UUID) access.Viewer {
	v := customer(user, domain.Requestor, Police)
	v.Clients, v.Locations = clients, locations
	return v
}

func interpreter(id uuid.UUID) access.Viewer {
	return access.Viewer{User: ID(0xa8, id[0]), Role: domain.Interpreter, Interpreter: id, Now: Clock, Zone: "Europe/London"}
}

// With gives a viewer permissions.
func With(v access.Viewer, permissions ...domain.Permission) access.Viewer {
	v.Permissions = permissions
	return v
}

// When moves a viewer's clock.
func When(v access.Viewer, now time.Time) access.Viewer {
	v.Now = now
	return v
}

// Local is a moment in Europe/London.
func Local(s string) domain.Moment {
	m, err := domain.ParseMoment(s, "Europe/London")
	if err != nil {
		panic(err) // a test's own constant
	}
	return m
}

// Writer tells the story: every event at At, by Actor.
type Writer struct {
	Log   *projtest.Log
	At    time.Time
	Actor domain.Actor
}

// NewWriter writes at Clock, as Rita.
func NewWriter(log *projtest.Log) *Writer {
	return &Writer{Log: log, At: Clock, Actor: domain.Actor{Role: domain.Requestor, ID: Rita}}
}

// As goes on as someone else.
func (w *Writer) As(role domain.Role, id uuid.UUID) *Writer {
	w.Actor = domain.Actor{Role: role, ID: id}
	return w
}

// After lets time pass.
func (w *Writer) After(d time.Duration) *Writer {
	w.At = w.At.Add(d)
	return w
}

// Append writes to a stream.
func (w *Writer) Append(stream string, events ...any) (at eventschema.Position) {
	for _, e := range events {
		at = w.Log.AppendRecorded(stream, eventschema.Recorded{Event: e, Meta: eventschema.Meta{At: w.At, Actor: w.Actor}})
	}
	return at
}

// On writes to a booking.
func (w *Writer) On(b byte, events ...booking.Event) (at eventschema.Position) {
	for _, e := range events {
		at = w.Append(eventschema.BookingStream(Booking(b)), e)
	}
	return at
}

// Booking and Job are ids of the story's bookings and jobs; Ref is the reference of such a job.
func Booking(n byte) uuid.UUID { return ID(0xb0, n) }
func Job(n byte) uuid.UUID     { return ID(0xb1, n) }
func Ref(n byte) string        { return "DTP10000" + string('0'+n/10) + string('0'+n%10) }

// Wanted is a job that starts then, local time, and lasts so long.
func Wanted(n byte, start string, minutes int) booking.NewJob {
	return booking.NewJob{ID: Job(n), Ref: Ref(n), Schedule: booking.Schedule{Start: Local(start), Minutes: minutes}}
}

// Book is a booking of the police's custody suite for Polish, face to face at the station.
func Book(n byte, tier string, jobs ...booking.NewJob) booking.Created {
	return booking.Created{Booking: Booking(n), Ref: "BK" + string('0'+n), Key: ID(0xee, 8+n), Customer: Police, Form: "face-to-face", FormVersion: 1,
		Status: domain.New, Jobs: jobs, Policy: booking.Policy{ResponseTier: tier}, Shared: booking.Details{
			Client: Custody, Location: Station, Language: "pl", ServiceType: forms.ServiceFaceToFace,
			Address: &booking.Address{Line1: "1 High St", Town: "Leeds", Postcode: "LS1 1AA", Outward: "LS1"}, BillTo: "Police HQ"}}
}

// Offer is an offer to an interpreter; without an instant it stands until it is answered.
func Offer(to booking.Offered, expires *time.Time) booking.Offer {
	return booking.Offer{Interpreter: to.Interpreter, LIN: to.LIN, Language: "pl", Schedule: booking.Schedule{Start: Local("2020-03-26T10:00"), Minutes: 60},
		Fee: domain.Money{Minor: 2800, Currency: "GBP"}, TermsVersion: 1, ExpiresAt: expires}
}

// Accept is an acceptance.
func Accept(job byte, by booking.Offered) booking.OfferAccepted {
	return booking.OfferAccepted{Job: Job(job), Offered: by}
}

// Assign is an assignment.
func Assign(job byte, to booking.Offered) booking.Assigned {
	return booking.Assigned{Job: Job(job), Offered: to, Reservation: ID(0xd0, job)}
}

// Submit is a timesheet of one block on the 26th of March 2020.
func Submit(job byte, worked int, incidentals ...booking.Incidental) booking.TimesheetSubmitted {
	start := Local("2020-03-26T10:00")
	return booking.TimesheetSubmitted{Key: CaseOf, Job: Job(job), Side: booking.CustomerSide, Worked: worked, Incidentals: incidentals,
		Blocks: []booking.Block{{Start: start, End: start.Add(time.Duration(worked) * time.Minute)}}}
}

// Settle is the other side's acceptance of the hours.
func Settle(job byte, worked int) booking.TimesheetAccepted {
	return booking.TimesheetAccepted{Job: Job(job), Side: booking.InterpreterSide, Worked: worked, Outcome: domain.Success}
}

// People writes who there is: the agency, two customers with their users, two interpreters, and the terms.
func People(w *Writer) eventschema.Position {
	user := func(id, key uuid.UUID, name domain.Personal, role domain.Role, of uuid.UUID) people.UserAdded {
		return people.UserAdded{User: id, Account: people.Account{Key: key, Name: name, Role: role, Customer: of}}
	}
	w.Append(eventschema.Agency, people.DeploymentCreated{ID: projtest.Deployment}, people.AgencyChanged{Version: 1, Settings: people.AgencySettings{
		TimeZone: "Europe/London", Languages: []people.Language{{Code: "pl", Name: "Polish"}, {Code: "uk", Name: "Ukrainian"}}}},
		user(Sam, SamKey, "Sam", domain.Assigner, uuid.Nil))
	w.Append(eventschema.CustomerStream(Police), people.CustomerCreated{Customer: Police, Name: "Police", TimeZone: "Europe/London"},
		people.ClientAdded{Customer: Police, Client: Custody, Name: "Custody"}, people.ClientAdded{Customer: Police, Client: CID, Name: "CID"},
		user(Rita, RitaKey, "Rita", domain.Requestor, Police), user(Rob, ID(0xee, 2), "Rob", domain.Requestor, Police), user(Cora, ID(0xee, 3), "Cora", domain.CustomerAdmin, Police))
	w.Append(eventschema.CustomerStream(Courts), people.CustomerCreated{Customer: Courts, Name: "Courts", TimeZone: "Europe/London"},
		user(Olga, ID(0xee, 4), "Olga", domain.Requestor, Courts))
	return w.Append(eventschema.TermsStream(forms.DefaultTermsID), forms.TermsDefined{Terms: forms.TermsV1()})
}

// Tell writes a story in which every kind of event about a job occurs.
func Tell(w *Writer) eventschema.Position {
	People(w)
	soon, later := w.At.Add(20*time.Minute), w.At.Add(3*time.Hour)

	// A booking of two, offered, one accepted, assigned, moved by an edit, unassigned, assigned again, disputed, settled, erased.
	w.On(1, Book(1, booking.Over24Hours, Wanted(1, "2020-03-27T10:00", 60), Wanted(2, "2020-03-28T10:00", 90)))
	w.After(time.Minute).As(domain.Assigner, Sam)
	w.On(1, booking.Taken{Job: Job(1), By: Sam}, booking.OfferSent{Job: Job(1), Offers: []booking.Offer{Offer(Ana, &soon), Offer(Ben, &later)}},
		booking.MessagePosted{Key: CaseOf, Job: Job(1), ID: ID(0xf0, 1), Text: "We are looking."})
	w.After(time.Minute).As(domain.Requestor, Rita)
	w.On(1, booking.MessagePosted{Key: CaseOf, Job: Job(1), ID: ID(0xf0, 2), Text: "Thank you."})
	w.After(time.Minute).As(domain.Interpreter, Ana.Interpreter)
	w.On(1, Accept(1, Ana), booking.OfferDeclined{Job: Job(1), Offered: Ben, Reason: "too far"})
	w.After(time.Minute).As(domain.Assigner, Sam)
	w.On(1, Assign(1, Ana), booking.Released{Job: Job(1), By: Sam},
		booking.ContactLogged{Key: CaseOf, Job: Job(1), ID: ID(0xf1, 1), Kind: booking.ContactCall, Text: "Told them.", NextUpdateMinutes: 45})
	moved, place, start := booking.Schedule{Start: Local("2020-03-26T09:30"), Minutes: 75}, uuid.Nil, Local("2020-03-26T10:15")
	w.On(1, booking.Edited{Key: CaseOf, Scope: booking.ScopeAll, Shared: &booking.Change{Location: &place}, Jobs: []booking.JobChange{
		{Job: Job(1), Own: &booking.Change{Schedule: &moved}}, {Job: Job(2)}}},
		booking.Unassigned{Key: CaseOf, Job: Job(1), Offered: Ana, Reason: "ill"},
		booking.OfferSent{Job: Job(1), Offers: []booking.Offer{Offer(Ben, &soon)}}, booking.OfferLapsed{Job: Job(1), Offered: Ben},
		booking.OfferAccepted{Job: Job(1), Offered: Ana, WithoutOffer: true}, booking.HoldEnded{Job: Job(1), Offered: Ana},
		booking.OfferSent{Job: Job(1), Offers: []booking.Offer{Offer(Ben, &soon)}},
		booking.CounterOfferMade{Key: CaseOf, Job: Job(1), Offered: Ben, Fee: &domain.Money{Minor: 12000, Currency: "GBP"}, Reason: "far"},
		booking.CounterOfferAnswered{Job: Job(1), Offered: Ben}, booking.CounterOfferMade{Key: CaseOf, Job: Job(1), Offered: Ben, ProposedStart: &start},
		booking.CounterOfferAnswered{Job: Job(1), Offered: Ben, Accepted: true, ProposedStart: &start},
		Assign(1, Ben), booking.ReservationVoided{Job: Job(1), Reservation: ID(0xd0, 99)})
	w.After(48 * time.Hour)
	w.On(1, Submit(1, 60), booking.TimesheetDisputed{Key: CaseOf, Job: Job(1), Side: booking.InterpreterSide, Reason: "longer"},
		Submit(1, 75, booking.Incidental{Kind: forms.Mileage, Quantity: 1250, Note: "by car"}), Settle(1, 75))

	// Its second job: an ETA proposed, declined, changed, agreed; closed as a client no-show, continued in a third.
	w.On(1, Assign(2, Ana), booking.EtaProposed{Job: Job(2), ETA: Local("2020-03-28T11:00")}, booking.EtaDeclined{Job: Job(2), ETA: Local("2020-03-28T11:00")},
		booking.EtaChanged{Key: CaseOf, Job: Job(2), ETA: Local("2020-03-28T12:00"), AgreedBy: "DC Marsh"},
		booking.EtaAgreed{Job: Job(2), ETA: Local("2020-03-28T13:00")})
	w.After(48 * time.Hour)
	third := Wanted(3, "2020-03-28T18:00", 30)
	third.Differs = &booking.Details{Language: "uk", Client: CID}
	w.On(1, booking.Closed{Key: CaseOf, Job: Job(2), From: domain.Assigned, Outcome: domain.ClientNoShow},
		booking.JobAdded{Key: CaseOf, Job: third, From: Job(2), Why: booking.WhyContinuation, Status: domain.New}, booking.Continued{Job: Job(2), In: Job(3), Ref: Ref(3)},
		Assign(3, Ana), Submit(3, 30))

	// The courts' booking: an urgent one, whose language is changed with the offer revoked and sent again, then cancelled.
	w.As(domain.Requestor, Olga)
	courts := Book(2, booking.Within3Hours, Wanted(4, "2020-03-28T11:00", 45))
	courts.Customer, courts.Shared = Courts, booking.Details{Language: "pl", ServiceType: forms.ServiceRemote}
	w.On(2, courts)
	expires := w.At.Add(time.Hour)
	resent := Offer(Ben, &expires)
	w.As(domain.Assigner, Sam).On(2, booking.OfferSent{Job: Job(4), Offers: []booking.Offer{Offer(Ben, &soon), Offer(Ana, nil)}}, booking.OfferRevoked{Job: Job(4), Offered: Ana},
		booking.Edited{Scope: booking.ScopeThis, Jobs: []booking.JobChange{{Job: Job(4), Own: &booking.Change{Language: ptr("uk")}, Revoked: []booking.Offered{Ben}, Resent: []booking.Offer{resent}}}},
		booking.ContactLogged{Key: ID(0xee, 10), Job: Job(4), ID: ID(0xf1, 2), Kind: booking.ContactUpdate, Text: "Still looking."},
		booking.MessagePosted{Key: ID(0xee, 10), Job: Job(4), ID: ID(0xf0, 3), Text: "An update follows."})
	next := w.At.Add(time.Hour)
	w.As(domain.System, uuid.Nil).On(2, booking.WaveSent{Jobs: []uuid.UUID{Job(4)}, Number: 1, Row: people.Wave{Size: 2, WaitMinutes: 60}, Left: 1, Next: &next},
		booking.OfferSent{Job: Job(4), Offers: []booking.Offer{Offer(Ana, &soon)}, Wave: 1, Policy: 1},
		booking.JobFlagged{Jobs: []uuid.UUID{Job(4)}, Flag: booking.FlagNoCandidates, Wave: 2, Helps: []booking.Help{{Wish: "remote", More: 3}}})
	w.As(domain.Assigner, Sam)
	w.After(time.Minute).On(2, booking.Cancelled{Key: ID(0xee, 10), Scope: booking.ScopeThis, Jobs: []booking.CancelledJob{{Job: Job(4), From: domain.New, Closed: []booking.Offered{Ben}}}})

	// A day later: one that nobody has yet, new terms, an invoice for the first job, and the first booking's people erased, and Rita.
	w.After(24*time.Hour).As(domain.Requestor, Rob)
	w.On(3, Book(3, booking.Within24Hours, Wanted(5, "2020-03-30T08:00", 120)))
	terms := forms.TermsV1()
	terms.Version, terms.Hourly = 2, map[string]domain.Money{forms.ServiceFaceToFace: {Minor: 6000, Currency: "GBP"}}
	w.Append(eventschema.TermsStream(forms.DefaultTermsID), forms.TermsDefined{Terms: terms})
	w.As(domain.Assigner, Sam).On(3, Assign(5, Ana), booking.Closed{Key: ID(0xee, 11), Job: Job(5), From: domain.Assigned, Outcome: domain.Curtailed, Worked: 20,
		Incidentals: []booking.Incidental{{Kind: forms.Parking, Amount: &domain.Money{Minor: 350, Currency: "GBP"}}}})
	w.Append(eventschema.BillingStream(Police), billing.Issued{Customer: Police, Invoice: ID(0xf5, 1), Number: 1, Ref: "INV1", IssuedOn: "2020-03-31",
		DueOn: "2020-04-30", At: w.At, Total: domain.Money{Minor: 6000, Currency: "GBP"}, Lines: []billing.Line{{Job: Job(1), Ref: Ref(1), Booking: Booking(1),
			Revision: 20, Events: []uuid.UUID{ID(0xf6, 1)}, TermsVersion: 1, Kind: "time", Quantity: 75, UnitPrice: domain.Money{Minor: 4800, Currency: "GBP"},
			Amount: domain.Money{Minor: 6000, Currency: "GBP"}}}})
	w.On(1, booking.PersonErased{Keys: []uuid.UUID{CaseOf}, Reason: "subject-request"})
	return w.Append(eventschema.CustomerStream(Police), people.PersonErased{Subject: Rita, Keys: []uuid.UUID{RitaKey}, Reason: "asked"})
}

func ptr[T any](v T) *T { return &v }

// SameRows shows that a read model comes out the same however the story is cut into pages, when it is rebuilt, and when the log is read
// after the erased people's keys are gone.
func SameRows(t *testing.T, p projections.Projector) {
	t.Helper()
	var first string
	check := func(how, dump string) {
		t.Helper()
		if first == "" {
			first = dump
		} else if diff := cmp.Diff(first, dump); diff != "" {
			t.Errorf("%s gives other rows (-one by one +%[1]s):\n%s", how, diff)
		}
	}
	for _, c := range []struct {
		how  string
		size int
	}{{"one by one", 1}, {"in twos", 2}, {"in threes", 3}, {"in sevens", 7}, {"at once", 1000}} {
		log := projtest.NewLog(c.size)
		at := Tell(NewWriter(log))
		b := projtest.Start(t, log, p)
		b.Await(t, at, p.Name())
		check(c.how, b.Dump(t, p.Name()))
		if c.size == 7 {
			if err := b.Runner.Rebuild(t.Context(), p.Name(), nil); err != nil {
				t.Fatalf("rebuild: %v", err)
			}
			check("rebuilt", b.Dump(t, p.Name()))
			if v, err := b.Runner.Verify(t.Context(), p.Name()); err != nil || len(v.Differences) > 0 || v.Rows == 0 {
				t.Errorf("verify: %+v %v", v, err)
			}
		}
	}
	told := projtest.NewLog(0)
	Tell(NewWriter(told))
	erased := projtest.NewLog(0)
	var at eventschema.Position
	for _, e := range told.Events() {
		e.Event = Erased(e.Event, CaseOf, RitaKey)
		at = erased.AppendRecorded(e.Stream, e)
	}
	b := projtest.Start(t, erased, p)
	b.Await(t, at, p.Name())
	check("read after the erasure", b.Dump(t, p.Name()))
	if strings.TrimSpace(first) == "" {
		t.Error("there are no rows at all")
	}
}

// Erased is an event as it reads once these keys are gone: sealed texts say so, what was left out when empty stays empty.
func Erased(event any, keys ...uuid.UUID) any {
	v := reflect.New(reflect.TypeOf(event)).Elem()
	v.Set(reflect.ValueOf(event))
	key := v.FieldByName("Key")
	if key.IsValid() && slices.Contains(keys, key.Interface().(uuid.UUID)) {
		blank(v, false)
	}
	return v.Interface()
}

func blank(v reflect.Value, mayBeAbsent bool) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[domain.Personal]() && (v.String() != "" || !mayBeAbsent) {
			v.SetString(domain.Erased)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			fresh := reflect.New(v.Type().Elem())
			fresh.Elem().Set(v.Elem())
			blank(fresh.Elem(), false)
			v.Set(fresh)
		}
	case reflect.Slice:
		fresh := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(fresh, v)
		for i := range fresh.Len() {
			blank(fresh.Index(i), false)
		}
		if !v.IsNil() {
			v.Set(fresh)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.IsExported() {
				blank(v.Field(i), strings.Contains(f.Tag.Get("json"), ",omitempty"))
			}
		}
	}
}
