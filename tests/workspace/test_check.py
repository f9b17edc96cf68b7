"""Every slip is found, at its line, with what was meant."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossdock.workspace import Problem, check
from crossdock.workspace.problems import CODES, MOST_ALIKE

from .conftest import WHOLESALER

OIDC = '\n[api.oidc]\nissuer = "https://login.example.com"\naudience = "a"\nroles = { hub = "operations" }\n'

SLIPS = [
    # file, what stands there, what is written instead, code, a part of message or hint
    ("crossdock.toml", 'company = "North Wholesale"', "", "missing-key", "`company` is missing"),
    ("crossdock.toml", "currency =", "curency =", "unknown-key", "did you mean `currency`?"),
    ("crossdock.toml", '"USD"', '"usd"', "bad-value", "`currency` cannot be"),
    ("crossdock.toml", "lanes = 32", "lanes = 0", "bad-value", "from 1 to 4096"),
    ("crossdock.toml", "format = 1", "format = 2", "bad-value", "reads format 1"),
    ("crossdock.toml", '"quick3pl"', '"quick3p"', "unknown-system", "did you mean `quick3pl`?"),
    ("crossdock.toml", '"COLUMBUS"', '"COLUMBIA"', "unknown-site", "did you mean `COLUMBUS`?"),
    (
        "crossdock.toml",
        "functional_ack_hours",
        "functional_acks_hours",
        "unknown-key",
        "did you mean `functional_ack_hours`?",
    ),
    ("crossdock.toml", 'erp = "erp"', 'erp = "tax"', "unknown-system", "has the role tax"),
    ("crossdock.toml", 'tax = "tax"', 'tax = "taxx"', "unknown-system", "did you mean `tax`?"),
    ("crossdock.toml", 'currency = "USD"', 'currency = "USD', "bad-toml", ""),
    ("systems/acme.toml", '"folder"', '"foldr"', "bad-value", "did you mean `folder`?"),
    ("systems/acme.toml", 'partner = "acme"', 'partner = "acne"', "unknown-partner", "did you mean `acme`?"),
    ("systems/acme.toml", 'partner = "acme"', "", "missing-key", "whose X12 is it?"),
    ("systems/acme.toml", 'role = "partner"', 'role = "parnter"', "bad-value", "did you mean `partner`?"),
    ("systems/acme.toml", "poll_seconds = 0.2", "pol_seconds = 0.2", "unknown-key", "did you mean `poll_seconds`?"),
    ("systems/acme.toml", "poll_seconds = 0.2", 'poll_seconds = "often"', "bad-setting", "must be a number"),
    ("systems/acme.toml", 'complete = "rename"', 'complete = "renamed"', "bad-setting", "did you mean `rename`?"),
    ("systems/acme.toml", "/from-us", "/to-us", "bad-setting", "we would take what we drop"),
    ("systems/acme.toml", "batch = 100", "batch = 0", "bad-value", "1 or more"),
    ("systems/acme.toml", "concurrency", "concurency", "unknown-key", "did you mean `concurrency`?"),
    ("systems/erp.toml", '{ env = "ERP_TOKEN" }', '"tok-123"', "secret-in-clear", "{ env ="),
    ("systems/erp.toml", '{ env = "ERP_TOKEN" }', '{ env = "A", file = "b" }', "bad-setting", "either env or file"),
    ("systems/erp.toml", 'kind = "bearer"', 'kind = "baerer"', "bad-setting", "did you mean `bearer`?"),
    ("systems/erp.toml", "decision == 'approved'", "decision == 'approved", "bad-map", "lexerError"),
    (
        "systems/erp.toml",
        'answer = { number = "number" }',
        'answer = { nummer = "number" }',
        "bad-map",
        "did you mean `number`?",
    ),
    ("systems/erp.toml", "len(items) > 0", "len(items >", "bad-map", "look_up.found"),
    (
        "systems/erp.toml",
        "map(lines, {line: #.line, item: #.item, quantity",
        "map(lines, {line: #.line, item #.item, quantity",
        "bad-map",
        "",
    ),
    (
        "systems/erp.toml",
        "[settings.documents.sales-order]",
        "[settings.documents.sales-orders]",
        "missing-key",
        "`path` is missing in `documents.sales-order`",
    ),
    ("systems/erp.toml", 'path = "/v1/credit-checks"', 'path = "v1/credit-checks"', "bad-map", "a path starts with /"),
    ("systems/erp.toml", "http://127.0.0.1:8701", "127.0.0.1:8701", "bad-setting", "no http:// or https:// address"),
    ("partners/acme.toml", 'channel = "acme"', 'channel = "acmee"', "unknown-system", "did you mean `acme`?"),
    ("partners/acme.toml", '"acme-2026"', '"acme-2025"', "unknown-price-list", "did you mean `acme-2026`?"),
    ("partners/acme.toml", '"buyer-item"', '"buyer-itm"', "unknown-qualifier", "did you mean `buyer-item`?"),
    ("partners/acme.toml", 'id = "ACMERETAIL"', 'id = "BLUEMARKET"', "duplicate", "is also partner `acme`"),
    ("partners/acme.toml", 'id = "ACMERETAIL"', "", "missing-key", "`id` is missing in `them[1]`"),
    ("partners/acme.toml", 'segment_terminator = "~"', 'segment_terminator = "*"', "bad-delimiters", "is the same as"),
    ("partners/acme.toml", 'component_separator = ">"', 'component_separator = "A"', "bad-delimiters", "one character"),
    ("partners/acme.toml", 'usage = "P"', 'usage = "X"', "bad-value", "P (production) or T (test)"),
    ("partners/acme.toml", "price_tolerance_percent = 1", "price_tolerance_percent = -1", "bad-value", "0 or more"),
    ("partners/acme.toml", "tax-received", "tax-recieved", "bad-value", "did you mean `tax-received`?"),
    ("partners/blue.toml", 'CT = "CA"', 'CT = "CAS"', "unknown-unit", "did you mean `CA`?"),
    ("partners/blue.toml", "acknowledge_hours = 4", 'acknowledge_hours = "4 h"', "bad-value", 'or "never"'),
    ("partners/blue.toml", "[clocks]", "[clock]", "unknown-key", "did you mean `clocks`?"),
    ("partners/blue.toml", "acknowledge_ta1 = true", "acknowledge_ta1 = 1", "bad-value", "true or false"),
    (
        "partners/blue.toml",
        'DTM = { usage = "required" }',
        'DTN = { usage = "required" }',
        "bad-overlay",
        "no segment 'DTN'; did you mean",
    ),
    (
        "partners/blue.toml",
        '"PO1-01" = { usage = "required"',
        '"PO1-01" = { usage = "requird"',
        "bad-overlay",
        "'required'",
    ),
    ("partners/blue.toml", '"PO1-04" = { usage', '"PO1-99" = { usage', "bad-overlay", "PO1-99"),
    ("items.csv", "614141100019", "614141100010", "bad-check-digit", "614141100019 would be right"),
    ("items.csv", "614141100019", "61414110001", "bad-value", "12, 13 or 14 digits"),
    ("items.csv", "614141100026", "614141100019", "duplicate", "already stands in line 2"),
    ("items.csv", "NW-1002,", "NW-1001,", "duplicate", "already stands in line 2"),
    ("items.csv", ",NW-1040", ",NW-1O40", "unknown-item", "did you mean `NW-1040`?"),
    ("items.csv", "Black tea 20 bags,EA", "Black tea, 20 bags,EA", "bad-csv", "8 cells, the heading 7"),
    ("items.csv", "weight,", "wieght,", "bad-csv", "did you mean `weight`?"),
    ("packs.csv", "NW-1002,CA,12", "NW-1002,CA,a dozen", "bad-value", "12, 0.5 or 1/3"),
    ("packs.csv", "NW-1002,CA,12", "NW-1002,,12", "bad-csv", "`unit` is empty"),
    (
        "item-references.csv",
        "acme,buyer-item,700107",
        "acne,buyer-item,700107",
        "unknown-partner",
        "did you mean `acme`?",
    ),
    (
        "item-references.csv",
        "acme,buyer-item,700107",
        "acme,buyers-item,700107",
        "unknown-qualifier",
        "did you mean `buyer-item`?",
    ),
    ("item-references.csv", "700107", "700100", "duplicate", "for item `NW-1001`"),
    ("prices.csv", "acme-2026,NW-1002,2.95", "acme-2026,NW-1002,2.95 USD", "bad-value", "decimal number"),
    ("prices.csv", "acme-2026,NW-1002,", "acme-2026,NW-1001,", "duplicate", "already has a price"),
    ("prices.csv", "list,item,price", "list,item,amount", "bad-csv", "column `price` is missing"),
    ("routing.json", '"site": "\\"RENO\\""', '"site": "\\"RENNO\\""', "bad-routing", "did you mean `RENO`?"),
    (
        "routing.json",
        '"warehouse": "\\"quick3pl\\""',
        '"warehouse": "\\"quick4pl\\""',
        "bad-routing",
        "did you mean `quick3pl`?",
    ),
    ("routing.json", '"field": "region"', '"field": "regoin"', "bad-routing", "did you mean `region`?"),
    ("routing.json", '\\"WA\\", \\"OR\\"', '\\"WA\\" \\"OR\\"', "bad-routing", "does not compile"),
    ("routing.json", '"targetId": "routing"', '"targetId": "rooting"', "bad-routing", "does not compile"),
    ("routing.json", '"edges": [', '"edges": ', "bad-routing", "not JSON"),
]


@pytest.mark.parametrize(
    ("file", "old", "new", "code", "said"), SLIPS, ids=[f"{s[3]}-{s[4][:40] or s[2][:40]}" for s in SLIPS]
)
def test_a_slip_is_found_at_its_place_with_what_was_meant(wholesaler: Path, edit, file, old, new, code, said) -> None:
    line = edit(file, old, new)
    found = [p for p in check(wholesaler, {}) if p.severity == "error" and p.code == code]
    assert found, f"nothing says {code}: {check(wholesaler, {})}"
    assert any(said in str(p) for p in found), [str(p) for p in found]
    if code not in ("missing-key", "duplicate", "bad-routing", "unknown-price-list"):
        # What is missing or said twice has its place elsewhere; a cell's place is its rule's.
        assert any(p.file == file and p.line in (line, 1 if "column" in p.message else line) for p in found), [
            str(p) for p in found
        ]


def test_a_rule_of_the_decision_is_found_at_its_own_line(wholesaler: Path, edit) -> None:
    edit("routing.json", '"site": "\\"COLUMBUS\\""', '"site": "\\"ATLANTIS\\""')
    (problem,) = [p for p in check(wholesaler, {}) if p.severity == "error"]
    text = (wholesaler / "routing.json").read_text().splitlines()
    assert '"elsewhere"' in text[problem.line - 1]


def test_a_credit_check_needs_to_be_said_how(wholesaler: Path, edit) -> None:
    erp = wholesaler / "systems/erp.toml"
    text = erp.read_text()
    start, end = text.index("[settings.documents.credit-check]"), text.index("[settings.documents.sales-order]")
    erp.write_text(text[:start] + text[end:])
    found = [p for p in check(wholesaler, {}) if p.severity == "error"]
    assert {(p.file, p.code) for p in found} == {("systems/erp.toml", "missing-key")}
    edit("crossdock.toml", "[defaults.policy]", "[defaults.policy]\ncredit_check = false")
    assert not [p for p in check(wholesaler, {}) if p.severity == "error"]


def test_slips_in_one_overlay_do_not_hide_each_other(wholesaler: Path, edit) -> None:
    first = edit("partners/blue.toml", "DTM =", "DTN =")
    second = edit("partners/blue.toml", '"PO1-04"', '"PO9-04"')
    found = [p.line for p in check(wholesaler, {}) if p.code == "bad-overlay"]
    assert found == [first, second]


def test_an_overlay_of_a_set_without_a_guide_is_a_slip(wholesaler: Path, edit) -> None:
    edit("partners/blue.toml", "[x12.overlays.850.segments]", "[x12.overlays.851.segments]")
    assert any(p.code == "bad-overlay" and p.meant.startswith("did you mean `85") for p in check(wholesaler, {}))


def test_a_secret_that_this_machine_lacks_is_a_warning(wholesaler: Path) -> None:
    problems = check(wholesaler, {"ERP_TOKEN": "x", "ERP_WEBHOOK_SECRET": "y", "SHOP_TOKEN": "z"})
    assert [(p.severity, p.code, p.file) for p in problems] == [("warning", "missing-secret", "systems/tax.toml")]
    assert "TAX_API_KEY" in problems[0].message


def test_a_secret_is_never_repeated_in_a_problem(wholesaler: Path, edit) -> None:
    edit("systems/erp.toml", '{ env = "ERP_TOKEN" }', '"hunter2-hunter2"')
    edit("systems/tax.toml", 'value = { env = "TAX_API_KEY" }', 'value = "Bearer hunter2"')
    problems = check(wholesaler, {})
    assert {p.file for p in problems if p.code == "secret-in-clear"} == {"systems/erp.toml", "systems/tax.toml"}
    assert not any("hunter2" in str(p) for p in problems)


def test_a_variable_without_a_default_is_a_warning_where_it_is_not_set(wholesaler: Path, edit) -> None:
    line = edit("systems/erp.toml", "${ERP_URL:-http://127.0.0.1:8701}", "${ERP_URL}")
    (problem,) = [p for p in check(wholesaler, {}) if p.code == "missing-variable"]
    assert (problem.file, problem.line, problem.severity) == ("systems/erp.toml", line, "warning")
    assert not [p for p in check(wholesaler, {"ERP_URL": "http://erp.example"}) if p.code == "missing-variable"]


def test_two_mailboxes_for_one_partner_ask_for_a_choice(wholesaler: Path, edit) -> None:
    text = (wholesaler / "systems/acme.toml").read_text()
    (wholesaler / "systems/acme-test.toml").write_text(text.replace("/acme/", "/acme-test/"))
    assert check(wholesaler, {"ERP_TOKEN": "a", "TAX_API_KEY": "b", "ERP_WEBHOOK_SECRET": "c", "SHOP_TOKEN": "d"}) == []
    edit("partners/acme.toml", 'channel = "acme"', "")
    assert [p.code for p in check(wholesaler, {}) if p.severity == "error"] == ["ambiguous-channel"]


def test_without_its_first_file_a_folder_is_no_workspace(tmp_path: Path) -> None:
    (problem,) = check(tmp_path, {})
    assert (problem.code, problem.file, problem.line) == ("missing-file", "crossdock.toml", 1)
    assert "crossdock init" in problem.meant


def test_a_misnamed_file_is_noticed(wholesaler: Path) -> None:
    (wholesaler / "prices.csv").rename(wholesaler / "price.csv")
    assert any(p.file == "price.csv" and "did you mean `prices.csv`?" in p.meant for p in check(wholesaler, {}))


@pytest.mark.parametrize("name", ["partners/extra.tml", "systems/extra.csv", "systems/extra.tom"])
def test_a_misnamed_file_in_a_folder_is_noticed(wholesaler: Path, name: str) -> None:
    (wholesaler / name).write_text("")
    (wholesaler / "partners" / "README.md").write_text("Whom we trade with.")
    assert [(p.file, p.severity) for p in check(wholesaler, {}) if p.code == "missing-file"] == [(name, "warning")]


def test_letters_in_another_order_are_what_was_meant(wholesaler: Path) -> None:
    (wholesaler / "itmes.csv").write_text("")
    assert [p.meant for p in check(wholesaler, {}) if p.code == "missing-file"] == ["did you mean `items.csv`?"]


@pytest.mark.parametrize(
    "name", ["items.csv", "partners/acme.toml", "systems/quick3pl.toml", "sites.csv", "prices.csv"]
)
def test_a_file_that_cannot_be_read_hides_what_only_follows_from_it(wholesaler: Path, name: str) -> None:
    (wholesaler / name).write_bytes((wholesaler / name).read_bytes() + b"\n\xe4")
    assert {(p.file, p.code) for p in check(wholesaler, {}) if p.severity == "error"} == {(name, "unreadable-file")}


def test_a_file_that_cannot_be_read_hides_no_other_slip(wholesaler: Path) -> None:
    (wholesaler / "partners" / "acme.toml").write_text("[")
    (wholesaler / "item-references.csv").open("a").write("acne,buyer-item,1,NW-1001\n")
    assert "unknown-partner" in {p.code for p in check(wholesaler, {})}


def test_a_file_that_is_not_utf8_says_in_which_line(wholesaler: Path) -> None:
    (wholesaler / "sites.csv").write_bytes(b"site,name\nRENO,Reno\nZUERICH,Z\xfcrich\nCOLUMBUS,Columbus\n")
    (problem,) = [p for p in check(wholesaler, {}) if p.code == "unreadable-file"]
    assert (problem.file, problem.line) == ("sites.csv", 3)


def test_thousands_of_the_same_slip_are_told_once_in_sum(wholesaler: Path) -> None:
    rows = "".join(f"acme-2026,XX-{i},1.00\n" for i in range(5000))
    (wholesaler / "prices.csv").write_text("list,item,price\nblue-2026,NW-1001,1\nacme-2026,NW-1001,1\n" + rows)
    found = [p for p in check(wholesaler, {}) if p.code == "unknown-item"]
    assert len(found) == MOST_ALIKE + 1
    assert "and 4800 more" in found[-1].message


def _names_its_place(problem: Problem, root: Path) -> bool:
    path = root / problem.file
    lines = path.read_bytes().count(b"\n") + 1 if path.exists() else 1
    return (
        bool(re.match(rf"{re.escape(problem.file)}:\d+", str(problem)))
        and 1 <= problem.line <= lines
        and problem.code in CODES
    )


FILES = sorted(
    str(p.relative_to(WHOLESALER))
    for p in WHOLESALER.rglob("*")
    if p.suffix in (".toml", ".csv", ".json") and not {"mailboxes", ".crossdock"} & {*p.parts}
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    file=st.sampled_from(FILES),
    at=st.floats(0, 1),
    cut=st.integers(0, 12),
    put=st.text(alphabet="abcXYZ019 .,=[]{}\"'#\n\\-_:|é\x00", max_size=8),
)
def test_whatever_is_broken_is_reported_at_a_line_that_exists(
    wholesaler: Path, file: str, at: float, cut: int, put: str
) -> None:
    shutil.copytree(
        WHOLESALER, wholesaler, dirs_exist_ok=True, ignore=shutil.ignore_patterns("mailboxes", ".crossdock")
    )
    original = (WHOLESALER / file).read_text()
    place = int(at * len(original))
    (wholesaler / file).write_text(original[:place] + put + original[place + cut :])
    try:
        problems = check(wholesaler, {})
        assert all(_names_its_place(p, wholesaler) for p in problems), [str(p) for p in problems]
    finally:
        (wholesaler / file).write_text(original)


@pytest.mark.parametrize("name", ["Green", "green grocer", "1st", "a-name-that-is-much-too-long"])
def test_a_files_name_must_do_as_an_id(wholesaler: Path, name: str) -> None:
    (wholesaler / "partners/blue.toml").rename(wholesaler / f"partners/{name}.toml")
    assert any(p.file == f"partners/{name}.toml" and "cannot be an id" in p.message for p in check(wholesaler, {}))


@pytest.mark.parametrize(
    ("told", "code", "words"),
    [
        ('client_id = "c"\nclient_secret = "s3cret"', "bad-value", "client_secret"),
        ('client_id = "c"\nclient_secret = { word = "s3cret" }', "bad-value", "a secret is named, not told"),
        ('client_secret = { env = "SECRET" }', "missing-key", "`client_id` must say whose secret it is"),
    ],
)
def test_the_secret_of_the_providers_client_is_named_and_not_told(
    wholesaler: Path, edit: Any, told: str, code: str, words: str
) -> None:
    edit("crossdock.toml", "\n[defaults]\n", f"{OIDC}{told}\n[defaults]\n")
    problems = check(wholesaler, {})
    assert [p for p in problems if p.code == code and words in str(p)]
    assert not any("s3cret" in str(p) for p in problems)
