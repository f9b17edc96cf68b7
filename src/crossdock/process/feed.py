"""One offer of stock to a channel, from being made to being delivered; its key is FEED-{channel}.{sequence}. An offer never changes: a later one takes its place.

The obligation is `{key}/offer` (kind offer), us to the channel's system, due as the channel asks. It is void once a later full offer tells all that it told.
Troubles: feed-late (it was not delivered in time: what the channel sells by is old), offer-refused (the channel would not take it), offer-rejected (their 997 says that
they could not use it). All three close when it is delivered or overtaken; after the last two the publisher makes a full offer out of turn.
Milestones: waiting (only told of, so far), offered, refused, delivered, overtaken.
"""

from datetime import date, datetime
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from crossdock.facts.fact import Fact
from crossdock.facts.feed import OfferedLine, OfferSuperseded, StockOffered
from crossdock.facts.order import AcknowledgementReceived, DocumentSent, EffectRefused, EffectRetried
from crossdock.process.alone import Alone
from crossdock.process.obligation import Effect, Obligation, Standing, Status, Trouble
from crossdock.trade.documents import ItemReference
from crossdock.trade.stock import InventoryAdvice, InventoryLine, PlacedQuantity, StockLevel

PREFIX = "FEED-"
"""How the keys of offers begin."""

DOCUMENT = "inventory-advice"


def feed_key(channel: str, sequence: int) -> str:
    """The key of a channel's offer. A channel's id holds no dot."""
    return f"{PREFIX}{channel}.{sequence}"


class Said(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something said of the offer: `code` and `text` in words."""

    at: datetime
    fact: str
    code: str = ""
    text: str = ""


class Offer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The offer as made."""

    at: datetime
    fact: str
    channel: str
    sequence: int
    full: bool
    as_of: datetime
    system: str
    partner: str
    due_at: datetime | None
    part: int
    parts: int
    lines: tuple[OfferedLine, ...]


class State(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was told of one offer: the first making of it, and of everything else the last."""

    key: str
    offer: Offer | None = None
    sent: Said | None = None
    refused: Said | None = None
    retried: Said | None = None
    acknowledged: Said | None = None
    superseded: Said | None = None


def evolve(state: State, fact: Fact) -> State:
    """`state` with `fact`; the very same object when it says nothing new."""
    d, at, name = fact.data, fact.occurred_at, fact.id
    if isinstance(d, StockOffered):
        known = state.offer
        if known is not None and (known.at, known.fact) <= (at, name):
            return state
        offer = Offer(
            at, name, d.channel, d.sequence, d.full, d.as_of, d.system, d.partner, d.due_at, d.part, d.parts, d.lines
        )
        return replace(state, offer=offer)
    if isinstance(d, OfferSuperseded):
        return _with(state, "superseded", Said(at, name, str(d.by)))
    if isinstance(d, DocumentSent):
        return _with(state, "sent", Said(at, name, d.number))
    if isinstance(d, EffectRefused):
        return _with(state, "refused", Said(at, name, d.code, d.reason))
    if isinstance(d, EffectRetried):
        return _with(state, "retried", Said(at, name, d.who))
    if isinstance(d, AcknowledgementReceived):
        return _with(state, "acknowledged", Said(at, name, d.status, "; ".join(d.errors)))
    return state


def _with(state: State, field: str, said: Said) -> State:
    known: Said | None = getattr(state, field)
    later = known is None or (said.at, said.fact) > (known.at, known.fact)
    return replace(state, **{field: said}) if later else state


def _refusal(state: State) -> Said | None:
    """The refusal that stands: one that nobody had tried again since."""
    refused, retried = state.refused, state.retried
    if refused is None or (retried is not None and (retried.at, retried.fact) > (refused.at, refused.fact)):
        return None
    return refused


def derive(state: State, now: datetime) -> Standing:
    """How the offer stands at `now`."""
    offer = state.offer
    if offer is None:
        return Standing("waiting")
    key, id_, due = state.key, f"{state.key}/offer", offer.due_at
    refusal, rejected = _refusal(state), None
    if state.acknowledged is not None and state.acknowledged.code == "rejected":
        rejected = state.acknowledged
    evidence: tuple[str, ...] = ()
    if state.sent is not None:
        status, milestone, evidence = Status.MET, "delivered", (state.sent.fact,)
    elif state.superseded is not None:
        status, milestone, evidence = Status.VOID, "overtaken", (state.superseded.fact,)
    elif refusal is not None:
        status, milestone, evidence = Status.REFUSED, "refused", (refusal.fact,)
    else:
        status, milestone = Status.READY, "offered"
    obligation = Obligation(id_, "offer", "us", offer.system, status, due, (), evidence, str(offer.sequence))
    troubles: list[Trouble] = []
    if status is Status.REFUSED and refusal is not None:
        detail = f"{offer.system} refused offer {offer.sequence}: {f'{refusal.code} {refusal.text}'.strip()}"
        action = "mend the cause; a full offer follows by itself"
        troubles.append(Trouble(f"{key}/offer-refused", "offer-refused", detail, action, offer.channel, (id_,)))
    if rejected is not None and state.superseded is None:
        detail = f"{offer.system} could not use offer {offer.sequence}: {rejected.text or 'no reason told'}"
        action = "mend the cause; a full offer follows by itself"
        troubles.append(Trouble(f"{key}/offer-rejected", "offer-rejected", detail, action, offer.channel, (id_,)))
    late = status is Status.READY and due is not None and due <= now
    if late:
        detail = (
            f"offer {offer.sequence} was to be with {offer.system} by {due:%Y-%m-%d %H:%M}; it sells by older figures"
        )
        action = "see its delivery: `crossdock why` names the attempts"
        troubles.append(Trouble(f"{key}/feed-late", "feed-late", detail, action, offer.channel, (id_,)))
    wake_at = due if status is Status.READY and due is not None and due > now else None
    summary = {
        "channel": offer.channel,
        "sequence": offer.sequence,
        "full": offer.full,
        "told": len(offer.lines),
        "as_of": offer.as_of.isoformat(),
    }
    return Standing(milestone, (obligation,), tuple(troubles), (), wake_at, summary)


def _level(status: str, lines: list[OfferedLine], on: date | None = None) -> StockLevel:
    """A figure of an item, and how it is divided by site."""
    expected = on is not None
    told = [(line.site, line.next_quantity if expected else line.quantity) for line in lines]
    unit = lines[0].unit
    places = tuple([PlacedQuantity(site=site, quantity=quantity, unit=unit) for site, quantity in told])
    return StockLevel(status=status, quantity=sum([q for _, q in told], Decimal(0)), unit=unit, on=on, places=places)


def advice(state: State) -> InventoryAdvice:
    """The offer as a document, a line an item. `purpose` says whether it is all (original) or changes only (change): of an item it always tells each site that the
    offer does. Raises KeyError when there is no offer."""
    offer = state.offer
    if offer is None:
        raise KeyError(state.key)
    by_item: dict[str, list[OfferedLine]] = {}
    for line in offer.lines:
        by_item.setdefault(line.item, []).append(line)
    lines = []
    for number, (item, told) in enumerate(by_item.items(), 1):
        days = sorted({line.next_on for line in told if line.next_on is not None})
        expected = [_level("expected", [line for line in told if line.next_on == on], on) for on in days]
        items = (ItemReference(qualifier="sku", id=item),)
        lines.append(InventoryLine(line=str(number), items=items, levels=(_level("available", told), *expected)))
    return InventoryAdvice(
        number=str(offer.sequence),
        kind="seller",
        purpose="original" if offer.full else "change",
        as_of=offer.as_of.replace(tzinfo=None),
        channel=offer.channel,
        lines=tuple(lines),
        line_count=len(lines),
    )


def effect(state: State, obligation: Obligation) -> Effect:
    """The document, in the order in which the channel is told. Raises KeyError for what is no offer of this process."""
    offer = state.offer
    if offer is None or obligation.id != f"{state.key}/offer":
        raise KeyError(obligation.id)
    return Effect(
        obligation=obligation.id,
        system=offer.system,
        document=DOCUMENT,
        content=advice(state),
        partner=offer.partner,
        ordering_key=PREFIX + offer.channel,
        number=str(offer.sequence),
    )


PROCESS = Alone("feed", State, evolve, derive, effect)
