"""A plan in words, for people: what differs, and what will be done."""

import json
from typing import Any

from crossdock.workspace.compare import Change, Field
from crossdock.workspace.plan import Plan

_SIGNS = {"added": "+", "changed": "~", "removed": "-"}


def explain(plan: Plan) -> str:
    """The plan as text, a line per change and per stage."""
    lines = [f"Compared with {f'version {plan.base}' if plan.base else 'an empty database'}:"]
    if plan.nothing_to_do:
        lines.append("  nothing differs")
    for change in plan.changes:
        lines.append(f"  {_SIGNS[change.how]} {_named(change)}")
        lines += [f"      {_field(field)}" for field in change.fields]
    lines += ["", "Stages:"]
    lines += [f"  {number}. {stage.name}: {stage.words}" for number, stage in enumerate(plan.stages, 1)]
    lines += [f"Cannot be applied: {objection}" for objection in plan.objections]
    return "\n".join(lines)


def _named(change: Change) -> str:
    if not change.examples:
        return f"{change.what} {change.id}".rstrip()
    more = ", ..." if change.count > len(change.examples) else ""
    return f"{change.count:,} {change.what} {change.how}: {', '.join(change.examples)}{more}"


def _field(field: Field) -> str:
    return f"{field.name}: {_said(field.before)} -> {_said(field.after)}"


def _said(value: Any) -> str:
    return "(not there)" if value is None else json.dumps(value, ensure_ascii=False)
