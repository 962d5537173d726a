-- The views that analysts read, in schema analysis. Each follows the live generation of one read model, named in braces.
-- Not in them: names, contacts, addresses, LINs, anything typed freely, and whatever else access.matrix hides from an analyst.
-- {interpreter x} and {user x} are pseudonyms of an id. Comments are the documentation: docs/analysts.md repeats them and a test compares.

-- view jobs of jobs
create view {here}.jobs as
select j.job, j.ref, j.booking, j.booking_ref, j.customer, j.client, j.location, j.form, j.form_version, j.status, j.outcome,
	nullif(e.reason, '') as end_reason, j.language, nullif(d.language_tier, '') as language_tier, d.alternative_languages, j.service_type,
	d.addressed as on_site, nullif(d.town, '') as town, nullif(d.outward, '') as outward, j.requested_at, j.eta, j.starts_at, j.ends_at, j.minutes,
	j.zone, j.created_at, j.ended_at, {user j.booked_by} as booked_by, {user j.created_by} as created_by, {interpreter j.interpreter} as interpreter,
	j.made_from, nullif(j.made_why, '') as made_why
from {jobs}.jobs j join {jobs}.details d using (job) left join {jobs}.endings e using (job);
comment on view {here}.jobs is 'Every job, one row.';
comment on column {here}.jobs.job is 'Id of the job: joins the other views.';
comment on column {here}.jobs.ref is 'Job #, such as DTP1389466.';
comment on column {here}.jobs.booking is 'Id of the booking; related jobs share it.';
comment on column {here}.jobs.booking_ref is 'Booking #.';
comment on column {here}.jobs.customer is 'Who booked: see customers.';
comment on column {here}.jobs.client is 'The customer''s sub-unit, see clients; null: none.';
comment on column {here}.jobs.location is 'The customer''s listed place, see locations; null for a typed address and a remote job.';
comment on column {here}.jobs.form is 'Booking form, such as face-to-face.';
comment on column {here}.jobs.form_version is 'Version of that form.';
comment on column {here}.jobs.status is 'requested, new, assigned, ongoing, complete or cancelled.';
comment on column {here}.jobs.outcome is 'How a complete job ended: success, not-fulfilled, aborted, client-no-show, worker-no-show, curtailed; empty before.';
comment on column {here}.jobs.end_reason is 'Reason of a cancellation or an outcome, from the agency''s list; null: none was chosen.';
comment on column {here}.jobs.language is 'Language asked for, BCP 47: see languages.';
comment on column {here}.jobs.language_tier is 'How rare it was when booked, in the agency''s words.';
comment on column {here}.jobs.alternative_languages is 'Other languages that would do, BCP 47.';
comment on column {here}.jobs.service_type is 'face-to-face, remote, …';
comment on column {here}.jobs.on_site is 'False: a remote job, nobody travels.';
comment on column {here}.jobs.town is 'Town of the place; null: none.';
comment on column {here}.jobs.outward is 'First half of the postcode, such as LS1; null: none.';
comment on column {here}.jobs.requested_at is 'Start as asked for.';
comment on column {here}.jobs.eta is 'The agreed other start; null: none.';
comment on column {here}.jobs.starts_at is 'The agreed other start if there is one, else as asked for.';
comment on column {here}.jobs.ends_at is 'That start plus the booked duration.';
comment on column {here}.jobs.minutes is 'Booked duration in minutes.';
comment on column {here}.jobs.zone is 'IANA time zone of the place: starts_at at time zone zone is the time on its clocks.';
comment on column {here}.jobs.created_at is 'When the job was made.';
comment on column {here}.jobs.ended_at is 'When it became complete or cancelled; null before.';
comment on column {here}.jobs.booked_by is 'User who made the booking, as a pseudonym.';
comment on column {here}.jobs.created_by is 'User who made this job of it, as a pseudonym.';
comment on column {here}.jobs.interpreter is 'Who has the job, or had it when it was completed, as a pseudonym: see interpreters. Null: nobody.';
comment on column {here}.jobs.made_from is 'Job that this one was made from; null for a booking''s first jobs.';
comment on column {here}.jobs.made_why is 'Why: continuation, follow-up, recurrence.';

-- view answers of jobs
create view {here}.answers as
select j.job, f ->> 'key' as field, f ->> 'label' as question, o ->> 'value' as answer, o ->> 'label' as label
from {jobs}.jobs j join {jobs}.details d using (job) join {jobs}.forms b on (b.form, b.version) = (j.form, j.form_version)
	cross join lateral jsonb_array_elements(b.definition -> 'fields') f
	cross join lateral jsonb_array_elements_text(d.fields -> (f ->> 'key') -> 't') a
	cross join lateral jsonb_array_elements(f -> 'options') o
where f ->> 'kind' in ('option', 'options') and f ->> 'personal' = 'none' and f ->> 'visibility' in ('public', 'customer')
	and not d.fields -> (f ->> 'key') ? 'p' and o ->> 'value' = a;
comment on view {here}.answers is 'What was chosen on the booking form, one row an answer: questions with listed answers only, none about a person, none that is the agency''s or an interpreter''s alone.';
comment on column {here}.answers.job is 'Id of the job.';
comment on column {here}.answers.field is 'Key of the question, such as assignmentType.';
comment on column {here}.answers.question is 'What the form asked.';
comment on column {here}.answers.answer is 'Value of the answer, such as interview.';
comment on column {here}.answers.label is 'That answer as the form shows it.';

-- view offers of jobs
create view {here}.offers as
select o.job, o.revision, {interpreter o.interpreter} as interpreter, o.state, o.sent_at, o.since, o.expires_at, o.language, o.starts_at, o.zone, o.minutes,
	o.fee, nullif(o.currency, '') as currency, o.terms_version, o.suggested_at, o.proposed_at, o.unasked, o.override_rules
from {jobs}.offers o;
comment on view {here}.offers is 'Every offer ever sent, as it was shown and as it stands or ended.';
comment on column {here}.offers.job is 'Id of the job.';
comment on column {here}.offers.revision is 'Number of the event that sent it: with job and interpreter it names the offer.';
comment on column {here}.offers.interpreter is 'To whom, as a pseudonym.';
comment on column {here}.offers.state is 'open, accepted, declined, revoked, lapsed, or assigned: it led to the assignment, or ended by another''s, a cancellation or the end of its hold.';
comment on column {here}.offers.sent_at is 'When it was sent, or an answer without an offer was recorded.';
comment on column {here}.offers.since is 'Since when it stands so.';
comment on column {here}.offers.expires_at is 'Until when it could be answered; null: no limit.';
comment on column {here}.offers.language is 'Language as shown.';
comment on column {here}.offers.starts_at is 'Start as shown.';
comment on column {here}.offers.zone is 'IANA time zone of that start.';
comment on column {here}.offers.minutes is 'Duration as shown, in minutes.';
comment on column {here}.offers.fee is 'Fee for that duration in minor units: 8500 is 85.00.';
comment on column {here}.offers.currency is 'ISO 4217; null: no fee was shown.';
comment on column {here}.offers.terms_version is 'Version of the terms that the fee came from.';
comment on column {here}.offers.suggested_at is 'Other start that staff suggested; null: none.';
comment on column {here}.offers.proposed_at is 'Other start that the interpreter proposed on accepting; null: none.';
comment on column {here}.offers.unasked is 'True: staff recorded the answer though no offer was open.';
comment on column {here}.offers.override_rules is 'Rules that staff went past.';

-- view assignments of jobs
create view {here}.assignments as
select a.job, a.revision, {interpreter a.interpreter} as interpreter, a.assigned_at, a.unchecked, a.override_rules, a.ended_at,
	nullif(a.ended_why, '') as ended_why
from {jobs}.assignments a;
comment on view {here}.assignments is 'Who had each job, and until when.';
comment on column {here}.assignments.job is 'Id of the job.';
comment on column {here}.assignments.revision is 'Number of the event that assigned it.';
comment on column {here}.assignments.interpreter is 'To whom, as a pseudonym.';
comment on column {here}.assignments.assigned_at is 'When.';
comment on column {here}.assignments.unchecked is 'True: the time was over already, so it was recorded without a look for clashes.';
comment on column {here}.assignments.override_rules is 'Rules that staff went past.';
comment on column {here}.assignments.ended_at is 'When it ended; null while it holds and after completion.';
comment on column {here}.assignments.ended_why is 'unassigned or cancelled; null while it holds and after completion.';

-- view timesheets of jobs
create view {here}.timesheets as
select t.job, t.revision, nullif(t.side, '') as side, t.state, t.at as entered_at, t.since, t.worked
from {jobs}.timesheets t;
comment on view {here}.timesheets is 'Hours as one side entered them; for a job that one party closed, the actual times.';
comment on column {here}.timesheets.job is 'Id of the job.';
comment on column {here}.timesheets.revision is 'Number of the event that entered them: the highest of a job counts.';
comment on column {here}.timesheets.side is 'customer or interpreter; null: the job was closed by one party.';
comment on column {here}.timesheets.state is 'submitted, accepted, disputed, or settled: staff closed the job in spite of them.';
comment on column {here}.timesheets.entered_at is 'When they were entered.';
comment on column {here}.timesheets.since is 'Since when they stand so.';
comment on column {here}.timesheets.worked is 'Minutes worked.';

-- view timesheet_blocks of jobs
create view {here}.timesheet_blocks as
select t.job, t.revision, n::integer as block, (b ->> 's')::timestamptz as starts_at, (b ->> 'e')::timestamptz as ends_at, b ->> 'z' as zone
from {jobs}.timesheets t cross join lateral jsonb_array_elements(t.blocks) with ordinality as list (b, n);
comment on view {here}.timesheet_blocks is 'The times worked, one row a stretch of time.';
comment on column {here}.timesheet_blocks.job is 'Id of the job.';
comment on column {here}.timesheet_blocks.revision is 'The timesheet''s.';
comment on column {here}.timesheet_blocks.block is 'Place on the timesheet, from 1.';
comment on column {here}.timesheet_blocks.starts_at is 'From then,';
comment on column {here}.timesheet_blocks.ends_at is 'until then.';
comment on column {here}.timesheet_blocks.zone is 'IANA time zone of the place.';

-- view languages of jobs
create view {here}.languages as
select l.code, l.name from {jobs}.languages l;
comment on view {here}.languages is 'Languages that the agency lists or listed.';
comment on column {here}.languages.code is 'BCP 47; BSL is bfi.';
comment on column {here}.languages.name is 'What the agency calls it.';

-- view customers of people
create view {here}.customers as
select c.customer, c.name, c.time_zone from {people}.customers c;
comment on view {here}.customers is 'Organisations that book.';
comment on column {here}.customers.customer is 'Id.';
comment on column {here}.customers.name is 'The organisation''s name.';
comment on column {here}.customers.time_zone is 'IANA name: its months and days.';

-- view clients of people
create view {here}.clients as
select c.client, c.customer, c.name from {people}.clients c;
comment on view {here}.clients is 'Sub-units of customers.';
comment on column {here}.clients.client is 'Id.';
comment on column {here}.clients.customer is 'Whose it is.';
comment on column {here}.clients.name is 'The sub-unit''s name.';

-- view locations of people
create view {here}.locations as
select l.location, l.customer, l.client, l.name, l.town, coalesce(nullif(l.time_zone, ''), c.time_zone) as time_zone
from {people}.locations l join {people}.customers c using (customer);
comment on view {here}.locations is 'Customers'' listed places, without their addresses.';
comment on column {here}.locations.location is 'Id.';
comment on column {here}.locations.customer is 'Whose it is.';
comment on column {here}.locations.client is 'The sub-unit it belongs to; null: none.';
comment on column {here}.locations.name is 'What the customer calls it.';
comment on column {here}.locations.town is 'Town.';
comment on column {here}.locations.time_zone is 'IANA name.';

-- view interpreters of people
create view {here}.interpreters as
select {interpreter i.interpreter} as interpreter, i.gender, i.languages, i.skills, i.service_types, i.suspended, i.registered_at
from {people}.interpreters i;
comment on view {here}.interpreters is 'Interpreters and what they can do, without who they are.';
comment on column {here}.interpreters.interpreter is 'Pseudonym: joins jobs, offers, assignments and credentials.';
comment on column {here}.interpreters.gender is 'female, male, other or unstated.';
comment on column {here}.interpreters.languages is 'BCP 47.';
comment on column {here}.interpreters.skills is 'By key.';
comment on column {here}.interpreters.service_types is 'Types of service; empty: all.';
comment on column {here}.interpreters.suspended is 'True: no new offers and assignments.';
comment on column {here}.interpreters.registered_at is 'When the interpreter was registered.';

-- view credentials of people
create view {here}.credentials as
select {interpreter i.interpreter} as interpreter, c ->> 'kind' as kind,
	case when c ->> 'validFrom' ~ '^\d{4}-\d\d-\d\d$' then (c ->> 'validFrom')::date end as valid_from,
	case when c ->> 'validTo' ~ '^\d{4}-\d\d-\d\d$' then (c ->> 'validTo')::date end as valid_to
from {people}.interpreters i cross join lateral jsonb_array_elements(i.credentials) c;
comment on view {here}.credentials is 'Qualifications and vetting of interpreters, without their numbers.';
comment on column {here}.credentials.interpreter is 'Whose, as a pseudonym.';
comment on column {here}.credentials.kind is 'What it is, such as DPSI.';
comment on column {here}.credentials.valid_from is 'First day; null: not said.';
comment on column {here}.credentials.valid_to is 'Last day; null: not said.';

-- view prices of invoices
create view {here}.prices as
select j.job, j.total, j.currency, j.completed_at, j.invoice from {invoices}.jobs j where j.draft or j.invoice is not null;
comment on view {here}.prices is 'What each billed job comes to, on an invoice or not yet.';
comment on column {here}.prices.job is 'Id of the job.';
comment on column {here}.prices.total is 'Net sum of its lines in minor units: 8500 is 85.00.';
comment on column {here}.prices.currency is 'ISO 4217; empty: it could not be priced.';
comment on column {here}.prices.completed_at is 'When its outcome was recorded.';
comment on column {here}.prices.invoice is 'The invoice that it stands on; null: not yet issued.';

-- view invoices of invoices
create view {here}.invoices as
select i.invoice, i.customer, i.number, i.ref, i.issued_on::date as issued_on, i.due_on::date as due_on, i.issued_at, i.total, i.currency
from {invoices}.issued i;
comment on view {here}.invoices is 'Issued invoices.';
comment on column {here}.invoices.invoice is 'Id.';
comment on column {here}.invoices.customer is 'Who pays.';
comment on column {here}.invoices.number is 'Number, without gaps.';
comment on column {here}.invoices.ref is 'Number as printed, such as INV000001.';
comment on column {here}.invoices.issued_on is 'Day of issue in the customer''s time zone.';
comment on column {here}.invoices.due_on is 'Day by which to pay.';
comment on column {here}.invoices.issued_at is 'When it was issued.';
comment on column {here}.invoices.total is 'Net sum in minor units.';
comment on column {here}.invoices.currency is 'ISO 4217.';

-- view invoice_lines of invoices
create view {here}.invoice_lines as
select l.invoice, l.line_no, l.job, l.body ->> 'kind' as kind, (l.body ->> 'quantity')::bigint as quantity,
	(l.body #>> '{unitPrice,minor}')::bigint as unit_price, (l.body #>> '{amount,minor}')::bigint as amount,
	l.body #>> '{amount,currency}' as currency, (l.body ->> 'termsVersion')::integer as terms_version
from {invoices}.lines l;
comment on view {here}.invoice_lines is 'Lines of issued invoices.';
comment on column {here}.invoice_lines.invoice is 'The invoice.';
comment on column {here}.invoice_lines.line_no is 'Place on it, from 1.';
comment on column {here}.invoice_lines.job is 'The job that is billed.';
comment on column {here}.invoice_lines.kind is 'time, or the kind of a further cost.';
comment on column {here}.invoice_lines.quantity is 'Minutes for time; hundredths of a unit for a further cost.';
comment on column {here}.invoice_lines.unit_price is 'Price of an hour, or of a unit, in minor units.';
comment on column {here}.invoice_lines.amount is 'Net amount in minor units.';
comment on column {here}.invoice_lines.currency is 'ISO 4217.';
comment on column {here}.invoice_lines.terms_version is 'Version of the terms that priced it.';
