"""A process as a story for people: its line counters, the moments of its life with what lay between them, what it waits for and why. Pure: values out of the read models."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.dashboard.words import plain, title
from crossdock.process.order_to_cash.deciding import choices

OPEN = ("blocked", "ready", "waiting", "refused")


class Counter(msgspec.Struct, frozen=True):
    """An ordered line. segments: (quantity, tone) that make its bar up, in the order of the road; counts: (name, quantity) of what is not nothing."""

    line: str
    item: str
    ordered: Decimal
    counts: Sequence[tuple[str, Decimal]]
    segments: Sequence[tuple[Decimal, str]]
    words: str


class Moment(msgspec.Struct, frozen=True):
    """Something that happened. after: how long after the moment before; late: whether that was longer than was agreed."""

    at: datetime
    words: str
    system: str
    tone: str
    message: int | None
    detail: str
    after: timedelta | None
    recorded_late: timedelta | None


class Wait(msgspec.Struct, frozen=True):
    """A checkpoint that is missing: its name, why, what it holds up, and since when."""

    name: str
    why: str
    holds_up: Sequence[str]
    since: datetime
    root: bool


class Held(msgspec.Struct, frozen=True):
    """A hold that stands."""

    name: str
    reason: str
    since: datetime


def holds(found: Mapping[str, Any]) -> list[Held]:
    """The holds that stand by the facts of a lineage: of each name the last word counts, as in the fold."""
    last: dict[str, Mapping[str, Any]] = {}
    for fact in sorted(found["facts"], key=lambda each: (each["occurred_at"], each["id"])):
        if fact["type"] in ("order.hold-placed", "order.hold-released"):
            last[fact["data"].hold] = fact
    return [
        Held(name, fact["data"].reason, fact["occurred_at"])
        for name, fact in sorted(last.items())
        if fact["type"] == "order.hold-placed"
    ]


def counters(summary: Mapping[str, Any]) -> list[Counter]:
    """The lines of an order by its summary, in the order of their numbers."""
    found = []
    for number, line in sorted(summary.get("lines", {}).items(), key=lambda each: (len(each[0]), each[0])):
        ordered, accepted, released, shipped, invoiced, cancelled, backordered = (
            Decimal(str(line.get(name) or 0))
            for name in ("ordered", "accepted", "released", "shipped", "invoiced", "cancelled", "backordered")
        )
        none = Decimal(0)
        billed = min(invoiced, shipped)
        left = max(released - shipped, none)
        waiting = max(accepted - released - backordered, none) if accepted > released else none
        rest = max(ordered - max(shipped, none) - left - waiting - backordered - cancelled, none)
        segments = [
            (billed, "good"),
            (shipped - billed, "accent"),
            (left, "wait"),
            (backordered, "warn"),
            (cancelled, "bad"),
            (waiting + rest, "idle"),
        ]
        counts = [
            (name, amount)
            for name, amount in (
                ("accepted", accepted),
                ("released", released),
                ("shipped", shipped),
                ("invoiced", invoiced),
                ("backordered", backordered),
                ("cancelled", cancelled),
            )
        ]
        words = f"line {number}: {ordered} ordered, " + ", ".join(f"{a} {n}" for n, a in counts if a)
        found.append(Counter(number, str(line.get("item", "")), ordered, counts, segments, words.rstrip(", ")))
    return found


TELLING: Mapping[str, str] = {
    "order.received": "Order received",
    "order.changed": "Change received",
    "order.cancelled": "Order cancelled",
    "order.lines-resolved": "Lines understood after all",
    "order.price-approved": "Price approved",
    "order.line-cancelled": "Line cancelled",
    "order.exception-decided": "Exception decided",
    "order.hold-placed": "Hold placed",
    "order.hold-released": "Hold released",
    "credit.answered": "Credit answered",
    "erp.order-created": "Entered in the ERP",
    "erp.order-revised": "Revised in the ERP",
    "erp.shipment-posted": "Shipment posted",
    "tax.received": "Tax received",
    "effect.refused": "Refused",
    "effect.retried": "Taken up again",
    "acknowledgement.received": "Acknowledgement received",
    "shipment.confirmed": "Shipment confirmed",
    "release.refused": "Release refused",
    "stock.reserved": "Stock reserved",
    "interchange.received": "Interchange received",
    "message.held": "Message held",
    "message.understood": "Message understood",
    "message.replaced": "Message mended",
}
BAD = ("effect.refused", "release.refused", "message.held", "order.cancelled")


def moments(found: Mapping[str, Any]) -> list[Moment]:
    """What happened, in the order in which it happened, with what lay between."""
    told: list[Moment] = []
    before: datetime | None = None
    for fact in sorted(found["facts"], key=lambda each: (each["occurred_at"], each["recorded_at"])):
        data = fact["data"]
        words, detail = TELLING.get(fact["type"], title(fact["type"].replace(".", " "))), ""
        tone = "bad" if fact["type"] in BAD else "accent"
        if fact["type"] == "document.sent":
            words = f"Sent: {plain(_kind(data.obligation, found['key']))}"
            detail = data.number
            tone = "good"
        elif fact["type"] == "credit.answered" and not data.approved:
            words, tone = "Credit declined", "bad"
        elif fact["type"] == "acknowledgement.received":
            status = str(data.status)
            words = f"Acknowledged: {plain(_kind(data.obligation, found['key']))}"
            tone = "good" if status == "accepted" else "bad"
            detail = "" if status == "accepted" else status
        else:
            for name in ("reason", "number", "reference", "shipment", "hold", "who"):
                if isinstance(value := getattr(data, name, None), str) and value:
                    detail = value
                    break
        lag = fact["recorded_at"] - fact["occurred_at"]
        told.append(
            Moment(
                at=fact["occurred_at"],
                words=words,
                system=fact["source"],
                tone=tone,
                message=fact["message"],
                detail=detail,
                after=fact["occurred_at"] - before if before is not None else None,
                recorded_late=lag if lag > timedelta(minutes=5) else None,
            )
        )
        before = fact["occurred_at"]
    return told


def _kind(obligation: str, key: str) -> str:
    """The kind in an obligation's id."""
    return obligation.removeprefix(key + "/").split("/")[0]


def waits_for(found: Mapping[str, Any]) -> list[Wait]:
    """The checkpoints that are missing, those first that wait for nothing else; what we wait for from others is one too."""
    names: dict[str, Wait] = {}
    open_kinds = {row["kind"] for row in found["obligations"] if row["status"] in OPEN}
    for row in found["obligations"]:
        if row["status"] not in OPEN:
            continue
        for blocked in row["blocked_by"]:
            name, _, why = blocked.partition(": ")
            before = names.get(blocked)
            holds = [*(before.holds_up if before else ()), plain(row["kind"])]
            since = min(before.since, row["opened_at"]) if before else row["opened_at"]
            # What is missing because of another obligation of the same order is no root.
            follows = any(kind in open_kinds for kind in _brought_by(name))
            names[blocked] = Wait(plain(name), why or plain(name), list(dict.fromkeys(holds)), since, not follows)
    for row in found["obligations"]:
        if row["status"] == "waiting" and row["debtor"] != "us":
            why = f"{row['debtor']} has not sent it"
            names[row["id"]] = Wait(plain(row["kind"]), why, [], row["opened_at"], True)
    return sorted(names.values(), key=lambda each: (not each.root, each.since))


def _brought_by(checkpoint: str) -> Sequence[str]:
    """The kinds of obligation that, once met, bring a checkpoint about."""
    return {
        "in-erp": ("create-in-erp",),
        "credit": ("credit-check",),
        "shipment-confirmed": ("release",),
        "released": ("release",),
        "tax-received": ("tax",),
        "accepted": ("acknowledge",),
    }.get(checkpoint, ())


def troubles(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Its open exceptions, with what may be decided of each and which effects can be tried again."""
    stuck = {row["id"] for row in found["deliveries"] if row["status"] in ("dead", "refused")}
    shown = []
    for row in found["exceptions"]:
        if row["closed_at"] is not None:
            continue
        again = [id_ for id_ in row["obligations"] if id_ in stuck]
        again += [
            id_
            for id_ in stuck
            if id_ not in again and row["id"].endswith("/dead-letter") and row["id"].startswith(id_)
        ]
        shown.append({**row, "choices": choices(row["cause"], row["subject"]), "again": again})
    return shown
