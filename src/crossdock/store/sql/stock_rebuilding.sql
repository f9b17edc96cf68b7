-- name: positions_unequal
-- Positions whose movements sum up to something else than what stands, at most $1.
SELECT item, site, place, coalesce(nullif(concat_ws('/', nullif(lot, ''), nullif(owner, 'own'), nullif(entity, '')), ''), '') AS part, folded, stands
  FROM (
    SELECT item, site, place, lot, owner, entity, sum(folded) AS folded, sum(stands) AS stands FROM (
        SELECT item, site, place, lot, owner, entity, quantity AS folded, 0::numeric AS stands FROM (
        SELECT item, site, origin AS place, lot, owner, entity, -quantity AS quantity FROM movements m WHERE true
    UNION ALL
    SELECT item, coalesce(nullif(to_site, ''), site), destination, lot, owner, entity, quantity FROM movements m WHERE true
        ) legs
        UNION ALL
        SELECT item, site, place, lot, owner, entity, 0, quantity FROM positions
    ) both_sides GROUP BY 1, 2, 3, 4, 5, 6
) compared WHERE folded <> stands ORDER BY item, site, place LIMIT $1

-- name: sums_unequal
-- Places in rows of stock that are not the sum of their own balances by lot and entity, at most $1.
SELECT s.item, s.site, v.place, v.folded, v.stands
  FROM stock s
  JOIN (SELECT item, site, sum(receiving) AS receiving, sum(storage) AS storage, sum(allocated) AS allocated, sum(staging) AS staging, sum(transit) AS transit, sum(quarantine) AS quarantine, sum(damaged) AS damaged, sum(supplier) AS supplier, sum(customer) AS customer, sum(adjustment) AS adjustment, sum(company) AS company
          FROM balances WHERE owner = 'own' GROUP BY item, site) b ON b.item = s.item AND b.site = s.site
 CROSS JOIN LATERAL (VALUES ('receiving', b.receiving, s.receiving), ('storage', b.storage, s.storage), ('allocated', b.allocated, s.allocated), ('staging', b.staging, s.staging), ('transit', b.transit, s.transit), ('quarantine', b.quarantine, s.quarantine), ('damaged', b.damaged, s.damaged), ('supplier', b.supplier, s.supplier), ('customer', b.customer, s.customer), ('adjustment', b.adjustment, s.adjustment), ('company', b.company, s.company)) v (place, folded, stands)
 WHERE s.split AND v.folded <> v.stands ORDER BY 1, 2, 3 LIMIT $1

-- name: reserved_unequal
-- Rows of stock whose reservations sum up to something else than what they say is reserved, at most $1.
SELECT item, site, sum(folded) AS folded, sum(stands) AS stands FROM (
    SELECT item, site, quantity AS folded, 0::numeric AS stands FROM reservations
    UNION ALL
    SELECT item, site, 0, reserved FROM stock
) t GROUP BY 1, 2 HAVING sum(folded) <> sum(stands) ORDER BY 1, 2 LIMIT $1

-- name: demands_unequal
-- Lines whose reservations sum up to something else than what they are said to have, or that have more than they want, at most $1.
SELECT key, line, max(item), sum(folded) AS folded, sum(stands) AS stands FROM (
    SELECT key, line, '' AS item, quantity AS folded, 0::numeric AS stands, 0::numeric AS wanted FROM reservations
    UNION ALL
    SELECT key, line, item, 0, reserved, wanted FROM demands
) t GROUP BY 1, 2 HAVING sum(folded) <> sum(stands) OR sum(folded) > sum(wanted) ORDER BY 1, 2 LIMIT $1

-- name: movements_kept
-- How many movements the books hold.
SELECT count(*) FROM movements
