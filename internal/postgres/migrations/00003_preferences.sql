-- +goose Up
create table kept.preferences (
    user_id uuid primary key references kept.credentials on delete cascade,
    body    jsonb not null
);
comment on table kept.preferences is 'How a user likes the portal: columns, filters, theme. No booking rests on it.';

-- +goose Down
drop table kept.preferences;
