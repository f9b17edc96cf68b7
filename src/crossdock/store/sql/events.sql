-- name: claim_announcer
-- Takes the one announcer's lock to the end of the transaction, with the last sequence handed out; no row where another holds it.
SELECT sequence FROM announcer FOR UPDATE SKIP LOCKED

-- name: add_event_cursors
-- Makes the cursors of lanes that have none yet.
INSERT INTO event_cursors (lane) SELECT lane FROM lanes ON CONFLICT DO NOTHING

-- name: facts_to_announce
-- The next facts of each lane that the fold has passed and announcing has not, at most $1 a lane, in order. swept: it was announced before, and that has been swept.
SELECT f.lane, f.position, f.key, f.type, f.version, f.source, f.source_id, f.occurred_at, f.recorded_at, f.message, f.body,
       coalesce(f.position <= e.furthest AND f.recorded_at <= k.since, false) AS swept
  FROM feed_kept k CROSS JOIN event_cursors e JOIN cursors c ON c.lane = e.lane AND c.position > e.position
 CROSS JOIN LATERAL (
    SELECT * FROM facts f WHERE f.lane = e.lane AND f.position > e.position AND f.position <= c.position ORDER BY f.position LIMIT $1
 ) f

-- name: standings_to_announce
-- How these processes stand, the position of the last fact in that, that of the last one before $3, and what was told of each.
SELECT k.lane, k.key, coalesce(p.milestone, '') AS milestone, coalesce(p.summary::text, '{}') AS summary,
       coalesce(p.positions[array_upper(p.positions, 1)], 0) AS last,
       coalesce((SELECT max(at.position) FROM unnest(p.positions) AS at (position) WHERE at.position < k.first), 0) AS before, coalesce(p.partner, '') AS partner, coalesce(p.defect <> '', true) AS aside, a.told
  FROM unnest($1::int[], $2::text[], $3::bigint[]) AS k (lane, key, first)
  LEFT JOIN processes p ON p.lane = k.lane AND p.key = k.key
  LEFT JOIN announced a ON a.lane = k.lane AND a.key = k.key

-- name: histories_to_announce
-- All facts of these processes up to these positions, in order.
SELECT f.lane, f.position, f.key, f.type, f.version, f.source, f.source_id, f.occurred_at, f.recorded_at, f.message, f.body
  FROM unnest($1::int[], $2::text[], $3::bigint[]) AS k (lane, key, upto)
  JOIN processes p ON p.lane = k.lane AND p.key = k.key
 CROSS JOIN LATERAL unnest(p.positions) AS at (position)
  JOIN facts f ON f.lane = p.lane AND f.position = at.position
 WHERE at.position <= k.upto ORDER BY f.lane, f.position

-- name: announce
-- Appends events in the order given, those that are not in the feed already, and moves the sequence. Needs the announcer's lock.
WITH fresh AS (
    SELECT i.* FROM unnest($1::announced_event[]) WITH ORDINALITY AS i (id, type, key, partner, time, data, n)
     WHERE NOT EXISTS (SELECT FROM events e WHERE e.key = i.key AND e.id = i.id)
), moved AS (
    UPDATE announcer SET sequence = sequence + (SELECT count(*) FROM fresh) WHERE EXISTS (SELECT FROM fresh)
)
INSERT INTO events (sequence, id, type, key, partner, time, announced_at, data)
SELECT a.sequence + row_number() OVER (ORDER BY f.n), f.id, f.type, f.key, f.partner, f.time, $2, f.data FROM fresh f CROSS JOIN announcer a

-- name: save_announced
-- What has been told of these orders.
INSERT INTO announced (lane, key, told) SELECT * FROM unnest($1::int[], $2::text[], $3::bytea[])
    ON CONFLICT (lane, key) DO UPDATE SET told = excluded.told

-- name: move_event_cursors
-- Announcing has come so far.
UPDATE event_cursors e SET position = n.position, furthest = greatest(e.furthest, n.position) FROM unnest($1::int[], $2::bigint[]) AS n (lane, position) WHERE e.lane = n.lane

-- name: rewind_events
-- Has all facts announced anew from the beginning; what is in the feed already stays, under its sequence, and what was swept is not told again.
UPDATE event_cursors SET position = 0

-- name: forget_announced
-- Forgets what was told of orders, for announcing anew.
TRUNCATE announced

-- name: exceptions_to_announce
-- Exceptions that opened or closed and were not told of, at most $1.
SELECT v.lane, v.id, v.opened_at, v.closed_at, v.told, x.key, x.category, x.cause, x.detail, x.action, x.amount
  FROM exception_intervals v JOIN exceptions x ON x.lane = v.lane AND x.id = v.id
 WHERE v.told = 0 OR (v.told = 1 AND v.closed_at IS NOT NULL) ORDER BY v.opened_at LIMIT $1 FOR UPDATE OF v SKIP LOCKED

-- name: exceptions_announced
-- That these opened has been told, and that they closed where $4.
UPDATE exception_intervals v SET told = CASE WHEN t.closed THEN 2 ELSE 1 END
  FROM unnest($1::int[], $2::text[], $3::timestamptz[], $4::bool[]) AS t (lane, id, opened_at, closed)
 WHERE v.lane = t.lane AND v.id = t.id AND v.opened_at = t.opened_at

-- name: stock_to_announce
-- Items at sites of which another quantity is available than was told, at most $1. Reads all of stock; nothing marks what changed, so nothing can be missed.
SELECT s.item, s.site, n.available, a.available AS previous, coalesce(a.times, 0) + 1 AS times
  FROM stock s LEFT JOIN stock_announced a ON a.item = s.item AND a.site = s.site
 CROSS JOIN LATERAL (SELECT s.storage + s.allocated + s.staging - greatest(s.reserved, s.allocated + s.staging) AS available) n
 WHERE n.available IS DISTINCT FROM a.available LIMIT $1

-- name: stock_was_announced
-- This was told of these items at these sites.
INSERT INTO stock_announced (item, site, available, times) SELECT * FROM unnest($1::text[], $2::text[], $3::numeric[], $4::bigint[])
    ON CONFLICT (item, site) DO UPDATE SET available = excluded.available, times = excluded.times

-- name: disabled_to_announce
-- Webhooks that were given up and nobody was told of.
SELECT id, url, reason, partner, disabled_at FROM subscriptions WHERE status = 'disabled' AND NOT told FOR UPDATE SKIP LOCKED

-- name: disabled_announced
-- That these were given up has been told.
UPDATE subscriptions SET told = true WHERE id = ANY($1::text[])

-- name: event_head
-- The last sequence in the feed.
SELECT sequence FROM announcer

-- name: events_after
-- The feed behind $1 up to $2, at most $4 events, narrowed to types where $3 is given.
SELECT sequence, id, type, key, partner, time, announced_at, data FROM events
 WHERE sequence > $1 AND sequence <= $2 AND ($3::text[] IS NULL OR type = ANY($3)) ORDER BY sequence LIMIT $4

-- name: partner_events_after
-- As events_after, of one partner, $5.
SELECT sequence, id, type, key, partner, time, announced_at, data FROM events
 WHERE sequence > $1 AND sequence <= $2 AND ($3::text[] IS NULL OR type = ANY($3)) AND partner = $5 AND partner <> '' ORDER BY sequence LIMIT $4

-- name: key_events_after
-- As events_after, about one key, $5; of one partner where $6 is given.
SELECT sequence, id, type, key, partner, time, announced_at, data FROM events
 WHERE key = $5 AND sequence > $1 AND sequence <= $2 AND ($3::text[] IS NULL OR type = ANY($3)) AND ($6::text IS NULL OR partner = $6)
 ORDER BY sequence LIMIT $4

-- name: sequence_before
-- The last sequence that was announced before $1; 0 when there is none.
SELECT coalesce((SELECT sequence - 1 FROM events WHERE announced_at >= $1 ORDER BY announced_at, sequence LIMIT 1), (SELECT sequence FROM announcer))

-- name: feed_kept
-- The first sequence that is still in the feed, and when the last that is not was announced.
SELECT first, since FROM feed_kept

-- name: hold_feed_kept
-- As feed_kept; nothing is swept to the end of the transaction.
SELECT first, since FROM feed_kept FOR SHARE

-- name: claim_feed_kept
-- As feed_kept, for whoever sweeps; no row where another does, or somebody relies on what is kept.
SELECT first, since FROM feed_kept FOR UPDATE SKIP LOCKED

-- name: sweepable_events
-- Up to which sequence events may be swept: announced before $1, not beyond $2, and delivered to every webhook or failed for good. A webhook that was given up before
-- $1 holds up nothing any more.
WITH waiting AS (
    SELECT id, cursor FROM subscriptions WHERE status <> 'disabled' OR disabled_at >= $1
)
SELECT least(
    $2::bigint,
    (SELECT sequence FROM announcer),
    (SELECT sequence - 1 FROM events WHERE announced_at >= $1 ORDER BY announced_at, sequence LIMIT 1),
    (SELECT min(cursor) FROM waiting),
    (SELECT min(d.sequence) - 1 FROM waiting w JOIN webhook_deliveries d ON d.subscription = w.id AND d.status IN ('queued', 'sending'))
)

-- name: sweep_events
-- Forgets the events from $1 to $2 with their deliveries and attempts; a webhook that was given up before $3 and had not been sent them is marked. Needs feed_kept's row.
WITH marked AS (
    UPDATE subscriptions s SET missed = $2, cursor = greatest(s.cursor, $2), revision = revision + 1
     WHERE s.status = 'disabled' AND s.disabled_at < $3 AND (
        s.cursor < $2 OR EXISTS (
            SELECT FROM webhook_deliveries d WHERE d.subscription = s.id AND d.sequence BETWEEN $1 AND $2 AND d.status IN ('queued', 'sending')))
), attempts AS (
    DELETE FROM webhook_attempts a USING subscriptions s WHERE a.subscription = s.id AND a.sequence BETWEEN $1 AND $2
), deliveries AS (
    DELETE FROM webhook_deliveries d USING subscriptions s WHERE d.subscription = s.id AND d.sequence BETWEEN $1 AND $2
), gone AS (
    DELETE FROM events WHERE sequence BETWEEN $1 AND $2 RETURNING announced_at
)
UPDATE feed_kept SET first = $2 + 1, since = greatest(since, (SELECT max(announced_at) FROM gone))

-- name: add_subscription
-- A new webhook, told of what is announced behind $7.
INSERT INTO subscriptions (id, url, types, partner, description, status, secret, cursor, created_at, created_by)
VALUES ($1, $2, $3::text[], $4, $5, 'active', $6, $7, $8, $9)

-- name: subscription
-- One webhook, without its secrets, if it is $2's or $2 is null.
SELECT id, url, types, partner, description, status, reason, revision, cursor, failures, succeeded_at, created_at, created_by, disabled_at, previous_until,
       missed FROM subscriptions WHERE id = $1 AND ($2::text IS NULL OR partner = $2)

-- name: subscriptions_list
-- Webhooks behind $1, at most $3, without their secrets; those of one partner where $2 is given.
SELECT id, url, types, partner, description, status, reason, revision, cursor, failures, succeeded_at, created_at, created_by, disabled_at, previous_until,
       missed FROM subscriptions WHERE id > $1 AND ($2::text IS NULL OR partner = $2) ORDER BY id LIMIT $3

-- name: edit_subscription
-- Edits a webhook whose revision is still $2; gives its id where it was. Taken up again, it has not failed and will be told of anew if it is given up once more.
-- Where $7 is given it goes on behind that, and has missed nothing that it was to be sent.
UPDATE subscriptions SET url = $3, types = $4::text[], description = $5, status = $6, revision = revision + 1,
       cursor = coalesce($7, cursor), missed = CASE WHEN $7::bigint IS NULL THEN missed ELSE 0 END,
       reason = CASE WHEN $6 = 'active' THEN '' ELSE reason END, failures = CASE WHEN $6 = 'active' THEN 0 ELSE failures END,
       disabled_at = CASE WHEN $6 = 'active' THEN NULL ELSE disabled_at END, told = told AND $6 <> 'active'
 WHERE id = $1 AND revision = $2 RETURNING id

-- name: rotate_secret
-- A new secret; what went before is signed with as well until $3.
UPDATE subscriptions SET previous_secret = secret, previous_until = $3, secret = $2, revision = revision + 1 WHERE id = $1 RETURNING id

-- name: delete_subscription
-- A webhook with its deliveries and their attempts.
DELETE FROM subscriptions WHERE id = $1 RETURNING id

-- name: fill_webhooks
-- Queues for each active webhook what was announced since its cursor up to $1, at most $2 sequences on, and moves its cursor. One that fails is not queued for
-- until it takes something again: its cursor waits, and so its queue stays short.
WITH claimed AS (
    SELECT id, cursor, types, partner, least(cursor + $2, $1) AS upto FROM subscriptions
     WHERE status = 'active' AND failures < $4 AND cursor < $1 ORDER BY id FOR UPDATE SKIP LOCKED
), queued AS (
    INSERT INTO webhook_deliveries (subscription, sequence, status, due_at)
    SELECT c.id, e.sequence, 'queued', $3
      FROM claimed c JOIN events e ON e.sequence > c.cursor AND e.sequence <= c.upto
       AND (c.types = '{}' OR e.type = ANY(c.types)) AND (c.partner = '' OR e.partner = c.partner)
    ON CONFLICT DO NOTHING
)
UPDATE subscriptions s SET cursor = c.upto FROM claimed c WHERE s.id = c.id

-- name: claim_webhooks
-- Takes deliveries that are due for sending until $2, of each active webhook as many as it has room for: $5 less those under way ($3, $4), one where it fails ($6).
WITH room AS (
    SELECT s.id, s.url, s.secret, s.previous_secret, s.previous_until, s.created_at,
           CASE WHEN s.failures >= $6 THEN 1 ELSE $5 END - coalesce(b.busy, 0) AS slots
      FROM subscriptions s LEFT JOIN unnest($3::text[], $4::int[]) AS b (id, busy) ON b.id = s.id
     WHERE s.status = 'active'
), due AS MATERIALIZED (
    SELECT r.*, d.sequence, d.attempts FROM room r CROSS JOIN LATERAL (
        SELECT d.sequence, d.attempts FROM webhook_deliveries d
         WHERE d.subscription = r.id AND d.status IN ('queued', 'sending') AND d.due_at <= $1 ORDER BY d.due_at, d.sequence LIMIT greatest(r.slots, 0)
           FOR UPDATE SKIP LOCKED
    ) d WHERE r.slots > 0
), taken AS (
    UPDATE webhook_deliveries d SET status = 'sending', attempts = d.attempts + 1, due_at = $2, first_at = coalesce(d.first_at, $1)
      FROM due WHERE d.subscription = due.id AND d.sequence = due.sequence
    RETURNING d.subscription, d.sequence, d.attempts, d.round, d.first_at
)
SELECT t.subscription, t.sequence, t.attempts, t.round, t.first_at, u.url, u.secret, u.previous_secret, u.previous_until,
       e.id, e.type, e.key, e.partner, e.time, e.announced_at, e.data
  FROM taken t JOIN due u ON u.id = t.subscription AND u.sequence = t.sequence JOIN events e ON e.sequence = t.sequence

-- name: settle_webhooks
-- What became of attempts: each is kept; the delivery is settled unless another attempt has overtaken this one, and the webhook counts its failures in a row.
WITH told AS (
    SELECT * FROM unnest($1::webhook_settlement[])
), kept AS (
    INSERT INTO webhook_attempts (subscription, sequence, round, attempt, started_at, ended_at, status, outcome, detail)
    SELECT t.subscription, t.sequence, t.round, t.attempt, t.started_at, t.ended_at, t.answered, t.outcome, t.detail
      FROM told t JOIN subscriptions s ON s.id = t.subscription
), counted AS (
    UPDATE subscriptions s SET failures = CASE WHEN g.good THEN 0 ELSE s.failures + g.count END,
           succeeded_at = CASE WHEN g.good THEN g.at ELSE s.succeeded_at END
      FROM (SELECT subscription, bool_or(outcome = 'delivered') AS good, count(*)::int AS count, max(ended_at) AS at FROM told GROUP BY subscription) g
     WHERE s.id = g.subscription
)
UPDATE webhook_deliveries d SET status = t.status, due_at = coalesce(t.due_at, d.due_at), outcome = t.outcome,
       settled_at = CASE WHEN t.status IN ('delivered', 'failed') THEN t.ended_at END
  FROM told t WHERE d.subscription = t.subscription AND d.sequence = t.sequence AND d.attempts = t.attempt AND d.round = t.round AND d.status = 'sending'

-- name: disable_subscription
-- Gives a webhook up, unless it is not active any more or has taken something since $4; gives its id where it did.
UPDATE subscriptions SET status = 'disabled', reason = $2, disabled_at = $3, told = false, revision = revision + 1
 WHERE id = $1 AND status = 'active' AND ($4::timestamptz IS NULL OR succeeded_at IS NULL OR succeeded_at < $4) RETURNING id

-- name: redeliver
-- Queues events of the feed from $2 to $3 for a webhook once more, those of its types and its partner; gives how many.
WITH wanted AS (
    SELECT s.id, e.sequence FROM subscriptions s JOIN events e ON e.sequence BETWEEN $2 AND $3
       AND (s.types = '{}' OR e.type = ANY(s.types)) AND (s.partner = '' OR e.partner = s.partner)
     WHERE s.id = $1 ORDER BY e.sequence LIMIT $5
)
INSERT INTO webhook_deliveries AS d (subscription, sequence, status, due_at) SELECT id, sequence, 'queued', $4 FROM wanted
    ON CONFLICT (subscription, sequence) DO UPDATE SET status = 'queued', attempts = 0, round = d.round + 1, due_at = $4, first_at = NULL,
       settled_at = NULL, outcome = ''

-- name: webhook_deliveries_list
-- Deliveries of a webhook, the latest events first, behind $2, at most $4, of one status where $3 is given.
SELECT d.sequence, e.id AS event, e.type, e.key, d.status, d.attempts, d.round, d.due_at, d.first_at, d.settled_at, d.outcome
  FROM webhook_deliveries d JOIN events e ON e.sequence = d.sequence
 WHERE d.subscription = $1 AND ($2::bigint IS NULL OR d.sequence < $2) AND ($3::text IS NULL OR d.status = $3) ORDER BY d.sequence DESC LIMIT $4

-- name: webhook_attempts_list
-- Every attempt at one delivery, in order.
SELECT round, attempt, started_at, ended_at, status, outcome, detail
  FROM webhook_attempts WHERE subscription = $1 AND sequence = $2 ORDER BY round, started_at
