package people

import (
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// Event is a fact about the agency, a customer, an interpreter, or the numbers they draw.
type Event interface{ isEvent() }

// DeploymentCreated is the first event of the agency's stream: it names the deployment that this log belongs to.
type DeploymentCreated struct {
	ID   uuid.UUID `json:"id"`
	Demo bool      `json:"demo,omitempty"` // made by the demo: its logins may be used
}

// AgencyChanged sets agency settings; nil means untouched. Version counts the changes.
type AgencyChanged struct {
	Version  int            `json:"version"`
	Settings AgencySettings `json:"settings"`
}

// CustomerCreated: an organisation that books.
type CustomerCreated struct {
	Customer uuid.UUID        `json:"customer"`
	Name     string           `json:"name"` // an organisation's, not a person's
	TimeZone string           `json:"timeZone"`
	Settings CustomerSettings `json:"settings"`
}

// CustomerChanged carries the whole new state of name, zone and settings.
type CustomerChanged struct {
	Customer uuid.UUID        `json:"customer"`
	Name     string           `json:"name"`
	TimeZone string           `json:"timeZone"`
	Settings CustomerSettings `json:"settings"`
}

// ClientAdded and ClientChanged: a customer's sub-unit.
type (
	ClientAdded struct {
		Customer uuid.UUID `json:"customer"`
		Client   uuid.UUID `json:"client"`
		Name     string    `json:"name"`
	}
	ClientChanged struct {
		Customer uuid.UUID `json:"customer"`
		Client   uuid.UUID `json:"client"`
		Name     string    `json:"name"`
	}
)

// Place is a location's whole state.
type Place struct {
	Client   uuid.UUID     `json:"client,omitzero"`
	Name     string        `json:"name"`
	Address  PostalAddress `json:"address"`
	TimeZone string        `json:"timeZone,omitempty"` // empty: the customer's
	Nation   string        `json:"nation,omitempty"`   // whose bank holidays are kept there; empty: the customer's
	// Coordinates are where it lies; zero: not known, and looked up by the postcode.
	Coordinates domain.Coordinates `json:"coordinates,omitzero"`
}

// PostalAddress is an organisation's address; a person's is sealed with the booking.
type PostalAddress struct {
	Line1    string `json:"line1"`
	Line2    string `json:"line2,omitempty"`
	Town     string `json:"town"`
	Postcode string `json:"postcode"`
}

// LocationAdded and LocationChanged: where the customer's jobs take place.
type (
	LocationAdded struct {
		Customer uuid.UUID `json:"customer"`
		Location uuid.UUID `json:"location"`
		Place
	}
	LocationChanged struct {
		Customer uuid.UUID `json:"customer"`
		Location uuid.UUID `json:"location"`
		Place
	}
)

// Account is a user's whole state but the login names and the password, which lie in the accounts store.
type Account struct {
	Key         uuid.UUID           `json:"key"` // personal-data key of this user
	Name        domain.Personal     `json:"name"`
	Email       domain.Personal     `json:"email"`
	Telephone   domain.Personal     `json:"telephone,omitempty"`
	Role        domain.Role         `json:"role"`
	Customer    uuid.UUID           `json:"customer,omitzero"`    // requestor, customer-admin
	Interpreter uuid.UUID           `json:"interpreter,omitzero"` // interpreter
	Clients     []uuid.UUID         `json:"clients,omitempty"`    // empty: all of the customer's
	Locations   []uuid.UUID         `json:"locations,omitempty"`
	Permissions []domain.Permission `json:"permissions,omitempty"`
	Disabled    bool                `json:"disabled,omitempty"`
}

// UserAdded and UserChanged stand in the customer's stream for its users, in the agency's for staff and interpreters.
type (
	UserAdded struct {
		User uuid.UUID `json:"user"`
		Account
	}
	UserChanged struct {
		User uuid.UUID `json:"user"`
		Account
	}
)

// Credential is a qualification or vetting with its validity, whole days, both ends included.
type Credential struct {
	Kind      string `json:"kind"`
	Reference string `json:"reference,omitempty"`
	ValidFrom string `json:"validFrom"` // 2006-01-02
	ValidTo   string `json:"validTo"`
}

// Profile is an interpreter's whole state.
type Profile struct {
	Key          uuid.UUID       `json:"key"`
	LIN          string          `json:"lin"`
	Name         domain.Personal `json:"name"`
	Gender       string          `json:"gender"` // female, male, other, unstated
	Languages    []string        `json:"languages"`
	Skills       []string        `json:"skills"`
	ServiceTypes []string        `json:"serviceTypes,omitempty"`
	Credentials  []Credential    `json:"credentials"`
	PaitID       domain.Personal `json:"paitId,omitempty"`
	Telephone    domain.Personal `json:"telephone,omitempty"`
	Email        domain.Personal `json:"email,omitempty"`
	// Coordinates ("53.7965,-1.5478") and Postcode are where the interpreter sets out from, as far as known; TravelRadiusKm how far from there,
	// as the crow flies. 0: any distance.
	Coordinates    domain.Personal `json:"coordinates,omitempty"`
	Postcode       domain.Personal `json:"postcode,omitempty"`
	TravelRadiusKm int             `json:"travelRadiusKm,omitempty"`
}

// InterpreterRegistered and InterpreterChanged carry the whole profile.
type (
	InterpreterRegistered struct {
		Interpreter uuid.UUID `json:"interpreter"`
		Profile
	}
	InterpreterChanged struct {
		Interpreter uuid.UUID `json:"interpreter"`
		Profile
	}
)

// InterpreterSuspended: no new offers or assignments (LL-130). InterpreterReinstated ends that.
type (
	InterpreterSuspended struct {
		Key         uuid.UUID       `json:"key"`
		Interpreter uuid.UUID       `json:"interpreter"`
		Reason      domain.Personal `json:"reason,omitempty"`
	}
	InterpreterReinstated struct {
		Interpreter uuid.UUID `json:"interpreter"`
	}
)

// AvailabilitySet: the interpreter says when work may come: the whole of it, in place of what was said before.
type AvailabilitySet struct {
	Key         uuid.UUID `json:"key"`
	Interpreter uuid.UUID `json:"interpreter"`
	Availability
}

// PersonErased: these personal-data keys are about to be destroyed. Subject is the user or interpreter.
type PersonErased struct {
	Subject uuid.UUID   `json:"subject"`
	Keys    []uuid.UUID `json:"keys"`
	Reason  string      `json:"reason"`
}

// BlockDrawn: the job numbers First … First+Count-1 may be given by whoever drew them.
type BlockDrawn struct {
	Series string `json:"series"`
	First  int64  `json:"first"`
	Count  int64  `json:"count"`
}

// NextSet: an admin set the next number; every block drawn before is void. Epoch counts these events.
type NextSet struct {
	Series string `json:"series"`
	Next   int64  `json:"next"`
	Epoch  int    `json:"epoch"`
}

// NumberClaimed: an invoice number, given to one named invoice, no gaps.
type NumberClaimed struct {
	Series string    `json:"series"`
	Number int64     `json:"number"`
	For    uuid.UUID `json:"for"`
}

func (DeploymentCreated) isEvent()     {}
func (AgencyChanged) isEvent()         {}
func (CustomerCreated) isEvent()       {}
func (CustomerChanged) isEvent()       {}
func (ClientAdded) isEvent()           {}
func (ClientChanged) isEvent()         {}
func (LocationAdded) isEvent()         {}
func (LocationChanged) isEvent()       {}
func (UserAdded) isEvent()             {}
func (UserChanged) isEvent()           {}
func (InterpreterRegistered) isEvent() {}
func (InterpreterChanged) isEvent()    {}
func (InterpreterSuspended) isEvent()  {}
func (InterpreterReinstated) isEvent() {}
func (AvailabilitySet) isEvent()       {}
func (PersonErased) isEvent()          {}
func (BlockDrawn) isEvent()            {}
func (NextSet) isEvent()               {}
func (NumberClaimed) isEvent()         {}
