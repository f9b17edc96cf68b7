-- What the fold and the recorders write, a row an argument's element: an array of rows costs a third less to send and to read than an array a column
-- (as `settlement` of 004 does).
CREATE TYPE recorded_fact AS (
    lane integer, digest uuid, key text, type text, version smallint, source text, source_id text, occurred_at timestamptz, message bigint, body bytea
);
CREATE TYPE folded_process AS (
    lane integer, key text, process text, state bytea, known bytea, positions bigint[], milestone text, summary text, wake_at timestamptz, created_at timestamptz
);
CREATE TYPE saved_obligation AS (
    lane integer, id text, key text, kind text, debtor text, creditor text, status text, due_at timestamptz,
    blocked_by text[], evidence text[], subject text, amount numeric
);
CREATE TYPE queued_delivery AS (
    lane integer, id text, key text, system text, document text, partner text, ordering_key text, content bytea, number text, told bytea
);
CREATE TYPE saved_name AS (value text, kind text, key text, lane integer);
CREATE TYPE attached_delivery AS (
    lane integer, id text, message bigint, control text, key text, interchange text, functional_id text, group_number text, transaction text
);
