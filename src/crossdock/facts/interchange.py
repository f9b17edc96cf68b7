"""Facts about what came in as a message: an interchange that owes its sender an acknowledgement, or bytes that nobody can read yet."""

import msgspec

from crossdock.facts.told import Told


class ReceivedGroup(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One functional group and the 997 it is owed: `acknowledgement` is the 997's segments as X12 elements, empty when none is due
    (a group of 997s is never acknowledged). status: accepted, accepted-with-errors, partially-accepted, rejected."""

    functional_id: str
    control_number: str
    status: str
    transactions: int = 0
    acknowledgement: tuple[tuple[str, ...], ...] = ()
    rejected: tuple[str, ...] = ()


class InterchangeReceived(Told, frozen=True, kw_only=True, tag="interchange.received"):
    """An interchange was read. `channel` it came by, `partner` as known to the workspace; `ta1` is the TA1 segment that is owed, empty when none is."""

    channel: str
    partner: str
    sender: str
    receiver: str
    control_number: str
    workspace_version: int = 0
    version: str = ""
    groups: tuple[ReceivedGroup, ...] = ()
    ta1: tuple[str, ...] = ()


class MessageHeld(Told, frozen=True, kw_only=True, tag="message.held"):
    """A message could not be (wholly) understood; its bytes are kept and it is read again when its cause is gone. cause: unreadable, unknown-sender, no-guide,
    rejected-document, unknown-order-reference, map-failed, test-indicator."""

    channel: str
    cause: str
    detail: str = ""
    partner: str = ""


class MessageUnderstood(Told, frozen=True, kw_only=True, tag="message.understood"):
    """A held message has been read after all (mended, or the workspace learned)."""

    channel: str


class MessageReplaced(Told, frozen=True, kw_only=True, tag="message.replaced"):
    """Somebody mended a held message: message `by` stands in its place and is read instead. The original's bytes are kept beside."""

    channel: str
    by: int
    who: str
    reason: str


InterchangeFact = InterchangeReceived | MessageHeld | MessageUnderstood | MessageReplaced
