"""`crossdock stock | atp`: what there is, what of it may be promised by when, and what stands behind each figure."""

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

from crossdock.cli.session import (
    HERE,
    NOT_FOUND,
    Json,
    Limit,
    WorkspaceFolder,
    ask,
    console,
    fail,
    print_json,
    print_rows,
)
from crossdock.flow.promising import promisable as promisable_of
from crossdock.ledger.atp import Promisable
from crossdock.policy.stock import StockPolicy
from crossdock.ports.stock import Stock
from crossdock.store.database import Database
from crossdock.store.stock import StockBooks
from crossdock.store.versions import WorkspaceVersions
from crossdock.workspace import from_snapshot

FIGURES = ("storage", "allocated", "staging", "receiving", "transit", "quarantine", "damaged", "reserved")
MOVEMENTS_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    app.command()(stock)
    app.command(name="atp")(promisable)


def stock(
    item: Annotated[str, typer.Argument(help="An item, or how its number begins; left out: all.")] = "",
    workspace: WorkspaceFolder = HERE,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """What there is of each item at each site, by place, and what of it is still free."""

    async def question(database: Database) -> list[Stock]:
        return await StockBooks(database).listed(item, limit=limit)

    rows = [_row(each) for each in ask(workspace, question)]
    if json:
        print_json(rows)
        return
    columns = {"item": "item", "site": "site", "on_hand": "on hand", "available": "available"}
    nothing = f"The books hold no stock of {item}." if item else "The books hold no stock."
    print_rows(rows, {**columns, **{figure: figure for figure in FIGURES}}, nothing=nothing)


def _row(each: Stock) -> dict[str, Any]:
    figures = {figure: getattr(each, figure) for figure in FIGURES}
    return {"item": each.item, "site": each.site, "on_hand": each.on_hand, "available": each.available, **figures}


def promisable(
    item: Annotated[str, typer.Argument(help="Our item id.")],
    workspace: WorkspaceFolder = HERE,
    site: Annotated[str | None, typer.Option(help="From this site alone.")] = None,
    qty: Annotated[str | None, typer.Option(help="By when so many can be promised.")] = None,
    by: Annotated[str | None, typer.Option(help="The day it must be by, YYYY-MM-DD.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="What stands behind each figure.")] = False,
    json: Json = False,
) -> None:
    """What can be promised of an item, day by day: on hand less reserved, plus what is expected, less what others wait for and the safety buffer."""
    quantity, day = _number(qty), _day(by)
    now = datetime.now(UTC)

    async def question(database: Database) -> dict[str, Any] | None:
        return await _answer(database, item, site, quantity, day, explain, now)

    answer = ask(workspace, question)
    if answer is None or (site is not None and not answer["sites"]):
        fail(f"the books know nothing of {item}{f' at {site}' if site else ''}", NOT_FOUND)
    if json:
        print_json(answer)
        return
    print_rows(answer["sites"], {"site": "site", "available": "available", "buffer": "buffer", "today": "today"})
    print_rows(answer["by_day"], {"day": "from", "quantity": "can be promised"})
    if quantity is not None:
        said = answer["promise_date"] or (f"not by {day}" if day else "not within the horizon")
        console.print(f"{quantity} of {item}: {said}")
    if explain:
        columns = {"day": "expected on", "quantity": "quantity", "site": "site", "source": "by"}
        print_rows(answer["receipts"], columns, nothing="Nothing is expected.")
        print_rows(answer["waiting"], {"key": "waits", "line": "line", "quantity": "quantity"}, nothing="Nobody waits.")
        columns = {"key": "reserved for", "line": "line", "site": "site", "quantity": "quantity"}
        print_rows(answer["reservations"], columns, nothing="Nothing is reserved.")
        columns = {"occurred_at": "moved at", "kind": "kind", "quantity": "quantity", "from": "from", "to": "to"}
        columns |= {"site": "site", "source": "told by", "reference": "for"}
        print_rows(answer["movements"], columns, nothing="Nothing has moved.")


async def _answer(
    database: Database,
    item: str,
    site: str | None,
    quantity: Decimal | None,
    by: date | None,
    explain: bool,
    now: datetime,
) -> dict[str, Any] | None:
    books, policy = StockBooks(database), await _policy(database)
    rows = [each for each in await books.listed(item) if each.item == item]
    sites = {each.site for each in rows} | (set(policy.sites) if policy is not None else set())
    supply = await books.supply(sorted((item, each) for each in sites))
    if not rows and not supply.receipts and not supply.demands:
        return None
    found = promisable_of(item, supply, policy, now.date())
    answer: dict[str, Any] = {
        "item": item,
        "sites": [
            {
                "site": each.site,
                "available": supply.stock[item, each.site].available,
                "buffer": each.buffer,
                "today": found.quantity_on(now.date(), each.site),
            }
            for each in found.stocks.values()
            if site is None or each.site == site
        ],
        "by_day": [{"day": day, "quantity": there} for day, there in found.by_day(site)],
    }
    if quantity is not None:
        answer["promise_date"] = found.promise_date(quantity, by, site)
    if explain:
        answer |= await _behind(books, found, item, site)
    return answer


async def _behind(books: StockBooks, found: Promisable, item: str, site: str | None) -> dict[str, Any]:
    reservations: list[dict[str, Any]] = []
    movements: list[dict[str, Any]] = []
    for at in sorted(found.stocks) if site is None else [site]:
        told = await books.explain(item, at, limit=MOVEMENTS_SHOWN)
        reservations += [
            {"key": r.key, "line": r.line, "site": r.site, "quantity": r.quantity} for r in told.reservations
        ]
        movements += [
            {
                "occurred_at": m.occurred_at,
                "kind": m.kind.value,
                "quantity": m.quantity,
                "from": m.origin.value,
                "to": m.destination.value,
                "site": m.site,
                "source": f"{m.source}:{m.source_id}",
                "reference": m.reference,
            }
            for m in told.movements
        ]
    return {
        "receipts": [
            {"day": r.due_on, "quantity": quantity, "site": r.site, "source": f"{r.kind} {r.source_id}"}
            for _, quantity, r in found.receipts
        ],
        "waiting": [{"key": w.key, "line": w.line, "quantity": w.quantity} for _, _, w in found.waits],
        "reservations": reservations,
        "movements": movements,
    }


async def _policy(database: Database) -> StockPolicy | None:
    row = await WorkspaceVersions(database).current()
    return from_snapshot(await WorkspaceVersions(database).get(row["version"]), row["version"]).stock if row else None


def _number(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        fail(f"--qty {text} is no number", 2)
    if not number.is_finite() or number <= 0:
        fail(f"--qty {text} is no quantity: a number above 0 is meant", 2)
    return number


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"--by {text} is no day: YYYY-MM-DD is meant", 2)
