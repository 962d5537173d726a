package booking

import (
	"fmt"

	"github.com/google/uuid"
)

// JobsOf are the jobs that an event is about: those that it touches, the job that an added one was made from, and a continuation. It is nil
// if the event is about the whole booking.
func JobsOf(e Event) []uuid.UUID {
	switch e := e.(type) {
	case JobAdded:
		return []uuid.UUID{e.Job.ID, e.From}
	case Continued:
		return []uuid.UUID{e.Job, e.In}
	}
	return Touches(e)
}

// Touches names the jobs that an event touches: those whose revision becomes the event's number. PersonErased touches all of the booking's
// jobs; it names none.
func Touches(e Event) []uuid.UUID {
	switch e := e.(type) {
	case Created:
		ids := make([]uuid.UUID, len(e.Jobs))
		for i, j := range e.Jobs {
			ids[i] = j.ID
		}
		return ids
	case JobAdded:
		return []uuid.UUID{e.Job.ID}
	case Edited:
		ids := make([]uuid.UUID, len(e.Jobs))
		for i, j := range e.Jobs {
			ids[i] = j.Job
		}
		return ids
	case Cancelled:
		ids := make([]uuid.UUID, len(e.Jobs))
		for i, j := range e.Jobs {
			ids[i] = j.Job
		}
		return ids
	case ChangeUndone:
		ids := make([]uuid.UUID, len(e.Jobs))
		for i, j := range e.Jobs {
			ids[i] = j.Job
		}
		return ids
	case Confirmed:
		return []uuid.UUID{e.Job}
	case Taken:
		return []uuid.UUID{e.Job}
	case Released:
		return []uuid.UUID{e.Job}
	case OfferSent:
		return []uuid.UUID{e.Job}
	case WaveSent:
		return e.Jobs
	case JobFlagged:
		return e.Jobs
	case OfferMoved:
		return []uuid.UUID{e.Job, e.To}
	case OfferRevoked:
		return []uuid.UUID{e.Job}
	case OfferAccepted:
		return []uuid.UUID{e.Job}
	case OfferDeclined:
		return []uuid.UUID{e.Job}
	case OfferLapsed:
		return []uuid.UUID{e.Job}
	case CounterOfferMade:
		return []uuid.UUID{e.Job}
	case CounterOfferAnswered:
		return []uuid.UUID{e.Job}
	case HoldEnded:
		return []uuid.UUID{e.Job}
	case Assigned:
		return []uuid.UUID{e.Job}
	case Unassigned:
		return []uuid.UUID{e.Job}
	case EtaProposed:
		return []uuid.UUID{e.Job}
	case EtaAgreed:
		return []uuid.UUID{e.Job}
	case EtaDeclined:
		return []uuid.UUID{e.Job}
	case EtaChanged:
		return []uuid.UUID{e.Job}
	case TimesheetSubmitted:
		return []uuid.UUID{e.Job}
	case TimesheetAccepted:
		return []uuid.UUID{e.Job}
	case TimesheetDisputed:
		return []uuid.UUID{e.Job}
	case Closed:
		return []uuid.UUID{e.Job}
	case Continued:
		return []uuid.UUID{e.Job}
	case MessagePosted:
		return []uuid.UUID{e.Job}
	case ContactLogged:
		return []uuid.UUID{e.Job}
	case ReservationVoided:
		return []uuid.UUID{e.Job}
	case PersonErased:
		return nil
	default:
		panic(fmt.Sprintf("booking.Touches: no case for %T", e)) // our bug, not bad data
	}
}
