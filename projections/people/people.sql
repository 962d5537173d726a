-- Read model people: the directory of customers, their clients and locations, users and interpreters. Filled by people.Projector.

create table customers (
	customer  uuid primary key,
	name      text not null,
	time_zone text not null,
	settings  jsonb not null,
	revision  bigint not null
);
comment on table customers is 'Organisations that book.';
comment on column customers.customer is 'Id.';
comment on column customers.name is 'The organisation''s name.';
comment on column customers.time_zone is 'IANA name.';
comment on column customers.settings is 'What the agency agreed with the customer, as people.CustomerSettings.';
comment on column customers.revision is 'Number of the last event about the customer itself: what If-Match names.';

create table clients (
	client   uuid primary key,
	customer uuid not null,
	name     text not null,
	revision bigint not null
);
create index clients_customer on clients (customer);
comment on table clients is 'Sub-units of customers.';
comment on column clients.client is 'Id.';
comment on column clients.customer is 'Whose it is.';
comment on column clients.name is 'Name of the sub-unit.';
comment on column clients.revision is 'Number of the last event about it.';

create table locations (
	location  uuid primary key,
	customer  uuid not null,
	client    uuid,
	name      text not null,
	line1     text not null,
	line2     text not null,
	town      text not null,
	postcode  text not null,
	time_zone text not null,
	nation    text not null,
	latitude  double precision not null,
	longitude double precision not null,
	revision  bigint not null
);
create index locations_customer on locations (customer);
comment on table locations is 'Where customers'' jobs take place.';
comment on column locations.location is 'Id.';
comment on column locations.customer is 'Whose it is.';
comment on column locations.client is 'The sub-unit it belongs to, if any.';
comment on column locations.name is 'What the customer calls it.';
comment on column locations.line1 is 'Address, first line.';
comment on column locations.line2 is 'Second line, may be empty.';
comment on column locations.town is 'Town.';
comment on column locations.postcode is 'Postcode.';
comment on column locations.time_zone is 'IANA name; empty: the customer''s.';
comment on column locations.nation is 'Whose bank holidays are kept there; empty: the customer''s.';
comment on column locations.latitude is 'Where it lies, in degrees; both 0: not known.';
comment on column locations.longitude is 'Likewise.';
comment on column locations.revision is 'Number of the last event about it.';

create table users (
	user_id     uuid primary key,
	key_id      uuid not null,
	name        text not null,
	email       text not null,
	telephone   text not null,
	role        text not null,
	customer    uuid,
	interpreter uuid,
	clients     uuid[] not null,
	locations   uuid[] not null,
	permissions text[] not null,
	disabled    boolean not null,
	added_at    timestamptz not null,
	revision    bigint not null
);
create index users_customer on users (customer);
create index users_key_id on users (key_id);
comment on table users is 'Everyone who can sign in.';
comment on column users.user_id is 'Id.';
comment on column users.key_id is 'Personal-data key: an erasure names keys.';
comment on column users.name is 'Name; [erased] once erased, like e-mail and telephone.';
comment on column users.email is 'E-mail.';
comment on column users.telephone is 'Telephone, may be empty.';
comment on column users.role is 'Role, as domain.Role.';
comment on column users.customer is 'Organisation of a requestor or customer-admin.';
comment on column users.interpreter is 'Which interpreter the user is.';
comment on column users.clients is 'Clients that the user is narrowed to; empty: all.';
comment on column users.locations is 'Locations that the user is narrowed to; empty: all.';
comment on column users.permissions is 'What a customer''s user may do.';
comment on column users.disabled is 'True: may not do anything any more.';
comment on column users.added_at is 'Business time at which the user was added.';
comment on column users.revision is 'Number of the last event about the user.';

create table interpreters (
	interpreter   uuid primary key,
	key_id        uuid not null,
	lin           text not null,
	name          text not null,
	gender        text not null,
	languages     text[] not null,
	spoken        text[] not null,
	skills        text[] not null,
	service_types text[] not null,
	credentials   jsonb not null,
	pait_id       text not null,
	telephone     text not null,
	email         text not null,
	coordinates   text not null,
	postcode      text not null,
	travel_radius_km int not null,
	suspended     boolean not null default false,
	registered_at timestamptz not null,
	revision      bigint not null
);
create unique index interpreters_lin on interpreters (lin);
create index interpreters_spoken on interpreters using gin (spoken);
create index interpreters_key_id on interpreters (key_id);
comment on table interpreters is 'Interpreters and what they can do.';
comment on column interpreters.interpreter is 'Id, derived from the LIN.';
comment on column interpreters.key_id is 'Personal-data key: an erasure names keys.';
comment on column interpreters.lin is 'Linguist identification number.';
comment on column interpreters.name is 'Name; [erased] once erased, like PAIT ID, telephone and e-mail.';
comment on column interpreters.gender is 'female, male, other or unstated.';
comment on column interpreters.languages is 'BCP 47 codes.';
comment on column interpreters.spoken is 'The same in small letters, to look for.';
comment on column interpreters.skills is 'Skills by key.';
comment on column interpreters.service_types is 'Types of service; empty: all.';
comment on column interpreters.credentials is 'Qualifications and vetting with their validity, as people.Credential.';
comment on column interpreters.pait_id is 'PAIT ID, may be empty.';
comment on column interpreters.telephone is 'Telephone, may be empty.';
comment on column interpreters.email is 'E-mail, may be empty.';
comment on column interpreters.coordinates is 'Latitude, longitude of where the interpreter sets out from; empty: not known; [erased] once erased.';
comment on column interpreters.postcode is 'Postcode of that place, may be empty.';
comment on column interpreters.travel_radius_km is 'How far the interpreter travels, as the crow flies; 0: any distance.';
comment on column interpreters.suspended is 'True: no new offers or assignments.';
comment on column interpreters.registered_at is 'Business time at which the interpreter was registered.';
comment on column interpreters.revision is 'Number of the last event about the interpreter.';

create table availability (
	interpreter uuid primary key,
	key_id      uuid not null,
	time_zone   text not null,
	week        jsonb not null,
	unavailable jsonb not null,
	revision    bigint not null
);
create index availability_key_id on availability (key_id);
comment on table availability is 'What interpreters say about their own time; no row: nothing yet.';
comment on column availability.interpreter is 'Whose word it is.';
comment on column availability.key_id is 'Personal-data key: an erasure names keys.';
comment on column availability.time_zone is 'IANA name of the clocks that the week''s hours mean.';
comment on column availability.week is 'Working hours of every week, as people.WorkingTime; empty: any time.';
comment on column availability.unavailable is 'Times marked unavailable: from and to as domain.Moment, note; [erased] once erased.';
comment on column availability.revision is 'Number of the event that said it: what If-Match names.';
