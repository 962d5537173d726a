package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

// myJobsPage is an interpreter's own work: what lies ahead, a card each by day, and what was.
type myJobsPage struct {
	Days  []jobDay
	More  int // ahead, besides
	Past  []jobs.Item
	Pager pager
}

// jobDay is a day with its jobs.
type jobDay struct {
	Day   time.Time
	Today bool
	Jobs  []jobCard
}

// jobCard is a job as whoever goes there needs it: where, for whom, what to know (LL-42).
type jobCard struct {
	jobs.Detail
	Rows   []row
	Unable bool // may still give the job back
}

// mostUpcoming is how many jobs ahead the page shows: each is read by itself.
const mostUpcoming = 30

// toAttend are the form's fields that matter on the way to a job, in this order.
var toAttend = []string{"reportTo", "nonEnglishSpeaker", "consumer", "custodyReference", "platform", "venueInformation", "jobNotes", "additionalRequirements",
	"assignedNotes", "instructions", "specialInstructions", "jobDetails"}

// myJobs is the page of an interpreter's own jobs.
func (p *Portal) myJobs(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), viewer(r.Context())
	if err := access.MayManage(v, access.ReadOwnOffers); err != nil {
		return err
	}
	ahead, err := p.Queries.Jobs.List(ctx, v, jobs.Filter{List: jobs.AssignedList, Interpreter: v.Interpreter, Limit: mostUpcoming})
	if err != nil {
		return err
	}
	page := myJobsPage{More: ahead.Total - len(ahead.Items)}
	for _, item := range ahead.Items {
		card, err := p.jobCard(ctx, item.Ref)
		if err != nil {
			return err
		}
		page.add(card, v.Now)
	}
	n := pageNumber(r.URL.Query())
	past, err := p.Queries.Jobs.List(ctx, v, jobs.Filter{Interpreter: v.Interpreter, To: v.Now, Offset: (n - 1) * pageSize, Limit: pageSize})
	if err != nil {
		return err
	}
	page.Past = slices.DeleteFunc(past.Items, func(i jobs.Item) bool { return i.Status == domain.Assigned && i.End.After(v.Now) }) // it stands above
	page.Pager = pageOf("/my-jobs", url.Values{}, n, len(past.Items), past.Total)
	return p.render(w, r, http.StatusOK, "myjobs", "myjobs.title", page)
}

func (p *Portal) jobCard(ctx context.Context, ref string) (jobCard, error) {
	d, err := p.Queries.Jobs.Get(ctx, viewer(ctx), ref)
	if err != nil {
		return jobCard{}, err
	}
	rows, err := p.rowsOf(ctx, d, toAttend...)
	if err != nil {
		return jobCard{}, err
	}
	can, err := p.Commands.Actions(ctx, viewer(ctx), ref)
	return jobCard{Detail: d, Rows: rows, Unable: slices.Contains(can, "unassign")}, err
}

// add puts a job under its day, in its own zone. Jobs come by start.
func (page *myJobsPage) add(c jobCard, now time.Time) {
	at := begin(c.Detail)
	if n := len(page.Days); n > 0 && sameDay(page.Days[n-1].Day, at) {
		page.Days[n-1].Jobs = append(page.Days[n-1].Jobs, c)
		return
	}
	page.Days = append(page.Days, jobDay{Day: at, Today: sameDay(at, now.In(at.Location())), Jobs: []jobCard{c}})
}

// sameDay tells whether two times of one zone lie on one day.
func sameDay(a, b time.Time) bool { return a.Format(time.DateOnly) == b.Format(time.DateOnly) }

// Begins is when the job begins, as far as agreed.
func (c jobCard) Begins() time.Time { return begin(c.Detail) }

// Moved tells whether another start than the one asked for was agreed.
func (c jobCard) Moved() bool { return !c.ETA.IsZero() && !c.ETA.Equal(c.Start) }

// Address are the lines to travel to; none for a remote job.
func (c jobCard) Address() []string {
	if c.Remote {
		return nil
	}
	return line("", c.Location.Name, c.Line1, c.Line2, c.Town, c.Postcode).Lines
}
