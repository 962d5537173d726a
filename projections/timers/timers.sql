-- Read model timers: what is due by the clock. Filled by timers.Projector.

create table jobs (
	job          uuid primary key,
	ref          text not null,
	booking      uuid not null,
	customer     uuid not null,
	status       text not null,
	tier         text not null,
	created_at   timestamptz not null,
	requested_at timestamptz not null,
	starts_at    timestamptz not null,
	ends_at      timestamptz not null,
	zone         text not null,
	contacted    boolean not null,
	told_at      timestamptz not null,
	every        integer not null,
	wave         uuid,
	wave_number  integer not null,
	wave_due     timestamptz,
	taken        boolean not null,
	holder       uuid
) with (fillfactor = 90);
create index jobs_wave on jobs (starts_at) where wave is not null and status = 'new' and not taken and holder is null;
comment on table jobs is 'Every job: what its promises follow from.';
comment on column jobs.job is 'Id of the job.';
comment on column jobs.ref is 'Job #, such as DTP1389466.';
comment on column jobs.booking is 'Id of the booking.';
comment on column jobs.customer is 'Who booked.';
comment on column jobs.status is 'As domain.Status.';
comment on column jobs.tier is 'Response tier when booked: within-3h, within-24h, over-24h; empty: nothing is promised.';
comment on column jobs.created_at is 'Business time at which the job came into being.';
comment on column jobs.requested_at is 'Start as asked for.';
comment on column jobs.starts_at is 'The agreed other start (ETA) if there is one, else as asked for.';
comment on column jobs.ends_at is 'That start plus the duration.';
comment on column jobs.zone is 'IANA zone of the place.';
comment on column jobs.contacted is 'True once staff logged any contact with the customer.';
comment on column jobs.told_at is 'When the customer last heard from us, or the search began anew: the next update counts from it.';
comment on column jobs.every is 'Minutes between updates as last agreed; 0: none agreed.';
comment on column jobs.wave is 'Names the next wave of offers: it derives from the event that says when it is due; null: none is due.';
comment on column jobs.wave_number is 'Number of the last wave since the job was booked or last changed; 0: none.';
comment on column jobs.wave_due is 'When the next wave is due.';
comment on column jobs.taken is 'True: an assigner works on the job, so no wave goes out.';
comment on column jobs.holder is 'Interpreter whose acceptance holds the job, so no wave goes out.';

create table agency (
	singleton  boolean primary key default true check (singleton),
	auto_offer boolean not null
);
comment on table agency is 'What the agency set that timers go by; one row, none before the first settings.';
comment on column agency.singleton is 'Always true: there is one row.';
comment on column agency.auto_offer is 'True: offers go out in waves by themselves.';

create table timers (
	id          uuid primary key,
	job         uuid not null,
	booking     uuid not null,
	ref         text not null,
	kind        text not null,
	due_at      timestamptz not null,
	interpreter uuid,
	done        boolean not null
);
create index timers_due on timers (due_at, id) where not done;
create index timers_lapse on timers (due_at, id) where not done and kind = 'offer-expiry';
create index timers_job on timers (job) where not done;
comment on table timers is 'Promises of contact (LL-60..64) and ends of offers.';
comment on column timers.id is 'Derived from the job and the kind; of an update also from its instant; of an offer from the event that sent it: a command fired by the row is never another''s.';
comment on column timers.job is 'The job that it is about.';
comment on column timers.booking is 'Id of the booking.';
comment on column timers.ref is 'Job #.';
comment on column timers.kind is 'first-contact, update, contact or offer-expiry.';
comment on column timers.due_at is 'When it is due, by the business clock.';
comment on column timers.interpreter is 'Whose offer ends; null for a promise.';
comment on column timers.done is 'True: kept, answered, or not called for any more.';
