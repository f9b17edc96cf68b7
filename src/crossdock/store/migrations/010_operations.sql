-- What people do about what the folds say: nothing here is a fold, and nothing of it is lost when the folds are made anew.
--
-- exception_actions who took an exception on, said something of it, put it off, decided; append-only. The exception itself opens and closes by its cause alone.
-- exception_care    what the actions come to: one row an exception that anybody did anything about. revision: its last action.
-- resubmissions     a held message and the edit that stands in its place; the original's bytes stay as they came.
-- attempts.answer   what the other side answered, as JSON: status, headers without secrets, the beginning of its body.

CREATE TABLE exception_actions (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane      integer NOT NULL,
    exception text COLLATE "C" NOT NULL,
    action    text NOT NULL CHECK (action IN ('assign', 'comment', 'snooze', 'wake', 'decide')),
    who       text NOT NULL,
    at        timestamptz NOT NULL,
    assignee  text NOT NULL DEFAULT '',
    until     timestamptz,
    accept    boolean,
    note      text NOT NULL DEFAULT ''
);
CREATE INDEX exception_actions_of ON exception_actions (lane, exception, id);

CREATE FUNCTION actions_stand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was done about an exception is not rewritten';
END $$;
CREATE TRIGGER exception_actions_stand BEFORE UPDATE OR DELETE ON exception_actions FOR EACH ROW EXECUTE FUNCTION actions_stand();

CREATE TABLE exception_care (
    lane          integer NOT NULL,
    id            text COLLATE "C" NOT NULL,
    assignee      text COLLATE "C" NOT NULL DEFAULT '',
    snoozed_at    timestamptz,
    snoozed_until timestamptz,
    comments      integer NOT NULL DEFAULT 0,
    revision      bigint NOT NULL,
    PRIMARY KEY (lane, id)
);
CREATE INDEX exception_care_of ON exception_care (assignee, lane, id) WHERE assignee <> '';

CREATE INDEX exceptions_newest ON exceptions (opened_at DESC, id DESC) WHERE closed_at IS NULL;
CREATE INDEX obligations_undated ON obligations (id) WHERE due_at IS NULL AND status IN ('blocked', 'ready', 'waiting', 'refused');
CREATE INDEX obligations_due ON obligations (due_at, id) WHERE status IN ('blocked', 'ready', 'waiting', 'refused');
DROP INDEX obligations_open;
CREATE INDEX variances_by_key ON variances (key) WHERE status <> 'closed';
CREATE INDEX deliveries_newest ON deliveries (sequence DESC);

CREATE TABLE resubmissions (
    original bigint PRIMARY KEY,
    message  bigint NOT NULL UNIQUE,
    who      text NOT NULL,
    reason   text NOT NULL,
    at       timestamptz NOT NULL
);
ALTER TABLE messages DROP CONSTRAINT messages_status_check,
    ADD CONSTRAINT messages_status_check CHECK (status IN ('stored', 'read', 'held', 'sent', 'replaced'));

ALTER TABLE attempts ADD COLUMN answer bytea;
ALTER TYPE settlement ADD ATTRIBUTE answer bytea;
