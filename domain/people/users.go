package people

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// Organisation is whose users are decided about: a customer's in its stream, staff and interpreters in the agency's.
type Organisation struct {
	Exists    bool
	Customer  uuid.UUID // zero: the agency
	Users     map[uuid.UUID]User
	Clients   map[uuid.UUID]string
	Locations map[uuid.UUID]Place
}

// Organisation is the customer as the deciders about users see it.
func (s Customer) Organisation() Organisation {
	return Organisation{Exists: s.Exists(), Customer: s.ID, Users: s.Users, Clients: s.Clients, Locations: s.Locations}
}

// Organisation is the agency as the deciders about users see it.
func (s Agency) Organisation() Organisation {
	return Organisation{Exists: s.Deployment != uuid.Nil, Users: s.Users}
}

// Roles of the two kinds of organisations, and all permissions.
var (
	CustomerRoles = []domain.Role{domain.Requestor, domain.CustomerAdmin}
	AgencyRoles   = []domain.Role{domain.Assigner, domain.Finance, domain.Admin, domain.Safeguarding, domain.Interpreter, domain.Auditor,
		domain.Analyst}
	Permissions = []domain.Permission{domain.MayCreate, domain.MayEdit, domain.MayClose, domain.MayCancel, domain.MayReports,
		domain.MayFinancials, domain.MayEditLocations}
)

// AddUser gives a person an account. Interpreter tells of the interpreter that the account names: registered and not erased.
//
//	given  nothing
//	when   AddUser{Rita}
//	then   UserAdded{Rita}
//	again  nothing
type AddUser struct {
	User uuid.UUID
	Account
	InterpreterKnown bool
}

// Decide refuses a role that the organisation does not have, a permission, client or location that does not exist, and an account without a
// name or mail address.
func (c AddUser) Decide(o Organisation) ([]Event, error) {
	if !o.Exists {
		return nil, unknown("customer")
	}
	if _, there := o.Users[c.User]; there {
		return nil, nil
	}
	a := c.Account.trimmed()
	a.Customer = o.Customer
	if err := o.check(a, true, c.InterpreterKnown); err != nil {
		return nil, err
	}
	return []Event{UserAdded{User: c.User, Account: a}}, nil
}

// ChangeUser changes an account; nil means untouched. Who a user belongs to never changes.
type ChangeUser struct {
	User        uuid.UUID
	Name        *string
	Email       *string
	Telephone   *string
	Role        *domain.Role
	Clients     *[]uuid.UUID
	Locations   *[]uuid.UUID
	Permissions *[]domain.Permission
	Disabled    *bool
}

// Decide answers with the account's whole new state; nothing if it is the old one. The agency's last admin stays one.
func (c ChangeUser) Decide(o Organisation) ([]Event, error) {
	u, there := o.Users[c.User]
	switch {
	case !there:
		return nil, unknown("user")
	case u.Erased:
		return nil, erased()
	}
	a := u.Account
	a.Name, a.Email, a.Telephone = orPersonal(c.Name, a.Name), orPersonal(c.Email, a.Email), orPersonal(c.Telephone, a.Telephone)
	a.Role, a.Clients, a.Locations = or(c.Role, a.Role), or(c.Clients, a.Clients), or(c.Locations, a.Locations)
	a.Permissions, a.Disabled = or(c.Permissions, a.Permissions), or(c.Disabled, a.Disabled)
	a = a.trimmed()
	if same(a, u.Account) {
		return nil, nil
	}
	// The first admin of a deployment may have no mail address yet: that may stay so, but nobody loses one.
	if err := o.check(a, u.Email != "", true); err != nil {
		return nil, err
	}
	if u.Role == domain.Admin && (a.Role != domain.Admin || a.Disabled) && o.onlyAdmin(c.User) {
		return nil, lastAdmin()
	}
	return []Event{UserChanged{User: c.User, Account: a}}, nil
}

// EraseUser ends a user's personal data (POST /erasures). The keys are destroyed after the event.
type EraseUser struct {
	User   uuid.UUID
	Reason string
}

// Decide erases once: again is nothing, though the keys are destroyed again by whoever asked.
func (c EraseUser) Decide(o Organisation) ([]Event, error) {
	u, there := o.Users[c.User]
	switch {
	case !there:
		return nil, unknown("user")
	case u.Erased:
		return nil, nil
	case u.Role == domain.Admin && o.onlyAdmin(c.User):
		return nil, lastAdmin()
	}
	if err := checkErasure(c.Reason); err != nil {
		return nil, err
	}
	return []Event{PersonErased{Subject: c.User, Keys: []uuid.UUID{u.Key}, Reason: ErasureReason(c.Reason)}}, nil
}

func checkErasure(reason string) error {
	var f faults
	f.required("body.reason", reason, maxName)
	return f.refusal()
}

// erasureReasons are the reasons for an erasure that the log keeps. Free text could name the very person who is erased.
var erasureReasons = []string{"asked", "retention-ended", "consent-withdrawn", "court-order", "mistake", "other"}

// ErasureReason is what the log keeps of a reason: one of a few words, "other" for everything else.
func ErasureReason(s string) string {
	s = strings.ToLower(strings.Join(strings.Fields(s), "-"))
	if slices.Contains(erasureReasons, s) {
		return s
	}
	return "other"
}

func (a Account) trimmed() Account {
	a.Name, a.Email, a.Telephone = trim(a.Name), trim(a.Email), trim(a.Telephone)
	return a
}

func trim(p domain.Personal) domain.Personal { return domain.Personal(strings.TrimSpace(p.Reveal())) }

// onlyAdmin tells whether no other admin could sign in.
func (o Organisation) onlyAdmin(id uuid.UUID) bool {
	for other, u := range o.Users {
		if other != id && u.Role == domain.Admin && !u.Disabled && !u.Erased {
			return false
		}
	}
	return o.Customer == uuid.Nil
}

func lastAdmin() error {
	return domain.Unprocessable("last-admin", "This is the only admin. Make another one first.")
}

func (o Organisation) check(a Account, emailNeeded, interpreterKnown bool) error {
	var f faults
	f.required("body.name", a.Name.Reveal(), maxName)
	f.email("body.email", a.Email.Reveal(), emailNeeded)
	f.telephone("body.telephone", a.Telephone.Reveal())
	ofCustomer := o.Customer != uuid.Nil
	switch {
	case ofCustomer:
		f.check(slices.Contains(CustomerRoles, a.Role), "body.role", "A customer's user is a requestor or a customer-admin.")
	case slices.Contains(CustomerRoles, a.Role):
		f.add("body.customer", "Name the customer whose user this is.")
	default:
		f.check(slices.Contains(AgencyRoles, a.Role), "body.role", "Choose a role of the agency.")
	}
	for i, p := range a.Permissions {
		f.check(ofCustomer && slices.Contains(Permissions, p), at("body.permissions", i), "There is no such permission for this role.")
	}
	known(&f, "body.clients", a.Clients, o.Clients)
	known(&f, "body.locations", a.Locations, o.Locations)
	if a.Role == domain.Interpreter {
		f.check(a.Interpreter != uuid.Nil && interpreterKnown, "body.interpreter", "Name the interpreter whose account this is.")
	} else {
		f.check(a.Interpreter == uuid.Nil, "body.interpreter", "Only an interpreter's account names an interpreter.")
	}
	return f.refusal()
}
