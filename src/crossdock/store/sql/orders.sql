-- name: submissions_so_far
-- How far each submission has come: whether its message is read or held, where its fact stands in the log, and whether the fold has passed it.
SELECT w.n, m.id, m.status, m.note, f.position, coalesce(c.position >= f.position, false) AS folded
  FROM unnest($1::text[], $2::text[], $3::int[], $4::uuid[]) WITH ORDINALITY AS w (channel, source_id, lane, digest, n)
  JOIN messages m ON m.channel = w.channel AND m.source_id = w.source_id AND m.direction = 'in'
  LEFT JOIN facts f ON f.lane = w.lane AND f.digest = w.digest
  LEFT JOIN cursors c ON c.lane = f.lane

-- name: order_of
-- One order as it stands, for those who may see its customer's ($3 null: everybody's).
SELECT key, milestone, summary::text AS summary, created_at, updated_at FROM processes
 WHERE lane = $1 AND key = $2 AND process = 'order_to_cash' AND ($3::text IS NULL OR partner = $3)

-- name: orders_of_partner
-- A customer's orders, the newest first, behind ($2, $3), narrowed by milestone and purchase order where given.
SELECT key, milestone, summary::text AS summary, created_at, updated_at FROM processes
 WHERE partner = $1 AND process = 'order_to_cash' AND (created_at, key) < ($2, $3)
   AND ($4::text IS NULL OR milestone = $4) AND ($5::text IS NULL OR summary ->> 'purchase_order' = $5)
 ORDER BY created_at DESC, key DESC LIMIT $6

-- name: orders_of_all
-- Everybody's orders, the newest first, behind ($1, $2), narrowed by milestone and purchase order where given.
SELECT key, milestone, summary::text AS summary, created_at, updated_at FROM processes
 WHERE process = 'order_to_cash' AND (created_at, key) < ($1, $2)
   AND ($3::text IS NULL OR milestone = $3) AND ($4::text IS NULL OR summary ->> 'purchase_order' = $4)
 ORDER BY created_at DESC, key DESC LIMIT $5

-- name: orders_by_name
-- Orders that a reference of this kind names whole, for those who may see their customer's ($3 null: everybody's).
SELECT DISTINCT p.key FROM names n JOIN processes p ON p.lane = n.lane AND p.key = n.key
 WHERE n.value = $1 AND n.kind = $2 AND p.process = 'order_to_cash' AND ($3::text IS NULL OR p.partner = $3) ORDER BY p.key LIMIT 20
