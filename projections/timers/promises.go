package timers

import (
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/projections/jobrow"
)

// Kinds of timers.
const (
	FirstContact = "first-contact" // LL-60, LL-62: staff call the customer soon after the booking
	Update       = "update"        // LL-61, LL-63: staff tell how the search goes
	Contact      = "contact"       // LL-64: staff call or write if nobody is assigned by then
	OfferExpiry  = "offer-expiry"  // an offer that nobody answered lapses
)

// The figures of LL-60..64, D-05.
const (
	urgentCall    = time.Hour      // due within 3 hours: the call, from the booking
	urgentUpdate  = 30             // due within 3 hours: minutes between updates
	soonCall      = 2 * time.Hour  // due within 24 hours: the call, from the booking
	laterContact  = 48 * time.Hour // due later: before the start,
	earliestLater = 2 * time.Hour  // but not sooner than this after the booking
)

// job is what a job's promises follow from.
type job struct {
	*jobrow.Job
	contacted bool      // staff logged any contact
	toldAt    time.Time // when the customer last heard, or the search began anew
	every     int       // minutes between updates as last agreed, 0 if none
	wave      wave
}

// promises are those that stand for the job now. The call after the booking is promised whatever becomes of the job, as long as it is live;
// the others end with an assignment, and stand again if it is taken back.
func (j job) promises() []Timer {
	if !j.Status.Live() {
		return nil
	}
	var all []Timer
	promise := func(kind string, due time.Time, name string) {
		all = append(all, Timer{ID: uuid.NewSHA1(j.ID, []byte(name)), Job: j.ID, Booking: j.Booking, Ref: j.Ref, Kind: kind, DueAt: due})
	}
	searching := j.Status == domain.Requested || j.Status == domain.New
	every := j.every
	switch j.Tier {
	case booking.Within3Hours:
		if !j.contacted {
			promise(FirstContact, j.CreatedAt.Add(urgentCall), FirstContact)
		}
		if every == 0 || every > urgentUpdate {
			every = urgentUpdate
		}
	case booking.Within24Hours:
		if !j.contacted {
			promise(FirstContact, j.CreatedAt.Add(soonCall), FirstContact)
		}
	case booking.Over24Hours:
		if !j.contacted && searching {
			due := j.Begin.Add(-laterContact)
			if earliest := j.CreatedAt.Add(earliestLater); due.Before(earliest) {
				due = earliest
			}
			promise(Contact, due, Contact)
		}
	default:
		return nil // nothing is promised, as for a continuation, whose hours are over
	}
	if searching && every > 0 {
		due := j.toldAt.Add(time.Duration(every) * time.Minute)
		promise(Update, due, Update+" "+due.UTC().Format(time.RFC3339Nano))
	}
	return all
}
