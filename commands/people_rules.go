package commands

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// faults gathers every faulty input of one request.
type faults []domain.FieldError

func (f *faults) add(ok bool, location, message string) {
	if !ok {
		*f = append(*f, domain.FieldError{Location: location, Message: message})
	}
}

func (f faults) refusal() error {
	if len(f) == 0 {
		return nil
	}
	return domain.Invalid(f...)
}

const maxName = 200

func (f *faults) name(location, s string) {
	f.add(strings.TrimSpace(s) != "", location, "This field is required.")
	f.text(location, s, maxName)
}

func (f *faults) text(location, s string, limit int) {
	f.add(utf8.RuneCountInString(s) <= limit, location, "This text is too long.")
	f.add(utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }),
		location, "This text contains characters that cannot be stored.")
}

func (f *faults) zone(location, zone string) {
	_, err := domain.MomentAt(time.Unix(0, 0), zone)
	f.add(err == nil, location, "Send a time zone such as Europe/London.")
}

func checkName(location, name string) error {
	var f faults
	f.name(location, name)
	return f.refusal()
}

func checkText(location, s string, limit int) error {
	var f faults
	f.text(location, s, limit)
	return f.refusal()
}

// Words of CustomerSettings.Closing: who ends a job (D-09, II-75).
var closings = []string{"", "two-party", "customer", "interpreter"}

func checkCustomer(name, zone string, s people.CustomerSettings) error {
	var f faults
	f.name("body.name", name)
	f.zone("body.timeZone", zone)
	f.text("body.settings.billTo", s.BillTo, maxName)
	f.add(slices.Contains(closings, s.Closing), "body.settings.closing", "Choose two-party, customer or interpreter.")
	f.add(slices.Contains([]string{"", forms.SpeakerByName, forms.SpeakerByInitials, forms.SpeakerByReference}, s.SpeakerName),
		"body.settings.speakerName", "Choose name, initials or reference.")
	f.add(s.CancelHours == nil || *s.CancelHours >= 0 && *s.CancelHours <= maxHours, "body.settings.cancelHours", "Send hours from 0 to 8784.")
	return f.refusal()
}

const maxHours = 8784 // a leap year

func checkPlace(s customerState, p people.Place) error {
	var f faults
	f.name("body.name", p.Name)
	f.name("body.address.line1", p.Address.Line1)
	f.text("body.address.line2", p.Address.Line2, maxName)
	f.name("body.address.town", p.Address.Town)
	f.name("body.address.postcode", p.Address.Postcode)
	if p.TimeZone != "" {
		f.zone("body.timeZone", p.TimeZone)
	}
	_, ok := s.Clients[p.Client]
	f.add(p.Client == uuid.Nil || ok, "body.client", "Name one of the customer's clients.")
	return f.refusal()
}

var genders = []string{"female", "male", "other", "unstated"}

func checkProfile(p people.Profile) error {
	var f faults
	f.add(forms.IsLIN(p.LIN), "body.lin", "Enter an interpreter ID such as LIN/ABCD/12345.")
	f.name("body.name", p.Name.Reveal())
	f.add(slices.Contains(genders, p.Gender), "body.gender", "Choose female, male, other or unstated.")
	f.add(len(p.Languages) > 0 && !slices.ContainsFunc(p.Languages, badTag), "body.languages", "Name at least one language, such as pl.")
	f.add(!slices.ContainsFunc(p.Skills, badWord), "body.skills", "Name skills by their values.")
	f.add(!slices.ContainsFunc(p.ServiceTypes, badWord), "body.serviceTypes", "Name service types by their values.")
	for _, c := range p.Credentials {
		from, err1 := time.Parse(time.DateOnly, c.ValidFrom)
		to, err2 := time.Parse(time.DateOnly, c.ValidTo)
		f.add(err1 == nil && err2 == nil && !to.Before(from), "body.credentials", "Each credential has a validFrom and a validTo, not before it.")
		f.add(!badWord(c.Kind), "body.credentials", "Each credential has a kind.")
		f.text("body.credentials", c.Reference, maxName)
	}
	f.text("body.paitId", p.PaitID.Reveal(), maxName)
	f.add(p.Telephone == "" || forms.IsTelephone(p.Telephone.Reveal()), "body.telephone", "Enter a telephone number.")
	f.add(p.Email == "" || forms.IsEmail(p.Email.Reveal()), "body.email", "Enter a mail address such as someone@example.com.")
	return f.refusal()
}

func badTag(s string) bool {
	return s == "" || len(s) > 35 || strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

func badWord(s string) bool { return strings.TrimSpace(s) == "" || len(s) > 60 }

// Roles of the two kinds of users.
var (
	customerRoles = []domain.Role{domain.Requestor, domain.CustomerAdmin}
	agencyRoles   = []domain.Role{domain.Assigner, domain.Finance, domain.Admin, domain.Safeguarding, domain.Interpreter, domain.Auditor, domain.Analyst}
	permissions   = []domain.Permission{domain.MayCreate, domain.MayEdit, domain.MayClose, domain.MayCancel, domain.MayReports, domain.MayFinancials, domain.MayEditLocations}
)

// checkAccount finds the faults of a user's account. A customer-admin gives no more than customers' roles, within the own organisation.
func (h *Handler) checkAccount(ctx context.Context, v access.Viewer, s customerState, a people.Account) error {
	var f faults
	f.name("body.name", a.Name.Reveal())
	f.add(forms.IsEmail(a.Email.Reveal()), "body.email", "Enter a mail address such as someone@example.com.")
	f.add(a.Telephone == "" || forms.IsTelephone(a.Telephone.Reveal()), "body.telephone", "Enter a telephone number.")
	if a.Customer != uuid.Nil {
		f.add(slices.Contains(customerRoles, a.Role), "body.role", "A customer's user is a requestor or a customer-admin.")
	} else {
		f.add(slices.Contains(agencyRoles, a.Role), "body.role", "Choose a role of the agency, or name the customer.")
	}
	f.add(!slices.ContainsFunc(a.Permissions, func(p domain.Permission) bool { return !slices.Contains(permissions, p) }),
		"body.permissions", "There is no such permission.")
	f.add(!slices.ContainsFunc(a.Clients, func(id uuid.UUID) bool { _, ok := s.Clients[id]; return !ok }), "body.clients", "Name clients of the customer.")
	f.add(!slices.ContainsFunc(a.Locations, func(id uuid.UUID) bool { _, ok := s.Locations[id]; return !ok }), "body.locations", "Name locations of the customer.")
	if a.Role == domain.Interpreter {
		known, err := h.interpreters.now(ctx, eventschema.InterpreterStream(a.Interpreter))
		if err != nil {
			return err
		}
		f.add(known.State.ID != uuid.Nil && !known.State.Erased, "body.interpreter", "Name the interpreter whose account this is.")
	} else {
		f.add(a.Interpreter == uuid.Nil, "body.interpreter", "Only an interpreter's account names an interpreter.")
	}
	return f.refusal()
}

// equalJSON tells whether two values would be stored alike. Personal texts are compared by what they say.
func equalJSON(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}
