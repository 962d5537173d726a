package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/activity"
	"github.com/dragoman-booking/dragoman/projections/calendar"
	"github.com/dragoman-booking/dragoman/projections/dashboard"
	"github.com/dragoman-booking/dragoman/projections/history"
	"github.com/dragoman-booking/dragoman/projections/jobs"
	"github.com/dragoman-booking/dragoman/projections/messages"
	"github.com/dragoman-booking/dragoman/projections/settings"
)

// OfJob is a query about one job.
type OfJob struct {
	Asking
	Ref string `path:"ref" maxLength:"40"`
}

type noteItem struct {
	At       time.Time         `json:"at"`
	Note     string            `json:"note"`
	Kind     string            `json:"kind"`
	Params   map[string]string `json:"params"`
	Position string            `json:"position"`
	EventID  uuid.UUID         `json:"eventId"`
}

// HistoryItem is an event of a job's history; `dragoman replay` prints the same.
type HistoryItem struct {
	Number        uint64          `json:"number"`
	Position      string          `json:"position"`
	ID            uuid.UUID       `json:"id"`
	Type          string          `json:"type"`
	At            time.Time       `json:"at"`
	RecordedAt    time.Time       `json:"recordedAt"`
	Actor         domain.Actor    `json:"actor"`
	Command       string          `json:"command"`
	CommandID     uuid.UUID       `json:"commandId"`
	CorrelationID uuid.UUID       `json:"correlationId"`
	CausationID   uuid.UUID       `json:"causationId"`
	Data          json.RawMessage `json:"data" doc:"The meaning; an erased person's values read [erased]."`
	Stored        json.RawMessage `json:"stored" doc:"The bytes as they lie in the log."`
}

// HistoryItemOf is an event as it is answered.
func HistoryItemOf(e history.Entry) HistoryItem {
	return HistoryItem{e.Number, position(e.Position), e.ID, e.Type, e.At, e.RecordedAt, e.Actor, e.Command, e.CommandID, e.CorrelationID, e.CausationID,
		e.Data, e.Stored}
}

type calendarItem struct {
	Ref         string         `json:"ref"`
	Title       string         `json:"title"`
	Start       time.Time      `json:"start"`
	End         time.Time      `json:"end"`
	TimeZone    string         `json:"timeZone"`
	Status      domain.Status  `json:"status"`
	Outcome     domain.Outcome `json:"outcome,omitempty"`
	Language    string         `json:"language"`
	ServiceType string         `json:"serviceType"`
	CreatedBy   string         `json:"createdBy"`
}

type jobsQuery struct {
	Listing
	Narrowing
	List     string    `query:"list" enum:"unassigned,assigned,today,upcoming,in-progress,requiring-closure,completed" doc:"One of the seven lists (LL-13)."`
	Customer uuid.UUID `query:"customer"`
	Q        string    `query:"q" maxLength:"200" doc:"Words that begin a word of what you may read of the job."`
	From     string    `query:"from" doc:"Date or RFC 3339, included."`
	To       string    `query:"to" doc:"Date or RFC 3339, excluded; jobs that overlap."`
}

func (in *jobsQuery) of(v access.Viewer) (jobs.Filter, error) {
	from, to, err := span(v, in.From, in.To)
	return jobs.Filter{List: in.List, Status: domain.Status(in.Status), Language: in.Language, Client: in.Client, Location: in.Location,
		Customer: in.Customer, ServiceType: in.ServiceType, Interpreter: in.who(), Q: in.Q, From: from, To: to, Columns: in.filter, Sort: in.Sort,
		Offset: in.Offset, Limit: in.Limit}, err
}

func (a *API) jobQueries() {
	get(a, "/jobs", "The tabular view (II-22, LL-13)", []string{jobs.Name}, func(ctx context.Context, v access.Viewer, in *jobsQuery) (List[JobItem], error) {
		filter, err := in.of(v)
		if err != nil {
			return List[JobItem]{}, err
		}
		page, err := a.Queries.Jobs.List(ctx, v, filter)
		return listOf(&in.Listing, projections.ListPage[jobs.Item](page), err, jobItemOf)
	})
	type oneJob struct {
		OfJob
		AsOf string `query:"asOf" doc:"RFC 3339 instant: the job as it stood then. Staff and auditors."`
	}
	get(a, "/jobs/{ref}", "Everything about a job that I may see (LL-66..74)", []string{jobs.Name, settings.Name}, func(ctx context.Context, v access.Viewer, in *oneJob) (jobDetail, error) {
		s, err := a.Queries.Settings.Agency(ctx)
		if err != nil {
			return jobDetail{}, err
		}
		if in.AsOf != "" {
			moment, err := time.Parse(time.RFC3339, in.AsOf)
			if err != nil {
				return jobDetail{}, domain.Invalid(domain.FieldError{Location: "query.asOf", Message: "Send an RFC 3339 instant such as 2026-12-01T10:00:00Z."})
			}
			d, err := a.Queries.History.JobAsOf(ctx, v, in.Ref, moment)
			return jobDetailOf(d, commands.Standing{}, s.Settings), err
		}
		d, err := a.Queries.Jobs.Get(ctx, v, in.Ref)
		if err != nil {
			return jobDetail{}, err
		}
		now, err := a.commands.Standing(ctx, v, in.Ref)
		return jobDetailOf(d, now, s.Settings), err
	})
	get(a, "/offers", "My offers and how each ended", []string{jobs.Name}, func(ctx context.Context, v access.Viewer, in *Listing) (List[offerItem], error) {
		page, err := a.Queries.Jobs.Offers(ctx, v, in.query())
		return listOf(in, projections.ListPage[jobs.Offer](page), err, offerOf)
	})
	get(a, "/waiting-for-me", "What waits for me", []string{jobs.Name}, func(ctx context.Context, v access.Viewer, in *jobsQuery) (List[waitingItem], error) {
		filter, err := in.of(v)
		if err != nil {
			return List[waitingItem]{}, err
		}
		page, err := a.Queries.Jobs.WaitingForMe(ctx, v, filter)
		return listOf(&in.Listing, projections.ListPage[jobs.Waiting](page), err, func(w jobs.Waiting) waitingItem {
			return waitingItem{jobItemOf(w.Item), w.Step}
		})
	})
	a.dashboard()
	get(a, "/jobs/{ref}/activity", "What happened, newest first (LL-75..89)", []string{activity.Name},
		func(ctx context.Context, v access.Viewer, in *OfJob) (All[noteItem], error) {
			notes, err := a.Queries.Activity.Notes(ctx, v, in.Ref)
			items := make([]noteItem, 0, len(notes))
			for _, n := range notes {
				items = append(items, noteItem{n.At, n.Text, n.Kind, n.Params, position(n.Position), n.EventID})
			}
			return all(items), err
		})
	get(a, "/jobs/{ref}/history", "Every event of the job, oldest first, with its stored bytes", []string{"refs"},
		func(ctx context.Context, v access.Viewer, in *OfJob) (All[HistoryItem], error) {
			entries, err := a.Queries.History.Job(ctx, v, in.Ref)
			items := make([]HistoryItem, 0, len(entries))
			for _, e := range entries {
				items = append(items, HistoryItemOf(e))
			}
			return all(items), err
		})
	get(a, "/jobs/{ref}/messages", "The admin thread of a job, in order (LL-97, LL-98)", []string{messages.Name},
		func(ctx context.Context, v access.Viewer, in *OfJob) (All[messageItem], error) {
			thread, err := a.Queries.Messages.Thread(ctx, v, in.Ref)
			items := make([]messageItem, 0, len(thread))
			for _, m := range thread {
				items = append(items, messageItem{m.ID, m.At, authorItem(m.Author), m.Text})
			}
			return all(items), err
		})
	a.calendar()
}

type authorItem struct {
	ID   uuid.UUID   `json:"id"`
	Name string      `json:"name" doc:"Empty where you may not know it."`
	Role domain.Role `json:"role"`
}

type messageItem struct {
	ID     uuid.UUID  `json:"id"`
	At     time.Time  `json:"at"`
	Author authorItem `json:"author"`
	Text   string     `json:"text"`
}

// Narrowing are the filters that the job list and the calendar share.
type Narrowing struct {
	Status      string    `query:"status" enum:"requested,new,assigned,ongoing,complete,cancelled"`
	Language    string    `query:"language" maxLength:"35"`
	Client      uuid.UUID `query:"client"`
	Location    uuid.UUID `query:"location"`
	ServiceType string    `query:"serviceType" maxLength:"50"`
	Interpreter string    `query:"interpreter" maxLength:"40" doc:"LIN or id."`
}

func (n Narrowing) who() uuid.UUID {
	if n.Interpreter == "" {
		return uuid.Nil
	}
	id, _ := interpreter(n.Interpreter, "query.interpreter") // never fails for a text
	return id
}

type calendarQuery struct {
	Asking
	Narrowing
	From     string    `query:"from" required:"true" doc:"Date or RFC 3339, included."`
	To       string    `query:"to" required:"true" doc:"Date or RFC 3339, excluded."`
	List     string    `query:"list" enum:"unassigned,assigned,today,upcoming,in-progress,requiring-closure,completed" doc:"As in the job list."`
	Customer uuid.UUID `query:"customer"`
	Q        string    `query:"q" maxLength:"200" doc:"As in the job list."`
	filter   map[string]string
}

// Resolve reads filter[column]=text, which the schema cannot name.
func (in *calendarQuery) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	in.filter = filtersOf(u.Query())
	return nil
}

func (in *calendarQuery) filters() map[string]string { return in.filter }

// searches tells whether something is asked for that only the job list knows.
func (in *calendarQuery) searches() bool {
	return in.Q != "" || in.List != "" || in.Customer != uuid.Nil || len(in.filter) > 0
}

// alsoReads: a search is the job list's.
func (in *calendarQuery) alsoReads() []string {
	if !in.searches() {
		return nil
	}
	return []string{jobs.Name}
}

func (a *API) calendar() {
	get(a, "/calendar", "Jobs that overlap a time (II-08)", []string{calendar.Name}, func(ctx context.Context, v access.Viewer, in *calendarQuery) (All[calendarItem], error) {
		from, to, err := span(v, in.From, in.To)
		if err != nil {
			return All[calendarItem]{}, err
		}
		filter := calendar.Filter{Status: domain.Status(in.Status), Language: in.Language, Client: in.Client, Location: in.Location,
			ServiceType: in.ServiceType, Interpreter: in.who()}
		if in.searches() {
			filter.Refs, err = a.Queries.Jobs.Refs(ctx, v, jobs.Filter{List: in.List, Customer: in.Customer, Q: in.Q, From: from, To: to, Columns: in.filter})
			if errors.Is(err, projections.ErrUnknownField) {
				err = noSuchColumn()
			}
			if err != nil {
				return All[calendarItem]{}, err
			}
		}
		found, err := a.Queries.Calendar.Between(ctx, v, from, to, filter)
		items := make([]calendarItem, 0, len(found))
		for _, i := range found {
			items = append(items, calendarItem{i.Ref, i.Title, i.Start, i.End, i.Zone, i.Status, i.Outcome, i.Language, i.ServiceType, i.CreatedBy})
		}
		return all(items), err
	})
}

// span reads from and to: dates are the viewer's days.
func span(v access.Viewer, from, to string) (start, end time.Time, err error) {
	var faults []domain.FieldError
	read := func(s, name string) time.Time {
		if s == "" {
			return time.Time{}
		}
		t, err := instant(s, v.Zone)
		if err != nil {
			faults = append(faults, domain.FieldError{Location: "query." + name, Message: "Send a date such as 2026-12-01, or RFC 3339."})
		}
		return t
	}
	start, end = read(from, "from"), read(to, "to")
	if len(faults) == 0 && !start.IsZero() && !end.IsZero() && !start.Before(end) {
		faults = append(faults, domain.FieldError{Location: "query.to", Message: "This must be later than from."})
	}
	if len(faults) > 0 {
		return start, end, domain.Invalid(faults...)
	}
	return start, end, nil
}

func instant(s, zone string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	return time.ParseInLocation("2006-01-02", s, loc)
}

type tilesItem struct {
	NewThisMonth       int `json:"newThisMonth"`
	DueThisMonth       int `json:"dueThisMonth"`
	CompletedThisMonth int `json:"completedThisMonth"`
	RequiringClosure   int `json:"requiringClosure"`
}

type dashboardAnswer struct {
	Tiles    tilesItem       `json:"tiles"`
	Upcoming []JobItem       `json:"upcoming" doc:"By date and time required (LL-10)."`
	Notices  []people.Notice `json:"notices" doc:"The agency's messages that stand today (II-19)."`
	Splash   string          `json:"splash,omitempty" doc:"Stands above them (II-20)."`
}

// upcomingShown is how many upcoming jobs the dashboard holds; the list upcoming holds all.
const upcomingShown = 30

func (a *API) dashboard() {
	get(a, "/dashboard", "The first page: four tiles and what comes (LL-08, LL-10)", []string{dashboard.Name, jobs.Name, settings.Name},
		func(ctx context.Context, v access.Viewer, _ *Asking) (dashboardAnswer, error) {
			tiles, err := a.Queries.Dashboard.Tiles(ctx, v)
			if err != nil {
				return dashboardAnswer{}, err
			}
			posted, err := a.Queries.Settings.Notices(ctx, v)
			if err != nil {
				return dashboardAnswer{}, err
			}
			page, err := a.Queries.Jobs.List(ctx, v, jobs.Filter{List: jobs.Upcoming, Limit: upcomingShown})
			out := dashboardAnswer{Tiles: tilesItem(tiles), Upcoming: []JobItem{}, Notices: append([]people.Notice{}, posted.Notices...), Splash: posted.Splash}
			for _, i := range page.Items {
				out.Upcoming = append(out.Upcoming, jobItemOf(i))
			}
			return out, err
		})
}
