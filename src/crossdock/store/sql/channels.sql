-- name: take_to_offer
-- Takes up to $1 items at sites whose figures have changed off the list and gives them; those whose row of stock somebody is changing are left for the next time,
-- so that what is taken was committed before. Needs no lock order, since it waits for nobody.
WITH marked AS MATERIALIZED (
    SELECT item, site FROM stock_changed WHERE need = 'offer' ORDER BY item, site LIMIT $1 FOR UPDATE SKIP LOCKED
), held AS MATERIALIZED (
    SELECT s.item, s.site FROM marked m JOIN stock s ON s.item = m.item AND s.site = m.site FOR SHARE OF s SKIP LOCKED
), settled AS (
    SELECT item, site FROM held
    UNION ALL
    SELECT m.item, m.site FROM marked m WHERE NOT EXISTS (SELECT FROM stock s WHERE s.item = m.item AND s.site = m.site)
)
DELETE FROM stock_changed c USING settled t WHERE c.need = 'offer' AND c.item = t.item AND c.site = t.site RETURNING c.item, c.site

-- name: mark_channels
-- Marks these items at sites for these channels. A mark that stands is kept from being taken until this is committed; one that is being taken is made anew.
WITH wanted AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS w (channel, item, site)
), standing AS MATERIALIZED (
    SELECT c.channel, c.item, c.site FROM wanted w JOIN channel_changed c ON c.channel = w.channel AND c.item = w.item AND c.site = w.site
       FOR KEY SHARE OF c SKIP LOCKED
)
INSERT INTO channel_changed (channel, item, site, marked_at)
SELECT w.channel, w.item, w.site, $4 FROM wanted w
 WHERE NOT EXISTS (SELECT FROM standing s WHERE s.channel = w.channel AND s.item = w.item AND s.site = w.site)

-- name: mark_sites
-- Marks all that these sites have for a channel: how far their source is believed has changed.
INSERT INTO channel_changed (channel, item, site, marked_at)
SELECT $1, item, site, $3 FROM (
    SELECT item, site FROM channel_told WHERE channel = $1 AND site = ANY($2::text[])
    UNION
    SELECT item, site FROM stock WHERE site = ANY($2::text[])
) p

-- name: add_channels
-- Makes the rows of channels that are new.
INSERT INTO channels (channel) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING

-- name: hold_channel
-- Holds a channel to the end of the transaction; no row where another publisher does.
SELECT sequence, open, offered_at, full_at, slot, terms FROM channels WHERE channel = $1 FOR UPDATE SKIP LOCKED

-- name: offers_standing
-- How these offers stand: the obligation's status and the delivery's, empty where there is none yet.
SELECT k.key, coalesce(o.status, '') AS obligation, coalesce(d.status, '') AS delivery
  FROM unnest($1::int[], $2::text[]) AS k (lane, key)
  LEFT JOIN obligations o ON o.lane = k.lane AND o.id = k.key || '/offer'
  LEFT JOIN deliveries d ON d.lane = k.lane AND d.id = k.key || '/offer'

-- name: offers_in_trouble
-- The offers to a channel that stand in trouble, and why.
SELECT key, cause FROM exceptions
 WHERE closed_at IS NULL AND cause IN ('feed-late', 'offer-refused', 'offer-rejected') AND subject = $1

-- name: oldest_mark
-- Since when something has been waiting to be told to a channel.
SELECT marked_at FROM channel_changed WHERE channel = $1 ORDER BY marked_at LIMIT 1

-- name: take_marks
-- Takes up to $2 marks of a channel, the oldest first; those that somebody is just confirming are left.
DELETE FROM channel_changed c
 USING (SELECT ctid FROM channel_changed WHERE channel = $1 ORDER BY marked_at LIMIT $2 FOR UPDATE SKIP LOCKED) t
 WHERE c.ctid = t.ctid RETURNING c.item, c.site

-- name: pairs_of_channel
-- All that a channel may be told of: items at sites, in order; NULL stands for all.
SELECT item, site FROM stock
 WHERE site = ANY($1::text[]) AND ($2::text[] IS NULL OR item = ANY($2::text[])) ORDER BY item, site

-- name: figures_of_channel
-- What these items at sites can be offered from: what is available, what is expected and what waits for it; and what the channel was told last.
SELECT w.item, w.site, coalesce(s.storage + s.allocated + s.staging - greatest(s.reserved, s.allocated + s.staging), 0) AS available,
       coalesce(r.dues, '{}') AS dues, coalesce(r.quantities, '{}') AS quantities, coalesce(l.lacking, 0) AS lacking,
       t.quantity AS told, t.next_on, coalesce(t.next_quantity, 0) AS next_quantity
  FROM unnest($1::text[], $2::text[]) AS w (item, site)
  LEFT JOIN stock s ON s.item = w.item AND s.site = w.site
  LEFT JOIN channel_told t ON t.channel = $3 AND t.item = w.item AND t.site = w.site
  LEFT JOIN LATERAL (
    SELECT array_agg(e.due_on ORDER BY e.due_on) AS dues, array_agg(e.quantity - e.received ORDER BY e.due_on) AS quantities
      FROM expected_receipts e WHERE e.item = w.item AND e.site = w.site AND NOT e.closed AND e.quantity > e.received
  ) r ON true
  LEFT JOIN LATERAL (
    SELECT sum(d.wanted - d.reserved) AS lacking
      FROM waits a JOIN demands d ON d.key = a.key AND d.line = a.line WHERE a.item = w.item AND a.site = w.site
  ) l ON r.dues IS NOT NULL
 ORDER BY w.item, w.site

-- name: save_told
-- The channel has been told this.
INSERT INTO channel_told AS t (channel, item, site, quantity, next_on, next_quantity, sequence, told_at)
SELECT $1, item, site, quantity, next_on, next_quantity, $7, $8
  FROM unnest($2::text[], $3::text[], $4::numeric[], $5::date[], $6::numeric[]) AS o (item, site, quantity, next_on, next_quantity)
    ON CONFLICT (channel, item, site) DO UPDATE SET quantity = excluded.quantity, next_on = excluded.next_on,
       next_quantity = excluded.next_quantity, sequence = excluded.sequence, told_at = excluded.told_at

-- name: forget_told
-- What a full offer that began with $2 does not tell, the channel has none of.
DELETE FROM channel_told WHERE channel = $1 AND sequence < $2

-- name: save_channel
-- The channel's last offers are these.
UPDATE channels SET sequence = $2, open = $3::text[], offered_at = $4,
       full_at = CASE WHEN $5 THEN $4 ELSE full_at END, slot = CASE WHEN $5 THEN $6 ELSE slot END, terms = CASE WHEN $5 THEN $7 ELSE terms END
 WHERE channel = $1

-- name: want_full
-- A channel is to be told everything anew, out of turn; gives it back where there is such a channel.
UPDATE channels SET terms = '' WHERE channel = $1 RETURNING channel

-- name: add_sources
-- Makes the rows of systems that tell stock and are new.
INSERT INTO stock_sources (system) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING

-- name: hold_sources
-- Holds these sources, those that nobody else does, and says how they stood.
SELECT system, heard_at, silent, terms FROM stock_sources WHERE system = ANY($1::text[]) ORDER BY system FOR UPDATE SKIP LOCKED

-- name: sources_heard
-- When each of these systems last told us of stock, by movements or a snapshot.
SELECT w.system, greatest(
       (SELECT max(s.heard_at) FROM streams s WHERE s.source = w.system),
       (SELECT max(n.received_at) FROM snapshots n WHERE n.system = w.system)) AS heard_at
  FROM unnest($1::text[]) AS w (system)

-- name: save_source
-- How a source now stands.
UPDATE stock_sources SET heard_at = $2, silent = $3, terms = $4 WHERE system = $1

-- name: source_states
-- What each channel does about each source.
SELECT channel, system, state, since FROM source_states

-- name: save_source_state
-- What a channel does about a source from now on.
INSERT INTO source_states (channel, system, state, since) VALUES ($1, $2, $3, $4)
    ON CONFLICT (channel, system) DO UPDATE SET state = excluded.state, since = excluded.since

-- name: channels_now
-- How each channel stands: what it was told last, what was delivered last, and what waits to be told.
SELECT c.channel, c.sequence, c.offered_at, c.full_at, c.open,
       (SELECT count(*) FROM channel_told t WHERE t.channel = c.channel) AS told,
       (SELECT count(*) FROM channel_told t WHERE t.channel = c.channel AND t.quantity > 0) AS offered,
       (SELECT count(*) FROM channel_changed m WHERE m.channel = c.channel) AS waiting,
       (SELECT min(m.marked_at) FROM channel_changed m WHERE m.channel = c.channel) AS waiting_since
  FROM channels c ORDER BY c.channel

-- name: told_of_channel
-- What a channel was last told, of one item or of all, at most $3 rows.
SELECT item, site, quantity, next_on, next_quantity, sequence, told_at
  FROM channel_told WHERE channel = $1 AND ($2::text IS NULL OR item = $2) ORDER BY item, site LIMIT $3

-- name: sources_now
-- When each source was heard last, as far as its facts say.
SELECT system, heard_at, silent FROM stock_sources ORDER BY system
