-- The directory: people, how to reach them, and the groups they are in.
--
-- Portable between SQLite and PostgreSQL (docs/adr/0001): ids are made by the program, times are
-- milliseconds since 1970 (BIGINT), states are words with a CHECK.

-- Facts about this installation, one a row: the instance's id, the key's fingerprint.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE contact (
    id           UUID   PRIMARY KEY,
    -- The organisation's own number for the person, where the import had one.
    external_id  TEXT   UNIQUE,
    name         TEXT   NOT NULL,
    language     TEXT   NOT NULL,
    category     TEXT   NOT NULL CHECK (category IN ('staff', 'vendor', 'authority', 'patient')),
    role         TEXT   NOT NULL,
    site         TEXT   NOT NULL,
    unit         TEXT   NOT NULL,
    -- Extra columns of the import as a JSON object, encrypted: it may hold an appointment.
    fields       BYTEA,
    manager_id   UUID   REFERENCES contact (id),
    archived_at  BIGINT,
    -- The entry that this one turned out to be, for good.
    merged_into  UUID   REFERENCES contact (id),
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
CREATE INDEX contact_by_name ON contact (name, id);
CREATE INDEX contact_by_manager ON contact (manager_id);

-- Two people who are not one, though they share a number or a name; the smaller id first.
CREATE TABLE contact_distinct (
    one_id   UUID   NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
    other_id UUID   NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
    at       BIGINT NOT NULL,
    PRIMARY KEY (one_id, other_id)
);

CREATE TABLE contact_tag (
    contact_id UUID NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
    tag        TEXT NOT NULL,
    PRIMARY KEY (contact_id, tag)
);

CREATE TABLE contact_point (
    id           UUID    PRIMARY KEY,
    contact_id   UUID    NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
    kind         TEXT    NOT NULL CHECK (kind IN ('mobile', 'landline', 'email')),
    -- 1 is tried first among the person's points of one kind.
    rank         INTEGER NOT NULL,
    -- XChaCha20-Poly1305 of the number or address, bound to this row's id.
    address      BYTEA   NOT NULL,
    -- Keyed hash of its normalised form: equal for equal addresses, meaningless without the key.
    lookup       BYTEA   NOT NULL,
    extension    TEXT    NOT NULL,
    opted_out_at BIGINT,
    opted_out_by TEXT,
    verified_at  BIGINT,
    -- When a message there last failed for good, and why; null once one has arrived since.
    unreachable_at     BIGINT,
    unreachable_reason TEXT,
    UNIQUE (contact_id, kind, rank)
);
CREATE INDEX contact_point_unreachable ON contact_point (id) WHERE unreachable_at IS NOT NULL;
CREATE INDEX contact_point_by_lookup ON contact_point (lookup);

-- Files of people that were imported. The newest can be undone, once.
CREATE TABLE contact_import (
    id        UUID   PRIMARY KEY,
    -- Everyone whom it wrote has this as updated_at, until they are changed again.
    at        BIGINT NOT NULL,
    actor     TEXT   NOT NULL,
    added     BIGINT NOT NULL,
    changed   BIGINT NOT NULL,
    taken_out BIGINT NOT NULL,
    undone_at BIGINT
);
CREATE INDEX contact_import_by_time ON contact_import (at, id);

-- Whom the newest import wrote, as they were before it.
CREATE TABLE contact_import_person (
    contact_id UUID NOT NULL PRIMARY KEY REFERENCES contact (id) ON DELETE CASCADE,
    import_id  UUID NOT NULL REFERENCES contact_import (id) ON DELETE CASCADE,
    -- The whole person as a JSON object, encrypted; null for one who was new.
    before     BYTEA
);

-- The ledger of opt-outs, per number or address: nothing is removed from it.
CREATE TABLE opt_out (
    id         UUID   PRIMARY KEY,
    -- The keyed hash of the number, as contact_point has it.
    lookup     BYTEA  NOT NULL,
    at         BIGINT NOT NULL,
    how        TEXT   NOT NULL,
    actor      TEXT   NOT NULL,
    -- When it ended, how that was asked for, and who wrote it down; null while it holds.
    lifted_at  BIGINT,
    lifted_how TEXT,
    lifted_by  TEXT
);
CREATE INDEX opt_out_by_lookup ON opt_out (lookup);

CREATE TABLE contact_group (
    id         UUID   PRIMARY KEY,
    name       TEXT   NOT NULL UNIQUE,
    title      TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE group_member (
    group_id   UUID NOT NULL REFERENCES contact_group (id) ON DELETE CASCADE,
    contact_id UUID NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, contact_id)
);
CREATE INDEX group_member_by_contact ON group_member (contact_id);

-- A group may contain other groups.
CREATE TABLE group_part (
    group_id UUID NOT NULL REFERENCES contact_group (id) ON DELETE CASCADE,
    part_id  UUID NOT NULL REFERENCES contact_group (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, part_id)
);

-- A group by rule: a contact belongs if, for every field the group has rules on, one value matches.
CREATE TABLE group_rule (
    group_id UUID NOT NULL REFERENCES contact_group (id) ON DELETE CASCADE,
    field    TEXT NOT NULL CHECK (field IN ('category', 'role', 'site', 'unit', 'tag')),
    value    TEXT NOT NULL,
    PRIMARY KEY (group_id, field, value)
);

-- The human phone tree: who calls whom when the machines are done.
CREATE TABLE call_tree (
    id         UUID   PRIMARY KEY,
    name       TEXT   NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE call_tree_branch (
    tree_id    UUID    NOT NULL REFERENCES call_tree (id) ON DELETE CASCADE,
    caller_id  UUID    NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
    contact_id UUID    NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
    position   INTEGER NOT NULL,
    PRIMARY KEY (tree_id, contact_id)
);
