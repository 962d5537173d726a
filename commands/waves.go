package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/matching"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// Candidates looks for interpreters; projections/candidates implements it.
type Candidates interface {
	// Survey judges everybody who speaks a language that the job wants, and says up to which position of the log was read. With languages, it reads
	// others too, to know what another language would bring.
	Survey(ctx context.Context, j matching.Job, w matching.World, table people.Postcodes, languages bool) (matching.Survey, eventschema.Position, error)
}

// candidateModels are the read models that a survey reads.
var candidateModels = []string{"people", "diary"}

// SendWave offers a job to the next interpreters in order (N-03). A timer sends it: command derives from its row, so sent again it changes nothing.
func (h *Handler) SendWave(ctx context.Context, command, bookingID, job uuid.UUID, number int) error {
	c := booking.SendWave{Job: job, Number: number}
	r := h.ready(Request{Viewer: systemViewer(), Name: c.Name(), CommandID: command, Canonical: []byte(c.Name())})
	_, err := execute(ctx, h, h.bookings, r, wish[booking.State]{
		stream:  eventschema.BookingStream(bookingID),
		booking: bookingID,
		claims:  claims,
		ref:     refOf,
		decide: func(ctx context.Context, s booking.State, a attempt) (plan, error) {
			f, err := h.look(ctx, needs{agency: true})
			if err != nil {
				return plan{}, err
			}
			// Most of the work is looking for people: only for a wave that is due.
			if due, err := c.Due(s, h.env(r, a, f)); err != nil || !due {
				return plan{}, err
			}
			c.Found, err = h.foundFor(ctx, s, target{bookingID, job}, a)
			if err != nil {
				return plan{}, err
			}
			c.Look = 2*f.agency.Settings.LargestWave() + 10
			if f, err = h.look(ctx, needsOf(s, c)); err != nil {
				return plan{}, err
			}
			return decide(c, s, h.env(r, a, f))
		},
	})
	return err
}

// foundFor looks for interpreters for a job, in the read models as they stand when everything written before has reached them.
func (h *Handler) foundFor(ctx context.Context, s booking.State, at target, a attempt) (booking.Found, error) {
	if h.candidates == nil {
		return booking.Found{}, fmt.Errorf("look for interpreters: nobody was given to look for them")
	}
	end, err := h.log.Newest(ctx)
	if err != nil {
		return booking.Found{}, fmt.Errorf("find the log's end: %w", err)
	}
	if err := h.models.WaitFor(ctx, end, candidateModels...); err != nil {
		return booking.Found{}, fmt.Errorf("wait for the candidates: %w", err)
	}
	search, err := h.searchFrom(ctx, present{h}, systemViewer(), at, s, a.at)
	if err != nil {
		return booking.Found{}, err
	}
	survey, position, err := h.candidates.Survey(ctx, search.Job, search.World, search.Postcodes, false)
	if err != nil {
		return booking.Found{}, err
	}
	found := booking.Found{Search: summary(survey, position)}
	for _, v := range survey.Eligible() {
		ranked := booking.Ranked{Interpreter: v.Worker.ID, Start: v.Start}
		if start, ok := v.InTimeAt(); ok {
			ranked.Start, ranked.InTime = start, true
		}
		found.Ranked = append(found.Ranked, ranked)
	}
	left, inTime := s.Unasked(at.job, found.Ranked)
	found.Search.Asked = len(found.Ranked) - len(left)
	if inTime {
		return found, nil
	}
	if survey, _, err = h.candidates.Survey(ctx, search.Job, search.World, search.Postcodes, true); err != nil {
		return booking.Found{}, err
	}
	found.Helps = survey.Helps(s.Asked(at.job))
	return found, nil
}

// summary is what an event keeps of a survey.
func summary(s matching.Survey, at eventschema.Position) booking.Search {
	eligible := s.Eligible()
	out := booking.Search{Position: fmt.Sprintf("%x.%x", at.Commit, at.Prepare), Policy: s.World.Travel.Settings, Rules: matching.Versions(), Eligible: len(eligible),
		Others: len(s.Ranked) - len(eligible) + s.Strangers, Against: s.Against()}
	if s.Job.CustodyEnds != nil {
		for _, v := range eligible {
			if _, ok := v.InTimeAt(); ok {
				out.InTime++
			}
		}
	}
	return out
}

// searchPatience is how long an offer that staff send waits for what is only kept beside it.
const searchPatience = time.Second

// searched adds to an offer that staff send what a look for interpreters finds at that moment. The read models may be behind, or away: what was read,
// and how far, is what is kept.
func (h *Handler) searched(ctx context.Context, c booking.Command, s booking.State, a attempt) booking.Command {
	offer, ok := c.(booking.SendOffer)
	if !ok || h.candidates == nil {
		return c
	}
	ctx, cancel := context.WithTimeout(ctx, searchPatience)
	defer cancel()
	search, err := h.searchFrom(ctx, present{h}, systemViewer(), target{s.ID, offer.Job}, s, a.at)
	if err != nil {
		return c
	}
	survey, position, err := h.candidates.Survey(ctx, search.Job, search.World, search.Postcodes, false)
	if err != nil {
		return c
	}
	kept := summary(survey, position)
	offer.Search = &kept
	return offer
}
