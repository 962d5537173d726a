-- +goose Up
alter table kept.sign_in_attempts add column under_way timestamptz[] not null default '{}';
comment on column kept.sign_in_attempts.under_way is 'When the attempts began whose password is being checked. One older than ten seconds is over: the process that checked it died.';

-- +goose Down
alter table kept.sign_in_attempts drop column under_way;
