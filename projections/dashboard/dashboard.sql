-- Read model dashboard: what the four tiles count. Filled by dashboard.Projector. Each tile is a range of one index, for a customer and for all.

create table jobs (
	job          uuid primary key,
	customer     uuid not null,
	client       uuid,
	location     uuid,
	booked_by    uuid not null,
	status       text not null,
	created_at   timestamptz not null,
	requested_at timestamptz not null,
	starts_at    timestamptz not null,
	ends_at      timestamptz not null,
	zone         text not null,
	completed_at timestamptz
) with (fillfactor = 85);
create index jobs_created_customer on jobs (customer, created_at);
create index jobs_created on jobs (created_at);
create index jobs_live_customer on jobs (customer, starts_at) where status in ('requested', 'new', 'assigned', 'ongoing');
create index jobs_live on jobs (starts_at) where status in ('requested', 'new', 'assigned', 'ongoing');
create index jobs_completed_customer on jobs (customer, completed_at) where completed_at is not null;
create index jobs_completed on jobs (completed_at) where completed_at is not null;
create index jobs_open_customer on jobs (customer, ends_at) where status in ('new', 'assigned');
create index jobs_open on jobs (ends_at) where status in ('new', 'assigned');
comment on table jobs is 'Every job, one narrow row.';
comment on column jobs.job is 'Id of the job.';
comment on column jobs.customer is 'Who booked.';
comment on column jobs.client is 'The customer''s sub-unit, if any.';
comment on column jobs.location is 'The customer''s place; null for a typed address and a remote job.';
comment on column jobs.booked_by is 'User who made the booking: a narrowed user may know such a job without a place.';
comment on column jobs.status is 'As domain.Status.';
comment on column jobs.created_at is 'Business time at which the job came into being.';
comment on column jobs.requested_at is 'Start as asked for.';
comment on column jobs.starts_at is 'The agreed other start (ETA) if there is one, else as asked for.';
comment on column jobs.ends_at is 'That start plus the duration.';
comment on column jobs.zone is 'IANA zone of the place: an edit of it is a new start.';
comment on column jobs.completed_at is 'Business time at which an outcome was recorded.';

create table known (
	interpreter uuid,
	job         uuid,
	primary key (interpreter, job)
);
comment on table known is 'Interpreters who ever held an offer or the assignment of a job: they may know it.';
comment on column known.interpreter is 'Id of the interpreter.';
comment on column known.job is 'Id of the job.';
