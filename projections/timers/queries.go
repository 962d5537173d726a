package timers

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections"
)

// Queries answers what is due. Due and LapseDue are for programs of ours; people ask for the Board.
type Queries struct{ Models *projections.Models }

// Due are the open timers of every kind that are due at an instant, earliest first, at most limit of them.
func (q Queries) Due(ctx context.Context, until time.Time, limit int) ([]Timer, error) {
	return q.due(ctx, "", until, limit)
}

// LapseDue are the offers that nobody answered in time and that nobody has yet written down as lapsed, earliest first. A timer is done, and
// not in the list any more, once the read model has seen the offer lapse.
func (q Queries) LapseDue(ctx context.Context, until time.Time, limit int) ([]Timer, error) {
	return q.due(ctx, " and kind = 'offer-expiry'", until, limit)
}

func (q Queries) due(ctx context.Context, more string, until time.Time, limit int) ([]Timer, error) {
	all, err := projections.Collect(ctx, q.Models, scanTimer,
		`select `+timerColumns+` from {timers}.timers where not done`+more+` and due_at <= $1 order by due_at, id limit $2`, until, limit)
	if err != nil {
		return nil, fmt.Errorf("look what is due: %w", err)
	}
	return all, nil
}

// Promise is one contact that the agency owes a customer (LL-60..64). Overdue: its instant has passed.
type Promise struct {
	ID           uuid.UUID
	Ref          string
	Customer     uuid.UUID
	Kind         string // first-contact, update, contact
	DueAt        time.Time
	StartsAt     time.Time // of the job, the ETA if there is one
	Zone         string
	Status       domain.Status
	ResponseTier string
	Overdue      bool
}

// Board lists the promises that stand, earliest first, of jobs that are not over: for those who keep them and the auditor; everybody else
// gets the refusal.
func (q Queries) Board(ctx context.Context, v access.Viewer, l projections.ListQuery) (projections.ListPage[Promise], error) {
	if err := access.MayManage(v, access.ReadBoard); err != nil {
		return projections.ListPage[Promise]{}, err
	}
	page, err := projections.List[Promise](ctx, q.Models, l,
		projections.Fields{"ref": "ref", "kind": "kind", "dueAt": "due_at", "start": "starts_at", "status": "status", "responseTier": "response_tier"},
		"due_at, id", `
		select t.id, t.ref, j.customer, t.kind, t.due_at, j.starts_at, j.zone, j.status, j.tier as response_tier, t.due_at < $1 as overdue
		from {timers}.timers t join {timers}.jobs j on j.job = t.job
		where not t.done and t.kind <> 'offer-expiry' and j.ends_at > $1`, v.Now)
	if err != nil {
		return page, fmt.Errorf("list the promises that stand: %w", err)
	}
	for i := range page.Items {
		p := &page.Items[i]
		p.DueAt, p.StartsAt = p.DueAt.UTC(), domain.Moment{Zone: p.Zone, Instant: p.StartsAt}.In()
	}
	return page, nil
}
