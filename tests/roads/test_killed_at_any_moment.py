"""kill -9 of workers and of PostgreSQL, at moments drawn from a seed, while doubled and shuffled orders come in for stock of which some is scarce."""

import random
import time
from collections.abc import Iterable
from pathlib import Path

from crossdock.testing.configs import Config, Erp, Retailer, Shop, Tax, Warehouse
from crossdock.testing.faults import ErpFaults, RetailerFaults, WarehouseFaults
from crossdock.testing.purchasing import stock_up, words
from crossdock.testing.rig import Rig, example_workspace
from crossdock.testing.stock_account import account_of_stock
from crossdock.testing.trading_day import ACME_FIRST, STORES

ORDERS = 150
KILLS = 8
SEED = 20260115
SCARCE = ("NW-1003", "NW-1010", "NW-1021", "NW-1033")
FEW = 60
"""So many of each scarce item at each site: less than half of what is wanted."""


def _counterparties(rig: Rig) -> Iterable[Config]:
    yield Retailer(
        name="acme",
        mailbox=rig.mailbox("acme"),
        tally=rig.tally_file("acme"),
        seed=SEED,
        orders=ORDERS,
        per_second=20,
        first_po=ACME_FIRST,
        catalogue=rig.catalogue("acme", "acme-2026"),
        stores=STORES,
        faults=RetailerFaults(doubled_interchange=0.2, doubled_document=0.2, reordered=0.3),
    )
    yield Warehouse(
        name="quick3pl",
        mailbox=rig.mailbox("quick3pl"),
        tally=rig.tally_file("quick3pl"),
        seed=SEED,
        shelving=stock_up(rig, but={(item, site): FEW for item in SCARCE for site in ("RENO", "COLUMBUS")}),
        faults=WarehouseFaults(doubled_interchange=0.2, doubled_document=0.1, reordered=0.2),
    )
    faults = ErpFaults(committed_500=0.05, committed_cut=0.05)
    yield Erp(name="erp", tally=rig.tally_file("erp"), token=rig.erp_token, seed=SEED, faults=faults)
    yield Shop(name="shop", tally=rig.tally_file("shop"), token=rig.shop_token)
    yield Tax(name="tax", tally=rig.tally_file("tax"), api_key=rig.tax_key, seed=SEED)


def test_whatever_is_killed_nothing_is_lost_or_doubled_and_the_books_are_right(folder: Path) -> None:
    chance = random.Random(SEED)
    with Rig(folder, example_workspace(), _counterparties) as rig:
        killed = 0
        for n in range(KILLS):
            time.sleep(chance.uniform(0.5, 2.0))
            killed += bool(rig.kill_postgres() if n % 4 == 3 else rig.kill_worker(chance.randrange(2)))
        ended = rig.settle(120)
        rig.stop_counterparties()
        account, stock = rig.account(ended.explained), account_of_stock(rig.tally(), words(rig))
        books = {(row.item, row.site): row.storage for row in rig.stock()}
        assert killed >= KILLS // 2
        assert account.problems() == []
        # An order of which nothing is there is answered with nothing.
        assert len(account.complete) + len(account.rejected) == account.orders == ORDERS
        assert stock.problems() == []
        assert {each.item for each in stock.short} == set(SCARCE)
        assert stock.unlike(books, {}) == []
        rebuilt = rig.command("rebuild", "--json").json()
        assert (rebuilt["differences"], rebuilt["stock"]) == ([], [])
