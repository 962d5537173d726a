-- +goose Up
-- The log may move, and nothing rests on where it stood at a backup: the manifest says it.
alter table kept.backups drop column commit_pos, drop column prepare_pos;

-- +goose Down
alter table kept.backups add column commit_pos bigint not null default 0, add column prepare_pos bigint not null default 0;
