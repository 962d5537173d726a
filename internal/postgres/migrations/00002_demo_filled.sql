-- +goose Up
alter table kept.deployment add column demo_filled boolean not null default false;
comment on column kept.deployment.demo_filled is 'The demo has made all of its data; until then a start goes on making it.';

-- +goose Down
alter table kept.deployment drop column demo_filled;
