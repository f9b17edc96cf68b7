-- The tables of the main road: messages -> facts -> processes -> obligations -> deliveries.
--
-- messages   raw bytes in and out, kept for good; nothing else is a truth that cannot be rebuilt.
-- facts      the append-only log. (lane, position) is the only order; positions are handed out under the lane's row lock, so that
--            whoever has read position p has read everything before it. digest makes (source, source_id) unique.
-- processes, obligations, exceptions, names
--            folds of the log, written by the fold alone, in the transaction that moves its cursor. Each row carries its lane.
--            Identifiers are compared byte by byte (COLLATE "C"): fast, the same on every machine, and a prefix is a range.
-- deliveries effects to be made, by the obligation's id; attempts and transmissions tell what became of them.

CREATE TABLE settings (
    name  text PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE workspace_versions (
    version    integer PRIMARY KEY,
    snapshot   bytea NOT NULL,
    digest     text NOT NULL,
    applied_by text NOT NULL,
    applied_at timestamptz NOT NULL,
    note       text NOT NULL DEFAULT '',
    active     boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX workspace_versions_one_active ON workspace_versions (active) WHERE active;

CREATE TABLE messages (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    direction    text NOT NULL CHECK (direction IN ('in', 'out')),
    channel      text COLLATE "C" NOT NULL,
    source_id    text COLLATE "C" NOT NULL,
    sha256       bytea NOT NULL,
    data         bytea NOT NULL,
    name         text NOT NULL DEFAULT '',
    content_type text NOT NULL DEFAULT '',
    attributes   json NOT NULL DEFAULT '{}',
    received_at  timestamptz NOT NULL,
    status       text NOT NULL CHECK (status IN ('stored', 'read', 'held', 'sent')),
    readings     integer NOT NULL DEFAULT 0,
    findings     bytea,
    note         text NOT NULL DEFAULT '',
    UNIQUE (channel, source_id, direction)
);
CREATE INDEX messages_to_read ON messages (id) WHERE status = 'stored';
CREATE INDEX messages_held ON messages (channel, id) WHERE status = 'held';
CREATE INDEX messages_same_bytes ON messages USING hash (sha256);

-- By what a duplicate is known; the first message that carried it.
CREATE TABLE identities (
    kind    text COLLATE "C" NOT NULL,
    value   text COLLATE "C" NOT NULL,
    message bigint NOT NULL,
    PRIMARY KEY (kind, value)
);

-- A lane's head: the last position handed out. Its row lock is the order of the log.
CREATE TABLE lanes (
    lane integer PRIMARY KEY,
    head bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- How far the fold has come in each lane. Claimed with SKIP LOCKED; apart from `lanes` so that folding never waits for recording.
CREATE TABLE cursors (
    lane     integer PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE facts (
    lane        integer NOT NULL,
    position    bigint NOT NULL,
    digest      uuid NOT NULL,
    key         text COLLATE "C" NOT NULL,
    type        text NOT NULL,
    version     smallint NOT NULL,
    source      text NOT NULL,
    source_id   text NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    message     bigint,
    body        bytea NOT NULL,
    PRIMARY KEY (lane, position),
    UNIQUE (lane, digest)
);
-- Rewritten or read often: kept uncompressed and, up to half a page, in the row.
ALTER TABLE facts ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE facts SET (toast_tuple_target = 4096);
-- Messages are read about in the order in which they came, so that a summary of ranges is enough.
CREATE INDEX facts_by_message ON facts USING brin (message) WITH (pages_per_range = 16);

CREATE VIEW facts_readable AS
    SELECT lane, position, key, type, version, source, source_id, occurred_at, recorded_at, message,
           convert_from(body, 'UTF8')::json AS body
      FROM facts;

CREATE TABLE processes (
    lane       integer NOT NULL,
    key        text COLLATE "C" NOT NULL,
    process    text NOT NULL,
    state      bytea NOT NULL,
    known      bytea NOT NULL,
    positions  bigint[] NOT NULL,
    milestone  text NOT NULL,
    summary    json NOT NULL,
    wake_at    timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (lane, key)
) WITH (fillfactor = 60);
ALTER TABLE processes ALTER COLUMN state SET STORAGE EXTERNAL;
ALTER TABLE processes ALTER COLUMN known SET STORAGE EXTERNAL;
ALTER TABLE processes SET (toast_tuple_target = 4096);
CREATE INDEX processes_waking ON processes (lane, wake_at) WHERE wake_at IS NOT NULL;

CREATE TABLE obligations (
    lane       integer NOT NULL,
    id         text COLLATE "C" NOT NULL,
    key        text COLLATE "C" NOT NULL,
    kind       text NOT NULL,
    debtor     text NOT NULL,
    creditor   text NOT NULL,
    status     text NOT NULL,
    due_at     timestamptz,
    blocked_by text[] NOT NULL,
    evidence   text[] NOT NULL,
    subject    text NOT NULL,
    amount     numeric,
    opened_at  timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (lane, id)
) WITH (fillfactor = 70);
CREATE INDEX obligations_open ON obligations (due_at) WHERE status IN ('blocked', 'ready', 'waiting', 'refused');

CREATE TABLE exceptions (
    lane        integer NOT NULL,
    id          text COLLATE "C" NOT NULL,
    key         text COLLATE "C" NOT NULL,
    category    text NOT NULL CHECK (category IN ('business', 'transport')),
    cause       text NOT NULL,
    detail      text NOT NULL,
    action      text NOT NULL,
    subject     text NOT NULL,
    obligations text[] NOT NULL,
    amount      numeric,
    opened_at   timestamptz NOT NULL,
    closed_at   timestamptz,
    PRIMARY KEY (lane, id)
);
CREATE INDEX exceptions_open ON exceptions (cause, opened_at) WHERE closed_at IS NULL;
CREATE INDEX exceptions_of_key ON exceptions (lane, key);

-- Each time an exception was open: it opens, closes by itself and may open again.
CREATE TABLE exception_intervals (
    lane      integer NOT NULL,
    id        text COLLATE "C" NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    PRIMARY KEY (lane, id, opened_at)
);

-- Every reference that people have in hand, to the process it belongs to.
CREATE TABLE names (
    value text COLLATE "C" NOT NULL,
    kind  text COLLATE "C" NOT NULL,
    key   text COLLATE "C" NOT NULL,
    lane  integer NOT NULL,
    PRIMARY KEY (value, kind, key)
);

CREATE TABLE deliveries (
    lane         integer NOT NULL,
    id           text COLLATE "C" NOT NULL,
    key          text COLLATE "C" NOT NULL,
    system       text COLLATE "C" NOT NULL,
    document     text NOT NULL,
    partner      text NOT NULL,
    ordering_key text COLLATE "C" NOT NULL,
    content      bytea NOT NULL,
    number       text NOT NULL,
    told         bytea NOT NULL,
    status       text NOT NULL CHECK (status IN ('queued', 'sending', 'unknown', 'accepted', 'refused', 'dead', 'cancelled')),
    attempts     integer NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL,
    leased_until timestamptz,
    message      bigint,
    control      text NOT NULL DEFAULT '',
    outcome      text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL,
    settled_at   timestamptz,
    sequence     bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (lane, id)
) WITH (fillfactor = 70);
-- A delivery changes its standing three times and its content never: kept out of the row, the content is not written again.
ALTER TABLE deliveries ALTER COLUMN content SET STORAGE EXTERNAL;
ALTER TABLE deliveries SET (toast_tuple_target = 256);
CREATE INDEX deliveries_due ON deliveries (system, due_at) WHERE status = 'queued';
CREATE INDEX deliveries_under_way ON deliveries (system, leased_until) WHERE status IN ('sending', 'unknown');
CREATE INDEX deliveries_in_order ON deliveries (system, ordering_key, sequence) WHERE status IN ('queued', 'sending', 'unknown');
CREATE INDEX deliveries_stuck ON deliveries (status, system) WHERE status IN ('dead', 'refused');

CREATE TABLE attempts (
    lane       integer NOT NULL,
    delivery   text COLLATE "C" NOT NULL,
    attempt    integer NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('send', 'look-up')),
    message    bigint,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz NOT NULL,
    outcome    text NOT NULL,
    status     text NOT NULL,
    detail     text NOT NULL
);
CREATE INDEX attempts_of_delivery ON attempts (lane, delivery);

-- Control numbers of what we sent, by which a 997 or TA1 names it.
CREATE TABLE transmitted (
    channel       text COLLATE "C" NOT NULL,
    interchange   text COLLATE "C" NOT NULL,
    functional_id text COLLATE "C" NOT NULL,
    group_number  text COLLATE "C" NOT NULL,
    transaction   text COLLATE "C" NOT NULL,
    key           text COLLATE "C" NOT NULL,
    obligation    text COLLATE "C" NOT NULL,
    PRIMARY KEY (channel, functional_id, group_number, transaction, interchange)
);

CREATE TABLE control_numbers (
    channel text NOT NULL,
    kind    text NOT NULL,
    last    bigint NOT NULL,
    PRIMARY KEY (channel, kind)
);

-- What a 997 or TA1 spoke of and we have not sent (yet): asked again when something has been sent.
CREATE TABLE unmatched (
    message   bigint NOT NULL,
    source_id text NOT NULL,
    body      bytea NOT NULL,
    seen_at   timestamptz NOT NULL,
    PRIMARY KEY (message, source_id)
);

-- Health of each system as its dispatcher last saw it.
CREATE TABLE system_health (
    system     text PRIMARY KEY,
    breaker    text NOT NULL,
    detail     text NOT NULL,
    updated_at timestamptz NOT NULL
);
