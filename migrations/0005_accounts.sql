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
    token_hash   BYTEA   PRIMARY KEY,
    -- What the person's own list of sessions calls it.
    id           UUID    NOT NULL UNIQUE,
    user_id      UUID    NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    -- How the person last showed who it is, and when: sending asks for it anew after a while.
    proof        TEXT    NOT NULL,
    proven_at    BIGINT  NOT NULL,
    -- The password was right, and the second factor is still to be given: nobody is signed in yet.
    is_waiting   BOOLEAN NOT NULL,
    -- The session that ends when this one is first used: whoever has the old cookie is out then. Not
    -- before, because the answer that carries the new cookie may get lost.
    replaces     UUID,
    -- "Firefox on Android": for the person's own list.
    device       TEXT    NOT NULL,
    created_at   BIGINT  NOT NULL,
    last_seen_at BIGINT  NOT NULL,
    expires_at   BIGINT  NOT NULL
);
CREATE INDEX session_by_user ON session (user_id);

-- The authenticator app of a person: codes from a secret and the time (RFC 6238).
CREATE TABLE authenticator (
    user_id      UUID   PRIMARY KEY REFERENCES user_account (id) ON DELETE CASCADE,
    -- Sealed with the key outside the database.
    secret       BYTEA  NOT NULL,
    -- Null until a first code has shown that the app has the secret.
    confirmed_at BIGINT,
    -- The step of time of the last code that was taken: each works once (RFC 6238, 5.2).
    last_step    BIGINT NOT NULL,
    -- What it was taken for: a form that is sent twice is the same act.
    last_use     BYTEA
);

-- For the day on which the phone is gone: each works once. 125 random bits, so a plain hash will do
-- (OWASP ASVS 6.5.2).
CREATE TABLE recovery_code (
    user_id   UUID   NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    code_hash BYTEA  NOT NULL,
    used_at   BIGINT,
    used_for  BYTEA,
    PRIMARY KEY (user_id, code_hash)
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
