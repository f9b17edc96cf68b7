"""The tax service is down for the whole run: what does not need it goes on."""

from pathlib import Path

from crossdock.testing.faults import TaxFaults, Window
from crossdock.testing.rig import Progress, Rig, example_workspace
from crossdock.testing.tallies import ErpTally, RetailerTally, WarehouseTally
from crossdock.testing.trading_day import trading_day

ORDERS = 12
DOWN = TaxFaults(hard_outages=(Window(start=0, end=1e9),))


def test_orders_are_shipped_announced_and_posted_while_the_tax_service_is_down(folder: Path) -> None:
    def told(_: Progress) -> bool:
        tallies = rig.tally()
        erp, warehouse = tallies["erp"], tallies["quick3pl"]
        assert isinstance(erp, ErpTally) and isinstance(warehouse, WarehouseTally)
        shops = [tally for tally in tallies.values() if isinstance(tally, RetailerTally)]
        announced = sum(seen.set_id == "856" for shop in shops for seen in shop.documents)
        return len(warehouse.shipments) == len(erp.postings) == announced == ORDERS

    rig = Rig(
        folder,
        example_workspace(),
        lambda made: trading_day(made, ORDERS, seconds=1, storm=None, outage=None, tax=DOWN, late_receipt_seconds=None),
    )
    with rig:
        rig.wait_until(told, 60)
        owed = rig.command("owed", "--kind", "invoice", "--json").json()
        assert len(owed) == ORDERS
        assert all("tax-received" in " ".join(row["blocked_by"]) for row in owed)
        shops = [tally for tally in rig.stop_counterparties().values() if isinstance(tally, RetailerTally)]
        assert not [seen for shop in shops for seen in shop.documents if seen.set_id == "810"]
