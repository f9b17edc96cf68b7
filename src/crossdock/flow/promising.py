"""Promise: what can be promised of an item by when, from what the books have and what was agreed about stock. Pure; nothing is reserved."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from crossdock.ledger.atp import HORIZON_DAYS, Promisable, SiteStock, atp, waiting
from crossdock.ledger.demand import ExpectedReceipt
from crossdock.policy.stock import StockPolicy
from crossdock.ports.stock import Pair, Stock, Supply, Wanting


def by_item(supply: Supply) -> Mapping[str, Supply]:
    """The supply of each item of it, so that many items are worked out in the time that they take one by one."""
    stock: dict[str, dict[Pair, Stock]] = defaultdict(dict)
    receipts: dict[str, list[ExpectedReceipt]] = defaultdict(list)
    demands: dict[str, list[Wanting]] = defaultdict(list)
    for pair, there in supply.stock.items():
        stock[there.item][pair] = there
    for receipt in supply.receipts:
        receipts[receipt.item].append(receipt)
    for wanting in supply.demands:
        demands[wanting.demand.item].append(wanting)
    return {item: Supply(pairs, receipts.get(item, ()), demands.get(item, ())) for item, pairs in stock.items()}


def promisable(item: str, supply: Supply, policy: StockPolicy | None, today: date) -> Promisable:
    """ATP of `item` over the sites of `supply`, which may hold other items as well."""
    buffer = policy.safety(item) if policy is not None else Decimal(0)
    stocks = [
        SiteStock(each.site, each.storage, each.allocated, each.staging, each.reserved, buffer)
        for each in supply.stock.values()
        if each.item == item
    ]
    waits = [
        wait
        for each in supply.demands
        if each.demand.item == item and (wait := waiting(each.demand, each.reserved)) is not None
    ]
    return atp(
        item,
        stocks,
        [receipt for receipt in supply.receipts if receipt.item == item],
        waits,
        today,
        horizon_days=policy.horizon_days if policy is not None else HORIZON_DAYS,
        overdue_days=policy.receipts_late_days if policy is not None else None,
    )
