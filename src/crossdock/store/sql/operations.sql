-- name: exceptions_page
-- Open exceptions, the newest first, behind ($1 opened, $2 id); a null argument does not narrow: $3 partner, $4 cause, $5 category, $6 key, $7 assignee ('' means nobody),
-- $8 opened before, $9 opened after. $10: false leaves out those that are snoozed at $11, true shows only them, null both. At most $12.
SELECT x.lane, x.id, x.key, p.process, p.partner, x.category, x.cause, x.detail, x.action, x.subject, x.obligations, x.amount, x.opened_at, x.closed_at,
       coalesce(c.assignee, '') AS assignee, coalesce(c.comments, 0) AS comments, coalesce(c.revision, 0) AS revision,
       CASE WHEN c.snoozed_until > $11 AND c.snoozed_at >= x.opened_at THEN c.snoozed_until END AS snoozed_until
  FROM exceptions x
  LEFT JOIN processes p ON p.lane = x.lane AND p.key = x.key
  LEFT JOIN exception_care c ON c.lane = x.lane AND c.id = x.id
 WHERE x.closed_at IS NULL AND (x.opened_at, x.id) < ($1::timestamptz, $2::text)
   AND ($3::text IS NULL OR p.partner = $3) AND ($4::text IS NULL OR x.cause = $4) AND ($5::text IS NULL OR x.category = $5) AND ($6::text IS NULL OR x.key = $6)
   AND ($7::text IS NULL OR coalesce(c.assignee, '') = $7) AND ($8::timestamptz IS NULL OR x.opened_at < $8) AND ($9::timestamptz IS NULL OR x.opened_at >= $9)
   AND ($10::boolean IS NULL OR $10 = coalesce(c.snoozed_until > $11 AND c.snoozed_at >= x.opened_at, false))
 ORDER BY x.opened_at DESC, x.id DESC LIMIT $12

-- name: exceptions_counted
-- Open exceptions by category and cause: how many, the money at stake, the oldest, and how many somebody has taken on or put off at $3. Narrowed by $1 partner and $2 assignee
-- where given; whose it is is looked up by each exception's key, and only where somebody asks: however many orders there are, the open exceptions are read and no more.
SELECT x.category, x.cause, count(*) AS count, sum(x.amount) AS amount, min(x.opened_at) AS oldest,
       count(*) FILTER (WHERE c.assignee <> '') AS assigned,
       count(*) FILTER (WHERE c.snoozed_until > $3 AND c.snoozed_at >= x.opened_at) AS snoozed
  FROM exceptions x
  LEFT JOIN exception_care c ON c.lane = x.lane AND c.id = x.id
 WHERE x.closed_at IS NULL AND ($1::text IS NULL OR (SELECT p.partner FROM processes p WHERE p.lane = x.lane AND p.key = x.key) = $1)
   AND ($2::text IS NULL OR coalesce(c.assignee, '') = $2)
 GROUP BY x.category, x.cause ORDER BY sum(x.amount) DESC NULLS LAST, count(*) DESC, x.cause

-- name: exception_by_id
-- One exception, open or closed, with what people did about it, as of $4; of one partner where $3 says so.
SELECT x.lane, x.id, x.key, p.process, p.partner, x.category, x.cause, x.detail, x.action, x.subject, x.obligations, x.amount, x.opened_at, x.closed_at,
       coalesce(c.assignee, '') AS assignee, coalesce(c.comments, 0) AS comments, coalesce(c.revision, 0) AS revision,
       CASE WHEN c.snoozed_until > $4 AND c.snoozed_at >= x.opened_at THEN c.snoozed_until END AS snoozed_until
  FROM exceptions x
  LEFT JOIN processes p ON p.lane = x.lane AND p.key = x.key
  LEFT JOIN exception_care c ON c.lane = x.lane AND c.id = x.id
 WHERE x.lane = $1 AND x.id = $2 AND ($3::text IS NULL OR p.partner = $3)

-- name: lock_exception
-- Holds one exception to the end of the transaction, so that of two who act on what they saw the second notices.
SELECT id FROM exceptions WHERE lane = $1 AND id = $2 FOR NO KEY UPDATE

-- name: actions_of
-- What people did about an exception, in order.
SELECT id, action, who, at, assignee, until, accept, note FROM exception_actions WHERE lane = $1 AND exception = $2 ORDER BY id

-- name: intervals_of
-- Each time an exception was open.
SELECT opened_at, closed_at FROM exception_intervals WHERE lane = $1 AND id = $2 ORDER BY opened_at

-- name: act_on_exception
-- Keeps what somebody did about an exception, and what the actions now come to. Returns the revision.
WITH done AS (
    INSERT INTO exception_actions (lane, exception, action, who, at, assignee, until, accept, note) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id
)
INSERT INTO exception_care AS c (lane, id, assignee, snoozed_at, snoozed_until, comments, revision)
SELECT $1, $2, CASE WHEN $3 = 'assign' THEN $6 ELSE '' END, CASE WHEN $3 = 'snooze' THEN $5::timestamptz END, CASE WHEN $3 = 'snooze' THEN $7::timestamptz END,
       CASE WHEN $3 = 'comment' THEN 1 ELSE 0 END, id FROM done
    ON CONFLICT (lane, id) DO UPDATE SET
       assignee = CASE WHEN $3 = 'assign' THEN $6 ELSE c.assignee END,
       snoozed_at = CASE WHEN $3 = 'snooze' THEN $5::timestamptz WHEN $3 = 'wake' THEN NULL ELSE c.snoozed_at END,
       snoozed_until = CASE WHEN $3 = 'snooze' THEN $7::timestamptz WHEN $3 = 'wake' THEN NULL ELSE c.snoozed_until END,
       comments = c.comments + CASE WHEN $3 = 'comment' THEN 1 ELSE 0 END,
       revision = excluded.revision
RETURNING revision

-- name: obligations_dated
-- Open obligations that have a due time, the earliest first, behind ($1 due, $2 id). A null argument does not narrow: $3 partner, $4 creditor, $5 debtor, $6 kind, $7 status,
-- $8 due before, $9 key. At most $10.
SELECT o.id, o.key, p.process, p.partner, o.kind, o.debtor, o.creditor, o.status, o.due_at, o.blocked_by, o.evidence, o.subject, o.amount, o.opened_at, o.updated_at
  FROM obligations o LEFT JOIN processes p ON p.lane = o.lane AND p.key = o.key
 WHERE o.status IN ('blocked', 'ready', 'waiting', 'refused') AND (o.due_at, o.id) > ($1::timestamptz, $2::text)
   AND ($3::text IS NULL OR p.partner = $3) AND ($4::text IS NULL OR o.creditor = $4) AND ($5::text IS NULL OR o.debtor = $5) AND ($6::text IS NULL OR o.kind = $6)
   AND ($7::text IS NULL OR o.status = $7) AND ($8::timestamptz IS NULL OR o.due_at < $8) AND ($9::text IS NULL OR o.key = $9)
 ORDER BY o.due_at, o.id LIMIT $10

-- name: obligations_undated
-- Open obligations without a due time, behind the id $1. Arguments 2 to 7 narrow as in `obligations_dated`, $8 by key. At most $9.
SELECT o.id, o.key, p.process, p.partner, o.kind, o.debtor, o.creditor, o.status, o.due_at, o.blocked_by, o.evidence, o.subject, o.amount, o.opened_at, o.updated_at
  FROM obligations o LEFT JOIN processes p ON p.lane = o.lane AND p.key = o.key
 WHERE o.status IN ('blocked', 'ready', 'waiting', 'refused') AND o.due_at IS NULL AND o.id > $1::text
   AND ($2::text IS NULL OR p.partner = $2) AND ($3::text IS NULL OR o.creditor = $3) AND ($4::text IS NULL OR o.debtor = $4) AND ($5::text IS NULL OR o.kind = $5)
   AND ($6::text IS NULL OR o.status = $6) AND ($7::text IS NULL OR o.key = $7)
 ORDER BY o.id LIMIT $8

-- name: owner_of
-- Whose a process is, and what it is.
SELECT process, partner FROM processes WHERE lane = $1 AND key = $2 AND ($3::text IS NULL OR partner = $3)

-- name: deliveries_page
-- Deliveries, the newest first, behind the sequence $1. A null argument does not narrow: $2 partner, $3 system, $4 document, $5 status. At most $6.
SELECT d.lane, d.id, d.key, p.partner, d.system, d.document, d.number, d.status, d.attempts, d.rounds, d.due_at, d.message, d.control, d.outcome, d.uncertain, d.created_at,
       d.settled_at, d.sequence
  FROM deliveries d LEFT JOIN processes p ON p.lane = d.lane AND p.key = d.key
 WHERE d.sequence < $1::bigint
   AND ($2::text IS NULL OR p.partner = $2) AND ($3::text IS NULL OR d.system = $3) AND ($4::text IS NULL OR d.document = $4) AND ($5::text IS NULL OR d.status = $5)
 ORDER BY d.sequence DESC LIMIT $6

-- name: deliveries_stuck_page
-- Dead letters and refusals, the newest first, behind the sequence $1: what can be tried again. Arguments narrow as in `deliveries_page`; $5 is dead or refused, null for both.
SELECT d.lane, d.id, d.key, p.partner, d.system, d.document, d.number, d.status, d.attempts, d.rounds, d.due_at, d.message, d.control, d.outcome, d.uncertain, d.created_at,
       d.settled_at, d.sequence
  FROM deliveries d LEFT JOIN processes p ON p.lane = d.lane AND p.key = d.key
 WHERE d.status IN ('dead', 'refused') AND d.sequence < $1::bigint
   AND ($2::text IS NULL OR p.partner = $2) AND ($3::text IS NULL OR d.system = $3) AND ($4::text IS NULL OR d.document = $4) AND ($5::text IS NULL OR d.status = $5)
 ORDER BY d.sequence DESC LIMIT $6

-- name: deliveries_by_id
-- These deliveries, of one partner where $3 says so.
SELECT d.lane, d.id, d.key, p.partner, d.system, d.document, d.number, d.status, d.attempts, d.rounds, d.due_at, d.message, d.control, d.outcome, d.uncertain, d.created_at,
       d.settled_at, d.sequence
  FROM unnest($1::int[], $2::text[]) AS i (lane, id) JOIN deliveries d ON d.lane = i.lane AND d.id = i.id
  LEFT JOIN processes p ON p.lane = d.lane AND p.key = d.key
 WHERE $3::text IS NULL OR p.partner = $3

-- name: attempts_told
-- Every attempt at a delivery with what was sent and what was answered.
SELECT a.attempt, a.kind, a.started_at, a.ended_at, a.outcome, a.status, a.detail, a.answer, a.message,
       m.data AS request_data, m.content_type AS request_type, m.attributes::text AS request_attributes
  FROM attempts a LEFT JOIN messages m ON m.id = a.message
 WHERE a.lane = $1 AND a.delivery = $2 ORDER BY a.started_at, a.attempt

-- name: messages_page
-- Messages, the newest first, behind the id $1, without their bytes. A null argument does not narrow: $2 partner (messages that tell of its processes and of no other's),
-- $3 direction, $4 channel, $5 status. At most $6.
SELECT m.id, m.direction, m.channel, m.source_id, m.name, m.content_type, m.received_at, m.status, m.readings, m.note, octet_length(m.data) AS bytes, r.original, s.message AS replaced_by
  FROM messages m LEFT JOIN resubmissions r ON r.message = m.id LEFT JOIN resubmissions s ON s.original = m.id
 WHERE m.id < $1::bigint AND ($3::text IS NULL OR m.direction = $3) AND ($4::text IS NULL OR m.channel = $4) AND ($5::text IS NULL OR m.status = $5)
   AND ($2::text IS NULL OR (SELECT count(*) > 0 AND bool_and(coalesce(p.partner = $2, false)) FROM facts f JOIN processes p ON p.lane = f.lane AND p.key = f.key WHERE f.message = m.id))
 ORDER BY m.id DESC LIMIT $6

-- name: messages_held_page
-- Held messages, the newest first, behind the id $1; $2 and $3 narrow by partner and channel as in `messages_page`. At most $4.
SELECT m.id, m.direction, m.channel, m.source_id, m.name, m.content_type, m.received_at, m.status, m.readings, m.note, octet_length(m.data) AS bytes, r.original, NULL::bigint AS replaced_by
  FROM messages m LEFT JOIN resubmissions r ON r.message = m.id
 WHERE m.status = 'held' AND m.id < $1::bigint AND ($3::text IS NULL OR m.channel = $3)
   AND ($2::text IS NULL OR (SELECT count(*) > 0 AND bool_and(coalesce(p.partner = $2, false)) FROM facts f JOIN processes p ON p.lane = f.lane AND p.key = f.key WHERE f.message = m.id))
 ORDER BY m.id DESC LIMIT $4

-- name: message_is_of
-- Whether a message tells of this partner's processes and of no other's.
SELECT count(*) > 0 AND bool_and(coalesce(p.partner = $2, false)) FROM facts f JOIN processes p ON p.lane = f.lane AND p.key = f.key WHERE f.message = $1

-- name: resubmissions_of
-- What a message stands in the place of, and what stands in its place.
SELECT original, message, who, reason, at FROM resubmissions WHERE original = $1 OR message = $1 ORDER BY at

-- name: lock_message
-- One message, held to the end of the transaction.
SELECT id, direction, channel, source_id, name, content_type, attributes::text AS attributes, status, readings FROM messages WHERE id = $1 FOR UPDATE

-- name: put_in_place_of
-- Keeps an edit of a held message as a message of its own, to be read, and notes on the original that it is replaced. Returns the edit's id.
WITH edit AS (
    INSERT INTO messages (direction, channel, source_id, sha256, data, name, content_type, attributes, received_at, status)
    VALUES ('in', $2, $3, $4, $5, $6, $7, $8::text::json, $9, 'stored') RETURNING id
), kept AS (
    INSERT INTO resubmissions (original, message, who, reason, at) SELECT $1, id, $10, $11, $9 FROM edit
), replaced AS (
    UPDATE messages SET status = 'replaced', note = 'replaced by message ' || (SELECT id FROM edit) WHERE id = $1
)
SELECT id FROM edit

-- name: runs_page
-- Comparisons, the newest first, behind the number $1, of a system where $2 says so. At most $3.
SELECT id, snapshot, system, as_of, ran_at, differing, timing, found, gone, amount, note FROM reconciliations
 WHERE id < $1::bigint AND ($2::text IS NULL OR system = $2) ORDER BY id DESC LIMIT $3

-- name: variances_page
-- Variances that stand, by their keys, behind the key $1; $2 narrows by system, $3 by status (open, timing). At most $4.
SELECT v.key, v.system, v.item, v.site, v.place, v.lot, v.owner, v.status, coalesce(p.milestone, v.status) AS milestone, v.ours, v.theirs, v.quantity, v.in_flight, v.amount,
       v.cause, v.confidence, v.detail, v.evidence, v.since, v.first_as_of, v.as_of, v.snapshot, v.run
  FROM variances v LEFT JOIN processes p ON p.lane = v.lane AND p.key = v.key
 WHERE v.status <> 'closed' AND v.key > $1::text AND ($2::text IS NULL OR v.system = $2) AND ($3::text IS NULL OR v.status = $3)
 ORDER BY v.key LIMIT $4

-- name: variance_by_key
-- One variance, standing or closed.
SELECT v.key, v.system, v.item, v.site, v.place, v.lot, v.owner, v.status, coalesce(p.milestone, v.status) AS milestone, v.ours, v.theirs, v.quantity, v.in_flight, v.amount,
       v.cause, v.confidence, v.detail, v.evidence, v.since, v.first_as_of, v.as_of, v.snapshot, v.run
  FROM variances v LEFT JOIN processes p ON p.lane = v.lane AND p.key = v.key WHERE v.lane = $1 AND v.key = $2

-- name: versions_page
-- Versions of the workspace without their snapshots, the newest first, behind the number $1. At most $2.
SELECT version, digest, applied_by, applied_at, note, active FROM workspace_versions WHERE version < $1::int ORDER BY version DESC LIMIT $2
