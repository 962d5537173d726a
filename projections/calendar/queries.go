package calendar

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/jobrow"
)

// Queries answers what the calendar shows. Substitute makes the analysts' pseudonyms; without one they read nothing in their place.
type Queries struct {
	Models     *projections.Models
	Substitute access.Substitute
}

// Filter narrows the calendar as the filters of the job list do; what is empty or zero does not narrow.
type Filter struct {
	Status      domain.Status
	Language    string
	Client      uuid.UUID
	Location    uuid.UUID
	ServiceType string
	Interpreter uuid.UUID // who has the job; an interpreter finds the own jobs only
	Refs        []string  // these jobs only, as a search of the job list found them; nil: all
	Limit       int       // this many jobs at most, the earliest; 0: all
}

// Item is one entry. Start and End are in the job's own zone and follow the ETA. Title holds no personal data. CreatedBy is a name, and
// empty where the viewer may not know it.
type Item struct {
	Ref         string
	Title       string
	Start, End  time.Time
	Zone        string
	Status      domain.Status
	Outcome     domain.Outcome
	Language    string
	ServiceType string
	CreatedBy   string
}

// row is an entry as stored, with what decides over its creator's name.
type row struct {
	Ref          string
	StartsAt     time.Time
	EndsAt       time.Time
	Zone         string
	Status       domain.Status
	Outcome      domain.Outcome
	Language     string
	LanguageName *string
	ServiceType  string
	CreatedBy    uuid.UUID
	UserName     *string
	UserCustomer *uuid.UUID
}

// Between are the jobs that overlap the half-open time from … to and that the viewer may know, in time order. A viewer without any place
// in the jobs gets the refusal.
func (q Queries) Between(ctx context.Context, v access.Viewer, from, to time.Time, filter Filter) ([]Item, error) {
	if err := access.MayManage(v, access.ReadJobs); err != nil {
		return nil, err
	}
	sql, args := statement(v, from, to, filter)
	found, err := projections.Collect(ctx, q.Models, pgx.RowToStructByName[row], sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read the calendar: %w", err)
	}
	items := make([]Item, len(found))
	for i, r := range found {
		items[i] = r.item(v, q.Substitute)
	}
	return items, nil
}

func statement(v access.Viewer, from, to time.Time, filter Filter) (string, []any) {
	var args jobrow.Args
	start, end, dayBefore := args.Add(from), args.Add(to), args.Add(from.Add(-24*time.Hour))
	where := []string{jobrow.Within(v, &args, "{calendar}.known")}
	equal := func(column string, value any, asked bool) {
		if asked {
			where = append(where, column+" = "+args.Add(value))
		}
	}
	equal("status", filter.Status, filter.Status != "")
	equal("language", filter.Language, filter.Language != "")
	equal("client", filter.Client, filter.Client != uuid.Nil)
	equal("location", filter.Location, filter.Location != uuid.Nil)
	equal("service_type", filter.ServiceType, filter.ServiceType != "")
	if filter.Refs != nil {
		where = append(where, "ref = any("+args.Add(filter.Refs)+")")
	}
	// Nobody finds out by a filter what the jobs would not show.
	switch {
	case v.Role == domain.Analyst && filter.Interpreter != uuid.Nil:
		where = append(where, "false") // who has a job
	case v.Role != domain.Interpreter:
	case filter.Interpreter != uuid.Nil && filter.Interpreter != v.Interpreter, filter.Client != uuid.Nil:
		where = append(where, "false") // who else has it, or who booked it
	case filter.Location != uuid.Nil:
		where = append(where, "interpreter = "+args.Add(v.Interpreter)) // before the assignment, where it is
	}
	equal("interpreter", filter.Interpreter, filter.Interpreter != uuid.Nil)

	most := ""
	if filter.Limit > 0 {
		most = "order by starts_at, ref limit " + args.Add(filter.Limit)
	}
	// Both halves are ranges of an index; a job of up to a day that overlaps began at most a day before.
	return fmt.Sprintf(`
		select ref, starts_at, ends_at, zone, status, outcome, language, l.name as language_name, service_type, created_by, u.name as user_name,
			u.customer as user_customer
		from (
			(select * from {calendar}.jobs where minutes <= 1440 and starts_at > %[3]s and starts_at < %[2]s and ends_at > %[1]s and %[4]s %[5]s)
			union all
			(select * from {calendar}.jobs where minutes > 1440 and starts_at < %[2]s and ends_at > %[1]s and %[4]s %[5]s)
			%[5]s
		) as jobs
		left join {calendar}.users u on u.user_id = created_by left join {calendar}.languages l on l.code = language
		order by starts_at, ref`, start, end, dayBefore, strings.Join(where, " and "), most), args
}

func (r row) item(v access.Viewer, sub access.Substitute) Item {
	i := Item{Ref: r.Ref, Start: domain.Moment{Zone: r.Zone, Instant: r.StartsAt}.In(), End: domain.Moment{Zone: r.Zone, Instant: r.EndsAt}.In(),
		Zone: r.Zone, Status: r.Status, Outcome: r.Outcome, Language: r.Language, ServiceType: r.ServiceType}
	language := r.Language
	if r.LanguageName != nil {
		language = *r.LanguageName
	}
	i.Title = language + ", " + strings.ReplaceAll(r.ServiceType, "-", " ")
	if r.UserName != nil {
		i.CreatedBy = jobrow.NameFor(v, r.CreatedBy, *r.UserName, r.UserCustomer, sub)
	}
	return i
}
