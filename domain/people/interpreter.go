package people

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
)

// Genders of an interpreter (LL-32).
var Genders = []string{"female", "male", "other", "unstated"}

// RegisterInterpreter adds an interpreter. The stream's id derives from the LIN, so a LIN is registered once (LL-40).
//
//	given  nothing
//	when   RegisterInterpreter{LIN/5455/5J71Y}
//	then   InterpreterRegistered
//	again  nothing; with another profile: body.lin is at fault
type RegisterInterpreter struct{ Profile }

// Decide refuses a malformed LIN, language, gender, contact or credential, all at once. An unstated gender is stored as such.
func (c RegisterInterpreter) Decide(s Interpreter) ([]Event, error) {
	p := c.Profile.trimmed()
	if p.Gender == "" {
		p.Gender = "unstated"
	}
	if s.Exists() {
		p.Key = s.Profile.Key
		if same(p.tidy(), s.Profile) {
			return nil, nil
		}
		return nil, domain.Invalid(domain.FieldError{Location: "body.lin", Message: "This LIN is registered already."})
	}
	if err := checkProfile(p); err != nil {
		return nil, err
	}
	return []Event{InterpreterRegistered{Interpreter: domain.InterpreterID(p.LIN), Profile: p.tidy()}}, nil
}

// ChangeInterpreter changes a profile; nil means untouched. A LIN never changes.
type ChangeInterpreter struct {
	Name         *string
	Gender       *string
	Languages    *[]string
	Skills       *[]string
	ServiceTypes *[]string
	Credentials  *[]Credential
	PaitID       *string
	Telephone    *string
	Email        *string
	// Coordinates where the interpreter sets out from; the zero point: not known.
	Coordinates    *domain.Coordinates
	Postcode       *string
	TravelRadiusKm *int // 0: any distance
}

// Decide answers with the whole new profile; nothing if it is the old one.
func (c ChangeInterpreter) Decide(s Interpreter) ([]Event, error) {
	switch {
	case !s.Exists():
		return nil, unknown("interpreter")
	case s.Erased:
		return nil, erased()
	}
	p := s.Profile
	p.Name, p.PaitID = orPersonal(c.Name, p.Name), orPersonal(c.PaitID, p.PaitID)
	p.Telephone, p.Email = orPersonal(c.Telephone, p.Telephone), orPersonal(c.Email, p.Email)
	p.Gender, p.Languages, p.Skills = or(c.Gender, p.Gender), or(c.Languages, p.Languages), or(c.Skills, p.Skills)
	p.ServiceTypes, p.Credentials = or(c.ServiceTypes, p.ServiceTypes), or(c.Credentials, p.Credentials)
	p.Postcode, p.TravelRadiusKm = orPersonal(c.Postcode, p.Postcode), or(c.TravelRadiusKm, p.TravelRadiusKm)
	switch {
	case c.Coordinates != nil:
		p.Coordinates = HomeAt(*c.Coordinates)
	case c.Postcode != nil && trim(p.Postcode) != s.Profile.Postcode: // moved: the old point is not the home any more
		p.Coordinates = ""
	}
	p = p.trimmed()
	if same(p.tidy(), s.Profile) {
		return nil, nil
	}
	if err := checkProfile(p); err != nil {
		return nil, err
	}
	return []Event{InterpreterChanged{Interpreter: s.ID, Profile: p.tidy()}}, nil
}

// SuspendInterpreter keeps an interpreter from new offers and assignments (LL-130). ReinstateInterpreter ends that. Again is nothing.
type (
	SuspendInterpreter   struct{ Reason string }
	ReinstateInterpreter struct{}
)

// Decide suspends once.
func (c SuspendInterpreter) Decide(s Interpreter) ([]Event, error) {
	var f faults
	f.text("body.reason", c.Reason, maxText)
	switch err := f.refusal(); {
	case !s.Exists():
		return nil, unknown("interpreter")
	case s.Erased:
		return nil, erased()
	case err != nil:
		return nil, err
	case s.Suspended:
		return nil, nil
	}
	return []Event{InterpreterSuspended{Key: s.Profile.Key, Interpreter: s.ID, Reason: domain.Personal(strings.TrimSpace(c.Reason))}}, nil
}

// Decide reinstates whoever is suspended.
func (c ReinstateInterpreter) Decide(s Interpreter) ([]Event, error) {
	switch {
	case !s.Exists():
		return nil, unknown("interpreter")
	case s.Erased:
		return nil, erased()
	case !s.Suspended:
		return nil, nil
	}
	return []Event{InterpreterReinstated{Interpreter: s.ID}}, nil
}

// EraseInterpreter ends an interpreter's personal data (POST /erasures).
type EraseInterpreter struct{ Reason string }

// Decide erases once.
func (c EraseInterpreter) Decide(s Interpreter) ([]Event, error) {
	switch {
	case !s.Exists():
		return nil, unknown("interpreter")
	case s.Erased:
		return nil, nil
	}
	if err := checkErasure(c.Reason); err != nil {
		return nil, err
	}
	return []Event{PersonErased{Subject: s.ID, Keys: []uuid.UUID{s.Profile.Key}, Reason: ErasureReason(c.Reason)}}, nil
}

func (p Profile) trimmed() Profile {
	p.LIN = strings.TrimSpace(p.LIN)
	p.Name, p.PaitID, p.Telephone, p.Email, p.Postcode = trim(p.Name), trim(p.PaitID), trim(p.Telephone), trim(p.Email), trim(p.Postcode)
	return p
}

// tidy drops what a list names twice. It is done after the check, so that a fault's index is that of the list as sent.
func (p Profile) tidy() Profile {
	p.Languages, p.Skills, p.ServiceTypes = once(p.Languages), once(p.Skills), once(p.ServiceTypes)
	return p
}

// once drops what is there twice, keeping the order.
func once(list []string) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		if s = strings.TrimSpace(s); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func checkProfile(p Profile) error {
	var f faults
	f.check(forms.IsLIN(p.LIN), "body.lin", "Enter an interpreter ID such as LIN/ABCD/12345.")
	f.required("body.name", p.Name.Reveal(), maxName)
	f.oneOf("body.gender", p.Gender, Genders)
	f.check(len(p.Languages) > 0, "body.languages", "Name at least one language.")
	f.languages("body.languages", p.Languages)
	f.words("body.skills", p.Skills)
	f.words("body.serviceTypes", p.ServiceTypes)
	f.check(len(p.Credentials) <= maxList, "body.credentials", "Too many values.")
	for i, c := range p.Credentials {
		f.credential(at("body.credentials", i), c)
	}
	f.text("body.paitId", p.PaitID.Reveal(), maxName)
	f.telephone("body.telephone", p.Telephone.Reveal())
	f.email("body.email", p.Email.Reveal(), false)
	_, err := domain.ParseCoordinates(p.Coordinates.Reveal())
	f.check(err == nil, "body.coordinates", coordinatesMessage)
	f.text("body.postcode", p.Postcode.Reveal(), 20)
	f.check(p.TravelRadiusKm >= 0 && p.TravelRadiusKm <= maxRadiusKm, "body.travelRadiusKm", "Send km from 1 to 2000, or 0 for any distance.")
	return f.refusal()
}

const (
	maxRadiusKm        = 2000
	coordinatesMessage = "Send a latitude from -90 to 90 and a longitude from -180 to 180."
)

// HomeAt is a point as a profile keeps it: sealed, for it says where somebody lives.
func HomeAt(c domain.Coordinates) domain.Personal { return domain.Personal(c.Rounded().String()) }

func (f *faults) credential(location string, c Credential) {
	f.required(location+".kind", c.Kind, maxWord)
	f.text(location+".reference", c.Reference, maxName)
	from, err1 := time.Parse(time.DateOnly, c.ValidFrom)
	to, err2 := time.Parse(time.DateOnly, c.ValidTo)
	f.check(err1 == nil, location+".validFrom", "Send a day such as 2026-01-31.")
	f.check(err2 == nil, location+".validTo", "Send a day such as 2026-01-31.")
	if err1 == nil && err2 == nil {
		f.check(!to.Before(from), location+".validTo", "It cannot end before it begins.")
	}
}

// Valid tells whether the credential holds on a day such as 2026-01-31; both its ends are included.
func (c Credential) Valid(day string) bool { return c.ValidFrom <= day && day <= c.ValidTo }
