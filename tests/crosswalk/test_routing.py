"""Routing by decision table, with the default warehouse behind it."""

import json
from decimal import Decimal

import msgspec
import pytest

from crossdock.crosswalk.routing import Destination, Route, Router, RoutingError


def table(*rules: dict[str, str], inputs: tuple[str, ...] = ("region", "weight")) -> bytes:
    """A decision (JDM) of one table over `inputs`, giving warehouse and site; the first rule that fits holds."""
    columns = [{"id": f"in-{name}", "name": name, "field": name} for name in inputs]
    outputs = [{"id": f"out-{name}", "name": name, "field": name} for name in ("warehouse", "site")]
    rows = [
        {"_id": str(n)}
        | {f"in-{i}": rule.get(i, "") for i in inputs}
        | {f"out-{o}": rule.get(o, "") for o in ("warehouse", "site")}
        for n, rule in enumerate(rules)
    ]
    content = {"hitPolicy": "first", "inputs": columns, "outputs": outputs, "rules": rows}
    nodes = [
        {"id": "in", "name": "order", "type": "inputNode"},
        {"id": "table", "name": "routes", "type": "decisionTableNode", "content": content},
        {"id": "out", "name": "route", "type": "outputNode"},
    ]
    edges = [
        {"id": "1", "sourceId": "in", "targetId": "table", "type": "edge"},
        {"id": "2", "sourceId": "table", "targetId": "out", "type": "edge"},
    ]
    return json.dumps({"contentType": "application/vnd.gorules.decision", "nodes": nodes, "edges": edges}).encode()


WEST_AND_HEAVY = table(
    {"region": '"CA", "OR", "WA"', "warehouse": '"west3pl"', "site": '"reno"'},
    {"weight": "> 1000", "warehouse": '"heavy3pl"'},
)


@pytest.fixture
def router(directory) -> Router:
    return Router(msgspec.structs.replace(directory, routing=WEST_AND_HEAVY))


def test_a_rule_that_fits_names_warehouse_and_site(router):
    assert router.route(Destination(customer="acme", region="OR")) == Route("west3pl", "reno")


def test_a_rule_without_a_site_leaves_the_default_site(router):
    assert router.route(Destination(customer="acme", region="NY", weight=Decimal("1000.5"))) == Route(
        "heavy3pl", "main"
    )


def test_an_order_that_no_rule_fits_goes_to_the_default_warehouse(router):
    assert router.route(Destination(customer="acme", region="NY", weight=Decimal(1000))) == Route("quick3pl", "main")


def test_without_rules_everything_goes_to_the_default_warehouse(directory):
    router = Router(directory)
    assert not router.rules
    assert router.route(Destination(customer="acme")) == Route("quick3pl", "main")


def test_a_question_is_remembered_by_what_the_rules_look_at_alone(router):
    for lines in range(50):
        router.route(Destination(customer=f"c{lines}", region="OR", lines=lines))
    assert len(router._known) == 1


def test_rules_that_cannot_be_compiled_are_refused_in_one_line(directory):
    with pytest.raises(RoutingError) as error:
        Router(msgspec.structs.replace(directory, routing=b'{"nodes": 1}'))
    assert "\n" not in str(error.value)
    assert "stack" not in str(error.value).lower()


def test_an_expression_that_fails_on_an_order_sends_it_nowhere(directory):
    decision = json.loads(table())
    decision["nodes"][1] = {
        "id": "table",
        "name": "broken",
        "type": "expressionNode",
        "content": {"expressions": [{"id": "1", "key": "warehouse", "value": "number(region)"}]},
    }
    router = Router(msgspec.structs.replace(directory, routing=json.dumps(decision).encode()))
    assert router.route(Destination(customer="acme", region="OR")) == Route("")
