-- Read model diary: what workers' diaries hold, which job counts on it, and which acceptance holds which job. Filled by diary.Projector.

create table reservations (
	reservation uuid primary key,
	interpreter uuid not null,
	booking     uuid not null,
	job         uuid not null,
	starts_at   timestamptz not null,
	ends_at     timestamptz not null,
	unchecked   boolean not null,
	recorded_at timestamptz not null
);
create index reservations_interpreter on reservations (interpreter, starts_at);
create index reservations_starts_at on reservations (starts_at);
create index reservations_recorded_at on reservations (recorded_at);
comment on table reservations is 'Time that is kept for a job in a worker''s diary, until released.';
comment on column reservations.reservation is 'Id of the reservation.';
comment on column reservations.interpreter is 'Whose diary.';
comment on column reservations.booking is 'The booking that the time was kept for.';
comment on column reservations.job is 'And its job.';
comment on column reservations.starts_at is 'From this instant,';
comment on column reservations.ends_at is 'up to this one, which is free again.';
comment on column reservations.unchecked is 'True: the time was over already, recorded and not checked.';
comment on column reservations.recorded_at is 'Machine time at which it was kept: a young one may yet be claimed.';

create table jobs (
	job         uuid primary key,
	booking     uuid not null,
	ref         text not null,
	starts_at   timestamptz not null,
	zone        text not null,
	minutes     int not null,
	eta         timestamptz,
	live        boolean not null,
	interpreter uuid,
	reservation uuid,
	service_type text not null,
	addressed    boolean not null,
	location     uuid,
	postcode     text not null,
	outward      text not null
);
create index jobs_booking on jobs (booking);
create index jobs_reservation on jobs (reservation) where reservation is not null;
create index jobs_interpreter on jobs (interpreter) where interpreter is not null;
comment on table jobs is 'When and where jobs are, and who has them.';
comment on column jobs.job is 'Id of the job.';
comment on column jobs.booking is 'Its booking.';
comment on column jobs.ref is 'Job #.';
comment on column jobs.starts_at is 'Requested start.';
comment on column jobs.zone is 'Its zone: a start in another zone is another start, and ends the ETA.';
comment on column jobs.minutes is 'Length.';
comment on column jobs.eta is 'The agreed new start, if any.';
comment on column jobs.live is 'False: complete or cancelled, so it needs no time kept.';
comment on column jobs.interpreter is 'Who has the job.';
comment on column jobs.reservation is 'The reservation that it counts on.';
comment on column jobs.service_type is 'Type of service.';
comment on column jobs.addressed is 'True: somebody goes to an address, unless the service is a remote one.';
comment on column jobs.location is 'Which of the customer''s locations, if any.';
comment on column jobs.postcode is 'Postcode of the address; [erased] once the booking''s people are erased.';
comment on column jobs.outward is 'Its outward half.';

create table holds (
	job         uuid primary key,
	interpreter uuid not null
);
create index holds_interpreter on holds (interpreter);
comment on table holds is 'Acceptances that hold a job.';
comment on column holds.job is 'The job that is held.';
comment on column holds.interpreter is 'Who accepted it.';
