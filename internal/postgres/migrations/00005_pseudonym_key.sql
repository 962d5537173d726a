-- +goose Up
create table kept.pseudonym_key (
    singleton boolean primary key default true check (singleton),
    key bytea not null                                  -- drawn once: another would break comparisons over time
);
comment on table kept.pseudonym_key is 'What analysts read in place of people is hashed with. The views read it; who reads the views cannot.';

-- +goose Down
drop table kept.pseudonym_key;
