-- name: load_processes
-- The processes that a batch of facts touches.
SELECT p.lane, p.key, p.state, p.known, p.positions, p.created_at, p.defect
  FROM unnest($1::int[], $2::text[]) AS k (lane, key) JOIN processes p ON p.lane = k.lane AND p.key = k.key

-- name: waking_processes
-- The processes of these lanes that time alone changes by $2.
SELECT lane, key, state, known, positions, created_at, defect
  FROM processes WHERE lane = ANY($1::int[]) AND wake_at <= $2 ORDER BY wake_at LIMIT $3

-- name: set_aside_processes
-- The next processes of a lane that a defect keeps from being folded.
SELECT lane, key, state, known, positions, created_at, defect
  FROM processes WHERE lane = $1 AND defect <> '' AND key > $2 ORDER BY key LIMIT $3

-- name: save_processes
-- Writes each process as it now stands.
INSERT INTO processes (lane, key, process, state, known, positions, milestone, summary, wake_at, created_at, updated_at)
SELECT lane, key, process, state, known, positions, milestone, summary::json, wake_at, created_at, $2
  FROM unnest($1::folded_process[])
    ON CONFLICT (lane, key) DO UPDATE SET state = excluded.state, known = excluded.known, positions = excluded.positions,
       milestone = excluded.milestone, summary = excluded.summary, wake_at = excluded.wake_at, updated_at = excluded.updated_at, defect = ''

-- name: set_aside
-- Processes that a defect keeps from being folded: what was told of them is kept by its positions, all else stays as it stood, and no clock wakes them.
INSERT INTO processes (lane, key, process, state, known, positions, milestone, summary, defect, created_at, updated_at)
SELECT lane, key, process, state, known, string_to_array(positions, ',')::bigint[], milestone, '{}', defect, created_at, $10
  FROM unnest($1::int[], $2::text[], $3::text[], $4::bytea[], $5::bytea[], $6::text[], $7::text[], $8::text[], $9::timestamptz[])
       AS p (lane, key, process, state, known, positions, milestone, defect, created_at)
    ON CONFLICT (lane, key) DO UPDATE SET positions = excluded.positions, defect = excluded.defect, wake_at = NULL, updated_at = excluded.updated_at

-- name: save_obligations
-- Writes the obligations that are new or changed.
INSERT INTO obligations (lane, id, key, kind, debtor, creditor, status, due_at, blocked_by, evidence, subject, amount, opened_at, updated_at)
SELECT lane, id, key, kind, debtor, creditor, status, due_at, blocked_by, evidence, subject, amount, $2, $2
  FROM unnest($1::saved_obligation[])
    ON CONFLICT (lane, id) DO UPDATE SET status = excluded.status, due_at = excluded.due_at, blocked_by = excluded.blocked_by,
       evidence = excluded.evidence, debtor = excluded.debtor, creditor = excluded.creditor, amount = excluded.amount, updated_at = excluded.updated_at

-- name: drop_obligations
-- Obligations that the process no longer names at all are void.
UPDATE obligations o SET status = 'void', blocked_by = '{}', updated_at = $3
  FROM unnest($1::int[], $2::text[]) AS d (lane, id) WHERE o.lane = d.lane AND o.id = d.id

-- name: open_exceptions
-- Opens exceptions, again where they were open before, and writes an interval for each opening; a changed one that is open already is rewritten.
WITH input AS (
    SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::numeric[])
        AS e (lane, id, key, category, cause, detail, action, subject, obligations, amount)
), opening AS (
    INSERT INTO exception_intervals (lane, id, opened_at)
    SELECT i.lane, i.id, $11 FROM input i
     WHERE NOT EXISTS (SELECT FROM exceptions x WHERE x.lane = i.lane AND x.id = i.id AND x.closed_at IS NULL)
    ON CONFLICT DO NOTHING
)
INSERT INTO exceptions (lane, id, key, category, cause, detail, action, subject, obligations, amount, opened_at)
SELECT lane, id, key, category, cause, detail, action, subject, string_to_array(obligations, E'\x1f'), amount, $11 FROM input
    ON CONFLICT (lane, id) DO UPDATE SET cause = excluded.cause, detail = excluded.detail, action = excluded.action, obligations = excluded.obligations, amount = excluded.amount,
       opened_at = CASE WHEN exceptions.closed_at IS NULL THEN exceptions.opened_at ELSE excluded.opened_at END, closed_at = NULL

-- name: close_exceptions
-- Their cause is gone: closes them and their intervals.
WITH gone AS (
    UPDATE exceptions x SET closed_at = $3 FROM unnest($1::int[], $2::text[]) AS g (lane, id)
     WHERE x.lane = g.lane AND x.id = g.id AND x.closed_at IS NULL
    RETURNING x.lane, x.id
)
UPDATE exception_intervals v SET closed_at = $3 FROM gone g WHERE v.lane = g.lane AND v.id = g.id AND v.closed_at IS NULL

-- name: save_names
-- References that lead to a process; those already known stay.
INSERT INTO names (value, kind, key, lane)
SELECT * FROM unnest($1::saved_name[]) ON CONFLICT DO NOTHING

-- name: queue_deliveries
-- Queues effects by their obligation's id: queueing one twice does nothing.
INSERT INTO deliveries (lane, id, key, system, document, partner, ordering_key, content, number, told, status, due_at, created_at)
SELECT lane, id, key, system, document, partner, ordering_key, content, number, told, 'queued', $2, $2
  FROM unnest($1::queued_delivery[])
    ON CONFLICT (lane, id) DO NOTHING

-- name: cancel_deliveries
-- What is no longer owed is not sent: cancels deliveries that are still queued. One that is under way is let go its way, and marked (due 'infinity') so as not to be tried again.
UPDATE deliveries d
   SET status = CASE WHEN d.status = 'queued' THEN 'cancelled' ELSE d.status END,
       settled_at = CASE WHEN d.status = 'queued' THEN $3::timestamptz END,
       outcome = CASE WHEN d.status = 'queued' THEN 'no longer owed' ELSE d.outcome END,
       due_at = CASE WHEN d.status = 'queued' THEN d.due_at ELSE 'infinity' END
  FROM unnest($1::int[], $2::text[]) AS c (lane, id)
 WHERE d.lane = c.lane AND d.id = c.id AND d.status IN ('queued', 'sending', 'unknown')

-- name: revive_deliveries
-- Owed again, after a refusal that was retried or a cancellation taken back: queues them anew with their present content. What was accepted only where it is to be done once more ($7).
UPDATE deliveries d SET status = 'queued', due_at = $4, attempts = 0, rounds = d.rounds + 1, outcome = '', settled_at = NULL, leased_until = NULL, message = NULL, control = '', content = c.content, number = c.number, told = c.told
  FROM unnest($1::int[], $2::text[], $3::bytea[], $5::text[], $6::bytea[], $7::bool[]) AS c (lane, id, content, number, told, redo)
 WHERE d.lane = c.lane AND d.id = c.id AND (d.status IN ('refused', 'cancelled') OR d.status = 'dead' AND NOT d.uncertain OR c.redo AND d.status = 'accepted')

-- name: owe_deliveries_again
-- Owed again before what was under way had come to its end: it may be tried again after all.
UPDATE deliveries d SET due_at = $3
  FROM unnest($1::int[], $2::text[]) AS c (lane, id)
 WHERE d.lane = c.lane AND d.id = c.id AND d.status IN ('sending', 'unknown') AND d.due_at = 'infinity'
