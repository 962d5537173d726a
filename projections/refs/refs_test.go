package refs_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections/projtest"
	"github.com/dragoman-booking/dragoman/projections/refs"
)

var (
	order    = uuid.MustParse("b0000000-0000-4000-8000-000000000001")
	first    = uuid.MustParse("b1000000-0000-4000-8000-000000000001")
	later    = uuid.MustParse("b1000000-0000-4000-8000-000000000002")
	customer = uuid.MustParse("c0000000-0000-4000-8000-000000000001")
	client   = uuid.MustParse("c1000000-0000-4000-8000-000000000001")
	place    = uuid.MustParse("c2000000-0000-4000-8000-000000000001")
	user     = uuid.MustParse("a0000000-0000-4000-8000-000000000001")
	staff    = uuid.MustParse("a0000000-0000-4000-8000-000000000002")
)

func fill(log *projtest.Log) eventschema.Position {
	log.Append(eventschema.Agency, people.UserAdded{User: staff})
	log.Append(eventschema.CustomerStream(customer),
		people.CustomerCreated{Customer: customer, Name: "Police"},
		people.ClientAdded{Customer: customer, Client: client, Name: "Custody"},
		people.LocationAdded{Customer: customer, Location: place},
		people.UserAdded{User: user, Account: people.Account{Customer: customer}})
	return log.Append(eventschema.BookingStream(order),
		booking.Created{Booking: order, Ref: "BK1", Customer: customer, Jobs: []booking.NewJob{{ID: first, Ref: "DTP1"}}},
		booking.JobAdded{Job: booking.NewJob{ID: later, Ref: "DTP2"}, From: first})
}

func TestReferencesLeadToTheirStreams(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	at := fill(log)
	b := projtest.Start(t, log, refs.Projector{})
	q := refs.Queries{Models: b.Models}
	if err := projtest.Patiently(func() error { return q.Reach(t.Context(), at) }); err != nil {
		t.Fatal(err)
	}
	for ref, job := range map[string]uuid.UUID{"DTP1": first, "DTP2": later} {
		gotBooking, gotJob, known, err := q.Resolve(t.Context(), ref)
		if err != nil || !known || gotBooking != order || gotJob != job {
			t.Errorf("%s leads to %v %v %v %v", ref, gotBooking, gotJob, known, err)
		}
	}
	if _, _, known, err := q.Resolve(t.Context(), "DTP3"); known || err != nil {
		t.Errorf("an unknown job: %v %v", known, err)
	}
	for id, want := range map[uuid.UUID]uuid.UUID{client: customer, place: customer, user: customer, staff: uuid.Nil} {
		if got, known, err := q.Owner(t.Context(), id); got != want || !known || err != nil {
			t.Errorf("%v belongs to %v %v %v, not %v", id, got, known, err, want)
		}
	}
	if _, known, err := q.Owner(t.Context(), order); known || err != nil {
		t.Errorf("an unknown id: %v %v", known, err)
	}
}

// TestCommandsLeadToTheirStreams: of the commands whose stream follows from what was sent, not of those on a booking's jobs.
func TestCommandsLeadToTheirStreams(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	want := map[uuid.UUID]string{}
	var at eventschema.Position
	append := func(leads bool, stream string, events ...any) {
		command := uuid.New()
		for _, e := range events {
			at = log.AppendRecorded(stream, eventschema.Recorded{Event: e, Meta: eventschema.Meta{CommandID: command}})
		}
		want[command] = ""
		if leads {
			want[command] = stream
		}
	}
	append(true, eventschema.CustomerStream(customer), people.CustomerCreated{Customer: customer, Name: "Police"}, people.ClientAdded{Customer: customer, Client: client})
	append(true, eventschema.Agency, people.UserAdded{User: staff})
	append(true, eventschema.InterpreterStream(user), people.InterpreterReinstated{Interpreter: user})
	append(true, eventschema.NumberingStream("job"), people.BlockDrawn{})
	append(false, eventschema.BookingStream(order), booking.Created{Booking: order, Ref: "BK1", Jobs: []booking.NewJob{{ID: first, Ref: "DTP1"}}})
	append(true, eventschema.BookingStream(order), booking.PersonErased{})
	b := projtest.Start(t, log, refs.Projector{})
	q := refs.Queries{Models: b.Models}
	if err := projtest.Patiently(func() error { return q.Reach(t.Context(), at) }); err != nil {
		t.Fatal(err)
	}
	for command, stream := range want {
		got, known, err := q.CommandStream(t.Context(), command)
		if err != nil || known != (stream != "") || got != stream {
			t.Errorf("a command of %q leads to %q, %v (%v)", stream, got, known, err)
		}
	}
}

// However far the read model is when the question comes, what is in the log by then is found.
func TestFindWaitsForTheLogsEnd(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	b := projtest.Start(t, log, refs.Projector{})
	q := refs.Queries{Models: b.Models, Newest: log.Newest}
	fill(log)
	for ref, want := range map[string]bool{"DTP1": true, "DTP2": true, "DTP3": false} {
		var gotBooking uuid.UUID
		var known bool
		err := projtest.Patiently(func() (err error) {
			gotBooking, _, known, err = q.Find(t.Context(), ref)
			return err
		})
		if known != want || err != nil || known && gotBooking != order {
			t.Errorf("%s is known: %v, in %v (%v)", ref, known, gotBooking, err)
		}
	}
}

func TestSameRowsHoweverTheLogIsCut(t *testing.T) {
	t.Parallel()
	var dumps []string
	for _, size := range []int{1, 2, 1000} {
		log := projtest.NewLog(size)
		b := projtest.Start(t, log, refs.Projector{})
		b.Await(t, fill(log), refs.Name)
		dumps = append(dumps, b.Dump(t, refs.Name))
	}
	for i, d := range dumps {
		if d != dumps[0] {
			t.Errorf("cut %d differs:\n%s", i, cmp.Diff(dumps[0], d))
		}
	}
}
