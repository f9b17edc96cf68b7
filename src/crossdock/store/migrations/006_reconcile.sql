-- Reconciliation of stock: what systems say that they have, beside our books.
--
-- snapshots       what a system said that it has, as of a moment of its own; snapshot_lines its lines as they came, kept as long as they may be compared again.
-- reconciliations one row each time that a snapshot was compared.
-- variances       how each position differed when it was compared last: written in the transaction that tells the facts of it, and what the next comparison
--                 goes by. status: open (drift: an exception), timing (in flight or awaited: none), closed.
-- positions_by_place
--                 the same as positions, laid out so that asking for one place reads one column of stock.

CREATE SEQUENCE snapshot_numbers;

CREATE TABLE snapshots (
    id          bigint PRIMARY KEY DEFAULT nextval('snapshot_numbers'),
    system      text COLLATE "C" NOT NULL,
    source_id   text COLLATE "C" NOT NULL,
    as_of       timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    whole       boolean NOT NULL,
    sites       text[] NOT NULL,
    places      text[] NOT NULL,
    owners      text[] NOT NULL,
    lots        boolean NOT NULL,
    lines       bigint NOT NULL,
    message     bigint,
    -- When it is to be compared (again); NULL: no more.
    due_at      timestamptz,
    dropped     boolean NOT NULL DEFAULT false,
    UNIQUE (system, source_id)
);
CREATE INDEX snapshots_due ON snapshots (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX snapshots_latest ON snapshots (system, as_of);

-- Lines are copied in behind the row of their snapshot, in the same session.
CREATE TABLE snapshot_lines (
    snapshot bigint NOT NULL DEFAULT currval('snapshot_numbers'),
    item     text COLLATE "C" NOT NULL,
    site     text COLLATE "C" NOT NULL,
    place    text COLLATE "C" NOT NULL DEFAULT 'storage',
    lot      text COLLATE "C" NOT NULL DEFAULT '',
    owner    text COLLATE "C" NOT NULL DEFAULT 'own',
    entity   text COLLATE "C" NOT NULL DEFAULT '',
    quantity numeric NOT NULL
);
CREATE INDEX snapshot_lines_of ON snapshot_lines USING brin (snapshot) WITH (pages_per_range = 32);

CREATE TABLE reconciliations (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    snapshot  bigint NOT NULL,
    system    text COLLATE "C" NOT NULL,
    as_of     timestamptz NOT NULL,
    ran_at    timestamptz NOT NULL,
    differing bigint NOT NULL,
    timing    bigint NOT NULL,
    found     bigint NOT NULL,
    gone      bigint NOT NULL,
    amount    numeric,
    note      text NOT NULL DEFAULT ''
);
CREATE INDEX reconciliations_of ON reconciliations (system, id);
CREATE INDEX reconciliations_of_snapshot ON reconciliations (snapshot);

CREATE TABLE variances (
    lane        integer NOT NULL,
    key         text COLLATE "C" NOT NULL,
    system      text COLLATE "C" NOT NULL,
    item        text COLLATE "C" NOT NULL,
    site        text COLLATE "C" NOT NULL,
    place       text COLLATE "C" NOT NULL,
    lot         text COLLATE "C" NOT NULL,
    owner       text COLLATE "C" NOT NULL,
    status      text NOT NULL CHECK (status IN ('open', 'timing', 'closed')),
    ours        numeric NOT NULL,
    theirs      numeric NOT NULL,
    quantity    numeric NOT NULL,
    in_flight   numeric NOT NULL,
    amount      numeric,
    cause       text NOT NULL,
    confidence  numeric NOT NULL,
    detail      text NOT NULL,
    evidence    text NOT NULL,
    since       timestamptz,
    first_as_of timestamptz NOT NULL,
    as_of       timestamptz NOT NULL,
    snapshot    bigint NOT NULL,
    run         bigint NOT NULL,
    closed_at   timestamptz,
    PRIMARY KEY (lane, key)
) WITH (fillfactor = 70);
CREATE INDEX variances_standing ON variances (system) WHERE status <> 'closed';

CREATE VIEW positions_by_place AS
    SELECT item, site, 'receiving'::text COLLATE "C" AS place, ''::text COLLATE "C" AS lot, 'own'::text COLLATE "C" AS owner, ''::text COLLATE "C" AS entity, receiving AS quantity FROM stock WHERE NOT split AND receiving <> 0
    UNION ALL SELECT item, site, 'storage', '', 'own', '', storage FROM stock WHERE NOT split AND storage <> 0
    UNION ALL SELECT item, site, 'allocated', '', 'own', '', allocated FROM stock WHERE NOT split AND allocated <> 0
    UNION ALL SELECT item, site, 'staging', '', 'own', '', staging FROM stock WHERE NOT split AND staging <> 0
    UNION ALL SELECT item, site, 'transit', '', 'own', '', transit FROM stock WHERE NOT split AND transit <> 0
    UNION ALL SELECT item, site, 'quarantine', '', 'own', '', quarantine FROM stock WHERE NOT split AND quarantine <> 0
    UNION ALL SELECT item, site, 'damaged', '', 'own', '', damaged FROM stock WHERE NOT split AND damaged <> 0
    UNION ALL SELECT item, site, 'receiving', lot, owner, entity, receiving FROM balances WHERE receiving <> 0
    UNION ALL SELECT item, site, 'storage', lot, owner, entity, storage FROM balances WHERE storage <> 0
    UNION ALL SELECT item, site, 'allocated', lot, owner, entity, allocated FROM balances WHERE allocated <> 0
    UNION ALL SELECT item, site, 'staging', lot, owner, entity, staging FROM balances WHERE staging <> 0
    UNION ALL SELECT item, site, 'transit', lot, owner, entity, transit FROM balances WHERE transit <> 0
    UNION ALL SELECT item, site, 'quarantine', lot, owner, entity, quarantine FROM balances WHERE quarantine <> 0
    UNION ALL SELECT item, site, 'damaged', lot, owner, entity, damaged FROM balances WHERE damaged <> 0;
