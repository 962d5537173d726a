package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/projections/calendar"
)

// calendarViews are the ways to look at the calendar. The agenda is the list that is also there without a script.
var calendarViews = []string{"month", "week", "day", "agenda"}

// calendarPage is the calendar (II-08..16): the server says what is shown and lists it; a script draws it.
type calendarPage struct {
	View              string
	Explicit          bool // the address asks for this view; otherwise a phone shows the agenda
	Title             string
	Date              string // a day of what is shown, 2006-01-02
	Today             string
	Now               string // local time of the viewer
	Zone              string
	Prev, Next, ToDay string // addresses
	Views             []calendarView
	Places            places
	Days              []calendarDay
	Statuses          []string
	Services          []forms.Option
	Events            string // where the script asks for what it draws
	Tabular           string // the tabular view of the same places (II-22)
	Cut               bool   // more jobs than are listed
}

type calendarView struct{ Name, Href string }

// calendarDay is a day with its jobs.
type calendarDay struct {
	Day   time.Time
	Today bool
	Jobs  []calendarJob
}

// calendarJob is a job in the calendar. Start and End are in the viewer's zone; Own is its own time, where its zone is another.
type calendarJob struct {
	calendar.Item
	Start, End time.Time
	Own        string
}

const (
	// calendarLimit is how many jobs a calendar draws at most: more cannot be looked at.
	calendarLimit = 2000
	// listedLimit is how many of them are listed below one another, which takes ten times as many bytes.
	listedLimit = 500
)

// spanOf is what a view shows around a day: from the first to before the second.
func spanOf(view string, day time.Time) (time.Time, time.Time) {
	y, m, d := day.Date()
	switch view {
	case "week":
		monday := time.Date(y, m, d-(int(day.Weekday())+6)%7, 0, 0, 0, 0, day.Location())
		return monday, monday.AddDate(0, 0, 7)
	case "day":
		first := time.Date(y, m, d, 0, 0, 0, 0, day.Location())
		return first, first.AddDate(0, 0, 1)
	}
	first := time.Date(y, m, 1, 0, 0, 0, 0, day.Location())
	return first, first.AddDate(0, 1, 0)
}

// spanTitle is what a view shows, in words.
func (s *tongue) spanTitle(view string, from, to time.Time) string {
	last := to.AddDate(0, 0, -1)
	whole, part := s.day("day", last), ""
	switch {
	case view == "day":
		return s.day("weekday", from)
	case view != "week":
		return s.day("month", from)
	case from.Month() == last.Month():
		part = from.Format("2")
	case from.Year() == last.Year():
		part = s.day("day-of-year", from)
	default:
		part = s.day("day", from)
	}
	return part + " – " + whole
}

func (p *Portal) calendar(w http.ResponseWriter, r *http.Request) error {
	ctx, v, q := r.Context(), viewer(r.Context()), r.URL.Query()
	zone := zoneOf(v)
	page := calendarPage{View: "month", Now: v.Now.In(zone).Format("2006-01-02T15:04:05"), Today: v.Now.In(zone).Format(time.DateOnly), Zone: v.Zone,
		Statuses: statuses, Services: forms.ServiceTypes()}
	for _, view := range calendarViews {
		if q.Get("view") == view {
			page.View, page.Explicit = view, true
		}
	}
	day := v.Now.In(zone)
	if typed := q.Get("date"); typed != "" {
		t, err := dayIn(v, typed, 0, "date")
		if err != nil {
			return err
		}
		day = t
	}
	page.Date = day.Format(time.DateOnly)
	var err error
	if page.Places, err = p.placesIn(ctx, v, q); err != nil {
		return err
	}
	from, to := spanOf(page.View, day)
	page.Title = p.in(ctx).spanTitle(page.View, from, to)
	at := func(view, day string) string {
		a := page.Places.values()
		if view != "" {
			a.Set("view", view)
		}
		a.Set("date", day)
		return "/calendar?" + a.Encode()
	}
	shown := ""
	if page.Explicit {
		shown = page.View
	}
	page.Prev, page.Next, page.ToDay = at(shown, spanBefore(page.View, from).Format(time.DateOnly)), at(shown, to.Format(time.DateOnly)), at(shown, page.Today)
	for _, view := range calendarViews {
		page.Views = append(page.Views, calendarView{view, at(view, page.Date)})
	}
	page.Events, page.Tabular = "/calendar.json?"+page.Places.Query(), "/jobs"
	if page.Places.Set() {
		page.Tabular += "?" + page.Places.Query()
	}
	jobs, err := p.calendarJobs(ctx, v, from, to, page.Places, listedLimit)
	if err != nil {
		return err
	}
	if len(jobs) > listedLimit {
		jobs, page.Cut = jobs[:listedLimit], true
	}
	page.Days = byDay(jobs, from, page.Today)
	return p.render(w, r, http.StatusOK, "calendar", "nav.calendar", page)
}

// spanBefore is the first day of the span before the one that begins on from.
func spanBefore(view string, from time.Time) time.Time {
	first, _ := spanOf(view, from.AddDate(0, 0, -1))
	return first
}

// placesIn are the places that an address chooses.
func (p *Portal) placesIn(ctx context.Context, v access.Viewer, q url.Values) (places, error) {
	client, err := uuid.Parse(q.Get("client"))
	if err != nil {
		client = uuid.Nil
	}
	location, err := uuid.Parse(q.Get("location"))
	if err != nil {
		location = uuid.Nil
	}
	return p.places(ctx, v, client, location)
}

// calendarJobs are the jobs of a time that the viewer may know, an interpreter's own ones; one more than can be shown, if there are more.
func (p *Portal) calendarJobs(ctx context.Context, v access.Viewer, from, to time.Time, where places, most int) ([]calendarJob, error) {
	found, err := p.Queries.Calendar.Between(ctx, v, from, to,
		calendar.Filter{Client: where.Client, Location: where.Location, Interpreter: v.Interpreter, Limit: most + 1})
	if err != nil {
		return nil, err
	}
	zone := zoneOf(v)
	jobs := make([]calendarJob, len(found))
	for i, item := range found {
		jobs[i] = calendarJob{Item: item, Start: item.Start.In(zone), End: item.End.In(zone)}
		if item.Zone != v.Zone {
			jobs[i].Own = p.in(ctx).between(item.Start, item.End) + " " + item.Zone
		}
	}
	return jobs, nil
}

// byDay puts the jobs under the days on which they start; one that started before the time under its first day.
func byDay(jobs []calendarJob, from time.Time, today string) []calendarDay {
	var days []calendarDay
	for _, j := range jobs {
		day := j.Start
		if day.Before(from) {
			day = from
		}
		name := day.Format(time.DateOnly)
		if n := len(days); n == 0 || days[n-1].Day.Format(time.DateOnly) != name {
			days = append(days, calendarDay{Day: day, Today: name == today})
		}
		last := &days[len(days)-1]
		last.Jobs = append(last.Jobs, j)
	}
	return days
}

// calendarEvent is a job as the script draws it. Start and End are local times of the viewer, so that the browser's zone plays no part.
type calendarEvent struct {
	Ref        string `json:"ref"`
	Language   string `json:"language"`
	Start      string `json:"start"`
	End        string `json:"end"`
	Status     string `json:"status"`
	StatusText string `json:"statusText"`
	Service    string `json:"service"`
	Kind       string `json:"kind"` // of service, in words
	CreatedBy  string `json:"createdBy,omitempty"`
	When       string `json:"when"`
	Own        string `json:"own,omitempty"`
}

// longestSpan is how many days a script may ask for at once: a month with the days around it has 42.
const longestSpan = 62 * 24 * time.Hour

// calendarJSON is what the calendar draws between two days of the viewer's, the second excluded.
func (p *Portal) calendarJSON(w http.ResponseWriter, r *http.Request) error {
	ctx, v, q := r.Context(), viewer(r.Context()), r.URL.Query()
	from, err := dayIn(v, q.Get("from"), 0, "from")
	if err != nil {
		return err
	}
	to, err := dayIn(v, q.Get("to"), 0, "to")
	if err != nil {
		return err
	}
	if from.IsZero() || !to.After(from) || to.Sub(from) > longestSpan {
		return domain.Invalid(domain.FieldError{Location: "query.to", Message: "fault.two-months"})
	}
	where, err := p.placesIn(ctx, v, q)
	if err != nil {
		return err
	}
	jobs, err := p.calendarJobs(ctx, v, from, to, where, calendarLimit)
	if err != nil {
		return err
	}
	agency, err := p.agency(ctx)
	if err != nil {
		return err
	}
	speak := p.in(ctx)
	answer := struct {
		Items []calendarEvent `json:"items"`
		Cut   bool            `json:"cut"`
	}{Items: []calendarEvent{}, Cut: len(jobs) > calendarLimit}
	for _, j := range jobs[:min(len(jobs), calendarLimit)] {
		word, err := speak.statusWord(agency.Settings.StatusLabels, j.Status)
		if err != nil {
			return err
		}
		answer.Items = append(answer.Items, calendarEvent{Ref: j.Ref, Language: languageIn(j.Item), Start: j.Start.Format("2006-01-02T15:04:05"),
			End: j.End.Format("2006-01-02T15:04:05"), Status: string(j.Status), StatusText: speak.outcome(word, j.Outcome), Service: j.ServiceType, Kind: speak.serviceName(j.ServiceType), CreatedBy: j.CreatedBy,
			When: speak.say("time.between", j.Start.Format(whenLayout), j.End.Format(whenLayout)), Own: j.Own})
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(answer)
}

// languageIn is the language's name: an entry's title without the type of service.
func languageIn(i calendar.Item) string {
	return strings.TrimSuffix(i.Title, ", "+strings.ReplaceAll(i.ServiceType, "-", " "))
}
