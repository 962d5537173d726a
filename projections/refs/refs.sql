-- Read model refs: which stream a reference leads to. Filled by refs.Projector.

create table jobs (
	ref     text primary key,
	job     uuid not null unique,
	booking uuid not null
);
comment on table jobs is 'Every job by its number.';
comment on column jobs.ref is 'Job #, such as DTP1389466: numbering never gives one twice.';
comment on column jobs.job is 'The job''s id.';
comment on column jobs.booking is 'The booking whose stream holds the job.';

create table bookings (
	booking  uuid primary key,
	ref      text not null unique,
	customer uuid not null
);
comment on table bookings is 'Every booking.';
comment on column bookings.booking is 'Its id, which names its stream.';
comment on column bookings.ref is 'Booking #.';
comment on column bookings.customer is 'Whose it is.';

create table parts (
	part     uuid primary key,
	kind     text not null check (kind in ('client', 'location')),
	customer uuid not null
);
comment on table parts is 'A customer''s clients and locations: they stand in the customer''s stream.';
comment on column parts.part is 'Id of the client or location.';
comment on column parts.kind is 'client or location.';
comment on column parts.customer is 'The customer whose stream holds it.';

create table owners (
	owner uuid primary key,
	kind  text not null check (kind in ('customer', 'interpreter'))
);
comment on table owners is 'Customers and interpreters, each with a stream of its own.';
comment on column owners.owner is 'Id, which names the stream.';
comment on column owners.kind is 'customer or interpreter.';

create table users (
	user_id uuid primary key,
	stream  text not null
);
comment on table users is 'Which stream a user stands in: the agency''s, or a customer''s.';
comment on column users.user_id is 'Id of the user.';
comment on column users.stream is 'Name of the stream.';
