-- name: in_flight
-- Orders that are neither complete nor cancelled, by milestone; of one partner where $1 says so. Reads an index of those that are not complete.
SELECT milestone, count(*) AS count FROM processes
 WHERE process = 'order_to_cash' AND milestone <> 'complete' AND milestone <> 'cancelled' AND ($1::text IS NULL OR partner = $1) GROUP BY milestone

-- name: owed_late
-- What is owed and was due before $1, by us and by others: how much, the money in it, the oldest. Reads what is late, by an index of what is open.
SELECT debtor = 'us' AS ours, count(*) AS count, sum(amount) AS amount, min(due_at) AS oldest
  FROM obligations WHERE status IN ('blocked', 'ready', 'waiting', 'refused') AND due_at < $1 GROUP BY 1

-- name: owed_soon
-- What falls due between $1 and $2, by us and by others.
SELECT debtor = 'us' AS ours, count(*) AS count, sum(amount) AS amount
  FROM obligations WHERE status IN ('blocked', 'ready', 'waiting', 'refused') AND due_at >= $1 AND due_at < $2 GROUP BY 1

-- name: latest_owed
-- What was due before $1 and is owed by us ($2) or by others, the most money first and then the longest overdue; at most $3.
SELECT o.id, o.key, o.kind, o.debtor, o.creditor, o.status, o.due_at, o.blocked_by, o.subject, o.amount
  FROM obligations o WHERE o.status IN ('blocked', 'ready', 'waiting', 'refused') AND o.due_at < $1 AND (o.debtor = 'us') = $2
 ORDER BY o.amount DESC NULLS LAST, o.due_at, o.id LIMIT $3

-- name: trouble_now
-- Open exceptions by category and cause: how many, the money in them, the oldest. Reads those, by an index of them alone.
SELECT category, cause, count(*) AS count, sum(amount) AS amount, min(opened_at) AS oldest
  FROM exceptions WHERE closed_at IS NULL GROUP BY category, cause ORDER BY sum(amount) DESC NULLS LAST, count(*) DESC, cause

-- name: trouble_cared_for
-- Open exceptions by category and cause, with how many of them somebody has taken on or put off at $1, and of those that $2 has taken on alone where it is given.
SELECT x.category, x.cause, count(*) AS count, sum(x.amount) AS amount, min(x.opened_at) AS oldest,
       count(*) FILTER (WHERE c.assignee <> '') AS assigned,
       count(*) FILTER (WHERE c.snoozed_until > $1 AND c.snoozed_at >= x.opened_at) AS snoozed
  FROM exceptions x LEFT JOIN exception_care c ON c.lane = x.lane AND c.id = x.id
 WHERE x.closed_at IS NULL AND ($2::text IS NULL OR coalesce(c.assignee, '') = $2)
 GROUP BY x.category, x.cause ORDER BY sum(x.amount) DESC NULLS LAST, count(*) DESC, x.cause

-- name: trouble_by_hour
-- How many exceptions opened in each hour since $1; hours without one are left out.
SELECT date_trunc('hour', opened_at) AS hour, count(*) AS count FROM exception_intervals WHERE opened_at >= $1 GROUP BY 1 ORDER BY 1

-- name: answered_since
-- Attempts since $1 by system: how many, how many were accepted, and how long the other side took. Reads the end of the attempts.
SELECT d.system, count(*) AS count, count(*) FILTER (WHERE a.outcome = 'accepted') AS accepted,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM a.ended_at - a.started_at)) AS median_seconds,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM a.ended_at - a.started_at)) AS slow_seconds
  FROM attempts a CROSS JOIN LATERAL (SELECT system FROM deliveries WHERE deliveries.lane = a.lane AND deliveries.id = a.delivery LIMIT 1) d
 WHERE a.ended_at >= $1 GROUP BY d.system

-- name: came_since
-- Messages that came in since $1, by channel. Reads the end of the messages.
SELECT channel, count(*) AS count, max(received_at) AS latest FROM messages WHERE direction = 'in' AND received_at >= $1 GROUP BY channel

-- name: count_throughput
-- Counts facts by minute and type that were recorded since this was done last, at most $1 of each lane. Of a log that is longer than $2 a lane when it is first counted
-- only the end is. Returns how many were counted.
WITH fresh AS MATERIALIZED (
    SELECT l.lane, f.position, f.type, date_trunc('minute', f.recorded_at) AS minute
      FROM lanes l LEFT JOIN throughput_counted c ON c.lane = l.lane
      CROSS JOIN LATERAL (
        SELECT position, type, recorded_at FROM facts
         WHERE lane = l.lane AND position > coalesce(c.position, greatest(0, l.head - $2::bigint)) ORDER BY position LIMIT $1
      ) f
), moved AS (
    INSERT INTO throughput_counted (lane, position) SELECT lane, max(position) FROM fresh GROUP BY lane
        ON CONFLICT (lane) DO UPDATE SET position = excluded.position
), kept AS (
    INSERT INTO throughput AS t (minute, type, count) SELECT minute, type, count(*) FROM fresh GROUP BY minute, type
        ON CONFLICT (minute, type) DO UPDATE SET count = t.count + excluded.count
)
SELECT count(*) FROM fresh

-- name: forget_throughput
-- Minutes before $1 are no longer asked for.
DELETE FROM throughput WHERE minute < $1

-- name: throughput_since
-- Facts by minute and type since $1.
SELECT minute, type, count FROM throughput WHERE minute >= $1 ORDER BY minute

-- name: try_lock_board
-- Whether we are the one who works the board out now; held to the end of the transaction.
SELECT pg_try_advisory_xact_lock($1)

-- name: put_board
-- The figures of Today as worked out at $1, in $3 milliseconds.
INSERT INTO board (only_row, told_at, figures, took_ms) VALUES (true, $1, $2, $3)
    ON CONFLICT (only_row) DO UPDATE SET told_at = excluded.told_at, figures = excluded.figures, took_ms = excluded.took_ms

-- name: board
-- The figures of Today as they were last worked out.
SELECT told_at, figures, took_ms FROM board

-- name: search_references
-- Processes that a reference leads to, of one partner where $6 says so, the best first: the whole value ($1, in any of these spellings), what begins with $2 (up to $3),
-- what ends with $4 reversed (up to $5). Each is a range of an index; at most $7 of each are looked at and $8 told.
WITH candidates AS (
    (SELECT value, kind, key, lane, 0 AS rank FROM names WHERE value = ANY($1::text[]) AND kind NOT IN ('customer', 'item') ORDER BY value, kind, key LIMIT $7)
    UNION ALL
    (SELECT n.value, n.kind, n.key, n.lane, 1 FROM unnest($2::text[], $3::text[]) AS r (low, high)
      CROSS JOIN LATERAL (SELECT * FROM names WHERE value > r.low AND value < r.high ORDER BY value, kind, key LIMIT $7) n WHERE n.kind NOT IN ('customer', 'item'))
    UNION ALL
    (SELECT n.value, n.kind, n.key, n.lane, 2 FROM unnest($4::text[], $5::text[]) AS r (low, high)
      CROSS JOIN LATERAL (SELECT * FROM names WHERE reverse(value) COLLATE "C" > r.low AND reverse(value) COLLATE "C" < r.high
                                                AND kind NOT IN ('customer', 'item', 'control-number', 'message') ORDER BY reverse(value) COLLATE "C" LIMIT $7) n)
), best AS (
    SELECT DISTINCT ON (key) value, kind, key, lane, rank FROM candidates ORDER BY key, rank, length(value), kind
)
SELECT b.value, b.kind, b.key, b.rank, p.process, p.milestone, p.partner, p.summary::text AS summary, p.updated_at
  FROM (SELECT * FROM best ORDER BY rank, length(value), value, key
         LIMIT CASE WHEN $6::text IS NULL THEN $8 ELSE $7 END) b JOIN processes p ON p.lane = b.lane AND p.key = b.key
 WHERE $6::text IS NULL OR p.partner = $6
 ORDER BY b.rank, length(b.value), b.value, b.key LIMIT $8

-- name: orders_newest
-- The newest orders of these partners ($1), behind ($2 first heard of, $3 key): a range of an index for each partner. At most $4.
SELECT o.* FROM unnest($1::text[]) AS w (partner)
 CROSS JOIN LATERAL (
    SELECT key, milestone, partner, summary::text AS summary, created_at, updated_at FROM processes
     WHERE partner = w.partner AND process = 'order_to_cash' AND (created_at, key) < ($2::timestamptz, $3::text)
     ORDER BY created_at DESC, key DESC LIMIT $4
 ) o ORDER BY o.created_at DESC, o.key DESC LIMIT $4

-- name: orders_standing
-- The newest orders that stand at milestone $2 and are not complete, of these partners ($1), behind ($3 first heard of, $4 key): a range of an index for each partner. At most $5.
SELECT o.* FROM unnest($1::text[]) AS w (partner)
 CROSS JOIN LATERAL (
    SELECT key, milestone, partner, summary::text AS summary, created_at, updated_at FROM processes
     WHERE process = 'order_to_cash' AND milestone <> 'complete' AND milestone = $2 AND partner = w.partner AND (created_at, key) < ($3::timestamptz, $4::text)
     ORDER BY created_at DESC, key DESC LIMIT $5
 ) o ORDER BY o.created_at DESC, o.key DESC LIMIT $5

-- name: filters_of
-- The filters that somebody has saved.
SELECT name, query FROM saved_filters WHERE person = $1 ORDER BY name

-- name: put_filter
-- Saves a filter under a name of its own.
INSERT INTO saved_filters (person, name, query) VALUES ($1, $2, $3) ON CONFLICT (person, name) DO UPDATE SET query = excluded.query

-- name: drop_filter
-- Forgets a saved filter.
DELETE FROM saved_filters WHERE person = $1 AND name = $2
