-- name: lock_lanes
-- Takes the row locks of these lanes, in lane order so that two recorders never deadlock; held to the end of the transaction.
SELECT lane FROM lanes WHERE lane = ANY($1::int[]) ORDER BY lane FOR UPDATE

-- name: record
-- Appends the facts that are new, in the order given, and moves the heads. Needs the lanes' locks. Doubles, within the batch or of old, are left out.
WITH input AS (
    SELECT * FROM unnest($1::recorded_fact[])
        WITH ORDINALITY AS t (lane, digest, key, type, version, source, source_id, occurred_at, message, body, n)
), fresh AS (
    SELECT DISTINCT ON (i.lane, i.digest) i.*
      FROM input i
     WHERE NOT EXISTS (SELECT FROM facts f WHERE f.lane = i.lane AND f.digest = i.digest)
     ORDER BY i.lane, i.digest, i.n
), numbered AS (
    SELECT f.*, l.head + row_number() OVER (PARTITION BY f.lane ORDER BY f.n) AS position
      FROM fresh f JOIN lanes l ON l.lane = f.lane
), moved AS (
    UPDATE lanes l SET head = n.head
      FROM (SELECT lane, max(position) AS head FROM numbered GROUP BY lane) n
     WHERE l.lane = n.lane
)
INSERT INTO facts (lane, position, digest, key, type, version, source, source_id, occurred_at, recorded_at, message, body)
SELECT lane, position, digest, key, type, version, source, source_id, occurred_at, $2, message, body FROM numbered

-- name: claim_lanes
-- Takes lanes that have facts ahead of their cursor, and holds them to the end of the transaction: the one whose next fact has waited longest first, so that no lane
-- waits for busier ones. At most $1, and where much waits no more than hold some $2 facts, at least 4: others find lanes as well. What another worker holds is passed over.
SELECT c.lane, c.position
  FROM cursors c JOIN lanes l ON l.lane = c.lane
 WHERE l.head > c.position
 ORDER BY (SELECT f.recorded_at FROM facts f WHERE f.lane = c.lane AND f.position = c.position + 1)
 LIMIT (SELECT least($1::bigint, greatest(4, $2 * count(*) / greatest(sum(h.head - b.position), 1)))
          FROM cursors b JOIN lanes h ON h.lane = b.lane WHERE h.head > b.position)
   FOR UPDATE OF c SKIP LOCKED

-- name: claim_waking_lanes
-- Takes up to $1 lanes in which a process is to be woken by $2, and holds them.
SELECT c.lane, c.position
  FROM cursors c
 WHERE EXISTS (SELECT FROM processes p WHERE p.lane = c.lane AND p.wake_at <= $2)
 LIMIT $1
   FOR UPDATE OF c SKIP LOCKED

-- name: facts_after
-- The next facts of each lane after its cursor, at most $3 a lane, in order.
SELECT f.lane, f.position, f.key, f.type, f.version, f.source, f.source_id, f.occurred_at, f.recorded_at, f.message, f.body
  FROM unnest($1::int[], $2::bigint[]) AS c (lane, position)
 CROSS JOIN LATERAL (
    SELECT * FROM facts f WHERE f.lane = c.lane AND f.position > c.position ORDER BY f.position LIMIT $3
 ) f

-- name: facts_at
-- Facts by their place.
SELECT lane, position, key, type, version, source, source_id, occurred_at, recorded_at, message, body
  FROM facts WHERE lane = $1 AND position = ANY($2::bigint[]) ORDER BY position

-- name: facts_of_keys
-- All facts of these processes of one lane, found by the positions that the processes keep.
SELECT f.lane, f.position, f.key, f.type, f.version, f.source, f.source_id, f.occurred_at, f.recorded_at, f.message, f.body
  FROM processes p CROSS JOIN LATERAL unnest(p.positions) AS at (position) JOIN facts f ON f.lane = p.lane AND f.position = at.position
 WHERE p.lane = $1 AND p.key = ANY($2::text[]) ORDER BY f.position

-- name: known_digests
-- Which of these facts the log has, by lane and digest.
SELECT i.n FROM unnest($1::int[], $2::uuid[]) WITH ORDINALITY AS i (lane, digest, n)
 WHERE EXISTS (SELECT FROM facts f WHERE f.lane = i.lane AND f.digest = i.digest)

-- name: facts_of_message
-- Facts read from a message, or told by its sending.
SELECT lane, position, key, type, version, source, source_id, occurred_at, recorded_at, message, body
  FROM facts WHERE message = $1 ORDER BY lane, position

-- name: move_cursors
-- The fold has come so far.
UPDATE cursors c SET position = n.position
  FROM unnest($1::int[], $2::bigint[]) AS n (lane, position)
 WHERE c.lane = n.lane

-- name: count_facts
-- How many facts there are, and how many the fold has not seen.
SELECT coalesce(sum(l.head), 0)::bigint AS recorded, coalesce(sum(l.head - c.position), 0)::bigint AS ahead
  FROM lanes l JOIN cursors c ON c.lane = l.lane
