package commands

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/dragoman-booking/dragoman/domain/billing"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/diary"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/telemetry"
)

// Refs leads from what a caller names to what holds it; the refs read model implements it.
type Refs interface {
	// Resolve tells which booking and job a reference names; false if the read model does not know it (yet).
	Resolve(ctx context.Context, ref string) (booking, job uuid.UUID, known bool, err error)
	// Owner tells to which customer a client, location or user belongs, zero for the agency's own users; false if unknown (yet).
	Owner(ctx context.Context, id uuid.UUID) (customer uuid.UUID, known bool, err error)
	// CommandStream tells in which stream a command's events stand, if that stream followed from what was sent; false if unknown (yet).
	CommandStream(ctx context.Context, command uuid.UUID) (stream string, known bool, err error)
	// Reach waits until the read model has applied everything up to the position; eventschema.ErrBehind after five seconds.
	Reach(ctx context.Context, p eventschema.Position) error
}

// Waiter waits until read models have applied everything up to a position; eventschema.ErrBehind after five seconds. Commands that grant or
// revoke answer when access has.
type Waiter interface {
	WaitFor(ctx context.Context, p eventschema.Position, models ...string) error
}

// accessModel is the read model that says per request who may what.
const accessModel = "access"

// Login is what a new user signs in with. Password empty: none yet, a one-time link sets it.
type Login struct {
	User     uuid.UUID
	Username string
	Email    string
	PIN      string
	Password string
	// Issued: somebody else chose the password, so the user is asked for another at first sign-in (II-03).
	Issued bool
}

// Accounts keeps logins; internal/accounts implements it. Names are unique there, so a login is made before its user's event.
type Accounts interface {
	// AddLogin inserts the login. The same login again is no error; a name that another user has is a *domain.Refusal (422 username-taken).
	AddLogin(ctx context.Context, l Login) error
	// ChangeLogin sets the names of an existing login; empty means untouched. A name that another user has is a *domain.Refusal.
	ChangeLogin(ctx context.Context, l Login) error
	// RemoveLogin ends sign-in, sessions and tokens for ever: the user was erased.
	RemoveLogin(ctx context.Context, user uuid.UUID) error
	// SetDisabled bars a user, whose sessions and tokens end at once, or lets the user sign in again.
	SetDisabled(ctx context.Context, user uuid.UUID, disabled bool) error
	// BeginSetup gives the first admin of an empty deployment a login against the one-time token, and returns the admin's id, which follows
	// from the token; a bad token is a *domain.Refusal. FinishSetup ends all such tokens once the admin's event is written.
	BeginSetup(ctx context.Context, token string, l Login) (uuid.UUID, error)
	FinishSetup(ctx context.Context) error
}

// Clock tells the business time; the test clock moves it. Sessions, retries and recordedAt do not use it.
type Clock interface{ Now() time.Time }

// Config is what the handler stands on. All fields are required unless they say otherwise.
type Config struct {
	Log        Log
	Codec      Codec
	PersonKeys PersonKeys
	Refs       Refs
	Models     Waiter
	Accounts   Accounts
	Clock      Clock
	Candidates Candidates       // nil: no waves go out, and offers keep no counts of those who were not asked
	HashKey    []byte           // keys the hash of canonical requests; 32 bytes, the same for all processes of a deployment
	Machine    func() time.Time // the machine's clock, for recordedAt; default time.Now
	Logger     *slog.Logger     // default slog.Default()
	Cache      int              // how many streams of each kind stay folded; default 10,000

	Traces  *telemetry.Traces     // nil: commands are not traced
	Metrics prometheus.Registerer // nil: what is counted is not shown
}

func (c Config) validate() error {
	switch {
	case c.Log == nil, c.Codec == nil, c.PersonKeys == nil, c.Refs == nil, c.Models == nil, c.Accounts == nil, c.Clock == nil:
		return fmt.Errorf("commands: Log, Codec, PersonKeys, Refs, Models, Accounts and Clock are needed")
	case len(c.HashKey) < 32:
		return fmt.Errorf("commands: the hash key has %d bytes, 32 are needed", len(c.HashKey))
	}
	return nil
}

// Handler carries out commands. It is safe for use by many goroutines; any number of processes may run one on the same log.
type Handler struct {
	log        Log
	codec      Codec
	keys       PersonKeys
	refs       Refs
	models     Waiter
	accounts   Accounts
	clock      Clock
	candidates Candidates
	machine    func() time.Time
	hashKey    []byte
	logger     *slog.Logger
	measures   measures

	bookings     *streams[booking.State]
	diaries      *streams[diary.State]
	interpreters *streams[people.Interpreter]
	customers    *streams[people.Customer]
	agency       *streams[people.Agency]
	forms        *streams[forms.FormState]
	terms        *streams[forms.TermsState]
	billing      *streams[billing.State]
	numbering    *streams[people.Numbering]
	postcodes    *streams[people.Postcodes]

	keyed queues // commands under an idempotency key whose stream follows from what was sent

	numbers *numbers
	made    *made
}

// New makes a handler.
func New(c Config) (*Handler, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if c.Machine == nil {
		c.Machine = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Cache == 0 {
		c.Cache = 10_000
	}
	m, err := newMeasures(c.Traces, c.Metrics)
	if err != nil {
		return nil, err
	}
	h := &Handler{
		log: c.Log, codec: c.Codec, keys: c.PersonKeys, refs: c.Refs, models: c.Models, accounts: c.Accounts, clock: c.Clock, candidates: c.Candidates,
		machine: c.Machine, hashKey: c.HashKey, logger: c.Logger, measures: m,
		bookings:     newStreams(m.folds, eventschema.Booking, c.Log, c.Codec, c.Cache, evolveBooking),
		diaries:      newStreams(m.folds, eventschema.Diary, c.Log, c.Codec, c.Cache, evolveWith(diary.Evolve)),
		interpreters: newStreams(m.folds, eventschema.Interpreter, c.Log, c.Codec, c.Cache, evolveInterpreter),
		customers:    newStreams(m.folds, eventschema.Customer, c.Log, c.Codec, c.Cache, evolveCustomer),
		agency:       newStreams(m.folds, eventschema.Agency, c.Log, c.Codec, 1, evolveAgency),
		forms:        newStreams(m.folds, eventschema.Form, c.Log, c.Codec, c.Cache, evolveWith(forms.EvolveForm)),
		terms:        newStreams(m.folds, eventschema.Terms, c.Log, c.Codec, c.Cache, evolveWith(forms.EvolveTerms)),
		billing:      newStreams(m.folds, eventschema.Billing, c.Log, c.Codec, c.Cache, evolveWith(billing.Evolve)),
		numbering:    newStreams(m.folds, eventschema.Numbering, c.Log, c.Codec, 10, evolveWith(people.EvolveNumbering)),
		postcodes:    newStreams(m.folds, eventschema.Postcodes, c.Log, c.Codec, 1, evolveWith(people.EvolvePostcodes)),
		made:         newMade(),
	}
	h.numbers = &numbers{}
	h.diaries.carried = carriesForward
	h.customers.clone, h.agency.clone = people.Customer.Clone, people.Agency.Clone
	h.billing.clone, h.numbering.clone = billing.State.Clone, people.Numbering.Clone
	h.bookings.wipes, h.interpreters.wipes, h.customers.wipes, h.agency.wipes = erases, erases, erases, erases
	return h, nil
}

// Forget drops what this process remembers of a stream, so that it is read anew: whoever erases a person elsewhere calls it.
func (h *Handler) Forget(stream string) {
	switch eventschema.KindOf(stream) {
	case eventschema.Booking:
		h.bookings.forget(stream)
	case eventschema.Diary:
		h.diaries.forget(stream)
	case eventschema.Interpreter:
		h.interpreters.forget(stream)
	case eventschema.Customer:
		h.customers.forget(stream)
	case eventschema.Agency:
		h.agency.forget(stream)
	}
}
