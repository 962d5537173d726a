package eventschema

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/goccy/go-json"

	"github.com/dragoman-booking/dragoman/domain/billing"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/diary"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
)

// Names that are looked for in stored events before they are decoded.
const (
	DiaryCarriedForward = "diary.carried-forward.v1"
	DeploymentCreated   = "agency.deployment-created.v1"
)

// types is every type name ever stored; written by hand, never derived from Go names. The sentence says what happened, for docs/events.md.
var types = catalogue{
	"booking.created.v1":                current[booking.Created]("A customer booked one or several jobs."),
	"booking.job-added.v1":              current[booking.JobAdded]("The booking got a further job: a continuation, a follow-up or a recurrence."),
	"booking.edited.v1":                 current[booking.Edited]("Values of one or several jobs changed."),
	"booking.job-confirmed.v1":          current[booking.Confirmed]("The agency has taken up a request; the job is new."),
	"booking.job-taken.v1":              current[booking.Taken]("An assigner works on the job."),
	"booking.job-released.v1":           current[booking.Released]("No assigner works on the job any more."),
	"booking.offer-sent.v1":             current[booking.OfferSent]("The job was offered to interpreters."),
	"booking.wave-sent.v1":              current[booking.WaveSent]("The next interpreters in order are asked, by the agency's policy of waves; their offers follow."),
	"booking.job-flagged.v1":            current[booking.JobFlagged]("Assigners are told that a job needs them, and what would help."),
	"booking.offer-moved.v1":            current[booking.OfferMoved]("A team's place is taken, so these offers stand for another one."),
	"booking.offer-revoked.v1":          current[booking.OfferRevoked]("Staff took an offer, open or accepted, back."),
	"booking.offer-accepted.v1":         current[booking.OfferAccepted]("An interpreter is available for the job, which holds it."),
	"booking.offer-declined.v1":         current[booking.OfferDeclined]("An interpreter will not come."),
	"booking.offer-lapsed.v1":           current[booking.OfferLapsed]("Nobody answered the offer in time."),
	"booking.counter-offer-made.v1":     current[booking.CounterOfferMade]("The interpreter would come at another start or for another fee than the offer's."),
	"booking.counter-offer-answered.v1": current[booking.CounterOfferAnswered]("Staff said yes or no to a counter-offer; yes holds the job."),
	"booking.hold-ended.v1":             current[booking.HoldEnded]("The interpreter who held the job was assigned elsewhere in an overlapping time."),
	"booking.job-assigned.v1":           current[booking.Assigned]("The job is this interpreter's."),
	"booking.job-unassigned.v1":         current[booking.Unassigned]("The job is nobody's again."),
	"booking.eta-proposed.v1":           current[booking.EtaProposed]("Another start than the requested one was proposed."),
	"booking.eta-agreed.v1":             current[booking.EtaAgreed]("The proposed start was agreed."),
	"booking.eta-declined.v1":           current[booking.EtaDeclined]("The proposed start was declined."),
	"booking.eta-changed.v1":            current[booking.EtaChanged]("Staff recorded a start that was agreed by someone."),
	"booking.timesheet-submitted.v1":    current[booking.TimesheetSubmitted]("One side says which hours were worked."),
	"booking.timesheet-accepted.v1":     current[booking.TimesheetAccepted]("The other side agrees to the hours; the job is complete."),
	"booking.timesheet-disputed.v1":     current[booking.TimesheetDisputed]("The other side does not agree to the hours."),
	"booking.job-closed.v1":             current[booking.Closed]("One party, or staff, ended the job with an outcome."),
	"booking.change-undone.v1":          current[booking.ChangeUndone]("An edit or a cancellation of related jobs was taken back."),
	"booking.cancelled.v1":              current[booking.Cancelled]("One or several jobs are not wanted any more."),
	"booking.job-continued.v1":          current[booking.Continued]("Hours after a long break became a job of their own."),
	"booking.message-posted.v1":         current[booking.MessagePosted]("A message in the job's admin thread."),
	"booking.contact-logged.v1":         current[booking.ContactLogged]("Staff told or reached the customer."),
	"booking.reservation-voided.v1":     current[booking.ReservationVoided]("A reservation that nobody claimed may not be claimed any more."),
	"booking.person-erased.v1":          current[booking.PersonErased]("What the booking says about people can never be read again."),

	"diary.reserved.v1": current[diary.Reserved]("Time of a worker was reserved for jobs."),
	"diary.released.v1": current[diary.Released]("Reservations hold nothing any more."),
	DiaryCarriedForward: current[diary.CarriedForward]("Everything that the diary still holds, so that nothing before it need be read."),

	DeploymentCreated:         current[people.DeploymentCreated]("The first event of all: which deployment this log belongs to."),
	"agency.changed.v1":       current[people.AgencyChanged]("The agency's settings changed."),
	"agency.user-added.v1":    current[people.UserAdded]("A user of the agency, or an interpreter's, came in."),
	"agency.user-changed.v1":  current[people.UserChanged]("That user's data, role or permissions changed."),
	"agency.person-erased.v1": current[people.PersonErased]("What the log says about that user can never be read again."),

	"customer.created.v1":          current[people.CustomerCreated]("An organisation that books came in."),
	"customer.changed.v1":          current[people.CustomerChanged]("A customer's name, zone or settings changed."),
	"customer.client-added.v1":     current[people.ClientAdded]("A customer got a sub-unit."),
	"customer.client-changed.v1":   current[people.ClientChanged]("A customer's sub-unit changed."),
	"customer.location-added.v1":   current[people.LocationAdded]("A customer got a place where jobs happen."),
	"customer.location-changed.v1": current[people.LocationChanged]("Such a place changed."),
	"customer.user-added.v1":       current[people.UserAdded]("A user of the customer came in."),
	"customer.user-changed.v1":     current[people.UserChanged]("That user's data, role or permissions changed."),
	"customer.person-erased.v1":    current[people.PersonErased]("What the log says about that user can never be read again."),

	"interpreter.registered.v1":       current[people.InterpreterRegistered]("An interpreter came in."),
	"interpreter.changed.v1":          current[people.InterpreterChanged]("An interpreter's profile changed."),
	"interpreter.suspended.v1":        current[people.InterpreterSuspended]("The interpreter gets no new offers or assignments."),
	"interpreter.reinstated.v1":       current[people.InterpreterReinstated]("The suspension ended."),
	"interpreter.availability-set.v1": current[people.AvailabilitySet]("The interpreter said at which times of the week, and at which other times not, work may come."),
	"interpreter.person-erased.v1":    current[people.PersonErased]("What the log says about that interpreter can never be read again."),

	"form.defined.v1":  current[forms.Defined]("A new version of a booking form."),
	"terms.defined.v1": current[forms.TermsDefined]("A new version of a contract's prices and fees."),

	"postcodes.imported.v1": current[people.PostcodesImported]("The agency's table of where postcodes lie was replaced."),

	"numbering.block-drawn.v1":    current[people.BlockDrawn]("A block of job numbers was drawn."),
	"numbering.next-set.v1":       current[people.NextSet]("An admin set the next number; blocks drawn before are void."),
	"numbering.number-claimed.v1": current[people.NumberClaimed]("An invoice number was given to a named invoice."),

	"billing.invoice-issued.v1": current[billing.Issued]("An invoice was issued."),
}

// ErrUnknownType: no such event type is in the catalogue. Readers learn a new name before writers use it.
var ErrUnknownType = errors.New("unknown event type")

// catalogue maps stored names to what they are today.
type catalogue map[string]entry

// entry is a current type, or an older one with the step to its successor.
type entry struct {
	says   string
	shape  reflect.Type                     // nil for an older version
	read   func([]byte) (any, error)        // opened JSON to shape
	next   string                           // of an older version: the name that upcast leads to
	upcast func(old []byte) ([]byte, error) // raw JSON in and out, opened
}

func current[E any](says string) entry {
	return entry{
		says:  says,
		shape: reflect.TypeFor[E](),
		read: func(data []byte) (any, error) {
			var e E
			err := json.Unmarshal(data, &e)
			return e, err
		},
	}
}

// older is a version that is not written any more.
func older(next string, upcast func([]byte) ([]byte, error), says string) entry {
	return entry{says: says, next: next, upcast: upcast}
}

// decode leads opened JSON step by step to today's type.
func (c catalogue) decode(name string, data []byte) (any, error) {
	for steps := 0; ; steps++ {
		e, ok := c[name]
		switch {
		case !ok:
			return nil, fmt.Errorf("%w %q", ErrUnknownType, name)
		case e.shape != nil:
			return e.read(data)
		case steps > len(c):
			return nil, fmt.Errorf("upcast of %s goes in a circle", name)
		}
		var err error
		if data, err = e.upcast(data); err != nil {
			return nil, fmt.Errorf("upcast %s to %s: %w", name, e.next, err)
		}
		name = e.next
	}
}

// place is where a Go type may be stored: one type can have a name of its own in several kinds of stream.
type place struct {
	kind  string
	shape reflect.Type
}

// names is the catalogue read the other way: which name a new event gets.
func (c catalogue) names() map[place]string {
	names := map[place]string{}
	for name, e := range c {
		if e.shape == nil {
			continue
		}
		p := place{kindOfType(name), e.shape}
		if other, taken := names[p]; taken {
			panic(fmt.Sprintf("eventschema: %s and %s are both today's name of %s", name, other, e.shape))
		}
		names[p] = name
	}
	return names
}
