-- name: sign_in_failures
-- How often each of these subjects has failed since $2.
SELECT s.subject, (SELECT count(*) FROM sign_in_failures f WHERE f.subject = s.subject AND f.failed_at > $2) AS failures
  FROM unnest($1::text[]) AS s (subject)

-- name: note_sign_in_failure
-- A failure counts against each of these subjects; those of before $3 are forgotten.
WITH gone AS (DELETE FROM sign_in_failures WHERE subject = ANY($1::text[]) AND failed_at < $3)
INSERT INTO sign_in_failures (subject, failed_at) SELECT unnest($1::text[]), $2

-- name: forget_sign_in_failures
-- Somebody has come in: what they mistyped before is forgotten.
DELETE FROM sign_in_failures WHERE subject = $1

-- name: put_sign_in_flow
-- A flow begins; those that nobody has finished in time are forgotten.
WITH gone AS (DELETE FROM sign_in_flows WHERE expires_at < $5)
INSERT INTO sign_in_flows (hash, nonce, verifier, going_to, expires_at) VALUES ($1, $2, $3, $4, $6)

-- name: take_sign_in_flow
-- A flow comes back, once.
DELETE FROM sign_in_flows WHERE hash = $1 RETURNING nonce, verifier, going_to, expires_at

-- name: any_administrator
-- Whether anybody administers this database.
SELECT EXISTS (SELECT FROM people WHERE role = 'admin' AND disabled_at IS NULL)
