// Package forms holds booking forms and contract terms as versioned data: which fields there are, what is required, who may read and change what.
package forms

import (
	"github.com/dragoman-booking/dragoman/domain"
)

// Event is a fact about forms or terms.
type Event interface{ isEvent() }

// Defined: a form's new version, whole. A job keeps the version that it was booked with.
type Defined struct {
	Form Form `json:"form"`
}

// Place of a section against the calendar section (II-28): what spreads, what asks for a scope.
const (
	Above = "above"
	In    = "in"
	Below = "below"
)

// Form is one booking form.
type Form struct {
	ID          string    `json:"id"`
	Version     int       `json:"version"`
	Name        string    `json:"name"`
	Prefix      string    `json:"prefix"`  // of job refs: DTP, DTM (D-12)
	Initial     string    `json:"initial"` // status of a new booking
	ServiceType string    `json:"serviceType"`
	Address     string    `json:"address"` // service: where the interpreter goes; billing: who pays (LL-48)
	Sections    []Section `json:"sections"`
	Fields      []Field   `json:"fields"`
	Notices     []Notice  `json:"notices,omitempty"`
	// CancelNeeds names which of authorisedBy and reason a cancellation must carry (LL-114, II-84).
	CancelNeeds []string `json:"cancelNeeds,omitempty"`
}

// Section is a part of the form in reading order (LL-17).
type Section struct {
	Key   string `json:"key"`
	Label string `json:"label"`
	Place string `json:"place"` // above, in, below
	// Whole: all of its fields or none (LL-35, D-03).
	Whole bool `json:"whole,omitempty"`
}

// Field is one input. Core values (language, start, …) are fields with Core set: they travel at the top level.
type Field struct {
	Key        string   `json:"key"`
	Label      string   `json:"label"`
	Section    string   `json:"section"`
	Kind       string   `json:"kind"` // text, multiline, option, options, language, languages, datetime, duration, email, telephone, lin, address
	Core       bool     `json:"core,omitempty"`
	Required   bool     `json:"required,omitempty"`
	OnEdit     string   `json:"onEdit,omitempty"` // required (as on create, D-19) or optional
	Options    []Option `json:"options,omitempty"`
	Default    string   `json:"default,omitempty"`
	Help       string   `json:"help,omitempty"`
	Visibility string   `json:"visibility"` // public, offered, assigned, customer, agency: see domain/access
	Copied     bool     `json:"copied,omitempty"`
	Editable   bool     `json:"editable,omitempty"` // by the customer after booking (LL-108)
	Personal   string   `json:"personal"`           // none, or what it says about whom: speaker, contact, note, custody
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
