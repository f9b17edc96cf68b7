"""What the example loads into."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from crossdock.crosswalk.directory import Identity
from crossdock.crosswalk.routing import Destination, Router
from crossdock.edi.x12.check_digits import is_valid
from crossdock.workspace import WorkspaceError, check, connected, load

SECRETS = {"ERP_TOKEN": "a", "TAX_API_KEY": "b", "ERP_WEBHOOK_SECRET": "c", "SHOP_TOKEN": "d"}


def test_nothing_is_wrong_with_the_example(wholesaler: Path) -> None:
    assert check(wholesaler, SECRETS) == []


def test_partners_know_who_they_are_and_who_we_are(wholesaler: Path) -> None:
    blue = load(wholesaler, {}).directory.partners["blue"]
    assert blue.them == (Identity("ZZ", "BLUEMARKET"),)
    assert blue.us == Identity("ZZ", "NORTHWHOLESALE")
    assert (blue.x12.version, blue.x12.element_separator, blue.x12.line_break) == ("005010", "|", "\n")
    assert blue.units == {"CT": "CA"}


def test_an_agreement_takes_the_defaults_that_the_partner_does_not_overrule(wholesaler: Path) -> None:
    agreements = load(wholesaler, {}).agreements
    assert (agreements["acme"].clocks.acknowledge_hours, agreements["blue"].clocks.acknowledge_hours) == (24, 4)
    assert (agreements["acme"].terms_net_days, agreements["blue"].terms_net_days) == (30, 45)
    assert agreements["blue"].short == "backorder"
    assert agreements["blue"].channel == "blue"
    assert "ship-notice-sent" in agreements["blue"].billing


def test_a_clock_that_is_never_does_not_run(wholesaler: Path, edit) -> None:
    edit("partners/blue.toml", "invoice_hours = 12", 'invoice_hours = "never"')
    assert load(wholesaler, {}).agreements["blue"].clocks.invoice_hours is None


def test_a_warehouse_that_sends_no_997_owes_none(wholesaler: Path, edit) -> None:
    assert load(wholesaler, {}).agreements["acme"].warehouse_functional_acks
    edit("partners/quick3pl.toml", 'version = "004010"', "functional_acks = false")
    assert not load(wholesaler, {}).agreements["acme"].warehouse_functional_acks


def test_percentages_and_prices_are_exact(wholesaler: Path, edit) -> None:
    edit("partners/acme.toml", "price_tolerance_percent = 1", "price_tolerance_percent = 0.1")
    loaded = load(wholesaler, {})
    assert loaded.agreements["acme"].price_tolerance_percent == Decimal("0.1")
    assert loaded.directory.prices["acme-2026", "NW-1022"] == Decimal("9.25")


def test_items_have_their_packs_references_and_substitutes(wholesaler: Path) -> None:
    words = load(wholesaler, {}).directory
    assert len(words.items) == 40
    tea = words.items["NW-1001"]
    assert tea.packs == {"CA": Fraction(12)}
    assert tea.substitutes == ("NW-1040",)
    ((qualifier, gtin),) = tea.references
    assert qualifier == "gtin-12"
    assert is_valid(gtin)
    assert words.partner_items["acme", "buyer-item", "700100"] == "NW-1001"


def test_the_west_ships_from_reno_and_everybody_else_from_columbus(wholesaler: Path) -> None:
    router = Router(load(wholesaler, {}).directory)
    assert router.route(Destination(customer="acme", region="CA", country="US")).site == "RENO"
    assert router.route(Destination(customer="acme", region="NY", country="US")).site == "COLUMBUS"


def test_what_is_loaded_does_not_depend_on_the_machine(wholesaler: Path) -> None:
    assert load(wholesaler, {"MAILBOXES": "/srv/edi", "ERP_URL": "https://erp.example"}) == load(wholesaler, {})


def test_connecting_fills_in_what_the_machine_says_and_leaves_secrets_alone(wholesaler: Path) -> None:
    systems = connected(load(wholesaler, {}), {"MAILBOXES": "/srv/edi", "ERP_TOKEN": "s3cret"}, wholesaler)
    assert systems["acme"].settings["inbound"] == "/srv/edi/acme/to-us"
    assert systems["erp"].settings["base_url"] == "http://127.0.0.1:8701"
    assert systems["erp"].settings["auth"] == {"kind": "bearer", "token": {"env": "ERP_TOKEN"}}


def test_the_file_of_a_secret_is_below_the_workspace(wholesaler: Path, edit) -> None:
    edit("systems/erp.toml", '{ env = "ERP_TOKEN" }', '{ file = "secrets/erp" }')
    settings = connected(load(wholesaler, {}), {}, wholesaler)["erp"].settings
    assert settings["auth"]["token"] == {"file": str(wholesaler / "secrets/erp")}


def test_a_workspace_with_an_error_is_not_loaded_and_says_everything_at_once(wholesaler: Path, edit) -> None:
    edit("partners/acme.toml", "price_list", "price_lits")
    edit("partners/blue.toml", 'short = "backorder"', 'short = "later"')
    edit("prices.csv", "acme-2026,NW-1003", "acme-2026,NW-9003")
    with pytest.raises(WorkspaceError) as raised:
        load(wholesaler, {})
    errors = [p for p in raised.value.problems if p.severity == "error"]
    assert [p.file for p in errors] == ["partners/acme.toml", "partners/blue.toml", "prices.csv"]


def test_every_file_is_named_with_its_digest(wholesaler: Path) -> None:
    before = {s.name: s.digest for s in load(wholesaler, {}).sources}
    assert {"crossdock.toml", "systems/erp.toml", "partners/acme.toml", "items.csv", "routing.json"} <= set(before)
    (wholesaler / "sites.csv").write_text((wholesaler / "sites.csv").read_text() + "\n")
    after = {s.name: s.digest for s in load(wholesaler, {}).sources}
    assert [name for name in before if before[name] != after[name]] == ["sites.csv"]
