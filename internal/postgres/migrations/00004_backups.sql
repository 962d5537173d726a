-- +goose Up
create table kept.backups (
    id          bigint generated always as identity primary key,
    finished_at timestamptz not null default now(),
    with_log    boolean not null                        -- false: the log is a cluster's, whose own backups hold it
);
comment on table kept.backups is 'The backups that were finished, so that one can tell how old the last one is.';
create index personal_keys_erased on kept.personal_keys (key_id) where state = 'erased';

-- +goose Down
drop index kept.personal_keys_erased;
drop table kept.backups;
