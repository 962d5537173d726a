package people

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/pseudonyms"
)

// Queries answers from the directory. Every question takes a viewer and returns only what that viewer may read; who may read nothing of a
// kind gets an empty list, and "not found" for a single one.
type Queries struct{ Models *projections.Models }

// Customer is an organisation as the directory shows it.
type Customer struct {
	ID       uuid.UUID
	Name     string
	TimeZone string
	Settings people.CustomerSettings
	Revision uint64
}

// Client is a customer's sub-unit.
type Client struct {
	ID           uuid.UUID
	Customer     uuid.UUID
	CustomerName string
	Name         string
	Revision     uint64
}

// Location is where a customer's jobs take place. TimeZone is never empty: the customer's if the location has none of its own.
type Location struct {
	ID           uuid.UUID
	Customer     uuid.UUID
	CustomerName string
	Client       *uuid.UUID
	ClientName   *string
	Name         string
	Line1        string
	Line2        string
	Town         string
	Postcode     string
	TimeZone     string
	Nation       string  // its own; empty: the customer's
	Latitude     float64 // both 0: not known
	Longitude    float64
	Revision     uint64
}

// User is someone who can sign in; the login name lies with the accounts.
type User struct {
	ID           uuid.UUID
	Name         string
	Email        string
	Telephone    string
	Role         domain.Role
	Customer     *uuid.UUID
	CustomerName *string
	Interpreter  *uuid.UUID
	LIN          *string
	Clients      []uuid.UUID
	Locations    []uuid.UUID
	Permissions  []domain.Permission
	Disabled     bool
	AddedAt      time.Time
	Revision     uint64
}

// Interpreter is one interpreter's directory entry.
type Interpreter struct {
	ID           uuid.UUID
	LIN          string
	Name         string
	Gender       string
	Languages    []string
	Skills       []string
	ServiceTypes []string
	Credentials  []people.Credential
	PaitID       string
	Telephone    string
	Email        string
	// Coordinates ("53.7965,-1.5478", may be empty) and Postcode are where the interpreter sets out from.
	Coordinates    string
	Postcode       string
	TravelRadiusKm int
	Suspended      bool
	RegisteredAt   time.Time
	Revision       uint64
}

// may tells whether the viewer reads an area at all.
func may(v access.Viewer, area access.Area) bool { return access.MayManage(v, area) == nil }

// own narrows to the viewer's organisation: its id, or null for everyone who is not a customer's user.
func own(v access.Viewer) *uuid.UUID {
	if v.OfCustomer() {
		return &v.Customer
	}
	return nil
}

const customersSQL = `
select customer as id, name, time_zone, settings, revision from {people}.customers
where ($1::uuid is null or customer = $1) and ($2::uuid is null or customer = $2)`

// Customers lists organisations: staff all, a customer's user the own one. What was agreed with it is for staff and auditors.
func (q Queries) Customers(ctx context.Context, v access.Viewer, l projections.ListQuery) (projections.ListPage[Customer], error) {
	if !may(v, access.ReadCustomers) {
		return projections.ListPage[Customer]{}, nil
	}
	page, err := projections.List[Customer](ctx, q.Models, l, projections.Fields{"name": "name", "timeZone": "time_zone"}, "name, id", customersSQL, own(v), nil)
	if v.OfCustomer() {
		for i := range page.Items {
			page.Items[i].Settings = visibleSettings(page.Items[i].Settings)
		}
	}
	return page, wrap("list customers", err)
}

// Customer is one of them.
func (q Queries) Customer(ctx context.Context, v access.Viewer, id uuid.UUID) (c Customer, found bool, err error) {
	if !may(v, access.ReadCustomers) {
		return c, false, nil
	}
	c, found, err = projections.One(ctx, q.Models, pgx.RowToStructByName[Customer], customersSQL, own(v), id)
	if v.OfCustomer() {
		c.Settings = visibleSettings(c.Settings)
	}
	return c, found, wrap("read a customer", err)
}

// visibleSettings is what a customer's user may know of the agreement: what decides over the own commands, not how it is billed.
func visibleSettings(s people.CustomerSettings) people.CustomerSettings {
	s.BillTo = ""
	return s
}

const clientsSQL = `
select c.client as id, c.customer, o.name as customer_name, c.name, c.revision
from {people}.clients c join {people}.customers o using (customer)
where ($1::uuid is null or c.customer = $1) and (cardinality($2::uuid[]) = 0 or c.client = any($2)) and ($3::uuid is null or c.customer = $3)
and ($4::uuid is null or c.client = $4)`

// Clients lists sub-units, of one customer unless that is nil: a requestor's own ones, staff all.
func (q Queries) Clients(ctx context.Context, v access.Viewer, customer uuid.UUID, l projections.ListQuery) (projections.ListPage[Client], error) {
	if !may(v, access.ReadCustomers) {
		return projections.ListPage[Client]{}, nil
	}
	page, err := projections.List[Client](ctx, q.Models, l, projections.Fields{"name": "name", "customer": "customer_name", "customerName": "customer_name"}, "customer_name, name, id",
		clientsSQL, own(v), narrowed(v, v.Clients), orNull(customer), nil)
	return page, wrap("list clients", err)
}

// Client is one of them.
func (q Queries) Client(ctx context.Context, v access.Viewer, id uuid.UUID) (c Client, found bool, err error) {
	if !may(v, access.ReadCustomers) {
		return c, false, nil
	}
	c, found, err = projections.One(ctx, q.Models, pgx.RowToStructByName[Client], clientsSQL, own(v), narrowed(v, v.Clients), nil, id)
	return c, found, wrap("read a client", err)
}

const locationsSQL = `
select l.location as id, l.customer, o.name as customer_name, l.client, c.name as client_name, l.name, l.line1, l.line2, l.town, l.postcode,
	case l.time_zone when '' then o.time_zone else l.time_zone end as time_zone, l.nation, l.latitude, l.longitude, l.revision
from {people}.locations l join {people}.customers o using (customer) left join {people}.clients c using (client)
where ($1::uuid is null or l.customer = $1) and (cardinality($2::uuid[]) = 0 or l.location = any($2))
and (cardinality($3::uuid[]) = 0 or l.client is null or l.client = any($3)) and ($4::uuid is null or l.customer = $4)
and ($5::uuid is null or l.location = $5)`

// Locations lists where jobs take place, of one customer unless that is nil: a requestor's own locations, and those of the own clients.
func (q Queries) Locations(ctx context.Context, v access.Viewer, customer uuid.UUID, l projections.ListQuery) (projections.ListPage[Location], error) {
	if !may(v, access.ReadCustomers) {
		return projections.ListPage[Location]{}, nil
	}
	page, err := projections.List[Location](ctx, q.Models, l,
		projections.Fields{"name": "name", "address": "concat_ws(' ', line1, nullif(line2, ''), town, postcode)", "town": "town", "postcode": "postcode",
			"customer": "customer_name", "customerName": "customer_name", "client": "client_name", "clientName": "client_name", "timeZone": "time_zone"},
		"customer_name, name, id",
		locationsSQL, own(v), narrowed(v, v.Locations), narrowed(v, v.Clients), orNull(customer), nil)
	return page, wrap("list locations", err)
}

// Location is one of them.
func (q Queries) Location(ctx context.Context, v access.Viewer, id uuid.UUID) (l Location, found bool, err error) {
	if !may(v, access.ReadCustomers) {
		return l, false, nil
	}
	l, found, err = projections.One(ctx, q.Models, pgx.RowToStructByName[Location], locationsSQL, own(v), narrowed(v, v.Locations), narrowed(v, v.Clients), nil, id)
	return l, found, wrap("read a location", err)
}

// narrowed are the ids that a requestor is narrowed to; nobody else is.
func narrowed(v access.Viewer, ids []uuid.UUID) []uuid.UUID {
	if v.Role != domain.Requestor {
		return []uuid.UUID{}
	}
	return list(ids)
}

const usersSQL = `
select u.user_id as id, u.name, u.email, u.telephone, u.role, u.customer, o.name as customer_name, u.interpreter, i.lin,
	u.clients, u.locations, u.permissions, u.disabled, u.added_at, u.revision
from {people}.users u left join {people}.customers o using (customer) left join {people}.interpreters i using (interpreter)
where ($1::uuid is null or u.customer = $1) and ($2::uuid is null or u.user_id = $2)`

// Users lists who can sign in: a customer-admin the own organisation's, admins and auditors all.
func (q Queries) Users(ctx context.Context, v access.Viewer, l projections.ListQuery) (projections.ListPage[User], error) {
	if !may(v, access.ReadUsers) {
		return projections.ListPage[User]{}, nil
	}
	page, err := projections.List[User](ctx, q.Models, l,
		projections.Fields{"name": "name", "email": "email", "telephone": "telephone", "role": "role", "customer": "customer_name", "customerName": "customer_name",
			"lin": "lin", "permissions": listed("permissions"), "disabled": "disabled", "addedAt": day("added_at")}, "name, id", usersSQL, own(v), nil)
	return page, wrap("list users", err)
}

// User is one of them. Everyone may read the own entry.
func (q Queries) User(ctx context.Context, v access.Viewer, id uuid.UUID) (u User, found bool, err error) {
	if !may(v, access.ReadUsers) && id != v.User {
		return u, false, nil
	}
	u, found, err = projections.One(ctx, q.Models, pgx.RowToStructByName[User], usersSQL, own(v), id)
	return u, found, wrap("read a user", err)
}

// interpretersSQL are interpreters under the ids that the viewer knows them by: an analyst is given others, and finds nobody by the real one.
func interpretersSQL(v access.Viewer) string {
	id := "interpreter"
	if v.Role == domain.Analyst {
		id = pseudonyms.IDSQL(access.AnInterpreter, id)
	}
	return `
select ` + id + ` as id, lin, name, gender, languages, skills, service_types, credentials, pait_id, telephone, email, coordinates, postcode, travel_radius_km,
	suspended, registered_at, revision
from {people}.interpreters where ($1::uuid is null or ` + id + ` = $1)`
}

// Interpreters lists who can be offered work: staff and auditors; analysts with personal columns pseudonymised.
func (q Queries) Interpreters(ctx context.Context, v access.Viewer, l projections.ListQuery) (projections.ListPage[Interpreter], error) {
	if !may(v, access.ReadInterpreters) {
		return projections.ListPage[Interpreter]{}, nil
	}
	// Between commas, so that one may ask for the very code: ",ro," and not Romani's.
	fields := projections.Fields{"languages": listed("languages"), "skills": listed("skills"), "gender": "gender", "suspended": "suspended",
		"serviceTypes": listed("service_types"), "travelRadiusKm": "travel_radius_km", "registeredAt": day("registered_at")}
	order := "id"
	if v.Role != domain.Analyst { // whom a filter by name finds tells the name
		fields["name"], fields["lin"], fields["email"], order = "name", "lin", "email", "name, lin"
		fields["telephone"], fields["paitId"], fields["postcode"] = "telephone", "pait_id", "postcode"
	}
	page, err := projections.List[Interpreter](ctx, q.Models, l, fields, order, interpretersSQL(v), nil)
	for i := range page.Items {
		page.Items[i] = forViewer(v, page.Items[i])
	}
	return page, wrap("list interpreters", err)
}

// day is an instant as the contract writes it, so that one may ask for a day of it.
func day(column string) string {
	return "to_char(" + column + ` at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`
}

func listed(column string) string { return "',' || array_to_string(" + column + ", ',') || ','" }

// Interpreter is one of them. An interpreter may read the own entry.
func (q Queries) Interpreter(ctx context.Context, v access.Viewer, id uuid.UUID) (i Interpreter, found bool, err error) {
	if !may(v, access.ReadInterpreters) && (v.Role != domain.Interpreter || id != v.Interpreter) {
		return i, false, nil
	}
	i, found, err = projections.One(ctx, q.Models, pgx.RowToStructByName[Interpreter], interpretersSQL(v), id)
	return forViewer(v, i), found, wrap("read an interpreter", err)
}

// Availability is what the interpreter who asks said about the own time, and the revision of that; nothing yet: false.
func (q Queries) Availability(ctx context.Context, v access.Viewer) (a people.Availability, revision uint64, found bool, err error) {
	if v.Role != domain.Interpreter {
		return a, 0, false, nil
	}
	type row struct {
		TimeZone    string
		Week        []people.WorkingTime
		Unavailable []away
		Revision    uint64
	}
	r, found, err := projections.One(ctx, q.Models, pgx.RowToStructByName[row],
		`select time_zone, week, unavailable, revision from {people}.availability where interpreter = $1`, v.Interpreter)
	a = people.Availability{TimeZone: r.TimeZone, Week: r.Week}
	for _, m := range r.Unavailable {
		a.Unavailable = append(a.Unavailable, people.Away{From: m.From, To: m.To, Note: domain.Personal(m.Note)})
	}
	return a, r.Revision, found, wrap("read availability", err)
}

// forViewer hides who someone is from an analyst: rows can be counted, and joined by the pseudonym.
func forViewer(v access.Viewer, i Interpreter) Interpreter {
	if v.Role != domain.Analyst {
		return i
	}
	i.Name, i.LIN = pseudonyms.Name(access.AnInterpreter, i.ID), ""
	i.PaitID, i.Telephone, i.Email, i.Coordinates, i.Postcode = "", "", "", "", ""
	for n := range i.Credentials {
		i.Credentials[n].Reference = ""
	}
	return i
}

// CustomerNames are customers' names by id. Whom the viewer may not see is left out.
func (q Queries) CustomerNames(ctx context.Context, v access.Viewer, customers []uuid.UUID) (map[uuid.UUID]string, error) {
	type row struct {
		ID   uuid.UUID
		Name string
	}
	if !may(v, access.ReadCustomers) {
		return nil, nil
	}
	rows, err := projections.Collect(ctx, q.Models, pgx.RowToStructByName[row],
		`select customer as id, name from {people}.customers where customer = any($1) and ($2::uuid is null or customer = $2)`, customers, own(v))
	names := make(map[uuid.UUID]string, len(rows))
	for _, r := range rows {
		names[r.ID] = r.Name
	}
	return names, wrap("read customers' names", err)
}

// Names are users' names by id, for pages that say who did something: staff and auditors see all, others only people of their own
// organisation. An interpreter who acted without a login of one's own is known by the profile. Whom the viewer may not see is left out.
func (q Queries) Names(ctx context.Context, v access.Viewer, users []uuid.UUID) (map[uuid.UUID]string, error) {
	type row struct {
		ID   uuid.UUID
		Name string
	}
	if v.Role == domain.Analyst || v.Role == domain.Guest {
		return nil, nil
	}
	all := v.Staff() || v.Role == domain.Auditor
	rows, err := projections.Collect(ctx, q.Models, pgx.RowToStructByName[row], `
		select user_id as id, name from {people}.users where user_id = any($1) and ($2 or user_id = $3 or customer = $4)
		union all
		select interpreter, name from {people}.interpreters i
		where $2 and interpreter = any($1) and not exists (select from {people}.users u where u.user_id = i.interpreter)`,
		users, all, v.User, orNull(v.Customer))
	names := make(map[uuid.UUID]string, len(rows))
	for _, r := range rows {
		names[r.ID] = r.Name
	}
	return names, wrap("read names", err)
}

func wrap(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
