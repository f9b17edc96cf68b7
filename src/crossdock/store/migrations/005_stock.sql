-- Stock: movements -> positions -> stock; and what is promised of it.
--
-- movements     the append-only ledger, two legs a row; (source, source_id) makes it idempotent. Never updated, never deleted.
-- positions     the balance of every place, lot and owner: the fold of the movements, kept in the transaction that writes them.
-- stock         one row an item and site: sums over own stock by place, and what is reserved. Its row lock is what reserving and moving go by, always taken
--               in the order of (item, site).
-- reservations  what orders have been promised, by line, site and item; demands is what they want in all.

CREATE TABLE movements (
    source      text COLLATE "C" NOT NULL,
    source_id   text COLLATE "C" NOT NULL,
    kind        text NOT NULL,
    item        text COLLATE "C" NOT NULL,
    site        text COLLATE "C" NOT NULL,
    to_site     text COLLATE "C" NOT NULL,
    origin      text NOT NULL,
    destination text NOT NULL,
    quantity    numeric NOT NULL CHECK (quantity >= 0),
    lot         text COLLATE "C" NOT NULL,
    owner       text COLLATE "C" NOT NULL,
    entity      text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    stream      text COLLATE "C" NOT NULL,
    sequence    bigint,
    reason      text NOT NULL,
    reference   text COLLATE "C" NOT NULL,
    line        text COLLATE "C" NOT NULL,
    message     bigint,
    -- What a count found, while `quantity` is what it moved.
    counted     numeric,
    PRIMARY KEY (source, source_id)
);
CREATE INDEX movements_of_item ON movements (item, occurred_at);

CREATE TABLE positions (
    item       text COLLATE "C" NOT NULL,
    site       text COLLATE "C" NOT NULL,
    place      text COLLATE "C" NOT NULL,
    lot        text COLLATE "C" NOT NULL,
    owner      text COLLATE "C" NOT NULL,
    entity     text COLLATE "C" NOT NULL,
    quantity   numeric NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (item, site, place, lot, owner, entity)
) WITH (fillfactor = 80);

CREATE TABLE stock (
    item       text COLLATE "C" NOT NULL,
    site       text COLLATE "C" NOT NULL,
    receiving  numeric NOT NULL DEFAULT 0,
    storage    numeric NOT NULL DEFAULT 0,
    allocated  numeric NOT NULL DEFAULT 0,
    staging    numeric NOT NULL DEFAULT 0,
    transit    numeric NOT NULL DEFAULT 0,
    quarantine numeric NOT NULL DEFAULT 0,
    damaged    numeric NOT NULL DEFAULT 0,
    reserved   numeric NOT NULL DEFAULT 0,
    -- Rises with each change, so that a reader of changes misses none.
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (item, site)
) WITH (fillfactor = 70);

-- Items at sites whose figures have changed since their channels were last told, and since waiting demands were last planned.
CREATE TABLE stock_changed (
    item text COLLATE "C" NOT NULL,
    site text COLLATE "C" NOT NULL,
    need text COLLATE "C" NOT NULL CHECK (need IN ('offer', 'plan')),
    PRIMARY KEY (need, item, site)
);

CREATE TABLE demands (
    lane       integer NOT NULL,
    key        text COLLATE "C" NOT NULL,
    line       text COLLATE "C" NOT NULL,
    item       text COLLATE "C" NOT NULL,
    wanted     numeric NOT NULL,
    reserved   numeric NOT NULL,
    -- The rest of crossdock.ledger.demand.Demand, as JSON.
    terms      json NOT NULL,
    priority   integer NOT NULL,
    asked_at   timestamptz NOT NULL,
    needed_on  date,
    expires_at timestamptz,
    promised_on date,
    revision   bigint NOT NULL,
    PRIMARY KEY (key, line)
) WITH (fillfactor = 70);
CREATE INDEX demands_of_item ON demands (item, priority, asked_at);
CREATE INDEX demands_expiring ON demands (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE reservations (
    key      text COLLATE "C" NOT NULL,
    line     text COLLATE "C" NOT NULL,
    item     text COLLATE "C" NOT NULL,
    site     text COLLATE "C" NOT NULL,
    quantity numeric NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (key, line, item, site)
);
CREATE INDEX reservations_of_item ON reservations (item, site);

CREATE TABLE expected_receipts (
    source    text COLLATE "C" NOT NULL,
    source_id text COLLATE "C" NOT NULL,
    line      text COLLATE "C" NOT NULL,
    kind      text NOT NULL,
    item      text COLLATE "C" NOT NULL,
    site      text COLLATE "C" NOT NULL,
    quantity  numeric NOT NULL,
    received  numeric NOT NULL DEFAULT 0,
    due_on    date NOT NULL,
    closed    boolean NOT NULL DEFAULT false,
    PRIMARY KEY (source, source_id, line)
);
CREATE INDEX expected_receipts_of_item ON expected_receipts (item, site, due_on) WHERE NOT closed;

-- How far each numbered stream of a source has come, and what is missing below that.
CREATE TABLE streams (
    source   text COLLATE "C" NOT NULL,
    stream   text COLLATE "C" NOT NULL,
    highest  bigint,
    doubled  bigint NOT NULL DEFAULT 0,
    late     bigint NOT NULL DEFAULT 0,
    heard_at timestamptz NOT NULL,
    told_at  timestamptz NOT NULL,
    PRIMARY KEY (source, stream)
);
CREATE TABLE stream_gaps (
    source     text COLLATE "C" NOT NULL,
    stream     text COLLATE "C" NOT NULL,
    sequence   bigint NOT NULL,
    missing_at timestamptz NOT NULL,
    PRIMARY KEY (source, stream, sequence)
);

-- Movements that were refused, because another system owns that state or they say what cannot be: kept as they were told.
CREATE TABLE movement_conflicts (
    source    text COLLATE "C" NOT NULL,
    source_id text COLLATE "C" NOT NULL,
    cause     text NOT NULL,
    detail    text NOT NULL,
    body      bytea NOT NULL,
    seen_at   timestamptz NOT NULL,
    closed_at timestamptz,
    PRIMARY KEY (source, source_id)
);
