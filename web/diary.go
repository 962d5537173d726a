package web

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/calendar"
)

// diaryWeeks is how many weeks one page of the diary shows.
const diaryWeeks = 2

// diaryPage is an interpreter's own reserved time as an agenda, day by day.
type diaryPage struct {
	Weeks      []diaryWeek
	Prev, Next string // addresses of the weeks before and after
	Earlier    bool   // shows another time than the one of today
}

type diaryWeek struct {
	From, To time.Time // first and last day
	Days     []diaryDay
	Minutes  int // reserved in the week
}

type diaryDay struct {
	Day   time.Time
	Today bool
	Past  bool
	Times []reserved
	Away  []string // times marked unavailable, as they fall into the day
}

// reserved is one entry: an own job, or one that the interpreter accepted and that is not assigned yet.
type reserved struct {
	Ref           string
	Start, End    time.Time
	Title, Place  string
	Status        domain.Status
	Outcome       domain.Outcome
	Held          bool
	OtherZone     string // the job's, where it is not the diary's
	FromDayBefore bool
}

// diary is the page of an interpreter's own time.
func (p *Portal) diary(w http.ResponseWriter, r *http.Request) error {
	v := viewer(r.Context())
	if err := access.MayManage(v, access.ReadOwnOffers); err != nil {
		return err
	}
	zone := zoneOf(v)
	today := v.Now.In(zone)
	first := monday(today)
	if day, err := time.ParseInLocation(time.DateOnly, r.URL.Query().Get("from"), zone); err == nil {
		first = monday(day)
	}
	end := first.AddDate(0, 0, 7*diaryWeeks)
	times, err := p.reservedBetween(r, first, end)
	if err != nil {
		return err
	}
	said, _, _, err := p.Queries.People.Availability(r.Context(), v)
	if err != nil {
		return err
	}
	page := diaryPage{Prev: diaryAt(first.AddDate(0, 0, -7*diaryWeeks)), Next: diaryAt(end), Earlier: !first.Equal(monday(today))}
	for from := first; from.Before(end); from = from.AddDate(0, 0, 7) {
		week := diaryWeek{From: from, To: from.AddDate(0, 0, 6)}
		for day := from; day.Before(from.AddDate(0, 0, 7)); day = day.AddDate(0, 0, 1) {
			d := diaryDay{Day: day, Today: sameDay(day, today), Past: day.AddDate(0, 0, 1).Before(today)}
			for _, t := range times {
				if t.Start.Before(day.AddDate(0, 0, 1)) && t.End.After(day) {
					t.FromDayBefore = t.Start.Before(day)
					d.Times = append(d.Times, t)
					if !t.FromDayBefore {
						week.Minutes += int(t.End.Sub(t.Start).Minutes())
					}
				}
			}
			for _, a := range said.Unavailable {
				if next := day.AddDate(0, 0, 1); a.From.Instant.Before(next) && a.To.Instant.After(day) {
					d.Away = append(d.Away, within(a, day, next))
				}
			}
			week.Days = append(week.Days, d)
		}
		page.Weeks = append(page.Weeks, week)
	}
	return p.render(w, r, http.StatusOK, "diary", "diary.title", page)
}

// within is the part of a marked time that falls into a day.
func within(a people.Away, day, next time.Time) string {
	from, to := "00:00", "24:00"
	if a.From.Instant.After(day) {
		from = a.From.Instant.In(day.Location()).Format("15:04")
	}
	if a.To.Instant.Before(next) {
		to = a.To.Instant.In(day.Location()).Format("15:04")
	}
	return from + "–" + to
}

// reservedBetween are the viewer's own times, in order.
func (p *Portal) reservedBetween(r *http.Request, from, to time.Time) ([]reserved, error) {
	ctx, v := r.Context(), viewer(r.Context())
	items, err := p.Queries.Calendar.Between(ctx, v, from, to, calendar.Filter{Interpreter: v.Interpreter})
	if err != nil {
		return nil, err
	}
	other := func(zone string) string {
		if zone == v.Zone {
			return ""
		}
		return zone
	}
	var all []reserved
	for _, i := range items {
		if i.Status != domain.Cancelled {
			all = append(all, reserved{Ref: i.Ref, Start: i.Start.In(from.Location()), End: i.End.In(from.Location()), Title: i.Title, Status: i.Status,
				Outcome: i.Outcome, OtherZone: other(i.Zone)})
		}
	}
	offers, err := p.Queries.Jobs.Offers(ctx, v, projections.ListQuery{Limit: mostOffers})
	if err != nil {
		return nil, err
	}
	agency, err := p.agency(ctx)
	if err != nil {
		return nil, err
	}
	names := words{p.in(r.Context()), agency.Settings.Languages}
	for _, o := range offers.Items {
		card := offerCard{Offer: o}
		if start := card.Begins(); o.State == "accepted" && start.Before(to) && card.Ends().After(from) {
			all = append(all, reserved{Ref: o.Ref, Start: start.In(from.Location()), End: card.Ends().In(from.Location()), Title: names.language(o.Language), Held: true,
				OtherZone: other(o.TimeZone)})
		}
	}
	slices.SortFunc(all, func(a, b reserved) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Ref, b.Ref)) })
	return all, nil
}

// monday is the beginning of a day's week.
func monday(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d-(int(t.Weekday())+6)%7, 0, 0, 0, 0, t.Location())
}

func diaryAt(day time.Time) string { return "/diary?from=" + day.Format(time.DateOnly) }
