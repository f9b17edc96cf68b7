-- name: keep_messages
-- Stores raw messages before anybody acknowledges them; one that its transport shows again is not stored twice. Returns the new ones.
INSERT INTO messages (direction, channel, source_id, sha256, data, name, content_type, attributes, received_at, status)
SELECT 'in', channel, source_id, sha256, data, name, content_type, attributes::json, received_at, 'stored'
  FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::timestamptz[])
       AS m (channel, source_id, sha256, data, name, content_type, attributes, received_at)
    ON CONFLICT (channel, source_id, direction) DO NOTHING
RETURNING id

-- name: claim_messages
-- Takes the oldest messages that nobody has read yet, at most $1 of them, and holds them to the end of the transaction.
SELECT id, channel, source_id, data, name, content_type, received_at, attributes::text AS attributes
  FROM messages WHERE status = 'stored' ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED

-- name: earlier_bytes
-- For each of these messages the first earlier message on its channel with the same bytes.
SELECT m.id, (SELECT min(e.id) FROM messages e WHERE e.sha256 = m.sha256 AND e.id < m.id AND e.direction = 'in' AND e.channel = m.channel) AS earlier
  FROM messages m WHERE m.id = ANY($1::bigint[])

-- name: held_before
-- The processes under which messages that have been read before were held.
SELECT m.id, n.key FROM messages m JOIN names n ON n.value = m.id::text AND n.kind = 'message' WHERE m.id = ANY($1::bigint[]) AND m.readings > 0

-- name: mark_read
-- What became of each message: read or held, with findings and a note.
UPDATE messages m SET status = r.status, readings = m.readings + 1, findings = r.findings, note = r.note
  FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::text[]) AS r (id, status, findings, note)
 WHERE m.id = r.id

-- name: meet_identities
-- Remembers by what a duplicate will be known. Returns those met before, within this very batch too, with the first message that carried them.
WITH input AS (
    SELECT DISTINCT kind, value, message FROM unnest($1::text[], $2::text[], $3::bigint[]) AS i (kind, value, message)
), first AS (
    SELECT kind, value, min(message) AS message FROM input GROUP BY kind, value
), fresh AS (
    INSERT INTO identities (kind, value, message) SELECT kind, value, message FROM first ORDER BY kind, value ON CONFLICT DO NOTHING
)
SELECT i.kind, i.value, i.message, coalesce(o.message, f.message) AS earlier
  FROM input i JOIN first f ON f.kind = i.kind AND f.value = i.value
  LEFT JOIN identities o ON o.kind = i.kind AND o.value = i.value
 WHERE coalesce(o.message, f.message) <> i.message

-- name: obligations_by_control
-- Which obligation a control number of ours belongs to. An empty group or transaction matches all of them.
SELECT c.n, t.key, t.obligation, t.transaction
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS c (channel, interchange, functional_id, group_number, transaction, n)
  JOIN transmitted t ON t.channel = c.channel
   AND (c.functional_id = '' OR t.functional_id = c.functional_id)
   AND (c.group_number = '' OR t.group_number = c.group_number)
   AND (c.transaction = '' OR t.transaction = c.transaction)
   AND (c.interchange = '' OR t.interchange = c.interchange)

-- name: keep_unmatched
-- An acknowledgement of something that we have not sent, or whose sending we have not yet written down: kept to be asked again.
INSERT INTO unmatched (message, source_id, body, seen_at) SELECT m, s, b, $4 FROM unnest($1::bigint[], $2::text[], $3::bytea[]) AS u (m, s, b) ON CONFLICT DO NOTHING

-- name: take_unmatched
-- Acknowledgements still without their document, oldest first, at most $1.
SELECT message, source_id, body FROM unmatched ORDER BY seen_at LIMIT $1 FOR UPDATE SKIP LOCKED

-- name: drop_unmatched
-- They have found their document.
DELETE FROM unmatched u USING unnest($1::bigint[], $2::text[]) AS d (message, source_id) WHERE u.message = d.message AND u.source_id = d.source_id

-- name: message
-- One message, whole.
SELECT id, direction, channel, source_id, data, name, content_type, received_at, attributes::text AS attributes, status, findings, note FROM messages WHERE id = $1

-- name: message_heads
-- Messages without their bytes.
SELECT id, direction, channel, name, received_at, status, note, octet_length(data) AS bytes FROM messages WHERE id = ANY($1::bigint[]) ORDER BY id

-- name: read_again
-- Puts held messages back to be read, by id, or all of them when $1 is null. Returns how many.
WITH again AS (UPDATE messages SET status = 'stored', note = '' WHERE status = 'held' AND direction = 'in' AND ($1::bigint[] IS NULL OR id = ANY($1)) RETURNING id)
SELECT count(*) FROM again
