package timers

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
)

// wave is what is known of a job's waves of offers (N-03).
type wave struct {
	id     uuid.UUID // names the next one; zero: none is due
	number int       // of the last one
	due    time.Time
	taken  bool      // an assigner works on the job
	holder uuid.UUID // whose acceptance holds it
}

// waves follows what an event says about the job's waves; false: nothing.
func (j *job) waves(r eventschema.Recorded) bool {
	before := j.wave
	w := &j.wave
	ended := func(interpreter uuid.UUID) {
		if w.holder == interpreter {
			w.holder = uuid.Nil
		}
	}
	switch e := r.Event.(type) {
	case booking.Taken:
		w.taken = true
	case booking.Released:
		w.taken = false
	case booking.OfferAccepted:
		w.holder = e.Interpreter
	case booking.CounterOfferAnswered:
		if e.Accepted {
			w.holder = e.Interpreter
		}
	case booking.OfferDeclined:
		ended(e.Interpreter)
	case booking.OfferRevoked:
		ended(e.Interpreter)
	case booking.OfferLapsed:
		ended(e.Interpreter)
	case booking.HoldEnded:
		ended(e.Interpreter)
	case booking.Edited:
		for _, c := range e.Jobs {
			if c.Job == j.ID {
				for _, o := range c.Revoked {
					ended(o.Interpreter)
				}
			}
		}
	case booking.ChangeUndone:
		for _, u := range e.Jobs {
			if u.Job == j.ID {
				for _, o := range u.Revoked {
					ended(o.Interpreter)
				}
			}
		}
	case booking.Assigned, booking.Unassigned, booking.Cancelled, booking.Closed, booking.TimesheetAccepted:
		w.holder = uuid.Nil
	}
	if next, ok := booking.WavesAfter(r.Event.(booking.Event), j.ID, r.Meta.At); ok {
		w.id, w.due = uuid.Nil, time.Time{}
		if !next.Due.IsZero() {
			w.id, w.due = uuid.NewSHA1(r.ID, []byte("next-wave "+j.ID.String())), next.Due.UTC().Truncate(time.Microsecond)
		}
		switch {
		case next.Anew:
			w.number = 0
		case next.Sent > 0:
			w.number = next.Sent
		}
	}
	return j.wave != before
}

func queueAgency(b *pgx.Batch, e people.AgencyChanged) {
	b.Queue(`insert into agency (auto_offer) values ($1) on conflict (singleton) do update set auto_offer = excluded.auto_offer`, e.Settings.AutoOffer)
}

// Wave is the next wave of offers of a job. Equal waves are equal values.
type Wave struct {
	ID      uuid.UUID
	Booking uuid.UUID
	Job     uuid.UUID
	Number  int
}

const wavesDueSQL = `
select wave, booking, job, wave_number + 1 from {timers}.jobs
where (select auto_offer from {timers}.agency) and wave is not null and status = 'new' and not taken and holder is null and starts_at > $1 and wave_due <= $1
order by starts_at, job limit $2`

// WavesDue are the waves that are due at an instant, the most urgent jobs first, at most limit of them. While offers do not go out by themselves
// nothing is looked at, however many jobs wait.
func (q Queries) WavesDue(ctx context.Context, now time.Time, limit int) ([]Wave, error) {
	all, err := projections.Collect(ctx, q.Models, pgx.RowToStructByPos[Wave], wavesDueSQL, now, limit)
	if err != nil {
		return nil, fmt.Errorf("look which waves are due: %w", err)
	}
	return all, nil
}
