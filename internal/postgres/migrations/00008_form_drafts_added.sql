-- +goose Up
alter table kept.form_drafts add column added text[] not null default '{}';
comment on column kept.form_drafts.added is 'Marks of the requests that added something to the draft: sent twice, it is added once.';

-- +goose Down
alter table kept.form_drafts drop column added;
