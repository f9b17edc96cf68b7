-- name: to_bill_by_partner
-- Invoices that are owed and not sent, by customer: how many, the money in them, how many are late at $1, may go out, or were refused, and since when the oldest waits.
SELECT creditor AS partner, count(*) AS count, sum(amount) AS amount, count(*) FILTER (WHERE due_at < $1) AS late,
       sum(amount) FILTER (WHERE due_at < $1) AS late_amount,
       count(*) FILTER (WHERE status = 'ready') AS ready, count(*) FILTER (WHERE status = 'refused') AS refused, min(opened_at) AS since
  FROM obligations
 WHERE kind = 'invoice' AND status IN ('blocked', 'ready', 'waiting', 'refused')
 GROUP BY creditor ORDER BY sum(amount) DESC NULLS LAST, creditor

-- name: to_bill_by_checkpoint
-- The same by what they wait for, and by customer: an invoice that waits for two checkpoints stands under both; `alone` are those that wait for this one only.
SELECT w.checkpoint, o.creditor AS partner, count(*) AS count, sum(o.amount) AS amount, min(o.opened_at) AS since,
       count(*) FILTER (WHERE w.alone) AS alone, sum(o.amount) FILTER (WHERE w.alone) AS alone_amount
  FROM obligations o CROSS JOIN LATERAL (
    SELECT b.checkpoint, count(*) OVER () = 1 AS alone FROM (SELECT DISTINCT split_part(u, ':', 1) AS checkpoint FROM unnest(o.blocked_by) AS u) b
     WHERE o.status = 'blocked'
     UNION ALL SELECT o.status, true WHERE o.status <> 'blocked'
  ) w
 WHERE o.kind = 'invoice' AND o.status IN ('blocked', 'ready', 'waiting', 'refused')
 GROUP BY w.checkpoint, o.creditor

-- name: to_bill
-- $4 invoices that are owed and not sent, the first due first, behind ($2, $3); of one checkpoint or status ($1), where given.
-- Goes by the index of what is to be billed.
SELECT o.*, p.purchase_order, p.currency FROM (
    SELECT lane, id, key, creditor AS partner, status, due_at, blocked_by, subject, amount, opened_at FROM obligations
     WHERE kind = 'invoice' AND status IN ('blocked', 'ready', 'waiting', 'refused')
       AND (coalesce(due_at, 'infinity'), id) > ($2, $3)
       AND ($1::text IS NULL OR status = $1 OR status = 'blocked' AND EXISTS (SELECT FROM unnest(blocked_by) AS b WHERE split_part(b, ':', 1) = $1))
     ORDER BY coalesce(due_at, 'infinity'), id LIMIT $4
  ) o CROSS JOIN LATERAL (
    SELECT summary ->> 'purchase_order' AS purchase_order, summary ->> 'currency' AS currency FROM processes
     WHERE processes.lane = o.lane AND processes.key = o.key LIMIT 1
  ) p ORDER BY coalesce(o.due_at, 'infinity'), o.id

-- name: to_bill_of_partner
-- The same of the one customer $1, by the index of what we owe each: a customer of whom little waits costs little, whatever waits of the others.
SELECT o.*, p.purchase_order, p.currency FROM (
    SELECT lane, id, key, creditor AS partner, status, due_at, blocked_by, subject, amount, opened_at FROM obligations
     WHERE debtor = 'us' AND creditor = $1 AND kind = 'invoice' AND status IN ('blocked', 'ready', 'waiting', 'refused')
       AND (coalesce(due_at, 'infinity'), id) > ($3, $4)
       AND ($2::text IS NULL OR status = $2 OR status = 'blocked' AND EXISTS (SELECT FROM unnest(blocked_by) AS b WHERE split_part(b, ':', 1) = $2))
     ORDER BY coalesce(due_at, 'infinity'), id LIMIT $5
  ) o CROSS JOIN LATERAL (
    SELECT summary ->> 'purchase_order' AS purchase_order, summary ->> 'currency' AS currency FROM processes
     WHERE processes.lane = o.lane AND processes.key = o.key LIMIT 1
  ) p ORDER BY coalesce(o.due_at, 'infinity'), o.id

-- name: late_by_party
-- What is late at $2 between us and each of these parties: owed by them, of that their functional acknowledgements, and owed to them by us.
-- Reads what is late of these parties alone, from the indexes of what is open.
SELECT w.party, t.by_them, t.unacknowledged, u.by_us, t.since
  FROM (SELECT DISTINCT party FROM unnest($1::text[]) AS a (party)) w CROSS JOIN LATERAL (
    SELECT count(*) AS by_them, count(*) FILTER (WHERE kind = 'functional-ack') AS unacknowledged, min(due_at) AS since FROM obligations
     WHERE debtor = w.party AND debtor <> 'us' AND status IN ('blocked', 'ready', 'waiting', 'refused') AND coalesce(due_at, 'infinity') < $2
  ) t CROSS JOIN LATERAL (
    SELECT count(*) AS by_us FROM obligations
     WHERE debtor = 'us' AND creditor = w.party AND status IN ('blocked', 'ready', 'waiting', 'refused') AND coalesce(due_at, 'infinity') < $2
  ) u WHERE t.by_them + u.by_us > 0

-- name: owed_by_party
-- What a party owes us, the first due first, at most $2; of one kind ($3) where given.
SELECT id, key, kind, status, due_at, subject, amount, opened_at FROM obligations
 WHERE debtor = $1 AND debtor <> 'us' AND status IN ('blocked', 'ready', 'waiting', 'refused') AND ($3::text IS NULL OR kind = $3)
 ORDER BY coalesce(due_at, 'infinity'), id LIMIT $2

-- name: late_to_party
-- What we owe a party and is late at $2, the latest first, at most $3.
SELECT id, key, kind, status, due_at, blocked_by, subject, amount FROM obligations
 WHERE debtor = 'us' AND creditor = $1 AND status IN ('blocked', 'ready', 'waiting', 'refused') AND coalesce(due_at, 'infinity') < $2
 ORDER BY coalesce(due_at, 'infinity'), id LIMIT $3

-- name: last_orders_of_partner
-- The newest orders of a partner.
SELECT key, milestone, summary ->> 'purchase_order' AS purchase_order, summary ->> 'total' AS total, summary ->> 'currency' AS currency, created_at, updated_at
  FROM processes WHERE partner = $1 AND process = 'order_to_cash' ORDER BY created_at DESC, key DESC LIMIT $2

-- name: messages_over_channel
-- The last messages over a channel, without their bytes.
SELECT id, direction, name, status, received_at, content_type, octet_length(data) AS size, note
  FROM messages WHERE channel = $1 ORDER BY received_at DESC, id DESC LIMIT $2

-- name: traffic_of_channels
-- What has passed over each of these channels since $2, each way: messages and their bytes, $3 of a channel at the most; and when the last of its latest fifty came
-- or went.
SELECT c.channel, d.direction, w.count, w.size, l.last_at
  FROM unnest($1::text[]) AS c (channel) CROSS JOIN (VALUES ('in'), ('out')) AS d (direction) CROSS JOIN LATERAL (
    SELECT count(*) AS count, coalesce(sum(octet_length(m.data)), 0)::bigint AS size FROM (
        SELECT direction, data FROM messages WHERE messages.channel = c.channel AND received_at > $2 ORDER BY received_at DESC, id DESC LIMIT $3
    ) m WHERE m.direction = d.direction
  ) w CROSS JOIN LATERAL (
    SELECT max(m.received_at) AS last_at FROM (
        SELECT direction, received_at FROM messages WHERE messages.channel = c.channel ORDER BY received_at DESC, id DESC LIMIT 50
    ) m WHERE m.direction = d.direction
  ) l

-- name: stock_of_items
-- The rows of stock of these items.
SELECT item, site, receiving, storage, allocated, staging, transit, quarantine, damaged, reserved FROM stock
 WHERE item = ANY($1::text[]) AND (item, site) > ($2, $3) ORDER BY item, site LIMIT $4

-- name: variances_of_item
-- How an item stands in the books and by what its warehouses say, where the two differ.
SELECT key, system, site, place, lot, owner, status, ours, theirs, quantity, in_flight, amount, cause, confidence, detail, since, as_of
  FROM variances WHERE item = $1 AND status <> 'closed' ORDER BY status, site, place, lot, owner
