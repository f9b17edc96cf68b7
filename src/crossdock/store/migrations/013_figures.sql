-- Key figures: what the log has come to, by day. docs/kpis.md defines each.
--
-- kpi        the key figures. Those up to sync-out are durations (total: milliseconds), those behind it are shares (total of cases).
-- measured   what each order adds to the figures: parallel arrays, an element a case. When more is told of the order it is measured anew, and the difference is
--            what the figures change by; so they are always the sum of what stands here and of the lags, in whatever order facts came.
-- figures    their sums by day (UTC), for all and for each partner, site and channel. bucket: of a duration, the quarter octave it falls into, so that percentiles
--            can be told of any sum of rows; 0 for a share.
-- measuring  how far each lane's facts have been measured: never further than they are folded.
--
-- All of it can be thrown away and is measured anew from the log (`store.figures.forget`).

CREATE TYPE kpi AS ENUM (
    'order-cycle', 'pick-to-ship', 'ship-to-invoice', 'acknowledgement', 'functional-ack', 'sync-in', 'sync-out',
    'perfect-order', 'fill', 'line-fill', 'on-time', 'invoice-exception', 'manual-touch', 'asn-accuracy'
);

-- Quarter octaves of milliseconds: bucket b holds what is above 2^((b - 1) / 4) and not above 2^(b / 4); 0 what is at most one millisecond.
CREATE FUNCTION figure_bucket(kpi kpi, total numeric) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN kpi > 'sync-out' OR total <= 1 THEN 0 ELSE ceil(4 * ln(total::float8) / ln(2::float8))::smallint END;

CREATE TABLE measured (
    lane    integer NOT NULL,
    key     text COLLATE "C" NOT NULL,
    partner text COLLATE "C" NOT NULL,
    site    text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    kpis    kpi[] NOT NULL,
    days    date[] NOT NULL,
    cases   numeric[] NOT NULL,
    totals  numeric[] NOT NULL,
    PRIMARY KEY (lane, key)
) WITH (fillfactor = 80);

CREATE TABLE figures (
    cut    text NOT NULL CHECK (cut IN ('all', 'partner', 'site', 'channel')),
    kpi    kpi NOT NULL,
    member text COLLATE "C" NOT NULL,
    day    date NOT NULL,
    bucket smallint NOT NULL,
    cases  numeric NOT NULL,
    total  numeric NOT NULL,
    PRIMARY KEY (cut, kpi, member, day, bucket)
) WITH (fillfactor = 80);

CREATE TABLE measuring (
    lane     integer PRIMARY KEY,
    position bigint NOT NULL
) WITH (fillfactor = 10);

-- What waits to be billed, the first due first; where no clock runs, last.
CREATE INDEX obligations_to_bill ON obligations (coalesce(due_at, 'infinity'), id) WHERE kind = 'invoice' AND status IN ('blocked', 'ready', 'waiting', 'refused');
-- What each party owes us.
CREATE INDEX obligations_of_others ON obligations (debtor, coalesce(due_at, 'infinity'), id) WHERE debtor <> 'us' AND status IN ('blocked', 'ready', 'waiting', 'refused');
-- What came and went over a channel, the last first.
CREATE INDEX messages_of_channel ON messages (channel, received_at DESC, id DESC);
-- How the books of an item differ from what its warehouses say.
CREATE INDEX variances_of_item ON variances (item) WHERE status <> 'closed';
