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

create table owners (
	id       uuid primary key,
	customer uuid
);
comment on table owners is 'Clients, locations and users: they stand in a customer''s stream, or in the agency''s.';
comment on column owners.id is 'Id of the client, location or user.';
comment on column owners.customer is 'The customer whose stream holds it; null: the agency''s does.';

create table commands (
	command uuid primary key,
	stream  text not null
);
comment on table commands is 'Commands that name their stream in what is sent with them, by their id: an idempotency key sent again for another stream is found here.';
comment on column commands.command is 'Command id of the events'' metadata; it follows from the sender, the address and the idempotency key.';
comment on column commands.stream is 'The stream that the command''s events stand in.';
