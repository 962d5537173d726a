package diary

import (
	"time"

	"github.com/google/uuid"
)

// Event is a fact about one worker's reserved time.
type Event interface{ isEvent() }

// Reservation is time kept for one job: half-open, in instants. Unchecked: the window was over when it was recorded.
type Reservation struct {
	ID        uuid.UUID `json:"id"`
	Booking   uuid.UUID `json:"booking"`
	Job       uuid.UUID `json:"job"`
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`
	Unchecked bool      `json:"unchecked,omitempty"`
}

// Reserved: all new windows of one command for this worker, in one append.
type Reserved struct {
	Interpreter  uuid.UUID     `json:"interpreter"`
	Reservations []Reservation `json:"reservations"`
}

// Released: these reservations hold nothing any more.
type Released struct {
	Interpreter  uuid.UUID   `json:"interpreter"`
	Reservations []uuid.UUID `json:"reservations"`
	Why          string      `json:"why"` // replaced, refused, ended, voided
}

// CarriedForward: everything that still holds, so that nothing before it need be read.
type CarriedForward struct {
	Interpreter  uuid.UUID     `json:"interpreter"`
	Year         int           `json:"year"`
	Reservations []Reservation `json:"reservations"`
}

func (Reserved) isEvent()       {}
func (Released) isEvent()       {}
func (CarriedForward) isEvent() {}
