-- Stock: movements -> stock and balances; and what is promised of it.
--
-- movements     the append-only ledger, two legs a row; (source, source_id) makes it idempotent. Never updated, never deleted.
-- stock         one row an item and site: sums over own stock by place, and what is reserved. Its row lock is what reserving, moving and draining
--               go by, always taken in the order of (item, site). Never deleted.
-- balances      what stands apart under a row of stock: a row a lot, owner and entity. Own stock of one entity without lots, the usual case, has no row here:
--               the row of stock is its balance, and is written once a movement instead of twice. The first lot or entity splits it (stock.split).
-- positions     a view of both: the balance of every place, lot, owner and entity. The fold of the movements, kept in the transaction that writes them.
-- reservations  what orders have been promised, by line, site and item; demands is what they want in all, waits what those that lack something wait for.

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
-- Movements come about in the order of their time, so that a summary of ranges is enough to read all of them as of a moment.
CREATE INDEX movements_by_time ON movements USING brin (occurred_at) WITH (pages_per_range = 32);

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
    supplier   numeric NOT NULL DEFAULT 0,
    customer   numeric NOT NULL DEFAULT 0,
    adjustment numeric NOT NULL DEFAULT 0,
    company    numeric NOT NULL DEFAULT 0,
    reserved   numeric NOT NULL DEFAULT 0,
    -- Whether its balances stand in `balances`, by lot and entity.
    split      boolean NOT NULL DEFAULT false,
    -- The latest count at this item and site: what happened before it and comes later needs care.
    counted_at timestamptz,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (item, site)
) WITH (fillfactor = 70);

CREATE TABLE balances (
    item       text COLLATE "C" NOT NULL,
    site       text COLLATE "C" NOT NULL,
    lot        text COLLATE "C" NOT NULL,
    owner      text COLLATE "C" NOT NULL,
    entity     text COLLATE "C" NOT NULL,
    receiving  numeric NOT NULL DEFAULT 0,
    storage    numeric NOT NULL DEFAULT 0,
    allocated  numeric NOT NULL DEFAULT 0,
    staging    numeric NOT NULL DEFAULT 0,
    transit    numeric NOT NULL DEFAULT 0,
    quarantine numeric NOT NULL DEFAULT 0,
    damaged    numeric NOT NULL DEFAULT 0,
    supplier   numeric NOT NULL DEFAULT 0,
    customer   numeric NOT NULL DEFAULT 0,
    adjustment numeric NOT NULL DEFAULT 0,
    company    numeric NOT NULL DEFAULT 0,
    PRIMARY KEY (item, site, lot, owner, entity)
) WITH (fillfactor = 70);

CREATE VIEW positions AS
    SELECT b.item, b.site, p.place, b.lot, b.owner, b.entity, p.quantity
      FROM (
        SELECT item, site, ''::text COLLATE "C" AS lot, 'own'::text COLLATE "C" AS owner, ''::text COLLATE "C" AS entity,
               receiving, storage, allocated, staging, transit, quarantine, damaged,
               supplier, customer, adjustment, company
          FROM stock WHERE NOT split
        UNION ALL
        SELECT item, site, lot, owner, entity,
               receiving, storage, allocated, staging, transit, quarantine, damaged,
               supplier, customer, adjustment, company
          FROM balances
      ) b CROSS JOIN LATERAL (VALUES
        ('receiving', b.receiving), ('storage', b.storage), ('allocated', b.allocated), ('staging', b.staging), ('transit', b.transit), ('quarantine', b.quarantine),
        ('damaged', b.damaged), ('supplier', b.supplier), ('customer', b.customer), ('adjustment', b.adjustment), ('company', b.company)
      ) p (place, quantity)
     WHERE p.quantity <> 0;

-- Items at sites whose figures have changed since their channels were last told ('offer'), and for which a demand waits or too much is promised ('plan').
-- Whoever drains it locks the rows of `stock` first, then deletes here, then reads: so a mover that found its row standing has committed before that row goes.
CREATE TABLE stock_changed (
    item text COLLATE "C" NOT NULL,
    site text COLLATE "C" NOT NULL,
    need text COLLATE "C" NOT NULL CHECK (need IN ('offer', 'plan')),
    PRIMARY KEY (need, item, site)
);

CREATE TABLE demands (
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
CREATE INDEX demands_open ON demands (item) WHERE reserved < wanted;
-- Null as soon as it has expired or been made firm.
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

-- Numbers of promises: what a higher one says of a line counts.
CREATE SEQUENCE stock_revisions;

-- Where each demand that lacks something could be served from: its item and substitutes at its sites.
CREATE TABLE waits (
    item text COLLATE "C" NOT NULL,
    site text COLLATE "C" NOT NULL,
    key  text COLLATE "C" NOT NULL,
    line text COLLATE "C" NOT NULL,
    PRIMARY KEY (item, site, key, line)
);
CREATE INDEX waits_of_line ON waits (key, line);

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
-- Numbers from `sequence` to `upto` that have not come.
CREATE TABLE stream_gaps (
    source     text COLLATE "C" NOT NULL,
    stream     text COLLATE "C" NOT NULL,
    sequence   bigint NOT NULL,
    upto       bigint NOT NULL,
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
    item      text COLLATE "C" NOT NULL DEFAULT '',
    seen_at   timestamptz NOT NULL,
    closed_at timestamptz,
    PRIMARY KEY (source, source_id)
);
CREATE INDEX movement_conflicts_negative ON movement_conflicts (item) WHERE cause = 'negative' AND closed_at IS NULL;
