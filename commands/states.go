package commands

import (
	"fmt"

	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// evolveWith makes a fold of a domain's Evolve. The codec lets no other kind's event through, so another type is our bug.
func evolveWith[S, E any](evolve func(S, E) S) func(S, eventschema.Recorded) S {
	return func(s S, e eventschema.Recorded) S { return evolve(s, eventOf[E](e)) }
}

func evolveBooking(s booking.State, e eventschema.Recorded) booking.State {
	return booking.Evolve(s, eventOf[booking.Event](e), booking.Fact{Revision: e.Revision, At: e.Meta.At, Actor: e.Meta.Actor})
}

func evolveInterpreter(s people.Interpreter, e eventschema.Recorded) people.Interpreter {
	event := eventOf[people.Event](e)
	return people.EvolveInterpreter(s, event).Touched(event, e.Revision)
}

func evolveCustomer(s people.Customer, e eventschema.Recorded) people.Customer {
	event := eventOf[people.Event](e)
	s = people.EvolveCustomer(s, event)
	s.Revisions = s.Revisions.Touched(event, e.Revision)
	return s
}

func evolveAgency(s people.Agency, e eventschema.Recorded) people.Agency {
	event := eventOf[people.Event](e)
	s = people.EvolveAgency(s, event)
	s.Revisions = s.Revisions.Touched(event, e.Revision)
	return s
}

func eventOf[E any](e eventschema.Recorded) E {
	event, ok := e.Event.(E)
	if !ok {
		panic(fmt.Sprintf("commands: stream %s holds %T", e.Stream, e.Event))
	}
	return event
}

// erases tells whether an event says that keys are gone, so that what was read before reads differently now.
func erases(event any) bool {
	switch event.(type) {
	case booking.PersonErased, people.PersonErased:
		return true
	}
	return false
}
