"""The long run with kill -9: thousands of orders, doubled and shuffled, while workers and PostgreSQL are killed at random moments and started again.

    python -m bench.kill [--orders 5000] [--seed N] [--kills 30] [--gap SECONDS]

Real processes, files and HTTP throughout. In the end every order is invoiced or rests in an explained exception, no ERP order, posting or 810 was made
twice, nothing was oversold and our books of stock say what the warehouse's shelves say (asked of the counterparties, not of us), and `crossdock rebuild` finds no
difference. Prints what was killed and what was found; ends with 1 when
something is wrong. The same run with fewer orders is a test: tests/roads.
"""

import logging
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bench.figures import Figure, ends_when_told, options, told
from bench.machine import machine
from crossdock.testing.account import Account
from crossdock.testing.configs import Config, Erp, Retailer, Shop, Tax, Warehouse
from crossdock.testing.faults import ErpFaults, RetailerFaults, WarehouseFaults
from crossdock.testing.purchasing import stock_up, words
from crossdock.testing.rig import Progress, Rig, example_workspace
from crossdock.testing.stock_account import account_of_stock
from crossdock.testing.trading_day import ACME_FIRST, STORES

LOOK_SECONDS = 5.0


def counterparties(rig: Rig, orders: int, seed: int) -> Iterable[Config]:
    """A retailer that drops all its orders as fast as it can, many of them twice or late; a warehouse that does the same; an ERP that commits and then fails."""
    yield Retailer(
        name="acme",
        mailbox=rig.mailbox("acme"),
        tally=rig.tally_file("acme"),
        seed=seed,
        orders=orders,
        lines=(1, 5),
        per_second=100,
        first_po=ACME_FIRST,
        catalogue=rig.catalogue("acme", "acme-2026"),
        stores=STORES,
        faults=RetailerFaults(doubled_interchange=0.2, doubled_document=0.2, reordered=0.3, reordered_by=20),
    )
    yield Warehouse(
        name="quick3pl",
        mailbox=rig.mailbox("quick3pl"),
        tally=rig.tally_file("quick3pl"),
        seed=seed,
        shelving=stock_up(rig, 1_000_000),
        faults=WarehouseFaults(doubled_interchange=0.2, doubled_document=0.1, reordered=0.2, short=0.02),
    )
    faults = ErpFaults(committed_500=0.03, committed_cut=0.03)
    yield Erp(name="erp", tally=rig.tally_file("erp"), token=rig.erp_token, seed=seed, faults=faults)
    yield Shop(name="shop", tally=rig.tally_file("shop"), token=rig.shop_token)
    yield Tax(name="tax", tally=rig.tally_file("tax"), api_key=rig.tax_key, seed=seed)


def _kill(rig: Rig, orders: int, chance: random.Random, gap: float, kills: int) -> Counter[str]:
    """Kills one thing after the other, `kills` in all, or until 19 of 20 orders are at their end."""
    killed: Counter[str] = Counter()
    look = 0.0
    while killed.total() < kills:
        time.sleep(chance.uniform(gap / 4, gap * 7 / 4))
        if chance.random() < 0.25:
            killed["PostgreSQL"] += bool(rig.kill_postgres())
        else:
            killed["workers"] += bool(rig.kill_worker(chance.randrange(2)))
        if time.monotonic() > look:
            now = rig.progress()
            look = time.monotonic() + LOOK_SECONDS
            print(f"killed {dict(killed)}; {_words(now)}", flush=True)
            if len(now.done | now.explained.keys()) >= 0.95 * orders:
                break
    return killed


def _words(now: Progress) -> str:
    return f"{len(now.placed)} orders placed, {len(now.done)} at their end, {len(now.explained)} in an exception"


def run(
    folder: Path, orders: int, seed: int, gap: float, kills: int, limit_seconds: float
) -> tuple[list[Figure], list[str]]:
    """The run in `folder`. Figures, and all that is wrong, one a line."""
    chance = random.Random(seed)
    began = time.monotonic()
    with Rig(folder, example_workspace(), lambda rig: counterparties(rig, orders, seed)) as rig:
        killed = _kill(rig, orders, chance, gap, kills)
        ended = rig.wait_until(
            lambda now: now.settled,
            limit_seconds,
            look=lambda now: print(_words(now), flush=True),
            pause_seconds=LOOK_SECONDS,
        )
        seconds = time.monotonic() - began
        rig.stop_counterparties()
        account = rig.account(ended.explained)
        stock = account_of_stock(rig.tally(), words(rig))
        rebuilt = rig.command("rebuild", "--json", check=False).json()
        differences = [*rebuilt["differences"], *rebuilt["stock"]]
        books = {(row.item, row.site): row.storage for row in rig.stock()}
    wrong = [*account.problems(), *stock.problems(), *stock.unlike(books, {})]
    wrong += [f"rebuild: {each}" for each in differences]
    if account.orders != orders:
        wrong.append(f"{account.orders} orders were placed, not {orders}")
    return _figures(account, killed, seconds, len(differences)), wrong


def _figures(account: Account, killed: Counter[str], seconds: float, differences: int) -> list[Figure]:
    rows = {
        "kill -9 of workers": killed["workers"],
        "kill -9 of PostgreSQL": killed["PostgreSQL"],
        "orders": account.orders,
        "invoiced": len(account.complete),
        "in an explained exception, rejected or cancelled": len(
            account.explained + account.rejected + account.cancelled
        ),
        "lost": len(account.lost),
        "doubled": account.doubled_count,
        "differences that rebuild finds": differences,
        "seconds": seconds,
    }
    return [
        Figure(
            name=name,
            value=float(value),
            unit="",
            aim="0" if name.split()[0] in ("lost", "doubled", "differences") else "",
        )
        for name, value in rows.items()
    ]


def main() -> None:
    """The command."""
    parser = options(__doc__)
    parser.add_argument("--orders", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=20260115)
    parser.add_argument("--gap", type=float, default=6.0, help="seconds between two kills, on average")
    parser.add_argument("--kills", type=int, default=30, help="at the most")
    parser.add_argument(
        "--limit", type=float, default=1200.0, help="seconds from the last kill after which the run has failed"
    )
    parser.add_argument("--keep", type=Path, default=None, help="a new folder that is kept, to look into afterwards")
    given = parser.parse_args()
    ends_when_told()
    # A pool tells of each connection that PostgreSQL took along; that is the point here.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory(prefix="crossdock-kill-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        figures, wrong = run(given.keep or Path(folder), given.orders, given.seed, given.gap, given.kills, given.limit)
    told(figures, "killed at any moment", as_json=given.json)
    if wrong:
        print("\n".join(wrong[:50]))
        raise SystemExit(f"{len(wrong)} things are wrong")


if __name__ == "__main__":
    main()
