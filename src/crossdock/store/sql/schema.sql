-- name: lock_migrations
-- One process at a time changes the schema; the others wait and find it done.
SELECT pg_advisory_lock($1)

-- name: unlock_migrations
-- The next may look.
SELECT pg_advisory_unlock($1)

-- name: make_migrations
-- Where it is written down which migrations a database has.
CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())

-- name: applied_migrations
-- The migrations that this database has.
SELECT number FROM migrations

-- name: note_migration
-- This one has been applied, in this transaction.
INSERT INTO migrations (number, name) VALUES ($1, $2)

-- name: divide_into_lanes
-- Divides the log into this many lanes, for the life of the database: keys hash to them.
WITH lane AS (SELECT generate_series(0, $1::int - 1) AS n),
     heads AS (INSERT INTO lanes (lane) SELECT n FROM lane),
     folds AS (INSERT INTO cursors (lane) SELECT n FROM lane)
INSERT INTO settings (name, value) VALUES ('lanes', $1::int::text)

-- name: setting
-- A setting of this database.
SELECT value FROM settings WHERE name = $1

-- name: put_setting
-- Writes a setting of this database.
INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value
