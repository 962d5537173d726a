-- Read model messages: admin threads and contact logs. Filled by messages.Projector.

create table jobs (
	job       uuid primary key,
	ref       text not null unique,
	customer  uuid not null,
	client    uuid,
	location  uuid,
	booked_by uuid not null
);
comment on table jobs is 'Every job: who may know it.';
comment on column jobs.job is 'Id of the job.';
comment on column jobs.ref is 'Job #, such as DTP1389466.';
comment on column jobs.customer is 'Who booked.';
comment on column jobs.client is 'The customer''s sub-unit, if any.';
comment on column jobs.location is 'The customer''s place; null for a typed address and a remote job.';
comment on column jobs.booked_by is 'User who made the booking: a narrowed user may know such a job without a place.';

create table messages (
	job         uuid,
	revision    bigint,
	id          uuid not null,
	at          timestamptz not null,
	author      uuid not null,
	author_role text not null,
	key_id      uuid not null,
	text        text not null,
	primary key (job, revision)
);
create index messages_key_id on messages (key_id);
comment on table messages is 'Messages of the admin threads (LL-97).';
comment on column messages.job is 'The job whose thread it is.';
comment on column messages.revision is 'Number of the event in the booking''s stream: the order of a thread.';
comment on column messages.id is 'Id of the message.';
comment on column messages.at is 'Business time.';
comment on column messages.author is 'User who wrote it.';
comment on column messages.author_role is 'That user''s role then, as domain.Role.';
comment on column messages.key_id is 'Personal-data key of the booking: an erasure names keys.';
comment on column messages.text is 'What was written; [erased] once the booking''s people are.';

create table contacts (
	job                 uuid,
	revision            bigint,
	id                  uuid not null,
	at                  timestamptz not null,
	author              uuid not null,
	author_role         text not null,
	key_id              uuid not null,
	kind                text not null,
	text                text not null,
	next_update_minutes integer not null,
	primary key (job, revision)
);
create index contacts_key_id on contacts (key_id);
comment on table contacts is 'How staff told or reached the customer (LL-60..64).';
comment on column contacts.job is 'The job that it was about.';
comment on column contacts.revision is 'Number of the event in the booking''s stream: the order of the log.';
comment on column contacts.id is 'Id of the entry.';
comment on column contacts.at is 'Business time.';
comment on column contacts.author is 'User who logged it.';
comment on column contacts.author_role is 'That user''s role then, as domain.Role.';
comment on column contacts.key_id is 'Personal-data key of the booking: an erasure names keys.';
comment on column contacts.kind is 'call, email or update.';
comment on column contacts.text is 'What was said; [erased] once the booking''s people are.';
comment on column contacts.next_update_minutes is 'After how many minutes the next update was promised; 0: not said.';

create table users (
	user_id  uuid primary key,
	key_id   uuid not null,
	name     text not null,
	customer uuid
);
create index users_key_id on users (key_id);
comment on table users is 'Names of users: who wrote.';
comment on column users.user_id is 'Id of the user.';
comment on column users.key_id is 'Personal-data key: an erasure names keys.';
comment on column users.name is 'Name; [erased] once erased.';
comment on column users.customer is 'Organisation of a customer''s user.';
