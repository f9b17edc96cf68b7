-- name: to_bill_by_partner
-- Invoices that are owed and not sent, by customer: how many, the money in them, how many are late at $2, may go out, or were refused, and since when the oldest waits.
SELECT creditor AS partner, count(*) AS count, sum(amount) AS amount, count(*) FILTER (WHERE due_at < $2) AS late,
       sum(amount) FILTER (WHERE due_at < $2) AS late_amount,
       count(*) FILTER (WHERE status = 'ready') AS ready, count(*) FILTER (WHERE status = 'refused') AS refused, min(opened_at) AS since
  FROM obligations
 WHERE kind = 'invoice' AND status IN ('blocked', 'ready', 'waiting', 'refused') AND ($1::text IS NULL OR creditor = $1)
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
 WHERE o.kind = 'invoice' AND o.status IN ('blocked', 'ready', 'waiting', 'refused') AND ($1::text IS NULL OR o.creditor = $1)
 GROUP BY w.checkpoint, o.creditor

-- name: to_bill
-- $6 invoices that are owed and not sent, the first due first, behind ($4, $5); of one customer ($1, $2), and of one checkpoint or status ($3), where given.
SELECT o.id, o.key, o.creditor AS partner, o.status, o.due_at, o.blocked_by, o.subject, o.amount, o.opened_at,
       p.summary ->> 'purchase_order' AS purchase_order, p.summary ->> 'currency' AS currency
  FROM obligations o CROSS JOIN LATERAL (SELECT summary FROM processes WHERE processes.lane = o.lane AND processes.key = o.key LIMIT 1) p
 WHERE o.kind = 'invoice' AND o.status IN ('blocked', 'ready', 'waiting', 'refused')
   AND (coalesce(o.due_at, 'infinity'), o.id) > ($4, $5)
   AND ($1::text IS NULL OR o.creditor = $1) AND ($2::text IS NULL OR o.creditor = $2)
   AND ($3::text IS NULL OR o.status = $3 OR o.status = 'blocked' AND EXISTS (SELECT FROM unnest(o.blocked_by) AS b WHERE split_part(b, ':', 1) = $3))
 ORDER BY coalesce(o.due_at, 'infinity'), o.id LIMIT $6

-- name: late_by_party
-- What is late at $2 between us and each of these parties: owed by them, of that their functional acknowledgements, and owed to them by us.
-- Reads what is late, by the index of what is open.
SELECT w.party, count(*) FILTER (WHERE o.debtor = w.party) AS by_them,
       count(*) FILTER (WHERE o.debtor = w.party AND o.kind = 'functional-ack') AS unacknowledged,
       count(*) FILTER (WHERE o.debtor = 'us') AS by_us, min(o.due_at) FILTER (WHERE o.debtor = w.party) AS since
  FROM obligations o CROSS JOIN LATERAL (SELECT CASE WHEN o.debtor = 'us' THEN o.creditor ELSE o.debtor END) AS w (party)
 WHERE o.status IN ('blocked', 'ready', 'waiting', 'refused') AND o.due_at < $2 AND w.party = ANY($1::text[])
 GROUP BY w.party

-- name: owed_by_party
-- What a party owes us, the first due first, at most $2; of one kind ($3) where given.
SELECT id, key, kind, status, due_at, subject, amount, opened_at FROM obligations
 WHERE debtor = $1 AND debtor <> 'us' AND status IN ('blocked', 'ready', 'waiting', 'refused') AND ($3::text IS NULL OR kind = $3)
 ORDER BY coalesce(due_at, 'infinity'), id LIMIT $2

-- name: late_to_party
-- What we owe a party and is late at $2, the latest first, at most $3.
SELECT id, key, kind, status, due_at, blocked_by, subject, amount FROM obligations
 WHERE status IN ('blocked', 'ready', 'waiting', 'refused') AND due_at < $2 AND debtor = 'us' AND creditor = $1 ORDER BY due_at, id LIMIT $3

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
