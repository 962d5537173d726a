package people

import (
	"fmt"
	"maps"

	"github.com/google/uuid"
)

// Customer is the fold of a customer's stream. The zero Customer does not exist.
type Customer struct {
	ID        uuid.UUID
	Name      string
	TimeZone  string
	Settings  CustomerSettings
	Clients   map[uuid.UUID]string
	Locations map[uuid.UUID]Place
	Users     map[uuid.UUID]User
	Revisions Revisions
}

// Revisions are the numbers of the last events that touched each of the things whose stream this is: the customer, its clients, locations
// and users, or the agency's users.
type Revisions map[uuid.UUID]uint64

// Touched notes that event e has this number. It changes r; a nil r becomes a map.
func (r Revisions) Touched(e Event, number uint64) Revisions {
	if r == nil {
		r = Revisions{}
	}
	r[Touches(e)] = number
	return r
}

// Touches is the thing that an event is about: whose revision becomes the event's number. The nil id stands for the agency and its settings.
func Touches(e Event) uuid.UUID {
	switch e := e.(type) {
	case CustomerCreated:
		return e.Customer
	case CustomerChanged:
		return e.Customer
	case ClientAdded:
		return e.Client
	case ClientChanged:
		return e.Client
	case LocationAdded:
		return e.Location
	case LocationChanged:
		return e.Location
	case UserAdded:
		return e.User
	case UserChanged:
		return e.User
	case InterpreterRegistered:
		return e.Interpreter
	case InterpreterChanged:
		return e.Interpreter
	case InterpreterSuspended:
		return e.Interpreter
	case InterpreterReinstated:
		return e.Interpreter
	case AvailabilitySet:
		return e.Interpreter
	case PersonErased:
		return e.Subject
	case DeploymentCreated, AgencyChanged, BlockDrawn, NextSet, NumberClaimed, PostcodesImported:
		return uuid.Nil
	default:
		panic(fmt.Sprintf("people.Touches: no case for %T", e)) // our bug, not bad data
	}
}

// User is an account, and whether its person was erased: then it can never sign in or be changed again.
type User struct {
	Account
	Erased bool
}

// Exists tells whether the customer was created.
func (s Customer) Exists() bool { return s.ID != uuid.Nil }

// Clone shares no map with s.
func (s Customer) Clone() Customer {
	s.Clients, s.Locations, s.Users, s.Revisions = maps.Clone(s.Clients), maps.Clone(s.Locations), maps.Clone(s.Users), maps.Clone(s.Revisions)
	return s
}

// EvolveCustomer returns the state after e. It never refuses.
func EvolveCustomer(s Customer, e Event) Customer {
	switch e := e.(type) {
	case CustomerCreated:
		s = Customer{ID: e.Customer, Name: e.Name, TimeZone: e.TimeZone, Settings: e.Settings,
			Clients: map[uuid.UUID]string{}, Locations: map[uuid.UUID]Place{}, Users: map[uuid.UUID]User{}}
	case CustomerChanged:
		s.Name, s.TimeZone, s.Settings = e.Name, e.TimeZone, e.Settings
	case ClientAdded:
		s.Clients[e.Client] = e.Name
	case ClientChanged:
		s.Clients[e.Client] = e.Name
	case LocationAdded:
		s.Locations[e.Location] = e.Place
	case LocationChanged:
		s.Locations[e.Location] = e.Place
	case UserAdded, UserChanged, PersonErased:
		evolveUsers(s.Users, e)
	default:
		panic(fmt.Sprintf("people.EvolveCustomer: no case for %T", e)) // our bug, not bad data
	}
	return s
}

func evolveUsers(users map[uuid.UUID]User, e Event) {
	switch e := e.(type) {
	case UserAdded:
		users[e.User] = User{Account: e.Account}
	case UserChanged:
		users[e.User] = User{Account: e.Account}
	case PersonErased:
		u := users[e.Subject]
		u.Erased, u.Disabled = true, true
		users[e.Subject] = u
	}
}

// Interpreter is the fold of an interpreter's stream. The zero Interpreter does not exist.
type Interpreter struct {
	ID        uuid.UUID
	Profile   Profile
	Suspended bool
	Erased    bool
	// Availability is the interpreter's own word. It has a revision of its own, so that whoever edits the profile does not collide with it.
	Availability         Availability
	Revision             uint64 // of the last event but those about availability; 0: not known
	AvailabilityRevision uint64 // 0: never said
}

// Exists tells whether the interpreter was registered.
func (s Interpreter) Exists() bool { return s.ID != uuid.Nil }

// EvolveInterpreter returns the state after e. It never refuses.
func EvolveInterpreter(s Interpreter, e Event) Interpreter {
	switch e := e.(type) {
	case InterpreterRegistered:
		s = Interpreter{ID: e.Interpreter, Profile: e.Profile}
	case InterpreterChanged:
		s.Profile = e.Profile
	case InterpreterSuspended:
		s.Suspended = true
	case InterpreterReinstated:
		s.Suspended = false
	case AvailabilitySet:
		s.Availability = e.Availability
	case PersonErased:
		s.Erased = true
		s.Availability = s.Availability.erased()
	default:
		panic(fmt.Sprintf("people.EvolveInterpreter: no case for %T", e))
	}
	return s
}

// Touched notes the number of an event that was folded.
func (s Interpreter) Touched(e Event, number uint64) Interpreter {
	if _, own := e.(AvailabilitySet); own {
		s.AvailabilityRevision = number
	} else {
		s.Revision = number
	}
	return s
}

// Agency is the fold of the agency's stream: settings, staff, and interpreters' accounts.
type Agency struct {
	Deployment uuid.UUID
	Demo       bool
	Version    int // of the settings
	Settings   AgencySettings
	Users      map[uuid.UUID]User
	Revisions  Revisions
}

// Clone shares no map with s.
func (s Agency) Clone() Agency {
	s.Users, s.Revisions = maps.Clone(s.Users), maps.Clone(s.Revisions)
	return s
}

// EvolveAgency returns the state after e. It never refuses.
func EvolveAgency(s Agency, e Event) Agency {
	switch e := e.(type) {
	case DeploymentCreated:
		s = Agency{Deployment: e.ID, Demo: e.Demo, Users: map[uuid.UUID]User{}}
	case AgencyChanged:
		s.Version, s.Settings = e.Version, e.Settings
	case UserAdded, UserChanged, PersonErased:
		evolveUsers(s.Users, e)
	default:
		panic(fmt.Sprintf("people.EvolveAgency: no case for %T", e))
	}
	return s
}

// Numbering is the fold of a number series.
type Numbering struct {
	Next   int64 // the first number that nobody has drawn or claimed; 0: nothing happened yet
	Epoch  int   // how often an admin has set it: blocks drawn in an earlier epoch are void
	Claims map[uuid.UUID]int64
}

// Clone shares no map with s.
func (s Numbering) Clone() Numbering {
	s.Claims = maps.Clone(s.Claims)
	return s
}

// EvolveNumbering returns the state after e. It never refuses.
func EvolveNumbering(s Numbering, e Event) Numbering {
	switch e := e.(type) {
	case BlockDrawn:
		s.Next = e.First + e.Count
	case NextSet:
		s.Next, s.Epoch = e.Next, e.Epoch
	case NumberClaimed:
		if s.Claims == nil {
			s.Claims = map[uuid.UUID]int64{}
		}
		s.Claims[e.For], s.Next = e.Number, e.Number+1
	default:
		panic(fmt.Sprintf("people.EvolveNumbering: no case for %T", e))
	}
	return s
}
