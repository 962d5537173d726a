-- +goose Up
create table kept.pseudonym_key (
    singleton boolean primary key default true check (singleton),
    key bytea not null                                  -- drawn once; other pseudonyms would break the analysts' comparisons over time
);
insert into kept.pseudonym_key (key)
    values (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));
comment on table kept.pseudonym_key is 'What the pseudonyms in the analysts'' views are hashed with. The views read it; who reads the views cannot.';

-- +goose Down
drop table kept.pseudonym_key;
