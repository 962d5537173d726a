-- Read model jobs: every job as the tabular view and the job's page show it. Filled by jobs.Projector.
-- What changes often stands in the narrow table jobs, which has no more indexes than its lists need; what a booking form says about a job
-- stands in details.

create table jobs (
	job           uuid primary key,
	ref           text not null,
	booking       uuid not null,
	booking_ref   text not null,
	customer      uuid not null,
	client        uuid,
	location      uuid,
	form          text not null,
	form_version  integer not null,
	status        text not null,
	outcome       text not null,
	revision      bigint not null,
	language      text not null,
	service_type  text not null,
	requested_at  timestamptz not null,
	zone          text not null,
	minutes       integer not null,
	eta           timestamptz,
	starts_at     timestamptz not null,
	ends_at       timestamptz not null,
	proposed_eta  timestamptz,
	booked_by     uuid not null,
	created_by    uuid not null,
	created_at    timestamptz not null,
	made_from     uuid,
	made_why      text not null,
	continued     uuid,
	taken_by      uuid,
	offered       uuid[] not null,
	holder        uuid,
	interpreter   uuid,
	lin           text not null,
	sheet_side    text not null,
	sheet_disputed boolean not null,
	sheet_revision bigint not null,
	ended_at      timestamptz,
	countered     uuid[] not null,
	changed_at    timestamptz not null
) with (fillfactor = 70);
comment on table jobs is 'Every job, one row: what lists show, sort and filter by.';
comment on column jobs.job is 'Id of the job.';
comment on column jobs.ref is 'Job #, such as DTP1389466.';
comment on column jobs.booking is 'Id of the booking: related jobs share it.';
comment on column jobs.booking_ref is 'Booking #.';
comment on column jobs.customer is 'Who booked.';
comment on column jobs.client is 'The customer''s sub-unit, if any.';
comment on column jobs.location is 'The customer''s listed place; null for a typed address and a remote job.';
comment on column jobs.form is 'Id of the booking form.';
comment on column jobs.form_version is 'Version of the form that the booking was made with: it says who may read which field.';
comment on column jobs.status is 'requested, new, assigned, ongoing, complete or cancelled.';
comment on column jobs.outcome is 'How a complete job ended; empty before.';
comment on column jobs.revision is 'Number of the last event that touched this job, or changed a shared value for it.';
comment on column jobs.language is 'Language asked for, BCP 47.';
comment on column jobs.service_type is 'face-to-face, remote, …';
comment on column jobs.requested_at is 'Start as asked for.';
comment on column jobs.zone is 'IANA zone of the place: times are shown in it.';
comment on column jobs.minutes is 'Booked duration in minutes.';
comment on column jobs.eta is 'Agreed other start, if any.';
comment on column jobs.starts_at is 'Start that lists go by: the ETA if there is one, else as asked for.';
comment on column jobs.ends_at is 'That start plus the duration.';
comment on column jobs.proposed_eta is 'Other start that waits for the customer''s answer.';
comment on column jobs.booked_by is 'User who made the booking: a narrowed user may know such a job without a place.';
comment on column jobs.created_by is 'User who made this job of it.';
comment on column jobs.created_at is 'Business time at which the job was made.';
comment on column jobs.made_from is 'Job that this one was made from: a follow-up, a continuation.';
comment on column jobs.made_why is 'Why: continuation, follow-up, recurrence; empty for a booking''s first jobs.';
comment on column jobs.continued is 'Job that holds the later hours.';
comment on column jobs.taken_by is 'Assigner who works on it.';
comment on column jobs.offered is 'Interpreters whose offer is open or accepted.';
comment on column jobs.holder is 'Interpreter whose acceptance holds the job.';
comment on column jobs.interpreter is 'Interpreter who has the job, or had it when it was completed.';
comment on column jobs.lin is 'That interpreter''s LIN; empty if none.';
comment on column jobs.sheet_side is 'Side that entered the hours last: customer or interpreter; empty before.';
comment on column jobs.sheet_disputed is 'True: the other side disputes them.';
comment on column jobs.sheet_revision is 'Number of the event that entered them; 0 before.';
comment on column jobs.ended_at is 'Business time at which it became complete or cancelled.';
comment on column jobs.changed_at is 'Business time of the event that the revision is the number of.';
comment on column jobs.countered is 'Interpreters whose counter-offer waits for an answer.';

-- The lists of unfinished jobs, for a customer and for all; their counts need no row.
create index jobs_live_customer on jobs (customer, starts_at, ref) include (ends_at, status) where status in ('requested', 'new', 'assigned', 'ongoing');
create index jobs_live on jobs (starts_at, ref) include (ends_at, status) where status in ('requested', 'new', 'assigned', 'ongoing');
-- What may wait for a customer besides jobs whose time has come: few of all.
create index jobs_awaited on jobs (customer, starts_at, ref) where status = 'ongoing' or proposed_eta is not null;
-- Completed ones.
create index jobs_done_customer on jobs (customer, starts_at, ref) where status = 'complete';
create index jobs_done on jobs (starts_at, ref) where status = 'complete';
-- All of them, also by day.
create index jobs_customer on jobs (customer, starts_at, ref);
create index jobs_start on jobs (starts_at, ref);
create index jobs_made on jobs (created_by, created_at desc, ref desc); -- the last ones that a user made (LL-37)
-- The few that take longer than a day, so that whatever overlaps a time is found by its start.
create index jobs_long on jobs (starts_at) where minutes > 1440;

create table tallies (
	customer uuid not null,
	status   text not null,
	day      date not null,
	n        integer not null,
	primary key (customer, status, day)
) with (fillfactor = 50);
comment on table tallies is 'How many jobs there are: long lists are counted by these, not job by job.';
comment on column tallies.customer is 'Who booked; the nil id: all together.';
comment on column tallies.status is 'As in jobs.';
comment on column tallies.day is 'Day of jobs.starts_at by UTC.';
comment on column tallies.n is 'How many; never 0.';

create table details (
	job        uuid primary key,
	ref         text not null unique,
	booking     uuid not null,
	booking_ref text not null,
	line1      text not null,
	line2      text not null,
	town       text not null,
	postcode   text not null,
	outward    text not null,
	addressed  boolean not null,
	bill_to    text not null,
	language_tier         text not null,
	alternative_languages text[] not null,
	fields     jsonb not null,
	policy     jsonb not null,
	words      tsvector not null generated always as (
		setweight(to_tsvector('simple', translate(ref || ' ' || coalesce(substring(ref from '[0-9]+$'), '') || ' ' || booking_ref || ' ' || town || ' '
			|| outward, '/-_.:,;@''()', '           ')), 'A')
		|| setweight(to_tsvector('simple', translate(line1 || ' ' || line2 || ' ' || postcode || ' ' || coalesce(fields #>> '{reportTo,t,0}', '') || ' '
			|| coalesce(fields #>> '{nonEnglishSpeaker,t,0}', '') || ' ' || coalesce(fields #>> '{consumer,t,0}', ''), '/-_.:,;@''()', '           ')), 'B')
		|| setweight(to_tsvector('simple', translate(coalesce(fields #>> '{yourReference,t,0}', '') || ' '
			|| coalesce(fields #>> '{invoiceReference,t,0}', '') || ' ' || coalesce(fields #>> '{costCentre,t,0}', ''), '/-_.:,;@''()', '           ')), 'C')
		|| setweight(to_tsvector('simple', translate(coalesce(fields #>> '{requestingOfficer,t,0}', '') || ' '
			|| coalesce(fields #>> '{officerInCase,t,0}', '') || ' ' || coalesce(fields #>> '{collarNumber,t,0}', ''), '/-_.:,;@''()', '           ')), 'D')
	) stored
);
create index details_booking on details (booking);
create index details_words on details using gin (words);
comment on table details is 'What the booking says about each job, its own values put over the shared ones.';
comment on column details.job is 'Id of the job.';
comment on column details.ref is 'Job #. A job is found by it here, because this table''s indexes seldom change.';
comment on column details.booking is 'Id of the booking, found here likewise.';
comment on column details.booking_ref is 'Booking #.';
comment on column details.line1 is 'Address, first line; personal: [erased] once the booking''s people are erased, like line2 and postcode.';
comment on column details.line2 is 'Second line, may be empty.';
comment on column details.town is 'Town.';
comment on column details.postcode is 'Postcode.';
comment on column details.outward is 'Its outward part, such as LS1.';
comment on column details.addressed is 'False: a remote job, nobody travels.';
comment on column details.bill_to is 'Who pays.';
comment on column details.language_tier is 'Tier of the language when booked, such as Rare.';
comment on column details.alternative_languages is 'Other languages that the person speaks.';
comment on column details.fields is 'What the form adds, by key: t its texts, p true if they are about a person, na true for not applicable.';
comment on column details.policy is 'What was agreed when it was booked, as booking.Policy.';

comment on column details.words is 'Words to search by. Weights say who may: A everyone, B who sees address, report-to and speaker, C references, D contact names.';

create table endings (
	job           uuid primary key,
	kind          text not null,
	at            timestamptz not null,
	by_user       uuid not null,
	reason        text not null,
	authorised_by text not null,
	details       text not null,
	start_at      timestamptz,
	end_at        timestamptz,
	worked        integer not null
);
comment on table endings is 'How a job was cancelled, or closed by one party.';
comment on column endings.job is 'Id of the job.';
comment on column endings.kind is 'cancelled or closed.';
comment on column endings.at is 'Business time.';
comment on column endings.by_user is 'User who did it.';
comment on column endings.reason is 'Reason from the agency''s list, if one was given.';
comment on column endings.authorised_by is 'Name of who authorised a cancellation; personal.';
comment on column endings.details is 'What was written about it; personal.';
comment on column endings.start_at is 'Actual start, if someone attended.';
comment on column endings.end_at is 'Actual end.';
comment on column endings.worked is 'Minutes worked.';

create table offers (
	job            uuid not null,
	revision       bigint not null,
	interpreter    uuid not null,
	lin            text not null,
	state          text not null,
	sent_at        timestamptz not null,
	since          timestamptz not null,
	language       text not null,
	starts_at      timestamptz not null,
	zone           text not null,
	minutes        integer not null,
	fee            bigint not null,
	currency       text not null,
	terms_version  integer not null,
	expires_at     timestamptz,
	suggested_at   timestamptz,
	proposed_at    timestamptz,
	unasked        boolean not null,
	reason         text not null,
	override_reason text not null,
	override_rules text[] not null,
	ended_why      text not null,
	counter        jsonb,
	primary key (job, interpreter, revision)
);
comment on table offers is 'Every offer ever sent, with what it showed and how it stands or ended.';
comment on column offers.job is 'The job.';
comment on column offers.revision is 'Number of the event that sent it.';
comment on column offers.interpreter is 'To whom.';
comment on column offers.lin is 'That interpreter''s LIN.';
comment on column offers.state is 'open, accepted, declined, revoked, lapsed, assigned: it led to the assignment, or ended by another''s, a cancellation or the end of its hold.';
comment on column offers.sent_at is 'Business time at which it was sent, or at which an answer without an offer was recorded.';
comment on column offers.since is 'Business time since which it stands so.';
comment on column offers.language is 'Language as shown.';
comment on column offers.starts_at is 'Start as shown.';
comment on column offers.zone is 'IANA zone of that start.';
comment on column offers.minutes is 'Duration as shown.';
comment on column offers.fee is 'Fee for that duration in minor units.';
comment on column offers.currency is 'ISO 4217; empty: no fee was shown.';
comment on column offers.terms_version is 'Version of the terms that the fee came from.';
comment on column offers.expires_at is 'Until when it can be answered.';
comment on column offers.suggested_at is 'Other start that staff suggested in it.';
comment on column offers.proposed_at is 'Other start that the interpreter proposed with the acceptance.';
comment on column offers.unasked is 'True: staff recorded the answer though no offer was open.';
comment on column offers.reason is 'What the interpreter said; personal.';
comment on column offers.override_reason is 'Why staff went past a rule; personal.';
comment on column offers.override_rules is 'Which rules those were.';
comment on column offers.ended_why is 'Of an ended offer: assigned-to-another, assigned-elsewhere, moved (to another place of the team), cancelled, closed; else empty.';
comment on column offers.counter is 'The newest counter-offer: state open, accepted or declined, at, start, fee in minor units, reason; personal.';

create table waves (
	job     uuid primary key,
	number  integer not null,
	size    integer not null,
	to_ask  integer not null,
	sent_at timestamptz,
	next_at timestamptz,
	flags   jsonb not null
);
comment on table waves is 'How far jobs have got with offers in waves, and what assigners are told of them. One row for each job whose waves have begun.';
comment on column waves.job is 'Id of the job.';
comment on column waves.number is 'Number of the last wave since the job was booked or last changed; 0: none has gone out.';
comment on column waves.size is 'How many were to be asked at once.';
comment on column waves.to_ask is 'How many could still be asked then.';
comment on column waves.sent_at is 'When the last wave went out.';
comment on column waves.next_at is 'When the next one is due; null: none is.';
comment on column waves.flags is 'What assigners are told: kind, since when, and what would help.';

create table parties (
	interpreter uuid not null,
	job         uuid not null,
	primary key (interpreter, job)
);
comment on table parties is 'Who ever held an offer or assignment of a job: they may know it.';
comment on column parties.interpreter is 'The interpreter.';
comment on column parties.job is 'The job.';

create table assignments (
	job             uuid not null,
	revision        bigint not null,
	interpreter     uuid not null,
	lin             text not null,
	assigned_at     timestamptz not null,
	unchecked       boolean not null,
	override_reason text not null,
	override_rules  text[] not null,
	ended_at        timestamptz,
	ended_why       text not null,
	reason          text not null,
	ended_revision  bigint not null,
	last_start      timestamptz,
	last_end        timestamptz,
	primary key (job, revision)
);
comment on table assignments is 'Who had each job, and until when.';
comment on column assignments.job is 'The job.';
comment on column assignments.revision is 'Number of the event that assigned it.';
comment on column assignments.interpreter is 'To whom.';
comment on column assignments.lin is 'That interpreter''s LIN.';
comment on column assignments.assigned_at is 'Business time.';
comment on column assignments.unchecked is 'True: the time was over already, so the diary recorded it unchecked.';
comment on column assignments.override_reason is 'Why staff went past a rule; personal.';
comment on column assignments.override_rules is 'Which rules those were.';
comment on column assignments.ended_at is 'Business time at which it ended; null while it holds or after completion.';
comment on column assignments.ended_why is 'unassigned or cancelled; empty otherwise.';
comment on column assignments.ended_revision is 'Number of the event that ended it; 0 while it holds or after completion.';
comment on column assignments.last_start is 'When it ended: the job''s start then,';
comment on column assignments.last_end is 'and its end.';
comment on column assignments.reason is 'Why it was unassigned; personal.';

create table timesheets (
	job            uuid not null,
	revision       bigint not null,
	side           text not null,
	state          text not null,
	at             timestamptz not null,
	since          timestamptz not null,
	worked         integer not null,
	blocks         jsonb not null,
	incidentals    jsonb not null,
	documents      uuid[] not null,
	dispute_reason text not null,
	dispute_blocks jsonb not null,
	primary key (job, revision)
);
comment on table timesheets is 'Hours as one side entered them, and what the other said; for a job that one party closed, the actual times.';
comment on column timesheets.job is 'The job.';
comment on column timesheets.revision is 'Number of the event that entered them.';
comment on column timesheets.side is 'customer or interpreter; empty: the job was closed by one party.';
comment on column timesheets.state is 'submitted, accepted, disputed, or settled: staff closed the job in spite of them.';
comment on column timesheets.at is 'Business time at which they were entered.';
comment on column timesheets.since is 'Business time since which it stands so.';
comment on column timesheets.worked is 'Minutes worked.';
comment on column timesheets.blocks is 'Times worked: s and e instants, z the zone.';
comment on column timesheets.incidentals is 'Further costs: kind, quantity in hundredths, amount in minor units, currency, note (personal).';
comment on column timesheets.documents is 'Files, such as the verification of service.';
comment on column timesheets.dispute_reason is 'Why the other side disputes; personal.';
comment on column timesheets.dispute_blocks is 'Times that the other side says.';

-- Names that lists show. A read model uses only its own tables.

create table customers (
	customer uuid primary key,
	name     text not null
);
comment on table customers is 'Organisations that book; the agency under the nil id.';
comment on column customers.customer is 'Id.';
comment on column customers.name is 'Name.';

create table clients (
	client uuid primary key,
	name   text not null
);
comment on table clients is 'Customers'' sub-units.';
comment on column clients.client is 'Id.';
comment on column clients.name is 'Name.';

create table locations (
	location uuid primary key,
	name     text not null
);
comment on table locations is 'Customers'' places.';
comment on column locations.location is 'Id.';
comment on column locations.name is 'Name.';

create table languages (
	code text primary key,
	name text not null
);
comment on table languages is 'Languages that the agency supplies.';
comment on column languages.code is 'BCP 47.';
comment on column languages.name is 'What the agency calls it.';

create table users (
	user_id  uuid primary key,
	key_id   uuid not null,
	customer uuid,
	name     text not null
);
create index users_key_id on users (key_id);
comment on table users is 'Who may have booked.';
comment on column users.user_id is 'Id.';
comment on column users.key_id is 'Personal-data key: an erasure names keys.';
comment on column users.customer is 'The user''s organisation; null: the agency.';
comment on column users.name is 'Name; [erased] once erased.';

create table interpreters (
	interpreter uuid primary key,
	key_id      uuid not null,
	lin         text not null,
	name        text not null,
	credentials jsonb not null,
	pait_id     text not null,
	telephone   text not null,
	email       text not null,
	suspended_at timestamptz
);
create index interpreters_key_id on interpreters (key_id);
comment on table interpreters is 'Interpreters as customers see the one assigned.';
comment on column interpreters.interpreter is 'Id.';
comment on column interpreters.key_id is 'Personal-data key: an erasure names keys.';
comment on column interpreters.lin is 'LIN.';
comment on column interpreters.name is 'Name; [erased] once erased, like PAIT ID, telephone and e-mail.';
comment on column interpreters.credentials is 'Clearances and qualifications with their validity, as people.Credential.';
comment on column interpreters.pait_id is 'PAIT ID, may be empty.';
comment on column interpreters.telephone is 'Telephone, may be empty.';
comment on column interpreters.email is 'E-mail, may be empty.';
comment on column interpreters.suspended_at is 'Since when this interpreter is suspended; null: is not.';

create table forms (
	form       text not null,
	version    integer not null,
	definition jsonb not null,
	primary key (form, version)
);
comment on table forms is 'Every version of every booking form: it says who may read which field.';
comment on column forms.form is 'Id of the form.';
comment on column forms.version is 'Version.';
comment on column forms.definition is 'The form, as forms.Form.';
