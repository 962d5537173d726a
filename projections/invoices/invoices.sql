-- Read model invoices: drafts and issued invoices. Filled by invoices.Projector.

create table jobs (
	job          uuid primary key,
	ref          text not null,
	booking      uuid not null,
	customer     uuid not null,
	client       uuid,
	location     uuid,
	booked_by    uuid not null,
	bill_to      text not null,
	language     text not null,
	service_type text not null,
	outcome      text not null,
	requested_at timestamptz not null,
	starts_at    timestamptz not null,
	zone         text not null,
	sheet        jsonb,
	completed_at timestamptz,
	draft        boolean not null,
	lines        jsonb not null,
	total        bigint not null,
	currency     text not null,
	fault        text not null,
	invoice      uuid
);
create index jobs_draft_customer on jobs (customer, completed_at) include (total, currency, fault) where draft and invoice is null;
create index jobs_draft on jobs (completed_at) where draft and invoice is null;
comment on table jobs is 'Every job; a draft is one that is billed and not yet on an invoice.';
comment on column jobs.job is 'Id of the job, and of its draft.';
comment on column jobs.ref is 'Job #, such as DTP1389466.';
comment on column jobs.booking is 'Id of the booking.';
comment on column jobs.customer is 'Who booked and pays.';
comment on column jobs.client is 'The customer''s sub-unit, if any.';
comment on column jobs.location is 'The customer''s place; null for a typed address and a remote job.';
comment on column jobs.booked_by is 'User who made the booking: a narrowed user may know such a job without a place.';
comment on column jobs.bill_to is 'Whom the booking named to bill.';
comment on column jobs.language is 'BCP 47.';
comment on column jobs.service_type is 'face-to-face, remote, …: it decides over the hourly price.';
comment on column jobs.outcome is 'How a complete job ended, else empty.';
comment on column jobs.requested_at is 'Start as asked for.';
comment on column jobs.starts_at is 'The agreed other start (ETA) if there is one, else as asked for.';
comment on column jobs.zone is 'IANA zone of the place.';
comment on column jobs.sheet is 'The hours submitted last, or those that it was closed with, as invoices.sheet: what is billed.';
comment on column jobs.completed_at is 'Business time at which the outcome was recorded.';
comment on column jobs.draft is 'True: its outcome is billed.';
comment on column jobs.lines is 'A list of billing.Line, priced by the terms in force when the job was completed.';
comment on column jobs.total is 'Sum of the lines, in the currency''s minor unit.';
comment on column jobs.currency is 'ISO 4217; empty before it is complete.';
comment on column jobs.fault is 'Why it could not be priced, else empty.';
comment on column jobs.invoice is 'Invoice that the job stands on.';

create table issued (
	invoice   uuid primary key,
	customer  uuid not null,
	number    bigint not null,
	ref       text not null,
	issued_on text not null,
	due_on    text not null,
	issued_at timestamptz not null,
	total     bigint not null,
	currency  text not null
);
create index issued_customer on issued (customer, issued_at);
create index issued_at on issued (issued_at);
comment on table issued is 'Issued invoices.';
comment on column issued.invoice is 'Id of the invoice.';
comment on column issued.customer is 'Who pays.';
comment on column issued.number is 'Number in its series, without gaps.';
comment on column issued.ref is 'Number as printed, such as INV000001.';
comment on column issued.issued_on is 'Day of issue in the customer''s zone, such as 2026-01-31.';
comment on column issued.due_on is 'Day by which to pay.';
comment on column issued.issued_at is 'Business time of issue.';
comment on column issued.total is 'Sum of the lines, in the currency''s minor unit.';
comment on column issued.currency is 'ISO 4217.';

create table lines (
	invoice uuid,
	line_no integer,
	job     uuid not null,
	body    jsonb not null,
	primary key (invoice, line_no)
);
create index lines_job on lines (job);
comment on table lines is 'Lines of issued invoices, frozen.';
comment on column lines.invoice is 'Id of the invoice.';
comment on column lines.line_no is 'Place on it, from 1.';
comment on column lines.job is 'The job that is billed.';
comment on column lines.body is 'The whole line, as billing.Line.';

create table customers (
	customer uuid primary key,
	name     text not null,
	zone     text not null
);
comment on table customers is 'Who pays.';
comment on column customers.customer is 'Id.';
comment on column customers.name is 'The organisation''s name.';
comment on column customers.zone is 'IANA zone: an invoice is overdue by its days.';

create table terms (
	terms   text,
	version integer,
	body    jsonb not null,
	primary key (terms, version)
);
comment on table terms is 'Contract terms in all their versions.';
comment on column terms.terms is 'Id of the terms, such as standard.';
comment on column terms.version is 'Version, from 1.';
comment on column terms.body is 'The whole terms, as forms.Terms.';
