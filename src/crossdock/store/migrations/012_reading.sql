-- What the dashboard keeps for itself: who is at the door.
--
-- sign_in_failures  wrong passwords of late, by person and by address; too many, and the door stays shut for a while.
-- sign_in_flows     OpenID Connect flows under way, by the hash of the browser's state; used once.

CREATE TABLE sign_in_failures (
    subject   text COLLATE "C" NOT NULL,
    failed_at timestamptz NOT NULL
);
CREATE INDEX sign_in_failures_of ON sign_in_failures (subject, failed_at);

CREATE TABLE sign_in_flows (
    hash       bytea PRIMARY KEY,
    nonce      text NOT NULL,
    verifier   text NOT NULL,
    going_to   text NOT NULL,
    expires_at timestamptz NOT NULL
);
