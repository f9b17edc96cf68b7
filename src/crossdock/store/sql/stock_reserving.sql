-- name: demands_of_keys
-- What the lines of these orders want and have.
SELECT key, line, terms, reserved, promised_on FROM demands WHERE key = ANY($1::text[])

-- name: demands_at
-- What these lines want and have.
SELECT d.key, d.line, d.terms, d.reserved, d.promised_on
  FROM unnest($1::text[], $2::text[]) AS w (key, line) JOIN demands d ON d.key = w.key AND d.line = w.line

-- name: reservations_of_keys
-- What is set apart for the lines of these orders.
SELECT key, line, item, site, quantity FROM reservations WHERE key = ANY($1::text[])

-- name: reservations_at
-- What is set apart for these lines.
SELECT r.key, r.line, r.item, r.site, r.quantity
  FROM unnest($1::text[], $2::text[]) AS w (key, line) JOIN reservations r ON r.key = w.key AND r.line = w.line

-- name: what_is_free
-- What there is to be reserved of these items at these sites, and what is reserved.
SELECT s.item, s.site, s.storage, s.allocated + s.staging, s.reserved
  FROM unnest($1::text[], $2::text[]) AS w (item, site) JOIN stock s ON s.item = w.item AND s.site = w.site

-- name: receipts_at
-- What is still expected of these items at these sites.
SELECT r.source, r.source_id, r.line, r.kind, r.item, r.site, r.quantity, r.due_on, r.received
  FROM unnest($1::text[], $2::text[]) AS w (item, site) JOIN expected_receipts r ON r.item = w.item AND r.site = w.site AND NOT r.closed

-- name: claimed_at
-- How much of each of these items those who wait lack, at the site that each prefers; without these lines.
SELECT d.item, d.terms->'sites'->>0, sum(d.wanted - d.reserved)
  FROM demands d
 WHERE d.reserved < d.wanted AND d.item = ANY($1::text[]) AND EXISTS (SELECT FROM waits t WHERE t.key = d.key AND t.line = d.line)
   AND NOT EXISTS (SELECT FROM unnest($2::text[], $3::text[]) AS w (key, line) WHERE w.key = d.key AND w.line = d.line)
 GROUP BY 1, 2

-- name: add_to_reserved
-- So many more (or fewer) are reserved of these rows of stock, whose locks are held.
UPDATE stock s SET reserved = s.reserved + w.quantity, changed_at = $4
  FROM unnest($1::text[], $2::text[], $3::numeric[]) AS w (item, site, quantity)
 WHERE s.item = w.item AND s.site = w.site

-- name: save_reservations
-- What is set apart for these lines, item by item and site by site.
INSERT INTO reservations (key, line, item, site, quantity)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::numeric[])
    ON CONFLICT (key, line, item, site) DO UPDATE SET quantity = excluded.quantity

-- name: drop_reservations
-- Nothing is set apart any more of these items at these sites for these lines.
DELETE FROM reservations r
 USING unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS w (key, line, item, site)
 WHERE r.key = w.key AND r.line = w.line AND r.item = w.item AND r.site = w.site

-- name: save_demands
-- What these lines want and have now.
INSERT INTO demands (key, line, item, wanted, reserved, terms, priority, asked_at, needed_on, expires_at, promised_on, revision)
SELECT *, $12 FROM unnest($1::text[], $2::text[], $3::text[], $4::numeric[], $5::numeric[], $6::json[], $7::int[], $8::timestamptz[], $9::date[], $10::timestamptz[], $11::date[])
    ON CONFLICT (key, line) DO UPDATE
   SET item = excluded.item, wanted = excluded.wanted, reserved = excluded.reserved, terms = excluded.terms, priority = excluded.priority,
       asked_at = excluded.asked_at, needed_on = excluded.needed_on, expires_at = excluded.expires_at, promised_on = excluded.promised_on, revision = excluded.revision

-- name: drop_demands
-- These lines want nothing any more.
DELETE FROM demands d USING unnest($1::text[], $2::text[]) AS w (key, line) WHERE d.key = w.key AND d.line = w.line

-- name: drop_waits
-- These lines wait for nothing any more.
DELETE FROM waits t USING unnest($1::text[], $2::text[]) AS w (key, line) WHERE t.key = w.key AND t.line = w.line

-- name: save_waits
-- Where these lines, which lack something, could be served from.
INSERT INTO waits (item, site, key, line)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING

-- name: next_revision
-- A number for what is promised now: higher than that of any promise whose rows of stock were locked before.
SELECT nextval('stock_revisions')

-- name: to_plan
-- Up to $1 items at sites that are to be planned anew and that nobody is planning; held to the end of the transaction.
SELECT item, site FROM stock_changed WHERE need = 'plan' ORDER BY item, site LIMIT $1 FOR UPDATE SKIP LOCKED

-- name: lines_to_plan
-- The lines that wait for one of these items at these sites, and those that have some where more is reserved than there is ($3: wherever).
SELECT t.key, t.line FROM unnest($1::text[], $2::text[]) AS w (item, site) JOIN waits t ON t.item = w.item AND t.site = w.site
 UNION
SELECT r.key, r.line
  FROM unnest($1::text[], $2::text[]) AS w (item, site)
  JOIN stock s ON s.item = w.item AND s.site = w.site AND ($3 OR s.reserved > s.storage + s.allocated + s.staging)
  JOIN reservations r ON r.item = w.item AND r.site = w.site

-- name: drop_changed
-- These items at these sites have been seen to for this need. Needs the locks of their rows of stock.
DELETE FROM stock_changed c USING unnest($2::text[], $3::text[]) AS w (item, site) WHERE c.need = $1 AND c.item = w.item AND c.site = w.site

-- name: expired_lines
-- Up to $2 lines whose soft reservation has expired by $1, the earliest first.
SELECT key, line FROM demands WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2

-- name: changed_for_offer
-- Up to $1 items at sites that are to be offered anew and that nobody has in hand; held to the end of the transaction.
SELECT item, site FROM stock_changed WHERE need = 'offer' ORDER BY item, site LIMIT $1 FOR UPDATE SKIP LOCKED

-- name: receipts_known
-- Where these expected receipts were expected until now.
SELECT r.item, r.site
  FROM unnest($1::text[], $2::text[], $3::text[]) AS w (source, source_id, line)
  JOIN expected_receipts r ON r.source = w.source AND r.source_id = w.source_id AND r.line = w.line

-- name: save_receipts
-- What is expected now, by source's id and line; gives those of which something is new.
INSERT INTO expected_receipts AS r (source, source_id, line, kind, item, site, quantity, received, due_on, closed)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::numeric[], $8::numeric[], $9::date[], $10::boolean[])
    ON CONFLICT (source, source_id, line) DO UPDATE
   SET kind = excluded.kind, item = excluded.item, site = excluded.site, quantity = excluded.quantity, received = excluded.received, due_on = excluded.due_on, closed = excluded.closed
 WHERE (r.kind, r.item, r.site, r.quantity, r.received, r.due_on, r.closed)
       IS DISTINCT FROM (excluded.kind, excluded.item, excluded.site, excluded.quantity, excluded.received, excluded.due_on, excluded.closed)
RETURNING r.item, r.site
