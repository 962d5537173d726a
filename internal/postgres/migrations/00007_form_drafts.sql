-- +goose Up
create table kept.form_drafts (
    user_id    uuid        not null references kept.credentials on delete cascade,
    form       text        not null,
    based_on   int         not null,
    body       jsonb       not null,
    changed_at timestamptz not null default now(),
    primary key (user_id, form)
);
comment on table kept.form_drafts is 'Booking forms that an admin is changing and has not published. No booking rests on them.';
comment on column kept.form_drafts.based_on is 'The version that the draft was made from; 0: the form is new.';

-- +goose Down
drop table kept.form_drafts;
