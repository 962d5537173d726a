package refs_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
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
	worker   = domain.InterpreterID("LIN/5455/5J71Y")
)

func fill(log *projtest.Log) {
	log.Append(eventschema.CustomerStream(customer),
		people.CustomerCreated{Customer: customer, Name: "Police"},
		people.ClientAdded{Customer: customer, Client: client, Name: "Custody"},
		people.LocationAdded{Customer: customer, Location: place},
		people.UserAdded{User: user})
	log.Append(eventschema.InterpreterStream(worker), people.InterpreterRegistered{Interpreter: worker})
	log.Append(eventschema.BookingStream(order),
		booking.Created{Booking: order, Ref: "BK1", Customer: customer, Jobs: []booking.NewJob{{ID: first, Ref: "DTP1"}}})
}

func TestResolve(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	fill(log)
	b := projtest.Start(t, log, refs.Projector{})
	q := refs.Queries{Models: b.Models, Newest: log.Newest}

	// What was in the log when the question came is found, however far the read model was then.
	log.Append(eventschema.BookingStream(order), booking.JobAdded{Job: booking.NewJob{ID: later, Ref: "DTP2"}, From: first})
	for ref, job := range map[string]uuid.UUID{"DTP1": first, "DTP2": later} {
		gotBooking, gotJob, ok, err := q.Resolve(t.Context(), ref)
		if err != nil || !ok || gotBooking != order || gotJob != job {
			t.Errorf("%s leads to %v %v %v %v", ref, gotBooking, gotJob, ok, err)
		}
	}
	if _, _, ok, err := q.Resolve(t.Context(), "DTP3"); ok || err != nil {
		t.Errorf("an unknown job: %v %v", ok, err)
	}

	if got, ok, err := q.Booking(t.Context(), "BK1"); got != order || !ok || err != nil {
		t.Errorf("booking: %v %v %v", got, ok, err)
	}
	if got, ok, err := q.CustomerOfBooking(t.Context(), order); got != customer || !ok || err != nil {
		t.Errorf("customer of booking: %v %v %v", got, ok, err)
	}
	if got, ok, err := q.CustomerOfClient(t.Context(), client); got != customer || !ok || err != nil {
		t.Errorf("customer of client: %v %v %v", got, ok, err)
	}
	if _, ok, err := q.CustomerOfClient(t.Context(), place); ok || err != nil {
		t.Errorf("a location is taken for a client: %v", err)
	}
	if got, ok, err := q.CustomerOfLocation(t.Context(), place); got != customer || !ok || err != nil {
		t.Errorf("customer of location: %v %v %v", got, ok, err)
	}
	if ok, err := q.IsCustomer(t.Context(), customer); !ok || err != nil {
		t.Errorf("customer: %v %v", ok, err)
	}
	if ok, err := q.IsCustomer(t.Context(), worker); ok || err != nil {
		t.Errorf("an interpreter is taken for a customer: %v", err)
	}
	if ok, err := q.IsInterpreter(t.Context(), worker); !ok || err != nil {
		t.Errorf("interpreter: %v %v", ok, err)
	}
	if got, ok, err := q.StreamOfUser(t.Context(), user); got != eventschema.CustomerStream(customer) || !ok || err != nil {
		t.Errorf("stream of user: %v %v %v", got, ok, err)
	}
}

func TestSameRowsHoweverTheyCome(t *testing.T) {
	t.Parallel()
	var dumps []string
	for _, size := range []int{1, 2, 1000} {
		log := projtest.NewLog(size)
		fill(log)
		at := log.Append(eventschema.BookingStream(order), booking.JobAdded{Job: booking.NewJob{ID: later, Ref: "DTP2"}, From: first})
		b := projtest.Start(t, log, refs.Projector{})
		b.Await(t, at, refs.Name)
		dumps = append(dumps, b.Dump(t, refs.Name))
	}
	for i, d := range dumps {
		if d != dumps[0] {
			t.Errorf("cut %d differs:\n%s", i, cmp.Diff(dumps[0], d))
		}
	}
}
