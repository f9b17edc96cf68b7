"""The dashboard and the alerts go by metrics and labels that there are, and every metric is in one of them or the reference says what it is for."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from crossdock.run.metrics import BY_NAME, METRICS, Metric

ROOT = Path(__file__).parents[2]
OPS = ROOT / "ops"
DASHBOARD = json.loads((OPS / "grafana" / "crossdock.json").read_text())
ALERTS = yaml.safe_load((OPS / "prometheus" / "alerts.yml").read_text())
SCRAPES = yaml.safe_load((OPS / "prometheus" / "prometheus.yml").read_text())

ALWAYS = {"job", "instance"}
FUNCTIONS = {
    "absent",
    "delta",
    "deriv",
    "histogram_quantile",
    "max",
    "min",
    "rate",
    "sum",
    "topk",
    "vector",
}
WORDS = {"by", "and", "or", "on", "unless"}


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def rules() -> list[dict[str, Any]]:
    return [rule for group in ALERTS["groups"] for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    """Where each expression stands, and the expression."""
    for panel in panels():
        for target in panel["targets"]:
            yield f"panel {panel['title']}", target["expr"]
    for rule in rules():
        yield f"alert {rule['alert']}", rule["expr"]


def metric_of(name: str) -> Metric:
    """The declaration behind a series' name. Raises KeyError."""
    base = re.sub(r"_(bucket|count|sum)$", "", name)
    return BY_NAME[base] if base in BY_NAME and BY_NAME[base].kind == "histogram" else BY_NAME[name]


@pytest.mark.parametrize(("place", "expression"), list(expressions()), ids=lambda value: str(value)[:60])
def test_an_expression_names_metrics_labels_and_functions_that_there_are(place: str, expression: str) -> None:
    plain = re.sub(r'"[^"]*"', '""', expression)
    assert [plain.count(c) for c in "({["] == [plain.count(c) for c in ")}]"]
    names = re.findall(r"crossdock_\w+", plain)
    assert names, f"{place} asks for nothing of ours"
    metrics = [metric_of(name) for name in names]
    labels = {label for metric in metrics for label in metric.labels} | ALWAYS
    labels |= {"le"} if any(metric.kind == "histogram" for metric in metrics) else set()
    grouped = {word for group in re.findall(r"\bby \(([^)]*)\)", plain) for word in re.findall(r"\w+", group)}
    matched = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"\"", plain))
    assert grouped <= labels, f"{place} groups by {grouped - labels}"
    assert matched <= labels, f"{place} selects by {matched - labels}"
    called = set(re.findall(r"\b([a-z_]+)\s*\(", plain)) | set(re.findall(r"\b([a-z_]+) by \(", plain))
    assert called <= FUNCTIONS | WORDS, f"{place} calls {called}"
    for name in re.findall(r"rate\((crossdock_\w+)", plain):
        assert metric_of(name).kind in ("counter", "histogram"), f"{place} takes the rate of {name}"
    for name in re.findall(r"histogram_quantile\([^)]*\((crossdock_\w+)", plain):
        assert name.endswith("_bucket")


def test_figures_that_every_server_gives_alike_are_never_added_up_over_servers() -> None:
    for place, expression in expressions():
        for metric in METRICS:
            if metric.where == "database" and re.search(rf"{metric.name}\b", expression):
                assert re.search(
                    rf"(max|min|absent)[^()]*(by \([^)]*\) )?\((rate\(|deriv\()?{metric.name}\b", expression
                ) or ("delta(" in expression), f"{place} adds {metric.name} up over servers"


def test_every_metric_is_on_the_dashboard_or_in_an_alert() -> None:
    used = " ".join(expression for _, expression in expressions()) + json.dumps(DASHBOARD["templating"])
    unused = {metric.name for metric in METRICS if metric.name not in used}
    assert unused == {"crossdock_fold_processes_total", "crossdock_messages_received_total"}


def test_the_dashboard_is_one_that_grafana_reads() -> None:
    assert DASHBOARD["uid"] == "crossdock"
    assert DASHBOARD["schemaVersion"] >= 36
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in panels():
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    assert {each["name"] for each in DASHBOARD["templating"]["list"]} == {"datasource", "server", "worker"}


def test_no_two_panels_lie_over_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_alert_has_what_prometheus_asks_for_and_says_what_to_do() -> None:
    assert set(ALERTS) == {"groups"}
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for group in ALERTS["groups"]:
        assert set(group) == {"name", "rules"}
    for rule in rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"Crossdock[A-Za-z]+", rule["alert"])
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert set(rule["annotations"]) == {"summary", "description"}
        told = " ".join(rule["annotations"].values())
        named = set(re.findall(r"\$labels\.(\w+)", told))
        kept = {word for group in re.findall(r"by \(([^)]*)\)", rule["expr"]) for word in re.findall(r"\w+", group)}
        assert named <= kept, f"{rule['alert']} tells of labels that its expression drops"
        assert told.count("{{") == told.count("}}")


def test_the_scrapes_reach_the_ports_that_the_code_listens_on_unless_told_otherwise() -> None:
    jobs = {job["job_name"]: job for job in SCRAPES["scrape_configs"]}
    assert set(jobs) == {"crossdock-server", "crossdock-workers"}
    (server,) = jobs["crossdock-server"]["static_configs"]
    assert server["targets"] == ["127.0.0.1:8710"]
    assert "credentials_file" in jobs["crossdock-server"]["authorization"]
