"""All four together with a hub that does the least it can: the account of a sound run is clean, and of an unsound one
is not."""

import httpx
import pytest
from hub_by_hand import until

from crossdock.testing import Erp, Identity, Retailer, RetailerFaults, Tax, Warehouse, WarehouseFaults, reconcile
from crossdock.testing.simulators import x12


class LeastHub:
    """Takes each order once, releases it, and turns each confirmation into a ship notice, a posting and an invoice.
    `careless` does it for every copy."""

    def __init__(self, hub, running, careless):
        self.hub = hub
        self.careless = careless
        self.orders = {}
        self.done = set()
        self.erp = httpx.Client(base_url=running.url("erp"), headers={"Authorization": "Bearer erp-token"})
        self.tax = httpx.Client(base_url=running.url("tax"), headers={"X-Api-Key": "tax-key"})
        self.invoices = 0

    def work(self):
        for retailer, partner in (("acme", "ACMERETAIL"), ("zenith", "ZENITH")):
            for name, data in list(self.hub.files(retailer).items()):
                if self._new(retailer, name, data) and name.startswith("850"):
                    for transaction in x12.split(data)[0].transactions():
                        self._order(retailer, partner, transaction)
        for name, data in list(self.hub.files("3pl").items()):
            if self._new("3pl", name, data) and name.startswith("945"):
                for transaction in x12.split(data)[0].transactions():
                    self._confirmed(transaction)

    def _new(self, partner, name, data):
        key = (partner, name) if self.careless else (partner, data)
        fresh = key not in self.done
        self.done.add(key)
        return fresh

    def _order(self, retailer, partner, transaction):
        po = transaction.first("BEG")[3]
        lines = [segment for segment in transaction.segments if segment[0] == "PO1"]
        self.orders[po] = (retailer, partner, {line[1]: line for line in lines})
        told = "".join(f"PO1*{line[1]}*{line[2]}*EA*{line[4]}~ACK*IA*{line[2]}*EA~" for line in lines)
        self.hub.send(retailer, partner, "PR", ("855", f"BAK*00*AD*{po}*20260115~{told}CTT*{len(lines)}~"))
        order = {"reference": f"{po}/order", "order": f"SO-{po}", "customer": partner, "purchase_order": po}
        self.erp.post("/v1/sales-orders", json=order | {"lines": []}).raise_for_status()
        told = "".join(f"LX*{line[1]}~W01*{line[2]}*EA**IN*{line[7]}~" for line in lines)
        self.hub.send("3pl", "QUICK3PL", "OW", ("940", f"W05*N*SO-{po}*{po}~{told}"))

    def _confirmed(self, transaction):
        _, _, order, _, shipment, _, po, *_ = transaction.first("W06")
        retailer, partner, lines = self.orders[po]
        shipped, line = {}, ""
        for segment in transaction.segments:
            line = segment[1] if segment[0] == "LX" else line
            if segment[0] == "W12" and segment[3] != "0":
                shipped[line] = segment[3]
        told = "".join(f"HL*{n + 3}*2*I*0~LIN*{line}~SN1*{line}*{q}*EA~" for n, (line, q) in enumerate(shipped.items()))
        notice = f"BSN*00*{shipment}*20260116*1200~HL*1**S~HL*2*1*O~PRF*{po}~{told}CTT*{len(shipped) + 2}~"
        self.hub.send(retailer, partner, "SH", ("856", notice))
        posting = {"reference": f"{po}/{shipment}", "order": order, "shipment": shipment, "lines": []}
        self.erp.post("/v1/shipment-postings", json=posting).raise_for_status()
        self.tax.post("/v1/quotes", json=posting).raise_for_status()
        self.invoices += 1
        told = "".join(f"IT1*{line}*{quantity}*EA*{lines[line][4]}~" for line, quantity in shipped.items())
        invoice = f"BIG*20260116*INV{self.invoices}*20260115*{po}~REF*SI*{shipment}~{told}TDS*1~CTT*{len(shipped)}~"
        self.hub.send(retailer, partner, "IN", ("810", invoice))


@pytest.mark.parametrize("careless", [False, True])
def test_a_run_with_doubled_and_late_messages_is_sound_only_under_a_careful_hub(begin, hub, careless):
    folder = hub.folder
    doubling = RetailerFaults(doubled_interchange=("PO100002",), reordered=0.3)
    trouble = WarehouseFaults(
        partial=("PO100001",), short=("PO100003",), doubled_interchange=("Z100001",), late=0.3, late_seconds=0.5
    )
    running = begin(
        [
            Retailer(name="acme", mailbox=folder / "acme", tally=folder / "acme.json", orders=6, faults=doubling),
            Retailer(
                name="zenith",
                mailbox=folder / "zenith",
                tally=folder / "zenith.json",
                identity=Identity(id="ZENITH"),
                po_prefix="Z",
                orders=3,
            ),
            Warehouse(name="3pl", mailbox=folder / "3pl", tally=folder / "3pl.json", faults=trouble),
            Erp(name="erp", tally=folder / "erp.json"),
            Tax(name="tax", tally=folder / "tax.json"),
        ]
    )
    least = LeastHub(hub, running, careless)

    # Nine orders, one of them in two shipments; the careless hub bills one shipment twice.
    expected = 11 if careless else 10

    def all_invoices_are_received():
        least.work()
        documents = [each for name in ("acme", "zenith") for each in running.tally()[name].documents]
        return sum(each.set_id == "810" for each in documents) == expected

    until(all_invoices_are_received)
    running.stop()
    account = reconcile(running.tally())
    assert (account.orders, account.lost, account.malformed) == (9, (), ())
    if careless:
        assert {kind: len(these) for kind, these in account.doubled.items()} == dict.fromkeys(
            ("acknowledgement", "ship-notice", "invoice", "release", "erp-order", "erp-posting"), 1
        )
    else:
        assert account.problems() == []
        assert len(account.complete) == 9
