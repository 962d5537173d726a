package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/goccy/go-json"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections/jobrow"
	"github.com/dragoman-booking/dragoman/projections/pseudonyms"
)

// Detail is everything about one job that the viewer may read. What may not be read is empty or absent.
type Detail struct {
	Item
	ID, BookingID uuid.UUID
	Form          string
	FormVersion   int
	// Remote: nobody travels. Line1 to Postcode are the service address; of it everyone who may know the job reads town and outward postcode.
	Remote                 bool
	Line1, Line2, Postcode string
	BillTo                 string
	LanguageTier           string // LL-73
	AlternativeLanguages   []string
	Fields                 map[string]domain.Value // what the form adds, by its keys
	ProposedETA            time.Time               // waits for the customer's answer
	// BeingWorkedOn: an assigner has taken the job; OffersOut: offers are open (LL-67). TakenBy is who.
	BeingWorkedOn, OffersOut bool
	TakenBy                  uuid.UUID
	ResponseTier             string
	Interpreter              *Linguist // who has the job
	Assignments              []Assignment
	Offers                   []Offer
	Waves                    *Waves // nil: no wave has gone out, or it is not the viewer's to know
	Timesheets               []Timesheet
	Ending                   *Ending
	Related                  []Related // the booking's other jobs that the viewer may know, by start
	MadeFrom, ContinuedIn    string    // references
}

// Linguist is the assigned interpreter (LL-103..106). Contact only where the viewer reads it: the customer for a remote job.
type Linguist struct {
	Person
	Clearances       []Clearance
	PaitID           string
	Telephone, Email string
}

// Clearance is a credential with its validity, whole days.
type Clearance struct{ Kind, ValidFrom, ValidTo string }

// Offer is one offer as it was shown, and how it stands or ended.
type Offer struct {
	Ref             string // of the job
	Interpreter     Person
	State           string // open, accepted, declined, revoked, lapsed, assigned, ended
	SentAt, Since   time.Time
	Language        string
	Start           time.Time
	TimeZone        string
	DurationMinutes int
	Fee             domain.Money // no currency: not the viewer's to read, or none was shown
	ExpiresAt       time.Time    // zero: never
	ProposedStart   time.Time    // by the interpreter, else by staff in the offer
	Reason          string
	Unasked         bool // an answer that staff recorded though no offer was open (D-18)
	OverrideReason  string
	OverrideRules   []string
	EndedWhy        string        // of an ended one: assigned-to-another, assigned-elsewhere, moved, cancelled, closed
	Counter         *CounterOffer // the newest one, if the interpreter made any
}

// CounterOffer is what an interpreter would take a job for instead.
type CounterOffer struct {
	State  string // open, accepted, declined, ended: the offer has
	At     time.Time
	Start  time.Time    // zero: as offered
	Fee    domain.Money // no currency: as offered, or not the viewer's to read
	Reason string
}

// Assignment is who had the job, and until when.
type Assignment struct {
	Interpreter    Person
	AssignedAt     time.Time
	EndedAt        time.Time // zero: not ended
	EndedWhy       string    // unassigned, cancelled
	Reason         string
	Unchecked      bool // recorded after its time
	OverrideReason string
	OverrideRules  []string
}

// Timesheet is hours that one side entered; Side is empty if the job was closed by one party.
type Timesheet struct {
	Side          string
	State         string // submitted, accepted, disputed, settled
	At, Since     time.Time
	WorkedMinutes int
	Blocks        []Block
	Incidentals   []Incidental
	Documents     []uuid.UUID
	DisputeReason string
	DisputeBlocks []Block
}

// Block is a time worked, in its own zone.
type Block struct{ Start, End time.Time }

// Incidental is a further cost. Quantity counts hundredths of the kind's unit.
type Incidental struct {
	Kind     string
	Quantity int64
	Amount   *domain.Money
	Note     string
}

// Ending is how a job was cancelled, or closed by one party.
type Ending struct {
	Kind                          string // cancelled, closed
	At                            time.Time
	By                            uuid.UUID
	Reason, AuthorisedBy, Details string
	Start, End                    time.Time
	WorkedMinutes                 int
}

// Related is another job of the same booking.
type Related struct {
	ID       uuid.UUID
	Ref      string
	Status   domain.Status
	Outcome  domain.Outcome
	Start    time.Time // the ETA if there is one
	TimeZone string
}

// Get is one job by its reference; a not-found refusal for one that does not exist or that the viewer may not know.
func (q Queries) Get(ctx context.Context, v access.Viewer, ref string) (d Detail, err error) {
	err = q.Models.Read(ctx, func(tx pgx.Tx) error {
		d, err = Get(ctx, tx, v, ref, q.Substitute)
		return err
	}, Name)
	return d, err
}

// Get is the same question in a transaction.
func Get(ctx context.Context, q DB, v access.Viewer, ref string, sub access.Substitute) (Detail, error) {
	if access.MayManage(v, access.ReadJobs) != nil {
		return Detail{}, notFound()
	}
	var args jobrow.Args
	known := within(v, &args)
	found, err := readRows(ctx, q, itemsSQL("(select * from jobs where job = (select job from details where ref = "+args.Add(ref)+") and "+known+")"), args...)
	if err != nil {
		return Detail{}, fmt.Errorf("read a job: %w", err)
	}
	if len(found) == 0 {
		return Detail{}, notFound()
	}
	r := &found[0]
	books, err := readForms(ctx, q, found)
	if err != nil {
		return Detail{}, fmt.Errorf("read a job's form: %w", err)
	}
	d := Detail{ID: r.Job, BookingID: r.Booking, Form: r.Form, FormVersion: r.FormVersion, Remote: !r.Addressed}
	var s sight
	if d.Item, s, err = r.item(v, books, sub); err != nil {
		return Detail{}, fmt.Errorf("read a job: %w", err)
	}
	if s.rel == access.None { // the matrix has the last word, whatever the statement found
		return Detail{}, notFound()
	}
	for _, part := range []func(context.Context, DB, *itemRow, sight, *Detail) error{
		readValues, readLinguist, readOffers, readWaves, readAssignments, readTimesheets, readEnding, readRelated,
	} {
		if err := part(ctx, q, r, s, &d); err != nil {
			return Detail{}, fmt.Errorf("read a job: %w", err)
		}
	}
	return d, nil
}

func notFound() error { return domain.NotFound("There is no such job.") }

func readValues(ctx context.Context, q DB, r *itemRow, s sight, d *Detail) error {
	var line2, postcode, billTo string
	var fields, terms []byte
	err := q.QueryRow(ctx, `select line2, postcode, bill_to, language_tier, alternative_languages, fields, policy from details where job = $1`, r.Job).
		Scan(&line2, &postcode, &billTo, &d.LanguageTier, &d.AlternativeLanguages, &fields, &terms)
	if err != nil {
		return err
	}
	d.Line1, d.Line2, d.Postcode = d.Address1, s.text(access.FullAddress, line2), s.text(access.FullAddress, postcode)
	bill := access.InvoicingReferences
	if field, ok := s.form.Field("billTo"); ok {
		bill = access.ClassOf(field)
	}
	d.BillTo = s.text(bill, billTo)
	values, err := readFields(fields)
	if err != nil {
		return err
	}
	d.Fields = s.fields(values)
	if r.ProposedETA != nil {
		d.ProposedETA = domain.Moment{Instant: *r.ProposedETA, Zone: r.Zone}.In()
	}
	var agreed booking.Policy
	if err := json.Unmarshal(terms, &agreed); err != nil {
		return err
	}
	if s.see(access.Progress) {
		d.BeingWorkedOn = r.TakenBy != nil && (r.Status == domain.New || r.Status == domain.Requested)
		d.OffersOut = len(r.Offered) > 0
		d.ResponseTier = agreed.ResponseTier
	}
	if s.see(access.People) && r.TakenBy != nil {
		d.TakenBy = *r.TakenBy
	}
	return nil
}

func readLinguist(ctx context.Context, q DB, r *itemRow, s sight, d *Detail) error {
	p := d.Item.Interpreter
	if p == (Person{}) {
		return nil
	}
	d.Interpreter = &Linguist{Person: p}
	if !s.see(access.InterpreterIdentity) {
		return nil
	}
	var credentials []byte
	var paitID, telephone, email string
	err := q.QueryRow(ctx, `select credentials, pait_id, telephone, email from interpreters where interpreter = $1`, r.Interpreter).
		Scan(&credentials, &paitID, &telephone, &email)
	switch {
	case err == pgx.ErrNoRows:
		return nil
	case err != nil:
		return err
	}
	var list []people.Credential
	if err := json.Unmarshal(credentials, &list); err != nil {
		return err
	}
	for _, c := range list {
		d.Interpreter.Clearances = append(d.Interpreter.Clearances, Clearance{c.Kind, c.ValidFrom, c.ValidTo})
	}
	d.Interpreter.PaitID = paitID
	if s.see(access.InterpreterContact) {
		d.Interpreter.Telephone, d.Interpreter.Email = telephone, email
	}
	return nil
}

// offerRow is an offer with its job's reference and its interpreter's name.
type offerRow struct {
	Ref            string
	Interpreter    uuid.UUID
	LIN            string
	Name           string
	State          string
	SentAt, Since  time.Time
	Language       string
	StartsAt       time.Time
	Zone           string
	Minutes        int
	Fee            int64
	Currency       string
	ExpiresAt      *time.Time
	SuggestedAt    *time.Time
	ProposedAt     *time.Time
	Unasked        bool
	Reason         string
	OverrideReason string
	OverrideRules  []string
	EndedWhy       string
	Counter        *struct {
		State  string
		At     time.Time
		Start  *time.Time
		Fee    int64
		Reason string
	}
}

const offersSQL = `
select j.ref, o.interpreter, o.lin, coalesce(i.name, '') as name, o.state, o.sent_at, o.since, o.language, o.starts_at, o.zone, o.minutes, o.fee,
	o.currency, o.expires_at, o.suggested_at, o.proposed_at, o.unasked, o.reason, o.override_reason, o.override_rules,
	o.ended_why, o.counter
from offers o join jobs j on j.job = o.job left join interpreters i on i.interpreter = o.interpreter`

// offer is an offer as whoever reads it under the class reads it. One that nobody answered in time reads lapsed even before that is recorded.
func (o offerRow) offer(s sight, class access.Class, now time.Time) Offer {
	zone := func(t *time.Time) time.Time {
		if t == nil {
			return time.Time{}
		}
		return domain.Moment{Instant: *t, Zone: o.Zone}.In()
	}
	out := Offer{Ref: o.Ref, Interpreter: s.interpreter(class, o.Interpreter, o.LIN, o.Name), State: o.State, SentAt: zone(&o.SentAt), Since: zone(&o.Since),
		Language: o.Language, Start: zone(&o.StartsAt), TimeZone: o.Zone, DurationMinutes: o.Minutes, ExpiresAt: zone(o.ExpiresAt),
		ProposedStart: zone(o.ProposedAt), Unasked: o.Unasked}
	if o.ProposedAt == nil {
		out.ProposedStart = zone(o.SuggestedAt)
	}
	if o.State == "open" && o.ExpiresAt != nil && !now.Before(*o.ExpiresAt) {
		out.State, out.Since = "lapsed", zone(o.ExpiresAt)
	}
	if s.see(access.Fee) && o.Currency != "" {
		out.Fee = domain.Money{Minor: o.Fee, Currency: o.Currency}
	}
	if s.see(class) {
		out.Reason = o.Reason
	}
	out.EndedWhy = o.EndedWhy
	if c := o.Counter; c != nil && s.see(class) {
		out.Counter = &CounterOffer{State: c.State, At: zone(&c.At), Start: zone(c.Start), Reason: c.Reason}
		if c.State == "open" && out.State != "open" {
			out.Counter.State = "ended"
		}
		if s.see(access.Fee) && c.Fee != 0 {
			out.Counter.Fee = domain.Money{Minor: c.Fee, Currency: o.Currency}
		}
	}
	if class == access.Offers && s.see(class) {
		out.OverrideReason, out.OverrideRules = o.OverrideReason, o.OverrideRules
	}
	return out
}

func readOffers(ctx context.Context, q DB, r *itemRow, s sight, d *Detail) error {
	class, only := access.Offers, uuid.Nil
	if access.See(s.v, s.rel, s.remote, class) == access.Hidden {
		class, only = access.OwnOffers, s.v.Interpreter
		if !s.see(class) || only == uuid.Nil {
			return nil
		}
	}
	who := "o.lin"
	if !s.see(class) { // the order of what is hidden tells of it
		who = pseudonyms.NameSQL(access.AnInterpreter, "o.interpreter")
	}
	found, err := q.Query(ctx, offersSQL+` where o.job = $1 and ($2 or o.interpreter = $3) order by o.revision, o.sent_at, `+who, r.Job, only == uuid.Nil, only)
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(found, pgx.RowToStructByName[offerRow])
	for _, o := range all {
		d.Offers = append(d.Offers, o.offer(s, class, s.v.Now))
	}
	return err
}

// local is an instant in the job's zone; zero for none.
func (r *itemRow) local(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return domain.Moment{Instant: *t, Zone: r.Zone}.In()
}

// readWaves: whoever reads all offers reads how far the waves have got.
func readWaves(ctx context.Context, q DB, r *itemRow, s sight, d *Detail) error {
	if !s.see(access.Offers) {
		return nil
	}
	var w Waves
	var sent, next *time.Time
	err := q.QueryRow(ctx, `select number, size, to_ask, sent_at, next_at from waves where job = $1`, r.Job).Scan(&w.Number, &w.Size, &w.Left, &sent, &next)
	switch {
	case err == pgx.ErrNoRows:
		return nil
	case err != nil:
		return err
	}
	w.SentAt, w.NextAt = r.local(sent), r.local(next)
	d.Waves = &w
	return nil
}

// readAssignments: the agency reads all, an interpreter the own, a customer who has the job now.
func readAssignments(ctx context.Context, q DB, r *itemRow, s sight, d *Detail) error {
	found, err := q.Query(ctx, `
		select a.interpreter, a.lin, coalesce(i.name, ''), a.assigned_at, a.ended_at, a.ended_why, a.reason, a.unchecked, a.override_reason, a.override_rules
		from assignments a left join interpreters i on i.interpreter = a.interpreter where a.job = $1 order by a.revision`, r.Job)
	if err != nil {
		return err
	}
	zone := func(t time.Time) time.Time { return domain.Moment{Instant: t, Zone: r.Zone}.In() }
	var a Assignment
	var id uuid.UUID
	var lin, name string
	var assigned time.Time
	var ended *time.Time
	_, err = pgx.ForEachRow(found, []any{&id, &lin, &name, &assigned, &ended, &a.EndedWhy, &a.Reason, &a.Unchecked, &a.OverrideReason, &a.OverrideRules}, func() error {
		b := a
		own := s.v.Role == domain.Interpreter && id == s.v.Interpreter
		class := access.InterpreterIdentity
		switch {
		case own:
			class = access.OwnOffers
		case s.v.Role == domain.Interpreter, s.rel == access.Own && ended != nil:
			return nil
		}
		if b.Interpreter = s.interpreter(class, id, lin, name); b.Interpreter == (Person{}) {
			return nil
		}
		b.AssignedAt = zone(assigned)
		if ended != nil {
			b.EndedAt = zone(*ended)
		}
		if !own && !s.see(access.Offers) {
			b.Reason, b.OverrideReason, b.OverrideRules = "", "", nil
		}
		if own {
			b.OverrideReason, b.OverrideRules = "", nil
		}
		d.Assignments = append(d.Assignments, b)
		return nil
	})
	return err
}

func readTimesheets(ctx context.Context, q DB, r *itemRow, s sight, d *Detail) error {
	if !s.see(access.Timesheets) {
		return nil
	}
	found, err := q.Query(ctx, `select side, state, at, since, worked, blocks, incidentals, documents, dispute_reason, dispute_blocks
		from timesheets where job = $1 order by revision`, r.Job)
	if err != nil {
		return err
	}
	zone := func(t time.Time) time.Time { return domain.Moment{Instant: t, Zone: r.Zone}.In() }
	d.Timesheets, err = pgx.CollectRows(found, func(row pgx.CollectableRow) (t Timesheet, err error) {
		var blocks, incidentals, disputed []byte
		if err = row.Scan(&t.Side, &t.State, &t.At, &t.Since, &t.WorkedMinutes, &blocks, &incidentals, &t.Documents, &t.DisputeReason, &disputed); err != nil {
			return t, err
		}
		t.At, t.Since = zone(t.At), zone(t.Since)
		if t.Blocks, err = readBlocks(blocks); err != nil {
			return t, err
		}
		if t.DisputeBlocks, err = readBlocks(disputed); err != nil {
			return t, err
		}
		if t.Incidentals, err = readIncidentals(incidentals, s.see(access.TimesheetNotes)); err != nil {
			return t, err
		}
		if !s.see(access.TimesheetNotes) {
			t.DisputeReason = ""
		}
		if !s.see(access.Documents) {
			t.Documents = nil
		}
		return t, nil
	})
	return err
}

func readBlocks(b []byte) ([]Block, error) {
	var stored []block
	if err := json.Unmarshal(b, &stored); err != nil {
		return nil, err
	}
	out := make([]Block, len(stored))
	for i, s := range stored {
		out[i] = Block{domain.Moment{Instant: s.Start, Zone: s.Zone}.In(), domain.Moment{Instant: s.End, Zone: s.Zone}.In()}
	}
	return out, nil
}

func readIncidentals(b []byte, withNotes bool) ([]Incidental, error) {
	var stored []incidental
	if err := json.Unmarshal(b, &stored); err != nil {
		return nil, err
	}
	out := make([]Incidental, len(stored))
	for i, s := range stored {
		out[i] = Incidental{Kind: s.Kind, Quantity: s.Quantity}
		if s.Amount != nil {
			out[i].Amount = &domain.Money{Minor: *s.Amount, Currency: s.Currency}
		}
		if withNotes {
			out[i].Note = s.Note
		}
	}
	return out, nil
}

func readEnding(ctx context.Context, q DB, r *itemRow, s sight, d *Detail) error {
	var e Ending
	var start, end *time.Time
	err := q.QueryRow(ctx, `select kind, at, by_user, reason, authorised_by, details, start_at, end_at, worked from endings where job = $1`, r.Job).
		Scan(&e.Kind, &e.At, &e.By, &e.Reason, &e.AuthorisedBy, &e.Details, &start, &end, &e.WorkedMinutes)
	switch {
	case err == pgx.ErrNoRows:
		return nil
	case err != nil:
		return err
	}
	e.At, e.Start, e.End = r.local(&e.At), r.local(start), r.local(end)
	if !s.see(access.EndReason) {
		e.Reason = ""
	}
	if !s.see(access.EndDetails) {
		e.AuthorisedBy, e.Details = "", ""
	}
	if !s.see(access.People) {
		e.By = uuid.Nil
	}
	if !s.see(access.Timesheets) {
		e.Start, e.End, e.WorkedMinutes = time.Time{}, time.Time{}, 0
	}
	d.Ending = &e
	return nil
}

func readRelated(ctx context.Context, q DB, r *itemRow, s sight, d *Detail) error {
	var args jobrow.Args
	// An array, so that the jobs are found by their ids whatever the planner believes about the customer's.
	found, err := q.Query(ctx, `select job, ref, status, outcome, starts_at, zone from jobs
		where job = any(array(select job from details where booking = `+args.Add(r.Booking)+`)) and job <> `+args.Add(r.Job)+` and `+
		within(s.v, &args)+` order by starts_at, ref`, args...)
	if err != nil {
		return err
	}
	d.Related, err = pgx.CollectRows(found, func(row pgx.CollectableRow) (j Related, err error) {
		err = row.Scan(&j.ID, &j.Ref, &j.Status, &j.Outcome, &j.Start, &j.TimeZone)
		j.Start = domain.Moment{Instant: j.Start, Zone: j.TimeZone}.In()
		return j, err
	})
	for _, j := range d.Related {
		if j.ID == or(r.MadeFrom) {
			d.MadeFrom = j.Ref
		}
		if j.ID == or(r.Continued) {
			d.ContinuedIn = j.Ref
		}
	}
	return err
}
