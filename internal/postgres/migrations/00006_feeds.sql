-- +goose Up
create table kept.feeds (
    id          uuid primary key,
    secret_hash bytea not null constraint feeds_secret_hash_key unique,
    user_id     uuid not null references kept.credentials on delete cascade,
    level       text not null,                          -- what it tells: busy, place, full
    created_at  timestamptz not null,
    revoked_at  timestamptz,
    fetched_at  timestamptz,                            -- last
    fetches     bigint not null default 0
);
create index feeds_user_id on kept.feeds (user_id);
comment on table kept.feeds is 'Secret addresses of calendar feeds (M-25): whoever knows one reads it without signing in, until it is revoked.';

-- +goose Down
drop table kept.feeds;
