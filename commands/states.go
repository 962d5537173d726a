package commands

import (
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain/billing"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// What commands need to know of the streams beside bookings and diaries. Their folds change maps in place; streams.clone copies them before
// anybody else could hold them.

// evolveWith makes a fold of a domain's Evolve: the codec lets no other kind's event through, so another type is our bug.
func evolveWith[S, E any](evolve func(S, E) S) func(S, eventschema.Recorded) S {
	return func(s S, e eventschema.Recorded) S {
		event, ok := e.Event.(E)
		if !ok {
			panic(unexpected(eventschema.KindOf(e.Stream), e.Event))
		}
		return evolve(s, event)
	}
}

// formState is every version of one booking form, oldest first.
type formState struct{ Versions []forms.Form }

func (s formState) after(e eventschema.Recorded) formState {
	defined, ok := e.Event.(forms.Defined)
	if !ok {
		panic(unexpected("form", e.Event))
	}
	return formState{slices.Concat(s.Versions, []forms.Form{defined.Form})}
}

func (s formState) newest() (forms.Form, bool) {
	if len(s.Versions) == 0 {
		return forms.Form{}, false
	}
	return s.Versions[len(s.Versions)-1], true
}

func (s formState) version(n int) (forms.Form, bool) {
	for _, f := range s.Versions {
		if f.Version == n {
			return f, true
		}
	}
	return forms.Form{}, false
}

// termsState is every version of one contract's terms, oldest first.
type termsState struct{ Versions []forms.Terms }

func (s termsState) after(e eventschema.Recorded) termsState {
	defined, ok := e.Event.(forms.TermsDefined)
	if !ok {
		panic(unexpected("terms", e.Event))
	}
	return termsState{slices.Concat(s.Versions, []forms.Terms{defined.Terms})}
}

func (s termsState) newest() (forms.Terms, bool) {
	if len(s.Versions) == 0 {
		return forms.Terms{}, false
	}
	return s.Versions[len(s.Versions)-1], true
}

// billingState is which of a customer's jobs stand on which invoice.
type billingState struct {
	Billed   map[uuid.UUID]uuid.UUID // job → invoice
	Invoices map[uuid.UUID]billing.Issued
}

func (s billingState) after(e eventschema.Recorded) billingState {
	if s.Billed == nil {
		s.Billed, s.Invoices = map[uuid.UUID]uuid.UUID{}, map[uuid.UUID]billing.Issued{}
	}
	switch e := e.Event.(type) {
	case billing.Issued:
		s.Invoices[e.Invoice] = e
		for _, l := range e.Lines {
			s.Billed[l.Job] = e.Invoice
		}
	default:
		panic(unexpected("billing", e))
	}
	return s
}

func (s billingState) clone() billingState {
	s.Billed, s.Invoices = maps.Clone(s.Billed), maps.Clone(s.Invoices)
	return s
}

// erases tells whether an event says that keys are gone, so that what was read before reads differently now.
func erases(event any) bool {
	switch event.(type) {
	case booking.PersonErased, people.PersonErased:
		return true
	}
	return false
}
