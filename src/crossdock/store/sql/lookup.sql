-- name: find_names
-- Processes that a reference leads to, the whole value first, then what begins with it; at most $2.
SELECT value, kind, key, lane FROM names
 WHERE value = $1 OR value LIKE replace(replace(replace($1, '\', '\\'), '%', '\%'), '_', '\_') || '%'
 ORDER BY value <> $1, value, kind, key LIMIT $2

-- name: process
-- One process by its key.
SELECT lane, key, process, milestone, summary::text AS summary, positions, state, known, wake_at, defect, created_at, updated_at
  FROM processes WHERE lane = $1 AND key = $2

-- name: obligations_of
-- All that a process owes, is owed or has been.
SELECT id, key, kind, debtor, creditor, status, due_at, blocked_by, evidence, subject, amount, opened_at, updated_at
  FROM obligations WHERE lane = $1 AND id > $2 || '/' AND id < $2 || '0' AND key = $2 ORDER BY opened_at, id

-- name: obligation
-- One obligation, by id, in any lane.
SELECT lane, id, key, kind, debtor, creditor, status, due_at, blocked_by, evidence, subject, amount, opened_at, updated_at
  FROM obligations WHERE lane = $1 AND id = $2

-- name: owed
-- Open obligations, the earliest due first. A null argument does not narrow: $1 creditor, $2 debtor, $3 kind, $4 due before, $5 status.
SELECT id, key, kind, debtor, creditor, status, due_at, blocked_by, subject, amount, opened_at
  FROM obligations
 WHERE status IN ('blocked', 'ready', 'waiting', 'refused')
   AND ($1::text IS NULL OR creditor = $1) AND ($2::text IS NULL OR debtor = $2) AND ($3::text IS NULL OR kind = $3)
   AND ($4::timestamptz IS NULL OR due_at < $4) AND ($5::text IS NULL OR status = $5)
 ORDER BY due_at NULLS LAST, id LIMIT $6

-- name: owed_counts
-- Open obligations by kind, debtor and status, with how many are late at $1 and the money in them.
SELECT kind, debtor, status, count(*) AS count, count(*) FILTER (WHERE due_at < $1) AS late, sum(amount) AS amount
  FROM obligations WHERE status IN ('blocked', 'ready', 'waiting', 'refused') GROUP BY kind, debtor, status ORDER BY late DESC, count DESC

-- name: obligation_counts
-- All obligations by status.
SELECT status, count(*) AS count FROM obligations GROUP BY status

-- name: open_exceptions_list
-- Exceptions that stand open, newest first, narrowed by cause and key where given.
SELECT id, key, category, cause, detail, action, subject, obligations, amount, opened_at, closed_at
  FROM exceptions WHERE closed_at IS NULL AND ($1::text IS NULL OR cause = $1) AND ($2::text IS NULL OR key = $2) ORDER BY opened_at DESC, id LIMIT $3

-- name: exceptions_of
-- Exceptions of a process, open and closed, with each time they were open.
SELECT x.id, x.key, x.category, x.cause, x.detail, x.action, x.subject, x.obligations, x.amount, x.opened_at, x.closed_at,
       (SELECT json_agg(json_build_array(v.opened_at, v.closed_at) ORDER BY v.opened_at) FROM exception_intervals v WHERE v.lane = x.lane AND v.id = x.id)::text AS intervals
  FROM exceptions x WHERE x.lane = $1 AND x.key = $2 ORDER BY x.opened_at, x.id

-- name: exception_counts
-- Exceptions by cause: how many stand open, how many there have been, and the money at stake in the open ones.
SELECT category, cause, count(*) FILTER (WHERE closed_at IS NULL) AS open, count(*) AS ever, sum(amount) FILTER (WHERE closed_at IS NULL) AS amount
  FROM exceptions GROUP BY category, cause ORDER BY open DESC, ever DESC, cause

-- name: deliveries_list
-- Deliveries, newest first. A null argument does not narrow: $1 system, $2 status, $3 key.
SELECT lane, id, key, system, document, partner, status, attempts, due_at, message, control, outcome, number, created_at, settled_at
  FROM deliveries
 WHERE ($1::text IS NULL OR system = $1) AND ($2::text IS NULL OR status = $2) AND ($3::text IS NULL OR key = $3)
 ORDER BY sequence DESC LIMIT $4

-- name: deliveries_of
-- Deliveries of a process, in the order in which they became due.
SELECT lane, id, key, system, document, partner, status, attempts, due_at, message, control, outcome, number, created_at, settled_at
  FROM deliveries WHERE lane = $1 AND id = ANY($2::text[]) ORDER BY sequence

-- name: delivery_contents
-- What a process has had sent, or is to have sent, with its content.
SELECT d.id, d.status, d.content FROM deliveries d WHERE d.lane = $1 AND d.id > $2 || '/' AND d.id < $2 || '0' AND d.key = $2

-- name: attempts_of
-- Every attempt at these deliveries.
SELECT delivery, attempt, kind, message, started_at, ended_at, outcome, status, detail
  FROM attempts WHERE lane = $1 AND delivery = ANY($2::text[]) ORDER BY started_at

-- name: delivery_counts
-- Deliveries by system and status.
SELECT system, status, count(*) AS count FROM deliveries GROUP BY system, status ORDER BY system, status

-- name: message_counts
-- Messages by direction, channel and status.
SELECT direction, channel, status, count(*) AS count FROM messages GROUP BY direction, channel, status ORDER BY direction, channel, status

-- name: milestones
-- Processes by kind and milestone.
SELECT process, milestone, count(*) AS count FROM processes GROUP BY process, milestone ORDER BY process, milestone

-- name: recent_processes
-- Processes of a kind that changed last.
SELECT key, milestone, summary::text AS summary, updated_at FROM processes WHERE process = $1 ORDER BY updated_at DESC LIMIT $2

-- name: summaries
-- Every process of a kind with its summary, for a scorecard.
SELECT key, milestone, summary::text AS summary FROM processes WHERE process = $1 ORDER BY key

-- name: held_messages
-- Messages that wait to be understood.
SELECT id, channel, name, received_at, note FROM messages WHERE status = 'held' ORDER BY id LIMIT $1

-- name: healths
-- How each system does.
SELECT system, breaker, detail, updated_at FROM system_health ORDER BY system

-- name: facts_page
-- The log of one lane, in order, after a position: for folding it anew.
SELECT lane, position, key, type, version, source, source_id, occurred_at, recorded_at, message, body
  FROM facts WHERE lane = $1 AND position > $2 AND position <= $3 ORDER BY position LIMIT $4

-- name: processes_of_lane
-- Every process of a lane as it stands, for comparing.
SELECT lane, key, process, state, known, positions, milestone, wake_at, defect, created_at, updated_at FROM processes WHERE lane = $1 ORDER BY key

-- name: obligations_of_lane
-- Every obligation of a lane as it stands, for comparing.
SELECT id, key, kind, debtor, creditor, status, due_at, blocked_by, evidence, subject, amount FROM obligations WHERE lane = $1

-- name: exceptions_of_lane
-- Business exceptions of a lane that stand open, for comparing.
SELECT id, key, cause, detail FROM exceptions WHERE lane = $1 AND closed_at IS NULL AND category = 'business'

-- name: deliveries_of_lane
-- Ids and standing of all deliveries of a lane, for comparing.
SELECT id, status, document FROM deliveries WHERE lane = $1

-- name: cursor_of_lane
-- How far the fold has come in a lane; locks the lane's cursor, so that the comparison sees one moment.
SELECT position FROM cursors WHERE lane = $1 FOR UPDATE

-- name: keys_in_trouble
-- Processes with an open exception of one of these causes.
SELECT DISTINCT lane, key FROM exceptions WHERE closed_at IS NULL AND cause = ANY($1::text[]) ORDER BY lane, key

-- name: latest_facts
-- What was recorded last, newest first: a few of each lane, by its index, so that it costs the same however long the log is.
SELECT f.* FROM lanes l CROSS JOIN LATERAL (
    SELECT lane, position, key, type, version, source, source_id, occurred_at, recorded_at, message, body
      FROM facts WHERE lane = l.lane ORDER BY position DESC LIMIT $1
 ) f ORDER BY f.recorded_at DESC, f.lane, f.position DESC LIMIT $1

-- name: attempt_counts
-- Attempts by what was tried (a send, or a look-up of what an earlier one did) and what came of it.
SELECT kind, outcome, count(*) AS count FROM attempts GROUP BY kind, outcome ORDER BY kind, count DESC
