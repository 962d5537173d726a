package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/dashboard"
	"github.com/dragoman-booking/dragoman/projections/invoices"
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

// homePage is the first page. What a role has no use for is empty.
type homePage struct {
	Splash   string
	Notices  []people.Notice
	Tiles    dashboard.Tiles
	Upcoming jobTable
	Total    int // upcoming jobs in all
	Waiting  []jobs.Waiting
	More     int // that wait besides
	Quick    []string
	Queue    *queueSummary
	Offers   []jobs.Offer
	Expiring []expiring // the interpreter's credentials that end soon, or have ended
	Drafts   *int       // invoices to be issued
	Zone     string
}

const (
	homeUpcoming = 15
	homeWaiting  = 6
)

// home is where sign-in leads (II-05): what the agency says, four tiles, what waits for the viewer, the upcoming jobs (LL-08..12).
func (p *Portal) home(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), viewer(r.Context())
	page := homePage{Zone: v.Zone, Quick: quickActions(v)}
	agency, err := p.agency(ctx)
	if err != nil {
		return err
	}
	posted, err := agency.Posted(v)
	if err != nil {
		return err
	}
	page.Notices, page.Splash = posted.Notices, posted.Splash
	if page.Tiles, err = p.Queries.Dashboard.Tiles(ctx, v); err != nil {
		return err
	}
	upcoming, err := p.Queries.Jobs.List(ctx, v, jobs.Filter{List: jobs.Upcoming, Limit: homeUpcoming, Interpreter: v.Interpreter})
	if err != nil {
		return err
	}
	page.Total = upcoming.Total
	page.Upcoming = jobTable{Caption: "home.upcoming", Columns: p.in(ctx).columnsNamed(v, nineColumns), Rows: upcoming.Items, Zone: v.Zone}
	if err := p.homeOfRole(ctx, v, &page); err != nil {
		return err
	}
	name := "home"
	if v.Role == domain.Interpreter {
		name = "homeinterpreter"
	}
	return p.render(w, r, http.StatusOK, name, "home.title", page)
}

// homeOfRole adds what only one role works with.
func (p *Portal) homeOfRole(ctx context.Context, v access.Viewer, page *homePage) (err error) {
	switch v.Role {
	case domain.Assigner, domain.Admin:
		queue, err := p.queueOf(ctx, v)
		if err != nil {
			return err
		}
		page.Queue = queue.summary()
	case domain.Requestor, domain.CustomerAdmin:
		waiting, err := p.Queries.Jobs.WaitingForMe(ctx, v, jobs.Filter{Limit: homeWaiting})
		if err != nil {
			return err
		}
		page.Waiting, page.More = waiting.Items, waiting.Total-len(waiting.Items)
	case domain.Interpreter:
		me, found, err := p.Queries.People.Interpreter(ctx, v, v.Interpreter)
		if err != nil {
			return err
		}
		if found {
			page.Expiring = expiringSoon(me.Credentials, v.Now.In(zoneOf(v)))
		}
		offers, err := p.Queries.Jobs.Offers(ctx, v, projections.ListQuery{Limit: 100})
		if err != nil {
			return err
		}
		waiting, err := p.Queries.Jobs.WaitingForMe(ctx, v, jobs.Filter{Limit: 500})
		if err != nil {
			return err
		}
		answer := map[string]bool{} // what another interpreter holds is not in it
		for _, w := range waiting.Items {
			if w.Step == "accept-offer" { // shown as offers, with what they pay
				answer[w.Ref] = true
			} else {
				page.Waiting = append(page.Waiting, w)
			}
		}
		for _, o := range offers.Items {
			if o.State == "open" && answer[o.Ref] {
				page.Offers = append(page.Offers, o)
			}
		}
		slices.SortFunc(page.Offers, func(a, b jobs.Offer) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Ref, b.Ref)) })
	case domain.Finance:
		drafts, err := p.Queries.Invoices.List(ctx, v, invoices.Filter{Standing: "draft"}, projections.ListQuery{Limit: 1})
		if err != nil {
			return err
		}
		page.Drafts = &drafts.Total
	}
	if len(page.Waiting) > homeWaiting {
		page.More = len(page.Waiting) - homeWaiting
		page.Waiting = page.Waiting[:homeWaiting]
	}
	return nil
}

// expiring is a kind of credential whose newest one ends soon, or has ended.
type expiring struct {
	Kind string
	On   time.Time // its last day
	Over bool
}

// remindDays is how long before the end of a credential its interpreter is reminded.
const remindDays = 60

// expiringSoon are the kinds of credentials that end within remindDays of a day, or have ended without another that goes on, earliest first.
func expiringSoon(all []people.Credential, today time.Time) (out []expiring) {
	last := map[string]string{}
	for _, c := range all {
		last[c.Kind] = max(last[c.Kind], c.ValidTo)
	}
	day, until := today.Format(time.DateOnly), today.AddDate(0, 0, remindDays).Format(time.DateOnly)
	for kind, to := range last {
		if on, err := time.Parse(time.DateOnly, to); err == nil && to <= until {
			out = append(out, expiring{kind, on, to < day})
		}
	}
	slices.SortFunc(out, func(a, b expiring) int { return cmp.Or(a.On.Compare(b.On), cmp.Compare(a.Kind, b.Kind)) })
	return out
}

// quickActions are what may be done from the heading with a job whose reference is known (LL-12).
func quickActions(v access.Viewer) []string {
	var all []string
	for _, command := range []string{"edit", "cancel"} {
		if access.May(v, standing(v), command) == nil {
			all = append(all, command)
		}
	}
	return all
}

// jobPath is where a job's page is.
func jobPath(ref string) string {
	return "/jobs/" + url.PathEscape(strings.ToUpper(strings.TrimSpace(ref)))
}
