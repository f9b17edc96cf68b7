-- Who may ask, what they asked for, and what came of it.
--
-- api_keys       a key is shown once and kept as its SHA-256. `family` is the first key's id: what it is rotated to answers to the same name.
-- people, setup_links, sessions
--                those who sign in to the dashboard: by a password of ours, or through OIDC (then without one).
-- idempotency    one row a write: who claims it first does the work, and its answer is given again to whoever repeats it.
-- audit_log      every write, append-only: a trigger refuses to change or remove what is written.
-- usage          requests by client and day, for quotas.
-- processes.partner
--                whose order it is: the row filter of every read that a partner makes.

CREATE TABLE api_keys (
    id         text COLLATE "C" PRIMARY KEY,
    family     text COLLATE "C" NOT NULL,
    hash       bytea NOT NULL CHECK (octet_length(hash) = 32),
    name       text NOT NULL,
    role       text NOT NULL,
    partner    text NOT NULL DEFAULT '',
    scopes     text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    CHECK ((role = 'partner') = (partner <> ''))
);
CREATE INDEX api_keys_of_family ON api_keys (family);

CREATE TABLE people (
    id          text COLLATE "C" PRIMARY KEY,
    name        text NOT NULL,
    role        text NOT NULL,
    partner     text NOT NULL DEFAULT '',
    password    text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL,
    disabled_at timestamptz,
    CHECK ((role = 'partner') = (partner <> ''))
);

CREATE TABLE setup_links (
    hash       bytea PRIMARY KEY,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);

CREATE TABLE sessions (
    hash       bytea PRIMARY KEY,
    person     text NOT NULL,
    name       text NOT NULL,
    role       text NOT NULL,
    partner    text NOT NULL DEFAULT '',
    csrf       text NOT NULL,
    created_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_of_person ON sessions (person);

CREATE TABLE idempotency (
    client       text COLLATE "C" NOT NULL,
    key          text COLLATE "C" NOT NULL,
    digest       bytea NOT NULL,
    what         text NOT NULL,
    name         text NOT NULL,
    role         text NOT NULL,
    begun_at     timestamptz NOT NULL,
    leased_until timestamptz,
    status       smallint,
    headers      text NOT NULL DEFAULT '{}',
    body         bytea,
    PRIMARY KEY (client, key)
);
CREATE INDEX idempotency_by_age ON idempotency (begun_at);
CREATE INDEX idempotency_under_way ON idempotency (leased_until) WHERE leased_until IS NOT NULL;

CREATE TABLE audit_log (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL,
    who     text COLLATE "C" NOT NULL,
    name    text NOT NULL,
    role    text NOT NULL,
    what    text NOT NULL,
    subject text COLLATE "C" NOT NULL,
    key     text COLLATE "C" NOT NULL,
    status  smallint NOT NULL,
    before  json,
    after   json,
    trace   text NOT NULL DEFAULT ''
);
CREATE INDEX audit_log_of_subject ON audit_log (subject, id) WHERE subject <> '';
CREATE INDEX audit_log_of_who ON audit_log (who, id);

CREATE FUNCTION refuse_to_forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END $$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse_to_forget();
CREATE TRIGGER audit_log_not_emptied BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_forget();

CREATE TABLE usage (
    client   text COLLATE "C" NOT NULL,
    day      date NOT NULL,
    requests bigint NOT NULL,
    PRIMARY KEY (client, day)
);

ALTER TABLE processes ADD COLUMN partner text COLLATE "C" GENERATED ALWAYS AS (summary ->> 'customer') STORED;
CREATE INDEX processes_of_partner ON processes (partner, created_at DESC, key DESC) WHERE partner IS NOT NULL;
CREATE INDEX processes_by_age ON processes (process, created_at DESC, key DESC);
-- By when they began and not by when they changed: a page goes on where the last one ended, and a fold that changes a row changes no index for it.
