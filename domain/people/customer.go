package people

import (
	"strings"
	"unicode"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/windows"
)

// Words of CustomerSettings.Closing: who ends a job (D-09, II-75). Empty means two-party.
const (
	TwoParty          = "two-party"
	CustomerCloses    = "customer"
	InterpreterCloses = "interpreter"
)

// Known are the lists that live outside the customer's stream. A nil list is not checked against.
type Known struct {
	Forms        []string // ids of the deployment's forms
	ServiceTypes []string // priced by the terms
}

// CreateCustomer makes an organisation that books.
//
//	given  nothing
//	when   CreateCustomer{Police}
//	then   CustomerCreated{Police}
//	again  nothing: the same customer twice is one customer
type CreateCustomer struct {
	Customer uuid.UUID
	Name     string
	TimeZone string
	Settings CustomerSettings
}

// Decide refuses a nameless customer, an unknown zone and settings that do not exist.
func (c CreateCustomer) Decide(s Customer, k Known) ([]Event, error) {
	if s.Exists() {
		return nil, nil
	}
	c.Name = strings.TrimSpace(c.Name)
	if err := checkCustomer(c.Name, c.TimeZone, c.Settings, k); err != nil {
		return nil, err
	}
	return []Event{CustomerCreated(c)}, nil
}

// ChangeCustomer changes name, zone or settings; nil means untouched.
type ChangeCustomer struct {
	Name     *string
	TimeZone *string
	Settings *SettingsChange
}

// SettingsChange changes some of a customer's settings; nil means untouched. CancelHours below zero goes back to the agency's.
type SettingsChange struct {
	ServiceTypes  *[]string `json:"serviceTypes,omitempty"`
	Forms         *[]string `json:"forms,omitempty"`
	BillTo        *string   `json:"billTo,omitempty"`
	CancelEnabled *bool     `json:"cancelEnabled,omitempty"`
	CancelHours   *int      `json:"cancelHours,omitempty"`
	Closing       *string   `json:"closing,omitempty"`
	SpeakerName   *string   `json:"speakerName,omitempty"`
	Nation        *string   `json:"nation,omitempty"`

	LockOnAssignment *bool `json:"lockOnAssignment,omitempty"`
}

// Apply returns the settings with the changes; it shares nothing with them that a later change could touch.
func (c SettingsChange) Apply(s CustomerSettings) CustomerSettings {
	s.ServiceTypes, s.Forms = or(c.ServiceTypes, s.ServiceTypes), or(c.Forms, s.Forms)
	s.BillTo, s.Closing, s.SpeakerName = or(c.BillTo, s.BillTo), or(c.Closing, s.Closing), or(c.SpeakerName, s.SpeakerName)
	s.Nation, s.LockOnAssignment = or(c.Nation, s.Nation), or(c.LockOnAssignment, s.LockOnAssignment)
	if c.CancelEnabled != nil {
		enabled := *c.CancelEnabled
		s.CancelEnabled = &enabled
	}
	if c.CancelHours != nil {
		s.Policies = without(s.Policies, windows.Cancel)
		if hours := *c.CancelHours; hours >= 0 {
			s.CancelHours = &hours
		} else {
			s.CancelHours = nil
		}
	}
	return s
}

// Decide answers with the customer's whole new state; nothing if it is the old one.
func (c ChangeCustomer) Decide(s Customer, k Known) ([]Event, error) {
	if !s.Exists() {
		return nil, unknown("customer")
	}
	next := CustomerChanged{Customer: s.ID, Name: strings.TrimSpace(or(c.Name, s.Name)), TimeZone: or(c.TimeZone, s.TimeZone), Settings: s.Settings}
	if c.Settings != nil {
		next.Settings = c.Settings.Apply(s.Settings)
	}
	if next.Name == s.Name && next.TimeZone == s.TimeZone && same(next.Settings, s.Settings) {
		return nil, nil
	}
	if err := checkCustomer(next.Name, next.TimeZone, next.Settings, k); err != nil {
		return nil, err
	}
	return []Event{next}, nil
}

const maxHours = windows.MaxHours

func checkCustomer(name, zone string, s CustomerSettings, k Known) error {
	var f faults
	f.required("body.name", name, maxName)
	f.zone("body.timeZone", zone)
	f.subset("body.settings.serviceTypes", s.ServiceTypes, k.ServiceTypes)
	f.subset("body.settings.forms", s.Forms, k.Forms)
	f.text("body.settings.billTo", s.BillTo, maxName)
	if s.Closing != "" {
		f.oneOf("body.settings.closing", s.Closing, []string{TwoParty, CustomerCloses, InterpreterCloses})
	}
	if s.SpeakerName != "" {
		f.oneOf("body.settings.speakerName", s.SpeakerName, []string{forms.SpeakerByName, forms.SpeakerByInitials, forms.SpeakerByReference})
	}
	f.nation("body.settings.nation", s.Nation)
	f.policies("body.settings.policies", s.Policies)
	f.check(s.CancelHours == nil || *s.CancelHours >= 0 && *s.CancelHours <= maxHours, "body.settings.cancelHours", "Send hours from 0 to 8784.")
	return f.refusal()
}

// AddClient adds a sub-unit. ChangeClient renames one.
type (
	AddClient struct {
		Client uuid.UUID
		Name   string
	}
	ChangeClient struct {
		Client uuid.UUID
		Name   *string
	}
)

// Decide adds the client once.
func (c AddClient) Decide(s Customer) ([]Event, error) {
	c.Name = strings.TrimSpace(c.Name)
	if !s.Exists() {
		return nil, unknown("customer")
	}
	if _, there := s.Clients[c.Client]; there {
		return nil, nil
	}
	var f faults
	f.required("body.name", c.Name, maxName)
	if err := f.refusal(); err != nil {
		return nil, err
	}
	return []Event{ClientAdded{Customer: s.ID, Client: c.Client, Name: c.Name}}, nil
}

// Decide answers with the new name, if it is one.
func (c ChangeClient) Decide(s Customer) ([]Event, error) {
	before, there := s.Clients[c.Client]
	name := strings.TrimSpace(or(c.Name, before))
	var f faults
	f.required("body.name", name, maxName)
	switch err := f.refusal(); {
	case !there:
		return nil, unknown("client")
	case err != nil:
		return nil, err
	case name == before:
		return nil, nil
	}
	return []Event{ClientChanged{Customer: s.ID, Client: c.Client, Name: name}}, nil
}

// AddLocation adds a place where the customer's jobs happen (LL-19, II-46). ChangeLocation changes one: jobs booked there keep the address
// that they were booked with.
type (
	AddLocation struct {
		Location uuid.UUID
		Place
	}
	ChangeLocation struct {
		Location uuid.UUID
		Client   *uuid.UUID
		Name     *string
		Address  *PostalAddress
		TimeZone *string
		Nation   *string
		// Coordinates where it lies; the zero point: not known.
		Coordinates *domain.Coordinates
	}
)

// Decide adds the location once.
func (c AddLocation) Decide(s Customer) ([]Event, error) {
	if !s.Exists() {
		return nil, unknown("customer")
	}
	if _, there := s.Locations[c.Location]; there {
		return nil, nil
	}
	p := c.Place.trimmed()
	if err := checkPlace(s, p); err != nil {
		return nil, err
	}
	return []Event{LocationAdded{Customer: s.ID, Location: c.Location, Place: p}}, nil
}

// Decide answers with the location's whole new state; nothing if it is the old one.
func (c ChangeLocation) Decide(s Customer) ([]Event, error) {
	before, there := s.Locations[c.Location]
	if !there {
		return nil, unknown("location")
	}
	p := Place{Client: or(c.Client, before.Client), Name: or(c.Name, before.Name), Address: or(c.Address, before.Address),
		TimeZone: or(c.TimeZone, before.TimeZone), Nation: or(c.Nation, before.Nation),
		Coordinates: or(c.Coordinates, before.Coordinates)}.trimmed()
	if c.Coordinates == nil && p.Address.Postcode != before.Address.Postcode { // moved: the old point is not the place any more
		p.Coordinates = domain.Coordinates{}
	}
	if p == before {
		return nil, nil
	}
	if err := checkPlace(s, p); err != nil {
		return nil, err
	}
	return []Event{LocationChanged{Customer: s.ID, Location: c.Location, Place: p}}, nil
}

func (p Place) trimmed() Place {
	p.Name = strings.TrimSpace(p.Name)
	p.Address.Line1, p.Address.Line2 = strings.TrimSpace(p.Address.Line1), strings.TrimSpace(p.Address.Line2)
	p.Address.Town, p.Address.Postcode = strings.TrimSpace(p.Address.Town), strings.TrimSpace(p.Address.Postcode)
	p.Coordinates = p.Coordinates.Rounded()
	return p
}

func checkPlace(s Customer, p Place) error {
	var f faults
	f.required("body.name", p.Name, maxName)
	f.required("body.address.line1", p.Address.Line1, maxName)
	f.text("body.address.line2", p.Address.Line2, maxName)
	f.required("body.address.town", p.Address.Town, maxName)
	f.required("body.address.postcode", p.Address.Postcode, 20)
	for _, line := range [][2]string{{"name", p.Name}, {"address.line1", p.Address.Line1}, {"address.line2", p.Address.Line2},
		{"address.town", p.Address.Town}, {"address.postcode", p.Address.Postcode}} {
		f.check(!strings.ContainsFunc(line[1], unicode.IsControl), "body."+line[0], "Write this on one line.")
	}
	if p.TimeZone != "" {
		f.zone("body.timeZone", p.TimeZone)
	}
	f.nation("body.nation", p.Nation)
	f.check(p.Coordinates.IsZero() || p.Coordinates.Valid(), "body.coordinates", coordinatesMessage)
	if p.Client != uuid.Nil {
		_, there := s.Clients[p.Client]
		f.check(there, "body.client", "Name one of the customer's clients.")
	}
	return f.refusal()
}
