// Package demo makes a small world through real commands: an agency with customers, interpreters and jobs in every state, so that whoever
// starts Dragoman for the first time finds something to look at. The same seed and day make the same world.
package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
)

// Password is every demo user's. It opens only data that the demo made.
const Password = "dragoman-demo"

// Zone is where the demo's agency, customers and locations are.
const Zone = "Europe/London"

// FirstNumber is the demo's first job number; the contract keeps them below 1000000.
const FirstNumber = 100001

// Logins are the user names, in the order in which they are shown. All but the last two equal a role.
var Logins = []string{"requestor", "customer-admin", "assigner", "finance", "admin", "safeguarding", "interpreter", "auditor", "analyst",
	"requestor2", "interpreter2"}

// Size is how much of a world to make.
type Size int

// Small has what the README's tour needs and no jobs; Full has jobs of three past months and six weeks ahead.
const (
	Small Size = iota
	Full
)

// Fill makes the world as of the moment at which the deployment began. It may be run again after it was cut short: the same moment leads to the
// same commands with the same ids, so nothing is made twice.
func Fill(ctx context.Context, c *commands.Handler, began time.Time, size Size, say func(string)) error {
	w := &world{
		ctx: ctx, commands: c, now: began.UTC().Truncate(time.Minute), random: rand.New(rand.NewPCG(20200326, uint64(size))),
		system: access.Viewer{Role: domain.System, User: uuid.NewSHA1(domain.Namespace, []byte("demo")), Zone: Zone},
	}
	w.at = w.now.AddDate(0, 0, -120)
	say("people and places")
	if err := w.people(); err != nil {
		return fmt.Errorf("make the demo's people: %w", err)
	}
	if size == Full {
		if err := w.jobs(say); err != nil {
			return fmt.Errorf("make the demo's jobs: %w", err)
		}
		if _, err := c.SetWaves(ctx, w.by(w.system, "set-waves"), people.SetWaves{Rows: waves}); err != nil {
			return fmt.Errorf("set the demo's waves: %w", err)
		}
		if err := w.corners(); err != nil {
			return err
		}
	}
	return nil
}

type world struct {
	ctx      context.Context
	commands *commands.Handler
	now      time.Time // when the deployment began
	at       time.Time // business time of the next command
	count    int
	random   *rand.Rand
	system   access.Viewer

	customers []customer
	assigner  access.Viewer
	lins      map[string][]string // language → LINs
}

type customer struct {
	id        uuid.UUID
	clients   []uuid.UUID
	locations []uuid.UUID
	requestor access.Viewer
}

// by is the next command of a viewer, under an id that the same run makes again.
func (w *world) by(v access.Viewer, name string) commands.Request {
	w.count++
	v.Now = w.at
	return commands.Request{Viewer: v, Name: name, At: w.at, CommandID: commands.CommandID(w.system.User, "DEMO", name, strconv.Itoa(w.count))}
}

var allPermissions = []domain.Permission{domain.MayCreate, domain.MayEdit, domain.MayClose, domain.MayCancel, domain.MayReports,
	domain.MayFinancials, domain.MayEditLocations}

func (w *world) people() error {
	if _, err := w.commands.SetNextNumber(w.ctx, w.by(w.system, "set-numbering"), people.NumberingJob, FirstNumber); err != nil {
		return err
	}
	for _, o := range organisations {
		made, err := w.commands.CreateCustomer(w.ctx, w.by(w.system, "create-customer"), people.CreateCustomer{Name: o.name, TimeZone: Zone,
			Settings: people.CustomerSettings{BillTo: o.name + ", Accounts Payable"}})
		if err != nil {
			return err
		}
		c := customer{id: made.ID}
		for _, name := range o.clients {
			made, err := w.commands.AddClient(w.ctx, w.by(w.system, "create-client"), c.id, name)
			if err != nil {
				return err
			}
			c.clients = append(c.clients, made.ID)
		}
		for i, p := range o.places {
			made, err := w.commands.AddLocation(w.ctx, w.by(w.system, "create-location"), c.id, people.Place{Client: c.clients[i%len(c.clients)],
				Name: p.name, Address: people.PostalAddress{Line1: p.line1, Town: p.town, Postcode: p.postcode}, TimeZone: Zone, Coordinates: p.at})
			if err != nil {
				return err
			}
			c.locations = append(c.locations, made.ID)
		}
		w.customers = append(w.customers, c)
	}
	if err := w.interpreters(); err != nil {
		return err
	}
	return w.users()
}

func (w *world) interpreters() error {
	w.lins = map[string][]string{}
	var held []people.Credential
	for _, kind := range credentials {
		held = append(held, people.Credential{Kind: kind, Reference: strings.ToUpper(kind), ValidFrom: "2015-01-01", ValidTo: "2099-12-31"})
	}
	for i, p := range interpreters {
		first, _, _ := strings.Cut(strings.ToLower(p.name), " ")
		_, err := w.commands.RegisterInterpreter(w.ctx, w.by(w.system, "register-interpreter"), people.Profile{
			LIN: p.lin, Name: domain.Personal(p.name), Gender: p.gender, Languages: p.languages, Credentials: held,
			Skills:       []string{"spoken-only", "spoken-and-written", "sight-translation"},
			ServiceTypes: []string{"face-to-face", "remote"},
			PaitID:       domain.Personal(fmt.Sprintf("PAIT-%05d", 20417+i*31)),
			Telephone:    domain.Personal(fmt.Sprintf("07700 900%03d", 100+i)),
			Email:        domain.Personal(fmt.Sprintf("interpreter%02d@dragoman.example", i+1)),
			Coordinates:  people.HomeAt(homes[i%len(homes)]),
		})
		if err != nil {
			return fmt.Errorf("%s (%s): %w", p.lin, first, err)
		}
		for _, l := range p.languages {
			w.lins[l] = append(w.lins[l], p.lin)
		}
	}
	return nil
}

func (w *world) users() error {
	for _, login := range Logins {
		account := people.Account{Role: domain.Role(strings.TrimSuffix(login, "2")), Email: domain.Personal(login + "@dragoman.example")}
		switch login {
		case "requestor", "customer-admin":
			account.Customer, account.Permissions = w.customers[0].id, allPermissions
		case "requestor2":
			account.Customer, account.Permissions = w.customers[1].id, allPermissions
		case "interpreter":
			account.Interpreter = domain.InterpreterID(interpreters[0].lin)
		case "interpreter2":
			account.Interpreter = domain.InterpreterID(interpreters[1].lin)
		}
		account.Name = domain.Personal(names[login])
		made, err := w.commands.AddUser(w.ctx, w.by(w.system, "create-user"), commands.UserIn{Username: login, Password: Password, Account: account})
		if err != nil {
			return fmt.Errorf("user %s: %w", login, err)
		}
		v := access.Viewer{User: made.ID, Role: account.Role, Customer: account.Customer, Permissions: account.Permissions, Zone: Zone}
		switch login {
		case "requestor":
			w.customers[0].requestor = v
		case "requestor2":
			w.customers[1].requestor = v
		case "assigner":
			w.assigner = v
		}
	}
	// The third customer has no login of its own: its bookings come in by telephone, so staff make them.
	w.customers[2].requestor = w.assigner
	return nil
}

var names = map[string]string{
	"requestor": "Rosa Whitfield", "customer-admin": "Callum Archer", "assigner": "Asha Grant", "finance": "Felix Brandt",
	"admin": "Adele Munroe", "safeguarding": "Sabine Holt", "interpreter": "Ana Nowak", "auditor": "Audrey Penn", "analyst": "Anton Kerr",
	"requestor2": "Ruben Castle", "interpreter2": "Benedykt Wilk",
}

// job sends a command on a job.
func (w *world) job(by access.Viewer, ref, name string, build func(booking.Job) booking.Command) error {
	_, err := w.commands.Job(w.ctx, w.by(by, name), ref, func(j booking.Job) (booking.Command, error) { return build(j), nil })
	if err != nil {
		return fmt.Errorf("%s %s: %w", name, ref, err)
	}
	return nil
}
