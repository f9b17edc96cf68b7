-- name: new_snapshot
-- Makes the row of a snapshot, whose lines are copied in by the same transaction and take its number; nothing where it is known.
WITH made AS (
    INSERT INTO snapshots (system, source_id, as_of, received_at, whole, sites, places, owners, lots, lines, message)
    VALUES ($1, $2, $3, $4, $5, '{}', '{}', '{}', false, 0, $6)
        ON CONFLICT (system, source_id) DO NOTHING RETURNING id
)
SELECT id, set_config('crossdock.snapshot', id::text, true) FROM made

-- name: copy_for_snapshot
-- Lines that this transaction copies in take this number, which another transaction has given to a snapshot. Planned for a connection that has half of the machine.
SELECT set_config('crossdock.snapshot', $1::bigint::text, true), set_config('max_parallel_workers_per_gather', '0', true)

-- name: snapshot_scope
-- Which sites, places and owners a snapshot's lines speak of, and how often.
SELECT site, place, owner, bool_or(lot <> '') AS lots, count(*) AS lines
  FROM snapshot_lines WHERE snapshot = $1 GROUP BY site, place, owner

-- name: finish_snapshot
-- What a snapshot speaks of, and when it is to be compared.
UPDATE snapshots SET sites = $2, places = $3, owners = $4, lots = $5, lines = $6, due_at = $7 WHERE id = $1

-- name: drop_old_lines
-- Lets the lines go of snapshots of this system that a later one of the same sites has overtaken before $2; gives of how many.
WITH old AS (
    UPDATE snapshots o SET dropped = true, due_at = NULL
     WHERE o.system = $1 AND NOT o.dropped AND o.received_at < $2
       AND EXISTS (SELECT FROM snapshots n WHERE n.system = o.system AND n.as_of > o.as_of AND n.sites @> o.sites)
    RETURNING o.id
), gone AS (
    DELETE FROM snapshot_lines WHERE snapshot IN (SELECT id FROM old)
)
SELECT count(*) FROM old

-- name: drop_lines_of_none
-- Lets the lines go whose snapshot never came to stand: of numbers below any that is still kept, given before $1.
DELETE FROM snapshot_lines
 WHERE snapshot < (SELECT min(id) FROM snapshots WHERE NOT dropped) AND snapshot < (SELECT max(id) FROM snapshots WHERE received_at < $1)

-- name: claim_due_snapshot
-- Takes the oldest snapshot that is due for comparing and holds it; one that another worker compares is passed over, and one that was compared and has a later one beside it.
SELECT s.id, s.system, s.source_id, s.as_of, s.whole, s.sites, s.places, s.owners, s.lots, s.lines, s.message
  FROM snapshots s
 WHERE s.due_at <= $1
   AND NOT (EXISTS (SELECT FROM reconciliations r WHERE r.snapshot = s.id)
            AND EXISTS (SELECT FROM snapshots n WHERE n.system = s.system AND n.as_of > s.as_of AND n.sites @> s.sites))
 ORDER BY s.as_of, s.id LIMIT 1 FOR UPDATE OF s SKIP LOCKED

-- name: claim_snapshot
-- Takes the latest snapshot of a system ($2: at or before that moment; $3: that very one) whose lines are still kept, and holds it.
SELECT id, system, source_id, as_of, whole, sites, places, owners, lots, lines, message
  FROM snapshots WHERE system = $1 AND NOT dropped AND ($2::timestamptz IS NULL OR as_of <= $2) AND ($3::bigint IS NULL OR id = $3)
 ORDER BY as_of DESC, id DESC LIMIT 1 FOR UPDATE

-- name: lock_reconciled_system
-- Comparisons of one system go one after the other: holds its name to the end of the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('reconcile ' || $1, 0))

-- name: later_compared
-- Whether a later snapshot of the same system and any of the same sites has been compared already.
SELECT EXISTS (SELECT FROM reconciliations r JOIN snapshots n ON n.id = r.snapshot
                WHERE r.system = $1 AND n.as_of > $2 AND n.sites && $3::text[])

-- name: compared_before
-- As of when these sites of a system were compared last, before the moment $3.
SELECT max(n.as_of) FROM reconciliations r JOIN snapshots n ON n.id = r.snapshot WHERE r.system = $1 AND n.sites @> $2::text[] AND n.as_of < $3

-- name: wide_hashing
-- Gives the comparison room to hash in, to the end of the transaction, and has it planned for the very places, items and sites that it is asked about.
SELECT set_config('work_mem', '128MB', true), set_config('max_parallel_workers_per_gather', '2', true), set_config('parallel_tuple_cost', '0.001', true), set_config('jit', 'off', true),
       set_config('plan_cache_mode', 'force_custom_plan', true)

-- name: items_of_snapshot
-- Items of which a snapshot has a line.
SELECT DISTINCT item FROM snapshot_lines WHERE snapshot = $1

-- name: suspects_in_place
-- Of a snapshot that tells neither lots nor others' goods: items whose present balance in place $4 is not what a line says, if no more than $5 rows differ. met: how many times
-- a balance was met, of those that are there; more met than there are: lines stand twice, and may hide a difference. $2: what has no line has nothing.
SELECT m.met, (SELECT count(*) FROM stock_by_place WHERE site = ANY($3::text[]) AND place = $4) AS there, m.differing, CASE WHEN m.differing <= $5 THEN m.items END AS items
  FROM (SELECT count(k.item) AS met, count(*) FILTER (WHERE coalesce(k.quantity, 0) <> coalesce(s.quantity, 0) AND ($2 OR s.item IS NOT NULL)) AS differing,
               array_agg(coalesce(k.item, s.item)) FILTER (WHERE coalesce(k.quantity, 0) <> coalesce(s.quantity, 0) AND ($2 OR s.item IS NOT NULL)) AS items
          FROM (SELECT item, site, quantity FROM stock_by_place WHERE site = ANY($3::text[]) AND place = $4) k
          FULL JOIN (SELECT item, site, quantity FROM snapshot_lines WHERE snapshot = $1 AND place = $4) s ON s.item = k.item AND s.site = k.site) m

-- name: suspects_by_lot
-- The same of a snapshot that tells lots or others' goods: place by place, lot by lot, owner by owner.
SELECT m.met, (SELECT count(*) FROM positions_by_place WHERE site = ANY($3::text[]) AND place = ANY($4::text[]) AND owner = ANY($6::text[])) AS there,
       m.differing, CASE WHEN m.differing <= $5 THEN m.items END AS items
  FROM (SELECT count(k.item) AS met, count(*) FILTER (WHERE coalesce(k.quantity, 0) <> coalesce(s.quantity, 0) AND ($2 OR s.item IS NOT NULL)) AS differing,
               array_agg(coalesce(k.item, s.item)) FILTER (WHERE coalesce(k.quantity, 0) <> coalesce(s.quantity, 0) AND ($2 OR s.item IS NOT NULL)) AS items
          FROM (SELECT * FROM positions_by_place WHERE site = ANY($3::text[]) AND place = ANY($4::text[]) AND owner = ANY($6::text[])) k
          FULL JOIN (SELECT * FROM snapshot_lines WHERE snapshot = $1) s
            ON s.item = k.item AND s.site = k.site AND s.place = k.place AND s.lot = k.lot AND s.owner = k.owner AND s.entity = k.entity) m

-- name: moved_since
-- Items (at most $3) that have moved at these sites since a moment.
SELECT DISTINCT item FROM movements WHERE occurred_at > $1 AND (site = ANY($2::text[]) OR to_site = ANY($2::text[])) LIMIT $3

-- name: unequal_positions
-- The positions of these items (NULL: of all) about which our books as of the snapshot's moment and the snapshot differ, by adding up both. What the snapshot speaks of is
-- what its lines do, so that these are not asked for it.
SELECT item, site, place, CASE WHEN $6 THEN lot ELSE '' END AS lot, owner, sum(ours) AS ours, sum(theirs) AS theirs FROM (
    SELECT * FROM (
        SELECT item, site, place, lot, owner, quantity AS ours, 0::numeric AS theirs, false AS listed FROM positions_by_place
        UNION ALL SELECT item, site, origin, lot, owner, quantity, 0, false FROM movements WHERE occurred_at > $2
        UNION ALL SELECT item, coalesce(nullif(to_site, ''), site), destination, lot, owner, -quantity, 0, false FROM movements WHERE occurred_at > $2
      ) k WHERE site = ANY($3::text[]) AND place = ANY($4::text[]) AND owner = ANY($5::text[])
    UNION ALL SELECT item, site, place, lot, owner, 0, quantity, true FROM snapshot_lines WHERE snapshot = $1
  ) l
 WHERE $8::text[] IS NULL OR item = ANY($8)
 GROUP BY 1, 2, 3, 4, 5
HAVING sum(ours) <> sum(theirs) AND ($7 OR bool_or(listed))
 ORDER BY 1, 2, 3, 4, 5

-- name: standing_variances
-- How positions of these sites and places of a system differed when they were compared last, where they did.
SELECT key, item, site, place, lot, owner, status, quantity, in_flight, cause, confidence, detail, evidence, since, first_as_of, as_of, run
  FROM variances WHERE system = $1 AND status <> 'closed' AND site = ANY($2::text[]) AND place = ANY($3::text[]) AND owner = ANY($4::text[])

-- name: movements_around
-- The movements of these items between two moments, in the order in which they happened.
SELECT source, source_id, kind, item, site, to_site, origin, destination, quantity, lot, owner, entity, occurred_at, recorded_at, stream, sequence, reason, reference, line, message
  FROM movements WHERE item = ANY($1::text[]) AND occurred_at >= $2 AND occurred_at <= $3 ORDER BY occurred_at, source, source_id

-- name: gaps_around
-- Messages missing since $1, number by number (at most 1,000 of a gap), with the sites that their stream has spoken of since $2.
SELECT g.source, g.stream, n AS sequence, g.missing_at, coalesce(s.sites, '{}') AS sites
  FROM stream_gaps g CROSS JOIN LATERAL generate_series(g.sequence, least(g.upto, g.sequence + 999)) n
  LEFT JOIN (SELECT source, stream, array_agg(DISTINCT site) AS sites FROM movements
              WHERE occurred_at >= $2 AND (source, stream) IN (SELECT source, stream FROM stream_gaps) GROUP BY source, stream) s
    ON s.source = g.source AND s.stream = g.stream
 WHERE g.missing_at >= $1 ORDER BY g.missing_at, n

-- name: owed_of_items
-- What was announced of these items and not received, set apart and not shipped, sent off and not arrived: confirmations that may have been lost.
SELECT 'receipt' AS what, source || ':' || source_id || '/' || line AS id, item, site, quantity - received AS quantity, due_on::timestamptz AS since
  FROM expected_receipts WHERE item = ANY($1::text[]) AND NOT closed AND received < quantity AND kind <> 'transfer'
UNION ALL
SELECT 'shipment', r.key || '/' || r.line, r.item, r.site, r.quantity, d.asked_at
  FROM reservations r JOIN demands d ON d.key = r.key AND d.line = r.line WHERE r.item = ANY($1::text[])
UNION ALL
SELECT 'transfer', o.source || ':' || o.source_id, o.item, o.to_site, o.quantity - coalesce(sum(i.quantity), 0), o.occurred_at
  FROM movements o LEFT JOIN movements i ON i.item = o.item AND i.kind = 'transfer-in' AND i.reference = o.reference AND i.lot = o.lot
 WHERE o.item = ANY($1::text[]) AND o.kind = 'transfer-out' AND o.reference <> '' AND o.occurred_at >= $2
 GROUP BY o.source, o.source_id HAVING o.quantity > coalesce(sum(i.quantity), 0)

-- name: note_reconciliation
-- Writes that a snapshot is compared; gives the number of the run.
INSERT INTO reconciliations (snapshot, system, as_of, ran_at, differing, timing, found, gone, amount, note)
VALUES ($1, $2, $3, $4, 0, 0, 0, 0, NULL, '') RETURNING id

-- name: finish_reconciliation
-- What a comparison came to.
UPDATE reconciliations SET differing = $2, timing = $3, found = $4, gone = $5, amount = $6, note = $7 WHERE id = $1

-- name: save_variances
-- Writes how each of these positions differs now.
INSERT INTO variances (lane, key, system, item, site, place, lot, owner, status, ours, theirs, quantity, in_flight, amount, cause, confidence, detail, evidence, since, first_as_of, as_of, snapshot, run)
SELECT lane, key, $20, item, site, place, lot, owner, status, ours, theirs, quantity, in_flight, amount, cause, confidence, detail, evidence, since, first_as_of, $21, $22, $23
  FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[],
              $13::numeric[], $14::text[], $15::numeric[], $16::text[], $17::text[], $18::timestamptz[], $19::timestamptz[])
       AS v (lane, key, item, site, place, lot, owner, status, ours, theirs, quantity, in_flight, amount, cause, confidence, detail, evidence, since, first_as_of)
    ON CONFLICT (lane, key) DO UPDATE SET status = excluded.status, ours = excluded.ours, theirs = excluded.theirs, quantity = excluded.quantity, in_flight = excluded.in_flight,
       amount = excluded.amount, cause = excluded.cause, confidence = excluded.confidence, detail = excluded.detail, evidence = excluded.evidence, since = excluded.since,
       first_as_of = excluded.first_as_of, as_of = excluded.as_of, snapshot = excluded.snapshot, run = excluded.run, closed_at = NULL

-- name: close_variances
-- About these positions the books agree again.
UPDATE variances v SET status = 'closed', closed_at = $3, run = $4
  FROM unnest($1::int[], $2::text[]) AS g (lane, key) WHERE v.lane = g.lane AND v.key = g.key

-- name: set_snapshot_due
-- When a snapshot is to be compared again; NULL: no more.
UPDATE snapshots SET due_at = $2 WHERE id = $1

-- name: variances
-- Variances with what their process says, the dearest first; of one system, of one status, or one by its key.
SELECT v.key, v.system, v.item, v.site, v.place, v.lot, v.owner, v.status, coalesce(p.milestone, v.status) AS milestone, v.ours, v.theirs, v.quantity, v.in_flight, v.amount, v.cause, v.confidence,
       v.detail, v.evidence, v.since, v.first_as_of, v.as_of, v.snapshot, v.run, p.summary
  FROM variances v LEFT JOIN processes p ON p.lane = v.lane AND p.key = v.key
 WHERE ($1::text IS NULL OR v.system = $1) AND ($2::text[] IS NULL OR v.status = ANY($2)) AND ($3::text IS NULL OR v.key = $3)
 ORDER BY abs(v.amount) DESC NULLS LAST, v.key LIMIT $4

-- name: reconciliation_runs
-- The latest comparisons of a system (NULL: of any), the newest first.
SELECT r.id, r.snapshot, r.system, r.as_of, r.ran_at, r.differing, r.timing, r.found, r.gone, r.amount, r.note
  FROM reconciliations r WHERE $1::text IS NULL OR r.system = $1 ORDER BY r.id DESC LIMIT $2

-- name: snapshot_by_id
-- One snapshot.
SELECT id, system, source_id, as_of, whole, sites, places, owners, lots, lines, message, dropped FROM snapshots WHERE id = $1

-- name: counted_since
-- Whether this item was counted at this site after the moment $3.
SELECT EXISTS (SELECT FROM movements WHERE item = $1 AND occurred_at > $3 AND kind = 'count' AND (site = $2 OR to_site = $2))

-- name: entities_of
-- On whose books an item stands in one place of a site, the most first.
SELECT entity FROM positions_by_place WHERE item = $1 AND site = $2 AND place = $3 AND lot = $4 AND owner = $5 ORDER BY quantity DESC, entity
