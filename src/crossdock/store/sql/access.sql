-- name: put_api_key
-- Keeps a new key by its hash.
INSERT INTO api_keys (id, family, hash, name, role, partner, scopes, created_at, created_by, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- name: api_key
-- One key by the prefix that it is looked up by.
SELECT id, family, hash, name, role, partner, scopes, created_at, created_by, expires_at, revoked_at FROM api_keys WHERE id = $1

-- name: api_keys
-- All keys, without their hashes, oldest first.
SELECT id, family, name, role, partner, scopes, created_at, created_by, expires_at, revoked_at FROM api_keys ORDER BY created_at, id

-- name: lock_api_key
-- One key, held so that no two rotate it at once.
SELECT id, family, name, role, partner, scopes, created_at, created_by, expires_at, revoked_at FROM api_keys WHERE id = $1 FOR UPDATE

-- name: expire_api_keys
-- Keys of a family, but for one, end at $3 at the latest.
UPDATE api_keys SET expires_at = $3 WHERE family = $1 AND id <> $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)

-- name: revoke_api_key
-- This key is good for nothing from now on. Returns it, if it was good before.
UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING id

-- name: claim_writes
-- Claims writes, each for whoever comes first, or after the lease of one who never finished it. Returns those that it got. In one order everywhere, so that two never deadlock.
INSERT INTO idempotency AS i (client, key, digest, what, name, role, begun_at, leased_until)
SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[])
    AS w (client, key, digest, what, name, role, begun_at, leased_until) ORDER BY client, key
    ON CONFLICT (client, key) DO UPDATE SET leased_until = excluded.leased_until
 WHERE i.status IS NULL AND (i.leased_until IS NULL OR i.leased_until < excluded.begun_at) AND i.digest = excluded.digest
RETURNING client, key

-- name: claimed_write
-- Who has a write already, and what came of it.
SELECT digest, leased_until, status, headers, body FROM idempotency WHERE client = $1 AND key = $2

-- name: finish_writes
-- The answers of writes, to be given again to whoever repeats them, and their lines in the audit log.
WITH f AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::smallint[], $4::text[], $5::bytea[], $6::timestamptz[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])
        AS f (client, key, status, headers, body, at, name, role, what, subject, before, after, trace)
), finished AS (
    UPDATE idempotency i SET status = f.status, headers = f.headers, body = f.body, leased_until = NULL FROM f WHERE i.client = f.client AND i.key = f.key
)
INSERT INTO audit_log (at, who, name, role, what, subject, key, status, before, after, trace)
SELECT at, client, name, role, what, subject, key, status, before::json, after::json, trace FROM f

-- name: release_write
-- A write that came to nothing: its key is free again.
DELETE FROM idempotency WHERE client = $1 AND key = $2 AND status IS NULL

-- name: lapsed_writes
-- Writes whose server ended before they did: what came of them nobody can say, and so does the audit log. They can still be repeated.
WITH lapsed AS (
    UPDATE idempotency SET leased_until = NULL WHERE (client, key) IN (
        SELECT client, key FROM idempotency WHERE leased_until < $1::timestamptz - interval '10 minutes' LIMIT 500 FOR UPDATE SKIP LOCKED
    ) RETURNING client, key, name, role, what
)
INSERT INTO audit_log (at, who, name, role, what, subject, key, status) SELECT $1::timestamptz, client, name, role, what, '', key, 0 FROM lapsed

-- name: forget_writes
-- Answers older than their time are not given again.
DELETE FROM idempotency WHERE begun_at < $1

-- name: audit_write
-- A line of the audit log for a write that came by another way than the API.
INSERT INTO audit_log (at, who, name, role, what, subject, key, status, before, after, trace)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::json, $10::text::json, $11)

-- name: audit_lines
-- The audit log, newest first, before a line; by who wrote or what was written.
SELECT id, at, who, name, role, what, subject, key, status, before::text AS before, after::text AS after, trace FROM audit_log
 WHERE ($1::bigint IS NULL OR id < $1) AND ($2::text IS NULL OR who = $2) AND ($3::text IS NULL OR subject = $3)
 ORDER BY id DESC LIMIT $4

-- name: count_usage
-- Adds requests of clients to a day; returns how many there are by now.
INSERT INTO usage AS u (client, day, requests) SELECT c, $2, n FROM unnest($1::text[], $3::bigint[]) AS t (c, n) ORDER BY c
    ON CONFLICT (client, day) DO UPDATE SET requests = u.requests + excluded.requests
RETURNING client, requests

-- name: put_setup_link
-- A link by which the first administrator makes itself known, kept by its hash.
INSERT INTO setup_links (hash, created_at, expires_at) VALUES ($1, $2, $3)

-- name: setup_link_stands
-- Whether a link can still be used.
SELECT true FROM setup_links WHERE hash = $1 AND used_at IS NULL AND expires_at > $2

-- name: use_setup_link
-- A link is used once. Returns nothing when it is used, expired or unknown.
UPDATE setup_links SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING hash

-- name: put_person
-- Somebody who may sign in; one that is known gets this name, role and, where one is given, password.
INSERT INTO people AS p (id, name, role, partner, password, created_at) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, role = excluded.role, partner = excluded.partner,
       password = CASE excluded.password WHEN '' THEN p.password ELSE excluded.password END

-- name: person
-- Somebody who may sign in.
SELECT id, name, role, partner, password, created_at, disabled_at FROM people WHERE id = $1

-- name: people
-- Everybody who may sign in.
SELECT id, name, role, partner, password <> '' AS has_password, created_at, disabled_at FROM people ORDER BY id

-- name: disable_person
-- Signs somebody out of everything, for good.
WITH gone AS (DELETE FROM sessions WHERE person = $1) UPDATE people SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL RETURNING id

-- name: open_session
-- Somebody has signed in; the session is kept by the hash of its token.
INSERT INTO sessions (hash, person, name, role, partner, csrf, created_at, seen_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)

-- name: session
-- A session that stands, unless nobody has used it since $3.
SELECT person, name, role, partner, csrf, created_at, seen_at, expires_at FROM sessions WHERE hash = $1 AND expires_at > $2 AND seen_at > $3

-- name: touch_session
-- Somebody was here.
UPDATE sessions SET seen_at = $2 WHERE hash = $1

-- name: close_session
-- Somebody has signed out.
DELETE FROM sessions WHERE hash = $1

-- name: forget_sessions
-- Sessions that have ended are forgotten.
DELETE FROM sessions WHERE expires_at < $1
