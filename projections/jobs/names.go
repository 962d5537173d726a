package jobs

import (
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections/rows"
)

const (
	nameCustomerSQL = `insert into customers (customer, name) values ($1, $2) on conflict (customer) do update set name = excluded.name`
	nameClientSQL   = `insert into clients (client, name) values ($1, $2) on conflict (client) do update set name = excluded.name`
	nameLocationSQL = `insert into locations (location, name) values ($1, $2) on conflict (location) do update set name = excluded.name`
	nameUserSQL     = `insert into users (user_id, key_id, customer, name) values ($1, $2, $3, $4)
		on conflict (user_id) do update set key_id = excluded.key_id, customer = excluded.customer, name = excluded.name`
	nameInterpreterSQL = `insert into interpreters (interpreter, key_id, lin, name, credentials, pait_id, telephone, email)
		values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict (interpreter) do update set key_id = excluded.key_id, lin = excluded.lin, name = excluded.name,
			credentials = excluded.credentials, pait_id = excluded.pait_id, telephone = excluded.telephone, email = excluded.email`
	nameLanguageSQL = `insert into languages (code, name) values ($1, $2) on conflict (code) do update set name = excluded.name`
	defineFormSQL   = `insert into forms (form, version, definition) values ($1, $2, $3)
		on conflict (form, version) do update set definition = excluded.definition`
)

// names keeps what lists show besides the jobs' own values. These events are few: one statement each, all in the page's round trip.
func (f *fold) names(event any, at time.Time) {
	switch e := event.(type) {
	case people.AgencyChanged:
		f.batch.Queue(nameCustomerSQL, uuid.Nil, e.Settings.Name)
		f.batch.Queue(`delete from languages`)
		for _, l := range e.Settings.Languages {
			f.batch.Queue(nameLanguageSQL, l.Code, l.Name)
		}
	case people.CustomerCreated:
		f.batch.Queue(nameCustomerSQL, e.Customer, e.Name)
	case people.CustomerChanged:
		f.batch.Queue(nameCustomerSQL, e.Customer, e.Name)
	case people.ClientAdded:
		f.batch.Queue(nameClientSQL, e.Client, e.Name)
	case people.ClientChanged:
		f.batch.Queue(nameClientSQL, e.Client, e.Name)
	case people.LocationAdded:
		f.batch.Queue(nameLocationSQL, e.Location, e.Name)
	case people.LocationChanged:
		f.batch.Queue(nameLocationSQL, e.Location, e.Name)
	case people.UserAdded:
		f.user(e.User, e.Account)
	case people.UserChanged:
		f.user(e.User, e.Account)
	case people.InterpreterRegistered:
		f.profile(e.Interpreter, e.Profile)
	case people.InterpreterChanged:
		f.profile(e.Interpreter, e.Profile)
	case people.InterpreterSuspended:
		f.batch.Queue(`update interpreters set suspended_at = $2 where interpreter = $1`, e.Interpreter, at)
	case people.InterpreterReinstated:
		f.batch.Queue(`update interpreters set suspended_at = null where interpreter = $1`, e.Interpreter)
	case people.PersonErased:
		f.batch.Queue(`update users set name = $2 where key_id = any($1)`, e.Keys, domain.Erased)
		f.batch.Queue(`update interpreters set name = $2, pait_id = case pait_id when '' then '' else $2 end,
			telephone = case telephone when '' then '' else $2 end, email = case email when '' then '' else $2 end
			where key_id = any($1)`, e.Keys, domain.Erased)
	case forms.Defined:
		f.batch.Queue(defineFormSQL, e.Form.ID, e.Form.Version, mustJSON(e.Form))
	}
}

func (f *fold) user(id uuid.UUID, a people.Account) {
	f.batch.Queue(nameUserSQL, id, a.Key, rows.ID(a.Customer), a.Name.Reveal())
}

func (f *fold) profile(id uuid.UUID, p people.Profile) {
	list := p.Credentials
	if list == nil {
		list = []people.Credential{}
	}
	f.batch.Queue(nameInterpreterSQL, id, p.Key, p.LIN, p.Name.Reveal(), mustJSON(list), p.PaitID.Reveal(), p.Telephone.Reveal(), p.Email.Reveal())
}
