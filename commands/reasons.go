package commands

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
)

// What an interpreter was chosen for.
const (
	ForOffer      = "offer"
	ForAssignment = "assignment"
)

// Reason is why an interpreter was offered a job, or given it: what the rules found then, as the event keeps it (N-04).
type Reason struct {
	Interpreter uuid.UUID
	LIN         string
	For         string
	At          time.Time // UTC
	Trace       []domain.Because
}

// Reasons are why the interpreters of a job were chosen, each one's newest offer and the assignment, cut to what the viewer may read: staff of
// everybody, an interpreter of nobody else. It refuses whoever may not know the job (404), and customers (403), who read of the search's outcome alone.
func (h *Handler) Reasons(ctx context.Context, v access.Viewer, ref string) ([]Reason, error) {
	_, s, j, err := h.knownJob(ctx, v, ref)
	if err != nil {
		return nil, err
	}
	rel := access.Relate(v, s.Facts(j))
	area := access.ReadCandidates
	if v.Role == domain.Interpreter {
		area = access.ReadOwnOffers
	}
	if err := access.MayManage(v, area); err != nil {
		return nil, err
	}
	all := []Reason{}
	add := func(of booking.Offered, what string, when time.Time, trace []domain.Because) {
		if len(trace) > 0 && (v.Role != domain.Interpreter || of.Interpreter == v.Interpreter) {
			all = append(all, Reason{of.Interpreter, of.LIN, what, when, access.SeeTrace(v, rel, !j.InPerson(), trace)})
		}
	}
	for _, o := range j.Offers {
		add(booking.Offered{Interpreter: o.Interpreter, LIN: o.LIN}, ForOffer, o.SentAt, o.Trace)
	}
	if a := j.Assignment; a != nil {
		add(a.Offered, ForAssignment, a.At, a.Trace)
	}
	return all, nil
}
