package booking

import (
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// State is a booking and its jobs as the rules need them: the fold of its stream. The zero State is a booking that does not exist.
type State struct {
	ID          uuid.UUID
	Ref         string
	Key         uuid.UUID
	Customer    uuid.UUID
	Form        string
	FormVersion int
	CreatedBy   uuid.UUID
	CreatedAt   time.Time
	Jobs        []Job // in the order they came into being
	Voided      []uuid.UUID
	Undoable    []Undoable // edits and cancellations that may still be taken back, oldest first
	Erased      bool
	Revision    uint64 // of the last event folded
}

// Job is one job with its effective values: shared ones and its own, put together.
type Job struct {
	ID         uuid.UUID
	Ref        string
	Status     domain.Status
	Outcome    domain.Outcome
	Revision   uint64 // number of the last event that touched this job, or changed a shared value for it
	CreatedAt  time.Time
	Details    Details
	Schedule   Schedule
	ETA        *domain.Moment
	Proposed   *domain.Moment // an ETA that waits for the customer's answer
	TakenBy    uuid.UUID
	Offers     []Offering
	Holder     uuid.UUID // the interpreter whose acceptance holds the job, zero if none
	Assignment *Assignment
	Ever       []uuid.UUID // interpreters who ever held an offer or assignment: they may know the job
	Timesheet  *Timesheet  // the submission that waits for the other side, or the last one
	Policy     Policy
	Continued  uuid.UUID // the job that holds its later hours
	From       uuid.UUID // the job it was made from
	Wave       Wave
	NotAgain   []uuid.UUID // whom waves leave out until the job changes
	Flags      []Flag
	// LastMessage and LastContact are the ids of the newest entries: the same entry again is no second one.
	LastMessage, LastContact uuid.UUID
}

// OfferState is how an offer stands.
type OfferState string

// The states of an offer.
const (
	Open     OfferState = "open"
	Accepted OfferState = "accepted"
	Declined OfferState = "declined"
	Revoked  OfferState = "revoked"
	Lapsed   OfferState = "lapsed"
	Ended    OfferState = "ended" // closed by an assignment, a cancellation or the end of its hold
)

// Offering is one interpreter's latest offer for a job.
type Offering struct {
	Offer
	State         OfferState
	SentAt        time.Time
	ProposedStart *domain.Moment // by the interpreter, with the acceptance
	Counter       *Counter       // the counter-offer that waits for staff's answer
	CounterAnswer OfferState     // how the last one was answered: accepted, declined
}

// Assignment is who has the job and what the diary holds for it.
type Assignment struct {
	Offered
	Reservation uuid.UUID
	Unchecked   bool
	At          time.Time
	Trace       []domain.Because // why, as it was found then; empty if an undo brought the assignment back
}

// Timesheet is the hours that one side submitted.
type Timesheet struct {
	Side        Side
	Blocks      []Block
	Incidentals []Incidental
	Documents   []uuid.UUID
	Worked      int // minutes
	Disputed    bool
}

// Window is the time that the diary must hold for the job: from the ETA if set, else from the requested start.
func (j Job) Window() (start, end time.Time) {
	from := j.Schedule.Start
	if j.ETA != nil {
		from = *j.ETA
	}
	return from.Instant, from.Instant.Add(time.Duration(j.Schedule.Minutes) * time.Minute)
}

// has tells whether the job is an interpreter's: by an acceptance that holds it, or assigned.
func (j Job) has(interpreter uuid.UUID) bool {
	return interpreter != uuid.Nil && (j.Holder == interpreter || j.Status == domain.Assigned && j.Assignment.Interpreter == interpreter)
}

// Begin is the ETA if set, else the requested start.
func (j Job) Begin() domain.Moment {
	if j.ETA != nil {
		return *j.ETA
	}
	return j.Schedule.Start
}

// Exists tells whether the booking was created.
func (s State) Exists() bool { return s.ID != uuid.Nil }

// Job finds a job by id.
func (s State) Job(id uuid.UUID) (Job, bool) {
	for _, j := range s.Jobs {
		if j.ID == id {
			return j, true
		}
	}
	return Job{}, false
}

// ByRef finds a job by its reference.
func (s State) ByRef(ref string) (Job, bool) {
	for _, j := range s.Jobs {
		if j.Ref == ref {
			return j, true
		}
	}
	return Job{}, false
}
