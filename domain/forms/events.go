// Package forms holds booking forms and contract terms as versioned data: which fields there are, what is required, who may read and change what.
package forms

import (
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// Event is a fact about forms or terms.
type Event interface{ isEvent() }

// Defined: a form's new version, whole. A job keeps the version that it was booked with.
type Defined struct {
	Form Form `json:"form"`
}

// Place of a field against the calendar section (II-28, II-73, II-74): what stands above spreads over a set by itself, what stands in or
// below asks for a scope.
const (
	Above = "above"
	In    = "in"
	Below = "below"
)

// What ServiceAddress and BillingAddress ask for (LL-19, LL-48).
const (
	ServiceAddress = "service"
	BillingAddress = "billing"
)

// Kinds of a field: what may stand in it.
const (
	KindText      = "text"      // one line, up to 200 characters
	KindMultiline = "multiline" // up to 4,000 characters
	KindOption    = "option"    // one of Options
	KindOptions   = "options"   // several of Options
	KindLanguage  = "language"  // BCP 47
	KindLanguages = "languages"
	KindDatetime  = "datetime" // local time
	KindDuration  = "duration"
	KindEmail     = "email"
	KindTelephone = "telephone"
	KindLIN       = "lin"
	KindAddress   = "address"
	KindClient    = "client" // of the customer's
	KindNumber    = "number"
	KindInitials  = "initials"  // of a person who must not be named (D-15)
	KindReference = "reference" // for a person who must not be named (D-15)
)

// Words of Field.Visibility. Each includes those below it; domain/access turns them into its classes of data.
const (
	// VisiblePublic: whoever may know the job, also an interpreter whose offer or assignment has ended.
	VisiblePublic = "public"
	// VisibleOffered: also the interpreter who holds an offer, open or accepted, before any assignment (LL-33).
	VisibleOffered = "offered"
	// VisibleAssigned: of interpreters only the one who has the job, and only while it is that one's (LL-42).
	VisibleAssigned = "assigned"
	// VisibleCustomer: the customer's people and the agency; no interpreter ever (LL-54).
	VisibleCustomer = "customer"
	// VisibleAgency: agency staff and the auditor only; neither interpreters nor, once sent, the customer (LL-41).
	VisibleAgency = "agency"
)

// Words of Field.Personal: whom a value tells about. NotPersonal values are stored in clear, all others sealed.
const (
	NotPersonal  = "none"
	AboutSpeaker = "speaker"
	AboutContact = "contact"
	PersonalNote = "note"
	AboutCustody = "custody"
)

// Words of Field.OnEdit; empty: as Required says (D-19).
const (
	EditRequired = "required"
	EditOptional = "optional"
)

// Form is one booking form.
type Form struct {
	ID          string `json:"id"`
	Version     int    `json:"version"`
	Name        string `json:"name"`
	Prefix      string `json:"prefix"`  // of job refs: DTP, DTM (D-12)
	Initial     string `json:"initial"` // status of a new booking
	ServiceType string `json:"serviceType"`
	Address     string `json:"address"` // service: where the interpreter goes; billing: who pays (LL-48)
	// AddressLocked: a duplicate keeps the address of the booking it was made from (LL-112, D-11).
	AddressLocked bool      `json:"addressLocked,omitempty"`
	Sections      []Section `json:"sections"`
	Fields        []Field   `json:"fields"`
	Notices       []Notice  `json:"notices,omitempty"`
	// CancelNeeds names which of authorisedBy and reason a cancellation must carry (LL-114, II-84).
	CancelNeeds []string `json:"cancelNeeds,omitempty"`
}

// Section is a part of the form in reading order (LL-17).
type Section struct {
	Key   string `json:"key"`
	Label string `json:"label"`
	// Whole: all of its fields or none (LL-35, D-03).
	Whole bool `json:"whole,omitempty"`
}

// Field is one input. Core values (language, start, …) are fields with Core set: they travel at the top level.
type Field struct {
	Key        string   `json:"key"`
	Label      string   `json:"label"`
	Section    string   `json:"section"`
	Place      string   `json:"place"` // above, in, below
	Kind       string   `json:"kind"`
	Core       bool     `json:"core,omitempty"`
	Required   bool     `json:"required,omitempty"`
	OnEdit     string   `json:"onEdit,omitempty"`   // required or optional when edited; empty: as on create (D-19)
	EditOnly   bool     `json:"editOnly,omitempty"` // not asked for when booking, though taken if sent (D-19)
	Options    []Option `json:"options,omitempty"`
	Default    string   `json:"default,omitempty"`
	Fixed      bool     `json:"fixed,omitempty"` // the agency's text, the default: nobody who books can change it (II-36)
	Help       string   `json:"help,omitempty"`
	Example    string   `json:"example,omitempty"` // shown in an empty input
	Visibility string   `json:"visibility"`        // public, offered, assigned, customer, agency: see domain/access
	Copied     bool     `json:"copied,omitempty"`
	Editable   bool     `json:"editable,omitempty"` // by the customer after booking (LL-108)
	Personal   string   `json:"personal"`           // none, or what it says about whom: speaker, contact, note, custody
	// RequiredWhen requires the field of whoever fills in the form so that one of these rules holds.
	RequiredWhen []Rule `json:"requiredWhen,omitempty"`
	// Customers are those that the field is for (II-41); empty: all. Others neither see it nor may fill it in.
	Customers []uuid.UUID `json:"customers,omitempty"`
}

// Rule holds while another field has one of these values; without values: while it is filled in.
type Rule struct {
	Field string   `json:"field"`
	Is    []string `json:"is,omitempty"`
}

// Option is one choice of a list.
type Option struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

// Notice is what is to be read before booking (LL-15).
type Notice struct {
	Key       string `json:"key"`
	Text      string `json:"text"`
	Mandatory bool   `json:"mandatory,omitempty"`
}

// TermsDefined: a contract's prices and fees, versioned.
type TermsDefined struct {
	Terms Terms `json:"terms"`
}

// Terms is what a customer pays and an interpreter gets, net, in pence. Version 1 is built in.
type Terms struct {
	ID              string                  `json:"id"`
	Version         int                     `json:"version"`
	Currency        string                  `json:"currency"`
	Hourly          map[string]domain.Money `json:"hourly"`      // price by service type
	Fee             map[string]domain.Money `json:"fee"`         // interpreter's hourly fee by service type
	Incidentals     map[string]domain.Money `json:"incidentals"` // unit price by kind
	MinimumMinutes  int                     `json:"minimumMinutes"`
	BillableOutcome []domain.Outcome        `json:"billableOutcome"`
}

func (Defined) isEvent()      {}
func (TermsDefined) isEvent() {}
