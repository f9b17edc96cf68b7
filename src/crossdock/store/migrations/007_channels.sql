-- Channels: what each was last told of our stock, and what has changed since; and the systems that tell us.
--
-- channels         one row a channel: the lock that a publisher holds. sequence: of its last offer; open: the keys of the offers made last; slot: of the schedule
--                  that its last full offer was for; terms: a digest of what was agreed when it was made.
-- channel_told     what it was last told of each item at each site: written in the transaction that records the offer.
-- channel_changed  what may have to be told. A pair may stand there twice: marking never waits for a publisher.
-- stock_sources    each system that tells stock, as its facts say; source_states what each channel does about it (fresh, widen, zero, stop).

CREATE TABLE channels (
    channel    text COLLATE "C" PRIMARY KEY,
    sequence   bigint NOT NULL DEFAULT 0,
    open       text[] NOT NULL DEFAULT '{}',
    offered_at timestamptz,
    full_at    timestamptz,
    slot       timestamptz,
    terms      text NOT NULL DEFAULT ''
);

CREATE TABLE channel_told (
    channel       text COLLATE "C" NOT NULL,
    item          text COLLATE "C" NOT NULL,
    site          text COLLATE "C" NOT NULL,
    quantity      numeric NOT NULL,
    next_on       date,
    next_quantity numeric NOT NULL,
    sequence      bigint NOT NULL,
    told_at       timestamptz NOT NULL,
    PRIMARY KEY (channel, item, site)
) WITH (fillfactor = 80);

CREATE TABLE channel_changed (
    channel   text COLLATE "C" NOT NULL,
    item      text COLLATE "C" NOT NULL,
    site      text COLLATE "C" NOT NULL,
    marked_at timestamptz NOT NULL
);
CREATE INDEX channel_changed_pairs ON channel_changed (channel, item, site);
CREATE INDEX channel_changed_oldest ON channel_changed (channel, marked_at);

CREATE TABLE stock_sources (
    system   text COLLATE "C" PRIMARY KEY,
    heard_at timestamptz,
    silent   boolean NOT NULL DEFAULT false,
    terms    text NOT NULL DEFAULT ''
);

CREATE TABLE source_states (
    channel text COLLATE "C" NOT NULL,
    system  text COLLATE "C" NOT NULL,
    state   text NOT NULL,
    since   timestamptz NOT NULL,
    PRIMARY KEY (channel, system)
);
