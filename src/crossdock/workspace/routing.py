"""The routing rules of a workspace: a zen-engine decision (`routing.json`, JDM) or a plain table (`routing.csv`), made one and checked.

zen-engine passes over a cell that it cannot compile, so every cell is compiled here by itself, and whatever a rule can
literally answer is compared with the systems and sites that there are.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import zen

from crossdock.crosswalk.routing import RoutingError, compiled
from crossdock.workspace.columns import ROUTED_BY
from crossdock.workspace.positions import Position
from crossdock.workspace.problems import Report, did_you_mean
from crossdock.workspace.tables import Row

_ANSWERS = frozenset({"warehouse", "site", "sites"})
"""What a rule may answer. `sites`: further sites that may ship it, one text with blanks between them."""

_NUMBERS = ("lines", "quantity", "weight")
_COMPARISON = re.compile(r"^(<=?|>=?|==|!=|[\[\(]|-?\d)")
_LITERAL = re.compile(r"""^\s*(?:"([^"]*)"|'([^']*)')\s*$""")


def from_rows(rows: Iterable[Row], file: str, report: Report) -> bytes:
    """A decision out of the rows of `routing.csv`: the first row that fits wins. An empty cell fits anything, `CA|NV` either; numbers take comparisons (`> 10`, `[1..5]`)."""
    rules: list[dict[str, str]] = []
    for line, row in rows:
        rule = {"_id": f"line {line}", "_description": row["note"]}
        for name in ROUTED_BY:
            rule[name] = cell = _condition(name, row[name])
            if cell and (reason := _broken(cell, unary=True)):
                report.add("bad-routing", f"`{name}` cannot be {row[name]!r}: {reason}", file=file, line=line)
        rule["warehouse"] = _quoted(row["warehouse"])
        rule["site"] = _quoted(row["site"]) if row["site"] else ""
        rule["sites"] = _quoted(" ".join(row["sites"].split())) if row["sites"] else ""
        rules.append(rule)
    used = [n for n in ROUTED_BY if any(rule[n] for rule in rules)]
    told = [n for n in ("warehouse", "site", "sites") if n != "sites" or any(rule[n] for rule in rules)]
    table = {
        "hitPolicy": "first",
        "inputs": [{"id": n, "name": n, "field": n} for n in used],
        "outputs": [{"id": n, "name": n, "field": n} for n in told],
        "rules": [
            {k: v for k, v in r.items() if k not in _ANSWERS | ROUTED_BY.keys() or k in used + told} for r in rules
        ],
    }
    return msgspec.json.encode(
        {
            "nodes": [
                {"id": "order", "name": "order", "type": "inputNode", "position": {"x": 0, "y": 0}},
                {
                    "id": "routing",
                    "name": "routing",
                    "type": "decisionTableNode",
                    "position": {"x": 300, "y": 0},
                    "content": table,
                },
                {"id": "route", "name": "route", "type": "outputNode", "position": {"x": 600, "y": 0}},
            ],
            "edges": [
                {"id": "a", "type": "edge", "sourceId": "order", "targetId": "routing"},
                {"id": "b", "type": "edge", "sourceId": "routing", "targetId": "route"},
            ],
        },
        order="deterministic",
    )


def _condition(name: str, cell: str) -> str:
    if not cell:
        return ""
    if name in _NUMBERS:
        return cell if _COMPARISON.match(cell) else _quoted(cell)
    return ", ".join(_quoted(word.strip()) for word in cell.split("|") if word.strip())


def _quoted(text: str) -> str:
    return '"' + text.replace('"', "") + '"'


def _broken(expression: str, *, unary: bool) -> str:
    """Why zen-engine cannot compile it; "" when it can."""
    try:
        (zen.compile_unary_expression if unary else zen.compile_expression)(expression)
    except RuntimeError as error:
        first = str(error).split("\n", 1)[0]
        try:
            return str(msgspec.json.decode(first)["source"])
        except (msgspec.DecodeError, KeyError, TypeError):
            return first
    return ""


def check_decision(
    decision: bytes, file: str, text: str, warehouses: Iterable[str], sites: Iterable[str], report: Report
) -> None:
    """Compiles the decision and each of its cells, and looks at what its tables can answer. `text` is the file's, for line numbers."""
    try:
        compiled(decision)
    except RoutingError as error:
        report.add("bad-routing", f"the decision does not compile: {error}", file=file, line=1)
        return
    content = msgspec.json.decode(decision)
    warehouses, sites = set(warehouses), set(sites)
    for node in content["nodes"]:
        if node.get("type") == "decisionTableNode":
            for message, clue, meant in _table(node.get("content") or {}, warehouses, sites):
                line, column = _find(text, clue)
                report.add("bad-routing", message, file=file, line=line, column=column, meant=meant)


def _table(table: Mapping[str, Any], warehouses: set[str], sites: set[str]) -> Iterator[tuple[str, str, str]]:
    inputs = {i["id"]: i.get("field") or "" for i in table.get("inputs") or []}
    outputs = {o["id"]: o.get("field") or "" for o in table.get("outputs") or []}
    for field in inputs.values():
        if field and re.fullmatch(r"\w+", field) and field not in ROUTED_BY:
            yield f"nothing is known of an order's `{field}`", f'"{field}"', did_you_mean(field, ROUTED_BY)
    if "warehouse" not in outputs.values():
        yield "no output column gives a `warehouse`", '"outputs"', ""
    for number, rule in enumerate(table.get("rules") or [], 1):
        where = f"rule {number}"
        clue = f'"{rule.get("_id", "")}"'
        for key, field in inputs.items():
            cell = str(rule.get(key) or "").strip()
            if cell and (reason := _broken(cell, unary=bool(field))):
                yield f"{where}, {field or key}: `{cell}` does not compile: {reason}", clue, ""
        for key, field in outputs.items():
            cell = str(rule.get(key) or "").strip()
            if cell and (reason := _broken(cell, unary=False)):
                yield f"{where}, {field}: `{cell}` does not compile: {reason}", clue, "texts stand in quotes"
            elif cell and (literal := _LITERAL.match(cell)):
                said = literal[1] or literal[2] or ""
                if field == "warehouse" and said not in warehouses:
                    yield f"{where}: no system `{said}` of role warehouse", clue, did_you_mean(said, warehouses)
                for site in said.split() if field == "sites" else [said] if field == "site" and said else []:
                    if site not in sites:
                        yield f"{where}: no site `{site}` in sites.csv", clue, did_you_mean(site, sites)


def _find(text: str, clue: str) -> Position:
    """Where `clue` first stands in the file: a rule's id in JSON; its line, in a table that came from CSV."""
    if match := re.fullmatch(r'"line (\d+)"', clue):
        return int(match[1]), 0
    offset = text.find(clue)
    if offset < 0:
        return 1, 0
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
