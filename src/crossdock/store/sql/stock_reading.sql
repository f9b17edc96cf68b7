-- name: supply_of
-- All that promising of these items at these sites goes by, in one answer: 's' the rows of stock, 'r' the open receipts, 'd' the demands on these items that lack something.
-- Of 's' there is one row for all: the place of each in the list, and its figures, as one text of numbers, which is made and read several times faster than a row of numerics each.
WITH w AS (
    SELECT item, site, n FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS t (item, site, n)
)
SELECT 's' AS what, '' AS item, '' AS site, '' AS one, '' AS two, '' AS three,
       string_agg(concat_ws(' ', w.n, s.receiving, s.storage, s.allocated, s.staging, s.transit, s.quarantine, s.damaged, s.reserved), ' ') AS body, NULL::date AS day
  FROM w JOIN stock s ON s.item = w.item AND s.site = w.site
 UNION ALL
SELECT 'r', r.item, r.site, r.source, r.source_id, r.line, concat_ws(' ', r.quantity, r.received, r.kind), r.due_on
  FROM w JOIN expected_receipts r ON r.item = w.item AND r.site = w.site AND NOT r.closed
 UNION ALL
SELECT 'd', d.item, '', d.reserved::text, '', '', d.terms::text, d.promised_on
  FROM (SELECT DISTINCT item FROM w) i JOIN demands d ON d.item = i.item AND d.reserved < d.wanted

-- name: positions_now
-- What stands in each place, lot, owner and entity now.
SELECT item, site, place, lot, owner, entity, quantity FROM positions

-- name: positions_of_pairs_now
-- What stands in each place, lot, owner and entity of these items at these sites now. Pair by pair (LATERAL, not to be pulled up): joined, all of the stock would be read.
SELECT p.item, p.site, p.place, p.lot, p.owner, p.entity, p.quantity
  FROM unnest($1::text[], $2::text[]) AS w (item, site) CROSS JOIN LATERAL (
    SELECT item, site, place, lot, owner, entity, quantity FROM positions WHERE positions.item = w.item AND positions.site = w.site OFFSET 0
  ) p

-- name: positions_of_pairs_then
-- What stood in each place, lot, owner and entity of these items at these sites at $3, that moment included: what stands now without what has moved since.
SELECT item, site, place, lot, owner, entity, sum(quantity) AS quantity FROM (
    SELECT p.item, p.site, p.place, p.lot, p.owner, p.entity, p.quantity
      FROM unnest($1::text[], $2::text[]) AS w (item, site) JOIN positions p ON p.item = w.item AND p.site = w.site
    UNION ALL
    SELECT l.* FROM (SELECT DISTINCT item FROM unnest($1::text[]) AS w (item)) i CROSS JOIN LATERAL (
    SELECT item, site, origin AS place, lot, owner, entity, quantity AS quantity FROM movements m WHERE m.item = i.item AND m.occurred_at > $3
    UNION ALL
    SELECT item, coalesce(nullif(to_site, ''), site), destination, lot, owner, entity, -quantity FROM movements m WHERE m.item = i.item AND m.occurred_at > $3
    ) l WHERE EXISTS (SELECT FROM unnest($1::text[], $2::text[]) AS w (item, site) WHERE w.item = l.item AND w.site = l.site)
) legs GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(quantity) <> 0

-- name: positions_then_from_now
-- What stood everywhere at $1, that moment included: what stands now without what has moved since.
SELECT item, site, place, lot, owner, entity, sum(quantity) AS quantity FROM (
    SELECT item, site, place, lot, owner, entity, quantity FROM positions
    UNION ALL
    SELECT item, site, origin AS place, lot, owner, entity, quantity AS quantity FROM movements m WHERE occurred_at > $1
    UNION ALL
    SELECT item, coalesce(nullif(to_site, ''), site), destination, lot, owner, entity, -quantity FROM movements m WHERE occurred_at > $1
) legs GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(quantity) <> 0

-- name: positions_then_from_nothing
-- What stood everywhere at $1, that moment included: the sum of all movements up to it.
SELECT item, site, place, lot, owner, entity, sum(quantity) AS quantity FROM (
    SELECT item, site, origin AS place, lot, owner, entity, -quantity AS quantity FROM movements m WHERE occurred_at <= $1
    UNION ALL
    SELECT item, coalesce(nullif(to_site, ''), site), destination, lot, owner, entity, quantity FROM movements m WHERE occurred_at <= $1
) legs GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(quantity) <> 0

-- name: how_many_since
-- The planner's own estimate of how many movements there are since $1; counts nothing.
EXPLAIN (FORMAT JSON) SELECT FROM movements WHERE occurred_at > $1

-- name: how_many_up_to
-- The planner's own estimate of how many movements there are up to $1; counts nothing.
EXPLAIN (FORMAT JSON) SELECT FROM movements WHERE occurred_at <= $1

-- name: movements_behind
-- Movements of an item that touch a site, up to $3, the latest first, $7 of them behind ($4, $5, $6).
SELECT source, source_id, kind, item, site, to_site, origin, destination, quantity, lot, owner, entity, occurred_at, recorded_at, stream, sequence,
       reason, reference, line, message, counted
  FROM movements
 WHERE item = $1 AND (site = $2 OR to_site = $2) AND occurred_at <= $3 AND (occurred_at, source, source_id) < ($4, $5, $6)
 ORDER BY occurred_at DESC, source DESC, source_id DESC LIMIT $7

-- name: reservations_behind
-- What is set apart of an item at a site, order by order.
SELECT key, line, item, site, quantity FROM reservations WHERE item = $1 AND site = $2 ORDER BY key, line

-- name: list_stock
-- $4 rows of stock of items that begin with $1 (up to $5, the first text behind all of these), behind ($2, $3).
SELECT item, site, receiving, storage, allocated, staging, transit, quarantine, damaged, reserved FROM stock
 WHERE item >= $1 AND item < $5 AND (item, site) > ($2, $3) ORDER BY item, site LIMIT $4

