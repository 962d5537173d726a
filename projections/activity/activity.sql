-- Read model activity: what happened to a job, as people read it (LL-75..89). Filled by activity.Projector.

create table jobs (
	job        uuid primary key,
	ref        text not null unique,
	booking    uuid not null,
	customer   uuid not null,
	client     uuid,
	location   uuid,
	booked_by  uuid not null,
	hours      boolean not null
) with (fillfactor = 90);
create index jobs_booking on jobs (booking);
comment on table jobs is 'Every job: its number for the texts, and who may know it.';
comment on column jobs.job is 'Id of the job.';
comment on column jobs.ref is 'Job #.';
comment on column jobs.booking is 'Id of the booking.';
comment on column jobs.customer is 'Who booked.';
comment on column jobs.client is 'The customer''s sub-unit, if any.';
comment on column jobs.location is 'The customer''s place, if it is a listed one.';
comment on column jobs.booked_by is 'User who made the booking: a narrowed user may know such a job without a place.';
comment on column jobs.hours is 'True: hours were entered, the job is or was ongoing.';

create table notes (
	job         uuid not null,
	commit_pos  bigint not null,
	prepare_pos bigint not null,
	ordinal     integer not null,
	at          timestamptz not null,
	kind        text not null,
	note        text not null,
	params      jsonb not null,
	event_id    uuid not null,
	lin         text not null,
	primary key (job, commit_pos, prepare_pos, ordinal)
);
comment on table notes is 'The notes. They hold no name, no reason and no message''s text.';
comment on column notes.job is 'The job.';
comment on column notes.commit_pos is 'Position of the event in the log, its commit part: notes are ordered by position, not by the minute shown.';
comment on column notes.prepare_pos is 'Its prepare part.';
comment on column notes.ordinal is 'Place among the notes of one event.';
comment on column notes.at is 'Business time, the note''s stamp.';
comment on column notes.kind is 'What happened, for programs: created, offer-sent, status-changed, …';
comment on column notes.note is 'The text, to the letter.';
comment on column notes.params is 'What the text is made of.';
comment on column notes.event_id is 'The event.';
comment on column notes.lin is 'LIN that the note names; empty if none. An interpreter reads the own ones.';
