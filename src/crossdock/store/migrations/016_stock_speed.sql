-- Lines of a snapshot take its number from a setting of the transaction: unlike currval(), it may be read once for many rows, so COPY writes them page by page.
ALTER TABLE snapshot_lines ALTER COLUMN snapshot SET DEFAULT current_setting('crossdock.snapshot')::bigint;
-- Ranges are summed up as they fill, so that the lines of one snapshot are found without reading those of the days before.
ALTER INDEX snapshot_lines_of SET (autosummarize = on);
-- Lines are dropped after a few days: nothing is gained by freezing them before.
ALTER TABLE snapshot_lines SET (autovacuum_vacuum_insert_threshold = -1);

-- What stands of own stock in one place, whatever the lot and entity, laid out so that asking for one place reads one column of stock.
CREATE VIEW stock_by_place AS
    SELECT item, site, 'receiving'::text COLLATE "C" AS place, receiving AS quantity FROM stock WHERE receiving <> 0
    UNION ALL SELECT item, site, 'storage', storage FROM stock WHERE storage <> 0
    UNION ALL SELECT item, site, 'allocated', allocated FROM stock WHERE allocated <> 0
    UNION ALL SELECT item, site, 'staging', staging FROM stock WHERE staging <> 0
    UNION ALL SELECT item, site, 'transit', transit FROM stock WHERE transit <> 0
    UNION ALL SELECT item, site, 'quarantine', quarantine FROM stock WHERE quarantine <> 0
    UNION ALL SELECT item, site, 'damaged', damaged FROM stock WHERE damaged <> 0;
