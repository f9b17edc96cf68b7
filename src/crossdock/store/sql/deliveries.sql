-- name: claim_deliveries
-- Holds deliveries of a system that are due, at most $3, oldest first, to the end of the transaction, which says of each in what it goes or why it cannot.
-- With $4, only the first unsettled one of each ordering key.
SELECT lane, id, key, system, document, partner, content, number, told, attempts + 1 AS attempts, rounds, created_at, message, sequence FROM deliveries d
 WHERE system = $1 AND status = 'queued' AND due_at <= $2
   AND (NOT $4 OR NOT EXISTS (
        SELECT FROM deliveries e WHERE e.system = d.system AND e.ordering_key = d.ordering_key AND e.sequence < d.sequence
           AND e.status IN ('queued', 'sending', 'unknown')))
 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED

-- name: claim_uncertain
-- Takes deliveries whose outcome nobody knows: lease run out while being sent, or answered with a shrug. Leases them again. Whole transmissions, some $3 deliveries:
-- the message's row is locked, so that no two workers look up, and send again, a part each of the same transmission.
WITH uncertain AS (
    SELECT message FROM deliveries
     WHERE system = $1 AND status IN ('sending', 'unknown') AND leased_until <= $2 ORDER BY leased_until LIMIT $3
), held AS (
    SELECT id FROM messages WHERE id IN (SELECT message FROM uncertain) FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE deliveries d SET status = 'sending', attempts = d.attempts + 1, leased_until = $4
  FROM held h WHERE d.message = h.id AND d.system = $1 AND d.status IN ('sending', 'unknown') AND d.leased_until <= $2
RETURNING d.lane, d.id, d.key, d.system, d.document, d.partner, d.content, d.number, d.told, d.attempts, d.rounds, d.created_at, d.message, d.control, d.sequence,
       d.due_at = 'infinity' AS withdrawn

-- name: keep_transmissions
-- Writes down what is about to go over the wire, before it goes. Returns message ids by name.
INSERT INTO messages (direction, channel, source_id, sha256, data, name, content_type, attributes, received_at, status)
SELECT 'out', channel, name, sha256, data, name, content_type, attributes::json, $7, 'sent'
  FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[], $5::text[], $6::text[]) AS t (channel, name, sha256, data, content_type, attributes)
    ON CONFLICT (channel, source_id, direction) DO UPDATE SET data = excluded.data, sha256 = excluded.sha256, attributes = excluded.attributes
RETURNING id, name

-- name: attach_transmissions
-- These deliveries are being sent from now on, leased until $5: in which transmission, and where in it.
UPDATE deliveries d SET status = 'sending', attempts = d.attempts + 1, leased_until = $5, message = t.message, control = t.control
  FROM unnest($1::int[], $2::text[], $3::bigint[], $4::text[]) AS t (lane, id, message, control)
 WHERE d.lane = t.lane AND d.id = t.id

-- name: refuse_unwritable
-- These cannot be written, and will not be tried again until somebody asks for it.
UPDATE deliveries d SET status = 'refused', attempts = d.attempts + 1, outcome = u.outcome, settled_at = $4
  FROM unnest($1::int[], $2::text[], $3::text[]) AS u (lane, id, outcome)
 WHERE d.lane = u.lane AND d.id = u.id

-- name: keep_control
-- Control numbers by which their acknowledgement will name these deliveries.
INSERT INTO transmitted (channel, interchange, functional_id, group_number, transaction, key, obligation)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) ON CONFLICT DO NOTHING

-- name: reserve_numbers
-- Hands out $3 control numbers; returns the last of them.
INSERT INTO control_numbers (channel, kind, last) VALUES ($1, $2, $3)
    ON CONFLICT (channel, kind) DO UPDATE SET last = control_numbers.last + $3 RETURNING last

-- name: settle_deliveries
-- What became of deliveries, and when they are due again where they are. One that was withdrawn while it was under way (due 'infinity') is not due again.
UPDATE deliveries d
   SET status = CASE WHEN s.status = 'queued' AND d.due_at = 'infinity' THEN 'cancelled' ELSE s.status END,
       outcome = CASE WHEN s.status = 'queued' AND d.due_at = 'infinity' THEN 'no longer owed' ELSE s.outcome END,
       due_at = CASE WHEN d.due_at < 'infinity' THEN coalesce(s.due_at, d.due_at) WHEN s.status = 'unknown' THEN d.due_at ELSE $8 END,
       leased_until = s.leased_until,
       message = CASE WHEN s.status = 'queued' AND s.recompose THEN NULL ELSE d.message END,
       settled_at = CASE WHEN s.status IN ('accepted', 'refused', 'dead') OR s.status = 'queued' AND d.due_at = 'infinity' THEN $8::timestamptz ELSE NULL END
  FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::bool[]) AS s (lane, id, status, outcome, due_at, leased_until, recompose)
 WHERE d.lane = s.lane AND d.id = s.id AND d.status IN ('sending', 'unknown')

-- name: write_attempts
-- Keeps every attempt.
INSERT INTO attempts (lane, delivery, attempt, kind, message, started_at, ended_at, outcome, status, detail)
SELECT * FROM unnest($1::int[], $2::text[], $3::int[], $4::text[], $5::bigint[], $6::timestamptz[], $7::timestamptz[], $8::text[], $9::text[], $10::text[])

-- name: give_back
-- A stopping worker gives back what it had claimed and not begun.
UPDATE deliveries d SET status = 'queued', attempts = attempts - 1, leased_until = NULL
  FROM unnest($1::int[], $2::text[]) AS g (lane, id) WHERE d.lane = g.lane AND d.id = g.id AND d.status = 'sending'

-- name: retry_deliveries
-- Queues dead deliveries again (those refused for a business reason are retried by a fact). Ids, or all of a system when $1 is null.
WITH again AS (
    UPDATE deliveries SET status = 'queued', due_at = $3, attempts = 0, outcome = '', settled_at = NULL
     WHERE status = 'dead' AND ($1::text[] IS NULL OR id = ANY($1)) AND ($2::text IS NULL OR system = $2) RETURNING lane, id
)
SELECT lane, id FROM again

-- name: save_health
-- How a system does, as its dispatcher sees it.
INSERT INTO system_health (system, breaker, detail, updated_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (system) DO UPDATE SET breaker = excluded.breaker, detail = excluded.detail, updated_at = excluded.updated_at
