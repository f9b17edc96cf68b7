"""Counterparties for demos and tests: a retailer, a warehouse, an ERP, a tax service and a web shop as real processes that
misbehave on purpose.

`start` runs declared counterparties, `reconcile` draws the account from their tallies. `orders` and `confirmation`
make the same X12 without any process, for benchmarks. Nothing here knows the hub but its codec, so that it cannot
agree with it by accident.
"""

from crossdock.testing.account import Account, reconcile
from crossdock.testing.configs import (
    CatalogueItem,
    Config,
    Erp,
    Identity,
    Retailer,
    Shelving,
    Shop,
    Store,
    Style,
    Tax,
    Warehouse,
)
from crossdock.testing.faults import ErpFaults, RetailerFaults, Share, TaxFaults, WarehouseFaults, Window
from crossdock.testing.running import NotReady, Running, start
from crossdock.testing.simulators.confirmations import confirmation
from crossdock.testing.simulators.orders import orders

__all__ = [
    "Account",
    "CatalogueItem",
    "Config",
    "Erp",
    "ErpFaults",
    "Identity",
    "NotReady",
    "Retailer",
    "RetailerFaults",
    "Running",
    "Share",
    "Shelving",
    "Shop",
    "Store",
    "Style",
    "Tax",
    "TaxFaults",
    "Warehouse",
    "WarehouseFaults",
    "Window",
    "confirmation",
    "orders",
    "reconcile",
    "start",
]
