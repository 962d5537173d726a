package people

import (
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/windows"
)

// CreateDeployment writes the first events of the agency's stream: which deployment this log belongs to, and the settings to start with.
//
//	given  nothing
//	when   CreateDeployment{id}
//	then   DeploymentCreated{id}, AgencyChanged{version 1}
//	again  nothing; with another id: deployment-exists
type CreateDeployment struct {
	ID       uuid.UUID
	Demo     bool
	Settings AgencySettings
}

// Decide refuses a second deployment in one log.
func (c CreateDeployment) Decide(s Agency) ([]Event, error) {
	switch s.Deployment {
	case uuid.Nil:
	case c.ID:
		return nil, nil
	default:
		return nil, domain.Conflict("deployment-exists", "This log belongs to another deployment.")
	}
	if err := checkAgency(c.Settings); err != nil {
		return nil, err
	}
	return []Event{DeploymentCreated{ID: c.ID, Demo: c.Demo}, AgencyChanged{Version: 1, Settings: c.Settings}}, nil
}

// ChangeAgency changes settings (PUT /settings/…); nil means untouched.
type ChangeAgency struct {
	Name            *string
	TimeZone        *string
	Currency        *string
	Contact         *Contact
	StatusLabels    *map[string]string
	Texts           *map[string]string
	Languages       *[]Language
	Reasons         *map[string][]Option
	CancelHours     *int
	CancelInclusive *bool
	AutoAssign      *bool
	AutoOffer       *bool
	OfferHours      *int
	Notices         *[]Notice
	Splash          *string
	Look            *Look
	Travel          *Travel
	UndoMinutes     *int
}

// Decide answers with the whole new settings under the next version; nothing if they are the old ones.
func (c ChangeAgency) Decide(s Agency) ([]Event, error) {
	if s.Deployment == uuid.Nil {
		return nil, unknown("deployment")
	}
	n := s.Settings
	n.Name, n.TimeZone, n.Currency, n.Contact = or(c.Name, n.Name), or(c.TimeZone, n.TimeZone), or(c.Currency, n.Currency), or(c.Contact, n.Contact)
	n.StatusLabels, n.Texts, n.Languages, n.Reasons = or(c.StatusLabels, n.StatusLabels), or(c.Texts, n.Texts), or(c.Languages, n.Languages), or(c.Reasons, n.Reasons)
	if c.CancelHours != nil || c.CancelInclusive != nil { // the old way to say it: in hours
		n.Policies = without(n.Policies, windows.Cancel)
	}
	n.CancelHours, n.CancelInclusive = or(c.CancelHours, n.CancelHours), or(c.CancelInclusive, n.CancelInclusive)
	n.AutoAssign, n.AutoOffer, n.OfferHours = or(c.AutoAssign, n.AutoAssign), or(c.AutoOffer, n.AutoOffer), or(c.OfferHours, n.OfferHours)
	if c.UndoMinutes != nil {
		n.UndoMinutes = c.UndoMinutes
	}
	n.Notices, n.Splash, n.Look, n.Travel = or(c.Notices, n.Notices), or(c.Splash, n.Splash), or(c.Look, n.Look), or(c.Travel, n.Travel)
	return s.changedTo(n)
}

// changedTo is the next version of the settings; nothing if they are the old ones.
func (s Agency) changedTo(n AgencySettings) ([]Event, error) {
	if same(n, s.Settings) {
		return nil, nil
	}
	if err := checkAgency(n); err != nil {
		return nil, err
	}
	return []Event{AgencyChanged{Version: s.Version + 1, Settings: n}}, nil
}

// Kinds of reasons that the agency keeps a list of.
const (
	ReasonCancel      = "cancel"      // II-84
	ReasonUnfulfilled = "unfulfilled" // II-90, D-08
	ReasonUnassign    = "unassign"
	ReasonDecline     = "decline"
)

// ReasonKinds are all kinds of reasons.
var ReasonKinds = []string{ReasonCancel, ReasonUnfulfilled, ReasonUnassign, ReasonDecline}

func checkAgency(s AgencySettings) error {
	var f faults
	f.required("body.name", s.Name, maxName)
	f.zone("body.timeZone", s.TimeZone)
	f.check(domain.ValidCurrency(s.Currency), "body.currency", "Send a currency such as GBP.")
	f.email("body.contact.email", s.Contact.Email, false)
	f.telephone("body.contact.telephone", s.Contact.Telephone)
	f.telephone("body.contact.urgentPhone", s.Contact.UrgentPhone)
	for _, status := range slices.Sorted(maps.Keys(s.StatusLabels)) {
		label := s.StatusLabels[status]
		switch domain.Status(status) {
		case domain.Requested, domain.New, domain.Assigned, domain.Ongoing, domain.Complete, domain.Cancelled:
			f.required("body.statusLabels."+status, label, maxWord)
		default:
			f.add("body.statusLabels", "There is no such status.")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Texts)) {
		f.text("body.texts."+key, s.Texts[key], maxText)
	}
	seen := map[string]bool{}
	for i, l := range s.Languages {
		f.check(IsLanguage(l.Code), at("body.languages", i)+".code", "Enter a language code such as pl.")
		f.check(!seen[strings.ToLower(l.Code)], at("body.languages", i)+".code", "This language is in the list twice.")
		f.required(at("body.languages", i)+".name", l.Name, maxName)
		f.text(at("body.languages", i)+".tier", l.Tier, maxWord)
		seen[strings.ToLower(l.Code)] = true
	}
	for _, kind := range slices.Sorted(maps.Keys(s.Reasons)) {
		f.reasons(kind, s.Reasons[kind])
	}
	f.check(s.CancelHours >= 0 && s.CancelHours <= maxHours, "body.cancelHours", "Send hours from 0 to 8784.")
	f.check(s.OfferHours >= 0 && s.OfferHours <= maxHours, "body.offerHours", "Send hours from 0 to 8784.")
	f.policies("body.policies", s.Policies)
	f.holidays(s.Holidays)
	f.waves(s.Waves)
	f.check(s.UndoFor() >= 0 && s.UndoFor() <= 60, "body.undoMinutes", "Send minutes from 0 to 60.")
	f.notices(s.Notices)
	f.text("body.splash", s.Splash, maxText)
	f.look(s.Look)
	f.check(s.Travel.FactorPercent == 0 || s.Travel.FactorPercent >= 100 && s.Travel.FactorPercent <= 500, "body.travel.factorPercent",
		"Send per cent from 100 to 500: no road is shorter than the line.")
	f.check(s.Travel.SpeedKmh == 0 || s.Travel.SpeedKmh >= 1 && s.Travel.SpeedKmh <= 200, "body.travel.speedKmh", "Send km an hour from 1 to 200.")
	return f.refusal()
}

func (f *faults) reasons(kind string, options []Option) {
	location := "body.reasons." + kind
	if !slices.Contains(ReasonKinds, kind) {
		f.add("body.reasons", "There is no such kind of reason.")
		return
	}
	seen := map[string]bool{}
	for i, o := range options {
		f.required(at(location, i)+".value", o.Value, maxWord)
		f.required(at(location, i)+".label", o.Label, maxName)
		f.check(!seen[o.Value], at(location, i)+".value", "This value is in the list twice.")
		seen[o.Value] = true
	}
}
