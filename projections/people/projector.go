// Package people is the read model of the directory: customers with their clients and locations, users, interpreters.
package people

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// Name is the read model's name.
const Name = "people"

//go:embed people.sql projector.go
var sources embed.FS

//go:embed people.sql
var tables string

// Projector fills the read model.
type Projector struct{}

// Name implements projections.Projector.
func (Projector) Name() string { return Name }

// SQL implements projections.Projector.
func (Projector) SQL() string { return tables }

// Sources implements projections.Projector.
func (Projector) Sources() fs.FS { return sources }

// Apply implements projections.Projector. All statements of a page go out in one round trip, in the events' order.
func (Projector) Apply(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	batch := &pgx.Batch{}
	for _, e := range page {
		if err := queue(batch, e); err != nil {
			return err
		}
	}
	if batch.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, batch).Close()
}

func queue(b *pgx.Batch, r eventschema.Recorded) error {
	at, revision := r.Meta.At, int64(r.Revision)
	switch e := r.Event.(type) {
	case people.CustomerCreated:
		return queueCustomer(b, e.Customer, e.Name, e.TimeZone, e.Settings, revision)
	case people.CustomerChanged:
		return queueCustomer(b, e.Customer, e.Name, e.TimeZone, e.Settings, revision)
	case people.ClientAdded:
		b.Queue(`insert into clients (client, customer, name, revision) values ($1, $2, $3, $4)`, e.Client, e.Customer, e.Name, revision)
	case people.ClientChanged:
		b.Queue(`update clients set name = $2, revision = $3 where client = $1`, e.Client, e.Name, revision)
	case people.LocationAdded:
		queueLocation(b, e.Customer, e.Location, e.Place, revision)
	case people.LocationChanged:
		queueLocation(b, e.Customer, e.Location, e.Place, revision)
	case people.UserAdded:
		queueUser(b, e.User, e.Account, at, revision)
	case people.UserChanged:
		queueUser(b, e.User, e.Account, at, revision)
	case people.InterpreterRegistered:
		return queueInterpreter(b, e.Interpreter, e.Profile, at, revision)
	case people.InterpreterChanged:
		return queueInterpreter(b, e.Interpreter, e.Profile, at, revision)
	case people.InterpreterSuspended:
		b.Queue(`update interpreters set suspended = true, revision = $2 where interpreter = $1`, e.Interpreter, revision)
	case people.InterpreterReinstated:
		b.Queue(`update interpreters set suspended = false, revision = $2 where interpreter = $1`, e.Interpreter, revision)
	case people.AvailabilitySet:
		return queueAvailability(b, e, revision)
	case people.PersonErased:
		queueErasure(b, e.Keys, revision)
	}
	return nil
}

func queueCustomer(b *pgx.Batch, id uuid.UUID, name, zone string, s people.CustomerSettings, revision int64) error {
	settings, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write a customer's settings: %w", err)
	}
	b.Queue(`insert into customers (customer, name, time_zone, settings, revision) values ($1, $2, $3, $4, $5)
		on conflict (customer) do update set name = excluded.name, time_zone = excluded.time_zone, settings = excluded.settings,
			revision = excluded.revision`, id, name, zone, settings, revision)
	return nil
}

func queueLocation(b *pgx.Batch, customer, id uuid.UUID, p people.Place, revision int64) {
	b.Queue(`
		insert into locations (location, customer, client, name, line1, line2, town, postcode, time_zone, latitude, longitude, revision, nation)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		on conflict (location) do update set client = excluded.client, name = excluded.name, line1 = excluded.line1, line2 = excluded.line2,
			town = excluded.town, postcode = excluded.postcode, time_zone = excluded.time_zone, latitude = excluded.latitude,
			longitude = excluded.longitude, nation = excluded.nation, revision = excluded.revision`,
		id, customer, orNull(p.Client), p.Name, p.Address.Line1, p.Address.Line2, p.Address.Town, p.Address.Postcode, p.TimeZone,
		p.Coordinates.Lat, p.Coordinates.Lon, revision, p.Nation)
}

func queueUser(b *pgx.Batch, id uuid.UUID, a people.Account, at time.Time, revision int64) {
	b.Queue(`
		insert into users (user_id, key_id, name, email, telephone, role, customer, interpreter, clients, locations, permissions, disabled, added_at, revision)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		on conflict (user_id) do update set key_id = excluded.key_id, name = excluded.name, email = excluded.email,
			telephone = excluded.telephone, role = excluded.role, customer = excluded.customer, interpreter = excluded.interpreter,
			clients = excluded.clients, locations = excluded.locations, permissions = excluded.permissions, disabled = excluded.disabled,
			revision = excluded.revision`,
		id, a.Key, a.Name.Reveal(), a.Email.Reveal(), a.Telephone.Reveal(), a.Role, orNull(a.Customer), orNull(a.Interpreter),
		list(a.Clients), list(a.Locations), list(a.Permissions), a.Disabled, at, revision)
}

func queueInterpreter(b *pgx.Batch, id uuid.UUID, p people.Profile, at time.Time, revision int64) error {
	credentials, err := json.Marshal(list(p.Credentials))
	if err != nil {
		return fmt.Errorf("write an interpreter's credentials: %w", err)
	}
	b.Queue(`
		insert into interpreters (interpreter, key_id, lin, name, gender, languages, skills, service_types, credentials, pait_id, telephone, email, registered_at,
			revision, spoken, coordinates, postcode, travel_radius_km)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
		on conflict (interpreter) do update set key_id = excluded.key_id, lin = excluded.lin, name = excluded.name, gender = excluded.gender,
			languages = excluded.languages, skills = excluded.skills, service_types = excluded.service_types,
			credentials = excluded.credentials, pait_id = excluded.pait_id, telephone = excluded.telephone, email = excluded.email,
			revision = excluded.revision, spoken = excluded.spoken, coordinates = excluded.coordinates, postcode = excluded.postcode,
			travel_radius_km = excluded.travel_radius_km`,
		id, p.Key, p.LIN, p.Name.Reveal(), p.Gender, list(p.Languages), list(p.Skills), list(p.ServiceTypes), credentials,
		p.PaitID.Reveal(), p.Telephone.Reveal(), p.Email.Reveal(), at, revision, spoken(p.Languages), p.Coordinates.Reveal(), p.Postcode.Reveal(),
		p.TravelRadiusKm)
	return nil
}

// away is a marked time as a row holds it.
type away struct {
	From domain.Moment `json:"from"`
	To   domain.Moment `json:"to"`
	Note string        `json:"note"`
}

func queueAvailability(b *pgx.Batch, e people.AvailabilitySet, revision int64) error {
	marked := make([]away, len(e.Unavailable))
	for i, a := range e.Unavailable {
		marked[i] = away{a.From, a.To, a.Note.Reveal()}
	}
	week, err := json.Marshal(list(e.Week))
	if err != nil {
		return fmt.Errorf("write an interpreter's week: %w", err)
	}
	unavailable, err := json.Marshal(marked)
	if err != nil {
		return fmt.Errorf("write an interpreter's marked times: %w", err)
	}
	b.Queue(`insert into availability (interpreter, key_id, time_zone, week, unavailable, revision) values ($1, $2, $3, $4, $5, $6)
		on conflict (interpreter) do update set key_id = excluded.key_id, time_zone = excluded.time_zone, week = excluded.week,
			unavailable = excluded.unavailable, revision = excluded.revision`, e.Interpreter, e.Key, e.TimeZone, week, unavailable, revision)
	return nil
}

// queueErasure leaves what a rebuild leaves: a sealed value decodes to [erased] once its key is destroyed. What an event always carries was
// sealed even when empty; what it leaves out when empty was not.
func queueErasure(b *pgx.Batch, keys []uuid.UUID, revision int64) {
	b.Queue(`update users set name = $2, email = $2, telephone = case telephone when '' then '' else $2 end, revision = $3 where key_id = any($1)`,
		keys, domain.Erased, revision)
	b.Queue(`update interpreters set name = $2, pait_id = case pait_id when '' then '' else $2 end,
		telephone = case telephone when '' then '' else $2 end, email = case email when '' then '' else $2 end,
		coordinates = case coordinates when '' then '' else $2 end, postcode = case postcode when '' then '' else $2 end,
		revision = $3 where key_id = any($1)`, keys, domain.Erased, revision)
	b.Queue(`update availability set unavailable = (select coalesce(jsonb_agg(
			case a->>'note' when '' then a else jsonb_set(a, '{note}', to_jsonb($2::text)) end order by n), '[]')
		from jsonb_array_elements(unavailable) with ordinality as marked(a, n)) where key_id = any($1)`, keys, domain.Erased)
}

// spoken are languages in small letters: codes mean the same in any.
func spoken(languages []string) []string {
	out := make([]string, len(languages))
	for i, l := range languages {
		out[i] = strings.ToLower(l)
	}
	return out
}

func orNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// list is never null in a row.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
