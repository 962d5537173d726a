package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

// availabilityPage is the form in which an interpreter says when work may come.
type availabilityPage struct {
	Zone     string
	Days     []workDay
	Away     []awayRow
	Revision uint64
	Held     []jobs.Item // own jobs ahead at times at which, by this, none should come
	Refusal  *domain.Refusal
}

type workDay struct {
	Day   string
	Times []workTime
}

// workTime is one pair of inputs. At is its place in the list that is sent, the same as a fault's location has.
type workTime struct{ From, To, At string }

// awayRow is one marked time: days, and times of day where not whole days are meant. The last day is part of it.
type awayRow struct{ From, FromTime, To, ToTime, Note, At string }

// freeRows are how many empty rows for further marked times the form has.
const freeRows = 2

func (p *Portal) availability(w http.ResponseWriter, r *http.Request) error {
	return p.showAvailability(w, r, http.StatusOK, nil, nil)
}

func (p *Portal) showAvailability(w http.ResponseWriter, r *http.Request, status int, sent url.Values, no *domain.Refusal) error {
	ctx, v := r.Context(), viewer(r.Context())
	if err := access.MayManage(v, access.ReadOwnOffers); err != nil {
		return err
	}
	said, revision, found, err := p.Queries.People.Availability(ctx, v)
	if err != nil {
		return err
	}
	if !found {
		said.TimeZone = v.Zone
	}
	page := availabilityPage{Zone: said.TimeZone, Revision: revision, Refusal: no}
	if sent == nil {
		sent = availabilityValues(said, v.Now)
	}
	page.fill(sent)
	ahead, err := p.Queries.Jobs.List(ctx, v, jobs.Filter{List: jobs.Upcoming, Interpreter: v.Interpreter, Limit: mostOffers})
	if err != nil {
		return err
	}
	for _, j := range ahead.Items {
		start := begin(jobs.Detail{Item: j})
		if j.Status == domain.Assigned && said.Against(start, start.Add(time.Duration(j.DurationMinutes)*time.Minute)) != nil {
			page.Held = append(page.Held, j)
		}
	}
	return p.render(w, r, status, "availability", "availability.title", page)
}

// fill puts what was sent, or what stands, into rows, each day with one more.
func (page *availabilityPage) fill(f url.Values) {
	n := 0
	for _, day := range people.Weekdays {
		d := workDay{Day: day}
		for i := range max(len(f[day+".from"]), len(f[day+".to"])) {
			t := workTime{From: nth(f[day+".from"], i), To: nth(f[day+".to"], i)}
			if t == (workTime{}) {
				continue
			}
			t.At = fmt.Sprintf("body.week[%d]", n)
			n++
			d.Times = append(d.Times, t)
		}
		d.Times = append(d.Times, workTime{At: "body.week." + day})
		page.Days = append(page.Days, d)
	}
	n = 0
	for i := range f["away.from"] {
		if row := awayAt(f, i); row != (awayRow{}) {
			row.At = fmt.Sprintf("body.unavailable[%d]", n)
			n++
			page.Away = append(page.Away, row)
		}
	}
	for i := range freeRows {
		page.Away = append(page.Away, awayRow{At: fmt.Sprintf("body.unavailable.new%d", i)})
	}
}

func awayAt(f url.Values, i int) awayRow {
	return awayRow{From: nth(f["away.from"], i), FromTime: nth(f["away.from.time"], i), To: nth(f["away.to"], i), ToTime: nth(f["away.to.time"], i), Note: nth(f["away.note"], i)}
}

// availabilityValues is what stands as the form has it. Marked times that have passed are left out.
func availabilityValues(a people.Availability, now time.Time) url.Values {
	f := url.Values{}
	for _, t := range a.Week {
		f.Add(t.Day+".from", t.From)
		f.Add(t.Day+".to", strings.Replace(t.To, "24:00", "00:00", 1))
	}
	for _, m := range a.Unavailable {
		if !m.To.Instant.After(now) {
			continue
		}
		from, to := m.From.In(), m.To.In()
		fromTime, toTime := from.Format("15:04"), to.Format("15:04")
		if fromTime == "00:00" && toTime == "00:00" { // whole days
			fromTime, toTime, to = "", "", to.AddDate(0, 0, -1)
		}
		f.Add("away.from", from.Format(time.DateOnly))
		f.Add("away.from.time", fromTime)
		f.Add("away.to", to.Format(time.DateOnly))
		f.Add("away.to.time", toTime)
		f.Add("away.note", m.Note.Reveal())
	}
	return f
}

// availabilityIn reads the form. A time of day that the clocks show twice is the earlier one as a beginning, the later one as an end.
func availabilityIn(f url.Values, zone string) people.SetAvailability {
	c := people.SetAvailability{TimeZone: zone}
	for _, day := range people.Weekdays {
		for i := range max(len(f[day+".from"]), len(f[day+".to"])) {
			if t := (people.WorkingTime{Day: day, From: nth(f[day+".from"], i), To: nth(f[day+".to"], i)}); t.From != "" || t.To != "" {
				if t.To == "00:00" {
					t.To = "24:00"
				}
				c.Week = append(c.Week, t)
			}
		}
	}
	for i := range f["away.from"] {
		row := awayAt(f, i)
		if row == (awayRow{}) {
			continue
		}
		to := row.To
		if to == "" {
			to = row.From // one day
		}
		if day, err := time.Parse(time.DateOnly, to); err == nil && row.ToTime == "" {
			to = day.AddDate(0, 0, 1).Format(time.DateOnly)
		}
		c.Unavailable = append(c.Unavailable, people.AwayIn{From: endIn(row.From, row.FromTime, zone, domain.FirstInstant),
			To: endIn(to, row.ToTime, zone, domain.LastInstant), Note: row.Note})
	}
	return c
}

func endIn(day, clock, zone string, choose func(time.Time, string) (time.Time, error)) string {
	if clock == "" || day == "" {
		return day
	}
	local := day + "T" + clock
	if _, err := domain.ParseMoment(local, zone); !errors.Is(err, domain.ErrDoubledLocal) {
		return local
	}
	wall, err := time.Parse("2006-01-02T15:04", local)
	if err != nil {
		return local
	}
	t, err := choose(wall, zone)
	if err != nil {
		return local
	}
	m, err := domain.MomentAt(t, zone)
	if err != nil {
		return local
	}
	return m.In().Format("2006-01-02T15:04Z07:00")
}

// setAvailability takes the form.
func (p *Portal) setAvailability(w http.ResponseWriter, r *http.Request) error {
	req, err := p.request(r, "set-availability")
	if err != nil {
		return err
	}
	if err := access.MayManage(req.Viewer, access.ReadOwnOffers); err != nil {
		return err
	}
	said, _, found, err := p.Queries.People.Availability(r.Context(), req.Viewer)
	if err != nil {
		return err
	}
	if !found {
		said.TimeZone = req.Viewer.Zone
	}
	done, err := p.Commands.SetAvailability(r.Context(), req, availabilityIn(r.PostForm, said.TimeZone))
	if no := correctable(err); no != nil {
		return p.showAvailability(w, r, no.Status, r.PostForm, no)
	}
	if err != nil {
		return err
	}
	return p.done(w, r, "/availability", "availability", done.Position)
}

// Says is the revision as the form carries it.
func (page availabilityPage) Says() string { return strconv.FormatUint(page.Revision, 10) }
