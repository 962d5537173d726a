package people

import (
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/windows"
)

// AgencySettings are the agency's looks, texts and policies; every change stores the whole (versioned by AgencyChanged.Version).
type AgencySettings struct {
	Name            string              `json:"name"` // D-17
	TimeZone        string              `json:"timeZone"`
	Currency        string              `json:"currency"`
	Contact         Contact             `json:"contact"`
	StatusLabels    map[string]string   `json:"statusLabels,omitempty"` // canonical status → the agency's word (D-01)
	Texts           map[string]string   `json:"texts,omitempty"`        // LL-67 a and b, …
	Languages       []Language          `json:"languages,omitempty"`
	Reasons         map[string][]Option `json:"reasons,omitempty"` // cancel, unfulfilled, unassign, decline
	CancelHours     int                 `json:"cancelHours"`       // LL-113, default 72
	CancelInclusive bool                `json:"cancelInclusive,omitempty"`
	AutoAssign      bool                `json:"autoAssign,omitempty"` // D-23
	AutoOffer       bool                `json:"autoOffer,omitempty"`  // offers go out in waves by themselves (N-03)
	OfferHours      int                 `json:"offerHours,omitempty"` // how long an offer stands by default; 0: until the job starts
	Notices         []Notice            `json:"notices,omitempty"`    // II-19
	Splash          string              `json:"splash,omitempty"`     // above the notices (II-20)
	Look            Look                `json:"look,omitzero"`
	// Policies are the windows that bind customers, by command (M-06); see Window.
	Policies    map[string]windows.Rule `json:"policies,omitempty"`
	Holidays    []windows.Day           `json:"holidays,omitempty"`    // besides the table's
	Travel      Travel                  `json:"travel,omitzero"`       // how ways are measured (M-03)
	UndoMinutes *int                    `json:"undoMinutes,omitempty"` // how long a change of related jobs may be taken back (N-06); nil: 10, 0: not at all
	Waves       []Wave                  `json:"waves,omitempty"`       // how offers go out in waves; empty: the built-in rows
}

// Travel is how long a way takes: its great-circle distance times a factor for roads, at one speed. Zero: the defaults.
type Travel struct {
	FactorPercent int `json:"factorPercent,omitempty"`
	SpeedKmh      int `json:"speedKmh,omitempty"`
}

// Ways are measured like this unless the agency says otherwise: roads are a third longer than the line, and 40 km an hour is what is made of it
// in towns, parking and the way on foot included.
const (
	defaultFactorPercent = 130
	defaultSpeedKmh      = 40
)

// OrDefault puts the defaults where nothing is set.
func (t Travel) OrDefault() Travel {
	if t.FactorPercent == 0 {
		t.FactorPercent = defaultFactorPercent
	}
	if t.SpeedKmh == 0 {
		t.SpeedKmh = defaultSpeedKmh
	}
	return t
}

// DefaultUndoMinutes is how long a change of related jobs may be taken back unless the agency says otherwise.
const DefaultUndoMinutes = 10

// UndoFor is how many minutes a change of related jobs may be taken back.
func (s AgencySettings) UndoFor() int {
	if s.UndoMinutes == nil {
		return DefaultUndoMinutes
	}
	return *s.UndoMinutes
}

// Contact is whom a customer turns to (LL-05, LL-132).
type Contact struct {
	Email       string `json:"email,omitempty"`
	Telephone   string `json:"telephone,omitempty"`
	UrgentPhone string `json:"urgentPhone,omitempty"`
}

// Language is a language that the agency supplies, with its tier (LL-73).
type Language struct {
	Code string `json:"code"` // BCP 47
	Name string `json:"name"`
	Tier string `json:"tier,omitempty"`
}

// Option is one value of a list with its label.
type Option struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

// CustomerSettings are what the agency agreed with one customer.
type CustomerSettings struct {
	ServiceTypes  []string `json:"serviceTypes,omitempty"` // empty: all of its forms
	Forms         []string `json:"forms,omitempty"`        // empty: the built-in LiveLINK forms
	BillTo        string   `json:"billTo,omitempty"`
	CancelEnabled *bool    `json:"cancelEnabled,omitempty"` // nil: yes
	CancelHours   *int     `json:"cancelHours,omitempty"`   // nil: the agency's
	Closing       string   `json:"closing,omitempty"`       // two-party (default), customer, interpreter (D-09, II-75)
	SpeakerName   string   `json:"speakerName,omitempty"`   // name (default), initials, reference (D-15)
	Nation        string   `json:"nation,omitempty"`        // whose bank holidays count where a location names none; empty: England and Wales
	// LockOnAssignment: date, time, duration, service type and place are read-only to the customer while the job is assigned (II-72).
	LockOnAssignment bool `json:"lockOnAssignment,omitempty"`
	// Policies are this customer's own windows, by command; a command without one has the agency's.
	Policies map[string]windows.Rule `json:"policies,omitempty"`
}

// Window is the rule that binds a customer to whom these settings apply: the customer's own, else the agency's. Cancelling in hours is as old
// as the settings themselves and stands in fields of its own: who sets a rule for it in one of the two ways ends the other.
func Window(a AgencySettings, c CustomerSettings, command string) windows.Rule {
	if r, ok := c.Policies[command]; ok {
		return r
	}
	if command == windows.Cancel && c.CancelHours != nil {
		return windows.Rule{Unit: windows.Hours, Span: *c.CancelHours, Inclusive: a.CancelInclusive}
	}
	return AgencyWindow(a, command)
}

// AgencyWindow is the rule for customers who have none of their own.
func AgencyWindow(a AgencySettings, command string) windows.Rule {
	if r, ok := a.Policies[command]; ok {
		return r
	}
	if command == windows.Cancel {
		return windows.Rule{Unit: windows.Hours, Span: a.CancelHours, Inclusive: a.CancelInclusive}
	}
	return windows.Rule{Off: true}
}

// BookableForms are the ids of the forms that the customer may book on: those agreed, else the built-in LiveLINK forms.
func (s CustomerSettings) BookableForms() []string {
	if len(s.Forms) > 0 {
		return s.Forms
	}
	return []string{forms.FaceToFaceID, forms.RemoteID}
}

// NumberingJob and NumberingInvoice are the number series.
const (
	NumberingJob     = "job"
	NumberingInvoice = "invoice"
)
