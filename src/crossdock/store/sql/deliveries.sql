-- name: claim_deliveries
-- Holds deliveries of a system that are due, at most $3, oldest first, to the end of the transaction, which says of each in what it goes or why it cannot.
-- With $4, only the first of each ordering key that has not come to its end: one that is dead or refused holds up those behind it as long as it is owed.
SELECT lane, id, key, system, document, partner, content, number, told, attempts + 1 AS attempts, rounds, created_at, message, sequence FROM deliveries d
 WHERE system = $1 AND status = 'queued' AND due_at <= $2
   AND (NOT $4 OR NOT EXISTS (
        SELECT FROM deliveries e WHERE e.system = d.system AND e.ordering_key = d.ordering_key AND e.sequence < d.sequence
           AND (e.status IN ('queued', 'sending', 'unknown')
             OR e.status IN ('dead', 'refused')
            AND EXISTS (SELECT FROM obligations o WHERE o.lane = e.lane AND o.id = e.id AND o.status IN ('blocked', 'ready', 'waiting', 'refused')))))
 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED

-- name: claim_uncertain
-- Takes deliveries whose outcome nobody knows: lease run out while being sent, or answered with a shrug. Leases them again. Whole transmissions, some $3 deliveries:
-- the message's row is locked, so that no two workers look up, and send again, a part each of the same transmission. One whose attempts had been set back is a dead
-- letter that a person had retried.
WITH uncertain AS (
    SELECT message FROM deliveries
     WHERE system = $1 AND status IN ('sending', 'unknown') AND leased_until <= $2 ORDER BY leased_until LIMIT $3
), held AS (
    SELECT id FROM messages WHERE id IN (SELECT message FROM uncertain) FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE deliveries d SET status = 'sending', attempts = d.attempts + 1, leased_until = $4
  FROM held h WHERE d.message = h.id AND d.system = $1 AND d.status IN ('sending', 'unknown') AND d.leased_until <= $2
RETURNING d.lane, d.id, d.key, d.system, d.document, d.partner, d.content, d.number, d.told, d.attempts, d.rounds, d.created_at, d.message, d.control, d.sequence,
       d.due_at = 'infinity' AS withdrawn, d.attempts = 1 AS retried

-- name: keep_transmissions
-- Writes down what is about to go over the wire, before it goes. Returns message ids by name; one whose name is taken is not written and not returned.
INSERT INTO messages (direction, channel, source_id, sha256, data, name, content_type, attributes, received_at, status)
SELECT 'out', $1, name, sha256, data, name, content_type, attributes::json, $7, 'sent'
  FROM unnest($2::text[], $3::bytea[], $4::bytea[], $5::text[], $6::text[]) AS t (name, sha256, data, content_type, attributes)
    ON CONFLICT (channel, source_id, direction) DO NOTHING
RETURNING id, name

-- name: kept_transmissions
-- Which of these are written down already: the same bytes and attributes under the same name. What was written is never written over.
SELECT m.id, t.name FROM unnest($2::text[], $3::bytea[], $4::text[]) AS t (name, data, attributes)
  JOIN messages m ON m.channel = $1 AND m.direction = 'out' AND m.source_id = t.name
 WHERE m.data = t.data AND m.attributes::text = t.attributes

-- name: keep_other_transmission
-- Other bytes under a name that is taken: a row of their own, whose source's id tells them apart; the name on the wire is the same.
INSERT INTO messages (direction, channel, source_id, sha256, data, name, content_type, attributes, received_at, status)
VALUES ('out', $1, $2, $3, $4, $5, $6, $7::text::json, $8, 'sent')
    ON CONFLICT (channel, source_id, direction) DO UPDATE SET source_id = excluded.source_id
RETURNING id

-- name: attach_transmissions
-- These deliveries are being sent from now on, leased until $2: in which transmission of channel $3, and where in it; and the control numbers by which their
-- acknowledgement will name them, where they have some.
WITH t AS (
    SELECT * FROM unnest($1::attached_delivery[])
), named AS (
    INSERT INTO transmitted (channel, interchange, functional_id, group_number, transaction, key, obligation)
    SELECT $3, interchange, functional_id, group_number, transaction, key, id FROM t WHERE interchange IS NOT NULL ON CONFLICT DO NOTHING
)
UPDATE deliveries d SET status = 'sending', attempts = d.attempts + 1, leased_until = $2, message = t.message, control = t.control
  FROM t
 WHERE d.lane = t.lane AND d.id = t.id

-- name: refuse_unwritable
-- These cannot be written, and will not be tried again until somebody asks for it.
UPDATE deliveries d SET status = 'refused', attempts = d.attempts + 1, outcome = u.outcome, settled_at = $4
  FROM unnest($1::int[], $2::text[], $3::text[]) AS u (lane, id, outcome)
 WHERE d.lane = u.lane AND d.id = u.id

-- name: reserve_numbers
-- Hands out $3 control numbers; returns the last of them.
INSERT INTO control_numbers (channel, kind, last) VALUES ($1, $2, $3)
    ON CONFLICT (channel, kind) DO UPDATE SET last = control_numbers.last + $3 RETURNING last

-- name: settle_deliveries
-- Keeps every attempt, and writes what became of its delivery, and when it is due again where it is. One that was withdrawn while it was under way (due 'infinity')
-- is not due again. Whoever was overtaken (its lease ran out and another attempt was made) changes nothing, unless it was accepted: that is so whenever it is told.
-- Returns those that were overtaken, and whether they were written all the same.
WITH s AS (
    SELECT * FROM unnest($1::settlement[])
), kept AS (
    INSERT INTO attempts (lane, delivery, attempt, kind, message, started_at, ended_at, outcome, status, detail, answer)
    SELECT lane, id, attempt, kind, message, started_at, ended_at, verdict, answered, detail, answer FROM s
), written AS (
    UPDATE deliveries d
       SET status = CASE WHEN s.status = 'queued' AND d.due_at = 'infinity' THEN 'cancelled' ELSE s.status END,
           outcome = CASE WHEN s.status = 'queued' AND d.due_at = 'infinity' THEN 'no longer owed' ELSE s.outcome END,
           due_at = CASE WHEN d.due_at < 'infinity' THEN CASE WHEN s.status = 'queued' THEN s.due_at ELSE d.due_at END WHEN s.status = 'unknown' THEN d.due_at ELSE $2 END,
           leased_until = CASE WHEN s.status = 'unknown' THEN s.due_at END,
           message = CASE WHEN s.status <> 'queued' THEN coalesce(d.message, s.message) END,
           uncertain = s.uncertain,
           settled_at = CASE WHEN s.status IN ('accepted', 'refused', 'dead') OR s.status = 'queued' AND d.due_at = 'infinity' THEN $2::timestamptz ELSE NULL END
      FROM s
     WHERE d.lane = s.lane AND d.id = s.id AND d.rounds = s.round
       AND (d.attempts = s.attempt AND d.status IN ('sending', 'unknown')
         OR s.status = 'accepted' AND d.status IN ('queued', 'sending', 'unknown', 'dead'))
    RETURNING d.lane, d.id, d.attempts <> s.attempt AS overtaken
)
SELECT s.id, w.id IS NOT NULL AS written FROM s LEFT JOIN written w ON w.lane = s.lane AND w.id = s.id WHERE w.overtaken IS NOT FALSE

-- name: give_back
-- A worker that stops gives back what it had claimed and not begun: what was to be sent is queued, what was to be looked up ($4) is looked up by the next.
UPDATE deliveries d
   SET status = CASE WHEN g.looked_up THEN 'unknown' ELSE 'queued' END, attempts = d.attempts - 1,
       leased_until = CASE WHEN g.looked_up THEN $5::timestamptz END, message = CASE WHEN g.looked_up THEN d.message END
  FROM unnest($1::int[], $2::text[], $3::int[], $4::bool[]) AS g (lane, id, attempt, looked_up)
 WHERE d.lane = g.lane AND d.id = g.id AND d.attempts = g.attempt AND d.status = 'sending'

-- name: note_not_sent
-- These were written down to be sent, and never went.
UPDATE messages SET note = $2 WHERE id = ANY($1::bigint[])

-- name: retry_deliveries
-- Takes dead deliveries up again (those refused for a business reason are retried by a fact), by id, or all of a system when $1 is null. What nobody knows to be
-- done or not is looked up first, unless $4; all else is queued.
UPDATE deliveries
   SET status = CASE WHEN uncertain AND NOT $4 THEN 'unknown' ELSE 'queued' END,
       leased_until = CASE WHEN uncertain AND NOT $4 THEN $3::timestamptz END,
       message = CASE WHEN uncertain AND NOT $4 THEN message END,
       due_at = $3, attempts = 0, rounds = rounds + 1, uncertain = false, outcome = '', settled_at = NULL
 WHERE status = 'dead' AND ($1::text[] IS NULL OR id = ANY($1)) AND ($2::text IS NULL OR system = $2)
RETURNING lane, id

-- name: delivery_rounds
-- How often each of these was done again.
SELECT id, rounds FROM deliveries WHERE lane = ANY($1::int[]) AND id = ANY($2::text[])

-- name: save_health
-- How a system does, as its dispatcher sees it.
INSERT INTO system_health (system, breaker, detail, updated_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (system) DO UPDATE SET breaker = excluded.breaker, detail = excluded.detail, updated_at = excluded.updated_at
