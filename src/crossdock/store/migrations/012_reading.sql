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

-- What pages read, so that none of them needs a scan.
--
-- board               the figures of Today, worked out every few seconds while somebody looks, by one server at a time.
-- throughput          facts by minute and type, counted as the log grows; throughput_counted: how far each lane has been.
-- saved_filters       what somebody wants to see again, by a name of theirs.

CREATE TABLE board (
    only_row boolean PRIMARY KEY CHECK (only_row),
    told_at  timestamptz NOT NULL,
    figures  bytea NOT NULL,
    took_ms  double precision NOT NULL
);

CREATE TABLE throughput (
    minute timestamptz NOT NULL,
    type   text NOT NULL,
    count  bigint NOT NULL,
    PRIMARY KEY (minute, type)
);

CREATE TABLE throughput_counted (
    lane     integer PRIMARY KEY,
    position bigint NOT NULL
);

CREATE TABLE saved_filters (
    person text COLLATE "C" NOT NULL,
    name   text NOT NULL,
    query  text NOT NULL,
    PRIMARY KEY (person, name)
);

-- Orders that are not complete: few of all there have ever been.
CREATE INDEX processes_in_flight ON processes (milestone, partner, created_at DESC, key DESC) WHERE process = 'order_to_cash' AND milestone <> 'complete';
-- What people read off a label or a page is often the end of a number.
CREATE INDEX names_from_the_end ON names ((reverse(value)) COLLATE "C") WHERE kind NOT IN ('customer', 'item', 'control-number', 'message');
-- These come about in the order of their time, so that a summary of ranges is enough to find the last of them.
CREATE INDEX attempts_by_time ON attempts USING brin (ended_at) WITH (pages_per_range = 32);
CREATE INDEX messages_by_time ON messages USING brin (received_at) WITH (pages_per_range = 32);
CREATE INDEX exception_intervals_by_time ON exception_intervals USING brin (opened_at) WITH (pages_per_range = 32);
