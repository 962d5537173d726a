-- +goose Up

-- Schema kept holds what cannot be rebuilt from the event log. It is migrated and backed up, and no rebuild touches it.
-- All instants here are by the machine's clock; the business clock of a test never reaches them, except through dev_clock.

create table kept.deployment (
    singleton boolean primary key default true check (singleton),
    id      uuid not null,                              -- as in the log's first event, deployment-created
    demo    boolean not null default false,             -- true: made by the demo, so its published logins work
    made_at timestamptz not null default now()
);
comment on table kept.deployment is 'The one deployment this database belongs to; start refuses the log of another.';

create table kept.credentials (
    user_id             uuid primary key,
    username            text not null,                  -- case-mapped, so plain equality compares names
    email               text,                           -- lower case
    pin                 text,                           -- six digits: a second name, never a secret (LL-03)
    password_hash       text,                           -- argon2id; null: no password chosen yet
    must_change         boolean not null default false, -- the password was issued, not chosen (II-03)
    demo                boolean not null default false,
    state               text not null default 'active' check (state in ('active', 'suspended')),
    created_at          timestamptz not null default now(),
    password_changed_at timestamptz,
    constraint credentials_username_key unique (username),
    constraint credentials_email_key unique (email),
    constraint credentials_pin_key unique (pin),
    -- The three kinds of name differ in shape, so nobody's name can be another's PIN or address.
    constraint credentials_pin_shape check (pin ~ '^[0-9]{6}$'),
    constraint credentials_email_shape check (email like '%@%'),
    constraint credentials_username_shape check (username !~ '^[0-9]{6}$' and (username not like '%@%' or username is not distinct from email))
);
comment on table kept.credentials is 'How a user signs in. Names are unique here before the event that makes the user is appended.';

create table kept.sessions (
    token_hash   bytea primary key,                     -- SHA-256 of the token; the token itself is nowhere
    user_id      uuid not null references kept.credentials on delete cascade,
    kind         text not null check (kind in ('cookie', 'bearer')),
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    last_seen_at timestamptz not null
);
create index sessions_user_id on kept.sessions (user_id);
create index sessions_expires_at on kept.sessions (expires_at);

create table kept.api_tokens (
    id           uuid primary key,
    token_hash   bytea not null constraint api_tokens_token_hash_key unique,
    user_id      uuid not null references kept.credentials on delete cascade,
    name         text not null,                         -- what the token is for, in its maker's words
    created_at   timestamptz not null,
    expires_at   timestamptz,                           -- null: until revoked
    revoked_at   timestamptz,
    last_used_at timestamptz
);
create index api_tokens_user_id on kept.api_tokens (user_id);

create table kept.one_time_tokens (
    token_hash bytea primary key,
    purpose    text not null check (purpose in ('setup', 'password')),
    user_id    uuid references kept.credentials on delete cascade, -- null for setup: there is no user yet
    created_at timestamptz not null,
    expires_at timestamptz not null,
    check ((purpose = 'setup') = (user_id is null))
);
comment on table kept.one_time_tokens is 'Links that work once: the first admin of an empty deployment, and choosing a password (D-14).';

create table kept.sign_in_attempts (
    key          text primary key,                      -- hash of a typed name, or of an address
    window_start timestamptz not null,
    failures     int not null
);
create index sign_in_attempts_window_start on kept.sign_in_attempts (window_start);

create table kept.master_key_check (
    singleton boolean primary key default true check (singleton),
    wrapped bytea not null                              -- a known text wrapped by the master key: another key does not open it
);

create table kept.personal_keys (
    key_id     uuid primary key,
    wrapped    bytea,                                   -- 32 bytes wrapped by the master key; null once erased
    state      text not null check (state in ('pool', 'drawn', 'erased')),
    claimed_by text,                                    -- the process that drew it; only a help when looking for waste
    created_at timestamptz not null default now(),
    erased_at  timestamptz,
    check ((state = 'erased') = (wrapped is null)),
    check ((state = 'erased') = (erased_at is not null))
);
create index personal_keys_pool on kept.personal_keys (key_id) where state = 'pool';
comment on table kept.personal_keys is 'One key per subject whose personal values lie sealed in the log; without the key they cannot be read again.';

create table kept.request_hash_key (
    singleton boolean primary key default true check (singleton),
    wrapped bytea not null                              -- the HMAC key of request hashes, drawn once
);

create table kept.models (
    model      text primary key,
    generation int not null,                            -- the live one: schema rm_<model>_<generation>
    hash       text not null,                           -- of the .sql and projector that filled it
    retired    int[] not null default '{}',             -- generations replaced whose schemas may still be dropped
    flipped_at timestamptz not null default now()
);
comment on table kept.models is 'Which generation of each read model is live.';

create table kept.leases (
    name       text primary key,                        -- what one process at a time may run
    holder     text not null,
    expires_at timestamptz not null                     -- by the database's clock, the one clock all holders share
);
comment on table kept.leases is 'Who runs a read model, reaction or timer. It only saves work: correctness comes from fences on the rows themselves.';

create table kept.reaction_checkpoints (
    reaction    text primary key,
    commit_pos  bigint not null,
    prepare_pos bigint not null,
    event_id    uuid not null,                          -- the event there: another one means a replaced or truncated log
    moved_at    timestamptz not null default now()
);

create table kept.sent (
    reaction  text not null,
    event_id  uuid not null,
    recipient text not null,                            -- a user's id, or the effect's own key; never an address
    sent_at   timestamptz not null default now(),
    primary key (reaction, event_id, recipient)
);
comment on table kept.sent is 'Every effect of a reaction, kept for ever, so none happens twice.';

create table kept.dev_clock (
    singleton boolean primary key default true check (singleton),
    now  timestamptz                                    -- null: the business clock is the machine clock
);
insert into kept.dev_clock (now) values (null);
comment on table kept.dev_clock is 'The test clock that serve offers in dev mode, here so that all processes share it.';

-- +goose Down
drop schema kept cascade;
