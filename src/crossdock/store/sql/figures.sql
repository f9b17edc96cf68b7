-- name: hold_measuring
-- One process at a time measures: says whether it is this one, to the end of the transaction.
SELECT pg_try_advisory_xact_lock($1)

-- name: plan_measuring
-- To the end of the transaction: what a batch of orders has told is joined by hashing, which the planner, who knows nothing of its size, would take for a row or two.
SELECT set_config('enable_nestloop', 'off', true), set_config('jit', 'off', true)

-- name: lanes_to_measure
-- How far each lane has been measured and may be now, at most $1 facts on: never further than it is folded. Lanes with nothing ahead are left out.
SELECT c.lane, coalesce(m.position, 0) AS done, least(c.position, coalesce(m.position, 0) + $1::bigint) AS upto
  FROM cursors c LEFT JOIN measuring m ON m.lane = c.lane
 WHERE c.position > coalesce(m.position, 0) ORDER BY c.lane

-- name: facts_to_measure
-- How many facts are folded and not measured.
SELECT coalesce(sum(c.position - coalesce(m.position, 0)), 0)::bigint FROM cursors c LEFT JOIN measuring m ON m.lane = c.lane

-- name: measure_lags
-- Adds the lags of these facts of each lane to the figures: of what others told, from when it happened to when it was recorded; of what we were to do, from when it
-- was queued to when the other side had taken it. Neither ever changes, so that each is added once. Our own words have no lag.
WITH ahead AS (
    SELECT * FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS a (lane, done, upto)
), told AS (
    SELECT f.lane, f.source, f.occurred_at, f.recorded_at,
           CASE WHEN f.type = ANY($4::text[]) THEN convert_from(f.body, 'UTF8')::json ->> 'obligation' END AS obligation
      FROM ahead a CROSS JOIN LATERAL (
        SELECT lane, source, type, occurred_at, recorded_at, body FROM facts
         WHERE facts.lane = a.lane AND facts.position > a.done AND facts.position <= a.upto OFFSET 0
      ) f WHERE f.source <> ALL($5::text[])
), lags AS (
    SELECT 'sync-in'::kpi AS kpi, source, recorded_at AS at, recorded_at - occurred_at AS lag FROM told WHERE obligation IS NULL
    UNION ALL
    SELECT 'sync-out', t.source, t.occurred_at, t.occurred_at - d.created_at
      FROM told t CROSS JOIN LATERAL (
        SELECT created_at FROM deliveries WHERE deliveries.lane = t.lane AND deliveries.id = t.obligation LIMIT 1
      ) d
), cases AS (
    SELECT kpi, source, (at AT TIME ZONE 'UTC')::date AS day, greatest(0, floor(extract(epoch FROM lag) * 1000)) AS total FROM lags
)
INSERT INTO figures AS f (cut, kpi, member, day, bucket, cases, total)
SELECT m.cut, c.kpi, m.member, c.day, figure_bucket(c.kpi, c.total), count(*), sum(c.total)
  FROM cases c CROSS JOIN LATERAL (VALUES ('all', ''), ('channel', c.source)) AS m (cut, member)
 GROUP BY m.cut, c.kpi, m.member, c.day, figure_bucket(c.kpi, c.total)
    ON CONFLICT (cut, kpi, member, day, bucket) DO UPDATE SET cases = f.cases + excluded.cases, total = f.total + excluded.total

-- name: measure_orders
-- Measures every order that these facts of each lane tell of, as it stands now, and changes the figures by the difference to what stood in `measured`.
-- Every table is read by key, order by order (LATERAL with a limit), however large it is. $4: facts by which a person stepped in.
WITH ahead AS (
    SELECT * FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS a (lane, done, upto)
), touched AS MATERIALIZED (
    SELECT DISTINCT a.lane, f.key FROM ahead a CROSS JOIN LATERAL (
        SELECT key FROM facts WHERE facts.lane = a.lane AND facts.position > a.done AND facts.position <= a.upto OFFSET 0
    ) f
), orders AS MATERIALIZED (
    SELECT t.lane, t.key, p.milestone, p.positions, p.summary, p.summary ->> 'customer' AS partner FROM touched t CROSS JOIN LATERAL (
        SELECT process, milestone, positions, summary FROM processes WHERE processes.lane = t.lane AND processes.key = t.key LIMIT 1
    ) p WHERE p.process = 'order_to_cash' AND p.summary ->> 'customer' IS NOT NULL
), told AS MATERIALIZED (
    SELECT o.lane, o.key, f.type, f.source, f.message, f.occurred_at, b.*
      FROM orders o CROSS JOIN LATERAL unnest(o.positions) AS n (position) CROSS JOIN LATERAL (
        SELECT type, source, message, occurred_at, body FROM facts WHERE facts.lane = o.lane AND facts.position = n.position LIMIT 1
      ) f CROSS JOIN LATERAL json_to_record(
        CASE WHEN f.type IN ('order.received', 'order.changed', 'order.cancelled', 'order.lines-resolved', 'shipment.confirmed', 'document.sent', 'acknowledgement.received')
             THEN convert_from(f.body, 'UTF8')::json ELSE '{}'::json END)
           AS b (obligation text, shipment text, release text, site text, ship_no_later date, status text, purpose text, by text)
), taken AS MATERIALIZED (
    SELECT lane, key,
           min(occurred_at) FILTER (WHERE type = 'order.received') AS ordered_at,
           max(occurred_at) FILTER (WHERE type = 'shipment.confirmed') AS shipped_at,
           max(occurred_at) AS last_at,
           (array_agg(ship_no_later ORDER BY occurred_at DESC) FILTER (WHERE ship_no_later IS NOT NULL))[1] AS ship_no_later,
           (array_agg(site ORDER BY occurred_at) FILTER (WHERE type IN ('order.received', 'order.lines-resolved') AND site <> ''))[1] AS site,
           (array_agg(message ORDER BY occurred_at) FILTER (WHERE type = 'order.received'))[1] AS message,
           (array_agg(source ORDER BY occurred_at) FILTER (WHERE type = 'order.received'))[1] AS source,
           bool_or(type = ANY($4::text[]) OR type = 'order.cancelled' AND by = 'us') AS by_hand
      FROM told GROUP BY lane, key
), base AS MATERIALIZED (
    SELECT o.lane, o.key, o.partner, o.milestone, coalesce(t.site, '') AS site, t.by_hand, t.ordered_at, t.shipped_at, t.last_at,
           coalesce((SELECT m.channel FROM messages m WHERE m.id = t.message OFFSET 0), t.source) AS channel,
           CASE WHEN t.ship_no_later IS NOT NULL THEN (t.shipped_at AT TIME ZONE 'UTC')::date <= t.ship_no_later END AS on_time,
           l.ordered, l.shipped, l.lines, l.whole
      FROM orders o JOIN taken t ON t.lane = o.lane AND t.key = o.key CROSS JOIN LATERAL (
        SELECT sum(n.ordered) AS ordered, sum(least(n.shipped, n.ordered)) AS shipped, count(*) AS lines, count(*) FILTER (WHERE n.shipped >= n.ordered) AS whole
          FROM json_each(o.summary -> 'lines') AS x, json_to_record(x.value) AS n (ordered numeric, shipped numeric) WHERE n.ordered > 0
      ) l WHERE t.ordered_at IS NOT NULL
), troubles AS MATERIALIZED (
    SELECT b.lane, b.key, x.obligations FROM base b CROSS JOIN LATERAL (
        SELECT obligations FROM exceptions WHERE exceptions.lane = b.lane AND exceptions.key = b.key AND category = 'business' OFFSET 0
    ) x
), troubled AS MATERIALIZED (
    SELECT DISTINCT lane, key, true AS so FROM troubles
), held AS MATERIALIZED (
    SELECT DISTINCT lane, key, unnest(obligations) AS obligation, true AS so FROM troubles
), ships AS MATERIALIZED (
    SELECT lane, key, shipment, min(occurred_at) AS at, (array_agg(release ORDER BY occurred_at))[1] AS release,
           max(occurred_at) FILTER (WHERE purpose = 'replace') AS replaced_at
      FROM told WHERE type = 'shipment.confirmed' GROUP BY lane, key, shipment
), sent AS MATERIALIZED (
    SELECT lane, key, obligation, split_part(substr(obligation, length(key) + 2), '/', 1) AS kind, min(occurred_at) AS at
      FROM told WHERE type = 'document.sent' GROUP BY lane, key, obligation
), answered AS MATERIALIZED (
    SELECT lane, key, obligation, min(occurred_at) AS at, bool_or(status = 'rejected') AS rejected
      FROM told WHERE type = 'acknowledgement.received' GROUP BY lane, key, obligation
), spans AS (
    SELECT lane, key, 'order-cycle'::kpi AS kpi, shipped_at AS at, shipped_at - ordered_at AS span
      FROM base WHERE shipped_at IS NOT NULL AND milestone IN ('shipped', 'invoiced', 'complete')
    UNION ALL
    SELECT h.lane, h.key, 'pick-to-ship', h.at, h.at - coalesce(max(s.at) FILTER (WHERE s.obligation = h.key || '/release/' || h.release), max(s.at) FILTER (WHERE s.at <= h.at))
      FROM ships h JOIN sent s ON s.lane = h.lane AND s.key = h.key AND s.kind = 'release'
     GROUP BY h.lane, h.key, h.shipment, h.at, h.release
    UNION ALL
    SELECT h.lane, h.key, 'ship-to-invoice', s.at, s.at - h.at
      FROM ships h JOIN sent s ON s.lane = h.lane AND s.key = h.key AND s.obligation = h.key || '/invoice/' || h.shipment
    UNION ALL
    SELECT b.lane, b.key, 'acknowledgement', s.at, s.at - b.ordered_at
      FROM base b JOIN (SELECT lane, key, min(at) AS at FROM sent WHERE kind = 'acknowledge' GROUP BY lane, key) s ON s.lane = b.lane AND s.key = b.key
    UNION ALL
    SELECT s.lane, s.key, 'functional-ack', a.at, a.at - s.at
      FROM sent s JOIN answered a ON a.lane = s.lane AND a.key = s.key AND a.obligation = s.obligation
     WHERE s.kind IN ('acknowledge', 'ship-notice', 'invoice')
), shares AS (
    SELECT lane, key, 'fill'::kpi AS kpi, shipped_at AS at, ordered AS cases, shipped AS total
      FROM base WHERE ordered > 0 AND shipped_at IS NOT NULL AND milestone IN ('shipped', 'invoiced', 'complete')
    UNION ALL
    SELECT lane, key, 'line-fill', shipped_at, lines, whole
      FROM base WHERE lines > 0 AND shipped_at IS NOT NULL AND milestone IN ('shipped', 'invoiced', 'complete')
    UNION ALL
    SELECT lane, key, 'on-time', shipped_at, 1, on_time::int
      FROM base WHERE on_time IS NOT NULL AND milestone IN ('shipped', 'invoiced', 'complete')
    UNION ALL
    SELECT b.lane, b.key, 'perfect-order', b.last_at, 1, (b.whole = b.lines AND b.on_time IS NOT false AND t.so IS NULL AND r.so IS NULL)::int
      FROM base b LEFT JOIN troubled t ON t.lane = b.lane AND t.key = b.key
      LEFT JOIN (SELECT lane, key, true AS so FROM answered GROUP BY lane, key HAVING bool_or(rejected)) r ON r.lane = b.lane AND r.key = b.key
     WHERE b.milestone = 'complete'
    UNION ALL
    SELECT lane, key, 'manual-touch', last_at, 1, by_hand::int FROM base WHERE milestone IN ('complete', 'cancelled')
    UNION ALL
    SELECT s.lane, s.key, 'invoice-exception', s.at, 1, coalesce(x.so, false)::int
      FROM sent s LEFT JOIN held x ON x.lane = s.lane AND x.key = s.key AND x.obligation = s.obligation WHERE s.kind = 'invoice'
    UNION ALL
    SELECT s.lane, s.key, 'asn-accuracy', s.at, 1, (x.so IS NULL AND coalesce(NOT a.rejected, true) AND coalesce(h.replaced_at <= s.at, true))::int
      FROM sent s LEFT JOIN held x ON x.lane = s.lane AND x.key = s.key AND x.obligation = s.obligation
      LEFT JOIN answered a ON a.lane = s.lane AND a.key = s.key AND a.obligation = s.obligation
      LEFT JOIN ships h ON h.lane = s.lane AND h.key = s.key AND s.obligation = s.key || '/ship-notice/' || h.shipment
     WHERE s.kind = 'ship-notice'
), cases AS MATERIALIZED (
    SELECT lane, key, kpi, (at AT TIME ZONE 'UTC')::date AS day, 1::numeric AS cases, greatest(0, floor(extract(epoch FROM span) * 1000)) AS total FROM spans WHERE span IS NOT NULL
    UNION ALL
    SELECT lane, key, kpi, (at AT TIME ZONE 'UTC')::date, cases, total FROM shares
), new AS MATERIALIZED (
    SELECT b.lane, b.key, b.partner, b.site, b.channel,
           coalesce(array_agg(c.kpi ORDER BY c.kpi, c.day, c.cases, c.total) FILTER (WHERE c.kpi IS NOT NULL), '{}') AS kpis,
           coalesce(array_agg(c.day ORDER BY c.kpi, c.day, c.cases, c.total) FILTER (WHERE c.kpi IS NOT NULL), '{}') AS days,
           coalesce(array_agg(c.cases ORDER BY c.kpi, c.day, c.cases, c.total) FILTER (WHERE c.kpi IS NOT NULL), '{}') AS cases,
           coalesce(array_agg(c.total ORDER BY c.kpi, c.day, c.cases, c.total) FILTER (WHERE c.kpi IS NOT NULL), '{}') AS totals
      FROM base b LEFT JOIN cases c ON c.lane = b.lane AND c.key = b.key GROUP BY b.lane, b.key, b.partner, b.site, b.channel
), old AS MATERIALIZED (
    SELECT m.* FROM new n CROSS JOIN LATERAL (SELECT * FROM measured WHERE measured.lane = n.lane AND measured.key = n.key LIMIT 1) m
), written AS (
    INSERT INTO measured AS m (lane, key, partner, site, channel, kpis, days, cases, totals)
    SELECT lane, key, partner, site, channel, kpis, days, cases, totals FROM new n
     WHERE n.kpis <> '{}' OR EXISTS (SELECT FROM old o WHERE o.lane = n.lane AND o.key = n.key)
        ON CONFLICT (lane, key) DO UPDATE SET partner = excluded.partner, site = excluded.site, channel = excluded.channel, kpis = excluded.kpis,
           days = excluded.days, cases = excluded.cases, totals = excluded.totals
     WHERE (m.partner, m.site, m.channel, m.kpis, m.days, m.cases, m.totals)
           IS DISTINCT FROM (excluded.partner, excluded.site, excluded.channel, excluded.kpis, excluded.days, excluded.cases, excluded.totals)
), difference AS (
    SELECT n.partner, n.site, n.channel, e.kpi, e.day, e.cases, e.total, figure_bucket(e.kpi, e.total) AS bucket
      FROM new n CROSS JOIN LATERAL unnest(n.kpis, n.days, n.cases, n.totals) AS e (kpi, day, cases, total)
    UNION ALL
    SELECT o.partner, o.site, o.channel, e.kpi, e.day, -e.cases, -e.total, figure_bucket(e.kpi, e.total)
      FROM old o CROSS JOIN LATERAL unnest(o.kpis, o.days, o.cases, o.totals) AS e (kpi, day, cases, total)
)
INSERT INTO figures AS f (cut, kpi, member, day, bucket, cases, total)
SELECT m.cut, d.kpi, m.member, d.day, d.bucket, sum(d.cases), sum(d.total)
  FROM difference d CROSS JOIN LATERAL (VALUES ('all', ''), ('partner', d.partner), ('site', d.site), ('channel', d.channel)) AS m (cut, member)
 WHERE m.cut = 'all' OR m.member <> ''
 GROUP BY m.cut, d.kpi, m.member, d.day, d.bucket HAVING sum(d.cases) <> 0 OR sum(d.total) <> 0
    ON CONFLICT (cut, kpi, member, day, bucket) DO UPDATE SET cases = f.cases + excluded.cases, total = f.total + excluded.total

-- name: save_measuring
-- So far each lane has been measured.
INSERT INTO measuring (lane, position) SELECT * FROM unnest($1::int[], $2::bigint[]) ON CONFLICT (lane) DO UPDATE SET position = excluded.position

-- name: forget_figures
-- Everything is measured anew from the log.
TRUNCATE figures, measured, measuring

-- name: figures_by_day
-- Figures of one member of a cut ('all' has the member '') from day $4 to day $5, a row a day; beside the sums, how many cases each bucket has.
SELECT kpi::text AS kpi, day, sum(cases) AS cases, sum(total) AS total, array_agg(bucket) AS buckets, array_agg(cases::float8) AS counts FROM figures
 WHERE cut = $1 AND kpi = ANY($2::text[]::kpi[]) AND member = $3 AND day BETWEEN $4 AND $5 AND cases <> 0 GROUP BY figures.kpi, day ORDER BY figures.kpi, day

-- name: figures_by_member
-- Figures of these members of a cut from day $4 to day $5, a row a member and key figure: each by the index, so that other members' cost nothing.
SELECT m.member, k.kpi::text AS kpi, f.cases, f.total, f.buckets, f.counts
  FROM unnest($3::text[]) AS m (member) CROSS JOIN unnest($2::text[]::kpi[]) AS k (kpi) CROSS JOIN LATERAL (
    SELECT sum(b.cases) AS cases, sum(b.total) AS total, array_agg(b.bucket) AS buckets, array_agg(b.cases::float8) AS counts FROM (
        SELECT bucket, sum(cases) AS cases, sum(total) AS total FROM figures
         WHERE cut = $1 AND figures.kpi = k.kpi AND figures.member = m.member AND day BETWEEN $4 AND $5 GROUP BY bucket HAVING sum(cases) <> 0
    ) b
  ) f WHERE f.cases IS NOT NULL ORDER BY m.member, k.kpi

-- name: figure_members
-- The members of a cut that have figures of one of these kinds, behind $3, at most $4: from one to the next by the index.
WITH RECURSIVE k AS (
    SELECT unnest($2::text[]::kpi[]) AS kpi
), members AS (
    SELECT (SELECT min(n.member) FROM k CROSS JOIN LATERAL (
        SELECT member FROM figures WHERE cut = $1 AND figures.kpi = k.kpi AND member > $3 ORDER BY member LIMIT 1) n) AS member, 1 AS n
    UNION ALL
    SELECT (SELECT min(n.member) FROM k CROSS JOIN LATERAL (
        SELECT member FROM figures WHERE cut = $1 AND figures.kpi = k.kpi AND figures.member > members.member ORDER BY member LIMIT 1) n), members.n + 1
      FROM members WHERE members.member IS NOT NULL AND members.n < $4
)
SELECT member FROM members WHERE member IS NOT NULL
