package booking

import (
	"slices"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// Name is the command's name.
func (VoidReservation) Name() string { return "void-reservation" }

// Decide gives up a reservation that the repair found unclaimed, so that no later event may claim it; then the diary may release it (design,
// section 3).
//
//	given  a booking none of whose assignments holds R
//	when   VoidReservation{R}
//	then   ReservationVoided{R}
//	again  nothing
//	error  reservation-claimed: an assignment holds it
func (c VoidReservation) Decide(s State, _ Env) (Decision, error) {
	j, err := s.find(c.Job)
	if err != nil {
		return Decision{}, err
	}
	if slices.Contains(s.Voided, c.Reservation) {
		return Decision{}, nil
	}
	if by, ok := s.claimed(c.Reservation); ok {
		return Decision{}, domain.Conflict("reservation-claimed", "Job %s holds this reservation.", by.Ref)
	}
	return decide(ReservationVoided{Job: j.ID, Reservation: c.Reservation}), nil
}

// claimed is the job whose assignment holds a reservation. A complete job's has been given back.
func (s State) claimed(reservation uuid.UUID) (Job, bool) {
	for _, j := range s.Jobs {
		if j.Assignment != nil && j.Assignment.Reservation == reservation && j.Status != domain.Complete {
			return j, true
		}
	}
	return Job{}, false
}
