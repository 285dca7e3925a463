-- What people answered, and the calls that people make to people.

CREATE TABLE response (
    id              UUID    PRIMARY KEY,
    alert           BIGINT  NOT NULL,
    recipient       BIGINT  NOT NULL,
    -- The delivery whose link or number brought it; null when a person recorded it.
    delivery        BIGINT,
    answer          TEXT    NOT NULL,
    answer_class    TEXT    NOT NULL CHECK (answer_class IN ('positive', 'negative', 'help')),
    via             TEXT    NOT NULL CHECK (via IN ('link', 'sms', 'email', 'voice', 'call', 'manager')),
    at              BIGINT  NOT NULL,
    -- It came after the alert was over.
    late            BOOLEAN NOT NULL,
    -- It came so soon after an e-mail that a mail scanner may have pressed the button.
    maybe_automatic BOOLEAN NOT NULL,
    -- Who recorded it on the person's behalf.
    recorded_by     TEXT,
    note            TEXT
);
CREATE INDEX response_by_recipient ON response (recipient, at);
CREATE INDEX response_by_alert ON response (alert, at);
CREATE INDEX response_on_behalf ON response (at) WHERE recorded_by IS NOT NULL;

-- Every message that people sent to us, also those that answer nothing: no answer is lost.
CREATE TABLE reply (
    id         UUID   PRIMARY KEY,
    gateway    TEXT   NOT NULL,
    gateway_id TEXT   NOT NULL,
    lookup     BYTEA  NOT NULL,
    -- The number and the text, encrypted with this row's id.
    sealed     BYTEA  NOT NULL,
    at         BIGINT NOT NULL,
    outcome    TEXT   NOT NULL CHECK (outcome IN ('answered', 'opted_out', 'opted_in', 'not_understood', 'unknown_sender')),
    response   UUID,
    UNIQUE (gateway, gateway_id)
);
-- A board looks for replies that a person must read each time it is drawn.
CREATE INDEX reply_by_outcome ON reply (outcome, at);

-- People whom a person should phone, each once in an alert.
CREATE TABLE call_task (
    recipient  BIGINT PRIMARY KEY,
    alert      BIGINT NOT NULL,
    -- The caller of the call tree; null = anyone.
    caller_id  UUID,
    position   INTEGER NOT NULL,
    added_at   BIGINT NOT NULL,
    outcome    TEXT   CHECK (outcome IN ('spoke', 'voicemail', 'no_answer', 'wrong_number')),
    outcome_at BIGINT,
    outcome_by TEXT,
    note       TEXT
);
CREATE INDEX call_task_by_alert ON call_task (alert, caller_id, position);

-- A caller's own page, by link, without signing in.
CREATE TABLE call_list (
    token_hash BYTEA  PRIMARY KEY,
    alert      BIGINT NOT NULL,
    -- Whose people it shows; null = those that nobody in particular was given.
    caller_id  UUID,
    -- Who has the link, as whoever made it wrote.
    label      TEXT   NOT NULL,
    made_at    BIGINT NOT NULL
);
CREATE INDEX call_list_by_alert ON call_list (alert);
