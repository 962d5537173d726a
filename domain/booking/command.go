package booking

import (
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
)

// Command is a wish about a booking. Decide looks at what has happened and answers with what happens next, or refuses; it repeats itself
// exactly for equal arguments. Nothing to do is an empty decision, not a refusal.
type Command interface {
	Name() string // as in the HTTP contract: send-offer, assign, …
	Decide(s State, env Env) (Decision, error)
}

// Adding is a command that makes further jobs of a booking. Their references are drawn once it is known how many there are: without references it
// is decided all the same, to be counted or previewed, but not to be stored.
type Adding interface {
	Command
	Numbered(refs []string) Command
}

// Env is what a decision may know besides the stream: everything that the caller looked up.
//
// What is the same for every attempt to decide is kept out of its JSON form, of which a preview's token is made: the rest is what a decision
// rests on.
type Env struct {
	Now   time.Time    `json:"-"` // business time at which the command was first received, UTC
	Actor domain.Actor `json:"-"` // who wishes; rights were checked before
	// NewID derives an id from this attempt to decide and a name: asked twice it is the same, and no other attempt, in whichever process,
	// makes it. So whoever reserved time under an id of its own may give it back. A repeated command is recognised before it is decided.
	NewID func(name string) uuid.UUID `json:"-"`
	Form  forms.Form                  // the version this booking was made with; the newest for Create
	Terms forms.Terms                 // in force: for the fees shown in offers
	// Settings of the agency and the booking's customer, as of now.
	Agency        people.AgencySettings
	AgencyVersion int
	Customer      people.CustomerSettings
	CustomerZone  string
	// Candidates are the interpreters that the command names, by id.
	Candidates map[uuid.UUID]Candidate
	Geography  Geography // for the ways between places (M-03)
	// Locations of the customer, by id; Clients likewise: for what a command names.
	Locations map[uuid.UUID]people.Place
	Clients   map[uuid.UUID]string
	// Nations of those of the customer's locations that name one: whose bank holidays are kept there. All of them, whatever the caller may name.
	Nations map[uuid.UUID]string
	// Days are the days of a schedule in order, the first so many of them: a pure function.
	Days func(r domain.Recurrence, limit int) []time.Time `json:"-"`
	// Knows tells whether the caller may know of a job of the booking; nil: of all. What a command means, and what it says, leaves out the others.
	Knows func(State, Job) bool `json:"-"`
	// Documents are those files, of the ones that the command names, that are kept: a file is durable before an event names it.
	Documents map[uuid.UUID]bool
}

// Decision is what a command leads to. The handler reserves first, then appends the events, then releases: the diary holds a superset of
// all assigned windows at every instant (design, section 3).
type Decision struct {
	Events   []Event
	Reserve  []Reserve
	Free     []Reserve // windows that diaries must not hold for other jobs, though nothing is reserved: an acceptance
	Release  []Release
	Warnings []domain.Warning
	Skipped  []Skip // siblings that the command could have meant and leaves as they are: a preview says why
}

// Skip is a job that a command leaves as it is, and why, in one plain sentence.
type Skip struct {
	Job uuid.UUID
	Why string
}

// Reserve asks one worker's diary for a window. Replaces names the job's own old reservation, which does not clash.
type Reserve struct {
	ID          uuid.UUID
	Interpreter uuid.UUID
	Job         uuid.UUID
	Start, End  time.Time
	Replaces    uuid.UUID
	Unchecked   bool // the window is over already
}

// Release gives a reservation back.
type Release struct {
	Interpreter uuid.UUID
	Reservation uuid.UUID
	Why         string
}

// Create books (POST /bookings). Refs and ids were drawn before: one ref for the booking, one per job.
type Create struct {
	Booking        uuid.UUID
	Key            uuid.UUID
	Ref            string
	JobRefs        []string
	Customer       uuid.UUID
	Client         uuid.UUID
	Location       uuid.UUID
	Address        *Address // typed (LL-20)
	BillTo         string
	Language       string
	Alternatives   []string
	ServiceType    string
	Interpreters   int    // interpretersRequested; 1 until teams are built
	Start          string // local, as sent
	TimeZone       string // empty: the location's, else the customer's
	Hours, Minutes *int   // both required (II-44)
	Fields         map[string][]string
	Acknowledged   []string
	ByCustomer     bool // bound by the window (II-71)
}

// Edit changes values of a job (LL-108, II-69). Nil and absent mean untouched. Core values as in Create.
type Edit struct {
	Job            uuid.UUID
	Scope          string
	Except         []string // references of jobs that stay as they are
	Client         *uuid.UUID
	Location       *uuid.UUID
	Address        *Address
	BillTo         *string
	Language       *string
	Alternatives   *[]string
	ServiceType    *string
	Start          *string
	TimeZone       *string
	Hours, Minutes *int
	Fields         map[string][]string
	ByCustomer     bool // only the editable fields then

	several bool // it moves several jobs: a doubled local time takes the earlier offset
}

// The other commands, one per row of the HTTP contract's table.
type (
	Confirm   struct{ Job uuid.UUID }
	Take      struct{ Job uuid.UUID }
	LetGo     struct{ Job uuid.UUID }
	SendOffer struct {
		Job           uuid.UUID
		Interpreters  []uuid.UUID
		ExpiresAt     *time.Time
		ProposedStart string  // local
		Override      string  // reason, empty: none
		Search        *Search `json:"-"` // what a look for interpreters finds now, to be kept with the offers; nil: nobody looked
	}
	RevokeOffer struct {
		Job         uuid.UUID
		Interpreter uuid.UUID
	}
	AcceptOffer struct {
		Job           uuid.UUID
		Interpreter   uuid.UUID
		ByStaff       bool
		ProposedStart string
		Reason        string
	}
	DeclineOffer struct {
		Job         uuid.UUID
		Interpreter uuid.UUID
		ByStaff     bool
		Reason      string
	}
	LapseOffer struct {
		Job         uuid.UUID
		Interpreter uuid.UUID
	}
	EndHold struct {
		Job         uuid.UUID
		Interpreter uuid.UUID
		Elsewhere   uuid.UUID
	}
	Assign struct {
		Job         uuid.UUID
		Interpreter uuid.UUID
		Override    string
	}
	Unassign struct {
		Job         uuid.UUID
		Interpreter uuid.UUID
		Reason      string
	}
	ProposeEta struct {
		Job uuid.UUID
		ETA string // local
	}
	AgreeEta   struct{ Job uuid.UUID }
	DeclineEta struct{ Job uuid.UUID }
	ChangeEta  struct {
		Job      uuid.UUID
		ETA      string
		AgreedBy string
	}
	// BlockIn is a block as sent: local times in the job's zone.
	BlockIn struct{ Start, End string }
	// IncidentalIn is an incidental as sent; Quantity and Amount are decimal texts.
	IncidentalIn struct {
		Kind     string
		Quantity string
		Amount   *MoneyIn
		Note     string
	}
	MoneyIn         struct{ Amount, Currency string }
	SubmitTimesheet struct {
		Job         uuid.UUID
		Side        Side
		Blocks      []BlockIn
		Incidentals []IncidentalIn
		Documents   []uuid.UUID
	}
	AcceptTimesheet struct {
		Job  uuid.UUID
		Side Side
	}
	DisputeTimesheet struct {
		Job    uuid.UUID
		Side   Side
		Reason string
		Blocks []BlockIn
	}
	// Close: one-party closing (II-75) by a side, or staff (Side empty).
	Close struct {
		Job         uuid.UUID
		Side        Side
		Start, End  string
		Incidentals []IncidentalIn
		Documents   []uuid.UUID
		Outcome     domain.Outcome
		Reason      string
	}
	Cancel struct {
		Job          uuid.UUID
		Scope        string
		Except       []string // references of jobs that stay as they are
		Reason       string
		AuthorisedBy string
		Details      string
		ByCustomer   bool // bound by the window
	}
	// Undo takes back the newest edit or cancellation of related jobs that concerned this one.
	Undo struct{ Job uuid.UUID }
	// Continue makes a job of the same booking that holds the later blocks (LL-124). Ref was drawn before.
	Continue struct {
		Job       uuid.UUID
		Ref       string
		Blocks    []BlockIn
		Side      Side
		Overrides Edit
	}
	PostMessage struct {
		Job  uuid.UUID
		Text string
	}
	LogContact struct {
		Job               uuid.UUID
		Kind, Text        string
		NextUpdateMinutes int
	}
	VoidReservation struct {
		Job         uuid.UUID
		Reservation uuid.UUID
	}
	// ErasePerson ends the booking's personal values (POST /erasures).
	ErasePerson struct{ Reason string }
)
