"""One day's trade of two retailers on which everything goes wrong that does go wrong; then one claim a test about what came of it.

The day is real: PostgreSQL, two worker processes, a warehouse, an ERP that records whatever it is sent, a tax service. What was lost or doubled is asked of them.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from crossdock.store.lineage import lineage
from crossdock.store.lookup import Lookup
from crossdock.testing.account import Account
from crossdock.testing.configs import Style
from crossdock.testing.purchasing import words
from crossdock.testing.rig import Progress, Rig, example_workspace
from crossdock.testing.simulators.orders import UNKNOWN_ITEM, orders
from crossdock.testing.stock_account import account_of_stock
from crossdock.testing.tallies import ErpTally, RetailerTally, Seen, Tally, WarehouseTally
from crossdock.testing.trading_day import Mischief, mischief, trading_day

ORDERS = 44
PATIENCE_SECONDS = 240.0
TEST_PO = "TESTORDER1"


class Day(msgspec.Struct):
    """What came of the day. resting: how it stood before the workspace was mended."""

    rig: Rig
    struck: Mischief
    resting: Progress
    exceptions: list[dict[str, Any]]
    blocked: list[dict[str, Any]]
    mended: dict[str, Any]
    ended: Progress
    tallies: dict[str, Tally]
    account: Account

    def one(self, fault: str, retailer: str = "acme") -> str:
        """The purchase order that the fault struck."""
        (number,) = getattr(self.struck, retailer)[fault]
        return str(number)

    def key(self, number: str) -> str:
        """Our number of a purchase order."""
        return f"{'ACME' if number.startswith('PO') else 'BLUE'}-{number}"

    def lineage(self, reference: str) -> dict[str, Any]:
        """What `crossdock trace` tells of a reference, of which there is one."""

        async def question(lookup: Lookup) -> list[dict[str, Any]]:
            keys = {row["key"] for row in await lookup.find(reference) if row["value"] == reference}
            return [await lineage(lookup, key) for key in keys]

        (found,) = self.rig.ask(question)
        return found

    def documents(self, number: str, set_id: str) -> list[Seen]:
        """What its retailer has received of a kind about an order."""
        shop = self.tallies["acme" if number.startswith("PO") else "blue"]
        assert isinstance(shop, RetailerTally)
        return [seen for seen in shop.documents if seen.purchase_order == number and seen.set_id == set_id]


@pytest.fixture(scope="module")
def day(folder: Path) -> Iterator[Day]:
    """The day, from the first order until everything rests, then with the unknown item made known."""
    struck = mischief(ORDERS)
    rig = Rig(
        folder,
        example_workspace(),
        lambda made: trading_day(made, ORDERS, seconds=6, lost_seconds=8, storm=(1, 2), outage=(3, 5)),
        clocks={"confirm_shipment_hours": 4 / 3600},
    )
    with rig:
        (test_order,) = orders(
            1, 1, po_prefix="TESTORDER", first_po=1, style=Style(usage="T"), first_control_number=999_000_001
        )
        part = rig.mailbox("acme") / "to-us" / ".test-order.part"
        part.write_bytes(test_order)
        part.rename(part.with_name("850-test.x12"))
        resting = rig.settle(PATIENCE_SECONDS)
        exceptions = rig.command("exceptions", "--json").json()
        blocked = rig.command("owed", "--blocked", "--json").json()

        (unknown,) = struck.acme["unknown_item"]
        acme = rig.tally()["acme"]
        assert isinstance(acme, RetailerTally)
        price = acme.orders[unknown].prices["1"]
        prices = (line.split(",") for line in (rig.workspace / "prices.csv").read_text().splitlines())
        item = next(row[1] for row in prices if row[0] == "acme-2026" and row[2] == price)
        with (rig.workspace / "item-references.csv").open("a") as file:
            file.write(f"acme,buyer-item,{UNKNOWN_ITEM},{item}\n")
        mended = rig.command("apply", "--json").json()
        rig.wait_until(lambda now: unknown in now.done, PATIENCE_SECONDS)
        ended = rig.settle(PATIENCE_SECONDS)
        tallies = rig.stop_counterparties()
        yield Day(rig, struck, resting, exceptions, blocked, mended, ended, tallies, rig.account(ended.explained))


def test_nothing_is_lost(day: Day) -> None:
    account = day.account
    assert account.problems() == []
    assert account.orders == ORDERS
    assert len(account.complete) + len(account.cancelled) + len(account.explained) == ORDERS


def test_nothing_is_doubled_though_the_erp_records_whatever_it_is_sent(day: Day) -> None:
    erp = day.tallies["erp"]
    assert isinstance(erp, ErpTally)
    assert erp.faults["committed_500"] and erp.faults["committed_cut"]
    assert day.account.doubled == {}
    look_ups = [r for r in day.rig.ask(lambda lookup: lookup.attempt_counts()) if r["kind"] == "look-up"]
    assert sum(row["count"] for row in look_ups if row["outcome"] == "accepted") >= len(erp.faults["committed_cut"])


@pytest.mark.parametrize("fault", ["doubled_interchange", "doubled_document"])
@pytest.mark.parametrize("retailer", ["acme", "blue"])
def test_an_order_that_came_twice_is_answered_shipped_and_invoiced_once(day: Day, fault: str, retailer: str) -> None:
    number = day.one(fault, retailer)
    assert [len(day.documents(number, kind)) for kind in ("855", "856", "810")] == [1, 1, 1]


def test_what_was_picked_short_is_backordered_and_each_piece_invoiced_once(day: Day) -> None:
    number = day.one("short", "blue")
    invoices = day.documents(number, "810")
    assert len(invoices) == 2
    shop = day.tallies["blue"]
    assert isinstance(shop, RetailerTally)
    billed: dict[str, Decimal] = {}
    for invoice in invoices:
        for line, quantity in invoice.lines.items():
            billed[line] = billed.get(line, Decimal(0)) + Decimal(quantity)
    assert billed == {line: Decimal(quantity) for line, quantity in shop.orders[number].lines.items()}


def test_what_was_picked_short_is_cut_where_that_is_agreed(day: Day) -> None:
    number = day.one("short")
    found = day.lineage(number)
    first = found["summary"]["lines"]["1"]
    assert found["milestone"] == "complete"
    assert Decimal(first["cancelled"]) == 12
    assert Decimal(first["invoiced"]) == Decimal(first["shipped"]) == Decimal(first["ordered"]) - 12
    assert len(day.documents(number, "810")) == 1


@pytest.mark.parametrize("retailer", ["acme", "blue"])
def test_two_confirmations_of_one_release_are_two_shipments_with_an_invoice_each(day: Day, retailer: str) -> None:
    number = day.one("partial", retailer)
    assert len(day.documents(number, "856")) == len(day.documents(number, "810")) == 2


def test_a_lost_confirmation_is_overdue_until_it_comes(day: Day) -> None:
    found = day.lineage(day.one("lost", "blue"))
    assert found["milestone"] == "complete"
    (late,) = [each for each in found["exceptions"] if each["cause"] == "overdue"]
    assert late["subject"].endswith("/confirm-shipment/1")
    assert late["closed_at"] is not None
    (confirm,) = [each for each in found["obligations"] if each["kind"] == "confirm-shipment"]
    assert (confirm["status"], confirm["debtor"]) == ("met", "quick3pl")


def test_a_held_order_goes_on_when_the_hold_is_gone(day: Day) -> None:
    found = day.lineage(day.one("held"))
    told = [each["type"] for each in found["facts"]]
    assert told.count("order.hold-placed") == told.count("order.hold-released") == 1, "each webhook came twice"
    assert found["milestone"] == "complete"


def test_a_cancelled_order_is_neither_shipped_nor_invoiced(day: Day) -> None:
    number = day.one("cancelled")
    assert number in day.account.cancelled
    assert day.documents(number, "856") == day.documents(number, "810") == []


def test_a_changed_order_is_shipped_and_invoiced_as_changed(day: Day) -> None:
    number = day.one("changed")
    shop = day.tallies["acme"]
    assert isinstance(shop, RetailerTally)
    assert shop.orders[number].changed
    line = day.lineage(number)["summary"]["lines"]["1"]
    assert {Decimal(line[each]) for each in ("ordered", "shipped", "invoiced")} == {
        Decimal(shop.orders[number].changed)
    }


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("unknown_item", "unknown-item"),
        ("price_off", "price-mismatch"),
        ("declined", "credit-declined"),
        ("over", "over-shipped"),
        ("refused", "refused-by-erp"),
    ],
)
def test_an_order_that_rests_is_explained_by_its_exception(day: Day, fault: str, cause: str) -> None:
    number = day.one(fault)
    assert cause in day.resting.explained[number]
    (told,) = [row for row in day.exceptions if row["key"] == day.key(number) and row["cause"] == cause]
    assert told["category"] == "business"
    assert told["action"]


def test_nothing_else_rests(day: Day) -> None:
    causes = ("unknown_item", "price_off", "declined", "over", "refused")
    assert set(day.resting.explained) == {day.one(fault) for fault in causes}


def test_what_waits_says_for_what(day: Day) -> None:
    key = day.key(day.one("unknown_item"))
    waiting = {row["id"]: row["blocked_by"] for row in day.blocked if row["key"] == key}
    assert any("unknown-item" in reason for reason in waiting[f"{key}/create-in-erp"])


def test_a_cross_reference_moves_the_waiting_order_on(day: Day) -> None:
    number = day.one("unknown_item")
    assert number not in day.resting.done
    assert day.mended["version"] == 2
    assert number in day.account.complete
    assert len(day.documents(number, "810")) == 1


def test_any_number_that_people_have_in_hand_leads_to_the_lineage(day: Day) -> None:
    number = day.one("partial", "blue")
    by_order = day.lineage(number)
    assert by_order["key"] == day.key(number)
    erp, warehouse = day.tallies["erp"], day.tallies["quick3pl"]
    assert isinstance(erp, ErpTally) and isinstance(warehouse, WarehouseTally)
    shipped = next(each for each in warehouse.shipments if each.purchase_order == number)
    references = [
        day.documents(number, "810")[0].number,
        shipped.shipment,
        shipped.cartons[0],
        next(each.number for each in erp.orders if each.purchase_order == number),
        next(each.number for each in erp.postings if each.shipment == shipped.shipment),
    ]
    for reference in references:
        assert day.lineage(reference)["key"] == by_order["key"], reference


def test_trace_tells_the_way_from_the_raw_order_to_the_journal(day: Day) -> None:
    number = day.one("partial", "blue")
    (lineage,) = day.rig.command("trace", day.documents(number, "810")[0].number, "--json").json()
    assert lineage["key"] == day.key(number)
    told = [each["type"] for each in lineage["facts"]]
    assert told[0] == "order.received" and told.count("erp.shipment-posted") == 2
    messages = {each["id"]: each for each in lineage["messages"]}
    first = messages[lineage["facts"][0]["message"]]
    assert (first["direction"], first["channel"]) == ("in", "blue")
    # What the ledger promises comes of no message.
    assert all(each["message"] in messages for each in lineage["facts"] if each["type"] != "stock.reserved")


def test_why_says_what_a_blocked_obligation_waits_for(day: Day) -> None:
    key = day.key(day.one("price_off"))
    answer = day.rig.command("why", f"{key}/create-in-erp", "--json").json()
    assert answer["obligation"]["status"] == "blocked"
    assert any("price-mismatch" in reason for reason in answer["obligation"]["blocked_by"])
    assert [each["cause"] for each in answer["exceptions"]] == ["price-mismatch"]


def test_why_says_by_what_an_obligation_was_met_and_after_how_many_attempts(day: Day) -> None:
    key = day.key(day.one("committed_cut"))
    answer = day.rig.command("why", f"{key}/create-in-erp", "--json").json()
    assert answer["obligation"]["status"] == "met" and answer["obligation"]["evidence"]
    assert [(each["kind"], each["outcome"]) for each in answer["attempts"]][-1] == ("look-up", "accepted")


def test_what_is_owed_can_be_asked_by_who_and_what(day: Day) -> None:
    everything = day.rig.command("owed", "--json", "-n", "500").json()
    ours = day.rig.command("owed", "--by", "us", "--to", "erp", "--json", "-n", "500").json()
    assert {row["id"] for row in ours} == {r["id"] for r in everything if (r["debtor"], r["creditor"]) == ("us", "erp")}
    assert ours


def test_a_replay_would_do_nothing_that_is_done(day: Day) -> None:
    number = day.one("reordered")
    found = day.lineage(number)
    message = str(found["facts"][0]["message"])
    shown = day.rig.command("replay", message, "--preview", "--json").json()
    assert shown["done"] is False and shown["facts"]["new"] == []
    assert shown["effects"] and {each["verdict"] for each in shown["effects"]} == {"already-done"}


def test_a_refusal_can_be_tried_again(day: Day) -> None:
    obligation = f"{day.key(day.one('refused'))}/create-in-erp"

    def status() -> str:
        found = day.rig.ask(lambda lookup: lookup.obligation(obligation))
        assert found is not None
        return str(found["status"])

    assert status() == "refused"
    assert day.rig.command("retry", obligation, "--json").json()["retried"] == 1
    day.rig.wait_until(lambda _: status() == "ready", 20)


def test_a_test_order_is_held_and_becomes_none_of_ours(day: Day) -> None:
    assert day.rig.command("trace", TEST_PO, check=False).code == 3
    (held,) = [row for row in day.exceptions if row["detail"].startswith("test-indicator")]
    assert held["key"].startswith(("IN-", "MSG-"))


def test_nothing_is_oversold_though_more_is_wanted_than_there_is(day: Day) -> None:
    stock = account_of_stock(day.tallies, words(day.rig))
    assert stock.problems() == []
    (scarce,) = stock.short
    assert scarce.promised <= scarce.there < scarce.wanted


def test_all_state_can_be_folded_anew_from_the_log_and_is_the_same(day: Day) -> None:
    answer = day.rig.command("rebuild", "--json").json()
    assert (answer["differences"], answer["stock"]) == ([], [])
    assert answer["processes"] > ORDERS


def test_an_old_version_of_the_workspace_can_be_brought_back(day: Day) -> None:
    assert day.rig.command("rollback", "1", "--note", "back", "--json").json()["version"] == 3
    versions = day.rig.command("versions", "--json").json()["versions"]
    assert [each["number"] for each in versions if each["active"]] == [3]
    digests = {each["number"]: each["digest"] for each in versions}
    assert digests[3] == digests[1] != digests[2]


@pytest.mark.parametrize("command", ["status", "deliveries", "plan"])
def test_what_a_person_reads_a_program_can_read_too(day: Day, command: str) -> None:
    assert day.rig.command(command, "--json").json()
