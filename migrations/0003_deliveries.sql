-- Deliveries and what became of them. The hot tables: integer keys, set-based writes.

-- One start of a sending process. On SQLite every earlier boot is dead when a new one starts; on
-- PostgreSQL a boot is dead when its lease has run out by the database's clock.
CREATE TABLE boot (
    id          BIGINT PRIMARY KEY,
    started_at  BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    ended_at    BIGINT
);

CREATE TABLE delivery (
    id                 BIGINT  PRIMARY KEY,
    alert              BIGINT  NOT NULL,
    recipient          BIGINT  NOT NULL,
    step               INTEGER NOT NULL,
    channel            TEXT    NOT NULL,
    language           TEXT    NOT NULL,
    -- Which of the alert's texts.
    says               TEXT    NOT NULL DEFAULT 'message' CHECK (says IN ('message', 'filled', 'needed')),
    mode               TEXT    NOT NULL,
    -- The smaller goes first: severity, then category.
    urgency            INTEGER NOT NULL,
    -- The contact point as it was at launch; null when there is none.
    point_id           UUID,
    address            BYTEA,
    lookup             BYTEA,
    -- The recipient whose delivery on this step and channel goes to the same contact point, and so
    -- tells this person too.
    same_as            BIGINT,
    state              TEXT    NOT NULL CHECK (state IN ('queued', 'sending', 'accepted', 'sent', 'delivered',
                                                         'in_doubt', 'failed', 'expired', 'cancelled', 'excluded')),
    reason             TEXT,
    due_at             BIGINT  NOT NULL,
    expires_at         BIGINT  NOT NULL,
    attempts           INTEGER NOT NULL,
    possible_duplicate BOOLEAN NOT NULL,
    gateway            TEXT,
    -- Whether that gateway was marked for exercises when it took this up.
    gateway_marked     BOOLEAN,
    gateway_id         TEXT,
    -- The gateway that may have it under our key, while no other may send it: sent there again it is
    -- the same message, sent elsewhere a second one.
    held_by            TEXT,
    -- When to ask the gateway what became of it, should no receipt come; null = not.
    ask_at             BIGINT,
    -- The boot that is sending it, or that last did.
    boot               BIGINT,
    queued_at          BIGINT  NOT NULL,
    sending_at         BIGINT,
    accepted_at        BIGINT,
    sent_at            BIGINT,
    delivered_at       BIGINT,
    -- When it reached its last state; null while anything may still happen.
    closed_at          BIGINT,
    -- When what follows its failure was done: the contact point marked, the next step begun.
    followed_at        BIGINT
);
CREATE INDEX delivery_due ON delivery (channel, urgency, due_at, id) WHERE state = 'queued';
-- What another gateway failed at, for the gateways that only help out.
CREATE INDEX delivery_again ON delivery (channel, urgency, due_at, id)
    WHERE state = 'queued' AND attempts > 0;
CREATE INDEX delivery_sending ON delivery (boot) WHERE state = 'sending';
CREATE INDEX delivery_in_doubt ON delivery (due_at) WHERE state = 'in_doubt' AND closed_at IS NULL;
CREATE INDEX delivery_held ON delivery (held_by, urgency) WHERE state = 'queued' AND held_by IS NOT NULL;
CREATE INDEX delivery_failed ON delivery (alert, id) WHERE state = 'failed' AND followed_at IS NULL;
CREATE INDEX delivery_to_ask ON delivery (ask_at) WHERE ask_at IS NOT NULL;
CREATE INDEX delivery_by_alert ON delivery (alert, recipient);
-- Whom else a message tells. Without the alert, which a recipient's id says already: a planner that
-- knows nothing of a new alert yet must find one way only.
CREATE INDEX delivery_told ON delivery (same_as) WHERE same_as IS NOT NULL;
CREATE INDEX delivery_by_gateway_id ON delivery (gateway_id) WHERE gateway_id IS NOT NULL;

-- Attempts that did not end in an acceptance. The one that did is on the delivery itself.
CREATE TABLE attempt (
    delivery   BIGINT  NOT NULL,
    number     INTEGER NOT NULL,
    gateway    TEXT    NOT NULL,
    -- Whether that gateway was marked for exercises.
    marked     BOOLEAN NOT NULL,
    started_at BIGINT  NOT NULL,
    ended_at   BIGINT  NOT NULL,
    outcome    TEXT    NOT NULL CHECK (outcome IN ('failed', 'unknown')),
    reason     TEXT    NOT NULL,
    PRIMARY KEY (delivery, number)
) /* SQLite: WITHOUT ROWID */;

-- What gateways said later, each thing once. `delivery` is null until we know whose it is.
CREATE TABLE receipt (
    id         UUID   PRIMARY KEY,
    gateway    TEXT   NOT NULL,
    gateway_id TEXT   NOT NULL,
    status     TEXT   NOT NULL CHECK (status IN ('accepted', 'sent', 'failed', 'delivered')),
    delivery   BIGINT,
    -- Of which try it speaks; null if the gateway does not say.
    attempt    INTEGER,
    reason     TEXT,
    at         BIGINT NOT NULL,
    UNIQUE (gateway, gateway_id, status)
);
CREATE INDEX receipt_by_delivery ON receipt (delivery);

-- Answer links by 128 bits of the hash of their token: the token itself is nowhere.
CREATE TABLE answer_link (
    token_key BYTEA  PRIMARY KEY,
    delivery  BIGINT NOT NULL
) /* SQLite: WITHOUT ROWID */;

-- How fast each gateway is being asked, whoever asks: the next instant that nobody has taken, in
-- microseconds, and how many messages were taken up on a day (days since the epoch, where the
-- organisation is).
CREATE TABLE gateway_pace (
    gateway TEXT   PRIMARY KEY,
    next_at BIGINT NOT NULL,
    day     BIGINT NOT NULL,
    taken   BIGINT NOT NULL
);

-- Gateways that did not work, and when people were told by another way.
CREATE TABLE gateway_trouble (
    gateway  TEXT   PRIMARY KEY,
    since    BIGINT NOT NULL,
    -- When a server began to tell people.
    taken_at BIGINT NOT NULL,
    told_at  BIGINT,
    -- When the gateway worked again.
    over_at  BIGINT
);
