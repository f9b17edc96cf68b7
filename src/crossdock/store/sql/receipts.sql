-- name: expect_receipts
-- Writes what is expected of these receipts' lines, as it was last told; what has come of them stays.
INSERT INTO expected_receipts (source, source_id, line, kind, item, site, quantity, due_on, closed)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::numeric[], $8::date[], $9::boolean[])
    ON CONFLICT (source, source_id, line) DO UPDATE
   SET kind = excluded.kind, item = excluded.item, site = excluded.site, quantity = excluded.quantity, due_on = excluded.due_on, closed = excluded.closed

-- name: close_receipts
-- Nothing more is expected of these receipts, whatever their lines.
UPDATE expected_receipts e SET closed = true
  FROM unnest($1::text[], $2::text[]) AS w (source, source_id)
 WHERE e.source = w.source AND e.source_id = w.source_id AND NOT e.closed

-- name: pairs_of_receipts
-- The items and sites that these receipts are expected of.
SELECT DISTINCT e.item, e.site
  FROM expected_receipts e JOIN unnest($1::text[], $2::text[]) AS w (source, source_id) ON e.source = w.source AND e.source_id = w.source_id

-- name: count_received
-- What has come of each line of these receipts, by the receipt movements that name them: lines of one item are filled in their order, and the last has what is over.
WITH came AS (
    SELECT reference, item, sum(quantity) AS total FROM movements WHERE kind = 'receipt' AND reference = ANY($1::text[]) GROUP BY reference, item
), filled AS (
    SELECT e.source, e.source_id, e.line, e.quantity, c.total - coalesce(sum(e.quantity) OVER before, 0) AS here,
           lead(e.line) OVER (PARTITION BY e.source, e.source_id, e.item ORDER BY e.line) IS NULL AS last
      FROM expected_receipts e JOIN came c ON c.reference = e.source_id AND c.item = e.item
     WHERE e.source = $2
    WINDOW before AS (PARTITION BY e.source, e.source_id, e.item ORDER BY e.line ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
UPDATE expected_receipts e SET received = greatest(CASE WHEN f.last THEN f.here ELSE least(f.here, f.quantity) END, 0)
  FROM filled f
 WHERE e.source = f.source AND e.source_id = f.source_id AND e.line = f.line

-- name: note_expected
-- Notes that what is expected of these items at these sites has changed: their channels and waiting demands are to hear of it.
INSERT INTO stock_changed (need, item, site)
SELECT n.need, w.item, w.site
  FROM unnest($1::text[], $2::text[]) AS w (item, site) CROSS JOIN (VALUES ('offer'), ('plan')) AS n (need)
 ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING

-- name: keep_not_owned
-- Keeps movements that their source may not tell, with the rule that says so; what was kept before stays as it is.
INSERT INTO movement_conflicts (source, source_id, cause, detail, body, item, seen_at)
SELECT source, source_id, 'not-owner', detail, body, item, $6
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[]) AS t (source, source_id, detail, body, item)
 ORDER BY source COLLATE "C", source_id COLLATE "C"
    ON CONFLICT (source, source_id) DO NOTHING
