package jobs

import (
	"context"
	"time"

	"github.com/goccy/go-json"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/jobrow"
)

// Queries answers questions about jobs. Substitute makes the analysts' pseudonyms; without one they read nothing in their place.
type Queries struct {
	Models     *projections.Models
	Substitute access.Substitute
}

// DB is a transaction in which the read model's tables are found by their bare names.
type DB interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Named is something with a name. Zero: none, or not the viewer's to know.
type Named struct {
	ID   uuid.UUID
	Name string
}

// Person is an interpreter or a user as the viewer may read one. An analyst reads a stable substitute for the name and no LIN.
type Person struct {
	ID   uuid.UUID
	LIN  string
	Name string
}

// Item is a job as a list shows it. What the viewer may not read is empty. Times are in the job's own zone.
type Item struct {
	Ref, BookingRef   string
	Status            domain.Status
	Outcome           domain.Outcome
	Start             time.Time // as asked for
	ETA               time.Time // agreed other start; zero: none
	End               time.Time // from the ETA if there is one
	TimeZone          string
	DurationMinutes   int
	Language          string
	LanguageName      string
	ServiceType       string
	Town, Outward     string
	Address1          string
	ReportTo          string
	NonEnglishSpeaker string
	Customer, Client  Named
	Location          Named
	Interpreter       Person
	CreatedBy         Person
	CreatedAt         time.Time // zero for interpreters
	WaitingOn         string    // customer, interpreter or agency; empty: nobody
	NextStep          string    // the command that is waited for, or attend
	Overdue           bool      // its time has passed and it is new or assigned still (D-08)
	HappeningNow      bool      // its time has come and not passed, whatever is recorded (D-02)
	Revision          uint64
	Flags             []Flag // what assigners are told of it (N-03)
}

// Who can be waited for.
const (
	Customer    = "customer"
	Interpreter = "interpreter"
	Agency      = "agency"
)

// itemRow is a job with the names that belong to it, as the statement answers.
type itemRow struct {
	Job, Booking, Customer uuid.UUID
	Client, Location       *uuid.UUID
	Ref, BookingRef        string
	Form                   string
	FormVersion            int
	Status                 domain.Status
	Outcome                domain.Outcome
	Revision               int64
	Language, ServiceType  string
	RequestedAt            time.Time
	Zone                   string
	Minutes                int
	ETA                    *time.Time
	StartsAt, EndsAt       time.Time
	ProposedETA            *time.Time
	BookedBy, CreatedBy    uuid.UUID
	CreatedAt              time.Time
	MadeFrom               *uuid.UUID
	MadeWhy                string
	Continued, TakenBy     *uuid.UUID
	Offered                []uuid.UUID
	Holder, Interpreter    *uuid.UUID
	LIN                    string
	SheetSide              string
	SheetDisputed          bool
	EndedAt                *time.Time
	Countered              []uuid.UUID
	Line1, Town, Outward   string
	Addressed              bool
	Fields                 []byte
	LanguageName           string
	CustomerName           string
	ClientName             string
	LocationName           string
	InterpreterName        string
	CreatorName            string
	CreatorCustomer        *uuid.UUID
	Flags                  []byte
	SuspendedAt            *time.Time
}

// itemsSQL asks for the jobs of a subquery with all that an item shows.
func itemsSQL(jobs string) string {
	return `
select j.job, j.booking, j.customer, j.client, j.location, j.ref, j.booking_ref, j.form, j.form_version, j.status, j.outcome, j.revision, j.language,
	j.service_type, j.requested_at, j.zone, j.minutes, j.eta, j.starts_at, j.ends_at, j.proposed_eta, j.booked_by, j.created_by, j.created_at,
	j.made_from, j.made_why, j.continued, j.taken_by, j.offered, j.holder, j.interpreter, j.lin, j.sheet_side, j.sheet_disputed, j.ended_at, j.countered,
	d.line1, d.town, d.outward, d.addressed, d.fields, coalesce(l.name, '') as language_name, coalesce(c.name, '') as customer_name,
	coalesce(cl.name, '') as client_name, coalesce(lo.name, '') as location_name, coalesce(i.name, '') as interpreter_name, i.suspended_at,
	coalesce(u.name, '') as creator_name, u.customer as creator_customer, coalesce(w.flags, '[]') as flags
from ` + jobs + ` j` + joinSQL["d"] + joinSQL["l"] + joinSQL["c"] + joinSQL["cl"] + joinSQL["lo"] + joinSQL["i"] + joinSQL["u"] + ` left join waves w on w.job = j.job`
}

func readRows(ctx context.Context, q DB, sql string, args ...any) ([]itemRow, error) {
	found, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowToStructByName[itemRow])
}

func readItems(ctx context.Context, q DB, v access.Viewer, sub access.Substitute, sql string, args ...any) ([]Item, error) {
	all, err := readRows(ctx, q, sql, args...)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	books, err := readForms(ctx, q, all)
	if err != nil {
		return nil, err
	}
	items := make([]Item, len(all))
	for i := range all {
		if items[i], _, err = all[i].item(v, books, sub); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// readForms are the forms that these jobs were booked on.
func readForms(ctx context.Context, q DB, all []itemRow) (map[formKey]forms.Form, error) {
	books := map[formKey]forms.Form{}
	var ids []string
	var versions []int
	for _, r := range all {
		key := formKey{r.Form, r.FormVersion}
		if _, known := books[key]; !known {
			books[key] = forms.Form{} // of an unknown form nothing is shown
			ids, versions = append(ids, key.id), append(versions, key.version)
		}
	}
	for _, f := range forms.BuiltIn() {
		if key := (formKey{f.ID, f.Version}); books[key].ID == "" {
			books[key] = f
		}
	}
	found, err := q.Query(ctx, `select definition from forms where (form, version) in (select * from unnest($1::text[], $2::int[]))`, ids, versions)
	if err != nil {
		return nil, err
	}
	defined, err := pgx.CollectRows(found, scanForm)
	for _, f := range defined {
		books[formKey{f.ID, f.Version}] = f
	}
	return books, err
}

func scanForm(row pgx.CollectableRow) (f forms.Form, err error) {
	var definition []byte
	if err := row.Scan(&definition); err != nil {
		return f, err
	}
	return f, json.Unmarshal(definition, &f)
}

// facts are what the viewer's relation is found from. The statement found the job among those that the viewer may know.
func (r *itemRow) facts(v access.Viewer) access.JobFacts {
	f := access.JobFacts{Customer: r.Customer, Client: or(r.Client), Location: or(r.Location), CreatedBy: r.BookedBy, Offered: r.Offered,
		Assigned: or(r.Interpreter)}
	if v.Role == domain.Interpreter {
		f.Ever = []uuid.UUID{v.Interpreter}
	}
	return f
}

// sight answers what one viewer reads of one job.
type sight struct {
	v      access.Viewer
	rel    access.Relation
	remote bool
	form   forms.Form
	sub    access.Substitute
}

func (s sight) see(c access.Class) bool { return access.CanSee(s.v, s.rel, s.remote, c) }

// text is a text as the viewer reads it: itself, a substitute, or nothing.
func (s sight) text(c access.Class, text string) string {
	switch access.See(s.v, s.rel, s.remote, c) {
	case access.Clear:
		return text
	case access.Pseudonym:
		if s.sub != nil && text != "" {
			return s.sub(c, text)
		}
	}
	return ""
}

// interpreter is an interpreter as the viewer reads one under a class.
func (s sight) interpreter(c access.Class, id uuid.UUID, lin, name string) Person {
	if id == uuid.Nil {
		return Person{}
	}
	switch access.See(s.v, s.rel, s.remote, c) {
	case access.Clear:
		return Person{ID: id, LIN: lin, Name: name}
	case access.Pseudonym:
		if s.sub != nil {
			return Person{Name: s.sub(access.AnInterpreter, id.String())}
		}
	}
	return Person{}
}

// user is a user as the viewer reads one.
func (s sight) user(id uuid.UUID, name string, customer *uuid.UUID) Person {
	p := Person{Name: jobrow.NameFor(s.v, id, name, customer, s.sub)}
	if s.see(access.People) {
		p.ID = id
	}
	return p
}

func (s sight) fields(values map[string]domain.Value) map[string]domain.Value {
	return access.MaskFields(s.v, s.rel, s.remote, s.form, values, s.sub)
}

// item is the job as the viewer reads it, with the sight that decides over the rest of it.
func (r *itemRow) item(v access.Viewer, books map[formKey]forms.Form, sub access.Substitute) (Item, sight, error) {
	s := sight{v: v, rel: access.Relate(v, r.facts(v)), remote: !r.Addressed, form: books[formKey{r.Form, r.FormVersion}], sub: sub}
	values, err := readFields(r.Fields)
	if err != nil {
		return Item{}, s, err
	}
	shown := s.fields(map[string]domain.Value{"reportTo": values["reportTo"], "nonEnglishSpeaker": values["nonEnglishSpeaker"], "consumer": values["consumer"]})
	speaker := shown["nonEnglishSpeaker"].First()
	if speaker == "" {
		speaker = shown["consumer"].First()
	}
	zone := func(t time.Time) time.Time { return domain.Moment{Instant: t, Zone: r.Zone}.In() }
	i := Item{
		Ref: r.Ref, BookingRef: r.BookingRef, Status: r.Status, Outcome: r.Outcome, Start: zone(r.RequestedAt), End: zone(r.EndsAt), TimeZone: r.Zone,
		DurationMinutes: r.Minutes, Language: r.Language, LanguageName: r.LanguageName, ServiceType: r.ServiceType, Town: r.Town, Outward: r.Outward,
		Address1: s.text(access.FullAddress, r.Line1), ReportTo: shown["reportTo"].First(), NonEnglishSpeaker: speaker,
		Interpreter: s.interpreter(access.InterpreterIdentity, or(r.Interpreter), r.LIN, r.InterpreterName),
		CreatedBy:   s.user(r.CreatedBy, r.CreatorName, r.CreatorCustomer), Revision: uint64(r.Revision),
		Overdue:      (r.Status == domain.New || r.Status == domain.Assigned) && !r.EndsAt.After(v.Now),
		HappeningNow: r.Status.Live() && !r.StartsAt.After(v.Now) && r.EndsAt.After(v.Now),
	}
	if r.ETA != nil {
		i.ETA = zone(*r.ETA)
	}
	if s.see(access.LocationName) {
		i.Location = Named{or(r.Location), r.LocationName}
	}
	if s.see(access.Progress) {
		i.Customer, i.Client = Named{r.Customer, r.CustomerName}, Named{or(r.Client), r.ClientName}
		i.CreatedAt = zone(r.CreatedAt)
		i.WaitingOn, i.NextStep = r.waiting(v.Now)
	}
	if s.see(access.Offers) {
		if i.Flags, err = readFlags(r.Flags, zone); err != nil {
			return Item{}, s, err
		}
		if r.SuspendedAt != nil && r.Status == domain.Assigned && r.EndsAt.After(v.Now) {
			i.Flags = append(i.Flags, Flag{Kind: FlagSuspended, Since: zone(*r.SuspendedAt)})
		}
	}
	return i, s, nil
}

// Parties are all who can be waited for.
func Parties() []string { return []string{Customer, Interpreter, Agency} }

// Steps are all that can be waited for, in the order of a job's life.
func Steps() []string {
	return []string{"confirm", "send-offer", "accept-offer", "answer-counter", "assign", "agree-eta", attend, "submit-timesheet", "accept-timesheet", "close"}
}

// attend is waited for besides commands: the job itself.
const attend = "attend"

// waiting tells who must do what next.
func (r *itemRow) waiting(now time.Time) (who, step string) {
	over := !r.EndsAt.After(now)
	switch r.Status {
	case domain.Requested:
		return Agency, "confirm"
	case domain.New:
		switch {
		case over:
			return Agency, "close"
		case r.ProposedETA != nil:
			return Customer, "agree-eta"
		case r.Holder != nil:
			return Agency, "assign"
		case len(r.Countered) > 0:
			return Agency, "answer-counter"
		case len(r.Offered) > 0:
			return Interpreter, "accept-offer"
		}
		return Agency, "send-offer"
	case domain.Assigned:
		switch {
		case over:
			return Customer, "submit-timesheet"
		case r.ProposedETA != nil:
			return Customer, "agree-eta"
		}
		return Interpreter, attend
	case domain.Ongoing:
		if r.SheetDisputed {
			return r.SheetSide, "submit-timesheet"
		}
		if r.SheetSide == Customer {
			return Interpreter, "accept-timesheet"
		}
		return Customer, "accept-timesheet"
	}
	return "", ""
}

func or(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}
