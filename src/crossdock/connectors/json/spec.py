"""How the workspace declares a JSON system: a request map per kind of document, an answer map, a look-up; and a fact
map per kind of message."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from crossdock.connectors.json.stock import MovementMap, ReceiptMap, SnapshotMap
from crossdock.connectors.settings import read

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class LookUp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The question whether a document is there, asked when nobody knows what became of it.

    path: with {expressions} over the document, each quoted for its place in a URL:
    "/v1/sales-orders?reference={reference}". found: an expression over the answer
    ("len(items) > 0"). settle_seconds: how long after an attempt of unknown outcome the question makes sense at the
    earliest, since the other side may still be at it. answer: the same keys as the document's own answer map, over this
    answer. A 404 means absent where `absent_404` says so.
    """

    path: str
    found: str
    method: Method = "GET"
    answer: dict[str, Any] = {}
    absent_404: bool = True
    settle_seconds: float = 0


class JsonDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one kind of document is sent.

    path: with {expressions} over the document. body: map of their key to an expression over our document; without it
    the document goes as it is.
    answer: map of our key to an expression over their answer (the keys that each kind needs:
    `crossdock.connectors.json.answers`). headers: fixed ones, no secrets.
    refused: an expression over a 2xx answer, for systems that say no that way.
    question: asking twice does no harm, so that one whose outcome nobody knows is simply asked again; it has no look_up.
    """

    path: str
    method: Method = "POST"
    body: dict[str, Any] | None = None
    answer: dict[str, Any] = {}
    headers: dict[str, str] = {}
    refused: str = ""
    question: bool = False
    look_up: LookUp | None = None


class JsonFact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a message tells a fact. All but `type` are expressions over the message's JSON.

    when: whether it tells this fact. type: the fact's type ("order.hold-released"). key: the business process (our
    order number). occurred_at: RFC 3339 text; else the time of receipt.
    data: map of the fact's fields to expressions. each: a list inside the message, one fact for each of its elements,
    over which all other expressions then run.
    """

    when: str
    type: str
    key: str
    data: dict[str, Any] = {}
    occurred_at: str = ""
    each: str = ""


class CsvFormat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a CSV file is written; its first row names the columns. delimiter: one character."""

    delimiter: str = ","
    encoding: str = "utf-8-sig"


class JsonSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The part of a system's settings that belongs to the JSON format, whatever carries it.

    documents: by kind, what is sent. facts, movements, snapshots, receipts: by a name of your own, what is read.
    tells_nothing: an expression over a message that may be passed over ("type == 'ping'"). csv: of files in that format.
    """

    documents: dict[str, JsonDocument] = {}
    facts: dict[str, JsonFact] = {}
    tells_nothing: str = ""
    movements: dict[str, MovementMap] = {}
    snapshots: dict[str, SnapshotMap] = {}
    receipts: dict[str, ReceiptMap] = {}
    csv: CsvFormat = CsvFormat()


def json_spec(settings: Mapping[str, Any], where: str = "settings") -> tuple[JsonSpec, dict[str, Any]]:
    """(the JSON part of `settings`, the rest, which the transport reads). Raises SettingsError."""
    names = {field.name for field in msgspec.structs.fields(JsonSpec)}
    ours = {name: value for name, value in settings.items() if name in names}
    return read(ours, JsonSpec, where), {name: value for name, value in settings.items() if name not in names}
