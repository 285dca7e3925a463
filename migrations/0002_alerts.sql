-- Alerts: what was launched, to whom, by which steps, in which words.

-- The approved versions of the message templates. A template that differs from every hash here is
-- unapproved, whatever its file says.
CREATE TABLE template_approval (
    name        TEXT    NOT NULL,
    hash        TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    approved_at BIGINT  NOT NULL,
    approved_by TEXT    NOT NULL,
    PRIMARY KEY (name, hash)
);

CREATE TABLE alert (
    number           BIGINT PRIMARY KEY,
    id               UUID   NOT NULL UNIQUE,
    mode             TEXT   NOT NULL CHECK (mode IN ('actual', 'exercise')),
    kind             TEXT   NOT NULL CHECK (kind IN ('alert', 'update', 'correction', 'all_clear')),
    -- The alert that this one follows, and the first of the thread (itself, if it follows none).
    follows          BIGINT REFERENCES alert (number),
    thread           BIGINT NOT NULL,
    template         TEXT   NOT NULL,
    template_version INTEGER NOT NULL,
    template_hash    TEXT   NOT NULL,
    severity         TEXT   NOT NULL CHECK (severity IN ('extreme', 'severe', 'moderate', 'minor')),
    purpose          TEXT   NOT NULL CHECK (purpose IN ('emergency', 'operations', 'appointment', 'notice')),
    -- Frozen at launch as JSON: title per language, variables, answer options, plan, what was asked for.
    title            JSONB  NOT NULL,
    variables        JSONB  NOT NULL,
    options          JSONB  NOT NULL,
    plan             JSONB  NOT NULL,
    audience         JSONB  NOT NULL,
    state            TEXT   NOT NULL CHECK (state IN ('running', 'stopped', 'ended')),
    launched_at      BIGINT NOT NULL,
    launched_by      TEXT   NOT NULL,
    -- Nothing goes out before this moment: the five seconds in which Stop undoes everything.
    hold_until       BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    closed_at        BIGINT,
    closed_by        TEXT,
    recipients       BIGINT NOT NULL,
    -- How many delivery ids are used: the next one is base + deliveries + 1.
    deliveries       BIGINT NOT NULL
);
CREATE INDEX alert_running ON alert (state, expires_at);
CREATE INDEX alert_thread ON alert (thread);

-- The texts as they are sent: alert-wide values are in, each person's own are still open. Kept as
-- the very bytes that the hash was taken over.
CREATE TABLE alert_text (
    alert    BIGINT NOT NULL REFERENCES alert (number),
    -- The message itself, or what a call-out tells later: that it is filled, or that someone of the
    -- standby list is needed after all.
    says     TEXT   NOT NULL DEFAULT 'message' CHECK (says IN ('message', 'filled', 'needed')),
    channel  TEXT   NOT NULL,
    language TEXT   NOT NULL,
    -- The smallest is the fallback for readers of other languages.
    position INTEGER NOT NULL,
    filled   TEXT   NOT NULL,
    sha256   TEXT   NOT NULL,
    PRIMARY KEY (alert, says, channel, language)
);

-- The frozen audience: copies, so that a later change in the directory changes no report.
CREATE TABLE recipient (
    id           BIGINT PRIMARY KEY,
    -- Made with the alert, in one transaction; no foreign key, which would look it up a hundred thousand times.
    alert        BIGINT NOT NULL,
    contact_id   UUID   NOT NULL,
    name         TEXT   NOT NULL,
    category     TEXT   NOT NULL,
    language     TEXT   NOT NULL,
    role         TEXT   NOT NULL,
    site         TEXT   NOT NULL,
    unit         TEXT   NOT NULL,
    fields       BYTEA,
    -- The first answer's time stands; the answer itself is the latest.
    answered_at  BIGINT,
    answer       TEXT,
    answer_class TEXT,
    answer_via   TEXT,
    -- Someone is on the phone to this person now.
    calling_by   TEXT,
    calling_at   BIGINT,
    UNIQUE (alert, contact_id)
);
CREATE INDEX recipient_by_contact ON recipient (contact_id);

-- Which of the groups that a launch named each recipient was in then, by the group's name. Nothing
-- stands here of an audience that was one group: everyone was in it.
CREATE TABLE recipient_group (
    recipient BIGINT NOT NULL,
    name      TEXT   NOT NULL,
    PRIMARY KEY (recipient, name)
) /* SQLite: WITHOUT ROWID */;

-- The plan, step by step: how far each is written, so that a crash in between resumes.
CREATE TABLE alert_step (
    alert           BIGINT  NOT NULL REFERENCES alert (number),
    step            INTEGER NOT NULL,
    -- Which step of the plan it carries out. A call-out carries the plan out once for each wave.
    plan_step       INTEGER NOT NULL,
    -- Whom it is for: everyone up to an id, and in a call-out only those whom this wave asks, or to
    -- whom this step tells something (says).
    through         BIGINT  NOT NULL,
    wave            INTEGER,
    says            TEXT    NOT NULL DEFAULT 'message' CHECK (says IN ('message', 'filled', 'needed')),
    due_at          BIGINT  NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('waiting', 'writing', 'written', 'skipped')),
    -- Recipients up to this id have their deliveries.
    written_through BIGINT  NOT NULL,
    -- How many recipients the step was for, and how many of its deliveries and exclusions exist.
    people          BIGINT  NOT NULL,
    deliveries      BIGINT  NOT NULL,
    PRIMARY KEY (alert, step)
);
CREATE INDEX alert_step_due ON alert_step (state, due_at);

-- Launch requests by their key: the same key is the same alert.
CREATE TABLE idempotency (
    scope        TEXT   NOT NULL,
    key          TEXT   NOT NULL,
    request_hash TEXT   NOT NULL,
    alert_id     UUID   NOT NULL,
    at           BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);

-- A call-out: people are asked in waves until enough have said yes. Whoever changes anything in one
-- takes its alert's row first, so that places are given one after the other.
CREATE TABLE call_out (
    alert         BIGINT  PRIMARY KEY REFERENCES alert (number),
    needed        INTEGER NOT NULL CHECK (needed > 0),
    -- Seconds without an answer after which the next one is asked too, and how many more than are
    -- needed are asked at a time.
    answer_within INTEGER NOT NULL,
    ahead         INTEGER NOT NULL,
    -- Since when enough have said yes; null while places are open.
    filled_at     BIGINT
);

-- Whom a call-out has asked; nobody else of its audience has been. Their order is the recipients'.
CREATE TABLE asked (
    recipient BIGINT  PRIMARY KEY REFERENCES recipient (id),
    alert     BIGINT  NOT NULL REFERENCES alert (number),
    -- The first of the steps that ask them.
    wave      INTEGER NOT NULL,
    asked_at  BIGINT  NOT NULL,
    -- The turn of their yes: the smallest turns are in, the rest is the standby list. Null = no yes.
    turn      BIGINT,
    -- What they last heard of their place: on the answer page (standby), or by a message; and the
    -- step of that message.
    told      TEXT    CHECK (told IN ('standby', 'filled', 'needed')),
    told_by   INTEGER
);
CREATE INDEX asked_by_alert ON asked (alert, turn);
