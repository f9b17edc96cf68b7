-- Events are kept for as long as the workspace says, and then swept, the oldest first, with what was sent of them.
--
-- feed_kept              one row: the first sequence that is still in the feed, and when the last that is not was announced. Who sweeps holds it; who is about to rely on
--                        what is kept (a webhook that begins behind a cursor, a redelivery) shares it.
-- event_cursors.furthest how far announcing has ever come: what is announced anew and was swept is told by this.
-- subscriptions.missed   up to where events were swept before a webhook that was given up had been sent them; 0: none were.

CREATE TABLE feed_kept (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    first bigint NOT NULL DEFAULT 1,
    since timestamptz
);
INSERT INTO feed_kept DEFAULT VALUES;

ALTER TABLE event_cursors ADD COLUMN furthest bigint NOT NULL DEFAULT 0;
UPDATE event_cursors SET furthest = position;

ALTER TABLE subscriptions ADD COLUMN missed bigint NOT NULL DEFAULT 0;
