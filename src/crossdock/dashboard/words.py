"""Values as people read them: money, quantities, times, spans, and the plain word and tone of each status. Pure.

A tone is one of good, warn, bad, wait, accent, idle or "" and says how a tag or bar is coloured; colour never stands alone, the word is always there.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

TONES: Mapping[str, str] = {
    # obligations
    "met": "good",
    "ready": "accent",
    "blocked": "warn",
    "waiting": "wait",
    "refused": "bad",
    "void": "",
    # deliveries
    "accepted": "good",
    "queued": "accent",
    "sending": "accent",
    "unknown": "warn",
    "dead": "bad",
    "cancelled": "",
    # messages
    "stored": "accent",
    "read": "good",
    "held": "bad",
    "sent": "good",
    # milestones
    "waiting-for-order": "bad",
    "received": "wait",
    "in-erp": "accent",
    "released": "accent",
    "partly-shipped": "warn",
    "shipped": "accent",
    "invoiced": "good",
    "complete": "good",
    "set-aside": "bad",
    # circuit breakers
    "closed": "good",
    "half-open": "warn",
    "open": "bad",
    # exceptions
    "business": "warn",
    "transport": "wait",
    "defect": "bad",
}

WORDS: Mapping[str, str] = {
    "waiting-for-order": "Waiting for the order",
    "in-erp": "In the ERP",
    "partly-shipped": "Partly shipped",
    "set-aside": "Set aside",
    "functional-ack": "functional acknowledgement (997)",
    "create-in-erp": "create in the ERP",
    "credit-check": "credit check",
    "acknowledge": "order acknowledgement",
    "release": "release to the warehouse",
    "confirm-shipment": "shipment confirmation",
    "ship-notice": "ship notice",
    "post-shipment": "post the shipment",
    "tax": "tax",
    "invoice": "invoice",
    "edi": "EDI",
    "us": "us",
}


def tone(status: str) -> str:
    """The tone of a status, "" when it has none."""
    return TONES.get(status, "")


def plain(name: str) -> str:
    """A name of ours in plain words: hyphens and underscores are spaces."""
    return WORDS.get(name, name.replace("-", " ").replace("_", " "))


def title(name: str) -> str:
    """As `plain`, with a capital."""
    words = plain(name)
    return words[:1].upper() + words[1:]


def money(amount: Any, currency: str = "") -> str:
    """1234.5 as 1,234.50 with its currency; nothing as an em-free dash."""
    if amount is None or amount == "":
        return ""
    return f"{Decimal(amount):,.2f}" + (f" {currency}" if currency else "")


def short_money(amount: Any, currency: str = "") -> str:
    """An amount in few characters: 980, 12.4 k, 3.1 M."""
    value = Decimal(amount or 0)
    for size, letter in ((Decimal(1_000_000_000), "bn"), (Decimal(1_000_000), "M"), (Decimal(10_000), "k")):
        if abs(value) >= size:
            shown = f"{value / (Decimal(1000) if letter == 'k' else size):,.1f} {letter}"
            break
    else:
        shown = f"{value:,.0f}"
    return f"{shown} {currency}".strip()


def quantity(value: Any) -> str:
    """A quantity without trailing zeros."""
    if value is None or value == "":
        return ""
    number = Decimal(str(value))
    return f"{number.quantize(Decimal(1)):,}" if number == number.to_integral_value() else f"{number.normalize():,f}"


def count(value: Any) -> str:
    """A whole number with separators."""
    return f"{int(value or 0):,}"


def span(value: timedelta | float | None) -> str:
    """How long something took or takes: 850 ms, 12 s, 4 min, 3 h, 5 d."""
    if value is None:
        return ""
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    size = abs(seconds)
    if size < 1:
        return f"{size * 1000:.0f} ms"
    if size < 60:
        return f"{size:.0f} s"
    if size < 5400:
        return f"{size / 60:.0f} min"
    if size < 172_800:
        return f"{size / 3600:.0f} h"
    return f"{size / 86_400:.0f} d"


def percent(part: Any, whole: Any) -> str:
    """A share in whole per cent; of nothing it is a dash."""
    return f"{100 * Decimal(part) / Decimal(whole):.0f} %" if whole else "-"


def size(octets: Any) -> str:
    """A size in bytes, kB or MB."""
    value = float(octets or 0)
    if value < 1000:
        return f"{value:.0f} B"
    return f"{value / 1000:.1f} kB" if value < 1_000_000 else f"{value / 1_000_000:.1f} MB"


def zone_of(name: str) -> tzinfo:
    """A time zone by its IANA name; UTC where the name says nothing to us."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ValueError, OSError, KeyError):
        return UTC


def when(value: datetime | date | None, zone: tzinfo, form: str = "") -> Markup:
    """A moment as a <time> in the viewer's zone. form: "" day and minute, "clock" hour to second, "day" the day."""
    if value is None:
        return Markup("")
    if not isinstance(value, datetime):
        return Markup('<span class="nowrap">{}</span>').format(value.isoformat())
    local = value.astimezone(zone)
    shown = {"clock": f"{local:%H:%M:%S}", "day": f"{local:%Y-%m-%d}"}.get(form, f"{local:%Y-%m-%d %H:%M}")
    return Markup('<time class="nowrap" datetime="{}" data-as="{}">{}</time>').format(_utc(value), form, shown)


def ago(value: datetime | None, now: datetime, zone: tzinfo) -> Markup:
    """How long ago, or in how long, as a <time> that keeps counting in the browser."""
    if value is None:
        return Markup("")
    seconds = (now - value).total_seconds()
    told = _counted(abs(seconds))
    return Markup('<time class="nowrap" datetime="{}" data-as="ago" title="{}">{}</time>').format(
        _utc(value), f"{value.astimezone(zone):%Y-%m-%d %H:%M}", f"in {told}" if seconds < 0 else f"{told} ago"
    )


def _counted(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds // 60:.0f} min"
    return f"{seconds // 3600:.0f} h" if seconds < 172_800 else f"{seconds // 86_400:.0f} d"


def _utc(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
