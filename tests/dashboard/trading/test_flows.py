"""The page of flows, and the picture on it."""

from dashboard_server import Browser  # type: ignore[import-not-found,unused-ignore]

from crossdock.dashboard.topology import DRAWN, Node, rate, topology, ways_of


def node(n: int, **more: object) -> Node:
    said = {
        "id": f"s{n}",
        "name": f"System {n}",
        "role": "partner",
        "connector": "folder",
        "format": "x12",
        "ways": frozenset({"in", "out"}),
    }
    return Node(**{**said, **more})  # type: ignore[arg-type]


def test_every_system_of_the_workspace_stands_in_the_picture(ann: Browser) -> None:
    html = ann.get("/flows").text
    for name in ("ACME Retail, mailbox", "Blue Market, mailbox", "ERP", "Tax service", "Quick 3PL, mailbox"):
        assert name in html
    assert "breaker open" in html and "North Wholesale" in html


def test_of_very_many_systems_those_in_trouble_are_drawn() -> None:
    nodes = [node(n) for n in range(400)]
    nodes[250] = node(250, breaker="open", name="Broken")
    nodes[77] = node(77, per_minute={"in": 900.0}, name="Busy")
    svg = topology(nodes, "We")
    assert "Broken" in svg and "Busy" in svg and f"{DRAWN} of 400" in svg
    assert svg.count("<a href=") == DRAWN


def test_names_are_escaped_in_the_picture() -> None:
    svg = topology([node(1, name='<script>"&', id='"><x')], "<hub>")
    assert "<script>" not in svg and "<hub>" not in svg and "<x" not in svg


def test_which_way_messages_go_is_what_the_connector_can() -> None:
    assert ways_of("webhook", {}) == {"in"}
    assert ways_of("http", {}) == {"out"}
    assert ways_of("folder", {"inbound": "x"}) == {"in"}
    assert ways_of("folder", {"inbound": "x", "outbound": "y"}) == {"in", "out"}


def test_a_rate_is_told_in_few_characters() -> None:
    assert [rate(each) for each in (0, 0.2, 12.4, 90, 6000)] == ["0/min", "0.2/min", "12/min", "1.5/s", "100/s"]


def test_a_partner_is_refused(partner: Browser) -> None:
    assert partner.get("/flows").status_code == 403
