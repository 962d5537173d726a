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

// interpreterState is an interpreter as offers, assignments and changes of the profile see one.
type interpreterState struct {
	ID        uuid.UUID
	Profile   people.Profile
	Suspended bool
	Erased    bool
}

func (s interpreterState) after(e eventschema.Recorded) interpreterState {
	switch e := e.Event.(type) {
	case people.InterpreterRegistered:
		s.ID, s.Profile = e.Interpreter, e.Profile
	case people.InterpreterChanged:
		s.Profile = e.Profile
	case people.InterpreterSuspended:
		s.Suspended = true
	case people.InterpreterReinstated:
		s.Suspended = false
	case people.PersonErased:
		s.Erased = true
	default:
		panic(unexpected("interpreter", e))
	}
	return s
}

// customerState is an organisation with its clients, locations and users.
type customerState struct {
	ID        uuid.UUID
	Name      string
	TimeZone  string
	Settings  people.CustomerSettings
	Clients   map[uuid.UUID]string
	Locations map[uuid.UUID]people.Place
	Users     map[uuid.UUID]user
}

// user is a user's account, and whether that person was erased.
type user struct {
	people.Account
	Erased bool
}

func (s customerState) after(e eventschema.Recorded) customerState {
	switch e := e.Event.(type) {
	case people.CustomerCreated:
		s.ID, s.Name, s.TimeZone, s.Settings = e.Customer, e.Name, e.TimeZone, e.Settings
		s.Clients, s.Locations, s.Users = map[uuid.UUID]string{}, map[uuid.UUID]people.Place{}, map[uuid.UUID]user{}
	case people.CustomerChanged:
		s.Name, s.TimeZone, s.Settings = e.Name, e.TimeZone, e.Settings
	case people.ClientAdded:
		s.Clients[e.Client] = e.Name
	case people.ClientChanged:
		s.Clients[e.Client] = e.Name
	case people.LocationAdded:
		s.Locations[e.Location] = e.Place
	case people.LocationChanged:
		s.Locations[e.Location] = e.Place
	case people.UserAdded:
		s.Users[e.User] = user{Account: e.Account}
	case people.UserChanged:
		s.Users[e.User] = user{Account: e.Account}
	case people.PersonErased:
		s.Users[e.Subject] = erasedUser(s.Users[e.Subject])
	default:
		panic(unexpected("customer", e))
	}
	return s
}

func (s customerState) clone() customerState {
	s.Clients, s.Locations, s.Users = maps.Clone(s.Clients), maps.Clone(s.Locations), maps.Clone(s.Users)
	return s
}

// agencyState is the agency with its own users.
type agencyState struct {
	Deployment uuid.UUID
	Demo       bool
	Version    int
	Settings   people.AgencySettings
	Users      map[uuid.UUID]user
}

func (s agencyState) after(e eventschema.Recorded) agencyState {
	switch e := e.Event.(type) {
	case people.DeploymentCreated:
		s.Deployment, s.Demo, s.Users = e.ID, e.Demo, map[uuid.UUID]user{}
	case people.AgencyChanged:
		s.Version, s.Settings = e.Version, e.Settings
	case people.UserAdded:
		s.Users[e.User] = user{Account: e.Account}
	case people.UserChanged:
		s.Users[e.User] = user{Account: e.Account}
	case people.PersonErased:
		s.Users[e.Subject] = erasedUser(s.Users[e.Subject])
	default:
		panic(unexpected("agency", e))
	}
	return s
}

func (s agencyState) clone() agencyState {
	s.Users = maps.Clone(s.Users)
	return s
}

func erasedUser(u user) user {
	u.Erased, u.Disabled = true, true
	return u
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

// numberingState is where a series of numbers stands.
type numberingState struct {
	Next   int64 // the first number that nobody has drawn
	Epoch  int   // how often an admin has set it: blocks drawn in an earlier epoch are void
	Claims map[uuid.UUID]int64
}

func (s numberingState) after(e eventschema.Recorded) numberingState {
	switch e := e.Event.(type) {
	case people.BlockDrawn:
		s.Next = e.First + e.Count
	case people.NextSet:
		s.Next, s.Epoch = e.Next, e.Epoch
	case people.NumberClaimed:
		if s.Claims == nil {
			s.Claims = map[uuid.UUID]int64{}
		}
		s.Claims[e.For] = e.Number
		s.Next = e.Number + 1
	default:
		panic(unexpected("numbering", e))
	}
	return s
}

func (s numberingState) clone() numberingState {
	s.Claims = maps.Clone(s.Claims)
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
