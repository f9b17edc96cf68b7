-- Lists of texts, where they may be long, come as one text whose parts U+001F divides: it is made and taken apart several times
-- faster than an array. They stand in a sub-select so that the planner does not look into them: it plans once, for few, by index, whatever the size of the batch.
--
-- The places stand one by one, in `add_to_stock` and again in `add_to_balances`: SQL has no loop over columns, and a statement that a program puts together cannot be read here
-- or explained as it stands. A test holds both to the list of places.

-- name: insert_missing_stock
-- Makes the rows of stock that are missing, in the order of (item, site), so that two writers never deadlock; what another is just making is waited for.
INSERT INTO stock (item, site, changed_at)
SELECT w.item, w.site, $3
  FROM unnest(string_to_array((SELECT $1::text), E'\x1f'), string_to_array((SELECT $2::text), E'\x1f')) AS w (item, site)
 WHERE NOT EXISTS (SELECT FROM stock s WHERE s.item = w.item AND s.site = w.site)
 ORDER BY w.item COLLATE "C", w.site COLLATE "C"
    ON CONFLICT (item, site) DO NOTHING

-- name: lock_stock
-- Locks these rows of stock to the end of the transaction, in the order of (item, site); gives those that need care in moving: that are split, or have been counted.
WITH held AS (
    SELECT s.item, s.site, s.split, s.counted_at
      FROM unnest(string_to_array((SELECT $1::text), E'\x1f'), string_to_array((SELECT $2::text), E'\x1f')) AS w (item, site) JOIN stock s ON s.item = w.item AND s.site = w.site
     ORDER BY s.item, s.site
       FOR UPDATE OF s
)
SELECT item, site, split, counted_at FROM held WHERE split OR counted_at IS NOT NULL

-- name: items_in_conflict
-- Which items have movements that were refused because they would have left less than nothing.
SELECT DISTINCT item FROM movement_conflicts WHERE cause = 'negative' AND closed_at IS NULL

-- name: conflicts_of_items
-- The movements of these items that were refused because they would have left less than nothing, the oldest first.
SELECT body FROM movement_conflicts
 WHERE cause = 'negative' AND closed_at IS NULL AND item = ANY($1::text[]) ORDER BY seen_at, source, source_id

-- name: known_movements
-- Which of these (source, source's id) have been recorded, by their place in the list.
SELECT (i.n - 1)::int
  FROM unnest(string_to_array((SELECT $1::text), E'\x1f'), string_to_array((SELECT $2::text), E'\x1f')) WITH ORDINALITY AS i (source, source_id, n)
  JOIN movements m ON m.source = i.source AND m.source_id = i.source_id

-- name: add_to_stock
-- Adds to what stands in each place of these rows of stock, whose locks are held, and notes those of which something else may be promised than before: to be offered anew, and
-- to be planned anew where a demand waits or more is reserved than there is. Gives those in which a place of ours has been left with less than nothing by this.
WITH d AS (
    SELECT * FROM unnest(string_to_array((SELECT $1::text), E'\x1f'), string_to_array((SELECT $2::text), E'\x1f'),
        string_to_array((SELECT $4::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $5::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $6::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $7::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $8::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $9::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $10::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $11::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $12::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $13::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $14::text), E'\x1f', '')::numeric[])
        AS t (item, site, receiving, storage, allocated, staging, transit, quarantine, damaged, supplier, customer, adjustment, company)
), added AS (
    UPDATE stock s
       SET receiving = s.receiving + coalesce(d.receiving, 0),
           storage = s.storage + coalesce(d.storage, 0),
           allocated = s.allocated + coalesce(d.allocated, 0),
           staging = s.staging + coalesce(d.staging, 0),
           transit = s.transit + coalesce(d.transit, 0),
           quarantine = s.quarantine + coalesce(d.quarantine, 0),
           damaged = s.damaged + coalesce(d.damaged, 0),
           supplier = s.supplier + coalesce(d.supplier, 0),
           customer = s.customer + coalesce(d.customer, 0),
           adjustment = s.adjustment + coalesce(d.adjustment, 0),
           company = s.company + coalesce(d.company, 0),
           changed_at = $3
      FROM d
     WHERE s.item = d.item AND s.site = d.site
    RETURNING s.item, s.site, s.receiving, s.storage, s.allocated, s.staging, s.transit, s.quarantine, s.damaged,
       s.reserved > 0 AND s.reserved > s.storage + s.allocated + s.staging AS over,
       coalesce(d.storage, 0) <> 0 OR coalesce(d.allocated, 0) + coalesce(d.staging, 0) <> 0 AS changed,
       ((s.receiving < 0 AND d.receiving < 0)
        OR (s.storage < 0 AND d.storage < 0)
        OR (s.allocated < 0 AND d.allocated < 0)
        OR (s.staging < 0 AND d.staging < 0)
        OR (s.transit < 0 AND d.transit < 0)
        OR (s.quarantine < 0 AND d.quarantine < 0)
        OR (s.damaged < 0 AND d.damaged < 0)) AS short
), offered AS (
    INSERT INTO stock_changed (need, item, site) SELECT 'offer', item, site FROM added WHERE changed ON CONFLICT DO NOTHING
), planned AS (
    INSERT INTO stock_changed (need, item, site)
    SELECT 'plan', item, site FROM added a WHERE changed AND (over OR EXISTS (SELECT FROM waits t WHERE t.item = a.item AND t.site = a.site))
        ON CONFLICT DO NOTHING
)
SELECT item, site, receiving, storage, allocated, staging, transit, quarantine, damaged FROM added WHERE short

-- name: split_stock
-- Gives these rows of stock balances of their own, of which they are the sum from now on: what stood there has no lot and no entity.
WITH divided AS (
    UPDATE stock s SET split = true
      FROM unnest($1::text[], $2::text[]) AS w (item, site)
     WHERE s.item = w.item AND s.site = w.site AND NOT s.split
    RETURNING s.*
)
INSERT INTO balances (item, site, lot, owner, entity, receiving, storage, allocated, staging, transit, quarantine, damaged, supplier, customer, adjustment, company)
SELECT item, site, '', 'own', '', receiving, storage, allocated, staging, transit, quarantine, damaged, supplier, customer, adjustment, company FROM divided

-- name: insert_missing_balances
-- Makes the balances that are missing. Needs the locks of their rows of stock.
INSERT INTO balances (item, site, lot, owner, entity)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) ON CONFLICT DO NOTHING

-- name: add_to_balances
-- Adds to what stands in each place of these balances; gives those in which a place of ours has been left with less than nothing by this.
WITH d AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
        string_to_array((SELECT $6::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $7::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $8::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $9::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $10::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $11::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $12::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $13::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $14::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $15::text), E'\x1f', '')::numeric[],
        string_to_array((SELECT $16::text), E'\x1f', '')::numeric[])
        AS t (item, site, lot, owner, entity, receiving, storage, allocated, staging, transit, quarantine, damaged, supplier, customer, adjustment, company)
), added AS (
    UPDATE balances s
       SET receiving = s.receiving + coalesce(d.receiving, 0),
           storage = s.storage + coalesce(d.storage, 0),
           allocated = s.allocated + coalesce(d.allocated, 0),
           staging = s.staging + coalesce(d.staging, 0),
           transit = s.transit + coalesce(d.transit, 0),
           quarantine = s.quarantine + coalesce(d.quarantine, 0),
           damaged = s.damaged + coalesce(d.damaged, 0),
           supplier = s.supplier + coalesce(d.supplier, 0),
           customer = s.customer + coalesce(d.customer, 0),
           adjustment = s.adjustment + coalesce(d.adjustment, 0),
           company = s.company + coalesce(d.company, 0)
      FROM d
     WHERE s.item = d.item AND s.site = d.site AND s.lot = d.lot AND s.owner = d.owner AND s.entity = d.entity
    RETURNING s.item, s.site, s.lot, s.owner, s.entity, s.receiving, s.storage, s.allocated, s.staging, s.transit, s.quarantine, s.damaged,
       ((s.receiving < 0 AND d.receiving < 0)
        OR (s.storage < 0 AND d.storage < 0)
        OR (s.allocated < 0 AND d.allocated < 0)
        OR (s.staging < 0 AND d.staging < 0)
        OR (s.transit < 0 AND d.transit < 0)
        OR (s.quarantine < 0 AND d.quarantine < 0)
        OR (s.damaged < 0 AND d.damaged < 0)) AS short
)
SELECT item, site, lot, owner, entity, receiving, storage, allocated, staging, transit, quarantine, damaged FROM added WHERE short

-- name: note_counted
-- Notes when these items were last counted at these sites.
UPDATE stock s SET counted_at = greatest(s.counted_at, w.at)
  FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS w (item, site, at)
 WHERE s.item = w.item AND s.site = w.site

-- name: note_changed
-- Notes that these items at these sites are to be offered anew; and planned anew where more is reserved than there is, or where there is more than before ($3) and a demand waits for it.
INSERT INTO stock_changed (need, item, site)
SELECT n.need, w.item, w.site
  FROM unnest($1::text[], $2::text[], $3::boolean[]) AS w (item, site, more)
  JOIN stock s ON s.item = w.item AND s.site = w.site
 CROSS JOIN (VALUES ('offer'), ('plan')) AS n (need)
 WHERE n.need = 'offer'
    OR (s.reserved > 0 AND s.reserved > s.storage + s.allocated + s.staging)
    OR (w.more AND EXISTS (SELECT FROM waits t WHERE t.item = w.item AND t.site = w.site))
 ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING

-- name: history_of_items
-- What has happened to each of these items from a moment of its own on, in the order in which it happened.
SELECT m.source, m.source_id, m.kind, m.item, m.site, m.to_site, m.origin, m.destination, m.quantity, m.lot, m.owner, m.entity, m.occurred_at, m.counted
  FROM unnest($1::text[], $2::timestamptz[]) AS w (item, since)
  JOIN movements m ON m.item = w.item AND m.occurred_at >= w.since

-- name: positions_of_items
-- What stands in each place, lot, owner and entity of these items now.
SELECT item, site, place, lot, owner, entity, quantity FROM positions WHERE item = ANY($1::text[])

-- name: keep_conflicts
-- Keeps movements that were refused, as they were told; one that was refused before stays as it is.
INSERT INTO movement_conflicts (source, source_id, cause, detail, body, item, seen_at)
SELECT source, source_id, cause, detail, body, item, $7
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[]) AS t (source, source_id, cause, detail, body, item)
 ORDER BY source COLLATE "C", source_id COLLATE "C"
    ON CONFLICT (source, source_id) DO UPDATE SET detail = excluded.detail
RETURNING source, source_id, xmax <> 0 AS before

-- name: close_conflicts
-- Closes the conflicts about these movements, which have now been recorded; gives which those were.
UPDATE movement_conflicts c SET closed_at = $3
  FROM unnest($1::text[], $2::text[]) AS w (source, source_id)
 WHERE c.source = w.source AND c.source_id = w.source_id AND c.cause = 'negative' AND c.closed_at IS NULL
RETURNING c.source, c.source_id

-- name: hear_streams
-- Notes that these streams were heard, in their order, and locks them; gives the highest number that each had come to.
INSERT INTO streams AS s (source, stream, heard_at, told_at, doubled)
SELECT source, stream, $5, told_at, doubled
  FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[]) AS t (source, stream, told_at, doubled)
 ORDER BY source COLLATE "C", stream COLLATE "C"
    ON CONFLICT (source, stream) DO UPDATE
   SET heard_at = greatest(s.heard_at, excluded.heard_at), told_at = greatest(s.told_at, excluded.told_at), doubled = s.doubled + excluded.doubled
RETURNING s.source, s.stream, s.highest

-- name: advance_streams
-- These streams have come so far, and so many numbers more came late.
UPDATE streams s SET highest = greatest(s.highest, t.highest), late = s.late + t.late
  FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS t (source, stream, highest, late)
 WHERE s.source = t.source AND s.stream = t.stream

-- name: gaps_between
-- The gaps of a stream that touch the numbers from $3 to $4.
SELECT sequence, upto, missing_at FROM stream_gaps WHERE source = $1 AND stream = $2 AND upto >= $3 AND sequence <= $4

-- name: drop_gaps
-- These gaps of a stream are closed, wholly or in part.
DELETE FROM stream_gaps WHERE source = $1 AND stream = $2 AND sequence = ANY($3::bigint[])

-- name: note_gaps
-- Numbers that have not come, from `sequence` to `upto`.
INSERT INTO stream_gaps (source, stream, sequence, upto, missing_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[])

-- name: overdue_gaps
-- Numbers missing since $1 or longer, the longest missing first.
SELECT source, stream, sequence, upto, missing_at FROM stream_gaps WHERE missing_at <= $1 ORDER BY missing_at, source, stream, sequence
