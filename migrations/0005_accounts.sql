-- Who may do what, and what was done.

CREATE TABLE user_account (
    id            UUID   PRIMARY KEY,
    login         TEXT   NOT NULL UNIQUE,
    name          TEXT   NOT NULL,
    -- Argon2id in PHC form; null until the person has set one.
    password_hash TEXT,
    roles         JSONB  NOT NULL,
    disabled_at   BIGINT,
    -- Failed sign-ins since the last good one, and when the last was.
    failures      INTEGER NOT NULL,
    failed_at     BIGINT,
    created_at    BIGINT NOT NULL
);

-- Sessions by the hash of their cookie: a stolen backup opens none.
CREATE TABLE session (
    token_hash   BYTEA  PRIMARY KEY,
    user_id      UUID   NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);

-- One-time links: the first administrator's set-up, the demo's sign-in.
CREATE TABLE sign_in_link (
    token_hash BYTEA  PRIMARY KEY,
    -- Null: whoever opens it makes the first administrator.
    user_id    UUID   REFERENCES user_account (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);

CREATE TABLE api_token (
    id           UUID   PRIMARY KEY,
    name         TEXT   NOT NULL,
    -- The first characters, so that people can tell which one to revoke.
    prefix       TEXT   NOT NULL,
    token_hash   BYTEA  NOT NULL UNIQUE,
    scopes       JSONB  NOT NULL,
    created_at   BIGINT NOT NULL,
    created_by   TEXT   NOT NULL,
    last_used_at BIGINT,
    revoked_at   BIGINT
);

-- The audit chain: each row's hash covers the row before it.
CREATE TABLE audit_entry (
    number  BIGINT PRIMARY KEY,
    at      BIGINT NOT NULL,
    actor   TEXT   NOT NULL,
    action  TEXT   NOT NULL,
    subject TEXT   NOT NULL,
    -- Ids, counts and hashes as canonical JSON text; never a name, a number or a message.
    detail  TEXT   NOT NULL,
    hash    BYTEA  NOT NULL
);
CREATE INDEX audit_entry_by_subject ON audit_entry (subject, number);
-- The service checks every minute that the last acts are in here.
CREATE INDEX audit_entry_by_action ON audit_entry (action, at);

-- The end of the chain: one row, updated first by every writer, so that writers queue up here.
CREATE TABLE audit_head (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    length BIGINT  NOT NULL,
    hash   BYTEA   NOT NULL
);
