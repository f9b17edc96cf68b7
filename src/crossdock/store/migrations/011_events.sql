-- Events for others: what was announced, and the webhooks that are told of it.
--
-- announcer       one row, whose lock is the order of the feed: whoever holds it hands out the sequence, and commits before another may. So whoever has read the
--                 sequence n has seen every event before it.
-- event_cursors   how far announcing has come in each lane, behind the fold.
-- announced       what was told of each order, as `events.standing` writes it: what is told next follows from it and from the facts.
-- events          the feed; (key, id) makes announcing again harmless.
-- stock_announced what was told last of each item at each site.
-- exception_intervals.told
--                 0: nothing of it was announced, 1: that it opened, 2: that it closed as well.
-- subscriptions, webhook_deliveries, webhook_attempts
--                 who is told by webhook, each event for each of them, and every attempt. A delivery that is being sent is due again when its lease ends.

CREATE TABLE announcer (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    sequence bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
INSERT INTO announcer DEFAULT VALUES;

CREATE TABLE event_cursors (
    lane     integer PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE announced (
    lane integer NOT NULL,
    key  text COLLATE "C" NOT NULL,
    told bytea NOT NULL,
    PRIMARY KEY (lane, key)
) WITH (fillfactor = 70);

CREATE TABLE events (
    sequence     bigint PRIMARY KEY,
    id           text COLLATE "C" NOT NULL,
    type         text COLLATE "C" NOT NULL,
    key          text COLLATE "C" NOT NULL,
    partner      text COLLATE "C" NOT NULL,
    time         timestamptz NOT NULL,
    announced_at timestamptz NOT NULL,
    data         bytea NOT NULL
);
ALTER TABLE events ALTER COLUMN data SET STORAGE EXTERNAL;
ALTER TABLE events SET (toast_tuple_target = 4096);
CREATE UNIQUE INDEX events_once ON events (key, id);
CREATE INDEX events_of_partner ON events (partner, sequence) WHERE partner <> '';
CREATE INDEX events_by_time ON events (announced_at, sequence);

CREATE TYPE announced_event AS (id text, type text, key text, partner text, time timestamptz, data bytea);

CREATE TABLE stock_announced (
    item      text COLLATE "C" NOT NULL,
    site      text COLLATE "C" NOT NULL,
    available numeric NOT NULL,
    times     bigint NOT NULL,
    PRIMARY KEY (item, site)
) WITH (fillfactor = 80);

ALTER TABLE exception_intervals ADD COLUMN told smallint NOT NULL DEFAULT 0;
CREATE INDEX exception_intervals_untold ON exception_intervals (opened_at) WHERE told = 0 OR (told = 1 AND closed_at IS NOT NULL);

CREATE TABLE subscriptions (
    id              text COLLATE "C" PRIMARY KEY,
    url             text NOT NULL,
    types           text[] NOT NULL,
    partner         text COLLATE "C" NOT NULL,
    description     text NOT NULL,
    status          text NOT NULL CHECK (status IN ('active', 'paused', 'disabled')),
    reason          text NOT NULL DEFAULT '',
    secret          text NOT NULL,
    previous_secret text,
    previous_until  timestamptz,
    revision        integer NOT NULL DEFAULT 1,
    cursor          bigint NOT NULL,
    failures        integer NOT NULL DEFAULT 0,
    succeeded_at    timestamptz,
    created_at      timestamptz NOT NULL,
    created_by      text NOT NULL,
    disabled_at     timestamptz,
    told            boolean NOT NULL DEFAULT false
);

CREATE TABLE webhook_deliveries (
    subscription text COLLATE "C" NOT NULL REFERENCES subscriptions ON DELETE CASCADE,
    sequence     bigint NOT NULL,
    status       text NOT NULL CHECK (status IN ('queued', 'sending', 'delivered', 'failed')),
    attempts     integer NOT NULL DEFAULT 0,
    round        integer NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL,
    first_at     timestamptz,
    settled_at   timestamptz,
    outcome      text NOT NULL DEFAULT '',
    PRIMARY KEY (subscription, sequence)
) WITH (fillfactor = 70);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (subscription, due_at) WHERE status IN ('queued', 'sending');

CREATE TABLE webhook_attempts (
    subscription text COLLATE "C" NOT NULL REFERENCES subscriptions ON DELETE CASCADE,
    sequence     bigint NOT NULL,
    round        integer NOT NULL,
    attempt      integer NOT NULL,
    started_at   timestamptz NOT NULL,
    ended_at     timestamptz NOT NULL,
    status       integer,
    outcome      text NOT NULL,
    detail       text NOT NULL
);
CREATE INDEX webhook_attempts_of ON webhook_attempts (subscription, sequence);

CREATE TYPE webhook_settlement AS (
    subscription text, sequence bigint, attempt integer, round integer, status text, due_at timestamptz, outcome text,
    started_at timestamptz, ended_at timestamptz, answered integer, detail text
);
