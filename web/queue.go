package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/jobs"
	"github.com/dragoman-booking/dragoman/projections/timers"
)

// queuePage is the work of those who assign: jobs that nobody has, the most urgent first.
type queuePage struct {
	Rows    []queueRow
	Pager   pager
	Show    string // which of them: "", custody, flagged, due, held, untaken, mine
	Counts  queueSummary
	More    int // jobs that the page does not reach: they start later than all of these
	MayTake bool
	Zone    string
}

// queued is a job's place in the queue, with the next contact that its customer was promised (LL-60..64).
type queued struct {
	jobs.Queued
	Due  *timers.Promise // the earliest; nil: none
	Mine bool            // the viewer took it
}

// queueRow is a job of the queue as the page shows it.
type queueRow struct {
	jobs.QueuedItem
	Due     *timers.Promise
	Custody bool
	Mine    bool
	CanTake bool
	age     time.Duration // since it was booked
	until   time.Duration // until it starts; negative: it has
}

// queueOrder puts custody first, then what is flagged, then what is overdue, then by the contact that is due, then by start.
func queueOrder(a, b queued) int {
	if a.Custody != b.Custody {
		return before(a.Custody)
	}
	if a.Flagged != b.Flagged {
		return before(a.Flagged)
	}
	ad, bd := a.Due, b.Due
	switch {
	case (ad != nil && ad.Overdue) != (bd != nil && bd.Overdue):
		return before(ad != nil && ad.Overdue)
	case ad != nil && bd != nil && !ad.DueAt.Equal(bd.DueAt):
		return ad.DueAt.Compare(bd.DueAt)
	case (ad == nil) != (bd == nil):
		return before(ad != nil)
	}
	return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Ref, b.Ref))
}

func before(a bool) int {
	if a {
		return -1
	}
	return 1
}

// workQueue is the whole queue, in its order.
type workQueue struct {
	jobs  []queued
	total int
}

// queueSummary counts the queue.
type queueSummary struct {
	All, Custody, Flagged, Overdue, Held, Untaken, Mine int
}

func (q workQueue) summary() *queueSummary {
	s := &queueSummary{All: q.total}
	for _, r := range q.jobs {
		for _, c := range []struct {
			counts bool
			n      *int
		}{
			{r.Custody, &s.Custody}, {r.Flagged, &s.Flagged}, {r.overdue(), &s.Overdue}, {r.Held, &s.Held},
			{r.TakenBy == uuid.Nil, &s.Untaken}, {r.Mine, &s.Mine},
		} {
			if c.counts {
				*c.n++
			}
		}
	}
	return s
}

func (r queued) overdue() bool { return r.Due != nil && r.Due.Overdue }

// queueOf reads the queue with what is due.
func (p *Portal) queueOf(ctx context.Context, v access.Viewer) (workQueue, error) {
	found, err := p.Queries.Jobs.Queue(ctx, v)
	if err != nil {
		return workQueue{}, err
	}
	board, err := p.Queries.Timers.Board(ctx, v, projections.ListQuery{Limit: 500, Uncounted: true})
	if err != nil {
		return workQueue{}, err
	}
	due := map[string]*timers.Promise{}
	for i := range board.Items { // earliest first
		promise := &board.Items[i]
		if due[promise.Ref] == nil {
			promise.DueAt = domain.Moment{Instant: promise.DueAt, Zone: v.Zone}.In()
			due[promise.Ref] = promise
		}
	}
	q := workQueue{total: found.Total}
	for _, job := range found.Items {
		q.jobs = append(q.jobs, queued{Queued: job, Due: due[job.Ref], Mine: job.TakenBy == v.User})
	}
	slices.SortStableFunc(q.jobs, queueOrder)
	return q, nil
}

// queueShows are the parts of the queue that one may look at alone.
var queueShows = map[string]func(queued) bool{
	"":        func(queued) bool { return true },
	"custody": func(r queued) bool { return r.Custody },
	"flagged": func(r queued) bool { return r.Flagged },
	"due":     queued.overdue,
	"held":    func(r queued) bool { return r.Held },
	"untaken": func(r queued) bool { return r.TakenBy == uuid.Nil },
	"mine":    func(r queued) bool { return r.Mine },
}

// queue is the page of it.
func (p *Portal) queue(w http.ResponseWriter, r *http.Request) error {
	v, q := viewer(r.Context()), r.URL.Query()
	wanted, ok := queueShows[q.Get("show")]
	if !ok {
		return notFound()
	}
	all, err := p.queueOf(r.Context(), v)
	if err != nil {
		return err
	}
	page := queuePage{Show: q.Get("show"), Counts: *all.summary(), Zone: v.Zone, MayTake: access.May(v, access.Agency, "take") == nil}
	page.More = all.total - len(all.jobs)
	listed := slices.DeleteFunc(all.jobs, func(r queued) bool { return !wanted(r) })
	n := pageNumber(q)
	from := min((n-1)*pageSize, len(listed))
	shown := listed[from:min(from+pageSize, len(listed))]
	page.Pager = pageOf("/queue", q, n, len(shown), len(listed))
	if page.Rows, err = p.queueRows(r.Context(), v, shown, page.MayTake); err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "queue", "nav.queue", page)
}

// queueRows reads what is shown of jobs of the queue. One that is gone meanwhile is left out.
func (p *Portal) queueRows(ctx context.Context, v access.Viewer, shown []queued, mayTake bool) (all []queueRow, err error) {
	ids := make([]uuid.UUID, len(shown))
	for i, job := range shown {
		ids[i] = job.ID
	}
	items, err := p.Queries.Jobs.QueueItems(ctx, v, ids)
	if err != nil {
		return nil, err
	}
	for _, job := range shown {
		item, there := items[job.ID]
		if !there {
			continue
		}
		begins := item.Start
		if !item.ETA.IsZero() {
			begins = item.ETA
		}
		all = append(all, queueRow{QueuedItem: item, Due: job.Due, Custody: job.Custody, Mine: item.TakenBy.ID == v.User,
			CanTake: mayTake && item.TakenBy.ID == uuid.Nil, age: v.Now.Sub(item.CreatedAt), until: begins.Sub(v.Now)})
	}
	return all, nil
}

// Age is how long ago the job was booked, Until how long it is until it starts.
func (r queueRow) Age() time.Duration   { return r.age }
func (r queueRow) Until() time.Duration { return r.until }

// Begun tells whether its time has come.
func (r queueRow) Begun() bool { return r.until <= 0 }
