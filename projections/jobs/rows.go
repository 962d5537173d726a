package jobs

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/goccy/go-json"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/rows"
)

// job is a row of table jobs. Zero ids and times are null.
type job struct {
	id, booking, customer, client, location uuid.UUID
	ref, bookingRef, form                   string
	formVersion                             int
	status, outcome                         string
	revision                                int64
	language, serviceType                   string
	requestedAt                             time.Time
	zone                                    string
	minutes                                 int
	eta, startsAt, endsAt, proposed         time.Time
	bookedBy, createdBy                     uuid.UUID
	createdAt                               time.Time
	madeFrom                                uuid.UUID
	madeWhy                                 string
	continued, takenBy                      uuid.UUID
	offered, countered                      []uuid.UUID // never changed in place: rows share nothing
	holder, interpreter                     uuid.UUID
	lin                                     string
	sheetSide                               string
	sheetDisputed                           bool
	sheetRevision                           int64
	endedAt, changedAt                      time.Time

	fresh bool // made by this page
}

// schedule sets when the job is wanted. Another start than before ends an ETA that was agreed or proposed.
func (j *job) schedule(s booking.Schedule) {
	if !s.Start.Instant.Equal(j.requestedAt) || s.Start.Zone != j.zone {
		j.eta, j.proposed = time.Time{}, time.Time{}
	}
	j.requestedAt, j.zone, j.minutes = s.Start.Instant, s.Start.Zone, s.Minutes
	j.window()
}

// expect sets the agreed other start.
func (j *job) expect(eta domain.Moment) {
	j.eta, j.proposed = eta.Instant, time.Time{}
	j.window()
}

func (j *job) window() {
	j.startsAt = j.requestedAt
	if !j.eta.IsZero() {
		j.startsAt = j.eta
	}
	j.endsAt = j.startsAt.Add(time.Duration(j.minutes) * time.Minute)
}

// details is a row of table details.
type details struct {
	job       uuid.UUID
	address   *booking.Address
	billTo    string
	tier      string
	languages []string
	fields    map[string]domain.Value // never changed in place
	policy    booking.Policy

	fresh, changed bool
}

// set takes over what the booking says, those values that the job's own row holds too.
func (d *details) set(j *job, v booking.Details) {
	j.client, j.location, j.language, j.serviceType = v.Client, v.Location, v.Language, v.ServiceType
	d.address, d.billTo, d.tier, d.languages, d.fields = v.Address, v.BillTo, v.LanguageTier, v.AlternativeLanguages, v.Fields
}

// of is the reverse.
func (d *details) of(j *job) booking.Details {
	return booking.Details{Client: j.client, Location: j.location, Address: d.address, BillTo: d.billTo, Language: j.language, LanguageTier: d.tier,
		AlternativeLanguages: d.languages, ServiceType: j.serviceType, Fields: d.fields}
}

// apply puts an edit's change over a job's values; an empty field value clears the field.
func (d *details) apply(j *job, c *booking.Change) {
	if c == nil {
		return
	}
	if c.Schedule != nil {
		j.schedule(*c.Schedule)
	}
	v := d.of(j)
	over(&v.Client, c.Client)
	over(&v.Location, c.Location)
	over(&v.BillTo, c.BillTo)
	over(&v.Language, c.Language)
	over(&v.LanguageTier, c.LanguageTier)
	over(&v.AlternativeLanguages, c.AlternativeLanguages)
	over(&v.ServiceType, c.ServiceType)
	if c.Address != nil {
		v.Address = c.Address
	}
	d.set(j, booking.Merge(v, &booking.Details{Fields: c.Fields}))
	d.changed = true
}

func over[T any](value, by *T) {
	if by != nil {
		*value = *by
	}
}

type pair struct{ job, interpreter uuid.UUID }

// offer is a row of table offers.
type offer struct {
	job                    uuid.UUID
	revision               int64
	interpreter            uuid.UUID
	lin, state             string
	sentAt, since          time.Time
	language               string
	startsAt               time.Time
	zone                   string
	minutes                int
	fee                    int64
	currency               string
	termsVersion           int
	expiresAt, suggestedAt time.Time
	proposedAt             time.Time
	unasked                bool
	reason, overrideReason string
	overrideRules          []string
	endedWhy               string
	counter                counter
}

// counter is a counter-offer as its column holds it; nil: none was made. What is merged into one replaces its values by name.
type counter map[string]any

// made is a whole counter-offer that waits for its answer; it leaves nothing of an older one.
func made(e booking.CounterOfferMade, at time.Time) counter {
	c := counter{"state": "open", "at": at.UTC(), "start": nil, "fee": nil, "reason": e.Reason.Reveal()}
	if e.ProposedStart != nil {
		c["start"] = e.ProposedStart.Instant.UTC()
	}
	if e.Fee != nil {
		c["fee"] = e.Fee.Minor
	}
	return c
}

func (c counter) with(more counter) counter {
	if len(more) == 0 {
		return c
	}
	out := counter{}
	maps.Copy(out, c)
	maps.Copy(out, more)
	return out
}

// text is the column's value; empty: none.
func (c counter) text() string {
	if c == nil {
		return ""
	}
	return mustJSON(c)
}

// offerChange is what becomes of the stored offer that stands; what is empty or zero leaves what is there, a counter is merged into it.
type offerChange struct {
	state             string
	since, proposedAt time.Time
	reason, endedWhy  string
	fee               int64
	counter           counter
}

type assignment struct {
	job            uuid.UUID
	revision       int64
	interpreter    uuid.UUID
	lin            string
	at             time.Time
	unchecked      bool
	overrideReason string
	overrideRules  []string
	endedAt        time.Time
	endedWhy       string
	reason         string
	last           lastWindow // when it ended
}

// lastWindow is a job's time as an assignment left it, and the number of the event that ended that.
type lastWindow struct {
	revision     int64
	starts, ends time.Time
}

// assignmentEnd is what becomes of the stored assignment that stands.
type assignmentEnd struct {
	job         uuid.UUID
	at          time.Time
	why, reason string
	last        lastWindow
}

type sheet struct {
	job                 uuid.UUID
	revision            int64
	side, state         string
	at, since           time.Time
	worked              int
	blocks, incidentals string
	documents           []uuid.UUID
	disputeReason       string
	disputeBlocks       string
}

type sheetKey struct {
	job      uuid.UUID
	revision int64
}

// sheetChange is what becomes of stored hours; no blocks: what is said about a dispute stays.
type sheetChange struct {
	job            uuid.UUID
	revision       int64
	state          string
	since          time.Time
	reason, blocks string
}

type ending struct {
	job                           uuid.UUID
	kind                          string
	at                            time.Time
	by                            uuid.UUID
	reason, authorisedBy, details string
	startAt, endAt                time.Time
	worked                        int
}

// fold is a page in memory: the jobs that it names as they stand, and what is to be written.
type fold struct {
	at       time.Time // of the event being folded, like revision and actor
	revision int64
	actor    uuid.UUID

	jobs    map[uuid.UUID]*job
	stored  map[uuid.UUID]place // where those that stood before the page are tallied
	changed map[uuid.UUID]bool  // stored ones that are to be written
	details map[uuid.UUID]*details

	offers         []*offer
	standing       map[pair]*offer // those of this page that are open or accepted
	offerChanges   map[pair]offerChange
	parties        map[pair]bool
	assignments    []*assignment
	holding        map[uuid.UUID]*assignment // those of this page that hold
	assignmentEnds []assignmentEnd
	sheets         []*sheet
	sheetOf        map[sheetKey]*sheet
	sheetChanges   map[sheetKey]sheetChange
	endings        []ending
	unended        map[uuid.UUID]bool // jobs whose cancellation was taken back
	waves          map[uuid.UUID]*waves

	batch *pgx.Batch // statements about people and places, in the events' order
}

func newFold() *fold {
	return &fold{
		jobs: map[uuid.UUID]*job{}, stored: map[uuid.UUID]place{}, changed: map[uuid.UUID]bool{}, details: map[uuid.UUID]*details{},
		standing: map[pair]*offer{}, offerChanges: map[pair]offerChange{}, parties: map[pair]bool{},
		holding: map[uuid.UUID]*assignment{}, sheetOf: map[sheetKey]*sheet{}, sheetChanges: map[sheetKey]sheetChange{},
		unended: map[uuid.UUID]bool{}, waves: map[uuid.UUID]*waves{},
		batch: &pgx.Batch{},
	}
}

const loadJobsSQL = `
select job, booking, customer, client, location, ref, booking_ref, form, form_version, status, outcome, revision, language, service_type,
	requested_at, zone, minutes, eta, starts_at, ends_at, proposed_eta, booked_by, created_by, created_at, made_from, made_why, continued, taken_by,
	offered, holder, interpreter, lin, sheet_side, sheet_disputed, sheet_revision, ended_at, countered, changed_at
from jobs where job = any($1)`

const loadDetailsSQL = `
select job, line1, line2, town, postcode, outward, addressed, bill_to, language_tier, alternative_languages, fields, policy
from details where job = any($1)`

// load reads the jobs that a page names and did not make itself, and what is said about those that it edits or copies.
func (f *fold) load(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	made := map[uuid.UUID]bool{}
	jobs, values := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	need := func(id uuid.UUID, in map[uuid.UUID]bool) {
		if !made[id] {
			in[id] = true
		}
	}
	for _, r := range page {
		e, ok := r.Event.(booking.Event)
		if !ok {
			continue
		}
		switch e := e.(type) {
		case booking.Created:
			for _, j := range e.Jobs {
				made[j.ID] = true
			}
			continue
		case booking.JobAdded:
			need(e.From, jobs)
			need(e.From, values)
			made[e.Job.ID] = true
			continue
		case booking.Edited:
			for _, j := range e.Jobs {
				need(j.Job, values)
			}
		case booking.ChangeUndone:
			for _, j := range e.Jobs {
				need(j.Job, values)
			}
		}
		for _, id := range booking.Touches(e) {
			need(id, jobs)
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	batch := &pgx.Batch{}
	batch.Queue(loadJobsSQL, rows.Keys(jobs)).Query(f.scanJobs)
	batch.Queue(loadWavesSQL, rows.Keys(jobs)).Query(f.scanWaves)
	if len(values) > 0 {
		batch.Queue(loadDetailsSQL, rows.Keys(values)).Query(f.scanDetails)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("read the jobs of a page: %w", err)
	}
	return nil
}

func (f *fold) scanJobs(found pgx.Rows) error {
	for found.Next() {
		j := &job{}
		var client, location, madeFrom, continued, takenBy, holder, interpreter pgtype.UUID
		var eta, proposed, endedAt pgtype.Timestamptz
		err := found.Scan(&j.id, &j.booking, &j.customer, &client, &location, &j.ref, &j.bookingRef, &j.form, &j.formVersion, &j.status, &j.outcome,
			&j.revision, &j.language, &j.serviceType, &j.requestedAt, &j.zone, &j.minutes, &eta, &j.startsAt, &j.endsAt, &proposed, &j.bookedBy, &j.createdBy,
			&j.createdAt, &madeFrom, &j.madeWhy, &continued, &takenBy, &j.offered, &holder, &interpreter, &j.lin, &j.sheetSide, &j.sheetDisputed,
			&j.sheetRevision, &endedAt, &j.countered, &j.changedAt)
		if err != nil {
			return err
		}
		j.client, j.location, j.madeFrom, j.continued, j.takenBy = client.Bytes, location.Bytes, madeFrom.Bytes, continued.Bytes, takenBy.Bytes
		j.holder, j.interpreter = holder.Bytes, interpreter.Bytes
		j.eta, j.proposed, j.endedAt = eta.Time, proposed.Time, endedAt.Time
		f.jobs[j.id], f.stored[j.id] = j, j.place()
	}
	return found.Err()
}

func (f *fold) scanDetails(found pgx.Rows) error {
	for found.Next() {
		d := &details{}
		a := &booking.Address{}
		var addressed bool
		var fields, policy []byte
		err := found.Scan(&d.job, (*string)(&a.Line1), (*string)(&a.Line2), &a.Town, (*string)(&a.Postcode), &a.Outward, &addressed, &d.billTo, &d.tier,
			&d.languages, &fields, &policy)
		if err != nil {
			return err
		}
		if addressed {
			d.address = a
		}
		if d.fields, err = readFields(fields); err != nil {
			return err
		}
		if err := json.Unmarshal(policy, &d.policy); err != nil {
			return err
		}
		f.details[d.job] = d
	}
	return found.Err()
}

const insertJobsSQL = `
insert into jobs (job, booking, customer, client, location, ref, booking_ref, form, form_version, status, outcome, revision, language, service_type,
	requested_at, zone, minutes, eta, starts_at, ends_at, proposed_eta, booked_by, created_by, created_at, made_from, made_why, continued, taken_by,
	offered, holder, interpreter, lin, sheet_side, sheet_disputed, sheet_revision, ended_at, countered, changed_at)
select job, booking, customer, client, location, ref, booking_ref, form, form_version, status, outcome, revision, language, service_type,
	requested_at, zone, minutes, eta, starts_at, ends_at, proposed_eta, booked_by, created_by, created_at, made_from, made_why, continued, taken_by,
	offered::uuid[], holder, interpreter, lin, sheet_side, sheet_disputed, sheet_revision, ended_at, countered::uuid[], changed_at
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::int[], $10::text[], $11::text[],
	$12::bigint[], $13::text[], $14::text[], $15::timestamptz[], $16::text[], $17::int[], $18::timestamptz[], $19::timestamptz[],
	$20::timestamptz[], $21::timestamptz[], $22::uuid[], $23::uuid[], $24::timestamptz[], $25::uuid[], $26::text[], $27::uuid[], $28::uuid[],
	$29::text[], $30::uuid[], $31::uuid[], $32::text[], $33::text[], $34::bool[], $35::bigint[], $36::timestamptz[], $37::text[], $38::timestamptz[])
as n (job, booking, customer, client, location, ref, booking_ref, form, form_version, status, outcome, revision, language, service_type,
	requested_at, zone, minutes, eta, starts_at, ends_at, proposed_eta, booked_by, created_by, created_at, made_from, made_why, continued, taken_by,
	offered, holder, interpreter, lin, sheet_side, sheet_disputed, sheet_revision, ended_at, countered, changed_at)`

const updateJobsSQL = `
update jobs set client = n.client, location = n.location, status = n.status, outcome = n.outcome, revision = n.revision, language = n.language,
	service_type = n.service_type, requested_at = n.requested_at, zone = n.zone, minutes = n.minutes, eta = n.eta, starts_at = n.starts_at,
	ends_at = n.ends_at, proposed_eta = n.proposed_eta, continued = n.continued, taken_by = n.taken_by, offered = n.offered::uuid[],
	holder = n.holder, interpreter = n.interpreter, lin = n.lin, sheet_side = n.sheet_side, sheet_disputed = n.sheet_disputed,
	sheet_revision = n.sheet_revision, ended_at = n.ended_at, countered = n.countered::uuid[], changed_at = n.changed_at
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::timestamptz[], $10::text[],
	$11::int[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[], $16::uuid[], $17::uuid[], $18::text[],
	$19::uuid[], $20::uuid[], $21::text[], $22::text[], $23::bool[], $24::bigint[], $25::timestamptz[], $26::text[], $27::timestamptz[])
as n (job, client, location, status, outcome, revision, language, service_type, requested_at, zone, minutes, eta, starts_at, ends_at, proposed_eta,
	continued, taken_by, offered, holder, interpreter, lin, sheet_side, sheet_disputed, sheet_revision, ended_at, countered, changed_at)
where jobs.job = n.job`

const insertDetailsSQL = `
insert into details (job, ref, booking, booking_ref, line1, line2, town, postcode, outward, addressed, bill_to, language_tier, alternative_languages, fields, policy)
select job, ref, booking, booking_ref, line1, line2, town, postcode, outward, addressed, bill_to, language_tier, alternative_languages::text[], fields, policy
from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bool[], $11::text[],
	$12::text[], $13::text[], $14::jsonb[], $15::jsonb[])
as n (job, ref, booking, booking_ref, line1, line2, town, postcode, outward, addressed, bill_to, language_tier, alternative_languages, fields, policy)
on conflict (job) do update set line1 = excluded.line1, line2 = excluded.line2, town = excluded.town, postcode = excluded.postcode,
	outward = excluded.outward, addressed = excluded.addressed, bill_to = excluded.bill_to, language_tier = excluded.language_tier,
	alternative_languages = excluded.alternative_languages, fields = excluded.fields`

const changeOffersSQL = `
update offers set state = coalesce(nullif(n.state, ''), offers.state), since = coalesce(n.since, offers.since), proposed_at = coalesce(n.proposed_at, offers.proposed_at),
	reason = case n.reason when '' then offers.reason else n.reason end, ended_why = n.ended_why,
	fee = case n.fee when 0 then offers.fee else n.fee end,
	counter = case n.counter when '' then offers.counter else coalesce(offers.counter, '{}') || n.counter::jsonb end
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[], $8::bigint[], $9::text[])
as n (job, interpreter, state, since, proposed_at, reason, ended_why, fee, counter)
where offers.job = n.job and offers.interpreter = n.interpreter and offers.state in ('open', 'accepted')`

const insertOffersSQL = `
insert into offers (job, revision, interpreter, lin, state, sent_at, since, language, starts_at, zone, minutes, fee, currency, terms_version,
	expires_at, suggested_at, proposed_at, unasked, reason, override_reason, override_rules, ended_why, counter)
select job, revision, interpreter, lin, state, sent_at, since, language, starts_at, zone, minutes, fee, currency, terms_version,
	expires_at, suggested_at, proposed_at, unasked, reason, override_reason, override_rules::text[], ended_why, nullif(counter, '')::jsonb
from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::text[], $9::timestamptz[],
	$10::text[], $11::int[], $12::bigint[], $13::text[], $14::int[], $15::timestamptz[], $16::timestamptz[], $17::timestamptz[], $18::bool[],
	$19::text[], $20::text[], $21::text[], $22::text[], $23::text[])
as n (job, revision, interpreter, lin, state, sent_at, since, language, starts_at, zone, minutes, fee, currency, terms_version,
	expires_at, suggested_at, proposed_at, unasked, reason, override_reason, override_rules, ended_why, counter)`

const insertPartiesSQL = `
insert into parties (interpreter, job) select * from unnest($1::uuid[], $2::uuid[]) on conflict do nothing`

const endAssignmentsSQL = `
update assignments set ended_at = n.at, ended_why = n.why, reason = n.reason, ended_revision = n.last, last_start = n.last_start, last_end = n.last_end
from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[], $7::timestamptz[])
as n (job, at, why, reason, last, last_start, last_end)
where assignments.job = n.job and assignments.ended_at is null`

const insertAssignmentsSQL = `
insert into assignments (job, revision, interpreter, lin, assigned_at, unchecked, override_reason, override_rules, ended_at, ended_why, reason,
	ended_revision, last_start, last_end)
select job, revision, interpreter, lin, assigned_at, unchecked, override_reason, override_rules::text[], ended_at, ended_why, reason,
	ended_revision, last_start, last_end
from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::timestamptz[], $6::bool[], $7::text[], $8::text[], $9::timestamptz[], $10::text[],
	$11::text[], $12::bigint[], $13::timestamptz[], $14::timestamptz[])
as n (job, revision, interpreter, lin, assigned_at, unchecked, override_reason, override_rules, ended_at, ended_why, reason, ended_revision, last_start,
	last_end)`

const changeSheetsSQL = `
update timesheets set state = n.state, since = n.since,
	dispute_reason = case when n.blocks is null then timesheets.dispute_reason else n.reason end,
	dispute_blocks = coalesce(n.blocks, timesheets.dispute_blocks)
from unnest($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[], $5::text[], $6::jsonb[]) as n (job, revision, state, since, reason, blocks)
where timesheets.job = n.job and timesheets.revision = n.revision`

const insertSheetsSQL = `
insert into timesheets (job, revision, side, state, at, since, worked, blocks, incidentals, documents, dispute_reason, dispute_blocks)
select job, revision, side, state, at, since, worked, blocks, incidentals, documents::uuid[], dispute_reason, dispute_blocks
from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::int[], $8::jsonb[], $9::jsonb[], $10::text[],
	$11::text[], $12::jsonb[])
as n (job, revision, side, state, at, since, worked, blocks, incidentals, documents, dispute_reason, dispute_blocks)`

const insertEndingsSQL = `
insert into endings (job, kind, at, by_user, reason, authorised_by, details, start_at, end_at, worked)
select * from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
	$9::timestamptz[], $10::int[])`

// write sends everything in one round trip. What stood before a page is changed before the page's own rows come.
func (f *fold) write(ctx context.Context, tx pgx.Tx) error {
	b := f.batch
	var fresh, changed []*job
	for _, id := range rows.Sorted(f.jobs) {
		switch j := f.jobs[id]; {
		case j.fresh:
			fresh = append(fresh, j)
		case f.changed[id]:
			changed = append(changed, j)
		}
	}
	queueNewJobs(b, fresh)
	queueChangedJobs(b, changed)
	f.queueTallies(b)
	f.queueDetails(b)
	f.queueOffers(b)
	f.queueAssignments(b)
	f.queueSheets(b)
	f.queueEndings(b)
	f.queueWaves(b)
	if b.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("write the jobs of a page: %w", err)
	}
	return nil
}

func queueNewJobs(b *pgx.Batch, all []*job) {
	if len(all) == 0 {
		return
	}
	id := func(of func(*job) uuid.UUID) any {
		return rows.Column(all, func(j *job) pgtype.UUID { return rows.ID(of(j)) })
	}
	at := func(of func(*job) time.Time) any {
		return rows.Column(all, func(j *job) pgtype.Timestamptz { return rows.Time(of(j)) })
	}
	text := func(of func(*job) string) any { return rows.Column(all, of) }
	b.Queue(insertJobsSQL,
		id(func(j *job) uuid.UUID { return j.id }),
		id(func(j *job) uuid.UUID { return j.booking }),
		id(func(j *job) uuid.UUID { return j.customer }),
		id(func(j *job) uuid.UUID { return j.client }),
		id(func(j *job) uuid.UUID { return j.location }),
		text(func(j *job) string { return j.ref }),
		text(func(j *job) string { return j.bookingRef }),
		text(func(j *job) string { return j.form }),
		rows.Column(all, func(j *job) int32 { return int32(j.formVersion) }),
		text(func(j *job) string { return j.status }),
		text(func(j *job) string { return j.outcome }),
		rows.Column(all, func(j *job) int64 { return j.revision }),
		text(func(j *job) string { return j.language }),
		text(func(j *job) string { return j.serviceType }),
		at(func(j *job) time.Time { return j.requestedAt }),
		text(func(j *job) string { return j.zone }),
		rows.Column(all, func(j *job) int32 { return int32(j.minutes) }),
		at(func(j *job) time.Time { return j.eta }),
		at(func(j *job) time.Time { return j.startsAt }),
		at(func(j *job) time.Time { return j.endsAt }),
		at(func(j *job) time.Time { return j.proposed }),
		rows.Column(all, func(j *job) pgtype.UUID { return rows.Valid(j.bookedBy) }),
		rows.Column(all, func(j *job) pgtype.UUID { return rows.Valid(j.createdBy) }),
		at(func(j *job) time.Time { return j.createdAt }),
		id(func(j *job) uuid.UUID { return j.madeFrom }),
		text(func(j *job) string { return j.madeWhy }),
		id(func(j *job) uuid.UUID { return j.continued }),
		id(func(j *job) uuid.UUID { return j.takenBy }),
		text(func(j *job) string { return rows.IDs(j.offered) }),
		id(func(j *job) uuid.UUID { return j.holder }),
		id(func(j *job) uuid.UUID { return j.interpreter }),
		text(func(j *job) string { return j.lin }),
		text(func(j *job) string { return j.sheetSide }),
		rows.Column(all, func(j *job) bool { return j.sheetDisputed }),
		rows.Column(all, func(j *job) int64 { return j.sheetRevision }),
		at(func(j *job) time.Time { return j.endedAt }),
		text(func(j *job) string { return rows.IDs(j.countered) }),
		at(func(j *job) time.Time { return j.changedAt }))
}

func queueChangedJobs(b *pgx.Batch, all []*job) {
	if len(all) == 0 {
		return
	}
	id := func(of func(*job) uuid.UUID) any {
		return rows.Column(all, func(j *job) pgtype.UUID { return rows.ID(of(j)) })
	}
	at := func(of func(*job) time.Time) any {
		return rows.Column(all, func(j *job) pgtype.Timestamptz { return rows.Time(of(j)) })
	}
	text := func(of func(*job) string) any { return rows.Column(all, of) }
	b.Queue(updateJobsSQL,
		id(func(j *job) uuid.UUID { return j.id }),
		id(func(j *job) uuid.UUID { return j.client }),
		id(func(j *job) uuid.UUID { return j.location }),
		text(func(j *job) string { return j.status }),
		text(func(j *job) string { return j.outcome }),
		rows.Column(all, func(j *job) int64 { return j.revision }),
		text(func(j *job) string { return j.language }),
		text(func(j *job) string { return j.serviceType }),
		at(func(j *job) time.Time { return j.requestedAt }),
		text(func(j *job) string { return j.zone }),
		rows.Column(all, func(j *job) int32 { return int32(j.minutes) }),
		at(func(j *job) time.Time { return j.eta }),
		at(func(j *job) time.Time { return j.startsAt }),
		at(func(j *job) time.Time { return j.endsAt }),
		at(func(j *job) time.Time { return j.proposed }),
		id(func(j *job) uuid.UUID { return j.continued }),
		id(func(j *job) uuid.UUID { return j.takenBy }),
		text(func(j *job) string { return rows.IDs(j.offered) }),
		id(func(j *job) uuid.UUID { return j.holder }),
		id(func(j *job) uuid.UUID { return j.interpreter }),
		text(func(j *job) string { return j.lin }),
		text(func(j *job) string { return j.sheetSide }),
		rows.Column(all, func(j *job) bool { return j.sheetDisputed }),
		rows.Column(all, func(j *job) int64 { return j.sheetRevision }),
		at(func(j *job) time.Time { return j.endedAt }),
		text(func(j *job) string { return rows.IDs(j.countered) }),
		at(func(j *job) time.Time { return j.changedAt }))
}

func (f *fold) queueDetails(b *pgx.Batch) {
	var all []*details
	for _, id := range rows.Sorted(f.details) {
		if d := f.details[id]; d.fresh || d.changed {
			all = append(all, d)
		}
	}
	if len(all) == 0 {
		return
	}
	address := func(of func(*booking.Address) string) any {
		return rows.Column(all, func(d *details) string {
			if d.address == nil {
				return ""
			}
			return of(d.address)
		})
	}
	b.Queue(insertDetailsSQL,
		rows.Column(all, func(d *details) pgtype.UUID { return rows.ID(d.job) }),
		rows.Column(all, func(d *details) string { return f.jobs[d.job].ref }),
		rows.Column(all, func(d *details) pgtype.UUID { return rows.ID(f.jobs[d.job].booking) }),
		rows.Column(all, func(d *details) string { return f.jobs[d.job].bookingRef }),
		address(func(a *booking.Address) string { return a.Line1.Reveal() }),
		address(func(a *booking.Address) string { return a.Line2.Reveal() }),
		address(func(a *booking.Address) string { return a.Town }),
		address(func(a *booking.Address) string { return a.Postcode.Reveal() }),
		address(func(a *booking.Address) string { return a.Outward }),
		rows.Column(all, func(d *details) bool { return d.address != nil }),
		rows.Column(all, func(d *details) string { return d.billTo }),
		rows.Column(all, func(d *details) string { return d.tier }),
		rows.Column(all, func(d *details) string { return rows.Texts(d.languages) }),
		rows.Column(all, func(d *details) string { return fieldsJSON(d.fields) }),
		rows.Column(all, func(d *details) string { return mustJSON(d.policy) }))
}

func (f *fold) queueOffers(b *pgx.Batch) {
	if len(f.offerChanges) > 0 {
		keys := sortedPairs(f.offerChanges)
		b.Queue(changeOffersSQL,
			rows.Column(keys, func(k pair) pgtype.UUID { return rows.ID(k.job) }),
			rows.Column(keys, func(k pair) pgtype.UUID { return rows.ID(k.interpreter) }),
			rows.Column(keys, func(k pair) string { return f.offerChanges[k].state }),
			rows.Column(keys, func(k pair) pgtype.Timestamptz { return rows.Time(f.offerChanges[k].since) }),
			rows.Column(keys, func(k pair) pgtype.Timestamptz { return rows.Time(f.offerChanges[k].proposedAt) }),
			rows.Column(keys, func(k pair) string { return f.offerChanges[k].reason }),
			rows.Column(keys, func(k pair) string { return f.offerChanges[k].endedWhy }),
			rows.Column(keys, func(k pair) int64 { return f.offerChanges[k].fee }),
			rows.Column(keys, func(k pair) string { return f.offerChanges[k].counter.text() }))
	}
	if all := f.offers; len(all) > 0 {
		at := func(of func(*offer) time.Time) any {
			return rows.Column(all, func(o *offer) pgtype.Timestamptz { return rows.Time(of(o)) })
		}
		text := func(of func(*offer) string) any { return rows.Column(all, of) }
		b.Queue(insertOffersSQL,
			rows.Column(all, func(o *offer) pgtype.UUID { return rows.ID(o.job) }),
			rows.Column(all, func(o *offer) int64 { return o.revision }),
			rows.Column(all, func(o *offer) pgtype.UUID { return rows.ID(o.interpreter) }),
			text(func(o *offer) string { return o.lin }),
			text(func(o *offer) string { return o.state }),
			at(func(o *offer) time.Time { return o.sentAt }),
			at(func(o *offer) time.Time { return o.since }),
			text(func(o *offer) string { return o.language }),
			at(func(o *offer) time.Time { return o.startsAt }),
			text(func(o *offer) string { return o.zone }),
			rows.Column(all, func(o *offer) int32 { return int32(o.minutes) }),
			rows.Column(all, func(o *offer) int64 { return o.fee }),
			text(func(o *offer) string { return o.currency }),
			rows.Column(all, func(o *offer) int32 { return int32(o.termsVersion) }),
			at(func(o *offer) time.Time { return o.expiresAt }),
			at(func(o *offer) time.Time { return o.suggestedAt }),
			at(func(o *offer) time.Time { return o.proposedAt }),
			rows.Column(all, func(o *offer) bool { return o.unasked }),
			text(func(o *offer) string { return o.reason }),
			text(func(o *offer) string { return o.overrideReason }),
			text(func(o *offer) string { return rows.Texts(o.overrideRules) }),
			text(func(o *offer) string { return o.endedWhy }),
			text(func(o *offer) string { return o.counter.text() }))
	}
	if len(f.parties) > 0 {
		keys := sortedPairs(f.parties)
		b.Queue(insertPartiesSQL,
			rows.Column(keys, func(k pair) pgtype.UUID { return rows.ID(k.interpreter) }),
			rows.Column(keys, func(k pair) pgtype.UUID { return rows.ID(k.job) }))
	}
}

func (f *fold) queueAssignments(b *pgx.Batch) {
	if ends := f.assignmentEnds; len(ends) > 0 {
		b.Queue(endAssignmentsSQL,
			rows.Column(ends, func(e assignmentEnd) pgtype.UUID { return rows.ID(e.job) }),
			rows.Column(ends, func(e assignmentEnd) pgtype.Timestamptz { return rows.Time(e.at) }),
			rows.Column(ends, func(e assignmentEnd) string { return e.why }),
			rows.Column(ends, func(e assignmentEnd) string { return e.reason }),
			rows.Column(ends, func(e assignmentEnd) int64 { return e.last.revision }),
			rows.Column(ends, func(e assignmentEnd) pgtype.Timestamptz { return rows.Time(e.last.starts) }),
			rows.Column(ends, func(e assignmentEnd) pgtype.Timestamptz { return rows.Time(e.last.ends) }))
	}
	if all := f.assignments; len(all) > 0 {
		b.Queue(insertAssignmentsSQL,
			rows.Column(all, func(a *assignment) pgtype.UUID { return rows.ID(a.job) }),
			rows.Column(all, func(a *assignment) int64 { return a.revision }),
			rows.Column(all, func(a *assignment) pgtype.UUID { return rows.ID(a.interpreter) }),
			rows.Column(all, func(a *assignment) string { return a.lin }),
			rows.Column(all, func(a *assignment) pgtype.Timestamptz { return rows.Time(a.at) }),
			rows.Column(all, func(a *assignment) bool { return a.unchecked }),
			rows.Column(all, func(a *assignment) string { return a.overrideReason }),
			rows.Column(all, func(a *assignment) string { return rows.Texts(a.overrideRules) }),
			rows.Column(all, func(a *assignment) pgtype.Timestamptz { return rows.Time(a.endedAt) }),
			rows.Column(all, func(a *assignment) string { return a.endedWhy }),
			rows.Column(all, func(a *assignment) string { return a.reason }),
			rows.Column(all, func(a *assignment) int64 { return a.last.revision }),
			rows.Column(all, func(a *assignment) pgtype.Timestamptz { return rows.Time(a.last.starts) }),
			rows.Column(all, func(a *assignment) pgtype.Timestamptz { return rows.Time(a.last.ends) }))
	}
}

func (f *fold) queueSheets(b *pgx.Batch) {
	if len(f.sheetChanges) > 0 {
		var all []sheetChange
		for _, c := range f.sheetChanges {
			all = append(all, c)
		}
		slices.SortFunc(all, func(a, b sheetChange) int {
			if c := rows.Compare(a.job, b.job); c != 0 {
				return c
			}
			return int(a.revision - b.revision)
		})
		b.Queue(changeSheetsSQL,
			rows.Column(all, func(c sheetChange) pgtype.UUID { return rows.ID(c.job) }),
			rows.Column(all, func(c sheetChange) int64 { return c.revision }),
			rows.Column(all, func(c sheetChange) string { return c.state }),
			rows.Column(all, func(c sheetChange) pgtype.Timestamptz { return rows.Time(c.since) }),
			rows.Column(all, func(c sheetChange) string { return c.reason }),
			rows.Column(all, func(c sheetChange) *string {
				if c.blocks == "" {
					return nil
				}
				return &c.blocks
			}))
	}
	if all := f.sheets; len(all) > 0 {
		b.Queue(insertSheetsSQL,
			rows.Column(all, func(s *sheet) pgtype.UUID { return rows.ID(s.job) }),
			rows.Column(all, func(s *sheet) int64 { return s.revision }),
			rows.Column(all, func(s *sheet) string { return s.side }),
			rows.Column(all, func(s *sheet) string { return s.state }),
			rows.Column(all, func(s *sheet) pgtype.Timestamptz { return rows.Time(s.at) }),
			rows.Column(all, func(s *sheet) pgtype.Timestamptz { return rows.Time(s.since) }),
			rows.Column(all, func(s *sheet) int32 { return int32(s.worked) }),
			rows.Column(all, func(s *sheet) string { return s.blocks }),
			rows.Column(all, func(s *sheet) string { return s.incidentals }),
			rows.Column(all, func(s *sheet) string { return rows.IDs(s.documents) }),
			rows.Column(all, func(s *sheet) string { return s.disputeReason }),
			rows.Column(all, func(s *sheet) string { return s.disputeBlocks }))
	}
}

func (f *fold) queueEndings(b *pgx.Batch) {
	if len(f.unended) > 0 {
		b.Queue(`delete from endings where job = any($1)`, rows.Keys(f.unended))
	}
	all := f.endings
	if len(all) == 0 {
		return
	}
	b.Queue(insertEndingsSQL,
		rows.Column(all, func(e ending) pgtype.UUID { return rows.ID(e.job) }),
		rows.Column(all, func(e ending) string { return e.kind }),
		rows.Column(all, func(e ending) pgtype.Timestamptz { return rows.Time(e.at) }),
		rows.Column(all, func(e ending) pgtype.UUID { return rows.Valid(e.by) }),
		rows.Column(all, func(e ending) string { return e.reason }),
		rows.Column(all, func(e ending) string { return e.authorisedBy }),
		rows.Column(all, func(e ending) string { return e.details }),
		rows.Column(all, func(e ending) pgtype.Timestamptz { return rows.Time(e.startAt) }),
		rows.Column(all, func(e ending) pgtype.Timestamptz { return rows.Time(e.endAt) }),
		rows.Column(all, func(e ending) int32 { return int32(e.worked) }))
}

// eraseSQL leaves of a booking's people what a rebuild leaves: what was sealed reads [erased], what was left out because it was empty stays
// empty.
var eraseSQL = []string{
	`update jobs set revision = $2, changed_at = $3 where job in (select job from details where booking = $1)`,
	`update details set
		line1 = case when addressed then $2 else line1 end,
		line2 = case line2 when '' then '' else $2 end,
		postcode = case when addressed then $2 else postcode end,
		fields = coalesce((select jsonb_object_agg(key, case when value ? 'p'
				then jsonb_set(value, '{t}', coalesce((select jsonb_agg($2) from jsonb_array_elements(value -> 't')), '[]')) else value end)
			from jsonb_each(fields)), '{}')
		where booking = $1`,
	`update offers set reason = case reason when '' then '' else $2 end,
		override_reason = case when override_reason <> '' or override_rules <> '{}' then $2 else '' end,
		counter = case when coalesce(counter ->> 'reason', '') = '' then counter else jsonb_set(counter, '{reason}', to_jsonb($2::text)) end
		where job in (select job from details where booking = $1)`,
	`update assignments set reason = case reason when '' then '' else $2 end,
		override_reason = case when override_reason <> '' or override_rules <> '{}' then $2 else '' end
		where job in (select job from details where booking = $1)`,
	`update timesheets set dispute_reason = case dispute_reason when '' then '' else $2 end,
		incidentals = coalesce((select jsonb_agg(case when i ? 'note' then jsonb_set(i, '{note}', to_jsonb($2::text)) else i end order by n)
			from jsonb_array_elements(incidentals) with ordinality as list (i, n)), '[]')
		where job in (select job from details where booking = $1)`,
	`update endings set authorised_by = case authorised_by when '' then '' else $2 end, details = case details when '' then '' else $2 end
		where job in (select job from details where booking = $1)`,
}

func erase(ctx context.Context, tx pgx.Tx, r eventschema.Recorded) error {
	id, ok := eventschema.IDOf(r.Stream)
	if !ok {
		return fmt.Errorf("a booking's stream without its id: %w", projections.ErrEvent)
	}
	b := &pgx.Batch{}
	b.Queue(eraseSQL[0], id, int64(r.Revision), r.Meta.At)
	for _, sql := range eraseSQL[1:] {
		b.Queue(sql, id, domain.Erased)
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("erase a booking's people: %w", err)
	}
	return nil
}

func sortedPairs[V any](m map[pair]V) []pair {
	keys := make([]pair, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b pair) int {
		if c := bytes.Compare(a.job[:], b.job[:]); c != 0 {
			return c
		}
		return bytes.Compare(a.interpreter[:], b.interpreter[:])
	})
	return keys
}

// value is a form's value as it is stored.
type value struct {
	Texts    []string `json:"t,omitempty"`
	Personal bool     `json:"p,omitempty"`
	NA       bool     `json:"na,omitempty"`
}

func fieldsJSON(fields map[string]domain.Value) string {
	stored := make(map[string]value, len(fields))
	for key, v := range fields {
		stored[key] = value{v.Items, v.Personal, v.NotApplicable}
	}
	return mustJSON(stored)
}

func readFields(b []byte) (map[string]domain.Value, error) {
	var stored map[string]value
	if err := json.Unmarshal(b, &stored); err != nil {
		return nil, err
	}
	fields := make(map[string]domain.Value, len(stored))
	for key, v := range stored {
		fields[key] = domain.Value{Items: v.Texts, Personal: v.Personal, NotApplicable: v.NA}
	}
	return fields, nil
}

// incidental is a further cost as it is stored.
type incidental struct {
	Kind     string `json:"kind"`
	Quantity int64  `json:"quantity,omitempty"`
	Amount   *int64 `json:"amount,omitempty"`
	Currency string `json:"currency,omitempty"`
	Note     string `json:"note,omitempty"`
}

func incidentalsJSON(list []booking.Incidental) string {
	stored := make([]incidental, len(list))
	for i, c := range list {
		stored[i] = incidental{Kind: c.Kind, Quantity: c.Quantity, Note: c.Note.Reveal()}
		if c.Amount != nil {
			stored[i].Amount, stored[i].Currency = &c.Amount.Minor, c.Amount.Currency
		}
	}
	return mustJSON(stored)
}

// block is a time worked as it is stored.
type block struct {
	Start time.Time `json:"s"`
	End   time.Time `json:"e"`
	Zone  string    `json:"z"`
}

func blocksJSON(list []booking.Block) string {
	stored := make([]block, len(list))
	for i, b := range list {
		stored[i] = block{b.Start.Instant.UTC(), b.End.Instant.UTC(), b.Start.Zone}
	}
	return mustJSON(stored)
}

// mustJSON writes one of our own plain structs, which cannot fail.
func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("jobs: encode %T: %v", v, err))
	}
	return string(b)
}
