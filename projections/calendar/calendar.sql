-- Read model calendar: jobs by the time they take. Filled by calendar.Projector.

create table jobs (
	job          uuid primary key,
	ref          text not null,
	booking      uuid not null,
	customer     uuid not null,
	client       uuid,
	location     uuid,
	booked_by    uuid not null,
	created_by   uuid not null,
	language     text not null,
	service_type text not null,
	status       text not null,
	outcome      text not null,
	requested_at timestamptz not null,
	starts_at    timestamptz not null,
	ends_at      timestamptz not null,
	minutes      integer not null,
	zone         text not null,
	interpreter  uuid
) with (fillfactor = 90);
-- A day, week or month, of one customer and of all. Jobs of up to a day are found by their start; the few longer ones by themselves.
create index jobs_customer on jobs (customer, starts_at);
create index jobs_start on jobs (starts_at);
create index jobs_long on jobs (starts_at) where minutes > 1440;
comment on table jobs is 'Every job, one row: an entry of the calendar.';
comment on column jobs.job is 'Id of the job.';
comment on column jobs.ref is 'Job #, such as DTP1389466.';
comment on column jobs.booking is 'Id of the booking.';
comment on column jobs.customer is 'Who booked.';
comment on column jobs.client is 'The customer''s sub-unit, if any.';
comment on column jobs.location is 'The customer''s place; null for a typed address and a remote job.';
comment on column jobs.booked_by is 'User who made the booking: a narrowed user may know such a job without a place.';
comment on column jobs.created_by is 'User who made this job of it.';
comment on column jobs.language is 'BCP 47.';
comment on column jobs.service_type is 'face-to-face, remote, …';
comment on column jobs.status is 'As domain.Status.';
comment on column jobs.outcome is 'How a complete job ended, else empty.';
comment on column jobs.requested_at is 'Start as asked for.';
comment on column jobs.starts_at is 'The agreed other start (ETA) if there is one, else as asked for.';
comment on column jobs.ends_at is 'That start plus the duration.';
comment on column jobs.minutes is 'Duration.';
comment on column jobs.zone is 'IANA zone of the place.';
comment on column jobs.interpreter is 'Who has the job, or had it when it was completed.';

create table known (
	interpreter uuid,
	job         uuid,
	primary key (interpreter, job)
);
comment on table known is 'Interpreters who ever held an offer or the assignment of a job: they may know it.';
comment on column known.interpreter is 'Id of the interpreter.';
comment on column known.job is 'Id of the job.';

create table users (
	user_id  uuid primary key,
	key_id   uuid not null,
	name     text not null,
	customer uuid
);
create index users_key_id on users (key_id);
comment on table users is 'Names of users: who made a job.';
comment on column users.user_id is 'Id of the user.';
comment on column users.key_id is 'Personal-data key: an erasure names keys.';
comment on column users.name is 'Name; [erased] once erased.';
comment on column users.customer is 'Organisation of a customer''s user.';

create table languages (
	code text primary key,
	name text not null
);
comment on table languages is 'What the agency calls languages, also those that it listed once.';
comment on column languages.code is 'BCP 47.';
comment on column languages.name is 'Name in the agency''s words.';
