"""The account that is drawn when a run is over: what the counterparties say they sent and got, held against each other.

It asks the hub nothing. An order is complete when all that the warehouse shipped for it was announced and invoiced,
once and at the ordered prices; it is lost when it has no invoice and neither a cancellation (by the customer, or by a
warehouse that found nothing of it), a rejection nor the caller's explanation stands for it.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

import msgspec

from crossdock.testing.tallies import ErpTally, Placed, Recorded, RetailerTally, Seen, Shipped, Tally, WarehouseTally

REJECTED = frozenset({"RD", "RJ"})
Lines = dict[str, Decimal]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Purchase orders by what became of them (each in one of complete, cancelled, rejected, explained, lost, or in
    wrong_quantities), and what is wrong, in words that begin with the purchase order or the reference.

    doubled: by kind (acknowledgement, ship-notice, invoice, release, erp-order, erp-revision, erp-posting), what was
    done twice.
    unposted: warehouse shipments without a posting in the ERP. retransmissions: the same interchange again, which
    harms nobody.
    """

    orders: int
    lines: int
    complete: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    explained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    doubled: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    wrong_quantities: tuple[str, ...] = ()
    wrong_prices: tuple[str, ...] = ()
    early_invoices: tuple[str, ...] = ()
    unposted: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    malformed: tuple[str, ...] = ()
    retransmissions: int = 0

    @property
    def doubled_count(self) -> int:
        """How many things were done twice, of all kinds."""
        return sum(len(each) for each in self.doubled.values())

    def problems(self) -> list[str]:
        """All that must not be, one a line; empty when the run was as it should be."""
        told = [f"lost: {po}" for po in self.lost]
        told += [f"doubled {kind}: {each}" for kind, these in sorted(self.doubled.items()) for each in these]
        for name in ("wrong_quantities", "wrong_prices", "early_invoices", "unposted", "strangers", "malformed"):
            told += [f"{name.replace('_', ' ')}: {each}" for each in getattr(self, name)]
        return told


def reconcile(tallies: Iterable[Tally] | Mapping[str, Tally], explained: Collection[str] = ()) -> Account:
    """Compare the tallies. `explained`: purchase orders that rest in a known exception, by number.

    Raises ValueError when two retailers placed the same purchase order number, as a warehouse could not tell them
    apart.
    """
    these = list(tallies.values() if isinstance(tallies, Mapping) else tallies)
    retailers = [each for each in these if isinstance(each, RetailerTally)]
    warehouses = [each for each in these if isinstance(each, WarehouseTally)]
    erps = [each for each in these if isinstance(each, ErpTally)]
    folders: list[RetailerTally | WarehouseTally] = [*retailers, *warehouses]
    placed: dict[str, Placed] = {}
    for retailer in retailers:
        if both := placed.keys() & retailer.orders.keys():
            raise ValueError(f"two retailers placed the same purchase order, {min(both)}; give them different prefixes")
        placed |= retailer.orders
    documents = [seen for retailer in retailers for seen in retailer.documents]
    shipments: defaultdict[str, list[Shipped]] = defaultdict(list)
    picks: defaultdict[str, set[str]] = defaultdict(set)
    for warehouse in warehouses:
        for release in warehouse.releases:
            picks[release.purchase_order].update(release.faults)
        for shipment in warehouse.shipments:
            if shipment.purchase_order:
                shipments[shipment.purchase_order].append(shipment)

    doubled = {
        "acknowledgement": _again((s.purchase_order, s.digest) for s in documents if s.set_id == "855"),
        "ship-notice": _again((s.purchase_order, s.shipment) for s in documents if s.set_id == "856"),
        "invoice": _doubled_invoices(documents),
        "release": tuple(each for warehouse in warehouses for each in warehouse.doubled),
        **_doubled_records(erps),
    }
    fates: defaultdict[str, list[str]] = defaultdict(list)
    quantities: list[str] = []
    prices: list[str] = []
    by_order: defaultdict[str, list[Seen]] = defaultdict(list)
    for seen in documents:
        by_order[seen.purchase_order].append(seen)
    for po, order in placed.items():
        mine = by_order.get(po, [])
        fates[_fate(po, order, mine, shipments[po], explained)].append(po)
        quantities += _wrong_quantities(po, order, mine, shipments[po], po in explained)
        if po not in explained:
            quantities += _wrong_totals(po, order, mine, shipments[po], picks[po])
        prices += _wrong_prices(po, order, mine)
    wrong = {each.split(" ", 1)[0] for each in quantities}
    return Account(
        orders=len(placed),
        lines=sum(len(order.lines) for order in placed.values()),
        complete=tuple(po for po in fates["complete"] if po not in wrong),
        cancelled=tuple(fates["cancelled"]),
        rejected=tuple(fates["rejected"]),
        explained=tuple(fates["explained"]),
        lost=tuple(fates["lost"]),
        doubled={kind: these for kind, these in doubled.items() if these},
        wrong_quantities=tuple(quantities),
        wrong_prices=tuple(prices),
        early_invoices=tuple(each for retailer in retailers for each in retailer.early_invoices),
        unposted=_unposted(shipments, erps, explained),
        strangers=tuple(
            f"{s.purchase_order} in {s.set_id} {s.number}" for s in documents if s.purchase_order not in placed
        ),
        malformed=tuple(each for tally in folders for each in tally.malformed),
        retransmissions=sum(len(tally.retransmissions) for tally in folders),
    )


def _fate(po: str, order: Placed, seen: list[Seen], shipped: list[Shipped], explained: Collection[str]) -> str:
    if any(each.set_id == "810" for each in seen):
        return "complete"
    if po in explained:
        return "explained"
    answers = [each.status for each in seen if each.set_id == "855"]
    if not shipped and answers and answers[-1] in REJECTED:
        return "rejected"
    if not shipped and order.cancelled:
        return "cancelled"
    if shipped and not any(each.lines for each in shipped):
        return "cancelled"  # the warehouse found nothing of it: a shipment of nothing is neither announced nor billed
    return "lost"


def _wrong_quantities(
    po: str, order: Placed, seen: list[Seen], shipped: list[Shipped], is_explained: bool
) -> list[str]:
    """Per line, ship notices against invoices; in total, what left the warehouse against the ship notices."""
    noticed = _sum({(s.shipment, s.set_id): s for s in seen if s.set_id == "856"}.values())
    invoiced = _sum({s.number: s for s in seen if s.set_id == "810"}.values())
    wrong = [
        f"{po} line {line} was never ordered"
        for line in sorted((noticed.keys() | invoiced.keys()) - order.lines.keys())
    ]
    for line in sorted(noticed.keys() | invoiced.keys()):
        told, billed = noticed.get(line, Decimal(0)), invoiced.get(line, Decimal(0))
        # What is announced and not invoiced at all makes the order lost; it is not told twice.
        if billed > told or (billed < told and invoiced and not is_explained):
            wrong.append(f"{po} line {line}: announced {told}, invoiced {billed}")
    left = sum(_sum(shipped).values(), Decimal(0))
    announced = sum(noticed.values(), Decimal(0))
    same_unit = {each.unit for each in shipped} <= {order.unit}
    if noticed and same_unit and (announced > left or (announced < left and not is_explained)):
        wrong.append(f"{po} in total: shipped {left}, announced {announced}")
    return wrong


def _wrong_totals(po: str, order: Placed, seen: list[Seen], shipped: list[Shipped], picks: set[str]) -> list[str]:
    """What left the warehouse against what was ordered and acknowledged, but for the warehouse's own doing.

    Asked only of orders that were invoiced and not changed, in one unit, and where a warehouse tells.
    """
    answers = [each for each in seen if each.set_id == "855"]
    if not shipped or order.cancelled or order.changed or not any(each.set_id == "810" for each in seen):
        return []
    if any(each.unit != order.unit for each in shipped):
        return []
    left = sum(_sum(shipped).values(), Decimal(0))
    ordered = sum(map(Decimal, order.lines.values()), Decimal(0))
    promised = sum(map(Decimal, answers[-1].lines.values()), Decimal(0)) if answers else ordered
    if left > ordered and "over" not in picks:
        return [f"{po} in total: ordered {ordered}, shipped {left}"]
    if left < promised and "short" not in picks:
        return [f"{po} in total: acknowledged {promised}, shipped {left}"]
    return []


def _wrong_prices(po: str, order: Placed, seen: list[Seen]) -> list[str]:
    return [
        f"{po} line {line}: ordered at {order.prices[line]}, invoiced at {price} on {each.number}"
        for each in seen
        if each.set_id == "810"
        for line, price in each.prices.items()
        if line in order.prices and Decimal(price or "0") != Decimal(order.prices[line])
    ]


def _sum(these: Iterable[Seen | Shipped]) -> Lines:
    total: Lines = {}
    for each in these:
        for line, quantity in each.lines.items():
            total[line] = total.get(line, Decimal(0)) + Decimal(quantity)
    return {line: quantity for line, quantity in total.items() if quantity}


def _again(keys: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The keys that come more than once, each as often as it is one too many."""
    return tuple("/".join(key) for key, times in Counter(keys).items() for _ in range(times - 1))


def _doubled_invoices(documents: list[Seen]) -> tuple[str, ...]:
    """The same invoice number twice, or two numbers for the same shipment of the same order."""
    invoices = [each for each in documents if each.set_id == "810"]
    distinct = {each.number: each for each in invoices}.values()
    return _again((each.number,) for each in invoices) + _again(
        (each.purchase_order, each.shipment) for each in distinct if each.shipment
    )


def _doubled_records(erps: list[ErpTally]) -> dict[str, tuple[str, ...]]:
    """The same reference twice; or the same order, or shipment of an order, under two references."""
    orders: list[Recorded] = [each for erp in erps for each in erp.orders]
    postings: list[Recorded] = [each for erp in erps for each in erp.postings]
    order_keys = {each.reference: each.order for each in orders}.values()
    posting_keys = {each.reference: (each.order, each.shipment) for each in postings}.values()
    return {
        "erp-order": _again((each.reference,) for each in orders) + _again((key,) for key in order_keys),
        "erp-revision": _again((each.reference,) for erp in erps for each in erp.revisions),
        "erp-posting": _again((each.reference,) for each in postings) + _again(posting_keys),
    }


def _unposted(
    shipments: Mapping[str, list[Shipped]], erps: list[ErpTally], explained: Collection[str]
) -> tuple[str, ...]:
    if not erps:
        return ()
    posted = Counter(order for order, _ in {(each.order, each.shipment) for erp in erps for each in erp.postings})
    missing = []
    for po, these in shipments.items():
        for order, count in Counter(each.order for each in these if each.lines).items():
            if po not in explained and posted[order] < count:
                missing.append(f"{po} order {order}: {count} shipments, {posted[order]} postings")
    return tuple(missing)
