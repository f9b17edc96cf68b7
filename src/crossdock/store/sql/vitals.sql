-- name: vital_lanes
-- How far each lane is recorded and folded, and since when the first fact that is not folded yet has been there. A look into an index a lane.
SELECT l.lane, l.head, c.position,
       (SELECT f.recorded_at FROM facts f WHERE f.lane = l.lane AND f.position > c.position ORDER BY f.position LIMIT 1) AS waiting_since
  FROM lanes l JOIN cursors c ON c.lane = l.lane ORDER BY l.lane

-- name: vital_deliveries
-- Deliveries that have not come to their end, and the dead, by system; and since when the oldest that is queued has been due. Reads what is open, by an index of that alone.
SELECT system, status, count(*) AS count, min(due_at) FILTER (WHERE status = 'queued' AND due_at < 'infinity') AS due_since
  FROM deliveries WHERE status IN ('queued', 'sending', 'unknown', 'dead') GROUP BY system, status ORDER BY system, status

-- name: vital_late
-- Open obligations that were due before $1, by who owes them and of which kind. Reads what is open, from the two indexes of that alone.
SELECT debtor, kind, count, due_since FROM (
    SELECT debtor, kind, count(*) AS count, min(due_at) AS due_since FROM obligations
     WHERE debtor <> 'us' AND status IN ('blocked', 'ready', 'waiting', 'refused') AND due_at < $1 GROUP BY debtor, kind
    UNION ALL
    SELECT 'us', kind, count(*), min(due_at) FROM obligations
     WHERE debtor = 'us' AND status IN ('blocked', 'ready', 'waiting', 'refused') AND due_at < $1 GROUP BY kind
) o ORDER BY count DESC, debtor, kind

-- name: vital_exceptions
-- Exceptions that stand open, by category and cause. Reads those, by an index of them alone.
SELECT category, cause, count(*) AS count FROM exceptions WHERE closed_at IS NULL GROUP BY category, cause ORDER BY category, cause

-- name: vital_unread
-- Messages that nobody has read yet, and since when the oldest has been here.
SELECT count(*) AS count, min(received_at) AS waiting_since FROM messages WHERE status = 'stored'

-- name: vital_held
-- Held messages by channel.
SELECT channel, count(*) AS count FROM messages WHERE status = 'held' GROUP BY channel ORDER BY channel

-- name: vital_set_aside
-- How many processes a defect keeps from being folded.
SELECT count(*) FROM processes WHERE defect <> ''

-- name: vital_systems
-- How each system did when a worker told of it last.
SELECT system, breaker, updated_at FROM system_health ORDER BY system

-- name: vital_sources
-- When each system that tells stock was heard last, by its movements or its snapshots.
SELECT s.system, greatest(s.heard_at,
       (SELECT max(t.heard_at) FROM streams t WHERE t.source = s.system),
       (SELECT max(n.received_at) FROM snapshots n WHERE n.system = s.system)) AS heard_at
  FROM stock_sources s ORDER BY s.system

-- name: vital_channels
-- How many pairs of item and site each channel has still to be told of.
SELECT channel, count(*) AS count FROM channel_changed GROUP BY channel ORDER BY channel

-- name: vital_events
-- How many events there are, and how many facts are folded and not looked through for events yet.
SELECT a.sequence AS events, (SELECT coalesce(sum(c.position - coalesce(e.position, 0)), 0)::bigint FROM cursors c LEFT JOIN event_cursors e ON e.lane = c.lane) AS behind
  FROM announcer a

-- name: vital_subscriptions
-- Webhooks by status.
SELECT status, count(*) AS count FROM subscriptions GROUP BY status ORDER BY status

-- name: vital_webhooks
-- What subscribers are still to be told of, and since when the oldest has been due. Reads what is open, by an index of that alone.
SELECT count(*) AS count, min(due_at) AS due_since FROM webhook_deliveries WHERE status IN ('queued', 'sending')

-- name: callers_traces
-- What these processes' first messages said of a caller's trace, of those that said anything.
SELECT p.key, m.attributes->>'traceparent' AS traceparent
  FROM unnest($1::int[], $2::text[]) AS w (lane, key)
  JOIN processes p ON p.lane = w.lane AND p.key = w.key
  JOIN facts f ON f.lane = p.lane AND f.position = p.positions[1]
  JOIN messages m ON m.id = f.message
 WHERE m.attributes->>'traceparent' IS NOT NULL
