package booking

import (
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/domain/windows"
)

// Event is a fact about a booking or one of its jobs. The stored names are in eventschema; a field's JSON name is for ever.
type Event interface{ isEvent() }

// Address is where the interpreter goes. Town and Outward (the outward postcode, "LS1") may be read by everyone who is offered the job;
// the rest is sealed when a person typed it (LL-20) and comes from the customer's list otherwise.
type Address struct {
	Line1    domain.Personal `json:"line1"`
	Line2    domain.Personal `json:"line2,omitempty"`
	Town     string          `json:"town"`
	Postcode domain.Personal `json:"postcode"`
	Outward  string          `json:"outward"`
}

// Details are the values that the jobs of a booking may share: they stand once in the created event, and again only where a job differs.
type Details struct {
	Client               uuid.UUID               `json:"client,omitzero"`
	Location             uuid.UUID               `json:"location,omitzero"` // zero: a typed address (LL-20), or a remote job
	Address              *Address                `json:"address,omitempty"` // as it stood when booked; nil for a remote job
	BillTo               string                  `json:"billTo,omitempty"`
	Language             string                  `json:"language"` // BCP 47
	LanguageTier         string                  `json:"languageTier,omitempty"`
	AlternativeLanguages []string                `json:"alternativeLanguages,omitempty"`
	ServiceType          string                  `json:"serviceType"`
	Fields               map[string]domain.Value `json:"fields,omitempty"` // what the form adds, by its keys
	// Without names, of a job's own values, core values that the base has and the job lacks: client, location, billTo, alternativeLanguages.
	Without []string `json:"without,omitempty"`
}

// Schedule is when a job is wanted: in or below the calendar section of the form.
type Schedule struct {
	Start   domain.Moment `json:"start"`
	Minutes int           `json:"minutes"`
}

// NewJob is one job of a booking as it comes into being. Differs holds this job's own values where they are not the shared ones.
type NewJob struct {
	ID       uuid.UUID `json:"id"`
	Ref      string    `json:"ref"`
	Schedule Schedule  `json:"schedule"`
	Differs  *Details  `json:"differs,omitempty"`
}

// Policy is what a decision applied, kept with it: whatever the settings say later, this is what held.
type Policy struct {
	Version      int      `json:"version"`                // of the agency's settings
	CancelHours  int      `json:"cancelHours,omitempty"`  // LL-113: customers may cancel while more than this remains
	CancelStrict bool     `json:"cancelStrict,omitempty"` // exactly the span left is too late
	ResponseTier string   `json:"responseTier,omitempty"` // within-3h, within-24h, over-24h (D-05)
	Editable     []string `json:"editable,omitempty"`
	// Window is the one that the customer's command had to be in (II-70, II-71, II-82), as it held for the job that the command named.
	Window *windows.Applied `json:"window,omitempty"`
}

// Created: a customer's booking with its jobs. Key is the personal-data key of the booking's subject: speaker, contacts, free texts.
type Created struct {
	Booking     uuid.UUID     `json:"booking"`
	Ref         string        `json:"ref"` // Booking #
	Key         uuid.UUID     `json:"key"`
	Customer    uuid.UUID     `json:"customer"`
	Form        string        `json:"form"`
	FormVersion int           `json:"formVersion"`
	Status      domain.Status `json:"status"` // new for the interpreting forms, requested for others
	Shared      Details       `json:"shared"`
	Jobs        []NewJob      `json:"jobs"`
	Policy      Policy        `json:"policy"`
}

// JobAdded: a further job of the same booking, such as a continuation (LL-124) or a follow-up. Its values are those that the job From has at
// that moment, with Job.Differs put over them (see Merge).
type JobAdded struct {
	Key    uuid.UUID     `json:"key"`
	Job    NewJob        `json:"job"`
	From   uuid.UUID     `json:"from"` // the job it was made from
	Why    string        `json:"why"`  // continuation, follow-up, recurrence
	Status domain.Status `json:"status"`
	Policy Policy        `json:"policy"`
}

// Change is what an edit sets; nil means untouched. Fields holds only the changed keys; an empty value clears a field. A new start ends an
// ETA that was agreed or proposed.
type Change struct {
	Schedule             *Schedule               `json:"schedule,omitempty"`
	Client               *uuid.UUID              `json:"client,omitempty"`
	Location             *uuid.UUID              `json:"location,omitempty"`
	Address              *Address                `json:"address,omitempty"`
	BillTo               *string                 `json:"billTo,omitempty"`
	Language             *string                 `json:"language,omitempty"`
	LanguageTier         *string                 `json:"languageTier,omitempty"`
	AlternativeLanguages *[]string               `json:"alternativeLanguages,omitempty"`
	ServiceType          *string                 `json:"serviceType,omitempty"`
	Fields               map[string]domain.Value `json:"fields,omitempty"`
}

// JobChange is an edit's effect on one job, with the reservations that cover its new window if it is assigned.
type JobChange struct {
	Job         uuid.UUID `json:"job"`
	Own         *Change   `json:"own,omitempty"`
	Reservation uuid.UUID `json:"reservation,omitzero"` // the diary reservation that holds from now on, zero if it did not change
	Revoked     []Offered `json:"revoked,omitempty"`    // offers that the edit revoked (LL-91), open or accepted
	Resent      []Offer   `json:"resent,omitempty"`     // and those sent again at once
}

// Edited: values changed. Shared applies to every job named in Jobs; a job not named keeps its old values as its own.
type Edited struct {
	Key    uuid.UUID   `json:"key"`
	Scope  string      `json:"scope"` // this, following, all
	Shared *Change     `json:"shared,omitempty"`
	Jobs   []JobChange `json:"jobs"`
	Policy Policy      `json:"policy"`
	// UndoUntil is the instant before which who did it may take it back; nil: of a job without related ones, which has no undo.
	UndoUntil *time.Time `json:"undoUntil,omitempty"`
}

// Confirmed: the agency has taken up a request (D-01, ES-20).
type Confirmed struct {
	Job uuid.UUID `json:"job"`
}

// Taken: an assigner works on the job (LL-67 b). Released: nobody does (LL-67 a).
type (
	Taken struct {
		Job uuid.UUID `json:"job"`
		By  uuid.UUID `json:"by"`
	}
	Released struct {
		Job uuid.UUID `json:"job"`
		By  uuid.UUID `json:"by"`
	}
)

// Offered names an interpreter in an event: by id, and by LIN for the notes.
type Offered struct {
	Interpreter uuid.UUID `json:"interpreter"`
	LIN         string    `json:"lin"`
}

// Offer is one interpreter's offer with what was shown in it, so that it can be said later what was agreed to.
type Offer struct {
	Interpreter   uuid.UUID      `json:"interpreter"`
	LIN           string         `json:"lin"`
	Language      string         `json:"language"`
	Schedule      Schedule       `json:"schedule"`
	Fee           domain.Money   `json:"fee"`
	TermsVersion  int            `json:"termsVersion"`
	ExpiresAt     *time.Time     `json:"expiresAt,omitempty"`
	ProposedStart *domain.Moment `json:"proposedStart,omitempty"`
	Override      *Override      `json:"override,omitempty"`
	// Trace is which rules spoke for and against the interpreter, and from which facts (N-04).
	Trace []domain.Because `json:"trace,omitempty"`
	// Team: it is for whichever place of the team is free, the lowest first (N-03).
	Team bool `json:"team,omitempty"`
}

// Override is why staff went past a rule that allows it, and which rules those were.
type Override struct {
	Reason domain.Personal `json:"reason"`
	Rules  []string        `json:"rules"`
}

// OfferSent: the job was offered to these interpreters, in this order.
type OfferSent struct {
	Key    uuid.UUID `json:"key"`
	Job    uuid.UUID `json:"job"`
	Offers []Offer   `json:"offers"`
	Wave   int       `json:"wave,omitempty"`   // number of the wave that sent it; 0: staff did
	Policy int       `json:"policy,omitempty"` // version of the agency's settings by which the wave was sent
	Search *Search   `json:"search,omitempty"` // what a look for interpreters found then; of a wave its event has that
}

// Search is what a look for interpreters read and found (N-03, N-04). Of those who were not asked only counts are kept: why one of them was not,
// the traces say as of the position.
type Search struct {
	Position string         `json:"position"`          // in the log, up to which was read: as answers write it, so that one can ask as of it
	Policy   int            `json:"policy"`            // version of the agency's settings
	Rules    map[string]int `json:"rules"`             // which version of each rule was asked
	Eligible int            `json:"eligible"`          // who could do the job
	InTime   int            `json:"inTime,omitempty"`  // how many of them before the custody clock ends, if there is one
	Asked    int            `json:"asked,omitempty"`   // how many of them are left out: they were asked before
	Others   int            `json:"others"`            // who could not
	Against  map[string]int `json:"against,omitempty"` // against how many of those each rule speaks
}

// WaveSent: the next interpreters in order are asked, by the agency's policy (N-03); their offers follow in the same append. Jobs are the places of a
// team that were open, the lowest first; of a job by itself that one.
type WaveSent struct {
	Jobs   []uuid.UUID `json:"jobs"`
	Number int         `json:"number"`
	Row    people.Wave `json:"row"`  // of the policy
	Left   int         `json:"left"` // how many could still be asked
	Search Search      `json:"search"`
	Next   *time.Time  `json:"next,omitempty"` // when the next wave is due; nil: none before the start
}

// JobFlagged: assigners are told that a job needs them, and what would help (N-03). Customers and interpreters never are.
type JobFlagged struct {
	Jobs   []uuid.UUID `json:"jobs"` // as in WaveSent
	Flag   string      `json:"flag"` // custody-clock, no-candidates
	Wave   int         `json:"wave"` // number of the wave that found it
	Helps  []Help      `json:"helps,omitempty"`
	Search Search      `json:"search"`
	Next   *time.Time  `json:"next,omitempty"` // of no-candidates: when to look again; nil: not before the job changes
}

// OfferMoved: of a team, the place that these offers named is taken, so they stand for another one, as they are.
type OfferMoved struct {
	Key    uuid.UUID `json:"key"`
	Job    uuid.UUID `json:"job"`
	To     uuid.UUID `json:"to"`
	Offers []Offer   `json:"offers"`
}

// OfferRevoked: staff took an offer, open or accepted, back.
type OfferRevoked struct {
	Job uuid.UUID `json:"job"`
	Offered
}

// OfferAccepted: the interpreter is available; this holds the job (D-23). WithoutOffer: staff recorded it though no offer was open (D-18).
type OfferAccepted struct {
	Key uuid.UUID `json:"key"`
	Job uuid.UUID `json:"job"`
	Offered
	WithoutOffer  bool            `json:"withoutOffer,omitempty"`
	ProposedStart *domain.Moment  `json:"proposedStart,omitempty"`
	Reason        domain.Personal `json:"reason,omitempty"`
}

// OfferDeclined: the interpreter will not come; an acceptance may be declined too, which ends its hold.
type OfferDeclined struct {
	Key uuid.UUID `json:"key"`
	Job uuid.UUID `json:"job"`
	Offered
	WithoutOffer bool            `json:"withoutOffer,omitempty"`
	Reason       domain.Personal `json:"reason,omitempty"`
}

// OfferLapsed: nobody answered in time. It writes no note.
type OfferLapsed struct {
	Job uuid.UUID `json:"job"`
	Offered
}

// CounterOfferMade: the interpreter would come at another start or for another fee than the offer's (N-14). It holds nothing.
type CounterOfferMade struct {
	Key uuid.UUID `json:"key"`
	Job uuid.UUID `json:"job"`
	Offered
	ProposedStart *domain.Moment  `json:"proposedStart,omitempty"`
	Fee           *domain.Money   `json:"fee,omitempty"`
	Reason        domain.Personal `json:"reason,omitempty"`
}

// CounterOfferAnswered: staff said yes or no to it. Accepted is the interpreter's acceptance, which holds the job, at this start and fee; what is
// missing is as the offer said.
type CounterOfferAnswered struct {
	Job uuid.UUID `json:"job"`
	Offered
	Accepted      bool           `json:"accepted"`
	ProposedStart *domain.Moment `json:"proposedStart,omitempty"`
	Fee           *domain.Money  `json:"fee,omitempty"`
}

// HoldEnded: the holder was assigned elsewhere in an overlapping time, so the acceptance no longer holds this job.
type HoldEnded struct {
	Job uuid.UUID `json:"job"`
	Offered
	Elsewhere uuid.UUID `json:"elsewhere"` // the other job
}

// Assigned: the job is this interpreter's; Reservation is what the diary holds for it. Closed are the other offers that ended with it.
type Assigned struct {
	Key uuid.UUID `json:"key"`
	Job uuid.UUID `json:"job"`
	Offered
	Reservation uuid.UUID `json:"reservation"`
	Unchecked   bool      `json:"unchecked,omitempty"` // the window was over already: recorded, not checked
	Closed      []Offered `json:"closed,omitempty"`
	Override    *Override `json:"override,omitempty"`
	// Policy is the version of the agency's settings by which the acceptance assigned the job by itself (D-23); 0: somebody did.
	Policy int `json:"policy,omitempty"`
	// Trace is which rules spoke for and against the interpreter, and from which facts: method, factor, speed and table of the ways too, so that
	// whoever pays for them uses the same figures (N-04, M-03).
	Trace []domain.Because `json:"trace,omitempty"`
}

// Unassigned: the job is nobody's again (LL-92). Reservation is what the diary may release.
type Unassigned struct {
	Key uuid.UUID `json:"key"`
	Job uuid.UUID `json:"job"`
	Offered
	Reservation uuid.UUID       `json:"reservation"`
	Reason      domain.Personal `json:"reason,omitempty"` // always there but on an erased booking
}

// EtaProposed, EtaAgreed, EtaDeclined, EtaChanged: another start than the requested one (LL-96); the requested one stays.
type (
	EtaProposed struct {
		Job uuid.UUID     `json:"job"`
		ETA domain.Moment `json:"eta"`
	}
	// EtaAgreed names the reservation that covers the agreed time, zero while nobody is assigned.
	EtaAgreed struct {
		Job         uuid.UUID     `json:"job"`
		ETA         domain.Moment `json:"eta"`
		Reservation uuid.UUID     `json:"reservation,omitzero"`
	}
	EtaDeclined struct {
		Job uuid.UUID     `json:"job"`
		ETA domain.Moment `json:"eta"`
	}
	// EtaChanged is staff recording what was agreed by AgreedBy. InPast: recorded afterwards (D-21).
	EtaChanged struct {
		Key         uuid.UUID       `json:"key"`
		Job         uuid.UUID       `json:"job"`
		ETA         domain.Moment   `json:"eta"`
		AgreedBy    domain.Personal `json:"agreedBy,omitempty"`
		Reservation uuid.UUID       `json:"reservation,omitzero"`
		InPast      bool            `json:"inPast,omitempty"`
	}
)

// Block is a time worked without an unpaid break (LL-123).
type Block struct {
	Start domain.Moment `json:"start"`
	End   domain.Moment `json:"end"`
}

// Incidental is a further cost of a job (II-79). Quantity counts hundredths of the kind's unit.
type Incidental struct {
	Kind     string          `json:"kind"`
	Quantity int64           `json:"quantity,omitempty"`
	Amount   *domain.Money   `json:"amount,omitempty"`
	Note     domain.Personal `json:"note,omitempty"`
}

// Side is who speaks for the hours: the customer or the interpreter (D-09).
type Side string

// The two sides of a timesheet.
const (
	CustomerSide    Side = "customer"
	InterpreterSide Side = "interpreter"
)

// TimesheetSubmitted: one side says which hours were worked (LL-88).
type TimesheetSubmitted struct {
	Key         uuid.UUID    `json:"key"`
	Job         uuid.UUID    `json:"job"`
	Side        Side         `json:"side"`
	Blocks      []Block      `json:"blocks"`
	Incidentals []Incidental `json:"incidentals,omitempty"`
	Documents   []uuid.UUID  `json:"documents,omitempty"`
	Worked      int          `json:"worked"` // minutes
}

// TimesheetAccepted: the other side agrees; the job is complete: success (LL-89). Reservation is what the diary may release.
type TimesheetAccepted struct {
	Job         uuid.UUID      `json:"job"`
	Side        Side           `json:"side"`
	Worked      int            `json:"worked"`
	Outcome     domain.Outcome `json:"outcome"`
	Reservation uuid.UUID      `json:"reservation,omitzero"`
}

// TimesheetDisputed: the other side does not agree; the job stays ongoing (LL-94). Blocks are the hours that side says.
type TimesheetDisputed struct {
	Key    uuid.UUID       `json:"key"`
	Job    uuid.UUID       `json:"job"`
	Side   Side            `json:"side"`
	Reason domain.Personal `json:"reason"`
	Blocks []Block         `json:"blocks,omitempty"`
}

// Closed: one party, or staff, ended the job with an outcome (II-77..79, D-08).
type Closed struct {
	Key         uuid.UUID       `json:"key"`
	Job         uuid.UUID       `json:"job"`
	From        domain.Status   `json:"from"`
	Outcome     domain.Outcome  `json:"outcome"`
	Start       *domain.Moment  `json:"start,omitempty"` // actual times; absent when nobody attended
	End         *domain.Moment  `json:"end,omitempty"`
	Worked      int             `json:"worked"`
	Incidentals []Incidental    `json:"incidentals,omitempty"`
	Documents   []uuid.UUID     `json:"documents,omitempty"`
	Reason      domain.Personal `json:"reason,omitempty"`
	ReasonCode  string          `json:"reasonCode,omitempty"` // instead, if the reason is one of the agency's list (II-90)
	Reservation uuid.UUID       `json:"reservation,omitzero"`
}

// CancelledJob is what a cancellation ended for one job.
type CancelledJob struct {
	Job         uuid.UUID     `json:"job"`
	From        domain.Status `json:"from"`
	Reservation uuid.UUID     `json:"reservation,omitzero"`
	Closed      []Offered     `json:"closed,omitempty"` // offers and assignment that ended with it
}

// Cancelled: the jobs are not wanted any more (LL-113..115, II-82..86).
type Cancelled struct {
	Key          uuid.UUID       `json:"key"`
	Scope        string          `json:"scope"`
	Jobs         []CancelledJob  `json:"jobs"`
	Reason       string          `json:"reason,omitempty"` // from the agency's list (II-84)
	AuthorisedBy domain.Personal `json:"authorisedBy,omitempty"`
	Details      domain.Personal `json:"details,omitempty"`
	Policy       Policy          `json:"policy"`
	UndoUntil    *time.Time      `json:"undoUntil,omitempty"` // as in Edited
}

// UndoneJob is what a change taken back leaves of one job. It says every value that comes back, so that no reader need look what the change was.
type UndoneJob struct {
	Job      uuid.UUID      `json:"job"`
	From     domain.Status  `json:"from"`
	Status   domain.Status  `json:"status"`
	Back     *Change        `json:"back,omitempty"`     // the values that come back, sealed as they were; nil: none had changed
	ETA      *domain.Moment `json:"eta,omitempty"`      // as it stands now, absent if there is none
	Proposed *domain.Moment `json:"proposed,omitempty"` // an ETA that waits for the customer's answer, likewise
	Assigned *Offered       `json:"assigned,omitempty"` // whose the job is again; absent: nothing about that has changed
	// Reservation holds the job's time from now on; zero if it did not change.
	Reservation uuid.UUID `json:"reservation,omitzero"`
	Unchecked   bool      `json:"unchecked,omitempty"` // of Assigned: the window was over already
	Revoked     []Offered `json:"revoked,omitempty"`   // open offers of the change's time or place that end with it
	Resent      []Offer   `json:"resent,omitempty"`    // and those that are sent anew, or again after a cancellation
}

// ChangeUndone: an edit or a cancellation of related jobs was taken back by who did it (N-06).
type ChangeUndone struct {
	Key     uuid.UUID   `json:"key"`
	Undoes  uint64      `json:"undoes"`  // the number of the change's event in this stream
	Command string      `json:"command"` // edit, cancel
	Jobs    []UndoneJob `json:"jobs"`
	Policy  Policy      `json:"policy"`
	// Shared are field values that come back to each of the jobs, told once: a long text of a large set would not fit into one append otherwise.
	Shared map[string]domain.Value `json:"shared,omitempty"`
}

// Undone are the jobs with all that comes back to each, the shared values too.
func (e ChangeUndone) Undone() []UndoneJob {
	if len(e.Shared) == 0 {
		return e.Jobs
	}
	all := slices.Clone(e.Jobs)
	for i := range all {
		back := Change{}
		if all[i].Back != nil {
			back = *all[i].Back
		}
		fields := maps.Clone(e.Shared)
		maps.Copy(fields, back.Fields)
		back.Fields = fields
		all[i].Back = &back
	}
	return all
}

// Continued: hours after a break of more than four hours became a job of their own (LL-124). It follows that job's JobAdded.
type Continued struct {
	Job uuid.UUID `json:"job"`
	In  uuid.UUID `json:"in"`
	Ref string    `json:"ref"` // of the new job
}

// MessagePosted: a message in the job's admin thread (LL-97).
type MessagePosted struct {
	Key  uuid.UUID       `json:"key"`
	Job  uuid.UUID       `json:"job"`
	ID   uuid.UUID       `json:"id"`
	Text domain.Personal `json:"text"`
}

// ContactLogged: staff told or reached the customer (LL-60..64).
type ContactLogged struct {
	Key               uuid.UUID       `json:"key"`
	Job               uuid.UUID       `json:"job"`
	ID                uuid.UUID       `json:"id"`
	Kind              string          `json:"kind"` // call, email, update
	Text              domain.Personal `json:"text"`
	NextUpdateMinutes int             `json:"nextUpdateMinutes,omitempty"`
}

// ReservationVoided: the repair found this reservation unclaimed and is about to release it; no later event may claim it.
type ReservationVoided struct {
	Job         uuid.UUID `json:"job"`
	Reservation uuid.UUID `json:"reservation"`
}

// PersonErased: the keys of the booking's subject are about to be destroyed; what they sealed reads [erased] from now on.
type PersonErased struct {
	Keys   []uuid.UUID `json:"keys"`
	Reason string      `json:"reason"` // a code, never free text about the person
}

func (Created) isEvent()              {}
func (JobAdded) isEvent()             {}
func (Edited) isEvent()               {}
func (Confirmed) isEvent()            {}
func (Taken) isEvent()                {}
func (Released) isEvent()             {}
func (OfferSent) isEvent()            {}
func (OfferRevoked) isEvent()         {}
func (WaveSent) isEvent()             {}
func (JobFlagged) isEvent()           {}
func (OfferMoved) isEvent()           {}
func (OfferAccepted) isEvent()        {}
func (OfferDeclined) isEvent()        {}
func (OfferLapsed) isEvent()          {}
func (CounterOfferMade) isEvent()     {}
func (CounterOfferAnswered) isEvent() {}
func (HoldEnded) isEvent()            {}
func (Assigned) isEvent()             {}
func (Unassigned) isEvent()           {}
func (EtaProposed) isEvent()          {}
func (EtaAgreed) isEvent()            {}
func (EtaDeclined) isEvent()          {}
func (EtaChanged) isEvent()           {}
func (TimesheetSubmitted) isEvent()   {}
func (TimesheetAccepted) isEvent()    {}
func (TimesheetDisputed) isEvent()    {}
func (Closed) isEvent()               {}
func (Cancelled) isEvent()            {}
func (ChangeUndone) isEvent()         {}
func (Continued) isEvent()            {}
func (MessagePosted) isEvent()        {}
func (ContactLogged) isEvent()        {}
func (ReservationVoided) isEvent()    {}
func (PersonErased) isEvent()         {}
