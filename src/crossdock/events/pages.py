"""The reference of events, docs/reference/events.md: every type, what it tells and its fields, made of the structs in `types`."""

from typing import Any

from crossdock.events.event import SCHEMAS
from crossdock.events.schemas import data_schema, words_of
from crossdock.events.types import TYPES

_HEAD = """Every event is a CloudEvent 1.0 in structured JSON (`application/cloudevents+json`):

| attribute | holds |
| --- | --- |
| `id` | unique; it follows from the fact that the event tells of, so that announcing again makes the same |
| `source`, `specversion`, `datacontenttype` | `/crossdock`, `1.0`, `application/json` |
| `type` | one of those below |
| `subject` | the order or other key that it is about |
| `time` | when it happened, UTC |
| `partner` | whose data it is; lacking where it is nobody's, and then no partner is told |
| `sequence` | its place in the feed, a number as text: a reader goes on behind it |
| `dataschema` | where its JSON Schema is served |
| `data` | the fields below |

Quantities are in our stock unit, money in the order's currency; both are decimals written as text. Fields are added to a type over time, and a reader passes over those that
it does not know; what would break a reader is a type with a higher version. Every field is
written always; those marked *optional* may be lacking in events that an earlier release announced."""


def page_parts() -> list[str]:
    """The page's paragraphs, behind its title."""
    return [_HEAD, *(_type(type_) for type_ in TYPES)]


def _type(type_: str) -> str:
    schema = data_schema(type_)
    defs = schema.get("$defs", {})
    parts = [f"## {type_}", words_of(TYPES[type_]), _fields(schema)]
    parts += [
        f"Each of `{name}`: {defs[inner]['description']}\n\n{_fields(defs[inner])}" for name, inner in _nested(schema)
    ]
    return "\n\n".join([*parts, f"Schema: `GET {SCHEMAS}{type_}`"])


def _nested(schema: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, field["items"]["$ref"].rpartition("/")[2])
        for name, field in schema["properties"].items()
        if "$ref" in field.get("items", {})
    ]


def _fields(schema: dict[str, Any]) -> str:
    rows = ["| field | is |", "| --- | --- |"]
    required = schema.get("required", ())
    for name, field in schema["properties"].items():
        words = _kind(field) + (f", {field['description']}" if "description" in field else "")
        rows.append(f"| `{name}` | {words}{'' if name in required else ' (*optional*)'} |")
    return "\n".join(rows)


def _kind(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_kind(each) for each in field["anyOf"])
    if field.get("type") == "array":
        inner = field.get("items", {})
        return f"list of {inner['$ref'].rpartition('/')[2] if '$ref' in inner else _kind(inner)}"
    named = {"date-time": "moment", "date": "day", "decimal": "decimal"}.get(field.get("format", ""))
    kind = str(field.get("type", "anything"))
    return named or {"string": "text"}.get(kind, kind)
