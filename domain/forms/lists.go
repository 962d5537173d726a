package forms

import (
	"time"

	"github.com/dragoman-booking/dragoman/domain"
)

// Service types of the built-in forms and of terms version 1.
const (
	ServiceFaceToFace = "face-to-face"
	ServiceRemote     = "remote"
)

// ServiceTypes are the service types that the built-in forms book and that terms version 1 prices.
func ServiceTypes() []Option {
	return []Option{{ServiceFaceToFace, "Face to face"}, {ServiceRemote, "Remote"}}
}

// SkillOptions are the skills that a booking may ask for and an interpreter may hold (LL-25).
func SkillOptions() []Option {
	return []Option{
		{"spoken-only", "Spoken only"},
		{"spoken-and-written", "Spoken and written"},
		{"sight-translation", "Spoken with sight translation"},
	}
}

func offenceCategories() []Option {
	return []Option{
		{"burglary", "Burglary"},
		{"criminal-damage", "Criminal damage and arson"},
		{"domestic-abuse", "Domestic abuse"},
		{"drugs", "Drug offences"},
		{"fraud", "Fraud and cyber crime"},
		{"hate-crime", "Hate crime"},
		{"homicide", "Homicide"},
		{"immigration", "Immigration offences"},
		{"missing-person", "Missing person"},
		{"modern-slavery", "Modern slavery and trafficking"},
		{"public-order", "Public order"},
		{"robbery", "Robbery"},
		{"sexual-offences", "Sexual offences"},
		{"terrorism", "Terrorism"},
		{"theft", "Theft"},
		{"traffic", "Traffic offences"},
		{"violence", "Violence against the person"},
		{"weapons", "Possession of weapons"},
		{"no-offence", "No offence"},
		{"other", "Other"},
	}
}

// assignmentTypes holds nothing for a court: court bookings are not taken here (LL-16).
func assignmentTypes() []Option {
	return []Option{
		{"interview", "Interview"},
		{"custody", "Custody procedures"},
		{"witness-statement", "Witness statement"},
		{"victim-statement", "Victim statement"},
		{"video-recorded-interview", "Video recorded interview (ABE)"},
		{"identification", "Identification procedure"},
		{"medical", "Medical examination"},
		{"legal-consultation", "Legal consultation"},
		{"charge-or-bail", "Charge or bail"},
		{"search", "Search or arrest"},
		{"home-visit", "Home visit"},
		{"family-liaison", "Family liaison"},
		{"meeting", "Meeting"},
		{"other", "Other"},
	}
}

func bookingReasons() []Option {
	return []Option{
		{"interview", "Interview"},
		{"custody", "Custody procedures"},
		{"statement", "Statement"},
		{"victim-contact", "Victim or witness contact"},
		{"legal-consultation", "Legal consultation"},
		{"meeting", "Meeting"},
		{"other", "Other"},
	}
}

func platforms() []Option {
	return []Option{
		{"ms-teams", "MS Teams"},
		{"skype", "Skype"},
		{"google-meet", "Google Meet"},
		{"attend-anywhere", "Attend Anywhere"},
		{"zoom", "Zoom"},
		{"webex", "Webex"},
		{"telephone-conference", "Telephone conference"},
		{"other", "Other"},
	}
}

func flexibilities() []Option {
	return []Option{
		{"30-minutes", "± 30 minutes"},
		{"1-hour", "± 1 hour"},
		{"2-hours", "± 2 hours"},
		{"4-hours", "± 4 hours"},
		{sameDay, "Any time that day"},
		{"1-day", "± 1 day"},
		{"2-days", "± 2 days"},
	}
}

// spans are the flexibilities that reach the same distance both ways.
var spans = map[string]time.Duration{
	"30-minutes": 30 * time.Minute,
	"1-hour":     time.Hour,
	"2-hours":    2 * time.Hour,
	"4-hours":    4 * time.Hour,
	"1-day":      24 * time.Hour,
	"2-days":     48 * time.Hour,
}

// SameDay is the flexibility that reaches to the ends of the day.
const SameDay = "same-day"

const sameDay = SameDay

// DayOrMore tells whether a flexibility reaches at least to the ends of the day.
func DayOrMore(flexibility string) bool {
	return flexibility == sameDay || spans[flexibility] >= 24*time.Hour
}

func flexibilityValues() (values []string) {
	for _, o := range flexibilities() {
		values = append(values, o.Value)
	}
	return values
}

// Within tells whether a proposed start lies within what the flexibility field allows around the requested one (LL-28). Both edges count;
// without flexibility only the requested start itself does. A day is the day of the requested start's own zone.
func Within(flexibility string, requested, proposed domain.Moment) bool {
	if flexibility == sameDay {
		there, err := domain.MomentAt(proposed.Instant, requested.Zone)
		return err == nil && there.Local[:len(time.DateOnly)] == requested.Local[:len(time.DateOnly)]
	}
	return proposed.Instant.Sub(requested.Instant).Abs() <= spans[flexibility]
}

// RemoteWillDo tells whether a remote option of the face-to-face form means that the customer would take an interpreter who joins remotely (LL-30).
func RemoteWillDo(option string) bool {
	switch option {
	case "remote-acceptable", "video-acceptable", "audio-acceptable":
		return true
	}
	return false
}
