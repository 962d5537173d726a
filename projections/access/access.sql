-- Read model access: who a signed-in person is, as every request asks. Filled by access.Projector.

create table users (
	user_id     uuid primary key,
	key_id      uuid not null,
	name        text not null,
	role        text not null,
	customer    uuid,
	interpreter uuid,
	clients     uuid[] not null,
	locations   uuid[] not null,
	permissions text[] not null,
	disabled    boolean not null
);
create index users_key_id on users (key_id);
comment on table users is 'Every user, one row.';
comment on column users.user_id is 'Id of the user.';
comment on column users.key_id is 'Personal-data key of the user: an erasure names keys.';
comment on column users.name is 'What the person is called; [erased] once erased.';
comment on column users.role is 'Role, as domain.Role.';
comment on column users.customer is 'Organisation of a requestor or customer-admin.';
comment on column users.interpreter is 'Which interpreter the user is.';
comment on column users.clients is 'Clients that the user is narrowed to; empty: all of the customer''s.';
comment on column users.locations is 'Locations that the user is narrowed to; empty: all.';
comment on column users.permissions is 'What a customer''s user may do, as domain.Permission.';
comment on column users.disabled is 'True: may not do anything any more.';

create table zones (
	owner uuid primary key,
	zone  text not null
);
comment on table zones is 'IANA time zones of customers; the agency''s under the nil id.';
comment on column zones.owner is 'Customer, or the nil id.';
comment on column zones.zone is 'Name of the zone, such as Europe/London.';

create table lins (
	interpreter uuid primary key,
	lin         text not null
);
comment on table lins is 'LINs of interpreters.';
comment on column lins.interpreter is 'Id of the interpreter.';
comment on column lins.lin is 'Linguist identification number.';
